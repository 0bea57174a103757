// SPDX-License-Identifier: Apache-2.0
#include "light/edwards.h"

#include <string.h>

#define MASK	((UINT64_C(1) << 51) - 1)

typedef unsigned __int128 wide;

static const struct sb_field one = { { 1 } };
static const struct sb_field d = {
	{ 0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb, 0x52036cee2b6ff }
};
static const struct sb_field twice_d = {
	{ 0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052, 0x6738cc7407977, 0x2406d9dc56dff }
};
static const struct sb_field root_of_minus_one = {
	{ 0x61b274a0ea0b0, 0x0d5a5fc8f189d, 0x7ef5e9cbd0c60, 0x78595a6804c9e, 0x2b8324804fc1d }
};

/*
 * Bounds of a limb. A product: below 2^51 + 2^13. A sum of two products: below 2^53. A difference is made
 * positive by 4 p, so what is taken away has to be below 2^53 - 76; the result is below 2^54. A factor of a
 * product may be below 2^54.4: 77 times 2^108.8 is below 2^128.
 */
static struct sb_field add(const struct sb_field *a, const struct sb_field *b)
{
	struct sb_field sum;

	for (int i = 0; i < 5; i++)
		sum.limb[i] = a->limb[i] + b->limb[i];
	return sum;
}

static struct sb_field subtract(const struct sb_field *a, const struct sb_field *b)
{
	struct sb_field difference;

	difference.limb[0] = a->limb[0] + ((UINT64_C(1) << 53) - 76) - b->limb[0];
	for (int i = 1; i < 5; i++)
		difference.limb[i] = a->limb[i] + ((UINT64_C(1) << 53) - 4) - b->limb[i];
	return difference;
}

/* Carries up, the highest one to the lowest limb: 2^255 is 19. A call would cost as much as the work. */
static inline __attribute__((always_inline)) struct sb_field reduce(wide r0, wide r1, wide r2, wide r3, wide r4)
{
	struct sb_field out;

	/* each is below 2^115: what is carried fits into 64 bits */
	r1 += (uint64_t)(r0 >> 51);
	r2 += (uint64_t)(r1 >> 51);
	r3 += (uint64_t)(r2 >> 51);
	r4 += (uint64_t)(r3 >> 51);
	r0 = (wide)(uint64_t)(r4 >> 51) * 19 + ((uint64_t)r0 & MASK);
	r1 = (uint64_t)(r0 >> 51) + ((uint64_t)r1 & MASK);
	out.limb[0] = (uint64_t)r0 & MASK;
	out.limb[1] = (uint64_t)r1 & MASK;
	out.limb[2] = ((uint64_t)r2 & MASK) + (uint64_t)(r1 >> 51);
	out.limb[3] = (uint64_t)r3 & MASK;
	out.limb[4] = (uint64_t)r4 & MASK;
	return out;
}

static struct sb_field multiply(const struct sb_field *f, const struct sb_field *g)
{
	const uint64_t *a = f->limb, *b = g->limb;
	uint64_t b1 = 19 * b[1], b2 = 19 * b[2], b3 = 19 * b[3], b4 = 19 * b[4];

	return reduce((wide)a[0] * b[0] + (wide)a[1] * b4 + (wide)a[2] * b3 + (wide)a[3] * b2 + (wide)a[4] * b1,
		      (wide)a[0] * b[1] + (wide)a[1] * b[0] + (wide)a[2] * b4 + (wide)a[3] * b3 + (wide)a[4] * b2,
		      (wide)a[0] * b[2] + (wide)a[1] * b[1] + (wide)a[2] * b[0] + (wide)a[3] * b4 + (wide)a[4] * b3,
		      (wide)a[0] * b[3] + (wide)a[1] * b[2] + (wide)a[2] * b[1] + (wide)a[3] * b[0] + (wide)a[4] * b4,
		      (wide)a[0] * b[4] + (wide)a[1] * b[3] + (wide)a[2] * b[2] + (wide)a[3] * b[1] +
		      (wide)a[4] * b[0]);
}

static struct sb_field square(const struct sb_field *f)
{
	const uint64_t *a = f->limb;
	uint64_t a0 = 2 * a[0], a1 = 2 * a[1], a2 = 2 * a[2], a3 = 19 * a[3], a4 = 19 * a[4];

	return reduce((wide)a[0] * a[0] + (wide)a1 * a4 + (wide)a2 * a3,
		      (wide)a0 * a[1] + (wide)a2 * a4 + (wide)a[3] * a3,
		      (wide)a0 * a[2] + (wide)a[1] * a[1] + (wide)(2 * a[3]) * a4,
		      (wide)a0 * a[3] + (wide)a1 * a[2] + (wide)a[4] * a4,
		      (wide)a0 * a[4] + (wide)a1 * a[3] + (wide)a[2] * a[2]);
}

static struct sb_field squares(const struct sb_field *f, unsigned int times)
{
	struct sb_field out = *f;

	while (times--)
		out = square(&out);
	return out;
}

/* To the power 2^252 - 3, which is (p - 5) / 8. f_n stands for the power 2^n - 1. */
static struct sb_field power(const struct sb_field *f)
{
	struct sb_field at = squares(f, 1), f2 = multiply(&at, f), f4, f5, f10, f20, f40, f50, f100, f200, f250;

	at = squares(&f2, 2);
	f4 = multiply(&at, &f2);
	at = squares(&f4, 1);
	f5 = multiply(&at, f);
	at = squares(&f5, 5);
	f10 = multiply(&at, &f5);
	at = squares(&f10, 10);
	f20 = multiply(&at, &f10);
	at = squares(&f20, 20);
	f40 = multiply(&at, &f20);
	at = squares(&f40, 10);
	f50 = multiply(&at, &f10);
	at = squares(&f50, 50);
	f100 = multiply(&at, &f50);
	at = squares(&f100, 100);
	f200 = multiply(&at, &f100);
	at = squares(&f200, 50);
	f250 = multiply(&at, &f50);
	at = squares(&f250, 2);
	return multiply(&at, f);
}

static void write_field(const struct sb_field *f, uint8_t bytes[32])
{
	struct sb_field t = reduce(f->limb[0], f->limb[1], f->limb[2], f->limb[3], f->limb[4]);
	uint64_t borrow;

	t = reduce(t.limb[0], t.limb[1], t.limb[2], t.limb[3], t.limb[4]);
	/* Below 2 p now. Is it p or more? Then adding 19 carries out of 255 bits. */
	borrow = (t.limb[0] + 19) >> 51;
	for (int i = 1; i < 5; i++)
		borrow = (t.limb[i] + borrow) >> 51;
	t.limb[0] += 19 * borrow;
	for (int i = 0; i < 4; i++) {
		t.limb[i + 1] += t.limb[i] >> 51;
		t.limb[i] &= MASK;
	}
	t.limb[4] &= MASK;
	for (unsigned int i = 0; i < 4; i++) {
		/* word i begins 13 i bits above limb i */
		uint64_t word = t.limb[i] >> 13 * i | t.limb[i + 1] << (51 - 13 * i);

		for (unsigned int j = 0; j < 8; j++)
			bytes[8 * i + j] = (uint8_t)(word >> 8 * j);
	}
}

static struct sb_field read_field(const uint8_t bytes[32])
{
	uint64_t word[4] = { 0 };

	for (unsigned int i = 0; i < 32; i++)
		word[i / 8] |= (uint64_t)bytes[i] << 8 * (i % 8);
	return (struct sb_field){ {
		word[0] & MASK, (word[0] >> 51 | word[1] << 13) & MASK, (word[1] >> 38 | word[2] << 26) & MASK,
		(word[2] >> 25 | word[3] << 39) & MASK, word[3] >> 12 & MASK,
	} };
}

static bool is_zero(const struct sb_field *f)
{
	static const uint8_t zero[32];
	uint8_t bytes[32];

	write_field(f, bytes);
	return memcmp(bytes, zero, sizeof(bytes)) == 0;
}

static bool equal(const struct sb_field *a, const struct sb_field *b)
{
	struct sb_field difference = subtract(a, b);

	return is_zero(&difference);
}

static struct sb_field negative(const struct sb_field *f)
{
	static const struct sb_field zero;
	struct sb_field out = subtract(&zero, f);

	return reduce(out.limb[0], out.limb[1], out.limb[2], out.limb[3], out.limb[4]);
}

/* RFC 8032, section 5.1.3: x from y and its lowest bit. */
bool sb_edwards_read(const uint8_t bytes[32], struct sb_edwards *point)
{
	struct sb_field y = read_field(bytes), yy = square(&y), u, v, v3, v7, x, check, minus_u;
	uint8_t again[32];

	write_field(&y, again);
	again[31] |= bytes[31] & 0x80;
	if (memcmp(again, bytes, sizeof(again)) != 0)
		return false;
	u = subtract(&yy, &one);
	v = multiply(&yy, &d);
	v = add(&v, &one);
	v3 = square(&v);
	v3 = multiply(&v3, &v);
	v7 = square(&v3);
	v7 = multiply(&v7, &v);
	x = multiply(&u, &v7);
	x = power(&x);
	x = multiply(&x, &v3);
	x = multiply(&x, &u);
	check = square(&x);
	check = multiply(&check, &v);
	u = reduce(u.limb[0], u.limb[1], u.limb[2], u.limb[3], u.limb[4]);
	minus_u = negative(&u);
	if (equal(&check, &minus_u))
		x = multiply(&x, &root_of_minus_one);
	else if (!equal(&check, &u))
		return false;
	write_field(&x, again);
	if (is_zero(&x) && bytes[31] & 0x80)
		return false;
	if ((again[0] & 1) != bytes[31] >> 7)
		x = negative(&x);
	*point = (struct sb_edwards){ x, y, one, multiply(&x, &y) };
	return true;
}

/* RFC 8032, section 5.1.4, as the addition below. */
static struct sb_edwards doubled(const struct sb_edwards *p)
{
	struct sb_field a = square(&p->x), b = square(&p->y), c = square(&p->z), h = add(&a, &b);
	struct sb_field s = add(&p->x, &p->y), e, f, g = subtract(&a, &b);

	s = square(&s);
	e = subtract(&h, &s);
	c = add(&c, &c);
	f = add(&c, &g);
	return (struct sb_edwards){ multiply(&e, &f), multiply(&g, &h), multiply(&f, &g), multiply(&e, &h) };
}

/* @minus: takes the multiple away instead. */
static struct sb_edwards added(const struct sb_edwards *p, const struct sb_edwards_term *term, unsigned int i,
			       bool minus)
{
	const struct sb_field *sum = minus ? &term->odd[i].difference : &term->odd[i].sum;
	const struct sb_field *difference = minus ? &term->odd[i].sum : &term->odd[i].difference;
	struct sb_field a = subtract(&p->y, &p->x), b = add(&p->y, &p->x);
	struct sb_field c = multiply(&p->t, &term->odd[i].t2d), z = multiply(&p->z, &term->odd[i].z2), e, f, g, h;

	a = multiply(&a, difference);
	b = multiply(&b, sum);
	e = subtract(&b, &a);
	h = add(&b, &a);
	f = minus ? add(&z, &c) : subtract(&z, &c);
	g = minus ? subtract(&z, &c) : add(&z, &c);
	return (struct sb_edwards){ multiply(&e, &f), multiply(&g, &h), multiply(&f, &g), multiply(&e, &h) };
}

bool sb_edwards_cofactor(const struct sb_edwards *point)
{
	struct sb_edwards p = doubled(point);

	p = doubled(&p);
	p = doubled(&p);
	return is_zero(&p.x) && equal(&p.y, &p.z);
}

static void keep(struct sb_edwards_term *term, unsigned int i, const struct sb_edwards *p)
{
	term->odd[i].sum = add(&p->y, &p->x);
	term->odd[i].difference = subtract(&p->y, &p->x);
	term->odd[i].z2 = add(&p->z, &p->z);
	term->odd[i].t2d = multiply(&p->t, &twice_d);
}

/* From the lowest bit: four bits that begin with a one become an odd digit, above 7 less 16 and a carry. */
static void set_digits(int8_t digit[260], const uint8_t scalar[32])
{
	uint64_t word[5] = { 0 };

	memset(digit, 0, 260);
	for (unsigned int i = 0; i < 32; i++)
		word[i / 8] |= (uint64_t)scalar[i] << 8 * (i % 8);
	for (unsigned int at = 0; at < 256; ) {
		unsigned int window = (unsigned int)(word[at / 64] >> at % 64);

		if (at % 64 > 60)
			window |= (unsigned int)(word[at / 64 + 1] << (64 - at % 64));
		window &= 15;
		if (!(window & 1)) {
			at++;
			continue;
		}
		digit[at] = (int8_t)(window > 7 ? (int)window - 16 : (int)window);
		at += 4;
		for (unsigned int i = at / 64, carry = window > 7; carry && i < 5; i++) {
			uint64_t before = word[i];

			word[i] += i == at / 64 ? UINT64_C(1) << at % 64 : 1;
			carry = word[i] < before;
		}
	}
}

void sb_edwards_term(struct sb_edwards_term *term, const struct sb_edwards *point, const uint8_t scalar[32])
{
	struct sb_edwards_term twice;
	struct sb_edwards two = doubled(point), odd = *point;

	keep(&twice, 0, &two);
	for (unsigned int i = 0; i < 4; i++) {
		if (i)
			odd = added(&odd, &twice, 0, false);
		keep(term, i, &odd);
	}
	set_digits(term->digit, scalar);
}

void sb_edwards_sum(const struct sb_edwards_term *terms, size_t count, struct sb_edwards *sum)
{
	struct sb_edwards at = { { { 0 } }, one, one, { { 0 } } };

	for (int place = 259; place >= 0; place--) {
		at = doubled(&at);
		for (size_t i = 0; i < count; i++) {
			int8_t digit = terms[i].digit[place];
			bool minus = digit < 0;

			if (digit)
				at = added(&at, &terms[i], (unsigned int)(minus ? -digit : digit) / 2, minus);
		}
	}
	*sum = at;
}
