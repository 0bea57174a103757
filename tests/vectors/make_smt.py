#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the vectors of smt/, independently of the C code.

A model of the compact sparse Merkle tree that hashes everything anew each time, written from
docs/ledger-store.md, ICS-23 (cosmos.ics23.v1) and CometBFT's crypto/merkle. Every proof is also
verified here, by ICS-23's rules as they are written there. Everything is derived from fixed
strings: a second run gives the same bytes.

    python3 tests/vectors/make_smt.py    # writes smt/proofs.json, smt/histories.json
"""
import hashlib
import json
import os

HERE = os.path.dirname(os.path.abspath(__file__))
EMPTY = bytes(32)
PLAIN, VAR_PROTO = 0, 1
NAMES = {PLAIN: "plain", VAR_PROTO: "var_proto"}


def h(data):
    return hashlib.sha256(data).digest()


def seed(text, length=32):
    return hashlib.shake_256(text.encode()).digest(length)


def bit(path, depth):
    return path[depth // 8] >> (7 - depth % 8) & 1


# The tree: {key: value}, and what lies below a prefix as a list of (path, key, value).

def leaf_hash(spec, key, value):
    length = b"\x20" if spec == VAR_PROTO else b""
    return h(b"\0" + length + h(key) + length + h(value))


def items(records):
    return sorted((h(key), key, value) for key, value in records.items())


def split(below, depth):
    return [[i for i in below if bit(i[0], depth) == side] for side in (0, 1)]


def node(spec, below, depth=0):
    if not below:
        return EMPTY
    if len(below) == 1:
        return leaf_hash(spec, *below[0][1:])
    left, right = (node(spec, part, depth + 1) for part in split(below, depth))
    return h(b"\1" + left + right)


def root_of(spec, records):
    return node(spec, items(records))


def steps(spec, records, key):
    """[(we are right, sibling)], from the leaf up."""
    path, below, out, depth = h(key), items(records), [], 0
    while len(below) > 1:
        sides = split(below, depth)
        side = bit(path, depth)
        depth += 1
        out.insert(0, (side, node(spec, sides[1 - side], depth)))
        below = sides[side]
    assert below[0][1] == key
    return out


# Protobuf.

def varint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7f | 0x80)
        n >>= 7
    return bytes(out) + bytes([n])


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def number_field(number, n):
    return varint(number << 3) + varint(n) if n else b""


def leaf_op(spec, prefix=b"\0", sha=1):
    return (number_field(1, sha) + number_field(2, 1) + number_field(3, 1)
            + number_field(4, spec) + field(5, prefix))


def inner_op(right, sibling):
    if right:
        return number_field(1, 1) + field(2, b"\1" + sibling)
    return number_field(1, 1) + field(2, b"\1") + field(3, sibling)


def existence_of(spec, key, value, path):
    return (field(1, key) + field(2, value) + field(3, leaf_op(spec))
            + b"".join(field(4, inner_op(*step)) for step in path))


def existence(spec, records, key):
    return existence_of(spec, key, records[key], steps(spec, records, key))


def neighbours(records, key):
    all_items, path = items(records), h(key)
    left = [i for i in all_items if i[0] < path]
    right = [i for i in all_items if i[0] > path]
    return left[-1][1] if left else None, right[0][1] if right else None


def absence_of(key, left=None, right=None):
    return (field(1, h(key)) + (field(2, left) if left else b"")
            + (field(3, right) if right else b""))


def prove(spec, records, key):
    if key in records:
        return field(1, existence(spec, records, key))
    sides = neighbours(records, key)
    return field(2, absence_of(key, *(
        existence(spec, records, k) if k is not None else None for k in sides)))


def simple(records, key):
    """ValueOp of CometBFT, and whether its verifier's recursion gives the root."""
    path, way = h(key), steps(VAR_PROTO, records, key)
    total = 1 << len(way)
    index = int.from_bytes(path, "big") >> (256 - len(way))
    leaf = h(b"\0" + varint(len(path)) + path + b"\x20" + h(records[key]))
    aunts = [sibling for _, sibling in way]

    def up(index, total, aunts):
        if total == 1:
            assert not aunts
            return leaf
        left = 1 << (total - 1).bit_length() - 1    # the largest power of two below total
        if index < left:
            return h(b"\1" + up(index, left, aunts[:-1]) + aunts[-1])
        return h(b"\1" + aunts[-1] + up(index - left, total - left, aunts[:-1]))

    assert up(index, total, aunts) == root_of(VAR_PROTO, records)
    proof = (number_field(1, total) + number_field(2, index) + field(3, leaf)
             + b"".join(field(4, aunt) for aunt in aunts))
    return field(1, path) + field(2, proof)


# ICS-23's verifier for neighbours: paths only, as IsLeftMost and its kin say.

def is_edge(path, right):
    return all(step[0] == right or step[1] == EMPTY for step in path)


def is_neighbour(left, right):
    left, right = list(left), list(right)
    while left and right and left[-1] == right[-1]:
        left.pop()
        right.pop()
    return (left[-1][0], right[-1][0]) == (0, 1) and is_edge(left[:-1], 1) and is_edge(right[:-1], 0)


def check(spec, records, key):
    root = root_of(spec, records)
    sides = [key, None] if key in records else neighbours(records, key)
    ways = [steps(spec, records, k) if k is not None else None for k in sides]
    for k, way in zip(sides, ways):
        if k is not None:
            at = leaf_hash(spec, k, records[k])
            for right, sibling in way:
                at = h(b"\1" + sibling + at) if right else h(b"\1" + at + sibling)
            assert at == root
    if key in records or sides == (None, None):
        return
    if None not in sides:
        assert is_neighbour(*ways)
    elif sides[0] is None:
        assert is_edge(ways[1], 0)
    else:
        assert is_edge(ways[0], 1)


def close_pair(count):
    """Two keys whose paths begin alike, to have a deep tree."""
    paths = sorted((h(k), k) for k in (b"close %d" % i for i in range(count)))
    return max(zip(paths, paths[1:]), key=lambda pair: -(
        int.from_bytes(pair[0][0], "big") ^ int.from_bytes(pair[1][0], "big")))


def records_of(count):
    records = {}
    for i in range(count):
        name = f"record {i}"
        records[seed(name + " key", 1 + i * 37 % 255)] = seed(name + " value", 1 + i * 53 % 700)
    for _, key in close_pair(30000):
        records[key] = b"value of " + key
    return records


# The vectors.

def vector(name, spec, root, key, value, proof, valid=True):
    return {"name": name, "spec": NAMES[spec], "valid": valid, "root": root.hex(), "key": key.hex(),
            "value": value.hex() if value is not None else "", "proof": proof.hex()}


def good_vectors(spec):
    out = []
    for size in (0, 1, 2, 40):
        records = records_of(size - 2) if size > 2 else {
            k: v for k, v in list(records_of(3).items())[:size]}
        root = root_of(spec, records)
        ordered = [key for _, key, _ in items(records)]
        picks = ordered[:1] + ordered[len(ordered) // 2:len(ordered) // 2 + 1] + ordered[-1:]
        absent = sorted((b"absent %d" % i for i in range(20)), key=h)
        picks += [absent[0], absent[7], absent[-1]]
        if size > 2:
            close = [key for _, key in close_pair(30000)]
            picks += close + [min(records, key=len), max(records, key=len)]
        for key in dict.fromkeys(picks):
            check(spec, records, key)
            name = f"{size} records, {'present' if key in records else 'absent'} {key.hex()[:12]}"
            out.append(vector(name, spec, root, key, records.get(key), prove(spec, records, key)))
    return out


def bad_existence():
    records = records_of(20)
    spec, root = VAR_PROTO, root_of(VAR_PROTO, records)
    key = items(records)[5][1]
    value, way = records[key], steps(spec, records, key)
    body = existence_of(spec, key, value, way)
    good = field(1, body)
    head = field(1, key) + field(2, value)
    leaf, path = field(3, leaf_op(spec)), b"".join(field(4, inner_op(*s)) for s in way)
    long = varint(len(body))[:-1] + bytes([varint(len(body))[-1] | 0x80]) + b"\0"
    flipped = [(1 - way[0][0], way[0][1])] + way[1:]
    step = inner_op(*way[0])
    cases = {
        "a byte too many": good + b"\0",
        "a byte too few": good[:-1],
        "a second proof": good + good,
        "an unknown field in the proof": good + number_field(9, 1),
        "an unknown field in the existence proof": field(1, body + number_field(9, 1)),
        "an unknown field in the leaf": field(1, head + field(3, leaf_op(spec) + number_field(6, 1)) + path),
        "an unknown field in a step": field(1, head + leaf + field(4, step + number_field(4, 1)) +
                                            b"".join(field(4, inner_op(*s)) for s in way[1:])),
        "a length with a byte too many": b"\x0a" + long + body,
        "the value before the key": field(1, field(2, value) + field(1, key) + leaf + path),
        "the key twice": field(1, field(1, key) + head + leaf + path),
        "no leaf": field(1, head + path),
        "a longer leaf prefix": field(1, head + field(3, leaf_op(spec, b"\0\0")) + path),
        "another leaf hash": field(1, head + field(3, leaf_op(spec, sha=2)) + path),
        "the other leaf": field(1, existence_of(PLAIN, key, value, way)),
        "a step with prefix and suffix": field(1, head + leaf + field(
            4, number_field(1, 1) + field(2, b"\1" + way[0][1]) + field(3, way[0][1]))),
        "a step on the other side": field(1, existence_of(spec, key, value, flipped)),
        "a step left out": field(1, existence_of(spec, key, value, way[1:])),
        "257 steps": field(1, existence_of(spec, key, value, way + [(0, EMPTY)] * (257 - len(way)))),
        "an empty key": field(1, field(2, value) + leaf + path),
        "nothing": b"",
        "an empty batch": field(3, b""),
        "an absence proof for a key that is there": field(2, absence_of(key, body)),
    }
    out = [vector(name, spec, root, key, value, proof, False) for name, proof in cases.items()]
    out.append(vector("another value", spec, root, key, value + b"x", good, False))
    out.append(vector("another key", spec, root, key + b"x", value, good, False))
    out.append(vector("another root", spec, h(root), key, value, good, False))
    # ICS-23 alone takes this one: the record is not where its path says
    path = h(key)
    other = seed("misplaced")
    right = 1 - bit(path, 0)
    at = leaf_hash(spec, key, value)
    fake = h(b"\1" + other + at) if right else h(b"\1" + at + other)
    out.append(vector("a record in another's place", spec, fake, key, value,
                      field(1, existence_of(spec, key, value, [(right, other)])), False))
    return out


def bad_absence():
    records = records_of(20)
    spec, root = VAR_PROTO, root_of(VAR_PROTO, records)
    ordered = [i[1] for i in items(records)]
    absent = next(k for k in (b"absent %d" % i for i in range(100))
                  if 2 < sum(i[0] < h(k) for i in items(records)) < len(ordered) - 2)
    at = sum(i[0] < h(absent) for i in items(records))
    proofs = [existence(spec, records, key) for key in ordered]
    left, right = proofs[at - 1], proofs[at]
    cases = {
        "neighbours in the wrong order": absence_of(absent, right, left),
        "a left one too far away": absence_of(absent, proofs[at - 2], right),
        "a right one too far away": absence_of(absent, left, proofs[at + 1]),
        "no right neighbour, and not at the edge": absence_of(absent, left),
        "no left neighbour, and not at the edge": absence_of(absent, None, right),
        "no neighbours, and not empty": absence_of(absent),
        "a neighbour twice": field(1, h(absent)) + field(2, left) * 2 + field(3, right),
        "the right one before the left": field(1, h(absent)) + field(3, right) + field(2, left),
        "another path": absence_of(absent + b"x", left, right),
        "the key for its path": field(1, absent) + field(2, left) + field(3, right),
        "no path": field(2, left) + field(3, right),
        "an unknown field": absence_of(absent, left, right) + number_field(4, 1),
    }
    out = [vector(name, spec, root, absent, None, field(2, body), False) for name, body in cases.items()]
    key = ordered[at]
    out.append(vector("absence of a key that is there", spec, root, key, None,
                      field(2, absence_of(key, proofs[at - 1], proofs[at + 1])), False))
    out.append(vector("absence of a neighbour itself", spec, root, key, None,
                      field(2, absence_of(key, proofs[at - 1], proofs[at])), False))
    return out


def history():
    state, pool, out = {}, list(records_of(60)), []
    for number in range(12):
        changes = {}
        for i in range(1 + number * 7 % 40):
            draw = int.from_bytes(seed(f"history {number} {i}", 8), "big")
            key = pool[draw % len(pool)]
            changes[key] = None if draw >> 32 & 3 == 0 else seed(f"history value {draw}", 1 + draw % 90)
        if number == 8:
            changes = {key: None for key in state}
        if number == 10:
            changes = dict.fromkeys((key for _, key in close_pair(30000)), b"close")
        for key, value in changes.items():
            if value is None:
                state.pop(key, None)
            else:
                state[key] = value
        out.append({
            "changes": [{"key": k.hex(), "value": v.hex() if v else ""} for k, v in changes.items()],
            "root": root_of(VAR_PROTO, state).hex(),
            "proofs": [{"key": k.hex(), "proof": prove(VAR_PROTO, state, k).hex(),
                        "simple": simple(state, k).hex() if k in state else ""}
                       for k in (pool[number * 5 % len(pool)], pool[(number * 11 + 3) % len(pool)])],
        })
    return out


def write(name, data):
    with open(os.path.join(HERE, "smt", name), "w") as f:
        json.dump(data, f, indent=1)
        f.write("\n")


def main():
    os.makedirs(os.path.join(HERE, "smt"), exist_ok=True)
    write("proofs.json", {"vectors": good_vectors(VAR_PROTO) + good_vectors(PLAIN)
                          + bad_existence() + bad_absence()})
    write("histories.json", {"history": history()})


if __name__ == "__main__":
    main()
