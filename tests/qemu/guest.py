# SPDX-License-Identifier: Apache-2.0
"""One guest: a QEMU process, its disk, its TPM, its network cards and the channel to its agent."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import time

import image
import uki
from channel import Channel, CommandFailed, GuestDied
from process import console_tail, end, spawn, tail
from wire import Capture

STATE_DIR = "/var/lib/sealbond"
# loglevel=5: a warning's trace reaches the console. The kernel's tests of its ciphers take a second of
# emulation at each boot. no_timer_check: on a busy host ticks are late, and the check of their routing panics.
CMDLINE = "console=ttyS0 quiet loglevel=5 panic=-1 oops=panic panic_on_warn=1 cryptomgr.notests=1 no_timer_check"
# Where nothing is counted, what is dear to emulate is left out: with random addresses each start of a program is
# translated anew (an exec takes three times as long); byte for byte goes what REP MOVSB and STOSB move and clear.
FAST_CMDLINE = "norandmaps init_on_alloc=0 mitigations=off no5lvl"
FAST_CPU = "max,-erms,-fsrm"
BOOT_TIMEOUT = {"seabios": 240, "ovmf": 480}
DISK_MEGABYTES = 16
MEGABYTE = 1 << 20


class Nic:
    """A network card on a switch. mac: made from the guest's name where not given."""

    def __init__(self, switch, mac=None):
        self.switch = switch
        self.mac = mac
        self.capture = None


class Guest:
    """See Lab.guest for the arguments. It is off until the lab boots it or start() does."""

    def __init__(self, name, directory, run_dir, kernel, *, tpm=None, nics=(), disk=None,
                 firmware="seabios", append="", icount=False, smp=1, mem=320, cpu=None, clock=None,
                 files=None, modules=None, boot_files=None, tpm_model="tpm-crb", port=None, qemu=(),
                 disk_cache="unsafe"):
        self.name = self.hostname = name
        self.directory = directory
        self.kernel = kernel
        self.tpm = tpm
        self.nics = list(nics)
        self.firmware = firmware
        self.append = append
        self.icount = icount
        self.smp = smp
        self.mem = mem
        self.cpu = cpu or ("max" if icount else FAST_CPU)
        self.clock = clock
        self.files = files
        self.modules = modules
        self.boot_files = boot_files
        self.tpm_model = tpm_model
        self.qemu_arguments = list(qemu)
        self.disk_cache = disk_cache
        self.console = os.path.join(directory, f"{name}.console")
        self.qemu_log = os.path.join(directory, f"{name}.qemu.log")
        self.disk = self._make_disk(disk) if disk else None
        self.boots = 0
        self.boot_seconds = None
        self.release = None
        self._run_dir = run_dir
        self._port = port
        self._process = None
        self._channel = None
        self._monitor = None
        self._started = None
        self._ending = False
        for number, nic in enumerate(self.nics):
            digest = hashlib.sha256(f"{name}/{number}".encode()).digest()
            nic.mac = nic.mac or "52:54:" + ":".join(f"{b:02x}" for b in digest[:4])
            nic.capture = Capture(os.path.join(directory, f"{name}.{number}.pcap"), port)

    # -- its disk ---------------------------------------------------------------------------------

    def _make_disk(self, source):
        """True: an empty disk; a directory: a disk with its contents; a file: a copy of that disk."""
        path = os.path.join(self.directory, f"{self.name}.disk")
        if source is not True and os.path.isfile(source):
            shutil.copyfile(source, path)
            return path
        if os.path.exists(path):
            os.unlink(path)
        command = ["mke2fs", "-q", "-t", "ext4", "-J", "size=1", "-E", "root_owner=0:0"]
        if source is not True:
            command += ["-d", source]
        subprocess.run(command + [path, f"{DISK_MEGABYTES}M"], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})
        return path

    # -- starting ---------------------------------------------------------------------------------

    def cmdline(self):
        own = f"guest_name={self.hostname}" + (" guest_disk=1" if self.disk else "")
        own += f" guest_clock={self.clock}" if self.clock else ""
        return " ".join(filter(None, [CMDLINE, "" if self.icount else FAST_CMDLINE, own, self.append]))

    def make_image(self, out):
        """The unified kernel image that it would boot now, byte for byte, into a file; returns its path."""
        initrd = image.initramfs(self.kernel, self.files, self.modules)
        return uki.make_uki(out, self.kernel.vmlinuz, uki.compressed(initrd), self.cmdline())

    def _boot_arguments(self):
        if self.firmware == "seabios":
            return self._direct_boot(image.initramfs(self.kernel, self.files, self.modules))
        base = os.path.join(self.directory, self.name)
        self.make_image(base + ".efi")
        uki.make_boot_disk(base + ".boot", base + ".efi", self.boot_files)
        return uki.firmware(base + ".vars", self.firmware == "ovmf-secboot") + [
            "-m", str(self.mem),
            "-drive", f"if=none,id=boot,format=raw,file={base}.boot,cache=unsafe",
            "-device", "virtio-blk-pci,drive=boot,bootindex=1"]

    def _direct_boot(self, initrd):
        """The kernel entered by its PVH note. QEMU puts -initrd so high there that it overwrites the ACPI
        tables of a machine with a TPM; so it is loaded behind the kernel, out of memory that the guest is
        given in addition and told to leave alone (Linux: kernel-parameters.txt, initrdmem, memmap)."""
        start = -(-self.kernel.end_address() // MEGABYTE) * MEGABYTE
        size = os.path.getsize(initrd)
        room = -(-size // MEGABYTE)
        return ["-m", str(self.mem + room), "-kernel", self.kernel.vmlinux(),
                "-device", f"loader,file={initrd},addr={start:#x},force-raw=on",
                "-append", f"{self.cmdline()} initrdmem={start:#x},{size} memmap={room}M${start:#x}"]

    def _arguments(self, verdict, monitor):
        arguments = [
            "qemu-system-x86_64", "-name", self.name, "-M", "q35", "-accel", "tcg", "-cpu", self.cpu,
            "-smp", str(self.smp), "-nodefaults", "-display", "none", "-no-reboot",
            "-chardev", f"file,id=console,path={self.console},append=on", "-serial", "chardev:console",
            "-chardev", f"socket,id=verdict,fd={verdict}",
            "-device", "virtio-serial-pci",
            "-device", "virtserialport,chardev=verdict,name=sealbond.verdict",
            "-chardev", f"socket,id=monitor,fd={monitor}", "-mon", "chardev=monitor,mode=control",
            "-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng",
        ]
        if self.icount:
            arguments += ["-icount", "shift=0,sleep=off"]
        if self.tpm:
            arguments += ["-chardev", f"socket,id=tpm,path={self.tpm.socket}",
                          "-tpmdev", "emulator,id=tpm,chardev=tpm", "-device", f"{self.tpm_model},tpmdev=tpm"]
        if self.disk:
            arguments += ["-drive", f"if=none,id=state,format=raw,file={self.disk},cache={self.disk_cache}",
                          "-device", "virtio-blk-pci,drive=state,serial=state"]
        for number, nic in enumerate(self.nics):
            pcap = nic.capture.path
            if self.boots:
                # QEMU starts a capture anew; the earlier boots' are kept beside it
                os.rename(pcap, f"{pcap}.{self.boots}")
            arguments += ["-netdev", f"vde,id=net{number},sock={nic.switch.socket}",
                          "-device", f"virtio-net-pci,id=nic{number},netdev=net{number},romfile=,mac={nic.mac}",
                          "-object", f"filter-dump,id=dump{number},netdev=net{number},file={pcap}"]
        return arguments + self._boot_arguments() + self.qemu_arguments

    def start_qemu(self):
        """Starts the machine, does not wait for it."""
        if self._process and self._process.poll() is None:
            raise GuestDied(f"{self.name} is on already")
        if self.tpm:
            self.tpm.start()
        verdict, verdict_theirs = socket.socketpair()
        monitor, monitor_theirs = socket.socketpair()
        with verdict_theirs, monitor_theirs:
            arguments = self._arguments(verdict_theirs.fileno(), monitor_theirs.fileno())
            self._started = time.monotonic()
            self._ending = False
            self._process = spawn(arguments, self.qemu_log,
                                  pass_fds=[verdict_theirs.fileno(), monitor_theirs.fileno()])
        self.boots += 1
        self._monitor = Monitor(monitor)
        self._channel = Channel(self.name, verdict, self._why_lost)
        return self

    def wait_up(self):
        """Waits until its agent answers."""
        self.boot_seconds = self._channel.wait_hello(BOOT_TIMEOUT[self.firmware.split("-")[0]], self._started)
        self.release = self._channel.hello
        return self

    def start_up(self):
        return self.start_qemu().wait_up()

    def _why_lost(self):
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            pass
        what = "was shut down" if self._ending else "panicked or was lost"
        return (f"{self.name} {what} (QEMU's exit code {self._process.poll()})\n"
                f"{tail(self.qemu_log, 5)}\n{console_tail(self.console)}")

    # -- working with it --------------------------------------------------------------------------

    @property
    def up(self):
        return self._process is not None and self._process.poll() is None

    def start(self, command, timeout=0):
        """Starts a command that goes on by itself; returns its Job."""
        return self._channel.start(command, timeout)

    def run(self, command, timeout=60, check=True):
        """Runs a shell command to its end and returns its Result (code, out). With check, a failure
        raises; without, test the Result's truth."""
        # the guest ends it in time; the host waits longer for it, then the guest itself hangs
        result = self.start(command, timeout).wait(timeout + 30)
        if check and not result:
            raise CommandFailed(f"{self.name}: {result}")
        return result

    def out(self, command, timeout=60):
        """The output of a command that must succeed, stripped."""
        return self.run(command, timeout).out.strip()

    def wait_for(self, command, timeout=30):
        """Waits in the guest until a command succeeds; raises if it does not in time."""
        # ever more seldom: where it waits long, an emulated processor has better things to do
        loop = (f"pause=20000; until ( {command}\n) >/tmp/wait.$$ 2>&1; do usleep $pause; "
                "[ $pause -ge 160000 ] || pause=$((pause * 2)); done; cat /tmp/wait.$$; rm /tmp/wait.$$")
        result = self.start(loop, timeout).wait(timeout + 30)
        if result.timed_out:
            raise TimeoutError(f"{self.name}: `{command}` not within {timeout} s; now: "
                               f"{self.run(command, check=False)}")
        return result

    def put(self, source, path, mode=None):
        """A file into the guest; source: a path here, or bytes."""
        if isinstance(source, bytes):
            self._channel.put(path, source, mode or 0o644)
            return
        with open(source, "rb") as f:
            self._channel.put(path, f.read(), mode or os.fstat(f.fileno()).st_mode & 0o7777)

    def get(self, path):
        """A file's bytes."""
        return self._channel.get(path)

    def link(self, up, nic=0):
        """Pulls or plugs a network card's cable."""
        self._monitor.ask("set_link", name=f"nic{nic}", up=up)

    def memory(self, path):
        """Its whole memory, into a file here."""
        size = self._monitor.ask("query-memory-size-summary")["base-memory"]
        self._monitor.ask("pmemsave", val=0, size=size, filename=path)

    def freeze(self):
        """Stops its processor until thaw(); its clock stops with it."""
        self._monitor.ask("stop")

    def thaw(self):
        self._monitor.ask("cont")

    # -- its end ----------------------------------------------------------------------------------

    def shutdown(self, timeout=30):
        """Orderly: processes ended, disk unmounted, the TPM told."""
        if not self.up:
            return
        self._ending = True
        self._channel.send("Q", 0, b"\0")
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.name} does not shut down\n{console_tail(self.console)}") from None
        self._closed()
        if self.tpm:
            self.tpm.stop()

    def reboot(self):
        """An orderly shutdown and a start with the same disk and TPM."""
        self.shutdown()
        return self.start_up()

    def kill(self):
        """The power goes: nothing is told to anyone."""
        self._ending = True
        if self.up:
            self._process.kill()
            self._process.wait()
        self._closed()
        if self.tpm:
            self.tpm.kill()

    def wait_death(self, timeout=30):
        """Waits until the guest ends by itself (a panic); returns its console's end."""
        self._process.wait(timeout)
        self._closed()
        if self.tpm:
            self.tpm.stop()
        return console_tail(self.console)

    def _closed(self):
        if self._channel:
            self._channel.close()
        if self._monitor:
            self._monitor.close()
            self._monitor = None

    def close(self):
        """At the end of the lab."""
        self._ending = True
        end(self._process)
        self._closed()
        if self.tpm:
            self.tpm.stop()


class Monitor:
    """QEMU's machine protocol, as far as it is used here."""

    def __init__(self, connection):
        connection.settimeout(30)
        self._file = connection.makefile("rw", encoding="utf-8")
        connection.close()
        self._ready = False

    def ask(self, command, **arguments):
        if not self._ready:
            self._ready = True
            self._file.readline()
            self.ask("qmp_capabilities")
        self._file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self._file.flush()
        while True:
            line = self._file.readline()
            if not line:
                raise GuestDied("QEMU's monitor is closed")
            answer = json.loads(line)
            if "error" in answer:
                raise CommandFailed(f"QEMU: {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def close(self):
        try:
            self._file.close()
        except OSError:
            pass
