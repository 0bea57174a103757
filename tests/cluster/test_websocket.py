# SPDX-License-Identifier: Apache-2.0
"""Subscriptions over WebSocket."""

from ledgerd import Ledgerd, WebSocket, b64, tx_hash


def run(checks, directory):
    ledgerd = Ledgerd(directory, "--interval", "20ms").start()
    client, socket = ledgerd.client(), WebSocket(ledgerd.port)

    socket.text({"jsonrpc": "2.0", "id": 0, "method": "subscribe", "params": {"query": "tm.event='NewBlockHeader'"}})
    checks.equal("subscribing is answered", socket.answer(), {"jsonrpc": "2.0", "id": 0, "result": {}})
    done = client.call("broadcast_tx_commit", tx=b64(b"a=1"))
    event = socket.answer()
    while int(event["result"]["data"]["value"]["header"]["height"]) < int(done["height"]):
        event = socket.answer()
    header = client.call("header", height=done["height"])["header"]
    checks.equal("a header comes", event, {"jsonrpc": "2.0", "id": 0, "result": {
        "query": "tm.event='NewBlockHeader'", "events": {"tm.event": ["NewBlockHeader"]},
        "data": {"type": "tendermint/event/NewBlockHeader", "value": {"header": header}}}})

    other = WebSocket(ledgerd.port)
    query = f"tm.event = 'Tx' AND tx.hash = '{tx_hash(b'b=2')}'"
    other.text({"jsonrpc": "2.0", "id": "tx", "method": "subscribe", "params": {"query": query}})
    other.answer()
    other.text({"jsonrpc": "2.0", "id": 5, "method": "subscribe", "params": {"query": "tm.event='NewBlock'"}})
    other.answer()
    client.call("broadcast_tx_commit", tx=b64(b"c=1"))
    client.call("broadcast_tx_commit", tx=b64(b"b=2"))
    got = []
    while not got or got[-1]["id"] != "tx":
        got.append(other.answer())
    result = got[-1]["result"]["data"]["value"]["TxResult"]
    checks.check("one transaction's event comes, and no other's", result["tx"] == b64(b"b=2") and
                 sum(event["id"] == "tx" for event in got) == 1)
    checks.check("and blocks with their transactions", any(b64(b"c=1") in event["result"]["data"]["value"]["block"]
                                                           ["data"]["txs"] for event in got[:-1]))

    other.text({"jsonrpc": "2.0", "id": 6, "method": "subscribe", "params": {"query": "tm.event='NewBlock'"}})
    while "error" not in (answer := other.answer()):
        pass
    checks.equal("twice the same is refused", (answer["id"], answer["error"]["data"]), (6, "already subscribed"))
    other.text({"jsonrpc": "2.0", "id": 7, "method": "subscribe", "params": {"query": "app.creator='x'"}})
    while "error" not in (answer := other.answer()):
        pass
    checks.check("an unknown query is refused", "can be subscribed to" in answer["error"]["data"])
    other.text({"jsonrpc": "2.0", "id": 8, "method": "unsubscribe_all", "params": {}})
    while (answer := other.answer())["id"] != 8:
        pass
    client.call("broadcast_tx_commit", tx=b64(b"d=1"))
    other.text({"jsonrpc": "2.0", "id": 9, "method": "status", "params": {}})
    answer = other.answer()
    checks.check("after unsubscribing nothing comes but answers", answer["id"] == 9 and "sync_info" in answer["result"])

    other.send(9, b"are you there")
    checks.equal("a ping is answered", other.frame(), (10, b"are you there"))
    other.send(1, b'{"jsonrpc":"2.0","id":10,', last=False)
    other.send(9, b"")
    other.send(0, b'"method":"health"}')
    checks.equal("between the pieces of a message, too", other.frame(), (10, b""))
    checks.equal("which is one", other.answer(), {"jsonrpc": "2.0", "id": 10, "result": {}})
    other.send(8, b"\x03\xe8")
    checks.equal("a close is answered", other.frame(), (8, b"\x03\xe8"))

    for words, opcode, data, masked, status in (("an unmasked frame", 1, b"{}", False, 1002),
                                                ("binary data", 2, b"x", True, 1003),
                                                ("a message that is too long", 1, b"x" * 140000, True, 1009)):
        bad = WebSocket(ledgerd.port)
        try:
            bad.send(opcode, data, masked=masked)
        except OSError:
            pass
        checks.equal(f"{words} ends its connection", bad.frame(), (8, status.to_bytes(2, "big")))
        bad.close()
    status, _ = client.request("GET", "/websocket")
    checks.equal("no handshake, no upgrade", status, 400)
    checks.equal("it ends with sockets open", ledgerd.stop(), 0)
