# SPDX-License-Identifier: Apache-2.0
"""What is on the disk before somebody sees it: the daemon's calls, in the order in which it makes them."""

import os
import re
import signal
import subprocess

from ledgerd import Ledgerd, b64

CALLS = "fsync,fdatasync,msync,rename,sendmsg,sendto,write,writev"


def steps(trace):
    """The calls that keep or show something, by names of their own."""
    out = []
    for line in trace.splitlines():
        if "validator_state.json." in line and re.search(r"\bfsync\(", line):
            out.append("note")
        elif re.search(r'\brename\(.*validator_state\.json"', line):
            out.append("rename")
        elif re.search(r"\bfsync\(\d+<[^>]*/home>", line):
            out.append("names")
        elif re.search(r"\bf(data)?sync\(\d+<[^>]*/blocks/data\.mdb>", line):
            out.append("blocks")
        elif re.search(r"\bf(data)?sync\(\d+<[^>]*/state/data\.mdb>", line):
            out.append("state")
        elif "broadcast" not in line and re.search(r"send(msg|to)\(", line) and "tx_result" in line:
            out.append("answer")
    return out


def run(checks, directory):
    ledgerd = Ledgerd(directory).start()
    path = os.path.join(directory, "trace")
    tracer = subprocess.Popen(["strace", "-f", "-y", "-s", "4096", "-e", f"trace={CALLS}", "-o", path, "-p",
                               str(ledgerd.process.pid)], stderr=subprocess.PIPE)
    tracer.stderr.readline()
    client = ledgerd.client()
    first = client.tip()
    height = int(client.call("broadcast_tx_commit", tx=b64(b"a=1"))["height"])
    tracer.send_signal(signal.SIGTERM)
    tracer.communicate(timeout=30)
    ledgerd.stop()
    with open(path, encoding="utf-8", errors="replace") as file:
        seen = steps(file.read())
    before = seen[:seen.index("answer")] if "answer" in seen else []
    once = [step for i, step in enumerate(before) if i == 0 or step != before[i - 1]]
    # of each block: it is pending; what is signed, its file's name; the block with its signature; the application
    order = ["blocks", "note", "rename", "names", "blocks", "state"]
    whole = sum(once[i:i + len(order)] == order for i in range(len(once)))
    checks.check(f"each of {height - first} blocks is on the disk, step by step, before the answer to the last",
                 0 < height - first <= whole, (first, height, seen))
