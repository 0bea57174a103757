// SPDX-License-Identifier: Apache-2.0
#include "state/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "state/attest.h"
#include "state/crypto.h"
#include "state/device.h"
#include "state/journal.h"
#include "state/person.h"
#include "state/verified.h"

struct sb_machine {
	char chain[SB_CHAIN_NAME_MAX + 1];
	struct sb_journal *block, *tx;
	int64_t height, time;
	struct sb_signers signers;
	bool trial;		/* they are not known */
};

/* X(ACTION, action, by a person) */
#define RULES(X) \
	X(ENROL, enrol, false) X(ACTIVATE, activate, false) X(HEARTBEAT, heartbeat, false) \
	X(ROTATE_KEY, rotate_key, false) X(CHALLENGE, challenge, true) X(IMPORT_KEYS, import_keys, true) \
	X(APPROVE, approve, true) X(SUSPEND, suspend, true) X(RESUME, resume, true) X(REVOKE, revoke, true) \
	X(RETIRE, retire, true) X(REPLACE, replace, true) X(OFFER_DEVICE, offer_device, true) \
	X(ACCEPT_DEVICE, accept_device, true) X(SET_MEMBERSHIP, set_membership, true) \
	X(SET_PROFILE, set_profile, true) X(RESOLVE_INCIDENT, resolve_incident, true) \
	X(CREATE_ZONE, create_zone, true) X(UPDATE_ZONE, update_zone, true) X(DELETE_ZONE, delete_zone, true) \
	X(PROPOSE, propose, true) X(VOTE, vote, true) X(WITHDRAW, withdraw, true)

#define X(ACTION, action, person) \
	static enum sb_tx_code call_##action(struct sb_run *run, const Sealbond__Body *body) \
	{ \
		return sb_rule_##action(run, body->action); \
	}
RULES(X)
#undef X

static const struct rule {
	Sealbond__Body__ActionCase action;
	bool by_person;
	enum sb_tx_code (*call)(struct sb_run *run, const Sealbond__Body *body);
} rules[] = {
#define X(ACTION, action, person) { SEALBOND__BODY__ACTION_##ACTION, person, call_##action },
	RULES(X)
#undef X
};

static const struct rule *find_rule(Sealbond__Body__ActionCase action)
{
	for (size_t i = 0; i < SB_ARRAY_SIZE(rules); i++)
		if (rules[i].action == action)
			return &rules[i];
	return NULL;
}

static void run_begin(struct sb_run *run, struct sb_records *records, const char *chain, int64_t height,
		      int64_t seconds, struct sb_tx_result *result)
{
	*run = (struct sb_run){ .records = records, .chain = chain, .height = height, .time = seconds,
				.result = result };
	memset(result, 0, sizeof(*result));
}

static void run_end(struct sb_run *run)
{
	sb_message_free(run->parameters);
}

/* Counts a transaction of this account in its block. */
static enum sb_tx_code count_one(struct sb_run *run, Sealbond__Account *account)
{
	if (account->height != (uint64_t)run->height) {
		account->height = (uint64_t)run->height;
		account->used = 0;
	}
	if (account->used >= SB_TX_PER_KEY_BLOCK)
		return sb_run_refuse(run, SB_TX_LIMIT, "%d transactions of one key in a block", SB_TX_PER_KEY_BLOCK);
	account->used++;
	account->next++;
	return SB_TX_OK;
}

static bool has_signed(struct sb_run *run, const Sealbond__PersonAuth *auth, const uint8_t message[32])
{
	static const uint8_t tag[] = "person";
	const struct sb_span parts[] = { { tag, sizeof(tag) }, { run->signer, 32 }, { message, 32 },
					 { auth->signature.data, 64 } };
	struct sb_verified *verified = run->records->verified;
	uint8_t id[32];

	sb_hash(SB_TPM_ALG_SHA256, parts, SB_ARRAY_SIZE(parts), id);
	if (sb_verified_has(verified, id))
		return true;
	if (!sb_person_has_signed(run->signer, message, auth->signature.data))
		return false;
	sb_verified_add(verified, id);
	return true;
}

/* To whom a device is offered, that key may accept it: with that word it has an account. */
static Sealbond__Account *first_word(struct sb_run *run, const Sealbond__Body *body)
{
	SB_AUTO_MESSAGE Sealbond__Device *device = NULL;
	Sealbond__Account *account;

	if (body->action_case != SEALBOND__BODY__ACTION_ACCEPT_DEVICE || body->accept_device->device.len != 32)
		return NULL;
	device = sb_device_load(run, body->accept_device->device.data);
	if (!device || !sb_run_is_by(run, device->offered))
		return NULL;
	account = sb_message_new(&sealbond__account__descriptor);
	account->next = 1;
	return account;
}

/* At the door, others of the key may still be before it: then only its signature can be looked at. */
static enum sb_tx_code by_person(struct sb_run *run, const Sealbond__SignedTx *tx, const Sealbond__Body *body,
				 const struct rule *rule, bool checking)
{
	const Sealbond__PersonAuth *auth = tx->person;
	SB_AUTO_MESSAGE Sealbond__Account *account = NULL;
	enum sb_tx_code code;
	uint8_t message[32];

	if (auth->key.len != 32 || auth->signature.len != 64)
		return sb_run_refuse(run, SB_TX_FIELD, "key and signature have 32 and 64 bytes");
	memcpy(run->signer, auth->key.data, 32);
	run->is_person = true;
	account = sb_run_load(run, &sealbond__account__descriptor, SB_RECORD_ACCOUNT, run->signer, 32);
	if (!account)
		account = first_word(run, body);
	if (!account && body->action_case == SEALBOND__BODY__ACTION_ACCEPT_DEVICE)
		return sb_run_refuse(run, SB_TX_NO_ACCOUNT, "nor is such a device offered to it");
	if (!account)
		return sb_run_refuse(run, SB_TX_NO_ACCOUNT, NULL);
	if (auth->sequence < account->next || auth->sequence - account->next >= (checking ? SB_SEQUENCE_AHEAD : 1))
		return sb_run_refuse(run, SB_TX_SEQUENCE, "%llu comes next", (unsigned long long)account->next);
	sb_person_message(run->chain, run->signer, auth->sequence, tx->body.data, tx->body.len, message);
	if (!has_signed(run, auth, message))
		return sb_run_refuse(run, SB_TX_SIGNATURE, NULL);
	if (auth->sequence != account->next)
		return SB_TX_OK;
	code = count_one(run, account);
	if (code == SB_TX_OK)
		code = sb_run_save(run, SB_RECORD_ACCOUNT, run->signer, 32, account);
	return code == SB_TX_OK ? rule->call(run, body) : code;
}

/* Two TPM states that speak for one device are no refusal: the freeze is what this transaction does. */
static enum sb_tx_code freeze(struct sb_run *run)
{
	enum sb_tx_code code = sb_freeze_clone(run);

	return code == SB_TX_OK ? sb_run_refuse(run, SB_TX_QUOTE_CLONE, NULL) : code;
}

static enum sb_tx_code by_device(struct sb_run *run, const Sealbond__SignedTx *tx, const Sealbond__Body *body,
				 const struct rule *rule)
{
	struct sb_attested attested;
	enum sb_tx_code code = sb_attest(run, tx->body, tx->device, body, &attested);

	if (code == SB_TX_OK)
		code = rule->call(run, body);
	else if (code == SB_TX_QUOTE_CLONE && !run->error)
		code = freeze(run);
	run->device_auth = NULL;
	run->quote = NULL;
	return code;
}

static enum sb_tx_code run_tx(struct sb_run *run, const uint8_t *data, size_t length, bool checking)
{
	SB_AUTO_MESSAGE Sealbond__SignedTx *tx = NULL;
	SB_AUTO_MESSAGE Sealbond__Body *body = NULL;
	const struct sb_span whole = { data, length };
	const struct rule *rule;
	enum sb_tx_code code;

	if (length > SB_TX_MAX)
		return sb_run_refuse(run, SB_TX_TOO_LONG, NULL);
	tx = sb_message_read(&sealbond__signed_tx__descriptor, data, length);
	body = tx ? sb_message_read(&sealbond__body__descriptor, tx->body.data, tx->body.len) : NULL;
	rule = body ? find_rule(body->action_case) : NULL;
	if (!rule)
		return sb_run_refuse(run, SB_TX_MALFORMED, NULL);
	sb_hash(SB_TPM_ALG_SHA256, &whole, 1, run->id);
	if (tx->auth_case != (rule->by_person ? SEALBOND__SIGNED_TX__AUTH_PERSON : SEALBOND__SIGNED_TX__AUTH_DEVICE))
		return sb_run_refuse(run, SB_TX_AUTH_KIND, NULL);
	code = sb_succession_gate(run, rule->action);
	if (code != SB_TX_OK)
		return code;
	return rule->by_person ? by_person(run, tx, body, rule, checking) : by_device(run, tx, body, rule);
}

/* Runs one transaction; *keep says whether what it has changed counts. */
static int run_whole(struct sb_run *run, const uint8_t *tx, size_t length, bool checking, bool *keep)
{
	enum sb_tx_code code = run_tx(run, tx, length, checking);

	if (run->error)
		code = sb_run_refuse(run, SB_TX_INTERNAL, NULL);
	*keep = code == SB_TX_OK || code == SB_TX_QUOTE_CLONE;
	run->result->code = code;
	if (!*keep)
		run->result->data_length = 0;
	return run->error;
}

struct sb_machine *sb_machine_new(struct sb_records *records, const char *chain)
{
	struct sb_machine *machine;

	if (!*chain || strlen(chain) > SB_CHAIN_NAME_MAX)
		return NULL;
	machine = calloc(1, sizeof(*machine));
	if (!machine)
		abort();
	strcpy(machine->chain, chain);
	machine->block = sb_journal_new(records);
	machine->tx = sb_journal_new(sb_journal_records(machine->block));
	return machine;
}

void sb_machine_free(struct sb_machine *machine)
{
	if (!machine)
		return;
	sb_journal_free(machine->tx);
	sb_journal_free(machine->block);
	free(machine);
}

int sb_machine_init(struct sb_machine *machine, const Sealbond__Genesis *genesis, int64_t seconds,
		    struct sb_tx_result *result)
{
	struct sb_run run;
	enum sb_tx_code code;

	run_begin(&run, sb_journal_records(machine->tx), machine->chain, 0, seconds, result);
	code = sb_genesis(&run, genesis);
	run_end(&run);
	result->code = run.error ? SB_TX_INTERNAL : code;
	if (!result->code) {
		run.error = sb_journal_flush(machine->tx);
		return run.error ? run.error : sb_journal_flush(machine->block);
	}
	sb_journal_drop(machine->tx);
	return run.error;
}

int sb_machine_begin(struct sb_machine *machine, int64_t height, int64_t seconds)
{
	struct sb_tx_result ignored;
	struct sb_run run;

	machine->height = height;
	machine->time = seconds;
	machine->signers.count = 0;
	machine->trial = false;
	run_begin(&run, sb_journal_records(machine->tx), machine->chain, height, seconds, &ignored);
	/* What is due has no one to refuse it to. */
	if (sb_begin_devices(&run) != SB_TX_OK || sb_begin_proposals(&run) != SB_TX_OK)
		run.error = run.error ? run.error : -EUCLEAN;
	run_end(&run);
	return run.error ? run.error : sb_journal_flush(machine->tx);
}

void sb_machine_signed(struct sb_machine *machine, const uint8_t (*addresses)[SB_ADDRESS_LEN], size_t count)
{
	struct sb_signers *signers = &machine->signers;

	signers->count = count < SB_SIGNERS_MOST ? count : SB_SIGNERS_MOST;
	if (signers->count)
		memcpy(signers->address, addresses, signers->count * SB_ADDRESS_LEN);
}

void sb_machine_try(struct sb_machine *machine)
{
	machine->trial = true;
}

int sb_machine_offence(struct sb_machine *machine, const uint8_t *address, bool fork, int64_t height)
{
	struct sb_tx_result ignored;
	struct sb_run run;

	run_begin(&run, sb_journal_records(machine->tx), machine->chain, machine->height, machine->time, &ignored);
	if (sb_offence(&run, address, fork, height) != SB_TX_OK)
		run.error = run.error ? run.error : -EUCLEAN;
	run_end(&run);
	return run.error ? run.error : sb_journal_flush(machine->tx);
}

int sb_machine_recover(struct sb_machine *machine, int64_t last)
{
	struct sb_tx_result ignored;
	struct sb_run run;

	run_begin(&run, sb_journal_records(machine->tx), machine->chain, machine->height, machine->time, &ignored);
	if (sb_begin_recovered(&run, last) != SB_TX_OK)
		run.error = run.error ? run.error : -EUCLEAN;
	run_end(&run);
	return run.error ? run.error : sb_journal_flush(machine->tx);
}

bool sb_machine_is_tx(const uint8_t *data, size_t length)
{
	SB_AUTO_MESSAGE Sealbond__SignedTx *tx = NULL;
	SB_AUTO_MESSAGE Sealbond__Body *body = NULL;

	if (length > SB_TX_MAX)
		return false;
	tx = sb_message_read(&sealbond__signed_tx__descriptor, data, length);
	body = tx ? sb_message_read(&sealbond__body__descriptor, tx->body.data, tx->body.len) : NULL;
	return body && find_rule(body->action_case);
}

int sb_machine_deliver(struct sb_machine *machine, const uint8_t *tx, size_t length, struct sb_tx_result *result)
{
	struct sb_run run;
	int error;
	bool keep;

	run_begin(&run, sb_journal_records(machine->tx), machine->chain, machine->height, machine->time, result);
	run.signers = machine->trial ? NULL : &machine->signers;
	error = run_whole(&run, tx, length, false, &keep);
	run_end(&run);
	if (error)
		return error;
	if (keep)
		return sb_journal_flush(machine->tx);
	sb_journal_drop(machine->tx);
	return 0;
}

int sb_machine_finish(struct sb_machine *machine)
{
	return sb_journal_flush(machine->block);
}

void sb_machine_abort(struct sb_machine *machine)
{
	sb_journal_drop(machine->tx);
	sb_journal_drop(machine->block);
}

int sb_machine_check(struct sb_records *records, const char *chain, int64_t height, int64_t seconds,
		     const uint8_t *tx, size_t length, struct sb_tx_result *result)
{
	struct sb_journal *journal = sb_journal_new(records);
	struct sb_run run;
	int error;
	bool keep;

	run_begin(&run, sb_journal_records(journal), chain, height, seconds, result);
	error = run_whole(&run, tx, length, true, &keep);
	run_end(&run);
	sb_journal_free(journal);
	/* The freeze is a change, too: into the block with it. */
	if (keep)
		result->code = SB_TX_OK;
	return error;
}
