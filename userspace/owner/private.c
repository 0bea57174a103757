// SPDX-License-Identifier: Apache-2.0
#include "owner/private.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "state/membership.h"

/* Before what it gave out, so that it can be wiped when it is freed. */
struct block {
	size_t size;
	max_align_t data[];
};

static void *wiping_alloc(void *context, size_t size)
{
	struct block *block;

	(void)context;
	if (size > SIZE_MAX - sizeof(*block))
		return NULL;
	block = malloc(sizeof(*block) + size);
	if (!block)
		return NULL;
	block->size = size;
	return block->data;
}

static void wiping_free(void *context, void *pointer)
{
	struct block *block;

	(void)context;
	if (!pointer)
		return;
	block = (struct block *)((uint8_t *)pointer - offsetof(struct block, data));
	sodium_memzero(block->data, block->size);
	free(block);
}

static ProtobufCAllocator wiping = { .alloc = wiping_alloc, .free = wiping_free };

void sb_private_free(void *message)
{
	if (message)
		protobuf_c_message_free_unpacked(message, &wiping);
}

void sb_private_release(uint8_t *data, size_t length)
{
	if (data)
		sodium_memzero(data, length);
	free(data);
}

uint8_t *sb_private_pack(const void *message, size_t *length)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *data = malloc(size ? size : 1);

	if (data)
		*length = protobuf_c_message_pack(message, data);
	return data;
}

/* Nothing that this version does not know, at any depth. The messages of private.proto are repeated ones only. */
static bool all_known(const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;

	if (message->n_unknown_fields)
		return false;
	for (unsigned int i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		const uint8_t *base = (const uint8_t *)message;
		ProtobufCMessage *const *inner;

		if (field->type != PROTOBUF_C_TYPE_MESSAGE || field->label != PROTOBUF_C_LABEL_REPEATED)
			continue;
		memcpy(&inner, base + field->offset, sizeof(inner));
		for (size_t n = *(const size_t *)(base + field->quantifier_offset); n; n--)
			if (!all_known(inner[n - 1]))
				return false;
	}
	return true;
}

void *sb_private_unpack(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length)
{
	ProtobufCMessage *message = protobuf_c_message_unpack(type, &wiping, length, data);
	uint8_t *again;
	size_t size = 0;
	int same;

	if (!message)
		return NULL;
	again = sb_private_pack(message, &size);
	same = again && size == length && all_known(message) && sodium_memcmp(again, data, length) == 0;
	sb_private_release(again, size);
	if (same)
		return message;
	sb_private_free(message);
	return NULL;
}

int sb_membership_content_check(const SealbondPrivate__MembershipContent *content)
{
	if (content->device.len != 32 || content->n_belongings > SB_TAGS_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < content->n_belongings; i++) {
		const SealbondPrivate__Belonging *one = content->belongings[i];

		if (one->zone.len != 16 || one->key.len != 32 || one->authority.len != SB_TAG_LEN ||
		    one->proof.len != SB_TAG_PROOF_LEN)
			return -EBADMSG;
	}
	return 0;
}

int sb_zone_content_check(const SealbondPrivate__ZoneContent *content)
{
	for (size_t i = 0; i < content->n_devices; i++) {
		const SealbondPrivate__ZoneDevice *one = content->devices[i];

		if (one->device.len != 32 || one->proof.len != SB_TAG_PROOF_LEN)
			return -EBADMSG;
		if (i && memcmp(content->devices[i - 1]->device.data, one->device.data, 32) >= 0)
			return -EBADMSG;
	}
	if (content->n_left > SB_ZONE_LEFT_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < content->n_left; i++)
		if (content->left[i].len != 32)
			return -EBADMSG;
	for (size_t i = 0; i < content->n_allowed; i++) {
		const SealbondPrivate__Allowed *one = content->allowed[i];

		if (one->protocol > 255 || one->port > 65535 || one->port_end > 65535 ||
		    (one->port_end && one->port_end < one->port))
			return -EBADMSG;
	}
	return 0;
}
