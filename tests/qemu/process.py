# SPDX-License-Identifier: Apache-2.0
"""Child processes that cannot outlive the runner."""

import ctypes
import os
import re
import signal
import subprocess
import time

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def die_with_us(number):
    """What a child calls before it becomes its program: it gets this signal when the calling thread ends."""
    runner = os.getpid()

    def child():
        _libc.prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != runner:
            os._exit(1)

    return child


def spawn(arguments, log, **options):
    """Starts a program in a session of its own (so that ctrl-C reaches only the runner), with its output
    in the file log, and killed by the kernel when the thread that called this ends: call it from the
    main thread."""
    options.setdefault("stdin", subprocess.DEVNULL)
    with open(log, "ab") as output:
        return subprocess.Popen(arguments, stdout=output, stderr=output, start_new_session=True,
                                preexec_fn=die_with_us(signal.SIGKILL), **options)


def end(process, timeout=2):
    """Ends a child: asked first, then killed."""
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until(condition, timeout, what, interval=0.005):
    """Waits on the host until condition() is true and returns what it returned."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout} s")
        time.sleep(interval)


def tail(path, lines=25):
    """The last lines of a log."""
    try:
        with open(path, "rb") as f:
            f.seek(0, os.SEEK_END)
            f.seek(max(0, f.tell() - 32768))
            text = f.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.replace("\r", "").splitlines()[-lines:])


_CRASH = re.compile(r"\bBUG:|WARNING:|Oops|Kernel panic|sysrq: Trigger")


def console_tail(path):
    """A console's end; after a crash, from where it began."""
    lines = tail(path, 200).splitlines()
    first = next((n for n, line in enumerate(lines) if _CRASH.search(line)), None)
    return "\n".join(lines[-25:] if first is None else lines[first:first + 60])
