// SPDX-License-Identifier: Apache-2.0
/* What is asked of the last committed state. */
#include <string.h>

#include "abci/internal.h"

int sb_abci_info(struct sb_abci_call *call)
{
	const struct sb_app *app = call->abci->app;
	Abci__ResponseInfo answer = ABCI__RESPONSE_INFO__INIT;
	uint8_t app_hash[SB_APP_HASH_LEN];
	int64_t height;
	int rc = app->info(app->context, &height, app_hash);

	if (rc)
		return sb_fail(call->error, rc, "the ledger's state cannot be read: %s", strerror(-rc));
	answer.data = (char *)"sealbond";
	answer.version = (char *)"1";
	answer.app_version = SB_ABCI_APP_VERSION;
	answer.last_block_height = height;
	if (height)
		answer.last_block_app_hash = sb_abci_bytes(app_hash, sizeof(app_hash));
	return sb_abci_reply(call, ABCI__RESPONSE__VALUE_INFO, &answer);
}

/* A transaction that waits is checked again as if it were new. */
void sb_abci_look_at(struct sb_abci *abci, ProtobufCBinaryData tx, struct sb_tx_result *result)
{
	const struct sb_app *app = abci->app;
	int rc;

	memset(result, 0, sizeof(*result));
	pthread_rwlock_rdlock(&abci->names);
	rc = app->check(app->context, tx.data, tx.len, result);
	pthread_rwlock_unlock(&abci->names);
	/* what the state cannot say now is no reason to end: the block would say it */
	if (rc) {
		result->code = SB_TX_INTERNAL;
		strcpy(result->log, sb_tx_sentence(SB_TX_INTERNAL));
	}
}

int sb_abci_check_tx(struct sb_abci_call *call)
{
	Abci__ResponseCheckTx answer = ABCI__RESPONSE_CHECK_TX__INIT;
	const struct sb_tx_result *result = call->checked;
	struct sb_tx_result now;

	if (!result) {
		sb_abci_look_at(call->abci, call->request->check_tx->tx, &now);
		result = &now;
	}
	answer.code = result->code;
	answer.data = sb_abci_bytes(result->data, result->data_length);
	answer.log = (char *)result->log;
	return sb_abci_reply(call, ABCI__RESPONSE__VALUE_CHECK_TX, &answer);
}

static int reply_query(struct sb_abci_call *call, const struct sb_app_answer *found)
{
	Abci__ResponseQuery answer = ABCI__RESPONSE_QUERY__INIT;
	Abci__ProofOps ops = ABCI__PROOF_OPS__INIT;
	Abci__ProofOp op[2] = { ABCI__PROOF_OP__INIT, ABCI__PROOF_OP__INIT }, *list[2] = { &op[0], &op[1] };

	for (unsigned int i = 0; i < found->ops; i++) {
		op[i].type = (char *)found->op[i].type;
		op[i].key = sb_abci_bytes(found->op[i].key, found->op[i].key_length);
		op[i].data = sb_abci_bytes(found->op[i].data, found->op[i].data_length);
	}
	ops.ops = list;
	ops.n_ops = found->ops;
	answer.code = found->code;
	answer.log = (char *)found->log;
	answer.key = sb_abci_bytes(found->key, found->key_length);
	answer.value = sb_abci_bytes(found->value, found->value_length);
	answer.proof_ops = found->ops ? &ops : NULL;
	answer.height = found->height;
	return sb_abci_reply(call, ABCI__RESPONSE__VALUE_QUERY, &answer);
}

int sb_abci_query(struct sb_abci_call *call)
{
	const Abci__RequestQuery *request = call->request->query;
	const struct sb_app *app = call->abci->app;
	struct sb_app_answer found;
	int rc;

	pthread_rwlock_rdlock(&call->abci->names);
	rc = app->query(app->context, request->path, request->data.data, request->data.len, request->height,
			request->prove, &found);
	pthread_rwlock_unlock(&call->abci->names);
	if (rc) {
		memset(&found, 0, sizeof(found));
		found.code = SB_TX_INTERNAL;
		strcpy(found.log, sb_tx_sentence(SB_TX_INTERNAL));
	}
	rc = reply_query(call, &found);
	sb_app_answer_free(&found);
	return rc;
}
