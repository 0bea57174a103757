// SPDX-License-Identifier: Apache-2.0
/* The kernel as the ledger role sees it: keys to attest, grants to admit, peers to end. */
#include <errno.h>
#include <string.h>

#include "common/assurance.h"
#include "common/cleanup.h"
#include "common/grant.h"
#include "common/log.h"
#include "device/link_internal.h"

#define BENCH_GAPS	(SEALBOND_GAP_LATE_KEYS | SEALBOND_GAP_UNSIGNED_GRANTS | SEALBOND_GAP_VIRTUAL_TPM)
#define SPACING_MS	5

static void say(struct sb_link *link, enum sb_message type, const void *payload, size_t length)
{
	sb_channel_send(link->channel, SB_ROLE_LINK, SB_ROLE_LEDGER, (uint16_t)type, payload, length);
}

static void say_about(struct sb_link *link, enum sb_message type, const uint8_t *device_id, int result, const char *why)
{
	struct sb_about_peer about = { .error = result };

	memcpy(about.device_id, device_id, sizeof(about.device_id));
	if (result < 0)
		snprintf(about.text, sizeof(about.text), "%.159s", why);
	say(link, type, &about, sizeof(about));
}

/* Ids of peers on their way to the ledger role, many in one frame: all of them have to fit into the channel. */
struct listing {
	struct sb_link *link;
	enum sb_message type;
	size_t length;
	uint8_t ids[SB_FRAME_MAX];
};

#define FRAMES(ids)	(((ids) * SEALBOND_ID_LEN + SB_FRAME_MAX - 1) / SB_FRAME_MAX)
_Static_assert(SB_FRAME_MAX % SEALBOND_ID_LEN == 0, "a full frame has whole ids");
_Static_assert(SB_LEDGER_PEERS_MAX * SEALBOND_ID_LEN + FRAMES(SB_LEDGER_PEERS_MAX) * sizeof(struct sb_frame_header) <
	       SB_CHANNEL_ROOM, "every peer can be listed at once");

static void list_end(struct listing *listing)
{
	if (listing->length)
		say(listing->link, listing->type, listing->ids, listing->length);
	listing->length = 0;
}

static void list_one(struct listing *listing, const uint8_t *device_id)
{
	memcpy(listing->ids + listing->length, device_id, SEALBOND_ID_LEN);
	listing->length += SEALBOND_ID_LEN;
	if (listing->length == sizeof(listing->ids))
		list_end(listing);
}

void link_ledger_keys_changed(struct sb_link *link)
{
	if (link->config.ledger.endpoints_count)
		say(link, SB_MESSAGE_KEYS_CHANGED, NULL, 0);
}

void link_ledger_lost(struct link_peer *peer)
{
	say(peer->link, SB_MESSAGE_PEERS_LOST, peer->entry.device_id, SEALBOND_ID_LEN);
}

static void copy_keys(struct sb_keys_answer *answer, const struct sb_key_status *key, unsigned int cap_pcr)
{
	answer->state = key->state;
	answer->has_current = key->has_current;
	answer->has_next = key->has_next;
	answer->has_old = key->has_old;
	answer->has_candidate = key->has_candidate;
	memcpy(answer->current, key->current, 32);
	memcpy(answer->next, key->next, 32);
	memcpy(answer->old, key->old, 32);
	memcpy(answer->candidate, key->candidate, 32);
	answer->has_prior = !!(key->pcr_valid & 1U << cap_pcr);
	if (answer->has_prior)
		memcpy(answer->prior, key->pcr_values[cap_pcr], 32);
}

static void tell_keys(struct sb_link *link)
{
	struct sb_keys_answer answer = { .error = -ENOENT, .cap_pcr = (uint8_t)link->config.cap_pcr,
					 .pcrs = link->config.pcrs };
	struct sb_status status;
	struct sb_key_status key;

	if (link->module)
		answer.error = sb_module_status(link->module, &status);
	if (answer.error == 0)
		answer.error = sb_module_get_key(link->module, &key);
	if (answer.error == 0) {
		uint32_t gaps = status.assurance | link->system_gaps;

		copy_keys(&answer, &key, answer.cap_pcr);
		sb_key_status_free(&key);
		answer.has_config = status.has_config_hash;
		memcpy(answer.config, status.config_hash, 32);
		answer.assurance = gaps & BENCH_GAPS ? 1 : gaps ? 2 : 3;
	}
	say(link, SB_MESSAGE_KEYS, &answer, sizeof(answer));
}

static void set_prefix(struct sb_prefix *prefix, uint16_t family, const uint8_t *address, uint8_t bits)
{
	memset(prefix, 0, sizeof(*prefix));
	if (!bits || bits > (family == AF_INET ? 32 : 128))
		return;
	prefix->family = family;
	prefix->length = bits;
	memcpy(prefix->address, address, family == AF_INET ? 4 : 16);
}

void link_ledger_overlays(struct sb_link *link)
{
	if (!link->ledger_local_there)
		return;
	set_prefix(&link->config.overlay4, AF_INET, link->ledger_local.overlay4, link->ledger_local.overlay4_bits);
	set_prefix(&link->config.overlay6, AF_INET6, link->ledger_local.overlay6, link->ledger_local.overlay6_bits);
}

/* The ledger's addresses are this device's from now on, whatever the file says. */
static void set_local(struct sb_link *link, const struct sb_ledger_local *local)
{
	sb_cleanup_free struct sb_config *old = malloc(sizeof(*old));
	struct sb_error error = { "" };
	int result;

	/* It is told again whenever the keys change. */
	if (!old || (link->local_set && link->ledger_local_there && memcmp(local, &link->ledger_local, sizeof(*local)) == 0))
		return;
	*old = link->config;
	link->ledger_local = *local;
	link->ledger_local_there = true;
	link_ledger_overlays(link);
	if (!link->module)
		return;
	if (link->sb0_index)
		link_del_addresses(link, old);
	result = link_set_interface(link, &error);
	if (result == 0)
		result = link_set_local(link, &error);
	if (result < 0)
		link_note(link, "%s", error.text);
	else
		link_peers_apply(link);
}

static void give_nonce(struct sb_link *link, const struct sb_about_peer *question)
{
	struct sb_about_peer answer = *question;

	answer.error = link->module ? sb_module_request_grant(link->module, question->device_id, answer.nonce) : -ENOENT;
	if (answer.error < 0)
		snprintf(answer.text, sizeof(answer.text), "%.159s",
			 link->module ? sb_module_error(link->module) : "the kernel module is not loaded");
	say(link, SB_MESSAGE_NONCE, &answer, sizeof(answer));
}

static void entry_of(const struct sb_grant_file *grant, const struct sb_admit_request *request,
		     struct sb_peer_entry *entry)
{
	static const uint8_t none[16];
	char hex[SB_HEX_ROOM(8)];

	memset(entry, 0, sizeof(*entry));
	snprintf(entry->name, sizeof(entry->name), "%.*s", (int)sizeof(entry->name) - 1, request->name);
	if (!entry->name[0])
		snprintf(entry->name, sizeof(entry->name), "%s", sb_format_hex(hex, grant->body.device_id, 8));
	memcpy(entry->device_id, grant->body.device_id, sizeof(entry->device_id));
	memcpy(entry->key, grant->body.key, sizeof(entry->key));
	if (memcmp(grant->body.overlay4, none, 4) != 0)
		set_prefix(&entry->overlay4, AF_INET, grant->body.overlay4, 32);
	if (memcmp(grant->body.overlay6, none, 16) != 0)
		set_prefix(&entry->overlay6, AF_INET6, grant->body.overlay6, 128);
	memcpy(&entry->endpoint, request->endpoint, sizeof(entry->endpoint));
	if (!sb_endpoint_length(&entry->endpoint))
		memset(&entry->endpoint, 0, sizeof(entry->endpoint));
	entry->lease = sb_grant_file_duration(grant);
	entry->quarantine = grant->body.flags & SB_GRANT_F_QUARANTINE;
}

static int admit(struct sb_link *link, const struct sb_admit_request *request, const char **why)
{
	struct sb_peer_entry entry;
	struct sb_grant_file grant;
	struct link_peer *peer;
	bool moved, rekeyed;
	int result;

	*why = "the kernel module is not loaded, or this device has no address yet";
	if (!link->module || !link->local_set || link->paused)
		return -ENOTCONN;
	*why = "not a grant for this peer";
	if (request->length > sizeof(request->grant) ||
	    sb_grant_file_decode(request->grant, request->length, &grant) < 0 ||
	    memcmp(grant.body.device_id, request->device_id, sizeof(request->device_id)) != 0)
		return -EBADMSG;
	entry_of(&grant, request, &entry);
	peer = link_peer_by_id(link, entry.device_id);
	moved = !peer || memcmp(&peer->entry.endpoint, &entry.endpoint, sizeof(entry.endpoint)) != 0;
	rekeyed = peer && memcmp(peer->entry.key, entry.key, sizeof(entry.key)) != 0;
	/* A renewal must not take a roamed peer back to where it was. */
	result = sb_module_set_grant(link->module, request->grant, request->length, moved ? &entry.endpoint : NULL);
	*why = sb_module_error(link->module);
	if (result < 0) {
		link_check_error(link, result);
		return result;
	}
	if (!peer)
		peer = link_peer_add(link, &entry);
	*why = "out of memory";
	if (!peer)
		return -ENOMEM;
	peer->entry = entry;
	link_peer_routes(peer);
	if (!peer->live || rekeyed)
		link_schedule(&peer->bond_timer, link_jitter(SPACING_MS, 50));
	return 0;
}

static int drop(struct sb_link *link, const uint8_t *device_id, const char **why)
{
	struct link_peer *peer = link_peer_by_id(link, device_id);
	int result = 0;

	*why = "the kernel module is not loaded";
	/* Where there is no module there is no bond. */
	if (!link->module)
		return 0;
	if (peer)
		link_peer_remove(link, peer);
	else
		result = sb_module_del_peer(link->module, device_id);
	*why = sb_module_error(link->module);
	return result == -ENOENT ? 0 : result;
}

/* Peers of the kernel that an earlier process has admitted: they stay until the ledger role has judged them. */
struct found {
	struct sb_link *link;
	struct sb_peer_status *status;
	size_t count, room;
};

static int on_peer(void *context, const struct sb_peer_status *status)
{
	struct found *found = context;
	struct link_peer *peer = link_peer_by_id(found->link, status->device_id);

	if (peer)
		link_bond_seen(peer, status);
	if (found->count == found->room) {
		size_t room = found->room ? 2 * found->room : 16;
		void *grown = realloc(found->status, room * sizeof(*found->status));

		if (!grown)
			return -ENOMEM;
		found->status = grown;
		found->room = room;
	}
	found->status[found->count++] = *status;
	return 0;
}

static void adopt_one(struct sb_link *link, const struct sb_peer_status *status)
{
	struct link_peer *peer = link_peer_by_id(link, status->device_id);
	struct sb_peer_entry entry = { .lease = status->lease_ms, .endpoint = status->endpoint,
				       .overlay4 = status->overlay4, .overlay6 = status->overlay6 };
	char hex[SB_HEX_ROOM(8)];

	if (!peer) {
		memcpy(entry.device_id, status->device_id, sizeof(entry.device_id));
		memcpy(entry.key, status->key, sizeof(entry.key));
		snprintf(entry.name, sizeof(entry.name), "%s", sb_format_hex(hex, entry.device_id, 8));
		peer = link_peer_add(link, &entry);
	}
	if (!peer)
		return;
	link_peer_routes(peer);
	link_bond_seen(peer, status);
	if (!peer->live && !event_pending(&peer->bond_timer, EV_TIMEOUT, NULL))
		link_schedule(&peer->bond_timer, link_jitter(SPACING_MS, 50));
}

static bool is_among(const struct found *found, const uint8_t *device_id)
{
	for (size_t i = 0; i < found->count; i++)
		if (memcmp(found->status[i].device_id, device_id, SEALBOND_ID_LEN) == 0)
			return true;
	return false;
}

void link_ledger_adopt(struct sb_link *link)
{
	struct listing lost = { .link = link, .type = SB_MESSAGE_PEERS_LOST };
	struct listing seen = { .link = link, .type = SB_MESSAGE_PEERS_SEEN };
	struct found found = { .link = link };
	int result;

	for (size_t i = 0; i < link->peer_count; i++)
		link->peer[i]->live = false;
	do {
		found.count = 0;
		result = sb_module_peers(link->module, on_peer, &found);
	} while (result == -EINTR);
	if (result < 0) {
		sb_warn("listing the kernel's peers: %s", sb_module_error(link->module));
		free(found.status);
		return;
	}
	/* The kernel was loaded anew, or its lease took them: the ledger role brings them back. */
	for (size_t i = link->peer_count; i-- > 0;)
		if (!is_among(&found, link->peer[i]->entry.device_id))
			list_one(&lost, link->peer[i]->entry.device_id);
	list_end(&lost);
	for (size_t i = 0; i < found.count; i++) {
		adopt_one(link, &found.status[i]);
		list_one(&seen, found.status[i].device_id);
	}
	list_end(&seen);
	free(found.status);
}

static void on_question(struct sb_link *link, const struct sb_frame_header *header, const uint8_t *payload)
{
	struct sb_about_peer about;
	const char *why = "";
	int result;

	memcpy(&about, payload, sizeof(about));
	if (header->type == SB_MESSAGE_NONCE_GET) {
		give_nonce(link, &about);
	} else if (header->type == SB_MESSAGE_DROP) {
		result = drop(link, about.device_id, &why);
		say_about(link, SB_MESSAGE_DROPPED, about.device_id, result, why);
	}
}

void link_ledger_frame(struct sb_link *link, const struct sb_frame_header *header, const uint8_t *payload)
{
	struct sb_profile_request profile;
	struct sb_admit_request request;
	struct sb_ledger_local local;
	const char *why = "";
	int result;

	if (!link->config.ledger.endpoints_count)
		return;
	if (header->type == SB_MESSAGE_KEYS_GET && header->length == 0) {
		tell_keys(link);
	} else if (header->type == SB_MESSAGE_PEERS_GET && header->length == 0) {
		if (link->module)
			link_ledger_adopt(link);
	} else if (header->type == SB_MESSAGE_LOCAL && header->length == sizeof(local)) {
		memcpy(&local, payload, sizeof(local));
		set_local(link, &local);
	} else if (header->type == SB_MESSAGE_ADMIT && header->length == sizeof(request)) {
		memcpy(&request, payload, sizeof(request));
		request.name[sizeof(request.name) - 1] = '\0';
		result = admit(link, &request, &why);
		say_about(link, SB_MESSAGE_ADMITTED, request.device_id, result, why);
	} else if (header->type == SB_MESSAGE_PROFILE && header->length == sizeof(profile)) {
		memcpy(&profile, payload, sizeof(profile));
		link_profile_take(link, &profile);
	} else if (header->length == sizeof(struct sb_about_peer)) {
		on_question(link, header, payload);
	}
}
