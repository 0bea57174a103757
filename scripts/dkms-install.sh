#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# dkms-install.sh [DESTDIR]: puts the module's sources into /usr/src and lets DKMS build and install
# them for the running kernel, and for each one that comes later. With DESTDIR: the sources only.
set -euo pipefail

destdir=${1:-}
top=$(cd "$(dirname "$0")/.." && pwd)
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' "$top/dkms.conf")
source=$destdir/usr/src/sealbond-$version

if [ -n "$destdir" ]; then
	"$top/scripts/dkms-source.sh" "$source"
	exit 0
fi
"$top/scripts/check-config.sh"
if [ -n "$(dkms status "sealbond/$version")" ]; then
	dkms remove "sealbond/$version" --all
fi
"$top/scripts/dkms-source.sh" "$source"
dkms add "sealbond/$version"
dkms install "sealbond/$version"
