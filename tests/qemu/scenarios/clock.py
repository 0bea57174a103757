# SPDX-License-Identifier: Apache-2.0
"""Wall clocks that are wrong, differ, and jump: nothing of a bond may depend on them."""

import bonded

LAB = "hostile"
YEARS = ("1970-01-02", "2100-06-01")


def set_clock(side, day):
    side.run(f"date -s '{day} 00:00'")


def test_clock(lab, t):
    pair = bonded.pair(lab)
    a, b = pair.sides
    now = a.out("date '+%Y-%m-%d %H:%M:%S'")
    try:
        for mine, theirs in (YEARS, YEARS[::-1]):
            set_clock(a, mine)
            set_clock(b, theirs)
            pair.up()
            t.check(f"{mine[:4]} and {theirs[:4]}: a bond begins and works", pair.pings())
            for first in pair.sides:
                pair.start(first)
            t.check("and rotates from both ends", pair.agreed() and pair.pings(), pair.identity())
        for side, day, words in ((a, YEARS[0], "back by 130 years"), (b, YEARS[1], "on by 130 years")):
            before = pair.identity()
            # a stream that must not notice
            with side.events() as events:
                set_clock(side, day)
                t.check(f"a clock set {words} under a live bond: it works on", pair.pings())
                after = pair.identity()
                t.check("the same epoch, and it did not end", after == before and not events.all("bond-ended"),
                        (before, after, events.all()))
            lease = side.bond(b if side is a else a)["lease"]
            t.check("the lease has not noticed", bonded.LEASE_MS - 600_000 < lease <= bonded.LEASE_MS, lease)
            pair.start(a)
            t.check("the next epoch is the one that carries traffic, older or newer by the clock as it may be",
                    pair.agreed() and pair.pings())
            before = [side.bond(other)["sequence"] for side, other in ((a, b), (b, a))]
            pair.pings()
            after = [side.bond(other)["sequence"] for side, other in ((a, b), (b, a))]
            t.check("at both ends", all(y > x + 5 for x, y in zip(before, after)), (before, after))
        with a.events() as events:
            a.peer(b, lease=2000)
            began = a.uptime()
            set_clock(a, YEARS[0])
            ended = events.await_one("bond-ended")
            took = a.uptime() - began
            t.check("a lease ends at its time though the clock was set back meanwhile",
                    bonded.ENDS[ended["reason"]] == "lease" and 1.5 < took < 5, (ended, took))
    finally:
        for side in pair.sides:
            side.run(f"date -s '{now}'")
