/* SPDX-License-Identifier: Apache-2.0 */
/* WebSocket frames (RFC 6455, section 5), the server's side. Pure. */
#ifndef SB_LEDGER_WS_FRAME_H
#define SB_LEDGER_WS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sb_ws_opcode {
	SB_WS_CONTINUATION = 0,
	SB_WS_TEXT = 1,
	SB_WS_BINARY = 2,
	SB_WS_CLOSE = 8,
	SB_WS_PING = 9,
	SB_WS_PONG = 10,
};

#define SB_WS_CONTROL_MAX	125	/* bytes of a close, ping or pong */
#define SB_WS_HEAD_MAX		10	/* of a server's frame */

struct sb_ws_frame {
	enum sb_ws_opcode opcode;
	bool last;
	uint8_t *data;		/* in the buffer, unmasked there */
	size_t length;
};

/*
 * Takes the first frame of what a client has sent. Returns the bytes that it has, 0 when it is not whole yet,
 * or -EBADMSG: not masked, reserved bits or opcodes, a control frame in pieces or too long; -EFBIG: more than
 * `most` bytes of data.
 */
int sb_ws_take(uint8_t *buffer, size_t length, size_t most, struct sb_ws_frame *frame);

/* The head of a whole frame with so many bytes of data. Returns its length. */
size_t sb_ws_head(enum sb_ws_opcode opcode, size_t length, uint8_t head[SB_WS_HEAD_MAX]);

/* Sec-WebSocket-Accept of a Sec-WebSocket-Key (24 characters of base64); false for what is none. */
#define SB_WS_ACCEPT_ROOM	32
bool sb_ws_accept(const char *key, char accept[SB_WS_ACCEPT_ROOM]);

#endif
