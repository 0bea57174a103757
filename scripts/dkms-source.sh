#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# dkms-source.sh DIR: what DKMS builds the module from, copied into DIR. DIR is made new.
set -euo pipefail

dir=${1:?usage: dkms-source.sh DIR}
top=$(cd "$(dirname "$0")/.." && pwd)
rm -rf "$dir"
mkdir -p "$dir/kmod" "$dir/scripts"
cp "$top/Kbuild" "$top/dkms.conf" "$top/LICENSE" "$dir"
cp -r "$top/include" "$dir"
cp "$top"/kmod/*.[ch] "$dir/kmod"
cp "$top/scripts/check-config.sh" "$dir/scripts"
install -D -m 644 "$top/LICENSES/GPL-2.0-only.txt" "$dir/LICENSES/GPL-2.0-only.txt"
