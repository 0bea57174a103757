// SPDX-License-Identifier: Apache-2.0
/* sealbondd-ledger: the role that follows the ledger. It speaks to endpoints, and believes what is proven. */
#include "device/ledger_role.h"

#include <errno.h>
#include <getopt.h>
#include <sodium.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/config.h"
#include "common/file.h"
#include "common/log.h"
#include "common/security.h"
#include "device/handover.h"
#include "device/role.h"

#define BOX_FILE	"box-key"
#define ROOTS_MAX	(1U << 20)	/* bytes of tls_roots */

static void answer_people(struct ledger_role *role)
{
	size_t kept = 0;

	for (size_t i = 0; i < role->askers; i++) {
		if (role->steps < role->asker[i].after) {
			role->asker[kept++] = role->asker[i];
			continue;
		}
		role->reply.id = role->asker[i].id;
		sb_channel_send(role->channel, SB_ROLE_LEDGER, SB_ROLE_PARENT, SB_MESSAGE_LEDGER_REPLY, &role->reply,
				sizeof(role->reply));
	}
	role->askers = kept;
}

/* The thread has a question for another role, or has done a step. */
static void on_told(evutil_socket_t fd, short what, void *context)
{
	struct ledger_role *role = context;
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof(count)) < 0)
		return;
	pthread_mutex_lock(&role->lock);
	if (role->asking) {
		sb_channel_send(role->channel, SB_ROLE_LEDGER, role->to, role->type, role->question, role->length);
		role->asking = false;
		if (role->one_way)
			pthread_cond_broadcast(&role->changed);
	}
	answer_people(role);
	if (role->anew)
		event_base_loopbreak(role->base);
	pthread_mutex_unlock(&role->lock);
}

static void on_control(struct ledger_role *role, const struct sb_control_request *request)
{
	bool now = request->verb == SB_CONTROL_LEDGER_NOW;

	if (role->askers == ROLE_ASKERS_MAX)
		return;
	role->asker[role->askers].id = request->id;
	/* The step under way, the one that acts, and the one that reads what came of it. */
	role->asker[role->askers++].after = now ? role->steps + 3 : 0;
	if (now) {
		role->hurry = true;
		pthread_cond_broadcast(&role->changed);
	}
	answer_people(role);
}

static void on_link_news(struct ledger_role *role, const struct sb_frame_header *header, const uint8_t *payload)
{
	if (header->type == SB_MESSAGE_KEYS_CHANGED)
		role->keys_changed = true;
	else
		sb_news_add(&role->news, header->type == SB_MESSAGE_PEERS_LOST, payload, header->length);
	pthread_cond_broadcast(&role->changed);
}

static void on_frame(void *context, const struct sb_frame_header *header, const uint8_t *payload)
{
	struct ledger_role *role = context;
	struct sb_control_request request;

	pthread_mutex_lock(&role->lock);
	if (header->from == SB_ROLE_PARENT && header->type == SB_MESSAGE_CONTROL && header->length == sizeof(request)) {
		memcpy(&request, payload, sizeof(request));
		on_control(role, &request);
	} else if (header->from == SB_ROLE_LINK && (header->type == SB_MESSAGE_PEERS_SEEN ||
						    header->type == SB_MESSAGE_PEERS_LOST ||
						    header->type == SB_MESSAGE_KEYS_CHANGED)) {
		on_link_news(role, header, payload);
	} else if (role->answer_type && header->type == role->answer_type && header->from == role->to &&
		   header->length == role->answer_length) {
		memcpy(role->answer, payload, header->length);
		role->answered = true;
		pthread_cond_broadcast(&role->changed);
	}
	pthread_mutex_unlock(&role->lock);
}

static void ask_for_peers(struct ledger_role *role)
{
	(void)ledger_role_ask(role, SB_ROLE_LINK, SB_MESSAGE_PEERS_GET, NULL, 0, SB_MESSAGE_NONE, NULL, 0, 20);
}

/* Hands over what came. Takes the lock only for that: many peers take their time. */
static void take_news(struct ledger_role *role)
{
	struct sb_news news;
	bool hurry, keys_changed;

	pthread_mutex_lock(&role->lock);
	news = sb_news_take(&role->news);
	hurry = role->hurry;
	keys_changed = role->keys_changed;
	role->hurry = role->keys_changed = false;
	pthread_mutex_unlock(&role->lock);
	/* All of them again: there is room for them now. */
	if (news.missed)
		ask_for_peers(role);
	for (size_t i = 0; i < news.count; i++) {
		if (news.peer[i].lost)
			sb_ledger_peer_lost(role->ledger, news.peer[i].device_id);
		else
			sb_ledger_peer_seen(role->ledger, news.peer[i].device_id);
	}
	sb_news_free(&news);
	if (hurry)
		sb_ledger_hurry(role->ledger);
	if (keys_changed)
		sb_ledger_keys_changed(role->ledger);
}

static void wait_for(struct ledger_role *role, uint64_t ms)
{
	struct timespec end;
	int result = 0;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += (time_t)(ms / 1000);
	end.tv_nsec += (long)(ms % 1000) * 1000000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_nsec -= 1000000000;
		end.tv_sec++;
	}
	while (!role->stop && !role->hurry && !role->keys_changed && !role->news.count &&
	       !role->news.missed && !role->askers && result == 0)
		result = pthread_cond_timedwait(&role->changed, &role->lock, &end);
}

/* Who reaches the ledger by addresses only has no use for them. */
static bool names_are_stale(const struct ledger_role *role)
{
	if (!sb_ledger_light_named(role->light) || !sb_names_stale(&role->names))
		return false;
	sb_info("the files that names are looked up by are others now: this role starts anew, to be able to read them");
	return true;
}

static void *run(void *context)
{
	static struct sb_ledger_reply reply;
	struct ledger_role *role = context;
	const uint64_t one = 1;

	/* Peers that an earlier process has admitted. */
	ask_for_peers(role);
	pthread_mutex_lock(&role->lock);
	while (!role->stop) {
		uint64_t wait;

		pthread_mutex_unlock(&role->lock);
		take_news(role);
		wait = sb_ledger_step(role->ledger);
		sb_ledger_report(role->ledger, &reply);
		sb_ledger_light_report(role->light, &reply);
		pthread_mutex_lock(&role->lock);
		role->reply = reply;
		role->steps++;
		role->anew = names_are_stale(role);
		if (write(role->told_fd, &one, sizeof(one)) < 0)
			break;
		if (role->anew)
			break;
		wait_for(role, wait);
	}
	pthread_mutex_unlock(&role->lock);
	return NULL;
}

/* A key that is lost is not replaced without a word: what is sealed to the old one has to be sealed anew. */
static int load_box_key(const char *directory, struct sb_ledger_settings *settings, struct sb_error *error)
{
	char path[SB_PATH_ROOM + 32];
	uint8_t *data = NULL, pair[64];
	size_t length = 0;
	int result;

	snprintf(path, sizeof(path), "%s/" BOX_FILE, directory);
	result = sb_file_read(path, sizeof(pair), &data, &length);
	if (result == 0 && length != sizeof(pair))
		result = -EBADMSG;
	if (result == 0) {
		memcpy(settings->box_public, data, 32);
		memcpy(settings->box_secret, data + 32, 32);
	} else if (result == -ENOENT) {
		crypto_box_keypair(settings->box_public, settings->box_secret);
		memcpy(pair, settings->box_public, 32);
		memcpy(pair + 32, settings->box_secret, 32);
		result = sb_file_create(path, pair, sizeof(pair), 0600);
		if (result == 0)
			sb_info("%s made: what is sealed to this device opens with it", path);
		sodium_memzero(pair, sizeof(pair));
	}
	if (data)
		sodium_memzero(data, length);
	free(data);
	return result < 0 ? sb_fail(error, result, "%s: %s", path, strerror(-result)) : 0;
}

static int load_settings(const struct sb_config *config, const char *directory, struct sb_ledger_settings *settings,
			 struct sb_error *error)
{
	int result = load_box_key(directory, settings, error);

	memcpy(settings->chain, config->chain, sizeof(settings->chain) - 1);
	settings->has_owner = config->ledger.has_owner;
	memcpy(settings->owner, config->ledger.owner, 32);
	settings->enrol = config->ledger.enrol;
	settings->poll_ms = config->ledger.poll;
	settings->has_hold = config->ledger.loss != SB_LOSS_LEDGER;
	settings->hold_ms = config->ledger.hold;
	settings->threshold = (unsigned int)config->threshold;
	settings->keys_count = config->grant_keys_count;
	for (size_t i = 0; i < config->grant_keys_count && result == 0; i++)
		result = sb_security_load_point(config->grant_keys[i], "grant_keys", settings->keys[i], error);
	return result;
}

static bool has_unix_endpoint(const struct sb_config *config)
{
	for (size_t i = 0; i < config->ledger.endpoints_count; i++)
		if (strncmp(config->ledger.endpoints[i], "unix:", 5) == 0)
			return true;
	return false;
}

static int sandbox(struct ledger_role *role, const char *directory, const struct sb_config *config)
{
	/* A thread of ours, and libcurl's that looks names up; what getaddrinfo and the question after the clock need. */
	static const char *const calls[] = {
		"clone", "clone3", "socketpair", "sendmmsg", "recvmmsg", "getpeername", "adjtimex", "clock_adjtime",
		"pread64", "getresuid", "getresgid", "statfs", "fstatfs", "umask", "set_tid_address", "sched_getaffinity", NULL
	};
	/* AF_NETLINK: getaddrinfo() looks which addresses there are. The control socket and systemd's are out of reach. */
	const unsigned int families[] = { AF_INET, AF_INET6, AF_NETLINK, has_unix_endpoint(config) ? AF_UNIX : 0, 0 };
	struct sb_sandbox_path paths[11 + SB_NAME_FILES] = {
		{ directory, 1 }, { config->ledger.roots[0] ? config->ledger.roots : directory, 1 - !!config->ledger.roots[0] },
		{ "/etc/ssl", 0 }, { "/usr/share/ca-certificates", 0 }, { "/usr/lib", 0 }, { "/lib", 0 }, { "/lib64", 0 },
		{ "/etc/ld.so.cache", 0 }, { "/proc/sys/kernel/random/boot_id", 0 }, { "/run/systemd/resolve", 0 },
		{ "/dev/urandom", 0 },
	};
	int result = sb_sandbox_begin();

	for (size_t i = 0; i < SB_NAME_FILES; i++)
		paths[11 + i].path = sb_name_files[i];
	sb_names_look(&role->names, sb_name_files, SB_NAME_FILES);

	if (result == 0)
		result = sb_sandbox_capabilities(0);
	if (result == 0)
		result = sb_sandbox_paths(paths, SB_ARRAY_SIZE(paths));
	return result < 0 ? result : sb_sandbox_calls(calls, families);
}

static int prepare(struct ledger_role *role, const char *path, struct sb_error *error)
{
	/* They stay for as long as the process. */
	struct sb_config *config = calloc(1, sizeof(*config));
	uint8_t *tls_roots = NULL;
	struct sb_ledger_settings settings = { .threshold = 0 };
	char directory[SB_PATH_ROOM + 16];
	size_t length;
	int result;

	if (!config || sodium_init() < 0)
		return sb_fail(error, -ENOMEM, "out of memory");
	result = sb_config_load(path, config, error);
	if (result < 0)
		return result;
	snprintf(directory, sizeof(directory), "%s/ledger", config->state_dir);
	result = sb_make_directory(directory, 0700);
	if (result < 0)
		return sb_fail(error, result, "%s: %s", directory, strerror(-result));
	result = load_settings(config, directory, &settings, error);
	if (result < 0)
		return result;
	if (config->ledger.roots[0])
		result = sb_file_read(config->ledger.roots, ROOTS_MAX, &tls_roots, &length);
	if (result < 0)
		return sb_fail(error, result, "tls_roots: %s: %s", config->ledger.roots, strerror(-result));
	result = sandbox(role, directory, config);
	if (result < 0)
		return sb_fail(error, result, "sandbox: %s", strerror(-result));
	result = sb_ledger_light_open(config, directory, (char *)tls_roots, &role->light, error);
	if (result < 0)
		return result;
	ledger_role_port(role);
	role->ledger = sb_ledger_new(&role->port, &settings);
	explicit_bzero(&settings, sizeof(settings));
	return role->ledger ? 0 : sb_fail(error, -ENOMEM, "out of memory");
}

static int open_loop(struct ledger_role *role)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&role->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&role->changed, &attributes);
	role->told_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	role->base = event_base_new();
	if (!role->base || role->told_fd < 0)
		return -ENOMEM;
	role->told = event_new(role->base, role->told_fd, EV_READ | EV_PERSIST, on_told, role);
	if (!role->told || event_add(role->told, NULL) < 0)
		return -ENOMEM;
	role->channel = sb_role_open(role->base, on_frame, role);
	return role->channel ? 0 : -ENOTCONN;
}

static void stop(struct ledger_role *role, pthread_t thread)
{
	pthread_mutex_lock(&role->lock);
	role->stop = true;
	pthread_cond_broadcast(&role->changed);
	pthread_mutex_unlock(&role->lock);
	/* It may be in the middle of a call to an endpoint, which ends by itself. Nothing is lost with it. */
	(void)thread;
	_exit(role->anew ? SB_ROLE_ANEW : 0);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "debug", no_argument, NULL, 'd' },
		{ "handover", no_argument, NULL, 'H' }, { NULL, 0, NULL, 0 },
	};
	static struct ledger_role role;
	const char *path = SB_CONFIG_PATH;
	struct sb_error error = { "" };
	bool debug = false;
	pthread_t thread;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'c')
			path = optarg;
		else if (option == 'd')
			debug = true;
		else if (option == 'H')
			sb_handover_use(SB_HANDOVER_FD);
		else
			return 2;
	}
	sb_log_open("sealbondd ledger", debug);
	/* libcrypto would look for its configuration; it needs none here. */
	setenv("OPENSSL_CONF", "/dev/null", 1);
	if (prepare(&role, path, &error) < 0) {
		sb_error("%s", error.text);
		return 1;
	}
	if (open_loop(&role) < 0) {
		sb_error("this program is started by sealbondd");
		return 1;
	}
	if (pthread_create(&thread, NULL, run, &role) != 0)
		return 1;
	sb_channel_send(role.channel, SB_ROLE_LEDGER, SB_ROLE_PARENT, SB_MESSAGE_READY, NULL, 0);
	event_base_dispatch(role.base);
	stop(&role, thread);
	return 0;
}
