/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A light client of one ledger: follows its chain through any of several endpoints, none of which is
 * believed, reads records with their proofs, and hands transactions in.
 *
 * Calls block, and end by their deadline (ms from now). One thread at a time. There are no threads and no
 * other processes but what libcurl needs to look up names. Files are read and written in the configured
 * directory only; where https is used without roots of its own, the system's certificates, too.
 *
 * Every call returns 0, or with a sentence:
 *   -EHOSTUNREACH   ledger-unreachable: no endpoint answers what can be proven; its sentence says, of each
 *                   endpoint, why
 *   -ENOTUNIQ       ledger-fork: there are two proven headers of one height. Nothing is believed any more;
 *                   fork.json in the directory has both. A person decides, and removes it
 *   -EKEYEXPIRED    trust-expired: what is trusted is older than the trusting period, and no endpoint (and
 *                   no file) has a checkpoint that the members have signed
 *   -ENOMEM, or what the file system said
 * Outputs are untouched then.
 */
#ifndef SB_LIGHT_CLIENT_H
#define SB_LIGHT_CLIENT_H

#include <sys/socket.h>

#include "common/error.h"
#include "light/answer.h"
#include "light/checkpoint.h"
#include "light/now.h"
#include "light/order.h"
#include "light/succession.h"
#include "light/verify.h"

struct sb_light_endpoint {
	const char *url;	/* http://, https:// or unix:/PATH */
	const char *roots;	/* PEM; NULL: the system's */
	const char *pin;	/* "sha256//BASE64" of the public key; NULL: none */
};

/* Where trust begins, from provisioning. One of the two: hash of a header, or of the first validators. */
struct sb_light_root {
	int64_t height;				/* of the header; 0: by the validators of block 1 */
	uint8_t hash[SB_CHAIN_HASH_LEN];
	struct sb_members members;		/* count 0: not known at the beginning */
};

struct sb_light_config {
	const char *chain, *directory;
	struct sb_light_root root;
	size_t endpoints;
	struct sb_light_endpoint endpoint[SB_ENDPOINTS_CONFIGURED];
	const char *roots;			/* of endpoints that are learned, and of a successor's; NULL: the system's */
	bool spread;				/* one of many: see sb_light_client_learn() */
	struct sb_light_rules rules;		/* zeros: SB_LIGHT_RULES_DEFAULT */
	enum sb_clock_belief clock;
	int64_t floor;				/* seconds; 0: the build's time */
	uint32_t stale_after;			/* seconds that an endpoint may be behind; 0: 3,600 */
	uint32_t connect_ms, call_ms;		/* 0: 5,000 and 10,000 */
	/* light/http.h: each new socket, before it connects */
	int (*opened)(void *context, int fd, const struct sockaddr *peer, socklen_t length);
	void *context;
};

struct sb_light_client;

/*
 * sb_light_client_open() - reads what is trusted; asks nobody. Copies the configuration.
 * Returns 0; -EINVAL: a configuration that cannot be, or the directory is another chain's.
 */
int sb_light_client_open(const struct sb_light_config *config, struct sb_light_client **client,
			 struct sb_error *error);
void sb_light_client_close(struct sb_light_client *client);

/* The latest header that is proven; NULL before the first. Valid until the next call. */
const struct sb_header *sb_light_client_header(const struct sb_light_client *client);

/*
 * sb_light_client_learn() - where the ledger can be asked besides, from a record that was proven: http:// and https://
 * URLs, the only ones that count from now on beside the configuration's. Those that are known keep their standing. They
 * are kept in the directory (file "endpoints") and used after the next start, too. None of them is believed for that.
 *
 * Nothing else is needed to use them: each sync measures one that is due, if any, by a call of at most two seconds. With
 * `spread` every client prefers another one of the near ones (light/order.h), for ten to twenty minutes.
 * Returns 0, or what the file system said: they are used all the same.
 */
int sb_light_client_learn(struct sb_light_client *client, const char *const *url, size_t count, struct sb_error *error);

struct sb_light_synced {
	struct sb_header header;
	bool advanced;		/* it is newer than before the call */
	bool witnessed;		/* a second endpoint has the same one */
	bool stale;		/* it is older than stale_after, by a clock that is believed */
	bool by_checkpoint;	/* trust had expired, and the members' checkpoint was needed */
};

/* sb_light_client_sync() - to the latest header that can be had. */
int sb_light_client_sync(struct sb_light_client *client, uint32_t deadline_ms,
			 struct sb_light_synced *synced, struct sb_error *error);

/* Proven: the state after the block at @height, which has this time. Owns value. */
struct sb_light_record {
	bool present;
	uint8_t *value;
	size_t length;
	int64_t height;
	struct sb_chain_time time;
};

/*
 * sb_light_client_query() - the record at a key, or that there is none, of the state behind the latest proven header or
 * of a later one, where the endpoint has gone on since. Syncs where nothing is trusted yet, or not any more.
 * Out: *record, whose value is to be freed.
 */
int sb_light_client_query(struct sb_light_client *client, const void *key, size_t key_length,
			  uint32_t deadline_ms, struct sb_light_record *record, struct sb_error *error);

/*
 * sb_light_client_ask() - another path's answer from the endpoint numbered @endpoint (as sb_light_client_order() and
 * sb_light_client_endpoints() count), or from the best (-1). Nothing of it is proven: for what proves itself, as grants do. -EHOSTUNREACH
 * here also: that endpoint does not answer. Out: *answer, to be freed.
 */
int sb_light_client_ask(struct sb_light_client *client, int endpoint, const char *path, const void *data,
			size_t length, uint32_t deadline_ms, struct sb_query_answer *answer,
			struct sb_error *error);

/*
 * sb_light_client_header_at() - the proven header at a height from the first trusted one to the latest that can be
 * had. Out: *header.
 */
int sb_light_client_header_at(struct sb_light_client *client, int64_t height, uint32_t deadline_ms,
			      struct sb_header *header, struct sb_error *error);

struct sb_light_submitted {
	uint8_t hash[32];
	int64_t height;			/* of the block that has it; 0: refused before, and code says why */
	struct sb_answer_code code;	/* 0: taken */
	bool proven;			/* height and code are proven; else an endpoint says so */
	struct sb_chain_time time;	/* of that block, where proven */
};

/*
 * sb_light_client_submit() - hands a transaction in and waits until a block has it.
 * Returns as above; -ETIMEDOUT: it was handed in but is in no block yet, and still may come into one.
 */
int sb_light_client_submit(struct sb_light_client *client, const void *tx, size_t length,
			   uint32_t deadline_ms, struct sb_light_submitted *submitted,
			   struct sb_error *error);

/*
 * sb_light_client_set_members() - who the members are, from a record that was proven at @height: they may
 * sign the next checkpoint. Older news than what is known is passed over. -EINVAL for what cannot be.
 */
int sb_light_client_set_members(struct sb_light_client *client, const struct sb_members *members,
				int64_t height, struct sb_error *error);

/*
 * sb_light_client_succeed() - the ledger goes on as another chain, as a record says that the caller has read with its
 * proof. When one of its endpoints serves the named first block, that chain is followed from then on, over restarts, too,
 * and what was trusted of the old one is kept aside. Until then, and on any error, the client stays where it is.
 * Returns 0; -EINVAL: a succession that cannot be; -EHOSTUNREACH: none of the endpoints has it (yet).
 */
int sb_light_client_succeed(struct sb_light_client *client, const struct sb_succession *succession, uint32_t deadline_ms,
			    struct sb_error *error);

/* The chain that is followed now; and after how many successions, 0: it was always this one. */
const char *sb_light_client_chain(const struct sb_light_client *client);
unsigned int sb_light_client_successions(const struct sb_light_client *client);

/* Whom it would believe a checkpoint of, and since which height; count 0: nobody. */
const struct sb_members *sb_light_client_members(const struct sb_light_client *client, int64_t *height);

struct sb_light_endpoint_state {
	const char *url;
	struct sb_standing standing;
	enum sb_light_verdict verdict;	/* with SB_FAULT_HEADER: what was wrong with it */
	bool learned;
	int64_t height;			/* the latest that it said it has; 0: never asked */
	uint64_t calls, in, out;	/* bytes of HTTP */
	char text[160];			/* the last fault's sentence */
};

/* The numbers of all endpoints, the one that would be asked now first. Returns how many. */
size_t sb_light_client_order(const struct sb_light_client *client, size_t order[SB_ENDPOINTS_MAX]);

/*
 * For `sealbond ledger status`: returns how many, at most SB_ENDPOINTS_MAX; the configuration's in its order, and
 * those that were learned.
 */
size_t sb_light_client_endpoints(const struct sb_light_client *client,
				 struct sb_light_endpoint_state state[SB_ENDPOINTS_MAX]);

struct sb_light_status {
	bool damaged;		/* the file of what is trusted could not be read and was put aside */
	int unsaved;		/* -errno of the last attempt to keep it; 0: it is kept */
	bool clock;		/* the clock is believed */
	unsigned int evidence;	/* endpoints that have taken the evidence of a fork that this process has seen */
	struct sb_chain_time now, expires;	/* expires: when what is trusted does; zero: nothing is */
	uint64_t calls, in, out;
};
void sb_light_client_status(const struct sb_light_client *client, struct sb_light_status *status);

/*
 * System calls that a process with a client needs beside those of every role: for sb_sandbox_calls(), with sockets
 * of AF_INET, AF_INET6 and AF_NETLINK (addresses of this machine), and of AF_UNIX for endpoints that are unix:. Paths, for
 * sb_sandbox_paths(): the directory to write; to read, where names are looked up, /etc/resolv.conf, /etc/hosts,
 * /etc/nsswitch.conf, /etc/host.conf, /etc/gai.conf and the directories of libraries, and for https without roots of its own
 * /etc/ssl and /usr/share/ca-certificates. NULL ends the list.
 */
extern const char *const sb_light_calls[];

/* "ledger-unreachable", "ledger-fork", "trust-expired" for those errors, else NULL. */
const char *sb_light_client_state(int result);

#endif
