// SPDX-License-Identifier: Apache-2.0
/*
 * Arbitrary bytes as an endpoint's answer to each method; the first byte says to which, ff: as a proof
 * operation. What is read is bounded, and a record is believed under an app hash only that its proof leads to.
 */
#include <stdlib.h>
#include <string.h>

#include "light/answer.h"
#include "light/json.h"
#include "tree/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_query(json_object *result, struct sb_error *error)
{
	struct sb_query_answer answer;
	struct sb_app_hash app = { .length = 32 };
	bool present;

	if (sb_answer_query(result, &answer, error) != SB_FAULT_NONE)
		return;
	if (answer.ops > SB_QUERY_OPS || answer.value_length > SB_TREE_VALUE_MAX)
		abort();
	/* no proof of a random input leads to zeros */
	if (sb_query_verify(&app, "d/one", 5, &answer, &present, error) == 0)
		abort();
	sb_query_answer_free(&answer);
}

static void read_tx(json_object *result, struct sb_error *error)
{
	struct sb_answer_tx tx;
	uint8_t root[32];

	if (sb_answer_tx(result, &tx, error) != SB_FAULT_NONE)
		return;
	(void)sb_merkle_climb(&tx.proof, root);
	sb_answer_tx_free(&tx);
}

static void read_validators(json_object *result, struct sb_error *error)
{
	struct sb_validator_set set = { .count = 0 };
	struct sb_answer_page page;

	if (sb_answer_validators(result, &page, error) == SB_FAULT_NONE &&
	    sb_json_validators(page.validators, &set, error) == 0 && (!set.count || set.power <= 0))
		abort();
	free(set.validators);
}

static void read_as(uint8_t method, json_object *result, struct sb_error *error)
{
	struct sb_light_block block = { .header.height = 0 };
	struct sb_answer_committed committed;
	struct sb_answer_results results;
	struct sb_answer_status status;
	struct sb_answer_code code;

	switch (method % 8) {
	case 0:
		(void)sb_answer_commit(result, &block, error);
		sb_light_block_free(&block);
		break;
	case 1:
		read_validators(result, error);
		break;
	case 2:
		(void)sb_answer_status(result, &status, error);
		break;
	case 3:
		(void)sb_answer_checked(result, &code, error);
		break;
	case 4:
		(void)sb_answer_committed(result, &committed, error);
		break;
	case 5:
		read_tx(result, error);
		break;
	case 6:
		if (sb_answer_results(result, 0, &results, error) == SB_FAULT_NONE && !results.count)
			abort();
		break;
	default:
		read_query(result, error);
	}
}

static void read_operation(const uint8_t *data, size_t size)
{
	struct sb_value_op op;
	uint8_t root[32];

	if (!sb_value_op_read(data, size, &op))
		return;
	if (op.proof.aunts > SB_MERKLE_AUNTS || !op.key_length || op.key < data || op.key + op.key_length > data + size)
		abort();
	(void)sb_merkle_climb(&op.proof, root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sb_error error = { "" };
	json_object *result = NULL;

	if (!size)
		return 0;
	if (data[0] == 0xff) {
		read_operation(data + 1, size - 1);
		return 0;
	}
	if (sb_answer_result(data + 1, size - 1, 0, &result, &error) == SB_FAULT_NONE)
		read_as(data[0], result, &error);
	json_object_put(result);
	return 0;
}
