/* SPDX-License-Identifier: Apache-2.0 */
/* UTC without the C library: the same answer for every year, and nothing that a locale could change. */
#ifndef SB_CALENDAR_H
#define SB_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Gregorian, carried back to year 1. Out: seconds since 1970, negative before.
 * False, and *seconds untouched, for what no such calendar has; a leap second is none of its either.
 */
bool sb_calendar_seconds(int64_t year, int64_t month, int64_t day, int64_t hour, int64_t minute,
			 int64_t second, int64_t *seconds);

#endif
