#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs what building and testing need, on Debian 12 or 13, amd64.
#
# Run as often as you like: with everything there it asks dpkg and does nothing else.
# The host keeps its own kernel. The one that the test guests boot is only unpacked, below
# build/kernel/, in the version of the installed linux-headers, so that a module built here
# loads there.
#
# SEALBOND_KERNEL_SUITE=trixie (or bookworm-backports, ...) unpacks that suite's kernel into
# build/kernel-trixie/ as well.
#
# setup.sh cometbft makes build/cometbft instead: CometBFT's own program, for tests of the ledger,
# from the Go modules that tests/cluster/cometbft/ names with their checksums.

set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$top/build

die() {
	printf 'setup: %s\n' "$*" >&2
	exit 1
}

say() {
	printf 'setup: %s\n' "$*"
}

# as_root COMMAND...: by sudo where we are not root.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "installing packages needs root: run as root, or install sudo (wanted: $*)"
	fi
}

debian_release() {
	local id version
	# shellcheck source=/dev/null
	id=$(. /etc/os-release && echo "${ID:-}")
	# shellcheck source=/dev/null
	version=$(. /etc/os-release && echo "${VERSION_ID:-}")
	[ "$id" = debian ] || die "this is '$id'; the project is built and tested on Debian 12 and 13"
	case $version in
	12 | 13) echo "$version" ;;
	*) die "this is Debian '$version'; the project is built and tested on Debian 12 and 13" ;;
	esac
}

# packages RELEASE: the names, one a line.
packages() {
	local clang_rt
	case $1 in
	12) clang_rt=libclang-rt-14-dev ;;
	13) clang_rt=libclang-rt-19-dev ;;
	esac
	printf '%s\n' \
		build-essential bc bison flex libelf-dev dkms kmod pkg-config git \
		libtss2-dev libnl-3-dev libnl-genl-3-dev libnl-route-3-dev libseccomp-dev \
		libjson-c-dev libevent-dev libssl-dev libsodium-dev liblmdb-dev libcmocka-dev \
		libprotobuf-c-dev protobuf-c-compiler libsecp256k1-dev libmicrohttpd-dev libcurl4-openssl-dev \
		sparse clang clang-tidy "$clang_rt" shellcheck \
		qemu-system-x86 ovmf systemd-boot-efi swtpm swtpm-tools vde2 busybox-static \
		debootstrap mtools dosfstools e2fsprogs cpio zstd xz-utils python3 \
		iproute2 iputils-ping nftables ethtool iperf3 tcpdump strace wireguard-tools tpm2-tools
}

is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

apt_updated=no

apt_update() {
	[ "$apt_updated" = no ] || return 0
	as_root apt-get update -q
	apt_updated=yes
}

# install_missing PACKAGE...: no apt at all when none is missing.
install_missing() {
	local package missing=()
	for package in "$@"; do
		is_installed "$package" || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	say "installing: ${missing[*]}"
	apt_update
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# foreign_apt SUITE DIR: apt lists of another suite, in a directory of their own; the system's
# are untouched. Prints the options that make apt use them.
foreign_apt() {
	local suite=$1 dir=$2 mirror=${SEALBOND_MIRROR:-}
	# the archive that the system itself has its packages from
	# shellcheck disable=SC2016
	[ -n "$mirror" ] || mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
		awk '!/-security/ { print $2; exit }')
	[ -n "$mirror" ] || die "apt has no source of Debian's main archive; name one by SEALBOND_MIRROR="
	mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/empty"
	printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
		"$mirror" "$suite" >"$dir/sources.list"
	printf '%s\n' -o "Dir::Etc::SourceList=$dir/sources.list" -o "Dir::Etc::SourceParts=$dir/empty" \
		-o "Dir::Etc::PreferencesParts=$dir/empty" \
		-o "Dir::State::Lists=$dir/lists" -o "Dir::Cache=$dir" -o "Dir::Cache::Archives=$dir/archives" \
		-o "APT::Default-Release="
}

# newest_image APT_OPTION...: the package that linux-image-amd64 stands for.
newest_image() {
	apt-cache "$@" --no-all-versions show linux-image-amd64 2>/dev/null |
		sed -n 's/^Depends: \(.*, \)\?\(linux-image-[^ ,]*\).*/\2/p' | head -n 1
}

# guest_kernel DEST [SUITE]: unpacks the kernel's image package into DEST, without installing it,
# and writes DEST/version. Without SUITE it is the system's own, else that suite's.
guest_kernel() {
	local dest=$1 suite=${2:-} options=() parts=() image work deb
	if [ -s "$dest/version" ] && [ -d "$dest/lib/modules/$(cat "$dest/version")" ]; then
		return 0
	fi
	if [ -n "$suite" ]; then
		mapfile -t options < <(foreign_apt "$suite" "$dest.apt")
		# none would mean the system's own lists
		[ ${#options[@]} -gt 0 ] || exit 1
		apt-get "${options[@]}" update -q
	fi
	image=$(newest_image "${options[@]}")
	if [ -z "$image" ] && [ -z "$suite" ]; then
		apt_update
		image=$(newest_image)
	fi
	[ -n "$image" ] || die "apt knows no linux-image-amd64${suite:+ in $suite}"
	say "unpacking $image into ${dest#"$top"/}/"
	work=$dest.new
	rm -rf "$work"
	mkdir -p "$work/deb" "$work/root"
	if ! (cd "$work/deb" && apt-get "${options[@]}" -q download "$image"); then
		[ -z "$suite" ] || die "cannot download $image"
		# the package lists may be older than the archive
		apt_update
		image=$(newest_image)
		(cd "$work/deb" && apt-get -q download "$image") || die "cannot download $image"
	fi
	# newer ones have the kernel and its modules in packages of their own
	mapfile -t parts < <(dpkg-deb -f "$work"/deb/*.deb Depends | tr ',' '\n' |
		awk '$1 ~ /^linux-(base|binary|modules)-/ { print $1 }')
	[ ${#parts[@]} -eq 0 ] || (cd "$work/deb" && apt-get "${options[@]}" -q download "${parts[@]}") ||
		die "cannot download ${parts[*]}"
	for deb in "$work"/deb/*.deb; do
		dpkg-deb -x "$deb" "$work/root"
	done
	# from Debian 13 on the modules are below usr/
	[ -e "$work/root/lib" ] || ln -s usr/lib "$work/root/lib"
	# and later the kernel beside them
	if [ ! -e "$work/root/boot/vmlinuz-${image#linux-image-}" ]; then
		mkdir -p "$work/root/boot"
		ln -s "../lib/modules/${image#linux-image-}/vmlinuz" "$work/root/boot/vmlinuz-${image#linux-image-}"
	fi
	depmod -b "$work/root" "${image#linux-image-}"
	echo "${image#linux-image-}" >"$work/root/version"
	rm -rf "$dest"
	mv "$work/root" "$dest"
	rm -rf "$work"
}

# go_root RELEASE: prints the GOROOT of a Go that is new enough. Debian 12's own is too old: the one of its
# backports is unpacked into build/go/, not installed.
go_root() {
	local dest=$build/go options=() deb
	if [ "$1" != 12 ]; then
		install_missing golang-go >&2
		go env GOROOT
		return
	fi
	if [ ! -x "$dest/usr/lib/go-1.23/bin/go" ]; then
		mapfile -t options < <(foreign_apt bookworm-backports "$dest.apt")
		[ ${#options[@]} -gt 0 ] || exit 1
		say "unpacking golang-1.23 into ${dest#"$top"/}/" >&2
		apt-get "${options[@]}" update -q >&2
		rm -rf "$dest" "$dest.new"
		mkdir -p "$dest.new/deb"
		(cd "$dest.new/deb" && apt-get "${options[@]}" -q download golang-1.23-go golang-1.23-src) >&2 ||
			die "cannot download golang-1.23"
		for deb in "$dest.new"/deb/*.deb; do
			dpkg-deb -x "$deb" "$dest.new"
		done
		rm -rf "$dest.new/deb"
		mv "$dest.new" "$dest"
	fi
	printf '%s\n' "$dest/usr/lib/go-1.23"
}

# cometbft RELEASE: what go.sum does not name is not taken, and no toolchain but this one.
cometbft() {
	local root
	root=$(go_root "$1")
	say "building build/cometbft, which takes some minutes"
	(cd "$top/tests/cluster/cometbft" && env -u GOFLAGS GOROOT="$root" GOTOOLCHAIN=local CGO_ENABLED=0 \
		"$root/bin/go" build -mod=readonly -trimpath -ldflags '-s -w' -o "$build/cometbft" \
		github.com/cometbft/cometbft/cmd/cometbft) || die "CometBFT cannot be built"
}

main() {
	local release version wanted
	[ "$(dpkg --print-architecture)" = amd64 ] || die "amd64 only"
	release=$(debian_release)
	if [ "${1:-}" = cometbft ]; then
		mkdir -p "$build"
		cometbft "$release"
		return
	fi
	mapfile -t wanted < <(packages "$release")
	install_missing "${wanted[@]}"

	guest_kernel "$build/kernel"
	version=$(cat "$build/kernel/version")
	install_missing "linux-headers-$version"
	say "guest kernel $version, headers in /usr/src/linux-headers-$version"

	if [ -n "${SEALBOND_KERNEL_SUITE:-}" ]; then
		guest_kernel "$build/kernel-$SEALBOND_KERNEL_SUITE" "$SEALBOND_KERNEL_SUITE"
		say "also $(cat "$build/kernel-$SEALBOND_KERNEL_SUITE/version"), from $SEALBOND_KERNEL_SUITE"
	fi
}

main "$@"
