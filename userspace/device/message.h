/* SPDX-License-Identifier: Apache-2.0 */
/* What the parent, its roles and the CLI say to each other, in frames of common/frame.h. */
#ifndef SB_MESSAGE_H
#define SB_MESSAGE_H

#include <stdint.h>

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
	SB_MESSAGE_NOTE,		/* role to parent: a line for systemctl status */
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
};

enum sb_control_verb {
	SB_CONTROL_STATUS,	/* text: what the helper waits for, "" when for nothing */
	SB_CONTROL_RELOAD,	/* reads the files again, and ends a pause */
	SB_CONTROL_DOWN,	/* ends all bonds, forgets the peers, and pauses */
	SB_CONTROL_ROTATE_KEY,	/* the next bond key becomes the current one, in kernel and files */
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

struct sb_identity_answer {
	struct sb_tpm_failure failure;
	uint8_t device_id[32];
	uint32_t ek_profile;	/* 1 to 5, tpm/tpm.h */
	uint16_t ek_length, ak_length, certificates_length;
	uint16_t certificates;
	uint16_t certificate[SB_IDENTITY_CERTIFICATES];	/* lengths, one behind the other in certificate_data */
	uint8_t ak_name[34];
	uint8_t ek_public[512], ak_public[512];		/* TPMT_PUBLIC */
	uint8_t certificate_data[SB_IDENTITY_CERTIFICATE_BYTES];
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

/* The note of a boot without its keys, once its approval has come: status gives it as the remedy. */
#define SB_NOTE_APPROVED	"an approval fits this boot now: a reboot is all that is missing"

#define SB_CONTROL_SOCKET	"control"	/* in run_dir */
#define SB_ROLE_FD		3		/* where a role finds its socket */

#endif
