// SPDX-License-Identifier: Apache-2.0
/* To the latest header, by one endpoint, with another one as a witness. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "light/client_internal.h"
#include "light/sync.h"

/* How a sync goes. */
struct course {
	struct sb_light_block block;	/* the latest that is proven */
	struct sb_peer *source;		/* who gave it; NULL: it is what was trusted before */
	bool checked;			/* an endpoint said that nothing is newer, or gave what is */
	bool expired, witnessed, by_checkpoint;
};

static void free_course(struct course *course)
{
	sb_light_block_free(&course->block);
}

static int reset(const struct sb_light_client *client, struct course *course)
{
	sb_light_block_free(&course->block);
	return sb_light_block_copy(&client->trust.block[client->trust.count - 1], &course->block);
}

/* By the clock, where there is one to believe. */
static bool is_stale(const struct sb_light_client *client, const struct sb_header *header)
{
	struct sb_light_now now = sb_client_now(client);

	return now.known && sb_time_compare(sb_time_add(header->time, client->config.stale_after), now.time) < 0;
}

static enum sb_end advance(struct sb_light_client *client, struct sb_peer *peer, struct course *course)
{
	int64_t before = course->block.header.height;
	enum sb_end end = sb_peer_follow(client, peer, 0, &course->block);

	if (end == SB_END_OK) {
		course->checked = true;
		if (course->block.header.height > before)
			course->source = peer;
	}
	return end;
}

/*
 * By the rules there is no way where none of the heights between is there. Where what is higher is not later, by
 * validators whom we do not know, it may be a restored line whose old one we have followed for longer.
 */
static bool may_be_restored(const struct sb_peer *peer)
{
	return peer->standing.fault == SB_FAULT_NOT_AVAILABLE ||
	       (peer->standing.fault == SB_FAULT_HEADER && peer->verdict == SB_LIGHT_TIME);
}

/* By the members' word; without it, what the peer was blamed for stays. */
static enum sb_end by_recovery(struct sb_light_client *client, struct sb_peer *peer)
{
	bool lied = sb_fault_is_lie(peer->standing.fault);
	enum sb_end end = sb_client_recovery(client, peer);

	if (end == SB_END_FAULT && lied && !sb_fault_is_lie(peer->standing.fault))
		sb_peer_lies(peer, SB_LIGHT_TIME, NULL);
	return end == SB_END_EXPIRED ? SB_END_FAULT : end;
}

static enum sb_end try_peer(struct sb_light_client *client, struct sb_peer *peer, struct course *course)
{
	enum sb_end end = sb_client_root(client, peer);

	if (end == SB_END_OK && !course->block.header.height && reset(client, course) < 0)
		end = sb_peer_bad(peer, SB_FAULT_LOCAL, NULL);
	if (end == SB_END_OK)
		end = advance(client, peer, course);
	if (end == SB_END_FAULT && course->block.header.height && may_be_restored(peer)) {
		end = by_recovery(client, peer);
	} else if (end == SB_END_EXPIRED) {
		course->expired = true;
		end = sb_client_checkpoint(client, peer);
	} else {
		return end;
	}
	if (end == SB_END_OK && reset(client, course) < 0)
		end = sb_peer_bad(peer, SB_FAULT_LOCAL, NULL);
	if (end != SB_END_OK)
		return end;
	course->by_checkpoint = true;
	course->expired = false;
	course->source = peer;
	course->checked = true;
	end = advance(client, peer, course);
	/* What the members have named is proven, whatever comes behind it. */
	return end == SB_END_FORK ? end : SB_END_OK;
}

/* The source is far behind a witness: it withholds what is new. The witness's block is proven as any. */
static enum sb_end overtake(struct sb_light_client *client, struct sb_peer *witness, struct course *course,
			    const struct sb_header *latest)
{
	struct sb_error error;
	struct sb_chain_time soon = sb_time_add(course->block.header.time, client->config.stale_after);
	enum sb_end end;

	if (sb_time_compare(soon, latest->time) >= 0)
		return SB_END_OK;
	end = sb_peer_follow(client, witness, 0, &course->block);
	if (end != SB_END_OK)
		return end;
	if (course->source) {
		sb_fail(&error, 0, "stale: another endpoint has height %" PRId64, course->block.header.height);
		sb_peer_bad(course->source, SB_FAULT_STALE, &error);
	}
	course->source = witness;
	return SB_END_OK;
}

/* The witness does not have our block: it is old there, or lost since its line was restored. */
static enum sb_end lost_there(struct sb_light_client *client, struct sb_peer *witness, struct course *course,
			      const struct sb_light_block *latest)
{
	enum sb_end end = sb_peer_order(client, witness, latest, &course->block);

	if (end == SB_END_OK)
		end = sb_client_lost(client, witness, &course->block);
	return end == SB_END_OK ? overtake(client, witness, course, &latest->header) : end;
}

static enum sb_end ask_witness(struct sb_light_client *client, struct sb_peer *witness, struct course *course)
{
	sb_cleanup(sb_light_block_free) struct sb_light_block latest = { .header.height = 0 };
	sb_cleanup(sb_light_block_free) struct sb_light_block there = { .header.height = 0 };
	int64_t height = course->block.header.height;
	const struct sb_header *header = &latest.header;
	struct sb_error error;
	enum sb_end end = sb_peer_block(client, witness, 0, &latest);

	if (end == SB_END_OK && latest.header.height < height) {
		struct sb_chain_time soon = sb_time_add(latest.header.time, client->config.stale_after);

		if (sb_peer_order(client, witness, &latest, &course->block) == SB_END_FORK)
			return SB_END_FORK;
		sb_fail(&error, 0, "stale: its latest height is %" PRId64 ", %" PRId64 " is proven",
			latest.header.height, height);
		if (sb_time_compare(soon, course->block.header.time) < 0)
			return sb_peer_bad(witness, SB_FAULT_STALE, &error);
		return SB_END_NOT_YET;
	}
	if (end == SB_END_OK && latest.header.height > height) {
		end = sb_peer_block(client, witness, height, &there);
		header = &there.header;
		if (end == SB_END_FAULT && witness->standing.fault == SB_FAULT_NOT_AVAILABLE)
			return lost_there(client, witness, course, &latest);
	}
	if (end == SB_END_OK)
		end = sb_peer_compare(client, witness, header, &course->block,
				      course->source ? course->source->url : "the trust of this device");
	if (end != SB_END_OK)
		return end;
	course->witnessed = true;
	return latest.header.height > height ? overtake(client, witness, course, &latest.header) : SB_END_OK;
}

/* The first one that has an opinion. */
static enum sb_end find_witness(struct sb_light_client *client, struct course *course)
{
	size_t order[SB_ENDPOINTS_MAX];

	sb_client_order(client, order);
	for (size_t i = 0; i < client->peers && !course->witnessed; i++) {
		struct sb_peer *witness = &client->peer[order[i]];

		/* One that failed a moment ago is not waited for: what we have is proven. */
		if (witness == course->source || witness->standing.again > sb_remote_now())
			continue;
		if (ask_witness(client, witness, course) == SB_END_FORK)
			return SB_END_FORK;
	}
	return SB_END_OK;
}

/* Each endpoint until one gives what is fresh. */
static enum sb_end find_source(struct sb_light_client *client, struct course *course)
{
	size_t order[SB_ENDPOINTS_MAX];

	sb_client_order(client, order);
	for (size_t i = 0; i < client->peers; i++) {
		enum sb_end end = try_peer(client, &client->peer[order[i]], course);

		if (end == SB_END_FORK)
			return end;
		if (course->checked && !is_stale(client, &course->block.header))
			break;
	}
	return SB_END_OK;
}

static int keep(struct sb_light_client *client, struct course *course, struct sb_light_synced *synced)
{
	const struct sb_header *before = sb_light_client_header(client);
	struct sb_light_synced made = { .witnessed = course->witnessed, .by_checkpoint = course->by_checkpoint };

	made.header = course->block.header;
	made.stale = is_stale(client, &made.header);
	made.advanced = course->source != NULL;
	if (before->height < course->block.header.height)
		sb_client_accept(client, &course->block);
	*synced = made;
	return 0;
}

int sb_client_sync(struct sb_light_client *client, struct sb_light_synced *synced, struct sb_error *error)
{
	sb_cleanup(free_course) struct course course = { .source = NULL };
	bool fresh_root = !client->trust.count;
	enum sb_end end;

	if (client->forked)
		return sb_client_forked(client, error);
	if (!fresh_root && reset(client, &course) < 0)
		return sb_fail(error, -ENOMEM, "out of memory");
	end = find_source(client, &course);
	if (end == SB_END_OK && course.checked && (course.source || fresh_root))
		end = find_witness(client, &course);
	if (end == SB_END_FORK)
		return sb_client_forked(client, error);
	if (course.checked)
		return keep(client, &course, synced);
	return course.expired ? sb_client_expired(client, error) : sb_client_unreachable(client, error);
}

int sb_light_client_sync(struct sb_light_client *client, uint32_t deadline_ms, struct sb_light_synced *synced,
			 struct sb_error *error)
{
	int result;

	sb_client_begin(client, deadline_ms);
	result = sb_client_sync(client, synced, error);
	/* Where nobody answers, everybody was just asked. */
	if (result == 0)
		sb_client_probe(client);
	return sb_client_end(client, result);
}

/* Of a kept block, or from one of them forward, without keeping what lies between. */
static enum sb_end past_header(struct sb_light_client *client, struct sb_peer *peer, int64_t height,
			       struct sb_header *header)
{
	sb_cleanup(sb_light_block_free) struct sb_light_block block = { .header.height = 0 };
	const struct sb_trust *trust = &client->trust;
	size_t i = trust->count;
	enum sb_end end;

	while (i > 0 && trust->block[i - 1].header.height > height)
		i--;
	if (!i)
		return sb_peer_bad(peer, SB_FAULT_NOT_AVAILABLE, NULL);
	if (sb_light_block_copy(&trust->block[i - 1], &block) < 0)
		return sb_peer_bad(peer, SB_FAULT_LOCAL, NULL);
	if (block.header.height < height) {
		end = sb_peer_follow(client, peer, height, &block);
		if (end != SB_END_OK)
			return end;
	}
	*header = block.header;
	return SB_END_OK;
}

enum sb_end sb_client_header_at(struct sb_light_client *client, struct sb_peer *peer, int64_t height,
				struct sb_header *header)
{
	sb_cleanup(sb_light_block_free) struct sb_light_block block = { .header.height = 0 };
	struct sb_light_block *latest = sb_trust_latest(&client->trust);
	enum sb_end end;

	if (!latest)
		return sb_peer_bad(peer, SB_FAULT_NOT_AVAILABLE, NULL);
	if (height <= latest->header.height)
		return past_header(client, peer, height, header);
	if (sb_light_block_copy(latest, &block) < 0)
		return sb_peer_bad(peer, SB_FAULT_LOCAL, NULL);
	end = sb_peer_follow(client, peer, height, &block);
	if (end != SB_END_OK)
		return end;
	*header = block.header;
	sb_client_accept(client, &block);
	return SB_END_OK;
}

static int header_at(struct sb_light_client *client, int64_t height, struct sb_header *header, struct sb_error *error)
{
	size_t order[SB_ENDPOINTS_MAX];
	struct sb_light_synced synced;
	bool expired = false;
	int result = client->trust.count ? 0 : sb_client_sync(client, &synced, error);

	if (result < 0)
		return result;
	if (client->forked)
		return sb_client_forked(client, error);
	sb_client_order(client, order);
	for (size_t i = 0; i < client->peers; i++) {
		enum sb_end end = sb_client_header_at(client, &client->peer[order[i]], height, header);

		if (end == SB_END_OK)
			return 0;
		if (end == SB_END_FORK)
			return sb_client_forked(client, error);
		expired |= end == SB_END_EXPIRED;
	}
	return expired ? sb_client_expired(client, error) : sb_client_unreachable(client, error);
}

int sb_light_client_header_at(struct sb_light_client *client, int64_t height, uint32_t deadline_ms,
			      struct sb_header *header, struct sb_error *error)
{
	struct sb_header found;
	int result;

	sb_client_begin(client, deadline_ms);
	result = sb_client_end(client, header_at(client, height, &found, error));
	if (result == 0)
		*header = found;
	return result;
}
