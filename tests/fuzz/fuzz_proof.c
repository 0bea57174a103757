// SPDX-License-Identifier: Apache-2.0
/*
 * Proofs from strangers. The first byte chooses: bytes as they come (0), or edits, each a place (two bytes)
 * and a byte, of a good proof of existence (1) or of absence (2). What the decoder takes has one form, and no
 * edited proof proves anything. A page of the store is read as well (3).
 */
#include <stdlib.h>
#include <string.h>

#include "tree/memory.h"
#include "tree/prove.h"

#define RECORDS 40

static uint8_t good[2][SB_PROOF_MAX], root[SB_TREE_HASH_LEN];
static size_t good_length[2];
static const char key[2][8] = { "record7", "nothing" };

static void set_up(void)
{
	struct sb_memory *memory = sb_memory_new();
	char name[8] = "record0";
	bool present;

	for (int i = 0; i < RECORDS; i++) {
		name[6] = (char)('0' + i);
		if (sb_memory_put(memory, name, 7, "a value", 7))
			abort();
	}
	if (sb_memory_root(memory, root))
		abort();
	for (int i = 0; i < 2; i++)
		if (sb_tree_prove(sb_memory_pages(memory), key[i], 7, good[i], sizeof(good[i]), &good_length[i],
				  &present) || present == i)
			abort();
	sb_memory_free(memory);
}

static bool proves(int which, const uint8_t *data, size_t size)
{
	if (which)
		return !sb_proof_verify_absence(SB_LEAF_VAR_PROTO, root, key[1], 7, data, size);
	return !sb_proof_verify_existence(SB_LEAF_VAR_PROTO, root, key[0], 7, "a value", 7, data, size);
}

/* From memory of just that length, so that the sanitizer sees a byte too far. */
static void check(const uint8_t *data, size_t size)
{
	static uint8_t again[SB_PROOF_MAX], simple[SB_SIMPLE_MAX];
	static struct sb_proof proof;
	uint8_t *copy = malloc(size ? size : 1);
	size_t length;

	memcpy(copy, data, size);
	if (!sb_proof_decode(copy, size, &proof)) {
		if (sb_proof_encode(&proof, again, sizeof(again), &length) || length != size ||
		    memcmp(again, copy, size))
			abort();
		if (proof.kind == SB_PROOF_EXISTENCE)
			sb_proof_simple(&proof.exist, simple, &length);
	}
	for (int which = 0; which < 2; which++)
		if (proves(which, copy, size) &&
		    (size != good_length[which] || memcmp(copy, good[which], size)))
			abort();
	free(copy);
}

static void check_page(const uint8_t *data, size_t size)
{
	static uint8_t again[SB_PAGE_MAX];
	struct sb_page page;
	uint8_t *copy = malloc(size ? size : 1);

	memcpy(copy, data, size);
	if (!sb_page_decode(copy, size, &page)) {
		if (sb_page_encode(&page, again) != size || memcmp(again, copy, size))
			abort();
		sb_page_rehash(&page, 0xffff);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t edited[SB_PROOF_MAX];
	int which;

	if (!good_length[0])
		set_up();
	if (!size)
		return 0;
	switch (data[0] & 3) {
	case 0:
		check(data + 1, size - 1);
		break;
	case 3:
		check_page(data + 1, size - 1);
		break;
	default:
		which = (data[0] & 3) - 1;
		memcpy(edited, good[which], good_length[which]);
		for (data++, size--; size >= 3; data += 3, size -= 3)
			edited[(data[0] << 8 | data[1]) % good_length[which]] = data[2];
		check(edited, good_length[which]);
	}
	return 0;
}
