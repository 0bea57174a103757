// SPDX-License-Identifier: GPL-2.0-only
#include "noise.h"

/*
 * Noise's CipherState has a counter nonce, but in IK every key of the
 * handshake seals exactly one text: MixKey comes before each.
 */
#define NONCE 0

static const char name_ik[] = "Noise_IK_25519_ChaChaPoly_BLAKE2s";
static const char name_ikpsk2[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";

void sb_hmac_blake2s(u8 out[SB_HASH_LEN], const void *key, size_t keylen,
		     const void *in, size_t len)
{
	struct sb_blake2s ctx;
	u8 pad[SB_BLAKE2S_BLOCK] = {};
	u8 inner[SB_HASH_LEN];
	size_t i;

	memcpy(pad, key, keylen);
	for (i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36;
	sb_blake2s_init(&ctx, SB_HASH_LEN, NULL, 0);
	sb_blake2s_update(&ctx, pad, sizeof(pad));
	sb_blake2s_update(&ctx, in, len);
	sb_blake2s_final(&ctx, inner);

	for (i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	sb_blake2s_init(&ctx, SB_HASH_LEN, NULL, 0);
	sb_blake2s_update(&ctx, pad, sizeof(pad));
	sb_blake2s_update(&ctx, inner, sizeof(inner));
	sb_blake2s_final(&ctx, out);

	memzero_explicit(pad, sizeof(pad));
	memzero_explicit(inner, sizeof(inner));
}

/* Noise section 4.3, HKDF. c may be NULL for two outputs; a may be ck. */
static void hkdf(u8 *a, u8 *b, u8 *c, const u8 ck[SB_HASH_LEN],
		 const u8 *ikm, size_t len)
{
	u8 prk[SB_HASH_LEN], t[SB_HASH_LEN + 1];

	sb_hmac_blake2s(prk, ck, SB_HASH_LEN, ikm, len);
	t[0] = 1;
	sb_hmac_blake2s(t, prk, SB_HASH_LEN, t, 1);
	memcpy(a, t, SB_HASH_LEN);
	t[SB_HASH_LEN] = 2;
	sb_hmac_blake2s(t, prk, SB_HASH_LEN, t, sizeof(t));
	memcpy(b, t, SB_HASH_LEN);
	if (c) {
		t[SB_HASH_LEN] = 3;
		sb_hmac_blake2s(t, prk, SB_HASH_LEN, t, sizeof(t));
		memcpy(c, t, SB_HASH_LEN);
	}
	memzero_explicit(prk, sizeof(prk));
	memzero_explicit(t, sizeof(t));
}

static void mix_hash(struct sb_noise *n, const void *data, size_t len)
{
	struct sb_blake2s ctx;

	sb_blake2s_init(&ctx, SB_HASH_LEN, NULL, 0);
	sb_blake2s_update(&ctx, n->h, SB_HASH_LEN);
	sb_blake2s_update(&ctx, data, len);
	sb_blake2s_final(&ctx, n->h);
}

static void mix_key(struct sb_noise *n, const u8 ikm[SB_KEY_LEN])
{
	hkdf(n->ck, n->k, NULL, n->ck, ikm, SB_KEY_LEN);
}

static int mix_dh(struct sb_noise *n, const u8 priv[SB_KEY_LEN],
		  const u8 pub[SB_KEY_LEN])
{
	u8 dh[SB_KEY_LEN];
	int ret;

	ret = sb_x25519(dh, priv, pub);
	if (ret)
		return ret;
	mix_key(n, dh);
	memzero_explicit(dh, sizeof(dh));
	return 0;
}

/* Noise section 9.1: with a psk, "e" also enters the key. */
static void mix_e(struct sb_noise *n, const u8 pub[SB_KEY_LEN])
{
	mix_hash(n, pub, SB_KEY_LEN);
	if (n->psk)
		mix_key(n, pub);
}

static void mix_psk(struct sb_noise *n, const u8 psk[SB_KEY_LEN])
{
	u8 t[SB_HASH_LEN];

	if (!n->psk)
		return;
	hkdf(n->ck, t, n->k, n->ck, psk, SB_KEY_LEN);
	mix_hash(n, t, sizeof(t));
	memzero_explicit(t, sizeof(t));
}

static void seal(struct sb_noise *n, u8 *out, const void *in, size_t len)
{
	sb_aead_seal(out, in, len, n->h, SB_HASH_LEN, NONCE, n->k);
	mix_hash(n, out, len + SB_TAG_LEN);
}

/* out must not overlap in, which is hashed after it was opened. */
static int open(struct sb_noise *n, u8 *out, const u8 *in, size_t len)
{
	int ret;

	ret = sb_aead_open(out, in, len, n->h, SB_HASH_LEN, NONCE, n->k);
	if (ret)
		return ret;
	mix_hash(n, in, len);
	return 0;
}

void sb_noise_init(struct sb_noise *n, enum sb_noise_pattern pattern,
		   const void *prologue, size_t prologue_len,
		   const u8 rs[SB_KEY_LEN])
{
	memset(n, 0, sizeof(*n));
	n->psk = pattern == SB_NOISE_IKPSK2;
	/* Both names are longer than a hash: h = HASH(name). */
	if (n->psk)
		sb_blake2s(n->h, SB_HASH_LEN, NULL, 0, name_ikpsk2,
			   sizeof(name_ikpsk2) - 1);
	else
		sb_blake2s(n->h, SB_HASH_LEN, NULL, 0, name_ik,
			   sizeof(name_ik) - 1);
	memcpy(n->ck, n->h, SB_HASH_LEN);
	mix_hash(n, prologue, prologue_len);
	mix_hash(n, rs, SB_KEY_LEN);
}

int sb_noise_write1(struct sb_noise *n, u8 *out, const u8 e[SB_KEY_LEN],
		    const u8 s_pub[SB_KEY_LEN], const u8 rs[SB_KEY_LEN],
		    const u8 ss[SB_KEY_LEN], const void *payload, size_t len)
{
	int ret;

	memcpy(n->e, e, SB_KEY_LEN);
	ret = sb_x25519_base(out, e);
	if (ret)
		return ret;
	mix_e(n, out);
	out += SB_KEY_LEN;

	ret = mix_dh(n, e, rs);
	if (ret)
		return ret;
	seal(n, out, s_pub, SB_KEY_LEN);
	out += SB_KEY_LEN + SB_TAG_LEN;

	mix_key(n, ss);
	seal(n, out, payload, len);
	return 0;
}

int sb_noise_read1_static(struct sb_noise *n, u8 peer[SB_KEY_LEN],
			  const u8 s[SB_KEY_LEN], const u8 *in)
{
	int ret;

	memcpy(n->re, in, SB_KEY_LEN);
	mix_e(n, in);
	ret = mix_dh(n, s, n->re);
	if (ret)
		return ret;
	return open(n, peer, in + SB_KEY_LEN, SB_KEY_LEN + SB_TAG_LEN);
}

int sb_noise_read1_payload(struct sb_noise *n, u8 *out,
			   const u8 ss[SB_KEY_LEN], const u8 *in, size_t len)
{
	mix_key(n, ss);
	return open(n, out, in, len);
}

int sb_noise_write2(struct sb_noise *n, u8 *out, const u8 e[SB_KEY_LEN],
		    const u8 peer[SB_KEY_LEN], const u8 psk[SB_KEY_LEN],
		    const void *payload, size_t len)
{
	int ret;

	ret = sb_x25519_base(out, e);
	if (ret)
		return ret;
	mix_e(n, out);
	ret = mix_dh(n, e, n->re);
	if (ret)
		return ret;
	ret = mix_dh(n, e, peer);
	if (ret)
		return ret;
	mix_psk(n, psk);
	seal(n, out + SB_KEY_LEN, payload, len);
	return 0;
}

int sb_noise_read2(struct sb_noise *n, u8 *out, const u8 s[SB_KEY_LEN],
		   const u8 psk[SB_KEY_LEN], const u8 *in, size_t len)
{
	int ret;

	if (len < SB_NOISE_MSG2_EXTRA)
		return -EBADMSG;
	memcpy(n->re, in, SB_KEY_LEN);
	mix_e(n, in);
	ret = mix_dh(n, n->e, n->re);
	if (ret)
		return ret;
	ret = mix_dh(n, s, n->re);
	if (ret)
		return ret;
	mix_psk(n, psk);
	return open(n, out, in + SB_KEY_LEN, len - SB_KEY_LEN);
}

void sb_noise_split(const struct sb_noise *n, u8 k1[SB_KEY_LEN],
		    u8 k2[SB_KEY_LEN])
{
	hkdf(k1, k2, NULL, n->ck, NULL, 0);
}

void sb_noise_wipe(struct sb_noise *n)
{
	memzero_explicit(n, sizeof(*n));
}
