// SPDX-License-Identifier: Apache-2.0
#include "state/run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "state/crypto.h"
#include "state/tpm_public.h"

/* Not in its path as text: CometBFT's proxy takes a proof's key that begins so for hex. */
static bool looks_like_hex(const uint8_t *key, size_t length)
{
	const struct sb_span whole = { key, length };
	uint8_t path[32];

	sb_hash(SB_TPM_ALG_SHA256, &whole, 1, path);
	return path[0] == 'x' && path[1] == ':';
}

size_t sb_record_key(enum sb_record_kind kind, const void *id, size_t id_length, uint8_t key[SB_RECORD_KEY_MAX])
{
	size_t length = 1 + id_length;

	if (length + 1 > SB_RECORD_KEY_MAX)
		abort();
	key[0] = (uint8_t)kind;
	if (id_length)
		memcpy(key + 1, id, id_length);
	if (!looks_like_hex(key, length))
		return length;
	key[length] = 0;
	while (looks_like_hex(key, length + 1))
		key[length]++;
	return length + 1;
}

/* The first error stays. */
static void fail(struct sb_run *run, int error)
{
	if (!run->error)
		run->error = error;
}

void *sb_run_load(struct sb_run *run, const ProtobufCMessageDescriptor *type, enum sb_record_kind kind,
		  const void *id, size_t id_length)
{
	uint8_t key[SB_RECORD_KEY_MAX];
	size_t key_length = sb_record_key(kind, id, id_length, key), length;
	const uint8_t *value;
	void *message;
	int result = run->records->get(run->records->context, key, key_length, &value, &length);

	if (result < 0) {
		if (result != -ENOENT)
			fail(run, result);
		return NULL;
	}
	message = sb_message_read(type, value, length);
	if (!message)
		fail(run, -EUCLEAN);
	return message;
}

bool sb_run_has(struct sb_run *run, enum sb_record_kind kind, const void *id, size_t id_length)
{
	uint8_t key[SB_RECORD_KEY_MAX];
	size_t key_length = sb_record_key(kind, id, id_length, key), length;
	const uint8_t *value;
	int result = run->records->get(run->records->context, key, key_length, &value, &length);

	if (result < 0 && result != -ENOENT)
		fail(run, result);
	return result == 0;
}

static enum sb_tx_code changed(struct sb_run *run, enum sb_record_kind kind, int result)
{
	if (kind == SB_RECORD_PARAMETERS) {
		sb_message_free(run->parameters);
		run->parameters = NULL;
	}
	if (!result || result == -ENOENT)
		return SB_TX_OK;
	fail(run, result);
	return SB_TX_INTERNAL;
}

enum sb_tx_code sb_run_save(struct sb_run *run, enum sb_record_kind kind, const void *id, size_t id_length,
			    const void *message)
{
	uint8_t key[SB_RECORD_KEY_MAX];
	size_t key_length = sb_record_key(kind, id, id_length, key), length;
	sb_cleanup_free uint8_t *value = sb_message_pack(message, &length);

	if (length > SB_RECORD_MAX)
		return sb_run_refuse(run, SB_TX_LIMIT, "a record would have %zu bytes", length);
	if (!length)
		return sb_run_remove(run, kind, id, id_length);
	return changed(run, kind, run->records->put(run->records->context, key, key_length, value, length));
}

enum sb_tx_code sb_run_remove(struct sb_run *run, enum sb_record_kind kind, const void *id, size_t id_length)
{
	uint8_t key[SB_RECORD_KEY_MAX];
	size_t key_length = sb_record_key(kind, id, id_length, key);

	return changed(run, kind, run->records->remove(run->records->context, key, key_length));
}

int sb_run_each(struct sb_run *run, enum sb_record_kind kind, const void *prefix, size_t prefix_length,
		int (*each)(void *context, const uint8_t *key, size_t key_length, const uint8_t *value,
			    size_t length), void *context)
{
	uint8_t key[SB_RECORD_KEY_MAX];
	int result;

	if (1 + prefix_length > sizeof(key))
		abort();
	key[0] = (uint8_t)kind;
	if (prefix_length)
		memcpy(key + 1, prefix, prefix_length);
	result = run->records->each(run->records->context, key, 1 + prefix_length, each, context);
	if (result < 0)
		fail(run, result);
	return result > 0 ? result : 0;
}

const Sealbond__Parameters *sb_run_parameters(struct sb_run *run)
{
	if (!run->parameters)
		run->parameters = sb_run_load(run, &sealbond__parameters__descriptor, SB_RECORD_PARAMETERS, NULL, 0);
	if (!run->parameters) {
		/* No ledger is without; what goes on with these gets SB_TX_INTERNAL. */
		fail(run, -EUCLEAN);
		run->parameters = sb_message_new(&sealbond__parameters__descriptor);
	}
	return run->parameters;
}

Sealbond__Counters *sb_run_counters(struct sb_run *run)
{
	Sealbond__Counters *counters = sb_run_load(run, &sealbond__counters__descriptor, SB_RECORD_COUNTERS, NULL, 0);

	return counters ? counters : sb_message_new(&sealbond__counters__descriptor);
}

enum sb_tx_code sb_run_account(struct sb_run *run, const uint8_t key[32])
{
	SB_AUTO_MESSAGE Sealbond__Account *account =
		sb_run_load(run, &sealbond__account__descriptor, SB_RECORD_ACCOUNT, key, 32);

	if (account && !account->for_zone)
		return SB_TX_OK;
	if (!account) {
		account = sb_message_new(&sealbond__account__descriptor);
		account->next = 1;
	}
	account->for_zone = false;
	return sb_run_save(run, SB_RECORD_ACCOUNT, key, 32, account);
}

/* Returns the id's length in the records: kind of due, time, and whose it is. */
static size_t due_id(enum sb_due what, int64_t time, const void *id, size_t id_length, uint8_t out[9 + SB_DUE_ID_MAX])
{
	if (id_length > SB_DUE_ID_MAX || time < 0)
		abort();
	out[0] = (uint8_t)what;
	for (int i = 0; i < 8; i++)
		out[1 + i] = (uint8_t)((uint64_t)time >> (56 - 8 * i));
	if (id_length)
		memcpy(out + 9, id, id_length);
	return 9 + id_length;
}

enum sb_tx_code sb_run_due(struct sb_run *run, enum sb_due what, int64_t time, const void *id, size_t id_length)
{
	Sealbond__Due due = SEALBOND__DUE__INIT;
	uint8_t whole[9 + SB_DUE_ID_MAX];

	due.kind = what;
	return sb_run_save(run, SB_RECORD_DUE, whole, due_id(what, time, id, id_length, whole), &due);
}

enum sb_tx_code sb_run_not_due(struct sb_run *run, enum sb_due what, int64_t time, const void *id, size_t id_length)
{
	uint8_t whole[9 + SB_DUE_ID_MAX];

	return sb_run_remove(run, SB_RECORD_DUE, whole, due_id(what, time, id, id_length, whole));
}

struct first_due {
	uint8_t key[SB_RECORD_KEY_MAX];
	size_t length;
};

static int take_first(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	struct first_due *first = context;

	(void)value;
	(void)length;
	memcpy(first->key, key, key_length);
	first->length = key_length;
	return 1;
}

/* The key may have a byte behind the id (sb_record_key); ids of one kind are all of one length, which is even. */
size_t sb_run_first_due(struct sb_run *run, enum sb_due what, int64_t *time, uint8_t id[SB_DUE_ID_MAX])
{
	const uint8_t prefix = (uint8_t)what;
	struct first_due first = { .length = 0 };
	size_t id_length;

	if (sb_run_each(run, SB_RECORD_DUE, &prefix, 1, take_first, &first) <= 0 || first.length < 10)
		return 0;
	*time = 0;
	for (int i = 0; i < 8; i++)
		*time = (int64_t)((uint64_t)*time << 8 | first.key[2 + i]);
	id_length = (first.length - 10) & ~(size_t)1;
	memcpy(id, first.key + 10, id_length);
	return id_length;
}

size_t sb_run_take_due(struct sb_run *run, enum sb_due what, uint8_t id[SB_DUE_ID_MAX])
{
	int64_t time;
	size_t length = sb_run_first_due(run, what, &time, id);

	if (!length || time > run->time)
		return 0;
	return sb_run_not_due(run, what, time, id, length) == SB_TX_OK ? length : 0;
}

void sb_run_answer(struct sb_run *run, const void *data, size_t length)
{
	if (length > SB_TX_DATA_MAX)
		abort();
	memcpy(run->result->data, data, length);
	run->result->data_length = (uint8_t)length;
}

enum sb_tx_code (sb_run_refuse)(struct sb_run *run, enum sb_tx_code code, const char *format, ...)
{
	char *log = run->result->log;
	int used = snprintf(log, SB_TX_LOG_MAX, "%s", sb_tx_sentence(code));
	va_list args;

	if (!format || used < 0 || used + 2 >= SB_TX_LOG_MAX)
		return code;
	memcpy(log + used, ": ", 3);
	va_start(args, format);
	vsnprintf(log + used + 2, (size_t)(SB_TX_LOG_MAX - used - 2), format, args);
	va_end(args);
	return code;
}
