# SPDX-License-Identifier: Apache-2.0
"""The members' checkpoints: signed by people's command, kept by the daemon, and a client that was off for a year.

The daemon, the command and the client run with clocks that are a year ahead (shift_clock.c).
"""

import json
import os
import struct

from ledgerd import TOP, Client, LightLines, RpcError, first_hash, free_port
from process import end, spawn, wait_until
from test_people import DAEMON, Shell

SHIFT = os.path.join(TOP, "build", "tests", "shift_clock.so")
YEAR = 365 * 86400


def ahead(seconds):
    """The words that run a program with its clock so far ahead."""
    return ["env", f"LD_PRELOAD={SHIFT}", f"SHIFT_CLOCK={seconds}"] if seconds else []


class People(Shell):
    """people's commands, at another time."""

    def __init__(self, directory, ledger, seconds=0):
        super().__init__(directory, ledger)
        self.seconds = seconds

    def program(self):
        return [*ahead(self.seconds), *super().program()]


class Node:
    """The real daemon on a home that people's command has made."""

    def __init__(self, directory, home, port):
        self.directory, self.home, self.port, self.process = directory, home, port, None

    def start(self, seconds=0, *options):
        self.process = spawn([*ahead(seconds), DAEMON, "run", "--home", self.home, "--listen", f"127.0.0.1:{self.port}",
                              "--interval", "20ms", "--idle", "100ms", *options],
                             os.path.join(self.directory, "node.log"))
        wait_until(self.is_up, 30, "the daemon answers")
        # the first blocks after a pause have the time of the last vote before it
        height = self.client().tip() + 2
        wait_until(lambda: self.client().tip() > height, 30, "blocks of this time")
        return self

    def is_up(self):
        if self.process.poll() is not None:
            with open(os.path.join(self.directory, "node.log"), encoding="utf-8") as log:
                raise RuntimeError(f"the daemon ended: {log.read().splitlines()[-1:]}")
        try:
            return Client(self.port, 5).tip() > 2
        except (OSError, RpcError):
            return False

    def client(self):
        return Client(self.port)

    def stop(self):
        end(self.process, 20)


def packed(keys, threshold):
    """Members of weight 1 as the light client takes them."""
    return struct.pack(">BI", len(keys), threshold) + b"".join(bytes.fromhex(key) + struct.pack(">I", 1)
                                                               for key in sorted(keys))


def query(node, path, data):
    return node.call("abci_query", path=path, data=data.hex())["response"]


def refusals(checks, node):
    """What comes from anywhere is no checkpoint."""
    height = struct.pack(">Q", 0)
    checks.equal("there is none at first", query(node, "/checkpoint", height)["value"], None)
    checks.check("a height has 8 bytes", query(node, "/checkpoint", b"1")["code"] != 0)
    for words, data in (("nothing", b""), ("noise", bytes(range(200))), ("another chain's", checkpoint(b"other", 2)),
                        ("an unknown block's", checkpoint(b"plant", 2))):
        got = query(node, "/checkpoint/put", data)
        checks.check(f"{words} is refused", got["code"] != 0 and got["value"] is None, got)


def checkpoint(chain, height):
    return (b"SBCP\x01" + bytes([len(chain)]) + chain + struct.pack(">Q", height) + bytes(32) +
            struct.pack(">QI", 1, 1) + struct.pack(">BI", 0, 0) + b"\x00")


def year(checks, directory, shell, home, node, port):
    member = ("--key", os.path.join(home, "member.key"))
    one = shell.json("member", "list")["members"]["members"][0]["key"]
    url, first = f"http://127.0.0.1:{port}", first_hash(node.client())
    trust = os.path.join(directory, "device")
    device = LightLines(url, "plant", first, trust)
    checks.check("a device follows", device.ask("sync")[0] == "ok")
    checks.check("and knows the member", device.ask("members", packed([one], 1))[0] == "ok")
    device.close()
    node.stop()

    node.start(YEAR)
    later = People(directory, shell.ledger, YEAR)
    device = LightLines(url, "plant", first, trust, ahead(YEAR))
    said = device.ask("sync")
    checks.check("a year later it is stuck, and says on what", said[0] == "error" and "trust-expired" in " ".join(said),
                 said)
    # where the machine's clock is believed, the person's own client is stuck, too: it begins with a block of today
    shell.ledger = later.ledger = fresh(directory, url, node.client())
    done = later.json("member", "checkpoint", *member)
    checks.check("the member signs a checkpoint", done["complete"] and done["endpoints"] == 1, done)
    said = device.ask("sync")
    checks.check("with it the device comes back by itself", said[0] == "ok" and said[4:] == ["checkpoint"] and
                 int(said[1]) >= done["height"], said)
    checks.equal("and goes on as ever", device.ask("sync")[4:], [])
    device.close()
    young = later.json("member", "checkpoint", "--if-older", "12h", *member)
    checks.equal("one that is young enough stays", young["height"], done["height"])
    # more often than blocks come: some of them find the newest block's there already
    again = [later.json("member", "checkpoint", *member) for _ in range(8)]
    checks.check("again within one block, it is there already", all(one["complete"] for one in again), again)
    return later, member


def fresh(directory, url, client):
    """A description that begins at the latest block."""
    path = os.path.join(directory, f"ledger-{client.tip()}.conf")
    signed = client.call("commit")["signed_header"]
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"[ledger]\nchain = plant\nendpoints = {url}\ntrust_height = {signed['header']['height']}\n"
                   f"trust_hash = {signed['commit']['block_id']['hash'].lower()}\n")
    return path


def several(checks, directory, shell, node, member):
    """Two more members; two of three sign. A client of the first one's time follows over the change."""
    keys = [shell.json("member", "key", "--out", f"{name}.key", "--name", name)["public"] for name in ("bea", "cyd")]
    first = first_hash(node.client())
    url = f"http://127.0.0.1:{node.port}"
    for key, name in zip(keys, ("bea", "cyd")):
        shell.ok("member", "add", key, "--name", name, *member)
    shell.ok("member", "threshold", "2", *member)
    list_now = json.dumps(shell.json("member", "list"))
    checks.check("there are three members, two decide", list_now.count('"key"') == 3 and '"threshold":2' in
                 list_now.replace(" ", ""), list_now)
    signed = shell.json("member", "checkpoint", *member)
    checks.check("one of them is not enough", not signed["complete"], signed)
    code, _, err = shell.run("member", "checkpoint", "--key", "bea.key", "--dry-run")
    checks.check("a dry run says what would be signed", code == 0, err)
    both = shell.json("member", "checkpoint", "--key", "bea.key")
    checks.check("the second signs the same, and it is complete", both["complete"] and
                 both["height"] == signed["height"], (signed, both))
    value = query(node.client(), "/checkpoint", struct.pack(">Q", 0))["value"]
    checks.check("the endpoint hands it out", value, value)
    node.stop()
    node.start(2 * YEAR)
    checks.equal("and still does after a restart", query(node.client(), "/checkpoint", struct.pack(">Q", 0))["value"],
                 value)
    shell.seconds = 2 * YEAR
    shell.ledger = fresh(directory, url, node.client())
    shell.json("member", "checkpoint", "--key", "cyd.key")
    done = shell.json("member", "checkpoint", "--key", "bea.key")
    checks.check("a year later two others sign the next one", done["complete"], done)
    device = LightLines(url, "plant", first, os.path.join(directory, "device"), ahead(2 * YEAR))
    said = device.ask("sync")
    checks.check("a device that knows the first member only comes back over the change", said[0] == "ok" and
                 said[4:] == ["checkpoint"] and int(said[1]) >= done["height"], said)
    device.close()
    node.stop()


def run(checks, directory):
    home, port = os.path.join(directory, "plant"), free_port()
    Shell(directory).ok("init", "--home", home, "--chain", "plant", "--endpoint", f"http://127.0.0.1:{port}")
    shell = People(directory, os.path.join(home, "ledger.conf"))
    node = Node(directory, home, port).start()
    refusals(checks, node.client())
    later, member = year(checks, directory, shell, home, node, port)
    several(checks, directory, later, node, member)
