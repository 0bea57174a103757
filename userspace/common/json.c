// SPDX-License-Identifier: Apache-2.0
#include "common/json.h"

#include <inttypes.h>

static void quote(FILE *stream, const char *text)
{
	fputc('"', stream);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(stream, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(stream, "\\u%04x", c);
		else
			fputc(c, stream);
	}
	fputc('"', stream);
}

static void begin(struct sb_json *json, const char *key)
{
	if (json->comma)
		fputc(',', json->stream);
	json->comma = true;
	if (key) {
		quote(json->stream, key);
		fputc(':', json->stream);
	}
}

void sb_json_open(struct sb_json *json, const char *key, char bracket)
{
	begin(json, key);
	fputc(bracket, json->stream);
	json->comma = false;
}

void sb_json_close(struct sb_json *json, char bracket)
{
	fputc(bracket, json->stream);
	json->comma = true;
}

void sb_json_string(struct sb_json *json, const char *key, const char *value)
{
	begin(json, key);
	if (value)
		quote(json->stream, value);
	else
		fputs("null", json->stream);
}

void sb_json_hex(struct sb_json *json, const char *key, const uint8_t *bytes, size_t length)
{
	begin(json, key);
	fputc('"', json->stream);
	for (size_t i = 0; i < length; i++)
		fprintf(json->stream, "%02x", bytes[i]);
	fputc('"', json->stream);
}

void sb_json_number(struct sb_json *json, const char *key, uint64_t value)
{
	begin(json, key);
	fprintf(json->stream, "%" PRIu64, value);
}

void sb_json_signed(struct sb_json *json, const char *key, int64_t value)
{
	begin(json, key);
	fprintf(json->stream, "%" PRId64, value);
}

void sb_json_bool(struct sb_json *json, const char *key, bool value)
{
	begin(json, key);
	fputs(value ? "true" : "false", json->stream);
}
