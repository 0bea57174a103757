/* SPDX-License-Identifier: GPL-2.0-only */
/* What userspace hears without asking: the multicast groups of the netlink family. */
#ifndef SB_EVENT_H
#define SB_EVENT_H

#include <net/net_namespace.h>
#include <uapi/linux/sealbond.h>
#include "message.h"

struct sb_drop;
struct sb_net;
struct sb_peer;

/* Group "handshake" of the namespace. sn->lock held. A listener that is slow misses events. */
void sb_event_key(struct sb_net *sn);
void sb_event_stranger(struct sb_net *sn, const u8 key[SEALBOND_KEY_LEN],
		       const u8 device_id[SEALBOND_ID_LEN], const struct sb_addr *from);
void sb_event_bond_live(struct sb_net *sn, const struct sb_peer *peer);
void sb_event_bond_ended(struct sb_net *sn, const struct sb_peer *peer, enum sealbond_end why);
void sb_event_start_failed(struct sb_net *sn, const struct sb_peer *peer);
void sb_event_rotate_wanted(struct sb_net *sn, const struct sb_peer *peer);
void sb_event_roamed(struct sb_net *sn, const struct sb_peer *peer);

/* Group "monitor": a drop in its namespace, mode and lock in the initial one. Any context. */
void sb_event_drop(struct net *net, const struct sb_drop *drop);
void sb_event_mode(enum sealbond_mode mode);
void sb_event_locked(void);

/* Both groups of a namespace: the alarms as they are now. Process context. */
void sb_event_alarm(struct net *net, u32 alarms, u32 changed_pcrs);

#endif
