// SPDX-License-Identifier: Apache-2.0
/* The devices of our zones: what the ledger says of each, and a grant for those that may talk. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/sha256.h"
#include "device/ledger_grant.h"
#include "device/ledger_internal.h"
#include "state/membership.h"

#define READS_A_STEP	64	/* so that a heartbeat does not wait for a large zone */
#define GRANTS_A_STEP	8
#define GRANTS_MS	1000	/* and no further one is begun after that: a revocation does not wait for who does not answer */
#define LEADERS		4	/* endpoints that may name a grant's time, one after the other */
#define GRANT_RETRY_MS	60000	/* at most */

static int compare(const void *a, const void *b)
{
	const struct ledger_peer *one = a, *two = b;

	return memcmp(one->id, two->id, sizeof(one->id));
}

struct ledger_peer *ledger_peer(struct sb_ledger *ledger, const uint8_t id[32])
{
	struct ledger_peer wanted;

	if (!ledger->peers)
		return NULL;
	memcpy(wanted.id, id, sizeof(wanted.id));
	return bsearch(&wanted, ledger->peer, ledger->peers, sizeof(wanted), compare);
}

struct ledger_peer *ledger_add_peer(struct sb_ledger *ledger, const uint8_t id[32])
{
	struct ledger_peer *found = ledger_peer(ledger, id), *grown;
	size_t place = 0, end = ledger->peers;

	if (found || ledger->peers == SB_LEDGER_PEERS_MAX)
		return found;
	grown = realloc(ledger->peer, (ledger->peers + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	ledger->peer = grown;
	/* Into its place: they may come by the thousand. */
	while (place < end) {
		size_t middle = place + (end - place) / 2;

		if (memcmp(grown[middle].id, id, 32) < 0)
			place = middle + 1;
		else
			end = middle;
	}
	memmove(&grown[place + 1], &grown[place], (ledger->peers - place) * sizeof(*grown));
	memset(&grown[place], 0, sizeof(*grown));
	memcpy(grown[place].id, id, 32);
	ledger->peers++;
	return &grown[place];
}

void sb_ledger_peer_seen(struct sb_ledger *ledger, const uint8_t device[32])
{
	struct ledger_peer *peer = ledger_add_peer(ledger, device);

	if (peer)
		peer->in_kernel = true;
}

void sb_ledger_peer_lost(struct sb_ledger *ledger, const uint8_t device[32])
{
	struct ledger_peer *peer = ledger_peer(ledger, device);

	if (peer)
		peer->due_ms = 0;
}

void ledger_refresh_peers(struct sb_ledger *ledger)
{
	for (size_t i = 0; i < ledger->peers; i++)
		ledger->peer[i].fresh = true;
}

/*
 * Whether one of its tags is of the zone that lists it. A roster is the zone's to change, but the device's owner, or the
 * next one, has the last word on whether it is in there: nodes sign nothing for it then, and the bond must not outlive that.
 */
static bool has_tag(const struct sb_ledger *ledger, struct ledger_peer *peer, const Sealbond__Membership *membership)
{
	const struct ledger_zone *zone = &ledger->zone[peer->zone];
	crypto_generichash_state state;
	uint8_t digest[sizeof(peer->shown)];

	for (size_t i = 0; membership && peer->zone < ledger->zones && i < membership->n_tags; i++) {
		const ProtobufCBinaryData *tag = &membership->tags[i];

		if (tag->len != SB_TAG_LEN)
			continue;
		crypto_generichash_init(&state, NULL, 0, sizeof(digest));
		crypto_generichash_update(&state, tag->data, SB_TAG_LEN);
		crypto_generichash_update(&state, zone->authority, sizeof(zone->authority));
		crypto_generichash_update(&state, peer->proof, sizeof(peer->proof));
		crypto_generichash_update(&state, zone->rules.bytes, zone->rules.length);
		crypto_generichash_final(&state, digest, sizeof(digest));
		if (memcmp(digest, peer->shown, sizeof(digest)) != 0 &&
		    sb_tag_verify_for(ledger->settings.chain, peer->id, &zone->rules, tag->data, zone->authority, peer->proof) < 0)
			continue;
		memcpy(peer->shown, digest, sizeof(digest));
		return true;
	}
	return false;
}

static void take_record(struct sb_ledger *ledger, struct ledger_peer *peer, const Sealbond__Device *record)
{
	/* Its grant is for another state: quarantine, or its end. */
	peer->fresh |= record && peer->known && peer->state != (uint32_t)record->state;
	peer->known = true;
	peer->state = record ? record->state : 0;
	/* Of one that no zone lists for now there is no proof: nothing is said against it. */
	peer->belongs = !peer->listed || (record && has_tag(ledger, peer, record->membership));
	if (!record)
		return;
	peer->lease_end = record->lease_end;
	if (record->key.len == 32 && memcmp(peer->key, record->key.data, 32) != 0) {
		memcpy(peer->key, record->key.data, 32);
		peer->fresh = true;
	}
	ledger_open_endpoints(ledger, peer, record->endpoints);
}

/* The kernel has it from before this process, and it may be of a zone that is being re-keyed. */
static bool is_unplaced(const struct sb_ledger *ledger, const struct ledger_peer *peer)
{
	return ledger->unread && peer->in_kernel && !peer->listed && !peer->placed;
}

/* 1: there are more. Those of which nobody speaks any more are not read, and go once the kernel has not got them. */
int ledger_read_peers(struct sb_ledger *ledger)
{
	unsigned int reads = 0;

	for (; ledger->turn < ledger->peers; ledger->turn++) {
		struct ledger_peer *peer = &ledger->peer[ledger->turn];
		void *record = NULL;
		int result;

		if (!peer->listed && !is_unplaced(ledger, peer))
			continue;
		if (reads++ == READS_A_STEP)
			return 1;
		result = ledger_read(ledger, &sealbond__device__descriptor, SB_RECORD_DEVICE, peer->id, 32, &record);
		if (result < 0 && result != -EBADMSG)
			return result;
		take_record(ledger, peer, record);
		sb_message_free(record);
	}
	ledger->turn = 0;
	return 0;
}

static bool is_let(const struct ledger_peer *peer)
{
	return peer->state == SEALBOND__DEVICE_STATE__LIVE || peer->state == SEALBOND__DEVICE_STATE__QUARANTINED;
}

/* In a zone of ours, and the ledger has nothing against it. */
static bool is_admitted(const struct ledger_peer *peer)
{
	return peer->listed && peer->known && peer->belongs && is_let(peer);
}

static bool may_bond(const struct sb_ledger *ledger, const struct ledger_peer *peer)
{
	return is_admitted(peer) && peer->lease_end > ledger->head.seconds;
}

/* Is there proof that this bond has to end? Until the ledger was read, what the kernel was granted holds. */
static bool must_end(const struct sb_ledger *ledger, const struct ledger_peer *peer, bool may_talk)
{
	if (!ledger->facts.asked)
		return false;
	if (!may_talk)
		return true;
	if (!ledger->read_any && !peer->known)
		return false;
	if (is_unplaced(ledger, peer))
		return peer->known && !(is_let(peer) && peer->lease_end > ledger->head.seconds);
	/* Its heartbeats were as lost as ours. The kernel ends the bond with the hold that was granted. */
	if (ledger->facts.hold_ms && sb_ledger_lost(&ledger->facts, ledger_now(ledger)) && is_admitted(peer))
		return false;
	return !may_bond(ledger, peer);
}

void ledger_judge_peers(struct sb_ledger *ledger)
{
	bool may_talk = sb_ledger_may_talk(&ledger->facts, ledger_now(ledger));
	size_t kept = 0;

	for (size_t i = 0; i < ledger->peers; i++) {
		struct ledger_peer *peer = &ledger->peer[i];
		struct sb_error error = { "" };

		if (peer->in_kernel && must_end(ledger, peer, may_talk)) {
			int result = ledger->port->drop(ledger->port->context, peer->id, &error);

			if (result < 0)
				sb_warn("ending the bond with %s: %s", peer->name, error.text);
			else
				sb_info("peer %s: its bond ended, as the ledger says", peer->name);
			peer->in_kernel = result < 0;
			peer->until_ms = peer->due_ms = 0;
		}
		if (peer->listed || peer->in_kernel || ledger->turn)
			ledger->peer[kept++] = *peer;
	}
	ledger->peers = kept;
}

/* The request that nodes answer; as_of 0: the node names the time. To be freed. */
static uint8_t *pack_request(const struct sb_ledger *ledger, const struct ledger_peer *peer, const uint8_t nonce[16],
			     int64_t as_of, size_t *length)
{
	const struct ledger_zone *zone = &ledger->zone[peer->zone];
	Sealbond__GrantRequest request = SEALBOND__GRANT_REQUEST__INIT;
	uint64_t hold = ledger->facts.hold_ms / 1000;

#define BYTES(from)	((ProtobufCBinaryData){ sizeof(from), (uint8_t *)(uintptr_t)(from) })
	request.holder = BYTES(ledger->identity.device_id);
	request.device = BYTES(peer->id);
	request.nonce = (ProtobufCBinaryData){ 16, (uint8_t *)(uintptr_t)nonce };
	request.zone = BYTES(zone->authority);
	request.holder_proof = BYTES(zone->proof);
	request.device_proof = BYTES(peer->proof);
	request.rules = (ProtobufCBinaryData){ zone->rules.length, (uint8_t *)(uintptr_t)zone->rules.bytes };
#undef BYTES
	request.as_of = as_of;
	request.hold = hold < UINT32_MAX ? (uint32_t)hold : UINT32_MAX;
	return sb_message_pack(&request, length);
}

/* One peer's grant, while its signatures are collected. */
struct asking {
	struct sb_ledger *ledger;
	const struct ledger_peer *peer;
	const uint8_t *nonce;
	struct sb_grant_wanted wanted;
	struct sb_grant_merge merge;
	uint64_t silent;	/* mask of endpoints that have not answered: once is enough to wait for them */
	struct sb_error *error;
};

/* From one endpoint into the merged grant; why not, in error. *as_of is the time that the node has named. */
static int ask_one(struct asking *asking, unsigned int endpoint, int64_t *as_of)
{
	const struct sb_ledger_port *port = asking->ledger->port;
	sb_cleanup_free uint8_t *request = NULL, *data = NULL;
	Sealbond__GrantAnswer *answer;
	size_t length, data_length = 0;
	int result;

	if (asking->silent & 1ULL << endpoint % 64)
		return -EHOSTUNREACH;
	request = pack_request(asking->ledger, asking->peer, asking->nonce, *as_of, &length);
	result = port->ask(port->context, endpoint, "/grant", request, length, &data, &data_length, asking->error);
	if (result == -EHOSTUNREACH)
		asking->silent |= 1ULL << endpoint % 64;
	if (result < 0)
		return result;
	answer = sb_message_read(&sealbond__grant_answer__descriptor, data, data_length);
	if (!answer)
		return sb_fail(asking->error, -EBADMSG, "an endpoint's answer is no grant");
	result = sb_grant_merge_add(&asking->merge, &asking->wanted, answer->grant.data, answer->grant.len);
	if (result == 0 && !*as_of)
		*as_of = answer->as_of;
	sb_message_free(answer);
	if (result < 0)
		sb_fail(asking->error, result, "endpoint %u: %s", endpoint, result == -EKEYREJECTED ?
			"its grant is signed by no key of grant_keys" : "its grant is not what was asked for");
	return result;
}

/*
 * One endpoint names the time that the grant counts from, and the others sign for the same, or refuse: with the same
 * records of both devices their grants are the same bytes. Whatever that endpoint has in mind, another's turn comes.
 */
static const struct sb_grant_file *ask_led_by(struct asking *asking, unsigned int leader, unsigned int endpoints)
{
	const struct sb_grant_file *ready;
	int64_t as_of = 0;

	asking->merge.count = 0;
	if (ask_one(asking, leader, &as_of) < 0)
		return NULL;
	ready = sb_grant_merge_ready(&asking->merge, &asking->wanted);
	for (unsigned int i = 0; i < endpoints && !ready && as_of; i++) {
		if (i == leader)
			continue;
		(void)ask_one(asking, i, &as_of);
		ready = sb_grant_merge_ready(&asking->merge, &asking->wanted);
	}
	return ready;
}

static int collect(struct sb_ledger *ledger, const struct ledger_peer *peer, const uint8_t nonce[16],
		   struct sb_grant_file *grant, struct sb_error *error)
{
	struct asking asking = { .ledger = ledger, .peer = peer, .nonce = nonce, .error = error,
				 .wanted = { .keys = ledger->settings.keys, .keys_count = ledger->settings.keys_count,
					     .threshold = ledger->settings.threshold } };
	unsigned int endpoints = ledger->port->endpoints(ledger->port->context);
	const struct sb_grant_file *ready = NULL;

	sb_digest_of(ledger->settings.chain, strlen(ledger->settings.chain), asking.wanted.chain_id);
	memcpy(asking.wanted.holder, ledger->identity.device_id, 32);
	memcpy(asking.wanted.device, peer->id, 32);
	memcpy(asking.wanted.nonce, nonce, sizeof(asking.wanted.nonce));
	asking.wanted.rules = &ledger->zone[peer->zone].rules;
	for (unsigned int leader = 0; leader < endpoints && leader < LEADERS && !ready; leader++)
		ready = ask_led_by(&asking, leader, endpoints);
	if (!ready)
		return error->text[0] ? -EAGAIN : sb_fail(error, -EAGAIN, "too few signatures: %u are needed",
							    asking.wanted.threshold);
	/* A node that is behind speaks of a key that is gone. */
	if (memcmp(ready->body.key, peer->key, 32) != 0)
		return sb_fail(error, -ESTALE, "its grant is of another bond key than the ledger has");
	*grant = *ready;
	return 0;
}

/* 0, and for how long it is good, of which hold at its end. */
static int grant_one(struct sb_ledger *ledger, struct ledger_peer *peer, uint64_t *duration, uint64_t *hold,
		     struct sb_error *error)
{
	const struct sb_ledger_port *port = ledger->port;
	struct sb_admit_request admit = { 0 };
	struct sb_grant_file grant;
	uint8_t nonce[16];
	int result = port->nonce(port->context, peer->id, nonce, error);

	if (result == 0)
		result = collect(ledger, peer, nonce, &grant, error);
	if (result < 0)
		return result;
	memcpy(admit.device_id, peer->id, 32);
	snprintf(admit.name, sizeof(admit.name), "%s", peer->name);
	_Static_assert(sizeof(peer->endpoint) == sizeof(admit.endpoint), "an endpoint is sent as it is");
	memcpy(admit.endpoint, &peer->endpoint, sizeof(admit.endpoint));
	_Static_assert(sizeof(admit.grant) == SB_GRANT_MAX, "room for the largest grant");
	admit.length = (uint16_t)sb_grant_file_encode(&grant, admit.grant);
	*duration = sb_grant_file_duration(&grant);
	*hold = sb_grant_file_hold(&grant);
	return port->admit(port->context, &admit, error);
}

static void renew(struct sb_ledger *ledger, struct ledger_peer *peer)
{
	struct sb_error error = { "" };
	uint64_t duration = 0, hold = 0, start = ledger_now(ledger);
	int result = grant_one(ledger, peer, &duration, &hold, &error);

	if (result == 0) {
		peer->failures = 0;
		peer->in_kernel = true;
		peer->fresh = false;
		peer->until_ms = start + duration;
		peer->lease_ms = start + duration - hold;
		peer->due_ms = start + sb_beat_after(duration - hold, ledger_random(ledger));
		return;
	}
	if (!peer->failures++)
		sb_warn("grant for %s: %s", peer->name, error.text);
	peer->due_ms = ledger_now(ledger) + sb_retry_after(peer->failures, GRANT_RETRY_MS * 24, ledger_random(ledger));
}

uint64_t ledger_grant_peers(struct sb_ledger *ledger)
{
	uint64_t now = ledger_now(ledger), wait = UINT64_MAX;
	bool may_talk = sb_ledger_may_talk(&ledger->facts, now);
	unsigned int grants = 0;

	for (size_t i = 0; i < ledger->peers && may_talk; i++) {
		struct ledger_peer *peer = &ledger->peer[i];

		if (!may_bond(ledger, peer))
			continue;
		if ((peer->due_ms <= now || (peer->fresh && !peer->failures)) && grants < GRANTS_A_STEP &&
		    ledger_now(ledger) - now < GRANTS_MS) {
			renew(ledger, peer);
			grants++;
		}
		if (peer->due_ms < now + wait)
			wait = peer->due_ms > now ? peer->due_ms - now : 0;
	}
	return wait;
}
