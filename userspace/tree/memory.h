/* SPDX-License-Identifier: Apache-2.0 */
/* Records and their tree in memory: a table of pages and a table of values. */
#ifndef SB_TREE_MEMORY_H
#define SB_TREE_MEMORY_H

#include "tree/tree.h"

struct sb_memory;

/* NULL: no memory. */
struct sb_memory *sb_memory_new(void);
void sb_memory_free(struct sb_memory *memory);

/* A change of the next sb_memory_root. Errors as of sb_batch_put. */
int sb_memory_put(struct sb_memory *memory, const void *key, size_t key_length, const void *value,
		  size_t value_length);
int sb_memory_remove(struct sb_memory *memory, const void *key, size_t key_length);

/* Makes the changes: 0 or -errno, after which only sb_memory_free is allowed. */
int sb_memory_root(struct sb_memory *memory, uint8_t root[SB_TREE_HASH_LEN]);

/* For finding and proving; the values are those of the last sb_memory_put. */
const struct sb_pages *sb_memory_pages(const struct sb_memory *memory);

#endif
