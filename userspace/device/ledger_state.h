/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from what is known of this device's lease: its state, and when to do something next. Pure. */
#ifndef SB_LEDGER_STATE_H
#define SB_LEDGER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "device/message.h"

/* What keeps the role from knowing more. */
enum sb_ledger_trouble {
	SB_TROUBLE_NONE,
	SB_TROUBLE_UNREACHABLE,		/* no endpoint answers what can be proven */
	SB_TROUBLE_FORK,		/* two proven headers of one height */
	SB_TROUBLE_EXPIRED,		/* what is trusted is too old to judge by */
};

struct sb_lease_facts {
	enum sb_ledger_trouble trouble;
	bool stalled;			/* it is reached, and makes no blocks: as good as lost */
	bool asked;			/* the ledger was read since this process began */
	uint32_t device;		/* DeviceState of its record; 0: it has none */
	bool enrolling;			/* it has an enrolment that is not proven */
	bool has_deadline;
	uint64_t deadline_ms;		/* boot time at which the lease ends */
	uint64_t hold_ms;		/* what on_ledger_loss adds to it; 0: stop */
	uint64_t back_ms;		/* until then the ledger counts as lost, for it has only just come back */
};

enum sb_ledger_state sb_ledger_state(const struct sb_lease_facts *facts, uint64_t now_ms);

/* sb_ledger_lost() - it is away, stands still, or has only just come back: then leases that have ended are held. */
bool sb_ledger_lost(const struct sb_lease_facts *facts, uint64_t now_ms);

/*
 * sb_ledger_may_talk() - may bonds live? A lease that has ended is held only while the ledger is lost: what it
 * says is never overruled, and a state without a lease ends everything at once.
 */
bool sb_ledger_may_talk(const struct sb_lease_facts *facts, uint64_t now_ms);

/*
 * sb_lease_deadline() - boot time at which a lease ends: what is left of it at the block that has the heartbeat,
 * from when that was sent. Whatever holds an answer back only makes it shorter. 0: it has ended in that block.
 */
uint64_t sb_lease_deadline(uint64_t sent_ms, int64_t lease_end, int64_t block_seconds);

/* A sixth of the lease, a fifth of that more or less: devices that were started together drift apart. */
uint64_t sb_beat_after(uint64_t lease_ms, uint32_t random);

/*
 * sb_retry_after() - after so many failures in a row (1 and more): 2 s, doubling up to a 24th of the lease and to
 * 15 minutes, by half more or less.
 */
uint64_t sb_retry_after(unsigned int failures, uint64_t lease_ms, uint32_t random);

#endif
