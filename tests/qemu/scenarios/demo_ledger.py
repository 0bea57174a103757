# SPDX-License-Identifier: Apache-2.0
"""The ledger's story: attestation decides who may talk.

    L ──┐  10.0.0.3 and 10.0.0.5: sealbond-ledgerd, people's commands, an endpoint that lies and one of another chain
    A ──┼── switch        A and B: two devices, locked and enforcing in early boot; whom they may talk to, the
    B ──┤                 ledger decides
    B' ─┘                 later: a copy of B, TPM state and all

demo_ledger_faults.py goes on with the same machines. To be quick the guests are entered without firmware, and the
plant's lease is 60 s; the default is a day.
"""

import clones
from device import make_release_key
from plant import ADDRESS, PORT, PROGRAMS, Ledger, Unattended, add_all, root_certificate
from timeline import Timeline

DEMO = True
LAB = "demo_ledger"

TRUE, LIAR, OTHER = f"http://10.0.0.5:{PORT}", f"http://{ADDRESS}:26658", f"http://{ADDRESS}:26659"
LEASE_S = 60
PCRS = (7, 10)


def test_ledger(lab, t):
    t.step("A ledger starts, on a machine of its own. It trusts the CA that has certified these TPMs.")
    guest, = lab.boot(lab.guest("l", files=PROGRAMS))
    ledger = Ledger(guest)
    ledger.make(options="", endpoints=",".join((TRUE, LIAR, OTHER)), root=root_certificate())
    guest.run("ip addr add 10.0.0.5/24 dev eth0")
    head = ledger.head()
    t.check("it makes blocks, and people's commands prove them", head["proven"] and head["height"] > 0, head)
    guest.run("sealbond init --home /root/other --chain plant-2")
    for command, ready in (("sealbond-ledgerd run --home /root/other --listen 0.0.0.0:26659", "listening"),
                           (f"liar 26658 127.0.0.1 {PORT} /root/lie", "ready")):
        guest.start(f"exec {command}").expect(ready, timeout=60)
    ledger.change_parameters(enrolment=3, lease=LEASE_S, heartbeat_least=2, match_references=True, quarantine=True,
                             pcrs=sum(1 << pcr for pcr in PCRS))
    parameters = ledger.ask("ledger show parameters")["record"]
    t.check("its members have decided: a manufacturer's certificate and a proof by the TPM, "
            f"measured states that are known, a lease of {LEASE_S} s",
            parameters["enrolment"] == 3 and parameters["match_references"] and parameters["lease"] == LEASE_S,
            parameters)
    lab.plant = {"ledger": ledger}


def test_enrolment(lab, t):
    ledger = lab.plant["ledger"]
    t.step("A and B are switched on. Nobody does anything on them.")
    private, public = make_release_key(lab.directory)
    a, b = (Unattended(lab.guest(name), n, ledger, public) for n, name in ((1, "a"), (2, "b")))
    lab.plant.update(a=a, b=b)
    lab.boot(a.guest, b.guest)
    for d in (a, b):
        t.must(f"{d.guest.name.upper()} asks the ledger for admission", d.wait_lease("enrolling"), d.why())
        d.approve(lab, private)
    values = " ".join(f"{pcr}=" + a.guest.out(f"cat /sys/class/tpm/tpm0/pcr-sha256/{pcr}") for pcr in PCRS)
    ledger.member(f"reference add image-1 {values}")
    ledger.serve_enrolments()
    for d in (a, b):
        t.must(f"{d.guest.name.upper()}'s certificate leads to the trusted CA, and its TPM has opened what only it can",
               d.wait_lease("awaiting-approval"), d.why())
        d.learn_id()
    t.check("nothing flows yet: they have no peer", a.ask("peers")["peers"] == [], a.ask("peers"))
    r = a.ping(b.wire4, count=2)
    t.check("nor in clear", not r, r)


def test_approval(lab, t):
    ledger, a, b = (lab.plant[name] for name in ("ledger", "a", "b"))
    t.step("Their owner approves both, and puts them into one zone.")
    for d in (a, b):
        ledger.owner(f"device approve {d.id}")
    for d in (a, b):
        t.must(f"{d.guest.name.upper()} has a live lease", d.wait_lease("lease-live"), d.why())
    add_all(t, ledger, a, b)
    lab.plant["inner"] = {d: d.inner() for d in (a, b)}
    r = a.ping(b.inner())
    t.check("traffic flows", r and " 0% packet loss" in r.out, r)
    t.note(a.cli("lease", check=False).out)
    status = a.ask("status")
    t.check("peers come by signed grants, to locked devices",
            not {"unsigned-grants", "not-locked"} & set(status["gaps"]), status)


def test_changed(lab, t):
    ledger, a, b = (lab.plant[name] for name in ("ledger", "a", "b"))
    inner = lab.plant["inner"]
    t.step("B's measured state changes while it runs: PCR 10 is extended, as for a program that nobody has approved.")
    timeline = Timeline(a, b)
    stream = b.guest.start(f"exec ping -n -i 0.1 -W 1 {inner[a]}")
    began = timeline.now(ledger.guest)
    b.guest.run("tpm2_pcrextend 10:sha256=" + "5a" * 32)
    t.must("B's next heartbeat tells it to the ledger: its lease goes, into quarantine", b.wait_lease("quarantined"),
           b.why())
    t.check("A drops B's traffic", a.guest.wait_for(f"! ping -n -c 1 -W 1 {inner[b]}", timeout=60))
    stream.stop(9)
    after = timeline.last_answer() - began
    t.note(f"{after:.1f} s after the change A had answered B for the last time. A heartbeat is due each "
           f"{LEASE_S / 6:.0f} s here.")
    t.note(b.cli("lease", check=False).out)
    record = ledger.record(b)
    t.check("the ledger says why", record["state"] == "quarantined" and "reference" in record["record"]["why"], record)


def test_clone(lab, t):
    ledger, a, b = (lab.plant[name] for name in ("ledger", "a", "b"))
    t.step("B is repaired: switched off, and on again. Meanwhile somebody has copied its disk and its TPM's state.")
    twin = clones.copied(lab, t, b, "copy", "10.0.0.4")
    t.must("and to its bond: the measured state is the known one again", b.wait_bond() and a.wait_bond(),
           b.ask("status"))
    t.step("The copy comes up beside B.")
    incident = clones.frozen(lab, t, ledger, a, b, twin)
    r = a.ping(lab.plant["inner"][b], count=2)
    t.check("nobody reaches either of them", not r, r)
    t.note(b.cli("lease", check=False).out)
    t.step("B's owner finds the copy, switches it off and resolves the incident.")
    clones.resolved(t, ledger, a, b, twin, incident)
    r = a.ping(lab.plant["inner"][b])
    t.check("traffic flows again", r and " 0% packet loss" in r.out, r)
