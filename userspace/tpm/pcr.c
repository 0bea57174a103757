// SPDX-License-Identifier: Apache-2.0
#include "tpm/pcr.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/parse.h"
#include "tpm/node.h"

/* sysfs files say they are a page long: no use for sb_file_read. */
static int read_one(int tpm, int pcr, uint8_t value[32])
{
	sb_cleanup_close int fd = -1;
	char path[64], text[80];
	ssize_t got;

	snprintf(path, sizeof(path), "/sys/class/tpm/tpm%d/pcr-sha256/%d", tpm, pcr);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = read(fd, text, sizeof(text) - 1);
	if (got < 0)
		return -errno;
	while (got > 0 && text[got - 1] == '\n')
		got--;
	text[got] = '\0';
	return sb_parse_hex(text, value, 32) < 0 ? -EBADMSG : 0;
}

int sb_pcr_read(uint32_t mask, uint8_t values[24][32], struct sb_error *error)
{
	uint8_t read[24][32] = { 0 };
	int tpm = mask ? sb_tpm_number() : 0;

	if (tpm < 0)
		return sb_fail(error, tpm, "no TPM 2.0: %s", strerror(-tpm));
	for (int pcr = 0; pcr < 24; pcr++) {
		int result = mask & 1U << pcr ? read_one(tpm, pcr, read[pcr]) : 0;

		if (result < 0)
			return sb_fail(error, result, "PCR %d of the SHA-256 bank of tpm%d: %s", pcr, tpm, strerror(-result));
	}
	for (int pcr = 0; pcr < 24; pcr++)
		if (mask & 1U << pcr)
			memcpy(values[pcr], read[pcr], 32);
	return 0;
}
