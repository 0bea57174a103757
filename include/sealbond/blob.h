/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Two public files that travel between the helper and the kernel module: the sealed bond
 * key ("blob") and the approval of a boot state. Neither holds a secret. All integers are
 * big endian, all lengths exact; a byte too few or too many makes the file invalid.
 */
#ifndef _SEALBOND_BLOB_H
#define _SEALBOND_BLOB_H

#include <linux/types.h>
#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/stddef.h>
#else
#include <assert.h>
#include <stddef.h>
#endif

#define SB_PCRS			24	/* PCRs of a PC client TPM */
#define SB_DIGEST_LEN		32	/* SHA-256; also a P-256 coordinate and an X25519 key */
#define SB_TPM_NAME_LEN		34	/* algorithm 000b, then SHA-256 over the public area */

/* PCRs that can never be the cap: userspace may reset 16 and 23. */
#define SB_CAP_FORBIDDEN	((1U << 16) | (1U << 23))
#define SB_PCR_MASK_ALL		((1U << SB_PCRS) - 1)

/*
 * Blob: struct sb_blob_header, then the five parts in the header's order, then SHA-256 over
 * everything before it. The checksum tells a damaged file from one of another TPM; the TPM
 * itself protects the key.
 */
#define SB_BLOB_MAGIC		"SBBLOB1\n"
#define SB_BLOB_VERSION		1
#define SB_BLOB_MAX		2048	/* bytes of a whole blob */

/* Where the storage primary was: made from a template, or persistent at 0x81000001. */
#define SB_BLOB_PRIMARY_MADE		0
#define SB_BLOB_PRIMARY_PERSISTENT	1

struct sb_blob_header {
	__u8	magic[8];
	__be16	version;
	__u8	primary_kind;		/* SB_BLOB_PRIMARY_* */
	__u8	cap_pcr;
	__be32	pcr_mask;		/* of the creation data: policy PCRs and the cap PCR */
	__be16	private_len;		/* TPM2B_PRIVATE, its size field included */
	__be16	public_len;		/* TPM2B_PUBLIC, likewise */
	__be16	creation_len;		/* TPM2B_CREATION_DATA, likewise */
	__be16	hash_len;		/* TPM2B_DIGEST of the creation data, likewise */
	__be16	ticket_len;		/* TPMT_TK_CREATION */
	__u8	reserved[6];		/* zero */
	__u8	key[SB_DIGEST_LEN];	/* the X25519 public key */
	__u8	primary_name[SB_TPM_NAME_LEN];
	/* Name of a primary of the endorsement hierarchy; all zero when it could not be had. */
	__u8	endorsement_name[SB_TPM_NAME_LEN];
} __attribute__((packed));

static_assert(sizeof(struct sb_blob_header) == 132, "blob header is 132 bytes");
static_assert(offsetof(struct sb_blob_header, pcr_mask) == 12, "pcr_mask is at 12");
static_assert(offsetof(struct sb_blob_header, private_len) == 16, "private_len is at 16");
static_assert(offsetof(struct sb_blob_header, key) == 32, "key is at 32");
static_assert(offsetof(struct sb_blob_header, primary_name) == 64, "primary_name is at 64");

/*
 * Approval: struct sb_approval_header, then the approved SHA-256 value of every PCR in
 * pcr_mask, ascending. The cap PCR is among them, with its value before the cap.
 *
 * The signature is ECDSA over P-256 with SHA-256 of (policy digest || policy_ref), where
 * policy digest = SHA-256(32 zero bytes || 0000017f || TPML_PCR_SELECTION of pcr_mask in
 * the SHA-256 bank with 3 select bytes || SHA-256(the values)) (TPM 2.0 part 3, PolicyPCR).
 * TPM2_PolicyAuthorize of a key whose Name is sb_release_name() then accepts it.
 */
#define SB_APPROVAL_MAGIC	"SBAPPR1\n"
#define SB_APPROVAL_VERSION	1
#define SB_APPROVAL_MAX		(sizeof(struct sb_approval_header) + SB_PCRS * SB_DIGEST_LEN)
#define SB_APPROVALS_MAX	16	/* in one request */

struct sb_approval_header {
	__u8	magic[8];
	__be16	version;
	__u8	cap_pcr;
	__u8	reserved;		/* zero */
	__be32	pcr_mask;
	__u8	policy_ref[SB_DIGEST_LEN];	/* the fleet id */
	__u8	release_x[SB_DIGEST_LEN];	/* the release key's point */
	__u8	release_y[SB_DIGEST_LEN];
	__u8	sig_r[SB_DIGEST_LEN];
	__u8	sig_s[SB_DIGEST_LEN];
} __attribute__((packed));

static_assert(sizeof(struct sb_approval_header) == 176, "approval header is 176 bytes");
static_assert(offsetof(struct sb_approval_header, pcr_mask) == 12, "pcr_mask is at 12");
static_assert(offsetof(struct sb_approval_header, sig_r) == 112, "sig_r is at 112");

/*
 * The cap: before a hold of the TPM ends, the cap PCR is extended with
 * SHA-256(SB_CAP_TAG with its NUL || current public key || next public key || outcome byte)
 * in the SHA-256 bank; in other banks with the same bytes, cut or padded with zeros to the
 * bank's size. A key that is not held is 32 zero bytes.
 *
 * A quote over it speaks of the kernel's keys where the value right before the cap is known from
 * elsewhere: root can extend a cap of its own behind it (docs/keys.md, userspace/state/boot.h).
 */
#define SB_CAP_TAG		"sealbond cap v1"
#define SB_CAP_NONE		0	/* the kernel holds no key */
#define SB_CAP_UNSEALED		1	/* both keys were unsealed */
#define SB_CAP_MADE		2	/* both keys were made in this hold */
#define SB_CAP_NEXT_MADE	3	/* the current one was unsealed, the next one made */
#define SB_CAP_CANDIDATE	4	/* boot-changed: "current" is a candidate, "next" zero */

#endif /* _SEALBOND_BLOB_H */
