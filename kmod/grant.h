/* SPDX-License-Identifier: GPL-2.0-only */
/* Grants (sealbond/grant.h): what is read, who may sign, and which requests they answer. */
#ifndef SB_GRANT_H
#define SB_GRANT_H

#include "pure.h"

#include "sealbond/grant.h"

/* Points into the bytes that were read. */
struct sb_grant {
	const struct sb_grant_body *body;
	const struct sb_grant_signature *signature;	/* ascending by key id, each once */
	u32 signatures;
	u64 duration_ms;	/* with the hold */
	u64 hold_ms;		/* of it, at its end */
};

/* sb_grant_parse() - exactly @len bytes. Returns 0 or -EBADMSG; *grant is untouched then. */
int __must_check sb_grant_parse(struct sb_grant *grant, const void *data, size_t len);

/* sb_grant_digest() - what is signed. */
void sb_grant_digest(u8 out[32], const struct sb_grant_body *body);

/* sb_grant_is_static() - it answers no request: the nonce is zero. */
bool sb_grant_is_static(const struct sb_grant *grant);

/* The keys that may sign. All zero: none. */
struct sb_grant_keys {
	u8 threshold;		/* so many have to sign: 1 to count */
	u8 count;
	bool allow_static;	/* grants that answer no request are taken */
	u8 id[SB_GRANT_KEYS_MAX][SB_GRANT_KEY_ID_LEN];
	u8 point[SB_GRANT_KEYS_MAX][SB_GRANT_POINT_LEN];	/* in the order given */
};

/*
 * sb_grant_keys_read() - from @len bytes of points.
 * Returns 0, or with *text: -EINVAL (no whole points, none or too many, one that is not on the
 * curve, a threshold that they cannot reach), -EEXIST (a key twice), -ENOMEM. *keys is untouched
 * then.
 */
int __must_check sb_grant_keys_read(struct sb_grant_keys *keys, const u8 *points, size_t len,
				    u8 threshold, bool allow_static, const char **text);

/*
 * sb_grant_check() - does it speak to this holder, and have enough of @keys signed it?
 * Signatures of keys that are not among @keys do not count; one of a key that is must be good.
 * Whether a request of the holder's is answered is the caller's to see (sb_grant_asked()).
 * Returns 0, or with *text: -EXDEV (another chain), -EPERM (another holder, or a static one where
 * none is allowed), -EKEYREJECTED (a bad signature, too few of them), -ENOMEM.
 */
int __must_check sb_grant_check(const struct sb_grant *grant, const struct sb_grant_keys *keys,
				const u8 chain_id[32], const u8 holder[32], const char **text);

/* Requests that wait for their grant: one for a device, the oldest make room. */
#define SB_GRANT_REQUESTS	256

struct sb_grant_request {
	u8 nonce[SB_GRANT_NONCE_LEN];	/* zero: this place is free */
	u8 device_id[32];
	u64 asked_ns;			/* boot time */
};

struct sb_grant_requests {
	struct sb_grant_request at[SB_GRANT_REQUESTS];
};

/* sb_grant_ask() - remembers @nonce, random and not zero, instead of an older one for the device. */
void sb_grant_ask(struct sb_grant_requests *requests, const u8 nonce[SB_GRANT_NONCE_LEN],
		  const u8 device_id[32], u64 now_ns);

/* sb_grant_asked() - the request that it answers, for the same device, or NULL; @requests may be. */
struct sb_grant_request *sb_grant_asked(struct sb_grant_requests *requests,
					const struct sb_grant *grant);

/* sb_grant_used() - a request is answered once. */
void sb_grant_used(struct sb_grant_request *request);

/* sb_grant_end_ns() - when a grant whose time began at @from_ns ends; boot time. */
u64 sb_grant_end_ns(const struct sb_grant *grant, u64 from_ns);

#endif
