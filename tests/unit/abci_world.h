/* SPDX-License-Identifier: Apache-2.0 */
/* A consensus engine that is none: it asks the ledger's application by ABCI, as CometBFT would. */
#ifndef ABCI_WORLD_H
#define ABCI_WORLD_H

#include "ledger_world.h"

#include <dirent.h>
#include <limits.h>
#include <unistd.h>

#include "abci/abci.h"
#include "abci/abci.pb-c.h"
#include "ledger/ledger_app.h"
#include "state/message_json.h"

#define VALIDATORS	3

struct engine {
	char home[64];
	struct sb_app app;
	struct sb_abci_options options;
	struct sb_abci *abci;
	struct sb_abci_caller consensus, mempool, query, snapshot;
	struct person member;
	uint8_t validator[VALIDATORS][32];
	const char *state;		/* of its genesis, where it is not made here */
	const char *chain;		/* NULL: CHAIN */
	int64_t height;
	uint8_t app_hash[32];
	Abci__BlockIdFlag signs[VALIDATORS];	/* how each has voted for the block before; 0: for it */
	struct sb_error error;
};

static inline void remove_all(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	char name[PATH_MAX];

	while (directory && (entry = readdir(directory))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (snprintf(name, sizeof(name), "%s/%s", path, entry->d_name) < (int)sizeof(name) && unlink(name) < 0)
			remove_all(name);
	}
	if (directory)
		closedir(directory);
	rmdir(path);
}

static inline void engine_start(struct engine *engine)
{
	if (sb_ledger_app_open(engine->home, &engine->app, &engine->error))
		fail_msg("%s", engine->error.text);
	if (sb_abci_new(engine->home, &engine->app, &engine->options, &engine->abci, &engine->error))
		fail_msg("%s", engine->error.text);
}

/* As it ends when it is killed: what was not committed is nowhere. */
static inline void engine_stop(struct engine *engine)
{
	sb_abci_leave(engine->abci, &engine->consensus);
	sb_abci_free(engine->abci);
	sb_ledger_app_close(&engine->app);
}

static inline struct engine *engine_new(int64_t snapshot_every)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	assert_non_null(engine);
	strcpy(engine->home, "/tmp/sb-abci-XXXXXX");
	assert_non_null(mkdtemp(engine->home));
	engine->options.snapshot_every = snapshot_every;
	engine->options.snapshots = 2;
	make_person(&engine->member, 1);
	for (int i = 0; i < VALIDATORS; i++)
		memset(engine->validator[i], 0x11 * (i + 1), 32);
	engine_start(engine);
	return engine;
}

static inline void engine_free(struct engine *engine)
{
	engine_stop(engine);
	remove_all(engine->home);
	free(engine);
}

/* The result of sb_abci_answer, and the response, to be freed. */
static inline int ask(struct engine *engine, struct sb_abci_caller *caller, const Abci__Request *request,
		      Abci__Response **response)
{
	size_t length = abci__request__get_packed_size(request), space, size;
	struct sb_abci_input in = { 0 };
	struct sb_abci_output out = { 0 };
	uint8_t *packed = malloc(length + 1);
	const uint8_t *message;
	int rc;

	abci__request__pack(request, packed);
	rc = sb_abci_answer(engine->abci, caller, packed, length, &out, &engine->error);
	for (size_t done = 0; done < out.length;) {
		uint8_t *at = sb_abci_space(&in, &space);
		size_t part = out.length - done < space ? out.length - done : space;

		memcpy(at, out.data + done, part);
		sb_abci_added(&in, part);
		done += part;
	}
	assert_int_equal(sb_abci_take(&in, &message, &size), 1);
	*response = abci__response__unpack(NULL, size, message);
	assert_non_null(*response);
	assert_int_equal((*response)->value_case == ABCI__RESPONSE__VALUE_EXCEPTION, rc != 0);
	sb_abci_input_free(&in);
	sb_abci_output_free(&out);
	free(packed);
	return rc;
}

/* ASK(engine, caller, INFO, info, RequestInfo, request_info, .field = ...): the response, which is good. */
#define ASK(engine, caller, KIND, field, Type, type, ...) ({ \
	Abci__Request _request = ABCI__REQUEST__INIT; \
	Abci__##Type _message; \
	Abci__Response *_response; \
	abci__##type##__init(&_message); \
	__VA_ARGS__; \
	_request.value_case = ABCI__REQUEST__VALUE_##KIND; \
	_request.field = &_message; \
	if (ask(engine, caller, &_request, &_response)) \
		fail_msg("%s", (engine)->error.text); \
	assert_int_equal(_response->value_case, ABCI__RESPONSE__VALUE_##KIND); \
	_response; })

#define DONE(response)	abci__response__free_unpacked(response, NULL)
#define BYTES(at, size)	((ProtobufCBinaryData){ (size), (uint8_t *)(at) })

static inline int64_t engine_height(struct engine *engine)
{
	Abci__Response *response = ASK(engine, &engine->query, INFO, info, RequestInfo, request_info);
	int64_t height = response->info->last_block_height;

	assert_int_equal(response->info->app_version, 1);
	if (height) {
		assert_int_equal(response->info->last_block_app_hash.len, 32);
		memcpy(engine->app_hash, response->info->last_block_app_hash.data, 32);
	}
	DONE(response);
	return height;
}

static inline char *engine_genesis(struct engine *engine, unsigned int validators, size_t *length)
{
	Sealbond__Genesis genesis = SEALBOND__GENESIS__INIT;
	Sealbond__Parameters parameters;
	Sealbond__Member member = SEALBOND__MEMBER__INIT, *members[] = { &member };
	Sealbond__Validator validator[VALIDATORS], *list[VALIDATORS];
	struct sb_json json = { 0 };
	char *text = NULL;

	sane_parameters(&parameters);
	member.key = BYTES(engine->member.key, 32);
	member.weight = 1;
	for (unsigned int i = 0; i < validators; i++) {
		sealbond__validator__init(&validator[i]);
		validator[i].key = BYTES(engine->validator[i], 32);
		validator[i].power = 10;
		validator[i].name = (char *)"one";
		list[i] = &validator[i];
	}
	genesis.parameters = &parameters;
	genesis.n_members = 1;
	genesis.members = members;
	genesis.threshold = 1;
	genesis.n_validators = validators;
	genesis.validators = list;
	json.stream = open_memstream(&text, length);
	sb_message_to_json(&json, NULL, &genesis);
	fclose(json.stream);
	return text;
}

/* validators: in the state; told: in CometBFT's own list, each of power @power. */
static inline int try_init(struct engine *engine, unsigned int validators, unsigned int told, int64_t power,
			   Abci__Response **response)
{
	Abci__Request request = ABCI__REQUEST__INIT;
	Abci__RequestInitChain init = ABCI__REQUEST_INIT_CHAIN__INIT;
	Abci__Time time = ABCI__TIME__INIT;
	Abci__ValidatorUpdate update[VALIDATORS], *list[VALIDATORS];
	Abci__PublicKey key[VALIDATORS];
	size_t length;
	char *text = engine->state ? strdup(engine->state) : engine_genesis(engine, validators, &length);
	int rc;

	length = strlen(text);

	for (unsigned int i = 0; i < told; i++) {
		abci__validator_update__init(&update[i]);
		abci__public_key__init(&key[i]);
		key[i].ed25519 = BYTES(engine->validator[VALIDATORS - 1 - i], 32);
		update[i].pub_key = &key[i];
		update[i].power = power;
		list[i] = &update[i];
	}
	time.seconds = START;
	init.time = &time;
	init.chain_id = (char *)(engine->chain ? engine->chain : CHAIN);
	init.app_state_bytes = BYTES(text, length);
	init.initial_height = 1;
	init.n_validators = told;
	init.validators = list;
	request.value_case = ABCI__REQUEST__VALUE_INIT_CHAIN;
	request.init_chain = &init;
	rc = ask(engine, &engine->consensus, &request, response);
	free(text);
	return rc;
}

static inline void engine_init(struct engine *engine)
{
	Abci__Response *response;

	if (try_init(engine, VALIDATORS, VALIDATORS, 10, &response))
		fail_msg("%s", engine->error.text);
	assert_int_equal(response->init_chain->n_validators, VALIDATORS);
	assert_int_equal(response->init_chain->app_hash.len, 32);
	DONE(response);
}

/* What a block says of the one before: nothing in a chain's first. */
struct last_commit {
	Abci__CommitInfo info;
	Abci__VoteInfo vote[VALIDATORS], *list[VALIDATORS];
	Abci__Validator validator[VALIDATORS];
	uint8_t address[VALIDATORS][SB_ADDRESS_LEN];
};

static inline void fill_commit(const struct engine *engine, struct last_commit *commit)
{
	abci__commit_info__init(&commit->info);
	for (int i = 0; i < VALIDATORS; i++) {
		abci__vote_info__init(&commit->vote[i]);
		abci__validator__init(&commit->validator[i]);
		sb_signer_address(engine->validator[i], commit->address[i]);
		commit->validator[i].address = BYTES(commit->address[i], SB_ADDRESS_LEN);
		commit->validator[i].power = 10;
		commit->vote[i].validator = &commit->validator[i];
		commit->vote[i].block_id_flag = engine->signs[i] ? engine->signs[i] : ABCI__BLOCK_ID_FLAG__FLAG_COMMIT;
		commit->list[i] = &commit->vote[i];
	}
	commit->info.votes = commit->list;
	commit->info.n_votes = engine->height ? VALIDATORS : 0;
}

/* A block with these; the response of FinalizeBlock, to be freed. */
static inline Abci__Response *finalize(struct engine *engine, size_t count, ProtobufCBinaryData *txs, size_t evil,
				       Abci__Misbehavior **misbehavior)
{
	int64_t height = engine->height + 1;
	Abci__Time time = ABCI__TIME__INIT;
	uint8_t hash[32];
	Abci__Response *response;
	struct last_commit last;

	fill_commit(engine, &last);
	block_hash_of(height, hash);
	time.seconds = START + BLOCK_S * height;
	response = ASK(engine, &engine->consensus, FINALIZE_BLOCK, finalize_block, RequestFinalizeBlock,
		       request_finalize_block, ({
		_message.decided_last_commit = &last.info;
		_message.n_txs = count;
		_message.txs = txs;
		_message.n_misbehavior = evil;
		_message.misbehavior = misbehavior;
		_message.hash = BYTES(hash, 32);
		_message.height = height;
		_message.time = &time;
	}));
	assert_int_equal(response->finalize_block->n_tx_results, count);
	assert_int_equal(response->finalize_block->app_hash.len, 32);
	memcpy(engine->app_hash, response->finalize_block->app_hash.data, 32);
	engine->height = height;
	return response;
}

static inline int64_t commit(struct engine *engine)
{
	Abci__Response *response = ASK(engine, &engine->consensus, COMMIT, commit, RequestCommit, request_commit);
	int64_t retain = response->commit->retain_height;

	DONE(response);
	return retain;
}

/* Blocks without transactions. */
static inline void empty_blocks(struct engine *engine, int64_t until)
{
	while (engine->height < until) {
		DONE(finalize(engine, 0, NULL, 0, NULL));
		commit(engine);
	}
}

/* The member decides alone. */
static inline ProtobufCBinaryData decide(struct engine *engine, Sealbond__Change *change)
{
	Sealbond__Body body = SEALBOND__BODY__INIT;
	Sealbond__Propose propose = SEALBOND__PROPOSE__INIT;
	Sealbond__Change *changes[] = { change };
	ProtobufCBinaryData tx;

	body.action_case = SEALBOND__BODY__ACTION_PROPOSE;
	body.propose = &propose;
	propose.n_changes = 1;
	propose.changes = changes;
	propose.title = (char *)"so be it";
	tx.data = sign_body(&engine->member, &body, &tx.len);
	return tx;
}

static inline ProtobufCBinaryData decide_validator(struct engine *engine, const uint8_t key[32], uint64_t power)
{
	Sealbond__Change change = SEALBOND__CHANGE__INIT;
	Sealbond__Validator validator = SEALBOND__VALIDATOR__INIT;

	validator.key = BYTES(key, 32);
	validator.power = power;
	change.change_case = SEALBOND__CHANGE__CHANGE_VALIDATOR;
	change.validator = &validator;
	return decide(engine, &change);
}

static inline int engine_set_up(void **state)
{
	*state = engine_new(0);
	return 0;
}

static inline int engine_tear_down(void **state)
{
	engine_free(*state);
	return 0;
}

#endif
