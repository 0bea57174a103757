# SPDX-License-Identifier: Apache-2.0
"""Two devices whose peers come from a ledger: enrolment by their TPMs, leases, grants that the kernel checks.

    A ──┐
    B ──┼── switch
    L ──┘  10.0.0.3: sealbond-ledgerd, and people's commands
"""

import json
import os
import re

from device import TOOLS, Device, make_release_key
from image import BUILD

LAB = "ledger"
URL = "http://10.0.0.3:26657"
PEOPLE = {"/usr/sbin/sealbond-ledgerd": os.path.join(BUILD, "sealbond-ledgerd"),
          "/usr/libexec/sealbond/sealbond-people": os.path.join(BUILD, "sealbond-people")}
SECTIONS = """[device]
chain = {chain}
[peers]
grant_keys = /etc/sealbond/grant_key.pub.pem
threshold = 1
[ledger]
endpoints = {endpoints}
trust_hash = {trust_hash}
owner = {owner}
[exception arp]
kind = arp
[exception nd]
kind = nd
[exception icmp-error]
kind = icmp-error
"""

plant = {}


def people(words, timeout=120):
    """One of people's commands, on L."""
    text = plant["l"].run(f"sealbond --json {words}", timeout=timeout).out.strip().splitlines()
    return json.loads(text[-1]) if text else {}


def owner(words):
    return people(f"{words} --key /root/owner.key --ledger /root/home/ledger.conf")


def count(drops, reason):
    return next((d["count"] for d in drops["drops"] if d["reason"] == reason), 0)


def lease(device):
    return device.ask("lease")


def wait_lease(device, state, timeout=120):
    return device.guest.wait_for(f"sealbond lease --json | grep -q '\"state\": *\"{state}\"'", timeout=timeout)


def test_ledger(lab, t):
    l, *guests = lab.boot(lab.guest("l", files=PEOPLE), lab.guest("a", files=TOOLS), lab.guest("b", files=TOOLS))
    plant["l"] = l
    l.run("ip link set lo up; ip link set eth0 up; ip addr add 10.0.0.3/24 dev eth0; mkdir -p /root")
    people(f"init --home /root/home --chain plant-1 --bench --endpoint {URL}")
    plant["daemon"] = l.start("exec sealbond-ledgerd run --home /root/home --listen 10.0.0.3:26657 --idle 5s")
    plant["daemon"].expect("listening", timeout=60)
    given = people("init --home /root/home --config")
    given["owner"] = people("owner key --out /root/owner.key")["public"]
    _, public = make_release_key(lab.directory)
    a, b = plant["a"], plant["b"] = [Device(g, n + 1) for n, g in enumerate(guests)]
    for d in (a, b):
        d.cable()
        d.install(public)
        d.configure(extra=SECTIONS.format(**given))
        d.guest.put(l.get("/root/home/grant_key.pub.pem"), "/etc/sealbond/grant_key.pub.pem")
        d.start()
    for d in (a, b):
        t.must("keys are made", d.wait_state("keys-ready", timeout=180) == "keys-ready", d.ask("key"))
        t.must("it asks for admission by itself", wait_lease(d, "enrolling"), lease(d))


def test_admission(lab, t):
    a, b = plant["a"], plant["b"]
    enroller = plant["l"].start("exec sealbond enroller serve --any --key /root/home/enroller.key "
                                "--ledger /root/home/ledger.conf")
    for d in (a, b):
        t.must("its TPM opens what the enroller has made for it", wait_lease(d, "awaiting-approval"), lease(d))
        plant[d] = lease(d)["device_id"]
    enroller.stop()
    r = a.cli("lease", check=False)
    t.check("the exit code is the state's", r.code == 31, r)
    r = a.cli("status", check=False)
    t.check("status's too", r.code == 31 and "awaiting-approval" in r.out, r)
    t.check("and it has no peer, nor an address", a.ask("peers")["peers"] == [], a.ask("peers"))
    for d in (a, b):
        owner(f"device approve {plant[d]}")
    for d in (a, b):
        t.must("approved: a live lease", wait_lease(d, "lease-live"), lease(d))


def test_zone(lab, t):
    a, b = plant["a"], plant["b"]
    people("zone key --out /root/pumps.zone --name pumps")
    people("zone create --zone /root/pumps.zone --key /root/home/member.key --ledger /root/home/ledger.conf")
    for d in (a, b):
        owner(f"zone add {plant[d]} --zone /root/pumps.zone --name {d.guest.name}")
    for d in (a, b):
        t.must("a bond", d.wait_bond(180), d.ask("status"))
    status = a.ask("status")
    t.check("no gap for unsigned peers", "unsigned-grants" not in status["gaps"], status)
    plant["inner"] = {d: d.guest.out("ip -4 -o addr show sb0 | awk '{print $4}' | cut -d/ -f1") for d in (a, b)}
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
            80_000_000 < status["lease"]["ends_in_ms"] <= 86_400_000 and status["lease"]["last_quote_age_ms"] < 600_000, status)
    t.check("in words too, and its exit code is 0", "lease-live" in text.out and "last quote" in text.out and text.code == 0,
            text)


def test_way_to_the_ledger(lab, t):
    """In mode enforce the helper's sockets reach the ledger, and nobody else's do."""
    a = plant["a"]
    ways = [e for e in a.ask("exceptions")["exceptions"] if e["kind"] == "ledger"]
    t.check("the way is there unasked, and was used", [(e["remote"], e["remote_port"]) for e in ways] ==
            [("10.0.0.3", 26657)] and ways[0]["passed"] > 10, ways)
    capture, before = a.guest.nics[0].capture, a.ask("drops")
    mark = capture.mark()
    r = a.guest.run("printf 'GET /status HTTP/1.0\\r\\n\\r\\n' | nc -p 4444 -w 2 10.0.0.3 26657", check=False)
    a.ping(plant["inner"][plant["b"]], count=1)
    others = [str(f) for f in capture.frames(mark) if 4444 in (f.sport, f.dport)]
    t.check("another program's packets do not leave", not r and not others, (r, others))
    t.check("counted as ledger-socket", count(a.ask("drops"), "ledger-socket") > count(before, "ledger-socket"),
            a.ask("drops"))


def test_helper_restart(lab, t):
    """Bonds outlive the helper, and the new one finds them."""
    a, b = plant["a"], plant["b"]
    before = a.ask("peers")["peers"]
    a.restart()
    t.must("a live lease again", wait_lease(a, "lease-live"), lease(a))
    t.check("the same bond", a.wait_bond(90) and a.ask("peers")["peers"][0]["device_id"] == before[0]["device_id"],
            a.ask("peers"))
    r = a.ping(plant["inner"][b])
    t.check("traffic flows", r, r)


def test_rekey(lab, t):
    """A new zone key, for devices that nobody is at: their bonds go on, also when a helper is restarted meanwhile."""
    a, b = plant["a"], plant["b"]
    a.guest.run(f"ping -i 0.2 {plant['inner'][b]} >/tmp/flow 2>&1 & echo $! >/tmp/flow.pid")
    said = owner("zone rekey --zone /root/pumps.zone")
    t.check("both were told the new key", said.get("told") == 2 and said.get("left") == 0, said)
    b.restart()
    for d in (a, b):
        t.must("a live lease", wait_lease(d, "lease-live"), lease(d))
        t.check("and the zone is read by the new key", d.guest.wait_for(
            "sealbond lease --json | grep -q '\"zone_devices\": *1,'", timeout=60), lease(d))
    r = a.guest.out("kill -INT $(cat /tmp/flow.pid); while kill -0 $(cat /tmp/flow.pid); do sleep 0.1; done 2>/dev/null; "
                    "tail -n 3 /tmp/flow")
    sent, received = (int(n) for n in re.search(r"(\d+) packets transmitted, (\d+) (?:packets )?received", r).groups())
    # The last one may be on its way still.
    t.check("and no packet was lost meanwhile", sent > 10 and received >= sent - 1, r)
    shown = people("zone show --zone /root/pumps.zone --ledger /root/home/ledger.conf")
    t.check("nothing is due", shown["rekey_due"] is False and len(shown["devices"]) == 2, shown)


def test_attacker(lab, t):
    """The helper in an attacker's hands: what the nodes have not signed for this request, the kernel refuses."""
    a = plant["a"]
    r = a.guest.run("sealbond grant key --out /tmp/own.pem && sealbond identity > /tmp/id; "
                    f"sealbond grant sign --key /tmp/own.pem --device /tmp/id --holder {plant[a]} --chain plant-1 "
                    "--duration 1h --out /tmp/own.grant && sealbond grant admit /tmp/own.grant", check=False)
    t.check("a grant by its own key is refused", r.code == 1, r)


def test_loss(lab, t):
    a, b = plant["a"], plant["b"]
    plant["daemon"].stop()
    r = a.ping(plant["inner"][b], count=20)
    t.check("the ledger is down, and traffic flows", r, r)
    t.check("the lease goes on", lease(a)["state"] == "lease-live", lease(a))
    plant["daemon"] = plant["l"].start("exec sealbond-ledgerd run --home /root/home --listen 10.0.0.3:26657 --idle 5s")
    plant["daemon"].expect("listening", timeout=60)
    t.check("and it is heard again", a.guest.wait_for("sealbond lease --json | grep -q '\"trouble\": *null'", timeout=120),
            lease(a))


def test_revoked(lab, t):
    a, b = plant["a"], plant["b"]
    owner(f"device revoke {plant[b]}")
    gone = a.guest.wait_for("sealbond peers --json | grep -q '\"peers\": *\\[\\]'", timeout=60)
    t.check("a revoked device is no peer any more", gone, a.ask("peers"))
    r = a.ping(plant["inner"][b])
    t.check("nothing passes", not r, r)
    t.check("it knows itself", wait_lease(b, "revoked"), lease(b))
