/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A software TPM of the test's own: swtpm on one end of a socket pair, and a TCTI on the other which sees
 * every command, can change the answer, and can put others in before one.
 */
#ifndef SB_SWTPM_WORLD_H
#define SB_SWTPM_WORLD_H

#include "cmocka_all.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <tss2/tss2_esys.h>
#include <unistd.h>

#include "tpm/tpm_internal.h"

struct swtpm {
	char directory[256];
	pid_t pid;
	int fd;
	struct sb_tpm *tpm;
	/* what the TCTI has seen */
	unsigned int commands;
	int keys, keys_most;		/* in the TPM's slots */
	uint32_t last;			/* command code */
	bool of_key;			/* its handle is a transient object's */
	/* what it does: before `code`, so many times */
	uint32_t code;
	unsigned int times;
	uint32_t answer;		/* this response code instead; 0: extend PCR 16 to 23 by one first */
	uint8_t pcr;
	bool pending;			/* the answer waits */
};

static struct swtpm swtpm;

struct swtpm_tcti {
	TSS2_TCTI_CONTEXT_COMMON_V2 common;
};

static inline uint32_t be32(const uint8_t *data)
{
	return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static inline void set_be32(uint8_t *data, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		data[i] = (uint8_t)(value >> (24 - 8 * i));
}

static inline size_t read_answer(uint8_t *data, size_t room)
{
	size_t used = 0, wanted = 10;

	while (used < wanted) {
		ssize_t got = read(swtpm.fd, data + used, wanted - used);

		assert_true(got > 0);
		used += (size_t)got;
		if (used == 10) {
			wanted = be32(data + 2);
			assert_true(wanted >= 10 && wanted <= room);
		}
	}
	return used;
}

/* TPM2_PCR_Extend by the empty password, past the TSS. */
static inline void extend_pcr(uint8_t pcr, const uint8_t digest[32])
{
	uint8_t command[65] = { 0x80, 0x02, 0, 0, 0, 65, 0, 0, 0x01, 0x82, 0, 0, 0, pcr, 0, 0, 0, 9,
				0x40, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0x0b };
	uint8_t answer[256];

	memcpy(command + 33, digest, 32);
	assert_int_equal(write(swtpm.fd, command, sizeof(command)), sizeof(command));
	read_answer(answer, sizeof(answer));
	assert_int_equal(be32(answer + 6), 0);
}

static inline TSS2_RC tcti_transmit(TSS2_TCTI_CONTEXT *context, size_t size, const uint8_t *command)
{
	static const uint8_t digest[32] = { 1 };

	(void)context;
	swtpm.commands++;
	swtpm.last = be32(command + 6);
	swtpm.of_key = size >= 14 && command[10] == 0x80;
	if (swtpm.times && swtpm.last == swtpm.code) {
		swtpm.times--;
		swtpm.pending = swtpm.answer != 0;
		if (swtpm.pending)
			return TSS2_RC_SUCCESS;
		extend_pcr(swtpm.pcr, digest);
	}
	return write(swtpm.fd, command, size) == (ssize_t)size ? TSS2_RC_SUCCESS : TSS2_TCTI_RC_IO_ERROR;
}

static inline void count_keys(uint32_t rc)
{
	if (rc)
		return;
	if (swtpm.last == TPM2_CC_CreatePrimary)
		swtpm.keys++;
	if (swtpm.last == TPM2_CC_FlushContext && swtpm.of_key)
		swtpm.keys--;
	if (swtpm.keys > swtpm.keys_most)
		swtpm.keys_most = swtpm.keys;
}

static inline TSS2_RC tcti_receive(TSS2_TCTI_CONTEXT *context, size_t *size, uint8_t *response, int32_t timeout)
{
	static uint8_t answer[4096];
	static size_t length;

	(void)context;
	(void)timeout;
	/* The TSS asks for the size first. */
	if (!response) {
		*size = sizeof(answer);
		return TSS2_RC_SUCCESS;
	}
	if (swtpm.pending) {
		static const uint8_t head[6] = { 0x80, 0x01, 0, 0, 0, 10 };

		memcpy(answer, head, sizeof(head));
		set_be32(answer + 6, swtpm.answer);
		length = 10;
		swtpm.pending = false;
	} else {
		length = read_answer(answer, sizeof(answer));
	}
	assert_true(length <= *size);
	memcpy(response, answer, length);
	*size = length;
	count_keys(be32(answer + 6));
	return TSS2_RC_SUCCESS;
}

static inline void tcti_finalize(TSS2_TCTI_CONTEXT *context)
{
	(void)context;
}

static inline void swtpm_start(void)
{
	struct sb_error error = { "" };
	struct swtpm_tcti *tcti = calloc(1, sizeof(*tcti));
	char state[272], fd[16], log[272];
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	snprintf(state, sizeof(state), "dir=%s", swtpm.directory);
	snprintf(log, sizeof(log), "file=%s/log", swtpm.directory);
	snprintf(fd, sizeof(fd), "%d", pair[1]);
	swtpm.pid = fork();
	assert_true(swtpm.pid >= 0);
	if (swtpm.pid == 0) {
		close(pair[0]);
		execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state, "--fd", fd, "--log", log,
		       "--flags", "not-need-init,startup-clear", (char *)NULL);
		_exit(127);
	}
	close(pair[1]);
	swtpm.fd = pair[0];
	swtpm.commands = 0;
	swtpm.keys = swtpm.keys_most = 0;
	swtpm.times = 0;
	tcti->common.v1.magic = 0x5ea1b0de5ea1b0deULL;
	tcti->common.v1.version = 2;
	tcti->common.v1.transmit = tcti_transmit;
	tcti->common.v1.receive = tcti_receive;
	tcti->common.v1.finalize = tcti_finalize;
	assert_int_equal(sb_tpm_adopt(&swtpm.tpm, (TSS2_TCTI_CONTEXT *)tcti, "swtpm", &error), 0);
}

/* The machine is switched off; orderly: the operating system has said so to the TPM. */
static inline void swtpm_stop(bool orderly)
{
	int status;

	if (orderly)
		assert_int_equal(Esys_Shutdown(swtpm.tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_SU_CLEAR), 0);
	sb_tpm_close(swtpm.tpm);
	swtpm.tpm = NULL;
	close(swtpm.fd);
	kill(swtpm.pid, SIGTERM);
	assert_int_equal(waitpid(swtpm.pid, &status, 0), swtpm.pid);
}

static inline int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static inline int swtpm_set_up(void **state)
{
	(void)state;
	strcpy(swtpm.directory, "/tmp/sealbond-tpm.XXXXXX");
	assert_non_null(mkdtemp(swtpm.directory));
	setenv("TSS2_LOG", "all+none", 1);
	swtpm_start();
	return 0;
}

static inline int swtpm_tear_down(void **state)
{
	(void)state;
	swtpm_stop(false);
	return nftw(swtpm.directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void define_nv(uint32_t index, const void *data, size_t length, TPMA_NV more)
{
	TPM2B_NV_PUBLIC public = { .nvPublic = { .nvIndex = index, .nameAlg = TPM2_ALG_SHA256, .dataSize = (uint16_t)length,
		.attributes = TPMA_NV_OWNERWRITE | TPMA_NV_AUTHWRITE | TPMA_NV_NO_DA | more } };
	TPM2B_AUTH auth = { 0 };
	ESYS_TR handle;

	assert_int_equal(Esys_NV_DefineSpace(swtpm.tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
					     &auth, &public, &handle), 0);
	for (size_t at = 0; at < length; at += 512) {
		TPM2B_MAX_NV_BUFFER piece = { .size = (uint16_t)(length - at < 512 ? length - at : 512) };

		memcpy(piece.buffer, (const uint8_t *)data + at, piece.size);
		assert_int_equal(Esys_NV_Write(swtpm.tpm->esys, handle, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
					       &piece, (uint16_t)at), 0);
	}
	Esys_TR_Close(swtpm.tpm->esys, &handle);
}

#endif
