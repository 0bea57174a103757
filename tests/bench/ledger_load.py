#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Transactions that the embedded chain commits in a second, with the small application of tests/cluster.

    ledger_load.py [SECONDS [SENDERS]]

Senders put batches of ten broadcast_tx_sync over HTTP on loopback; what counts is what stands in blocks. For
orientation: the senders share the machine's processors with the daemon. Prints one line.
"""

import http.client
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "cluster"))

from ledgerd import Ledgerd, b64, wait_until  # noqa: E402


def send(port, sender, seconds, taken):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    end, number, count = time.monotonic() + seconds, 0, 0
    while time.monotonic() < end:
        calls = [{"jsonrpc": "2.0", "id": i, "method": "broadcast_tx_sync",
                  "params": {"tx": b64(b"s%d-%d=" % (sender, number + i) + b"v" * 200)}} for i in range(10)]
        number += 10
        connection.request("POST", "/", json.dumps(calls), {"Content-Type": "application/json"})
        answers = json.loads(connection.getresponse().read())
        count += sum("result" in answer for answer in answers)
    taken.put(count)


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    senders = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    directory = tempfile.mkdtemp(prefix="ledger-load-", dir=os.path.join(TOP, "build"))
    ledgerd = Ledgerd(directory, "--pool-count", "100000").start()
    client, taken = ledgerd.client(), multiprocessing.Queue()
    first = client.tip()
    began = time.monotonic()
    processes = [multiprocessing.Process(target=send, args=(ledgerd.port, i, seconds, taken)) for i in range(senders)]
    for process in processes:
        process.start()
    total = sum(taken.get() for _ in processes)
    for process in processes:
        process.join()
    wait_until(lambda: client.call("num_unconfirmed_txs")["total"] == "0", 600, "all are in blocks")
    took, last = time.monotonic() - began, client.tip()
    done = sum(len(client.call("block", height=str(height))["block"]["data"]["txs"])
               for height in range(first + 1, last + 1))
    with open(f"/proc/{ledgerd.process.pid}/stat", encoding="ascii") as stat:
        ticks = sum(int(word) for word in stat.read().rsplit(")", 1)[1].split()[11:13])
    ledgerd.stop()
    shutil.rmtree(directory)
    print(f"embedded_tx_per_s {done / took:.0f}: {done} of {total} taken, in {last - first} blocks and {took:.1f} s; "
          f"{ticks / os.sysconf('SC_CLK_TCK') / max(done, 1) * 1e6:.0f} us of processor time each")


main()
