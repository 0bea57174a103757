// SPDX-License-Identifier: Apache-2.0
/* sealbondd-tpm: the role that talks to the TPM. It answers questions and holds no secret. */
#include <errno.h>
#include <event2/event.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "device/role.h"
#include "tpm/node.h"
#include "tpm/tpm.h"

struct tpm_role {
	struct event_base *base;
	struct sb_channel *channel;
	char node[SB_TPM_NODE_ROOM];
	bool confined;		/* only the node's path is left */
};

/* Landlock needs the device to be there, which may come late. */
static int confine(struct tpm_role *role, struct sb_error *error)
{
	const struct sb_sandbox_path paths[] = { { role->node, 1 } };
	struct stat status;
	int result;

	if (role->confined)
		return 0;
	result = sb_tpm_node(role->node);
	if (result < 0)
		return sb_fail(error, result, "no TPM: %s", strerror(-result));
	if (stat(role->node, &status) < 0)
		return sb_fail(error, -errno, "%s: %s", role->node, strerror(errno));
	result = sb_sandbox_paths(paths, SB_ARRAY_SIZE(paths));
	if (result < 0)
		return sb_fail(error, result, "Landlock: %s", strerror(-result));
	role->confined = true;
	return 0;
}

static void identify(struct tpm_role *role, struct sb_device_id_answer *answer)
{
	struct sb_tpm *tpm = NULL;
	struct sb_error error = { "" };
	struct sb_ek ek;

	answer->error = confine(role, &error);
	if (answer->error == 0)
		answer->error = sb_tpm_open(&tpm, role->node, &error);
	if (answer->error == 0)
		answer->error = sb_tpm_ek(tpm, &ek, &error);
	/* Closed between questions: others find the TPM's slots free. */
	sb_tpm_close(tpm);
	if (answer->error < 0) {
		snprintf(answer->text, sizeof(answer->text), "%.255s", error.text);
		return;
	}
	memcpy(answer->ek_name, ek.name, ek.name_length);
	answer->ek_name_length = (uint16_t)ek.name_length;
	memcpy(answer->ek_template, ek.template, sizeof(answer->ek_template));
	sb_device_id(ek.name, ek.name_length, answer->device_id);
}

static void on_frame(void *context, const struct sb_frame_header *header, const uint8_t *payload)
{
	struct sb_device_id_answer answer = { 0 };
	struct tpm_role *role = context;

	(void)payload;
	if (header->type != SB_MESSAGE_DEVICE_ID_GET)
		return;
	identify(role, &answer);
	sb_channel_send(role->channel, SB_ROLE_TPM, header->from, SB_MESSAGE_DEVICE_ID, &answer, sizeof(answer));
	/* A device that came anew has another inode or number, which this process may not open: begin afresh. */
	if (role->confined && (answer.error == -EACCES || answer.error == -ENOENT))
		event_base_loopexit(role->base, &(struct timeval){ 1, 0 });
}

static int sandbox(void)
{
	int result = sb_sandbox_begin();

	/* The device node belongs to another user, tss; Landlock leaves nothing else to override. */
	if (result == 0)
		result = sb_sandbox_capabilities(1ULL << CAP_DAC_OVERRIDE);
	if (result == 0)
		result = sb_sandbox_calls(NULL);
	return result;
}

int main(int argc, char **argv)
{
	struct tpm_role role = { 0 };
	int result;

	sb_log_open("sealbondd tpm", argc > 1 && strcmp(argv[1], "--debug") == 0);
	/* libcrypto would look for its configuration; it needs none here. */
	setenv("OPENSSL_CONF", "/dev/null", 1);
	setenv("TSS2_LOG", "all+none", 1);
	result = sandbox();
	if (result < 0) {
		sb_error("sandbox: %s", strerror(-result));
		return 1;
	}
	role.base = event_base_new();
	if (!role.base)
		return 1;
	role.channel = sb_role_open(role.base, on_frame, &role);
	if (!role.channel) {
		sb_error("this program is started by sealbondd");
		return 1;
	}
	sb_channel_send(role.channel, SB_ROLE_TPM, SB_ROLE_PARENT, SB_MESSAGE_READY, NULL, 0);
	event_base_dispatch(role.base);
	return 0;
}
