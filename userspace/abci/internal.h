/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files that answer ABCI's requests. */
#ifndef SB_ABCI_INTERNAL_H
#define SB_ABCI_INTERNAL_H

#include <pthread.h>

#include "abci/abci.h"
#include "abci/abci.pb-c.h"
#include "abci/restore.h"
#include "ledger/workers.h"

struct sb_abci {
	const struct sb_app *app;
	const struct sb_abci_options *options;
	pthread_mutex_t block;			/* held by who works on a block */
	struct sb_abci_caller *owner;		/* whose block is under way; under block */
	int64_t height;				/* of it */
	/* The chain's name is written where the state begins, and read by all others. */
	pthread_rwlock_t names;
	struct sb_snapshots *snapshots;
	struct sb_handover *restore;		/* under block */
	struct sb_workers *workers;		/* for what the pool asks */
};

/* What a request is answered with. */
struct sb_abci_call {
	struct sb_abci *abci;
	struct sb_abci_caller *caller;
	const Abci__Request *request;
	const struct sb_tx_result *checked;	/* of a CheckTx that was looked at already; or NULL */
	struct sb_abci_output *out;
	struct sb_error *error;
};

/* Packs a response of this kind behind what is there. 0 or -ENOMEM. */
int sb_abci_reply(struct sb_abci_call *call, Abci__Response__ValueCase kind, void *message);

/* Each answers one request: 0, or as sb_abci_answer(). */
/* consensus.c */
int sb_abci_init_chain(struct sb_abci_call *call);
int sb_abci_finalize_block(struct sb_abci_call *call);
int sb_abci_commit(struct sb_abci_call *call);
/* proposal.c */
int sb_abci_prepare_proposal(struct sb_abci_call *call);
int sb_abci_process_proposal(struct sb_abci_call *call);
int sb_abci_extend_vote(struct sb_abci_call *call);
int sb_abci_verify_vote_extension(struct sb_abci_call *call);
/* state.c: of the last committed state */
int sb_abci_info(struct sb_abci_call *call);
int sb_abci_check_tx(struct sb_abci_call *call);
int sb_abci_query(struct sb_abci_call *call);
/* in any thread: what CheckTx says of a transaction */
void sb_abci_look_at(struct sb_abci *abci, ProtobufCBinaryData tx, struct sb_tx_result *result);
/* snapshot.c */
int sb_abci_list_snapshots(struct sb_abci_call *call);
int sb_abci_load_snapshot_chunk(struct sb_abci_call *call);
int sb_abci_offer_snapshot(struct sb_abci_call *call);
int sb_abci_apply_snapshot_chunk(struct sb_abci_call *call);

static inline ProtobufCBinaryData sb_abci_bytes(const void *data, size_t length)
{
	return (ProtobufCBinaryData){ length, (uint8_t *)data };
}

#endif
