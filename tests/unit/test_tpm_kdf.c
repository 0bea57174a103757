// SPDX-License-Identifier: Apache-2.0
/*
 * Key derivations of TPM sessions against OpenSSL's own: KDFa is its KBKDF in counter mode,
 * KDFe its SSKDF, CFB its aes-128-cfb.
 */
#include "../../kmod/tpm_kdf.h"
#include "hex.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <openssl/evp.h>

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

void sb_aes128_block(const u8 key[SB_AES128_LEN], u8 out[SB_AES128_LEN],
		     const u8 in[SB_AES128_LEN])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	assert_true(EVP_EncryptInit_ex(ctx, EVP_aes_128_ecb(), NULL, key, NULL));
	assert_true(EVP_EncryptUpdate(ctx, out, &n, in, SB_AES128_LEN));
	EVP_CIPHER_CTX_free(ctx);
}

static void assert_hex(const u8 *got, const char *want)
{
	u8 bytes[128];

	assert_memory_equal(got, bytes, unhex(bytes, want));
}

/* RFC 4231, cases 2 and 3, and a key of a whole block. */
static void test_hmac(void **state)
{
	struct sb_hmac h;
	u8 out[SB_HASH_LEN], key[64], data[50];

	sb_hmac_init(&h, (const u8 *)"Jefe", 4);
	sb_hmac_update(&h, "what do ya want ", 16);
	sb_hmac_update(&h, "for nothing?", 12);
	sb_hmac_final(&h, out);
	assert_hex(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");

	memset(key, 0xaa, 20);
	memset(data, 0xdd, sizeof(data));
	sb_hmac_init(&h, key, 20);
	sb_hmac_update(&h, data, sizeof(data));
	sb_hmac_final(&h, out);
	assert_hex(out, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
}

static void test_hmac_is_wiped(void **state)
{
	static const struct sb_hmac zero;
	struct sb_hmac h;
	u8 out[SB_HASH_LEN];

	sb_hmac_init(&h, (const u8 *)"Jefe", 4);
	sb_hmac_final(&h, out);
	assert_memory_equal(h.opad, zero.opad, sizeof(h.opad));
}

static void test_kdfa(void **state)
{
	u8 key[32], u[32], v[32], out[51];

	unhex(key, KEY);
	memset(u, 0xaa, sizeof(u));
	memset(v, 0xbb, sizeof(v));
	sb_kdfa(out, 32, key, "ATH", u, v);
	assert_hex(out, "bb9b7f11a0bf57417f1322938de626ef68b0c8ec03dada9edc924d577c909845");

	/* The length is hashed too, and the last block is cut. */
	out[50] = 0x5a;
	sb_kdfa(out, 50, key, "CFB", u, v);
	assert_hex(out, "d1fb93bd8292a6c1f7a6911cf92b0a0431a0b5bab9fe57973d547710b4c5fb57"
			"97ff168e10a7f8ad6e3eea5ac9a03a4c4d52");
	assert_int_equal(out[50], 0x5a);
}

static void test_kdfe(void **state)
{
	u8 z[32], u[32], v[32], out[32];

	unhex(z, KEY);
	memset(u, 0xaa, sizeof(u));
	memset(v, 0xbb, sizeof(v));
	sb_kdfe(out, z, "SECRET", u, v);
	assert_hex(out, "08fc920f9d3033e952b0e3490a04acb53ef7324548e744107218611d224bb249");
}

static void test_cfb(void **state)
{
	u8 key[16], iv[16], data[37], plain[37];
	size_t i;

	unhex(key, "000102030405060708090a0b0c0d0e0f");
	unhex(iv, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
	for (i = 0; i < sizeof(plain); i++)
		plain[i] = i;
	memcpy(data, plain, sizeof(data));
	sb_cfb_encrypt(key, iv, data, sizeof(data));
	assert_hex(data, "66a6c5eb3057374f9f58d40c3f1ba3a25b050107dcd400f797204348c0a7fd59"
			 "f55987eae1");
	sb_cfb_decrypt(key, iv, data, sizeof(data));
	assert_memory_equal(data, plain, sizeof(data));
}

/* Any length round trips, and nothing behind it changes. */
static void test_cfb_lengths(void **state)
{
	u8 key[16] = { 1 }, iv[16] = { 2 }, data[49], plain[49];
	size_t n;

	for (n = 0; n < sizeof(plain); n++) {
		memset(plain, 0x33, sizeof(plain));
		memcpy(data, plain, sizeof(data));
		sb_cfb_encrypt(key, iv, data, n);
		if (n)
			assert_memory_not_equal(data, plain, n);
		assert_memory_equal(data + n, plain + n, sizeof(data) - n);
		sb_cfb_decrypt(key, iv, data, n);
		assert_memory_equal(data, plain, sizeof(data));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_hmac_is_wiped),
		cmocka_unit_test(test_kdfa),
		cmocka_unit_test(test_kdfe),
		cmocka_unit_test(test_cfb),
		cmocka_unit_test(test_cfb_lengths),
	};

	return cmocka_run_group_tests_name("tpm_kdf", tests, NULL, NULL);
}
