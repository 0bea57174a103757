// SPDX-License-Identifier: Apache-2.0
#include "light/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"
#include "light/client_internal.h"

static const struct sb_light_rules default_rules = SB_LIGHT_RULES_DEFAULT;

/* libcurl looks names up in a thread; the clock's state; glibc's resolver. */
const char *const sb_light_calls[] = {
	"adjtimex", "clock_adjtime", "clone", "clone3", "getpeername", "socketpair", "sendmmsg", "recvmmsg", "pread64",
	"set_tid_address", "getegid", NULL
};

static int check_config(const struct sb_light_config *config, struct sb_error *error)
{
	struct sb_members members = config->root.members;

	if (!config->chain || !config->chain[0] || strlen(config->chain) > SB_CHAIN_NAME_MAX)
		return sb_fail(error, -EINVAL, "a chain id has 1 to %d bytes", SB_CHAIN_NAME_MAX);
	if (!config->directory || !config->directory[0])
		return sb_fail(error, -EINVAL, "no directory to keep what is trusted in");
	if (!config->endpoints || config->endpoints > SB_ENDPOINTS_CONFIGURED)
		return sb_fail(error, -EINVAL, "a configuration has 1 to %d endpoints", SB_ENDPOINTS_CONFIGURED);
	if (config->root.height < 0 || (members.count && sb_members_sort(&members) < 0))
		return sb_fail(error, -EINVAL, "a trust root that cannot be");
	if (config->rules.trusting_period && !sb_light_rules_valid(&config->rules))
		return sb_fail(error, -EINVAL, "rules of trust that cannot be");
	for (size_t i = 0; i < config->endpoints; i++)
		if (!config->endpoint[i].url || !sb_http_valid(config->endpoint[i].url))
			return sb_fail(error, -EINVAL, "endpoint %zu: an address is http://, https:// or unix:/PATH",
				       i + 1);
	return 0;
}

static void set_defaults(struct sb_light_config *config)
{
	if (!config->rules.trusting_period)
		config->rules = default_rules;
	if (!config->floor)
		config->floor = sb_build_time();
	if (!config->stale_after)
		config->stale_after = 3600;
	if (!config->connect_ms)
		config->connect_ms = 5000;
	if (!config->call_ms)
		config->call_ms = 10000;
	if (config->root.members.count)
		(void)sb_members_sort(&config->root.members);
}

int sb_client_fill(struct sb_light_client *client, const struct sb_light_config *config, struct sb_error *error)
{
	client->config = *config;
	set_defaults(&client->config);
	client->chain = strdup(config->chain);
	client->directory = strdup(config->directory);
	client->roots = config->roots ? strdup(config->roots) : NULL;
	if (!client->chain || !client->directory || !config->roots != !client->roots)
		return sb_fail(error, -ENOMEM, "out of memory");
	client->config.chain = client->chain;
	client->config.directory = client->directory;
	client->config.roots = client->roots;
	sb_boot_id(client->boot_id);
	for (size_t i = 0; i < config->endpoints; i++)
		if (!sb_client_add(client, &config->endpoint[i], false))
			return sb_fail(error, -ENOMEM, "endpoint %zu: its certificates or its pin cannot be used", i + 1);
	return 0;
}

/* Where the ledger has gone since the configuration was written; one that names where it is now needs none of that. */
static int follow_kept(struct sb_light_client *client, struct sb_light_config *config, struct sb_error *error)
{
	struct sb_succession_kept kept;
	int result = sb_successor_load(config->directory, &kept, error);

	if (result == -ENOENT)
		return 0;
	if (result < 0)
		return result;
	if (strcmp(kept.first, config->chain) != 0 && strcmp(kept.now.chain, config->chain) != 0)
		return 0;
	client->kept = kept;
	if (strcmp(kept.now.chain, config->chain) == 0)
		strcpy(client->kept.first, config->chain);
	else if (!sb_client_succeeded(&client->kept, config))
		return sb_fail(error, -EINVAL, "%s/successor: it has no endpoint that can be used", config->directory);
	/* What a crash has left undone. */
	result = sb_trust_retire(config->directory, kept.before, kept.number);
	return result < 0 ? sb_fail(error, result, "%s: %s", config->directory, strerror(-result)) : 0;
}

static int fill(struct sb_light_client *client, const struct sb_light_config *given, struct sb_error *error)
{
	struct sb_light_config config = *given;
	int result = follow_kept(client, &config, error);

	if (result == 0)
		result = sb_client_fill(client, &config, error);
	if (result < 0)
		return result;
	result = sb_trust_load(client->directory, client->chain, &client->trust, &client->damaged, error);
	if (result < 0)
		return result;
	sb_client_load_endpoints(client);
	client->forked = sb_fork_there(client->directory);
	if (!client->trust.members.count && client->config.root.members.count) {
		client->trust.members = client->config.root.members;
		client->trust.members_height = client->kept.members_height;
	}
	return 0;
}

int sb_light_client_open(const struct sb_light_config *config, struct sb_light_client **client,
			 struct sb_error *error)
{
	struct sb_light_client *made;
	int result = check_config(config, error);

	if (result < 0)
		return result;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return sb_fail(error, -ENOMEM, "libcurl cannot begin");
	made = calloc(1, sizeof(*made));
	result = made ? fill(made, config, error) : sb_fail(error, -ENOMEM, "out of memory");
	if (result < 0) {
		sb_light_client_close(made);
		return result;
	}
	*client = made;
	return 0;
}

void sb_light_client_close(struct sb_light_client *client)
{
	if (!client)
		return;
	for (size_t i = 0; i < client->peers; i++)
		sb_peer_free(&client->peer[i]);
	free(client->roots);
	sb_trust_free(&client->trust);
	free(client->chain);
	free(client->directory);
	free(client);
}

void sb_client_begin(struct sb_light_client *client, uint32_t deadline_ms)
{
	uint32_t most = client->config.call_ms;
	bool shared = client->peers > 1;

	client->deadline = sb_remote_now() + deadline_ms;
	sb_client_draw(client);
	for (size_t i = 0; i < client->peers; i++)
		sb_remote_deadline(client->peer[i].remote, client->deadline,
				   shared ? sb_standing_patience(&client->peer[i].standing, most) : most, shared);
}

int sb_client_end(struct sb_light_client *client, int result)
{
	if (!client->dirty)
		return result;
	/* What cannot be kept is still true; the next start begins at an older block. */
	client->unsaved = sb_trust_save(client->directory, &client->trust);
	client->dirty = client->unsaved != 0;
	return result;
}

bool sb_client_wait(const struct sb_light_client *client, unsigned int ms)
{
	int64_t left = client->deadline - sb_remote_now();
	struct timespec time;

	if (left <= 0)
		return false;
	if (left < ms)
		ms = (unsigned int)left;
	time = (struct timespec){ ms / 1000, (long)(ms % 1000) * 1000000 };
	clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
	return sb_remote_now() < client->deadline;
}

struct sb_light_now sb_client_now(const struct sb_light_client *client)
{
	const struct sb_trust *trust = &client->trust;
	static const uint8_t unknown[16];
	struct sb_now_facts facts = { .floor = client->config.floor };
	struct timespec clock;
	uint64_t boot = sb_boot_ms();

	clock_gettime(CLOCK_REALTIME, &clock);
	facts.clock = (struct sb_chain_time){ clock.tv_sec, (int32_t)clock.tv_nsec };
	facts.believed = client->config.clock == SB_CLOCK_YES ||
			 (client->config.clock == SB_CLOCK_ASK && sb_clock_synchronized());
	if (trust->count) {
		facts.has_proven = true;
		facts.proven = trust->block[trust->count - 1].header.time;
		/* Of another boot it is only a time that has passed. */
		if (memcmp(trust->boot_id, unknown, sizeof(unknown)) != 0 &&
		    memcmp(trust->boot_id, client->boot_id, sizeof(unknown)) == 0 && boot > trust->received_ms)
			facts.elapsed_ms = boot - trust->received_ms;
	}
	return sb_now_of(&facts);
}

void sb_client_order(const struct sb_light_client *client, size_t order[SB_ENDPOINTS_MAX])
{
	struct sb_standing standing[SB_ENDPOINTS_MAX];

	for (size_t i = 0; i < client->peers; i++)
		standing[i] = client->peer[i].standing;
	sb_order(standing, client->peers, sb_remote_now(), order);
}

size_t sb_light_client_order(const struct sb_light_client *client, size_t order[SB_ENDPOINTS_MAX])
{
	sb_client_order(client, order);
	return client->peers;
}

enum sb_end sb_peer_bad(struct sb_peer *peer, enum sb_fault fault, const struct sb_error *error)
{
	sb_standing_bad(&peer->standing, fault, sb_remote_now(), sb_client_random());
	snprintf(peer->text, sizeof(peer->text), "%.*s", (int)sizeof(peer->text) - 1,
		 error && error->text[0] ? error->text : sb_fault_text(fault));
	if (fault != SB_FAULT_HEADER)
		peer->verdict = SB_LIGHT_OK;
	return SB_END_FAULT;
}

enum sb_end sb_peer_lies(struct sb_peer *peer, enum sb_light_verdict verdict, const struct sb_error *error)
{
	switch (verdict) {
	case SB_LIGHT_CHAIN:
		return sb_peer_bad(peer, SB_FAULT_CHAIN, error);
	case SB_LIGHT_FUTURE:
		return sb_peer_bad(peer, SB_FAULT_FUTURE, error);
	default:
		peer->verdict = verdict;
		return sb_peer_bad(peer, SB_FAULT_HEADER, error);
	}
}

void sb_peer_good(struct sb_peer *peer)
{
	struct sb_remote_counters counters;

	sb_remote_counters(peer->remote, &counters);
	sb_standing_good(&peer->standing, counters.us, sb_remote_now());
	if (peer->standing.fault != SB_FAULT_NONE)
		return;
	peer->verdict = SB_LIGHT_OK;
	peer->text[0] = '\0';
}

int sb_client_unreachable(const struct sb_light_client *client, struct sb_error *error)
{
	char text[sizeof(error->text)] = "";
	size_t at = 0;

	for (size_t i = 0; i < client->peers && at < sizeof(text); i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s: %s", i ? "; " : "", client->peer[i].url,
				       sb_fault_name(client->peer[i].standing.fault));
	return sb_fail(error, -EHOSTUNREACH, "ledger-unreachable: %s", text);
}

int sb_client_forked(struct sb_light_client *client, struct sb_error *error)
{
	client->forked = true;
	return sb_fail(error, -ENOTUNIQ, "ledger-fork: two headers of one height are proven; %s/fork.json has both. "
		       "Ask the ledger's members which one holds; nothing is believed while that file is there%s",
		       client->directory, client->evidence ? ". Validators that signed both are told of to the ledger" : "");
}

int sb_client_expired(const struct sb_light_client *client, struct sb_error *error)
{
	return sb_fail(error, -EKEYEXPIRED, "trust-expired: the newest header that this device trusts is older than "
		       "the trusting period, and there is no checkpoint that the %s have signed. "
		       "It is found by itself once an endpoint has one; or put one into %s/checkpoint",
		       client->trust.members.count ? "members" : "members (none is known here)", client->directory);
}

const struct sb_header *sb_light_client_header(const struct sb_light_client *client)
{
	const struct sb_trust *trust = &client->trust;

	return trust->count ? &trust->block[trust->count - 1].header : NULL;
}

int sb_light_client_set_members(struct sb_light_client *client, const struct sb_members *members, int64_t height,
				struct sb_error *error)
{
	struct sb_members sorted = *members;

	if (height < 1 || sb_members_sort(&sorted) < 0)
		return sb_fail(error, -EINVAL, "members that cannot be: none, one twice, or weights and threshold");
	if (height < client->trust.members_height)
		return 0;
	client->trust.members = sorted;
	client->trust.members_height = height;
	client->dirty = true;
	return sb_client_end(client, 0);
}

const struct sb_members *sb_light_client_members(const struct sb_light_client *client, int64_t *height)
{
	*height = client->trust.members_height;
	return &client->trust.members;
}

size_t sb_light_client_endpoints(const struct sb_light_client *client,
				 struct sb_light_endpoint_state state[SB_ENDPOINTS_MAX])
{
	for (size_t i = 0; i < client->peers; i++) {
		const struct sb_peer *peer = &client->peer[i];
		struct sb_remote_counters counters;

		sb_remote_counters(peer->remote, &counters);
		state[i] = (struct sb_light_endpoint_state){
			.url = peer->url, .standing = peer->standing, .verdict = peer->verdict,
			.learned = peer->learned, .height = peer->height, .calls = counters.calls, .in = counters.in, .out = counters.out,
		};
		memcpy(state[i].text, peer->text, sizeof(peer->text));
	}
	return client->peers;
}

void sb_light_client_status(const struct sb_light_client *client, struct sb_light_status *status)
{
	const struct sb_header *header = sb_light_client_header(client);
	struct sb_light_now now = sb_client_now(client);

	*status = (struct sb_light_status){ .damaged = client->damaged, .unsaved = client->unsaved, .evidence = client->evidence,
					    .clock = now.known, .now = now.time };
	if (header)
		status->expires = sb_time_add(header->time, client->config.rules.trusting_period);
	for (size_t i = 0; i < client->peers; i++) {
		struct sb_remote_counters counters;

		sb_remote_counters(client->peer[i].remote, &counters);
		status->calls += counters.calls;
		status->in += counters.in;
		status->out += counters.out;
	}
}

const char *sb_light_client_state(int result)
{
	switch (result) {
	case -EHOSTUNREACH:
		return "ledger-unreachable";
	case -ENOTUNIQ:
		return "ledger-fork";
	case -EKEYEXPIRED:
		return "trust-expired";
	default:
		return NULL;
	}
}
