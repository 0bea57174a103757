/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's reader of grants, for tests whose headers do not go along with the module's. */
#ifndef KERNEL_GRANT_H
#define KERNEL_GRANT_H

#include <stdint.h>
#include <stddef.h>

/*
 * As SET_GRANT does: reads the bytes, and checks them with these keys, points of 64 bytes. 0 and until when in
 * boot time, asked_ns being the request's; or the kernel's error.
 */
int kernel_takes(const uint8_t *points, size_t count, uint8_t threshold, const uint8_t *data, size_t length,
		 const uint8_t chain[32], const uint8_t holder[32], uint64_t asked_ns, uint64_t *end_ns, uint64_t *hold_ms);

#endif
