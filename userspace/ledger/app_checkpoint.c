// SPDX-License-Identifier: Apache-2.0
/*
 * "/checkpoint": the members' word for devices that have been away, and "/checkpoint/put": a member's signature.
 * They are this node's own, in a file beside the state: no other node has to agree on them, and whoever reads them
 * checks the signatures.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "ledger/app_prove.h"
#include "ledger/checkpoints.h"
#include "ledger/ledger_app_internal.h"

#define FILE_NAME	"checkpoints"

struct sb_app_checkpoints {
	pthread_mutex_t lock;
	struct sb_checkpoints list;
	char path[PATH_MAX];
};

int sb_app_checkpoints_open(const char *home, struct sb_app_checkpoints **checkpoints, struct sb_error *error)
{
	struct sb_app_checkpoints *opened = calloc(1, sizeof(*opened));
	sb_cleanup_free uint8_t *data = NULL;
	size_t length;
	int result;

	if (!opened)
		return sb_fail(error, -ENOMEM, "out of memory");
	pthread_mutex_init(&opened->lock, NULL);
	if (snprintf(opened->path, sizeof(opened->path), "%s/" FILE_NAME, home) >= (int)sizeof(opened->path)) {
		sb_app_checkpoints_close(opened);
		return sb_fail(error, -ENAMETOOLONG, "%s: too long", home);
	}
	result = sb_file_read(opened->path, SB_CHECKPOINTS_BYTES, &data, &length);
	if (result == 0)
		result = sb_checkpoints_read(data, length, &opened->list);
	if (result < 0 && result != -ENOENT) {
		sb_fail(error, result, "%s: %s. Members can make it anew: move it away, and let them sign a checkpoint",
			opened->path, result == -EBADMSG ? "damaged" : strerror(-result));
		sb_app_checkpoints_close(opened);
		return result;
	}
	*checkpoints = opened;
	return 0;
}

void sb_app_checkpoints_close(struct sb_app_checkpoints *checkpoints)
{
	if (!checkpoints)
		return;
	sb_checkpoints_free(&checkpoints->list);
	pthread_mutex_destroy(&checkpoints->lock);
	free(checkpoints);
}

bool sb_app_needed(void *context, int64_t height)
{
	struct sb_app_checkpoints *checkpoints = ((struct sb_ledger_app *)context)->checkpoints;
	bool needed = false;

	pthread_mutex_lock(&checkpoints->lock);
	for (size_t i = 0; i < checkpoints->list.count && !needed; i++)
		needed = checkpoints->list.record[i]->height == height || checkpoints->list.record[i]->after == height;
	pthread_mutex_unlock(&checkpoints->lock);
	return needed;
}

static int refuse(struct sb_app_answer *answer, uint32_t code, const char *why)
{
	answer->code = code;
	snprintf(answer->log, sizeof(answer->log), "%.255s", why);
	return 0;
}

int sb_app_checkpoint(struct sb_ledger_app *app, const uint8_t *data, size_t length, struct sb_app_answer *answer)
{
	sb_cleanup(sb_bytes_free) struct sb_bytes bytes = { .data = NULL };
	struct sb_app_checkpoints *checkpoints = app->checkpoints;
	uint64_t above = 0;

	if (length != 8)
		return refuse(answer, SB_TX_FIELD, "data: a height in 8 bytes, big endian");
	for (size_t i = 0; i < length; i++)
		above = above << 8 | data[i];
	pthread_mutex_lock(&checkpoints->lock);
	sb_checkpoints_answer(&checkpoints->list, above > INT64_MAX ? INT64_MAX : (int64_t)above, &bytes);
	pthread_mutex_unlock(&checkpoints->lock);
	if (bytes.failed)
		return -ENOMEM;
	return bytes.length ? sb_app_copy(bytes.data, bytes.length, &answer->value, &answer->value_length) :
	       refuse(answer, SB_TX_OK, "there is none above that height");
}

int sb_app_members(struct sb_view *view, struct sb_members *members)
{
	SB_AUTO_MESSAGE Sealbond__Members *read = NULL;
	uint8_t key[SB_RECORD_KEY_MAX];
	const uint8_t *value;
	size_t length;
	int rc = sb_view_get(view, key, sb_record_key(SB_RECORD_MEMBERS, NULL, 0, key), &value, &length);

	if (rc)
		return rc;
	read = sb_message_read(&sealbond__members__descriptor, value, length);
	if (!read || read->n_members > SB_MEMBERS_MAX)
		return -ENOENT;
	*members = (struct sb_members){ .count = read->n_members, .threshold = read->threshold };
	for (size_t i = 0; i < read->n_members; i++) {
		if (read->members[i]->key.len != SB_MEMBER_KEY_LEN)
			return -ENOENT;
		memcpy(members->member[i].key, read->members[i]->key.data, SB_MEMBER_KEY_LEN);
		members->member[i].weight = read->members[i]->weight;
	}
	return sb_members_sort(members) < 0 ? -ENOENT : 0;
}

/* What sb_app_checkpoint_put() works with; on the heap, for its size. */
struct work {
	struct sb_checkpoint record;
	struct sb_members members;
};

/* The list with the record, on the disk before it is shown. */
static int add(struct sb_app_checkpoints *checkpoints, const struct work *work, struct sb_checkpoint_weight *weight,
	       struct sb_error *error)
{
	sb_cleanup(sb_bytes_free) struct sb_bytes before = { .data = NULL }, after = { .data = NULL };
	int rc;

	sb_checkpoints_write(&checkpoints->list, &before);
	rc = before.failed ? -ENOMEM : sb_checkpoints_add(&checkpoints->list, &work->record, &work->members, weight, error);
	if (rc)
		return rc;
	sb_checkpoints_write(&checkpoints->list, &after);
	rc = after.failed ? -ENOMEM : sb_file_write(checkpoints->path, after.data, after.length, 0600);
	if (!rc)
		return 0;
	sb_checkpoints_free(&checkpoints->list);
	(void)sb_checkpoints_read(before.data, before.length, &checkpoints->list);
	return sb_fail(error, rc, "it cannot be stored: %s", strerror(-rc));
}

/* The block that it names has to be one of ours, and one that is committed. */
static bool is_ours(struct sb_view *view, const struct sb_checkpoint *record)
{
	struct sb_records records;
	uint8_t hash[32];
	int64_t seconds;

	sb_app_view_records(view, &records);
	return records.block_hash(records.context, (uint64_t)record->height, hash, &seconds) == 0 &&
	       memcmp(hash, record->hash, sizeof(hash)) == 0 && seconds == record->time.seconds;
}

static int take(struct sb_ledger_app *app, struct sb_view *view, struct work *work, struct sb_app_answer *answer)
{
	struct sb_app_checkpoints *checkpoints = app->checkpoints;
	struct sb_checkpoint_weight weight;
	struct sb_error error = { "" };
	int rc;

	if (strcmp(work->record.chain, app->chain) != 0 || !is_ours(view, &work->record))
		return refuse(answer, SB_TX_FIELD, "it names no block of this ledger, or one too old to be known still");
	rc = sb_app_members(view, &work->members);
	if (rc)
		return rc == -ENOENT ? refuse(answer, SB_TX_FIELD, "this ledger has no members that checkpoints can name") : rc;
	pthread_mutex_lock(&checkpoints->lock);
	rc = add(checkpoints, work, &weight, &error);
	pthread_mutex_unlock(&checkpoints->lock);
	if (rc)
		return refuse(answer, rc == -EKEYREJECTED ? SB_TX_SIGNATURE : rc == -ENOSPC || rc == -ENOMEM ? SB_TX_INTERNAL :
			      SB_TX_FIELD, error.text);
	snprintf(answer->log, sizeof(answer->log), weight.complete ? "complete" : "signed by members of weight %llu of %llu",
		 (unsigned long long)weight.has, (unsigned long long)weight.needs);
	return sb_app_copy(weight.complete ? "\1" : "\0", 1, &answer->value, &answer->value_length);
}

int sb_app_checkpoint_put(struct sb_ledger_app *app, struct sb_view *view, const uint8_t *data, size_t length,
			  struct sb_app_answer *answer)
{
	sb_cleanup_free struct work *work = calloc(1, sizeof(*work));
	size_t used;
	int rc;

	if (!work)
		return -ENOMEM;
	rc = sb_checkpoint_read(data, length, &work->record, &used);
	if (rc == -ENOMEM)
		return rc;
	/* A recovery does not come from outside: it is what a restored home begins with. */
	if (rc || used != length || work->record.after)
		return refuse(answer, SB_TX_MALFORMED, "data: not one checkpoint");
	return take(app, view, work, answer);
}

/*
 * Those who were members when the last checkpoint was signed need not be there any more, and a chain cannot wait for
 * them for ever: then the way begins anew.
 */
int sb_app_keep_recovery(struct sb_ledger_app *app, const struct sb_checkpoint *record, const struct sb_members *members,
			 struct sb_error *error)
{
	struct sb_app_checkpoints *checkpoints = app->checkpoints;
	sb_cleanup_free struct work *work = calloc(1, sizeof(*work));
	struct sb_checkpoint_weight weight = { .complete = false };
	int rc;

	if (!work)
		return sb_fail(error, -ENOMEM, "out of memory");
	work->record = *record;
	work->members = *members;
	pthread_mutex_lock(&checkpoints->lock);
	rc = add(checkpoints, work, &weight, error);
	if (!rc && !weight.complete) {
		sb_checkpoints_free(&checkpoints->list);
		rc = add(checkpoints, work, &weight, error);
	}
	/* it was kept already, and the block that it names was not made */
	if (rc == -ESTALE)
		rc = 0;
	pthread_mutex_unlock(&checkpoints->lock);
	return rc;
}
