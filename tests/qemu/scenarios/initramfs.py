# SPDX-License-Identifier: Apache-2.0
"""The initramfs that initramfs-tools makes, with its udev and its scripts, boots a disk: keys and enforcement from it.

    R      SeaBIOS; a root file system on its disk; the initramfs of make check-initramfs
"""

import json
import os
import subprocess

import image

MADE = os.environ.get("SEALBOND_INITRAMFS") or os.path.join(image.BUILD, "initramfs-root/tmp/early.img")
INIT = b"""#!/bin/busybox sh
export PATH=/usr/sbin:/usr/bin HOME=/root TERM=dumb
busybox mount -t tmpfs tmpfs /tmp
busybox mount -t securityfs securityfs /sys/kernel/security
busybox hostname "$guest_name"
while read -r module; do busybox insmod "$module" 2> /dev/null; done < /etc/modules.boot
exec /usr/sbin/agent
"""


def root_disk(lab):
    """An ext4 disk with what a guest of the lab otherwise has in its memory."""
    tree, disk = os.path.join(lab.directory, "root"), os.path.join(lab.directory, "root.ext4")
    os.mkdir(tree)
    with open(image.initramfs(lab.kernel), "rb") as f:
        subprocess.run(["cpio", "-idm", "--quiet"], stdin=f, cwd=tree, check=True)
    os.unlink(os.path.join(tree, "init"))
    init = os.path.join(tree, "usr/sbin/init")
    if os.path.lexists(init):
        os.unlink(init)
    with open(init, "wb") as f:
        f.write(INIT)
    os.chmod(init, 0o755)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-E", "root_owner=0:0", "-d", tree, disk, "256M"], check=True,
                   env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})
    return disk


def test_boots(lab, t):
    if not os.path.exists(MADE):
        t.skip("the initramfs of initramfs-tools boots", "make check-initramfs makes it")
        return
    guest = lab.guest("r", nics=2, disk=root_disk(lab), mem=1024,
                      append="root=/dev/vda rootfstype=ext4 ro init=/usr/sbin/init")
    made, image.initramfs = image.initramfs, lambda *_: MADE
    try:
        lab.boot(guest)
    finally:
        image.initramfs = made
    t.note(f"up after {guest.boot_seconds:.1f} s")
    setup = json.loads(guest.out("cat /run/sealbond/early-setup.json"))
    keys = json.loads(guest.out("cat /run/sealbond/early-keys.json"))
    t.check("phase one ran, before any interface was up", setup["mode"] == "enforce" and setup["locked"] and
            setup["interfaces_up"] == 0, setup)
    t.check("phase two made the keys, with the real root mounted", keys["state"] == "keys-ready" and
            keys["config_hash"] == setup["config_hash"], keys)
    status = json.loads(guest.run("sealbond status --json", check=False).out)
    t.check("the module says so: enforce, keys-ready, no gap late-keys", status["mode"] == "enforce" and
            status["state"] == "keys-ready" and not {"late-keys", "not-locked"} & set(status["gaps"]), status)
    guest.shutdown()
