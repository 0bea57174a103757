// SPDX-License-Identifier: GPL-2.0-only
/* The storage key that the bond keys are sealed to. */
#include "seal_internal.h"

static int get_primary(struct seal *sl, u8 kind, struct sb_tpm_key *key)
{
	if (kind == SB_BLOB_PRIMARY_PERSISTENT)
		return sb_tpm_read_storage_key(&sl->tpm, SB_TPM_SRK, key);
	return sb_tpm_create_primary(&sl->tpm, SB_TPM_RH_OWNER, key);
}

static bool primary_failed(struct seal *sl, int rc)
{
	switch (rc) {
	case -EPROTOTYPE:
		return sb_seal_fail_rc(sl, rc,
				       "the storage key at 0x81000001 is RSA; a P-256 one is needed");
	case -EKEYREJECTED:
		return sb_seal_fail_rc(sl, rc, "the key at 0x81000001 is not a P-256 storage key");
	}
	return sb_seal_fail_rc(sl, rc, "there is no storage key and none could be made");
}

/*
 * At 0x81000001, where TCG's provisioning guidance and systemd put it, the storage key costs each
 * later boot one command instead of two, and opens without the owner. Where the owner has a
 * password or the TPM no room, it is made from the template in each boot.
 */
static void persist(struct seal *sl)
{
	if (!sb_tpm_persist(&sl->tpm, sl->primary.handle, SB_TPM_SRK))
		sl->primary_kind = SB_BLOB_PRIMARY_PERSISTENT;
}

/* The persistent storage key if there is one, else one from the template, which stays. */
bool sb_seal_pick_primary(struct seal *sl)
{
	int rc;

	sl->primary_kind = SB_BLOB_PRIMARY_PERSISTENT;
	rc = get_primary(sl, sl->primary_kind, &sl->primary);
	if (rc > 0 && sb_tpm_rc(rc) == SB_RC_HANDLE) {
		sl->primary_kind = SB_BLOB_PRIMARY_MADE;
		rc = get_primary(sl, sl->primary_kind, &sl->primary);
		if (!rc)
			persist(sl);
	}
	return rc ? primary_failed(sl, rc) : true;
}

int sb_seal_endorsement(struct seal *sl, u8 name[SB_TPM_NAME_LEN])
{
	struct sb_tpm_key key;
	int rc;

	rc = sb_tpm_create_primary(&sl->tpm, SB_TPM_RH_ENDORSEMENT, &key);
	if (rc)
		return rc;
	memcpy(name, key.name, SB_TPM_NAME_LEN);
	sb_tpm_flush(&sl->tpm, &key.handle);
	return 0;
}

/* No storage key of this TPM is the blob's: was the TPM cleared, or is it another one? */
static bool primary_lost(struct seal *sl)
{
	u8 name[SB_TPM_NAME_LEN];
	int rc = sb_seal_endorsement(sl, name);

	if (rc && sb_seal_state(rc) == SEALBOND_STATE_TPM_BUSY)
		return sb_seal_fail_rc(sl, rc, "the endorsement hierarchy could not be read");
	if (!rc && !memcmp(name, sl->blob[SB_KEY_CURRENT].endorsement_name, sizeof(name)))
		return sb_seal_fail(sl, SEALBOND_STATE_TPM_CLEARED,
				    "the storage key is another one than when the key was sealed");
	sb_seal_fail(sl, SEALBOND_STATE_SEALED_ELSEWHERE, "the key was sealed by another TPM");
	sl->res->detail = rc;
	return false;
}

static bool is_primary_of(const struct sb_tpm_key *key, const struct sb_blob *blob)
{
	return !memcmp(key->name, blob->primary_name, SB_TPM_NAME_LEN);
}

/* The storage key that the current blob names; a next blob must name the same. */
bool sb_seal_find_primary(struct seal *sl)
{
	const struct sb_blob *blob = &sl->blob[SB_KEY_CURRENT];
	struct sb_tpm_key made;
	int rc;

	sl->primary_kind = blob->primary_kind;
	rc = get_primary(sl, sl->primary_kind, &sl->primary);
	if (sl->primary_kind == SB_BLOB_PRIMARY_PERSISTENT &&
	    (rc ? sb_seal_state(rc) != SEALBOND_STATE_TPM_BUSY :
		  !is_primary_of(&sl->primary, blob))) {
		/* It may have been evicted or replaced; the template may give it again. */
		rc = get_primary(sl, SB_BLOB_PRIMARY_MADE, &made);
		if (!rc) {
			sl->primary = made;
			sl->primary_kind = SB_BLOB_PRIMARY_MADE;
		}
	}
	if (rc)
		return primary_failed(sl, rc);
	if (!is_primary_of(&sl->primary, blob))
		return primary_lost(sl);
	if (sl->has_blob[SB_KEY_NEXT] && !is_primary_of(&sl->primary, &sl->blob[SB_KEY_NEXT]))
		return sb_seal_fail(sl, SEALBOND_STATE_BLOB_INVALID,
				    "the next key was not sealed with the current one");
	return true;
}

