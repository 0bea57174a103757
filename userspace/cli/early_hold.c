// SPDX-License-Identifier: Apache-2.0
/* Interfaces that stay closed because the machine could not be brought under enforcement. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#include "cli/early.h"
#include "common/file.h"
#include "kernel/links.h"

#define NETNS_DIRECTORY	"/run/netns"			/* of iproute2, so that "ip netns" shows it */
#define NETNS_NAME	"sealbond-held"
#define NETNS_PATH	NETNS_DIRECTORY "/" NETNS_NAME
#define RULES_DIRECTORY	"/run/udev/rules.d"
#define RULES_PATH	RULES_DIRECTORY "/00-sealbond-held.rules"

static bool is_namespace(int fd)
{
	struct statfs status;

	return fstatfs(fd, &status) == 0 && status.f_type == NSFS_MAGIC;
}

/* Makes a namespace and keeps it by a mount; this process stays where it is. */
static int make_namespace(void)
{
	sb_cleanup_close int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int result = own < 0 ? -errno : sb_make_directory(NETNS_DIRECTORY, 0755);
	sb_cleanup_close int place = -1;

	if (result < 0)
		return result;
	place = open(NETNS_PATH, O_RDONLY | O_CREAT | O_CLOEXEC, 0444);
	if (place < 0 || unshare(CLONE_NEWNET) < 0)
		return -errno;
	if (mount("/proc/self/ns/net", NETNS_PATH, NULL, MS_BIND, NULL) < 0)
		result = -errno;
	/* Netlink sockets that were opened here must be those of the first namespace. */
	if (setns(own, CLONE_NEWNET) < 0)
		result = -errno;
	return result;
}

static int open_namespace(int *fd)
{
	sb_cleanup_close int opened = open(NETNS_PATH, O_RDONLY | O_CLOEXEC);

	if (opened < 0 || !is_namespace(opened))
		return -ENOENT;
	*fd = sb_take_fd(&opened);
	return 0;
}

/* By its index: udev may have renamed it meanwhile. */
static int write_rule(void)
{
	char program[SB_PATH_ROOM], rule[SB_PATH_ROOM + 128];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	int result = sb_make_directory(RULES_DIRECTORY, 0755);

	if (length < 0)
		return -errno;
	program[length] = '\0';
	if (result < 0)
		return result;
	snprintf(rule, sizeof(rule), "ACTION==\"add\", SUBSYSTEM==\"net\", KERNEL!=\"lo\", "
		 "RUN+=\"%s early --hold $env{IFINDEX}\"\n", program);
	return sb_file_write(RULES_PATH, rule, strlen(rule), 0644);
}

static int write_reason(const char *reason)
{
	char text[1536];
	int result = sb_make_directory("/run/sealbond", 0755);

	snprintf(text, sizeof(text),
		 "%s\n"
		 "No network device is open: they are in the network namespace " NETNS_NAME " (ip netns).\n"
		 "Mend the cause, rebuild the initramfs and reboot. To boot without enforcement, add sealbond.open=1 to the "
		 "measured command line. From a console: ip netns exec " NETNS_NAME " ip link set DEVICE netns 1\n", reason);
	return result < 0 ? result : sb_file_write(EARLY_HELD_PATH, text, strlen(text), 0644);
}

int early_hold_device(uint32_t index, struct sb_error *error)
{
	sb_cleanup_close int fd = -1;
	unsigned int moved;

	if (open_namespace(&fd) < 0)
		return sb_fail(error, -ENOENT, "there is no network namespace " NETNS_NAME);
	return sb_links_move(index, fd, &moved, error);
}

int early_hold(const char *reason, unsigned int *moved, struct sb_error *error)
{
	sb_cleanup_close int fd = -1;
	/* The rule first: a device that comes while we move the others must not be missed. */
	int rule = write_rule(), told = write_reason(reason), result = open_namespace(&fd);

	*moved = 0;
	if (result < 0)
		result = make_namespace();
	if (result == 0 && fd < 0)
		result = open_namespace(&fd);
	if (result < 0)
		return sb_fail(error, result, "network namespace " NETNS_NAME ": %s", strerror(-result));
	result = sb_links_move(0, fd, moved, error);
	if (result == 0 && rule < 0)
		result = sb_fail(error, rule, RULES_PATH ": %s", strerror(-rule));
	if (result == 0 && told < 0)
		result = sb_fail(error, told, EARLY_HELD_PATH ": %s", strerror(-told));
	return result;
}
