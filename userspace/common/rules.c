// SPDX-License-Identifier: Apache-2.0
#include "common/rules.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/grant.h"
#include "common/parse.h"

static const struct {
	const char *name;
	uint8_t number;
} protocols[] = {
	{ "tcp", 6 }, { "udp", 17 }, { "icmp", 1 }, { "icmp6", 58 }, { "sctp", 132 }, { "udplite", 136 },
};

static bool read_number(const char *text, uint64_t most, uint64_t *value)
{
	return *text >= '0' && *text <= '9' && sb_parse_u64(text, value) == 0 && *value && *value <= most;
}

static bool read_protocol(const char *text, uint8_t *proto)
{
	uint64_t number;

	for (size_t i = 0; i < SB_ARRAY_SIZE(protocols); i++) {
		if (strcmp(protocols[i].name, text) == 0) {
			*proto = protocols[i].number;
			return true;
		}
	}
	if (!read_number(text, UINT8_MAX, &number))
		return false;
	*proto = (uint8_t)number;
	return true;
}

static bool read_ports(char *text, struct sb_grant_rule *rule)
{
	char *dash = strchr(text, '-');
	uint64_t first, last;

	if (dash)
		*dash++ = '\0';
	if (!read_number(text, UINT16_MAX, &first))
		return false;
	last = first;
	if (dash && !read_number(dash, UINT16_MAX, &last))
		return false;
	rule->first = htobe16((uint16_t)first);
	rule->last = htobe16((uint16_t)last);
	return true;
}

static bool read_rule(char *text, struct sb_grant_rule *rule)
{
	char *by = strchr(text, ':'), *ports = strchr(text, '/');

	memset(rule, 0, sizeof(*rule));
	rule->by = SB_GRANT_BY_HOLDER | SB_GRANT_BY_DEVICE;
	if (by) {
		*by++ = '\0';
		rule->by = strcmp(by, "holder") == 0 ? SB_GRANT_BY_HOLDER : strcmp(by, "device") == 0 ? SB_GRANT_BY_DEVICE : 0;
		if (!rule->by || (ports && ports > by))
			return false;
	}
	if (ports) {
		*ports++ = '\0';
		if (!read_ports(ports, rule))
			return false;
	}
	return read_protocol(text, &rule->proto);
}

int sb_parse_rules(const char *text, struct sb_grant_rule rules[SB_GRANT_RULES_MAX])
{
	struct sb_grant_rule read[SB_GRANT_RULES_MAX];
	struct sb_grant_file grant;
	int count = 0;

	for (;;) {
		size_t length = strcspn(text, ",");
		char one[SB_RULE_ROOM];

		if (count == SB_GRANT_RULES_MAX)
			return -ERANGE;
		if (length >= sizeof(one))
			return -EINVAL;
		memcpy(one, text, length);
		one[length] = '\0';
		if (!read_rule(one, &read[count++]))
			return -EINVAL;
		if (!text[length])
			break;
		text += length + 1;
	}
	/* Ports of protocols that have none, and a last one before the first. */
	sb_grant_file_init(&grant);
	if (sb_grant_file_set_rules(&grant, read, (size_t)count) < 0)
		return -EINVAL;
	memcpy(rules, grant.rule, sizeof(grant.rule));
	return count;
}

char *sb_format_rule(char out[SB_RULE_ROOM], const struct sb_grant_rule *rule)
{
	unsigned int first = be16toh(rule->first), last = be16toh(rule->last);
	char number[8], ports[16] = "";
	const char *name = NULL;

	for (size_t i = 0; i < SB_ARRAY_SIZE(protocols); i++)
		if (protocols[i].number == rule->proto)
			name = protocols[i].name;
	snprintf(number, sizeof(number), "%u", (unsigned int)rule->proto);
	if (first == last && first)
		snprintf(ports, sizeof(ports), "/%u", first);
	else if (first)
		snprintf(ports, sizeof(ports), "/%u-%u", first, last);
	snprintf(out, SB_RULE_ROOM, "%s%s%s", name ? name : number, ports,
		 rule->by == SB_GRANT_BY_HOLDER ? ":holder" : rule->by == SB_GRANT_BY_DEVICE ? ":device" : "");
	return out;
}
