# SPDX-License-Identifier: Apache-2.0
"""Out by a program's own socket: of every kind, with every option, from every port."""

from ways.way import Way


def igmp(frame, _pattern):
    return frame.protocol == 2


def mld(frame, _pattern):
    return frame.kind == "mld"


SYN = "modprobe sctp; echo 5 > /proc/sys/net/ipv4/tcp_fastopen"

PACKET = [
    Way("packet", "a packet socket", "rawsend packet eth0 @F4@; rawsend packet eth0 @F6@"),
    Way("packet-bypass", "a packet socket past the queue", "rawsend bypass eth0 @F4@; rawsend bypass eth0 @F6@"),
    Way("packet-dgram", "a packet socket without link layer", "waysend dgram eth0 @CMAC@ @I4@"),
    Way("packet-ring", "a packet socket's mapped ring", "waysend ring eth0 @F4@"),
    Way("packet-vlan", "a packet socket, a VLAN tag in the frame",
        "f=@F4@; rawsend packet eth0 ${f%${f#????????????????????????}}81000005${f#????????????????????????}"),
    Way("packet-ethertype", "a packet socket, an unknown protocol",
        "f=@F4@; rawsend packet eth0 ${f%${f#????????????????????????}}88b5@P@"),
    Way("packet-esp", "a packet socket, a live SPI and clear content", "rawsend packet eth0 @E4@; "
        "rawsend bypass eth0 @E4@"),
    Way("packet-handshake", "a packet socket, like a handshake", "rawsend packet eth0 @H4@"),
    Way("packet-arp", "a packet socket, ARP with more in it",
        "rawsend packet eth0 ffffffffffff$(echo @AMAC@ | tr -d :)08060001080006040001@P@"),
    Way("packet-eth1", "a packet socket on another card", "rawsend packet eth1 @F1@; rawsend bypass eth1 @F1@"),
    Way("packet-sb0", "a packet socket on sb0", "rawsend packet sb0 @I4@; waysend dgram sb0 @CMAC@ @I4@",
        off="sb0 has no SA for it in any mode"),
    Way("packet-lo", "a packet socket on loopback, addressed to C", "rawsend packet lo @F4@",
        off="loopback does not forward in any mode"),
]

RAW = [
    Way("raw4", "an own IPv4 header", "rawsend hdrincl @C4@ @I4@"),
    Way("raw6", "an own IPv6 header", "rawsend hdrincl @C6@ @I6@"),
    Way("raw-protocol", "a raw socket of an unassigned protocol, both families",
        "waysend 253 @C4@ 0 @P@; waysend 253 @C6@ 0 @P@"),
    Way("raw-esp", "a raw socket, a live SPI and clear content", "rawsend hdrincl @C4@ @EI4@; "
        "waysend 50 @C4@ 0 $(printf %08x @SPI@)000003e8@P@"),
    Way("raw-handshake", "a raw socket from the bond port, like a handshake", "rawsend hdrincl @C4@ @HI4@"),
    Way("raw-fragment", "a later fragment by itself",
        "p=@I4@; rawsend hdrincl @C4@ $(echo $p | sed 's/^\\(.\\{12\\}\\)..../\\12005/')"),
    Way("raw-overlap", "two fragments that overlap, the first with a live SPI",
        "p=@EI4@; rawsend hdrincl @C4@ $(echo $p | sed 's/^\\(.\\{12\\}\\)..../\\12000/'); "
        "rawsend hdrincl @C4@ $(echo $p | sed 's/^\\(.\\{12\\}\\)..../\\10001/')"),
    Way("ping", "echo requests with the pattern, both families",
        "ping -c 1 -W 1 -p @P1@ @C4@; ping -c 1 -W 1 -p @P1@ @C6@"),
]

SOCKETS = [
    Way("udp", "UDP, both families, to B and to C",
        "waysend udp @B4@ 9 @P@; waysend udp @B6@ 9 @P@; waysend udp @C4@ 9 @P@; waysend udp @C6@ 9 @P@"),
    Way("udp-fragments", "UDP that the stack cuts", "waysend udp @B4@ 9 @P2K@; waysend udp @B6@ 9 @P2K@"),
    Way("udplite", "UDP-Lite", "waysend udplite @B4@ 9 @P@; waysend udplite @B6@ 9 @P@"),
    Way("tcp", "a TCP connection to B", "waysend tcp @B4@ 9 @P@; waysend tcp @B6@ 9 @P@"),
    Way("tcp-fastopen", "data in TCP's first segment", "waysend tcp @C4@ 9 @P@ fastopen=1", setup=SYN),
    Way("sctp", "SCTP", "waysend sctp @C4@ 9 @P@", setup=SYN, look=lambda f, _: f.protocol == 132),
    Way("mark", "SO_MARK", "for m in 1 7 0xffffffff; do waysend udp @B4@ 9 @P@ mark=$m; done"),
    Way("priority", "SO_PRIORITY", "for p in 1 6 7; do waysend udp @B4@ 9 @P@ prio=$p; done"),
    Way("bindtodevice", "SO_BINDTODEVICE to the card, to B's inner address too",
        "waysend udp @B4@ 9 @P@ dev=eth0; waysend udp @BI4@ 9 @P@ dev=eth0"),
    Way("zerocopy", "MSG_ZEROCOPY", "waysend udp @B4@ 9 @P@ zerocopy=1"),
    Way("uring", "a send by io_uring", "waysend udp @B4@ 9 @P@ uring=1"),
    Way("splice", "a pipe spliced into a socket", "waysend udp @B4@ 9 @P@ splice=1"),
    Way("bondport", "another socket on the bond port", "waysend udp @B4@ @PORT@ 00000000@P@ from=@PORT@ reuse=1; "
        "waysend udp @C4@ 9 @P@ from=@PORT@ reuse=1 dev=eth0", off="the port is taken, in every mode"),
    Way("bondport-address", "another socket on the bond port of one address",
        "waysend udp @C4@ @PORT@ 00000000@P@ src=@A4@ from=@PORT@ reuse=1", off="the port is taken, in every mode"),
    Way("source", "the source address of another", "ip addr add @B4@/32 dev lo; waysend udp @C4@ 9 @P@ src=@B4@",
        undo="ip addr del @B4@/32 dev lo"),
    Way("lsrr", "an IPv4 source route, a record route", "waysend udp @C4@ 9 @P@ ip4=8307040a000063; "
        "waysend udp @C4@ 9 @P@ ip4=07070400000000"),
    Way("ipv6-hop", "hop-by-hop options", "waysend udp @C6@ 9 @P@ hop=0000010400000000"),
    Way("ipv6-dst", "destination options with the pattern in them", "waysend udp @C6@ 10 @P@ dst=00020110@P1@0100; "
        "waysend udp @C6@ 9 @P@ dst=0000010400000000"),
    Way("ipv6-routing", "a routing header", "waysend udp @C6@ 9 @P@ "
        "route=0002020100000000fd000000000000000000000000000099"),
    Way("multicast", "multicast, both families", "ip route add 239.0.0.0/8 dev eth0; waysend udp 239.1.2.3 9 @P@; "
        "waysend udp ff02::1:9 9 @P@ dev=eth0", undo="ip route del 239.0.0.0/8 dev eth0"),
    Way("broadcast", "broadcast", "waysend udp 255.255.255.255 9 @P@ dev=eth0 broadcast=1; "
        "waysend udp 10.0.0.255 9 @P@ broadcast=1"),
    Way("igmp", "the groups that a program joins, as IGMP tells them", "waysend udp @C4@ 10 00 join=239.5.6.7; "
        "waysend 2 224.0.0.22 0 2200000000000001040000000a0b0c0d dev=eth0", look=igmp),
    Way("mld", "the groups that a program joins, as MLD tells them", "waysend udp @C6@ 10 00 join=ff05::5:6",
        look=mld),
    Way("nd-redirect", "an ICMPv6 redirect", "waysend 58 @C6@ 0 8900000000000000@P@ ttl=255"),
    Way("nd-hops", "neighbour discovery with another hop limit", "waysend 58 @C6@ 0 8700000000000000@P@ ttl=64"),
    Way("dhcp-ports", "DHCP's ports the other way round", "waysend udp @C4@ 68 @P@ from=67; "
        "waysend udp @C6@ 546 @P@ from=547"),
]

WAYS = PACKET + RAW + SOCKETS
