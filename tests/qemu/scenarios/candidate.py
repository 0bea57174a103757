# SPDX-License-Identifier: Apache-2.0
"""A boot that is not approved: its candidate key, who admits it, and the ways back.

    A ── switch ── B     B boots changed: PCR 9 has another value before the module loads. A knows where B is
"""

import hashlib
import json

import device

MINUTES = 5
FILES = "/var/lib/sealbond"
CURRENT, NEXT, CANDIDATE, BEFORE = (f"{FILES}/key-{name}.blob" for name in ("current", "next", "candidate", "before"))
CHANGED, BACK = 16, 0
CAP_CANDIDATE = b"\4"
# what stands for the machine's own `reboot`: the guest's ends QEMU, and the harness starts it again
REBOOT = b"""#!/bin/sh
echo asked >>/var/lib/sealbond/reboots
sync
exec busybox reboot -f
"""

plant = {}


def boot(lab, b, value=None, extra=""):
    """B from power-off to its helper; value: what goes into PCR 9 first."""
    b.guest.shutdown()
    b.guest.start_up()
    if value:
        b.guest.run(f"tpm2_pcrextend 9:sha256={value * 32}")
    b.cable()
    b.extra = extra
    b.guest.put(REBOOT, "/usr/bin/machine-reboot", 0o755)
    b.install(lab.release_public)
    b.start()


def approve(lab, d):
    with open(lab.devices[0].release_key, "rb") as f:
        d.guest.put(f.read(), "/tmp/release.pem")
    r = d.cli("release approve --key /tmp/release.pem", check=False)
    d.guest.run("rm /tmp/release.pem")
    return r


def key_of(blob):
    """The public key that a sealed key's file names (sealbond/blob.h)."""
    return blob[32:64].hex()


def there(guest, path):
    return bool(guest.run(f"test -e {path}", check=False))


def traffic(t, words, a, b):
    for x, address in ((a, b.inner4), (b, a.inner6)):
        r = x.ping(address)
        t.check(words.format(address), r and " 0% packet loss" in r.out, r)


def test_changed(lab, t):
    a, b = device.pair(lab)
    lab.release_public = b.guest.get("/etc/sealbond/release.pub.pem")
    b.guest.wait_for("sealbond key --json | grep -q '\"stored\":true'")
    t.must("B's boot is approved", approve(lab, b))
    plant["id"] = b.ask("identity")
    plant["old"] = {path: b.guest.get(path) for path in (CURRENT, NEXT)}
    boot(lab, b, "5e")
    b.wait_state("boot-changed", "keys-ready", timeout=120)
    b.guest.wait_for(f"test -s {CANDIDATE}")
    key, status = b.ask("key"), b.ask("status")
    t.check("B boots changed: boot-changed, and PCR 9 is named", key["state"] == "boot-changed" and
            key["changed_pcrs"] == [9] and status["exit"] == CHANGED, (key, status))
    t.must("a candidate key is there, another one than the old", key.get("key_candidate") and
           key["key_candidate"] not in [key_of(blob) for blob in plant["old"].values()] and
           "key_current" not in key, key)
    plant["candidate"] = key["key_candidate"]
    t.note(f"made with {key['tpm_commands']} TPM commands")
    out = b.cli("key", check=False).out + b.cli("status", check=False).out
    t.check("key and status say that it waits for admission", plant["candidate"] in out and
            out.count("waits for admission") >= 2, out)
    identity, text = b.ask("identity"), b.identity()
    t.check("identity shows it, with the same device id as before", identity["candidate"] and
            identity["key"] == plant["candidate"] and identity["device_id"] == plant["id"]["device_id"] and
            "waits for admission" in text, text)
    t.check("the old keys' files are untouched", {path: b.guest.get(path) for path in plant["old"]} == plant["old"])
    t.check("the candidate's is beside them", key_of(b.guest.get(CANDIDATE)) == plant["candidate"])
    tag = hashlib.sha256(b"sealbond cap v1\0" + bytes.fromhex(plant["candidate"]) + bytes(32) + CAP_CANDIDATE).digest()
    cap = hashlib.sha256(bytes.fromhex(key["pcr_values"]["14"]) + tag).hexdigest()
    now = b.guest.out("tpm2_pcrread sha256:14").split("0x")[-1].strip().lower()
    t.check("the cap PCR proves that the kernel holds it", now == cap, (now, cap))


def test_admitted(lab, t):
    a, b = device.pair(lab)
    t.check("nobody has admitted it: no bond", b.ask("status")["bonds_live"] == 0)
    a.guest.run(f"sed -i 's/^key = .*/key = {plant['candidate']}/' {device.PEERS_PATH}")
    a.cli("reload")
    t.must("A's operator admits the candidate under the same device id: the bond is live", a.wait_bond() and
           b.guest.wait_for("sealbond status --json | grep -q '\"bonds_live\":1'", timeout=60))
    traffic(t, "and traffic flows to {}", a, b)
    b.guest.wait_for(f"test -e {BEFORE} -a ! -e {CANDIDATE}")
    t.check("it is the current key's file now, and the old one is kept",
            key_of(b.guest.get(CURRENT)) == plant["candidate"] and b.guest.get(BEFORE) == plant["old"][CURRENT] and
            b.guest.get(NEXT) == plant["old"][NEXT])
    status = b.ask("status")
    t.check("the state is boot-changed as before", status["exit"] == CHANGED and status["candidate"], status)
    b.restart()
    b.guest.wait_for("sealbond status --json | grep -q '\"bonds_live\":1'", timeout=60)
    a.cli("rotate b")
    b.guest.wait_for("sealbond status | grep -q 'Helper:     running'")
    t.check("a helper that starts again leaves the files", b.guest.get(BEFORE) == plant["old"][CURRENT] and
            key_of(b.guest.get(CURRENT)) == plant["candidate"])


def test_back(lab, t):
    a, b = device.pair(lab)
    boot(lab, b)
    b.wait_state("keys-ready", "boot-changed", timeout=120)
    key = b.ask("key")
    t.check("booted as approved, B has the admitted key, and the next one of before", key["state"] == "keys-ready" and
            key["key_current"] == plant["candidate"] and key["key_next"] == key_of(plant["old"][NEXT]), key)
    t.must("the bond comes back by itself", b.wait_bond() and a.wait_bond())
    traffic(t, "and traffic flows to {}", a, b)


def test_approved(lab, t):
    a, b = device.pair(lab)
    boot(lab, b, "77")
    b.wait_state("boot-changed", timeout=120)
    b.guest.wait_for(f"test -s {CANDIDATE}")
    files = [b.guest.get(path) for path in (CURRENT, NEXT)]
    t.must("B boots otherwise; its owner approves that", approve(lab, b))
    b.guest.wait_for("sealbond status | grep -q 'a reboot is all that is missing'", timeout=60)
    r = b.cli("status", check=False)
    t.check("the helper has seen it, and status says that a reboot is all that is missing",
            r.code == CHANGED and "Reboot: an approval fits this boot now." in r.out, r)
    t.check("without being told to, it asks for none", not there(b.guest, f"{FILES}/reboots"))
    approval = b.guest.out(f"ls -t {FILES}/approvals/*.approval | head -1")
    b.guest.run(f"mv {approval} {FILES}/kept")
    b.guest.wait_for("sealbond status | grep -q 'differ from every approval'", timeout=60)
    t.note("(and when it is taken away again, that it is not there)")
    b.stop()
    b.configure("reboot_when_approved = yes\nreboot_command = /usr/bin/machine-reboot\n")
    b.start()
    b.guest.run(f"mv {FILES}/kept {approval}")
    b.guest.wait_death(timeout=90)
    t.note("(with reboot_when_approved = yes the machine has rebooted)")
    boot(lab, b, "77", b.extra)
    b.wait_state("keys-ready", "boot-changed", timeout=120)
    key = b.ask("key")
    t.check("and has its keys", key["state"] == "keys-ready" and key["key_current"] == plant["candidate"], key)
    t.must("the bond comes back by itself", b.wait_bond() and a.wait_bond())
    traffic(t, "and traffic flows to {}", a, b)
    b.guest.wait_for(f"test ! -e {CANDIDATE}")
    t.check("the candidate that nobody has admitted is gone, the keys' files are as they were",
            [b.guest.get(path) for path in (CURRENT, NEXT)] == files)
    t.check("one reboot was asked for", b.guest.out(f"cat {FILES}/reboots") == "asked")


def test_no_loop(lab, t):
    """An approval that fits this boot and does not help: here, by putting its value in late."""
    _, b = device.pair(lab)
    boot(lab, b, "5e", b.extra)
    b.wait_state("boot-changed", timeout=120)
    approval = b.guest.out(f"ls -t {FILES}/approvals/*.approval | head -1")
    digest = hashlib.sha256(b.guest.get(approval)).hexdigest()
    t.check("the helper remembers for which approval it has asked", b.guest.out(f"cat {FILES}/reboot-asked") == digest)
    b.stop()
    t.must("an approval for this boot comes", approve(lab, b))
    newest = b.guest.out(f"ls -t {FILES}/approvals/*.approval | head -1")
    b.guest.put(hashlib.sha256(b.guest.get(newest)).hexdigest().encode(), f"{FILES}/reboot-asked")
    b.start()
    seen = b.helper.expect("asked for before", timeout=60)
    t.check("for one that was tried it asks no second time", seen and b.guest.out(f"cat {FILES}/reboots") == "asked")
    t.check("a fitting approval is told all the same", json.loads(b.cli("status --json", check=False).out)["helper_note"]
            .endswith("a reboot is all that is missing"))
