// SPDX-License-Identifier: Apache-2.0
#include "common/calendar.h"

/* Years begin in March, so that the leap day is the last; an era has 400 of them. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = year - (month <= 2), era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t days_in(int64_t year, int64_t month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && (year % 400 == 0 || (year % 4 == 0 && year % 100 != 0)));
}

bool sb_calendar_seconds(int64_t year, int64_t month, int64_t day, int64_t hour, int64_t minute,
			 int64_t second, int64_t *seconds)
{
	if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > days_in(year, month) ||
	    hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
		return false;
	*seconds = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
	return true;
}
