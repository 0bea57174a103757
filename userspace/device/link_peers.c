// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "device/link_internal.h"

/* Starts are spread, so that thousands of peers do not all begin in one moment. */
#define START_SPACING_MS	5

static int compare(const void *a, const void *b)
{
	const struct link_peer *const *one = a, *const *two = b;

	return memcmp((*one)->entry.device_id, (*two)->entry.device_id, SEALBOND_ID_LEN);
}

struct link_peer *link_peer_by_id(struct sb_link *link, const uint8_t device_id[SEALBOND_ID_LEN])
{
	struct link_peer wanted, *key = &wanted, **found;

	if (link->peer_count == 0)
		return NULL;
	memcpy(wanted.entry.device_id, device_id, SEALBOND_ID_LEN);
	found = bsearch(&key, link->peer, link->peer_count, sizeof(*link->peer), compare);
	return found ? *found : NULL;
}

static uint64_t lease_now(const struct link_peer *peer)
{
	return sb_peer_lease_at(&peer->entry, time(NULL));
}

/* A sixth of the lease; an end by the wall clock is looked at each minute, for clocks are set. */
static void schedule_lease(struct link_peer *peer, uint64_t lease)
{
	uint64_t wait = lease / 6;

	if (peer->entry.until && wait > 60000)
		wait = 60000;
	link_schedule(&peer->lease_timer, link_jitter(wait, 10));
}

static void on_lease_timer(evutil_socket_t fd, short what, void *context)
{
	struct link_peer *peer = context;

	(void)fd;
	(void)what;
	if (peer->link->module && peer->link->local_set && !peer->link->paused)
		link_peer_apply(peer, false);
}

void link_peer_init(struct sb_link *link, struct link_peer *peer)
{
	peer->link = link;
	event_assign(&peer->bond_timer, link->base, -1, 0, link_bond_timer, peer);
	event_assign(&peer->lease_timer, link->base, -1, 0, on_lease_timer, peer);
	event_priority_set(&peer->bond_timer, LINK_PRIORITY_PEERS);
	event_priority_set(&peer->lease_timer, LINK_PRIORITY_PEERS);
}

void link_peer_stop(struct link_peer *peer)
{
	event_del(&peer->bond_timer);
	event_del(&peer->lease_timer);
	link_bond_starting(peer, false);
	peer->live = false;
}

static bool within(const struct sb_prefix *prefix, const struct sb_prefix *address)
{
	int whole = prefix->length / 8, rest = prefix->length % 8;

	return prefix->family == address->family &&
	       memcmp(prefix->address, address->address, (size_t)whole) == 0 &&
	       (rest == 0 || (prefix->address[whole] ^ address->address[whole]) >> (8 - rest) == 0);
}

/* Routes for the addresses that the connected routes of sb0 do not cover, or need another MTU. */
static void set_routes(struct link_peer *peer)
{
	struct sb_link *link = peer->link;
	const struct sb_prefix *const own[] = { &link->config.overlay4, &link->config.overlay6 };
	const struct sb_prefix *const to[] = { &peer->entry.overlay4, &peer->entry.overlay6 };
	struct sb_error error;

	for (int i = 0; i < 2; i++) {
		if (!to[i]->family || (!peer->mtu && within(own[i], to[i])))
			continue;
		if (sb_interface_route(link->interface, link->sb0_index, to[i], peer->mtu, &error) < 0)
			sb_warn("peer %s: %s", peer->entry.name, error.text);
		peer->routed = true;
	}
}

void link_peer_routes(struct link_peer *peer)
{
	set_routes(peer);
}

static void del_routes(struct link_peer *peer)
{
	struct sb_link *link = peer->link;
	const struct sb_prefix *const to[] = { &peer->entry.overlay4, &peer->entry.overlay6 };
	struct sb_error error;

	for (int i = 0; peer->routed && i < 2; i++)
		if (to[i]->family && sb_interface_del_route(link->interface, link->sb0_index, to[i], &error) < 0)
			sb_warn("peer %s: %s", peer->entry.name, error.text);
	peer->routed = false;
}

/* Where grants are wanted, nobody comes without one; the grant says how long. */
static int apply_grant(struct link_peer *peer, bool with_endpoint)
{
	uint64_t duration = 0;
	int result = link_grant_apply(peer, with_endpoint, &duration);

	if (result == 0)
		schedule_lease(peer, duration);
	else if (result != -ENOENT)
		link_schedule(&peer->lease_timer, link_jitter(60000, 50));
	return result;
}

int link_peer_apply(struct link_peer *peer, bool with_endpoint)
{
	const struct sb_peer_entry *entry = &peer->entry;
	struct sb_link *link = peer->link;
	const struct sb_peer_request request = {
		.device_id = entry->device_id, .key = entry->key, .lease_ms = lease_now(peer),
		.overlay4 = &entry->overlay4, .overlay6 = &entry->overlay6,
		/* Only at first: a renewal must not take a roamed peer back to where it was. */
		.endpoint = with_endpoint ? &entry->endpoint : NULL,
		.flags = SEALBOND_PEER_F_UNSIGNED | (entry->quarantine ? SEALBOND_PEER_F_QUARANTINE : 0),
	};
	int result;

	if (link->config.ledger.endpoints_count) {
		link_ledger_lost(peer);
		return -EINPROGRESS;
	}
	if (link->config.grant_keys_count)
		return apply_grant(peer, with_endpoint);
	result = sb_module_set_peer(link->module, &request);
	if (result < 0) {
		sb_warn("peer %s: %s", entry->name, sb_module_error(link->module));
		link_schedule(&peer->lease_timer, link_jitter(5000, 50));
		link_check_error(link, result);
		return result;
	}
	schedule_lease(peer, entry->lease);
	return 0;
}

void link_peer_forget(struct link_peer *peer)
{
	struct sb_link *link = peer->link;
	int result;

	link_peer_stop(peer);
	if (!link->module || !link->local_set)
		return;
	del_routes(peer);
	result = sb_module_del_peer(link->module, peer->entry.device_id);
	if (result < 0 && result != -ENOENT)
		sb_warn("removing peer %s: %s", peer->entry.name, sb_module_error(link->module));
	link_check_error(link, result == -ENOENT ? 0 : result);
}

/* Peers in the kernel that are not ours. Collected first: a dump does not like changes. */
struct strangers {
	struct sb_link *link;
	uint8_t (*id)[SEALBOND_ID_LEN];
	size_t count, room;
};

static int on_peer(void *context, const struct sb_peer_status *status)
{
	struct strangers *strangers = context;
	struct link_peer *peer = link_peer_by_id(strangers->link, status->device_id);

	if (peer) {
		link_bond_seen(peer, status);
		return 0;
	}
	if (strangers->count == strangers->room) {
		size_t room = strangers->room ? 2 * strangers->room : 16;
		void *grown = realloc(strangers->id, room * sizeof(*strangers->id));

		if (!grown)
			return -ENOMEM;
		strangers->id = grown;
		strangers->room = room;
	}
	memcpy(strangers->id[strangers->count++], status->device_id, SEALBOND_ID_LEN);
	return 0;
}

static void adopt(struct sb_link *link)
{
	struct strangers strangers = { .link = link };
	int result;

	do {
		strangers.count = 0;
		result = sb_module_peers(link->module, on_peer, &strangers);
	} while (result == -EINTR);
	if (result < 0)
		sb_warn("listing the kernel's peers: %s", sb_module_error(link->module));
	for (size_t i = 0; i < strangers.count && !link->lost; i++) {
		result = sb_module_del_peer(link->module, strangers.id[i]);
		link_check_error(link, result);
	}
	free(strangers.id);
}

static void apply_one(struct link_peer *peer, size_t place)
{
	if (link_peer_apply(peer, true) < 0)
		return;
	set_routes(peer);
	if (!peer->live)
		link_schedule(&peer->bond_timer, place * START_SPACING_MS);
}

void link_peers_apply(struct sb_link *link)
{
	if (!link->module || !link->local_set || link->paused)
		return;
	if (link->config.ledger.endpoints_count) {
		link_ledger_adopt(link);
		return;
	}
	adopt(link);
	for (size_t i = 0; i < link->peer_count && !link->lost; i++)
		apply_one(link->peer[i], i);
}

void link_peers_reconcile(struct sb_link *link)
{
	if (!link->module || !link->local_set || link->paused)
		return;
	if (link->config.ledger.endpoints_count) {
		link_ledger_adopt(link);
		return;
	}
	for (size_t i = 0; i < link->peer_count; i++)
		link->peer[i]->live = false;
	adopt(link);
	for (size_t i = 0; i < link->peer_count && !link->lost; i++) {
		struct link_peer *peer = link->peer[i];

		if (!event_pending(&peer->lease_timer, EV_TIMEOUT, NULL))
			apply_one(peer, i);
		else if (!peer->live && !event_pending(&peer->bond_timer, EV_TIMEOUT, NULL))
			link_schedule(&peer->bond_timer, i * START_SPACING_MS);
	}
}

void link_peers_stop(struct sb_link *link)
{
	for (size_t i = 0; i < link->peer_count; i++)
		link_peer_stop(link->peer[i]);
}

void link_peers_kick(struct sb_link *link)
{
	if (!link->local_set || link->paused)
		return;
	for (size_t i = 0; i < link->peer_count; i++)
		if (!link->peer[i]->live)
			link_schedule(&link->peer[i]->bond_timer, i * START_SPACING_MS);
}

/* What the kernel must hear of again; the name and the line are ours alone. */
static bool same_entry(const struct sb_peer_entry *a, const struct sb_peer_entry *b)
{
	return memcmp(a->key, b->key, sizeof(a->key)) == 0 &&
	       memcmp(&a->overlay4, &b->overlay4, sizeof(a->overlay4)) == 0 &&
	       memcmp(&a->overlay6, &b->overlay6, sizeof(a->overlay6)) == 0 &&
	       memcmp(&a->endpoint, &b->endpoint, sizeof(a->endpoint)) == 0 &&
	       a->lease == b->lease && a->until == b->until && a->quarantine == b->quarantine;
}

static void update(struct link_peer *peer, const struct sb_peer_entry *entry)
{
	struct sb_link *link = peer->link;
	bool same = same_entry(&peer->entry, entry);
	bool moved = memcmp(&peer->entry.endpoint, &entry->endpoint, sizeof(entry->endpoint)) != 0;
	bool rekeyed = memcmp(peer->entry.key, entry->key, sizeof(entry->key)) != 0;

	if (same || !link->module || !link->local_set) {
		peer->entry = *entry;
		return;
	}
	sb_info("peer %s changed", entry->name);
	del_routes(peer);
	/* The kernel keeps a live bond's endpoint: end the bond, so that the new one is used. */
	if (moved && sb_module_end_bond(link->module, entry->device_id) == 0)
		peer->live = false;
	peer->entry = *entry;
	peer->mtu = 0;
	peer->backoff_ms = 0;
	apply_one(peer, 0);
	/* The bond with the old key lives on in the kernel, but only to its hard age. */
	if (rekeyed && peer->live)
		link_schedule(&peer->bond_timer, 0);
}

struct link_peer *link_peer_add(struct sb_link *link, const struct sb_peer_entry *entry)
{
	struct link_peer *peer = calloc(1, sizeof(*peer));
	void *grown = realloc(link->peer, (link->peer_count + 1) * sizeof(*link->peer));

	if (grown)
		link->peer = grown;
	if (!peer || !grown) {
		free(peer);
		return NULL;
	}
	link_peer_init(link, peer);
	peer->entry = *entry;
	link->peer[link->peer_count++] = peer;
	qsort(link->peer, link->peer_count, sizeof(*link->peer), compare);
	return peer;
}

void link_peer_remove(struct sb_link *link, struct link_peer *peer)
{
	size_t kept = 0;

	link_peer_forget(peer);
	for (size_t i = 0; i < link->peer_count; i++)
		if (link->peer[i] != peer)
			link->peer[kept++] = link->peer[i];
	link->peer_count = kept;
	free(peer);
}

static void free_fresh(struct link_peer **peers, size_t count, struct sb_link *link)
{
	for (size_t i = 0; peers && i < count; i++)
		if (peers[i] && link_peer_by_id(link, peers[i]->entry.device_id) != peers[i])
			free(peers[i]);
	free(peers);
}

/*
 * Takes the list's place: removed peers go, changed ones are told to the kernel, new ones are
 * added; the others are not touched. All memory is had before anything changes.
 */
int link_peers_replace(struct sb_link *link, const struct sb_peer_list *list)
{
	struct link_peer **next = calloc(list->count + 1, sizeof(*next));
	struct link_peer **old = link->peer;
	size_t old_count = link->peer_count;

	if (!next)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++) {
		next[i] = link_peer_by_id(link, list->entry[i].device_id);
		if (next[i])
			continue;
		next[i] = calloc(1, sizeof(**next));
		if (!next[i]) {
			free_fresh(next, i, link);
			return -ENOMEM;
		}
		link_peer_init(link, next[i]);
		next[i]->entry = list->entry[i];
	}
	for (size_t i = 0; i < old_count; i++) {
		if (sb_peers_by_id(list, old[i]->entry.device_id))
			continue;
		sb_info("peer %s removed", old[i]->entry.name);
		link_peer_forget(old[i]);
		free(old[i]);
		old[i] = NULL;
	}
	link->peer = next;
	link->peer_count = list->count;
	for (size_t i = 0; i < list->count; i++) {
		/* A lease that is being renewed: the kernel knows the peer. */
		bool known = event_pending(&next[i]->lease_timer, EV_TIMEOUT, NULL);

		if (known)
			update(next[i], &list->entry[i]);
		else
			next[i]->entry = list->entry[i];
		if (!known && link->local_set && !link->paused && !link->lost)
			apply_one(next[i], i);
	}
	free(old);
	return 0;
}
