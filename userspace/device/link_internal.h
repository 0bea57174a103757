/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the link role only. */
#ifndef SB_LINK_INTERNAL_H
#define SB_LINK_INTERNAL_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"
#include "common/peers.h"
#include "device/channel.h"
#include "device/message.h"
#include "kernel/interface.h"
#include "kernel/module.h"
#include "sealbond/blob.h"

/*
 * Peers' timers come after sockets, and only a few in a row: with thousands of peers the helper
 * still hears the kernel and answers its people.
 */
#define LINK_PRIORITIES		3
#define LINK_PRIORITY_PEERS	2

struct link_peer {
	struct sb_link *link;
	struct sb_peer_entry entry;
	struct event bond_timer;	/* start, look again, or rotate */
	struct event lease_timer;	/* renew */
	uint32_t backoff_ms;		/* of starts that fail; 0: the last one went well */
	uint32_t mtu;			/* of the route that was set for it, 0: none */
	bool live;
	bool starting;			/* asked the kernel for a bond, no word of it yet */
	bool routed;
	int start_error;		/* that was logged last */
	const char *grant_error;	/* likewise; NULL: none */
};

/* A signed grant of the directory, by whom it admits and who holds it. */
struct link_grant {
	uint8_t *data;
	size_t length;
};

struct sb_link {
	struct event_base *base;
	struct sb_channel *channel;
	const char *config_path;
	struct sb_config config;
	struct sb_module *module;	/* NULL: not connected */
	struct sb_events *events;
	struct event *events_ready;
	struct sb_interface *interface;
	struct event *connect_timer, *tick_timer, *key_timer, *id_timer;
	uint32_t connect_backoff_ms, key_backoff_ms, id_backoff_ms;
	unsigned int ticks;

	bool restarted;			/* until the first connect: an earlier process of this role was there */
	bool mode_set;			/* by us; from then on it is the operator's */
	bool lost;			/* the module stopped answering; reconnecting soon */
	bool ready_told;
	bool paused;			/* sealbond down */
	uint32_t sb0_index;		/* 0: not set up */
	bool have_id, id_cached, local_set;
	uint8_t device_id[SEALBOND_ID_LEN];
	unsigned int key_state;		/* enum sealbond_state */
	bool key_file_late;		/* a rotated key's file has not its place yet */
	bool has_candidate;		/* the kernel makes bonds with it */
	uint8_t candidate[SEALBOND_KEY_LEN];
	bool unstored;			/* a sealed key could not be written */
	bool key_settled;		/* the files say what a live bond has said of the keys */
	bool approved;			/* an approval fits this boot, which has none of the keys */
	bool reboot_asked;

	unsigned int starting;		/* peers of which that is so */
	struct link_peer **peer;	/* sorted by device id */
	size_t peer_count;
	struct link_grant *grant;	/* sorted by device id and holder */
	size_t grant_count;
	char note[256];			/* what we wait for, "" when for nothing */
	char logged[256];		/* the last one that went to the log */
	char frozen[128];		/* what of the file a locked machine does not take, "" when all */
	bool lock_waits;		/* lock = yes, and it was refused */
	char standing[256];		/* what is said while there is no note, "" for nothing */
	uint32_t system_gaps;		/* enum sealbond_assurance_gap, as they were at the start */
	struct event *handover;
	bool ledger_local_there;	/* the ledger has given addresses */
	struct sb_ledger_local ledger_local;
};

/* link.c */
void link_note(struct sb_link *link, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* After an error of the module: gives the connection up when the module is gone. */
void link_check_error(struct sb_link *link, int result);
void link_schedule(struct event *timer, uint64_t ms);
/* Up to percent more or less; from the kernel's generator. */
uint64_t link_jitter(uint64_t ms, unsigned int percent);
/* The next wait of a series: doubles from first to last. */
uint64_t link_backoff(uint32_t *backoff_ms, uint32_t first, uint32_t last);

/* link_local.c: mode, exceptions, sb0, the device's own addresses */
int link_set_mode(struct sb_link *link, struct sb_error *error);
int link_set_exceptions(struct sb_link *link, struct sb_error *error);
/* On a locked machine: says, in standing, where the files on the disk are not those that were measured. */
void link_compare_measured(struct sb_link *link, const struct sb_status *status);
int link_set_interface(struct sb_link *link, struct sb_error *error);
void link_lock(struct sb_link *link);	/* where the file says so; tried again by the tick */
/* Was it refused because the machine is locked? Then it is noted for status, and is no failure. */
bool link_is_frozen(struct sb_link *link, int result, const char *what);
void link_del_addresses(struct sb_link *link, const struct sb_config *old);
int link_set_local(struct sb_link *link, struct sb_error *error);	/* 0 also while something is missing */

/* link_key.c: the hold of the TPM, blobs and approvals */
void link_key_start(struct sb_link *link, bool asked);
void link_key_look(struct sb_link *link);	/* takes what GET_KEY says; stores new blobs */
int link_key_rotate(struct sb_link *link, struct sb_error *error);
void link_key_tell(struct sb_link *link, const struct sb_key_status *key);	/* the state as a note */
void link_key_timer(evutil_socket_t fd, short what, void *context);

/* link_candidate.c: a bond is live, so that the key which the kernel uses is the device's */
void link_candidate_bond_live(struct sb_link *link);

/* link_approvals.c: the approval of a boot that comes after it */
void link_approvals_watch(struct sb_link *link);	/* does nothing in states that no approval ends */

/* link_id.c: the device id, from its file or from the tpm role */
void link_id_start(struct sb_link *link);
void link_id_again(struct sb_link *link);	/* the file's may be another device's */
void link_id_answer(struct sb_link *link, const struct sb_device_id_answer *answer);
void link_id_timer(evutil_socket_t fd, short what, void *context);

/* link_peers.c: who is a peer, and since when */
int link_peers_replace(struct sb_link *link, const struct sb_peer_list *list);
void link_peers_apply(struct sb_link *link);	/* all of them to the kernel; the kernel's others go */
void link_peers_reconcile(struct sb_link *link);
void link_peers_stop(struct sb_link *link);	/* timers only */
void link_peers_kick(struct sb_link *link);	/* starts what is not live */
struct link_peer *link_peer_by_id(struct sb_link *link, const uint8_t device_id[SEALBOND_ID_LEN]);
void link_peer_init(struct sb_link *link, struct link_peer *peer);
void link_peer_stop(struct link_peer *peer);
int link_peer_apply(struct link_peer *peer, bool with_endpoint);
void link_peer_forget(struct link_peer *peer);
/* One more, in its place; NULL without memory. And one less, in the kernel, too. */
struct link_peer *link_peer_add(struct sb_link *link, const struct sb_peer_entry *entry);
void link_peer_remove(struct sb_link *link, struct link_peer *peer);
void link_peer_routes(struct link_peer *peer);

/* link_grants.c: who may sign grants, and the grants of the directory */
int link_set_grant_keys(struct sb_link *link, struct sb_error *error);	/* 0 also where there are none */
int link_grants_load(struct sb_link *link);	/* changed ones of known peers go to the kernel */
int link_grant_apply(struct link_peer *peer, bool with_endpoint, uint64_t *duration_ms);

/* link_ledger.c: what the ledger role asks, where peers come from a ledger */
void link_ledger_frame(struct sb_link *link, const struct sb_frame_header *header, const uint8_t *payload);
void link_ledger_keys_changed(struct sb_link *link);
void link_ledger_lost(struct link_peer *peer);	/* it needs a grant anew */
void link_ledger_adopt(struct sb_link *link);	/* the kernel's peers are ours */
void link_ledger_overlays(struct sb_link *link);	/* the ledger's addresses into the configuration */

/* link_handover.c: sockets of the ledger role, for the kernel to let pass. 0 or a negative errno */
int link_handover_open(struct sb_link *link, int fd);

/* link_bonds.c: starts, rotations, events */
void link_bond_timer(evutil_socket_t fd, short what, void *context);
void link_bonds_reschedule(struct sb_link *link);	/* after a change of [rotate] */
void link_bond_starting(struct link_peer *peer, bool starting);
void link_bond_event(struct sb_link *link, const struct sb_event *event);
void link_bond_seen(struct link_peer *peer, const struct sb_peer_status *status);

#endif
