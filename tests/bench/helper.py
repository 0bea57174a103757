# SPDX-License-Identifier: Apache-2.0
"""Resident memory of the helper: two devices with a live bond, on the ordinary clock."""

import os
import re

from device import Device, make_release_key
from image import BUILD

FILES = {"/usr/libexec/sealbond/sealbondd-tpm": os.path.join(BUILD, "sealbondd-tpm")}


def _processes(guest):
    """Of each process of the helper: name, Rss and Pss in KiB."""
    text = guest.out("for p in /proc/[0-9]*; do grep -q ^sealbondd $p/comm && "
                     "echo $(cat $p/comm $p/smaps_rollup); done; true")
    return [{"name": m[1], "rss": int(m[2]), "pss": int(m[3])} for m in
            re.finditer(r"^(\S+) .*?\bRss: (\d+) kB.*?\bPss: (\d+) kB", text, re.M)]


def resident(lab, raw):
    """Sums over all its processes, with keys made and a bond live."""
    guests = lab.boot(*(lab.guest(name, files=FILES) for name in ("helper-a", "helper-b")))
    a, b = [Device(guest, number + 1) for number, guest in enumerate(guests)]
    _, public = make_release_key(lab.directory)
    for device in (a, b):
        device.cable()
        device.install(public)
        device.start()
    for device in (a, b):
        if device.wait_state("keys-ready", timeout=120) != "keys-ready":
            raise RuntimeError(f"no keys: {device.ask('key')}")
        device.guest.wait_for("sealbond identity", timeout=60)
    a.peer_of(b)
    b.peer_of(a)
    for device in (a, b):
        device.cli("reload")
    for device in (a, b):
        device.wait_bond()
    found = _processes(a.guest)
    if not found:
        raise RuntimeError("the helper has no process")
    raw["helper"] = found
    return {"helper_rss_kib": sum(process["rss"] for process in found),
            "helper_pss_kib": sum(process["pss"] for process in found)}
