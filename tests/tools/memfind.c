// SPDX-License-Identifier: Apache-2.0
/*
 * Looks for secrets in whatever root can read.
 *
 *   memfind files PATTERNS < LIST      files, one path a line
 *   memfind pid PATTERNS PID...        the memory of processes, as /proc/PID/mem gives it
 *   memfind kcore PATTERNS             the kernel's memory, as /proc/kcore gives it
 *
 * PATTERNS is a file of 32-byte secrets, each byte XORed with 0xa5: nowhere in this program's own memory are
 * they as they are. Each is looked for as bytes and as hexadecimal text. Says "found PATH OFFSET NUMBER FORM"
 * for each place, and at the end "files=N bytes=N unreadable=N found=N".
 * Exit code: 0, 2 for wrong usage, 4 when the kernel refuses /proc/kcore.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define MASK		0xa5
#define LENGTH		32
#define PATTERNS_MAX	64
#define TEXT		(2 * LENGTH)
#define CHUNK		(1 << 20)
#define FILE_MAX	(8 << 20)

static uint8_t pattern[PATTERNS_MAX][LENGTH];
static int patterns;
static bool first[256], first_digit[256];
static uint8_t buffer[CHUNK + TEXT];
static unsigned long long files, bytes, unreadable, found;

static void tick(int number)
{
	(void)number;
}

static int digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_raw(const uint8_t *at, const uint8_t *secret)
{
	for (int i = 0; i < LENGTH; i++)
		if ((at[i] ^ MASK) != secret[i])
			return false;
	return true;
}

static bool is_text(const uint8_t *at, const uint8_t *secret)
{
	for (int i = 0; i < LENGTH; i++) {
		int high = digit(at[2 * i]), low = digit(at[2 * i + 1]);

		if (high < 0 || low < 0 || ((high << 4 | low) ^ MASK) != secret[i])
			return false;
	}
	return true;
}

/* length bytes of a file, of which this buffer is the part from offset on. */
static void search(const char *path, uint64_t offset, const uint8_t *at, size_t length)
{
	for (size_t i = 0; i + LENGTH <= length; i++) {
		bool raw = first[at[i]], text = first_digit[at[i]] && i + TEXT <= length;

		for (int n = 0; (raw || text) && n < patterns; n++) {
			const char *form = raw && is_raw(at + i, pattern[n]) ? "bytes" :
					   text && is_text(at + i, pattern[n]) ? "text" : NULL;

			if (!form)
				continue;
			printf("found %s %#llx %d %s\n", path, (unsigned long long)(offset + i), n, form);
			found++;
		}
	}
}

/* From where it stands, up to room bytes; the end of a chunk is looked at again with the next one. */
static void search_fd(int fd, const char *path, uint64_t offset, uint64_t room)
{
	size_t kept = 0;

	while (room) {
		size_t want = room < CHUNK ? room : CHUNK, have;
		ssize_t got = read(fd, buffer + kept, want);

		if (got <= 0) {
			unreadable += got < 0;
			return;
		}
		have = kept + got;
		search(path, offset - kept, buffer, have);
		offset += got;
		bytes += got;
		room -= got;
		kept = have < TEXT - 1 ? have : TEXT - 1;
		memmove(buffer, buffer + have - kept, kept);
	}
}

/* A file that does not end, or makes its reader wait, gets a second. */
static void search_file(const char *path)
{
	const struct itimerval second = { { 0, 100000 }, { 1, 0 } }, never = { { 0, 0 }, { 0, 0 } };
	int fd;

	setitimer(ITIMER_REAL, &second, NULL);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		unreadable++;
	} else {
		files++;
		search_fd(fd, path, 0, FILE_MAX);
		close(fd);
	}
	setitimer(ITIMER_REAL, &never, NULL);
}

static void search_pid(const char *pid)
{
	char path[64], line[512];
	FILE *maps;
	int mem;

	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	maps = fopen(path, "r");
	snprintf(path, sizeof(path), "/proc/%s/mem", pid);
	mem = open(path, O_RDONLY);
	if (!maps || mem < 0) {
		perror(path);
		exit(1);
	}
	while (fgets(line, sizeof(line), maps)) {
		unsigned long long from, to;

		if (sscanf(line, "%llx-%llx r", &from, &to) != 2 || strstr(line, "[v"))
			continue;
		files++;
		if (lseek(mem, (off_t)from, SEEK_SET) == (off_t)from)
			search_fd(mem, path, from, to - from);
	}
	fclose(maps);
	close(mem);
}

/* The segments that are memory: those with a physical address. */
static void search_kcore(void)
{
	const char *path = "/proc/kcore";
	Elf64_Ehdr head;
	int fd = open(path, O_RDONLY);

	if (fd < 0) {
		printf("%s: %s\n", path, strerror(errno));
		exit(4);
	}
	if (read(fd, &head, sizeof(head)) != sizeof(head)) {
		printf("%s: %s\n", path, strerror(errno));
		exit(4);
	}
	for (int i = 0; i < head.e_phnum; i++) {
		Elf64_Phdr p;

		if (pread(fd, &p, sizeof(p), head.e_phoff + i * sizeof(p)) != sizeof(p))
			exit(1);
		if (p.p_type != PT_LOAD || p.p_paddr == (Elf64_Addr)-1 || p.p_filesz > 1ULL << 34)
			continue;
		files++;
		lseek(fd, p.p_offset, SEEK_SET);
		search_fd(fd, path, p.p_paddr, p.p_filesz);
	}
	close(fd);
}

static void load(const char *path)
{
	static const char digits[] = "0123456789abcdef";
	int fd = open(path, O_RDONLY);
	ssize_t got = fd < 0 ? -1 : read(fd, pattern, sizeof(pattern));

	if (got < LENGTH || got % LENGTH) {
		fprintf(stderr, "%s: not a list of patterns\n", path);
		exit(2);
	}
	close(fd);
	patterns = got / LENGTH;
	for (int n = 0; n < patterns; n++) {
		uint8_t c = digits[(pattern[n][0] ^ MASK) >> 4];

		first[pattern[n][0] ^ MASK] = true;
		first_digit[c] = true;
		first_digit[c & ~0x20] = true;
		first_digit[c | 0x20] = true;
	}
}

int main(int argc, char **argv)
{
	struct sigaction alarm = { .sa_handler = tick };
	char path[4096];

	sigaction(SIGALRM, &alarm, NULL);
	if (argc < 3) {
		fputs("usage: memfind files|pid|kcore PATTERNS [PID...]\n", stderr);
		return 2;
	}
	load(argv[2]);
	if (strcmp(argv[1], "kcore") == 0)
		search_kcore();
	for (int i = 3; i < argc; i++)
		search_pid(argv[i]);
	while (strcmp(argv[1], "files") == 0 && fgets(path, sizeof(path), stdin)) {
		path[strcspn(path, "\n")] = '\0';
		search_file(path);
	}
	printf("files=%llu bytes=%llu unreadable=%llu found=%llu\n", files, bytes, unreadable, found);
	return 0;
}
