// SPDX-License-Identifier: Apache-2.0
#include "light/trust_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/sha256.h"
#include "light/verify.h"

static const uint8_t magic[8] = { 'S', 'B', 'T', 'R', 'U', 'S', 'T', 1 };

void sb_trust_free(struct sb_trust *trust)
{
	while (trust->count)
		sb_light_block_free(&trust->block[--trust->count]);
}

void sb_trust_add(struct sb_trust *trust, struct sb_light_block *block)
{
	if (trust->count == SB_TRUST_BLOCKS) {
		sb_light_block_free(&trust->block[1]);
		memmove(&trust->block[1], &trust->block[2], (SB_TRUST_BLOCKS - 2) * sizeof(trust->block[0]));
		trust->count--;
	}
	trust->block[trust->count++] = *block;
	memset(block, 0, sizeof(*block));
}

int sb_light_block_copy(const struct sb_light_block *block, struct sb_light_block *copy)
{
	struct sb_light_block made = *block;

	made.commit.votes = calloc(made.commit.count + 1, sizeof(*made.commit.votes));
	made.validators.validators = calloc(made.validators.count + 1, sizeof(*made.validators.validators));
	if (!made.commit.votes || !made.validators.validators) {
		sb_light_block_free(&made);
		return -ENOMEM;
	}
	if (made.commit.count)
		memcpy(made.commit.votes, block->commit.votes, made.commit.count * sizeof(*made.commit.votes));
	if (made.validators.count)
		memcpy(made.validators.validators, block->validators.validators,
		       made.validators.count * sizeof(*made.validators.validators));
	*copy = made;
	return 0;
}

static void put_hash(struct sb_bytes *out, const struct sb_chain_hash *hash)
{
	sb_bytes_be(out, hash->there ? sizeof(hash->bytes) : 0, 1);
	sb_bytes_put(out, hash->bytes, hash->there ? sizeof(hash->bytes) : 0);
}

static void put_time(struct sb_bytes *out, struct sb_chain_time time)
{
	sb_bytes_be(out, (uint64_t)time.seconds, 8);
	sb_bytes_be(out, (uint64_t)time.nanos, 4);
}

static void put_id(struct sb_bytes *out, const struct sb_block_id *id)
{
	put_hash(out, &id->hash);
	sb_bytes_be(out, id->parts, 4);
	put_hash(out, &id->parts_hash);
}

/* The hashes in the order of the file; the application's, which may be shorter, comes after them. */
#define HASHES(header)	{ &(header)->last_commit, &(header)->data, &(header)->validators, \
			  &(header)->next_validators, &(header)->consensus, &(header)->last_results, \
			  &(header)->evidence }

static void put_header(struct sb_bytes *out, const struct sb_header *header)
{
	const struct sb_chain_hash *const hash[] = HASHES(header);

	sb_bytes_be(out, header->block_version, 8);
	sb_bytes_be(out, header->app_version, 8);
	sb_bytes_be(out, (uint64_t)header->height, 8);
	put_time(out, header->time);
	put_id(out, &header->last_block);
	for (size_t i = 0; i < SB_ARRAY_SIZE(hash); i++)
		put_hash(out, hash[i]);
	sb_bytes_be(out, header->app.length, 1);
	sb_bytes_put(out, header->app.bytes, header->app.length);
	sb_bytes_put(out, header->proposer, sizeof(header->proposer));
}

static void put_block(struct sb_bytes *out, const struct sb_light_block *block)
{
	const struct sb_commit *commit = &block->commit;
	const struct sb_validator_set *set = &block->validators;

	put_header(out, &block->header);
	sb_bytes_be(out, (uint64_t)commit->round, 4);
	put_id(out, &commit->block);
	sb_bytes_be(out, commit->count, 2);
	for (size_t i = 0; i < commit->count; i++) {
		sb_bytes_be(out, commit->votes[i].flag, 1);
		if (commit->votes[i].flag == SB_VOTE_ABSENT)
			continue;
		sb_bytes_put(out, commit->votes[i].address, SB_CHAIN_ADDRESS_LEN);
		put_time(out, commit->votes[i].time);
		sb_bytes_put(out, commit->votes[i].signature, SB_ED25519_SIG_LEN);
	}
	sb_bytes_be(out, set->count, 2);
	for (size_t i = 0; i < set->count; i++) {
		sb_bytes_put(out, set->validators[i].key, SB_ED25519_KEY_LEN);
		sb_bytes_be(out, (uint64_t)set->validators[i].power, 8);
	}
}

void sb_trust_write(const struct sb_trust *trust, struct sb_bytes *out)
{
	size_t start = out->length, length = strlen(trust->chain);
	uint8_t digest[SB_SHA256_LEN];

	sb_bytes_put(out, magic, sizeof(magic));
	sb_bytes_be(out, length, 1);
	sb_bytes_put(out, trust->chain, length);
	sb_bytes_put(out, trust->boot_id, sizeof(trust->boot_id));
	sb_bytes_be(out, trust->received_ms, 8);
	sb_bytes_be(out, (uint64_t)trust->members_height, 8);
	sb_members_put(out, &trust->members);
	sb_bytes_be(out, trust->count, 1);
	for (size_t i = 0; i < trust->count; i++) {
		sb_cleanup(sb_bytes_free) struct sb_bytes block = { .data = NULL };

		put_block(&block, &trust->block[i]);
		out->failed |= block.failed;
		sb_bytes_be(out, block.length, 4);
		sb_bytes_put(out, block.data, block.length);
	}
	if (out->failed)
		return;
	sb_digest_of(out->data + start, out->length - start, digest);
	sb_bytes_put(out, digest, sizeof(digest));
}

static void get_bytes(struct sb_reader *in, void *out, size_t length)
{
	struct sb_span span = sb_read_span(in, length);

	if (span.data)
		memcpy(out, span.data, length);
}

static void get_hash(struct sb_reader *in, struct sb_chain_hash *hash)
{
	uint8_t length = sb_read_u8(in);

	if (length && length != sizeof(hash->bytes))
		in->failed = true;
	hash->there = length != 0;
	if (length)
		get_bytes(in, hash->bytes, sizeof(hash->bytes));
}

static void get_time(struct sb_reader *in, struct sb_chain_time *time)
{
	uint32_t nanos;

	time->seconds = (int64_t)sb_read_be(in, 8);
	nanos = sb_read_u32(in);
	if (nanos >= 1000000000)
		in->failed = true;
	else
		time->nanos = (int32_t)nanos;
}

static void get_id(struct sb_reader *in, struct sb_block_id *id)
{
	get_hash(in, &id->hash);
	id->parts = sb_read_u32(in);
	get_hash(in, &id->parts_hash);
}

static void get_header(struct sb_reader *in, struct sb_header *header)
{
	struct sb_chain_hash *const hash[] = HASHES(header);

	header->block_version = sb_read_be(in, 8);
	header->app_version = sb_read_be(in, 8);
	header->height = (int64_t)sb_read_be(in, 8);
	get_time(in, &header->time);
	get_id(in, &header->last_block);
	for (size_t i = 0; i < SB_ARRAY_SIZE(hash); i++)
		get_hash(in, hash[i]);
	header->app.length = sb_read_u8(in);
	if (header->app.length > sizeof(header->app.bytes)) {
		header->app.length = 0;
		in->failed = true;
	}
	get_bytes(in, header->app.bytes, header->app.length);
	get_bytes(in, header->proposer, sizeof(header->proposer));
}

static int get_commit(struct sb_reader *in, struct sb_commit *commit)
{
	uint32_t round = sb_read_u32(in);
	size_t count;

	get_id(in, &commit->block);
	count = sb_read_u16(in);
	if (in->failed || round > INT32_MAX || !count || count > SB_VALIDATORS_MAX)
		return -EBADMSG;
	commit->round = (int32_t)round;
	commit->votes = calloc(count, sizeof(*commit->votes));
	if (!commit->votes)
		return -ENOMEM;
	commit->count = count;
	for (size_t i = 0; i < count; i++) {
		struct sb_commit_vote *vote = &commit->votes[i];

		vote->flag = sb_read_u8(in);
		if (vote->flag == SB_VOTE_ABSENT)
			continue;
		get_bytes(in, vote->address, sizeof(vote->address));
		get_time(in, &vote->time);
		get_bytes(in, vote->signature, sizeof(vote->signature));
	}
	return in->failed ? -EBADMSG : 0;
}

static int get_validators(struct sb_reader *in, struct sb_validator_set *set)
{
	size_t count = sb_read_u16(in);

	if (in->failed || !count || count > SB_VALIDATORS_MAX)
		return -EBADMSG;
	set->validators = calloc(count, sizeof(*set->validators));
	if (!set->validators)
		return -ENOMEM;
	set->count = count;
	for (size_t i = 0; i < count; i++) {
		get_bytes(in, set->validators[i].key, SB_ED25519_KEY_LEN);
		set->validators[i].power = (int64_t)sb_read_be(in, 8);
		sb_validator_address(set->validators[i].key, set->validators[i].address);
	}
	return in->failed || sb_validator_set_sum(set) < 0 ? -EBADMSG : 0;
}

/* Whole in itself, as when it was verified: what the checksum cannot say of a file made by others. */
static int get_block(struct sb_reader *in, const char *chain, struct sb_light_block *block)
{
	int result;

	get_header(in, &block->header);
	strcpy(block->header.chain, chain);
	result = get_commit(in, &block->commit);
	if (result < 0)
		return result;
	block->commit.height = block->header.height;
	result = get_validators(in, &block->validators);
	if (result < 0)
		return result;
	return sb_read_whole(in) && sb_light_check(block, chain) == SB_LIGHT_OK ? 0 : -EBADMSG;
}

static int get_blocks(struct sb_reader *in, struct sb_trust *trust)
{
	size_t count = sb_read_u8(in);

	if (count > SB_TRUST_BLOCKS)
		return -EBADMSG;
	while (trust->count < count) {
		struct sb_span span = sb_read_span(in, sb_read_u32(in));
		struct sb_reader inner = { span.data, span.length, in->failed };
		struct sb_light_block *before = sb_trust_latest(trust), *block = &trust->block[trust->count++];
		int result = get_block(&inner, trust->chain, block);

		if (result < 0)
			return result;
		if (before && before->header.height >= block->header.height)
			return -EBADMSG;
	}
	return 0;
}

static int get_trust(struct sb_reader *in, struct sb_trust *trust)
{
	uint8_t head[sizeof(magic)] = { 0 }, length;
	int result;

	get_bytes(in, head, sizeof(head));
	length = sb_read_u8(in);
	if (memcmp(head, magic, sizeof(magic)) != 0 || !length || length > SB_CHAIN_NAME_MAX)
		return -EBADMSG;
	get_bytes(in, trust->chain, length);
	if (strlen(trust->chain) != length)
		return -EBADMSG;
	get_bytes(in, trust->boot_id, sizeof(trust->boot_id));
	trust->received_ms = sb_read_be(in, 8);
	trust->members_height = (int64_t)sb_read_be(in, 8);
	if (!sb_members_get(in, &trust->members) || trust->members_height < 0)
		return -EBADMSG;
	result = get_blocks(in, trust);
	if (result < 0)
		return result;
	return sb_read_whole(in) ? 0 : -EBADMSG;
}

int sb_trust_read(const uint8_t *data, size_t length, struct sb_trust *trust)
{
	sb_cleanup_free struct sb_trust *read = calloc(1, sizeof(*read));
	struct sb_reader in = { data, length - SB_SHA256_LEN, false };
	uint8_t digest[SB_SHA256_LEN];
	int result;

	if (!read)
		return -ENOMEM;
	if (length < SB_SHA256_LEN || length > SB_TRUST_FILE_MAX)
		return -EBADMSG;
	sb_digest_of(data, in.left, digest);
	if (memcmp(digest, data + in.left, sizeof(digest)) != 0)
		return -EBADMSG;
	result = get_trust(&in, read);
	if (result < 0) {
		sb_trust_free(read);
		return result;
	}
	*trust = *read;
	return 0;
}
