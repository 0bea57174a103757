# SPDX-License-Identifier: Apache-2.0
"""A device takes another one's place: its addresses, its name, its bonds in the zone and in a conduit, its profile.
Then the zone and the conduit get new keys, and two of the devices another owner.

        pumps: A, B (then C)        B (then C) ── conduit, tcp/502 ── D: south
"""

import os

from test_conduit import allowed
from test_device import PATIENCE, Plant, live, say


def admitted(device, other):
    """The latest grant for the other."""
    seen = next((words for words in reversed(device.seen) if words[:2] == ["admit", other.id]), None)
    return seen or device.wait(lambda words: words[:2] == ["admit", other.id], PATIENCE)


def profile(device, version, mode):
    """Waits until its link role is told this one; modes: 1 observe, 2 enforce."""
    wanted = ["profile", version, "mode", mode]
    return wanted in device.seen or device.wait(lambda words: words == wanted, PATIENCE)


def address(device):
    return [words for words in device.seen if words[0] == "local"][-1][1]


def replace(checks, plant, files, devices):
    a, b, c, d = devices
    before = address(b)
    key = say("owner", "show", b.id, "--key", plant.owner_key, *plant.people)["owner"]
    plant.owner("device", "offer", c.id, "--to", key)
    plant.owner("device", "replace", b.id, "--by", c.id, "--zone", files["pumps"], "--conduits", files["line"])
    checks.equal("A is granted the new one under the old one's name", admitted(a, c)[5], "b")
    for device in (a, d):
        if not any(words[:2] == ["drop", b.id] for words in device.seen):
            device.wait(lambda words: words[:2] == ["drop", b.id], PATIENCE)
    checks.check("the old one is dropped by both that were bonded with it", True)
    checks.equal("D, too, through the conduit, for what it allows", allowed(admitted(d, c)), ["6/502-502"])
    checks.equal("the new one is granted both", [admitted(c, a)[5], admitted(c, d)[5]], ["a", "d"])
    c.status("now")
    checks.equal("and has the old one's overlay address", address(c), before)
    profile(c, "2", "1")
    checks.check("and its profile", True)
    b.until_state("retired", PATIENCE)
    for name in ("pumps", "line"):
        shown = say("zone", "show", "--zone", files[name], *plant.people)
        listed = {one["device"]: one["name"] for one in shown["devices"]}
        checks.check(f"{name} lists the new one in the old one's place", listed.get(c.id) == "b" and b.id not in listed, shown)
        checks.check("and says that a new key is due", [one["device"] for one in shown["rekey"]] == [b.id], shown)


def rekey(checks, plant, files, devices):
    """The one that has left knows the keys of both: new ones, and nobody's bonds end by that."""
    a, _, c, d = devices
    before = [sum(words[0] == "drop" for words in device.seen) for device in (a, c, d)]
    plant.owner("zone", "rekey", "--zone", files["pumps"], "--conduits", files["line"])
    plant.owner("zone", "rekey", "--zone", files["line"], "--conduits", f"{files['pumps']},{files['south']}")
    profile(c, "3", "1")
    for name in ("pumps", "line"):
        shown = say("zone", "show", "--zone", files[name], *plant.people)
        checks.check(f"{name} has a new key, and no other is due", not shown["rekey_due"] and not shown["file_behind"], shown)
    # the command waits for three steps of the role: the zones have been read
    states = [device.status("now") for device in (a, c, d)]
    checks.equal("each still has those that it had", [state["roster"] for state in states], ["1", "2", "1"])
    checks.equal("and ended no bond", [sum(words[0] == "drop" for words in device.seen) for device in (a, c, d)], before)


def transfer(checks, plant, directory, devices):
    """C and D go to another owner, who has a zone of their own for them."""
    a, _, c, d = devices
    other, zone = os.path.join(directory, "other.key"), os.path.join(directory, "theirs.zone")
    theirs = ("--key", other, *plant.people)
    say("owner", "key", "--out", other)
    say("zone", "key", "--out", zone, "--name", "theirs")
    plant.member("zone", "create", "--zone", zone)
    plant.owner("profile", "set", d.id, "--zone", os.path.join(directory, "south.zone"), "--mode", "observe")
    profile(d, "1", "1")
    seen = {device: len(device.seen) for device in devices}
    for device in (c, d):
        plant.owner("device", "offer", device.id, "--to", say("owner", "show", device.id, *theirs)["owner"])
        say("device", "accept", device.id, *theirs)
    a.wait(lambda words: words[:2] == ["drop", c.id], PATIENCE)
    checks.check("who stays drops the one that has gone to another owner", True)
    for device in (c, d):
        say("zone", "add", device.id, "--zone", zone, "--name", device.name, *theirs)
    say("profile", "set", d.id, "--zone", zone, "--mode", "enforce", *theirs)
    for device, peer in ((c, d), (d, c)):
        def wanted(words, peer=peer):
            return words[:2] == ["admit", peer.id] and words[-1] == "all"
        grant = next(filter(wanted, device.seen[seen[device]:]), None) or device.wait(wanted, PATIENCE)
        checks.equal(f"{device.name}: the new owner's zone has a bond for it", grant[5], peer.name)
    profile(d, "1", "2")
    checks.check("and the new owner's profile is taken, though the old one's had the same version", True)


def run(checks, directory):
    plant = Plant(directory)
    devices = []
    try:
        files = {name: os.path.join(directory, f"{name}.zone") for name in ("pumps", "south", "line")}
        for name, path in files.items():
            say("zone", "key", "--out", path, "--name", name)
            options = ("--conduit", "--allow", "tcp/502") if name == "line" else ()
            plant.member("zone", "create", "--zone", path, *options)
        devices = live(plant, directory, ("a", "b", "c", "d"))
        a, b, _, d = devices
        plant.owner("zone", "add", a.id, "--zone", files["pumps"], "--name", "a")
        for device, zone in ((b, "pumps"), (d, "south")):
            plant.owner("zone", "add", device.id, "--zone", files[zone], "--name", device.name, "--conduits", files["line"])
        plant.owner("profile", "set", b.id, "--zone", files["pumps"], "--mode", "observe")
        for device, other in ((a, b), (b, a), (b, d), (d, b)):
            admitted(device, other)
        replace(checks, plant, files, devices)
        rekey(checks, plant, files, devices)
        transfer(checks, plant, directory, devices)
    finally:
        for device in devices:
            device.end()
        plant.stop()
