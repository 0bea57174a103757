// SPDX-License-Identifier: Apache-2.0
/*
 * Arbitrary bytes as what comes on an ABCI socket, cut where the first byte says. Every message gets one response,
 * framed; behind the methods is an application that takes everything and has no state.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abci/abci.h"
#include "abci/abci.pb-c.h"
#include "ledger/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t height, begun;

static int info(void *context, int64_t *at, uint8_t app_hash[SB_APP_HASH_LEN])
{
	*at = height;
	memset(app_hash, 7, SB_APP_HASH_LEN);
	return 0;
}

static int init(void *context, const char *chain, int64_t seconds, const char *app_state, size_t length,
		uint8_t app_hash[SB_APP_HASH_LEN], struct sb_error *error)
{
	memset(app_hash, 7, SB_APP_HASH_LEN);
	return 0;
}

static int one_tx(void *context, const uint8_t *tx, size_t length, struct sb_tx_result *result)
{
	memset(result, 0, sizeof(*result));
	result->code = length ? tx[0] : SB_TX_MALFORMED;
	return 0;
}

static int begin(void *context, const struct sb_app_block *block)
{
	begun = block->height;
	return 0;
}

static int finish(void *context, uint8_t app_hash[SB_APP_HASH_LEN])
{
	memset(app_hash, 8, SB_APP_HASH_LEN);
	return 0;
}

static int commit(void *context)
{
	height = begun;
	return 0;
}

static int query(void *context, const char *path, const uint8_t *data, size_t length, int64_t at, bool prove,
		 struct sb_app_answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	answer->height = height;
	return 0;
}

static bool form(const uint8_t *tx, size_t length)
{
	return length && tx[0];
}

static int trial(void *context, int64_t at, int64_t seconds, const struct sb_tx *txs, size_t count, bool *good)
{
	for (size_t i = 0; i < count; i++)
		good[i] = txs[i].data[0] & 1;
	return 0;
}

static int offence(void *context, const struct sb_app_offence *one)
{
	return 0;
}

static int validators(void *context, struct sb_app_validator list[SB_APP_VALIDATORS_MOST], size_t *count)
{
	memset(list, 1, sizeof(list[0]));
	*count = 1;
	return 0;
}

static void forget(void *context)
{
	begun = 0;
}

static int no_copy(void *context, struct sb_app_copy **copy)
{
	return -ENOSYS;
}

static int restore(void *context, const struct sb_app_chunks *chunks, int64_t at,
		   const uint8_t app_hash[SB_APP_HASH_LEN], struct sb_error *error)
{
	const uint8_t *data;
	size_t length;

	for (uint32_t i = 0; i < chunks->count; i++)
		if (chunks->get(chunks->context, i, &data, &length))
			abort();
	return -EBADMSG;
}

static const struct sb_app_copying copying = { .open = no_copy, .every = 100, .restore = restore };
static const struct sb_app app = {
	.info = info, .init = init, .check = one_tx, .begin = begin, .deliver = one_tx, .finish = finish,
	.commit = commit, .query = query, .form = form, .trial = trial, .offence = offence, .validators = validators, .abort = forget,
	.copying = &copying,
};
static const struct sb_abci_options options = { .retain = 5, .snapshots = 2 };

static struct sb_abci *open_abci(void)
{
	static char home[] = "/tmp/sb-fuzz-abci-XXXXXX";
	struct sb_abci *abci;
	struct sb_error error;

	if (!mkdtemp(home) || sb_abci_new(home, &app, &options, &abci, &error))
		abort();
	return abci;
}

/* Exactly one response a request, whole. */
static void check_output(struct sb_abci_output *out)
{
	struct sb_abci_input in = { .data = out->data, .end = out->length, .room = out->room };
	Abci__Response *response;
	const uint8_t *message;
	size_t length;

	if (sb_abci_take(&in, &message, &length) != 1 || in.begin != in.end)
		abort();
	response = abci__response__unpack(NULL, length, message);
	if (!response)
		abort();
	abci__response__free_unpacked(response, NULL);
	out->length = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sb_abci *abci;
	struct sb_abci_caller caller = { 0 };
	struct sb_abci_output out = { 0 };
	struct sb_abci_input in = { 0 };
	size_t step = size ? data[0] + 1u : 1, length, space;
	struct sb_error error = { "" };
	const uint8_t *message;
	int rc = 0;

	if (!abci)
		abci = open_abci();
	height = 0;
	for (size_t at = 1; at < size && rc >= 0; at += step) {
		size_t part = size - at < step ? size - at : step;

		memcpy(sb_abci_space(&in, &space), data + at, part);
		sb_abci_added(&in, part);
		while ((rc = sb_abci_take(&in, &message, &length)) > 0) {
			rc = sb_abci_answer(abci, &caller, message, length, &out, &error);
			check_output(&out);
			if (rc)
				break;
		}
	}
	sb_abci_leave(abci, &caller);
	sb_abci_input_free(&in);
	sb_abci_output_free(&out);
	return 0;
}
