/* SPDX-License-Identifier: Apache-2.0 */
/* sb0, its addresses and routes, over route netlink. */
#ifndef SB_INTERFACE_H
#define SB_INTERFACE_H

#include <stdint.h>

#include "common/error.h"
#include "common/parse.h"

struct sb_interface;

int sb_interface_open(struct sb_interface **interface, struct sb_error *error);
void sb_interface_close(struct sb_interface *interface);

/*
 * Makes the xfrm interface name with if_id, or takes the one that is there; sets its MTU and
 * brings it up. -EEXIST when another kind of device, or another if_id, has the name.
 * Out: *index.
 */
int sb_interface_ensure(struct sb_interface *interface, const char *name, uint32_t if_id, uint32_t mtu,
			uint32_t *index, struct sb_error *error);

/* Gives it an address (the prefix length makes the connected route); 0 also when it has it. */
int sb_interface_address(struct sb_interface *interface, uint32_t index, const struct sb_prefix *address,
			 struct sb_error *error);
int sb_interface_del_address(struct sb_interface *interface, uint32_t index,
			     const struct sb_prefix *address, struct sb_error *error);

/* A route to a prefix through it; replaces an older one. mtu 0: the interface's. */
int sb_interface_route(struct sb_interface *interface, uint32_t index, const struct sb_prefix *to,
		       uint32_t mtu, struct sb_error *error);
int sb_interface_del_route(struct sb_interface *interface, uint32_t index, const struct sb_prefix *to,
			   struct sb_error *error);

#endif
