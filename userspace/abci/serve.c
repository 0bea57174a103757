// SPDX-License-Identifier: Apache-2.0
#include "abci/serve.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/notify.h"
#include "ledger/listen.h"

#define CONNECTIONS	16		/* CometBFT opens four */
#define WRITE_AT	(256U << 10)	/* bytes of responses that wait for no Flush */

struct server;

struct connection {
	struct server *server;
	pthread_t thread;
	int fd;
	bool used;			/* of the main thread */
	atomic_bool over;
};

struct server {
	struct sb_abci *abci;
	int failed_fd;			/* an eventfd: error was written */
	pthread_mutex_t lock;
	int failed;			/* under lock, with its sentence */
	struct sb_error error;
	struct connection connection[CONNECTIONS];
};

static int write_all(int fd, struct sb_abci_output *out)
{
	size_t done = 0;

	while (done < out->length) {
		ssize_t n = send(fd, out->data + done, out->length - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	out->length = 0;
	return 0;
}

static void fail(struct server *server, int rc, const struct sb_error *error)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&server->lock);
	if (!server->failed) {
		server->failed = rc;
		server->error = *error;
	}
	pthread_mutex_unlock(&server->lock);
	if (write(server->failed_fd, &one, sizeof(one)) < 0)
		sb_error("%s", strerror(errno));
}

/*
 * Answers those that were taken: the pool's, which come first, and another. 0: it can go on; 1: it cannot, and why was
 * said; -errno: nobody reads.
 */
static int answer_some(struct connection *connection, struct sb_abci_caller *caller, struct sb_abci_pool *pool,
		       const uint8_t *message, size_t length, struct sb_abci_output *out)
{
	struct sb_abci *abci = connection->server->abci;
	struct sb_error error = { "" };
	int rc = pool->count ? sb_abci_answer_pool(abci, caller, pool, out, &error) : 0;

	if (!rc && message)
		rc = sb_abci_answer(abci, caller, message, length, out, &error);
	if (rc && rc != -EPROTO)
		fail(connection->server, rc, &error);
	else if (rc)
		sb_warn("a connection ends: %s", error.text);
	if (rc)
		return 1;
	return out->length > WRITE_AT ? write_all(connection->fd, out) : 0;
}

/* Answers what is there. 0: it can go on. */
static int answer_all(struct connection *connection, struct sb_abci_caller *caller, struct sb_abci_input *in,
		      struct sb_abci_output *out)
{
	struct sb_abci_pool pool = { .count = 0 };
	const uint8_t *message;
	size_t length = 0;
	int rc = 0, taken;

	do {
		taken = sb_abci_take(in, &message, &length);
		if (taken > 0 && sb_abci_is_of_pool(message, length)) {
			pool.message[pool.count] = message;
			pool.length[pool.count++] = length;
			message = NULL;
		}
		/* the pool's wait for others, as long as there are any */
		if (taken > 0 && !message && pool.count < SB_ABCI_POOL_MOST)
			continue;
		rc = answer_some(connection, caller, &pool, taken > 0 ? message : NULL, length, out);
		if (rc < 0)
			return rc;
	} while (taken > 0 && !rc);
	if (!rc && taken < 0)
		sb_warn("a connection ends: %s", taken == -EBADMSG ? "these are no messages" : "a message is too long");
	/*
	 * All that was there is answered: a Flush stood at its end, or what follows it will bring one; it costs
	 * nothing to write now.
	 */
	return write_all(connection->fd, out) || rc || taken < 0 ? -EPIPE : 0;
}

static void *serve_one(void *context)
{
	struct connection *connection = context;
	struct sb_abci_caller caller = { 0 };
	struct sb_abci_output out = { 0 };
	struct sb_abci_input in = { 0 };

	for (;;) {
		size_t space;
		uint8_t *at = sb_abci_space(&in, &space);
		ssize_t n = at ? recv(connection->fd, at, space, 0) : -1;

		if (at && n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		sb_abci_added(&in, (size_t)n);
		if (answer_all(connection, &caller, &in, &out))
			break;
	}
	sb_abci_leave(connection->server->abci, &caller);
	shutdown(connection->fd, SHUT_RDWR);
	sb_abci_input_free(&in);
	sb_abci_output_free(&out);
	atomic_store(&connection->over, true);
	return NULL;
}

static void finish(struct connection *connection)
{
	pthread_join(connection->thread, NULL);
	close(connection->fd);
	connection->used = false;
}

static void accept_one(struct server *server, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), one = 1;
	const struct timeval patience = { .tv_sec = 60 };
	struct connection *free_one = NULL;

	if (fd < 0)
		return;
	for (size_t i = 0; i < CONNECTIONS; i++) {
		struct connection *connection = &server->connection[i];

		if (connection->used && atomic_load(&connection->over))
			finish(connection);
		if (!connection->used)
			free_one = connection;
	}
	if (!free_one) {
		sb_warn("more than %d connections: one is refused", CONNECTIONS);
		close(fd);
		return;
	}
	/* (has no meaning on a unix socket) */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	/* who reads nothing does not keep this process from ending */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	free_one->server = server;
	free_one->fd = fd;
	atomic_store(&free_one->over, false);
	if (pthread_create(&free_one->thread, NULL, serve_one, free_one))
		close(fd);
	else
		free_one->used = true;
}

static int serve_until(struct server *server, int listener, int signals)
{
	struct pollfd wait[] = { { listener, POLLIN, 0 }, { signals, POLLIN, 0 }, { server->failed_fd, POLLIN, 0 } };

	for (;;) {
		if (poll(wait, SB_ARRAY_SIZE(wait), -1) < 0 && errno != EINTR)
			return -errno;
		if (wait[1].revents || wait[2].revents)
			return 0;
		if (wait[0].revents)
			accept_one(server, listener);
	}
}

static const char *place_of(const char *url)
{
	if (strncmp(url, "unix:///", 8) == 0)
		return url + 7;
	return strncmp(url, "tcp://", 6) == 0 && url[6] != '/' ? url + 6 : NULL;
}

bool sb_abci_is_url(const char *url)
{
	return place_of(url);
}

static int open_fds(struct server *server, int *signals)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	*signals = signalfd(-1, &set, SFD_CLOEXEC);
	server->failed_fd = eventfd(0, EFD_CLOEXEC);
	return *signals < 0 || server->failed_fd < 0 ? -errno : 0;
}

static void end_all(struct server *server)
{
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (server->connection[i].used)
			shutdown(server->connection[i].fd, SHUT_RD);
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (server->connection[i].used)
			finish(&server->connection[i]);
}

int sb_abci_serve(const char *home, const char *url, const struct sb_app *app, const struct sb_abci_options *options,
		  struct sb_error *error)
{
	struct server server = { .failed_fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER };
	sb_cleanup_close int listener = -1, signals = -1;
	int rc = sb_abci_new(home, app, options, &server.abci, error);

	if (rc)
		return rc;
	rc = open_fds(&server, &signals);
	if (rc)
		sb_fail(error, rc, "%s", strerror(-rc));
	else
		listener = rc = sb_listen(place_of(url), error);
	if (rc >= 0) {
		sb_notify("READY=1");
		sb_info("ABCI: listening on %s", url);
		rc = serve_until(&server, listener, signals);
		sb_notify("STOPPING=1");
		end_all(&server);
		sb_unlisten(place_of(url));
		if (server.failed) {
			rc = server.failed;
			*error = server.error;
		}
	}
	sb_abci_free(server.abci);
	sb_close_fd(&server.failed_fd);
	return rc;
}
