// SPDX-License-Identifier: Apache-2.0
#include "state/cert.h"

#include <errno.h>
#include <string.h>

#include "state/crypto.h"
#include "state/der.h"

#define OID_RSA			"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define OID_RSA_OAEP		"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07"	/* of some EKs */
#define OID_RSA_SHA256		"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"
#define OID_RSA_SHA384		"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c"
#define OID_RSA_SHA512		"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d"
#define OID_ECDSA_SHA256	"\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define OID_ECDSA_SHA384	"\x2a\x86\x48\xce\x3d\x04\x03\x03"
#define OID_ECDSA_SHA512	"\x2a\x86\x48\xce\x3d\x04\x03\x04"
#define OID_EC			"\x2a\x86\x48\xce\x3d\x02\x01"
#define OID_P256		"\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define OID_P384		"\x2b\x81\x04\x00\x22"
#define OID_KEY_USAGE		"\x55\x1d\x0f"
#define OID_ALT_NAME		"\x55\x1d\x11"
#define OID_BASIC		"\x55\x1d\x13"
#define OID_POLICIES		"\x55\x1d\x20"
#define OID_EXTENDED_USAGE	"\x55\x1d\x25"
#define OID_TCG_EK		"\x67\x81\x05\x08\x01"

static bool read_algorithm(struct sb_reader *reader, struct sb_cert *cert)
{
	static const struct {
		const char *oid;
		size_t length;
		uint16_t scheme, hash;
	} known[] = {
		{ OID_RSA_SHA256, 9, SB_TPM_ALG_RSASSA, SB_TPM_ALG_SHA256 },
		{ OID_RSA_SHA384, 9, SB_TPM_ALG_RSASSA, SB_TPM_ALG_SHA384 },
		{ OID_RSA_SHA512, 9, SB_TPM_ALG_RSASSA, SB_TPM_ALG_SHA512 },
		{ OID_ECDSA_SHA256, 8, SB_TPM_ALG_ECDSA, SB_TPM_ALG_SHA256 },
		{ OID_ECDSA_SHA384, 8, SB_TPM_ALG_ECDSA, SB_TPM_ALG_SHA384 },
		{ OID_ECDSA_SHA512, 8, SB_TPM_ALG_ECDSA, SB_TPM_ALG_SHA512 },
	};
	struct sb_reader inside = sb_der_into(reader, SB_DER_SEQUENCE);
	struct sb_span oid = sb_der(&inside, SB_DER_OID);

	/* RSA has a NULL behind it, which some leave out; ECDSA has nothing. */
	if (sb_der_is(&inside, SB_DER_NULL) && sb_der(&inside, SB_DER_NULL).length)
		return false;
	if (!sb_read_whole(&inside))
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (sb_der_bytes_are(oid, known[i].oid, known[i].length)) {
			cert->signature_scheme = known[i].scheme;
			cert->signature_hash = known[i].hash;
			return true;
		}
	return false;
}

static bool read_rsa_key(struct sb_span bits, struct sb_cert_key *key)
{
	struct sb_reader reader = { bits.data, bits.length, false };
	struct sb_reader inside = sb_der_into(&reader, SB_DER_SEQUENCE);
	struct sb_span modulus = sb_der(&inside, SB_DER_INTEGER), exponent = sb_der(&inside, SB_DER_INTEGER);
	struct sb_reader number;

	if (!sb_read_whole(&inside) || !sb_read_whole(&reader) || !sb_der_positive(modulus, &key->modulus) ||
	    !sb_der_positive(exponent, &exponent) || exponent.length > 4 ||
	    key->modulus.length < 256 || key->modulus.length > SB_TPM_RSA_MAX)
		return false;
	number = (struct sb_reader){ exponent.data, exponent.length, false };
	key->exponent = (uint32_t)sb_read_be(&number, exponent.length);
	key->type = SB_TPM_ALG_RSA;
	return key->exponent >= 3 && key->exponent & 1 && key->modulus.data[key->modulus.length - 1] & 1;
}

static bool read_ec_key(struct sb_span bits, struct sb_cert_key *key)
{
	size_t length = sb_curve_length(key->curve);

	if (!length || bits.length != 1 + 2 * length || bits.data[0] != 4)
		return false;
	key->type = SB_TPM_ALG_ECC;
	key->x = (struct sb_span){ bits.data + 1, length };
	key->y = (struct sb_span){ bits.data + 1 + length, length };
	return true;
}

static bool read_key(struct sb_reader *reader, struct sb_cert_key *key)
{
	struct sb_reader whole = sb_der_into(reader, SB_DER_SEQUENCE);
	struct sb_reader algorithm = sb_der_into(&whole, SB_DER_SEQUENCE);
	struct sb_span oid = sb_der(&algorithm, SB_DER_OID), parameters, bits = { NULL, 0 };
	uint8_t tag = 0;

	parameters = algorithm.left ? sb_der_any(&algorithm, &tag) : (struct sb_span){ NULL, 0 };
	if (!sb_read_whole(&algorithm) || !sb_der_bits(sb_der(&whole, SB_DER_BIT_STRING), &bits) ||
	    !sb_read_whole(&whole))
		return false;
	if (sb_der_oid_is(oid, OID_RSA))
		return tag == SB_DER_NULL && !parameters.length && read_rsa_key(bits, key);
	/* What the padding's parameters are does not matter to a key that is only compared. */
	if (sb_der_oid_is(oid, OID_RSA_OAEP))
		return read_rsa_key(bits, key);
	if (!sb_der_oid_is(oid, OID_EC) || tag != SB_DER_OID)
		return false;
	key->curve = sb_der_oid_is(parameters, OID_P256) ? SB_TPM_CURVE_P256 :
		     sb_der_oid_is(parameters, OID_P384) ? SB_TPM_CURVE_P384 : 0;
	return read_ec_key(bits, key);
}

static bool read_basic(struct sb_reader *reader, struct sb_cert *cert)
{
	struct sb_reader inside = sb_der_into(reader, SB_DER_SEQUENCE);
	struct sb_span flag, length;

	if (sb_der_is(&inside, SB_DER_BOOLEAN)) {
		flag = sb_der(&inside, SB_DER_BOOLEAN);
		/* FALSE is the default, which DER leaves out; some write it. */
		if (flag.length != 1 || (flag.data[0] != 0xff && flag.data[0] != 0))
			return false;
		cert->is_ca = flag.data[0];
	}
	if (sb_der_is(&inside, SB_DER_INTEGER)) {
		length = sb_der(&inside, SB_DER_INTEGER);
		if (length.length != 1 || length.data[0] > 0x7f)
			return false;
		cert->has_path_length = true;
		cert->path_length = length.data[0];
	}
	return sb_read_whole(&inside);
}

/* A BIT STRING whose unused bits are clear; bit 0 is the first one's highest. */
static bool read_usage(struct sb_reader *reader, struct sb_cert *cert)
{
	struct sb_span bits = sb_der(reader, SB_DER_BIT_STRING);
	uint16_t usage = 0;

	if (reader->failed || bits.length < 2 || bits.length > 3 || bits.data[0] > 7 ||
	    bits.data[bits.length - 1] & ((1 << bits.data[0]) - 1))
		return false;
	for (size_t i = 0; i < 8 * (bits.length - 1) && i < 9; i++)
		if (bits.data[1 + i / 8] & (0x80 >> i % 8))
			usage |= (uint16_t)(1 << i);
	cert->has_key_usage = true;
	cert->key_usage = usage;
	return true;
}

static bool read_extended(struct sb_reader *reader, struct sb_cert *cert)
{
	struct sb_reader inside = sb_der_into(reader, SB_DER_SEQUENCE);

	while (!inside.failed && inside.left)
		if (sb_der_oid_is(sb_der(&inside, SB_DER_OID), OID_TCG_EK))
			cert->for_ek = true;
	return !inside.failed;
}

enum { BASIC = 1 << 0, USAGE = 1 << 1, EXTENDED = 1 << 2 };

static bool once(unsigned int *seen, unsigned int which)
{
	bool first = !(*seen & which);

	*seen |= which;
	return first;
}

static bool read_extension(struct sb_reader *reader, struct sb_cert *cert, unsigned int *seen)
{
	struct sb_reader inside = sb_der_into(reader, SB_DER_SEQUENCE);
	struct sb_span oid = sb_der(&inside, SB_DER_OID), flag, value;
	bool critical = false, good;
	struct sb_reader content;

	if (sb_der_is(&inside, SB_DER_BOOLEAN)) {
		flag = sb_der(&inside, SB_DER_BOOLEAN);
		if (flag.length != 1 || (flag.data[0] != 0xff && flag.data[0] != 0))
			return false;
		critical = flag.data[0];
	}
	value = sb_der(&inside, SB_DER_OCTET_STRING);
	if (!sb_read_whole(&inside))
		return false;
	content = (struct sb_reader){ value.data, value.length, false };
	if (sb_der_oid_is(oid, OID_BASIC))
		good = once(seen, BASIC) && read_basic(&content, cert);
	else if (sb_der_oid_is(oid, OID_KEY_USAGE))
		good = once(seen, USAGE) && read_usage(&content, cert);
	else if (sb_der_oid_is(oid, OID_EXTENDED_USAGE))
		good = once(seen, EXTENDED) && read_extended(&content, cert);
	else	/* The alternative name has the TPM's model and is often critical; it decides nothing. */
		return !critical || sb_der_oid_is(oid, OID_ALT_NAME) || sb_der_oid_is(oid, OID_POLICIES);
	return good && sb_read_whole(&content);
}

static bool read_extensions(struct sb_reader *reader, struct sb_cert *cert)
{
	struct sb_reader outer, list;
	unsigned int seen = 0;

	if (!reader->left)
		return true;
	outer = sb_der_into(reader, SB_DER_CONTEXT_MADE | 3);
	list = sb_der_into(&outer, SB_DER_SEQUENCE);
	while (!list.failed && list.left)
		if (!read_extension(&list, cert, &seen))
			return false;
	return sb_read_whole(&list) && sb_read_whole(&outer);
}

/* A name with its header, so that two are equal exactly when their bytes are. */
static struct sb_span read_name(struct sb_reader *reader)
{
	const uint8_t *start = reader->data;

	sb_der(reader, SB_DER_SEQUENCE);
	return (struct sb_span){ start, reader->failed ? 0 : (size_t)(reader->data - start) };
}

static bool read_signed(struct sb_reader *reader, struct sb_cert *cert)
{
	struct sb_reader version = sb_der_into(reader, SB_DER_CONTEXT_MADE | 0), validity;
	struct sb_cert inner = *cert;

	if (!sb_der_oid_is(sb_der(&version, SB_DER_INTEGER), "\x02") || !sb_read_whole(&version))
		return false;
	if (sb_der(reader, SB_DER_INTEGER).length > 32 || !read_algorithm(reader, &inner))
		return false;
	cert->signature_scheme = inner.signature_scheme;
	cert->signature_hash = inner.signature_hash;
	cert->issuer = read_name(reader);
	validity = sb_der_into(reader, SB_DER_SEQUENCE);
	if (!sb_der_time(&validity, &cert->not_before) || !sb_der_time(&validity, &cert->not_after) ||
	    !sb_read_whole(&validity))
		return false;
	cert->subject = read_name(reader);
	return !reader->failed && read_key(reader, &cert->key) && read_extensions(reader, cert) &&
	       sb_read_whole(reader);
}

int sb_cert_parse(const uint8_t *data, size_t length, struct sb_cert *cert)
{
	struct sb_reader reader = { data, length, length > SB_CERT_MAX };
	struct sb_reader whole = sb_der_into(&reader, SB_DER_SEQUENCE), part;
	struct sb_cert read = { .signed_part = { whole.data, 0 } }, outer;

	part = sb_der_into(&whole, SB_DER_SEQUENCE);
	if (whole.failed || !sb_read_whole(&reader))
		return -EBADMSG;
	read.signed_part.length = (size_t)(whole.data - read.signed_part.data);
	if (!read_signed(&part, &read) || !read_algorithm(&whole, &outer) ||
	    outer.signature_scheme != read.signature_scheme || outer.signature_hash != read.signature_hash ||
	    !sb_der_bits(sb_der(&whole, SB_DER_BIT_STRING), &read.signature) || !sb_read_whole(&whole))
		return -EBADMSG;
	*cert = read;
	return 0;
}
