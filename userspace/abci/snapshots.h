/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of the state for nodes that join: below the home, snapshots/HEIGHT/ has the chunks by their numbers and
 * `metadata`, the chunks' SHA-256 one after the other. Every node makes the same of a height.
 */
#ifndef SB_ABCI_SNAPSHOTS_H
#define SB_ABCI_SNAPSHOTS_H

#include "ledger/app.h"

#define SB_SNAPSHOT_FORMAT	1
#define SB_SNAPSHOT_CHUNK	(1U << 20)	/* bytes of a chunk at most */
#define SB_SNAPSHOT_CHUNKS	65536		/* in one snapshot at most */
#define SB_SNAPSHOTS_MOST	10		/* that are told of */

struct sb_snapshot {
	int64_t height;
	uint32_t chunks;
	uint8_t hash[32];		/* of the metadata */
	uint8_t *metadata;		/* 32 bytes for each chunk */
};

struct sb_snapshots;

/* app has to stay. keep: the newest so many stay. 0, or -errno with a sentence. */
int sb_snapshots_open(const char *home, const struct sb_app *app, unsigned int keep, struct sb_snapshots **snapshots,
		      struct sb_error *error);

/* Ends the making of one, which leaves nothing. NULL is allowed. */
void sb_snapshots_close(struct sb_snapshots *snapshots);

/* Begins one of the state that is committed now; while another is being made it is left out. */
void sb_snapshots_make(struct sb_snapshots *snapshots, int64_t height);

/* Waits until none is being made. */
void sb_snapshots_wait(struct sb_snapshots *snapshots);

/* Newest first; to be freed with their metadata. Returns how many. */
size_t sb_snapshots_list(struct sb_snapshots *snapshots, struct sb_snapshot list[SB_SNAPSHOTS_MOST]);

/* 0 where there are none. */
int64_t sb_snapshots_oldest(struct sb_snapshots *snapshots);

/* A chunk as it was made, to be freed; -ENOENT. */
int sb_snapshots_load(struct sb_snapshots *snapshots, int64_t height, uint32_t chunk, uint8_t **data, size_t *length);

#endif
