/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ledger role works with: the light client, the TPM, the kernel, a clock. Calls block; each returns 0
 * or a negative errno with a sentence, and leaves its outputs alone then. The light client's are as in
 * light/client.h: -EHOSTUNREACH, -ENOTUNIQ (a fork), -EKEYEXPIRED (trust). Tests put a world of their own in.
 */
#ifndef SB_LEDGER_PORT_H
#define SB_LEDGER_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "device/message.h"

/* The latest proven header. */
struct sb_head {
	int64_t height, seconds;
	uint8_t hash[32];
	uint8_t parent[32];		/* hash of the block before it */
	uint8_t app_hash[32];		/* of the state before its block */
	bool witnessed;			/* by a second endpoint */
};

/* Proven. Owns value. */
struct sb_port_record {
	bool present;
	uint8_t *value;
	size_t length;
	int64_t height, seconds;	/* of the state */
};

struct sb_port_taken {
	int64_t height;			/* 0: refused at the door */
	uint32_t code;			/* 0: taken */
	char log[256];
};

struct sb_ledger_port {
	void *context;
	uint64_t (*now_ms)(void *context);	/* CLOCK_BOOTTIME */
	uint32_t (*random)(void *context);

	int (*sync)(void *context, struct sb_head *head, struct sb_error *error);
	int (*read)(void *context, const void *key, size_t length, struct sb_port_record *record,
		    struct sb_error *error);
	/* -ETIMEDOUT: it was handed in, and may still come into a block. */
	int (*submit)(void *context, const uint8_t *tx, size_t length, struct sb_port_taken *taken,
		      struct sb_error *error);
	/* How many endpoints can be asked; 0 is the one that is preferred now. */
	unsigned int (*endpoints)(void *context);
	/*
	 * Asks one of them, by number; nothing of it is proven. *answer is to be freed. -EHOSTUNREACH: it does not answer,
	 * which takes its time to find out.
	 */
	int (*ask)(void *context, unsigned int endpoint, const char *path, const void *data, size_t length,
		   uint8_t **answer, size_t *answer_length, struct sb_error *error);
	/* The only endpoints that count from now on beside the configuration's, from a proven record. */
	void (*learn)(void *context, const char *const *url, size_t count);
	/* The members' record, packed, proven at a height: they may sign checkpoints. */
	int (*members)(void *context, const uint8_t *record, size_t length, int64_t height, struct sb_error *error);

	/* The succession's record, packed, proven: the chain that it names is followed from now on. */
	int (*succeed)(void *context, const uint8_t *record, size_t length, struct sb_error *error);

	int (*identity)(void *context, struct sb_identity_answer *identity, struct sb_error *error);
	/* -ENODATA: the TPM has none; -EACCES: none that it may use. Who asks again may lock the TPM up: tpm/tpm.h */
	int (*iak)(void *context, struct sb_iak_answer *iak, struct sb_error *error);
	int (*quote)(void *context, const uint8_t extra[32], uint32_t pcrs, struct sb_quote_answer *quote,
		     struct sb_error *error);
	int (*activate)(void *context, const uint8_t *blob, size_t blob_length, const uint8_t *encrypted,
			size_t encrypted_length, uint8_t secret[32], struct sb_error *error);

	int (*keys)(void *context, struct sb_keys_answer *keys, struct sb_error *error);
	void (*local)(void *context, const struct sb_ledger_local *local);
	int (*nonce)(void *context, const uint8_t device[32], uint8_t nonce[16], struct sb_error *error);
	int (*admit)(void *context, const struct sb_admit_request *request, struct sb_error *error);
	/* 0: it was looked at; what became of it is in the answer. */
	int (*profile)(void *context, const struct sb_profile_request *profile, struct sb_profile_answer *answer,
		       struct sb_error *error);
	int (*drop)(void *context, const uint8_t device[32], struct sb_error *error);
	/* Where peers can reach this device, ADDR:PORT; at most room of them. Returns how many. */
	size_t (*addresses)(void *context, char (*address)[72], size_t room);
};

#endif
