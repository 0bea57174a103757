// SPDX-License-Identifier: Apache-2.0
/* What a role can still do after it gave its rights up; each case is a process of its own. */
#include "cmocka_all.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/file.h"
#include "common/notify.h"
#include "common/sandbox.h"

static char directory[] = "/tmp/sealbond-sandbox-XXXXXX";
static char control[64], made[64];
static const char *const pairs[] = { "socketpair", NULL };

static int set_up(void **state)
{
	if (!mkdtemp(directory))
		return -1;
	snprintf(control, sizeof(control), "%s/control", directory);
	snprintf(made, sizeof(made), "%s/made", directory);
	return 0;
}

static int tear_down(void **state)
{
	unlink(control);
	unlink(made);
	return rmdir(directory);
}

/* A socket of ours at a path, as the helper's or systemd's. */
static int listens(int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0);

	unlink(control);
	strcpy(address.sun_path, control);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* 0 or errno of doing it in a sandbox with those families. */
static int in_sandbox(const char *const *calls, const unsigned int *families, int (*act)(void))
{
	pid_t child = fork();
	int how;

	if (child == 0)
		_exit(sb_sandbox_begin() < 0 || sb_sandbox_calls(calls, families) < 0 ? 255 : act());
	assert_int_equal(waitpid(child, &how, 0), child);
	assert_true(WIFEXITED(how));
	return WEXITSTATUS(how);
}

static int opens(int family, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int a_local_one(void)
{
	return opens(AF_UNIX, SOCK_STREAM);
}

static int a_netlink_one(void)
{
	return opens(AF_NETLINK, SOCK_RAW);
}

static int an_inet_one(void)
{
	return opens(AF_INET, SOCK_STREAM);
}

static int reach(int fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (fd < 0)
		return errno;
	strcpy(address.sun_path, control);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
}

static int reaches_control(void)
{
	return reach(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int reaches_by_a_pair(int type)
{
	int pair[2] = { -1, -1 };

	return socketpair(AF_UNIX, type, 0, pair) < 0 ? errno : reach(pair[0]);
}

static int reaches_by_a_stream_pair(void)
{
	return reaches_by_a_pair(SOCK_STREAM);
}

static int reaches_by_a_datagram_pair(void)
{
	return reaches_by_a_pair(SOCK_DGRAM | SOCK_CLOEXEC);
}

static int makes_a_file(void)
{
	return -sb_file_create(made, "x", 1, 0600);
}

static int signals_another(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), 0) < 0 ? errno : 0;
}

static int limits_another(void)
{
	struct rlimit now;

	return prlimit(getppid(), RLIMIT_CORE, NULL, &now) < 0 ? errno : 0;
}

static int itself(void)
{
	struct rlimit now;

	signal(SIGUSR1, SIG_IGN);
	return raise(SIGUSR1) != 0 || prlimit(0, RLIMIT_CORE, NULL, &now) < 0;
}

/* It has the uid of most other processes. */
static void other_processes(void **state)
{
	static const char *const of_the_parent[] = { "tgkill", NULL };

	assert_int_equal(in_sandbox(NULL, NULL, itself), 0);
	assert_int_equal(in_sandbox(NULL, NULL, signals_another), EPERM);
	assert_int_equal(in_sandbox(NULL, NULL, limits_another), EPERM);
	assert_int_equal(in_sandbox(of_the_parent, NULL, signals_another), 0);
}

/* The link role has AF_NETLINK, the one of the TPM none, the ledger's those of networks. */
static void families(void **state)
{
	static const unsigned int link[] = { AF_NETLINK, 0 }, ledger[] = { AF_INET, AF_INET6, AF_NETLINK, 0, 0 };

	assert_int_equal(in_sandbox(NULL, NULL, a_local_one), EPERM);
	assert_int_equal(in_sandbox(NULL, NULL, a_netlink_one), EPERM);
	assert_int_equal(in_sandbox(NULL, NULL, an_inet_one), EPERM);
	assert_int_equal(in_sandbox(NULL, link, a_netlink_one), 0);
	assert_int_equal(in_sandbox(NULL, link, a_local_one), EPERM);
	assert_int_equal(in_sandbox(NULL, link, an_inet_one), EPERM);
	assert_int_equal(in_sandbox(pairs, ledger, an_inet_one), 0);
	assert_int_equal(in_sandbox(pairs, ledger, a_netlink_one), 0);
	assert_int_equal(in_sandbox(pairs, ledger, a_local_one), EPERM);
}

/* Sockets of other programs, the helper's own among them, are for who has AF_UNIX, and for nobody by a detour. */
static void other_programs(void **state)
{
	static const unsigned int local[] = { AF_UNIX, 0 }, ledger[] = { AF_INET, AF_INET6, AF_NETLINK, 0 };
	int fd = listens(SOCK_STREAM);

	assert_int_equal(in_sandbox(pairs, local, reaches_control), 0);
	assert_int_equal(in_sandbox(pairs, ledger, reaches_control), EPERM);
	assert_int_equal(in_sandbox(NULL, ledger, reaches_by_a_stream_pair), EPERM);
	assert_int_equal(in_sandbox(pairs, ledger, reaches_by_a_stream_pair), EISCONN);
	close(fd);
	fd = listens(SOCK_DGRAM);
	assert_int_equal(reaches_by_a_datagram_pair(), 0);
	assert_int_equal(in_sandbox(pairs, ledger, reaches_by_a_datagram_pair), EPERM);
	close(fd);
}

static void files(void **state)
{
	assert_int_equal(in_sandbox(NULL, NULL, makes_a_file), 0);
	assert_int_equal(in_sandbox(NULL, NULL, makes_a_file), EEXIST);
}

static void is_told(int fd, const char *wanted)
{
	char got[512];
	ssize_t length = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);

	assert_true(length > 0);
	got[length] = '\0';
	assert_string_equal(got, wanted);
}

/* What a role says of itself for systemctl status is one line of text, and no word of ours to systemd. */
static void a_note(void **state)
{
	int fd = listens(SOCK_DGRAM);
	char longer[300];
	char wanted[256] = "STATUS=";

	setenv("NOTIFY_SOCKET", control, 1);
	sb_notify_status("x\nMAINPID=1\x1b[31m\x7f", 17);
	is_told(fd, "STATUS=x MAINPID=1 [31m ");
	memset(longer, 'y', sizeof(longer));
	memset(wanted + 7, 'y', sizeof(wanted) - 8);
	wanted[255] = '\0';
	sb_notify_status(longer, sizeof(longer));
	is_told(fd, wanted);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families), cmocka_unit_test(other_programs), cmocka_unit_test(other_processes),
		cmocka_unit_test(files), cmocka_unit_test(a_note),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
