# SPDX-License-Identifier: Apache-2.0
"""The methods over HTTP: their answers, their errors, their limits."""

import datetime
import glob
import itertools
import json
import os
import socket
import subprocess
import threading

from ledgerd import DAEMON, TOP, Client, Ledgerd, RpcError, b64, tx_hash

VECTORS = os.environ.get("VECTORS") or os.path.join(TOP, "..", "shared", "vectors")


def hash64(tx):
    return b64(bytes.fromhex(tx_hash(tx)))


def error_of(client, method, **params):
    try:
        client.call(method, **params)
    except RpcError as error:
        return error.data
    return None


def shape(value):
    """Names and types; of a list its first member, and nothing where there is none or null."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def differs(got, want, where=""):
    """What of a node's answer ours does not have, or has as another type."""
    if want == "NoneType" or got == "NoneType" or want == [] or got == []:
        return None
    if isinstance(want, dict) and isinstance(got, dict):
        for name in want:
            if name not in got:
                return f"{where}.{name} is missing"
            if differs(got[name], want[name], f"{where}.{name}"):
                return differs(got[name], want[name], f"{where}.{name}")
        return None
    if isinstance(want, list) and isinstance(got, list):
        return differs(got[0], want[0], f"{where}[0]")
    return None if got == want else f"{where}: {got}, not {want}"


def shapes(checks, client, tx):
    """The same names and types as a real node has, where its answers are at hand."""
    asked = {"commit_1": ("commit", {"height": "1"}), "commit_104": ("commit", {"height": "3"}),
             "validators_1": ("validators", {"height": "1", "page": "1", "per_page": "100"}),
             "block_1": ("block", {"height": "1"}), "block_tx": ("block", {"height": "3"}),
             "block_results_1": ("block_results", {"height": "1"}), "header_1": ("header", {"height": "1"}),
             "block_results_104": ("block_results", {"height": "3"}), "blockchain": ("blockchain", {}),
             "status": ("status", {}), "health": ("health", {}), "genesis": ("genesis", {}),
             "genesis_chunked": ("genesis_chunked", {"chunk": "0"}), "abci_info": ("abci_info", {}),
             "consensus_params": ("consensus_params", {}), "net_info": ("net_info", {}),
             "num_unconfirmed_txs": ("num_unconfirmed_txs", {}), "unconfirmed_txs": ("unconfirmed_txs", {}),
             "abci_query": ("abci_query", {"path": "/store/sealbond/key", "data": b"a".hex()}),
             "abci_query_missing": ("abci_query", {"path": "/store/sealbond/key", "data": b"zz".hex()}),
             "tx": ("tx", {"hash": hash64(tx), "prove": True}),
             "tx_search": ("tx_search", {"query": f"tx.hash='{tx_hash(tx)}'", "prove": True})}
    for name, (method, params) in asked.items():
        path = os.path.join(VECTORS, "rpc", f"{name}.json")
        if not glob.glob(path):
            continue
        with open(path, encoding="utf-8") as file:
            want = json.load(file)["result"]
        got = client.call(method, **params)
        # what the example application reports of itself is its own
        listed = [tx["tx_result"] for tx in want.get("txs") or [] if isinstance(tx, dict)]
        for result in [*(want.get("txs_results") or []), *filter(None, [want.get("tx_result")]), *listed]:
            result["events"] = []
        checks.check(f"{name} has a node's names and types", not differs(shape(got), shape(want)),
                     differs(shape(got), shape(want)))


def errors(checks, client):
    tip = client.tip()
    checks.equal("a height that is not there yet", error_of(client, "commit", height="99999"),
                 f"height 99999 must be less than or equal to the current blockchain height {tip}")
    checks.equal("height 0", error_of(client, "block", height="0"), "height must be greater than 0, but got 0")
    checks.equal("a second page", error_of(client, "validators", height="1", page="2"),
                 "page should be within [1, 1] range, given 2")
    checks.equal("the set of the next height", client.call("validators", height=str(tip + 1))["block_height"],
                 str(tip + 1))
    checks.equal("a transaction that is not there", error_of(client, "tx", hash=b64(bytes(32))),
                 f"tx ({'00' * 32}) not found")
    checks.check("a search by anything but a hash", "by their hash only" in
                 (error_of(client, "tx_search", query="tx.height=1") or ""))
    checks.equal("an unknown method", client.post({"jsonrpc": "2.0", "id": 7, "method": "no"}),
                 {"jsonrpc": "2.0", "id": 7, "error": {"code": -32601, "message": "Method not found"}})
    checks.equal("a number that is none", client.post({"jsonrpc": "2.0", "id": 0, "method": "block",
                                                       "params": {"height": "x"}})["error"]["code"], -32602)
    checks.equal("parameters by place", client.post({"jsonrpc": "2.0", "id": 0, "method": "block",
                                                     "params": ["1"]})["error"]["code"], -32602)
    checks.equal("an error over a URI is status 500", client.get("block", height="0")[0], 500)
    checks.equal("an unknown path is status 404", client.request("GET", "/no")[0], 404)
    checks.equal("another HTTP method is status 405", client.request("PUT", "/", "x")[0], 405)


def refused_body(port):
    """The status before any of the body is sent."""
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000001\r\n\r\n")
        return connection.recv(4096).split(b" ")[1]


def bodies(checks, client):
    health = {"jsonrpc": "2.0", "method": "health", "params": {}}
    checks.equal("ids come back as they were", [answer["id"] for answer in client.post(
        [health | {"id": 0}, health | {"id": "a"}, health | {"id": 2 ** 40}])], [0, "a", 2 ** 40])
    checks.equal("a request without an id gets no answer", client.post(health), None)
    checks.equal("ten in a batch", len(client.post([health | {"id": i} for i in range(10)])), 10)
    checks.equal("eleven are too many", client.post([health | {"id": i} for i in range(11)])["error"]["code"], -32600)
    for words, body in (("no JSON", "{"), ("two values", "{} {}"), ("deep nesting", "[" * 50 + "]" * 50),
                        ("nothing", ""), ("a bare number", "5")):
        status, text = client.request("POST", "/", body)
        checks.check(f"{words}: refused", status == 500 and json.loads(text)["error"]["code"] in (-32700, -32600), text)
    checks.equal("a body of more than a million bytes", refused_body(client.port), b"413")
    big = {"jsonrpc": "2.0", "id": 1, "method": "broadcast_tx_sync", "params": {"tx": b64(b"k=" + b"v" * 65535)}}
    checks.equal("a transaction that is too large", client.post(big)["error"]["data"],
                 "Tx too large. Max size is 65536, but got 65537")


def transactions(checks, client, ledgerd):
    done = client.call("broadcast_tx_commit", tx=b64(b"a=1"))
    checks.check("a transaction is committed", done["tx_result"]["code"] == 0 and done["hash"] == tx_hash(b"a=1"))
    height = int(done["height"])
    found = client.call("abci_query", path="/store/sealbond/key", data=b"a".hex(), prove=True)["response"]
    checks.check("what it has set can be proven at once", found["value"] == b64(b"1") and found["proofOps"] and
                 client.tip() > int(found["height"]) >= height)
    checks.equal("it is found by its hash", client.call("tx", hash=b64(bytes.fromhex(done["hash"])))["height"],
                 str(height))
    checks.check("without a proof that nobody asked for",
                 "proof" not in client.call("tx", hash=b64(bytes.fromhex(done["hash"]))))
    checks.equal("by a URI, too", client.get("tx", hash="0x" + done["hash"])[1]["result"]["tx"], b64(b"a=1"))
    # in JSON this is base64 as any, and not hex
    tx = next(tx for tx in (b"x%d=1" % i for i in itertools.count()) if hash64(tx).startswith("0x"))
    client.call("broadcast_tx_commit", tx=b64(tx))
    checks.equal("by a hash whose base64 begins with 0x", client.call("tx", hash=hash64(tx))["tx"], b64(tx))
    checks.equal("the same again is refused", error_of(client, "broadcast_tx_sync", tx=b64(b"a=1")),
                 "tx already exists in cache")
    checks.equal("one that the application refuses",
                 client.call("broadcast_tx_commit", tx=b64(b"x"))["check_tx"]["code"], 2)
    odd = client.call("broadcast_tx_commit", tx=b64(b"odd:a=1"))
    checks.check("one that fails in its block", odd["tx_result"]["code"] == 4 and int(odd["height"]) > height)
    checks.equal("a URI's string is the transaction",
                 client.get("broadcast_tx_commit", tx='"u=1"')[1]["result"]["hash"], tx_hash(b"u=1"))
    many = client.post([{"jsonrpc": "2.0", "id": i, "method": "broadcast_tx_commit",
                         "params": {"tx": b64(b"m%d=1" % i)}} for i in range(3)])
    checks.equal("several in a batch, one after the other", [m["result"]["tx_result"]["code"] for m in many], [0, 0, 0])
    results, threads = [], []
    for i in range(30):
        tx = b64(b"p%d=1" % i)
        threads.append(threading.Thread(target=lambda tx=tx: results.append(
            Client(ledgerd.port).call("broadcast_tx_commit", tx=tx)["height"])))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    checks.check("thirty that wait at once need no thread each", len(results) == 30, results)


def times(checks, client):
    tip = client.tip()
    blocks = [client.call("block", height=str(height))["block"] for height in range(1, tip + 1)]
    commits = [client.call("commit", height=str(height))["signed_header"]["commit"] for height in range(1, tip + 1)]
    checks.check("a block's time is that of the vote for the one before it",
                 all(b["header"]["time"] == c["signatures"][0]["timestamp"] for b, c in zip(blocks[1:], commits)))
    checks.check("its last commit is the one that was served",
                 all(b["last_commit"] == c for b, c in zip(blocks[1:], commits)))
    by_hash = client.call("block_by_hash", hash=b64(bytes.fromhex(commits[0]["block_id"]["hash"])))
    checks.equal("a block by its hash", by_hash["block"], blocks[0])
    checks.equal("a header by its hash", client.call("header_by_hash", hash=commits[1]["block_id"]["hash"])["header"],
                 blocks[1]["header"])
    checks.equal("no block of an unknown hash", client.call("block_by_hash", hash=b64(bytes(32)))["block"], None)


def curl(*arguments):
    return subprocess.run(["curl", "-s", "-g", *arguments], check=False, capture_output=True).stdout


def documented(checks, ledgerd):
    """The examples of docs/ledger.md, with curl."""
    url = f"http://127.0.0.1:{ledgerd.port}"
    body = '{"jsonrpc":"2.0","id":1,"method":"broadcast_tx_commit","params":{"tx":"Y3VybD0x"}}'
    out = curl("-H", "Content-Type: application/json", "-d", body, url)
    checks.equal("curl: POST", json.loads(out)["result"]["tx_result"]["code"], 0)
    out = curl(url + '/abci_query?path="/store/sealbond/key"&data=0x6375726c&prove=true')
    checks.equal("curl: GET", json.loads(out)["result"]["response"]["value"], b64(b"1"))


def transports(checks, directory):
    """A socket in the file system, and TLS."""
    home = os.path.join(directory, "unix")
    os.mkdir(home)
    path = os.path.join(home, "rpc.sock")
    ledgerd = Ledgerd(home, path=path).start()
    checks.equal("over a socket's path", json.loads(curl("--unix-socket", path, "http://x/health"))["result"], {})
    ledgerd.kill()
    ledgerd.start()
    checks.equal("also where a killed one has left its socket",
                 json.loads(curl("--unix-socket", path, "http://x/health"))["result"], {})
    ledgerd.stop()
    checks.check("which goes when it ends", not os.path.exists(path))

    home = os.path.join(directory, "tls")
    os.mkdir(home)
    key, certificate = os.path.join(home, "key.pem"), os.path.join(home, "cert.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key,
                    "-out", certificate], check=True, capture_output=True)
    ledgerd = Ledgerd(home, "--tls-cert", certificate, "--tls-key", key).start()
    checks.equal("over TLS", json.loads(curl("--cacert", certificate, f"https://127.0.0.1:{ledgerd.port}/health"))
                 ["result"], {})
    checks.equal("and not without", curl(f"http://127.0.0.1:{ledgerd.port}/health"), b"")
    ledgerd.stop()


def notified(checks, ledgerd):
    """The service manager hears when it is ready."""
    path = os.path.join(ledgerd.home, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(30)
        os.environ["NOTIFY_SOCKET"] = path
        ledgerd.start()
        checks.equal("READY=1 comes when it listens", manager.recv(100), b"READY=1")
        ledgerd.stop()
        checks.equal("and STOPPING=1 when it ends", manager.recv(100), b"STOPPING=1")
        del os.environ["NOTIFY_SOCKET"]


def clock(checks, directory):
    """A chain that is an hour ahead of this machine's clock: as after a clock that went back."""
    home = os.path.join(directory, "clock")
    os.mkdir(home)
    ledgerd = Ledgerd(home, "--interval", "20ms")
    path = os.path.join(ledgerd.home, "genesis.json")
    with open(path, encoding="utf-8") as file:
        genesis = json.load(file)
    ahead = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    genesis["genesis_time"] = ahead.strftime("%Y-%m-%dT%H:%M:%SZ")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(genesis, file)
    ledgerd.start()
    client = ledgerd.client()
    height = int(client.call("broadcast_tx_commit", tx=b64(b"a=1"))["height"])
    times_of = [client.call("header", height=str(h))["header"]["time"] for h in range(1, height + 1)]
    checks.equal("each block is a millisecond after its predecessor while the clock is behind", times_of,
                 [ahead.strftime("%Y-%m-%dT%H:%M:%S") + (f".{h:03d}".rstrip("0") if h else "") + "Z"
                  for h in range(height)])
    with open(ledgerd.log, encoding="utf-8") as log:
        checks.check("and the log says so", "clock is" in log.read())
    ledgerd.stop()


def limits(checks, ledgerd):
    """One address has no more connections than it may."""
    held, refused = [], 0
    for _ in range(20):
        held.append(socket.create_connection(("127.0.0.1", ledgerd.port), 10))
        held[-1].sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            refused += held[-1].recv(4096) == b""
        except ConnectionResetError:
            refused += 1
    checks.check("connections of one address are bounded", refused == 20 - 12, refused)
    for connection in held:
        connection.close()


def run(checks, directory):
    ledgerd = Ledgerd(directory, "--interval", "20ms", "--per-address", "64", state={"genesis": "yes"}).start()
    client = ledgerd.client()
    checks.check("the genesis' state can be proven",
                 client.call("abci_query", path="/store/sealbond/key", data=b"genesis".hex(),
                             prove=True)["response"]["proofOps"])
    transactions(checks, client, ledgerd)
    shapes(checks, client, b"a=1")
    errors(checks, client)
    bodies(checks, client)
    documented(checks, ledgerd)
    times(checks, client)
    before = client.call("commit", height="5")
    checks.equal("it ends when it is asked to", ledgerd.stop(), 0)
    ledgerd.options[-1] = "12"
    ledgerd.start()
    checks.equal("the same chain after a restart", ledgerd.client().call("commit", height="5"), before)
    limits(checks, ledgerd)
    ledgerd.stop()
    transports(checks, directory)
    clock(checks, directory)
    os.unlink(os.path.join(ledgerd.home, "validator_state.json"))
    try:
        ledgerd.start()
        checks.check("without validator_state.json it does not start", False)
    except RuntimeError as error:
        checks.check("without validator_state.json it says what to do", "recover-signer" in str(error), error)
        checks.equal("and that it is for a person, by its exit code", ledgerd.process.returncode, 3)
    subprocess.run([DAEMON, "recover-signer", "--home", ledgerd.home], check=True, stderr=subprocess.DEVNULL)
    ledgerd.start()
    checks.equal("which it is, and the chain goes on", ledgerd.client().call("commit", height="5"), before)
    ledgerd.stop()
    notified(checks, ledgerd)
