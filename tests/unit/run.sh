#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs cmocka programs; a line for each, the whole output of one that fails,
# and the sum of all of cmocka's counts at the end.
set -u
passed=0 failed=0
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

for program; do
	"$program" >"$out" 2>&1
	status=$?
	ok=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test(s)\.$/\1/p' "$out")
	bad=$(grep -c '^\[  FAILED  \] [^0-9]' "$out")
	# A program that died, or ran nothing, is a failure of its own.
	if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ] || [ -z "$ok" ]; then
		bad=$((bad + 1))
	fi
	passed=$((passed + ${ok:-0})) failed=$((failed + bad))
	if [ "$bad" -eq 0 ]; then
		echo "ok    ${program##*/}: ${ok:-0} tests"
	else
		echo "FAIL  ${program##*/} (exit $status)"
		cat "$out"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
