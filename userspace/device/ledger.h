/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device does with its ledger: from no enrolment to a live lease, its zone, its peers' grants. One step after
 * the other, from one thread; everything outside comes by the port.
 */
#ifndef SB_LEDGER_H
#define SB_LEDGER_H

#include "device/ledger_port.h"
#include "sealbond/grant.h"

#define SB_ANNOUNCE_MAX	8

struct sb_ledger_settings {
	char chain[64];
	bool has_owner, enrol;		/* enrol: unasked */
	uint8_t owner[32];		/* the owner's master public key */
	uint64_t poll_ms;		/* between two looks for a new block; 0: the default */
	bool has_hold;			/* on_ledger_loss of the configuration; else the ledger's */
	uint64_t hold_ms;		/* 0: stop */
	uint8_t keys[SB_GRANT_KEYS_MAX][SB_GRANT_POINT_LEN];	/* of those who may sign grants */
	size_t keys_count;
	unsigned int threshold;
	uint8_t box_public[32], box_secret[32];
};

struct sb_ledger;

/* Copies the settings. NULL: no memory. The port has to stay. */
struct sb_ledger *sb_ledger_new(const struct sb_ledger_port *port, const struct sb_ledger_settings *settings);
void sb_ledger_free(struct sb_ledger *ledger);

/* sb_ledger_step() - does what is due. Returns after how many ms there may be something again. */
uint64_t sb_ledger_step(struct sb_ledger *ledger);

/* Somebody asks: enrols (also a retired device), or sends a heartbeat, with the next step. */
void sb_ledger_hurry(struct sb_ledger *ledger);
/* The kernel has this device among its peers; the kernel's keys changed; a peer needs its grant anew. */
void sb_ledger_peer_seen(struct sb_ledger *ledger, const uint8_t device[32]);
void sb_ledger_keys_changed(struct sb_ledger *ledger);
void sb_ledger_peer_lost(struct sb_ledger *ledger, const uint8_t device[32]);

/* Everything but the endpoints, which are the light client's to tell. */
void sb_ledger_report(const struct sb_ledger *ledger, struct sb_ledger_reply *reply);

#endif
