// SPDX-License-Identifier: Apache-2.0
#include "ledger/app_prove.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "light/query.h"
#include "light/wire.h"

int sb_app_copy(const void *data, size_t length, uint8_t **out, size_t *out_length)
{
	*out = malloc(length + 1);
	if (!*out)
		return -ENOMEM;
	if (length)
		memcpy(*out, data, length);
	*out_length = length;
	return 0;
}

static int add_op(struct sb_app_answer *answer, const char *type, const void *key, size_t key_length, const void *data,
		  size_t length)
{
	unsigned int i = answer->ops++;

	strcpy(answer->op[i].type, type);
	return sb_app_copy(key, key_length, &answer->op[i].key, &answer->op[i].key_length) ||
	       sb_app_copy(data, length, &answer->op[i].data, &answer->op[i].data_length) ? -ENOMEM : 0;
}

/* The store among one: {1: name, 2: {1: total, 3: leaf hash}}, whose leaf hash is the app hash. */
static int prove_store(struct sb_view *view, struct sb_app_answer *answer)
{
	uint8_t root[SB_TREE_HASH_LEN], leaf[SB_APP_HASH_LEN], proof_data[64], data[128];
	struct sb_wire proof = { proof_data, 0, sizeof(proof_data) }, wire = { data, 0, sizeof(data) };

	sb_view_root(view, root);
	sb_query_app_hash(root, leaf);
	sb_wire_uint(&proof, 1, 1);
	sb_wire_bytes(&proof, 3, leaf, sizeof(leaf));
	sb_wire_bytes(&wire, 1, SB_QUERY_STORE, strlen(SB_QUERY_STORE));
	sb_wire_message(&wire, 2, &proof);
	return add_op(answer, SB_OP_SIMPLE, SB_QUERY_STORE, strlen(SB_QUERY_STORE), data, wire.length);
}

/* Absence, and what lies too deep for simple:v: an ICS-23 proof. */
static int prove_ics23(struct sb_view *view, const uint8_t *key, size_t length, struct sb_app_answer *answer)
{
	uint8_t *data = malloc(SB_PROOF_MAX);
	size_t data_length;
	bool present;
	int rc = data ? sb_tree_prove(sb_view_pages(view), key, length, data, SB_PROOF_MAX, &data_length, &present) :
			-ENOMEM;

	if (!rc)
		rc = add_op(answer, SB_OP_ICS23, key, length, data, data_length);
	free(data);
	return rc;
}

static int prove_key(struct sb_view *view, const uint8_t *key, size_t length, struct sb_app_answer *answer)
{
	uint8_t path[SB_TREE_HASH_LEN], data[SB_SIMPLE_MAX];
	size_t data_length;
	int rc = -ERANGE;

	if (answer->value_length)
		rc = sb_tree_prove_simple(sb_view_pages(view), key, length, data, &data_length);
	if (rc == -ERANGE)
		return prove_ics23(view, key, length, answer);
	if (rc)
		return rc;
	sb_tree_digest(key, length, path);
	return add_op(answer, SB_OP_SIMPLE, path, sizeof(path), data, data_length);
}

int sb_app_prove(struct sb_view *view, const uint8_t *key, size_t length, struct sb_app_answer *answer)
{
	int rc = prove_key(view, key, length, answer);

	return rc ? rc : prove_store(view, answer);
}
