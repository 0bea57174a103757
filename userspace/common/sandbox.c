// SPDX-License-Identifier: Apache-2.0
#include "common/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"

int sb_sandbox_begin(void)
{
	static const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

int sb_sandbox_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	/* Dropping from the bounding set needs CAP_SETPCAP; without it there is nothing to drop. */
	for (int capability = 0; capability <= 63; capability++)
		if (!(keep & 1ULL << capability) && prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1 &&
		    prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno != EPERM)
			return -errno;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	for (int half = 0; half < 2; half++) {
		data[half].permitted &= (uint32_t)(keep >> 32 * half);
		data[half].effective = data[half].permitted;
		data[half].inheritable = 0;
	}
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

#define READ_FILE	(LANDLOCK_ACCESS_FS_READ_FILE)
#define WRITE_FILE	(READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)
#define READ_DIR	(READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_DIR	(WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | \
			 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE)

/* Every right of Landlock's first version: what is not named in a rule is refused. */
#define HANDLED		((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

static int add_path(int ruleset, const struct sb_sandbox_path *path)
{
	sb_cleanup_close int fd = open(path->path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = { .parent_fd = fd };
	struct stat status;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		rule.allowed_access = path->write ? WRITE_DIR : READ_DIR;
	else
		rule.allowed_access = path->write ? WRITE_FILE : READ_FILE;
	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0 ? -errno : 0;
}

int sb_sandbox_paths(const struct sb_sandbox_path *paths, size_t count)
{
	const struct landlock_ruleset_attr attribute = { .handled_access_fs = HANDLED };
	sb_cleanup_close int ruleset = -1;

	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attribute, sizeof(attribute), 0);
	if (ruleset < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 1 : -errno;
	for (size_t i = 0; i < count; i++) {
		int result = add_path(ruleset, &paths[i]);

		if (result < 0)
			return result;
	}
	return syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ? -errno : 0;
}

/* What an event loop with sockets, timers, signals and files needs. */
static const char *const base_calls[] = {
	"read", "write", "readv", "writev", "close", "fstat", "newfstatat", "stat", "lstat", "statx", "lseek",
	"open", "openat", "fcntl", "fsync", "fchmod", "rename", "renameat", "renameat2", "link", "linkat", "unlink",
	"unlinkat", "mkdir", "getdents64",
	"mmap", "munmap", "mremap", "mprotect", "madvise", "brk", "poll", "ppoll", "epoll_create1",
	"epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd2", "pipe2", "dup", "dup2", "dup3",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "clock_gettime", "clock_nanosleep",
	"nanosleep", "gettimeofday", "time", "timerfd_create", "timerfd_settime", "getpid", "gettid",
	"getppid", "getuid", "geteuid", "getgid", "getegid", "getrandom", "futex", "restart_syscall",
	"exit", "exit_group", "connect", "bind", "listen", "accept", "accept4", "getsockname",
	"getsockopt", "setsockopt", "sendmsg", "recvmsg", "sendto", "recvfrom", "shutdown", "ioctl", "uname",
	"prctl", "capget", "capset", "access", "faccessat", "faccessat2", "readlink", "sysinfo",
	"sched_yield", "set_robust_list", "rseq", "getrlimit",
	"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", NULL
};

static int allow_sockets(scmp_filter_ctx filter, const unsigned int *families)
{
	int result = 0;

	for (; families && *families && result == 0; families++)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, *families));
	return result;
}

/* Of the kinds that stay with their other end: a datagram socket could be sent from, or connected, to anywhere. */
static int allow_pairs(scmp_filter_ctx filter)
{
	static const unsigned int types[] = { SOCK_STREAM, SOCK_SEQPACKET };
	const uint64_t kind = 0xf;	/* the rest of a type is flags */
	int result = 0;

	for (size_t i = 0; i < SB_ARRAY_SIZE(types) && result == 0; i++)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 2, SCMP_A0(SCMP_CMP_EQ, AF_UNIX),
					  SCMP_A1(SCMP_CMP_MASKED_EQ, kind, types[i]));
	return result;
}

/* Of a process of root every other one could be meant: signals to abort by, and limits, are for oneself. */
static int allow_own(scmp_filter_ctx filter)
{
	int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				      SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));

	return result < 0 ? result : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
						      SCMP_A0(SCMP_CMP_EQ, 0));
}

static int allow(scmp_filter_ctx filter, const char *const *calls)
{
	for (; calls && *calls; calls++) {
		int call = seccomp_syscall_resolve_name(*calls);
		int result;

		/* Not every architecture has every old call. */
		if (call == __NR_SCMP_ERROR || call < 0)
			continue;
		result = strcmp(*calls, "socketpair") == 0 ? allow_pairs(filter) :
			 seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
		if (result < 0)
			return result;
	}
	return 0;
}

int sb_sandbox_calls(const char *const *more, const unsigned int *families)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int result;

	if (!filter)
		return -ENOMEM;
	result = allow_sockets(filter, families);
	if (result == 0)
		result = allow_own(filter);
	if (result == 0)
		result = allow(filter, base_calls);
	if (result == 0)
		result = allow(filter, more);
	if (result == 0)
		result = seccomp_load(filter);
	seccomp_release(filter);
	return result;
}
