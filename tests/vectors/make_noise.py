#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the vectors of this directory, independently of the C code.

Written from the Noise specification (revision 34) and docs/protocol.md, over
Python's hashlib and the `cryptography` package. Everything is derived from
fixed strings: a second run gives the same bytes.

    python3 tests/vectors/make_noise.py    # writes noise.json, protocol_vector.h
"""
import hashlib
import hmac
import json
import os
import struct

from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey, X25519PublicKey)
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HERE = os.path.dirname(os.path.abspath(__file__))


def seed(text):
    return hashlib.sha256(text.encode()).digest()


def blake2s(data, key=b"", size=32):
    return hashlib.blake2s(data, key=key, digest_size=size).digest()


def hmac_blake2s(key, data):
    return hmac.new(key, data, hashlib.blake2s).digest()


def hkdf(ck, ikm, count):
    prk, last, out = hmac_blake2s(ck, ikm), b"", []
    for i in range(1, count + 1):
        last = hmac_blake2s(prk, last + bytes([i]))
        out.append(last)
    return out


def public(private):
    key = X25519PrivateKey.from_private_bytes(private)
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def dh(private, point):
    return X25519PrivateKey.from_private_bytes(private).exchange(
        X25519PublicKey.from_public_bytes(point))


class CipherState:
    def __init__(self, key=None):
        self.key, self.n = key, 0

    def seal(self, ad, text):
        nonce = struct.pack("<IQ", 0, self.n)
        self.n += 1
        return ChaCha20Poly1305(self.key).encrypt(nonce, text, ad)


class Side:
    """The writer's view of both sides: every secret is known here."""

    def __init__(self, pattern, prologue, init_s, init_e, resp_s, resp_e, psk):
        name = f"Noise_{pattern}_25519_ChaChaPoly_BLAKE2s".encode()
        self.h = blake2s(name) if len(name) > 32 else name.ljust(32, b"\0")
        self.ck = self.h
        self.cipher = CipherState()
        self.psk_mode = "psk" in pattern
        self.keys = dict(s=init_s, e=init_e), dict(s=resp_s, e=resp_e)
        self.psk = psk
        self.mix_hash(prologue)
        self.mix_hash(public(resp_s))

    def mix_hash(self, data):
        self.h = blake2s(self.h + data)

    def mix_key(self, ikm):
        self.ck, key = hkdf(self.ck, ikm, 2)
        self.cipher = CipherState(key)

    def seal(self, text):
        out = self.cipher.seal(self.h, text)
        self.mix_hash(out)
        return out

    def write(self, who, tokens, payload):
        own, other = self.keys[who], self.keys[1 - who]
        init, resp = self.keys
        out = []
        for token in tokens:
            if token == "e":
                out.append(public(own["e"]))
                self.mix_hash(out[-1])
                if self.psk_mode:
                    self.mix_key(out[-1])
            elif token == "s":
                out.append(self.seal(public(own["s"])))
            elif token == "psk":
                self.ck, t, key = hkdf(self.ck, self.psk, 3)
                self.mix_hash(t)
                self.cipher = CipherState(key)
            else:   # two letters: the initiator's key, then the responder's
                self.mix_key(dh(init[token[0]], public(resp[token[1]])))
        out.append(self.seal(payload))
        return out


def tokens(pattern):
    second = ["e", "ee", "se"] + (["psk"] if pattern == "IKpsk2" else [])
    return ["e", "es", "s", "ss"], second


def vector(pattern, name, prologue, payloads):
    keys = [seed(f"{name} {k}") for k in
            ("init static", "init ephemeral", "resp static", "resp ephemeral")]
    psk = seed(f"{name} psk")
    side = Side(pattern, prologue, *keys, psk)
    first, second = tokens(pattern)
    texts = [b"".join(side.write(0, first, payloads[0])),
             b"".join(side.write(1, second, payloads[1]))]
    k1, k2 = hkdf(side.ck, b"", 2)
    ciphers = CipherState(k1), CipherState(k2)
    for i, payload in enumerate(payloads[2:]):
        texts.append(ciphers[i % 2].seal(b"", payload))
    out = {
        "protocol_name": f"Noise_{pattern}_25519_ChaChaPoly_BLAKE2s",
        "init_prologue": prologue.hex(),
        "init_static": keys[0].hex(),
        "init_ephemeral": keys[1].hex(),
        "init_remote_static": public(keys[2]).hex(),
        "resp_prologue": prologue.hex(),
        "resp_static": keys[2].hex(),
        "resp_ephemeral": keys[3].hex(),
        "handshake_hash": side.h.hex(),
        "messages": [{"payload": p.hex(), "ciphertext": c.hex()}
                     for p, c in zip(payloads, texts)],
    }
    if pattern == "IKpsk2":
        out["init_psks"] = out["resp_psks"] = [psk.hex()]
    return out


def noise_vectors():
    long = b"".join(seed(f"long {i}") for i in range(40))
    cases = [
        ("plain", b"Sealbond", [b"first", b"second", b"third", b"fourth"]),
        ("empty", b"", [b"", b"", b"", b""]),
        ("long", long, [long, long[:1000], long[:65], long[:64], b"x"]),
    ]
    return [vector(pattern, f"{pattern} {name}", prologue, payloads)
            for pattern in ("IK", "IKpsk2")
            for name, prologue, payloads in cases]


# docs/protocol.md from here on.

LABEL = b"Sealbond v1"


def macs(message, receiver, cookie=None):
    key = blake2s(LABEL + b" mac1" + receiver)
    message += blake2s(message, key, 16)
    return message + (blake2s(message, cookie, 16) if cookie else bytes(16))


def v4(text, port):
    octets = bytes(int(x) for x in text.split("."))
    return bytes(10) + b"\xff\xff" + octets + struct.pack(">H", port)


def nat(src, dst):
    return blake2s(LABEL + b" nat" + src + dst)[:16]


def esp(side, alg, direction, spi):
    info = LABEL + b" esp" + side.h + struct.pack(">BBI", alg, direction, spi)
    prk = hmac_blake2s(LABEL + b" esp", side.ck)
    one = hmac_blake2s(prk, info + b"\1")
    return (one + hmac_blake2s(prk, one + info + b"\2"))[:36]


def protocol_vector():
    init_s, init_e = seed("protocol init static"), seed("protocol init ephemeral")
    resp_s, resp_e = seed("protocol resp static"), seed("protocol resp ephemeral")
    init_id, resp_id = seed("protocol init id"), seed("protocol resp id")
    chain, psk = seed("sealbond-test"), bytes(32)
    a, b = v4("192.0.2.1", 7454), v4("198.51.100.2", 7454)
    init_index, resp_index = 0x01020304, 0x05060708
    init_spi, resp_spi = 0x11121314, 0x21222324

    side = Side("IKpsk2", LABEL + b"\1" + chain + resp_id,
                init_s, init_e, resp_s, resp_e, psk)
    payload1 = (struct.pack(">BBBBIIQI", 1, 1, 3, 0, 7, 9, 123456789, init_spi)
                + init_id + nat(a, b) + bytes(24))
    first, second = tokens("IKpsk2")
    message1 = (bytes(4) + b"\1\1\0\0" + struct.pack(">I", init_index)
                + b"".join(side.write(0, first, payload1)))
    payload2 = struct.pack(">BBBBI", 1, 0, 0, 0, resp_spi) + nat(b, a) + bytes(8)
    message2 = (bytes(4) + b"\2\1\0\0"
                + struct.pack(">II", resp_index, init_index)
                + b"".join(side.write(1, second, payload2)))
    return {
        "init_static": init_s, "init_ephemeral": init_e, "init_id": init_id,
        "resp_static": resp_s, "resp_ephemeral": resp_e, "resp_id": resp_id,
        "chain_id": chain,
        "initiation": macs(message1, public(resp_s)),
        "response": macs(message2, public(init_s)),
        "from_initiator": esp(side, 0, 0, resp_spi),
        "from_responder": esp(side, 0, 1, init_spi),
        "final_ck": side.ck, "final_h": side.h,
        "esp_chacha": esp(side, 1, 0, resp_spi),
    }


def c_array(name, data):
    lines = [", ".join(f"0x{x:02x}" for x in data[i:i + 12])
             for i in range(0, len(data), 12)]
    return (f"static const u8 vector_{name}[{len(data)}] = {{\n\t"
            + ",\n\t".join(lines) + ",\n};\n")


def main():
    with open(os.path.join(HERE, "noise.json"), "w") as f:
        json.dump({"vectors": noise_vectors()}, f, indent=1)
        f.write("\n")
    with open(os.path.join(HERE, "protocol_vector.h"), "w") as f:
        f.write("/* SPDX-License-Identifier: Apache-2.0 */\n"
                "/* Made by make_noise.py: one whole handshake. Do not edit. */\n")
        f.writelines("\n" + c_array(k, v) for k, v in protocol_vector().items())


if __name__ == "__main__":
    main()
