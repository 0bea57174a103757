/* SPDX-License-Identifier: GPL-2.0-only */
/* Carries the pure handshake engine's messages, peers, keys and retries. sn->lock held throughout. */
#ifndef SB_EXCHANGE_H
#define SB_EXCHANGE_H

#include "message.h"

struct sb_net;
struct sb_peer;

/*
 * sb_exchange_start() - send an initiation. Returns 0, -EPERM (alarmed), -ENOKEY (no bond key yet), -ENOLINK (no
 * live lease), -EDESTADDRREQ (no endpoint), -EKEYREJECTED (the peer's key is of low order or our
 * own), or an error of routing and sending; after those two the retries go on.
 */
int sb_exchange_start(struct sb_net *sn, struct sb_peer *peer);

/* sb_exchange_receive() - one datagram of the bond socket. Silent unless it authenticates. */
void sb_exchange_receive(struct sb_net *sn, const struct sb_addr *from, const struct sb_addr *to,
			 const u8 *msg, size_t len, bool under_load);

/* sb_exchange_cancel() - forget what is under way with the peer. */
void sb_exchange_cancel(struct sb_net *sn, struct sb_peer *peer);

/* sb_exchange_forget() - the own key changes: all but the peer's replay counter goes. */
void sb_exchange_forget(struct sb_net *sn, struct sb_peer *peer);

/* sb_exchange_other_key() - the peer's key changes: all that was with the one before goes. */
void sb_exchange_other_key(struct sb_net *sn, struct sb_peer *peer);

/* sb_exchange_sweep() - retries and giving up; @now in boot time. */
void sb_exchange_sweep(struct sb_net *sn, struct sb_peer *peer, u64 now);

#endif
