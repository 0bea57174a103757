# SPDX-License-Identifier: Apache-2.0
"""One software TPM for each guest, with an EK certificate from a CA that all of them share.

The state directory is the TPM: a copy of it, made while it is off, is a clone.
"""

import fcntl
import os
import shutil
import signal

from image import BUILD, build_lock
from process import end, spawn, tail, wait_until
from tpmwire import TpmWire

CA_DIR = os.path.join(BUILD, "lab-cache", "ca")


class TpmError(Exception):
    pass


def _ca_config():
    """The configuration that names the shared CA. swtpm_setup makes the CA on its first call."""
    os.makedirs(CA_DIR, exist_ok=True)
    files = {
        "setup.conf": f"create_certs_tool=/usr/bin/swtpm_localca\n"
                      f"create_certs_tool_config={CA_DIR}/localca.conf\n"
                      f"create_certs_tool_options={CA_DIR}/localca.options\n",
        "localca.conf": f"statedir={CA_DIR}\nsigningkey={CA_DIR}/signkey.pem\n"
                        f"issuercert={CA_DIR}/issuercert.pem\ncertserial={CA_DIR}/certserial\n",
        "localca.options": "--platform-manufacturer Sealbond\n--platform-version 1\n--platform-model Lab\n",
    }
    for name, text in files.items():
        path = os.path.join(CA_DIR, name)
        if not os.path.exists(path):
            with open(path, "w", encoding="ascii") as f:
                f.write(text)
    return os.path.join(CA_DIR, "setup.conf")


class Tpm:
    """name: goes into the EK certificate. state: its directory. run_dir: a short path, for the socket.
    wire: let the commands pass through the harness, see TpmWire."""

    def __init__(self, name, state, run_dir, wire=False):
        self.name = name
        self.state = os.path.abspath(state)
        self.log = self.state + ".log"
        self._control = os.path.join(run_dir, f"tpm-{name}")
        self.wire = TpmWire(self._control + ".wire") if wire else None
        self.socket = self.wire.path if wire else self._control
        self.setup_arguments = []
        self.log_level = 1
        self._process = None
        self._setup = None

    @property
    def made(self):
        return os.path.exists(os.path.join(self.state, "tpm2-00.permall"))

    def begin_setup(self):
        """Starts making the state where there is none; several TPMs are made at once this way."""
        if self.made or self._setup:
            return
        config = _ca_config()
        os.makedirs(self.state, exist_ok=True)
        command = ["swtpm_setup", "--tpm2", "--tpmstate", self.state, "--config", config,
                   "--create-ek-cert", "--create-platform-cert", "--vmid", self.name, "--pcr-banks", "sha256",
                   "--write-ek-cert-files", self.state, "--overwrite", *self.setup_arguments]
        if os.path.exists(os.path.join(CA_DIR, "issuercert.pem")):
            self._setup = spawn(command, self.log)
            return
        lock = build_lock()
        try:
            self._setup = spawn(command, self.log)
            self._finish_setup()
        finally:
            lock.close()

    def _finish_setup(self):
        if self._setup and self._setup.wait(60) != 0:
            raise TpmError(f"swtpm_setup for {self.name} failed:\n{tail(self.log)}")
        self._setup = None

    def start(self):
        """Starts the emulator for one run of a guest; it ends with its connection. Two emulators on one
        state would start without an error and ruin it, hence the lock, which lives as long as it does."""
        if self._process and self._process.poll() is None:
            end(self._process)
        self.begin_setup()
        self._finish_setup()
        lock = open(self.state + ".lock", "w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise TpmError(f"{self.state} is in use by another emulator") from None
        with lock:
            if os.path.exists(self._control):
                os.unlink(self._control)
            self._process = spawn(
                ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.state}", "--terminate",
                 "--ctrl", f"type=unixio,path={self._control}",
                 "--log", f"file={self.log},level={self.log_level}"],
                self.log, pass_fds=[lock.fileno()])
        wait_until(lambda: os.path.exists(self._control) or self._process.poll() is not None, 10,
                   f"swtpm for {self.name}")
        if self._process.poll() is not None:
            raise TpmError(f"swtpm for {self.name} ended:\n{tail(self.log)}")
        if self.wire:
            self.wire.start(self._control)

    @property
    def pid(self):
        return self._process.pid if self._process and self._process.poll() is None else None

    def stop(self):
        """As after an orderly shutdown: its guest is off, it may finish writing."""
        end(self._process)
        self._ended()

    def kill(self):
        """As in a power cut."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._ended()

    def _ended(self):
        self._process = None
        if self.wire:
            self.wire.stop()

    def pause(self):
        """The TPM does not answer until resume()."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.pid, signal.SIGCONT)

    def clone_from(self, other):
        """Becomes a copy of another TPM; both must be off."""
        for tpm in (self, other):
            if tpm.pid:
                raise TpmError(f"the TPM of {tpm.name} is on")
        other.begin_setup()
        other._finish_setup()
        shutil.rmtree(self.state, ignore_errors=True)
        shutil.copytree(other.state, self.state)

    def reset(self):
        """Throws the state away; the next start makes another TPM, with other seeds."""
        if self.pid:
            raise TpmError(f"the TPM of {self.name} is on")
        shutil.rmtree(self.state, ignore_errors=True)

    def ek_certificate(self, kind="rsa"):
        """Path of the EK certificate (DER), kind rsa or ecc."""
        self.begin_setup()
        self._finish_setup()
        return os.path.join(self.state, f"ek-{'rsa2048' if kind == 'rsa' else 'secp384r1'}.crt")
