/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SB_NOTIFY_H
#define SB_NOTIFY_H

/* Tells the service manager over NOTIFY_SOCKET, see sd_notify(3); nothing happens without one. */
void sb_notify(const char *state);

#endif
