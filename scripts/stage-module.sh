#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stage-module.sh DIR: link what the kernel's build needs into DIR, so that its objects land there.
set -euo pipefail

dir=${1:?usage: stage-module.sh DIR}
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$dir/kmod"
ln -sfn "$root/Kbuild" "$dir/Kbuild"
ln -sfn "$root/include" "$dir/include"
for file in "$root"/kmod/*.[ch]; do
	ln -sfn "$file" "$dir/kmod/${file##*/}"
done
# A source that is gone must not be built from an old link.
find "$dir/kmod" -xtype l -delete
