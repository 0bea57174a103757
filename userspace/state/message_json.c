// SPDX-License-Identifier: Apache-2.0
#include "state/message_json.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "common/parse.h"

/* ---- to JSON */

static void number_to_json(struct sb_json *out, const char *key, const ProtobufCFieldDescriptor *field,
			   const void *at, bool always)
{
	const ProtobufCEnumValue *value;
	int64_t wide;
	int32_t narrow;

	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_ENUM:
	case PROTOBUF_C_TYPE_BOOL:
		memcpy(&narrow, at, sizeof(narrow));
		if (!narrow && !always)
			return;
		value = field->type == PROTOBUF_C_TYPE_ENUM ?
			protobuf_c_enum_descriptor_get_value(field->descriptor, narrow) : NULL;
		if (value)
			sb_json_string(out, key, value->name);
		else if (field->type == PROTOBUF_C_TYPE_BOOL)
			sb_json_bool(out, key, narrow);
		else
			sb_json_number(out, key, (uint32_t)narrow);
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_INT64:
		memcpy(&wide, at, sizeof(wide));
		if (!wide && !always)
			break;
		if (field->type == PROTOBUF_C_TYPE_INT64)
			sb_json_signed(out, key, wide);
		else
			sb_json_number(out, key, (uint64_t)wide);
		break;
	default:
		break;
	}
}

static void value_to_json(struct sb_json *out, const char *key, const ProtobufCFieldDescriptor *field, const void *at,
			  bool always)
{
	const ProtobufCBinaryData *bytes = at;
	const char *text;

	switch (field->type) {
	case PROTOBUF_C_TYPE_MESSAGE:
		if (*(ProtobufCMessage *const *)at)
			sb_message_to_json(out, key, *(ProtobufCMessage *const *)at);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		if (bytes->len || always)
			sb_json_hex(out, key, bytes->data, bytes->len);
		break;
	case PROTOBUF_C_TYPE_STRING:
		text = *(char *const *)at;
		if ((text && *text) || always)
			sb_json_string(out, key, text ? text : "");
		break;
	default:
		number_to_json(out, key, field, at, always);
	}
}

static size_t size_of(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_ENUM:
	case PROTOBUF_C_TYPE_BOOL:
		return 4;
	default:
		return 8;
	}
}

void sb_message_to_json(struct sb_json *out, const char *key, const void *message)
{
	const ProtobufCMessageDescriptor *type = ((const ProtobufCMessage *)message)->descriptor;
	const uint8_t *base = message;

	sb_json_open(out, key, '{');
	for (unsigned int i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		const uint8_t *array;
		size_t count;

		if (field->label != PROTOBUF_C_LABEL_REPEATED) {
			bool one_of = field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;

			if (!one_of || *(const uint32_t *)(base + field->quantifier_offset) == field->id)
				value_to_json(out, field->name, field, base + field->offset, one_of);
			continue;
		}
		count = *(const size_t *)(base + field->quantifier_offset);
		array = *(uint8_t *const *)(base + field->offset);
		if (!count)
			continue;
		sb_json_open(out, field->name, '[');
		for (size_t n = 0; n < count; n++)
			value_to_json(out, NULL, field, array + n * size_of(field), true);
		sb_json_close(out, ']');
	}
	sb_json_close(out, '}');
}

/* ---- from JSON */

struct reading {
	char place[160];
	struct sb_error *error;
};

static void enter(struct reading *reading, size_t *before, const char *format, ...)
{
	va_list arguments;

	*before = strlen(reading->place);
	va_start(arguments, format);
	vsnprintf(reading->place + *before, sizeof(reading->place) - *before, format, arguments);
	va_end(arguments);
}

static int wrong(struct reading *reading, const char *what)
{
	return sb_fail(reading->error, -EINVAL, "%s: %s", reading->place[0] ? reading->place : "the whole", what);
}

static int read_object(struct reading *reading, json_object *object, ProtobufCMessage *message);

static int read_bytes(struct reading *reading, json_object *value, ProtobufCBinaryData *bytes)
{
	const char *text = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
	size_t digits = text ? strlen(text) : 1;
	uint8_t *data;
	int result;

	if (digits % 2)
		return wrong(reading, "bytes are a text of hex digits, two for each");
	data = malloc(digits / 2 + 1);
	if (!data)
		abort();
	result = sb_parse_hex(text, data, digits / 2);
	if (result == 0)
		sb_bytes_set(bytes, data, digits / 2);
	free(data);
	return result < 0 ? wrong(reading, "bytes are a text of hex digits, two for each") : 0;
}

static int read_number(struct reading *reading, json_object *value, const ProtobufCFieldDescriptor *field, void *at)
{
	bool is_wide = field->type == PROTOBUF_C_TYPE_INT64 || field->type == PROTOBUF_C_TYPE_UINT64;
	int64_t wide = json_object_get_int64(value);
	const ProtobufCEnumValue *named;
	uint32_t narrow;

	if (field->type == PROTOBUF_C_TYPE_BOOL) {
		if (!json_object_is_type(value, json_type_boolean))
			return wrong(reading, "true or false");
		narrow = (uint32_t)json_object_get_boolean(value);
		memcpy(at, &narrow, sizeof(narrow));
		return 0;
	}
	if (field->type == PROTOBUF_C_TYPE_ENUM) {
		named = json_object_is_type(value, json_type_string) ?
			protobuf_c_enum_descriptor_get_value_by_name(field->descriptor, json_object_get_string(value)) : NULL;
		if (!named)
			return wrong(reading, "no such name");
		memcpy(at, &named->value, 4);
		return 0;
	}
	/* (json-c makes what is out of its range the range's end) */
	if (!json_object_is_type(value, json_type_int) || wide == INT64_MAX || wide == INT64_MIN ||
	    (field->type != PROTOBUF_C_TYPE_INT64 && wide < 0) || (!is_wide && wide > UINT32_MAX))
		return wrong(reading, is_wide ? "a whole number" : "a whole number from 0 to 4294967295");
	narrow = (uint32_t)wide;
	memcpy(at, is_wide ? (void *)&wide : &narrow, is_wide ? 8 : 4);
	return 0;
}

static int read_value(struct reading *reading, json_object *value, const ProtobufCFieldDescriptor *field, void *at)
{
	ProtobufCMessage *inner;
	const char *text;

	switch (field->type) {
	case PROTOBUF_C_TYPE_MESSAGE:
		inner = sb_message_new(field->descriptor);
		*(ProtobufCMessage **)at = inner;
		return read_object(reading, value, inner);
	case PROTOBUF_C_TYPE_BYTES:
		return read_bytes(reading, value, at);
	case PROTOBUF_C_TYPE_STRING:
		text = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
		if (!text || strlen(text) != (size_t)json_object_get_string_len(value))
			return wrong(reading, "a text");
		sb_text_set(at, text);
		return 0;
	default:
		return read_number(reading, value, field, at);
	}
}

static int read_list(struct reading *reading, json_object *value, const ProtobufCFieldDescriptor *field, uint8_t *base)
{
	size_t count, before, size = size_of(field);
	uint8_t *array;
	int result = 0;

	if (!json_object_is_type(value, json_type_array))
		return wrong(reading, "a list, in [ ]");
	count = json_object_array_length(value);
	if (!count)
		return 0;
	array = calloc(count, size);
	if (!array)
		abort();
	*(uint8_t **)(base + field->offset) = array;
	for (size_t i = 0; i < count && result == 0; i++) {
		/* Before it is read, so that what is there of it is freed in any case. */
		*(size_t *)(base + field->quantifier_offset) = i + 1;
		enter(reading, &before, "[%zu]", i);
		result = read_value(reading, json_object_array_get_idx(value, i), field, array + i * size);
		if (result == 0)
			reading->place[before] = '\0';
	}
	return result;
}

static int read_member(struct reading *reading, json_object *value, const ProtobufCFieldDescriptor *field,
		       ProtobufCMessage *message)
{
	uint8_t *base = (uint8_t *)message;

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return read_list(reading, value, field, base);
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		uint32_t *which = (uint32_t *)(base + field->quantifier_offset);

		if (*which)
			return wrong(reading, "only one of these can be said at once");
		memset(base + field->offset, 0, size_of(field));
		*which = field->id;
	}
	return read_value(reading, value, field, base + field->offset);
}

static int read_object(struct reading *reading, json_object *object, ProtobufCMessage *message)
{
	if (!json_object_is_type(object, json_type_object))
		return wrong(reading, "an object, in { }");
	json_object_object_foreach(object, name, value) {
		const ProtobufCFieldDescriptor *field =
			protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
		size_t before;
		int result;

		enter(reading, &before, "%s%s", reading->place[0] ? "." : "", name);
		if (!field)
			return wrong(reading, "there is no such member");
		result = read_member(reading, value, field, message);
		if (result < 0)
			return result;
		reading->place[before] = '\0';
	}
	return 0;
}

void *sb_message_from_json(const ProtobufCMessageDescriptor *type, const char *text, size_t length,
			   struct sb_error *error)
{
	struct json_tokener *tokener = json_tokener_new_ex(16);
	struct reading reading = { .error = error };
	ProtobufCMessage *message = NULL;
	json_object *object;

	if (!tokener || length > INT32_MAX)
		abort();
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	object = json_tokener_parse_ex(tokener, text, (int)length);
	if (!object || json_tokener_get_error(tokener) != json_tokener_success) {
		(void)sb_fail(error, -EINVAL, "no JSON at byte %zu", json_tokener_get_parse_end(tokener));
	} else {
		message = sb_message_new(type);
		if (read_object(&reading, object, message) < 0) {
			sb_message_free(message);
			message = NULL;
		}
	}
	json_object_put(object);
	json_tokener_free(tokener);
	return message;
}
