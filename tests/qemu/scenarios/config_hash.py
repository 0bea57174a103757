# SPDX-License-Identifier: Apache-2.0
"""The security configuration's hash in the cap PCR: once in a boot, before everything else.

    x: its TPM's commands are counted on the bus. No network
"""

import hashlib
import subprocess

import bonded
import tpmwire
from device import Device, make_release_key

BUSY, READY, CAPPED = 6, 2, 13
CC_PCR_EXTEND, CC_UNSEAL, CC_READ_CLOCK, CC_EVICT = 0x182, 0x15E, 0x181, 0x120
RC_NV_SPACE = 0x14B
TPM_COMMANDS_MAX = 20
LATE_KEYS = 1
CONFIG = hashlib.sha256(b"mode = enforce").hexdigest()
OTHER = hashlib.sha256(b"mode = off").hexdigest()
FILES = "/var/lib/sealbond"

plant = {}


def point(lab):
    """x and y of the release key, as sbctl wants them."""
    der = subprocess.run(["openssl", "pkey", "-in", plant["private"], "-pubout", "-outform", "DER"],
                         check=True, capture_output=True).stdout
    return der[-64:].hex()


def key(guest, more="", ns=None):
    """KEY to its end: (what getkey shows, the Result)."""
    inside = f"ip netns exec {ns} " if ns else ""
    r = guest.run(f"{inside}sbctl key pcrs=0,2,4,7,9 release={plant['point']} "
                  f"fleet={hashlib.sha256(b'demo').hexdigest()} pcr=14 save={FILES} {more}", check=False)
    return bonded.fields(r.out), r


def extends(guest, since):
    return guest.tpm.wire.codes(since).count(CC_PCR_EXTEND)


def status(guest):
    return bonded.fields(guest.out("sbctl status"))


def test_made(lab, t):
    plant["private"], plant["public"] = make_release_key(lab.directory)
    plant["point"] = point(lab)
    g = lab.guest("x", tpm=lab.tpm("x", wire=True), files=bonded.TOOLS)
    lab.boot(g)
    Device(g, 1).install(plant["public"])
    g.run("modprobe sealbond; ip netns add second; for i in 1 2 3; do "
          "tpm2_createprimary -Q -T device:/dev/tpm0 -C o -G ecc -c /tmp/c$i; done")
    mark = len(g.tpm.wire.exchanges)
    told, r = key(g, f"config={CONFIG} early=1")
    t.check("with all slots of the TPM taken, KEY ends in tpm-busy", told.get("state") == BUSY, r)
    t.check("after five attempts in which the configuration was extended once",
            extends(g, mark) == 1 and g.tpm.wire.codes(mark).count(CC_READ_CLOCK) == 5,
            [hex(c) for c in g.tpm.wire.codes(mark)])
    t.check("status has its hash", status(g).get("config") == CONFIG, status(g))
    told, r = key(g, f"config={CONFIG}", ns="second")
    t.check("a second KEY, from another namespace, does not extend it again",
            told.get("state") == BUSY and extends(g, mark) == 1, r)
    told, r = key(g, f"config={OTHER}")
    t.check("another hash is refused, in words", r.code == 1 and "EEXIST" in r.out and "reboot" in r.out, r)
    _, r = key(g, f"config={CONFIG} cap=15")
    t.check("and another PCR for it", r.code == 1 and "EEXIST" in r.out, r)
    t.check("no key yet: a gap of the assurance", int(status(g)["assurance"], 16) & LATE_KEYS, status(g))
    g.run("tpm2_flushcontext -T device:/dev/tpm0 -t")
    told, r = key(g, "early=1")
    t.check("the next KEY makes the keys, and extends the cap only", told.get("state") == READY and
            extends(g, mark) == 2, r)
    value = hashlib.sha256(bytes(32) + bytes.fromhex(CONFIG)).hexdigest()
    t.check("the cap PCR's value that is told has the hash in it, and not the cap", told.get("pcr14") == value, r)
    t.check("keys that the early boot asked for are not late", not int(status(g)["assurance"], 16) & LATE_KEYS, status(g))
    _, r = key(g, f"config={OTHER}", ns="second")
    t.check("after the cap another hash is refused as well", r.code == 1 and "EEXIST" in r.out, r)
    g.put(plant["private"], "/tmp/release.pem")
    r = g.run("sealbond release approve --key /tmp/release.pem", check=False)
    t.check("the boot is approved from what runs", r, r)
    plant["first"] = told
    g.shutdown()


def opened(lab, config, more="", name="x"):
    g = lab.guests[name]
    g.start_up()
    Device(g, 1).install(plant["public"])
    g.run("modprobe sealbond")
    mark = len(g.tpm.wire.exchanges)
    told, r = key(g, f"{config} {more} current={FILES}/current.blob next={FILES}/next.blob "
                     f"approval=$(ls {FILES}/approvals/*.approval)")
    return g, told, r, g.tpm.wire.codes(mark)


def test_unsealed(lab, t):
    g, told, r, codes = opened(lab, f"config={CONFIG}", "early=1")
    first = plant["first"]
    t.check("after a reboot with the same configuration the same keys open", told.get("state") == READY and
            (told["key"], told["next"]) == (first["key"], first["next"]), r)
    t.check(f"with {len(codes)} TPM commands, configuration and cap among them, at most {TPM_COMMANDS_MAX}",
            len(codes) <= TPM_COMMANDS_MAX and codes.count(CC_UNSEAL) == 2 and codes.count(CC_PCR_EXTEND) == 2 and
            told["tpm_commands"] == len(codes), [hex(c) for c in codes])
    g.shutdown()


def test_other(lab, t):
    for words, config in (("another", f"config={OTHER}"), ("no", "")):
        g, told, r, codes = opened(lab, config)
        t.check(f"with {words} configuration they do not", told.get("state") == CAPPED and
                CC_UNSEAL not in codes and told.get("changed_pcrs") == "0x4000", r)
        t.check("and a key that was asked for late is a gap", int(status(g)["assurance"], 16) & LATE_KEYS)
        if not config:
            _, r = key(g, f"config={CONFIG}", ns="")
            t.check("a first hash after the cap is refused, in words", r.code == 1 and "EPERM" in r.out and
                    "without a CONFIG_HASH" in r.out, r)
            t.check("and never told", "config" not in status(g), status(g))
        g.shutdown()


def test_no_room(lab, t):
    """A TPM that keeps no storage key: it is made in each boot, which costs one command."""
    g = lab.guest("y", tpm=lab.tpm("y", wire=True), files=bonded.TOOLS)
    lab.boot(g)
    Device(g, 1).install(plant["public"])
    g.run("modprobe sealbond")
    g.tpm.wire.filter = lambda code, _: tpmwire.error(RC_NV_SPACE) if code == CC_EVICT else None
    made, r = key(g, f"config={CONFIG}")
    t.check("keys are made all the same", made.get("state") == READY and CC_EVICT in g.tpm.wire.codes(), r)
    t.note(f"with {made.get('tpm_commands')} TPM commands")
    g.put(plant["private"], "/tmp/release.pem")
    g.run("sealbond release approve --key /tmp/release.pem")
    g.shutdown()
    _, told, r, codes = opened(lab, f"config={CONFIG}", name="y")
    t.check(f"and open in the next boot, with {len(codes)} TPM commands", told.get("state") == READY and
            told["key"] == made["key"] and len(codes) == TPM_COMMANDS_MAX + 1 and CC_EVICT not in codes, r)
