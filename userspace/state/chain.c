// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "state/cert.h"
#include "state/crypto.h"
#include "state/der.h"

static bool same(struct sb_span a, struct sb_span b)
{
	return sb_der_bytes_are(a, b.data, b.length);
}

/* A coordinate may have lost its leading zeros in a TPM's answer. */
static bool same_number(struct sb_span a, struct sb_span b)
{
	while (a.length && !a.data[0]) {
		a.data++;
		a.length--;
	}
	while (b.length && !b.data[0]) {
		b.data++;
		b.length--;
	}
	return same(a, b);
}

static bool is_for(const struct sb_cert *cert, const struct sb_tpm_public *ek)
{
	if (cert->key.type != ek->type)
		return false;
	if (ek->type == SB_TPM_ALG_RSA)
		return same(cert->key.modulus, ek->modulus) && cert->key.exponent == ek->exponent;
	return cert->key.curve == ek->curve && same_number(cert->key.x, ek->x) && same_number(cert->key.y, ek->y);
}

/* TCG EK Credential Profile: the extended usage names an EK; the usage is what its kind of key does. */
static bool is_ek_cert(const struct sb_cert *cert)
{
	uint16_t needed = cert->key.type == SB_TPM_ALG_RSA ? SB_CERT_KEY_ENCIPHERMENT : SB_CERT_KEY_AGREEMENT;

	return cert->for_ek && !cert->is_ca && (!cert->has_key_usage || cert->key_usage & needed);
}

static bool is_iak_cert(const struct sb_cert *cert)
{
	return !cert->for_ek && !cert->is_ca && (!cert->has_key_usage || cert->key_usage & SB_CERT_DIGITAL_SIGNATURE);
}

static bool may_issue(const struct sb_cert *cert)
{
	return cert->is_ca && (!cert->has_key_usage || cert->key_usage & SB_CERT_SIGN_CERT);
}

static int verify_ecdsa(const struct sb_cert *cert, const struct sb_cert_key *key, struct sb_span digest)
{
	struct sb_reader reader = { cert->signature.data, cert->signature.length, false };
	struct sb_reader inside = sb_der_into(&reader, SB_DER_SEQUENCE);
	struct sb_span r = sb_der(&inside, SB_DER_INTEGER), s = sb_der(&inside, SB_DER_INTEGER);

	if (!sb_read_whole(&inside) || !sb_read_whole(&reader) || !sb_der_positive(r, &r) || !sb_der_positive(s, &s))
		return -EKEYREJECTED;
	return sb_ecdsa_verify(key->curve, key->x, key->y, digest, r, s);
}

static bool is_signed_by(const struct sb_cert *cert, const struct sb_cert *issuer)
{
	const struct sb_cert_key *key = &issuer->key;
	uint8_t bytes[SB_TPM_DIGEST_MAX];
	struct sb_span digest = { bytes, sb_hash(cert->signature_hash, &cert->signed_part, 1, bytes) };
	int result = -EKEYREJECTED;

	if (cert->signature_scheme == SB_TPM_ALG_ECDSA && key->type == SB_TPM_ALG_ECC)
		result = verify_ecdsa(cert, key, digest);
	else if (cert->signature_scheme == SB_TPM_ALG_RSASSA && key->type == SB_TPM_ALG_RSA)
		result = sb_rsa_verify(key->modulus, key->exponent, SB_TPM_ALG_RSASSA, cert->signature_hash, digest,
				       cert->signature);
	/* One node must not refuse for want of memory what all others accept: it stops. */
	if (result == -ENOMEM)
		abort();
	return result == 0;
}

static enum sb_chain_verdict in_time(const struct sb_cert *cert, int64_t now)
{
	return now < cert->not_before ? SB_CHAIN_NOT_YET : now > cert->not_after ? SB_CHAIN_OVER : SB_CHAIN_OK;
}

/* @below: how many certificates of issuers stand between the issuer and the EK's. */
static enum sb_chain_verdict check_link(const struct sb_cert *cert, const struct sb_cert *issuer, size_t below)
{
	if (!may_issue(issuer))
		return SB_CHAIN_NOT_CA;
	if (issuer->has_path_length && issuer->path_length < below)
		return SB_CHAIN_PATH_LENGTH;
	return is_signed_by(cert, issuer) ? SB_CHAIN_OK : SB_CHAIN_SIGNATURE;
}

/* Two roots may have one name, a renewed one for example: the one that signed counts. */
static enum sb_chain_verdict find_root(const struct sb_cert *last, size_t below, const struct sb_span *roots,
				       size_t count, size_t *root)
{
	enum sb_chain_verdict verdict = SB_CHAIN_NO_ROOT;
	struct sb_cert candidate;

	for (size_t i = 0; i < count && verdict != SB_CHAIN_OK; i++) {
		if (sb_cert_parse(roots[i].data, roots[i].length, &candidate) < 0 ||
		    !same(last->issuer, candidate.subject))
			continue;
		verdict = check_link(last, &candidate, below);
		if (verdict == SB_CHAIN_OK)
			*root = i;
	}
	return verdict;
}

static enum sb_chain_verdict check_chain(const struct sb_tpm_public *key, bool (*is_its_cert)(const struct sb_cert *cert),
					 const struct sb_span *certs, size_t count, const struct sb_span *roots,
					 size_t roots_count, int64_t now, size_t *root)
{
	struct sb_cert chain[1 + SB_CHAIN_MAX];
	enum sb_chain_verdict verdict = SB_CHAIN_OK;

	if (!count || count > SB_ARRAY_SIZE(chain))
		return count ? SB_CHAIN_TOO_LONG : SB_CHAIN_MALFORMED;
	for (size_t i = 0; i < count; i++)
		if (sb_cert_parse(certs[i].data, certs[i].length, &chain[i]) < 0)
			return SB_CHAIN_MALFORMED;
	if (!is_for(&chain[0], key))
		return SB_CHAIN_OTHER_KEY;
	if (!is_its_cert(&chain[0]))
		return SB_CHAIN_NOT_EK;
	for (size_t i = 0; i < count && verdict == SB_CHAIN_OK; i++)
		verdict = in_time(&chain[i], now);
	for (size_t i = 1; i < count && verdict == SB_CHAIN_OK; i++)
		verdict = same(chain[i - 1].issuer, chain[i].subject) ? check_link(&chain[i - 1], &chain[i], i - 1) :
									 SB_CHAIN_NO_ROOT;
	return verdict == SB_CHAIN_OK ? find_root(&chain[count - 1], count - 1, roots, roots_count, root) : verdict;
}

enum sb_chain_verdict sb_chain_check(const struct sb_tpm_public *ek, const struct sb_span *certs,
				     size_t count, const struct sb_span *roots, size_t roots_count,
				     int64_t now, size_t *root)
{
	return check_chain(ek, is_ek_cert, certs, count, roots, roots_count, now, root);
}

enum sb_chain_verdict sb_chain_check_iak(const struct sb_tpm_public *iak, const struct sb_span *certs,
					 size_t count, const struct sb_span *roots, size_t roots_count,
					 int64_t now, size_t *root)
{
	return check_chain(iak, is_iak_cert, certs, count, roots, roots_count, now, root);
}

const char *sb_chain_name(enum sb_chain_verdict verdict)
{
	static const char *const names[] = {
		[SB_CHAIN_OK] = "ok", [SB_CHAIN_MALFORMED] = "cert-malformed", [SB_CHAIN_TOO_LONG] = "cert-chain-too-long",
		[SB_CHAIN_OTHER_KEY] = "cert-other-key", [SB_CHAIN_NOT_EK] = "cert-not-ek",
		[SB_CHAIN_NOT_YET] = "cert-not-yet-valid", [SB_CHAIN_OVER] = "cert-expired",
		[SB_CHAIN_NO_ROOT] = "cert-no-trust-root", [SB_CHAIN_NOT_CA] = "cert-issuer-not-ca",
		[SB_CHAIN_PATH_LENGTH] = "cert-path-length", [SB_CHAIN_SIGNATURE] = "cert-bad-signature",
	};

	_Static_assert(SB_ARRAY_SIZE(names) == SB_CHAIN_VERDICTS, "a name for each verdict");
	return (unsigned int)verdict < SB_CHAIN_VERDICTS ? names[verdict] : "unknown";
}
