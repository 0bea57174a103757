/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the client share. */
#ifndef SB_LIGHT_CLIENT_INTERNAL_H
#define SB_LIGHT_CLIENT_INTERNAL_H

#include "light/client.h"
#include "light/remote.h"
#include "light/trust.h"

struct sb_peer {
	char *url, *roots, *pin;
	bool learned;
	struct sb_remote *remote;
	struct sb_standing standing;
	enum sb_light_verdict verdict;
	int64_t height;
	char text[160];
};

struct sb_light_client {
	struct sb_light_config config;		/* its strings: the client's own */
	char *chain, *directory;
	struct sb_trust trust;
	struct sb_succession_kept kept;		/* number 0: it is the configured chain */
	char *roots;				/* of learned endpoints and of successors' */
	uint8_t boot_id[16];
	bool damaged, dirty, forked;
	unsigned int evidence;			/* endpoints that have taken it */
	int unsaved;
	size_t peers;
	struct sb_peer peer[SB_ENDPOINTS_MAX];
	int64_t draw_at, probe_at;		/* ms of sb_remote_now() */
	int64_t deadline;			/* of the call under way, ms of sb_remote_now() */
};

/* How dealing with one endpoint ended. */
enum sb_end {
	SB_END_OK,
	SB_END_FAULT,		/* the endpoint's; noted at it */
	SB_END_EXPIRED,
	SB_END_FORK,
	SB_END_NOT_YET,		/* it does not have that height yet */
};

void sb_client_begin(struct sb_light_client *client, uint32_t deadline_ms);
/* Keeps what has changed, and passes the result on. */
int sb_client_end(struct sb_light_client *client, int result);

struct sb_light_now sb_client_now(const struct sb_light_client *client);
void sb_client_order(const struct sb_light_client *client, size_t order[SB_ENDPOINTS_MAX]);

/* A fault is noted at the peer with its sentence; the first returns SB_END_FAULT. */
enum sb_end sb_peer_bad(struct sb_peer *peer, enum sb_fault fault, const struct sb_error *error);
enum sb_end sb_peer_lies(struct sb_peer *peer, enum sb_light_verdict verdict, const struct sb_error *error);
/* It answered the call before. */
void sb_peer_good(struct sb_peer *peer);

/* The sentences of all endpoints, and -EHOSTUNREACH; the other two ends by their names. */
int sb_client_unreachable(const struct sb_light_client *client, struct sb_error *error);
int sb_client_forked(struct sb_light_client *client, struct sb_error *error);
int sb_client_expired(const struct sb_light_client *client, struct sb_error *error);

/* client.c: the names and the endpoints of a client without any; 0 or an error, with a sentence. */
int sb_client_fill(struct sb_light_client *client, const struct sb_light_config *config, struct sb_error *error);

/*
 * client_succeed.c: the configuration as the kept succession has changed it. *url: room for what *config points to;
 * false: no URL of its endpoints can be used.
 */
bool sb_client_succeeded(const struct sb_succession_kept *kept, struct sb_light_config *config);

/* client_follow.c: blocks of one endpoint */

/* A whole light block. Out: *block, to be freed. @height 0: the latest. */
enum sb_end sb_peer_block(struct sb_light_client *client, struct sb_peer *peer, int64_t height,
			  struct sb_light_block *block);

/* Verifies *block's successor at @height (0: the latest) through the peer: *block becomes it. */
enum sb_end sb_peer_follow(struct sb_light_client *client, struct sb_peer *peer, int64_t height,
			   struct sb_light_block *block);

/*
 * The peer shows @header at a height at which we have @ours, proven: is its own proven, too? @ours is
 * evidence then (SB_END_FORK), else the peer lies. SB_END_OK: they are the same.
 */
enum sb_end sb_peer_compare(struct sb_light_client *client, struct sb_peer *peer,
			    const struct sb_header *header, const struct sb_light_block *ours,
			    const char *ours_from);

/*
 * Theirs is lower than ours, or than one that we keep, and not earlier, or higher and not later, and signed by the same
 * validators: nobody but two lines of one chain makes such blocks. SB_END_FORK; else SB_END_OK.
 */
enum sb_end sb_peer_order(struct sb_light_client *client, struct sb_peer *peer, const struct sb_light_block *theirs,
			  const struct sb_light_block *ours);

/*
 * client_fork.c: two proven blocks, the second one the peer's: kept, nothing is believed any more, and each endpoint gets
 * the evidence. Returns SB_END_FORK.
 */
enum sb_end sb_client_fork(struct sb_light_client *client, const struct sb_peer *peer, const struct sb_fork *fork);
/* The highest block that is kept below a height; NULL: none. */
const struct sb_light_block *sb_client_kept_below(const struct sb_light_client *client, int64_t height);

/* A newly proven block is trusted from now on; takes it over. */
void sb_client_accept(struct sb_light_client *client, struct sb_light_block *block);

/* client_endpoints.c */

/* One more; there is room. false: no memory, or (not @learned) its certificates cannot be used. */
bool sb_client_add(struct sb_light_client *client, const struct sb_light_endpoint *endpoint, bool learned);
void sb_peer_free(struct sb_peer *peer);
/* Those of an earlier run. */
void sb_client_load_endpoints(struct sb_light_client *client);
/* The learned ones, for the next run. 0 or -errno. */
int sb_client_save_endpoints(const struct sb_light_client *client);
/* Draws tickets when their time has come. */
void sb_client_draw(struct sb_light_client *client);
/* Measures one endpoint, if one is due. */
void sb_client_probe(struct sb_light_client *client);
uint32_t sb_client_random(void);

/* client_root.c */

/* Fetches the provisioned root where nothing is trusted yet. */
enum sb_end sb_client_root(struct sb_light_client *client, struct sb_peer *peer);

/* Trust has expired: by a checkpoint of the peer's, or of the directory, with the peer's block. */
enum sb_end sb_client_checkpoint(struct sb_light_client *client, struct sb_peer *peer);

/* The peer's chain goes on behind a gap: by a recovery that the members have signed, from it or the directory. */
enum sb_end sb_client_recovery(struct sb_light_client *client, struct sb_peer *peer);

/* Our block is in such a gap of the peer's: then it must be older than the block behind the gap. */
enum sb_end sb_client_lost(struct sb_light_client *client, struct sb_peer *peer, const struct sb_light_block *ours);

/* client_sync.c */
int sb_client_sync(struct sb_light_client *client, struct sb_light_synced *synced, struct sb_error *error);

/* The proven header at a height, at or near the latest: forward, backwards or kept. NOT_YET waits for nobody. */
enum sb_end sb_client_header_at(struct sb_light_client *client, struct sb_peer *peer, int64_t height,
				struct sb_header *header);

/* Waits so many ms, but not beyond the deadline; false when that has come. */
bool sb_client_wait(const struct sb_light_client *client, unsigned int ms);

#endif
