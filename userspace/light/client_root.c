// SPDX-License-Identifier: Apache-2.0
/* Where trust begins: as provisioned, and again after the trusting period by the members' word. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "light/client_internal.h"

static bool is_root(const struct sb_light_root *root, const struct sb_header *header)
{
	uint8_t hash[SB_CHAIN_HASH_LEN];

	if (!root->height)
		return header->validators.there && memcmp(header->validators.bytes, root->hash, sizeof(hash)) == 0;
	sb_header_hash(header, hash);
	return memcmp(hash, root->hash, sizeof(hash)) == 0;
}

/* Whole, and signed by more than two thirds of its own validators. */
static enum sb_light_verdict signed_whole(const struct sb_light_block *block, const char *chain)
{
	enum sb_light_verdict verdict = sb_light_check(block, chain);

	return verdict == SB_LIGHT_OK ? sb_light_commit(block) : verdict;
}

enum sb_end sb_client_root(struct sb_light_client *client, struct sb_peer *peer)
{
	sb_cleanup(sb_light_block_free) struct sb_light_block block = { .header.height = 0 };
	const struct sb_light_root *root = &client->config.root;
	enum sb_light_verdict verdict;
	struct sb_error error;
	enum sb_end end;

	if (client->trust.count)
		return SB_END_OK;
	end = sb_peer_block(client, peer, root->height ? root->height : 1, &block);
	if (end == SB_END_NOT_YET)
		return sb_peer_bad(peer, SB_FAULT_TOO_HIGH, NULL);
	if (end != SB_END_OK)
		return end;
	if (!is_root(root, &block.header)) {
		sb_fail(&error, 0, "wrong-header: at height %" PRId64 " it has another block than the provisioned one",
			block.header.height);
		return sb_peer_lies(peer, root->height ? SB_LIGHT_COMMIT : SB_LIGHT_VALIDATORS, &error);
	}
	verdict = signed_whole(&block, client->chain);
	if (verdict != SB_LIGHT_OK)
		return sb_peer_lies(peer, verdict, NULL);
	sb_client_accept(client, &block);
	return SB_END_OK;
}

/* What the calls below work with; on the heap, for its size. */
struct work {
	struct sb_checkpoint checkpoint;
	struct sb_members members;
	bool recovery;			/* only a recovery will do */
};

/* A block that is kept at the height behind which the recovery goes on must be the one that it names. */
static bool contradicts(const struct sb_light_client *client, const struct sb_checkpoint *checkpoint)
{
	const struct sb_trust *trust = &client->trust;
	uint8_t hash[SB_CHAIN_HASH_LEN];

	for (size_t i = 0; checkpoint->after && i < trust->count; i++) {
		if (trust->block[i].header.height != checkpoint->after)
			continue;
		sb_header_hash(&trust->block[i].header, hash);
		return memcmp(hash, checkpoint->after_hash, sizeof(hash)) != 0;
	}
	return false;
}

/* The block that the members have named, whose validators need not be any that we know. */
static enum sb_end named_block(struct sb_light_client *client, struct sb_peer *peer,
			       const struct sb_checkpoint *checkpoint, struct sb_light_block *block)
{
	enum sb_light_verdict verdict;
	uint8_t hash[SB_CHAIN_HASH_LEN];
	enum sb_end end = sb_peer_block(client, peer, checkpoint->height, block);

	if (end == SB_END_NOT_YET)
		return sb_peer_bad(peer, SB_FAULT_TOO_HIGH, NULL);
	if (end != SB_END_OK)
		return end;
	verdict = signed_whole(block, client->chain);
	sb_header_hash(&block->header, hash);
	if (verdict == SB_LIGHT_OK && (memcmp(hash, checkpoint->hash, sizeof(hash)) != 0 ||
				       sb_time_compare(block->header.time, checkpoint->time) != 0))
		verdict = SB_LIGHT_COMMIT;
	return verdict == SB_LIGHT_OK ? SB_END_OK : sb_peer_lies(peer, verdict, NULL);
}

/*
 * What was signed later than the block that goes on above it was signed by a second one of this chain, whose members
 * believed that it was gone: that is for a person to look at.
 */
static enum sb_end too_late(struct sb_light_client *client, struct sb_peer *peer, const struct sb_light_block *ours,
			    const struct sb_light_block *theirs)
{
	struct sb_fork fork = { { ours, theirs }, { "the trust of this device", peer->url } };

	return sb_client_fork(client, peer, &fork);
}

static enum sb_end take_up(struct sb_light_client *client, struct sb_peer *peer, const struct work *work)
{
	sb_cleanup(sb_light_block_free) struct sb_light_block block = { .header.height = 0 };
	const struct sb_light_block *latest = sb_trust_latest(&client->trust);
	enum sb_end end;

	if (contradicts(client, &work->checkpoint))
		return sb_peer_bad(peer, SB_FAULT_CHECKPOINT, NULL);
	end = named_block(client, peer, &work->checkpoint, &block);
	if (end != SB_END_OK)
		return end;
	if (sb_time_compare(block.header.time, latest->header.time) <= 0)
		return too_late(client, peer, latest, &block);
	sb_client_accept(client, &block);
	client->trust.members = work->members;
	client->trust.members_height = work->checkpoint.height;
	return SB_END_OK;
}

/* A list of checkpoints, from wherever. -ENOENT: none of them helps. */
static int judge(struct sb_light_client *client, const uint8_t *data, size_t length, int64_t above, struct work *work,
		 struct sb_error *error)
{
	struct sb_light_now now = sb_client_now(client);
	struct sb_header dated = { .height = 1 };
	int result;

	work->members = client->trust.members;
	result = (work->recovery ? sb_checkpoint_recovery : sb_checkpoint_follow)
		 (data, length, client->chain, above, &work->members, &work->checkpoint, error);
	if (result < 0)
		return result;
	dated.time = work->checkpoint.time;
	if (sb_light_expired(&dated, &client->config.rules, &now))
		return sb_fail(error, -ENOENT, "the newest checkpoint, of height %" PRId64 ", has expired as well",
			       work->checkpoint.height);
	return 0;
}

/* A person's file comes first; one that does not fit is no endpoint's fault. */
static bool from_file(struct sb_light_client *client, int64_t above, struct work *work)
{
	sb_cleanup_free uint8_t *data = NULL;
	struct sb_error error;
	size_t length;

	return sb_trust_checkpoint(client->directory, &data, &length) == 0 &&
	       judge(client, data, length, above, work, &error) == 0;
}

static enum sb_end from_peer(struct sb_light_client *client, struct sb_peer *peer, int64_t above, struct work *work)
{
	sb_cleanup(sb_query_answer_free) struct sb_query_answer answer = { .code = 0 };
	struct sb_error error = { "" };
	enum sb_fault fault;
	uint8_t height[8];
	int result;

	for (size_t i = 0; i < sizeof(height); i++)
		height[i] = (uint8_t)((uint64_t)above >> (56 - 8 * i));
	fault = sb_remote_query(peer->remote, SB_CHECKPOINT_PATH, height, sizeof(height), 0, false, &answer, &error);
	if (fault != SB_FAULT_NONE)
		return sb_peer_bad(peer, fault, &error);
	if (answer.code || !answer.value_length)
		return SB_END_EXPIRED;
	result = judge(client, answer.value, answer.value_length, above, work, &error);
	/* Signatures may still be collected: that is no lie. */
	if (result == -ENOENT || result == -ENOKEY)
		return SB_END_EXPIRED;
	if (result < 0)
		return sb_peer_bad(peer, result == -ENOMEM ? SB_FAULT_LOCAL : SB_FAULT_CHECKPOINT, &error);
	return SB_END_OK;
}

/*
 * Out: what was found, in work that is to be freed; as it was, where the end is not OK. With nobody to believe
 * there is nothing to ask for.
 */
static enum sb_end find(struct sb_light_client *client, struct sb_peer *peer, int64_t above, bool recovery,
			struct work **out)
{
	struct work *work;
	enum sb_end end;

	if (!client->trust.members.count)
		return SB_END_EXPIRED;
	work = calloc(1, sizeof(*work));
	if (!work)
		return sb_peer_bad(peer, SB_FAULT_LOCAL, NULL);
	work->recovery = recovery;
	end = from_file(client, above, work) ? SB_END_OK : from_peer(client, peer, above, work);
	if (end == SB_END_OK)
		*out = work;
	else
		free(work);
	return end;
}

enum sb_end sb_client_checkpoint(struct sb_light_client *client, struct sb_peer *peer)
{
	sb_cleanup_free struct work *work = NULL;
	enum sb_end end = find(client, peer, sb_trust_latest(&client->trust)->header.height, false, &work);

	return work ? take_up(client, peer, work) : end;
}

enum sb_end sb_client_recovery(struct sb_light_client *client, struct sb_peer *peer)
{
	sb_cleanup_free struct work *work = NULL;
	enum sb_end end = find(client, peer, sb_trust_latest(&client->trust)->header.height, true, &work);

	return work ? take_up(client, peer, work) : end;
}

enum sb_end sb_client_lost(struct sb_light_client *client, struct sb_peer *peer, const struct sb_light_block *ours)
{
	sb_cleanup(sb_light_block_free) struct sb_light_block block = { .header.height = 0 };
	sb_cleanup_free struct work *work = NULL;

	find(client, peer, ours->header.height, true, &work);
	if (!work || work->checkpoint.after >= ours->header.height)
		return SB_END_OK;
	if (named_block(client, peer, &work->checkpoint, &block) != SB_END_OK)
		return SB_END_FAULT;
	return sb_time_compare(block.header.time, ours->header.time) > 0 ? SB_END_OK :
	       too_late(client, peer, ours, &block);
}
