// SPDX-License-Identifier: Apache-2.0
#include "ledger/ws_frame.h"

#include <errno.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <string.h>

static bool known(unsigned int opcode)
{
	return opcode <= SB_WS_BINARY || (opcode >= SB_WS_CLOSE && opcode <= SB_WS_PONG);
}

int sb_ws_take(uint8_t *buffer, size_t length, size_t most, struct sb_ws_frame *frame)
{
	unsigned int opcode;
	size_t head = 2;
	uint64_t size;
	uint8_t *mask;

	if (length < 2)
		return 0;
	opcode = buffer[0] & 15;
	if (buffer[0] & 0x70 || !known(opcode) || !(buffer[1] & 0x80))
		return -EBADMSG;
	size = buffer[1] & 0x7f;
	if (opcode >= SB_WS_CLOSE && (size > SB_WS_CONTROL_MAX || !(buffer[0] & 0x80)))
		return -EBADMSG;
	if (size > 125) {
		size_t wide = size == 126 ? 2 : 8;

		if (length < head + wide)
			return 0;
		size = 0;
		for (size_t i = 0; i < wide; i++)
			size = size << 8 | buffer[head + i];
		head += wide;
	}
	if (size > most)
		return -EFBIG;
	if (length < head + 4 + size)
		return 0;
	mask = buffer + head;
	frame->opcode = (enum sb_ws_opcode)opcode;
	frame->last = buffer[0] & 0x80;
	frame->data = mask + 4;
	frame->length = (size_t)size;
	for (size_t i = 0; i < frame->length; i++)
		frame->data[i] ^= mask[i & 3];
	return (int)(head + 4 + size);
}

size_t sb_ws_head(enum sb_ws_opcode opcode, size_t length, uint8_t head[SB_WS_HEAD_MAX])
{
	size_t wide = length < 126 ? 0 : length < 65536 ? 2 : 8;

	head[0] = 0x80 | (uint8_t)opcode;
	head[1] = wide == 0 ? (uint8_t)length : wide == 2 ? 126 : 127;
	for (size_t i = 0; i < wide; i++)
		head[2 + i] = (uint8_t)((uint64_t)length >> (8 * (wide - 1 - i)));
	return 2 + wide;
}

bool sb_ws_accept(const char *key, char accept[SB_WS_ACCEPT_ROOM])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	uint8_t nonce[24], digest[SHA_DIGEST_LENGTH];
	char text[24 + sizeof(guid)];
	size_t length;

	if (strlen(key) != 24 || sodium_base642bin(nonce, sizeof(nonce), key, 24, NULL, &length, NULL,
						   sodium_base64_VARIANT_ORIGINAL) || length != 16)
		return false;
	memcpy(text, key, 24);
	memcpy(text + 24, guid, sizeof(guid));
	SHA1((const uint8_t *)text, 24 + sizeof(guid) - 1, digest);
	sodium_bin2base64(accept, SB_WS_ACCEPT_ROOM, digest, sizeof(digest), sodium_base64_VARIANT_ORIGINAL);
	return true;
}
