// SPDX-License-Identifier: Apache-2.0
#include "state/endorse.h"

#include <string.h>

#include "state/cert.h"
#include "state/certify.h"
#include "state/crypto.h"
#include "state/device.h"

struct roots {
	Sealbond__TrustRoot *root[SB_ROOTS_MAX];
	struct sb_span span[SB_ROOTS_MAX];
	size_t count;
	bool damaged;
};

static int add_root(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	struct roots *roots = context;
	Sealbond__TrustRoot *root;

	(void)key;
	(void)key_length;
	if (roots->count == SB_ROOTS_MAX)
		return 1;
	root = sb_message_read(&sealbond__trust_root__descriptor, value, length);
	if (!root) {
		roots->damaged = true;
		return 1;
	}
	roots->span[roots->count] = (struct sb_span){ root->certificate.data, root->certificate.len };
	roots->root[roots->count++] = root;
	return 0;
}

static void free_roots(struct roots *roots)
{
	for (size_t i = 0; i < roots->count; i++)
		sb_message_free(roots->root[i]);
}

typedef enum sb_chain_verdict check_fn(const struct sb_tpm_public *key, const struct sb_span *certs, size_t count,
				       const struct sb_span *roots, size_t roots_count, int64_t now, size_t *root);

static enum sb_chain_verdict judge_chain(const struct sb_run *run, const struct roots *roots,
					 const struct sb_tpm_public *key, const ProtobufCBinaryData *certs, size_t count,
					 check_fn *check)
{
	struct sb_span span[1 + SB_CHAIN_MAX];
	size_t root;

	if (count > 1 + SB_CHAIN_MAX)
		return SB_CHAIN_TOO_LONG;
	for (size_t i = 0; i < count; i++)
		span[i] = (struct sb_span){ certs[i].data, certs[i].len };
	return check(key, span, count, roots->span, roots->count, run->time, &root);
}

static enum sb_tx_code check_chain(struct sb_run *run, enum sb_chain_verdict verdict, const char *whose)
{
	return verdict == SB_CHAIN_OK ? SB_TX_OK : sb_run_refuse(run, SB_TX_CERT + verdict, "of the %s", whose);
}

/*
 * Where the ledger asks for no manufacturer's word, what does not lead to a root of its own is for enrollers to judge.
 * Where it does, the maker of the device may be one of its roots without the maker of the TPM: the IAK decides then.
 */
static enum sb_tx_code check_ek(struct sb_run *run, const Sealbond__Enrol *enrol, const struct roots *roots,
				const struct sb_tpm_public *ek, uint32_t *proven)
{
	enum sb_chain_verdict verdict = judge_chain(run, roots, ek, enrol->ek_certificates, enrol->n_ek_certificates,
						    sb_chain_check);

	if (verdict == SB_CHAIN_OK)
		*proven |= SB_PROVEN_EK;
	if (!(sb_run_parameters(run)->enrolment & SB_ENROL_ROOTS) || (verdict == SB_CHAIN_NO_ROOT && enrol->iak_public.len))
		return SB_TX_OK;
	return check_chain(run, verdict, "EK");
}

/* With activation it is enough: then an IAK by a maker whom the ledger does not know takes nothing away. */
static bool ek_is_enough(struct sb_run *run, uint32_t proven)
{
	return proven & SB_PROVEN_EK && sb_run_parameters(run)->enrolment & SB_ENROL_ACTIVATION;
}

static enum sb_tx_code check_iak(struct sb_run *run, const Sealbond__Enrol *enrol, const struct roots *roots,
				 const struct sb_tpm_public *ak, uint32_t *proven)
{
	struct sb_tpm_public iak;
	enum sb_ak_verdict form = SB_AK_MALFORMED;
	enum sb_certify_verdict verdict;
	enum sb_chain_verdict chain;
	enum sb_tx_code code;

	if (sb_tpm_public_parse(enrol->iak_public.data, enrol->iak_public.len, &iak) == 0)
		form = sb_ak_check(&iak);
	if (form != SB_AK_OK)
		return sb_run_refuse(run, SB_TX_AK + form, "of the IAK");
	chain = judge_chain(run, roots, &iak, enrol->iak_certificates, enrol->n_iak_certificates, sb_chain_check_iak);
	if (chain == SB_CHAIN_NO_ROOT && ek_is_enough(run, *proven))
		return SB_TX_OK;
	code = check_chain(run, chain, "IAK");
	if (code != SB_TX_OK)
		return code;
	verdict = sb_certify_check(enrol->certify_info.data, enrol->certify_info.len, enrol->certify_signature.data,
				   enrol->certify_signature.len, &iak, ak);
	if (verdict != SB_CERTIFY_OK)
		return sb_run_refuse(run, SB_TX_CERTIFY, "%s", sb_certify_name(verdict));
	*proven |= SB_PROVEN_IAK;
	return SB_TX_OK;
}

static int any(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	(void)context;
	(void)key;
	(void)key_length;
	(void)value;
	(void)length;
	return 1;
}

enum sb_tx_code sb_endorse(struct sb_run *run, const Sealbond__Enrol *enrol, const uint8_t device[32],
			   const struct sb_tpm_public *ek, const struct sb_tpm_public *ak, uint32_t *proven)
{
	struct roots roots = { .count = 0 };
	enum sb_tx_code code = SB_TX_OK;

	*proven = 0;
	sb_run_each(run, SB_RECORD_ROOT, NULL, 0, add_root, &roots);
	if (roots.damaged)
		code = SB_TX_INTERNAL;
	if (code == SB_TX_OK && enrol->n_ek_certificates)
		code = check_ek(run, enrol, &roots, ek, proven);
	if (code == SB_TX_OK && enrol->iak_public.len)
		code = check_iak(run, enrol, &roots, ak, proven);
	free_roots(&roots);
	if (code == SB_TX_OK && sb_run_each(run, SB_RECORD_KNOWN_KEY, device, 32, any, NULL) > 0)
		*proven |= SB_PROVEN_INVENTORY;
	/* Both are about the EK, which is only claimed until it has opened a secret for this AK. */
	if (!(sb_run_parameters(run)->enrolment & SB_ENROL_ACTIVATION))
		*proven &= SB_PROVEN_IAK;
	return code;
}

bool sb_ek_is_one(const struct sb_tpm_public *ek)
{
	const uint32_t must = SB_TPM_FIXED_TPM | SB_TPM_FIXED_PARENT | SB_TPM_SENSITIVE_DATA_ORIGIN |
			      SB_TPM_RESTRICTED | SB_TPM_DECRYPT, never = SB_TPM_SIGN | SB_TPM_X509_SIGN;

	if ((ek->attributes & must) != must || ek->attributes & never)
		return false;
	if (ek->symmetric != SB_TPM_ALG_AES || ek->symmetric_mode != SB_TPM_ALG_CFB || ek->scheme != SB_TPM_ALG_NULL)
		return false;
	return ek->type == SB_TPM_ALG_ECC || (ek->bits >= 2048 && ek->exponent == 65537);
}

void sb_known_key_id(const uint8_t device[32], const uint8_t enroller[32], uint8_t id[SB_KNOWN_KEY_ID_LEN])
{
	const struct sb_span key = { enroller, 32 };
	uint8_t digest[32];

	sb_hash(SB_TPM_ALG_SHA256, &key, 1, digest);
	memcpy(id, device, 32);
	memcpy(id + 32, digest, SB_KNOWN_KEY_ID_LEN - 32);
}
