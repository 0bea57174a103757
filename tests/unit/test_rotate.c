// SPDX-License-Identifier: Apache-2.0
/* The engine while a device has two bond keys: A rotates, B learns of it sooner or later. */
#include "hs_world.h"

static struct world w;

static int setup(void **state)
{
	world_init(&w);
	return 0;
}

static void rotate(struct device *d, u8 key)
{
	u8 priv[SB_KEY_LEN];

	fill_key(priv, key);
	assert_int_equal(sb_hs_rotate(&d->local, priv), 0);
}

/* B is told A's key of now. */
static void learn(void)
{
	assert_int_equal(sb_hs_peer_init(&w.b.peer, &w.b.local, w.a.local.now.pub,
					 w.a.local.device_id), 0);
}

static void test_learns_before(void **state)
{
	struct device later;
	struct message m;
	struct epoch e;

	/* B already wants the key that A has not taken yet: A is a stranger to it, and deaf. */
	device_init(&later, 0x33, 0xa0, 1);
	assert_int_equal(sb_hs_peer_init(&w.b.peer, &w.b.local, later.local.now.pub,
					 later.local.device_id), 0);
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_action(&w, SB_HS_SEND);
	start(&w, &w.b, &m);
	receive(&w, &w.a, &m);
	assert_silent(&w, SB_HS_BAD_MAC1);

	rotate(&w.a, 0x33);
	w.now += SB_HS_RETRY_NS;
	start(&w, &w.b, &m);
	receive(&w, &w.a, &m);
	assert_action(&w, SB_HS_KEYS_RESPONDER);
	bond(&w, &w.a, &e);
	assert_epoch(&e);
}

static void test_learns_later(void **state)
{
	struct message m;
	struct epoch e;

	rotate(&w.a, 0x33);
	/* B starts as ever. */
	bond(&w, &w.b, &e);
	assert_epoch(&e);
	/* A's first attempt is a stranger's to B, its second is not. */
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_action(&w, SB_HS_SEND);
	assert_null(w.res.peer);
	bond(&w, &w.a, &e);
	assert_epoch(&e);
	/* Each series begins with the new one: when B has learnt it, nothing is lost any more. */
	learn();
	bond(&w, &w.a, &e);
	assert_epoch(&e);
	bond(&w, &w.b, &e);
	assert_epoch(&e);
}

static void test_in_turn(void **state)
{
	struct message m;
	int i;

	rotate(&w.a, 0x33);
	learn();
	for (i = 0; i < 6; i++) {
		start(&w, &w.a, &m);
		receive(&w, &w.b, &m);
		if (i % 2)
			assert_action(&w, SB_HS_SEND);	/* a cookie, for a stranger */
		else
			assert_action(&w, SB_HS_KEYS_RESPONDER);
		w.now = sb_hs_retry_at(&w.a.peer);
	}
	/* Afterwards there is one. */
	sb_hs_forget_old(&w.a.local);
	sb_hs_peer_forget_old(&w.a.peer);
	for (i = 0; i < 3; i++) {
		start(&w, &w.a, &m);
		receive(&w, &w.b, &m);
		assert_action(&w, SB_HS_KEYS_RESPONDER);
	}
}

/* An exchange that was under way goes on. */
static void test_under_way(void **state)
{
	struct message m, reply;

	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	take_reply(&w, &reply);
	rotate(&w.a, 0x33);
	receive(&w, &w.a, &reply);
	assert_action(&w, SB_HS_KEYS_INITIATOR);

	/* From B, its message still to the old one. */
	start(&w, &w.b, &m);
	rotate(&w.a, 0x44);
	receive(&w, &w.a, &m);
	assert_silent(&w, SB_HS_BAD_MAC1);	/* two rotations ago */
}

static void test_end_of_overlap(void **state)
{
	struct message m, reply;

	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	take_reply(&w, &reply);
	rotate(&w.a, 0x33);
	sb_hs_forget_old(&w.a.local);
	assert_null(memchr_inv(&w.a.local.old, 0, sizeof(w.a.local.old)));
	receive(&w, &w.a, &reply);
	assert_silent(&w, SB_HS_BAD_MAC1);
	start(&w, &w.b, &m);
	receive(&w, &w.a, &m);
	assert_silent(&w, SB_HS_BAD_MAC1);
	/* Nor does a cookie come, whatever the load. */
	w.under_load = true;
	start(&w, &w.b, &m);
	receive(&w, &w.a, &m);
	assert_silent(&w, SB_HS_BAD_MAC1);
}

/* A response has to be closed to the key that the exchange was begun with. */
static void test_response_to_other(void **state)
{
	struct message m, reply;

	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	take_reply(&w, &reply);
	rotate(&w.a, 0x33);
	sb_macs_fill(reply.data, reply.len, w.a.local.now.mac1_key, NULL);
	receive(&w, &w.a, &reply);
	assert_silent(&w, SB_HS_BAD_MAC1);
	sb_macs_fill(reply.data, reply.len, w.a.local.old.mac1_key, NULL);
	receive(&w, &w.a, &reply);
	assert_action(&w, SB_HS_KEYS_INITIATOR);
}

static void stranger_gets_a_cookie(bool old)
{
	struct message m, reply;

	world_init(&w);
	rotate(&w.a, 0x33);
	w.a.knows_peer = false;
	if (!old)
		assert_int_equal(sb_hs_peer_init(&w.b.peer, &w.b.local, w.a.local.now.pub,
						 w.a.local.device_id), 0);
	start(&w, &w.b, &m);
	receive(&w, &w.a, &m);
	assert_action(&w, SB_HS_SEND);
	assert_int_equal(w.res.reply_len, sizeof(struct sb_msg_cookie));
	take_reply(&w, &reply);
	receive(&w, &w.b, &reply);
	assert_action(&w, SB_HS_RESTART);
	start(&w, &w.b, &m);
	receive(&w, &w.a, &m);
	assert_action(&w, SB_HS_STRANGER);
	assert_int_equal(w.res.reply_len, 0);
	assert_memory_equal(w.res.stranger_pub, w.b.local.now.pub, SB_KEY_LEN);
}

static void test_stranger(void **state)
{
	stranger_gets_a_cookie(true);
	stranger_gets_a_cookie(false);
}

static void test_under_load(void **state)
{
	struct message m, reply;
	int i;

	for (i = 0; i < 2; i++) {
		world_init(&w);
		rotate(&w.a, 0x33);
		if (i)
			learn();
		w.under_load = true;
		start(&w, &w.b, &m);
		receive(&w, &w.a, &m);
		assert_action(&w, SB_HS_SEND);
		take_reply(&w, &reply);
		receive(&w, &w.b, &reply);
		assert_action(&w, SB_HS_RESTART);
		start(&w, &w.b, &m);
		receive(&w, &w.a, &m);
		assert_action(&w, SB_HS_KEYS_RESPONDER);
	}
}

/* A goes first, but B cannot know the key that A has started with: A answers at once. */
static void test_crossing(void **state)
{
	struct message from_a, from_b, reply;

	rotate(&w.a, 0x33);
	start(&w, &w.a, &from_a);
	start(&w, &w.b, &from_b);
	receive(&w, &w.b, &from_a);
	assert_action(&w, SB_HS_SEND);
	receive(&w, &w.a, &from_b);
	assert_action(&w, SB_HS_KEYS_RESPONDER);
	take_reply(&w, &reply);
	receive(&w, &w.b, &reply);
	assert_action(&w, SB_HS_KEYS_INITIATOR);

	/* With the same key it is as ever. */
	world_init(&w);
	rotate(&w.a, 0x33);
	learn();
	start(&w, &w.a, &from_a);
	start(&w, &w.b, &from_b);
	receive(&w, &w.a, &from_b);
	assert_silent(&w, SB_HS_CROSSED);
}

static void test_nat(void **state)
{
	struct sb_addr outside = w.b.addr;
	struct message m;

	rotate(&w.a, 0x33);
	outside.port = 40000;
	start(&w, &w.a, &m);		/* the new one: nobody answers */
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_action(&w, SB_HS_KEYS_RESPONDER);
	take_reply(&w, &m);
	receive_from(&w, &w.a, m.data, m.len, &outside);
	assert_action(&w, SB_HS_RESTART);
	/* With the key that was answered. */
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_action(&w, SB_HS_KEYS_RESPONDER);
	take_reply(&w, &m);
	receive_from(&w, &w.a, m.data, m.len, &outside);
	assert_action(&w, SB_HS_KEYS_INITIATOR);
	assert_true(w.res.keys.encap);
}

static void test_replay(void **state)
{
	struct message m;

	start(&w, &w.b, &m);
	receive(&w, &w.a, &m);
	assert_action(&w, SB_HS_KEYS_RESPONDER);
	rotate(&w.a, 0x33);
	receive(&w, &w.a, &m);
	assert_silent(&w, SB_HS_REPLAYED);
}

/* Every byte of a message to the old key, tampered with. */
static void test_tampered(void **state)
{
	struct message m, bad;
	size_t at;

	rotate(&w.a, 0x33);
	start(&w, &w.b, &m);
	for (at = 0; at < m.len - SB_MAC_LEN; at++) {
		bad = m;
		bad.data[at] ^= 0x10;
		receive(&w, &w.a, &bad);
		assert_int_equal(w.res.action, SB_HS_NOTHING);
		assert_int_equal(w.res.reply_len, 0);
	}
	/* Meant for the new one, made with the old one. */
	bad = m;
	sb_macs_fill(bad.data, bad.len, w.a.local.now.mac1_key, NULL);
	receive(&w, &w.a, &bad);
	assert_silent(&w, SB_HS_BAD_STATIC);
	receive(&w, &w.a, &m);
	assert_action(&w, SB_HS_KEYS_RESPONDER);
}

static void test_own_keys_are_no_peer(void **state)
{
	struct sb_hs_peer peer;

	rotate(&w.a, 0x33);
	assert_int_equal(sb_hs_peer_init(&peer, &w.a.local, w.a.local.now.pub,
					 w.b.local.device_id), -EINVAL);
	assert_int_equal(sb_hs_peer_init(&peer, &w.a.local, w.a.local.old.pub,
					 w.b.local.device_id), -EINVAL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(test_learns_before), T(test_learns_later), T(test_in_turn), T(test_under_way),
		T(test_end_of_overlap), T(test_response_to_other), T(test_stranger),
		T(test_under_load), T(test_crossing), T(test_nat), T(test_replay),
		T(test_tampered), T(test_own_keys_are_no_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
