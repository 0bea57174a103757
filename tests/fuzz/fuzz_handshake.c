// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer target for sb_hs_receive(): arbitrary bytes, and valid messages
 * that the input mutates and, by its choice, closes again with a right mac1
 * and mac2, so that it gets past them.
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude \
 *     -o build/tests/fuzz_handshake tests/fuzz/fuzz_handshake.c \
 *     kmod/handshake.c kmod/handshake_setup.c kmod/noise.c kmod/message.c \
 *     kmod/cookie.c kmod/kdf.c tests/shim/crypto.c -lcrypto
 *
 * The first byte: bits 0-1 what is sent (0: the input itself; 1: an initiation,
 * 2: a response, 3: a cookie reply), bit 2 mac1 made right, bit 3 under load,
 * bit 4 the sender is a stranger, bit 5 with a cookie, bit 6 the receiver has taken another bond key
 * since. Then pairs (place, xor).
 */
#include "../../kmod/handshake.h"
#include "../shim/random.h"

#include <stdlib.h>

struct end {
	struct sb_hs_local local;
	struct sb_hs_peer peer;
	struct sb_addr addr;
	bool knows;
};

static struct end fresh_a, fresh_b;
static u32 seed;

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* The same input must always take the same way. */
static int repeatable(void *buf, size_t len)
{
	u8 *p = buf;

	while (len--) {
		seed = seed * 1664525 + 1013904223;
		*p++ = (u8)(seed >> 24);
	}
	return 0;
}

static struct sb_hs_peer *by_pub(void *ctx, const u8 pub[SB_KEY_LEN])
{
	struct end *d = ctx;

	return d->knows && !memcmp(pub, d->peer.pub, SB_KEY_LEN) ? &d->peer : NULL;
}

static struct sb_hs_peer *by_index(void *ctx, u32 index)
{
	struct end *d = ctx;

	return &d->peer;
}

static int new_spi(void *ctx, struct sb_hs_peer *peer, u32 *spi, u32 *index)
{
	*spi = 4711;
	*index = 4712;
	return 0;
}

static const struct sb_hs_ops ops = { by_pub, by_index, new_spi };

static void end_init(struct end *d, u8 value)
{
	u8 priv[SB_KEY_LEN], id[SB_ID_LEN], chain[SB_ID_LEN] = { 9 };

	memset(d, 0, sizeof(*d));
	memset(priv, value, sizeof(priv));
	memset(id, value, sizeof(id));
	check(!sb_hs_local_init(&d->local, priv, id, chain, 1, 1));
	sb_addr_v4(&d->addr, htonl(0x0a000000 + value), 7454);
	d->knows = true;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	sb_shim_random = repeatable;
	end_init(&fresh_a, 1);
	end_init(&fresh_b, 2);
	check(!sb_hs_peer_init(&fresh_a.peer, &fresh_a.local, fresh_b.local.now.pub,
			       fresh_b.local.device_id));
	check(!sb_hs_peer_init(&fresh_b.peer, &fresh_b.local, fresh_a.local.now.pub,
			       fresh_a.local.device_id));
	return 0;
}

static void receive(struct end *to, const struct end *from, const u8 *msg, size_t len,
		    bool under_load, struct sb_hs_result *res)
{
	struct sb_hs_packet packet = {
		.msg = msg, .len = len, .src = from->addr, .dst = to->addr,
		.now = 1000, .under_load = under_load, .ctx = to,
	};

	sb_hs_receive(&to->local, &ops, &packet, res);
	/* What is said always fits what is to be done. */
	check(res->action <= SB_HS_STRANGER && sb_hs_reason_name(res->reason));
	check(!!res->reply_len == (res->action == SB_HS_SEND ||
				   res->action == SB_HS_KEYS_RESPONDER));
	check(!res->reply_len || res->reply_len < len);	/* no amplification */
	check((res->reason == SB_HS_OK) == (res->action == SB_HS_KEYS_RESPONDER ||
					    res->action == SB_HS_KEYS_INITIATOR));
}

/* A valid message of this type; the end that should get it. */
static struct end *valid(struct end *a, struct end *b, int type, u8 *msg, size_t *len)
{
	static struct sb_hs_result res;

	check(!sb_hs_start(&a->local, &a->peer, 1000, 77, 300, &a->addr, &b->addr, msg, len));
	if (type == SB_MSG_INITIATION)
		return b;
	receive(b, a, msg, *len, type == SB_MSG_COOKIE, &res);
	check(res.reply_len && res.reply_len <= SB_MSG_MAX_LEN);
	memcpy(msg, res.reply, res.reply_len);
	*len = res.reply_len;
	return a;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct end a, b;
	static struct sb_hs_result res;
	u8 msg[SB_MSG_MAX_LEN];
	const u8 *cookie = NULL, next[SB_KEY_LEN] = { 77 };
	const struct sb_hs_static *meant;
	struct end *to, *from;
	u8 what, jar_cookie[SB_MAC_LEN];
	size_t len, i;
	bool changed = false;

	if (!size)
		return 0;
	seed = 1;
	a = fresh_a;
	b = fresh_b;
	what = *data++;
	size--;
	b.knows = !(what & BIT(4));
	if (!(what & 3)) {
		receive(&b, &a, data, size, what & BIT(3), &res);
		return 0;
	}
	if ((what & 3) != SB_MSG_INITIATION)
		b.knows = true;
	to = valid(&a, &b, what & 3, msg, &len);
	from = to == &a ? &b : &a;
	if (what & BIT(6))
		check(!sb_hs_rotate(&to->local, next));
	meant = what & BIT(6) ? &to->local.old : &to->local.now;
	for (i = 0; i + 1 < size; i += 2) {
		msg[data[i] % len] ^= data[i + 1];
		changed |= data[i + 1] != 0;
	}
	if ((what & BIT(5)) && len > sizeof(struct sb_msg_cookie)) {
		struct sb_msg_cookie reply;

		check(!sb_cookie_reply(&to->local.jar, &reply, meant->pub, msg, len, 1,
				       &from->addr, 1000));
		check(!sb_cookie_open(jar_cookie, &reply, meant->pub,
				      msg + len - sizeof(struct sb_msg_macs)));
		cookie = jar_cookie;
	}
	if ((what & BIT(2)) && len > sizeof(struct sb_msg_cookie))
		sb_macs_fill(msg, len, meant->mac1_key, cookie);
	receive(to, from, msg, len, what & BIT(3), &res);
	/* Untouched and unhindered it must be accepted. */
	if (!changed && !(what & (BIT(3) | BIT(4))))
		check(res.action != SB_HS_NOTHING);
	return 0;
}
