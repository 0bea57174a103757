/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CometBFT's JSON-RPC at one endpoint. Nothing is believed here: light/verify.h and light/query.h
 * judge. Each call ends by its deadline, reads no more than the method's answers can be long, and
 * returns NONE or what is wrong with the endpoint, with a sentence. Outputs are untouched then.
 */
#ifndef SB_LIGHT_REMOTE_H
#define SB_LIGHT_REMOTE_H

#include "light/answer.h"
#include "light/http.h"

struct sb_remote;

/*
 * NULL: no memory. The URL is to be valid (sb_http_valid()). What *config points to has to stay. Nothing is opened
 * before the first call; sb_remote_check() looks whether it could be.
 */
struct sb_remote *sb_remote_open(const struct sb_http_config *config);
bool sb_remote_check(struct sb_remote *remote);
void sb_remote_close(struct sb_remote *remote);

/* Ends the connection and gives back its memory, until the next call. */
void sb_remote_rest(struct sb_remote *remote);

/*
 * Until when calls may take, in ms of sb_remote_now(), and at most how long one. @shared: there are others to ask,
 * and one call takes no more than half of what is left, so that a dead endpoint leaves time for the next.
 */
void sb_remote_deadline(struct sb_remote *remote, int64_t deadline, uint32_t call_ms, bool shared);
int64_t sb_remote_now(void);

struct sb_remote_counters {
	uint64_t calls, in, out;	/* bytes of HTTP */
	uint64_t us;			/* that the last call's answer let wait */
};
void sb_remote_counters(const struct sb_remote *remote, struct sb_remote_counters *counters);

/* @height 0: the latest. Fills the block's header and commit; the validators are left alone. */
enum sb_fault sb_remote_commit(struct sb_remote *remote, int64_t height, struct sb_light_block *block,
			    struct sb_error *error);

/* The header alone. */
enum sb_fault sb_remote_header(struct sb_remote *remote, int64_t height, struct sb_header *header,
			    struct sb_error *error);

/* All pages. */
enum sb_fault sb_remote_validators(struct sb_remote *remote, int64_t height, struct sb_validator_set *set,
				struct sb_error *error);

enum sb_fault sb_remote_status(struct sb_remote *remote, struct sb_answer_status *status, struct sb_error *error);

enum sb_fault sb_remote_broadcast_sync(struct sb_remote *remote, const void *tx, size_t length,
				    struct sb_answer_code *code, struct sb_error *error);
enum sb_fault sb_remote_broadcast_commit(struct sb_remote *remote, const void *tx, size_t length,
				      struct sb_answer_committed *committed, struct sb_error *error);

/* @hash: SHA-256 of the transaction. */
enum sb_fault sb_remote_tx(struct sb_remote *remote, const uint8_t hash[32], struct sb_answer_tx *tx,
			struct sb_error *error);
enum sb_fault sb_remote_results(struct sb_remote *remote, int64_t height, uint32_t index,
			     struct sb_answer_results *results, struct sb_error *error);

/* Evidence against validators; takes it over. Judged by the node: NONE, and it goes into a block. */
enum sb_fault sb_remote_evidence(struct sb_remote *remote, json_object *evidence, struct sb_error *error);

/* @height 0: what the endpoint has. */
enum sb_fault sb_remote_query(struct sb_remote *remote, const char *path, const void *data, size_t length,
			   int64_t height, bool prove, struct sb_query_answer *answer,
			   struct sb_error *error);

#endif
