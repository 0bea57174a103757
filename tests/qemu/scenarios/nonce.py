# SPDX-License-Identifier: Apache-2.0
"""No sequence number of an SA leaves twice, whoever tries; and nobody who tries nothing is stopped.

    a ══ switch ══ b        two cards each

The capture of the sender's cards says what has left. With the kernel's ESP offload (plain ESP on 6.1 and 6.12) a
packet is encrypted behind the hooks; in UDP it is before them.
"""

import collections

import bonded
from fakepeer import CHAIN, MAC, FakePeer
from process import wait_until

LAB = "nonce"
MINUTES = 4
TAMPERED, ALARM = bonded.ENDS.index("tampered"), bonded.ENDS.index("alarm")
KINDS = (("IPv4", False, "auto"), ("IPv4 in UDP", False, "always"), ("IPv6", True, "auto"),
         ("IPv6 in UDP", True, "always"))


def marks(side):
    return [nic.capture.mark() for nic in side.guest.nics]


def numbers(side, since):
    """How often each (SPI, number) has left, on any card; a macvlan has an address of its own."""
    own = {mac.replace(":", "") for mac in [side.mac()] + [nic.mac for nic in side.guest.nics]}
    found = collections.Counter()
    for nic, mark in zip(side.guest.nics, since):
        for f in nic.capture.frames(mark):
            if f.kind in ("esp", "esp-udp") and f.data[6:12].hex() in own:
                found[f.payload[:4].hex(), int.from_bytes(f.payload[4:8], "big")] += 1
    return found


def twice(side, since):
    return {number: n for number, n in numbers(side, since).items() if n > 1}


def stream(source, target, interval=500):
    """Datagrams, until the end of a with block."""
    return source.running(f"udpnum send {target.inner6} 5001 0 {interval}", "sent=")


def heavy(pair, t, words, rotations=4):
    """Segmented streams both ways, two of each, small datagrams, and new epochs meanwhile."""
    a, b = pair.sides
    since = marks(a), marks(b)
    before = [side.dropped("repeated") for side in pair.sides]
    with a.events() as events, b.running("iperf3 -s --forceflush", "listening"):
        client = a.start(f"iperf3 -c {b.inner4} -P 2 --bidir -t 8 -l 64K", timeout=120)
        with stream(a, b, 1000), stream(b, a, 1000):
            for _ in range(rotations):
                pair.start()
            r = client.wait(120)
        t.check(f"{words}: iperf3 has gone through", r, r)
        told = events.all("bond-ended")
    t.check(f"{words}: no bond has ended in {rotations} rotations", not told, told)
    dropped = [side.dropped("repeated") - n for side, n in zip(pair.sides, before)]
    t.check(f"{words}: nothing was taken for repeated", dropped == [0, 0], dropped)
    for side, mark in zip(pair.sides, since):
        found = numbers(side, mark)
        t.check(f"{words}: no number has left {side.name} twice", found and max(found.values()) == 1,
                twice(side, mark))
        t.note(f"{words}: {side.name} has sent {len(found)} numbers of {len({spi for spi, _ in found})} SAs")


def test_heavy(lab, t):
    pair = bonded.pair(lab)
    for words, six, encap in KINDS[:3]:
        heavy(pair.up(outer6=six, encap=encap), t, words)


def rewind(side, other, six, oseq):
    bond = side.bond(other)
    return side.run(f"xfrmroot newae {bond['spi_out']:x} {other.outer6 if six else other.outer4} {oseq}")


def ended(events):
    return events.await_one("bond-ended")["reason"] == TAMPERED


def test_rewound(lab, t):
    pair = bonded.pair(lab)
    for words, six, encap in KINDS:
        pair.up(outer6=six, encap=encap)
        a, b = pair.sides
        since = marks(a)
        with a.events() as events, stream(a, b):
            wait_until(lambda: len(numbers(a, since)) > 200, 30, "traffic", 0.05)
            r = rewind(a, b, six, 10)
            t.check(f"{words}: NEWAE ends the bond: tampered", ended(events), events.all())
            t.note(f"{words}: {r.out.strip()}")
            t.check(f"{words}: nothing passes any more", a.cut_off(b))
        t.check(f"{words}: no number has left twice", not twice(a, since), twice(a, since))
        t.check(f"{words}: and the bond can be started again", pair.up(outer6=six, encap=encap).pings())


def test_inbound(lab, t):
    pair = bonded.pair(lab).up()
    a, b = pair.sides
    with a.events() as events:
        a.run(f"xfrmroot newae {a.bond(b)['spi_in']:x} {a.outer4} 0")
        t.check("NEWAE of an inbound SA ends the bond: tampered", ended(events), events.all())


def copied(pair, t, words, rules):
    """Root has sealed packets copied before they are encrypted: nothing leaves where another hook has been."""
    a, b = pair.sides
    since = marks(a)
    with a.events() as events:
        a.run(f"ip link set eth1 up; nft '{rules}'")
        a.ping(b, count=2, options="-W 1")
        reason = events.await_one("bond-ended")["reason"]
        t.check(f"{words}: the bond ends", reason in (TAMPERED, ALARM), events.all())
        a.run("nft flush ruleset")
        wait_until(lambda: int(str(bonded.fields(a.ctl("status").out)["alarms"]), 16) == 0, 20, "the alarm's end", 0.1)
    t.check(f"{words}: no number has left twice", not twice(a, since), twice(a, since))


def test_copied(lab, t):
    for words, six, match in (("IPv4", False, "ip protocol esp"), ("IPv6", True, "ip6 nexthdr esp")):
        pair = bonded.pair(lab).up(outer6=six)
        offloaded = pair.a.run("lsmod | grep -q ^esp4_offload", check=False)
        if not offloaded or not pair.a.guest.release.startswith("6."):
            t.skip("copies of what is not yet encrypted", "this kernel encrypts before the hooks")
            return
        for device in ("eth0", "eth1"):
            pair.up(outer6=six)
            copied(pair, t, f"{words}, copies to {device}",
                   f"table netdev t {{ chain c {{ type filter hook egress device \"eth0\" priority 0; "
                   f"{match} dup to \"{device}\"; }}; }}")


def test_changed(lab, t):
    pair = bonded.pair(lab).up()
    a, b = pair.sides
    with a.events() as events:
        a.run(f"xfrmroot updsa {a.bond(b)['spi_out']:x} {b.outer4}")
        t.check("UPDSA ends the bond: tampered", ended(events), events.all())
    pair.up()
    for direction, ends in (("out", (a, b)), ("in", (b, a))):
        source, target = ends
        spi = a.bond(b)["spi_out"]
        with a.events() as events:
            r = a.run(f"xfrmroot migrate {direction} {source.inner4} {target.inner4} {bonded.IF_ID} {source.outer4} "
                      f"{target.outer4} {source.outer4} 10.0.0.77", check=False)
            if direction == "in":
                # its template names no addresses: there is nothing that MIGRATE could change
                t.check("MIGRATE of the inbound policy's SAs is refused, and the bond lives on",
                        not r and pair.pings() and not events.all("bond-ended"), r)
                continue
            t.must("MIGRATE of the SAs of the outbound policy", r, r)
            t.check("ends the bond: tampered", ended(events), events.all())
        since = marks(a)
        t.check("nothing passes through the clone", a.cut_off(b) and not numbers(a, since), numbers(a, since))
        a.run("ip xfrm state flush; ip xfrm policy flush")
        pair.up()
        t.check("and a new bond has other SAs", a.bond(b)["spi_out"] != spi and pair.pings())


def test_same_spi(lab, t):
    """An SPI is chosen by who receives by it: two peers may have chosen one."""
    a = bonded.pair(lab).a
    own = "a5" * 32
    for words, encap in (("plain ESP", "auto"), ("in UDP", "always")):
        a.finish_key(a.begin_device())
        a.run(f"sbctl local id={own} chain={CHAIN.hex()} dev=sb0 if_id={bonded.IF_ID} v4={a.inner4} v6={a.inner6} "
              f"encap={encap}")
        peers = [FakePeer(lab, f"10.0.0.{n}", f"10.77.0.{n}", f"fd77::{n}", mac=f"{MAC[:-2]}{n:02x}") for n in (8, 9)]
        for peer in peers:
            peer.start(own, a.key)
            a.ctl(f"peer id={peer.device_id.hex()} key={peer.public.hex()} lease={bonded.LEASE_MS} v4={peer.inner4} "
                  f"v6={peer.inner6} endpoint={peer.address},{bonded.PORT}")
        a.mode("enforce")
        for peer in peers:
            a.ctl(f"start id={peer.device_id.hex()} wait=30000", timeout=60)
        spis = {bonded.fields(a.ctl(f"getpeer id={peer.device_id.hex()}").out)["spi_out"] for peer in peers}
        t.must(f"{words}: two bonds, one SPI outwards", len(spis) == 1, spis)
        before = [peer.opened.count(["opened", "4"]) for peer in peers]
        with a.events() as events:
            for peer in peers * 2:
                a.run(f"ping -c 1 -W 1 {peer.inner4}", check=False)
            opened = [peer.opened.count(["opened", "4"]) - was for peer, was in zip(peers, before)]
            ended = events.all("bond-ended")
        t.check(f"{words}: each gets what is for it", opened == [2, 2], (opened, a.drops()))
        t.check(f"{words}: and neither bond ends", not ended, ended)
        for peer in peers:
            peer.stop()
        a.ctl("delpeer all")


def test_listened_to(lab, t):
    """The kernel tells who listens of every counter that moves: that is no change."""
    pair = bonded.pair(lab).up()
    a, b = pair.sides
    with a.events() as events, a.running("ip xfrm monitor", ""), stream(a, b):
        t.check("with somebody listening to the SAs, the bond lives on",
                a.ping(b, count=20) and not events.all("bond-ended"), events.all())


# no vlan: the lab's switch does not carry tags
TOPS = {
    "macvlan": ("ip link add link eth0 name top0 type macvlan mode bridge", "ip link del top0"),
    "bonding": ("ip link add top0 type bond mode active-backup; ip link set eth1 down; ip link set eth1 master top0",
                "ip link del top0"),
    "bridge": ("ip link add top0 type bridge; ip link set eth1 up; ip link set eth1 master top0", "ip link del top0"),
}


def test_devices_on_top(lab, t):
    """A packet passes the hooks of each device of a stack, and counts once."""
    pair = bonded.pair(lab)
    for kind, (make, unmake) in TOPS.items():
        for encap in ("auto", "always"):
            for side in pair.sides:
                side.run("sbctl mode off; sbctl delpeer all; ip addr flush dev eth0; ip link del sb0", check=False)
                side.run(f"set -e; ip link set eth0 up; {make}")
                side.device = "top0"
            # not AES: its packets' devices are miscounted by 6.1.192 (docs/install.md), and these are removed
            pair.up(encap=encap, options="alg=chacha20")
            heavy(pair, t, f"{kind}, {encap}", 1)
            for side in pair.sides:
                side.run(f"sbctl mode off; sbctl delpeer all; ip link del sb0; {unmake}")
                side.device = "eth0"
