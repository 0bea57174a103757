/* SPDX-License-Identifier: Apache-2.0 */
/* Strict reading and packing of owner/private.proto's messages; secrets inside are wiped when they are freed. */
#ifndef SB_OWNER_PRIVATE_H
#define SB_OWNER_PRIVATE_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

#include "owner/private.pb-c.h"

#define SB_ZONE_LEFT_MAX	64

/*
 * sb_private_unpack() - a message in its one encoding: packed again it gives the same bytes. NULL for
 * everything else. To be freed by sb_private_free().
 */
void *sb_private_unpack(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length);

/* sb_private_pack() - to be freed by sb_private_release(). NULL: no memory. */
uint8_t *sb_private_pack(const void *message, size_t *length);

/* Both wipe; NULL is fine. What a message points to is wiped only where sb_private_unpack() made it. */
void sb_private_free(void *message);
void sb_private_release(uint8_t *data, size_t length);

/* sb_private_check() - lengths and order of what was read (or is to be written): 0 or -EBADMSG. */
int sb_membership_content_check(const SealbondPrivate__MembershipContent *content);
int sb_zone_content_check(const SealbondPrivate__ZoneContent *content);

#endif
