// SPDX-License-Identifier: Apache-2.0
#include "state/message.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

struct budget {
	size_t left;
};

static void *take(void *allocator_data, size_t size)
{
	struct budget *budget = allocator_data;
	void *memory;

	if (size > budget->left)
		return NULL;
	budget->left -= size;
	memory = malloc(size ? size : 1);
	if (!memory)
		abort();
	return memory;
}

static void give(void *allocator_data, void *memory)
{
	(void)allocator_data;
	free(memory);
}

/* RFC 3629: shortest forms, no surrogates, up to U+10FFFF. */
static bool is_utf8(const char *text)
{
	const uint8_t *at = (const uint8_t *)text;

	while (*at) {
		unsigned int more = *at < 0x80 ? 0 : *at >= 0xc2 && *at < 0xe0 ? 1 : *at >= 0xe0 && *at < 0xf0 ? 2 :
				    *at >= 0xf0 && *at < 0xf5 ? 3 : 4;
		uint8_t first = *at++;

		if (more == 4 || (first == 0xe0 && *at < 0xa0) || (first == 0xed && *at > 0x9f) ||
		    (first == 0xf0 && *at < 0x90) || (first == 0xf4 && *at > 0x8f))
			return false;
		for (; more; more--)
			if ((*at++ & 0xc0) != 0x80)
				return false;
	}
	return true;
}

static bool is_known(const ProtobufCMessage *message);

static bool element_is_known(const ProtobufCFieldDescriptor *field, const void *element)
{
	if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
		const ProtobufCMessage *inner = *(ProtobufCMessage *const *)element;

		return !inner || is_known(inner);
	}
	if (field->type == PROTOBUF_C_TYPE_STRING) {
		const char *text = *(char *const *)element;

		return !text || is_utf8(text);
	}
	return true;
}

static bool field_is_known(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const uint8_t *base = (const uint8_t *)message, *member = base + field->offset;

	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		size_t count, size = field->type == PROTOBUF_C_TYPE_MESSAGE ? sizeof(void *) : sizeof(char *);
		const uint8_t *array = *(uint8_t *const *)member;

		if (field->type != PROTOBUF_C_TYPE_MESSAGE && field->type != PROTOBUF_C_TYPE_STRING)
			return true;
		memcpy(&count, base + field->quantifier_offset, sizeof(count));
		for (size_t i = 0; i < count; i++)
			if (!element_is_known(field, array + i * size))
				return false;
		return true;
	}
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		uint32_t which;

		memcpy(&which, base + field->quantifier_offset, sizeof(which));
		if (which != field->id)
			return true;
	}
	return element_is_known(field, member);
}

/* The schema has no message within itself, so that this ends. */
static bool is_known(const ProtobufCMessage *message)
{
	if (message->n_unknown_fields)
		return false;
	for (unsigned int i = 0; i < message->descriptor->n_fields; i++)
		if (!field_is_known(message, &message->descriptor->fields[i]))
			return false;
	return true;
}

void *sb_message_read(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length)
{
	struct budget budget = { SB_MESSAGE_MEMORY_MAX };
	ProtobufCAllocator allocator = { take, give, &budget };
	ProtobufCMessage *message = protobuf_c_message_unpack(type, &allocator, length, data);
	sb_cleanup_free uint8_t *again = NULL;
	size_t again_length;

	if (!message)
		return NULL;
	again = sb_message_pack(message, &again_length);
	if (again_length == length && (!length || memcmp(again, data, length) == 0) && is_known(message))
		return message;
	sb_message_free(message);
	return NULL;
}

void *sb_message_new(const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *message = malloc(type->sizeof_message);

	if (!message)
		abort();
	type->message_init(message);
	return message;
}

uint8_t *sb_message_pack(const void *message, size_t *length)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *data = malloc(size ? size : 1);

	if (!data)
		abort();
	*length = protobuf_c_message_pack(message, data);
	return data;
}

void sb_message_free(void *message)
{
	if (message)
		protobuf_c_message_free_unpacked(message, NULL);
}

void sb_bytes_set(ProtobufCBinaryData *field, const void *data, size_t length)
{
	uint8_t *copy = length ? malloc(length) : NULL;

	if (length && !copy)
		abort();
	if (length)
		memcpy(copy, data, length);
	free(field->data);
	field->data = copy;
	field->len = length;
}

void sb_text_set(char **field, const char *text)
{
	char *copy = *text ? strdup(text) : (char *)protobuf_c_empty_string;

	if (!copy)
		abort();
	if (*field != protobuf_c_empty_string)
		free(*field);
	*field = copy;
}
