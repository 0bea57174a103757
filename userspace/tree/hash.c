// SPDX-License-Identifier: Apache-2.0
/*
 * EVP costs more than the hash at these sizes, and OpenSSL 3's SHA256() goes through it. The old interface
 * still reaches the processor's SHA instructions; leaf and inner node are two blocks of a known shape, so
 * their padding is written here and only the compression function is called.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "tree/hash.h"

#include <endian.h>
#include <openssl/sha.h>
#include <string.h>

#define BLOCK	SHA256_CBLOCK

/* blocks is two blocks with length bytes of message in them, the rest zero. */
static void two_blocks(uint8_t blocks[2 * BLOCK], size_t length, uint8_t out[SB_TREE_HASH_LEN])
{
	uint64_t bits = htobe64(length * 8);
	SHA256_CTX context;

	blocks[length] = 0x80;
	memcpy(blocks + 2 * BLOCK - sizeof(bits), &bits, sizeof(bits));
	SHA256_Init(&context);
	SHA256_Transform(&context, blocks);
	SHA256_Transform(&context, blocks + BLOCK);
	for (int i = 0; i < 8; i++) {
		uint32_t word = htobe32((uint32_t)context.h[i]);

		memcpy(out + 4 * i, &word, sizeof(word));
	}
}

void sb_tree_digest(const void *data, size_t length, uint8_t digest[SB_TREE_HASH_LEN])
{
	SHA256_CTX context;

	SHA256_Init(&context);
	SHA256_Update(&context, data, length);
	SHA256_Final(digest, &context);
}

void sb_tree_leaf(enum sb_leaf_format format, const uint8_t path[SB_TREE_HASH_LEN],
		  const uint8_t value_digest[SB_TREE_HASH_LEN], uint8_t leaf[SB_TREE_HASH_LEN])
{
	uint8_t blocks[2 * BLOCK] = { 0x00 };
	size_t length = 1;

	if (format == SB_LEAF_VAR_PROTO)
		blocks[length++] = SB_TREE_HASH_LEN;
	memcpy(blocks + length, path, SB_TREE_HASH_LEN);
	length += SB_TREE_HASH_LEN;
	if (format == SB_LEAF_VAR_PROTO)
		blocks[length++] = SB_TREE_HASH_LEN;
	memcpy(blocks + length, value_digest, SB_TREE_HASH_LEN);
	two_blocks(blocks, length + SB_TREE_HASH_LEN, leaf);
}

void sb_tree_inner(const uint8_t left[SB_TREE_HASH_LEN], const uint8_t right[SB_TREE_HASH_LEN],
		   uint8_t out[SB_TREE_HASH_LEN])
{
	uint8_t blocks[2 * BLOCK] = { 0x01 };

	memcpy(blocks + 1, left, SB_TREE_HASH_LEN);
	memcpy(blocks + 1 + SB_TREE_HASH_LEN, right, SB_TREE_HASH_LEN);
	two_blocks(blocks, 1 + 2 * SB_TREE_HASH_LEN, out);
}
