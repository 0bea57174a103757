#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# check-config-test.sh CONFIG: takes each option that the module needs away from a good kernel
# configuration, and looks whether check-config.sh names it and fails.
set -euo pipefail

config=${1:?usage: check-config-test.sh CONFIG}
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0

# check WORDS STATUS: STATUS is 0 where what the words say holds.
check() {
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
		printf 'ok    check-config: %s\n' "$1"
	else
		failed=$((failed + 1))
		printf 'FAIL  check-config: %s\n' "$1"
		sed 's/^/        /' "$dir/out"
	fi
}

# expect STATUS ARGUMENT...: runs the script; whether it exits with STATUS.
expect() {
	local status=0
	"$here/check-config.sh" "${@:2}" >"$dir/out" 2>&1 || status=$?
	[ "$status" -eq "$1" ]
}

verdict() {
	local status=0
	"$@" || status=$?
	echo "$status"
}

# without OPTION...: the good configuration less those, in $dir/config.
without() {
	local expression=() option
	for option; do
		expression+=(-e "s/^CONFIG_$option=.*/# CONFIG_$option is not set/")
	done
	sed "${expression[@]}" "$config" >"$dir/config"
}

both_named() {
	expect 1 "$dir/config" && grep -q "^missing  CONFIG_$1:" "$dir/out" &&
		grep -q "^missing  CONFIG_$2:" "$dir/out"
}

check "a configuration with all options passes" "$(verdict expect 0 "$config")"
gzip -c "$config" >"$dir/config.gz"
check "so does it gzipped" "$(verdict expect 0 "$dir/config.gz")"
mkdir "$dir/headers"
cp "$config" "$dir/headers/.config"
check "and in a directory of headers" "$(verdict expect 0 "$dir/headers")"

# told STATUS CLASS NAMES PURPOSE
told() {
	expect "$1" "$dir/config" && grep -qFx "$2 CONFIG_${3// | / or CONFIG_}:$4" "$dir/out"
}

while read -r class rest; do
	names=${rest%%:*} purpose=${rest#*:}
	# shellcheck disable=SC2086 # a list of names
	without ${names//|/}
	case $class in
	need) check "without $names it fails, and says so" "$(verdict told 1 'missing ' "$names" "$purpose")" ;;
	want) check "without $names it passes, and says so" "$(verdict told 0 'wanted  ' "$names" "$purpose")" ;;
	esac
done <<<"$("$here/check-config.sh" --list)"

without XFRM_INTERFACE NETFILTER_EGRESS
check "two missing options fail, both named" \
	"$(verdict both_named XFRM_INTERFACE NETFILTER_EGRESS)"
echo "nothing" >"$dir/config"
check "a file that is no configuration is refused" "$(verdict expect 2 "$dir/config")"
check "a file that is not there is refused" "$(verdict expect 2 "$dir/none")"

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
