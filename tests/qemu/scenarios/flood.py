# SPDX-License-Identifier: Apache-2.0
"""Garbage to the bond port, faster than the guest can look at it.

    a ──┐
    b ──┴── switch ── a port of the host, which sends 100,000 datagrams to b
"""

import random
import re
import struct
import threading

import bonded
from process import wait_until
from wire import UDP, checksum, mac_bytes

LAB = "hostile"
PACKETS = 100_000
BATCH = 1000
SIZES = {1: 264, 2: 140, 3: 76}     # initiation, response, cookie reply: sizes of about right
SLACK_KB = 2048


def datagram(source, target, source_port, payload):
    """An IPv4 packet with a UDP datagram without checksum."""
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, UDP, 0, source, target)
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return head + struct.pack(">HHHH", source_port, bonded.PORT, 8 + len(payload), 0) + payload


def garbage(chance):
    """A payload of one of several kinds."""
    kind = chance.randrange(6)
    if kind == 0:
        return chance.randbytes(chance.randrange(0, 400))
    if kind == 1:
        return bytes(4) + chance.randbytes(chance.randrange(0, 400))
    message = chance.choice(list(SIZES))
    body = struct.pack(">IBBH", 0, message, 1, 0) + chance.randbytes(SIZES[message] - 8)
    if kind == 2:       # cut
        return body[:chance.randrange(1, len(body))]
    if kind == 3:       # another wire version, another type
        return body[:4] + bytes([chance.randrange(256), chance.randrange(256)]) + body[6:]
    return body         # of the right shape, and nothing in it is right: mac1 is not


class Flood(threading.Thread):
    """Sends until so many frames were seen at the target's card."""

    def __init__(self, port, target, count):
        super().__init__(daemon=True)
        self.error = None
        self.sent = 0
        self._port = port
        self._target = target
        self._count = count
        self._seen = self.received()

    def received(self):
        return int(self._target.out(f"cat /sys/class/net/{self._target.device}/statistics/rx_packets"))

    def run(self):
        try:
            chance = random.Random(1)
            head = mac_bytes(self._target.guest.nics[0].mac) + mac_bytes(bonded.Attacker.MAC) + b"\x08\0"
            target = bytes([10, 0, 0, self._target.number])
            while self.received() - self._seen < self._count:
                batch = [head + datagram(bytes([10, 0, 0, chance.randrange(100, 250)]), target,
                                         chance.randrange(1, 65536), garbage(chance)) for _ in range(BATCH)]
                self._port.send(*batch)
                self.sent += BATCH
        except Exception as error:      # told by the main thread
            self.error = error


def memory(side):
    side.run("echo 3 > /proc/sys/vm/drop_caches")
    text = side.out("cat /proc/meminfo")
    return {name: int(re.search(rf"^{name}:\s+(\d+)", text, re.M)[1]) for name in ("Slab", "SUnreclaim", "MemFree")}


def test_flood(lab, t):
    pair = bonded.pair(lab).up()
    a, b = pair.sides
    port = lab.switch.port()
    capture = b.guest.nics[0].capture
    # what a first flood makes for good (caches of the kernel's) is made before the count
    warm = Flood(port, b, 2000)
    warm.start()
    warm.join(120)
    before = memory(b)
    mark = capture.mark()
    # the card counts the bond's own packets, too
    flood = Flood(port, b, PACKETS + 3 * BATCH)
    flood.start()
    ping = a.start(f"ping -n -i 0.2 -c 10000 {b.inner4}")
    ping.expect("time=")
    wait_until(lambda: flood.sent >= PACKETS // 4 or flood.error, 120, "a quarter of the flood", 0.1)
    pair.start(timeout=90)
    t.check("during the flood a handshake succeeds", flood.is_alive(), "the flood was over")
    replies = ping.out.count("time=")
    flood.join(300)
    t.check(f"{PACKETS} datagrams arrived", not flood.error and not flood.is_alive(), flood.error)
    t.check("during the flood the bond works", ping.out.count("time=") > replies + 5, ping.out[-300:])
    ping.stop(9)
    pair.start()
    t.check("behind it a handshake succeeds", pair.pings())
    frames = [f for f in capture.frames(mark)]
    attackers = {f"10.0.0.{n}" for n in range(100, 250)}
    came = sum(f.src in attackers for f in frames)
    answers = [str(f) for f in frames if f.dst in attackers and f.protocol is not None]
    t.check(f"not one of {came} was answered", came >= PACKETS and not answers, (came, answers[:5]))
    after = memory(b)
    t.note(f"before {before}, after {after}")
    t.check("the kernel's memory has not grown", after["SUnreclaim"] - before["SUnreclaim"] < SLACK_KB
            and before["MemFree"] - after["MemFree"] < 2 * SLACK_KB, (before, after))
    t.check("nor has the socket's queue", "00000000:00000000" in b.out("grep :1D1E /proc/net/udp"),
            b.out("cat /proc/net/udp"))
