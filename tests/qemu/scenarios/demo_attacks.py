# SPDX-License-Identifier: Apache-2.0
"""The second half of the demonstration, with the machines of demo.py: a stranger, another boot, a thief, a dead
helper, root on a locked device.

    A ──┐
    B ──┼── switch
    C ──┘
"""

import json
import os

import measured
from ways import around, control, devices, rig, send

DEMO = True
LAB = "demo"

PATTERN = "c1ea27ecfa57c0de"
ALLOWED = {"handshake", "esp", "esp-udp", "arp", "nd"}
# of those that tests/qemu/run.py ways tries
QUICK_WAYS = {"packet", "packet-bypass", "packet-ring", "raw4", "raw-esp", "tcp", "bindtodevice", "ipip", "route", "nft-fwd-lo",
              "nft-dnat", "mode", "exceptions", "rmmod", "xfrm-policy-allow"}


def test_stranger(lab, t):
    a, b, c = (lab.plant[name] for name in "abc")
    t.step("C, on the same cable, tries to reach A.")
    r = c.ping(a.wire4, count=2)
    t.check("its ping is not answered", not r, r)
    a.guest.start("nc -ll -p 5201 -e true")
    a.guest.wait_for("nc -w 2 127.0.0.1 5201 </dev/null")
    r = c.guest.run(f"nc -w 2 {a.wire4} 5201 </dev/null", check=False)
    t.check("nor is a connection to a program that takes them", not r, r)
    c.guest.shutdown()
    t.step("Root on A sends a raw frame past the IP stack.")
    frame = b.guest.nics[0].mac.replace(":", "") + a.guest.nics[0].mac.replace(":", "") + "88b5" + PATTERN * 4
    mark = a.guest.nics[0].capture.mark()
    for how in ("packet", "bypass"):
        a.guest.run(f"rawsend {how} eth0 {frame} 5", check=False)
    a.ping(b.inner4, count=1)
    t.check("it does not leave", not a.guest.nics[0].capture.having(bytes.fromhex(PATTERN), mark))
    drops = {d["reason"]: d["count"] for d in a.ask("drops")["drops"]}
    t.check("and A counts why: raw-frame", drops.get("raw-frame", 0) >= 5, drops)


def test_another_boot(lab, t):
    plant, b = lab.plant, lab.plant["b"]
    t.step("B reboots, with another command line in its image.")
    b.guest.shutdown()
    b.command_line("plant=2")
    b.guest.start_up()
    keys, key = b.said("keys"), b.ask("key")
    t.must("B gets: boot-changed", keys["state"] == key["state"] == "boot-changed", (keys, key))
    t.check("the PCRs are named: 4 (the image), 9 (its command line), 11 (its sections)",
            keys["changed_pcrs"] == key["changed_pcrs"] == list(measured.OF_IMAGE), key)
    t.note(b.cli("key", check=False).out)
    t.check("it has none of its keys, and enforces all the same", "key_current" not in key and
            b.ask("mode")["mode"] == "enforce", key)
    r = b.ping(plant["a"].inner4, count=1)
    t.check("so it talks to nobody", not r, r)

    t.step("Whoever releases images approves that one from its file. The approval comes onto B's disk; nobody is at B.")
    image = b.guest.make_image(os.path.join(lab.directory, "b-2.efi"))
    b.guest.put(b.approve_away(lab, image, plant["private"]), f"{measured.APPROVALS}/image2.approval")
    b.guest.wait_death(timeout=90)
    t.check("B has seen it and has rebooted by itself", not b.guest.up)


def test_back(lab, t):
    plant, a, b = lab.plant, lab.plant["a"], lab.plant["b"]
    t.step("B comes back by itself. C, at home and with a TPM of its own, boots the same image with a copy of B's disk.")
    thief = lab.guest("thief", nics=[lab.nic("elsewhere")], disk=b.guest.disk, firmware="ovmf", files=b.guest.files,
                      modules=b.guest.modules, append=b.guest.append)
    thief.hostname = b.guest.hostname	# as everything else on the command line
    lab.boot(b.guest, thief)
    keys = b.said("keys")
    t.must("B has its keys again, from early boot", keys["state"] == "keys-ready" and keys["blobs"] == 2, keys)
    t.check("the same as before", b.ask("key")["key_current"] == plant["key-b"]["key_current"], b.ask("key"))
    t.note(f"B: {keys['tpm_commands']} TPM commands to unseal")
    t.check("A and B are bonded again, and nobody was there", b.wait_bond() and a.wait_bond())
    r = b.ping(a.inner6)
    t.check("and traffic flows", r and " 0% packet loss" in r.out, r)
    stolen, key = measured.said(thief, "keys"), json.loads(thief.run("sealbond key --json", check=False).out)
    t.check("C gets: sealed-elsewhere", stolen["state"] == "sealed-elsewhere", stolen)
    t.check("its PCRs are B's: only the TPM is another", key["pcr_values"] == b.ask("key")["pcr_values"], key)
    t.note(thief.run("sealbond key", check=False).out)
    thief.shutdown()


def test_lease(lab, t):
    a, b, said = lab.plant["a"], lab.plant["b"], lab.plant["said"]
    t.step("The helper on A is killed. The grant that it had left is short.")
    grant = lab.plant["operator"].grant
    a.guest.put(grant(said[b], said[a], duration="12s"), f"{rig.GRANTS}/other.grant")
    a.cli("reload")
    a.guest.wait_for("test $(sealbond peers --json | grep -oE '\"lease_ms\": *[0-9]+' | grep -oE '[0-9]+$') -le 12000")
    a.guest.run("killall -9 sealbondd sealbondd-tpm", check=False)
    t.check("the bond works on without the helper", a.ping(b.inner4, count=1))
    mark = a.guest.nics[0].capture.mark()
    a.guest.wait_for(f"! ping -c 1 -W 1 {b.inner4}", timeout=60)
    r = a.guest.run("sealbond peers --json", check=False)
    t.check("traffic ends with the grant", json.loads(r.out)["peers"][0]["lease_ms"] == 0, r)
    a.ping(b.inner4, count=3, pattern=PATTERN)
    a.ping(b.wire4, count=3, pattern=PATTERN)
    capture = a.guest.nics[0].capture
    other = capture.outside(ALLOWED, mark)
    t.check("and never goes out in clear", not other and not capture.having(bytes.fromhex(PATTERN), mark),
            "\n".join(map(str, other[:5])))
    a.guest.put(grant(said[b], said[a]), f"{rig.GRANTS}/other.grant")
    a.start()
    t.check("with a helper and a new grant the bond is back", a.wait_bond(), a.cli("status", check=False))


def test_root_on_a(lab, t):
    a, b = lab.plant["a"], lab.plant["b"]
    status = a.ask("status")
    t.step("A has been locked since early boot. status says how far that goes:")
    t.note("\n".join(line for line in a.cli("status", check=False).out.splitlines()
                     if line.startswith(("Mode:", "Assurance:", "      "))))
    tries = rig.Rig(lab, t)
    tries.adopt(a, b, locked=True)
    t.must("A is locked, and its keys are from early boot", not {"not-locked", "late-keys"} & set(status["gaps"]), status)
    ways = [way for way in send.WAYS + devices.WAYS + around.BLOCKED + control.NETLINK + control.XFRM
            if way.name in QUICK_WAYS]
    t.step(f"Root on A tries {len(ways)} ways out; the wire decides.")
    for way in ways:
        tries.holds(way)
    tries.undone()
    t.check("none leaves, and the bond lives", tries.bond_works(5) and len(ways) == len(QUICK_WAYS))
