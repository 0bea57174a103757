// SPDX-License-Identifier: Apache-2.0
#include "light/http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

struct sb_http {
	CURL *curl;
	struct curl_slist *headers;
	struct sb_http_config hook;	/* its strings are not used any more */
	char *url;
	uint64_t in, out, wait;
	/* of the call under way */
	struct sb_bytes *answer;
	size_t limit, head;
	bool too_large;
};

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
	struct sb_http *http = context;
	size_t length = size * count;

	http->in += length;
	if (length > http->limit - http->answer->length) {
		http->too_large = true;
		return 0;
	}
	sb_bytes_put(http->answer, data, length);
	return http->answer->failed ? 0 : length;
}

static size_t take_head(char *data, size_t size, size_t count, void *context)
{
	struct sb_http *http = context;
	size_t length = size * count;

	(void)data;
	http->in += length;
	http->head += length;
	if (http->head <= SB_HTTP_HEADERS_MAX)
		return length;
	http->too_large = true;
	return 0;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct sb_http *http = context;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

	(void)purpose;
	if (fd >= 0 && http->hook.opened &&
	    http->hook.opened(http->hook.context, fd, &address->addr, address->addrlen) != 0) {
		close(fd);
		fd = -1;
	}
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static const char *after(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(text, prefix, length) == 0 && text[length] ? text + length : NULL;
}

bool sb_http_valid(const char *url)
{
	const char *rest = after(url, "unix:/");
	CURLU *parsed;
	bool good = false;
	char *part;

	if (rest)
		return strlen(url) < 100;
	if (!after(url, "http://") && !after(url, "https://"))
		return false;
	parsed = curl_url();
	if (parsed && curl_url_set(parsed, CURLUPART_URL, url, CURLU_DISALLOW_USER) == CURLUE_OK) {
		good = curl_url_get(parsed, CURLUPART_FRAGMENT, &part, 0) == CURLUE_NO_FRAGMENT;
		if (!good)
			curl_free(part);
	}
	curl_url_cleanup(parsed);
	return good;
}

static CURLcode set_trust(CURL *curl, const struct sb_http_config *config)
{
	CURLcode code = curl_easy_setopt(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	struct curl_blob roots = { .flags = CURL_BLOB_COPY };

	if (code == CURLE_OK && config->pin)
		code = curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, config->pin);
	if (code == CURLE_OK && config->roots) {
		roots.data = (void *)config->roots;
		roots.len = strlen(config->roots);
		code = curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &roots);
		if (code == CURLE_OK)
			code = curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
	if (code == CURLE_OK && config->pin && !config->roots) {
		code = curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		if (code == CURLE_OK)
			code = curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	return code;
}

static CURLcode set_limits(CURL *curl, const struct sb_http_config *config)
{
	static const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{ CURLOPT_FOLLOWLOCATION, 0 }, { CURLOPT_NOPROGRESS, 1 },
		{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 }, { CURLOPT_BUFFERSIZE, 16384 },
		{ CURLOPT_TCP_NODELAY, 1 }, { CURLOPT_MAXCONNECTS, 1 }, { CURLOPT_HTTP09_ALLOWED, 0 },
		{ CURLOPT_POST, 1 },
	};
	/* CURLOPT_NOSIGNAL stays off: libcurl then keeps SIGPIPE from us, which OpenSSL's writes can raise. */
	CURLcode code = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");

	for (size_t i = 0; code == CURLE_OK && i < SB_ARRAY_SIZE(numbers); i++)
		code = curl_easy_setopt(curl, numbers[i].option, numbers[i].value);
	/* "": none, whatever the environment says. */
	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_PROXY, "");
	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)config->connect_ms);
	return code;
}

static CURLcode set_all(struct sb_http *http, const struct sb_http_config *config)
{
	const char *path = after(config->url, "unix:");
	CURL *curl = http->curl;
	CURLcode code = set_limits(curl, config);

	if (code == CURLE_OK)
		code = set_trust(curl, config);
	if (code == CURLE_OK && path)
		code = curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, path);
	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_URL, path ? "http://localhost/" : config->url);
	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_HTTPHEADER, http->headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, http);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_head);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, http);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, http);
	return code;
}

static bool add_header(struct sb_http *http, const char *line)
{
	struct curl_slist *longer = curl_slist_append(http->headers, line);

	if (longer)
		http->headers = longer;
	return longer != NULL;
}

struct sb_http *sb_http_open(const struct sb_http_config *config)
{
	struct sb_http *http = calloc(1, sizeof(*http));

	if (!http)
		return NULL;
	http->hook = *config;
	http->url = strdup(config->url);
	http->curl = curl_easy_init();
	/* Expect: would cost a round trip before a long body. */
	if (!http->url || !http->curl || !add_header(http, "Content-Type: application/json") ||
	    !add_header(http, "Expect:") || set_all(http, config) != CURLE_OK) {
		sb_http_close(http);
		return NULL;
	}
	return http;
}

void sb_http_close(struct sb_http *http)
{
	if (!http)
		return;
	if (http->curl)
		curl_easy_cleanup(http->curl);
	curl_slist_free_all(http->headers);
	free(http->url);
	free(http);
}

static enum sb_fault fault_of(const struct sb_http *http, CURLcode code)
{
	if (http->too_large)
		return SB_FAULT_TOO_LARGE;
	switch (code) {
	case CURLE_OK:
		return SB_FAULT_NONE;
	case CURLE_OPERATION_TIMEDOUT:
		return SB_FAULT_TIMEOUT;
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
		return SB_FAULT_TRUNCATED;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CERTPROBLEM:
		return SB_FAULT_TLS;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
		return SB_FAULT_ANSWER;
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT:
	case CURLE_WRITE_ERROR:
		return SB_FAULT_LOCAL;
	default:
		return SB_FAULT_NO_CONNECTION;
	}
}

static void measure(struct sb_http *http)
{
	curl_off_t sent = 0, first = 0;

	if (curl_easy_getinfo(http->curl, CURLINFO_PRETRANSFER_TIME_T, &sent) == CURLE_OK &&
	    curl_easy_getinfo(http->curl, CURLINFO_STARTTRANSFER_TIME_T, &first) == CURLE_OK && first > sent)
		http->wait = (uint64_t)(first - sent);
}

uint64_t sb_http_wait(const struct sb_http *http)
{
	return http->wait;
}

static void count_sent(struct sb_http *http, size_t length)
{
	long head = 0;

	if (curl_easy_getinfo(http->curl, CURLINFO_REQUEST_SIZE, &head) != CURLE_OK || head < 0)
		head = 0;
	/* The size that curl tells has the body in it when both went out at once. */
	http->out += (uint64_t)head > length ? (uint64_t)head : (uint64_t)head + length;
}

enum sb_fault sb_http_post(struct sb_http *http, const void *body, size_t length, size_t limit,
			   uint32_t timeout_ms, struct sb_bytes *answer, struct sb_error *error)
{
	char text[CURL_ERROR_SIZE] = "";
	struct sb_bytes read = { .data = NULL };
	enum sb_fault fault;
	long status = 0;
	CURLcode code;

	http->answer = &read;
	http->limit = limit;
	http->head = 0;
	http->too_large = false;
	curl_easy_setopt(http->curl, CURLOPT_ERRORBUFFER, text);
	curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
	curl_easy_setopt(http->curl, CURLOPT_TIMEOUT_MS, (long)(timeout_ms ? timeout_ms : 1));
	code = curl_easy_perform(http->curl);
	curl_easy_setopt(http->curl, CURLOPT_ERRORBUFFER, NULL);
	curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, NULL);
	count_sent(http, length);
	http->answer = NULL;
	fault = read.failed ? SB_FAULT_LOCAL : fault_of(http, code);
	if (fault == SB_FAULT_NONE) {
		measure(http);
		curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
	}
	if (fault == SB_FAULT_NONE && status != 200) {
		fault = SB_FAULT_HTTP;
		snprintf(text, sizeof(text), "status %ld", status);
	}
	if (fault != SB_FAULT_NONE) {
		sb_bytes_free(&read);
		sb_fail(error, 0, "%s: %s: %s", http->url, sb_fault_name(fault),
			text[0] ? text : sb_fault_text(fault));
		return fault;
	}
	*answer = read;
	return SB_FAULT_NONE;
}

void sb_http_bytes(const struct sb_http *http, uint64_t *in, uint64_t *out)
{
	*in = http->in;
	*out = http->out;
}
