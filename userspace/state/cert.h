/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates of endorsement keys and of those who issue them (RFC 5280; TCG EK Credential Profile
 * 2.5), as far as a chain to a trust root needs them, and the rules of that chain. Pure: the clock is
 * the block's time, nothing is fetched, and no revocation list is asked: a root or a device is
 * removed from the ledger instead.
 */
#ifndef SB_STATE_CERT_H
#define SB_STATE_CERT_H

#include "state/tpm_public.h"

#define SB_CERT_MAX	4096	/* bytes of one */
#define SB_CHAIN_MAX	4	/* certificates between the EK's and the root's */

struct sb_cert_key {
	uint16_t type;			/* SB_TPM_ALG_RSA, SB_TPM_ALG_ECC */
	struct sb_span modulus;		/* RSA */
	uint32_t exponent;
	uint16_t curve;			/* ECC: P-256 or P-384 */
	struct sb_span x, y;
};

/* KeyUsage's bits by their numbers */
#define SB_CERT_DIGITAL_SIGNATURE	(1 << 0)
#define SB_CERT_KEY_ENCIPHERMENT	(1 << 2)
#define SB_CERT_KEY_AGREEMENT		(1 << 4)
#define SB_CERT_SIGN_CERT		(1 << 5)

/* Points into the bytes that were read. */
struct sb_cert {
	struct sb_span signed_part;	/* TBSCertificate with its header */
	struct sb_span issuer, subject;	/* names, whole, to be compared byte for byte */
	int64_t not_before, not_after;	/* seconds since 1970 */
	struct sb_cert_key key;
	uint16_t signature_scheme;	/* SB_TPM_ALG_RSASSA or _ECDSA */
	uint16_t signature_hash;
	struct sb_span signature;	/* RSA: as long as the modulus; ECDSA: r and s in DER */
	bool has_key_usage, is_ca, has_path_length, for_ek;
	uint16_t key_usage;
	uint8_t path_length;
};

/*
 * Exactly @length bytes. Versions below 3, critical extensions that are not known, SHA-1, keys and
 * curves other than RSA, P-256, P-384 are refused. A serial number with a superfluous leading zero, as
 * some vendors have, is taken. Returns 0 or -EBADMSG; *cert is untouched then.
 */
int sb_cert_parse(const uint8_t *data, size_t length, struct sb_cert *cert);

enum sb_chain_verdict {
	SB_CHAIN_OK,
	SB_CHAIN_MALFORMED,	/* one of the certificates cannot be read */
	SB_CHAIN_TOO_LONG,
	SB_CHAIN_OTHER_KEY,	/* the certificate is not for this EK */
	SB_CHAIN_NOT_EK,	/* not one of an endorsement key, or of an IAK where one is asked for */
	SB_CHAIN_NOT_YET,	/* not valid yet at the block's time */
	SB_CHAIN_OVER,		/* not valid any more */
	SB_CHAIN_NO_ROOT,	/* it ends at no trust root */
	SB_CHAIN_NOT_CA,	/* an issuer may not issue */
	SB_CHAIN_PATH_LENGTH,
	SB_CHAIN_SIGNATURE,
	SB_CHAIN_VERDICTS
};

/*
 * sb_chain_check() - from an EK to a root.
 * @ek: the key that the device has shown it holds. @certs[0]: its certificate; the others, in order,
 * up to but without the root. @roots: certificates that the ledger trusts; their own signatures and
 * ends are not looked at, their names and keys count.
 * @now: the block's time, seconds since 1970. *root: which of the roots, when it is OK.
 */
enum sb_chain_verdict sb_chain_check(const struct sb_tpm_public *ek, const struct sb_span *certs,
				     size_t count, const struct sb_span *roots, size_t roots_count,
				     int64_t now, size_t *root);

/*
 * sb_chain_check_iak() - the same for an initial attestation key (TCG TPM 2.0 Keys for Device Identity and
 * Attestation): a key that signs, and no endorsement key's certificate.
 */
enum sb_chain_verdict sb_chain_check_iak(const struct sb_tpm_public *iak, const struct sb_span *certs,
					 size_t count, const struct sb_span *roots, size_t roots_count,
					 int64_t now, size_t *root);

const char *sb_chain_name(enum sb_chain_verdict verdict);

#endif
