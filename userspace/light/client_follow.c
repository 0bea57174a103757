// SPDX-License-Identifier: Apache-2.0
/* Blocks of one endpoint, verified. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/cleanup.h"
#include "light/client_internal.h"
#include "light/sync.h"

/* Blocks of a peer, for sb_light_sync(). */
struct feed {
	struct sb_light_client *client;
	struct sb_peer *peer;
	struct sb_light_block *ready;		/* fetched already; NULL: none */
	struct sb_validator_set set;		/* the last that were fetched, and their hash */
	struct sb_chain_hash set_hash;
	enum sb_fault fault;
};

static void free_feed(struct feed *feed)
{
	free(feed->set.validators);
}

static int copy_set(const struct sb_validator_set *from, struct sb_validator_set *to)
{
	struct sb_validator *list = calloc(from->count + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	memcpy(list, from->validators, from->count * sizeof(*list));
	*to = *from;
	to->validators = list;
	return 0;
}

static bool same(const struct sb_chain_hash *a, const struct sb_chain_hash *b)
{
	return a->there && b->there && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Validators seldom change: those whose hash we have already are not fetched again. */
static const struct sb_validator_set *known_set(const struct feed *feed, const struct sb_chain_hash *hash)
{
	const struct sb_trust *trust = &feed->client->trust;

	if (same(&feed->set_hash, hash))
		return &feed->set;
	for (size_t i = trust->count; i-- > 0; )
		if (same(&trust->block[i].header.validators, hash))
			return &trust->block[i].validators;
	return NULL;
}

static enum sb_fault add_validators(struct feed *feed, struct sb_light_block *block, struct sb_error *error)
{
	const struct sb_validator_set *known = known_set(feed, &block->header.validators);
	struct sb_validator_set kept = { .count = 0 };
	enum sb_fault fault;

	if (known)
		return copy_set(known, &block->validators) < 0 ? SB_FAULT_LOCAL : SB_FAULT_NONE;
	fault = sb_remote_validators(feed->peer->remote, block->header.height, &block->validators, error);
	if (fault != SB_FAULT_NONE)
		return fault;
	if (copy_set(&block->validators, &kept) < 0)
		return SB_FAULT_LOCAL;
	free(feed->set.validators);
	feed->set = kept;
	feed->set_hash.there = true;
	sb_validator_set_hash(&kept, feed->set_hash.bytes);
	return SB_FAULT_NONE;
}

/* Fields that each block of a real chain has; CometBFT's client does not ask for all of them. */
static bool complete(const struct sb_header *header)
{
	return header->last_commit.there && header->data.there && header->consensus.there &&
	       header->last_results.there && header->evidence.there;
}

static enum sb_fault fetch(struct feed *feed, int64_t height, struct sb_light_block *block,
			   struct sb_error *error)
{
	sb_cleanup(sb_light_block_free) struct sb_light_block read = { .header.height = 0 };
	enum sb_fault fault = sb_remote_commit(feed->peer->remote, height, &read, error);

	if (fault == SB_FAULT_NONE) {
		sb_peer_good(feed->peer);
		if (!height && read.header.height > 0)
			feed->peer->height = read.header.height;
	}
	if (fault == SB_FAULT_NONE && strcmp(read.header.chain, feed->client->chain) != 0) {
		sb_fail(error, 0, "other-chain: it serves the chain %s", read.header.chain);
		fault = SB_FAULT_CHAIN;
	}
	if (fault == SB_FAULT_NONE && !complete(&read.header)) {
		sb_fail(error, 0, "wrong-header: a hash is missing that each header has");
		fault = SB_FAULT_HEADER;
		feed->peer->verdict = SB_LIGHT_MALFORMED;
	}
	if (fault == SB_FAULT_NONE && height && read.header.height != height) {
		sb_fail(error, 0, "stale: asked for height %" PRId64 ", it gave %" PRId64, height, read.header.height);
		fault = SB_FAULT_STALE;
	}
	if (fault == SB_FAULT_NONE)
		fault = add_validators(feed, &read, error);
	if (fault != SB_FAULT_NONE)
		return fault;
	*block = read;
	memset(&read, 0, sizeof(read));
	return SB_FAULT_NONE;
}

static int give(void *context, int64_t height, struct sb_light_block *block, struct sb_error *error)
{
	struct feed *feed = context;

	if (feed->ready && feed->ready->header.height == height) {
		*block = *feed->ready;
		memset(feed->ready, 0, sizeof(*feed->ready));
		feed->ready = NULL;
		return 0;
	}
	feed->fault = fetch(feed, height, block, error);
	return feed->fault == SB_FAULT_NONE ? 0 : -EIO;
}

/* @asked: a height above all is no fault where we asked for one. */
static enum sb_end failed(struct sb_peer *peer, enum sb_fault fault, int64_t asked, const struct sb_error *error)
{
	if (fault == SB_FAULT_TOO_HIGH && asked)
		return SB_END_NOT_YET;
	return sb_peer_bad(peer, fault, error);
}

enum sb_end sb_peer_block(struct sb_light_client *client, struct sb_peer *peer, int64_t height,
			  struct sb_light_block *block)
{
	sb_cleanup(free_feed) struct feed feed = { .client = client, .peer = peer };
	struct sb_error error = { "" };
	enum sb_fault fault = fetch(&feed, height, block, &error);

	return fault == SB_FAULT_NONE ? SB_END_OK : failed(peer, fault, height, &error);
}

/* From *block to @height; @ready is the block there, if it is at hand, and goes to *block. */
static enum sb_end verify_to(struct feed *feed, int64_t height, struct sb_light_block *block)
{
	const struct sb_light_source source = { give, feed };
	struct sb_light_now now = sb_client_now(feed->client);
	struct sb_light_report report;
	struct sb_error error = { "" };
	uint8_t hash[SB_CHAIN_HASH_LEN];
	bool adjacent = height == block->header.height + 1;
	int result;

	sb_header_hash(&block->header, hash);
	feed->fault = SB_FAULT_NONE;
	result = sb_light_sync(block, height, &source, &feed->client->config.rules, &now, &report, &error);
	if (result == -EIO)
		return failed(feed->peer, feed->fault, height, &error);
	if (result == -EBADMSG && report.verdict == SB_LIGHT_EXPIRED)
		return SB_END_EXPIRED;
	if (result == -EBADMSG)
		return sb_peer_lies(feed->peer, report.verdict, &error);
	if (result < 0)
		return sb_peer_bad(feed->peer, SB_FAULT_LOCAL, &error);
	/* CometBFT leaves this to full nodes; a chain that went back and on again shows here. */
	if (adjacent && memcmp(block->header.last_block.hash.bytes, hash, sizeof(hash)) != 0) {
		sb_fail(&error, 0, "wrong-header: it follows another block than the one that is trusted");
		return sb_peer_lies(feed->peer, SB_LIGHT_NOT_PARENT, &error);
	}
	return SB_END_OK;
}

static bool same_header(const struct sb_header *a, const struct sb_header *b)
{
	uint8_t left[SB_CHAIN_HASH_LEN], right[SB_CHAIN_HASH_LEN];

	sb_header_hash(a, left);
	sb_header_hash(b, right);
	return memcmp(left, right, sizeof(left)) == 0;
}

/* Signed by more than two thirds of the validators that our own block names. */
static bool signed_by_same(const struct sb_light_block *theirs, const struct sb_light_block *ours)
{
	return same(&theirs->header.validators, &ours->header.validators) &&
	       sb_light_check(theirs, ours->header.chain) == SB_LIGHT_OK &&
	       sb_light_commit(theirs) == SB_LIGHT_OK;
}

/* On one chain what is lower is earlier, and what is higher is later. */
static bool out_of_order(const struct sb_header *theirs, const struct sb_header *ours)
{
	int order = sb_time_compare(theirs->time, ours->time);

	return theirs->height < ours->height ? order >= 0 : theirs->height > ours->height && order <= 0;
}

enum sb_end sb_peer_order(struct sb_light_client *client, struct sb_peer *peer, const struct sb_light_block *theirs,
			  const struct sb_light_block *ours)
{
	const struct sb_trust *trust = &client->trust;
	const struct sb_light_block *other = out_of_order(&theirs->header, &ours->header) ? ours : NULL;
	struct sb_fork fork = { { NULL, theirs }, { "the trust of this device", peer->url } };

	for (size_t i = 0; !other && i < trust->count; i++)
		if (out_of_order(&theirs->header, &trust->block[i].header))
			other = &trust->block[i];
	if (!other || !signed_by_same(theirs, other))
		return SB_END_OK;
	fork.block[0] = other;
	return sb_client_fork(client, peer, &fork);
}

/* The peer's latest, against a block of ours that is as high or higher. */
static enum sb_end not_newer(struct feed *feed, const struct sb_light_block *latest,
			     const struct sb_light_block *ours)
{
	struct sb_error error;

	if (latest->header.height == ours->header.height)
		return sb_peer_compare(feed->client, feed->peer, &latest->header, ours, "the trust of this device");
	/* An old line that goes on beside a restored one is lower, and yet later. */
	if (sb_peer_order(feed->client, feed->peer, latest, ours) == SB_END_FORK)
		return SB_END_FORK;
	sb_fail(&error, 0, "stale: its latest height is %" PRId64 ", %" PRId64 " is proven", latest->header.height,
		ours->header.height);
	return sb_peer_bad(feed->peer, SB_FAULT_STALE, &error);
}

/*
 * The peer's chain must still have the block that we come from: one that was set back, and went on from
 * there, shows another one.
 */
static enum sb_end still_there(struct feed *feed, const struct sb_light_block *ours)
{
	struct sb_error error = { "" };
	struct sb_header header;
	enum sb_fault fault = sb_remote_header(feed->peer->remote, ours->header.height, &header, &error);

	/* Old blocks may be gone, or lost before a recovery, and not every endpoint has the method. */
	if (fault == SB_FAULT_NOT_AVAILABLE)
		return sb_client_lost(feed->client, feed->peer, ours);
	if (fault != SB_FAULT_NONE || header.height != ours->header.height)
		return SB_END_OK;
	return sb_peer_compare(feed->client, feed->peer, &header, ours, "the trust of this device");
}

/* What it gives follows another block than ours: is that one proven, too? */
static enum sb_end other_parent(struct feed *feed, const struct sb_light_block *ours)
{
	sb_cleanup(sb_light_block_free) struct sb_light_block theirs = { .header.height = 0 };

	if (sb_peer_block(feed->client, feed->peer, ours->header.height, &theirs) != SB_END_OK)
		return SB_END_FAULT;
	return sb_peer_compare(feed->client, feed->peer, &theirs.header, ours, "the trust of this device") ==
	       SB_END_FORK ? SB_END_FORK : SB_END_FAULT;
}

enum sb_end sb_peer_follow(struct sb_light_client *client, struct sb_peer *peer, int64_t height,
			   struct sb_light_block *block)
{
	sb_cleanup(free_feed) struct feed feed = { .client = client, .peer = peer };
	sb_cleanup(sb_light_block_free) struct sb_light_block latest = { .header.height = 0 };
	sb_cleanup(sb_light_block_free) struct sb_light_block made = { .header.height = 0 };
	struct sb_error error = { "" };
	enum sb_fault fault;
	enum sb_end end;

	fault = fetch(&feed, height, &latest, &error);
	if (fault != SB_FAULT_NONE)
		return failed(peer, fault, height, &error);
	if (latest.header.height <= block->header.height)
		return not_newer(&feed, &latest, block);
	/* A restored line whose old one went on for longer is higher, and yet not later. */
	if (sb_peer_order(client, peer, &latest, block) == SB_END_FORK)
		return SB_END_FORK;
	if (sb_light_block_copy(block, &made) < 0)
		return sb_peer_bad(peer, SB_FAULT_LOCAL, NULL);
	feed.ready = &latest;
	end = verify_to(&feed, latest.header.height, &made);
	if (end == SB_END_OK && made.header.height > block->header.height + 1)
		end = still_there(&feed, block);
	else if (end == SB_END_FAULT && peer->verdict == SB_LIGHT_NOT_PARENT)
		end = other_parent(&feed, block);
	if (end != SB_END_OK)
		return end;
	sb_light_block_free(block);
	*block = made;
	memset(&made, 0, sizeof(made));
	return SB_END_OK;
}

/* Is the peer's block at that height as proven as ours? From a block that both have below. */
static enum sb_end prove_theirs(struct feed *feed, const struct sb_light_block *ours,
				struct sb_light_block *theirs)
{
	const struct sb_light_block *base = sb_client_kept_below(feed->client, ours->header.height);
	enum sb_end end = sb_peer_block(feed->client, feed->peer, ours->header.height, theirs);

	if (end != SB_END_OK || signed_by_same(theirs, ours))
		return end;
	sb_light_block_free(theirs);
	if (!base)
		return sb_peer_lies(feed->peer, SB_LIGHT_SIGNATURE, NULL);
	if (sb_light_block_copy(base, theirs) < 0)
		return sb_peer_bad(feed->peer, SB_FAULT_LOCAL, NULL);
	end = verify_to(feed, ours->header.height, theirs);
	return end == SB_END_EXPIRED ? sb_peer_lies(feed->peer, SB_LIGHT_EXPIRED, NULL) : end;
}

enum sb_end sb_peer_compare(struct sb_light_client *client, struct sb_peer *peer, const struct sb_header *header,
			    const struct sb_light_block *ours, const char *ours_from)
{
	sb_cleanup(free_feed) struct feed feed = { .client = client, .peer = peer };
	sb_cleanup(sb_light_block_free) struct sb_light_block theirs = { .header.height = 0 };
	struct sb_fork fork = { { ours, &theirs }, { ours_from, peer->url } };
	enum sb_end end;

	if (same_header(header, &ours->header))
		return SB_END_OK;
	end = prove_theirs(&feed, ours, &theirs);
	if (end == SB_END_NOT_YET)
		return SB_END_FAULT;
	if (end != SB_END_OK)
		return end;
	/* It may have thought better of it: then it was a lie, if a small one. */
	if (same_header(&theirs.header, &ours->header))
		return sb_peer_lies(peer, SB_LIGHT_COMMIT, NULL);
	return sb_client_fork(client, peer, &fork);
}

void sb_client_accept(struct sb_light_client *client, struct sb_light_block *block)
{
	sb_trust_add(&client->trust, block);
	memcpy(client->trust.boot_id, client->boot_id, sizeof(client->boot_id));
	client->trust.received_ms = sb_boot_ms();
	client->dirty = true;
}
