/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * A grant: the signed word that one device (the holder) may bond with another, for how long and
 * with which key and addresses. Public; docs/grants.md says what it is worth. All integers are
 * big endian, all lengths exact; a byte too few or too many makes it invalid.
 *
 * A grant is struct sb_grant_body, struct sb_grant_count, then so many struct
 * sb_grant_signature, strictly ascending by key id: no key signs twice, and the same signatures
 * have one order only.
 *
 * hold_s: the leases of both devices end so many seconds before the grant does; in these the bond
 * is held for a ledger that is lost (on_ledger_loss). What is left without them is
 * SB_GRANT_MIN_MS at least; a grant of no request has none.
 *
 * A signature is ECDSA over P-256 with SHA-256 (FIPS 186-5) of SB_GRANT_TAG with its NUL ||
 * struct sb_grant_body, with s at most half of the group's order: no one but the signer can make
 * a second one of it.
 */
#ifndef _SEALBOND_GRANT_H
#define _SEALBOND_GRANT_H

#include <linux/types.h>
#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/stddef.h>
#else
#include <assert.h>
#include <stddef.h>
#endif

#define SB_GRANT_MAGIC		"SBGRNT1\n"
#define SB_GRANT_VERSION	1
#define SB_GRANT_TAG		"sealbond grant v1"

#define SB_GRANT_KEYS_MAX	16	/* keys that may sign, and signatures in one grant */
#define SB_GRANT_POINT_LEN	64	/* a P-256 point: x, y */
#define SB_GRANT_KEY_ID_LEN	8	/* the first bytes of SHA-256(x || y) */
#define SB_GRANT_NONCE_LEN	16

/* Bounds of a grant's duration. */
#define SB_GRANT_MIN_MS		1000ULL
#define SB_GRANT_MAX_MS		(30 * 86400000ULL)

#define SB_GRANT_F_QUARANTINE	(1 << 0)	/* only remediators may reach the device */
#define SB_GRANT_F_ALL		SB_GRANT_F_QUARANTINE

struct sb_grant_body {
	__u8	magic[8];
	__be16	version;
	__u8	flags;			/* SB_GRANT_F_* */
	__u8	reserved;		/* zero */
	__be32	hold_s;			/* of the duration, at its end: a hold, see above */
	__be64	duration_ms;		/* SB_GRANT_MIN_MS to SB_GRANT_MAX_MS */
	__u8	nonce[SB_GRANT_NONCE_LEN];	/* the holder's; zero: of no request ("static") */
	__u8	chain_id[32];		/* of the ledger that both devices are on */
	__u8	holder[32];		/* device id of who may use this grant */
	__u8	device_id[32];		/* who is admitted, ... */
	__u8	key[32];		/* ... its X25519 bond key ... */
	__u8	overlay4[4];		/* ... and inner addresses; zero: none, not both */
	__u8	overlay6[16];
} __attribute__((packed));

struct sb_grant_count {
	__be32	signatures;		/* 1 to SB_GRANT_KEYS_MAX */
} __attribute__((packed));

struct sb_grant_signature {
	__u8	key_id[SB_GRANT_KEY_ID_LEN];
	__u8	r[32];
	__u8	s[32];
} __attribute__((packed));

#define SB_GRANT_HEAD		(sizeof(struct sb_grant_body) + sizeof(struct sb_grant_count))
#define SB_GRANT_MIN		(SB_GRANT_HEAD + sizeof(struct sb_grant_signature))
#define SB_GRANT_MAX		(SB_GRANT_HEAD + \
				 SB_GRANT_KEYS_MAX * sizeof(struct sb_grant_signature))

static_assert(sizeof(struct sb_grant_body) == 188, "a grant's signed part is 188 bytes");
static_assert(offsetof(struct sb_grant_body, flags) == 10, "flags is at 10");
static_assert(offsetof(struct sb_grant_body, hold_s) == 12, "hold_s is at 12");
static_assert(offsetof(struct sb_grant_body, duration_ms) == 16, "duration_ms is at 16");
static_assert(offsetof(struct sb_grant_body, nonce) == 24, "nonce is at 24");
static_assert(offsetof(struct sb_grant_body, chain_id) == 40, "chain_id is at 40");
static_assert(offsetof(struct sb_grant_body, holder) == 72, "holder is at 72");
static_assert(offsetof(struct sb_grant_body, device_id) == 104, "device_id is at 104");
static_assert(offsetof(struct sb_grant_body, key) == 136, "key is at 136");
static_assert(offsetof(struct sb_grant_body, overlay4) == 168, "overlay4 is at 168");
static_assert(offsetof(struct sb_grant_body, overlay6) == 172, "overlay6 is at 172");
static_assert(sizeof(struct sb_grant_signature) == 72, "a signature is 72 bytes");
static_assert(SB_GRANT_MAX == 1344, "the largest grant is 1344 bytes");

#endif /* _SEALBOND_GRANT_H */
