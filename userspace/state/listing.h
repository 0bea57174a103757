/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records by their kind, page by page: the query "/records". Asked with a kind (one byte), and behind it the key after
 * which to begin (none: at the first). The answer, ascending: of each record its key's length (one byte), the key,
 * the value's length (four bytes, big endian), the value. Nothing of it is proven, and something may be left out:
 * who needs to know asks for each by its key, with a proof. Pure.
 */
#ifndef SB_STATE_LISTING_H
#define SB_STATE_LISTING_H

#include "state/reader.h"
#include "state/run.h"

#define SB_LISTING_PATH		"/records"
#define SB_LISTING_MAX		262144	/* bytes of a page, about: it ends behind the record that reaches it */

/*
 * sb_listing_make() - a page from records. Out: *page, to be freed, and its length, which is 0 behind the last record.
 * Returns 0, -EINVAL for what is no question, -ENOMEM, or an error of the records.
 */
int sb_listing_make(const struct sb_records *records, const uint8_t *question, size_t question_length,
		    uint8_t **page, size_t *length);

/* sb_listing_next() - the next of a page: false at its end; reader->failed says that the page is damaged. */
bool sb_listing_next(struct sb_reader *reader, struct sb_span *key, struct sb_span *value);

#endif
