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
#include "device/tpm_answers.h"
#include "tpm/node.h"
#include "tpm/tpm.h"

struct tpm_role {
	struct event_base *base;
	struct sb_channel *channel;
	char node[SB_TPM_NODE_ROOM];
	bool confined;		/* only the node's path is left */
	bool stale;		/* and cannot be opened any more */
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

/* Closed between questions: others find the TPM's slots free. */
static int open_tpm(struct tpm_role *role, struct sb_tpm **tpm, struct sb_error *error)
{
	int result = confine(role, error);

	if (result == 0)
		result = sb_tpm_open(tpm, role->node, error);
	role->stale = result == -EACCES || result == -ENOENT;
	return result;
}

static void identify(struct tpm_role *role, uint8_t to)
{
	struct sb_device_id_answer answer = { 0 };
	struct sb_tpm *tpm = NULL;
	struct sb_error error = { "" };
	struct sb_ek ek;

	answer.error = open_tpm(role, &tpm, &error);
	if (answer.error == 0)
		answer.error = sb_tpm_ek(tpm, &ek, &error);
	sb_tpm_close(tpm);
	if (answer.error < 0) {
		snprintf(answer.text, sizeof(answer.text), "%.255s", error.text);
	} else {
		memcpy(answer.ek_name, ek.name, ek.name_length);
		answer.ek_name_length = (uint16_t)ek.name_length;
		memcpy(answer.ek_template, ek.template, sizeof(answer.ek_template));
		sb_device_id(ek.name, ek.name_length, answer.device_id);
	}
	sb_channel_send(role->channel, SB_ROLE_TPM, to, SB_MESSAGE_DEVICE_ID, &answer, sizeof(answer));
}

static void tell_identity(struct tpm_role *role)
{
	static struct sb_identity_answer answer;
	struct sb_tpm *tpm = NULL;
	struct sb_error error = { "" };
	int result = open_tpm(role, &tpm, &error);

	memset(&answer, 0, sizeof(answer));
	if (result == 0)
		result = sb_answer_identity(tpm, &answer, &error);
	sb_tpm_close(tpm);
	sb_answer_failure(&answer.failure, result, &error);
	sb_channel_send(role->channel, SB_ROLE_TPM, SB_ROLE_LEDGER, SB_MESSAGE_IDENTITY, &answer, sizeof(answer));
}

static void tell_iak(struct tpm_role *role)
{
	static struct sb_iak_answer answer;
	struct sb_tpm *tpm = NULL;
	struct sb_error error = { "" };
	int result = open_tpm(role, &tpm, &error);

	memset(&answer, 0, sizeof(answer));
	if (result == 0)
		result = sb_answer_iak(tpm, &answer, &error);
	sb_tpm_close(tpm);
	sb_answer_failure(&answer.failure, result, &error);
	sb_channel_send(role->channel, SB_ROLE_TPM, SB_ROLE_LEDGER, SB_MESSAGE_IAK, &answer, sizeof(answer));
}

static void quote(struct tpm_role *role, const struct sb_quote_request *request)
{
	struct sb_quote_answer answer = { .id = request->id, .pcrs = request->pcrs };
	struct sb_tpm_quote taken;
	struct sb_tpm *tpm = NULL;
	struct sb_error error = { "" };
	int result = open_tpm(role, &tpm, &error);

	if (result == 0)
		result = sb_tpm_take_quote(tpm, request->extra, request->pcrs, &taken, &error);
	sb_tpm_close(tpm);
	sb_answer_failure(&answer.failure, result, &error);
	if (result == 0) {
		answer.attest_length = (uint16_t)taken.attest_length;
		memcpy(answer.attest, taken.attest, taken.attest_length);
		answer.signature_length = (uint16_t)taken.signature_length;
		memcpy(answer.signature, taken.signature, taken.signature_length);
		memcpy(answer.values, taken.values, sizeof(answer.values));
	}
	sb_channel_send(role->channel, SB_ROLE_TPM, SB_ROLE_LEDGER, SB_MESSAGE_QUOTE, &answer, sizeof(answer));
}

static void activate(struct tpm_role *role, const struct sb_activate_request *request)
{
	struct sb_activate_answer answer = { .id = request->id };
	struct sb_tpm *tpm = NULL;
	struct sb_error error = { "" };
	size_t length = 0;
	int result = -EBADMSG;

	if (request->blob_length <= sizeof(request->blob) && request->encrypted_length <= sizeof(request->encrypted))
		result = open_tpm(role, &tpm, &error);
	if (result == 0)
		result = sb_tpm_activate(tpm, request->blob, request->blob_length, request->encrypted,
					 request->encrypted_length, answer.secret, &length, &error);
	sb_tpm_close(tpm);
	sb_answer_failure(&answer.failure, result, &error);
	answer.length = (uint16_t)length;
	sb_channel_send(role->channel, SB_ROLE_TPM, SB_ROLE_LEDGER, SB_MESSAGE_ACTIVATED, &answer, sizeof(answer));
	explicit_bzero(&answer, sizeof(answer));
}

/* Quotes and secrets are the ledger role's alone; the parent vouches for who asks. */
static void serve_ledger(struct tpm_role *role, const struct sb_frame_header *header, const uint8_t *payload)
{
	struct sb_activate_request activation;
	struct sb_quote_request request;

	if (header->type == SB_MESSAGE_IDENTITY_GET && header->length == 0) {
		tell_identity(role);
	} else if (header->type == SB_MESSAGE_IAK_GET && header->length == 0) {
		tell_iak(role);
	} else if (header->type == SB_MESSAGE_QUOTE_GET && header->length == sizeof(request)) {
		memcpy(&request, payload, sizeof(request));
		quote(role, &request);
	} else if (header->type == SB_MESSAGE_ACTIVATE && header->length == sizeof(activation)) {
		memcpy(&activation, payload, sizeof(activation));
		activate(role, &activation);
	}
}

static void on_frame(void *context, const struct sb_frame_header *header, const uint8_t *payload)
{
	struct tpm_role *role = context;

	if (header->type == SB_MESSAGE_DEVICE_ID_GET)
		identify(role, header->from);
	else if (header->from == SB_ROLE_LEDGER)
		serve_ledger(role, header, payload);
	/* A device that came anew has another inode or number, which this process may not open: begin afresh. */
	if (role->confined && role->stale)
		event_base_loopexit(role->base, &(struct timeval){ 1, 0 });
}

static int sandbox(void)
{
	int result = sb_sandbox_begin();

	/* The device node belongs to another user, tss; Landlock leaves nothing else to override. */
	if (result == 0)
		result = sb_sandbox_capabilities(1ULL << CAP_DAC_OVERRIDE);
	if (result == 0)
		result = sb_sandbox_calls(NULL, NULL);
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
