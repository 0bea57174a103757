/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For how long a grant is, by two devices' records: a function of them, of the parameters and of a time that the
 * request names, so that nodes with the same records sign the same bytes. Pure.
 *
 * The holder's kernel counts a grant's duration from its request, which is older than any signature under the
 * grant. A node signs for times only that are not before its own now: duration = lease's end - as_of is then never
 * more than what is left of the lease when it signs, and the grant ends with the lease or before it. A time that is
 * further ahead gives a shorter grant, an old one none at all.
 */
#ifndef SB_LEDGER_GRANT_TERMS_H
#define SB_LEDGER_GRANT_TERMS_H

#include <stdbool.h>

#include "state/codes.h"
#include "state/ledger.pb-c.h"

#define SB_GRANT_AHEAD		30	/* seconds that a node names a time ahead, for the others to agree to */
#define SB_GRANT_AHEAD_MOST	60	/* and so far ahead it agrees to another's: their clocks may differ */

struct sb_grant_terms {
	int64_t as_of;
	uint64_t duration_ms;		/* with the hold */
	uint32_t hold_s;		/* of it, at its end */
	bool quarantine;
};

/*
 * sb_grant_terms() - @now: the node's, the later one of its last block's time and its clock. @as_of: what the
 * request names; 0: a 32nd of the ledger's lease ahead of now, 1 to SB_GRANT_AHEAD seconds. @hold: what the holder
 * asks for, at most; granted up to the ledger's, and only between live devices in one zone (@inside). @why: at least
 * SB_TX_LOG_MAX bytes. Returns SB_TX_OK; SB_TX_STATE: one of them has no lease, or not until then; SB_TX_FIELD: an
 * as_of that is over, or too far ahead.
 */
enum sb_tx_code sb_grant_terms(const Sealbond__Parameters *parameters, const Sealbond__Device *holder,
			       const Sealbond__Device *device, bool inside, int64_t now, int64_t as_of, uint32_t hold,
			       struct sb_grant_terms *terms, char *why);

#endif
