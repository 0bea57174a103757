# SPDX-License-Identifier: Apache-2.0
"""How bonds, namespaces and the module end, and how epochs follow each other, all of it under traffic.

    a ── switch ── b        two namespaces of a: x ── veth ── y
"""

import re

import bonded
from process import wait_until

LAB = "hostile"
PATTERN = b"sealbond-numbered-datagram/"
STREAM_US = 2000


class Stream:
    """Numbered datagrams from one end to another, until stop() or the end of the with block."""

    def __init__(self, source, target, six=False, interval=STREAM_US):
        self._ends = source, target
        self._marks = [side.guest.nics[0].capture.mark() for side in self._ends]
        address = target.inner6 if six else target.inner4
        self._receiver = target.start(f"udpnum recv 5001 {address}")
        self._receiver.expect("ready")
        self._sender = source.start(f"udpnum send {address} 5001 0 {interval}")
        self._sender.expect("sent=")

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.abandon()

    def progress(self, more=1, timeout=30):
        """Waits until it has gone on so many seconds."""
        lines = self._sender.out.count("sent=") + more
        wait_until(lambda: self._sender.out.count("sent=") >= lines, timeout, "the stream", 0.02)

    def stop(self):
        """What was sent, and what arrived."""
        lines = self._sender.stop().out.splitlines()
        sent = bonded.fields(next(line for line in lines if line.startswith("numbers=")))
        # the receiver ends by the sender's end mark; where that cannot have come, now
        try:
            told = self._receiver.stop() if sent["errors"] else self._receiver.wait(5)
        except TimeoutError:
            told = self._receiver.stop()
        return sent, bonded.fields(told.out)

    def lost_between(self):
        """How many sealed packets have left one guest and not reached the other: an overloaded host's."""
        source = self._ends[0]
        seen = []
        for side, mark in zip(self._ends, self._marks):
            frames = side.guest.nics[0].capture.frames(mark)
            seen.append(sum(f.kind == "esp" and f.src == source.outer4 for f in frames))
        return seen[0] - seen[1]

    def abandon(self):
        for job in (self._sender, self._receiver):
            if job.running:
                job.stop(9)


def keys_shown(side):
    """SPI -> what `ip xfrm state` shows as the key."""
    return dict(re.findall(r"spi (0x[0-9a-f]+).*?aead \S+ (0x[0-9a-f]+)", side.out("ip xfrm state"), re.S))


def clear_bytes(mark, guest):
    """Frames of a guest's first card with the stream's pattern in clear."""
    return [str(f) for f in guest.nics[0].capture.having(PATTERN, mark)]


def test_rotation(lab, t):
    pair = bonded.pair(lab).up(options="overlap_ms=1000")
    a, b = pair.sides
    capture = a.guest.nics[0].capture
    mark = capture.mark()
    first = pair.identity()
    with Stream(a, b) as there, Stream(b, a, six=True) as back:
        for number in range(10):
            pair.start(pair.sides[number % 2])
            there.progress()
        results = [(*stream.stop(), stream.lost_between()) for stream in (there, back)]
    for (sent, told, lost), words in zip(results, ("IPv4", "IPv6 the other way")):
        if lost:
            t.note(f"{lost} frames were lost between the guests")
        t.check(f"10 rotations under a stream, {words}: nothing that reached the card is lost",
                sent["errors"] == 0 and told["received"] + lost == sent["sent"],
                (sent, told, lost, [end.out("cat /proc/net/xfrm_stat") for end in pair.sides], a.drops(), b.drops()))
        t.check(f"{words}: nothing comes twice", told["duplicates"] == 0, told)
    last = pair.identity()
    t.check("the epoch went up by 10", all(y[1] == x[1] + 10 for x, y in zip(first, last)), (first, last))
    t.check("under other SPIs", pair.agreed() and first[0][2:4] != last[0][2:4])
    wait_until(lambda: a.states() == b.states() == 2, 20, "old SAs retire", 0.1)
    t.check("old SAs are gone after the overlap: two are left at each end", True)
    shown = keys_shown(a), keys_shown(b)
    t.check("both ends have the same two SAs, and `ip xfrm state` shows other keys for them at each end",
            set(shown[0]) == set(shown[1]) and len(shown[0]) == 2
            and all(shown[0][spi] != shown[1][spi] for spi in shown[0]), shown)
    t.check("and never zeros", all(set(key[2:]) != {"0"} for end in shown for key in end.values()))
    t.check("no packet was in clear", not clear_bytes(mark, a.guest))


def test_limits(lab, t):
    pair = bonded.pair(lab).up(options="soft_seq=50 hard_seq=200 overlap_ms=500")
    a, b = pair.sides
    with a.events() as events:
        a.ping(b, count=55, options="-i 0.01")
        events.await_one("rotate-wanted")
        t.check("at a soft limit of the sequence the helper is asked to rotate", True)
        pair.start()
        t.check("the new epoch begins anew", a.bond(b)["sequence"] < 50, a.bond(b))
        a.run(f"ping -n -c 300 -i 0.01 -W 1 {b.inner4}", check=False, timeout=60)
        ended = events.await_one("bond-ended")
    t.check("at a hard limit the bond ends, for that reason", bonded.ENDS[ended["reason"]] == "hard-sequence", ended)
    t.check("nothing passes then", a.cut_off(b))
    t.check("packets without a bond are counted", a.dropped("no-bond") > 0, a.drops())
    for words, options in (("bytes", "soft_bytes=5000 hard_bytes=20000"), ("time", "hard_ms=2000")):
        with a.events() as events:
            pair.up(options=options)
            if words == "bytes":
                a.ping(b, count=12, options="-s 500 -i 0.01")
                events.await_one("rotate-wanted")
                t.check("at a soft limit of bytes the helper is asked to rotate", True)
                a.ping(b, count=60, options="-s 500 -i 0.01")
            ended = wait_until(lambda: [e for e in events.all("bond-ended") if bonded.ENDS[e["reason"]] != "asked"],
                               30, "the end of the bond", 0.02)[0]
        t.check(f"a hard limit of {words} ends the bond, for that reason",
                bonded.ENDS[ended["reason"]] == f"hard-{words}", ended)
        t.check("nothing passes then", a.cut_off(b))


def test_lease(lab, t):
    pair = bonded.pair(lab).up()
    a, b = pair.sides
    mark = a.guest.nics[0].capture.mark()
    with Stream(a, b) as stream, a.events() as events:
        # nobody renews it: the helper is dead
        a.peer(b, lease=2500)
        began = a.uptime()
        ended = events.await_one("bond-ended")
        took = a.uptime() - began
        t.check("a lease that nobody renews ends the bond in the kernel, for that reason",
                bonded.ENDS[ended["reason"]] == "lease", ended)
        t.check("at its time", 2 <= took < 5, took)
        wait_until(lambda: a.dropped("lease-ended"), 20, "drops for the lease", 0.1)
        sent, told = stream.stop()
    t.check("traffic stops with the lease", told["received"] < sent["numbers"] and sent["errors"] > 0, (sent, told))
    t.check("and none of it goes in clear", not clear_bytes(mark, a.guest))
    r = a.ctl("start id=b", check=False)
    t.check("without a lease no bond can be started", r.code == 1 and "ENOLINK" in r.out and "lease" in r.out, r)
    a.peer(b)
    pair.start()
    t.check("with a new one it can", pair.pings())


def test_sa_deleted(lab, t):
    pair = bonded.pair(lab).up()
    a, b = pair.sides
    for words, command in (
            ("deletes an outbound SA", "ip xfrm state delete src {a} dst {b} proto esp spi {out}"),
            ("deletes an inbound SA", "ip xfrm state delete src {b} dst {a} proto esp spi {into}"),
            ("flushes the SAs", "ip xfrm state flush"),
            ("flushes the policies", "ip xfrm policy flush"),
            ("deletes a policy", "ip xfrm policy delete src {ia}/32 dst {ib}/32 dir out if_id 7")):
        mark = a.guest.nics[0].capture.mark()
        with Stream(a, b) as stream, a.events() as events:
            bond = a.bond(b)
            a.run(command.format(a=a.outer4, b=b.outer4, out=bond["spi_out"], into=bond["spi_in"], ia=a.inner4,
                                 ib=b.inner4))
            ended = events.await_one("bond-ended")
            t.check(f"root {words}: the bond ends, with its reason",
                    bonded.ENDS[ended["reason"]] == "sa-gone" and a.states() == 0 and a.policies() == 0,
                    (ended, a.states(), a.policies()))
            sent, told = stream.stop()
        t.check(f"root {words}: not one packet in clear", told["received"] < sent["numbers"]
                and not clear_bytes(mark, a.guest), (sent, told, clear_bytes(mark, a.guest)[:3]))
        pair.start()
        t.check(f"root {words}: it can be started again", pair.pings())


def test_foreign_sa(lab, t):
    """Root adds an SA and a policy of its own on sb0's if_id."""
    pair = bonded.pair(lab).up()
    a, b = pair.sides
    key = "0x" + "5a" * 36
    mark = a.guest.nics[0].capture.mark()
    for end in pair.sides:
        end.run(f"ip xfrm state add src {a.outer4} dst {b.outer4} proto esp spi 0x5a5a reqid 1 mode tunnel if_id 7 "
                f"flag af-unspec aead 'rfc4106(gcm(aes))' {key} 128")
    a.run(f"ip xfrm policy update src {a.inner4}/32 dst {b.inner4}/32 dir out if_id 7 tmpl src {a.outer4} "
          f"dst {b.outer4} proto esp spi 0x5a5a reqid 1 mode tunnel")
    t.check("traffic through an SA that root made does not pass", not a.ping(b, count=2))
    sent = [f for f in a.guest.nics[0].capture.frames(mark) if f.kind == "esp" and b"\0\0\x5a\x5a" == f.payload[:4]]
    t.check("and is not on the wire", not sent, [str(f) for f in sent])
    for end in pair.sides:
        end.run("ip xfrm state delete src 10.0.0.1 dst 10.0.0.2 proto esp spi 0x5a5a; ip xfrm policy flush",
                check=False)
    pair.up()
    t.check("afterwards it can be started again", pair.pings())


def namespaces(guest):
    """x and y in one guest, a veth between them."""
    guest.run("for n in x y; do ip netns del $n 2>/dev/null; ip netns add $n; done; "
              "ip link add vx netns x type veth peer name vy netns y")
    return bonded.Pair(bonded.Side(guest, "x", 3, ns="x", device="vx"),
                       bonded.Side(guest, "y", 4, ns="y", device="vy"))


def test_two_namespaces(lab, t):
    pair = bonded.pair(lab).up()
    a = pair.a
    inner = namespaces(a.guest)
    inner.up()
    x, y = inner.sides
    t.check("each namespace has keys of its own", len({side.key for side in (a, x, y)}) == 3)
    t.check("a bond in each: both work", pair.pings() and inner.pings())
    t.check("a namespace sees its own peers only", not x.run(f"sbctl getpeer id=b", check=False)
            and a.ctl("getpeer").out.count("id=") == 1)
    t.check("and its own SAs", x.states() == 2 and a.states() == 2)
    t.check("from one to the other nothing passes", not x.run(f"ping -c 1 -W 1 {a.inner4}", check=False)
            and not a.run(f"ping -c 1 -W 1 {x.inner4}", check=False))
    x.ctl("end all")
    t.check("the end of one bond is not the end of the other", pair.pings() and x.cut_off(y))
    inner.start()

    with Stream(x, y), Stream(a, pair.b) as outer:
        a.guest.run("ip netns del x")
        outer.progress(2)
        sent, told = outer.stop()
    t.check("a namespace dies with a live bond under traffic: the other's stream goes on without a loss",
            told["missing"] == 0 and told["received"] == sent["sent"], (sent, told))
    a.guest.run("ip netns del y")
    # its clean-up is on a queue: a new one of that name is made behind it
    again = namespaces(a.guest)
    again.up()
    t.check("namespaces made anew can be bonded", again.pings())


def test_unload(lab, t):
    pair = bonded.pair(lab).up()
    a, b = pair.sides
    inner = namespaces(a.guest)
    inner.up()
    with b.running(f"iperf3 -s -B {b.inner4} --forceflush", "listening"), \
            a.running(f"iperf3 -c {b.inner4} -t 60 --connect-timeout 5000 --forceflush", "bits/sec"), \
            Stream(*inner.sides), Stream(b, a):
        mark = a.guest.nics[0].capture.mark()
        a.run("rmmod sealbond", timeout=60)
        t.check("the module unloads with live bonds in three namespaces under traffic", True)
        t.check("no SA and no policy is left", [s.states() + s.policies() for s in (a, *inner.sides)] == [0, 0, 0])
        t.check("no module is left", "sealbond" not in a.out("cat /proc/modules"))
        t.check("traffic on sb0 stops: none of it goes out in clear", a.cut_off(b)
                and not clear_bytes(mark, a.guest))
    b.mode("off")
    t.check("clear traffic passes again: the mode is gone with the module", a.ping(b, inner=False))
    pair.up()
    t.check("loaded again it makes bonds again", pair.pings())
    inner.up()
    t.check("also in namespaces that were there before", inner.pings())
    a.run("for n in 1 2 3; do rmmod sealbond; modprobe sealbond; done", timeout=60)
    t.check("and again and again", pair.up() and pair.pings())
    a.guest.run("ip netns del x; ip netns del y")
