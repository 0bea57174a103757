/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device's bond keys, made, sealed and unsealed under one hold of the TPM, which ends
 * with the cap. See docs/keys.md.
 */
#ifndef _SB_SEAL_H
#define _SB_SEAL_H

#include "pure.h"

#include "sealbond/blob.h"

#define SB_KEY_CURRENT		0
#define SB_KEY_NEXT		1
#define SB_KEYS			2

#define SB_SEAL_LOG_MAX		64

/* A file's bytes as userspace sent them; sb_seal_run() parses and judges them. */
struct sb_seal_file {
	const u8 *data;
	size_t len;
};

struct sb_seal_request {
	u32 policy_pcrs;		/* mask, without the cap PCR; at least one */
	u8 cap_pcr;			/* 0 to 15 or 17 to 22 */
	bool allow_virtual;		/* accept a TPM made by vtpm_proxy */
	bool early;			/* asked by the measured early boot */
	bool close;			/* no key: the configuration's hash and the cap only */
	bool has_config;		/* the configuration's hash is there; see seal_config.h */
	u8 config_hash[SB_DIGEST_LEN];
	u8 release_x[SB_DIGEST_LEN];	/* release key, P-256, big endian */
	u8 release_y[SB_DIGEST_LEN];
	u8 policy_ref[SB_DIGEST_LEN];	/* fleet id */
	struct sb_seal_file blob[SB_KEYS];	/* len 0: there is none, make the key */
	const struct sb_seal_file *approvals;
	u32 n_approvals;		/* at most SB_APPROVALS_MAX */
};

/* One TPM command as it was sent. */
struct sb_seal_log {
	u16 code;			/* TPM_CC */
	u16 rc;				/* TPM_RC; 0xffff when the driver failed */
	u32 us;
};

/* A report for userspace: it holds no secret. */
struct sb_seal_result {
	u8 state;			/* enum sealbond_state */
	u8 cap_outcome;			/* SB_CAP_* as extended; valid when capped */
	bool capped;			/* this run has extended the cap PCR */
	bool virtual_tpm;
	bool early;			/* the request's */
	bool candidate;			/* with boot-changed: the slot SB_KEY_CURRENT is one */
	s32 detail;			/* the TPM's response code (> 0) or -errno, 0 if none */
	const char *why;		/* a static sentence for people, never NULL */
	u32 changed_pcrs;		/* boot-changed: against the nearest approval */
	u32 pcr_valid;			/* which of pcr_value were read */
	/* SHA-256 bank; with the configuration's hash in it, before the cap. */
	u8 pcr_value[SB_PCRS][SB_DIGEST_LEN];
	bool cap_valid;
	u8 cap_value[SB_DIGEST_LEN];	/* of the cap PCR at the end of the hold; when cap_valid */
	u32 reset_count;		/* TPMS_CLOCK_INFO; valid when clock_valid */
	u32 restart_count;
	bool clock_valid;
	u8 pub[SB_KEYS][SB_DIGEST_LEN];	/* keys-ready, candidate: what is now held; else zero */
	u16 new_blob_len[SB_KEYS];	/* > 0: made in this run, to be stored */
	u8 new_blob[SB_KEYS][SB_BLOB_MAX];
	u32 commands;			/* TPM commands sent, all attempts together */
	u32 n_log;			/* of log[]; later commands are only counted */
	struct sb_seal_log log[SB_SEAL_LOG_MAX];
	u64 duration_ns;
};

/*
 * sb_seal_run - unseal the bond keys or, where there is no blob, make them
 *
 * In:  req. Blobs and approvals are untrusted.
 * Out: *res (about 6 KiB: allocate it) is always written when 0 is returned.
 *      priv[] gets both private keys when res->state is SEALBOND_STATE_KEYS_READY, a
 *      candidate's in the slot SB_KEY_CURRENT when res->candidate, and is zeroed otherwise.
 *      The caller owns it and wipes it.
 * Returns 0 when the run came to a state, good or bad; -EINVAL for a request that breaks
 * the bounds above, -ENOMEM. After an error nothing was sent to the TPM.
 *
 * Process context, sleeps; may take seconds, tens of seconds with a slow TPM. At most one
 * run at a time (the caller sees to it). Every failure but a busy or absent TPM extends the
 * cap as well: only a reboot gives another try.
 */
int sb_seal_run(const struct sb_seal_request *req, struct sb_seal_result *res,
		u8 priv[SB_KEYS][SB_DIGEST_LEN]);

#endif /* _SB_SEAL_H */
