# SPDX-License-Identifier: Apache-2.0
"""Tries ways, and lets the wire, the peer and the stranger decide.

    A ──┐       A: locked, and root on it tries. B: the bond's other end, in mode off, so that it hears whatever
    B ──┼── switch     comes. C: a port of the host's own, which sees every frame that is for it or for all
    C ──┘

A second card of A's is on the same switch. Every try has a pattern of its own.
"""

import hashlib
import os
import re

import bonded
import grant
import image
from channel import CommandFailed
from device import Device, make_release_key
from measured import Measured
from process import wait_until
from ways.way import BLOCKED, ENDS
from wire import ip_frame, mac_bytes, udp_frame

OF_BOND = "@(SPI|SPIIN|E4|EI4|EIB)@"
# how many ways in mode off share a look at the wire
GROUP = 12
C4, C6, CMAC = "10.0.0.99", "fd00::99", "52:54:00:00:66:66"
PROBE_PORT = 514
PORTS = (9, 6000)
GRANTS = "/var/lib/sealbond/grants"
# exceptions that a plant has: the default ones, and one that it has named
EXCEPTIONS = """[exception arp]
kind = arp
[exception nd]
kind = nd
[exception dhcp4]
kind = dhcp4
[exception dhcp6]
kind = dhcp6
[exception icmp-error]
kind = icmp-error
[exception log]
kind = match
proto = udp
dir = out
remote = 10.0.0.99
remote_port = 514
rate = 50
"""
# ESP in UDP is encrypted before netfilter sees it; plain ESP is behind it on some kernels, and so out of reach
ENCAP = """[device]
encap = always
"""
GRANT_KEYS = """[peers]
grants = /var/lib/sealbond/grants
grant_keys = /etc/sealbond/grant1.pub.pem,/etc/sealbond/grant2.pub.pem
"""
TOOLS = {**bonded.TOOLS, **{f"/usr/bin/{name}": os.path.join(image.BUILD, "tests", name)
                            for name in ("waysend", "wayhear", "wayroot", "waybpf", "notify")}}
# of the distribution's kernel, beside what every guest has
MODULES = """sctp netconsole macsec nf_dup_ipv4 nft_dup_ipv4 nfnetlink_queue nft_queue nft_numgen
    nf_conntrack_ftp nf_nat_ftp nft_objref nft_fib_inet nft_hash l2tp_core l2tp_netlink l2tp_ip act_vlan
    mpls_router mpls_iptunnel ah4 ipcomp xfrm_ipcomp crypto_null gtp ip6_vti""".split()
# kinds of frames that a locked A may send
ALLOWED = {"arp", "nd", "handshake", "esp", "esp-udp", "keepalive"}


def modules(kernel):
    have = set(kernel.with_needs(image.MODULES))
    return [os.path.join(kernel.modules, kernel.paths[name]) for name in kernel.with_needs(MODULES) if name not in have]


class Rig:
    def __init__(self, lab, tally):
        self.lab, self.t = lab, tally
        self.locked = False
        self.a = self.b = None
        self.port = lab.switch.port()
        self.operator = None
        self.identities = {}
        self.of_c = set()	# patterns that C sends, to A and whoever hears
        self.heard_by = {}
        self.probes = 0
        self.since = None
        self.measured = [], 0
        self._bond = {}
        self._undo = ""
        self._holding = None

    # -- making it ----------------------------------------------------------------------------------

    def start(self, early=False):
        """A and B with a live bond by signed grants; mode off. early: A boots a measured image, which locks it."""
        lab = self.lab
        self.operator = grant.Operator(lab.directory)
        lab.release_key, public = make_release_key(lab.directory)
        grant_keys = {f"/etc/sealbond/{name}.pub.pem": self.operator.public(name) for name in ("grant1", "grant2")}
        extra = ENCAP + GRANT_KEYS + EXCEPTIONS
        guest = lab.guest("a", nics=2, files=TOOLS, modules=modules(lab.kernel))
        a = self.a = Measured(guest, 1, public, grant_keys, extra) if early else Device(guest, 1, extra=extra)
        b = self.b = Device(lab.guest("b", files=TOOLS), 2, extra=extra)
        lab.boot(a.guest, b.guest)
        # without early: what is there before the module is
        a.guest.run("ip netns add old; ip -n old link set lo up")
        for d in (b,) if early else (a, b):
            d.cable()
            d.install(public)
            for path, data in grant_keys.items():
                d.guest.put(data, path)
            d.start()
        for d in (a, b):
            d.guest.run(f"mkdir -p {GRANTS}")
            self.t.must("keys are made", d.wait_state("keys-ready", timeout=180) == "keys-ready", d.ask("key"))
            d.guest.wait_for("sealbond identity", timeout=60)
            self.identities[d] = {"stanza": d.identity(), "id": d.ask("identity")["device_id"]}
        for d, other in ((a, b), (b, a)):
            d.guest.put(self.operator.grant(self.identities[other], self.identities[d]), f"{GRANTS}/other.grant")
            d.peer_of(other)
            d.cli("reload")
        self.t.must("A and B are bonded", a.wait_bond(60) and b.wait_bond(60), a.cli("status", check=False))
        self.network()
        self.listen()
        self.locked, self.since = early, self.marks()

    def adopt(self, a, b, locked=False):
        """Devices that are there already, and bonded."""
        self.a, self.b, self.locked = a, b, locked
        self.since = self.marks()
        for d in (a, b):
            self.identities[d] = {"stanza": d.identity(), "id": d.ask("identity")["device_id"]}
        self.neighbours()
        self.listen()

    def listen(self):
        for name, d in (("a", self.a), ("b", self.b)):
            self.heard_by[name] = d.guest.start("exec wayhear " + " ".join(map(str, PORTS)))
            self.heard_by[name].expect("ready")

    def network(self):
        """A's second card, and what BPF programs are pinned in."""
        self.run("ip link set eth1 up; ip addr replace 10.3.0.1/24 dev eth1; mount -t bpf bpf /sys/fs/bpf")
        self.neighbours()

    def neighbours(self):
        """C needs no look-up. A second card may be elsewhere at the moment."""
        self.run(f"ip neigh replace {C4} lladdr {CMAC} dev eth0 nud permanent; "
                 f"ip -6 neigh replace {C6} lladdr {CMAC} dev eth0 nud permanent; "
                 f"ip neigh replace 10.3.0.9 lladdr {CMAC} dev eth1 nud permanent 2>/dev/null; true")

    def lock(self):
        """From here on A is locked; the helper's own words do it."""
        self.a.cli("mode enforce")
        self.a.mode = "enforce"
        self.a.configure()
        r = self.a.cli("lock", check=False)
        self.locked = True
        self.since = self.marks()
        return r

    # -- asking -------------------------------------------------------------------------------------

    def run(self, command, **options):
        return self.a.guest.run(command, **options)

    def bond(self):
        """sbctl's getpeer of B, asked at A."""
        lines = [bonded.fields(line) for line in self.run("sbctl getpeer").out.splitlines() if "id=" in line]
        return next((x for x in lines if x.get("id", "").endswith(self.identities[self.b]["id"][-16:])), {})

    def bond_works(self, timeout=1):
        return bool(self.run(f"ping -n -c 1 -W {timeout} {self.b.inner4}", check=False))

    def restore(self):
        """What a way has set up is undone. The helper brings the bond back by itself; this only waits."""
        self.undone()
        self.run(f"ip link set eth0 up; ip addr replace {self.a.wire4}/24 dev eth0; "
                 f"ip -6 addr replace fd00::1/64 dev eth0 nodad", check=False)
        self.neighbours()
        if self.bond_works():
            return True
        again = f"sealbond reload; until ping -n -c 1 -W 1 {self.b.inner4}; do sealbond rotate --all; done"
        return bool(self.a.guest.start(again, 60).wait(90))

    def uptime(self):
        return float(self.run("cat /proc/uptime").out.split()[0])

    def status(self):
        return bonded.fields(self.run("sbctl status").out)

    # -- the wire -----------------------------------------------------------------------------------

    def marks(self):
        return [nic.capture.mark() for nic in self.a.guest.nics]

    def sent(self, marks, accept):
        """Frames behind the marks that A has sent by either card, and accept() likes."""
        found = []
        foreign = (mac_bytes(CMAC), mac_bytes(self.b.guest.nics[0].mac))
        for nic, mark in zip(self.a.guest.nics, marks):
            found += [f for f in nic.capture.frames(mark) if f.data[6:12] not in foreign and accept(f)]
        return found

    def told(self, who, pattern):
        """What a listener has heard of a pattern: where it came to."""
        return re.findall(rf"heard={pattern.decode()} over=\S+ to=(\S+)", self.heard_by[who].out)

    def at_c(self, pattern):
        """Frames with it that have reached C."""
        found = []
        while (frame := self.port.receive(lambda f: True, 0)) is not None:
            if pattern in frame:
                found.append(frame)
        return found

    # -- trying -------------------------------------------------------------------------------------

    def pattern(self, way):
        letter = b"L" if self.locked else b"O"
        return b"way" + letter + hashlib.sha256(way.name.encode()).hexdigest()[:12].encode()

    def values(self, pattern):
        """What stands for @NAME@; made when it is asked."""
        a, b = self.a, self.b
        mac, mac1 = (nic.mac for nic in a.guest.nics)
        load = pattern * 4
        bond = self._bond

        def f4():
            return udp_frame(mac, CMAC, a.wire4, C4, 1234, 9, load)

        def f6():
            return udp_frame(mac, CMAC, "fd00::1", C6, 1234, 9, load)

        def f1():
            return udp_frame(mac1, CMAC, "10.4.0.1", "10.4.0.9", 1234, 9, load)

        def esp(target=C4):
            head = bond["spi_out"].to_bytes(4, "big") + (bond["sequence"] + 100).to_bytes(4, "big")
            return ip_frame(mac, CMAC, a.wire4, target, 50, head + load)

        def shake():
            return udp_frame(mac, CMAC, a.wire4, C4, self.lab.port, self.lab.port, bytes(4) + load)

        return {
            "P": load.hex, "P2K": lambda: (pattern * 125).hex(), "PT": pattern.decode, "P1": pattern.hex,
            "F4": lambda: f4().hex(), "F6": lambda: f6().hex(), "F1": lambda: f1().hex(),
            "I4": lambda: f4()[14:].hex(), "I6": lambda: f6()[14:].hex(), "I1": lambda: f1()[14:].hex(),
            "E4": lambda: esp().hex(), "EI4": lambda: esp()[14:].hex(), "EIB": lambda: esp(b.inner4)[14:].hex(),
            "H4": lambda: shake().hex(), "HI4": lambda: shake()[14:].hex(),
            "LL": lambda: f4()[:14].hex(),
            "SPI": lambda: str(bond["spi_out"]), "SPIIN": lambda: str(bond["spi_in"]),
            "A4": lambda: a.wire4, "A6": lambda: "fd00::1", "AMAC": lambda: mac, "A1MAC": lambda: mac1,
            "B4": lambda: b.wire4, "B6": lambda: "fd00::2", "BMAC": lambda: b.guest.nics[0].mac,
            "C4": lambda: C4, "C6": lambda: C6, "CMAC": lambda: CMAC,
            "AI4": lambda: a.inner4, "BI4": lambda: b.inner4, "BI6": lambda: b.inner6,
            "AT": lambda: "@", "PORT": lambda: str(self.lab.port), "PROBE": lambda: str(PROBE_PORT),
        }

    def fill(self, text, pattern):
        values = self.values(pattern)
        return re.sub(r"@(\w+)@", lambda m: values[m[1]](), text)

    def _run_and_see(self, script, marks, **options):
        """Runs it, and behind it sends a datagram that the exception lets pass: when that is in the capture, all is that
        A sent before it. Returns the output."""
        self.probes += 1
        word = b"probe%06d" % self.probes
        out = self.run(f"{script}\nrawsend udp {C4} {PROBE_PORT} {word.hex()}", check=False, **options).out
        self.a.guest.nics[0].capture.wait_for(lambda f: word in f.data, 20, marks[0])
        return out

    def begin(self, way, pattern):
        """What undoes the way before this one, and then this one's setup; nothing waits for it by itself."""
        undo, self._undo = self._undo, self.fill(way.undo, pattern) if way.undo else ""
        return f"( {undo} ) >/dev/null 2>&1 </dev/null\n" * bool(undo) + self.fill(way.setup, pattern)

    def attempt(self, way):
        """Sets it up, tries it, and says what came of it: (frames sent in clear, listeners that heard, output)."""
        pattern = self.pattern(way)
        if re.search(OF_BOND, way.setup + way.attempt + way.undo):
            self._bond = self.bond()
        if way.frames:
            return self._attempt_in(way, pattern)
        before, now = self.begin(way, pattern), self.fill(way.attempt, pattern)
        marks = self.marks()
        if way.hold:
            self.run(before, check=False)
            self._holding = self.a.guest.start(self.fill(way.hold, pattern))
            wait_until(lambda: way.until in self._holding.out or not self._holding.running, 20, way.hold, 0.01)
            before = ""
        out = self._run_and_see(f"{before}\necho; echo began $(cat /proc/uptime)\n{now}\n"
                                "echo; echo ended $(cat /proc/uptime)", marks)
        began, ended = (float(re.search(rf"^{what} (\S+)", out, re.M)[1]) for what in ("began", "ended"))
        accept = (lambda f: way.look(f, pattern)) if way.look else (lambda f: pattern in f.data)
        frames = self.sent(marks, accept)
        # by the first card alone: the switch may have brought its frames to the second one, too
        own = mac_bytes(self.a.guest.nics[0].mac)
        self.measured = ([f for f in self.a.guest.nics[0].capture.frames(marks[0]) if f.data[6:12] == own and accept(f)],
                         ended - began)
        heard = [to for to in self.told("b", pattern) if not to.endswith((self.b.inner4, self.b.inner6))]
        sent = [str(f) for f in frames] + [f"C: {len(f)} bytes" for f in self.at_c(pattern)]
        return sent, heard, out

    def _attempt_in(self, way, pattern):
        self.of_c.add(pattern.decode())
        out = self.run(self.begin(way, pattern), check=False).out
        listener, word = self.heard_by["a"], b"wayB" + b"%012d" % self.probes
        self.probes += 1
        where = ""
        if way.listen != "main":
            where = f"ip netns exec {way.listen} "
            listener = self._holding = self.a.guest.start(f"exec {where}wayhear " + " ".join(map(str, PORTS)))
            listener.expect("ready")
        frames = way.frames(self, pattern)
        marks = self.marks()
        self.port.send(*frames)
        last = frames[-1][14:60]
        wait_until(lambda: any(last in f.data for nic, mark in zip(self.a.guest.nics, marks)
                               for f in nic.capture.frames(mark)), 10, "C's frames at A", 0.01)
        # behind it, by loopback, what the listener does hear
        self.run(f"{where}rawsend udp 127.0.0.1 {PORTS[0]} {word.hex()}", check=False)
        listener.expect(f"heard={word.decode()}", timeout=20)
        return [], re.findall(rf"heard={pattern.decode()} over=\S+ to=(\S+)", listener.out), out

    def end(self):
        """Ends what ran during a try. Its undoing waits for the next try, or for undone()."""
        if self._holding is not None and self._holding.running:
            self._holding.stop(9)
        self._holding = None

    def undone(self):
        """Undoes what the last way has set up."""
        self.end()
        if self._undo:
            self.run(self._undo, check=False)
        self._undo = ""

    def _leaked(self, ways):
        """Tries ways one after another with one look at the wire behind all of them: those whose pattern was seen."""
        self.undone()
        patterns = [(way, self.pattern(way)) for way in ways]
        if any(re.search(OF_BOND, way.setup + way.attempt + way.undo) for way in ways):
            self._bond = self.bond()
        script = "".join(f"( {self.fill(way.setup, pattern)}\n{self.fill(way.attempt, pattern)}\n"
                         f"{self.fill(way.undo, pattern)}\n) </dev/null\n" for way, pattern in patterns)
        marks = self.marks()
        self._run_and_see(script, marks, timeout=180)
        frames = [f.data for f in self.sent(marks, lambda f: True)]
        while (frame := self.port.receive(lambda f: True, 0)) is not None:
            frames.append(frame)
        return [way for way, pattern in patterns if self.told("b", pattern) or any(pattern in data for data in frames)]

    def leak_when_off(self, ways):
        """Shows once, in mode off, that each of these does leak: else nothing would be shown by its silence. Those that
        their pattern alone tells go in groups; what was not seen so is tried by itself."""
        told_by_pattern = [way for way in ways if not (way.hold or way.frames or way.look)]
        seen = set()
        for at in range(0, len(told_by_pattern), GROUP):
            seen.update(way.name for way in self._leaked(told_by_pattern[at:at + GROUP]))
        self.t.note(f"({len(seen)} of {len(ways)} were seen in groups; the others are tried by themselves)")
        for way in ways:
            out = ""
            if way.name not in seen:
                sent, heard, out = self.attempt(way)
                self.end()
                if sent or heard:
                    seen.add(way.name)
            self.t.check(f"way-{way.name}: in mode off it leaks ({way.words})", way.name in seen, out)

    def holds(self, way):
        """Tries it on the locked device."""
        words = f"way-{way.name}: {way.words}: {way.holds}"
        words += f"; left: {way.left}" if way.left else ""
        try:
            sent, heard, out = self.attempt(way)
            told = f"on the wire: {sent[:4]}\nheard: {heard}\n{out}"
            if way.outs:
                self.t.check(words, *way.outs(self, sent, heard, out))
            elif way.holds == BLOCKED:
                self.t.check(words, not sent and not heard, told)
            elif way.holds == ENDS:
                self.t.check(words, self.ended(), told)
            else:
                self.t.check(words, self.named(way), f"SECURITY.md does not name way-{way.name}\n{told}")
                if not sent and not heard:
                    self.t.note(f"way-{way.name} did not leak this time")
        except (CommandFailed, TimeoutError) as error:
            self.t.check(words, False, error)
        self.end()

    def ended(self):
        """An alarm is up and no bond lives."""
        try:
            self.a.guest.wait_for("sbctl status | grep -qE 'alarms=(0x)?0*[1-9a-f]'", timeout=30)
        except TimeoutError:
            return False
        return not self.bond_works()

    @staticmethod
    def named(way):
        with open(os.path.join(image.TOP, "SECURITY.md"), encoding="utf-8") as f:
            return f"`{way.name}`" in f.read()
