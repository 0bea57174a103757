# SPDX-License-Identifier: Apache-2.0
"""The helper: what it takes over, what it keeps up by itself, and what of it may die.

    A ── switch ── B     A knows where B is; B has learnt where A is from A's handshake
"""

import json
import re

import device
from device import Numbers
from process import wait_until

MINUTES = 3
LAB = "device"
MEMORY_KIB_MAX = 16384
PEERS = 10000
# what of a peer shows that its bond was not touched
SAME = ("bond", "epoch", "spi_in", "spi_out", "handshakes")


def epochs(monitor):
    """The bonds that came up since, as the events of a `sealbond monitor --json`."""
    lines = [json.loads(line) for line in monitor.out.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "bond-live"]


def wait_epochs(monitor, count, timeout):
    return wait_until(lambda: len(epochs(monitor)) >= count, timeout,
                      f"{count} new epochs; there were {len(epochs(monitor))}", 0.05)


def agree(a, b):
    """Both ends send by the SA that the other takes in."""
    x, y = a.peer("b"), b.peer("a")
    return x["bond"] == y["bond"] == "live" and x["spi_in"] == y["spi_out"] and x["spi_out"] == y["spi_in"]


def test_bond(lab, t):
    a, b = device.pair(lab)
    files = a.guest.out("stat -c '%n %a' /var/lib/sealbond/*")
    t.check("sealed keys are on the disk as public files", "key-current.blob 644" in files and
            "key-next.blob 644" in files and "device-id 644" in files, files)
    a.guest.wait_for("sealbond key --json | grep -q '\"stored\":true'")
    t.check("and the kernel has heard of it", a.ask("key")["stored"])
    t.check("two TPMs, two device ids", a.ask("identity")["device_id"] != b.ask("identity")["device_id"])
    status = a.ask("status")
    t.check("status names the gaps of the assurance", status["assurance"] == "bench" and
            "late-keys" in status["gaps"], status)
    peer = a.peer("b")
    t.check("the peer has its name, the lease is the file's", peer and 86000_000 < peer["lease_ms"] <= 86400_000, peer)
    t.check("B, whose file names no endpoint, has learnt it", b.peer("a")["endpoint"] == "10.0.0.1:7454", b.peer("a"))
    for x, y in ((a, b), (b, a)):
        for address in (y.inner4, y.inner6):
            r = x.ping(address)
            t.check(f"a ping passes to {address}", r and " 0% packet loss" in r.out, r)


def test_memory(lab, t):
    a, _ = device.pair(lab)
    out = a.guest.out("for p in $(pidof sealbondd sealbondd-tpm); do grep -hE '^(Rss|Pss):' /proc/$p/smaps_rollup; "
                      "grep -hE '^(NoNewPrivs|Seccomp|CapEff):' /proc/$p/status; done")
    rss, pss = (sum(int(n) for n in re.findall(rf"{name}:\s+(\d+)", out)) for name in ("Rss", "Pss"))
    t.check(f"all roles together use at most {MEMORY_KIB_MAX} KiB ({rss} resident, {pss} of them its own share)",
            0 < rss <= MEMORY_KIB_MAX, out)
    t.check("each role is confined", len(re.findall(r"NoNewPrivs:\s+1", out)) == 3 and
            len(re.findall(r"Seccomp:\s+2", out)) == 3, out)
    caps = {int(c, 16) for c in re.findall(r"CapEff:\s+([0-9a-f]+)", out)}
    t.check("and has no capability beyond CAP_NET_ADMIN and CAP_DAC_OVERRIDE",
            not any(c & ~(1 << 12 | 1 << 1) for c in caps), out)


def test_killed(lab, t):
    a, b = device.pair(lab)
    a.guest.run("echo /tmp/core.%e >/proc/sys/kernel/core_pattern")
    r = a.guest.run("ulimit -c unlimited; sh -c 'kill -SEGV $$'; ls /tmp/core*", check=False)
    t.check("a program that dies leaves its memory in a core file", "/tmp/core.sh" in r.out, r)
    before, numbers = a.peer("b"), Numbers(a, b, 5001)
    a.stop(11)
    t.check("but not the helper", a.guest.run("! ls /tmp/core.sealbond*", check=False))
    status = a.ask("status")
    t.check("without the helper, status says so and the bond lives", status["helper"] == "not-running" and
            status["exit"] == 0, status)
    listener = a.guest.start("exec notify /run/notify")
    listener.expect("listening")
    a.start("NOTIFY_SOCKET=/run/notify")
    t.check("the service manager hears that a new one is ready", listener.expect("READY=1"))
    listener.stop(9)
    after = a.peer("b")
    t.check("it takes the bond over as it is", all(after[k] == before[k] for k in SAME) and
            after["age_ms"] > before["age_ms"], (before, after))
    t.check("and the keys", a.cli("key"), a.helper.out)
    sent, lost, detail = numbers.end()
    t.check(f"meanwhile {sent} numbered packets passed, 0 lost", sent > 20 and lost == 0, detail)


def test_role_killed(lab, t):
    a, b = device.pair(lab)
    a.cli("mode observe")
    before, roles = a.peer("b"), a.roles()
    t.must("there are three processes", sorted(roles) == ["link", "parent", "tpm"], roles)
    for name in ("tpm", "link"):
        a.guest.run(f"kill -SEGV {roles[name]}")
        a.guest.wait_for(f"! test -d /proc/{roles[name]}")
        wait_until(lambda name=name: a.roles().get(name, roles[name]) != roles[name], 30, f"{name} again", 0.1)
        t.check(f"the {name} role, when killed, is started again", a.roles()["parent"] == roles["parent"], a.roles())
    a.guest.wait_for("sealbond status | grep -q 'Helper:     running'")
    t.check("without a core file", a.guest.run("! ls /tmp/core.sealbond*", check=False))
    after = a.peer("b")
    t.check("the bond is the one from before", all(after[k] == before[k] for k in SAME), (before, after))
    t.check("and the mode is the operator's", a.ask("mode")["mode"] == "observe")
    a.cli("mode off")


def test_reload(lab, t):
    a, b = device.pair(lab)
    before = a.peer("b")
    conf = a.guest.get(device.CONF_PATH)
    a.guest.run(f"echo 'colour = red' >>{device.CONF_PATH}")
    line = conf.count(b"\n") + 1
    r = a.cli("reload", check=False)
    t.check("a broken configuration is refused with file and line", r.code == 2 and
            re.search(rf"sealbond\.conf:{line}: colour: no such key in \[key\]", r.out), r)
    a.guest.run(f"kill -HUP {a.roles()['parent']}")
    t.check("SIGHUP says the same in the log", "sealbond.conf:" in a.helper.expect("the old configuration goes on"))
    t.check("and the old one goes on", a.cli("status", check=False))
    a.guest.put(conf, device.CONF_PATH)
    peers = a.guest.get(device.PEERS_PATH)
    a.add_peer("[peer ghost]\nkey = 00")
    r = a.cli("reload", check=False)
    t.check("a broken peers' file is refused too", r.code == 2 and
            re.search(r"peers\.conf:\d+: key = 00: not a key; allowed: 64 hex digits", r.out), r)
    a.guest.put(peers, device.PEERS_PATH)

    for name, number, endpoint in (("ghost", 21, "10.0.0.99:7454"), ("nowhere", 22, "203.0.113.1:7454")):
        a.add_peer(f"[peer {name}]\ndevice_id = {number:064x}\nkey = {number + 9:064x}\noverlay6 = fd77::{number}\n"
                   f"endpoint = {endpoint}\nlease = 1h")
    monitor = a.monitor()
    a.cli("reload")
    listed = {p["peer"]: p for p in a.ask("peers")["peers"]}
    t.check("added peers are there", {"b", "ghost", "nowhere"} == set(listed), listed)
    a.guest.wait_for("sealbond peers --json | grep -qE '\"peer\":\"ghost\"[^}]*\"bond\":\"(starting|pending)\"'")
    r = a.ping(b.inner4)
    t.check("peers that cannot be reached do not stop another one's traffic", r and " 0% packet loss" in r.out, r)
    a.cli("rotate b")
    wait_epochs(monitor, 1, 30)
    t.check("nor its rotation", a.peer("b")["handshakes"] == before["handshakes"] + 1, a.peer("b"))
    now = a.peer("b")
    a.guest.run(f"sed -i '/peer ghost/,$s/^lease = 1h/lease = 20m/' {device.PEERS_PATH}; "
                f"sed -i '/peer nowhere/,$d' {device.PEERS_PATH}")
    a.cli("reload")
    listed = {p["peer"]: p for p in a.ask("peers")["peers"]}
    t.check("one changed, one removed", set(listed) == {"b", "ghost"} and
            0 < listed["ghost"]["lease_ms"] <= 1200_000, listed)
    t.check("and the log names just those", re.findall(r"peer (\w+) (?:changed|removed)", a.helper.out) ==
            ["nowhere", "ghost"], a.helper.out)
    after = a.peer("b")
    t.check("the bond was not touched", all(after[k] == now[k] for k in SAME) and
            after["lease_ms"] > 3600_000, (now, after))
    a.guest.put(peers, device.PEERS_PATH)
    a.cli("reload")
    monitor.stop()


def test_rotation(lab, t):
    a, b = device.pair(lab)
    before = a.peer("b")
    for d in (a, b):
        d.configure("[rotate]\nafter = 10s\n")
        d.cli("reload")
    after = a.peer("b")
    monitor = a.monitor()
    numbers = Numbers(a, b, 5002)
    wait_epochs(monitor, 3, 120)
    sent, lost, detail = numbers.end()
    count = len(epochs(monitor))
    monitor.stop()
    t.check(f"{count} rotations by themselves, of {sent} numbered packets 0 lost",
            count >= 3 and sent > 1000 and lost == 0, detail)
    t.check("a shorter time did not end the bond", after["bond"] == "live" and
            after["handshakes"] - before["handshakes"] <= 1, (before, after))
    t.check("each in a new epoch", a.peer("b")["epoch"] >= before["epoch"] + 3 and agree(a, b),
            (a.peer("b"), b.peer("a")))

    for d in (a, b):
        d.configure("[rotate]\nsoft_bytes = 1M\nafter = 1h\nhard_bytes = 8G\n")
        d.cli("reload")
    monitor = a.monitor()
    numbers = Numbers(a, b, 5003, count=3000, interval_us=4000, size=1300)
    sent, lost, detail = numbers.finish()
    count = len(epochs(monitor))
    monitor.stop()
    t.check(f"4 MB with soft_bytes = 1M: {count} rotations, of {sent} packets 0 lost",
            count >= 2 and sent == 3000 and lost == 0, detail)
    for d in (a, b):
        d.configure("")
        d.cli("reload")


def test_both_at_once(lab, t):
    a, b = device.pair(lab)
    b.guest.run(f"sed -i 's/^key = .*/&\\nendpoint = 10.0.0.1:7454/' {device.PEERS_PATH}")
    for d in (a, b):
        d.cli("down")
    monitors = [d.monitor() for d in (a, b)]
    jobs = [d.guest.start("sealbond reload") for d in (a, b)]
    t.check("both reload", all(j.wait(60) for j in jobs), [j.out for j in jobs])
    t.must("both sides start at once and one bond comes of it", a.wait_bond(60) and b.wait_bond(60))
    wait_until(lambda: agree(a, b), 30, "agreement on the SAs", 0.1)
    first = [len(epochs(m)) for m in monitors]
    jobs = [d.guest.start("sealbond rotate --all") for d in (a, b)]
    t.check("both rotate", all(j.wait(60) for j in jobs), [j.out for j in jobs])
    for m, n in zip(monitors, first):
        wait_epochs(m, n + 1, 60)
    wait_until(lambda: agree(a, b), 30, "agreement on the SAs", 0.1)
    r = a.ping(b.inner6)
    t.check("the ends agree, and traffic flows", r and " 0% packet loss" in r.out, r)
    for m in monitors:
        m.stop()


def test_many(lab, t):
    a, b = device.pair(lab)
    peers = a.guest.get(device.PEERS_PATH)
    more = "".join(f"[peer p{i}]\ndevice_id = {i + (1 << 20):064x}\nkey = {i + (1 << 21):064x}\n"
                   f"overlay6 = fd77::1:{i >> 8:x}:{i & 255:x}\n" for i in range(1, PEERS + 1))
    a.guest.put(peers + more.encode(), device.PEERS_PATH)
    r = a.guest.run("time -f '%e s' sealbond reload", timeout=120, check=False)
    t.check(f"{PEERS} peers are loaded", r and
            a.guest.out("sealbond peers --json | grep -o device_id | wc -l") == str(PEERS + 1), r)
    t.note(r.out.strip().replace("\n", " "))
    out = a.guest.out("for p in $(pidof sealbondd sealbondd-tpm); do grep -h ^Rss: /proc/$p/smaps_rollup; done")
    rss = sum(int(n) for n in re.findall(r"(\d+)", out))
    t.check(f"with them the helper uses at most {MEMORY_KIB_MAX} KiB ({rss})", rss <= MEMORY_KIB_MAX, out)
    t.check("the bond went on", a.ping(b.inner4))
    a.guest.put(peers, device.PEERS_PATH)
    a.cli("reload", timeout=120)
    t.check("and they go again", len(a.ask("peers")["peers"]) == 1)
