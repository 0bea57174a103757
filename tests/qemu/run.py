#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs guest scenarios: run.py [--demo|--long] [--jobs N] [--list] [NAME...]; see README.md."""

import argparse
import importlib.util
import os
import signal
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import jobs  # noqa: E402
from channel import CommandFailed, GuestDied  # noqa: E402
from image import BUILD  # noqa: E402
from lab import Lab  # noqa: E402

SCENARIOS = os.path.join(HERE, "scenarios")


class Stop(Exception):
    """Ends a test function after a failed must()."""


class Tally:
    """What a scenario reports to."""

    def __init__(self, demo=False):
        self.passed = self.failed = 0
        self.skips = []
        self.name = ""
        self._demo = demo
        self._steps = 0

    def _line(self, mark, words, detail=""):
        print(f"{mark:4}  {self.name}: {words}", flush=True)
        for line in str(detail).rstrip().splitlines():
            print(f"        {line}", flush=True)

    def step(self, words):
        """Says what comes now."""
        self._steps += 1
        print(f"\n{self._steps}. {words}" if self._demo else f"--    {self.name}: {words}", flush=True)

    def note(self, words):
        print("      " + words.strip().replace("\n", "\n      "), flush=True)

    def check(self, words, condition, detail=""):
        """One thing that must hold; detail is shown where it does not."""
        if condition:
            self.passed += 1
            self._line("ok", words)
        else:
            self.failed += 1
            self._line("FAIL", words, detail)
        return bool(condition)

    def must(self, words, condition, detail=""):
        """A check without which the rest of the function makes no sense."""
        if not self.check(words, condition, detail):
            raise Stop

    def skip(self, words, reason):
        self.skips.append(f"{self.name}: {words}: {reason}")
        self._line("skip", words, reason)

    def last_line(self):
        skipped = f", {len(self.skips)} skipped" if self.skips else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def load(name):
    path = os.path.join(SCENARIOS, name + ".py")
    spec = importlib.util.spec_from_file_location("scenario_" + name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def functions(module):
    """run, or the test_ functions in the order in which they stand in the file."""
    if hasattr(module, "run"):
        return [module.run]
    found = [f for n, f in vars(module).items() if n.startswith("test_") and callable(f)]
    return sorted(found, key=lambda f: f.__code__.co_firstlineno)


def run_function(function, lab, tally):
    """False where the guests are no longer fit for the functions after it."""
    try:
        function(lab, tally)
    except Stop:
        pass
    except (CommandFailed, TimeoutError, AssertionError) as error:
        where = traceback.extract_tb(error.__traceback__)
        line = next((f"line {f.lineno}" for f in reversed(where) if "scenarios" in f.filename), "")
        tally.check(f"{function.__name__} ends ({type(error).__name__}, {line})", False, error)
    except GuestDied as error:
        tally.check(f"{function.__name__}: the guests live", False, error)
        return False
    except Exception:  # a scenario's own fault is a failure of that scenario only
        tally.check(f"{function.__name__} ends", False, traceback.format_exc())
    return True


def run_scenario(name, module, lab, tally):
    tally.name = name
    for function in functions(module):
        if not run_function(function, lab, tally):
            break


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", action="store_true", help="run the demonstration")
    parser.add_argument("--long", action="store_true", help="run what takes too long for every check")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="labs at once; 0: as this machine bears")
    parser.add_argument("--list", action="store_true", help="name the scenarios")
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    every = sorted(f[:-3] for f in os.listdir(SCENARIOS) if f.endswith(".py") and not f.startswith("_"))
    unknown = [name for name in arguments.names if name not in every]
    if unknown:
        parser.error(f"no scenario {', '.join(unknown)}; there are: {', '.join(every)}")
    modules = {name: load(name) for name in arguments.names or every}
    if not arguments.names:
        modules = {n: m for n, m in modules.items() if getattr(m, "DEMO", False) == arguments.demo and
                   (getattr(m, "LONG", False) == arguments.long or arguments.demo)}
    if arguments.list:
        print("\n".join(modules))
        return 0

    def terminated(number, _frame):
        sys.exit(128 + number)

    # SIGINT too: a shell starts what is in its background with that one ignored
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, terminated)
    tally = Tally(arguments.demo)
    # scenarios that name the same LAB run one after another with the same guests
    order = {}
    for name, module in modules.items():
        order.setdefault(getattr(module, "LAB", name), []).append(name)
    if arguments.jobs != 1 and len(order) > 1:
        # the long ones first, so that none is left over at the end
        groups = sorted(order.values(), key=lambda names: -sum(getattr(modules[n], "MINUTES", 1) for n in names))
        jobs.run(os.path.abspath(__file__), groups, arguments.jobs or jobs.default_count(), tally)
        order = {}
    for lab_name, names in order.items():
        began = time.monotonic()
        tally.name = names[0]
        try:
            lab = Lab(os.path.join(BUILD, "lab", lab_name))
        except Exception as error:
            tally.check("there is a lab", False, error)
            continue
        try:
            for name in names:
                run_scenario(name, modules[name], lab, tally)
        finally:
            lab.close()
        print(f"--    {', '.join(names)}: {time.monotonic() - began:.0f} s", flush=True)
    for skipped in tally.skips:
        print(f"skipped: {skipped}")
    print(tally.last_line())
    return 1 if tally.failed or not (tally.passed or tally.skips) else 0


if __name__ == "__main__":
    sys.exit(main())
