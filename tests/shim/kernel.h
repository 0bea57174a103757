/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What pure files of the module use of the kernel's headers, for userspace
 * tests. Only kmod/pure.h includes this.
 */
#ifndef SB_SHIM_KERNEL_H
#define SB_SHIM_KERNEL_H

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <linux/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/* As in the kernel, the text is optional. */
#undef static_assert
#define static_assert(expr, ...) SB_SHIM_ASSERT(expr, ##__VA_ARGS__, #expr)
#define SB_SHIM_ASSERT(expr, text, ...) _Static_assert(expr, text)

#define __packed	__attribute__((__packed__))
#define __aligned(n)	__attribute__((__aligned__(n)))
#define __must_check	__attribute__((__warn_unused_result__))
#define __maybe_unused	__attribute__((__unused__))
#define __printf(a, b)	__attribute__((__format__(__printf__, a, b)))
#define fallthrough	__attribute__((__fallthrough__))
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

#define BIT(n)		(1UL << (n))
#define BIT_ULL(n)	(1ULL << (n))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define sizeof_field(t, m) sizeof(((t *)0)->m)
#define BUILD_BUG_ON(c)	static_assert(!(c), #c)
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define container_of(p, t, m) ((t *)((char *)(p) - offsetof(t, m)))

#define READ_ONCE(x)	(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

#define min(a, b) ({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); \
		     a_ < b_ ? a_ : b_; })
#define max(a, b) ({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); \
		     a_ > b_ ? a_ : b_; })
#define min_t(t, a, b)	min((t)(a), (t)(b))
#define max_t(t, a, b)	max((t)(a), (t)(b))
#define clamp(v, lo, hi) min(max(v, lo), hi)

#define U8_MAX	UINT8_MAX
#define U16_MAX	UINT16_MAX
#define U32_MAX	UINT32_MAX
#define U64_MAX	UINT64_MAX
#define S64_MAX	INT64_MAX

#define cpu_to_be16(x)	((__be16)htobe16(x))
#define cpu_to_be32(x)	((__be32)htobe32(x))
#define cpu_to_be64(x)	((__be64)htobe64(x))
#define be16_to_cpu(x)	be16toh((u16)(x))
#define be32_to_cpu(x)	be32toh((u32)(x))
#define be64_to_cpu(x)	be64toh((u64)(x))
#define htons(x)	cpu_to_be16(x)
#define htonl(x)	cpu_to_be32(x)
#define ntohs(x)	be16_to_cpu(x)
#define ntohl(x)	be32_to_cpu(x)

#define SB_SHIM_UNALIGNED(bits)						\
static inline u##bits get_unaligned_be##bits(const void *p)		\
{									\
	u##bits v;							\
									\
	memcpy(&v, p, sizeof(v));					\
	return be##bits##toh(v);					\
}									\
static inline u##bits get_unaligned_le##bits(const void *p)		\
{									\
	u##bits v;							\
									\
	memcpy(&v, p, sizeof(v));					\
	return le##bits##toh(v);					\
}									\
static inline void put_unaligned_be##bits(u##bits v, void *p)		\
{									\
	v = htobe##bits(v);						\
	memcpy(p, &v, sizeof(v));					\
}									\
static inline void put_unaligned_le##bits(u##bits v, void *p)		\
{									\
	v = htole##bits(v);						\
	memcpy(p, &v, sizeof(v));					\
}

SB_SHIM_UNALIGNED(16)
SB_SHIM_UNALIGNED(32)
SB_SHIM_UNALIGNED(64)

static inline void memzero_explicit(void *p, size_t len)
{
	explicit_bzero(p, len);
}

/* The first byte that is not c, or NULL. */
static inline void *memchr_inv(const void *p, int c, size_t len)
{
	const u8 *b = p;

	for (size_t i = 0; i < len; i++)
		if (b[i] != (u8)c)
			return (void *)(b + i);
	return NULL;
}

#endif
