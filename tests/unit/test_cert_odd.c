// SPDX-License-Identifier: Apache-2.0
/*
 * Certificates that are not as OpenSSL makes them: oddities that vendors' have, which are read, and forms that a
 * strict reader must refuse. Each is a good certificate with one element changed, and nobody's signature fits any more:
 * it is the reader that is asked.
 */
#include "cert_world.h"

#include <errno.h>

#include "common/cleanup.h"
#include "der_edit.h"

/* Where things are in a certificate with the extensions of make_cert(): RFC 5280, section 4.1. */
#define VERSION		0, 0
#define SERIAL		0, 1
#define ALGORITHM	0, 2
#define ISSUER		0, 3
#define VALIDITY	0, 4
#define SUBJECT		0, 5
#define SPKI		0, 6
#define EXTENSIONS	0, 7
#define BASIC		EXTENSIONS, 0, 0
#define USAGE		EXTENSIONS, 0, 1
#define EXTENDED	EXTENSIONS, 0, 2
#define ALT_NAME	EXTENSIONS, 0, 3
#define OUTER_ALGORITHM	1
#define SIGNATURE	2

enum kind { EC, RSA2048 };

struct odd {
	const char *what;
	enum kind kind;
	int path[8];
	const char *bytes;
	size_t length;
	bool behind;		/* beside what is there, not instead */
	int want;
};

#define PATH(...)			{ __VA_ARGS__, DER_END }
#define NOW(what, kind, path, bytes, want)	{ what, kind, path, bytes, sizeof(bytes) - 1, false, want }
#define BESIDE(what, kind, path, bytes, want)	{ what, kind, path, bytes, sizeof(bytes) - 1, true, want }

static struct bytes good[2];
static EVP_PKEY *key[2];

static const struct odd vendors[] = {
	NOW("as it is", EC, PATH(VERSION, 0), "\x02\x01\x02", 0),
	NOW("a negative serial number", EC, PATH(SERIAL), "\x02\x04\x8f\x22\x33\x44", 0),
	NOW("a serial number with a zero too many", EC, PATH(SERIAL), "\x02\x04\x00\x22\x33\x44", 0),
	NOW("a serial number of 20 bytes and a zero", EC, PATH(SERIAL),
	    "\x02\x15\x00\xff\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14", 0),
	NOW("a serial number of 33 bytes", EC, PATH(SERIAL), "\x02\x21" "123456789012345678901234567890123", -EBADMSG),
	NOW("no subject, since the name is in the alternative one", EC, PATH(SUBJECT), "\x30\x00", 0),
	NOW("no alternative name", EC, PATH(ALT_NAME), "", 0),
	NOW("a critical alternative name with a directory name", EC, PATH(ALT_NAME),
	    "\x30\x1c\x06\x03\x55\x1d\x11\x01\x01\xff\x04\x12\x30\x10\xa4\x0e\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04"
	    "\x03\x0c\x01x", 0),
	BESIDE("critical certificate policies", EC, PATH(ALT_NAME),
	       "\x30\x0e\x06\x03\x55\x1d\x20\x01\x01\xff\x04\x04\x30\x02\x30\x00", 0),
	BESIDE("where lists of revoked ones are: nobody fetches them", EC, PATH(ALT_NAME),
	       "\x30\x09\x06\x03\x55\x1d\x1f\x04\x02\x30\x00", 0),
	BESIDE("who answers about revocation, and where issuers are", EC, PATH(ALT_NAME),
	       "\x30\x0e\x06\x08\x2b\x06\x01\x05\x05\x07\x01\x01\x04\x02\x30\x00", 0),
	BESIDE("the TPM's specification, as a directory attribute", EC, PATH(ALT_NAME),
	       "\x30\x09\x06\x03\x55\x1d\x09\x04\x02\x30\x00", 0),
	BESIDE("a critical extension that nobody knows", EC, PATH(ALT_NAME),
	       "\x30\x0c\x06\x03\x2a\x03\x04\x01\x01\xff\x04\x02\x05\x00", -EBADMSG),
	BESIDE("critical name constraints, which are not looked at", EC, PATH(ALT_NAME),
	       "\x30\x0c\x06\x03\x55\x1d\x1e\x01\x01\xff\x04\x02\x30\x00", -EBADMSG),
	BESIDE("an unknown extension that says it is not critical", EC, PATH(ALT_NAME),
	       "\x30\x0c\x06\x03\x2a\x03\x04\x01\x01\x00\x04\x02\x05\x00", 0),
	NOW("CA:FALSE written out", EC, PATH(BASIC), "\x30\x0c\x06\x03\x55\x1d\x13\x04\x05\x30\x03\x01\x01\x00", 0),
	NOW("an RSA key for OAEP, with its parameters", RSA2048, PATH(SPKI, 0),
	    "\x30\x22\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07\x30\x15\xa2\x13\x30\x11\x06\x09\x2a\x86\x48\x86\xf7\x0d"
	    "\x01\x01\x09\x04\x04TCPA", 0),
	NOW("an RSA key for OAEP, without", RSA2048, PATH(SPKI, 0), "\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07", 0),
	NOW("an RSA signature's algorithm without NULL, outside", RSA2048, PATH(OUTER_ALGORITHM),
	    "\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", 0),
	NOW("a time without end", EC, PATH(VALIDITY, 1), "\x18\x0f" "99991231235959Z", 0),
};

static const struct odd forms[] = {
	NOW("version 1", EC, PATH(VERSION, 0), "\x02\x01\x00", -EBADMSG),
	BESIDE("two versions", EC, PATH(VERSION, 0), "\x02\x01\x02", -EBADMSG),
	BESIDE("a third time", EC, PATH(VALIDITY, 1), "\x18\x0f" "99991231235959Z", -EBADMSG),
	NOW("a first time that is none", EC, PATH(VALIDITY, 0), "\x17\x0d" "251315000000Z", -EBADMSG),
	NOW("a last time that is none", EC, PATH(VALIDITY, 1), "\x17\x0d" "251315000000Z", -EBADMSG),
	NOW("RSA-PSS inside", RSA2048, PATH(ALGORITHM), "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x05\x00", -EBADMSG),
	NOW("another hash inside than outside", RSA2048, PATH(ALGORITHM),
	    "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c\x05\x00", -EBADMSG),
	NOW("another key's kind inside than outside", RSA2048, PATH(ALGORITHM),
	    "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02", -EBADMSG),
	NOW("something in NULL", RSA2048, PATH(OUTER_ALGORITHM),
	    "\x30\x0f\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x02\x05\x00", -EBADMSG),
	NOW("parameters of the signature", RSA2048, PATH(OUTER_ALGORITHM),
	    "\x30\x0f\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00\x05\x00", -EBADMSG),
	NOW("another algorithm outside that nobody knows", RSA2048, PATH(OUTER_ALGORITHM),
	    "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05\x05\x00", -EBADMSG),
	BESIDE("something behind the key's algorithm", EC, PATH(SPKI, 0, 1), "\x05\x00", -EBADMSG),
	BESIDE("something behind the key", EC, PATH(SPKI, 1), "\x05\x00", -EBADMSG),
	NOW("an EC key's curve as NULL", EC, PATH(SPKI, 0, 1), "\x05\x00", -EBADMSG),
	NOW("a curve's number in another coat", EC, PATH(SPKI, 0, 1), "\x04\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", -EBADMSG),
	NOW("a curve that nobody knows", EC, PATH(SPKI, 0, 1), "\x06\x05\x2b\x81\x04\x00\x23", -EBADMSG),
	NOW("DSA's key", EC, PATH(SPKI, 0, 0), "\x06\x07\x2a\x86\x48\xce\x38\x04\x01", -EBADMSG),
	NOW("an RSA key's NULL left out", RSA2048, PATH(SPKI, 0), "\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", -EBADMSG),
	NOW("an RSA key's NULL with something in it", RSA2048, PATH(SPKI, 0, 1), "\x05\x01\x00", -EBADMSG),
	BESIDE("a third number in an RSA key", RSA2048, PATH(SPKI, 1, 0, 1), "\x02\x01\x03", -EBADMSG),
	BESIDE("something behind an RSA key's numbers", RSA2048, PATH(SPKI, 1, 0), "\x02\x01\x03", -EBADMSG),
	NOW("a negative exponent", RSA2048, PATH(SPKI, 1, 0, 1), "\x02\x01\x83", -EBADMSG),
	NOW("an exponent of five bytes", RSA2048, PATH(SPKI, 1, 0, 1), "\x02\x05\x01\x00\x00\x00\x01", -EBADMSG),
	NOW("an even exponent", RSA2048, PATH(SPKI, 1, 0, 1), "\x02\x01\x04", -EBADMSG),
	NOW("the exponent 1", RSA2048, PATH(SPKI, 1, 0, 1), "\x02\x01\x01", -EBADMSG),
	NOW("the exponent 3", RSA2048, PATH(SPKI, 1, 0, 1), "\x02\x01\x03", 0),
	NOW("a short modulus", RSA2048, PATH(SPKI, 1, 0, 0), "\x02\x04\x7f\x00\x00\x01", -EBADMSG),
	NOW("basic constraints with a flag of two bytes", EC, PATH(BASIC, 2), "\x04\x06\x30\x04\x01\x02\xff\xff", -EBADMSG),
	NOW("basic constraints with a flag that is neither", EC, PATH(BASIC, 2), "\x04\x05\x30\x03\x01\x01\x01", -EBADMSG),
	NOW("a path length of two bytes", EC, PATH(BASIC, 2), "\x04\x09\x30\x07\x01\x01\xff\x02\x02\x01\x00", -EBADMSG),
	NOW("a negative path length", EC, PATH(BASIC, 2), "\x04\x08\x30\x06\x01\x01\xff\x02\x01\xff", -EBADMSG),
	NOW("a path length", EC, PATH(BASIC, 2), "\x04\x08\x30\x06\x01\x01\xff\x02\x01\x7f", 0),
	NOW("something behind the path length", EC, PATH(BASIC, 2), "\x04\x0a\x30\x08\x01\x01\xff\x02\x01\x01\x05\x00", -EBADMSG),
	NOW("something behind the basic constraints", EC, PATH(BASIC, 2), "\x04\x04\x30\x00\x05\x00", -EBADMSG),
	NOW("usage that is no BIT STRING", EC, PATH(USAGE, 2), "\x04\x04\x04\x02\x03\x08", -EBADMSG),
	NOW("usage without bits", EC, PATH(USAGE, 2), "\x04\x03\x03\x01\x00", -EBADMSG),
	NOW("usage of no bytes", EC, PATH(USAGE, 2), "\x04\x02\x03\x00", -EBADMSG),
	NOW("usage of three bytes", EC, PATH(USAGE, 2), "\x04\x06\x03\x04\x00\x08\x00\x80", -EBADMSG),
	NOW("usage with eight unused bits", EC, PATH(USAGE, 2), "\x04\x04\x03\x02\x08\x00", -EBADMSG),
	NOW("usage with an unused bit set", EC, PATH(USAGE, 2), "\x04\x04\x03\x02\x04\x08", -EBADMSG),
	NOW("usage of nine bits", EC, PATH(USAGE, 2), "\x04\x05\x03\x03\x07\x08\x80", 0),
	NOW("something behind the usage", EC, PATH(USAGE, 2), "\x04\x06\x03\x02\x03\x08\x05\x00", -EBADMSG),
	NOW("an extended usage that is no OID", EC, PATH(EXTENDED, 1), "\x04\x04\x30\x02\x05\x00", -EBADMSG),
	NOW("an extended usage that is cut", EC, PATH(EXTENDED, 1), "\x04\x04\x30\x02\x06\x05", -EBADMSG),
	NOW("basic constraints twice", EC, PATH(ALT_NAME), "\x30\x09\x06\x03\x55\x1d\x13\x04\x02\x30\x00", -EBADMSG),
	NOW("usage twice", EC, PATH(ALT_NAME), "\x30\x0b\x06\x03\x55\x1d\x0f\x04\x04\x03\x02\x03\x08", -EBADMSG),
	NOW("extended usage twice", EC, PATH(ALT_NAME), "\x30\x09\x06\x03\x55\x1d\x25\x04\x02\x30\x00", -EBADMSG),
	NOW("critical, of two bytes", EC, PATH(ALT_NAME, 1), "\x01\x02\xff\xff", -EBADMSG),
	NOW("critical, neither yes nor no", EC, PATH(ALT_NAME, 1), "\x01\x01\x01", -EBADMSG),
	BESIDE("something behind an extension", EC, PATH(ALT_NAME, 2), "\x05\x00", -EBADMSG),
	BESIDE("an extension that is none", EC, PATH(ALT_NAME), "\x05\x00", -EBADMSG),
	BESIDE("something behind the list of extensions", EC, PATH(EXTENSIONS, 0), "\x05\x00", -EBADMSG),
	NOW("extensions that are no list", EC, PATH(EXTENSIONS, 0), "\x05\x00", -EBADMSG),
	NOW("no list of extensions", EC, PATH(EXTENSIONS), "\xa3\x00", -EBADMSG),
	BESIDE("something behind the extensions", EC, PATH(EXTENSIONS), "\x05\x00", -EBADMSG),
	NOW("no extensions", EC, PATH(EXTENSIONS), "", 0),
	NOW("a signature with unused bits", EC, PATH(SIGNATURE), "\x03\x02\x01\x02", -EBADMSG),
	NOW("a signature of no bytes", EC, PATH(SIGNATURE), "\x03\x00", -EBADMSG),
	BESIDE("something behind the signature", EC, PATH(SIGNATURE), "\x05\x00", -EBADMSG),
	NOW("an issuer that is no list", EC, PATH(ISSUER), "\x31\x00", -EBADMSG),
	NOW("a subject that is no list", EC, PATH(SUBJECT), "\x31\x00", -EBADMSG),
	NOW("a serial number that is none", EC, PATH(SERIAL), "\x04\x01\x01", -EBADMSG),
	NOW("a coordinate too short", EC, PATH(SPKI, 1), "\x03\x03\x00\x04\x01", -EBADMSG),
	NOW("a key with unused bits", EC, PATH(SPKI, 1), "\x03\x03\x01\x04\x02", -EBADMSG),
};

/* As long as it is, so that the sanitizer sees who reads on. */
static int parse_exact(const struct bytes *bytes, struct sb_cert *cert)
{
	uint8_t *exact = malloc(bytes->length);
	int result;

	assert_non_null(exact);
	memcpy(exact, bytes->data, bytes->length);
	result = sb_cert_parse(exact, bytes->length, cert);
	free(exact);
	return result;
}

static void try_all(const struct odd *odd, size_t count)
{
	struct bytes changed;
	struct sb_cert cert;
	int result;

	for (size_t i = 0; i < count; i++) {
		changed.length = 0;
		der_edit(good[odd[i].kind].data, odd[i].path, odd[i].bytes, odd[i].length, odd[i].behind, &changed);
		result = parse_exact(&changed, &cert);
		if (result != odd[i].want)
			fail_msg("%s: %d", odd[i].what, result);
	}
}

static void oddities(void **state)
{
	try_all(vendors, SB_ARRAY_SIZE(vendors));
}

static void strict(void **state)
{
	try_all(forms, SB_ARRAY_SIZE(forms));
}

/* What a point and a modulus may not be, in keys of the right length. */
static void numbers(void **state)
{
	static const int spki_bits[] = { SPKI, 1, DER_END }, modulus_at[] = { SPKI, 1, 0, 0, DER_END };
	struct bytes value = { .length = 0 }, changed = { .length = 0 };
	uint8_t point[1 + 65] = { 0, 5 }, modulus[600];
	struct sb_cert cert;

	/* Neither compressed nor plain. */
	put_der(&value, 0x03, point, sizeof(point));
	der_edit(good[EC].data, spki_bits, value.data, value.length, false, &changed);
	assert_int_equal(parse_exact(&changed, &cert), -EBADMSG);
	static const struct { size_t length; uint8_t first, last; int want; } moduli[] = {
		{ 257, 0, 1, 0 }, { 257, 0, 2, -EBADMSG }, { 256, 0x80, 1, -EBADMSG }, { 256, 0x7f, 1, 0 },
		{ 255, 0x7f, 1, -EBADMSG }, { 512, 0x7f, 1, 0 }, { 513, 0x7f, 1, -EBADMSG },
	};
	for (size_t i = 0; i < SB_ARRAY_SIZE(moduli); i++) {
		memset(modulus, 0xa5, sizeof(modulus));
		modulus[0] = moduli[i].first;
		modulus[moduli[i].length - 1] = moduli[i].last;
		value.length = changed.length = 0;
		put_der(&value, 0x02, modulus, moduli[i].length);
		der_edit(good[RSA2048].data, modulus_at, value.data, value.length, false, &changed);
		if (parse_exact(&changed, &cert) != moduli[i].want)
			fail_msg("modulus %zu", i);
	}
}

static int set_up(void **state)
{
	static const struct maker issuers[2] = { { NULL, "issuer" }, { NULL, "issuer" } };
	struct maker issuer[2] = { issuers[0], issuers[1] };

	key[EC] = issuer[EC].key = ec_key("P-256");
	key[RSA2048] = issuer[RSA2048].key = rsa_key(2048);
	for (int i = 0; i < 2; i++) {
		struct wish wish = { .issuer = &issuer[i], .key = key[i], .subject = "device", .from = CERT_NOW - DAY,
				     .to = CERT_NOW + DAY, .version = 2, .basic = "critical,CA:FALSE",
				     .usage = i == EC ? "critical,keyAgreement" : "critical,keyEncipherment",
				     .extended = "2.23.133.8.1", .alt_name = "critical,URI:urn:tpm", .digest = EVP_sha256() };

		make_cert(&wish, &good[i]);
	}
	return 0;
}

static int tear_down(void **state)
{
	EVP_PKEY_free(key[0]);
	EVP_PKEY_free(key[1]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(oddities), cmocka_unit_test(strict), cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
