# SPDX-License-Identifier: Apache-2.0
"""A boot that is approved before it happens: from an image's file, by the device or away from it.

    A      OVMF starts unified kernel images that differ in their command lines: 1, 2, 3
"""

import os
import subprocess

import device
import image
import measured
from measured import APPROVALS, PCRS

MINUTES = 5
FOLLOWED = ("4", "9", "11")
NEXT = "/boot/efi/EFI/Linux/next.efi"
CONF = device.CONF.format(n=1, mode="off", extra="").replace("pcrs = 0,2,4,7,9", f"pcrs = {PCRS}")
LIBEXEC = "/usr/libexec/sealbond"
RUN_HOOK = {"dpkg's hook": "run-parts /etc/kernel/postinst.d",
            "kernel-install's": "/usr/lib/kernel/install.d/95-sealbond.install add 6.1 /none"}
HOOKS = {"/etc/kernel/postinst.d/zzz-sealbond": "package-hook.sh", LIBEXEC + "/check-next": "check-next.sh",
         "/usr/lib/kernel/install.d/95-sealbond.install": "kernel-install.sh"}


def hook_files():
    """The hooks, as make install puts them into their places."""
    files = {}
    for place, name in HOOKS.items():
        with open(os.path.join(image.TOP, "scripts/hooks", name), encoding="utf-8") as f:
            files[place] = f.read().replace("@LIBEXECDIR@", LIBEXEC).encode()
    return files


def image_of(lab, guest, number):
    """The file of an image, byte for byte what the guest boots with this number."""
    guest.append = f"plant={number}"
    return guest.make_image(os.path.join(lab.directory, f"image{number}.efi"))


def start(lab, number):
    """The device after a boot of this image: boot partition mounted, helper started. Its key's state."""
    guest, d = lab.guests["a"], lab.device
    guest.append = f"plant={number}"
    if guest.boots:
        guest.reboot()
    else:
        lab.boot(guest)
    guest.run(f"chmod 755 /etc/kernel/postinst.d/* /usr/lib/kernel/install.d/* {LIBEXEC}/check-next; "
              f"{measured.MOUNT_BOOT}; test -e /boot/efi/EFI/BOOT/BOOTX64.EFI")
    d.start()
    d.wait_state("keys-ready", "boot-changed", timeout=120)
    return d.ask("key")


def same(t, words, predicted, key):
    for pcr in FOLLOWED:
        measured = key["pcr_values"][pcr]
        t.check(f"{words}: PCR {pcr} predicted = measured {measured[:16]}", predicted[pcr] == measured,
                f"predicted {predicted[pcr]}\nmeasured  {measured}")


def changed(answer):
    return [str(pcr) for pcr in answer["changed_pcrs"]]


def test_before_the_reboot(lab, t):
    lab.release_key, public = device.make_release_key(lab.directory)
    efivarfs = os.path.join(lab.kernel.modules, lab.kernel.paths["efivarfs"])
    files = {"/etc/sealbond/sealbond.conf": CONF.encode(), "/etc/sealbond/release.pub.pem": public,
             "/etc/sealbond/peers.conf": b"", **hook_files()}
    guest = lab.guest("a", firmware="ovmf", nics=0, files=files, modules=[efivarfs])
    lab.device = d = device.Device(guest, 1)
    lab.image3 = image_of(lab, guest, 3)
    guest.boot_files = {"EFI/Linux/next.efi": image_of(lab, guest, 2)}
    lab.key = start(lab, 1)
    t.must("image 1 boots, and the kernel makes keys", lab.key["state"] == "keys-ready", lab.key)
    t.note(f"up after {guest.boot_seconds:.1f} s")

    guest.put(lab.release_key, "/tmp/release.pem")
    r = d.cli("release check", check=False)
    t.check("with no approval, release check says boot-unapproved-next and what to do (17)", r.code == 17 and
            "boot-unapproved-next" in r.out and "sealbond release approve --image" in r.out, r)
    r = d.cli("release approve --key /tmp/release.pem", check=False)
    t.check("this boot is approved as it runs", r, r)
    r = d.cli("release check", check=False)
    t.check("and so is its image on the boot partition (0)", r.code == 0, r)
    same(t, "image 1", d.ask("release check")["predicted"], lab.key)

    r = d.ask(f"release check --image {NEXT}")
    t.check("image 2 is not: PCRs 4, 9, 11 would differ", not r["approved"] and changed(r) == list(FOLLOWED), r)
    guest.run(f"mkdir -p /etc/default; echo next_image={NEXT} > /etc/default/sealbond")
    for name, hook in RUN_HOOK.items():
        r = guest.run(hook, check=False)
        t.check(f"{name} warns loudly, and does not fail", r.code == 0 and "DO NOT REBOOT" in r.out, r)
    r = d.cli(f"release approve --key /tmp/release.pem --image {NEXT}", check=False)
    t.check("image 2 is approved from its file", r and "4,9,11,12 from" in r.out and "7,14 as in this boot" in r.out, r)
    r = d.ask(f"release check --image {NEXT}")
    t.check("release check says so before the reboot", r["approved"] and not r["changed_pcrs"], r)
    lab.predicted = r["predicted"]
    for name, hook in RUN_HOOK.items():
        r = guest.run(hook, check=False)
        t.check(f"{name} is content", r.code == 0 and "approved: the boot of" in r.out, r)
    guest.run("rm /etc/sealbond/sealbond.conf")
    r = guest.run(RUN_HOOK["dpkg's hook"], check=False)
    t.check("without a configuration it is silent", r.code == 0 and not r.out, r)
    t.check("two approvals are there", len(guest.out(f"ls {APPROVALS}").split()) == 2)


def test_approved_boot(lab, t):
    key = start(lab, 2)
    t.must("image 2 boots with its keys ready", key["state"] == "keys-ready", key)
    t.check("and with the same public keys", key["key_current"] == lab.key["key_current"] and
            key["key_next"] == lab.key["key_next"], key)
    same(t, "image 2", lab.predicted, key)


def test_unapproved_boot(lab, t):
    guest, d = lab.guests["a"], lab.device
    blobs = guest.out("cd /var/lib/sealbond && sha256sum key-current.blob key-next.blob")
    key = start(lab, 3)
    t.must("image 3, not approved, boots into boot-changed", key["state"] == "boot-changed", key)
    t.check("with the PCRs named: 4, 9, 11", changed(key) == list(FOLLOWED), key)
    t.check("and holds no key", "key_current" not in key, key)
    t.check("the sealed keys are kept", guest.out("cd /var/lib/sealbond && sha256sum key-current.blob key-next.blob") == blobs)
    same(t, "image 3", d.ask("release check")["predicted"], key)

    keep = {pcr: key["pcr_values"][pcr] for pcr in ("7", "14")}
    foreign = os.path.join(lab.directory, "foreign.pem")
    subprocess.run([os.path.join(image.BUILD, "sealbond"), "release", "key", "--out", foreign], check=True,
                   capture_output=True)
    guest.put(measured.approve_away(lab, CONF, lab.image3, keep, foreign), f"{APPROVALS}/foreign.approval")
    r = d.cli("release check", check=False)
    t.check("an approval by another release key does not count (17)", r.code == 17 and
            "foreign.approval does not count: by another release key" in r.out, r)
    guest.put(measured.approve_away(lab, CONF, lab.image3, keep, lab.release_key), f"{APPROVALS}/image3.approval")
    r = d.cli("release check", check=False)
    t.check("one made away from the device, from the image's file, does (0)", r.code == 0 and "image3.approval" in r.out, r)


def test_back_by_itself(lab, t):
    key = start(lab, 3)
    t.check("after a reboot image 3 has its keys, by itself", key["state"] == "keys-ready", key)
    t.check("the same as ever", key.get("key_current") == lab.key["key_current"], key)
    lab.guests["a"].shutdown()
