/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CometBFT's JSON (rpc/core): 64-bit integers are strings, 32-bit ones numbers, hashes hex in
 * capitals, signatures and keys base64, times RFC 3339 with up to nine decimals and a Z.
 */
#ifndef SB_LIGHT_JSON_H
#define SB_LIGHT_JSON_H

#include <json-c/json.h>

#include "common/error.h"
#include "light/block.h"

/*
 * All return 0, or -EBADMSG with a sentence that names the member that is wrong (-ENOMEM without
 * memory). Outputs are untouched then. Members that are not known are passed over, as CometBFT's
 * own clients do.
 */
int sb_json_header(json_object *object, struct sb_header *header, struct sb_error *error);

/* A signed header, {"header", "commit"}: fills header and commit; the caller frees the block. */
int sb_json_signed_header(json_object *object, struct sb_light_block *block,
			  struct sb_error *error);

/*
 * An array of validators, in any order; the set is in the chain's. Addresses are made from the
 * keys, and have to be those given.
 */
int sb_json_validators(json_object *array, struct sb_validator_set *set, struct sb_error *error);

/* RFC 3339 in UTC, from year 1 to 9999; 0 or -EBADMSG. */
int sb_json_time(const char *text, struct sb_chain_time *time);

#endif
