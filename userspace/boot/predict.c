// SPDX-License-Identifier: Apache-2.0
#include "boot/predict.h"

#include <stdio.h>
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

static size_t pad4(size_t length)
{
	return -length & 3;
}

/* One entry of an archive in the newc format (Linux, driver-api/early-userspace/buffer-format). */
static void update_cpio(struct sb_digest *hash, unsigned int inode, unsigned int mode, const char *name,
			const struct sb_span *contents)
{
	static const uint8_t zero[4];
	char head[6 + 13 * 8 + 1];
	size_t length = contents ? contents->length : 0;

	snprintf(head, sizeof(head), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		 inode, mode, 0, 0, 1, 0, (unsigned int)length, 0, 0, 0, 0, (unsigned int)strlen(name) + 1, 0);
	sb_digest_update(hash, head, sizeof(head) - 1);
	sb_digest_update(hash, name, strlen(name) + 1);
	sb_digest_update(hash, zero, pad4(sizeof(head) - 1 + strlen(name) + 1));
	if (length)
		sb_digest_update(hash, contents->data, length);
	sb_digest_update(hash, zero, pad4(length));
}

/* The archive's end, as the stub has it: with an upper-case digit, and four NULs, one of them the literal's. */
static const char cpio_trailer[] = "070701" "00000000" "00000000" "00000000" "00000000" "00000001" "00000000" "00000000"
	"00000000" "00000000" "00000000" "00000000" "0000000B" "00000000" "TRAILER!!!\0\0\0";

/*
 * The initrd that the kernel is handed: the section, and with the later stub an archive behind it in which
 * .osrel is /.extra/os-release (systemd, src/boot/cpio.c).
 */
static void digest_handed_initrd(const struct sb_uki *uki, const uint8_t section[32], uint8_t digest[32])
{
	static const uint8_t zero[4];
	struct sb_digest hash;

	if (uki->stub == SB_STUB_252) {
		memcpy(digest, section, 32);
		return;
	}
	sb_digest_init(&hash);
	sb_digest_update(&hash, uki->initrd.data, uki->initrd.length);
	sb_digest_update(&hash, zero, pad4(uki->initrd.length));
	update_cpio(&hash, 1, 040555, ".extra", NULL);
	update_cpio(&hash, 2, 0100444, ".extra/os-release", &uki->osrel);
	sb_digest_update(&hash, cpio_trailer, sizeof(cpio_trailer));
	sb_digest_final(&hash, digest);
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
	digest_handed_initrd(uki, initrd, digest);
	extend(pcr, digest);
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
	if (uki->stub != SB_STUB_252)
		extend_section(pcr, ".sbat", &uki->sbat);
}

void sb_predict(const struct sb_uki *uki, bool secure_boot, uint8_t values[SB_PCRS][32])
{
	uint8_t initrd[32];

	/* The largest part; with the older stub it is measured twice as it is. */
	sb_digest_of(uki->initrd.data, uki->initrd.length, initrd);
	predict_code(uki, secure_boot, values[4]);
	predict_inputs(uki, initrd, values[9]);
	predict_sections(uki, initrd, values[11]);
	memset(values[12], 0, 32);
}
