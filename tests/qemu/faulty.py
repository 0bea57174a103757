# SPDX-License-Identifier: Apache-2.0
"""What the scenarios with faults of a TPM share: two bonded devices whose TPM passes through the harness, and how a
state is told."""

import bonded
from device import Device, make_release_key
from process import wait_until

FILES = "/var/lib/sealbond/key-current.blob", "/var/lib/sealbond/key-next.blob", "/var/lib/sealbond/device-id"
KEY_PENDING = 24
# exit code, words of the sentence and of the remedy: docs/cli.md and docs/keys.md
STATES = {
    "keys-ready": (0, "The kernel holds this device's bond keys", ""),
    "no-tpm": (10, "The kernel sees no TPM 2.0", "firmware's settings"),
    "tpm-cleared": (11, "was cleared since the keys were sealed", "sealbond identity"),
    "tpm-busy": (13, "its slots are full", "the helper goes on trying"),
    "tpm-owner-auth": (14, "owner hierarchy has a password", "0x81000001"),
    "boot-changed": (16, "measured values differ from every approval", "sealbond release approve"),
    "capped": (18, "were closed in this boot already", "Reboot"),
    "tpm-error": (20, "The TPM refused a command", "tpm2_rc_decode"),
    "tampered": (27, "the TPM was reset", "reboot"),
}


def prints(d):
    """What an identity is on the disk."""
    return d.guest.out("sha256sum " + " ".join(FILES))


def keys(d):
    key = d.ask("key")
    return key.get("key_current"), key.get("key_next")


def told(t, d, state, before=None):
    """The state, its code, sentence and remedy from key and status; the helper is the same three processes
    afterwards, and the files are those of before."""
    code, sentence, remedy = STATES[state]
    seen, roles = d.wait_state(*STATES, timeout=120), d.roles()

    def asked():	# what is tried again and again is "key-pending" for a moment
        both = d.cli("key", check=False), d.cli("status", check=False)
        return both if KEY_PENDING not in [r.code for r in both] else None
    rs = wait_until(asked, 60, "a state that is not key-pending", 0.05)
    codes = {code, 25, 26} if state == "keys-ready" else {code}
    t.check(f"{state}: exit code {code}, its sentence and what to do", seen == state and
            all(r.code in codes and f" {state}. " in r.out and sentence in r.out and remedy in r.out for r in rs),
            f"{seen}\n{rs[0]}\n{rs[1]}")
    t.check(f"{state}: the helper goes on", len(roles) == 3 and d.roles() == roles, (roles, d.roles()))
    if before:
        t.check(f"{state}: the key files are as they were", prints(d) == before, prints(d))


class Plant:
    """devices: a and b, bonded, mode enforce. keys and files: by a device's number, as they were first."""

    def __init__(self, lab, t):
        lab.boot(*(lab.guest(n, tpm=lab.tpm(n, wire=True), files=bonded.TOOLS) for n in ("a", "b")))
        self.private, self.public = make_release_key(lab.directory)
        self.devices = a, b = [Device(lab.guests[n], i + 1) for i, n in enumerate(("a", "b"))]
        for d in self.devices:
            d.cable()
            d.install(self.public)
            d.start()
        for d in self.devices:
            told(t, d, "keys-ready")
            self.approve(d)
            d.guest.wait_for("sealbond identity", timeout=60)
            d.guest.wait_for("sealbond key --json | grep -q '\"stored\":true'")
        self.keys = {d.number: keys(d) for d in self.devices}
        self.files = {d.number: prints(d) for d in self.devices}
        a.peer_of(b)
        b.peer_of(a)
        for d in self.devices:
            d.cli("reload")
        for d in self.devices:
            d.wait_bond()
            d.cli("mode enforce")
        t.check("bonded", a.ping(b.inner4))

    def approve(self, d):
        d.guest.put(self.private, "/tmp/release.pem")
        d.cli("release approve --key /tmp/release.pem")
        d.guest.run("rm /tmp/release.pem")

    def rebooted(self, d):
        """As an image does: everything from its disk."""
        d.guest.reboot()
        d.cable()
        d.install(self.public)
