/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Framed messages over a stream socket between the parent and its roles, and between the CLI
 * and the parent. Both ends run on one machine: integers are in host order.
 */
#ifndef SB_FRAME_H
#define SB_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define SB_FRAME_MAX	8192	/* bytes of payload */

struct sb_frame_header {
	uint32_t length;	/* of the payload that follows */
	uint16_t type;		/* enum sb_message */
	uint8_t from;		/* enum sb_role_id; written by the parent on the way */
	uint8_t to;		/* enum sb_role_id */
};

_Static_assert(sizeof(struct sb_frame_header) == 8, "a frame's header is 8 bytes");

/*
 * Looks at the start of length bytes.
 * Returns the size of the whole frame when it is there (header and payload are set, payload
 * points into data), 0 when more bytes are needed, -EMSGSIZE when it says it is longer than
 * allowed: the sender is broken and the connection is to be closed.
 */
int sb_frame_decode(const uint8_t *data, size_t length, struct sb_frame_header *header,
		    const uint8_t **payload);

/* Writes header and payload; returns the bytes written, or -EMSGSIZE. */
int sb_frame_encode(uint8_t *out, size_t room, const struct sb_frame_header *header,
		    const void *payload);

#endif
