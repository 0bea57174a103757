// SPDX-License-Identifier: Apache-2.0
/* A backup's form: what is read is what was put, and nothing else is a backup. */
#include <errno.h>
#include <string.h>

#include "cmocka_all.h"
#include "common/cleanup.h"
#include "common/sha256.h"
#include "ledger/backup.h"

static void put(struct sb_bytes *out, enum sb_backup_file file, const char *text)
{
	sb_backup_put_file(out, file, strlen(text));
	sb_bytes_put(out, text, strlen(text));
}

static void seal(struct sb_bytes *out)
{
	uint8_t digest[SB_SHA256_LEN];

	sb_bytes_be(out, 0, 1);
	sb_digest_of(out->data, out->length, digest);
	sb_bytes_put(out, digest, sizeof(digest));
}

static void put_needed(struct sb_bytes *out)
{
	sb_backup_put_head(out, "plant", 1800000000);
	put(out, SB_BACKUP_GENESIS, "{}");
	put(out, SB_BACKUP_STATE, "state");
	put(out, SB_BACKUP_BLOCKS, "blocks");
}

static void as_bytes(void **state)
{
	sb_cleanup(sb_bytes_free) struct sb_bytes bytes = { .data = NULL };
	struct sb_backup backup;

	put_needed(&bytes);
	put(&bytes, SB_BACKUP_CHECKPOINTS, "");
	seal(&bytes);
	assert_int_equal(sb_backup_read(bytes.data, bytes.length, &backup), 0);
	assert_string_equal(backup.chain, "plant");
	assert_int_equal(backup.made, 1800000000);
	assert_int_equal(backup.file[SB_BACKUP_BLOCKS].length, 6);
	assert_memory_equal(backup.file[SB_BACKUP_BLOCKS].data, "blocks", 6);
	assert_non_null(backup.file[SB_BACKUP_CHECKPOINTS].data);
	assert_null(backup.file[SB_BACKUP_MEMBER_KEY].data);
	for (size_t length = 0; length < bytes.length; length++)
		assert_int_equal(sb_backup_read(bytes.data, length, &backup), -EBADMSG);
	for (size_t i = 0; i < bytes.length; i++) {
		bytes.data[i] ^= 4;
		assert_int_equal(sb_backup_read(bytes.data, bytes.length, &backup), -EBADMSG);
		bytes.data[i] ^= 4;
	}
}

/* What a restore would put anywhere else than where it belongs. */
static void other_names(void **state)
{
	static const char *const names[] = { "../genesis.json", "/etc/passwd", "genesis.jsom", "lock", "validator_state.json" };
	struct sb_backup backup;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		sb_cleanup(sb_bytes_free) struct sb_bytes bytes = { .data = NULL };

		put_needed(&bytes);
		sb_bytes_be(&bytes, strlen(names[i]), 1);
		sb_bytes_put(&bytes, names[i], strlen(names[i]));
		sb_bytes_be(&bytes, 1, 8);
		sb_bytes_put(&bytes, "x", 1);
		seal(&bytes);
		assert_int_equal(sb_backup_read(bytes.data, bytes.length, &backup), -EBADMSG);
	}
}

static void twice_or_lacking(void **state)
{
	sb_cleanup(sb_bytes_free) struct sb_bytes twice = { .data = NULL }, lacks = { .data = NULL };
	struct sb_backup backup;

	put_needed(&twice);
	put(&twice, SB_BACKUP_GENESIS, "{}");
	seal(&twice);
	assert_int_equal(sb_backup_read(twice.data, twice.length, &backup), -EBADMSG);
	sb_backup_put_head(&lacks, "plant", 1800000000);
	put(&lacks, SB_BACKUP_GENESIS, "{}");
	put(&lacks, SB_BACKUP_STATE, "state");
	seal(&lacks);
	assert_int_equal(sb_backup_read(lacks.data, lacks.length, &backup), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_bytes), cmocka_unit_test(other_names), cmocka_unit_test(twice_or_lacking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
