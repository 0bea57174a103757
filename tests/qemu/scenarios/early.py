# SPDX-License-Identifier: Apache-2.0
"""Early boot: enforcement before any interface is up, keys from the measured initramfs, closed doors otherwise.

    A      OVMF starts unified kernel images: 1, 2 (another command line), 3 (another security configuration)
           4 (late_keys = yes)
    H      SeaBIOS, two network cards: the module is missing, or the configuration is broken
    J      SeaBIOS: all slots of its TPM are taken
    I      SeaBIOS, on a clock that counts instructions, a nanosecond each
"""

import base64
import hashlib
import json
import os
import subprocess

import bonded
import device
import image
from measured import APPROVALS, PCRS, said

MINUTES = 12
CONF = device.CONF.format(n=1, mode="enforce\nlock = yes", extra="").replace("pcrs = 0,2,4,7,9", f"pcrs = {PCRS}")
# the default exceptions and one more
OTHER_CONF = CONF + "".join(f"[exception {kind}]\nkind = {kind}\n" for kind in
                            ("arp", "nd", "dhcp4", "dhcp6", "icmp-error")) + \
    "[exception ntp]\nkind = match\nproto = udp\nremote = 192.0.2.123\nremote_port = 123\n"
LATE_CONF = CONF.replace("pcrs = ", "late_keys = yes\npcrs = ")
COMMANDS_MAX = 20
BUSY, EARLY_CLOSED = 6, 18
# the cap of a kernel that holds no key
NO_KEY_CAP = hashlib.sha256(b"sealbond cap v1\0" + bytes(64) + b"\0").hexdigest()
# names a file system above state_dir that nobody mounts
FSTAB = "/var/lib/sealbond/fstab"
HIDE = f"echo '/dev/disk/by-label/none /var ext4 defaults 0 2' > {FSTAB}"
# root's own commands: the sealed key with an approval's policy, ticket and the PCRs as they are
THEFT = """cd /tmp/theft && export TPM2TOOLS_TCTI=device:/dev/tpm0 && tpm2_flushcontext -t && tpm2_flushcontext -l &&
tpm2_loadexternal -Q -C o -G ecc:ecdsa-sha256 -a 'userwithauth|sign' -u /etc/sealbond/release.pub.pem -c release.ctx -n release.name &&
tpm2_verifysignature -Q -c release.ctx -g sha256 -m message -s signature -t ticket && tpm2_flushcontext -t &&
tpm2_load -Q -C 0x81000001 -u key/object.pub -r key/object.priv -c object.ctx && tpm2_flushcontext -t &&
tpm2_startauthsession --policy-session -S session.ctx && tpm2_policypcr -Q -S session.ctx -l sha256:{pcrs} &&
tpm2_policyauthorize -Q -S session.ctx -i policy -q fleet -n release.name -t ticket &&
tpm2_unseal -c object.ctx -p session:session.ctx -o secret && busybox wc -c < secret"""


def record(lab, name, conf):
    """The security configuration of a file, as the tool shows it anywhere: its hash."""
    path = os.path.join(lab.directory, name)
    with open(path, "w", encoding="ascii") as f:
        f.write(conf)
    words = [os.path.join(image.BUILD, "sealbond"), "--config", path, "--json", "early", "--dry-run"]
    return path, json.loads(subprocess.run(words, check=True, capture_output=True).stdout)["config_hash"]


def extended(prior, value):
    return hashlib.sha256(bytes.fromhex(prior) + bytes.fromhex(value)).hexdigest()


def files_of(lab, conf):
    return {"/etc/sealbond/sealbond.conf": conf.encode(), "/etc/sealbond/release.pub.pem": lab.public,
            "/etc/sealbond/peers.conf": b""}


def image_of(lab, number, conf):
    """The file of an image, byte for byte what the guest boots with this number and configuration."""
    guest = lab.guests["a"]
    guest.append, guest.files = f"guest_early=1 plant={number}", files_of(lab, conf)
    return guest.make_image(os.path.join(lab.directory, f"image{number}.efi"))


def start(lab, number, conf=CONF):
    """The device after a boot of this image: (what phase one said, what phase two said)."""
    guest = lab.guests["a"]
    guest.append, guest.files = f"guest_early=1 plant={number}", files_of(lab, conf)
    if guest.boots:
        guest.reboot()
    else:
        lab.boot(guest)
    return said(guest, "setup"), said(guest, "keys")


def gaps(lab):
    return lab.device.ask("status")["gaps"]


def cap_value(guest):
    return guest.out("cat /sys/class/tpm/tpm0/pcr-sha256/14").strip().lower()


def steal(lab):
    """Whether root has unsealed the bond key by some approval, and what each try printed."""
    guest, said_all = lab.guests["a"], []
    guest.run("mkdir -p /tmp/theft; rm -rf /tmp/theft/key")
    lab.device.cli("key export --out /tmp/theft/key")
    for path in guest.out(f"ls {APPROVALS}/*.approval").split():
        data = base64.b64decode(guest.out(f"busybox base64 {path}"))
        mask, fleet, r, s = int.from_bytes(data[12:16], "big"), data[16:48], data[112:144], data[144:176]
        pcrs = [n for n in range(24) if mask >> n & 1]
        selection = bytes.fromhex("00000001000b03") + mask.to_bytes(3, "little")
        policy = hashlib.sha256(bytes(32) + bytes.fromhex("0000017f") + selection +
                                hashlib.sha256(data[176:]).digest()).digest()
        for name, content in {"policy": policy, "fleet": fleet, "message": policy + fleet, "signature":
                              bytes.fromhex("0018000b0020") + r + bytes.fromhex("0020") + s}.items():
            guest.put(content, f"/tmp/theft/{name}")
        said_all.append(guest.run(THEFT.format(pcrs=",".join(map(str, pcrs))), check=False))
        if said_all[-1] and said_all[-1].out.split()[-1] == "32":
            return True, said_all
    return False, said_all


def times(t, setup, keys, clock="emulated processor"):
    own = (setup["own_us"] + keys["own_us"]) / 1000
    t.note(f"early boot: {keys['tpm_commands']} TPM commands in {keys['tpm_time_ms']} ms, {own:.0f} ms beside them "
           f"({setup['own_us'] / 1000:.0f} for module and mode, {keys['own_us'] / 1000:.0f} for files and waiting; "
           f"{clock})")


def test_keys_made_early(lab, t):
    lab.release_key, lab.public = device.make_release_key(lab.directory)
    _, config_hash = record(lab, "sealbond.conf", CONF)
    efivarfs = os.path.join(lab.kernel.modules, lab.kernel.paths["efivarfs"])
    guest = lab.guest("a", firmware="ovmf", nics=1, modules=[efivarfs])
    lab.device = d = device.Device(guest, 1)
    setup, keys = start(lab, 1)
    t.check("phase one: mode enforce, locked, no interface was up", setup["mode"] == "enforce" and setup["locked"] and
            setup["interfaces_up"] == 0, setup)
    t.check("the hash is that of the file", setup["config_hash"] == config_hash, setup)
    t.must("phase two: the keys are made before anything else runs", keys["state"] == "keys-ready", keys)
    times(t, setup, keys)
    lab.key = d.ask("key")
    t.check("the cap PCR had SHA-256(0 || hash) before the cap",
            lab.key["pcr_values"]["14"] == extended("00" * 32, config_hash), lab.key)
    t.check("the gaps have no late-keys and no not-locked", not {"late-keys", "not-locked"} & set(gaps(lab)), gaps(lab))
    r = d.cli("mode off", check=False)
    t.check("the mode cannot be changed any more", not r and d.ask("mode")["mode"] == "enforce", r)
    t.check("the keys wait to be stored", not lab.key["stored"], lab.key)
    d.start()
    t.check("the helper stores them", guest.wait_for("ls /var/lib/sealbond/key-current.blob /var/lib/sealbond/key-next.blob"))
    t.check("and asks for nothing again", d.ask("key")["tpm_commands"] == lab.key["tpm_commands"] and d.ask("key")["stored"])
    guest.put(lab.release_key, "/tmp/release.pem")
    d.cli("release approve --key /tmp/release.pem")


def test_unsealed_early(lab, t):
    guest, d = lab.guests["a"], lab.device
    setup, keys = start(lab, 1)
    t.must("after a reboot the keys open in early boot", keys["state"] == "keys-ready" and keys["blobs"] == 2, keys)
    key = d.ask("key")
    t.check("they are the same", key["key_current"] == lab.key["key_current"] and key["key_next"] == lab.key["key_next"], key)
    t.check(f"with at most {COMMANDS_MAX} TPM commands: {key['tpm_commands']}", key["tpm_commands"] <= COMMANDS_MAX, key)
    times(t, setup, keys)
    d.start()
    status = d.ask("status")
    t.check("the helper is content, and the gaps have no late-keys", not status["helper_note"] and
            "late-keys" not in status["gaps"], status)
    t.check("it has not asked the TPM again", d.ask("key")["tpm_commands"] == key["tpm_commands"])
    guest.put(OTHER_CONF.encode(), "/etc/sealbond/sealbond.conf")
    r = d.cli("reload", check=False)
    t.check("another configuration on the disk: rebuild the initramfs", not r and "rebuild the initramfs" in r.out, r)
    r = d.cli("status", check=False)
    t.check("status says so, too", "rebuild the initramfs" in r.out, r)
    t.check("and what is allowed has not changed", "ntp" not in d.cli("exceptions").out)
    lab.next = image_of(lab, 2, CONF)


def test_hidden_state_dir(lab, t):
    guest, d = lab.guests["a"], lab.device
    _, config_hash = record(lab, "sealbond.conf", CONF)
    before = guest.out("cat /var/lib/sealbond/key-*.blob | busybox sha256sum")
    guest.run(HIDE)
    _, keys = start(lab, 1)
    t.must("fstab names a file system above state_dir that is not mounted: early-closed, in the approved boot",
           keys["state"] == "early-closed" and "not mounted in early boot (/var)" in keys["reason"], keys)
    prior = extended("00" * 32, config_hash)
    t.check("the cap PCR has the configuration's hash and the cap of no key", cap_value(guest) ==
            extended(prior, NO_KEY_CAP), cap_value(guest))
    t.check("and all others are as approved", d.ask("key")["pcr_values"] == {**lab.key["pcr_values"], "14": prior},
            d.ask("key"))
    stolen, r = steal(lab)
    t.check("root cannot have the TPM unseal the key: no approval's policy fits", not stolen and r and
            all("policyauthorize" in x.out.lower() for x in r), r)
    guest.run(f"tpm2_pcrextend -T device:/dev/tpm0 14:sha256={config_hash}")
    t.check("nor with the known hash extended by itself", not steal(lab)[0])
    d.start()
    r = d.cli("status", check=False)
    t.check("status names it and says what to do", r.code == 42 and "early-closed" in r.out and "late_keys" in r.out, r)
    t.check("the helper gets no key, and makes none", d.ask("key")["state"] == "early-closed" and
            guest.out("cat /var/lib/sealbond/key-*.blob | busybox sha256sum") == before, d.ask("key"))


def test_late_keys(lab, t):
    guest, d = lab.guests["a"], lab.device
    start(lab, 4, LATE_CONF)
    log = guest.out("cat /run/early-keys.json /run/early-keys.log")
    t.check("the measured configuration says late_keys: no key is asked for", "late_keys" in log and
            cap_value(guest) == "00" * 32, log)
    d.start()
    t.must("the helper asks, and this image is not approved yet", d.wait_state("boot-changed") == "boot-changed", d.ask("key"))
    guest.put(lab.release_key, "/tmp/release.pem")
    approved = guest.out(f"ls {APPROVALS}/*.approval").split()
    d.cli("release approve --key /tmp/release.pem")
    start(lab, 4, LATE_CONF)
    stolen, r = steal(lab)
    t.check("then root, before the helper, gets the key by the same commands as above", stolen, r)
    d.start()
    t.must("and the helper opens it late", d.wait_state("keys-ready") == "keys-ready", d.ask("key"))
    t.check("it is the same as ever", d.ask("key")["key_current"] == lab.key["key_current"], d.ask("key"))
    t.check("the assurance has the gap late-keys", "late-keys" in gaps(lab), gaps(lab))
    # such an approval is of no use to a device whose early boot is to open the keys
    late = set(guest.out(f"ls {APPROVALS}/*.approval").split()) - set(approved)
    guest.run(f"rm {FSTAB} {' '.join(late)}")
    t.check("its approval is one of its own", len(late) == 1, late)


def test_another_command_line(lab, t):
    guest, d = lab.guests["a"], lab.device
    _, keys = start(lab, 2)
    t.must("another command line: boot-changed", keys["state"] == "boot-changed", keys)
    t.check("PCRs 4, 9, 11 are named", keys["changed_pcrs"] == [4, 9, 11], keys)
    t.check("enforcement is on all the same", d.ask("mode")["mode"] == "enforce")
    d.start()
    t.check("the helper goes on, and says it", "boot-changed" in d.ask("status")["helper_note"], d.ask("status"))
    t.check("the sealed keys are kept", guest.run("ls /var/lib/sealbond/key-current.blob", check=False))
    guest.put(lab.release_key, "/tmp/release.pem")
    guest.put(lab.next, "/tmp/next.efi")
    r = d.cli("release approve --key /tmp/release.pem --image /tmp/next.efi --secure-boot off", check=False)
    t.check("it is approved from its file", r and "4,9,11,12 from" in r.out, r)
    _, keys = start(lab, 2)
    t.must("the next boot comes back by itself", keys["state"] == "keys-ready", keys)
    t.check("with the same keys", d.ask("key")["key_current"] == lab.key["key_current"], keys)


def test_another_security_configuration(lab, t):
    guest, d = lab.guests["a"], lab.device
    other, config_hash = record(lab, "other.conf", OTHER_CONF)
    guest.put(lab.release_key, "/tmp/release.pem")
    third = image_of(lab, 3, OTHER_CONF)
    guest.put(third, "/tmp/third.efi")
    guest.put(other, "/tmp/other.conf")
    guest.run("cp /etc/sealbond/release.pub.pem /tmp")
    r = d.cli("release approve --key /tmp/release.pem --image /tmp/third.efi --secure-boot off "
              "--early-config /tmp/other.conf --out /var/lib/sealbond/later", check=False)
    t.check("its boot can be approved before it, with the configuration that it will have", r and "14" in r.out, r)
    _, keys = start(lab, 3, OTHER_CONF)
    t.must("another security configuration in the initramfs: boot-changed", keys["state"] == "boot-changed", keys)
    t.check("the cap PCR is named with those of the image", keys["changed_pcrs"] == [4, 9, 11, 14], keys)
    t.check("and has the new hash", d.ask("key")["pcr_values"]["14"] == extended("00" * 32, config_hash))
    guest.run(f"mv /var/lib/sealbond/later/*.approval {APPROVALS}")
    guest.put(third, "/tmp/third.efi")
    r = d.cli("release check --image /tmp/third.efi --secure-boot off", check=False)
    t.check("release check says that it is approved (0)", r.code == 0, r)
    _, keys = start(lab, 3, OTHER_CONF)
    t.must("with the approval that was made before, it has its keys", keys["state"] == "keys-ready", keys)
    t.check("the same as ever", d.ask("key")["key_current"] == lab.key["key_current"], keys)
    t.check("the exception is there before the helper", "ntp" in d.cli("exceptions").out)
    guest.shutdown()


def devices(guest):
    return sorted(guest.out("ls /sys/class/net").split())


def test_held(lab, t):
    files = files_of(lab, CONF)
    guest = lab.guest("h", nics=2, disk=None, files=files, append="guest_early=1 guest_without_module=1")
    lab.boot(guest)
    t.check("the module is missing: no network device but lo is left", devices(guest) == ["lo"], devices(guest))
    t.check("they are in a namespace of their own", "sealbond-held" in guest.out("ip netns") and
            {"eth0", "eth1"} <= set(guest.out("ip netns exec sealbond-held ls /sys/class/net; "
                                              "ip netns exec sealbond-held ip -o link").replace(":", "").split()))
    r = guest.run("sealbond status", check=False)
    t.check("status says why, and what to do", r.code == 3 and "modprobe" in r.out and "sealbond.open=1" in r.out, r)
    r = guest.run("sealbond status --json", check=False)
    t.check("and to machines", "held since early boot" in r.out, r)
    r = guest.run("cat /run/early-keys.log", check=False)
    t.check("no key is asked for", "no key is asked for" in r.out, r)
    r = guest.run("modprobe dummy numdummies=0 && ip link add late type dummy && cat /run/udev/rules.d/00-sealbond-held.rules", check=False)
    index = guest.out("cat /sys/class/net/late/ifindex")
    rule = r.out.split('RUN+="')[1].split('"')[0]
    guest.run(rule.replace("$env{IFINDEX}", index))
    t.check("a device that comes later goes there by udev's rule", devices(guest) == ["lo"], r)
    guest.append = "guest_early=1"
    guest.files = {**files, "/etc/sealbond/sealbond.conf": CONF.replace("lock = yes", "lock = maybe").encode()}
    guest.reboot()
    r = guest.run("sealbond status", check=False)
    t.check("a broken configuration holds them, too, and its line is named", devices(guest) == ["lo"] and
            "sealbond.conf:6: lock = maybe" in r.out, r)
    guest.append, guest.files = "guest_early=1 guest_without_module=1 sealbond.open=1", files
    guest.reboot()
    t.check("with sealbond.open=1 they stay", devices(guest) == ["eth0", "eth1", "lo"] and
            not guest.run("test -e /run/sealbond/held", check=False), devices(guest))
    r = guest.run("cat /run/early-setup.log", check=False)
    t.check("and the reason is said", "sealbond.open=1" in r.out and "modprobe" in r.out, r)
    guest.shutdown()


def test_close_with_a_full_tpm(lab, t):
    guest = lab.guest("j", files={**files_of(lab, CONF), **bonded.TOOLS})
    lab.boot(guest)
    guest.run("modprobe sealbond; for i in 1 2 3; do "
              "tpm2_createprimary -Q -T device:/dev/tpm0 -C o -G ecc -c /tmp/c$i; done")
    of_config = f"release={'11' * 64} config={'77' * 32} early=1"
    r = guest.run(f"sbctl key {of_config}", check=False)
    t.check("all slots of the TPM are taken: tpm-busy, and no cap", bonded.fields(r.out).get("state") == BUSY and
            cap_value(guest) == extended("00" * 32, "77" * 32), r)
    r = guest.run(f"sbctl key {of_config} close=1 current=/etc/sealbond/sealbond.conf", check=False)
    t.check("CLOSE takes no files", r.code == 1 and "CLOSE takes no blobs" in r.out, r)
    r = guest.run(f"sbctl key {of_config} close=1", check=False)
    t.check("CLOSE extends the cap all the same", bonded.fields(r.out).get("state") == EARLY_CLOSED and
            cap_value(guest) == extended(extended("00" * 32, "77" * 32), NO_KEY_CAP), r)
    guest.run("tpm2_flushcontext -T device:/dev/tpm0 -t; ip netns add second")
    for where in ("", "ip netns exec second "):
        r = guest.run(f"{where}sbctl key {of_config}", check=False)
        t.check("no KEY makes or opens a key after it", r.code == 1 and "ESHUTDOWN" in r.out and "reboot" in r.out, r)
    guest.shutdown()


def test_time(lab, t):
    guest = lab.guest("i", icount=True, files=files_of(lab, CONF), append="guest_early=1")
    lab.boot(guest)
    setup, keys = said(guest, "setup"), said(guest, "keys")
    t.check("the keys are made", keys["state"] == "keys-ready", keys)
    times(t, setup, keys, "an instruction a nanosecond")
    guest.shutdown()
