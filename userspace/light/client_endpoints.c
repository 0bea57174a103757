// SPDX-License-Identifier: Apache-2.0
/* Where the ledger can be asked: what the configuration and the ledger say, measured, and who is preferred. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "light/client_internal.h"

#define FILE_NAME	"endpoints"
#define FILE_MAX	32768
#define URL_MOST	256		/* bytes of one that is learned */
#define DRAW_MS		600000		/* a preference lasts so long, up to twice as long */
#define PROBE_MS	2000		/* a probe takes at most */
#define PROBE_EACH_MS	1000		/* between two probes at least, up to twice as long */
#define BUSY		3		/* so many of the best keep their connections */

uint32_t sb_client_random(void)
{
	uint32_t random = 0;

	/* Jitter and load: no secret. */
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = (uint32_t)sb_remote_now() * 2654435761U;
	return random;
}

void sb_peer_free(struct sb_peer *peer)
{
	sb_remote_close(peer->remote);
	free(peer->url);
	free(peer->roots);
	free(peer->pin);
}

static uint32_t draw(const struct sb_light_client *client)
{
	/* Not 0, and small enough for a product with a latency. */
	return client->config.spread ? sb_client_random() % 1000000 + 1 : 0;
}

bool sb_client_add(struct sb_light_client *client, const struct sb_light_endpoint *endpoint, bool learned)
{
	struct sb_peer *peer = &client->peer[client->peers];
	struct sb_http_config config = {
		.connect_ms = client->config.connect_ms, .opened = client->config.opened,
		.context = client->config.context,
	};

	*peer = (struct sb_peer){ .url = strdup(endpoint->url), .learned = learned, .standing.ticket = draw(client) };
	peer->roots = endpoint->roots ? strdup(endpoint->roots) : NULL;
	peer->pin = endpoint->pin ? strdup(endpoint->pin) : NULL;
	config.url = peer->url;
	config.roots = peer->roots;
	config.pin = peer->pin;
	if (peer->url && !peer->roots == !endpoint->roots && !peer->pin == !endpoint->pin)
		peer->remote = sb_remote_open(&config);
	if (!peer->remote || (!learned && !sb_remote_check(peer->remote))) {
		sb_peer_free(peer);
		return false;
	}
	client->peers++;
	return true;
}

static bool is_known(const struct sb_light_client *client, const char *url)
{
	for (size_t i = 0; i < client->peers; i++)
		if (strcmp(client->peer[i].url, url) == 0)
			return true;
	return false;
}

static bool may_be_learned(const char *url)
{
	return strlen(url) < URL_MOST && strncmp(url, "unix:", 5) != 0 && sb_http_valid(url);
}

static size_t learned_count(const struct sb_light_client *client)
{
	size_t count = 0;

	for (size_t i = 0; i < client->peers; i++)
		count += client->peer[i].learned;
	return count;
}

static void add_learned(struct sb_light_client *client, const char *url)
{
	struct sb_light_endpoint endpoint = { .url = url, .roots = client->roots };

	if (learned_count(client) < SB_ENDPOINTS_LEARNED && may_be_learned(url) && !is_known(client, url))
		(void)sb_client_add(client, &endpoint, true);
}

static bool is_among(const char *url, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i], url) == 0)
			return true;
	return false;
}

static void forget_others(struct sb_light_client *client, const char *const *url, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < client->peers; i++) {
		if (client->peer[i].learned && !is_among(client->peer[i].url, url, count))
			sb_peer_free(&client->peer[i]);
		else
			client->peer[kept++] = client->peer[i];
	}
	client->peers = kept;
}

static int path_of(const struct sb_light_client *client, char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s/" FILE_NAME, client->directory) < PATH_MAX - 32 ? 0 : -ENAMETOOLONG;
}

void sb_client_load_endpoints(struct sb_light_client *client)
{
	sb_cleanup_free uint8_t *data = NULL;
	char path[PATH_MAX], *rest, *url;
	size_t length;

	/* Nothing of it is believed: what cannot be read is learned anew. */
	if (path_of(client, path) < 0 || sb_file_read(path, FILE_MAX, &data, &length) < 0)
		return;
	rest = (char *)data;
	while ((url = strsep(&rest, "\n")))
		if (url[0])
			add_learned(client, url);
}

int sb_client_save_endpoints(const struct sb_light_client *client)
{
	char path[PATH_MAX], text[SB_ENDPOINTS_LEARNED * URL_MOST + 1];
	size_t length = 0;
	int result = path_of(client, path);

	for (size_t i = 0; i < client->peers; i++)
		if (client->peer[i].learned)
			length += (size_t)snprintf(text + length, sizeof(text) - length, "%s\n", client->peer[i].url);
	return result < 0 ? result : sb_file_write(path, text, length, 0600);
}

int sb_light_client_learn(struct sb_light_client *client, const char *const *url, size_t count, struct sb_error *error)
{
	size_t before = client->peers, learned = 0;
	int result;

	forget_others(client, url, count);
	learned = client->peers;
	for (size_t i = 0; i < count; i++)
		add_learned(client, url[i]);
	if (before == learned && learned == client->peers)
		return 0;
	result = sb_client_save_endpoints(client);
	return result < 0 ? sb_fail(error, result, "%s/" FILE_NAME ": %s", client->directory, strerror(-result)) : 0;
}

void sb_client_draw(struct sb_light_client *client)
{
	int64_t now = sb_remote_now();

	if (!client->config.spread || now < client->draw_at)
		return;
	for (size_t i = 0; client->draw_at && i < client->peers; i++)
		client->peer[i].standing.ticket = draw(client);
	client->draw_at = now + DRAW_MS + sb_client_random() % DRAW_MS;
}

/* Those that are not in use do not hold a connection at their node, and no memory here. */
static void rest(struct sb_light_client *client, const struct sb_peer *peer)
{
	size_t order[SB_ENDPOINTS_MAX];

	sb_client_order(client, order);
	for (size_t i = BUSY; i < client->peers; i++)
		if (&client->peer[order[i]] == peer)
			sb_remote_rest(peer->remote);
}

static void ask_how_it_is(const struct sb_light_client *client, struct sb_peer *peer)
{
	struct sb_answer_status status;
	struct sb_error error = { "" };
	int64_t now = sb_remote_now();
	enum sb_fault fault;

	sb_remote_deadline(peer->remote, now + PROBE_MS < client->deadline ? now + PROBE_MS : client->deadline, PROBE_MS,
			   false);
	fault = sb_remote_status(peer->remote, &status, &error);
	if (fault == SB_FAULT_NONE && strcmp(status.chain, client->chain) != 0) {
		sb_fail(&error, 0, "other-chain: it has the chain %s", status.chain);
		fault = SB_FAULT_CHAIN;
	}
	/* A node that has just been started catches up: its answers would be old. */
	if (fault == SB_FAULT_NONE && status.catching_up) {
		sb_fail(&error, 0, "stale: it is catching up, at height %lld", (long long)status.height);
		fault = SB_FAULT_STALE;
	}
	if (fault != SB_FAULT_NONE) {
		sb_peer_bad(peer, fault, &error);
		return;
	}
	peer->height = status.height;
	sb_peer_good(peer);
}

void sb_client_probe(struct sb_light_client *client)
{
	struct sb_standing standing[SB_ENDPOINTS_MAX];
	int64_t now = sb_remote_now();
	size_t chosen;

	if (client->peers < 2 || now < client->probe_at || now >= client->deadline)
		return;
	for (size_t i = 0; i < client->peers; i++)
		standing[i] = client->peer[i].standing;
	chosen = sb_order_probe(standing, client->peers, now);
	if (chosen == client->peers)
		return;
	ask_how_it_is(client, &client->peer[chosen]);
	rest(client, &client->peer[chosen]);
	client->probe_at = sb_remote_now() + PROBE_EACH_MS + sb_client_random() % PROBE_EACH_MS;
}
