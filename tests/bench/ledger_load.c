// SPDX-License-Identifier: Apache-2.0
/*
 * Load for a ledger of chain "plant", over its RPC on loopback:
 *   ledger_load genesis
 *       the app_state for it: one member, one enroller, whose keys this program knows
 *   ledger_load prepare PORT DIR DEVICES BEATS CHANGES STREAMS
 *       enrols devices, each with an owner, and brings them live; then signs BEATS heartbeats (quotes) of each and
 *       CHANGES of each profile (BIP-340, by its owner), and writes them as HTTP requests into DIR/0, DIR/1, ...
 *   ledger_load send PORT DIR STREAMS
 *       sends them, a connection for each file, and waits until nothing waits for a block any more. Prints JSON.
 * What is prepared is good for a day, once, and only on the chain that it was prepared with.
 */
#include "device_world.h"

#include <pthread.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "load_http.h"
#include "light/json_write.h"
#include "state/message_json.h"

#define BATCH		10	/* transactions in a request: no more are taken */
#define WINDOW		4	/* requests of a connection that are on their way */
#define WAVE		1000	/* devices that enrol together: an enroller's account has 1,024 in a block */
#define STREAMS_MAX	64
#define SEALED		300	/* bytes of a profile */

static struct sb_beacon beacon;

/* The test worlds' blocks are not this chain's. */
static void real_beacon(struct device *device, struct statement *s)
{
	memcpy(s->beacon.hash, beacon.hash, 32);
	sb_quote_extra(CHAIN, &s->beacon, device->id, s->body.data, s->body.length, s->said.extra);
}

static uint8_t *attest_tx(struct device *device, const Sealbond__Body *body, size_t *length)
{
	device->before = real_beacon;
	return quote_body(device, (int64_t)beacon.height, body, length);
}

/* Requests under way to a file or to the ledger. */
struct requests {
	struct load_text text, body;
	unsigned int count;
};

static void end_request(struct requests *requests)
{
	if (!requests->count)
		return;
	load_put(&requests->body, "]", 1);
	load_put_request(&requests->text, requests->body.data, requests->body.length);
	requests->body.length = 0;
	requests->count = 0;
}

/* Frees the transaction. */
static void add_tx(struct requests *requests, uint8_t *tx, size_t length)
{
	char coded[2 * SB_TX_MAX], head[128];

	snprintf(head, sizeof(head), "%s{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"broadcast_tx_sync\",\"params\":{\"tx\":\"",
		 requests->count ? "," : "[", requests->count);
	load_put(&requests->body, head, strlen(head));
	sodium_bin2base64(coded, sizeof(coded), tx, length, sodium_base64_VARIANT_ORIGINAL);
	load_put(&requests->body, coded, strlen(coded));
	load_put(&requests->body, "\"}}", 3);
	free(tx);
	if (++requests->count == BATCH)
		end_request(requests);
}

static json_object *ask(int fd, const char *method, const char *params)
{
	char body[256];
	int length = snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{%s}}", method,
			      params);
	char *text = load_call(fd, body, (size_t)length);
	json_object *whole = json_tokener_parse(text), *result = NULL;

	if (!json_object_object_get_ex(whole, "result", &result))
		fail_msg("%s: %s", method, text);
	json_object_get(result);
	json_object_put(whole);
	free(text);
	return result;
}

static const char *text_at(json_object *object, const char *outer, const char *name)
{
	if (outer)
		json_object_object_get_ex(object, outer, &object);
	json_object_object_get_ex(object, name, &object);
	return json_object_get_string(object);
}

static void read_tip(int fd)
{
	json_object *status = ask(fd, "status", "");

	beacon.height = strtoull(text_at(status, "sync_info", "latest_block_height"), NULL, 10);
	assert_int_equal(sodium_hex2bin(beacon.hash, 32, text_at(status, "sync_info", "latest_block_hash"), 64, NULL, NULL,
					NULL), 0);
	json_object_put(status);
}

static size_t waiting(int fd)
{
	json_object *answer = ask(fd, "num_unconfirmed_txs", "");
	size_t count = strtoul(text_at(answer, NULL, "total"), NULL, 10);

	json_object_put(answer);
	return count;
}

/* Until all that was taken is in blocks that everybody sees. */
static void settle(int fd)
{
	const struct timespec pause = { 0, 10000000 };

	while (waiting(fd))
		nanosleep(&pause, NULL);
	read_tip(fd);
}

static void send_now(int fd, unsigned int port, struct requests *requests, const char *what)
{
	struct load_said said;

	end_request(requests);
	load_send(port, requests->text.data, requests->text.length, WINDOW, &said);
	if (said.refused)
		fail_msg("%s: %llu refused: %s", what, (unsigned long long)said.refused, said.first);
	requests->text.length = 0;
	settle(fd);
}

static uint8_t *beat_tx(struct device *device, size_t *length)
{
	BODY(HEARTBEAT, heartbeat, Heartbeat, heartbeat);

	heartbeat_of(device, &heartbeat);
	return attest_tx(device, &body, length);
}

static uint8_t *enrol_tx(struct device *device, const struct person *enroller, size_t *length)
{
	BODY(ENROL, enrol, Enrol, enrol);

	(void)enroller;
	enrol_of(device, &enrol);
	return attest_tx(device, &body, length);
}

static uint8_t *activate_tx(struct device *device, const struct person *enroller, size_t *length)
{
	BODY(ACTIVATE, activate, Activate, activate);
	Sealbond__OpenedSecret opened = SEALBOND__OPENED_SECRET__INIT, *secrets[] = { &opened };
	uint8_t secret[32];

	secret_of(enroller, device, secret);
	opened.enroller = span32(enroller->key);
	opened.secret = span32(secret);
	activate.n_secrets = 1;
	activate.secrets = secrets;
	activate.ak_name = (ProtobufCBinaryData){ device->ak_name_length, device->ak_name };
	return attest_tx(device, &body, length);
}

static uint8_t *approve_tx(struct device *device, size_t *length)
{
	BODY(APPROVE, approve, Approve, approve);

	approve.device = span32(device->id);
	approve.current_key = span32(device->current);
	return sign_body(&device->owner, &body, length);
}

static uint8_t *profile_tx(struct device *device, uint32_t version, size_t *length)
{
	uint8_t sealed[SEALED];
	BODY(SET_PROFILE, set_profile, SetProfile, set_profile);

	memset(sealed, (int)version, sizeof(sealed));
	set_profile.device = span32(device->id);
	set_profile.version = version;
	set_profile.sealed = (ProtobufCBinaryData){ sizeof(sealed), sealed };
	return sign_body(&device->owner, &body, length);
}

/* The whole way of each, in steps that all go together. */
static void enrol_wave(int fd, unsigned int port, struct device *device, size_t count, struct person *enroller)
{
	struct requests requests = { .count = 0 };
	size_t length;
	uint8_t *tx;

	for (int step = 0; step < 5; step++) {
		static const char *const names[] = { "enrol", "challenge", "activate", "approve", "heartbeat" };

		for (size_t i = 0; i < count; i++) {
			tx = step == 0 ? enrol_tx(&device[i], enroller, &length) :
			     step == 1 ? challenge_tx(enroller, &device[i], &length) :
			     step == 2 ? activate_tx(&device[i], enroller, &length) :
			     step == 3 ? approve_tx(&device[i], &length) : beat_tx(&device[i], &length);
			add_tx(&requests, tx, length);
		}
		send_now(fd, port, &requests, names[step]);
	}
	free(requests.text.data);
	free(requests.body.data);
}

static void write_file(const char *directory, unsigned int number, const struct load_text *text)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%u", directory, number);
	file = fopen(path, "w");
	if (!file || fwrite(text->data, 1, text->length, file) != text->length || fclose(file))
		fail_msg("%s: %s", path, strerror(errno));
}

/* Each device's and each owner's transactions stay in their order, on one connection. */
static void sign_all(struct device *device, size_t devices, unsigned int beats, unsigned int changes,
		     unsigned int streams, const char *directory)
{
	struct requests requests = { .count = 0 };
	size_t length;
	uint8_t *tx;

	for (unsigned int stream = 0; stream < streams; stream++) {
		for (unsigned int round = 0; round < beats || round < changes; round++)
			for (size_t i = stream; i < devices; i += streams) {
				if (round < beats) {
					tx = beat_tx(&device[i], &length);
					add_tx(&requests, tx, length);
				}
				if (round < changes) {
					tx = profile_tx(&device[i], round + 1, &length);
					add_tx(&requests, tx, length);
				}
			}
		end_request(&requests);
		write_file(directory, stream, &requests.text);
		requests.text.length = 0;
	}
	free(requests.text.data);
	free(requests.body.data);
}

static int prepare(unsigned int port, const char *directory, size_t devices, unsigned int beats, unsigned int changes,
		   unsigned int streams)
{
	struct device *device = calloc(devices, sizeof(*device));
	int fd = load_connect(port);
	struct person enroller;

	assert_non_null(device);
	make_person(&enroller, 10);
	read_tip(fd);
	for (size_t i = 0; i < devices; i++)
		make_device(&device[i]);
	for (size_t at = 0; at < devices; at += WAVE)
		enrol_wave(fd, port, device + at, devices - at < WAVE ? devices - at : WAVE, &enroller);
	sign_all(device, devices, beats, changes, streams, directory);
	close(fd);
	return 0;
}

struct sender {
	pthread_t thread;
	unsigned int port;
	char *text;
	size_t length;
	struct load_said said;
};

static void *send_stream(void *context)
{
	struct sender *sender = context;

	load_send(sender->port, sender->text, sender->length, WINDOW, &sender->said);
	return NULL;
}

static void read_file(const char *directory, unsigned int number, struct sender *sender)
{
	char path[4096];
	struct stat info;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%u", directory, number);
	file = fopen(path, "r");
	if (!file || fstat(fileno(file), &info) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	sender->length = (size_t)info.st_size;
	sender->text = malloc(sender->length + 1);
	if (!sender->text || fread(sender->text, 1, sender->length, file) != sender->length)
		fail_msg("%s: %s", path, strerror(errno));
	fclose(file);
}

static double seconds_of(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int send_all(unsigned int port, const char *directory, unsigned int streams)
{
	static struct sender sender[STREAMS_MAX];
	double wall, processor, sent;
	uint64_t taken = 0, refused = 0, first;
	int fd = load_connect(port);

	for (unsigned int i = 0; i < streams; i++) {
		sender[i].port = port;
		read_file(directory, i, &sender[i]);
	}
	read_tip(fd);
	first = beacon.height;
	wall = seconds_of(CLOCK_MONOTONIC);
	processor = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
	for (unsigned int i = 0; i < streams; i++)
		assert_int_equal(pthread_create(&sender[i].thread, NULL, send_stream, &sender[i]), 0);
	for (unsigned int i = 0; i < streams; i++) {
		pthread_join(sender[i].thread, NULL);
		taken += sender[i].said.taken;
		refused += sender[i].said.refused;
		if (sender[i].said.refused)
			fprintf(stderr, "ledger_load: refused: %s\n", sender[i].said.first);
	}
	sent = seconds_of(CLOCK_MONOTONIC) - wall;
	settle(fd);
	printf("{\"taken\": %llu, \"refused\": %llu, \"sent_s\": %.3f, \"seconds\": %.3f, \"sender_cpu_s\": %.3f, "
	       "\"first\": %llu, \"last\": %llu}\n", (unsigned long long)taken, (unsigned long long)refused, sent,
	       seconds_of(CLOCK_MONOTONIC) - wall, seconds_of(CLOCK_PROCESS_CPUTIME_ID) - processor,
	       (unsigned long long)first + 1, (unsigned long long)beacon.height);
	return refused ? 1 : 0;
}

static int genesis(void)
{
	Sealbond__Genesis genesis = SEALBOND__GENESIS__INIT;
	Sealbond__Parameters parameters;
	Sealbond__Member member = SEALBOND__MEMBER__INIT, *members[] = { &member };
	Sealbond__Enroller enroller = SEALBOND__ENROLLER__INIT, *enrollers[] = { &enroller };
	struct sb_json json = { stdout, false };
	struct person ann, desk;

	sane_parameters(&parameters);
	parameters.enrolment = SB_ENROL_ACTIVATION;
	parameters.pcrs = PCRS;
	parameters.beacon_age = 86400;
	parameters.devices_per_block = 10000;
	parameters.enrolling_most = 100000;
	parameters.overlay4 = (ProtobufCBinaryData){ 0, NULL };
	make_person(&ann, 1);
	make_person(&desk, 10);
	member.key = span32(ann.key);
	member.weight = 1;
	member.name = (char *)"ann";
	enroller.key = span32(desk.key);
	enroller.name = (char *)"desk";
	genesis.parameters = &parameters;
	genesis.n_members = 1;
	genesis.members = members;
	genesis.threshold = 1;
	genesis.n_enrollers = 1;
	genesis.enrollers = enrollers;
	sb_message_to_json(&json, NULL, &genesis);
	putchar('\n');
	return 0;
}

static unsigned int number_of(const char *text)
{
	return (unsigned int)strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "genesis"))
		return genesis();
	if (argc == 8 && !strcmp(argv[1], "prepare") && number_of(argv[7]) >= 1 && number_of(argv[7]) <= STREAMS_MAX)
		return prepare(number_of(argv[2]), argv[3], number_of(argv[4]), number_of(argv[5]), number_of(argv[6]),
			       number_of(argv[7]));
	if (argc == 5 && !strcmp(argv[1], "send") && number_of(argv[4]) <= STREAMS_MAX)
		return send_all(number_of(argv[2]), argv[3], number_of(argv[4]));
	fputs("usage: ledger_load genesis | prepare PORT DIR DEVICES BEATS CHANGES STREAMS | send PORT DIR STREAMS\n", stderr);
	return 2;
}
