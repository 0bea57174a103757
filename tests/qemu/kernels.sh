#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# kernels.sh [SUITE...]: the module on the kernels of other Debian suites. For each: its kernel is
# unpacked to build/kernel-SUITE/, the module is built against its headers, by that release's own
# compiler and with warnings as errors, and guests with that kernel run SCENARIOS.
#
# Nothing is installed: kernels, headers and compiler are unpacked below build/ through apt lists
# of their own. The compiler needs its release's libraries and runs in a root of them. Without
# being root that takes a user namespace.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
top=$PWD
build=$top/build
suites=("$@")
[ $# -gt 0 ] || suites=(trixie trixie-backports)
read -ra scenarios <<<"${SCENARIOS:-kernels}"
passed=0 failed=0
mkdir -p "$build/kernels"

die() {
	printf 'kernels: %s\n' "$*" >&2
	exit 1
}

check() {
	local words=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
		printf 'ok    %s\n' "$words"
	else
		failed=$((failed + 1))
		printf 'FAIL  %s\n' "$words"
		return 1
	fi
}

# private_apt COMMAND...: apt for $suite, and the release it adds to, without anything of the
# system's but its archive and its keys. It believes that nothing is installed, and so fetches
# every package that is needed.
private_apt() {
	local dir=$build/kernels/apt
	mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/empty"
	: >"$dir/status"
	sed 'p; s/-backports main$/ main/' "$kernel.apt/sources.list" | sort -u >"$dir/sources.list"
	apt-get -q -y -o "Dir::Etc::SourceList=$dir/sources.list" -o "Dir::Etc::SourceParts=$dir/empty" \
		-o "Dir::Etc::PreferencesParts=$dir/empty" -o "Dir::State::Lists=$dir/lists" \
		-o "Dir::State::status=$dir/status" -o "Dir::Cache=$dir" \
		-o "Dir::Cache::Archives=$dir/archives" -o "APT::Default-Release=" \
		-o "APT::Sandbox::User=" "$@"
}

# compiler VERSION: the headers of that kernel, and what building for it runs, in $root.
compiler() {
	local list=$build/kernels/list-$1 archive
	[ ! -s "$list" ] || return 0
	{
		private_apt update &&
			private_apt install --no-install-recommends --download-only "linux-headers-$1" \
				base-files bash coreutils diffutils findutils gawk grep make perl sed xz-utils
	} >"$build/kernels/apt.log" 2>&1 || {
		tail -n 5 "$build/kernels/apt.log"
		return 1
	}
	mkdir -p "$root"
	# base-files has the links that the others are unpacked through
	for archive in "$build"/kernels/apt/archives/base-files_*.deb "$build"/kernels/apt/archives/*.deb; do
		dpkg-deb -x "$archive" "$root" || return 1
	done
	ln -sf bash "$root/usr/bin/sh"
	ln -sf gawk "$root/usr/bin/awk"
	find "$build/kernels/apt/archives" -name '*.deb' -delete
	echo "$1" >"$list"
}

# in_root COMMAND...: there, with the project at its own place.
in_root() {
	local map=()
	[ "$(id -u)" -eq 0 ] || map=(-r)
	mkdir -p "$root$top" "$root/proc" "$root/dev" "$root/tmp"
	# shellcheck disable=SC2016
	unshare -m "${map[@]}" bash -c 'set -e
		mount --bind "$1" "$0$1"
		mount --rbind /dev "$0/dev"
		mount --rbind /proc "$0/proc"
		root=$0
		shift
		exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin LC_ALL=C "$@"' "$root" "$top" "$@"
}

# config HEADERS: says what is missing.
config() {
	scripts/check-config.sh "$1" >"$build/kernels/config.log" || {
		cat "$build/kernels/config.log"
		return 1
	}
}

# module VERSION KERNEL: builds it into KERNEL, the directory of the unpacked kernel.
module() {
	local dir=$build/kernels/module-$1
	mkdir -p "$dir"
	scripts/stage-module.sh "$dir"
	in_root make -s -j"$(nproc)" -C "/usr/src/linux-headers-$1" M="$dir" W=1 KCFLAGS=-Werror modules \
		>"$dir.log" 2>&1 || {
		grep -E '(error|warning):' "$dir.log" || tail -n 20 "$dir.log"
		return 1
	}
	cp "$dir/sealbond.ko" "$2/"
}

# run KERNEL: the scenarios; passes their lines on, and adds up.
run() {
	local line status=0
	while IFS= read -r line; do
		if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed ]]; then
			passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
			status=1
		else
			printf '%s\n' "$line"
		fi
	done < <(SEALBOND_KERNEL_DIR=$1 python3 tests/qemu/run.py "${scenarios[@]}" 2>&1)
	# without a sum it did not run to its end
	[ "$status" -eq 1 ] || failed=$((failed + 1))
}

for suite in "${suites[@]}"; do
	kernel=$build/kernel-$suite
	root=$build/kernels/root-${suite%-backports}
	SEALBOND_KERNEL_SUITE=$suite scripts/setup.sh
	version=$(cat "$kernel/version")
	printf '\n== %s, kernel %s\n' "$suite" "$version"
	compiler "$version" || die "no headers of $version: rm -r ${kernel#"$top"/} fetches a newer kernel"
	check "it has the options that DKMS asks for" config "$root/usr/src/linux-headers-$version" || true
	check "the module builds without a warning" module "$version" "$kernel" || continue
	run "$kernel"
done
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
