// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/config.h"
#include "common/field.h"

const char *const sb_exception_kind_words[] = {
	[SEALBOND_EXC_NONE] = "none",
	[SEALBOND_EXC_ARP] = "arp",
	[SEALBOND_EXC_ND] = "nd",
	[SEALBOND_EXC_DHCP4] = "dhcp4",
	[SEALBOND_EXC_DHCP6] = "dhcp6",
	[SEALBOND_EXC_ICMP_ERROR] = "icmp-error",
	[SEALBOND_EXC_MATCH] = "match",
	[SEALBOND_EXC_LEDGER] = "ledger",
	NULL
};

_Static_assert(SB_ARRAY_SIZE(sb_exception_kind_words) == __SEALBOND_EXC_MAX + 1, "a word for each kind");

static int parse_kind(const struct sb_field *field, const char *value, void *target)
{
	unsigned int kind;
	int result = sb_field_choice(field, value, &kind);

	/* Those of the ledger come from [ledger]. */
	if (result < 0 || kind == SEALBOND_EXC_NONE || kind == SEALBOND_EXC_LEDGER)
		return -EINVAL;
	*(unsigned int *)target = kind;
	return 0;
}

static int parse_dir(const struct sb_field *field, const char *value, void *target)
{
	/* The index is the bit mask: in 1, out 2, both 3. */
	return value[0] == '-' ? -EINVAL : sb_field_choice(field, value, target);
}

static int parse_proto(const struct sb_field *field, const char *value, void *target)
{
	static const struct {
		const char *name;
		uint64_t number;
	} known[] = { { "udp", 17 }, { "tcp", 6 }, { "icmp", 1 }, { "icmp6", 58 }, { "igmp", 2 } };

	for (size_t i = 0; i < SB_ARRAY_SIZE(known); i++) {
		if (strcmp(known[i].name, value) == 0) {
			*(uint64_t *)target = known[i].number;
			return 0;
		}
	}
	return sb_field_number(field, value, target);
}

#define AT(member)	.offset = offsetof(struct sb_exception, member)

static const char *const dir_words[] = { "-", "in", "out", "both", NULL };

_Static_assert(SEALBOND_X_DIR_IN == 1 && SEALBOND_X_DIR_OUT == 2, "parse_dir counts on it");

static const struct sb_field fields[] = {
	{ "kind", parse_kind, "a kind", "arp, nd, dhcp4, dhcp6, icmp-error, match", AT(kind),
	  .choices = sb_exception_kind_words },
	{ "dir", parse_dir, "a direction", "in, out, both", AT(dir), .choices = dir_words },
	{ "interface", sb_field_interface, "an interface", "a name of up to 15 bytes, e.g. eth0", AT(interface) },
	{ "proto", parse_proto, "a protocol", "udp, tcp, icmp, icmp6, igmp or a number from 1 to 255",
	  AT(proto), 1, 255 },
	{ "remote", sb_field_prefix, "an address", "an address with or without /bits, e.g. 192.0.2.0/24",
	  AT(remote) },
	{ "remote_port", sb_field_number, "a port", "1 to 65535", AT(remote_port), 1, 65535 },
	{ "local_port", sb_field_number, "a port", "1 to 65535", AT(local_port), 1, 65535 },
	{ "rate", sb_field_number, "a number", "1 to 1000000 packets a second", AT(rate), 1, 1000000 },
	{ "bytes", sb_field_size, "a size", "1 to 1G bytes a second, e.g. 64K", AT(bytes), 1, 1ULL << 30 },
};

int sb_exception_set(struct sb_config *config, uint64_t *seen, const struct sb_ini_line *line,
		     struct sb_error *error)
{
	struct sb_exception *last;

	if (line->key)
		return sb_field_set(fields, SB_ARRAY_SIZE(fields), &config->exceptions[config->exceptions_count - 1],
				    seen, NULL, line, error);
	if (!*line->name)
		return sb_ini_fail(error, line->file, line->number,
				   "an exception needs a name, e.g. [exception ntp]");
	for (size_t i = 0; i < config->exceptions_count; i++)
		if (strcmp(config->exceptions[i].name, line->name) == 0)
			return sb_ini_fail(error, line->file, line->number,
					   "there is another [exception %s]", line->name);
	if (config->exceptions_count == SB_EXCEPTIONS_MAX)
		return sb_ini_fail(error, line->file, line->number, "more than %d exceptions",
				   SB_EXCEPTIONS_MAX);
	*seen = 0;
	last = &config->exceptions[config->exceptions_count++];
	memset(last, 0, sizeof(*last));
	strcpy(last->name, line->name);		/* both have 32 bytes */
	return 0;
}

_Static_assert(SB_INI_NAME_MAX <= SEALBOND_NAME_LEN, "a section's name fits an exception");

int sb_exception_check(const struct sb_exception *exception, const char *file, unsigned int line,
		       struct sb_error *error)
{
	bool match = exception->kind == SEALBOND_EXC_MATCH;

	if (exception->kind == SEALBOND_EXC_NONE)
		return sb_ini_fail(error, file, line, "[exception %s] has no kind; allowed: "
				   "arp, nd, dhcp4, dhcp6, icmp-error, match", exception->name);
	if (!match && (exception->proto || exception->remote.family || exception->remote_port ||
		       exception->local_port))
		return sb_ini_fail(error, file, line, "[exception %s]: proto, remote and ports go with kind = match only",
				   exception->name);
	if (match && !exception->proto)
		return sb_ini_fail(error, file, line, "[exception %s]: kind = match needs proto, e.g. proto = udp",
				   exception->name);
	if ((exception->remote_port || exception->local_port) && exception->proto != 6 && exception->proto != 17)
		return sb_ini_fail(error, file, line, "[exception %s]: ports go with proto = udp or tcp only",
				   exception->name);
	if (match && !exception->remote.family && !exception->remote_port && !exception->local_port &&
	    !exception->interface[0])
		return sb_ini_fail(error, file, line, "[exception %s] would let a whole protocol out; "
				   "add remote, remote_port, local_port or interface", exception->name);
	return 0;
}

void sb_exception_defaults(struct sb_config *config)
{
	config->exceptions_implied = true;
	for (unsigned int kind = SEALBOND_EXC_ARP; kind <= SEALBOND_EXC_ICMP_ERROR; kind++) {
		struct sb_exception *exception = &config->exceptions[config->exceptions_count++];

		memset(exception, 0, sizeof(*exception));
		strcpy(exception->name, sb_exception_kind_words[kind]);
		exception->kind = kind;
	}
}
