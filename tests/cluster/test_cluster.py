# SPDX-License-Identifier: Apache-2.0
"""Four validators of CometBFT with the ledger behind them: killed, cut off from each other, voted in and out."""

import hashlib
import http.client
import os

from cluster import CHAIN, PATIENCE, Cluster
from ledgerd import RpcError, b64
from people import Person
from process import wait_until


def device(number):
    return hashlib.sha256(b"device %d" % number).digest()


class World:
    def __init__(self, checks, directory):
        self.checks, self.directory = checks, directory
        self.cluster = Cluster(directory)
        self.nodes = self.cluster.nodes
        self.enroller = Person(os.path.join(self.cluster.home, "people", "enroller.key"), CHAIN)
        self.known = 0		# devices that the ledger has to know

    def add(self, node):
        """One more, through this node: its block says 0."""
        tx = self.enroller.knows(device(self.known))
        self.known += 1
        return node.send(tx)

    def missing(self, node):
        return [n for n in range(self.known) if not node.record(b"K" + device(n))]


def every_node(world):
    checks = world.checks
    got = [world.add(node) for node in world.nodes]
    checks.equal("a transaction through each node", got, [(0, 0)] * 4)
    top = max(node.height() for node in world.nodes)
    for node in world.nodes:
        node.wait_for(top)
    checks.equal("each node has all of them", [world.missing(node) for node in world.nodes], [[]] * 4)
    checks.check("and the same state", world.cluster.agree() > 0)


def refused(world):
    """By CheckTx, before any block."""
    checks, node, enroller = world.checks, world.nodes[0], world.enroller
    good = enroller.knows(device(0), enroller.sequence)
    checks.equal("what is none is malformed", node.check(b"no transaction"), 11)
    checks.equal("a byte behind it, too", node.check(good + b"\0"), 11)
    checks.equal("70,000 bytes are too many", node.check(bytes(70000)), 10)
    checks.equal("so are 1 MiB", node.check(bytes(1 << 20)), 10)
    try:
        node.client.call("broadcast_tx_sync", tx=b64(bytes(1 << 20)))
        checks.check("which do not even come to it", False)
    except RpcError as error:
        checks.check("which do not even come to it", "Tx too large" in error.data, error)
    checks.equal("more than a block may have of one key", node.check(enroller.knows(device(0), enroller.sequence + 1024)),
                 21)
    checks.equal("a signature of another", node.check(good[:-1] + bytes([good[-1] ^ 1])), 20)
    checks.equal("one that was there", node.check(enroller.knows(device(0), 1)), 21)
    tx = enroller.knows(device(world.known))
    world.known += 1
    checks.equal("once it is taken", node.send(tx), (0, 0))
    try:
        node.client.call("broadcast_tx_sync", tx=b64(tx))
        checks.check("and not twice", False)
    except RpcError as error:
        checks.check("and not twice", "already exists in cache" in error.data, error)


def one_killed(world):
    checks, left = world.checks, world.nodes[:3]
    world.nodes[3].kill()
    checks.equal("one of four killed: the others go on", [world.add(node) for node in left], [(0, 0)] * 3)
    world.nodes[3].start().wait_for(max(node.height() for node in left))
    checks.equal("and it catches up", world.missing(world.nodes[3]), [])
    checks.check("to the same state", world.cluster.agree() > 0)


def waits(world, node):
    """A transaction that no block takes now: it is in the pool when the answer is that time is over."""
    tx = world.enroller.knows(device(world.known))
    world.known += 1
    try:
        node.send(tx)
    except RpcError as error:
        return "timed out" in error.data
    return False


def two_killed(world):
    checks = world.checks
    for node in world.nodes[2:]:
        node.kill()
    checks.check("two of four killed: the chain waits", waits(world, world.nodes[0]))
    before = [node.height() for node in world.nodes[:2]]
    for node in world.nodes[2:]:
        node.start()
    for node in world.nodes:
        node.wait_for(max(before) + 2)
    wait_until(lambda: not world.missing(world.nodes[3]), PATIENCE, "what waited is in a block")
    checks.equal("they come back, and nothing is lost", [world.missing(node) for node in world.nodes], [[]] * 4)
    checks.equal("it goes on", world.add(world.nodes[2]), (0, 0))


def partition(world):
    checks, network = world.checks, world.cluster.network
    for number in (3, 4):
        network.put(number, "br1")
    checks.check("two and two: this side waits", waits(world, world.nodes[0]))
    before = [node.height() for node in world.nodes]
    checks.check("and the other", waits(world, world.nodes[3]) and
                 [node.height() for node in world.nodes] == before, before)
    for number in (3, 4):
        network.put(number, "br0")
    for node in world.nodes:
        node.wait_for(max(before) + 2)
    wait_until(lambda: not any(world.missing(node) for node in world.nodes), PATIENCE, "what waited is in a block")
    checks.check("together again they go on, with what waited", world.cluster.agree() > max(before))


def run(checks, directory):
    world = World(checks, directory)
    try:
        world.cluster.start()
        for step in (every_node, refused, one_killed, two_killed, partition):
            step(world)
    finally:
        world.cluster.stop()
