/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device's belonging to zones and conduits: what people put on the ledger, and what the device makes of it.
 * Outputs are untouched on failure; what comes out is freed by the caller: ledger messages by sb_message_free(),
 * private ones by sb_private_free(), bytes by free().
 */
#ifndef SB_OWNER_BELONG_H
#define SB_OWNER_BELONG_H

#include "owner/key_file.h"
#include "owner/private.h"
#include "state/message.h"

/*
 * sb_belong_make() - Membership of a device: a tag for each zone, the first the zone's and conduits' behind it, and
 * sealed to the device's box key how to open them. *proof: of the first, for the roster. Returns 0; -EINVAL: none
 * or too many, or a box key that is none; -ENOMEM.
 */
int sb_belong_make(const struct sb_key_file *zones, size_t count, const char *chain, const uint8_t device[32],
		   const uint8_t box_key[32], Sealbond__Membership **membership, uint8_t proof[SB_TAG_PROOF_LEN]);

/*
 * sb_belong_open() - the device's side: what was sealed to it, with every proof checked against its tags. 0;
 * -EBADMSG: not for this device and chain, or it does not fit the tags.
 */
int sb_belong_open(const uint8_t box_key[32], const uint8_t box_secret[32], const char *chain,
		   const uint8_t device[32], const Sealbond__Membership *membership,
		   SealbondPrivate__MembershipContent **content);

/* sb_zone_seal(), sb_zone_open() - a zone's content; -EMSGSIZE: too many devices; -EBADMSG: not this zone's. */
int sb_zone_seal(const uint8_t zone[16], const uint8_t key[SB_ZONE_KEY_LEN], const char *chain,
		 const SealbondPrivate__ZoneContent *content, uint8_t **sealed, size_t *length);
int sb_zone_open(const uint8_t zone[16], const uint8_t key[SB_ZONE_KEY_LEN], const char *chain,
		 ProtobufCBinaryData sealed, SealbondPrivate__ZoneContent **content);

/*
 * sb_zone_key_next() - the zone's key after the one in the file: BLAKE2b-256, keyed with the zone's signing secret, of
 * "sealbond zone key v1", NUL || the zone's id || its key. A device that knows the key cannot tell the next one; who has
 * the file makes the same one again, so that a change that was interrupted can be gone on with.
 */
void sb_zone_key_next(const struct sb_key_file *zone, uint8_t next[SB_ZONE_KEY_LEN]);

/* An empty one. */
SealbondPrivate__ZoneContent *sb_zone_content_new(const char *name);
/* Puts a device in or changes it; takes it out (false: it was not there). The content is from new or open. */
void sb_zone_content_put(SealbondPrivate__ZoneContent *content, const uint8_t device[32], const char *name,
			 const uint8_t proof[SB_TAG_PROOF_LEN]);
bool sb_zone_content_remove(SealbondPrivate__ZoneContent *content, const uint8_t device[32]);
/* Under a new key: who was taken out does not know it. */
void sb_zone_content_settle(SealbondPrivate__ZoneContent *content);
const SealbondPrivate__ZoneDevice *sb_zone_content_find(const SealbondPrivate__ZoneContent *content,
							 const uint8_t device[32]);

/* sb_profile_seal(), sb_profile_open() - a device's profile under its zone's key; results as above. */
int sb_profile_seal(const uint8_t key[SB_ZONE_KEY_LEN], const char *chain, const uint8_t device[32],
		    const SealbondPrivate__ProfileContent *content, uint8_t **sealed, size_t *length);
int sb_profile_open(const uint8_t key[SB_ZONE_KEY_LEN], const char *chain, const uint8_t device[32],
		    ProtobufCBinaryData sealed, SealbondPrivate__ProfileContent **content);

#endif
