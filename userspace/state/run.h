/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a rule works with: one transaction, its block, and the records as they are after those before it.
 * A rule reads, decides, writes; if it refuses, what it has written is taken back. Rules have no clock but
 * the block's, no I/O, no randomness, and give the same result on every machine.
 */
#ifndef SB_STATE_RUN_H
#define SB_STATE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/codes.h"
#include "state/message.h"

struct sb_quote;
struct sb_verified;

#define SB_RECORD_KEY_MAX	64
#define SB_RECORD_MAX		65536	/* bytes of a value */

/*
 * Records below the rules: a store's pending block, or memory. What get finds is valid until the next change.
 * 0 or a negative errno; get: -ENOENT where there is none, and remove may say so, too.
 */
struct sb_records {
	void *context;
	int (*get)(void *context, const void *key, size_t key_length, const uint8_t **value, size_t *length);
	int (*put)(void *context, const void *key, size_t key_length, const void *value, size_t length);
	int (*remove)(void *context, const void *key, size_t key_length);
	/*
	 * Ascending by key; stops at the first result that is not 0, and returns it. Nothing may be changed
	 * meanwhile.
	 */
	int (*each)(void *context, const void *prefix, size_t prefix_length,
		    int (*each)(void *context, const uint8_t *key, size_t key_length, const uint8_t *value,
				size_t length), void *each_context);
	/* The hash of an earlier block, a beacon: 0, or -ENOENT where it is unknown or too old to be kept. */
	int (*block_hash)(void *context, uint64_t height, uint8_t hash[32], int64_t *seconds);
	struct sb_verified *verified;	/* signatures that need no second look; NULL: none are kept */
};

enum sb_record_kind {
	SB_RECORD_PARAMETERS = 'P', SB_RECORD_MEMBERS = 'M', SB_RECORD_ACCOUNT = 'A', SB_RECORD_ENROLLER = 'E',
	SB_RECORD_ROOT = 'R', SB_RECORD_REFERENCE = 'F', SB_RECORD_RELEASE = 'L', SB_RECORD_VALIDATOR = 'V',
	SB_RECORD_GRANT_KEYS = 'G', SB_RECORD_ENDPOINT = 'N', SB_RECORD_DEVICE = 'D', SB_RECORD_ZONE = 'Z',
	SB_RECORD_KNOWN_KEY = 'K', SB_RECORD_INCIDENT = 'I', SB_RECORD_PROPOSAL = 'B', SB_RECORD_COUNTERS = 'C',
	SB_RECORD_BOND_KEY = 'X',	/* device id by bond key: none is ever used twice */
	SB_RECORD_ENROLMENT = 'J',	/* a Device that is not proven: device id || sb_enrolment_id's 16 bytes */
	SB_RECORD_DUE = 'T',		/* enum sb_due, one byte || time, 8 bytes, big endian || id */
	SB_RECORD_RULES = 'U',
	SB_RECORD_RECOVERY = 'Q',	/* the last one; none where the ledger never was restored */
	SB_RECORD_FREE_INDEX = 'Y',	/* of an overlay address that nobody has any more: 4 bytes, big endian */
	SB_RECORD_BLOCKS = 'H',
	SB_RECORD_LEDGER = 'O', SB_RECORD_SUCCESSION = 'S',
	SB_RECORD_ENDPOINTS = 'W',	/* all of kind N: one proof shows that none is left out */
};

/*
 * sb_record_key() - a record's key in the tree: its kind, its id (none for those that are there once), and a
 * byte more where the key's hash would begin with "x:", which CometBFT's proxy takes for hex.
 * Returns the length.
 */
size_t sb_record_key(enum sb_record_kind kind, const void *id, size_t id_length, uint8_t key[SB_RECORD_KEY_MAX]);

enum sb_due {
	SB_DUE_ENROLMENT = 1, SB_DUE_PROPOSAL = 2,
	SB_DUE_ANSWERED = 3,	/* an enrolment that an enroller has answered */
};
#define SB_DUE_ID_MAX	48

#define SB_ADDRESS_LEN	20	/* of a validator: the first bytes of its key's SHA-256 */
#define SB_SIGNERS_MOST	128	/* as many as there may be validators */

/* Validators who have signed the block before this one. */
struct sb_signers {
	uint8_t address[SB_SIGNERS_MOST][SB_ADDRESS_LEN];
	size_t count;
};

struct sb_run {
	struct sb_records *records;	/* with a journal between the rules and the block */
	const char *chain;
	int64_t height, time;		/* of the block, seconds */
	bool is_person;
	uint8_t signer[32];		/* a person's key, or a device's id */
	const Sealbond__DeviceAuth *device_auth;
	const struct sb_quote *quote;	/* a device's, checked (state/attest.h) */
	uint8_t id[32];			/* SHA-256 of the whole transaction */
	const struct sb_signers *signers;	/* NULL: not known yet, at the door or in a trial */
	struct sb_tx_result *result;	/* log and data; the code is what the rule returns */
	Sealbond__Parameters *parameters;	/* sb_run_parameters() */
	int error;			/* of the store below, negative: the block cannot go on */
};

/*
 * sb_run_load() - a record, unpacked, for SB_AUTO_MESSAGE or sb_message_free(); NULL where there is none. An
 * error of the store below is kept in run->error: whatever the rule returns, the transaction gets
 * SB_TX_INTERNAL, leaves nothing, and the block ends.
 */
void *sb_run_load(struct sb_run *run, const ProtobufCMessageDescriptor *type, enum sb_record_kind kind,
		  const void *id, size_t id_length);

/* A message with nothing but defaults has no bytes and cannot be kept: the record is removed. */
enum sb_tx_code sb_run_save(struct sb_run *run, enum sb_record_kind kind, const void *id, size_t id_length,
			    const void *message);
enum sb_tx_code sb_run_remove(struct sb_run *run, enum sb_record_kind kind, const void *id, size_t id_length);
bool sb_run_has(struct sb_run *run, enum sb_record_kind kind, const void *id, size_t id_length);

/*
 * Ascending by key, those whose id begins with the prefix; the key includes the kind. Stops at the first result
 * above 0 and returns it; else 0. Nothing may be saved meanwhile.
 */
int sb_run_each(struct sb_run *run, enum sb_record_kind kind, const void *prefix, size_t prefix_length,
		int (*each)(void *context, const uint8_t *key, size_t key_length, const uint8_t *value,
			    size_t length), void *context);

/* The ledger's parameters as they are now; belong to the run, until they are saved anew. Never NULL. */
const Sealbond__Parameters *sb_run_parameters(struct sb_run *run);

/* Makes counters where there are none yet; to be freed. */
Sealbond__Counters *sb_run_counters(struct sb_run *run);

/*
 * sb_run_account() - from now on this key may send transactions: it has become a member's, an enroller's, an
 * owner's. Accounts stay, or a key that comes back could be made to repeat what it once said.
 */
enum sb_tx_code sb_run_account(struct sb_run *run, const uint8_t key[32]);

/* sb_run_due(), sb_run_not_due() - something falls due at a time, or does not any more. */
enum sb_tx_code sb_run_due(struct sb_run *run, enum sb_due what, int64_t time, const void *id, size_t id_length);
enum sb_tx_code sb_run_not_due(struct sb_run *run, enum sb_due what, int64_t time, const void *id, size_t id_length);

/*
 * sb_run_take_due() - the earliest that is due now, once: it is removed. Returns the length of its id, or 0 where
 * nothing is due.
 */
size_t sb_run_take_due(struct sb_run *run, enum sb_due what, uint8_t id[SB_DUE_ID_MAX]);
/* The earliest of its kind, whenever it is due; it stays. As above. */
size_t sb_run_first_due(struct sb_run *run, enum sb_due what, int64_t *time, uint8_t id[SB_DUE_ID_MAX]);

/* Is the signer a person with this key? */
static inline bool sb_run_is_by(const struct sb_run *run, ProtobufCBinaryData key)
{
	return run->is_person && sb_bytes_are(key, run->signer, sizeof(run->signer));
}

/* The answer that enters the chain's results: an id of what was made. */
void sb_run_answer(struct sb_run *run, const void *data, size_t length);

/* sb_run_refuse() - the code, and its sentence into the log with what the caller adds to it. */
enum sb_tx_code sb_run_refuse(struct sb_run *run, enum sb_tx_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
#ifdef __clang_analyzer__	/* see sb_fail() */
#define sb_run_refuse(run, code, ...) ({ enum sb_tx_code sb_code = (code); (void)(run); sb_code; })
#endif

/* A rule for each action, in the files state/rules_*.c; all have this shape. */
#define SB_RULE(name, type)	enum sb_tx_code sb_rule_##name(struct sb_run *run, const Sealbond__##type *action)

/* rules_enrol.c */
SB_RULE(enrol, Enrol);
SB_RULE(activate, Activate);
SB_RULE(challenge, Challenge);
SB_RULE(import_keys, ImportKeys);
/* rules_heartbeat.c */
SB_RULE(heartbeat, Heartbeat);
SB_RULE(rotate_key, RotateKey);
/* rules_device.c: by owners */
SB_RULE(approve, Approve);
SB_RULE(suspend, Suspend);
SB_RULE(resume, Resume);
SB_RULE(revoke, Revoke);
SB_RULE(retire, Retire);
SB_RULE(replace, Replace);
SB_RULE(resolve_incident, ResolveIncident);
/* rules_owner.c */
SB_RULE(offer_device, OfferDevice);
SB_RULE(accept_device, AcceptDevice);
SB_RULE(set_membership, SetMembership);
SB_RULE(set_profile, SetProfile);
/* rules_zone.c */
SB_RULE(create_zone, CreateZone);
SB_RULE(update_zone, UpdateZone);
SB_RULE(delete_zone, DeleteZone);
/* rules_member.c, rules_change.c */
SB_RULE(propose, Propose);
SB_RULE(vote, Vote);
SB_RULE(withdraw, Withdraw);

/* What each block begins with, whatever is in it. */
enum sb_tx_code sb_begin_devices(struct sb_run *run);	/* rules_enrol.c: those that were not proven in time go */
enum sb_tx_code sb_begin_proposals(struct sb_run *run);	/* rules_member.c */

/* rules_validator.c: what a validator has done is proven (state/machine.h). SB_TX_OK. */
enum sb_tx_code sb_offence(struct sb_run *run, const uint8_t address[SB_ADDRESS_LEN], bool fork, int64_t height);
void sb_signer_address(const uint8_t key[32], uint8_t address[SB_ADDRESS_LEN]);
/* recovery.c: the first block of a chain that was restored, behind the block @last */
enum sb_tx_code sb_begin_recovered(struct sb_run *run, int64_t last);
/* Has the chain been restored since the block at this height? Then what it has said since may be lost. */
bool sb_run_lost_since(struct sb_run *run, uint64_t height);

/*
 * rules_succession.c: may this be said, or is the ledger closed, or at its end? And the two changes that members decide
 * then, with their form; whether a closed ledger's members may decide this one.
 */
enum sb_tx_code sb_succession_gate(struct sb_run *run, Sealbond__Body__ActionCase action);
enum sb_tx_code sb_succession_check(struct sb_run *run, const char *at, const Sealbond__Succession *succession);
enum sb_tx_code sb_succession_may(struct sb_run *run, const char *at, Sealbond__Change__ChangeCase change);
enum sb_tx_code sb_succession_close(struct sb_run *run, const char *at, bool close);
enum sb_tx_code sb_succession_make(struct sb_run *run, const char *at, const Sealbond__Succession *succession);
/* Of a chain that goes on with another's records: it is open, and the ledger's id, if there is one, can be. */
enum sb_tx_code sb_succession_begin(struct sb_run *run);

/* genesis.c: everything that it says is checked, and saved. */
enum sb_tx_code sb_genesis(struct sb_run *run, const Sealbond__Genesis *genesis);

/* rules_heartbeat.c: two TPM states speak for run->signer. Freezes it and tells of it: SB_TX_OK, or why not. */
enum sb_tx_code sb_freeze_clone(struct sb_run *run);

#endif
