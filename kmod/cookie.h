/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mac1, mac2, cookies and the rate limits of what is answered before a peer
 * is proven: docs/protocol.md, "Silence and floods". Pure; fixed memory; the
 * caller serialises calls per struct. now: boot-time nanoseconds.
 */
#ifndef SB_COOKIE_H
#define SB_COOKIE_H

#include <sealbond/limits.h>
#include "message.h"

/* Key of mac1 for messages to the owner of pub. */
void sb_mac1_key(u8 key[SB_KEY_LEN], const u8 pub[SB_KEY_LEN]);

/*
 * Fills mac1 and mac2 of a message whose macs are its last 32 bytes.
 * cookie: SB_MAC_LEN bytes, or NULL for a mac2 of zeros.
 */
void sb_macs_fill(u8 *msg, size_t len, const u8 mac1_key[SB_KEY_LEN],
		  const u8 *cookie);

/* Constant time. */
bool sb_mac1_ok(const u8 *msg, size_t len, const u8 mac1_key[SB_KEY_LEN]);

/* The side that gives cookies. The previous secret stays good, too. */
struct sb_cookie_jar {
	u8 secret[2][SB_KEY_LEN];	/* current, previous */
	u64 born;			/* of the current one */
	bool alive;			/* there is a current one */
	bool has_previous;
};

/*
 * Whether msg's mac2 is by a cookie given to src, at most two secret lives
 * ago. Never sleeps; a jar without a live secret says false.
 */
bool sb_mac2_ok(struct sb_cookie_jar *jar, const u8 *msg, size_t len,
		const struct sb_addr *src, u64 now);

/*
 * A cookie reply to msg (whose sender index is `index`, host order), by the
 * owner of pub. Returns 0 or the error of sb_random.
 */
int __must_check sb_cookie_reply(struct sb_cookie_jar *jar,
				 struct sb_msg_cookie *out,
				 const u8 pub[SB_KEY_LEN],
				 const u8 *msg, size_t len, u32 index,
				 const struct sb_addr *src, u64 now);

/*
 * The side that got a reply, to a message to the owner of pub with this mac1.
 * Returns 0 or -EBADMSG; cookie is untouched on failure.
 */
int __must_check sb_cookie_open(u8 cookie[SB_MAC_LEN],
				const struct sb_msg_cookie *msg,
				const u8 pub[SB_KEY_LEN],
				const u8 mac1[SB_MAC_LEN]);

/* What a source may ask for before it is proven. */
enum sb_rate {
	SB_RATE_COOKIE,		/* cookie replies */
	SB_RATE_HANDSHAKE,	/* handshakes of strangers, or of all under load */
	SB_RATE_COUNT,
};

/* Shared by all prefixes whose keyed hash falls on it. */
struct sb_rate_slot {
	u64 full_at[SB_RATE_COUNT];	/* when the bucket is full again */
};

struct sb_rate_table {
	u8 key[SB_KEY_LEN];
	struct sb_rate_slot slot[SB_RATE_SLOTS];
};

/* Returns 0 or the error of sb_random. */
int __must_check sb_rate_init(struct sb_rate_table *table);

/* Takes a token; false when src's prefix has none left. */
bool sb_rate_ok(struct sb_rate_table *table, enum sb_rate what,
		const struct sb_addr *src, u64 now);

#endif
