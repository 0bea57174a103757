/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ledger goes on as another chain: what the old chain's members have decided, and what a client keeps of it. Pure.
 *
 * The file, integers big endian:
 *   "SBSUCC" 1 (one byte)
 *   number of this succession (1)
 *   length (1) and name of: the chain that is configured, the one before this, this one
 *   height (8) and header hash (32) of this one's first block
 *   members as of height (8), members (light/checkpoint.h)
 *   number of endpoints (1), each: length (1), URL
 *   SHA-256 of everything before
 */
#ifndef SB_LIGHT_SUCCESSION_H
#define SB_LIGHT_SUCCESSION_H

#include "light/checkpoint.h"

#define SB_SUCCESSION_URLS_MAX	8
#define SB_SUCCESSION_URL_ROOM	201
#define SB_SUCCESSION_FILE_MAX	16384

/* From a record that the old chain has proven. */
struct sb_succession {
	char chain[SB_CHAIN_NAME_MAX + 1];
	int64_t height;				/* of its first block */
	uint8_t hash[SB_CHAIN_HASH_LEN];	/* of that block's header */
	size_t endpoints;
	char url[SB_SUCCESSION_URLS_MAX][SB_SUCCESSION_URL_ROOM];
};

struct sb_succession_kept {
	unsigned int number;			/* 1: the first since the device was set up */
	char first[SB_CHAIN_NAME_MAX + 1];	/* that is configured */
	char before[SB_CHAIN_NAME_MAX + 1];	/* that has named this one */
	struct sb_succession now;
	int64_t members_height;
	struct sb_members members;		/* count 0: nobody is known */
};

/* sb_succession_valid() - names, height and URLs that can be. */
bool sb_succession_valid(const struct sb_succession *succession);

void sb_succession_write(const struct sb_succession_kept *kept, struct sb_bytes *out);

/* sb_succession_read() - 0 and *kept; -EBADMSG for what is not in the one form above, and valid. */
int sb_succession_read(const uint8_t *data, size_t length, struct sb_succession_kept *kept);

#endif
