/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which sequence numbers an outbound SA has used: a repeated one is a repeated nonce, and gives
 * the authentication key of AES-GCM away.
 *
 * The numbers are the low half of ESP's (RFC 4303 with ESN), which is what is on the wire. They
 * are never extended: whoever writes an SA's counters writes its high half as well, so that a
 * guess of it would be his. A bond ends long before the low half is used up (sealbond/limits.h);
 * past that, nothing is sent.
 */
#ifndef SB_NONCE_H
#define SB_NONCE_H

#include "pure.h"

#define SB_NONCE_WORD_BITS	64
#define SB_NONCE_WORDS		128
#define SB_NONCE_RING		(SB_NONCE_WORDS * SB_NONCE_WORD_BITS)
/* How far a packet may fall behind the newest: a word is always on its way to be used anew. */
#define SB_NONCE_WINDOW		(SB_NONCE_RING - SB_NONCE_WORD_BITS)

/* All zero: nothing was used. Numbers begin with 1. */
struct sb_nonce {
	u32 top;	/* the highest that was used */
	u64 used[SB_NONCE_WORDS];	/* bit of number n: n % SB_NONCE_RING */
};

enum sb_nonce_answer {
	SB_NONCE_FRESH,
	SB_NONCE_REPEATED,	/* one of them was used */
	SB_NONCE_OLD,		/* one of them is behind the window, or there is no such number */
};

/* For ranges, for numbers that come late, and after a gap; see sb_nonce_take(). */
enum sb_nonce_answer sb_nonce_take_any(struct sb_nonce *nonce, u32 first, u32 count);

/*
 * sb_nonce_take() - use the numbers @first to @first + @count - 1, all of them or, where the
 * answer is not FRESH, none. The caller has a lock around it.
 */
static inline enum sb_nonce_answer sb_nonce_take(struct sb_nonce *nonce, u32 first, u32 count)
{
	u32 bit = first % SB_NONCE_WORD_BITS;
	u64 *word = &nonce->used[first / SB_NONCE_WORD_BITS % SB_NONCE_WORDS];

	/* The usual one: the next, in a word that is in use already. */
	if (likely(count == 1 && bit && first == nonce->top + 1)) {
		nonce->top = first;
		*word |= 1ULL << bit;
		return SB_NONCE_FRESH;
	}
	return sb_nonce_take_any(nonce, first, count);
}

#endif
