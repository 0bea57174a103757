// SPDX-License-Identifier: Apache-2.0
#include "device/handover.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"

#define WAIT_MS		2000
/* More than one is a mistake, whose descriptors have to be closed all the same. */
#define DESCRIPTORS	8

static int handover_fd = -1;
static uint32_t last_id;
static char told[sizeof(((struct sb_handover_answer *)0)->text)];

void sb_handover_use(int fd)
{
	handover_fd = fd;
	/* Answers to a process before this one must not be taken for ours. */
	if (getrandom(&last_id, sizeof(last_id), GRND_NONBLOCK) < 0)
		last_id = (uint32_t)getpid();
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int send_request(int socket_fd, uint32_t id)
{
	struct sb_handover_request request = { .id = id };
	struct iovec part = { &request, sizeof(request) };
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control.space) };

	memcpy(CMSG_DATA(&control.head), &socket_fd, sizeof(socket_fd));
	return sendmsg(handover_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int wait_for(uint32_t id, struct sb_handover_answer *answer)
{
	int64_t end = now_ms() + WAIT_MS, left;

	while ((left = end - now_ms()) > 0) {
		struct pollfd ready = { handover_fd, POLLIN, 0 };

		if (poll(&ready, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
		if (recv(handover_fd, answer, sizeof(*answer), MSG_DONTWAIT) == sizeof(*answer) && answer->id == id)
			return 0;
		if (ready.revents & (POLLHUP | POLLERR))
			return -EPIPE;
	}
	return -ETIMEDOUT;
}

static void tell(const char *text)
{
	if (strcmp(text, told) == 0)
		return;
	snprintf(told, sizeof(told), "%s", text);
	if (text[0])
		sb_warn("a socket to the ledger was not registered: %s", text);
}

void sb_handover_give(int socket_fd)
{
	struct sb_handover_answer answer = { .error = 0 };
	uint32_t id = ++last_id;
	int result;

	if (handover_fd < 0)
		return;
	result = send_request(socket_fd, id);
	if (result == 0)
		result = wait_for(id, &answer);
	answer.text[sizeof(answer.text) - 1] = '\0';
	if (result < 0)
		tell(strerror(-result));
	/* No module: nothing is dropped. */
	else if (answer.error < 0 && answer.error != -ENOENT)
		tell(answer.text);
	else
		tell("");
}

/* The only descriptor of a message; of more, or less, none is left open. */
static int descriptor_of(struct msghdr *message)
{
	int found = -1, count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		size_t length = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(int) <= length; at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
			if (count++ == 0)
				found = fd;
			else
				close(fd);
		}
	}
	if (count == 1 && !(message->msg_flags & MSG_CTRUNC))
		return found;
	if (found >= 0)
		close(found);
	return -EBADMSG;
}

int sb_handover_take(int fd, uint32_t *id)
{
	struct sb_handover_request request;
	struct iovec part = { &request, sizeof(request) };
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
	} control;
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int given;

	if (got < 0)
		return -errno;
	if (got == 0)
		return -EPIPE;
	given = descriptor_of(&message);
	if (given < 0)
		return given;
	if (got != sizeof(request) || message.msg_flags & MSG_TRUNC) {
		close(given);
		return -EBADMSG;
	}
	*id = request.id;
	return given;
}
