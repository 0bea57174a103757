# SPDX-License-Identifier: Apache-2.0
"""A peer on the host, at a port of the lab's switch, whose keys the harness knows: tests/tools/fakepeer."""

import hashlib
import os
import struct
import subprocess
import threading

from image import BUILD
from keyscan import Scanner
from wire import ESP, ETH_ARP, Frame, default_port, mac_bytes, udp_frame

MAC = "52:54:00:00:fa:4e"
CHAIN = hashlib.sha256(b"static").digest()	# what a device is on without [device] chain


class Epoch:
    """One generation of traffic keys, as fakepeer tells them: SPIs as text, 32-byte keys without their salts."""

    def __init__(self, words):
        self.spi_in, self.spi_out = words[:2]
        self.keys = [bytes.fromhex(word)[:32] for word in words[3:5]]


class FakePeer:
    """address: IPv4 on the cable; mac: where there are several, one for each. The SPIs that it chooses are the same for
    all. epochs: what was agreed, oldest first; opened: for each ESP packet that came,
    ["opened", next header] or ["closed"]; other: why messages were not answered."""

    def __init__(self, lab, address, inner4, inner6, mac=MAC):
        self.mac = mac
        self.address, self.inner4, self.inner6 = address, inner4, inner6
        self.private, self.device_id = os.urandom(32), os.urandom(32)
        self.public = Scanner().public(self.private)
        self.epochs, self.opened, self.other = [], [], []
        self._port = lab.switch.port()
        self._tool = None

    def stanza(self, name, port=default_port()):
        """Its section of the peers' file."""
        return (f"[peer {name}]\ndevice_id = {self.device_id.hex()}\nkey = {self.public.hex()}\n"
                f"overlay4 = {self.inner4}\noverlay6 = {self.inner6}\nendpoint = {self.address}:{port}\nlease = 24h")

    def start(self, device_id, key):
        """Answers this device (hexadecimal) from now on."""
        self._tool = subprocess.Popen([os.path.join(BUILD, "tests/fakepeer"), self.private.hex(), self.device_id.hex(),
                                       CHAIN.hex(), key, device_id], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      text=True, bufsize=1)
        if self._tool.stdout.readline().split() != ["ready", self.public.hex()]:
            raise OSError("fakepeer does not start")
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self):
        if self._tool:
            self._tool.kill()
            self._tool.wait()

    def _ask(self, line):
        """The lines that it answers, as words."""
        self._tool.stdin.write(line + "\n")
        answers = []
        while not answers or answers[-1] != ["done"]:
            words = self._tool.stdout.readline().split()
            if not words:
                raise OSError("fakepeer is gone")
            answers.append(words)
        return answers[:-1]

    def _serve(self):
        try:
            while True:
                data = self._port.receive(timeout=3600)
                if data:
                    self._frame(data)
        except (OSError, ValueError):
            return

    def _frame(self, data):
        frame = Frame(0, data, default_port())
        if frame.ethertype == ETH_ARP:
            self._arp(data)
        elif frame.dst == self.address and frame.kind == "handshake":
            for words in self._ask(f"udp {frame.src} {frame.sport} {frame.dst} {frame.dport} {frame.payload.hex()}"):
                if words[0] == "reply":
                    self._port.send(udp_frame(self.mac, data[6:12].hex(), self.address, frame.src, frame.dport, frame.sport,
                                              bytes.fromhex(words[1])))
                elif words[0] == "keys":
                    self.epochs.append(Epoch(words[1:]))
                else:
                    self.other.append(words)
        elif frame.dst == self.address and (frame.protocol == ESP or frame.kind == "esp-udp"):
            self.opened += self._ask(f"esp {frame.payload.hex()}")

    def _arp(self, data):
        """RFC 826: somebody asks for our address."""
        operation, sender, target = struct.unpack_from(">H", data, 20)[0], data[22:32], data[38:42]
        mac = mac_bytes(self.mac)
        own = bytes(int(part) for part in self.address.split("."))
        if operation == 1 and target == own:
            self._port.send(sender[:6] + mac + data[12:20] + b"\0\2" + mac + own + sender)
