# SPDX-License-Identifier: Apache-2.0
"""Stands between CometBFT and its application, and kills the application in the middle of a Commit."""

import os
import random
import signal
import socket
import threading
import time

COMMIT = b"\x5a\x00"		# Request{11: {}}


class Killer:
    def __init__(self, node, seed):
        self.node, self.random = node, random.Random(seed)
        self.path = os.path.join(node.directory, "between.sock")
        self.armed, self.killed = False, threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(8)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                above, _ = self.listener.accept()
            except OSError:
                return
            below = socket.socket(socket.AF_UNIX)
            try:
                below.connect(self.node.socket)
            except OSError:
                above.close()
                continue
            threading.Thread(target=self._down, args=(above, below), daemon=True).start()
            threading.Thread(target=self._up, args=(above, below), daemon=True).start()

    @staticmethod
    def _close(*sockets):
        for one in sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _up(self, above, below):
        try:
            while data := below.recv(1 << 16):
                above.sendall(data)
        except OSError:
            pass
        self._close(above, below)

    def _down(self, above, below):
        data = b""
        try:
            while more := above.recv(1 << 16):
                data += more
                while (message := self._take(data)) is not None:
                    data = data[len(message):]
                    self._pass(message, below)
        except OSError:
            pass
        self._close(above, below)

    @staticmethod
    def _take(data):
        """A whole message with its length, or None."""
        length = shift = at = 0
        while True:
            if at == len(data):
                return None
            byte, at = data[at], at + 1
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        return data[:at + length] if len(data) >= at + length else None

    def _pass(self, message, below):
        if not self.armed or not message.endswith(COMMIT) or len(message) != 3:
            below.sendall(message)
            return
        self.armed = False
        moment = self.random.random() * 0.012 - 0.001
        if moment >= 0:
            below.sendall(message)
            time.sleep(moment)		# into the writing, or just behind it
        self.node.ledgerd.send_signal(signal.SIGKILL)
        self.killed.set()

    def kill_one(self, timeout):
        """Kills at the next Commit, and waits for it."""
        self.killed.clear()
        self.armed = True
        if not self.killed.wait(timeout):
            raise TimeoutError(f"node {self.node.number}: no Commit within {timeout} s")
        self.node.ledgerd.wait()

    def close(self):
        self.armed = False
        self.listener.close()
