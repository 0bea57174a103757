// SPDX-License-Identifier: Apache-2.0
/* The files of each node: CometBFT's configuration and keys, the genesis, systemd's units. */
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/people/cluster.h"
#include "common/cleanup.h"
#include "common/file.h"
#include "common/parse.h"

#define KEY64	(sodium_base64_ENCODED_LEN(64, sodium_base64_VARIANT_ORIGINAL))
/* Larger ones take longer than a round to make and to pass on where everybody is busy. */
#define BLOCK_BYTES	1048576

static int write_file(struct cluster *cluster, size_t node, const char *name, mode_t mode, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

static int write_file(struct cluster *cluster, size_t node, const char *name, mode_t mode, const char *format, ...)
{
	char path[PATH_MAX], *text = NULL;
	int code = cluster_path(cluster, node, name, path), length, rc;
	va_list arguments;

	if (code)
		return code;
	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		abort();
	rc = sb_file_create(path, text, (size_t)length, mode);
	sodium_memzero(text, (size_t)length);
	free(text);
	return rc ? cli_fail(cluster->people.cli, cli_code_of(rc), "%s: %s", path, strerror(-rc)) : 0;
}

static const char *base64(char room[KEY64], const void *data, size_t length)
{
	return sodium_bin2base64(room, KEY64, data, length, sodium_base64_VARIANT_ORIGINAL);
}

static void address_of(const struct cluster_node *node, char hex[2 * SB_CHAIN_ADDRESS_LEN + 1])
{
	for (size_t i = 0; i < SB_CHAIN_ADDRESS_LEN; i++)
		snprintf(hex + 2 * i, 3, "%02X", node->validator.address[i]);
}

static int write_keys(struct cluster *cluster, size_t i)
{
	struct cluster_node *node = &cluster->node[i];
	char address[2 * SB_CHAIN_ADDRESS_LEN + 1], public[KEY64], secret[KEY64];
	int code;

	address_of(node, address);
	base64(public, node->validator.key, 32);
	base64(secret, node->validator_secret, 64);
	code = write_file(cluster, i, "comet/config/priv_validator_key.json", 0600,
			  "{\n  \"address\": \"%s\",\n  \"pub_key\": {\n    \"type\": \"tendermint/PubKeyEd25519\",\n"
			  "    \"value\": \"%s\"\n  },\n  \"priv_key\": {\n    \"type\": \"tendermint/PrivKeyEd25519\",\n"
			  "    \"value\": \"%s\"\n  }\n}\n", address, public, secret);
	base64(secret, node->node_secret, 64);
	if (!code)
		code = write_file(cluster, i, "comet/config/node_key.json", 0600,
				  "{\"priv_key\":{\"type\":\"tendermint/PrivKeyEd25519\",\"value\":\"%s\"}}\n", secret);
	sodium_memzero(secret, sizeof(secret));
	if (!code)
		code = write_file(cluster, i, "comet/data/priv_validator_state.json", 0600,
				  "{\n  \"height\": \"0\",\n  \"round\": 0,\n  \"step\": 0\n}\n");
	return code;
}

/* Everyone but itself, as id@host:port. */
static char *peers_of(struct cluster *cluster, size_t self)
{
	char *text = NULL;
	size_t length;
	FILE *stream = open_memstream(&text, &length);

	if (!stream)
		abort();
	if (cluster->joins)
		fputs(cluster->peers, stream);
	for (size_t i = 0, first = 1; i < cluster->count; i++) {
		if (i == self)
			continue;
		fprintf(stream, "%s%s@%s:%u", first ? "" : ",", cluster->node[i].id, cluster->node[i].host,
			cluster->node[i].p2p);
		first = 0;
	}
	fclose(stream);
	return text;
}

/* A node that joins takes a snapshot of the state, or executes all blocks. */
static char *sync_of(struct cluster *cluster)
{
	char *text = NULL;
	int length = cluster->sync ?
		asprintf(&text, "\n[statesync]\nenable = true\nrpc_servers = \"%s\"\ntrust_height = %s\ntrust_hash = \"%s\"\n"
			 "trust_period = \"168h0m0s\"\ndiscovery_time = \"5s\"\n", cluster->sync, cluster->trust_height, cluster->trust_hash) :
		asprintf(&text, "%s", "");

	if (length < 0)
		abort();
	return text;
}

/* What stands not here is CometBFT's own. */
static int write_config(struct cluster *cluster, size_t i)
{
	struct cluster_node *node = &cluster->node[i];
	sb_cleanup_free char *peers = peers_of(cluster, i), *sync = sync_of(cluster);
	bool local = strcmp(node->host, "127.0.0.1") == 0;

	return write_file(cluster, i, "comet/config/config.toml", 0644,
			  "# Node %zu of ledger %s\n"
			  "proxy_app = \"unix:///run/sealbond-ledger/abci.sock\"\nmoniker = \"node%zu\"\nabci = \"socket\"\n"
			  "\n[rpc]\nladdr = \"tcp://%s:%u\"\nmax_body_bytes = 1000000\n"
			  "# a device keeps up to three connections\nmax_open_connections = 20000\n"
			  "\n[p2p]\nladdr = \"tcp://%s:%u\"\nexternal_address = \"%s:%u\"\npersistent_peers = \"%s\"\n"
			  "# validators know each other by name, whatever their addresses are\n"
			  "addr_book_strict = false\nallow_duplicate_ip = %s\n"
			  "send_rate = 20480000\nrecv_rate = 20480000\nflush_throttle_timeout = \"10ms\"\n"
			  "\n[mempool]\n# the ledger's transactions are no longer\nmax_tx_bytes = 65536\nsize = 50000\n"
			  "max_txs_bytes = 67108864\ncache_size = 100000\n"
			  "\n[consensus]\n# a quiet ledger makes a block a minute, one with work at once\n"
			  "timeout_commit = \"200ms\"\ncreate_empty_blocks = true\ncreate_empty_blocks_interval = \"60s\"\n%s",
			  i + 1, cluster->chain, i + 1, local ? "127.0.0.1" : "0.0.0.0", node->rpc,
			  local ? "127.0.0.1" : "0.0.0.0", node->p2p, node->host, node->p2p, peers,
			  local ? "true" : "false", sync);
}

#define HARDENING \
	"User=sealbond-ledger\nDynamicUser=yes\nNoNewPrivileges=yes\nCapabilityBoundingSet=\nLimitCORE=0\n" \
	"ProtectSystem=strict\nProtectHome=yes\nPrivateTmp=yes\nPrivateDevices=yes\nProtectKernelTunables=yes\n" \
	"ProtectKernelModules=yes\nProtectControlGroups=yes\nRestrictNamespaces=yes\nRestrictSUIDSGID=yes\n" \
	"LockPersonality=yes\nSystemCallArchitectures=native\nRestrictAddressFamilies=AF_UNIX AF_INET AF_INET6\n"

static int write_units(struct cluster *cluster, size_t i)
{
	int code = write_file(cluster, i, "sealbond-ledgerd-abci.service", 0644,
			      "[Unit]\nDescription=Sealbond: the ledger's state behind CometBFT\nAfter=network.target\n"
			      "\n[Service]\nType=notify\nExecStart=/usr/sbin/sealbond-ledgerd run "
			      "--home /var/lib/sealbond-ledger-abci --abci unix:///run/sealbond-ledger/abci.sock\n"
			      "# 2: options that are wrong; 3: a home that a person has to look at\n"
			      "RestartPreventExitStatus=2 3\nRestart=always\nRestartSec=2\nTimeoutStopSec=60\n"
			      "StateDirectory=sealbond-ledger-abci\nStateDirectoryMode=0700\n"
			      "RuntimeDirectory=sealbond-ledger\nRuntimeDirectoryMode=0700\nMemoryDenyWriteExecute=yes\n"
			      HARDENING "\n[Install]\nWantedBy=multi-user.target\n");

	if (code)
		return code;
	return write_file(cluster, i, "sealbond-cometbft.service", 0644,
			  "[Unit]\nDescription=Sealbond: consensus of the ledger (CometBFT)\n"
			  "# when the state's process ends, so does this, and both come back\n"
			  "BindsTo=sealbond-ledgerd-abci.service\nAfter=sealbond-ledgerd-abci.service time-sync.target\n"
			  "\n[Service]\nExecStart=/usr/sbin/cometbft start --home /var/lib/sealbond-cometbft\n"
			  "Restart=always\nRestartSec=2\nTimeoutStopSec=60\nLimitNOFILE=65536\n"
			  "StateDirectory=sealbond-cometbft\nStateDirectoryMode=0700\n"
			  HARDENING "\n[Install]\nWantedBy=multi-user.target sealbond-ledgerd-abci.service\n");
}

static int write_readme(struct cluster *cluster, size_t i)
{
	struct cluster_node *node = &cluster->node[i];

	return write_file(cluster, i, "README", 0644,
			  "Node %zu of ledger %s: %s, ports %u (other validators) and %u (devices, people).\n\n"
			  "  mkdir -p /var/lib/private/sealbond-ledger-abci /var/lib/private/sealbond-cometbft\n"
			  "  cp -a ledger/. /var/lib/private/sealbond-ledger-abci/\n"
			  "  cp -a comet/. /var/lib/private/sealbond-cometbft/\n"
			  "  cp *.service /etc/systemd/system/\n"
			  "  systemctl daemon-reload\n"
			  "  systemctl enable --now sealbond-ledgerd-abci sealbond-cometbft\n\n"
			  "Secret: comet/config/priv_validator_key.json signs blocks; it must never run in two places.\n"
			  "ledger/grant_key.pem signs grants. docs/cluster.md tells the rest.\n",
			  i + 1, cluster->chain, node->host, node->p2p, node->rpc);
}

/* The chain's, the same for all; CometBFT's form (types/genesis.go). */
static char *genesis_of(struct cluster *cluster, const char *app_state)
{
	char *text = NULL, public[KEY64], address[2 * SB_CHAIN_ADDRESS_LEN + 1], when[32];
	time_t now = time(NULL);
	struct tm utc;
	size_t length;
	FILE *stream = open_memstream(&text, &length);

	if (!stream || !gmtime_r(&now, &utc))
		abort();
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc);
	fprintf(stream, "{\"genesis_time\":\"%s\",\"chain_id\":\"%s\",\"initial_height\":\"%" PRIu64 "\",\"consensus_params\":"
		"{\"block\":{\"max_bytes\":\"%d\",\"max_gas\":\"-1\"},\"evidence\":{\"max_age_num_blocks\":\"100000\","
		"\"max_age_duration\":\"172800000000000\",\"max_bytes\":\"1048576\"},\"validator\":{\"pub_key_types\":"
		"[\"ed25519\"]},\"version\":{\"app\":\"1\"},\"abci\":{\"vote_extensions_enable_height\":\"0\"}},"
		"\"validators\":[", when, cluster->chain, cluster->first, BLOCK_BYTES);
	for (size_t i = 0; i < cluster->count; i++) {
		address_of(&cluster->node[i], address);
		fprintf(stream, "%s{\"address\":\"%s\",\"pub_key\":{\"type\":\"tendermint/PubKeyEd25519\",\"value\":\"%s\"},"
			"\"power\":\"%" PRId64 "\",\"name\":\"node%zu\"}", i ? "," : "", address,
			base64(public, cluster->node[i].validator.key, 32), cluster->node[i].validator.power, i + 1);
	}
	fprintf(stream, "],\"app_hash\":\"\",\"app_state\":%s}\n", app_state);
	fclose(stream);
	return text;
}

static int by_address(const void *a, const void *b)
{
	return memcmp(((const struct sb_validator *)a)->address, ((const struct sb_validator *)b)->address,
		      SB_CHAIN_ADDRESS_LEN);
}

/* All have the same power: the chain's order is that of their addresses then. */
static void trust_of(struct cluster *cluster, char hex[SB_HEX_ROOM(32)])
{
	struct sb_validator list[CLUSTER_NODES_MAX];
	struct sb_validator_set set = { cluster->count, list, 0 };
	uint8_t hash[32];

	for (size_t i = 0; i < cluster->count; i++)
		list[i] = cluster->node[i].validator;
	qsort(list, cluster->count, sizeof(list[0]), by_address);
	sb_validator_set_hash(&set, hash);
	sb_format_hex(hex, hash, sizeof(hash));
}

/* Where trust begins: with the first validators; a chain that goes on with another's state has no block 1. */
static void trust_lines(struct cluster *cluster, char lines[512])
{
	char hex[SB_HEX_ROOM(32)];

	trust_of(cluster, hex);
	if (cluster->first == 1)
		snprintf(lines, 512, "trust_hash = %s\n", hex);
	else
		snprintf(lines, 512, "trust_height = %" PRIu64 "\n# once this block is there, the hash that /commit?height=%" PRIu64
			 " of two nodes says (signed_header.commit.block_id.hash):\n# trust_hash =\n",
			 cluster->first, cluster->first);
}

/* The ledger's id, and the name of the chain where that is another. */
static void name_lines(const struct cluster *cluster, char network[80])
{
	network[0] = '\0';
	if (strcmp(cluster->ledger, cluster->chain) != 0)
		snprintf(network, 80, "network = %s\n", cluster->chain);
}

/* What people's commands and devices need of it: not more endpoints than a light client takes. */
static int write_descriptions(struct cluster *cluster)
{
	char trust[512], network[80], endpoints[4096] = "", keys[1024] = "";
	size_t at = 0, key_at = 0;
	int code;

	trust_lines(cluster, trust);
	name_lines(cluster, network);
	for (size_t i = 0; i < cluster->count && i < 8; i++)
		at += (size_t)snprintf(endpoints + at, sizeof(endpoints) - at, "%shttp://%s:%u", i ? ", " : "",
				       cluster->node[i].host, cluster->node[i].rpc);
	for (size_t i = 0; i < cluster->count; i++)
		key_at += (size_t)snprintf(keys + key_at, sizeof(keys) - key_at, "%s/etc/sealbond/grant_keys/node%zu.pem",
					   i ? ", " : "", i + 1);
	code = write_file(cluster, CLUSTER_ALL, "ledger.conf", 0644,
			  "# What people's commands need of this ledger: sealbond --ledger FILE\n[ledger]\n"
			  "chain = %s\n%sendpoints = %s\n%s", cluster->ledger, network, endpoints, trust);
	if (code)
		return code;
	return write_file(cluster, CLUSTER_ALL, "device.conf", 0644,
			  "# of each device's sealbond.conf; grant_keys/ goes to the device as /etc/sealbond/grant_keys/\n"
			  "[device]\nchain = %s\n\n[ledger]\n%sendpoints = %s\n%s"
			  "# owner = the public part of the owner's key: sealbond owner key\n\n"
			  "[peers]\ngrant_keys = %s\nthreshold = %zu\n", cluster->ledger, network, endpoints, trust, keys,
			  (cluster->count - 1) / 3 + 1);
}

static int write_node(struct cluster *cluster, size_t i, const char *genesis)
{
	int code = write_keys(cluster, i);

	if (!code)
		code = write_config(cluster, i);
	if (!code)
		code = write_units(cluster, i);
	if (!code)
		code = write_readme(cluster, i);
	return code ? code : write_file(cluster, i, "comet/config/genesis.json", 0644, "%s", genesis);
}

int cluster_write_joining(struct cluster *cluster, const char *genesis)
{
	return write_node(cluster, 0, genesis);
}

int cluster_write(struct cluster *cluster, const char *app_state)
{
	sb_cleanup_free char *genesis = genesis_of(cluster, app_state);
	int code = 0;

	for (size_t i = 0; i < cluster->count && !code; i++)
		code = write_node(cluster, i, genesis);
	if (!code)
		code = write_descriptions(cluster);
	/* the last one: it says that everything is there */
	return code ? code : write_file(cluster, CLUSTER_ALL, "genesis.json", 0644, "%s", genesis);
}
