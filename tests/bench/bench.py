#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make bench: what the module costs, counted in instructions, in one boot; what the ledger does on this machine; see
docs/benchmarks.md."""

import argparse
import hashlib
import json
import os
import re
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "qemu")]

import helper  # noqa: E402
import ledger  # noqa: E402
import legs  # noqa: E402
import revocation  # noqa: E402
from image import BUILD  # noqa: E402
from lab import Lab  # noqa: E402
from rig import GUEST, OTHER, OUTER, Rig  # noqa: E402

PEERS = (1, 100, 10000)
# (key of bench.json, what it is, target, +1: at least, -1: at most)
TARGETS = [
    ("tcp_vs_wireguard", "TCP bulk against WireGuard, instruction ratio", 1.5, 1),
    ("udp64_vs_wireguard", "64-byte UDP against WireGuard, instruction ratio", 1.05, 1),
    ("tcp_vs_bare_esp", "TCP bulk against bare ESP, instruction ratio", 0.97, 1),
    ("udp64_vs_bare_esp", "64-byte UDP against bare ESP, instruction ratio", 0.97, 1),
    ("tcp_vs_wireguard_encap", "TCP bulk in UDP against WireGuard, instruction ratio", 1.4, 1),
    ("udp64_vs_wireguard_encap", "64-byte UDP in UDP against WireGuard, instruction ratio", 1.0, 1),
    ("tcp_vs_bare_esp_encap", "TCP bulk in UDP against bare ESP in UDP, instruction ratio", 0.97, 1),
    ("udp64_vs_bare_esp_encap", "64-byte UDP in UDP against bare ESP in UDP, instruction ratio", 0.97, 1),
    ("hook_growth", "hook instructions a packet, 10,000 peers against 1", 1.1, -1),
    ("peers_10000_load_s", "10,000 peers loaded, seconds of guest time", 10, -1),
    ("bytes_per_peer", "memory a peer beside its SAs, bytes", 4096, -1),
    ("helper_rss_kib", "helper, resident, all its processes (sum of Rss), KiB", 16384, -1),
    ("helper_pss_kib", "helper, resident, shared pages counted once (sum of Pss), KiB", 16384, -1),
    ("revoke_to_drop_ms", "from a revocation's return to the first drop, ms of guest time", 3000, -1),
    ("block_to_drop_ms", "from the device's hearing of its block to the first drop, ms", 1000, -1),
]
FURTHER = ["handshakes_per_s"] + [f"hook_instructions_per_packet_{n}" for n in PEERS]


class Bench:
    def __init__(self, rig, seconds):
        self.rig = rig
        self.seconds = seconds
        self.raw = {}
        self.values = {}

    def say(self, name, value):
        print(f"  {name}: {value}", flush=True)

    def leg(self, name, leg, down=True, tcp=1, udp=1, counts=statistics.median_low):
        """Both kinds of traffic over one way, so many times; counts: which of the rates does. All are kept."""
        leg.up(self.rig)
        target = leg.target(self.rig)
        self.raw[name] = {}
        for kind, unit, measure, times in (("tcp", "bytes_per_s", self.rig.tcp, tcp),
                                           ("udp64", "packets_per_s", self.rig.udp, udp)):
            every = [measure(target, self.seconds) for _ in range(times)]
            rate = counts([one[unit] for one in every])
            self.raw[name][kind] = next(one for one in every if one[unit] == rate)
            if times > 1:
                self.raw[name][kind + "_all"] = every
        self.say(name, self.raw[name])
        if down:
            leg.down(self.rig)

    def ratios(self):
        def rate(name, kind):
            return self.raw[name][kind]["bytes_per_s" if kind == "tcp" else "packets_per_s"]

        for suffix in ("", "_encap"):
            for kind in ("tcp", "udp64"):
                own = rate("sealbond" + suffix, kind)
                self.values[f"{kind}_vs_wireguard{suffix}"] = round(own / rate("wireguard", kind), 3)
                self.values[f"{kind}_vs_bare_esp{suffix}"] = round(own / rate("bare_esp" + suffix, kind), 3)

    def handshakes(self):
        """Rotations of a live bond, each until both sides have told it; both ends' work together."""
        text = self.rig.ns("a", f"sbctl handshakes id={legs.IDS['b']} other=b seconds={self.seconds}").out
        done, took = (int(number) for number in re.findall(r"=(\d+)", text))
        self.values["handshakes_per_s"] = round(done / (took / 1e9), 1)
        self.raw["handshakes"] = {"done": done, "ns": took}
        self.say("handshakes", self.raw["handshakes"])

    def load_peers(self, first, count):
        text = self.rig.ns("a", f"sbctl peers count={count} first={first} endpoint={OUTER['b']},7454").out
        return int(re.search(r"ns=(\d+)", text).group(1)) / 1e9

    def hooks(self, leg):
        """Instructions that enforcement adds to a packet, both ends together: mode enforce against off."""
        self.raw["hooks"] = {}
        have = 1
        for count in PEERS:
            if count > have:
                for name in OTHER:
                    self.rig.ns(name, f"sbctl peers count={count - have} first={have} "
                                      f"endpoint={OUTER[OTHER[name]]},7454")
                have = count
            rates = {}
            for which in ("off", "enforce"):
                legs.mode(self.rig, which)
                rates[which] = self.rig.udp(leg.target(self.rig), self.seconds)
            cost = 1e9 / rates["enforce"]["packets_per_s"] - 1e9 / rates["off"]["packets_per_s"]
            self.values[f"hook_instructions_per_packet_{count}"] = round(cost)
            self.raw["hooks"][count] = rates
            self.say(f"hooks at {count} peers", f"{cost:.0f} instructions a packet, {rates}")
        first = self.values[f"hook_instructions_per_packet_{PEERS[0]}"]
        last = self.values[f"hook_instructions_per_packet_{PEERS[-1]}"]
        self.values["hook_growth"] = round(last / max(1, first), 3)

    def peers(self):
        """Time and memory of 10,000 peers without bonds, into tables that were empty."""
        count = PEERS[-1]
        self.rig.run("sync; echo 3 > /proc/sys/vm/drop_caches")
        before = self.rig.memory()
        self.values["peers_10000_load_s"] = round(self.load_peers(0, count), 3)
        after = self.rig.memory()
        # the larger of two views: what the kernel gave out, and what the machine has left
        used = max(after["unreclaim"] + after["percpu"] + after["vmalloc"]
                   - before["unreclaim"] - before["percpu"] - before["vmalloc"],
                   before["available"] - after["available"])
        self.values["bytes_per_peer"] = round(used * 1024 / count)
        self.raw["memory_kib"] = {"before": before, "after": after}
        self.say("10,000 peers", f"{self.values['peers_10000_load_s']} s, {self.values['bytes_per_peer']} bytes each")
        self.rig.ns("a", "sbctl delpeer all")

    def run(self):
        rig = self.rig
        rig.set_up()
        # what is there before the module: its hooks cost these nothing
        self.leg("clear", legs.Clear())
        # its threads share the processor by the scheduler's whim: its best of three is what is compared
        self.leg("wireguard", legs.WireGuard(), tcp=3, udp=3, counts=max)
        # TCP falls into one of a few rhythms of segments and acknowledgements: the middle of five
        self.leg("bare_esp", legs.BareEsp(False), tcp=5)
        self.leg("bare_esp_encap", legs.BareEsp(True), tcp=5)
        legs.load_module(rig)
        legs.mode(rig, "enforce")
        plain = legs.Sealbond(False)
        self.leg("sealbond", plain, down=False, tcp=5)
        self.raw["drops"] = rig.out("sbctl drops | grep -v 'count=0 would=0' || true")
        self.handshakes()
        self.hooks(plain)
        plain.down(rig)
        self.peers()
        # last: from the first encapsulating socket on, the kernel looks up a socket for every UDP packet
        legs.mode(rig, "enforce")
        self.leg("sealbond_encap", legs.Sealbond(True), tcp=5)
        self.ratios()


def qemu_version():
    text = subprocess.run(["qemu-system-x86_64", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return re.search(r"version (\S+)", text).group(1)


def shown(value):
    return "none" if value is None else f"{value:g}" if value < 1e5 else f"{value:,.0f}"


def judge(values, targets, further):
    """Prints the table; how many were met and missed."""
    met = missed = 0
    print(f"\n{'':72}{'target':>10}{'value':>12}")
    for key, words, target, sense in targets:
        value = values.get(key)
        good = value is not None and (value >= target if sense > 0 else value <= target)
        met, missed = met + good, missed + (not good)
        print(f"{words:72}{'>=' if sense > 0 else '<='} {target:>7g}{shown(value):>12}  {'met' if good else 'MISSED'}")
    for key in further:
        print(f"{key:72}{'':>10}{shown(values.get(key)):>12}")
    return met, missed


def run_guest(seconds):
    """The module's figures, in a guest: values, and what is kept beside them."""
    lab = Lab(os.path.join(BUILD, "lab", "bench"))
    try:
        guest = lab.guest("bench", **GUEST,
                          files={"/usr/bin/sbctl": os.path.join(BUILD, "sbctl")})
        with open(os.path.join(BUILD, "sealbond.ko"), "rb") as f:
            module = hashlib.sha256(f.read()).hexdigest()
        lab.boot(guest)
        bench = Bench(Rig(guest), seconds)
        bench.run()
        # it counts on while it idles
        guest.close()
        bench.values.update(helper.resident(lab, bench.raw))
    finally:
        lab.close()
    bench.values.update(revocation.figures())
    return {"unit": "instruction ratios: QEMU -icount shift=0,sleep=off, 1 instruction = 1 ns",
            "module_sha256": module, "kernel": guest.release, "qemu": qemu_version(), "seconds": seconds,
            **bench.values, "raw": bench.raw}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=1, help="guest seconds of each measurement")
    parser.add_argument("--part", choices=("guest", "ledger"), help="one of the two parts only")
    parser.add_argument("--only", nargs="*", default=(), help="of the ledger's part: checks light transactions tree "
                        "million import throughput latency four growth statesync")
    parser.add_argument("--out", default=os.path.join(BUILD, "bench.json"))
    arguments = parser.parse_args()
    result, targets, further = {"raw": {}}, [], []
    if arguments.part != "ledger":
        result = run_guest(arguments.seconds)
        targets, further = targets + TARGETS, further + FURTHER
    if arguments.part != "guest":
        part = ledger.Ledger()
        result.update(part.run(arguments.only))
        result["raw"]["ledger"] = part.raw
        targets, further = targets + ledger.TARGETS, further + ledger.FURTHER
    if arguments.only:
        targets, further = [row for row in targets if row[0] in result], [key for key in further if key in result]
    with open(arguments.out, "w", encoding="ascii") as f:
        json.dump(result, f, indent=1)
        f.write("\n")
    met, missed = judge(result, targets, further)
    if "kernel" in result:
        print(f"instruction ratios on kernel {result['kernel']}; no claim of speed on hardware.")
    if "ledger" in result["raw"]:
        here = result["raw"]["ledger"]["machine"]
        print(f"the ledger on {here['processors']} processors ({here['model']}), {here['compiler']}; no claim for others.")
    print(f"Written to {os.path.relpath(arguments.out)}")
    print(f"{met} met, {missed} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
