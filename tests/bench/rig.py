# SPDX-License-Identifier: Apache-2.0
"""One guest on the instruction-counted clock, two namespaces in it, and what is measured there.

    namespace a              namespace b
    veth0 10.0.0.1 ───────── veth0 10.0.0.2      MTU 1500
    tunnel 10.9.N.1          tunnel 10.9.N.2     MTU 1420, N: the leg

The clock: QEMU's -icount shift=0,sleep=off, one nanosecond an instruction.
So a rate here is a count of instructions, both ends together on one processor. idle=poll keeps the guest
from skipping time: the TPM lives in real time, and would be late for every timeout.
"""

import json
import re

OUTER = {"a": "10.0.0.1", "b": "10.0.0.2"}
OTHER = {"a": "b", "b": "a"}
INNER_MTU = 1420
IPERF_PORT = 5201
PACKET_BYTES = 64
# a command's time limit is in guest seconds; the host's clock runs about ten times as long
LONG = 3000
# what a guest of this bench is, for Lab.guest()
GUEST = {"nics": 0, "disk": None, "icount": True, "append": "idle=poll", "mem": 640}


class Rig:
    def __init__(self, guest):
        self.guest = guest
        self.keys = {}

    def run(self, command, **options):
        return self.guest.run(command, timeout=LONG, **options)

    def out(self, command):
        return self.run(command).out.strip()

    def ns(self, name, command, **options):
        return self.run(f"ip netns exec {name} {command}", **options)

    def set_up(self):
        for name in OUTER:
            self.run(f"ip netns add {name}; ip -n {name} link set lo up")
        self.run("ip link add veth0 netns a type veth peer name veth0 netns b")
        for name, address in OUTER.items():
            self.run(f"ip -n {name} addr add {address}/24 dev veth0; ip -n {name} link set veth0 up")
        macs = {name: self.out(f"ip netns exec {name} cat /sys/class/net/veth0/address") for name in OUTER}
        for name, other in OTHER.items():
            # no ARP in between
            self.run(f"ip -n {name} neigh replace {OUTER[other]} lladdr {macs[other]} dev veth0 nud permanent")

    def address(self, leg, name):
        return f"10.9.{leg}.{1 if name == 'a' else 2}"

    def add_address(self, leg, name, device):
        self.run(f"ip -n {name} link set {device} mtu {INNER_MTU} up; "
                 f"ip -n {name} addr add {self.address(leg, name)}/24 dev {device}")

    # -- what is measured -------------------------------------------------------------------------

    def _iperf(self, target, options):
        """One iperf3 run from a to b; the client's report, with the share of idle time. /proc/stat is read
        beside it: between two commands the guest idles, and skips as much time as it likes."""
        server = self.guest.start(f"ip netns exec b iperf3 -s -1 --forceflush -p {IPERF_PORT}")
        server.expect("listening", timeout=LONG)
        text = self.out("head -n 1 /proc/stat; "
                        f"ip netns exec a iperf3 -c {target} -p {IPERF_PORT} -J {options}; head -n 1 /proc/stat")
        server.wait(LONG)
        before, rest = text.split("\n", 1)
        middle, after = rest.rsplit("\n", 1)
        report = json.loads(middle)
        if "error" in report:
            raise RuntimeError(f"iperf3: {report['error']}")
        before, after = ([int(word) for word in line.split()[1:9]] for line in (before, after))
        # the fourth is idle
        report["idle"] = (after[3] - before[3]) / max(1, sum(after) - sum(before))
        return report

    def tcp(self, target, seconds):
        """Bulk: bytes a guest second that the receiving program has read."""
        report = self._iperf(target, f"-t {seconds} -O 1")
        end = report["end"]
        return {"bytes_per_s": round(end["sum_received"]["bits_per_second"] / 8),
                "retransmits": end["sum_sent"]["retransmits"], "idle": round(report["idle"], 3)}

    def udp(self, target, seconds):
        """64-byte payloads as fast as they go: those that the receiving program has read."""
        report = self._iperf(target, f"-u -l {PACKET_BYTES} -b 0 -t {seconds} -O 1")
        end = report["end"]["sum"]
        received = end["packets"] - end["lost_packets"]
        return {"packets_per_s": round(received / end["seconds"]),
                "sent_per_s": round(end["packets"] / end["seconds"]),
                "lost": end["lost_packets"], "idle": round(report["idle"], 3)}

    def memory(self):
        """KiB: what is available, and what the kernel holds in slabs and per CPU."""
        text = self.guest.get("/proc/meminfo").decode()
        value = {name: int(number) for name, number in re.findall(r"^(\w+):\s+(\d+) kB", text, re.M)}
        return {"available": value["MemAvailable"], "slab": value["Slab"], "unreclaim": value["SUnreclaim"],
                "percpu": value["Percpu"], "vmalloc": value["VmallocUsed"]}
