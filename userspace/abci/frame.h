/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages on an ABCI socket: each has its length before it, as a varint. Pure: bytes come in, messages go out.
 */
#ifndef SB_ABCI_FRAME_H
#define SB_ABCI_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define SB_ABCI_MESSAGE_MAX	(64U << 20)	/* bytes; blocks and their genesis stay far below */
#define SB_ABCI_LENGTH_MAX	5		/* bytes of a length that is allowed */

/* What has come and is not used yet. All zeros is empty. */
struct sb_abci_input {
	uint8_t *data;
	size_t begin, end, room;
};

/*
 * sb_abci_space() - room for more: *space bytes at the result, to be followed by sb_abci_added(). Memory grows with
 * what has come, not with what a length promises. NULL: no memory.
 */
uint8_t *sb_abci_space(struct sb_abci_input *input, size_t *space);
void sb_abci_added(struct sb_abci_input *input, size_t length);

/*
 * sb_abci_take() - the next whole message: 1, valid until the next sb_abci_space(); 0: not all of it is there yet;
 * -EBADMSG: a length that is not in its shortest form; -EMSGSIZE: one above SB_ABCI_MESSAGE_MAX.
 */
int sb_abci_take(struct sb_abci_input *input, const uint8_t **message, size_t *length);

void sb_abci_input_free(struct sb_abci_input *input);

/* Writes a length; returns how many bytes it took. */
size_t sb_abci_length(size_t length, uint8_t out[SB_ABCI_LENGTH_MAX]);

#endif
