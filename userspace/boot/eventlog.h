/* SPDX-License-Identifier: Apache-2.0 */
/* The firmware's event log: what it measured before an operating system ran. Pure. */
#ifndef SB_EVENTLOG_H
#define SB_EVENTLOG_H

#include <stddef.h>
#include <stdint.h>

/* Where Linux shows it. */
#define SB_EVENTLOG_PATH	"/sys/kernel/security/tpm0/binary_bios_measurements"
#define SB_EVENTLOG_MAX		(4U << 20)	/* bytes */

/*
 * The SHA-256 value that a PCR has after all events of the log, by replaying them.
 * Source: TCG PC Client Platform Firmware Profile 1.06, 10.2 (crypto agile log).
 * In: length bytes of a log; pcr below 24, not 0, whose start value depends on the locality.
 * Returns 0, -EBADMSG for what is no whole such log, or -ENOENT for one without SHA-256 (a log of the
 * TPM 1.2 format). value is untouched on failure.
 */
int sb_eventlog_replay(const uint8_t *log, size_t length, unsigned int pcr, uint8_t value[32]);

#endif
