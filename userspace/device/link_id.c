// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/log.h"
#include "common/parse.h"
#include "device/link_internal.h"

#define FILE_MAX	512

static void id_path(const struct sb_link *link, char path[SB_PATH_ROOM + 16])
{
	snprintf(path, SB_PATH_ROOM + 16, "%s/device-id", link->config.state_dir);
}

/* The first line of the file; the others are for people. */
static int read_file(const struct sb_link *link, uint8_t device_id[SEALBOND_ID_LEN])
{
	char path[SB_PATH_ROOM + 16], *newline;
	sb_cleanup_free uint8_t *text = NULL;
	size_t length;
	int result;

	id_path(link, path);
	result = sb_file_read(path, FILE_MAX, &text, &length);
	if (result < 0)
		return result;
	newline = strchr((char *)text, '\n');
	if (!newline)
		return -EBADMSG;
	*newline = '\0';
	return sb_parse_hex((char *)text, device_id, SEALBOND_ID_LEN) < 0 ? -EBADMSG : 0;
}

static void write_file(const struct sb_link *link, const struct sb_device_id_answer *answer)
{
	char path[SB_PATH_ROOM + 16], text[FILE_MAX], id[SB_HEX_ROOM(SEALBOND_ID_LEN)];
	char name[SB_HEX_ROOM(sizeof(answer->ek_name))];
	int length = snprintf(text, sizeof(text), "%s\nek %.23s\nek-name %s\n",
			      sb_format_hex(id, answer->device_id, SEALBOND_ID_LEN), answer->ek_template,
			      sb_format_hex(name, answer->ek_name, answer->ek_name_length));
	int result;

	id_path(link, path);
	result = sb_file_write(path, text, (size_t)length, 0644);
	if (result < 0)
		sb_warn("%s: %s; the next start will ask the TPM again", path, strerror(-result));
}

static void take(struct sb_link *link, const uint8_t device_id[SEALBOND_ID_LEN], bool cached)
{
	char id[SB_HEX_ROOM(SEALBOND_ID_LEN)];
	struct sb_error error;

	memcpy(link->device_id, device_id, SEALBOND_ID_LEN);
	link->have_id = true;
	link->id_cached = cached;
	sb_info("this device is %s", sb_format_hex(id, device_id, SEALBOND_ID_LEN));
	if (link_set_local(link, &error) < 0)
		link_note(link, "%s", error.text);
	else
		link_peers_apply(link);
}

static void ask(struct sb_link *link)
{
	sb_channel_send(link->channel, SB_ROLE_LINK, SB_ROLE_TPM, SB_MESSAGE_DEVICE_ID_GET, NULL, 0);
	/* No answer when the role is being restarted: ask again. A slow TPM is answered once. */
	link_schedule(link->id_timer, 60000);
}

void link_id_start(struct sb_link *link)
{
	uint8_t device_id[SEALBOND_ID_LEN];
	int result;

	if (link->have_id)
		return;
	result = read_file(link, device_id);
	if (result == 0) {
		take(link, device_id, true);
		return;
	}
	if (result != -ENOENT)
		sb_warn("%s/device-id: %s; asking the TPM", link->config.state_dir, strerror(-result));
	ask(link);
}

void link_id_again(struct sb_link *link)
{
	if (!link->have_id || link->id_cached)
		ask(link);
}

void link_id_timer(evutil_socket_t fd, short what, void *context)
{
	struct sb_link *link = context;

	(void)fd;
	(void)what;
	if (!link->have_id || link->id_cached)
		ask(link);
}

void link_id_answer(struct sb_link *link, const struct sb_device_id_answer *answer)
{
	if (answer->error < 0) {
		uint64_t wait = link_backoff(&link->id_backoff_ms, 1000, 60000);

		if (!link->have_id)
			link_note(link, "no device id yet: %.200s", answer->text);
		link_schedule(link->id_timer, link_jitter(wait, 10));
		return;
	}
	event_del(link->id_timer);
	link->id_backoff_ms = 0;
	if (link->have_id && memcmp(link->device_id, answer->device_id, SEALBOND_ID_LEN) == 0) {
		link->id_cached = false;
		return;
	}
	if (link->have_id)
		sb_warn("the file device-id was of another device");
	write_file(link, answer);
	take(link, answer->device_id, false);
}
