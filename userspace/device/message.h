/* SPDX-License-Identifier: Apache-2.0 */
/* What the parent, its roles and the CLI say to each other, in frames of common/frame.h. */
#ifndef SB_MESSAGE_H
#define SB_MESSAGE_H

#include <stdint.h>

#include "common/states.h"

enum sb_role_id {
	SB_ROLE_PARENT,
	SB_ROLE_TPM,
	SB_ROLE_LINK,
	SB_ROLE_LEDGER,
	SB_ROLES,
};

enum sb_message {
	SB_MESSAGE_NONE,
	SB_MESSAGE_READY,		/* role to parent: set up; nothing in it */
	SB_MESSAGE_NOTE,		/* link to parent: a line for systemctl status */
	SB_MESSAGE_DEVICE_ID_GET,	/* to tpm; nothing in it */
	SB_MESSAGE_DEVICE_ID,		/* from tpm: struct sb_device_id_answer */
	SB_MESSAGE_CONTROL,		/* CLI to parent to link: struct sb_control_request */
	SB_MESSAGE_CONTROL_REPLY,	/* back: struct sb_control_reply */
	SB_MESSAGE_REBOOT,		/* link to parent: reboot_command is to run; nothing in it */
	/* ledger to tpm and back */
	SB_MESSAGE_IDENTITY_GET,	/* nothing in it */
	SB_MESSAGE_IDENTITY,		/* struct sb_identity_answer */
	SB_MESSAGE_QUOTE_GET,		/* struct sb_quote_request */
	SB_MESSAGE_QUOTE,		/* struct sb_quote_answer */
	SB_MESSAGE_ACTIVATE,		/* struct sb_activate_request */
	SB_MESSAGE_ACTIVATED,		/* struct sb_activate_answer */
	/* ledger to link and back */
	SB_MESSAGE_KEYS_GET,		/* nothing in it */
	SB_MESSAGE_KEYS,		/* struct sb_keys_answer */
	SB_MESSAGE_LOCAL,		/* struct sb_ledger_local; no answer */
	SB_MESSAGE_NONCE_GET,		/* struct sb_about_peer */
	SB_MESSAGE_NONCE,		/* struct sb_about_peer */
	SB_MESSAGE_ADMIT,		/* struct sb_admit_request */
	SB_MESSAGE_ADMITTED,		/* struct sb_about_peer */
	SB_MESSAGE_DROP,		/* struct sb_about_peer: its bond ends, and it is forgotten */
	SB_MESSAGE_DROPPED,		/* struct sb_about_peer */
	SB_MESSAGE_ROTATE,		/* nothing in it: the ledger has the next key as this device's */
	SB_MESSAGE_ROTATED,		/* struct sb_about_peer, of no peer */
	SB_MESSAGE_PEERS_GET,		/* nothing in it; all in the kernel come as PEERS_SEEN */
	SB_MESSAGE_PROFILE,		/* struct sb_profile_request */
	SB_MESSAGE_PROFILE_TAKEN,	/* struct sb_profile_answer */
	/* link to ledger, unasked */
	SB_MESSAGE_PEERS_SEEN,		/* device ids, 32 bytes each: the kernel has them */
	SB_MESSAGE_PEERS_LOST,		/* device ids, likewise: they need a grant anew */
	SB_MESSAGE_KEYS_CHANGED,	/* nothing in it */
	/* of the CLI's questions about the ledger */
	SB_MESSAGE_LEDGER_REPLY,	/* struct sb_ledger_reply */
	/* ledger to tpm and back */
	SB_MESSAGE_IAK_GET,		/* nothing in it */
	SB_MESSAGE_IAK,			/* struct sb_iak_answer */
};

enum sb_control_verb {
	SB_CONTROL_STATUS,	/* text: what the helper waits for, "" when for nothing */
	SB_CONTROL_RELOAD,	/* reads the files again, and ends a pause */
	SB_CONTROL_DOWN,	/* ends all bonds, forgets the peers, and pauses */
	SB_CONTROL_ROTATE_KEY,	/* the next bond key becomes the current one, in kernel and files */
	/* to the ledger role, answered by LEDGER_REPLY */
	SB_CONTROL_LEDGER,	/* what it knows */
	SB_CONTROL_LEDGER_NOW,	/* looks, enrols or renews at once, then the same */
};

struct sb_control_request {
	uint32_t id;		/* the parent's; the CLI writes 0 */
	uint32_t verb;		/* enum sb_control_verb */
};

struct sb_control_reply {
	uint32_t id;
	int32_t error;		/* 0 or a negative errno */
	char text[512];		/* a sentence, terminated */
};

struct sb_device_id_answer {
	int32_t error;		/* 0 or a negative errno, with text */
	uint8_t device_id[32];
	uint8_t ek_name[66];
	uint16_t ek_name_length;
	char ek_template[24];
	char text[256];
};

/* What went wrong, of an answer with error < 0. */
struct sb_tpm_failure {
	int32_t error;		/* 0 or a negative errno of tpm/tpm.h */
	uint32_t state;		/* enum sealbond_state; no meaning where error is 0 */
	char text[256];
};

#define SB_IDENTITY_CERTIFICATES	6
#define SB_IDENTITY_CERTIFICATE_BYTES	6144

/* A key's certificate and the issuers', one behind the other. */
struct sb_certificates_answer {
	uint16_t count, used;
	uint16_t length[SB_IDENTITY_CERTIFICATES];
	uint8_t data[SB_IDENTITY_CERTIFICATE_BYTES];
};

struct sb_identity_answer {
	struct sb_tpm_failure failure;
	uint8_t device_id[32];
	uint32_t ek_profile;	/* 1 to 5, tpm/tpm.h */
	uint16_t ek_length, ak_length;
	uint8_t ak_name[34];
	uint8_t ek_public[512], ak_public[512];		/* TPMT_PUBLIC */
	struct sb_certificates_answer certificates;	/* the endorsement key's */
};

/* What a key that the device's maker has certified says of the attestation key. */
struct sb_iak_answer {
	struct sb_tpm_failure failure;	/* -ENODATA: the TPM has none */
	uint16_t public_length, info_length, signature_length;
	uint8_t public[512];		/* TPMT_PUBLIC */
	uint8_t info[512];		/* TPMS_ATTEST */
	uint8_t signature[520];		/* TPMT_SIGNATURE */
	struct sb_certificates_answer certificates;
};

struct sb_quote_request {
	uint32_t id;		/* comes back with the answer */
	uint32_t pcrs;		/* mask */
	uint8_t extra[32];
};
struct sb_quote_answer {
	uint32_t id;
	uint32_t pcrs;
	struct sb_tpm_failure failure;
	uint16_t attest_length, signature_length;
	uint8_t attest[512];	/* TPMS_ATTEST */
	uint8_t signature[128];	/* TPMT_SIGNATURE */
	uint8_t values[24][32];
};

struct sb_activate_request {
	uint32_t id;
	uint16_t blob_length, encrypted_length;
	uint8_t blob[160];	/* TPM2B_ID_OBJECT */
	uint8_t encrypted[520];	/* TPM2B_ENCRYPTED_SECRET */
};
struct sb_activate_answer {
	uint32_t id;
	struct sb_tpm_failure failure;
	uint16_t length;
	uint8_t secret[64];
};

/* The kernel's keys and what they rest on. */
struct sb_keys_answer {
	int32_t error;			/* -ENOENT: no module */
	uint32_t state;			/* enum sealbond_state */
	uint8_t has_current, has_next, has_old, has_candidate, has_config, has_prior;
	uint8_t cap_pcr;
	uint8_t assurance;		/* 1 bench, 2 partial, 3 full */
	uint8_t current[32], next[32], old[32], candidate[32];
	uint8_t config[32];		/* hash of the security configuration in the cap PCR */
	uint8_t prior[32];		/* the cap PCR before this boot's cap, with the configuration in it */
	uint32_t pcrs;			/* that the configuration names */
};

/* What the ledger gave this device: zero lengths where it gave none. */
struct sb_ledger_local {
	uint8_t overlay4[4], overlay4_bits;
	uint8_t overlay6[16], overlay6_bits;
};

#define SB_LEDGER_PEERS_MAX	4096	/* that a device has by its ledger */

struct sb_about_peer {
	uint8_t device_id[32];
	int32_t error;
	uint8_t nonce[16];
	char text[160];
};

struct sb_admit_request {
	uint8_t device_id[32];
	char name[64];			/* terminated */
	uint8_t endpoint[28];		/* union sb_endpoint; family 0: none */
	uint16_t length;
	uint8_t grant[1408];
};

#define SB_PROFILE_EXCEPTIONS	16
/* What the ledger's profile wants of this device. */
struct sb_profile_request {
	uint32_t version;
	uint8_t mode;			/* enum sealbond_mode; 0: as it is */
	uint8_t has_exceptions;		/* these of the configured ones, and no other; else all of them */
	uint8_t exceptions;
	char exception[SB_PROFILE_EXCEPTIONS][32];	/* names, terminated */
};
struct sb_profile_answer {
	uint32_t version;
	int32_t error;			/* not looked at: 0 or a negative errno, to be asked again */
	uint8_t mode_taken, exceptions_taken;
	char text[256];			/* what was not taken over, and why; "": nothing */
};

#define SB_LEDGER_ENDPOINTS	8
struct sb_ledger_reply {
	uint32_t id;
	int32_t error;			/* 0 or a negative errno, with text */
	uint32_t state;			/* enum sb_ledger_state */
	uint8_t has_device, has_lease, witnessed;
	uint8_t device_id[32];
	char chain[64];
	uint64_t lease_ms;		/* left */
	uint64_t hold_ms;		/* of on_ledger_loss beyond the lease, 0: stop */
	uint64_t hold_left_ms;		/* while bonds are held */
	uint64_t beat_ms;		/* until the next heartbeat */
	uint64_t beats, beats_refused;
	uint32_t last_code;		/* of the last transaction: enum sb_tx_code */
	int64_t height, seconds;	/* of the latest proven header; 0: none */
	uint64_t head_age_ms;		/* since it was received */
	uint32_t roster, peers;		/* devices of the zone; those with a grant */
	uint32_t held;			/* of these, past a lease: the ledger is lost */
	uint32_t profile_version;
	uint64_t bytes_in, bytes_out;
	uint32_t endpoints, endpoints_known;	/* of these, the ones that are asked first, in this order: */
	struct {
		char url[128];
		uint8_t learned;	/* from the ledger */
		uint32_t latency_us, failures;
		int64_t height;
		char text[96];
	} endpoint[SB_LEDGER_ENDPOINTS];
	char profile[416];		/* what of the ledger's profile was taken over, and what not and why; "": none */
	uint8_t has_quote;
	int64_t quote_seconds;		/* time of the block that took this device's last quote, ... */
	uint64_t quote_age_ms;		/* ... and how long ago that was by the chain's time */
	char why[200];			/* the ledger's word on this device's state */
	char text[512];			/* what went wrong last, "" when nothing */
	uint8_t admitted;		/* the ledger has a bond key of this device, ... */
	uint8_t next[32];		/* ... and would take a rotation to this one; zero: to none */
};

/* The note of a boot without its keys, once its approval has come: status gives it as the remedy. */
#define SB_NOTE_APPROVED	"an approval fits this boot now: a reboot is all that is missing"

#define SB_CONTROL_SOCKET	"control"	/* in run_dir */
#define SB_ROLE_FD		3		/* where a role finds its socket */
#define SB_HANDOVER_FD		4		/* with --handover: device/handover.h */

#endif
