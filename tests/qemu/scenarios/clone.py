# SPDX-License-Identifier: Apache-2.0
"""Two guests speak with one TPM's state: both are frozen, until the owner has looked.

    L ──┐  10.0.0.3: sealbond-ledgerd, and people's commands
    A ──┼── switch
    B ──┤
    B' ─┘  10.0.0.4: a copy of B's TPM state and disk
"""

import clones
from device import make_release_key
from plant import PROGRAMS, Ledger, Unattended, admit, root_certificate

MINUTES = 2

plant = {}


def test_plant(lab, t):
    ledger = plant["ledger"] = Ledger(*lab.boot(lab.guest("l", files=PROGRAMS)))
    ledger.make(options="", root=root_certificate())
    ledger.change_parameters(enrolment=3, lease=60, heartbeat_least=2)
    ledger.serve_enrolments()
    private, public = make_release_key(lab.directory)
    a, b = plant["a"], plant["b"] = [Unattended(lab.guest(name), n, ledger, public) for n, name in ((1, "a"), (2, "b"))]
    lab.boot(a.guest, b.guest)
    for d in (a, b):
        t.must("keys are made in early boot", d.wait_state("keys-ready", timeout=180) == "keys-ready", d.ask("key"))
        d.approve(lab, private)
    admit(t, ledger, a, b)
    r = a.ping(b.inner())
    t.check("traffic flows", r, r)


def test_copied(lab, t):
    plant["copy"] = clones.copied(lab, t, plant["b"], "copy", "10.0.0.4")
    t.must("and to its bond", plant["a"].wait_bond() and plant["b"].wait_bond(), plant["b"].ask("status"))


def test_frozen(lab, t):
    a, b, twin = (plant[name] for name in ("a", "b", "copy"))
    inner = b.inner()
    plant["incident"] = clones.frozen(lab, t, plant["ledger"], a, b, twin)
    r = a.ping(inner, count=2)
    t.check("nobody reaches either of them", not r, r)


def test_resolved(lab, t):
    a, b, twin = (plant[name] for name in ("a", "b", "copy"))
    clones.resolved(t, plant["ledger"], a, b, twin, plant["incident"])
    r = a.ping(b.inner())
    t.check("traffic flows again", r, r)
