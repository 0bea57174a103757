# SPDX-License-Identifier: Apache-2.0
"""Two zones of a ledger, and a conduit between them for some ports: what the nodes sign for the kernels of both ends. What a
kernel does with such a grant: tests/qemu/scenarios/grants.py.

        north: A ── conduit, tcp/502 and udp/1000-2000 ── B: south
"""

import os

from test_device import PATIENCE, Plant, live, say

ADDRESS = "192.0.2.7:7454"     # what the configuration of both says, test_device.py


def where(grant):
    return grant[grant.index("where") + 1]


def allowed(grant):
    return grant[grant.index("allows") + 1:]


def run(checks, directory):
    plant = Plant(directory)
    devices = []
    try:
        files = {name: os.path.join(directory, f"{name}.zone") for name in ("north", "south", "conduit")}
        for name, path in files.items():
            say("zone", "key", "--out", path, "--name", name)
            options = ("--conduit", "--allow", "tcp/502,udp/1000-2000") if name == "conduit" else ()
            plant.member("zone", "create", "--zone", path, *options)
        devices = live(plant, directory, ("a", "b"))
        for device, zone in zip(devices, ("north", "south")):
            plant.owner("zone", "add", device.id, "--zone", files[zone], "--name", device.name)
        a, b = devices
        for device in devices:
            device.status("now")
        # the command waits for three steps of the role: the zones have been read
        states = [device.status("now") for device in devices]
        checks.check("devices of two zones are nobody to each other", all(state["roster"] == "0" for state in states) and
                     not any(words[0] == "admit" for device in devices for words in device.seen), states)
        for device, zone in zip(devices, ("north", "south")):
            plant.owner("zone", "add", device.id, "--zone", files[zone], "--name", device.name, "--conduits", files["conduit"])
        grants = [device.wait(lambda words: words[0] == "admit", PATIENCE) for device in devices]
        checks.equal("a conduit lets the nodes grant each the other", [words[1] for words in grants], [b.id, a.id])
        checks.equal("for its protocols and ports, and no others", [allowed(words) for words in grants],
                     [["6/502-502", "17/1000-2000"]] * 2)
        for device, other in zip(devices, (b, a)):
            checks.check("and each learns from the ledger where the other is", any(where(words) == ADDRESS for words in device.seen if
                         words[:2] == ["admit", other.id]) or device.wait(lambda words: words[0] == "admit" and
                         where(words) == ADDRESS, PATIENCE))
        plant.owner("zone", "remove", a.id, "--zone", files["conduit"])
        dropped = [device.wait(lambda words: words[0] == "drop", 30)[1] for device in devices]
        checks.equal("when one of them is removed from it on the ledger it ends at both", dropped, [b.id, a.id])
        checks.equal("whose leases go on", [device.status("now")["state"] for device in devices], ["lease-live"] * 2)
    finally:
        for device in devices:
            device.end()
        plant.stop()
