# SPDX-License-Identifier: Apache-2.0
"""Validators in network namespaces: CometBFT, and behind it sealbond-ledgerd.

            br0 ── 10.99.0.254, the test
             │
    ┌────┬───┴┬────┬────┐      a partition moves some of them to br1,
    n1   n2   n3   n4   n5     where the test has an address, too
    10.99.0.1 …

All of it is in a network and a mount namespace of the test's own, and goes with it.
"""

import ctypes
import http.client
import json
import os
import re
import signal
import socket
import subprocess

from ledgerd import COMETBFT, TOP, Client, RpcError, b64
from process import end, spawn, wait_until
from links import Wire
from people import Person

SEALBOND = os.path.join(TOP, "build", "sealbond")
LEDGERD = os.path.join(TOP, "build", "sealbond-ledgerd")
CHAIN = "plant-cluster"
PATIENCE = 120


def command(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


class Network:
    """Only where there is nothing but loopback: in a namespace of our own."""

    def __init__(self, slow=False):
        """slow: with links that a test can delay and cut."""
        if [name for _, name in socket.if_nameindex() if name != "lo"]:
            raise RuntimeError("run it by make check-cluster: it needs a network namespace of its own")
        libc = ctypes.CDLL(None, use_errno=True)
        os.makedirs("/run/netns", exist_ok=True)
        if libc.mount(b"none", b"/", None, 0x44000, None) or libc.mount(b"none", b"/run/netns", b"tmpfs", 0, None):
            raise OSError(ctypes.get_errno(), "mount")
        self.wire = Wire() if slow else None
        command("ip", "link", "set", "lo", "up")
        for bridge, address in (("br0", 254), ("br1", 253)):
            command("ip", "link", "add", bridge, "type", "bridge")
            command("ip", "address", "add", f"10.99.0.{address}/32", "dev", bridge)
            command("ip", "link", "set", bridge, "up")

    def add(self, number):
        name, inside = f"n{number}", f"in{number}"
        command("ip", "netns", "add", name)
        if self.wire:
            self.wire.add(name, inside)
        else:
            command("ip", "link", "add", name, "type", "veth", "peer", "name", inside)
        command("ip", "link", "set", inside, "netns", name)
        for words in (("address", "add", f"10.99.0.{number}/24", "dev", inside), ("link", "set", inside, "up"),
                      ("link", "set", "lo", "up")):
            command("ip", "-n", name, *words)
        command("ip", "link", "set", name, "up")
        Network.put(number, "br0")

    @staticmethod
    def put(number, bridge):
        """On this bridge; those on another cannot be reached."""
        command("ip", "link", "set", f"n{number}", "master", bridge)
        command("ip", "route", "replace", f"10.99.0.{number}/32", "dev", bridge)


class NodeClient(Client):
    """Over a node's address."""

    def __init__(self, host, timeout=30):
        super().__init__(26657, timeout)
        self.host = host

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


class Node:
    def __init__(self, number, directory):
        self.number, self.directory = number, directory
        self.comet_home, self.home = os.path.join(directory, "comet"), os.path.join(directory, "ledger")
        self.socket = os.path.join(directory, "abci.sock")
        self.proxy = None		# what CometBFT talks to instead
        self.options = ["--snapshot-every", "100", "--snapshots", "3"]
        self.ledgerd = self.comet = None
        self.client = NodeClient(f"10.99.0.{number}")

    def configure(self, *changes):
        """(section or "", name, value): in config.toml."""
        path = os.path.join(self.comet_home, "config", "config.toml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for section, name, value in changes:
            head, mark, rest = text.partition(f"[{section}]\n")
            body, after = (rest + "\n[").split("\n[", 1)
            kept = [line for line in body.split("\n") if not re.match(rf"{name} = ", line)]
            text = head + (mark or f"\n[{section}]\n") + "\n".join([f"{name} = {value}", *kept]) + "\n[" + after
            text = text.removesuffix("\n[")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def log(self, name):
        return os.path.join(self.directory, f"{name}.log")

    def said(self, name):
        with open(self.log(name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def start_ledgerd(self):
        self.ledgerd = spawn([LEDGERD, "run", "--home", self.home, "--abci", f"unix://{self.socket}", *self.options],
                             self.log("ledgerd"))
        wait_until(self._listens, PATIENCE, f"{self.log('ledgerd')}: listening")

    def _listens(self):
        if self.ledgerd.poll() is not None:
            raise RuntimeError(f"ledgerd ended: {self.said('ledgerd').splitlines()[-1:]}")
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(self.socket)
            return True
        except OSError:
            return False

    def start_comet(self):
        self.comet = spawn(["ip", "netns", "exec", f"n{self.number}", COMETBFT, "start", "--home", self.comet_home,
                            "--proxy_app", f"unix://{self.proxy or self.socket}"], self.log("comet"))

    def start(self):
        self.start_ledgerd()
        self.start_comet()
        return self

    def kill(self):
        for process in (self.comet, self.ledgerd):
            if process and process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()

    def stop(self):
        end(self.comet, 20)
        end(self.ledgerd, 20)

    def height(self):
        """0 while it does not answer."""
        try:
            return self.client.tip()
        except (OSError, http.client.HTTPException, RpcError, ValueError):
            return 0

    def wait_for(self, height):
        wait_until(lambda: self.height() >= height, PATIENCE, f"node {self.number} at height {height}", 0.1)

    def app_hash(self, height):
        """Of the state after a block: it stands in the next header."""
        return self.client.call("header", height=str(height + 1))["header"]["app_hash"]

    def record(self, key):
        return self.client.call("abci_query", path="/store/sealbond/key", data=key.hex())["response"].get("value")

    def send(self, tx):
        """The results of its check and of its block."""
        done = self.client.call("broadcast_tx_commit", tx=b64(tx))
        return done["check_tx"].get("code", 0), done["tx_result"].get("code", 0)

    def check(self, tx):
        return self.client.call("check_tx", tx=b64(tx)).get("code", 0)


class Cluster:
    def __init__(self, directory, count=4, chain=CHAIN, options=("--bench",), slow=False):
        self.directory, self.home = directory, os.path.join(directory, "cluster")
        self.network = Network(slow)
        nodes = ",".join(f"10.99.0.{n}" for n in range(1, count + 1))
        command(SEALBOND, "cluster", "init", "--out", self.home, "--chain", chain, "--nodes", nodes, *options)
        self.nodes = [self.new_node(n) for n in range(1, count + 1)]


    def new_node(self, number):
        self.network.add(number)
        node = Node(number, os.path.join(self.home, f"node{number}"))
        node.configure(("consensus", "timeout_commit", '"100ms"'), ("consensus", "create_empty_blocks_interval", '"0s"'),
                       ("rpc", "max_body_bytes", "4000000"), ("rpc", "timeout_broadcast_tx_commit", '"10s"'),
                       ("rpc", "laddr", '"tcp://0.0.0.0:26657"'))
        return node

    def start(self, height=2):
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            node.wait_for(height)
        return self

    def stop(self):
        for node in self.nodes:
            node.stop()

    def agree(self, nodes=None):
        """At the least height that all have, the state of all is the same; that height."""
        nodes = nodes or self.nodes
        height = min(node.height() for node in nodes) - 1
        hashes = {node.app_hash(height) for node in nodes}
        if len(hashes) != 1:
            raise AssertionError(f"height {height}: {hashes}")
        return height


def sealbond(cluster, *words):
    """What a person's command says, as JSON."""
    environment = dict(os.environ, SEALBOND_LEDGER=os.path.join(cluster.home, "ledger.conf"))
    done = subprocess.run([SEALBOND, *words, "--json"], env=environment, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise RuntimeError(f"sealbond {' '.join(words)}: {done.returncode}: {done.stderr}{done.stdout}")
    return json.loads(done.stdout)


class CometLight:
    """CometBFT's own light client, each header after the one before."""

    def __init__(self, cluster, primary, witness):
        self.log = os.path.join(cluster.directory, "light.log")
        first = primary.client.call("commit", height="1")["signed_header"]["commit"]["block_id"]["hash"]
        self.process = spawn([COMETBFT, "light", CHAIN, "-p", f"http://10.99.0.{primary.number}:26657",
                              "-w", f"http://10.99.0.{witness.number}:26657", "--height", "1", "--hash", first,
                              "--laddr", "tcp://127.0.0.1:8888", "--sequential",
                              "--home-dir", os.path.join(cluster.directory, "light"),
                              "--home", os.path.join(cluster.directory, "light_home")], self.log)
        wait_until(self._is_up, PATIENCE, f"{self.log}: listening")

    def _is_up(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.log}: it ended")
        try:
            socket.create_connection(("127.0.0.1", 8888), 1).close()
            return True
        except OSError:
            return False

    @staticmethod
    def client():
        return Client(8888, 120)

    def stop(self):
        end(self.process, 10)


class ClusterWorld:
    """Four validators, and who may enrol there; what tests of them begin with."""

    def __init__(self, checks, directory):
        self.checks, self.directory = checks, directory
        self.cluster = Cluster(directory)
        self.nodes = self.cluster.nodes
        self.enroller = Person(os.path.join(self.cluster.home, "people", "enroller.key"), CHAIN)
