# SPDX-License-Identifier: Apache-2.0
"""Links with delays and outages, frame by frame: not each kernel has netem.

    bridge ── tap NAME ── this ── tap INSIDE ── a namespace
"""

import fcntl
import heapq
import os
import select
import struct
import threading
import time

TUNSETIFF = 0x400454ca
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
FRAME = 2048
MOST = 10000		# frames under way; more are lost, as in a full queue


def open_tap(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return fd


class Wire:
    """All links of a test. They last for as long as the process."""

    def __init__(self):
        self.other, self.link = {}, {}		# by descriptor
        self.delay, self.cut = {}, set()	# by link's name: seconds one way
        self.poll = select.epoll()
        self.due = []
        self.count = 0
        threading.Thread(target=self._run, daemon=True).start()

    def add(self, name, inside):
        ends = open_tap(name), open_tap(inside)
        self.delay[name] = 0.0
        for fd, other in (ends, ends[::-1]):
            self.other[fd], self.link[fd] = other, name
        for fd in ends:
            self.poll.register(fd, select.EPOLLIN)

    def _read(self, fd):
        name = self.link[fd]
        try:
            frame = os.read(fd, FRAME)
        except OSError:		# the interface is down
            return
        if name in self.cut or len(self.due) >= MOST:
            return
        self.count += 1
        heapq.heappush(self.due, (time.monotonic() + self.delay[name], self.count, self.other[fd], frame))

    def _run(self):
        while True:
            wait = self.due[0][0] - time.monotonic() if self.due else 0.2
            for fd, _ in self.poll.poll(max(0.0, min(wait, 0.2))):
                self._read(fd)
            while self.due and self.due[0][0] <= time.monotonic():
                _, _, to, frame = heapq.heappop(self.due)
                try:
                    if self.link[to] not in self.cut:
                        os.write(to, frame)
                except OSError:
                    pass
