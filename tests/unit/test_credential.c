// SPDX-License-Identifier: Apache-2.0
/* Credentials made in software: a TPM opens them, for its own keys only. */
#include "swtpm_world.h"

#include "enroller/credential.h"

static const uint8_t secret[SB_SECRET_LEN] = "thirty-two bytes that nobody tel";

static int open_it(const struct sb_credential *credential, uint8_t opened[SB_TPM_SECRET_MAX], size_t *length)
{
	struct sb_error error;

	return sb_tpm_activate(swtpm.tpm, credential->blob, credential->blob_length, credential->encrypted,
			       credential->encrypted_length, opened, length, &error);
}

static void opens_with(const char *template)
{
	uint8_t opened[SB_TPM_SECRET_MAX];
	struct sb_credential credential, again;
	struct sb_tpm_public public;
	struct sb_error error = { "" };
	size_t length = 0;
	struct sb_ek ek;
	struct sb_ak ak;

	assert_int_equal(sb_tpm_ek(swtpm.tpm, &ek, &error), 0);
	assert_string_equal(ek.template, template);
	assert_int_equal(sb_tpm_ak(swtpm.tpm, &ak, &error), 0);
	assert_int_equal(sb_tpm_public_parse(ek.area, ek.area_length, &public), 0);
	assert_int_equal(sb_credential_make(&public, (struct sb_span){ ak.name, SB_AK_NAME_LEN }, secret, &credential, &error), 0);
	assert_int_equal(open_it(&credential, opened, &length), 0);
	assert_int_equal(length, SB_SECRET_LEN);
	assert_memory_equal(opened, secret, SB_SECRET_LEN);
	/* made afresh, it is another one, and the secret is not to be seen in it */
	assert_int_equal(sb_credential_make(&public, (struct sb_span){ ak.name, SB_AK_NAME_LEN }, secret, &again, &error), 0);
	assert_memory_not_equal(credential.blob, again.blob, credential.blob_length);
	assert_null(memmem(credential.blob, credential.blob_length, secret, 8));
	/* for another attestation key, and what was changed on its way */
	ak.name[20] ^= 1;
	assert_int_equal(sb_credential_make(&public, (struct sb_span){ ak.name, SB_AK_NAME_LEN }, secret, &again, &error), 0);
	assert_int_equal(open_it(&again, opened, &length), -EKEYREJECTED);
	credential.blob[credential.blob_length - 1] ^= 1;
	assert_int_equal(open_it(&credential, opened, &length), -EKEYREJECTED);
}

/* Each kind of endorsement key: the later index has precedence, so that all take their turn. */
static void every_kind_of_endorsement_key(void **state)
{
	static const struct { uint32_t index; const char *template; } all[] = {
		{ 0x01c00012, "rsa2048-high" }, { 0x01c00014, "p256-high" }, { 0x01c00002, "rsa2048-low" },
	};
	static const uint8_t anything[] = { 0x30, 0x03, 1, 2, 3 };

	opens_with("p256-low");
	for (size_t i = 0; i < 3; i++) {
		define_nv(all[i].index, anything, sizeof(anything), TPMA_NV_AUTHREAD);
		opens_with(all[i].template);
	}
}

static void what_is_no_endorsement_key(void **state)
{
	struct sb_credential credential;
	struct sb_tpm_public public;
	struct sb_error error = { "" };
	struct sb_ek ek;
	struct sb_ak ak;

	assert_int_equal(sb_tpm_ek(swtpm.tpm, &ek, &error), 0);
	assert_int_equal(sb_tpm_ak(swtpm.tpm, &ak, &error), 0);
	/* a signing key has no cipher to wrap with */
	assert_int_equal(sb_tpm_public_parse(ak.area, ak.area_length, &public), 0);
	assert_int_equal(sb_credential_make(&public, (struct sb_span){ ak.name, SB_AK_NAME_LEN }, secret, &credential, &error),
			 -EINVAL);
	/* a point that is on no curve would give the secret away */
	ek.area[ek.area_length - 1] ^= 1;
	assert_int_equal(sb_tpm_public_parse(ek.area, ek.area_length, &public), 0);
	assert_int_equal(sb_credential_make(&public, (struct sb_span){ ak.name, SB_AK_NAME_LEN }, secret, &credential, &error),
			 -EINVAL);
}

int main(void)
{
#define LIVE(name)	cmocka_unit_test_setup_teardown(name, swtpm_set_up, swtpm_tear_down)
	const struct CMUnitTest tests[] = { LIVE(every_kind_of_endorsement_key), LIVE(what_is_no_endorsement_key) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
