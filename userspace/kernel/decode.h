/* SPDX-License-Identifier: Apache-2.0 */
/* Answers and events of the module to structures. Every length is checked; no pointer is kept. */
#ifndef SB_DECODE_H
#define SB_DECODE_H

#include "kernel/module.h"

struct nlattr;

/* attributes: SEALBOND_A_MAX + 1 of them, those that are not there NULL. */
void sb_decode_status(struct nlattr **attributes, struct sb_status *status);
int sb_decode_key(struct nlattr **attributes, struct sb_key_status *key);	/* 0 or -ENOMEM */
void sb_decode_peer(struct nlattr **attributes, struct sb_peer_status *peer);
void sb_decode_event(struct nlattr **attributes, struct sb_event *event);
void sb_decode_drop(struct nlattr *drop, struct sb_drop *out);
void sb_decode_exception(struct nlattr *exception, struct sb_exception_status *out);

#endif
