#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# check-next: after an update of kernel, initramfs or boot loader, says whether the coming boot is approved.
#
# Package managers run it, so it never fails, speaks on stderr alone and asks nothing. Without a configuration
# (an image that is being built, say) it is silent. next_image in /etc/default/sealbond names the file that
# boots next, where that is not EFI/BOOT/BOOTX64.EFI.
exec </dev/null >&2

[ -e /etc/sealbond/sealbond.conf ] || exit 0
command -v sealbond >/dev/null || exit 0

next_image=
# shellcheck source=/dev/null
[ ! -r /etc/default/sealbond ] || . /etc/default/sealbond

# A TPM or a disk that hangs must not hang the update.
if [ -n "$next_image" ]; then
	said=$(timeout 120 sealbond release check --image "$next_image" 2>&1)
else
	said=$(timeout 120 sealbond release check 2>&1)
fi
code=$?

warn() {
	echo "*******************************************************************************"
	echo "*** sealbond: $1"
	printf '%s\n' "$said" | sed 's/^/*** /'
	echo "*******************************************************************************"
	if command -v logger >/dev/null; then
		logger -t sealbond -p daemon.warning "$1" || true
	fi
}

case $code in
0) echo "sealbond: $said" ;;
17) warn "boot-unapproved-next: DO NOT REBOOT before the new boot is approved" ;;
*) warn "cannot tell whether the next boot is approved (exit code $code)" ;;
esac
exit 0
