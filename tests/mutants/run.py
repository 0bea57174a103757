#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
run.py LIST ALIKE PROGRAM...: switches off each check of LIST (mutate.py) in turn, and runs the unit tests that come by
it until one fails. A check that none misses survives, and is an error; but for those in ALIKE, whose absence nobody
could see, since another one says the same: "FILE TEXT: why", a line each.
"""

import argparse
import collections
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile
import time


def run(test, number=0, seen=None, seconds=600):
    """Whether this test, (program, name), fails."""
    environment = dict(os.environ, SB_MUTANT=str(number), SB_TEST=test[1], ASAN_OPTIONS="detect_leaks=0")
    if seen:
        environment["SB_MUTANTS_SEEN"] = seen
    try:
        return subprocess.run([test[0]], env=environment, timeout=seconds, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode != 0
    except subprocess.TimeoutExpired:
        return True


def tests_of(program):
    done = subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{program} fails with every check in its place")
    return re.findall(r"^\[ RUN +\] (\w+)$", done.stdout + done.stderr, re.M)


def come_by(programs):
    """{number: tests}, quick ones first, and each one's seconds."""
    reached, seconds = {}, {}
    for test in [(program, name) for program in programs for name in tests_of(program)]:
        with tempfile.NamedTemporaryFile("r") as seen:
            start = time.monotonic()
            if run(test, seen=seen.name):
                sys.exit(f"{test[0]}: {test[1]} fails alone, with every check in its place")
            seconds[test] = time.monotonic() - start
            for line in seen:
                reached.setdefault(int(line), []).append(test)
    for tests in reached.values():
        tests.sort(key=seconds.get)
    return reached, seconds


def read_alike(path):
    with open(path, encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    return collections.Counter(line.split(": ", 1)[0] for line in lines if line and not line.startswith("#"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("list")
    parser.add_argument("alike")
    parser.add_argument("--files", nargs="*", default=[])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("programs", nargs="*")
    args = parser.parse_args()
    with open(args.list, encoding="utf-8") as file:
        mutants = [line.rstrip("\n").split(" ", 2) for line in file]
    if args.files:
        mutants = [m for m in mutants if any(name in m[1] for name in args.files)]
    alike = read_alike(args.alike)
    reached, seconds = come_by(args.programs)

    def judge(mutant):
        number = int(mutant[0])
        return any(run(test, number, seconds=60 + 20 * seconds[test]) for test in reached.get(number, []))

    killed = survived = known = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for mutant, dead in zip(mutants, pool.map(judge, mutants)):
            name = f"{os.path.basename(mutant[1].split(':')[0])} {mutant[2]}"
            killed += dead
            if dead:
                continue
            if alike[name]:
                alike[name] -= 1
                known += 1
                continue
            survived += 1
            where = "no test misses it" if int(mutant[0]) in reached else "no test comes by"
            print(f"FAIL  {mutant[1]}: {mutant[2]}: {where}", flush=True)
    for name in alike.elements() if not args.files else []:
        print(f"FAIL  {args.alike}: {name}: a test misses it, or there is no such check")
        survived += 1
    print(f"{killed} mutants killed, {survived} survived, {known} that another check stands in for")
    print(f"{killed} passed, {survived} failed")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
