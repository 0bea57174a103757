# SPDX-License-Identifier: Apache-2.0
"""The host's end of the verdict channel; the frames are described in agent.c."""

import os
import socket
import struct
import threading
import time

CHUNK = 256 * 1024
OUTPUT_MAX = 1 << 20
FLAG_TIMEOUT = 1
FLAG_TRUNCATED = 2


class GuestDied(Exception):
    """The guest panicked or was lost; the text ends with its console."""


class CommandFailed(Exception):
    """A command in the guest failed, and was to succeed."""


class Result:
    """How a command ended. code: its exit code, 128 + signal where it was killed; out: stdout and stderr."""

    def __init__(self, command, code, out, flags):
        self.command = command
        self.code = code
        self.raw = out
        self.out = out.decode(errors="replace")
        self.timed_out = bool(flags & FLAG_TIMEOUT)
        self.truncated = bool(flags & FLAG_TRUNCATED)

    def __bool__(self):
        return self.code == 0

    def __str__(self):
        why = "took too long" if self.timed_out else f"exit {self.code}"
        return f"`{self.command}`: {why}\n{self.out.rstrip()}"


class Job:
    """A command that runs in the guest."""

    def __init__(self, channel, number, command):
        self._channel = channel
        self.number = number
        self.command = command
        self._out = bytearray()
        self._result = None

    @property
    def out(self):
        with self._channel.changed:
            return self._out.decode(errors="replace")

    @property
    def running(self):
        self._channel.check_alive()
        return self._result is None

    def wait(self, timeout=60, check=False):
        """Waits for its end; returns the Result."""
        self._channel.wait(lambda: self._result is not None, timeout, f"`{self.command}` goes on")
        if check and not self._result:
            raise CommandFailed(f"{self._channel.name}: {self._result}")
        return self._result

    def expect(self, text, timeout=30):
        """Waits until its output holds text; returns the output so far."""
        self._channel.wait(lambda: text.encode() in self._out or self._result is not None, timeout,
                           f"`{self.command}` has not said {text!r}")
        if text.encode() not in self._out:
            raise CommandFailed(f"{self._channel.name}: ended without {text!r}: {self._result}")
        return self.out

    def kill(self, signal=15):
        self._channel.send("K", self.number, bytes([signal]))

    def stop(self, signal=15, timeout=10):
        """Signals it, waits for its end."""
        if self._result is None:
            self.kill(signal)
        return self.wait(timeout)


class Channel:
    """on_lost() gives the words for a guest that is gone."""

    def __init__(self, name, connection, on_lost):
        self.name = name
        self.changed = threading.Condition()
        self.hello = None
        self._socket = connection
        self._on_lost = on_lost
        self._lost = False
        self._jobs = {}
        self._next = 0
        self._send_lock = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def close(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def check_alive(self):
        if self._lost:
            raise GuestDied(self._on_lost())

    def wait(self, condition, timeout, otherwise):
        """Waits until condition() holds; it is asked under the lock, after each frame."""
        with self.changed:
            if not self.changed.wait_for(lambda: condition() or self._lost, timeout):
                raise TimeoutError(f"{self.name}: {otherwise} after {timeout} s")
            if condition():
                return
        self.check_alive()

    def send(self, kind, number, payload=b""):
        try:
            with self._send_lock:
                self._socket.sendall(struct.pack(">IcI", 5 + len(payload), kind.encode(), number) + payload)
        except OSError:
            with self.changed:
                self._lost = True
                self.changed.notify_all()
            self.check_alive()

    def _number(self):
        with self.changed:
            self._next += 1
            return self._next

    def start(self, command, timeout=0, output_max=OUTPUT_MAX):
        """Starts a command; timeout in seconds, after which the guest kills it."""
        number = self._number()
        job = Job(self, number, command)
        with self.changed:
            self._jobs[number] = job
        self.send("R", number, struct.pack(">II", int(timeout * 1000), output_max) + command.encode())
        return job

    def _ask(self, kind, payload):
        """Sends a request about a file; returns its code and the data that came before it."""
        reply = Job(self, self._number(), kind)
        with self.changed:
            self._jobs[reply.number] = reply
        self.send(kind, reply.number, payload)
        result = reply.wait(120)
        return result.code, result.raw

    def put(self, path, data, mode=0o644):
        name = path.encode()
        offset = 0
        while True:
            chunk = data[offset:offset + CHUNK]
            code, _ = self._ask("P", struct.pack(">IQH", mode, offset, len(name)) + name + chunk)
            if code != 0:
                raise OSError(-code, os.strerror(-code), path)
            offset += len(chunk)
            if offset >= len(data):
                return

    def get(self, path):
        code, data = self._ask("G", path.encode())
        if code != 0:
            raise OSError(-code, os.strerror(-code), path)
        return data

    def _read(self):
        buffer = bytearray()
        while True:
            try:
                data = self._socket.recv(1 << 16)
            except OSError:
                data = b""
            if not data:
                break
            buffer += data
            while len(buffer) >= 4:
                length = struct.unpack_from(">I", buffer)[0]
                if len(buffer) < 4 + length:
                    break
                kind, number = struct.unpack_from(">cI", buffer, 4)
                self._dispatch(kind.decode(), number, bytes(buffer[9:4 + length]))
                del buffer[:4 + length]
        with self.changed:
            self._lost = True
            self.changed.notify_all()
        self._socket.close()

    def _dispatch(self, kind, number, payload):
        with self.changed:
            job = self._jobs.get(number)
            if kind == "H":
                self.hello = payload.decode()
            elif kind in "OD" and job:
                job._out += payload
            elif kind == "X" and job:
                code, flags = struct.unpack(">iB", payload)
                job._result = Result(job.command, code, bytes(job._out), flags)
                del self._jobs[number]
            self.changed.notify_all()

    def wait_hello(self, timeout, started=None):
        started = started or time.monotonic()
        self.wait(lambda: self.hello is not None, timeout, "has not come up")
        return time.monotonic() - started
