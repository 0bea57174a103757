# SPDX-License-Identifier: Apache-2.0
"""A daemon with a chain of its own on loopback, and the clients of the tests."""

import base64
import hashlib
import http.client
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import urllib.parse

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "qemu"))

from process import end, spawn, wait_until  # noqa: E402

DAEMON = os.environ.get("LEDGERD") or os.path.join(TOP, "build", "tests", "ledgerd_kv")
COMETBFT = os.path.join(TOP, "build", "cometbft")
LIGHT_LINES = os.path.join(TOP, "build", "tests", "light_lines")


class RpcError(Exception):
    """What an answer's error says: its code, its data."""

    def __init__(self, error):
        super().__init__(f"{error.get('code')} {error.get('message')}: {error.get('data')}")
        self.code, self.data = error.get("code"), error.get("data")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Client:
    """JSON-RPC over one HTTP connection."""

    def __init__(self, port, timeout=30):
        self.port, self.timeout, self.connection, self.id = port, timeout, None, 0

    def request(self, method, path, body=None, headers=None):
        """Status and body; a connection that was closed meanwhile is opened again, once."""
        for last in (False, True):
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
            try:
                self.connection.request(method, path, body, headers or {})
                answer = self.connection.getresponse()
                return answer.status, answer.read()
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self.close()
                if last or method != "GET":
                    raise
            except (OSError, http.client.HTTPException):
                self.close()
                raise
        return None

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def post(self, body):
        _, text = self.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
        return json.loads(text) if text else None

    def call(self, method, **params):
        self.id += 1
        answer = self.post({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params})
        if answer.get("id") != self.id:
            raise RuntimeError(f"{method}: answer {answer}")
        if "error" in answer:
            raise RpcError(answer["error"])
        return answer["result"]

    def get(self, method, **arguments):
        """The whole answer to a URI, and its status."""
        query = urllib.parse.urlencode(arguments)
        status, text = self.request("GET", f"/{method}" + (f"?{query}" if query else ""))
        return status, json.loads(text)

    def tip(self):
        return int(self.call("status")["sync_info"]["latest_block_height"])


def b64(data):
    return base64.b64encode(data).decode()


def tx_hash(tx):
    return hashlib.sha256(tx).hexdigest().upper()


class WebSocket:
    """As much of RFC 6455 as a test needs."""

    def __init__(self, port, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET /websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head:
            more = self.socket.recv(1)
            if not more:
                raise ConnectionError(f"handshake: {head!r}")
            head += more
        want = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        if b" 101 " not in head.split(b"\r\n")[0] or b"sec-websocket-accept: " + want.lower() not in head.lower():
            raise ConnectionError(f"handshake: {head!r}")

    def send(self, opcode, data, last=True, masked=True):
        size = len(data)
        head = bytes([(0x80 if last else 0) | opcode])
        mask = 0x80 if masked else 0
        head += bytes([mask | size]) if size < 126 else bytes([mask | 126]) + struct.pack(">H", size) \
            if size < 65536 else bytes([mask | 127]) + struct.pack(">Q", size)
        key = os.urandom(4) if masked else b""
        self.socket.sendall(head + key + (bytes(b ^ key[i & 3] for i, b in enumerate(data)) if masked else data))

    def exactly(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise ConnectionError("closed")
            data += more
        return data

    def frame(self):
        head = self.exactly(2)
        size = head[1] & 127
        if size > 125:
            size = int.from_bytes(self.exactly(2 if size == 126 else 8), "big")
        return head[0] & 15, self.exactly(size)

    def text(self, body):
        self.send(1, json.dumps(body).encode())

    def answer(self):
        """The next message, pongs and pings left out."""
        while True:
            opcode, data = self.frame()
            if opcode == 1:
                return json.loads(data)
            if opcode == 8:
                raise ConnectionError(f"close {data!r}")

    def close(self):
        self.socket.close()


class Ledgerd:
    """One home; started, killed and started again."""

    def __init__(self, directory, *options, chain="test-chain", state=None, path=None):
        self.home, self.options, self.port = os.path.join(directory, "home"), list(options), free_port()
        self.path = path
        self.log, self.process, self.chain = os.path.join(directory, "ledgerd.log"), None, chain
        arguments = [DAEMON, "init", "--home", self.home, "--chain", chain]
        if state is not None:
            path = os.path.join(directory, "state.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(state, file)
            arguments += ["--app-state", path]
        subprocess.run(arguments, check=True, stderr=subprocess.DEVNULL)

    def start(self):
        self.process = spawn([DAEMON, "run", "--home", self.home, "--listen",
                              self.path or f"127.0.0.1:{self.port}", *self.options], self.log)
        wait_until(self.is_up, 30, f"{self.log}: listening")
        return self

    def is_up(self):
        if self.process.poll() is not None:
            with open(self.log, encoding="utf-8") as log:
                raise RuntimeError(f"the daemon ended: {log.read().splitlines()[-1:]}")
        try:
            if self.path:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(self.path)
            else:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        end(self.process, 20)
        return self.process.returncode

    def client(self):
        return Client(self.port)


def first_hash(client):
    """Of a chain's first block: what its clients begin with."""
    return client.call("commit", height="1")["signed_header"]["commit"]["block_id"]["hash"]


class LightLines:
    """The devices' light client (light_lines.c), with what it trusts in a directory; before: words that run it, after:
    words behind."""

    def __init__(self, urls, chain, first, directory, before=(), after=()):
        os.makedirs(directory, exist_ok=True)
        self.process = subprocess.Popen([*before, LIGHT_LINES, urls, chain, first, directory, *after], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def ask(self, command, data=b""):
        self.process.stdin.write(f"{command} {data.hex()}".strip() + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().split()

    def close(self):
        self.process.stdin.close()
        return self.process.wait(30)


class LightProxy:
    """CometBFT's own light client, which believes block 1 of a chain and checks everything else."""

    def __init__(self, directory, ledgerd, *options):
        self.port, self.log = free_port(), os.path.join(directory, "light.log")
        first = first_hash(ledgerd.client())
        url = f"http://127.0.0.1:{ledgerd.port}"
        self.process = spawn([COMETBFT, "light", ledgerd.chain, "-p", url, "-w", url, "--height", "1", "--hash", first,
                              "--laddr", f"tcp://127.0.0.1:{self.port}", "--home-dir", os.path.join(directory, "light"),
                              "--home", os.path.join(directory, "comet"), "--log_level", "info", *options], self.log)
        wait_until(self.is_up, 60, f"{self.log}: listening")

    def is_up(self):
        if self.process.poll() is not None:
            with open(self.log, encoding="utf-8") as log:
                raise RuntimeError(f"the light client ended: {log.read()[-500:]}")
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def client(self):
        return Client(self.port)

    def said(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()

    def stop(self):
        end(self.process, 10)
