/* SPDX-License-Identifier: Apache-2.0 */
/* The module's netlink for sbctl: requests, answers, events. Ends the program where it cannot go on. */
#ifndef SBCTL_NL_H
#define SBCTL_NL_H

#include <stdbool.h>
#include <stdint.h>

#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include <linux/sealbond.h>

struct sbctl_nl {
	struct nl_sock *sock;
	int family;
	int handshake, monitor;		/* ids of the groups */
};

/* Opens a socket in the calling thread's network namespace. Exits with 3 without the module. */
void nl_open(struct sbctl_nl *nl);

/* The same in a namespace of `ip netns`; the caller's own is as before afterwards. */
void nl_open_in(struct sbctl_nl *nl, const char *netns);

/* Joins a group; what is told from here on is not missed. */
void nl_join(struct sbctl_nl *nl, int group);

/* A new request; the caller adds attributes and gives it to nl_ask(), which frees it. */
struct nl_msg *nl_request(struct sbctl_nl *nl, uint8_t command, int flags);

/*
 * Sends a request and reads its answers until the acknowledgement. each() is called for every
 * answer with its attributes; it may be NULL.
 * Returns 0 or a negative errno; *text is then the kernel's own words, "" where it has none.
 */
int nl_ask(struct sbctl_nl *nl, struct nl_msg *msg, void (*each)(struct nlattr **a, void *ctx),
	   void *ctx, const char **text);

/*
 * Waits for the next event. Out: a[], valid until the next call.
 * Returns enum sealbond_event, or 0 when timeout_ms have passed (-1: wait for ever).
 */
int nl_event(struct sbctl_nl *nl, struct nlattr **a, int timeout_ms);

/*
 * Sends ready messages in one go; the last asks for an acknowledgement. Returns how many the
 * kernel refused; the first refusal is in *err and *text.
 */
unsigned int nl_send_batch(struct sbctl_nl *nl, const void *messages, size_t length, uint32_t last,
			   int *err, const char **text);

/* CLOCK_BOOTTIME in nanoseconds. */
uint64_t now_ns(void);

#endif
