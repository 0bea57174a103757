// SPDX-License-Identifier: Apache-2.0
#include "device/role.h"

#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>

static struct event_base *loop;
static struct event *terminate[2];
static void *frame_context;
static void (*frame_handler)(void *context, const struct sb_frame_header *header, const uint8_t *payload);

static void on_signal(evutil_socket_t number, short what, void *context)
{
	(void)number;
	(void)what;
	(void)context;
	event_base_loopbreak(loop);
}

static void on_frame(void *context, const struct sb_frame_header *header, const uint8_t *payload)
{
	(void)context;
	frame_handler(frame_context, header, payload);
}

static void on_closed(void *context)
{
	(void)context;
	event_base_loopbreak(loop);
}

struct sb_channel *sb_role_open(struct event_base *base,
				void (*frame)(void *context, const struct sb_frame_header *header,
					      const uint8_t *payload), void *context)
{
	static const struct sb_channel_handlers handlers = { on_frame, on_closed };
	static const int numbers[] = { SIGTERM, SIGINT };

	loop = base;
	frame_handler = frame;
	frame_context = context;
	signal(SIGPIPE, SIG_IGN);
	/* The parent alone acts on it; a terminal's goes to all. */
	signal(SIGHUP, SIG_IGN);
	if (fcntl(SB_ROLE_FD, F_SETFD, FD_CLOEXEC) < 0)
		return NULL;
	for (int i = 0; i < 2; i++) {
		terminate[i] = evsignal_new(base, numbers[i], on_signal, NULL);
		if (!terminate[i] || event_add(terminate[i], NULL) < 0)
			return NULL;
	}
	return sb_channel_open(base, SB_ROLE_FD, &handlers, NULL);
}
