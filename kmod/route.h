/* SPDX-License-Identifier: GPL-2.0-only */
/* What the routing table says about an outer address. */
#ifndef SB_ROUTE_H
#define SB_ROUTE_H

#include <net/ipv6.h>
#include <net/net_namespace.h>
#include "message.h"

static inline bool sb_addr_is_v4(const struct sb_addr *addr)
{
	return ipv6_addr_v4mapped((const struct in6_addr *)addr->ip);
}

static inline __be32 sb_addr_ip4(const struct sb_addr *addr)
{
	return ((const struct in6_addr *)addr->ip)->s6_addr32[3];
}

/*
 * sb_route() - the source address and the MTU (bytes, may be NULL) towards @remote.
 * Process context. Returns 0 or -errno (-ENETUNREACH, ...); outputs untouched on failure.
 * @source->port is not set.
 */
int sb_route(struct net *net, const struct sb_addr *remote, struct sb_addr *source, u32 *mtu);

#endif
