// SPDX-License-Identifier: Apache-2.0
/*
 * The light client by hand, in the sandbox of a role:
 *   light_try DIRECTORY CHAIN ROOT URL... [-- COMMAND [ARGUMENT]]
 * ROOT: HEIGHT:HASH of a header, or the hash of the first validators. DIRECTORY keeps what is trusted.
 * Commands: sync (without one), get KEY, put TRANSACTION. A URL may be followed by ,FILE (certificates, PEM) or
 * ,sha256//PIN. Prints one line for each thing it learnt; exit 1: with a
 * sentence on stderr.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/parse.h"
#include "common/sandbox.h"
#include "light/client.h"

#define DEADLINE	30000

static struct sb_error error;

static int fail(void)
{
	fprintf(stderr, "light_try: %s\n", error.text);
	return 1;
}

static int misused(void)
{
	fputs("usage: light_try DIRECTORY CHAIN ROOT URL... [-- get KEY | put TRANSACTION]\n", stderr);
	return 2;
}

static bool parse_root(const char *text, struct sb_light_root *root)
{
	const char *colon = strchr(text, ':');

	if (colon)
		root->height = strtoll(text, NULL, 10);
	return sb_parse_hex(colon ? colon + 1 : text, root->hash, sizeof(root->hash)) == 0;
}

/* URL, URL,FILE or URL,sha256//PIN; the file's bytes stay in memory. */
static bool parse_endpoint(char *text, struct sb_light_endpoint *endpoint)
{
	char *comma = strchr(text, ',');
	uint8_t *roots;
	size_t length;

	endpoint->url = text;
	if (!comma)
		return true;
	*comma++ = '\0';
	if (strncmp(comma, "sha256//", 8) == 0) {
		endpoint->pin = comma;
		return true;
	}
	if (sb_file_read(comma, 1 << 20, &roots, &length) < 0)
		return false;
	endpoint->roots = (const char *)roots;
	return true;
}

static int shut_in(const char *directory)
{
	const struct sb_sandbox_path paths[] = {
		{ directory, 1 }, { "/etc/ssl", 0 }, { "/usr/share/ca-certificates", 0 }, { "/usr/lib/ssl", 0 },
		{ "/etc/resolv.conf", 0 }, { "/etc/hosts", 0 }, { "/etc/nsswitch.conf", 0 }, { "/etc/host.conf", 0 },
		{ "/etc/gai.conf", 0 }, { "/usr/lib", 0 }, { "/lib", 0 }, { "/dev/urandom", 0 },
	};
	const unsigned int families[] = { AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, 0 };
	int result = sb_sandbox_begin();

	if (result == 0)
		result = sb_sandbox_paths(paths, SB_ARRAY_SIZE(paths));
	return result < 0 ? result : sb_sandbox_calls(sb_light_calls, families);
}

static int get(struct sb_light_client *client, const char *key)
{
	struct sb_light_record record;

	if (sb_light_client_query(client, key, strlen(key), DEADLINE, &record, &error) < 0)
		return fail();
	if (record.present)
		printf("value %.*s\n", (int)record.length, (const char *)record.value);
	else
		printf("absent\n");
	printf("of height %" PRId64 "\n", record.height);
	free(record.value);
	return 0;
}

static int put(struct sb_light_client *client, const char *tx)
{
	struct sb_light_submitted submitted;

	if (sb_light_client_submit(client, tx, strlen(tx), DEADLINE, &submitted, &error) < 0)
		return fail();
	printf("height %" PRId64 " code %" PRIu32 "%s %s\n", submitted.height, submitted.code.code,
	       submitted.proven ? " proven" : "", submitted.code.log);
	return 0;
}

static int sync_now(struct sb_light_client *client)
{
	struct sb_light_synced synced;

	if (sb_light_client_sync(client, DEADLINE, &synced, &error) < 0)
		return fail();
	printf("height %" PRId64 "%s%s%s\n", synced.header.height, synced.witnessed ? " witnessed" : "",
	       synced.stale ? " stale" : "", synced.by_checkpoint ? " by-checkpoint" : "");
	return 0;
}

static void report(struct sb_light_client *client)
{
	struct sb_light_endpoint_state state[SB_ENDPOINTS_MAX];
	size_t count = sb_light_client_endpoints(client, state);

	for (size_t i = 0; i < count; i++)
		printf("endpoint %s %s %" PRIu64 " bytes in %" PRIu64 " calls%s%s\n", state[i].url,
		       sb_fault_name(state[i].standing.fault), state[i].in, state[i].calls,
		       state[i].text[0] ? ": " : "", state[i].text);
}

static int run(struct sb_light_client *client, int argc, char **argv)
{
	int result = sync_now(client);

	if (result || argc == 0)
		return result;
	if (argc == 2 && strcmp(argv[0], "get") == 0)
		return get(client, argv[1]);
	if (argc == 2 && strcmp(argv[0], "put") == 0)
		return put(client, argv[1]);
	return misused();
}

int main(int argc, char **argv)
{
	struct sb_light_config config = { .clock = SB_CLOCK_YES, .floor = 1 };
	struct sb_light_client *client;
	int at = 4, result;

	if (argc < 5 || !parse_root(argv[3], &config.root))
		return misused();
	config.directory = argv[1];
	config.chain = argv[2];
	for (; at < argc && strcmp(argv[at], "--") != 0; at++)
		if (config.endpoints == SB_ENDPOINTS_CONFIGURED ||
		    !parse_endpoint(argv[at], &config.endpoint[config.endpoints++]))
			return misused();
	if (sb_light_client_open(&config, &client, &error) < 0)
		return fail();
	result = shut_in(argv[1]);
	if (result < 0) {
		sb_fail(&error, result, "sandbox: %s", strerror(-result));
		return fail();
	}
	result = run(client, at < argc ? argc - at - 1 : 0, argv + at + (at < argc));
	report(client);
	sb_light_client_close(client);
	return result;
}
