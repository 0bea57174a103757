# SPDX-License-Identifier: Apache-2.0
"""One way: how it is set up, tried and undone, and what must hold.

Commands are a shell's, run by root on A. In them @NAME@ stands for what the rig fills in:

    P, P2K      the pattern of this try, 64 or 2,000 bytes of it, in hex; PT: the pattern as text
    F4 F6 F1    a frame with it to C: IPv4 and IPv6 by eth0, IPv4 by eth1, in hex; I4 I6 I1: its packet
    E4 EI4      a frame with a live SPI of A's and the pattern behind it; its packet. SPI, SPIIN, REQID: that SA's
    H4 HI4      a frame like a handshake with the pattern in it; its packet
    A4 A6 AMAC A1MAC, B4 B6 BMAC, C4 C6 CMAC, AI4 BI4 BI6    addresses: outer, of the card, inside the bonds
    RULES       a file for nft's rules or a script
"""

import dataclasses
import typing

BLOCKED = "blocked"
ENDS = "ends the bonds"
OUTSIDE = "outside the promise"


@dataclasses.dataclass
class Way:
    name: str
    words: str                      # what root tries
    attempt: str = ""
    setup: str = ""
    undo: str = ""
    holds: str = BLOCKED
    off: typing.Any = True          # in mode off it leaks; else the reason why that is not shown
    left: str = ""                  # with ENDS and OUTSIDE: what is left of it
    look: typing.Any = None         # a function of a captured frame and the pattern, where not the bytes tell
    listen: str = ""                # a way in: the namespace that the listener is in, "main" for the first
    frames: typing.Any = None       # a way in: rig, pattern -> frames that C sends
    hold: str = ""                  # a program that runs during the try: its command
    until: str = "ready"            # and what it says when it has begun to
    outs: typing.Any = None         # a check of its own: rig -> (bool, detail), in place of the capture's


def on_top(name, words, add, delete="ip link del w0", port="w0", setup="", off=True, also="", **more):
    """A device on top of the second card: by its IP stack, and by frames; also: by a command of its own."""
    return Way(name, words, off=off,
               setup=f"{setup}\nip link set eth1 up; {add}; ip addr add 10.4.0.1/24 dev {port}; ip link set {port} up; "
                     f"ip neigh replace 10.4.0.9 lladdr @CMAC@ dev {port} nud permanent",
               attempt=f"rawsend udp 10.4.0.9 9 @P@; rawsend packet {port} @F1@; rawsend bypass {port} @F1@; "
                       f"rawsend hdrincl 10.4.0.9 @I1@{also}",
               undo=delete, **more)


def tunnel(name, words, add, attempt="rawsend udp 10.9.0.9 9 @P@", delete="ip link del w0", setup="", six=False,
           **more):
    """A tunnel from A's own address to C's."""
    address = "-6 addr add fd09::1/64 dev w0 nodad" if six else "addr add 10.9.0.1/24 dev w0"
    return Way(name, words, setup=f"{setup}\n{add} && ip {address} && ip link set w0 up",
               attempt=attempt, undo=delete, **more)
