// SPDX-License-Identifier: Apache-2.0
#include "kernel_grant.h"

#include "../../kmod/pure.h"

#include "../../kmod/grant.h"

int kernel_takes(const uint8_t *points, size_t count, uint8_t threshold, const uint8_t *data, size_t length,
		 const uint8_t chain[32], const uint8_t holder[32], uint64_t asked_ns, uint64_t *end_ns, uint64_t *hold_ms)
{
	struct sb_grant_keys keys;
	struct sb_grant grant;
	const char *text;
	int err = sb_grant_keys_read(&keys, points, count * SB_GRANT_POINT_LEN, threshold, false, &text);

	if (!err)
		err = sb_grant_parse(&grant, data, length);
	if (!err)
		err = sb_grant_check(&grant, &keys, chain, holder, &text);
	if (err)
		return err;
	*end_ns = sb_grant_end_ns(&grant, asked_ns);
	*hold_ms = grant.hold_ms;
	return 0;
}
