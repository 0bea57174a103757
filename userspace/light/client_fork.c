// SPDX-License-Identifier: Apache-2.0
/* Two proven blocks of one height: kept, and given to those who can make something of it. */
#include "light/client_internal.h"
#include "light/evidence.h"

/* The highest block that we keep below a height. */
const struct sb_light_block *sb_client_kept_below(const struct sb_light_client *client, int64_t height)
{
	const struct sb_trust *trust = &client->trust;

	for (size_t i = trust->count; i-- > 0; )
		if (trust->block[i].header.height < height)
			return &trust->block[i];
	return NULL;
}

static bool give(struct sb_peer *peer, const struct sb_attack *attack)
{
	json_object *evidence = sb_attack_evidence(attack);
	struct sb_error ignored;

	/* An embedded chain has no such method: its one validator would judge itself. */
	return evidence && sb_remote_evidence(peer->remote, evidence, &ignored) == SB_FAULT_NONE;
}

enum sb_end sb_client_fork(struct sb_light_client *client, const struct sb_peer *peer, const struct sb_fork *fork)
{
	struct sb_attack against = { fork->block[1], fork->block[0], NULL }, back = { fork->block[0], fork->block[1], NULL };

	/* Known from here on, also where the disk is full. */
	client->forked = true;
	client->unsaved = sb_fork_save(client->directory, fork);
	against.common = back.common = sb_client_kept_below(client, fork->block[0]->header.height);
	/* As CometBFT's own client: each side hears of the other's block, and judges by its own. */
	for (size_t i = 0; i < client->peers; i++)
		client->evidence += give(&client->peer[i], &client->peer[i] == peer ? &back : &against);
	return SB_END_FORK;
}
