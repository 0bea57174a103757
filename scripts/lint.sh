#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# lint.sh: what tools and a few rules of the project find. KDIR names the kernel's headers.
# Where a rule has an exception, the line says so: /* lint: RULE: why */, or # for scripts.
set -uo pipefail

cd "$(dirname "$0")/.." || exit 1
kdir=${KDIR:?lint.sh: KDIR names the headers of the kernel}
dir=build/lint
passed=0 failed=0
rm -rf "$dir"
mkdir -p "$dir"

# verdict WORDS: the check's findings are in $dir/out; it passed if there are none.
verdict() {
	if [ -s "$dir/out" ]; then
		failed=$((failed + 1))
		printf 'FAIL  %s\n' "$1"
		sed 's/^/        /' "$dir/out"
	else
		passed=$((passed + 1))
		printf 'ok    %s\n' "$1"
	fi
}

# Files of the project: tracked, or new and not ignored.
files() {
	git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
		[ ! -f "$file" ] || [ -L "$file" ] || printf '%s\n' "$file"
	done
}

# none RULE WORDS PATTERN PATH...: no line of these files matches, but those with an exception.
none() {
	local rule=$1 words=$2 pattern=$3
	shift 3
	files "$@" | grep -v -e '^LICENSES/' -e '^scripts/lint\.sh$' |
		xargs -r grep -nHE -- "$pattern" | grep -v "lint: $rule: " >"$dir/out"
	verdict "$words"
}

# The compiler's extra warnings and sparse's, on every file of the module.
sparse_module() {
	local name has=()
	command -v sparse >/dev/null || {
		echo "sparse is not installed"
		return
	}
	# sparse knows no __has_include: what it would say is worked out here, header by header
	for name in linux/unaligned.h crypto/utils.h linux/tpm_buf.h crypto/aes-cbc-macs.h; do
		[ ! -e "$(readlink -f "$kdir/source" 2>/dev/null || echo "$kdir")/include/$name" ] ||
			has+=("$name")
	done
	[ ${#has[@]} -eq 0 ] || {
		echo "lint runs on a kernel without ${has[*]}: name Debian 12's by KDIR="
		return
	}
	scripts/stage-module.sh "$dir/module"
	# whatever make says above: what sparse looks at is named
	MAKEFLAGS='' make -j"$(nproc)" -C "$kdir" M="$PWD/$dir/module" C=2 W=1 CF="'-D__has_include(x)=0'" modules \
		>"$dir/sparse" 2>&1 || echo "the module does not build: see $dir/sparse"
	grep -q '^  CHECK ' "$dir/sparse" || echo "sparse did not run: see $dir/sparse"
	grep -E '(warning|error):' "$dir/sparse" | sed "s|$PWD/$dir/module/||"
}

tidy_userspace() {
	local flags
	command -v clang-tidy >/dev/null || {
		echo "clang-tidy is not installed"
		return
	}
	mapfile -t flags < <(pkg-config --cflags libnl-3.0 | xargs -n 1)
	# one file each: version 14 takes what it learnt of va_list in one into the next
	files 'userspace/*.c' | xargs -r -P "$(nproc)" -I FILE clang-tidy --quiet FILE -- \
		-std=gnu11 -D_GNU_SOURCE '-DSB_LIBEXECDIR="/usr/libexec/sealbond"' \
		-Iuserspace -Ibuild/gen -Iinclude -Iinclude/uapi "${flags[@]}" 2>/dev/null |
		grep -E '^[^ ].*(warning|error): ' | sort -u | sed "s|$PWD/||"
}

first_lines() {
	local file line want
	while read -r file; do
		line=$(head -n 2 "$file" | grep -a -o 'SPDX-License-Identifier: .*' | sed 's| *\*/$||; s| *-->$||')
		case $file in
		include/uapi/*) want='GPL-2.0-only WITH Linux-syscall-note' ;;
		include/sealbond/*) want='GPL-2.0-only OR Apache-2.0' ;;
		kmod/* | include/compat/* | Kbuild) want='GPL-2.0-only' ;;
		*) want='Apache-2.0' ;;
		esac
		[ "$line" = "SPDX-License-Identifier: $want" ] || printf '%s: should say %s\n' "$file" "$want"
	done < <(files | grep -vE '^(LICENSE|LICENSES/.*|.*\.(md|json|hex|pem|der|sum|gitignore)|tests/fuzz/seeds/.*|docs/.*)$')
}

# A layer includes itself and what is below it: common, then kernel, tpm, boot and tree, then state and
# light, then ledger, device and cli.
upward_includes() {
	files 'userspace/common/*' | xargs -r grep -nHE '^#include "(kernel|tpm|boot|tree|state|light|ledger|device|cli)/'
	files 'userspace/kernel/*' | xargs -r grep -nHE '^#include "(tpm|boot|tree|state|light|ledger|device|cli)/'
	files 'userspace/tpm/*' | xargs -r grep -nHE '^#include "(kernel|boot|tree|state|light|ledger|device|cli)/'
	files 'userspace/boot/*' | xargs -r grep -nHE '^#include "(kernel|tpm|tree|state|light|ledger|device|cli)/'
	files 'userspace/tree/*' | xargs -r grep -nHE '^#include "(kernel|tpm|boot|state|light|ledger|device|cli)/'
	files 'userspace/state/*' | xargs -r grep -nHE '^#include "(kernel|tpm|boot|light|ledger|device|cli)/'
	files 'userspace/light/*' | xargs -r grep -nHE '^#include "(kernel|tpm|boot|ledger|device|cli)/'
	files 'userspace/ledger/*' | xargs -r grep -nHE '^#include "(kernel|tpm|boot|device|cli)/'
	files 'userspace/owner/*' 'userspace/enroller/*' | xargs -r grep -nHE '^#include "(kernel|tpm|boot|light|ledger|device|cli)/'
	files 'userspace/device/*' | xargs -r grep -nHE '^#include "cli/'
	files 'userspace/*' | xargs -r grep -nHE '^#include "(.*/)?kmod/'
}

versions() {
	local module package
	module=$(sed -n 's/^#define SB_VERSION "\(.*\)"/\1/p' kmod/version.h)
	package=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
	[ "$module" = "$package" ] || echo "kmod/version.h says $module, dkms.conf $package"
}

none version 'no kernel version in the logic' 'LINUX_VERSION_CODE|KERNEL_VERSION\(' kmod include Kbuild
none open 'nothing is left open' '\b(TODO|FIXME|XXX)\b' .
# (a sleep of a minute or more is not waited for: it is there to be ended)
none sleep 'no test waits by sleeping' '\b(time\.sleep|u?sleep|nanosleep)\(|\bsleep ([0-9]|[1-5][0-9])\b' \
	tests/qemu/scenarios tests/unit tests/bench
none print 'the module prints no bytes' '%\*?ph|print_hex_dump' kmod
none string 'no unbounded string function' '\b(strcat|sprintf|vsprintf|gets|strncpy)\(' \
	'kmod/*' 'userspace/*' 'include/*'
none compare 'keys are compared in constant time' \
	'\bmemcmp\([^;]*\b(priv|secret|psk|mac[12]?|tag|cookie|hmac)\b' 'kmod/*.c' 'userspace/*.c'
upward_includes >"$dir/out"
verdict 'nothing includes upwards'
first_lines >"$dir/out"
verdict 'each file names its licence'
versions >"$dir/out"
verdict 'one version'
# (busybox's shell is checked as dash)
files '*.sh' .ci/run | xargs shellcheck -e SC2187 >"$dir/out" 2>&1
verdict 'shellcheck'
files '*.py' | xargs python3 -c '
import ast, sys
for name in sys.argv[1:]:
    try:
        ast.parse(open(name, encoding="utf-8").read(), name)
    except SyntaxError as error:
        print(f"{name}:{error.lineno}: {error.msg}")
' >"$dir/out" 2>&1
verdict 'Python can read its files'
tidy_userspace >"$dir/out"
verdict 'clang-tidy'
sparse_module >"$dir/out"
verdict 'sparse, and the compiler with W=1'

files '*.c' '*.h' '*.py' '*.sh' | xargs wc -l |
	awk '$2 != "total" && $1 > 600 { print "note  " $2 " has " $1 " lines; 600 are much" }'
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
