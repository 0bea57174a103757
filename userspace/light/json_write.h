/* SPDX-License-Identifier: Apache-2.0 */
/* CometBFT's JSON, written: what light/json.h reads. For evidence that any tool can judge. */
#ifndef SB_LIGHT_JSON_WRITE_H
#define SB_LIGHT_JSON_WRITE_H

#include <json-c/json.h>

#include "light/block.h"

#define SB_JSON_TIME_ROOM	40

/* RFC 3339, from year 1 to 9999; others are written as year 1. */
char *sb_json_put_time(char out[SB_JSON_TIME_ROOM], struct sb_chain_time time);

/* All return an object that the caller puts; json-c ends the process where memory is short. */
json_object *sb_json_put_header(const struct sb_header *header);
json_object *sb_json_put_signed_header(const struct sb_light_block *block);	/* {"header", "commit"} */
json_object *sb_json_put_validators(const struct sb_validator_set *set, size_t first, size_t count);

/* Padded base64, as an object; and hex in capitals. */
json_object *sb_json_put_base64(const void *data, size_t length);
json_object *sb_json_put_hex(const void *data, size_t length);

#endif
