#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# fuzz.sh [NAME...]: builds and runs fuzz targets, all when none is named.
#
# A target is tests/fuzz/fuzz_NAME.c with LLVMFuzzerTestOneInput, and tests/fuzz/fuzz_NAME.src: the
# sources that it is linked with and compiler or linker options, in words; # begins a comment. A word
# $(NAME) stands for that list of the Makefile.
# tests/fuzz/seeds/NAME/ has inputs to begin with, if there is one. What libFuzzer finds stays in
# build/fuzz/NAME/.
#
# FUZZ_SECONDS: how long each runs (60). FUZZ_RUNS: so many inputs instead, the same each time.
set -uo pipefail

cd "$(dirname "$0")/.." || exit 1
out=build/fuzz
cc=${FUZZ_CC:-clang}
flags=(-std=gnu11 -g -O1 -Wall -Wextra -Wno-unused-parameter -fno-omit-frame-pointer
	"-fsanitize=fuzzer,address,undefined" -fno-sanitize-recover=all -Iinclude -Ikmod)
passed=0 failed=0

# Without the jobs of a make above: what is made here is little.
run_make() {
	MAKEFLAGS='' make -s --no-print-directory "$@"
}

# Text in which each $(NAME) is filled from the Makefile.
fill_lists() {
	local line list
	while IFS= read -r line; do
		while [[ $line =~ \$\(([A-Z_]+)\) ]]; do
			list=$(run_make "print-${BASH_REMATCH[1]}")
			line=${line/"${BASH_REMATCH[0]}"/$list}
		done
		printf '%s\n' "$line"
	done
}

build() {
	local name=$1 words=() generated=()
	if [ ! -f "tests/fuzz/fuzz_$name.src" ]; then
		echo "tests/fuzz/fuzz_$name.src is missing: it lists the sources"
		return 1
	fi
	read -r -d '' -a words < <(sed 's/#.*//' "tests/fuzz/fuzz_$name.src" | fill_lists)
	mapfile -t generated < <(printf '%s\n' "${words[@]}" | grep '^build/gen/')
	[ ${#generated[@]} -eq 0 ] || run_make "${generated[@]}" || return 1
	"$cc" "${flags[@]}" -o "$out/$name/fuzz_$name" "tests/fuzz/fuzz_$name.c" "${words[@]}"
}

run() {
	local name=$1 limit seeds
	# libFuzzer adds what it finds to the first directory
	if [ -n "${FUZZ_RUNS:-}" ]; then
		rm -rf "$out/$name/fresh"
		seeds=("$out/$name/fresh")
		limit=("-runs=$FUZZ_RUNS" -seed=1)
	else
		seeds=("$out/$name/corpus")
		limit=("-max_total_time=${FUZZ_SECONDS:-60}")
	fi
	mkdir -p "${seeds[0]}"
	[ ! -d "tests/fuzz/seeds/$name" ] || seeds+=("tests/fuzz/seeds/$name")
	"$out/$name/fuzz_$name" -timeout=10 -rss_limit_mb=1024 -max_len=4096 -verbosity=1 \
		"-artifact_prefix=$out/$name/" "${limit[@]}" "${seeds[@]}"
}

# Generated sources that targets name.
run_make build/gen/state/ledger.pb-c.c || exit 1
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
	for file in tests/fuzz/fuzz_*.c; do
		[ -e "$file" ] || continue
		name=${file##*/fuzz_}
		names+=("${name%.c}")
	done
fi
# One target: its line, or its log's end.
try() {
	local name=$1 log=$out/$1/log
	if build "$name" >"$log" 2>&1 && run "$name" >>"$log" 2>&1; then
		printf 'ok    fuzz %s: %s\n' "$name" "$(sed -n 's/^Done \(.*\)/\1/p' "$log" | tail -n 1)"
		return 0
	fi
	printf 'FAIL  fuzz %s: %s\n%s\n' "$name" "$log" "$(tail -n 40 "$log" | sed 's/^/        /')"
	return 1
}

# As many at once as there are processors; each tells its end in one piece.
slots=$(nproc) running=0
take() {
	local status=0
	wait -n || status=$?
	running=$((running - 1))
	if [ "$status" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}
for name in "${names[@]}"; do
	mkdir -p "$out/$name"
	[ "$running" -lt "$slots" ] || take
	try "$name" &
	running=$((running + 1))
done
while [ "$running" -gt 0 ]; do take; done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
