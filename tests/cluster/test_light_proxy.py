# SPDX-License-Identifier: Apache-2.0
"""CometBFT's own light client believes block 1, follows the chain, and proves what it hands on."""

import hashlib

from ledgerd import Ledgerd, LightProxy, RpcError, WebSocket, b64, tx_hash
from process import wait_until


def run(checks, directory):
    ledgerd = Ledgerd(directory, "--interval", "50ms", "--idle", "100ms", state={"from": "genesis"}).start()
    node = ledgerd.client()
    wait_until(lambda: node.tip() >= 30, 60, "thirty blocks")
    proxy = LightProxy(directory, ledgerd, "--sequential")
    light = proxy.client()
    top = node.tip()
    seen = [light.call("commit", height=str(height)) for height in range(1, top + 1)]
    checks.check(f"{top} headers, each checked after the one before", top >= 30 and
                 [s["signed_header"] for s in seen] ==
                 [node.call("commit", height=str(h))["signed_header"] for h in range(1, top + 1)])
    for method in ("header", "validators", "block_results", "consensus_params"):
        checks.equal(f"{method} through the proxy", light.call(method, height="20"), node.call(method, height="20"))
    checks.equal("block through the proxy", light.call("block", height="20")["block"]["header"],
                 node.call("block", height="20")["block"]["header"])

    found = light.call("abci_query", path="/store/sealbond/key", data=b"from".hex())["response"]
    checks.equal("a record with its proof", found["value"], b64(b"genesis"))
    done = light.call("broadcast_tx_commit", tx=b64(b"new=record"))
    found = light.call("abci_query", path="/store/sealbond/key", data=b"new".hex())["response"]
    checks.equal("and one right after its block", (found["value"], found["key"]),
                 (b64(b"record"), b64(hashlib.sha256(b"new").digest())))
    given = light.call("tx", hash=b64(bytes.fromhex(done["hash"])), prove=True)
    checks.check("a transaction with its proof", given["tx"] == b64(b"new=record") and given["hash"] ==
                 tx_hash(b"new=record") and given["height"] == done["height"])
    for i in range(40):
        tx = b"r%d=%d" % (i, i)
        node.call("broadcast_tx_sync", tx=b64(tx))
    last = light.call("broadcast_tx_commit", tx=b64(b"r40=40"))
    got = [light.call("abci_query", path="/store/sealbond/key", data=(b"r%d" % i).hex())["response"]["value"]
           for i in range(41)]
    checks.equal("41 records of one tree", got, [b64(b"%d" % i) for i in range(41)])
    whole = node.call("block", height=last["height"])["block"]["data"]["txs"]
    proofs = [light.call("tx", hash=b64(bytes.fromhex(tx_hash(b"r%d=%d" % (i, i)))), prove=True)["tx"]
              for i in range(41)]
    checks.check("each transaction of a full block with its proof", proofs == [b64(b"r%d=%d" % (i, i))
                                                                               for i in range(41)] and whole)
    try:
        light.call("abci_query", path="/store/sealbond/key", data=b"absent".hex())
        checks.check("what is not there cannot be proven through the proxy", False)
    except RpcError as error:
        checks.check("what is not there cannot be proven through the proxy", "proof" in error.data, error)

    socket = WebSocket(proxy.port)
    socket.text({"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": {"query": "tm.event='NewBlockHeader'"}})
    socket.answer()
    event = socket.answer()["result"]
    checks.equal("headers come through the proxy's subscription", event["data"]["type"],
                 "tendermint/event/NewBlockHeader")
    socket.close()
    ledgerd.stop()
    ledgerd.start()
    node = ledgerd.client()
    wait_until(lambda: node.tip() > top + 30, 60, "blocks after a restart")
    height = str(node.tip())
    checks.equal("and it goes on after a restart", light.call("commit", height=height)["signed_header"],
                 node.call("commit", height=height)["signed_header"])
    checks.check("without a word of doubt", not any(word in proxy.said() for word in
                                                   ("attack", "divergence", "invalid", "conflicting")), proxy.log)
    proxy.stop()
    ledgerd.stop()
