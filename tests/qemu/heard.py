# SPDX-License-Identifier: Apache-2.0
"""What root on a device can hear of its own ledger traffic: grants as nodes have signed them, and the requests that they
answer. Over http, as here, anybody on the cable can."""

import base64
import json
import re

MAGIC = b"SBGRNT1\n"
ONE_SIGNATURE = 264
HOLDER, DEVICE, NONCE = slice(72, 104), slice(104, 136), slice(24, 40)


def _streams(capture, since=None):
    """(source, source port, target, target port) -> TCP payloads in the order of their arrival."""
    found = {}
    for frame in capture.frames(since):
        if frame.protocol == 6 and frame.payload:
            offset = (frame.payload[12] >> 4) * 4
            key = (frame.src, frame.sport, frame.dst, frame.dport)
            found[key] = found.get(key, b"") + frame.payload[offset:]
    return found


def grants(capture, since=None):
    """All that nodes have sent."""
    found = []
    for stream in _streams(capture, since).values():
        for value in re.findall(rb'"value":"([A-Za-z0-9+/=]+)"', stream):
            data = base64.b64decode(value + b"=" * (-len(value) % 4))
            at = data.find(MAGIC)
            if at >= 0 and len(data) >= at + ONE_SIGNATURE:
                found.append(data[at:at + ONE_SIGNATURE])
    return found


def requests(capture, since=None):
    """What the device has asked nodes to sign."""
    return [bytes.fromhex(data.decode()) for stream in _streams(capture, since).values()
            for data in re.findall(rb'"path":"/grant","data":"((?:[0-9A-Fa-f]{2})+)"', stream)]


def last_grant(capture, holder, device):
    return next(g for g in reversed(grants(capture)) if g[HOLDER].hex() == holder and g[DEVICE].hex() == device)


def last_request(capture, holder, device):
    return next(r for r in reversed(requests(capture)) if bytes.fromhex(holder) in r and bytes.fromhex(device) in r)


def in_answer(text):
    """The grant in a node's answer, or the node's words why there is none."""
    answer = json.loads(text)["result"]["response"]
    data = base64.b64decode(answer.get("value") or "")
    at = data.find(MAGIC)
    return (data[at:at + ONE_SIGNATURE], "") if at >= 0 else (None, answer.get("log", ""))
