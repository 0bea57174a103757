# SPDX-License-Identifier: Apache-2.0
"""The tool in a person's hands: observe, suggest, enforce; every command's JSON, exit code and refusal.

    A ── switch ── B
"""

import json
import re

import device
from process import wait_until

LAB = "device"
plant = {"suggested": ""}
NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups"
PORT = 5140	# of a service in clear

# what is wrong in a configuration: the last of these lines, and what is said of it
BAD_LINES = (
    (["[devcie]"], r"\[devcie\]: no such section; did you mean \[device\]\?"),
    (["[key]", "flet = x"], r"flet: no such key in \[key\]; did you mean fleet\?"),
    (["[device]", "port = 0"], r"port = 0: out of bounds; allowed: 1 to 65535"),
    (["[device]", "port = many"], r"port = many: not a port; allowed: 1 to 65535"),
    (["[device]", "algorithms = aes-128-gcm"], r"not a list of algorithms; allowed: aes-256-gcm, chacha20-poly1305"),
    (["[device]", "encap = never"], r"encap = never: not a choice; allowed: auto, always"),
    (["[device]", "mtu = 1279"], r"mtu = 1279: out of bounds; allowed: 1280 to 65535"),
    (["[device]", "interface = a/b"], r"not an interface; allowed: a name of up to 15 bytes"),
    (["[enforce]", "exceptions = some"], r"not a choice; allowed: default, none"),
    (["[key]", "allow_virtual_tpm = maybe"], r"not yes or no; allowed: yes, no"),
    (["[rotate]", "after = 5s"], r"after = 5s: out of bounds; allowed: 10s to 1h"),
    (["[rotate]", "jitter = 10"], r"jitter = 10: not a share; allowed: 0% to 50%"),
    (["[rotate]", "soft_bytes = 1K"], r"soft_bytes = 1K: out of bounds; allowed: 1M to 64G"),
    (["[rotate]", "after = 100s", "hard_after = 20s"],
     r"must be longer than after and its jitter; allowed: more than 110 s"),
    (["[rotate]", "after = 20s", "after = 30s"], r"after is here twice in \[rotate\]"),
    (["[rotate] x"], r"a section ends with \]"),
    (["[exception ntp]"], r"\[exception ntp\] has no kind; allowed: arp, nd"),
    (["[exception]"], r"an exception needs a name"),
    (["rubbish"], r"neither a \[section\] nor"),
    (["[peers]", "file = peers.conf"], r"not an absolute path; allowed: e\.g\. /etc/sealbond/peers\.conf"),
)


def events(monitor, name):
    lines = [json.loads(line) for line in monitor.out.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == name]


def await_event(monitor, name, accept=lambda event: True, timeout=30):
    return wait_until(lambda: [e for e in events(monitor, name) if accept(e)], timeout,
                      f"event {name}; told: {monitor.out}", 0.02)


def counts(d, reason):
    """(dropped, would have been)"""
    found = next(x for x in d.ask("drops")["drops"] if x["reason"] == reason)
    return found["count"], found["would_count"]


def service(a, b, count=3):
    """How many of so many datagrams in clear arrive at B's service."""
    receiver = b.guest.start(f"exec udpnum recv {PORT} {b.wire4}")
    receiver.expect("ready")
    a.guest.run(f"udpnum send {b.wire4} {PORT} {count} 100000 64 open")
    # on the same way: behind it nothing of those can come any more
    a.ping(b.inner4, count=1)
    return int(re.search(r"received=(\d+)", receiver.stop().out)[1])


def test_observe(lab, t):
    a, b = device.pair(lab)
    a.cli("mode observe")
    before = counts(a, "clear-out")
    monitor = a.monitor()
    watcher = a.guest.start("exec sealbond suggest --for 10m")
    watcher.expect("watching")
    r = a.ping(b.wire4)
    t.check("in mode observe clear traffic passes", r and " 0% packet loss" in r.out and service(a, b) == 3, r)
    drop = await_event(monitor, "drop", lambda e: e["reason"] == "clear-out" and e["proto"] == 1)[0]
    t.check("and is told as what would be dropped", drop["observed"] and drop["destination"] == b.wire4, drop)
    after = counts(a, "clear-out")
    t.check("counted as observed, not as dropped", after[0] == before[0] and after[1] >= before[1] + 6, (before, after))
    watcher.kill(2)
    watcher.wait(60)
    monitor.stop()
    plant["suggested"] = watcher.out
    t.check("suggest names what was seen", "proto = icmp" in watcher.out and f"remote_port = {PORT}" in watcher.out,
            watcher.out)


def test_suggested(lab, t):
    a, b = device.pair(lab)
    a.cli("mode enforce")
    t.check("in enforce nothing of it passes", not a.ping(b.wire4, count=1) and service(a, b) == 0)
    text = "\n".join(line for line in plant["suggested"].splitlines() if "watching" not in line)
    a.configure(text, mode="enforce")
    r = a.cli("reload", check=False)
    t.must("the suggestions fit into the configuration as they are", r, f"{r}\n{text}")
    a.guest.run(f"ip neigh flush dev eth0; ip neigh del {b.wire4} dev eth0", check=False)
    r = a.ping(b.wire4)
    t.check("now the ping passes, after ARP", r and " 0% packet loss" in r.out, r)
    t.check("and so does the service", service(a, b) == 3)
    r = a.guest.run(f"udpnum send {b.wire4} {PORT + 1} 3 10000 64 open; nc -w 1 {b.wire4} 80 </dev/null", check=False)
    t.check("another port does not", counts(a, "clear-out")[0] >= 4, a.ask("drops"))
    passed = {e["name"]: e["passed"] for e in a.ask("exceptions")["exceptions"]}
    t.check("exceptions counts what passed", any(n.startswith("udp-5140") and c >= 3 for n, c in passed.items()) and
            passed.get("arp", 0) > 0, passed)
    follower = a.guest.start("exec sealbond drops --follow --interval 100ms")
    follower.expect("REASON")
    a.ping("10.0.0.77", count=2)
    follower.expect("clear-out        +")
    r = follower.stop(2)
    t.check("drops --follow tells what is added, and ends well at ^C", r.code == 0 and
            re.search(r"\d\d:\d\d:\d\d clear-out +\+\d+ dropped, \+0 observed", r.out), r)
    a.configure("", mode="off")
    a.cli("reload")
    t.check("a reload takes the configured mode", a.ask("mode")["mode"] == "off")


def test_confirm(lab, t):
    a, _ = device.pair(lab)
    monitor = a.monitor()
    r = a.cli("mode enforce --confirm 5s")
    t.check("an unconfirmed mode says when it reverts", "reverts in" in r.out, r)
    await_event(monitor, "mode", lambda e: e["mode"] == "enforce")
    t.check("status says it too", "reverts in" in a.cli("status", check=False).out)
    await_event(monitor, "mode", lambda e: e["mode"] == "off")
    t.check("it reverts by itself", a.ask("mode") == {"mode": "off"})
    monitor.stop()
    a.cli("mode enforce --confirm 2s")
    quiet = a.guest.start("sealbond monitor --json --for 4s")
    quiet.expect("watching")
    a.cli("mode confirm")
    quiet.wait(60)
    t.check("a confirmed one stays beyond its time", not events(quiet, "mode") and a.ask("mode") == {"mode": "enforce"},
            quiet.out)
    r = a.cli("mode confirm", check=False)
    t.check("a second confirmation finds nothing to confirm", r.code == 1, r)
    a.cli("mode off")


def parses(text, lines=False):
    try:
        found = [json.loads(part) for part in (text.splitlines() if lines else [text])]
        return bool(found) and all(isinstance(x, dict) for x in found)
    except ValueError:
        return False


def test_json(lab, t):
    a, b = device.pair(lab)
    with open(a.release_key, "rb") as f:
        a.guest.put(f.read(), "/tmp/release.pem")
    wrong = []
    every = ("status", "key", "peers", "identity", "drops", "exceptions", "suggest --for 1s", "mode", "mode observe",
             "mode off --confirm 1h", "mode confirm", "rotate b", "rotate --all", "reload",
             "release key --out /tmp/fresh.pem", "release approve --key /tmp/release.pem --out /tmp/approved",
             "release show /tmp/approved/*", "monitor --for 1ms", "down", "reload")
    for number, words in enumerate(every):
        order = f"--json {words}" if number % 2 else f"{words} --json"
        r = a.guest.run(f"sealbond {order} 2>/dev/null", check=False)
        fits = r.out == "" if words.startswith("monitor") else parses(r.out)
        if not fits or r.code not in (0, 26):
            wrong.append(r)
    t.check("every command with --json prints one object", not wrong, "\n".join(map(str, wrong)))
    a.wait_bond()
    wrong = [r for r in (a.guest.run(f"sealbond {words} --json 2>/dev/null", check=False) for words in
                         ("rotate nobody", "mode sideways", "release show /nowhere", "suggest --for 1ms"))
             if not parses(r.out) or not json.loads(r.out).get("error") or json.loads(r.out)["exit"] != r.code]
    t.check("errors too, with the exit code in it", not wrong, "\n".join(map(str, wrong)))
    monitor = a.monitor()
    follower = a.guest.start("exec sealbond drops --follow --interval 100ms --json")
    a.cli("mode observe")
    a.ping(b.wire4, count=1)
    wait_until(lambda: len(follower.out.splitlines()) > 1, 30, "a line of drops --follow", 0.05)
    await_event(monitor, "drop")
    monitor.stop(2)
    follower.stop(2)
    t.check("monitor and drops --follow print one a line", parses(monitor.out.split("\n", 1)[1], True) and
            parses(follower.out, True), monitor.out + follower.out)
    a.cli("mode off")


def test_codes(lab, t):
    a, b = device.pair(lab)

    def code(words, expected, pattern="", prefix=""):
        r = a.guest.run(f"{prefix} sealbond {words}", check=False)
        t.check(f"`{words}`{' as nobody' if prefix else ''}: {expected}", r.code == expected and
                re.search(pattern, r.out), r)

    code("", 2, "usage: sealbond")
    code("statsu", 2, "did you mean status")
    code("rotate nobody", 2, "there is no peer nobody")
    code("mode enforce --confirm 10ms", 2, "1s to 24h")
    code("peers", 4, "root", NOBODY)
    code("mode enforce", 4, "root", NOBODY)
    code("reload", 4, "", NOBODY)
    code("rotate b", 4, "", NOBODY)
    r = a.guest.run(f"{NOBODY} sealbond status", check=False)
    t.check("status as nobody tells the state, and that the peers need root", r.code == 4 and "keys-ready" in r.out and
            "needs root" in r.out, r)
    peers = a.guest.get(device.PEERS_PATH)
    a.add_peer(f"[peer ghost]\ndevice_id = {5:064x}\nkey = {6:064x}\noverlay6 = fd77::5\nendpoint = 10.0.0.99:7454")
    a.cli("reload")
    code("status", 26, "no-bond: A peer has no live bond")
    a.add_peer("until = 2020-01-01")	# of the last one
    a.cli("reload")
    code("status", 25, "lease-ended: A peer's lease has ended")
    a.guest.put(peers, device.PEERS_PATH)
    a.cli("reload")
    code("status", 0, "1 live of 1 peers")


def test_bad_configuration(lab, t):
    a, _ = device.pair(lab)
    base = a.guest.get(device.CONF_PATH)
    line = base.count(b"\n")
    script = []
    for number, (lines, _) in enumerate(BAD_LINES):
        a.guest.put(base + "".join(f"{x}\n" for x in lines).encode(), f"/tmp/bad.{number}")
        script.append(f"sealbondd --check --config /tmp/bad.{number}; echo code $?")
    out = a.guest.out("; ".join(script))
    answers = re.findall(r"([^\n]*)\ncode (\d+)", out)
    wrong = [f"{lines}: {answer}" for number, ((lines, said), answer) in enumerate(zip(BAD_LINES, answers))
             if answer[1] != "2" or not re.search(rf"/tmp/bad\.{number}:{line + len(lines)}: .*{said}", answer[0])]
    t.check(f"{len(BAD_LINES)} wrong lines: each is named with file and line, and what is allowed",
            len(answers) == len(BAD_LINES) and not wrong, "\n".join(wrong))


def test_down_and_rotate(lab, t):
    a, b = device.pair(lab)
    a.wait_bond()
    before, monitor = a.peer("b"), a.monitor()
    r = a.cli("rotate b")
    await_event(monitor, "bond-live", lambda e: e["peer"] == "b")
    t.check("rotate PEER makes new traffic keys", a.peer("b")["epoch"] > before["epoch"] and
            a.peer("b")["spi_out"] != before["spi_out"], (before, a.peer("b")))
    a.cli("mode enforce")
    a.cli("down")
    await_event(monitor, "bond-ended", lambda e: e["reason"] == "asked")
    monitor.stop()
    t.check("down ends the bonds and forgets the peers", a.ask("peers")["peers"] == [])
    t.check("the mode stays: nothing passes", not a.ping(b.inner4, count=1) and not a.ping(b.wire4, count=1))
    t.check("status says how it goes on", "sealbond reload" in a.cli("status", check=False).out)
    a.cli("reload")
    t.check("reload brings them back", a.wait_bond(60) and a.ping(b.inner4))
    a.cli("mode off")


def rebond(a, b, extra, endpoint, endpoint_back=""):
    for d, e in ((b, endpoint_back), (a, endpoint)):
        d.configure(extra)
        d.guest.run(f"sed -i '/^endpoint/d' {device.PEERS_PATH}")
        if e:
            d.guest.run(f"sed -i 's/^key = .*/&\\nendpoint = {e}/' {device.PEERS_PATH}")
        d.cli("down")
        d.cli("reload")
    a.wait_bond(60)
    b.wait_bond(60)


def test_algorithm_and_path(lab, t):
    a, b = device.pair(lab)
    wire = a.guest.nics[0].capture
    rebond(a, b, "[device]\nalgorithms = chacha20-poly1305\n", "[fd00::2]:7454")
    mark, peer = wire.mark(), a.peer("b")
    t.check("algorithms = chacha20-poly1305, and an IPv6 endpoint alone", peer["endpoint"] == "[fd00::2]:7454" and
            peer["algorithm"] == b.peer("a")["algorithm"] == "chacha20-poly1305", peer)
    r = [a.ping(b.inner4), b.ping(a.inner6)]
    esp = [f for f in wire.frames(mark) if f.kind == "esp"]
    sources = {f.src for f in esp}
    t.check("pings pass, as ESP over IPv6", all(r) and len(esp) >= 12 and sources == {"fd00::1", "fd00::2"},
            (r[0], sources))
    rebond(a, b, "[device]\nencap = always\n", "10.0.0.2:7454")
    mark, peer = wire.mark(), a.peer("b")
    r = [a.ping(b.inner4), b.ping(a.inner6)]
    kinds = wire.kinds(mark)
    t.check("encap = always: pings pass, as ESP in UDP alone", all(r) and peer["encap"] and kinds["esp-udp"] >= 12 and
            not kinds["esp"], (peer, kinds))
    rebond(a, b, "", "10.0.0.2:7454")
    t.check("and without it, plain ESP again", a.ping(b.inner4) and not a.peer("b")["encap"], a.peer("b"))


def test_stopped(lab, t):
    a, b = device.pair(lab)
    a.set_lease("10s")
    monitor = a.monitor()
    a.stop()
    r = a.cli("reload", check=False)
    t.check("without the helper, reload: 5", r.code == 5 and "systemctl start sealbondd" in r.out, r)
    await_event(monitor, "bond-ended", lambda e: e["reason"] == "lease", timeout=60)
    monitor.stop()
    r = a.cli("status", check=False)
    t.check("the lease ends with nobody to renew it: 25", r.code == 25 and "lease-ended" in r.out, r)
    r = a.cli("down", check=False)
    t.check("down works without the helper", r and a.ask("peers")["peers"] == [], r)
    # the kernel loads the module when somebody asks for it: not now
    r = a.guest.run("rmmod sealbond; echo >/proc/sys/kernel/modprobe; sealbond status; code=$?; "
                    "echo /sbin/modprobe >/proc/sys/kernel/modprobe; exit $code", check=False)
    t.check("without the module, status: 3", r.code == 3 and "modprobe sealbond" in r.out, r)
