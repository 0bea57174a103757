// SPDX-License-Identifier: Apache-2.0
#include "boot/predict.h"

#include <string.h>

#include "common/sha256.h"

/* PCR = SHA-256(PCR || digest) (TPM 2.0 part 1, 17.2) */
static void extend(uint8_t pcr[32], const uint8_t digest[32])
{
	struct sb_digest hash;

	sb_digest_init(&hash);
	sb_digest_update(&hash, pcr, 32);
	sb_digest_update(&hash, digest, 32);
	sb_digest_final(&hash, pcr);
}

static void extend_bytes(uint8_t pcr[32], const void *data, size_t length)
{
	uint8_t digest[32];

	sb_digest_of(data, length, digest);
	extend(pcr, digest);
}

/* The firmware's words before it starts a boot option, the separator, then each image that it loads. */
static void predict_code(const struct sb_uki *uki, bool secure_boot, uint8_t pcr[32])
{
	static const char action[] = "Calling EFI Application from Boot Option";
	static const uint8_t separator[4];
	uint8_t digest[32];

	memset(pcr, 0, 32);
	extend_bytes(pcr, action, sizeof(action) - 1);
	extend_bytes(pcr, separator, sizeof(separator));
	sb_pe_digest(&uki->image, digest);
	extend(pcr, digest);
	if (secure_boot)
		return;
	sb_pe_digest(&uki->kernel, digest);
	extend(pcr, digest);
}

/* The kernel's EFI stub: its options in UTF-16LE with the NUL, then the initrd that it is handed. */
static void predict_inputs(const struct sb_uki *uki, const uint8_t initrd[32], uint8_t pcr[32])
{
	static const uint8_t nul[2];
	struct sb_digest hash;
	uint8_t digest[32];

	sb_digest_init(&hash);
	for (size_t i = 0; i < uki->cmdline.length; i++) {
		const uint8_t unit[2] = { uki->cmdline.data[i], 0 };

		sb_digest_update(&hash, unit, sizeof(unit));
	}
	sb_digest_update(&hash, nul, sizeof(nul));
	sb_digest_final(&hash, digest);
	memset(pcr, 0, 32);
	extend(pcr, digest);
	extend(pcr, initrd);
}

static void extend_section(uint8_t pcr[32], const char *name, const struct sb_span *span)
{
	if (!span->length)
		return;
	extend_bytes(pcr, name, strlen(name) + 1);
	extend_bytes(pcr, span->data, span->length);
}

/* The stub: name and contents of each section, in the stub's own order. */
static void predict_sections(const struct sb_uki *uki, const uint8_t initrd[32], uint8_t pcr[32])
{
	memset(pcr, 0, 32);
	extend_section(pcr, ".linux", &uki->vmlinuz);
	extend_section(pcr, ".osrel", &uki->osrel);
	extend_section(pcr, ".cmdline", &uki->cmdline);
	extend_bytes(pcr, ".initrd", sizeof(".initrd"));
	extend(pcr, initrd);
	extend_section(pcr, ".splash", &uki->splash);
}

void sb_predict(const struct sb_uki *uki, bool secure_boot, uint8_t values[SB_PCRS][32])
{
	uint8_t initrd[32];

	/* The largest part, measured twice. */
	sb_digest_of(uki->initrd.data, uki->initrd.length, initrd);
	predict_code(uki, secure_boot, values[4]);
	predict_inputs(uki, initrd, values[9]);
	predict_sections(uki, initrd, values[11]);
	memset(values[12], 0, 32);
}
