#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# dkms-test.sh KERNEL HEADERS: takes the module through DKMS's whole life, from this tree: add, build,
# install, remove, for a kernel that need not run. DKMS's trees are in a directory of their own below
# build/; neither /var/lib/dkms nor /lib/modules is touched. Needs root, as DKMS does.
set -euo pipefail

kernel=${1:?usage: dkms-test.sh KERNEL HEADERS}
headers=${2:?usage: dkms-test.sh KERNEL HEADERS}
top=$(cd "$(dirname "$0")/.." && pwd)
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' "$top/dkms.conf")
module=sealbond/$version
work=$top/build/dkms
passed=0 failed=0

# check WORDS COMMAND...: shows what it printed where it failed.
check() {
	local words=$1
	shift
	if "$@" >"$work/out" 2>&1; then
		passed=$((passed + 1))
		printf 'ok    dkms: %s\n' "$words"
	else
		failed=$((failed + 1))
		printf 'FAIL  dkms: %s (%s)\n' "$words" "$*"
		tail -n 30 "$work/out" | sed 's/^/        /'
	fi
}

in_private() {
	local command=$1
	shift
	# a key for signing, if DKMS wants one, is this test's own
	mok_signing_key="$work/mok.key" mok_certificate="$work/mok.pub" \
		dkms "$command" --dkmstree "$work/tree" --sourcetree "$work/src" \
		--installtree "$work/modules" "$@"
}

for_kernel() {
	local command=$1
	shift
	in_private "$command" -m sealbond -v "$version" -k "$kernel" --no-depmod "$@"
}

status_says() {
	in_private status "$module" | tee "$work/status" && grep -q "$1\$" "$work/status"
}

status_is_empty() {
	[ -z "$(in_private status "$module")" ]
}

# The one module file that was installed, whatever its compression.
installed() {
	find "$work/modules" -name 'sealbond.ko*' | grep .
}

installed_fits() {
	local file
	file=$(installed)
	[ "$(modinfo -F version "$file")" = "$version" ] &&
		[ "$(modinfo -F vermagic "$file" | cut -d ' ' -f 1)" = "$kernel" ]
}

not_installed() {
	! installed
}

tree_is_empty() {
	[ ! -e "$work/tree/sealbond" ]
}

# The headers, with a configuration that lacks an option.
poor_headers() {
	mkdir "$work/poor"
	ln -s "$headers"/* "$work/poor"
	sed 's/^CONFIG_XFRM_INTERFACE=.*/# CONFIG_XFRM_INTERFACE is not set/' "$headers/.config" \
		>"$work/poor/.config"
}

build_for_poor_kernel() {
	for_kernel build --kernelsourcedir "$work/poor"
}

refused_by_name() {
	if build_for_poor_kernel >"$work/refused" 2>&1; then
		return 1
	fi
	# newer releases of DKMS name a log instead of showing it
	cat "$work/tree/$module/build/make.log" >>"$work/refused" 2>/dev/null || true
	cat "$work/refused"
	grep -q '^missing  CONFIG_XFRM_INTERFACE: ' "$work/refused" && not_built
}

not_built() {
	[ -z "$(find "$work/tree" -path "*/$kernel/*" -name 'sealbond.ko*')" ]
}

[ "$(id -u)" -eq 0 ] || {
	echo "skip  dkms: it needs root"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}
[ -f "$headers/.config" ] || {
	echo "dkms-test: no kernel headers in $headers" >&2
	exit 1
}

rm -rf "$work"
mkdir -p "$work/tree" "$work/src" "$work/modules/$kernel"
"$top/scripts/dkms-source.sh" "$work/src/sealbond-$version"
poor_headers

check "add" in_private add -m sealbond -v "$version"
check "status is added" status_says ': added'
check "a kernel that lacks an option is refused, the option named" refused_by_name
check "build for $kernel" for_kernel build --kernelsourcedir "$headers"
check "status is built" status_says ': built'
check "install" for_kernel install --kernelsourcedir "$headers"
check "status is installed" status_says ': installed'
check "what is installed is $version for that kernel" installed_fits
check "uninstall" for_kernel uninstall
check "nothing is installed any more" not_installed
check "install again" for_kernel install --kernelsourcedir "$headers"
check "remove" in_private remove -m sealbond -v "$version" --all --no-depmod
check "nothing is installed any more" not_installed
check "DKMS knows nothing of it" tree_is_empty
check "status is empty" status_is_empty

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
