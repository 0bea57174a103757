# SPDX-License-Identifier: Apache-2.0
"""Out by talking the enforcement down: the module's own commands, xfrm, the helper, grants, modules, the TPM."""

from ways.way import ENDS, OUTSIDE, Way

SHOWN = "way-udp shows it"
SEND = "waysend udp @B4@ 9 @P@; waysend udp @C4@ 9 @P@"
INTO = "waysend udp @BI4@ 9 @P@; waysend udp @BI6@ 9 @P@"
GENERATOR = ("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
             "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")


def command(name, words, commands, then=SEND, **more):
    """Commands of root's, whatever they answer, and then clear traffic."""
    return Way(name, words, attempt=f"{commands}; {then}", off=more.pop("off", SHOWN), **more)


NETLINK = [
    command("mode", "SET_MODE off and observe, also to be confirmed", "sbctl mode off; sbctl mode observe; "
            "sbctl mode enforce confirm=1000; sbctl confirm; sealbond mode off; sealbond mode observe"),
    command("exceptions", "SET_EXCEPTIONS", "sbctl exceptions arp nd match,17,rate=1000; "
            "sbctl exceptions arp nd match,17,remote=@C4@/32"),
    command("exceptions-netns", "SET_EXCEPTIONS of another namespace", "ip netns add wn; "
            "ip link set eth1 netns wn; ip -n wn link set eth1 up; ip -n wn addr add 10.4.0.1/24 dev eth1; "
            "ip -n wn neigh replace 10.4.0.9 lladdr @CMAC@ dev eth1 nud permanent; "
            "ip netns exec wn sbctl exceptions match,17,rate=1000", "ip netns exec wn waysend udp 10.4.0.9 9 @P@",
            undo="ip -n wn link set eth1 netns 1; ip netns del wn; ip link set eth1 up"),
    command("grant-keys", "SET_GRANT_KEYS with a key of root's", f"sbctl grantkeys {GENERATOR}; "
            f"sbctl grantkeys {GENERATOR} threshold=1"),
    command("peer", "SET_PEER without a grant, C as a peer", "sbctl peer id=c key=" + "00" * 31 + "09 lease=1000000 "
            "v4=10.77.0.99 endpoint=@C4@,@PORT@; sbctl start id=c", "waysend udp 10.77.0.99 9 @P@"),
    command("local", "SET_LOCAL with another identity, another interface, another port",
            "sbctl local id=x chain=static dev=sb0 if_id=24225 v4=@AI4@; "
            "sbctl local id=x chain=x dev=eth0 if_id=24225 v4=@AI4@"),
    command("local-netns", "SET_LOCAL in another namespace, with the card", "ip netns add wn; "
            "ip link set eth1 netns wn; ip -n wn link set eth1 up; ip -n wn addr add 10.4.0.1/24 dev eth1; "
            "ip -n wn neigh replace 10.4.0.9 lladdr @CMAC@ dev eth1 nud permanent; "
            "ip -n wn link add sb0 type xfrm dev eth1 if_id 5; ip -n wn link set sb0 up; "
            "ip netns exec wn sbctl local id=x chain=static dev=sb0 if_id=5 v4=10.77.0.9; "
            "ip netns exec wn sbctl exceptions match,17,rate=1000",
            "ip netns exec wn waysend udp 10.4.0.9 9 @P@; ip netns exec wn rawsend packet eth1 @F1@",
            undo="ip -n wn link set eth1 netns 1; ip netns del wn; ip link set eth1 up"),
    command("key-late", "KEY, late", "sbctl key timeout=2000; sbctl key release= timeout=2000"),
    command("down", "the helper's own `down`", "sealbond down", INTO + "; " + SEND),
    command("rmmod", "the module unloaded", "rmmod sealbond"),
    command("rmmod-esp", "what the module needs unloaded", "rmmod esp4; rmmod esp6; rmmod xfrm_interface; "
            "rmmod -f xfrm_user", INTO + "; " + SEND),
]

HELPER = [
    command("helper-stop", "the helper stopped", "for p in $(pidof sealbondd sealbondd-tpm); do kill -STOP $p; done",
            INTO + "; " + SEND, undo="for p in $(pidof sealbondd sealbondd-tpm); do kill -CONT $p; done"),
    command("helper-ptrace", "the helper's roles traced and killed by a debugger",
            "for p in $(pidof sealbondd sealbondd-tpm); do wayroot ptrace $p; done"),
    command("helper-config", "another configuration for the helper: mode off, no grant keys",
            "cp /etc/sealbond/sealbond.conf /tmp/conf; sed -i 's/^mode = .*/mode = off/; /^grant/d' "
            "/etc/sealbond/sealbond.conf; sealbond reload", undo="cp /tmp/conf /etc/sealbond/sealbond.conf; "
            "sealbond reload"),
    command("helper-kill", "the helper killed", "killall -9 sealbondd sealbondd-tpm", INTO + "; " + SEND),
]

XFRM = [
    command("xfrm-state-flush", "all SAs flushed", "ip xfrm state flush", INTO),
    command("xfrm-policy-flush", "all policies flushed", "ip xfrm policy flush", INTO),
    command("xfrm-policy-allow", "a policy of root's that allows, before the module's",
            "ip xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir out if_id 0x5ea1 priority 0 action allow; "
            "ip -6 xfrm policy add src ::/0 dst ::/0 dir out if_id 0x5ea1 priority 0 action allow", INTO,
            undo="ip xfrm policy del src 0.0.0.0/0 dst 0.0.0.0/0 dir out if_id 0x5ea1; ip -6 xfrm policy del src ::/0 dst ::/0 dir out if_id 0x5ea1"),
    command("xfrm-policy-block", "a policy of root's that blocks",
            "ip xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir out if_id 0x5ea1 priority 0 action block", INTO,
            undo="ip xfrm policy del src 0.0.0.0/0 dst 0.0.0.0/0 dir out if_id 0x5ea1"),
    command("xfrm-null", "an SA of root's own without encryption, with the bond's ids",
            "ip xfrm state add src @A4@ dst @B4@ proto esp spi 0x5a5a reqid 1 mode tunnel if_id 0x5ea1 "
            "enc 'ecb(cipher_null)' ''; ip xfrm policy add dst @BI4@ dir out if_id 0x5ea1 priority 0 "
            "tmpl src @A4@ dst @B4@ proto esp reqid 1 mode tunnel", INTO,
            undo="ip xfrm policy del dst @BI4@ dir out if_id 0x5ea1; "
                 "ip xfrm state del src @A4@ dst @B4@ proto esp spi 0x5a5a"),
    Way("xfrm-null-card", "the same for clear traffic on the card, with the SPI of a live SA", setup="true",
        attempt="ip xfrm state add src @A4@ dst @C4@ proto esp spi @SPI@ mode transport enc 'ecb(cipher_null)' ''; "
        "ip xfrm policy add src @A4@ dst @C4@ proto udp dport 9 dir out tmpl proto esp mode transport; waysend udp @C4@ 9 @P@",
        undo="ip xfrm policy del src @A4@ dst @C4@ proto udp dport 9 dir out; ip xfrm state del src @A4@ dst @C4@ proto esp spi @SPI@"),
    Way("xfrm-null-lo", "the same on loopback, carried on by nft",
        setup="echo 0 > /proc/sys/net/ipv4/conf/lo/disable_xfrm; echo 0 > /proc/sys/net/ipv4/conf/lo/disable_policy",
        attempt="ip xfrm state add src @A4@ dst 10.88.0.9 proto esp spi @SPI@ mode transport enc 'ecb(cipher_null)' ''; "
        "ip xfrm policy add dst 10.88.0.9 dir out tmpl proto esp mode transport; ip route replace 10.88.0.9/32 dev lo; "
        "nft 'add table netdev w; add chain netdev w c { type filter hook egress device lo priority 0; }; "
        "add rule netdev w c ip protocol esp fwd to eth0'; rawsend udp 10.88.0.9 9 @P@",
        undo="nft flush ruleset; ip xfrm policy del dst 10.88.0.9 dir out; ip route del 10.88.0.9/32; "
        "ip xfrm state del src @A4@ dst 10.88.0.9 proto esp spi @SPI@"),
    command("xfrm-ah", "AH, which seals nothing", "modprobe ah4; ip xfrm state add src @A4@ dst @C4@ proto ah spi 0x99 "
            "mode transport auth 'hmac(sha256)' 0x" + "5a" * 32 + "; ip xfrm policy add src @A4@ dst @C4@ proto udp dport 9 dir out "
            "tmpl proto ah mode transport", "waysend udp @C4@ 9 @P@",
            undo="ip xfrm policy del src @A4@ dst @C4@ proto udp dport 9 dir out; ip xfrm state del src @A4@ dst @C4@ proto ah spi 0x99"),
    command("xfrm-ipcomp", "IPComp, which seals nothing", "ip xfrm state add src @A4@ dst @C4@ proto comp spi 0x99 "
            "mode transport comp deflate; ip xfrm policy add src @A4@ dst @C4@ proto udp dport 9 dir out tmpl proto comp mode transport",
            "waysend udp @C4@ 9 @P@", undo="ip xfrm policy del src @A4@ dst @C4@ proto udp dport 9 dir out; "
            "ip xfrm state del src @A4@ dst @C4@ proto comp spi 0x99"),
    command("xfrm-allocspi", "ALLOCSPI for a live SPI", "ip xfrm state allocspi src @A4@ dst @C4@ proto esp mode tunnel "
            "min @SPI@ max @SPI@", "rawsend hdrincl @C4@ @EI4@", undo="ip xfrm state deleteall src @A4@ dst @C4@"),
]


def repeated(rig, _sent, _heard, out):
    """No two frames of A's to B have the same SPI and sequence number. (What root itself has put behind a live
    SPI went to C.)"""
    seen, twice = set(), []
    peer = (rig.b.wire4, f"fd00::{rig.b.number}")
    for frame in rig.sent(rig.since, lambda f: f.kind in ("esp", "esp-udp") and len(f.payload) >= 8 and f.dst in peer):
        head = frame.payload[:8]
        if head in seen:
            twice.append(str(frame))
        seen.add(head)
    return seen and not twice, f"{twice[:4]}\n{out}"


REWRITE = [
    Way("xfrm-newae", "XFRM_MSG_NEWAE rewinds a live SA's counter", attempt="ping -c 2 -i 0.2 -W 1 @BI4@; "
        "wayroot newae @B4@ @SPI@ 0; ping -c 4 -i 0.2 -W 1 @BI4@", outs=repeated, off="no pattern: the counters tell",
        holds=ENDS, left="no counter comes twice on the wire"),
    Way("xfrm-updsa", "XFRM_MSG_UPDSA of a live SA", attempt="ping -c 2 -i 0.2 -W 1 @BI4@; "
        "ip xfrm state update src @A4@ dst @B4@ proto esp spi @SPI@ mode tunnel if_id 0x5ea1 flag esn "
        f"replay-window 32 aead 'rfc4106(gcm(aes))' 0x{'5a' * 36} 128; ping -c 4 -i 0.2 -W 1 @BI4@; " + INTO,
        off="no pattern in mode off, either"),
    Way("xfrm-migrate", "XFRM_MSG_MIGRATE of the bond to C", attempt="r=$(ip xfrm state | sed -n "
        "'s/.*reqid \\([0-9]*\\).*/\\1/p' | head -1); wayroot migrate @A4@ @B4@ @C4@ @BI4@ 24225 $r; "
        "wayroot migrate @A4@ @B4@ @C4@ any 24225 $r; " + INTO,
        look=lambda f, pattern: pattern in f.data or f.kind in ("esp", "esp-udp") and f.dst == "10.0.0.99",
        off="no pattern in mode off, either"),
]


# -- for good: the last ones -------------------------------------------------------------------------

TPM = [
    command("pcr-reset", "the cap PCR reset", "tpm2_pcrreset 14; tpm2_pcrreset 14 9; sbctl key timeout=2000"),
    command("vtpm", "a virtual TPM instead of the TPM", "wayroot read /dev/vtpmx 0; sbctl key virtual=1 timeout=2000",
            setup="modprobe tpm_vtpm_proxy", hold="exec wayroot vtpm"),
]

LAST = [
    command("pcr-extend", "a PCR of the policy extended: what is measured and what runs differ",
            "tpm2_pcrextend 9:sha256=" + "5e" * 32, holds=ENDS, left="until the reboot"),
    command("rmmod-force", "the module unloaded by force", "rmmod -f sealbond >/dev/null 2>&1 </dev/null &\ntrue"),
    command("memory", "the kernel's memory read: /dev/mem, /proc/kcore, a BPF program",
            "wayroot read /dev/mem 0; wayroot read /proc/kcore 4096; wayroot bpf-read", holds=OUTSIDE,
            left="closed by lockdown=confidentiality"),
    command("kexec", "another kernel by kexec", "wayroot kexec", holds=OUTSIDE,
            left="without lockdown another kernel sends what it likes, but has no key: the cap PCR is extended"),
]
