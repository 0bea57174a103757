// SPDX-License-Identifier: Apache-2.0
/* What is encrypted to this device and its zones: who is in them, where they are, its profile. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include <linux/sealbond.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "device/ledger_internal.h"
#include "owner/envelope.h"
#include "owner/private.h"
#include "state/membership.h"

#define ADDRESS_ROOM	72

static struct sb_about about(const struct sb_ledger *ledger, enum sb_purpose purpose, const uint8_t *id, size_t length)
{
	return (struct sb_about){ .purpose = purpose, .chain = ledger->settings.chain, .id = id, .id_length = length };
}

/* Opened and unpacked; to be freed by sb_private_free(). NULL: not for us, or not in its one form. */
static void *open_sealed(struct sb_ledger *ledger, const ProtobufCMessageDescriptor *type, const uint8_t key[32],
			 enum sb_purpose purpose, const uint8_t *id, size_t id_length, ProtobufCBinaryData sealed)
{
	struct sb_about place = about(ledger, purpose, id, id_length);
	uint8_t *text = NULL;
	size_t length = 0;
	void *message;

	if (sb_envelope_open(key, &place, sealed.data, sealed.len, &text, &length) < 0)
		return NULL;
	message = sb_private_unpack(type, text, length);
	sb_private_release(text, length);
	return message;
}

void ledger_forget_zone(struct sb_ledger *ledger)
{
	explicit_bzero(ledger->zone, sizeof(ledger->zone));
	ledger->zones = 0;
	ledger->unread = false;
	ledger->told_length = 0;
	ledger->said[0] = '\0';
	for (size_t i = 0; i < ledger->peers; i++)
		ledger->peer[i].listed = false;
}

static SealbondPrivate__MembershipContent *open_membership(struct sb_ledger *ledger)
{
	const Sealbond__Membership *membership = ledger->self->membership;
	SealbondPrivate__MembershipContent *content;
	uint8_t *text = NULL;
	size_t length = 0;

	if (sb_sealed_box_open(ledger->settings.box_public, ledger->settings.box_secret, membership->sealed.data,
			       membership->sealed.len, &text, &length) < 0)
		return NULL;
	content = sb_private_unpack(&sealbond_private__membership_content__descriptor, text, length);
	sb_private_release(text, length);
	if (content && (sb_membership_content_check(content) < 0 || strcmp(content->chain, ledger->settings.chain) != 0 ||
			memcmp(content->device.data, ledger->identity.device_id, 32) != 0 ||
			content->n_belongings != membership->n_tags)) {
		sb_private_free(content);
		return NULL;
	}
	return content;
}

/* Who can read what is published for all of them. */
static void digest_keys(const struct sb_ledger *ledger, uint8_t digest[32])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, 32);
	for (size_t i = 0; i < ledger->zones; i++)
		crypto_generichash_update(&state, ledger->zone[i].key, sizeof(ledger->zone[i].key));
	crypto_generichash_final(&state, digest, 32);
	sodium_memzero(&state, sizeof(state));
}

/* Zones whose tag on the ledger is ours; what somebody else has sealed to us is none. */
static void take_zones(struct sb_ledger *ledger, const SealbondPrivate__MembershipContent *content)
{
	const Sealbond__Membership *membership = ledger->self->membership;
	uint8_t before[32], after[32];

	digest_keys(ledger, before);
	ledger->zones = 0;
	for (size_t i = 0; i < content->n_belongings && ledger->zones < LEDGER_BELONGINGS; i++) {
		const SealbondPrivate__Belonging *from = content->belongings[i];
		struct ledger_zone *zone = &ledger->zone[ledger->zones];
		struct sb_tag_rules rules = { .length = from->rules.len };

		if (rules.length)
			memcpy(rules.bytes, from->rules.data, rules.length);
		if (membership->tags[i].len != SB_TAG_LEN ||
		    sb_tag_verify_for(ledger->settings.chain, ledger->identity.device_id, &rules, membership->tags[i].data,
				      from->authority.data, from->proof.data) < 0)
			continue;
		memset(zone, 0, sizeof(*zone));
		zone->rules = rules;
		memcpy(zone->id, from->zone.data, sizeof(zone->id));
		memcpy(zone->key, from->key.data, sizeof(zone->key));
		memcpy(zone->authority, from->authority.data, sizeof(zone->authority));
		memcpy(zone->proof, from->proof.data, sizeof(zone->proof));
		ledger->zones++;
	}
	/* What was published is not for everybody, or under a key that a zone has no more. */
	digest_keys(ledger, after);
	if (memcmp(before, after, sizeof(before)) != 0)
		ledger->said[0] = '\0';
}

static void list_device(struct sb_ledger *ledger, size_t zone, const SealbondPrivate__ZoneDevice *from)
{
	struct ledger_peer *peer;

	if (memcmp(from->device.data, ledger->identity.device_id, 32) == 0)
		return;
	peer = ledger_add_peer(ledger, from->device.data);
	if (!peer || peer->listed)
		return;
	peer->listed = peer->placed = true;
	peer->zone = (uint8_t)zone;
	memcpy(peer->proof, from->proof.data, sizeof(peer->proof));
	snprintf(peer->name, sizeof(peer->name), "%s", from->name ? from->name : "");
}

/*
 * A zone that cannot be opened is being re-keyed, and our membership follows: who was listed stays so meanwhile. What
 * the ledger says of each device holds in any case.
 */
static int read_zone(struct sb_ledger *ledger, size_t i, const bool *was_listed)
{
	struct ledger_zone *zone = &ledger->zone[i];
	SealbondPrivate__ZoneContent *content;
	struct sb_tag_rules allowed;
	bool fits;
	void *record = NULL;
	const Sealbond__Zone *read;
	int result = ledger_read(ledger, &sealbond__zone__descriptor, SB_RECORD_ZONE, zone->id, sizeof(zone->id), &record);

	if (result < 0 || !record)
		return result;
	read = record;
	zone->conduit = read->conduit;
	content = open_sealed(ledger, &sealbond_private__zone_content__descriptor, zone->key, SB_PURPOSE_ZONE, zone->id,
			      sizeof(zone->id), read->sealed);
	sb_message_free(record);
	if (!content || sb_zone_content_check(content) < 0) {
		sb_private_free(content);
		ledger_text(ledger, "a zone's contents cannot be opened: its key has changed, and ours is to follow");
		ledger->unread = true;
		for (size_t p = 0; p < ledger->peers; p++)
			if (was_listed[p] && ledger->peer[p].zone == i)
				ledger->peer[p].listed = true;
		return 0;
	}
	/* A conduit that says one thing to its people and another to the nodes: no bond is what is left. */
	fits = sb_zone_rules(content, &allowed) == 0 && allowed.length == zone->rules.length &&
	       memcmp(allowed.bytes, zone->rules.bytes, allowed.length) == 0;
	if (!fits)
		ledger_text(ledger, "a conduit allows other protocols and ports than this device's membership of it has: its "
			    "owner has to set the membership anew");
	for (size_t d = 0; d < content->n_devices && fits; d++)
		list_device(ledger, i, content->devices[d]);
	sb_private_free(content);
	return 0;
}

static int read_zones(struct sb_ledger *ledger)
{
	size_t before = ledger->peers;
	sb_cleanup_free bool *was_listed = calloc(before + 1, sizeof(bool));
	sb_cleanup_free uint8_t (*id)[32] = calloc(before + 1, sizeof(*id));
	int result = 0;

	if (!was_listed || !id)
		return -ENOMEM;
	for (size_t i = 0; i < before; i++) {
		was_listed[i] = ledger->peer[i].listed;
		memcpy(id[i], ledger->peer[i].id, 32);
	}
	ledger->unread = false;
	for (size_t i = 0; i < ledger->peers; i++)
		ledger->peer[i].listed = false;
	for (size_t i = 0; i < ledger->zones && result == 0; i++) {
		/* New peers have moved the others' places. */
		sb_cleanup_free bool *now = calloc(ledger->peers + 1, sizeof(bool));

		for (size_t p = 0; now && p < before; p++) {
			const struct ledger_peer *peer = was_listed[p] ? ledger_peer(ledger, id[p]) : NULL;

			if (peer)
				now[peer - ledger->peer] = true;
		}
		result = now ? read_zone(ledger, i, now) : -ENOMEM;
	}
	/* Nothing was learnt: everybody stays. */
	for (size_t p = 0; result < 0 && p < before; p++) {
		struct ledger_peer *peer = was_listed[p] ? ledger_peer(ledger, id[p]) : NULL;

		if (peer)
			peer->listed = true;
	}
	return result;
}

/* "NAME", of those that the configuration has; what is behind a colon would be the profile's own. */
static bool fill_profile(const SealbondPrivate__ProfileContent *content, struct sb_profile_request *request,
			 const char **why)
{
	memset(request, 0, sizeof(*request));
	request->version = content->version;
	request->mode = strcmp(content->mode, "enforce") == 0 ? SEALBOND_MODE_ENFORCE :
			strcmp(content->mode, "observe") == 0 ? SEALBOND_MODE_OBSERVE : 0;
	*why = "exceptions: too many, or none that can be a name of the configuration's";
	if (content->n_exceptions > SB_PROFILE_EXCEPTIONS)
		return false;
	for (size_t i = 0; i < content->n_exceptions; i++) {
		const char *name = content->exceptions[i];
		size_t length = strcspn(name, ":");

		if (!length || length >= sizeof(request->exception[i]))
			return false;
		if (name[length + strspn(name + length, ": ")]) {
			*why = "exceptions: a profile names those of the configuration, without values of its own";
			return false;
		}
		memcpy(request->exception[i], name, length);
	}
	request->has_exceptions = content->n_exceptions > 0;
	request->exceptions = (uint8_t)content->n_exceptions;
	return true;
}

/* Mode and exceptions are the link role's to take over. Returns false where it could not be asked. */
static bool hand_on(struct sb_ledger *ledger, const SealbondPrivate__ProfileContent *content)
{
	struct sb_profile_answer answer = { .error = 0 };
	struct sb_profile_request request;
	struct sb_error error = { "" };
	const char *why = NULL;
	bool right = fill_profile(content, &request, &why);

	if (!right)
		request.has_exceptions = request.exceptions = 0;
	if (ledger->port->profile(ledger->port->context, &request, &answer, &error) < 0) {
		ledger_text(ledger, "%s", error.text);
		return false;
	}
	snprintf(ledger->profile_text, sizeof(ledger->profile_text), "version %u%s%s%s%s%s%s%s", content->version,
		 answer.mode_taken ? ", mode " : "", answer.mode_taken ? content->mode : "",
		 answer.exceptions_taken ? ", exceptions" : "", right && !answer.text[0] ? ": in force" : "; not taken over: ",
		 right ? "" : why, !right && answer.text[0] ? "; " : "", answer.text);
	if (right && !answer.text[0]) {
		ledger->profile_version = content->version;
		ledger->beat_wanted = true;
	} else {
		sb_warn("the ledger's profile, %s", ledger->profile_text);
	}
	return true;
}

/* It has gone with the device's owner: the configuration's mode and exceptions, and the ledger's hold. */
static void drop_profile(struct sb_ledger *ledger)
{
	const struct sb_profile_request none = { .version = 0 };
	struct sb_profile_answer answer = { .error = 0 };
	struct sb_error error = { "" };

	ledger->has_profile_hold = false;
	ledger_set_hold(ledger);
	ledger->profile_again = ledger->port->profile(ledger->port->context, &none, &answer, &error) < 0;
	if (ledger->profile_again) {
		ledger_text(ledger, "%s", error.text);
		return;
	}
	ledger->has_profile = false;
	ledger->profile_version = 0;
	ledger->profile_text[0] = '\0';
	ledger->beat_wanted = true;
}

/*
 * Its version is told to the ledger as in force when all of it is. Versions begin anew with another owner, or a role that
 * was taken over: what was looked at is told by what is sealed.
 */
void ledger_take_profile(struct sb_ledger *ledger)
{
	const Sealbond__Profile *profile = ledger->self->profile;
	SealbondPrivate__ProfileContent *content = NULL;
	uint8_t digest[sizeof(ledger->profile_tried)];

	if (!profile && ledger->has_profile)
		drop_profile(ledger);
	if (!profile || !ledger->zones)
		return;
	crypto_generichash(digest, sizeof(digest), profile->sealed.data, profile->sealed.len, NULL, 0);
	if (ledger->has_profile && memcmp(digest, ledger->profile_tried, sizeof(digest)) == 0 && !ledger->profile_again)
		return;
	content = open_sealed(ledger, &sealbond_private__profile_content__descriptor, ledger->zone[0].key,
			      SB_PURPOSE_PROFILE, ledger->identity.device_id, 32, profile->sealed);
	if (!content || content->version != profile->version) {
		ledger_text(ledger, "version %u of the profile cannot be opened", profile->version);
		sb_private_free(content);
		return;
	}
	ledger->has_profile_hold = content->stop || content->hold;
	ledger->profile_hold_ms = content->stop ? 0 : content->hold * 1000ULL;
	ledger_set_hold(ledger);
	ledger->profile_again = !hand_on(ledger, content);
	memcpy(ledger->profile_tried, digest, sizeof(digest));
	ledger->has_profile = true;
	sb_private_free(content);
}

int ledger_follow_zone(struct sb_ledger *ledger)
{
	SealbondPrivate__MembershipContent *content;
	int result;

	if (!ledger->self->membership || !ledger->self->membership->n_tags) {
		ledger_forget_zone(ledger);
		ledger_take_profile(ledger);
		return 0;
	}
	content = open_membership(ledger);
	if (!content) {
		ledger_text(ledger, "this device's membership is not sealed to its box key: its owner has to set it anew");
		return 0;
	}
	take_zones(ledger, content);
	sb_private_free(content);
	result = read_zones(ledger);
	if (result == 0)
		ledger_take_profile(ledger);
	return result;
}

/* As many of the first addresses as there is room for, to our zone and to each of our conduits. */
static bool share(const struct sb_ledger *ledger, char *list[], size_t count, uint8_t sealed[SB_ENVELOPE_SHARED_LEN])
{
	SealbondPrivate__Endpoints endpoints = SEALBOND_PRIVATE__ENDPOINTS__INIT;
	const struct sb_about place = about(ledger, SB_PURPOSE_ENDPOINTS, ledger->identity.device_id, 32);
	const uint8_t *key[LEDGER_BELONGINGS];
	int result = -EMSGSIZE;

	for (size_t i = 0; i < ledger->zones; i++)
		key[i] = ledger->zone[i].key;
	endpoints.addresses = list;
	for (endpoints.n_addresses = count; result == -EMSGSIZE; endpoints.n_addresses--) {
		size_t length;
		uint8_t *text = sb_private_pack(&endpoints, &length);

		if (!text)
			return false;
		result = sb_envelope_share(key, ledger->zones, &place, text, length, sealed);
		sb_private_release(text, length);
		if (!endpoints.n_addresses)
			break;
	}
	return result == 0;
}

void ledger_seal_endpoints(struct sb_ledger *ledger)
{
	char address[SB_ANNOUNCE_MAX][ADDRESS_ROOM], said[sizeof(ledger->said)] = "", *list[SB_ANNOUNCE_MAX];
	size_t count, used = 0;

	if (!ledger->zones)
		return;
	count = ledger->port->addresses(ledger->port->context, address, SB_ANNOUNCE_MAX);
	for (size_t i = 0; i < count && used < sizeof(said); i++) {
		used += (size_t)snprintf(said + used, sizeof(said) - used, "%s ", address[i]);
		list[i] = address[i];
	}
	if (strcmp(said, ledger->said) == 0 || !share(ledger, list, count, ledger->told))
		return;
	ledger->told_length = sizeof(ledger->told);
	memcpy(ledger->said, said, sizeof(said));
	ledger->beat_wanted = true;
}

void ledger_open_endpoints(struct sb_ledger *ledger, struct ledger_peer *peer, ProtobufCBinaryData sealed)
{
	const struct sb_about place = about(ledger, SB_PURPOSE_ENDPOINTS, peer->id, sizeof(peer->id));
	SealbondPrivate__Endpoints *endpoints;
	union sb_endpoint read;
	uint8_t *text;
	size_t length;

	if (!sealed.len || peer->zone >= ledger->zones)
		return;
	if (sb_envelope_open_shared(ledger->zone[peer->zone].key, &place, sealed.data, sealed.len, &text, &length) < 0)
		return;
	endpoints = sb_private_unpack(&sealbond_private__endpoints__descriptor, text, length);
	sb_private_release(text, length);
	for (size_t i = 0; endpoints && i < endpoints->n_addresses; i++) {
		memset(&read, 0, sizeof(read));
		if (sb_parse_endpoint(endpoints->addresses[i], &read) < 0)
			continue;
		if (memcmp(&read, &peer->endpoint, sizeof(read)) != 0)
			peer->fresh = true;
		peer->endpoint = read;
		break;
	}
	sb_private_free(endpoints);
}
