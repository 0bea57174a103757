/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the proofs of a tree (proof.h says what they are). */
#ifndef SB_TREE_PROVE_H
#define SB_TREE_PROVE_H

#include "tree/proof.h"
#include "tree/tree.h"

/*
 * That the key has its value, or that it has none; *present says which. 0, with *length; -EINVAL for what
 * cannot be a key; -ENOSPC when room is too small (SB_PROOF_MAX always is enough), or the keeper's error.
 * An absence proof holds the neighbours' records.
 */
int sb_tree_prove(const struct sb_pages *pages, const void *key, size_t key_length,
		  uint8_t *out, size_t room, size_t *length, bool *present);

/* An existence proof as data of simple:v (sb_proof_simple); -ENOENT where there is no such key. */
int sb_tree_prove_simple(const struct sb_pages *pages, const void *key, size_t key_length,
			 uint8_t out[SB_SIMPLE_MAX], size_t *length);

#endif
