# SPDX-License-Identifier: Apache-2.0
"""sealbond-ledgerd run --retain-blocks: old blocks go, and nobody who is entitled to them misses one.

    day 0     block 1 ... some blocks; a device follows, members sign a checkpoint and know a transaction
    day 20    the ledger goes on: what is older than eight days goes, but block 1 and the checkpoint's
"""

import base64
import hashlib
import os
import random
import signal
import subprocess
import time

from ledgerd import LightLines, RpcError, first_hash, free_port
from process import wait_until
from test_backup import members_of
from test_checkpoint import Node, People, ahead
from test_people import DAEMON, Shell

DAY = 86400
RETAIN = ("--retain-blocks", "100")


def heights(client):
    sync = client.call("status")["sync_info"]
    return int(sync["earliest_block_height"]), int(sync["latest_block_height"])


def there(client, height):
    try:
        return client.call("commit", height=str(height)) is not None
    except RpcError as error:
        return str(error.data)


def before(checks, directory, home, port):
    """The first days: some transactions, one of them remembered, and a checkpoint."""
    shell = Shell(directory, os.path.join(home, "ledger.conf"))
    member = ("--key", os.path.join(home, "member.key"))
    node = Node(directory, home, port).start(0, *RETAIN)
    first = first_hash(node.client())
    device = LightLines(f"http://127.0.0.1:{port}", "plant", first, os.path.join(directory, "device"))
    device.ask("sync")
    checks.check("a device knows the members", device.ask("members", members_of(shell))[0] == "ok")
    key = shell.json("member", "key", "--out", "bea.key", "--name", "bea")["public"]
    height = shell.json("enroller", "add", key, "--name", "bea", *member)["height"]
    tx = node.client().call("block", height=str(height))["block"]["data"]["txs"][0]
    checkpoint = shell.json("member", "checkpoint", *member)["height"]
    wait_until(lambda: node.client().tip() > 60, 60, "blocks")
    earliest, latest = heights(node.client())
    checks.check("nothing goes that is not old", earliest == 1 and latest > 60, (earliest, latest))
    device.ask("sync")
    device.close()
    node.stop()
    return first, height, tx, checkpoint


def killed(node, seconds, rounds):
    """kill -9 while blocks go."""
    for _ in range(rounds):
        time.sleep(random.uniform(0.05, 0.6))
        node.process.send_signal(signal.SIGKILL)
        node.process.wait()
        node.start(seconds, *RETAIN)


def after(checks, directory, home, port, told):
    first, height, tx, checkpoint = told
    node = Node(directory, home, port).start(20 * DAY, *RETAIN)
    killed(node, 20 * DAY, 4)
    wait_until(lambda: heights(node.client())[0] > 60, 60, "old blocks go")
    client = node.client()
    earliest, latest = heights(client)
    checks.check("at least as many are there as were asked for", latest - earliest >= 99, (earliest, latest))
    checks.check("from the earliest one on all of them", all(there(client, one) is True for one in (
        earliest, earliest + 1, (earliest + latest) // 2, latest)))
    said = there(client, height)
    checks.check("what is gone is named with the lowest that is there", said is not True and
                 f"height {height} is not available, lowest height is " in said, said)
    for method in ("block", "header", "block_results"):
        try:
            client.call(method, height=str(height))
            checks.check(f"{method} of it is gone, too", False)
        except RpcError as error:
            checks.check(f"{method} of it is gone, too", "not available" in error.data or "not find" in error.data, error)
    digest = base64.b64encode(hashlib.sha256(base64.b64decode(tx)).digest()).decode()
    try:
        client.call("tx", hash=digest)
        checks.check("nor is its transaction found", False)
    except RpcError as error:
        checks.check("nor is its transaction found", "not found" in error.data, error)
    again = client.call("broadcast_tx_sync", tx=tx)
    checks.check("which cannot be said again, all the same", again["code"] != 0, again)
    listed = client.call("blockchain", minHeight="1", maxHeight=str(earliest + 3))["block_metas"]
    lowest = int(listed[-1]["header"]["height"])
    checks.check("lists begin where blocks do", earliest <= lowest <= heights(client)[0] + 3, (lowest, earliest))
    checks.check("block 1, with which clients begin, stays", there(client, 1) is True and first_hash(client) == first)
    checks.check("and so does the checkpoint's, for whoever comes by it without a clock",
                 there(client, checkpoint) is True and there(client, checkpoint + 1) is not True, checkpoint)
    shell = People(directory, os.path.join(home, "ledger.conf"), 20 * DAY)
    return node, shell


def devices(checks, directory, home, node, shell, first):
    """One that was away, and a new one, which begins with block 1."""
    url = f"http://127.0.0.1:{node.port}"
    device = LightLines(url, "plant", first, os.path.join(directory, "device"), before=ahead(20 * DAY))
    said = device.ask("sync")
    checks.check("a device that was away waits for a checkpoint", "trust-expired" in " ".join(said), said)
    member = ("--key", os.path.join(home, "member.key"))
    shell.ok("member", "checkpoint", *member)
    said = device.ask("sync")
    checks.check("and comes back by it", said[0] == "ok" and said[4:] == ["checkpoint"], said)
    device.close()
    late = LightLines(url, "plant", first, os.path.join(directory, "late"), before=ahead(20 * DAY))
    members = members_of(shell)
    said = late.ask("sync")
    checks.check("a new one with a clock cannot believe validators of twenty days ago",
                 said[0] == "error" and "trust-expired" in " ".join(said), said)
    late.ask("members", members)
    said = late.ask("sync")
    checks.check("and comes by the members' checkpoint", said[0] == "ok" and said[4:] == ["checkpoint"], said)
    late.close()


def refused(checks, home):
    done = subprocess.run([DAEMON, "run", "--home", home, "--listen", f"127.0.0.1:{free_port()}", "--retain-blocks", "5"],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    checks.check("so few cannot be asked for", done.returncode == 2 and "out of bounds: --retain-blocks" in done.stderr,
                 done.stderr[:200])


def run(checks, directory):
    home, port = os.path.join(directory, "plant"), free_port()
    Shell(directory).ok("init", "--home", home, "--chain", "plant", "--endpoint", f"http://127.0.0.1:{port}")
    refused(checks, home)
    told = before(checks, directory, home, port)
    node, shell = after(checks, directory, home, port, told)
    devices(checks, directory, home, node, shell, told[0])
    node.stop()
