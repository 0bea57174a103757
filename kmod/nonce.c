// SPDX-License-Identifier: GPL-2.0-only
#include "nonce.h"

#include "sealbond/limits.h"

static_assert(SB_REJECT_AFTER_PACKETS < U32_MAX / 2, "the low half of the sequence is enough");
static_assert((SB_NONCE_WORDS & (SB_NONCE_WORDS - 1)) == 0, "numbers wrap with the ring");

static u64 *word_of(struct sb_nonce *nonce, u32 number)
{
	return &nonce->used[number / SB_NONCE_WORD_BITS % SB_NONCE_WORDS];
}

/* The bits of @first to @last that are in the word of @first; *next is what follows them. */
static u64 bits_of(u32 first, u32 last, u32 *next)
{
	u32 low = first % SB_NONCE_WORD_BITS, end = first - low + SB_NONCE_WORD_BITS - 1;
	u64 bits = ~0ULL << low;

	if (end > last) {
		bits &= ~0ULL >> (end - last);
		end = last;
	}
	*next = end + 1;
	return bits;
}

static bool any_used(struct sb_nonce *nonce, u32 first, u32 last)
{
	u32 at = first, next;

	do {
		u64 bits = bits_of(at, last, &next);

		if (*word_of(nonce, at) & bits)
			return true;
		at = next;
	} while (at - 1 != last);
	return false;
}

static void use(struct sb_nonce *nonce, u32 first, u32 last)
{
	u32 at = first, next;

	do {
		u64 bits = bits_of(at, last, &next);

		*word_of(nonce, at) |= bits;
		at = next;
	} while (at - 1 != last);
}

/* The words between the old top's and the new one's, that one included, are of older numbers. */
static void advance(struct sb_nonce *nonce, u32 top)
{
	u32 words = top / SB_NONCE_WORD_BITS - nonce->top / SB_NONCE_WORD_BITS, i;

	if (words > SB_NONCE_WORDS)
		words = SB_NONCE_WORDS;
	for (i = 0; i < words; i++)
		*word_of(nonce, top - i * SB_NONCE_WORD_BITS) = 0;
	nonce->top = top;
}

enum sb_nonce_answer sb_nonce_take_any(struct sb_nonce *nonce, u32 first, u32 count)
{
	u32 last = first + count - 1, top = nonce->top;

	if (!first || !count || count > SB_NONCE_WINDOW || last < first)
		return SB_NONCE_OLD;
	/* Against the new top: what it pushes out of the window is not looked at any more. */
	if (max(last, top) - first >= SB_NONCE_WINDOW)
		return SB_NONCE_OLD;
	if (first <= top && any_used(nonce, first, min(last, top)))
		return SB_NONCE_REPEATED;
	if (last > top)
		advance(nonce, last);
	use(nonce, first, last);
	return SB_NONCE_FRESH;
}
