/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages as JSON for people and genesis files: members as in the .proto file, bytes as lower-case hex,
 * numbers as numbers, an enum as its name; what is default is left out.
 */
#ifndef SB_STATE_MESSAGE_JSON_H
#define SB_STATE_MESSAGE_JSON_H

#include "common/error.h"
#include "common/json.h"
#include "state/message.h"

/* As the member key of what is open, or as an array's element with NULL. */
void sb_message_to_json(struct sb_json *out, const char *key, const void *message);

/*
 * sb_message_from_json() - whole text, one object. NULL with a sentence that names the member's place: what is not
 * known, is there twice in different words, or is of another kind. To be freed by sb_message_free().
 */
void *sb_message_from_json(const ProtobufCMessageDescriptor *type, const char *text, size_t length,
			   struct sb_error *error);

#endif
