// SPDX-License-Identifier: Apache-2.0
/*
 * The ledger as its chain and its clients see it: blocks on the disk, proofs that a light client takes, lists,
 * grants that a kernel would take and those that nobody gets.
 */
#include "device_world.h"

#include <dirent.h>
#include <limits.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/grant.h"
#include "common/sha256.h"
#include "ledger/ledger_app.h"
#include "light/query.h"
#include "owner/authority.h"
#include "state/message_json.h"

#define NOW_MIN	((int64_t)time(NULL) + 1000)	/* a chain's time that the clock of this machine is not beyond */

struct node {
	char home[64];
	struct sb_app app;
	int64_t height, time;
	uint8_t app_hash[32];
	struct plant plant;		/* its people and devices; the ledger in it is not used */
	uint8_t grant_point[64];
};

static char *genesis_text(struct node *node)
{
	static uint8_t point[64];
	Sealbond__Genesis genesis = SEALBOND__GENESIS__INIT;
	Sealbond__Parameters parameters;
	Sealbond__Member member = SEALBOND__MEMBER__INIT, *members[] = { &member };
	Sealbond__Enroller enroller = SEALBOND__ENROLLER__INIT, *enrollers[] = { &enroller };
	Sealbond__GrantKeys keys = SEALBOND__GRANT_KEYS__INIT;
	ProtobufCBinaryData grant_key = { 64, point };
	char *text = NULL;
	size_t length;
	struct sb_json json = { open_memstream(&text, &length), false };

	sane_parameters(&parameters);
	parameters.enrolment = SB_ENROL_ACTIVATION;
	parameters.pcrs = PCRS;
	memcpy(point, node->grant_point, 64);
	make_person(&node->plant.member, 1);
	make_person(&node->plant.enroller[0], 10);
	member.key = span32(node->plant.member.key);
	member.weight = 1;
	member.name = (char *)"ann";
	enroller.key = span32(node->plant.enroller[0].key);
	enroller.name = (char *)"desk";
	keys.n_keys = 1;
	keys.keys = &grant_key;
	keys.threshold = 1;
	genesis.parameters = &parameters;
	genesis.n_members = 1;
	genesis.members = members;
	genesis.threshold = 1;
	genesis.n_enrollers = 1;
	genesis.enrollers = enrollers;
	genesis.grant_keys = &keys;
	sb_message_to_json(&json, NULL, &genesis);
	fclose(json.stream);
	return text;
}

static void write_grant_key(struct node *node)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	char path[96];
	size_t length;
	uint8_t point[65];
	FILE *file;

	snprintf(path, sizeof(path), "%s/grant_key.pem", node->home);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(file);
	assert_int_equal(EVP_PKEY_get_octet_string_param(key, "pub", point, sizeof(point), &length), 1);
	assert_int_equal(length, 65);
	memcpy(node->grant_point, point + 1, 64);
	EVP_PKEY_free(key);
}

static void begin_block(struct node *node)
{
	struct sb_app_block block;

	node->height++;
	node->time += BLOCK_S;
	block = (struct sb_app_block){ .height = node->height, .seconds = node->time };
	block_hash_of(node->height, block.hash);
	assert_int_equal(node->app.begin(node->app.context, &block), 0);
}

static void end_block(struct node *node)
{
	assert_int_equal(node->app.finish(node->app.context, node->app_hash), 0);
	assert_int_equal(node->app.commit(node->app.context), 0);
}

/* The length by its place: it is only known once the transaction is made. */
static uint32_t put_tx(struct node *node, uint8_t *tx, const size_t *length)
{
	struct sb_tx_result result, checked;

	assert_int_equal(node->app.check(node->app.context, tx, *length, &checked), 0);
	begin_block(node);
	assert_int_equal(node->app.deliver(node->app.context, tx, *length, &result), 0);
	end_block(node);
	assert_int_equal(checked.code, result.code);
	free(tx);
	return result.code;
}

static int open_node(void **state)
{
	struct node *node = calloc(1, sizeof(*node));
	struct sb_error error = { "" };
	char *text;

	assert_non_null(node);
	assert_true(sodium_init() >= 0);
	strcpy(node->home, "/tmp/sb-app-XXXXXX");
	assert_non_null(mkdtemp(node->home));
	write_grant_key(node);
	text = genesis_text(node);
	assert_int_equal(sb_ledger_app_open(node->home, &node->app, &error), 0);
	node->time = NOW_MIN;
	if (node->app.init(node->app.context, CHAIN, node->time, text, strlen(text), node->app_hash, &error))
		fail_msg("%s\n%s", error.text, text);
	free(text);
	begin_block(node);
	end_block(node);
	make_device(&node->plant.a);
	make_device(&node->plant.b);
	*state = node;
	return 0;
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
	struct node *node = *state;

	if (node->app.context)
		sb_ledger_app_close(&node->app);
	remove_all(node->home);
	free_device(&node->plant.a);
	free_device(&node->plant.b);
	free(node);
	return 0;
}

static void ask(struct node *node, const char *path, const void *data, size_t length, bool prove,
		struct sb_app_answer *answer)
{
	assert_int_equal(node->app.query(node->app.context, path, data, length, 0, prove, answer), 0);
}

/* Through the light client's verifier, under the app hash of the last block. */
static bool proven(struct node *node, const uint8_t *key, size_t length, const struct sb_app_answer *answer)
{
	struct sb_query_answer query = { .code = answer->code, .height = answer->height, .key = answer->key,
					 .key_length = answer->key_length, .value = answer->value,
					 .value_length = answer->value_length, .ops = answer->ops };
	struct sb_app_hash app = { .length = 32 };
	struct sb_error error;
	bool present = false;

	for (unsigned int i = 0; i < answer->ops; i++) {
		memcpy(query.op[i].type, answer->op[i].type, sizeof(query.op[i].type));
		query.op[i].key = answer->op[i].key;
		query.op[i].key_length = answer->op[i].key_length;
		query.op[i].data = answer->op[i].data;
		query.op[i].data_length = answer->op[i].data_length;
	}
	memcpy(app.bytes, node->app_hash, 32);
	if (sb_query_verify(&app, key, length, &query, &present, &error) < 0)
		return false;
	assert_int_equal(present, answer->value_length != 0);
	return true;
}

static void proofs(void **state)
{
	struct node *node = *state;
	struct sb_app_answer answer;
	uint8_t key[SB_RECORD_KEY_MAX];
	size_t length = sb_record_key(SB_RECORD_PARAMETERS, NULL, 0, key);

	ask(node, SB_QUERY_PATH, key, length, true, &answer);
	assert_int_equal(answer.code, 0);
	assert_true(answer.value_length > 10);
	assert_string_equal(answer.op[0].type, "simple:v");
	assert_true(proven(node, key, length, &answer));
	answer.value[3] ^= 1;
	assert_false(proven(node, key, length, &answer));
	sb_app_answer_free(&answer);
	length = sb_record_key(SB_RECORD_DEVICE, node->plant.a.id, 32, key);
	ask(node, SB_QUERY_PATH, key, length, true, &answer);
	assert_int_equal(answer.value_length, 0);
	assert_string_equal(answer.op[0].type, "ics23:smt");
	assert_true(proven(node, key, length, &answer));
	sb_app_answer_free(&answer);
	ask(node, SB_QUERY_PATH, key, 0, true, &answer);
	assert_int_equal(answer.code, SB_TX_FIELD);
	sb_app_answer_free(&answer);
	ask(node, "/nothing", key, 1, true, &answer);
	assert_int_equal(answer.code, SB_TX_UNKNOWN);
	sb_app_answer_free(&answer);
}

static void accounts_and_lists(void **state)
{
	struct node *node = *state;
	Sealbond__RecordsRequest request = SEALBOND__RECORDS_REQUEST__INIT;
	struct sb_app_answer answer;
	uint8_t kind = SB_RECORD_ACCOUNT, after[SB_RECORD_KEY_MAX];
	unsigned int seen = 0;
	bool more = true;

	ask(node, "/account", node->plant.member.key, 32, false, &answer);
	assert_int_equal(answer.value_length, 2);
	sb_app_answer_free(&answer);
	ask(node, "/account", node->plant.a.owner.key, 32, false, &answer);
	assert_int_equal(answer.code, SB_TX_NO_ACCOUNT);
	sb_app_answer_free(&answer);
	ask(node, "/records", "no request", 10, false, &answer);
	assert_int_equal(answer.code, SB_TX_MALFORMED);
	sb_app_answer_free(&answer);
	request.prefix = (ProtobufCBinaryData){ 1, &kind };
	request.most = 1;
	while (more) {
		SB_AUTO_MESSAGE Sealbond__RecordsAnswer *list = NULL;
		size_t length;
		uint8_t *packed = sb_message_pack(&request, &length);

		ask(node, "/records", packed, length, false, &answer);
		free(packed);
		list = sb_message_read(&sealbond__records_answer__descriptor, answer.value, answer.value_length);
		sb_app_answer_free(&answer);
		assert_non_null(list);
		assert_int_equal(list->n_records, 1);
		assert_int_equal(list->height, node->height);
		more = list->more;
		memcpy(after, list->records[0]->key.data, list->records[0]->key.len);
		request.after = (ProtobufCBinaryData){ list->records[0]->key.len, after };
		seen++;
	}
	assert_int_equal(seen, 2);
}

static void live(struct node *node, struct device *device, const uint8_t *zone_secret, uint8_t proof[64])
{
	struct person *desk = &node->plant.enroller[0];
	uint8_t secret[32], commitment[32], nonce[16] = { 3 }, blob[2] = { 1 }, tag[32];
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
		BODY(SET_MEMBERSHIP, set_membership, SetMembership, set_membership);
		Sealbond__Membership membership = SEALBOND__MEMBERSHIP__INIT;
		ProtobufCBinaryData tags[1] = { span32(tag) };

		assert_int_equal(sb_tag_prove(zone_secret, CHAIN, device->id, tag, proof), 0);
		membership.n_tags = 1;
		membership.tags = tags;
		membership.sealed = (ProtobufCBinaryData){ 2, blob };
		set_membership.device = span32(device->id);
		set_membership.membership = &membership;
		assert_int_equal(put_tx(node, sign_body(&device->owner, &body, &length), &length), SB_TX_OK);
	}
	{
		BODY(HEARTBEAT, heartbeat, Heartbeat, heartbeat);

		heartbeat_of(device, &heartbeat);
		assert_int_equal(put_tx(node, quote_body(device, node->height, &body, &length), &length), SB_TX_OK);
	}
}

static uint32_t granted(struct node *node, const Sealbond__GrantRequest *request, struct sb_grant_file *grant)
{
	SB_AUTO_MESSAGE Sealbond__GrantAnswer *message = NULL;
	struct sb_app_answer answer;
	size_t length;
	uint8_t *packed = sb_message_pack(request, &length);
	uint32_t code;

	ask(node, "/grant", packed, length, false, &answer);
	free(packed);
	code = answer.code;
	if (!code) {
		message = sb_message_read(&sealbond__grant_answer__descriptor, answer.value, answer.value_length);
		assert_non_null(message);
		assert_int_equal(sb_grant_file_decode(message->grant.data, message->grant.len, grant), 0);
	}
	sb_app_answer_free(&answer);
	return code;
}

static bool is_signed_by(const struct sb_grant_file *grant, const uint8_t point[64])
{
	uint8_t message[SB_GRANT_MESSAGE_LEN], digest[32];
	struct sb_span hash = { digest, 32 };

	sb_grant_file_message(grant, message);
	sb_digest_of(message, sizeof(message), digest);
	return sb_ecdsa_verify(SB_TPM_CURVE_P256, (struct sb_span){ point, 32 }, (struct sb_span){ point + 32, 32 }, hash,
			       (struct sb_span){ grant->signature[0].r, 32 },
			       (struct sb_span){ grant->signature[0].s, 32 }) == 0;
}

static uint32_t owner_word(struct node *node, struct device *device, bool resume)
{
	size_t length;

	if (resume) {
		BODY(RESUME, resume, Resume, message);

		message.device = span32(device->id);
		return put_tx(node, sign_body(&device->owner, &body, &length), &length);
	} else {
		BODY(SUSPEND, suspend, Suspend, message);

		message.device = span32(device->id);
		return put_tx(node, sign_body(&device->owner, &body, &length), &length);
	}
}

static void grants(void **state)
{
	struct node *node = *state;
	struct device *a = &node->plant.a, *b = &node->plant.b;
	uint8_t secret[32], zone[32], other[32], other_zone[32], holder_proof[64], device_proof[64], nonce[16] = { 1 };
	Sealbond__GrantRequest request = SEALBOND__GRANT_REQUEST__INIT;
	struct sb_grant_file grant;

	sb_zone_authority_new(secret, zone);
	sb_zone_authority_new(other, other_zone);
	live(node, a, secret, holder_proof);
	live(node, b, secret, device_proof);
	request.holder = span32(a->id);
	request.device = span32(b->id);
	request.nonce = (ProtobufCBinaryData){ 16, nonce };
	request.zone = span32(zone);
	request.holder_proof = (ProtobufCBinaryData){ 64, holder_proof };
	request.device_proof = (ProtobufCBinaryData){ 64, device_proof };
	assert_int_equal(granted(node, &request, &grant), SB_TX_OK);
	assert_memory_equal(grant.body.device_id, b->id, 32);
	assert_memory_equal(grant.body.holder, a->id, 32);
	assert_memory_equal(grant.body.key, b->current, 32);
	assert_memory_equal(grant.body.nonce, nonce, 16);
	assert_memory_equal(grant.body.overlay4, "\x0a\x4d\x00\x02", 4);
	assert_int_equal(grant.body.flags, 0);
	/* The earlier of the two leases: a's, which came six blocks before. */
	assert_int_equal(sb_grant_file_duration(&grant), (86400 - 6 * BLOCK_S) * 1000);
	assert_true(is_signed_by(&grant, node->grant_point));

	nonce[0] = 0;
	assert_int_equal(granted(node, &request, &grant), SB_TX_MALFORMED);
	nonce[0] = 1;
	request.zone = span32(other_zone);
	assert_int_equal(granted(node, &request, &grant), SB_TX_NOT_ALLOWED);
	request.zone = span32(zone);
	request.device_proof = (ProtobufCBinaryData){ 64, holder_proof };
	assert_int_equal(granted(node, &request, &grant), SB_TX_NOT_ALLOWED);
	request.device_proof = (ProtobufCBinaryData){ 64, device_proof };
	request.holder_proof = (ProtobufCBinaryData){ 64, device_proof };
	assert_int_equal(granted(node, &request, &grant), SB_TX_NOT_ALLOWED);
	request.holder_proof = (ProtobufCBinaryData){ 64, holder_proof };
	request.device = span32(zone);
	assert_int_equal(granted(node, &request, &grant), SB_TX_UNKNOWN_DEVICE);
	request.device = span32(a->id);
	assert_int_equal(granted(node, &request, &grant), SB_TX_MALFORMED);
	request.device = span32(b->id);
	/* What the ledger does not let talk gets no grant, on either side. */
	assert_int_equal(owner_word(node, b, false), SB_TX_OK);
	assert_int_equal(granted(node, &request, &grant), SB_TX_STATE);
	assert_int_equal(owner_word(node, b, true), SB_TX_OK);
	assert_int_equal(granted(node, &request, &grant), SB_TX_STATE);
	assert_int_equal(owner_word(node, a, false), SB_TX_OK);
	assert_int_equal(granted(node, &request, &grant), SB_TX_STATE);
}

/* Closed and opened it is where it was; a block that was begun and not committed is begun again. */
static void on_the_disk(void **state)
{
	struct node *node = *state;
	uint8_t secret[32], zone[32], proof[64], hash[32], hash_again[32];
	struct sb_tx_result result;
	struct sb_error error;
	int64_t height;
	size_t length;
	uint8_t *tx;
	BODY(HEARTBEAT, heartbeat, Heartbeat, heartbeat);

	sb_zone_authority_new(secret, zone);
	live(node, &node->plant.a, secret, proof);
	heartbeat_of(&node->plant.a, &heartbeat);
	tx = quote_body(&node->plant.a, node->height, &body, &length);
	begin_block(node);
	assert_int_equal(node->app.deliver(node->app.context, tx, length, &result), 0);
	assert_int_equal(result.code, SB_TX_OK);
	assert_int_equal(node->app.finish(node->app.context, hash), 0);
	sb_ledger_app_close(&node->app);
	assert_int_equal(sb_ledger_app_open(node->home, &node->app, &error), 0);
	assert_int_equal(node->app.info(node->app.context, &height, hash_again), 0);
	assert_int_equal(height, node->height - 1);
	assert_memory_equal(hash_again, node->app_hash, 32);
	node->height--;
	node->time -= BLOCK_S;
	assert_int_equal(put_tx(node, tx, &length), SB_TX_OK);
	assert_memory_equal(node->app_hash, hash, 32);
}

int main(void)
{
#define IN_NODE(test) cmocka_unit_test_setup_teardown(test, open_node, close_node)
	const struct CMUnitTest tests[] = {
		IN_NODE(proofs), IN_NODE(accounts_and_lists), IN_NODE(grants), IN_NODE(on_the_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
