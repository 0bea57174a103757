# SPDX-License-Identifier: Apache-2.0
"""The ways from a to b that are compared: each sets itself up, is measured, and takes itself down."""

from rig import INNER_MTU, OTHER, OUTER

WIREGUARD_PORT = 51820
ENCAP_PORT = 4500
REPLAY_WINDOW = 2048
# for the bare SAs of this bench only
KEY = "0x" + "5a" * 36
SPI = {"a": "0x1001", "b": "0x1002"}
IDS = {"a": "bench-a", "b": "bench-b"}


class Clear:
    number = 0

    def up(self, rig):
        pass

    def target(self, rig):
        return OUTER["b"]

    def down(self, rig):
        pass


class Tunnel:
    number = 0

    def target(self, rig):
        return rig.address(self.number, "b")


class WireGuard(Tunnel):
    """As the kernel has it; MTU 1420 is its default over 1500."""
    number = 1

    def up(self, rig):
        rig.run("modprobe wireguard")
        public = {}
        for name in OUTER:
            rig.run(f"ip -n {name} link add wg0 type wireguard; wg genkey > /tmp/{name}.key")
            public[name] = rig.out(f"wg pubkey < /tmp/{name}.key")
        for name, other in OTHER.items():
            rig.ns(name, f"wg set wg0 private-key /tmp/{name}.key listen-port {WIREGUARD_PORT} peer {public[other]} "
                         f"allowed-ips {rig.address(self.number, other)}/32 "
                         f"endpoint {OUTER[other]}:{WIREGUARD_PORT}")
            rig.add_address(self.number, name, "wg0")

    def down(self, rig):
        for name in OUTER:
            rig.run(f"ip -n {name} link del wg0")


class BareEsp(Tunnel):
    """The same kind of SAs over an xfrm interface, without the module: rfc4106(gcm(aes)) with a 256-bit key
    and a 16-byte tag, tunnel mode, ESN, a replay window of 2048, esp4_offload loaded first."""

    def __init__(self, encap):
        self.encap = encap
        self.number = 3 if encap else 2
        self._sockets = []

    def up(self, rig):
        rig.run("modprobe esp4; modprobe esp4_offload; modprobe xfrm_interface; modprobe xfrm_user")
        encap = f"encap espinudp {ENCAP_PORT} {ENCAP_PORT} 0.0.0.0" if self.encap else ""
        for name, other in OTHER.items():
            rig.run(f"ip -n {name} link add esp0 type xfrm dev veth0 if_id 7")
            rig.add_address(self.number, name, "esp0")
            for source, target, direction in ((name, other, "out"), (other, name, "in")):
                ends = f"src {OUTER[source]} dst {OUTER[target]}"
                rig.run(f"ip -n {name} xfrm state add {ends} proto esp spi {SPI[source]} reqid 7 mode tunnel "
                        f"aead 'rfc4106(gcm(aes))' {KEY} 128 replay-window {REPLAY_WINDOW} "
                        f"flag esn af-unspec {encap} if_id 7")
                rig.run(f"ip -n {name} xfrm policy add src {rig.address(self.number, source)} "
                        f"dst {rig.address(self.number, target)} dir {direction} "
                        f"tmpl {ends} proto esp reqid 7 mode tunnel if_id 7")
            if self.encap:
                socket = rig.guest.start(f"ip netns exec {name} sbctl udp-encap port={ENCAP_PORT}")
                socket.expect("ready")
                self._sockets.append(socket)

    def down(self, rig):
        for name in OUTER:
            rig.run(f"ip -n {name} xfrm policy flush; ip -n {name} xfrm state flush; "
                    f"ip -n {name} link del esp0")
        for socket in self._sockets:
            socket.stop()


class Sealbond(Tunnel):
    """Bonds of the module, enforcing. Both namespaces have keys of the one TPM."""

    def __init__(self, encap):
        self.encap = encap
        self.number = 5 if encap else 4

    def up(self, rig):
        mode = "always" if self.encap else "auto"
        for name, other in OTHER.items():
            rig.run(f"ip -n {name} link show sb0 >/dev/null 2>&1 || "
                    f"ip -n {name} link add sb0 type xfrm dev veth0 if_id 9")
            rig.add_address(self.number, name, "sb0")
            rig.ns(name, f"sbctl local id={IDS[name]} chain=bench dev=sb0 if_id=9 "
                         f"v4={rig.address(self.number, name)} encap={mode} alg=aes")
        for name, other in OTHER.items():
            rig.ns(name, f"sbctl peer id={IDS[other]} key={rig.keys[other]} lease=86400000 "
                         f"v4={rig.address(self.number, other)} endpoint={OUTER[other]},7454")
        rig.ns("a", f"sbctl start id={IDS['b']} wait=60000")
        rig.ns("b", f"sbctl wait-live id={IDS['a']} timeout=60000")
        bond = rig.ns("a", f"sbctl getpeer id={IDS['b']}").out
        if f"encap={int(self.encap)} " not in bond or "alg=1 " not in bond:
            raise RuntimeError(f"not the bond that was asked for: {bond}")

    def down(self, rig):
        for name in OUTER:
            rig.ns(name, "sbctl delpeer all")
            rig.run(f"ip -n {name} addr del {rig.address(self.number, name)}/24 dev sb0")


def load_module(rig):
    """Inserts the module and makes a bond key in each namespace."""
    rig.run("modprobe sealbond")
    for name in OUTER:
        text = rig.ns(name, "sbctl key pcrs=7 cap=14").out
        rig.keys[name] = dict(word.split("=", 1) for word in text.split())["key"]


def mode(rig, which):
    rig.run(f"sbctl mode {which}")


__all__ = ["BareEsp", "Clear", "INNER_MTU", "Sealbond", "WireGuard", "load_module", "mode"]
