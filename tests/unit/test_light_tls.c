// SPDX-License-Identifier: Apache-2.0
/* Over TLS: whose certificate is believed, and whose is not. */
#include "ledger_server.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "light/client.h"
#include "light/json_write.h"

static struct ledger ledger;
static char directory[64], url[64];
static struct sb_error error;

/* A certificate that signs itself, as PEM, and the pin of its key. */
struct identity {
	EVP_PKEY *key;
	X509 *certificate;
	char pem[4096], pin[64];
};

static struct identity ours, others, misnamed;

static void make_identity(struct identity *identity, const char *name)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	uint8_t *der = NULL, digest[32];
	json_object *pin;
	BIO *out = BIO_new(BIO_s_mem());
	int length;

	identity->key = EVP_EC_gen("P-256");
	identity->certificate = X509_new();
	assert_true(identity->key && identity->certificate && out);
	X509_set_version(identity->certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(identity->certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(identity->certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(identity->certificate), 3600);
	X509_set_pubkey(identity->certificate, identity->key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(identity->certificate), "CN", MBSTRING_ASC,
				   (const unsigned char *)"ledger", -1, -1, 0);
	X509_set_issuer_name(identity->certificate, X509_get_subject_name(identity->certificate));
	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, identity->certificate, identity->certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, name);
	assert_non_null(extension);
	X509_add_ext(identity->certificate, extension, -1);
	X509_EXTENSION_free(extension);
	assert_true(X509_sign(identity->certificate, identity->key, EVP_sha256()) > 0);

	assert_int_equal(PEM_write_bio_X509(out, identity->certificate), 1);
	length = BIO_read(out, identity->pem, sizeof(identity->pem) - 1);
	assert_true(length > 0);
	identity->pem[length] = '\0';
	BIO_free(out);
	length = i2d_PUBKEY(identity->key, &der);
	assert_true(length > 0);
	sb_digest_of(der, (size_t)length, digest);
	OPENSSL_free(der);
	pin = sb_json_put_base64(digest, sizeof(digest));
	snprintf(identity->pin, sizeof(identity->pin), "sha256//%.50s", json_object_get_string(pin));
	json_object_put(pin);
}

static int listener, quit[2];
static pthread_t thread;
static const struct identity *served;

/* Bytes between a TLS connection and the plain endpoint, until one end has had enough. */
static void relay(SSL *tls, int secure, int plain)
{
	struct pollfd polled[2] = { { secure, POLLIN, 0 }, { plain, POLLIN, 0 } };
	char data[16384];

	for (;;) {
		ssize_t got;

		if (!SSL_pending(tls) && poll(polled, 2, -1) < 0)
			return;
		if (SSL_pending(tls) || polled[0].revents) {
			got = SSL_read(tls, data, sizeof(data));
			if (got <= 0 || send(plain, data, (size_t)got, MSG_NOSIGNAL) != got)
				return;
		} else if (polled[1].revents) {
			got = recv(plain, data, sizeof(data), 0);
			if (got <= 0 || SSL_write(tls, data, (int)got) != got)
				return;
		}
	}
}

static void serve(int secure)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				       .sin_port = htons((uint16_t)atoi(strrchr(server[0].url, ':') + 1)) };
	int plain = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL *tls;

	assert_int_equal(SSL_CTX_use_certificate(context, served->certificate), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(context, served->key), 1);
	tls = SSL_new(context);
	SSL_set_fd(tls, secure);
	if (SSL_accept(tls) == 1 && connect(plain, (struct sockaddr *)&address, sizeof(address)) == 0)
		relay(tls, secure, plain);
	SSL_free(tls);
	SSL_CTX_free(context);
	close(plain);
	close(secure);
}

static void serve_all(void)
{
	struct pollfd polled[2] = { { listener, POLLIN, 0 }, { quit[0], POLLIN, 0 } };

	while (poll(polled, 2, -1) > 0 && !polled[1].revents) {
		int secure = accept(listener, NULL, NULL);

		if (secure >= 0)
			serve(secure);
	}
}

static void *run(void *unused)
{
	sigset_t pipes;

	/* for the server's own writes; the client has to do without */
	sigemptyset(&pipes);
	sigaddset(&pipes, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipes, NULL);
	serve_all();
	return NULL;
}

static int sync_with(const struct identity *by, const char *roots, const char *pin, const char **fault)
{
	struct sb_light_config config = {
		.chain = WORLD_CHAIN, .directory = directory, .root.height = 1, .endpoints = 1,
		.endpoint[0] = { url, roots, pin }, .clock = SB_CLOCK_YES, .floor = 1,
	};
	struct sb_light_endpoint_state state[SB_ENDPOINTS_MAX];
	struct sb_light_synced synced;
	struct sb_light_client *client;
	int result;

	served = by;
	sb_header_hash(&ledger.at[1].block.header, config.root.hash);
	assert_int_equal(sb_light_client_open(&config, &client, &error), 0);
	result = sb_light_client_sync(client, 10000, &synced, &error);
	sb_light_client_endpoints(client, state);
	*fault = sb_fault_name(state[0].standing.fault);
	sb_light_client_close(client);
	return result;
}

static void believed(void **state)
{
	const char *fault;

	assert_int_equal(sync_with(&ours, ours.pem, NULL, &fault), 0);
	assert_int_equal(sync_with(&ours, NULL, ours.pin, &fault), 0);
	assert_int_equal(sync_with(&ours, ours.pem, ours.pin, &fault), 0);
	/* a key that is pinned is the identity: its certificate may say what it likes */
	assert_int_equal(sync_with(&misnamed, NULL, misnamed.pin, &fault), 0);
}

static void not_believed(void **state)
{
	const struct {
		const struct identity *by;
		const char *roots, *pin;
	} cases[] = {
		{ &ours, NULL, NULL },			/* the system's roots do not know it */
		{ &ours, others.pem, NULL },
		{ &ours, NULL, others.pin },
		{ &ours, ours.pem, others.pin },
		{ &misnamed, misnamed.pem, NULL },
		{ &misnamed, misnamed.pem, misnamed.pin },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *fault;

		assert_int_equal(sync_with(cases[i].by, cases[i].roots, cases[i].pin, &fault), -EHOSTUNREACH);
		if (strcmp(fault, "tls-untrusted") != 0)
			fail_msg("%zu: %s: %s", i, fault, error.text);
	}
}

static int begin(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);

	if (sodium_init() < 0)
		return -1;
	snprintf(directory, sizeof(directory), "/tmp/sb-tls-%d", (int)getpid());
	servers_start();
	ledger_init(&ledger, time(NULL) - 10, 1, 0);
	ledger_grow(&ledger, 5);
	servers_reset(&ledger);
	make_identity(&ours, "IP:127.0.0.1");
	make_identity(&others, "IP:127.0.0.1");
	make_identity(&misnamed, "DNS:elsewhere.example");
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 16), 0);
	getsockname(listener, (struct sockaddr *)&address, &length);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u", ntohs(address.sin_port));
	assert_int_equal(pipe(quit), 0);
	return pthread_create(&thread, NULL, run, NULL);
}

static int end(void **state)
{
	struct identity *all[] = { &ours, &others, &misnamed };
	char path[128];

	assert_int_equal(write(quit[1], "q", 1), 1);
	pthread_join(thread, NULL);
	close(listener);
	close(quit[0]);
	close(quit[1]);
	servers_stop();
	ledger_free(&ledger);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		X509_free(all[i]->certificate);
		EVP_PKEY_free(all[i]->key);
	}
	snprintf(path, sizeof(path), "%s/trust", directory);
	unlink(path);
	rmdir(directory);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(believed), cmocka_unit_test(not_believed) };

	return cmocka_run_group_tests_name("light tls", tests, begin, end);
}
