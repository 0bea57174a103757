# SPDX-License-Identifier: Apache-2.0
"""Devices with software TPMs on a ledger of their own: the real daemon, the real role, people's real commands.

        sealbond-ledgerd ── unix socket ──┬── sealbondd-ledger (A) ── devicehost ── swtpm
                                          ├── sealbondd-ledger (B) ── devicehost ── swtpm
                                          └── sealbond enroller serve, device, zone (people)
"""

import json
import os
import queue
import shutil
import socket
import subprocess
import threading
import time

from ledgerd import TOP, end, spawn, wait_until
from maker import root_of, run_setup

BUILD = os.path.join(TOP, "build")
SEALBOND = os.path.join(BUILD, "sealbond")
DAEMON = os.path.join(BUILD, "sealbond-ledgerd")
ROLE = os.path.join(BUILD, "sealbondd-ledger")
HOST = os.path.join(BUILD, "tests", "devicehost")
PATIENCE = 120


def boot_ms():
    return time.clock_gettime(time.CLOCK_BOOTTIME) * 1000


def say(*words):
    """One of people's commands; what it printed as JSON."""
    done = subprocess.run([SEALBOND, "--json", *words], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(f"sealbond {' '.join(words)}: {done.returncode} {done.stderr}{done.stdout}")
    # one object a transaction, a line each
    lines = done.stdout.strip().splitlines()
    return json.loads(lines[-1]) if lines else {}


class Device:
    def __init__(self, name, directory, config, seed=None, ahead=(), within=()):
        """seed: another device's name, whose bond keys it has. ahead: ms that its TPM has run longer. within: a program
        that runs it."""
        self.name, self.lines, self.seen = name, queue.Queue(), []
        self.state_dir = os.path.join(directory, name)
        tpm = os.path.join(directory, f"tpm-{name}")
        for path in (self.state_dir, tpm):
            os.makedirs(path, exist_ok=True)
        self.config = os.path.join(directory, f"{name}.conf")
        with open(self.config, "w", encoding="ascii") as f:
            f.write(config.format(state=self.state_dir))
        self.log = open(os.path.join(directory, f"{name}.log"), "w", encoding="utf-8")
        self.process = subprocess.Popen([*within, HOST, ROLE, self.config, tpm, seed or name, *ahead], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.log, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.split())

    def say(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def wait(self, wanted, seconds=60):
        """The next line for which wanted is true; the others are kept in seen."""
        until = time.monotonic() + seconds
        while True:
            try:
                words = self.lines.get(timeout=max(0.01, until - time.monotonic()))
            except queue.Empty:
                raise RuntimeError(f"{self.name}: not within {seconds} s; last: {self.seen[-5:]}") from None
            self.seen.append(words)
            if wanted(words):
                return words

    def status(self, word="status"):
        self.say(word)
        words = self.wait(lambda words: words[0] == "state")
        return dict(zip(words[:18:2], words[1:18:2]))

    def until_state(self, name, seconds=60, word="status"):
        found = {}

        def right():
            found.update(self.status(word))
            return found["state"] == name
        wait_until(right, seconds, f"{self.name}: {name}, not {found}")
        return found

    def end(self):
        if self.process.poll() is None:
            try:
                self.say("end")
                self.process.wait(20)
            except (OSError, subprocess.TimeoutExpired):
                self.process.kill()
        self.log.close()


class Plant:
    def __init__(self, directory, *options):
        """options: further ones of sealbond init."""
        self.directory, self.home = directory, os.path.join(directory, "home")
        self.socket = os.path.join(directory, "rpc")
        self.daemon = self.enroller = None
        self.people = ("--ledger", os.path.join(self.home, "ledger.conf"))
        say("init", "--home", self.home, "--chain", "plant-1", "--bench", "--endpoint", f"unix:{self.socket}", *options)
        self.start()
        given = say("init", "--home", self.home, "--config")
        self.owner_key = os.path.join(directory, "owner.key")
        owner = say("owner", "key", "--out", self.owner_key)["public"]
        self.config = (
            f"[device]\nchain = {given['chain']}\nstate_dir = {{state}}\nrun_dir = {{state}}\n"
            f"[key]\nrelease_key = {given['grant_key']}\nfleet = x\n"
            f"[peers]\ngrant_keys = {given['grant_key']}\nthreshold = 1\n"
            f"[ledger]\nendpoints = {given['endpoints']}\ntrust_hash = {given['trust_hash']}\nowner = {owner}\n"
            f"announce = 192.0.2.7:7454\n")

    def start(self):
        self.daemon = spawn([DAEMON, "run", "--home", self.home, "--listen", self.socket, "--interval", "1s",
                             "--idle", "3s"], os.path.join(self.directory, "daemon.log"))
        wait_until(lambda: os.path.exists(self.socket) or self.daemon.poll() is not None, 20, "the daemon")

    def stop(self):
        end(self.daemon)
        if os.path.exists(self.socket):
            os.unlink(self.socket)

    def owner(self, *words):
        return say(*words, "--key", self.owner_key, *self.people)

    def member(self, *words):
        return say(*words, "--key", os.path.join(self.home, "member.key"), *self.people)

    def vouch(self, *options, enroller="enroller"):
        """An enroller looks once at who waits. What it says for people."""
        done = subprocess.run([SEALBOND, "enroller", "serve", "--once", *options, "--key",
                               os.path.join(self.home, f"{enroller}.key"), *self.people], capture_output=True, text=True,
                              timeout=120, check=False)
        return done.stdout + done.stderr


def live(plant, directory, names):
    """Devices whom an enroller vouches for unseen, and who are in no zone yet."""
    devices = [Device(name, directory, plant.config) for name in names]
    try:
        for device in devices:
            device.id = device.wait(lambda words: words[0] == "identity", PATIENCE)[1]
            device.until_state("enrolling", PATIENCE)
        plant.vouch("--any")
        for device in devices:
            device.until_state("awaiting-approval", PATIENCE)
            plant.owner("device", "approve", device.id)
            device.until_state("lease-live", PATIENCE)
    except Exception:
        for device in devices:
            device.end()
        raise
    return devices


def enrol(checks, plant, directory):
    a, b = (Device(name, directory, plant.config) for name in ("a", "b"))
    for device in (a, b):
        device.id = device.wait(lambda words: words[0] == "identity")[1]
        device.until_state("enrolling")
        say("enroller", "challenge", device.id, "--key", os.path.join(plant.home, "enroller.key"), *plant.people)
    for device in (a, b):
        device.until_state("awaiting-approval")
        plant.owner("device", "approve", device.id)
    checks.check("both devices come by their TPMs to where their owner decides", True)
    for device in (a, b):
        state = device.until_state("lease-live")
        checks.check(f"{device.name}: a lease of a day", 86_000_000 < int(state["lease"]) <= 86_400_000, state)
    addresses = [next(words for words in device.seen if words[0] == "local")[1] for device in (a, b)]
    checks.check("each with an address of its own", addresses[0] != addresses[1], addresses)
    return a, b


def by_its_maker(checks, plant, directory, devices):
    """An enroller vouches by roots of its own, of which the ledger knows nothing."""
    roots = {}
    for name in ("made", "other"):
        run_setup(os.path.join(directory, f"maker-{name}"), os.path.join(directory, f"tpm-{name}"))
        roots[name] = root_of(os.path.join(directory, f"maker-{name}"))
    device = Device("made", directory, plant.config)
    devices.append(device)
    device.id = device.wait(lambda words: words[0] == "identity")[1]
    device.until_state("enrolling")

    words = plant.vouch("--own", "--roots", roots["other"])
    checks.check("an enroller does not vouch for a TPM by a maker that only has the name of its own",
                 f"{device.id}: cert-bad-signature" in words and "0 answered, 0 refused, 1 that" in words, words)
    checks.equal("and the TPM stays out", device.status("now")["state"], "enrolling")
    words = plant.vouch("--own", "--roots", roots["made"])
    checks.check("for one by the maker itself it does", "1 answered, 0 refused, 0 that" in words, words)
    device.until_state("awaiting-approval")
    plant.owner("device", "approve", device.id)
    device.until_state("lease-live")
    checks.check("which comes to its lease", True)
    device.end()


def cloned(checks, plant, directory, devices):
    """A's TPM state and files, copied while it is off; the copy has run for a while when A comes back."""
    a = devices[0]
    a.end()
    for before, after in (("a", "twin"), ("tpm-a", "tpm-twin")):
        shutil.copytree(os.path.join(directory, before), os.path.join(directory, after))
    twin = Device("twin", directory, plant.config, seed="a", ahead=("1000000",))
    devices.append(twin)
    twin.until_state("lease-live", 90)
    checks.check("a copy alone is not to be told from the device", True)
    again = Device("a", directory, plant.config)
    devices[0] = again
    again.until_state("frozen-clone", 90)
    twin.until_state("frozen-clone", 30)
    checks.check("when both have spoken, both are frozen", True)


def strangers(checks, device, count=3000):
    """The role is restarted, and the kernel has more bonds than it ever had a burst of: each of them ends."""
    before = len(device.seen)
    device.say(f"strangers {count}\nrestart")
    device.until_state("lease-live", 90)
    ended = {words[1] for words in device.seen[before:] if words[0] == "drop"}
    while len(ended) < count:
        ended.add(device.wait(lambda words: words[0] == "drop", 30)[1])
    checks.equal("a role that is restarted ends every bond that the ledger does not speak of", len(ended), count)
    device.say("strangers 0")


class Forward:
    """A port of 127.0.0.1 that leads to the daemon's socket."""

    def __init__(self, path):
        self.path, self.listener = path, socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self.path)
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    @staticmethod
    def _carry(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.listener.close()


def by_its_name(checks, plant, directory, devices):
    """The ledger is known by a name, and the file that has it comes after the role: as with DHCP, by a rename."""
    etc, way = os.path.join(directory, "etc"), Forward(plant.socket)
    os.mkdir(etc)
    for name in ("nsswitch.conf", "ld.so.cache", "host.conf"):
        if os.path.exists(f"/etc/{name}"):
            shutil.copy(f"/etc/{name}", etc)

    def hosts(text):
        with open(os.path.join(etc, "hosts.new"), "w", encoding="ascii") as f:
            f.write(text)
        os.replace(os.path.join(etc, "hosts.new"), os.path.join(etc, "hosts"))
    hosts("127.0.0.1 localhost\n")
    config = plant.config.replace(f"unix:{plant.socket}", f"http://ledger.plant:{way.port}")
    device = Device("named", directory, config,
                    within=("unshare", *(("--map-root-user",) if os.geteuid() else ()), "--mount", "sh", "-c", f"mount --bind {etc} /etc && exec \"$@\"", "sh"))
    devices.append(device)
    device.until_state("ledger-unreachable")
    hosts("127.0.0.1 localhost ledger.plant\n")
    # what is asked meanwhile is lost with the role
    device.wait(lambda words: words[0] == "anew", 120)
    state = device.until_state("enrolling", 120)
    checks.check("where the file that names are in is replaced, the role finds the ledger by its name",
                 int(state["height"]) > 0, state)
    device.end()
    way.close()


def restored(checks, plant, directory, a):
    """From a backup without keys, after what it had said since is lost: the validator is another one."""
    backup, old = os.path.join(directory, "backup"), os.path.join(directory, "old-home")
    say("ledger", "backup", backup, "--home", plant.home)
    a.say("reboot")
    before = a.until_state("lease-live", 90)
    plant.stop()
    os.rename(plant.home, old)
    say("ledger", "restore", backup, "--home", plant.home, "--key", os.path.join(old, "member.key"))
    for name in ("grant_key.pem", "member.key", "enroller.key"):
        shutil.copy(os.path.join(old, name), plant.home)
    plant.start()

    def follows():
        state = a.status("now")
        return state if int(state["height"]) > int(before["height"]) + 3_600_000 and \
            int(state["beats"]) > int(before["beats"]) else None
    state = wait_until(follows, 90, "a heartbeat on the restored ledger")
    checks.check("a restored ledger is followed by the members' word, and the lease is renewed",
                 state["state"] == "lease-live" and int(state["refused"]) == int(before["refused"]), (before, state))
    again = plant.member("member", "list")["members"]["members"]
    checks.equal("and people find it, too", [one["name"] for one in again], ["operator"])


def run(checks, directory):
    plant = Plant(directory)
    devices = []
    try:
        a, b = devices = list(enrol(checks, plant, directory))
        zone = os.path.join(directory, "pumps.zone")
        say("zone", "key", "--out", zone, "--name", "pumps")
        plant.member("zone", "create", "--zone", zone)
        for device in devices:
            plant.owner("zone", "add", device.id, "--zone", zone, "--name", device.name)
        grants = [device.wait(lambda words: words[0] == "admit", 90) for device in devices]
        checks.equal("each is granted the other", [words[1] for words in grants], [b.id, a.id])
        checks.equal("by the name that the zone has for it", [words[5] for words in grants], ["b", "a"])
        by_its_maker(checks, plant, directory, devices)
        by_its_name(checks, plant, directory, devices)
        # a reboot, with nobody there
        # both words at once: neither may be lost
        before = len(a.seen)
        a.say("reboot\nstatus")
        a.wait(lambda words: words[0] == "state")
        state = a.until_state("lease-live", 90)
        checks.check("after a reboot the lease is live by itself", int(state["lease"]) > 86_000_000, state)
        # it may have come before the state was asked for
        again = next((words for words in a.seen[before:] if words[0] == "admit"), None) or \
            a.wait(lambda words: words[0] == "admit", 60)
        checks.equal("and its peer is granted anew", again[1], b.id)
        # the ledger goes and comes
        plant.stop()
        state = a.status("now")
        checks.equal("while the ledger is away the lease goes on", state["state"], "lease-live")
        checks.check("and nobody is dropped", not any(words[0] == "drop" for words in a.seen))
        plant.start()
        wait_until(lambda: int(a.status("now")["beats"]) >= 1, 60, "a heartbeat after it came back")
        restored(checks, plant, directory, a)
        strangers(checks, a)
        # revoked: how long until the kernel is told
        plant.owner("device", "revoke", b.id)
        returned = boot_ms()
        dropped = a.wait(lambda words: words[0] == "drop", 30)
        checks.equal("the revoked one is dropped", dropped[1], b.id)
        print(f"      {int(dropped[3]) - returned:.0f} ms from the command's return to the order to the kernel")
        b.until_state("revoked")
        checks.check("and knows it", True)
        cloned(checks, plant, directory, devices)
    finally:
        for device in devices:
            device.end()
        plant.stop()
