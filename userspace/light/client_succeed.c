// SPDX-License-Identifier: Apache-2.0
/* From one chain of a ledger to the next. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "light/client_internal.h"

bool sb_client_succeeded(const struct sb_succession_kept *kept, struct sb_light_config *config)
{
	/* A pin is of one endpoint's key; nothing that these say is believed for their certificate. */
	const char *roots = config->roots;

	config->chain = kept->now.chain;
	config->root.height = kept->now.height;
	memcpy(config->root.hash, kept->now.hash, sizeof(config->root.hash));
	config->root.members = kept->members;
	config->endpoints = 0;
	for (size_t i = 0; i < kept->now.endpoints && i < SB_ENDPOINTS_CONFIGURED; i++)
		if (sb_http_valid(kept->now.url[i]))
			config->endpoint[config->endpoints++] = (struct sb_light_endpoint){ kept->now.url[i], roots, NULL };
	return config->endpoints;
}

static void note(const struct sb_light_client *client, const struct sb_succession *succession,
		 struct sb_succession_kept *kept)
{
	memset(kept, 0, sizeof(*kept));
	kept->number = client->kept.number + 1;
	strcpy(kept->first, client->kept.number ? client->kept.first : client->chain);
	strcpy(kept->before, client->chain);
	kept->now = *succession;
	kept->members = client->trust.members;
	kept->members_height = client->trust.members_height;
}

/* Does one of its endpoints have the block that was named? It is trusted then. */
static int begin(struct sb_light_client *next, struct sb_error *error)
{
	size_t order[SB_ENDPOINTS_MAX];

	sb_client_order(next, order);
	for (size_t i = 0; i < next->peers; i++)
		if (sb_client_root(next, &next->peer[order[i]]) == SB_END_OK)
			return 0;
	return sb_client_unreachable(next, error);
}

/* The next one, in memory alone. */
static int prepare(const struct sb_light_client *client, const struct sb_succession_kept *kept, uint32_t deadline_ms,
		   struct sb_light_client *next, struct sb_error *error)
{
	struct sb_light_config config = client->config;
	int result;

	if (!sb_client_succeeded(kept, &config))
		return sb_fail(error, -EINVAL, "the succession names no endpoint that can be used");
	result = sb_client_fill(next, &config, error);
	if (result < 0)
		return result;
	strcpy(next->trust.chain, kept->now.chain);
	next->trust.members = kept->members;
	next->trust.members_height = kept->members_height;
	next->kept = *kept;
	sb_client_begin(next, deadline_ms);
	return begin(next, error);
}

static int move(struct sb_light_client *client, struct sb_light_client *next, struct sb_error *error)
{
	struct sb_light_client old = *client;
	int result;

	/* Where the old chain could be asked; of the new one it is learned anew. A file that stays would cost time alone. */
	(void)sb_client_save_endpoints(next);
	result = sb_successor_save(client->directory, &next->kept);
	if (result < 0)
		return sb_fail(error, result, "%s/successor: %s", client->directory, strerror(-result));
	/* From here on it has moved; a start after a crash comes to the same. */
	*client = *next;
	*next = old;
	client->unsaved = sb_trust_retire(client->directory, client->kept.before, client->kept.number);
	return client->unsaved ? 0 : sb_client_end(client, 0);
}

int sb_light_client_succeed(struct sb_light_client *client, const struct sb_succession *succession, uint32_t deadline_ms,
			    struct sb_error *error)
{
	sb_cleanup_free struct sb_succession_kept *kept = calloc(1, sizeof(*kept));
	struct sb_light_client *next = calloc(1, sizeof(*next));
	int result;

	if (client->forked)
		result = sb_client_forked(client, error);
	else if (!sb_succession_valid(succession) || strcmp(succession->chain, client->chain) == 0 ||
		 client->kept.number == UINT8_MAX)
		result = sb_fail(error, -EINVAL, "a succession that cannot be");
	else if (!kept || !next)
		result = sb_fail(error, -ENOMEM, "out of memory");
	else {
		note(client, succession, kept);
		result = prepare(client, kept, deadline_ms, next, error);
		if (result == 0)
			result = move(client, next, error);
	}
	sb_light_client_close(next);
	return result;
}

const char *sb_light_client_chain(const struct sb_light_client *client)
{
	return client->chain;
}

unsigned int sb_light_client_successions(const struct sb_light_client *client)
{
	return client->kept.number;
}
