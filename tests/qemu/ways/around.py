# SPDX-License-Identifier: Apache-2.0
"""Out by what is below or beside the packet filter: tc, BPF, XDP, AF_XDP, nf_tables, netpoll, pktgen."""

from ways.way import ENDS, OUTSIDE, Way

LEFT = "frames pass until it is seen"
# a namespace without bonds whose veth ends at A: its frames are received by A
INSIDE = ("ip netns add wn; ip link add w1 type veth peer name w0 netns wn; ip link set w1 up; ip -n wn link set w0 up; "
          "ip -n wn link set lo up; ")
SEND = "ip netns exec wn rawsend packet w0 @F4@"
END = "ip link del w1; ip netns del wn"
BY_LO = "ip route replace 10.88.0.9/32 dev lo; "


def tc(name, words, device, direction, action, attempt, setup="", undo="", **more):
    return Way(name, words, setup=f"{setup}tc qdisc add dev {device} clsact; "
               f"tc filter add dev {device} {direction} matchall {action}", attempt=attempt,
               undo=f"tc qdisc del dev {device} clsact; {undo}", holds=more.pop("holds", ENDS),
               left=more.pop("left", LEFT), **more)


def bpf(name, words, kind, device, direction, attempt, setup="", undo="", **more):
    return Way(name, words, setup=f"{setup}waybpf {kind} /sys/fs/bpf/w && tc qdisc add dev {device} clsact && "
               f"tc filter add dev {device} {direction} bpf direct-action object-pinned /sys/fs/bpf/w",
               attempt=attempt, undo=f"tc qdisc del dev {device} clsact; rm -f /sys/fs/bpf/w; {undo}",
               holds=ENDS, left=LEFT, **more)


def nft(name, words, rules, attempt, setup="", undo="", **more):
    return Way(name, words, setup=f"{setup}\nnft '{rules}'", attempt=attempt, undo=f"nft flush ruleset; {undo}", **more)


def netdev(device, hook, rule):
    return (f"add table netdev w; add chain netdev w c {{ type filter hook {hook} device {device} priority 0; }}; "
            f"add rule netdev w c {rule}")


# from here a packet or frame of C's choice goes to eth0: what A sends on loopback, and in the bond
LO = "rawsend udp 127.0.0.1 10 @P@"

TC = [
    tc("tc-redirect", "a tc redirect from a veth to the card", "w1", "ingress", "action mirred egress redirect dev eth0",
       SEND, INSIDE, END),
    tc("tc-mirror", "a tc mirror of loopback to the card", "lo", "egress", "action mirred egress mirror dev eth0", LO),
    tc("tc-sb0", "a tc mirror of sb0, clear inside, to the card", "sb0", "egress",
       "action mirred egress mirror dev eth0", "waysend udp @BI4@ 9 @P@"),
    tc("tc-ifb", "a tc redirect by an ifb to the card", "w1", "ingress", "action mirred egress redirect dev wifb",
       SEND, INSIDE + "ip link add wifb type ifb; ip link set wifb up; tc qdisc add dev wifb clsact; "
       "tc filter add dev wifb egress matchall action mirred egress redirect dev eth0; ", END + "; ip link del wifb"),
    tc("tc-shared-block", "a tc redirect in a block that devices share", "w1", "ingress",
       "action mirred egress redirect dev eth1", "ip netns exec wn rawsend packet w0 @F1@", INSIDE, END),
    bpf("bpf-redirect", "a BPF program of tc's redirects to the card", "cls eth0", "w1", "ingress", SEND, INSIDE, END),
    bpf("bpf-clone", "a BPF program of tc's sends a copy to the card", "clone eth0", "lo", "egress", LO),
]

XDP = [
    Way("xdp-redirect", "an XDP program redirects from a veth to the card", holds=ENDS, left=LEFT,
        setup=INSIDE + "waybpf xdp eth0 /sys/fs/bpf/w && ip link set dev w1 xdpgeneric pinned /sys/fs/bpf/w",
        attempt=SEND, undo="rm -f /sys/fs/bpf/w; " + END),
    Way("xdp-attach", "an XDP program on the card sends back what comes", holds=ENDS, left=LEFT,
        setup="waybpf tx /sys/fs/bpf/w && ip link set dev eth1 xdpgeneric pinned /sys/fs/bpf/w",
        attempt="true", undo="ip link set dev eth1 xdpgeneric off; rm -f /sys/fs/bpf/w",
        off="it needs a frame of C's"),
    Way("af-xdp", "an AF_XDP socket", hold="exec waybpf xsk eth0 @F4@", holds=ENDS, left=LEFT),
]

NFT = [
    nft("nft-flush", "nft flushes its rules", "flush ruleset", "waysend udp @C4@ 9 @P@"),
    nft("nft-mark", "nft sets marks and accepts early", "add table inet w; add chain inet w c { type filter hook output "
        "priority -300; }; add rule inet w c meta mark set 7 ct state untracked accept; add rule inet w c accept",
        "waysend udp @C4@ 9 @P@"),
    nft("nft-fwd-ingress", "nft forwards from a veth's ingress to the card", netdev("w1", "ingress", "fwd to eth0"),
        SEND, INSIDE, END),
    nft("nft-dup-ingress", "nft copies from a veth's ingress to the card", netdev("w1", "ingress", "dup to eth0"),
        SEND, INSIDE, END),
    nft("nft-fwd-lo", "nft forwards from loopback's egress to the card", netdev("lo", "egress",
        "udp dport 10 fwd to eth0"), LO),
    nft("nft-fwd-sb0", "nft forwards from sb0's egress, clear inside, to the card", netdev("sb0", "egress",
        "udp dport 9 fwd to eth0"), "waysend udp @BI4@ 9 @P@"),
    nft("nft-fwd-lo-esp", "the same from loopback, with a live SPI and clear content", netdev("lo", "egress",
        "ip protocol esp fwd to eth0"), "rawsend hdrincl 10.88.0.9 $(echo @EI4@ | sed 's/0a000063/0a580009/')",
        setup=BY_LO, undo="ip route del 10.88.0.9/32"),
    nft("nft-fwd-sb0-esp", "a packet into the bond with a live SPI and clear content, forwarded to the card",
        netdev("sb0", "egress", "ip protocol esp fwd to eth0"), "rawsend hdrincl @BI4@ @EIB@"),
    nft("nft-dup-ip", "nft copies what goes into the bond to C", "add table ip w; add chain ip w c { type filter hook "
        "output priority 0; }; add rule ip w c udp dport 9 dup to @C4@ device eth0", "waysend udp @BI4@ 9 @P@"),
    nft("nft-dnat", "nft changes the address of what goes into the bond", "add table ip w; add chain ip w c { type nat hook "
        "output priority -100; }; add rule ip w c udp dport 9 dnat to @C4@", "waysend udp @BI4@ 9 @P@"),
    nft("nft-snat", "nft changes the source, to B's too", "add table ip w; add chain ip w c { type nat hook postrouting "
        "priority 100; }; add rule ip w c udp dport 9 snat to @B4@:@PORT@", "waysend udp @C4@ 9 @P@"),
    nft("nft-sealed-nat", "nft sends sealed packets to C", "add table ip w; add chain ip w c { type nat hook output "
        "priority -100; }; add rule ip w c ip protocol esp dnat to @C4@; add rule ip w c udp sport @PORT@ dnat to @C4@",
        "ping -c 1 -W 1 -p @P1@ @BI4@", off="they are sealed, in every mode"),
    nft("nft-bondport", "nft gives another program the bond port", "add table ip w; add chain ip w c { type nat hook "
        "postrouting priority 100; }; add rule ip w c udp dport 9 snat to @A4@:@PORT@", "waysend udp @C4@ 9 @P@"),
    nft("nft-helper", "a connection tracking helper", "add table inet w; add ct helper inet w h { type \"ftp\" protocol tcp; }; "
        "add chain inet w c { type filter hook output priority 0; }; add rule inet w c tcp dport 9 ct helper set \"h\"",
        "waysend tcp @B4@ 9 @P@", setup="modprobe nf_conntrack_ftp"),
]

LWT = "waybpf lwt eth0 /sys/fs/bpf/w {} && ip route replace {}/32 encap bpf xmit pinned /sys/fs/bpf/w dev {}"
NO_LWT = "; rm -f /sys/fs/bpf/w"
ROUTE_PROGRAMS = [
    Way("lwt-clear", "a route's BPF program takes a clear packet on loopback to the card",
        setup=LWT.format("@LL@", "10.88.0.9", "lo"), attempt="rawsend udp 10.88.0.9 9 @P@",
        undo="ip route del 10.88.0.9/32" + NO_LWT),
    Way("lwt-lo", "a route's BPF program takes a packet on loopback to the card, with a live SPI and clear content",
        setup=LWT.format("@LL@", "10.88.0.9", "lo"),
        attempt="rawsend hdrincl 10.88.0.9 $(echo @EI4@ | sed 's/0a000063/0a580009/')",
        undo="ip route del 10.88.0.9/32" + NO_LWT),
    Way("lwt-outer", "a route's BPF program on the way to B writes over sealed packets",
        setup=LWT.format("$(echo @P1@ | cut -c1-28)", "@B4@", "eth0"), attempt="ping -c 2 -W 1 @BI4@",
        undo="ip route del @B4@/32" + NO_LWT, look=lambda f, pattern: pattern[:14] in f.data),
]


# What is sealed already, and is written over on its way
SEALED = "udp sport @PORT@ udp length > 60 @AT@th,192,32 set "


def rewrite(name, words, hook, word, **more):
    """By a chain of IP's; `word`: four bytes that it writes."""
    return nft(name, words, f"add table ip w; add chain ip w c {{ type filter hook {hook}; }}; "
               f"add rule ip w c {SEALED}0x{word.hex()}", "ping -c 2 -W 1 @BI4@", look=lambda f, _: word in f.data, **more)


def none_and_ended(rig, sent, heard, out):
    """Not one packet was on the wire, and it ends the bonds."""
    return not sent and not heard and rig.ended(), f"on the wire: {sent[:4]}\n{out}"


REWRITE = [
    rewrite("nft-rewrite", "nft writes clear bytes into sealed packets on their way", "postrouting priority 300", b"wayW"),
    rewrite("nft-rewrite-output", "nft writes clear bytes into sealed packets as they are made", "output priority -400",
            b"wayV"),
    nft("nft-dup-lo-esp", "a copy of loopback's packet sockets, with a live SPI and clear content",
        netdev("lo", "egress", "dup to eth0"), "rawsend packet lo @E4@"),
]

REWRITE_SEEN = [
    rewrite("nft-rewrite-first", "the same by a chain that comes before every other", "output priority -2147483648", b"wayU",
            holds=ENDS, outs=none_and_ended),
    nft("nft-rewrite-egress", "nft writes clear bytes into sealed frames at the card", netdev("eth0", "egress",
        SEALED + "0x77617958"), "ping -c 2 -W 1 @BI4@", look=lambda f, _: b"wayX" in f.data, holds=ENDS, outs=none_and_ended),
    nft("nft-rewrite-bridge", "nft has a chain between a bridge and its ports", "add table bridge w; add chain bridge w c "
        "{ type filter hook postrouting priority 0; }", "true", holds=ENDS, left=LEFT, off="there is no bridge"),
    tc("tc-rewrite", "tc's pedit writes clear bytes into sealed frames behind the filter", "eth0", "egress",
       "action pedit munge offset 44 u32 set 0x77617942", "ping -c 1 -W 1 @BI4@",
       look=lambda f, _: b"wayB" in f.data),
]

BELOW = [
    Way("netconsole", "the kernel's log by netpoll", setup="modprobe configfs; mount -t configfs c /sys/kernel/config "
        "2>/dev/null; modprobe netconsole netconsole=6665@AT@@A4@/eth0,9@AT@@C4@/@CMAC@; dmesg -n 8",
        attempt="echo @PT@ > /dev/kmsg", undo="rmmod netconsole; dmesg -n 5", holds=OUTSIDE,
        left="closed by kernel.modules_disabled=1"),
    Way("pktgen", "the kernel's packet generator", setup="modprobe pktgen",
        attempt="cd /proc/net/pktgen; echo add_device eth0 > kpktgend_0; for k in 'count 3' 'dst 10.0.0.99' "
        "'dst_mac @CMAC@' 'pkt_size 100' 'udp_dst_min 4242' 'udp_dst_max 4242'; do echo $k > eth0; done; echo start > pgctrl; "
        "echo rem_device_all > kpktgend_0", undo="rmmod pktgen", look=lambda f, _: f.dport == 4242, holds=OUTSIDE,
        left="closed by kernel.modules_disabled=1"),
]

BLOCKED = NFT + ROUTE_PROGRAMS + REWRITE
WATCHED = TC + XDP + REWRITE_SEEN
