# SPDX-License-Identifier: Apache-2.0
"""The main job, step by step.

    A ──┐                 A and B: two devices of one plant, each with its own TPM. OVMF boots them with a
    B ──┼── switch        unified kernel image, and sealbond runs early in it
    C ──┘                 C: a stranger on the same cable, later a thief with B's disk

demo_attacks.py goes on with the same machines.
"""

import json
import os

import measured
from device import Device, Numbers, make_release_key
from grant import Operator
from measured import Measured
from ways import rig

DEMO = True
LAB = "demo"

PATTERN = "c1ea27ecfa57c0de"	# travels in every ping's payload
ALLOWED = {"handshake", "esp", "esp-udp", "arp", "nd"}
ROTATIONS = 5


def test_before(lab, t):
    t.step("Three machines on one cable: A and B belong to the plant, C does not. Sealbond is not there yet.")
    guests = lab.boot(lab.guest("a", nics=2), lab.guest("b"), lab.guest("c"))
    a, b, c = (Device(g, n + 1) for n, g in enumerate(guests))
    for d in (a, b, c):
        d.cable()
    r = a.ping(b.wire4, pattern=PATTERN)
    t.check("A's clear ping reaches B", r, r)
    t.check("and anybody on the cable can read it", a.guest.nics[0].capture.having(bytes.fromhex(PATTERN)))
    for d in (a, b):
        d.guest.shutdown()
    lab.plant = {"c": c}


def test_early(lab, t):
    t.step("A and B get an image with Sealbond. The firmware measures it; in it, sealbond runs before anything else.")
    plant = lab.plant
    plant["private"], plant["public"] = make_release_key(lab.directory)
    operator = plant["operator"] = Operator(lab.directory)
    files = {f"/etc/sealbond/{name}.pub.pem": operator.public(name) for name in ("grant1", "grant2")}
    extra = rig.GRANT_KEYS + rig.EXCEPTIONS
    for number, name in ((1, "a"), (2, "b")):
        plant[name] = Measured(lab.guests[name], number, plant["public"], {**rig.TOOLS, **files}, extra)
        plant[name].command_line("plant=1")
    lab.boot(lab.guests["a"], lab.guests["b"])
    for name in ("a", "b"):
        d, where = plant[name], name.upper()
        setup, keys = d.said("setup"), d.said("keys")
        t.check(f"{where} is enforcing and locked before any of its interfaces is up", setup["mode"] == "enforce" and
                setup["locked"] and setup["interfaces_up"] == 0, setup)
        t.must(f"{where}'s bond keys are made in the kernel, its own TPM has sealed them", keys["state"] == "keys-ready", keys)
        key = plant[f"key-{name}"] = d.ask("key")
        t.note(f"{where}: {keys['tpm_commands']} TPM commands in {keys['tpm_time_ms']} ms, public key "
               f"{key['key_current'][:16]}…, up {lab.guests[name].boot_seconds:.0f} s after power-on")
        t.check(f"{where}'s sealed keys are on its disk as public files",
                d.guest.wait_for("ls /var/lib/sealbond/key-current.blob /var/lib/sealbond/key-next.blob"))


def test_bonded(lab, t):
    plant, operator = lab.plant, lab.plant["operator"]
    a, b = plant["a"], plant["b"]
    t.step("Whoever releases images approves the boots of these two, from the images' files, away from the devices.")
    for name in ("a", "b"):
        d, key = plant[name], plant[f"key-{name}"]
        image = d.guest.make_image(os.path.join(lab.directory, f"{name}-1.efi"))
        approval = d.approve_away(lab, image, plant["private"])
        d.guest.run(f"mkdir -p {measured.APPROVALS}")
        d.guest.put(approval, f"{measured.APPROVALS}/image1.approval")
        r = d.ask("release check")
        t.check(f"{name.upper()}: the next boot of this image is approved; the PCRs that follow from the file are those "
                "that the firmware has measured", r["approved"] and
                all(r["predicted"][str(n)] == key["pcr_values"][str(n)] for n in measured.OF_IMAGE), (r, key))
    t.step("The plant's operator signs that A and B may bond; two keys have to sign.")
    said = {d: {"stanza": d.identity(), "id": d.ask("identity")["device_id"]} for d in (a, b)}
    for d, other in ((a, b), (b, a)):
        d.guest.run(f"mkdir -p {rig.GRANTS}")
        d.guest.put(operator.grant(said[other], said[d]), f"{rig.GRANTS}/other.grant")
        d.peer_of(other)
        d.cli("reload")
    plant["said"] = said
    t.must("A and B are bonded", a.wait_bond() and b.wait_bond(), a.cli("status", check=False).out)
    t.note(a.cli("status").out)
    status = a.ask("status")
    t.check("status says partial: the keys are from measured early boot, grants are signed, A is locked",
            status["assurance"] == "partial" and not {"late-keys", "unsigned-grants", "not-locked", "not-enforcing"} &
            set(status["gaps"]), status)
    t.check("and names what is still open: this kernel's lockdown, modules that can still be loaded",
            {"lockdown", "modules-loadable"} <= set(status["gaps"]), status)


def test_enforce(lab, t):
    a, b = lab.plant["a"], lab.plant["b"]
    t.step("From the first packet of that boot on, only sealed traffic exists.")
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
    a, b = lab.plant["a"], lab.plant["b"]
    t.step(f"The keys change {ROTATIONS} times while numbered packets flow.")
    numbers = Numbers(a, b, 9000, interval_us=8000)
    before = a.ask("peers")["peers"][0]["epoch"]
    for want in range(before + 1, before + 1 + ROTATIONS):
        a.cli("rotate --all")
        a.guest.wait_for(f"test $(sealbond peers --json | grep -oE '\"epoch\": *[0-9]+' | grep -oE '[0-9]+$') -ge {want}",
                         timeout=30)
    sent, lost, detail = numbers.end()
    t.check(f"{ROTATIONS} rotations, {sent} packets sent, {lost} lost", sent > 100 and lost == 0, detail)


def test_wire(lab, t):
    t.step("What somebody on the cable has seen of that boot.")
    for name in ("a", "b"):
        capture, where = lab.plant[name].guest.nics[0].capture, name.upper()
        other = capture.outside(ALLOWED)
        t.check(f"at {where}: handshakes, ESP and the neighbours' address look-ups only", not other,
                "\n".join(map(str, other[:5])))
        found = capture.having(bytes.fromhex(PATTERN))
        frames = sum(capture.kinds().values())
        t.check(f"at {where}: the ping's known pattern is in none of {frames} frames", not found and frames > 100,
                found[:3])
