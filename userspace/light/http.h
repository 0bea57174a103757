/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP server, to which JSON is posted. Over libcurl: one connection, kept open. Nothing is
 * followed elsewhere, no proxy, no cookies; what comes back is bounded while it is read.
 */
#ifndef SB_LIGHT_HTTP_H
#define SB_LIGHT_HTTP_H

#include <stdint.h>
#include <sys/socket.h>

#include "common/error.h"
#include "light/bytes.h"
#include "light/fault.h"

#define SB_HTTP_HEADERS_MAX	16384	/* bytes of an answer's headers */

struct sb_http_config {
	const char *url;	/* http://, https:// or unix:/PATH */
	/*
	 * https: certificates are verified, by the system's roots or by these alone (PEM). A pinned
	 * public key ("sha256//" and base64) without a file is all that counts: any certificate with it.
	 */
	const char *roots;
	const char *pin;
	uint32_t connect_ms;
	/*
	 * Called with each new socket before it connects: to register or to mark it. Not 0: no connection.
	 * NULL: nothing to do.
	 */
	int (*opened)(void *context, int fd, const struct sockaddr *peer, socklen_t length);
	void *context;
};

struct sb_http;

/* sb_http_valid() - is it a URL of the kinds above? No user, no fragment. */
bool sb_http_valid(const char *url);

/* Copies what it needs. NULL: no memory. The URL is to be valid. */
struct sb_http *sb_http_open(const struct sb_http_config *config);
void sb_http_close(struct sb_http *http);

/*
 * sb_http_post() - Out: on SB_FAULT_NONE *answer, at most @limit bytes, to be freed, else nothing.
 * @timeout_ms is for everything.
 */
enum sb_fault sb_http_post(struct sb_http *http, const void *body, size_t length, size_t limit,
			   uint32_t timeout_ms, struct sb_bytes *answer, struct sb_error *error);

/*
 * Of the last call that had an answer, us: from the request's start to the answer's first byte. Without connecting,
 * which would make a fresh connection look like a far endpoint.
 */
uint64_t sb_http_wait(const struct sb_http *http);

/* Bytes of HTTP since it was opened, headers among them: what TLS and TCP add is not known here. */
void sb_http_bytes(const struct sb_http *http, uint64_t *in, uint64_t *out);

#endif
