/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SB_STATE_ZONE_H
#define SB_STATE_ZONE_H

#include "state/run.h"

#define SB_ZONE_ID_LEN		16
#define SB_ZONE_RECORD_MAX	60000	/* bytes of Zone.sealed: with its transaction below 65,536 */

#define SB_ZONES_PER_ACCOUNT	64	/* that one made who is no member: zones_most is for all together */

/* Of one that is there. */
enum sb_tx_code sb_zone_remove(struct sb_run *run, const uint8_t id[SB_ZONE_ID_LEN]);

#endif
