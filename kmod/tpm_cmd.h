/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TPM 2.0 commands that need no session, sent while the chip is held (TPM 2.0 part 3).
 *
 * Return values here and in tpm_session.h: 0; a TPM_RC > 0 as the TPM sent it; or a
 * negative errno: -EBADMSG for a response that breaks the specification, -ENODEV when the
 * driver is gone, and what a driver gives when the TPM does not answer, or not in one piece
 * (-EIO, -EFAULT, -ETIME). Outputs are untouched on failure.
 */
#ifndef SB_TPM_CMD_H
#define SB_TPM_CMD_H

#include <linux/tpm.h>

#include "seal_blob.h"
#include "tpm_ecc.h"
#include "tpm_wire.h"

#define SB_TPM_RH_OWNER		0x40000001
#define SB_TPM_RH_NULL		0x40000007
#define SB_TPM_RH_ENDORSEMENT	0x4000000b
#define SB_TPM_SRK		0x81000001	/* TCG provisioning guidance: the storage root key */

struct sb_tpm {
	struct tpm_chip *chip;
	void *page;			/* the chip's buffer */
	unsigned long duration[TPM_NUM_DURATIONS];	/* the chip's, while it is held */
	struct sb_wr out;		/* the command under construction, in page */
	struct sb_rd in;		/* the last response, from its first handle on, in page */
	u16 code;			/* of the command */
	/* Called after every command; rc as tpm_transmit_cmd() returned it. Optional. */
	void (*sent)(struct sb_tpm *tpm, u16 code, int rc, u32 us);
};

/* A loaded P-256 storage key. */
struct sb_tpm_key {
	u32 handle;
	bool transient;			/* to be flushed */
	struct sb_p256 point;
	u8 name[SB_TPM_NAME_LEN];
};

/* TPMT_TK_VERIFIED */
struct sb_tpm_ticket {
	u16 len;
	u8 data[2 + 4 + 2 + 64];
};

/*
 * sb_tpm_open - finds the default chip and keeps a reference
 * Returns 0, -ENODEV without a TPM 2.0, -ENOMEM.
 */
int sb_tpm_open(struct sb_tpm *tpm);
void sb_tpm_close(struct sb_tpm *tpm);
bool sb_tpm_is_virtual(const struct sb_tpm *tpm);

/* Between these two nobody else's command reaches the chip. 0, or -ENODEV: the driver is gone. */
int sb_tpm_hold(struct sb_tpm *tpm);
void sb_tpm_release(struct sb_tpm *tpm);

/* Building blocks for tpm_session.c: begin, sb_put*(&tpm->out, ...), then send. */
void sb_tpm_begin(struct sb_tpm *tpm, u16 tag, u16 code);
int sb_tpm_send(struct sb_tpm *tpm);
/* After a response with the tag SESSIONS: *params gets the parameters. */
int sb_tpm_params(struct sb_tpm *tpm, struct sb_rd *params);

/* Best effort; a handle of 0 is none. Sets it to 0. */
void sb_tpm_flush(struct sb_tpm *tpm, u32 *handle);

/*
 * A storage key: restricted, decrypting, fixed to its TPM, P-256, Name by SHA-256,
 * AES-CFB inside. A key of another kind gives -EKEYREJECTED, an RSA key -EPROTOTYPE.
 */
int sb_tpm_read_storage_key(struct sb_tpm *tpm, u32 handle, struct sb_tpm_key *key);

/*
 * The P-256 primary of a hierarchy by the fixed template: attributes 0x30472, AES-128-CFB,
 * unique x and y of 32 zero bytes. The same for the same seed, always.
 */
int sb_tpm_create_primary(struct sb_tpm *tpm, u32 hierarchy, struct sb_tpm_key *key);

/*
 * Keeps a loaded key of the owner's hierarchy for good at a handle that is empty; needs the
 * owner's empty password. The loaded copy stays, too.
 */
int sb_tpm_persist(struct sb_tpm *tpm, u32 handle, u32 persistent);

/*
 * SHA-256 values of the PCRs in mask, as many commands as the TPM needs. *valid: those
 * that the TPM has in its SHA-256 bank. value is undefined on failure.
 */
int sb_tpm_pcr_read(struct sb_tpm *tpm, u32 mask, u8 value[SB_PCRS][SB_DIGEST_LEN],
		    u32 *valid);

/* resetCount and restartCount of TPMS_CLOCK_INFO. */
int sb_tpm_read_clock(struct sb_tpm *tpm, u32 *reset_count, u32 *restart_count);

/* The release key's public part, in the owner hierarchy (another one gives no ticket). */
int sb_tpm_load_release_key(struct sb_tpm *tpm, const u8 x[SB_DIGEST_LEN],
			    const u8 y[SB_DIGEST_LEN], u32 *handle);

int sb_tpm_verify(struct sb_tpm *tpm, u32 key, const u8 digest[SB_DIGEST_LEN],
		  const u8 r[SB_DIGEST_LEN], const u8 s[SB_DIGEST_LEN],
		  struct sb_tpm_ticket *ticket);

/* Loads a blob under its primary; the Name that the TPM tells must be the blob's. */
int sb_tpm_load(struct sb_tpm *tpm, const struct sb_tpm_key *parent,
		const struct sb_blob *blob, u32 *handle);

/*
 * TPML_DIGEST_VALUES for all allocated banks: digest, cut or padded with zeros to the size
 * of each bank.
 */
void sb_tpm_put_digests(struct sb_wr *w, const struct sb_tpm *tpm,
			const u8 digest[SB_DIGEST_LEN]);

/* PCR_Extend with an empty password: the answer is not authenticated. */
int sb_tpm_extend_plain(struct sb_tpm *tpm, u8 pcr, const u8 digest[SB_DIGEST_LEN]);

#endif
