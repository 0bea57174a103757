# SPDX-License-Identifier: Apache-2.0
"""What the modes let pass, who tries to get around them, and how a drop is seen.

    a ── switch ── b, and a port of the host
"""

import bonded
from process import wait_until
from wire import ICMPV6, UDP, checksum, ip_frame, mac_bytes, udp_frame

LAB = "hostile"
PATTERN = b"in-clear-on-the-wire"
HOST_MAC = bonded.Attacker.MAC
HOST4, HOST6 = "10.0.0.99", "fd00::99"
# the second card and a namespace, "top", behind one bridge
BRIDGE = ("ip link add br0 type bridge; ip link set br0 up; ip link set eth1 master br0; "
          "ip link add t1 type veth peer name t0 netns top; ip link set t1 master br0 up")
FORWARDING = "bridge link | grep t1 | grep -q forwarding && bridge link | grep eth1 | grep -q forwarding"


def marks(side):
    """The ends of the captures of a guest's cards so far."""
    return [nic.capture.mark() for nic in side.guest.nics]


def seen(side, since):
    """Frames that a guest has sent or received with the pattern in them, behind marks()."""
    return [str(f) for nic, mark in zip(side.guest.nics, since) for f in nic.capture.having(PATTERN, mark)]


def neighbours(side):
    """The host's port is known, so that nothing waits for an answer to ARP."""
    side.run(f"ip neigh replace {HOST4} lladdr {HOST_MAC} dev eth0 nud permanent; "
             f"ip -6 neigh replace {HOST6} lladdr {HOST_MAC} dev eth0 nud permanent")


def send_clear(side):
    """A datagram of each family to the host, by an ordinary program."""
    for target in (HOST4, HOST6):
        side.run(f"rawsend udp {target} 9 {PATTERN.hex()}")


def barrier(pair):
    """Whatever was sent before is in the capture, or will not be."""
    if not pair.a.ping(pair.b, count=1):
        raise TimeoutError("the bond does not work")


def test_modes(lab, t):
    pair = bonded.pair(lab).up(mode="off")
    a, b = pair.sides
    neighbours(a)
    port = lab.switch.port()
    mac = a.guest.nics[0].mac
    capture = a.guest.nics[0].capture

    def knock():
        """Clear datagrams in, both families, to a listener at a; how many it heard."""
        with a.running("udpnum recv 6000", "ready") as listener:
            for source, target in ((HOST4, a.outer4), (HOST6, a.outer6)):
                port.send(*(udp_frame(HOST_MAC, mac, source, target, 9, 6000, n.to_bytes(8, "big") + PATTERN)
                            for n in range(int(target == a.outer6), 10, 2)))
            mark = capture.mark()
            barrier(pair)
            capture.wait_for(lambda f: True, since=mark)
            return bonded.fields(listener.stop().out)["received"]

    results = {}
    for mode in ("off", "observe", "enforce"):
        a.mode(mode)
        before, mark = a.drops(), capture.mark()
        send_clear(a)
        heard = knock()
        sent = [f for f in capture.having(PATTERN, mark) if f.src in (a.outer4, a.outer6)]
        after = a.drops()
        results[mode] = (len(sent), heard, {r: tuple(y - x for x, y in zip(before[r], after[r])) for r in after})
    t.check("off: clear traffic passes, out and in, and nothing is counted",
            results["off"][:2] == (2, 10) and not any(any(x) for x in results["off"][2].values()), results["off"])
    sent, heard, drops = results["observe"]
    t.check("observe: it passes, and is counted as what would be dropped",
            (sent, heard) == (2, 10) and drops["clear-out"][0] == drops["clear-in"][0] == 0
            and drops["clear-out"][1] >= 2 and drops["clear-in"][1] >= 10, results["observe"])
    sent, heard, drops = results["enforce"]
    t.check("enforce: none of it passes, and it is counted as dropped",
            (sent, heard) == (0, 0) and drops["clear-out"][0] >= 2 and drops["clear-in"][0] >= 10
            and drops["clear-out"][1] == 0, results["enforce"])
    t.check("the bond works in every mode", pair.pings())

    r = a.ctl("mode off confirm=1500")
    t.check("an unconfirmed mode holds for its time", "mode=off" in a.ctl("status").out)
    a.wait_for("sbctl status | grep -q mode=enforce", timeout=10)
    t.check("and then the old one is back", a.cut_off(b, inner=False))


def test_raw_senders(lab, t):
    pair = bonded.pair(lab).up()
    a = pair.a
    neighbours(a)
    mac = a.guest.nics[0].mac
    frames = {4: udp_frame(mac, HOST_MAC, a.outer4, HOST4, 1234, 9, PATTERN),
              6: udp_frame(mac, HOST_MAC, a.outer6, HOST6, 1234, 9, PATTERN)}
    bond = a.bond(pair.b)
    spi = bond["spi_out"].to_bytes(4, "big")
    forged = ip_frame(mac, HOST_MAC, a.outer4, HOST4, 50, spi + b"\0\0\0\1" + PATTERN)
    shaped = udp_frame(mac, HOST_MAC, a.outer4, HOST4, bonded.PORT, bonded.PORT, bytes(4) + PATTERN)
    tries = [
        ("a packet socket, IPv4", f"packet eth0 {frames[4].hex()}", "raw-frame"),
        ("a packet socket, IPv6", f"packet eth0 {frames[6].hex()}", "raw-frame"),
        ("a packet socket past the queue", f"bypass eth0 {frames[4].hex()}", "raw-frame"),
        ("a packet socket with an unknown protocol",
         f"packet eth0 {(frames[4][:12] + bytes.fromhex('88b5') + PATTERN).hex()}", "raw-frame"),
        ("a packet socket with a VLAN tag",
         f"packet eth0 {(frames[4][:12] + bytes.fromhex('81000005') + frames[4][12:]).hex()}", "raw-frame"),
        ("a packet socket with a live SPI and clear content", f"packet eth0 {forged.hex()}", "raw-frame"),
        ("a packet socket with what looks like a handshake", f"packet eth0 {shaped.hex()}", "raw-frame"),
        ("a raw socket with its own header, IPv4", f"hdrincl {HOST4} {frames[4][14:].hex()}", "clear-out"),
        ("a raw socket with its own header, IPv6", f"hdrincl {HOST6} {frames[6][14:].hex()}", "clear-out"),
        ("a raw socket with a live SPI and clear content", f"hdrincl {HOST4} {forged[14:].hex()}", "unknown-spi"),
        ("a raw socket from the bond port, like a handshake", f"hdrincl {HOST4} {shaped[14:].hex()}", "foreign-socket"),
        ("another socket on the bond port, like a handshake",
         f"udp {HOST4} {bonded.PORT} {bytes(4).hex()}{PATTERN.hex()} 1 {bonded.PORT}", "foreign-socket"),
    ]
    for words, command, reason in tries:
        mark = marks(a)
        before = a.dropped(reason)
        told = a.run(f"rawsend {command} ", check=False)
        if told.code != 0:
            # the port cannot even be shared
            t.check(f"{words}: refused", "in use" in told.out, told)
            continue
        barrier(pair)
        t.check(f"{words}: not on the wire, and counted as {reason}",
                not seen(a, mark) and a.dropped(reason) == before + 1, (seen(a, mark), told, a.drops()))
    mark = marks(a)
    a.mode("off")
    a.run(f"rawsend packet eth0 {frames[4].hex()}; rawsend bypass eth0 {frames[4].hex()}; "
          f"rawsend hdrincl {HOST4} {frames[4][14:].hex()}")
    a.mode("enforce")
    barrier(pair)
    sent = a.guest.nics[0].capture.having(PATTERN, mark[0])
    t.check("the same senders do reach the wire in mode off", len(sent) == 3, seen(a, mark))


def test_foreign_sa(lab, t):
    pair = bonded.pair(lab).up()
    a = pair.a
    neighbours(a)
    before, mark = a.dropped("foreign-sa"), a.guest.nics[0].capture.mark()
    a.run(f"ip xfrm state add src {a.outer4} dst {HOST4} proto esp spi 0x5a5a mode transport "
          f"aead 'rfc4106(gcm(aes))' 0x{'5a' * 36} 128; ip xfrm policy add src {a.outer4} dst {HOST4} dir out "
          f"tmpl proto esp mode transport")
    a.run(f"rawsend udp {HOST4} 9 {PATTERN.hex()}")
    barrier(pair)
    sent = [str(f) for f in a.guest.nics[0].capture.frames(mark) if f.dst == HOST4]
    t.check("an SA of root's own takes nothing out: foreign-sa",
            not sent and a.dropped("foreign-sa") > before, (sent, a.drops()))
    a.run(f"ip xfrm policy delete src {a.outer4} dst {HOST4} dir out; "
          f"ip xfrm state delete src {a.outer4} dst {HOST4} proto esp spi 0x5a5a")
    if not a.live(pair.b):
        pair.start()
    t.check("the bond works", pair.pings())


def test_exceptions(lab, t):
    pair = bonded.pair(lab).up()
    a = pair.a
    neighbours(a)
    mac, capture, port = a.guest.nics[0].mac, a.guest.nics[0].capture, lab.switch.port()
    a.exceptions(("arp,rate=5", "nd,rate=5", "dhcp4", "icmp-error",
                  f"match,17,remote={HOST4}/32,rport=514,rate=20,dir=out"))

    def counters(kind):
        lines = [bonded.fields(line) for line in a.ctl("getexceptions").out.splitlines()]
        return next((x["passed"], x["over"]) for x in lines if x["kind"] == kind)

    mark = capture.mark()
    a.run(f"rawsend udp {HOST4} 514 {PATTERN.hex()} 1; rawsend udp {HOST4} 515 {PATTERN.hex()} 1; "
          f"rawsend udp {HOST6} 514 {PATTERN.hex()} 1")
    barrier(pair)
    sent = [f for f in capture.having(PATTERN, mark)]
    t.check("a named exception lets pass what it names, and nothing beside it",
            len(sent) == 1 and sent[0].dport == 514 and sent[0].dst == HOST4, [str(f) for f in sent])
    t.check("and counts it", counters("match") == (1, 0), counters("match"))
    mark, before = capture.mark(), a.dropped("over-budget")
    a.run(f"rawsend udp {HOST4} 514 {PATTERN.hex()} 200")
    barrier(pair)
    sent = len(capture.having(PATTERN, mark))
    passed, over = counters("match")
    t.check("over its budget it drops, and says so", sent < 100 and over > 100 and passed == sent + 1
            and a.dropped("over-budget") == before + over, (sent, passed, over, a.drops()))

    # a tap on top of the card: nothing has routed its frames, and no hook of IP has seen them
    a.run("modprobe macvtap; ip link add link eth0 name w0 type macvtap mode bridge; ip link set w0 up; "
          "d=$(cat /sys/class/net/w0/macvtap/tap*/dev); mknod /dev/wtap c ${d%:*} ${d#*:}")
    tap = udp_frame(a.out("cat /sys/class/net/w0/address"), HOST_MAC, a.outer4, HOST4, 1234, 514, PATTERN)
    mark, before = capture.mark(), counters("match")
    a.run(f"waysend file /dev/wtap {tap.hex()} times=200")
    barrier(pair)
    sent = len(capture.having(PATTERN, mark))
    over = counters("match")[1] - before[1]
    t.check("a program's frames by a macvtap are within it, too", 0 < sent < 100 and over > 100, (sent, over))
    a.run("ip link del w0; rm /dev/wtap")

    arp = bytes.fromhex("0001080006040001")
    host = mac_bytes(HOST_MAC)
    request = (b"\xff" * 6 + host + b"\x08\x06" + arp + host + bytes([10, 0, 0, 99]) + bytes(6) +
               bytes([10, 0, 0, a.number]))
    mark = capture.mark()
    port.send(request)
    capture.wait_for(lambda f: f.kind == "arp" and f.data[6:12] == mac_bytes(mac), since=mark)
    t.check("ARP is answered", True)
    port.send(*([request] * 100))
    wait_until(lambda: sum(f.kind == "arp" for f in capture.frames(mark)) > 101, 20, "100 ARP requests", 0.05)
    barrier(pair)
    answers = sum(f.kind == "arp" and f.data[6:12] == mac_bytes(mac) for f in capture.frames(mark))
    t.check("within its budget", answers < 40 and counters("arp")[1] > 50, (answers, counters("arp")))

    def solicit(hops):
        """A neighbour solicitation for a, from the host."""
        target = bytes.fromhex("fd00" + "00" * 13) + bytes([a.number])
        body = b"\x87\0\0\0\0\0\0\0" + target + b"\x01\x01" + mac_bytes(HOST_MAC)
        pseudo = bytes.fromhex("fd00" + "00" * 13 + "99") + target + len(body).to_bytes(4, "big") + bytes(3) + b"\x3a"
        body = body[:2] + checksum(pseudo + body).to_bytes(2, "big") + body[4:]
        return ip_frame(HOST_MAC, mac, HOST6, a.outer6, ICMPV6, body, hops)

    a.run(f"ip -6 neigh del {HOST6} dev eth0")
    mark = capture.mark()
    port.send(solicit(255))
    capture.wait_for(lambda f: f.kind == "nd" and f.src == a.outer6, since=mark)
    t.check("a neighbour solicitation is answered", True)
    before, mark = a.dropped("clear-in"), capture.mark()
    port.send(solicit(64))
    wait_until(lambda: a.dropped("clear-in") > before, 10, "the drop", 0.05)
    t.check("one that has crossed a router is dropped", not [f for f in capture.frames(mark) if f.kind == "nd"
            and f.src == a.outer6])

    dhcp = udp_frame(mac, "ff:ff:ff:ff:ff:ff", "0.0.0.0", "255.255.255.255", 68, 67, PATTERN)
    other = udp_frame(mac, "ff:ff:ff:ff:ff:ff", "0.0.0.0", "255.255.255.255", 68, 69, PATTERN)
    mark = capture.mark()
    a.run(f"rawsend packet eth0 {dhcp.hex()}; rawsend packet eth0 {other.hex()}")
    barrier(pair)
    t.check("a DHCP client's packet socket reaches its server's port and no other",
            [f.dport for f in capture.having(PATTERN, mark)] == [67])
    a.exceptions()


def test_forwarding(lab, t):
    """The host asks a to carry packets on to b, and from b's bond to the host."""
    pair = bonded.pair(lab).up()
    a, b = pair.sides
    neighbours(a)
    a.run("echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding")
    port, capture = lab.switch.port(), a.guest.nics[0].capture
    # let in on purpose, so that it comes as far as forwarding
    a.exceptions(("arp", "nd", f"match,17,remote={HOST4}/32", f"match,17,remote={HOST6}/128"))
    mark, before = capture.mark(), a.dropped("forwarded")
    for source, targets in ((HOST4, (b.outer4, b.inner4)), (HOST6, (b.outer6, b.inner6))):
        port.send(*(udp_frame(HOST_MAC, a.guest.nics[0].mac, source, target, 9, 9, PATTERN) for target in targets))
    wait_until(lambda: a.dropped("forwarded") >= before + 3, 20, "drops of forwarded packets", 0.1)
    barrier(pair)
    own = mac_bytes(a.guest.nics[0].mac)
    out = [str(f) for f in capture.having(PATTERN, mark) if f.data[6:12] == own]
    t.check("what comes in clear is not carried on, neither in clear nor into the bond", not out, out)

    b.run(f"ip route replace {HOST4}/32 via {a.inner4} dev sb0 src {b.inner4}")
    mark = capture.mark()
    r = b.run(f"ping -n -c 2 -W 1 -p {PATTERN.hex()[:32]} {HOST4}", check=False)
    barrier(pair)
    out = [str(f) for f in capture.having(PATTERN[:16], mark)]
    t.check("what comes from the bond is not carried on in clear", not r and not out, (r, out))
    b.run(f"ip route del {HOST4}/32")
    a.run("echo 0 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv6/conf/all/forwarding")
    a.exceptions()


def test_namespaces(lab, t):
    pair = bonded.pair(lab).up()
    a = pair.a
    port, capture = lab.switch.port(), a.guest.nics[1].capture
    a.guest.run("ip netns del new 2>/dev/null; ip netns add new")
    new = bonded.Side(a.guest, "new", 6, ns="new", device="eth1")
    mark, before = marks(a), a.dropped("other-netns")
    a.guest.run("ip link set eth1 netns new")
    new.addresses()
    neighbours_of_new = f"ip neigh replace {HOST4} lladdr {HOST_MAC} dev eth1 nud permanent"
    new.run(neighbours_of_new)
    frame = udp_frame(a.guest.nics[1].mac, HOST_MAC, new.outer4, HOST4, 9, 9, PATTERN)
    new.run(f"rawsend udp {HOST4} 9 {PATTERN.hex()}; rawsend packet eth1 {frame.hex()}; "
            f"rawsend bypass eth1 {frame.hex()}")
    new.run(f"ping -c 1 -W 1 {HOST4}", check=False)
    barrier(pair)
    t.check("a device moved to a new namespace cannot leak: nothing leaves it at all",
            not seen(a, mark) and not [f for f in capture.frames(mark[1])
                                       if f.data[6:12] == mac_bytes(a.guest.nics[1].mac)], seen(a, mark))
    t.check("the drops say so: other-netns", a.dropped("other-netns") > before, a.drops())
    t.check("loopback passes there", new.run("ping -c 1 -W 2 127.0.0.1", check=False))
    a.guest.run("ip netns add new2; ip link add n0 netns new type veth peer name n1 netns new2; "
                "ip -n new addr add 10.5.0.1/24 dev n0; ip -n new2 addr add 10.5.0.2/24 dev n1; "
                "ip -n new link set n0 up; ip -n new2 link set n1 up")
    t.check("so do veths between namespaces of the machine",
            new.run("ping -c 1 -W 5 10.5.0.2", check=False))
    new.run("ip link set eth1 netns 1")
    a.guest.run("ip netns del new; ip netns del new2; ip link set eth1 up; ip addr add 10.3.0.1/24 dev eth1; "
                f"ip neigh replace 10.3.0.9 lladdr {HOST_MAC} dev eth1 nud permanent")
    mark, before = marks(a), a.dropped("clear-out")
    a.run(f"rawsend udp 10.3.0.9 9 {PATTERN.hex()}; rawsend packet eth1 {frame.hex()}")
    barrier(pair)
    t.check("moved back it is protected as before", not seen(a, mark) and a.dropped("clear-out") > before, a.drops())
    a.guest.run("ip addr del 10.3.0.1/24 dev eth1; ip link set eth1 down")


def test_devices_on_top(lab, t):
    """From a namespace without bonds through a bridge, a VLAN and a macvlan on the protected card."""
    pair = bonded.pair(lab).up()
    a = pair.a
    frame = udp_frame("52:54:00:00:00:77", HOST_MAC, "10.4.0.1", "10.4.0.9", 9, 9, PATTERN)
    for kind in ("bridge", "vlan", "macvlan"):
        a.guest.run("ip netns del top 2>/dev/null; ip netns add top; ip link set eth1 up")
        if kind == "bridge":
            a.guest.run(BRIDGE)
        else:
            a.guest.run(f"ip link add link eth1 name t0 netns top type {kind}{' id 5' if kind == 'vlan' else ''}")
        top = bonded.Side(a.guest, "top", 7, ns="top", device="t0")
        top.run("ip link set lo up; ip addr add 10.4.0.1/24 dev t0; ip link set t0 up; "
                f"ip neigh replace 10.4.0.9 lladdr {HOST_MAC} dev t0 nud permanent")
        if kind == "bridge":
            a.guest.wait_for(FORWARDING, timeout=60)
        mark = marks(a)
        before = a.all_dropped()
        top.run(f"rawsend udp 10.4.0.9 9 {PATTERN.hex()}; rawsend packet t0 {frame.hex()}; "
                f"rawsend bypass t0 {frame.hex()}; rawsend hdrincl 10.4.0.9 {frame[14:].hex()}")
        barrier(pair)
        t.check(f"{kind}: nothing gets out", not seen(a, mark) and
                a.all_dropped() >= before + 4, (seen(a, mark), a.drops()))
        a.mode("off")
        top.run(f"rawsend packet t0 {frame.hex()}")
        a.mode("enforce")
        barrier(pair)
        sent = a.guest.nics[1].capture.having(PATTERN, mark[1])
        t.check(f"{kind}: in mode off it does", len(sent) == 1, seen(a, mark))
        if kind == "bridge":
            before = a.dropped("unknown-frame")
            a.guest.run("echo 1 > /sys/class/net/br0/bridge/stp_state")
            wait_until(lambda: a.dropped("unknown-frame") > before, 30, "drops of spanning tree frames", 0.1)
            t.check("bridge: its own frames, neither IP nor ARP, do not get out: unknown-frame", True)
        a.guest.run("ip netns del top; ip link del br0 2>/dev/null; ip link set eth1 down", check=False)


def test_own_firewall(lab, t):
    """What comes in for the bond socket is given to it early, and passes the device's own rules all the same."""
    for words, six in (("IPv4", False), ("IPv6", True)):
        pair = bonded.pair(lab).up(outer6=six, encap="always")
        a, b = pair.sides
        t.must(f"in UDP over {words}: the bond carries", pair.pings())
        a.run("nft 'table inet own { chain c { type filter hook input priority 0; "
              f"udp dport {bonded.PORT} counter drop; }}; }}'")
        t.check(f"in UDP over {words}: a rule in INPUT of the device's own stops it", a.cut_off(b))
        a.run("nft delete table inet own")
        t.check(f"in UDP over {words}: without the rule it passes", pair.pings())


def test_bridged_on(lab, t):
    """Datagrams with a live SPI, to the device's own address, that its bridge carries on from a namespace without
    bonds; where the kernel calls PRE_ROUTING for them, nobody may take them for the bond socket's own."""
    pair = bonded.pair(lab).up(encap="always")
    a, b = pair.sides
    spi = a.bond(b)["spi_in"].to_bytes(4, "big")
    a.guest.run("modprobe br_netfilter; ip netns del top 2>/dev/null; ip netns add top; ip link set eth1 up; "
                f"{BRIDGE}; ip -n top link set t0 up")
    a.guest.wait_for(FORWARDING, timeout=60)
    frame = udp_frame("52:54:00:00:00:77", HOST_MAC, "10.4.0.1", a.outer4, 9, bonded.PORT, spi + PATTERN)
    for words, called in (("past the hooks of IP", 0), ("through the hooks of IP", 1)):
        a.guest.run(f"echo {called} > /proc/sys/net/bridge/bridge-nf-call-iptables")
        mark, before = marks(a), a.all_dropped()
        a.guest.run(f"ip netns exec top rawsend packet t0 {frame.hex()}")
        wait_until(lambda: a.all_dropped() > before, 10, "the drop", 0.05)
        barrier(pair)
        t.check(f"{words}: it does not get out", not seen(a, mark), (seen(a, mark), a.drops()))
    a.guest.run("ip netns del top; ip link del br0; ip link set eth1 down; rmmod br_netfilter")


def test_inner(lab, t):
    """What passes through the bond is still looked at."""
    pair = bonded.pair(lab).up()
    a, b = pair.sides
    before = a.drops()
    b.run(f"ip addr add 10.77.0.55/32 dev sb0; ip xfrm policy add src 10.77.0.55 dst {a.inner4} dir out if_id 7 "
          f"tmpl src {b.outer4} dst {a.outer4} proto esp spi {b.bond(a)['spi_out']} reqid 1 mode tunnel")
    b.mode("off")
    r = b.run(f"ping -n -I 10.77.0.55 -c 2 -W 1 {a.inner4}", check=False)
    t.check("an inner source that is not the peer's does not pass: wrong-source",
            not r and a.drops()["wrong-source"][0] > before["wrong-source"][0], (r, a.drops()))
    b.run("ip addr del 10.77.0.55/32 dev sb0")
    b.mode("enforce")
    t.check("into sb0, to nobody's address: no-bond", not a.run("ping -c 1 -W 1 10.77.0.200", check=False)
            and a.drops()["no-bond"][0] > before["no-bond"][0], a.drops())
    a.peer(b, "flags=3")
    t.check("a peer in quarantine: quarantined", a.cut_off(b)
            and a.drops()["quarantined"][0] > before["quarantined"][0], a.drops())
    a.peer(b)
    if not (a.live(b) and pair.agreed()):
        pair.start()
    port = lab.switch.port()
    a.run("tc qdisc add dev eth0 clsact; tc filter add dev eth0 ingress protocol ip u32 match ip src "
          f"{HOST4}/32 action mirred ingress redirect dev sb0")
    port.send(udp_frame(HOST_MAC, a.guest.nics[0].mac, HOST4, a.inner4, 9, 9, PATTERN))
    wait_until(lambda: a.drops()["not-sealed"][0] > before["not-sealed"][0], 20, "the drop", 0.1)
    t.check("redirected onto sb0 by tc, past every SA: not-sealed", True)
    a.run("tc qdisc del dev eth0 clsact")
    port.send(ip_frame(HOST_MAC, a.guest.nics[0].mac, HOST4, a.outer4, 50, b"\0\1\2\3" + bytes(60)),
              ip_frame(HOST_MAC, a.guest.nics[0].mac, HOST4, a.outer4, UDP, b"\0\1\2"),
              ip_frame(HOST_MAC, a.guest.nics[0].mac, HOST4, a.outer4, 50, b"\0\1"))
    wait_until(lambda: a.drops()["unknown-spi"][0] > before["unknown-spi"][0]
               and a.drops()["malformed"][0] > before["malformed"][0], 20, "the drops", 0.1)
    t.check("ESP of no bond: unknown-spi; half a header: malformed", True)
    t.check("the bond works", pair.pings())


def test_how_a_drop_is_seen(lab, t):
    pair = bonded.pair(lab).up()
    a = pair.a
    neighbours(a)
    a.run("mount -t tracefs t /sys/kernel/tracing 2>/dev/null; cd /sys/kernel/tracing && echo > trace && "
          "echo 1 > events/sealbond/sealbond_drop/enable")
    with a.events() as events:
        a.run(f"setpriv --reuid 1234 --clear-groups rawsend udp {HOST4} 4711 {PATTERN.hex()}")
        wait_until(lambda: [e for e in events.all("drop") if e.get("dport") == 4711], 10, "the event", 0.02)
        drop = [e for e in events.all("drop") if e.get("dport") == 4711][0]
    t.check("a monitor event names addresses, ports, protocol, device, reason and user",
            (drop["src"], drop["dst"], drop["proto"], drop["dev"], bonded.REASONS[drop["reason"]], drop["uid"])
            == (a.outer4, HOST4, 17, "eth0", "clear-out", 1234), drop)
    trace = a.out("cat /sys/kernel/tracing/trace")
    a.run("echo 0 > /sys/kernel/tracing/events/sealbond/sealbond_drop/enable")
    t.check("the tracepoint tells the same", "sealbond_drop: clear-out out eth0" in trace and "dport=4711" in trace
            and HOST4 in trace, trace[-600:])
