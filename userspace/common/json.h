/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes one JSON value to a stream as it goes. Keys are the program's own; strings are
 * escaped. Inside an array, key is NULL.
 */
#ifndef SB_JSON_H
#define SB_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct sb_json {
	FILE *stream;
	bool comma;	/* something was written in this object or array */
};

void sb_json_open(struct sb_json *json, const char *key, char bracket);	/* '{' or '[' */
void sb_json_close(struct sb_json *json, char bracket);			/* '}' or ']' */
void sb_json_string(struct sb_json *json, const char *key, const char *value);	/* NULL is null */
void sb_json_hex(struct sb_json *json, const char *key, const uint8_t *bytes, size_t length);
void sb_json_number(struct sb_json *json, const char *key, uint64_t value);
void sb_json_signed(struct sb_json *json, const char *key, int64_t value);
void sb_json_bool(struct sb_json *json, const char *key, bool value);

#endif
