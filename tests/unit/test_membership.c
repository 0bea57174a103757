// SPDX-License-Identifier: Apache-2.0
/* Zone membership that does not show the zone: who can make a tag and a proof, and what a verifier refuses. */
#include "cmocka_all.h"

#include <errno.h>
#include <sodium.h>

#include "owner/authority.h"

static const char chain[] = "plant-north";
static uint8_t secret[32], authority[32], device[32], other_device[32];

static int setup(void **state)
{
	assert_true(sodium_init() >= 0);
	sb_zone_authority_new(secret, authority);
	memset(device, 0x11, sizeof(device));
	memset(other_device, 0x22, sizeof(other_device));
	return 0;
}

static void a_proof_holds_where_it_was_made_for(void **state)
{
	uint8_t tag[32], again[32], proof[64], second[64], wrong[32], stranger[32], stranger_authority[32];

	assert_int_equal(sb_tag_prove(secret, chain, device, tag, proof), 0);
	assert_int_equal(sb_tag_make(secret, chain, device, again), 0);
	assert_memory_equal(tag, again, 32);
	assert_int_equal(sb_tag_verify(chain, device, tag, authority, proof), 0);
	assert_int_equal(sb_tag_prove(secret, chain, device, tag, second), 0);
	assert_memory_not_equal(proof, second, 64);
	assert_int_equal(sb_tag_verify(chain, device, tag, authority, second), 0);

	/* of another chain, another device, another zone; and another tag */
	assert_int_equal(sb_tag_verify("plant-south", device, tag, authority, proof), -EKEYREJECTED);
	assert_int_equal(sb_tag_verify(chain, other_device, tag, authority, proof), -EKEYREJECTED);
	sb_zone_authority_new(stranger, stranger_authority);
	assert_int_equal(sb_tag_verify(chain, device, tag, stranger_authority, proof), -EKEYREJECTED);
	assert_int_equal(sb_tag_make(stranger, chain, device, wrong), 0);
	assert_int_equal(sb_tag_verify(chain, device, wrong, authority, proof), -EKEYREJECTED);
	/* a stranger cannot claim the zone's point for a tag of his own */
	assert_int_equal(sb_tag_prove(stranger, chain, device, wrong, proof), 0);
	assert_int_equal(sb_tag_verify(chain, device, wrong, authority, proof), -EKEYREJECTED);
}

/* Rules are in the point: a tag for some ports is none for all, or for others. */
static void rules_are_in_the_tag(void **state)
{
	struct sb_tag_rules none = { .length = 0 }, one = { { 6, 3, 1, 0xf6, 1, 0xf6 }, 8 }, two = one, other = one;
	uint8_t tag[32], plain[32], proof[64], plain_proof[64];

	two.length = 16;
	other.bytes[3]++;
	assert_int_equal(sb_tag_prove_for(secret, chain, device, &one, tag, proof), 0);
	assert_int_equal(sb_tag_prove(secret, chain, device, plain, plain_proof), 0);
	assert_memory_not_equal(tag, plain, 32);
	assert_int_equal(sb_tag_verify_for(chain, device, &one, tag, authority, proof), 0);
	assert_int_equal(sb_tag_verify(chain, device, tag, authority, proof), -EKEYREJECTED);
	assert_int_equal(sb_tag_verify_for(chain, device, &none, tag, authority, proof), -EKEYREJECTED);
	assert_int_equal(sb_tag_verify_for(chain, device, &two, tag, authority, proof), -EKEYREJECTED);
	assert_int_equal(sb_tag_verify_for(chain, device, &other, tag, authority, proof), -EKEYREJECTED);
	assert_int_equal(sb_tag_verify_for(chain, other_device, &one, tag, authority, proof), -EKEYREJECTED);
	assert_int_equal(sb_tag_verify_for(chain, device, &none, plain, authority, plain_proof), 0);
	assert_int_equal(sb_tag_verify_for(chain, device, &one, plain, authority, plain_proof), -EKEYREJECTED);
}

static void every_changed_bit_is_seen(void **state)
{
	uint8_t tag[32], proof[64];

	assert_int_equal(sb_tag_prove(secret, chain, device, tag, proof), 0);
	for (unsigned int bit = 0; bit < 512; bit += 3) {
		proof[bit / 8] ^= 1 << bit % 8;
		assert_int_not_equal(sb_tag_verify(chain, device, tag, authority, proof), 0);
		proof[bit / 8] ^= 1 << bit % 8;
	}
	assert_int_equal(sb_tag_verify(chain, device, tag, authority, proof), 0);
}

/* s + order is the same number in another encoding, which would make a second proof of the first. */
static void one_encoding_of_each_value(void **state)
{
	static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2,
					   0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };
	uint8_t tag[32], proof[64], changed[64], zero[32] = { 0 }, odd[32];
	unsigned int carry = 0;

	assert_int_equal(sb_tag_prove(secret, chain, device, tag, proof), 0);
	memcpy(changed, proof, sizeof(changed));
	for (unsigned int i = 0; i < 32; i++) {
		carry += proof[32 + i] + order[i];
		changed[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_int_equal(sb_tag_verify(chain, device, tag, authority, changed), -EBADMSG);
	memset(changed + 32, 0, 32);
	assert_int_equal(sb_tag_verify(chain, device, tag, authority, changed), -EBADMSG);

	/* the identity as tag and authority would prove anything */
	assert_int_equal(sb_tag_valid(zero), -EBADMSG);
	assert_int_equal(sb_tag_verify(chain, device, zero, zero, proof), -EBADMSG);
	/* a negative element: not an encoding (RFC 9496, 4.3.1) */
	memcpy(odd, tag, 32);
	odd[0] |= 1;
	assert_int_equal(sb_tag_valid(odd), -EBADMSG);
	memset(odd, 0xff, sizeof(odd));
	assert_int_equal(sb_tag_verify(chain, device, odd, authority, proof), -EBADMSG);
	assert_int_equal(sb_tag_verify(chain, device, tag, odd, proof), -EBADMSG);
	assert_int_equal(sb_tag_valid(tag), 0);
}

static void secrets_out_of_range_are_refused(void **state)
{
	uint8_t bad[32] = { 0 }, point[32], proof[64];

	assert_int_equal(sb_zone_authority(bad, point), -EBADMSG);
	memset(bad, 0xff, sizeof(bad));
	assert_int_equal(sb_zone_authority(bad, point), -EBADMSG);
	assert_int_equal(sb_tag_make(bad, chain, device, point), -EBADMSG);
	assert_int_equal(sb_tag_prove(bad, chain, device, point, proof), -EBADMSG);
	assert_int_equal(sb_zone_authority(secret, point), 0);
	assert_memory_equal(point, authority, 32);
}

/* Two devices of one zone have nothing in common that somebody without its secret could compare. */
static void tags_of_one_zone_differ(void **state)
{
	uint8_t one[32], two[32], r1[32], r2[32], difference[32], r_difference[32];

	assert_int_equal(sb_tag_make(secret, chain, device, one), 0);
	assert_int_equal(sb_tag_make(secret, chain, other_device, two), 0);
	assert_memory_not_equal(one, two, 32);
	sb_tag_point(chain, device, r1);
	sb_tag_point(chain, other_device, r2);
	assert_memory_not_equal(r1, r2, 32);
	assert_int_equal(crypto_core_ristretto255_sub(difference, one, two), 0);
	assert_int_equal(crypto_core_ristretto255_sub(r_difference, r1, r2), 0);
	assert_memory_not_equal(difference, r_difference, 32);
	/* the same device on another chain, too */
	assert_int_equal(sb_tag_make(secret, "plant-south", device, two), 0);
	assert_memory_not_equal(one, two, 32);
}

/* The mapping and the hash are part of the format: these bytes may not change. */
static void known_bytes(void **state)
{
	static const uint8_t one[32] = { 1 };
	uint8_t point[32], tag[32], id[32];
	char hex[65];

	for (unsigned int i = 0; i < 32; i++)
		id[i] = (uint8_t)i;
	sb_tag_point("test", id, point);
	sodium_bin2hex(hex, sizeof(hex), point, 32);
	assert_string_equal(hex, "204275e0936b19275b54b19d0bd1b76d5925e3df16b68578f4d3d5971bd1d60f");
	assert_int_equal(sb_tag_make(one, "test", id, tag), 0);
	assert_memory_equal(tag, point, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_proof_holds_where_it_was_made_for),
		cmocka_unit_test(rules_are_in_the_tag), cmocka_unit_test(every_changed_bit_is_seen),
		cmocka_unit_test(one_encoding_of_each_value),
		cmocka_unit_test(secrets_out_of_range_are_refused),
		cmocka_unit_test(tags_of_one_zone_differ),
		cmocka_unit_test(known_bytes),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
