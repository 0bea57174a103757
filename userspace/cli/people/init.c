// SPDX-License-Identifier: Apache-2.0
/* sealbond init: a new ledger with one member, on this machine. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/people/init.h"
#include "cli/people/model.h"
#include "cli/people/people.h"
#include "cli/release_key.h"
#include "common/file.h"
#include "common/security.h"
#include "ledger/genesis.h"
#include "state/genesis.h"
#include "state/message_json.h"

#define USAGE	"init --home DIR --chain NAME [--name TEXT] [--passphrase | --passphrase-file FILE]\n" \
		"           [--endpoint URL] [--profile solo|manufacturer|enrollers] [--root FILE.der,...] [--bench]\n" \
		"           [--genesis FILE.json] [--dry-run]\n" \
		"   or: sealbond init --home DIR --config    what devices need of this ledger, for their sealbond.conf"

struct init {
	struct cli_people people;
	const char *home, *chain, *name, *endpoint, *profile, *root, *genesis_file;
	bool wants_passphrase, bench, config;
	const struct cli_model *model;
	struct sb_key_file member[CLI_MODEL_PEOPLE], enroller[CLI_MODEL_PEOPLE];
	uint8_t point[64];
	struct cli_model_roots roots;
	char daemon[PATH_MAX];
};

static int path_of(struct init *init, const char *name, char path[PATH_MAX])
{
	if (snprintf(path, PATH_MAX, "%s/%s", init->home, name) >= PATH_MAX - 32)
		return cli_fail(init->people.cli, SB_EXIT_USAGE, "--home: too long");
	return 0;
}

void cli_init_parameters(Sealbond__Parameters *parameters, const uint8_t overlay6[17])
{
	static const uint8_t overlay4[5] = { 10, 77, 0, 0, 16 };

	sealbond__parameters__init(parameters);
	parameters->enrolment = 2;
	parameters->enrollers_needed = 1;
	parameters->admission = 1;
	parameters->lease = 86400;
	parameters->heartbeat_least = 30;
	parameters->beacon_age = 600;
	parameters->pcrs = 1 << 7;
	parameters->pcrs_allowed = 0xffffff & ~(1 << 16 | 1 << 23);
	parameters->cap_pcr = 14;
	parameters->overlay4 = CLI_BYTES(sizeof(overlay4), overlay4);
	parameters->overlay6 = CLI_BYTES(17, overlay6);
	parameters->devices_most = 65000;
	parameters->devices_per_block = 1000;
	parameters->enrolling_most = 1000;
	parameters->enrolling_for = 86400;
	parameters->hold = 3 * 86400;
	parameters->zones_most = 1000;
	parameters->proposals_most = 16;
	parameters->vote_for = 7 * 86400;
	parameters->replace_after = 7 * 86400;
}

/* Messages that the genesis points to. */
struct pieces {
	Sealbond__Member member[CLI_MODEL_PEOPLE], *members[CLI_MODEL_PEOPLE];
	Sealbond__Enroller enroller[CLI_MODEL_PEOPLE], *enrollers[CLI_MODEL_PEOPLE];
};

static void fill_pieces(struct init *init, struct pieces *pieces)
{
	for (size_t i = 0; i < init->model->members; i++) {
		sealbond__member__init(&pieces->member[i]);
		pieces->member[i].key = CLI_BYTES(32, init->member[i].key);
		pieces->member[i].weight = 1;
		pieces->member[i].name = init->member[i].name;
		pieces->members[i] = &pieces->member[i];
	}
	for (size_t i = 0; i < init->model->enrollers; i++) {
		sealbond__enroller__init(&pieces->enroller[i]);
		pieces->enroller[i].key = CLI_BYTES(32, init->enroller[i].key);
		pieces->enroller[i].name = init->enroller[i].name;
		pieces->enrollers[i] = &pieces->enroller[i];
	}
}

/* Of the genesis, as JSON. *text to be freed. */
static int make_state(struct init *init, char **text)
{
	Sealbond__Genesis genesis = SEALBOND__GENESIS__INIT;
	Sealbond__Parameters parameters;
	struct pieces pieces;
	Sealbond__GrantKeys keys = SEALBOND__GRANT_KEYS__INIT;
	Sealbond__Endpoint endpoint = SEALBOND__ENDPOINT__INIT, *endpoints[] = { &endpoint };
	ProtobufCBinaryData points[] = { CLI_BYTES(64, init->point) };
	uint8_t overlay6[17] = { 0xfd, [16] = 64 };
	struct sb_json out = { 0 };
	struct sb_error error = { "" };
	size_t length;

	randombytes_buf(overlay6 + 1, 5);	/* RFC 4193: a prefix of one's own */
	cli_init_parameters(&parameters, overlay6);
	cli_model_parameters(init->model, &parameters);
	parameters.allow_bench = init->bench;
	parameters.name = (char *)(init->name ? init->name : init->chain);
	fill_pieces(init, &pieces);
	endpoint.name = (char *)"first";
	endpoint.url = (char *)init->endpoint;
	keys.n_keys = 1;
	keys.keys = points;
	keys.threshold = 1;
	genesis.parameters = &parameters;
	genesis.n_members = init->model->members;
	genesis.members = pieces.members;
	genesis.threshold = init->model->threshold;
	genesis.n_enrollers = init->model->enrollers;
	genesis.enrollers = pieces.enrollers;
	genesis.endpoints = strncmp(init->endpoint, "unix:", 5) ? endpoints : NULL;
	genesis.n_endpoints = genesis.endpoints ? 1 : 0;
	genesis.grant_keys = init->people.dry_run ? NULL : &keys;
	genesis.n_roots = init->roots.count;
	genesis.roots = init->roots.roots;
	if (sb_genesis_check(init->chain, &genesis, &error) < 0)
		return cli_fail(init->people.cli, SB_EXIT_USAGE, "such a ledger would not begin: %s", error.text);
	out.stream = open_memstream(text, &length);
	if (!out.stream)
		abort();
	sb_message_to_json(&out, NULL, &genesis);
	fclose(out.stream);
	return 0;
}

/* A genesis that somebody has written is checked here, where the error is easier to read than in a node's log. */
static int take_state(struct init *init, char **text)
{
	SB_AUTO_MESSAGE Sealbond__Genesis *genesis = NULL;
	struct sb_error error = { "" };
	size_t length;
	int result = sb_file_read(init->genesis_file, SB_GENESIS_TEXT_MAX, (uint8_t **)text, &length);

	if (result < 0)
		return cli_fail(init->people.cli, cli_code_of(result), "%s: %s", init->genesis_file, strerror(-result));
	genesis = sb_genesis_from_json(*text, length, &error);
	if (!genesis || sb_genesis_check(init->chain, genesis, &error) < 0)
		return cli_fail(init->people.cli, SB_EXIT_USAGE, "%s: %s", init->genesis_file, error.text);
	return 0;
}

static int new_keys(struct init *init)
{
	const struct cli_model *model = init->model;
	char name[SB_KEY_NAME_MAX];
	int result = 0;

	for (size_t i = 0; i < model->members && !result; i++) {
		snprintf(name, sizeof(name), model->members > 1 ? "member %zu" : "operator", i + 1);
		result = sb_key_file_new(&init->member[i], SB_KEY_MEMBER, name);
	}
	for (size_t i = 0; i < model->enrollers && !result; i++) {
		snprintf(name, sizeof(name), model->enrollers > 1 ? "enroller %zu" : "operator", i + 1);
		result = sb_key_file_new(&init->enroller[i], SB_KEY_ENROLLER, name);
	}
	return result < 0 ? cli_fail(init->people.cli, SB_EXIT_FAILED, "no key could be made") : 0;
}

/* NULL: an enroller answers unattended. */
static int write_key(struct init *init, const char *what, size_t number, size_t count, const struct sb_key_file *key,
		     const char *passphrase)
{
	struct sb_error error = { "" };
	char name[64], path[PATH_MAX];
	int code, result;

	cli_model_file(name, what, number, count);
	code = path_of(init, name, path);
	if (code)
		return code;
	result = sb_key_file_write(path, key, passphrase, false, &error);
	return result < 0 ? cli_fail(init->people.cli, cli_code_of(result), "%s", error.text) : 0;
}

static int make_keys(struct init *init)
{
	const struct cli_model *model = init->model;
	char private_pem[PATH_MAX], public_pem[PATH_MAX], passphrase[SB_PASSPHRASE_MAX];
	struct sb_error error = { "" };
	int code, result;

	if (path_of(init, "grant_key.pem", private_pem) || path_of(init, "grant_key.pub.pem", public_pem))
		return SB_EXIT_USAGE;
	code = cli_passphrase_new(&init->people, init->wants_passphrase, passphrase);
	for (size_t i = 0; i < model->members && !code; i++)
		code = write_key(init, "member", i, model->members, &init->member[i], passphrase);
	for (size_t i = 0; i < model->enrollers && !code; i++)
		code = write_key(init, "enroller", i, model->enrollers, &init->enroller[i], NULL);
	sodium_memzero(passphrase, sizeof(passphrase));
	if (code)
		return code;
	result = sb_release_key_make(private_pem, public_pem, &error);
	if (result == 0)
		result = sb_security_load_point(public_pem, "grant key", init->point, &error);
	return result < 0 ? cli_fail(init->people.cli, cli_code_of(result), "%s", error.text) : 0;
}

/* Looked for before anything is made. */
static int check_daemon(struct init *init)
{
	const char *const arguments[] = { "sealbond-ledgerd", "--help", NULL };

	cli_daemon_find(init->daemon);
	if (cli_daemon_run(init->daemon, arguments, true) == 127)
		return cli_fail(init->people.cli, SB_EXIT_FAILED, "%s cannot be run: install sealbond-ledgerd on this machine",
				init->daemon);
	return 0;
}

static int make_home(struct init *init, const char *state)
{
	const char *const arguments[] = {
		"sealbond-ledgerd", "init", "--home", init->home, "--chain", init->chain, "--app-state", state, NULL,
	};

	if (cli_daemon_run(init->daemon, arguments, init->people.cli->json))
		return cli_fail(init->people.cli, SB_EXIT_FAILED, "sealbond-ledgerd did not make its home: see above");
	return 0;
}

/* Where trust begins: the hash of the first validators, and the endpoint that people and devices ask. */
static int trust_of(struct init *init, char chain[64], char hex[SB_HEX_ROOM(32)])
{
	struct sb_validator_set set = { 0 };
	struct sb_genesis genesis;
	struct sb_error error = { "" };
	char path[PATH_MAX];
	uint8_t hash[32];
	int code = path_of(init, "genesis.json", path);

	if (code)
		return code;
	if (sb_genesis_read(path, &genesis, &error) < 0)
		return cli_fail(init->people.cli, SB_EXIT_FAILED, "%s", error.text);
	set.validators = &genesis.validator;
	set.count = 1;
	sb_validator_set_hash(&set, hash);
	sb_format_hex(hex, hash, sizeof(hash));
	snprintf(chain, 64, "%s", genesis.chain);
	sb_genesis_free(&genesis);
	return 0;
}

static int write_description(struct init *init)
{
	char path[PATH_MAX], text[2048], hex[SB_HEX_ROOM(32)], chain[64];
	int code = trust_of(init, chain, hex), length, result;

	if (code == 0)
		code = path_of(init, "ledger.conf", path);
	if (code)
		return code;
	length = snprintf(text, sizeof(text), "# What people's commands need of this ledger: sealbond --ledger FILE\n[ledger]\n"
			  "chain = %s\nendpoints = %s\ntrust_hash = %s\n", chain, init->endpoint, hex);
	if (length >= (int)sizeof(text))
		return cli_fail(init->people.cli, SB_EXIT_USAGE, "--endpoint: too long");
	result = sb_file_create(path, text, (size_t)length, 0644);
	return result < 0 ? cli_fail(init->people.cli, cli_code_of(result), "%s: %s", path, strerror(-result)) : 0;
}

static void say(struct init *init)
{
	struct sb_cli *cli = init->people.cli;
	const char *home = init->home;
	char enroller[64];

	cli_model_file(enroller, "enroller", 0, init->model->enrollers);
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_string(&cli->out, "home", home);
		sb_json_string(&cli->out, "chain", init->chain);
		sb_json_bool(&cli->out, "solo", !init->genesis_file && init->model->members == 1);
		sb_json_string(&cli->out, "profile", init->model->name);
		sb_json_hex(&cli->out, "member", init->member[0].key, 32);
		sb_json_hex(&cli->out, "enroller", init->enroller[0].key, 32);
		sb_json_string(&cli->out, "endpoint", init->endpoint);
		cli_json_end(cli);
		return;
	}
	printf("Ledger %s is ready in %s.\n", init->chain, home);
	if (!init->genesis_file)
		printf("Of a device it asks that %s.\n", init->model->words);
	if (!init->genesis_file && init->model->members == 1)
		printf("It is solo: whoever has %s/member.key decides alone, and no device or owner is safe from that person.\n",
		       home);
	else if (!init->genesis_file)
		printf("%u of its %u members decide together: give each member's key to another one, and remove it here. Whoever\n"
		       "runs the node can stop it, but with one process also sign what it likes: a cluster has no such one.\n",
		       init->model->threshold, init->model->members);
	printf("\nNext:\n"
	       "  sealbond-ledgerd run --home %s                      the node\n"
	       "  sealbond ledger status --ledger %s/ledger.conf\n"
	       "  sealbond enroller serve --key %s/%s --ledger %s/ledger.conf\n"
	       "  sealbond owner key --out owner.key                  an owner of devices\n"
	       "  sealbond init --home %s --config                    what devices need\n"
	       "Keep copies of the members' keys, grant_key.pem and validator_key.json somewhere else.\n",
	       home, home, home, enroller, home, home);
}

/* Of the description; where it has none, the value stays. */
static void value_of(const char *text, const char *name, char *value, size_t room)
{
	const char *line = strstr(text, name);

	if (line)
		snprintf(value, room, "%.*s", (int)strcspn(line + strlen(name), "\n"), line + strlen(name));
}

/* For devices' sealbond.conf; a restored ledger's description has another beginning than the genesis. */
static int print_config(struct init *init)
{
	char hex[SB_HEX_ROOM(32)], chain[64], public_pem[PATH_MAX], description[PATH_MAX], endpoints[1024] = "";
	char height[24] = "";
	struct sb_cli *cli = init->people.cli;
	sb_cleanup_free uint8_t *text = NULL;
	size_t length;
	int code = trust_of(init, chain, hex);

	if (code == 0)
		code = path_of(init, "grant_key.pub.pem", public_pem);
	if (code == 0)
		code = path_of(init, "ledger.conf", description);
	if (code)
		return code;
	if (sb_file_read(description, 16384, &text, &length) < 0)
		return cli_fail(cli, SB_EXIT_FAILED, "%s cannot be read", description);
	value_of((char *)text, "\nendpoints = ", endpoints, sizeof(endpoints));
	value_of((char *)text, "\ntrust_hash = ", hex, sizeof(hex));
	value_of((char *)text, "\ntrust_height = ", height, sizeof(height));
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_string(&cli->out, "chain", chain);
		sb_json_string(&cli->out, "endpoints", endpoints);
		sb_json_string(&cli->out, "trust_hash", hex);
		if (height[0])
			sb_json_string(&cli->out, "trust_height", height);
		sb_json_string(&cli->out, "grant_key", public_pem);
		cli_json_end(cli);
		return 0;
	}
	printf("# of each device's sealbond.conf; %s goes to the device as /etc/sealbond/grant_key.pub.pem\n"
	       "[device]\nchain = %s\n\n"
	       "[ledger]\nendpoints = %s\ntrust_hash = %s\n%s%s%s"
	       "# owner = the public part of the owner's key: sealbond owner key\n\n"
	       "[peers]\ngrant_keys = /etc/sealbond/grant_key.pub.pem\nthreshold = 1\n", public_pem, chain, endpoints, hex,
	       height[0] ? "trust_height = " : "", height, height[0] ? "\n" : "");
	return 0;
}

static int take(struct init *init, struct sb_cli *cli, int argc, char **argv)
{
	const struct cli_option table[] = {
		{ "--home", &init->home, NULL }, { "--chain", &init->chain, NULL }, { "--name", &init->name, NULL },
		{ "--endpoint", &init->endpoint, NULL }, { "--profile", &init->profile, NULL }, { "--root", &init->root, NULL },
		{ "--genesis", &init->genesis_file, NULL }, { "--passphrase", NULL, &init->wants_passphrase },
		{ "--bench", NULL, &init->bench }, { "--config", NULL, &init->config }, { NULL },
	};
	int code;

	memset(init, 0, sizeof(*init));
	code = cli_people_take(&init->people, cli, USAGE, argc, argv, table, 0, 0);
	if (code)
		return code;
	if (!init->home || (!init->config && !init->chain))
		return cli_usage(cli, USAGE);
	if (!init->endpoint)
		init->endpoint = "http://127.0.0.1:26657";
	code = cli_model_find(cli, init->profile, &init->model);
	if (code || init->config)
		return code;
	if (init->genesis_file && (init->profile || init->root))
		return cli_fail(cli, SB_EXIT_USAGE, "--genesis says everything: no --profile and no --root beside it");
	return cli_model_roots_read(cli, init->model, init->root, &init->roots);
}

static int make(struct init *init)
{
	sb_cleanup_free char *state = NULL;
	char genesis[PATH_MAX], state_path[PATH_MAX];
	struct stat status;
	int code = path_of(init, "genesis.json", genesis), result;

	if (code == 0)
		code = path_of(init, "app_state.json", state_path);
	if (code)
		return code;
	if (stat(genesis, &status) == 0)
		return cli_fail(init->people.cli, SB_EXIT_FAILED, "%s is there already: a ledger is never made anew over an "
				"old one", genesis);
	code = new_keys(init);
	/* Everything that may be wrong is found before anything is written. */
	if (code == 0)
		code = check_daemon(init);
	if (code == 0 && init->genesis_file)
		code = take_state(init, &state);
	if (code)
		return code;
	result = sb_make_directory(init->home, 0700);
	if (result < 0)
		return cli_fail(init->people.cli, cli_code_of(result), "%s: %s", init->home, strerror(-result));
	code = make_keys(init);
	if (code == 0 && !state)
		code = make_state(init, &state);
	if (code)
		return code;
	result = sb_file_write(state_path, state, strlen(state), 0644);
	if (result < 0)
		return cli_fail(init->people.cli, cli_code_of(result), "%s: %s", state_path, strerror(-result));
	code = make_home(init, state_path);
	return code ? code : write_description(init);
}

static int show_state(struct init *init)
{
	sb_cleanup_free char *state = NULL;
	int code = new_keys(init);

	if (code)
		return code;
	code = init->genesis_file ? take_state(init, &state) : make_state(init, &state);
	if (code)
		return code;
	if (init->people.cli->json)
		printf("{\"dry_run\":true,\"app_state\":%s}\n", state);
	else
		printf("Nothing is made (--dry-run). The ledger would begin with keys of its own, and\n%s\n", state);
	return 0;
}

int cli_init(struct sb_cli *cli, int argc, char **argv)
{
	struct init init;
	int code = take(&init, cli, argc, argv);

	if (code == 0 && init.config) {
		code = print_config(&init);
	} else if (code == 0 && init.people.dry_run) {
		code = show_state(&init);
	} else if (code == 0) {
		code = make(&init);
		if (code == 0)
			say(&init);
	}
	for (size_t i = 0; i < CLI_MODEL_PEOPLE; i++) {
		sb_key_file_wipe(&init.member[i]);
		sb_key_file_wipe(&init.enroller[i]);
	}
	cli_model_roots_free(&init.roots);
	return code;
}
