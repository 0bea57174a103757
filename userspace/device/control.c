// SPDX-License-Identifier: Apache-2.0
#include "device/control.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/cleanup.h"
#include "device/channel.h"

#define CLIENTS		8
#define TIMEOUT_S	120	/* a reload of thousands of peers takes its time on a slow device */

struct client {
	struct sb_control *control;
	struct sb_channel *channel;
	struct event *timeout;
	uint32_t id;		/* of the request under way, 0: none */
};

struct sb_control {
	struct event_base *base;
	struct event *accept;
	int fd;
	sb_control_ask ask;
	void *context;
	uint32_t last_id;
	struct client clients[CLIENTS];
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static void end_client(struct client *client)
{
	sb_channel_close(client->channel);
	client->channel = NULL;
	client->id = 0;
	if (client->timeout)
		event_del(client->timeout);
}

static void on_closed(void *context)
{
	end_client(context);
}

static void on_timeout(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	end_client(context);
}

static void on_frame(void *context, const struct sb_frame_header *header, const uint8_t *payload)
{
	struct client *client = context;
	struct sb_control *control = client->control;
	struct sb_control_request request;
	struct sb_control_reply reply = { 0 };

	if (header->type != SB_MESSAGE_CONTROL || header->length != sizeof(request) || client->id) {
		end_client(client);
		return;
	}
	memcpy(&request, payload, sizeof(request));
	if (++control->last_id == 0)
		control->last_id = 1;
	request.id = client->id = reply.id = control->last_id;
	reply.error = control->ask(control->context, &request);
	if (reply.error < 0) {
		snprintf(reply.text, sizeof(reply.text), "%s", reply.error == -EOPNOTSUPP ?
			 "sealbond.conf has no [ledger] with endpoints, or had none when the helper started" :
			 "the helper's role for this does not run at the moment");
		sb_control_answer(control, &reply);
	}
}

static bool is_root(int fd)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == 0;
}

static void on_accept(evutil_socket_t listener, short what, void *context)
{
	static const struct sb_channel_handlers handlers = { on_frame, on_closed };
	static const struct timeval timeout = { TIMEOUT_S, 0 };
	struct sb_control *control = context;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *client = NULL;

	(void)what;
	if (fd < 0)
		return;
	for (int i = 0; i < CLIENTS && !client; i++)
		if (!control->clients[i].channel)
			client = &control->clients[i];
	if (!client || !is_root(fd)) {
		close(fd);
		return;
	}
	client->control = control;
	if (!client->timeout)
		client->timeout = evtimer_new(control->base, on_timeout, client);
	client->channel = sb_channel_open(control->base, fd, &handlers, client);
	if (client->channel && client->timeout)
		event_add(client->timeout, &timeout);
}

static int listen_at(struct sb_control *control, const char *run_dir, struct sb_error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t old;
	int result;

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/" SB_CONTROL_SOCKET, run_dir) >=
	    (int)sizeof(address.sun_path))
		return sb_fail(error, -ENAMETOOLONG, "%s: too long for a socket", run_dir);
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->fd < 0)
		return sb_fail(error, -errno, "control socket: %s", strerror(errno));
	if (connect(control->fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return sb_fail(error, -EADDRINUSE, "another sealbondd runs in %s", run_dir);
	unlink(address.sun_path);
	old = umask(0177);
	result = bind(control->fd, (struct sockaddr *)&address, sizeof(address));
	umask(old);
	if (result < 0 || listen(control->fd, CLIENTS) < 0)
		return sb_fail(error, -errno, "%s: %s", address.sun_path, strerror(errno));
	strcpy(control->path, address.sun_path);
	return 0;
}

int sb_control_open(struct sb_control **control, struct event_base *base, const char *run_dir,
		    sb_control_ask ask, void *context, struct sb_error *error)
{
	struct sb_control *opened = calloc(1, sizeof(*opened));
	int result;

	if (!opened)
		return sb_fail(error, -ENOMEM, "out of memory");
	opened->base = base;
	opened->ask = ask;
	opened->context = context;
	result = listen_at(opened, run_dir, error);
	if (result == 0) {
		opened->accept = event_new(base, opened->fd, EV_READ | EV_PERSIST, on_accept, opened);
		if (!opened->accept || event_add(opened->accept, NULL) < 0)
			result = sb_fail(error, -ENOMEM, "out of memory");
	}
	if (result < 0) {
		sb_control_close(opened);
		return result;
	}
	*control = opened;
	return 0;
}

void sb_control_close(struct sb_control *control)
{
	if (!control)
		return;
	for (int i = 0; i < CLIENTS; i++) {
		sb_channel_close(control->clients[i].channel);
		if (control->clients[i].timeout)
			event_free(control->clients[i].timeout);
	}
	if (control->accept)
		event_free(control->accept);
	if (control->path[0])
		unlink(control->path);
	if (control->fd >= 0)
		close(control->fd);
	free(control);
}

void sb_control_answer_by(struct sb_control *control, uint32_t id, enum sb_message type, const void *payload,
			  size_t length)
{
	for (int i = 0; i < CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (!client->channel || client->id != id || !id)
			continue;
		client->id = 0;
		sb_channel_send(client->channel, SB_ROLE_PARENT, SB_ROLE_PARENT, (uint16_t)type, payload, length);
	}
}

void sb_control_answer(struct sb_control *control, const struct sb_control_reply *reply)
{
	sb_control_answer_by(control, reply->id, SB_MESSAGE_CONTROL_REPLY, reply, sizeof(*reply));
}
