/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subset of DER (X.690) that certificates need: definite lengths in their shortest form,
 * tags of one byte. Every node reads alike, whatever library it is linked with.
 */
#ifndef SB_STATE_DER_H
#define SB_STATE_DER_H

#include "state/reader.h"

enum {
	SB_DER_BOOLEAN = 0x01, SB_DER_INTEGER = 0x02, SB_DER_BIT_STRING = 0x03, SB_DER_OCTET_STRING = 0x04,
	SB_DER_NULL = 0x05, SB_DER_OID = 0x06, SB_DER_UTC_TIME = 0x17, SB_DER_GENERAL_TIME = 0x18,
	SB_DER_SEQUENCE = 0x30, SB_DER_SET = 0x31,
	SB_DER_CONTEXT = 0x80, SB_DER_CONTEXT_MADE = 0xa0,	/* and the number */
};

/* sb_der_any() - the next element: its tag, and its contents. Nothing left, or not DER: fails. */
struct sb_span sb_der_any(struct sb_reader *reader, uint8_t *tag);

/* sb_der() - the next element, which must have this tag. */
struct sb_span sb_der(struct sb_reader *reader, uint8_t tag);

/* sb_der_into() - the same, to read on inside. A failure there is not one out here. */
struct sb_reader sb_der_into(struct sb_reader *reader, uint8_t tag);

/* sb_der_is() - is the next element one with this tag? False at the end. */
bool sb_der_is(const struct sb_reader *reader, uint8_t tag);

/* sb_der_oid_is() - @oid: encoded contents, as a string literal. */
#define sb_der_oid_is(span, oid)	sb_der_bytes_are(span, oid, sizeof(oid) - 1)
bool sb_der_bytes_are(struct sb_span span, const void *bytes, size_t length);

/* sb_der_positive() - contents of an INTEGER without its sign byte; fails on 0 and below, and on
 * a form that is not the shortest. */
bool sb_der_positive(struct sb_span contents, struct sb_span *number);

/* sb_der_bits() - contents of a BIT STRING of whole bytes. */
bool sb_der_bits(struct sb_span contents, struct sb_span *bytes);

/*
 * sb_der_time() - a UTCTime or GeneralizedTime in UTC with seconds, as RFC 5280 section 4.1.2.5
 * has them, to seconds since 1970. False for any other.
 */
bool sb_der_time(struct sb_reader *reader, int64_t *seconds);

#endif
