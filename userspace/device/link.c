// SPDX-License-Identifier: Apache-2.0
#include "device/link.h"

#include <errno.h>
#include <libgen.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "common/assurance.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "common/sandbox.h"
#include "common/security.h"
#include "common/states.h"
#include "device/link_internal.h"
#include "device/role.h"

#define TICK_MS			15000
#define TICKS_TO_RECONCILE	4

void link_note(struct sb_link *link, const char *format, ...)
{
	char note[sizeof(link->note)];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(note, sizeof(note), format, arguments);
	va_end(arguments);
	if (strcmp(note, link->note) == 0)
		return;
	strcpy(link->note, note);
	/* What is found again at each try is logged once. */
	if (note[0] && strcmp(note, link->logged) != 0) {
		sb_warn("%s", note);
		strcpy(link->logged, note);
	}
	sb_channel_send(link->channel, SB_ROLE_LINK, SB_ROLE_PARENT, SB_MESSAGE_NOTE, note[0] ? note : "running",
			strlen(note[0] ? note : "running"));
}

void link_schedule(struct event *timer, uint64_t ms)
{
	const struct timeval wait = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) };

	event_add(timer, &wait);
}

uint64_t link_jitter(uint64_t ms, unsigned int percent)
{
	uint64_t width = ms * percent / 100 * 2 + 1, random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		return ms;
	return ms - width / 2 + random % width;
}

uint64_t link_backoff(uint32_t *backoff_ms, uint32_t first, uint32_t last)
{
	*backoff_ms = *backoff_ms ? *backoff_ms * 2 : first;
	if (*backoff_ms > last)
		*backoff_ms = last;
	return *backoff_ms;
}

static void disconnect(struct sb_link *link)
{
	link_peers_stop(link);
	if (link->events_ready)
		event_free(link->events_ready);
	link->events_ready = NULL;
	sb_events_close(link->events);
	link->events = NULL;
	sb_module_close(link->module);
	link->module = NULL;
	link->local_set = false;
	link->lost = false;
	link->key_state = SEALBOND_STATE_NO_KEY;
	link->has_candidate = link->unstored = false;
	event_del(link->key_timer);
}

/* Closing here would pull the module from under our callers: that is the connect timer's. */
void link_check_error(struct sb_link *link, int result)
{
	struct sb_status status;

	if (result == 0 || !link->module || sb_module_status(link->module, &status) == 0)
		return;
	link->lost = true;
	link_schedule(link->connect_timer, 0);
}

static void on_one_event(void *context, const struct sb_event *event)
{
	struct sb_link *link = context;

	if (event->kind == SEALBOND_EVENT_KEY || event->kind == SEALBOND_EVENT_ALARM) {
		link_key_look(link);
		if (event->kind == SEALBOND_EVENT_KEY)
			link_ledger_keys_changed(link);
	}
	else
		link_bond_event(link, event);
}

static void on_events(evutil_socket_t fd, short what, void *context)
{
	struct sb_link *link = context;
	int result = sb_events_read(link->events, on_one_event, link);

	(void)fd;
	(void)what;
	if (result == -ENOBUFS) {
		sb_warn("events were lost; looking at everything again");
		link_key_look(link);
		link_peers_reconcile(link);
	} else if (result < 0) {
		link_schedule(link->connect_timer, 0);
	}
}

/*
 * The configured mode is set once, and again when the module was loaded anew. What the operator
 * has set since stays, also when this process had to be restarted; only "off" is not believed
 * then, for that is also what an earlier process leaves that died before it came to this.
 */
static int set_mode_once(struct sb_link *link, unsigned int current, struct sb_error *error)
{
	bool keep = link->mode_set || (link->restarted && current != SEALBOND_MODE_OFF);
	int result = keep ? 0 : link_set_mode(link, error);

	link->restarted = false;
	link->mode_set = result == 0;
	return result;
}

/* Enforcement first, then everything that can fail without opening anything. */
static int configure(struct sb_link *link, struct sb_error *error)
{
	struct sb_status status;
	int result = sb_module_status(link->module, &status), mode_result, interface_result;

	if (result < 0)
		return sb_fail(error, result, "the module's status: %s", sb_module_error(link->module));
	link->frozen[0] = '\0';
	link_compare_measured(link, &status);
	result = link_set_exceptions(link, error);
	mode_result = set_mode_once(link, status.mode, error);
	result = mode_result < 0 ? mode_result : result;
	if (link_set_grant_keys(link, error) < 0)
		return -EIO;
	if (result == 0)
		link_lock(link);
	interface_result = link_set_interface(link, error);
	link_key_start(link, true);
	if (link->have_id && link_set_local(link, error) < 0)
		return -EIO;
	link_id_start(link);
	link_peers_apply(link);
	return result < 0 ? result : interface_result;
}

static int connect_module(struct sb_link *link, struct sb_error *error)
{
	int result = sb_module_open(&link->module, error);

	if (result == 0)
		result = sb_events_open(&link->events, true, false, error);
	if (result < 0)
		return result;
	link->events_ready = event_new(link->base, sb_events_fd(link->events), EV_READ | EV_PERSIST, on_events, link);
	if (!link->events_ready || event_add(link->events_ready, NULL) < 0)
		return sb_fail(error, -ENOMEM, "out of memory");
	return configure(link, error);
}

/* Whatever fails is noted and tried again: no state of the machine ends this process. */
static void on_connect(evutil_socket_t fd, short what, void *context)
{
	struct sb_link *link = context;
	struct sb_error error = { "" };
	int result;

	(void)fd;
	(void)what;
	disconnect(link);
	link_note(link, "%s", "");
	result = connect_module(link, &error);
	if (result < 0) {
		/* When it comes, it comes in mode off. */
		if (!link->module)
			link->mode_set = false;
		link_note(link, "%s", error.text);
		link_schedule(link->connect_timer, link_jitter(link_backoff(&link->connect_backoff_ms, 1000, 30000), 10));
	} else {
		link->connect_backoff_ms = 0;
		link->logged[0] = '\0';
	}
	if (!link->ready_told)
		sb_channel_send(link->channel, SB_ROLE_LINK, SB_ROLE_PARENT, SB_MESSAGE_READY, NULL, 0);
	link->ready_told = true;
}

/* The module may have been unloaded, or loaded anew and empty. */
static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct sb_link *link = context;
	struct sb_status status;

	(void)fd;
	(void)what;
	link_schedule(link->tick_timer, TICK_MS);
	if (!link->module)
		return;
	if (sb_module_status(link->module, &status) < 0 || (link->local_set && !status.configured)) {
		link->mode_set = false;
		link_schedule(link->connect_timer, 0);
		return;
	}
	if (status.key.state != link->key_state || link->key_file_late || link->unstored)
		link_key_look(link);
	link_approvals_watch(link);
	if (link->lock_waits)
		link_lock(link);
	if (++link->ticks % TICKS_TO_RECONCILE == 0)
		link_peers_reconcile(link);
}

/* Exceptions in the order that early boot gives them, so that a locked machine has the same ones. */
static int load_config(const struct sb_link *link, struct sb_config *config, struct sb_error *error)
{
	int result = sb_config_load(link->config_path, config, error);

	if (result == 0)
		sb_security_order(config);
	return result;
}

static int check_reload(const struct sb_link *link, const struct sb_config *next, struct sb_error *error)
{
	const struct sb_config *now = &link->config;

	if (strcmp(now->state_dir, next->state_dir) != 0 || strcmp(now->run_dir, next->run_dir) != 0 ||
	    strcmp(now->interface, next->interface) != 0 || now->if_id != next->if_id)
		return sb_fail(error, -EBUSY, "state_dir, run_dir, interface and if_id change at a restart only: "
			       "systemctl restart sealbondd");
	if (memcmp(&now->ledger, &next->ledger, sizeof(now->ledger)) != 0)
		return sb_fail(error, -EBUSY, "[ledger] changes at a restart only: systemctl restart sealbondd");
	return 0;
}

/* From the running configuration to the one in link->config; the first trouble is reported. */
static int apply_changes(struct sb_link *link, const struct sb_config *old, struct sb_error *error)
{
	const struct sb_config *now = &link->config;
	struct sb_status status;
	int result = 0, step;

	if (!link->module)
		return sb_fail(error, -ENOENT, "taken; it is applied when the kernel module is there");
	link->frozen[0] = '\0';
	if (sb_module_status(link->module, &status) == 0)
		link_compare_measured(link, &status);
	if (old->exceptions_count != now->exceptions_count ||
	    memcmp(old->exceptions, now->exceptions, now->exceptions_count * sizeof(now->exceptions[0])) != 0)
		result = link_set_exceptions(link, error);
	if (old->mode != now->mode) {
		step = link_set_mode(link, error);
		result = result < 0 ? result : step;
	}
	step = link_set_grant_keys(link, error);
	result = result < 0 ? result : step;
	if (result == 0)
		link_lock(link);
	if (link->sb0_index)
		link_del_addresses(link, old);
	step = link_set_interface(link, error);
	result = result < 0 ? result : step;
	step = link_set_local(link, error);
	result = result < 0 ? result : step;
	if (old->after != now->after || old->jitter != now->jitter)
		link_bonds_reschedule(link);
	if (result == 0 && link->standing[0])
		result = sb_fail(error, -EPERM, "%s", link->standing);
	return result;
}

static bool same_keys(const struct sb_config *a, const struct sb_config *b)
{
	return a->grant_keys_count == b->grant_keys_count && a->threshold == b->threshold &&
	       memcmp(a->grant_keys, b->grant_keys, sizeof(a->grant_keys)) == 0;
}

/* Peers come from the ledger, and no file has a word in it. */
static bool now_by_ledger(const struct sb_link *link)
{
	return link->config.ledger.endpoints_count > 0;
}

static int reload(struct sb_link *link, struct sb_error *error)
{
	sb_cleanup_free struct sb_config *next = calloc(1, sizeof(*next)), *old = malloc(sizeof(*old));
	struct sb_peer_list peers = { 0 };
	int result;

	if (!next || !old)
		return sb_fail(error, -ENOMEM, "out of memory");
	result = load_config(link, next, error);
	if (result == 0)
		result = check_reload(link, next, error);
	if (result == 0 && !next->ledger.endpoints_count)
		result = sb_peers_load(next->peers_file, &peers, error);
	if (result < 0)
		return result;
	*old = link->config;
	link->config = *next;
	link_ledger_overlays(link);
	result = apply_changes(link, old, error);
	if (!now_by_ledger(link) && (link_grants_load(link) < 0 || link_peers_replace(link, &peers) < 0))
		result = sb_fail(error, -ENOMEM, "peers: out of memory");
	sb_peers_free(&peers);
	/* Other grant keys have ended every peer in the kernel. */
	if (link->paused || !same_keys(old, next)) {
		link->paused = false;
		link_peers_apply(link);
	}
	link_key_start(link, true);
	return result;
}

static int down(struct sb_link *link, struct sb_error *error)
{
	int result;

	if (!link->module)
		return sb_fail(error, -ENOENT, "the kernel module is not loaded");
	link->paused = true;
	link_peers_stop(link);
	result = sb_module_end_bond(link->module, NULL);
	if (result == 0)
		result = sb_module_del_peer(link->module, NULL);
	if (result < 0)
		return sb_fail(error, result, "%s", sb_module_error(link->module));
	sb_info("down: all bonds ended; reload brings them back");
	return 0;
}

static void on_control(struct sb_link *link, const struct sb_control_request *request)
{
	struct sb_control_reply reply = { .id = request->id };
	struct sb_error error = { "" };

	switch (request->verb) {
	case SB_CONTROL_STATUS:
		if (!link->paused && !link->note[0] && !link->standing[0] && link->frozen[0])
			snprintf(error.text, sizeof(error.text), "locked: what the file says of %s takes effect after "
				 "a reboot", link->frozen);
		else
			snprintf(error.text, sizeof(error.text), "%s", link->paused ?
				 "down: bonds are ended until sealbond reload" :
				 link->note[0] ? link->note : link->standing);
		break;
	case SB_CONTROL_RELOAD:
		reply.error = reload(link, &error);
		break;
	case SB_CONTROL_DOWN:
		reply.error = down(link, &error);
		break;
	case SB_CONTROL_ROTATE_KEY:
		reply.error = link_key_rotate(link, &error);
		if (reply.error == 0)
			link_ledger_keys_changed(link);
		break;
	default:
		reply.error = sb_fail(&error, -EOPNOTSUPP, "the helper does not know this request");
	}
	snprintf(reply.text, sizeof(reply.text), "%s", error.text);
	sb_channel_send(link->channel, SB_ROLE_LINK, SB_ROLE_PARENT, SB_MESSAGE_CONTROL_REPLY, &reply, sizeof(reply));
}

static void on_frame(void *context, const struct sb_frame_header *header, const uint8_t *payload)
{
	struct sb_control_request request;
	struct sb_device_id_answer answer;
	struct sb_link *link = context;

	if (header->type == SB_MESSAGE_CONTROL && header->from == SB_ROLE_PARENT &&
	    header->length == sizeof(request)) {
		memcpy(&request, payload, sizeof(request));
		on_control(link, &request);
	} else if (header->type == SB_MESSAGE_DEVICE_ID && header->from == SB_ROLE_TPM &&
		   header->length == sizeof(answer)) {
		memcpy(&answer, payload, sizeof(answer));
		answer.text[sizeof(answer.text) - 1] = '\0';
		answer.ek_template[sizeof(answer.ek_template) - 1] = '\0';
		if (answer.ek_name_length <= sizeof(answer.ek_name))
			link_id_answer(link, &answer);
	} else if (header->from == SB_ROLE_LEDGER) {
		link_ledger_frame(link, header, payload);
	}
}

static const char *directory_of(char copy[SB_PATH_ROOM], const char *path)
{
	snprintf(copy, SB_PATH_ROOM, "%s", path);
	return dirname(copy);
}

/* Directories, not files: an editor replaces a file, and the new one must be readable too. */
static int sandbox(const struct sb_link *link)
{
	static const unsigned int families[] = { AF_NETLINK, 0 };
	char config[SB_PATH_ROOM], peers[SB_PATH_ROOM], key[SB_PATH_ROOM];
	char grant_key[SB_GRANT_KEYS_MAX][SB_PATH_ROOM];
	struct sb_sandbox_path paths[5 + SB_GRANT_KEYS_MAX] = {
		{ directory_of(config, link->config_path), 0 },
		{ directory_of(peers, link->config.peers_file), 0 },
		{ directory_of(key, link->config.release_key), 0 },
		{ link->config.state_dir, 1 },
	};
	size_t count = 4;
	int result = sb_sandbox_begin();

	if (link->config.grants[0])
		paths[count++] = (struct sb_sandbox_path){ link->config.grants, 0 };
	for (size_t i = 0; i < link->config.grant_keys_count; i++)
		paths[count++] = (struct sb_sandbox_path){ directory_of(grant_key[i], link->config.grant_keys[i]), 0 };

	if (result == 0)
		result = sb_sandbox_capabilities(1ULL << CAP_NET_ADMIN);
	if (result == 0)
		result = sb_sandbox_paths(paths, count);
	if (result < 0)
		return result;
	return sb_sandbox_calls(NULL, families);
}

static struct event_base *make_loop(void)
{
	static const struct timeval most = { 0, 50000 };
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config && event_config_set_max_dispatch_interval(config, &most, 16, LINK_PRIORITY_PEERS) == 0)
		base = event_base_new_with_config(config);
	if (base && event_base_priority_init(base, LINK_PRIORITIES) < 0) {
		event_base_free(base);
		base = NULL;
	}
	if (config)
		event_config_free(config);
	return base;
}

static int prepare(struct sb_link *link)
{
	struct sb_peer_list peers = { 0 };
	struct sb_error error;
	int result;

	if (load_config(link, &link->config, &error) < 0 ||
	    (!now_by_ledger(link) && sb_peers_load(link->config.peers_file, &peers, &error) < 0)) {
		sb_error("%s", error.text);
		return -EINVAL;
	}
	/* What only files tell, while they can be read. */
	link->system_gaps = sb_system_gaps();
	result = sandbox(link);
	if (result < 0) {
		sb_error("sandbox: %s", strerror(-result));
		return result;
	}
	link->base = make_loop();
	if (!link->base)
		return -ENOMEM;
	link->connect_timer = evtimer_new(link->base, on_connect, link);
	link->tick_timer = evtimer_new(link->base, on_tick, link);
	link->key_timer = evtimer_new(link->base, link_key_timer, link);
	link->id_timer = evtimer_new(link->base, link_id_timer, link);
	if (!link->connect_timer || !link->tick_timer || !link->key_timer || !link->id_timer ||
	    sb_interface_open(&link->interface, &error) < 0)
		return -ENOMEM;
	result = link_grants_load(link);
	if (result == 0)
		result = link_peers_replace(link, &peers);
	sb_peers_free(&peers);
	return result;
}

int sb_link_run(const char *config_path, bool restarted, int handover_fd)
{
	struct sb_link link = { .config_path = config_path, .restarted = restarted };

	if (prepare(&link) < 0)
		return SB_EXIT_FAILED;
	link.channel = sb_role_open(link.base, on_frame, &link);
	if (!link.channel) {
		sb_error("this role is started by sealbondd");
		return SB_EXIT_FAILED;
	}
	if (handover_fd >= 0 && link_handover_open(&link, handover_fd) < 0) {
		sb_error("the handover of sockets: %s", strerror(errno));
		return SB_EXIT_FAILED;
	}
	on_connect(-1, 0, &link);
	/* The ledger role tells its profile again to a link role that has not heard it. */
	link_ledger_keys_changed(&link);
	link_schedule(link.tick_timer, TICK_MS);
	event_base_dispatch(link.base);
	return SB_EXIT_OK;
}
