/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's end of the verdict channel, and its process 1: runs commands for the harness, says how
 * they ended, moves files. If it dies the kernel panics, and the harness sees that.
 *
 * A frame, both ways: u32 length of what follows, u8 type, u32 id, payload; big endian.
 *
 *	'R' run    u32 timeout in ms (0: none), u32 output bound, command      -> 'O'... 'X'
 *	'K' kill   u8 signal, to the job's whole process group                 -> nothing
 *	'P' put    u32 mode, u64 offset, u16 path length, path, bytes          -> 'X'
 *	'G' get    path                                                        -> 'D'... 'X'
 *	'Q' quit   u8: 0 power off, 1 reboot; ends processes, unmounts, syncs  -> nothing
 *	'H' hello  kernel release (guest to host, once)
 *	'O' output bytes
 *	'D' data   bytes of a file, in order
 *	'X' exit   i32 exit code (128 + signal where killed, -errno where refused), u8 flags
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PORT_NAME	"sealbond.verdict"
#define STATE_DIR	"/var/lib/sealbond"
#define FRAME_MAX	(512 * 1024)
#define HEADER		9
#define JOBS		64

#define FLAG_TIMEOUT	1
#define FLAG_TRUNCATED	2

struct job {
	bool used;
	bool ended;		/* the exit is told; only a child's child still holds the pipe */
	uint32_t id;
	pid_t pid;
	int fd;
	uint64_t deadline;	/* ms, 0: none */
	uint32_t room;		/* bytes of output still to be passed on */
	uint8_t flags;
};

static struct job jobs[JOBS];
static int port = -1;
static uint8_t in[HEADER + FRAME_MAX];
static size_t in_len;
static sigset_t normal_mask;

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static uint64_t get64(const uint8_t *p)
{
	return (uint64_t)get32(p) << 32 | get32(p + 4);
}

static void put32(uint8_t *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
}

/* The port of our name; it appears a moment after its driver. */
static int open_port(void)
{
	for (int tries = 0; tries < 2000; tries++) {
		DIR *dir = opendir("/sys/class/virtio-ports");
		struct dirent *entry;

		while (dir && (entry = readdir(dir))) {
			char path[PATH_MAX], name[64] = "";
			FILE *f;

			snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", entry->d_name);
			f = fopen(path, "re");
			if (!f)
				continue;
			if (!fgets(name, sizeof(name), f))
				name[0] = 0;
			fclose(f);
			name[strcspn(name, "\n")] = 0;
			if (strcmp(name, PORT_NAME) != 0)
				continue;
			snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
			closedir(dir);
			return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		}
		if (dir)
			closedir(dir);
		usleep(5000);
	}
	errno = ENODEV;
	return -1;
}

static void send_bytes(const uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(port, p, len);

		if (n > 0) {
			p += n;
			len -= n;
			continue;
		}
		if (n < 0 && errno != EAGAIN && errno != EINTR && errno != EPIPE)
			exit(1);
		struct pollfd pfd = { .fd = port, .events = POLLOUT };

		poll(&pfd, 1, 10);
	}
}

static void send_frame(char type, uint32_t id, const void *payload, size_t len)
{
	uint8_t header[HEADER];

	put32(header, len + 5);
	header[4] = type;
	put32(header + 5, id);
	send_bytes(header, sizeof(header));
	send_bytes(payload, len);
}

static void send_exit(uint32_t id, int32_t code, uint8_t flags)
{
	uint8_t payload[5];

	put32(payload, code);
	payload[4] = flags;
	send_frame('X', id, payload, sizeof(payload));
}

static void start_job(uint32_t id, const uint8_t *p, size_t len)
{
	struct job *job = NULL;
	char *command;
	int pipes[2];

	for (int i = 0; i < JOBS && !job; i++)
		if (!jobs[i].used)
			job = &jobs[i];
	if (!job || len < 8) {
		send_exit(id, job ? -EINVAL : -EAGAIN, 0);
		return;
	}
	command = strndup((const char *)p + 8, len - 8);
	if (!command || pipe2(pipes, O_CLOEXEC) < 0) {
		send_exit(id, -errno, 0);
		free(command);
		return;
	}
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDONLY);

		setsid();
		sigprocmask(SIG_SETMASK, &normal_mask, NULL);
		dup2(null, 0);
		dup2(pipes[1], 1);
		dup2(pipes[1], 2);
		close(null);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	free(command);
	close(pipes[1]);
	if (pid < 0) {
		send_exit(id, -errno, 0);
		close(pipes[0]);
		return;
	}
	fcntl(pipes[0], F_SETFL, O_NONBLOCK);
	*job = (struct job){
		.used = true, .id = id, .pid = pid, .fd = pipes[0], .room = get32(p + 4),
		.deadline = get32(p) ? now_ms() + get32(p) : 0,
	};
}

/* Passes on what is there; false at the end of the output. */
static bool drain(struct job *job)
{
	static uint8_t buf[32768];

	for (;;) {
		ssize_t n = read(job->fd, buf, sizeof(buf));

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;
		if (job->ended)
			continue;
		size_t pass = (size_t)n < job->room ? (size_t)n : job->room;

		if (pass < (size_t)n)
			job->flags |= FLAG_TRUNCATED;
		if (pass > 0)
			send_frame('O', job->id, buf, pass);
		job->room -= pass;
	}
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < JOBS; i++) {
			struct job *job = &jobs[i];

			if (!job->used || job->ended || job->pid != pid)
				continue;
			bool open_end = drain(job);

			send_exit(job->id, WIFSIGNALED(status) ? 128 + WTERMSIG(status)
							       : WEXITSTATUS(status), job->flags);
			job->ended = true;
			if (!open_end) {
				close(job->fd);
				job->used = false;
			}
		}
	}
}

static void kill_job(uint32_t id, int signal)
{
	for (int i = 0; i < JOBS; i++)
		if (jobs[i].used && !jobs[i].ended && jobs[i].id == id)
			kill(-jobs[i].pid, signal);
}

static void make_parents(char *path)
{
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = 0;
		mkdir(path, 0755);
		*p = '/';
	}
}

static int put_file(const uint8_t *p, size_t len)
{
	char path[PATH_MAX];
	size_t path_len;
	int fd, err = 0;

	if (len < 14)
		return -EINVAL;
	path_len = p[12] << 8 | p[13];
	if (path_len == 0 || path_len >= sizeof(path) || len - 14 < path_len)
		return -EINVAL;
	memcpy(path, p + 14, path_len);
	path[path_len] = 0;
	make_parents(path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (get64(p + 4) ? 0 : O_TRUNC), 0600);
	if (fd < 0)
		return -errno;
	uint64_t offset = get64(p + 4);
	const uint8_t *data = p + 14 + path_len;

	for (size_t left = len - 14 - path_len; left > 0 && !err;) {
		ssize_t n = pwrite(fd, data, left, offset);

		if (n < 0) {
			err = -errno;
			break;
		}
		data += n;
		offset += n;
		left -= n;
	}
	/* some files below /proc and /sys cannot be given a mode */
	if (!err)
		(void)!fchmod(fd, get32(p));
	close(fd);
	return err;
}

/* Read once, front to back: some files of the kernel give nonsense for a second look at an offset. */
static int get_file(uint32_t id, const uint8_t *p, size_t len)
{
	static uint8_t buf[65536];
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	if (len == 0 || len >= sizeof(path))
		return -EINVAL;
	memcpy(path, p, len);
	path[len] = 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		send_frame('D', id, buf, n);
	n = n < 0 ? -errno : 0;
	close(fd);
	return n;
}

static void quit(int how)
{
	uint64_t until = now_ms() + 2000;

	kill(-1, SIGTERM);
	kill(-1, SIGCONT);
	while (now_ms() < until && (waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD))
		usleep(2000);
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	umount2(STATE_DIR, 0);
	sync();
	reboot(how == 1 ? RB_AUTOBOOT : RB_POWER_OFF);
}

static void handle(uint8_t type, uint32_t id, const uint8_t *p, size_t len)
{
	switch (type) {
	case 'R':
		start_job(id, p, len);
		break;
	case 'K':
		if (len == 1)
			kill_job(id, p[0]);
		break;
	case 'P':
		send_exit(id, put_file(p, len), 0);
		break;
	case 'G':
		send_exit(id, get_file(id, p, len), 0);
		break;
	case 'Q':
		quit(len == 1 ? p[0] : 0);
		break;
	}
}

static void receive(void)
{
	ssize_t n = read(port, in + in_len, sizeof(in) - in_len);

	if (n <= 0)
		return;
	in_len += n;
	for (;;) {
		size_t len = in_len >= 4 ? get32(in) : 0;

		if (len > FRAME_MAX || (in_len >= 4 && len < 5)) {
			fprintf(stderr, "agent: a frame of %zu bytes\n", len);
			exit(1);
		}
		if (in_len < 4 || in_len - 4 < len)
			return;
		handle(in[4], get32(in + 5), in + HEADER, len - 5);
		memmove(in, in + 4 + len, in_len - 4 - len);
		in_len -= 4 + len;
	}
}

/* Ends the jobs that are late; how long until the next one is, in ms, -1: never. */
static int check_deadlines(void)
{
	uint64_t now = now_ms();
	int next = -1;

	for (int i = 0; i < JOBS; i++) {
		struct job *job = &jobs[i];

		if (!job->used || job->ended || !job->deadline)
			continue;
		if (now >= job->deadline) {
			job->flags |= FLAG_TIMEOUT;
			job->deadline = 0;
			kill(-job->pid, SIGKILL);
		} else if (next < 0 || job->deadline - now < (uint64_t)next) {
			next = job->deadline - now;
		}
	}
	return next;
}

int main(void)
{
	struct pollfd pfds[JOBS + 2];
	struct job *owner[JOBS + 2];
	struct utsname uts;
	sigset_t mask;
	int children;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, &normal_mask);
	children = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	port = open_port();
	if (port < 0 || children < 0) {
		perror("agent: " PORT_NAME);
		return 1;
	}
	uname(&uts);
	send_frame('H', 0, uts.release, strlen(uts.release));
	for (;;) {
		int count = 2, timeout = check_deadlines();

		pfds[0] = (struct pollfd){ .fd = port, .events = POLLIN };
		pfds[1] = (struct pollfd){ .fd = children, .events = POLLIN };
		for (int i = 0; i < JOBS; i++) {
			if (!jobs[i].used)
				continue;
			owner[count] = &jobs[i];
			pfds[count++] = (struct pollfd){ .fd = jobs[i].fd, .events = POLLIN };
		}
		if (poll(pfds, count, timeout) < 0 && errno != EINTR)
			return 1;
		if (pfds[0].revents & POLLIN)
			receive();
		else if (pfds[0].revents & POLLHUP)
			usleep(10000);
		for (int i = 2; i < count; i++) {
			struct job *job = owner[i];

			if (!pfds[i].revents || !job->used || drain(job))
				continue;
			/* the output is closed, the process may go on */
			close(job->fd);
			job->fd = -1;
			if (job->ended)
				job->used = false;
		}
		if (pfds[1].revents & POLLIN) {
			struct signalfd_siginfo info;

			while (read(children, &info, sizeof(info)) == sizeof(info))
				;
			reap();
		}
	}
}
