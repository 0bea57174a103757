// SPDX-License-Identifier: Apache-2.0
/* sealbond cluster: a ledger with several validators, each on a machine of its own. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "cli/people/cluster.h"
#include "cli/people/init.h"
#include "cli/release_key.h"
#include "common/cleanup.h"
#include "common/file.h"
#include "common/parse.h"
#include "common/security.h"
#include "common/sha256.h"
#include "state/genesis.h"
#include "state/message_json.h"

#define USAGE	"cluster init --out DIR --chain NAME --nodes HOST[:P2P[:RPC]],... [--name TEXT] [--bench]\n" \
		"           [--profile manufacturer|enrollers] [--root FILE.der,...]\n" \
		"           [--passphrase-file FILE] [--dry-run]\n" \
		"           [--state FILE --first-height N [--grant-key FILE]]   goes on with what sealbond ledger export\n" \
		"           has written, and the first node signs grants by the key that devices know\n" \
	"   or: sealbond cluster init --out DIR --chain NAME --validators N   on one machine, for trying out\n" \
	"   or: sealbond cluster join --out DIR --chain NAME --nodes HOST[:P2P[:RPC]] --genesis FILE\n" \
	"           --peers ID@HOST:PORT,... [--sync HOST:PORT,HOST:PORT --trust-height N --trust-hash HEX]"
#define P2P	26656
#define RPC	26657
#define POWER	10

static bool port_of(const char *text, uint16_t *port)
{
	uint64_t value;

	if (sb_parse_u64(text, &value) < 0 || !value || value > UINT16_MAX)
		return false;
	*port = (uint16_t)value;
	return true;
}

/* HOST[:P2P[:RPC]]; a host is a name or an IPv4 address. */
static bool take_node(struct cluster_node *node, char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
	char *host = strsep(&text, ":"), *p2p = strsep(&text, ":"), *rpc = text;

	node->p2p = P2P;
	node->rpc = RPC;
	if (!host[0] || strlen(host) >= sizeof(node->host) || host[strspn(host, allowed)])
		return false;
	strcpy(node->host, host);
	return (!p2p || port_of(p2p, &node->p2p)) && (!rpc || port_of(rpc, &node->rpc));
}

static int take_nodes(struct cluster *cluster)
{
	struct sb_cli *cli = cluster->people.cli;
	sb_cleanup_free char *copy = cluster->nodes_text ? strdup(cluster->nodes_text) : NULL;
	char *rest = copy, *one;
	uint64_t count;

	if (!cluster->nodes_text) {
		if (cli_people_number(&cluster->people, "--validators", cluster->validators_text, CLUSTER_NODES_MAX, &count))
			return SB_EXIT_USAGE;
		cluster->count = (size_t)count;
		for (size_t i = 0; i < cluster->count; i++) {
			strcpy(cluster->node[i].host, "127.0.0.1");
			cluster->node[i].p2p = (uint16_t)(P2P + 10 * i);
			cluster->node[i].rpc = (uint16_t)(RPC + 10 * i);
		}
	}
	while ((one = strsep(&rest, ","))) {
		if (cluster->count == CLUSTER_NODES_MAX)
			return cli_fail(cli, SB_EXIT_USAGE, "--nodes: at most %d", CLUSTER_NODES_MAX);
		if (!take_node(&cluster->node[cluster->count++], one))
			return cli_fail(cli, SB_EXIT_USAGE, "--nodes: HOST, HOST:P2P or HOST:P2P:RPC, with commas between");
	}
	if (cluster->validators_text && cluster->nodes_text &&
	    (sb_parse_u64(cluster->validators_text, &count) < 0 || count != cluster->count))
		return cli_fail(cli, SB_EXIT_USAGE, "--nodes names %zu, --validators says %s", cluster->count,
				cluster->validators_text);
	return cluster->count ? 0 : cli_fail(cli, SB_EXIT_USAGE, "--validators: 1 to %d", CLUSTER_NODES_MAX);
}

/* An address is the first 20 bytes of the key's SHA-256, for validators and for nodes. */
static void make_keys_of(struct cluster_node *node)
{
	uint8_t public[32], hash[32];

	crypto_sign_keypair(node->validator.key, node->validator_secret);
	sb_digest_of(node->validator.key, sizeof(node->validator.key), hash);
	memcpy(node->validator.address, hash, sizeof(node->validator.address));
	node->validator.power = POWER;
	crypto_sign_keypair(public, node->node_secret);
	sb_digest_of(public, sizeof(public), hash);
	for (size_t i = 0; i < SB_CHAIN_ADDRESS_LEN; i++)
		snprintf(node->id + 2 * i, 3, "%02x", hash[i]);
}

static int make_keys(struct cluster *cluster)
{
	char name[SB_KEY_NAME_MAX];

	for (size_t i = 0; i < cluster->model->enrollers; i++) {
		snprintf(name, sizeof(name), cluster->model->enrollers > 1 ? "enroller %zu" : "operator", i + 1);
		if (sb_key_file_new(&cluster->enroller[i], SB_KEY_ENROLLER, name) < 0)
			return cli_fail(cluster->people.cli, SB_EXIT_FAILED, "no key could be made");
	}
	for (size_t i = 0; i < cluster->count; i++) {
		make_keys_of(&cluster->node[i]);
		snprintf(name, sizeof(name), "member %zu", i + 1);
		if (sb_key_file_new(&cluster->node[i].member, SB_KEY_MEMBER, name) < 0)
			return cli_fail(cluster->people.cli, SB_EXIT_FAILED, "no key could be made");
	}
	return 0;
}

int cluster_path(struct cluster *cluster, size_t node, const char *name, char path[PATH_MAX])
{
	int length, rc;
	char *slash;

	if (node == CLUSTER_ALL || cluster->joins)
		length = snprintf(path, PATH_MAX, "%s/%s", cluster->out, name);
	else
		length = snprintf(path, PATH_MAX, "%s/node%zu/%s", cluster->out, node + 1, name);
	if (length >= PATH_MAX - 32)
		return cli_fail(cluster->people.cli, SB_EXIT_USAGE, "--out: too long");
	slash = strrchr(path, '/');
	*slash = '\0';
	rc = sb_make_directory(path, 0700);
	*slash = '/';
	return rc ? cli_fail(cluster->people.cli, cli_code_of(rc), "%s: %s", path, strerror(-rc)) : 0;
}

static int write_person(struct cluster *cluster, const char *what, size_t number, size_t count,
			const struct sb_key_file *key, const char *passphrase)
{
	char path[PATH_MAX], file[64], name[96];
	struct sb_error error = { "" };
	int code, rc;

	cli_model_file(file, what, number, count);
	snprintf(name, sizeof(name), "people/%s", file);
	code = cluster_path(cluster, CLUSTER_ALL, name, path);
	if (code)
		return code;
	rc = sb_key_file_write(path, key, passphrase, false, &error);
	return rc < 0 ? cli_fail(cluster->people.cli, cli_code_of(rc), "%s", error.text) : 0;
}

static int write_people(struct cluster *cluster)
{
	size_t enrollers = cluster->model->enrollers;
	char passphrase[SB_PASSPHRASE_MAX];
	int code = cli_passphrase_new(&cluster->people, false, passphrase);

	for (size_t i = 0; i < enrollers && !code; i++)
		code = write_person(cluster, "enroller", i, enrollers, &cluster->enroller[i], NULL);
	/* (also a single node's has its number) */
	for (size_t i = 0; i < cluster->count && !code; i++)
		code = write_person(cluster, "member", i, SIZE_MAX, &cluster->node[i].member, passphrase);
	sodium_memzero(passphrase, sizeof(passphrase));
	return code;
}

/* Messages that the genesis points to, for each node. */
struct pieces {
	Sealbond__Member member[CLUSTER_NODES_MAX], *members[CLUSTER_NODES_MAX];
	Sealbond__Validator validator[CLUSTER_NODES_MAX], *validators[CLUSTER_NODES_MAX];
	Sealbond__Endpoint endpoint[CLUSTER_NODES_MAX], *endpoints[CLUSTER_NODES_MAX];
	ProtobufCBinaryData points[CLUSTER_NODES_MAX];
	char name[CLUSTER_NODES_MAX][16], url[CLUSTER_NODES_MAX][300];
};

static void fill_pieces(struct cluster *cluster, struct pieces *pieces)
{
	for (size_t i = 0; i < cluster->count; i++) {
		struct cluster_node *node = &cluster->node[i];

		snprintf(pieces->name[i], sizeof(pieces->name[i]), "node %zu", i + 1);
		snprintf(pieces->url[i], sizeof(pieces->url[i]), "http://%s:%u", node->host, node->rpc);
		sealbond__member__init(&pieces->member[i]);
		pieces->member[i].key = CLI_BYTES(32, node->member.key);
		pieces->member[i].weight = 1;
		pieces->member[i].name = node->member.name;
		sealbond__validator__init(&pieces->validator[i]);
		pieces->validator[i].key = CLI_BYTES(32, node->validator.key);
		pieces->validator[i].power = POWER;
		pieces->validator[i].name = pieces->name[i];
		sealbond__endpoint__init(&pieces->endpoint[i]);
		pieces->endpoint[i].name = pieces->name[i];
		pieces->endpoint[i].url = pieces->url[i];
		pieces->points[i] = CLI_BYTES(64, node->grant_point);
		pieces->members[i] = &pieces->member[i];
		pieces->validators[i] = &pieces->validator[i];
		pieces->endpoints[i] = &pieces->endpoint[i];
	}
}

static void put_state(const Sealbond__Genesis *genesis, char **text)
{
	struct sb_json out = { 0 };
	size_t length;

	out.stream = open_memstream(text, &length);
	if (!out.stream)
		abort();
	sb_message_to_json(&out, NULL, genesis);
	fclose(out.stream);
}

static void name_grant_keys(struct cluster *cluster, struct pieces *pieces, Sealbond__GrantKeys *keys)
{
	keys->n_keys = cluster->count;
	keys->keys = pieces->points;
	keys->threshold = (uint32_t)((cluster->count - 1) / 3 + 1);
}

/* What the records say which ledger they are of; of an older export: that of the chain itself. */
static void find_ledger(struct cluster *cluster, const Sealbond__Genesis *old)
{
	for (size_t i = 0; i < old->n_records; i++) {
		SB_AUTO_MESSAGE Sealbond__Ledger *ledger = NULL;
		const Sealbond__Record *record = old->records[i];

		if (!record->key.len || record->key.data[0] != SB_RECORD_LEDGER)
			continue;
		ledger = sb_message_read(&sealbond__ledger__descriptor, record->value.data, record->value.len);
		if (ledger)
			snprintf(cluster->ledger, sizeof(cluster->ledger), "%s", ledger->id);
	}
}

/* The state of another chain: members, devices and all; validators, grant keys and endpoints are the new ones. */
static int take_state(struct cluster *cluster, char **text)
{
	sb_cleanup_free struct pieces *pieces = calloc(1, sizeof(*pieces));
	SB_AUTO_MESSAGE Sealbond__Genesis *old = NULL;
	Sealbond__Genesis genesis = SEALBOND__GENESIS__INIT;
	Sealbond__GrantKeys keys = SEALBOND__GRANT_KEYS__INIT;
	struct sb_cli *cli = cluster->people.cli;
	sb_cleanup_free uint8_t *file = NULL;
	struct sb_error error = { "" };
	size_t length;
	int rc = sb_file_read(cluster->state_file, SB_GENESIS_TEXT_MAX, &file, &length);

	if (!pieces)
		abort();
	if (rc < 0)
		return cli_fail(cli, cli_code_of(rc), "%s: %s", cluster->state_file, strerror(-rc));
	old = sb_genesis_from_json((const char *)file, length, &error);
	if (!old || !old->n_records)
		return cli_fail(cli, SB_EXIT_USAGE, "%s: %s", cluster->state_file, old ? "no records: it is not exported" :
				error.text);
	find_ledger(cluster, old);
	fill_pieces(cluster, pieces);
	name_grant_keys(cluster, pieces, &keys);
	genesis.records = old->records;
	genesis.n_records = old->n_records;
	genesis.n_validators = genesis.n_endpoints = cluster->count;
	genesis.validators = pieces->validators;
	genesis.endpoints = pieces->endpoints;
	genesis.grant_keys = cluster->people.dry_run ? NULL : &keys;
	if (sb_genesis_check(cluster->chain, &genesis, &error) < 0)
		return cli_fail(cli, SB_EXIT_USAGE, "such a ledger would not begin: %s", error.text);
	put_state(&genesis, text);
	return 0;
}

/* The application's part of the genesis, as JSON; *text to be freed. */
static int make_state(struct cluster *cluster, char **text)
{
	sb_cleanup_free struct pieces *pieces = calloc(1, sizeof(*pieces));
	Sealbond__Genesis genesis = SEALBOND__GENESIS__INIT;
	Sealbond__Enroller enroller[CLI_MODEL_PEOPLE], *enrollers[CLI_MODEL_PEOPLE];
	Sealbond__GrantKeys keys = SEALBOND__GRANT_KEYS__INIT;
	uint8_t overlay6[17] = { 0xfd, [16] = 64 };
	struct sb_error error = { "" };
	Sealbond__Parameters parameters;

	if (!pieces)
		abort();
	fill_pieces(cluster, pieces);
	randombytes_buf(overlay6 + 1, 5);
	cli_init_parameters(&parameters, overlay6);
	cli_model_parameters(cluster->model, &parameters);
	parameters.allow_bench = cluster->bench;
	parameters.name = (char *)(cluster->name ? cluster->name : cluster->chain);
	for (size_t i = 0; i < cluster->model->enrollers; i++) {
		sealbond__enroller__init(&enroller[i]);
		enroller[i].key = CLI_BYTES(32, cluster->enroller[i].key);
		enroller[i].name = cluster->enroller[i].name;
		enrollers[i] = &enroller[i];
	}
	name_grant_keys(cluster, pieces, &keys);
	genesis.parameters = &parameters;
	genesis.n_members = genesis.n_validators = genesis.n_endpoints = cluster->count;
	genesis.members = pieces->members;
	genesis.validators = pieces->validators;
	genesis.endpoints = pieces->endpoints;
	genesis.threshold = cluster_threshold(cluster);
	genesis.n_enrollers = cluster->model->enrollers;
	genesis.enrollers = enrollers;
	genesis.n_roots = cluster->roots.count;
	genesis.roots = cluster->roots.roots;
	genesis.grant_keys = cluster->people.dry_run ? NULL : &keys;
	if (sb_genesis_check(cluster->chain, &genesis, &error) < 0)
		return cli_fail(cluster->people.cli, SB_EXIT_USAGE, "such a ledger would not begin: %s", error.text);
	put_state(&genesis, text);
	return 0;
}

static void say(struct cluster *cluster)
{
	struct sb_cli *cli = cluster->people.cli;

	if (cli->json) {
		cli_json_begin(cli);
		sb_json_string(&cli->out, "out", cluster->out);
		sb_json_string(&cli->out, "chain", cluster->chain);
		sb_json_number(&cli->out, "validators", cluster->count);
		sb_json_number(&cli->out, "threshold", cluster_threshold(cluster));
		cli_json_end(cli);
		return;
	}
	if (cluster->state_file) {
		printf("Ledger %s is ready in %s: it goes on with another's members and devices at height %llu.\n"
		       "nodeN/ goes to machine N, whole. Devices that are there find it themselves, once\n"
		       "  sealbond ledger succeed --to %s/ledger.conf\nis decided on the old one; device.conf is for new ones.\n", cluster->chain, cluster->out,
		       (unsigned long long)cluster->first, cluster->out);
		return;
	}
	printf("Ledger %s is ready in %s: %zu validators, of whose members %u decide together.\n"
	       "Of a device it asks that %s.\n\nNext:\n"
	       "  nodeN/           goes to machine N, whole; its README says where. Nothing else goes there\n"
	       "  people/          each member's key to its member, each enroller's to whom it is for: then remove them here\n"
	       "  device.conf      what devices need\n"
	       "  sealbond ledger status --ledger %s/ledger.conf\n"
	       "%zu of the validators may be away or lie; with one more away the chain waits.\n",
	       cluster->chain, cluster->out, cluster->count, cluster_threshold(cluster),
	       cluster->model->words, cluster->out, (cluster->count - 1) / 3);
}

static int make(struct cluster *cluster)
{
	sb_cleanup_free char *state = NULL;
	char path[PATH_MAX];
	int code = 0;

	if (!cluster->people.dry_run) {
		code = cluster_path(cluster, CLUSTER_ALL, "genesis.json", path);
		if (!code && access(path, F_OK) == 0)
			code = cli_fail(cluster->people.cli, SB_EXIT_FAILED, "%s is there already: a ledger is never made "
					"anew over an old one", path);
	}
	if (!code)
		code = make_keys(cluster);
	if (!code && cluster->people.dry_run) {
		code = cluster->state_file ? take_state(cluster, &state) : make_state(cluster, &state);
		if (!code)
			printf("%s\n", state);
		return code;
	}
	if (!code && !cluster->state_file)
		code = write_people(cluster);
	if (!code)
		code = cluster_grant_keys(cluster);
	if (!code)
		code = cluster->state_file ? take_state(cluster, &state) : make_state(cluster, &state);
	if (!code)
		code = cluster_write(cluster, state);
	if (!code)
		say(cluster);
	return code;
}

static int take_model(struct cluster *cluster)
{
	struct sb_cli *cli = cluster->people.cli;
	int code = cli_model_find(cli, cluster->profile, &cluster->model);

	if (code)
		return code;
	if (cluster->profile && cluster->model->members == 1)
		return cli_fail(cli, SB_EXIT_USAGE, "--profile solo: one process, which sealbond init makes");
	if (cluster->state_file && (cluster->profile || cluster->root))
		return cli_fail(cli, SB_EXIT_USAGE, "--state says everything: no --profile and no --root beside it");
	return cli_model_roots_read(cli, cluster->model, cluster->root, &cluster->roots);
}

static int init(struct sb_cli *cli, int argc, char **argv)
{
	struct cluster *cluster = calloc(1, sizeof(*cluster));
	int code;

	if (!cluster)
		abort();
	const struct cli_option table[] = {
		{ "--out", &cluster->out, NULL }, { "--chain", &cluster->chain, NULL }, { "--name", &cluster->name, NULL },
		{ "--nodes", &cluster->nodes_text, NULL }, { "--validators", &cluster->validators_text, NULL },
		{ "--state", &cluster->state_file, NULL }, { "--first-height", &cluster->first_text, NULL },
		{ "--grant-key", &cluster->grant_key_file, NULL },
		{ "--profile", &cluster->profile, NULL }, { "--root", &cluster->root, NULL },
		{ "--bench", NULL, &cluster->bench }, { NULL },
	};

	cluster->first = 1;
	code = cli_people_take(&cluster->people, cli, USAGE, argc, argv, table, 0, 0);
	if (!code && (!cluster->out || !cluster->chain || (!cluster->nodes_text && !cluster->validators_text)))
		code = cli_usage(cli, USAGE);
	if (!code && strlen(cluster->chain) > SB_CHAIN_NAME_MAX)
		code = cli_fail(cli, SB_EXIT_USAGE, "--chain: 1 to %d characters", SB_CHAIN_NAME_MAX);
	if (!code && cluster->grant_key_file && !cluster->state_file)
		code = cli_usage(cli, USAGE);
	if (!code)
		strcpy(cluster->ledger, cluster->chain);
	if (!code && !cluster->state_file != !cluster->first_text)
		code = cli_fail(cli, SB_EXIT_USAGE, "--state and --first-height go together: export has said the height");
	if (!code && cluster->first_text)
		code = cli_people_number(&cluster->people, "--first-height", cluster->first_text, INT64_MAX, &cluster->first);
	if (!code)
		code = take_nodes(cluster);
	if (!code)
		code = take_model(cluster);
	if (!code)
		code = make(cluster);
	cli_model_roots_free(&cluster->roots);
	sodium_memzero(cluster, sizeof(*cluster));
	free(cluster);
	return code;
}

/* Of letters that cannot leave the place in the configuration that they are written to. */
static bool is_plain(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:@,_";

	return !text || !text[strspn(text, allowed)];
}

static int check_join(struct cluster *cluster)
{
	const char *const texts[] = { cluster->peers, cluster->sync, cluster->trust_height, cluster->trust_hash };
	struct sb_cli *cli = cluster->people.cli;

	if (!cluster->out || !cluster->chain || !cluster->nodes_text || !cluster->genesis_file || !cluster->peers ||
	    !cluster->sync != !cluster->trust_height || !cluster->sync != !cluster->trust_hash)
		return cli_usage(cli, USAGE);
	for (size_t i = 0; i < SB_ARRAY_SIZE(texts); i++)
		if (!is_plain(texts[i]))
			return cli_fail(cli, SB_EXIT_USAGE, "%s: letters, digits and . - : @ , only", texts[i]);
	return take_nodes(cluster);
}

static void say_join(struct cluster *cluster)
{
	struct cluster_node *node = &cluster->node[0];
	char key[SB_HEX_ROOM(32)], grant[SB_HEX_ROOM(64)];
	struct sb_cli *cli = cluster->people.cli;

	sb_format_hex(key, node->validator.key, 32);
	sb_format_hex(grant, node->grant_point, 64);
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_string(&cli->out, "out", cluster->out);
		sb_json_string(&cli->out, "node", node->id);
		sb_json_string(&cli->out, "validator", key);
		sb_json_string(&cli->out, "grant_key", grant);
		cli_json_end(cli);
		return;
	}
	printf("A node of ledger %s is ready in %s; its README says where it goes.\n"
	       "Others reach it as %s@%s:%u.\n"
	       "It follows the chain, and makes blocks when members have decided on\n"
	       "  {\"title\": \"a new validator\", \"changes\": [{\"validator\": {\"key\": \"%s\", \"power\": %d}}]}\n"
	       "by sealbond member propose. Its grants count once %s\nis among grant_keys.\n",
	       cluster->chain, cluster->out, node->id, node->host, node->p2p, key, POWER, grant);
}

static int make_joining(struct cluster *cluster)
{
	char private_pem[PATH_MAX], public_pem[PATH_MAX];
	struct sb_cli *cli = cluster->people.cli;
	sb_cleanup_free uint8_t *genesis = NULL;
	struct sb_error error = { "" };
	size_t length;
	int code, rc = sb_file_read(cluster->genesis_file, 64U << 20, &genesis, &length);

	if (rc < 0)
		return cli_fail(cli, cli_code_of(rc), "%s: %s", cluster->genesis_file, strerror(-rc));
	make_keys_of(&cluster->node[0]);
	code = cluster_path(cluster, 0, "ledger/grant_key.pem", private_pem);
	if (!code)
		code = cluster_path(cluster, 0, "grant_key.pub.pem", public_pem);
	if (code)
		return code;
	rc = sb_release_key_make(private_pem, public_pem, &error);
	if (!rc)
		rc = sb_security_load_point(public_pem, "grant key", cluster->node[0].grant_point, &error);
	if (rc < 0)
		return cli_fail(cli, cli_code_of(rc), "%s", error.text);
	code = cluster_write_joining(cluster, (const char *)genesis);
	if (!code)
		say_join(cluster);
	return code;
}

static int join(struct sb_cli *cli, int argc, char **argv)
{
	struct cluster *cluster = calloc(1, sizeof(*cluster));
	int code;

	if (!cluster)
		abort();
	const struct cli_option table[] = {
		{ "--out", &cluster->out, NULL }, { "--chain", &cluster->chain, NULL },
		{ "--nodes", &cluster->nodes_text, NULL }, { "--genesis", &cluster->genesis_file, NULL },
		{ "--peers", &cluster->peers, NULL }, { "--sync", &cluster->sync, NULL },
		{ "--trust-height", &cluster->trust_height, NULL }, { "--trust-hash", &cluster->trust_hash, NULL },
		{ NULL },
	};

	cluster->joins = true;
	code = cli_people_take(&cluster->people, cli, USAGE, argc, argv, table, 0, 0);
	if (!code)
		code = check_join(cluster);
	if (!code && cluster->count != 1)
		code = cli_fail(cli, SB_EXIT_USAGE, "--nodes: the one that joins");
	if (!code)
		code = make_joining(cluster);
	sodium_memzero(cluster, sizeof(*cluster));
	free(cluster);
	return code;
}

int cli_cluster(struct sb_cli *cli, int argc, char **argv)
{
	static const struct cli_verb verbs[] = { { "init", init }, { "join", join }, { NULL, NULL } };

	return cli_verb(cli, USAGE, argc, argv, verbs);
}

#define EXPORT_USAGE	"ledger export --home DIR --out FILE    the whole state, of a node that does not run, as a genesis'"

/* What a node keeps is read where it is; all the rest of sealbond ledger asks over the network. */
static int export_state(struct sb_cli *cli, int argc, char **argv)
{
	const char *home = NULL, *out = NULL;
	const struct cli_option table[] = { { "--home", &home, NULL }, { "--out", &out, NULL }, { NULL } };
	struct cli_people people;
	int code = cli_people_take(&people, cli, EXPORT_USAGE, argc, argv, table, 0, 0);

	if (!code && (!home || !out))
		code = cli_usage(cli, EXPORT_USAGE);
	if (!code) {
		const char *const words[] = { "sealbond-ledgerd", "export", "--home", home, "--app-state", out, NULL };

		char program[PATH_MAX];

		cli_daemon_find(program);
		code = cli_daemon_run(program, words, false);
		if (code == 127)
			code = cli_fail(cli, SB_EXIT_FAILED, "sealbond-ledgerd cannot be run: install it on this machine");
		else if (code)
			code = cli_fail(cli, SB_EXIT_FAILED, "nothing was exported: see above");
	}
	cli_people_end(&people);
	return code;
}

int cli_ledger_or_export(struct sb_cli *cli, int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "export") == 0)
		return export_state(cli, argc - 1, argv + 1);
	if (argc > 1 && (strcmp(argv[1], "close") == 0 || strcmp(argv[1], "reopen") == 0 || strcmp(argv[1], "succeed") == 0))
		return cli_succeed(cli, argc, argv);
	return cli_ledger(cli, argc, argv);
}
