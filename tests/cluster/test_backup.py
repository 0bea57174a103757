# SPDX-License-Identifier: Apache-2.0
"""A ledger dies after its backup: it goes on from there, above what it had signed, and nobody sees a fork.

    backup at H        the ledger goes on to H+k, and dies
         └──────── restore ────── gap ────── R, R+1, ...      (the members have signed R)
    who goes on from H+k, too, is caught
"""

import base64
import hashlib
import json
import os
import shutil
import stat
import subprocess

from ledgerd import LightLines, LightProxy, RpcError, first_hash, free_port
from process import wait_until
from test_checkpoint import Node, packed
from test_people import DAEMON, Shell


class Chain:
    """As the light proxy wants it."""

    def __init__(self, node):
        self.port, self.chain, self.node = node.port, "plant", node

    def client(self):
        return self.node.client()


def members_of(shell):
    """As the light client takes them."""
    members = shell.json("member", "list")["members"]
    return packed([one["key"] for one in members["members"]], members["threshold"])


def daemon(*words):
    done = subprocess.run([DAEMON, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stderr


def backups(checks, directory, home, shell):
    """Two of them, one with keys, while the daemon runs; what is wrong is refused."""
    one, keys = os.path.join(directory, "one.sb"), os.path.join(directory, "keys.sb")
    code, _, err = shell.run("ledger", "backup", one, "--home", home)
    checks.check("a backup of a running ledger", code == 0 and "no secret key" in err, err)
    with open(one, "rb") as file:
        bytes_of_one = file.read()
    checks.check("has no secret in it", all(word not in bytes_of_one for word in
                                           (b"priv_key", b"PRIVATE KEY", b"\nsecret ")))
    code, _, err = shell.run("ledger", "backup", keys, "--home", home, "--with-keys")
    checks.check("with keys, which is said", code == 0 and "secret keys, and mode 0600" in err, err)
    checks.equal("and they are for nobody else", stat.S_IMODE(os.stat(keys).st_mode), 0o600)
    checks.check("a backup is never written over", shell.run("ledger", "backup", one, "--home", home)[0] == 1)
    return one, bytes_of_one


def last_signature(client, backup):
    """Of the last block in a backup."""
    for height in range(client.tip(), 0, -1):
        commit = client.call("commit", height=str(height))["signed_header"]["commit"]
        signature = base64.b64decode(commit["signatures"][0]["signature"])
        if signature in backup:
            return signature
    raise RuntimeError("no commit in the backup")


def refused(checks, directory, bytes_of_one, home, signature):
    """Damaged, changed, or into a home that is there."""
    def attempt(words, data, says, where="broken"):
        path = os.path.join(directory, "attempt.sb")
        with open(path, "wb") as file:
            file.write(data)
        code, err = daemon("restore", path, "--home", os.path.join(directory, where))
        checks.check(f"{words} is refused", code != 0 and says in err, err)
        checks.check(f"{words}: nothing is left", not os.path.exists(os.path.join(directory, "broken")) and
                     not os.path.exists(os.path.join(directory, "broken.restoring")))

    def sealed(data):
        return data + hashlib.sha256(data).digest()

    attempt("a backup cut short", bytes_of_one[:-100], "damaged")
    attempt("a damaged one", bytes_of_one[:5000] + bytes([bytes_of_one[5000] ^ 1]) + bytes_of_one[5001:], "damaged")
    at = bytes_of_one.index(b"operator")
    attempt("one with a changed record", sealed(bytes_of_one[:at] + b"0perator" + bytes_of_one[at + 8:-32]),
            "not those that its state's hash commits to")
    at = bytes_of_one.index(signature)
    attempt("one with a changed signature", sealed(bytes_of_one[:at] + bytes(64) + bytes_of_one[at + 64:-32]),
            "no valid signature of its validator")
    attempt("a home that is there", bytes_of_one, "never restored over another one", where=os.path.basename(home))


def lost(checks, shell, member, node):
    """What comes after the backup: a member who will be forgotten. Its transaction's bytes."""
    key = shell.json("member", "key", "--out", "lost.key", "--name", "lost")["public"]
    done = shell.json("member", "add", key, "--name", "lost", *member)
    block = node.client().call("block", height=str(done["height"]))["block"]
    wait_until(lambda: node.client().tip() > done["height"] + 2, 30, "blocks behind it")
    checks.check("a transaction after the backup", len(block["data"]["txs"]) == 1, block["data"])
    return block["data"]["txs"][0]


def goes_on(checks, node, shell, member, tx, last):
    client = node.client()
    wait_until(lambda: client.tip() > last + 100000, 30, "the chain beyond the gap")
    recovery = shell.json("ledger", "show", "recovery")["record"]
    first = int(recovery["resumed"])
    checks.check("it goes on above everything that it had signed", int(recovery["last"]) < last < first, recovery)
    header = client.call("header", height=str(first))["header"]
    before = client.call("commit", height=str(recovery["last"]))["signed_header"]["commit"]["block_id"]["hash"]
    checks.equal("its first block follows the backup's last", header["last_block_id"]["hash"], before)
    try:
        client.call("commit", height=str(last))
        checks.check("what was lost is not there", False)
    except RpcError as error:
        checks.check("what was lost is not there, and is said", "restored from a backup" in error.data, error)
    listed = client.call("blockchain", minHeight="1", maxHeight=str(first))["block_metas"]
    checks.check("lists pass over the gap", listed and listed[0]["header"]["height"] == str(first), listed)
    names = [one.get("name") for one in shell.json("member", "list")["members"]["members"]]
    checks.equal("what was decided after the backup is lost", names, ["operator"])
    again = client.call("broadcast_tx_sync", tx=tx)
    checks.check("and nobody but the member can say it again", again["code"] != 0 and "comes next" in again["log"],
                 again)
    key = shell.json("member", "key", "--out", "new.key", "--name", "new")["public"]
    done = shell.json("member", "add", key, "--name", "new", *member)
    checks.check("the member can", done["proven"], done)
    return first


def same_key(checks, directory, one, old_home, world):
    """With its validator's key: stock clients follow, too."""
    node, shell, member, device, proxy, tx, last = world
    home = os.path.join(directory, "restored")
    code, out, err = shell.run("ledger", "restore", one, "--home", home, "--validator-key",
                               os.path.join(old_home, "validator_key.json"), *member)
    checks.check("it is restored, and signed by the member", code == 0 and "start sealbond-ledgerd" in out, out + err)
    checks.check("what is lost is said", "revocations, approvals" in err, err)
    again = Node(directory, home, node.port).start()
    said = device.ask("sync")
    checks.check("a device that was at the end of the old line follows", said[0] == "ok" and int(said[1]) > last and
                 "checkpoint" not in said, said)
    light = proxy.client()
    tip = again.client().tip()
    checks.equal("so does CometBFT's light client", light.call("commit", height=str(tip))["signed_header"],
                 again.client().call("commit", height=str(tip))["signed_header"])
    checks.check("without a word of doubt", not any(word in proxy.said() for word in
                                                   ("attack", "divergence", "conflicting")), proxy.log)
    first = goes_on(checks, again, shell, member, tx, last)
    again.stop()
    again.start()
    said = device.ask("sync")
    checks.check("it goes on after a restart", said[0] == "ok" and int(said[1]) > first, said)
    return again


def old_line(checks, directory, old_home, again, trust, trust_2):
    """The machine that was given up comes back to life."""
    other = Node(os.path.join(directory), old_home, free_port()).start()
    wait_until(lambda: other.client().tip() > 8, 30, "the old line goes on")
    first = first_hash(again.client())
    urls = f"http://127.0.0.1:{again.port},http://127.0.0.1:{other.port}"
    device = LightLines(urls, "plant", first, trust)

    def caught():
        said = device.ask("sync")
        return said if said[0] == "error" else None

    said = wait_until(caught, 30, "the fork is seen")
    checks.check("a device that meets both lines knows", "ledger-fork" in " ".join(said), said)
    with open(os.path.join(trust, "fork.json"), encoding="utf-8") as file:
        evidence = json.load(file)["blocks"]
    signed = [block["signed_header"]["header"] for block in evidence]
    low, high = sorted(signed, key=lambda header: int(header["height"]))
    checks.check("and keeps both headers, lower and yet later", low["time"] >= high["time"], signed)
    device.close()
    # one that has heard of the old line only, and of the other when the old one is gone again
    late = trust_2 + "-late"
    shutil.copytree(trust_2, late)
    device = LightLines(f"http://127.0.0.1:{other.port}", "plant", first, late)
    checks.equal("a device that hears of the old line alone follows it", device.ask("sync")[0], "ok")
    device.close()
    other.stop()
    # at once, when the restored line may have no later block yet, and when it has
    for words, wanted in (("at once", 0), ("when that one is later", again.client().tip() + 20)):
        shutil.copytree(late, late + "-copy")
        wait_until(lambda: again.client().tip() >= wanted, 30, "later blocks")
        device = LightLines(f"http://127.0.0.1:{again.port}", "plant", first, late + "-copy")
        said = device.ask("sync")
        checks.check(f"and knows {words} as soon as it meets the restored one", "ledger-fork" in " ".join(said), said)
        device.close()
        shutil.rmtree(late + "-copy")


def new_key(checks, directory, one, port, urls, trust, last):
    """Without its validator's key: the members name another validator, and devices take it from them."""
    shell = Shell(directory)
    home = os.path.join(directory, "renewed")
    code, out, err = shell.run("ledger", "restore", one, "--home", home)
    checks.check("it is restored without keys", code == 0 and "Its members sign it" in out, out + err)
    code, err = daemon("run", "--home", home, "--listen", f"127.0.0.1:{port}")
    checks.check("it does not go on before the members have signed", code == 3 and "goes on when its members" in err, err)
    done = shell.json("member", "recovery", os.path.join(home, "recovery"), "--key", "lost.key")
    checks.check("whom the restored ledger does not know does not count", not done["complete"], done)
    code, _ = daemon("run", "--home", home, "--listen", f"127.0.0.1:{port}")
    checks.equal("there, either", code, 3)
    done = shell.json("member", "recovery", os.path.join(home, "recovery"), "--key",
                      os.path.join(directory, "plant", "member.key"))
    checks.check("a member signs", done["complete"] and done["last"] < last < done["resumes"], done)
    node = Node(directory, home, port).start()
    first = first_hash(node.client())
    device = LightLines(urls, "plant", first, trust)
    said = device.ask("sync")
    checks.check("a device comes along by the members' word", said[0] == "ok" and said[4:] == ["checkpoint"] and
                 int(said[1]) >= done["resumes"], said)
    checks.equal("and goes on as ever", device.ask("sync")[0], "ok")
    device.close()
    node.stop()


def stolen(checks, directory, one, port):
    """Nobody else's word will do."""
    home = os.path.join(directory, "stolen")
    daemon("restore", one, "--home", home)
    code, err = daemon("run", "--home", home, "--listen", f"127.0.0.1:{port}")
    checks.check("a thief of a backup has no ledger", code == 3, err)
    path = os.path.join(home, "recovery")
    with open(path, "rb") as file:
        data = bytearray(file.read())
    data[-1:] = b"\x01" + bytes(96)
    with open(path, "wb") as file:
        file.write(data)
    code, err = daemon("run", "--home", home, "--listen", f"127.0.0.1:{port}")
    checks.check("nor with a signature of nobody", code == 3, err)


def run(checks, directory):
    home, port = os.path.join(directory, "plant"), free_port()
    url = f"http://127.0.0.1:{port}"
    Shell(directory).ok("init", "--home", home, "--chain", "plant", "--endpoint", url)
    shell = Shell(directory, os.path.join(home, "ledger.conf"))
    member = ("--key", os.path.join(home, "member.key"))
    node = Node(directory, home, port).start()
    first, trust, trust_2 = first_hash(node.client()), os.path.join(directory, "device"), os.path.join(directory, "other")
    proxy = LightProxy(directory, Chain(node))
    one, bytes_of_one = backups(checks, directory, home, shell)
    tx = lost(checks, shell, member, node)
    device, second = LightLines(url, "plant", first, trust), LightLines(url, "plant", first, trust_2)
    for each in (device, second):
        each.ask("sync")
        checks.check("a device at the end of the line", each.ask("members", members_of(shell))[0] == "ok")
    last = int(second.ask("sync")[1])
    proxy.client().call("commit", height=str(node.client().tip()))
    second.close()
    signature = last_signature(node.client(), bytes_of_one)
    node.process.kill()
    node.process.wait()
    refused(checks, directory, bytes_of_one, home, signature)
    again = same_key(checks, directory, one, home, (node, shell, member, device, proxy, tx, last))
    proxy.stop()
    device.close()
    old_line(checks, directory, home, again, trust, trust_2)
    again.stop()
    new_key(checks, directory, one, port, url, trust_2, last)
    stolen(checks, directory, one, port)
