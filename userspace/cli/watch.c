// SPDX-License-Identifier: Apache-2.0
#include "cli/watch.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void close_events(struct sb_events **events)
{
	sb_events_close(*events);
}

int cli_watch(struct sb_cli *cli, bool handshake, uint64_t for_ms, void (*ready)(void *context),
	      void (*each)(void *context, const struct sb_event *event), void *context)
{
	sb_cleanup(close_events) struct sb_events *events = NULL;
	uint64_t end = now_ms() + for_ms;
	struct sb_error error;
	int result = sb_events_open(&events, handshake, true, &error);

	if (result < 0)
		return cli_fail(cli, result == -ENOENT ? SB_EXIT_NO_MODULE : result == -EPERM ? SB_EXIT_PERMISSION :
				SB_EXIT_FAILED, "%s", error.text);
	cli_catch_stop();
	if (ready)
		ready(context);
	while (!cli_stopped && !ferror(stdout)) {
		struct pollfd poll_fd = { .fd = sb_events_fd(events), .events = POLLIN };
		uint64_t now = now_ms();

		if (for_ms && now >= end)
			break;
		if (poll(&poll_fd, 1, for_ms ? (int)(end - now) : -1) <= 0)
			continue;
		result = sb_events_read(events, each, context);
		if (result == -ENOBUFS)
			fputs("sealbond: events came faster than they were read; some are missing\n", stderr);
		else if (result < 0)
			return cli_fail(cli, SB_EXIT_FAILED, "reading events failed");
	}
	return SB_EXIT_OK;
}

const char *cli_proto_word(int proto)
{
	switch (proto) {
	case 1:
		return "icmp";
	case 2:
		return "igmp";
	case 6:
		return "tcp";
	case 17:
		return "udp";
	case 50:
		return "esp";
	case 58:
		return "icmp6";
	default:
		return NULL;
	}
}
