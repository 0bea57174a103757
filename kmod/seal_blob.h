/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads and writes the file formats of sealbond/blob.h. Pure. */
#ifndef SB_SEAL_BLOB_H
#define SB_SEAL_BLOB_H

#include "pure.h"

#include "sealbond/blob.h"

struct sb_bytes {
	const u8 *data;
	u16 len;
};

/* A blob in parts. The pointers lead into the caller's bytes. */
struct sb_blob {
	u8 primary_kind;		/* SB_BLOB_PRIMARY_* */
	u8 cap_pcr;
	u32 pcr_mask;
	const u8 *key;			/* 32: X25519 public key */
	const u8 *primary_name;		/* 34 */
	const u8 *endorsement_name;	/* 34 */
	struct sb_bytes private;	/* TPM2B_PRIVATE with its size field */
	struct sb_bytes public;		/* TPM2B_PUBLIC, likewise */
	struct sb_bytes creation;	/* TPM2B_CREATION_DATA, likewise */
	struct sb_bytes hash;		/* TPM2B_DIGEST, likewise */
	struct sb_bytes ticket;		/* TPMT_TK_CREATION */
	const u8 *policy;		/* 32: authPolicy inside public; set by parse */
};

/*
 * sb_blob_parse - checks and takes apart a whole blob file
 * Returns 0, or -EBADMSG for anything but a well-formed blob of this version with a public
 * area of the one kind that the module makes. *blob is untouched on failure.
 */
int sb_blob_parse(struct sb_blob *blob, const void *data, size_t len);

/*
 * sb_blob_build - writes a blob file
 * blob->policy is not used. Returns its length, or -EMSGSIZE when it does not fit into
 * SB_BLOB_MAX bytes or a part is out of bounds; out is then undefined.
 */
int sb_blob_build(u8 out[SB_BLOB_MAX], const struct sb_blob *blob);

/* The sealed object's Name, from its public area. blob must come from sb_blob_parse(). */
void sb_blob_name(u8 name[SB_TPM_NAME_LEN], const struct sb_blob *blob);

/* A marshalled TPMT_PUBLIC of a sealed object; a template lacks the last 32 bytes. */
#define SB_SEALED_PUBLIC_LEN	78

/*
 * The marshalled TPMT_PUBLIC of a sealed object, unique field included: a keyed hash with
 * the attributes fixedTPM, fixedParent, adminWithPolicy and noDA. unique is NULL for the
 * template (its size is then 0). Returns its length.
 */
u32 sb_sealed_public(u8 out[SB_SEALED_PUBLIC_LEN], const u8 policy[SB_DIGEST_LEN],
		     const u8 *unique);

/* An approval in parts, copied. */
struct sb_approval {
	u32 pcr_mask;
	u8 cap_pcr;
	u8 policy_ref[SB_DIGEST_LEN];
	u8 release_x[SB_DIGEST_LEN];
	u8 release_y[SB_DIGEST_LEN];
	u8 sig_r[SB_DIGEST_LEN];
	u8 sig_s[SB_DIGEST_LEN];
	u8 value[SB_PCRS][SB_DIGEST_LEN];	/* by PCR; zero outside pcr_mask */
};

/*
 * sb_approval_parse - checks and takes apart a whole approval file (not its signature)
 * Returns 0 or -EBADMSG. *approval is undefined on failure.
 */
int sb_approval_parse(struct sb_approval *approval, const void *data, size_t len);

#endif
