/* SPDX-License-Identifier: Apache-2.0 */
/* One end of a framed connection in an event loop. */
#ifndef SB_CHANNEL_H
#define SB_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "common/frame.h"

/* Bytes that may wait for the other end to read. */
#define SB_CHANNEL_ROOM	(256 * 1024)

struct event_base;
struct sb_channel;

struct sb_channel_handlers {
	/* payload is header->length bytes and good until the handler returns. */
	void (*frame)(void *context, const struct sb_frame_header *header, const uint8_t *payload);
	/* The other end is gone or broken; the handler may close the channel. */
	void (*closed)(void *context);
};

/* Takes the descriptor over. NULL when there is no memory; then the descriptor is closed too. */
struct sb_channel *sb_channel_open(struct event_base *base, int fd, const struct sb_channel_handlers *handlers,
				   void *context);
void sb_channel_close(struct sb_channel *channel);

/* Queues a frame. -ENOBUFS when the other end does not read; 0 with channel NULL: there is nobody. */
int sb_channel_send(struct sb_channel *channel, uint8_t from, uint8_t to, uint16_t type,
		    const void *payload, size_t length);

#endif
