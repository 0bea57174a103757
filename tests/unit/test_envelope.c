// SPDX-License-Identifier: Apache-2.0
/* What the ledger keeps but cannot read: it opens with its key, in its place, unchanged, and nowhere else. */
#include "cmocka_all.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>

#include "owner/envelope.h"
#include "owner/private.h"

static uint8_t key[32], id[32] = { 4 };
static const struct sb_about about = { SB_PURPOSE_PROFILE, "chain", id, sizeof(id) };

static int setup(void **state)
{
	assert_true(sodium_init() >= 0);
	randombytes_buf(key, sizeof(key));
	return 0;
}

static int opens(const uint8_t *with, const struct sb_about *of, const uint8_t *sealed, size_t length)
{
	uint8_t *text;
	size_t text_length;
	int result = sb_envelope_open(with, of, sealed, length, &text, &text_length);

	if (result == 0)
		sb_private_release(text, text_length);
	return result;
}

static void it_opens_in_its_place_only(void **state)
{
	static const uint8_t words[] = "mode enforce";
	uint8_t *sealed, *text, other_key[32] = { 1 }, other_id[32] = { 5 };
	struct sb_about other = about;
	size_t length, text_length;

	assert_int_equal(sb_envelope_seal(key, &about, words, sizeof(words), &sealed, &length), 0);
	assert_int_equal(sb_envelope_open(key, &about, sealed, length, &text, &text_length), 0);
	assert_int_equal(text_length, sizeof(words));
	assert_memory_equal(text, words, sizeof(words));
	sb_private_release(text, text_length);
	assert_null(memmem(sealed, length, words, sizeof(words) - 1));

	assert_int_equal(opens(other_key, &about, sealed, length), -EBADMSG);
	other.id = other_id;
	assert_int_equal(opens(key, &other, sealed, length), -EBADMSG);
	other = about;
	other.chain = "other";
	assert_int_equal(opens(key, &other, sealed, length), -EBADMSG);
	other = about;
	other.purpose = SB_PURPOSE_ZONE;
	assert_int_equal(opens(key, &other, sealed, length), -EBADMSG);
	for (size_t i = 0; i < length; i += 13) {
		sealed[i] ^= 0x40;
		assert_int_equal(opens(key, &about, sealed, length), -EBADMSG);
		sealed[i] ^= 0x40;
	}
	for (size_t cut = 0; cut < length; cut += 17)
		assert_int_equal(opens(key, &about, sealed, cut), -EBADMSG);
	free(sealed);
}

/* Neither the text's length nor that it is the same text can be seen. */
static void lengths_and_repeats_tell_nothing(void **state)
{
	uint8_t text[1023] = { 0 }, *one, *two;
	size_t first, length;

	assert_int_equal(sb_envelope_seal(key, &about, text, 0, &one, &first), 0);
	for (size_t i = 1; i < sizeof(text); i += 101) {
		assert_int_equal(sb_envelope_seal(key, &about, text, i, &two, &length), 0);
		assert_int_equal(length, first);
		free(two);
	}
	assert_int_equal(sb_envelope_seal(key, &about, text, 0, &two, &length), 0);
	assert_memory_not_equal(one, two, first);
	free(one);
	free(two);
}

static void what_the_ledger_would_refuse_is_not_made(void **state)
{
	static const struct { enum sb_purpose purpose; size_t most; } limits[] = {
		{ SB_PURPOSE_ZONE, SB_ZONE_SEALED_MAX }, { SB_PURPOSE_PROFILE, SB_PROFILE_SEALED_MAX },
	};

	for (size_t i = 0; i < 2; i++) {
		const struct sb_about of = { limits[i].purpose, "chain", id, sizeof(id) };
		size_t most = limits[i].most - SB_ENVELOPE_EXTRA - 1, length, text_length;
		uint8_t *text = calloc(1, most + 1), *sealed, *opened;

		assert_int_equal(sb_envelope_seal(key, &of, text, most + 1, &sealed, &length), -EMSGSIZE);
		assert_int_equal(sb_envelope_seal(key, &of, text, most, &sealed, &length), 0);
		assert_true(length <= limits[i].most);
		assert_int_equal(sb_envelope_open(key, &of, sealed, length, &opened, &text_length), 0);
		assert_int_equal(text_length, most);
		sb_private_release(opened, text_length);
		free(sealed);
		free(text);
	}
}

static const struct sb_about endpoints = { SB_PURPOSE_ENDPOINTS, "chain", id, sizeof(id) };

static int opens_shared(const uint8_t with[32], const struct sb_about *of, const uint8_t *sealed, size_t length,
			const uint8_t *text, size_t text_length)
{
	size_t opened_length;
	uint8_t *opened;
	int result = sb_envelope_open_shared(with, of, sealed, length, &opened, &opened_length);

	if (result == 0) {
		assert_int_equal(opened_length, text_length);
		assert_memory_equal(opened, text, text_length);
		sb_private_release(opened, opened_length);
	}
	return result;
}

static void what_is_shared_opens_with_each_of_the_keys(void **state)
{
	const struct sb_about elsewhere = { SB_PURPOSE_ENDPOINTS, "chain2", id, sizeof(id) };
	uint8_t keys[SB_ENVELOPE_READERS + 1][32], text[SB_ENVELOPE_SHARED_LEN], sealed[SB_ENVELOPE_SHARED_LEN];
	const uint8_t *key_of[SB_ENVELOPE_READERS + 1];

	randombytes_buf(keys, sizeof(keys));
	randombytes_buf(text, sizeof(text));
	for (size_t i = 0; i <= SB_ENVELOPE_READERS; i++)
		key_of[i] = keys[i];
	assert_int_equal(sb_envelope_share(key_of, 0, &endpoints, text, 1, sealed), -EINVAL);
	assert_int_equal(sb_envelope_share(key_of, SB_ENVELOPE_READERS + 1, &endpoints, text, 1, sealed), -EINVAL);
	for (size_t count = 1; count <= SB_ENVELOPE_READERS; count++) {
		size_t most = 469 - 32 * count;

		assert_int_equal(sb_envelope_share(key_of, count, &endpoints, text, most + 1, sealed), -EMSGSIZE);
		for (size_t length = 0; length <= most; length += most) {
			assert_int_equal(sb_envelope_share(key_of, count, &endpoints, text, length, sealed), 0);
			for (size_t i = 0; i < count; i++) {
				assert_int_equal(opens_shared(keys[i], &endpoints, sealed, sizeof(sealed), text, length), 0);
				assert_int_equal(opens_shared(keys[i], &elsewhere, sealed, sizeof(sealed), text, length),
						 -EBADMSG);
			}
			assert_int_equal(opens_shared(keys[count], &endpoints, sealed, sizeof(sealed), text, length), -EBADMSG);
		}
	}
}

/* Each bit counts; those of another reader's slot do for that reader. */
static void what_is_shared_and_changed_does_not_open(void **state)
{
	uint8_t sealed[SB_ENVELOPE_SHARED_LEN], other[32] = { 9 };
	const uint8_t *key_of[] = { key, other };
	static const uint8_t words[] = "192.0.2.1:7454";

	assert_int_equal(sb_envelope_share(key_of, 2, &endpoints, words, sizeof(words), sealed), 0);
	for (size_t i = 0; i < sizeof(sealed); i++) {
		bool others = i >= 26 + 32 && i < 26 + 64;

		sealed[i] ^= 4;
		assert_int_equal(opens_shared(key, &endpoints, sealed, sizeof(sealed), words, sizeof(words)),
				 others ? 0 : -EBADMSG);
		sealed[i] ^= 4;
	}
	for (size_t cut = 0; cut < sizeof(sealed); cut += 17)
		assert_int_equal(opens_shared(key, &endpoints, sealed, cut, words, sizeof(words)), -EBADMSG);
}

static void a_box_opens_for_its_device(void **state)
{
	uint8_t public[32], secret[32], other[32], other_secret[32], *sealed, *text, small[32] = { 0 };
	static const uint8_t words[] = "the zone's key";
	size_t length, text_length;

	crypto_box_keypair(public, secret);
	crypto_box_keypair(other, other_secret);
	assert_int_equal(sb_sealed_box_make(public, words, sizeof(words), &sealed, &length), 0);
	assert_int_equal(length, 512 + crypto_box_SEALBYTES);
	assert_int_equal(sb_sealed_box_open(public, secret, sealed, length, &text, &text_length), 0);
	assert_int_equal(text_length, sizeof(words));
	assert_memory_equal(text, words, sizeof(words));
	sb_private_release(text, text_length);
	assert_int_equal(sb_sealed_box_open(other, other_secret, sealed, length, &text, &text_length), -EBADMSG);
	sealed[length - 1] ^= 1;
	assert_int_equal(sb_sealed_box_open(public, secret, sealed, length, &text, &text_length), -EBADMSG);
	free(sealed);
	assert_int_equal(sb_sealed_box_make(small, words, sizeof(words), &sealed, &length), -EINVAL);
}

static void private_messages_have_one_encoding(void **state)
{
	static const uint8_t unknown[] = { 0x7a, 1, 'x' }, repeated[] = { 0x0a, 1, 'a', 0x0a, 1, 'b' };
	static const uint8_t not_least[] = { 0x0a, 0x81, 0x00, 'a' };
	SealbondPrivate__ZoneContent content = SEALBOND_PRIVATE__ZONE_CONTENT__INIT, *read;
	SealbondPrivate__ZoneDevice one = SEALBOND_PRIVATE__ZONE_DEVICE__INIT, two = one;
	SealbondPrivate__ZoneDevice *devices[] = { &one, &two };
	uint8_t first[32] = { 1 }, second[32] = { 2 }, proof[64] = { 3 }, *data;
	size_t length;

	one.device = (ProtobufCBinaryData){ 32, first };
	two.device = (ProtobufCBinaryData){ 32, second };
	one.proof = two.proof = (ProtobufCBinaryData){ 64, proof };
	content.name = "cell 4";
	content.n_devices = 2;
	content.devices = devices;
	assert_int_equal(sb_zone_content_check(&content), 0);
	data = sb_private_pack(&content, &length);
	read = sb_private_unpack(&sealbond_private__zone_content__descriptor, data, length);
	assert_non_null(read);
	assert_int_equal(read->n_devices, 2);
	sb_private_free(read);
	assert_null(sb_private_unpack(&sealbond_private__zone_content__descriptor, data, length - 1));
	sb_private_release(data, length);
	two.device.data = first;
	assert_int_equal(sb_zone_content_check(&content), -EBADMSG);
	assert_null(sb_private_unpack(&sealbond_private__zone_content__descriptor, unknown, sizeof(unknown)));
	assert_null(sb_private_unpack(&sealbond_private__zone_content__descriptor, repeated, sizeof(repeated)));
	assert_null(sb_private_unpack(&sealbond_private__zone_content__descriptor, not_least, sizeof(not_least)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_opens_in_its_place_only),
		cmocka_unit_test(lengths_and_repeats_tell_nothing),
		cmocka_unit_test(what_the_ledger_would_refuse_is_not_made),
		cmocka_unit_test(what_is_shared_opens_with_each_of_the_keys),
		cmocka_unit_test(what_is_shared_and_changed_does_not_open),
		cmocka_unit_test(a_box_opens_for_its_device),
		cmocka_unit_test(private_messages_have_one_encoding),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
