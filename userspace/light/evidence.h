/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What proves to CometBFT's nodes that a light client was lied to by validators: LightClientAttackEvidence, in the JSON
 * that broadcast_evidence takes (types/evidence.go, light/detector.go: newLightClientAttackEvidence). Pure.
 */
#ifndef SB_LIGHT_EVIDENCE_H
#define SB_LIGHT_EVIDENCE_H

#include <json-c/json.h>

#include "light/block.h"

/* Two blocks of one height that are both proven, and a lower one that the client trusts. */
struct sb_attack {
	const struct sb_light_block *conflicting;	/* what the node that judges does not have */
	const struct sb_light_block *trusted;		/* what it has */
	const struct sb_light_block *common;		/* NULL: none is kept */
};

/*
 * sb_attack_evidence() - NULL: no evidence can be made of them: they are of different heights, or somebody made up the
 * state (a lunatic attack) and no common block is kept. To be put.
 */
json_object *sb_attack_evidence(const struct sb_attack *attack);

#endif
