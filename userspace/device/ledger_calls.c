// SPDX-License-Identifier: Apache-2.0
/* The port of the ledger role: the TPM and the kernel by the other roles, the ledger by the light client. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "device/ledger_role.h"

#define TPM_S		90	/* a slow TPM takes some ten seconds for a quote, more where it has to make the EK first */
#define LINK_S		20

int ledger_role_ask(struct ledger_role *role, enum sb_role_id to, enum sb_message type, const void *question,
		    size_t length, enum sb_message answer_type, void *answer, size_t answer_length, unsigned int seconds)
{
	const uint64_t one = 1;
	struct timespec end;
	int result = 0;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds;
	pthread_mutex_lock(&role->lock);
	role->to = (uint8_t)to;
	role->type = (uint16_t)type;
	role->answer_type = (uint16_t)answer_type;
	role->answer_length = answer_length;
	role->length = length;
	if (length)
		memcpy(role->question, question, length);
	role->asking = true;
	role->answered = false;
	role->one_way = !answer;
	if (write(role->told_fd, &one, sizeof(one)) < 0)
		result = -errno;
	while (result == 0 && !role->stop && (answer ? !role->answered : role->asking))
		result = -pthread_cond_timedwait(&role->changed, &role->lock, &end);
	if (result == 0 && role->stop)
		result = -ESHUTDOWN;
	if (result == 0 && answer)
		memcpy(answer, role->answer, answer_length);
	role->asking = role->answered = false;
	role->answer_type = 0;
	pthread_mutex_unlock(&role->lock);
	return result;
}

static uint64_t call_now(void *context)
{
	struct timespec now;

	(void)context;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint32_t call_random(void *context)
{
	uint32_t random = 0;

	(void)context;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		abort();
	return random;
}

static int silent(struct sb_error *error, int result, const char *who)
{
	return sb_fail(error, result, "the helper's %s role does not answer: %s", who, strerror(-result));
}

/* From another process: it may be wrong, and must not make us read beyond what came. */
static int failure_of(struct sb_tpm_failure *failure, struct sb_error *error)
{
	failure->text[sizeof(failure->text) - 1] = '\0';
	return failure->error < 0 ? sb_fail(error, failure->error, "%s", failure->text) : 0;
}

static bool certificates_fit(const struct sb_certificates_answer *certificates)
{
	size_t used = 0;

	if (certificates->count > SB_IDENTITY_CERTIFICATES)
		return false;
	for (size_t i = 0; i < certificates->count; i++)
		used += certificates->length[i];
	return used == certificates->used && used <= sizeof(certificates->data);
}

static bool identity_fits(const struct sb_identity_answer *identity)
{
	return identity->ek_length && identity->ek_length <= sizeof(identity->ek_public) && identity->ak_length &&
	       identity->ak_length <= sizeof(identity->ak_public) && certificates_fit(&identity->certificates);
}

static int call_identity(void *context, struct sb_identity_answer *identity, struct sb_error *error)
{
	struct sb_identity_answer *answer = calloc(1, sizeof(*answer));
	int result;

	if (!answer)
		return sb_fail(error, -ENOMEM, "out of memory");
	result = ledger_role_ask(context, SB_ROLE_TPM, SB_MESSAGE_IDENTITY_GET, NULL, 0, SB_MESSAGE_IDENTITY, answer,
				 sizeof(*answer), TPM_S);
	if (result < 0)
		silent(error, result, "tpm");
	else
		result = failure_of(&answer->failure, error);
	if (result == 0 && !identity_fits(answer))
		result = sb_fail(error, -EBADMSG, "the tpm role's answer does not hold together");
	if (result == 0)
		*identity = *answer;
	free(answer);
	return result;
}

static bool iak_fits(const struct sb_iak_answer *iak)
{
	return iak->public_length && iak->public_length <= sizeof(iak->public) && iak->info_length <= sizeof(iak->info) &&
	       iak->signature_length <= sizeof(iak->signature) && certificates_fit(&iak->certificates);
}

static int call_iak(void *context, struct sb_iak_answer *iak, struct sb_error *error)
{
	sb_cleanup_free struct sb_iak_answer *answer = calloc(1, sizeof(*answer));
	int result;

	if (!answer)
		return sb_fail(error, -ENOMEM, "out of memory");
	result = ledger_role_ask(context, SB_ROLE_TPM, SB_MESSAGE_IAK_GET, NULL, 0, SB_MESSAGE_IAK, answer, sizeof(*answer),
				 TPM_S);
	if (result < 0)
		return silent(error, result, "tpm");
	result = failure_of(&answer->failure, error);
	if (result == 0 && !iak_fits(answer))
		result = sb_fail(error, -EBADMSG, "the tpm role's answer does not hold together");
	if (result == 0)
		*iak = *answer;
	return result;
}

static int call_quote(void *context, const uint8_t extra[32], uint32_t pcrs, struct sb_quote_answer *quote,
		      struct sb_error *error)
{
	struct ledger_role *role = context;
	struct sb_quote_request request = { .id = ++role->last_id, .pcrs = pcrs };
	struct sb_quote_answer answer;
	int result;

	memcpy(request.extra, extra, sizeof(request.extra));
	result = ledger_role_ask(role, SB_ROLE_TPM, SB_MESSAGE_QUOTE_GET, &request, sizeof(request), SB_MESSAGE_QUOTE,
				 &answer, sizeof(answer), TPM_S);
	if (result < 0)
		return silent(error, result, "tpm");
	result = failure_of(&answer.failure, error);
	if (result < 0)
		return result;
	if (answer.id != request.id || answer.pcrs != pcrs || answer.attest_length > sizeof(answer.attest) ||
	    answer.signature_length > sizeof(answer.signature))
		return sb_fail(error, -EBADMSG, "the tpm role's answer is to another question");
	*quote = answer;
	return 0;
}

static int call_activate(void *context, const uint8_t *blob, size_t blob_length, const uint8_t *encrypted,
			 size_t encrypted_length, uint8_t secret[32], struct sb_error *error)
{
	struct ledger_role *role = context;
	struct sb_activate_request request = { .id = ++role->last_id };
	struct sb_activate_answer answer;
	int result;

	if (blob_length > sizeof(request.blob) || encrypted_length > sizeof(request.encrypted))
		return sb_fail(error, -EBADMSG, "the credential is longer than one can be");
	request.blob_length = (uint16_t)blob_length;
	request.encrypted_length = (uint16_t)encrypted_length;
	memcpy(request.blob, blob, blob_length);
	memcpy(request.encrypted, encrypted, encrypted_length);
	result = ledger_role_ask(role, SB_ROLE_TPM, SB_MESSAGE_ACTIVATE, &request, sizeof(request), SB_MESSAGE_ACTIVATED,
				 &answer, sizeof(answer), TPM_S);
	if (result < 0)
		return silent(error, result, "tpm");
	result = failure_of(&answer.failure, error);
	if (result == 0 && (answer.id != request.id || answer.length != 32))
		result = sb_fail(error, -EBADMSG, "the secret has another length than 32 bytes");
	if (result == 0)
		memcpy(secret, answer.secret, 32);
	explicit_bzero(&answer, sizeof(answer));
	return result;
}

static int call_keys(void *context, struct sb_keys_answer *keys, struct sb_error *error)
{
	struct sb_keys_answer answer;
	int result = ledger_role_ask(context, SB_ROLE_LINK, SB_MESSAGE_KEYS_GET, NULL, 0, SB_MESSAGE_KEYS, &answer,
				     sizeof(answer), LINK_S);

	if (result < 0)
		return silent(error, result, "link");
	if (answer.error < 0)
		return sb_fail(error, answer.error, "the kernel's keys: %s", strerror(-answer.error));
	*keys = answer;
	return 0;
}

static void call_local(void *context, const struct sb_ledger_local *local)
{
	(void)ledger_role_ask(context, SB_ROLE_LINK, SB_MESSAGE_LOCAL, local, sizeof(*local), SB_MESSAGE_NONE, NULL, 0,
			      LINK_S);
}

/* One question about a peer; an answer about another one, of a question that was given up, is waited past. */
static int about_peer(struct ledger_role *role, enum sb_message type, const void *question, size_t length,
		      enum sb_message answer_type, struct sb_about_peer *answer, struct sb_error *error)
{
	int result = ledger_role_ask(role, SB_ROLE_LINK, type, question, length, answer_type, answer, sizeof(*answer),
				     LINK_S);

	if (result < 0)
		return silent(error, result, "link");
	/* Each question begins with the device's id. */
	if (memcmp(answer->device_id, question, 32) != 0)
		return sb_fail(error, -EBADMSG, "the link role's answer is about another peer");
	answer->text[sizeof(answer->text) - 1] = '\0';
	return answer->error < 0 ? sb_fail(error, answer->error, "%s", answer->text) : 0;
}

static int call_nonce(void *context, const uint8_t device[32], uint8_t nonce[16], struct sb_error *error)
{
	struct sb_about_peer question = { .error = 0 }, answer;
	int result;

	memcpy(question.device_id, device, 32);
	result = about_peer(context, SB_MESSAGE_NONCE_GET, &question, sizeof(question), SB_MESSAGE_NONCE, &answer, error);
	if (result == 0)
		memcpy(nonce, answer.nonce, 16);
	return result;
}

static int call_admit(void *context, const struct sb_admit_request *request, struct sb_error *error)
{
	struct sb_about_peer answer;

	return about_peer(context, SB_MESSAGE_ADMIT, request, sizeof(*request), SB_MESSAGE_ADMITTED, &answer, error);
}

static int call_drop(void *context, const uint8_t device[32], struct sb_error *error)
{
	struct sb_about_peer question = { .error = 0 }, answer;

	memcpy(question.device_id, device, 32);
	return about_peer(context, SB_MESSAGE_DROP, &question, sizeof(question), SB_MESSAGE_DROPPED, &answer, error);
}

static int call_profile(void *context, const struct sb_profile_request *profile, struct sb_profile_answer *answer,
			struct sb_error *error)
{
	int result = ledger_role_ask(context, SB_ROLE_LINK, SB_MESSAGE_PROFILE, profile, sizeof(*profile),
				     SB_MESSAGE_PROFILE_TAKEN, answer, sizeof(*answer), LINK_S);

	if (result < 0)
		return silent(error, result, "link");
	answer->text[sizeof(answer->text) - 1] = '\0';
	if (answer->version != profile->version)
		return sb_fail(error, -EBADMSG, "the link role's answer is about another profile");
	return answer->error < 0 ? sb_fail(error, answer->error, "the profile: %s", strerror(-answer->error)) : 0;
}

#define LIGHT(context)	(((struct ledger_role *)(context))->light)

static int call_sync(void *context, struct sb_head *head, struct sb_error *error)
{
	return sb_ledger_light_sync(LIGHT(context), head, error);
}

static int call_read(void *context, const void *key, size_t length, struct sb_port_record *record,
		     struct sb_error *error)
{
	return sb_ledger_light_read(LIGHT(context), key, length, record, error);
}

static int call_submit(void *context, const uint8_t *tx, size_t length, struct sb_port_taken *taken,
		       struct sb_error *error)
{
	return sb_ledger_light_submit(LIGHT(context), tx, length, taken, error);
}

static int call_ask(void *context, unsigned int endpoint, const char *path, const void *data, size_t length,
		    uint8_t **answer, size_t *answer_length, struct sb_error *error)
{
	return sb_ledger_light_ask(LIGHT(context), endpoint, path, data, length, answer, answer_length, error);
}

static unsigned int call_endpoints(void *context)
{
	return sb_ledger_light_endpoints(LIGHT(context));
}

static void call_learn(void *context, const char *const *url, size_t count)
{
	sb_ledger_light_learn(LIGHT(context), url, count);
}

static int call_members(void *context, const uint8_t *record, size_t length, int64_t height, struct sb_error *error)
{
	return sb_ledger_light_members(LIGHT(context), record, length, height, error);
}

static int call_succeed(void *context, const uint8_t *record, size_t length, struct sb_error *error)
{
	return sb_ledger_light_succeed(LIGHT(context), record, length, error);
}

static size_t call_addresses(void *context, char (*address)[72], size_t room)
{
	return sb_ledger_light_addresses(LIGHT(context), address, room);
}

void ledger_role_port(struct ledger_role *role)
{
	role->port = (struct sb_ledger_port){
		.context = role, .now_ms = call_now, .random = call_random, .sync = call_sync, .read = call_read,
		.submit = call_submit, .ask = call_ask, .endpoints = call_endpoints, .learn = call_learn, .members = call_members,
		.succeed = call_succeed,
		.identity = call_identity, .iak = call_iak, .quote = call_quote, .activate = call_activate, .keys = call_keys,
		.local = call_local, .nonce = call_nonce, .admit = call_admit, .drop = call_drop, .profile = call_profile,
		.addresses = call_addresses,
	};
}
