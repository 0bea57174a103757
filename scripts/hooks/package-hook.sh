#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# In /etc/kernel/postinst.d and postrm.d, and in /etc/initramfs/post-update.d: last, when the image is in its place.
[ ! -x @LIBEXECDIR@/check-next ] || @LIBEXECDIR@/check-next
exit 0
