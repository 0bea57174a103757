/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger with several validators, before it begins: what sealbond cluster init makes. */
#ifndef SB_CLI_CLUSTER_H
#define SB_CLI_CLUSTER_H

#include <limits.h>

#include "cli/people/model.h"
#include "light/block.h"

#define CLUSTER_NODES_MAX	16	/* as many as may sign grants */

struct cluster_node {
	char host[256];
	uint16_t p2p, rpc;			/* ports */
	struct sb_validator validator;
	uint8_t validator_secret[64], node_secret[64];	/* ed25519, the public half behind */
	char id[2 * SB_CHAIN_ADDRESS_LEN + 1];	/* of its node key, as peers write it */
	uint8_t grant_point[64];
	struct sb_key_file member;
};

struct cluster {
	struct cli_people people;
	const char *out, *chain, *name, *nodes_text, *validators_text;
	const char *genesis_file, *peers, *sync, *trust_height, *trust_hash;	/* of a node that joins */
	const char *state_file, *first_text;	/* of a chain that goes on with another's state */
	const char *grant_key_file;		/* that devices know, of the chain before: the first node's */
	char ledger[SB_CHAIN_NAME_MAX + 1];	/* its id: mostly the chain's name */
	uint64_t first;				/* height of its first block */
	bool bench, joins;
	size_t count;
	struct cluster_node node[CLUSTER_NODES_MAX];
	const char *profile, *root;
	const struct cli_model *model;
	struct sb_key_file enroller[CLI_MODEL_PEOPLE];
	struct cli_model_roots roots;
};

/* cluster_files.c: everything below --out but keys of people and of grants. 0 or the exit code. */
int cluster_write(struct cluster *cluster, const char *app_state);

/* cluster_grants.c: a grant key for each node: its kernel counts as many as could not all be liars. 0 or the exit code. */
int cluster_grant_keys(struct cluster *cluster);

/* The same for one node of a ledger that is there, below --out itself. */
int cluster_write_joining(struct cluster *cluster, const char *genesis);

/* DIR/NAME or DIR/nodeN/NAME, made with what is above it. 0 or the exit code. */
int cluster_path(struct cluster *cluster, size_t node, const char *name, char path[PATH_MAX]);
#define CLUSTER_ALL	SIZE_MAX

static inline unsigned int cluster_threshold(const struct cluster *cluster)
{
	return (unsigned int)(cluster->count / 2 + 1);
}

#endif
