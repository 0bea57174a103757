# SPDX-License-Identifier: Apache-2.0
"""Devices and the places of a ledger: two of its nodes are near, one is far, one is farther, and that is the only one
that devices are told of.

    devices ── 20 ms ── n1      20 ms ── n2      100 ms ── n3      150 ms ── n4   (one way)
"""

import os
from concurrent.futures import ThreadPoolExecutor

from cluster import CHAIN, PATIENCE, Cluster, sealbond
from ledgerd import LightLines, first_hash
from process import wait_until
from test_cluster import Plant
from test_device import enrol

PLACES = {1: 0.020, 2: 0.020, 3: 0.100, 4: 0.150}
NEAR = ("http://10.99.0.1:26657", "http://10.99.0.2:26657")
ONLY = "http://10.99.0.4:26657"
CLIENTS = 16


def places(cluster):
    for number, seconds in PLACES.items():
        cluster.network.wire.delay[f"n{number}"] = seconds


class Client:
    """A device's light client alone: many of them tell how a fleet would spread."""

    def __init__(self, number, directory, first):
        self.lines = LightLines(ONLY, CHAIN, first, os.path.join(directory, f"light{number}"),
                                after=("spread",))

    def learn(self, urls):
        self.lines.ask("learn " + ",".join(urls))

    def order(self):
        """URLs as they would be asked now, and how long each takes in us (0: nobody knows), failures in a row."""
        self.lines.ask("sync")
        words = self.lines.ask("order")[1:]
        return [(words[i], int(words[i + 1]), int(words[i + 2])) for i in range(0, len(words), 3)]


def orders(clients):
    """Of all at once: one that waits for a dead node does not keep the others."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(Client.order, clients))


def all_measured(clients):
    def are():
        return all(us and not failures for order in orders(clients) for _, us, failures in order)
    wait_until(are, PATIENCE, "each client has measured all four", 0.2)


def shares(clients):
    firsts = [order[0][0] for order in orders(clients)]
    return {url: firsts.count(url) for url in set(firsts)}


def spread(checks, clients, words):
    """Over both of the near ones, and no other."""
    def are():
        return set(shares(clients)) == set(NEAR)
    wait_until(are, PATIENCE, f"clients on both near nodes: {words}", 0.5)
    got = shares(clients)
    checks.check(f"{words}: {CLIENTS} devices are spread over the two near nodes", set(got) == set(NEAR), got)


def fleet(checks, cluster, directory):
    urls = [one["url"] for one in sealbond(cluster, "ledger", "show", "endpoints")["record"]["endpoints"]]
    checks.equal("the ledger names its endpoints in one record", sorted(urls),
                 [f"http://10.99.0.{n}:26657" for n in range(1, 5)])
    first = first_hash(cluster.nodes[3].client)
    clients = [Client(n, directory, first) for n in range(CLIENTS)]
    for client in clients:
        client.lines.ask("sync")
        client.learn(urls)
    all_measured(clients)
    spread(checks, clients, "measured")
    return clients


def outage(checks, wire, clients, device):
    """The near node that the device asks first goes off the net."""
    used = device.status()["endpoint"]
    gone, left = NEAR.index(used) + 1, NEAR[1 - NEAR.index(used)]
    wire.cut.add(f"n{gone}")
    beats = int(device.status()["beats"])
    wait_until(lambda: device.status("now")["endpoint"] == left, PATIENCE, "the device asks the other one", 0.5)
    wait_until(lambda: int(device.status("now")["beats"]) > beats, PATIENCE, "a heartbeat during the outage", 0.5)
    checks.check("an outage: the device moves on to the other near node and renews",
                 device.status()["state"] == "lease-live")
    wait_until(lambda: set(shares(clients)) == {left}, PATIENCE, f"all clients on {left}", 0.5)
    checks.equal("and so does everybody else", set(shares(clients)), {left})
    wire.cut.discard(f"n{gone}")
    all_measured(clients)
    spread(checks, clients, "healed")


def run(checks, directory):
    cluster = Cluster(directory, slow=True)
    wire = cluster.network.wire
    cluster.start()
    places(cluster)
    plant = Plant(cluster)
    every = ", ".join(f"http://10.99.0.{n}:26657" for n in range(1, 5))
    checks.check("devices are configured with all four", every in plant.config)
    plant.config = plant.config.replace(every, ONLY)
    device = next(iter(enrol(checks, plant, directory)))
    wait_until(lambda: device.status()["endpoint"] in NEAR, PATIENCE, "the device asks a near node first", 0.5)
    checks.equal("a device that was told of the farthest one has learned of all", device.status()["known"], "4")
    checks.check("and asks a near one", device.status()["endpoint"] in NEAR)
    clients = fleet(checks, cluster, directory)
    outage(checks, wire, clients, device)
    cluster.stop()
