# SPDX-License-Identifier: Apache-2.0
"""Malformed netlink messages to every command, and callers who may not change anything.

A warning of the kernel is a panic here, so that what is left to see is the answers.
"""

import bonded
from process import wait_until

LAB = "hostile"
SEEDS = (1, 2)
MESSAGES = 10_000


def test_malformed(lab, t):
    pair = bonded.pair(lab).up()
    a = pair.a
    # in a namespace of its own, set up so that messages get as far as they can
    a.guest.run("ip netns del fuzz 2>/dev/null; ip netns add fuzz; ip link add f0 netns fuzz type veth peer name f1 "
                "netns fuzz")
    fuzz = bonded.Side(a.guest, "fuzz", 5, ns="fuzz", device="f0")
    fuzz.addresses()
    fuzz.sb0()
    fuzz.local()
    fuzz.peer(pair.b)
    for seed in SEEDS:
        r = fuzz.run(f"nlfuzz {seed} {MESSAGES}", check=False, timeout=300)
        told = bonded.fields(r.out.splitlines()[-1])
        t.note(r.out.splitlines()[-1])
        t.check(f"seed {seed}: {MESSAGES} messages, every one is answered",
                told.get("sent") == MESSAGES and told.get("lost") == 0, r)
        t.check(f"seed {seed}: whatever the family refuses, it says why", told.get("silent") == 0, r)
        t.check(f"seed {seed}: the faults are found", told.get("refused", 0) > MESSAGES / 4, r)
    a.mode("enforce")
    t.check("a bond in another namespace has not noticed", pair.pings())
    fuzz.ctl("exceptions none")
    fuzz.ctl("delpeer all")
    fuzz.local()
    t.check("the namespace itself works on", fuzz.ctl("getpeer") and fuzz.ctl("status"))
    a.guest.run("ip netns del fuzz")
    t.check("nothing was warned of", not a.run("dmesg | grep -iE 'cut here|BUG:'", check=False),
            a.run("dmesg | tail -5", check=False))


def rests(side):
    """Whether its processor comes to rest, with nobody asking anything of it."""
    before = [0] * 10

    def idle():
        now = list(map(int, side.out("grep '^cpu ' /proc/stat").split()[1:]))
        spent = [after - one for after, one in zip(now, before)]
        before[:] = now
        return spent[3] + spent[4] > sum(spent) / 2

    idle()
    try:
        return wait_until(idle, 30, "a processor at rest", 0.5)
    except TimeoutError:
        return False


def test_sockets_lost(lab, t):
    """SET_LOCAL to a port that is taken, while a datagram waits to be read: there is no bond socket any more."""
    pair = bonded.pair(lab)
    a = pair.a.guest
    a.run("modprobe sealbond; sbctl mode off; ip netns del lost 2>/dev/null; ip netns add lost; "
          "ip link add f0 netns lost type veth peer name f1 netns lost")
    side = bonded.Side(a, "lost", 6, ns="lost", device="f0")
    side.addresses()
    side.sb0()
    side.local("alg=aes")
    # it comes while SET_LOCAL waits for an algorithm, so that who is to read it waits for SET_LOCAL
    a.put(f"#!/bin/sh\nip netns exec lost rawsend udp {side.outer4} {bonded.PORT} 00000000 && touch /tmp/sent\n"
          f'exec {a.out("cat /proc/sys/kernel/modprobe")} "$@"\n'.encode(), "/tmp/modprobe", 0o755)
    a.run("rm -f /tmp/sent; cp /proc/sys/kernel/modprobe /tmp/was; modprobe -r chacha20poly1305; "
          "echo /tmp/modprobe > /proc/sys/kernel/modprobe")
    try:
        with side.running("udpnum recv 7000", "ready"):
            r = side.run(side.local_words("alg=chacha port=7000"), check=False)
    finally:
        a.run("cat /tmp/was > /proc/sys/kernel/modprobe; modprobe chacha20poly1305")
    t.check("a port that is taken is refused", r.code == 1 and "port is in use" in r.out and a.run("cat /tmp/sent",
            check=False), r)
    t.check("and nothing works on behind it", rests(side), side.run("top -b -n 1", check=False))
    a.run("ip netns del lost")


def test_refused_change(lab, t):
    pair = bonded.pair(lab).up()
    a, b = pair.sides
    key = b.key[:-2] + ("00" if b.key[-2:] != "00" else "01")
    a.ctl(f"peer id=other key={key} lease=60000 v4=10.77.9.9")
    for words, change, text in (("another's key", f"key={b.key} v4=10.77.9.9", "has this key"),
                                ("another's address", f"key={key} v4={b.inner4}", "has this overlay address"),
                                ("no address", f"key={key}", "needs an overlay address"),
                                ("one address twice", f"key={key} v4=10.77.9.8 v6=::ffff:10.77.9.8", "an IPv4 one")):
        r = a.ctl(f"peer id=other lease=60000 {change}", check=False)
        t.check(f"a change to {words} is refused, in words", r.code == 1 and text in r.out, r)
        r = a.ctl("getpeer id=other", check=False)
        t.check("and the peer is still there", r, r)
    a.ctl("delpeer id=other")
    r = a.ctl("peer id=new lease=60000 v4=10.77.9.8 v6=::ffff:10.77.9.8 "
              f"key={key}", check=False)
    t.check("a new peer's one address twice is refused, in words", r.code == 1 and "an IPv4 one" in r.out, r)
    r = a.run(a.local_words().replace(a.inner6, "::ffff:10.77.0.9"), check=False)
    t.check("our own, too", r.code == 1 and "give it as OVERLAY4" in r.out, r)
    t.check("the bond has not noticed", pair.pings())


def test_without_rights(lab, t):
    pair = bonded.pair(lab).up()
    a, b = pair.sides
    nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps -all "
    # root in a user namespace of its own has CAP_NET_ADMIN there, and only there
    contained = "unshare -r "
    changes = ("mode off", "confirm", "exceptions none", "delpeer all", "end all", "start id=b", "stored",
               "local id=a chain=c dev=sb0 if_id=7 v4=1.2.3.4", "key timeout=1000",
               f"peer id=q key={b.key} lease=1 v4=10.77.0.9", "rotatekey")
    for words, prefix in (("nobody", nobody), ("root of a user namespace", contained)):
        wrong = []
        for command in changes:
            r = a.run(f"{prefix}sbctl {command}", check=False)
            if r.code != 1 or "EPERM" not in r.out:
                wrong.append((command, str(r)))
        t.check(f"{words} can change nothing", not wrong, wrong)
        t.check(f"{words} may ask for the status", a.run(f"{prefix}sbctl status", check=False))
    t.check("and nothing has changed", "mode=enforce" in a.ctl("status").out and pair.pings())


def test_socket_policy(lab, t):
    """Sealbond is the first key manager that the kernel asks: xfrm_user comes behind it."""
    pair = bonded.pair(lab).up()
    a = pair.a
    user = "setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps -all unshare -rn "
    told = {}
    a.run("modprobe -r xfrm_user")
    for words, command in (("no manager takes them", "true"), ("xfrm_user loaded", "modprobe xfrm_user")):
        a.run(command)
        told[words] = [a.run(f"{user}sockpolicy {kind}", check=False).out.strip() for kind in ("garbage", "bypass")]
    invalid = "refused: Invalid argument"
    t.check("a user without rights gives a socket of his own namespace a policy that is none: refused",
            [garbage for garbage, _ in told.values()] == [invalid, invalid], told)
    t.check("and one that an IKE daemon would: set where somebody takes it",
            [valid for _, valid in told.values()] == [invalid, "set"], told)
    t.check("the bond has not noticed", pair.pings())
