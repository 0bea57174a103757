# SPDX-License-Identifier: Apache-2.0
"""Out within what exceptions let pass: how much, measured against the budgets that SECURITY.md names."""

from ways.way import OUTSIDE, Way

SECOND_OF_BURST = 1
ROUNDS = 400


def within(packets, octets):
    """A check that no more left than the budget allows for the time that it took, with a second's worth saved up."""
    def outs(rig, _sent, _heard, _out):
        frames, seconds = rig.measured
        size = sum(len(f.data) for f in frames)
        most = (seconds + SECOND_OF_BURST) * packets + 1
        rig.t.note(f"{len(frames)} frames, {size} bytes in {seconds:.1f} s; the budget: {packets} frames, "
                   f"{octets} bytes a second")
        return 0 < len(frames) <= most and size <= (seconds + SECOND_OF_BURST) * octets + 65536, (len(frames), most, size)
    return outs


def smuggle(name, words, attempt, packets=100, octets=128 * 1024, **more):
    return Way("smuggle-" + name, words, attempt=attempt, outs=within(packets, octets), holds=OUTSIDE,
               left=f"at most {packets} packets and {octets // 1024} KiB a second", **more)


def big(frame):
    """A payload of 1,200 bytes."""
    return frame + "@P@" * 16


WAYS = [
    smuggle("arp", "ARP look-ups whose addresses are data", "n=3; while [ $n -lt 250 ]; do "
            "test $n = 99 || echo neigh replace 10.0.0.$n dev eth0 use; n=$((n + 1)); done | ip -force -batch -",
            look=lambda f, _: f.kind == "arp"),
    smuggle("nd", "neighbour discovery whose options are data", f"waysend 58 @C6@ 0 8700000000000000{'00' * 16}"
            f"{'@P@' * 16} ttl=255 count={ROUNDS}"),
    smuggle("dhcp4", "DHCP whose content is data", f"waysend udp @C4@ 67 {'@P@' * 16} from=68 count={ROUNDS}"),
    smuggle("dhcp6", "DHCPv6 whose content is data", f"waysend udp @C6@ 547 {'@P@' * 16} from=546 count={ROUNDS}"),
    smuggle("named", "a named exception whose content is data", f"waysend udp @C4@ @PROBE@ {'@P@' * 16} "
            f"count={ROUNDS}", packets=50),
    smuggle("icmp-error", "an ICMP error that quotes a packet of the bond, with data behind it",
            f"waysend 1 @C4@ 0 0301fcfe00000000$(printf '4500003c0000400040320000%02x%02x%02x%02x%02x%02x%02x%02x' "
            f"10 0 0 2 10 0 0 1)$(printf %08x @SPIIN@)00000001{'@P@' * 16} count={ROUNDS}"),
]
