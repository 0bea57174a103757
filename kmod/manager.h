/* SPDX-License-Identifier: GPL-2.0-only */
/* The module as one of the kernel's key managers: it hears what others do to its SAs. */
#ifndef SB_MANAGER_H
#define SB_MANAGER_H

void sb_manager_init(void);
void sb_manager_exit(void);

#endif
