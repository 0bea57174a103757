#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# check.sh TARGET...: makes each target, whatever became of those before it, and adds up the lines
# "N passed, N failed[, N skipped]" that they print. A target that fails without having counted a
# failure is one. What failed is said again at the end, and the sum is the last line.
set -uo pipefail

cd "$(dirname "$0")/.." || exit 1
make=${MAKE:-make}
# Below a make -j its jobs are shared; else there is one for each processor.
case ${MAKEFLAGS:-} in
*-j*) jobs=() ;;
*) jobs=("-j$(nproc)") ;;
esac
sums=$(mktemp)
failures=$(mktemp)
trap 'rm -f "$sums" "$failures"' EXIT
passed=0 failed=0 skipped=0
results=()

# Passes output on; a line that is a sum goes to the file $sums instead, what failed, with a few
# lines that are set in below it, to the file $failures as well.
take_sums() {
	local line more=0
	while IFS= read -r line || [ -n "$line" ]; do
		if [[ $line =~ ^[0-9]+\ passed,\ [0-9]+\ failed(,\ [0-9]+\ skipped)?$ ]]; then
			printf '%s\n' "$line" >>"$sums"
		else
			printf '%s\n' "$line"
			if [[ $line == FAIL* ]]; then
				more=10
			elif [[ $line != [[:space:]]* ]]; then
				more=0
			fi
			[ "$more" -eq 0 ] || printf '%s\n' "$line" >>"$failures"
			more=$((more > 0 ? more - 1 : 0))
		fi
	done
}

for target; do
	printf '\n== %s\n' "$target"
	: >"$sums"
	"$make" -s --no-print-directory "${jobs[@]}" "$target" 2>&1 </dev/null | take_sums
	status=${PIPESTATUS[0]}
	read -r good bad skips < <(tr -d , <"$sums" |
		awk '{ p += $1; f += $3; s += $5 } END { print p + 0, f + 0, s + 0 }')
	if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
		bad=1
		printf 'FAIL  %s: did not run to its end\n' "$target" | tee -a "$failures"
	elif [ "$status" -eq 0 ] && [ $((good + bad + skips)) -eq 0 ]; then
		bad=1
		printf 'FAIL  %s: nothing was counted\n' "$target" | tee -a "$failures"
	fi
	passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + skips))
	results+=("$(printf '%-14s %s passed, %s failed, %s skipped' "$target" "$good" "$bad" "$skips")")
done

printf '\n'
cat "$failures"
[ ${#results[@]} -eq 1 ] || printf '%s\n' "${results[@]}"
if [ "$skipped" -gt 0 ]; then
	printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
else
	printf '%d passed, %d failed\n' "$passed" "$failed"
fi
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
