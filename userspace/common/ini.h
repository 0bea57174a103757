/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sections, keys and values, line by line:
 *
 *	# comment; also with ;
 *	[section]
 *	[section NAME]
 *	key = value
 *
 * A value is the rest of the line without blanks at its ends; "#" inside it is part of it.
 */
#ifndef SB_INI_H
#define SB_INI_H

#include <stddef.h>

#include "common/error.h"

#define SB_INI_LINE_MAX		1024	/* bytes in a line */
#define SB_INI_NAME_MAX		32	/* of a section, its NAME or a key; with the NUL */

struct sb_ini_line {
	const char *file;	/* as messages name it */
	unsigned int number;	/* from 1 */
	const char *section;	/* "" before the first */
	const char *name;	/* "" when the section has none */
	const char *key;	/* NULL: the section begins here */
	const char *value;	/* NULL with key NULL */
};

typedef int (*sb_ini_handler)(void *context, const struct sb_ini_line *line, struct sb_error *error);

/*
 * Calls handler for each section head and each key. The first value but 0 that it returns ends
 * the reading and is returned. Text needs no NUL.
 * Returns 0 or -EINVAL with "file:line: …" in error.
 */
int sb_ini_read(const char *file, const char *text, size_t length, sb_ini_handler handler,
		void *context, struct sb_error *error);

/* Writes "file:line: " and the sentence; returns -EINVAL. */
int sb_ini_fail(struct sb_error *error, const char *file, unsigned int line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The one of count words nearest to word, NULL when none is near. Stride: bytes from one to the next pointer. */
const char *sb_nearest_word(const char *word, const void *words, size_t count, size_t stride);

#endif
