# SPDX-License-Identifier: Apache-2.0
"""kill -9 at any time, under load: what was answered as committed stays, and no height has two blocks."""

import http.client
import json
import random
import threading

from ledgerd import Client, Ledgerd, LightProxy, RpcError, b64

SENDERS = 4


class Load:
    """Sends transactions and remembers those that were answered as committed."""

    def __init__(self, ledgerd):
        self.ledgerd, self.stop, self.lock = ledgerd, threading.Event(), threading.Lock()
        self.committed, self.sent, self.wrong = {}, 0, []
        self.threads = [threading.Thread(target=self.send, args=(i,)) for i in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def send(self, sender):
        client, number = Client(self.ledgerd.port, timeout=15), 0
        while not self.stop.is_set():
            number += 1
            key = b"s%d-%d" % (sender, number)
            try:
                done = client.call("broadcast_tx_commit", tx=b64(key + b"=1"))
            except RpcError:
                continue
            except (OSError, http.client.HTTPException, json.JSONDecodeError):
                # nobody listens just now
                self.stop.wait(0.01)
                continue
            with self.lock:
                self.sent += 1
                if done["tx_result"]["code"] == 0 and int(done["height"]):
                    self.committed[key] = done["height"]

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()


class Follower:
    """Remembers every header, commit and signature that it has ever been shown at a height."""

    def __init__(self, ledgerd):
        self.ledgerd, self.stop, self.seen, self.twice = ledgerd, threading.Event(), {}, []
        self.thread = threading.Thread(target=self.follow)
        self.thread.start()

    def look(self, client, height):
        signed = client.call("commit", height=str(height))["signed_header"]
        known = self.seen.setdefault(height, signed)
        if known != signed:
            self.twice.append((height, known, signed))

    def follow(self):
        client, at = Client(self.ledgerd.port, timeout=5), 1
        while not self.stop.is_set():
            try:
                tip = client.tip()
                # the last ones again: they are what a crash could change
                for height in range(max(1, min(at, tip - 3)), tip + 1):
                    self.look(client, height)
                at = tip + 1
                self.stop.wait(0.002)
            except (OSError, http.client.HTTPException, json.JSONDecodeError, RpcError):
                self.stop.wait(0.005)

    def end(self):
        self.stop.set()
        self.thread.join()


def run(checks, directory):
    seed = random.randrange(1 << 32)
    print(f"      seed {seed}")
    dice, pause = random.Random(seed), threading.Event()
    ledgerd = Ledgerd(directory, "--interval", "5ms").start()
    load, follower = Load(ledgerd), Follower(ledgerd)
    try:
        for _ in range(checks.options.kills):
            pause.wait(dice.uniform(0.0, 0.4))
            ledgerd.kill()
            ledgerd.start()
        pause.wait(0.3)
    finally:
        load.end()
        follower.end()
    client = ledgerd.client()
    tip = client.tip()
    lost = [key for key, height in load.committed.items()
            if client.call("abci_query", path="/store/sealbond/key", data=key.hex())["response"]["value"] != b64(b"1")]
    checks.check(f"{checks.options.kills} kills: of {len(load.committed)} transactions committed none is lost",
                 load.committed and not lost, lost[:5])
    moved = [key for key, height in load.committed.items() if b64(key + b"=1") not in
             client.call("block", height=height)["block"]["data"]["txs"]]
    checks.check("each is in the block that was named", not moved, moved[:5])
    checks.check(f"no height of {len(follower.seen)} has had two blocks", follower.seen and not follower.twice,
                 follower.twice[:1])
    changed = [height for height, signed in follower.seen.items()
               if client.call("commit", height=str(height))["signed_header"] != signed]
    checks.check("each is still what it was", not changed, changed[:5])
    proxy = LightProxy(directory, ledgerd, "--sequential")
    checks.equal(f"CometBFT's light client follows all {tip} blocks",
                 proxy.client().call("commit", height=str(tip))["signed_header"],
                 client.call("commit", height=str(tip))["signed_header"])
    proxy.stop()
    ledgerd.stop()
