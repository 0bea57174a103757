# SPDX-License-Identifier: Apache-2.0
"""A guest that runs the module, the helper and the CLI, as a device in a plant does."""

import json
import os

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

PEER = "\nendpoint = {endpoint}:{port}\nlease = {lease}\n"


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

    def install(self, release_public):
        """Configuration and release key, as an integrator's image has them. Peers come from the disk."""
        g = self.guest
        g.run("mkdir -p /etc/sealbond; touch /var/lib/sealbond/peers.conf; "
              "ln -sf /var/lib/sealbond/peers.conf /etc/sealbond/peers.conf")
        g.put(release_public, "/etc/sealbond/release.pub.pem")
        g.put(CONF.format(n=self.number, mode=self.mode, extra=self.extra).encode(),
              "/etc/sealbond/sealbond.conf")

    def start(self):
        """Loads the module and starts the helper; waits until the helper says that it is ready."""
        self.guest.run("modprobe sealbond")
        self.helper = self.guest.start("exec sealbondd")
        self.helper.expect("ready", timeout=60)

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

    def peer_of(self, other, lease="24h", port=7454):
        """Adds the other to this one's peers file."""
        stanza = other.identity().rstrip() + PEER.format(endpoint=other.wire4, port=port, lease=lease)
        self.guest.run(f"cat >> /var/lib/sealbond/peers.conf <<'END'\n{stanza}\nEND")

    def set_lease(self, lease):
        self.guest.run(f"sed -i 's/^lease = .*/lease = {lease}/' /var/lib/sealbond/peers.conf")
        self.cli("reload")

    def wait_bond(self, timeout=120):
        return self.guest.wait_for("sealbond status", timeout=timeout)

    def ping(self, address, count=3, pattern=None):
        p = f"-p {pattern}" if pattern else ""
        r = self.guest.run(f"ping -c {count} -i 0.2 -W 2 {p} {address}", check=False, timeout=60)
        return r


def make_release_key(directory):
    """(private path, public bytes), made by the tool itself, away from any device."""
    import subprocess
    private = os.path.join(directory, "release.pem")
    subprocess.run([os.path.join(BUILD, "sealbond"), "release", "key", "--out", private],
                   check=True, capture_output=True)
    with open(os.path.join(directory, "release.pub.pem"), "rb") as f:
        return private, f.read()
