// SPDX-License-Identifier: Apache-2.0
/*
 * Runs Noise test vectors in the cacophony format against kmod/noise.c.
 *   noise_vectors FILE.json
 * Every vector of 25519_ChaChaPoly_BLAKE2s whose pattern is IK or IKpsk2 is
 * run, both sides and the transport messages too; others are passed over.
 * Prints a line for each and `N passed, N failed`. Exit: 0 when all passed and
 * at least one ran, else 1; 2 for a file that cannot be read.
 */
#include "../../kmod/noise.h"

#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_BYTES 65535	/* of a Noise message: Noise section 3 */

struct bytes {
	size_t len;
	u8 *data;
};

/* All that was read, kept to the end. */
static struct chunk {
	struct chunk *next;
	u8 data[];
} *chunks;

struct side {
	struct bytes prologue, psk;
	u8 s[SB_KEY_LEN], s_pub[SB_KEY_LEN], e[SB_KEY_LEN];
	struct sb_noise n;
	u8 send[SB_KEY_LEN], receive[SB_KEY_LEN];
	u64 sent, received;
};

struct vector {
	struct side init, resp;
	u8 init_rs[SB_KEY_LEN];
	struct bytes hash;
	json_object *messages;
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Strict: an even number of digits and nothing else. */
static bool from_hex(struct bytes *out, const char *hex)
{
	size_t len = hex ? strlen(hex) : 1;
	struct chunk *chunk;

	if (len % 2 || len / 2 > MAX_BYTES)
		return false;
	out->len = len / 2;
	chunk = malloc(sizeof(*chunk) + out->len + 1);
	if (!chunk)
		return false;
	chunk->next = chunks;
	chunks = chunk;
	out->data = chunk->data;
	for (size_t i = 0; i < out->len; i++) {
		int hi = hex_digit(hex[2 * i]), lo = hex_digit(hex[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		out->data[i] = (u8)(hi << 4 | lo);
	}
	return true;
}

static bool get_bytes(json_object *o, const char *name, struct bytes *out)
{
	json_object *v;

	return json_object_object_get_ex(o, name, &v) &&
	       from_hex(out, json_object_get_string(v));
}

static bool get_key(json_object *o, const char *name, u8 out[SB_KEY_LEN])
{
	struct bytes b;

	if (!get_bytes(o, name, &b) || b.len != SB_KEY_LEN)
		return false;
	memcpy(out, b.data, SB_KEY_LEN);
	return true;
}

static bool get_psk(json_object *o, const char *name, struct bytes *out)
{
	json_object *list;

	return json_object_object_get_ex(o, name, &list) &&
	       json_object_is_type(list, json_type_array) &&
	       json_object_array_length(list) == 1 &&
	       from_hex(out, json_object_get_string(json_object_array_get_idx(list, 0))) &&
	       out->len == SB_KEY_LEN;
}

static bool read_vector(json_object *o, bool psk, struct vector *v)
{
	memset(v, 0, sizeof(*v));
	if (!get_bytes(o, "init_prologue", &v->init.prologue) ||
	    !get_bytes(o, "resp_prologue", &v->resp.prologue) ||
	    !get_key(o, "init_static", v->init.s) ||
	    !get_key(o, "init_ephemeral", v->init.e) ||
	    !get_key(o, "init_remote_static", v->init_rs) ||
	    !get_key(o, "resp_static", v->resp.s) ||
	    !get_key(o, "resp_ephemeral", v->resp.e) ||
	    !json_object_object_get_ex(o, "messages", &v->messages) ||
	    !json_object_is_type(v->messages, json_type_array))
		return false;
	/* Optional in the format. */
	if (json_object_object_get_ex(o, "handshake_hash", NULL) &&
	    !get_bytes(o, "handshake_hash", &v->hash))
		return false;
	return !psk || (get_psk(o, "init_psks", &v->init.psk) &&
			get_psk(o, "resp_psks", &v->resp.psk));
}

static bool same(const u8 *a, size_t len, const struct bytes *b)
{
	return len == b->len && !memcmp(a, b->data, len);
}

static const char *message1(struct vector *v, const struct bytes *payload,
			    const struct bytes *want)
{
	static u8 out[MAX_BYTES + SB_NOISE_MSG1_EXTRA], back[MAX_BYTES];
	size_t len = payload->len + SB_NOISE_MSG1_EXTRA;
	const size_t head = SB_NOISE_MSG1_EXTRA - SB_TAG_LEN;
	u8 ss[SB_KEY_LEN], peer[SB_KEY_LEN];

	if (sb_x25519(ss, v->init.s, v->init_rs) ||
	    sb_noise_write1(&v->init.n, out, v->init.e, v->init.s_pub, v->init_rs,
			    ss, payload->data, payload->len))
		return "write1 failed";
	if (!same(out, len, want))
		return "message 1 differs";
	if (sb_noise_read1_static(&v->resp.n, peer, v->resp.s, want->data))
		return "message 1: static key does not decrypt";
	if (memcmp(peer, v->init.s_pub, SB_KEY_LEN))
		return "message 1: another static key";
	if (sb_x25519(ss, v->resp.s, peer) ||
	    sb_noise_read1_payload(&v->resp.n, back, ss, want->data + head, len - head))
		return "message 1: payload does not decrypt";
	return same(back, payload->len, payload) ? NULL : "message 1: another payload";
}

static const char *message2(struct vector *v, const struct bytes *payload,
			    const struct bytes *want)
{
	static u8 out[MAX_BYTES + SB_NOISE_MSG2_EXTRA], back[MAX_BYTES];
	size_t len = payload->len + SB_NOISE_MSG2_EXTRA;

	if (sb_noise_write2(&v->resp.n, out, v->resp.e, v->init.s_pub,
			    v->resp.psk.data, payload->data, payload->len))
		return "write2 failed";
	if (!same(out, len, want))
		return "message 2 differs";
	if (sb_noise_read2(&v->init.n, back, v->init.s, v->init.psk.data,
			   want->data, len))
		return "message 2 does not decrypt";
	if (!same(back, payload->len, payload))
		return "message 2: another payload";
	if (memcmp(v->init.n.h, v->resp.n.h, SB_HASH_LEN))
		return "the sides' handshake hashes differ";
	if (v->hash.data && !same(v->init.n.h, SB_HASH_LEN, &v->hash))
		return "handshake hash differs";
	sb_noise_split(&v->init.n, v->init.send, v->init.receive);
	sb_noise_split(&v->resp.n, v->resp.receive, v->resp.send);
	return NULL;
}

static const char *transport(struct side *from, struct side *to,
			     const struct bytes *payload, const struct bytes *want)
{
	static u8 out[MAX_BYTES + SB_TAG_LEN], back[MAX_BYTES];

	sb_aead_seal(out, payload->data, payload->len, NULL, 0, from->sent++,
		     from->send);
	if (!same(out, payload->len + SB_TAG_LEN, want))
		return "transport message differs";
	if (sb_aead_open(back, want->data, want->len, NULL, 0, to->received++,
			 to->receive))
		return "transport message does not decrypt";
	return same(back, payload->len, payload) ? NULL : "transport: another payload";
}

/* NULL, or what went wrong. */
static const char *run(json_object *o, enum sb_noise_pattern pattern)
{
	struct vector v;
	const char *wrong = NULL;

	if (!read_vector(o, pattern == SB_NOISE_IKPSK2, &v))
		return "a field is missing or malformed";
	if (json_object_array_length(v.messages) < 2)
		return "fewer than two messages";
	if (sb_x25519_base(v.init.s_pub, v.init.s) ||
	    sb_x25519_base(v.resp.s_pub, v.resp.s))
		return "bad static key";
	if (memcmp(v.resp.s_pub, v.init_rs, SB_KEY_LEN))
		return "init_remote_static is not the responder's";
	sb_noise_init(&v.init.n, pattern, v.init.prologue.data,
		      v.init.prologue.len, v.init_rs);
	sb_noise_init(&v.resp.n, pattern, v.resp.prologue.data,
		      v.resp.prologue.len, v.resp.s_pub);

	for (size_t i = 0; !wrong && i < json_object_array_length(v.messages); i++) {
		json_object *m = json_object_array_get_idx(v.messages, i);
		struct bytes payload, want;

		if (!get_bytes(m, "payload", &payload) ||
		    !get_bytes(m, "ciphertext", &want))
			return "a message is malformed";
		if (i == 0)
			wrong = message1(&v, &payload, &want);
		else if (i == 1)
			wrong = message2(&v, &payload, &want);
		else if (i % 2 == 0)
			wrong = transport(&v.init, &v.resp, &payload, &want);
		else
			wrong = transport(&v.resp, &v.init, &payload, &want);
	}
	return wrong;
}

int main(int argc, char **argv)
{
	unsigned int passed = 0, failed = 0;
	json_object *root, *list;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FILE.json\n", argv[0]);
		return 2;
	}
	root = json_object_from_file(argv[1]);
	if (!root || !json_object_object_get_ex(root, "vectors", &list) ||
	    !json_object_is_type(list, json_type_array)) {
		fprintf(stderr, "%s: no list \"vectors\" in it\n", argv[1]);
		return 2;
	}
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *o = json_object_array_get_idx(list, i), *field;
		const char *name = NULL, *wrong;
		enum sb_noise_pattern pattern;

		if (json_object_object_get_ex(o, "protocol_name", &field))
			name = json_object_get_string(field);
		if (name && !strcmp(name, "Noise_IK_25519_ChaChaPoly_BLAKE2s"))
			pattern = SB_NOISE_IK;
		else if (name && !strcmp(name, "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"))
			pattern = SB_NOISE_IKPSK2;
		else
			continue;
		wrong = run(o, pattern);
		printf("%s  %s%s%s\n", wrong ? "FAIL" : "ok  ", name,
		       wrong ? ": " : "", wrong ? wrong : "");
		*(wrong ? &failed : &passed) += 1;
	}
	json_object_put(root);
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}
