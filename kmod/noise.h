/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Noise_IK and Noise_IKpsk2 with 25519, ChaChaPoly and BLAKE2s (Noise
 * specification, revision 34, sections 5, 7.5 and 9). Pure. Ephemeral keys are
 * given by the caller, so that test vectors can be run; each must be fresh.
 *
 *   IK:      <- s  ...  -> e, es, s, ss   <- e, ee, se [, psk]
 *
 * On failure of any function the state must be wiped and not used again.
 */
#ifndef SB_NOISE_H
#define SB_NOISE_H

#include "crypto.h"

enum sb_noise_pattern {
	SB_NOISE_IK,
	SB_NOISE_IKPSK2,
};

/* A handshake between two messages. Secret. */
struct sb_noise {
	u8 ck[SB_HASH_LEN];	/* chaining key */
	u8 h[SB_HASH_LEN];	/* transcript hash */
	u8 k[SB_KEY_LEN];	/* cipher key, used once with nonce 0 */
	u8 e[SB_KEY_LEN];	/* own ephemeral, private */
	u8 re[SB_KEY_LEN];	/* the other's ephemeral, public */
	bool psk;
};

/* Bytes that a message adds around its payload. */
#define SB_NOISE_MSG1_EXTRA (SB_KEY_LEN + SB_KEY_LEN + SB_TAG_LEN + SB_TAG_LEN)
#define SB_NOISE_MSG2_EXTRA (SB_KEY_LEN + SB_TAG_LEN)

/* Start: both sides. rs is the responder's static public key. */
void sb_noise_init(struct sb_noise *n, enum sb_noise_pattern pattern,
		   const void *prologue, size_t prologue_len,
		   const u8 rs[SB_KEY_LEN]);

/*
 * Initiator, first message. e: fresh private key; s, s_pub: own static pair;
 * rs: the responder's; ss: the product of both static keys (sb_x25519(s, rs)).
 * out: len + SB_NOISE_MSG1_EXTRA bytes: e, encrypted s, encrypted payload.
 * Returns 0 or -EINVAL (low-order point).
 */
int __must_check sb_noise_write1(struct sb_noise *n, u8 *out,
				 const u8 e[SB_KEY_LEN],
				 const u8 s_pub[SB_KEY_LEN],
				 const u8 rs[SB_KEY_LEN],
				 const u8 ss[SB_KEY_LEN],
				 const void *payload, size_t len);

/*
 * Responder, first message, in two steps, so that the peer can be looked up
 * between them. in: e and the encrypted s (80 bytes). peer: the initiator's
 * static key, proven only by step 2. Returns 0, -EINVAL or -EBADMSG.
 */
int __must_check sb_noise_read1_static(struct sb_noise *n,
				       u8 peer[SB_KEY_LEN],
				       const u8 s[SB_KEY_LEN], const u8 *in);
/* in: the encrypted payload, len bytes with the tag. out: len - SB_TAG_LEN. */
int __must_check sb_noise_read1_payload(struct sb_noise *n, u8 *out,
					const u8 ss[SB_KEY_LEN],
					const u8 *in, size_t len);

/*
 * Responder, second message. e: fresh private key; peer: the initiator's
 * static key; psk: 32 bytes (ignored by IK).
 * out: len + SB_NOISE_MSG2_EXTRA bytes. Returns 0 or -EINVAL.
 */
int __must_check sb_noise_write2(struct sb_noise *n, u8 *out,
				 const u8 e[SB_KEY_LEN],
				 const u8 peer[SB_KEY_LEN],
				 const u8 psk[SB_KEY_LEN],
				 const void *payload, size_t len);

/*
 * Initiator, second message. s: own static private key. in: len bytes, at
 * least SB_NOISE_MSG2_EXTRA; out: len - SB_NOISE_MSG2_EXTRA bytes.
 * Returns 0, -EINVAL or -EBADMSG.
 */
int __must_check sb_noise_read2(struct sb_noise *n, u8 *out,
				const u8 s[SB_KEY_LEN],
				const u8 psk[SB_KEY_LEN],
				const u8 *in, size_t len);

/* Noise's Split(): k1 is the initiator's sending key, k2 the responder's. */
void sb_noise_split(const struct sb_noise *n, u8 k1[SB_KEY_LEN],
		    u8 k2[SB_KEY_LEN]);

void sb_noise_wipe(struct sb_noise *n);

/* HMAC-BLAKE2s (RFC 2104), keylen <= SB_BLAKE2S_BLOCK. out may be in. */
void sb_hmac_blake2s(u8 out[SB_HASH_LEN], const void *key, size_t keylen,
		     const void *in, size_t len);

#endif
