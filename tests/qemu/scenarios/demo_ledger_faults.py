# SPDX-License-Identifier: Apache-2.0
"""The second half of the ledger's demonstration, with the machines of demo_ledger.py: endpoints that lie, a ledger
that is down, a device that was off for a year, and one that is revoked.

    L ──┐
    A ──┼── switch
    B ──┘
"""

import json
import os

from image import BUILD
from plant import PORT
from process import wait_until
from timeline import Timeline

DEMO = True
LAB = "demo_ledger"

YEAR_S = 365 * 86400
FIGURES = os.path.join(BUILD, "demo-figures.json")


def wait_trouble(device, url, name):
    """Until a device says so of one of its endpoints; false if it does not in time."""
    try:
        command = f"sealbond ledger --json | tr '{{' '\\n' | grep '{url}' | grep -q '{name}'"
        return device.guest.wait_for(command, timeout=180)
    except TimeoutError:
        return False


def test_liars(lab, t):
    ledger, a, b = (lab.plant[name] for name in ("ledger", "a", "b"))
    t.step("A has several endpoints. The honest one is out of reach, and one lies about records.")
    ledger.guest.run("touch /root/lie; ip addr del 10.0.0.5/24 dev eth0")
    t.check("it is caught by name: wrong-proof", wait_trouble(a, ":26658", "wrong-proof"),
            a.ask("ledger"))
    t.note(a.cli("ledger", check=False).out)
    r = a.ping(lab.plant["inner"][b])
    t.check("A believes nothing of it, and traffic goes on", r and " 0% packet loss" in r.out, r)
    ledger.guest.run("rm /root/lie; ip addr add 10.0.0.5/24 dev eth0")
    t.check("with the honest one back A's lease is renewed", heard_again(a), a.why())


def heard_again(device):
    """Until a heartbeat was taken from now on, and nothing is wrong."""
    before = device.lease()["heartbeats"]
    return device.guest.wait_for("sealbond lease --json | grep '\"lease-live\"' | grep '\"trouble\": *null' | "
                                 f"grep -vE '\"heartbeats\": *{before},'", timeout=180)


def test_down(lab, t):
    ledger, a, b = (lab.plant[name] for name in ("ledger", "a", "b"))
    t.step("The ledger is down, for longer than a lease. This plant's word for that: on_ledger_loss = hold.")
    ledger.stop()
    r = a.ping(lab.plant["inner"][b])
    t.check("traffic goes on with the lease", r and " 0% packet loss" in r.out, r)
    t.check("the lease has ended, and is held", a.wait_lease("lease-held") and b.wait_lease("lease-held"), a.why())
    t.note(a.cli("lease", check=False).out)
    t.check("an endpoint that still answers serves another chain; it is caught by name: other-chain",
            wait_trouble(a, ":26659", "other-chain"), a.ask("ledger"))
    r = a.ping(lab.plant["inner"][b])
    t.check("traffic goes on beyond it", r and " 0% packet loss" in r.out, r)
    ledger.start()
    t.check("the ledger is back, and both leases are renewed by themselves", heard_again(a) and heard_again(b),
            a.lease())
    t.check("the bond is there", a.wait_bond() and b.wait_bond(), a.ask("status"))
    r = a.ping(lab.plant["inner"][b])
    t.check("and carries", r and " 0% packet loss" in r.out, r)


def test_year(lab, t):
    ledger, a, b = (lab.plant[name] for name in ("ledger", "a", "b"))
    t.step("A is switched off for a year. The plant goes on without it; its members sign checkpoints.")
    a.guest.shutdown()
    now = ledger.head()["time"]
    ledger.stop()
    ledger.guest.run(f"date -s @$(($(date +%s) + {YEAR_S}))")
    ledger.start()
    wait_until(lambda: ledger.head()["time"] > now + YEAR_S, 90, "blocks of a year later")
    done = ledger.member("member checkpoint")
    t.check("the member's checkpoint is complete", done["complete"], done)
    t.check("B, which was on, has its lease", heard_again(b), b.lease())
    a.command_line(f"ahead={YEAR_S}")
    a.guest.start_up()
    t.must("A is switched on, with a clock that is right. Nobody is there, and it has a lease again",
           a.wait_lease("lease-live"), a.why())
    t.check("by the members' checkpoint: no validator of a year ago proves anything",
            a.guest.nics[0].capture.having(b'"path":"/checkpoint"'))
    t.must("and its bond", a.wait_bond() and b.wait_bond(), a.ask("status"))
    r = a.ping(lab.plant["inner"][b])
    t.check("traffic flows", r and " 0% packet loss" in r.out, r)


def test_revoked(lab, t):
    ledger, a, b = (lab.plant[name] for name in ("ledger", "a", "b"))
    t.step("B is stolen. Its thief ends the helper, so that B does not hear what its owner says now: B is revoked.")
    b.guest.run("killall -9 sealbondd sealbondd-tpm sealbondd-ledger", check=False)
    stream = b.guest.start(f"exec ping -n -i 0.02 -W 1 {lab.plant['inner'][a]}")
    stream.expect("icmp_seq=10", timeout=60)
    timeline = Timeline(a, b)
    mark, pattern = timeline.mark_command(ledger.guest)
    said = ledger.guest.run(f"sealbond --json device revoke {b.id} --why stolen --key /root/owner.key "
                            f"--ledger /root/home/ledger.conf; {mark}", timeout=120).out
    height = json.loads(said.splitlines()[-1])["height"]
    t.must("A drops B's traffic, although B still sends it", a.wait_no_peer() and
           a.guest.wait_for("sealbond drops --json | grep -q unknown-spi"), a.ask("peers"))
    returned, block = timeline.time_of(pattern), timeline.heard_of_block(height, PORT)
    dropped = timeline.first_unanswered()
    stream.stop(9)
    t.must("the cable has seen it", dropped is not None)
    figures = {"revoke_to_drop_ms": max(0, round(1000 * (dropped - returned))),
               "block_to_drop_ms": max(0, round(1000 * (dropped - block)))}
    with open(FIGURES, "w", encoding="ascii") as f:
        json.dump(figures, f)
        f.write("\n")
    t.note(f"revoke_to_drop_ms {figures['revoke_to_drop_ms']}, block_to_drop_ms {figures['block_to_drop_ms']}, by the "
           "clock of A's network card")
    t.check("at most 3 s after the command's return", dropped - returned <= 3, figures)
    t.check("at most 1 s after A was shown the block", dropped - block <= 1, figures)
    r = b.ping(lab.plant["inner"][a], count=2)
    t.check("nothing of B's arrives any more", not r, r)
