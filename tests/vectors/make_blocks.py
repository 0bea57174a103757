#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/vectors/blocks/block_*.json: blocks in the form of a node's answers to `block`, from a second
statement of CometBFT's encoding and hashing. Their keys and signatures are any bytes: hashes do not care.

    make_blocks.py DIRECTORY
"""

import base64
import hashlib
import json
import os
import sys

PART = 65536
START = 1_700_000_000


def sha(data):
    return hashlib.sha256(data).digest()


def varint(value):
    value &= (1 << 64) - 1
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value) if value else b""


def message(field, data):
    return varint(field << 3 | 2) + varint(len(data)) + data


def blob(field, data):
    return message(field, data) if data else b""


def root(leaves):
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return sha(b"\0" + leaves[0])
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha(b"\1" + root(leaves[:split]) + root(leaves[split:]))


def timestamp(time):
    return number(1, time[0]) + number(2, time[1])


def block_id(value):
    return blob(1, value["hash"]) + message(2, number(1, value["total"]) + blob(2, value["parts"]))


def vote(value):
    return (number(1, value["flag"]) + blob(2, value["address"]) + message(3, timestamp(value["time"])) +
            blob(4, value["signature"]))


def commit(value):
    return (number(1, value["height"]) + number(2, value["round"]) + message(3, block_id(value["id"])) +
            b"".join(message(4, vote(v)) for v in value["votes"]))


HASHES = ("last_commit_hash", "data_hash", "validators_hash", "next_validators_hash", "consensus_hash", "app_hash",
          "last_results_hash", "evidence_hash", "proposer_address")


def header_leaves(header):
    return [number(1, 11) + number(2, header["app"]), blob(1, header["chain"].encode()), number(1, header["height"]),
            timestamp(header["time"]), block_id(header["last"])] + [blob(1, header[name]) for name in HASHES]


def header_bytes(header):
    out = message(1, number(1, 11) + number(2, header["app"])) + blob(2, header["chain"].encode())
    out += number(3, header["height"]) + message(4, timestamp(header["time"])) + message(5, block_id(header["last"]))
    return out + b"".join(blob(6 + i, header[name]) for i, name in enumerate(HASHES))


def block_bytes(header, txs, last_commit):
    data = b"".join(message(1, tx) for tx in txs)
    return message(1, header_bytes(header)) + message(2, data) + message(3, b"") + message(4, commit(last_commit))


def rfc3339(time):
    import datetime
    text = datetime.datetime.fromtimestamp(time[0], datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return text + (".%09d" % time[1]).rstrip("0").rstrip(".") + "Z"


def hexed(data):
    return data.hex().upper()


def base64ed(data):
    return base64.b64encode(data).decode()


def id_json(value):
    return {"hash": hexed(value["hash"]), "parts": {"total": value["total"], "hash": hexed(value["parts"])}}


def commit_json(value):
    return {"height": str(value["height"]), "round": value["round"], "block_id": id_json(value["id"]),
            "signatures": [{"block_id_flag": v["flag"], "validator_address": hexed(v["address"]),
                            "timestamp": rfc3339(v["time"]), "signature": base64ed(v["signature"])}
                           for v in value["votes"]]}


def header_json(header):
    out = {"version": {"block": "11", "app": str(header["app"])}, "chain_id": header["chain"],
           "height": str(header["height"]), "time": rfc3339(header["time"]),
           "last_block_id": id_json(header["last"])}
    return out | {name: hexed(header[name]) for name in HASHES}


def make(height, time, txs, last, last_commit, app):
    header = {"app": app, "chain": "vector-chain", "height": height, "time": time, "last": last,
              "last_commit_hash": root([vote(v) for v in last_commit["votes"]]),
              "data_hash": root([sha(tx) for tx in txs]), "validators_hash": sha(b"validators"),
              "next_validators_hash": sha(b"next"), "consensus_hash": sha(number(1, 4194304) + number(2, -1)),
              "app_hash": sha(b"app %d" % height), "last_results_hash": root([]), "evidence_hash": root([]),
              "proposer_address": sha(b"proposer")[:20]}
    data = block_bytes(header, txs, last_commit)
    parts = [data[i:i + PART] for i in range(0, len(data), PART)]
    this = {"hash": root(header_leaves(header)), "total": len(parts), "parts": root(parts)}
    answer = {"block_id": id_json(this), "block": {
        "header": header_json(header), "data": {"txs": [base64ed(tx) for tx in txs]},
        "evidence": {"evidence": []}, "last_commit": commit_json(last_commit)}}
    return this, {"jsonrpc": "2.0", "id": -1, "result": answer}


NONE = {"hash": b"", "total": 0, "parts": b""}


def votes(time, flags):
    return [{"flag": flag, "address": sha(b"v%d" % i)[:20], "time": (time[0], time[1] + i),
             "signature": sha(b"s%d" % i) * 2} for i, flag in enumerate(flags)]


def main(directory):
    os.makedirs(directory, exist_ok=True)
    last, last_commit = NONE, {"height": 0, "round": 0, "id": NONE, "votes": []}
    long = [hashlib.shake_128(b"tx %d" % i).digest(14000) for i in range(5)]
    for height, time, txs, flags, app in (
            (1, (START, 0), [], [2], 1),
            (2, (START + 1, 5_000_000), [b"a=1"], [2, 3], 1),
            (3, (START + 2, 999_999_000), [b"tx %d" % i for i in range(7)], [2, 2, 2], 0),
            (300, (START + 3, 1), long, [2], 7)):
        last, answer = make(height, time, txs, last, last_commit, app)
        last_commit = {"height": height, "round": height % 3, "id": last,
                       "votes": votes((time[0], time[1] // 2), flags)}
        with open(os.path.join(directory, f"block_{height}.json"), "w", encoding="ascii") as file:
            json.dump(answer, file, separators=(",", ":"))
            file.write("\n")


main(sys.argv[1])
