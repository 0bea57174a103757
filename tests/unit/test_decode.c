// SPDX-License-Identifier: Apache-2.0
/* Answers of the module with right, wrong and random attributes: no length is believed. */
#include "cmocka_all.h"

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "kernel/decode.h"

static void peer(void **state)
{
	struct nl_msg *message = nlmsg_alloc();
	struct nlattr *a[SEALBOND_A_MAX + 1] = { NULL };
	const struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_port = htons(7454) };
	struct sb_peer_status peer;
	uint8_t id[32];

	memset(id, 0xab, sizeof(id));
	nla_put(message, SEALBOND_A_DEVICE_ID, sizeof(id), id);
	nla_put_u64(message, SEALBOND_A_LEASE_MS, 1ULL << 40);
	nla_put_u64(message, SEALBOND_A_HOLD_MS, 1ULL << 39);
	nla_put(message, SEALBOND_A_OVERLAY4, 4, id);
	nla_put(message, SEALBOND_A_OVERLAY6, 15, id);
	nla_put(message, SEALBOND_A_ENDPOINT, sizeof(in4), &in4);
	nla_put_u8(message, SEALBOND_A_BOND_STATE, SEALBOND_BOND_LIVE);
	nla_put_u8(message, SEALBOND_A_ENCAP, 1);
	nla_put_u32(message, SEALBOND_A_MTU, 1400);
	nla_parse(a, SEALBOND_A_MAX, nlmsg_data(nlmsg_hdr(message)), nlmsg_datalen(nlmsg_hdr(message)), NULL);
	sb_decode_peer(a, &peer);
	assert_memory_equal(peer.device_id, id, 32);
	assert_int_equal(peer.lease_ms, 1ULL << 40);
	assert_int_equal(peer.hold_ms, 1ULL << 39);
	assert_int_equal(peer.overlay4.family, AF_INET);
	assert_int_equal(peer.overlay6.family, 0);
	assert_int_equal(ntohs(peer.endpoint.in4.sin_port), 7454);
	assert_int_equal(peer.bond, SEALBOND_BOND_LIVE);
	assert_true(peer.encap);
	assert_int_equal(peer.mtu, 1400);
	assert_false(peer.had_handshake);
	nlmsg_free(message);
}

static void nothing(void **state)
{
	struct nlattr *a[SEALBOND_A_MAX + 1] = { NULL };
	struct sb_status status;
	struct sb_key_status key;
	struct sb_event event;
	struct sb_drop drop;

	sb_decode_status(a, &status);
	assert_false(status.configured);
	assert_int_equal(sb_decode_key(a, &key), 0);
	assert_null(key.blob[0]);
	sb_decode_event(a, &event);
	assert_false(event.has_device_id);
	sb_decode_drop(NULL, &drop);
	assert_int_equal(drop.proto, -1);
}

/* A string without its NUL, longer than the room. */
static void texts(void **state)
{
	struct nl_msg *message = nlmsg_alloc();
	struct nlattr *a[SEALBOND_A_MAX + 1] = { NULL };
	struct sb_status status;
	char version[100];

	memset(version, 'v', sizeof(version));
	nla_put(message, SEALBOND_A_VERSION, sizeof(version), version);
	nla_parse(a, SEALBOND_A_MAX, nlmsg_data(nlmsg_hdr(message)), nlmsg_datalen(nlmsg_hdr(message)), NULL);
	sb_decode_status(a, &status);
	assert_int_equal(strlen(status.version), sizeof(status.version) - 1);
	nlmsg_free(message);
}

static void candidate(void **state)
{
	struct nl_msg *message = nlmsg_alloc();
	struct nlattr *a[SEALBOND_A_MAX + 1] = { NULL };
	struct sb_key_status key;
	struct sb_status status;
	uint8_t public[32], hash[32];

	memset(public, 7, sizeof(public));
	memset(hash, 9, sizeof(hash));
	nla_put(message, SEALBOND_A_KEY_CANDIDATE, sizeof(public), public);
	nla_put(message, SEALBOND_A_BLOB_CANDIDATE, 2, "xy");
	nla_put(message, SEALBOND_A_CONFIG_HASH, sizeof(hash), hash);
	nla_parse(a, SEALBOND_A_MAX, nlmsg_data(nlmsg_hdr(message)), nlmsg_datalen(nlmsg_hdr(message)), NULL);
	assert_int_equal(sb_decode_key(a, &key), 0);
	sb_decode_status(a, &status);
	nlmsg_free(message);
	assert_true(key.has_candidate && status.key.has_candidate && status.has_config_hash);
	assert_false(key.has_current);
	assert_memory_equal(key.candidate, public, sizeof(public));
	assert_memory_equal(status.config_hash, hash, sizeof(hash));
	assert_int_equal(key.blob_length[SB_PLACE_CANDIDATE], 2);
	assert_memory_equal(key.blob[SB_PLACE_CANDIDATE], "xy", 2);
	sb_key_status_free(&key);
	assert_null(key.blob[SB_PLACE_CANDIDATE]);
}

static void blobs(void **state)
{
	struct nl_msg *message = nlmsg_alloc();
	struct nlattr *a[SEALBOND_A_MAX + 1] = { NULL };
	struct sb_key_status key;
	uint8_t values[24 * 32] = { 1 };

	nla_put(message, SEALBOND_A_BLOB_NEXT, 3, "abc");
	nla_put(message, SEALBOND_A_BLOB_CURRENT, 0, "");
	nla_put(message, SEALBOND_A_PCR_VALUES, sizeof(values) - 1, values);
	nla_put_u32(message, SEALBOND_A_PCR_VALID, 0xffffff);
	nla_parse(a, SEALBOND_A_MAX, nlmsg_data(nlmsg_hdr(message)), nlmsg_datalen(nlmsg_hdr(message)), NULL);
	assert_int_equal(sb_decode_key(a, &key), 0);
	nlmsg_free(message);
	assert_null(key.blob[0]);
	assert_int_equal(key.blob_length[1], 3);
	assert_memory_equal(key.blob[1], "abc", 3);
	/* Values of the wrong length are no values. */
	assert_int_equal(key.pcr_valid, 0);
	sb_key_status_free(&key);
}

/* After a rotation: no next key, an old one. */
static void rotated(void **state)
{
	struct nl_msg *message = nlmsg_alloc();
	struct nlattr *a[SEALBOND_A_MAX + 1] = { NULL };
	const uint8_t old[SEALBOND_KEY_LEN] = { 9 };
	struct sb_key_status key;

	nla_put(message, SEALBOND_A_KEY_CURRENT, sizeof(old), old);
	nla_put(message, SEALBOND_A_KEY_OLD, sizeof(old), old);
	nla_put_u64(message, SEALBOND_A_KEY_OLD_MS, 86400000);
	nla_parse(a, SEALBOND_A_MAX, nlmsg_data(nlmsg_hdr(message)), nlmsg_datalen(nlmsg_hdr(message)), NULL);
	assert_int_equal(sb_decode_key(a, &key), 0);
	nlmsg_free(message);
	assert_true(key.has_current && key.has_old && !key.has_next);
	assert_memory_equal(key.old, old, sizeof(old));
	assert_int_equal(key.old_ms, 86400000);
}

/* The same inputs each time. */
static uint32_t random_state = 1;

static uint32_t random_number(uint32_t below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % below;
}

static void random_attributes(void **state)
{
	for (int round = 0; round < 20000; round++) {
		/* Exactly as long as what is in it: the sanitizer sees one byte too many. */
		size_t length = 4 * random_number(40);
		uint8_t *bytes = malloc(length + 1);
		struct nlattr *a[SEALBOND_A_MAX + 1];
		struct sb_exception_status exception;
		struct sb_key_status key;
		struct sb_peer_status peer;
		struct sb_status status;
		struct sb_event event;

		for (size_t i = 0; i < length; i++)
			bytes[i] = (uint8_t)random_number(i % 4 == 1 || i % 4 == 3 ? 1 : 70);
		nla_parse(a, SEALBOND_A_MAX, (struct nlattr *)bytes, (int)length, NULL);
		sb_decode_status(a, &status);
		sb_decode_peer(a, &peer);
		sb_decode_event(a, &event);
		sb_decode_exception(a[SEALBOND_A_EXCEPTION], &exception);
		if (sb_decode_key(a, &key) == 0)
			sb_key_status_free(&key);
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peer), cmocka_unit_test(nothing), cmocka_unit_test(texts), cmocka_unit_test(blobs),
		cmocka_unit_test(rotated),
		cmocka_unit_test(candidate),
		cmocka_unit_test(random_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
