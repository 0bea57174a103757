// SPDX-License-Identifier: Apache-2.0
/* Certificates and their chains: each rule by a chain that breaks it, and the oddities that vendors have. */
#include "cert_world.h"

#include <errno.h>
#include <stdio.h>

#include "common/cleanup.h"
#include "der_edit.h"
#include "state/der.h"

static struct maker root, issuer, other_root;
static EVP_PKEY *ec, *ec384, *rsa;
static struct sb_tpm_public ek_ec, ek_ec384, ek_rsa;
static struct bytes area_ec, area_ec384, area_rsa, root_cert, issuer_cert, other_cert, namesake_cert;

static struct wish ek_wish(void)
{
	return (struct wish){ .issuer = &issuer, .key = ec, .subject = "device", .from = CERT_NOW - DAY,
			      .to = (int64_t)253402300799, .version = 2, .basic = "critical,CA:FALSE",
			      .usage = "critical,keyAgreement", .extended = "2.23.133.8.1",
			      .alt_name = "critical,URI:urn:tpm", .digest = EVP_sha256() };
}

static struct wish ca_wish(const struct maker *by, const struct maker *for_whom)
{
	return (struct wish){ .issuer = by, .key = for_whom->key, .subject = for_whom->name, .from = CERT_NOW - 1000 * DAY,
			      .to = CERT_NOW + 1000 * DAY, .version = 2, .basic = "critical,CA:TRUE",
			      .usage = "critical,keyCertSign,cRLSign", .digest = EVP_sha256() };
}

static enum sb_chain_verdict judge_with(const struct bytes *ek_cert, const struct bytes *middle,
					const struct sb_tpm_public *ek, int64_t now)
{
	struct sb_span certs[2] = { span_of(ek_cert), middle ? span_of(middle) : (struct sb_span){ NULL, 0 } };
	struct sb_span roots[3] = { span_of(&other_cert), span_of(&namesake_cert), span_of(&root_cert) };
	size_t which = 99;
	enum sb_chain_verdict verdict = sb_chain_check(ek, certs, middle ? 2 : 1, roots, 3, now, &which);

	assert_int_equal(which, verdict == SB_CHAIN_OK ? 2 : 99);
	return verdict;
}

static enum sb_chain_verdict judge(const struct wish *wish, const struct sb_tpm_public *ek)
{
	struct bytes cert;

	make_cert(wish, &cert);
	return judge_with(&cert, &issuer_cert, ek, CERT_NOW);
}

#define SAYS(change, want) do {								\
	struct wish wish = ek_wish();							\
	change;										\
	assert_string_equal(sb_chain_name(judge(&wish, &ek_ec)), sb_chain_name(want)); \
} while (0)

static void ek_rules(void **state)
{
	SAYS((void)wish, SB_CHAIN_OK);
	SAYS(wish.key = ec384, SB_CHAIN_OTHER_KEY);
	SAYS(wish.key = rsa, SB_CHAIN_OTHER_KEY);
	SAYS(wish.extended = NULL, SB_CHAIN_NOT_EK);
	SAYS(wish.extended = "clientAuth", SB_CHAIN_NOT_EK);
	SAYS(wish.extended = "clientAuth,2.23.133.8.1", SB_CHAIN_OK);
	SAYS(wish.basic = "critical,CA:TRUE", SB_CHAIN_NOT_EK);
	SAYS(wish.basic = NULL, SB_CHAIN_OK);
	SAYS(wish.usage = "critical,keyEncipherment", SB_CHAIN_NOT_EK);
	SAYS(wish.usage = "critical,digitalSignature", SB_CHAIN_NOT_EK);
	SAYS(wish.usage = NULL, SB_CHAIN_OK);
	SAYS(wish.from = CERT_NOW + 1, SB_CHAIN_NOT_YET);
	SAYS(wish.from = CERT_NOW, SB_CHAIN_OK);
	SAYS(wish.to = CERT_NOW - 1, SB_CHAIN_OVER);
	SAYS(wish.to = CERT_NOW, SB_CHAIN_OK);
	SAYS(wish.version = 1, SB_CHAIN_MALFORMED);
	SAYS(wish.more = "critical", SB_CHAIN_MALFORMED);
	SAYS(wish.more = "not", SB_CHAIN_OK);
	SAYS(wish.digest = EVP_sha1(), SB_CHAIN_MALFORMED);
	SAYS(wish.digest = EVP_sha384(), SB_CHAIN_OK);
	SAYS(wish.issuer = &other_root, SB_CHAIN_NO_ROOT);
	SAYS(wish.alt_name = NULL, SB_CHAIN_OK);
}

static void other_keys(void **state)
{
	struct wish wish = ek_wish();

	wish.key = ec384;
	assert_int_equal(judge(&wish, &ek_ec384), SB_CHAIN_OK);
	wish.key = rsa;
	assert_int_equal(judge(&wish, &ek_rsa), SB_CHAIN_NOT_EK);
	wish.usage = "critical,keyEncipherment";
	assert_int_equal(judge(&wish, &ek_rsa), SB_CHAIN_OK);
}

/* The chain above the EK. */
static void issuers(void **state)
{
	struct wish good = ek_wish(), wish;
	struct bytes ek_cert, middle;

	make_cert(&good, &ek_cert);
#define MIDDLE(change, want) do {							\
		wish = ca_wish(&root, &issuer);						\
		change;									\
		make_cert(&wish, &middle);						\
		assert_string_equal(sb_chain_name(judge_with(&ek_cert, &middle, &ek_ec, CERT_NOW)), sb_chain_name(want)); \
	} while (0)
	MIDDLE((void)0, SB_CHAIN_OK);
	MIDDLE(wish.basic = "critical,CA:FALSE", SB_CHAIN_NOT_CA);
	MIDDLE(wish.basic = NULL, SB_CHAIN_NOT_CA);
	MIDDLE(wish.usage = "critical,cRLSign", SB_CHAIN_NOT_CA);
	MIDDLE(wish.basic = "critical,CA:TRUE,pathlen:0", SB_CHAIN_OK);
	MIDDLE(wish.to = CERT_NOW - 1, SB_CHAIN_OVER);
	MIDDLE(wish.from = CERT_NOW + 1, SB_CHAIN_NOT_YET);
	MIDDLE(wish.subject = "somebody", SB_CHAIN_NO_ROOT);
	MIDDLE((wish.issuer = &other_root, wish.subject = "else"), SB_CHAIN_NO_ROOT);
	/* The right names and another key: nobody's signature. */
	MIDDLE(wish.key = ec384, SB_CHAIN_SIGNATURE);
	assert_int_equal(judge_with(&ek_cert, NULL, &ek_ec, CERT_NOW), SB_CHAIN_NO_ROOT);
	assert_int_equal(judge_with(&ek_cert, &issuer_cert, &ek_ec, CERT_NOW + 999 * DAY), SB_CHAIN_OK);
	assert_int_equal(judge_with(&ek_cert, &issuer_cert, &ek_ec, CERT_NOW + 1001 * DAY), SB_CHAIN_OVER);
}

static void root_limits(void **state)
{
	struct wish good = ek_wish(), wish = ca_wish(&root, &root);
	struct bytes ek_cert, narrow;
	struct sb_span certs[2], roots[1];
	size_t which;

	make_cert(&good, &ek_cert);
	certs[0] = span_of(&ek_cert);
	certs[1] = span_of(&issuer_cert);
	wish.basic = "critical,CA:TRUE,pathlen:0";
	make_cert(&wish, &narrow);
	roots[0] = span_of(&narrow);
	assert_int_equal(sb_chain_check(&ek_ec, certs, 2, roots, 1, CERT_NOW, &which), SB_CHAIN_PATH_LENGTH);
	/* A root that is over: its key is what the members trust. */
	wish = ca_wish(&root, &root);
	wish.to = CERT_NOW - DAY;
	make_cert(&wish, &narrow);
	roots[0] = span_of(&narrow);
	assert_int_equal(sb_chain_check(&ek_ec, certs, 2, roots, 1, CERT_NOW, &which), SB_CHAIN_OK);
	assert_int_equal(sb_chain_check(&ek_ec, certs, 2, roots, 0, CERT_NOW, &which), SB_CHAIN_NO_ROOT);
	assert_int_equal(sb_chain_check(&ek_ec, certs, 0, roots, 1, CERT_NOW, &which), SB_CHAIN_MALFORMED);
	assert_int_equal(sb_chain_check(&ek_ec, certs, SB_CHAIN_MAX + 2, roots, 1, CERT_NOW, &which), SB_CHAIN_TOO_LONG);
}

/* An EK that is the certificate's but for one thing. */
static void one_thing_else(void **state)
{
	struct wish wish = ek_wish();
	struct sb_tpm_public other;
	struct bytes cert, rsa_cert;

	make_cert(&wish, &cert);
	wish.key = rsa;
	wish.usage = "critical,keyEncipherment";
	make_cert(&wish, &rsa_cert);
#define OTHER(of, made, change) do {							\
		other = of;								\
		change;									\
		assert_int_equal(judge_with(&made, &issuer_cert, &other, CERT_NOW), SB_CHAIN_OTHER_KEY); \
	} while (0)
	OTHER(ek_ec, cert, other.curve = SB_TPM_CURVE_P384);
	OTHER(ek_ec, cert, other.x = other.y);
	OTHER(ek_ec, cert, other.y = other.x);
	OTHER(ek_ec, cert, other.x.length--);
	OTHER(ek_ec, cert, other.type = SB_TPM_ALG_RSA);
	OTHER(ek_rsa, rsa_cert, other.exponent = 3);
	OTHER(ek_rsa, rsa_cert, other.modulus.length--);
	OTHER(ek_rsa, rsa_cert, other.type = SB_TPM_ALG_ECC);
	/* Numbers of a TPM that leaves out leading zeros. */
	other = ek_ec;
	while (other.x.length && !other.x.data[0])
		other.x = (struct sb_span){ other.x.data + 1, other.x.length - 1 };
	assert_int_equal(judge_with(&cert, &issuer_cert, &other, CERT_NOW), SB_CHAIN_OK);
}

static enum sb_chain_verdict judge_iak(const char *basic, const char *usage, const char *extended)
{
	struct wish wish = ek_wish();
	struct sb_span certs[2], roots[1] = { span_of(&root_cert) };
	struct bytes cert;
	size_t which;

	wish.basic = basic;
	wish.usage = usage;
	wish.extended = extended;
	make_cert(&wish, &cert);
	certs[0] = span_of(&cert);
	certs[1] = span_of(&issuer_cert);
	return sb_chain_check_iak(&ek_ec, certs, 2, roots, 1, CERT_NOW, &which);
}

static void iak_rules(void **state)
{
	assert_int_equal(judge_iak("CA:FALSE", "digitalSignature", NULL), SB_CHAIN_OK);
	assert_int_equal(judge_iak(NULL, NULL, NULL), SB_CHAIN_OK);
	assert_int_equal(judge_iak("CA:FALSE", "digitalSignature", "2.23.133.8.1"), SB_CHAIN_NOT_EK);
	assert_int_equal(judge_iak("CA:TRUE", "digitalSignature", NULL), SB_CHAIN_NOT_EK);
	assert_int_equal(judge_iak("CA:FALSE", "keyAgreement", NULL), SB_CHAIN_NOT_EK);
}

/* A signature has one encoding: OpenSSL alone would take the rest of it as well. */
static void signature_forms(void **state)
{
	static const int outer[] = { 2, 0, DER_END }, r_at[] = { 2, 0, 0, DER_END }, s_at[] = { 2, 0, 1, DER_END };
	struct wish wish = ek_wish();
	struct bytes cert, changed, number = { .length = 0 };
	struct der bits, r, s;

	/* Until both numbers have their highest bit set, and so a zero before them. */
	do {
		make_cert(&wish, &cert);
		bits = der_at(der_at(cert.data).data);
		bits = der_at(bits.start + bits.whole);
		bits = der_at(bits.start + bits.whole);
		r = der_at(der_at(bits.data + 1).data);
		s = der_at(r.start + r.whole);
	} while (r.data[0] || s.data[0]);
	assert_int_equal(judge_with(&cert, &issuer_cert, &ek_ec, CERT_NOW), SB_CHAIN_OK);
#define FORM(path, new, size, behind) do {						\
		changed.length = 0;							\
		der_edit(cert.data, path, new, size, behind, &changed);			\
		assert_int_equal(judge_with(&changed, &issuer_cert, &ek_ec, CERT_NOW), SB_CHAIN_SIGNATURE); \
	} while (0)
	FORM(outer, "\x05\x00", 2, true);
	FORM(s_at, "\x05\x00", 2, true);
	put_der(&number, 0x02, r.data + 1, r.length - 1);
	FORM(r_at, number.data, number.length, false);
	number.length = 0;
	put_der(&number, 0x02, s.data + 1, s.length - 1);
	FORM(s_at, number.data, number.length, false);
}

/* The right key under another name is no root of this chain. */
static void root_of_another_name(void **state)
{
	const struct maker else_where = { root.key, "else" };
	struct wish good = ek_wish(), wish = ca_wish(&else_where, &else_where);
	struct bytes ek_cert, other;
	struct sb_span certs[2], roots[1];
	size_t which;

	make_cert(&good, &ek_cert);
	make_cert(&wish, &other);
	certs[0] = span_of(&ek_cert);
	certs[1] = span_of(&issuer_cert);
	roots[0] = span_of(&other);
	assert_int_equal(sb_chain_check(&ek_ec, certs, 2, roots, 1, CERT_NOW, &which), SB_CHAIN_NO_ROOT);
}

/* Every cut, an added byte, and every changed bit. */
static void bytes_count(void **state)
{
	struct wish wish = ek_wish();
	struct bytes cert;
	struct sb_cert read;

	make_cert(&wish, &cert);
	for (size_t cut = 0; cut < cert.length; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);

		memcpy(copy, cert.data, cut);
		assert_int_equal(sb_cert_parse(copy, cut, &read), -EBADMSG);
		free(copy);
	}
	put_be(&cert, 0, 1);
	assert_int_equal(sb_cert_parse(cert.data, cert.length, &read), -EBADMSG);
	cert.length--;
	for (size_t bit = 0; bit < 8 * cert.length; bit++) {
		cert.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(judge_with(&cert, &issuer_cert, &ek_ec, CERT_NOW), SB_CHAIN_OK);
		cert.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(judge_with(&cert, &issuer_cert, &ek_ec, CERT_NOW), SB_CHAIN_OK);
}

static void der_forms(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
		bool good;
	} cases[] = {
		{ "\x30\x00", 2, true }, { "\x30\x81\x00", 3, false }, { "\x30\x80\x00\x00", 4, false },
		{ "\x30\x82\x00\x01\x00", 5, false }, { "\x30\x81\x7f", 3, false }, { "\x3f\x01\x00", 3, false },
		{ "\x30\x83\x00\x00\x00", 5, false }, { "\x30", 1, false }, { "\x30\x01", 2, false },
	};
	struct sb_span number;
	uint8_t tag;

	for (size_t i = 0; i < SB_ARRAY_SIZE(cases); i++) {
		struct sb_reader reader = { (const uint8_t *)cases[i].bytes, cases[i].length, false };

		sb_der_any(&reader, &tag);
		assert_int_equal(sb_read_whole(&reader), cases[i].good);
	}
#define NUMBER(text)	sb_der_positive((struct sb_span){ (const uint8_t *)(text), sizeof(text) - 1 }, &number)
	assert_true(NUMBER("\x01") && NUMBER("\x7f") && NUMBER("\0\x80"));
	assert_false(NUMBER("") || NUMBER("\0") || NUMBER("\0\x01") || NUMBER("\x80") || NUMBER("\0\0\x80"));
}

static void times(void **state)
{
	static const struct {
		const char *bytes;
		int64_t seconds;	/* -1: none */
	} cases[] = {
		{ "\x17\x0d" "250615000000Z", 1749945600 }, { "\x17\x0d" "491231235959Z", 2524607999 },
		{ "\x17\x0d" "500101000000Z", -631152000 }, { "\x18\x0f" "99991231235959Z", 253402300799 },
		{ "\x18\x0f" "20240229120000Z", 1709208000 }, { "\x18\x0f" "20230229120000Z", -1 },
		{ "\x17\x0b" "2506150000Z", -1 }, { "\x17\x11" "250615000000+0000", -1 },
		{ "\x18\x11" "20250615000000.5Z", -1 }, { "\x17\x0d" "251315000000Z", -1 }, { "\x17\x0d" "250615240000Z", -1 },
	};

	for (size_t i = 0; i < SB_ARRAY_SIZE(cases); i++) {
		struct sb_reader reader = { (const uint8_t *)cases[i].bytes, strlen(cases[i].bytes), false };
		int64_t seconds = -1;
		bool good = sb_der_time(&reader, &seconds);

		assert_int_equal(good, cases[i].seconds != -1);
		assert_true(seconds == cases[i].seconds);
	}
}

/* A serial number with a superfluous zero: seen at vendors. Made by hand, and so not signed. */
static void leading_zero(void **state)
{
	static const uint8_t serial[] = { 0x02, 0x08, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88 };
	struct wish wish = ek_wish();
	struct sb_cert read;
	struct bytes cert;
	uint8_t *at;

	make_cert(&wish, &cert);
	at = memmem(cert.data, cert.length, serial, sizeof(serial));
	assert_non_null(at);
	at[2] = 0;
	assert_int_equal(sb_cert_parse(cert.data, cert.length, &read), 0);
}

static void read_file(const char *name, struct bytes *out)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "tests/vectors/certs/%s.der", name);
	file = fopen(path, "rb");
	assert_non_null(file);
	out->length = fread(out->data, 1, sizeof(out->data), file);
	fclose(file);
}

/* What swtpm's local CA has made (swtpm 0.7.1): RSA over RSA, and P-384 in the high range. */
static void swtpm(void **state)
{
	static const char *const names[] = { "swtpm-ek-rsa", "swtpm-ek-p384" };
	struct bytes ca, issuer_der, cert;
	struct sb_span certs[2], roots[1];
	struct sb_tpm_public ek;
	struct sb_cert read;
	size_t which = 1;

	read_file("swtpm-root", &ca);
	read_file("swtpm-issuer", &issuer_der);
	roots[0] = span_of(&ca);
	certs[1] = span_of(&issuer_der);
	for (size_t i = 0; i < SB_ARRAY_SIZE(names); i++) {
		read_file(names[i], &cert);
		certs[0] = span_of(&cert);
		assert_int_equal(sb_cert_parse(cert.data, cert.length, &read), 0);
		ek = (struct sb_tpm_public){ .type = read.key.type, .modulus = read.key.modulus, .curve = read.key.curve,
					     .exponent = read.key.exponent, .x = read.key.x, .y = read.key.y };
		assert_string_equal(sb_chain_name(sb_chain_check(&ek, certs, 2, roots, 1, 1800000000, &which)), "ok");
		assert_int_equal(which, 0);
	}
}

/* TPMT_PUBLIC of an EK with this key. */
static void make_ek(EVP_PKEY *key, struct bytes *area, struct sb_tpm_public *public)
{
	static const struct tpm_template t = { SB_TPM_FIXED_TPM | SB_TPM_FIXED_PARENT | SB_TPM_SENSITIVE_DATA_ORIGIN |
		SB_TPM_ADMIN_WITH_POLICY | SB_TPM_RESTRICTED | SB_TPM_DECRYPT, SB_TPM_ALG_SHA256, SB_TPM_ALG_NULL, 0,
		SB_TPM_ALG_AES, 0 };
	uint8_t modulus[512];
	BIGNUM *n = NULL;

	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
		int bits = EVP_PKEY_get_bits(key);

		assert_true(EVP_PKEY_get_bn_param(key, "n", &n));
		put_head(area, SB_TPM_ALG_RSA, &t);
		put_be(area, (uint64_t)bits, 2);
		put_be(area, 0, 4);
		BN_bn2binpad(n, modulus, bits / 8);
		put_2b(area, modulus, (size_t)bits / 8);
		BN_free(n);
	} else {
		EC_KEY *pair = EVP_PKEY_get1_EC_KEY(key);
		bool p256 = EVP_PKEY_get_bits(key) == 256;

		put_head(area, SB_TPM_ALG_ECC, &t);
		put_be(area, p256 ? SB_TPM_CURVE_P256 : SB_TPM_CURVE_P384, 2);
		put_be(area, SB_TPM_ALG_NULL, 2);
		put_coordinates(area, pair, p256 ? 32 : 48);
		EC_KEY_free(pair);
	}
	assert_int_equal(sb_tpm_public_parse(area->data, area->length, public), 0);
}

static int set_up(void **state)
{
	struct maker namesake = { ec_key("P-256"), "root" };
	struct wish wish;

	root = (struct maker){ rsa_key(3072), "root" };
	issuer = (struct maker){ ec_key("P-384"), "issuer" };
	other_root = (struct maker){ ec_key("P-256"), "other root" };
	ec = ec_key("P-256");
	ec384 = ec_key("P-384");
	rsa = rsa_key(2048);
	make_ek(ec, &area_ec, &ek_ec);
	make_ek(ec384, &area_ec384, &ek_ec384);
	make_ek(rsa, &area_rsa, &ek_rsa);
	wish = ca_wish(&root, &root);
	make_cert(&wish, &root_cert);
	wish = ca_wish(&root, &issuer);
	make_cert(&wish, &issuer_cert);
	wish = ca_wish(&other_root, &other_root);
	make_cert(&wish, &other_cert);
	wish = ca_wish(&namesake, &namesake);
	make_cert(&wish, &namesake_cert);
	EVP_PKEY_free(namesake.key);
	return 0;
}

static int tear_down(void **state)
{
	EVP_PKEY *keys[] = { root.key, issuer.key, other_root.key, ec, ec384, rsa };

	for (size_t i = 0; i < SB_ARRAY_SIZE(keys); i++)
		EVP_PKEY_free(keys[i]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ek_rules), cmocka_unit_test(other_keys), cmocka_unit_test(issuers), cmocka_unit_test(root_limits),
		cmocka_unit_test(bytes_count), cmocka_unit_test(der_forms), cmocka_unit_test(times), cmocka_unit_test(leading_zero),
		cmocka_unit_test(swtpm), cmocka_unit_test(one_thing_else), cmocka_unit_test(iak_rules),
		cmocka_unit_test(signature_forms), cmocka_unit_test(root_of_another_name),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
