# SPDX-License-Identifier: Apache-2.0
"""The helper in an attacker's hands, with the machines of ledger.py: root on A has ended it and speaks to the kernel and to
the ledger itself. Whom the ledger does not admit is not admitted.

    A ──┐
    B ──┼── switch
    L ──┘
"""

import heard
from grant import DEVICE, DURATION, FLAGS, HOLDER, KEY, NONCE, Operator, edited
from plant import ADDRESS, CHAIN, PORT

LAB = "ledger"

HOUR_MS = 3600_000


def admit(a, grant):
    a.guest.put(grant, "/tmp/try.grant")
    return a.cli("grant admit /tmp/try.grant", check=False)


def refused(t, words, a, grant, text):
    r = admit(a, grant)
    t.check(f"refused: {words}", r.code == 1 and text in r.out, r)


def nonce_for(a, device):
    return bytes.fromhex(a.cli(f"grant request {device}").out.strip())


def ask_node(ledger, request):
    """As `sealbondd` does, from another machine of the attacker's: the node's grant, or its words."""
    url = f"http://{ADDRESS}:{PORT}/abci_query?path=\"/grant\"&data=0x{request.hex()}"
    return heard.in_answer(ledger.guest.out(f"wget -q -O - '{url}'"))


def with_nonce(request, nonce):
    """A request that A has sent before, with another nonce: its field is the third, with 16 bytes."""
    at = request.index(b"\x1a\x10") + 2
    return edited(request, at, nonce)


def test_heard(lab, t):
    a, b = lab.plant["a"], lab.plant["b"]
    t.must("root on A has heard the grant about B", heard.grants(a.guest.nics[0].capture))
    lab.heard = {"grant": heard.last_grant(a.guest.nics[0].capture, a.id, b.id),
                 "request": heard.last_request(a.guest.nics[0].capture, a.id, b.id),
                 "of_b": heard.last_grant(b.guest.nics[0].capture, b.id, a.id)}
    a.stop(9)
    t.check("the helper is gone, the bond is not", a.ping(lab.plant["inner"][b]))


def test_self_made(lab, t):
    a, b = lab.plant["a"], lab.plant["b"]
    operator = Operator(lab.directory)
    stanza = {"stanza": b.identity(), "id": b.id}
    own = operator.grant(stanza, {"id": a.id}, "--nonce", nonce_for(a, b.id).hex(), keys=("stranger",), chain=CHAIN,
                         duration="24h")
    refused(t, "a grant by its own key", a, own, "too few")
    r = a.guest.run(f"sbctl peer id=x key={'00' * 31}09 lease={HOUR_MS} v4=10.77.0.9", check=False)
    t.check("refused: a peer without any grant", r.code == 1 and "SET_GRANT" in r.out, r)


def test_edited(lab, t):
    a, b, good = lab.plant["a"], lab.plant["b"], lab.heard["grant"]
    stranger = bytes(31) + b"\x09"
    nonce = nonce_for(a, b.id)
    for words, grant in (("a node's grant with a longer duration", edited(good, DURATION, (30 * 24 * HOUR_MS).to_bytes(8, "big"))),
                         ("without its quarantine or with it", edited(good, FLAGS, bytes([good[FLAGS] ^ 1]))),
                         ("for another device", edited(good, DEVICE, stranger)),
                         ("for another bond key", edited(good, KEY, stranger)),
                         ("with a fresh nonce of the kernel's", edited(good, NONCE, nonce)),
                         ("B's grant about A, with A as its holder", edited(lab.heard["of_b"], HOLDER, bytes.fromhex(a.id)))):
        refused(t, words, a, grant, "not valid")


def test_replayed(lab, t):
    a, b = lab.plant["a"], lab.plant["b"]
    refused(t, "a node's grant once more", a, lab.heard["grant"], "no request")
    nonce_for(a, b.id)
    refused(t, "the same while another request waits", a, lab.heard["grant"], "no request")
    refused(t, "B's grant, shown by A", a, lab.heard["of_b"], "another holder")


def test_asks_itself(lab, t):
    """What the ledger grants to A, root on A gets as well; and no more than that."""
    ledger, a, b = (lab.plant[name] for name in ("ledger", "a", "b"))
    grant, why = ask_node(ledger, with_nonce(lab.heard["request"], nonce_for(a, b.id)))
    t.must("a node signs for root on A what it signs for A", grant, why)
    r = admit(a, grant)
    t.check("which the kernel takes", r, r)
    refused(t, "and takes once", a, grant, "no request")
    ledger.owner(f"device suspend {b.id}")
    before = a.ask("peers")["peers"][0]["lease_ms"]
    grant, why = ask_node(ledger, with_nonce(lab.heard["request"], nonce_for(a, b.id)))
    t.check("for a device that its owner has suspended no node signs", grant is None and "no lease" in why, why)
    after = a.ask("peers")["peers"][0]["lease_ms"]
    t.check("so that what the kernel was granted only gets shorter", after <= before, (before, after))
    ledger.owner(f"device resume {b.id}")
    t.check("it comes back when it is resumed", b.wait_lease("lease-live"), b.why())


def test_helper_back(lab, t):
    a, b = lab.plant["a"], lab.plant["b"]
    a.start()
    t.must("the helper is back: a live lease", a.wait_lease("lease-live"), a.why())
    t.must("and a bond", a.wait_bond(120) and b.wait_bond(120), a.ask("status"))
    r = a.ping(lab.plant["inner"][b])
    t.check("traffic flows", r, r)


def test_revoked(lab, t):
    ledger, a, b = (lab.plant[name] for name in ("ledger", "a", "b"))
    ledger.owner(f"device revoke {b.id}")
    t.check("a revoked device is no peer any more", a.wait_no_peer(60), a.ask("peers"))
    r = a.ping(lab.plant["inner"][b])
    t.check("nothing passes", not r, r)
    t.check("it knows itself", b.wait_lease("revoked"), b.why())
    a.stop(9)
    grant, why = ask_node(ledger, with_nonce(lab.heard["request"], nonce_for(a, b.id)))
    t.check("and no node signs for root on A what would bring it back", grant is None and "no lease" in why, why)
    refused(t, "the last grant that there was", a, lab.heard["grant"], "no request")
    t.check("A has no peer", a.ask("peers")["peers"] == [], a.ask("peers"))
