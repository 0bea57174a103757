# SPDX-License-Identifier: Apache-2.0
"""In: what C sends must not come to a program that listens on A, however root sets A up."""

from ways.rig import C4, C6, CMAC
from ways.way import OUTSIDE, Way
from wire import checksum, ip_frame, udp_frame


def from_c(*targets, ports=(9,), eth1=False):
    """UDP of C's to A: a frame for each target and port; the source is C's, or 10.3.0.9 to the second card."""

    def frames(rig, pattern):
        mac = rig.a.guest.nics[int(eth1)].mac
        source = "10.3.0.9" if eth1 else C4
        return [udp_frame(CMAC, mac, C6 if ":" in target else source, target, 1234, port, pattern * 4)
                for target in targets for port in ports]
    return frames


def to_all(rig, pattern):
    """Multicast and broadcast of C's."""
    return [udp_frame(CMAC, "ff:ff:ff:ff:ff:ff", C4, "10.0.0.255", 1234, 9, pattern * 4),
            udp_frame(CMAC, "ff:ff:ff:ff:ff:ff", C4, "255.255.255.255", 1234, 9, pattern * 4),
            udp_frame(CMAC, "01:00:5e:01:02:03", C4, "239.1.2.3", 1234, 9, pattern * 4),
            udp_frame(CMAC, "33:33:00:01:00:09", C6, "ff02::1:9", 1234, 9, pattern * 4)]


def fragmented(rig, pattern):
    """A datagram of C's in two fragments."""
    whole = udp_frame(CMAC, rig.a.guest.nics[0].mac, C4, rig.a.wire4, 1234, 9, pattern * 8)
    head, body = whole[:14], whole[34:]
    pieces = []
    for offset, part, more in ((0, body[:64], 0x2000), (8, body[64:], 0)):
        frame = ip_frame(CMAC, rig.a.guest.nics[0].mac, C4, rig.a.wire4, 17, part)
        ip = bytearray(frame[14:])
        ip[4:6] = b"\x12\x34"
        ip[6:8] = (more | offset).to_bytes(2, "big")
        ip[10:12] = bytes(2)
        ip[10:12] = checksum(bytes(ip[:20])).to_bytes(2, "big")
        pieces.append(head + bytes(ip))
    return pieces


def within(protocol, head=b"", inner_target="10.9.0.1", udp_port=0):
    """A datagram of C's inside a tunnel's packet."""

    def frames(rig, pattern):
        mac = rig.a.guest.nics[0].mac
        inner = udp_frame(CMAC, mac, "10.9.0.9", inner_target, 1234, 9, pattern * 4)[14:]
        if udp_port:
            return [udp_frame(CMAC, mac, C4, rig.a.wire4, 4000, udp_port, head + inner)]
        return [ip_frame(CMAC, mac, C4, rig.a.wire4, protocol, head + inner)]
    return frames


def esp_shaped(rig, pattern):
    """With the SPI of A's inbound SA, and clear content."""
    spi = rig.bond()["spi_in"].to_bytes(4, "big")
    return [ip_frame(CMAC, rig.a.guest.nics[0].mac, C4, rig.a.wire4, 50, spi + b"\0\0\x10\0" + pattern * 4)]


def handshake_shaped(rig, pattern):
    frame, = from_c("10.0.0.1", ports=(rig.lab.port,))(rig, bytes(4) + pattern)
    return [frame]


def other_netns(add, address="10.4.0.1/24", device="w0"):
    return (f"ip netns add w; ip link set eth1 up; {add}; ip -n w link set lo up; ip -n w link set {device} up; "
            f"ip -n w addr add {address} dev {device}")


IN_TUNNEL = "ip addr add 10.9.0.1/24 dev w0; ip link set w0 up; echo 0 > /proc/sys/net/ipv4/conf/w0/rp_filter"
DEL = "ip link del w0"
BLOCKED = [
    Way("in-udp", "C's UDP to the outer addresses", listen="main", frames=from_c("10.0.0.1", "fd00::1")),
    Way("in-inner", "C's UDP to the inner addresses", listen="main", frames=from_c("10.77.0.1", "fd77::1")),
    Way("in-all", "C's multicast and broadcast", listen="main", frames=to_all),
    Way("in-fragments", "C's UDP in fragments", listen="main", frames=fragmented),
    Way("in-eth1", "C's UDP by the other card", listen="main", frames=from_c("10.3.0.1", eth1=True)),
    Way("in-ipip", "C's IP in IP", setup="ip link add w0 type ipip local @A4@ remote @C4@; " + IN_TUNNEL, undo=DEL,
        listen="main", frames=within(4)),
    Way("in-gre", "C's GRE", setup="ip link add w0 type gre local @A4@ remote @C4@; " + IN_TUNNEL, undo=DEL,
        listen="main", frames=within(47, bytes.fromhex("00000800"))),
    Way("in-fou", "C's IP in UDP (FOU)", setup="modprobe fou; ip fou add port 5555 ipproto 4; "
        "ip link add w0 type ipip local @A4@ remote @C4@; " + IN_TUNNEL, undo="ip fou del port 5555; " + DEL,
        listen="main", frames=within(17, udp_port=5555)),
    Way("in-netns", "the card in a namespace", setup="ip netns add w; ip link set eth1 netns w; ip -n w link set lo up; "
        "ip -n w link set eth1 up; ip -n w addr add 10.4.0.1/24 dev eth1",
        undo="ip -n w link set eth1 netns 1; ip netns del w; ip link set eth1 up; ip addr replace 10.3.0.1/24 dev eth1",
        listen="w", frames=from_c("10.4.0.1", eth1=True)),
    Way("in-macvlan", "a macvlan of the card in a namespace",
        setup=other_netns("ip link add link eth1 name w0 netns w type macvlan mode passthru"),
        undo="ip -n w link del w0; ip netns del w", listen="w", frames=from_c("10.4.0.1", eth1=True)),
    Way("in-ipvlan", "an ipvlan of the card in a namespace",
        setup=other_netns("ip link add link eth1 name w0 netns w type ipvlan mode l2"),
        undo="ip -n w link del w0; ip netns del w", listen="w", frames=from_c("10.4.0.1", eth1=True)),
    Way("in-bridge", "a bridge of the card and a veth, to a namespace",
        setup=other_netns("ip link add w1 type veth peer name w0 netns w; ip link add wb type bridge; "
                          "ip link set wb up; ip link set w1 master wb up; ip link set eth1 master wb; "
                          "ip -n w link set w0 address @A1MAC@; bridge fdb del @A1MAC@ dev eth1 master; "
                          "bridge fdb replace @A1MAC@ dev w1 master static") +
        "; until bridge link | grep -q 'w1.*forwarding' && bridge link | grep -q 'eth1.*forwarding'; "
        "do usleep 50000; done",
        undo="ip link del w1; ip netns del w; ip link del wb; ip link set eth1 up", listen="w", frames=from_c("10.4.0.1", eth1=True)),
    Way("in-bridge-netns", "the card in a namespace, bridged to a veth that leads to another",
        setup="ip netns add w2; ip link set eth1 netns w2; " +
        other_netns("ip link add w1 netns w2 type veth peer name w0 netns w; ip -n w2 link add wb type bridge; "
                    "ip -n w2 link set wb up; ip -n w2 link set w1 master wb up; ip -n w2 link set eth1 master wb up; "
                    "ip -n w link set w0 address @A1MAC@; "
                    "ip netns exec w2 bridge fdb del @A1MAC@ dev eth1 master; "
                    "ip netns exec w2 bridge fdb replace @A1MAC@ dev w1 master static").replace(
                        "ip link set eth1 up; ", "") +
        "; until bridge -n w2 link | grep -q 'w1.*forwarding' && bridge -n w2 link | grep -q 'eth1.*forwarding'; "
        "do usleep 50000; done",
        undo="ip -n w2 link set eth1 nomaster; ip -n w2 link set eth1 netns 1; ip -n w link del w0; ip netns del w; ip netns del w2; ip link set eth1 up; "
        "ip addr replace 10.3.0.1/24 dev eth1",
        listen="w", frames=from_c("10.4.0.1", eth1=True)),
    Way("in-nft-ingress", "nft carries the card's frames on to a veth that leads to a namespace",
        setup="ip netns add w2; ip link set eth1 netns w2; ip -n w2 link set eth1 up; " +
        other_netns("ip link add w1 netns w2 type veth peer name w0 netns w; ip -n w2 link set w1 up; "
                    "ip -n w link set w0 address @A1MAC@").replace("ip link set eth1 up; ", "") +
        "; ip netns exec w2 nft 'add table netdev w; add chain netdev w c { type filter hook ingress device eth1 "
        "priority 0; }; add rule netdev w c fwd to w1'",
        undo="ip -n w2 link set eth1 netns 1; ip -n w link del w0; ip netns del w; ip netns del w2; ip link set eth1 up; "
        "ip addr replace 10.3.0.1/24 dev eth1",
        listen="w", frames=from_c("10.4.0.1", eth1=True)),
    Way("in-xfrm", "an SA of root's own with the bond's if_id", setup="ip xfrm state add src @C4@ dst @A4@ proto ipip "
        "spi 0 mode tunnel if_id 0x5ea1 2>/dev/null; ip xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir in if_id 0x5ea1 action allow priority 1",
        undo="ip xfrm policy del src 0.0.0.0/0 dst 0.0.0.0/0 dir in if_id 0x5ea1; ip xfrm state deleteall proto ipip", listen="main",
        frames=within(4, inner_target="10.77.0.1"), off="there is no device that takes it, in any mode"),
    Way("in-nft-dnat", "nft sends C's UDP on to a listener", setup="nft 'add table ip w; add chain ip w c { type nat hook "
        "prerouting priority -100; }; add rule ip w c udp dport 7777 redirect to :9'", undo="nft delete table ip w",
        listen="main", frames=from_c("10.0.0.1", ports=(7777,))),
    Way("in-spi", "C's ESP with a live SPI and clear content", listen="main", frames=esp_shaped,
        off="it does not authenticate, in any mode"),
    Way("in-sysctl", "rp_filter, accept_local, route_localnet and forwarding on, C's UDP to loopback's address",
        setup="for k in accept_local=1 route_localnet=1 rp_filter=0 accept_source_route=1 forwarding=1; do for d in all "
        "eth0; do echo ${k#*=} > /proc/sys/net/ipv4/conf/$d/${k%=*}; done; done",
        undo="for d in all eth0; do echo 0 > /proc/sys/net/ipv4/conf/$d/forwarding; "
        "echo 0 > /proc/sys/net/ipv4/conf/$d/route_localnet; done", listen="main",
        frames=from_c("127.0.0.1", "10.0.0.1")),
    Way("in-disable-xfrm", "disable_xfrm and disable_policy on the card", setup="for k in disable_xfrm disable_policy; "
        "do echo 1 > /proc/sys/net/ipv4/conf/eth0/$k; done; echo 1 > /proc/sys/net/ipv6/conf/eth0/disable_policy",
        undo="for k in disable_xfrm disable_policy; do echo 0 > /proc/sys/net/ipv4/conf/eth0/$k; done; "
        "echo 0 > /proc/sys/net/ipv6/conf/eth0/disable_policy", listen="main", frames=from_c("10.0.0.1", "10.77.0.1")),
]

OPEN = [
    Way("in-handshake", "C's handshake, sent on to a listener by nft", setup="nft 'add table ip w; add chain ip w c { "
        "type nat hook prerouting priority -100; }; add rule ip w c udp dport @PORT@ redirect to :9'",
        undo="nft delete table ip w", listen="main", frames=handshake_shaped, holds=OUTSIDE,
        left="what has the shape of a handshake or a live SPI, and any frame for a packet socket, can be read by root"),
]
