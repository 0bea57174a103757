/* SPDX-License-Identifier: GPL-2.0-only */
/* The bond sockets of a namespace: one UDP port, IPv4 and IPv6, for handshakes and ESP-in-UDP. */
#ifndef SB_SOCKET_H
#define SB_SOCKET_H

#include <linux/workqueue.h>
#include "message.h"

struct sb_net;

/*
 * sb_socket_open() - bind @port on both families. IPv6 may be off on the machine; IPv4 must work.
 * sn->lock held. Returns 0 or -errno (-EADDRINUSE); on failure nothing is open.
 */
int sb_socket_open(struct sb_net *sn, u16 port);

/*
 * sb_socket_encap() - take in encapsulated ESP on this family's socket from now on; idempotent.
 * sn->lock held. Returns 0 or -errno.
 */
int sb_socket_encap(struct sb_net *sn, bool v4);

/* sb_socket_close() - idempotent; no packet is taken in after it. sn->lock held. */
void sb_socket_close(struct sb_net *sn);

/*
 * sb_socket_send() - one datagram. @local's address is used as the source unless it is all zero.
 * sn->lock held. Returns 0 or -errno.
 */
int sb_socket_send(struct sb_net *sn, const struct sb_addr *local, const struct sb_addr *remote,
		   const void *data, size_t len);

/* sb_socket_work() - hands received handshakes on; the work item sn->rx_work. */
void sb_socket_work(struct work_struct *work);

#endif
