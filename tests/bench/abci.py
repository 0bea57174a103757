# SPDX-License-Identifier: Apache-2.0
"""The ledger behind CometBFT, for make bench: as sealbond cluster init makes it, on this machine."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import time

from ledgerd import COMETBFT, Client, b64, free_port
from people import Person
from process import end, spawn, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build")
LEDGERD = os.path.join(BUILD, "sealbond-ledgerd")
SEALBOND = os.path.join(BUILD, "sealbond")
LOAD = os.path.join(BUILD, "tests", "ledger_load")
FILL = os.path.join(BUILD, "tests", "ledger_fill")
CHAIN = "plant"
STREAMS = 8
PATIENCE = 300
BEATS_A_YEAR = 365 * 6		# a lease of 24 h, a heartbeat each sixth of it


def cpu_of(process):
    """Seconds of all threads, the ended ones too."""
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def size_of(path):
    """Bytes on disk, of all files below."""
    return sum(os.stat(os.path.join(at, name)).st_blocks * 512
               for at, _, names in os.walk(path) for name in names if os.path.exists(os.path.join(at, name)))


class Node:
    def __init__(self, directory, rpc):
        self.directory, self.rpc = directory, rpc
        self.home, self.comet_home = os.path.join(directory, "ledger"), os.path.join(directory, "comet")
        self.url = f"unix://{os.path.join(directory, 'abci.sock')}"
        self.ledgerd = self.comet = None

    def configure(self, name, value):
        """A line of config.toml, of a name that stands there once."""
        path = os.path.join(self.comet_home, "config", "config.toml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        text, count = re.subn(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.M)
        if count != 1:
            raise RuntimeError(f"{path}: {count} lines of {name}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def start(self, *options, program=None):
        words = program or [LEDGERD, "run", "--home", self.home, "--abci", self.url, *options]
        self.ledgerd = spawn(words, os.path.join(self.directory, "ledgerd.log"))
        wait_until(lambda: os.path.exists(self.url.removeprefix("unix://")) or self.ledgerd.poll() is not None, 60, "abci")
        self.comet = spawn([COMETBFT, "start", "--home", self.comet_home, "--proxy_app", self.url],
                           os.path.join(self.directory, "comet.log"))
        return self

    def height(self):
        for process in (self.ledgerd, self.comet):
            if process.poll() is not None:
                raise RuntimeError(f"a node ended: see {self.directory}")
        try:
            return Client(self.rpc, 5).tip()
        except (OSError, ValueError, KeyError):
            return 0

    def wait_for(self, height, seconds=PATIENCE):
        wait_until(lambda: self.height() >= height, seconds, f"height {height}", 0.05)

    def stop(self):
        for process in (self.comet, self.ledgerd):
            if process:
                end(process, 60)
        self.comet = self.ledgerd = None


class Cluster:
    """Validators whose devices and people are those of build/tests/ledger_load."""

    def __init__(self, directory, count, people=True, block_bytes=0):
        """people: those of ledger_load, else of the command. block_bytes: of a block, at most; 0: as it is made."""
        self.directory, self.block_bytes = directory, block_bytes
        nodes = ",".join(f"127.0.0.1:{free_port()}:{free_port()}" for _ in range(count))
        self.home = os.path.join(directory, "cluster")
        subprocess.run([SEALBOND, "cluster", "init", "--out", self.home, "--chain", CHAIN, "--nodes", nodes], check=True,
                       stdout=subprocess.DEVNULL)
        self.nodes = [Node(os.path.join(self.home, f"node{i + 1}"), int(node.split(":")[2]))
                      for i, node in enumerate(nodes.split(","))]
        self.load, self.prepared = os.path.join(directory, "load"), 0
        os.makedirs(self.load)
        if people:
            self._give_people()

    def _give_people(self):
        """The genesis of ledger_load, with this chain's validators; the first node signs grants."""
        key = os.path.join(self.directory, "grant_key")
        state = json.loads(subprocess.run([LOAD, "genesis", key], check=True, stdout=subprocess.PIPE).stdout)
        shutil.move(key, os.path.join(self.nodes[0].home, "grant_key.pem"))
        os.chmod(os.path.join(self.nodes[0].home, "grant_key.pem"), 0o600)
        for node in self.nodes:
            path = os.path.join(node.comet_home, "config", "genesis.json")
            with open(path, encoding="utf-8") as file:
                genesis = json.load(file)
            genesis["app_state"] = dict(state, validators=genesis["app_state"]["validators"])
            if self.block_bytes:
                genesis["consensus_params"]["block"]["max_bytes"] = str(self.block_bytes)
                genesis["consensus_params"]["evidence"]["max_bytes"] = "1024"
            with open(path, "w", encoding="utf-8") as file:
                json.dump(genesis, file)

    def start(self, *options):
        for node in self.nodes:
            node.start(*options)
        for node in self.nodes:
            node.wait_for(2)
        return self

    def stop(self):
        for node in self.nodes:
            node.stop()

    def prepare(self, devices, beats, changes):
        subprocess.run([LOAD, "prepare", str(self.nodes[0].rpc), self.load, str(devices), str(beats), str(changes),
                        str(STREAMS), str(self.prepared), "async"], check=True)
        self.prepared += devices

    def send(self):
        """What is prepared, to the first node; counted in its blocks."""
        node, before, began = self.nodes[0], self.cpu(), time.monotonic()
        result = json.loads(subprocess.run([LOAD, "send", str(node.rpc), self.load, str(STREAMS)], check=True,
                                           stdout=subprocess.PIPE).stdout)
        done, blocks, client = 0, [], Client(node.rpc, 60)
        while done < result["taken"] and time.monotonic() - began < PATIENCE:
            height = result["first"] + len(blocks)
            # what was taken may have been on its way to the pool when that was looked at last
            if height > result["last"]:
                wait_until(lambda: client.tip() >= height, 60, "the rest of what was taken", 0.02)
                result.update(last=height, seconds=round(time.monotonic() - began, 3))
            codes = [one["code"] for one in client.call("block_results", height=str(height))["txs_results"] or []]
            done += codes.count(0)
            blocks.append(len(codes))
        client.close()
        after = self.cpu()
        if done != result["taken"] or result["refused"]:
            raise RuntimeError(f"{done} of {result['taken']} in blocks, {result['refused']} refused")
        result.update(per_s=round(done / result["seconds"]), blocks=blocks,
                      ledgerd_cpu_s=round(after[0] - before[0], 2), comet_cpu_s=round(after[1] - before[1], 2))
        return result

    def cpu(self):
        return (sum(cpu_of(node.ledgerd) for node in self.nodes), sum(cpu_of(node.comet) for node in self.nodes))



class Bench:
    """Parts of tests/bench/ledger.py: each fills values, and raw with how it came to them."""

    def __init__(self, directory):
        self.directory, self.values, self.raw = directory, {}, {}
        self.cluster = None

    def make(self, count, **options):
        self.close()
        self.cluster = Cluster(os.path.join(self.directory, "abci"), count, **options)
        return self.cluster

    def close(self):
        if self.cluster:
            self.cluster.stop()
            shutil.rmtree(self.cluster.directory, ignore_errors=True)
        self.cluster = None

    def throughput(self, rounds=2, devices=1000, each=10):
        """One validator; half of the transactions are quotes, half are people's."""
        self.raw["abci"] = found = []
        for _ in range(rounds):
            cluster = self.make(1).start("--snapshot-every", "0")
            cluster.prepare(devices, each, each)
            found.append(cluster.send())
            print(f"    {found[-1]}", flush=True)
        best = max(found, key=lambda one: one["per_s"])
        taken = best["taken"]
        self.values.update(abci_tx_per_s=best["per_s"], abci_cpu_us_ledgerd=round(best["ledgerd_cpu_s"] / taken * 1e6),
                           abci_cpu_us_cometbft=round(best["comet_cpu_s"] / taken * 1e6),
                           abci_cpu_us_sender=round(best["sender_cpu_s"] / taken * 1e6))
        whole = sum(self.values[f"abci_cpu_us_{name}"] for name in ("ledgerd", "cometbft", "sender"))
        self.values["abci_tx_per_s_of_2_cores"] = round(2e6 / whole)

    def four(self, devices=500, beats=10):
        """Four validators, all of them on this machine: heartbeats alone."""
        cluster = self.make(4).start("--snapshot-every", "0")
        cluster.prepare(devices, beats, 0)
        self.raw["four"] = sent = cluster.send()
        self.values["four_heartbeats_per_s"] = sent["per_s"]
        self.polls(cluster.nodes[0])

    def polls(self, node):
        """
        What devices ask an endpoint all the time: whether there is a new block (the answer has the votes of four
        validators), and, when there is, a record with its proof.
        """
        for name, size, method, params in (
                ("endpoint_polls_per_s", "poll_answer_bytes", "commit", {}),
                ("endpoint_records_per_s", "record_answer_bytes", "abci_query",
                 {"path": "/store/sealbond/key", "data": "50", "prove": True})):
            self.values[name], self.values[size] = self.rate(node, method, params)

    def rate(self, node, method, params, each=2000):
        """Questions a second over eight connections, and bytes of an answer."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                   b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        files = os.path.join(self.cluster.directory, method)
        os.makedirs(files)
        for stream in range(STREAMS):
            with open(os.path.join(files, str(stream)), "wb") as file:
                file.write(request * each)
        # (it looks for codes of transactions, finds none, and ends as if they were refused)
        done = subprocess.run([LOAD, "send", str(node.rpc), files, str(STREAMS)], check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
        client = Client(node.rpc, 30)
        status, answer = client.request("POST", "/", body, {"Content-Type": "application/json"})
        client.close()
        if status != 200 or b'"result"' not in answer:
            raise RuntimeError(f"{method}: {status} {answer[:200]}")
        return round(STREAMS * each / json.loads(done.stdout)["sent_s"]), len(answer)

    def latency(self, count=200):
        """One transaction after the other on an idle chain of one validator, from handing in until its block is there."""
        cluster = self.make(1, people=False).start("--snapshot-every", "0")
        enroller = Person(os.path.join(cluster.home, "people", "enroller.key"), CHAIN)
        client, took = Client(cluster.nodes[0].rpc, 60), []
        for number in range(count):
            tx = b64(enroller.knows(hashlib.sha256(b"%d" % number).digest()))
            wait_until(lambda: self.waits_for_work(client), 60, "a node that waits for transactions", 0.01)
            began = time.monotonic()
            done = client.call("broadcast_tx_commit", tx=tx)
            took.append(1000 * (time.monotonic() - began))
            if done["check_tx"].get("code", 0) or done["tx_result"].get("code", 0):
                raise RuntimeError(f"refused: {done}")
        client.close()
        took.sort()
        self.raw["abci_commit_ms"] = [round(one, 2) for one in took]
        self.values.update(abci_commit_p50_ms=round(took[count // 2], 1),
                           abci_commit_p99_ms=round(took[count * 99 // 100], 1))

    @staticmethod
    def waits_for_work(client):
        """After timeout_commit, at a new height's beginning (RoundStepNewRound): it waits for it, not it for the node."""
        return client.call("consensus_state")["round_state"]["height/round/step"].endswith("/0/2")

    def growth(self, devices=50, beats=40):
        """
        Blocks of some 16 heartbeats, 100 of them kept: what grows all the same, and what would without pruning. The second
        half counts, when what is pruned comes and goes.
        """
        cluster = self.make(1, block_bytes=20480)
        node = cluster.nodes[0]
        node.configure("timeout_commit", '"1ms"')
        cluster.start("--snapshot-every", "100", "--snapshots", "1", "--retain-blocks", "100")
        sizes, counted = [], 0
        for half in range(2):
            cluster.prepare(devices, beats, 0)
            sizes.append(self.parts(node))
            counted = cluster.send()["taken"]
        sizes.append(self.parts(node))
        first, last = self.range_of(node)
        grown = {name: sizes[2][name] - sizes[1].get(name, 0) for name in sizes[2]}
        per_beat = sum(grown.values()) / counted
        self.raw["growth"] = {"sizes": sizes, "beats": counted, "blocks": [first, last], "grown": grown}
        self.values.update(chain_growth_bytes_per_beat=round(per_beat),
                           chain_growth_mib_per_device_year=round(per_beat * BEATS_A_YEAR / (1 << 20), 2),
                           chain_index_bytes_per_beat=round(grown.get("tx_index.db", 0) / counted))

    @staticmethod
    def parts(node):
        data = os.path.join(node.comet_home, "data")
        found = {name: size_of(os.path.join(data, name)) for name in os.listdir(data) if name.endswith((".db", ".wal"))}
        found["state"] = size_of(os.path.join(node.home, "state"))
        found["snapshots"] = size_of(os.path.join(node.home, "snapshots"))
        return found

    @staticmethod
    def range_of(node):
        client = Client(node.rpc, 30)
        sync = client.call("status")["sync_info"]
        client.close()
        return int(sync["earliest_block_height"]), int(sync["latest_block_height"])

    def statesync(self, devices=100000):
        """A new node of a ledger with so many devices, from its start until it follows the chain."""
        cluster = self.make(1)
        node = cluster.nodes[0]
        for name, value in (("timeout_commit", '"50ms"'), ("create_empty_blocks_interval", '"0s"')):
            node.configure(name, value)
        os.makedirs(node.home, exist_ok=True)
        node.start(program=[FILL, node.home, str(devices), node.url, "100"])
        snapshots = os.path.join(node.home, "snapshots")
        wait_until(lambda: node.height() > 103 and any(name.isdigit() for name in os.listdir(snapshots)), PATIENCE,
                   "a snapshot", 0.5)
        client = Client(node.rpc, 30)
        commit = client.call("commit", height="90")["signed_header"]["commit"]["block_id"]["hash"]
        peer = client.call("status")["node_info"]
        client.close()
        port, rpc = free_port(), free_port()
        home = os.path.join(cluster.directory, "new")
        subprocess.run([SEALBOND, "cluster", "join", "--out", home, "--chain", CHAIN, "--nodes", f"127.0.0.1:{port}:{rpc}",
                        "--genesis", os.path.join(node.comet_home, "config", "genesis.json"),
                        "--peers", f"{peer['id']}@{peer['listen_addr'].removeprefix('tcp://')}",
                        "--sync", f"127.0.0.1:{node.rpc},127.0.0.1:{node.rpc}", "--trust-height", "90",
                        "--trust-hash", commit], check=True, stdout=subprocess.DEVNULL)
        new = Node(home, rpc)
        cluster.nodes.append(new)
        began = time.monotonic()
        new.start("--snapshot-every", "0")
        new.wait_for(101)
        took = time.monotonic() - began
        self.values.update(statesync_100k_s=round(took, 1),
                           statesync_100k_mib=round(max(size_of(os.path.join(snapshots, name))
                                                        for name in os.listdir(snapshots)) / (1 << 20), 1))
