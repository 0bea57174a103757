// SPDX-License-Identifier: Apache-2.0
/* sealbondd: the parent of the roles, and with --role one of them. */
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "common/config.h"
#include "common/file.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/peers.h"
#include "common/sandbox.h"
#include "common/states.h"
#include "device/control.h"
#include "device/link.h"
#include "device/reboot.h"
#include "device/roles.h"

struct parent {
	struct event_base *base;
	struct sb_roles *roles;
	struct sb_control *control;
	struct sb_reboot reboot;
	bool ledger;		/* its role runs */
};

static void ask_reboot(struct parent *parent)
{
	int result = sb_reboot_ask(&parent->reboot);

	if (result == 0)
		sb_warn("this boot was approved: reboot");
	else if (result == -ENOENT)
		sb_error("reboot_when_approved counts from the helper's next start on: systemctl restart sealbondd");
	else
		sb_error("reboot: %s", strerror(-result));
}

static uint32_t ledger_reply_id(const uint8_t *payload)
{
	uint32_t id;

	memcpy(&id, payload, sizeof(id));
	return id;
}

static void on_role_frame(void *context, const struct sb_frame_header *header, const uint8_t *payload)
{
	struct parent *parent = context;
	struct sb_control_reply reply;

	switch (header->type) {
	case SB_MESSAGE_READY:
		/* The link role has asked the kernel for everything that needs no waiting. */
		if (header->from != SB_ROLE_LINK)
			break;
		sb_notify("READY=1");
		sb_info("ready");
		break;
	case SB_MESSAGE_NOTE:
		if (header->from == SB_ROLE_LINK)
			sb_notify_status(payload, header->length);
		break;
	case SB_MESSAGE_REBOOT:
		if (header->from == SB_ROLE_LINK)
			ask_reboot(parent);
		break;
	case SB_MESSAGE_LEDGER_REPLY:
		if (header->from == SB_ROLE_LEDGER && header->length == sizeof(struct sb_ledger_reply))
			sb_control_answer_by(parent->control, ledger_reply_id(payload), SB_MESSAGE_LEDGER_REPLY, payload,
					     header->length);
		break;
	case SB_MESSAGE_CONTROL_REPLY:
		if (header->from != SB_ROLE_LINK || header->length != sizeof(reply))
			break;
		memcpy(&reply, payload, sizeof(reply));
		reply.text[sizeof(reply.text) - 1] = '\0';
		if (reply.id)
			sb_control_answer(parent->control, &reply);
		else if (reply.error < 0)
			sb_error("reload refused, the old configuration goes on: %s", reply.text);
		else
			sb_info("reloaded");
		break;
	}
}

static int on_control(void *context, const struct sb_control_request *request)
{
	struct parent *parent = context;
	bool of_ledger = request->verb == SB_CONTROL_LEDGER || request->verb == SB_CONTROL_LEDGER_NOW;

	if (of_ledger && !parent->ledger)
		return -EOPNOTSUPP;
	return sb_roles_send(parent->roles, of_ledger ? SB_ROLE_LEDGER : SB_ROLE_LINK, SB_MESSAGE_CONTROL, request,
			     sizeof(*request));
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
	const struct sb_control_request reload = { .id = 0, .verb = SB_CONTROL_RELOAD };
	struct parent *parent = context;

	(void)what;
	switch (number) {
	case SIGCHLD:
		sb_roles_reap(parent->roles);
		sb_reboot_reap(&parent->reboot);
		break;
	case SIGHUP:
		if (on_control(parent, &reload) < 0)
			sb_error("reload: the link role does not run at the moment");
		break;
	default:
		event_base_loopbreak(parent->base);
	}
}

static int catch_signals(struct parent *parent)
{
	static const int numbers[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT };

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < SB_ARRAY_SIZE(numbers); i++) {
		struct event *event = evsignal_new(parent->base, numbers[i], on_signal, parent);

		if (!event || event_add(event, NULL) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Roles are restarted from here: what they may do, and exec, the parent must keep. */
static int sandbox(void)
{
	static const char *const calls[] = {
		"execve", "clone", "clone3", "vfork", "fork", "wait4", "waitid", "kill", "socketpair", "umask",
		"arch_prctl", "set_tid_address", "pread64", "pwrite64", "seccomp", "setrlimit", "getpgrp",
		/* of the ledger role, which has this filter below its own, as the others have */
		"tgkill", "sendmmsg", "recvmmsg", "getpeername", "adjtimex", "clock_adjtime", "getresuid", "getresgid",
		"statfs", "fstatfs", "sched_getaffinity", NULL
	};
	/* AF_UNIX is the parent's own, to tell systemd; the roles take from these what they do not need. */
	static const unsigned int families[] = { AF_UNIX, AF_NETLINK, AF_INET, AF_INET6, 0 };
	int result = sb_sandbox_begin();

	if (result == 0)
		result = sb_sandbox_capabilities(1ULL << CAP_NET_ADMIN | 1ULL << CAP_DAC_OVERRIDE);
	if (result == 0)
		result = sb_sandbox_calls(calls, families);
	return result;
}

static int check_files(const char *path, struct sb_config *config)
{
	struct sb_peer_list peers = { 0 };
	struct sb_error error;

	if (sb_config_load(path, config, &error) < 0 ||
	    (!config->ledger.endpoints_count && sb_peers_load(config->peers_file, &peers, &error) < 0)) {
		sb_error("%s", error.text);
		return SB_EXIT_USAGE;
	}
	sb_peers_free(&peers);
	return SB_EXIT_OK;
}

static int make_directories(const struct sb_config *config)
{
	const char *const paths[] = { config->run_dir, config->state_dir };
	char approvals[SB_PATH_ROOM + 16];
	int result = 0;

	for (size_t i = 0; i < SB_ARRAY_SIZE(paths) && result == 0; i++) {
		result = sb_make_directory(paths[i], 0755);
		if (result < 0)
			sb_error("%s: %s", paths[i], strerror(-result));
	}
	snprintf(approvals, sizeof(approvals), "%s/approvals", config->state_dir);
	if (result == 0)
		result = sb_make_directory(approvals, 0755);
	return result;
}

static int run_parent(const struct sb_roles_options *options, const struct sb_config *config)
{
	struct parent parent = { .reboot.fd = -1, .ledger = options->ledger };
	struct sb_error error;
	int result;

	if (make_directories(config) < 0)
		return SB_EXIT_FAILED;
	result = config->reboot_when_approved ? sb_reboot_prepare(&parent.reboot, config->reboot_command) : 0;
	if (result < 0) {
		sb_error("reboot_when_approved: %s", strerror(-result));
		return SB_EXIT_FAILED;
	}
	parent.base = event_base_new();
	if (!parent.base || catch_signals(&parent) < 0)
		return SB_EXIT_FAILED;
	if (sb_control_open(&parent.control, parent.base, config->run_dir, on_control, &parent, &error) < 0) {
		sb_error("%s", error.text);
		return SB_EXIT_FAILED;
	}
	result = sandbox();
	if (result < 0) {
		sb_error("sandbox: %s", strerror(-result));
		return SB_EXIT_FAILED;
	}
	parent.roles = sb_roles_start(parent.base, options, on_role_frame, &parent);
	if (!parent.roles)
		return SB_EXIT_FAILED;
	sb_info("started");
	event_base_dispatch(parent.base);
	sb_notify("STOPPING=1");
	sb_roles_stop(parent.roles);
	sb_control_close(parent.control);
	sb_info("ended; bonds live on until their leases end");
	return SB_EXIT_OK;
}

static const char usage[] =
	"usage: sealbondd [--config FILE] [--debug]    run the helper\n"
	"       sealbondd [--config FILE] --check      read the configuration and say whether it is right\n";

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "config", required_argument, NULL, 'c' }, { "check", no_argument, NULL, 'n' },
		{ "debug", no_argument, NULL, 'd' }, { "role", required_argument, NULL, 'r' },
		{ "restarted", no_argument, NULL, 'R' }, { "handover", no_argument, NULL, 'H' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	struct sb_roles_options options = { .config = SB_CONFIG_PATH };
	bool check = false, restarted = false, handover = false;
	struct sb_config config;
	const char *role = NULL;
	int option, result;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
		switch (option) {
		case 'c': options.config = optarg; break;
		case 'n': check = true; break;
		case 'd': options.debug = true; break;
		case 'r': role = optarg; break;
		case 'R': restarted = true; break;
		case 'H': handover = true; break;
		case 'h': fputs(usage, stdout); return SB_EXIT_OK;
		default: fputs(usage, stderr); return SB_EXIT_USAGE;
		}
	}
	if (optind != argc || (role && strcmp(role, "link") != 0)) {
		fputs(usage, stderr);
		return SB_EXIT_USAGE;
	}
	sb_log_open(role ? "sealbondd link" : "sealbondd", options.debug);
	if (role)
		return sb_link_run(options.config, restarted, handover ? SB_HANDOVER_FD : -1);
	result = check_files(options.config, &config);
	if (result != SB_EXIT_OK)
		return result;
	if (check) {
		printf("%s and %s are right\n", options.config, config.peers_file);
		return SB_EXIT_OK;
	}
	options.ledger = config.ledger.endpoints_count > 0;
	return run_parent(&options, &config);
}
