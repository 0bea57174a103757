# SPDX-License-Identifier: Apache-2.0
"""Where keys are, and where they are not: all that root can read is searched for keys that the harness knows.

    a ── switch ── a port of the host: a peer that tells its keys (tests/tools/fakepeer)

The traffic keys are known from the peer; the private bond keys are found in the memory of the machine, from
outside, by their public keys. Nothing in the module or the helper tells them.
"""

import mmap
import os
import re

import bonded
from device import Device, PEERS_PATH, make_release_key
from fakepeer import FakePeer
from image import BUILD
from keyscan import Scanner
from process import wait_until

LAB = "secrets"
LONG = True
MINUTES = 4
ROTATIONS = 3
NEAR = 256	# how far a private key may be from its public key, or from the other, in memory
MASK = 0xA5	# memfind's
KCORE_REFUSED = 4
CONFIGURATION = "[rotate]\nafter = 1h\noverlap = 1s\n"
# what never ends, or is the kernel's whole memory, which has a test of its own
NOT_READ = "kcore|kmsg|kpage|trace_pipe|/proc/sysrq-trigger|/clear_refs|usbmon|snapshot_raw|/proc/[0-9]+/(mem|pagemap)$"

plant = {}


def memfind(guest, words, patterns, timeout=300, check=True):
    """Runs memfind in the guest: (places found, its last line as a dictionary, the result)."""
    guest.put(bytes(b ^ MASK for pattern in patterns for b in pattern), "/tmp/patterns")
    r = guest.run(words.format(patterns="/tmp/patterns"), timeout=timeout, check=check)
    lines = r.out.splitlines()
    return [line for line in lines if line.startswith("found ")], bonded.fields(lines[-1]) if lines else {}, r


def in_bytes(data, patterns):
    """Which of the patterns are in bytes of the host's, as they are or in hexadecimal."""
    return [n for n, p in enumerate(patterns)
            if data.find(p) >= 0 or any(data.find(text.encode()) >= 0 for text in (p.hex(), p.hex().upper()))]


def private_of(image, publics):
    """The private keys of public keys, by looking around each place where one of the public keys, or a private
    one that was found so, is in memory."""
    scanner, found = Scanner(), {}
    marks = list(publics)
    for mark in marks:	# it grows
        at = image.find(mark)
        while at >= 0 and len(found) < len(publics):
            around = image[max(0, at - NEAR):at + NEAR]
            for place in scanner.find(around, set(publics))[0]:
                private = around[place:place + 32]
                if scanner.public(private) not in found:
                    found[scanner.public(private)] = private
                    marks.append(private)
            at = image.find(mark, at + 1)
    return [found.get(public) for public in publics]


class Memory:
    """The guest's memory now, as a file here."""

    def __init__(self, lab, guest):
        self._path = os.path.join(lab.directory, "memory")
        guest.memory(self._path)

    def __enter__(self):
        self._file = open(self._path, "rb")
        return mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)

    def __exit__(self, *_error):
        self._file.close()
        os.unlink(self._path)


def test_known_keys(lab, t):
    guest, = lab.boot(lab.guest("a", tpm=lab.tpm("a", wire=True), files={
        **bonded.TOOLS, **{f"/usr/bin/{n}": os.path.join(BUILD, "tests", n) for n in ("memfind", "nldump")}}))
    _, public = make_release_key(lab.directory)
    a = plant["a"] = Device(guest, 1, extra=CONFIGURATION)
    a.cable()
    a.install(public)
    peer = plant["peer"] = FakePeer(lab, "10.0.0.9", "10.77.0.9", "fd77::9")
    a.guest.run(f"cat > {PEERS_PATH} <<'END'\n{peer.stanza('known')}\nEND")
    guest.run("ip link add nlmon0 type nlmon && ip link set nlmon0 up")
    plant["sniffer"] = guest.start("exec tcpdump -Z root -U -i nlmon0 -w /tmp/netlink.pcap")
    plant["sniffer"].expect("listening")
    plant["monitor"] = guest.start("exec ip xfrm monitor")
    a.start()
    a.wait_state("keys-ready", timeout=120)
    guest.wait_for("sealbond identity", timeout=60)
    key = a.ask("key")
    plant["publics"] = [bytes.fromhex(key[name]) for name in ("key_current", "key_next")]
    peer.start(a.ask("identity")["device_id"], key["key_current"])
    a.cli("reload")
    a.wait_bond()
    guest.run("echo 1 > /sys/kernel/debug/tracing/events/sealbond/enable", check=False)
    for number in range(ROTATIONS):
        a.cli("rotate known")
        wait_until(lambda n=number: len(peer.epochs) >= n + 2, 30, "a rotation", 0.05)
        wait_until(lambda: a.peer("known")["spi_out"] in (peer.epochs[-1].spi_in, int(peer.epochs[-1].spi_in, 16)),
                   30, f"the epoch {a.peer('known')}", 0.1)
    before = len(peer.opened)
    guest.run(f"ping -c 3 -i 0.2 -W 1 {peer.inner4}", check=False)
    wait_until(lambda: ["opened", "4"] in peer.opened[before:], 20, f"packets that open: {peer.opened}", 0.05)
    plant["old"] = [key for epoch in peer.epochs[:-1] for key in epoch.keys]
    plant["live"] = peer.epochs[-1].keys
    t.check(f"{len(peer.epochs)} epochs, and the known keys are those that a seals with", ["closed"] not in
            peer.opened and len(peer.epochs) == ROTATIONS + 1, peer.opened)
    guest.wait_for("test $(ip xfrm state | grep -c 'proto esp') = 2", timeout=30)


def test_memory(lab, t):
    """From outside: this is where they must be, and the retired ones must not."""
    a = plant["a"]
    with Memory(lab, a.guest) as image:
        privates = private_of(image, plant["publics"])
        t.must("from outside the machine both private keys are found, near their public keys", all(privates),
               [bool(p) for p in privates])
        live = in_bytes(image, plant["live"])
        old = in_bytes(image, plant["old"])
        places = [image.find(key) for key in plant["old"]]
    t.check("the live traffic keys are in memory, where the ciphers have them", live, live)
    t.check(f"the {len(plant['old'])} retired traffic keys are nowhere in memory", not old,
            [hex(places[n]) for n in old])
    plant["secret"] = privates + plant["live"] + plant["old"]
    # The search has to find what is there. Not one of the keys: what is planted stays in memory.
    g, planted = a.guest, [os.urandom(32) for _ in range(2)]
    g.put(b"before" + planted[0] + b"after", "/tmp/planted")
    g.put(b"key 0x" + planted[1].hex().upper().encode() + b" 128", "/tmp/planted.text")
    found, _, r = memfind(g, "ls /tmp/planted /tmp/planted.text | memfind files {patterns}", plant["secret"] + planted)
    t.must("a key that is planted is found, as bytes and as text", len(found) == 2 and "bytes" in found[0]
           and "text" in found[1], r)


def test_netlink(lab, t):
    g = plant["a"].guest
    g.run("mkdir -p /tmp/out; cd /tmp/out; nldump > dump 2> dump.log; ip xfrm state > state; ip -s -d xfrm state > "
          "state.s; ip -s xfrm policy > policy; sealbond --json status > status; sealbond --json peers > peers; "
          "sealbond --json key > key; sealbond exceptions > exceptions; sealbond drops > drops", check=False)
    log = g.out("cat /tmp/out/dump.log")
    t.must("the dumps have answers", re.search(r"xfrm 18 answers=2 ", log) and re.search(
        r"sealbond-dump \d+ answers=[1-9]", log), log)
    shown = g.out("cat /tmp/out/state")
    t.check("ip xfrm state shows a key for each SA: it is another one", len(re.findall(r"aead \S+ 0x\w{72}", shown))
            == 2, shown)
    plant["sniffer"].stop(2)
    plant["monitor"].stop(2)
    # not before: in mode enforce the sniffer's frames are dropped, too
    plant["a"].cli("mode enforce")
    g.put(plant["monitor"].out.encode(), "/tmp/out/monitor")
    g.run("cp /tmp/netlink.pcap /tmp/out/")
    size = int(g.out("wc -c < /tmp/out/netlink.pcap"))
    found, told, r = memfind(g, "find /tmp/out -type f | memfind files {patterns}", plant["secret"])
    t.check(f"no key in any dump, in what the tools show, or in {size} bytes of netlink ({told.get('bytes')} bytes)",
            not found and told["files"] >= 9 and size > 10000, r)


def test_proc_and_sys(lab, t):
    a = plant["a"]
    g = a.guest
    pids = " ".join(str(pid) for pid in a.roles().values())
    t.must("three roles", len(a.roles()) == 3)
    for words, where, least in (
            ("/proc", "find /proc -maxdepth 1 -type f; find /proc/sys /proc/net/ /proc/fs /proc/irq /proc/bus "
             "/proc/tty /proc/driver /proc/self/net/ -type f", 300),
            ("/proc/PID of each role", f"for p in {pids}; do find /proc/$p -type f; done", 100),
            ("/sys", "find /sys -path /sys/kernel/debug -prune -o -type f -print", 1000),
            ("debugfs and tracefs", "find /sys/kernel/debug -type f", 500)):
        found, told, r = memfind(g, f"( {where} ) 2>/dev/null | grep -vE '{NOT_READ}' | memfind files {{patterns}}",
                                 plant["secret"], timeout=500)
        t.check(f"no key in {told.get('files')} files of {words} ({told.get('bytes')} bytes)", not found and
                told["files"] >= least, r.out[-2000:])
    found, told, r = memfind(g, f"memfind pid {{patterns}} {pids}", plant["secret"])
    t.check(f"nor in the memory of the helper's roles ({told.get('bytes')} bytes)", not found and
            told["bytes"] > 1 << 20, r)
    found, _, r = memfind(g, "dmesg > /tmp/dmesg; echo /tmp/dmesg | memfind files {patterns}", plant["secret"])
    t.check("nor in the kernel's log", not found, r)
    swaps = g.out("cat /proc/swaps").splitlines()
    t.check("there is no swap", len(swaps) == 1, swaps)


def test_cores(lab, t):
    a = plant["a"]
    g = a.guest
    g.run("mkdir -p /tmp/cores; echo /tmp/cores/%e.%p > /proc/sys/kernel/core_pattern")
    g.run("ulimit -c unlimited; sh -c 'kill -SEGV $$'", check=False)
    t.must("a program that dies leaves a core", g.run("ls /tmp/cores/sh.*", check=False))
    for signal in ("ABRT", "SEGV", "BUS"):
        for name in ("tpm", "link"):
            pid = wait_until(lambda n=name: a.roles().get(n), 40, f"the {name} role", 0.1)
            g.run(f"kill -{signal} {pid}")
            g.wait_for(f"! test -d /proc/{pid}")
    wait_until(lambda: len(a.roles()) == 3, 40, "the roles again", 0.1)
    a.stop(6)
    cores = g.out("ls /tmp/cores")
    t.check("SIGABRT, SIGSEGV and SIGBUS: no role leaves a core", "sealbond" not in cores, cores)
    found, told, r = memfind(g, "find /tmp/cores -type f | memfind files {patterns}", plant["secret"])
    t.check("and there is no key in those of others", not found and told["files"] >= 1, r)
    a.start()


def test_outside(lab, t):
    """What leaves the machine, or stays on its disk."""
    a = plant["a"]
    a.guest.run("sync")
    secret = plant["secret"]
    for words, data in (
            ("on the disk", open(a.guest.disk, "rb").read()),
            ("on the console", open(a.guest.console, "rb").read()),
            ("on the TPM's bus", b"".join(e.command + e.answer for e in a.guest.tpm.wire.exchanges)),
            ("in the helper's log", a.helper.out.encode()),
            ("on the wire", b"".join(f.data for c in lab.captures() for f in c.frames()))):
        found = in_bytes(data, secret)
        t.check(f"no key {words} ({len(data)} bytes)", not found, found)
    t.check("the peer's public key was on the disk: the search does see it",
            in_bytes(open(a.guest.disk, "rb").read(), [plant["peer"].public]))


def test_kernel_memory(lab, t):
    """Without lockdown root reads the kernel's memory: a gap of the assurance."""
    a = plant["a"]
    g = a.guest
    found, told, r = memfind(g, "memfind kcore {patterns}", plant["secret"], timeout=500, check=False)
    t.check(f"/proc/kcore without lockdown: root finds keys ({len(found)} places)", found, r)
    g.run("echo confidentiality > /sys/kernel/security/lockdown")
    found, _, r = memfind(g, "memfind kcore {patterns}", plant["secret"], check=False)
    t.check("with lockdown=confidentiality it cannot be opened", r.code == KCORE_REFUSED and not found, r)
    shown = g.out("ip xfrm state")
    t.check("and ip xfrm state shows zeros", re.findall(r"aead \S+ 0x(\w{72})", shown) == ["0" * 72] * 2, shown)


def test_gone(lab, t):
    a = plant["a"]
    a.stop()
    a.guest.run("rmmod sealbond")
    with Memory(lab, a.guest) as image:
        found = in_bytes(image, plant["secret"])
        places = [hex(image.find(plant["secret"][n])) for n in found]
    t.check("the module unloaded: no key, private or of a bond, is in memory any more", not found, (found, places))
    plant["peer"].stop()
