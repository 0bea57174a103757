/* SPDX-License-Identifier: Apache-2.0 */
/* As much of HTTP as a generator of load needs: a connection that stays, and requests that were written before. */
#ifndef LOAD_HTTP_H
#define LOAD_HTTP_H

#include <stddef.h>
#include <stdint.h>

/* To loopback; ends the process where nobody listens. */
int load_connect(unsigned int port);

/* One request and the body of its answer, to be freed, with a NUL behind it. */
char *load_call(int fd, const char *body, size_t length);

/* Appends a whole request, its head included. */
struct load_text {
	char *data;
	size_t length, room;
};
void load_put(struct load_text *text, const void *data, size_t length);
void load_put_request(struct load_text *text, const char *body, size_t length);

/* What answers said of the transactions that were sent. */
struct load_said {
	uint64_t taken, refused;
	char first[256];	/* of those that were refused */
};

/*
 * Sends requests of a text one behind the other on one connection, with at most window of them unanswered, and
 * reads the answers. Requests must be those of load_put_request().
 */
void load_send(unsigned int port, const char *text, size_t length, unsigned int window, struct load_said *said);

#endif
