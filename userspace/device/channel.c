// SPDX-License-Identifier: Apache-2.0
#include "device/channel.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <unistd.h>

#include "common/cleanup.h"

struct sb_channel {
	struct bufferevent *stream;
	const struct sb_channel_handlers *handlers;
	void *context;
	int busy;	/* inside a handler: closing waits */
	int closing;
};

#define FRAME_ROOM	(sizeof(struct sb_frame_header) + SB_FRAME_MAX)

static void destroy(struct sb_channel *channel)
{
	bufferevent_free(channel->stream);
	free(channel);
}

static void leave(struct sb_channel *channel)
{
	if (--channel->busy == 0 && channel->closing)
		destroy(channel);
}

static void on_read(struct bufferevent *stream, void *context)
{
	struct sb_channel *channel = context;
	struct evbuffer *input = bufferevent_get_input(stream);

	channel->busy++;
	while (!channel->closing) {
		size_t there = evbuffer_get_length(input);
		struct sb_frame_header header;
		const uint8_t *payload;
		int size;

		if (there > FRAME_ROOM)
			there = FRAME_ROOM;
		size = sb_frame_decode(evbuffer_pullup(input, (ssize_t)there), there, &header, &payload);
		if (size < 0) {
			bufferevent_disable(stream, EV_READ);
			channel->handlers->closed(channel->context);
			break;
		}
		if (size == 0)
			break;
		channel->handlers->frame(channel->context, &header, payload);
		evbuffer_drain(input, (size_t)size);
	}
	leave(channel);
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
	struct sb_channel *channel = context;

	(void)stream;
	if (!(what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) || channel->closing)
		return;
	channel->busy++;
	channel->handlers->closed(channel->context);
	leave(channel);
}

struct sb_channel *sb_channel_open(struct event_base *base, int fd, const struct sb_channel_handlers *handlers,
				   void *context)
{
	struct sb_channel *channel = calloc(1, sizeof(*channel));

	if (channel)
		channel->stream = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!channel || !channel->stream) {
		close(fd);
		free(channel);
		return NULL;
	}
	channel->handlers = handlers;
	channel->context = context;
	bufferevent_setcb(channel->stream, on_read, NULL, on_event, channel);
	bufferevent_setwatermark(channel->stream, EV_READ, 0, 2 * FRAME_ROOM);
	bufferevent_enable(channel->stream, EV_READ | EV_WRITE);
	return channel;
}

void sb_channel_close(struct sb_channel *channel)
{
	if (!channel)
		return;
	channel->closing = 1;
	if (channel->busy == 0)
		destroy(channel);
}

int sb_channel_send(struct sb_channel *channel, uint8_t from, uint8_t to, uint16_t type,
		    const void *payload, size_t length)
{
	struct sb_frame_header header = { .length = (uint32_t)length, .type = type, .from = from, .to = to };
	uint8_t frame[FRAME_ROOM];
	int size;

	if (!channel)
		return 0;
	if (length > SB_FRAME_MAX)
		return -EMSGSIZE;
	if (evbuffer_get_length(bufferevent_get_output(channel->stream)) > SB_CHANNEL_ROOM)
		return -ENOBUFS;
	size = sb_frame_encode(frame, sizeof(frame), &header, payload);
	if (size < 0)
		return size;
	return bufferevent_write(channel->stream, frame, (size_t)size) < 0 ? -ENOMEM : 0;
}
