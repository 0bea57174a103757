# SPDX-License-Identifier: Apache-2.0
"""A plant whose peers come from a ledger: the ledger's guest with people's commands, and the devices on it."""

import json
import os
import subprocess

import bonded
import measured
from device import TOOLS, Device
from image import BUILD
from measured import Measured
from swtpm import CA_DIR

CHAIN = "plant-1"
ADDRESS, PORT = "10.0.0.3", 26657
PROGRAMS = {"/usr/sbin/sealbond-ledgerd": os.path.join(BUILD, "sealbond-ledgerd"),
            "/usr/libexec/sealbond/sealbond-people": os.path.join(BUILD, "sealbond-people"),
            **{f"/usr/bin/{name}": os.path.join(BUILD, "tests", name) for name in ("rawsend", "liar")}}
HOME = "/root/home"
SECTIONS = """[device]
chain = {chain}
[peers]
grant_keys = /etc/sealbond/grant_key.pub.pem
threshold = 1
[ledger]
endpoints = {endpoints}
trust_hash = {trust_hash}
owner = {owner}
[exception arp]
kind = arp
[exception nd]
kind = nd
[exception icmp-error]
kind = icmp-error
"""
# The network's configuration and the clock are not Sealbond's: a clone has another address on the cable, and a device
# that was off for long another time.
SERVICE = f"""#!/bin/sh
chmod 755 {measured.REBOOT_COMMAND}
[ -z "$ahead" ] || keptclock $ahead
ip link set eth0 up
ip addr add $wire/24 dev eth0
exec sealbondd > {measured.HELPER_LOG} 2>&1
"""


def root_certificate():
    """The CA that has signed the software TPMs' EK certificates, as DER."""
    return subprocess.run(["openssl", "x509", "-in", os.path.join(CA_DIR, "issuercert.pem"), "-outform", "der"],
                          check=True, capture_output=True).stdout


class Ledger:
    """A guest with sealbond-ledgerd in it, and the keys of its one member, an enroller and an owner."""

    def __init__(self, guest):
        self.guest = guest
        self.daemon = self.enroller = None
        self.given = {}

    def make(self, options="--bench", endpoints=None, root=None):
        """A new ledger, running, and an owner's key. endpoints: where devices look for it. root: a trust root (DER)."""
        self.guest.run(f"ip link set lo up; ip link set eth0 up; ip addr add {ADDRESS}/24 dev eth0; mkdir -p /root")
        if root:
            self.guest.put(root, "/root/root.der")
            options += " --root /root/root.der"
        self.people(f"init --home {HOME} --chain {CHAIN} --endpoint http://{ADDRESS}:{PORT} {options}")
        self.start()
        self.given = self.people(f"init --home {HOME} --config")
        self.given["endpoints"] = endpoints or self.given["endpoints"]
        self.given["owner"] = self.people("owner key --out /root/owner.key")["public"]
        self.given["grant_key"] = self.guest.get(f"{HOME}/grant_key.pub.pem")
        return self

    def start(self):
        self.daemon = self.guest.start(f"exec sealbond-ledgerd run --home {HOME} --listen 0.0.0.0:{PORT} --idle 5s")
        self.daemon.expect("listening", timeout=60)

    def stop(self):
        self.daemon.stop()

    def sections(self):
        """Of a device's configuration."""
        return SECTIONS.format(**self.given)

    # -- people's commands ---------------------------------------------------------------------------

    def people(self, words, timeout=120):
        text = self.guest.run(f"sealbond --json {words}", timeout=timeout).out.strip().splitlines()
        return json.loads(text[-1]) if text else {}

    def ask(self, words):
        return self.people(f"{words} --ledger {HOME}/ledger.conf")

    def owner(self, words):
        return self.ask(f"{words} --key /root/owner.key")

    def member(self, words):
        return self.ask(f"{words} --key {HOME}/member.key")

    def change_parameters(self, **values):
        """The one member decides at once."""
        record = {**self.ask("ledger show parameters")["record"], **values}
        proposal = {"title": "this plant's parameters", "changes": [{"parameters": record}]}
        self.guest.put(json.dumps(proposal).encode(), "/root/proposal.json")
        self.member("member propose /root/proposal.json")

    def head(self):
        """Height and time of the latest proven block, beside a record."""
        return self.ask("ledger show parameters")

    def serve_enrolments(self, options=""):
        self.enroller = self.guest.start(f"exec sealbond enroller serve {options} --key {HOME}/enroller.key "
                                         f"--ledger {HOME}/ledger.conf")

    def make_zone(self):
        self.ask("zone key --out /root/pumps.zone --name pumps")
        self.member("zone create --zone /root/pumps.zone")

    def add_to_zone(self, device):
        self.owner(f"zone add {device.id} --zone /root/pumps.zone --name {device.guest.name}")

    def record(self, device):
        """What `device list` says of a device; what is over is not in it."""
        found = self.ask("device list --all")["devices"]
        return next((one for one in found if one["device"] == device.id), None)

    def incidents(self):
        return self.ask("incident list")["incidents"]


class Member:
    """What the devices of a ledger have, however they boot; beside a Device."""

    id = None

    def lease(self):
        return self.ask("lease")

    def wait_lease(self, *states, timeout=240):
        """Until `sealbond lease` shows one of the states; false if it does not in time."""
        try:
            return self.guest.wait_for(f"sealbond lease --json | grep -qE '\"state\": *\"({'|'.join(states)})\"'",
                                       timeout=timeout)
        except TimeoutError:
            return False

    def why(self):
        """For a failure: what it says of itself."""
        log = self.guest.run(f"tail -n 12 {measured.HELPER_LOG}", check=False).out
        return f"{self.cli('lease', check=False).out}\n{self.cli('key', check=False).out}\n{log}"

    def learn_id(self):
        self.id = self.lease()["device_id"]

    def inner(self):
        return self.guest.out("ip -4 -o addr show sb0 | awk '{print $4}' | cut -d/ -f1")

    def wait_no_peer(self, timeout=90):
        return self.guest.wait_for("sealbond peers --json | grep -q '\"peers\": *\\[\\]'", timeout=timeout)

    def reaches(self, address, count=3):
        return self.ping(address, count=count)


class Bench(Member, Device):
    """Somebody configures it and starts its helper; mode off until that is changed."""

    def set_up(self, ledger, release_public):
        self.cable()
        self.install(release_public)
        self.configure(extra=ledger.sections())
        self.guest.put(ledger.given["grant_key"], "/etc/sealbond/grant_key.pub.pem")
        self.start()


class Unattended(Member, Measured):
    """Everything is in its image: locked and enforcing before its interfaces are up, and nobody starts anything. It
    is entered directly, without firmware that would measure the image, since that takes a tenth of the time."""

    def __init__(self, guest, number, ledger, release_public, extra=""):
        files = {"/etc/sealbond/grant_key.pub.pem": ledger.given["grant_key"],
                 "/usr/bin/keptclock": os.path.join(BUILD, "tests/keptclock")}
        super().__init__(guest, number, release_public, {**bonded.TOOLS, **TOOLS, **files}, ledger.sections() + extra)
        guest.firmware = "seabios"
        guest.files["/etc/guest-service"] = SERVICE.encode()

    def command_line(self, words):
        super().command_line(f"wire={self.wire4} {words}".strip())

    def approve(self, lab, private):
        """The boot state that it is in, for the boots to come."""
        values = self.ask("key")["pcr_values"]
        keep = {pcr: values[pcr] for pcr in measured.PCRS.split(",") + ["14"]}
        path = measured.approve_away(lab, measured.conf(self.number), None, keep, private)
        self.guest.run(f"mkdir -p {measured.APPROVALS}")
        self.guest.put(path, f"{measured.APPROVALS}/image.approval")

    def clone(self, lab, name, wire, tpm):
        """Somebody's copy of it, as the TPM given and its disk are now; off."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.guest = lab.guest(name, tpm=tpm, disk=self.guest.disk, files=self.guest.files, modules=self.guest.modules)
        twin.guest.append = self.guest.append.replace(f"wire={self.wire4}", f"wire={wire}")
        twin.guest.hostname = self.guest.hostname
        return twin


def admit(t, ledger, *devices):
    """From nothing to a live lease in one zone, with a bond."""
    for d in devices:
        t.must(f"{d.guest.name.upper()}'s TPM is proven", d.wait_lease("awaiting-approval"), d.why())
        d.learn_id()
        ledger.owner(f"device approve {d.id}")
    for d in devices:
        t.must(f"{d.guest.name.upper()} is approved, and has a live lease", d.wait_lease("lease-live"), d.why())
    add_all(t, ledger, *devices)


def add_all(t, ledger, *devices):
    """Into a zone, which is made for them."""
    ledger.make_zone()
    for d in devices:
        ledger.add_to_zone(d)
    for d in devices:
        t.must(f"{d.guest.name.upper()} has a bond with the zone's other device", d.wait_bond(180), d.ask("status"))
