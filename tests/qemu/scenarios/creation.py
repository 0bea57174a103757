# SPDX-License-Identifier: Apache-2.0
"""Where a bond key was made: the TPM's own word, signed by a restricted key of its endorsement hierarchy.

The device exports the key's TPM structures, tpm2-tools have the TPM certify them, and the host, who has
the signing key's public part, judges: bytes only, no device is asked.
"""

import hashlib
import json
import os
import struct
import subprocess

from device import Device, make_release_key

SRK = "0x81000001"
CAP_PCR = 14
# TPM 2.0 part 2: TPM_GENERATED_VALUE, TPM_ST_ATTEST_CREATION
MAGIC, ATTEST_CREATION = 0xff544347, 0x801a
PCRS = (0, 2, 4, 7, 9, CAP_PCR)

plant = {}


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, length):
        part = self.data[self.at:self.at + length]
        assert len(part) == length, "truncated"
        self.at += length
        return part

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def sized(self):
        return self.take(self.number(">H"))

    def end(self):
        assert self.at == len(self.data), "trailing bytes"


def read_attest(data):
    """TPMS_ATTEST of a creation."""
    r = Reader(data)
    found = {"magic": r.number(">I"), "type": r.number(">H"), "signer": r.sized(), "extra": r.sized()}
    r.take(17 + 8)      # clock, firmware version
    found["name"], found["hash"] = r.sized(), r.sized()
    r.end()
    return found


def read_creation(data):
    """TPM2B_CREATION_DATA: (the bytes that are hashed, PCRs, pcrDigest, outsideInfo)."""
    outer = Reader(data)
    inner = outer.sized()
    outer.end()
    r = Reader(inner)
    assert r.number(">I") == 1 and r.number(">H") == 0x000b, "one selection, SHA-256"
    bits = r.take(r.number(">B"))
    digest = r.sized()
    r.take(3)           # locality, the parent's hash
    r.sized()
    r.sized()
    outside = r.sized()
    r.end()
    return inner, [n for n in range(8 * len(bits)) if bits[n // 8] >> n % 8 & 1], digest, outside


def verify(directory, files, public_key, values, nonce):
    """What speaks against it, as a list of words."""
    wrong = []
    attest, public, creation = (files[name] for name in ("attest", "object.pub", "creation.data"))
    for name in ("attest", "signature", "ak.pem"):
        with open(os.path.join(directory, name), "wb") as f:
            f.write(files[name])
    r = subprocess.run(["openssl", "dgst", "-sha256", "-verify", "ak.pem", "-signature", "signature", "attest"],
                       cwd=directory, capture_output=True, check=False)
    if r.returncode:
        wrong.append("signature")
    told = read_attest(attest)
    if (told["magic"], told["type"]) != (MAGIC, ATTEST_CREATION):
        wrong.append("type")
    if told["extra"] != nonce:
        wrong.append("nonce")
    if told["name"] != b"\x00\x0b" + hashlib.sha256(public[2:]).digest():
        wrong.append("name")
    inner, pcrs, digest, outside = read_creation(creation)
    if told["hash"] != hashlib.sha256(inner).digest():
        wrong.append("creation hash")
    if outside != hashlib.sha256(public_key).digest():
        wrong.append("outside info")
    if tuple(pcrs) != PCRS or digest != hashlib.sha256(b"".join(values[n] for n in pcrs)).digest():
        wrong.append("pcr digest")
    return wrong


def certify(g, directory, nonce):
    """Has the TPM say where the object in this directory was made; all files of it."""
    g.run(f"cd {directory} && tpm2_load -Q -C {SRK} -u object.pub -r object.priv -c object.ctx && "
          f"tpm2_certifycreation -C /tmp/ak.ctx -c object.ctx -d creation.hash -t creation.ticket -g sha256 "
          f"-f plain -o signature --attestation attest -q {nonce.hex()} && "
          f"rm object.ctx && cp /tmp/ak.pem ak.pem", timeout=120)
    names = ("object.pub", "object.priv", "creation.data", "creation.hash", "creation.ticket", "attest", "signature",
             "ak.pem")
    return {name: g.get(f"{directory}/{name}") for name in names}


def test_certified(lab, t):
    _, public = make_release_key(lab.directory)
    g, = lab.boot(lab.guest("a"))
    a = plant["a"] = Device(g, 1)
    g.run("tpm2_createprimary -Q -C o -G ecc -c /tmp/p.ctx -a "
          "'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt' && "
          f"tpm2_evictcontrol -Q -C o -c /tmp/p.ctx {SRK}")
    a.install(public)
    a.start()
    t.must("keys are made", a.wait_state("keys-ready", timeout=180) == "keys-ready", a.ask("key"))
    g.wait_for("sealbond key --json | grep -q '\"stored\":true'")
    key = plant["key"] = a.ask("key")
    values = plant["values"] = {int(n): bytes.fromhex(v) for n, v in key["pcr_values"].items()}
    g.run("tpm2_createek -Q -c /tmp/ek.ctx -G ecc -u /tmp/ek.pub && "
          "tpm2_createak -Q -C /tmp/ek.ctx -c /tmp/ak.ctx -G ecc -g sha256 -s ecdsa -f pem -u /tmp/ak.pem", timeout=120)
    for name, options in (("current", ""), ("next", " --next")):
        told = json.loads(a.cli(f"key export --out /tmp/{name}{options} --json").out)
        public_key = bytes.fromhex(key[f"key_{name}"])
        t.check(f"{name}: the export names the key and its parent", told == {
            "key": public_key.hex(), "parent": SRK}, told)
        nonce = os.urandom(16)
        files = plant[name] = certify(g, f"/tmp/{name}", nonce)
        wrong = verify(lab.directory, files, public_key, values, nonce)
        t.check(f"{name}: made in this TPM, before the cap, for this public key: signed by the AK", wrong == [], wrong)
        plant[name + " nonce"] = nonce


def test_refused(lab, t):
    """The verifier sees each thing that is not so."""
    files, nonce = plant["current"], plant["current nonce"]
    public_key = bytes.fromhex(plant["key"]["key_current"])

    def wrong(**other):
        arguments = {"files": files, "public_key": public_key, "values": plant["values"], "nonce": nonce, **other}
        return verify(lab.directory, **arguments)

    other = bytes.fromhex(plant["key"]["key_next"])
    t.check("another public key", wrong(public_key=other) == ["outside info"])
    t.check("an old certificate", wrong(nonce=b"x" * 16) == ["nonce"])
    t.check("another boot state", wrong(values={**plant["values"], 9: b"\1" * 32}) == ["pcr digest"])
    t.check("another object", wrong(files={**files, "object.pub": plant["next"]["object.pub"]}) == ["name"])
    t.check("another's creation data", wrong(files={**files, "creation.data": plant["next"]["creation.data"]}) ==
            ["creation hash", "outside info"])
    attest = bytearray(files["attest"])
    attest[60] ^= 1
    t.check("an edited certificate", "signature" in wrong(files={**files, "attest": bytes(attest)}))


def test_look_alike(lab, t):
    """After the cap root has the TPM seal a key of its own under the device's public key."""
    a = plant["a"]
    g = a.guest
    public_key = bytes.fromhex(plant["key"]["key_current"])
    real = plant["current"]["object.pub"]
    policy = real[12:44]    # size, type, hash, attributes, size of the policy
    g.run("mkdir -p /tmp/fake")
    g.put(policy, "/tmp/fake/policy")
    g.put(os.urandom(32), "/tmp/fake/secret")
    g.run(f"cd /tmp/fake && tpm2_create -Q -C {SRK} -g sha256 -u object.pub -r object.priv -i secret -L policy "
          f"-a 'fixedtpm|fixedparent|adminwithpolicy|noda' -l sha256:{','.join(map(str, PCRS))} "
          f"-q {hashlib.sha256(public_key).hexdigest()} --creation-data creation.data -d creation.hash "
          "-t creation.ticket", timeout=120)
    nonce = os.urandom(16)
    files = certify(g, "/tmp/fake", nonce)
    t.check("its public area is like the real one's", files["object.pub"][:44] == real[:44])
    wrong = verify(lab.directory, files, public_key, plant["values"], nonce)
    t.check("the TPM certifies it, but not that it was made before the cap", wrong == ["pcr digest"], wrong)
