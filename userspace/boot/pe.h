/* SPDX-License-Identifier: Apache-2.0 */
/* A PE32+ image as a file (Microsoft PE format; UEFI 2.10, 2.1.1), read for its measurement. Pure. */
#ifndef SB_PE_H
#define SB_PE_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define SB_PE_SECTIONS_MAX	96
#define SB_PE_MACHINE_AMD64	0x8664

struct sb_span {
	const uint8_t *data;
	size_t length;
};

struct sb_pe_section {
	char name[9];			/* terminated */
	uint32_t virtual_size;		/* bytes in memory */
	uint32_t offset, size;		/* bytes in the file, its padding included */
};

struct sb_pe {
	struct sb_span file;		/* the caller's, as long as this is used */
	uint16_t machine;
	size_t checksum;		/* offset of the field */
	size_t security;		/* offset of the certificate table's directory entry, 0: none */
	size_t headers;			/* bytes of all headers */
	size_t certificates;		/* bytes of the certificate table, the file's end */
	unsigned int count;
	struct sb_pe_section sections[SB_PE_SECTIONS_MAX];	/* in the order of the table */
};

/*
 * Reads the headers. Every byte of the file must have an owner: headers, sections that follow
 * one another without gap or overlap, the COFF symbols that objcopy leaves, at last the
 * certificate table. So what is measured has one meaning.
 * Returns 0 or -EBADMSG with a sentence; *pe is untouched then.
 */
int sb_pe_read(const uint8_t *data, size_t length, struct sb_pe *pe, struct sb_error *error);

/*
 * The SHA-256 Authenticode digest, as EDK2 measures it into PCR 4 (SecurityPkg,
 * MeasurePeImageAndExtend): the file but its checksum, its certificates and their entry.
 */
void sb_pe_digest(const struct sb_pe *pe, uint8_t digest[32]);

/*
 * The contents of a section, without the file's padding.
 * Returns 0, -ENOENT when there is none, or -EBADMSG when there are several of the name, or its memory is
 * empty or larger than its bytes in the file. Output untouched on failure.
 */
int sb_pe_section(const struct sb_pe *pe, const char *name, struct sb_span *span);

#endif
