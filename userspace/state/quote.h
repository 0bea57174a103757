/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quotes (TPM 2.0 part 2, TPMS_ATTEST with TPM_ST_ATTEST_QUOTE) and every check that makes one
 * worth something. Pure.
 */
#ifndef SB_STATE_QUOTE_H
#define SB_STATE_QUOTE_H

#include "state/tpm_public.h"

#define SB_QUOTE_PCRS		24
#define SB_QUOTE_EXTRA_LEN	32	/* TPMs with SHA-256 alone take 34 bytes at most */
#define SB_QUOTE_MAX		1024	/* bytes of a TPMS_ATTEST */
#define SB_SIGNATURE_MAX	(SB_TPM_RSA_MAX + 16)

/* TPMS_CLOCK_INFO: what orders the quotes of one TPM. */
struct sb_quote_clock {
	uint64_t clock;			/* ms, counts while the TPM is on */
	uint32_t reset_count, restart_count;
	bool safe;
};

/* Points into the bytes that were read. */
struct sb_quote {
	struct sb_span signer;		/* qualified name of the signing key */
	struct sb_span extra;
	struct sb_quote_clock clock;
	uint64_t firmware;
	uint32_t pcrs;			/* mask; one selection, of the SHA-256 bank */
	struct sb_span pcr_digest;
	struct sb_span whole;
};

/* TPMT_SIGNATURE */
struct sb_tpm_signature {
	uint16_t scheme, hash;
	struct sb_span r, s;		/* ECDSA */
	struct sb_span rsa;		/* RSASSA, RSAPSS */
};

/* Each check has its own; the names are stable (sb_quote_name()). */
enum sb_quote_verdict {
	SB_QUOTE_OK,
	SB_QUOTE_MALFORMED,		/* lengths, trailing bytes */
	SB_QUOTE_MAGIC,			/* not made by a TPM (CVE-2024-29038) */
	SB_QUOTE_TYPE,			/* another attestation than a quote */
	SB_QUOTE_SELECTION,		/* not exactly the PCRs of the policy (CVE-2024-29039) */
	SB_QUOTE_SCHEME,		/* another signature scheme or hash than the key's own */
	SB_QUOTE_SIGNATURE,
	SB_QUOTE_EXTRA,			/* for another transaction, beacon or device */
	SB_QUOTE_SIGNER,		/* by another key, or one outside the endorsement hierarchy */
	SB_QUOTE_PCR_DIGEST,		/* not of the PCR values that were sent along */
	SB_QUOTE_FIRMWARE,		/* the TPM's firmware is not an allowed one */
	SB_QUOTE_VERDICTS
};

/* What a quote is held against. */
struct sb_quote_policy {
	const struct sb_tpm_public *ak;	/* has passed sb_ak_check(); a primary key of its hierarchy */
	uint32_t hierarchy;		/* SB_TPM_RH_ENDORSEMENT_HANDLE */
	uint8_t extra[SB_QUOTE_EXTRA_LEN];
	uint32_t pcrs;			/* mask, not 0 */
	const uint8_t (*values)[32];	/* by PCR number, those of the mask */
	const uint64_t *firmware;	/* allowed versions; NULL: any */
	size_t firmware_count;
};

/* Exactly @length bytes. SB_QUOTE_OK, MALFORMED, MAGIC, TYPE or SELECTION (no single SHA-256 bank). */
enum sb_quote_verdict sb_quote_parse(const uint8_t *data, size_t length, struct sb_quote *quote);

/* Exactly @length bytes of TPMT_SIGNATURE. Returns 0 or -EBADMSG. */
int sb_tpm_signature_parse(const uint8_t *data, size_t length, struct sb_tpm_signature *signature);

/* sb_quote_match() - all checks but the signature and the order among quotes. */
enum sb_quote_verdict sb_quote_match(const struct sb_quote *quote,
				     const struct sb_tpm_signature *signature,
				     const struct sb_quote_policy *policy);

/* sb_quote_is_signed() - by this key: the costly check. A function of its three arguments and nothing else. */
bool sb_quote_is_signed(const struct sb_quote *quote, const struct sb_tpm_signature *signature,
			const struct sb_tpm_public *ak);

/* sb_quote_check() - both. */
enum sb_quote_verdict sb_quote_check(const struct sb_quote *quote,
				     const struct sb_tpm_signature *signature,
				     const struct sb_quote_policy *policy);

/*
 * sb_quote_order() - by resetCount, restartCount, clock. Less than, equal to or greater than 0.
 * After a reset the clock may stand lower: it is only looked at within one.
 */
int sb_quote_order(const struct sb_quote_clock *a, const struct sb_quote_clock *b);

const char *sb_quote_name(enum sb_quote_verdict verdict);

#endif
