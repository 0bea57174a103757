# SPDX-License-Identifier: Apache-2.0
"""Only the sockets that the helper has registered reach a ledger endpoint, and nothing but the endpoint.

    a ── switch ── b        b listens as if it were a ledger, in mode off

The last function locks a.
"""

import bonded
from bonded import Attacker
from process import wait_until
from wire import TCP, ip_frame

MINUTES = 2
LAB = "locked"
LEDGER, OTHER = 7000, 7001


def segment(source, dest, flags):
    """A TCP header without checksum: what is dropped is dropped before anybody looks at that."""
    return source.to_bytes(2, "big") + dest.to_bytes(2, "big") + bytes(8) + bytes([0x50, flags]) + b"\x20\0\0\0\0\0"


class Place:
    def __init__(self, lab):
        self.pair = bonded.pair(lab).up()
        self.a, self.b = self.pair.sides
        self.b.mode("off")
        self.a.exceptions(("arp", "nd", "icmp-error", f"ledger,rport={LEDGER},remote={self.b.outer4}/32,rate=200"))
        self.capture = self.a.guest.nics[0].capture
        self.listeners = [self.b.start(f"iperf3 -s --forceflush -p {port}") for port in (LEDGER, OTHER)]
        for job in self.listeners:
            job.expect("listening")

    def barrier(self):
        if not self.a.ping(self.b, count=1):
            raise TimeoutError("the bond does not work")

    def clear(self, since):
        """TCP that a has sent in clear."""
        return [str(f) for f in self.capture.frames(since) if f.protocol == TCP and f.src == self.a.outer4]

    def connects(self, words):
        """Does a registered socket come through to it, and what was on the wire?"""
        mark = self.capture.mark()
        r = self.a.ctl(f"ledger-socket {words}", check=False, timeout=20)
        self.barrier()
        return r, self.clear(mark)

    def close(self):
        for job in self.listeners:
            job.stop()


def others(t, place, words):
    """Whatever is not the registered socket."""
    a, b = place.a, place.b
    made_up = ip_frame(Attacker.MAC, Attacker.MAC, a.outer4, b.outer4, TCP, segment(1234, LEDGER, 2))[14:]
    place.barrier()
    before, mark = a.dropped("ledger-socket"), place.capture.mark()
    r = a.run(f"nc -w 1 {b.outer4} {LEDGER} </dev/null", check=False)
    a.run(f"rawsend hdrincl {b.outer4} {made_up.hex()}", check=False)
    place.barrier()
    t.check(f"{words}: another program's packets to the endpoint do not leave", not r and not place.clear(mark),
            (r, place.clear(mark)))
    t.check(f"{words}: counted as ledger-socket", a.dropped("ledger-socket") >= before + 2, a.drops())


def test_only_its_socket(lab, t):
    place = Place(lab)
    a, b = place.a, place.b
    others(t, place, "nothing registered")
    r, wire = place.connects(f"to={b.outer4} port={LEDGER}")
    t.check("a registered socket reaches the endpoint", r and wire, (r, wire))
    r, wire = place.connects(f"to={b.outer4} port={OTHER}")
    t.check("but no other port of it", r.code == 4 and not wire, (r, wire))
    with a.running(f"sbctl ledger-socket to={b.outer4} port={LEDGER} hold=1", "connected") as holder:
        others(t, place, "while one is open")
        port = bonded.fields(holder.out)["port"]
    t.check("its packets are counted by the exception",
            any("kind=ledger" in line and bonded.fields(line)["passed"] > 5
                for line in a.ctl("getexceptions").out.splitlines()), a.ctl("getexceptions"))
    attacker = Attacker(lab)

    def dropped_to(local):
        """Is a segment from the endpoint's address and port to this port of a's dropped?"""
        before = a.dropped("ledger-socket")
        attacker.send(ip_frame(Attacker.MAC, a.guest.nics[0].mac, b.outer4, a.outer4, TCP, segment(LEDGER, local, 0x10)))
        place.barrier()
        return a.dropped("ledger-socket") > before

    t.check("from the endpoint to another port nothing comes in", dropped_to(22))
    # the connection ends in its own time
    wait_until(lambda: dropped_to(port), 30, "the end of the registration", 0.2)
    t.check("and nothing to the socket's once it is closed", True)
    place.close()


def test_refusals(lab, t):
    place = Place(lab)
    a, b = place.a, place.b
    for words, fd, name in (("no descriptor", 77, "EBADF"), ("standard input, which is no socket", 0, "ENOTSOCK"),
                            ("the netlink socket", 3, "EOPNOTSUPP")):
        r = a.ctl(f"ledger-socket to={b.outer4} port={LEDGER} fd={fd} </dev/null", check=False)
        t.check(f"{words}: refused, in words", r.code == 1 and name in r.out and ":" in r.out, r)
    a.run("ip netns add two; ip -n two link set lo up")
    r = a.run(f"ip netns exec two setpriv --bounding-set -net_admin sbctl ledger-socket to={b.outer4} port={LEDGER}", check=False)
    t.check("without CAP_NET_ADMIN: refused", r.code != 0, r)
    a.run("ip netns del two")
    # The oldest make room: 20 that are open at once, the last of them works.
    jobs = []
    for _ in range(20):
        job = a.start(f"sbctl ledger-socket to={b.outer4} port={LEDGER} hold=1")
        job.expect("connected", timeout=30)
        jobs.append(job)
    t.check("with more than there is room for the oldest is forgotten", True)
    for job in jobs:
        job.stop(9)
    place.close()


def test_locked(lab, t):
    place = Place(lab)
    a, b = place.a, place.b
    a.ctl("lock")
    r, wire = place.connects(f"to={b.outer4} port={LEDGER}")
    t.check("on a locked machine the helper's socket works", r and wire, (r, wire))
    r, wire = place.connects(f"to={b.outer4} port={OTHER}")
    t.check("and root's own reaches no other port", r.code == 4 and not wire, (r, wire))
    r = a.ctl(f"exceptions arp nd icmp-error ledger,rport={OTHER}", check=False)
    t.check("nor can root name one", r.code == 1 and "EPERM" in r.out, r)
    others(t, place, "locked")
    place.close()
    lab.guests["a"].kill()
