// SPDX-License-Identifier: Apache-2.0
/*
 * What a device downloads to renew, with its own light client, from a real ledger of chain "plant" on loopback:
 *   renew_bench PORT
 * Enrols two devices of one zone. Then, blocks later: the new header, a heartbeat with the proof that a block has
 * it, the device's record with its proof, and a grant for the other device. Counts bytes of HTTP; prints one JSON
 * object a line.
 */
#include "load_world.h"

#include <sys/stat.h>
#include <unistd.h>

#include "common/grant.h"
#include "light/client.h"
#include "owner/authority.h"

#define DEADLINE	60000

static struct sb_error error;

static void report(const char *name, uint64_t value, const char *what)
{
	printf("{\"name\": \"%s\", \"value\": %llu, \"what\": \"%s\"}\n", name, (unsigned long long)value, what);
}

/* Keys that no other run on this chain has had. */
static void make_other_device(struct device *device)
{
	uint32_t number;

	make_device(device);
	randombytes_buf(device->current, 32);
	randombytes_buf(device->next, 32);
	randombytes_buf(&number, sizeof(number));
	make_person(&device->owner, number);
}

/* The owner puts the device into the zone. */
static void into_zone(int fd, unsigned int port, struct device *device, const uint8_t secret[32], uint8_t proof[64])
{
	BODY(SET_MEMBERSHIP, set_membership, SetMembership, set_membership);
	Sealbond__Membership membership = SEALBOND__MEMBERSHIP__INIT;
	struct requests requests = { .count = 0 };
	uint8_t tag[SB_TAG_LEN], blob[200] = { 7 };
	ProtobufCBinaryData tags[1] = { span32(tag) };
	size_t length;
	uint8_t *tx;

	assert_int_equal(sb_tag_prove(secret, CHAIN, device->id, tag, proof), 0);
	membership.n_tags = 1;
	membership.tags = tags;
	membership.sealed = (ProtobufCBinaryData){ sizeof(blob), blob };
	set_membership.device = span32(device->id);
	set_membership.membership = &membership;
	tx = sign_body(&device->owner, &body, &length);
	add_tx(&requests, tx, length);
	send_now(port, &requests, "membership");
	free(requests.text.data);
	free(requests.body.data);
}

/* The enroller may have spoken before. */
static uint64_t next_sequence(int fd, const uint8_t key[32])
{
	SB_AUTO_MESSAGE Sealbond__Account *account = NULL;
	json_object *answer, *response = NULL;
	char params[128], hex[65];
	uint8_t value[64];
	size_t length;
	const char *text;

	sodium_bin2hex(hex, sizeof(hex), key, 32);
	snprintf(params, sizeof(params), "\"path\":\"/account\",\"data\":\"%s\"", hex);
	answer = ask(fd, "abci_query", params);
	json_object_object_get_ex(answer, "response", &response);
	text = text_at(response, NULL, "value");
	assert_non_null(text);
	assert_int_equal(sodium_base642bin(value, sizeof(value), text, strlen(text), NULL, &length, NULL,
					   sodium_base64_VARIANT_ORIGINAL), 0);
	account = sb_message_read(&sealbond__account__descriptor, value, length);
	assert_non_null(account);
	json_object_put(answer);
	return account->next;
}

static struct sb_light_client *open_client(const char *directory, const char *url)
{
	struct sb_light_config config = {
		.chain = CHAIN, .directory = directory, .root.height = (int64_t)beacon.height, .endpoints = 1,
		.clock = SB_CLOCK_YES, .floor = 1, .endpoint = { { .url = url } },
	};
	struct sb_light_synced synced;
	struct sb_light_client *client;

	memcpy(config.root.hash, beacon.hash, 32);
	if (sb_light_client_open(&config, &client, &error) || sb_light_client_sync(client, DEADLINE, &synced, &error))
		fail_msg("%s", error.text);
	return client;
}

static uint64_t downloaded(const struct sb_light_client *client)
{
	struct sb_light_status status;

	sb_light_client_status(client, &status);
	return status.in;
}

static void take_grant(struct sb_light_client *client, struct device *a, struct device *b, const uint8_t zone[32],
		       uint8_t proofs[2][64])
{
	Sealbond__GrantRequest request = SEALBOND__GRANT_REQUEST__INIT;
	SB_AUTO_MESSAGE Sealbond__GrantAnswer *grant = NULL;
	struct sb_query_answer answer;
	struct sb_grant_file file;
	uint8_t nonce[16] = { 1 }, *packed;
	size_t length;

	request.holder = span32(a->id);
	request.device = span32(b->id);
	request.nonce = (ProtobufCBinaryData){ sizeof(nonce), nonce };
	request.zone = span32(zone);
	request.holder_proof = (ProtobufCBinaryData){ 64, proofs[0] };
	request.device_proof = (ProtobufCBinaryData){ 64, proofs[1] };
	packed = sb_message_pack(&request, &length);
	if (sb_light_client_ask(client, -1, "/grant", packed, length, DEADLINE, &answer, &error))
		fail_msg("%s", error.text);
	if (answer.code)
		fail_msg("grant: %u", (unsigned int)answer.code);
	grant = sb_message_read(&sealbond__grant_answer__descriptor, answer.value, answer.value_length);
	assert_non_null(grant);
	assert_int_equal(sb_grant_file_decode(grant->grant.data, grant->grant.len, &file), 0);
	assert_memory_equal(file.body.device_id, b->id, 32);
	free(packed);
	sb_query_answer_free(&answer);
}

static void renew(struct sb_light_client *client, struct device *a, struct device *b, const uint8_t zone[32],
		  uint8_t proofs[2][64])
{
	struct sb_light_submitted submitted;
	struct sb_light_synced synced;
	struct sb_light_record record;
	uint8_t key[SB_RECORD_KEY_MAX], *tx;
	uint64_t bytes[5] = { downloaded(client) };
	size_t length = sb_record_key(SB_RECORD_DEVICE, a->id, 32, key), tx_length;

	if (sb_light_client_sync(client, DEADLINE, &synced, &error))
		fail_msg("%s", error.text);
	assert_true(synced.advanced);
	bytes[1] = downloaded(client);
	tx = beat_tx(a, &tx_length);
	if (sb_light_client_submit(client, tx, tx_length, DEADLINE, &submitted, &error))
		fail_msg("%s", error.text);
	assert_true(submitted.proven && !submitted.code.code);
	free(tx);
	bytes[2] = downloaded(client);
	if (sb_light_client_query(client, key, length, DEADLINE, &record, &error))
		fail_msg("%s", error.text);
	assert_true(record.present && record.length > 500);
	free(record.value);
	bytes[3] = downloaded(client);
	take_grant(client, a, b, zone, proofs);
	bytes[4] = downloaded(client);
	report("renew_bytes", bytes[4] - bytes[0], "downloaded to renew, of HTTP: all of these");
	report("renew_sync_bytes", bytes[1] - bytes[0], "the new header");
	report("renew_submit_bytes", bytes[2] - bytes[1], "the heartbeat's inclusion and code, proven, and headers for it");
	report("renew_record_bytes", bytes[3] - bytes[2], "the device's record and its proof");
	report("renew_grant_bytes", bytes[4] - bytes[3], "a grant for one peer");
}

int main(int argc, char **argv)
{
	unsigned int port = argc == 2 ? (unsigned int)strtoul(argv[1], NULL, 10) : 0;
	uint8_t secret[32], zone[32], proofs[2][64];
	char directory[] = "/tmp/sb-renew-XXXXXX", url[64], path[64];
	struct sb_light_client *client;
	struct device pair[2];
	struct person enroller;
	int fd;

	if (!port || sodium_init() < 0 || !mkdtemp(directory)) {
		fputs("usage: renew_bench PORT\n", stderr);
		return 2;
	}
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
	fd = load_connect(port);
	read_tip(port);
	make_person(&enroller, ENROLLER);
	enroller.sequence = next_sequence(fd, enroller.key);
	for (int i = 0; i < 2; i++)
		make_other_device(&pair[i]);
	enrol_wave(port, pair, 2, &enroller);
	sb_zone_authority_new(secret, zone);
	for (int i = 0; i < 2; i++)
		into_zone(fd, port, &pair[i], secret, proofs[i]);
	client = open_client(directory, url);
	/* Something happens meanwhile. */
	for (int i = 0; i < 2; i++)
		into_zone(fd, port, &pair[1], secret, proofs[1]);
	read_tip(port);
	renew(client, &pair[0], &pair[1], zone, proofs);
	sb_light_client_close(client);
	snprintf(path, sizeof(path), "%s/trust", directory);
	unlink(path);
	rmdir(directory);
	close(fd);
	return 0;
}
