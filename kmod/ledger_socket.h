/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sockets by which the helper talks to its ledger. Which endpoints that may be, and how much, the
 * exceptions of kind LEDGER say, which a lock freezes; here is only whose packet it is.
 */
#ifndef SB_LEDGER_SOCKET_H
#define SB_LEDGER_SOCKET_H

#include <linux/types.h>

struct sb_net;
struct sock;

/*
 * sb_ledger_socket_add() - @sk counts until it is closed; the caller has it open. sn->lock held.
 * Returns 0 (also when it was there), or with *text -EOPNOTSUPP (not TCP), -EXDEV (of another
 * namespace), -EINVAL (it listens); -ENOMEM.
 */
int sb_ledger_socket_add(struct sb_net *sn, struct sock *sk, const char **text);

/* sb_ledger_sockets_sweep() - let go of those that are closed. sn->lock held. */
void sb_ledger_sockets_sweep(struct sb_net *sn);

/* sb_ledger_sockets_free() - of all; nobody reads them any more. An rcu_barrier() has to follow. */
void sb_ledger_sockets_free(struct sb_net *sn);

/* Packet path, under RCU. */

/* sb_ledger_socket_has() - is @sk, a sender or NULL, one of them? */
bool sb_ledger_socket_has(const struct sb_net *sn, const struct sock *sk);

/*
 * sb_ledger_socket_talks() - is one of them connecting or connected with exactly this other end, by
 * this own address? @family 4 or 6, addresses and ports in network order.
 */
bool sb_ledger_socket_talks(const struct sb_net *sn, u8 family, const void *remote,
			    __be16 remote_port, const void *local, __be16 local_port);

#endif
