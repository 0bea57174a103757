// SPDX-License-Identifier: Apache-2.0
/* What the tool writes is what the module reads: both sides' own code. */
#include "cmocka_all.h"

#include <errno.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/release_key.h"
#include "common/file.h"
#include "common/p256.h"
#include "common/sha256.h"
#include "seal_blob.h"
#include "seal_policy.h"

static char directory[] = "/tmp/sealbond-approval-XXXXXX";
static char private_path[64], public_path[64];

static int set_up(void **state)
{
	struct sb_error error;

	if (!mkdtemp(directory))
		return -1;
	snprintf(private_path, sizeof(private_path), "%s/release.pem", directory);
	snprintf(public_path, sizeof(public_path), "%s/release.pub.pem", directory);
	return sb_release_key_make(private_path, public_path, &error);
}

static int tear_down(void **state)
{
	unlink(private_path);
	unlink(public_path);
	return rmdir(directory);
}

static void fill(struct sb_approval_file *approval)
{
	struct sb_error error;

	memset(approval, 0, sizeof(*approval));
	approval->pcrs = 1U << 4 | 1U << 11 | 1U << 14 | 1U << 23;
	approval->cap_pcr = 14;
	memset(approval->policy_ref, 0x5a, 32);
	for (int pcr = 0; pcr < SB_PCRS; pcr++)
		if (approval->pcrs & 1U << pcr)
			memset(approval->values[pcr], pcr + 1, 32);
	if (sb_release_sign(private_path, approval, &error) < 0)
		fail_msg("%s", error.text);
}

static void the_module_reads_it(void **state)
{
	uint8_t bytes[SB_APPROVAL_MAX], ours[32], theirs[32];
	struct sb_approval_file approval;
	struct sb_approval parsed;
	size_t length;

	fill(&approval);
	length = sb_approval_file_encode(&approval, bytes);
	assert_int_equal(length, 176 + 4 * 32);
	assert_int_equal(sb_approval_parse(&parsed, bytes, length), 0);
	assert_int_equal(parsed.pcr_mask, approval.pcrs);
	assert_int_equal(parsed.cap_pcr, 14);
	assert_memory_equal(parsed.value, approval.values, sizeof(parsed.value));
	assert_memory_equal(parsed.policy_ref, approval.policy_ref, 32);
	assert_memory_equal(parsed.release_x, approval.release_key, 32);
	assert_memory_equal(parsed.release_y, approval.release_key + 32, 32);
	assert_memory_equal(parsed.sig_r, approval.signature, 32);
	assert_memory_equal(parsed.sig_s, approval.signature + 32, 32);
	sb_policy_pcr(theirs, parsed.pcr_mask, parsed.value);
	sb_approval_file_digest(&approval, ours);
	assert_memory_equal(ours, theirs, 32);
}

static void round_trip(void **state)
{
	struct sb_approval_file approval, again;
	uint8_t bytes[SB_APPROVAL_MAX];
	size_t length;

	fill(&approval);
	length = sb_approval_file_encode(&approval, bytes);
	assert_int_equal(sb_approval_file_decode(bytes, length, &again), 0);
	assert_memory_equal(&again, &approval, sizeof(again));
}

/* Both readers refuse the same: cut or lengthened, and any byte of the head that has one meaning. */
static void refused(void **state)
{
	uint8_t bytes[SB_APPROVAL_MAX + 1] = { 0 };
	struct sb_approval_file approval, again;
	struct sb_approval parsed;
	size_t length;

	fill(&approval);
	length = sb_approval_file_encode(&approval, bytes);
	for (size_t cut = 0; cut <= length + 1; cut++) {
		uint8_t *copy = malloc(cut + 1);

		memcpy(copy, bytes, cut);
		assert_int_equal(sb_approval_file_decode(copy, cut, &again), cut == length ? 0 : -EBADMSG);
		assert_int_equal(sb_approval_parse(&parsed, copy, cut), cut == length ? 0 : -EBADMSG);
		free(copy);
	}
	for (size_t at = 0; at < 16; at++) {
		for (int bit = 0; bit < 8; bit++) {
			bytes[at] ^= (uint8_t)(1 << bit);
			assert_int_equal(sb_approval_file_decode(bytes, length, &again) == 0,
					 sb_approval_parse(&parsed, bytes, length) == 0);
			bytes[at] ^= (uint8_t)(1 << bit);
		}
	}
}

/* The helper tells what the kernel will do: the same answers from the same file and values. */
static void as_the_kernel(void **state)
{
	static uint8_t now[SB_PCRS][32], other[64];
	struct sb_approval_file approval;
	uint8_t bytes[SB_APPROVAL_MAX];
	struct sb_approval parsed;

	fill(&approval);
	assert_int_equal(sb_approval_parse(&parsed, bytes, sb_approval_file_encode(&approval, bytes)), 0);
	memcpy(now, approval.values, sizeof(now));
	for (uint32_t pcr = 0; pcr < SB_PCRS; pcr++) {
		for (uint32_t valid = 0; valid < 2; valid++) {
			uint32_t mask = valid ? SB_PCR_MASK_ALL : approval.pcrs & ~(1U << pcr);

			assert_int_equal(sb_approval_file_differs(&approval, mask, now),
					 valid ? 0 : approval.pcrs & 1U << pcr);
			now[pcr][31] ^= 1;
			assert_int_equal(sb_approval_file_differs(&approval, mask, now),
					 sb_approval_differs(&parsed, mask, now));
			now[pcr][31] ^= 1;
		}
		for (unsigned int cap = 0; cap < SB_PCRS; cap++)
			assert_int_equal(sb_approval_file_usable(&approval, approval.release_key, approval.policy_ref,
								 cap, 1U << pcr),
					 sb_approval_usable(&parsed, parsed.release_x, parsed.release_y,
							    parsed.policy_ref, cap, 1U << pcr | 1U << cap));
	}
	assert_true(sb_approval_file_usable(&approval, approval.release_key, approval.policy_ref, 14,
					    approval.pcrs & ~(1U << 14)));
	assert_false(sb_approval_file_usable(&approval, other, approval.policy_ref, 14, 0));
	assert_false(sb_approval_file_usable(&approval, approval.release_key, other, 14, 0));
}

static void signatures(void **state)
{
	struct sb_approval_file approval, changed;

	fill(&approval);
	assert_int_equal(sb_release_verify(&approval), 0);
	changed = approval;
	changed.values[11][31] ^= 1;
	assert_int_equal(sb_release_verify(&changed), -EBADMSG);
	changed = approval;
	changed.policy_ref[0] ^= 1;
	assert_int_equal(sb_release_verify(&changed), -EBADMSG);
	changed = approval;
	changed.signature[40] ^= 1;
	assert_int_equal(sb_release_verify(&changed), -EBADMSG);
	changed = approval;
	changed.release_key[40] ^= 1;	/* not on the curve */
	assert_int_equal(sb_release_verify(&changed), -EBADMSG);
	memset(changed.signature, 0, 64);
	assert_int_equal(sb_release_verify(&changed), -EBADMSG);
}

static void key_files(void **state)
{
	uint8_t *before, *after;
	size_t length, after_length;
	struct sb_error error;
	struct stat status;

	assert_int_equal(stat(private_path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(sb_file_read(private_path, 4096, &before, &length), 0);
	assert_int_equal(sb_release_key_make(private_path, public_path, &error), -EEXIST);
	/* A new public name, and still the old private one: nothing may be left over. */
	char other[80];

	snprintf(other, sizeof(other), "%s/other.pub.pem", directory);
	assert_int_equal(sb_release_key_make(private_path, other, &error), -EEXIST);
	assert_int_equal(access(other, F_OK), -1);
	assert_int_equal(sb_file_read(private_path, 4096, &after, &after_length), 0);
	assert_int_equal(after_length, length);
	assert_memory_equal(after, before, length);
	free(before);
	free(after);
}

/* The helper's own reader of the public key, with no libcrypto behind it. */
static void public_key(void **state)
{
	struct sb_approval_file approval;
	uint8_t key[64], *text;
	size_t length;

	fill(&approval);
	assert_int_equal(sb_file_read(public_path, 4096, &text, &length), 0);
	assert_int_equal(sb_p256_read_pem((char *)text, length, key, key + 32), 0);
	assert_memory_equal(key, approval.release_key, 64);
	for (size_t cut = 0; cut < length; cut++)
		assert_int_equal(sb_p256_read_pem((char *)text, cut, key, key + 32), -EINVAL);
	/* The head of the DER names the curve: no bit of it may differ. */
	for (size_t at = 27; at < 27 + 35; at++) {
		text[at] ^= 1;
		assert_int_equal(sb_p256_read_pem((char *)text, length, key, key + 32), -EINVAL);
		text[at] ^= 1;
	}
	free(text);
}

static void sha256(void **state)
{
	uint8_t data[200], ours[32], theirs[32];

	for (size_t length = 0; length < sizeof(data); length++) {
		struct sb_digest hash;

		data[length] = (uint8_t)(length * 7);
		sb_digest_of(data, length, ours);
		SHA256(data, length, theirs);
		assert_memory_equal(ours, theirs, 32);
		sb_digest_init(&hash);
		sb_digest_update(&hash, data, length / 3);
		sb_digest_update(&hash, data + length / 3, length - length / 3);
		sb_digest_final(&hash, ours);
		assert_memory_equal(ours, theirs, 32);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_module_reads_it), cmocka_unit_test(round_trip), cmocka_unit_test(refused),
		cmocka_unit_test(as_the_kernel), cmocka_unit_test(signatures),
		cmocka_unit_test(key_files), cmocka_unit_test(public_key),
		cmocka_unit_test(sha256),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
