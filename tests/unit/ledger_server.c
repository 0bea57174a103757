// SPDX-License-Identifier: Apache-2.0
#include "ledger_answers.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "light/json_get.h"

#define CONNECTIONS	32
#define QUESTION_MAX	(256 << 10)

struct connection {
	int fd;
	struct server *server;
	char *data;
	size_t length;
};

struct server server[SERVERS];

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_t thread;
static int listener[SERVERS], wake[2];
static struct connection connection[CONNECTIONS];

void servers_lock(void)
{
	pthread_mutex_lock(&mutex);
}

void servers_unlock(void)
{
	pthread_mutex_unlock(&mutex);
}

static bool send_all(int fd, const char *data, size_t length)
{
	while (length) {
		ssize_t put = send(fd, data, length, MSG_NOSIGNAL);

		if (put <= 0)
			return false;
		data += put;
		length -= (size_t)put;
	}
	return true;
}

static bool send_answer(int fd, const char *head, size_t says, const char *body, size_t length)
{
	static char text[4 << 20];
	int used = snprintf(text, sizeof(text), "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
			    "Content-Length: %zu\r\n\r\n", head, says);

	assert_true((size_t)used + length < sizeof(text));
	memcpy(text + used, body, length);
	return send_all(fd, text, (size_t)used + length);
}

/* Until the other end has had enough. */
static void send_endless(int fd, const char *head)
{
	char piece[4096];

	memset(piece, ' ', sizeof(piece));
	memcpy(piece, "X-More: ", 8);
	piece[sizeof(piece) - 2] = '\r';
	piece[sizeof(piece) - 1] = '\n';
	send_all(fd, head, strlen(head));
	for (unsigned int i = 0; i < 4096; i++)
		if (!send_all(fd, piece, sizeof(piece)))
			return;
}

/* True: the connection stays. */
static bool reply(struct connection *to, enum server_fault fault, const char *body, size_t length)
{
	switch (fault) {
	case SERVER_SILENT:
		return true;
	case SERVER_ENDLESS:
		send_endless(to->fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n");
		return false;
	case SERVER_HEADERS:
		send_endless(to->fd, "HTTP/1.1 200 OK\r\n");
		return false;
	case SERVER_CUT:
		send_answer(to->fd, "200 OK", length, body, length / 2);
		return false;
	case SERVER_CUT_JSON:
		return send_answer(to->fd, "200 OK", length / 2, body, length / 2);
	case SERVER_500:
		return send_answer(to->fd, "500 Internal Server Error", length, body, length);
	case SERVER_REDIRECT: {
		char head[160];

		snprintf(head, sizeof(head), "302 Found\r\nLocation: %s/other", server[1].url);
		return send_answer(to->fd, head, 0, "", 0);
	}
	case SERVER_HTML:
		return send_answer(to->fd, "200 OK", 13, "<html></html>", 13);
	case SERVER_CLOSES:
		return false;
	default:
		return send_answer(to->fd, "200 OK", length, body, length);
	}
}

static bool serve(struct connection *to, const char *question)
{
	json_object *object = json_tokener_parse(question), *parameters = NULL, *whole = json_object_new_object();
	json_object *error = NULL, *result = NULL;
	const char *method = sb_json_text(object, "method"), *body;
	struct server *from = to->server;
	enum server_fault fault;
	int64_t id = 0;
	size_t length;
	bool stays;

	assert_non_null(method);
	from->requests++;
	json_object_object_get_ex(object, "params", &parameters);
	assert_true(sb_json_ranged(object, "id", 0, INT64_MAX, &id));
	fault = from->only && strcmp(from->only, method) != 0 ? SERVER_HONEST : from->fault;
	if (fault == SERVER_ERROR)
		error = server_error("the node is not well", 0, 0);
	else
		result = server_result(from, method, parameters, &error);
	json_object_object_add(whole, "jsonrpc", json_object_new_string("2.0"));
	json_object_object_add(whole, "id", json_object_new_int64(id + (fault == SERVER_OTHER_ID)));
	json_object_object_add(whole, error ? "error" : "result", error ? error : result);
	body = json_object_to_json_string_length(whole, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
	stays = reply(to, fault, body, length);
	json_object_put(whole);
	json_object_put(object);
	return stays;
}

static void hang_up(struct connection *gone)
{
	close(gone->fd);
	free(gone->data);
	*gone = (struct connection){ .fd = -1 };
}

/* Reads what has come, and answers a whole question. */
static void hear(struct connection *from)
{
	ssize_t got = recv(from->fd, from->data + from->length, QUESTION_MAX - from->length, 0);
	const char *end, *says;
	size_t length, head;
	bool stays;

	if (got <= 0) {
		hang_up(from);
		return;
	}
	from->length += (size_t)got;
	from->data[from->length] = '\0';
	end = strstr(from->data, "\r\n\r\n");
	says = strcasestr(from->data, "content-length:");
	if (!end || !says)
		return;
	head = (size_t)(end + 4 - from->data);
	length = strtoul(says + 15, NULL, 10);
	if (from->length < head + length)
		return;
	pthread_mutex_lock(&mutex);
	if (strncmp(from->data, "POST / ", 7) != 0)
		from->server->redirected++;
	stays = serve(from, from->data + head);
	pthread_mutex_unlock(&mutex);
	from->length = 0;
	if (!stays)
		hang_up(from);
}

static void welcome(unsigned int number)
{
	int fd = accept(listener[number], NULL, NULL);

	if (fd < 0)
		return;
	for (size_t i = 0; i < CONNECTIONS; i++) {
		if (connection[i].fd >= 0)
			continue;
		connection[i] = (struct connection){ fd, &server[number], malloc(QUESTION_MAX + 1), 0 };
		assert_non_null(connection[i].data);
		return;
	}
	fail_msg("too many connections");
}

static void *run(void *context)
{
	struct pollfd polled[1 + SERVERS + CONNECTIONS];

	(void)context;
	for (;;) {
		polled[0] = (struct pollfd){ wake[0], POLLIN, 0 };
		pthread_mutex_lock(&mutex);
		for (size_t i = 0; i < SERVERS; i++)
			polled[1 + i] = (struct pollfd){ listener[i], POLLIN, 0 };
		pthread_mutex_unlock(&mutex);
		for (size_t i = 0; i < CONNECTIONS; i++)
			polled[1 + SERVERS + i] = (struct pollfd){ connection[i].fd, POLLIN, 0 };
		poll(polled, sizeof(polled) / sizeof(polled[0]), -1);
		if (polled[0].revents) {
			char order = 'q';

			/* 'q' ends; a digit: that server's connections go */
			if (read(wake[0], &order, 1) != 1 || order == 'q')
				break;
			for (size_t i = 0; i < CONNECTIONS; i++)
				if (connection[i].fd >= 0 && connection[i].server == &server[order - '0'])
					hang_up(&connection[i]);
			continue;
		}
		for (size_t i = 0; i < CONNECTIONS; i++)
			if (polled[1 + SERVERS + i].revents && connection[i].fd >= 0)
				hear(&connection[i]);
		for (unsigned int i = 0; i < SERVERS; i++)
			if (polled[1 + i].revents)
				welcome(i);
	}
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (connection[i].fd >= 0)
			hang_up(&connection[i]);
	return NULL;
}

static void listen_at(unsigned int number, uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	socklen_t length = sizeof(address);
	int fd, one = 1;

	if (number == SERVERS - 1) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		snprintf(local.sun_path, sizeof(local.sun_path), "/tmp/sb-ledger-%d", (int)getpid());
		unlink(local.sun_path);
		assert_int_equal(bind(fd, (struct sockaddr *)&local, sizeof(local)), 0);
		snprintf(server[number].url, sizeof(server[number].url), "unix:%.50s", local.sun_path);
	} else {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
		getsockname(fd, (struct sockaddr *)&address, &length);
		snprintf(server[number].url, sizeof(server[number].url), "http://127.0.0.1:%u",
			 ntohs(address.sin_port));
	}
	assert_int_equal(listen(fd, 16), 0);
	listener[number] = fd;
}

void servers_start(void)
{
	for (size_t i = 0; i < CONNECTIONS; i++)
		connection[i].fd = -1;
	assert_int_equal(pipe(wake), 0);
	for (unsigned int i = 0; i < SERVERS; i++)
		listen_at(i, 0);
	assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
}

void servers_stop(void)
{
	assert_int_equal(write(wake[1], "q", 1), 1);
	pthread_join(thread, NULL);
	for (unsigned int i = 0; i < SERVERS; i++)
		if (listener[i] >= 0)
			close(listener[i]);
	close(wake[0]);
	close(wake[1]);
	unlink(server[SERVERS - 1].url + strlen("unix:"));
}

void servers_reset(struct ledger *ledger)
{
	for (unsigned int i = 0; i < SERVERS; i++) {
		struct server fresh = { .ledger = ledger };

		server_on(i);
		servers_lock();
		memcpy(fresh.url, server[i].url, sizeof(fresh.url));
		server[i] = fresh;
		servers_unlock();
	}
}

void server_off(unsigned int number)
{
	char order = (char)('0' + number);

	servers_lock();
	/* the thread may be polling it, which keeps it open */
	shutdown(listener[number], SHUT_RDWR);
	close(listener[number]);
	listener[number] = -1;
	servers_unlock();
	assert_int_equal(write(wake[1], &order, 1), 1);
}

void server_on(unsigned int number)
{
	const char *colon = strrchr(server[number].url, ':');
	char order = (char)('0' + number);

	if (listener[number] >= 0)
		return;
	servers_lock();
	listen_at(number, (uint16_t)strtoul(colon + 1, NULL, 10));
	servers_unlock();
	assert_int_equal(write(wake[1], &order, 1), 1);
}
