# SPDX-License-Identifier: Apache-2.0
"""Every state of the keys, as the helper brings it about and the tool tells it.

    A ── switch ── D     A's storage key is made from the template and stays; D has one at 0x81000001
                         thief, bad, changed: A's disk in other circumstances; bare: no TPM
"""

import re

from device import Device, make_release_key
from keyscan import Scanner, unhex

MINUTES = 3
LAB = "keys"
TPM_COMMANDS_MAX = 20
# TPM 2.0 part 2, TPM_CC
CC_READ_CLOCK, CC_UNSEAL, CC_PCR_EXTEND, CC_FLUSH = 0x181, 0x15E, 0x182, 0x165

# state: exit code, words of the sentence and of the remedy
STATES = {
    "keys-ready": (0, "The kernel holds this device's bond keys", ""),
    "no-tpm": (10, "The kernel sees no TPM 2.0", "firmware's settings"),
    "tpm-cleared": (11, "was cleared since the keys were sealed", "sealbond identity"),
    "tpm-lockout": (12, "locked after too many wrong authorisations", "tpm2_dictionarylockout -c"),
    "tpm-busy": (13, "its slots are full", "the helper goes on trying"),
    "tpm-owner-auth": (14, "owner hierarchy has a password", "0x81000001"),
    "sealed-elsewhere": (15, "sealed by the TPM of another device", "this device's own files"),
    "boot-changed": (16, "measured values differ from every approval", "sealbond release approve"),
    "capped": (18, "were closed in this boot already", "Reboot"),
    "not-approved": (19, "no approval of any boot state", "sealbond release approve"),
    "blob-invalid": (21, "A key file is damaged", "from a copy"),
    "approval-invalid": (22, "", "fleet's release key"),
}

BLOBS = "/var/lib/sealbond/key-current.blob", "/var/lib/sealbond/key-next.blob"
APPROVALS = "/var/lib/sealbond/approvals"

plant = {"bytes": []}


def told(t, d, state, extra=""):
    """That `key` and `status` tell the state, its code, its sentence and what to do."""
    code, sentence, remedy = STATES[state]
    for _ in range(5):	# a busy TPM is tried again and again: "key-pending" for a moment
        seen = d.wait_state(*STATES, timeout=120)
        key, status = d.cli("key", check=False), d.cli("status", check=False)
        if 24 not in (key.code, status.code):
            break
    fits = [r.code == code and f" {state}. " in r.out and sentence in r.out and remedy in r.out and extra in r.out
            for r in (key, status)]
    t.check(f"{state}: exit code {code} and its sentence, from key and status" + (f" ({extra})" if extra else ""),
            seen == state and all(fits), f"{seen}\n{key}\n{status}")
    return d.ask("key")


def approve(d):
    d.guest.put(plant["private"], "/tmp/release.pem")
    r = d.cli("release approve --key /tmp/release.pem", check=False)
    d.guest.run("rm /tmp/release.pem")
    return r


def device(lab, guest, number=1):
    d = Device(guest, number)
    d.install(plant["public"])
    return d


def unbind(guest):
    """Takes the TPM away from its driver, as if it were not there."""
    guest.run("echo MSFT0101:00 > /sys/bus/acpi/drivers/tpm_crb/unbind")


def bind(guest):
    """Gives it back. The kernel itself (IMA) still has the old one's number, so this one is called tpm1. The
    other names are for the tools of the tests."""
    guest.run("echo MSFT0101:00 > /sys/bus/acpi/drivers/tpm_crb/bind && "
              "ln -s tpm1 /dev/tpm0 && ln -s tpmrm1 /dev/tpmrm0")


def hold(exchanges):
    """The commands of the kernel's last hold: from ReadClock to the cap, and what is flushed after it."""
    codes = [e.code for e in exchanges]
    end = len(codes) - 1 - codes[::-1].index(CC_PCR_EXTEND)
    start = end - codes[end::-1].index(CC_READ_CLOCK)
    while end + 1 < len(codes) and codes[end + 1] == CC_FLUSH:
        end += 1
    return codes[start:end + 1]


def test_made(lab, t):
    plant["private"], plant["public"] = make_release_key(lab.directory)
    a, d = lab.boot(lab.guest("a", tpm=lab.tpm("a", wire=True)), lab.guest("d"))
    a, d = plant["a"], plant["d"] = device(lab, a), device(lab, d, 2)
    d.guest.run("tpm2_createprimary -Q -C o -G ecc -c /tmp/p.ctx -a "
                "'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt' && "
                "tpm2_evictcontrol -Q -C o -c /tmp/p.ctx 0x81000001")
    unbind(d.guest)
    before = len(a.guest.tpm.wire.exchanges)
    for x in (a, d):
        x.start()
    key = told(t, a, "keys-ready")
    plant["first"] = key
    wire = a.guest.tpm.wire.exchanges[before:]
    t.check("the storage key stays at 0x81000001", a.guest.run("tpm2_readpublic -Q -c 0x81000001", check=False))
    t.check(f"made with {key['tpm_commands']} TPM commands, seen in one row on the bus",
            len(hold(wire)) == key["tpm_commands"] <= TPM_COMMANDS_MAX, [hex(e.code) for e in wire])
    plant["bytes"] += [e.command + e.answer for e in wire]
    t.check("two keys, which differ", key["key_current"] != key["key_next"], key)
    a.guest.wait_for(f"test -s {BLOBS[0]} -a -s {BLOBS[1]}")
    t.check("the boot state is approved on the spot", approve(a))

    told(t, d, "no-tpm")
    bind(d.guest)
    d.wait_state("keys-ready", timeout=120)
    told(t, d, "keys-ready")
    t.note("(by itself, when the TPM came)")
    t.check("approved", approve(d))
    d.guest.shutdown()


def test_this_boot_no_more(lab, t):
    """What else root of this boot gets: the files are right each time, or wrong in one way."""
    a = plant["a"]
    g = a.guest
    a.reload_module()
    told(t, a, "capped")
    g.run(f"mv {APPROVALS} /tmp/kept")
    a.reload_module()
    told(t, a, "not-approved")
    g.run(f"rm -r {APPROVALS}; cp -r /tmp/kept {APPROVALS}")
    g.run("sed -i 's/^fleet = .*/fleet = another/' /etc/sealbond/sealbond.conf")
    a.reload_module()
    told(t, a, "approval-invalid")
    a.configure()
    blob = g.get(BLOBS[0])
    plant["bytes"] += [blob, g.get(BLOBS[1])]
    g.put(blob[:300] + bytes([blob[300] ^ 1]) + blob[301:], BLOBS[0])
    a.reload_module()
    told(t, a, "blob-invalid")
    g.run(f"rm {BLOBS[0]}")
    a.reload_module()
    a.guest.wait_for("sealbond status | grep -q 'restore it'")
    r = a.cli("status", check=False)
    t.check("a next key's file without the current one's makes no new key, and says which file is lost",
            not r and f"{BLOBS[0].split('/')[-1]} is not" in r.out, r)
    g.put(blob, BLOBS[0])
    a.stop()


def unsealed_again(lab, t, a):
    """The TPM is absent, then full, then there."""
    g = a.guest
    unbind(g)
    a.start()
    told(t, a, "no-tpm")
    a.stop()
    bind(g)
    g.run("rmmod sealbond; for i in 1 2 3; do "
          "tpm2_createprimary -Q -T device:/dev/tpm0 -C o -G ecc -c /tmp/c$i; done")
    g.run("ip link add nlmon0 type nlmon && ip link set nlmon0 up")
    sniffer = g.start("exec tcpdump -Z root -U -i nlmon0 -w /tmp/netlink.pcap")
    sniffer.expect("listening")
    a.start()
    told(t, a, "tpm-busy")
    before = len(g.tpm.wire.exchanges)
    g.run("tpm2_flushcontext -T device:/dev/tpm0 -t")
    a.wait_state("keys-ready", timeout=120)
    key = told(t, a, "keys-ready")
    t.note("(by itself, when the slots were free)")
    a.cli("peers")
    sniffer.stop(2)
    first = plant["first"]
    t.check("the keys are the first boot's", [key["key_current"], key["key_next"]] ==
            [first["key_current"], first["key_next"]], (key, first))
    # the module counts the attempts that met full slots, too
    codes = hold(g.tpm.wire.exchanges[before:])
    t.check(f"unsealed with {len(codes)} TPM commands in one row, at most {TPM_COMMANDS_MAX}",
            len(codes) <= TPM_COMMANDS_MAX and codes.count(CC_UNSEAL) == 2, [hex(c) for c in codes])
    t.check("the reset count went up", key["reset_count"] > first["reset_count"], key)
    plant["bytes"] += [e.command + e.answer for e in g.tpm.wire.exchanges]
    plant["netlink"] = g.get("/tmp/netlink.pcap")
    t.note(f"ready in {key['tpm_time_ms']} ms")


def test_next_boot(lab, t):
    a = plant["a"]
    a.guest.shutdown()
    changed = lab.guest("changed", disk=a.guest.disk, tpm=lab.tpm("changed"))
    changed.tpm.clone_from(a.guest.tpm)
    lab.boot(a.guest, changed)
    a.install(plant["public"])
    c = device(lab, changed)
    changed.run("tpm2_pcrextend 9:sha256=" + "5e" * 32)
    c.start()
    unsealed_again(lab, t, a)
    key = told(t, c, "boot-changed", "9")
    t.check("PCR 9 is named", key["changed_pcrs"] == [9], key)
    changed.shutdown()


def memory(guest, pid):
    """The writable memory of a process, as root sees it; unmapped and special parts left out."""
    guest.run(f"""rm -f /tmp/memory; grep ' rw' /proc/{pid}/maps | while read -r range rest; do
        from=$((0x${{range%-*}} / 4096)) to=$((0x${{range#*-}} / 4096))
        dd if=/proc/{pid}/mem bs=4096 skip=$from count=$((to - from)) 2>/dev/null >>/tmp/memory
    done; true""")
    return guest.get("/tmp/memory")


def test_secrets(lab, t):
    a = plant["a"]
    g = a.guest
    publics = {bytes.fromhex(plant["first"][name]) for name in ("key_current", "key_next")}
    scanner = Scanner()
    private = bytes(range(100, 132))
    t.must("the scan finds a private key where there is one",
           scanner.find(b"xyz" + private + b"0", {scanner.public(private)})[0] == [3])

    def absent(words, data, step=1):
        found, tried = scanner.find(data, publics, step)
        t.check(f"no private key {words} ({tried} places)", tried and not found, found)

    absent("in the key files and on the TPM's bus, made or unsealed", b"".join(plant["bytes"]))
    has = any(p in plant["netlink"] for p in publics)
    t.check("the public keys did cross netlink", has)
    absent("over netlink", plant["netlink"])
    absent("in the kernel's log", unhex(g.out("dmesg")) + b"\0" * 32 + b"".join(publics))
    roles = a.roles()
    for name, pid in roles.items():
        data = memory(g, pid)
        absent(f"in the memory of the helper's {name} role ({len(data) >> 10} KiB)", data, 8)
    # the same user with the same capabilities, as another role
    bare = "setpriv --inh-caps=-all --bounding-set=-all,+net_admin,+dac_override"
    other = g.start(f"exec {bare} sleep 1000")
    g.wait_for("pidof sleep")
    pid = g.out("pidof sleep").split()[0]
    t.check("a process of the same user reads another's memory",
            g.run(f"{bare} head -c 1 /proc/{pid}/environ >/dev/null && {bare} "
                  f"dd if=/proc/{pid}/mem bs=4096 count=0 2>&1", check=False))
    for name, pid in roles.items():
        r = g.run(f"{bare} dd if=/proc/{pid}/mem bs=4096 count=0 2>&1", check=False)
        t.check(f"but not the {name} role's", not r and "ermission denied" in r.out, r)
    other.stop(9)
    limits = [g.out(f"grep 'Max core' /proc/{pid}/limits") for pid in roles.values()]
    t.check("no core dumps", len(limits) == 3 and all(re.search(r"size\s+0\s+0\s", l) for l in limits), limits)
    a.guest.shutdown()


def test_elsewhere(lab, t):
    a = plant["a"]
    a.guest.shutdown()
    thief = lab.guest("thief", disk=a.guest.disk)
    bad = lab.guest("bad", disk=a.guest.disk, tpm=lab.tpm("bad"))
    bad.tpm.clone_from(a.guest.tpm)
    lab.boot(thief, bad)
    stolen, unsigned = device(lab, thief, 3), device(lab, bad)
    path = bad.out(f"ls {APPROVALS}/*.approval")
    approval = bad.get(path)
    at = 170	# in the signature: 176 bytes and then the values
    bad.put(approval[:at] + bytes([approval[at] ^ 1]) + approval[at + 1:], path)
    r = unsigned.cli(f"release show {path}", check=False)
    t.check("release show says that the signature is not valid", r.code == 1 and "NOT VALID" in r.out, r)
    stolen.start()
    unsigned.start()
    told(t, stolen, "sealed-elsewhere")
    told(t, unsigned, "approval-invalid")
    owner = "tpm2_changeauth -Q -c owner"
    bad.run(f"{owner} secret")
    unsigned.reload_module()
    told(t, unsigned, "capped")
    t.note("(the storage key stays at 0x81000001: the owner's password is not in its way)")
    bad.run(f"{owner} -p secret && tpm2_evictcontrol -Q -C o -c 0x81000001 && {owner} secret")
    unsigned.reload_module()
    told(t, unsigned, "tpm-owner-auth")
    for g in (thief, bad):
        g.shutdown()


def test_bare_and_persistent(lab, t):
    bare, d = lab.guest("bare", tpm=None), plant["d"]
    lab.boot(bare, d.guest)
    x = device(lab, bare, 4)
    d.install(plant["public"])
    d.guest.run("tpm2_dictionarylockout -Q -s -n 1 -t 1000 -l 1000; "
                "tpm2_createprimary -Q -C e -c /tmp/e.ctx -p pw; "
                "tpm2_create -Q -C /tmp/e.ctx -P bad -u /tmp/u -r /tmp/r", check=False)
    x.start()
    d.start()
    told(t, x, "no-tpm")
    t.check("no key file is made, and none is said to be stored", bare.run("! ls /var/lib/sealbond/*.blob", check=False)
            and not x.ask("key")["stored"])
    r = x.cli("identity", check=False)
    t.check("identity says the same with the same code", r.code == 10 and "no-tpm" in r.out, r)
    told(t, d, "tpm-lockout")
    d.guest.run("tpm2_dictionarylockout -Q -c")
    d.reload_module()
    told(t, d, "capped")
    d.guest.run("tpm2_clear -Q")
    d.reload_module()
    told(t, d, "tpm-cleared")
