// SPDX-License-Identifier: Apache-2.0
#include "device/ledger_grant.h"

#include <errno.h>
#include <string.h>

#include "state/crypto.h"
#include "state/tpm_public.h"

/* Half of P-256's order, rounded down (FIPS 186-5, SP 800-186): a signature has its s no higher. */
static const uint8_t half_order[32] = {
	0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
};

static const uint8_t *key_of(const struct sb_grant_wanted *wanted, const uint8_t id[SB_GRANT_KEY_ID_LEN])
{
	uint8_t own[SB_GRANT_KEY_ID_LEN];

	for (size_t i = 0; i < wanted->keys_count; i++) {
		sb_grant_key_id(wanted->keys[i], own);
		if (memcmp(own, id, sizeof(own)) == 0)
			return wanted->keys[i];
	}
	return NULL;
}

static bool is_signed(const struct sb_grant_file *grant, const struct sb_grant_signature *signature,
		      const struct sb_grant_wanted *wanted)
{
	const uint8_t *key = key_of(wanted, signature->key_id);
	uint8_t message[SB_GRANT_MESSAGE_LEN], digest[64];
	struct sb_span part = { message, 0 }, hash = { digest, 0 };

	if (!key || memcmp(signature->s, half_order, sizeof(half_order)) > 0)
		return false;
	part.length = sb_grant_file_message(grant, message);
	hash.length = sb_hash(SB_TPM_ALG_SHA256, &part, 1, digest);
	return sb_ecdsa_verify(SB_TPM_CURVE_P256, (struct sb_span){ key, 32 }, (struct sb_span){ key + 32, 32 }, hash,
			       (struct sb_span){ signature->r, 32 }, (struct sb_span){ signature->s, 32 }) == 0;
}

/* With the conduit's rules, neither more nor less. */
static bool rules_are(const struct sb_grant_file *grant, const struct sb_tag_rules *rules)
{
	size_t length = grant->body.rules * sizeof(grant->rule[0]);

	return length == (rules ? rules->length : 0) && (!length || memcmp(grant->rule, rules->bytes, length) == 0);
}

static bool is_wanted(const struct sb_grant_body *body, const struct sb_grant_wanted *wanted)
{
	return memcmp(body->chain_id, wanted->chain_id, 32) == 0 && memcmp(body->holder, wanted->holder, 32) == 0 &&
	       memcmp(body->device_id, wanted->device, 32) == 0 &&
	       memcmp(body->nonce, wanted->nonce, sizeof(body->nonce)) == 0;
}

/* The merged grant of this body, or a place for it. */
static struct sb_grant_file *place_for(struct sb_grant_merge *merge, const struct sb_grant_file *grant)
{
	struct sb_grant_file *place;

	for (size_t i = 0; i < merge->count; i++)
		if (memcmp(&merge->grant[i].body, &grant->body, sizeof(grant->body)) == 0 &&
		    memcmp(merge->grant[i].rule, grant->rule, sizeof(grant->rule)) == 0)
			return &merge->grant[i];
	if (merge->count == SB_MERGE_BODIES)
		return NULL;
	place = &merge->grant[merge->count++];
	*place = *grant;
	place->count = 0;
	return place;
}

int sb_grant_merge_add(struct sb_grant_merge *merge, const struct sb_grant_wanted *wanted, const uint8_t *data,
		       size_t length)
{
	struct sb_grant_file read, *place = NULL;
	int result = -EKEYREJECTED;

	if (sb_grant_file_decode(data, length, &read) < 0)
		return -EBADMSG;
	if (!is_wanted(&read.body, wanted) || !rules_are(&read, wanted->rules))
		return -ENOMSG;
	for (size_t i = 0; i < read.count; i++) {
		const struct sb_grant_signature *signature = &read.signature[i];
		uint8_t rs[64];

		if (!is_signed(&read, signature, wanted))
			continue;
		if (!place)
			place = place_for(merge, &read);
		if (!place)
			return -ENOSPC;
		memcpy(rs, signature->r, 32);
		memcpy(rs + 32, signature->s, 32);
		/* -EEXIST: another endpoint had it, too. */
		(void)sb_grant_file_add(place, signature->key_id, rs);
		result = 0;
	}
	return result;
}

const struct sb_grant_file *sb_grant_merge_ready(const struct sb_grant_merge *merge,
						 const struct sb_grant_wanted *wanted)
{
	const struct sb_grant_file *best = NULL;

	for (size_t i = 0; i < merge->count; i++)
		if (merge->grant[i].count >= wanted->threshold &&
		    (!best || sb_grant_file_duration(&merge->grant[i]) > sb_grant_file_duration(best)))
			best = &merge->grant[i];
	return best;
}
