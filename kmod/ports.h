/* SPDX-License-Identifier: GPL-2.0-only */
/* What may pass through a bond whose peer was granted for some protocols and ports only. */
#ifndef SB_PORTS_H
#define SB_PORTS_H

#include "pure.h"
#include "exception_match.h"

#define SB_PORT_RULES	8

struct sb_port_rule {
	u8 proto;		/* IP protocol */
	u8 by;			/* SEALBOND_X_DIR_*: IN, the peer begins; OUT, we do */
	u16 first, last;	/* of who does not begin, host order; 0, 0: any */
};

struct sb_ports {
	u8 n;			/* 0: everything passes */
	struct sb_port_rule rule[SB_PORT_RULES];
};

/* sb_ports_of() - does this protocol have ports where TCP has them? */
bool sb_ports_of(u8 proto);

/*
 * sb_ports_allow() - may this packet of the inside of the bond pass? A packet to a rule's port by who
 * may begin, or from it to who did: of TCP such an answer does not open a connection; of other
 * protocols nothing tells an answer from what is sent unasked. No fragment passes, and nothing
 * whose ports cannot be read; a packet without content (protocol 59) does, since nobody takes it in.
 */
bool sb_ports_allow(const struct sb_ports *ports, const struct sb_flow *flow);

#endif
