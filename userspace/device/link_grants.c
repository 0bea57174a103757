// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/grant.h"
#include "common/log.h"
#include "common/security.h"
#include "device/link_internal.h"

#define PATH_ROOM	(SB_PATH_ROOM + 288)	/* the directory and a file's name */

int link_set_grant_keys(struct sb_link *link, struct sb_error *error)
{
	const struct sb_config *config = &link->config;
	uint8_t points[SB_GRANT_KEYS_MAX][SB_GRANT_POINT_LEN];
	int result;

	if (!config->grant_keys_count)
		return 0;
	for (size_t i = 0; i < config->grant_keys_count; i++) {
		result = sb_security_load_point(config->grant_keys[i], "grant_keys", points[i], error);
		if (result < 0)
			return result;
	}
	/* What is here are files of an operator, which answer no request. */
	result = sb_module_set_grant_keys(link->module, points[0], config->grant_keys_count,
					  (unsigned int)config->threshold, sb_security_static_grants(config));
	if (link_is_frozen(link, result, "grant keys"))
		return 0;
	if (result < 0)
		return sb_fail(error, result, "grant keys: %s", sb_module_error(link->module));
	return 0;
}

static const struct sb_grant_body *body_of(const struct link_grant *grant)
{
	return (const struct sb_grant_body *)grant->data;
}

static int compare_ids(const struct sb_grant_body *one, const uint8_t *device_id, const uint8_t *holder)
{
	int order = memcmp(one->device_id, device_id, sizeof(one->device_id));

	return order ? order : memcmp(one->holder, holder, sizeof(one->holder));
}

static int compare(const void *a, const void *b)
{
	const struct sb_grant_body *other = body_of(b);

	return compare_ids(body_of(a), other->device_id, other->holder);
}

/* The one that we hold for a device, or NULL. */
static const struct link_grant *find(const struct link_grant *grants, size_t count, const uint8_t *device_id,
				     const uint8_t *holder)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t at = low + (high - low) / 2;
		int order = compare_ids(body_of(&grants[at]), device_id, holder);

		if (order == 0)
			return &grants[at];
		if (order < 0)
			low = at + 1;
		else
			high = at;
	}
	return NULL;
}

static void free_grants(struct link_grant *grants, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(grants[i].data);
	free(grants);
}

struct grants {
	struct link_grant *grant;
	size_t count, room;
};

/* A file that is no grant costs its peer the bond, not the others theirs. */
static int add(struct grants *grants, const char *path)
{
	sb_cleanup_free uint8_t *data = NULL;
	struct sb_grant_file grant;
	size_t length;
	int result = sb_file_read(path, SB_GRANT_MAX, &data, &length);

	if (result == -ENOMEM)
		return result;
	if (result < 0 || sb_grant_file_decode(data, length, &grant) < 0) {
		sb_warn("%s: %s", path, result < 0 ? strerror(-result) : "not a grant");
		return 0;
	}
	if (grants->count == grants->room) {
		size_t room = grants->room ? 2 * grants->room : 16;
		void *grown = realloc(grants->grant, room * sizeof(*grants->grant));

		if (!grown)
			return -ENOMEM;
		grants->grant = grown;
		grants->room = room;
	}
	grants->grant[grants->count++] = (struct link_grant){ sb_take_ptr(data), length };
	return 0;
}

static void close_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

static int read_directory(struct grants *grants, const char *name)
{
	sb_cleanup(close_directory) DIR *directory = opendir(name);
	const struct dirent *entry;
	char path[PATH_ROOM];
	int result = 0;

	if (!directory)
		sb_warn("%s: %s", name, strerror(errno));
	while (result == 0 && directory && (entry = readdir(directory))) {
		size_t length = strlen(entry->d_name);

		if (length < 7 || strcmp(entry->d_name + length - 6, ".grant") != 0 || entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", name, entry->d_name);
		result = add(grants, path);
	}
	return result;
}

/* Two for one peer: which of them would count is not for us to choose. */
static void drop_twins(struct grants *grants)
{
	size_t kept = 0;

	for (size_t i = 0; i < grants->count;) {
		size_t next = i + 1;

		while (next < grants->count && compare(&grants->grant[i], &grants->grant[next]) == 0)
			free(grants->grant[next++].data);
		if (next == i + 1) {
			grants->grant[kept++] = grants->grant[i];
		} else {
			char hex[SB_HEX_ROOM(8)];

			sb_warn("%zu grants for device %s and one holder: none of them is used", next - i,
				sb_format_hex(hex, body_of(&grants->grant[i])->device_id, 8));
			free(grants->grant[i].data);
		}
		i = next;
	}
	grants->count = kept;
}

static bool same(const struct link_grant *a, const struct link_grant *b)
{
	return a && b ? a->length == b->length && memcmp(a->data, b->data, a->length) == 0 : a == b;
}

int link_grants_load(struct sb_link *link)
{
	struct link_grant *old = link->grant;
	size_t old_count = link->grant_count;
	struct grants grants = { 0 };
	int result = link->config.grants[0] ? read_directory(&grants, link->config.grants) : 0;

	if (result < 0) {
		free_grants(grants.grant, grants.count);
		return result;
	}
	if (grants.count > 0)
		qsort(grants.grant, grants.count, sizeof(grants.grant[0]), compare);
	drop_twins(&grants);
	link->grant = grants.grant;
	link->grant_count = grants.count;
	for (size_t i = 0; link->local_set && !link->paused && i < link->peer_count && !link->lost; i++) {
		struct link_peer *peer = link->peer[i];
		const uint8_t *id = peer->entry.device_id;

		/* One that was taken away is not renewed; what it gave ends by itself, or by removing the peer. */
		if (find(link->grant, link->grant_count, id, link->device_id) &&
		    !same(find(link->grant, link->grant_count, id, link->device_id),
			  find(old, old_count, id, link->device_id)))
			link_peer_apply(peer, true);
	}
	free_grants(old, old_count);
	return 0;
}

/* Logged once, not at each try. */
static int refuse(struct link_peer *peer, int result, const char *why)
{
	if (peer->grant_error != why)
		sb_warn("peer %s: %s", peer->entry.name, why);
	peer->grant_error = why;
	return result;
}

/* Our routes are for the file's addresses: the grant must mean the same peer. */
static bool agrees(const struct sb_peer_entry *entry, const struct sb_grant_body *body)
{
	static const uint8_t none[16];

	return memcmp(entry->key, body->key, sizeof(body->key)) == 0 &&
	       memcmp(entry->overlay4.family ? entry->overlay4.address : none, body->overlay4, 4) == 0 &&
	       memcmp(entry->overlay6.family ? entry->overlay6.address : none, body->overlay6, 16) == 0;
}

int link_grant_apply(struct link_peer *peer, bool with_endpoint, uint64_t *duration_ms)
{
	const struct sb_peer_entry *entry = &peer->entry;
	struct sb_link *link = peer->link;
	const struct link_grant *grant = find(link->grant, link->grant_count, entry->device_id, link->device_id);
	struct sb_grant_file read;
	int result;

	if (!grant)
		return refuse(peer, -ENOENT, "there is no grant for it that we hold; it is not admitted");
	if (!agrees(entry, body_of(grant)))
		return refuse(peer, -ENOENT, "its grant has another key or address than the peers file; it is not admitted");
	if (sb_peer_lease_at(entry, time(NULL)) == 0)
		return refuse(peer, -ENOENT, "its until is over; its grant is not used");
	if (sb_grant_file_decode(grant->data, grant->length, &read) < 0)
		return -EBADMSG;
	result = sb_module_set_grant(link->module, grant->data, grant->length, with_endpoint ? &entry->endpoint : NULL);
	if (result < 0) {
		sb_warn("peer %s: %s", entry->name, sb_module_error(link->module));
		link_check_error(link, result);
		return result;
	}
	peer->grant_error = NULL;
	*duration_ms = sb_grant_file_duration(&read);
	return 0;
}
