// SPDX-License-Identifier: Apache-2.0
#include "common/peers.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/field.h"
#include "common/file.h"

#define AT(member)	.offset = offsetof(struct sb_peer_entry, member)

enum { FIELD_DEVICE_ID, FIELD_KEY, FIELD_OVERLAY4, FIELD_OVERLAY6, FIELD_ENDPOINT, FIELD_LEASE, FIELD_UNTIL };

static const struct sb_field fields[] = {
	[FIELD_DEVICE_ID] = { "device_id", sb_field_key, "a device id", "64 hex digits (sealbond identity shows them)",
			      AT(device_id) },
	[FIELD_KEY] = { "key", sb_field_key, "a key", "64 hex digits or 44 characters of base64", AT(key) },
	[FIELD_OVERLAY4] = { "overlay4", sb_field_prefix4, "an IPv4 address", "an address, e.g. 10.77.0.2", AT(overlay4) },
	[FIELD_OVERLAY6] = { "overlay6", sb_field_prefix6, "an IPv6 address", "an address, e.g. fd77::2", AT(overlay6) },
	[FIELD_ENDPOINT] = { "endpoint", sb_field_endpoint, "an endpoint",
			     "ADDR:PORT or [ADDR6]:PORT, e.g. 192.0.2.7:7454", AT(endpoint) },
	[FIELD_LEASE] = { "lease", sb_field_duration, "a duration", "10s to 30d, e.g. 24h", AT(lease),
			  10000, 30 * 86400000ULL },
	[FIELD_UNTIL] = { "until", sb_field_time, "a time", "YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ", AT(until) },
	{ "quarantine", sb_field_bool, "yes or no", "yes, no", AT(quarantine) },
};

struct reading {
	struct sb_peer_list list;
	size_t room;
	uint64_t seen;
};

static void free_reading(struct reading *reading)
{
	sb_peers_free(&reading->list);
}

static int check_peer(const struct reading *reading, const char *file, struct sb_error *error)
{
	const struct sb_peer_entry *peer;

	if (reading->list.count == 0)
		return 0;
	peer = &reading->list.entry[reading->list.count - 1];
	if (!(reading->seen & 1U << FIELD_DEVICE_ID))
		return sb_ini_fail(error, file, peer->line, "[peer %s] has no device_id", peer->name);
	if (!(reading->seen & 1U << FIELD_KEY))
		return sb_ini_fail(error, file, peer->line, "[peer %s] has no key", peer->name);
	if (!peer->overlay4.family && !peer->overlay6.family)
		return sb_ini_fail(error, file, peer->line, "[peer %s] has neither overlay4 nor overlay6", peer->name);
	if ((peer->overlay4.family && peer->overlay4.length != 32) ||
	    (peer->overlay6.family && peer->overlay6.length != 128))
		return sb_ini_fail(error, file, peer->line, "[peer %s]: an overlay address is one address, without /bits",
				   peer->name);
	return 0;
}

static int add_peer(struct reading *reading, const struct sb_ini_line *line, struct sb_error *error)
{
	struct sb_peer_entry *peer;

	if (!*line->name)
		return sb_ini_fail(error, line->file, line->number, "a peer needs a name, e.g. [peer pump-3]");
	if (reading->list.count == SB_PEERS_MAX)
		return sb_ini_fail(error, line->file, line->number, "more than %d peers", SB_PEERS_MAX);
	if (reading->list.count == reading->room) {
		size_t room = reading->room ? reading->room * 2 : 16;
		void *grown = realloc(reading->list.entry, room * sizeof(*peer));

		if (!grown)
			return sb_fail(error, -ENOMEM, "%s: out of memory", line->file);
		reading->list.entry = grown;
		reading->room = room;
	}
	peer = &reading->list.entry[reading->list.count++];
	memset(peer, 0, sizeof(*peer));
	strcpy(peer->name, line->name);
	peer->lease = SB_LEASE_DEFAULT_MS;
	peer->line = line->number;
	reading->seen = 0;
	return 0;
}

static int handle(void *context, const struct sb_ini_line *line, struct sb_error *error)
{
	struct reading *reading = context;

	if (strcmp(line->section, "peer") != 0)
		return sb_ini_fail(error, line->file, line->number, "[%s]: no such section; allowed: [peer NAME]",
				   line->section);
	if (!line->key)
		return check_peer(reading, line->file, error) < 0 ? -EINVAL : add_peer(reading, line, error);
	return sb_field_set(fields, SB_ARRAY_SIZE(fields), &reading->list.entry[reading->list.count - 1],
			    &reading->seen, NULL, line, error);
}

/* What no two peers may share. Sorting keeps a file of thousands quick to check. */
struct unique {
	const struct sb_peer_entry *peer;
	const void *bytes;
};

static size_t unique_length;

static int compare_unique(const void *a, const void *b)
{
	return memcmp(((const struct unique *)a)->bytes, ((const struct unique *)b)->bytes, unique_length);
}

static int check_unique(const struct sb_peer_list *list, size_t offset, size_t length, bool prefix,
			const char *what, const char *file, struct sb_error *error)
{
	sb_cleanup_free struct unique *all = calloc(list->count, sizeof(*all));
	size_t count = 0;

	if (!all)
		return sb_fail(error, -ENOMEM, "%s: out of memory", file);
	for (size_t i = 0; i < list->count; i++) {
		const char *member = (const char *)&list->entry[i] + offset;
		const struct sb_prefix *address = (const void *)member;

		if (prefix && !address->family)
			continue;
		all[count].peer = &list->entry[i];
		all[count++].bytes = prefix ? (const void *)address->address : member;
	}
	unique_length = length;
	qsort(all, count, sizeof(*all), compare_unique);
	for (size_t i = 1; i < count; i++) {
		const struct sb_peer_entry *a = all[i - 1].peer, *b = all[i].peer;

		if (memcmp(all[i - 1].bytes, all[i].bytes, length) != 0)
			continue;
		if (a->line > b->line)
			a = all[i].peer, b = all[i - 1].peer;
		return sb_ini_fail(error, file, b->line, "[peer %s] has the same %s as [peer %s] in line %u",
				   b->name, what, a->name, a->line);
	}
	return 0;
}

static int compare_id(const void *a, const void *b)
{
	const struct sb_peer_entry *one = a, *two = b;

	return memcmp(one->device_id, two->device_id, sizeof(one->device_id));
}

static int check_all_unique(const struct sb_peer_list *list, const char *file, struct sb_error *error)
{
	static const struct {
		size_t offset, length;
		bool prefix;
		const char *what;
	} checks[] = {
		{ offsetof(struct sb_peer_entry, name), SB_INI_NAME_MAX, false, "name" },
		{ offsetof(struct sb_peer_entry, device_id), SEALBOND_ID_LEN, false, "device_id" },
		{ offsetof(struct sb_peer_entry, key), SEALBOND_KEY_LEN, false, "key" },
		{ offsetof(struct sb_peer_entry, overlay4), 4, true, "overlay4" },
		{ offsetof(struct sb_peer_entry, overlay6), 16, true, "overlay6" },
	};

	for (size_t i = 0; list->count > 0 && i < SB_ARRAY_SIZE(checks); i++) {
		int result = check_unique(list, checks[i].offset, checks[i].length, checks[i].prefix,
					  checks[i].what, file, error);

		if (result < 0)
			return result;
	}
	return 0;
}

int sb_peers_parse(const char *file, const char *text, size_t length, struct sb_peer_list *list,
		   struct sb_error *error)
{
	sb_cleanup(free_reading) struct reading reading = { 0 };
	int result = sb_ini_read(file, text, length, handle, &reading, error);

	if (result == 0)
		result = check_peer(&reading, file, error);
	if (result == 0)
		result = check_all_unique(&reading.list, file, error);
	if (result < 0)
		return result;
	if (reading.list.count > 0)
		qsort(reading.list.entry, reading.list.count, sizeof(reading.list.entry[0]), compare_id);
	*list = reading.list;
	reading.list.entry = NULL;
	return 0;
}

int sb_peers_load(const char *path, struct sb_peer_list *list, struct sb_error *error)
{
	sb_cleanup_free uint8_t *text = NULL;
	size_t length;
	int result = sb_file_read(path, SB_PEERS_FILE_MAX, &text, &length);

	if (result < 0)
		return sb_fail(error, result, "%s: %s", path, strerror(-result));
	return sb_peers_parse(path, (char *)text, length, list, error);
}

void sb_peers_free(struct sb_peer_list *list)
{
	free(list->entry);
	list->entry = NULL;
	list->count = 0;
}

const struct sb_peer_entry *sb_peers_by_id(const struct sb_peer_list *list,
					   const uint8_t device_id[SEALBOND_ID_LEN])
{
	struct sb_peer_entry key;

	if (list->count == 0)
		return NULL;
	memcpy(key.device_id, device_id, sizeof(key.device_id));
	return bsearch(&key, list->entry, list->count, sizeof(key), compare_id);
}

const struct sb_peer_entry *sb_peers_by_name(const struct sb_peer_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->entry[i].name, name) == 0)
			return &list->entry[i];
	return NULL;
}

uint64_t sb_peer_lease_at(const struct sb_peer_entry *peer, int64_t now)
{
	uint64_t left;

	if (!peer->until)
		return peer->lease;
	if (now >= peer->until)
		return 0;
	left = (uint64_t)(peer->until - now);
	return left < peer->lease / 1000 ? left * 1000 : peer->lease;
}
