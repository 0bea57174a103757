/* SPDX-License-Identifier: Apache-2.0 */
/* Network devices between namespaces, over rtnetlink. */
#ifndef SB_LINKS_H
#define SB_LINKS_H

#include <stdint.h>

#include "common/error.h"

/*
 * Moves network devices of this namespace into the one that netns_fd is open on: all but lo, or only
 * the one with this index where it is not 0 (none of it here: nothing is moved). A device that cannot
 * be moved is set down and the call fails, after the others.
 * Out: *moved, also on failure.
 */
int sb_links_move(uint32_t index, int netns_fd, unsigned int *moved, struct sb_error *error);

/* Number of devices but lo that are up, or a negative errno with a sentence. */
int sb_links_up(struct sb_error *error);

#endif
