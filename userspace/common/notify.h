/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SB_NOTIFY_H
#define SB_NOTIFY_H

#include <stddef.h>

/* Tells the service manager over NOTIFY_SOCKET, see sd_notify(3); nothing happens without one. */
void sb_notify(const char *state);

/* A line for `systemctl status`, by another process: what is no text in it becomes blanks, and no second assignment. */
void sb_notify_status(const void *text, size_t length);

#endif
