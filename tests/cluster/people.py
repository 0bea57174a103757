# SPDX-License-Identifier: Apache-2.0
"""A person of the ledger in Python: BIP-340 signatures, and the few transactions that tests need many of."""

import hashlib
import struct

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)


def _add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and a[1] != b[1]:
        return None
    slope = (3 * a[0] * a[0] * pow(2 * a[1], -1, P) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, P)) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def _times(point, number):
    sum_ = None
    while number:
        if number & 1:
            sum_ = _add(sum_, point)
        point, number = _add(point, point), number >> 1
    return sum_


def _tagged(tag, data):
    head = hashlib.sha256(tag.encode()).digest()
    return hashlib.sha256(head + head + data).digest()


def sign(secret, message):
    """BIP-340 of 32 bytes, without fresh randomness."""
    point = _times(G, secret)
    secret = secret if point[1] % 2 == 0 else N - secret
    public = point[0].to_bytes(32, "big")
    mask = bytes(a ^ b for a, b in zip(secret.to_bytes(32, "big"), _tagged("BIP0340/aux", bytes(32))))
    k = int.from_bytes(_tagged("BIP0340/nonce", mask + public + message), "big") % N
    r = _times(G, k)
    k = k if r[1] % 2 == 0 else N - k
    x = r[0].to_bytes(32, "big")
    e = int.from_bytes(_tagged("BIP0340/challenge", x + public + message), "big") % N
    return x + ((k + e * secret) % N).to_bytes(32, "big")


def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([128 | number & 127]), number >> 7
    return out + bytes([number])


def field(number, value):
    """A protobuf field: a number or bytes, none where it is the default."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value) if value else b""
    return varint(number << 3 | 2) + varint(len(value)) + value


class Person:
    """The key of a file that has no passphrase."""

    def __init__(self, path, chain):
        with open(path, encoding="utf-8") as file:
            words = dict(line.rstrip("\n").split(" ", 1) for line in file if " " in line)
        self.secret, self.key, self.chain = int(words["secret"], 16), bytes.fromhex(words["public"]), chain
        self.sequence = 1

    def signed(self, body, sequence=None):
        """The transaction with this body, at the next sequence."""
        number = self.sequence if sequence is None else sequence
        message = hashlib.sha256(b"sealbond tx v1\0" + bytes([len(self.chain)]) + self.chain.encode() + self.key +
                                 struct.pack(">Q", number) + hashlib.sha256(body).digest()).digest()
        if sequence is None:
            self.sequence += 1
        auth = field(1, self.key) + field(2, number) + field(3, sign(self.secret, message))
        return field(1, body) + field(2, auth)

    def knows(self, device, sequence=None):
        """An enroller says that it knows a device: a record at b"K" and the device's id."""
        return self.signed(field(21, field(1, b"\x01" * 16) + field(2, device)), sequence)

    def record_of(self, device):
        """Where it stands then (sb_record_key)."""
        key = b"K" + device + hashlib.sha256(self.key).digest()[:16]
        if hashlib.sha256(key).digest()[:2] == b"x:":
            key += bytes([next(n for n in range(256) if hashlib.sha256(key + bytes([n])).digest()[:2] != b"x:")])
        return key
