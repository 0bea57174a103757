// SPDX-License-Identifier: Apache-2.0
/* Owners' keys for each device, signatures, and the files that people keep their keys in. */
#include "cmocka_all.h"

#include <errno.h>
#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "owner/key_file.h"

static char directory[] = "/tmp/sealbond-keys-XXXXXX";
static char path[64];

static int setup(void **state)
{
	assert_true(sodium_init() >= 0);
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/key", directory);
	return 0;
}

static int teardown(void **state)
{
	unlink(path);
	return rmdir(directory);
}

static int verifies(const uint8_t key[32], const uint8_t digest[32], const uint8_t signature[64])
{
	secp256k1_xonly_pubkey public;

	return secp256k1_xonly_pubkey_parse(secp256k1_context_static, &public, key) &&
	       secp256k1_schnorrsig_verify(secp256k1_context_static, signature, digest, 32, &public);
}

/* Of either parity of the master's point: what the device derives is what the owner signs with. */
static void device_and_owner_derive_the_same_key(void **state)
{
	uint8_t secret[32], master[32], device[32], from_public[32], child[32], from_secret[32], digest[32], made[64];

	memset(digest, 0x5a, sizeof(digest));
	for (unsigned int i = 0; i < 32; i++) {
		assert_int_equal(sb_person_key_new(secret, master), 0);
		memset(device, (int)i, sizeof(device));
		assert_int_equal(sb_owner_key(master, "chain", device, from_public), 0);
		assert_int_equal(sb_owner_secret(secret, "chain", device, child), 0);
		assert_int_equal(sb_person_key(child, from_secret), 0);
		assert_memory_equal(from_public, from_secret, 32);
		assert_int_equal(sb_person_sign(child, digest, made), 0);
		assert_true(verifies(from_public, digest, made));
		assert_false(verifies(master, digest, made));
	}
}

static void keys_of_one_owner_differ(void **state)
{
	uint8_t secret[32], master[32], device[32] = { 1 }, other[32] = { 2 }, a[32], b[32], c[32];

	assert_int_equal(sb_person_key_new(secret, master), 0);
	assert_int_equal(sb_owner_key(master, "chain", device, a), 0);
	assert_int_equal(sb_owner_key(master, "chain", other, b), 0);
	assert_int_equal(sb_owner_key(master, "other", device, c), 0);
	assert_memory_not_equal(a, b, 32);
	assert_memory_not_equal(a, c, 32);
	assert_memory_not_equal(a, master, 32);
	memset(master, 0xff, 32);	/* no x coordinate */
	assert_int_equal(sb_owner_key(master, "chain", device, a), -EBADMSG);
}

static void signatures_are_fresh_and_hold(void **state)
{
	uint8_t secret[32] = { 0 }, key[32], digest[32] = { 7 }, one[64], two[64];

	assert_int_equal(sb_person_key(secret, key), -EBADMSG);
	assert_int_equal(sb_person_sign(secret, digest, one), -EBADMSG);
	assert_int_equal(sb_person_key_new(secret, key), 0);
	assert_int_equal(sb_person_sign(secret, digest, one), 0);
	assert_int_equal(sb_person_sign(secret, digest, two), 0);
	assert_memory_not_equal(one, two, 64);
	assert_true(verifies(key, digest, one) && verifies(key, digest, two));
	digest[31] ^= 1;
	assert_false(verifies(key, digest, one));
}

static int answer(void *context, const char *name, char room[SB_PASSPHRASE_MAX])
{
	strcpy(room, context);
	return (int)strlen(room);
}

static void a_file_comes_back(void **state)
{
	static const enum sb_key_kind kinds[] = { SB_KEY_MEMBER, SB_KEY_OWNER, SB_KEY_ENROLLER, SB_KEY_ZONE };
	const struct sb_passphrase right = { answer, "correct horse" }, wrong = { answer, "correct hors" };
	struct sb_key_file made, read, public;
	struct sb_error error;
	struct stat status;

	for (unsigned int i = 0; i < 8; i++) {
		const char *words = i & 1 ? "correct horse" : NULL;

		assert_int_equal(sb_key_file_new(&made, kinds[i / 2], "plant north"), 0);
		unlink(path);
		assert_int_equal(sb_key_file_write(path, &made, words, false, &error), 0);
		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_mode & 0777, 0600);
		memset(&read, 0, sizeof(read));
		assert_int_equal(sb_key_file_read(path, &right, &read, &error), 0);
		assert_memory_equal(&read, &made, sizeof(made));
		assert_int_equal(sb_key_file_public(path, &public, &error), 0);
		assert_memory_equal(public.key, made.key, 32);
		assert_true(sodium_is_zero(public.secret, 32));
		/* a key is never written over unless that is said */
		assert_int_equal(sb_key_file_write(path, &made, words, false, &error), -EEXIST);
		if (words) {
			assert_int_equal(sb_key_file_read(path, &wrong, &read, &error), -EKEYREJECTED);
			assert_int_equal(sb_key_file_read(path, NULL, &read, &error), -ENOKEY);
			assert_non_null(strstr(error.text, "passphrase"));
		}
	}
	assert_int_equal(sb_key_file_new(&made, SB_KEY_OWNER, "two\nlines"), -EINVAL);
}

static void what_others_may_read_is_refused(void **state)
{
	struct sb_key_file made, read;
	struct sb_error error;

	assert_int_equal(sb_key_file_new(&made, SB_KEY_OWNER, ""), 0);
	assert_int_equal(sb_key_file_write(path, &made, NULL, true, &error), 0);
	chmod(path, 0640);
	assert_int_equal(sb_key_file_read(path, NULL, &read, &error), -EACCES);
	assert_non_null(strstr(error.text, "chmod 600"));
	chmod(path, 0600);
	assert_int_equal(sb_key_file_read(path, NULL, &read, &error), 0);
}

static void every_changed_byte_is_seen(void **state)
{
	struct sb_key_file made, read;
	struct sb_error error;
	uint8_t *text;
	size_t length;

	assert_int_equal(sb_key_file_new(&made, SB_KEY_ZONE, "cell 4"), 0);
	assert_int_equal(sb_key_file_write(path, &made, NULL, true, &error), 0);
	assert_int_equal(sb_file_read(path, 4096, &text, &length), 0);
	for (size_t i = 0; i < length; i++) {
		text[i] ^= 1;
		assert_int_equal(sb_file_write(path, text, length, 0600), 0);
		assert_int_equal(sb_key_file_read(path, NULL, &read, &error), -EBADMSG);
		text[i] ^= 1;
	}
	for (size_t cut = 0; cut < length; cut += 7) {
		assert_int_equal(sb_file_write(path, text, cut, 0600), 0);
		assert_int_equal(sb_key_file_read(path, NULL, &read, &error), -EBADMSG);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_and_owner_derive_the_same_key),
		cmocka_unit_test(keys_of_one_owner_differ),
		cmocka_unit_test(signatures_are_fresh_and_hold),
		cmocka_unit_test(a_file_comes_back),
		cmocka_unit_test(what_others_may_read_is_refused),
		cmocka_unit_test(every_changed_byte_is_seen),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
