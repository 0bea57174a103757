/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bounded cursors over big-endian bytes: TPM commands and responses, blobs, approvals.
 * A write past the end or a read past the end sets "bad", which sticks; a reader then
 * yields zeros and NULL. Check it once, at the end.
 */
#ifndef SB_TPM_WIRE_H
#define SB_TPM_WIRE_H

#include "pure.h"

struct sb_wr {
	u8 *data;
	u32 len;
	u32 cap;
	bool bad;
};

struct sb_rd {
	const u8 *data;
	u32 pos;
	u32 len;
	bool bad;
};

static inline struct sb_wr sb_wr_of(void *data, u32 cap)
{
	return (struct sb_wr){ .data = data, .cap = cap };
}

static inline struct sb_rd sb_rd_of(const void *data, u32 len)
{
	return (struct sb_rd){ .data = data, .len = len };
}

static inline void sb_put(struct sb_wr *w, const void *src, u32 n)
{
	if (w->bad || n > w->cap - w->len) {
		w->bad = true;
		return;
	}
	if (n)
		memcpy(w->data + w->len, src, n);
	w->len += n;
}

static inline void sb_put8(struct sb_wr *w, u8 v)
{
	sb_put(w, &v, 1);
}

static inline void sb_put16(struct sb_wr *w, u16 v)
{
	__be16 be = cpu_to_be16(v);

	sb_put(w, &be, sizeof(be));
}

static inline void sb_put32(struct sb_wr *w, u32 v)
{
	__be32 be = cpu_to_be32(v);

	sb_put(w, &be, sizeof(be));
}

/* A TPM2B: 16-bit size, then the bytes. */
static inline void sb_put2b(struct sb_wr *w, const void *src, u16 n)
{
	sb_put16(w, n);
	sb_put(w, src, n);
}

static inline u32 sb_left(const struct sb_rd *r)
{
	return r->bad ? 0 : r->len - r->pos;
}

/* The next n bytes in place, NULL when there are fewer. */
static inline const u8 *sb_get(struct sb_rd *r, u32 n)
{
	const u8 *p;

	if (r->bad || n > r->len - r->pos) {
		r->bad = true;
		return NULL;
	}
	p = r->data + r->pos;
	r->pos += n;
	return p;
}

static inline u8 sb_get8(struct sb_rd *r)
{
	const u8 *p = sb_get(r, 1);

	return p ? *p : 0;
}

static inline u16 sb_get16(struct sb_rd *r)
{
	const u8 *p = sb_get(r, 2);

	return p ? get_unaligned_be16(p) : 0;
}

static inline u32 sb_get32(struct sb_rd *r)
{
	const u8 *p = sb_get(r, 4);

	return p ? get_unaligned_be32(p) : 0;
}

/* A TPM2B's content. */
static inline const u8 *sb_get2b(struct sb_rd *r, u16 *n)
{
	*n = sb_get16(r);
	return sb_get(r, *n);
}

/* A TPM2B with its size field, as it stands. */
static inline const u8 *sb_get2b_whole(struct sb_rd *r, u16 *n)
{
	u32 start = r->pos;
	u16 inner;

	if (!sb_get2b(r, &inner) || inner > U16_MAX - 2) {
		r->bad = true;
		return NULL;
	}
	*n = inner + 2;
	return r->data + start;
}

/* True when all was read and nothing was missing. */
static inline bool sb_rd_done(const struct sb_rd *r)
{
	return !r->bad && r->pos == r->len;
}

#endif
