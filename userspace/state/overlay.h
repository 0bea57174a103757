/* SPDX-License-Identifier: Apache-2.0 */
/* Inner addresses: the ledger gives each device its own, by an index into its prefixes. */
#ifndef SB_STATE_OVERLAY_H
#define SB_STATE_OVERLAY_H

#include "state/run.h"

/*
 * sb_overlay_prefix() - a prefix of a genesis or of new parameters: empty, or the address (length bytes) and its
 * bits, with no bit set behind them, and room for a device at least.
 */
bool sb_overlay_prefix(ProtobufCBinaryData prefix, size_t length);

/* index counts from 1. Fills addresses that there are prefixes for; false where the index is beyond one. */
bool sb_overlay_address(ProtobufCBinaryData prefix, size_t length, uint32_t index, uint8_t address[16]);

/* Gives the device the next index, or one that has become free, and its addresses. SB_TX_LIMIT. */
enum sb_tx_code sb_overlay_assign(struct sb_run *run, Sealbond__Device *device);

/* Takes them away. Others get the index only when all have been used once. */
enum sb_tx_code sb_overlay_free(struct sb_run *run, Sealbond__Device *device);

#endif
