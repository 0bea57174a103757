// SPDX-License-Identifier: Apache-2.0
#include "owner/belong.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* Everything of a message that sb_private_free() frees has to come from its allocator: by way of its bytes. */
static void *remade(void *message)
{
	const ProtobufCMessageDescriptor *type = ((ProtobufCMessage *)message)->descriptor;
	size_t length;
	uint8_t *packed = sb_private_pack(message, &length);
	void *made = packed ? sb_private_unpack(type, packed, length) : NULL;

	sb_private_release(packed, length);
	return made;
}

static int make_one(const struct sb_key_file *zone, const char *chain, const uint8_t device[32], uint8_t tag[32],
		    uint8_t authority[32], uint8_t proof[64])
{
	if (zone->kind != SB_KEY_ZONE || sb_zone_authority(zone->authority, authority) < 0)
		return -EINVAL;
	return sb_tag_prove(zone->authority, chain, device, tag, proof);
}

/* Of the messages on the stack to bytes, and those to the device. */
static int seal_to(const uint8_t box_key[32], const SealbondPrivate__MembershipContent *content, uint8_t **sealed,
		   size_t *length)
{
	size_t packed_length;
	uint8_t *packed = sb_private_pack(content, &packed_length);
	int result = packed ? sb_sealed_box_make(box_key, packed, packed_length, sealed, length) : -ENOMEM;

	sb_private_release(packed, packed_length);
	return result;
}

int sb_belong_make(const struct sb_key_file *zones, size_t count, const char *chain, const uint8_t device[32],
		   const uint8_t box_key[32], Sealbond__Membership **membership, uint8_t proof[SB_TAG_PROOF_LEN])
{
	SealbondPrivate__MembershipContent content = SEALBOND_PRIVATE__MEMBERSHIP_CONTENT__INIT;
	SealbondPrivate__Belonging room[SB_TAGS_MAX], *list[SB_TAGS_MAX];
	uint8_t tags[SB_TAGS_MAX][32], authorities[SB_TAGS_MAX][32], proofs[SB_TAGS_MAX][64], *sealed;
	Sealbond__Membership *made;
	size_t length;
	int result;

	if (!count || count > SB_TAGS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		result = make_one(&zones[i], chain, device, tags[i], authorities[i], proofs[i]);
		if (result < 0)
			return result;
		sealbond_private__belonging__init(&room[i]);
		room[i].zone = (ProtobufCBinaryData){ 16, (uint8_t *)zones[i].zone };
		room[i].key = (ProtobufCBinaryData){ 32, (uint8_t *)zones[i].zone_key };
		room[i].authority = (ProtobufCBinaryData){ 32, authorities[i] };
		room[i].proof = (ProtobufCBinaryData){ 64, proofs[i] };
		list[i] = &room[i];
	}
	content.chain = (char *)chain;
	content.device = (ProtobufCBinaryData){ 32, (uint8_t *)device };
	content.n_belongings = count;
	content.belongings = list;
	result = seal_to(box_key, &content, &sealed, &length);
	if (result < 0)
		return result;
	made = sb_message_new(&sealbond__membership__descriptor);
	made->tags = calloc(count, sizeof(*made->tags));
	if (!made->tags)
		abort();
	made->n_tags = count;
	for (size_t i = 0; i < count; i++)
		sb_bytes_set(&made->tags[i], tags[i], 32);
	made->sealed = (ProtobufCBinaryData){ length, sealed };
	memcpy(proof, proofs[0], SB_TAG_PROOF_LEN);
	*membership = made;
	return 0;
}

static int fits(const SealbondPrivate__MembershipContent *content, const char *chain, const uint8_t device[32],
		const Sealbond__Membership *membership)
{
	if (sb_membership_content_check(content) < 0 || strcmp(content->chain, chain) != 0 ||
	    memcmp(content->device.data, device, 32) != 0 || content->n_belongings != membership->n_tags)
		return -EBADMSG;
	for (size_t i = 0; i < membership->n_tags; i++) {
		const SealbondPrivate__Belonging *one = content->belongings[i];

		if (membership->tags[i].len != SB_TAG_LEN ||
		    sb_tag_verify(chain, device, membership->tags[i].data, one->authority.data, one->proof.data) < 0)
			return -EBADMSG;
	}
	return 0;
}

int sb_belong_open(const uint8_t box_key[32], const uint8_t box_secret[32], const char *chain,
		   const uint8_t device[32], const Sealbond__Membership *membership,
		   SealbondPrivate__MembershipContent **content)
{
	SealbondPrivate__MembershipContent *read;
	uint8_t *text;
	size_t length;
	int result = sb_sealed_box_open(box_key, box_secret, membership->sealed.data, membership->sealed.len, &text,
					&length);

	if (result < 0)
		return result;
	read = sb_private_unpack(&sealbond_private__membership_content__descriptor, text, length);
	sb_private_release(text, length);
	if (!read || fits(read, chain, device, membership) < 0) {
		sb_private_free(read);
		return -EBADMSG;
	}
	*content = read;
	return 0;
}

static int seal(const uint8_t key[SB_ZONE_KEY_LEN], const struct sb_about *about, const void *content,
		uint8_t **sealed, size_t *length)
{
	size_t packed_length;
	uint8_t *packed = sb_private_pack(content, &packed_length);
	int result = packed ? sb_envelope_seal(key, about, packed, packed_length, sealed, length) : -ENOMEM;

	sb_private_release(packed, packed_length);
	return result;
}

static int open_as(const ProtobufCMessageDescriptor *type, const uint8_t key[SB_ZONE_KEY_LEN],
		   const struct sb_about *about, ProtobufCBinaryData sealed, void **content)
{
	uint8_t *text;
	size_t length;
	int result = sb_envelope_open(key, about, sealed.data, sealed.len, &text, &length);

	if (result < 0)
		return result;
	*content = sb_private_unpack(type, text, length);
	sb_private_release(text, length);
	return *content ? 0 : -EBADMSG;
}

int sb_zone_seal(const uint8_t zone[16], const uint8_t key[SB_ZONE_KEY_LEN], const char *chain,
		 const SealbondPrivate__ZoneContent *content, uint8_t **sealed, size_t *length)
{
	const struct sb_about about = { SB_PURPOSE_ZONE, chain, zone, 16 };

	return seal(key, &about, content, sealed, length);
}

int sb_zone_open(const uint8_t zone[16], const uint8_t key[SB_ZONE_KEY_LEN], const char *chain,
		 ProtobufCBinaryData sealed, SealbondPrivate__ZoneContent **content)
{
	const struct sb_about about = { SB_PURPOSE_ZONE, chain, zone, 16 };
	void *read = NULL;
	int result = open_as(&sealbond_private__zone_content__descriptor, key, &about, sealed, &read);

	if (result == 0 && sb_zone_content_check(read) < 0) {
		sb_private_free(read);
		result = -EBADMSG;
	}
	if (result == 0)
		*content = read;
	return result;
}

int sb_profile_seal(const uint8_t key[SB_ZONE_KEY_LEN], const char *chain, const uint8_t device[32],
		    const SealbondPrivate__ProfileContent *content, uint8_t **sealed, size_t *length)
{
	const struct sb_about about = { SB_PURPOSE_PROFILE, chain, device, 32 };

	return seal(key, &about, content, sealed, length);
}

int sb_profile_open(const uint8_t key[SB_ZONE_KEY_LEN], const char *chain, const uint8_t device[32],
		    ProtobufCBinaryData sealed, SealbondPrivate__ProfileContent **content)
{
	const struct sb_about about = { SB_PURPOSE_PROFILE, chain, device, 32 };
	void *read = NULL;
	int result = open_as(&sealbond_private__profile_content__descriptor, key, &about, sealed, &read);

	if (result == 0)
		*content = read;
	return result;
}

SealbondPrivate__ZoneContent *sb_zone_content_new(const char *name)
{
	SealbondPrivate__ZoneContent content = SEALBOND_PRIVATE__ZONE_CONTENT__INIT;
	SealbondPrivate__ZoneContent *made;

	content.name = (char *)name;
	made = remade(&content);
	if (!made)
		abort();
	return made;
}

/* As it is to be, with lists on loan; then a whole new message in place of the old one's contents. */
static void replace(SealbondPrivate__ZoneContent *content, const SealbondPrivate__ZoneContent *changed)
{
	SealbondPrivate__ZoneContent *made = remade((void *)changed), old;

	if (!made)
		abort();
	old = *content;
	*content = *made;
	*made = old;
	sb_private_free(made);
}

/* Those that have left, without this one; then it is the last, where it has. */
static void set_left(SealbondPrivate__ZoneContent *changed, ProtobufCBinaryData list[SB_ZONE_LEFT_MAX + 1],
		     const uint8_t device[32], bool has_left)
{
	size_t count = 0;

	for (size_t i = 0; i < changed->n_left; i++)
		if (memcmp(changed->left[i].data, device, 32) != 0)
			list[count++] = changed->left[i];
	if (has_left)
		list[count++] = (ProtobufCBinaryData){ 32, (uint8_t *)device };
	/* Of so many one is enough to know that a new key is due. */
	if (count > SB_ZONE_LEFT_MAX)
		memmove(list, list + 1, --count * sizeof(*list));
	changed->left = list;
	changed->n_left = count;
}

void sb_zone_content_put(SealbondPrivate__ZoneContent *content, const uint8_t device[32], const char *name,
			 const uint8_t proof[SB_TAG_PROOF_LEN])
{
	SealbondPrivate__ZoneDevice one = SEALBOND_PRIVATE__ZONE_DEVICE__INIT;
	SealbondPrivate__ZoneDevice **list = calloc(content->n_devices + 1, sizeof(*list));
	SealbondPrivate__ZoneContent changed = *content;
	ProtobufCBinaryData left[SB_ZONE_LEFT_MAX + 1];
	size_t count = 0;
	bool done = false;

	if (!list)
		abort();
	one.device = (ProtobufCBinaryData){ 32, (uint8_t *)device };
	one.name = (char *)name;
	one.proof = (ProtobufCBinaryData){ SB_TAG_PROOF_LEN, (uint8_t *)proof };
	for (size_t i = 0; i < content->n_devices; i++) {
		int order = memcmp(content->devices[i]->device.data, device, 32);

		if (order >= 0 && !done) {
			list[count++] = &one;
			done = true;
		}
		if (order != 0)
			list[count++] = content->devices[i];
	}
	if (!done)
		list[count++] = &one;
	changed.devices = list;
	changed.n_devices = count;
	set_left(&changed, left, device, false);
	replace(content, &changed);
	free(list);
}

bool sb_zone_content_remove(SealbondPrivate__ZoneContent *content, const uint8_t device[32])
{
	SealbondPrivate__ZoneDevice **list;
	SealbondPrivate__ZoneContent changed = *content;
	ProtobufCBinaryData left[SB_ZONE_LEFT_MAX + 1];
	size_t count = 0;

	if (!sb_zone_content_find(content, device))
		return false;
	list = calloc(content->n_devices, sizeof(*list));
	if (!list)
		abort();
	for (size_t i = 0; i < content->n_devices; i++)
		if (memcmp(content->devices[i]->device.data, device, 32) != 0)
			list[count++] = content->devices[i];
	changed.devices = list;
	changed.n_devices = count;
	set_left(&changed, left, device, true);
	replace(content, &changed);
	free(list);
	return true;
}

void sb_zone_content_settle(SealbondPrivate__ZoneContent *content)
{
	SealbondPrivate__ZoneContent changed = *content;

	changed.left = NULL;
	changed.n_left = 0;
	replace(content, &changed);
}

void sb_zone_key_next(const struct sb_key_file *zone, uint8_t next[SB_ZONE_KEY_LEN])
{
	static const char tag[] = "sealbond zone key v1";
	crypto_generichash_state hash;

	crypto_generichash_init(&hash, zone->secret, sizeof(zone->secret), SB_ZONE_KEY_LEN);
	crypto_generichash_update(&hash, (const uint8_t *)tag, sizeof(tag));
	crypto_generichash_update(&hash, zone->zone, sizeof(zone->zone));
	crypto_generichash_update(&hash, zone->zone_key, sizeof(zone->zone_key));
	crypto_generichash_final(&hash, next, SB_ZONE_KEY_LEN);
	sodium_memzero(&hash, sizeof(hash));
}

const SealbondPrivate__ZoneDevice *sb_zone_content_find(const SealbondPrivate__ZoneContent *content,
							 const uint8_t device[32])
{
	for (size_t i = 0; i < content->n_devices; i++)
		if (memcmp(content->devices[i]->device.data, device, 32) == 0)
			return content->devices[i];
	return NULL;
}
