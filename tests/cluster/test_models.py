# SPDX-License-Identifier: Apache-2.0
"""Who vouches for a device and who decides: each model that sealbond init offers, with devices that come in by it and
devices and people whom it refuses. Software TPMs, some of them with a manufacturer's certificate."""

import json
import os

from ledgerd import wait_until
from maker import give_iak, make_ca, root_of, run_setup
from test_device import Device, Plant, say

PATIENCE = 120


def fails(checks, words, says, *command):
    """A person's command that is refused, by name."""
    try:
        done = say(*command)
    except RuntimeError as error:
        checks.check(words, says in str(error), error)
    else:
        checks.check(words, False, done)


class World:
    def __init__(self, checks, directory, model, *options):
        self.checks, self.directory = checks, os.path.join(directory, model)
        os.mkdir(self.directory)
        self.plant = Plant(self.directory, "--profile", model, *options)
        self.devices = []

    def key(self, name):
        return os.path.join(self.plant.home, f"{name}.key")

    def device(self, name):
        device = Device(name, self.directory, self.plant.config)
        device.id = device.wait(lambda words: words[0] == "identity", PATIENCE)[1]
        self.devices.append(device)
        return device

    def challenge(self, device, enroller):
        say("enroller", "challenge", device.id, "--key", self.key(enroller), *self.plant.people)

    def enters(self, device, *enrollers):
        if enrollers:
            device.until_state("enrolling", PATIENCE)
        for enroller in enrollers:
            self.challenge(device, enroller)
        device.until_state("awaiting-approval", PATIENCE)
        self.plant.owner("device", "approve", device.id)
        return device.until_state("lease-live", PATIENCE)["state"]

    def refused(self, device, name):
        """The device says why it does not come in."""
        def is_said():
            device.say("now")
            return name in " ".join(device.wait(lambda words: words[0] == "state", PATIENCE))
        wait_until(is_said, PATIENCE, f"{device.name}: {name}", 0.5)

    def ledger(self, kind, *which):
        return say("ledger", "show", kind, *which, *self.plant.people)["record"]

    def end(self):
        for device in self.devices:
            device.end()
        self.plant.stop()


def solo(world):
    checks, plant = world.checks, world.plant
    a = world.device("a")
    a.until_state("enrolling", PATIENCE)
    say("enroller", "key", "--out", world.key("stranger"))
    fails(checks, "solo: who is no enroller vouches for nobody", "has no account on this ledger",
          "enroller", "challenge", a.id, "--key", world.key("stranger"), *plant.people)
    checks.equal("solo: one enroller and the owner let a device in", world.enters(a, "enroller"), "lease-live")
    b = world.device("b")
    b.until_state("enrolling", PATIENCE)
    world.challenge(b, "enroller")
    b.until_state("awaiting-approval", PATIENCE)
    say("owner", "key", "--out", world.key("thief"))
    fails(checks, "solo: another owner cannot approve it", "has no account on this ledger",
          "device", "approve", b.id, "--key", world.key("thief"), *plant.people)
    members = world.ledger("members")
    checks.check("solo: one member decides", len(members["members"]) == 1 and members["threshold"] == 1, members)


def manufacturer(checks, directory):
    maker, other = os.path.join(directory, "maker"), os.path.join(directory, "other-maker")
    place = os.path.join(directory, "manufacturer")
    fails(checks, "manufacturer: a ledger without roots is not made", "name the manufacturers' certificates", "init", "--home",
          os.path.join(directory, "none"), "--chain", "plant-1", "--profile", "manufacturer")
    run_setup(maker, os.path.join(directory, "tpm-genuine"))
    run_setup(other, os.path.join(directory, "tpm-foreign"))
    world = World(checks, directory, "manufacturer", "--root", root_of(maker))
    try:
        for name in ("genuine", "foreign"):
            os.rename(os.path.join(directory, f"tpm-{name}"), os.path.join(place, f"tpm-{name}"))
        genuine = world.device("genuine")
        genuine.until_state("enrolling", PATIENCE)
        words = world.plant.vouch("--own", "--roots", root_of(other))
        checks.check("manufacturer: an enroller with roots of its own need not follow the ledger's",
                     f"{genuine.id}: cert-bad-signature" in words and "0 answered" in words, words)
        checks.equal("manufacturer: a TPM with its maker's certificate comes in", world.enters(genuine, "enroller"),
                     "lease-live")
        world.refused(world.device("foreign"), "cert-bad-signature")
        checks.check("manufacturer: one whose maker only has the same name is refused: cert-bad-signature", True)
        world.refused(world.device("bare"), "no-endorsement")
        checks.check("manufacturer: one without a certificate is refused: no-endorsement", True)
        members = world.ledger("members")
        checks.check("manufacturer: two of three members decide", len(members["members"]) == 3 and
                     members["threshold"] == 2, members)
    finally:
        world.end()


def by_roots_alone(world):
    """Two of three members change what an enrolment takes: a maker's certificate, and no enroller."""
    path = os.path.join(world.directory, "roots-alone.json")
    with open(path, "w", encoding="ascii") as file:
        json.dump({"title": "roots alone", "changes": [{"parameters": {**world.ledger("parameters"), "enrolment": 1}}]}, file)
    proposal = say("member", "propose", path, "--key", world.key("member1"), *world.plant.people)["transaction"]
    say("member", "vote", proposal, "--key", world.key("member2"), *world.plant.people)


def device_maker(checks, directory):
    """Who made the devices has certified a key in each TPM; who made the TPMs is unknown to the ledger."""
    maker, strangers = os.path.join(directory, "tpms"), os.path.join(directory, "tpm-")
    place = os.path.join(directory, "manufacturer")
    root = make_ca(os.path.join(directory, "devices"), "Devices")
    make_ca(os.path.join(directory, "others"), "Devices")
    for name, by, keep in (("kept", "devices", True), ("anew", "devices", False), ("foreign", "others", True), ("bare", None, False)):
        run_setup(maker, strangers + name)
        if by:
            give_iak(os.path.join(directory, by), strangers + name, keep)
    world = World(checks, directory, "manufacturer", "--root", root)
    try:
        for name in ("kept", "anew", "foreign", "bare"):
            os.rename(strangers + name, os.path.join(place, f"tpm-{name}"))
        by_roots_alone(world)
        for name, how in (("kept", "kept in its TPM"), ("anew", "that its template makes again")):
            device = world.device(name)
            checks.equal(f"device's maker: with a certified key {how} it needs no enroller", world.enters(device), "lease-live")
            record = world.ledger("device", device.id)
            checks.equal("device's maker: that alone speaks for it", record["proven"], 1)
        world.refused(world.device("foreign"), "cert-bad-signature")
        checks.check("device's maker: one certified by who only has the name is refused: cert-bad-signature", True)
        world.refused(world.device("bare"), "cert-no-trust-root")
        checks.check("device's maker: one without such a key is refused: cert-no-trust-root", True)
    finally:
        world.end()


def enrollers(world):
    checks, plant = world.checks, world.plant
    a = world.device("a")
    a.until_state("enrolling", PATIENCE)
    world.challenge(a, "enroller1")
    fails(checks, "enrollers: one of them cannot speak twice", "waits for an answer of this enroller",
          "enroller", "challenge", a.id, "--key", world.key("enroller1"), *plant.people)
    beats = a.status("now")
    checks.equal("enrollers: one is not enough", beats["state"], "enrolling")
    world.challenge(a, "enroller3")
    a.until_state("awaiting-approval", PATIENCE)
    proposal = say("device", "admit", a.id, "--key", world.key("member1"), *plant.people)["transaction"]
    fails(checks, "enrollers: members do not admit what an owner has to approve", "admission is not by vote",
          "member", "vote", proposal, "--key", world.key("member2"), *plant.people)
    checks.equal("enrollers: two of three, and it waits for its owner", a.status("now")["state"], "awaiting-approval")
    plant.owner("device", "approve", a.id)
    checks.equal("enrollers: who lets it in", a.until_state("lease-live", PATIENCE)["state"], "lease-live")
    # one member alone replaces no enroller
    say("enroller", "key", "--out", world.key("fourth"))
    public = say("enroller", "list", *plant.people)["enrollers"]
    checks.equal("enrollers: three of them", len(public), 3)
    proposal = say("enroller", "remove", public[0]["key"], "--key", world.key("member1"), *plant.people)["transaction"]
    checks.equal("enrollers: one member alone decides nothing", len(say("enroller", "list", *plant.people)["enrollers"]), 3)
    say("member", "vote", proposal, "--key", world.key("member2"), *plant.people)
    checks.equal("enrollers: two do", len(say("enroller", "list", *plant.people)["enrollers"]), 2)


def run(checks, directory):
    directory = os.path.realpath(directory)		# short enough for a run_dir
    for model, test in (("solo", solo), ("enrollers", enrollers)):
        world = World(checks, directory, model)
        try:
            test(world)
        finally:
            world.end()
    for name, test in (("tpm-maker", manufacturer), ("device-maker", device_maker)):
        place = os.path.join(directory, name)
        os.mkdir(place)
        test(checks, place)
