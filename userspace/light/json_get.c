// SPDX-License-Identifier: Apache-2.0
#include "light/json_get.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/parse.h"

json_object *sb_json_member(json_object *object, const char *name, enum json_type type)
{
	json_object *found;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, name, &found) || !json_object_is_type(found, type))
		return NULL;
	return found;
}

const char *sb_json_text(json_object *object, const char *name)
{
	json_object *found = sb_json_member(object, name, json_type_string);
	const char *text = found ? json_object_get_string(found) : NULL;

	/* A NUL within would end the string early for everything that follows. */
	return text && strlen(text) == (size_t)json_object_get_string_len(found) ? text : NULL;
}

/* A string of decimal digits, with a minus where it may be negative; no other form. */
static bool parse_int64(const char *text, int64_t *value)
{
	const char *digits = text ? text + (*text == '-') : "";
	int64_t sum = 0;

	if (!digits[0] || (digits[0] == '0' && (digits[1] || digits != text)))
		return false;
	for (; *digits; digits++) {
		if (*digits < '0' || *digits > '9' || __builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_sub_overflow(sum, *digits - '0', &sum))
			return false;
	}
	if (*text != '-' && __builtin_sub_overflow(0, sum, &sum))
		return false;
	*value = sum;
	return true;
}

bool sb_json_int64(json_object *object, const char *name, int64_t *value)
{
	return parse_int64(sb_json_text(object, name), value);
}

bool sb_json_ranged(json_object *object, const char *name, int64_t least, int64_t most,
		       int64_t *value)
{
	json_object *found = sb_json_member(object, name, json_type_int);
	int64_t number = found ? json_object_get_int64(found) : 0;

	if (!found || number < least || number > most)
		return false;
	*value = number;
	return true;
}

bool sb_json_bytes(json_object *object, const char *name, size_t most, uint8_t **data, size_t *length)
{
	const char *text = sb_json_text(object, name);
	sb_cleanup_free uint8_t *read = NULL;
	json_object *found;
	size_t got = 0;

	if (!text && (!json_object_is_type(object, json_type_object) ||
		      (json_object_object_get_ex(object, name, &found) && found)))
		return false;
	/* A byte more, so that no bytes are no NULL. */
	read = malloc(text ? strlen(text) / 4 * 3 + 1 : 1);
	if (!read || (text && text[0] && sb_parse_base64(text, read, strlen(text) / 4 * 3, &got) < 0) || got > most)
		return false;
	*data = sb_take_ptr(read);
	*length = got;
	return true;
}

void sb_json_copy_text(json_object *object, const char *name, char *out, size_t room)
{
	const char *text = sb_json_text(object, name);
	size_t at = 0;

	/* For people's terminals: no control characters, whoever sent it, nor those that UTF-8 has in two bytes. */
	for (; text && *text && at + 1 < room; text++) {
		bool two = (unsigned char)text[0] == 0xc2 && (unsigned char)text[1] >= 0x80 && (unsigned char)text[1] < 0xa0;

		out[at++] = (unsigned char)*text < 0x20 || *text == 0x7f || two ? ' ' : *text;
		text += two;
	}
	out[at] = '\0';
}
