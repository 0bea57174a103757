# SPDX-License-Identifier: Apache-2.0
"""Out by other devices: on top of the card, around it, in other namespaces, and by tunnels and routes."""

from ways.way import Way, on_top, tunnel

FORWARD = "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"
NO_FORWARD = "echo 0 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv6/conf/all/forwarding"


def netns(name, words, where, make="", end="true"):
    """The second card in a namespace without bonds."""
    inside = f"ip netns exec {where} "
    return Way(name, words, setup=f"{make}\nip link set eth1 netns {where}; ip -n {where} link set lo up; "
               f"ip -n {where} link set eth1 up; ip -n {where} addr add 10.4.0.1/24 dev eth1; "
               f"ip -n {where} neigh replace 10.4.0.9 lladdr @CMAC@ dev eth1 nud permanent",
               attempt=f"{inside}rawsend udp 10.4.0.9 9 @P@; {inside}rawsend packet eth1 @F1@; "
                       f"{inside}rawsend bypass eth1 @F1@; {inside}rawsend hdrincl 10.4.0.9 @I1@; "
                       f"{inside}rawsend hdrincl 10.4.0.9 @EI4@",
               undo=f"ip -n {where} link set eth1 netns 1; {end}; ip link set eth1 up; "
                    "ip addr replace 10.3.0.1/24 dev eth1")


def bridged(name, words, source, attempt, undo):
    """A bridge with the second card and another port."""
    return Way(name, words, setup=f"{source}; ip link add wb type bridge; ip link set wb up; ip link set w1 master wb up; "
               "ip link set eth1 master wb; until bridge link | grep -q 'eth1.*forwarding'; do usleep 50000; done",
               attempt=attempt, undo=f"ip link del wb; {undo}; ip link set eth1 up")


WAYS = [
    netns("netns-new", "the card in a new namespace", "wn", "ip netns add wn", "ip netns del wn"),
    netns("netns-old", "the card in a namespace that was there before the module", "old"),
    on_top("macvlan", "a macvlan", "ip link add link eth1 name w0 type macvlan mode bridge"),
    on_top("macvtap", "a macvtap, its frames from a program",
           "ip link add link eth1 name w0 type macvtap mode bridge; "
           "d=$(cat /sys/class/net/w0/macvtap/tap*/dev); mknod /dev/wtap c ${d%:*} ${d#*:}",
           also="; waysend file /dev/wtap @F1@", delete="ip link del w0; rm -f /dev/wtap"),
    on_top("ipvlan", "an ipvlan", "ip link add link eth1 name w0 type ipvlan mode l2"),
    on_top("vlan", "a VLAN", "ip link add link eth1 name w0 type vlan id 5"),
    on_top("vlan-qinq", "a VLAN in a service VLAN", "ip link add link eth1 name w1 type vlan id 6 proto 802.1ad; "
           "ip link set w1 up; ip link add link w1 name w0 type vlan id 5", delete="ip link del w1"),
    on_top("macsec", "MACsec that does not encrypt", "ip link add link eth1 w0 type macsec encrypt off; "
           "ip macsec add w0 tx sa 0 pn 1 on key 01 12345678901234567890123456789012"),
    on_top("bonding", "a bond device", "ip link add w0 type bond mode active-backup; ip link set eth1 down; "
           "ip link set eth1 master w0", delete="ip link set eth1 nomaster; ip link del w0; ip link set eth1 up"),
    on_top("vrf", "a VRF", "ip link add w0 type vrf table 77; ip link set w0 up; ip link set eth1 master w0; "
           "ip addr add 10.4.0.1/24 dev eth1; ip neigh replace 10.4.0.9 lladdr @CMAC@ dev eth1 nud permanent; "
           "waysend udp 10.4.0.9 9 @P@ dev=w0", delete="ip link del w0; ip addr del 10.4.0.1/24 dev eth1"),
    bridged("bridge", "the card as a port of a bridge that A itself uses", "ip link add w1 type dummy; ip link set w1 up",
            "ip addr add 10.4.0.1/24 dev wb; ip neigh replace 10.4.0.9 lladdr @CMAC@ dev wb nud permanent; "
            "rawsend udp 10.4.0.9 9 @P@; rawsend packet wb @F1@", "ip link del w1"),
    bridged("bridge-tap", "a program's frames by a tap, a bridge and the card",
            "modprobe tun; ip tuntap add mode tap name w1; ip link set w1 up", "waysend tap w1 @F1@", "ip link del w1"),
    bridged("bridge-veth", "a namespace's frames by a veth, a bridge and the card",
            "ip netns add wn; ip link add w1 type veth peer name w0 netns wn; ip -n wn link set w0 up",
            "ip netns exec wn rawsend packet w0 @F1@; ip netns exec wn rawsend bypass w0 @F1@", "ip link del w1; ip netns del wn"),
    Way("tun-forward", "a program's packets by a tun, forwarded", setup=FORWARD + "; modprobe tun; ip tuntap add mode tun name w1; "
        "ip addr add 10.8.0.1/24 dev w1; ip link set w1 up; ip link set eth1 up; ip addr add 10.4.0.1/24 dev eth1; "
        "ip neigh replace 10.4.0.9 lladdr @CMAC@ dev eth1 nud permanent",
        attempt="waysend tun w1 $(echo @I1@ | sed 's/0a040001/0a080009/')",
        off="the checksum of a changed header: bridge-tap shows the same", undo="ip link del w1; "
        "ip addr del 10.4.0.1/24 dev eth1; " + NO_FORWARD),
    Way("veth-forward", "a namespace's packets, forwarded and masqueraded", setup=FORWARD + "; ip netns add wn; "
        "ip link add w1 type veth peer name w0 netns wn; ip addr add 10.8.0.1/24 dev w1; ip link set w1 up; "
        "ip -n wn addr add 10.8.0.2/24 dev w0; ip -n wn link set w0 up; ip -n wn route add default via 10.8.0.1; "
        "nft 'add table ip w; add chain ip w c { type nat hook postrouting priority 100; }; add rule ip w c masquerade'",
        attempt="ip netns exec wn rawsend udp @C4@ 9 @P@; ip netns exec wn rawsend udp @BI4@ 9 @P@",
        undo="nft delete table ip w; ip link del w1; ip netns del wn; " + NO_FORWARD),
    Way("flowtable", "the same, offloaded by a flow table", setup=FORWARD + "; ip netns add wn; "
        "ip link add w1 type veth peer name w0 netns wn; ip addr add 10.8.0.1/24 dev w1; ip link set w1 up; "
        "ip -n wn addr add 10.8.0.2/24 dev w0; ip -n wn link set w0 up; ip -n wn route add default via 10.8.0.1; "
        "nft 'add table ip w; add flowtable ip w f { hook ingress priority 0; devices = { eth0, w1 }; }; "
        "add chain ip w c { type filter hook forward priority 0; }; add rule ip w c flow add @AT@f'",
        attempt="for n in 1 2 3; do ip netns exec wn rawsend udp @C4@ 9 @P@; done",
        undo="nft delete table ip w; ip link del w1; ip netns del wn; " + NO_FORWARD),
    Way("rename", "the card renamed to sb0", setup="ip link set sb0 down; ip link set sb0 name wsb; "
        "ip link set eth1 down; ip link set eth1 name sb0; ip link set sb0 up; ip addr replace 10.4.0.1/24 dev sb0; "
        "ip neigh replace 10.4.0.9 lladdr @CMAC@ dev sb0 nud permanent",
        attempt="rawsend udp 10.4.0.9 9 @P@; rawsend packet sb0 @F1@; rawsend bypass sb0 @F1@",
        undo="ip link set sb0 down; ip addr flush dev sb0; ip link set sb0 name eth1; ip link set eth1 up; "
        "ip addr replace 10.3.0.1/24 dev eth1; ip link set wsb name sb0; ip link set sb0 up"),
    Way("mac", "another MAC address, promiscuous, down and up", setup="ip link set eth1 down; "
        "ip link set eth1 address 52:54:00:11:22:33; ip link set eth1 promisc on; ip link set eth1 up; "
        "ip addr replace 10.4.0.1/24 dev eth1; ip neigh replace 10.4.0.9 lladdr @CMAC@ dev eth1 nud permanent",
        attempt="rawsend udp 10.4.0.9 9 @P@; rawsend packet eth1 @F1@; rawsend bypass eth1 @F1@",
        undo="ip link set eth1 promisc off; ip link set eth1 down; ip link set eth1 address @A1MAC@; "
        "ip link set eth1 up; ip addr del 10.4.0.1/24 dev eth1"),
    Way("sb0-second", "another xfrm interface with the bond's if_id, and one with its own",
        setup="ip link add w0 type xfrm dev eth0 if_id 0x5ea1; ip link add w1 type xfrm dev eth0 if_id 99; "
        "for d in w0 w1; do ip link set $d up; ip route append 10.88.0.9/32 dev $d; done; "
        "ip xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir out if_id 99 action allow",
        attempt="waysend udp 10.88.0.9 9 @P@; ip route del 10.88.0.9/32 dev w0; waysend udp 10.88.0.9 9 @P@",
        off="it has no SA, in any mode", undo="ip xfrm policy del src 0.0.0.0/0 dst 0.0.0.0/0 dir out if_id 99; ip link del w0; ip link del w1"),
]

TUNNELS = [
    tunnel("ipip", "IP in IP", "ip link add w0 type ipip local @A4@ remote @C4@"),
    tunnel("gre", "GRE", "ip link add w0 type gre local @A4@ remote @C4@"),
    tunnel("gretap", "Ethernet in GRE", "ip link add w0 type gretap local @A4@ remote @C4@",
           attempt="ip neigh replace 10.9.0.9 lladdr @CMAC@ dev w0 nud permanent; rawsend udp 10.9.0.9 9 @P@; "
                   "rawsend packet w0 @F1@; rawsend bypass w0 @F1@"),
    tunnel("sit", "IPv6 in IPv4", "ip link add w0 type sit local @A4@ remote @C4@",
           attempt="rawsend udp fd09::9 9 @P@", six=True),
    tunnel("ip6tnl", "IP in IPv6", "ip link add w0 type ip6tnl mode any local @A6@ remote @C6@"),
    tunnel("ip6gre", "GRE in IPv6", "ip link add w0 type ip6gre local @A6@ remote @C6@"),
    tunnel("vti", "a VTI with no SA", "ip link add w0 type vti local @A4@ remote @C4@ key 5",
           off="it has no SA, in any mode"),
    tunnel("vxlan", "VXLAN", "ip link add w0 type vxlan id 5 local @A4@ remote @C4@ dstport 4789",
           attempt="ip neigh replace 10.9.0.9 lladdr @CMAC@ dev w0 nud permanent; rawsend udp 10.9.0.9 9 @P@; "
                   "rawsend packet w0 @F1@"),
    tunnel("vxlan-bondport", "VXLAN from the bond port", "ip link add w0 type vxlan id 5 local @A4@ remote @C4@ "
           "dstport @PORT@ srcport @PORT@ $((@PORT@ + 1))",
           attempt="ip neigh replace 10.9.0.9 lladdr @CMAC@ dev w0 nud permanent; rawsend udp 10.9.0.9 9 @P@",
           off="the port is taken, in every mode"),
    tunnel("vxlan-spi", "VXLAN from the bond port alone, its first word a live SPI", "ip link add w0 type vxlan id 5 "
           "local @A4@ remote @C4@ dstport 4789 srcport @PORT@ $((@PORT@ + 1))",
           attempt="ip neigh replace 10.9.0.9 lladdr @CMAC@ dev w0 nud permanent; rawsend udp 10.9.0.9 9 @P@"),
    tunnel("geneve", "GENEVE", "ip link add w0 type geneve id 5 remote @C4@",
           attempt="ip neigh replace 10.9.0.9 lladdr @CMAC@ dev w0 nud permanent; rawsend udp 10.9.0.9 9 @P@"),
    tunnel("fou", "IP in UDP (FOU)", "ip link add w0 type ipip local @A4@ remote @C4@ encap fou "
           "encap-sport 5555 encap-dport 5555", setup="modprobe fou"),
    tunnel("fou-bondport", "IP in UDP from the bond port", "ip link add w0 type ipip local @A4@ remote @C4@ encap fou "
           "encap-sport @PORT@ encap-dport @PORT@", setup="modprobe fou"),
    tunnel("gue-bondport", "IP in UDP (GUE) from the bond port", "ip link add w0 type ipip local @A4@ remote @C4@ "
           "encap gue encap-sport @PORT@ encap-dport @PORT@", setup="modprobe fou"),
    tunnel("l2tp", "L2TP", "modprobe l2tp_eth; modprobe l2tp_ip; ip l2tp add tunnel tunnel_id 5 peer_tunnel_id 5 "
           "encap udp local @A4@ remote @C4@ udp_sport 1701 udp_dport 1701 && "
           "ip l2tp add session name w0 tunnel_id 5 session_id 6 peer_session_id 6",
           attempt="ip neigh replace 10.9.0.9 lladdr @CMAC@ dev w0 nud permanent; rawsend udp 10.9.0.9 9 @P@",
           delete="ip l2tp del tunnel tunnel_id 5"),
    tunnel("wireguard", "WireGuard", "ip link add w0 type wireguard && wg genkey > /tmp/wk && "
           "wg set w0 private-key /tmp/wk listen-port 51820 peer $(wg genkey | wg pubkey) allowed-ips 0.0.0.0/0 "
           "endpoint @C4@:51820", look=lambda f, _: f.dport == 51820),
]

ROUTES = [
    Way("route", "B's inner address routed by the card", setup="ip route replace @BI4@/32 via @C4@ dev eth0; "
        "ip -6 route replace @BI6@/128 via @C6@ dev eth0",
        attempt="waysend udp @BI4@ 9 @P@; waysend udp @BI6@ 9 @P@",
        undo="ip route del @BI4@/32 via @C4@ dev eth0; ip -6 route del @BI6@/128 via @C6@ dev eth0"),
    Way("policy-routing", "rules by mark, by port and by user", setup="ip route add default via @C4@ dev eth0 table 88; "
        "ip rule add fwmark 7 table 88 pref 10; ip rule add ipproto udp dport 9 table 88 pref 11",
        attempt="waysend udp @BI4@ 9 @P@ mark=7; waysend udp @BI4@ 9 @P@",
        undo="ip rule del pref 10; ip rule del pref 11; ip route flush table 88"),
    Way("route-via-peer", "C's address routed into the bond, asked to be carried on by B",
        setup="ip route replace 10.88.0.9/32 dev sb0", attempt="waysend udp 10.88.0.9 9 @P@",
        undo="ip route del 10.88.0.9/32", off="there is no SA for it, in any mode"),
    Way("mpls", "MPLS", setup="modprobe mpls_router; modprobe mpls_iptunnel; echo 100 > /proc/sys/net/mpls/platform_labels; "
        "ip route add 10.88.0.9/32 encap mpls 77 via inet @C4@ dev eth0", attempt="waysend udp 10.88.0.9 9 @P@",
        undo="ip route del 10.88.0.9/32"),
    Way("srv6", "segment routing's encapsulation", setup="ip -6 route add fd88::9/128 encap seg6 mode encap "
        "segs @C6@ dev eth0", attempt="waysend udp fd88::9 9 @P@", undo="ip -6 route del fd88::9/128"),
    Way("sysctl", "every switch of forwarding, redirects and proxies",
        setup=FORWARD + "; for k in proxy_arp accept_redirects send_redirects accept_source_route disable_xfrm "
        "disable_policy route_localnet accept_local; do for d in all eth0; do "
        "echo 1 > /proc/sys/net/ipv4/conf/$d/$k; done; done; "
        "for d in all eth0; do echo 1 > /proc/sys/net/ipv6/conf/$d/disable_policy; done; "
        "echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter",
        attempt="waysend udp @B4@ 9 @P@; waysend udp @C4@ 9 @P@; waysend udp @C6@ 9 @P@",
        undo=NO_FORWARD + "; for k in proxy_arp accept_redirects disable_xfrm disable_policy route_localnet accept_local; "
        "do for d in all eth0; do echo 0 > /proc/sys/net/ipv4/conf/$d/$k; done; done; "
        "for d in all eth0; do echo 0 > /proc/sys/net/ipv6/conf/$d/disable_policy; done"),
    Way("link-down", "the link down and up while a program sends",
        attempt="(for n in 1 2 3 4 5 6 7 8 9; do waysend udp 10.3.0.9 9 @P@; rawsend bypass eth1 @F1@; done) & "
        "for n in 1 2 3; do ip link set eth1 down; ip link set eth1 up; "
        "ip neigh replace 10.3.0.9 lladdr @CMAC@ dev eth1 nud permanent; done; wait"),
]

WAYS += TUNNELS + ROUTES
