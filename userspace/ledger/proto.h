/* SPDX-License-Identifier: Apache-2.0 */
/* Reads protobuf within bounds, field by field; once something is wrong, everything after it is, too. */
#ifndef SB_LEDGER_PROTO_H
#define SB_LEDGER_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A message that is read, in somebody else's buffer. */
struct sb_proto {
	const uint8_t *data;
	size_t left;
	bool bad;
};

struct sb_proto_field {
	unsigned int number;
	bool is_bytes;		/* else a varint */
	uint64_t value;		/* of a varint */
	struct sb_proto bytes;	/* of bytes, strings and messages */
};

/* The next field; false at the end, and where it is wrong (message->bad). Fixed-size fields are wrong. */
bool sb_proto_next(struct sb_proto *message, struct sb_proto_field *field);

/* A varint's, of an int32, int64 or enum. Outputs as found; false, and message->bad, where it does not fit. */
bool sb_proto_int32(struct sb_proto *message, const struct sb_proto_field *field, int32_t *value);

/* Bytes of exactly this length, or of none (then *there is false). */
bool sb_proto_fixed(struct sb_proto *message, const struct sb_proto_field *field, uint8_t *out, size_t length,
		    bool *there);

#endif
