# SPDX-License-Identifier: Apache-2.0
"""When something happened, by one clock: that of a guest's capture, in which everything that matters can be seen."""

import os
import re

from wire import mac_bytes

SEALED = ("esp", "esp-udp")
HEIGHT = re.compile(rb'"height":"(\d{1,18})"')


class Timeline:
    """At device, from now on; peer: whose packets it answers."""

    def __init__(self, device, peer):
        self.device, self.peer = device, peer
        self.capture = device.guest.nics[0].capture
        self.since = self.capture.mark()

    def mark_command(self, guest):
        """(shell command that sends a frame from this guest to the device, the frame's pattern)."""
        pattern = os.urandom(16)
        frame = mac_bytes(self.device.guest.nics[0].mac) + mac_bytes(guest.nics[0].mac) + b"\x88\xb5" + pattern * 4
        return f"rawsend packet eth0 {frame.hex()} >/dev/null", pattern

    def time_of(self, pattern, timeout=10):
        return self.capture.wait_for(lambda frame: pattern in frame.data, timeout, self.since).time

    def now(self, guest):
        """The time, as this guest's frame arrives."""
        command, pattern = self.mark_command(guest)
        guest.run(command)
        return self.time_of(pattern)

    def heard_of_block(self, height, port):
        """When the first answer of a ledger came in that names this block, or a later one: a device skips some."""
        def named(frame):
            return frame.sport == port and any(int(n) >= height for n in HEIGHT.findall(frame.data))
        return self.capture.wait_for(named, 30, self.since).time

    def _sealed(self, source, target):
        return [frame.time for frame in self.capture.frames(self.since)
                if frame.kind in SEALED and (frame.src, frame.dst) == (source.wire4, target.wire4)]

    def last_answer(self):
        return max(self._sealed(self.device, self.peer), default=None)

    def first_unanswered(self):
        """When the first of the peer's packets came that has no answer, nor has any after it; None: it is silent."""
        last = self.last_answer()
        return min((time for time in self._sealed(self.peer, self.device) if last is None or time > last), default=None)
