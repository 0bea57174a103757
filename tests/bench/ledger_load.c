// SPDX-License-Identifier: Apache-2.0
/*
 * Load for a ledger of chain "plant", over its RPC on loopback:
 *   ledger_load genesis GRANT_KEY
 *       the app_state for it: one member, one enroller, whose keys this program knows; a new grant key of the node
 *       goes into the file
 *   ledger_load prepare PORT DIR DEVICES BEATS CHANGES STREAMS BEFORE [async]
 *       enrols devices, each with an owner, and brings them live; then signs BEATS heartbeats (quotes) of each and
 *       CHANGES of each profile (BIP-340, by its owner), and writes them as HTTP requests into DIR/0, DIR/1, ...
 *       BEFORE: how many devices were prepared on this chain before
 *   ledger_load send PORT DIR STREAMS
 *       sends them, a connection for each file, and waits until nothing waits for a block any more. Prints JSON.
 * What is prepared is good for a day, once, and only on the chain that it was prepared with.
 */
#include "genesis_world.h"
#include "load_world.h"

#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "light/json_write.h"

#define STREAMS_MAX	64
#define SEALED		300	/* bytes of a profile */

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
		   unsigned int streams, unsigned int before)
{
	struct device *device = calloc(devices, sizeof(*device));
	struct person enroller;

	assert_non_null(device);
	make_person(&enroller, ENROLLER);
	enroller.sequence += before;	/* a challenge for each */
	read_tip(port);
	for (size_t i = 0; i < devices; i++)
		make_device(&device[i]);
	for (size_t at = 0; at < devices; at += WAVE)
		enrol_wave(port, device + at, devices - at < WAVE ? devices - at : WAVE, &enroller);
	sign_all(device, devices, beats, changes, streams, directory);
	return 0;
}

/* Who connects while the daemon has something to do meets the thread that has nothing, as clients mostly do. */
static sem_t begun;

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

	load_send(sender->port, sender->text, sender->length, WINDOW, &sender->said, &begun);
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

	for (unsigned int i = 0; i < streams; i++) {
		sender[i].port = port;
		read_file(directory, i, &sender[i]);
	}
	read_tip(port);
	first = beacon.height;
	wall = seconds_of(CLOCK_MONOTONIC);
	processor = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
	assert_int_equal(sem_init(&begun, 0, 0), 0);
	for (unsigned int i = 0; i < streams; i++) {
		assert_int_equal(pthread_create(&sender[i].thread, NULL, send_stream, &sender[i]), 0);
		while (sem_wait(&begun))
			;
	}
	for (unsigned int i = 0; i < streams; i++) {
		pthread_join(sender[i].thread, NULL);
		taken += sender[i].said.taken;
		refused += sender[i].said.refused;
		if (sender[i].said.refused)
			fprintf(stderr, "ledger_load: refused: %s\n", sender[i].said.first);
	}
	sent = seconds_of(CLOCK_MONOTONIC) - wall;
	settle(port);
	printf("{\"taken\": %llu, \"refused\": %llu, \"sent_s\": %.3f, \"seconds\": %.3f, \"sender_cpu_s\": %.3f, "
	       "\"first\": %llu, \"last\": %llu}\n", (unsigned long long)taken, (unsigned long long)refused, sent,
	       seconds_of(CLOCK_MONOTONIC) - wall, seconds_of(CLOCK_PROCESS_CPUTIME_ID) - processor,
	       (unsigned long long)first + 1, (unsigned long long)beacon.height);
	return refused ? 1 : 0;
}

static int genesis(const char *grant_key)
{
	uint8_t point[64];
	ProtobufCBinaryData points = { sizeof(point), point };
	Sealbond__Parameters parameters;
	struct person ann, desk;

	sane_parameters(&parameters);
	parameters.enrolment = SB_ENROL_ACTIVATION;
	parameters.pcrs = PCRS;
	parameters.beacon_age = 86400;
	parameters.devices_per_block = 10000;
	parameters.enrolling_most = 100000;
	parameters.devices_most = 10000000;
	parameters.overlay4 = (ProtobufCBinaryData){ 0, NULL };
	make_person(&ann, MEMBER);
	make_person(&desk, ENROLLER);
	write_grant_key(grant_key, point);
	write_genesis(stdout, &parameters, &ann, &desk, &points, 1);
	putchar('\n');
	return 0;
}

static unsigned int number_of(const char *text)
{
	return (unsigned int)strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "genesis"))
		return genesis(argv[2]);
	if (argc == 10 && !strcmp(argv[1], "prepare") && !strcmp(argv[9], "async")) {
		load_how = argv[9];
		argc--;
	}
	if (argc == 9 && !strcmp(argv[1], "prepare") && number_of(argv[7]) >= 1 && number_of(argv[7]) <= STREAMS_MAX)
		return prepare(number_of(argv[2]), argv[3], number_of(argv[4]), number_of(argv[5]), number_of(argv[6]),
			       number_of(argv[7]), number_of(argv[8]));
	if (argc == 5 && !strcmp(argv[1], "send") && number_of(argv[4]) <= STREAMS_MAX)
		return send_all(number_of(argv[2]), argv[3], number_of(argv[4]));
	fputs("usage: ledger_load genesis GRANT_KEY\n"
	      "       ledger_load prepare PORT DIR DEVICES BEATS CHANGES STREAMS BEFORE [async]\n"
	      "       ledger_load send PORT DIR STREAMS\n", stderr);
	return 2;
}
