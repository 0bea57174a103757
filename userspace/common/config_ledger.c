// SPDX-License-Identifier: Apache-2.0
/* [ledger] of sealbond.conf. */
#include "common/config_ledger.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/config.h"
#include "sealbond/limits.h"

/* The next of a list with commas; 0 at its end. */
static size_t next_word(const char **at, const char **word)
{
	size_t length;

	*at += strspn(*at, ", ");
	length = strcspn(*at, ", ");
	*word = *at;
	*at += length;
	return length;
}

/* Writes endpoints[] and endpoints_count. */
static int parse_endpoints(const struct sb_field *field, const char *value, void *target)
{
	struct sb_ledger_config *ledger = (void *)((char *)target - offsetof(struct sb_ledger_config, endpoints));
	size_t length, count = 0;
	const char *word;

	(void)field;
	while ((length = next_word(&value, &word)) > 0) {
		if (strncmp(word, "http://", 7) != 0 && strncmp(word, "https://", 8) != 0 && strncmp(word, "unix:/", 6) != 0)
			return -EINVAL;
		if (count == SB_LEDGER_URLS_MAX || length >= SB_LEDGER_URL_ROOM)
			return -ERANGE;
		memcpy(ledger->endpoints[count], word, length);
		ledger->endpoints[count++][length] = '\0';
	}
	ledger->endpoints_count = count;
	return count ? 0 : -EINVAL;
}

static int parse_announce(const struct sb_field *field, const char *value, void *target)
{
	char text[SB_ENDPOINT_ROOM];
	const char *word, *at = value;
	union sb_endpoint endpoint;
	size_t length;

	(void)field;
	if (strlen(value) >= sizeof(((struct sb_ledger_config *)0)->announce))
		return -ERANGE;
	while ((length = next_word(&at, &word)) > 0) {
		if (length >= sizeof(text))
			return -EINVAL;
		memcpy(text, word, length);
		text[length] = '\0';
		if (sb_parse_endpoint(text, &endpoint) < 0)
			return -EINVAL;
	}
	strcpy(target, value);
	return 0;
}

/* Writes owner and has_owner. */
static int parse_owner(const struct sb_field *field, const char *value, void *target)
{
	struct sb_ledger_config *ledger = (void *)((char *)target - offsetof(struct sb_ledger_config, owner));
	int result = sb_parse_hex(value, ledger->owner, sizeof(ledger->owner));

	(void)field;
	ledger->has_owner = result == 0;
	return result;
}

/* Writes loss and hold. */
static int parse_loss(const struct sb_field *field, const char *value, void *target)
{
	struct sb_ledger_config *ledger = (void *)((char *)target - offsetof(struct sb_ledger_config, loss));
	uint64_t hold = 0;

	(void)field;
	if (strcmp(value, "ledger") == 0) {
		ledger->loss = SB_LOSS_LEDGER;
	} else if (strcmp(value, "stop") == 0) {
		ledger->loss = SB_LOSS_STOP;
	} else if (strncmp(value, "hold ", 5) == 0) {
		int result = sb_parse_duration(value + 5 + strspn(value + 5, " "), &hold);

		if (result < 0)
			return result;
		if (hold < 60000 || hold > SB_GRANT_MAX_MS)
			return -ERANGE;
		ledger->loss = SB_LOSS_HOLD;
	} else {
		return -EINVAL;
	}
	ledger->hold = hold;
	return 0;
}

/* Writes networks[] and networks_count. */
static int parse_networks(const struct sb_field *field, const char *value, void *target)
{
	struct sb_ledger_config *ledger = (void *)((char *)target - offsetof(struct sb_ledger_config, networks));
	char text[SB_ADDRESS_ROOM];
	size_t length, count = 0;
	const char *word;

	(void)field;
	while ((length = next_word(&value, &word)) > 0) {
		if (count == SB_LEDGER_NETWORKS_MAX)
			return -ERANGE;
		if (length >= sizeof(text))
			return -EINVAL;
		memcpy(text, word, length);
		text[length] = '\0';
		if (sb_parse_prefix(text, &ledger->networks[count]) < 0)
			return -EINVAL;
		count++;
	}
	ledger->networks_count = count;
	return count ? 0 : -EINVAL;
}

static int parse_hash(const struct sb_field *field, const char *value, void *target)
{
	(void)field;
	return sb_parse_hex(value, target, 32);
}

#define AT(member)	.offset = offsetof(struct sb_config, ledger.member)

const struct sb_field sb_ledger_fields[SB_LEDGER_FIELDS] = {
	{ "endpoints", parse_endpoints, "a list of URLs", "1 to 8 of http://, https:// or unix:/PATH, with commas",
	  AT(endpoints) },
	{ "trust_height", sb_field_number, "a height", "0 (validators of the first block) or more", AT(trust_height), 0,
	  INT64_MAX },
	{ "trust_hash", parse_hash, "a hash", "64 hex digits, as sealbond init and sealbond ledger print them",
	  AT(trust_hash) },
	{ "owner", parse_owner, "a key", "the owner's master public key, 64 hex digits", AT(owner) },
	{ "on_ledger_loss", parse_loss, "a choice", "ledger, stop, hold 1m to 30d", AT(loss) },
	{ "enrol", sb_field_bool, "yes or no", "yes, no", AT(enrol) },
	{ "announce", parse_announce, "a list of addresses", "ADDR:PORT, up to 8 with commas", AT(announce) },
	{ "tls_roots", sb_field_path, "an absolute path", "of certificates, PEM", AT(roots), .max = SB_PATH_ROOM },
	{ "tls_pin", sb_field_text, "a pin", "sha256// and a public key's hash in base64", AT(pin), .max = 64 },
	{ "networks", parse_networks, "a list of addresses", "1 to 4 addresses with or without /bits, with commas",
	  AT(networks) },
	{ "learn", sb_field_bool, "yes or no", "yes, no", AT(learn) },
	{ "poll", sb_field_duration, "a duration", "500ms to 5m", AT(poll), SB_LEDGER_POLL_MS, 300000 },
	{ "rate", sb_field_number, "a number", "1 to 1000000 packets a second", AT(rate), 1, 1000000 },
	{ "bytes", sb_field_size, "a size", "1 to 1G bytes a second, e.g. 4M", AT(bytes), 1, 1ULL << 30 },
	{ "network", sb_field_text, "a name", "1 to 50 characters: of the chain that carries the ledger now", AT(network),
	  .max = 51 },
};

/* Where an endpoint is, by its URL. */
struct place {
	bool here;			/* on this machine: no packet leaves */
	struct sb_prefix address;	/* family 0: given by its name */
	unsigned int port;
};

static bool is_here(const struct sb_prefix *address)
{
	static const uint8_t one[16] = { [15] = 1 };

	return address->family == AF_INET ? address->address[0] == 127 :
	       address->family == AF_INET6 && memcmp(address->address, one, sizeof(one)) == 0;
}

static int read_port(const char *text, unsigned int *port)
{
	uint64_t number;

	if (strspn(text, "0123456789") != strlen(text) || sb_parse_u64(text, &number) < 0 || !number || number > 65535)
		return -EINVAL;
	*port = (unsigned int)number;
	return 0;
}

/* http://HOST[:PORT][/...], https:// likewise; HOST a name, an IPv4 address, or an IPv6 address in brackets. */
static int read_place(const char *url, struct place *place)
{
	char text[SB_LEDGER_URL_ROOM], *host = text, *end;
	const char *authority = strstr(url, "://");
	size_t length;

	*place = (struct place){ .here = true, .port = strncmp(url, "https:", 6) == 0 ? 443 : 80 };
	if (!authority)
		return 0;	/* unix:/PATH */
	authority += 3;
	length = strcspn(authority, "/?#");
	memcpy(text, authority, length);
	text[length] = '\0';
	if (strchr(text, '@'))
		return -EINVAL;
	if (text[0] == '[') {
		end = strchr(++host, ']');
		if (!end)
			return -EINVAL;
		*end++ = '\0';
	} else {
		end = host + strcspn(host, ":");
	}
	if (*end && (*end != ':' || read_port(end + 1, &place->port) < 0))
		return -EINVAL;
	if (*end)
		*end = '\0';
	if (!*host)
		return -EINVAL;
	if (strchr(host, '/') || sb_parse_prefix(host, &place->address) < 0)
		place->address.family = 0;
	place->here = place->address.family ? is_here(&place->address) : strcmp(host, "localhost") == 0;
	return 0;
}

bool sb_ledger_is_named(const char *url)
{
	struct place place;

	return strlen(url) >= SB_LEDGER_URL_ROOM ||
	       (read_place(url, &place) == 0 && !place.here && !place.address.family);
}

/* One more for the ledger's, unless there is the same. Its name has a number that no other has. */
static int add_exception(struct sb_config *config, unsigned int *number, const struct sb_prefix *remote,
			 unsigned int port)
{
	struct sb_exception *e = &config->exceptions[config->exceptions_count];

	for (size_t i = 0; i < config->exceptions_count; i++) {
		const struct sb_exception *other = &config->exceptions[i];

		if (other->kind == SEALBOND_EXC_LEDGER && other->remote_port == port &&
		    memcmp(&other->remote, remote, sizeof(*remote)) == 0)
			return 0;
	}
	if (config->exceptions_count == SB_EXCEPTIONS_MAX)
		return -ENOSPC;
	memset(e, 0, sizeof(*e));
	snprintf(e->name, sizeof(e->name), "ledger-%u", ++*number);
	for (size_t i = 0; i < config->exceptions_count; i++)
		if (strcmp(config->exceptions[i].name, e->name) == 0)
			return -EEXIST;
	e->kind = SEALBOND_EXC_LEDGER;
	e->remote = *remote;
	e->remote_port = port;
	e->rate = config->ledger.rate;
	e->bytes = config->ledger.bytes;
	config->exceptions_count++;
	return 0;
}

int sb_ledger_exceptions(struct sb_config *config)
{
	static const struct sb_prefix any;
	const struct sb_ledger_config *ledger = &config->ledger;
	unsigned int number = 0;
	struct place place;
	int result = 0;

	for (size_t i = 0; i < ledger->endpoints_count && result == 0; i++) {
		result = read_place(ledger->endpoints[i], &place);
		if (result < 0 || place.here)
			continue;
		if (place.address.family || !ledger->networks_count)
			result = add_exception(config, &number, place.address.family ? &place.address : &any, place.port);
		/* Those that a succession will name are in there, too. */
		for (size_t n = 0; n < ledger->networks_count && result == 0; n++)
			result = add_exception(config, &number, &ledger->networks[n], place.port);
	}
	return result;
}

static bool has(const struct sb_prefix *prefix, const struct sb_prefix *address)
{
	unsigned int whole = prefix->length / 8, rest = prefix->length % 8;

	return prefix->family == address->family && memcmp(prefix->address, address->address, whole) == 0 &&
	       (!rest || ((prefix->address[whole] ^ address->address[whole]) & (0xff << (8 - rest)) & 0xff) == 0);
}

bool sb_ledger_reaches(const struct sb_config *config, const char *url)
{
	struct place place;

	if (strlen(url) >= SB_LEDGER_URL_ROOM || read_place(url, &place) < 0)
		return false;
	if (place.here || config->mode != SEALBOND_MODE_ENFORCE)
		return true;
	for (size_t i = 0; i < config->exceptions_count; i++) {
		const struct sb_exception *e = &config->exceptions[i];

		if (e->kind != SEALBOND_EXC_LEDGER || e->remote_port != place.port)
			continue;
		if (!place.address.family || !e->remote.family || has(&e->remote, &place.address))
			return true;
	}
	return false;
}
