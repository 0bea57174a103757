# SPDX-License-Identifier: Apache-2.0
"""What can happen to a TPM, beside what `keys` has: each fault in its named state, and the helper goes on.

    a ── switch ── b        devices with helper, bonded, mode enforce; a's and b's TPM pass through the harness
    late                    a TPM that comes after the helper, and as tpm1

`tpm_delays` has the slow ones, `tpm_answers` the wrong answers.
"""

import re
import struct

from device import Device
from faulty import Plant, STATES, keys, prints, told
from process import wait_until
from tpmwire import error

LAB = "tpm_faults"
LONG = True
MINUTES = 8
CC_UNSEAL, CC_PCR_EXTEND = 0x15E, 0x182
RC_RETRY, RC_NV_UNAVAILABLE = 0x922, 0x923
RC_OBJECT_MEMORY, RC_SESSION_MEMORY = 0x902, 0x903
SRK = "0x81000001"

plant = {}


def test_bonded(lab, t):
    plant["all"] = Plant(lab, t)


def ended_by(d, *alarms):
    """tampered for these alarms: no bond, and no key in memory."""
    status, key = d.ask("status"), d.ask("key")
    return (status["alarms"] == list(alarms) and "key_current" not in key and d.peer("b")["bond"] != "live",
            (status, key, d.peer("b")))


def test_reset_under_us(lab, t):
    p = plant["all"]
    a, b = p.devices
    count = a.ask("key")["reset_count"]
    a.guest.tpm.wire.reset()
    value = a.guest.out("cat /sys/class/tpm/tpm0/pcr-sha256/14")
    t.must("the TPM was reset: the cap is gone", set(value) == {"0"}, value)
    a.wait_state("tampered")
    told(t, a, "tampered", p.files[1])
    t.check("the bond has ended for that, and the keys are wiped", *ended_by(a, "pcr", "reset"))
    t.check("nothing passes any more", not a.ping(b.inner4, 1) and not b.ping(a.inner4, 1))
    r = a.guest.run("sbctl key", check=False)
    t.check("another hold, which the TPM would serve, is refused in words", r.code == 1 and "EKEYREVOKED" in r.out
            and "reboot" in r.out, r)
    a.restart()
    told(t, a, "tampered", p.files[1])
    t.note("(a new helper changes nothing)")
    a.reload_module()
    told(t, a, "boot-changed", p.files[1])
    t.note("(nor does a new module: what had booted is in no PCR any more)")
    p.rebooted(a)
    a.start()
    told(t, a, "keys-ready", p.files[1])
    key = a.ask("key")
    t.check("after a reboot, the same keys", keys(a) == p.keys[1] and key["reset_count"] > count + 1, key)
    a.wait_bond()
    t.check("and the bond", a.ping(b.inner4) and b.ping(a.inner6))


def fill_sessions(guest):
    """All slots for sessions, through the raw device; the harness forgets their handles."""
    start = bytes.fromhex("8001 0000002b 00000176 40000007 40000007 0010") + bytes(range(16)) + bytes.fromhex(
        "0000 00 0010 000b")
    guest.put(start, "/tmp/start")
    guest.run("for i in 1 2 3; do dd if=/tmp/start of=/dev/tpm0 bs=100 2>/dev/null; done")
    handles = guest.out("tpm2_getcap -T device:/dev/tpm0 handles-loaded-session")
    assert len(re.findall("0x", handles)) == 3, handles


def fill_objects(guest):
    """All slots for objects."""
    guest.run("for i in 1 2 3; do tpm2_createprimary -Q -T device:/dev/tpm0 -C o -G ecc -c /tmp/c$i; done")
    handles = guest.out("tpm2_getcap -T device:/dev/tpm0 handles-transient")
    assert len(re.findall("0x", handles)) == 3, handles


def test_slots(lab, t):
    p = plant["all"]
    a, b = p.devices
    for words, fill, flush, rc in (("sessions", fill_sessions, "-l", RC_SESSION_MEMORY),
                                   ("objects", fill_objects, "-t", RC_OBJECT_MEMORY)):
        p.rebooted(a)
        fill(a.guest)
        first = len(a.guest.tpm.wire.exchanges)
        t.note(f"all slots for {words} are taken")
        a.start()
        told(t, a, "tpm-busy", p.files[1])
        t.check(f"the TPM has said so: {rc:#x}", rc in [e.rc for e in a.guest.tpm.wire.exchanges[first:]])
        a.guest.run(f"tpm2_flushcontext -T device:/dev/tpm0 {flush}")
        a.wait_state("keys-ready", timeout=120)
        told(t, a, "keys-ready", p.files[1])
        a.wait_bond()
        t.check(f"by itself, when the {words}' slots are free: the same keys, and the bond",
                a.ping(b.inner4) and keys(a) == p.keys[1])


def test_busy(lab, t):
    p = plant["all"]
    a, b = p.devices
    for rc, words in ((RC_RETRY, "asks to retry"), (RC_NV_UNAVAILABLE, "says that its memory cannot be written")):
        p.rebooted(a)
        wire = a.guest.tpm.wire
        wire.filter = lambda code, _command, rc=rc: error(rc) if code == CC_UNSEAL else None
        t.note(f"the TPM {words}")
        a.start()
        told(t, a, "tpm-busy", p.files[1])
        wire.filter = None
        a.wait_state("keys-ready", timeout=120)
        t.check("later, by itself, the same keys", keys(a) == p.keys[1], a.ask("key"))
        a.wait_bond()


def test_garbled(lab, t):
    """What only a reboot heals says so, and a reboot heals it."""
    p = plant["all"]
    a, b = p.devices
    for words, change in (("is garbled", lambda code, answer: answer[:20] + bytes([answer[20] ^ 1]) + answer[21:]
                           if code == CC_UNSEAL else answer),
                          ("is of another size than it says", lambda code, answer: answer[:10] + struct.pack(
                              ">I", 0x7fffffff) + answer[14:] if code == CC_UNSEAL else answer),
                          ("to the cap is garbled", lambda code, answer: answer[:-1] + bytes([answer[-1] ^ 1])
                           if code == CC_PCR_EXTEND else answer)):
        p.rebooted(a)
        a.guest.tpm.wire.change = change
        t.note(f"an answer {words}")
        a.start()
        told(t, a, "tpm-error", p.files[1])
        a.guest.tpm.wire.change = None
        a.reload_module()
        told(t, a, "capped", p.files[1])
        t.check("nothing passes meanwhile", not a.ping(b.inner4, 1))


def test_owner_auth(lab, t):
    p = plant["all"]
    a, b = p.devices
    p.rebooted(a)
    a.guest.run(f"tpm2_evictcontrol -Q -C o -c {SRK}; tpm2_changeauth -Q -c owner secret")
    a.start()
    told(t, a, "tpm-owner-auth", p.files[1])
    a.stop()
    a.guest.run("tpm2_changeauth -Q -c owner -p secret")
    p.rebooted(a)
    a.start()
    told(t, a, "keys-ready", p.files[1])
    t.check("after a reboot, the same keys", keys(a) == p.keys[1], a.ask("key"))
    a.wait_bond()
    t.check("and the bond", a.ping(b.inner4))


LOCK_OUT = ("tpm2_dictionarylockout -Q -s -n 1 -t 1000 -l 1000; tpm2_createprimary -Q -C e -c /tmp/e.ctx -p pw; "
            "tpm2_create -Q -C /tmp/e.ctx -P bad -u /tmp/u -r /tmp/r")


def test_locked_out(lab, t):
    """With somebody else's storage key, which is not exempt, `keys` shows the state tpm-lockout."""
    p = plant["all"]
    a, b = p.devices
    p.rebooted(a)
    a.guest.run(LOCK_OUT, check=False)
    shown = a.guest.out("tpm2_getcap properties-variable")
    t.must("the TPM is locked out", re.search(r"inLockout: +1", shown), shown)
    a.start()
    told(t, a, "keys-ready", p.files[1])
    t.check("keys under our own storage key open all the same: they are exempt", keys(a) == p.keys[1], a.ask("key"))
    a.wait_bond()
    a.guest.run("tpm2_dictionarylockout -Q -c")


def test_cleared_while_running(lab, t):
    p = plant["all"]
    a, b = p.devices
    a.guest.run("tpm2_clear -Q")
    before = a.peer("b")
    t.check("the TPM is cleared under a bond, mode off: packets go on", a.ping(b.inner4))
    a.cli("rotate b")
    wait_until(lambda: a.peer("b")["handshakes"] > before["handshakes"], 30, "a rotation", 0.1)
    t.check("and so do rotations", a.ping(b.inner6))
    a.guest.wait_for("sealbond status --json | grep -q '\"alarms\": *\\[ *\"reset\"'")
    t.check("and it is told: clearing sets the reset count to zero", a.ask("status")["alarms"] == ["reset"])
    a.cli("mode enforce")
    a.wait_state("tampered")
    told(t, a, "tampered", p.files[1])
    t.check("in mode enforce the bond ends for that, and the keys are wiped", *ended_by(a, "reset"))
    p.rebooted(a)
    a.start()
    told(t, a, "tpm-cleared", p.files[1])
    roles = a.roles()
    for _ in range(3):
        a.cli("reload")
    t.check("asked again and again: the same, and no new key", a.wait_state(*STATES) == "tpm-cleared" and
            prints(a) == p.files[1] and a.roles() == roles, a.ask("key"))
    for d in (a, b):
        d.guest.shutdown()


def test_late(lab, t):
    """No TPM at the start; its driver comes later, with another number."""
    p = plant["all"]
    late, = lab.boot(lab.guest("late"))
    d = Device(late, 5)
    d.install(p.public)
    late.run("echo MSFT0101:00 > /sys/bus/acpi/drivers/tpm_crb/unbind")
    d.start()
    told(t, d, "no-tpm")
    r = d.cli("identity", check=False)
    t.check("no identity, and why", r.code == 10, r)
    roles = d.roles()
    late.run("echo MSFT0101:00 > /sys/bus/acpi/drivers/tpm_crb/bind")
    late.wait_for("test -c /dev/tpmrm1")
    d.wait_state("keys-ready", timeout=120)
    told(t, d, "keys-ready")
    late.wait_for("sealbond identity", timeout=90)
    t.check("it came as tpm1: keys and device id by themselves, from the same helper", not late.run(
        "test -e /dev/tpmrm0", check=False) and d.roles() == roles, (roles, d.roles()))
    d.guest.put(p.private, "/tmp/release.pem")
    r = d.cli("release approve --key /tmp/release.pem", check=False)
    t.check("and its PCRs can be approved", r, r)
    first = keys(d)
    late.run("echo MSFT0101:00 > /sys/bus/acpi/drivers/tpm_crb/unbind; rm /var/lib/sealbond/device-id")
    d.stop()
    late.run("rmmod sealbond")
    d.start()
    told(t, d, "no-tpm")
    late.run("echo MSFT0101:00 > /sys/bus/acpi/drivers/tpm_crb/bind")
    d.wait_state("capped", timeout=120)
    late.wait_for("test -s /var/lib/sealbond/device-id", timeout=90)
    t.check("a second time, as it was: capped, since it has kept its PCRs", first[0] is not None)
    told(t, d, "capped")
