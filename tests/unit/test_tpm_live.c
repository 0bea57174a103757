// SPDX-License-Identifier: Apache-2.0
/* The tpm library against a software TPM: what it makes passes the ledger's own checks. */
#include "swtpm_world.h"

#include <linux/sealbond.h>

#include "common/file.h"
#include "sealbond/blob.h"
#include "state/crypto.h"
#include "state/heartbeat.h"
#include "state/quote.h"

#define PCRS	(1U << 0 | 1U << 4 | 1U << 7 | 1U << 9 | 1U << 11 | 1U << 12 | 1U << 13 | 1U << 14 | 1U << 15 | 1U << 22)

static const uint8_t device[32] = "a device";

/* The state of the ledger's check, from what the library gave. */
struct checked {
	struct sb_ak ak;
	struct sb_tpm_public public;
	struct sb_quote quote;
	struct sb_tpm_signature signature;
	struct sb_quote_policy policy;
};

static void prepare(struct checked *checked, const struct sb_tpm_quote *taken, const uint8_t extra[32], uint32_t pcrs)
{
	struct sb_error error;

	assert_int_equal(sb_tpm_ak(swtpm.tpm, &checked->ak, &error), 0);
	assert_int_equal(sb_tpm_public_parse(checked->ak.area, checked->ak.area_length, &checked->public), 0);
	assert_int_equal(sb_quote_parse(taken->attest, taken->attest_length, &checked->quote), SB_QUOTE_OK);
	assert_int_equal(sb_tpm_signature_parse(taken->signature, taken->signature_length, &checked->signature), 0);
	checked->policy = (struct sb_quote_policy){ .ak = &checked->public, .hierarchy = SB_TPM_RH_ENDORSEMENT_HANDLE,
						    .pcrs = pcrs, .values = taken->values };
	memcpy(checked->policy.extra, extra, 32);
}

static void quote_passes(void **state)
{
	static const uint8_t body[] = "a transaction";
	const struct sb_beacon beacon = { 77, "a block" };
	struct sb_tpm_quote taken;
	struct checked checked;
	uint8_t extra[32], name[SB_TPM_NAME_MAX];
	struct sb_error error;

	(void)state;
	sb_quote_extra("plant", &beacon, device, body, sizeof(body), extra);
	assert_int_equal(sb_tpm_take_quote(swtpm.tpm, extra, PCRS, &taken, &error), 0);
	prepare(&checked, &taken, extra, PCRS);
	assert_int_equal(sb_ak_check(&checked.public), SB_AK_OK);
	assert_int_equal(sb_tpm_name(&checked.public, name), SB_AK_NAME_LEN);
	assert_memory_equal(name, checked.ak.name, SB_AK_NAME_LEN);
	assert_int_equal(sb_quote_check(&checked.quote, &checked.signature, &checked.policy), SB_QUOTE_OK);
	/* It is this quote that passes, not any. */
	sb_quote_extra("plant", &beacon, device, body, sizeof(body) - 1, checked.policy.extra);
	assert_int_equal(sb_quote_check(&checked.quote, &checked.signature, &checked.policy), SB_QUOTE_EXTRA);
	assert_int_equal(swtpm.keys, 0);
	assert_int_equal(swtpm.keys_most, 1);
}

/* What the kernel does to the cap PCR, by hand. */
static void cap_is_the_claimed_one(void **state)
{
	static const uint8_t prior[32];
	struct sb_cap_claim claim = { .has_config = true, .config = "config", .current = "current", .next = "next",
				      .outcome = 1 };
	const struct { uint8_t tag[sizeof(SB_CAP_TAG)], current[32], next[32], outcome; } said = {
		SB_CAP_TAG, "current", "next", 1 };
	uint8_t digest[32], value[32], values[SB_TPM_PCRS][32];
	struct sb_span part = { (const uint8_t *)&said, sizeof(said) };
	struct sb_error error;
	uint8_t hash[64];

	(void)state;
	assert_int_equal(sb_hash(SB_TPM_ALG_SHA256, &part, 1, hash), 32);
	memcpy(digest, hash, 32);
	extend_pcr(14, claim.config);
	extend_pcr(14, digest);
	sb_cap_value(prior, &claim, value);
	assert_int_equal(sb_tpm_pcrs(swtpm.tpm, 1U << 14 | 1U << 0, values, &error), 0);
	assert_memory_equal(values[14], value, 32);
	claim.next[0] ^= 1;
	sb_cap_value(prior, &claim, value);
	assert_memory_not_equal(values[14], value, 32);
}

/* PCRs change between reading and quoting: what comes is of one moment, or nothing. */
static void moving_pcrs(void **state)
{
	static const uint8_t extra[32] = "extra";
	struct sb_tpm_quote taken;
	struct checked checked;
	struct sb_error error;

	(void)state;
	swtpm.pcr = 12;
	swtpm.code = TPM2_CC_Quote;
	swtpm.times = 2;
	assert_int_equal(sb_tpm_take_quote(swtpm.tpm, extra, PCRS, &taken, &error), 0);
	prepare(&checked, &taken, extra, PCRS);
	assert_int_equal(sb_quote_check(&checked.quote, &checked.signature, &checked.policy), SB_QUOTE_OK);
	/* Also between two commands of one reading: ten PCRs are two. */
	swtpm.code = TPM2_CC_PCR_Read;
	swtpm.times = 3;
	assert_int_equal(sb_tpm_take_quote(swtpm.tpm, extra, PCRS, &taken, &error), 0);
	prepare(&checked, &taken, extra, PCRS);
	assert_int_equal(sb_quote_check(&checked.quote, &checked.signature, &checked.policy), SB_QUOTE_OK);
	swtpm.code = TPM2_CC_Quote;
	swtpm.times = 1000;
	assert_int_equal(sb_tpm_take_quote(swtpm.tpm, extra, PCRS, &taken, &error), -EAGAIN);
	swtpm.times = 0;
	assert_int_equal(swtpm.keys, 0);
}

static void wrong_masks(void **state)
{
	static const uint8_t extra[32];
	struct sb_tpm_quote taken;
	struct sb_error error;

	(void)state;
	assert_int_equal(sb_tpm_take_quote(swtpm.tpm, extra, 0, &taken, &error), -EINVAL);
	assert_int_equal(sb_tpm_take_quote(swtpm.tpm, extra, 1U << 24, &taken, &error), -EINVAL);
}

static void put_file(char path[288], const char *name, const void *data, size_t length)
{
	snprintf(path, 288, "%s/%s", swtpm.directory, name);
	assert_int_equal(sb_file_write(path, data, length, 0600), 0);
}

struct credential {
	uint8_t *file;
	size_t length, blob_length, encrypted_length;
	const uint8_t *blob, *encrypted;
};

/* By tpm2-tools, which need no TPM for it. */
static void make_credential(const struct sb_ek *ek, const uint8_t *ak_name, const uint8_t secret[32],
			    struct credential *out)
{
	uint8_t public[2 + SB_TPM_AREA_MAX];
	char ek_path[288], secret_path[288], out_path[288], command[1280], name[2 * SB_AK_NAME_LEN + 1];

	public[0] = (uint8_t)(ek->area_length >> 8);
	public[1] = (uint8_t)ek->area_length;
	memcpy(public + 2, ek->area, ek->area_length);
	put_file(ek_path, "ek.pub", public, 2 + ek->area_length);
	put_file(secret_path, "secret", secret, 32);
	for (int i = 0; i < SB_AK_NAME_LEN; i++)
		snprintf(name + 2 * i, 3, "%02x", ak_name[i]);
	snprintf(out_path, sizeof(out_path), "%s/credential", swtpm.directory);
	snprintf(command, sizeof(command), "tpm2_makecredential -Q -T none -u %s -s %s -n %s -o %s", ek_path,
		 secret_path, name, out_path);
	assert_int_equal(system(command), 0);
	assert_int_equal(sb_file_read(out_path, 4096, &out->file, &out->length), 0);
	/* magic and version, then both TPM2Bs */
	assert_int_equal(be32(out->file), 0xbadcc0de);
	out->blob = out->file + 8;
	out->blob_length = 2U + ((size_t)out->blob[0] << 8 | out->blob[1]);
	out->encrypted = out->blob + out->blob_length;
	out->encrypted_length = out->length - 8 - out->blob_length;
}

static void activate_with(struct sb_ek *ek, const char *template)
{
	const uint8_t secret[32] = "thirty-two bytes that nobody tel";
	uint8_t opened[SB_TPM_SECRET_MAX], other_name[SB_AK_NAME_LEN];
	struct credential credential;
	struct sb_error error = { "" };
	struct sb_ak ak;
	size_t length = 0;

	assert_int_equal(sb_tpm_ek(swtpm.tpm, ek, &error), 0);
	assert_string_equal(ek->template, template);
	assert_int_equal(sb_tpm_ak(swtpm.tpm, &ak, &error), 0);
	swtpm.keys_most = 0;
	make_credential(ek, ak.name, secret, &credential);
	assert_int_equal(sb_tpm_activate(swtpm.tpm, credential.blob, credential.blob_length, credential.encrypted,
					 credential.encrypted_length, opened, &length, &error), 0);
	assert_int_equal(length, 32);
	assert_memory_equal(opened, secret, 32);
	assert_in_range(swtpm.keys_most, 1, 2);
	/* A byte too few is no credential. */
	assert_int_equal(sb_tpm_activate(swtpm.tpm, credential.blob, credential.blob_length - 1, credential.encrypted,
					 credential.encrypted_length, opened, &length, &error), -EBADMSG);
	free(credential.file);
	/* Made for another attestation key of this very TPM. */
	memcpy(other_name, ak.name, sizeof(other_name));
	other_name[20] ^= 1;
	make_credential(ek, other_name, secret, &credential);
	assert_int_equal(sb_tpm_activate(swtpm.tpm, credential.blob, credential.blob_length, credential.encrypted,
					 credential.encrypted_length, opened, &length, &error), -EKEYREJECTED);
	free(credential.file);
	assert_int_equal(swtpm.keys, 0);
}

static uint8_t *read_certificate(const char *name, size_t *length)
{
	char path[96];
	uint8_t *data;

	snprintf(path, sizeof(path), "tests/vectors/certs/%s", name);
	assert_int_equal(sb_file_read(path, 4096, &data, length), 0);
	return data;
}

static void activation(void **state)
{
	struct sb_ek ek;

	(void)state;
	activate_with(&ek, "p256-low");
	assert_int_equal(ek.profile, 1);
	assert_int_equal(ek.certificate, 0);
}

/* Each template by its certificate's index; the later one has precedence, so that all take their turn. */
static void activation_of_others(void **state)
{
	static const struct { uint32_t index; const char *template; } all[] = {
		{ 0x01c00012, "rsa2048-high" }, { 0x01c00014, "p256-high" }, { 0x01c00002, "rsa2048-low" },
	};
	static const uint8_t anything[] = { 0x30, 0x03, 1, 2, 3 };
	struct sb_ek ek;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		define_nv(all[i].index, anything, sizeof(anything), TPMA_NV_AUTHREAD);
		activate_with(&ek, all[i].template);
		assert_int_equal(ek.certificate, all[i].index);
	}
}

/* A vendor's index: an old header, the certificate, and what is left of the index; issuers elsewhere. */
static void certificates(void **state)
{
	static struct sb_tpm_certificates found;
	uint8_t index[2500], *own, *issuer, *root, chain[3000];
	size_t own_length, issuer_length, root_length, half;
	struct sb_error error = { "" };
	struct sb_ek ek;

	(void)state;
	own = read_certificate("swtpm-ek-rsa.der", &own_length);
	issuer = read_certificate("swtpm-issuer.der", &issuer_length);
	root = read_certificate("swtpm-root.der", &root_length);
	memset(index, 0xff, sizeof(index));
	memcpy(index, "\x10\x01\x00", 3);
	index[3] = (uint8_t)((own_length + 2) >> 8);
	index[4] = (uint8_t)(own_length + 2);
	memcpy(index + 5, "\x10\x02", 2);
	memcpy(index + 7, own, own_length);
	define_nv(0x01c00002, index, own_length + 300, TPMA_NV_OWNERREAD);
	memcpy(chain, issuer, issuer_length);
	memcpy(chain + issuer_length, root, root_length);
	half = issuer_length + 100;
	define_nv(0x01c00100, chain, half, TPMA_NV_AUTHREAD);
	define_nv(0x01c00101, chain + half, issuer_length + root_length - half, TPMA_NV_AUTHREAD);
	assert_int_equal(sb_tpm_ek(swtpm.tpm, &ek, &error), 0);
	assert_int_equal(sb_tpm_ek_certificates(swtpm.tpm, &ek, &found, &error), 0);
	assert_int_equal(found.count, 3);
	assert_int_equal(found.length[0], own_length);
	assert_int_equal(found.length[1], issuer_length);
	assert_int_equal(found.length[2], root_length);
	assert_memory_equal(found.data, own, own_length);
	assert_memory_equal(found.data + own_length, chain, issuer_length + root_length);
	free(own);
	free(issuer);
	free(root);
}

static void second_boot(void **state)
{
	struct sb_tpm_time before, after;
	struct sb_ak first, second;
	struct sb_ek ek, ek_again;
	struct sb_error error;

	(void)state;
	assert_int_equal(sb_tpm_ak(swtpm.tpm, &first, &error), 0);
	assert_int_equal(sb_tpm_ek(swtpm.tpm, &ek, &error), 0);
	assert_int_equal(sb_tpm_read_clock(swtpm.tpm, &before, &error), 0);
	swtpm_stop(true);
	swtpm_start();
	assert_int_equal(sb_tpm_ak(swtpm.tpm, &second, &error), 0);
	assert_int_equal(sb_tpm_ek(swtpm.tpm, &ek_again, &error), 0);
	assert_int_equal(sb_tpm_read_clock(swtpm.tpm, &after, &error), 0);
	assert_memory_equal(first.name, second.name, SB_AK_NAME_LEN);
	assert_memory_equal(ek.name, ek_again.name, ek.name_length);
	assert_int_equal(after.reset_count, before.reset_count + 1);
}

/* Another TPM has another attestation key, of the same template. */
static void another_tpm(void **state)
{
	struct sb_ak first, second;
	struct sb_error error;

	assert_int_equal(sb_tpm_ak(swtpm.tpm, &first, &error), 0);
	assert_int_equal(swtpm_tear_down(state), 0);
	swtpm_set_up(state);
	assert_int_equal(sb_tpm_ak(swtpm.tpm, &second, &error), 0);
	assert_memory_not_equal(first.name, second.name, SB_AK_NAME_LEN);
}

/* The owner's password is no hindrance, the endorsement hierarchy's is a state of its own. */
static void passwords(void **state)
{
	const TPM2B_AUTH auth = { .size = 4, .buffer = "word" };
	static const uint8_t extra[32];
	struct sb_tpm_quote quote;
	struct sb_error error;
	struct sb_ek ek;

	(void)state;
	assert_int_equal(Esys_HierarchyChangeAuth(swtpm.tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
						  ESYS_TR_NONE, &auth), 0);
	assert_int_equal(sb_tpm_take_quote(swtpm.tpm, extra, PCRS, &quote, &error), 0);
	assert_int_equal(Esys_HierarchyChangeAuth(swtpm.tpm->esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE,
						  ESYS_TR_NONE, &auth), 0);
	Esys_TR_SetAuth(swtpm.tpm->esys, ESYS_TR_RH_ENDORSEMENT, NULL);
	assert_int_equal(sb_tpm_take_quote(swtpm.tpm, extra, PCRS, &quote, &error), -EACCES);
	assert_int_equal(sb_tpm_ek(swtpm.tpm, &ek, &error), -EACCES);
	assert_int_equal(sb_tpm_state(-EACCES), SEALBOND_STATE_TPM_OWNER_AUTH);
}

/* What a TPM says when it cannot now: the state is named, and nothing stays in its slots. */
static void refusals(void **state)
{
	static const struct { uint32_t command, answer; int number; unsigned int state; } all[] = {
		{ TPM2_CC_CreatePrimary, TPM2_RC_OBJECT_MEMORY, -EBUSY, SEALBOND_STATE_TPM_BUSY },
		{ TPM2_CC_CreatePrimary, TPM2_RC_RETRY, -EBUSY, SEALBOND_STATE_TPM_BUSY },
		{ TPM2_CC_PCR_Read, TPM2_RC_YIELDED, -EBUSY, SEALBOND_STATE_TPM_BUSY },
		{ TPM2_CC_Quote, TPM2_RC_LOCKOUT, -ENOLCK, SEALBOND_STATE_TPM_LOCKOUT },
		{ TPM2_CC_Quote, TPM2_RC_FAILURE, -EIO, SEALBOND_STATE_TPM_ERROR },
	};
	static const uint8_t extra[32];
	struct sb_tpm_quote quote;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct sb_error error = { "" };
		int result;

		swtpm.code = all[i].command;
		swtpm.answer = all[i].answer;
		swtpm.times = 1000;
		result = sb_tpm_take_quote(swtpm.tpm, extra, PCRS, &quote, &error);
		swtpm.times = 0;
		assert_int_equal(result, all[i].number);
		assert_int_equal(sb_tpm_state(result), all[i].state);
		assert_true(error.text[0]);
		assert_int_equal(swtpm.keys, 0);
	}
	swtpm.answer = 0;
}

int main(void)
{
#define LIVE(name)	cmocka_unit_test_setup_teardown(name, swtpm_set_up, swtpm_tear_down)
	const struct CMUnitTest tests[] = {
		LIVE(quote_passes), LIVE(cap_is_the_claimed_one), LIVE(moving_pcrs), LIVE(wrong_masks),
		LIVE(activation), LIVE(activation_of_others), LIVE(certificates), LIVE(second_boot),
		LIVE(another_tpm), LIVE(passwords), LIVE(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
