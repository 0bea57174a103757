// SPDX-License-Identifier: Apache-2.0
#include "light/checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/sha256.h"

static const uint8_t magic[4] = { 'S', 'B', 'C', 'P' };

enum { PLAIN = 1, RECOVERY = 2 };	/* the byte behind it */

static const char tag[] = "sealbond checkpoint v1";

static int by_key(const void *a, const void *b)
{
	return memcmp(((const struct sb_member_key *)a)->key, ((const struct sb_member_key *)b)->key,
		      SB_MEMBER_KEY_LEN);
}

/* Ascending, no weight of 0, and a threshold that can be reached and is not reached by nobody. */
static bool sound(const struct sb_members *members)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < members->count; i++) {
		if (!members->member[i].weight ||
		    (i && by_key(&members->member[i - 1], &members->member[i]) >= 0))
			return false;
		sum += members->member[i].weight;
	}
	return members->count ? members->threshold && members->threshold <= sum : !members->threshold;
}

int sb_members_sort(struct sb_members *members)
{
	if (!members->count || members->count > SB_MEMBERS_MAX)
		return -EINVAL;
	qsort(members->member, members->count, sizeof(members->member[0]), by_key);
	return sound(members) ? 0 : -EINVAL;
}

void sb_members_put(struct sb_bytes *out, const struct sb_members *members)
{
	sb_bytes_be(out, members->count, 1);
	sb_bytes_be(out, members->threshold, 4);
	for (size_t i = 0; i < members->count; i++) {
		sb_bytes_put(out, members->member[i].key, SB_MEMBER_KEY_LEN);
		sb_bytes_be(out, members->member[i].weight, 4);
	}
}

static bool copy(struct sb_reader *reader, void *out, size_t length)
{
	struct sb_span span = sb_read_span(reader, length);

	if (span.data)
		memcpy(out, span.data, length);
	return !reader->failed;
}

bool sb_members_get(struct sb_reader *reader, struct sb_members *members)
{
	members->count = sb_read_u8(reader);
	members->threshold = sb_read_u32(reader);
	if (members->count > SB_MEMBERS_MAX)
		return false;
	for (size_t i = 0; i < members->count; i++) {
		copy(reader, members->member[i].key, SB_MEMBER_KEY_LEN);
		members->member[i].weight = sb_read_u32(reader);
	}
	return !reader->failed && sound(members);
}

static void put_signed(struct sb_bytes *out, const struct sb_checkpoint *checkpoint)
{
	size_t length = strlen(checkpoint->chain);

	sb_bytes_put(out, magic, sizeof(magic));
	sb_bytes_be(out, checkpoint->after ? RECOVERY : PLAIN, 1);
	sb_bytes_be(out, length, 1);
	sb_bytes_put(out, checkpoint->chain, length);
	sb_bytes_be(out, (uint64_t)checkpoint->height, 8);
	sb_bytes_put(out, checkpoint->hash, sizeof(checkpoint->hash));
	sb_bytes_be(out, (uint64_t)checkpoint->time.seconds, 8);
	sb_bytes_be(out, (uint64_t)checkpoint->time.nanos, 4);
	if (checkpoint->after) {
		sb_bytes_be(out, (uint64_t)checkpoint->after, 8);
		sb_bytes_put(out, checkpoint->after_hash, sizeof(checkpoint->after_hash));
	}
	sb_members_put(out, &checkpoint->members);
}

void sb_checkpoint_write(const struct sb_checkpoint *checkpoint, struct sb_bytes *out)
{
	put_signed(out, checkpoint);
	sb_bytes_be(out, checkpoint->signatures, 1);
	for (size_t i = 0; i < checkpoint->signatures; i++) {
		sb_bytes_put(out, checkpoint->signature[i].key, SB_MEMBER_KEY_LEN);
		sb_bytes_put(out, checkpoint->signature[i].signature, SB_MEMBER_SIG_LEN);
	}
}

int sb_checkpoint_message(const struct sb_checkpoint *checkpoint, uint8_t message[32])
{
	sb_cleanup(sb_bytes_free) struct sb_bytes bytes = { .data = NULL };

	sb_bytes_put(&bytes, tag, sizeof(tag));
	put_signed(&bytes, checkpoint);
	if (bytes.failed)
		return -ENOMEM;
	sb_digest_of(bytes.data, bytes.length, message);
	return 0;
}

static bool read_head(struct sb_reader *reader, struct sb_checkpoint *checkpoint)
{
	uint8_t head[sizeof(magic)];
	uint8_t length, kind;
	uint64_t height, nanos;

	if (!copy(reader, head, sizeof(head)) || memcmp(head, magic, sizeof(magic)) != 0)
		return false;
	kind = sb_read_u8(reader);
	length = sb_read_u8(reader);
	if (!length || length > SB_CHAIN_NAME_MAX || !copy(reader, checkpoint->chain, length))
		return false;
	checkpoint->chain[length] = '\0';
	if (strlen(checkpoint->chain) != length)
		return false;
	height = sb_read_be(reader, 8);
	copy(reader, checkpoint->hash, sizeof(checkpoint->hash));
	checkpoint->time.seconds = (int64_t)sb_read_be(reader, 8);
	nanos = sb_read_be(reader, 4);
	checkpoint->height = (int64_t)height;
	checkpoint->time.nanos = (int32_t)nanos;
	if (kind == RECOVERY) {
		checkpoint->after = (int64_t)sb_read_be(reader, 8);
		copy(reader, checkpoint->after_hash, sizeof(checkpoint->after_hash));
		if (checkpoint->after <= 0 || checkpoint->after >= checkpoint->height)
			return false;
	}
	return !reader->failed && (kind == PLAIN || kind == RECOVERY) && checkpoint->height > 0 && nanos < 1000000000;
}

static bool read_signatures(struct sb_reader *reader, struct sb_checkpoint *checkpoint)
{
	checkpoint->signatures = sb_read_u8(reader);
	if (checkpoint->signatures > SB_MEMBERS_MAX)
		return false;
	for (size_t i = 0; i < checkpoint->signatures; i++) {
		copy(reader, checkpoint->signature[i].key, SB_MEMBER_KEY_LEN);
		copy(reader, checkpoint->signature[i].signature, SB_MEMBER_SIG_LEN);
		if (i && memcmp(checkpoint->signature[i - 1].key, checkpoint->signature[i].key,
				SB_MEMBER_KEY_LEN) >= 0)
			return false;
	}
	return !reader->failed;
}

int sb_checkpoint_read(const uint8_t *data, size_t length, struct sb_checkpoint *checkpoint, size_t *used)
{
	struct sb_reader reader = { data, length, false };
	sb_cleanup_free struct sb_checkpoint *read = calloc(1, sizeof(*read));

	if (!read)
		return -ENOMEM;
	if (!read_head(&reader, read) || !sb_members_get(&reader, &read->members) ||
	    !read_signatures(&reader, read))
		return -EBADMSG;
	*checkpoint = *read;
	*used = length - reader.left;
	return 0;
}

static bool signature_valid(const uint8_t key[SB_MEMBER_KEY_LEN], const uint8_t message[32],
			    const uint8_t signature[SB_MEMBER_SIG_LEN])
{
	secp256k1_xonly_pubkey public;

	return secp256k1_xonly_pubkey_parse(secp256k1_context_static, &public, key) == 1 &&
	       secp256k1_schnorrsig_verify(secp256k1_context_static, signature, message, 32, &public) == 1;
}

int sb_checkpoint_verify(const struct sb_checkpoint *checkpoint, const struct sb_members *members,
			 struct sb_error *error)
{
	uint64_t weight = 0;
	uint8_t message[32];

	if (!members->count || !sound(members))
		return sb_fail(error, -ENOKEY, "no members are known who could sign a checkpoint");
	if (sb_checkpoint_message(checkpoint, message) < 0)
		return sb_fail(error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < checkpoint->signatures; i++) {
		struct sb_member_key wanted;
		const struct sb_member_key *member;

		memcpy(wanted.key, checkpoint->signature[i].key, sizeof(wanted.key));
		member = bsearch(&wanted, members->member, members->count, sizeof(wanted), by_key);
		if (!member)
			continue;
		if (!signature_valid(member->key, message, checkpoint->signature[i].signature))
			return sb_fail(error, -EKEYREJECTED, "checkpoint at height %" PRId64
				       ": a member's signature is not valid", checkpoint->height);
		weight += member->weight;
	}
	if (weight < members->threshold)
		return sb_fail(error, -ENOKEY, "checkpoint at height %" PRId64 ": members of weight %" PRIu64
			       " have signed it, %" PRIu32 " is needed", checkpoint->height, weight,
			       members->threshold);
	return 0;
}

/* What walk() has found so far; on the heap, for its size. */
struct trail {
	struct sb_members members, members_found;
	struct sb_checkpoint at, last, found;
};

static int walk(const uint8_t *data, size_t length, const char *chain, int64_t above, bool recovery,
		struct trail *trail, struct sb_error *error)
{
	size_t used = 0, count = 0;
	int64_t before = 0;

	for (; length; data += used, length -= used) {
		int result = sb_checkpoint_read(data, length, &trail->at, &used);

		if (result < 0 || trail->at.height <= before || ++count > SB_CHECKPOINTS_MAX)
			return sb_fail(error, result == -ENOMEM ? result : -EBADMSG, "not a list of checkpoints");
		before = trail->at.height;
		if (strcmp(trail->at.chain, chain) != 0)
			return sb_fail(error, -EKEYREJECTED, "checkpoint of another chain: %s", trail->at.chain);
		if (trail->at.height <= above)
			continue;
		result = sb_checkpoint_verify(&trail->at, &trail->members, error);
		if (result == -ENOKEY && trail->last.height)
			break;
		if (result < 0)
			return result;
		if (trail->last.height && sb_time_compare(trail->at.time, trail->last.time) <= 0)
			return sb_fail(error, -EBADMSG, "checkpoints whose times do not ascend");
		trail->last = trail->at;
		if (trail->at.members.count)
			trail->members = trail->at.members;
		if (!recovery || trail->at.after) {
			trail->found = trail->last;
			trail->members_found = trail->members;
		}
	}
	if (!trail->found.height)
		return sb_fail(error, -ENOENT, "no %s above height %" PRId64, recovery ? "recovery" : "checkpoint", above);
	return 0;
}

static int follow(const uint8_t *data, size_t length, const char *chain, int64_t above, bool recovery,
		  struct sb_members *members, struct sb_checkpoint *last, struct sb_error *error)
{
	sb_cleanup_free struct trail *trail = calloc(1, sizeof(*trail));
	int result;

	if (!trail)
		return sb_fail(error, -ENOMEM, "out of memory");
	trail->members = *members;
	result = walk(data, length, chain, above, recovery, trail, error);
	if (result < 0)
		return result;
	*members = trail->members_found;
	*last = trail->found;
	return 0;
}

int sb_checkpoint_follow(const uint8_t *data, size_t length, const char *chain, int64_t above,
			 struct sb_members *members, struct sb_checkpoint *last, struct sb_error *error)
{
	return follow(data, length, chain, above, false, members, last, error);
}

int sb_checkpoint_recovery(const uint8_t *data, size_t length, const char *chain, int64_t above,
			   struct sb_members *members, struct sb_checkpoint *last, struct sb_error *error)
{
	return follow(data, length, chain, above, true, members, last, error);
}
