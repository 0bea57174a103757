# SPDX-License-Identifier: Apache-2.0
"""An endpoint in front of a node, which answers otherwise."""

import base64
import http.client
import json
import os
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ledgerd import TOP

FORGE = os.path.join(TOP, "build", "tests", "forge")
OLD = 2


def flip(text):
    """One hex digit of it is another."""
    return ("0" if text[0] != "0" else "1") + text[1:]


class Forger:
    """Signs headers of another state with these validators' keys."""

    def __init__(self, nodes):
        keys = []
        for node in nodes:
            with open(os.path.join(node.comet_home, "config", "priv_validator_key.json"), encoding="utf-8") as file:
                keys.append(base64.b64decode(json.load(file)["priv_key"]["value"]).hex())
        self.lock = threading.Lock()
        self.process = subprocess.Popen([FORGE, *keys], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def sign(self, commit, validators):
        with self.lock:
            self.process.stdin.write(json.dumps({"commit": commit, "validators": validators}) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)


class Liar:
    """On loopback. mode: "honest" or what it does; delay: seconds before each answer."""

    def __init__(self, node, delay=0.0):
        self.host, self.delay, self.mode, self.asked = f"10.99.0.{node.number}", delay, "honest", 0
        self.forger = self.forged_from = None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"liar": self}))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def real(self, question):
        connection = http.client.HTTPConnection(self.host, 26657, timeout=20)
        try:
            connection.request("POST", "/", json.dumps(question), {"Content-Type": "application/json"})
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def call(self, method, **params):
        return self.real({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})["result"]

    def answer(self, question):
        method = question["method"]
        if self.mode == "old" and method in ("commit", "header") and not question["params"].get("height"):
            question = {**question, "params": {"height": str(OLD)}}
        answer = self.real(question)
        result = answer.get("result")
        if result and method == "commit":
            self.change_commit(result)
        if result and method == "abci_query" and self.mode == "proof":
            for op in (result["response"].get("proofOps") or {"ops": []})["ops"]:
                data = bytearray(base64.b64decode(op["data"]))
                data[-1] ^= 1
                op["data"] = base64.b64encode(bytes(data)).decode()
        return answer

    def change_commit(self, result):
        header = result["signed_header"]["header"]
        if self.mode == "chain":
            header["chain_id"] = "another-chain"
        elif self.mode == "header":
            header["app_hash"] = flip(header["app_hash"])
        elif self.mode == "fork" and int(header["height"]) >= self.forged_from:
            validators = self.call("validators", height=header["height"], per_page="100")["validators"]
            result["signed_header"] = self.forger.sign(result, validators)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    liar = None

    def log_message(self, *words):
        pass

    def do_POST(self):
        liar = self.liar
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        liar.asked += 1
        time.sleep(liar.delay)
        if liar.mode == "endless":
            self.endless()
            return
        body = json.dumps(liar.answer(question)).encode()
        if liar.mode == "half":
            body = body[:len(body) // 2]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) * (2 if liar.mode == "cut" else 1)))
        self.end_headers()
        self.wfile.write(body)
        if liar.mode == "cut":
            self.close_connection = True

    def endless(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        try:
            self.wfile.write(b'{"jsonrpc":"2.0","id":0,"result":{"a":"')
            while True:
                self.wfile.write(b"a" * 65536)
        except OSError:
            self.close_connection = True
