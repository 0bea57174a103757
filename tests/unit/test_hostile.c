// SPDX-License-Identifier: Apache-2.0
/* The engine against who knows no key: tampering, floods, strangers. */
#include "hs_world.h"

static struct world w;

static int setup(void **state)
{
	world_init(&w);
	return 0;
}

static bool in_mac2(size_t at, size_t len)
{
	return at >= len - SB_MAC_LEN;
}

/* Every byte of m, changed in one bit and in all, with mac1 as sent. */
static void flip_all(struct device *to, const struct message *m, bool has_mac2)
{
	static const u8 masks[] = { 0x01, 0x80, 0xff };
	size_t at, i;

	for (at = 0; at < m->len; at++) {
		/* Nobody asked for a cookie: mac2 says nothing then. */
		if (has_mac2 && in_mac2(at, m->len))
			continue;
		for (i = 0; i < ARRAY_SIZE(masks); i++) {
			struct message bad = *m;

			bad.data[at] ^= masks[i];
			receive(&w, to, &bad);
			assert_int_equal(w.res.action, SB_HS_NOTHING);
			assert_int_equal(w.res.reply_len, 0);
			assert_int_not_equal(w.res.reason, SB_HS_OK);
		}
	}
}

/* The same by one who knows the receiver's public key and so makes mac1. */
static void flip_all_mac1_right(struct device *to, const struct message *m)
{
	size_t at;

	for (at = sizeof(struct sb_msg_head); at < m->len - sizeof(struct sb_msg_macs); at++) {
		struct message bad = *m;

		/* The initiator may call itself by any index. */
		if (m->data[4] == SB_MSG_INITIATION && at < 12)
			continue;
		if (m->data[4] == SB_MSG_RESPONSE && at < 12)
			continue;
		bad.data[at] ^= 0x40;
		fix_mac1(&bad, to);
		receive(&w, to, &bad);
		assert_int_equal(w.res.action, SB_HS_NOTHING);
		assert_int_equal(w.res.reply_len, 0);
	}
}

static void test_flipped_bytes(void **state)
{
	struct message m, reply;

	start(&w, &w.a, &m);
	flip_all(&w.b, &m, true);
	flip_all_mac1_right(&w.b, &m);
	receive(&w, &w.b, &m);
	assert_action(&w, SB_HS_KEYS_RESPONDER);
	take_reply(&w, &reply);
	flip_all(&w.a, &reply, true);
	flip_all_mac1_right(&w.a, &reply);
	receive(&w, &w.a, &reply);
	assert_action(&w, SB_HS_KEYS_INITIATOR);
}

static void test_flipped_cookie(void **state)
{
	struct message m, reply;

	w.under_load = true;
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_action(&w, SB_HS_SEND);
	take_reply(&w, &reply);
	flip_all(&w.a, &reply, false);
	assert_false(w.a.peer.cookie_known);
	receive(&w, &w.a, &reply);
	assert_action(&w, SB_HS_RESTART);
}

static void cut_all(struct device *to, const struct message *m)
{
	u8 longer[SB_MSG_MAX_LEN + 1] = {};
	size_t len;

	memcpy(longer, m->data, m->len);
	for (len = 0; len <= sizeof(longer); len++) {
		if (len == m->len)
			continue;
		receive_from(&w, to, longer, len, &other(&w, to)->addr);
		assert_silent(&w, SB_HS_BAD_LENGTH);
	}
}

static void test_every_length(void **state)
{
	struct message m, reply, cookie;

	start(&w, &w.a, &m);
	cut_all(&w.b, &m);
	w.under_load = true;
	receive(&w, &w.b, &m);
	take_reply(&w, &cookie);
	cut_all(&w.a, &cookie);
	w.under_load = false;
	receive(&w, &w.b, &m);
	take_reply(&w, &reply);
	cut_all(&w.a, &reply);
}

static void test_header(void **state)
{
	struct message m;
	int i;

	start(&w, &w.a, &m);
	m.data[5] = 2;
	receive(&w, &w.b, &m);
	assert_silent(&w, SB_HS_BAD_VERSION);
	m.data[5] = 1;
	for (i = 0; i < 256; i++) {
		m.data[4] = (u8)i;
		receive(&w, &w.b, &m);
		if (i == SB_MSG_INITIATION)
			assert_action(&w, SB_HS_KEYS_RESPONDER);
		else
			assert_silent(&w, SB_HS_BAD_LENGTH);
	}
}

static void test_wrong_mac1(void **state)
{
	struct message m;

	start(&w, &w.a, &m);
	/* Made for another key than B's. */
	fix_mac1(&m, &w.a);
	receive(&w, &w.b, &m);
	assert_silent(&w, SB_HS_BAD_MAC1);
	assert_int_equal(w.b.lookups, 0);
	/* Not even under load is there an answer. */
	w.under_load = true;
	receive(&w, &w.b, &m);
	assert_silent(&w, SB_HS_BAD_MAC1);
}

static void test_wrong_psk(void **state)
{
	struct message m;

	w.b.local.psk[0] = 1;
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_action(&w, SB_HS_KEYS_RESPONDER);
	take_reply(&w, &m);
	receive(&w, &w.a, &m);
	assert_silent(&w, SB_HS_BAD_PAYLOAD);
	w.a.local.psk[0] = 1;
	receive(&w, &w.a, &m);
	assert_action(&w, SB_HS_KEYS_INITIATOR);
}

static void test_wrong_transcript(void **state)
{
	struct message m;

	/* Another chain. */
	w.b.local.chain_id[31] ^= 1;
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_silent(&w, SB_HS_BAD_STATIC);
	w.b.local.chain_id[31] ^= 1;

	/* Our record of the responder has another device id. */
	w.a.peer.device_id[0] ^= 1;
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_silent(&w, SB_HS_BAD_STATIC);
	w.a.peer.device_id[0] ^= 1;

	/* The responder's record of us has another one. */
	w.b.peer.device_id[0] ^= 1;
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_silent(&w, SB_HS_BAD_DEVICE);
	w.b.peer.device_id[0] ^= 1;

	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_action(&w, SB_HS_KEYS_RESPONDER);
}

/* A demands a cookie, gets it back and lets B in; nothing dear before that. */
static void test_under_load(void **state)
{
	struct message m, cookie;

	w.under_load = true;
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_action(&w, SB_HS_SEND);
	assert_int_equal(w.res.reason, SB_HS_COOKIE_SENT);
	assert_int_equal(w.res.reply_len, sizeof(struct sb_msg_cookie));
	assert_int_equal(w.b.lookups, 0);
	take_reply(&w, &cookie);

	receive(&w, &w.a, &cookie);
	assert_action(&w, SB_HS_RESTART);
	assert_int_equal(w.res.reason, SB_HS_COOKIE_STORED);
	receive(&w, &w.a, &cookie);
	assert_silent(&w, SB_HS_BAD_COOKIE);

	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_action(&w, SB_HS_KEYS_RESPONDER);
	assert_int_equal(w.b.lookups, 1);

	/* The response meets load, too: B keeps the cookie for the next one. */
	take_reply(&w, &m);
	receive(&w, &w.a, &m);
	assert_action(&w, SB_HS_SEND);
	take_reply(&w, &cookie);
	receive(&w, &w.b, &cookie);
	assert_silent(&w, SB_HS_COOKIE_STORED);
	w.now += SB_HS_RETRY_NS;
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_action(&w, SB_HS_KEYS_RESPONDER);
	take_reply(&w, &m);
	receive(&w, &w.a, &m);
	assert_action(&w, SB_HS_KEYS_INITIATOR);
}

/* Forged cookie replies must not make us send as fast as they come. */
static void test_cookie_hurries_once(void **state)
{
	struct message m, cookie;

	w.under_load = true;
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	take_reply(&w, &cookie);
	receive(&w, &w.a, &cookie);
	assert_action(&w, SB_HS_RESTART);
	w.a.addr.port++;	/* roamed: that cookie is of no use */
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_action(&w, SB_HS_SEND);
	take_reply(&w, &cookie);
	receive(&w, &w.a, &cookie);
	assert_silent(&w, SB_HS_COOKIE_STORED);
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_action(&w, SB_HS_KEYS_RESPONDER);
}

static void test_cookie_expiry(void **state)
{
	struct message m, cookie;

	w.under_load = true;
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	take_reply(&w, &cookie);
	receive(&w, &w.a, &cookie);

	w.now += SB_COOKIE_USE_NS - 1;
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_action(&w, SB_HS_KEYS_RESPONDER);
	/* A message that waits on the way until the secret is gone. */
	start(&w, &w.a, &m);
	w.now += 2 * SB_COOKIE_SECRET_NS;
	receive(&w, &w.b, &m);
	assert_action(&w, SB_HS_SEND);
	/* A no longer uses the old one. */
	start(&w, &w.a, &m);
	assert_null(memchr_inv(m.data + m.len - SB_MAC_LEN, 0, SB_MAC_LEN));
}

static void test_load_is_rate_limited(void **state)
{
	struct sb_addr elsewhere = w.a.addr;
	struct message m;
	int i, answers = 0;

	w.under_load = true;
	for (i = 0; i < 100; i++) {
		start(&w, &w.a, &m);
		receive(&w, &w.b, &m);
		if (w.res.action == SB_HS_SEND)
			answers++;
		else
			assert_silent(&w, SB_HS_RATE_LIMITED);
	}
	assert_int_equal(answers, SB_RATE_BURST);

	/* Another port is the same source, another host is not. */
	elsewhere.port++;
	receive_from(&w, &w.b, m.data, m.len, &elsewhere);
	assert_silent(&w, SB_HS_RATE_LIMITED);
	w.now += SB_NS_PER_S / SB_RATE_PER_S;
	receive_from(&w, &w.b, m.data, m.len, &elsewhere);
	assert_action(&w, SB_HS_SEND);
}

static void test_stranger(void **state)
{
	struct message m, cookie;
	int i, told = 0;

	w.b.knows_peer = false;
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_action(&w, SB_HS_SEND);
	take_reply(&w, &cookie);
	receive(&w, &w.a, &cookie);
	assert_action(&w, SB_HS_RESTART);

	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_action(&w, SB_HS_STRANGER);
	assert_int_equal(w.res.reason, SB_HS_UNKNOWN_KEY);
	assert_int_equal(w.res.reply_len, 0);
	assert_null(w.res.peer);
	assert_memory_equal(w.res.stranger_pub, w.a.local.now.pub, SB_KEY_LEN);
	assert_memory_equal(w.res.stranger_id, w.a.local.device_id, SB_ID_LEN);

	/* Under load, too; and only so often. */
	w.now += SB_NS_PER_S;
	w.under_load = true;
	for (i = 0; i < 20; i++) {
		start(&w, &w.a, &m);
		receive(&w, &w.b, &m);
		if (w.res.action == SB_HS_STRANGER)
			told++;
		else
			assert_silent(&w, SB_HS_RATE_LIMITED);
	}
	assert_int_equal(told, SB_RATE_BURST);
}

static void test_stranger_must_prove(void **state)
{
	struct message m, cookie;

	w.b.knows_peer = false;
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	take_reply(&w, &cookie);
	receive(&w, &w.a, &cookie);
	start(&w, &w.a, &m);
	/* The payload is what proves the static key. */
	m.data[offsetof(struct sb_msg_initiation, payload)] ^= 1;
	sb_macs_fill(m.data, m.len, w.b.local.now.mac1_key, w.a.peer.cookie);
	receive(&w, &w.b, &m);
	assert_silent(&w, SB_HS_BAD_PAYLOAD);
}

/* All encodings of points of order 1, 2, 4 and 8 (RFC 7748 section 7). */
static const char *const low_order[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

static void from_hex(u8 out[SB_KEY_LEN], const char *hex)
{
	size_t i;

	for (i = 0; i < SB_KEY_LEN; i++) {
		unsigned int byte;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		out[i] = (u8)byte;
	}
}

static void test_low_order(void **state)
{
	struct sb_hs_peer peer;
	struct message m, bad, reply;
	u8 point[SB_KEY_LEN];
	size_t i;

	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	take_reply(&w, &reply);
	start(&w, &w.a, &m);
	for (i = 0; i < ARRAY_SIZE(low_order); i++) {
		from_hex(point, low_order[i]);
		memset(&peer, 0x77, sizeof(peer));
		assert_int_equal(sb_hs_peer_init(&peer, &w.a.local, point,
						 w.b.local.device_id), -EINVAL);

		bad = m;
		memcpy(bad.data + offsetof(struct sb_msg_initiation, e), point,
		       sizeof(point));
		fix_mac1(&bad, &w.b);
		receive(&w, &w.b, &bad);
		assert_silent(&w, SB_HS_BAD_STATIC);

		bad = reply;
		memcpy(bad.data + offsetof(struct sb_msg_response, receiver),
		       m.data + offsetof(struct sb_msg_initiation, sender), 4);
		memcpy(bad.data + offsetof(struct sb_msg_response, e), point,
		       sizeof(point));
		fix_mac1(&bad, &w.a);
		receive(&w, &w.a, &bad);
		assert_silent(&w, SB_HS_BAD_PAYLOAD);
	}
	assert_int_equal(sb_hs_peer_init(&peer, &w.a.local, w.a.local.now.pub,
					 w.b.local.device_id), -EINVAL);
}

static int no_random(void *buf, size_t len)
{
	return -EINTR;
}

static void test_no_random(void **state)
{
	struct sb_hs_peer before = w.a.peer;
	struct message m;
	size_t len = 12345;

	sb_shim_random = no_random;
	assert_int_equal(sb_hs_start(&w.a.local, &w.a.peer, w.now, 1, 256, &w.a.addr,
				     &w.b.addr, m.data, &len), -EINTR);
	assert_int_equal(len, 12345);
	assert_memory_equal(&before, &w.a.peer, sizeof(before));
	assert_int_equal(sb_hs_local_init(&w.a.local, w.a.local.psk, w.a.local.device_id,
					  w.a.local.chain_id, 0, 0), -EINTR);

	world_init(&w);
	start(&w, &w.a, &m);
	sb_shim_random = no_random;
	receive(&w, &w.b, &m);
	assert_silent(&w, SB_HS_NO_RESOURCE);
	w.under_load = true;
	receive(&w, &w.b, &m);
	assert_silent(&w, SB_HS_NO_RESOURCE);
	/* The next one finds no trace of it. */
	sb_shim_random = NULL;
	w.under_load = false;
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_action(&w, SB_HS_KEYS_RESPONDER);
}

static void test_refused_spi(void **state)
{
	struct message m;

	w.b.refuses_spi = true;
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_silent(&w, SB_HS_NO_RESOURCE);
	assert_ptr_equal(w.res.peer, &w.b.peer);
	assert_int_equal(w.b.peer.unconfirmed_spi, 0);
}

static void test_bad_start(void **state)
{
	struct message m;

	assert_int_equal(sb_hs_start(&w.a.local, &w.a.peer, w.now, 0, 256, &w.a.addr,
				     &w.b.addr, m.data, &m.len), -EINVAL);
	assert_int_equal(sb_hs_start(&w.a.local, &w.a.peer, w.now, 1, 255, &w.a.addr,
				     &w.b.addr, m.data, &m.len), -EINVAL);
	assert_int_equal(sb_hs_retry_at(&w.a.peer), 0);
}

/* 100,000 packets of garbage; then the device is as it was. */
static void test_garbage(void **state)
{
	static u8 junk[1500];
	struct epoch e;
	u32 x = 1;
	int i;

	for (i = 0; i < 100000; i++) {
		size_t len, at;

		for (at = 0; at < 64; at++) {
			x = x * 1664525 + 1013904223;
			junk[at] = (u8)(x >> 24);
		}
		len = (x >> 8) % sizeof(junk);
		if (i % 2) {	/* the right shape, at least */
			memset(junk, 0, 8);
			junk[4] = (u8)(1 + i / 2 % 3);
			junk[5] = 1;
			len = junk[4] == 1 ? sizeof(struct sb_msg_initiation) :
			      junk[4] == 2 ? sizeof(struct sb_msg_response) :
					     sizeof(struct sb_msg_cookie);
		}
		receive_from(&w, &w.b, junk, len, &w.a.addr);
		assert_int_equal(w.res.action, SB_HS_NOTHING);
		assert_int_equal(w.res.reply_len, 0);
	}
	assert_int_equal(w.b.lookups, 0);
	bond(&w, &w.a, &e);
	assert_epoch(&e);
}

static void test_reason_names(void **state)
{
	int i;

	for (i = 0; i < SB_HS_REASON_COUNT; i++)
		assert_non_null(sb_hs_reason_name(i));
	assert_null(sb_hs_reason_name(SB_HS_REASON_COUNT));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(test_flipped_bytes), T(test_flipped_cookie), T(test_every_length),
		T(test_header), T(test_wrong_mac1), T(test_wrong_psk),
		T(test_wrong_transcript), T(test_under_load),
		T(test_cookie_hurries_once), T(test_cookie_expiry),
		T(test_load_is_rate_limited), T(test_stranger),
		T(test_stranger_must_prove), T(test_low_order), T(test_no_random),
		T(test_refused_spi), T(test_bad_start), T(test_garbage),
		T(test_reason_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
