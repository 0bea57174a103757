/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings of people to values and back. Every parser takes the whole string or refuses it:
 * -EINVAL for what it is not, -ERANGE for what does not fit. Outputs are untouched on failure.
 */
#ifndef SB_PARSE_H
#define SB_PARSE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* An address with a prefix length; family 0 says that there is none. Network order. */
struct sb_prefix {
	uint16_t family;	/* AF_INET, AF_INET6 or 0 */
	uint8_t length;		/* bits */
	uint8_t address[16];	/* 4 or 16 bytes of it */
};

/* An address and a port; ss_family 0 says that there is none. */
union sb_endpoint {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

int sb_parse_u64(const char *text, uint64_t *value);		/* decimal, or 0x… */
int sb_parse_duration(const char *text, uint64_t *ms);		/* 500ms 120s 10m 24h 7d */
int sb_parse_size(const char *text, uint64_t *bytes);		/* 65536 64K 10M 4G 1T, powers of 1024 */
int sb_parse_hex(const char *text, uint8_t *out, size_t length);	/* exactly 2 * length digits */
int sb_parse_base64(const char *text, uint8_t *out, size_t room, size_t *length);	/* RFC 4648, padded */
int sb_parse_key(const char *text, uint8_t key[32]);		/* 64 hex digits or 44 of base64 */
int sb_parse_prefix(const char *text, struct sb_prefix *prefix);	/* ADDR or ADDR/LEN */
int sb_parse_endpoint(const char *text, union sb_endpoint *endpoint);	/* ADDR:PORT, [ADDR6]:PORT */
int sb_parse_pcrs(const char *text, uint32_t *mask);		/* 4,7,9 */
/* YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ, in UTC, to seconds of 1970. */
int sb_parse_time(const char *text, int64_t *seconds);

#define SB_HEX_ROOM(bytes)	(2 * (bytes) + 1)
#define SB_ADDRESS_ROOM		64
#define SB_ENDPOINT_ROOM	72
#define SB_SHORT_ROOM		32
#define SB_PCRS_ROOM		72

/* All return out, always terminated. */
char *sb_format_hex(char *out, const uint8_t *bytes, size_t length);
char *sb_format_address(char out[SB_ADDRESS_ROOM], int family, const uint8_t *address);
char *sb_format_prefix(char out[SB_ADDRESS_ROOM], const struct sb_prefix *prefix);
char *sb_format_endpoint(char out[SB_ENDPOINT_ROOM], const union sb_endpoint *endpoint);
char *sb_format_duration(char out[SB_SHORT_ROOM], uint64_t ms);	/* for reading: "2 min 5 s" */
char *sb_format_size(char out[SB_SHORT_ROOM], uint64_t bytes);	/* for reading: "1.5 GiB" */
char *sb_format_pcrs(char out[SB_PCRS_ROOM], uint32_t mask);	/* "4,7,9", or "none" */

/* Length of the sockaddr in an endpoint, 0 when there is none. */
size_t sb_endpoint_length(const union sb_endpoint *endpoint);

#endif
