/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A state that comes from peers, chunk by chunk, in an order of the chain's choice. Chunks wait in restore/ below
 * the home, and the state is taken over when all are there, or not at all. One thread at a time.
 */
#ifndef SB_ABCI_RESTORE_H
#define SB_ABCI_RESTORE_H

#include "abci/snapshots.h"

struct sb_handover;

int sb_handover_new(const char *home, const struct sb_app *app, struct sb_handover **restore, struct sb_error *error);
void sb_handover_free(struct sb_handover *restore);

/*
 * sb_handover_offer() - begins anew, whatever was half done. -EBADMSG: these numbers and hashes are no snapshot's;
 * another: not here and now.
 */
int sb_handover_offer(struct sb_handover *restore, const struct sb_snapshot *offered, size_t metadata_length,
		     const uint8_t app_hash[SB_APP_HASH_LEN]);

enum sb_handover_verdict {
	SB_HANDOVER_MORE,	/* taken, others are missing */
	SB_HANDOVER_DONE,	/* the state is at the snapshot's height */
	SB_HANDOVER_AGAIN,	/* not this chunk: from another sender */
	SB_HANDOVER_LIE,		/* all chunks are as promised, and not the state: all senders lied */
	SB_HANDOVER_NONE,	/* nothing was offered, or the disk fails: error says why */
};

enum sb_handover_verdict sb_handover_chunk(struct sb_handover *restore, uint32_t index, const uint8_t *data,
					 size_t length, const char *sender, struct sb_error *error);

/* Who has sent chunk @index of a lie; NULL behind the last. */
const char *sb_handover_sender(const struct sb_handover *restore, uint32_t index);

/* Forgets all of it. */
void sb_handover_end(struct sb_handover *restore);

#endif
