# SPDX-License-Identifier: Apache-2.0
"""Who signs grants: the operator's keys, away from the devices, and what can be done to a grant on its way."""

import os
import subprocess

from image import BUILD

# where things are in a grant (sealbond/grant.h)
FLAGS, DURATION, NONCE, HOLDER, DEVICE, KEY, SIGNATURES, HEAD, SIGNATURE = 10, 16, 24, 72, 104, 136, 188, 192, 72


class Operator:
    """Who has the grant keys; away from the devices."""

    def __init__(self, directory):
        self.directory = os.path.join(directory, "operator")
        os.makedirs(self.directory, exist_ok=True)
        for name in ("grant1", "grant2", "stranger"):
            for end in (".pem", ".pub.pem"):
                if os.path.exists(self.path(name + end)):
                    os.unlink(self.path(name + end))
            self.tool("grant", "key", "--out", self.path(name + ".pem"))

    def path(self, name):
        return os.path.join(self.directory, name)

    def tool(self, *words):
        subprocess.run([os.path.join(BUILD, "sealbond"), *words], check=True, capture_output=True)

    def public(self, name):
        with open(self.path(name + ".pub.pem"), "rb") as f:
            return f.read()

    def grant(self, device, holder, *options, keys=("grant1", "grant2"), chain="static", duration="24h"):
        """A grant that lets holder bond with device; both are what `sealbond identity` says."""
        with open(self.path("device.conf"), "w", encoding="ascii") as f:
            f.write(device["stanza"])
        out = self.path("out.grant")
        self.tool("grant", "sign", "--key", self.path(keys[0] + ".pem"), "--device", self.path("device.conf"),
                  "--holder", holder["id"], "--chain", chain, "--duration", duration, "--out", out, *options)
        for key in keys[1:]:
            self.tool("grant", "sign", "--key", self.path(key + ".pem"), "--add-signature", out)
        with open(out, "rb") as f:
            return f.read()


def edited(grant, at, value):
    """With other bytes at a place."""
    return grant[:at] + value + grant[at + len(value):]


def flipped(grant, at):
    return edited(grant, at, bytes([grant[at] ^ 1]))
