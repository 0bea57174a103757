// SPDX-License-Identifier: Apache-2.0
/* [ledger] of sealbond.conf. */
#include "common/config_ledger.h"

#include <errno.h>
#include <string.h>

#include "common/config.h"

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
};
