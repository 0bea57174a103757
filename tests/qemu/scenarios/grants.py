# SPDX-License-Identifier: Apache-2.0
"""Peers by signed grants: the kernel checks who has signed, for whom, and for how long.

    A ── switch ── B          two grant keys, kept by the host; both have to sign
"""

from bonded import TOOLS
from device import PEERS_PATH, Device, make_release_key
from grant import (DEVICE, DURATION, FLAGS, HEAD, HOLDER, KEY, SIGNATURE, SIGNATURES, Operator, edited,
                   flipped)

MINUTES = 2
LAB = "grants"
GRANTS = "/var/lib/sealbond/grants"
PEERS = """[peers]
grants = /var/lib/sealbond/grants
grant_keys = /etc/sealbond/grant1.pub.pem,/etc/sealbond/grant2.pub.pem
"""
ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551

plant = {}


def signature(grant, number, r=None, s=None):
    """With another r or s in one of the signatures; functions of the one that is there."""
    at = HEAD + number * SIGNATURE + 8
    for place, change in ((at, r), (at + 32, s)):
        if change:
            old = int.from_bytes(grant[place:place + 32], "big")
            grant = edited(grant, place, change(old).to_bytes(32, "big"))
    return grant


def admit(device, grant, endpoint=None):
    device.guest.put(grant, "/tmp/try.grant")
    return device.cli("grant admit /tmp/try.grant" + (f" --endpoint {endpoint}" if endpoint else ""), check=False)


def refused(t, words, device, grant, text):
    r = admit(device, grant)
    t.check(f"refused: {words}", r.code == 1 and text in r.out, r)


def test_start(lab, t):
    operator = plant["operator"] = Operator(lab.directory)
    guests = lab.boot(lab.guest("a", files=TOOLS), lab.guest("b", files=TOOLS))
    a, b = plant["a"], plant["b"] = [Device(g, n + 1) for n, g in enumerate(guests)]
    _, public = make_release_key(lab.directory)
    for d in (a, b):
        d.cable()
        d.guest.run(f"mkdir -p {GRANTS}")
        d.install(public)
        for name in ("grant1", "grant2"):
            d.guest.put(operator.public(name), f"/etc/sealbond/{name}.pub.pem")
        d.start()
    for d in (a, b):
        t.must("keys are made", d.wait_state("keys-ready", timeout=180) == "keys-ready", d.ask("key"))
        d.guest.wait_for("sealbond identity", timeout=60)
        plant[d] = {"stanza": d.identity(), "id": d.ask("identity")["device_id"]}
    a.peer_of(b)
    b.peer_of(a)
    for d in (a, b):
        d.cli("reload")
    t.must("unsigned peers, as long as no grant keys are set", a.wait_bond(60) and b.wait_bond(60))
    t.check("status names the gap", "unsigned-grants" in a.ask("status")["gaps"], a.ask("status"))


def test_keys(lab, t):
    a, b = plant["a"], plant["b"]
    for d in (a, b):
        d.configure(extra=PEERS)
        d.cli("reload")
        t.check("grant keys end the peers that no grant admits", d.ask("peers")["peers"] == [], d.ask("peers"))
        status = d.ask("status")
        t.check("status tells of the keys", (status["grant_keys"], status["grant_threshold"]) == (2, 2), status)
    r = a.guest.run(f"sbctl peer id=x key={'00' * 31}09 lease=1000 v4=10.77.0.9", check=False)
    t.check("an unsigned peer is refused", r.code == 1 and "SET_GRANT" in r.out, r)


def test_refused(lab, t):
    a, b, operator = plant["a"], plant["b"], plant["operator"]
    ia, ib = plant[a], plant[b]
    good = operator.grant(ib, ia)
    t.must("two signatures", len(good) == HEAD + 2 * SIGNATURE)
    for words, at in (("duration", DURATION + 7), ("holder", HOLDER), ("device", DEVICE), ("bond key", KEY)):
        grant = flipped(good, at)
        text = "another holder" if words == "holder" else "not valid"
        refused(t, f"an edited {words}", a, grant, text)
    refused(t, "quarantine taken in", a, edited(good, FLAGS, b"\1"), "not valid")
    refused(t, "an unknown flag", a, edited(good, FLAGS, b"\2"), "not a grant")
    refused(t, "B's grant shown by A", a, operator.grant(ia, ib), "another holder")
    refused(t, "A's grant shown by B", b, good, "another holder")
    refused(t, "another chain", a, operator.grant(ib, ia, chain="other"), "another chain")
    refused(t, "one signature of two", a, operator.grant(ib, ia, keys=("grant1",)), "too few")
    refused(t, "a stranger's second signature", a, operator.grant(ib, ia, keys=("grant1", "stranger")), "too few")
    one = good[HEAD:HEAD + SIGNATURE]
    refused(t, "one signer twice", a, edited(good, HEAD + SIGNATURE, one), "not a grant")
    swapped = good[:HEAD] + good[HEAD + SIGNATURE:] + one
    refused(t, "signatures in the wrong order", a, swapped, "not a grant")
    refused(t, "a count that lies", a, edited(good, SIGNATURES, bytes((0, 0, 0, 1))), "not a grant")
    refused(t, "a byte too many", a, good + b"\0", "not a grant")
    refused(t, "a byte too few", a, good[:-1], "not a grant")
    for words, value in (("zero", 0), ("the order", ORDER), ("above the order", ORDER + 1), ("all ones", 2**256 - 1)):
        refused(t, f"r is {words}", a, signature(good, 0, r=lambda _, v=value: v), "not valid")
        refused(t, f"s is {words}", a, signature(good, 1, s=lambda _, v=value: v), "not valid")
    refused(t, "the other form of s", a, signature(good, 0, s=lambda s: ORDER - s), "not valid")
    refused(t, "r with a bit flipped", a, signature(good, 1, r=lambda r: r ^ 1 << 77), "not valid")
    refused(t, "a nonce that was never asked for", a, operator.grant(ib, ia, "--nonce", "11" * 16), "no request")
    t.check("none of them was admitted", a.ask("peers")["peers"] == [] and b.ask("peers")["peers"] == [])


def test_admitted(lab, t):
    a, b, operator = plant["a"], plant["b"], plant["operator"]
    a.guest.put(operator.grant(plant[b], plant[a], duration="2h"), f"{GRANTS}/b.grant")
    b.guest.put(operator.grant(plant[a], plant[b], duration="2h"), f"{GRANTS}/a.grant")
    for d in (a, b):
        d.cli("reload")
    t.must("signed grants bring the bond", a.wait_bond(60) and b.wait_bond(60), a.cli("status", check=False))
    r = a.ping(b.inner4)
    t.check("and it carries", r and " 0% packet loss" in r.out, r)
    peer = a.ask("peers")["peers"][0]
    t.check("until the grant's duration is over", 7100_000 < peer["lease_ms"] <= 7200_000, peer)
    t.check("no peer is unsigned any more", "unsigned-grants" not in a.ask("status")["gaps"], a.ask("status"))
    a.guest.run(f"echo >>{GRANTS}/b.grant")
    a.cli("reload")
    t.check("a file that is spoilt later costs no live bond", a.ask("peers")["peers"][0]["bond"] == "live")
    # the same keys again change nothing; others end what the old ones have admitted
    a.configure(extra=PEERS + "threshold = 1\n")
    a.cli("reload")
    t.check("with another threshold nobody stays whom the old one has admitted", a.ask("peers")["peers"] == [])
    a.configure(extra=PEERS)
    a.cli("reload")


def test_key_rotated(lab, t):
    a, b, operator = plant["a"], plant["b"], plant["operator"]
    a.guest.put(operator.grant(plant[b], plant[a], duration="2h"), f"{GRANTS}/b.grant")
    a.cli("reload")
    a.wait_bond()
    before, log = a.ask("peers")["peers"][0], len(a.helper.out)
    b.cli("key rotate")
    plant[b]["stanza"] = b.identity()
    a.guest.run(f"sed -i 's/^key = .*/key = {b.ask('identity')['key']}/' {PEERS_PATH}")
    a.guest.put(operator.grant(plant[b], plant[a], duration="2h"), f"{GRANTS}/b.grant")
    a.cli("reload")
    now = a.ask("peers")["peers"][0]
    t.check("a grant with a device's other key does not end the bond", now["bond"] == "live" and
            now["lease_ms"] > before["lease_ms"] - 60_000, (before, now))
    a.cli("rotate --all")
    t.check("the next handshake is by that key", a.guest.wait_for(
        f"! sealbond peers --json | grep -q '\"epoch\": *{now['epoch']},'", timeout=60), a.cli("peers --json", check=False))
    r = a.ping(b.inner4)
    t.check("and it carries", r and "bond with b ended" not in a.helper.out[log:], (r, a.helper.out[log:]))


def test_nonce(lab, t):
    a, b, operator = plant["a"], plant["b"], plant["operator"]
    ia, ib = plant[a], plant[b]
    a.guest.run(f"rm -f {GRANTS}/b.grant")
    # what it gave would run on: other keys end it at once
    a.configure(extra=PEERS + "threshold = 1\n")
    a.cli("reload")
    a.configure(extra=PEERS)
    a.cli("reload")
    t.must("without a grant no peer", a.ask("peers")["peers"] == [], a.ask("peers"))
    first = a.cli(f"grant request {ib['id']}").out.strip()
    second = a.cli(f"grant request {ib['id']}").out.strip()
    t.check("each request has a nonce of its own", len(first) == len(second) == 32 and first != second)
    refused(t, "the answer to a request that was asked anew", a,
            operator.grant(ib, ia, "--nonce", first, duration="1h"), "no request")
    grant = operator.grant(ib, ia, "--nonce", second, duration="1h")
    r = admit(a, grant, f"{b.wire4}:7454")
    t.check("the answer to the last one is taken", r, r)
    t.check("it ends an hour after the request", 3500_000 < a.ask("peers")["peers"][0]["lease_ms"] < 3600_000,
            a.ask("peers"))
    refused(t, "the same again", a, grant, "no request")
    other = a.cli(f"grant request {'ab' * 32}").out.strip()
    refused(t, "an answer to a request for another device", a, operator.grant(ib, ia, "--nonce", other), "no request")
    short = a.cli(f"grant request {ib['id']}").out.strip()
    asked = int(a.guest.out("cut -d. -f1 /proc/uptime"))
    a.guest.wait_for(f"test $(cut -d. -f1 /proc/uptime) -ge {asked + 2}")
    refused(t, "an answer whose time is over", a, operator.grant(ib, ia, "--nonce", short, duration="1s"), "has ended")
    r = b.cli("rotate --all", check=False)
    t.check("a live grant brings a bond", a.guest.wait_for(
        "sealbond peers --json | grep -q '\"bond\":\"live\"'", timeout=90), (r, a.cli("peers", check=False)))
    r = a.ping(b.inner6)
    t.check("that carries", r and " 0% packet loss" in r.out, r)


def test_quarantine(lab, t):
    a, b, operator = plant["a"], plant["b"], plant["operator"]
    a.guest.put(operator.grant(plant[b], plant[a], "--quarantine", duration="2h"), f"{GRANTS}/b.grant")
    a.cli("reload")
    t.check("a grant in quarantine is taken as that", a.guest.wait_for(
        "sealbond peers --json | grep -q '\"quarantine\":true'"), a.cli("peers --json", check=False))


def test_conduit(lab, t):
    """Grants for one port, which A begins: each end's kernel keeps to its own grant, in mode enforce."""
    a, b, operator = plant["a"], plant["b"], plant["operator"]
    listeners = [d.guest.start(f"exec iperf3 -s --forceflush -p {port}") for d, port in ((b, 7000), (b, 7001), (a, 7000))]
    for job in listeners:
        job.expect("listening")

    def grants(of_a, of_b):
        a.guest.put(operator.grant(plant[b], plant[a], *of_a, duration="2h"), f"{GRANTS}/b.grant")
        b.guest.put(operator.grant(plant[a], plant[b], *of_b, duration="2h"), f"{GRANTS}/a.grant")
        for d in (a, b):
            d.cli("reload")
            t.must("the bond goes on", d.wait_bond(90), d.ask("peers"))

    def connects(source, target, port):
        return bool(source.guest.run(f"iperf3 -c {target.inner4} -p {port} -n 1 --connect-timeout 2000", check=False,
                                     timeout=60))

    def dropped(device):
        return next((d["count"] for d in device.ask("drops")["drops"] if d["reason"] == "conduit"), 0)

    only_a, only_b = ("--allow", "tcp/7000:holder"), ("--allow", "tcp/7000:device")
    grants(only_a, only_b)
    for d in (a, b):
        d.cli("mode enforce")
    t.check("peers says what is allowed", a.ask("peers")["peers"][0]["allowed"] == ["tcp/7000:holder"], a.ask("peers"))
    t.check("what the grant allows passes", connects(a, b, 7000))
    before = dropped(a)
    t.check("another port does not", not connects(a, b, 7001))
    t.check("nor another protocol", not a.ping(b.inner4, count=1))
    t.check("counted as conduit", dropped(a) >= before + 2, a.ask("drops"))
    before = dropped(b)
    t.check("nor what the other end begins, to the same port", not connects(b, a, 7000) and dropped(b) > before)
    large = a.guest.run(f"ping -c 1 -W 1 -s 4000 {b.inner4}", check=False)
    t.check("nor a fragment", not large, large)
    # root at A has got itself a grant for everything: B's kernel goes on keeping to its own
    grants((), only_b)
    before = dropped(b)
    t.check("one end that lifts its own side's limits gains nothing", not a.ping(b.inner4, count=1) and
            not connects(a, b, 7001) and dropped(b) > before, b.ask("drops"))
    t.check("what both allow still passes", connects(a, b, 7000))
    grants((), ())
    t.check("with grants for everything all of it passes", connects(a, b, 7001) and a.ping(b.inner4))
    for d in (a, b):
        d.cli("mode off")
    for job in listeners:
        job.stop()
