# SPDX-License-Identifier: Apache-2.0
"""The power goes, twenty times, at any moment: the devices come back alone, as they were.

    a ── switch ── b        both ends of a bond, mode enforce; each sends all the time, inside the bond and in clear

A cut ends QEMU and the TPM's emulator at once: what the guest had not written to its disk is lost, and the TPM
was not told. What an image does at its boot is in the image; everything else is on the disk.
SEALBOND_SEED=N repeats a run, SEALBOND_CUTS=N makes it shorter.
"""

import os
import random
import re
import subprocess
import time

import bonded
from device import CONF, Device, make_release_key
from image import BUILD

LAB = "power_cuts"
LONG = True
MINUTES = 15
CUTS = int(os.environ.get("SEALBOND_CUTS", "20"))
MAKING = min(3, CUTS)	# of them, before there is a key on the disk
SEED = int(os.environ.get("SEALBOND_SEED", "0")) or random.randrange(1, 1 << 31)
SECRET = b"sealbond-numbered-datagram/"	# udpnum's
STATE = "/var/lib/sealbond"
CUT_KINDS = ("traffic", "rotation", "boot", "storing")
PCRS = (0, 2, 4, 7, 9, 14)

# The network comes last: before the mode is set nothing could be on the wire but what ought not to.
START = """#!/bin/sh
modprobe sealbond
sealbondd >/tmp/helper.log 2>&1 &
until sealbond mode --json 2>/dev/null | grep -q enforce; do usleep 20000; done
ip addr add {wire4}/24 dev eth0
ip -6 addr add fd00::{n}/64 dev eth0 nodad
ip link set eth0 up
for to in {clear} {inner}; do
    while :; do udpnum send $to 5001 0 50000 >/dev/null 2>&1; usleep 50000; done &
done
"""

plant = {}


def image_files(n, other, public):
    """What an integrator puts into the image of device n."""
    conf = CONF.format(n=n, mode="enforce", extra=f"[peers]\nfile = {STATE}/peers.conf\n")
    start = START.format(n=n, wire4=f"10.0.0.{n}", clear=f"10.0.0.{other}", inner=f"10.77.0.{other}")
    return {**bonded.TOOLS, "/etc/sealbond/sealbond.conf": conf.encode(), "/etc/sealbond/release.pub.pem": public,
            "/etc/start": start.encode()}


def switch_on(*devices):
    """Power, and what an image does by itself."""
    for d in devices:
        d.guest.start_qemu()
    for d in devices:
        d.guest.wait_up()
        d.guest.start("sh /etc/start")


def kept(d):
    """The public keys, when the helper has told the kernel that they are on the disk; or None."""
    r = d.guest.run("sealbond key --json", check=False)
    found = re.search(r'"key_current":"(\w+)".*"key_next":"(\w+)"', r.out)
    return found.groups() if found and '"stored":true' in r.out else None


def ready(d):
    """Waits for keys that are stored, and returns them."""
    d.guest.wait_for("sealbond key --json | grep -q '\"keys-ready\".*\"stored\":true'", timeout=120)
    return kept(d)


def approve(lab, d):
    """The boot state of this machine, which is the same at each start, approved before there is a key."""
    values = [word for pcr in PCRS for word in ("--keep", f"{pcr}=" + d.guest.out(
        f"cat /sys/class/tpm/tpm0/pcr-sha256/{pcr}"))]
    conf = os.path.join(lab.directory, "fleet.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write("[device]\noverlay6 = fd77::1/64\n[key]\npcrs = 0,2,4,7,9\nfleet = demo\n"
                f"release_key = {lab.directory}/release.pub.pem\n")
    r = subprocess.run([os.path.join(BUILD, "sealbond"), "--config", conf, "release", "approve", "--key",
                        plant["private"], "--out", lab.directory, *values], capture_output=True, text=True, check=True)
    with open(r.stdout.split()[0], "rb") as f:
        d.guest.run(f"mkdir -p {STATE}/approvals; touch {STATE}/peers.conf")
        d.guest.put(f.read(), f"{STATE}/approvals/boot.approval")
    d.guest.run("sync")


def test_while_keys_are_made(lab, t):
    t.note(f"SEALBOND_SEED={SEED}")
    chance = plant["chance"] = random.Random(SEED)
    plant["private"], public = make_release_key(lab.directory)
    devices = plant["devices"] = [Device(lab.guest(name, files=image_files(n, 3 - n, public), disk_cache="writeback"), n)
                                  for name, n in (("a", 1), ("b", 2))]
    lab.boot(*(d.guest for d in devices))
    for d in devices:
        approve(lab, d)
        d.guest.kill()
    wrong, had = [], 0
    for number in range(MAKING):
        switch_on(*devices)
        if number + 1 < MAKING:
            time.sleep(chance.uniform(0, 4))  # lint: sleep: a moment by chance is the test
        else:	# the power goes as soon as the keys are said to be stored
            for d in devices:
                ready(d)
        known = [kept(d) for d in devices]
        for d in devices:
            d.guest.kill()
        switch_on(*devices)
        for d, before in zip(devices, known):
            now = ready(d)
            had += bool(before)
            if before and now != before:
                wrong.append((d.guest.name, before, now))
            # as new again, for the next time
            d.guest.run(f"rm -f {STATE}/*.blob; sync")
            d.guest.kill()
    t.check(f"{MAKING} cuts of both while keys are made and stored: keys come back, those that were stored "
            f"({had} of {2 * MAKING}) the same", not wrong and had >= 2, wrong)


def acquaint():
    a, b = plant["devices"]
    switch_on(a, b)
    plant["keys"] = [ready(d) for d in (a, b)]
    for d, other in ((a, b), (b, a)):
        d.guest.wait_for("sealbond identity", timeout=60)
        other.guest.wait_for("sealbond identity", timeout=60)
        d.peer_of(other)
        d.guest.run("sync")
        d.cli("reload")


def alive(a, b, timeout=90):
    """A packet passes each way."""
    jobs = [x.guest.start(f"until ping -c 1 -W 1 {y.inner4} >/dev/null && sealbond status >/dev/null; "
                          "do usleep 50000; done", timeout) for x, y in ((a, b), (b, a))]
    results = [job.wait(timeout + 30) for job in jobs]
    return all(bool(r) for r in results)


def before_the_cut(kind, chance, victims):
    """Brings about the moment."""
    if kind == "traffic":
        time.sleep(chance.uniform(0, 1.5))  # lint: sleep: a moment by chance is the test
    elif kind == "rotation":
        for d in victims:
            d.guest.start("sealbond rotate --all")
        time.sleep(chance.uniform(0, 0.4))  # lint: sleep: a moment by chance is the test
    else:
        if kind == "storing":
            for d in victims:
                d.guest.run(f"rm -f {STATE}/key-next.blob; sync")
        for d in victims:
            d.guest.kill()
        switch_on(*victims)
        time.sleep(chance.uniform(0, 5))  # lint: sleep: a moment by chance is the test


def test_bonded(lab, t):
    acquaint()
    a, b = devices = plant["devices"]
    chance, keys = plant["chance"], plant["keys"]
    t.must("a bond", alive(a, b), [d.guest.out("sealbond status; cat /tmp/helper.log") for d in devices])
    longest = 0
    for number in range(MAKING, CUTS):
        kind = chance.choice(CUT_KINDS)
        victims = chance.choice(((a,), (b,), (a, b)))
        before_the_cut(kind, chance, victims)
        for d in victims:
            d.guest.kill()
        began = time.monotonic()
        switch_on(*victims)
        live = alive(a, b)
        longest = max(longest, time.monotonic() - began)
        now = [ready(d) for d in devices]
        # a next key that was not there is a new one
        same = all(x[0] == y[0] and (x[1] == y[1] or kind == "storing" and d in victims)
                   for x, y, d in zip(keys, now, devices))
        names = " and ".join(d.guest.name for d in victims)
        t.check(f"cut {number + 1} ({kind}, {names}): the same keys, and the bond by itself", live and same,
                (keys, now, [d.guest.run("sealbond status; cat /tmp/helper.log", check=False) for d in devices]))
        keys = now
    t.note(f"at most {longest:.1f} s from the power to the first packet")


def test_wire(lab, t):
    """Of all boots, what was on the wire."""
    seen, outside = 0, []
    for d in plant["devices"]:
        d.guest.kill()
    for capture in lab.captures():
        if not os.path.exists(capture.path) or os.path.getsize(capture.path) < 24:
            continue
        seen += sum(1 for _ in capture.frames())
        outside += [str(f) for f in capture.outside(bonded.SEALED + ("mld",))]
        outside += [str(f) for f in capture.having(SECRET)]
    t.check(f"{CUTS} cuts, {seen} frames in all captures: not one in clear", seen > 100 and not outside, outside[:20])
