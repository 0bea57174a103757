#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# initramfs-test.sh KVER MODULES_DIR MODULE: makes initramfs with the distribution's own initramfs-tools and dracut,
# and looks whether they hold what sealbond early needs, and run it where they must.
#
# It needs root, debootstrap and the archive: the tools work in a small system of their own, build/initramfs-root,
# which is made once. INITRAMFS_ROOT names another one.
set -euo pipefail

cd "$(dirname "$0")/.."
kver=$1 modules=$2 module=$3
root=${INITRAMFS_ROOT:-$PWD/build/initramfs-root}
passed=0 failed=0

check() {
	local words=$1
	shift
	if "$@" >"$root/tmp/out" 2>&1; then
		passed=$((passed + 1))
		printf 'ok    initramfs: %s\n' "$words"
	else
		failed=$((failed + 1))
		printf 'FAIL  initramfs: %s\n' "$words"
		tail -n 20 "$root/tmp/out" | sed 's/^/        /'
	fi
}

not() {
	! "$@"
}

inside() {
	chroot "$root" "$@"
}

make_root() {
	local suite mirror
	# shellcheck source=/dev/null
	suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
	# shellcheck disable=SC2016
	mirror=${SEALBOND_MIRROR:-$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
		awk '!/-security/ { print $2; exit }')}
	[ -e "$root/usr/sbin/mkinitramfs" ] && [ -e "$root/usr/bin/dracut" ] && return
	rm -rf "$root"
	debootstrap --variant=minbase \
		--include=initramfs-tools,dracut-core,udev,systemd,kmod,busybox-static,cpio,zstd,libnl-3-200,libnl-genl-3-200,libssl3 \
		"$suite" "$root" "$mirror"
}

# The kernel's modules, ours among them, a configuration, and what make install installs.
fill_root() {
	mkdir -p "$root/lib/modules/$kver/updates" "$root/boot" "$root/etc/sealbond" "$root/etc/default"
	cp -a "$modules/." "$root/lib/modules/$kver/"
	cp "$(dirname "$modules")/../../boot/config-$kver" "$root/boot/"
	objcopy --strip-debug "$module" "$root/lib/modules/$kver/updates/sealbond.ko"
	depmod -b "$root" "$kver"
	make -s install-user DESTDIR="$root"
	# what a guest of the tests needs to find its disk
	echo MODULES=list >"$root/etc/initramfs-tools/conf.d/sealbond-test"
	printf '%s\n' virtio_pci virtio_blk virtio_net virtio_console ext4 crc32c_generic >"$root/etc/initramfs-tools/modules"
	rm -f "$root/tmp/release.pem" "$root/tmp/release.pub.pem" "$root/etc/default/sealbond"
	inside sealbond release key --out /tmp/release.pem >/dev/null
	mv "$root/tmp/release.pub.pem" "$root/etc/sealbond/"
	sed 's/^mode = .*/mode = enforce\nlock = yes/' docs/examples/sealbond.conf >"$root/etc/sealbond/sealbond.conf"
}

# holds LIST PATTERN...: each is in the list of files.
holds() {
	local list=$1 pattern
	shift
	for pattern in "$@"; do
		grep -qE "$pattern" "$list" || {
			echo "no $pattern"
			return 1
		}
	done
}

# before FILE A B: A stands before B.
before() {
	awk -v a="$2" -v b="$3" 'index($0, a) && !seen { first = 1 } index($0, b) { seen = 1 } END { exit !(first && seen) }' "$1"
}

contents=('etc/sealbond/sealbond\.conf' 'etc/sealbond/release\.pub\.pem' 'usr/bin/sealbond$' 'updates/sealbond\.ko'
	'curve25519' 'bin/modprobe( |$)' 'libnl-genl-3')

make_root
fill_root
mount --bind /proc "$root/proc"
trap 'umount "$root/proc"' EXIT

check "initramfs-tools makes one without early=yes" inside mkinitramfs -o /tmp/plain.img "$kver"
inside lsinitramfs /tmp/plain.img >"$root/tmp/list"
check "it has nothing that would run" not grep -qE 'bin/sealbond$|sealbond\.ko|etc/sealbond' "$root/tmp/list"
echo early=yes >"$root/etc/default/sealbond"
check "initramfs-tools makes one with it" inside mkinitramfs -o /tmp/early.img "$kver"
inside lsinitramfs /tmp/early.img >"$root/tmp/list"
check "it holds program, module, configuration and key" holds "$root/tmp/list" "${contents[@]}"
rm -rf "$root/tmp/unpacked"
inside unmkinitramfs /tmp/early.img /tmp/unpacked
init_top=$(find "$root/tmp/unpacked" -path '*init-top/ORDER')
check "phase one runs before udev" before "$init_top" init-top/sealbond init-top/udev
check "phase two runs with the root mounted" grep -q init-bottom/sealbond "${init_top/init-top/init-bottom}"
check "the configuration is the device's, byte for byte" cmp "$root/etc/sealbond/sealbond.conf" \
	"$(find "$root/tmp/unpacked" -path '*etc/sealbond/sealbond.conf')"

check "dracut makes one" inside dracut -N -f --no-compress /tmp/dracut.img "$kver"
inside lsinitrd /tmp/dracut.img >"$root/tmp/list" 2>/dev/null
check "it holds program, module, configuration and key" holds "$root/tmp/list" "${contents[@]}"
check "and the hooks in their places" holds "$root/tmp/list" hooks/pre-udev/10-sealbond-setup \
	hooks/pre-pivot/90-sealbond-keys

sed -i 's/^lock = .*/lock = maybe/' "$root/etc/sealbond/sealbond.conf"
check "with a wrong configuration initramfs-tools makes none" not inside mkinitramfs -o /tmp/wrong.img "$kver"
cp "$root/tmp/out" "$root/tmp/said"
check "and says the line" grep -q 'sealbond.conf:.*lock = maybe' "$root/tmp/said"
check "nor does dracut" not inside dracut -N -f --no-compress /tmp/wrong-dracut.img "$kver"
sed -i 's/^lock = .*/lock = yes/' "$root/etc/sealbond/sealbond.conf"
rm "$root/lib/modules/$kver/updates/sealbond.ko"
depmod -b "$root" "$kver"
check "without the module initramfs-tools makes none" not inside mkinitramfs -o /tmp/wrong.img "$kver"
check "nor does dracut" not inside dracut -N -f --no-compress /tmp/wrong-dracut.img "$kver"

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
