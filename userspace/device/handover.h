/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger role's sockets go to the link role, which registers them with the kernel: in mode enforce only those
 * reach a ledger. A pair of SOCK_SEQPACKET sockets that the parent keeps: a role that is started anew gets the
 * same end again.
 */
#ifndef SB_HANDOVER_H
#define SB_HANDOVER_H

#include <stdint.h>

struct sb_handover_request {	/* with one descriptor in SCM_RIGHTS */
	uint32_t id;
};
struct sb_handover_answer {
	uint32_t id;
	int32_t error;		/* 0 or a negative errno; -ENOENT: no module */
	char text[160];		/* the kernel's words, terminated */
};

/* The ledger role's side. Without sb_handover_use() nothing is given. Not for more than one thread at once. */
void sb_handover_use(int fd);
/*
 * Gives a socket and waits until the kernel has it, or two seconds: the caller goes on in any case, and a socket that
 * is not let pass is seen by that its packets are not answered. What was refused is logged, once for each reason.
 */
void sb_handover_give(int socket_fd);

/* The link role's side: the next request, without waiting. Its descriptor, to be closed, or -EAGAIN, -EBADMSG, -errno. */
int sb_handover_take(int fd, uint32_t *id);

#endif
