// SPDX-License-Identifier: Apache-2.0
#include "device/ledger_light.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/config_ledger.h"
#include "common/log.h"
#include "common/parse.h"
#include "device/handover.h"
#include "light/client.h"
#include "light/remote.h"
#include "state/ledger.pb-c.h"
#include "state/message.h"

#define SYNC_MS		8000
#define READ_MS		10000
#define ASK_MS		5000
#define SUBMIT_MS	30000

#define SILENT_MS	15000	/* who has not answered is not waited for again before that */

#define ASKED_MOST	16	/* as many as there can be grant keys */

struct sb_ledger_light {
	struct sb_light_client *client;
	const struct sb_config *config;
	size_t order[SB_ENDPOINTS_MAX];	/* what the last sb_ledger_light_endpoints() counted */
	bool refuses[SB_ENDPOINTS_MAX];	/* by the client's number: it signs no grants, or is behind. Until they change */
	int64_t silent_until[SB_ENDPOINTS_MAX];	/* likewise; ms of sb_remote_now() */
	uint16_t port;
	char announce[sizeof(((struct sb_config *)0)->ledger.announce)];
	union sb_endpoint reached;	/* an endpoint's address */
};

/*
 * Whom we speak to. The kernel is told of the socket; our own address on the way there is where peers find us, unless the
 * configuration says.
 */
static int on_opened(void *context, int fd, const struct sockaddr *peer, socklen_t length)
{
	struct sb_ledger_light *light = context;

	/* Before it connects: in mode enforce the first packet would be dropped. */
	if (peer->sa_family == AF_INET || peer->sa_family == AF_INET6)
		sb_handover_give(fd);
	if ((peer->sa_family == AF_INET && length >= sizeof(struct sockaddr_in)) ||
	    (peer->sa_family == AF_INET6 && length >= sizeof(struct sockaddr_in6))) {
		memset(&light->reached, 0, sizeof(light->reached));
		memcpy(&light->reached, peer, length < sizeof(light->reached) ? length : sizeof(light->reached));
	}
	return 0;
}

int sb_ledger_light_open(const struct sb_config *config, const char *directory, const char *tls_roots,
			 struct sb_ledger_light **light, struct sb_error *error)
{
	struct sb_light_config options = { .directory = directory, .opened = on_opened, .roots = tls_roots, .spread = true,
					   .chain = config->ledger.network[0] ? config->ledger.network : config->chain };
	struct sb_ledger_light *opened = calloc(1, sizeof(*opened));
	int result;

	if (!opened)
		return sb_fail(error, -ENOMEM, "out of memory");
	options.context = opened;
	options.root.height = (int64_t)config->ledger.trust_height;
	memcpy(options.root.hash, config->ledger.trust_hash, sizeof(options.root.hash));
	options.endpoints = config->ledger.endpoints_count;
	for (size_t i = 0; i < options.endpoints; i++)
		options.endpoint[i] = (struct sb_light_endpoint){
			.url = config->ledger.endpoints[i],
			.roots = tls_roots,
			.pin = config->ledger.pin[0] ? config->ledger.pin : NULL,
		};
	opened->config = config;
	opened->port = (uint16_t)config->port;
	memcpy(opened->announce, config->ledger.announce, sizeof(opened->announce));
	result = sb_light_client_open(&options, &opened->client, error);
	if (result < 0) {
		free(opened);
		return result;
	}
	if (!config->ledger.learn)
		sb_ledger_light_learn(opened, NULL, 0);		/* what was learned before that was so */
	*light = opened;
	return 0;
}

void sb_ledger_light_learn(struct sb_ledger_light *light, const char *const *url, size_t count)
{
	const char *reached[SB_ENDPOINTS_LEARNED];
	struct sb_error error = { "" };
	size_t kept = 0;

	for (size_t i = 0; i < count && kept < SB_ENDPOINTS_LEARNED && light->config->ledger.learn; i++)
		if (sb_ledger_reaches(light->config, url[i]))
			reached[kept++] = url[i];
	memset(light->refuses, 0, sizeof(light->refuses));
	memset(light->silent_until, 0, sizeof(light->silent_until));
	if (sb_light_client_learn(light->client, reached, kept, &error) < 0)
		sb_warn("the ledger's endpoints: %s", error.text);
}

void sb_ledger_light_close(struct sb_ledger_light *light)
{
	if (light)
		sb_light_client_close(light->client);
	free(light);
}

int sb_ledger_light_sync(struct sb_ledger_light *light, struct sb_head *head, struct sb_error *error)
{
	struct sb_light_synced synced;
	int result = sb_light_client_sync(light->client, SYNC_MS, &synced, error);

	if (result < 0)
		return result;
	*head = (struct sb_head){ .height = synced.header.height, .seconds = synced.header.time.seconds,
				  .witnessed = synced.witnessed };
	sb_header_hash(&synced.header, head->hash);
	memcpy(head->parent, synced.header.last_block.hash.bytes, sizeof(head->parent));
	memcpy(head->app_hash, synced.header.app.bytes, sizeof(head->app_hash));
	return 0;
}

int sb_ledger_light_read(struct sb_ledger_light *light, const void *key, size_t length, struct sb_port_record *record,
			 struct sb_error *error)
{
	struct sb_light_record read = { 0 };
	int result = sb_light_client_query(light->client, key, length, READ_MS, &read, error);

	if (result < 0)
		return result;
	*record = (struct sb_port_record){ .present = read.present, .value = read.value, .length = read.length,
					   .height = read.height, .seconds = read.time.seconds };
	return 0;
}

int sb_ledger_light_submit(struct sb_ledger_light *light, const uint8_t *tx, size_t length, struct sb_port_taken *taken,
			   struct sb_error *error)
{
	struct sb_light_submitted submitted;
	int result = sb_light_client_submit(light->client, tx, length, SUBMIT_MS, &submitted, error);

	if (result < 0)
		return result;
	*taken = (struct sb_port_taken){ .height = submitted.height, .code = submitted.code.code };
	_Static_assert(sizeof(taken->log) >= sizeof(submitted.code.log), "room for the node's sentence");
	memcpy(taken->log, submitted.code.log, sizeof(submitted.code.log));
	return 0;
}

int sb_ledger_light_ask(struct sb_ledger_light *light, unsigned int endpoint, const char *path, const void *data,
			size_t length, uint8_t **answer, size_t *answer_length, struct sb_error *error)
{
	struct sb_query_answer read = { 0 };
	size_t number = light->order[endpoint];
	int result;

	/* Grants for many peers are asked for in a row, and each would wait for it anew. */
	if (sb_remote_now() < light->silent_until[number])
		return sb_fail(error, -EHOSTUNREACH, "endpoint %u has not answered a moment ago", endpoint);
	result = sb_light_client_ask(light->client, (int)number, path, data, length, ASK_MS, &read, error);
	light->silent_until[number] = result == -EHOSTUNREACH ? sb_remote_now() + SILENT_MS : 0;
	if (result < 0)
		return result;
	light->refuses[number] = read.code || !read.value_length;
	if (light->refuses[number]) {
		result = sb_fail(error, -EPERM, "endpoint %u: %s", endpoint, read.log[0] ? read.log : "no answer");
	} else {
		*answer = sb_take_ptr(read.value);
		*answer_length = read.value_length;
		read.value_length = 0;
	}
	sb_query_answer_free(&read);
	return result;
}

/* Those that refused a while ago come behind the others: a node that only reads signs nothing. */
unsigned int sb_ledger_light_endpoints(struct sb_ledger_light *light)
{
	size_t order[SB_ENDPOINTS_MAX], kept = 0;
	size_t count = sb_light_client_order(light->client, order);

	for (int refuses = 0; refuses < 2; refuses++)
		for (size_t i = 0; i < count; i++)
			if (light->refuses[order[i]] == (refuses == 1))
				light->order[kept++] = order[i];
	return kept < ASKED_MOST ? (unsigned int)kept : ASKED_MOST;
}

int sb_ledger_light_members(struct sb_ledger_light *light, const uint8_t *record, size_t length, int64_t height,
			    struct sb_error *error)
{
	SB_AUTO_MESSAGE Sealbond__Members *read = sb_message_read(&sealbond__members__descriptor, record, length);
	struct sb_members members = { 0 };

	if (!read || read->n_members > SB_MEMBERS_MAX)
		return sb_fail(error, -EINVAL, "it cannot be read");
	members.threshold = read->threshold;
	for (size_t i = 0; i < read->n_members; i++) {
		if (read->members[i]->key.len != SB_MEMBER_KEY_LEN)
			return sb_fail(error, -EINVAL, "a member's key has another length");
		memcpy(members.member[i].key, read->members[i]->key.data, SB_MEMBER_KEY_LEN);
		members.member[i].weight = read->members[i]->weight;
	}
	members.count = read->n_members;
	if (sb_members_sort(&members) < 0)
		return sb_fail(error, -EINVAL, "weights or threshold cannot be");
	return sb_light_client_set_members(light->client, &members, height, error);
}

int sb_ledger_light_succeed(struct sb_ledger_light *light, const uint8_t *record, size_t length, struct sb_error *error)
{
	SB_AUTO_MESSAGE Sealbond__Succession *read = sb_message_read(&sealbond__succession__descriptor, record, length);
	struct sb_succession succession = { .height = read ? (int64_t)read->height : 0 };
	int result;

	if (!read || strlen(read->chain) >= sizeof(succession.chain) || read->hash.len != sizeof(succession.hash) ||
	    read->n_endpoints > SB_SUCCESSION_URLS_MAX)
		return sb_fail(error, -EINVAL, "it cannot be read");
	strcpy(succession.chain, read->chain);
	memcpy(succession.hash, read->hash.data, sizeof(succession.hash));
	for (size_t i = 0; i < read->n_endpoints; i++) {
		if (strlen(read->endpoints[i]) >= sizeof(succession.url[0]))
			return sb_fail(error, -EINVAL, "one of its endpoints is too long");
		strcpy(succession.url[succession.endpoints++], read->endpoints[i]);
	}
	result = sb_light_client_succeed(light->client, &succession, SYNC_MS, error);
	if (result < 0)
		return result;
	/* The numbers are of other endpoints now. */
	memset(light->order, 0, sizeof(light->order));
	memset(light->refuses, 0, sizeof(light->refuses));
	memset(light->silent_until, 0, sizeof(light->silent_until));
	return 0;
}

static size_t configured(const struct sb_ledger_light *light, char (*address)[72], size_t room)
{
	const char *at = light->announce;
	size_t count = 0;

	while (*at && count < room) {
		size_t length = strcspn(at, ", ");

		if (length > 0 && length < 72) {
			memcpy(address[count], at, length);
			address[count++][length] = '\0';
		}
		at += length;
		at += strspn(at, ", ");
	}
	return count;
}

size_t sb_ledger_light_addresses(struct sb_ledger_light *light, char (*address)[72], size_t room)
{
	size_t count = configured(light, address, room);
	union sb_endpoint own = { .any.sa_family = 0 };
	socklen_t length = sizeof(own);
	sb_cleanup_close int fd = -1;

	if (count || !room || !light->reached.any.sa_family)
		return count;
	/* Connecting a datagram socket sends nothing: it only chooses the way. */
	fd = socket(light->reached.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &light->reached.any, (socklen_t)sb_endpoint_length(&light->reached)) < 0 ||
	    getsockname(fd, &own.any, &length) < 0)
		return 0;
	if (own.any.sa_family == AF_INET && (ntohl(own.in4.sin_addr.s_addr) >> 24 == 127 || !own.in4.sin_addr.s_addr))
		return 0;
	if (own.any.sa_family == AF_INET6 && (IN6_IS_ADDR_LOOPBACK(&own.in6.sin6_addr) ||
					      IN6_IS_ADDR_LINKLOCAL(&own.in6.sin6_addr)))
		return 0;
	if (own.any.sa_family == AF_INET)
		own.in4.sin_port = htons(light->port);
	else
		own.in6.sin6_port = htons(light->port);
	sb_format_endpoint(address[0], &own);
	return 1;
}

bool sb_ledger_light_named(const struct sb_ledger_light *light)
{
	struct sb_light_endpoint_state state[SB_ENDPOINTS_MAX];
	size_t count = sb_light_client_endpoints(light->client, state);

	for (size_t i = 0; i < count; i++)
		if (sb_ledger_is_named(state[i].url))
			return true;
	return false;
}

void sb_ledger_light_report(const struct sb_ledger_light *light, struct sb_ledger_reply *reply)
{
	struct sb_light_endpoint_state state[SB_ENDPOINTS_MAX];
	size_t order[SB_ENDPOINTS_MAX], count = sb_light_client_endpoints(light->client, state);
	struct sb_light_status status;

	sb_light_client_status(light->client, &status);
	reply->bytes_in = status.in;
	reply->bytes_out = status.out;
	(void)sb_light_client_order(light->client, order);
	reply->endpoints_known = (uint32_t)count;
	for (size_t i = 0; i < count && i < SB_LEDGER_ENDPOINTS; i++) {
		const struct sb_light_endpoint_state *one = &state[order[i]];

		snprintf(reply->endpoint[i].url, sizeof(reply->endpoint[i].url), "%s", one->url);
		snprintf(reply->endpoint[i].text, sizeof(reply->endpoint[i].text), "%.95s", one->text);
		reply->endpoint[i].latency_us = one->standing.latency_us;
		reply->endpoint[i].failures = one->standing.failures;
		reply->endpoint[i].height = one->height;
		reply->endpoint[i].learned = one->learned;
		reply->endpoints++;
	}
}
