// SPDX-License-Identifier: Apache-2.0
#include "boot/pe.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/sha256.h"

/* Offsets in a PE32+ image; those of the optional header from its start. */
enum {
	DOS_LEN = 64, DOS_PE_OFFSET = 0x3c,
	COFF_LEN = 24,		/* with the signature */
	COFF_MACHINE = 4, COFF_SECTIONS = 6, COFF_SYMBOLS = 12, COFF_SYMBOLS_COUNT = 16, COFF_OPTIONAL_LEN = 20,
	OPTIONAL_LEN = 112,	/* without the directories */
	OPTIONAL_HEADERS = 60, OPTIONAL_CHECKSUM = 64, OPTIONAL_DIRECTORIES = 108,
	DIRECTORY_LEN = 8, DIRECTORY_SECURITY = 4, DIRECTORIES_MAX = 16,
	SECTION_LEN = 40, SECTION_VIRTUAL_SIZE = 8, SECTION_SIZE = 16, SECTION_OFFSET = 20,
	SYMBOL_LEN = 18,
	CERTIFICATE_ALIGN = 8,
};

#define MAGIC_PE32_PLUS	0x20b

static uint16_t le16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t le32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Offsets fit 64 bits with room: each is the sum of a few 32-bit fields. */
static bool within(const struct sb_pe *pe, uint64_t offset, uint64_t length)
{
	return offset <= pe->file.length && length <= pe->file.length - offset;
}

/* Finds the tables. Out: where the COFF header and the sections' table are. */
static int read_headers(struct sb_pe *pe, size_t *coff_at, size_t *table_at, struct sb_error *error)
{
	const uint8_t *data = pe->file.data;
	size_t coff, optional, optional_length, directories;

	if (pe->file.length < DOS_LEN || data[0] != 'M' || data[1] != 'Z')
		return sb_fail(error, -EBADMSG, "not a PE image: no MZ at its start");
	coff = le32(data + DOS_PE_OFFSET);
	if (coff < DOS_LEN || !within(pe, coff, COFF_LEN + OPTIONAL_LEN) || memcmp(data + coff, "PE\0\0", 4) != 0)
		return sb_fail(error, -EBADMSG, "not a PE image: no PE header");
	optional = coff + COFF_LEN;
	optional_length = le16(data + coff + COFF_OPTIONAL_LEN);
	if (le16(data + optional) != MAGIC_PE32_PLUS)
		return sb_fail(error, -EBADMSG, "not a 64-bit PE image");
	directories = le32(data + optional + OPTIONAL_DIRECTORIES);
	/* The same equality as in EDK2's loader (PeCoffLoaderGetPeHeader). */
	if (directories > DIRECTORIES_MAX || optional_length != OPTIONAL_LEN + directories * DIRECTORY_LEN)
		return sb_fail(error, -EBADMSG, "PE header: its directories do not fit its length");
	pe->machine = le16(data + coff + COFF_MACHINE);
	pe->count = le16(data + coff + COFF_SECTIONS);
	pe->checksum = optional + OPTIONAL_CHECKSUM;
	pe->security = directories > DIRECTORY_SECURITY ? optional + OPTIONAL_LEN + DIRECTORY_SECURITY * DIRECTORY_LEN : 0;
	pe->headers = le32(data + optional + OPTIONAL_HEADERS);
	*coff_at = coff;
	*table_at = optional + optional_length;
	if (pe->count == 0 || pe->count > SB_PE_SECTIONS_MAX)
		return sb_fail(error, -EBADMSG, "PE header: %u sections; allowed: 1 to %d", pe->count, SB_PE_SECTIONS_MAX);
	if (!within(pe, 0, pe->headers) || pe->headers < *table_at + (size_t)pe->count * SECTION_LEN)
		return sb_fail(error, -EBADMSG, "PE header: its length does not fit its sections' table");
	return 0;
}

/* The section whose bytes begin at this offset; the table need not be in the file's order. */
static const struct sb_pe_section *section_at(const struct sb_pe *pe, uint64_t offset)
{
	for (unsigned int i = 0; i < pe->count; i++)
		if (pe->sections[i].size && pe->sections[i].offset == offset)
			return &pe->sections[i];
	return NULL;
}

/*
 * Goes from section to section. Each must begin where the one before ends; with as many steps as there are
 * sections with bytes, no two overlap and none is left out. Out: where the last one ends.
 */
static int read_sections(struct sb_pe *pe, size_t table, uint64_t *end, struct sb_error *error)
{
	unsigned int filled = 0;

	for (unsigned int i = 0; i < pe->count; i++) {
		const uint8_t *entry = pe->file.data + table + (size_t)i * SECTION_LEN;
		struct sb_pe_section *section = &pe->sections[i];

		memcpy(section->name, entry, 8);
		section->name[8] = '\0';
		section->virtual_size = le32(entry + SECTION_VIRTUAL_SIZE);
		section->size = le32(entry + SECTION_SIZE);
		section->offset = le32(entry + SECTION_OFFSET);
		if (!section->size)
			continue;
		filled++;
		if (!within(pe, section->offset, section->size))
			return sb_fail(error, -EBADMSG, "PE section %u goes beyond the file's end", i);
	}
	*end = pe->headers;
	for (unsigned int i = 0; i < filled; i++) {
		const struct sb_pe_section *section = section_at(pe, *end);

		if (!section)
			return sb_fail(error, -EBADMSG, "PE sections overlap, or leave a gap, at byte %llu",
				       (unsigned long long)*end);
		*end += section->size;
	}
	return 0;
}

/* Symbols and their names, as objcopy leaves them behind the sections (PE format, "COFF Symbol Table"). */
static int read_symbols(const struct sb_pe *pe, size_t coff, uint64_t *end, struct sb_error *error)
{
	const uint8_t *data = pe->file.data;
	uint64_t symbols = le32(data + coff + COFF_SYMBOLS), names;
	uint64_t length = (uint64_t)le32(data + coff + COFF_SYMBOLS_COUNT) * SYMBOL_LEN;

	/* A stripped file may keep the pointer: with no symbols behind it, it says nothing. */
	if (symbols != *end || symbols == pe->file.length)
		return 0;
	if (!within(pe, symbols, length + 4))
		return sb_fail(error, -EBADMSG, "PE symbols go beyond the file's end");
	names = le32(data + symbols + length);
	if (names < 4 || !within(pe, symbols + length, names))
		return sb_fail(error, -EBADMSG, "the names of the PE symbols go beyond the file's end");
	*end = symbols + length + names;
	return 0;
}

static int read_tail(struct sb_pe *pe, size_t coff, uint64_t end, struct sb_error *error)
{
	const uint8_t *data = pe->file.data;
	uint64_t offset = pe->security ? le32(data + pe->security) : 0;
	uint64_t length = pe->security ? le32(data + pe->security + 4) : 0;
	/* Where the headers name certificates, there may be no symbols that begin with them. */
	int result = offset == end && length ? 0 : read_symbols(pe, coff, &end, error);

	if (result < 0)
		return result;
	pe->certificates = length;
	if (offset || length) {
		if (!length || offset != ((end + CERTIFICATE_ALIGN - 1) & ~(uint64_t)(CERTIFICATE_ALIGN - 1)) ||
		    !within(pe, offset, length))
			return sb_fail(error, -EBADMSG, "the PE certificate table is not at the file's end");
		for (; end < offset; end++)
			if (data[end] != 0)
				return sb_fail(error, -EBADMSG, "PE padding that is not zero at byte %llu", (unsigned long long)end);
		end += length;
	}
	if (end != pe->file.length)
		return sb_fail(error, -EBADMSG, "%llu bytes behind the PE image's end", (unsigned long long)(pe->file.length - end));
	return 0;
}

int sb_pe_read(const uint8_t *data, size_t length, struct sb_pe *pe, struct sb_error *error)
{
	struct sb_pe read = { .file = { data, length } };
	size_t coff = 0, table = 0;
	uint64_t end = 0;
	int result = read_headers(&read, &coff, &table, error);

	if (result == 0)
		result = read_sections(&read, table, &end, error);
	if (result == 0)
		result = read_tail(&read, coff, end, error);
	if (result == 0)
		*pe = read;
	return result;
}

/*
 * EDK2 hashes the headers, the sections by their offset, then what is left: as nothing is between the
 * sections, that is the file in its order.
 */
void sb_pe_digest(const struct sb_pe *pe, uint8_t digest[32])
{
	const uint8_t *data = pe->file.data;
	size_t at = pe->checksum + 4;
	struct sb_digest hash;

	sb_digest_init(&hash);
	sb_digest_update(&hash, data, pe->checksum);
	if (pe->security) {
		sb_digest_update(&hash, data + at, pe->security - at);
		at = pe->security + DIRECTORY_LEN;
	}
	sb_digest_update(&hash, data + at, pe->file.length - pe->certificates - at);
	sb_digest_final(&hash, digest);
}

int sb_pe_section(const struct sb_pe *pe, const char *name, struct sb_span *span)
{
	const struct sb_pe_section *found = NULL;

	for (unsigned int i = 0; i < pe->count; i++) {
		if (strcmp(pe->sections[i].name, name) != 0)
			continue;
		if (found)
			return -EBADMSG;
		found = &pe->sections[i];
	}
	if (!found)
		return -ENOENT;
	if (!found->virtual_size || found->virtual_size > found->size)
		return -EBADMSG;
	*span = (struct sb_span){ pe->file.data + found->offset, found->virtual_size };
	return 0;
}
