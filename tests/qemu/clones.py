# SPDX-License-Identifier: Apache-2.0
"""A device's copy, TPM state and all, that comes up beside it. With plant.Unattended devices."""

# the copy's clock has to be behind by more than the time between two heartbeats, else its first one is no proof yet
HEARTBEATS_S = 25


def copied(lab, t, device, name, wire):
    """The device is switched off, and somebody copies its TPM's state and its disk. It is on again afterwards; the
    copy is off."""
    device.guest.shutdown()
    tpm = lab.tpm(name)
    tpm.clone_from(device.guest.tpm)
    twin = device.clone(lab, name, wire, tpm)
    device.guest.start_up()
    t.must(f"{device.guest.name.upper()} was off for a while; it comes back alone, to a live lease",
           device.wait_lease("lease-live"), device.why())
    return twin


def frozen(lab, t, ledger, a, device, twin):
    """The copy comes up beside its original, whose peer is a. Everything ends; the incident's id."""
    device.guest.wait_for(f"test $(cut -d. -f1 /proc/uptime) -ge {HEARTBEATS_S}", timeout=HEARTBEATS_S + 60)
    lab.boot(twin.guest)
    original = device.guest.name.upper()
    t.must("the copy has the original's bond keys: its TPM has unsealed them",
           twin.wait_state("keys-ready") == "keys-ready" and
           twin.ask("key")["key_current"] == device.ask("key")["key_current"], twin.ask("key"))
    t.check(f"as soon as it speaks {original} is frozen", device.wait_lease("frozen-clone"), device.why())
    t.check("and so is the copy", twin.wait_lease("frozen-clone"), twin.why())
    for d in (a, device, twin):
        t.check(f"{d.guest.name}: no bond is left", d.wait_no_peer(), d.ask("peers"))
    found = [one for one in ledger.incidents() if one["record"]["device"] == device.id]
    t.must("the ledger has an incident of this device", len(found) == 1 and found[0]["kind"] == "clone", found)
    t.note(found[0]["record"]["text"])
    return found[0]["id"]


def resolved(t, ledger, a, device, twin, incident):
    """Its owner has found the copy and switched it off."""
    twin.guest.kill()
    ledger.owner(f"incident resolve {incident} --note 'the copy is found and destroyed'")
    t.check("the incident is resolved", not ledger.incidents(), ledger.incidents())
    t.must("the original has a lease again", device.wait_lease("lease-live"), device.why())
    t.must("and its bond", device.wait_bond(120) and a.wait_bond(120), device.ask("status"))
