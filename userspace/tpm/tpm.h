/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TPM through its resource manager: who this device is, and what it can prove. No secret
 * leaves it by these calls but an opened credential's, which is meant to be told.
 *
 * At no time are there more than two keys in the TPM's slots, and none between two calls.
 * What can go wrong, beside an errno that a call names itself:
 *   -ENOENT, -ENXIO	there is no TPM
 *   -EBUSY	somebody else is at work in it, or its slots are full: ask again later
 *   -ENOLCK	it is locked after wrong authorisations
 *   -EACCES	the endorsement hierarchy has a password
 *   -EIO	anything else; the sentence has the response code
 */
#ifndef SB_TPM_H
#define SB_TPM_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define SB_EK_NAME_MAX		66	/* algorithm, then up to a SHA-512 digest */
#define SB_AK_NAME_LEN		34
#define SB_DEVICE_ID_TAG	"sealbond device id v1"
#define SB_AK_TAG		"sealbond attestation key v1"

#define SB_TPM_AREA_MAX		512	/* bytes of a TPMT_PUBLIC of ours */
#define SB_TPM_CERTIFICATES_MAX	6
#define SB_TPM_CERTIFICATES_ROOM	6144
#define SB_TPM_ATTEST_MAX	512	/* bytes of a TPMS_ATTEST that is a quote */
#define SB_TPM_SIGNED_MAX	128	/* of a TPMT_SIGNATURE by P-256 */
#define SB_TPM_WORD_SIGNED_MAX	520	/* of one by a maker's key, RSA with up to 4096 bits */
#define SB_TPM_SECRET_MAX	64	/* of an opened credential */
#define SB_TPM_PCRS		24

struct sb_tpm;

/* node: as sb_tpm_node() finds it. -EIO also when it does not answer as a TPM 2.0. */
int sb_tpm_open(struct sb_tpm **tpm, const char *node, struct sb_error *error);
void sb_tpm_close(struct sb_tpm *tpm);

/* Which enum sealbond_state an errno of these calls stands for; -EIO's is tpm-error. */
unsigned int sb_tpm_state(int result);

struct sb_ek {
	char template[24];		/* "p256-low", … */
	unsigned int profile;		/* its place in the order of precedence, from 1 */
	uint32_t certificate;		/* NV index that has its certificate, where there is one */
	uint8_t name[SB_EK_NAME_MAX];	/* TPM 2.0 part 1, 16: nameAlg, digest of the public area */
	size_t name_length;
	uint8_t area[SB_TPM_AREA_MAX];	/* TPMT_PUBLIC */
	size_t area_length;
};

/*
 * Finds this TPM's endorsement key: the first template, in the order of ek.c, for which the
 * TPM holds a certificate, and P-256 of the low range when it holds none. A persistent key
 * that fits is taken, else the key is made and flushed again. TCG EK Credential Profile 2.5.
 * May take seconds.
 */
int sb_tpm_ek(struct sb_tpm *tpm, struct sb_ek *ek, struct sb_error *error);

/* SHA-256(SB_DEVICE_ID_TAG with its NUL || Name of the endorsement key). */
void sb_device_id(const uint8_t *name, size_t length, uint8_t device_id[32]);

/* X.509 DER, one behind the other. */
struct sb_tpm_certificates {
	size_t count, used;
	uint16_t length[SB_TPM_CERTIFICATES_MAX];
	uint8_t data[SB_TPM_CERTIFICATES_ROOM];
};

/*
 * The endorsement key's certificate and, behind it, the issuers' that the manufacturer has put into
 * NV (0x01c00100 and what follows, EK Credential Profile 2.5, section 2.2.1.5.2). None is no error.
 */
int sb_tpm_ek_certificates(struct sb_tpm *tpm, const struct sb_ek *ek, struct sb_tpm_certificates *certificates,
			   struct sb_error *error);

/*
 * sb_nv_certificates() - adds the certificates in what an NV index holds. Pure.
 *
 * Some vendors prefix a TPM 1.2 header (10 01 00, two bytes of length, at times 10 02), indices are
 * often longer than what is in them, and one index may hold several. What is no DER SEQUENCE ends
 * it. Returns 0, or -EMSGSIZE when there are more than fit; those before are there then.
 */
int sb_nv_certificates(const uint8_t *data, size_t length, struct sb_tpm_certificates *certificates);

/*
 * The attestation key: a restricted P-256 signing key (ECDSA, SHA-256) that the TPM derives from the
 * endorsement hierarchy's seed and a fixed template: the same one after each boot, stored nowhere,
 * another one once the manufacturer's seed changes. It may be used without a password; what it signs
 * is only what the TPM itself has made.
 */
struct sb_ak {
	uint8_t name[SB_AK_NAME_LEN];
	uint8_t area[SB_TPM_AREA_MAX];	/* TPMT_PUBLIC */
	size_t area_length;
};
int sb_tpm_ak(struct sb_tpm *tpm, struct sb_ak *ak, struct sb_error *error);

/* What an initial attestation key says of the attestation key by TPM2_Certify. */
struct sb_iak {
	uint8_t area[SB_TPM_AREA_MAX];		/* TPMT_PUBLIC of the IAK */
	size_t area_length;
	struct sb_tpm_certificates certificates;	/* its own, and those behind it in the same index */
	uint8_t info[SB_TPM_ATTEST_MAX];	/* TPMS_ATTEST */
	size_t info_length;
	uint8_t signature[SB_TPM_WORD_SIGNED_MAX];	/* TPMT_SIGNATURE */
	size_t signature_length;
};

/*
 * sb_tpm_iak() - the device's maker has certified a restricted signing key of this TPM (TCG TPM 2.0 Keys for Device
 * Identity and Attestation): that key vouches for the attestation key.
 *
 * Its certificate is looked for in 0x01c90000 to 0x01c9ffff; the key among the persistent ones, else it is made by
 * the template H-1 (RSA-2048) or H-2 (P-256). Other curves are left alone: no ledger takes them. It has to obey an empty
 * password: with another one a wrong authorisation counts towards the TPM's lockout, so that who gets -EACCES must not try
 * again and again.
 * -ENODATA: there is no such certificate, or no key to it. May take a minute with a slow TPM and RSA.
 */
int sb_tpm_iak(struct sb_tpm *tpm, struct sb_iak *iak, struct sb_error *error);

struct sb_tpm_quote {
	uint8_t attest[SB_TPM_ATTEST_MAX];	/* TPMS_ATTEST */
	size_t attest_length;
	uint8_t signature[SB_TPM_SIGNED_MAX];	/* TPMT_SIGNATURE */
	size_t signature_length;
	uint8_t values[SB_TPM_PCRS][32];	/* SHA-256 bank; those of the mask, the others zero */
};

/*
 * sb_tpm_take_quote() - TPM2_Quote by the attestation key, and the values that it is over.
 * @extra: extraData. @pcrs: mask of PCRs 0 to 23, not 0.
 * PCRs that change in between are read and quoted anew, a few times: -EAGAIN when they never rest.
 * -EINVAL for a wrong mask; -ENODATA when the TPM has no SHA-256 bank with these PCRs.
 */
int sb_tpm_take_quote(struct sb_tpm *tpm, const uint8_t extra[32], uint32_t pcrs, struct sb_tpm_quote *quote,
		      struct sb_error *error);

/* SHA-256 PCRs as they are at one moment. Errors as of sb_tpm_take_quote(). */
int sb_tpm_pcrs(struct sb_tpm *tpm, uint32_t pcrs, uint8_t values[SB_TPM_PCRS][32], struct sb_error *error);

/*
 * sb_tpm_activate() - opens a credential (TPM 2.0 part 1, section 24) that was made for this endorsement
 * key and this attestation key's Name.
 * @blob: TPM2B_ID_OBJECT. @encrypted: TPM2B_ENCRYPTED_SECRET. Out: *secret, and its length.
 * -EBADMSG when one of them cannot be read, -EKEYREJECTED when they are not for these keys.
 */
int sb_tpm_activate(struct sb_tpm *tpm, const uint8_t *blob, size_t blob_length, const uint8_t *encrypted,
		    size_t encrypted_length, uint8_t secret[SB_TPM_SECRET_MAX], size_t *length,
		    struct sb_error *error);

/* TPMS_TIME_INFO */
struct sb_tpm_time {
	uint64_t time;			/* ms since the TPM was powered */
	uint64_t clock;			/* ms that it has been on in its life */
	uint32_t reset_count, restart_count;
	int safe;			/* 0: the clock may have stood higher before */
};
int sb_tpm_read_clock(struct sb_tpm *tpm, struct sb_tpm_time *time, struct sb_error *error);

#endif
