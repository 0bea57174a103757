// SPDX-License-Identifier: GPL-2.0-only
#include "pure.h"

#include "tpm_kdf.h"

void sb_hmac_init(struct sb_hmac *h, const u8 *key, size_t len)
{
	u8 ipad[sizeof(h->opad)];
	size_t i;

	memset(ipad, 0x36, sizeof(ipad));
	memset(h->opad, 0x5c, sizeof(h->opad));
	for (i = 0; i < len && i < sizeof(ipad); i++) {
		ipad[i] ^= key[i];
		h->opad[i] ^= key[i];
	}
	sb_sha256_init(&h->inner);
	sb_sha256_update(&h->inner, ipad, sizeof(ipad));
	memzero_explicit(ipad, sizeof(ipad));
}

void sb_hmac_update(struct sb_hmac *h, const void *in, size_t len)
{
	sb_sha256_update(&h->inner, in, len);
}

void sb_hmac_final(struct sb_hmac *h, u8 out[SB_HASH_LEN])
{
	u8 digest[SB_HASH_LEN];

	sb_sha256_final(&h->inner, digest);
	sb_sha256_init(&h->inner);
	sb_sha256_update(&h->inner, h->opad, sizeof(h->opad));
	sb_sha256_update(&h->inner, digest, sizeof(digest));
	sb_sha256_final(&h->inner, out);
	memzero_explicit(digest, sizeof(digest));
	memzero_explicit(h, sizeof(*h));
}

void sb_kdfa(u8 *out, size_t out_len, const u8 key[SB_HASH_LEN], const char *label,
	     const u8 u[SB_HASH_LEN], const u8 v[SB_HASH_LEN])
{
	u8 block[SB_HASH_LEN];
	size_t done, n;
	__be32 bits = cpu_to_be32(out_len * 8);
	__be32 counter;
	struct sb_hmac h;
	u32 i = 0;

	for (done = 0; done < out_len; done += n) {
		counter = cpu_to_be32(++i);
		sb_hmac_init(&h, key, SB_HASH_LEN);
		sb_hmac_update(&h, &counter, sizeof(counter));
		sb_hmac_update(&h, label, strlen(label) + 1);
		sb_hmac_update(&h, u, SB_HASH_LEN);
		sb_hmac_update(&h, v, SB_HASH_LEN);
		sb_hmac_update(&h, &bits, sizeof(bits));
		sb_hmac_final(&h, block);
		n = min_t(size_t, out_len - done, sizeof(block));
		memcpy(out + done, block, n);
	}
	memzero_explicit(block, sizeof(block));
}

void sb_kdfe(u8 out[SB_HASH_LEN], const u8 z[32], const char *label, const u8 u[32],
	     const u8 v[32])
{
	__be32 counter = cpu_to_be32(1);
	struct sb_sha256 sha;

	sb_sha256_init(&sha);
	sb_sha256_update(&sha, &counter, sizeof(counter));
	sb_sha256_update(&sha, z, 32);
	sb_sha256_update(&sha, label, strlen(label) + 1);
	sb_sha256_update(&sha, u, 32);
	sb_sha256_update(&sha, v, 32);
	sb_sha256_final(&sha, out);
}

static void cfb(const u8 key[SB_AES128_LEN], const u8 iv[SB_AES128_LEN], u8 *data,
		size_t len, bool encrypt)
{
	u8 feedback[SB_AES128_LEN], stream[SB_AES128_LEN];
	size_t i, at, n;

	memcpy(feedback, iv, sizeof(feedback));
	for (at = 0; at < len; at += n) {
		n = min_t(size_t, len - at, sizeof(stream));
		sb_aes128_block(key, stream, feedback);
		for (i = 0; i < n; i++) {
			u8 in = data[at + i];

			data[at + i] = in ^ stream[i];
			feedback[i] = encrypt ? data[at + i] : in;
		}
	}
	memzero_explicit(feedback, sizeof(feedback));
	memzero_explicit(stream, sizeof(stream));
}

void sb_cfb_encrypt(const u8 key[SB_AES128_LEN], const u8 iv[SB_AES128_LEN], u8 *data,
		    size_t len)
{
	cfb(key, iv, data, len, true);
}

void sb_cfb_decrypt(const u8 key[SB_AES128_LEN], const u8 iv[SB_AES128_LEN], u8 *data,
		    size_t len)
{
	cfb(key, iv, data, len, false);
}
