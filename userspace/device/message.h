/* SPDX-License-Identifier: Apache-2.0 */
/* What the parent, its roles and the CLI say to each other, in frames of common/frame.h. */
#ifndef SB_MESSAGE_H
#define SB_MESSAGE_H

#include <stdint.h>

enum sb_role_id {
	SB_ROLE_PARENT,
	SB_ROLE_TPM,
	SB_ROLE_LINK,
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

/* The note of a boot without its keys, once its approval has come: status gives it as the remedy. */
#define SB_NOTE_APPROVED	"an approval fits this boot now: a reboot is all that is missing"

#define SB_CONTROL_SOCKET	"control"	/* in run_dir */
#define SB_ROLE_FD		3		/* where a role finds its socket */

#endif
