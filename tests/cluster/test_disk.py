# SPDX-License-Identifier: Apache-2.0
"""A full disk: the daemon ends and says why; nothing that it had committed is lost, and nothing is signed twice.

The home is on a small file system of its own, in a namespace that a sleeping process keeps.
"""

import os
import subprocess

from ledgerd import DAEMON, Client, RpcError, b64, free_port, tx_hash
from process import end, spawn, wait_until

SMALL, LARGE = "3m", "64m"


class Disk:
    def __init__(self, directory):
        self.path = os.path.join(directory, "disk")
        os.mkdir(self.path)
        self.holder = spawn(["unshare", "-rm", "sh", "-c", f"mount -t tmpfs -o size={SMALL} none '{self.path}' && "
                             "echo there && exec sleep 3600"], os.path.join(directory, "holder.log"))
        wait_until(lambda: os.path.getsize(os.path.join(directory, "holder.log")), 20, "the small disk")

    def inside(self, *words):
        return ["nsenter", "-t", str(self.holder.pid), "-U", "-m", "--preserve-credentials", *words]

    def run(self, *words):
        done = subprocess.run(self.inside(*words), capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise RuntimeError(f"{words}: {done.stderr}")

    def end(self):
        end(self.holder)


def start(disk, directory, home, port):
    log = os.path.join(directory, "ledgerd.log")
    process = spawn(disk.inside(DAEMON, "run", "--home", home, "--listen", f"127.0.0.1:{port}", "--interval", "10ms",
                                "--idle", "200ms"), log)

    def up():
        if process.poll() is not None:
            return True
        try:
            return Client(port, 5).tip() > 1
        except OSError:
            return False

    wait_until(up, 30, "the daemon answers")
    return process, log


def fill(port):
    """Transactions of 60 KB, until nobody answers: those that were committed, with the hash of their block."""
    client, taken = Client(port), []
    for number in range(2000):
        tx = b"k%d=" % number + os.urandom(30000).hex().encode()
        try:
            done = client.call("broadcast_tx_commit", tx=b64(tx))
            height = done["height"]
            taken.append((tx_hash(tx), height,
                          client.call("commit", height=height)["signed_header"]["commit"]["block_id"]["hash"]))
        except (OSError, ValueError, TypeError, RpcError):
            return taken
    return taken


def run(checks, directory):
    disk, port = Disk(directory), free_port()
    home = os.path.join(disk.path, "home")
    try:
        disk.run(DAEMON, "init", "--home", home, "--chain", "test-chain")
        process, log = start(disk, directory, home, port)
        taken = fill(port)
        code = process.wait(30)
        with open(log, encoding="utf-8") as file:
            said = file.read().splitlines()
        checks.check("some transactions were committed", len(taken) > 2, taken)
        checks.equal("on a full disk the daemon ends, as what may pass", code, 1)
        checks.check("and says why, and what to do", "Make room" in said[-1], said[-3:])
        process, _ = start(disk, directory, home, port)
        checks.equal("without room it ends again", process.wait(30), 1)

        disk.run("mount", "-o", f"remount,size={LARGE}", disk.path)
        process, _ = start(disk, directory, home, port)
        client = Client(port)
        got = [client.call("tx", hash=b64(bytes.fromhex(name)))["height"] for name, _, _ in taken]
        checks.equal("with room, all that was committed is there", got, [height for _, height, _ in taken])
        again = [client.call("commit", height=height)["signed_header"]["commit"]["block_id"]["hash"]
                 for _, height, _ in taken]
        checks.equal("each height has the block that it had", again, [block for _, _, block in taken])
        done = client.call("broadcast_tx_commit", tx=b64(b"after=1"))
        checks.check("and the chain goes on", int(done["height"]) > int(taken[-1][1]), done)
        end(process, 20)
    finally:
        disk.end()
