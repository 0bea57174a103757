/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state machine: blocks of transactions over records. The same transactions leave the same records on
 * every machine, however they came. One block at a time: begin, deliver for each transaction, finish, which
 * hands the changes to the records below.
 */
#ifndef SB_STATE_MACHINE_H
#define SB_STATE_MACHINE_H

#include "state/run.h"

/* A key may send no more than so many transactions in one block. */
#define SB_TX_PER_KEY_BLOCK	1024
/* A transaction may come to the door with so many others of its key before it. */
#define SB_SEQUENCE_AHEAD	SB_TX_PER_KEY_BLOCK

#define SB_CHAIN_NAME_MAX	50	/* CometBFT's limit */

struct sb_machine;

/*
 * records: below the machine, have to stay; what get and each say of them must be what was put. chain is
 * copied. NULL: the chain's name is empty or too long.
 */
struct sb_machine *sb_machine_new(struct sb_records *records, const char *chain);
void sb_machine_free(struct sb_machine *machine);

/* What a ledger begins with. result->code says why not; 0, or a negative errno of the records. */
int sb_machine_init(struct sb_machine *machine, const Sealbond__Genesis *genesis, int64_t seconds,
		    struct sb_tx_result *result);

/* A negative errno of any of these is the records': the block cannot go on, and the process should not. */
int sb_machine_begin(struct sb_machine *machine, int64_t height, int64_t seconds);
/*
 * After begin, for a block before which heights are missing: the chain was restored from a backup whose last block
 * was @last. The numbers of all accounts go on above everything that they can have sent in the lost blocks, so that
 * none of it can be said again by somebody else, and the record of the recovery tells rules which devices have not
 * been heard since.
 */
int sb_machine_recover(struct sb_machine *machine, int64_t last);
/*
 * sb_machine_signed() - after begin, before the first deliver: who has signed the block before this one, by the addresses
 * of validators. Without it nobody has, and no vote changes the validators. sb_machine_try(), in its place: a trial,
 * where nobody can know it; what depends on it is taken.
 */
void sb_machine_signed(struct sb_machine *machine, const uint8_t (*addresses)[SB_ADDRESS_LEN], size_t count);
void sb_machine_try(struct sb_machine *machine);
int sb_machine_deliver(struct sb_machine *machine, const uint8_t *tx, size_t length, struct sb_tx_result *result);
int sb_machine_finish(struct sb_machine *machine);

/*
 * sb_machine_offence() - after begin: a validator, by its address of 20 bytes, has signed two blocks at a height, or
 * (fork) lied to a light client. It becomes an incident, and the validator goes, unless it is the last one.
 */
int sb_machine_offence(struct sb_machine *machine, const uint8_t *address, bool fork, int64_t height);

/* Could it be a transaction, by its form alone? */
bool sb_machine_is_tx(const uint8_t *tx, size_t length);

/* Forgets the block under way. */
void sb_machine_abort(struct sb_machine *machine);

/*
 * sb_machine_check() - would it be taken by a block at this height and time, over these records? Changes
 * nothing; records whose put and remove are NULL are enough. For several threads, each with its own records.
 */
int sb_machine_check(struct sb_records *records, const char *chain, int64_t height, int64_t seconds,
		     const uint8_t *tx, size_t length, struct sb_tx_result *result);

#endif
