// SPDX-License-Identifier: Apache-2.0
/*
 * A TPM of vtpm_proxy in front of an emulator, whose answers it can damage.
 *
 *   vtpm SOCKET FILE    says "tpmN" when the kernel has it. FILE: the damage, looked at before each answer;
 *                       none while it is not there
 */
#include <fcntl.h>
#include <linux/vtpm_proxy.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HEADER	10
#define ROOM	4096

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static void put32(uint8_t *p, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		p[i] = value >> (24 - 8 * i);
}

/* The emulator's answer; 0 when it is gone. */
static size_t answer(int emulator, uint8_t *data)
{
	size_t have = 0, want = HEADER;

	while (have < want) {
		ssize_t got = read(emulator, data + have, want - have);

		if (got <= 0)
			return 0;
		have += got;
		if (have == HEADER)
			want = get32(data + 2);
		if (want > ROOM)
			return 0;
	}
	return have;
}

static void read_word(const char *path, char word[16])
{
	int fd = open(path, O_RDONLY);
	ssize_t got = fd < 0 ? 0 : read(fd, word, 15);

	if (fd >= 0)
		close(fd);
	word[got > 0 ? got : 0] = '\0';
	word[strcspn(word, "\n")] = '\0';
}

/* How many bytes of it to hand over. */
static size_t damage(const char *word, uint8_t *data, size_t length)
{
	if (strcmp(word, "longer") == 0)
		return length + 8;			/* than its header says */
	if (strcmp(word, "shorter") == 0)
		return length - 3;
	if (strcmp(word, "runt") == 0)
		return 5;
	if (strcmp(word, "endless") == 0)
		put32(data + 2, UINT32_MAX);
	else if (strcmp(word, "negative") == 0)
		put32(data + 2, 0);
	else if (strcmp(word, "full") == 0)
		return ROOM;
	else if (strcmp(word, "yes") == 0)
		return put32(data + 2, HEADER), put32(data + 6, 0), HEADER;
	else if (strcmp(word, "no") == 0)
		return put32(data + 2, HEADER), put32(data + 6, 0x101), HEADER;
	return length;
}

static int serve(int tpm, int emulator, const char *path)
{
	static uint8_t data[2 * ROOM];
	char word[16];
	ssize_t got;
	size_t length;

	while ((got = read(tpm, data, ROOM)) >= HEADER) {
		if (get32(data + 6) == TPM2_CC_SET_LOCALITY) {
			memcpy(data, "\x80\x01\0\0\0\x0a\0\0\0", HEADER);
			length = HEADER;
		} else {
			if (write(emulator, data, got) != got)
				return 1;
			length = answer(emulator, data);
			if (length == 0)
				return 1;
			read_word(path, word);
			length = damage(word, data, length);
		}
		if (write(tpm, data, length) != (ssize_t)length)
			perror("answer");
	}
	return 1;
}

int main(int argc, char **argv)
{
	struct vtpm_proxy_new_dev device = { .flags = VTPM_PROXY_FLAG_TPM2 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int proxy = open("/dev/vtpmx", O_RDWR), emulator = socket(AF_UNIX, SOCK_STREAM, 0);

	if (argc != 3 || strlen(argv[1]) >= sizeof(address.sun_path)) {
		fputs("usage: vtpm SOCKET FILE\n", stderr);
		return 2;
	}
	strcpy(address.sun_path, argv[1]);
	if (connect(emulator, (struct sockaddr *)&address, sizeof(address)) < 0) {
		perror(argv[1]);
		return 1;
	}
	if (proxy < 0 || ioctl(proxy, VTPM_PROXY_IOC_NEW_DEV, &device) < 0) {
		perror("/dev/vtpmx");
		return 1;
	}
	printf("tpm%u\n", device.tpm_num);
	fflush(stdout);
	return serve(device.fd, emulator, argv[2]);
}
