# SPDX-License-Identifier: Apache-2.0
"""What cannot be changed once a machine is locked, what still can, and that nothing slips in meanwhile.

    a ── switch ── b        a is locked; a namespace "two" in a

A locked guest stays so until it reboots: every function begins with a new boot of a.
"""

import bonded
from bonded import Attacker
from wire import mac_bytes, udp_frame

LAB = "locked"
UNTIL = "locked until reboot"
# points of the curve: its generator, and that one mirrored
KEY = ("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
       "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")
OTHER_KEY = KEY[:64] + "b01cbd1c01e58065711814b583f061e9d431cca994cea1313449bf97c840ae0a"
NOT_LOCKED, NOT_ENFORCING, UNSIGNED = 1 << 3, 1 << 4, 1 << 1


def fresh(lab):
    """a in a new boot, and b."""
    if "a" in lab.guests and lab.guests["a"].up:
        lab.guests["a"].kill()
    return bonded.pair(lab)


def status(side):
    return bonded.fields(side.ctl("status").out)


def gaps(side):
    return int(status(side)["assurance"], 16)


def refused(t, words, side, command, name, text=UNTIL):
    r = side.ctl(command, check=False)
    t.check(f"{words}: refused, in words", r.code == 1 and name in r.out and text in r.out, r)


def test_not_yet(lab, t):
    a = fresh(lab).up(mode="observe").a
    t.check("the gaps are named", gaps(a) & (NOT_LOCKED | NOT_ENFORCING | UNSIGNED) ==
            NOT_LOCKED | NOT_ENFORCING | UNSIGNED, status(a))
    refused(t, "a lock in mode observe", a, "lock", "EINVAL", "for mode enforce")
    a.ctl("mode enforce confirm=60000")
    refused(t, "a lock while the mode waits for its confirmation", a, "lock", "EBUSY", "CONFIRM_MODE")
    a.ctl("confirm")
    a.run("ip netns add two")
    two = bonded.Side(a.guest, "two", 5, ns="two", device="v0")
    a.run("ip link add v0 netns two type veth peer name v1 netns two")
    two.addresses()
    two.sb0()
    two.local()
    refused(t, "a lock with two namespaces set up", a, "lock", "EBUSY", "several namespaces")
    a.run("ip netns del two")
    # a namespace goes some time after it is deleted
    t.check("when that one is gone, the lock is taken", a.wait_for("sbctl lock", 30))


def test_frozen(lab, t):
    pair = fresh(lab).up()
    a = pair.a
    with a.events() as events:
        a.ctl("lock")
        t.check("an event tells of it", events.await_one("locked"))
    t.check("status has it, and the gap is gone", status(a)["locked"] == 1 and not gaps(a) & (NOT_LOCKED |
            NOT_ENFORCING), status(a))
    t.check("locking again changes nothing", a.ctl("lock"))
    for mode in ("off", "observe", "enforce confirm=1000"):
        refused(t, f"mode {mode}", a, f"mode {mode}", "EPERM")
    for words in ("none", "arp nd", "arp nd icmp-error match,17,rport=53", "nd arp icmp-error"):
        refused(t, f"exceptions {words}", a, f"exceptions {words}", "EPERM")
    refused(t, "first grant keys", a, f"grantkeys {KEY}", "EPERM")
    refused(t, "another device id", a, a.local_words().replace("sbctl ", "").replace("id=a ", "id=c "), "EPERM")
    refused(t, "another chain", a, a.local_words(chain="other").replace("sbctl ", ""), "EPERM")
    t.check("the same mode, exceptions and identity are accepted",
            all((a.ctl("mode enforce"), a.ctl("exceptions " + " ".join(bonded.EXCEPTIONS)),
                 a.ctl(a.local_words().replace("sbctl ", "")))))
    a.run("ip netns add two; ip link add v0 netns two type veth peer name v1 netns two")
    two = bonded.Side(a.guest, "two", 5, ns="two", device="v0")
    two.addresses()
    two.sb0()
    refused(t, "a second namespace", two, two.local_words().replace("sbctl ", ""), "EPERM", "another namespace")
    refused(t, "exceptions of another namespace", two, "exceptions arp", "EPERM")
    t.check("its empty list is accepted", two.ctl("exceptions none"))
    t.check("the bond lives on", pair.pings())
    pair.start()
    t.check("and rotates", pair.pings())
    t.check("clear traffic does not pass", a.cut_off(pair.b, inner=False))


def test_pinned(lab, t):
    pair = fresh(lab).up()
    a = pair.a
    a.ctl("lock")
    r = a.run("rmmod sealbond", check=False)
    t.check("the module cannot be unloaded", not r and a.run("grep -q ^sealbond /proc/modules"), r)
    job = a.start("rmmod -f sealbond")
    a.wait_for("dmesg | grep -q 'the module stays'")
    t.check("a forced removal does not end, and changes nothing: the bond lives", pair.pings() and job.running)
    t.check("clear traffic does not pass", a.cut_off(pair.b, inner=False))
    for words in ("drops", "getexceptions", "getpeer"):
        r = a.ctl(words, check=False)
        t.check(f"lists are still answered: {words}", r, r)
    t.check("the mode and the lock are as before", status(a)["mode"] == "enforce" and status(a)["locked"] == 1)
    refused(t, "mode off", a, "mode off", "EPERM")
    job.kill(9)
    t.check("nor can it be killed", a.run("grep -q ^sealbond /proc/modules") and pair.pings())


def test_grant_keys(lab, t):
    a = fresh(lab).a
    a.run("modprobe sealbond")
    a.ctl(f"grantkeys {KEY} {OTHER_KEY} threshold=2")
    t.check("with grant keys no gap of unsigned grants", not gaps(a) & UNSIGNED, status(a))
    a.ctl("mode enforce")
    a.ctl("lock")
    for words in (f"{KEY} threshold=1", f"{KEY} {OTHER_KEY} threshold=1", f"{OTHER_KEY} {KEY} threshold=2"):
        refused(t, "other grant keys", a, f"grantkeys {words}", "EPERM")
    t.check("the same ones are accepted", a.ctl(f"grantkeys {KEY} {OTHER_KEY} threshold=2"))
    a.addresses()
    a.sb0()
    t.check("an identity can still be set where none was", a.ctl(a.local_words().replace("sbctl ", "")))
    refused(t, "another one after it", a, a.local_words(chain="other").replace("sbctl ", ""), "EPERM")


def test_nothing_slips_in(lab, t):
    a = fresh(lab).a
    a.run("modprobe sealbond")
    churn = ("while :; do for m in off observe enforce; do sbctl mode $m || exit 0; "
             "sbctl exceptions arp || exit 0; sbctl mode enforce confirm=1000 || exit 0; "
             "sbctl exceptions none || exit 0; sbctl confirm; done; done")
    jobs = [a.start(f"sh -c '{churn}'") for _ in range(3)]
    r = a.run("n=0; until sbctl lock 2>/dev/null; do n=$((n+1)); done; echo tries=$n; "
              "sbctl status; sbctl getexceptions", timeout=120)
    for job in jobs:
        job.wait(60)
    later = a.out("sbctl status; sbctl getexceptions")
    at = "\n".join(r.out.splitlines()[1:])
    t.note(r.out.splitlines()[0])
    t.check("what was there when the lock was taken is there after all tries to change it",
            at.strip() == later.strip() and "mode=enforce" in at, (at, later))
    t.check("no mode waits to revert", not a.ctl("confirm", check=False))


def test_reboot(lab, t):
    a = fresh(lab).a
    a.run("modprobe sealbond; sbctl mode enforce; sbctl lock")
    a.guest.reboot()
    a.run("modprobe sealbond")
    t.check("a reboot ends it", status(a)["locked"] == 0 and a.ctl("mode observe"))


def test_moved(lab, t):
    """A card in a namespace that is older than the module, moved to a new one and back."""
    guest = fresh(lab).a.guest
    guest.run("ip netns add old; ip link set eth1 netns old; modprobe sealbond; sbctl mode enforce; sbctl lock; "
              "ip netns add new")
    mac, pattern = guest.nics[1].mac, b"from-a-card-that-moves"
    frame = udp_frame(mac, Attacker.MAC, "10.6.0.1", "10.6.0.9", 9, 9, pattern)
    capture = guest.nics[1].capture

    def shout(ns):
        """By IP, by a packet socket and past its queue, how many frames got out."""
        mark = capture.mark()
        before = bonded.Side(guest, "a", 1).all_dropped()
        guest.run(f"ip -n {ns} link set eth1 up; ip -n {ns} addr add 10.6.0.1/24 dev eth1; "
                  f"ip -n {ns} neigh replace 10.6.0.9 lladdr {Attacker.MAC} dev eth1 nud permanent; "
                  f"ip netns exec {ns} sh -c 'rawsend udp 10.6.0.9 9 {pattern.hex()}; "
                  f"rawsend packet eth1 {frame.hex()}; rawsend bypass eth1 {frame.hex()}'", check=False)
        after = bonded.Side(guest, "a", 1).all_dropped()
        own = [str(f) for f in capture.frames(mark) if f.data[6:12] == mac_bytes(mac)]
        return own, after - before

    for words, ns, move in (("in a namespace older than the module", "old", ""),
                            ("moved to a new one", "new", "ip -n old link set eth1 netns new"),
                            ("moved back", "old", "ip -n new link set eth1 netns old")):
        if move:
            guest.run(move)
        sent, dropped = shout(ns)
        t.check(f"{words}: nothing leaves a card, and it is dropped", not sent and dropped >= 3, (sent, dropped))
