# SPDX-License-Identifier: Apache-2.0
"""Four validators of CometBFT with the ledger behind them: killed, cut off from each other, voted in and out, while
devices with software TPMs get their leases and grants from them."""

import base64
import hashlib
import http.client
import json
import os
import shutil
import threading

from cluster import CHAIN, PATIENCE, ClusterWorld, CometLight, sealbond
from killer import Killer
from ledgerd import LightLines, RpcError, b64, first_hash
from process import wait_until
from test_device import enrol, say


def device(number):
    return hashlib.sha256(b"device %d" % number).digest()


class World(ClusterWorld):
    def __init__(self, checks, directory):
        super().__init__(checks, directory)
        self.known = 0		# devices that the ledger has to know
        self.devices = []

    def add(self, node):
        """One more, through this node: its block says 0."""
        tx = self.enroller.knows(device(self.known))
        self.known += 1
        return node.send(tx)

    def missing(self, node):
        return [n for n in range(self.known) if not node.record(self.enroller.record_of(device(n)))]


def every_node(world):
    checks = world.checks
    got = [world.add(node) for node in world.nodes]
    checks.equal("a transaction through each node", got, [(0, 0)] * 4)
    top = max(node.height() for node in world.nodes)
    for node in world.nodes:
        node.wait_for(top)
    checks.equal("each node has all of them", [world.missing(node) for node in world.nodes], [[]] * 4)
    checks.check("and the same state", world.cluster.agree() > 0)


class Plant:
    """What tests of devices need of a ledger: here one with four nodes, two of which have to grant."""

    def __init__(self, cluster):
        self.home = os.path.join(cluster.home, "people")
        self.people = ("--ledger", os.path.join(cluster.home, "ledger.conf"))
        self.owner_key = os.path.join(self.home, "owner.key")
        owner = say("owner", "key", "--out", self.owner_key)["public"]
        with open(os.path.join(cluster.home, "device.conf"), encoding="utf-8") as file:
            text = file.read().replace("/etc/sealbond/grant_keys", os.path.join(cluster.home, "grant_keys"))
        key = os.path.join(cluster.home, "grant_keys", "node1.pem")
        text = text.replace("[device]\n", "[device]\nstate_dir = {state}\nrun_dir = {state}\n")
        text = text.replace("[ledger]\n", f"[ledger]\nowner = {owner}\nannounce = 192.0.2.7:7454\n")
        self.config = text + f"[key]\nrelease_key = {key}\nfleet = x\n"

    def owner(self, *words):
        return say(*words, "--key", self.owner_key, *self.people)


def devices(world):
    checks, plant = world.checks, Plant(world.cluster)
    world.devices = list(enrol(checks, plant, world.directory))
    world.enroller.sequence += len(world.devices)		# it has challenged each
    zone = os.path.join(world.directory, "pumps.zone")
    say("zone", "key", "--out", zone, "--name", "pumps")
    say("zone", "create", "--zone", zone, "--key", os.path.join(plant.home, "member1.key"), *plant.people)
    for one in world.devices:
        plant.owner("zone", "add", one.id, "--zone", zone, "--name", one.name)
    grants = [one.wait(lambda words: words[0] == "admit", PATIENCE) for one in world.devices]
    checks.equal("two of the nodes have signed each a grant for the other", [words[1] for words in grants],
                 [one.id for one in reversed(world.devices)])


def renews(world, words):
    """A heartbeat more than there were."""
    one = world.devices[0]
    before = int(one.status()["beats"])
    wait_until(lambda: int(one.status("now")["beats"]) > before, PATIENCE, f"a heartbeat: {words}", 0.5)
    world.checks.check(words, one.status()["state"] == "lease-live")


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
    renews(world, "devices renew")
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
    state = world.devices[0].status("now")
    checks.check("a device's lease goes on", state["state"] == "lease-live" and
                 not any(words[0] == "drop" for words in world.devices[0].seen), state)
    for node in world.nodes[2:]:
        node.start()
    for node in world.nodes:
        node.wait_for(max(before) + 2)
    wait_until(lambda: not world.missing(world.nodes[3]), PATIENCE, "what waited is in a block")
    checks.equal("they come back, and nothing is lost", [world.missing(node) for node in world.nodes], [[]] * 4)
    checks.equal("it goes on", world.add(world.nodes[2]), (0, 0))
    renews(world, "devices renew again")


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


def kills(world):
    """kill -9 of the state's process in the middle of Commit, one node after the other, with transactions all the time."""
    checks, nodes, count = world.checks, world.nodes, world.checks.options.kills
    killers = [Killer(node, node.number) for node in nodes]
    for node, killer in zip(nodes, killers):
        node.stop()
        node.proxy = killer.path
        node.start()
    over, wrong = threading.Event(), []

    def load():
        while not over.is_set():
            try:
                insist(world, nodes)
            except TimeoutError as error:
                wrong.append(error)
            over.wait(0.1)

    thread = threading.Thread(target=load)
    thread.start()
    try:
        for number in range(count):
            node, killer = nodes[number % 4], killers[number % 4]
            killer.kill_one(PATIENCE)
            node.kill()
            node.start()
    finally:
        over.set()
        thread.join()
    top = max(node.height() for node in nodes)
    for node in nodes:
        node.wait_for(top + 2)
    wait_until(lambda: not any(world.missing(node) for node in nodes), PATIENCE, "all of it is on all nodes", 0.5)
    height = world.cluster.agree()
    checks.check(f"{count} kills in the middle of Commit: one state on all nodes, nothing of {world.known} lost",
                 height > 0 and not wrong, wrong)
    for node, killer in zip(nodes, killers):
        node.stop()
        killer.close()
        node.proxy = None
        node.start()
    for node in nodes:
        node.wait_for(top + 2)


def insist(world, nodes):
    """A transaction until it is in a block: whom it was given to may die with it in its pool."""
    number, tx = world.known, world.enroller.knows(device(world.known))
    world.known += 1
    key = world.enroller.record_of(device(number))

    def done():
        for node in nodes:
            try:
                if node.record(key):
                    return True
                node.client.call("broadcast_tx_sync", tx=b64(tx))
            except (RpcError, OSError, ValueError, http.client.HTTPException):
                pass
        return False

    wait_until(done, PATIENCE, f"device {number} is in a block", 0.1)


def joins(world):
    """A fifth node, by a snapshot of the state."""
    checks, cluster = world.checks, world.cluster
    wait_until(lambda: all("snapshot of height" in node.said("ledgerd") for node in world.nodes[:2]), PATIENCE,
               "snapshots")
    first = world.nodes[0].client.call("commit", height="2")["signed_header"]["commit"]["block_id"]["hash"]
    peers = ",".join(f"{node.client.call('status')['node_info']['id']}@10.99.0.{node.number}:26656"
                     for node in world.nodes)
    made = sealbond(cluster, "cluster", "join", "--out", os.path.join(cluster.home, "node5"), "--chain", CHAIN,
                    "--nodes", "10.99.0.5", "--genesis", os.path.join(cluster.home, "genesis.json"), "--peers", peers,
                    "--sync", "10.99.0.1:26657,10.99.0.2:26657", "--trust-height", "2", "--trust-hash", first)
    world.new_key = made["validator"]
    node = cluster.new_node(5)
    node.configure(("statesync", "discovery_time", '"5s"'))
    node.start()
    top = max(other.height() for other in world.nodes)
    node.wait_for(top)
    world.nodes.append(node)
    checks.check("a node joins by a snapshot", "the state was taken over from a snapshot" in node.said("ledgerd"),
                 node.log("ledgerd"))
    checks.check("and has executed what came after it alone", int(node.client.call("status")["sync_info"]
                                                                  ["earliest_block_height"]) > 1)
    checks.equal("it has all records", world.missing(node), [])
    checks.check("and the state of the others", cluster.agree() > 0)


def propose(world, words, change):
    """Two of the four members are for it; the third decides. Its id, and the third's key."""
    cluster = world.cluster
    path = os.path.join(cluster.home, "proposal.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"title": words, "changes": [change]}, file)
    keys = [("--key", os.path.join(cluster.home, "people", f"member{n}.key")) for n in (1, 2, 3)]
    sealbond(cluster, "member", "propose", path, *keys[0])
    proposal = sealbond(cluster, "member", "proposals")["proposals"][0]["id"]
    sealbond(cluster, "member", "vote", proposal, *keys[1])
    return proposal, keys[2]


def decide(world, words, change):
    proposal, key = propose(world, words, change)
    # a block whose commit came without one signature that was late decides nothing: the last vote is given again
    wait_until(lambda: says_yes(world.cluster, proposal, key), PATIENCE, words, 0.5)


def says_yes(cluster, proposal, key):
    try:
        sealbond(cluster, "member", "vote", proposal, *key)
    except RuntimeError as error:
        if "validators-asleep" not in str(error) and "validators-change" not in str(error):
            raise
        return False
    return True


def validators(node):
    return {v["pub_key"]["value"]: int(v["voting_power"]) for v in node.client.call("validators")["validators"]}


def key_of(node):
    with open(os.path.join(node.comet_home, "config", "priv_validator_key.json"), encoding="utf-8") as file:
        return json.load(file)["pub_key"]["value"]


class Following(threading.Thread):
    """Our light client takes header after header, whatever happens meanwhile."""

    def __init__(self, world, node):
        super().__init__()
        self.follower = LightLines(f"http://10.99.0.{node.number}:26657", CHAIN, first_hash(node.client),
                                   os.path.join(world.directory, "trust"))
        self.seen, self.wrong, self.over = {}, [], threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.05):
            self.step()

    def step(self):
        answer = self.follower.ask("sync")
        if answer[0] == "ok":
            self.seen[int(answer[1])] = answer[3].upper()
        else:
            self.wrong.append(answer)

    def end(self):
        self.over.set()
        self.join()
        self.step()


def votes(world):
    """Members vote a validator in and another out; both light clients go along from block 1."""
    checks, nodes, cluster = world.checks, world.nodes, world.cluster
    following = Following(world, nodes[1])
    new, old = nodes[4], nodes[3]
    decide(world, "node 5 comes", {"validator": {"key": world.new_key, "power": 10, "name": "node 5"}})
    wait_until(lambda: key_of(new) in validators(nodes[0]), PATIENCE, "the new validator", 0.1)
    checks.equal("a validator is voted in", sorted(validators(nodes[0]).values()), [10] * 5)
    decide(world, "node 4 goes", {"validator": {"key": base_to_hex(key_of(old)), "power": 0}})
    wait_until(lambda: key_of(old) not in validators(nodes[0]), PATIENCE, "the old validator", 0.1)
    checks.equal("another is voted out", sorted(validators(nodes[0]).values()), [10] * 4)
    old.stop()
    nodes[2].kill()
    top = max(node.height() for node in nodes)
    nodes[0].wait_for(top + 5)
    checks.check("the new set alone makes blocks, one of it away", True)
    proposal, key = propose(world, "one that nobody runs", {"validator": {"key": "77" * 32, "power": 10}})
    checks.check("with one away no vote adds another", not says_yes(cluster, proposal, key))
    renews(world, "devices renew there")
    nodes[2].start().wait_for(top + 5)
    following.end()
    follower, seen = following.follower, following.seen
    checks.equal("our light client never has a doubt", following.wrong, [])
    checks.equal("a record, proven to it", follower.ask("query", world.enroller.record_of(device(0)))[0], "ok")
    light = CometLight(cluster, nodes[0], nodes[1])
    theirs = {height: light.client().call("commit", height=str(height))["signed_header"]["commit"]["block_id"]["hash"]
              for height in range(1, max(seen) + 1)}
    checks.check(f"cometbft light takes all {len(theirs)} headers one by one", len(theirs) == max(seen))
    checks.equal(f"and ours the same ({len(seen)} of them at the tip)", {h: theirs[h] for h in seen}, seen)
    light.stop()
    follower.close()


def base_to_hex(text):
    return base64.b64decode(text).hex()


def equivocation(world):
    """A copy of a validator runs elsewhere, with its key: what both sign is evidence, and the validator goes."""
    checks, cluster, victim = world.checks, world.cluster, world.nodes[2]
    home = os.path.join(cluster.home, "node6")
    peers = ",".join(f"{node.client.call('status')['node_info']['id']}@10.99.0.{node.number}:26656"
                     for node in (world.nodes[0], world.nodes[1], world.nodes[4]))
    sealbond(cluster, "cluster", "join", "--out", home, "--chain", CHAIN, "--nodes", "10.99.0.6", "--genesis",
             os.path.join(cluster.home, "genesis.json"), "--peers", peers)
    shutil.copy(os.path.join(victim.comet_home, "config", "priv_validator_key.json"),
                os.path.join(home, "comet", "config"))
    twin = cluster.new_node(6)
    world.cluster.nodes = [world.nodes[n] for n in (0, 1, 2, 4)] + [twin]
    twin.start()
    wait_until(lambda: key_of(victim) not in validators(world.nodes[0]), 2 * PATIENCE, "the validator is removed", 0.5)
    checks.equal("a validator that signs twice is none any more", sorted(validators(world.nodes[0]).values()), [10] * 3)
    incidents = sealbond(cluster, "incident", "list")["incidents"]
    checks.check("it is an incident, which names it",
                 any("has signed two different blocks" in json.dumps(one) for one in incidents), incidents)
    top = world.nodes[0].height()
    world.nodes[0].wait_for(top + 3)
    checks.check("and the chain goes on", cluster.agree([world.nodes[n] for n in (0, 1, 4)]) >= top)


STEPS = (every_node, devices, refused, one_killed, two_killed, partition, kills, joins, votes, equivocation)


def run(checks, directory):
    world = World(checks, directory)
    try:
        world.cluster.start()
        for step in STEPS:
            step(world)
    finally:
        for one in world.devices:
            one.end()
        world.cluster.stop()
