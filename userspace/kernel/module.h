/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel module's generic netlink family as typed calls. See linux/sealbond.h for what
 * each command means. Calls return 0 or a negative errno; sb_module_error() then has a
 * sentence, the kernel's own where it gave one. Not for several threads.
 */
#ifndef SB_MODULE_H
#define SB_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/sealbond.h>

#include "common/config.h"
#include "common/parse.h"
#include "sealbond/grant.h"

struct sb_module;

/* -ENOENT when the module is not loaded. */
int sb_module_open(struct sb_module **module, struct sb_error *error);
void sb_module_close(struct sb_module *module);
const char *sb_module_error(const struct sb_module *module);

static inline void sb_module_close_ptr(struct sb_module **module)
{
	sb_module_close(*module);
}
#define sb_cleanup_module	sb_cleanup(sb_module_close_ptr)

/* Places of sealed keys; requests have the first two. */
enum { SB_PLACE_CURRENT, SB_PLACE_NEXT, SB_PLACE_CANDIDATE, SB_PLACES };

struct sb_key_status {
	unsigned int state;		/* enum sealbond_state */
	uint32_t alarms;		/* bits of enum sealbond_alarm */
	int32_t detail;			/* TPM response code (> 0) or -errno */
	bool has_current, has_next, has_old;
	bool has_candidate;		/* with boot-changed: bonds are made with it */
	uint8_t current[SEALBOND_KEY_LEN], next[SEALBOND_KEY_LEN], candidate[SEALBOND_KEY_LEN];
	uint8_t old[SEALBOND_KEY_LEN];	/* replaced, and still answering */
	uint64_t old_ms;		/* for so long */
	uint32_t changed_pcrs;
	uint32_t tpm_commands;
	uint64_t tpm_time_ms;
	uint32_t reset_count, restart_count;
	uint32_t pcr_valid;		/* 0: no values */
	uint8_t pcr_values[SEALBOND_PCRS][32];
	/* Blobs that wait to be stored; to be freed by sb_key_status_free. */
	uint8_t *blob[SB_PLACES];	/* NULL when there is none */
	size_t blob_length[SB_PLACES];
};
void sb_key_status_free(struct sb_key_status *key);

struct sb_status {
	char version[64];
	unsigned int mode;
	bool reverting;
	uint64_t revert_ms;
	uint32_t assurance;
	bool configured;		/* SET_LOCAL was given; what follows is valid */
	uint8_t device_id[SEALBOND_ID_LEN], chain_id[SEALBOND_ID_LEN];
	uint32_t sb0_ifindex, if_id;
	uint16_t port;
	struct sb_prefix overlay4, overlay6;
	uint8_t algorithms[2];
	size_t algorithms_count;
	unsigned int encap;
	uint32_t peers, bonds;
	size_t grant_keys;		/* 0: peers may come unsigned */
	unsigned int grant_threshold;
	bool locked;
	bool has_config_hash;		/* it is in the cap PCR */
	uint8_t config_hash[32];
	struct sb_key_status key;	/* without blobs */
};

struct sb_peer_status {
	uint8_t device_id[SEALBOND_ID_LEN];
	uint8_t key[SEALBOND_KEY_LEN];
	uint64_t lease_ms;
	uint64_t hold_ms;		/* the last of lease_ms, in which the bond is only held */
	struct sb_prefix overlay4, overlay6;
	union sb_endpoint endpoint;
	uint32_t flags;			/* SEALBOND_PEER_F_* */
	size_t rules;			/* 0: everything may pass */
	struct sb_grant_rule rule[SB_GRANT_RULES_MAX];
	unsigned int bond;		/* enum sealbond_bond_state */
	uint64_t handshakes;
	bool had_handshake;
	uint64_t last_handshake_ms;
	/* With a bond: */
	uint32_t epoch;
	uint64_t age_ms;
	unsigned int algorithm;
	bool encap;
	uint32_t spi_in, spi_out;
	uint64_t bytes_in, bytes_out, packets_in, packets_out, sequence_out;
	uint32_t mtu;			/* 0: not told */
};

struct sb_drop {
	unsigned int reason;		/* enum sealbond_reason */
	uint64_t count, would_count;
	/* Of an event only: */
	unsigned int dir;
	char interface[IFNAMSIZ];
	uint16_t ethertype;
	int proto;			/* -1: not told */
	struct sb_prefix source, destination;
	uint16_t source_port, destination_port;
	uint32_t length;
	bool has_uid;
	uint32_t uid;
	uint64_t cgroup;
	bool observed;
};

struct sb_exception_status {
	struct sb_exception exception;
	uint64_t passed, passed_bytes, over;
};

struct sb_event {
	unsigned int kind;		/* enum sealbond_event */
	bool has_device_id;
	uint8_t device_id[SEALBOND_ID_LEN];
	uint8_t key[SEALBOND_KEY_LEN];	/* of a stranger */
	union sb_endpoint endpoint;
	uint32_t epoch;
	unsigned int algorithm;
	bool encap;
	unsigned int end;		/* enum sealbond_end */
	unsigned int mode;
	unsigned int state;		/* enum sealbond_state */
	uint32_t changed_pcrs;
	uint32_t alarms;
	struct sb_drop drop;
};

/* Questions. A dump stops at the first value but 0 that each returns, and returns it. */
int sb_module_status(struct sb_module *module, struct sb_status *status);
int sb_module_get_key(struct sb_module *module, struct sb_key_status *key);
int sb_module_peers(struct sb_module *module,
		    int (*each)(void *context, const struct sb_peer_status *peer), void *context);
int sb_module_peer(struct sb_module *module, const uint8_t device_id[SEALBOND_ID_LEN],
		   struct sb_peer_status *peer);
int sb_module_drops(struct sb_module *module,
		    int (*each)(void *context, const struct sb_drop *drop), void *context);
int sb_module_exceptions(struct sb_module *module,
			 int (*each)(void *context, const struct sb_exception_status *exception),
			 void *context);

/* Orders. */
int sb_module_set_mode(struct sb_module *module, unsigned int mode, uint64_t confirm_ms);	/* 0: for good */
int sb_module_confirm_mode(struct sb_module *module);
int sb_module_lock(struct sb_module *module);	/* until the machine reboots */
int sb_module_set_exceptions(struct sb_module *module, const struct sb_exception *exceptions, size_t count);
/* fd: a TCP socket of ours to a ledger endpoint, from now until it is closed. */
int sb_module_ledger_socket(struct sb_module *module, int fd);
int sb_module_set_local(struct sb_module *module, const struct sb_config *config,
			const uint8_t device_id[SEALBOND_ID_LEN], uint32_t sb0_ifindex);
int sb_module_key_stored(struct sb_module *module);
int sb_module_rotate_key(struct sb_module *module);

struct sb_file_bytes {
	uint8_t *data;
	size_t length;
};

struct sb_key_request {
	uint32_t pcrs;
	uint8_t cap_pcr;
	bool allow_virtual;
	uint8_t release_key[64];		/* x, y */
	uint8_t policy_ref[32];
	struct sb_file_bytes blob[2];		/* current, next; length 0: none */
	const struct sb_file_bytes *approvals;
	size_t approvals_count;
	const uint8_t *config_hash;		/* 32 bytes, or NULL */
	bool early;				/* asked by the measured early boot */
	bool close;				/* no key in this boot: the cap only, and no files */
};
int sb_module_key(struct sb_module *module, const struct sb_key_request *request);

struct sb_peer_request {
	const uint8_t *device_id;		/* 32 bytes */
	const uint8_t *key;			/* 32 bytes */
	uint64_t lease_ms;
	const struct sb_prefix *overlay4, *overlay6;	/* family 0: none */
	const union sb_endpoint *endpoint;	/* NULL: as it is */
	uint32_t flags;
};
int sb_module_set_peer(struct sb_module *module, const struct sb_peer_request *request);
/* device_id NULL: all of them. */
int sb_module_del_peer(struct sb_module *module, const uint8_t *device_id);

/* points: count of 64 bytes each. The kernel takes no unsigned peer any more. */
int sb_module_set_grant_keys(struct sb_module *module, const uint8_t *points, size_t count,
			     unsigned int threshold, bool allow_static);
int sb_module_request_grant(struct sb_module *module, const uint8_t device_id[SEALBOND_ID_LEN],
			    uint8_t nonce[16]);
int sb_module_set_grant(struct sb_module *module, const uint8_t *grant, size_t length,
			const union sb_endpoint *endpoint);	/* NULL or family 0: as it is */

int sb_module_start_bond(struct sb_module *module, const uint8_t *device_id);
int sb_module_end_bond(struct sb_module *module, const uint8_t *device_id);

/*
 * Events of the group "handshake", of "monitor", or both, on a socket of their own that can be
 * polled. sb_events_read hands over what is there, without waiting; -ENOBUFS says that events
 * were lost.
 */
struct sb_events;
int sb_events_open(struct sb_events **events, bool handshake, bool monitor, struct sb_error *error);
void sb_events_close(struct sb_events *events);
int sb_events_fd(const struct sb_events *events);
int sb_events_read(struct sb_events *events, void (*each)(void *context, const struct sb_event *event),
		   void *context);

#endif
