/* SPDX-License-Identifier: Apache-2.0 */
/* The file of static peers: docs/config.md. */
#ifndef SB_PEERS_H
#define SB_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/sealbond.h>

#include "common/error.h"
#include "common/ini.h"
#include "common/parse.h"

#define SB_PEERS_FILE_MAX	(16U << 20)	/* bytes */
#define SB_PEERS_MAX		65536
#define SB_LEASE_DEFAULT_MS	86400000ULL

struct sb_peer_entry {
	char name[SB_INI_NAME_MAX];
	uint8_t device_id[SEALBOND_ID_LEN];
	uint8_t key[SEALBOND_KEY_LEN];
	struct sb_prefix overlay4, overlay6;	/* whole addresses */
	union sb_endpoint endpoint;		/* family 0: the peer finds us */
	uint64_t lease;				/* ms; renewed while the helper lives */
	int64_t until;				/* seconds of 1970, 0: no end */
	bool quarantine;
	unsigned int line;
};

struct sb_peer_list {
	struct sb_peer_entry *entry;	/* sorted by device_id */
	size_t count;
};

/*
 * Out: *list, to be given to sb_peers_free; untouched on failure.
 * Returns 0, -ENOMEM or -EINVAL with "file:line: …".
 */
int sb_peers_parse(const char *file, const char *text, size_t length, struct sb_peer_list *list,
		   struct sb_error *error);

/* The same from a file; also the errno of reading it, with a sentence. */
int sb_peers_load(const char *path, struct sb_peer_list *list, struct sb_error *error);

void sb_peers_free(struct sb_peer_list *list);

/* The peer with this id or NULL. */
const struct sb_peer_entry *sb_peers_by_id(const struct sb_peer_list *list,
					   const uint8_t device_id[SEALBOND_ID_LEN]);
const struct sb_peer_entry *sb_peers_by_name(const struct sb_peer_list *list, const char *name);

/* Milliseconds to ask the module for at this wall time: the lease, cut at until; 0 when over. */
uint64_t sb_peer_lease_at(const struct sb_peer_entry *peer, int64_t now);

#endif
