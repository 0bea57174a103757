/* SPDX-License-Identifier: Apache-2.0 */
/* What can be wrong with an endpoint. The names are stable: docs/light-client.md has them. */
#ifndef SB_LIGHT_FAULT_H
#define SB_LIGHT_FAULT_H

#include <stdbool.h>

enum sb_fault {
	SB_FAULT_NONE,
	/* it does not answer */
	SB_FAULT_NO_CONNECTION,
	SB_FAULT_TLS,			/* its certificate or key is not one to believe */
	SB_FAULT_TIMEOUT,
	SB_FAULT_TRUNCATED,		/* the answer ends in its middle */
	SB_FAULT_TOO_LARGE,		/* the answer does not end */
	SB_FAULT_HTTP,			/* another status than 200 */
	/* it answers something else */
	SB_FAULT_ANSWER,		/* not JSON, or not of the method's shape */
	SB_FAULT_ID,			/* to another question */
	SB_FAULT_RPC,			/* an error of JSON-RPC */
	SB_FAULT_TOO_HIGH,		/* that height is not there yet */
	SB_FAULT_NOT_AVAILABLE,		/* that height is not there any more */
	SB_FAULT_NOT_FOUND,		/* no such transaction */
	SB_FAULT_KNOWN,			/* the transaction is there already */
	SB_FAULT_STALE,			/* it is behind what is proven */
	SB_FAULT_FUTURE,		/* its header is later than our clock: one of the two is wrong */
	/* it lies */
	SB_FAULT_CHAIN,			/* of another chain */
	SB_FAULT_HEADER,		/* a header that its validators did not sign */
	SB_FAULT_PROOF,			/* a record that is not in the state */
	SB_FAULT_INCLUSION,		/* a transaction that is not in its block */
	SB_FAULT_CHECKPOINT,		/* a checkpoint that the members did not sign */
	/* we are at fault */
	SB_FAULT_LOCAL,			/* no memory, or the system refused */
	SB_FAULTS
};

const char *sb_fault_name(enum sb_fault fault);
const char *sb_fault_text(enum sb_fault fault);

/* What it said is provably wrong: it is passed over for long. */
bool sb_fault_is_lie(enum sb_fault fault);

#endif
