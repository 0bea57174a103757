/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates made by OpenSSL, as vendors make them: a root, an issuer below it, an EK's. */
#ifndef CERT_WORLD_H
#define CERT_WORLD_H

#include "tpm_world.h"

#include <openssl/x509v3.h>

#include "state/cert.h"

#define CERT_NOW	1750000000	/* 2025-06-15 */
#define DAY		86400

struct maker {
	EVP_PKEY *key;
	const char *name;
};

/* What is in a certificate; a test changes one thing. */
struct wish {
	const struct maker *issuer;
	EVP_PKEY *key;
	const char *subject;
	int64_t from, to;
	long version;			/* 2 is v3 */
	const char *basic, *usage, *extended, *alt_name, *more;	/* NULL: not there */
	const EVP_MD *digest;
};

static inline EVP_PKEY *ec_key(const char *curve)
{
	EVP_PKEY *key = EVP_EC_gen(curve);

	assert_non_null(key);
	return key;
}

static inline EVP_PKEY *rsa_key(unsigned int bits)
{
	EVP_PKEY *key = EVP_RSA_gen(bits);

	assert_non_null(key);
	return key;
}

static inline void add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	if (!value)
		return;
	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(extension);
	assert_true(X509_add_ext(cert, extension, -1));
	X509_EXTENSION_free(extension);
}

/* An extension of a number nobody knows. */
static inline void add_unknown(X509 *cert, int critical)
{
	ASN1_OBJECT *object = OBJ_txt2obj("1.2.3.4.5", 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;

	ASN1_OCTET_STRING_set(value, (const uint8_t *)"\5\0", 2);
	extension = X509_EXTENSION_create_by_OBJ(NULL, object, critical, value);
	assert_true(X509_add_ext(cert, extension, -1));
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(object);
}

static inline void set_name(X509_NAME *name, const char *text)
{
	assert_true(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)text, -1, -1, 0));
}

static inline void make_cert(const struct wish *wish, struct bytes *out)
{
	X509 *cert = X509_new();
	uint8_t *der = NULL;
	int length;

	X509_set_version(cert, wish->version);
	ASN1_INTEGER_set_int64(X509_get_serialNumber(cert), 0x1122334455667788);
	set_name(X509_get_issuer_name(cert), wish->issuer->name);
	set_name(X509_get_subject_name(cert), wish->subject);
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(cert), wish->from));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(cert), wish->to));
	assert_true(X509_set_pubkey(cert, wish->key));
	add_extension(cert, NID_basic_constraints, wish->basic);
	add_extension(cert, NID_key_usage, wish->usage);
	add_extension(cert, NID_ext_key_usage, wish->extended);
	add_extension(cert, NID_subject_alt_name, wish->alt_name);
	if (wish->more)
		add_unknown(cert, strcmp(wish->more, "critical") == 0);
	assert_true(X509_sign(cert, wish->issuer->key, wish->digest));
	length = i2d_X509(cert, &der);
	assert_true(length > 0 && (size_t)length <= sizeof(out->data));
	memcpy(out->data, der, (size_t)length);
	out->length = (size_t)length;
	OPENSSL_free(der);
	X509_free(cert);
}

static inline struct sb_span span_of(const struct bytes *bytes)
{
	return (struct sb_span){ bytes->data, bytes->length };
}

#endif
