/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of ledger.proto in their one encoding: what is read packs to the same bytes again, has no field
 * that is not known, and its texts are UTF-8. Everything is malloc'd; no memory ends the process (one node
 * must not refuse what all others accept).
 */
#ifndef SB_STATE_MESSAGE_H
#define SB_STATE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/ledger.pb-c.h"

#define SB_MESSAGE_MEMORY_MAX	(4U << 20)	/* bytes that reading one may take */

/* NULL: not of this type in its one encoding, or it would take too much memory. */
void *sb_message_read(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length);

/* A new one, all defaults. */
void *sb_message_new(const ProtobufCMessageDescriptor *type);

/* The bytes, to be freed, also where *length is 0. */
uint8_t *sb_message_pack(const void *message, size_t *length);

/* NULL is allowed. */
void sb_message_free(void *message);

/* Replaces a field of a message that sb_message_free will free. */
void sb_bytes_set(ProtobufCBinaryData *field, const void *data, size_t length);
void sb_text_set(char **field, const char *text);

static inline void sb_message_free_ptr(void *pointer)
{
	sb_message_free(*(void **)pointer);
}

#define SB_AUTO_MESSAGE	__attribute__((cleanup(sb_message_free_ptr)))

static inline bool sb_bytes_are(ProtobufCBinaryData field, const void *data, size_t length)
{
	return field.len == length && (!length || __builtin_memcmp(field.data, data, length) == 0);
}

#endif
