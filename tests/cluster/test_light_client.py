# SPDX-License-Identifier: Apache-2.0
"""The devices' own light client follows the chain, proves records and their absence, hands transactions in."""

import os

from ledgerd import Ledgerd, LightLines, b64, first_hash, tx_hash


def follower_of(ledgerd, directory):
    where = f"unix:{ledgerd.path}" if ledgerd.path else f"http://127.0.0.1:{ledgerd.port}"
    return LightLines(where, ledgerd.chain, first_hash(ledgerd.client()), directory)


def run(checks, directory):
    ledgerd = Ledgerd(directory, "--interval", "20ms", "--idle", "200ms", state={"from": "genesis"}).start()
    node, follower = ledgerd.client(), follower_of(ledgerd, os.path.join(directory, "trust"))
    synced = follower.ask("sync")
    checks.check("it follows", synced[0] == "ok" and int(synced[1]) >= 2, synced)
    checks.equal("a record of the genesis", follower.ask("query", b"from")[2:], [b"genesis".hex()])
    absent = follower.ask("query", b"not there")
    checks.equal("what is not there is proven, too", absent[2:], ["none"])
    given = follower.ask("submit", b"mine=1")
    checks.equal("a transaction is handed in, and its block proven", given[2:], ["0", "proven"])
    checks.equal("where the node says that it is", given[1],
                 node.call("tx", hash=b64(bytes.fromhex(tx_hash(b"mine=1"))))["height"])
    checks.equal("its record is there at once", follower.ask("query", b"mine")[2:], [b"1".hex()])
    checks.equal("one that fails in its block", follower.ask("submit", b"odd:x=1")[2:], ["4", "proven"])
    refused = follower.ask("submit", b"nonsense")
    checks.equal("one that is refused", refused[:3], ["ok", "0", "2"])
    for i in range(60):
        node.call("broadcast_tx_sync", tx=b64(b"n%d=%d" % (i, i)))
    node.call("broadcast_tx_commit", tx=b64(b"last=1"))
    got = [follower.ask("query", b"n%d" % i)[2:] for i in range(60)]
    checks.equal("sixty records of one tree", got, [[(b"%d" % i).hex()] for i in range(60)])
    checks.equal("and sixty that are not in it", [follower.ask("query", b"m%d" % i)[2:] for i in range(60)],
                 [["none"]] * 60)
    ledgerd.kill()
    ledgerd.start()
    again = follower.ask("sync")
    checks.check("it goes on after a kill -9", again[0] == "ok" and int(again[1]) > int(given[1]), again)
    checks.equal("and ends", follower.close(), 0)
    ledgerd.stop()
