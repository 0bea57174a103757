# SPDX-License-Identifier: Apache-2.0
"""TPMs that take 0.1, 1, 5 and 15 s for each answer: the hold ends with keys, and nobody else waits for it.

    a ── switch ── b        devices with helper, bonded, mode enforce; a's and b's TPM pass through the harness
                            namespace slow of each: has its key made meanwhile
"""

import bonded
from faulty import Plant
from process import wait_until

LONG = True
MINUTES = 6
DELAYS = {"a": (15,), "b": (5, 1, 0.1)}


def slow_side(d):
    """A namespace of the device, whose key is made meanwhile."""
    g = d.guest
    g.run("ip netns del slow 2>/dev/null; ip netns add slow; ip link add w0 netns slow type veth peer name w1 "
          "netns slow; echo 60 > /proc/sys/kernel/hung_task_timeout_secs")
    side = bonded.Side(g, "slow", 5, ns="slow", device="w0")
    side.addresses()
    side.sb0()
    side.local()
    return side


def test_delays(lab, t):
    """Both TPMs are slow at the same time, each at its pace."""
    p = Plant(lab, t)
    a, b = p.devices
    before = a.peer("b")
    jobs, done, rounds = {}, [], 0
    waits = {d.guest.name: list(DELAYS[d.guest.name]) for d in (a, b)}
    sides = {d.guest.name: slow_side(d) for d in (a, b)}
    while jobs or any(waits.values()):
        for d in (a, b):
            name = d.guest.name
            if name in jobs and not jobs[name][0].running:
                job, delay, first = jobs.pop(name)
                d.guest.tpm.wire.delay = 0.0
                found = bonded.fields(job.wait(10).out)
                count = found.get("tpm_commands")
                t.check(f"a TPM that takes {delay} s for an answer: the hold ends with keys, after {count} commands",
                        found.get("state") == 2, job.out)
                done.append(delay)
            if name not in jobs and waits[name]:
                d.guest.tpm.wire.delay = delay = waits[name].pop(0)
                if done:
                    sides[name] = slow_side(d)
                jobs[name] = sides[name].start("sbctl key"), delay, len(d.guest.tpm.wire.exchanges)
        r = (a, b)[rounds % 2].cli(f"rotate {'ba'[rounds % 2]}", check=False)
        wait_until(lambda n=rounds: a.peer("b")["handshakes"] > before["handshakes"] + n, 60, "the rotation", 0.1)
        rounds += 1
        if not (r and a.ping(b.inner4, 2) and b.ping(a.inner6, 2)):
            t.check("packets pass and bonds rotate meanwhile", False, r)
            break
    after = a.peer("b")
    t.check(f"meanwhile {rounds} rotations one after the other, packets after each, and both helpers answer",
            rounds >= 5 and after["bond"] == "live" and after["handshakes"] == before["handshakes"] + rounds,
            (before, after, rounds))
    t.check("no task hung", not any(d.guest.run("dmesg | grep 'blocked for more'", check=False) for d in (a, b)))
    for d in (a, b):
        d.guest.run("ip netns del slow")
