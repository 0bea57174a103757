# SPDX-License-Identifier: Apache-2.0
"""The wire: a switch, ports of the host's own on it, and what a capture of it holds."""

import collections
import ipaddress
import os
import re
import struct
import subprocess
import threading

from image import TOP
from process import end, spawn, wait_until

ETH_IPV4, ETH_IPV6, ETH_ARP, ETH_VLAN = 0x0800, 0x86DD, 0x0806, (0x8100, 0x88A8)
ICMP, TCP, UDP, ESP, ICMPV6 = 1, 6, 17, 50, 58
_IPV6_OPTIONS = (0, 43, 60)
_IPV6_FRAGMENT = 44


def default_port():
    """The handshake's UDP port, as the sources have it."""
    with open(os.path.join(TOP, "include/sealbond/limits.h"), encoding="utf-8") as f:
        return int(re.search(r"#define\s+SB_DEFAULT_PORT\s+(\d+)", f.read()).group(1))


class Switch:
    """A virtual Ethernet switch, or with hub=True one that sends every frame everywhere."""

    def __init__(self, run_dir, name="switch", hub=False):
        self.name = name
        self.socket = os.path.join(run_dir, "vde-" + name)
        # its console is its standard input, which it must not find at the end
        self._process = spawn(["vde_switch", "-s", self.socket] + (["-x"] if hub else []),
                              os.path.join(run_dir, f"vde-{name}.log"), stdin=subprocess.PIPE)
        wait_until(lambda: os.path.exists(os.path.join(self.socket, "ctl")), 10, "vde_switch")
        self._ports = []

    def port(self):
        """A port for the host, to send frames of its own making."""
        self._ports.append(Port(self))
        return self._ports[-1]

    def stop(self):
        for port in self._ports:
            port.close()
        end(self._process)


class Port:
    """Frames in and out of a switch, by vde_plug: each with its length in front, 16 bits."""

    def __init__(self, switch):
        read_end, write_end = os.pipe()
        self._process = spawn(["vde_plug", switch.socket], f"/dev/fd/{write_end}", stdin=subprocess.PIPE)
        os.close(write_end)
        self._stream = os.fdopen(read_end, "rb")
        self._in = collections.deque()
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            head = self._stream.read(2)
            if len(head) < 2:
                return
            frame = self._stream.read(struct.unpack(">H", head)[0])
            with self._changed:
                self._in.append(frame)
                self._changed.notify_all()

    def send(self, *frames):
        out = b"".join(struct.pack(">H", len(frame)) + frame for frame in frames)
        self._process.stdin.write(out)
        self._process.stdin.flush()

    def receive(self, accept=lambda frame: True, timeout=5):
        """The next frame that accept() likes; None if there is none in time. Others are dropped."""
        found = []

        def look():
            while self._in and not found:
                frame = self._in.popleft()
                if accept(frame):
                    found.append(frame)
            return bool(found)

        with self._changed:
            self._changed.wait_for(look, timeout)
        return found[0] if found else None

    def close(self):
        end(self._process)


def checksum(data):
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def udp_frame(source_mac, target_mac, source, target, source_port, target_port, payload):
    """An Ethernet frame with one UDP datagram, IPv4 or IPv6 by the addresses."""
    source, target = ipaddress.ip_address(source), ipaddress.ip_address(target)
    head = struct.pack(">HHHH", source_port, target_port, 8 + len(payload), 0)
    if source.version == 4:
        pseudo = source.packed + target.packed + struct.pack(">BBH", 0, UDP, 8 + len(payload))
    else:
        pseudo = source.packed + target.packed + struct.pack(">II", 8 + len(payload), UDP)
    udp = head[:6] + struct.pack(">H", checksum(pseudo + head + payload) or 0xFFFF) + payload
    return ip_frame(source_mac, target_mac, source, target, UDP, udp)


def ip_frame(source_mac, target_mac, source, target, protocol, payload, ttl=64):
    """An Ethernet frame with one IP packet."""
    source, target = ipaddress.ip_address(source), ipaddress.ip_address(target)
    if source.version == 4:
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, ttl, protocol, 0,
                           source.packed, target.packed)
        packet = head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload
    else:
        packet = struct.pack(">IHBB16s16s", 6 << 28, len(payload), protocol, ttl, source.packed,
                             target.packed) + payload
    kind = ETH_IPV4 if source.version == 4 else ETH_IPV6
    return mac_bytes(target_mac) + mac_bytes(source_mac) + struct.pack(">H", kind) + packet


class Frame:
    """One captured frame, taken apart as far as its kind needs.

    time: seconds; data: the bytes, link layer included; ethertype; src, dst: IP addresses as text, or
    None; protocol: of the packet in it; sport, dport; payload: of UDP, or what follows the IP header.
    """

    def __init__(self, time, data, port=None):
        self.time = time
        self.data = data
        self.src = self.dst = self.protocol = self.sport = self.dport = None
        self.payload = b""
        self.fragment = False
        self._hops = None
        try:
            self._take_apart()
        except (struct.error, IndexError):
            self.protocol = None
        self.kind = self._classify(port)

    def _take_apart(self):
        offset = 12
        self.ethertype = struct.unpack_from(">H", self.data, offset)[0]
        while self.ethertype in ETH_VLAN:
            offset += 4
            self.ethertype = struct.unpack_from(">H", self.data, offset)[0]
        packet = self.data[offset + 2:]
        if self.ethertype == ETH_IPV4:
            header = (packet[0] & 15) * 4
            total, fragment = struct.unpack_from(">H", packet, 2)[0], struct.unpack_from(">H", packet, 6)[0]
            self.src, self.dst = (str(ipaddress.IPv4Address(packet[i:i + 4])) for i in (12, 16))
            self._hops, self.protocol = packet[8], packet[9]
            self.fragment = bool(fragment & 0x3FFF)
            self.payload = packet[header:total or None]
            later = bool(fragment & 0x1FFF)
        elif self.ethertype == ETH_IPV6:
            length, self.protocol, self._hops = struct.unpack_from(">HBB", packet, 4)
            self.src, self.dst = (str(ipaddress.IPv6Address(packet[i:i + 16])) for i in (8, 24))
            rest, later = packet[40:40 + length], False
            while self.protocol in _IPV6_OPTIONS + (_IPV6_FRAGMENT,):
                size = 8 if self.protocol == _IPV6_FRAGMENT else (rest[1] + 1) * 8
                if self.protocol == _IPV6_FRAGMENT:
                    self.fragment = True
                    later = bool(struct.unpack_from(">H", rest, 2)[0] >> 3)
                self.protocol, rest = rest[0], rest[size:]
            self.payload = rest
        else:
            return
        if self.protocol in (UDP, TCP) and not later:
            self.sport, self.dport = struct.unpack_from(">HH", self.payload)
            if self.protocol == UDP:
                self.payload = self.payload[8:struct.unpack_from(">H", self.payload, 4)[0]]

    def _classify(self, port):
        if self.ethertype == ETH_ARP:
            return "arp"
        if self.protocol == ESP:
            return "esp"
        if self.protocol == ICMPV6 and self.payload and 133 <= self.payload[0] <= 137 and self._hops == 255:
            return "nd"
        if self.protocol == ICMPV6 and self.payload and self.payload[0] in (130, 131, 132, 143):
            return "mld"
        if self.protocol == UDP and port is not None and port in (self.sport, self.dport):
            if self.payload[:4] == bytes(4) and len(self.payload) > 4:
                return "handshake"
            if self.payload == b"\xff":
                return "keepalive"
            if len(self.payload) >= 8:
                return "esp-udp"
        return "other"

    def __str__(self):
        names = {ICMP: "ICMP", TCP: "TCP", UDP: "UDP", ESP: "ESP", ICMPV6: "ICMPv6"}
        if self.src is None:
            return f"{self.kind}: ethertype {self.ethertype:#06x}, {len(self.data)} bytes"
        ports = f" {self.sport} > {self.dport}" if self.sport is not None else ""
        what = names.get(self.protocol, f"protocol {self.protocol}")
        return f"{self.kind}: {what}{ports}, {self.src} > {self.dst}, {len(self.data)} bytes"


class Capture:
    """A pcap file that QEMU writes, for one network card; it can be read while it grows."""

    HEADER, RECORD = 24, 16

    def __init__(self, path, port=None):
        self.path = path
        self.port = port

    def mark(self):
        """The end of the capture so far, for frames(since=...)."""
        end_of_file = self.HEADER
        for _, _, end_of_file in self._records(self.HEADER):
            pass
        return end_of_file

    def _records(self, start):
        try:
            f = open(self.path, "rb")
        except FileNotFoundError:
            return
        with f:
            head = f.read(self.HEADER)
            if len(head) < self.HEADER:
                return
            order = "<" if head[:4] == b"\xd4\xc3\xb2\xa1" else ">"
            f.seek(start)
            data = f.read()
        offset = 0
        while offset + self.RECORD <= len(data):
            seconds, micros, length, _ = struct.unpack_from(order + "IIII", data, offset)
            if offset + self.RECORD + length > len(data):
                return
            offset += self.RECORD + length
            yield seconds + micros / 1e6, data[offset - length:offset], start + offset

    def frames(self, since=None):
        for time, data, _ in self._records(since or self.HEADER):
            yield Frame(time, data, self.port)

    def kinds(self, since=None):
        """How many frames of each kind."""
        return collections.Counter(frame.kind for frame in self.frames(since))

    def having(self, pattern, since=None):
        """The frames whose bytes hold the pattern."""
        return [frame for frame in self.frames(since) if pattern in frame.data]

    def outside(self, allowed, since=None):
        """The frames that are of no allowed kind."""
        return [frame for frame in self.frames(since) if frame.kind not in allowed]

    def wait_for(self, accept, timeout=10, since=None):
        """Waits for a frame that accept() likes, returns it."""
        return wait_until(lambda: next((f for f in self.frames(since) if accept(f)), None), timeout,
                          f"a frame in {os.path.basename(self.path)}", 0.02)
