/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public areas of TPM keys (TPM 2.0 part 2, TPMT_PUBLIC), their Names, and what an attestation
 * key has to be. Pure.
 */
#ifndef SB_STATE_TPM_PUBLIC_H
#define SB_STATE_TPM_PUBLIC_H

#include "state/reader.h"

/* TPM_ALG_ID, TPM_ECC_CURVE and TPM_RH (part 2) */
enum {
	SB_TPM_ALG_RSA = 0x0001, SB_TPM_ALG_SHA1 = 0x0004, SB_TPM_ALG_AES = 0x0006, SB_TPM_ALG_SHA256 = 0x000b,
	SB_TPM_ALG_SHA384 = 0x000c, SB_TPM_ALG_SHA512 = 0x000d, SB_TPM_ALG_NULL = 0x0010,
	SB_TPM_ALG_RSASSA = 0x0014, SB_TPM_ALG_RSAPSS = 0x0016, SB_TPM_ALG_ECDSA = 0x0018,
	SB_TPM_ALG_ECC = 0x0023, SB_TPM_ALG_CFB = 0x0043,
	SB_TPM_CURVE_P256 = 0x0003, SB_TPM_CURVE_P384 = 0x0004,
};
#define SB_TPM_RH_ENDORSEMENT_HANDLE	0x4000000bU

/* TPMA_OBJECT */
enum {
	SB_TPM_FIXED_TPM = 1 << 1, SB_TPM_ST_CLEAR = 1 << 2, SB_TPM_FIXED_PARENT = 1 << 4,
	SB_TPM_SENSITIVE_DATA_ORIGIN = 1 << 5, SB_TPM_USER_WITH_AUTH = 1 << 6,
	SB_TPM_ADMIN_WITH_POLICY = 1 << 7, SB_TPM_NO_DA = 1 << 10,
	SB_TPM_ENCRYPTED_DUPLICATION = 1 << 11, SB_TPM_RESTRICTED = 1 << 16,
	SB_TPM_DECRYPT = 1 << 17, SB_TPM_SIGN = 1 << 18, SB_TPM_X509_SIGN = 1 << 19,
};
#define SB_TPM_ATTRIBUTES_KNOWN	(SB_TPM_FIXED_TPM | SB_TPM_ST_CLEAR | SB_TPM_FIXED_PARENT | \
	SB_TPM_SENSITIVE_DATA_ORIGIN | SB_TPM_USER_WITH_AUTH | SB_TPM_ADMIN_WITH_POLICY | \
	SB_TPM_NO_DA | SB_TPM_ENCRYPTED_DUPLICATION | SB_TPM_RESTRICTED | SB_TPM_DECRYPT | \
	SB_TPM_SIGN | SB_TPM_X509_SIGN)

#define SB_TPM_DIGEST_MAX	64
#define SB_TPM_NAME_MAX		(2 + SB_TPM_DIGEST_MAX)
#define SB_TPM_RSA_MAX		512	/* bytes of a modulus */
#define SB_TPM_PUBLIC_MAX	1024

/* Points into the bytes that were read. */
struct sb_tpm_public {
	uint16_t type;			/* SB_TPM_ALG_RSA or SB_TPM_ALG_ECC */
	uint16_t name_alg;		/* SHA-256, -384 or -512 */
	uint32_t attributes;
	struct sb_span policy;
	uint16_t symmetric, symmetric_bits, symmetric_mode;	/* 0 where symmetric is NULL */
	uint16_t scheme, scheme_hash;	/* scheme_hash 0 where scheme is NULL */
	uint16_t curve;			/* ECC */
	struct sb_span x, y;		/* ECC, big endian, as long as they came */
	uint16_t bits;			/* RSA */
	uint32_t exponent;		/* RSA; 0 stands for 65537 and is given as that */
	struct sb_span modulus;		/* RSA, big endian */
	struct sb_span whole;		/* the TPMT_PUBLIC itself */
};

/*
 * sb_tpm_public_parse() - exactly @length bytes of TPMT_PUBLIC (without a TPM2B's size before it).
 * Keys of other types, other name algorithms and reserved attribute bits are refused.
 * Returns 0 or -EBADMSG; *public is untouched then.
 */
int sb_tpm_public_parse(const uint8_t *data, size_t length, struct sb_tpm_public *public);

/* sb_tpm_name() - the Name (part 1, section 16): algorithm and digest. Returns its length. */
size_t sb_tpm_name(const struct sb_tpm_public *public, uint8_t name[SB_TPM_NAME_MAX]);

/*
 * sb_tpm_qualified_name() - of a primary key in a hierarchy (part 1, section 16.5):
 * algorithm || H(handle || Name). Returns its length.
 */
size_t sb_tpm_qualified_name(const struct sb_tpm_public *public, uint32_t hierarchy,
			     uint8_t name[SB_TPM_NAME_MAX]);

/* Why a public area is not one of an attestation key. The names are stable. */
enum sb_ak_verdict {
	SB_AK_OK,
	SB_AK_MALFORMED,
	SB_AK_NOT_FIXED_TPM,		/* it could leave its TPM */
	SB_AK_NOT_FIXED_PARENT,
	SB_AK_NOT_MADE_INSIDE,		/* sensitiveDataOrigin clear: somebody may know the private key */
	SB_AK_NOT_RESTRICTED,		/* it would sign what looks like a quote */
	SB_AK_NOT_SIGN,
	SB_AK_DECRYPT,
	SB_AK_ALGORITHM,		/* neither P-256 nor RSA of 2048 bits and more */
	SB_AK_SCHEME,			/* not ECDSA, RSASSA or RSAPSS with SHA-256 or better */
	SB_AK_VERDICTS
};

enum sb_ak_verdict sb_ak_check(const struct sb_tpm_public *public);
const char *sb_ak_name(enum sb_ak_verdict verdict);

#endif
