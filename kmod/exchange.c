// SPDX-License-Identifier: GPL-2.0-only
#include "exchange.h"

#include <linux/random.h>

#include "bond.h"
#include "event.h"
#include "namespace.h"
#include "peer.h"
#include "route.h"
#include "sa.h"
#include "socket.h"
#include "watch.h"

#define SB_SPI_MIN	256	/* below: reserved (RFC 4303) */

static u32 fresh_spi(struct sb_net *sn)
{
	u32 spi;

	do {
		spi = get_random_u32();
	} while (spi < SB_SPI_MIN || !sb_sa_spi_free(sn->net, spi));
	return spi;
}

/* Indices go up and are not used again soon: an observer cannot tell a peer by one. */
static int fresh_index(struct sb_net *sn, struct sb_peer *peer)
{
	return idr_alloc_cyclic(&sn->peers_by_index, peer, 1, INT_MAX, GFP_KERNEL);
}

static void use_index(struct sb_net *sn, struct sb_peer *peer, u32 index)
{
	if (peer->index && peer->index != index)
		idr_remove(&sn->peers_by_index, peer->index);
	peer->index = index;
}

static int ready(struct sb_net *sn, struct sb_peer *peer)
{
	struct sb_hs_counter seen;

	if (!sn->hs)
		return -ENOKEY;
	if (peer->hs_ready)
		return sb_hs_peer_follow(&peer->hs, sn->hs) ? -EKEYREJECTED : 0;
	seen = peer->hs.seen;
	if (sb_hs_peer_init(&peer->hs, sn->hs, peer->key, peer->device_id))
		return -EKEYREJECTED;
	peer->hs.seen = seen;
	peer->hs_ready = true;
	return 0;
}

int sb_exchange_start(struct sb_net *sn, struct sb_peer *peer)
{
	u64 now = ktime_get_boottime_ns();
	struct sb_addr local = { .port = sn->port };
	u8 msg[SB_MSG_MAX_LEN];
	size_t len;
	int index, err, route_err;

	if (sb_alarmed())
		return -EPERM;
	err = ready(sn, peer);
	if (err)
		return err;
	if (!sb_lease_live(peer, now))
		return -ENOLINK;
	if (!peer->endpoint.port)
		return -EDESTADDRREQ;
	/* Without a route yet the attempt counts all the same: the retries will find one. */
	route_err = sb_route(sn->net, &peer->endpoint, &local, NULL);
	index = fresh_index(sn, peer);
	if (index < 0)
		return index;
	err = sb_hs_start(sn->hs, &peer->hs, now, index, fresh_spi(sn), &local, &peer->endpoint,
			  msg, &len);
	if (err) {
		idr_remove(&sn->peers_by_index, index);
		return err;
	}
	use_index(sn, peer, index);
	return route_err ?: sb_socket_send(sn, &local, &peer->endpoint, msg, len);
}

void sb_exchange_cancel(struct sb_net *sn, struct sb_peer *peer)
{
	if (peer->hs_ready)
		sb_hs_cancel(&peer->hs);
	use_index(sn, peer, 0);
}

void sb_exchange_forget(struct sb_net *sn, struct sb_peer *peer)
{
	struct sb_hs_counter seen = peer->hs.seen;

	sb_exchange_cancel(sn, peer);
	sb_hs_peer_wipe(&peer->hs);
	peer->hs.seen = seen;
	peer->hs_ready = false;
}

/* The replay counter goes, too: it counts for one key, and a cleared TPM begins anew. */
void sb_exchange_other_key(struct sb_net *sn, struct sb_peer *peer)
{
	sb_exchange_forget(sn, peer);
	memset(&peer->hs.seen, 0, sizeof(peer->hs.seen));
}

/* What the engine asks while it reads one message. */
struct reading {
	struct sb_net *sn;
	int index;	/* given for an answer, 0: none */
};

static struct sb_hs_peer *peer_by_pub(void *ctx, const u8 pub[SB_KEY_LEN])
{
	struct reading *r = ctx;
	struct sb_peer *peer = sb_peer_by_key(r->sn, pub);

	return peer && !ready(r->sn, peer) ? &peer->hs : NULL;
}

static struct sb_hs_peer *peer_by_index(void *ctx, u32 index)
{
	struct reading *r = ctx;
	struct sb_peer *peer = sb_peer_by_index(r->sn, index);

	return peer && peer->hs_ready ? &peer->hs : NULL;
}

static int new_spi(void *ctx, struct sb_hs_peer *hs, u32 *spi, u32 *index)
{
	struct sb_peer *peer = container_of(hs, struct sb_peer, hs);
	struct reading *r = ctx;

	if (!sb_lease_live(peer, ktime_get_boottime_ns()))
		return -ENOLINK;
	r->index = fresh_index(r->sn, peer);
	if (r->index < 0) {
		r->index = 0;
		return -ENOMEM;
	}
	*index = r->index;
	*spi = fresh_spi(r->sn);
	return 0;
}

static const struct sb_hs_ops engine_ops = {
	.peer_by_pub = peer_by_pub,
	.peer_by_index = peer_by_index,
	.new_spi = new_spi,
};

static void act(struct sb_net *sn, struct sb_hs_result *res, const struct sb_addr *from,
		const struct sb_addr *to)
{
	struct sb_peer *peer = res->peer ? container_of(res->peer, struct sb_peer, hs) : NULL;
	int err;

	switch (res->action) {
	case SB_HS_NOTHING:
		break;
	case SB_HS_SEND:
		sb_socket_send(sn, to, from, res->reply, res->reply_len);
		break;
	case SB_HS_KEYS_RESPONDER:
		use_index(sn, peer, res->index);
		err = sb_bond_install(sn, peer, &res->keys, to, from);
		if (!err)
			sb_socket_send(sn, to, from, res->reply, res->reply_len);
		else
			pr_warn_ratelimited("sealbond: an SA could not be made: %d\n", err);
		break;
	case SB_HS_KEYS_INITIATOR:
		err = sb_bond_install(sn, peer, &res->keys, to, from);
		if (err)
			pr_warn_ratelimited("sealbond: an SA could not be made: %d\n", err);
		break;
	case SB_HS_RESTART:
		sb_exchange_start(sn, peer);
		break;
	case SB_HS_STRANGER:
		sb_event_stranger(sn, res->stranger_pub, res->stranger_id, from);
		break;
	}
}

void sb_exchange_receive(struct sb_net *sn, const struct sb_addr *from, const struct sb_addr *to,
			 const u8 *msg, size_t len, bool under_load)
{
	struct reading reading = { .sn = sn };
	struct sb_hs_packet packet = {
		.msg = msg,
		.len = len,
		.src = *from,
		.dst = *to,
		.now = ktime_get_boottime_ns(),
		.under_load = under_load,
		.ctx = &reading,
	};
	struct sb_hs_result res;

	if (!sn->hs || sb_alarmed())
		return;
	sb_hs_receive(sn->hs, &engine_ops, &packet, &res);
	if (reading.index && res.action != SB_HS_KEYS_RESPONDER)
		idr_remove(&sn->peers_by_index, reading.index);
	sn->handshake_reasons[res.reason]++;
	act(sn, &res, from, to);
	sb_hs_keys_wipe(&res.keys);
}

void sb_exchange_sweep(struct sb_net *sn, struct sb_peer *peer, u64 now)
{
	u64 at = peer->hs_ready ? sb_hs_retry_at(&peer->hs) : 0;

	if (!at || now < at)
		return;
	if (sb_hs_gave_up(&peer->hs, now) || !sb_lease_live(peer, now) || sb_alarmed()) {
		sb_exchange_cancel(sn, peer);
		sb_event_start_failed(sn, peer);
		return;
	}
	sb_exchange_start(sn, peer);
}
