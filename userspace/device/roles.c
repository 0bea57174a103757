// SPDX-License-Identifier: Apache-2.0
#include "device/roles.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "device/channel.h"
#include "device/role.h"

#ifndef SB_LIBEXECDIR
#define SB_LIBEXECDIR	"/usr/libexec/sealbond"
#endif

/* Who they are. A role with a program of its own keeps its libraries out of the others. */
static const struct {
	const char *name;
	const char *program;	/* NULL: this one, with --role */
} table[SB_ROLES] = {
	[SB_ROLE_TPM] = { "tpm", "sealbondd-tpm" },
	[SB_ROLE_LINK] = { "link", NULL },
	[SB_ROLE_LEDGER] = { "ledger", "sealbondd-ledger" },
};

#define BACKOFF_MIN_MS	500
#define BACKOFF_MAX_MS	30000
#define STEADY_S	60	/* a role that lived so long starts again without a wait */

struct role {
	struct sb_roles *roles;
	enum sb_role_id id;
	pid_t pid;		/* 0: does not run */
	struct sb_channel *channel;
	struct event *restart;
	unsigned int backoff_ms;
	time_t started;
	unsigned int starts;
};

struct sb_roles {
	struct event_base *base;
	const struct sb_roles_options *options;
	sb_roles_handler handler;
	void *context;
	bool stopping;
	int handover[2];	/* the link role's end and the ledger role's; -1: none. They outlive the roles */
	struct role role[SB_ROLES];
};

static time_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void on_frame(void *context, const struct sb_frame_header *header, const uint8_t *payload)
{
	struct role *from = context;
	struct sb_roles *roles = from->roles;
	struct sb_frame_header stamped = *header;

	/* Nobody speaks for another. */
	stamped.from = (uint8_t)from->id;
	if (header->to == SB_ROLE_PARENT)
		roles->handler(roles->context, &stamped, payload);
	else if (header->to < SB_ROLES)
		sb_channel_send(roles->role[header->to].channel, stamped.from, header->to, header->type,
				payload, header->length);
}

static void on_closed(void *context)
{
	struct role *role = context;

	sb_channel_close(role->channel);
	role->channel = NULL;
	/* It has closed its socket, or sends rubbish: SIGCHLD starts it again. */
	if (role->pid > 0)
		kill(role->pid, SIGTERM);
}

/* The program beside this one (a build tree), else the installed one. */
static void find_program(const char *name, char *path, size_t room)
{
	ssize_t length = readlink("/proc/self/exe", path, room - 1);
	char *slash;

	if (length > 0) {
		path[length] = '\0';
		if (!name)
			return;
		slash = strrchr(path, '/');
		if (slash && (size_t)(slash + 1 - path) + strlen(name) < room) {
			strcpy(slash + 1, name);
			if (access(path, X_OK) == 0)
				return;
		}
	}
	snprintf(path, room, SB_LIBEXECDIR "/%s", name ? name : "sealbondd");
}

/* The role's end of the handover, where it looks for it; its own socket has its place by then. */
static void give_handover(const struct role *role)
{
	int fd = role->id == SB_ROLE_LINK ? role->roles->handover[0] :
		 role->id == SB_ROLE_LEDGER ? role->roles->handover[1] : -1;

	if (fd >= 0 && dup2(fd, SB_HANDOVER_FD) < 0)
		_exit(127);
}

/* In the child, between fork and exec. */
static void __attribute__((noreturn)) become(const struct role *role, const char *path, int fd, pid_t parent)
{
	const struct sb_roles_options *options = role->roles->options;
	const char *arguments[12] = { table[role->id].program ? table[role->id].program : "sealbondd" };
	int used = 1;
	sigset_t none;

	if (!table[role->id].program) {
		arguments[used++] = "--role";
		arguments[used++] = table[role->id].name;
		arguments[used++] = "--config";
		arguments[used++] = options->config;
		if (role->starts > 0)
			arguments[used++] = "--restarted";
	}
	if (role->id == SB_ROLE_LEDGER) {
		arguments[used++] = "--config";
		arguments[used++] = options->config;
	}
	if (role->roles->handover[0] >= 0 && role->id != SB_ROLE_TPM)
		arguments[used++] = "--handover";
	if (options->debug)
		arguments[used++] = "--debug";
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* The parent may have died before prctl. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0 || getppid() != parent)
		_exit(127);
	if (fd == SB_ROLE_FD ? fcntl(fd, F_SETFD, 0) < 0 : dup2(fd, SB_ROLE_FD) < 0)
		_exit(127);
	give_handover(role);
	execv(path, (char *const *)arguments);
	_exit(127);
}

static int start(struct role *role)
{
	static const struct sb_channel_handlers handlers = { on_frame, on_closed };
	pid_t parent = getpid(), pid;
	char path[PATH_MAX];
	int pair[2];

	find_program(table[role->id].program, path, sizeof(path));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	pid = fork();
	if (pid < 0) {
		int result = -errno;

		close(pair[0]);
		close(pair[1]);
		return result;
	}
	if (pid == 0)
		become(role, path, pair[1], parent);
	close(pair[1]);
	role->pid = pid;
	role->started = now_s();
	role->starts++;
	role->channel = sb_channel_open(role->roles->base, pair[0], &handlers, role);
	if (!role->channel)
		kill(pid, SIGTERM);
	sb_debug("role %s started, process %d", table[role->id].name, pid);
	return 0;
}

static void restart_later(struct role *role)
{
	struct timeval wait;

	if (role->roles->stopping)
		return;
	role->backoff_ms = role->backoff_ms ? role->backoff_ms * 2 : BACKOFF_MIN_MS;
	if (now_s() - role->started >= STEADY_S)
		role->backoff_ms = BACKOFF_MIN_MS;
	if (role->backoff_ms > BACKOFF_MAX_MS)
		role->backoff_ms = BACKOFF_MAX_MS;
	wait.tv_sec = role->backoff_ms / 1000;
	wait.tv_usec = role->backoff_ms % 1000 * 1000;
	event_add(role->restart, &wait);
}

static void on_restart(evutil_socket_t fd, short what, void *context)
{
	struct role *role = context;
	int result = start(role);

	(void)fd;
	(void)what;
	if (result < 0) {
		sb_error("role %s cannot be started: %s", table[role->id].name, strerror(-result));
		restart_later(role);
	}
}

/* Away from the places where roles look for their sockets. */
#define ABOVE	16

static int make_handover(int handover[2])
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		handover[i] = fcntl(pair[i], F_DUPFD_CLOEXEC, ABOVE);
		close(pair[i]);
	}
	return handover[0] < 0 || handover[1] < 0 ? -EMFILE : 0;
}

struct sb_roles *sb_roles_start(struct event_base *base, const struct sb_roles_options *options,
				sb_roles_handler handler, void *context)
{
	struct sb_roles *roles = calloc(1, sizeof(*roles));

	if (!roles)
		return NULL;
	roles->base = base;
	roles->options = options;
	roles->handler = handler;
	roles->context = context;
	roles->handover[0] = roles->handover[1] = -1;
	/* Without it the ledger is out of reach in mode enforce, and only there. */
	if (options->ledger && make_handover(roles->handover) < 0)
		sb_error("no sockets between the roles: %s", strerror(errno));
	for (int id = 0; id < SB_ROLES; id++) {
		struct role *role = &roles->role[id];

		if (!table[id].name || (id == SB_ROLE_LEDGER && !options->ledger))
			continue;
		role->roles = roles;
		role->id = (enum sb_role_id)id;
		role->restart = evtimer_new(base, on_restart, role);
		if (!role->restart) {
			sb_roles_stop(roles);
			return NULL;
		}
		on_restart(-1, 0, role);
	}
	return roles;
}

static void ended(struct role *role, int status)
{
	bool anew = WIFEXITED(status) && WEXITSTATUS(status) == SB_ROLE_ANEW;
	const char *name = table[role->id].name;

	if (role->roles->stopping || anew)
		sb_debug("role %s ended", name);
	else if (WIFSIGNALED(status))
		sb_warn("role %s was ended by signal %d; it starts again", name, WTERMSIG(status));
	else
		sb_warn("role %s ended with code %d; it starts again", name, WEXITSTATUS(status));
	sb_channel_close(role->channel);
	role->channel = NULL;
	role->pid = 0;
	/* It has said why, and nothing is wrong with it: the shortest wait. */
	if (anew)
		role->backoff_ms = 0;
	restart_later(role);
}

void sb_roles_reap(struct sb_roles *roles)
{
	for (int id = 0; id < SB_ROLES; id++) {
		struct role *role = &roles->role[id];
		int status;

		if (role->pid > 0 && waitpid(role->pid, &status, WNOHANG) == role->pid)
			ended(role, status);
	}
}

int sb_roles_send(struct sb_roles *roles, enum sb_role_id to, enum sb_message type, const void *payload,
		  size_t length)
{
	if (!roles->role[to].channel)
		return -ENOTCONN;
	return sb_channel_send(roles->role[to].channel, SB_ROLE_PARENT, (uint8_t)to, (uint16_t)type, payload,
			       length);
}

void sb_roles_stop(struct sb_roles *roles)
{
	if (!roles)
		return;
	roles->stopping = true;
	for (int id = 0; id < SB_ROLES; id++)
		if (roles->role[id].pid > 0)
			kill(roles->role[id].pid, SIGTERM);
	for (int id = 0; id < SB_ROLES; id++) {
		struct role *role = &roles->role[id];
		int status;

		if (role->pid > 0 && waitpid(role->pid, &status, 0) == role->pid)
			ended(role, status);
		if (role->restart)
			event_free(role->restart);
	}
	for (int i = 0; i < 2; i++)
		if (roles->handover[i] >= 0)
			close(roles->handover[i]);
	free(roles);
}
