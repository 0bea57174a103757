// SPDX-License-Identifier: Apache-2.0
/* What is encrypted to this device and its zones: who is in them, where they are, its profile. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

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

/* Zones whose tag on the ledger is ours; what somebody else has sealed to us is none. */
static void take_zones(struct sb_ledger *ledger, const SealbondPrivate__MembershipContent *content)
{
	const Sealbond__Membership *membership = ledger->self->membership;
	uint8_t before[32] = { 0 };

	if (ledger->zones)
		memcpy(before, ledger->zone[0].key, sizeof(before));
	ledger->zones = 0;
	for (size_t i = 0; i < content->n_belongings && ledger->zones < LEDGER_BELONGINGS; i++) {
		const SealbondPrivate__Belonging *from = content->belongings[i];
		struct ledger_zone *zone = &ledger->zone[ledger->zones];

		if (membership->tags[i].len != SB_TAG_LEN ||
		    sb_tag_verify(ledger->settings.chain, ledger->identity.device_id, membership->tags[i].data,
				  from->authority.data, from->proof.data) < 0)
			continue;
		memset(zone, 0, sizeof(*zone));
		memcpy(zone->id, from->zone.data, sizeof(zone->id));
		memcpy(zone->key, from->key.data, sizeof(zone->key));
		memcpy(zone->authority, from->authority.data, sizeof(zone->authority));
		memcpy(zone->proof, from->proof.data, sizeof(zone->proof));
		ledger->zones++;
	}
	/* What was published is under a key that the zone has no more. */
	if (ledger->zones && sodium_memcmp(before, ledger->zone[0].key, sizeof(before)) != 0)
		ledger->said[0] = '\0';
	explicit_bzero(before, sizeof(before));
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
	/* The kernel cannot keep a bond to some ports: no bond is what is left. */
	zone->restricted = content->n_allowed > 0;
	for (size_t d = 0; d < content->n_devices && !zone->restricted; d++)
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

/* Of the profile only on_ledger_loss is taken over here; what else it wants is told. */
static void take_profile(struct sb_ledger *ledger)
{
	const Sealbond__Profile *profile = ledger->self->profile;
	SealbondPrivate__ProfileContent *content = NULL;

	if (!profile || !ledger->zones || profile->version == ledger->profile_version)
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
	if (content->mode[0] || content->n_exceptions) {
		ledger_text(ledger, "version %u of the profile has a mode or exceptions: put them into sealbond.conf, this "
			    "program does not take them over", profile->version);
	} else {
		ledger->profile_version = profile->version;
		ledger->beat_wanted = true;
	}
	sb_private_free(content);
}

int ledger_follow_zone(struct sb_ledger *ledger)
{
	SealbondPrivate__MembershipContent *content;
	int result;

	if (!ledger->self->membership || !ledger->self->membership->n_tags) {
		ledger_forget_zone(ledger);
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
		take_profile(ledger);
	return result;
}

void ledger_seal_endpoints(struct sb_ledger *ledger)
{
	char address[SB_ANNOUNCE_MAX][ADDRESS_ROOM], said[sizeof(ledger->said)] = "", *list[SB_ANNOUNCE_MAX];
	SealbondPrivate__Endpoints endpoints = SEALBOND_PRIVATE__ENDPOINTS__INIT;
	size_t count, used = 0, length, sealed_length = 0;
	struct sb_about place = about(ledger, SB_PURPOSE_ENDPOINTS, ledger->identity.device_id, 32);
	uint8_t *text, *sealed = NULL;

	if (!ledger->zones)
		return;
	count = ledger->port->addresses(ledger->port->context, address, SB_ANNOUNCE_MAX);
	for (size_t i = 0; i < count && used < sizeof(said); i++) {
		used += (size_t)snprintf(said + used, sizeof(said) - used, "%s ", address[i]);
		list[i] = address[i];
	}
	if (strcmp(said, ledger->said) == 0)
		return;
	endpoints.n_addresses = count;
	endpoints.addresses = list;
	text = sb_private_pack(&endpoints, &length);
	if (text && sb_envelope_seal(ledger->zone[0].key, &place, text, length, &sealed, &sealed_length) == 0 &&
	    sealed_length <= sizeof(ledger->told)) {
		memcpy(ledger->told, sealed, sealed_length);
		ledger->told_length = sealed_length;
		memcpy(ledger->said, said, sizeof(said));
		ledger->beat_wanted = true;
	}
	sb_private_release(text, text ? length : 0);
	free(sealed);
}

void ledger_open_endpoints(struct sb_ledger *ledger, struct ledger_peer *peer, ProtobufCBinaryData sealed)
{
	SealbondPrivate__Endpoints *endpoints;
	union sb_endpoint read;

	if (!sealed.len || peer->zone >= ledger->zones)
		return;
	endpoints = open_sealed(ledger, &sealbond_private__endpoints__descriptor, ledger->zone[peer->zone].key,
				SB_PURPOSE_ENDPOINTS, peer->id, sizeof(peer->id), sealed);
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
