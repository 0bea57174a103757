# SPDX-License-Identifier: Apache-2.0
"""Two devices whose peers come from a ledger: enrolment by their TPMs, leases, grants that the kernel checks.

    A ──┐
    B ──┼── switch
    L ──┘  10.0.0.3: sealbond-ledgerd, and people's commands

ledger_attacker.py goes on with the same machines.
"""

import re

from bonded import TOOLS
from device import make_release_key
from plant import PROGRAMS, Bench, Ledger, add_all
from process import wait_until

MINUTES = 3
LAB = "ledger"
PORT, OTHER = 7000, 7001

plant = {}


def count(drops, reason):
    return next((d["count"] for d in drops["drops"] if d["reason"] == reason), 0)


def test_ledger(lab, t):
    l, *guests = lab.boot(lab.guest("l", files=PROGRAMS), lab.guest("a", files=TOOLS), lab.guest("b", files=TOOLS))
    ledger = plant["ledger"] = Ledger(l).make()
    _, public = make_release_key(lab.directory)
    a, b = plant["a"], plant["b"] = [Bench(g, n + 1) for n, g in enumerate(guests)]
    lab.plant = plant
    for d in (a, b):
        d.set_up(ledger, public)
    for d in (a, b):
        t.must("keys are made", d.wait_state("keys-ready", timeout=180) == "keys-ready", d.ask("key"))
        t.must("it asks for admission by itself", d.wait_lease("enrolling"), d.why())


def test_admission(lab, t):
    ledger, a, b = (plant[name] for name in ("ledger", "a", "b"))
    ledger.serve_enrolments("--any")
    for d in (a, b):
        t.must("its TPM opens what the enroller has made for it", d.wait_lease("awaiting-approval"), d.why())
        d.learn_id()
    ledger.enroller.stop()
    r = a.cli("lease", check=False)
    t.check("the exit code is the state's", r.code == 31, r)
    r = a.cli("status", check=False)
    t.check("status's too", r.code == 31 and "awaiting-approval" in r.out, r)
    t.check("and it has no peer, nor an address", a.ask("peers")["peers"] == [], a.ask("peers"))
    for d in (a, b):
        ledger.owner(f"device approve {d.id}")
    for d in (a, b):
        t.must("approved: a live lease", d.wait_lease("lease-live"), d.why())


def test_zone(lab, t):
    ledger, a, b = (plant[name] for name in ("ledger", "a", "b"))
    add_all(t, ledger, a, b)
    status = a.ask("status")
    t.check("no gap for unsigned peers", "unsigned-grants" not in status["gaps"], status)
    plant["inner"] = {d: d.inner() for d in (a, b)}
    peer = a.ask("peers")["peers"][0]
    t.check("the kernel's grant reaches over the ledger's hold", peer["hold_ms"] == 3 * 86400000 and not peer["held"] and
            0 < peer["lease_ms"] <= 86400000, peer)
    t.check("addresses by the ledger", plant["inner"][a] != plant["inner"][b], plant["inner"])
    r = a.ping(plant["inner"][b])
    t.check("traffic flows", r, r)
    a.cli("mode enforce")
    b.cli("mode enforce")
    r = a.ping(plant["inner"][b])
    t.check("in mode enforce too", r, r)
    r = a.guest.run("sealbond attest", check=False, timeout=90)
    t.check("and the ledger is heard", r.code in (0, 25), r)
    status, text = a.ask("status"), a.guest.run("sealbond status", check=False)
    t.check("status has the lease beside the bonds", status["lease"]["state"] == "lease-live" and
            80_000_000 < status["lease"]["ends_in_ms"] <= 86_400_000 and
            status["lease"]["last_quote_age_ms"] < 600_000, status)
    t.check("in words too, and its exit code is 0", "lease-live" in text.out and "last quote" in text.out and
            text.code == 0, text)


def test_way_to_the_ledger(lab, t):
    """In mode enforce the helper's sockets reach the ledger, and nobody else's do."""
    a = plant["a"]
    ways = [e for e in a.ask("exceptions")["exceptions"] if e["kind"] == "ledger"]
    t.check("the way is there unasked, and was used", [(e["remote"], e["remote_port"]) for e in ways] ==
            [("10.0.0.3/32", 26657)] and ways[0]["passed"] > 10, ways)
    capture, before = a.guest.nics[0].capture, a.ask("drops")
    mark = capture.mark()
    r = a.guest.run("printf 'GET /status HTTP/1.0\\r\\n\\r\\n' | nc -p 4444 -w 2 10.0.0.3 26657", check=False)
    a.ping(plant["inner"][plant["b"]], count=1)
    others = [str(f) for f in capture.frames(mark) if 4444 in (f.sport, f.dport)]
    t.check("another program's packets do not leave", not r and not others, (r, others))
    t.check("counted as ledger-socket", count(a.ask("drops"), "ledger-socket") > count(before, "ledger-socket"),
            a.ask("drops"))


def test_profile(lab, t):
    """What the owner has set on the ledger, as far as the device's configuration lets it."""
    a, b = plant["a"], plant["b"]

    def profile(words, until):
        plant["ledger"].owner(f"profile set {a.id} --zone /root/pumps.zone {words}")
        return a.guest.wait_for(f"sealbond lease --json | grep -q '\"profile\": *\"version {until}'", timeout=60)

    t.must("a profile comes to the device", profile("--mode observe --exception arp --exception icmp-error", "1, mode observe, "
                                                    "exceptions: in force"), a.lease())
    status, names = a.ask("status"), [e["name"] for e in a.ask("exceptions")["exceptions"]]
    t.check("its mode is in force", status["mode"] == "observe", status)
    t.check("and of the exceptions those that it names, and the way to the ledger",
            sorted(names) == ["arp", "icmp-error", "ledger-1"], names)
    t.check("one that the configuration does not have is not taken over, and why is said",
            profile("--mode enforce --exception ntp", "2, mode enforce; not taken over: exceptions: the configuration has none "
                    "called ntp"), a.lease())
    t.check("its mode is", a.ask("status")["mode"] == "enforce", a.ask("status"))
    t.check("without any of its own all of the configuration's are in force", profile("--mode enforce", "3, mode enforce, "
            "exceptions: in force") and len(a.ask("exceptions")["exceptions"]) == 4, (a.lease(), a.ask("exceptions")))
    r = a.ping(plant["inner"][b])
    t.check("traffic flows", r, r)


def test_helper_restart(lab, t):
    """Bonds outlive the helper, and the new one finds them."""
    a, b = plant["a"], plant["b"]
    before = a.ask("peers")["peers"]
    a.restart()
    t.must("a live lease again", a.wait_lease("lease-live"), a.why())
    t.check("the same bond", a.wait_bond(90) and a.ask("peers")["peers"][0]["device_id"] == before[0]["device_id"],
            a.ask("peers"))
    r = a.ping(plant["inner"][b])
    t.check("traffic flows", r, r)


def test_link_role_killed(lab, t):
    """It alone is started again: it hears the device's addresses anew, and bonds are made again, too."""
    ledger, a, b = (plant[name] for name in ("ledger", "a", "b"))
    old = a.roles()
    a.guest.run(f"kill -SEGV {old['link']}")
    a.guest.wait_for(f"! test -d /proc/{old['link']}")
    wait_until(lambda: a.roles().get("link", old["link"]) != old["link"], 60, "the link role again", 0.1)
    t.check("the link role, when killed, is started again, and it alone", a.roles()["parent"] == old["parent"], a.roles())
    t.check("it has the addresses of the ledger again", a.guest.wait_for("sealbond status | grep -q 'Helper:     running'"),
            a.cli("status", check=False))
    t.check("the bond is there", a.wait_bond(90) and a.ping(plant["inner"][b]), a.why())
    ledger.owner(f"zone remove {b.id} --zone /root/pumps.zone")
    for d in (a, b):
        t.must("B leaves the zone: no peer", d.wait_no_peer(), d.ask("peers"))
    ledger.add_to_zone(b)
    for d in (a, b):
        t.must("and when it comes back, its grant is admitted and a bond is made", d.wait_bond(180), d.why())
    t.check("traffic flows", a.ping(plant["inner"][b]), a.why())


def test_rekey(lab, t):
    """A new zone key, for devices that nobody is at: their bonds go on."""
    ledger, a, b = (plant[name] for name in ("ledger", "a", "b"))
    a.guest.run(f"ping -i 0.2 {plant['inner'][b]} >/tmp/flow 2>&1 & echo $! >/tmp/flow.pid")
    said = ledger.owner("zone rekey --zone /root/pumps.zone")
    t.check("both were told the new key", said.get("told") == 2 and said.get("left") == 0, said)
    for d in (a, b):
        t.check("the zone is read by the new key", d.guest.wait_for(
            "sealbond lease --json | grep -q '\"zone_devices\": *1,'", timeout=60), d.lease())
    a.guest.run("kill -INT $(cat /tmp/flow.pid)")
    r = a.guest.wait_for("grep 'packets transmitted' /tmp/flow").out
    sent, received = (int(n) for n in re.search(r"(\d+) packets transmitted, (\d+) (?:packets )?received", r).groups())
    # The last one may be on its way still.
    t.check("and no packet was lost meanwhile", sent > 10 and received >= sent - 1, r)
    shown = ledger.ask("zone show --zone /root/pumps.zone")
    t.check("nothing is due", shown["rekey_due"] is False and len(shown["devices"]) == 2, shown)


def test_loss(lab, t):
    ledger, a, b = (plant[name] for name in ("ledger", "a", "b"))
    ledger.stop()
    r = a.ping(plant["inner"][b], count=20)
    t.check("the ledger is down, and traffic flows", r, r)
    t.check("the lease goes on", a.lease()["state"] == "lease-live", a.lease())
    ledger.start()
    heard = "sealbond lease --json | grep -q '\"trouble\": *null'"
    t.check("and it is heard again", a.guest.wait_for(heard, timeout=120), a.lease())


def connects(port):
    """From A to B, where somebody listens."""
    return bool(plant["a"].guest.run(f"iperf3 -c {plant['inner'][plant['b']]} -p {port} -n 1 --connect-timeout 2000",
                                     check=False, timeout=60))


def test_two_zones(lab, t):
    ledger, a, b = (plant[name] for name in ("ledger", "a", "b"))
    plant["listeners"] = [b.guest.start(f"exec iperf3 -s --forceflush -p {port}") for port in (PORT, OTHER)]
    for job in plant["listeners"]:
        job.expect("listening")
    t.check("in one zone every port passes", connects(PORT) and connects(OTHER))
    for name, options in (("valves", ""), ("conduit", f" --conduit --allow tcp/{PORT}")):
        ledger.ask(f"zone key --out /root/{name}.zone --name {name}")
        ledger.member(f"zone create --zone /root/{name}.zone{options}")
    ledger.owner(f"zone remove {b.id} --zone /root/pumps.zone")
    for d in (a, b):
        t.must("a device that has left the zone and those in it are no peers", d.wait_no_peer(), d.ask("peers"))
    t.check("and nothing passes", not connects(PORT))


def test_conduit(lab, t):
    """Between two zones: for one port, and as long as the ledger says so."""
    ledger, a, b = (plant[name] for name in ("ledger", "a", "b"))
    for d, zone in ((a, "pumps"), (b, "valves")):
        ledger.owner(f"zone add {d.id} --zone /root/{zone}.zone --name {d.guest.name} --conduits /root/conduit.zone")
    for d in (a, b):
        t.must("a conduit makes a bond between the zones", d.wait_bond(180), d.why())
    peer = a.ask("peers")["peers"][0]
    t.check("the kernel has it for this port only", peer["allowed"] == [f"tcp/{PORT}"], peer)
    t.check("the port that it is for passes", connects(PORT), a.why())
    before = count(a.ask("drops"), "conduit")
    t.check("another port does not, nor another protocol", not connects(OTHER) and not a.ping(plant["inner"][b], count=1))
    t.check("both are counted as conduit", count(a.ask("drops"), "conduit") >= before + 2, a.ask("drops"))
    ledger.owner(f"zone remove {a.id} --zone /root/conduit.zone")
    for d in (a, b):
        t.must("when one of them is removed from it on the ledger both kernels end the bond", d.wait_no_peer(), d.ask("peers"))
    t.check("the port is closed", not connects(PORT))
    t.check("and both have a live lease", [d.lease()["state"] for d in (a, b)] == ["lease-live"] * 2, a.why())


def test_one_zone(lab, t):
    ledger, a, b = (plant[name] for name in ("ledger", "a", "b"))
    for d in (a, b):
        ledger.add_to_zone(d)
    for d in (a, b):
        t.must("in one zone again they have a bond", d.wait_bond(180), d.why())
    t.check("for everything", connects(OTHER) and a.ping(plant["inner"][b]), a.ask("peers"))
    for job in plant["listeners"]:
        job.stop()
