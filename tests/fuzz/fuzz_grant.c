// SPDX-License-Identifier: Apache-2.0
/*
 * Arbitrary bytes as a grant. The first byte chooses: as they are, or as edits (position, value)
 * of a grant that two keys have signed. No edit makes another grant that is taken.
 */
#include "../unit/grant_files.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static u8 good[SB_GRANT_MAX];
static size_t good_len;
static struct sb_grant_keys keys;
static struct sb_grant_requests requests;

static void set_up(void)
{
	u8 points[2 * SB_GRANT_POINT_LEN];
	struct signer signers[2];
	struct sb_grant_body body;
	const char *text;

	for (int i = 0; i < 2; i++)
		make_signer(&signers[i], i);
	sample_body(&body);
	good_len = sample_grant(good, &body, signers, 2);
	for (int i = 0; i < 2; i++) {
		memcpy(points + i * SB_GRANT_POINT_LEN, signers[i].point, SB_GRANT_POINT_LEN);
		free_signer(&signers[i]);
	}
	OPENSSL_MUST(!sb_grant_keys_read(&keys, points, sizeof(points), 2, true, &text));
}

static void check(const u8 *data, size_t len)
{
	/* Of just that length on the heap, so that a byte too far is seen. */
	u8 *copy = malloc(len ? len : 1);
	const char *text = NULL;
	struct sb_grant grant;
	struct sb_ports ports;
	int err;

	OPENSSL_MUST(copy);
	if (len)
		memcpy(copy, data, len);
	if (!sb_grant_parse(&grant, copy, len)) {
		if (grant.signatures > SB_GRANT_KEYS_MAX || grant.duration_ms > SB_GRANT_MAX_MS ||
		    len != SB_GRANT_HEAD + grant.body->rules * sizeof(*grant.rule) +
				   grant.signatures * sizeof(*grant.signature))
			abort();
		sb_grant_ports(&grant, &ports);
		if (ports.n > SB_PORT_RULES)
			abort();
		sb_grant_ask(&requests, grant.body->key, grant.body->device_id, len);
		(void)sb_grant_asked(&requests, &grant);
		err = sb_grant_check(&grant, &keys, grant.body->chain_id, grant.body->holder, &text);
		if (err ? !text : len != good_len || memcmp(copy, good, len))
			abort();
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const char *text = NULL;
	struct sb_grant_keys other;
	u8 file[SB_GRANT_MAX];

	if (!keys.count)
		set_up();
	if (!size)
		return 0;
	switch (data[0] & 3) {
	case 0:
		check(data + 1, size - 1);
		break;
	case 1:
		if (size > 1 && sb_grant_keys_read(&other, data + 2, size - 2, data[1], false, &text) && !text)
			abort();
		break;
	default:
		memcpy(file, good, good_len);
		for (data++, size--; size >= 3; data += 3, size -= 3)
			file[get_unaligned_be16(data) % good_len] = data[2];
		check(file, good_len);
	}
	return 0;
}
