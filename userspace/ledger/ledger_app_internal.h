/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the ledger's application. */
#ifndef SB_LEDGER_APP_INTERNAL_H
#define SB_LEDGER_APP_INTERNAL_H

#include <limits.h>

#include "common/p256_key.h"
#include "ledger/app.h"
#include "state/change.h"
#include "ledger/workers.h"
#include "light/checkpoint.h"
#include "state/machine.h"
#include "tree/store.h"

/*
 * After each hundredth block a record says what the beacons up to it are, so that a state that is copied brings
 * beacons that its app hash vouches for. So many are kept; what is older is older than any parameters allow.
 */
#define SB_BEACONS_SEALED	100
#define SB_BEACONS_KEPT		(1311 * SB_BEACONS_SEALED)

/* The validators of a state. */
struct sb_app_set {
	struct sb_app_validator one[SB_VALIDATORS_MOST];
	size_t count;
};

struct sb_ledger_app {
	struct sb_store *store;
	struct sb_machine *machine;		/* NULL until the chain has a name */
	struct sb_records records;		/* of the block under way */
	char chain[SB_CHAIN_NAME_MAX + 1];	/* empty until then; of headers and checkpoints */
	char ledger[SB_CHAIN_NAME_MAX + 1];	/* its id, of everything that the state knows: mostly the same */
	bool begun;				/* the genesis is in the block under way, and no block is committed */
	int64_t height;				/* of the block under way */
	struct sb_p256_key *grant_key;		/* NULL: this node signs no grants */
	struct sb_app_set before, after;	/* validators: of the last commit, of the block under way */
	struct sb_app_set first;		/* of the genesis, while it is begun */
	struct sb_verified *verified;
	struct sb_workers *workers;
	struct sb_app_checkpoints *checkpoints;
	char recovery_path[PATH_MAX];
};

/* The last committed block, as it was noted with it. */
struct sb_app_time {
	int64_t height, seconds;
};

/* app_records.c: records of a view, to be read only. */
void sb_app_view_records(struct sb_view *view, struct sb_records *records);

/* Records of the block under way. */
void sb_app_block_records(struct sb_ledger_app *app);

/* Notes of a block: its hash and time as a beacon, its time as the latest, and the chain's name. */
int sb_app_note_block(struct sb_ledger_app *app, const struct sb_app_block *block);
int sb_app_note_chain(struct sb_ledger_app *app);
/* Those up to a height: what was signed over them is of before the recovery. */
int sb_app_forget_beacons(struct sb_ledger_app *app, int64_t height);

/* The chain's name, or empty; the latest block, or zeros. */
int sb_app_read_chain(struct sb_view *view, char chain[SB_CHAIN_NAME_MAX + 1]);
int sb_app_read_time(struct sb_view *view, struct sb_app_time *time);
/* The id of the ledger that a chain carries: its own name where the state has no other. */
int sb_app_read_ledger(struct sb_view *view, const char *chain, char ledger[SB_CHAIN_NAME_MAX + 1]);

/* After a hundredth block: its record, and what is too old goes. */
int sb_app_seal_blocks(struct sb_ledger_app *app);

/*
 * The pending block's beacons are those that its record is for, after @height; notes the latest time by them. @first:
 * of the beacons, the lowest.
 */
int sb_app_check_seal(struct sb_ledger_app *app, int64_t height, int64_t first);

/* Notes one by one, for copies: where they begin (the seal of a height), and a beacon. -ENOENT where there is none. */
#define SB_APP_NOTE_NAME	9
#define SB_APP_SEAL_LEN		32
#define SB_APP_BEACON_LEN	40
void sb_app_seal_name(int64_t height, uint8_t name[SB_APP_NOTE_NAME]);
void sb_app_beacon_name(int64_t height, uint8_t name[SB_APP_NOTE_NAME]);
static inline int64_t sb_app_first_seal(int64_t height)
{
	return height > SB_BEACONS_KEPT ? height - SB_BEACONS_KEPT : 0;
}

/* app_validators.c: ascending by key; what changed between before and after. */
int sb_app_read_set(struct sb_view *view, struct sb_app_set *set);
int sb_app_validators(void *context, struct sb_app_validator list[SB_APP_VALIDATORS_MOST], size_t *count);

/* app_copy.c */
extern const struct sb_app_copying sb_app_copying;

/* ledger_app.c: the chain and the validators that the committed state names. */
int sb_app_read_names(struct sb_ledger_app *app);
/* app_check.c */
int sb_app_check(void *context, const uint8_t *tx, size_t length, struct sb_tx_result *result);
void sb_app_prepare(void *context, const struct sb_tx *txs, size_t count);

/* app_query.c */
int sb_app_query(void *context, const char *path, const uint8_t *data, size_t length, int64_t height, bool prove,
		 struct sb_app_answer *answer);

/* app_grant.c: fills the answer's code, log and value. 0 or an error of the store. */
int sb_app_grant(struct sb_ledger_app *app, struct sb_view *view, const uint8_t *data, size_t length,
		 struct sb_app_answer *answer);

/* app_checkpoint.c: the members' checkpoints, in a file of the home. The queries as above. */
int sb_app_checkpoints_open(const char *home, struct sb_app_checkpoints **checkpoints, struct sb_error *error);
bool sb_app_needed(void *context, int64_t height);
void sb_app_checkpoints_close(struct sb_app_checkpoints *checkpoints);
int sb_app_checkpoint(struct sb_ledger_app *app, const uint8_t *data, size_t length, struct sb_app_answer *answer);
int sb_app_checkpoint_put(struct sb_ledger_app *app, struct sb_view *view, const uint8_t *data, size_t length,
			  struct sb_app_answer *answer);

/* The members of a view's state, in the form of checkpoints; -ENOENT: there are none, or too many for it. */
int sb_app_members(struct sb_view *view, struct sb_members *members);

/* A recovery that the members have signed, among the checkpoints. */
int sb_app_keep_recovery(struct sb_ledger_app *app, const struct sb_checkpoint *record, const struct sb_members *members,
			 struct sb_error *error);

/* app_recovery.c: as in app.h, with the file "recovery" of the home between the two. */
int sb_app_verify(void *context, struct sb_error *error);
int sb_app_resume(void *context, const struct sb_app_recovery *recovery, struct sb_error *error);
int sb_app_recovered(void *context, const struct sb_app_recovery *recovery, struct sb_error *error);

/* Takes over what sb_message_pack has made; the answer's value is a message. */
void sb_app_answer_message(struct sb_app_answer *answer, const void *message);

#endif
