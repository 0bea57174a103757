#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the ledger's daemon as a program, on loopback.

    run.py [--kills N] [NAME...]

Prints a line for each check and `N passed, N failed`. Exit: 0 when all passed and at least one ran.
"""

import argparse
import importlib
import os
import shutil
import sys
import tempfile
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

NAMES = ("rpc", "websocket", "light_client", "light_proxy", "order", "crash", "people", "checkpoint", "backup", "prune", "disk")
# with software TPMs and people's commands: make check-device
OTHERS = ("device", "models", "conduit", "replace", "cluster", "succession", "liars", "near")


class Checks:
    def __init__(self, options):
        self.passed = self.failed = 0
        self.options, self.name = options, ""

    def check(self, words, good, more=""):
        more = f": {more}" if more and not good else ""
        print(f"{'ok  ' if good else 'FAIL'}  {self.name}: {words}{more}", flush=True)
        if good:
            self.passed += 1
        else:
            self.failed += 1

    def equal(self, words, got, want):
        self.check(words, got == want, f"{got!r}, not {want!r}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("names", nargs="*", choices=[*NAMES, *OTHERS, []])
    options = parser.parse_args()
    checks = Checks(options)
    for name in options.names or NAMES:
        # on a disk: writing takes its time there, and a kill meets it
        directory = tempfile.mkdtemp(prefix=f"{name}-", dir=os.path.join(HERE, "..", "..", "build", "tests"))
        checks.name, failed = name, checks.failed
        try:
            importlib.import_module(f"test_{name}").run(checks, directory)
        except Exception:  # pylint: disable=broad-except
            checks.check("runs to its end", False, traceback.format_exc())
        if checks.failed > failed:
            print(f"      its files: {directory}")
        else:
            shutil.rmtree(directory)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed or not checks.passed else 0


sys.exit(main())
