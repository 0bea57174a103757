# SPDX-License-Identifier: Apache-2.0
"""What goes around netfilter, or changes the TPM under the keys, ends all bonds in mode enforce.

    a ── switch ── b        namespace side of a: no bonds; veth out (a) ── in (side)
"""

import struct

import bonded
from bonded import ENDS
from process import wait_until
from tpmwire import error
from wire import udp_frame

LAB = "watch"
MINUTES = 7
PCR, RESET, TC, XDP, XSK, NFT = 1, 2, 4, 8, 16, 32
TAMPERED, BYPASS, READY = 16, 17, 2
READ_CLOCK, PCR_READ = 0x181, 0x17e
# in its answer: behind the header, the time and the clock
RESET_COUNT, RESTART_COUNT = 26, 30
CLEAR = b"clear-around-netfilter/"


def bits(value):
    return int(str(value), 16)


def alarms(side):
    return bits(bonded.fields(side.ctl("status").out)["alarms"])


def state(side):
    return bonded.fields(side.ctl("status").out)["state"]


def await_alarms(events, wanted, since=0, timeout=40):
    """The first alarm event behind `since` others that says so; and how many there are then."""
    def told():
        found = events.all("alarm")[since:]
        return [e for e in found if bits(e["alarms"]) == wanted]
    found = wait_until(told, timeout, f"alarms {wanted:#x}; told: {events.all()[-20:]}", 0.02)
    return found[0]


def frame(a, b):
    """A clear datagram from a to b."""
    return udp_frame(a.mac(), b.mac(), a.outer4, b.outer4, 5555, 5555, CLEAR).hex()


def leaked(a, mark):
    return len(a.guest.nics[0].capture.having(CLEAR, mark))


WAYS = (
    # words, alarm, what sets it up (or a program that does while it runs), what takes it away
    ("an XDP program on eth0", XDP, "xdptool attach eth0", "xdptool detach eth0"),
    ("an XDP program on a veth", XDP, "xdptool attach out", "xdptool detach out"),
    ("an XDP program in another namespace", XDP, "ip netns exec side xdptool attach in",
     "ip netns exec side xdptool detach in"),
    ("an XDP program by a link", XDP, ("xdptool link eth0",), None),
    ("an AF_XDP socket on eth0", XSK, ("xdptool xsk eth0 {frame} 0",), None),
    ("a tc redirect from a veth's ingress to eth0", TC,
     "tc qdisc add dev out clsact; tc filter add dev out ingress matchall action mirred egress redirect dev eth0",
     "tc qdisc del dev out clsact"),
    ("a tc mirror of what loopback sends to eth0", TC,
     "tc qdisc add dev lo clsact; tc filter add dev lo egress protocol ip u32 match u32 0 0 action mirred egress "
     "mirror dev eth0", "tc qdisc del dev lo clsact"),
    ("a tc redirect under a class of a qdisc, with flower", TC,
     "tc qdisc add dev dummy9 root handle 1: prio; tc filter add dev dummy9 parent 1: protocol ip flower action "
     "mirred egress redirect dev eth0", "tc qdisc del dev dummy9 root"),
    ("a mirred action that no filter holds yet", TC, "tc actions add action mirred egress redirect dev eth0 index 77",
     "tc actions del action mirred index 77"),
    ("an action that is a BPF program", TC, "tc actions add action bpf bytecode '1,6 0 0 0' index 78",
     "tc actions del action bpf index 78"),
    ("an action that writes into packets", TC, "tc actions add action pedit munge offset 0 u8 set 0 index 79",
     "tc actions del action pedit index 79"),
    ("a chain of nft's at a card's egress", NFT, "nft 'table netdev way { chain c { type filter hook egress device "
     "\"eth0\" priority 0; }; }'", "nft delete table netdev way"),
    ("a chain of nft's that comes first of all in OUTPUT", NFT, "nft 'table ip6 way { chain c { type filter hook output "
     "priority -2147483648; }; }'", "nft delete table ip6 way"),
    ("a BPF classifier on loopback that redirects to eth0", TC,
     "tc qdisc add dev lo clsact; xdptool cls lo fff3 eth0", "tc qdisc del dev lo clsact"),
    ("a BPF classifier in another namespace", TC,
     "ip netns exec side sh -c 'tc qdisc add dev in clsact; xdptool cls in fff2 in'",
     "ip netns exec side tc qdisc del dev in clsact"),
    ("a BPF classifier on what RED drops", TC,
     "tc qdisc add dev dummy9 root handle 1: red limit 100000 avpkt 1000 qevent early_drop block 10",
     "tc qdisc del dev dummy9 root"),
    ("a redirect to a card of another namespace, inside that", TC,
     "ip link set dummy8 netns side; ip netns exec side sh -c 'tc qdisc add dev in clsact; tc filter add dev in "
     "egress matchall action mirred egress redirect dev dummy8'",
     "ip netns exec side sh -c 'tc qdisc del dev in clsact; ip link set dummy8 netns 1'"),
)

HARMLESS = (
    ("a redirect into a device of the machine's own", "tc qdisc add dev dummy9 clsact; tc filter add dev dummy9 ingress "
     "matchall action mirred ingress redirect dev out", "tc qdisc del dev dummy9 clsact"),
    ("a redirect between veths of another namespace", "ip netns exec side sh -c 'tc qdisc add dev in clsact; tc filter "
     "add dev in egress matchall action mirred egress redirect dev in2'",
     "ip netns exec side tc qdisc del dev in clsact"),
    ("chains of nft's in OUTPUT, POSTROUTING, and at loopback's egress", "nft 'table inet way { chain c { type filter "
     "hook output priority -400; }; chain d { type filter hook postrouting priority 300; }; }; table netdev way { chain c "
     "{ type filter hook egress device \"lo\" priority 0; }; }'", "nft flush ruleset"),
    ("a filter that drops", "tc qdisc add dev out clsact; tc filter add dev out ingress matchall action drop",
     "tc qdisc del dev out clsact"),
)


def prepare(lab):
    pair = bonded.pair(lab).up()
    a = pair.a
    a.run("ip netns del side 2>/dev/null; ip link del dummy8 2>/dev/null; ip link del dummy9 2>/dev/null; "
          "ip netns add side; ip link add out type veth peer name in netns side; ip -n side link add in2 type veth peer "
          "name in3; ip link add dummy8 type dummy; ip link add dummy9 type dummy; ip link set out up; "
          "ip link set dummy9 up; ip -n side link set in up")
    return pair


def set_up(a, way, text):
    """A Job where it is a program that has to go on."""
    if isinstance(way, tuple):
        job = a.start(way[0].format(frame=text))
        job.expect("ready")
        return job
    a.run(way)
    return None


def take_away(a, job, undo):
    if job:
        job.stop(9)
    else:
        a.run(undo)


def test_ways_around(lab, t):
    pair = prepare(lab)
    a, b = pair.sides
    text = frame(a, b)
    for words, bit, way, undo in WAYS:
        if not pair.live():
            pair.start()
        with a.events() as events:
            job = set_up(a, way, text)
            try:
                await_alarms(events, bit)
                ended = events.await_one("bond-ended")
                t.check(f"{words}: an alarm, and the bond ends for it", ENDS[ended["reason"]] == "alarm", ended)
                r = a.ctl("start id=b", check=False)
                t.check(f"{words}: no bond starts, and it is said why", r.code == 1 and "EPERM" in r.out
                        and "alarm" in r.out and a.states() == 0, r)
                t.check(f"{words}: status shows it", alarms(a) == bit and state(a) == BYPASS)
                t.check(f"{words}: the peer gets no answer", b.cut_off(a) and b.ctl("start id=a wait=300",
                                                                                    check=False).code != 0)
            finally:
                take_away(a, job, undo)
            await_alarms(events, 0)
        t.check(f"{words}: it is gone, and so is the alarm", alarms(a) == 0 and state(a) == READY)
    pair.acquaint()
    pair.start()
    t.check("bonds can be started again", pair.pings())


def test_harmless(lab, t):
    pair = prepare(lab)
    a = pair.a
    for words, way, undo in HARMLESS:
        a.run(way)
        # one behind the other: what comes later was looked at later
        with a.events() as events:
            a.run("tc actions add action mirred egress redirect dev eth0 index 99")
            await_alarms(events, TC)
            a.run("tc actions del action mirred index 99")
            await_alarms(events, 0)
        t.check(f"{words}: no alarm", alarms(a) == 0)
        a.run(undo)
    pair.start()
    t.check("and the bond can be started", pair.pings())


def test_all_namespaces(lab, t):
    pair = prepare(lab)
    a = pair.a
    a.run("for n in x y; do ip netns del $n 2>/dev/null; ip netns add $n; done; "
          "ip link add vx netns x type veth peer name vy netns y")
    inner = bonded.Pair(bonded.Side(a.guest, "x", 3, ns="x", device="vx"),
                        bonded.Side(a.guest, "y", 4, ns="y", device="vy"))
    inner.up()
    x, y = inner.sides
    with x.events() as there, a.events() as here:
        a.run("xdptool attach eth0")
        for events, where in ((here, "first"), (there, "other")):
            await_alarms(events, XDP)
            ended = events.await_one("bond-ended")
            t.check(f"bonds of every namespace end: the {where} one's", ENDS[ended["reason"]] == "alarm", ended)
        a.run("xdptool detach eth0")
        await_alarms(there, 0)
    inner.start()
    t.check("and come back", inner.pings())
    a.run("ip netns del x; ip netns del y")


def test_observe(lab, t):
    pair = prepare(lab)
    a, b = pair.sides
    a.mode("observe")
    with a.events() as events:
        a.run("xdptool attach eth0")
        await_alarms(events, XDP)
        t.check("in mode observe it is told", alarms(a) == XDP)
        t.check("and the bond lives, and rotates", pair.pings() and a.live(b) and state(a) == READY)
        pair.start()
        a.mode("enforce")
        ended = events.await_one("bond-ended")
        t.check("until the mode is enforce", ENDS[ended["reason"]] == "alarm", ended)
        a.run("xdptool detach eth0")
        await_alarms(events, 0)
    pair.start()
    t.check("and it comes back", pair.pings())


def test_seen_on_the_wire(lab, t):
    """What the watch is for, and what is left of it: frames in the time of one look."""
    pair = prepare(lab)
    a, b = pair.sides
    text = frame(a, b)
    mark = a.guest.nics[0].capture.mark()
    with a.events() as events:
        job = set_up(a, ("xdptool xsk eth0 {frame} 5",), text)
        await_alarms(events, XSK)
        t.note(f"an AF_XDP socket sent 5 frames at once: {leaked(a, mark)} were on the wire before the alarm")
        job.stop(9)
        await_alarms(events, 0)
    mark = a.guest.nics[0].capture.mark()
    a.run("nft add table netdev way; nft add chain netdev way out '{ type filter hook egress device lo priority 0; }'; "
          "nft add rule netdev way out udp dport 5555 dup to eth0; "
          "nft add rule netdev way out udp dport 5556 fwd to eth0")

    def dropped():	# what loopback has received first counts as forwarded
        return a.dropped("clear-out") + a.dropped("forwarded")

    before = dropped()
    a.run(f"for p in 5555 5556; do rawsend udp 127.0.0.1 $p {CLEAR.hex()} 5; done")
    wait_until(lambda: dropped() >= before + 10, 20, "drops of what nft sends to eth0", 0.1)
    t.check("what nft's fwd and dup send to eth0 passes its egress hook, and is dropped there",
            leaked(a, mark) == 0, [str(f) for f in a.guest.nics[0].capture.having(CLEAR, mark)])
    a.run("nft delete table netdev way")
    t.check("no alarm for that", alarms(a) == 0)


def test_short_lived(lab, t):
    """Gone again before anybody looks."""
    pair = prepare(lab)
    a, b = pair.sides
    text = frame(a, b)
    a.run("tc qdisc add dev out clsact")
    for words, bit, way in (
            ("an AF_XDP socket that sends and is closed", XSK, f"xdptool burst eth0 {text} 5"),
            ("an XDP program that goes at once", XDP, "xdptool attach eth0; xdptool detach eth0"),
            ("a tc redirect that goes at once", TC,
             "printf 'filter add dev out ingress pref 9 matchall action mirred egress redirect dev eth0\n"
             "filter del dev out ingress pref 9\n' | tc -batch -"),
            ("a chain of nft's at a card's egress that goes at once", NFT,
             "nft 'table netdev way { chain c { type filter hook egress device \"eth0\" priority 0; }; }'; "
             "nft delete table netdev way")):
        if not pair.live():
            pair.start()
        with a.events() as events:
            a.run(way)
            await_alarms(events, bit)
            ended = events.await_one("bond-ended")
            t.check(f"{words}: an alarm, and the bond ends", ENDS[ended["reason"]] == "alarm", ended)
            await_alarms(events, 0)
    a.run("tc qdisc del dev out clsact")
    pair.acquaint()
    pair.start()
    t.check("bonds can be started again", pair.pings())


def test_held_up(lab, t):
    """Bonds end by a worker of the kernel's, which root can keep waiting: nothing passes meanwhile."""
    pair = prepare(lab)
    a, b = pair.sides
    for words, match in (("one that says what it does", "protocol ip u32 match u32 0 0"), ("one that does not", "matchall")):
        a.run("tc qdisc add dev out clsact")
        with b.running("udpnum recv 6000", "ready") as listener, a.events() as events:
            for number in (1, 2):
                a.run(f"rawsend udp {b.inner4} 6000 {number:016x}")
            before = a.dropped("lease-ended")
            # a processor that is the way's alone, from the redirect on until it has sent
            a.run(f"fifo sh -c 'tc filter add dev out ingress {match} action mirred egress redirect dev eth0; "
                  f"for n in 3 4 5 6 7; do rawsend udp {b.inner4} 6000 000000000000000$n; done'")
            events.await_one("bond-ended")
            told = bonded.fields(listener.stop().out)
        t.check(f"a tc redirect, {words}, and the processor kept: what is sent at once does not pass by the bond",
                told["received"] == 2, told)
        t.check("it is counted as dropped", a.dropped("lease-ended") == before + 5, a.drops())
        with a.events() as events:
            a.run("tc qdisc del dev out clsact")
            await_alarms(events, 0)
        pair.acquaint()
        pair.start()
    # which does nothing of the kind: after the look, at the latest, packets pass again
    a.run("tc qdisc add dev out clsact; tc filter add dev out ingress matchall action drop")
    a.wait_for(f"ping -c 1 -W 1 {b.inner4}")
    t.check("a harmless one that does not say ends no bond", pair.live() and pair.pings())
    a.run("tc qdisc del dev out clsact")

    a.run("echo '#!/bin/sh\nsleep 1000' > /tmp/modprobe; chmod +x /tmp/modprobe; cp /proc/sys/kernel/modprobe /tmp/was; "
          "modprobe -r chacha20poly1305 && echo /tmp/modprobe > /proc/sys/kernel/modprobe")
    try:
        r = a.run(a.local_words("alg=chacha"), check=False, timeout=10)
    finally:
        a.run("cat /tmp/was > /proc/sys/kernel/modprobe; modprobe chacha20poly1305")
    t.check("SET_LOCAL waits for no module of root's while bonds live: it is refused", r.code == 1 and "bonds are live" in
            r.out, r)
    t.check("the bond has not noticed", pair.pings())


# -- the TPM ----------------------------------------------------------------------------------------

def reloaded(pair):
    """Sticky alarms last until the reboot; here the module goes, and with it the lab's memory of them."""
    for side in pair.sides:
        side.run("rmmod sealbond", timeout=120, check=False)
    return pair.up()


def watched(wire, since):
    """The watch has asked once more since then."""
    wait_until(lambda: wire.codes(since).count(READ_CLOCK) >= 2, 60, "looks at the TPM", 0.1)


def test_pcr(lab, t):
    pair = reloaded(bonded.pair(lab))
    a, b = pair.sides
    for words, pcr in (("a PCR of the policy", 7), ("the cap PCR", 14)):
        with a.events() as events:
            a.run(f"tpm2_pcrextend 10:sha256={'11' * 32}")
            mark = len(a.guest.tpm.wire.exchanges)
            watched(a.guest.tpm.wire, mark)
            t.check("IMA's PCR is nobody's", alarms(a) == 0 and a.live(b))
            a.run(f"tpm2_pcrextend {pcr}:sha256={'11' * 32}")
            told = await_alarms(events, PCR)
            t.check(f"root extends {words}: an alarm that names it", bits(told["changed_pcrs"]) == 1 << pcr, told)
            ended = events.await_one("bond-ended")
            t.check(f"root extends {words}: the bond ends", ENDS[ended["reason"]] == "alarm", ended)
            events.await_one("key")
        key = bonded.fields(a.ctl("getkey").out)
        t.check(f"root extends {words}: tampered, and there is no key any more",
                key["state"] == TAMPERED and "key" not in key and state(a) == TAMPERED, key)
        a.mode("off")
        r = a.ctl("start id=b", check=False)
        t.check(f"root extends {words}: mode off does not bring it back", r.code == 1 and "ENOKEY" in r.out, r)
        r = a.ctl("key", check=False)
        t.check(f"root extends {words}: a new hold is refused", r.code == 1 and "EKEYREVOKED" in r.out and "reboot" in r.out, r)
        pair = reloaded(pair)
    t.check("after a reboot, here of the module, it works", pair.pings())


def test_pcr_observe(lab, t):
    pair = reloaded(bonded.pair(lab))
    a, b = pair.sides
    a.mode("observe")
    with a.events() as events:
        a.run(f"tpm2_pcrextend 7:sha256={'22' * 32}")
        await_alarms(events, PCR)
        t.check("in mode observe a changed PCR is told, and nothing ends", pair.pings() and a.live(b) and state(a) == READY)
        a.mode("enforce")
        events.await_one("bond-ended")
        events.await_one("key")
        t.check("until the mode is enforce", state(a) == TAMPERED)


def test_reset(lab, t):
    pair = reloaded(bonded.pair(lab))
    a = pair.a
    wire = a.guest.tpm.wire

    def raised(offset):
        """ReadClock's answer with one more in a counter."""
        def change(code, answer):
            if code != READ_CLOCK or len(answer) < RESTART_COUNT + 4:
                return answer
            count, = struct.unpack_from(">I", answer, offset)
            return answer[:offset] + struct.pack(">I", count + 1) + answer[offset + 4:]
        return change

    def once(asked, change):
        """Only the first of these answers is damaged."""
        done = []

        def first(code, answer):
            if code != asked or done:
                return answer
            done.append(code)
            return change(code, answer)
        return first

    try:
        for asked, change in ((READ_CLOCK, raised(RESET_COUNT)), (PCR_READ, lambda _code, answer: answer[:-1] + bytes(
                [answer[-1] ^ 1])), (READ_CLOCK, lambda _code, _answer: error(0x100))):
            wire.change = once(asked, change)
            watched(wire, len(wire.exchanges))
        t.check("one garbled answer, and a right one when asked again, is no alarm", alarms(a) == 0 and pair.pings())
        wire.change = raised(RESTART_COUNT)
        watched(wire, len(wire.exchanges))
        t.check("a restartCount that went up, as in a resume from suspend, is no alarm", alarms(a) == 0 and pair.pings())
        wire.change = None
        with a.events() as events:
            wire.change = raised(RESET_COUNT)
            await_alarms(events, RESET)
            ended = events.await_one("bond-ended")
            events.await_one("key")
        t.check("the TPM was reset: the bond ends, the key is wiped",
                ENDS[ended["reason"]] == "alarm" and state(a) == TAMPERED, ended)
    finally:
        wire.change = None
    pair = reloaded(pair)
    try:
        with a.events() as events:
            wire.filter = lambda code, _command: error(0x100) if code == READ_CLOCK else None
            await_alarms(events, RESET)
        t.check("a TPM that nobody has started up since its reset says so itself", state(a) == TAMPERED)
    finally:
        wire.filter = None


def test_slow_and_busy(lab, t):
    pair = reloaded(bonded.pair(lab))
    a = pair.a
    wire = a.guest.tpm.wire
    try:
        wire.filter = lambda code, _command: error(0x908) if code == READ_CLOCK else None
        watched(wire, len(wire.exchanges))
        t.check("a TPM that yields is no alarm", alarms(a) == 0 and pair.pings())
        wire.filter = None
        wire.delay = 15
        since = len(wire.exchanges)
        wait_until(lambda: len(wire.exchanges) >= since + 3, 120, "three answers", 0.5)
        t.check("one that takes 15 s for an answer is none", alarms(a) == 0 and pair.pings())
    finally:
        wire.filter, wire.delay = None, 0.0
    pair.start()
    t.check("and bonds rotate meanwhile", pair.pings())


def test_driver_unbound(lab, t):
    pair = reloaded(bonded.pair(lab))
    a, b = pair.sides
    place = a.out("readlink -f /sys/class/tpm/tpm0/device")
    name, driver = place.rsplit("/", 1)[1], a.out(f"readlink -f {place}/driver")
    with a.events() as events:
        a.run(f"echo {name} > {driver}/unbind", timeout=60)
        a.run(f"echo {name} > {driver}/bind", timeout=60)
        wire = a.guest.tpm.wire
        watched(wire, len(wire.exchanges))
        t.check("a driver that is unbound and bound again is no alarm", alarms(a) == 0 and pair.pings())
        a.run(f"echo {name} > {driver}/unbind", timeout=60)
        gone = a.uptime()
        wait_until(lambda: a.uptime() > gone + 20, 120, "20 s of the guest's time", 1)
        t.check("nor is one that is away for 20 s", alarms(a) == 0 and pair.pings())
        began = a.uptime()
        await_alarms(events, RESET, timeout=120)
        events.await_one("bond-ended")
        events.await_one("key")
        t.check("one that stays away is taken for a reset", state(a) == TAMPERED, a.uptime() - began)
    a.run(f"echo {name} > {driver}/bind", timeout=60)
    pair = reloaded(pair)
    t.check("after a reboot, here of the module, it works", pair.pings())
