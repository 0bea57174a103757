/* SPDX-License-Identifier: Apache-2.0 */
/* A node's application over a store of its own, block by block; its people and devices are device_world.h's. */
#ifndef APP_WORLD_H
#define APP_WORLD_H

#include "device_world.h"
#include "genesis_world.h"

#include <dirent.h>
#include <limits.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/grant.h"
#include "common/sha256.h"
#include "ledger/ledger_app.h"
#include "light/query.h"
#include "owner/authority.h"

#define NOW_MIN	((int64_t)time(NULL) + 1000)	/* a chain's time that the clock of this machine is not beyond */

struct node {
	char home[64];
	struct sb_app app;
	int64_t height, time;
	uint8_t app_hash[32];
	struct plant plant;		/* its people and devices; the ledger in it is not used */
	uint8_t grant_point[64];
	struct node *next;		/* gets the same blocks */
};

#define HOLD		(3U * 86400)
#define NODES_MOST	3

static char *genesis_text(struct node *node)
{
	ProtobufCBinaryData grant_key[NODES_MOST];
	Sealbond__Parameters parameters;
	char *text = NULL;
	size_t length, nodes = 0;
	FILE *out = open_memstream(&text, &length);

	sane_parameters(&parameters);
	parameters.enrolment = SB_ENROL_ACTIVATION;
	parameters.pcrs = PCRS;
	parameters.hold = HOLD;
	make_person(&node->plant.member, 1);
	make_person(&node->plant.enroller[0], 10);
	for (const struct node *each = node; each; each = each->next)
		grant_key[nodes++] = (ProtobufCBinaryData){ 64, (uint8_t *)each->grant_point };
	write_genesis(out, &parameters, &node->plant.member, &node->plant.enroller[0], grant_key, nodes);
	fclose(out);
	return text;
}

static void begin_block(struct node *node)
{
	struct sb_app_block block;

	for (; node; node = node->next) {
		node->height++;
		node->time += BLOCK_S;
		block = (struct sb_app_block){ .height = node->height, .seconds = node->time };
		block_hash_of(node->height, block.hash);
		assert_int_equal(node->app.begin(node->app.context, &block), 0);
	}
}

static void end_block(struct node *node)
{
	for (; node; node = node->next) {
		assert_int_equal(node->app.finish(node->app.context, node->app_hash), 0);
		assert_int_equal(node->app.commit(node->app.context), 0);
	}
}

/* The length by its place: it is only known once the transaction is made. */
static uint32_t put_tx(struct node *node, uint8_t *tx, const size_t *length)
{
	struct sb_tx_result result, checked;

	assert_int_equal(node->app.check(node->app.context, tx, *length, &checked), 0);
	begin_block(node);
	for (struct node *each = node; each; each = each->next) {
		assert_int_equal(each->app.deliver(each->app.context, tx, *length, &result), 0);
		assert_int_equal(checked.code, result.code);
	}
	end_block(node);
	free(tx);
	return checked.code;
}

static struct node *make_node(struct node *next)
{
	struct node *node = calloc(1, sizeof(*node));
	char path[96];

	assert_non_null(node);
	node->next = next;
	strcpy(node->home, "/tmp/sb-app-XXXXXX");
	assert_non_null(mkdtemp(node->home));
	snprintf(path, sizeof(path), "%s/grant_key.pem", node->home);
	write_grant_key(path, node->grant_point);
	return node;
}

static void begin_chain(struct node *nodes)
{
	struct sb_error error = { "" };
	char *text = genesis_text(nodes);
	int64_t now = NOW_MIN;

	for (struct node *node = nodes; node; node = node->next) {
		assert_int_equal(sb_ledger_app_open(node->home, &node->app, &error), 0);
		node->time = now;
		if (node->app.init(node->app.context, CHAIN, node->time, text, strlen(text), node->app_hash, &error))
			fail_msg("%s\n%s", error.text, text);
	}
	free(text);
	begin_block(nodes);
	end_block(nodes);
	make_device(&nodes->plant.a);
	make_device(&nodes->plant.b);
}

static void remove_all(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	char name[PATH_MAX];

	while (directory && (entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (unlink(name) < 0)
			remove_all(name);
	}
	if (directory)
		closedir(directory);
	rmdir(path);
}

static int close_node(void **state)
{
	struct node *node = *state, *next;

	free_device(&node->plant.a);
	free_device(&node->plant.b);
	for (; node; node = next) {
		next = node->next;
		if (node->app.context)
			sb_ledger_app_close(&node->app);
		remove_all(node->home);
		free(node);
	}
	return 0;
}

static void ask(struct node *node, const char *path, const void *data, size_t length, bool prove,
		struct sb_app_answer *answer)
{
	assert_int_equal(node->app.query(node->app.context, path, data, length, 0, prove, answer), 0);
}

/* The owner's word: a tag of each of these zones; what proves it, each. @rules: of each, or NULL. */
static uint32_t sets_tags_for(struct node *node, struct device *device, const uint8_t (*secrets)[32],
			      const struct sb_tag_rules *rules, size_t count, uint8_t (*proofs)[64])
{
	BODY(SET_MEMBERSHIP, set_membership, SetMembership, set);
	Sealbond__Membership membership = SEALBOND__MEMBERSHIP__INIT;
	uint8_t blob[2] = { 1 }, tag[8][32];
	ProtobufCBinaryData tags[8];
	size_t length;

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(sb_tag_prove_for(secrets[i], CHAIN, device->id, rules ? &rules[i] : NULL, tag[i],
						  proofs[i]), 0);
		tags[i] = span32(tag[i]);
	}
	membership.n_tags = count;
	membership.tags = tags;
	membership.sealed = (ProtobufCBinaryData){ 2, blob };
	set.device = span32(device->id);
	set.membership = count ? &membership : NULL;
	return put_tx(node, sign_body(&device->owner, &body, &length), &length);
}

static uint32_t sets_tags(struct node *node, struct device *device, const uint8_t (*secrets)[32], size_t count,
			  uint8_t (*proofs)[64])
{
	return sets_tags_for(node, device, secrets, NULL, count, proofs);
}

static void live(struct node *node, struct device *device, const uint8_t *zone_secret, uint8_t proof[64])
{
	struct person *desk = &node->plant.enroller[0];
	uint8_t secret[32], commitment[32], nonce[16] = { 3 }, blob[2] = { 1 };
	Sealbond__OpenedSecret opened = SEALBOND__OPENED_SECRET__INIT, *secrets[1] = { &opened };
	struct bytes text = { .length = 0 };
	size_t length;

	{
		BODY(ENROL, enrol, Enrol, enrol);

		enrol_of(device, &enrol);
		assert_int_equal(put_tx(node, quote_body(device, node->height, &body, &length), &length), SB_TX_OK);
	}
	secret_of(desk, device, secret);
	put(&text, "sealbond challenge v1", 22);
	put_be(&text, strlen(CHAIN), 1);
	put(&text, CHAIN, strlen(CHAIN));
	put(&text, device->id, 32);
	put(&text, device->ak_name, device->ak_name_length);
	put(&text, desk->key, 32);
	put(&text, nonce, sizeof(nonce));
	put(&text, secret, sizeof(secret));
	SHA256(text.data, text.length, commitment);
	{
		BODY(CHALLENGE, challenge, Challenge, challenge);

		challenge.device = span32(device->id);
		challenge.ak_name = (ProtobufCBinaryData){ device->ak_name_length, device->ak_name };
		challenge.nonce = (ProtobufCBinaryData){ 16, nonce };
		challenge.commitment = span32(commitment);
		challenge.credential_blob = challenge.encrypted_secret = (ProtobufCBinaryData){ 2, blob };
		assert_int_equal(put_tx(node, sign_body(desk, &body, &length), &length), SB_TX_OK);
	}
	{
		BODY(ACTIVATE, activate, Activate, activate);

		opened.enroller = span32(desk->key);
		opened.secret = span32(secret);
		activate.n_secrets = 1;
		activate.secrets = secrets;
		activate.ak_name = (ProtobufCBinaryData){ device->ak_name_length, device->ak_name };
		assert_int_equal(put_tx(node, quote_body(device, node->height, &body, &length), &length), SB_TX_OK);
	}
	{
		BODY(APPROVE, approve, Approve, approve);

		approve.device = span32(device->id);
		approve.current_key = span32(device->current);
		assert_int_equal(put_tx(node, sign_body(&device->owner, &body, &length), &length), SB_TX_OK);
	}
	{
		uint8_t secret_one[1][32], proof_one[1][64];

		memcpy(secret_one[0], zone_secret, 32);
		assert_int_equal(sets_tags(node, device, secret_one, 1, proof_one), SB_TX_OK);
		memcpy(proof, proof_one[0], 64);
	}
	{
		BODY(HEARTBEAT, heartbeat, Heartbeat, heartbeat);

		heartbeat_of(device, &heartbeat);
		assert_int_equal(put_tx(node, quote_body(device, node->height, &body, &length), &length), SB_TX_OK);
	}
}

/* Out: the node's answer; to be freed by sb_message_free(), NULL where it refuses. */
static uint32_t asks(struct node *node, const Sealbond__GrantRequest *request, Sealbond__GrantAnswer **message)
{
	struct sb_app_answer answer;
	size_t length;
	uint8_t *packed = sb_message_pack(request, &length);
	uint32_t code;

	*message = NULL;
	ask(node, "/grant", packed, length, false, &answer);
	free(packed);
	code = answer.code;
	if (!code) {
		*message = sb_message_read(&sealbond__grant_answer__descriptor, answer.value, answer.value_length);
		assert_non_null(*message);
	}
	sb_app_answer_free(&answer);
	return code;
}

static uint32_t granted(struct node *node, const Sealbond__GrantRequest *request, struct sb_grant_file *grant)
{
	Sealbond__GrantAnswer *message;
	uint32_t code = asks(node, request, &message);

	if (message)
		assert_int_equal(sb_grant_file_decode(message->grant.data, message->grant.len, grant), 0);
	sb_message_free(message);
	return code;
}

#endif
