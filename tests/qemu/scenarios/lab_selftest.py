# SPDX-License-Identifier: Apache-2.0
"""The lab itself: what every other scenario relies on.

    a ──┐
        ├── switch ── a port of the host
    b ──┘
"""

import hashlib
import os
import time

from channel import CommandFailed, GuestDied
from swtpm import TpmError
from tpmwire import error
from wire import ICMP, checksum, ip_frame

CC_GET_RANDOM = 0x17B
RC_LOCKOUT = 0x921
PATTERN = "5ea1b04d0ddba11c0ffee5"
LONG = True		# of the lab, not of the project


def _addresses(guest, number):
    guest.run(f"ip link set eth0 up; ip addr add 10.0.0.{number}/24 dev eth0; "
              f"ip -6 addr add fd00::{number}/64 dev eth0 nodad")


def test_boot(lab, t):
    a, b = lab.boot(lab.guest("a"), lab.guest("b"))
    t.note(f"up after {a.boot_seconds:.1f} and {b.boot_seconds:.1f} s")
    t.check("both run the kernel of the headers",
            all(g.out("uname -r") == lab.kernel.version == g.release for g in (a, b)))
    t.check("each has its name", [a.out("hostname"), b.out("hostname")] == ["a", "b"])
    t.check("the kernel panics on a warning and on an oops",
            a.out("cat /proc/sys/kernel/panic_on_warn /proc/sys/kernel/panic_on_oops").split() == ["1", "1"])
    t.check("nothing was warned of", not a.run("dmesg | grep -i 'cut here'", check=False))


def test_commands(lab, t):
    a, b = lab.guests["a"], lab.guests["b"]
    r = a.run("echo one; echo two >&2; exit 3", check=False)
    t.check("exit code and output come back", r.code == 3 and r.out == "one\ntwo\n", r)
    r = a.run("kill -9 $$", check=False)
    t.check("a signal is told", r.code == 128 + 9, r)
    try:
        a.run("false")
        t.check("a failure raises", False)
    except CommandFailed:
        t.check("a failure raises", True)
    r = a.run("sleep 60", timeout=0.3, check=False)
    t.check("a late command is ended", r.timed_out and r.code == 128 + 9, r)
    r = a.start("dd if=/dev/zero bs=1M count=3 2>/dev/null").wait()
    t.check("output is bounded", r.truncated and len(r.raw) == 1 << 20, len(r.raw))
    t.check("a daemon does not hold its starter up",
            a.run("(sleep 60; echo late) & echo started", timeout=5).out == "started\n")

    jobs = [g.start(f"echo ready {n}; cat /tmp/gate{n}") for g in (a, b) for n in (1, 2)]
    a.run("mkfifo /tmp/gate3")
    waiting = a.start("echo ready; cat /tmp/gate3; trap 'echo caught; exit 7' TERM; echo go; "
                      "while :; do usleep 10000; done")
    waiting.expect("ready")
    a.run("echo opened > /tmp/gate3")
    waiting.expect("go")
    r = waiting.stop()
    t.check("a job is waited for, signalled, heard", r.code == 7 and "opened" in r.out and "caught" in r.out, r)
    t.check("several jobs run at once", all(j.wait().code == 1 for j in jobs))
    a.start("usleep 300000; touch /tmp/flag")
    t.check("wait_for waits for an effect", a.wait_for("test -e /tmp/flag", timeout=10).code == 0)


def test_files(lab, t):
    a = lab.guests["a"]
    data = os.urandom(3 << 20) + b"end"
    a.put(data, "/tmp/deep/er/file", mode=0o751)
    t.check("a file goes in and comes back", a.get("/tmp/deep/er/file") == data)
    t.check("with its mode", a.out("stat -c %a /tmp/deep/er/file") == "751")
    try:
        a.get("/nowhere")
        t.check("a missing file is an error", False)
    except FileNotFoundError:
        t.check("a missing file is an error", True)
    t.check("a file below /proc too", a.get("/proc/version").startswith(b"Linux version"))


def test_network(lab, t):
    a, b = lab.guests["a"], lab.guests["b"]
    _addresses(a, 1)
    _addresses(b, 2)
    for target in ("10.0.0.2", "fd00::2"):
        r = a.run(f"ping -c 3 -i 0.1 -W 2 -p {PATTERN} {target}", check=False)
        t.check(f"a reaches b at {target} in clear", r and " 0% packet loss" in r.out, r)
    capture = a.nics[0].capture
    found = capture.having(bytes.fromhex(PATTERN))
    t.check("the capture holds the pattern in all 12 frames, sent and received", len(found) == 12, len(found))
    kinds = capture.kinds()
    t.check("frames are told apart", kinds["arp"] >= 2 and kinds["nd"] >= 2 and kinds["other"] >= 12, kinds)
    t.check("b's capture has them too", len(b.nics[0].capture.having(bytes.fromhex(PATTERN))) == 12)

    mark = capture.mark()
    port = lab.switch.port()
    echo = b"\x08\x00" + bytes(2) + b"host" + b"hello" * 4
    echo = echo[:2] + checksum(echo).to_bytes(2, "big") + echo[4:]
    mac = "52:54:00:00:00:99"
    a.run(f"ip neigh replace 10.0.0.99 lladdr {mac} dev eth0")
    port.send(ip_frame(mac, a.nics[0].mac, "10.0.0.99", "10.0.0.1", ICMP, echo))
    answer = port.receive(lambda f: b"hello" * 4 in f and f[34:35] == b"\x00", timeout=10)
    t.check("a frame from the host's port is answered", answer)
    t.check("and is captured after the mark", len(capture.having(b"hello" * 4, mark)) == 2)

    a.link(False)
    a.wait_for("grep -q 0 /sys/class/net/eth0/carrier")
    t.check("with the cable pulled nothing arrives", not a.run("ping -c 1 -W 1 10.0.0.2", check=False))
    a.link(True)
    a.wait_for("grep -q 1 /sys/class/net/eth0/carrier")
    t.check("with the cable back it does", a.wait_for("ping -c 1 -W 1 10.0.0.2"))


def test_modules(lab, t):
    a = lab.guests["a"]
    a.run("modprobe esp4_offload; modprobe esp6_offload; modprobe wireguard; modprobe tpm_vtpm_proxy")
    t.check("modprobe loads what is needed first", a.run("lsmod | grep -q ^xfrm_algo", check=False))
    r = a.run("ip link add sb0 type xfrm dev lo if_id 7 && tc qdisc add dev sb0 clsact && "
              "nft add table inet t && nft 'add chain inet t c { type filter hook input priority 0; }' && "
              "nft add rule inet t c ct state established counter && ip link del sb0 && nft flush ruleset",
              check=False)
    t.check("the kernel loads what ip, tc and nft ask for", r, r)
    r = a.run("ip xfrm state add src 10.0.0.1 dst 10.0.0.2 proto esp spi 1 mode tunnel aead "
              "'rfc4106(gcm(aes))' 0x" + "11" * 36 + " 128 && ip xfrm state add src 10.0.0.1 dst 10.0.0.2 "
              "proto esp spi 2 mode tunnel aead 'rfc7539esp(chacha20,poly1305)' 0x" + "11" * 36 +
              " 128 && ip xfrm state flush", check=False)
    t.check("both ESP algorithms are there", r, r)


def test_tpm(lab, t):
    a, b = lab.guests["a"], lab.guests["b"]
    for guest in (a, b):
        t.check(f"{guest.name}'s TPM answers", "TPM2_PT_MANUFACTURER" in guest.out("tpm2_getcap properties-fixed"))
    t.check("PCR 16 is zero", "0x" + "0" * 64 in a.out("tpm2_pcrread sha256:16"))
    a.run("tpm2_pcrextend 16:sha256=" + "11" * 32)
    t.check("and can be extended", "0x" + "0" * 64 not in a.out("tpm2_pcrread sha256:16"))
    t.check("the other guest's is another TPM", "0x" + "0" * 64 in b.out("tpm2_pcrread sha256:16"))
    certificates = [g.out("tpm2_nvread 0x1c00002 2>/dev/null | sha256sum") for g in (a, b)]
    t.check("each has an EK certificate of its own", len(set(certificates)) == 2, certificates)
    with open(a.tpm.ek_certificate(), "rb") as f:
        t.check("it is the one that the host knows", certificates[0].startswith(hashlib.sha256(f.read()).hexdigest()))
    a.tpm.pause()
    slow = a.start("tpm2_getrandom --hex 8")
    a.run("true")
    t.check("a paused TPM keeps its caller waiting, not its machine", slow.running)
    a.tpm.resume()
    t.check("and answers later", slow.wait(10))
    second = lab.tpm("second")
    second.state = a.tpm.state
    try:
        second.start()
        t.check("a second emulator on one state is refused", False)
    except TpmError as error:
        t.check("a second emulator on one state is refused", "in use" in str(error), error)


def test_reboot(lab, t):
    a, b = lab.guests["a"], lab.guests["b"]
    a.run("echo kept > /var/lib/sealbond/file; tpm2_createprimary -Q -C o -c /tmp/p.ctx; "
          "tpm2_evictcontrol -Q -C o -c /tmp/p.ctx 0x81000001; rm /tmp/p.ctx")
    counts = a.out("tpm2_readclock")
    a.reboot()
    t.note(f"up again after {a.boot_seconds:.1f} s")
    t.check("the disk survives a reboot", a.out("cat /var/lib/sealbond/file") == "kept")
    t.check("so does the TPM's persistent key", a.run("tpm2_readpublic -Q -c 0x81000001", check=False))
    t.check("and its reset count went up", a.out("tpm2_readclock") != counts)
    a.run("echo cut > /var/lib/sealbond/file2; sync /var/lib/sealbond/file2")
    a.kill()
    a.start_up()
    t.check("a power cut leaves what was synced", a.out("cat /var/lib/sealbond/file2") == "cut")

    a.shutdown()
    b.shutdown()
    clone = lab.tpm("clone")
    clone.clone_from(a.tpm)
    thief = lab.guest("thief", tpm=None, disk=a.disk)
    twin = lab.guest("twin", tpm=clone)
    lab.boot(thief, twin)
    t.check("a thief has the disk's contents", thief.out("cat /var/lib/sealbond/file") == "kept")
    t.check("and no TPM", not thief.run("test -e /dev/tpm0", check=False))
    t.check("a cloned TPM has the same keys", twin.run("tpm2_readpublic -Q -c 0x81000001", check=False))
    thief.shutdown()
    twin.shutdown()
    seen = len([f for f in lab.frames() if bytes.fromhex(PATTERN) in f.data])
    t.check("the captures of earlier boots are kept", seen == 24, seen)


def test_panic(lab, t):
    guest = lab.guest("panicking", tpm=None, nics=0, disk=None)
    lab.boot(guest)
    try:
        guest.run("echo c > /proc/sysrq-trigger", timeout=60)
        t.check("a panic is noticed", False)
    except GuestDied as error:
        t.check("a panic is noticed, with the console's words", "sysrq triggered crash" in str(error), error)


def test_tpm_wire(lab, t):
    tpm = lab.tpm("watched", wire=True)
    guest = lab.guest("watched", tpm=tpm, nics=0, disk=None)
    lab.boot(guest)
    before = len(tpm.wire.exchanges)
    guest.run("tpm2_getrandom --hex 8")
    t.check("commands to the TPM are seen", CC_GET_RANDOM in tpm.wire.codes(before), tpm.wire.codes(before))
    guest.run("printf patternpattern > /tmp/x; tpm2_hash -g sha256 /tmp/x >/dev/null")
    t.check("and searched", tpm.wire.having(b"patternpattern", before))
    tpm.wire.delay = 0.25
    before = len(tpm.wire.exchanges)
    began = time.monotonic()
    guest.run("tpm2_getrandom --hex 8")
    took, commands = time.monotonic() - began, len(tpm.wire.exchanges) - before
    t.check("answers are delayed", commands > 0 and took >= 0.25 * commands, f"{commands} commands in {took:.2f} s")
    tpm.wire.delay = 0
    tpm.wire.filter = lambda code, _: error(RC_LOCKOUT) if code == CC_GET_RANDOM else None
    r = guest.run("tpm2_getrandom --hex 8", check=False)
    t.check("and given in the TPM's place", not r and "0x921" in r.out, r)
    tpm.wire.filter = None
    t.check("after which it answers again", guest.run("tpm2_getrandom --hex 8", check=False))
    guest.reboot()
    t.check("also after a reboot", guest.run("tpm2_getrandom --hex 8", check=False))
    guest.shutdown()


def test_disk_from_directory(lab, t):
    source = os.path.join(lab.directory, "contents")
    os.makedirs(source)
    with open(os.path.join(source, "peers"), "w", encoding="ascii") as f:
        f.write("from the host")
    guest = lab.guest("stocked", tpm=None, nics=0, disk=source, clock="2100-01-01",
                      files={"/etc/sealbond/extra": b"in the image"})
    lab.boot(guest)
    t.check("a disk made of a directory has its files", guest.out("cat /var/lib/sealbond/peers") == "from the host")
    t.check("the image has a scenario's files", guest.out("cat /etc/sealbond/extra") == "in the image")
    t.check("the clock is where it was put", guest.out("date +%Y") == "2100", guest.out("date"))
    guest.shutdown()


def test_icount(lab, t):
    guest = lab.guest("counted", tpm=None, nics=0, disk=None, icount=True)
    lab.boot(guest)
    t.note(f"up after {guest.boot_seconds:.1f} s")
    t.check("a guest on the instruction-counted clock works", guest.out("echo yes") == "yes")
    guest.shutdown()


def test_measured_boot(lab, t):
    guest = lab.guest("measured", firmware="ovmf", nics=0, disk=None)
    lab.boot(guest)
    t.note(f"up after {guest.boot_seconds:.1f} s")
    pcrs = guest.out("tpm2_pcrread sha256:4,9,11")
    t.check("OVMF measures the image into PCR 4, 9 and 11", "0x" + "0" * 64 not in pcrs, pcrs)
    t.check("the event log is there", len(guest.get("/sys/kernel/security/tpm0/binary_bios_measurements")) > 1000)
    before = pcrs
    guest.reboot()
    again = guest.out("tpm2_pcrread sha256:4,9,11")
    t.check("the same image measures the same", again == before, f"{before}\n{again}")
    guest.append = "another=1"
    guest.reboot()
    after = guest.out("tpm2_pcrread sha256:4,9,11")
    t.check("another command line measures otherwise", all(x != y for x, y in
            zip(before.splitlines()[1:], after.splitlines()[1:])), after)
    guest.shutdown()
