#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# The guest's start. guest_name, guest_disk, guest_clock, guest_early (run sealbond early as an initramfs does) and
# guest_without_module come from the kernel's command line.
# shellcheck disable=SC2154
export PATH=/usr/sbin:/usr/bin HOME=/root TERM=dumb
busybox mount -t devtmpfs dev /dev
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t securityfs securityfs /sys/kernel/security
busybox mount -t debugfs debugfs /sys/kernel/debug
busybox mount -t tmpfs tmpfs /tmp
busybox mount -t tmpfs tmpfs /run
busybox mkdir /dev/pts /dev/shm
busybox mount -t devpts devpts /dev/pts
busybox hostname "$guest_name"
busybox ip link set lo up
[ -z "$guest_clock" ] || busybox date -s "$guest_clock 00:00" > /dev/null
while read -r module; do
	busybox insmod "$module"
done < /etc/modules.boot
[ -z "$guest_without_module" ] || busybox rm "$(modinfo -n sealbond)"
[ -z "$guest_early" ] || sealbond early --json > /run/early-setup.json 2> /run/early-setup.log
if [ -n "$guest_disk" ]; then
	while read -r module; do
		busybox insmod "$module"
	done < /etc/modules.disk
	for serial in /sys/block/*/serial; do
		read -r name < "$serial" || [ -n "$name" ] || continue
		[ "$name" = state ] || continue
		device=${serial#/sys/block/}
		busybox mount -t ext4 "/dev/${device%/serial}" /var/lib/sealbond
	done
fi
# what root of the boot before has left in the real root's fstab, which nothing measures
[ ! -e /var/lib/sealbond/fstab ] || busybox cp /var/lib/sealbond/fstab /etc/fstab
[ -z "$guest_early" ] || sealbond early --keys --json > /run/early-keys.json 2> /run/early-keys.log
# what a device's own services do, with nobody there
[ ! -e /etc/guest-service ] || sh /etc/guest-service &
exec /usr/sbin/agent
