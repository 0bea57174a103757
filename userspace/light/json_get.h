/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of JSON objects, in the forms that CometBFT gives them. All return NULL or false for what
 * is missing or has another form, and then leave their outputs alone. @object may be anything, NULL too.
 */
#ifndef SB_LIGHT_JSON_GET_H
#define SB_LIGHT_JSON_GET_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

json_object *sb_json_member(json_object *object, const char *name, enum json_type type);

/* A string without a NUL; it is the object's. */
const char *sb_json_text(json_object *object, const char *name);

/* A 64-bit number: a string of decimal digits. */
bool sb_json_int64(json_object *object, const char *name, int64_t *value);

/* A number of JSON's, from least to most. */
bool sb_json_ranged(json_object *object, const char *name, int64_t least, int64_t most, int64_t *value);

/* Base64, to be freed; null and what is not there are no bytes. */
bool sb_json_bytes(json_object *object, const char *name, size_t most, uint8_t **data, size_t *length);

/* A sentence of somebody else's, made fit for a terminal and cut where room ends. "" where there is none. */
void sb_json_copy_text(json_object *object, const char *name, char *out, size_t room);

#endif
