# SPDX-License-Identifier: Apache-2.0
"""Endpoints that lie in front of real nodes, and validators that do: each lie has its name, the next endpoint is asked
instead, and CometBFT takes the light client's evidence.

    light client ──┬── liar, the faster one ── node 1
                   └── honest, slow ────────── node 2
"""

import hashlib
import json
import os

from cluster import CHAIN, PATIENCE, ClusterWorld, sealbond
from ledgerd import LightLines, first_hash
from liar import Forger, Liar
from process import wait_until

KNOWN = hashlib.sha256(b"a device").digest()

# what it does, what is wrong with it then; does a query meet it, or a sync?
LIES = (
    ("old", "stale", False), ("chain", "other-chain", False), ("header", "wrong-header", False),
    ("half", "truncated", False), ("cut", "truncated", False), ("endless", "too-large", False),
    ("proof", "wrong-proof", True),
)


class World(ClusterWorld):
    def __init__(self, checks, directory):
        super().__init__(checks, directory)
        self.liar, self.honest = Liar(self.nodes[0]), Liar(self.nodes[1], 0.2)
        self.number = 0

    def client(self, urls, trust=None):
        if not trust:
            self.number += 1
            trust = os.path.join(self.directory, f"trust{self.number}")
        return LightLines(",".join(urls), CHAIN, first_hash(self.nodes[1].client), trust), trust


def lies(world):
    checks, liar, honest = world.checks, world.liar, world.honest
    key = world.enroller.record_of(KNOWN)
    for mode, name, by_query in LIES:
        # it has met both of them before, and trusts what they had
        client, trust = world.client([liar.url, honest.url])
        first = client.ask("sync")
        client.close()
        liar.mode = mode
        client, _ = world.client([liar.url, honest.url], trust)
        answer = client.ask("query", key) if by_query else client.ask("sync")
        faults = client.ask("faults")
        client.close()
        liar.mode = "honest"
        checks.equal(f"{mode}: it is {name}, and the next one is asked", (first[0], answer[0], faults),
                     ("ok", "ok", ["ok", "0", name, "ok"]))
        if by_query:
            checks.check("whose answer is right", answer[2] != "none", answer)
        else:
            real = world.nodes[1].client.call("commit", height=answer[1])["signed_header"]["commit"]["block_id"]["hash"]
            checks.equal("whose header is the chain's", answer[3].upper(), real)


def fork(world):
    """Three of four validators sign another state for light clients."""
    checks, liar, nodes = world.checks, world.liar, world.nodes
    liar.forger, liar.forged_from, liar.mode = Forger(nodes[:3]), 3, "fork"
    client, trust = world.client([liar.url, world.honest.url])
    answers = []

    def forked():
        answers.append(client.ask("sync"))
        return answers[-1][0] == "error"
    wait_until(forked, PATIENCE, "the fork is seen", 0.1)
    checks.check("two headers of one height, both signed, are a fork", "ledger-fork:" in answers[-1], answers[-1])
    with open(os.path.join(trust, "fork.json"), encoding="utf-8") as file:
        heights = {one["signed_header"]["header"]["height"] for one in json.load(file)["blocks"]}
    checks.check("of which both are kept", len(heights) == 1, heights)
    # node 2 has judged and taken it; node 1, behind the liar, is shown its own block
    checks.equal("a real node takes the evidence", client.ask("faults")[1], "1")
    client.close()
    liar.forger.close()
    wait_until(lambda: len(nodes[3].client.call("validators")["validators"]) == 1, PATIENCE, "three are removed", 0.5)
    checks.check("who has signed both is a validator no more", True)
    incidents = json.dumps(sealbond(world.cluster, "incident", "list"))
    checks.equal("and an incident names each", incidents.count("has signed another chain for a light client"), 3)
    top = nodes[3].height()
    for node in nodes:
        node.wait_for(top + 3)
    checks.check("the chain goes on without them", world.cluster.agree() >= top)


def run(checks, directory):
    world = World(checks, directory)
    try:
        world.cluster.start()
        checks.equal("a record", world.nodes[0].send(world.enroller.knows(KNOWN)), (0, 0))
        world.nodes[1].wait_for(world.nodes[0].height() + 2)
        lies(world)
        fork(world)
    finally:
        world.liar.close()
        world.honest.close()
        world.cluster.stop()
