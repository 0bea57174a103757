# SPDX-License-Identifier: Apache-2.0
"""A lab: a switch and guests on it, in one directory that holds what they leave."""

import fcntl
import glob
import os
import shutil
import tempfile
import time

import image
from guest import Guest, Nic
from swtpm import Tpm
from wire import Capture, Switch, default_port


RUN_PREFIX = "sealbond-lab-"
STALE_SECONDS = 60


class RunDir:
    """A directory for sockets, whose names must be short. Its lock is held as long as its runner lives, so
    that another runner can tell what a killed one left, and remove that alone."""

    def __init__(self):
        self._remove_stale()
        self.path = tempfile.mkdtemp(prefix=RUN_PREFIX)
        self._lock = open(os.path.join(self.path, "lock"), "w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    @staticmethod
    def _remove_stale():
        for lock in glob.glob(os.path.join(tempfile.gettempdir(), RUN_PREFIX + "*", "lock")):
            try:
                # one that is just being made may not be locked yet
                if time.time() - os.path.getmtime(lock) < STALE_SECONDS:
                    continue
                with open(lock) as f:
                    fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(os.path.dirname(lock), ignore_errors=True)
            except OSError:
                continue

    def close(self):
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


class Lab:
    """directory: for consoles, captures, disks, TPM states and logs; emptied first."""

    def __init__(self, directory):
        self.directory = os.path.abspath(directory)
        os.makedirs(os.path.dirname(self.directory), exist_ok=True)
        self._lock = open(self.directory + ".lock", "w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise RuntimeError(f"{self.directory} is in use by another runner") from None
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.directory)
        self.kernel = image.Kernel()
        self._run_dir = RunDir()
        self.run_dir = self._run_dir.path
        self.guests = {}
        self.switches = {}
        try:
            self.port = default_port()
        except FileNotFoundError:
            self.port = None

    @property
    def switch(self):
        """The switch that a guest's first card is on, unless it says otherwise."""
        return self.add_switch("switch")

    def add_switch(self, name, hub=False):
        """A switch by name; made where it is new."""
        if name not in self.switches:
            self.switches[name] = Switch(self.run_dir, name, hub)
        return self.switches[name]

    def tpm(self, name, wire=False):
        """A TPM by name, off and with no state yet; state stays in the lab. wire: see TpmWire."""
        return Tpm(name, os.path.join(self.directory, name + ".tpm"), self.run_dir, wire)

    def guest(self, name, tpm=True, nics=1, disk=True, **options):
        """A new guest, not yet on.

        tpm: True for its own, a Tpm, or None. nics: how many on the lab's switch, or a list of Nic.
        disk: True for an empty one at /var/lib/sealbond, a directory whose contents it gets, a file to
        copy ("the thief has the disk": disk=other.disk), or None.
        options: firmware "seabios", "ovmf" or "ovmf-secboot"; append (to the kernel's command line);
        icount; smp; mem (MiB); cpu; clock (where it starts, 2100-01-01); files (guest path -> path or
        bytes, into the image); modules (further .ko files); boot_files (path on the boot disk -> path);
        tpm_model; qemu (further arguments); disk_cache (QEMU's, "writeback" takes the guest's flushes).
        """
        if name in self.guests:
            raise ValueError(f"there is a guest {name} already")
        if tpm is True:
            tpm = self.tpm(name)
        if isinstance(nics, int):
            nics = [Nic(self.switch) for _ in range(nics)]
        self.guests[name] = Guest(name, self.directory, self.run_dir, self.kernel, tpm=tpm or None, nics=nics,
                                  disk=disk, port=self.port, **options)
        return self.guests[name]

    def nic(self, switch=None, mac=None):
        """A card for guest(nics=[...])."""
        return Nic(self.add_switch(switch) if isinstance(switch, str) else switch or self.switch, mac)

    def boot(self, *guests):
        """Starts guests at the same time and waits until all are up."""
        for guest in guests:
            if guest.tpm:
                guest.tpm.begin_setup()
        for guest in guests:
            guest.start_qemu()
        for guest in guests:
            guest.wait_up()
        return guests

    def captures(self):
        """Every capture of every guest, earlier boots' included."""
        found = []
        for guest in self.guests.values():
            for nic in guest.nics:
                found += [Capture(f"{nic.capture.path}.{boot}", self.port) for boot in range(1, guest.boots)]
                found.append(nic.capture)
        return found

    def frames(self):
        for capture in self.captures():
            yield from capture.frames()

    def close(self):
        for guest in self.guests.values():
            guest.close()
        for switch in self.switches.values():
            switch.stop()
        self._run_dir.close()
        self._lock.close()
