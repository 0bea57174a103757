# SPDX-License-Identifier: Apache-2.0
"""The whole way of a bond in few steps: what `make check-kernels` runs on each kernel first.

    a ── switch ── b
"""

import bonded

ROTATIONS = 3


def test_bond(lab, t):
    pair = bonded.pair(lab)
    t.note(f"kernel {pair.a.out('uname -r')}")
    pair.up()
    t.must("keys are made and a bond is live", pair.a.live(pair.b) and pair.b.live(pair.a))
    t.check("the ends agree on the SAs", pair.agreed())
    t.check("pings pass, IPv4 and IPv6, both ways", pair.pings())
    t.check("clear pings do not", not pair.a.ping(pair.b, inner=False, count=1) and
            not pair.b.ping(pair.a, True, inner=False, count=1))
    t.check("and are counted", pair.a.dropped("clear-out") > 0, pair.a.drops())


def test_wire(lab, t):
    pair = bonded.pair(lab)
    for words, kind, options in (("IPv6", "esp", {"outer6": True}), ("IPv4 in UDP", "esp-udp", {"encap": "always"}),
                                 ("IPv6 in UDP", "esp-udp", {"outer6": True, "encap": "always"}),
                                 ("IPv4", "esp", {})):
        pair.up(**options)
        capture = pair.a.guest.nics[0].capture
        mark = capture.mark()
        t.check(f"outer {words}: pings pass", pair.pings())
        large = pair.a.ping(pair.b, options="-s 4000", count=2) and pair.a.ping(pair.b, True, options="-s 4000", count=2)
        t.check(f"outer {words}: fragments pass", large)
        kinds = capture.kinds(mark)
        t.check(f"outer {words}: that is what is on the wire", kinds.get(kind, 0) >= 24, kinds)
        outside = [str(f) for f in capture.outside(bonded.SEALED, mark)]
        t.check(f"outer {words}: and nothing else", not outside, outside[:5])


def test_raw(lab, t):
    """Segments put off until the driver, which pass the hooks before they are sealed; and a raw frame."""
    pair = bonded.pair(lab)
    for side in pair.sides:
        side.run("modprobe -a esp4_offload esp6_offload")
    pair.up()
    a, b = pair.sides
    mark = a.guest.nics[0].capture.mark()
    server = b.start("iperf3 -s -1")
    b.wait_for("ss -Hltn | grep -q :5201")
    r = a.run(f"iperf3 -c {b.inner4} -n 4M", check=False, timeout=60)
    server.stop()
    t.check("TCP goes through the bond", r, r)
    outside = [str(f) for f in a.guest.nics[0].capture.outside(bonded.SEALED, mark)]
    t.check("and is on the wire as ESP alone", not outside, outside[:5])
    before = a.dropped("raw-frame")
    frame = b.mac().replace(":", "") + a.mac().replace(":", "") + "88b5" + "a5" * 32
    for how in ("packet", "bypass"):
        a.run(f"rawsend {how} eth0 {frame} 5", check=False)
    t.check("raw frames do not leave", not a.guest.nics[0].capture.having(b"\xa5" * 32, mark))
    t.check("and are counted", a.dropped("raw-frame") >= before + 5, a.drops())


def test_rotation(lab, t):
    pair = bonded.pair(lab)
    a, b = pair.sides
    epoch = a.bond(b)["epoch"]
    receiver = b.start(f"udpnum recv 5000 {b.inner4}")
    receiver.expect("ready")
    sender = a.start(f"udpnum send {b.inner4} 5000 1500 3000 64 open")
    for number in range(ROTATIONS):
        pair.start(pair.sides[number % 2])
    sender.wait(60)
    told = bonded.fields(receiver.stop().out)
    t.check(f"{ROTATIONS} rotations under traffic lose no packet",
            told["received"] == 1500 and told["missing"] == 0, told)
    t.check("and there are that many new epochs", a.bond(b)["epoch"] == epoch + ROTATIONS, a.bond(b))


def test_unload(lab, t):
    pair = bonded.pair(lab)
    for side in pair.sides:
        r = side.run("rmmod sealbond", check=False)
        t.check(f"{side.name}: the module unloads under a live bond", r, r)
        t.check(f"{side.name}: no SA, no policy stays", side.states() == 0 and side.policies() == 0)
    t.check("clear pings pass again", pair.a.ping(pair.b, inner=False) and pair.b.ping(pair.a, True, inner=False))
    pair.up()
    t.check("loaded again, the sealed keys come back or new ones are made, and the bond", pair.pings())
