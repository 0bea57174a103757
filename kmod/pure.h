/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * First include of every pure file: one that has no locks, no allocation and
 * no I/O, and therefore builds in the kernel and in userspace tests alike.
 */
#ifndef SB_PURE_H
#define SB_PURE_H

#ifdef __KERNEL__
#include <linux/types.h>
#include <linux/kernel.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <asm/byteorder.h>
/* Sparse has no __has_include: it is shown the older kernel's header. */
#ifdef __has_include
#if __has_include(<linux/unaligned.h>)
#define SB_HAVE_LINUX_UNALIGNED
#endif
#endif
#ifdef SB_HAVE_LINUX_UNALIGNED
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif
#else
#include "../tests/shim/kernel.h"
#endif

#endif
