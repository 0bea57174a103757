# SPDX-License-Identifier: Apache-2.0
"""The ledger's part of make bench: the programs themselves, on this machine, with its clock. See docs/benchmarks.md."""

import json
import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(TOP, "tests", "cluster"), os.path.join(TOP, "tests", "qemu")]

import abci  # noqa: E402
from ledgerd import Client, free_port  # noqa: E402
from process import end, spawn, wait_until  # noqa: E402

BUILD = os.path.join(TOP, "build")
LEDGERD = os.path.join(BUILD, "sealbond-ledgerd")
SEALBOND = os.path.join(BUILD, "sealbond")
CHAIN = "plant"
STREAMS = 8
MILLION = 1000000

TARGETS = [
    ("quote_checks_per_s_core", "quotes checked a second of a core's time", 8000, 1),
    ("embedded_tx_per_s", "signed transactions a second, quotes and BIP-340, in blocks on disk", 5000, 1),
    ("tree_updates_per_s_1m", "tree updates a second of a core's time, 1,000 a batch, 1 M records", 100000, 1),
    ("proof_bytes_1m", "existence proof at 1 M records without value, median bytes", 1024, -1),
    ("cold_header_ms_100", "cold header of 100 validators, ms of processor time", 5, -1),
    ("abci_tx_per_s", "signed transactions a second behind CometBFT, one validator, unix socket", 9000, 1),
    ("import_10000_s", "10,000 device ids through the command line into blocks, s", 60, -1),
]
# without a target
FURTHER = ["tree_updates_committed_per_s_1m", "absence_proof_bytes_1m", "ledgerd_rss_kib_1m", "ledgerd_pss_kib_1m",
           "ledgerd_anon_kib_1m", "ledgerd_disk_mib_1m", "embedded_tx_per_s_of_2_cores", "embedded_tx_cpu_us",
           "embedded_tx_per_s_1m", "renew_bytes",
           "abci_tx_per_s_of_2_cores", "abci_cpu_us_ledgerd", "abci_cpu_us_cometbft", "abci_cpu_us_sender",
           "abci_commit_p50_ms", "abci_commit_p99_ms", "four_heartbeats_per_s", "endpoint_polls_per_s", "poll_answer_bytes", "endpoint_records_per_s",
           "record_answer_bytes", "statesync_100k_s", "statesync_100k_mib",
           "chain_growth_bytes_per_beat", "chain_index_bytes_per_beat", "chain_growth_mib_per_device_year",
           "renew_header_bytes", "renew_heartbeat_bytes", "renew_record_bytes", "renew_grant_bytes"]


def program(name):
    return os.path.join(BUILD, "tests", name)


def output(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, cwd=TOP).stdout


def lines(*words):
    """Programs of the bench print JSON objects with name and value, one a line."""
    return {one["name"]: one["value"] for one in (json.loads(line) for line in output(*words).splitlines())}


def yardstick():
    """What the machine is worth just now: others may be at work on it, and a core's time is worth less then."""
    text = subprocess.run(["openssl", "speed", "-seconds", "1", "ecdsap256"], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True).stdout
    return {"load": os.getloadavg()[0], "p256_verifications_per_s_core": float(text.split()[-1])}


def machine():
    with open("/proc/cpuinfo", encoding="ascii") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    return {"processors": os.cpu_count(), "model": model.group(1) if model else "unknown",
            "compiler": output("cc", "--version").splitlines()[0], "kernel": os.uname().release}


def memory_of(process):
    """KiB: Rss, Pss, and what is no file's."""
    with open(f"/proc/{process.pid}/smaps_rollup", encoding="ascii") as file:
        found = dict(re.findall(r"^(\w+): +(\d+) kB", file.read(), re.M))
    return {name: int(found[name]) for name in ("Rss", "Pss", "Pss_Anon", "Pss_File")}


def cpu_of(process):
    """Seconds of each thread that is there."""
    found = {}
    for thread in os.listdir(f"/proc/{process.pid}/task"):
        with open(f"/proc/{process.pid}/task/{thread}/stat", encoding="ascii") as file:
            words = file.read().rsplit(")", 1)[1].split()
        found[thread] = (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    return found


class Home:
    """A ledger of one process, whose devices and people are those of build/tests/ledger_load."""

    def __init__(self, directory):
        self.directory, self.path, self.port = directory, os.path.join(directory, "home"), free_port()
        self.load = os.path.join(directory, "load")
        self.process = None
        os.makedirs(self.load)
        grant_key, state = os.path.join(directory, "grant_key"), os.path.join(directory, "state.json")
        with open(state, "w", encoding="ascii") as file:
            file.write(output(program("ledger_load"), "genesis", grant_key))
        subprocess.run([LEDGERD, "init", "--home", self.path, "--chain", CHAIN, "--app-state", state], check=True,
                       stderr=subprocess.DEVNULL)
        shutil.move(grant_key, os.path.join(self.path, "grant_key.pem"))
        os.chmod(os.path.join(self.path, "grant_key.pem"), 0o600)

    def start(self):
        self.process = spawn([LEDGERD, "run", "--home", self.path, "--listen", f"127.0.0.1:{self.port}",
                              "--pool-count", "200000", "--pool-bytes", "512M"], os.path.join(self.directory, "log"))
        wait_until(self.answers, 60, "the ledger answers")
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the daemon ended: see {self.directory}/log")
        try:
            return Client(self.port, 2).tip() > 0
        except OSError:
            return False

    def stop(self):
        if self.process:
            end(self.process, 60)
        self.process = None

    def prepare(self, devices, each):
        subprocess.run([program("ledger_load"), "prepare", str(self.port), self.load, str(devices), str(each),
                        str(each), str(STREAMS), "0"], check=True)

    def send(self):
        """Sends what is prepared; what came of it, counted in the blocks."""
        yard, before = yardstick(), cpu_of(self.process)
        result = json.loads(output(program("ledger_load"), "send", str(self.port), self.load, str(STREAMS)))
        threads = [round(after - before.get(thread, 0), 2) for thread, after in cpu_of(self.process).items()]
        result.update(daemon_cpu_s=round(sum(threads), 2), threads_cpu_s=sorted(threads, reverse=True))
        client, done = Client(self.port, 60), 0
        for height in range(result["first"], result["last"] + 1):
            results = client.call("block_results", height=str(height))["txs_results"] or []
            done += sum(one["code"] == 0 for one in results)
        client.close()
        if done != result["taken"] or result["refused"]:
            raise RuntimeError(f"{done} of {result['taken']} in blocks, {result['refused']} refused")
        both = (result["daemon_cpu_s"] + result["sender_cpu_s"]) / done
        result.update(yard, per_s=round(done / result["seconds"]), cpu_us=round(both * 1e6),
                      per_s_of_2_cores=round(2 / both))
        return result


class Ledger:
    def __init__(self, rounds=3, devices=1000, each=20, records=MILLION):
        self.rounds, self.devices, self.each, self.records = rounds, devices, each, records
        self.values, self.raw = {}, {"machine": machine()}
        self.directory = os.path.join(BUILD, "bench-ledger")
        self.home = None

    def checks(self):
        found = json.loads(output(program("state_bench")))
        self.values.update(found)

    def tree(self):
        store = os.path.join(self.directory, "tree")
        found = lines(program("tree_bench"), str(self.records), "1000", store)
        self.raw["tree"] = found
        self.values.update(tree_updates_per_s_1m=round(found["memory_updates"]),
                           tree_updates_committed_per_s_1m=round(found["lmdb_updates_wall"]),
                           proof_bytes_1m=found["existence_proof_bytes"],
                           absence_proof_bytes_1m=found["absence_proof_bytes"])

    def light(self):
        found = lines(program("light_bench"), "10000")
        self.raw["light"] = found
        self.values["cold_header_ms_100"] = round(found["cold_header_ms_100"], 2)

    def transactions(self):
        """Each round on a ledger of its own; the best one counts, all are kept."""
        self.raw["embedded"] = rounds = []
        for _ in range(self.rounds):
            self.open_home()
            self.home.start()
            self.home.prepare(self.devices, self.each)
            rounds.append(self.home.send())
            print(f"    {rounds[-1]}", flush=True)
            self.close_home()
        best = max(rounds, key=lambda one: one["per_s"])
        self.values.update(embedded_tx_per_s=best["per_s"], embedded_tx_cpu_us=best["cpu_us"],
                           embedded_tx_per_s_of_2_cores=best["per_s_of_2_cores"])

    def million(self):
        """A ledger with so many devices: its memory after it has served, its disk, and what a device downloads."""
        self.open_home()
        print(f"    {output(program('ledger_fill'), self.home.path, str(self.records)).strip()}", flush=True)
        self.home.start()
        self.raw["memory_at_start_kib"] = memory_of(self.home.process)
        self.home.prepare(self.devices, 4)
        self.raw["embedded_1m"] = sent = self.home.send()
        self.raw["renew"] = renew = lines(program("renew_bench"), str(self.home.port))
        self.raw["memory_kib"] = memory = memory_of(self.home.process)
        files = [os.path.join(self.home.path, name, "data.mdb") for name in ("state", "blocks")]
        disk = [os.stat(name).st_blocks * 512 / (1 << 20) for name in files]
        self.raw["disk_mib"] = dict(zip(("state", "blocks"), (round(size, 1) for size in disk)))
        self.values.update(embedded_tx_per_s_1m=sent["per_s"], ledgerd_rss_kib_1m=memory["Rss"],
                           ledgerd_pss_kib_1m=memory["Pss"], ledgerd_anon_kib_1m=memory["Pss_Anon"],
                           ledgerd_disk_mib_1m=round(disk[0]), renew_bytes=renew["renew_bytes"],
                           renew_header_bytes=renew["renew_sync_bytes"],
                           renew_heartbeat_bytes=renew["renew_submit_bytes"],
                           renew_record_bytes=renew["renew_record_bytes"],
                           renew_grant_bytes=renew["renew_grant_bytes"])
        self.close_home()

    def enrollers_list(self):
        """10,000 device ids, as an enroller has them, with the daemon as it is installed and the command line."""
        directory = os.path.join(self.directory, "import")
        os.makedirs(directory)
        home, port = os.path.join(directory, "home"), free_port()
        subprocess.run([SEALBOND, "init", "--home", home, "--chain", CHAIN, "--endpoint", f"http://127.0.0.1:{port}"],
                       check=True, stdout=subprocess.DEVNULL)
        inventory = os.path.join(directory, "inventory")
        with open(inventory, "w", encoding="ascii") as file:
            file.writelines(f"{number:064x}\n" for number in range(1, 10001))
        process = spawn([LEDGERD, "run", "--home", home, "--listen", f"127.0.0.1:{port}"],
                        os.path.join(directory, "log"))
        try:
            conf = os.path.join(home, "ledger.conf")
            wait_until(lambda: not subprocess.run([SEALBOND, "ledger", "status", "--ledger", conf], check=False,
                                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode,
                       60, "the ledger answers", 0.2)
            began = time.monotonic()
            subprocess.run([SEALBOND, "enroller", "import", inventory, "--key", os.path.join(home, "enroller.key"),
                            "--ledger", conf], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            took = time.monotonic() - began
            counters = json.loads(output(SEALBOND, "ledger", "show", "counters", "--ledger", conf, "--json"))
        finally:
            end(process, 20)
        if counters["record"].get("known_keys") != 10000:
            raise RuntimeError(f"not all are there: {counters}")
        self.values["import_10000_s"] = round(took, 1)

    def open_home(self):
        self.close_home()
        self.home = Home(os.path.join(self.directory, "chain"))

    def close_home(self):
        if self.home:
            self.home.stop()
            shutil.rmtree(self.home.directory, ignore_errors=True)
        self.home = None

    def run(self, only=()):
        """What fails is said, and its figures are missing; the others go on."""
        parts = [("checks", self.checks), ("light", self.light), ("transactions", self.transactions),
                 ("tree", self.tree), ("million", self.million), ("import", self.enrollers_list)]
        behind = abci.Bench(self.directory)
        self.raw["abci"] = behind.raw
        behind.values = self.values
        parts += [(name, getattr(behind, name)) for name in ("throughput", "latency", "four", "growth", "statesync")]
        for name, part in parts:
            if only and name not in only:
                continue
            shutil.rmtree(self.directory, ignore_errors=True)
            os.makedirs(self.directory)
            self.raw.setdefault("yardstick", {})[name] = yardstick()
            before = dict(self.values)
            try:
                part()
            except (OSError, RuntimeError, ValueError, KeyError, subprocess.SubprocessError) as error:
                print(f"  {name}: failed: {error}", flush=True)
            finally:
                self.close_home()
                behind.close()
            for key in self.values.keys() - before.keys():
                print(f"  {key}: {self.values[key]}", flush=True)
        shutil.rmtree(self.directory, ignore_errors=True)
        return self.values
