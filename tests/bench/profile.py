#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which function costs how many instructions a packet: 64-byte UDP over two legs, each in a boot of its
own, and the difference. profile.py [LEG [LEG]]; legs: sealbond, bare_esp, each also with _encap, wireguard."""

import bisect
import collections
import os
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "qemu")]

import legs  # noqa: E402
from image import BUILD  # noqa: E402
from lab import Lab  # noqa: E402
from rig import GUEST, Rig  # noqa: E402

PLUGIN = os.path.join(BUILD, "tests", "count.so")
KERNEL_HALF = 1 << 63
SHOWN = 50


def make(name):
    if name == "wireguard":
        return legs.WireGuard()
    return (legs.Sealbond if name.startswith("sealbond") else legs.BareEsp)(name.endswith("_encap"))


def measure(name):
    """Function -> instructions for each packet that arrived; programs are one entry."""
    lab = Lab(os.path.join(BUILD, "lab", "profile-" + name))
    out = os.path.join(lab.directory, "blocks")
    try:
        guest = lab.guest("profile", **GUEST,
                          files={"/usr/bin/sbctl": os.path.join(BUILD, "sbctl")},
                          qemu=["-plugin", f"{PLUGIN},out={out}"])
        lab.boot(guest)
        rig = Rig(guest)
        rig.set_up()
        leg = make(name)
        if isinstance(leg, legs.Sealbond):
            legs.load_module(rig)
            legs.mode(rig, "enforce")
        leg.up(rig)
        rig.udp(leg.target(rig), 1)
        symbols = sorted((int(words[0], 16), "".join(words[2:])) for words in
                         (line.split() for line in guest.get("/proc/kallsyms").decode().splitlines())
                         if words[1] in "tTwW")
        os.kill(guest._process.pid, signal.SIGUSR2)
        rate = rig.udp(leg.target(rig), 2)
        guest.shutdown()
    finally:
        lab.close()
    starts = [address for address, _ in symbols]
    found = collections.Counter()
    with open(out, encoding="ascii") as f:
        for line in f:
            address, size, count = (int(word, base) for word, base in zip(line.split(), (16, 10, 10)))
            function = "(programs)" if address < KERNEL_HALF else symbols[bisect.bisect(starts, address) - 1][1]
            found[function] += size * count
    # iperf3 counts from after its second of warming up; what is counted here has both
    packets = rate["packets_per_s"] * 3
    return {function: count / packets for function, count in found.items()}


def main():
    names = sys.argv[1:] or ["sealbond", "bare_esp"]
    os.makedirs(os.path.dirname(PLUGIN), exist_ok=True)
    subprocess.run(["gcc", "-std=gnu11", "-Wall", "-Wextra", "-O2", "-shared", "-fPIC", "-o", PLUGIN,
                    os.path.join(HERE, "count.c")], check=True)
    costs = [measure(name) for name in names]
    first, second = costs[0], costs[1] if len(costs) > 1 else {}
    print(f"{'difference':>10} {names[0]:>14} {names[1] if len(names) > 1 else '':>14}  instructions a packet")
    change = {f: first.get(f, 0) - second.get(f, 0) for f in {*first, *second}}
    for function in sorted(change, key=lambda f: -abs(change[f]))[:SHOWN]:
        print(f"{change[function]:10.1f} {first.get(function, 0):14.1f} {second.get(function, 0):14.1f}  {function}")
    print(f"{sum(change.values()):10.1f} {sum(first.values()):14.1f} {sum(second.values()):14.1f}  all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
