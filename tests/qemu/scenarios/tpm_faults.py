# SPDX-License-Identifier: Apache-2.0
"""What can happen to a TPM, beside what `keys` has: each fault in its named state, and the helper goes on.

    a ── switch ── b        devices with helper, bonded, mode enforce; a's and b's TPM pass through the harness
    late                    a TPM that comes after the helper, and as tpm1
"""

import re
import struct

import bonded
from device import Device, make_release_key
from process import wait_until
from tpmwire import error

LAB = "tpm_faults"
LONG = True
FILES = "/var/lib/sealbond/key-current.blob", "/var/lib/sealbond/key-next.blob", "/var/lib/sealbond/device-id"
CC_CREATE, CC_UNSEAL, CC_PCR_EXTEND = 0x153, 0x15E, 0x182
RC_RETRY, RC_NV_UNAVAILABLE, RC_TESTING = 0x922, 0x923, 0x90A
# exit code, words of the sentence and of the remedy: docs/cli.md and docs/keys.md
STATES = {
    "keys-ready": (0, "The kernel holds this device's bond keys", ""),
    "no-tpm": (10, "The kernel sees no TPM 2.0", "firmware's settings"),
    "tpm-cleared": (11, "was cleared since the keys were sealed", "sealbond identity"),
    "tpm-busy": (13, "its slots are full", "the helper goes on trying"),
    "tpm-owner-auth": (14, "owner hierarchy has a password", "0x81000001"),
    "tpm-error": (20, "The TPM refused a command", "tpm2_rc_decode"),
    "capped": (18, "were closed in this boot already", "Reboot"),
}
DELAYS = {"a": (15,), "b": (5, 1, 0.1)}

plant = {}


def prints(d):
    """What an identity is on the disk."""
    return d.guest.out("sha256sum " + " ".join(FILES))


def told(t, d, state, before=None):
    """The state, its code, sentence and remedy from key and status; the helper is the same three processes
    afterwards, and the files are those of before."""
    code, sentence, remedy = STATES[state]
    seen, roles = d.wait_state(*STATES, timeout=120), d.roles()
    for _ in range(5):	# what is tried again is "key-pending" for a moment
        rs = d.cli("key", check=False), d.cli("status", check=False)
        if 24 not in [r.code for r in rs]:
            break
    codes = {code, 25, 26} if state == "keys-ready" else {code}
    t.check(f"{state}: exit code {code}, its sentence and what to do", seen == state and
            all(r.code in codes and f" {state}. " in r.out and sentence in r.out and remedy in r.out for r in rs),
            f"{seen}\n{rs[0]}\n{rs[1]}")
    t.check(f"{state}: the helper goes on", len(roles) == 3 and d.roles() == roles, (roles, d.roles()))
    if before:
        t.check(f"{state}: the key files are as they were", prints(d) == before, prints(d))


def keys(d):
    key = d.ask("key")
    return key.get("key_current"), key.get("key_next")


def approve(d):
    d.guest.put(plant["private"], "/tmp/release.pem")
    d.cli("release approve --key /tmp/release.pem")
    d.guest.run("rm /tmp/release.pem")


def rebooted(d):
    """As an image does: everything from its disk."""
    d.guest.reboot()
    d.cable()
    d.install(plant["public"])


def test_bonded(lab, t):
    lab.boot(*(lab.guest(n, tpm=lab.tpm(n, wire=True), files=bonded.TOOLS) for n in ("a", "b")))
    plant["private"], plant["public"] = make_release_key(lab.directory)
    plant["devices"] = devices = [Device(lab.guests[n], i + 1) for i, n in enumerate(("a", "b"))]
    for d in devices:
        d.cable()
        d.install(plant["public"])
        d.start()
    for d in devices:
        told(t, d, "keys-ready")
        approve(d)
        d.guest.wait_for("sealbond identity", timeout=60)
        d.guest.wait_for("sealbond key --json | grep -q '\"stored\":true'")
    a, b = devices
    plant["keys"] = {d.number: keys(d) for d in devices}
    plant["files"] = {d.number: prints(d) for d in devices}
    a.peer_of(b)
    b.peer_of(a)
    for d in devices:
        d.cli("reload")
    for d in devices:
        d.wait_bond()
        d.cli("mode enforce")
    t.check("bonded", a.ping(b.inner4))


def test_reset_under_us(lab, t):
    a, b = plant["devices"]
    before, count = a.peer("b"), a.ask("key")["reset_count"]
    a.guest.tpm.wire.reset()
    value = a.guest.out("cat /sys/class/tpm/tpm0/pcr-sha256/14")
    t.must("the TPM was reset: the cap is gone", set(value) == {"0"}, value)
    t.check("a bond goes on, or is ended by the watch", a.ping(b.inner4) or
            a.ask("status")["state"] == "tampered", a.ask("status"))
    if a.ask("status")["state"] == "tampered":
        r = a.cli("status", check=False)
        t.check("tampered: 27", r.code == 27 and "the TPM was reset" in r.out, r)
    else:
        a.cli("rotate b")
        wait_until(lambda: a.peer("b")["handshakes"] > before["handshakes"], 30, "a rotation", 0.1)
        r = a.guest.run("sbctl key", check=False)
        t.check("another hold for keys that are held is refused, in words", r.code == 1 and "held already" in r.out, r)
    a.reload_module()
    told(t, a, "keys-ready", plant["files"][1])
    key = a.ask("key")
    t.check("the module loaded anew finds the counters of now, and the same keys", keys(a) == plant["keys"][1] and
            key["reset_count"] > count, key)
    a.wait_bond()
    t.check("and the peer takes the handshake as new", a.ping(b.inner4))


def fill_sessions(guest):
    """All slots for sessions, through the raw device; the harness forgets their handles."""
    start = bytes.fromhex("8001 0000002b 00000176 40000007 40000007 0010") + bytes(range(16)) + bytes.fromhex(
        "0000 00 0010 000b")
    guest.put(start, "/tmp/start")
    guest.run("for i in 1 2 3; do dd if=/tmp/start of=/dev/tpm0 bs=100 2>/dev/null; done")
    handles = guest.out("tpm2_getcap -T device:/dev/tpm0 handles-loaded-session")
    assert len(re.findall("0x", handles)) == 3, handles


def test_busy(lab, t):
    a, b = plant["devices"]
    rebooted(a)
    fill_sessions(a.guest)
    a.start()
    told(t, a, "tpm-busy", plant["files"][1])
    a.guest.run("tpm2_flushcontext -T device:/dev/tpm0 -l")
    a.wait_state("keys-ready", timeout=120)
    told(t, a, "keys-ready", plant["files"][1])
    t.note("(by itself, when the sessions' slots were free)")
    a.wait_bond()
    t.check("the bond is back", a.ping(b.inner4) and keys(a) == plant["keys"][1])
    for rc, words in ((RC_RETRY, "asks to retry"), (RC_NV_UNAVAILABLE, "says that its memory cannot be written")):
        rebooted(a)
        wire = a.guest.tpm.wire
        wire.filter = lambda code, _command, rc=rc: error(rc) if code == CC_UNSEAL else None
        a.start()
        t.note(f"the TPM {words}")
        told(t, a, "tpm-busy", plant["files"][1])
        wire.filter = None
        a.wait_state("keys-ready", timeout=120)
        t.check("later, by itself, the same keys", keys(a) == plant["keys"][1], a.ask("key"))
        a.wait_bond()


def test_garbled_and_gone(lab, t):
    """What only a reboot heals says so, and a reboot heals it."""
    a, b = plant["devices"]
    for words, change in (("is garbled", lambda code, answer: answer[:20] + bytes([answer[20] ^ 1]) + answer[21:]
                           if code == CC_UNSEAL else answer),
                          ("is of another size than it says", lambda code, answer: answer[:10] + struct.pack(
                              ">I", 0x7fffffff) + answer[14:] if code == CC_UNSEAL else answer),
                          ("to the cap is garbled", lambda code, answer: answer[:-1] + bytes([answer[-1] ^ 1])
                           if code == CC_PCR_EXTEND else answer)):
        rebooted(a)
        a.guest.tpm.wire.change = change
        t.note(f"an answer {words}")
        a.start()
        told(t, a, "tpm-error", plant["files"][1])
        a.guest.tpm.wire.change = None
        a.reload_module()
        told(t, a, "capped", plant["files"][1])
        t.check("nothing passes meanwhile", not a.ping(b.inner4, 1))
    rebooted(a)
    a.guest.run("tpm2_changeauth -Q -c owner secret")
    a.start()
    told(t, a, "tpm-owner-auth", plant["files"][1])
    a.stop()
    a.guest.run("tpm2_changeauth -Q -c owner -p secret")
    rebooted(a)
    a.start()
    told(t, a, "keys-ready", plant["files"][1])
    t.check("after a reboot, the same keys", keys(a) == plant["keys"][1], a.ask("key"))
    a.wait_bond()
    t.check("and the bond", a.ping(b.inner4))


def slow_side(d):
    """A namespace of the device, whose key is made meanwhile."""
    g = d.guest
    g.run("ip netns del slow 2>/dev/null; ip netns add slow; ip link add w0 netns slow type veth peer name w1 "
          "netns slow; echo 60 > /proc/sys/kernel/hung_task_timeout_secs")
    side = bonded.Side(g, "slow", 5, ns="slow", device="w0")
    side.addresses()
    side.sb0()
    side.local()
    return side


def test_delays(lab, t):
    """Both TPMs are slow at the same time, each at its pace."""
    a, b = plant["devices"]
    before = a.peer("b")
    jobs, done, rounds = {}, [], 0
    waits = {d.guest.name: list(DELAYS[d.guest.name]) for d in (a, b)}
    sides = {d.guest.name: slow_side(d) for d in (a, b)}
    while jobs or any(waits.values()):
        for d in (a, b):
            name = d.guest.name
            if name in jobs and not jobs[name][0].running:
                job, delay, first = jobs.pop(name)
                d.guest.tpm.wire.delay = 0.0
                found = bonded.fields(job.wait(10).out)
                count = found.get("tpm_commands")
                t.check(f"a TPM that takes {delay} s for an answer: the hold ends with keys, after {count} commands",
                        found.get("state") == 2, job.out)
                done.append(delay)
            if name not in jobs and waits[name]:
                d.guest.tpm.wire.delay = delay = waits[name].pop(0)
                if done:
                    sides[name] = slow_side(d)
                jobs[name] = sides[name].start("sbctl key"), delay, len(d.guest.tpm.wire.exchanges)
        r = (a, b)[rounds % 2].cli(f"rotate {'ba'[rounds % 2]}", check=False)
        wait_until(lambda n=rounds: a.peer("b")["handshakes"] > before["handshakes"] + n, 60, "the rotation", 0.1)
        rounds += 1
        if not (r and a.ping(b.inner4, 2) and b.ping(a.inner6, 2)):
            t.check("packets pass and bonds rotate meanwhile", False, r)
            break
    after = a.peer("b")
    t.check(f"meanwhile {rounds} rotations one after the other, packets after each, and both helpers answer",
            rounds >= 5 and after["bond"] == "live" and after["handshakes"] == before["handshakes"] + rounds,
            (before, after, rounds))
    t.check("no task hung", not any(d.guest.run("dmesg | grep 'blocked for more'", check=False) for d in (a, b)))
    for d in (a, b):
        d.guest.run("ip netns del slow")


def test_cleared_while_running(lab, t):
    a, b = plant["devices"]
    a.guest.run("tpm2_clear -Q")
    t.check("the TPM is cleared under a bond: packets go on", a.ping(b.inner4))
    before = a.peer("b")
    a.cli("rotate b")
    wait_until(lambda: a.peer("b")["handshakes"] > before["handshakes"], 30, "a rotation", 0.1)
    t.check("and so do rotations", a.ping(b.inner6))
    rebooted(a)
    a.start()
    told(t, a, "tpm-cleared", plant["files"][1])
    roles = a.roles()
    for _ in range(3):
        a.cli("reload")
    t.check("asked again and again: the same, and no new key", a.wait_state(*STATES) == "tpm-cleared" and
            prints(a) == plant["files"][1] and a.roles() == roles, a.ask("key"))
    for d in (a, b):
        d.guest.shutdown()


def test_late(lab, t):
    """No TPM at the start; its driver comes later, with another number."""
    late, = lab.boot(lab.guest("late"))
    d = Device(late, 5)
    d.install(plant["public"])
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
    d.guest.put(plant["private"], "/tmp/release.pem")
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
