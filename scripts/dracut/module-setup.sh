#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# dracut.modules(7): puts into the initramfs what "sealbond early" needs. Only with early=yes in
# /etc/default/sealbond: a device that has not asked for it boots as before.
# dracut calls these functions, and gives them their variables.
# shellcheck disable=SC2154

check() {
	local early=
	# shellcheck source=/dev/null
	[ ! -r "${dracutsysrootdir:-}/etc/default/sealbond" ] || . "${dracutsysrootdir:-}/etc/default/sealbond"
	[ "$early" = yes ] || return 255
	require_binaries @BINDIR@/sealbond modprobe
}

depends() {
	return 0
}

# What would close every interface at the next boot is told now instead: then no initramfs is made.
installkernel() {
	hostonly='' instmods -c sealbond || {
		dfatal "sealbond: early=yes, and there is no module sealbond for kernel $kernel"
		exit 1
	}
}

install() {
	local files file
	files=$(@BINDIR@/sealbond early --files) || {
		dfatal "sealbond: early=yes, and the configuration is wrong"
		exit 1
	}
	inst_multiple @BINDIR@/sealbond modprobe
	for file in $files; do
		inst_simple "$file"
	done
	inst_hook pre-udev 10 "$moddir/sealbond-setup.sh"
	inst_hook pre-pivot 90 "$moddir/sealbond-keys.sh"
}
