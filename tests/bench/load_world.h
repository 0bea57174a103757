/* SPDX-License-Identifier: Apache-2.0 */
/* Devices and people of the unit tests (device_world.h) on a real ledger of chain "plant", over its RPC. */
#ifndef LOAD_WORLD_H
#define LOAD_WORLD_H

#include "device_world.h"

#include <json-c/json.h>
#include <poll.h>
#include <sodium.h>
#include <unistd.h>

#include "load_http.h"

#define BATCH		10	/* transactions in a request: no more are taken */
#define WINDOW		4	/* requests of a connection that are on their way */
#define WAVE		1000	/* devices that enrol together: an enroller's account has 1,024 in a block */
#define ENROLLER	10	/* number of its key */
#define MEMBER		1

/* The latest block. */
static struct sb_beacon beacon;

/* The test worlds' blocks are not this chain's. */
static inline void real_beacon(struct device *device, struct statement *s)
{
	memcpy(s->beacon.hash, beacon.hash, 32);
	sb_quote_extra(CHAIN, &s->beacon, device->id, s->body.data, s->body.length, s->said.extra);
}

static inline uint8_t *attest_tx(struct device *device, const Sealbond__Body *body, size_t *length)
{
	device->before = real_beacon;
	return quote_body(device, (int64_t)beacon.height, body, length);
}

/*
 * By what transactions are handed in: "sync" answers with the check's code, and a connection has one under way at a
 * time; by "async" they go on in a row.
 */
static const char *load_how = "sync";

/* Requests under way to a file or to the ledger. */
struct requests {
	struct load_text text, body;
	unsigned int count;
};

static inline void end_request(struct requests *requests)
{
	if (!requests->count)
		return;
	load_put(&requests->body, "]", 1);
	load_put_request(&requests->text, requests->body.data, requests->body.length);
	requests->body.length = 0;
	requests->count = 0;
}

/* Frees the transaction. */
static inline void add_tx(struct requests *requests, uint8_t *tx, size_t length)
{
	char coded[2 * SB_TX_MAX], head[128];

	snprintf(head, sizeof(head),
		 "%s{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"broadcast_tx_%s\",\"params\":{\"tx\":\"",
		 requests->count ? "," : "[", requests->count, load_how);
	load_put(&requests->body, head, strlen(head));
	sodium_bin2base64(coded, sizeof(coded), tx, length, sodium_base64_VARIANT_ORIGINAL);
	load_put(&requests->body, coded, strlen(coded));
	load_put(&requests->body, "\"}}", 3);
	free(tx);
	if (++requests->count == BATCH)
		end_request(requests);
}

static inline json_object *ask(int fd, const char *method, const char *params)
{
	char body[256];
	int length = snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{%s}}",
			      method, params);
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

/* On a connection of its own: a node closes what was silent for ten seconds. */
static inline void read_tip(unsigned int port)
{
	int fd = load_connect(port);
	json_object *status = ask(fd, "status", "");

	beacon.height = strtoull(text_at(status, "sync_info", "latest_block_height"), NULL, 10);
	assert_int_equal(sodium_hex2bin(beacon.hash, 32, text_at(status, "sync_info", "latest_block_hash"), 64, NULL,
					NULL, NULL), 0);
	json_object_put(status);
	close(fd);
}

static inline size_t waiting(int fd)
{
	json_object *answer = ask(fd, "num_unconfirmed_txs", "");
	size_t count = strtoul(text_at(answer, NULL, "total"), NULL, 10);

	json_object_put(answer);
	return count;
}

/* Until all that was taken is in blocks that everybody sees. */
static inline void settle(unsigned int port)
{
	int fd = load_connect(port);
	struct pollfd connection = { .fd = fd, .events = POLLIN };

	/* Nothing comes unasked; asking all the time would be load, too. */
	while (waiting(fd))
		poll(&connection, 1, 10);
	close(fd);
	read_tip(port);
}

static inline void send_now(unsigned int port, struct requests *requests, const char *what)
{
	struct load_said said;

	end_request(requests);
	load_send(port, requests->text.data, requests->text.length, WINDOW, &said, NULL);
	if (said.refused)
		fail_msg("%s: %llu refused: %s", what, (unsigned long long)said.refused, said.first);
	requests->text.length = 0;
	settle(port);
}

static inline uint8_t *beat_tx(struct device *device, size_t *length)
{
	BODY(HEARTBEAT, heartbeat, Heartbeat, heartbeat);

	heartbeat_of(device, &heartbeat);
	return attest_tx(device, &body, length);
}

static inline uint8_t *enrol_tx(struct device *device, const struct person *enroller, size_t *length)
{
	BODY(ENROL, enrol, Enrol, enrol);

	(void)enroller;
	enrol_of(device, &enrol);
	return attest_tx(device, &body, length);
}

static inline uint8_t *activate_tx(struct device *device, const struct person *enroller, size_t *length)
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

static inline uint8_t *approve_tx(struct device *device, size_t *length)
{
	BODY(APPROVE, approve, Approve, approve);

	approve.device = span32(device->id);
	approve.current_key = span32(device->current);
	return sign_body(&device->owner, &body, length);
}

/* The whole way of each, in steps that all go together. */
static inline void enrol_wave(unsigned int port, struct device *device, size_t count, struct person *enroller)
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
		send_now(port, &requests, names[step]);
	}
	free(requests.text.data);
	free(requests.body.data);
}

#endif
