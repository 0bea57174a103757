#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# dracut, pre-udev: enforcement, before udev finds the first network card. A failure is told on the console and
# in /run/sealbond/held, and the boot goes on with its interfaces closed. dracut sources this file.
mkdir -p /run/sealbond
@BINDIR@/sealbond early --json >/run/sealbond/early-setup.json || :
