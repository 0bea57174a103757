# SPDX-License-Identifier: Apache-2.0
"""Several labs at once, each by a runner of its own; what it prints comes when it is through."""

import os
import re
import signal
import subprocess
import sys
import tempfile

from process import die_with_us

SUM = re.compile(r"^(\d+) passed, (\d+) failed(?:, \d+ skipped)?$")


class Turn:
    """One lab's scenarios, by a runner."""

    def __init__(self, runner, names):
        self.names = names
        self._output = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self._process = subprocess.Popen([sys.executable, runner, *names], stdin=subprocess.DEVNULL,
                                         stdout=self._output, stderr=subprocess.STDOUT,
                                         preexec_fn=die_with_us(signal.SIGTERM))

    def through(self, seconds):
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def lines(self):
        self._output.seek(0)
        return self._output.read().splitlines()

    def end(self):
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()


def report(turn, tally):
    """Prints a turn's lines and takes its sum over."""
    told = False
    for line in turn.lines():
        found = SUM.match(line)
        if found:
            tally.passed += int(found[1])
            tally.failed += int(found[2])
            told = True
        elif line.startswith("skipped: "):
            tally.skips.append(line[len("skipped: "):])
        else:
            print(line, flush=True)
    if not told:
        tally.name = turn.names[0]
        tally.check("its runner comes to an end", False, ", ".join(turn.names))


def run(runner, groups, count, tally):
    """groups: of scenario names, one for each lab; the first begin first."""
    waiting, under_way = list(groups), []
    try:
        while waiting or under_way:
            while waiting and len(under_way) < count:
                under_way.append(Turn(runner, waiting.pop(0)))
            for turn in [turn for turn in under_way if turn.through(1 / len(under_way))]:
                under_way.remove(turn)
                report(turn, tally)
    finally:
        for turn in under_way:
            turn.end()


def default_count():
    """One more than there are processors: a lab waits for much."""
    return 1 + (os.cpu_count() or 1)
