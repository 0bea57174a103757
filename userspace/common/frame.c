// SPDX-License-Identifier: Apache-2.0
#include "common/frame.h"

#include <errno.h>
#include <string.h>

int sb_frame_decode(const uint8_t *data, size_t length, struct sb_frame_header *header,
		    const uint8_t **payload)
{
	struct sb_frame_header read;

	if (length < sizeof(read))
		return 0;
	memcpy(&read, data, sizeof(read));
	if (read.length > SB_FRAME_MAX)
		return -EMSGSIZE;
	if (length - sizeof(read) < read.length)
		return 0;
	*header = read;
	*payload = data + sizeof(read);
	return (int)(sizeof(read) + read.length);
}

int sb_frame_encode(uint8_t *out, size_t room, const struct sb_frame_header *header,
		    const void *payload)
{
	if (header->length > SB_FRAME_MAX || room < sizeof(*header) + header->length)
		return -EMSGSIZE;
	memcpy(out, header, sizeof(*header));
	if (header->length > 0)
		memcpy(out + sizeof(*header), payload, header->length);
	return (int)(sizeof(*header) + header->length);
}
