// SPDX-License-Identifier: Apache-2.0
/*
 * The light client as a program, for tests:
 *   light_lines URL[,URL] CHAIN HASH_OF_BLOCK_1 DIRECTORY [spread]
 * Reads lines: "sync", "faults", "query KEY", "submit TX", "members MEMBERS", in hex, "learn URL,URL" and "order"; answers
 * each with a line: "ok …", or "error TEXT".
 *   sync: ok HEIGHT HASH_OF_APP HASH [checkpoint]   query: ok HEIGHT VALUE, or ok HEIGHT none
 *   submit: ok HEIGHT CODE proven|said
 *   faults: ok EVIDENCE NAME...: how many have taken the evidence of a fork; what is wrong with each endpoint
 *   order: ok, and for each endpoint, as they would be asked now: URL MICROSECONDS FAILURES
 *   members: as in a checkpoint (light/checkpoint.h); taken as what the latest proven record says
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/parse.h"
#include "light/client.h"

#define LINE_MAX_LENGTH	140000
#define DEADLINE_MS	30000

static void print_hex(const uint8_t *data, size_t length)
{
	for (size_t i = 0; i < length; i++)
		printf("%02x", data[i]);
}

static int run_sync(struct sb_light_client *client, struct sb_error *error)
{
	struct sb_light_synced synced;
	uint8_t hash[32];
	int rc = sb_light_client_sync(client, DEADLINE_MS, &synced, error);

	if (rc)
		return rc;
	printf("ok %" PRId64 " ", synced.header.height);
	print_hex(synced.header.app.bytes, synced.header.app.length);
	printf(" ");
	sb_header_hash(&synced.header, hash);
	print_hex(hash, sizeof(hash));
	if (synced.by_checkpoint)
		printf(" checkpoint");
	return 0;
}

static int run_members(struct sb_light_client *client, const uint8_t *data, size_t length, struct sb_error *error)
{
	const struct sb_header *header = sb_light_client_header(client);
	struct sb_reader reader = { data, length, false };
	struct sb_members members;
	int rc;

	if (!header || !sb_members_get(&reader, &members) || !sb_read_whole(&reader))
		return sb_fail(error, -1, "no members");
	rc = sb_light_client_set_members(client, &members, header->height, error);
	if (!rc)
		printf("ok %" PRId64, header->height);
	return rc;
}

static int run_query(struct sb_light_client *client, const uint8_t *key, size_t length, struct sb_error *error)
{
	struct sb_light_record record;
	int rc = sb_light_client_query(client, key, length, DEADLINE_MS, &record, error);

	if (rc)
		return rc;
	printf("ok %" PRId64 " ", record.height);
	if (record.present)
		print_hex(record.value, record.length);
	else
		printf("none");
	free(record.value);
	return 0;
}

static int run_faults(struct sb_light_client *client)
{
	struct sb_light_endpoint_state state[SB_ENDPOINTS_MAX];
	size_t count = sb_light_client_endpoints(client, state);
	struct sb_light_status status;

	sb_light_client_status(client, &status);
	printf("ok %u", status.evidence);
	for (size_t i = 0; i < count; i++)
		printf(" %s", sb_fault_name(state[i].standing.fault));
	return 0;
}

static int run_submit(struct sb_light_client *client, const uint8_t *tx, size_t length, struct sb_error *error)
{
	struct sb_light_submitted submitted;
	int rc = sb_light_client_submit(client, tx, length, DEADLINE_MS, &submitted, error);

	if (!rc)
		printf("ok %" PRId64 " %u %s", submitted.height, submitted.code.code,
		       submitted.proven ? "proven" : "said");
	return rc;
}

static int run_learn(struct sb_light_client *client, char *list, struct sb_error *error)
{
	const char *url[SB_ENDPOINTS_LEARNED];
	size_t count = 0;
	int rc;

	for (char *at = strtok(list, ","); at && count < SB_ENDPOINTS_LEARNED; at = strtok(NULL, ","))
		url[count++] = at;
	rc = sb_light_client_learn(client, url, count, error);
	if (!rc)
		printf("ok");
	return rc;
}

static int run_order(struct sb_light_client *client)
{
	struct sb_light_endpoint_state state[SB_ENDPOINTS_MAX];
	size_t order[SB_ENDPOINTS_MAX], count = sb_light_client_order(client, order);

	sb_light_client_endpoints(client, state);
	printf("ok");
	for (size_t i = 0; i < count; i++)
		printf(" %s %u %u", state[order[i]].url, state[order[i]].standing.latency_us,
		       state[order[i]].standing.failures);
	return 0;
}

static int run(struct sb_light_client *client, const char *command, char *hex, struct sb_error *error)
{
	size_t length = hex ? strlen(hex) / 2 : 0;
	sb_cleanup_free uint8_t *data = malloc(length + 1);

	if (hex && !strcmp(command, "learn"))
		return run_learn(client, hex, error);
	if (!strcmp(command, "order"))
		return run_order(client);
	if (!data || (hex && sb_parse_hex(hex, data, length) < 0))
		return sb_fail(error, -1, "no hex");
	if (!strcmp(command, "sync"))
		return run_sync(client, error);
	if (!strcmp(command, "faults"))
		return run_faults(client);
	if (!strcmp(command, "members"))
		return run_members(client, data, length, error);
	return !strcmp(command, "query") ? run_query(client, data, length, error) :
	       run_submit(client, data, length, error);
}

int main(int argc, char **argv)
{
	static char line[LINE_MAX_LENGTH];
	struct sb_light_config config = { .clock = SB_CLOCK_YES, .root.height = 1 };
	struct sb_light_client *client;
	struct sb_error error = { "" };

	if ((argc != 5 && (argc != 6 || strcmp(argv[5], "spread"))) ||
	    sb_parse_hex(argv[3], config.root.hash, sizeof(config.root.hash)) < 0) {
		fprintf(stderr, "usage: light_lines URL CHAIN HASH_OF_BLOCK_1 DIRECTORY [spread]\n");
		return 2;
	}
	for (char *url = strtok(argv[1], ","); url && config.endpoints < SB_ENDPOINTS_CONFIGURED; url = strtok(NULL, ","))
		config.endpoint[config.endpoints++].url = url;
	config.chain = argv[2];
	config.directory = argv[4];
	config.spread = argc == 6;
	if (sb_light_client_open(&config, &client, &error)) {
		fprintf(stderr, "light_lines: %s\n", error.text);
		return 1;
	}
	while (fgets(line, sizeof(line), stdin)) {
		char *rest = line, *command, *hex;

		line[strcspn(line, "\n")] = '\0';
		command = strsep(&rest, " ");
		hex = strsep(&rest, " ");
		if (run(client, command, hex, &error))
			printf("error %s", error.text);
		printf("\n");
		fflush(stdout);
	}
	sb_light_client_close(client);
	return 0;
}
