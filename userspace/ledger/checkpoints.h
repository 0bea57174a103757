/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members' checkpoints that a node hands out (light/checkpoint.h): a way from one to the next for devices
 * that have been away, and above it those whose signatures are still collected. Pure.
 *
 * A checkpoint is complete when the members before it have signed it with their threshold's weight, and so have
 * the members that it names, where these are others: then whoever knows either of them can go on from it. Of
 * complete ones those are kept that lead to other members, recoveries, and the newest. What a member signs takes
 * back what it has signed and is not complete, so there are never more of those than members.
 *
 * As bytes, integers big endian: "SBCL" 1 (one byte); the members before the first (as in light/checkpoint.h);
 * number of records (1); the records, heights ascending.
 */
#ifndef SB_LEDGER_CHECKPOINTS_H
#define SB_LEDGER_CHECKPOINTS_H

#include "light/checkpoint.h"

#define SB_CHECKPOINTS_COMPLETE	(SB_CHECKPOINTS_MAX - 1)	/* that are kept: a list has one more */
#define SB_CHECKPOINTS_KEPT	(SB_CHECKPOINTS_COMPLETE + SB_MEMBERS_MAX)
#define SB_CHECKPOINTS_BYTES	((SB_CHECKPOINTS_KEPT + 1) * SB_CHECKPOINT_MAX)

/* All zeros is empty. Owns the records. */
struct sb_checkpoints {
	struct sb_members base;		/* before the first; count 0: nobody has signed one yet */
	size_t count, complete;		/* the first so many are complete */
	struct sb_checkpoint *record[SB_CHECKPOINTS_KEPT];
};

void sb_checkpoints_free(struct sb_checkpoints *list);

/* Out: *list, to be freed. 0; -EBADMSG for what is not in the one form above, -ENOMEM. */
int sb_checkpoints_read(const uint8_t *data, size_t length, struct sb_checkpoints *list);
void sb_checkpoints_write(const struct sb_checkpoints *list, struct sb_bytes *out);

/* What has been signed, and what is needed, for one record. */
struct sb_checkpoint_weight {
	bool complete;
	uint64_t has, needs;		/* of the members that lack more of it */
};

/*
 * sb_checkpoints_add() - with the signatures of its members; those of others are left out. That its header is the
 * ledger's has been checked. now: who the members are by the ledger's record, the same as it names.
 * 0 and *weight; -EINVAL: it names others; -ESTALE: not above the last complete one; -EKEYREJECTED: no valid
 * signature of a member, or one that is not valid; -ENOMEM. The list is untouched then.
 */
int sb_checkpoints_add(struct sb_checkpoints *list, const struct sb_checkpoint *record, const struct sb_members *now,
		       struct sb_checkpoint_weight *weight, struct sb_error *error);

/* Those above a height that are complete, and of the others the one with most weight, as a list of records. */
void sb_checkpoints_answer(const struct sb_checkpoints *list, int64_t above, struct sb_bytes *out);

#endif
