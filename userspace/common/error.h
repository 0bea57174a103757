/* SPDX-License-Identifier: Apache-2.0 */
/* A sentence for the person who has to act on it; the errno travels beside it. */
#ifndef SB_ERROR_H
#define SB_ERROR_H

struct sb_error {
	char text[512];
};

/* Writes the sentence and returns number, so that callers can "return sb_fail(...)". NULL is fine. */
int sb_fail(struct sb_error *error, int number, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#ifdef __clang_analyzer__	/* it does not look into other files: what comes back is what was given */
#define sb_fail(error, number, ...) ({ int sb_number = (number); (void)(error); sb_number; })
#endif

#endif
