// SPDX-License-Identifier: Apache-2.0
/*
 * A small application for tests of the chain: a transaction KEY=VALUE sets a record. once:KEY=VALUE is taken
 * only while there is no record KEY; odd:KEY=VALUE passes the check but fails in its block. The store's root is
 * proven as the real application proves it: one store named sealbond, two simple:v operations.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/sha256.h"
#include "ledger/app_prove.h"
#include "ledger/chain.h"
#include "ledger/ledger_app.h"
#include "light/query.h"
#include "tree/store.h"

struct kv {
	struct sb_store *store;
	int64_t height;		/* of the block under way */
};

struct change {
	const uint8_t *key, *value;
	size_t key_length, value_length;
	bool once, odd;
};

static int info(void *context, int64_t *height, uint8_t app_hash[SB_APP_HASH_LEN])
{
	struct kv *kv = context;
	uint8_t root[SB_TREE_HASH_LEN];
	struct sb_view *view;
	int rc = sb_view_open(kv->store, &view);

	if (rc)
		return rc;
	*height = (int64_t)sb_view_height(view);
	sb_view_root(view, root);
	sb_view_close(view);
	memset(app_hash, 0, SB_APP_HASH_LEN);
	if (*height)
		sb_query_app_hash(root, app_hash);
	return 0;
}

static int finish(void *context, uint8_t app_hash[SB_APP_HASH_LEN])
{
	struct kv *kv = context;
	uint8_t root[SB_TREE_HASH_LEN];
	int rc = sb_store_root(kv->store, root);

	if (!rc)
		sb_query_app_hash(root, app_hash);
	return rc;
}

static int init(void *context, const char *chain, int64_t seconds, const char *app_state, size_t length,
		uint8_t app_hash[SB_APP_HASH_LEN], struct sb_error *error)
{
	json_object *state = json_tokener_parse(app_state);
	struct kv *kv = context;
	int rc = sb_store_begin(kv->store);

	(void)chain;
	(void)seconds;
	(void)length;
	if (!json_object_is_type(state, json_type_object))
		rc = -EINVAL;
	if (!rc) {
		json_object_object_foreach(state, key, value) {
			if (!rc)
				rc = sb_store_put(kv->store, key, strlen(key), json_object_get_string(value),
						  (size_t)json_object_get_string_len(value));
		}
	}
	json_object_put(state);
	if (!rc)
		rc = finish(context, app_hash);
	return rc ? sb_fail(error, rc, "app_state: %s", strerror(-rc)) : 0;
}

static bool begins(const uint8_t **tx, size_t *length, const char *word)
{
	size_t size = strlen(word);

	if (*length < size || memcmp(*tx, word, size) != 0)
		return false;
	*tx += size;
	*length -= size;
	return true;
}

static bool parse(const uint8_t *tx, size_t length, struct change *change)
{
	const uint8_t *equals;

	change->once = begins(&tx, &length, "once:");
	change->odd = begins(&tx, &length, "odd:");
	equals = length ? memchr(tx, '=', length) : NULL;
	if (!equals || equals == tx || equals + 1 == tx + length || equals - tx > SB_TREE_KEY_MAX)
		return false;
	*change = (struct change){ tx, equals + 1, (size_t)(equals - tx), length - (size_t)(equals - tx) - 1,
				   change->once, change->odd };
	return true;
}

/* 0, or the code of a refusal. */
static uint32_t judge(struct sb_view *view, const uint8_t *tx, size_t length, struct change *change,
		      struct sb_tx_result *result)
{
	const uint8_t *value;
	size_t value_length;

	memset(result, 0, sizeof(*result));
	if (!parse(tx, length, change)) {
		result->code = 2;
		strcpy(result->log, "not KEY=VALUE");
	} else if (change->once &&
		   !sb_view_get(view, change->key, change->key_length, &value, &value_length)) {
		result->code = 3;
		strcpy(result->log, "there is one already");
	}
	return result->code;
}

static int check(void *context, const uint8_t *tx, size_t length, struct sb_tx_result *result)
{
	struct kv *kv = context;
	struct change change;
	struct sb_view *view;
	int rc = sb_view_open(kv->store, &view);

	if (rc)
		return rc;
	judge(view, tx, length, &change, result);
	sb_view_close(view);
	return 0;
}

static int begin(void *context, const struct sb_app_block *block)
{
	struct kv *kv = context;

	kv->height = block->height;
	return sb_store_pending(kv->store) ? 0 : sb_store_begin(kv->store);
}

static int deliver(void *context, const uint8_t *tx, size_t length, struct sb_tx_result *result)
{
	struct kv *kv = context;
	struct change change;

	if (judge(sb_store_pending(kv->store), tx, length, &change, result))
		return 0;
	if (change.odd) {
		result->code = 4;
		strcpy(result->log, "odd");
		return 0;
	}
	return sb_store_put(kv->store, change.key, change.key_length, change.value, change.value_length);
}

static int commit(void *context)
{
	struct kv *kv = context;

	return sb_store_commit(kv->store, (uint64_t)kv->height);
}

static int look_up(struct sb_view *view, const uint8_t *key, size_t length, bool prove, struct sb_app_answer *answer)
{
	uint8_t path[SB_TREE_HASH_LEN];
	const uint8_t *value;
	size_t value_length;
	int rc = sb_view_get(view, key, length, &value, &value_length);

	answer->height = (int64_t)sb_view_height(view);
	if (rc == -EINVAL) {
		answer->code = 1;
		strcpy(answer->log, "no key");
		return 0;
	}
	sb_tree_digest(key, length, path);
	if (sb_app_copy(path, sizeof(path), &answer->key, &answer->key_length))
		return -ENOMEM;
	if (rc == -ENOENT) {
		strcpy(answer->log, "there is none");
		rc = 0;
	} else if (!rc) {
		rc = sb_app_copy(value, value_length, &answer->value, &answer->value_length);
	}
	return rc || !prove ? rc : sb_app_prove(view, key, length, answer);
}

static int query(void *context, const char *path, const uint8_t *data, size_t length, int64_t height, bool prove,
		 struct sb_app_answer *answer)
{
	struct kv *kv = context;
	struct sb_view *view;
	int rc;

	memset(answer, 0, sizeof(*answer));
	rc = sb_view_open(kv->store, &view);
	if (rc)
		return rc;
	answer->height = (int64_t)sb_view_height(view);
	if (strcmp(path, "/store/sealbond/key") != 0) {
		answer->code = 1;
		strcpy(answer->log, "no such path");
	} else if (height && height < answer->height - 1) {
		answer->code = 1;
		strcpy(answer->log, "only the last state is kept");
	} else {
		rc = look_up(view, data, length, prove, answer);
	}
	sb_view_close(view);
	if (rc)
		sb_app_answer_free(answer);
	return rc;
}

int sb_ledger_app_open(const char *home, struct sb_app *app, struct sb_error *error)
{
	struct kv *kv = calloc(1, sizeof(*kv));
	char path[PATH_MAX];
	int rc = kv && sb_home_path(path, home, "state") ? sb_make_directory(path, 0700) : -ENOMEM;

	if (!rc)
		rc = sb_store_open(path, 0, &kv->store);
	if (rc) {
		free(kv);
		return sb_fail(error, rc, "%s/state: %s", home, strerror(-rc));
	}
	*app = (struct sb_app){ .context = kv, .info = info, .init = init, .check = check, .begin = begin, .deliver = deliver,
				.finish = finish, .commit = commit, .query = query };
	return 0;
}

void sb_ledger_app_close(struct sb_app *app)
{
	struct kv *kv = app->context;

	sb_store_close(kv->store);
	free(kv);
}

int sb_ledger_app_export(const char *home, FILE *out, struct sb_app_exported *exported, struct sb_error *error)
{
	(void)out;
	(void)exported;
	return sb_fail(error, -ENOTSUP, "%s: this application exports nothing", home);
}
