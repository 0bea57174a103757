// SPDX-License-Identifier: Apache-2.0
/* The way back from bytes: whatever is read is written again, and has to be the same. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "ledger/block.h"
#include "ledger/proto.h"

#define TXS_MAX	(SB_BLOCK_MAX / 2)

static bool bad(struct sb_proto *message)
{
	message->bad = true;
	return false;
}

static bool read_hash(struct sb_proto *message, const struct sb_proto_field *field, struct sb_chain_hash *hash)
{
	return sb_proto_fixed(message, field, hash->bytes, sizeof(hash->bytes), &hash->there);
}

static bool read_time(struct sb_proto *message, struct sb_chain_time *time)
{
	struct sb_proto_field field;

	while (sb_proto_next(message, &field)) {
		if (field.number == 1 && !field.is_bytes)
			time->seconds = (int64_t)field.value;
		else if (field.number != 2 || !sb_proto_int32(message, &field, &time->nanos))
			return bad(message);
	}
	return !message->bad;
}

static bool read_parts(struct sb_proto *message, struct sb_block_id *id)
{
	struct sb_proto_field field;

	while (sb_proto_next(message, &field)) {
		if (field.number == 1 && !field.is_bytes && field.value <= UINT32_MAX)
			id->parts = (uint32_t)field.value;
		else if (field.number != 2 || !read_hash(message, &field, &id->parts_hash))
			return bad(message);
	}
	return !message->bad;
}

static bool read_block_id(struct sb_proto *message, struct sb_block_id *id)
{
	struct sb_proto_field field;

	while (sb_proto_next(message, &field)) {
		if (field.number == 1 ? !read_hash(message, &field, &id->hash) :
		    field.number != 2 || !field.is_bytes || !read_parts(&field.bytes, id))
			return bad(message);
	}
	return !message->bad;
}

static bool read_version(struct sb_proto *message, struct sb_header *header)
{
	struct sb_proto_field field;

	while (sb_proto_next(message, &field)) {
		if (field.is_bytes || field.number > 2)
			return bad(message);
		*(field.number == 1 ? &header->block_version : &header->app_version) = field.value;
	}
	return !message->bad;
}

static bool read_chain(struct sb_proto *bytes, char chain[SB_CHAIN_NAME_MAX + 1])
{
	if (bytes->left > SB_CHAIN_NAME_MAX || memchr(bytes->data, 0, bytes->left))
		return false;
	memcpy(chain, bytes->data, bytes->left);
	chain[bytes->left] = '\0';
	return true;
}

static bool read_app_hash(struct sb_proto *bytes, struct sb_app_hash *hash)
{
	if (bytes->left > sizeof(hash->bytes))
		return false;
	memcpy(hash->bytes, bytes->data, bytes->left);
	hash->length = (uint8_t)bytes->left;
	return true;
}

static bool header_field(struct sb_proto *message, struct sb_proto_field *field, struct sb_header *header)
{
	bool there;

	if (field->is_bytes != (field->number != 3))
		return false;
	switch (field->number) {
	case 1:
		return read_version(&field->bytes, header);
	case 2:
		return read_chain(&field->bytes, header->chain);
	case 3:
		header->height = (int64_t)field->value;
		return true;
	case 4:
		return read_time(&field->bytes, &header->time);
	case 5:
		return read_block_id(&field->bytes, &header->last_block);
	case 6:
		return read_hash(message, field, &header->last_commit);
	case 7:
		return read_hash(message, field, &header->data);
	case 8:
		return read_hash(message, field, &header->validators);
	case 9:
		return read_hash(message, field, &header->next_validators);
	case 10:
		return read_hash(message, field, &header->consensus);
	case 11:
		return read_app_hash(&field->bytes, &header->app);
	case 12:
		return read_hash(message, field, &header->last_results);
	case 13:
		return read_hash(message, field, &header->evidence);
	case 14:
		return sb_proto_fixed(message, field, header->proposer, sizeof(header->proposer), &there);
	default:
		return false;
	}
}

static bool read_header(struct sb_proto *message, struct sb_header *header)
{
	struct sb_proto_field field;

	while (sb_proto_next(message, &field))
		if (!header_field(message, &field, header))
			return bad(message);
	return !message->bad;
}

static bool read_vote(struct sb_proto *message, struct sb_commit_vote *vote)
{
	struct sb_proto_field field;
	bool there, good;

	while (sb_proto_next(message, &field)) {
		if (field.number == 1) {
			good = !field.is_bytes && field.value >= SB_VOTE_ABSENT && field.value <= SB_VOTE_NIL;
			vote->flag = good ? (uint8_t)field.value : 0;
		} else if (field.number == 2) {
			good = sb_proto_fixed(message, &field, vote->address, sizeof(vote->address), &there);
		} else if (field.number == 3) {
			good = field.is_bytes && read_time(&field.bytes, &vote->time);
		} else {
			good = field.number == 4 && sb_proto_fixed(message, &field, vote->signature,
								   sizeof(vote->signature), &there);
		}
		if (!good)
			return bad(message);
	}
	return !message->bad;
}

/* How many fields of this number a message has. */
static size_t count_fields(struct sb_proto message, unsigned int number)
{
	struct sb_proto_field field;
	size_t count = 0;

	while (sb_proto_next(&message, &field))
		count += field.number == number;
	return count;
}

static int read_commit(struct sb_proto *message, struct sb_commit *commit)
{
	size_t room = count_fields(*message, 4);
	struct sb_proto_field field;

	if (room > SB_VALIDATORS_MAX)
		return -EBADMSG;
	commit->votes = room ? calloc(room, sizeof(*commit->votes)) : NULL;
	if (room && !commit->votes)
		return -ENOMEM;
	while (sb_proto_next(message, &field)) {
		bool good = true;

		if (field.number == 1 && !field.is_bytes)
			commit->height = (int64_t)field.value;
		else if (field.number == 2)
			good = sb_proto_int32(message, &field, &commit->round);
		else if (field.number == 3)
			good = field.is_bytes && read_block_id(&field.bytes, &commit->block);
		else
			good = field.number == 4 && field.is_bytes && commit->count < room &&
			       read_vote(&field.bytes, &commit->votes[commit->count++]);
		if (!good)
			return -EBADMSG;
	}
	return message->bad ? -EBADMSG : 0;
}

static int read_txs(struct sb_proto *message, struct sb_block *block)
{
	size_t room = count_fields(*message, 1);
	struct sb_proto_field field;

	if (room > TXS_MAX || block->txs)
		return -EBADMSG;
	block->txs = room ? calloc(room, sizeof(*block->txs)) : NULL;
	if (room && !block->txs)
		return -ENOMEM;
	while (sb_proto_next(message, &field)) {
		if (field.number != 1 || !field.is_bytes || block->count == room)
			return -EBADMSG;
		block->txs[block->count++] = (struct sb_tx){ field.bytes.data, field.bytes.left };
	}
	return message->bad ? -EBADMSG : 0;
}

static int read_block(struct sb_proto *message, struct sb_block *block)
{
	struct sb_proto_field field;
	unsigned int next = 1;

	while (sb_proto_next(message, &field)) {
		int rc = 0;

		/* each of the four once, in order */
		if (field.number != next++ || !field.is_bytes)
			return -EBADMSG;
		if (field.number == 1)
			rc = read_header(&field.bytes, &block->header) ? 0 : -EBADMSG;
		else if (field.number == 2)
			rc = read_txs(&field.bytes, block);
		else if (field.number == 3)
			rc = field.bytes.left ? -EBADMSG : 0;
		else if (field.number == 4)
			rc = read_commit(&field.bytes, &block->last_commit);
		else
			rc = -EBADMSG;
		if (rc)
			return rc;
	}
	return message->bad || next != 5 ? -EBADMSG : 0;
}

/* rc: of the encoding. */
static int same(int rc, const uint8_t *again, size_t again_length, const uint8_t *data, size_t length)
{
	if (rc)
		return rc == -EFBIG ? -EBADMSG : rc;
	return again_length == length && !memcmp(again, data, length) ? 0 : -EBADMSG;
}

int sb_commit_decode(const uint8_t *data, size_t length, struct sb_commit *commit)
{
	struct sb_proto message = { data, length, false };
	sb_cleanup_free uint8_t *again = NULL;
	struct sb_commit read = { 0 };
	size_t again_length = 0;
	int rc = read_commit(&message, &read);

	if (!rc) {
		rc = sb_commit_encode(&read, &again, &again_length);
		rc = same(rc, again, again_length, data, length);
	}
	if (rc)
		sb_commit_free(&read);
	else
		*commit = read;
	return rc;
}

int sb_block_decode(const uint8_t *data, size_t length, struct sb_block *block)
{
	struct sb_proto message = { data, length, false };
	sb_cleanup_free uint8_t *again = NULL;
	struct sb_block read = { .count = 0 };
	size_t again_length = 0;
	int rc = read_block(&message, &read);

	if (!rc) {
		rc = sb_block_encode(&read, &again, &again_length);
		rc = same(rc, again, again_length, data, length);
	}
	if (rc)
		sb_block_free(&read);
	else
		*block = read;
	return rc;
}

static bool read_result(struct sb_proto *message, struct sb_tx_result *result)
{
	struct sb_proto_field field;

	while (sb_proto_next(message, &field)) {
		if (field.number == 1 && !field.is_bytes && field.value <= UINT32_MAX) {
			result->code = (uint32_t)field.value;
		} else if (field.number == 2 && field.is_bytes && field.bytes.left <= sizeof(result->data)) {
			memcpy(result->data, field.bytes.data, field.bytes.left);
			result->data_length = (uint8_t)field.bytes.left;
		} else if (field.number == 3 && field.is_bytes && field.bytes.left < sizeof(result->log)) {
			memcpy(result->log, field.bytes.data, field.bytes.left);
			result->log[field.bytes.left] = '\0';
		} else {
			return bad(message);
		}
	}
	return !message->bad;
}

int sb_results_decode(const uint8_t *data, size_t length, struct sb_tx_result **results, size_t *count)
{
	struct sb_proto message = { data, length, false };
	size_t room = count_fields(message, 1), read = 0, again_length = 0;
	sb_cleanup_free struct sb_tx_result *list = NULL;
	sb_cleanup_free uint8_t *again = NULL;
	struct sb_proto_field field;
	int rc;

	if (room > TXS_MAX)
		return -EBADMSG;
	list = calloc(room + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	while (sb_proto_next(&message, &field))
		if (field.number != 1 || !field.is_bytes || read == room ||
		    !read_result(&field.bytes, &list[read++]))
			return -EBADMSG;
	if (message.bad)
		return -EBADMSG;
	rc = sb_results_encode(list, read, &again, &again_length);
	rc = same(rc, again, again_length, data, length);
	if (rc)
		return rc;
	*results = sb_take_ptr(list);
	*count = read;
	return 0;
}
