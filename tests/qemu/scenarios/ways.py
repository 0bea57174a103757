# SPDX-License-Identifier: Apache-2.0
"""Root on A, locked, tries every way out and in that we know. The wire, B and C decide.

    A ──┐
    B ──┼── switch        C is a port of the host's own; A has a second card on the same switch
    C ──┘

The ways are tables in tests/qemu/ways: each is blocked, or ends the bonds, or is named in SECURITY.md. In mode off
each is seen to leak first, where it can be: a way that never leaks shows nothing.
"""

import os
import re

from ways import around, control, devices, inward, send, smuggle
from ways.rig import ALLOWED, Rig

LAB = "ways"
MINUTES = 6
# ending a bond or not, these leave A as it was
BLOCKED = send.WAYS + devices.WAYS + around.BLOCKED + inward.BLOCKED
CONTROL = control.NETLINK + control.TPM + control.XFRM + control.REWRITE + control.HELPER
WATCHED = around.WATCHED
OUTSIDE = smuggle.WAYS + inward.OPEN + around.BELOW
EVERY = BLOCKED + CONTROL + WATCHED + OUTSIDE + control.LAST

# WAYS_EARLY=1: A boots a measured image with OVMF, which locks it before any interface is up, and opens its keys
EARLY = bool(os.environ.get("WAYS_EARLY"))
# WAYS=REGEX tries only those whose names it finds
CHOSEN = re.compile(os.environ.get("WAYS", ""))

plant = {}


def chosen(ways):
    return [way for way in ways if CHOSEN.search(way.name)]


def test_start(lab, t):
    names = [way.name for way in EVERY]
    t.must(f"{len(names)} ways, each with a name of its own", len(set(names)) == len(names) >= 40, names)
    plant["rig"] = Rig(lab, t)
    plant["rig"].start(EARLY)


def test_mode_off(lab, t):
    rig = plant["rig"]
    if EARLY:
        t.note("(its image has locked A: that the ways leak in mode off shows a run without WAYS_EARLY)")
        return
    rig.leak_when_off([way for way in chosen(EVERY) if way.off is True and way not in control.LAST + smuggle.WAYS])
    rig.restore()


def test_lock(lab, t):
    rig = plant["rig"]
    if not EARLY:
        r = rig.lock()
        t.check("A is locked", r, r)
    gaps = rig.a.ask("status")["gaps"]
    t.must(f"status says what is still open: {', '.join(gaps)}", "not-locked" not in gaps and
           ("late-keys" in gaps) != EARLY, gaps)
    t.check("the bond works", rig.restore(), rig.a.cli("status", check=False))


def test_blocked(lab, t):
    rig = plant["rig"]
    for way in chosen(BLOCKED):
        rig.holds(way)
    rig.restore()


def test_control(lab, t):
    rig = plant["rig"]
    for way in chosen(CONTROL):
        rig.holds(way)
        if way.name == "helper-kill":
            rig.a.start()
        rig.restore()


def test_all_that_left(lab, t):
    """Of everything until here, not by any pattern."""
    rig = plant["rig"]
    other = [f for f in rig.sent(rig.since, lambda f: f.kind not in ALLOWED) if b"probe" not in f.data]
    t.check("all that A sent meanwhile: handshakes, ESP, look-ups, and what a named exception lets pass", not other,
            "\n".join(map(str, other[:10])))
    heard = [line for line in rig.heard_by["b"].out.splitlines() if "heard=wayL" in line
             and not line.endswith((rig.b.inner4, rig.b.inner6)) and line.split()[0][len("heard="):] not in rig.of_c]
    t.check("B has heard nothing of A's but through the bond", not heard, heard[:5])


def test_watched(lab, t):
    rig = plant["rig"]
    for way in chosen(WATCHED):
        rig.holds(way)
        t.check(f"way-{way.name}: undone, the bond comes back", rig.restore(), rig.status())


def test_outside(lab, t):
    rig = plant["rig"]
    for way in chosen(OUTSIDE):
        rig.holds(way)


def test_last(lab, t):
    rig = plant["rig"]
    for way in chosen(control.LAST):
        rig.holds(way)
