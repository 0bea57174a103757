# SPDX-License-Identifier: Apache-2.0
"""A TPM that answers wrongly: each command of the hold in turn, damaged in several ways.

    a       its TPM's answers pass through the harness, which damages one of them
    v       a TPM of vtpm_proxy, in front of an emulator in the guest: damage that QEMU does not pass on

Each hold is in a network namespace of its own, with an approval for the PCRs as they are then.
"""

import hashlib
import os
import random
import re
import struct
import subprocess

import bonded
from channel import GuestDied
from device import Device, make_release_key
from image import BUILD, host_program
from process import wait_until
from tpmwire import error

LAB = "tpm_answers"
LONG = True
MINUTES = 9
SEED = int(os.environ.get("SEALBOND_SEED", "0")) or random.randrange(1, 1 << 31)
FLIPS = 2
TRIES = 5
ANSWER_MAX = 4096 - 0x80	# of a TPM with a CRB: the size of its buffer, which Linux (crb_recv) does not look at

KEYS_READY, NO_TPM, TPM_CLEARED, TPM_BUSY, SEALED_ELSEWHERE = 2, 3, 4, 6, 10
STATES = range(2, 16)
FAILED = set(STATES) - {KEYS_READY, NO_TPM}
CC = {"CreatePrimary": 0x131, "Create": 0x153, "Load": 0x157, "Unseal": 0x15E, "FlushContext": 0x165,
      "LoadExternal": 0x167, "PolicyAuthorize": 0x16A, "ReadPublic": 0x173, "StartAuthSession": 0x176,
      "VerifySignature": 0x177, "PCR_Read": 0x17E, "PolicyPCR": 0x17F, "ReadClock": 0x181, "PCR_Extend": 0x182}
UNSEALING = ["ReadClock", "PCR_Read", "ReadPublic", "CreatePrimary", "LoadExternal", "VerifySignature",
             "StartAuthSession", "Load", "PolicyPCR", "PolicyAuthorize", "Unseal", "PCR_Extend", "FlushContext"]
MAKING = ["PCR_Read", "CreatePrimary", "StartAuthSession", "Create", "PCR_Extend"]
READS = ["ReadClock", "PCR_Read"]
# The watch reads as well, before a hold and every 5 s: which answer is damaged, behind those that go through
PLACES = {name: (0, 1, 2) for name in READS}
WITH_HANDLE = ["CreatePrimary", "LoadExternal", "StartAuthSession", "Load"]

plant = {}


def sized(answer):
    """With the size that it has in its header."""
    return answer[:2] + struct.pack(">I", len(answer)) + answer[6:]


def flipped(answer, chance):
    """One bit of what follows its header is another; of its code, where nothing follows."""
    at = chance.randrange(10, len(answer)) if len(answer) > 10 else chance.randrange(6, 10)
    return answer[:at] + bytes([answer[at] ^ 1 << chance.randrange(8)]) + answer[at + 1:]


def damages(name, chance):
    """Kind of damage -> function of the answer."""
    found = {
        "is only a header": lambda a: sized(a[:10]),
        "is a byte short": lambda a: sized(a[:max(10, len(a) - 1)]),
        "is cut in the middle": lambda a: sized(a[:max(10, len(a) // 2)]),
        "has 16 bytes more": lambda a: sized(a + b"\x5a" * 16),
        "is as large as can be": lambda a: sized(a + bytes(ANSWER_MAX - len(a))),
        "has the other tag": lambda a: bytes([0x80, a[1] ^ 3]) + a[2:],
        "has no tag": lambda a: b"\0\0" + a[2:],
        "has lengths of 0xffff": lambda a: a[:10] + b"\xff" * (len(a) - 10),
        "is zeros": lambda a: a[:10] + bytes(len(a) - 10),
        "is TPM_RC_FAILURE": lambda a: error(0x101),
    }
    for number in range(FLIPS):
        found[f"has a bit flipped ({number + 1})"] = lambda a: flipped(a, chance)
    if name in WITH_HANDLE:
        found["names another handle"] = lambda a: a[:10] + struct.pack(
            ">I", struct.unpack_from(">I", a, 10)[0] ^ 5) + a[14:] if len(a) > 10 else a
    return found


class Damage:
    """Damages one answer to a command, behind so many others, or every one, while it is armed."""

    def __init__(self, wire):
        self.wire, self.done = wire, []
        wire.change = self._change
        self._name = None

    def arm(self, name, damage, behind=0, always=False):
        self._name, self._damage, self._behind, self._always = name, damage, behind, always
        self.done = []

    def disarm(self):
        """Which command it was armed for."""
        name, self._name = self._name, None
        return name

    def _change(self, code, answer):
        if code != CC.get(self._name) or self.done and not self._always:
            return answer
        if self._behind:
            self._behind -= 1
            return answer
        self.done.append(answer)
        return self._damage(answer)


def approve(guest, cap=None):
    """An approval for the PCRs as they are now, signed here. cap: PCR 14 where it is known."""
    read = "cat /sys/class/tpm/tpm0/pcr-sha256/"
    values = {7: plant.setdefault("pcr7", None) or guest.out(read + "7"), 14: cap or guest.out(read + "14").lower()}
    plant["pcr7"] = values[7]
    directory = os.path.join(plant["directory"], "approvals")
    r = subprocess.run([os.path.join(BUILD, "sealbond"), "--config", plant["conf"], "release", "approve",
                        "--key", plant["private"], "--out", directory]
                       + [word for pcr, value in values.items() for word in ("--keep", f"{pcr}={value}")],
                       capture_output=True, text=True, check=True)
    with open(r.stdout.split()[0], "rb") as f:
        guest.put(f.read(), "/tmp/now.approval")
    return values[14]


FLUSH = "; tpm2_flushcontext -T device:/dev/tpm0 -t; tpm2_flushcontext -T device:/dev/tpm0 -l"


def hold(guest, with_blobs=True, save="", damage=None):
    """One hold in a fresh namespace, as a dictionary; cap: PCR 14 after it, of which nothing is damaged."""
    files = "current=/tmp/current.blob next=/tmp/next.blob approval=/tmp/now.approval" if with_blobs else ""
    r = guest.run(f"ip netns add one; ip netns exec one sbctl key {plant['words']} {files} {save}; ip netns del one",
                  check=False, timeout=60)
    if r.timed_out:
        raise TimeoutError(f"the hold does not end: {r}")
    flush = damage.disarm() in WITH_HANDLE + ["FlushContext"] if damage else False
    found = bonded.fields(r.out)
    # the TPM keeps what it was told to forget by another name
    after = guest.run("cat /sys/class/tpm/tpm0/pcr-sha256/14" + (FLUSH if flush else ""), check=False)
    found["cap"] = re.search(r"^[0-9A-Fa-f]{64}$", after.out, re.M).group(0).lower()
    found["out"] = r.out
    return found


def begin(lab):
    """The guest, its keys, and what is needed to approve."""
    plant["directory"] = lab.directory
    plant["private"], plant["public"] = make_release_key(lab.directory)
    plant["conf"] = os.path.join(lab.directory, "fleet.conf")
    with open(plant["conf"], "w", encoding="ascii") as f:
        f.write(f"[device]\noverlay6 = fd77::1/64\n[key]\npcrs = 7\ncap_pcr = 14\nfleet = faults\n"
                f"release_key = {lab.directory}/release.pub.pem\n")
    text = subprocess.run(["openssl", "ec", "-pubin", "-outform", "DER"], input=plant["public"], capture_output=True,
                          check=True).stdout
    plant["words"] = f"pcrs=7 cap=14 fleet={hashlib.sha256(b'faults').hexdigest()} release={text[-64:].hex()}"


def judged(found, before, with_blobs, damage):
    """What is wrong with the end of a hold."""
    state = found.get("state")
    ready = state == KEYS_READY
    if state not in STATES:
        yield "no state"
    elif ready and with_blobs and (found["key"], found["next"]) != plant["keys"]:
        yield "another key"
    elif not ready and ("key" in found or "next" in found):
        yield "a key without the state"
    if found["cap"] == before and state not in (NO_TPM, TPM_BUSY):
        yield "not capped"
    if state in (TPM_CLEARED, SEALED_ELSEWHERE, NO_TPM, TPM_BUSY) and len(damage.done[0]) > 10:
        yield "the state of another fault"


def sweep(t, guest, wire, names, with_blobs):
    """Each command's answer damaged in each way; what was found wrong, and how often keys came all the same."""
    chance = random.Random(SEED)
    wrong, ready, runs, cap = [], {}, {}, None
    damage = Damage(wire)
    for name in names:
        for behind, (words, change) in ((n, d) for n in PLACES.get(name, (0,)) for d in damages(name, chance).items()):
            before = approve(guest, cap)
            damage.arm(name, change, behind)
            try:
                found = hold(guest, with_blobs, damage=damage)
            except (TimeoutError, GuestDied) as e:
                raise AssertionError(f"{name} {words}: {e}") from e
            cap = found["cap"]
            if "EKEYREVOKED" in found["out"]:
                raise AssertionError(f"{name} {words} (behind {behind}): taken for a change of the TPM: {found}")
            if not damage.done and behind:
                continue	# not so often
            if not damage.done:
                break		# not among this path's commands
            runs[name] = runs.get(name, 0) + 1
            ready[name] = ready.get(name, 0) + (found.get("state") == KEYS_READY)
            wrong += [(what, f"{name} {words}: {found['out'].strip()}")
                      for what in judged(found, before, with_blobs, damage)]
    wire.change = None
    t.note("without harm: " + ", ".join(f"{name} {ready[name]} of {count}" for name, count in runs.items()))
    if with_blobs:
        t.check("those to the hold's own reads were among them", all(ready[name] < runs[name] for name in READS), ready)
    return wrong, sum(runs.values())


def test_unsealing(lab, t):
    t.note(f"SEALBOND_SEED={SEED}")
    begin(lab)
    a, = lab.boot(lab.guest("a", tpm=lab.tpm("a", wire=True), disk=None, files=bonded.TOOLS))
    a.run("modprobe sealbond")
    made = hold(a, with_blobs=False, save="save=/tmp")
    plant["keys"] = made["key"], made["next"]
    approve(a)
    found = hold(a)
    t.must("without damage the keys open again, with an approval of the PCRs of now",
           found["state"] == KEYS_READY and (found["key"], found["next"]) == plant["keys"], found["out"])
    wrong, runs = sweep(t, a, a.tpm.wire, UNSEALING, True)
    t.check(f"{runs} damaged answers while unsealing: always a named state, never another key, always the cap",
            runs > 150 and not wrong, "\n".join(str(w) for w in wrong))


def test_making(lab, t):
    a = lab.guests["a"]
    wrong, runs = sweep(t, a, a.tpm.wire, MAKING, False)
    t.check(f"{runs} damaged answers while making keys: the same", runs > 40 and not wrong,
            "\n".join(str(w) for w in wrong))


def test_for_good(lab, t):
    """Every answer to a command is damaged, the cap's too."""
    a = lab.guests["a"]
    damage = Damage(a.tpm.wire)
    for name in ("ReadClock", "Unseal", "PCR_Extend"):
        before = approve(a)
        damage.arm(name, lambda answer: sized(answer[:10]) if len(answer) > 10 else error(0x101), always=True)
        found = hold(a, damage=damage)
        t.check(f"no answer to {name} is right: no key, state {found.get('state')}, and the cap",
                "key" not in found and found.get("state") in FAILED and found["cap"] != before, found["out"])
    a.tpm.wire.change = None
    approve(a)
    found = hold(a)
    t.check("and then the keys open", found["state"] == KEYS_READY and
            (found["key"], found["next"]) == plant["keys"], found["out"])
    lab.guests["a"].shutdown()


def virtual(lab):
    """A guest without a TPM but one of vtpm_proxy, and the helper's configuration. The kernel gives a TPM that it
    registers 0.75 s for some answers, which an emulator in an emulated machine may miss when the host is busy: it is
    then another try for the lab, not for the module."""
    guest, = lab.boot(lab.guest("v", tpm=None, files={
        "/usr/bin/vtpm": os.path.join(BUILD, "tests/vtpm"), "/usr/bin/swtpm": host_program("swtpm")}))
    guest.run("modprobe tpm_vtpm_proxy; mkdir /tmp/emulated")
    emulator = guest.start("exec swtpm socket --tpm2 --tpmstate dir=/tmp/emulated --server type=unixio,path=/tmp/s "
                           "--ctrl type=unixio,path=/tmp/c --flags not-need-init --seccomp action=none")
    guest.wait_for("test -S /tmp/s")
    for _ in range(TRIES):
        proxy = guest.start("exec vtpm /tmp/s /tmp/damage")
        proxy.expect("tpm0")
        wait_until(lambda: not proxy.running or guest.run("test -c /dev/tpmrm0", check=False), 60, "a virtual TPM", 0.1)
        if proxy.running:
            break
    device = Device(guest, 5)
    device.install(plant["public"])
    return device, emulator


def test_virtual(lab, t):
    v, _ = virtual(lab)
    g = v.guest
    v.start()
    v.wait_state("tpm-virtual")
    r = v.cli("key", check=False)
    t.check("a virtual TPM is refused by name: 23, and what it proves", r.code == 23 and "tpm-virtual" in r.out
            and "proves nothing" in r.out, r)
    t.check("and sees not one key: no file", g.run("! ls /var/lib/sealbond/*.blob", check=False))
    v.configure()
    v.stop()
    g.run("sed -i 's/^cap_pcr/allow_virtual_tpm = yes\\n&/' /etc/sealbond/sealbond.conf")
    kinds = ("longer", "shorter", "runt", "endless", "negative", "full", "yes", "no")
    for kind in kinds:
        g.put(kind.encode(), "/tmp/damage")
        g.run("rmmod sealbond")
        v.start()
        state = v.wait_state("tpm-error", "tpm-busy", "no-tpm", "keys-ready")
        r = v.cli("key", check=False)
        t.check(f"allowed, with answers that are wrong ({kind}): tpm-error, 20, and the helper goes on",
                state == "tpm-error" and r.code == 20 and "Look the code up" in r.out and
                len(v.roles()) == 3, f"{state} {r}")
        v.stop()
    t.check("no key file came of it", g.run("! ls /var/lib/sealbond/*.blob", check=False))
    g.run("rm /tmp/damage; rmmod sealbond")
    v.start()
    state = v.wait_state("keys-ready", "tpm-error")
    t.check("allowed, with right answers: keys, and the gap is named", state == "keys-ready" and
            "virtual-tpm" in v.ask("status")["gaps"], v.ask("status"))
