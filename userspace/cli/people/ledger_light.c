// SPDX-License-Identifier: Apache-2.0
/* The ledger that a description names, over the light client. */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "cli/people/people.h"
#include "common/cleanup.h"
#include "common/field.h"
#include "common/file.h"
#include "common/ini.h"
#include "light/client.h"
#include "light/remote.h"

#define DESCRIPTION_MAX	16384
#define DEADLINE_MS	60000
#define ROOTS_MAX	(1U << 20)	/* bytes of tls_roots */

struct description {
	char chain[64], network[64], endpoints[900], roots[SB_PATH_ROOM], pin[128], directory[SB_PATH_ROOM], trust[80];
	uint64_t height;
	bool follow;			/* where the ledger goes on */
};

struct connection {
	struct sb_light_client *client;
	int endpoints;
};

static const struct sb_field fields[] = {
	{ "chain", sb_field_text, "a name", "1 to 50 characters", offsetof(struct description, chain), 1, 51 },
	{ "network", sb_field_text, "a name", "1 to 50 characters: of the chain that carries the ledger now",
	  offsetof(struct description, network), 1, 51 },
	{ "endpoints", sb_field_text, "addresses", "URLs with commas between them: http://, https:// or unix:/PATH",
	  offsetof(struct description, endpoints), 1, 900 },
	{ "trust_hash", sb_field_text, "a hash", "64 hex digits", offsetof(struct description, trust), 1, 80 },
	{ "trust_height", sb_field_number, "a number", "0: trust_hash is of the first validators",
	  offsetof(struct description, height), 0, INT64_MAX },
	{ "tls_roots", sb_field_path, "a path", "a PEM file", offsetof(struct description, roots), 1, SB_PATH_ROOM },
	{ "tls_pin", sb_field_text, "a pin", "sha256//BASE64", offsetof(struct description, pin), 1, 128 },
	{ "follow", sb_field_bool, "yes or no", "no: stays on this chain where the ledger goes on as another, for its checkpoints",
	  offsetof(struct description, follow), 0, 0 },
	{ "directory", sb_field_path, "a path", "a directory for what is trusted",
	  offsetof(struct description, directory), 1, SB_PATH_ROOM },
};

struct reading {
	struct description *description;
	uint64_t seen;
};

static int on_line(void *context, const struct sb_ini_line *line, struct sb_error *error)
{
	struct reading *reading = context;

	if (strcmp(line->section, "ledger") != 0)
		return sb_ini_fail(error, line->file, line->number, "the only section here is [ledger]");
	if (!line->key)
		return 0;
	return sb_field_set(fields, SB_ARRAY_SIZE(fields), reading->description, &reading->seen, NULL, line, error);
}

/* @begins: where trust begins may still be missing. */
static int read_description(struct sb_cli *cli, const char *path, bool begins, struct description *description)
{
	struct reading reading = { description, 0 };
	sb_cleanup_free uint8_t *text = NULL;
	struct sb_error error = { "" };
	size_t length;
	int result = sb_file_read(path, DESCRIPTION_MAX, &text, &length);

	memset(description, 0, sizeof(*description));
	description->follow = true;
	if (result < 0)
		return cli_fail(cli, result == -ENOENT ? SB_EXIT_USAGE : cli_code_of(result), "%s: %s%s", path,
				strerror(-result), result == -ENOENT ? "; name the ledger's description by --ledger FILE "
				"(sealbond init writes one)" : "");
	if (sb_ini_read(path, (char *)text, length, on_line, &reading, &error) < 0)
		return cli_fail(cli, SB_EXIT_USAGE, "%s", error.text);
	if (!description->network[0])
		strcpy(description->network, description->chain);
	if (!description->chain[0] || !description->endpoints[0] || (!description->trust[0] && !begins))
		return cli_fail(cli, SB_EXIT_USAGE, "%s: chain, endpoints and trust_hash are needed", path);
	if (!description->directory[0] &&
	    snprintf(description->directory, sizeof(description->directory), "%s.trust", path) >=
	    (int)sizeof(description->directory))
		return cli_fail(cli, SB_EXIT_USAGE, "%s: too long a path", path);
	return 0;
}

static int on_read(void *context, const void *key, size_t key_length, struct cli_record *record, struct sb_error *error)
{
	struct connection *connection = context;
	struct sb_light_record read = { 0 };
	int result = sb_light_client_query(connection->client, key, key_length, DEADLINE_MS, &read, error);

	if (result < 0)
		return result;
	*record = (struct cli_record){ read.present, read.value, read.length, read.height, read.time.seconds };
	return 0;
}

static int on_page(void *context, const void *question, size_t length, uint8_t **page, size_t *page_length,
		   struct sb_error *error)
{
	struct connection *connection = context;
	struct sb_query_answer answer = { 0 };
	int result = sb_light_client_ask(connection->client, -1, "/records", question, length, DEADLINE_MS, &answer,
					 error);

	if (result < 0)
		return result;
	if (answer.code) {
		(void)sb_fail(error, -EIO, "the endpoint does not list its records: %s", answer.log);
		sb_query_answer_free(&answer);
		return -EIO;
	}
	*page = sb_take_ptr(answer.value);
	*page_length = answer.value_length;
	sb_query_answer_free(&answer);
	return 0;
}

static int on_submit(void *context, const void *tx, size_t length, struct cli_taken *taken, struct sb_error *error)
{
	struct connection *connection = context;
	struct sb_light_submitted submitted;
	int result = sb_light_client_submit(connection->client, tx, length, DEADLINE_MS, &submitted, error);

	if (result < 0)
		return result;
	taken->code = submitted.code.code;
	taken->height = submitted.height;
	taken->proven = submitted.proven;
	memcpy(taken->hash, submitted.hash, sizeof(taken->hash));
	snprintf(taken->log, sizeof(taken->log), "%s", submitted.code.log);
	return 0;
}

static int on_header(void *context, int64_t height, struct cli_header *out, struct sb_error *error)
{
	struct connection *connection = context;
	const struct sb_header *latest = sb_light_client_header(connection->client);
	struct sb_header header;
	int result = 0;

	if (height)
		result = sb_light_client_header_at(connection->client, height, DEADLINE_MS, &header, error);
	else if (latest)
		header = *latest;
	else
		result = sb_fail(error, -EHOSTUNREACH, "no header is proven yet");
	if (result < 0)
		return result;
	*out = (struct cli_header){ .height = header.height, .seconds = header.time.seconds, .nanos = header.time.nanos };
	sb_header_hash(&header, out->hash);
	return 0;
}

static void count_endpoints(struct connection *connection)
{
	struct sb_light_endpoint_state state[SB_ENDPOINTS_MAX];

	connection->endpoints = (int)sb_light_client_endpoints(connection->client, state);
}

static int on_ask(void *context, int endpoint, const char *path, const void *data, size_t length,
		  struct cli_answer *out, struct sb_error *error)
{
	struct connection *connection = context;
	struct sb_query_answer answer = { 0 };
	int result;

	if (endpoint >= connection->endpoints)
		return -ENOENT;
	result = sb_light_client_ask(connection->client, endpoint, path, data, length, DEADLINE_MS, &answer, error);
	if (result < 0)
		return result;
	*out = (struct cli_answer){ .code = answer.code, .value = sb_take_ptr(answer.value), .length = answer.value_length };
	snprintf(out->log, sizeof(out->log), "%s", answer.log);
	sb_query_answer_free(&answer);
	return 0;
}

static void status_of_trust(struct connection *connection, struct sb_cli *cli)
{
	const struct sb_header *header = sb_light_client_header(connection->client);
	struct sb_light_status status;
	char time[CLI_TIME_ROOM];

	sb_light_client_status(connection->client, &status);
	if (cli->json) {
		sb_json_signed(&cli->out, "height", header ? header->height : 0);
		sb_json_signed(&cli->out, "time", header ? header->time.seconds : 0);
		sb_json_signed(&cli->out, "trust_expires", status.expires.seconds);
		sb_json_bool(&cli->out, "clock_believed", status.clock);
		return;
	}
	if (header)
		printf("Height:     %lld, of %s\n", (long long)header->height, cli_time(time, header->time.seconds));
	printf("Trust:      until %s%s\n", cli_time(time, status.expires.seconds),
	       status.damaged ? "; the file of what is trusted was damaged and is put aside" : "");
}

static void on_status(void *context, struct sb_cli *cli)
{
	struct connection *connection = context;
	struct sb_light_endpoint_state state[SB_ENDPOINTS_MAX];
	size_t count = sb_light_client_endpoints(connection->client, state);

	status_of_trust(connection, cli);
	if (cli->json)
		sb_json_open(&cli->out, "endpoints", '[');
	for (size_t i = 0; i < count; i++) {
		if (cli->json) {
			sb_json_open(&cli->out, NULL, '{');
			sb_json_string(&cli->out, "url", state[i].url);
			sb_json_signed(&cli->out, "height", state[i].height);
			sb_json_string(&cli->out, "trouble", state[i].text[0] ? state[i].text : NULL);
			sb_json_close(&cli->out, '}');
		} else {
			printf("Endpoint:   %s, height %lld%s%s\n", state[i].url, (long long)state[i].height,
			       state[i].text[0] ? ": " : "", state[i].text);
		}
	}
	if (cli->json)
		sb_json_close(&cli->out, ']');
}

static void on_close(void *context)
{
	struct connection *connection = context;

	sb_light_client_close(connection->client);
	free(connection);
}

/* *roots: the certificates that https is verified by, to be freed when the client is open. */
static int configure(struct sb_cli *cli, const char *path, struct description *description,
		     struct sb_light_config *config, uint8_t **roots)
{
	char *at = description->endpoints, *rest = NULL;
	size_t length;
	int result = description->roots[0] ? sb_file_read(description->roots, ROOTS_MAX, roots, &length) : 0;

	if (result < 0)
		return cli_fail(cli, cli_code_of(result), "%s: tls_roots: %s: %s", path, description->roots, strerror(-result));
	memset(config, 0, sizeof(*config));
	config->chain = description->network;
	config->directory = description->directory;
	config->root.height = (int64_t)description->height;
	config->roots = (char *)*roots;
	if (strlen(description->trust) != 64 || sb_parse_hex(description->trust, config->root.hash, 32) < 0)
		return cli_fail(cli, SB_EXIT_USAGE, "%s: trust_hash: 64 hex digits", path);
	for (at = strtok_r(at, " ,", &rest); at; at = strtok_r(NULL, " ,", &rest)) {
		if (config->endpoints == SB_ENDPOINTS_CONFIGURED)
			return cli_fail(cli, SB_EXIT_USAGE, "%s: endpoints: at most %d", path, SB_ENDPOINTS_CONFIGURED);
		config->endpoint[config->endpoints++] = (struct sb_light_endpoint){
			at, (char *)*roots, description->pin[0] ? description->pin : NULL,
		};
	}
	return 0;
}

/* Members that were proven may sign the next checkpoint: known from now on, for a year without us. */
static void learn_members(struct cli_ledger *ledger)
{
	SB_AUTO_MESSAGE Sealbond__Members *members = NULL;
	struct connection *connection = ledger->context;
	uint8_t key[SB_RECORD_KEY_MAX];
	size_t length = sb_record_key(SB_RECORD_MEMBERS, NULL, 0, key);
	struct cli_record record = { 0 };
	struct sb_members known = { 0 };

	if (on_read(connection, key, length, &record, NULL) < 0)
		return;
	if (record.there)
		members = sb_message_read(&sealbond__members__descriptor, record.value, record.length);
	free(record.value);
	if (!members || members->n_members > SB_MEMBERS_MAX)
		return;
	known.count = members->n_members;
	known.threshold = members->threshold;
	for (size_t i = 0; i < members->n_members; i++) {
		if (members->members[i]->key.len != 32)
			return;
		memcpy(known.member[i].key, members->members[i]->key.data, 32);
		known.member[i].weight = members->members[i]->weight;
	}
	(void)sb_light_client_set_members(connection->client, &known, record.height, NULL);
}

/* The chain that is followed has gone on as another one: so do we, and that one may have done so, too. */
static int follow(struct sb_cli *cli, struct cli_ledger *ledger)
{
	struct connection *connection = ledger->context;
	uint8_t key[SB_RECORD_KEY_MAX];
	size_t length = sb_record_key(SB_RECORD_SUCCESSION, NULL, 0, key);

	for (;;) {
		SB_AUTO_MESSAGE Sealbond__Succession *read = NULL;
		struct sb_succession next = { .endpoints = 0 };
		struct cli_record record = { 0 };
		struct sb_error error = { "" };

		if (on_read(connection, key, length, &record, &error) < 0)
			return cli_fail(cli, SB_EXIT_FAILED, "%s", error.text);
		if (record.there)
			read = sb_message_read(&sealbond__succession__descriptor, record.value, record.length);
		free(record.value);
		if (!record.there || (read && !read->chain[0]))
			return 0;
		if (!read || strlen(read->chain) >= sizeof(next.chain) || read->hash.len != 32)
			return cli_fail(cli, SB_EXIT_FAILED, "the succession's record cannot be read: install a program that fits");
		strcpy(next.chain, read->chain);
		next.height = (int64_t)read->height;
		memcpy(next.hash, read->hash.data, 32);
		for (size_t i = 0; i < read->n_endpoints && i < SB_SUCCESSION_URLS_MAX; i++)
			snprintf(next.url[next.endpoints++], sizeof(next.url[0]), "%s", read->endpoints[i]);
		/* What this chain says is still true, if nothing more is to come of it. */
		if (sb_light_client_succeed(connection->client, &next, DEADLINE_MS, &error) < 0) {
			fprintf(stderr, "the ledger goes on as %s, which is not to be had: %s\n", next.chain, error.text);
			return 0;
		}
		count_endpoints(connection);
	}
}

int cli_ledger_open(struct sb_cli *cli, const char *path, struct cli_ledger *ledger)
{
	struct description description;
	struct sb_light_config config;
	struct sb_light_synced synced;
	struct connection *connection;
	sb_cleanup_free uint8_t *roots = NULL;
	struct sb_error error = { "" };
	int code = read_description(cli, path, false, &description), result;

	if (code == 0)
		code = configure(cli, path, &description, &config, &roots);
	if (code)
		return code;
	result = sb_make_directory(description.directory, 0700);
	if (result < 0)
		return cli_fail(cli, cli_code_of(result), "%s: %s", description.directory, strerror(-result));
	connection = calloc(1, sizeof(*connection));
	if (!connection)
		abort();
	result = sb_light_client_open(&config, &connection->client, &error);
	if (result < 0) {
		free(connection);
		return cli_fail(cli, cli_code_of(result), "%s", error.text);
	}
	count_endpoints(connection);
	*ledger = (struct cli_ledger){
		.context = connection, .read = on_read, .page = on_page, .submit = on_submit, .status = on_status,
		.header = on_header, .ask = on_ask,
		.close = on_close,
	};
	snprintf(ledger->chain, sizeof(ledger->chain), "%s", description.chain);
	result = sb_light_client_sync(connection->client, DEADLINE_MS, &synced, &error);
	if (result < 0) {
		cli_ledger_close(ledger);
		return cli_fail(cli, SB_EXIT_FAILED, "%s%s%s", sb_light_client_state(result) ? sb_light_client_state(result) : "",
				sb_light_client_state(result) ? ": " : "", error.text);
	}
	code = description.follow ? follow(cli, ledger) : 0;
	snprintf(ledger->network, sizeof(ledger->network), "%s", sb_light_client_chain(connection->client));
	if (code) {
		cli_ledger_close(ledger);
		return code;
	}
	learn_members(ledger);
	return 0;
}

/* ---- another chain's first block */

struct first {
	const struct description *description;
	const char *roots;
	struct cli_beginning *beginning;
};

/* Of one endpoint. 0: it has said the same as the others; else a sentence. */
static int ask_first(struct first *first, const char *url, struct sb_error *error)
{
	sb_cleanup(sb_light_block_free) struct sb_light_block block = { .header.height = 0 };
	const struct description *description = first->description;
	struct sb_http_config config = { .url = url, .connect_ms = 5000, .roots = first->roots,
					 .pin = description->pin[0] ? description->pin : NULL };
	struct cli_beginning *beginning = first->beginning;
	struct sb_remote *remote = sb_http_valid(url) ? sb_remote_open(&config) : NULL;
	enum sb_light_verdict verdict;
	enum sb_fault fault;
	uint8_t hash[32];

	if (!remote || !sb_remote_check(remote)) {
		sb_remote_close(remote);
		return sb_fail(error, -EINVAL, "it is no address, or its certificates cannot be used");
	}
	fault = sb_remote_commit(remote, beginning->height, &block, error);
	if (fault == SB_FAULT_NONE)
		fault = sb_remote_validators(remote, beginning->height, &block.validators, error);
	sb_remote_close(remote);
	if (fault != SB_FAULT_NONE)
		return sb_fail(error, -EHOSTUNREACH, "%s", sb_fault_text(fault));
	verdict = block.header.height == beginning->height ? sb_light_check(&block, description->network) : SB_LIGHT_HEIGHT;
	if (verdict == SB_LIGHT_OK)
		verdict = sb_light_commit(&block);
	if (verdict != SB_LIGHT_OK)
		return sb_fail(error, -EBADMSG, "block %lld: %s", (long long)beginning->height, sb_light_text(verdict));
	sb_header_hash(&block.header, hash);
	if (beginning->agree && memcmp(hash, beginning->hash, sizeof(hash)) != 0)
		return sb_fail(error, -EBADMSG, "its block %lld is another one than the others'", (long long)beginning->height);
	memcpy(beginning->hash, hash, sizeof(hash));
	beginning->agree++;
	return 0;
}

int cli_ledger_beginning(struct sb_cli *cli, const char *path, struct cli_beginning *beginning)
{
	struct description description;
	struct first first = { &description, NULL, beginning };
	int code = read_description(cli, path, true, &description), result = 0;
	sb_cleanup_free uint8_t *roots = NULL;
	char *rest = NULL, *at;
	uint8_t trust[32];
	size_t length;

	memset(beginning, 0, sizeof(*beginning));
	if (code)
		return code;
	if (description.roots[0])
		result = sb_file_read(description.roots, ROOTS_MAX, &roots, &length);
	if (result < 0)
		return cli_fail(cli, cli_code_of(result), "%s: tls_roots: %s: %s", path, description.roots, strerror(-result));
	first.roots = (char *)roots;
	strcpy(beginning->network, description.network);
	beginning->height = description.height ? (int64_t)description.height : 1;
	for (at = strtok_r(description.endpoints, " ,", &rest); at; at = strtok_r(NULL, " ,", &rest)) {
		struct sb_error error = { "" };

		if (beginning->urls == SB_ARRAY_SIZE(beginning->url) || strlen(at) >= sizeof(beginning->url[0]))
			return cli_fail(cli, SB_EXIT_USAGE, "%s: endpoints: at most 8, of at most 200 bytes", path);
		strcpy(beginning->url[beginning->urls++], at);
		result = ask_first(&first, at, &error);
		/* One that is away is no reason to wait; one that says something else is. */
		if (result == -EBADMSG)
			return cli_fail(cli, SB_EXIT_FAILED, "%s: %s", at, error.text);
		if (result < 0)
			fprintf(stderr, "%s: %s\n", at, error.text);
	}
	if (!beginning->agree)
		return cli_fail(cli, SB_EXIT_FAILED, "no endpoint of %s has its block %lld yet", beginning->network,
				(long long)beginning->height);
	if (description.height && description.trust[0] &&
	    (sb_parse_hex(description.trust, trust, 32) < 0 || memcmp(trust, beginning->hash, 32) != 0))
		return cli_fail(cli, SB_EXIT_FAILED, "%s: its trust_hash is another block's", path);
	return 0;
}

