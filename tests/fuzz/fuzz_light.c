// SPDX-License-Identifier: Apache-2.0
/*
 * Arbitrary bytes as an endpoint's answer: a light block in JSON. What is read is bounded and can be
 * judged; nothing is believed that no validator has signed.
 */
#include <stdlib.h>
#include <string.h>

#include "light/json.h"
#include "light/verify.h"
#include "../vectors/json_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(json_object *root)
{
	struct sb_light_now now = { true, { 1700005000, 0 } };
	struct sb_light_rules rules = SB_LIGHT_RULES_DEFAULT;
	struct sb_light_block block = { .header.height = 0 };
	struct sb_validator_set nobody = { .count = 0 };
	struct sb_header trusted;
	struct sb_error error;

	if (sb_json_signed_header(get(root, "signed_header"), &block, &error) == 0 &&
	    sb_json_validators(get(get(root, "validator_set"), "validators"), &block.validators, &error) == 0) {
		if (block.commit.count > SB_VALIDATORS_MAX || block.validators.power <= 0)
			abort();
		(void)sb_light_check(&block, "vector-chain");
		trusted = block.header;
		trusted.height = 1;
		trusted.time.seconds = 1700000000;
		if (block.header.height != 2 &&
		    sb_light_verify(&trusted, &nobody, &block, &rules, &now) == SB_LIGHT_OK)
			abort();
	}
	sb_light_block_free(&block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_tokener *tokener = json_tokener_new_ex(16);
	json_object *root;

	if (!tokener || size > 1 << 20)
		abort();
	root = json_tokener_parse_ex(tokener, (const char *)data, (int)size);
	if (root)
		judge(root);
	json_object_put(root);
	json_tokener_free(tokener);
	return 0;
}
