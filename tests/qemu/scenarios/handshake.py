# SPDX-License-Identifier: Apache-2.0
"""Handshakes and ESP against somebody who records, repeats, reorders and invents.

    a ──┐
    b ──┼── switch ── a port of the host: the attacker
    s ──┘             s: a namespace of b's guest with a card of its own
"""

import os
import struct

import bonded
from process import wait_until
from wire import UDP

MINUTES = 3
LAB = "hostile"
INITIATION, RESPONSE, COOKIE = 1, 2, 3
# drops handshake messages of one kind: UDP header 8 bytes, marker 4 bytes, then the type
BLOCK = ("nft add table ip block; nft 'add chain ip block in {{ type filter hook prerouting priority -400; }}'; "
         "nft add rule ip block in udp dport {port} @th,96,8 {type} drop")
UNBLOCK = "nft delete table ip block"


def messages(capture, source, kind, since=None):
    """The handshake frames of one kind that come from an address."""
    return [f for f in capture.frames(since) if f.kind == "handshake" and f.src == source and f.payload[4] == kind]


def wait_messages(capture, source, kind, since, count=1, timeout=30):
    return wait_until(lambda: (lambda found: found if len(found) >= count else None)(
        messages(capture, source, kind, since)), timeout, f"{count} messages {kind} from {source}", 0.05)


def stranger(pair):
    """The third device: a namespace in b's guest. Idempotent; it keeps its key while the module stays."""
    s = bonded.Side(pair.b.guest, "stranger", 9, ns="s", device="eth1")
    s.guest.run("ip netns add s 2>/dev/null && ip link set eth1 netns s", check=False)
    s.finish_key(s.guest.start(s._here(
        f"{s.addresses_words()}; {s.sb0_words()}; sbctl delpeer all; {s.local_words()}; "
        f"sbctl exceptions {' '.join(bonded.EXCEPTIONS)}; sbctl getkey | grep state=2 || sbctl key")))
    return s


def test_bond(lab, t):
    pair = bonded.pair(lab).up()
    t.check("the bond is live at both ends", pair.a.live(pair.b) and pair.b.live(pair.a))
    t.check("the ends agree on the SAs", pair.agreed())
    t.check("pings pass, IPv4 and IPv6, both ways", pair.pings())
    t.check("clear pings do not", pair.a.cut_off(pair.b, inner=False) and pair.b.cut_off(pair.a, True, inner=False))


def test_replayed_handshake(lab, t):
    pair = bonded.pair(lab).up(options="overlap_ms=500")
    capture = pair.a.guest.nics[0].capture
    mark = capture.mark()
    pair.start(pair.a)
    sent = messages(capture, pair.a.outer4, INITIATION, mark)
    answered = messages(capture, pair.b.outer4, RESPONSE, mark)
    t.must("a handshake is recorded", len(sent) == 1 and len(answered) == 1, (len(sent), len(answered)))
    # the epoch that it made is gone: it is not for an SPI in use that a copy of it would fail
    pair.start(pair.b)
    wait_until(lambda: pair.a.states() == pair.b.states() == 2, 20, "the old SAs retire", 0.1)
    before = pair.identity()
    mark = capture.mark()
    attacker = bonded.Attacker(lab)
    attacker.again(sent + answered, 5)
    wait_until(lambda: len(messages(capture, pair.b.outer4, RESPONSE, mark)) >= 5, 10, "the copies at a", 0.05)
    # the socket's queue is first in, first out: behind this handshake all copies have been looked at
    now = pair.identity()
    pair.start(pair.b)
    after = pair.identity()
    t.check("replayed initiations and responses change no epoch and no SPI", now == before, (before, now))
    t.check("and count as no handshake", [x[4] + 1 for x in before] == [x[4] for x in after], (before, after))
    own = [f for f in messages(capture, pair.b.outer4, RESPONSE, mark) if f.data not in
           [x.data[:6] + bytes.fromhex("525400006666") + x.data[12:] for x in answered]]
    t.check("nothing answers them", not own and len(messages(capture, pair.a.outer4, RESPONSE, mark)) == 1,
            [str(f) for f in own])
    t.check("the bond works on", pair.pings())


def test_reordered(lab, t):
    pair = bonded.pair(lab).up()
    capture = pair.a.guest.nics[0].capture
    for side in pair.sides:
        side.ctl("end all")
    mark = capture.mark()
    pair.a.run(BLOCK.format(port=bonded.PORT, type=RESPONSE))
    events = pair.a.events()
    pair.a.ctl("start id=b")
    # the second attempt comes by itself when the first has no answer
    answers = wait_messages(capture, pair.b.outer4, RESPONSE, mark, 2)
    pair.a.run(UNBLOCK)
    attacker = bonded.Attacker(lab)
    attacker.again(answers[:1], 3)
    mark = capture.mark()
    attacker.again(answers[1:2])
    live = events.await_one("bond-live")
    t.check("the response to the newer attempt makes the bond", live["epoch"] == 2 or live["epoch"] > 0, live)
    wait_until(pair.agreed, 10, "agreement", 0.1)
    t.check("the one to the older attempt, which came before it, did not",
            len(events.all("bond-live")) == 1, events.all())
    before = pair.identity()
    attacker.again(answers[:2], 3)
    pair.start(pair.b)
    t.check("behind it neither changes anything",
            [x[4] for x in pair.identity()] == [x[4] + 1 for x in before], (before, pair.identity()))
    events.stop()
    t.check("the bond works", pair.pings())


def test_simultaneous(lab, t):
    pair = bonded.pair(lab).up(options="overlap_ms=500")
    a, b = pair.sides
    failed = []
    for number in range(20):
        # every other time from nothing
        words = "sbctl end all; sbctl start" if number % 2 else "sbctl start"
        before = [bond.get("epoch", 0) for bond in pair.bonds()]
        jobs = [a.guest.start(f"{words} id=b"), b.guest.start(f"{words} id=a")]
        codes = [job.wait(30).code for job in jobs]

        def settled():
            bonds = pair.bonds()
            return pair.agreed(bonds) and all(bond["epoch"] > e for bond, e in zip(bonds, before))

        try:
            wait_until(settled, 30, "one bond", 0.02)
        except TimeoutError:
            failed.append((number, codes, pair.identity()))
            break
    t.check("20 simultaneous starts settle on one bond each", not failed, failed)
    t.check("it carries traffic", pair.pings())
    wait_until(lambda: a.states() == b.states() == 2, 20, "old SAs retire", 0.2)
    t.check("and in the end there are two SAs at each end", True)


def test_stranger(lab, t):
    pair = bonded.pair(lab).up()
    a = pair.a
    s = stranger(pair)
    capture = a.guest.nics[0].capture
    mark = capture.mark()
    events = a.events()
    s.peer(a)
    s.ctl("start id=a")
    told = events.await_one("stranger")
    t.check("a stranger's valid handshake is an event with its key and device id",
            told["key"] == s.key and bytes.fromhex(told["id"]).rstrip(b"\0") == b"stranger", told)
    to_s = [f for f in capture.frames(mark) if f.src == a.outer4 and f.dst == s.outer4 and f.protocol == UDP]
    t.check("and gets no answer but a cookie", to_s and all(f.payload[4] == COOKIE for f in to_s),
            [str(f) for f in to_s])
    t.check("its cookie is shorter than what asked for it", all(len(f.payload) < 264 for f in to_s))
    a.peer(s)
    s_events = s.events()
    if not s.live(a):
        s_events.await_one("bond-live", timeout=60)
    t.check("known, it is bonded at its next try", a.wait_for("sbctl getpeer id=stranger | grep -q bond=3"))
    t.check("and talks", s.ping(a) and a.ping(s, six=True))
    t.check("the two bonds are apart: it does not reach b through a", s.cut_off(pair.b))
    events.stop()
    s_events.stop()
    s.ctl("delpeer all")
    a.ctl("delpeer id=stranger")


def test_silence(lab, t):
    pair = bonded.pair(lab).up()
    a = pair.a
    s = stranger(pair)
    capture = a.guest.nics[0].capture
    other_key = os.urandom(31).hex() + "40"

    def answers(peer=None, **local):
        """s, known to a under its usual name, starts; what a sends it then."""
        options = {"name": s.name, "chain": bonded.CHAIN, **local}
        name = (peer or {}).get("name", "a")
        a.run(f"sbctl delpeer id=stranger; {a.peer_words(s)}")
        mark = capture.mark()
        s.run(f"set -e; sbctl delpeer all; sbctl local id={options['name']} chain={options['chain']} dev=sb0 "
              f"if_id={bonded.IF_ID} v4={s.inner4} v6={s.inner6}; "
              f"sbctl peer id={name} key={(peer or {}).get('key', a.key)} lease=60000 v4={a.inner4} "
              f"endpoint={a.outer4},{bonded.PORT}; sbctl start id={name}")
        wait_messages(capture, s.outer4, INITIATION, mark)
        pair.start(pair.b)      # behind it a has looked at s's message
        return [str(f) for f in capture.frames(mark) if f.dst == s.outer4 and f.src == a.outer4]

    def silent(words, **wrong):
        back = answers(**wrong)
        t.check(f"{words}: silence", not back, back)

    t.check("with all of it right there is an answer", answers())
    silent("another device id than the one of this key", name="somebody")
    silent("another chain", chain="other-chain")
    silent("another key of ours than the real one", peer={"key": other_key})
    silent("another device id of ours", peer={"name": "z"})
    s.ctl("delpeer all")
    s.local()
    a.ctl("delpeer id=stranger")


def test_other_key(lab, t):
    """a is told another key for b: the bond lives on, but the old key gets it no further."""
    pair = bonded.pair(lab).up(options="hard_ms=8000")
    a, b = pair.sides
    others = [os.urandom(31).hex() + "40" for _ in range(2)]
    capture = a.guest.nics[0].capture
    with a.events() as events:
        before, mark = a.bond(b), capture.mark()
        a.peer(b, key=others[0])
        now = a.bond(b)
        same = ("bond", "epoch", "spi_in", "spi_out", "handshakes")
        t.check("another key for a live peer: the bond is the same", [now[x] for x in same] == [before[x] for x in same]
                and now["key"] == others[0], (before, now))
        t.check("and carries", pair.pings())
        b.ctl("start id=a")
        wait_messages(capture, b.outer4, INITIATION, mark)
        wait_messages(capture, a.outer4, COOKIE, mark)
        t.check("a handshake by the old key is a stranger's: a cookie, no answer",
                not messages(capture, a.outer4, RESPONSE, mark))
        a.peer(b, key=others[1])
        ended = events.await_one("bond-ended")
        t.check("at its hard age the bond ends, however often the key was told", not events.all("bond-live") and
                bonded.ENDS[ended["reason"]] == "hard-time", events.all())
    t.check("nothing passes then", a.cut_off(b))
    for words, command, reason in (("a lease of 0", f"{a.peer_words(b, key=others[0], lease=0)}", "lease"),
                                   ("END_BOND", f"{a.peer_words(b, key=others[0])}; sbctl end id=b", "asked"),
                                   ("another address", a.peer_words(b, key=others[0]).replace(b.inner4, "10.77.0.99"),
                                    "asked")):
        pair.up()
        with a.events() as events:
            a.run(command)
            ended = events.await_one("bond-ended")
            t.check(f"with another key, {words} ends the bond at once", bonded.ENDS[ended["reason"]] == reason, ended)
    pair.up()
    with a.events() as events:
        a.peer(b, key=others[0])
        a.peer(b)
        pair.start(b)
        t.check("told the right key again, it is renewed and never ended", not events.all("bond-ended"), events.all())
    t.check("and carries", pair.pings())


def test_outer_families(lab, t):
    for words, kind, options in (("IPv6", "esp", {"outer6": True}), ("IPv4 in UDP", "esp-udp", {"encap": "always"}),
                                 ("IPv6 in UDP", "esp-udp", {"outer6": True, "encap": "always"})):
        pair = bonded.pair(lab)
        capture = pair.a.guest.nics[0].capture
        pair.up(**options)
        mark = capture.mark()
        t.check(f"outer {words}: pings pass, IPv4 and IPv6, both ways", pair.pings())
        large = all(pair.a.ping(pair.b, six, 2, "-s 4000") for six in (False, True))
        t.check(f"outer {words}: inner fragments pass", large)
        address = pair.a.outer6 if options.get("outer6") else pair.a.outer4
        frames = [f for f in capture.frames(mark) if f.kind in ("esp", "esp-udp")]
        t.check(f"outer {words}: that is what is on the wire",
                frames and all(f.kind == kind and address in (f.src, f.dst) for f in frames),
                {str(f) for f in frames})
        outside = [str(f) for f in capture.outside(bonded.SEALED, mark)]
        t.check(f"outer {words}: and nothing else", not outside, outside[:5])


def test_replayed_esp(lab, t):
    pair = bonded.pair(lab).up()
    a, b = pair.sides
    capture = a.guest.nics[0].capture
    mark = capture.mark()
    receiver = b.start(f"udpnum recv 5000 {b.inner4}")
    receiver.expect("ready")
    a.run(f"udpnum send {b.inner4} 5000 200 2000 64 open", timeout=60)
    frames = [f for f in capture.frames(mark) if f.kind == "esp" and f.src == a.outer4]
    t.must("200 packets are recorded", len(frames) >= 200, len(frames))
    before, wire = b.replays(), b.guest.nics[0].capture
    mark = wire.mark()
    attacker = bonded.Attacker(lab)
    for first in range(0, len(frames), 20):
        attacker.again(frames[first:first + 20], 2)
        attacker.arrived(wire, mark, 2 * min(first + 20, len(frames)))
    wait_until(lambda: b.replays() - before >= 2 * len(frames), 30, "the copies at b's SA", 0.1)
    t.check("every copy is counted as a replay", b.replays() - before == 2 * len(frames), b.replays() - before)
    told = bonded.fields(receiver.stop().out)
    t.check("no packet is delivered twice", told["received"] == 200 and told["duplicates"] == 0, told)
    # the same with sequence numbers to come: these fail where they are authenticated
    before = b.forged()
    attacker.send(*(f.data[:38] + struct.pack(">I", 5000 + n) + f.data[42:] for n, f in enumerate(frames[:20])))
    wait_until(lambda: b.forged() - before == 20, 30, "the forged ones", 0.1)
    t.check("the bond works on behind forged ones", pair.pings())


def test_moving(lab, t):
    pair = bonded.pair(lab).up()
    a, b = pair.sides
    events = a.events()
    before = a.bond(b)
    b.run("ip addr del 10.0.0.2/24 dev eth0; ip addr add 10.0.0.22/24 dev eth0")
    b.ctl("start id=a")
    events.await_one("bond-live")
    now = a.bond(b)
    t.check("an end that has another address starts anew from there, and the other follows",
            now["endpoint"].startswith("10.0.0.22,") and now["epoch"] == before["epoch"] + 1, now)
    t.check("the bond did not end", not events.all("bond-ended"), events.all())
    t.check("pings pass both ways", pair.pings())
    events.stop()
    b.run("ip addr del 10.0.0.22/24 dev eth0; ip addr add 10.0.0.2/24 dev eth0")


def nat_to(b, address, port):
    """b's guest writes what comes from behind it as address:port."""
    b.guest.run("nft delete table ip nat 2>/dev/null; nft add table ip nat; "
                "nft 'add chain ip nat post { type nat hook postrouting priority 100; }'; "
                f"nft add rule ip nat post oifname eth0 ip saddr 192.168.9.2 udp sport {bonded.PORT} "
                f"snat to {address}:{port}")


def test_nat(lab, t):
    """n (namespace of b's guest) ── veth ── b rewrites ── switch ── a"""
    pair = bonded.pair(lab)
    pair.prepare()
    a, b = pair.sides
    n = bonded.Side(b.guest, "n", 8, ns="n", device="veth1")
    n.outer4 = "192.168.9.2"
    b.guest.run("ip netns del n 2>/dev/null; ip netns add n; ip link add veth0 type veth peer name veth1 netns n; "
                "ip link set veth0 up; ip addr add 192.168.9.1/24 dev veth0; "
                "echo 1 > /proc/sys/net/ipv4/ip_forward; ip addr add 10.0.0.22/24 dev eth0")
    n.addresses()
    n.run("ip route add default via 192.168.9.1")
    n.sb0()
    n.local("overlap_ms=500")
    n.exceptions()
    n.finish_key(n.begin_key())
    nat_to(b, "10.0.0.2", 20001)
    b.guest.run("cd /proc/sys/net/netfilter; echo 1 > nf_conntrack_udp_timeout; "
                "echo 1 > nf_conntrack_udp_timeout_stream")
    n.peer(a)
    a.ctl(f"peer id=n key={n.key} lease={bonded.LEASE_MS} v4={n.inner4} v6={n.inner6}")
    events, n_events = a.events(), n.events()
    n.ctl("start id=a")
    events.await_one("bond-live")
    t.check("with an address rewritten on the way the bond is in UDP, unasked",
            a.bond(n)["encap"] == n.bond(a)["encap"] == 1, (a.bond(n), n.bond(a)))
    t.check("a sees the rewritten endpoint", a.bond(n)["endpoint"] == "10.0.0.2,20001", a.bond(n))
    t.check("pings pass", n.ping(a) and n.ping(a, True) and a.ping(n))

    b.guest.run(f"nft flush ruleset; ! grep -q dport={bonded.PORT} /proc/net/nf_conntrack", check=False)
    nat_to(b, "10.0.0.2", 20002)
    b.wait_for(f"! grep -q 'sport={bonded.PORT} dport={bonded.PORT}' /proc/net/nf_conntrack")
    n.ping(a, count=1)
    events.await_one("roamed")
    t.check("the NAT gives it another port: a follows", a.bond(n)["endpoint"] == "10.0.0.2,20002", a.bond(n))
    t.check("pings pass again", n.ping(a) and a.ping(n))
    epoch = a.bond(n)["epoch"]

    nat_to(b, "10.0.0.22", 20003)
    b.wait_for(f"! grep -q 'sport={bonded.PORT} dport={bonded.PORT}' /proc/net/nf_conntrack")
    n.ping(a, count=1)
    events.await_one("roamed", 2)
    a.wait_for(f"sbctl getpeer id=n | grep -q 'epoch=[0-9]*' && ! sbctl getpeer id=n | grep -q 'epoch={epoch} '")
    t.check("the NAT gives it another address: a follows", a.bond(n)["endpoint"] == "10.0.0.22,20003", a.bond(n))
    t.check("pings pass again, both ways", n.ping(a) and a.ping(n))
    t.check("the bond never ended", not events.all("bond-ended") and not n_events.all("bond-ended"),
            events.all() + n_events.all())
    events.stop()
    n_events.stop()
    a.ctl("delpeer all")
    b.guest.run("nft flush ruleset; ip netns del n; ip addr del 10.0.0.22/24 dev eth0; "
                "echo 0 > /proc/sys/net/ipv4/ip_forward")
