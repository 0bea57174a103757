// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/parse.h"

char *sb_format_hex(char *out, const uint8_t *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < length; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * length] = '\0';
	return out;
}

char *sb_format_address(char out[SB_ADDRESS_ROOM], int family, const uint8_t *address)
{
	if (!inet_ntop(family, address, out, SB_ADDRESS_ROOM))
		strcpy(out, "none");
	return out;
}

char *sb_format_prefix(char out[SB_ADDRESS_ROOM], const struct sb_prefix *prefix)
{
	size_t used = strlen(sb_format_address(out, prefix->family, prefix->address));

	if (prefix->family)
		snprintf(out + used, SB_ADDRESS_ROOM - used, "/%u", prefix->length);
	return out;
}

char *sb_format_endpoint(char out[SB_ENDPOINT_ROOM], const union sb_endpoint *endpoint)
{
	char address[SB_ADDRESS_ROOM];

	switch (endpoint->any.sa_family) {
	case AF_INET:
		sb_format_address(address, AF_INET, (const uint8_t *)&endpoint->in4.sin_addr);
		snprintf(out, SB_ENDPOINT_ROOM, "%s:%u", address, ntohs(endpoint->in4.sin_port));
		break;
	case AF_INET6:
		sb_format_address(address, AF_INET6, (const uint8_t *)&endpoint->in6.sin6_addr);
		snprintf(out, SB_ENDPOINT_ROOM, "[%s]:%u", address, ntohs(endpoint->in6.sin6_port));
		break;
	default:
		strcpy(out, "none");
	}
	return out;
}

char *sb_format_duration(char out[SB_SHORT_ROOM], uint64_t ms)
{
	uint64_t s = ms / 1000;

	if (ms < 1000)
		snprintf(out, SB_SHORT_ROOM, "%" PRIu64 " ms", ms);
	else if (s < 60)
		snprintf(out, SB_SHORT_ROOM, "%" PRIu64 " s", s);
	else if (s < 3600)
		snprintf(out, SB_SHORT_ROOM, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(out, SB_SHORT_ROOM, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s / 60 % 60);
	else
		snprintf(out, SB_SHORT_ROOM, "%" PRIu64 " d %" PRIu64 " h", s / 86400, s / 3600 % 24);
	return out;
}

char *sb_format_size(char out[SB_SHORT_ROOM], uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes;
	unsigned int unit = 0;

	while (value >= 1024 && unit < 6) {
		value /= 1024;
		unit++;
	}
	snprintf(out, SB_SHORT_ROOM, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return out;
}

char *sb_format_pcrs(char out[SB_PCRS_ROOM], uint32_t mask)
{
	size_t used = 0;

	strcpy(out, "none");
	for (int pcr = 0; pcr < 24; pcr++)
		if (mask & 1U << pcr)
			used += (size_t)snprintf(out + used, SB_PCRS_ROOM - used, "%s%d", used ? "," : "", pcr);
	return out;
}

size_t sb_endpoint_length(const union sb_endpoint *endpoint)
{
	switch (endpoint->any.sa_family) {
	case AF_INET:
		return sizeof(endpoint->in4);
	case AF_INET6:
		return sizeof(endpoint->in6);
	default:
		return 0;
	}
}
