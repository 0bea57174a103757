# SPDX-License-Identifier: Apache-2.0
"""A ledger of one process goes on as four validators of CometBFT, and its devices go along, with nobody at them.

        devices ──► sealbond-ledgerd, plant-1          closed, exported, and then:
           │
           └──────► CometBFT and sealbond-ledgerd, plant-cluster, 10.99.0.1 … 4
"""

import http.client
import json
import os
import socket

from cluster import PATIENCE, Cluster
from ledgerd import b64
from people import Person
from process import wait_until
from test_device import Device, Plant, enrol, say

NETWORK = "plant-1-at-four"


def refused(plant, *words):
    """The name that a member's command is refused by."""
    try:
        plant.member(*words)
    except RuntimeError as error:
        return str(error)
    return "not refused"


def ask_old(plant, method, **params):
    """JSON-RPC over the old ledger's socket."""
    connection = http.client.HTTPConnection("localhost", timeout=30)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(plant.socket)
    try:
        connection.request("POST", "/", json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}),
                           {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())["result"]
    finally:
        connection.close()


def close(checks, plant, device):
    """No transaction is taken any more, and devices keep what they have."""
    plant.member("ledger", "close")
    before = device.status("now")
    wait_until(lambda: int(device.status()["refused"]) > int(before["refused"]), PATIENCE, "a heartbeat is refused", 0.5)
    state = device.status()
    checks.check("a closed ledger takes no heartbeat, and the lease goes on", state["state"] == "lease-live" and
                 state["beats"] == before["beats"], state)
    checks.check("nor what members decide besides", "refused (closed)" in refused(plant, "member", "threshold", "1"))


def export(plant, directory):
    """What the new chain begins with, and at which height."""
    out = os.path.join(directory, "state.json")
    plant.stop()
    say("ledger", "export", "--home", plant.home, "--out", out)
    height = say_height(plant)
    plant.start()
    return out, height


def say_height(plant):
    """The daemon's own log says where it has ended."""
    with open(os.path.join(plant.directory, "daemon.log"), encoding="utf-8") as log:
        return max(int(line.rsplit(" ", 1)[1]) for line in log if "ended at height" in line) + 1


def moves(checks, plant, cluster, devices):
    before = [device.status() for device in devices]
    said = plant.member("ledger", "succeed", "--to", os.path.join(cluster.home, "ledger.conf"), "--dry-run")
    change = said["body"]["propose"]["changes"][0]["succession"]
    checks.check("a dry run says where it would go", said["dry_run"] and change["chain"] == NETWORK and
                 len(change["endpoints"]) == 4, said)
    plant.member("ledger", "succeed", "--to", os.path.join(cluster.home, "ledger.conf"))
    for device, old in zip(devices, before):
        wait_until(lambda device=device, old=old: int(device.status("now")["beats"]) > int(old["beats"]), PATIENCE,
                   f"{device.name}: a heartbeat on the new chain", 0.5)
        state = device.status()
        checks.check(f"{device.name} has found the new chain by itself, and renews there",
                     state["state"] == "lease-live" and int(state["lease"]) > 86_000_000, state)
        names = sorted(os.listdir(os.path.join(device.state_dir, "ledger")))
        checks.check("it keeps what it trusted of the old one", "trust.1" in names and "successor" in names, names)
    first = cluster.nodes[0].client.call("commit", height=str(change["height"]))
    checks.equal("the first block is what the members have named",
                 first["signed_header"]["commit"]["block_id"]["hash"].lower(), change["hash"])


def run(checks, directory):
    plant = Plant(directory)
    cluster, devices = None, []
    try:
        devices = list(enrol(checks, plant, directory))
        a, b = devices
        zone = os.path.join(directory, "pumps.zone")
        say("zone", "key", "--out", zone, "--name", "pumps")
        plant.member("zone", "create", "--zone", zone)
        for device in devices:
            plant.owner("zone", "add", device.id, "--zone", zone, "--name", device.name)
        for device in devices:
            device.wait(lambda words: words[0] == "admit", PATIENCE)
        close(checks, plant, a)
        state, first = export(plant, directory)
        cluster = Cluster(directory, chain=NETWORK, options=(
            "--state", state, "--first-height", str(first), "--grant-key", os.path.join(plant.home, "grant_key.pem")))
        cluster.start(first + 2)
        moves(checks, plant, cluster, devices)
        # nothing of the old chain is needed from here on, but by those who were off
        enroller = Person(os.path.join(plant.home, "enroller.key"), "plant-1")
        checks.equal("which takes nothing more", ask_old(plant, "check_tx", tx=b64(enroller.knows(bytes(32))))["code"], 146)
        checks.check("and answers still", ask_old(plant, "abci_query", path="/store/sealbond/key", data="53",
                                                  prove=True)["response"]["value"] != "")
        members = plant.member("member", "list")["members"]["members"]
        checks.equal("people's commands have found the new one, too", [one["name"] for one in members], ["operator"])
        plant.stop()
        a.end()
        again = Device("a", directory, plant.config)
        devices[0] = again
        wait_until(lambda: again.status("now")["state"] == "lease-live" and
                   any(words[0] == "admit" for words in again.seen), PATIENCE, "its lease and its peer", 0.5)
        admitted = next(words for words in again.seen if words[0] == "admit")
        checks.equal("after a restart it is there at once, and is granted its peer by the key that it knows", admitted[1],
                     b.id)
        checks.equal("what people sign counts there", plant.owner("device", "suspend", b.id)["proven"], True)
        dropped = again.wait(lambda words: words[0] == "drop", PATIENCE)
        checks.equal("on the device, too", dropped[1], b.id)
        checks.check("all nodes have one state", cluster.agree() >= first)
    finally:
        for device in devices:
            device.end()
        plant.stop()
        if cluster:
            cluster.stop()
