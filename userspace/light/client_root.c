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

/* The block that the members have named, whose validators need not be any that we know. */
static enum sb_end take_up(struct sb_light_client *client, struct sb_peer *peer,
			   const struct sb_checkpoint *checkpoint, const struct sb_members *members)
{
	sb_cleanup(sb_light_block_free) struct sb_light_block block = { .header.height = 0 };
	enum sb_light_verdict verdict;
	uint8_t hash[SB_CHAIN_HASH_LEN];
	enum sb_end end = sb_peer_block(client, peer, checkpoint->height, &block);

	if (end == SB_END_NOT_YET)
		return sb_peer_bad(peer, SB_FAULT_TOO_HIGH, NULL);
	if (end != SB_END_OK)
		return end;
	verdict = signed_whole(&block, client->chain);
	sb_header_hash(&block.header, hash);
	if (verdict == SB_LIGHT_OK && (memcmp(hash, checkpoint->hash, sizeof(hash)) != 0 ||
				       sb_time_compare(block.header.time, checkpoint->time) != 0))
		verdict = SB_LIGHT_COMMIT;
	if (verdict != SB_LIGHT_OK)
		return sb_peer_lies(peer, verdict, NULL);
	sb_client_accept(client, &block);
	client->trust.members = *members;
	client->trust.members_height = checkpoint->height;
	return SB_END_OK;
}

/* A list of checkpoints, from wherever. -ENOENT: none of them helps. */
static int judge(struct sb_light_client *client, const uint8_t *data, size_t length,
		 struct sb_checkpoint *checkpoint, struct sb_members *members, struct sb_error *error)
{
	struct sb_light_now now = sb_client_now(client);
	int64_t above = sb_trust_latest(&client->trust)->header.height;
	struct sb_header dated = { .height = 1 };
	int result;

	*members = client->trust.members;
	result = sb_checkpoint_follow(data, length, client->chain, above, members, checkpoint, error);
	if (result < 0)
		return result;
	dated.time = checkpoint->time;
	if (sb_light_expired(&dated, &client->config.rules, &now))
		return sb_fail(error, -ENOENT, "the newest checkpoint, of height %" PRId64 ", has expired as well",
			       checkpoint->height);
	return 0;
}

/* What sb_client_checkpoint() works with; on the heap, for its size. */
struct work {
	struct sb_checkpoint checkpoint;
	struct sb_members members;
};

/* A person's file comes first; one that does not fit is no endpoint's fault. */
static bool from_file(struct sb_light_client *client, struct work *work)
{
	sb_cleanup_free uint8_t *data = NULL;
	struct sb_error error;
	size_t length;

	return sb_trust_checkpoint(client->directory, &data, &length) == 0 &&
	       judge(client, data, length, &work->checkpoint, &work->members, &error) == 0;
}

static enum sb_end from_peer(struct sb_light_client *client, struct sb_peer *peer, struct work *work)
{
	sb_cleanup(sb_query_answer_free) struct sb_query_answer answer = { .code = 0 };
	int64_t above = sb_trust_latest(&client->trust)->header.height;
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
	result = judge(client, answer.value, answer.value_length, &work->checkpoint, &work->members, &error);
	/* Signatures may still be collected: that is no lie. */
	if (result == -ENOENT || result == -ENOKEY)
		return SB_END_EXPIRED;
	if (result < 0)
		return sb_peer_bad(peer, result == -ENOMEM ? SB_FAULT_LOCAL : SB_FAULT_CHECKPOINT, &error);
	return SB_END_OK;
}

enum sb_end sb_client_checkpoint(struct sb_light_client *client, struct sb_peer *peer)
{
	sb_cleanup_free struct work *work = calloc(1, sizeof(*work));
	enum sb_end end;

	if (!work)
		return sb_peer_bad(peer, SB_FAULT_LOCAL, NULL);
	/* With nobody to believe there is nothing to ask for. */
	if (!client->trust.members.count)
		return SB_END_EXPIRED;
	end = from_file(client, work) ? SB_END_OK : from_peer(client, peer, work);
	return end == SB_END_OK ? take_up(client, peer, &work->checkpoint, &work->members) : end;
}
