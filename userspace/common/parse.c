// SPDX-License-Identifier: Apache-2.0
#include "common/parse.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Digits at the start, no sign and no blank; *end is behind them. */
static int leading_u64(const char *text, int base, uint64_t *value, char **end)
{
	unsigned char first = (unsigned char)text[0];
	unsigned long long read;

	if (!(base == 16 ? isxdigit(first) : isdigit(first)))
		return -EINVAL;
	errno = 0;
	read = strtoull(text, end, base);
	if (errno == ERANGE)
		return -ERANGE;
	*value = read;
	return 0;
}

/* Decimal digits and nothing else. */
static int decimal(const char *text, uint64_t *value)
{
	uint64_t read;
	char *end;
	int result = leading_u64(text, 10, &read, &end);

	if (result < 0)
		return result;
	if (*end != '\0')
		return -EINVAL;
	*value = read;
	return 0;
}

int sb_parse_u64(const char *text, uint64_t *value)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	uint64_t read;
	char *end;
	/* The digit after 0x is checked here: strtoull would take "0x0x1" for base 16. */
	int result = leading_u64(text + (hex ? 2 : 0), hex ? 16 : 10, &read, &end);

	if (result < 0)
		return result;
	if (*end != '\0' || (hex && (text[3] == 'x' || text[3] == 'X')))
		return -EINVAL;
	*value = read;
	return 0;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static int parse_with_unit(const char *text, const struct unit *units, uint64_t *value)
{
	uint64_t read;
	char *end;
	int result = leading_u64(text, 10, &read, &end);

	if (result < 0)
		return result;
	while (*end == ' ')
		end++;
	for (; units->name; units++) {
		if (strcmp(end, units->name) != 0)
			continue;
		if (read > UINT64_MAX / units->factor)
			return -ERANGE;
		*value = read * units->factor;
		return 0;
	}
	return -EINVAL;
}

int sb_parse_duration(const char *text, uint64_t *ms)
{
	static const struct unit units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "min", 60000 },
		{ "h", 3600000 }, { "d", 86400000 }, { NULL, 0 },
	};

	return parse_with_unit(text, units, ms);
}

int sb_parse_size(const char *text, uint64_t *bytes)
{
	static const struct unit units[] = {
		{ "", 1 }, { "K", 1ULL << 10 }, { "M", 1ULL << 20 }, { "G", 1ULL << 30 },
		{ "T", 1ULL << 40 }, { NULL, 0 },
	};

	return parse_with_unit(text, units, bytes);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int sb_parse_hex(const char *text, uint8_t *out, size_t length)
{
	if (strlen(text) != 2 * length)
		return -EINVAL;
	for (size_t i = 0; i < 2 * length; i++)
		if (hex_digit(text[i]) < 0)
			return -EINVAL;
	for (size_t i = 0; i < length; i++)
		out[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
	return 0;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int sb_parse_base64(const char *text, uint8_t *out, size_t room, size_t *length)
{
	size_t digits = strlen(text), padding = 0, bytes;

	if (digits == 0 || digits % 4 != 0)
		return -EINVAL;
	while (padding < 2 && text[digits - 1 - padding] == '=')
		padding++;
	bytes = digits / 4 * 3 - padding;
	if (bytes > room)
		return -ERANGE;
	for (size_t i = 0; i < digits - padding; i++)
		if (base64_digit(text[i]) < 0)
			return -EINVAL;
	/* The bits that padding leaves over must be zero: one text for one value. */
	if (padding && base64_digit(text[digits - padding - 1]) & (padding == 1 ? 0x3 : 0xf))
		return -EINVAL;
	for (size_t i = 0, at = 0; i < digits; i += 4) {
		uint32_t word = 0;

		for (size_t j = i; j < i + 4; j++)
			word = word << 6 | (j < digits - padding ? (uint32_t)base64_digit(text[j]) : 0);
		for (int shift = 16; shift >= 0 && at < bytes; shift -= 8)
			out[at++] = (uint8_t)(word >> shift);
	}
	*length = bytes;
	return 0;
}

int sb_parse_key(const char *text, uint8_t key[32])
{
	uint8_t read[33];
	size_t length;

	if (strlen(text) == 64)
		return sb_parse_hex(text, key, 32);
	if (strlen(text) != 44 || sb_parse_base64(text, read, sizeof(read), &length) < 0 || length != 32)
		return -EINVAL;
	memcpy(key, read, 32);
	return 0;
}

int sb_parse_prefix(const char *text, struct sb_prefix *prefix)
{
	struct sb_prefix read = { 0 };
	char address[SB_ADDRESS_ROOM];
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	uint64_t bits;

	if (length >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, length);
	address[length] = '\0';
	read.family = strchr(address, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(read.family, address, read.address) != 1)
		return -EINVAL;
	bits = read.family == AF_INET ? 32 : 128;
	if (slash) {
		uint64_t whole = bits;
		int result = decimal(slash + 1, &bits);

		if (result < 0)
			return result;
		if (bits > whole)
			return -ERANGE;
	}
	read.length = (uint8_t)bits;
	*prefix = read;
	return 0;
}

int sb_parse_endpoint(const char *text, union sb_endpoint *endpoint)
{
	const char *colon = strrchr(text, ':');
	union sb_endpoint read = { 0 };
	char address[SB_ADDRESS_ROOM];
	size_t length;
	uint64_t port;
	int result;

	if (!colon)
		return -EINVAL;
	length = (size_t)(colon - text);
	if (text[0] == '[') {
		if (length < 2 || text[length - 1] != ']')
			return -EINVAL;
		text++;
		length -= 2;
		read.any.sa_family = AF_INET6;
	} else {
		read.any.sa_family = AF_INET;
	}
	if (length >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, length);
	address[length] = '\0';
	if (inet_pton(read.any.sa_family, address, read.any.sa_family == AF_INET ?
		      (void *)&read.in4.sin_addr : (void *)&read.in6.sin6_addr) != 1)
		return -EINVAL;
	result = decimal(colon + 1, &port);
	if (result < 0)
		return result;
	if (port < 1 || port > 65535)
		return -ERANGE;
	if (read.any.sa_family == AF_INET)
		read.in4.sin_port = htons((uint16_t)port);
	else
		read.in6.sin6_port = htons((uint16_t)port);
	*endpoint = read;
	return 0;
}

int sb_parse_pcrs(const char *text, uint32_t *mask)
{
	uint32_t read = 0;

	for (;;) {
		uint64_t pcr;
		char *end;
		int result;

		while (*text == ' ')
			text++;
		result = leading_u64(text, 10, &pcr, &end);
		if (result < 0)
			return result;
		if (pcr > 23)
			return -ERANGE;
		if (read & 1U << pcr)
			return -EINVAL;
		read |= 1U << pcr;
		while (*end == ' ')
			end++;
		if (*end == '\0')
			break;
		if (*end != ',')
			return -EINVAL;
		text = end + 1;
	}
	*mask = read;
	return 0;
}

int sb_parse_time(const char *text, int64_t *seconds)
{
	struct tm broken = { 0 }, again;
	const char *end = strptime(text, "%Y-%m-%d", &broken);
	time_t read;

	if (!end)
		return -EINVAL;
	if (*end == 'T') {
		end = strptime(end, "T%H:%M:%SZ", &broken);
		if (!end)
			return -EINVAL;
	}
	if (*end != '\0')
		return -EINVAL;
	again = broken;
	read = timegm(&again);
	/* timegm makes 3 March of 31 February. */
	if (again.tm_mday != broken.tm_mday || again.tm_mon != broken.tm_mon)
		return -EINVAL;
	*seconds = read;
	return 0;
}
