// SPDX-License-Identifier: Apache-2.0
/* From a message to the one that answers it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abci/internal.h"
#include "common/cleanup.h"

int sb_abci_new(const char *home, const struct sb_app *app, const struct sb_abci_options *options,
		struct sb_abci **abci, struct sb_error *error)
{
	struct sb_abci *new;
	int rc;

	if (!app->form || !app->trial || !app->offence || !app->validators || !app->abort || !app->copying)
		return sb_fail(error, -ENOTSUP, "this application runs on the embedded chain only");
	if (options->snapshot_every % app->copying->every)
		return sb_fail(error, -EINVAL, "snapshots are made after blocks whose height %lld divides",
			       (long long)app->copying->every);
	new = calloc(1, sizeof(*new));
	if (!new)
		return sb_fail(error, -ENOMEM, "out of memory");
	new->app = app;
	new->options = options;
	pthread_mutex_init(&new->block, NULL);
	pthread_rwlock_init(&new->names, NULL);
	new->workers = sb_workers_new();
	rc = new->workers ? sb_snapshots_open(home, app, options->snapshots, &new->snapshots, error) :
		sb_fail(error, -ENOMEM, "out of memory");
	if (!rc)
		rc = sb_handover_new(home, app, &new->restore, error);
	if (rc)
		sb_abci_free(new);
	else
		*abci = new;
	return rc;
}

void sb_abci_free(struct sb_abci *abci)
{
	if (!abci)
		return;
	sb_snapshots_close(abci->snapshots);
	sb_handover_free(abci->restore);
	sb_workers_free(abci->workers);
	pthread_rwlock_destroy(&abci->names);
	pthread_mutex_destroy(&abci->block);
	free(abci);
}

int sb_abci_reply(struct sb_abci_call *call, Abci__Response__ValueCase kind, void *message)
{
	Abci__Response response = ABCI__RESPONSE__INIT;
	struct sb_abci_output *out = call->out;
	size_t length, room;

	response.value_case = kind;
	/* all members of the union are pointers to messages */
	response.flush = message;
	length = abci__response__get_packed_size(&response);
	if (length > SB_ABCI_MESSAGE_MAX)
		return sb_fail(call->error, -EMSGSIZE, "a response of %zu bytes is too long", length);
	room = out->length + SB_ABCI_LENGTH_MAX + length;
	if (room > out->room) {
		uint8_t *data = realloc(out->data, room + room / 2);

		if (!data)
			return sb_fail(call->error, -ENOMEM, "out of memory");
		out->data = data;
		out->room = room + room / 2;
	}
	out->length += sb_abci_length(length, out->data + out->length);
	out->length += abci__response__pack(&response, out->data + out->length);
	return 0;
}

void sb_abci_output_free(struct sb_abci_output *out)
{
	free(out->data);
	memset(out, 0, sizeof(*out));
}

static int echo(struct sb_abci_call *call)
{
	return sb_abci_reply(call, ABCI__RESPONSE__VALUE_ECHO, call->request->echo);
}

static int flush(struct sb_abci_call *call)
{
	return sb_abci_reply(call, ABCI__RESPONSE__VALUE_FLUSH, call->request->flush);
}

static const struct {
	Abci__Request__ValueCase kind;
	int (*answer)(struct sb_abci_call *call);
} methods[] = {
	{ ABCI__REQUEST__VALUE_CHECK_TX, sb_abci_check_tx },
	{ ABCI__REQUEST__VALUE_FLUSH, flush },
	{ ABCI__REQUEST__VALUE_QUERY, sb_abci_query },
	{ ABCI__REQUEST__VALUE_ECHO, echo },
	{ ABCI__REQUEST__VALUE_INFO, sb_abci_info },
	{ ABCI__REQUEST__VALUE_INIT_CHAIN, sb_abci_init_chain },
	{ ABCI__REQUEST__VALUE_PREPARE_PROPOSAL, sb_abci_prepare_proposal },
	{ ABCI__REQUEST__VALUE_PROCESS_PROPOSAL, sb_abci_process_proposal },
	{ ABCI__REQUEST__VALUE_EXTEND_VOTE, sb_abci_extend_vote },
	{ ABCI__REQUEST__VALUE_VERIFY_VOTE_EXTENSION, sb_abci_verify_vote_extension },
	{ ABCI__REQUEST__VALUE_FINALIZE_BLOCK, sb_abci_finalize_block },
	{ ABCI__REQUEST__VALUE_COMMIT, sb_abci_commit },
	{ ABCI__REQUEST__VALUE_LIST_SNAPSHOTS, sb_abci_list_snapshots },
	{ ABCI__REQUEST__VALUE_LOAD_SNAPSHOT_CHUNK, sb_abci_load_snapshot_chunk },
	{ ABCI__REQUEST__VALUE_OFFER_SNAPSHOT, sb_abci_offer_snapshot },
	{ ABCI__REQUEST__VALUE_APPLY_SNAPSHOT_CHUNK, sb_abci_apply_snapshot_chunk },
};

static int answer(struct sb_abci_call *call)
{
	for (size_t i = 0; i < SB_ARRAY_SIZE(methods); i++)
		if (methods[i].kind == call->request->value_case)
			return methods[i].answer(call);
	return sb_fail(call->error, -EPROTO, "not a request of ABCI 2.0");
}

/* request: NULL where it was none. */
static int reply_to(struct sb_abci *abci, struct sb_abci_caller *caller, const Abci__Request *request,
		    const struct sb_tx_result *checked, struct sb_abci_output *out, struct sb_error *error)
{
	Abci__ResponseException exception = ABCI__RESPONSE_EXCEPTION__INIT;
	struct sb_abci_call call = { abci, caller, request, checked, out, error };
	int rc;

	error->text[0] = '\0';
	rc = request ? answer(&call) : sb_fail(error, -EPROTO, "not a request of ABCI 2.0");
	if (rc) {
		if (!error->text[0])
			sb_fail(error, rc, "%s", strerror(-rc));
		exception.error = error->text;
		call.error = NULL;
		sb_abci_reply(&call, ABCI__RESPONSE__VALUE_EXCEPTION, &exception);
	}
	return rc;
}

int sb_abci_answer(struct sb_abci *abci, struct sb_abci_caller *caller, const uint8_t *message, size_t length,
		   struct sb_abci_output *out, struct sb_error *error)
{
	Abci__Request *request = abci__request__unpack(NULL, length, message);
	int rc = reply_to(abci, caller, request, NULL, out, error);

	abci__request__free_unpacked(request, NULL);
	return rc;
}

bool sb_abci_is_of_pool(const uint8_t *message, size_t length)
{
	/* the keys of a field with a length: CheckTx, and Flush between several */
	return length && (message[0] == (ABCI__REQUEST__VALUE_CHECK_TX << 3 | 2) ||
			  message[0] == (ABCI__REQUEST__VALUE_FLUSH << 3 | 2));
}

struct looking {
	struct sb_abci *abci;
	const struct sb_abci_pool *pool;
	Abci__Request *request[SB_ABCI_POOL_MOST];
	struct sb_tx_result result[SB_ABCI_POOL_MOST];
};

static void look_at_one(void *context, size_t index)
{
	struct looking *looking = context;
	Abci__Request *request = abci__request__unpack(NULL, looking->pool->length[index], looking->pool->message[index]);

	looking->request[index] = request;
	if (request && request->value_case == ABCI__REQUEST__VALUE_CHECK_TX)
		sb_abci_look_at(looking->abci, request->check_tx->tx, &looking->result[index]);
}

int sb_abci_answer_pool(struct sb_abci *abci, struct sb_abci_caller *caller, struct sb_abci_pool *pool,
			struct sb_abci_output *out, struct sb_error *error)
{
	struct looking looking = { .abci = abci, .pool = pool };
	int rc = 0;

	sb_workers_run(abci->workers, pool->count, look_at_one, &looking);
	for (size_t i = 0; i < pool->count; i++) {
		if (!rc)
			rc = reply_to(abci, caller, looking.request[i], &looking.result[i], out, error);
		abci__request__free_unpacked(looking.request[i], NULL);
	}
	pool->count = 0;
	return rc;
}

void sb_abci_leave(struct sb_abci *abci, struct sb_abci_caller *caller)
{
	if (!caller->in_block)
		return;
	pthread_mutex_lock(&abci->block);
	abci->app->abort(abci->app->context);
	abci->owner = NULL;
	pthread_mutex_unlock(&abci->block);
	memset(caller, 0, sizeof(*caller));
}
