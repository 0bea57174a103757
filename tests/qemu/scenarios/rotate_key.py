# SPDX-License-Identifier: Apache-2.0
"""The bond key of A gives way to its next one, under traffic; B learns of it later, before, or much later.

    A ── switch ── B        A's TPM is watched on its bus
"""

import json

import bonded
import device
from device import PEERS_PATH, Device, Numbers, make_release_key
from process import wait_until

MINUTES = 5
BLOBS = "/var/lib/sealbond/key-current.blob", "/var/lib/sealbond/key-next.blob"
# what of a peer shows that its bond was not touched
SAME = ("bond", "epoch", "spi_in", "spi_out", "handshakes")
HANDSHAKE_INITIATION, HANDSHAKE_RESPONSE = 1, 2
TPM_COMMANDS_MAX = 20
READ_CLOCK, PCR_READ = 0x181, 0x17E

plant = {}


def keys(d):
    """(current, next, old) as `sealbond key` has them; None for none."""
    told = d.ask("key")
    return tuple(told.get(name) for name in ("key_current", "key_next", "key_old"))


def blob_key(d, number):
    """The public key in one of the files, or None where there is no file."""
    r = d.cli(f"key export --out /tmp/export --blob {BLOBS[number]} --json", check=False)
    return json.loads(r.out)["key"] if r else None


def tell(d, name, key):
    """The peer's key in d's peers file, and the helper reads it."""
    stanza = f"/peer {name}/,/^\\[/"
    d.guest.run(f"sed -i '{stanza}s/^key = .*/key = {key}/' {PEERS_PATH}")
    d.cli("reload")


def wait_epoch(d, name, after, timeout=60):
    return wait_until(lambda: (lambda p: p and p["bond"] == "live" and p["epoch"] > after and p)(d.peer(name)),
                      timeout, f"an epoch of {name} after {after}", 0.2)


def again(d, name):
    """New traffic keys now, asked for on d; returns when they are there."""
    before = d.peer(name)["epoch"]
    d.cli(f"rotate {name}")
    return wait_epoch(d, name, before)


def boot(a):
    a.cable()
    a.install(plant["public"])
    a.start()
    assert a.wait_state("keys-ready", timeout=120) == "keys-ready", a.ask("key")


def test_start(lab, t):
    plant["private"], plant["public"] = make_release_key(lab.directory)
    files = {**device.TOOLS, **bonded.TOOLS}
    guests = lab.boot(lab.guest("a", tpm=lab.tpm("a", wire=True), files=files), lab.guest("b", files=files))
    a, b = plant["a"], plant["b"] = [Device(g, n + 1) for n, g in enumerate(guests)]
    for d in (a, b):
        d.cable()
        d.install(plant["public"])
        d.start()
    for d in (a, b):
        t.must("keys are made", d.wait_state("keys-ready", timeout=180) == "keys-ready", d.ask("key"))
        d.guest.wait_for("sealbond identity", timeout=60)
    a.guest.put(plant["private"], "/tmp/release.pem")
    t.must("A's boot is approved", a.cli("release approve --key /tmp/release.pem"))
    a.peer_of(b)
    b.peer_of(a)
    for d in (a, b):
        d.cli("reload")
    t.must("they are bonded", a.wait_bond(60) and b.wait_bond(60))
    a.guest.wait_for("sealbond key --json | grep -q '\"stored\":true'")


def test_told_later(lab, t):
    a, b = plant["a"], plant["b"]
    current, following, _ = keys(a)
    before, wire = a.peer("b"), a.guest.tpm.wire
    numbers, back = Numbers(a, b, 5001), Numbers(b, a, 5002)
    monitor, mark = a.monitor(), len(wire.exchanges)
    r = a.cli("key rotate", check=False)
    t.must("the key is rotated, and the tool says to which", r and following in r.out, r)
    # The watch asks for the clock and the PCRs, whatever else goes on.
    codes = [code for code in wire.codes(mark) if code not in (READ_CLOCK, PCR_READ)]
    t.check("without one TPM command", not codes, [hex(code) for code in codes])
    t.check("the next key is the current one, the old one still answers", keys(a) == (following, None, current), keys(a))
    t.check("identity gives the new one to others", a.ask("identity")["key"] == following)
    r = a.cli("key", check=False)
    t.check("key shows all three", all(w in r.out for w in (current, following, "the following boot makes one")), r)
    t.check("the next key's file has taken the current one's place", blob_key(a, 0) == following and not blob_key(a, 1))
    wait_until(lambda: '"event":"key"' in monitor.out, 10, "the event", 0.1)
    monitor.stop()
    r = a.cli("key rotate", check=False)
    t.check("there is no other one in this boot, in words", r.code == 1 and "the following boot makes one" in r.out, r)
    now = a.peer("b")
    t.check("the bond has not noticed", all(now[k] == before[k] for k in SAME), (before, now))

    a_epoch = again(a, "b")
    t.check("B, who was told nothing, is asked by A and answers (by the old key)", a_epoch["bond"] == "live")
    again(b, "a")
    t.check("and asks A, who answers to the old key", True)
    log = b.helper.out
    before = b.peer("a")
    tell(b, "a", following)
    t.check("told the new key, B keeps the bond", "bond with a ended" not in b.helper.out[len(log):], b.helper.out[-2000:])
    wait_epoch(b, "a", before["epoch"])
    t.check("and makes new traffic keys by it", b.peer("a")["key"] == following, b.peer("a"))
    again(a, "b")
    again(b, "a")
    for words, stream in (("A to B", numbers), ("B to A", back)):
        sent, lost, detail = stream.end()
        t.check(f"{words}: of {sent} numbered packets meanwhile 0 lost", sent > 100 and lost == 0, detail)
    plant["keys"] = current, following


def answers(a, b, kind, since):
    """A's handshake messages of one kind to B on the wire."""
    return [f for f in a.guest.nics[0].capture.frames(since)
            if f.kind == "handshake" and f.src == a.wire4 and f.payload[4] == kind]


def test_end_of_overlap(lab, t):
    a, b = plant["a"], plant["b"]
    old, new = plant["keys"]
    before = b.peer("a")
    tell(b, "a", old)
    wait_epoch(b, "a", before["epoch"])
    t.check("the old key is still good for B", True)
    a.configure("[rotate]\nkey_overlap = 1s\n")
    a.cli("reload")
    a.guest.wait_for("! sealbond key | grep -q 'Old key'", timeout=30)
    t.check("at the end of the overlap it is gone", keys(a) == (new, None, None), keys(a))
    before, mark = b.peer("a"), a.guest.nics[0].capture.mark()
    b.cli("rotate a")
    wait_until(lambda: len([f for f in b.guest.nics[0].capture.frames(mark) if f.kind == "handshake" and
                            f.src == b.wire4 and f.payload[4] == HANDSHAKE_INITIATION]) >= 2, 40, "two attempts", 0.2)
    got = answers(a, b, HANDSHAKE_RESPONSE, mark)
    t.check("B's handshakes to it get no answer", not got, [str(f) for f in got])
    t.check("the bond that lives goes on", b.peer("a")["epoch"] == before["epoch"] and a.ping(b.inner4))
    a.cli("rotate b")
    said = b.helper.expect("calls itself a, with another key")
    t.check("A's are a stranger's to B, whose log has the key to compare", new in said, said)
    tell(b, "a", new)
    wait_epoch(b, "a", before["epoch"])
    t.check("told the new key, B is answered", a.ping(b.inner4))
    a.configure("")


def test_told_before(lab, t):
    a, b = plant["a"], plant["b"]
    _, new = plant["keys"]
    a.guest.shutdown()
    lab.boot(a.guest)
    boot(a)
    current, following, old = keys(a)
    t.check("the following boot opens the rotated key", current == new and old is None, (current, new))
    t.check("and has made another next one", following and following not in plant["keys"], following)
    a.guest.wait_for("sealbond key --json | grep -q '\"stored\":true'")
    t.check("which is stored", blob_key(a, 1) == following)
    t.must("the bond comes back", a.wait_bond(90) and b.wait_bond(90))
    again(b, "a")
    numbers, log = Numbers(a, b, 5001), b.helper.out
    epoch = b.peer("a")["epoch"]
    tell(b, "a", following)
    r = a.ping(b.inner4)
    t.check("B wants the next key already: the bond goes on", r and " 0% packet loss" in r.out and
            b.peer("a")["epoch"] == epoch, (r, b.peer("a")))
    a.cli("key rotate")
    wait_epoch(b, "a", epoch)
    again(a, "b")
    sent, lost, detail = numbers.end()
    t.check(f"A follows: of {sent} numbered packets 0 lost", sent > 100 and lost == 0, detail)
    t.check("and the bond did not end", "bond with a ended" not in b.helper.out[len(log):], b.helper.out[-2000:])
    plant["keys"] = current, following


def test_power_cut(lab, t):
    """The kernel has rotated, the file is not renamed, the power goes: nobody was told a new key yet."""
    a, b = plant["a"], plant["b"]
    a.guest.shutdown()
    lab.boot(a.guest)
    boot(a)
    current, following, _ = keys(a)
    a.guest.wait_for("sealbond key --json | grep -q '\"stored\":true'")
    t.must("the bond comes back", a.wait_bond(90) and b.wait_bond(90))
    a.stop(9)
    a.guest.run("sbctl rotatekey")
    t.check("the kernel has rotated, the files know nothing", keys(a)[0] == following and
            (blob_key(a, 0), blob_key(a, 1)) == (current, following))
    a.guest.kill()
    lab.boot(a.guest)
    boot(a)
    t.check("the next boot opens both as before", keys(a) == (current, following, None), keys(a))
    told = a.ask("key")
    t.check(f"with {told['tpm_commands']} TPM commands", told["tpm_commands"] <= TPM_COMMANDS_MAX, told)
    t.check("and B, who knows that key, is bonded", a.wait_bond(90) and b.wait_bond(90) and a.ping(b.inner4))
    plant["keys"] = current, following


def test_helper_killed(lab, t):
    """The same moment, but only the helper dies, inside of `sealbond key rotate`."""
    a, b = plant["a"], plant["b"]
    current, following = plant["keys"]
    link = a.roles()["link"]
    tracer = a.guest.start(f"exec strace -f -p {link} -e trace=rename,renameat,renameat2 "
                           "-e inject=rename,renameat,renameat2:signal=KILL:error=EIO")
    tracer.expect("attached")
    r = a.cli("key rotate", check=False)
    t.check("the helper dies before it renames the file", not r, r)
    wait_until(lambda: a.roles().get("link", link) != link, 60, "the link role again", 0.2)
    t.check("the kernel has rotated", keys(a)[0] == following, keys(a))
    t.check("the one that is started instead finishes it", a.guest.wait_for(f"! test -e {BLOBS[1]}", timeout=60) and
            blob_key(a, 0) == following, (blob_key(a, 0), blob_key(a, 1)))
    again(a, "b")
    tell(b, "a", following)
    t.check("the bond went on", a.ping(b.inner4))
    if tracer.running:
        tracer.stop(9)
    a.guest.shutdown()
    lab.boot(a.guest)
    boot(a)
    t.check("and the next boot opens the new key", keys(a)[0] == following, keys(a))
