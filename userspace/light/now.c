// SPDX-License-Identifier: Apache-2.0
#include "light/now.h"

#include <string.h>
#include <sys/timex.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/parse.h"

#ifndef SB_BUILD_TIME
#define SB_BUILD_TIME 0
#endif

/* A kernel's clock may be a little behind a validator's without being wrong. */
#define CLOCK_SLACK	10

static struct sb_chain_time add_ms(struct sb_chain_time time, uint64_t ms)
{
	time.nanos += (int32_t)(ms % 1000) * 1000000;
	time = sb_time_add(time, (int64_t)(ms / 1000));
	if (time.nanos >= 1000000000) {
		time.nanos -= 1000000000;
		time = sb_time_add(time, 1);
	}
	return time;
}

struct sb_light_now sb_now_of(const struct sb_now_facts *facts)
{
	struct sb_light_now now = { false, { facts->floor, 0 } };

	if (facts->has_proven) {
		struct sb_chain_time least = add_ms(facts->proven, facts->elapsed_ms);

		if (sb_time_compare(least, now.time) > 0)
			now.time = least;
	}
	if (!facts->believed || sb_time_compare(sb_time_add(facts->clock, CLOCK_SLACK), now.time) < 0)
		return now;
	return (struct sb_light_now){ true, facts->clock };
}

bool sb_clock_synchronized(void)
{
	struct timex state = { .modes = 0 };
	int result = adjtimex(&state);

	return result >= 0 && result != TIME_ERROR && !(state.status & STA_UNSYNC);
}

uint64_t sb_boot_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_BOOTTIME, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* "01234567-89ab-…": 32 digits and four dashes. */
void sb_boot_id(uint8_t id[16])
{
	sb_cleanup_fclose FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	char text[64] = "", digits[33];
	size_t count = 0;

	memset(id, 0, 16);
	if (!file || !fgets(text, sizeof(text), file))
		return;
	for (const char *at = text; *at && *at != '\n' && count < 32; at++)
		if (*at != '-')
			digits[count++] = *at;
	digits[count] = '\0';
	if (count == 32)
		(void)sb_parse_hex(digits, id, 16);
}

int64_t sb_build_time(void)
{
	return SB_BUILD_TIME;
}
