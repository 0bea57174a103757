// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include "grant_files.h"

#define SIGNERS	4

static struct signer signers[SIGNERS];
static u8 chain[32], holder[32];
static const char *text;

static int set_up(void **state)
{
	for (int i = 0; i < SIGNERS; i++)
		make_signer(&signers[i], i);
	memset(chain, 0x22, sizeof(chain));
	memset(holder, 0x33, sizeof(holder));
	return 0;
}

static int tear_down(void **state)
{
	for (int i = 0; i < SIGNERS; i++)
		free_signer(&signers[i]);
	return 0;
}

/* The first n of the signers, k of whom are needed. */
static void some_keys(struct sb_grant_keys *keys, u32 n, u8 k, bool allow_static)
{
	u8 points[SIGNERS * SB_GRANT_POINT_LEN];
	u32 i;

	for (i = 0; i < n; i++)
		memcpy(points + i * SB_GRANT_POINT_LEN, signers[i].point, SB_GRANT_POINT_LEN);
	assert_int_equal(sb_grant_keys_read(keys, points, n * SB_GRANT_POINT_LEN, k, allow_static,
					    &text), 0);
}

static int check(const u8 *data, size_t len, const struct sb_grant_keys *keys)
{
	struct sb_grant grant;

	text = NULL;
	if (sb_grant_parse(&grant, data, len))
		return -EBADMSG;
	return sb_grant_check(&grant, keys, chain, holder, &text);
}

static size_t usual(u8 out[SB_GRANT_MAX], u32 n)
{
	struct sb_grant_body body;

	sample_body(&body);
	return sample_grant(out, &body, signers, n);
}

static void a_good_one(void **state)
{
	struct sb_grant_keys keys;
	struct sb_grant grant;
	u8 data[SB_GRANT_MAX];
	size_t len = usual(data, 3);

	assert_int_equal(sb_grant_parse(&grant, data, len), 0);
	assert_int_equal(grant.signatures, 3);
	assert_int_equal(grant.duration_ms, 3600000);
	assert_int_equal(grant.body->key[0], 0x55);
	assert_false(sb_grant_is_static(&grant));
	assert_true(sb_grant_end_ns(&grant, 5) == 5 + 3600000000000ULL);
	for (u32 n = 1; n <= SIGNERS; n++) {
		some_keys(&keys, n, n < 3 ? n : 3, false);
		assert_int_equal(check(data, len, &keys), 0);
	}
}

static void every_length(void **state)
{
	struct sb_grant grant = { .signatures = 77 };
	u8 data[SB_GRANT_MAX + 200] = {};
	size_t right = usual(data, 2), len;

	for (len = 0; len < sizeof(data); len++) {
		/* A copy of just that length, so that a byte too far is seen. */
		u8 *copy = malloc(len ? len : 1);

		memcpy(copy, data, len);
		assert_int_equal(sb_grant_parse(&grant, copy, len), len == right ? 0 : -EBADMSG);
		if (len < right)
			assert_int_equal(grant.signatures, 77);
		free(copy);
	}
}

static void every_flipped_bit(void **state)
{
	u8 data[SB_GRANT_MAX];
	size_t len = usual(data, 2), i;
	struct sb_grant_keys keys;

	some_keys(&keys, 2, 2, true);
	for (i = 0; i < len * 8; i++) {
		data[i / 8] ^= 1 << i % 8;
		assert_int_not_equal(check(data, len, &keys), 0);
		data[i / 8] ^= 1 << i % 8;
	}
	assert_int_equal(check(data, len, &keys), 0);
}

/* A well-signed grant whose body says what must not be said. */
static int with_body(void (*edit)(struct sb_grant_body *body))
{
	struct sb_grant_body body;
	struct sb_grant_keys keys;
	u8 data[SB_GRANT_MAX];

	sample_body(&body);
	edit(&body);
	some_keys(&keys, 2, 2, false);
	return check(data, sample_grant(data, &body, signers, 2), &keys);
}

static void nothing(struct sb_grant_body *b) {}
/* An hour in all. */
static void mostly_hold(struct sb_grant_body *b) { b->hold_s = cpu_to_be32(3599); }
static void only_hold(struct sb_grant_body *b) { b->hold_s = cpu_to_be32(3600); }
static void endless_hold(struct sb_grant_body *b) { b->hold_s = cpu_to_be32(U32_MAX); }
static void static_hold(struct sb_grant_body *b)
{
	b->hold_s = cpu_to_be32(60);
	memset(b->nonce, 0, sizeof(b->nonce));
}
static void version_2(struct sb_grant_body *b) { b->version = cpu_to_be16(2); }
static void other_magic(struct sb_grant_body *b) { b->magic[6]++; }
static void rules_in_version_1(struct sb_grant_body *b) { b->rules = 1; }
static void unknown_flag(struct sb_grant_body *b) { b->flags = 2; }
static void quarantine(struct sb_grant_body *b) { b->flags = SB_GRANT_F_QUARANTINE; }
static void duration_0(struct sb_grant_body *b) { b->duration_ms = 0; }
static void shortest(struct sb_grant_body *b) { b->duration_ms = cpu_to_be64(SB_GRANT_MIN_MS); }
static void too_short(struct sb_grant_body *b) { b->duration_ms = cpu_to_be64(SB_GRANT_MIN_MS - 1); }
static void longest(struct sb_grant_body *b) { b->duration_ms = cpu_to_be64(SB_GRANT_MAX_MS); }
static void too_long(struct sb_grant_body *b) { b->duration_ms = cpu_to_be64(SB_GRANT_MAX_MS + 1); }
static void endless(struct sb_grant_body *b) { b->duration_ms = cpu_to_be64(U64_MAX); }
static void no_address(struct sb_grant_body *b) { memset(b->overlay4, 0, 20); }
static void only_4(struct sb_grant_body *b) { memset(b->overlay6, 0, 16); }
static void only_6(struct sb_grant_body *b) { memset(b->overlay4, 0, 4); }
static void other_chain(struct sb_grant_body *b) { b->chain_id[31]++; }
static void other_holder(struct sb_grant_body *b) { b->holder[31]++; }
static void no_nonce(struct sb_grant_body *b) { memset(b->nonce, 0, sizeof(b->nonce)); }

static void what_a_body_may_say(void **state)
{
	assert_int_equal(with_body(nothing), 0);
	assert_int_equal(with_body(quarantine), 0);
	assert_int_equal(with_body(shortest), 0);
	assert_int_equal(with_body(longest), 0);
	assert_int_equal(with_body(only_4), 0);
	assert_int_equal(with_body(only_6), 0);
	assert_int_equal(with_body(mostly_hold), 0);
	assert_int_equal(with_body(only_hold), -EBADMSG);
	assert_int_equal(with_body(endless_hold), -EBADMSG);
	assert_int_equal(with_body(static_hold), -EBADMSG);
	assert_int_equal(with_body(version_2), -EBADMSG);
	assert_int_equal(with_body(other_magic), -EBADMSG);
	assert_int_equal(with_body(rules_in_version_1), -EBADMSG);
	assert_int_equal(with_body(unknown_flag), -EBADMSG);
	assert_int_equal(with_body(duration_0), -EBADMSG);
	assert_int_equal(with_body(too_short), -EBADMSG);
	assert_int_equal(with_body(too_long), -EBADMSG);
	assert_int_equal(with_body(endless), -EBADMSG);
	assert_int_equal(with_body(no_address), -EBADMSG);
	assert_int_equal(with_body(other_chain), -EXDEV);
	assert_non_null(strstr(text, "another chain"));
	assert_int_equal(with_body(other_holder), -EPERM);
	assert_non_null(strstr(text, "another holder"));
	assert_int_equal(with_body(no_nonce), -EPERM);
	assert_non_null(strstr(text, "GRANT_STATIC"));
}

/* So many of one rule, all of them there, under two signatures. */
static int in_version(u16 version, u8 n, const struct sb_grant_rule *rule)
{
	struct sb_grant_rule many[SB_GRANT_RULES_MAX + 1];
	struct sb_grant_body body;
	struct sb_grant_keys keys;
	u8 data[SB_GRANT_MAX + sizeof(many)];

	assert_in_range(n, 0, ARRAY_SIZE(many));
	sample_body(&body);
	body.version = cpu_to_be16(version);
	body.rules = n;
	for (u8 i = 0; i < n; i++)
		many[i] = *rule;
	some_keys(&keys, 2, 2, false);
	return check(data, sample_grant_with(data, &body, many, signers, 2), &keys);
}

static int with_rules(u8 n, const struct sb_grant_rule *rule)
{
	return in_version(SB_GRANT_VERSION_RULES, n, rule);
}

/* More rules than there are bytes. */
static void rules_cut_off(void **state)
{
	struct sb_grant_rule rule[SB_GRANT_RULES_MAX] = {};
	struct sb_grant_body body;
	struct sb_grant grant;
	u8 data[SB_GRANT_MAX], *copy;
	size_t len;

	sample_body(&body);
	body.version = cpu_to_be16(SB_GRANT_VERSION_RULES);
	body.rules = SB_GRANT_RULES_MAX;
	len = sample_grant_with(data, &body, rule, signers, 1);
	for (size_t cut = SB_GRANT_MIN; cut < len; cut++) {
		copy = malloc(cut);
		memcpy(copy, data, cut);
		assert_int_equal(sb_grant_parse(&grant, copy, cut), -EBADMSG);
		free(copy);
	}
}

#define RULE(proto, by, first, last)	{ proto, by, cpu_to_be16(first), cpu_to_be16(last), { 0 } }

/* Version 2: which rules there may be, all of them signed. */
static void rules(void **state)
{
	const struct {
		struct sb_grant_rule rule;
		int result;
	} one[] = {
		{ RULE(6, 3, 502, 502), 0 }, { RULE(17, 1, 1, 65535), 0 }, { RULE(1, 2, 0, 0), 0 },
		{ RULE(132, 3, 5, 6), 0 }, { RULE(136, 3, 5, 6), 0 }, { RULE(6, 3, 0, 0), 0 },
		{ RULE(0, 3, 0, 0), -EBADMSG }, { RULE(6, 0, 5, 5), -EBADMSG }, { RULE(6, 4, 5, 5), -EBADMSG },
		{ RULE(6, 7, 5, 5), -EBADMSG }, { RULE(6, 3, 6, 5), -EBADMSG }, { RULE(6, 3, 0, 5), -EBADMSG },
		{ RULE(1, 3, 5, 5), -EBADMSG }, { { 6, 3, 0, 0, { 0, 1 } }, -EBADMSG },
	};
	struct sb_grant_rule rule = RULE(6, SB_GRANT_BY_HOLDER, 502, 510);
	struct sb_grant_body body;
	struct sb_grant_keys keys;
	struct sb_grant grant;
	struct sb_ports ports;
	u8 data[SB_GRANT_MAX];
	size_t len;

	for (size_t i = 0; i < ARRAY_SIZE(one); i++)
		assert_int_equal(with_rules(1, &one[i].rule), one[i].result);
	assert_int_equal(with_rules(SB_GRANT_RULES_MAX, &rule), 0);
	assert_int_equal(with_rules(SB_GRANT_RULES_MAX + 1, &rule), -EBADMSG);
	assert_int_equal(with_rules(0, &rule), -EBADMSG);
	assert_int_equal(in_version(SB_GRANT_VERSION, 1, &rule), -EBADMSG);
	assert_int_equal(in_version(SB_GRANT_VERSION, 0, &rule), 0);
	sample_body(&body);
	body.version = cpu_to_be16(SB_GRANT_VERSION_RULES);
	body.rules = 1;
	len = sample_grant_with(data, &body, &rule, signers, 2);
	assert_int_equal(sb_grant_parse(&grant, data, len), 0);
	sb_grant_ports(&grant, &ports);
	assert_int_equal(ports.n, 1);
	assert_int_equal(ports.rule[0].by, SEALBOND_X_DIR_OUT);
	assert_int_equal(ports.rule[0].first, 502);
	assert_int_equal(ports.rule[0].last, 510);
	/* No byte of it can be another. */
	some_keys(&keys, 2, 2, false);
	for (size_t i = 0; i < len * 8; i += 7) {
		data[i / 8] ^= 1 << i % 8;
		assert_int_not_equal(check(data, len, &keys), 0);
		data[i / 8] ^= 1 << i % 8;
	}
	assert_int_equal(check(data, len, &keys), 0);
	/* Without rules everything passes, and version 1 has none. */
	len = usual(data, 2);
	assert_int_equal(sb_grant_parse(&grant, data, len), 0);
	sb_grant_ports(&grant, &ports);
	assert_int_equal(ports.n, 0);
	data[offsetof(struct sb_grant_body, rules)] = 1;
	assert_int_equal(sb_grant_parse(&grant, data, len), -EBADMSG);
}

static void a_static_one_where_allowed(void **state)
{
	struct sb_grant_body body;
	struct sb_grant_keys keys;
	u8 data[SB_GRANT_MAX];
	size_t len;

	sample_body(&body);
	no_nonce(&body);
	len = sample_grant(data, &body, signers, 1);
	some_keys(&keys, 1, 1, true);
	assert_int_equal(check(data, len, &keys), 0);
	keys.allow_static = false;
	assert_int_equal(check(data, len, &keys), -EPERM);
}

/* The signature at place i. */
static struct sb_grant_signature *at(u8 *data, u32 i)
{
	return (struct sb_grant_signature *)(data + SB_GRANT_HEAD) + i;
}

static void who_signs(void **state)
{
	u8 data[SB_GRANT_MAX], one[72];
	struct sb_grant_keys keys;
	size_t len = usual(data, 2);

	/* Sorted by now: signers 0 and 1 have signed. */
	some_keys(&keys, 3, 2, false);
	assert_int_equal(check(data, len, &keys), 0);
	some_keys(&keys, 3, 3, false);
	assert_int_equal(check(data, len, &keys), -EKEYREJECTED);
	assert_non_null(strstr(text, "too few"));
	/* Of keys that are not set a signature does not count, and does not harm. */
	some_keys(&keys, 1, 1, false);
	assert_int_equal(check(data, len, &keys), 0);
	memset(&keys, 0, sizeof(keys));
	assert_int_equal(check(data, len, &keys), -EKEYREJECTED);
	keys.count = 1;
	assert_int_equal(check(data, len, &keys), -EKEYREJECTED);

	/* One signer twice, in place of two. */
	some_keys(&keys, 2, 2, false);
	memcpy(one, at(data, 1), sizeof(one));
	memcpy(at(data, 1), at(data, 0), sizeof(one));
	assert_int_equal(check(data, len, &keys), -EBADMSG);
	/* The same two in the other order. */
	memcpy(at(data, 1), at(data, 0), sizeof(one));
	memcpy(at(data, 0), one, sizeof(one));
	assert_int_equal(check(data, len, &keys), -EBADMSG);
}

static void whose_signature(void **state)
{
	struct sb_grant_signature *a, *b;
	u8 data[SB_GRANT_MAX], digest[32];
	struct sb_grant_keys keys;
	struct sb_grant grant;
	size_t len = usual(data, 2);

	some_keys(&keys, 2, 1, false);
	a = at(data, 0);
	b = at(data, 1);
	/* One is enough; a bad one beside it is still refused. */
	b->r[5] ^= 1;
	assert_int_equal(check(data, len, &keys), -EKEYREJECTED);
	assert_non_null(strstr(text, "not valid"));
	b->r[5] ^= 1;
	assert_int_equal(check(data, len, &keys), 0);
	/* Signatures under one another's names. */
	for (size_t i = 8; i < sizeof(*a); i++) {
		u8 *x = (u8 *)a + i, *y = (u8 *)b + i, z = *x;

		*x = *y;
		*y = z;
	}
	assert_int_equal(check(data, len, &keys), -EKEYREJECTED);

	/* The other form of a good signature. */
	len = usual(data, 1);
	assert_int_equal(sb_grant_parse(&grant, data, len), 0);
	sb_grant_digest(digest, grant.body);
	sign_digest(&signers[0], digest, a->r, a->s, true);
	assert_int_equal(openssl_verify(&signers[0], digest, a->r, a->s), 1);
	assert_int_equal(check(data, len, &keys), -EKEYREJECTED);
	/* Signed without the tag. */
	sb_sha256(digest, grant.body, sizeof(*grant.body));
	sign_digest(&signers[0], digest, a->r, a->s, false);
	assert_int_equal(check(data, len, &keys), -EKEYREJECTED);
	memset(a->r, 0, 64);
	assert_int_equal(check(data, len, &keys), -EKEYREJECTED);
}

static void the_count(void **state)
{
	u8 data[SB_GRANT_MAX];
	size_t len = usual(data, 2);
	struct sb_grant grant;
	static const u32 counts[] = { 0, 1, 3, 16, 17, 0x01000002, 0x80000002, U32_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		put_unaligned_be32(counts[i], data + sizeof(struct sb_grant_body));
		assert_int_equal(sb_grant_parse(&grant, data, len), -EBADMSG);
	}
	put_unaligned_be32(0, data + sizeof(struct sb_grant_body));
	assert_int_equal(sb_grant_parse(&grant, data, SB_GRANT_HEAD), -EBADMSG);
	/* Seventeen, with room for them. */
	u8 many[SB_GRANT_MAX + sizeof(struct sb_grant_signature)] = {};

	memcpy(many, data, SB_GRANT_HEAD);
	put_unaligned_be32(17, many + sizeof(struct sb_grant_body));
	for (u32 i = 0; i < 17; i++)
		at(many, i)->key_id[7] = i;
	assert_int_equal(sb_grant_parse(&grant, many, sizeof(many)), -EBADMSG);
	put_unaligned_be32(16, many + sizeof(struct sb_grant_body));
	assert_int_equal(sb_grant_parse(&grant, many, SB_GRANT_HEAD + 16 * sizeof(struct sb_grant_signature)), 0);
}

static void keys_that_are_refused(void **state)
{
	u8 points[17 * SB_GRANT_POINT_LEN] = {}, *second = points + SB_GRANT_POINT_LEN;
	struct sb_grant_keys keys = { .count = 9 };

	for (int i = 0; i < SIGNERS; i++)
		memcpy(points + i * SB_GRANT_POINT_LEN, signers[i].point, SB_GRANT_POINT_LEN);
	assert_int_equal(sb_grant_keys_read(&keys, points, 0, 1, false, &text), -EINVAL);
	assert_int_equal(sb_grant_keys_read(&keys, points, 63, 1, false, &text), -EINVAL);
	assert_int_equal(sb_grant_keys_read(&keys, points, 65, 1, false, &text), -EINVAL);
	assert_int_equal(sb_grant_keys_read(&keys, points, sizeof(points), 1, false, &text), -EINVAL);
	assert_int_equal(sb_grant_keys_read(&keys, points, 128, 0, false, &text), -EINVAL);
	assert_int_equal(sb_grant_keys_read(&keys, points, 128, 3, false, &text), -EINVAL);
	second[0] ^= 1;
	assert_int_equal(sb_grant_keys_read(&keys, points, 128, 1, false, &text), -EINVAL);
	memcpy(second, points, SB_GRANT_POINT_LEN);
	assert_int_equal(sb_grant_keys_read(&keys, points, 128, 1, false, &text), -EEXIST);
	memset(second, 0, SB_GRANT_POINT_LEN);
	assert_int_equal(sb_grant_keys_read(&keys, points, 128, 1, false, &text), -EINVAL);
	assert_int_equal(keys.count, 9);
	assert_int_equal(sb_grant_keys_read(&keys, points, 64, 1, true, &text), 0);
	assert_int_equal(keys.count, 1);
	assert_true(keys.allow_static);
}

/* One more than a set may have, all of them good. */
static void one_key_too_many(void **state)
{
	u8 points[(SB_GRANT_KEYS_MAX + 1) * SB_GRANT_POINT_LEN];
	struct sb_grant_keys keys;
	struct signer signer;

	for (u8 i = 0; i <= SB_GRANT_KEYS_MAX; i++) {
		make_signer(&signer, 100 + i);
		memcpy(points + i * SB_GRANT_POINT_LEN, signer.point, SB_GRANT_POINT_LEN);
		free_signer(&signer);
	}
	assert_int_equal(sb_grant_keys_read(&keys, points, sizeof(points), 1, false, &text), -EINVAL);
	assert_string_equal(text, "grant keys are 1 to 16 points of 64 bytes");
	assert_int_equal(sb_grant_keys_read(&keys, points, sizeof(points) - SB_GRANT_POINT_LEN, 1, false, &text), 0);
	assert_int_equal(sb_grant_keys_read(&keys, points, 0, 1, false, &text), -EINVAL);
	assert_string_equal(text, "grant keys are 1 to 16 points of 64 bytes");
}

static struct sb_grant_requests requests;

static void number(u8 out[32], u32 n)
{
	memset(out, 0, 32);
	put_unaligned_be32(n, out);
}

/* The request that a grant with this nonce for this device answers. */
static struct sb_grant_request *asked(u32 nonce, u32 device)
{
	struct sb_grant_body body;
	struct sb_grant grant = { .body = &body };
	u8 n[32];

	sample_body(&body);
	number(n, nonce);
	memcpy(body.nonce, n, sizeof(body.nonce));
	number(body.device_id, device);
	return sb_grant_asked(&requests, &grant);
}

static void ask(u32 nonce, u32 device, u64 now)
{
	u8 n[32], d[32];

	number(n, nonce);
	number(d, device);
	sb_grant_ask(&requests, n, d, now);
}

static void requests_are_answered_once(void **state)
{
	struct sb_grant_body body;
	struct sb_grant grant = { .body = &body };

	memset(&requests, 0, sizeof(requests));
	assert_null(asked(1, 1));
	ask(1, 1, 100);
	ask(2, 2, 200);
	assert_null(asked(1, 2));
	assert_null(asked(2, 1));
	assert_null(asked(3, 1));
	assert_non_null(asked(1, 1));
	assert_int_equal(asked(1, 1)->asked_ns, 100);
	sb_grant_used(asked(1, 1));
	assert_null(asked(1, 1));
	assert_non_null(asked(2, 2));
	/* Asked anew: the older nonce is of no use any more. */
	ask(7, 2, 300);
	assert_null(asked(2, 2));
	assert_int_equal(asked(7, 2)->asked_ns, 300);
	/* A grant without nonce is no answer, also where places are free. */
	sample_body(&body);
	memset(body.nonce, 0, sizeof(body.nonce));
	memset(body.device_id, 0, sizeof(body.device_id));
	assert_null(sb_grant_asked(&requests, &grant));
	assert_null(sb_grant_asked(NULL, &grant));
}

static void the_oldest_request_makes_room(void **state)
{
	u32 i;

	memset(&requests, 0, sizeof(requests));
	for (i = 1; i <= SB_GRANT_REQUESTS; i++)
		ask(i, i, i == 7 ? 1 : 1000 + i);
	for (i = 1; i <= SB_GRANT_REQUESTS; i++)
		assert_non_null(asked(i, i));
	ask(9000, 9000, 5000);
	assert_null(asked(7, 7));
	assert_non_null(asked(9000, 9000));
	ask(9001, 9001, 5001);
	assert_null(asked(1, 1));
	assert_non_null(asked(2, 2));
	/* A place that is free comes before the oldest. */
	sb_grant_used(asked(50, 50));
	ask(9002, 9002, 5002);
	assert_non_null(asked(2, 2));
	assert_non_null(asked(9002, 9002));
}

/* Whoever keeps no requests has asked for nothing. */
static void nothing_was_asked(void **state)
{
	struct sb_grant grant;
	u8 data[SB_GRANT_MAX];

	assert_int_equal(sb_grant_parse(&grant, data, usual(data, 2)), 0);
	assert_null(sb_grant_asked(NULL, &grant));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_one),
		cmocka_unit_test(every_length),
		cmocka_unit_test(every_flipped_bit),
		cmocka_unit_test(what_a_body_may_say),
		cmocka_unit_test(rules), cmocka_unit_test(rules_cut_off),
		cmocka_unit_test(a_static_one_where_allowed),
		cmocka_unit_test(who_signs),
		cmocka_unit_test(whose_signature),
		cmocka_unit_test(the_count),
		cmocka_unit_test(keys_that_are_refused),
		cmocka_unit_test(one_key_too_many),
		cmocka_unit_test(nothing_was_asked),
		cmocka_unit_test(requests_are_answered_once),
		cmocka_unit_test(the_oldest_request_makes_room),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
