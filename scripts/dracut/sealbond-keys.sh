#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# dracut, pre-pivot: the keys, with the real root mounted and nothing of it run yet. dracut sources this file.
@BINDIR@/sealbond early --keys --root "${NEWROOT:-/sysroot}" --json >/run/sealbond/early-keys.json || :
