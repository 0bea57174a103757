// SPDX-License-Identifier: Apache-2.0
/* The engine between two devices: what is agreed, and in which order. */
#include "hs_world.h"
#include "../vectors/protocol_vector.h"

static struct world w;

static int setup(void **state)
{
	world_init(&w);
	return 0;
}

/* Random bytes that the vector prescribes: an ephemeral, then the jitter. */
static const u8 *next_ephemeral;

static int vector_random(void *buf, size_t len)
{
	assert_true(len >= SB_KEY_LEN);
	memset(buf, 0, len);
	memcpy(buf, next_ephemeral, SB_KEY_LEN);
	return 0;
}

static void test_protocol_vector(void **state)
{
	struct device *a = &w.a, *b = &w.b;
	struct message m;

	assert_int_equal(sb_hs_local_init(&a->local, vector_init_static, vector_init_id,
					  vector_chain_id, 7, 9), 0);
	assert_int_equal(sb_hs_local_init(&b->local, vector_resp_static, vector_resp_id,
					  vector_chain_id, 1, 0), 0);
	introduce(&w);
	sb_addr_v4(&a->addr, htonl(0xc0000201), 7454);
	sb_addr_v4(&b->addr, htonl(0xc6336402), 7454);
	sb_shim_random = vector_random;

	next_ephemeral = vector_init_ephemeral;
	assert_int_equal(sb_hs_start(&a->local, &a->peer, 123456789, 0x01020304, 0x11121314,
				     &a->addr, &b->addr, m.data, &m.len), 0);
	assert_int_equal(m.len, sizeof(vector_initiation));
	assert_memory_equal(m.data, vector_initiation, m.len);

	w.now = 123456789;
	b->next_spi = 0x21222324;
	b->next_index = 0x05060708;
	next_ephemeral = vector_resp_ephemeral;
	receive(&w, b, &m);
	assert_action(&w, SB_HS_KEYS_RESPONDER);
	assert_memory_equal(w.res.keys.key_in, vector_from_initiator, SB_ESP_KEY_LEN);
	assert_memory_equal(w.res.keys.key_out, vector_from_responder, SB_ESP_KEY_LEN);
	take_reply(&w, &m);
	assert_int_equal(m.len, sizeof(vector_response));
	assert_memory_equal(m.data, vector_response, m.len);

	receive(&w, a, &m);
	assert_action(&w, SB_HS_KEYS_INITIATOR);
	assert_int_equal(w.res.keys.spi_in, 0x11121314);
	assert_int_equal(w.res.keys.spi_out, 0x21222324);
	assert_int_equal(w.res.keys.alg, SB_ALG_AES256GCM);
	assert_false(w.res.keys.encap);
	assert_memory_equal(w.res.keys.key_out, vector_from_initiator, SB_ESP_KEY_LEN);
	assert_memory_equal(w.res.keys.key_in, vector_from_responder, SB_ESP_KEY_LEN);
}

static void test_happy(void **state)
{
	struct epoch e, f;

	bond(&w, &w.a, &e);
	assert_epoch(&e);
	assert_int_equal(e.initiator.alg, SB_ALG_AES256GCM);
	assert_int_equal(e.initiator.version, 1);
	assert_false(e.initiator.encap);
	assert_int_equal(sb_hs_retry_at(&w.a.peer), 0);

	bond(&w, &w.b, &f);
	assert_epoch(&f);
	assert_memory_not_equal(e.initiator.key_out, f.initiator.key_out, SB_ESP_KEY_LEN);
}

static void test_ipv6(void **state)
{
	static const u8 ip[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	struct epoch e;

	sb_addr_v6(&w.a.addr, ip, 7454);
	sb_addr_v6(&w.b.addr, ip, 7455);
	bond(&w, &w.a, &e);
	assert_epoch(&e);
	assert_false(e.initiator.encap);
}

static void test_algorithms(void **state)
{
	struct epoch e;

	/* The responder's preference decides. */
	w.b.local.alg_pref[0] = SB_ALG_CHACHA20POLY1305;
	w.b.local.alg_pref[1] = SB_ALG_AES256GCM;
	bond(&w, &w.a, &e);
	assert_epoch(&e);
	assert_int_equal(e.initiator.alg, SB_ALG_CHACHA20POLY1305);
	bond(&w, &w.b, &e);
	assert_int_equal(e.initiator.alg, SB_ALG_AES256GCM);

	/* Bits that nobody here knows are passed over. */
	w.a.local.alg_offer = 0xf0 | BIT(SB_ALG_CHACHA20POLY1305);
	bond(&w, &w.a, &e);
	assert_int_equal(e.initiator.alg, SB_ALG_CHACHA20POLY1305);
}

static void test_nothing_in_common(void **state)
{
	struct message m;

	w.a.local.alg_offer = BIT(SB_ALG_AES256GCM);
	w.b.local.alg_offer = BIT(SB_ALG_CHACHA20POLY1305);
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_silent(&w, SB_HS_NO_COMMON);

	w.b.local.alg_offer = w.a.local.alg_offer;
	w.a.local.ver_min = 2;
	w.a.local.ver_max = 3;
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_silent(&w, SB_HS_NO_COMMON);
	sb_hs_cancel(&w.a.peer);
	start(&w, &w.b, &m);
	receive(&w, &w.a, &m);
	assert_silent(&w, SB_HS_NO_COMMON);
}

static void test_versions(void **state)
{
	struct epoch e;

	/* n and n - 1, either way; then n and n. */
	w.a.local.ver_max = 2;
	bond(&w, &w.a, &e);
	assert_int_equal(e.initiator.version, 1);
	bond(&w, &w.b, &e);
	assert_int_equal(e.initiator.version, 1);
	w.b.local.ver_max = 2;
	bond(&w, &w.a, &e);
	assert_int_equal(e.initiator.version, 2);
	assert_epoch(&e);
}

static void test_response_outside_offer(void **state)
{
	struct message m, good;

	/* B answers with version 2; meanwhile A speaks only 1. */
	w.a.local.ver_max = w.b.local.ver_max = 2;
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	take_reply(&w, &good);
	w.a.local.ver_max = 1;
	receive(&w, &w.a, &good);
	assert_silent(&w, SB_HS_NO_COMMON);
	w.a.local.ver_max = 2;
	w.a.local.alg_offer = BIT(SB_ALG_CHACHA20POLY1305);
	receive(&w, &w.a, &good);
	assert_silent(&w, SB_HS_NO_COMMON);
}

/* An initiation by hand, for payloads that the engine does not send. */
static void craft(struct message *m, const struct sb_payload1 *p)
{
	struct sb_msg_initiation *in = (struct sb_msg_initiation *)m->data;
	struct device *a = &w.a, *b = &w.b;
	u8 prologue[11 + 1 + 64], e[SB_KEY_LEN];
	struct sb_noise n;

	memcpy(prologue, "Sealbond v1\1", 12);
	memcpy(prologue + 12, b->local.chain_id, SB_ID_LEN);
	memcpy(prologue + 44, b->local.device_id, SB_ID_LEN);
	assert_int_equal(sb_random(e, sizeof(e)), 0);
	sb_noise_init(&n, SB_NOISE_IKPSK2, prologue, sizeof(prologue), b->local.now.pub);
	sb_msg_head_fill(&in->head, SB_MSG_INITIATION);
	in->sender = htonl(77);
	assert_int_equal(sb_noise_write1(&n, in->e, e, a->local.now.pub, b->local.now.pub,
					 a->peer.ss, p, sizeof(*p)), 0);
	m->len = sizeof(*in);
	sb_macs_fill(m->data, m->len, b->local.now.mac1_key, NULL);
}

static struct sb_payload1 good_payload(void)
{
	struct sb_payload1 p = {
		.ver_min = 1, .ver_max = 1, .algs = 3,
		.reset_count = htonl(1), .boottime = cpu_to_be64(w.now += 10),
		.spi = htonl(0x9999),
	};

	memcpy(p.device_id, w.a.local.device_id, SB_ID_LEN);
	return p;
}

static void test_payload_fields(void **state)
{
	struct sb_payload1 p = good_payload();
	struct message m;

	/* A later minor version may use what is reserved now. */
	memset(p.reserved, 0x5a, sizeof(p.reserved));
	p.options = 0xfe;
	craft(&m, &p);
	receive(&w, &w.b, &m);
	assert_action(&w, SB_HS_KEYS_RESPONDER);
	assert_int_equal(w.res.keys.spi_out, 0x9999);

	p = good_payload();
	p.spi = htonl(255);
	craft(&m, &p);
	receive(&w, &w.b, &m);
	assert_silent(&w, SB_HS_BAD_FIELD);

	p = good_payload();
	p.ver_min = 2;
	craft(&m, &p);
	receive(&w, &w.b, &m);
	assert_silent(&w, SB_HS_BAD_FIELD);

	p = good_payload();
	p.algs = 0;
	craft(&m, &p);
	receive(&w, &w.b, &m);
	assert_silent(&w, SB_HS_NO_COMMON);

	/* Somebody else's device id under the right key. */
	p = good_payload();
	p.device_id[31] ^= 1;
	craft(&m, &p);
	receive(&w, &w.b, &m);
	assert_silent(&w, SB_HS_BAD_DEVICE);
}

static void test_encapsulation(void **state)
{
	struct epoch e;

	w.a.local.want_encap = true;
	bond(&w, &w.a, &e);
	assert_true(e.initiator.encap);
	assert_epoch(&e);
	bond(&w, &w.b, &e);
	assert_true(e.initiator.encap);
	assert_epoch(&e);
}

/* An answer that ignores what was asked for is no answer. */
static void test_encapsulation_refused(void **state)
{
	struct message m;

	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	take_reply(&w, &m);
	w.a.peer.pending.encap = true;
	receive(&w, &w.a, &m);
	assert_silent(&w, SB_HS_BAD_FIELD);
	w.a.peer.pending.encap = false;
	receive(&w, &w.a, &m);
	assert_action(&w, SB_HS_KEYS_INITIATOR);
}

static void test_nat_before_responder(void **state)
{
	struct sb_addr outside = w.a.addr;
	struct message m;

	outside.port = 40000;
	start(&w, &w.a, &m);
	receive_from(&w, &w.b, m.data, m.len, &outside);
	assert_action(&w, SB_HS_KEYS_RESPONDER);
	assert_true(w.res.keys.encap);
	take_reply(&w, &m);
	receive(&w, &w.a, &m);
	assert_action(&w, SB_HS_KEYS_INITIATOR);
	assert_true(w.res.keys.encap);
}

static void test_nat_seen_by_initiator_only(void **state)
{
	struct sb_addr outside = w.b.addr;
	struct message m;
	struct epoch e;

	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_false(w.res.keys.encap);
	take_reply(&w, &m);
	outside.port = 40000;
	receive_from(&w, &w.a, m.data, m.len, &outside);
	assert_action(&w, SB_HS_RESTART);
	assert_int_equal(w.res.reason, SB_HS_NAT_FOUND);
	assert_int_equal(w.res.reply_len, 0);
	/* The exchange is over: the same response does nothing now. */
	receive(&w, &w.a, &m);
	assert_silent(&w, SB_HS_UNKNOWN_INDEX);

	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	assert_true(w.res.keys.encap);
	assert_int_not_equal(w.res.replaced_spi, 0);
	take_reply(&w, &m);
	receive_from(&w, &w.a, m.data, m.len, &outside);
	assert_action(&w, SB_HS_KEYS_INITIATOR);
	assert_true(w.res.keys.encap);

	/* The NAT goes away: one more encapsulated epoch, then none. */
	bond(&w, &w.a, &e);
	assert_true(e.initiator.encap);
	bond(&w, &w.a, &e);
	assert_false(e.initiator.encap);
}

static void test_replay(void **state)
{
	struct message first, second, reply;

	start(&w, &w.a, &first);
	start(&w, &w.a, &second);	/* the same tick of the clock */
	receive(&w, &w.b, &second);
	assert_action(&w, SB_HS_KEYS_RESPONDER);
	take_reply(&w, &reply);

	receive(&w, &w.b, &second);
	assert_silent(&w, SB_HS_REPLAYED);
	receive(&w, &w.b, &first);
	assert_silent(&w, SB_HS_REPLAYED);

	/* They disturbed nothing. */
	receive(&w, &w.a, &reply);
	assert_action(&w, SB_HS_KEYS_INITIATOR);
	receive(&w, &w.a, &reply);
	assert_silent(&w, SB_HS_UNKNOWN_INDEX);
}

static void test_response_to_forgotten(void **state)
{
	struct message first, second, reply;

	start(&w, &w.a, &first);
	receive(&w, &w.b, &first);
	take_reply(&w, &reply);
	start(&w, &w.a, &second);
	receive(&w, &w.a, &reply);
	assert_silent(&w, SB_HS_UNKNOWN_INDEX);
}

static void test_late_response(void **state)
{
	struct message m, reply;

	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	take_reply(&w, &reply);
	w.now += SB_HS_PENDING_NS;
	receive(&w, &w.a, &reply);
	assert_silent(&w, SB_HS_UNKNOWN_INDEX);
	w.now--;
	receive(&w, &w.a, &reply);
	assert_action(&w, SB_HS_KEYS_INITIATOR);
}

static void try_counter(u32 reset, u32 restart, u64 boottime, bool accepted)
{
	struct sb_payload1 p = good_payload();
	struct message m;

	p.reset_count = htonl(reset);
	p.restart_count = htonl(restart);
	p.boottime = cpu_to_be64(boottime);
	craft(&m, &p);
	receive(&w, &w.b, &m);
	if (accepted)
		assert_action(&w, SB_HS_KEYS_RESPONDER);
	else
		assert_silent(&w, SB_HS_REPLAYED);
}

static void test_counter(void **state)
{
	try_counter(0, 0, 0, false);
	try_counter(0, 0, 1, true);
	try_counter(5, 5, 1000, true);
	try_counter(5, 5, 1000, false);
	try_counter(5, 5, 999, false);
	try_counter(5, 4, U64_MAX, false);
	try_counter(4, U32_MAX, U64_MAX, false);
	try_counter(5, 5, 1001, true);
	/* After a resume, and after a reboot that found no clock. */
	try_counter(5, 6, 0, true);
	try_counter(6, 0, 0, true);
	try_counter(5, U32_MAX, U64_MAX, false);
	try_counter(U32_MAX, U32_MAX, U64_MAX, true);
}

static void test_simultaneous(void **state)
{
	struct message from_a, from_b, reply;

	/* Both in flight; A has the lower id and goes first. */
	start(&w, &w.a, &from_a);
	start(&w, &w.b, &from_b);
	receive(&w, &w.a, &from_b);
	assert_silent(&w, SB_HS_CROSSED);
	receive(&w, &w.b, &from_a);
	assert_action(&w, SB_HS_KEYS_RESPONDER);
	take_reply(&w, &reply);
	receive(&w, &w.a, &reply);
	assert_action(&w, SB_HS_KEYS_INITIATOR);

	/* The other order of arrival, and of starting. */
	world_init(&w);
	start(&w, &w.b, &from_b);
	start(&w, &w.a, &from_a);
	receive(&w, &w.b, &from_a);
	assert_action(&w, SB_HS_KEYS_RESPONDER);
	take_reply(&w, &reply);
	assert_false(w.b.peer.pending.live);
	receive(&w, &w.a, &from_b);
	assert_silent(&w, SB_HS_CROSSED);
	receive(&w, &w.a, &reply);
	assert_action(&w, SB_HS_KEYS_INITIATOR);
	/* B tries again unless this epoch is confirmed. */
	assert_true(sb_hs_retry_at(&w.b.peer) > w.now);
	assert_true(sb_hs_confirmed(&w.b.peer, w.res.keys.spi_out));
	assert_int_equal(sb_hs_retry_at(&w.b.peer), 0);
}

/* Only B's packets arrive: A must not wait for ever for its own. */
static void test_one_way_path(void **state)
{
	struct message m;

	start(&w, &w.a, &m);
	w.now += SB_HS_RETRY_NS - 1;
	start(&w, &w.b, &m);
	receive(&w, &w.a, &m);
	assert_silent(&w, SB_HS_CROSSED);
	w.now += 1;
	start(&w, &w.a, &m);
	w.now += SB_HS_CROSSING_NS - 1;
	start(&w, &w.b, &m);
	receive(&w, &w.a, &m);
	assert_silent(&w, SB_HS_CROSSED);
	w.now += 1;
	receive(&w, &w.a, &m);
	assert_action(&w, SB_HS_KEYS_RESPONDER);
}

static void test_confirmation(void **state)
{
	struct message m;
	u32 first, second;

	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	first = w.res.keys.spi_in;
	assert_int_equal(w.res.replaced_spi, 0);
	assert_false(sb_hs_confirmed(&w.b.peer, 0));
	assert_false(sb_hs_confirmed(&w.b.peer, first + 1));

	/* A retries before it is confirmed: the pending epoch is replaced. */
	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	second = w.res.keys.spi_in;
	assert_int_equal(w.res.replaced_spi, first);
	assert_false(sb_hs_confirmed(&w.b.peer, first));
	assert_true(sb_hs_confirmed(&w.b.peer, second));
	assert_false(sb_hs_confirmed(&w.b.peer, second));
	assert_false(sb_hs_confirmed(&w.a.peer, second));
}

static void test_retry(void **state)
{
	u64 began = w.now, longest = 0, shortest = U64_MAX;
	struct message m;
	int i;

	assert_int_equal(sb_hs_retry_at(&w.a.peer), 0);
	assert_false(sb_hs_gave_up(&w.a.peer, w.now));
	while (!sb_hs_gave_up(&w.a.peer, w.now)) {
		u64 gap;

		start(&w, &w.a, &m);
		gap = sb_hs_retry_at(&w.a.peer) - w.now;
		assert_in_range(gap, SB_HS_RETRY_NS,
				SB_HS_RETRY_NS + SB_HS_RETRY_NS / SB_HS_JITTER_DIV);
		longest = max(longest, gap);
		shortest = min(shortest, gap);
		w.now += gap;
	}
	assert_true(longest > shortest);
	assert_true(w.now - began >= SB_HS_GIVE_UP_NS);
	assert_in_range(w.a.peer.attempts, 13, 18);

	/* Slower and slower, never silent for good. */
	for (i = 0; i < 12; i++) {
		start(&w, &w.a, &m);
		w.now = sb_hs_retry_at(&w.a.peer);
	}
	start(&w, &w.a, &m);
	assert_in_range(sb_hs_retry_at(&w.a.peer) - w.now, SB_HS_BACKOFF_MAX_NS,
			SB_HS_BACKOFF_MAX_NS + SB_HS_BACKOFF_MAX_NS / SB_HS_JITTER_DIV);

	/* An answer ends the series. */
	receive(&w, &w.b, &m);
	take_reply(&w, &m);
	receive(&w, &w.a, &m);
	assert_action(&w, SB_HS_KEYS_INITIATOR);
	assert_int_equal(sb_hs_retry_at(&w.a.peer), 0);
	start(&w, &w.a, &m);
	assert_false(sb_hs_gave_up(&w.a.peer, w.now));
}

static void test_cancel(void **state)
{
	struct message m, reply;

	start(&w, &w.a, &m);
	receive(&w, &w.b, &m);
	take_reply(&w, &reply);
	sb_hs_cancel(&w.a.peer);
	assert_int_equal(sb_hs_retry_at(&w.a.peer), 0);
	receive(&w, &w.a, &reply);
	assert_silent(&w, SB_HS_UNKNOWN_INDEX);
	/* What an attacker might still replay stays known. */
	sb_hs_cancel(&w.b.peer);
	receive(&w, &w.b, &m);
	assert_silent(&w, SB_HS_REPLAYED);
}

static void test_wipe(void **state)
{
	struct epoch e;

	bond(&w, &w.a, &e);
	sb_hs_keys_wipe(&e.initiator);
	sb_hs_peer_wipe(&w.a.peer);
	sb_hs_local_wipe(&w.a.local);
	assert_null(memchr_inv(&e.initiator, 0, sizeof(e.initiator)));
	assert_null(memchr_inv(&w.a.peer, 0, sizeof(w.a.peer)));
	assert_null(memchr_inv(&w.a.local, 0, sizeof(w.a.local)));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(test_protocol_vector), T(test_happy), T(test_ipv6),
		T(test_algorithms), T(test_nothing_in_common), T(test_versions),
		T(test_response_outside_offer), T(test_payload_fields),
		T(test_encapsulation), T(test_encapsulation_refused), T(test_nat_before_responder),
		T(test_nat_seen_by_initiator_only), T(test_replay),
		T(test_response_to_forgotten), T(test_late_response),
		T(test_counter), T(test_simultaneous), T(test_one_way_path),
		T(test_confirmation), T(test_retry), T(test_cancel), T(test_wipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
