# SPDX-License-Identifier: Apache-2.0
"""Handshakes against somebody who records, repeats, reorders and invents."""

import bonded

LAB = "hostile"


def test_bond(lab, t):
    pair = bonded.pair(lab)
    pair.up()
    t.check("the bond is live at both ends", pair.a.live(pair.b) and pair.b.live(pair.a))
    t.check("pings pass, IPv4 and IPv6, both ways", pair.pings())
