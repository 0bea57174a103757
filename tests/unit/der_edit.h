/* SPDX-License-Identifier: Apache-2.0 */
/* One element of a DER tree put in another's place, with all the lengths around it right again. */
#ifndef DER_EDIT_H
#define DER_EDIT_H

#include "tpm_world.h"

#define DER_END		(-1)

struct der {
	uint8_t tag;
	const uint8_t *start, *data;
	size_t length, whole;
};

static inline struct der der_at(const uint8_t *data)
{
	struct der der = { .tag = data[0], .start = data };
	size_t head = 2;

	der.length = data[1];
	if (data[1] & 0x80) {
		der.length = 0;
		for (int i = 0; i < (data[1] & 0x7f); i++)
			der.length = der.length << 8 | data[head++];
	}
	der.data = data + head;
	der.whole = head + der.length;
	return der;
}

static inline void put_der(struct bytes *out, uint8_t tag, const void *data, size_t length)
{
	put_be(out, tag, 1);
	if (length < 0x80)
		put_be(out, length, 1);
	else if (length < 0x100)
		put_be(out, 0x8100 | length, 2);
	else
		put_be(out, 0x820000 | length, 3);
	put(out, data, length);
}

/* What is inside: an OCTET STRING's and a BIT STRING's content may be DER, too. */
static inline size_t inside_of(const struct der *der)
{
	return der->tag == 0x03 ? 1 : 0;
}

/*
 * @path: which child at each level, ended by DER_END. The element there is left out, and @bytes are put in its
 * place; with @behind it stays, and they come behind it.
 */
static inline void der_edit(const uint8_t *data, const int *path, const void *bytes, size_t length, bool behind,
			    struct bytes *out)
{
	struct der der = der_at(data);
	struct bytes *inner = calloc(1, sizeof(*inner));
	const uint8_t *at = der.data + inside_of(&der);

	assert_non_null(inner);
	put(inner, der.data, inside_of(&der));
	for (int i = 0; at < der.data + der.length; i++) {
		struct der child = der_at(at);

		if (i != path[0] || (path[1] == DER_END && behind))
			put(inner, at, child.whole);
		if (i == path[0] && path[1] == DER_END)
			put(inner, bytes, length);
		else if (i == path[0])
			der_edit(at, path + 1, bytes, length, behind, inner);
		at += child.whole;
	}
	put_der(out, der.tag, inner->data, inner->length);
	free(inner);
}

#endif
