// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "common/parse.h"
#include "common/states.h"
#include "device/link_internal.h"

#define BACKOFF_FIRST_MS	1000
#define BACKOFF_LAST_MS		60000
/* The kernel gives a series of attempts up after 90 s and says so; we look again if that is lost. */
#define ANSWER_MS		100000
/*
 * Starts without an answer at one time. Each costs the kernel an initiation every 5 s; where most
 * of a plant is switched off, the others still come up, also from their side.
 */
#define STARTING_MAX		512
#define TURN_MS			2000

void link_bond_starting(struct link_peer *peer, bool starting)
{
	struct sb_link *link = peer->link;

	if (peer->starting != starting)
		link->starting += starting ? 1 : -1u;
	peer->starting = starting;
}

static void rotate_later(struct link_peer *peer, uint64_t age_ms)
{
	const struct sb_config *config = &peer->link->config;
	uint64_t at = link_jitter(config->after, (unsigned int)config->jitter);

	link_schedule(&peer->bond_timer, at > age_ms ? at - age_ms : 0);
}

void link_bonds_reschedule(struct sb_link *link)
{
	struct sb_peer_status status;

	for (size_t i = 0; i < link->peer_count && !link->lost; i++)
		if (link->peer[i]->live &&
		    sb_module_peer(link->module, link->peer[i]->entry.device_id, &status) == 0)
			rotate_later(link->peer[i], status.age_ms);
}

static void retry_later(struct link_peer *peer)
{
	link_schedule(&peer->bond_timer,
		      link_jitter(link_backoff(&peer->backoff_ms, BACKOFF_FIRST_MS, BACKOFF_LAST_MS), 20));
}

static void start_failed(struct link_peer *peer, int result)
{
	struct sb_link *link = peer->link;

	/* Each new trouble is logged once, not at each try. */
	if (peer->start_error != result && result != -ENOKEY && result != -EDESTADDRREQ && result != -EPERM)
		sb_warn("starting the bond with %s: %s", peer->entry.name, sb_module_error(link->module));
	peer->start_error = result;
	switch (result) {
	case -ENOKEY:
		break;		/* the key's event starts it */
	case -EDESTADDRREQ:
		break;		/* the peer starts it: we do not know where it is */
	case -EPERM:
		break;		/* the event of the last alarm's end starts it */
	case -ENOLINK:
		break;		/* the renewed lease starts it */
	case -ENOENT:
		link_peer_apply(peer, true);
		retry_later(peer);
		break;
	default:
		retry_later(peer);
	}
	link_check_error(link, result == -ENOENT ? 0 : result);
}

void link_bond_timer(evutil_socket_t fd, short what, void *context)
{
	struct link_peer *peer = context;
	struct sb_link *link = peer->link;
	int result;

	(void)fd;
	(void)what;
	if (!link->module || !link->local_set || link->paused)
		return;
	/* We do not know where it is: it finds us. */
	if (!peer->live && !peer->entry.endpoint.any.sa_family)
		return;
	link_bond_starting(peer, false);
	if (!peer->live && link->starting >= STARTING_MAX) {
		link_schedule(&peer->bond_timer, link_jitter(TURN_MS, 50));
		return;
	}
	result = sb_module_start_bond(link->module, peer->entry.device_id);
	if (result == 0 || result == -EAGAIN) {
		peer->start_error = 0;
		link_bond_starting(peer, !peer->live);
		link_schedule(&peer->bond_timer, link_jitter(ANSWER_MS, 10));
	} else {
		start_failed(peer, result);
	}
}

/* A path that carries less than sb0's MTU: a route of the peer's own says so to TCP and PMTU. */
static void fit_mtu(struct link_peer *peer, uint32_t mtu)
{
	struct sb_link *link = peer->link;
	const struct sb_prefix *const to[] = { &peer->entry.overlay4, &peer->entry.overlay6 };
	uint32_t wanted = mtu > 0 && mtu < link->config.mtu ? mtu : 0;
	struct sb_error error;

	if (wanted == peer->mtu)
		return;
	for (int i = 0; i < 2; i++)
		if (to[i]->family && sb_interface_route(link->interface, link->sb0_index, to[i], wanted, &error) < 0)
			sb_warn("peer %s: %s", peer->entry.name, error.text);
	peer->mtu = wanted;
	peer->routed = true;
	if (wanted)
		sb_info("peer %s: MTU %u on its path", peer->entry.name, wanted);
}

void link_bond_seen(struct link_peer *peer, const struct sb_peer_status *status)
{
	if (status->bond != SEALBOND_BOND_LIVE)
		return;
	/* A bond that outlived an earlier helper, or whose event was lost. */
	link_bond_starting(peer, false);
	peer->live = true;
	peer->backoff_ms = 0;
	if (!event_pending(&peer->bond_timer, EV_TIMEOUT, NULL))
		rotate_later(peer, status->age_ms);
	fit_mtu(peer, status->mtu);
	link_candidate_bond_live(peer->link);
}

static void on_live(struct link_peer *peer, const struct sb_event *event)
{
	struct sb_link *link = peer->link;
	struct sb_peer_status status;
	char endpoint[SB_ENDPOINT_ROOM];

	if (!peer->live)
		sb_info("bond with %s live: epoch %u, %s%s, %s", peer->entry.name, event->epoch,
			sb_algorithm_word(event->algorithm), event->encap ? " in UDP" : "",
			sb_format_endpoint(endpoint, &event->endpoint));
	else
		sb_debug("bond with %s: epoch %u", peer->entry.name, event->epoch);
	link_candidate_bond_live(link);
	peer->live = true;
	peer->backoff_ms = 0;
	peer->start_error = 0;
	rotate_later(peer, 0);
	if (sb_module_peer(link->module, peer->entry.device_id, &status) == 0)
		fit_mtu(peer, status.mtu);
}

static void on_ended(struct link_peer *peer, const struct sb_event *event)
{
	peer->live = false;
	if (peer->link->paused)
		return;
	sb_info("bond with %s ended: %s", peer->entry.name, sb_end_word(event->end));
	/* A lease that ended under a living helper was late or is over: renewing tells. */
	if (event->end == SEALBOND_END_LEASE && sb_peer_lease_at(&peer->entry, time(NULL)) > 0)
		link_peer_apply(peer, false);
	link_schedule(&peer->bond_timer, link_jitter(500, 50));
}

/* Everybody can call itself by a peer's device id: what is said is a hint for people, no more. */
static void on_stranger(const struct sb_event *event, const struct link_peer *namesake)
{
	char id[SB_HEX_ROOM(SEALBOND_ID_LEN)], key[SB_HEX_ROOM(SEALBOND_KEY_LEN)], endpoint[SB_ENDPOINT_ROOM];

	if (namesake) {
		sb_info("who asks from %s calls itself %s, with another key than we know: %s. If you have rotated that "
			"device's key, compare it with sealbond identity there, and put it in the peers file",
			sb_format_endpoint(endpoint, &event->endpoint), namesake->entry.name,
			sb_format_hex(key, event->key, SEALBOND_KEY_LEN));
		return;
	}
	sb_info("a device that is no peer asks for a bond: device_id %s key %s endpoint %s",
		sb_format_hex(id, event->device_id, SEALBOND_ID_LEN),
		sb_format_hex(key, event->key, SEALBOND_KEY_LEN), sb_format_endpoint(endpoint, &event->endpoint));
}

static void on_peer_event(struct link_peer *peer, const struct sb_event *event)
{
	char endpoint[SB_ENDPOINT_ROOM];

	if (event->kind == SEALBOND_EVENT_BOND_LIVE || event->kind == SEALBOND_EVENT_START_FAILED)
		link_bond_starting(peer, false);
	switch (event->kind) {
	case SEALBOND_EVENT_BOND_LIVE:
		on_live(peer, event);
		break;
	case SEALBOND_EVENT_BOND_ENDED:
		on_ended(peer, event);
		break;
	case SEALBOND_EVENT_START_FAILED:
		sb_info("no answer from %s", peer->entry.name);
		retry_later(peer);
		break;
	case SEALBOND_EVENT_ROTATE_WANTED:
		/* Both sides may hear it in one moment; who begins a little earlier wins. */
		link_schedule(&peer->bond_timer, link_jitter(20, 100));
		break;
	case SEALBOND_EVENT_ROAMED:
		sb_info("peer %s is at %s now", peer->entry.name, sb_format_endpoint(endpoint, &event->endpoint));
		break;
	}
}

void link_bond_event(struct sb_link *link, const struct sb_event *event)
{
	struct link_peer *peer = event->has_device_id ? link_peer_by_id(link, event->device_id) : NULL;

	if (event->kind == SEALBOND_EVENT_STRANGER)
		on_stranger(event, peer);
	else if (peer && link->module)
		on_peer_event(peer, event);
}
