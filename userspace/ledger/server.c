// SPDX-License-Identifier: Apache-2.0
/*
 * libmicrohttpd's threads run requests; one that waits for a block is suspended, not its thread. Its header
 * and body go out in one write, which a response from one buffer makes it do.
 */
#include "ledger/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "ledger/listen.h"
#include "ledger/websocket.h"
#include "ledger/ws_frame.h"

#define HEADERS_MAX	(32U << 10)	/* bytes of a connection's memory in libmicrohttpd */
#define PEM_MAX		(1U << 20)

struct sb_server {
	struct sb_rpc *rpc;
	struct MHD_Daemon *daemon;
	struct sb_ws_hub *hub;
	const char *listen;
};

/* One HTTP request. */
struct exchange {
	struct MHD_Connection *connection;
	char *body;
	size_t length, room;
	bool too_long;
	struct sb_rpc_request *request;
	bool answered;
};

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned int status, const char *type, char *text,
			     size_t length, enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(length, text, mode);
	enum MHD_Result result;

	if (!response) {
		if (mode == MHD_RESPMEM_MUST_FREE)
			free(text);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result reply_text(struct MHD_Connection *connection, unsigned int status, const char *text)
{
	return reply(connection, status, "text/plain; charset=utf-8", (char *)text, strlen(text),
		     MHD_RESPMEM_PERSISTENT);
}

static void suspend(void *context)
{
	MHD_suspend_connection(((struct exchange *)context)->connection);
}

static void resume(void *context)
{
	MHD_resume_connection(((struct exchange *)context)->connection);
}

/* Runs what there is of a request: an answer, or nothing while it waits. */
static enum MHD_Result run(struct exchange *exchange)
{
	unsigned int status = 200;
	size_t length = 0;
	char *answer;

	/* libmicrohttpd takes no response while it stops, says that it has, and asks again */
	if (exchange->answered)
		return MHD_NO;
	if (!sb_rpc_run(exchange->request))
		return MHD_YES;
	exchange->answered = true;
	answer = sb_rpc_answer(exchange->request, &length, &status);
	if (!answer)
		return reply_text(exchange->connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
	return reply(exchange->connection, status, "application/json", answer, length, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result begin_request(struct exchange *exchange, struct sb_rpc_request *request)
{
	exchange->request = request;
	if (!request)
		return reply_text(exchange->connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
	sb_rpc_parking(request, suspend, resume, exchange);
	return run(exchange);
}

/* More of a body; what is too long is let in up to its end, and thrown away. */
static void take_body(struct exchange *exchange, const char *data, size_t length)
{
	size_t need = exchange->length + length;

	if (exchange->too_long || need > SB_RPC_BODY_MAX) {
		exchange->too_long = true;
		return;
	}
	if (need > exchange->room) {
		size_t room = need * 2 < 4096 ? 4096 : need * 2;
		char *grown = realloc(exchange->body, room);

		if (!grown) {
			exchange->too_long = true;
			return;
		}
		exchange->body = grown;
		exchange->room = room;
	}
	memcpy(exchange->body + exchange->length, data, length);
	exchange->length += length;
}

static bool announced_too_long(struct MHD_Connection *connection)
{
	const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return length && strtoull(length, NULL, 10) > SB_RPC_BODY_MAX;
}

static enum MHD_Result too_long(struct MHD_Connection *connection)
{
	return reply_text(connection, MHD_HTTP_CONTENT_TOO_LARGE, "a request has 1,000,000 bytes at most\n");
}

static enum MHD_Result add_argument(void *context, enum MHD_ValueKind kind, const char *name, size_t name_length,
				    const char *value, size_t length)
{
	(void)kind;
	(void)name_length;
	json_object_object_add(context, name, json_object_new_string_len(value ? value : "", (int)length));
	return MHD_YES;
}

static bool has_token(struct MHD_Connection *connection, const char *header, const char *token)
{
	const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, header);

	return value && strcasestr(value, token);
}

/* After the 101 is sent. */
static void upgraded(void *context, struct MHD_Connection *connection, void *exchange, const char *early,
		     size_t length, MHD_socket fd, struct MHD_UpgradeResponseHandle *handle)
{
	struct sb_server *server = context;

	(void)connection;
	(void)exchange;
	if (!sb_ws_adopt(server->hub, fd, handle, early, length))
		MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
}

static void close_upgraded(void *handle)
{
	MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
}

static enum MHD_Result upgrade(struct sb_server *server, struct MHD_Connection *connection)
{
	const char *key = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Sec-WebSocket-Key");
	const char *version = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Sec-WebSocket-Version");
	char accept[SB_WS_ACCEPT_ROOM];
	struct MHD_Response *response;
	enum MHD_Result result;

	if (!has_token(connection, MHD_HTTP_HEADER_UPGRADE, "websocket") ||
	    !has_token(connection, MHD_HTTP_HEADER_CONNECTION, "upgrade") || !version || strcmp(version, "13") != 0 ||
	    !key || !sb_ws_accept(key, accept))
		return reply_text(connection, MHD_HTTP_BAD_REQUEST, "not a WebSocket handshake (RFC 6455, version 13)\n");
	response = MHD_create_response_for_upgrade(upgraded, server);
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_UPGRADE, "websocket");
	MHD_add_response_header(response, "Sec-WebSocket-Accept", accept);
	result = MHD_queue_response(connection, MHD_HTTP_SWITCHING_PROTOCOLS, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result get(struct sb_server *server, struct exchange *exchange, const char *path)
{
	json_object *arguments;

	if (!strcmp(path, "/websocket"))
		return upgrade(server, exchange->connection);
	if (!strcmp(path, "/"))
		return reply_text(exchange->connection, MHD_HTTP_OK,
				  "sealbond-ledgerd: CometBFT's JSON-RPC. POST / with JSON, GET /METHOD?NAME=VALUE, "
				  "/websocket; e.g. /status\n");
	if (path[0] != '/' || !sb_rpc_known(path + 1))
		return reply_text(exchange->connection, MHD_HTTP_NOT_FOUND, "404 page not found\n");
	arguments = json_object_new_object();
	if (!arguments)
		return MHD_NO;
	MHD_get_connection_values_n(exchange->connection, MHD_GET_ARGUMENT_KIND, add_argument, arguments);
	return begin_request(exchange, sb_rpc_open_uri(server->rpc, path + 1, arguments));
}

static enum MHD_Result begin(struct MHD_Connection *connection, const char *method, void **context)
{
	struct exchange *exchange;

	if (!strcmp(method, MHD_HTTP_METHOD_POST) && announced_too_long(connection))
		return too_long(connection);
	exchange = calloc(1, sizeof(*exchange));
	if (!exchange)
		return MHD_NO;
	exchange->connection = connection;
	*context = exchange;
	return MHD_YES;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path, const char *method,
			      const char *version, const char *data, size_t *length, void **exchange_context)
{
	struct sb_server *server = context;
	struct exchange *exchange = *exchange_context;

	(void)version;
	if (!exchange)
		return begin(connection, method, exchange_context);
	if (exchange->request)
		return run(exchange);
	if (*length) {
		take_body(exchange, data, *length);
		*length = 0;
		return MHD_YES;
	}
	if (!strcmp(method, MHD_HTTP_METHOD_GET))
		return get(server, exchange, path);
	if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
		return reply_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET or POST\n");
	if (strcmp(path, "/") != 0)
		return reply_text(connection, MHD_HTTP_NOT_FOUND, "404 page not found: POST to /\n");
	if (exchange->too_long)
		return too_long(connection);
	return begin_request(exchange, sb_rpc_open(server->rpc, exchange->body ? exchange->body : "",
						    exchange->length));
}

static void completed(void *context, struct MHD_Connection *connection, void **exchange_context,
		      enum MHD_RequestTerminationCode code)
{
	struct exchange *exchange = *exchange_context;

	(void)context;
	(void)connection;
	(void)code;
	if (!exchange)
		return;
	sb_rpc_close(exchange->request);
	free(exchange->body);
	free(exchange);
	*exchange_context = NULL;
}

/* Whoever talks nonsense is no reason for a line in the log. */
static void silent(void *context, const char *format, va_list arguments)
{
	(void)context;
	(void)format;
	(void)arguments;
}

static int read_pem(const char *path, uint8_t **text, struct sb_error *error)
{
	size_t length;
	int rc = path ? sb_file_read(path, PEM_MAX, text, &length) : 0;

	return rc ? sb_fail(error, rc, "%s: %s", path, strerror(-rc)) : 0;
}

static int start_daemon(struct sb_server *server, const struct sb_server_options *options, int fd,
			struct sb_error *error)
{
	sb_cleanup_free uint8_t *certificate = NULL, *key = NULL;
	unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, NULL }, { MHD_OPTION_HTTPS_MEM_KEY, 0, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	int rc = read_pem(options->certificate, &certificate, error);

	if (!rc)
		rc = read_pem(options->key, &key, error);
	if (rc)
		return rc;
	tls[0].ptr_value = certificate;
	tls[1].ptr_value = key;
	if (!certificate)
		tls[0].option = MHD_OPTION_END;
	else
		flags |= MHD_USE_TLS;
	server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, server,
					  MHD_OPTION_EXTERNAL_LOGGER, silent, NULL,
					  MHD_OPTION_LISTEN_SOCKET, fd,
					  MHD_OPTION_NOTIFY_COMPLETED, completed, NULL,
					  MHD_OPTION_CONNECTION_LIMIT, options->connections,
					  MHD_OPTION_PER_IP_CONNECTION_LIMIT, options->per_address,
					  MHD_OPTION_CONNECTION_TIMEOUT, options->timeout,
					  MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS_MAX,
					  MHD_OPTION_THREAD_POOL_SIZE, options->threads,
					  MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	if (key)
		explicit_bzero(key, strlen((char *)key));
	if (!server->daemon)
		return sb_fail(error, -EIO, "the server does not start%s", certificate ?
			       ": are the certificate and its key PEM files that belong together?" : "");
	return 0;
}

int sb_server_start(const struct sb_server_options *options, struct sb_rpc *rpc, struct sb_server **server,
		    struct sb_error *error)
{
	struct sb_server *new;
	int fd, rc;

	if (!options->certificate != !options->key)
		return sb_fail(error, -EINVAL, "TLS needs both a certificate and its key");
	fd = sb_listen(options->listen, error);
	if (fd < 0)
		return fd;
	new = calloc(1, sizeof(*new));
	if (new) {
		new->rpc = rpc;
		new->listen = options->listen;
		new->hub = sb_ws_start(rpc, close_upgraded);
	}
	rc = new && new->hub ? start_daemon(new, options, fd, error) : sb_fail(error, -ENOMEM, "out of memory");
	if (rc) {
		close(fd);
		if (new)
			sb_ws_stop(new->hub);
		free(new);
		return rc;
	}
	*server = new;
	return 0;
}

void sb_server_stop(struct sb_server *server)
{
	int fd;

	if (!server)
		return;
	fd = MHD_quiesce_daemon(server->daemon);
	sb_waits_expire(server->rpc->waits, true);
	sb_ws_stop(server->hub);
	MHD_stop_daemon(server->daemon);
	sb_close_fd(&fd);
	sb_unlisten(server->listen);
	free(server);
}

void sb_server_hear(void *context, const struct sb_chain_event *event)
{
	struct sb_server *server = context;

	sb_waits_hear(server->rpc->waits, event);
	sb_ws_hear(server->hub, event);
}
