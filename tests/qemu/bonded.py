# SPDX-License-Identifier: Apache-2.0
"""Two bonded ends, for scenarios that are about what happens to a bond.

    pair = bonded.pair(lab)     guests "a" and "b" on the lab's switch, booted where they are not up
    pair.up()                   module, keys, peers, a live bond, mode enforce
    pair.a.ping(pair.b)         over the bond

An end is a guest's first namespace, or another one with a name (Side.ns). It is driven by sbctl.

          outer 10.0.0.N, fd00::N    inner 10.77.0.N, fd77::N on sb0
"""

import contextlib
import os
import re
import shlex

from image import BUILD
from process import wait_until
from wire import default_port, mac_bytes

PORT = default_port()
LEASE_MS = 3_600_000
IF_ID = 7
CHAIN = "test-chain"
# what the tests need in clear on a wire of their own
EXCEPTIONS = ("arp", "nd", "icmp-error")
# what may be on the wire once the mode is enforce
SEALED = ("arp", "nd", "handshake", "esp", "esp-udp")

REASONS = ["none", "clear-in", "clear-out", "forwarded", "raw-frame", "unknown-frame", "unknown-spi",
           "foreign-sa", "foreign-socket", "no-bond", "not-sealed", "lease-ended", "quarantined",
           "wrong-source", "over-budget", "other-netns", "malformed", "repeated",
           "ledger-socket", "conduit"]
ENDS = ["none", "asked", "lease", "hard-time", "hard-bytes", "hard-sequence", "sa-gone", "key",
        "tampered", "alarm"]
LIVE = 3

TOOLS = {"/usr/bin/sbctl": os.path.join(BUILD, "sbctl"),
         **{f"/usr/bin/{name}": os.path.join(BUILD, "tests", name) for name in ("udpnum", "rawsend", "nlfuzz", "xfrmroot",
                                                                         "xdptool")}}
# beside those, for guests of a pair: others have less room
PAIR_TOOLS = {**TOOLS, **{f"/usr/bin/{name}": os.path.join(BUILD, "tests", name) for name in ("sockpolicy", "fifo", "waysend")}}


def fields(line):
    """NAME=VALUE words as a dictionary; whole numbers as int."""
    found = dict(word.split("=", 1) for word in line.split() if "=" in word)
    return {name: int(value) if re.fullmatch(r"\d+", value) and len(value) < 21 else value
            for name, value in found.items()}


class Events:
    """What the module tells in a namespace, from now on."""

    def __init__(self, side):
        self.job = side.start("sbctl events")
        self.job.expect("listening")
        self._side = side

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.stop()

    def all(self, name=None):
        lines = [fields(line) for line in self.job.out.splitlines() if line.startswith("event=")]
        return [line for line in lines if name in (None, line["event"])]

    def await_one(self, name, times=1, timeout=30):
        """Waits until an event was told so many times; returns the last."""
        wait_until(lambda: len(self.all(name)) >= times or not self.job.running, timeout,
                   f"{self._side.name}: event {name}, {times} times; told: {self.all()[-20:]}", 0.01)
        return self.all(name)[times - 1]

    def stop(self):
        if self.job.running:
            self.job.stop(9)


class Side:
    """number: of the addresses. ns: a network namespace of the guest, by its name."""

    def __init__(self, guest, name, number, ns=None, device="eth0"):
        self.guest = guest
        self.name = name
        self.number = number
        self.ns = ns
        self.device = device
        self.outer4, self.outer6 = f"10.0.0.{number}", f"fd00::{number}"
        self.inner4, self.inner6 = f"10.77.0.{number}", f"fd77::{number}"
        self.key = None

    def _here(self, command):
        return f"ip netns exec {self.ns} sh -c {shlex.quote(command)}" if self.ns else command

    def run(self, command, **options):
        return self.guest.run(self._here(command), **options)

    def out(self, command, **options):
        return self.guest.out(self._here(command), **options)

    def start(self, command, timeout=0):
        # exec: a signal reaches the program itself
        return self.guest.start(f"exec ip netns exec {self.ns} {command}" if self.ns else f"exec {command}",
                                timeout)

    @contextlib.contextmanager
    def running(self, command, until):
        """A program that runs during a with block; it has begun to when it says `until`."""
        job = self.start(command)
        try:
            job.expect(until)
            yield job
        finally:
            if job.running:
                job.stop(9)

    def wait_for(self, command, timeout=30):
        return self.guest.wait_for(self._here(command), timeout)

    def ctl(self, words, check=True, **options):
        return self.run(f"sbctl {words}", check=check, **options)

    def mac(self):
        return self.out(f"cat /sys/class/net/{self.device}/address")

    # -- making it ----------------------------------------------------------------------------------
    # Each of these says what to run, so that several can go to the guest at once.

    def addresses_words(self):
        return (f"ip link set lo up; ip link set {self.device} up; "
                f"ip addr replace {self.outer4}/24 dev {self.device}; "
                f"ip -6 addr replace {self.outer6}/64 dev {self.device} nodad")

    def sb0_words(self):
        return (f"test -e /sys/class/net/sb0 || ip link add sb0 type xfrm dev {self.device} if_id {IF_ID}; "
                f"ip link set sb0 mtu 1400 up; ip addr replace {self.inner4}/24 dev sb0; "
                f"ip -6 addr replace {self.inner6}/64 dev sb0 nodad")

    def local_words(self, options="", chain=CHAIN):
        return (f"sbctl local id={self.name} chain={chain} dev=sb0 if_id={IF_ID} v4={self.inner4} "
                f"v6={self.inner6} {options}")

    def peer_words(self, other, options="", lease=LEASE_MS, outer6=False, endpoint=None, key=None):
        endpoint = endpoint or f"{other.outer6 if outer6 else other.outer4},{PORT}"
        return (f"sbctl peer id={other.name} key={key or other.key} lease={lease} v4={other.inner4} "
                f"v6={other.inner6} endpoint={endpoint} {options}")

    def addresses(self):
        """The device and its addresses; idempotent."""
        self.run(self.addresses_words())

    def sb0(self):
        self.run(self.sb0_words())

    def local(self, options="", chain=CHAIN):
        self.run(self.local_words(options, chain))

    def peer(self, other, options="", **more):
        self.run(self.peer_words(other, options, **more))

    def begin_key(self):
        """Has the keys made; finish_key() waits. A hold of the TPM takes a second or more here."""
        return self.start("sbctl key")

    def finish_key(self, job):
        self.key = fields(job.wait(120, check=True).out)["key"]
        return self.key

    def begin_device(self, options=""):
        """Mode off, no peers, everything of its own set up, keys made where there are none. A job, for
        finish_key()."""
        return self.guest.start(self._here(
            f"set -e; modprobe sealbond; sbctl mode off; sbctl delpeer all; {self.addresses_words()}; "
            f"{self.sb0_words()}; {self.local_words(options)}; sbctl exceptions {' '.join(EXCEPTIONS)}; "
            "sbctl getkey | grep state=2 || sbctl key"))

    # -- asking it ----------------------------------------------------------------------------------

    def bond(self, other):
        """GET_PEER of the other end, as a dictionary."""
        return fields(self.ctl(f"getpeer id={other.name}").out)

    def live(self, other):
        return self.bond(other).get("bond") == LIVE

    def drops(self):
        """Reason -> (dropped, would have been)."""
        found = [fields(line) for line in self.ctl("drops").out.splitlines()]
        return {REASONS[line["reason"]]: (line["count"], line["would"]) for line in found}

    def all_dropped(self):
        """Packets dropped, for whatever reason."""
        return sum(dropped for dropped, _ in self.drops().values())

    def dropped(self, reason):
        return self.drops()[reason][0]

    def exceptions(self, words=EXCEPTIONS):
        self.ctl("exceptions " + (" ".join(words) or "none"))

    def mode(self, mode):
        self.ctl(f"mode {mode}")

    def ping(self, other, six=False, count=3, options="", inner=True):
        if inner:
            target = other.inner6 if six else other.inner4
        else:
            target = other.outer6 if six else other.outer4
        return self.run(f"ping -n -c {count} -i 0.05 -W 2 {options} {target}", check=False, timeout=30)

    def cut_off(self, other, six=False, inner=True):
        """No answer within a second, where one takes milliseconds."""
        return not self.ping(other, six, 1, "-W 1", inner)

    def uptime(self):
        """Seconds of boot time."""
        return float(self.out("cat /proc/uptime").split()[0])

    def states(self):
        """How many SAs the kernel has here."""
        return self.out("ip xfrm state").count("proto esp")

    def policies(self):
        return len(re.findall(r"^src ", self.out("ip xfrm policy"), re.M))

    def events(self):
        return Events(self)

    def replays(self):
        """How many packets this end's SAs have refused as replayed."""
        return sum(int(n) for n in re.findall(r"replay (\d+) failed", self.out("ip -s xfrm state")))

    def forged(self):
        """How many packets this end's SAs have refused as not authentic."""
        return sum(int(n) for n in re.findall(r"failed (\d+)", self.out("ip -s xfrm state")))


class Pair:
    def __init__(self, a, b):
        self.a, self.b = a, b

    @property
    def sides(self):
        return (self.a, self.b)

    def prepare(self, options="", encap=None):
        """Everything but peers and the bond; ends what was before."""
        if encap:
            options += f" encap={encap}"
        for side, job in [(side, side.begin_device(options)) for side in self.sides]:
            side.finish_key(job)

    def acquaint(self, outer6=False, lease=LEASE_MS, mode=None):
        """Peers at both ends, and then the mode."""
        jobs = [x.guest.start(x._here(x.peer_words(y, outer6=outer6, lease=lease) +
                                      (f" && sbctl mode {mode}" if mode else "")))
                for x, y in (self.sides, self.sides[::-1])]
        for job in jobs:
            job.wait(60, check=True)

    def start(self, first=None, timeout=60):
        """Starts a bond, or rotates it, and waits until both ends have the new epoch."""
        first = first or self.a
        second = self.b if first is self.a else self.a
        with second.events() as events:
            first.ctl(f"start id={second.name} wait={timeout * 1000}", timeout=timeout + 10)
            events.await_one("bond-live", timeout=timeout)

    def up(self, mode="enforce", outer6=False, options="", encap=None, lease=LEASE_MS):
        """A live bond from whatever was before."""
        self.prepare(options, encap)
        self.acquaint(outer6, lease, mode)
        self.start()
        return self

    def pings(self):
        """Over the bond, both families, both ways."""
        ping = "ping -n -c 2 -i 0.05 -W 3"
        jobs = [x.guest.start(x._here(f"{ping} {y.inner4} && {ping} {y.inner6}"))
                for x, y in (self.sides, self.sides[::-1])]
        return all(bool(job.wait(60)) for job in jobs)

    def bonds(self):
        """GET_PEER of a about b and of b about a, asked at the same time."""
        jobs = [x.guest.start(x._here(f"sbctl getpeer id={y.name}")) for x, y in (self.sides, self.sides[::-1])]
        return [fields(job.wait(60, check=True).out) for job in jobs]

    def agreed(self, bonds=None):
        """Both ends send by the SA that the other end takes in."""
        a, b = bonds or self.bonds()
        return (a.get("bond") == b.get("bond") == LIVE and a["spi_in"] == b["spi_out"]
                and a["spi_out"] == b["spi_in"])

    def live(self):
        return all(bond.get("bond") == LIVE for bond in self.bonds())

    def identity(self):
        """What must not change when nothing may happen."""
        return [tuple(bond.get(name) for name in ("bond", "epoch", "spi_in", "spi_out", "handshakes", "endpoint"))
                for bond in self.bonds()]


def pair(lab):
    """Guests a and b, each with two cards and a TPM whose answers can be delayed: those of an earlier
    scenario in this lab where they live, else new ones. Both are up on return."""
    for name in ("a", "b"):
        if name not in lab.guests:
            lab.guest(name, tpm=lab.tpm(name, wire=True), nics=2, disk=None, files=PAIR_TOOLS)
        elif not lab.guests[name].up:
            lab.guests[name].close()
    off = [lab.guests[name] for name in ("a", "b") if not lab.guests[name].up]
    if off:
        lab.boot(*off)
    return Pair(Side(lab.guests["a"], "a", 1), Side(lab.guests["b"], "b", 2))


class Attacker:
    """A port of the host's own on the lab's switch. What it sends has another Ethernet source than its
    victims', so that the switch goes on knowing them."""

    MAC = "52:54:00:00:66:66"

    def __init__(self, lab):
        self.port = lab.switch.port()

    def again(self, frames, times=1):
        """Sends captured frames once more."""
        self.send(*[f.data for f in frames] * times)

    def send(self, *data):
        self.port.send(*(d[:6] + mac_bytes(self.MAC) + d[12:] for d in data))

    def arrived(self, capture, since, count, timeout=30):
        """Waits until so many frames of its own are in a victim's capture: a burst can be lost on the way."""
        own = mac_bytes(self.MAC)
        wait_until(lambda: sum(f.data[6:12] == own for f in capture.frames(since)) >= count, timeout,
                   f"{count} of the attacker's frames at their victim", 0.02)
