# SPDX-License-Identifier: Apache-2.0
"""A TPM that takes 5 s for an answer: whoever needs it waits, and nobody else.

    a ── switch ── b        namespace slow of a: has its key made meanwhile
"""

import time

import bonded

LAB = "hostile"
DELAY_S = 5
DELAYED = 4     # commands; then the TPM is as fast as ever
PENDING, READY = 1, 2
READS = (0x181, 0x17e)      # ReadClock, PCR_Read
HOLD_READS = 2              # of a hold: the clock, and the PCRs before the cap


def test_slow(lab, t):
    pair = bonded.pair(lab).up()
    a, b = pair.sides
    a.guest.run("ip netns del slow 2>/dev/null; ip netns add slow; ip link add w0 netns slow type veth peer name w1 "
                "netns slow; echo 3 > /proc/sys/kernel/hung_task_timeout_secs; "
                "echo 1 > /proc/sys/kernel/hung_task_panic")
    slow = bonded.Side(a.guest, "slow", 5, ns="slow", device="w0")
    slow.addresses()
    slow.sb0()
    slow.local()
    wire = a.guest.tpm.wire
    waited = []

    def hold_up(_code, answer):
        if len(waited) < DELAYED:
            waited.append(time.monotonic())
        else:
            wire.delay = 0.0
        return answer

    before, first = pair.identity(), len(wire.exchanges)
    wire.delay, wire.change = DELAY_S, hold_up
    try:
        job = slow.begin_key()
        rounds = 0
        while job.running and len(waited) < DELAYED:
            pair.start(pair.sides[rounds % 2])
            if not pair.pings():
                break
            rounds += 1
            state = bonded.fields(slow.ctl("getkey").out)["state"]
            if state != PENDING:
                break
        t.check("while the key is pending, packets pass and bonds rotate", rounds >= 2 and len(waited) == DELAYED
                and pair.agreed(), (rounds, len(waited)))
        r = slow.run("sbctl key timeout=1000", check=False)
        t.check("a second hold is refused meanwhile, in words",
                r.code == 1 and "EBUSY" in r.out and "TPM" in r.out, r)
        slow.finish_key(job)
    finally:
        wire.delay, wire.change = 0.0, None
    took = wire.exchanges[first:]
    t.note(f"{len(took)} TPM commands, {rounds} rotations meanwhile")
    t.check("the hold ends with keys", bonded.fields(slow.ctl("getkey").out)["state"] == READY)
    # the watch reads the clock and PCRs, too: what else there is, is counted
    others = [e.code for e in took if e.code not in READS]
    t.check("a rotation sends the TPM nothing: all commands were of the one hold, or the watch's",
            len(others) == bonded.fields(slow.ctl("getkey").out)["tpm_commands"] - HOLD_READS, (len(took), others))
    t.check("no bond ended", [x[1] + rounds for x in before] == [x[1] for x in pair.identity()])
    t.check("nobody hung", not a.run("dmesg | grep -i 'blocked for more'", check=False))
    a.guest.run("ip netns del slow; echo 120 > /proc/sys/kernel/hung_task_timeout_secs; "
                "echo 0 > /proc/sys/kernel/hung_task_panic")


def test_namespace_dies_meanwhile(lab, t):
    pair = bonded.pair(lab).up()
    a = pair.a
    a.guest.run("ip netns add slow; ip link add w0 netns slow type veth peer name w1 netns slow")
    slow = bonded.Side(a.guest, "slow", 5, ns="slow", device="w0")
    slow.addresses()
    slow.sb0()
    slow.local()
    wire = a.guest.tpm.wire
    wire.delay = 0.5
    try:
        first = len(wire.exchanges)
        job = slow.begin_key()
        a.wait_for("ip netns exec slow sbctl getkey | grep -q state=1")
        job.stop(9)
        a.guest.run("ip netns del slow")
        t.check("a namespace is deleted while its key is made: the bond elsewhere works", pair.pings())
        # cleaned up one after another: behind this one the first is gone
        a.guest.run("ip netns add slow2; ip netns del slow2")
    finally:
        wire.delay = 0
    pair.start()
    t.check("and rotates", pair.pings())
    a.run("rmmod sealbond", timeout=120)
    t.check("the module unloads behind it, and starts again", pair.up() and pair.pings())
    t.note(f"{len(wire.exchanges) - first} TPM commands")
