#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The commands of docs/cluster.md on one machine: four validators made, an endpoint and a fifth node added, a dead one
# replaced, an upgrade's restart. Its units are started by hand, as they stand in their files.
#   tests/cluster/operator.sh [DIRECTORY]
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=$PWD/build
dir=${1:-$(mktemp -d)}
export PATH=$bin:$PATH SEALBOND_LEDGER=$dir/plant/ledger.conf
declare -A comet ledgerd

say() { echo "--- $*"; }
rpc() { echo $((26657 + 10 * ($1 - 1))); }
ask() { curl -s "http://127.0.0.1:$(rpc "$1")/$2"; }
field() { python3 -c "import json,sys; d=json.load(sys.stdin)
for k in sys.argv[1].split('.'): d=d[int(k) if k.isdigit() else k]
print(d)" "$1"; }
height() { ask "$1" status | field result.sync_info.latest_block_height 2>/dev/null || echo 0; }
until_true() { for _ in $(seq 600); do if "$@"; then return 0; fi; sleep 0.2; done; echo "not: $*" >&2; exit 1; }
is_above() { [ "$(height "$1")" -gt "$2" ]; }

# shellcheck disable=SC2317
finish() { for pid in "${comet[@]}" "${ledgerd[@]}"; do kill "$pid" 2>/dev/null || true; done; wait; }
trap finish EXIT

start_ledgerd() {
	sealbond-ledgerd run --home "$dir/run$1/ledger" --abci "unix://$dir/run$1/abci.sock" --snapshot-every 100 \
		2>>"$dir/run$1/ledgerd.log" &
	ledgerd[$1]=$!
	until_true test -S "$dir/run$1/abci.sock"
}
start_comet() {
	cometbft start --home "$dir/run$1/comet" --proxy_app "unix://$dir/run$1/abci.sock" >>"$dir/run$1/comet.log" 2>&1 &
	comet[$1]=$!
}
start() { # NUMBER DIRECTORY: section 2
	mkdir -p "$dir/run$1/ledger" "$dir/run$1/comet"
	cp -a "$2/ledger/." "$dir/run$1/ledger/"
	cp -a "$2/comet/." "$dir/run$1/comet/"
	# blocks without a transaction, so that heights grow while this looks on
	sed -i 's/^create_empty_blocks_interval = .*/create_empty_blocks_interval = "0s"/; s/^timeout_commit = .*/timeout_commit = "50ms"/' \
		"$dir/run$1/comet/config/config.toml"
	start_ledgerd "$1"
	start_comet "$1"
}
decide() { # FILE: by three of four members
	local proposal
	proposal=$(sealbond member propose "$1" --key "$dir/plant/people/member1.key" --json | field transaction)
	sealbond member proposals >/dev/null
	sealbond member vote "$proposal" --key "$dir/plant/people/member2.key" >/dev/null
	sealbond member vote "$proposal" --key "$dir/plant/people/member3.key" >/dev/null
}

say "1. make it"
sealbond cluster init --out "$dir/plant" --chain plant-7 --validators 4 >/dev/null
say "2. start it"
for n in 1 2 3 4; do start "$n" "$dir/plant/node$n"; done
until_true is_above 1 3
sealbond ledger status | head -3
say "3. an endpoint"
echo '{"title": "an endpoint in the north", "changes": [{"endpoint": {"name": "north", "url": "http://127.0.0.1:26697"}}]}' \
	>"$dir/north.json"
decide "$dir/north.json"
sealbond ledger show endpoints --json | field record.endpoints | grep -o 26697
say "4. add one"
until_true is_above 1 105
peers=$(for n in 1 2; do echo "$(ask $n status | field result.node_info.id)@127.0.0.1:$((26656 + 10 * (n - 1)))"; done | paste -sd,)
trusted=$(ask 1 commit)
sealbond cluster join --out "$dir/node5" --chain plant-7 --nodes 127.0.0.1:26696:26697 --genesis "$dir/plant/genesis.json" \
	--peers "$peers" --sync 127.0.0.1:26657,127.0.0.1:26667 --json \
	--trust-height "$(field result.signed_header.header.height <<<"$trusted")" \
	--trust-hash "$(field result.signed_header.commit.block_id.hash <<<"$trusted")" >"$dir/join.json"
start 5 "$dir/node5"
until_true is_above 5 100
echo "node 5 has taken a snapshot and follows at height $(height 5)"
say "5. replace a dead one"
kill "${comet[2]}" "${ledgerd[2]}"
wait "${comet[2]}" "${ledgerd[2]}" || true
unset "comet[2]" "ledgerd[2]"
old=$(python3 -c "import json,base64; k=json.load(open('$dir/plant/node2/comet/config/priv_validator_key.json'));
print(base64.b64decode(k['pub_key']['value']).hex())")
new=$(field validator <"$dir/join.json")
echo "{\"title\": \"node 5 for node 2\", \"changes\": [{\"validator\": {\"key\": \"$new\", \"power\": 10, \"name\": \"node 5\"}},
	{\"validator\": {\"key\": \"$old\", \"power\": 0}}]}" >"$dir/replace.json"
decide "$dir/replace.json"
until_true is_above 1 $(($(height 1) + 3))
[ "$(ask 1 validators | field result.total)" = 4 ]
ask 5 status | field result.validator_info.voting_power
say "7. upgrade: a restart of node 1"
kill "${ledgerd[1]}"
wait "${ledgerd[1]}" "${comet[1]}" || true	# systemd ends CometBFT with it, and starts both again
start_ledgerd 1
start_comet 1
until_true is_above 1 $(($(height 3) + 3))
say "8. backup: what section 8 names is there"
for file in "$dir"/run1/comet/config/priv_validator_key.json "$dir"/run1/comet/config/node_key.json "$dir"/run1/ledger/grant_key.pem \
	"$dir"/plant/people/member1.key "$dir"/plant/genesis.json "$dir"/plant/device.conf "$dir"/plant/grant_keys/node1.pem; do
	test -s "$file"
done
sealbond incident list | head -1
say "done"
