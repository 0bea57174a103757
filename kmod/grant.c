// SPDX-License-Identifier: GPL-2.0-only
#include "grant.h"

#include "crypto.h"
#include "p256.h"

#define NS_PER_MS	1000000ULL
#define MS_PER_S	1000ULL

static bool all_zero(const void *p, size_t n)
{
	return !memchr_inv(p, 0, n);
}

static u64 hold_ms(const struct sb_grant_body *b)
{
	return (u64)be32_to_cpu(b->hold_s) * MS_PER_S;
}

static bool body_valid(const struct sb_grant_body *b)
{
	u64 duration = be64_to_cpu(b->duration_ms);

	return !memcmp(b->magic, SB_GRANT_MAGIC, sizeof(b->magic)) &&
	       be16_to_cpu(b->version) == SB_GRANT_VERSION &&
	       !(b->flags & ~SB_GRANT_F_ALL) && !b->reserved &&
	       duration >= SB_GRANT_MIN_MS + hold_ms(b) && duration <= SB_GRANT_MAX_MS &&
	       (!b->hold_s || !all_zero(b->nonce, sizeof(b->nonce))) &&
	       (!all_zero(b->overlay4, sizeof(b->overlay4)) ||
		!all_zero(b->overlay6, sizeof(b->overlay6)));
}

static bool ascending(const struct sb_grant_signature *signature, u32 n)
{
	u32 i;

	for (i = 1; i < n; i++)
		if (memcmp(signature[i - 1].key_id, signature[i].key_id,
			   SB_GRANT_KEY_ID_LEN) >= 0)
			return false;
	return true;
}

int sb_grant_parse(struct sb_grant *grant, const void *data, size_t len)
{
	const struct sb_grant_body *body = data;
	const struct sb_grant_signature *signature;
	const struct sb_grant_count *count;
	u32 n;

	if (len < SB_GRANT_MIN || len > SB_GRANT_MAX)
		return -EBADMSG;
	count = (const void *)(body + 1);
	signature = (const void *)(count + 1);
	n = be32_to_cpu(count->signatures);
	if (!n || n > SB_GRANT_KEYS_MAX || len != SB_GRANT_HEAD + n * sizeof(*signature))
		return -EBADMSG;
	if (!body_valid(body) || !ascending(signature, n))
		return -EBADMSG;
	*grant = (struct sb_grant) {
		.body = body,
		.signature = signature,
		.signatures = n,
		.duration_ms = be64_to_cpu(body->duration_ms),
		.hold_ms = hold_ms(body),
	};
	return 0;
}

void sb_grant_digest(u8 out[32], const struct sb_grant_body *body)
{
	struct sb_sha256 sha;

	sb_sha256_init(&sha);
	sb_sha256_update(&sha, SB_GRANT_TAG, sizeof(SB_GRANT_TAG));
	sb_sha256_update(&sha, body, sizeof(*body));
	sb_sha256_final(&sha, out);
}

bool sb_grant_is_static(const struct sb_grant *grant)
{
	return all_zero(grant->body->nonce, sizeof(grant->body->nonce));
}

static int find_key(const struct sb_grant_keys *keys, const u8 id[SB_GRANT_KEY_ID_LEN])
{
	int i;

	for (i = 0; i < keys->count; i++)
		if (!memcmp(keys->id[i], id, SB_GRANT_KEY_ID_LEN))
			return i;
	return -1;
}

static int add_key(struct sb_grant_keys *keys, const u8 *point, const char **text)
{
	u8 digest[SB_HASH_LEN];
	int err = sb_p256_check_point(point);

	if (err) {
		*text = "a grant key is not a point of P-256";
		return err;
	}
	sb_sha256(digest, point, SB_GRANT_POINT_LEN);
	/* By id: two keys that happen to share one could not be told apart. */
	if (find_key(keys, digest) >= 0) {
		*text = "a grant key is there twice";
		return -EEXIST;
	}
	memcpy(keys->id[keys->count], digest, SB_GRANT_KEY_ID_LEN);
	memcpy(keys->point[keys->count], point, SB_GRANT_POINT_LEN);
	keys->count++;
	return 0;
}

int sb_grant_keys_read(struct sb_grant_keys *keys, const u8 *points, size_t len, u8 threshold,
		       bool allow_static, const char **text)
{
	struct sb_grant_keys read = { .threshold = threshold, .allow_static = allow_static };
	size_t n = len / SB_GRANT_POINT_LEN, i;
	int err = 0;

	if (!n || n > SB_GRANT_KEYS_MAX || len % SB_GRANT_POINT_LEN) {
		*text = "grant keys are 1 to 16 points of 64 bytes";
		return -EINVAL;
	}
	if (!threshold || threshold > n) {
		*text = "the threshold of grant keys is 1 to their number";
		return -EINVAL;
	}
	for (i = 0; i < n && !err; i++)
		err = add_key(&read, points + i * SB_GRANT_POINT_LEN, text);
	if (!err)
		*keys = read;
	return err;
}

static int check_signatures(const struct sb_grant *grant, const struct sb_grant_keys *keys,
			    const char **text)
{
	unsigned int good = 0;
	u8 digest[SB_HASH_LEN];
	int err, key;
	u32 i;

	sb_grant_digest(digest, grant->body);
	/* The parser has seen that no key is there twice, so that each counts once. */
	for (i = 0; i < grant->signatures; i++) {
		const struct sb_grant_signature *signature = &grant->signature[i];

		key = find_key(keys, signature->key_id);
		if (key < 0)
			continue;
		err = sb_p256_verify(keys->point[key], digest, signature->r, signature->s);
		if (err) {
			*text = "a signature of the grant is not valid";
			return err == -ENOMEM ? err : -EKEYREJECTED;
		}
		good++;
	}
	if (!keys->threshold || good < keys->threshold) {
		*text = "too few of the grant keys have signed the grant";
		return -EKEYREJECTED;
	}
	return 0;
}

int sb_grant_check(const struct sb_grant *grant, const struct sb_grant_keys *keys,
		   const u8 chain_id[32], const u8 holder[32], const char **text)
{
	const struct sb_grant_body *body = grant->body;

	/* All public: plain comparison is enough. */
	if (memcmp(body->chain_id, chain_id, sizeof(body->chain_id))) {
		*text = "the grant is for another chain";
		return -EXDEV;
	}
	if (memcmp(body->holder, holder, sizeof(body->holder))) {
		*text = "the grant is for another holder";
		return -EPERM;
	}
	if (sb_grant_is_static(grant) && !keys->allow_static) {
		*text = "the grant answers no request, and the grant keys were set without GRANT_STATIC";
		return -EPERM;
	}
	return check_signatures(grant, keys, text);
}

static bool is_free(const struct sb_grant_request *request)
{
	return all_zero(request->nonce, sizeof(request->nonce));
}

void sb_grant_ask(struct sb_grant_requests *requests, const u8 nonce[SB_GRANT_NONCE_LEN],
		  const u8 device_id[32], u64 now_ns)
{
	struct sb_grant_request *best = &requests->at[0];
	size_t i;

	for (i = 0; i < SB_GRANT_REQUESTS; i++) {
		struct sb_grant_request *at = &requests->at[i];

		if (!is_free(at) && !memcmp(at->device_id, device_id, sizeof(at->device_id))) {
			best = at;
			break;
		}
		if (!is_free(best) && (is_free(at) || at->asked_ns < best->asked_ns))
			best = at;
	}
	memcpy(best->nonce, nonce, sizeof(best->nonce));
	memcpy(best->device_id, device_id, sizeof(best->device_id));
	best->asked_ns = now_ns;
}

struct sb_grant_request *sb_grant_asked(struct sb_grant_requests *requests,
					const struct sb_grant *grant)
{
	size_t i;

	if (!requests || sb_grant_is_static(grant))
		return NULL;
	for (i = 0; i < SB_GRANT_REQUESTS; i++) {
		struct sb_grant_request *at = &requests->at[i];

		if (!memcmp(at->nonce, grant->body->nonce, sizeof(at->nonce)) &&
		    !memcmp(at->device_id, grant->body->device_id, sizeof(at->device_id)))
			return at;
	}
	return NULL;
}

void sb_grant_used(struct sb_grant_request *request)
{
	memset(request, 0, sizeof(*request));
}

u64 sb_grant_end_ns(const struct sb_grant *grant, u64 from_ns)
{
	/* The duration is bounded: less than 2^52 is added. */
	return from_ns + grant->duration_ms * NS_PER_MS;
}
