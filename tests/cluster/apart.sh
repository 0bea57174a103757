#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# apart.sh --kills N NAME...: run.py NAME for each, in network and mount namespaces that end with it. All are run,
# whatever became of those before. Exit: 0 when all passed.
set -uo pipefail

cd "$(dirname "$0")/../.." || exit 1
options=("$1" "$2")
shift 2
if ! why=$(unshare --net --mount true 2>&1); then
	printf 'skipped: %s: no network namespaces: %s. Run it as root\n' "$*" "$why"
	printf '0 passed, 0 failed, %d skipped\n' $#
	exit 0
fi
status=0
for name; do
	unshare --net --mount tests/cluster/run.py "${options[@]}" "$name" || status=1
done
exit "$status"
