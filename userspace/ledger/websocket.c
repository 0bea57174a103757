// SPDX-License-Identifier: Apache-2.0
#include "ledger/websocket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/json.h"
#include "ledger/events.h"
#include "ledger/ws_frame.h"

#define QUERY_ROOM	256
#define ID_ROOM		64	/* of a request's id as JSON */
#define IN_ROOM		(SB_WS_MESSAGE_MAX + 14)
#define TICK_MS		1000

struct subscription {
	struct sb_event_query query;
	char text[QUERY_ROOM], id[ID_ROOM];
};

struct connection {
	int fd;
	void *handle;
	/* of the hub's thread */
	uint8_t *in, *message;
	size_t in_length, message_length;
	bool in_message;
	uint64_t heard, pinged;
	/* with the hub's lock */
	struct subscription subscription[SB_WS_SUBSCRIPTIONS];
	unsigned int subscriptions;
	uint8_t *out;
	size_t out_length, out_room;
	bool closing, dead;	/* closing: when out is sent */
};

struct sb_ws_hub {
	struct sb_rpc *rpc;
	void (*close)(void *handle);
	pthread_t thread;
	int wake;
	pthread_mutex_t lock;
	bool stop;
	struct connection *connection[SB_WS_CONNECTIONS];
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void wake(struct sb_ws_hub *hub)
{
	uint64_t one = 1;
	ssize_t done = write(hub->wake, &one, sizeof(one));

	(void)done;	/* it is at its most: it wakes */
}

/* With the lock: a frame into what is to be sent. Who has too much waiting is cut off. */
static void queue(struct connection *connection, enum sb_ws_opcode opcode, const void *data, size_t length)
{
	uint8_t head[SB_WS_HEAD_MAX];
	size_t head_length = sb_ws_head(opcode, length, head);
	size_t need = connection->out_length + head_length + length;

	if (connection->dead || connection->closing)
		return;
	if (need > connection->out_room) {
		uint8_t *grown = need > SB_WS_QUEUE_MAX ? NULL : realloc(connection->out, need * 2);

		if (!grown) {
			connection->dead = true;
			return;
		}
		connection->out = grown;
		connection->out_room = need * 2;
	}
	memcpy(connection->out + connection->out_length, head, head_length);
	if (length)
		memcpy(connection->out + connection->out_length + head_length, data, length);
	connection->out_length = need;
}

static void send_frame(struct sb_ws_hub *hub, struct connection *connection, enum sb_ws_opcode opcode,
		       const void *data, size_t length)
{
	pthread_mutex_lock(&hub->lock);
	queue(connection, opcode, data, length);
	connection->closing |= opcode == SB_WS_CLOSE;
	pthread_mutex_unlock(&hub->lock);
}

/* The status of a close frame (RFC 6455, 7.4.1). */
static void say_close(struct sb_ws_hub *hub, struct connection *connection, uint16_t status)
{
	uint8_t data[2] = { (uint8_t)(status >> 8), (uint8_t)status };

	send_frame(hub, connection, SB_WS_CLOSE, data, sizeof(data));
}

/* An answer without a result, or an error. */
static void say(struct sb_ws_hub *hub, struct connection *connection, const char *id, const char *error)
{
	char text[512];
	int length = error ?
		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":-32603,\"message\":"
			 "\"Internal error\",\"data\":\"%s\"}}", id, error) :
		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{}}", id);

	send_frame(hub, connection, SB_WS_TEXT, text, (size_t)length);
}

/* NULL when it was done. */
static const char *subscribe(struct connection *connection, const char *id, const char *text)
{
	struct subscription new = { .id = "" };

	if (strlen(text) >= QUERY_ROOM || strlen(id) >= ID_ROOM || !sb_event_query(text, &new.query))
		return "failed to parse query: tm.event='NewBlock', 'NewBlockHeader' or 'Tx' can be subscribed to, Tx "
		       "also with AND tx.hash='HEX'";
	for (unsigned int i = 0; i < connection->subscriptions; i++)
		if (!strcmp(connection->subscription[i].text, text))
			return "already subscribed";
	if (connection->subscriptions == SB_WS_SUBSCRIPTIONS)
		return "max_subscriptions_per_client 5 reached";
	strcpy(new.text, text);
	strcpy(new.id, id);
	connection->subscription[connection->subscriptions++] = new;
	return NULL;
}

static const char *unsubscribe(struct connection *connection, const char *text)
{
	for (unsigned int i = 0; i < connection->subscriptions; i++) {
		if (strcmp(connection->subscription[i].text, text) != 0)
			continue;
		connection->subscription[i] = connection->subscription[--connection->subscriptions];
		return NULL;
	}
	return "subscription not found";
}

static const char *text_of(json_object *object, const char *name)
{
	json_object *found;

	if (!json_object_is_type(object, json_type_object) || !json_object_object_get_ex(object, name, &found) ||
	    !json_object_is_type(found, json_type_string))
		return "";
	return json_object_get_string(found);
}

/* True when it was about subscriptions. */
static bool own_method(struct sb_ws_hub *hub, struct connection *connection, json_object *request)
{
	const char *method = text_of(request, "method"), *query, *error = NULL, *id_text;
	json_object *params = NULL, *id = NULL;

	if (!json_object_is_type(request, json_type_object) || !json_object_object_get_ex(request, "id", &id) ||
	    (!json_object_is_type(id, json_type_int) && !json_object_is_type(id, json_type_string)))
		return false;
	id_text = json_object_to_json_string_ext(id, JSON_C_TO_STRING_PLAIN);
	if (strlen(id_text) >= ID_ROOM)
		return false;
	json_object_object_get_ex(request, "params", &params);
	query = text_of(params, "query");
	pthread_mutex_lock(&hub->lock);
	if (!strcmp(method, "subscribe"))
		error = subscribe(connection, id_text, query);
	else if (!strcmp(method, "unsubscribe"))
		error = unsubscribe(connection, query);
	else if (!strcmp(method, "unsubscribe_all"))
		connection->subscriptions = 0;
	else
		method = NULL;
	pthread_mutex_unlock(&hub->lock);
	if (method)
		say(hub, connection, id_text, error);
	return method != NULL;
}

static void on_message(struct sb_ws_hub *hub, struct connection *connection, const char *text, size_t length)
{
	struct json_tokener *reader = json_tokener_new_ex(SB_RPC_DEPTH_MAX);
	json_object *read = reader ? json_tokener_parse_ex(reader, text, (int)length) : NULL;
	bool own = own_method(hub, connection, read);
	sb_cleanup_free char *answer = NULL;
	struct sb_rpc_request *request;
	unsigned int status;
	size_t size;

	json_object_put(read);
	if (reader)
		json_tokener_free(reader);
	if (own)
		return;
	/* nothing can park it: sb_rpc_parking was not called */
	request = sb_rpc_open(hub->rpc, text, length);
	if (request && sb_rpc_run(request))
		answer = sb_rpc_answer(request, &size, &status);
	sb_rpc_close(request);
	if (answer && size)
		send_frame(hub, connection, SB_WS_TEXT, answer, size);
	else if (!answer)
		say_close(hub, connection, 1011);
}

/* A message may come in pieces, with control frames between them. */
static void on_data(struct sb_ws_hub *hub, struct connection *connection, const struct sb_ws_frame *frame)
{
	if ((frame->opcode == SB_WS_CONTINUATION) != connection->in_message) {
		say_close(hub, connection, 1002);
		return;
	}
	if (frame->opcode == SB_WS_BINARY) {
		say_close(hub, connection, 1003);
		return;
	}
	if (frame->length > SB_WS_MESSAGE_MAX - connection->message_length) {
		say_close(hub, connection, 1009);
		return;
	}
	if (frame->length)
		memcpy(connection->message + connection->message_length, frame->data, frame->length);
	connection->message_length += frame->length;
	connection->in_message = !frame->last;
	if (!frame->last)
		return;
	on_message(hub, connection, (const char *)connection->message, connection->message_length);
	connection->message_length = 0;
}

static void on_frame(struct sb_ws_hub *hub, struct connection *connection, const struct sb_ws_frame *frame)
{
	switch (frame->opcode) {
	case SB_WS_CLOSE:
		send_frame(hub, connection, SB_WS_CLOSE, frame->data, frame->length < 2 ? 0 : 2);
		break;
	case SB_WS_PING:
		send_frame(hub, connection, SB_WS_PONG, frame->data, frame->length);
		break;
	case SB_WS_PONG:
		break;
	default:
		on_data(hub, connection, frame);
	}
}

static void take_frames(struct sb_ws_hub *hub, struct connection *connection)
{
	while (!connection->closing && !connection->dead) {
		struct sb_ws_frame frame;
		int used = sb_ws_take(connection->in, connection->in_length, SB_WS_MESSAGE_MAX, &frame);

		if (used < 0)
			say_close(hub, connection, used == -EFBIG ? 1009 : 1002);
		if (used <= 0)
			return;
		on_frame(hub, connection, &frame);
		connection->in_length -= (size_t)used;
		memmove(connection->in, connection->in + used, connection->in_length);
	}
}

static void receive(struct connection *connection, uint64_t now)
{
	ssize_t got = recv(connection->fd, connection->in + connection->in_length, IN_ROOM - connection->in_length,
			   MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		connection->dead = true;
		return;
	}
	connection->heard = now;
	connection->in_length += (size_t)got;
}

static void transmit(struct sb_ws_hub *hub, struct connection *connection)
{
	ssize_t sent;

	pthread_mutex_lock(&hub->lock);
	sent = connection->out_length ? send(connection->fd, connection->out, connection->out_length,
					     MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
	if (sent > 0) {
		connection->out_length -= (size_t)sent;
		memmove(connection->out, connection->out + sent, connection->out_length);
	} else if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		connection->dead = true;
	}
	if (connection->closing && !connection->out_length)
		connection->dead = true;
	pthread_mutex_unlock(&hub->lock);
}

static void drop(struct sb_ws_hub *hub, struct connection *connection)
{
	hub->close(connection->handle);
	free(connection->in);
	free(connection->message);
	free(connection->out);
	free(connection);
}

/* Pings who is silent, ends who stays so. */
static void look_after(struct sb_ws_hub *hub, struct connection *connection, uint64_t now)
{
	/* one that came to us after now was read counts as heard just now */
	uint64_t silence = now > connection->heard ? now - connection->heard : 0;

	if (silence > 3 * SB_WS_PING_MS) {
		connection->dead = true;
	} else if (silence > SB_WS_PING_MS && now - connection->pinged > SB_WS_PING_MS) {
		connection->pinged = now;
		send_frame(hub, connection, SB_WS_PING, NULL, 0);
	}
}

/* Fills what poll looks at; also takes out who is dead. Returns the number of connections, or -1: stop. */
static int gather(struct sb_ws_hub *hub, struct pollfd *polls, struct connection **who)
{
	int count = 0;

	pthread_mutex_lock(&hub->lock);
	for (size_t i = 0; i < SB_WS_CONNECTIONS; i++) {
		struct connection *connection = hub->connection[i];

		if (!connection)
			continue;
		if (connection->dead || hub->stop) {
			hub->connection[i] = NULL;
			drop(hub, connection);
			continue;
		}
		polls[1 + count] = (struct pollfd){
			connection->fd, (short)(POLLIN | (connection->out_length ? POLLOUT : 0)), 0,
		};
		who[count++] = connection;
	}
	if (hub->stop)
		count = -1;
	pthread_mutex_unlock(&hub->lock);
	return count;
}

static void *serve(void *context)
{
	struct pollfd polls[1 + SB_WS_CONNECTIONS];
	struct connection *who[SB_WS_CONNECTIONS];
	struct sb_ws_hub *hub = context;
	int count;

	while ((count = gather(hub, polls, who)) >= 0) {
		uint64_t now, drained;

		polls[0] = (struct pollfd){ hub->wake, POLLIN, 0 };
		if (poll(polls, (nfds_t)count + 1, TICK_MS) < 0 && errno != EINTR)
			break;
		if (polls[0].revents && read(hub->wake, &drained, sizeof(drained)) < 0 && errno != EAGAIN)
			break;
		now = now_ms();
		for (int i = 0; i < count; i++) {
			if (polls[1 + i].revents & (POLLIN | POLLHUP | POLLERR))
				receive(who[i], now);
			/* also what had come before the socket was ours */
			take_frames(hub, who[i]);
			transmit(hub, who[i]);
			look_after(hub, who[i], now);
		}
		sb_waits_expire(hub->rpc->waits, false);
	}
	return NULL;
}

struct sb_ws_hub *sb_ws_start(struct sb_rpc *rpc, void (*close)(void *handle))
{
	struct sb_ws_hub *hub = calloc(1, sizeof(*hub));

	if (!hub)
		return NULL;
	hub->rpc = rpc;
	hub->close = close;
	hub->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&hub->lock, NULL);
	if (hub->wake >= 0 && !pthread_create(&hub->thread, NULL, serve, hub))
		return hub;
	sb_close_fd(&hub->wake);
	pthread_mutex_destroy(&hub->lock);
	free(hub);
	return NULL;
}

void sb_ws_stop(struct sb_ws_hub *hub)
{
	if (!hub)
		return;
	pthread_mutex_lock(&hub->lock);
	hub->stop = true;
	pthread_mutex_unlock(&hub->lock);
	wake(hub);
	pthread_join(hub->thread, NULL);
	sb_close_fd(&hub->wake);
	pthread_mutex_destroy(&hub->lock);
	free(hub);
}

static struct connection *make_connection(int fd, void *handle, const char *early, size_t length)
{
	struct connection *connection = length > IN_ROOM ? NULL : calloc(1, sizeof(*connection));

	if (!connection)
		return NULL;
	connection->fd = fd;
	connection->handle = handle;
	connection->heard = connection->pinged = now_ms();
	connection->in = malloc(IN_ROOM);
	connection->message = malloc(SB_WS_MESSAGE_MAX);
	if (!connection->in || !connection->message) {
		free(connection->in);
		free(connection->message);
		free(connection);
		return NULL;
	}
	if (length)
		memcpy(connection->in, early, length);
	connection->in_length = length;
	return connection;
}

bool sb_ws_adopt(struct sb_ws_hub *hub, int fd, void *handle, const char *early, size_t length)
{
	struct connection *connection = make_connection(fd, handle, early, length);
	size_t i = 0;

	if (!connection)
		return false;
	pthread_mutex_lock(&hub->lock);
	while (i < SB_WS_CONNECTIONS && hub->connection[i])
		i++;
	if (i < SB_WS_CONNECTIONS && !hub->stop)
		hub->connection[i] = connection;
	else
		i = SB_WS_CONNECTIONS;
	pthread_mutex_unlock(&hub->lock);
	if (i < SB_WS_CONNECTIONS) {
		wake(hub);
		return true;
	}
	free(connection->in);
	free(connection->message);
	free(connection);
	return false;
}

/* With the lock: one notification. */
static void notify(struct connection *connection, const struct subscription *subscription, const char *text)
{
	sb_cleanup_free char *whole = NULL;
	struct sb_json json = { 0 };
	size_t length;

	json.stream = open_memstream(&whole, &length);
	if (!json.stream) {
		connection->dead = true;
		return;
	}
	fprintf(json.stream, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{", subscription->id);
	sb_json_string(&json, "query", subscription->text);
	fprintf(json.stream, ",%s}}", text);
	if (fclose(json.stream))
		connection->dead = true;
	else
		queue(connection, SB_WS_TEXT, whole, length);
}

static void notify_all(struct sb_ws_hub *hub, enum sb_event_kind kind, const struct sb_chain_event *event, size_t tx)
{
	sb_cleanup_free char *text = NULL;

	for (size_t i = 0; i < SB_WS_CONNECTIONS; i++) {
		struct connection *connection = hub->connection[i];

		for (unsigned int n = 0; connection && n < connection->subscriptions; n++) {
			const struct subscription *subscription = &connection->subscription[n];

			if (subscription->query.kind != kind ||
			    (subscription->query.one && memcmp(subscription->query.id, event->ids[tx], 32) != 0))
				continue;
			/* made when the first wants it */
			if (!text)
				text = sb_event_text(kind, event, tx);
			if (text)
				notify(connection, subscription, text);
			else
				connection->dead = true;
		}
	}
}

void sb_ws_hear(struct sb_ws_hub *hub, const struct sb_chain_event *event)
{
	pthread_mutex_lock(&hub->lock);
	notify_all(hub, SB_EVENT_BLOCK, event, 0);
	notify_all(hub, SB_EVENT_HEADER, event, 0);
	for (size_t i = 0; i < event->block->count; i++)
		notify_all(hub, SB_EVENT_TX, event, i);
	pthread_mutex_unlock(&hub->lock);
	wake(hub);
}
