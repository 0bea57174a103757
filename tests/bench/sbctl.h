/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by sbctl's files: the words of the command line, and one function a command. */
#ifndef SBCTL_H
#define SBCTL_H

#include "sbctl_nl.h"

enum { DONE, REFUSED, USAGE, NO_MODULE, LATE };

extern char **words;		/* what follows the command, ends with NULL */
extern struct sbctl_nl nl;	/* the socket in our own namespace */

/* Ends the program with exit code USAGE. */
void __attribute__((noreturn, format(printf, 1, 2))) usage(const char *form, ...);

/* The value of NAME=VALUE; optional() is NULL without it, needed() ends the program. */
const char *optional(const char *name);
const char *needed(const char *name);

/* Ends the program where a word's name is not among these. */
void only(const char *names);

uint64_t number(const char *text);
uint64_t number_or(const char *name, uint64_t other);
bool hex(const char *text, uint8_t *out, size_t len);
void id_of(const char *text, uint8_t id[SEALBOND_ID_LEN]);

void print_hex(const char *name, const struct nlattr *attr);
void print_u64(const char *name, uint64_t value);
void print_endpoint(const struct nlattr *attr);	/* endpoint=ADDR,PORT */

/* Attributes out of words that several commands take. */
void put_id(struct nl_msg *msg, int attr, const char *text);
void put_overlay(struct nl_msg *msg);
void put_endpoint(struct nl_msg *msg);

/* tell() says why the kernel refused. Both return an exit code. */
int tell(int err, const char *text);
int ask(struct nl_msg *msg, void (*each)(struct nlattr **a, void *ctx), void *ctx);

int do_local(void);
int do_key(void);
int do_getkey(void);
int do_peer(void);
int do_peers(void);
int do_getpeer(void);
int do_delpeer(void);
int do_start(void);
int do_end(void);
int do_wait_live(void);
int do_handshakes(void);
int do_mode(void);
int do_grantkeys(void);
int do_exceptions(void);
int do_getexceptions(void);
int do_drops(void);
int do_status(void);
int do_events(void);
int do_udp_encap(void);
int do_ledger_socket(void);

#endif
