/* SPDX-License-Identifier: Apache-2.0 */
/* A section's keys as a table: where each value goes, and what is allowed, in words. */
#ifndef SB_FIELD_H
#define SB_FIELD_H

#include <stddef.h>
#include <stdint.h>

#include "common/ini.h"

struct sb_field {
	const char *key;
	/* Writes *target; returns 0, -EINVAL (not a "what") or -ERANGE (out of bounds). */
	int (*parse)(const struct sb_field *field, const char *value, void *target);
	const char *what;	/* "a duration" */
	const char *allowed;	/* "10s to 1h, e.g. 120s" */
	size_t offset;		/* in the section's structure */
	uint64_t min, max;	/* of numbers; max is the room, with NUL, of texts */
	const char *const *choices;	/* of sb_field_choice: NULL-terminated, value is the index */
};

/*
 * Finds line->key among the fields and sets it in target. Seen: one bit a field, to refuse a
 * key that is there twice; at most 64 fields. At: where set, the line of each field (else NULL).
 */
int sb_field_set(const struct sb_field *fields, size_t count, void *target, uint64_t *seen,
		 unsigned int *at, const struct sb_ini_line *line, struct sb_error *error);

/* Parsers; the target's type behind each. */
int sb_field_text(const struct sb_field *field, const char *value, void *target);	/* char[max] */
int sb_field_path(const struct sb_field *field, const char *value, void *target);	/* char[max], absolute */
int sb_field_number(const struct sb_field *field, const char *value, void *target);	/* uint64_t */
int sb_field_duration(const struct sb_field *field, const char *value, void *target);	/* uint64_t, ms */
int sb_field_size(const struct sb_field *field, const char *value, void *target);	/* uint64_t */
int sb_field_percent(const struct sb_field *field, const char *value, void *target);	/* uint64_t */
int sb_field_bool(const struct sb_field *field, const char *value, void *target);	/* bool */
int sb_field_choice(const struct sb_field *field, const char *value, void *target);	/* unsigned int */
int sb_field_prefix4(const struct sb_field *field, const char *value, void *target);	/* struct sb_prefix */
int sb_field_prefix6(const struct sb_field *field, const char *value, void *target);	/* struct sb_prefix */
int sb_field_prefix(const struct sb_field *field, const char *value, void *target);	/* struct sb_prefix */
int sb_field_endpoint(const struct sb_field *field, const char *value, void *target);	/* union sb_endpoint */
int sb_field_key(const struct sb_field *field, const char *value, void *target);	/* uint8_t[32] */
int sb_field_pcrs(const struct sb_field *field, const char *value, void *target);	/* uint32_t */
int sb_field_time(const struct sb_field *field, const char *value, void *target);	/* int64_t */
int sb_field_interface(const struct sb_field *field, const char *value, void *target);	/* char[16] */

#endif
