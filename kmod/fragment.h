/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Outgoing fragments. The stack cuts a packet behind POST_ROUTING, so egress sees pieces that do
 * not say whose they are. A piece passes when it continues, at the very next byte, one that has
 * just passed on the same device; each passes once.
 */
#ifndef SB_FRAGMENT_H
#define SB_FRAGMENT_H

#include <linux/types.h>

struct sb_packet;

/* sb_fragment_continues() - is it the piece that is expected? Uses the expectation up. */
bool sb_fragment_continues(const struct sb_packet *p);

/* sb_fragment_expect() - an accepted piece: expect the next, unless this is the last. */
void sb_fragment_expect(const struct sb_packet *p);

#endif
