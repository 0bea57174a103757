// SPDX-License-Identifier: Apache-2.0
#include "ledger/checkpoints.h"

#include <errno.h>
#include <inttypes.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

static const uint8_t magic[5] = { 'S', 'B', 'C', 'L', 1 };

void sb_checkpoints_free(struct sb_checkpoints *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->record[i]);
	memset(list, 0, sizeof(*list));
}

static bool same_members(const struct sb_members *a, const struct sb_members *b)
{
	if (a->count != b->count || a->threshold != b->threshold)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (memcmp(a->member[i].key, b->member[i].key, SB_MEMBER_KEY_LEN) != 0 ||
		    a->member[i].weight != b->member[i].weight)
			return false;
	return true;
}

static const struct sb_member_key *find(const struct sb_members *members, const uint8_t key[SB_MEMBER_KEY_LEN])
{
	for (size_t i = 0; i < members->count; i++)
		if (memcmp(members->member[i].key, key, SB_MEMBER_KEY_LEN) == 0)
			return &members->member[i];
	return NULL;
}

/* Signatures are those of members, and valid: only such ones are in the list. */
static uint64_t weight_of(const struct sb_checkpoint *record, const struct sb_members *members)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < record->signatures; i++) {
		const struct sb_member_key *member = find(members, record->signature[i].key);

		sum += member ? member->weight : 0;
	}
	return sum;
}

/* Of the two that have to sign, what lacks more. */
static struct sb_checkpoint_weight judge(const struct sb_checkpoint *record, const struct sb_members *before)
{
	struct sb_checkpoint_weight old = { .has = weight_of(record, before), .needs = before->threshold }, new = old;

	if (record->members.count) {
		new.has = weight_of(record, &record->members);
		new.needs = record->members.threshold;
	}
	old.complete = new.complete = old.has >= old.needs && new.has >= new.needs;
	return old.has < old.needs ? old : new;
}

/* Who has to sign what comes behind the first @count. */
static const struct sb_members *before(const struct sb_checkpoints *list, size_t count)
{
	while (count > 0 && !list->record[count - 1]->members.count)
		count--;
	return count ? &list->record[count - 1]->members : &list->base;
}

static void take_out(struct sb_checkpoints *list, size_t at)
{
	free(list->record[at]);
	list->count--;
	memmove(&list->record[at], &list->record[at + 1], (list->count - at) * sizeof(list->record[0]));
}

/* A plain one that leads to the same members is of no use once there is a newer one. */
static void prune(struct sb_checkpoints *list)
{
	for (size_t i = 0; i + 1 < list->complete; )
		if (!list->record[i]->after && (!list->record[i]->members.count ||
						same_members(before(list, i), &list->record[i]->members))) {
			take_out(list, i);
			list->complete--;
		} else {
			i++;
		}
	while (list->complete > SB_CHECKPOINTS_COMPLETE) {
		list->base = *before(list, 1);
		take_out(list, 0);
		list->complete--;
	}
}

static bool valid(const struct sb_checkpoint *record, size_t at)
{
	secp256k1_xonly_pubkey public;
	uint8_t message[32];

	return sb_checkpoint_message(record, message) == 0 &&
	       secp256k1_xonly_pubkey_parse(secp256k1_context_static, &public, record->signature[at].key) == 1 &&
	       secp256k1_schnorrsig_verify(secp256k1_context_static, record->signature[at].signature, message, 32,
					   &public) == 1;
}

/*
 * Leaves the signatures of members, both those before it and those that it names; on a recovery also those of others:
 * they may have been members in the blocks that were lost, and devices may know.
 */
static int keep_members(struct sb_checkpoint *record, const struct sb_members *members, struct sb_error *error)
{
	size_t kept = 0, known = 0;

	for (size_t i = 0; i < record->signatures; i++) {
		bool is_known = find(members, record->signature[i].key) || find(&record->members, record->signature[i].key);

		if (is_known && !valid(record, i))
			return sb_fail(error, -EKEYREJECTED, "a member's signature is not valid");
		if (!is_known && (!record->after || !valid(record, i)))
			continue;
		record->signature[kept++] = record->signature[i];
		known += is_known;
	}
	record->signatures = kept;
	return known ? 0 : sb_fail(error, -EKEYREJECTED, "no member has signed it");
}

static bool same_message(const struct sb_checkpoint *a, const struct sb_checkpoint *b)
{
	uint8_t left[32], right[32];

	return a->height == b->height && sb_checkpoint_message(a, left) == 0 && sb_checkpoint_message(b, right) == 0 &&
	       memcmp(left, right, sizeof(left)) == 0;
}

static void remove_signature(struct sb_checkpoint *record, const uint8_t key[SB_MEMBER_KEY_LEN])
{
	for (size_t i = 0; i < record->signatures; i++)
		if (memcmp(record->signature[i].key, key, SB_MEMBER_KEY_LEN) == 0) {
			record->signatures--;
			memmove(&record->signature[i], &record->signature[i + 1],
				(record->signatures - i) * sizeof(record->signature[0]));
			return;
		}
}

/* Their keys ascend; more than can be have no room, and do not count. */
static void merge(struct sb_checkpoint *into, const struct sb_checkpoint *from)
{
	for (size_t i = 0; i < from->signatures; i++) {
		size_t at;

		remove_signature(into, from->signature[i].key);
		if (into->signatures == SB_MEMBERS_MAX)
			return;
		for (at = into->signatures++; at && memcmp(into->signature[at - 1].key, from->signature[i].key,
							   SB_MEMBER_KEY_LEN) > 0; at--)
			into->signature[at] = into->signature[at - 1];
		into->signature[at] = from->signature[i];
	}
}

/* The latest word of a member counts: what it has signed before and nobody completed is taken back. */
static void take_back(struct sb_checkpoints *list, const struct sb_checkpoint *said)
{
	for (size_t i = list->complete; i < list->count; ) {
		struct sb_checkpoint *other = list->record[i];

		if (!same_message(other, said))
			for (size_t j = 0; j < said->signatures; j++)
				remove_signature(other, said->signature[j].key);
		if (other->signatures)
			i++;
		else
			take_out(list, i);
	}
}

/* Its place among those that are not complete; a copy of it where it is new. */
static struct sb_checkpoint *place(struct sb_checkpoints *list, struct sb_checkpoint *record)
{
	size_t at;

	for (size_t i = list->complete; i < list->count; i++)
		if (same_message(list->record[i], record)) {
			merge(list->record[i], record);
			return list->record[i];
		}
	/* cannot be: each has a signature that no other has */
	if (list->count == SB_CHECKPOINTS_KEPT)
		return NULL;
	for (at = list->count++; at > list->complete && list->record[at - 1]->height > record->height; at--)
		list->record[at] = list->record[at - 1];
	list->record[at] = malloc(sizeof(*record));
	if (!list->record[at])
		abort();
	*list->record[at] = *record;
	return list->record[at];
}

/* Moves it behind the complete ones; what is not above it is of no use any more. */
static void complete(struct sb_checkpoints *list, struct sb_checkpoint *done)
{
	for (size_t i = list->complete; i < list->count; )
		if (list->record[i] != done && list->record[i]->height <= done->height)
			take_out(list, i);
		else
			i++;
	list->complete++;
	prune(list);
}

static int check(const struct sb_checkpoints *list, const struct sb_checkpoint *record, const struct sb_members *now,
		 struct sb_error *error)
{
	if (!same_members(&record->members, now))
		return sb_fail(error, -EINVAL, "it names other members than the ledger has now");
	if (list->complete && record->height <= list->record[list->complete - 1]->height)
		return sb_fail(error, -ESTALE, "there is a complete checkpoint of height %" PRId64 " already",
			       list->record[list->complete - 1]->height);
	return 0;
}

int sb_checkpoints_add(struct sb_checkpoints *list, const struct sb_checkpoint *record, const struct sb_members *now,
		       struct sb_checkpoint_weight *weight, struct sb_error *error)
{
	sb_cleanup_free struct sb_checkpoint *made = malloc(sizeof(*made));
	const struct sb_members *members = list->base.count ? before(list, list->complete) : now;
	struct sb_checkpoint *placed;
	int result = check(list, record, now, error);

	if (result < 0)
		return result;
	if (!made)
		return sb_fail(error, -ENOMEM, "out of memory");
	*made = *record;
	result = keep_members(made, members, error);
	if (result < 0)
		return result;
	if (!list->base.count)
		list->base = *now;
	take_back(list, made);
	placed = place(list, made);
	if (!placed)
		return sb_fail(error, -ENOSPC, "too many checkpoints wait for signatures");
	*weight = judge(placed, before(list, list->complete));
	if (weight->complete)
		complete(list, placed);
	return 0;
}

void sb_checkpoints_answer(const struct sb_checkpoints *list, int64_t above, struct sb_bytes *out)
{
	const struct sb_checkpoint *most = NULL;
	uint64_t weight = 0;

	for (size_t i = 0; i < list->complete; i++)
		if (list->record[i]->height > above)
			sb_checkpoint_write(list->record[i], out);
	for (size_t i = list->complete; i < list->count; i++) {
		uint64_t has = weight_of(list->record[i], before(list, list->complete));

		if (list->record[i]->height > above && has >= weight) {
			most = list->record[i];
			weight = has;
		}
	}
	if (most)
		sb_checkpoint_write(most, out);
}

void sb_checkpoints_write(const struct sb_checkpoints *list, struct sb_bytes *out)
{
	sb_bytes_put(out, magic, sizeof(magic));
	sb_members_put(out, &list->base);
	sb_bytes_be(out, list->count, 1);
	for (size_t i = 0; i < list->count; i++)
		sb_checkpoint_write(list->record[i], out);
}

static int read_records(struct sb_reader *reader, struct sb_checkpoints *list)
{
	size_t count = sb_read_u8(reader), used;

	if (reader->failed || count > SB_CHECKPOINTS_KEPT || (count && !list->base.count))
		return -EBADMSG;
	while (list->count < count) {
		struct sb_checkpoint *record = calloc(1, sizeof(*record));
		int result = record ? sb_checkpoint_read(reader->data, reader->left, record, &used) : -ENOMEM;

		if (result < 0 || (list->count && record->height < list->record[list->count - 1]->height)) {
			free(record);
			return result < 0 ? result : -EBADMSG;
		}
		list->record[list->count++] = record;
		(void)sb_read_span(reader, used);
	}
	return reader->left ? -EBADMSG : 0;
}

/* Which of them are complete follows from the signatures. */
static int count_complete(struct sb_checkpoints *list)
{
	struct sb_error error;

	for (size_t i = 0; i < list->count; i++)
		if (keep_members(list->record[i], before(list, list->complete), &error) < 0)
			return -EBADMSG;
		else if (list->complete == i && judge(list->record[i], before(list, i)).complete)
			list->complete++;
	for (size_t i = 1; i < list->complete; i++)
		if (list->record[i]->height <= list->record[i - 1]->height)
			return -EBADMSG;
	if (list->complete > SB_CHECKPOINTS_COMPLETE)
		return -EBADMSG;
	return list->complete && list->count > list->complete &&
	       list->record[list->complete]->height <= list->record[list->complete - 1]->height ? -EBADMSG : 0;
}

int sb_checkpoints_read(const uint8_t *data, size_t length, struct sb_checkpoints *list)
{
	struct sb_reader reader = { data, length, false };
	struct sb_checkpoints read = { .count = 0 };
	struct sb_span head = sb_read_span(&reader, sizeof(magic));
	int result = -EBADMSG;

	if (head.data && memcmp(head.data, magic, sizeof(magic)) == 0 && sb_members_get(&reader, &read.base))
		result = read_records(&reader, &read);
	if (result == 0)
		result = count_complete(&read);
	if (result < 0) {
		sb_checkpoints_free(&read);
		return result;
	}
	*list = read;
	return 0;
}
