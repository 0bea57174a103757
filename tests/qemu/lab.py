# SPDX-License-Identifier: Apache-2.0
"""A lab: a switch and guests on it, in one directory that holds what they leave."""

import os
import shutil
import tempfile

import image
from guest import Guest, Nic
from swtpm import Tpm
from wire import Capture, Switch, default_port


class Lab:
    """directory: for consoles, captures, disks, TPM states and logs; emptied first."""

    def __init__(self, directory):
        self.directory = os.path.abspath(directory)
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.directory)
        # names of sockets must be short
        self.run_dir = tempfile.mkdtemp(prefix="sealbond-lab-")
        self.kernel = image.Kernel()
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
        tpm_model; qemu (further arguments).
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
        shutil.rmtree(self.run_dir, ignore_errors=True)
