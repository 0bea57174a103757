// SPDX-License-Identifier: Apache-2.0
/*
 * Transactions at the door, and those of a block before their turn comes. What either finds of signatures is kept
 * for delivery (state/verified.h), which then has the records to look at and nothing else. Delivery alone decides.
 */
#include "ledger/block.h"
#include "ledger/ledger_app_internal.h"
#include "state/crypto.h"
#include "state/tpm_public.h"
#include "state/verified.h"

/* Its signature has been looked at, whatever else may be said of it. */
static void id_of(const uint8_t *tx, size_t length, uint8_t id[32])
{
	static const uint8_t tag[] = "transaction";
	const struct sb_span parts[] = { { tag, sizeof(tag) }, { tx, length } };

	sb_hash(SB_TPM_ALG_SHA256, parts, 2, id);
}

int sb_app_check(void *context, const uint8_t *tx, size_t length, struct sb_tx_result *result)
{
	struct sb_ledger_app *app = context;
	struct sb_records records;
	struct sb_app_time time;
	struct sb_view *view;
	uint8_t id[32];
	int rc = sb_view_open(app->store, &view);

	if (rc)
		return rc;
	sb_app_view_records(view, &records);
	records.verified = app->verified;
	rc = sb_app_read_time(view, &time);
	if (!rc)
		rc = sb_machine_check(&records, app->ledger, time.height + 1, time.seconds, tx, length, result);
	sb_view_close(view);
	if (!rc && !result->code) {
		id_of(tx, length, id);
		sb_verified_add(app->verified, id);
	}
	return rc;
}

struct preparing {
	struct sb_ledger_app *app;
	const struct sb_tx *txs;
};

static void prepare_one(void *context, size_t index)
{
	const struct preparing *preparing = context;
	const struct sb_tx *tx = &preparing->txs[index];
	struct sb_tx_result ignored;
	uint8_t id[32];

	id_of(tx->data, tx->length, id);
	if (!sb_verified_has(preparing->app->verified, id))
		sb_app_check(preparing->app, tx->data, tx->length, &ignored);
}

void sb_app_prepare(void *context, const struct sb_tx *txs, size_t count)
{
	struct sb_ledger_app *app = context;
	struct preparing preparing = { app, txs };

	sb_workers_run(app->workers, count, prepare_one, &preparing);
}
