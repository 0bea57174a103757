/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two devices, A and B, each other's peers, and the wire between them, for
 * tests of the handshake engine. A's device id is the lower one. Time stands
 * still unless a test moves it.
 */
#ifndef HS_WORLD_H
#define HS_WORLD_H

#include "../../kmod/handshake.h"
#include "../shim/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct device {
	struct sb_hs_local local;
	struct sb_hs_peer peer;		/* the other device */
	struct sb_addr addr;
	u32 serial;			/* of SPIs and indices */
	u32 next_spi, next_index;	/* when not zero: instead of those */
	unsigned int lookups;		/* by static key: the X25519 has been done */
	bool knows_peer;
	bool refuses_spi;
};

struct message {
	u8 data[SB_MSG_MAX_LEN];
	size_t len;
};

struct world {
	struct device a, b;
	u64 now;
	bool under_load;
	struct sb_hs_result res;	/* of the last receive() */
};

static inline struct sb_hs_peer *world_by_pub(void *ctx, const u8 pub[SB_KEY_LEN])
{
	struct device *d = ctx;

	d->lookups++;
	return d->knows_peer && !memcmp(pub, d->peer.pub, SB_KEY_LEN) ? &d->peer : NULL;
}

/* Careless on purpose: the engine checks the index itself. */
static inline struct sb_hs_peer *world_by_index(void *ctx, u32 index)
{
	struct device *d = ctx;

	return d->knows_peer ? &d->peer : NULL;
}

static inline int world_new_spi(void *ctx, struct sb_hs_peer *peer, u32 *spi, u32 *index)
{
	struct device *d = ctx;

	if (d->refuses_spi)
		return -ENOSPC;
	d->serial++;
	*spi = d->next_spi ? d->next_spi : 0x2000 + d->serial;
	*index = d->next_index ? d->next_index : 0x3000 + d->serial;
	return 0;
}

static const struct sb_hs_ops world_ops = {
	.peer_by_pub = world_by_pub,
	.peer_by_index = world_by_index,
	.new_spi = world_new_spi,
};

static inline void fill_key(u8 key[SB_KEY_LEN], u8 value)
{
	memset(key, value, SB_KEY_LEN);
}

static inline void device_init(struct device *d, u8 key, u8 id, u8 host)
{
	u8 priv[SB_KEY_LEN], device_id[SB_ID_LEN], chain[SB_ID_LEN];

	memset(d, 0, sizeof(*d));
	fill_key(priv, key);
	fill_key(device_id, id);
	sb_sha256(chain, "test-chain", 10);
	assert_int_equal(sb_hs_local_init(&d->local, priv, device_id, chain, 1, 0), 0);
	sb_addr_v4(&d->addr, htonl(0xc0000200 + host), 7454);
	d->knows_peer = true;
}

static inline void introduce(struct world *w)
{
	assert_int_equal(sb_hs_peer_init(&w->a.peer, &w->a.local, w->b.local.now.pub,
					 w->b.local.device_id), 0);
	assert_int_equal(sb_hs_peer_init(&w->b.peer, &w->b.local, w->a.local.now.pub,
					 w->a.local.device_id), 0);
}

static inline void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	sb_shim_random = NULL;
	device_init(&w->a, 0x11, 0xa0, 1);
	device_init(&w->b, 0x22, 0xb0, 2);
	introduce(w);
	w->now = 1000 * SB_NS_PER_S;
}

static inline struct device *other(struct world *w, struct device *d)
{
	return d == &w->a ? &w->b : &w->a;
}

static inline void start(struct world *w, struct device *d, struct message *out)
{
	d->serial++;
	assert_int_equal(sb_hs_start(&d->local, &d->peer, w->now, 0x3000 + d->serial,
				     0x2000 + d->serial, &d->addr, &other(w, d)->addr,
				     out->data, &out->len), 0);
}

static inline void receive_from(struct world *w, struct device *d, const u8 *data,
				size_t len, const struct sb_addr *src)
{
	/* A copy of exactly this size: the sanitizer sees a byte too far. */
	u8 *copy = malloc(len ? len : 1);
	struct sb_hs_packet packet = {
		.msg = copy,
		.len = len,
		.src = *src,
		.dst = d->addr,
		.now = w->now,
		.under_load = w->under_load,
		.ctx = d,
	};

	assert_non_null(copy);
	memcpy(copy, data, len);
	sb_hs_receive(&d->local, &world_ops, &packet, &w->res);
	free(copy);
}

/* d receives what the other device sent. */
static inline void receive(struct world *w, struct device *d, const struct message *m)
{
	receive_from(w, d, m->data, m->len, &other(w, d)->addr);
}

/* The reply of the last receive(). */
static inline void take_reply(struct world *w, struct message *out)
{
	assert_int_not_equal(w->res.reply_len, 0);
	assert_true(w->res.reply_len <= sizeof(out->data));
	memcpy(out->data, w->res.reply, w->res.reply_len);
	out->len = w->res.reply_len;
}

#define assert_action(w, what) assert_int_equal((w)->res.action, what)

/* Nothing was said and nothing is to be done, and this is why. */
static inline void assert_silent_(struct world *w, enum sb_hs_reason reason,
				  const char *file, int line)
{
	if (w->res.action != SB_HS_NOTHING || w->res.reply_len ||
	    w->res.reason != reason) {
		print_error("action %d, %zu bytes of reply, reason %s, expected %s\n",
			    w->res.action, w->res.reply_len,
			    sb_hs_reason_name(w->res.reason),
			    sb_hs_reason_name(reason));
		_fail(file, line);
	}
}

#define assert_silent(w, reason) assert_silent_(w, reason, __FILE__, __LINE__)

/* After a message was tampered with: its mac1 is made right again. */
static inline void fix_mac1(struct message *m, const struct device *receiver)
{
	u8 mac2[SB_MAC_LEN], *at = m->data + m->len - SB_MAC_LEN;

	memcpy(mac2, at, sizeof(mac2));
	sb_macs_fill(m->data, m->len, receiver->local.now.mac1_key, NULL);
	memcpy(at, mac2, sizeof(mac2));
}

struct epoch {
	struct sb_hs_keys initiator, responder;
};

/* A whole handshake begun by d; both sides' keys. */
static inline void bond(struct world *w, struct device *d, struct epoch *epoch)
{
	struct message m;

	start(w, d, &m);
	receive(w, other(w, d), &m);
	assert_action(w, SB_HS_KEYS_RESPONDER);
	epoch->responder = w->res.keys;
	take_reply(w, &m);
	receive(w, d, &m);
	assert_action(w, SB_HS_KEYS_INITIATOR);
	epoch->initiator = w->res.keys;
}

static inline void assert_epoch(const struct epoch *e)
{
	const struct sb_hs_keys *i = &e->initiator, *r = &e->responder;

	assert_true(i->initiator);
	assert_false(r->initiator);
	assert_int_equal(i->alg, r->alg);
	assert_int_equal(i->version, r->version);
	assert_int_equal(i->encap, r->encap);
	assert_int_equal(i->spi_in, r->spi_out);
	assert_int_equal(i->spi_out, r->spi_in);
	assert_memory_equal(i->key_in, r->key_out, SB_ESP_KEY_LEN);
	assert_memory_equal(i->key_out, r->key_in, SB_ESP_KEY_LEN);
	assert_memory_not_equal(i->key_in, i->key_out, SB_ESP_KEY_LEN);
}

#endif
