# SPDX-License-Identifier: Apache-2.0
"""A device that boots a measured image: OVMF, a unified kernel image, sealbond early in it, and behind that a
service of its own that brings the cable up and starts the helper. Nobody has to be there."""

import json
import os
import subprocess
import tempfile

from device import CONF, CONF_PATH, PEERS_PATH, Device
from image import BUILD

PCRS = "4,7,9,11,12"
# what an image itself decides; the firmware's settings and the security configuration are the others
OF_IMAGE, KEPT = (4, 9, 11), ("7", "14")
APPROVALS = "/var/lib/sealbond/approvals"
HELPER_LOG = "/run/sealbondd.log"
# the guest's own reboot ends QEMU, and the harness starts it again
REBOOT_COMMAND = "/usr/bin/machine-reboot"
REBOOT = b"#!/bin/sh\nsync\nexec busybox reboot -f\n"
# where `release check` looks for the next boot's image
MOUNT_BOOT = ("modprobe vfat; modprobe efivarfs; mkdir -p /boot/efi; "
              "mount -t efivarfs efivarfs /sys/firmware/efi/efivars; "
              "for d in /dev/vd?; do mount -t vfat -o ro $d /boot/efi 2>/dev/null && break; done")
SERVICE = f"""#!/bin/sh
chmod 755 {REBOOT_COMMAND}
ip link set eth0 up
ip addr add 10.0.0.{{n}}/24 dev eth0
ip -6 addr add fd00::{{n}}/64 dev eth0 nodad
test -e {PEERS_PATH} || : > {PEERS_PATH}
{MOUNT_BOOT}
exec sealbondd > {HELPER_LOG} 2>&1
"""
KEY = f"reboot_when_approved = yes\nreboot_command = {REBOOT_COMMAND}\n"
PEERS = f"[peers]\nfile = {PEERS_PATH}\n"


def conf(number, extra=""):
    """Enforcing and locked before any interface is up. extra: further sections."""
    text = CONF.format(n=number, mode="enforce\nlock = yes", extra=KEY + PEERS + extra)
    return text.replace("pcrs = 0,2,4,7,9", f"pcrs = {PCRS}")


class Measured(Device):
    """guest is off; from now on it boots images. files: more of them in the image, beside what it has."""

    def __init__(self, guest, number, release_public, files=None, extra=""):
        super().__init__(guest, number, "enforce", extra)
        guest.firmware = "ovmf"
        guest.modules = [*(guest.modules or []), os.path.join(guest.kernel.modules, guest.kernel.paths["efivarfs"])]
        guest.files = {**(guest.files or {}), **(files or {}), CONF_PATH: conf(number, extra).encode(),
                       "/etc/sealbond/release.pub.pem": release_public, REBOOT_COMMAND: REBOOT,
                       "/etc/guest-service": SERVICE.format(n=number).encode()}
        self.command_line("")

    def command_line(self, words):
        """What the next boot's image has on its command line beside the guest's own."""
        self.guest.append = f"guest_early=1 {words}".strip()

    def configure(self, extra=None, mode=None):
        raise NotImplementedError("its configuration is in the image")

    def said(self, phase):
        return said(self.guest, phase)


    def approve_away(self, lab, image, private):
        """An approval of an image of this device's, from its file; the other PCRs' values as in this boot."""
        values = self.ask("key")["pcr_values"]
        return approve_away(lab, conf(self.number), image, {pcr: values[pcr] for pcr in KEPT}, private)


def said(guest, phase):
    """What sealbond early printed in this boot, before anything else ran: phase "setup" or "keys"."""
    return json.loads(guest.out(f"cat /run/early-{phase}.json /run/early-{phase}.log").splitlines()[0])


def approve_away(lab, text, image, keep, private):
    """`release approve` on the machine of whoever releases images: no TPM, no module. text: a configuration;
    image: a file, or None; keep: PCR -> value of those that do not follow from it. The approval's path."""
    out = tempfile.mkdtemp(prefix="approval-", dir=lab.directory)
    path = os.path.join(out, "sealbond.conf")
    with open(path, "w", encoding="ascii") as f:
        f.write(text.replace("/etc/sealbond", lab.directory))
    approvals = os.path.join(out, "approvals")
    words = [os.path.join(BUILD, "sealbond"), "--config", path, "release", "approve", "--key", private, "--out", approvals]
    if image:
        words += ["--image", image, "--secure-boot", "off"]
    for pcr, value in keep.items():
        words += ["--keep", f"{pcr}={value}"]
    subprocess.run(words, check=True, capture_output=True)
    return os.path.join(approvals, os.listdir(approvals)[0])
