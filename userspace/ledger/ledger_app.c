// SPDX-License-Identifier: Apache-2.0
/* The state machine over its store, as a chain calls it. */
#include "ledger/ledger_app.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "ledger/block.h"
#include "ledger/ledger_app_internal.h"
#include "light/query.h"
#include "state/genesis.h"
#include "state/verified.h"

#define STATE_DIRECTORY	"state"
#define GRANT_KEY	"grant_key.pem"

static int info(void *context, int64_t *height, uint8_t app_hash[SB_APP_HASH_LEN])
{
	struct sb_ledger_app *app = context;
	uint8_t root[SB_TREE_HASH_LEN];
	struct sb_view *view;
	int rc = sb_view_open(app->store, &view);

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
	struct sb_ledger_app *app = context;
	uint8_t root[SB_TREE_HASH_LEN];
	int rc = sb_machine_finish(app->machine);

	if (!rc)
		rc = sb_app_seal_blocks(app);
	if (!rc)
		rc = sb_app_read_set(sb_store_pending(app->store), &app->after);
	if (!rc)
		rc = sb_store_root(app->store, root);
	if (!rc)
		sb_query_app_hash(root, app_hash);
	return rc;
}

static int name_chain(struct sb_ledger_app *app, const char *chain, const char *ledger)
{
	sb_machine_free(app->machine);
	app->machine = *chain && strlen(chain) <= SB_CHAIN_NAME_MAX ? sb_machine_new(&app->records, ledger) : NULL;
	if (!app->machine)
		return -EINVAL;
	strcpy(app->chain, chain);
	strcpy(app->ledger, ledger);
	return 0;
}

/* A genesis that goes on with another chain's records says which ledger that is. */
static int name_ledger(struct sb_ledger_app *app)
{
	char chain[SB_CHAIN_NAME_MAX + 1], ledger[SB_CHAIN_NAME_MAX + 1];
	int rc = sb_app_read_ledger(sb_store_pending(app->store), app->chain, ledger);

	strcpy(chain, app->chain);
	return rc || !strcmp(ledger, chain) ? rc : name_chain(app, chain, ledger);
}

/* What the genesis says stays in the block under way, and is committed with the first block. */
static int init(void *context, const char *chain, int64_t seconds, const char *app_state, size_t length,
		uint8_t app_hash[SB_APP_HASH_LEN], struct sb_error *error)
{
	struct sb_ledger_app *app = context;
	Sealbond__Genesis *genesis = sb_genesis_from_json(app_state, length, error);
	struct sb_tx_result result;
	int rc;

	if (!genesis)
		return -EINVAL;
	rc = name_chain(app, chain, chain);
	sb_store_abort(app->store);
	app->height = 0;
	app->before.count = 0;
	if (!rc)
		rc = sb_store_begin(app->store);
	if (!rc)
		rc = sb_app_note_chain(app);
	if (rc) {
		sb_message_free(genesis);
		return sb_fail(error, rc, "the ledger's state cannot begin: %s", strerror(-rc));
	}
	rc = sb_machine_init(app->machine, genesis, seconds, &result);
	sb_message_free(genesis);
	if (!rc && result.code)
		return sb_fail(error, -EINVAL, "app_state: %s", result.log);
	if (!rc)
		rc = name_ledger(app);
	if (!rc)
		rc = finish(app, app_hash);
	app->begun = !rc;
	app->first = app->after;
	return rc ? sb_fail(error, rc, "the ledger's state cannot begin: %s", strerror(-rc)) : 0;
}

/* Heights that are missing were lost when the chain was restored from a backup. */
static int recover(struct sb_ledger_app *app, int64_t height)
{
	struct sb_app_time last;
	int rc = sb_app_read_time(sb_store_pending(app->store), &last);

	if (rc || !last.height || height == last.height + 1)
		return rc;
	rc = sb_machine_recover(app->machine, last.height);
	return rc ? rc : sb_app_forget_beacons(app, last.height);
}

static int begin(void *context, const struct sb_app_block *block)
{
	struct sb_ledger_app *app = context;
	int rc = 0;

	if (!app->machine)
		return -EINVAL;
	/* A block that was begun and not committed is begun anew; the genesis is not. */
	sb_machine_abort(app->machine);
	if (!app->begun) {
		sb_store_abort(app->store);
		rc = sb_store_begin(app->store);
	}
	app->height = block->height;
	/* the chain has been told of the genesis' validators */
	if (app->begun)
		app->before = app->first;
	if (!rc)
		rc = sb_machine_begin(app->machine, block->height, block->seconds);
	if (!rc)
		sb_machine_signed(app->machine, block->signers, block->signers_count);
	if (!rc)
		rc = recover(app, block->height);
	return rc ? rc : sb_app_note_block(app, block);
}

static int deliver(void *context, const uint8_t *tx, size_t length, struct sb_tx_result *result)
{
	struct sb_ledger_app *app = context;

	return sb_machine_deliver(app->machine, tx, length, result);
}

static int commit(void *context)
{
	struct sb_ledger_app *app = context;

	int rc;

	app->begun = false;
	rc = sb_store_commit(app->store, (uint64_t)app->height);
	if (!rc)
		app->before = app->after;
	return rc;
}

static bool form(const uint8_t *tx, size_t length)
{
	return sb_machine_is_tx(tx, length);
}

/* Over the committed state, in a machine of its own; before the first commit nothing is known yet. */
static int trial(void *context, int64_t height, int64_t seconds, const struct sb_tx *txs, size_t count, bool *good)
{
	struct sb_ledger_app *app = context;
	struct sb_tx_result result;
	struct sb_records records;
	struct sb_machine *machine;
	struct sb_view *view;
	int rc = sb_view_open(app->store, &view);

	if (rc)
		return rc;
	sb_app_view_records(view, &records);
	records.verified = app->verified;
	machine = sb_view_height(view) ? sb_machine_new(&records, app->ledger) : NULL;
	if (machine)
		rc = sb_machine_begin(machine, height, seconds);
	if (machine)
		sb_machine_try(machine);
	for (size_t i = 0; i < count && !rc; i++) {
		good[i] = true;
		if (machine)
			rc = sb_machine_deliver(machine, txs[i].data, txs[i].length, &result);
		if (machine && !rc)
			good[i] = result.code == SB_TX_OK || result.code == SB_TX_QUOTE_CLONE;
	}
	sb_machine_free(machine);
	sb_view_close(view);
	return rc;
}

static int offence(void *context, const struct sb_app_offence *offence)
{
	struct sb_ledger_app *app = context;

	return sb_machine_offence(app->machine, offence->address, offence->fork, offence->height);
}

/* A genesis goes, too: the chain will say it again. */
static void forget(void *context)
{
	struct sb_ledger_app *app = context;

	if (app->machine)
		sb_machine_abort(app->machine);
	sb_store_abort(app->store);
	app->begun = false;
}

int sb_app_read_names(struct sb_ledger_app *app)
{
	char chain[SB_CHAIN_NAME_MAX + 1], ledger[SB_CHAIN_NAME_MAX + 1];
	struct sb_view *view;
	int rc = sb_view_open(app->store, &view);

	if (rc)
		return rc;
	rc = sb_app_read_chain(view, chain);
	if (!rc)
		rc = sb_app_read_ledger(view, chain, ledger);
	if (!rc)
		rc = sb_app_read_set(view, &app->before);
	sb_view_close(view);
	return rc || !chain[0] ? rc : name_chain(app, chain, ledger);
}

/* A node without a grant key is a node that signs none. */
static int open_grant_key(struct sb_ledger_app *app, const char *home, struct sb_error *error)
{
	char path[PATH_MAX];
	struct stat info;

	if (snprintf(path, sizeof(path), "%s/" GRANT_KEY, home) >= (int)sizeof(path))
		return sb_fail(error, -ENAMETOOLONG, "%s: too long", home);
	if (stat(path, &info) < 0 && errno == ENOENT)
		return 0;
	return sb_p256_key_open(path, &app->grant_key, error);
}

static int open_store(struct sb_ledger_app *app, const char *home, struct sb_error *error)
{
	char path[PATH_MAX];
	int rc;

	if (snprintf(path, sizeof(path), "%s/" STATE_DIRECTORY, home) >= (int)sizeof(path))
		return sb_fail(error, -ENAMETOOLONG, "%s: too long", home);
	rc = sb_make_directory(path, 0700);
	if (!rc)
		rc = sb_store_open(path, 0, &app->store);
	if (!rc)
		rc = sb_app_read_names(app);
	return rc ? sb_fail(error, rc, "%s: %s", path, rc == -EUCLEAN ? "damaged, or of another version" :
			    strerror(-rc)) : 0;
}

static void close_app(struct sb_ledger_app *app)
{
	sb_workers_free(app->workers);
	sb_machine_free(app->machine);
	sb_store_close(app->store);
	sb_p256_key_close(app->grant_key);
	sb_verified_free(app->verified);
	sb_app_checkpoints_close(app->checkpoints);
	free(app);
}

int sb_ledger_app_open(const char *home, struct sb_app *out, struct sb_error *error)
{
	struct sb_ledger_app *app = calloc(1, sizeof(*app));
	int rc;

	if (!app)
		return sb_fail(error, -ENOMEM, "out of memory");
	app->verified = sb_verified_new();
	app->workers = sb_workers_new();
	sb_app_block_records(app);
	rc = app->verified && app->workers ? open_store(app, home, error) : sb_fail(error, -ENOMEM, "out of memory");
	if (!rc)
		rc = open_grant_key(app, home, error);
	if (!rc)
		rc = sb_app_checkpoints_open(home, &app->checkpoints, error);
	if (!rc && snprintf(app->recovery_path, PATH_MAX, "%s/" SB_RECOVERY_FILE, home) >= PATH_MAX)
		rc = sb_fail(error, -ENAMETOOLONG, "%s: too long", home);
	if (rc) {
		close_app(app);
		return rc;
	}
	*out = (struct sb_app){ .context = app, .info = info, .init = init, .check = sb_app_check, .begin = begin,
				.deliver = deliver, .finish = finish, .commit = commit, .query = sb_app_query,
				.prepare = sb_app_prepare, .verify = sb_app_verify, .resume = sb_app_resume,
				.recovered = sb_app_recovered, .form = form, .trial = trial, .offence = offence,
				.validators = sb_app_validators, .abort = forget, .copying = &sb_app_copying,
				.needed = sb_app_needed };
	return 0;
}

void sb_ledger_app_close(struct sb_app *app)
{
	close_app(app->context);
	app->context = NULL;
}
