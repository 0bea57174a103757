// SPDX-License-Identifier: Apache-2.0
/* What the ledger is asked: records with their proofs, lists, and grants. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/app_prove.h"
#include "ledger/ledger_app_internal.h"
#include "light/checkpoint.h"
#include "light/query.h"
#include "state/codes.h"

#define LIST_BYTES	(256U << 10)	/* of one answer */
#define LIST_RECORDS	1024

static int refuse(struct sb_app_answer *answer, uint32_t code, const char *why)
{
	answer->code = code;
	snprintf(answer->log, sizeof(answer->log), "%s", why ? why : sb_tx_sentence(code));
	return 0;
}

void sb_app_answer_message(struct sb_app_answer *answer, const void *message)
{
	answer->value = sb_message_pack(message, &answer->value_length);
}

/* The answer's key is the path where stock clients will verify it, by simple:v. */
static int answer_key(struct sb_view *view, const uint8_t *key, size_t length, bool prove, struct sb_app_answer *answer)
{
	uint8_t path[SB_TREE_HASH_LEN];
	const uint8_t *value;
	size_t value_length;
	int rc = sb_view_get(view, key, length, &value, &value_length);

	if (rc == -EINVAL)
		return refuse(answer, SB_TX_FIELD, "data: a key has 1 to 255 bytes");
	if (!rc)
		rc = sb_app_copy(value, value_length, &answer->value, &answer->value_length);
	else if (rc == -ENOENT)
		rc = refuse(answer, SB_TX_OK, "there is none");
	if (!rc && prove)
		rc = sb_app_prove(view, key, length, answer);
	sb_tree_digest(key, length, path);
	return rc ? rc : sb_app_copy(path, sizeof(path), &answer->key, &answer->key_length);
}

struct list {
	Sealbond__RecordsAnswer answer;
	Sealbond__Record *record[LIST_RECORDS];
	size_t bytes, most;
	bool failed;
};

static int add_record(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	struct list *list = context;
	Sealbond__Record *record;

	if (list->answer.n_records == list->most ||
	    (list->answer.n_records && list->bytes + key_length + length > LIST_BYTES)) {
		list->answer.more = true;
		return 1;
	}
	record = sb_message_new(&sealbond__record__descriptor);
	sb_bytes_set(&record->key, key, key_length);
	sb_bytes_set(&record->value, value, length);
	list->record[list->answer.n_records++] = record;
	list->bytes += key_length + length;
	return 0;
}

static int answer_records(struct sb_view *view, const uint8_t *data, size_t length, const struct sb_app_time *time,
			  struct sb_app_answer *answer)
{
	SB_AUTO_MESSAGE Sealbond__RecordsRequest *request =
		sb_message_read(&sealbond__records_request__descriptor, data, length);
	struct list *list = request ? calloc(1, sizeof(*list)) : NULL;
	int rc;

	if (!request || request->prefix.len > SB_TREE_KEY_MAX || request->after.len > SB_TREE_KEY_MAX) {
		free(list);
		return refuse(answer, SB_TX_MALFORMED, "data: not a RecordsRequest");
	}
	if (!list)
		return -ENOMEM;
	sealbond__records_answer__init(&list->answer);
	list->answer.records = list->record;
	list->answer.height = time->height;
	list->answer.time = time->seconds;
	list->most = request->most && request->most < LIST_RECORDS ? request->most : LIST_RECORDS;
	rc = sb_view_each(view, request->prefix.data, request->prefix.len, request->after.data, request->after.len,
			  add_record, list);
	if (rc >= 0)
		sb_app_answer_message(answer, &list->answer);
	for (size_t i = 0; i < list->answer.n_records; i++)
		sb_message_free(list->record[i]);
	free(list);
	return rc < 0 ? rc : 0;
}

/* What a person's next transaction needs: its account, without a proof. */
static int answer_account(struct sb_view *view, const uint8_t *key, size_t length, struct sb_app_answer *answer)
{
	uint8_t record[SB_RECORD_KEY_MAX];
	const uint8_t *value;
	size_t value_length;
	int rc;

	if (length != 32)
		return refuse(answer, SB_TX_FIELD, "data: a key has 32 bytes");
	rc = sb_view_get(view, record, sb_record_key(SB_RECORD_ACCOUNT, key, length, record), &value, &value_length);
	if (rc == -ENOENT)
		return refuse(answer, SB_TX_NO_ACCOUNT, NULL);
	return rc ? rc : sb_app_copy(value, value_length, &answer->value, &answer->value_length);
}

static int answer_path(struct sb_ledger_app *app, struct sb_view *view, const char *path, const uint8_t *data,
		       size_t length, bool prove, struct sb_app_answer *answer)
{
	struct sb_app_time time;
	int rc;

	if (strcmp(path, SB_QUERY_PATH) == 0)
		return answer_key(view, data, length, prove, answer);
	if (strcmp(path, "/account") == 0)
		return answer_account(view, data, length, answer);
	if (strcmp(path, "/grant") == 0)
		return sb_app_grant(app, view, data, length, answer);
	if (strcmp(path, SB_CHECKPOINT_PATH) == 0)
		return sb_app_checkpoint(app, data, length, answer);
	if (strcmp(path, SB_CHECKPOINT_PUT_PATH) == 0)
		return sb_app_checkpoint_put(app, view, data, length, answer);
	if (strcmp(path, "/records") != 0)
		return refuse(answer, SB_TX_UNKNOWN, "no such path");
	rc = sb_app_read_time(view, &time);
	return rc ? rc : answer_records(view, data, length, &time, answer);
}

int sb_app_query(void *context, const char *path, const uint8_t *data, size_t length, int64_t height, bool prove,
		 struct sb_app_answer *answer)
{
	struct sb_ledger_app *app = context;
	struct sb_view *view;
	int rc;

	memset(answer, 0, sizeof(*answer));
	rc = sb_view_open(app->store, &view);
	if (rc)
		return rc;
	answer->height = (int64_t)sb_view_height(view);
	/* The state of the block before the last is not kept, but stock clients ask for it by number. */
	if (height && height < answer->height - 1)
		rc = refuse(answer, SB_TX_UNKNOWN, "only the last state is kept");
	else
		rc = answer_path(app, view, path, data, length, prove, answer);
	sb_view_close(view);
	if (rc)
		sb_app_answer_free(answer);
	return rc;
}
