/* SPDX-License-Identifier: GPL-2.0-only */
/* Telling of a drop: counter, tracepoint, and now and then an event. */
#ifndef SB_DROP_EVENT_H
#define SB_DROP_EVENT_H

#include <linux/types.h>
#include <uapi/linux/sealbond.h>
#include "exception_match.h"

struct sb_packet;

/* A drop as the tracepoint and the monitor group see it. */
struct sb_drop {
	struct sb_flow flow;		/* ifname, addresses, ports as far as they were readable */
	enum sealbond_reason reason;
	enum sealbond_dir dir;
	bool observed;			/* let pass, in mode observe */
	bool has_socket;			/* uid and cgroup are known */
	u32 len;			/* bytes from the IP or ARP header on */
	u32 uid;			/* of the sending socket, in the initial user namespace */
	u64 cgroup;			/* its cgroup's id */
};

/* sb_drop_report() - from a hook, under RCU. @reason is not NONE. */
void sb_drop_report(const struct sb_packet *p, enum sealbond_reason reason, bool observed);

#endif
