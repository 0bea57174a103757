# SPDX-License-Identifier: Apache-2.0
"""Between a guest and its TPM: sees every command and answer, and can meddle with them.

QEMU hands the emulator one end of a socket pair for the commands, over the control socket
(swtpm: swtpm_ioctls(3), CMD_SET_DATAFD). The control socket that QEMU knows is ours; we keep what it
hands over and give the emulator a pair of our own.
"""

import array
import os
import socket
import struct
import threading
import time

CMD_INIT, CMD_SET_DATAFD = 0x02, 0x10
STARTUP_CLEAR = bytes.fromhex("80010000000c000001440000")
HEADER = struct.Struct(">HII")      # tag, size, command or response code
ST_NO_SESSIONS = 0x8001


class Exchange:
    """One command and its answer. code: TPM_CC_..., rc: TPM_RC_..."""

    def __init__(self, command, answer):
        self.command = command
        self.answer = answer
        self.code = HEADER.unpack_from(command)[2]
        self.rc = HEADER.unpack_from(answer)[2] if len(answer) >= HEADER.size else None


def error(rc):
    """An answer that is only a response code."""
    return HEADER.pack(ST_NO_SESSIONS, HEADER.size, rc)


class TpmWire:
    """exchanges: what has passed, oldest first. delay: seconds before each answer. filter: a function of
    (command code, command) that returns an answer to give instead of the TPM's, or None; change: a
    function of (command code, answer) that returns the answer to pass on."""

    def __init__(self, path):
        self.path = path
        self.exchanges = []
        self.delay = 0.0
        self.filter = None
        self.change = None
        self._listener = None
        self._open = []
        self._control_socket = self._emulator = None
        # ours go between the guest's
        self._control_lock, self._data_lock = threading.Lock(), threading.Lock()

    def start(self, emulator_path):
        """For one run of the guest: listens where QEMU will connect."""
        self.stop()
        if os.path.exists(self.path):
            os.unlink(self.path)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen(1)
        threading.Thread(target=self._serve, args=(self._listener, emulator_path), daemon=True).start()

    def stop(self):
        for connection in [self._listener] + self._open:
            if connection:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                connection.close()
        self._listener, self._open = None, []

    def codes(self, since=0):
        """The command codes since exchange number `since`."""
        return [exchange.code for exchange in self.exchanges[since:]]

    def having(self, pattern, since=0):
        """The exchanges whose bytes hold the pattern, either way."""
        return [e for e in self.exchanges[since:] if pattern in e.command or pattern in e.answer]

    def reset(self):
        """The TPM is reset under its guest, which is not told: PCRs are zero, resetCount goes up."""
        with self._control_lock, self._data_lock:
            self._control_socket.sendall(struct.pack(">II", CMD_INIT, 0))
            result = self._control_socket.recv(8192)
            self._emulator.sendall(STARTUP_CLEAR)
            answer = self._message(self._emulator)
        if result != bytes(4) or answer != error(0):
            raise OSError(f"the TPM was not reset: {result.hex()} {answer.hex()}")

    def _serve(self, listener, emulator_path):
        try:
            guest, _ = listener.accept()
        except OSError:
            return
        control = self._control_socket = socket.socket(socket.AF_UNIX)
        self._open += [guest, control]
        try:
            control.connect(emulator_path)
            while self._control(guest, control):
                pass
        except OSError:
            pass
        guest.close()
        control.close()

    def _control(self, guest, control):
        """Passes on one control command; they are strictly one at a time."""
        data, ancillary, _, _ = guest.recvmsg(8192, socket.CMSG_SPACE(16))
        if not data:
            return False
        passed = []
        for level, kind, payload in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds = array.array("i")
                fds.frombytes(payload[:len(payload) // fds.itemsize * fds.itemsize])
                passed += fds
        with self._control_lock:
            answer = self._pass_on(data, passed, control)
        guest.sendall(answer)
        return bool(answer)

    def _pass_on(self, data, passed, control):
        if passed and struct.unpack_from(">I", data)[0] == CMD_SET_DATAFD:
            ours, theirs = socket.socketpair()
            self._emulator = ours
            commands = socket.socket(fileno=passed[0])
            self._open += [ours, commands]
            socket.send_fds(control, [data], [theirs.fileno()])
            theirs.close()
            threading.Thread(target=self._relay, args=(commands, ours), daemon=True).start()
        else:
            control.sendall(data)
        return control.recv(8192)

    @staticmethod
    def _message(connection):
        data = b""
        while len(data) < HEADER.size or len(data) < HEADER.unpack_from(data)[1]:
            part = connection.recv(65536)
            if not part:
                return None
            data += part
        return data

    def _relay(self, commands, emulator):
        try:
            while True:
                command = self._message(commands)
                if command is None:
                    return
                code = HEADER.unpack_from(command)[2]
                answer = self.filter(code, command) if self.filter else None
                if answer is None:
                    with self._data_lock:
                        emulator.sendall(command)
                        answer = self._message(emulator)
                    if answer is None:
                        return
                    if self.change:
                        answer = self.change(code, answer)
                if self.delay:
                    time.sleep(self.delay)
                self.exchanges.append(Exchange(command, answer))
                commands.sendall(answer)
        except OSError:
            return
        finally:
            commands.close()
            emulator.close()
