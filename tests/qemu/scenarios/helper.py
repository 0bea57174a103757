# SPDX-License-Identifier: Apache-2.0
"""The helper and the tool, from the files on the disk to a bond and back.

    A ── switch ── B
"""

import json
import os
import re

from device import Device, make_release_key
from image import BUILD

LAB = "helper"
FILES = {"/usr/libexec/sealbond/sealbondd-tpm": os.path.join(BUILD, "sealbondd-tpm")}

plant = {}


def code(device, words):
    return device.cli(words, check=False).code


def test_files(lab, t):
    guests = lab.boot(lab.guest("a", files=FILES), lab.guest("b", files=FILES))
    a, b = plant["a"], plant["b"] = [Device(g, n + 1) for n, g in enumerate(guests)]
    plant["key"], public = make_release_key(lab.directory)
    for d in (a, b):
        d.cable()
        d.install(public)
    # the kernel loads the module when somebody asks for it: not now
    r = a.guest.run("echo >/proc/sys/kernel/modprobe; sealbond status; code=$?; "
                    "echo /sbin/modprobe >/proc/sys/kernel/modprobe; exit $code", check=False)
    t.check("without the module, status says so with code 3", r.code == 3 and "modprobe sealbond" in r.out, r)
    t.check("without the helper, reload says so with code 5", code(a, "reload") == 5)
    r = a.guest.run("sed 's/^fleet/fleat/' /etc/sealbond/sealbond.conf >/tmp/bad.conf; "
                    "sealbondd --config /tmp/bad.conf", check=False)
    t.check("a wrong configuration ends it with code 2, file and line",
            r.code == 2 and re.search(r"/tmp/bad\.conf:\d+: fleat: no such key in \[key\]; did you mean fleet\?", r.out), r)


def test_start(lab, t):
    a, b = plant["a"], plant["b"]
    for d in (a, b):
        d.start()
    for d in (a, b):
        t.must("keys are made", d.wait_state("keys-ready", timeout=120) == "keys-ready", d.ask("key"))
    t.check("blobs are stored, and the kernel has heard of it",
            a.guest.wait_for("sealbond key --json | grep -q '\"stored\":true'"))
    files = a.guest.out("stat -c '%n %a' /var/lib/sealbond/*")
    t.check("as public files", "key-current.blob 644" in files and "key-next.blob 644" in files, files)
    a.guest.wait_for("test -s /var/lib/sealbond/device-id", timeout=60)
    b.guest.wait_for("test -s /var/lib/sealbond/device-id", timeout=60)
    a.guest.wait_for("sealbond identity")
    t.check("two TPMs, two device ids", a.ask("identity")["device_id"] != b.ask("identity")["device_id"])
    status = a.ask("status")
    t.check("status names the gaps of the assurance", status["assurance"] == "bench" and
            "late-keys" in status["gaps"], status)


def test_bond(lab, t):
    a, b = plant["a"], plant["b"]
    b.guest.wait_for("sealbond identity")
    a.peer_of(b)
    b.peer_of(a)
    for d in (a, b):
        d.cli("reload")
    t.must("a reload brings the bond", a.wait_bond(30) and b.wait_bond(30), a.cli("status", check=False))
    peer = a.ask("peers")["peers"][0]
    t.check("status knows the peer's name", peer["peer"] != peer["device_id"][:16], peer)
    t.check("the lease is the file's", 86000_000 < peer["lease_ms"] <= 86400_000, peer)
    for address in (b.inner4, b.inner6):
        r = a.ping(address)
        t.check(f"the bond carries a ping to {address}", r and " 0% packet loss" in r.out, r)
    first = peer["epoch"]
    a.cli("rotate --all")
    t.check("rotate makes a new epoch", a.guest.wait_for(
        f"test $(sealbond peers --json | grep -oE '\"epoch\":[0-9]+' | cut -d: -f2) -gt {first}"))


def test_sandbox(lab, t):
    a = plant["a"]
    out = a.guest.out("for p in $(pidof sealbondd sealbondd-tpm); do "
                      "grep -hE '^(Rss|Pss):' /proc/$p/smaps_rollup; "
                      "grep -hE '^(Name|NoNewPrivs|Seccomp|CapEff):' /proc/$p/status; done")
    t.note(out.replace("\n", "  "))
    rss = sum(int(n) for n in re.findall(r"Rss:\s+(\d+)", out))
    t.check(f"all together use at most 16 MiB ({rss} KiB)", 0 < rss <= 16384, out)
    t.check("each role is confined", len(re.findall(r"NoNewPrivs:\s+1", out)) == 3 and
            len(re.findall(r"Seccomp:\s+2", out)) == 3, out)
    caps = {int(c, 16) for c in re.findall(r"CapEff:\s+([0-9a-f]+)", out)}
    t.check("and has no capability beyond CAP_NET_ADMIN and CAP_DAC_OVERRIDE",
            not any(c & ~(1 << 12 | 1 << 1) for c in caps), out)


def test_restart(lab, t):
    a, b = plant["a"], plant["b"]
    link = a.guest.out("for p in $(pidof sealbondd); do grep -lz -- --role /proc/$p/cmdline || true; done")
    pid = re.search(r"/proc/(\d+)/", link)[1]
    a.cli("mode observe")
    a.guest.run(f"kill -9 {pid}")
    t.check("a role that was killed is started again",
            a.guest.wait_for(f"sealbond status | grep -q 'Helper:     running' && ! test -d /proc/{pid}"))
    t.check("the bond went on", a.ask("peers")["peers"][0]["bond"] == "live")
    t.check("and the operator's mode", a.ask("mode")["mode"] == "observe", a.ask("mode"))
    a.cli("mode off")


def test_reload(lab, t):
    a, b = plant["a"], plant["b"]
    before = a.ask("peers")["peers"][0]
    a.guest.run("echo 'colour = red' >>/var/lib/sealbond/peers.conf")
    r = a.cli("reload", check=False)
    t.check("a broken peers file is refused with file and line", r.code == 2 and
            "peers.conf:" in r.out and "colour: no such key" in r.out, r)
    t.check("and the old one goes on", code(a, "status") == 0)
    a.guest.run("sed -i /colour/d /var/lib/sealbond/peers.conf")
    a.set_lease("1h")
    after = a.ask("peers")["peers"][0]
    t.check("a changed lease is taken", after["lease_ms"] <= 3600_000, after)
    t.check("without touching the bond", after["bond"] == "live" and after["age_ms"] >= before["age_ms"], after)
    a.cli("down")
    t.check("down ends the bonds and forgets the peers", a.ask("peers")["peers"] == [])
    a.cli("reload")
    t.check("reload brings them back", a.wait_bond(60), a.cli("status", check=False))


def test_modes(lab, t):
    a, b = plant["a"], plant["b"]
    a.cli("mode enforce --confirm 3s")
    t.check("an unconfirmed mode says when it reverts", "reverts in" in a.cli("mode").out)
    t.check("and does", a.guest.wait_for("sealbond mode | grep -qx off", timeout=15))
    a.cli("mode enforce --confirm 1h")
    a.cli("mode confirm")
    t.check("a confirmed one stays", a.cli("mode").out.strip() == "enforce")
    watcher = a.guest.start("sealbond suggest --for 4s")
    watcher.expect("watching")
    a.guest.run("ping -c 2 -i 0.3 -W 1 10.0.0.2", check=False)
    a.guest.run("echo x | nc -u -w 1 10.0.0.99 123", check=False)
    watcher.wait(30)
    t.check("suggest turns drops into exceptions", "[exception icmp-" in watcher.out and "proto = icmp" in watcher.out,
            watcher.out)
    conf = a.guest.out("cat /etc/sealbond/sealbond.conf") + "\n" + watcher.out.split("\n", 1)[1]
    a.guest.put(conf.encode(), "/tmp/suggested.conf")
    r = a.guest.run("sealbondd --check --config /tmp/suggested.conf", check=False)
    t.check("that the configuration takes as they are", r, r.out + watcher.out)
    drops = {d["reason"]: d["count"] for d in a.ask("drops")["drops"]}
    t.check("drops counts them", drops["clear-out"] >= 2, drops)
    r = a.ping(b.inner4)
    t.check("the bond still works", r, r)
    a.cli("mode off")


def test_approval(lab, t):
    a = plant["a"]
    a.guest.put(plant["key"], "/tmp/release.pem")
    r = a.cli("release approve --key /tmp/release.pem")
    path = r.out.split()[0]
    r = a.cli(f"release show {path}", check=False)
    t.check("an approval is written and its signature is valid", r and "Signature:     valid" in r.out, r)
    first = a.ask("key")["key_current"]
    a.guest.shutdown()
    a.guest.start_up()
    a.cable()
    with open(os.path.join(lab.directory, "release.pub.pem"), "rb") as f:
        a.install(f.read())
    a.start()
    t.check("after a reboot the approval opens the same key",
            a.wait_state("keys-ready", "not-approved", "boot-changed", "capped") == "keys-ready" and
            a.ask("key")["key_current"] == first, a.ask("key"))
    t.check("and the bond comes back by itself", a.wait_bond(120), a.cli("status", check=False))
    t.note(json.dumps({k: a.ask("key")[k] for k in ("tpm_commands", "tpm_time_ms")}))
