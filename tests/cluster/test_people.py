# SPDX-License-Identifier: Apache-2.0
"""People's commands as programs: a new ledger, its members, zones and records with their proofs."""

import json
import os
import shutil
import stat
import subprocess

from ledgerd import TOP, free_port
from process import end, spawn, wait_until

SEALBOND = os.path.join(TOP, "build", "sealbond")
DAEMON = os.path.join(TOP, "build", "sealbond-ledgerd")


class Shell:
    def __init__(self, directory, ledger=None):
        self.directory, self.ledger = directory, ledger

    def program(self):
        return [SEALBOND]

    def run(self, *words):
        """Exit code, stdout and stderr."""
        environment = dict(os.environ)
        environment.pop("SEALBOND_LEDGER", None)
        if self.ledger:
            environment["SEALBOND_LEDGER"] = self.ledger
        done = subprocess.run([*self.program(), *words], cwd=self.directory, env=environment, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False)
        return done.returncode, done.stdout, done.stderr

    def ok(self, *words):
        code, out, err = self.run(*words)
        if code:
            raise RuntimeError(f"sealbond {' '.join(words)}: {code}: {err}{out}")
        return out

    def json(self, *words):
        return json.loads(self.ok(*words, "--json"))


def mistakes(checks, directory):
    """What is wrong is said on stderr, with what to do; the code says whose mistake it was."""
    shell = Shell(directory)
    cases = (
        (("member",), 2, "usage: sealbond member key"),
        (("membr",), 2, "did you mean member?"),
        (("device", "aprove", "x"), 2, "did you mean approve?"),
        (("device", "list"), 2, "--ledger FILE"),
        (("device", "list", "--ledger", "none"), 2, "sealbond init"),
        (("ledger", "show", "devise", "x"), 2, "did you mean device?"),
        (("init", "--home", "home"), 2, "usage: sealbond init"),
        (("init", "--home", "home", "--chain", "c" * 51, "--dry-run"), 2, "1 to 50 characters"),
        (("init", "--home", "home", "--config"), 1, "home/genesis.json"),
        (("owner", "key", "--out", "no/where"), 1, "No such file"),
    )
    for words, code, says in cases:
        got, _, err = shell.run(*words)
        checks.check(f"sealbond {' '.join(words)[:40]}: {code}", got == code and says in err, f"{got}: {err}")
    for name, text, says in (("chain", "[ledger]\nchian = x\n", "broken.conf:2: "),
                             ("hash", "[ledger]\nchain = x\nendpoints = http://127.0.0.1:1\ntrust_hash = 12\n",
                              "64 hex digits"),
                             ("lack", "[ledger]\nchain = x\n", "trust_hash are needed")):
        path = os.path.join(directory, "broken.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        got, _, err = shell.run("device", "list", "--ledger", path)
        checks.check(f"a description with a wrong {name} is named", got == 2 and says in err, err)
    genesis = os.path.join(directory, "genesis.json")
    with open(genesis, "w", encoding="utf-8") as file:
        json.dump({"parameters": {"lease": 86400}, "members": [{"wieght": 1}]}, file)
    _, _, err = shell.run("init", "--home", "home", "--chain", "c", "--genesis", genesis, "--dry-run")
    checks.check("a genesis' mistake is named by its place", "members[0].wieght" in err, err)
    got, out, _ = shell.run("member", "--json")
    checks.check("with --json the error is an object, too", json.loads(out)["exit"] == 2 and got == 2, out)
    checks.check("nothing was made", not os.path.exists(os.path.join(directory, "home")))


def keys(checks, directory):
    shell = Shell(directory)
    shell.ok("owner", "key", "--out", "owner.key", "--name", "north")
    path = os.path.join(directory, "owner.key")
    checks.equal("a key's file is its owner's only", stat.S_IMODE(os.stat(path).st_mode), 0o600)
    checks.equal("a key is never written over", shell.run("owner", "key", "--out", "owner.key")[0], 1)
    with open(os.path.join(directory, "words"), "w", encoding="utf-8") as file:
        file.write("correct horse battery\n")
    os.chmod(os.path.join(directory, "words"), 0o600)
    shell.ok("owner", "key", "--out", "locked.key", "--passphrase-file", "words")
    with open(os.path.join(directory, "locked.key"), encoding="utf-8") as file:
        text = file.read()
    checks.check("with a passphrase the secret is sealed", "argon2id" in text and "\nsecret " not in text, text)


def ledger(checks, directory):
    home = os.path.join(directory, "plant")
    port = free_port()
    shell = Shell(directory)
    out = shell.ok("init", "--home", home, "--chain", "plant", "--endpoint", f"http://127.0.0.1:{port}")
    checks.check("init says what solo means, and what comes next",
                 "decides alone" in out and "sealbond-ledgerd run" in out, out)
    checks.equal("a ledger is not made over another", shell.run("init", "--home", home, "--chain", "plant")[0], 1)
    config = shell.ok("init", "--home", home, "--config")
    checks.check("devices are told chain, trust and endpoint",
                 "chain = plant" in config and "trust_hash = " in config and f":{port}" in config, config)
    process = spawn([DAEMON, "run", "--home", home, "--listen", f"127.0.0.1:{port}", "--interval", "20ms",
                     "--idle", "200ms"], os.path.join(directory, "node.log"))
    try:
        said = Shell(directory, os.path.join(home, "ledger.conf"))
        wait_until(lambda: said.run("ledger", "status")[0] == 0, 30, "the ledger answers")
        people(checks, said, home)
    finally:
        end(process, 20)


def people(checks, shell, home):
    member = ("--key", os.path.join(home, "member.key"))
    status = shell.json("ledger", "status")
    checks.check("its state is proven and solo", status["solo"] and status["height"] > 0, status)
    record = shell.json("ledger", "show", "parameters")
    checks.check("a record comes with its proof", record["proven"] and record["record"]["lease"] == 86400, record)
    key = shell.json("member", "key", "--out", "bea.key", "--name", "bea")["public"]
    before = shell.json("ledger", "status")["height"]
    dry = shell.json("member", "add", key, "--name", "bea", *member, "--dry-run")
    checks.check("a dry run says what would be said",
                 dry["body"]["propose"]["changes"][0]["member"]["name"] == "bea", dry)
    added = shell.json("member", "add", key, "--name", "bea", *member)
    checks.check("and the same without it is in a block, proven", added["proven"] and added["height"] > before, added)
    names = [one.get("name") for one in shell.json("member", "list")["members"]["members"]]
    checks.check("there are two members", sorted(names) == ["bea", "operator"], names)
    said = shell.ok("member", "add", key, "--name", "bea", "--weight", "2", *member)
    checks.check("and whether it was decided", "Decided: it is so from now on" in said, said)
    said = shell.ok("member", "threshold", "3", *member)
    checks.check("as long as one alone decides it is", "Decided" in said, said)
    # both have to agree from now on
    said = shell.ok("member", "threshold", "1", *member)
    vote = said.split("member vote ")[-1].split()[0]
    checks.check("then it is not, and how another votes is said", "Not decided" in said and len(vote) == 64, said)
    shell.ok("member", "vote", vote, "--key", "bea.key")
    code, _, err = shell.run("member", "threshold", "9", *member)
    checks.check("nobody decides more than there is", code == 1 and "last-members" in err, err)
    shell.ok("zone", "key", "--out", "cell.key", "--name", "cell 4")
    shell.ok("zone", "create", "--zone", "cell.key", *member)
    zone = shell.json("zone", "show", "--zone", "cell.key")
    checks.check("a zone opens with its key", zone["name"] == "cell 4" and zone["devices"] == [], zone)
    with open(os.path.join(shell.directory, "inventory"), "w", encoding="utf-8") as file:
        file.writelines(f"{number:064x}\n" for number in range(1, 10001))
    _, _, err = shell.run("enroller", "import", "inventory", "--key", os.path.join(home, "enroller.key"))
    checks.check("an inventory of 10,000 with its progress", "10000 of 10000" in err, err)
    counters = shell.json("ledger", "show", "counters")["record"]
    checks.equal("all of it is there", counters.get("known_keys"), 10000)
    checks.equal("no device yet", shell.json("device", "list")["devices"], [])
    checks.equal("no incident either", shell.json("incident", "list")["incidents"], [])


def run(checks, directory):
    mistakes(checks, directory)
    keys(checks, directory)
    checks.check("there is a daemon to try the rest with", shutil.which(DAEMON), DAEMON)
    if shutil.which(DAEMON):
        ledger(checks, directory)
