// SPDX-License-Identifier: Apache-2.0
#include "load_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MAX	1024
#define ANSWER_ROOM	(1U << 20)

static void die(const char *what)
{
	fprintf(stderr, "ledger_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

int load_connect(unsigned int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

void load_put(struct load_text *text, const void *data, size_t length)
{
	if (text->length + length > text->room) {
		text->room = 2 * (text->length + length) + 65536;
		text->data = realloc(text->data, text->room);
		if (!text->data)
			die("memory");
	}
	memcpy(text->data + text->length, data, length);
	text->length += length;
}

void load_put_request(struct load_text *text, const char *body, size_t length)
{
	char head[HEAD_MAX];
	int size = snprintf(head, sizeof(head), "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
			    "Content-Length: %zu\r\n\r\n", length);

	load_put(text, head, (size_t)size);
	load_put(text, body, length);
}

/* Bytes of the first message, its head included; 0: it is not whole yet. */
static size_t whole(const char *data, size_t length, size_t *head)
{
	const char *end = memmem(data, length, "\r\n\r\n", 4), *field;
	size_t size;

	if (!end)
		return 0;
	*head = (size_t)(end - data) + 4;
	field = memmem(data, *head, "Content-Length:", 15);
	size = *head + (field ? strtoul(field + 15, NULL, 10) : 0);
	return size <= length ? size : 0;
}

char *load_call(int fd, const char *body, size_t length)
{
	struct load_text request = { NULL, 0, 0 }, answer = { NULL, 0, 0 };
	size_t size = 0, head = 0;
	char part[65536], *out;

	load_put_request(&request, body, length);
	for (size_t at = 0; at < request.length; ) {
		ssize_t wrote = write(fd, request.data + at, request.length - at);

		if (wrote < 0)
			die("write");
		at += (size_t)wrote;
	}
	while (!size) {
		ssize_t got = read(fd, part, sizeof(part));

		if (got <= 0)
			die("read");
		load_put(&answer, part, (size_t)got);
		size = whole(answer.data, answer.length, &head);
	}
	out = malloc(size - head + 1);
	if (!out)
		die("memory");
	memcpy(out, answer.data + head, size - head);
	out[size - head] = '\0';
	free(request.data);
	free(answer.data);
	return out;
}

/* Answers come as objects of one array; a taken transaction's code is 0. */
static void count(const char *body, size_t length, struct load_said *said)
{
	static const char result[] = "\"result\":{\"code\":", answer[] = "\"jsonrpc\"";
	const char *at = body, *end = body + length, *good;

	while ((at = memmem(at, (size_t)(end - at), answer, strlen(answer)))) {
		at += strlen(answer);
		good = memmem(at, (size_t)(end - at) < 80 ? (size_t)(end - at) : 80, result, strlen(result));
		if (good && good[strlen(result)] == '0' && good[strlen(result) + 1] == ',') {
			said->taken++;
			continue;
		}
		if (!said->refused++)
			snprintf(said->first, sizeof(said->first), "%.*s", (int)(end - at < 250 ? end - at : 250), at);
	}
}

struct stream {
	int fd;
	const char *text;
	size_t length, at, ends;	/* what is sent; where the last request that may go ends */
	unsigned int unanswered, window;
	char *answers;
	size_t have;
};

static void let_go(struct stream *stream)
{
	size_t head;

	while (stream->unanswered < stream->window && stream->ends < stream->length) {
		stream->ends += whole(stream->text + stream->ends, stream->length - stream->ends, &head);
		stream->unanswered++;
	}
}

static void take_answers(struct stream *stream, struct load_said *said)
{
	size_t at = 0, size, head;
	ssize_t got = read(stream->fd, stream->answers + stream->have, ANSWER_ROOM - stream->have);

	if (got <= 0)
		die("read");
	stream->have += (size_t)got;
	while (stream->unanswered && (size = whole(stream->answers + at, stream->have - at, &head))) {
		count(stream->answers + at + head, size - head, said);
		at += size;
		stream->unanswered--;
	}
	memmove(stream->answers, stream->answers + at, stream->have - at);
	stream->have -= at;
}

void load_send(unsigned int port, const char *text, size_t length, unsigned int window, struct load_said *said)
{
	struct stream stream = { .fd = load_connect(port), .text = text, .length = length, .window = window,
				 .answers = malloc(ANSWER_ROOM) };

	if (!stream.answers)
		die("memory");
	memset(said, 0, sizeof(*said));
	for (;;) {
		struct pollfd poller = { .fd = stream.fd, .events = POLLIN };

		let_go(&stream);
		if (!stream.unanswered)
			break;
		if (stream.at < stream.ends)
			poller.events |= POLLOUT;
		if (poll(&poller, 1, -1) < 0)
			die("poll");
		if (poller.revents & POLLOUT) {
			ssize_t wrote = send(stream.fd, text + stream.at, stream.ends - stream.at, MSG_DONTWAIT);

			if (wrote < 0 && errno != EAGAIN)
				die("send");
			stream.at += wrote > 0 ? (size_t)wrote : 0;
		}
		if (poller.revents & (POLLIN | POLLHUP | POLLERR))
			take_answers(&stream, said);
	}
	free(stream.answers);
	close(stream.fd);
}
