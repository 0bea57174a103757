/* SPDX-License-Identifier: Apache-2.0 */
/* A small unified kernel image, made section by section, for the tests and the fuzzer of its reader. */
#ifndef UKI_SAMPLE_H
#define UKI_SAMPLE_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PE_ALIGN	0x200
#define PE_COFF		0x80	/* where the PE header is */
#define PE_OPTIONAL	(PE_COFF + 24)
#define PE_CHECKSUM	(PE_OPTIONAL + 64)
#define PE_SECURITY	(PE_OPTIONAL + 112 + 32)
#define PE_TABLE	(PE_OPTIONAL + 240)
#define SAMPLE_ROOM	16384

#define SAMPLE_MAGIC	"#### LoaderInfo: systemd-stub 252.39-1 ####"
#define SAMPLE_OSREL	"ID=sample\n"
#define SAMPLE_CMDLINE	"console=ttyS0 quiet"
#define SAMPLE_INITRD	"an initrd, as far as its hash is concerned"

struct sample {
	uint8_t bytes[SAMPLE_ROOM];
	size_t length;
	unsigned int sections;
};

static inline void put_le(uint8_t *at, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

/* Headers of two blocks: room for ten sections. */
static inline void sample_begin(struct sample *pe)
{
	memset(pe, 0, sizeof(*pe));
	memcpy(pe->bytes, "MZ", 2);
	put_le(pe->bytes + 0x3c, PE_COFF, 4);
	memcpy(pe->bytes + PE_COFF, "PE\0\0", 4);
	put_le(pe->bytes + PE_COFF + 4, 0x8664, 2);
	put_le(pe->bytes + PE_COFF + 20, 240, 2);
	put_le(pe->bytes + PE_OPTIONAL, 0x20b, 2);
	put_le(pe->bytes + PE_OPTIONAL + 60, 2 * PE_ALIGN, 4);
	put_le(pe->bytes + PE_CHECKSUM, 0x5ea1b04d, 4);
	put_le(pe->bytes + PE_OPTIONAL + 108, 16, 4);
	pe->length = 2 * PE_ALIGN;
}

static inline void sample_section(struct sample *pe, const char *name, const void *data, size_t length)
{
	uint8_t *entry = pe->bytes + PE_TABLE + 40 * pe->sections++;
	size_t padded = (length + PE_ALIGN - 1) / PE_ALIGN * PE_ALIGN;

	for (int i = 0; i < 8 && name[i]; i++)
		entry[i] = (uint8_t)name[i];
	put_le(entry + 8, length, 4);
	put_le(entry + 12, 0x1000 * pe->sections, 4);
	put_le(entry + 16, padded, 4);
	put_le(entry + 20, pe->length, 4);
	memcpy(pe->bytes + pe->length, data, length);
	pe->length += padded;
	put_le(pe->bytes + PE_COFF + 6, pe->sections, 2);
}

/* A table of certificates at the end, as signing tools write it. */
static inline void sample_sign(struct sample *pe, uint8_t fill, size_t length)
{
	put_le(pe->bytes + PE_SECURITY, pe->length, 4);
	put_le(pe->bytes + PE_SECURITY + 4, length, 4);
	memset(pe->bytes + pe->length, fill, length);
	pe->length += length;
}

/* The kernel inside: signed, as the distribution's is. */
static inline void sample_kernel(struct sample *pe)
{
	uint8_t code[700];

	memset(code, 0x90, sizeof(code));
	sample_begin(pe);
	sample_section(pe, ".setup", code, 512);
	sample_section(pe, ".text", code, sizeof(code));
	sample_sign(pe, 0xce, 72);
}

/* Everything up to .initrd; the kernel comes last, as objcopy is asked to do it. */
static inline void sample_uki_with(struct sample *pe, const char *magic, const char *cmdline)
{
	static const uint8_t code[600] = { 0xc3 };
	struct sample kernel;

	sample_kernel(&kernel);
	sample_begin(pe);
	sample_section(pe, ".text", code, sizeof(code));
	sample_section(pe, ".sdmagic", magic, strlen(magic) + 1);
	sample_section(pe, ".osrel", SAMPLE_OSREL, strlen(SAMPLE_OSREL));
	sample_section(pe, ".cmdline", cmdline, strlen(cmdline));
	sample_section(pe, ".initrd", SAMPLE_INITRD, strlen(SAMPLE_INITRD));
	sample_section(pe, ".linux", kernel.bytes, kernel.length);
}

static inline void sample_uki(struct sample *pe)
{
	sample_uki_with(pe, SAMPLE_MAGIC, SAMPLE_CMDLINE);
}

#endif
