#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/vectors/light/*.json: light blocks in the format of tendermint-rs's model-based tests,
from a second statement of CometBFT's hashing, encoding and signing (RFC 8032 by integers).

    make_light.py DIRECTORY
"""

import base64
import copy
import hashlib
import json
import os
import sys

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
CHAIN = "vector-chain"
START = 1_700_000_000


# -- ed25519 (RFC 8032 section 5.1) ---------------------------------------------------------------

def add(a, b):
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    e, f = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = f - e, d - c, d + c, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(n, point):
    out = (0, 1, 1, 0)
    while n:
        if n & 1:
            out = add(out, point)
        point = add(point, point)
        n >>= 1
    return out


def base_point():
    y = 4 * pow(5, P - 2, P) % P
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    x = P - x if x & 1 else x
    return x, y, 1, x * y % P


BASE = base_point()


def encode(point):
    x, y, z, _ = point
    inverse = pow(z, P - 2, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


class Key:
    def __init__(self, number):
        digest = hashlib.sha512(b"light vector %d" % number).digest()
        scalar = int.from_bytes(digest[:32], "little")
        self.scalar = (scalar & (1 << 254) - 8) | 1 << 254
        self.prefix = digest[32:]
        self.public = encode(multiply(self.scalar, BASE))
        self.address = hashlib.sha256(self.public).digest()[:20]

    def sign(self, message):
        r = int.from_bytes(hashlib.sha512(self.prefix + message).digest(), "little") % L
        point = encode(multiply(r, BASE))
        k = int.from_bytes(hashlib.sha512(point + self.public + message).digest(), "little") % L
        return point + ((r + k * self.scalar) % L).to_bytes(32, "little")


# -- protobuf and Merkle --------------------------------------------------------------------------

def varint(n):
    n &= 2**64 - 1
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def number(field, n):
    return varint(field << 3) + varint(n) if n else b""


def octets(field, data, always=False):
    return varint(field << 3 | 2) + varint(len(data)) + data if data or always else b""


def fixed(field, n):
    return varint(field << 3 | 1) + (n & 2**64 - 1).to_bytes(8, "little") if n else b""


def sha(data):
    return hashlib.sha256(data).digest()


def root(leaves):
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return sha(b"\0" + leaves[0])
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha(b"\1" + root(leaves[:k]) + root(leaves[k:]))


def stamp(seconds):
    return number(1, seconds)


def block_id(hash_, parts):
    return octets(1, hash_) + octets(2, number(1, parts[0]) + octets(2, parts[1]), True)


def set_hash(members):
    return root([octets(1, octets(1, key.public), True) + number(2, power) for key, power in members])


def ordered(members):
    return sorted(members, key=lambda m: (-m[1], m[0].address))


# -- blocks ---------------------------------------------------------------------------------------

def text_time(seconds):
    import datetime
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Block:
    """signers: indexes of the members that sign; None: all."""

    def __init__(self, height, members, following, signers=None, chain=CHAIN, seconds=None, sign_chain=None):
        self.height, self.members, self.following = height, ordered(members), ordered(following)
        self.seconds = START + 10 * height if seconds is None else seconds
        self.chain = chain
        self.hashes = {"last_commit_hash": sha(b"commit %d" % height), "data_hash": sha(b""),
                       "validators_hash": set_hash(self.members),
                       "next_validators_hash": set_hash(self.following),
                       "consensus_hash": sha(b"params"), "app_hash": sha(b"app %d" % height),
                       "last_results_hash": sha(b""), "evidence_hash": sha(b"")}
        self.last = (sha(b"block %d" % (height - 1)), (1, sha(b"parts %d" % (height - 1))))
        self.proposer = self.members[0][0].address
        leaves = [number(1, 11) + number(2, 1), octets(1, chain.encode()), number(1, height),
                  stamp(self.seconds), block_id(*self.last)]
        leaves += [octets(1, data) for data in self.hashes.values()] + [octets(1, self.proposer)]
        self.hash = root(leaves)
        self.parts = (2, sha(b"parts %d" % height))
        self.votes = []
        for i, (key, _) in enumerate(self.members):
            if signers is not None and i not in signers:
                self.votes.append({"block_id_flag": 1, "validator_address": "", "timestamp": "0001-01-01T00:00:00Z",
                                   "signature": None})
                continue
            body = (number(1, 2) + fixed(2, height) + fixed(3, 1) + octets(4, block_id(self.hash, self.parts), True) +
                    octets(5, stamp(self.seconds + 1), True) + octets(6, (sign_chain or chain).encode()))
            self.votes.append({"block_id_flag": 2, "validator_address": key.address.hex().upper(),
                               "timestamp": text_time(self.seconds + 1),
                               "signature": base64.b64encode(key.sign(varint(len(body)) + body)).decode()})

    @staticmethod
    def _id(hash_, parts):
        return {"hash": hash_.hex().upper(), "part_set_header": {"total": parts[0], "hash": parts[1].hex().upper()}}

    def signed_header(self):
        header = {"version": {"block": "11", "app": "1"}, "chain_id": self.chain, "height": str(self.height),
                  "time": text_time(self.seconds), "last_block_id": self._id(*self.last),
                  **{name: data.hex().upper() for name, data in self.hashes.items()},
                  "proposer_address": self.proposer.hex().upper()}
        commit = {"height": str(self.height), "round": 1, "block_id": self._id(self.hash, self.parts),
                  "signatures": self.votes}
        return {"header": header, "commit": commit}

    @staticmethod
    def _set(members):
        return {"validators": [{"address": key.address.hex().upper(),
                                "pub_key": {"type": "tendermint/PubKeyEd25519",
                                            "value": base64.b64encode(key.public).decode()},
                                "voting_power": str(power)} for key, power in members]}

    def json(self):
        return {"signed_header": self.signed_header(), "validator_set": self._set(self.members),
                "next_validator_set": self._set(self.following)}


def case(out, name, trusted, steps, period=10**6, now=None):
    """steps: (block as JSON, verdict)."""
    now = text_time(START + 5000 if now is None else now)
    initial = trusted.json()
    data = {"description": name,
            "initial": {"signed_header": initial["signed_header"], "next_validator_set": initial["next_validator_set"],
                        "trusting_period": str(period * 10**9), "now": now},
            "input": [{"block": block, "now": now, "verdict": verdict} for block, verdict in steps]}
    with open(os.path.join(out, name + ".json"), "w", encoding="ascii") as f:
        json.dump(data, f, indent=1)
        f.write("\n")


def edited(block, change):
    data = copy.deepcopy(block.json())
    change(data)
    return data


def main(out):
    keys = [Key(n) for n in range(8)]
    old = [(keys[0], 40), (keys[1], 30), (keys[2], 20), (keys[3], 10)]
    new = [(keys[4], 40), (keys[5], 30), (keys[6], 20), (keys[7], 10)]
    third = [(keys[0], 40), (keys[4], 30), (keys[5], 20), (keys[6], 10)]
    first = Block(1, old, old)
    case(out, "follows", first, [(Block(2, old, old).json(), "SUCCESS"), (Block(9, old, new).json(), "SUCCESS"),
                                 (Block(10, new, new).json(), "SUCCESS"), (Block(500, new, old).json(), "SUCCESS")])
    case(out, "trust", first, [(Block(5, new, new).json(), "NOT_ENOUGH_TRUST"), (Block(5, third, new).json(), "SUCCESS"),
                               (Block(8, old, old).json(), "NOT_ENOUGH_TRUST"), (Block(6, new, old).json(), "SUCCESS")])
    case(out, "power", first, [(Block(5, old, old, {0, 2}).json(), "INVALID"), (Block(5, old, old, {0, 1}).json(), "SUCCESS"),
                               (Block(6, old, old, {2, 3}).json(), "INVALID")])

    def swap(block):
        votes = block["signed_header"]["commit"]["signatures"]
        votes[2], votes[3] = votes[3], votes[2]

    def address(block):
        votes = block["signed_header"]["commit"]["signatures"]
        votes[3]["validator_address"] = votes[2]["validator_address"]

    def negative(block):
        block["validator_set"]["validators"][0]["voting_power"] = "-40"

    def huge(block):
        for validator in block["validator_set"]["validators"]:
            validator["voting_power"] = str(2**63 - 1)

    def key(block):
        block["validator_set"]["validators"][0]["address"] = keys[7].address.hex().upper()

    def app(block):
        block["signed_header"]["header"]["app_hash"] = sha(b"other").hex().upper()

    def number_height(block):
        block["signed_header"]["header"]["height"] = 5

    block = Block(5, old, old)
    case(out, "forged", first, [(edited(block, change), "INVALID") for change in
                                (swap, address, negative, huge, key, app, number_height)] +
         [(Block(5, old, old, chain="other-chain").json(), "INVALID"),
          (Block(5, old, old, sign_chain="other-chain").json(), "INVALID"),
          (Block(2, new, old).json(), "INVALID"), (block.json(), "SUCCESS")])
    case(out, "times", first, [(Block(5, old, old, seconds=START + 10).json(), "INVALID"),
                               (Block(5, old, old, seconds=START + 5001).json(), "INVALID"),
                               (Block(5, old, old, seconds=START + 4999).json(), "SUCCESS")])
    case(out, "expired", first, [(Block(5, old, old).json(), "INVALID")], period=4990)
    case(out, "not-expired", first, [(Block(5, old, old).json(), "SUCCESS")], period=4991)


if __name__ == "__main__":
    main(sys.argv[1])
