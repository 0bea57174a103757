/* SPDX-License-Identifier: GPL-2.0-only */
/* The empty packet that confirms a new epoch to the responder. */
#ifndef SB_PROBE_H
#define SB_PROBE_H

struct sb_net;
struct sb_peer;

/*
 * sb_probe_send() - a packet with next header 59 ("none") through the bond. The peer's hooks take
 * it away. Process context. A lost probe costs nothing: any packet confirms, and the responder
 * starts anew by itself.
 */
void sb_probe_send(struct sb_net *sn, struct sb_peer *peer);

#endif
