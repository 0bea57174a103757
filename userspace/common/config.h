/* SPDX-License-Identifier: Apache-2.0 */
/* sealbond.conf: docs/config.md says what each key means. */
#ifndef SB_CONFIG_H
#define SB_CONFIG_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/sealbond.h>

#include "common/error.h"
#include "common/parse.h"
#include "common/sha256.h"
#include "sealbond/grant.h"

#define SB_CONFIG_PATH		"/etc/sealbond/sealbond.conf"
#define SB_CONFIG_MAX		65536	/* bytes */
#define SB_PATH_ROOM		256
#define SB_RUN_DIR_ROOM		81	/* so that a socket in it fits sockaddr_un */
#define SB_EXCEPTIONS_MAX	64
#define SB_LEDGER_URLS_MAX	8
#define SB_LEDGER_NETWORKS_MAX	4
#define SB_LEDGER_URL_ROOM	128

struct sb_exception {
	char name[SEALBOND_NAME_LEN];
	unsigned int kind;		/* enum sealbond_exception_kind */
	unsigned int dir;		/* SEALBOND_X_DIR_*, 0: both */
	char interface[IFNAMSIZ];	/* "": any */
	uint64_t proto;			/* 0: none */
	struct sb_prefix remote;
	uint64_t local_port;		/* 0: any */
	uint64_t remote_port;		/* 0: any */
	uint64_t rate;			/* packets a second, 0: the module's default */
	uint64_t bytes;			/* bytes a second, 0: the module's default */
};

enum sb_loss { SB_LOSS_LEDGER, SB_LOSS_STOP, SB_LOSS_HOLD };	/* on_ledger_loss */

/* [ledger]; endpoints_count 0: peers come from files. */
struct sb_ledger_config {
	char network[64];		/* of the chain, where it has another name than the ledger */
	char endpoints[SB_LEDGER_URLS_MAX][SB_LEDGER_URL_ROOM];
	uint64_t endpoints_count;
	char roots[SB_PATH_ROOM], pin[64];
	uint64_t trust_height;
	uint8_t trust_hash[32];
	uint8_t owner[32];		/* master public key */
	bool has_owner;
	enum sb_loss loss;
	uint64_t hold;			/* ms, of SB_LOSS_HOLD; else 0 */
	bool enrol, learn;		/* learn: the endpoints that the ledger names are used, too */
	char announce[512];		/* ADDR:PORT, ... */
	struct sb_prefix networks[SB_LEDGER_NETWORKS_MAX];	/* of endpoints given by a name, or by a succession */
	size_t networks_count;
	uint64_t poll;			/* ms between two looks for a new block */
	uint64_t rate, bytes;		/* packets and bytes a second that the helper may talk to it */
};

struct sb_config {
	/* [device] */
	struct sb_prefix overlay4, overlay6;
	uint64_t port;
	uint8_t algorithms[2];		/* enum sealbond_algorithm, best first */
	uint64_t algorithms_count;
	unsigned int encap;		/* enum sealbond_encap */
	char chain[65];
	char interface[IFNAMSIZ];
	uint64_t if_id;
	uint64_t mtu;
	char state_dir[SB_PATH_ROOM];	/* blobs, approvals, the device id */
	char run_dir[SB_RUN_DIR_ROOM];	/* the helper's control socket */
	/* [enforce] */
	unsigned int mode;		/* enum sealbond_mode */
	unsigned int exceptions_choice;	/* SB_EXCEPTIONS_* */
	bool lock;			/* once mode, exceptions and grant keys are set */
	/* [key] */
	uint32_t pcrs;
	uint64_t cap_pcr;
	char release_key[SB_PATH_ROOM];
	char fleet[65];
	bool allow_virtual_tpm;
	bool late_keys;			/* what early boot could not open, the helper may */
	bool reboot_when_approved;
	char reboot_command[SB_PATH_ROOM];
	/* [rotate]; times in ms */
	uint64_t after, jitter, overlap, key_overlap;
	uint64_t hard_after, hard_bytes, hard_packets, soft_bytes, soft_packets;
	/* [peers] */
	char peers_file[SB_PATH_ROOM];
	char grants[SB_PATH_ROOM];	/* directory; "": peers are not signed */
	char grant_keys[SB_GRANT_KEYS_MAX][SB_PATH_ROOM];
	uint64_t grant_keys_count;
	uint64_t threshold;		/* of grant_keys */
	struct sb_ledger_config ledger;
	/* [exception NAME], or the default ones */
	struct sb_exception exceptions[SB_EXCEPTIONS_MAX];
	size_t exceptions_count;
	bool exceptions_implied;	/* the default ones: the file names none */
};

enum { SB_EXCEPTIONS_DEFAULT, SB_EXCEPTIONS_NONE };

/*
 * Reads a configuration from text; file is its name in messages.
 * Out: *config complete, defaults included; untouched on failure.
 * Returns 0 or -EINVAL with "file:line: what is wrong; allowed: …".
 */
int sb_config_parse(const char *file, const char *text, size_t length, struct sb_config *config,
		    struct sb_error *error);

/* The same from a file; also the errno of reading it, with a sentence. */
int sb_config_load(const char *path, struct sb_config *config, struct sb_error *error);

/* The ids that names stand for: SHA-256 of the name, without a NUL. */
void sb_config_id(const char *name, uint8_t id[SB_SHA256_LEN]);

extern const char *const sb_exception_kind_words[];	/* by enum sealbond_exception_kind */

/* [exception NAME] and the default ones; for config.c. */
struct sb_ini_line;
int sb_exception_set(struct sb_config *config, uint64_t *seen, const struct sb_ini_line *line,
		     struct sb_error *error);
int sb_exception_check(const struct sb_exception *exception, const char *file, unsigned int line,
		       struct sb_error *error);
void sb_exception_defaults(struct sb_config *config);

#endif
