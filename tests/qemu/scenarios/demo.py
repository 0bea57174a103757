# SPDX-License-Identifier: Apache-2.0
"""The main job, step by step.

    A ──┐                 A and B: two devices of one plant, each with its own TPM
    B ──┼── switch        C: a stranger on the same cable, later a thief with B's disk
    C ──┘
"""

import json
import re

from device import Device, make_release_key
from ways import around, control, devices, rig, send

DEMO = True

PATTERN = "c1ea27ecfa57c0de"	# travels in every ping's payload
ALLOWED = {"handshake", "esp", "esp-udp", "arp", "nd"}
ROTATIONS = 5
# of those that tests/qemu/run.py ways tries
QUICK_WAYS = {"packet", "packet-bypass", "packet-ring", "raw4", "raw-esp", "tcp", "bindtodevice", "ipip", "route", "nft-fwd-lo",
              "nft-dnat", "mode", "exceptions", "rmmod", "xfrm-policy-allow"}

plant = {}


def test_keys(lab, t):
    t.step("Three machines on one cable: A and B belong to the plant, C does not.")
    guests = lab.boot(lab.guest("a", files=rig.TOOLS, nics=2), lab.guest("b", files=rig.TOOLS, nics=2), lab.guest("c"))
    a, b, c = (Device(g, n + 1) for n, g in enumerate(guests))
    plant.update(a=a, b=b, c=c)
    plant["private"], plant["public"] = make_release_key(lab.directory)
    for d in (a, b, c):
        d.cable()
    for d in (a, b):
        d.install(plant["public"])
    r = a.ping(b.wire4, pattern=PATTERN)
    t.check("before anything is set up, A's clear ping reaches B", r, r)
    t.check("and anybody on the cable can read it",
            a.guest.nics[0].capture.having(bytes.fromhex(PATTERN)))

    t.step("Each device makes its bond keys in the kernel; its own TPM seals them.")
    for d in (a, b):
        d.start()
    for name, d in (("A", a), ("B", b)):
        state = d.wait_state("keys-ready", timeout=120)
        key = d.ask("key")
        t.must(f"{name}'s keys are made and sealed", state == "keys-ready", key)
        t.note(f"{name}: {key['tpm_commands']} TPM commands, public key {key['key_current'][:16]}…")
    files = a.guest.out("ls /var/lib/sealbond")
    t.check("the sealed keys are on the disk as public files", "key-current.blob" in files, files)
    t.step("The plant's engineer approves how the devices have booted, and tells them of each other.")
    for name, d in (("A", a), ("B", b)):
        d.guest.put(plant["private"], "/tmp/release.pem")
        r = d.cli("release approve --key /tmp/release.pem", check=False)
        t.check(f"{name}'s boot state is approved with the fleet's release key", r, r)
        d.guest.run("rm /tmp/release.pem")
    a.peer_of(b)
    b.peer_of(a)
    for d in (a, b):
        d.cli("reload")
    t.must("A and B are bonded", a.wait_bond() and b.wait_bond(), a.cli("status", check=False).out)
    t.note(re.sub(r"\n", "\n      ", a.cli("status").out.strip()))


def test_enforce(lab, t):
    a, b = plant["a"], plant["b"]
    t.step("Enforcement goes on. From now on only sealed traffic exists.")
    for d in (a, b):
        d.cli("mode enforce")
        d.mode = "enforce"	# and in what its next boot reads
    plant["marks"] = {d: d.guest.nics[0].capture.mark() for d in (a, b)}
    r = a.ping(b.wire4, count=2, pattern=PATTERN)
    t.check("the clear ping that worked before no longer does", not r, r)
    drops = {d["reason"]: d["count"] for d in a.ask("drops")["drops"]}
    t.check("and A counts why: clear-out", drops.get("clear-out", 0) >= 2, drops)
    for address in (b.inner4, b.inner6):
        r = a.ping(address, pattern=PATTERN)
        t.check(f"the ping through the bond does ({address})", r and " 0% packet loss" in r.out, r)
    server = b.guest.start("iperf3 -s -1 -J")
    b.guest.wait_for("grep -q ' 00000000000000000000000000000000:1451 ' /proc/net/tcp6")
    r = a.guest.run(f"iperf3 -c {b.inner4} -t 4 -J", timeout=90, check=False)
    moved = json.loads(r.out)["end"]["sum_received"]["bytes"] if r else 0
    server.wait(30)
    t.check(f"bulk data goes through the bond ({moved >> 10} KiB by iperf3)", moved > 1 << 18, r)


def test_rotation(lab, t):
    a, b = plant["a"], plant["b"]
    t.step(f"The keys change {ROTATIONS} times while numbered packets flow.")
    count = 1500
    receiver = b.guest.start(f"udpnum recv 9000 {b.inner4}")
    receiver.expect("ready")
    sender = a.guest.start(f"udpnum send {b.inner4} 9000 {count} 8000")
    before = a.ask("peers")["peers"][0]["epoch"]
    done = 0
    while done < ROTATIONS and sender.running:
        a.cli("rotate --all")
        want = before + done + 1
        a.guest.wait_for(f"test $(sealbond peers --json | grep -oE '\"epoch\": *[0-9]+' | grep -oE '[0-9]+$') -ge {want}",
                         timeout=30)
        done += 1
    sender.wait(90)
    receiver.stop()
    got = re.search(r"received=(\d+) missing=(\d+)", receiver.out)
    t.check(f"{ROTATIONS} rotations, {count} packets sent, 0 lost",
            done == ROTATIONS and got and int(got[1]) == count and int(got[2]) == 0, receiver.out)


def test_wire(lab, t):
    a, b = plant["a"], plant["b"]
    t.step("What somebody on the cable has seen since enforcement went on.")
    for name, d in (("A", a), ("B", b)):
        capture = d.guest.nics[0].capture
        other = capture.outside(ALLOWED, plant["marks"][d])
        t.check(f"at {name}: handshakes, ESP and the neighbours' address look-ups only", not other,
                "\n".join(map(str, other[:5])))
        found = capture.having(bytes.fromhex(PATTERN), plant["marks"][d])
        frames = sum(capture.kinds(plant["marks"][d]).values())
        t.check(f"at {name}: the ping's known pattern is in none of {frames} frames", not found and frames > 100,
                found[:3])


def test_strangers(lab, t):
    a, b, c = plant["a"], plant["b"], plant["c"]
    t.step("C, on the same cable, tries to reach A.")
    r = c.ping(a.wire4, count=2)
    t.check("its ping is not answered", not r, r)
    r = c.guest.run(f"nc -w 2 -z {a.wire4} 5201", check=False)
    t.check("nor is a connection", not r, r)
    t.step("Root on A sends a raw frame past the IP stack.")
    frame = b.guest.nics[0].mac.replace(":", "") + a.guest.nics[0].mac.replace(":", "") + "88b5" + PATTERN * 4
    mark = a.guest.nics[0].capture.mark()
    for how in ("packet", "bypass"):
        a.guest.run(f"rawsend {how} eth0 {frame} 5", check=False)
    a.ping(b.inner4, count=1)
    t.check("it does not leave", not a.guest.nics[0].capture.having(bytes.fromhex(PATTERN), mark))
    drops = {d["reason"]: d["count"] for d in a.ask("drops")["drops"]}
    t.check("and A counts why: raw-frame", drops.get("raw-frame", 0) >= 5, drops)


def test_thief(lab, t):
    b, c = plant["b"], plant["c"]
    t.step("B reboots with nobody there: its TPM gives the keys back, the bond comes back.")
    first = b.ask("key")["key_current"]
    b.guest.shutdown()
    b.guest.start_up()
    b.cable()
    b.install(plant["public"])
    b.start()
    t.check("B has the same key as before", b.wait_state("keys-ready") and b.ask("key")["key_current"] == first,
            b.ask("key"))
    t.note(f"B: {b.ask('key')['tpm_commands']} TPM commands to unseal")
    t.check("A and B are bonded again", b.wait_bond())
    r = b.ping(plant["a"].inner6)
    t.check("and traffic flows", r, r)

    t.step("C gets a copy of B's whole disk, but has a TPM of its own.")
    b.guest.shutdown()
    thief = lab.guest("thief", disk=b.guest.disk)
    lab.boot(thief)
    d = Device(thief, 4)
    d.install(plant["public"])
    d.start()
    t.check("C gets: sealed-elsewhere", d.wait_state("sealed-elsewhere", "keys-ready") == "sealed-elsewhere",
            d.ask("key"))
    t.note(d.cli("key", check=False).out.strip().replace("\n", "\n      "))
    thief.shutdown()

    t.step("B boots something else: a PCR of its policy has another value before the module loads.")
    b.guest.start_up()
    b.guest.run("tpm2_pcrextend 9:sha256=" + "5e" * 32)
    b.cable()
    b.install(plant["public"])
    b.start()
    state = b.wait_state("boot-changed", "keys-ready")
    key = b.ask("key")
    t.check("B gets: boot-changed, and PCR 9 is named", state == "boot-changed" and key["changed_pcrs"] == [9], key)
    t.note(b.cli("key", check=False).out.strip().replace("\n", "\n      "))
    b.guest.shutdown()
    b.guest.start_up()
    b.cable()
    b.install(plant["public"])
    b.start()
    t.check("started as approved, B is back", b.wait_bond())


def test_lease(lab, t):
    a, b = plant["a"], plant["b"]
    t.step("The helper on A is killed. The lease it had left is short.")
    a.set_lease("12s")
    a.guest.wait_for("test $(sealbond peers --json | grep -oE '\"lease_ms\": *[0-9]+' | grep -oE '[0-9]+$') -le 12000")
    a.guest.run("killall -9 sealbondd", check=False)
    t.check("the bond works on without the helper", a.ping(b.inner4, count=1))
    mark = a.guest.nics[0].capture.mark()
    a.guest.wait_for(f"! ping -c 1 -W 1 {b.inner4}", timeout=60)
    r = a.guest.run("sealbond peers --json", check=False)
    t.check("traffic ends with the lease", json.loads(r.out)["peers"][0]["lease_ms"] == 0, r)
    a.ping(b.inner4, count=3, pattern=PATTERN)
    a.ping(b.wire4, count=3, pattern=PATTERN)
    capture = a.guest.nics[0].capture
    other = capture.outside(ALLOWED, mark)
    t.check("and never goes out in clear", not other and not capture.having(bytes.fromhex(PATTERN), mark),
            "\n".join(map(str, other[:5])))


def test_locked(lab, t):
    a, b = plant["a"], plant["b"]
    t.step("A is locked until it reboots. From here on not even root changes what may leave it.")
    a.configure(extra=rig.EXCEPTIONS)
    a.start()
    a.set_lease("24h")
    t.must("A and B are bonded again", a.wait_bond(), a.cli("status", check=False))
    tries = rig.Rig(lab, t)
    tries.adopt(a, b)
    r = tries.lock()
    t.must("A is locked", r, r)
    ways = [way for way in send.WAYS + devices.WAYS + around.BLOCKED + control.NETLINK + control.XFRM
            if way.name in QUICK_WAYS]
    t.step(f"Root on A tries {len(ways)} ways out; the wire decides.")
    for way in ways:
        tries.holds(way)
    tries.undone()
    t.check("none leaves, and the bond lives", tries.bond_works(5) and len(ways) == len(QUICK_WAYS))
