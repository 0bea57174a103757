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
	const struct timeval wait = { verb == SB_CONTROL_STATUS ? WAIT_STATUS_S : WAIT_S, 0 };
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

static int receive(int fd, struct sb_control_reply *reply)
{
	uint8_t frame[sizeof(struct sb_frame_header) + sizeof(*reply)];
	struct sb_frame_header header;
	const uint8_t *payload;
	size_t used = 0;

	while (used < sizeof(frame)) {
		ssize_t got = read(fd, frame + used, sizeof(frame) - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (got == 0)
			return -ECONNRESET;
		used += (size_t)got;
	}
	if (sb_frame_decode(frame, used, &header, &payload) != (int)used ||
	    header.type != SB_MESSAGE_CONTROL_REPLY || header.length != sizeof(*reply))
		return -EBADMSG;
	memcpy(reply, payload, sizeof(*reply));
	reply->text[sizeof(reply->text) - 1] = '\0';
	return 0;
}

int cli_helper(struct sb_cli *cli, unsigned int verb, struct sb_error *text)
{
	const struct sb_control_request request = { .verb = verb };
	const struct sb_frame_header header = { .length = sizeof(request), .type = SB_MESSAGE_CONTROL };
	uint8_t frame[sizeof(header) + sizeof(request)];
	struct sb_control_reply reply;
	sb_cleanup_close int fd = -1;
	int size = sb_frame_encode(frame, sizeof(frame), &header, &request);
	int result = connect_helper(cli, verb, &fd);

	if (result == -ENOTCONN)
		return sb_fail(text, result, "the helper does not run; start it with: systemctl start sealbondd");
	if (result == 0 && send(fd, frame, (size_t)size, MSG_NOSIGNAL) != size)
		result = -EPIPE;
	if (result == 0)
		result = receive(fd, &reply);
	if (result < 0)
		return sb_fail(text, result, "the helper did not answer: %s", strerror(-result));
	snprintf(text->text, sizeof(text->text), "%s", reply.text);
	return reply.error;
}
