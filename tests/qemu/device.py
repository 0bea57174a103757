# SPDX-License-Identifier: Apache-2.0
"""A guest that runs the module, the helper and the CLI, as a device in a plant does."""

import json
import os
import re

from image import BUILD

CONF = """[device]
overlay4 = 10.77.0.{n}/24
overlay6 = fd77::{n}/64
[enforce]
mode = {mode}
[key]
pcrs = 0,2,4,7,9
cap_pcr = 14
release_key = /etc/sealbond/release.pub.pem
fleet = demo
{extra}"""

TOOLS = {"/usr/bin/notify": os.path.join(BUILD, "tests/notify")}
CONF_PATH = "/etc/sealbond/sealbond.conf"
PEERS_PATH = "/var/lib/sealbond/peers.conf"


class Device:
    """Number n has 10.0.0.n and fd00::n on its cable, 10.77.0.n and fd77::n inside its bonds."""

    def __init__(self, guest, number, mode="off", extra=""):
        self.guest, self.number, self.mode, self.extra = guest, number, mode, extra
        self.helper = None

    @property
    def wire4(self):
        return f"10.0.0.{self.number}"

    @property
    def inner4(self):
        return f"10.77.0.{self.number}"

    @property
    def inner6(self):
        return f"fd77::{self.number}"

    def cable(self):
        """The network card's own addresses."""
        self.guest.run(f"ip link set eth0 up; ip addr add {self.wire4}/24 dev eth0; "
                       f"ip -6 addr add fd00::{self.number}/64 dev eth0 nodad")

    def configure(self, extra=None, mode=None):
        """Writes its configuration; extra: further sections."""
        self.extra = self.extra if extra is None else extra
        self.mode = mode or self.mode
        self.guest.put(CONF.format(n=self.number, mode=self.mode, extra=self.extra).encode(), CONF_PATH)

    def install(self, release_public):
        """Configuration and release key, as an integrator's image has them. Peers come from the disk."""
        g = self.guest
        g.run("mkdir -p /etc/sealbond; touch /var/lib/sealbond/peers.conf; "
              "ln -sf /var/lib/sealbond/peers.conf /etc/sealbond/peers.conf")
        g.put(release_public, "/etc/sealbond/release.pub.pem")
        self.configure()

    def start(self, environment=""):
        """Loads the module and starts the helper; waits until the helper says that it is ready."""
        self.guest.run("modprobe sealbond")
        # core dumps allowed, so that it shows that the helper forbids its own
        self.helper = self.guest.start(f"ulimit -c unlimited; {environment} exec sealbondd")
        self.helper.expect("ready", timeout=60)

    def stop(self, signal=15):
        """Ends the helper, and waits until its roles are gone with it. Bonds live on."""
        self.helper.stop(signal)
        self.guest.wait_for("! pidof sealbondd sealbondd-tpm")

    def restart(self):
        self.stop()
        self.start()

    def reload_module(self):
        """The module loaded anew, as empty as after a boot, and the helper started again."""
        self.stop()
        self.guest.run("rmmod sealbond")
        self.start()

    def roles(self):
        """Process ids of the running helper: parent, link, tpm (those that live)."""
        found = {}
        for line in self.guest.out("for p in $(pidof sealbondd sealbondd-tpm); do "
                                   "echo $p $(tr '\\0' ' ' </proc/$p/cmdline); done; true").splitlines():
            pid, *words = line.split()
            name = "tpm" if words[0].endswith("-tpm") else "link" if "--role" in words else "parent"
            found[name] = int(pid)
        return found

    def cli(self, words, check=True, timeout=60):
        return self.guest.run(f"sealbond {words}", check=check, timeout=timeout)

    def ask(self, words):
        """A command's --json answer; its exit code tells a state, and is no failure here."""
        return json.loads(self.cli(f"{words} --json", check=False).out)

    def wait_state(self, *states, timeout=90):
        """Until `sealbond key` shows one of the states; returns it."""
        names = "|".join(states)
        r = self.guest.wait_for(f"sealbond key --json | grep -oE '\"state\": *\"({names})\"'", timeout=timeout)
        return r.out.split('"')[-2] if r else None

    def identity(self):
        return self.cli("identity").out

    def peer_of(self, other, lease="24h", port=7454, endpoint=None, extra=""):
        """Adds the other to this one's peers file. endpoint: ADDRESS:PORT, "" for none; by default its
        address on the cable."""
        if endpoint is None:
            endpoint = f"{other.wire4}:{port}"
        stanza = other.identity().rstrip() + (f"\nendpoint = {endpoint}" if endpoint else "")
        self.add_peer(f"{stanza}\nlease = {lease}\n{extra}")

    def add_peer(self, stanza):
        self.guest.run(f"cat >> {PEERS_PATH} <<'END'\n{stanza}\nEND")

    def set_lease(self, lease):
        self.guest.run(f"sed -i 's/^lease = .*/lease = {lease}/' {PEERS_PATH}")
        self.cli("reload")

    def peer(self, name):
        """What `peers --json` says of one peer, or None."""
        return next((p for p in self.ask("peers")["peers"] if p["peer"] == name), None)

    def wait_bond(self, timeout=300):
        """B has no endpoint of A's: after B's boot A begins, when its epoch is two minutes old. Where there are no
        peers yet nothing is wrong, and `sealbond status` says so: one bond at least has to be live."""
        return self.guest.wait_for("status=$(sealbond status) && echo \"$status\" | grep 'Bonds: *[1-9]'",
                                   timeout=timeout)

    def monitor(self):
        """`sealbond monitor` from now on, as a job."""
        job = self.guest.start("exec sealbond monitor --json")
        job.expect("watching")
        return job

    def ping(self, address, count=3, pattern=None):
        p = f"-p {pattern}" if pattern else ""
        r = self.guest.run(f"ping -c {count} -i 0.2 -W 2 {p} {address}", check=False, timeout=60)
        return r


class Numbers:
    """Numbered datagrams from one device to another over the bond, until end()."""

    def __init__(self, source, target, port, count=0, interval_us=10000, size=200):
        self._ends = [d.guest.nics[0].capture for d in (source, target)]
        self._marks = [capture.mark() for capture in self._ends]
        self._receiver = target.guest.start(f"exec udpnum recv {port} {target.inner4}")
        self._receiver.expect("ready")
        self._sender = source.guest.start(f"exec udpnum send {target.inner4} {port} {count} {interval_us} {size}")

    def end(self, timeout=60):
        """(sent, lost, the output of both), now."""
        if self._sender.running:
            self._sender.kill()
        return self.finish(timeout)

    def finish(self, timeout=120):
        """The same after all of them were sent. What the switch has lost between the captures at both ends
        (it does when the host is busy) is not counted as lost."""
        words = " ".join(job.wait(timeout).out.splitlines()[-1] for job in (self._sender, self._receiver))
        figure = {name: int(n) for name, n in re.findall(r"(\w+)=(\d+)", words)}
        there, here = ([(f.src, f.payload[:8]) for f in capture.frames(mark) if f.kind == "esp"]
                       for capture, mark in zip(self._ends, self._marks))
        dropped = len(set(there) - set(here))
        lost = figure["numbers"] - figure["received"] - dropped
        return figure["numbers"], max(lost, figure["errors"], 0), f"{words}; the switch has lost {dropped}"


def make_release_key(directory):
    """(private path, public bytes), made by the tool itself, away from any device."""
    import subprocess
    private = os.path.join(directory, "release.pem")
    subprocess.run([os.path.join(BUILD, "sealbond"), "release", "key", "--out", private],
                   check=True, capture_output=True)
    with open(os.path.join(directory, "release.pub.pem"), "rb") as f:
        return private, f.read()


def pair(lab):
    """Devices a and b with a live bond: b does not know where a is and learns it from the handshake.
    Those of an earlier scenario in this lab where they live."""
    found = getattr(lab, "devices", None)
    if found:
        return found
    found = [Device(g, n + 1) for n, g in enumerate(lab.boot(lab.guest("a", files=TOOLS), lab.guest("b", files=TOOLS)))]
    found[0].release_key, public = make_release_key(lab.directory)
    for d in found:
        d.cable()
        d.install(public)
        d.start()
    for d in found:
        state = d.wait_state("keys-ready", timeout=120)
        assert state == "keys-ready", d.ask("key")
        d.guest.wait_for("sealbond identity", timeout=60)
    a, b = found
    a.peer_of(b)
    b.peer_of(a, endpoint="")
    for d in (b, a):
        d.cli("reload")
    for d in found:
        d.wait_bond()
    lab.devices = found
    return found
