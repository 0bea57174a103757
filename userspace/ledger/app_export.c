// SPDX-License-Identifier: Apache-2.0
/* The whole state as a genesis' app_state, for a chain that goes on with it. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "ledger/ledger_app.h"
#include "ledger/ledger_app_internal.h"

struct writing {
	FILE *out;
	size_t count;
};

static void put_hex(FILE *out, const uint8_t *data, size_t length)
{
	for (size_t i = 0; i < length; i++)
		fprintf(out, "%02x", data[i]);
}

/* What the seals of the old chain's blocks are is nothing to the new one. */
static int put_record(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	struct writing *writing = context;

	if (key[0] == SB_RECORD_BLOCKS || key[0] == SB_RECORD_LEDGER)
		return 0;
	fprintf(writing->out, "%s{\"key\":\"", writing->count++ ? ",\n" : "");
	put_hex(writing->out, key, key_length);
	fputs("\",\"value\":\"", writing->out);
	put_hex(writing->out, value, length);
	fputs("\"}", writing->out);
	return ferror(writing->out) ? -EIO : 0;
}

/* Devices and people go on as of this ledger, whatever the new chain is called. */
static int put_ledger(struct writing *writing, struct sb_view *view, const char *chain)
{
	char id[SB_CHAIN_NAME_MAX + 1];
	Sealbond__Ledger ledger = SEALBOND__LEDGER__INIT;
	uint8_t key[SB_RECORD_KEY_MAX], value[2 * sizeof(id)];
	int rc = sb_app_read_ledger(view, chain, id);

	if (rc || !id[0])
		return rc;
	ledger.id = id;
	fprintf(writing->out, "%s{\"key\":\"", writing->count++ ? ",\n" : "");
	put_hex(writing->out, key, sb_record_key(SB_RECORD_LEDGER, NULL, 0, key));
	fputs("\",\"value\":\"", writing->out);
	put_hex(writing->out, value, sealbond__ledger__pack(&ledger, value));
	fputs("\"}", writing->out);
	return ferror(writing->out) ? -EIO : 0;
}

int sb_ledger_app_export(const char *home, FILE *out, struct sb_app_exported *exported, struct sb_error *error)
{
	struct writing writing = { out, 0 };
	struct sb_view *view = NULL;
	struct sb_store *store;
	char path[PATH_MAX];
	struct sb_app_time time = { 0, 0 };
	int rc;

	if (snprintf(path, sizeof(path), "%s/state", home) >= (int)sizeof(path))
		return sb_fail(error, -ENAMETOOLONG, "%s: too long", home);
	rc = sb_store_open(path, 0, &store);
	if (rc)
		return sb_fail(error, rc, "%s: %s", path, strerror(-rc));
	rc = sb_view_open(store, &view);
	if (!rc)
		rc = sb_app_read_time(view, &time);
	if (!rc)
		rc = sb_app_read_chain(view, exported->chain);
	fputs("{\"records\":[", out);
	if (!rc)
		rc = sb_view_each(view, NULL, 0, NULL, 0, put_record, &writing);
	if (!rc)
		rc = put_ledger(&writing, view, exported->chain);
	fputs("]}\n", out);
	if (!rc && (!time.height || fflush(out)))
		rc = time.height ? -EIO : -ENODATA;
	exported->height = time.height;
	exported->records = writing.count;
	sb_view_close(view);
	sb_store_close(store);
	return rc ? sb_fail(error, rc, "%s: %s", path, rc == -ENODATA ? "no block is committed yet" : strerror(-rc)) : 0;
}
