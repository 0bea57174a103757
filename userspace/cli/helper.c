// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cli/cli.h"
#include "common/frame.h"
#include "device/message.h"

/* Seconds for an answer: a reload of thousands of peers takes some. */
#define WAIT_STATUS_S	5
#define WAIT_S		125

/* The configured place, or the default when there is no configuration that can be read. */
static void socket_path(struct sb_cli *cli, char path[108])
{
	sb_cleanup_free struct sb_config *config = malloc(sizeof(*config));

	if (config && sb_config_load(cli->config_path, config, NULL) == 0)
		snprintf(path, 108, "%s/" SB_CONTROL_SOCKET, config->run_dir);
	else
		snprintf(path, 108, "/run/sealbond/" SB_CONTROL_SOCKET);
}

static int connect_helper(struct sb_cli *cli, unsigned int verb, int *fd)
{
	const struct timeval wait = { verb == SB_CONTROL_STATUS || verb == SB_CONTROL_LEDGER ? WAIT_STATUS_S : WAIT_S, 0 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	sb_cleanup_close int opened = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	socket_path(cli, address.sun_path);
	if (opened < 0 || setsockopt(opened, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0)
		return -errno;
	if (connect(opened, (struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == EACCES || errno == EPERM ? -EACCES : -ENOTCONN;
	*fd = sb_take_fd(&opened);
	return 0;
}

/* All that belongs to a frame; its payload is one of the helper's answers. */
static int receive(int fd, uint8_t *frame, size_t room, struct sb_frame_header *header, const uint8_t **payload)
{
	size_t used = 0;

	for (;;) {
		ssize_t got;
		int size = sb_frame_decode(frame, used, header, payload);

		if (size < 0)
			return size;
		if (size > 0)
			return (size_t)size == used ? 0 : -EBADMSG;
		if (used == room)
			return -EBADMSG;
		got = read(fd, frame + used, room - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (got == 0)
			return -ECONNRESET;
		used += (size_t)got;
	}
}

static int take_reply(const struct sb_frame_header *header, const uint8_t *payload, struct sb_error *text)
{
	struct sb_control_reply reply;

	if (header->type != SB_MESSAGE_CONTROL_REPLY || header->length != sizeof(reply))
		return sb_fail(text, -EBADMSG, "the helper's answer cannot be read: is it of another version?");
	memcpy(&reply, payload, sizeof(reply));
	reply.text[sizeof(reply.text) - 1] = '\0';
	snprintf(text->text, sizeof(text->text), "%s", reply.text);
	return reply.error;
}

/* Asks, and waits for the frame that answers. */
static int converse(struct sb_cli *cli, unsigned int verb, uint8_t *frame, size_t room, struct sb_frame_header *header,
		    const uint8_t **payload, struct sb_error *text)
{
	const struct sb_control_request request = { .verb = verb };
	const struct sb_frame_header head = { .length = sizeof(request), .type = SB_MESSAGE_CONTROL };
	uint8_t question[sizeof(head) + sizeof(request)];
	sb_cleanup_close int fd = -1;
	int size = sb_frame_encode(question, sizeof(question), &head, &request);
	int result = connect_helper(cli, verb, &fd);

	if (result == -ENOTCONN)
		return sb_fail(text, result, "the helper does not run; start it with: systemctl start sealbondd");
	if (result == 0 && send(fd, question, (size_t)size, MSG_NOSIGNAL) != size)
		result = -EPIPE;
	if (result == 0)
		result = receive(fd, frame, room, header, payload);
	return result < 0 ? sb_fail(text, result, "the helper did not answer: %s", strerror(-result)) : 0;
}

int cli_helper(struct sb_cli *cli, unsigned int verb, struct sb_error *text)
{
	uint8_t frame[sizeof(struct sb_frame_header) + sizeof(struct sb_control_reply)];
	struct sb_frame_header header;
	const uint8_t *payload;
	int result = converse(cli, verb, frame, sizeof(frame), &header, &payload, text);

	return result < 0 ? result : take_reply(&header, payload, text);
}

static void terminate(struct sb_ledger_reply *reply)
{
	reply->chain[sizeof(reply->chain) - 1] = '\0';
	reply->why[sizeof(reply->why) - 1] = '\0';
	reply->profile[sizeof(reply->profile) - 1] = '\0';
	reply->text[sizeof(reply->text) - 1] = '\0';
	if (reply->endpoints > SB_LEDGER_ENDPOINTS)
		reply->endpoints = SB_LEDGER_ENDPOINTS;
	for (size_t i = 0; i < SB_LEDGER_ENDPOINTS; i++) {
		reply->endpoint[i].url[sizeof(reply->endpoint[i].url) - 1] = '\0';
		reply->endpoint[i].text[sizeof(reply->endpoint[i].text) - 1] = '\0';
	}
}

int cli_helper_ledger(struct sb_cli *cli, unsigned int verb, struct sb_ledger_reply *reply, struct sb_error *text)
{
	uint8_t frame[sizeof(struct sb_frame_header) + sizeof(*reply)];
	struct sb_frame_header header;
	const uint8_t *payload;
	int result = converse(cli, verb, frame, sizeof(frame), &header, &payload, text);

	if (result < 0)
		return result;
	if (header.type != SB_MESSAGE_LEDGER_REPLY || header.length != sizeof(*reply))
		return take_reply(&header, payload, text);
	memcpy(reply, payload, sizeof(*reply));
	terminate(reply);
	return 0;
}
