#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A plugin of kernel-install(8): COMMAND KERNEL_VERSION ENTRY_DIRECTORY [KERNEL_IMAGE [INITRD...]]. It adds
# nothing; it runs last and says whether what boots next is approved.
case $1 in
add | remove) [ ! -x @LIBEXECDIR@/check-next ] || @LIBEXECDIR@/check-next ;;
esac
exit 0
