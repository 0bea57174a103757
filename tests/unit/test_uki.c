// SPDX-License-Identifier: Apache-2.0
/* What a unified kernel image's file says of the boot to come, and which files are refused. */
#include "cmocka_all.h"

#include <errno.h>
#include <openssl/sha.h>
#include <unistd.h>

#include "boot/predict.h"
#include "common/file.h"
#include "uki_sample.h"

#define STUB	"/usr/lib/systemd/boot/efi/linuxx64.efi.stub"

/* Reads from a copy of just that length, so that a byte too far is seen. */
static int reads(const struct sample *pe)
{
	uint8_t *copy = malloc(pe->length ? pe->length : 1);
	struct sb_error error = { "" };
	struct sb_uki uki;
	int result;

	memcpy(copy, pe->bytes, pe->length);
	result = sb_uki_read(copy, pe->length, &uki, &error);
	assert_int_equal(result == 0, error.text[0] == '\0');
	free(copy);
	return result;
}

static void extend(uint8_t pcr[32], const void *data, size_t length)
{
	uint8_t both[64];

	memcpy(both, pcr, 32);
	SHA256(data, length, both + 32);
	SHA256(both, sizeof(both), pcr);
}

static void extend_digest(uint8_t pcr[32], const uint8_t digest[32])
{
	uint8_t both[64];

	memcpy(both, pcr, 32);
	memcpy(both + 32, digest, 32);
	SHA256(both, sizeof(both), pcr);
}

/* Authenticode by its words: the file without checksum, directory entry and certificates. */
static void authenticode(const uint8_t *data, size_t length, size_t certificates, size_t coff, uint8_t digest[32])
{
	const size_t checksum = coff + 24 + 64, security = coff + 24 + 112 + 32;
	uint8_t *rest = malloc(length);
	size_t used = 0;

	for (size_t i = 0; i < length - certificates; i++)
		if (!(i >= checksum && i < checksum + 4) && !(i >= security && i < security + 8))
			rest[used++] = data[i];
	SHA256(rest, used, digest);
	free(rest);
}

static void predicted(void **state)
{
	static const char action[] = "Calling EFI Application from Boot Option";
	uint8_t four[32] = { 0 }, nine[32] = { 0 }, eleven[32] = { 0 }, digest[32];
	uint8_t values[SB_PCRS][32], wide[2 * sizeof(SAMPLE_CMDLINE)] = { 0 };
	static const uint8_t zero[32];
	struct sample pe, kernel;
	struct sb_uki uki;

	sample_uki(&pe);
	sample_kernel(&kernel);
	assert_int_equal(sb_uki_read(pe.bytes, pe.length, &uki, NULL), 0);
	memset(values, 0xee, sizeof(values));
	sb_predict(&uki, true, values);

	extend(four, action, strlen(action));
	extend(four, "\0\0\0", 4);
	authenticode(pe.bytes, pe.length, 0, PE_COFF, digest);
	extend_digest(four, digest);
	assert_memory_equal(values[4], four, 32);
	sb_predict(&uki, false, values);
	authenticode(kernel.bytes, kernel.length, 72, PE_COFF, digest);
	extend_digest(four, digest);
	assert_memory_equal(values[4], four, 32);

	for (size_t i = 0; i < strlen(SAMPLE_CMDLINE); i++)
		wide[2 * i] = (uint8_t)SAMPLE_CMDLINE[i];
	extend(nine, wide, sizeof(wide));
	extend(nine, SAMPLE_INITRD, strlen(SAMPLE_INITRD));
	assert_memory_equal(values[9], nine, 32);

	extend(eleven, ".linux", 7);
	extend(eleven, kernel.bytes, kernel.length);
	extend(eleven, ".osrel", 7);
	extend(eleven, SAMPLE_OSREL, strlen(SAMPLE_OSREL));
	extend(eleven, ".cmdline", 9);
	extend(eleven, SAMPLE_CMDLINE, strlen(SAMPLE_CMDLINE));
	extend(eleven, ".initrd", 8);
	extend(eleven, SAMPLE_INITRD, strlen(SAMPLE_INITRD));
	assert_memory_equal(values[11], eleven, 32);
	assert_memory_equal(values[12], zero, 32);
	for (int pcr = 0; pcr < SB_PCRS; pcr++)
		assert_int_equal(values[pcr][0] == 0xee && values[pcr][31] == 0xee, !(SB_PREDICTED_PCRS & 1U << pcr));

	/* A splash picture is measured behind the others. */
	sample_section(&pe, ".splash", "BM", 2);
	assert_int_equal(sb_uki_read(pe.bytes, pe.length, &uki, NULL), 0);
	sb_predict(&uki, false, values);
	extend(eleven, ".splash", 8);
	extend(eleven, "BM", 2);
	assert_memory_equal(values[11], eleven, 32);
}

/* The later stub: os-release behind the initrd, and .sbat measured. The archive is written out by hand. */
static void predicted_later_stub(void **state)
{
	static const char archive[] =
		"070701" "00000001" "0000416d" "00000000" "00000000" "00000001" "00000000" "00000000" "00000000" "00000000"
		"00000000" "00000000" "00000007" "00000000" ".extra\0" "\0\0\0"
		"070701" "00000002" "00008124" "00000000" "00000000" "00000001" "00000000" "0000000a" "00000000" "00000000"
		"00000000" "00000000" "00000012" "00000000" ".extra/os-release\0" SAMPLE_OSREL "\0\0"
		"070701" "00000000" "00000000" "00000000" "00000000" "00000001" "00000000" "00000000" "00000000" "00000000"
		"00000000" "00000000" "0000000B" "00000000" "TRAILER!!!\0\0\0";	/* and the literal's own NUL */
	uint8_t older[SB_PCRS][32], values[SB_PCRS][32], wide[2 * sizeof(SAMPLE_CMDLINE)] = { 0 }, nine[32] = { 0 };
	char handed[sizeof(SAMPLE_INITRD) + 4 + sizeof(archive)] = { 0 };
	size_t length = (strlen(SAMPLE_INITRD) + 3) / 4 * 4;
	struct sample pe;
	struct sb_uki uki;

	sample_uki(&pe);
	sample_section(&pe, ".sbat", "sbat,1\n", 7);
	assert_int_equal(sb_uki_read(pe.bytes, pe.length, &uki, NULL), 0);
	sb_predict(&uki, false, older);
	sample_uki_with(&pe, "#### LoaderInfo: systemd-stub 257.13-1 ####", SAMPLE_CMDLINE);
	sample_section(&pe, ".sbat", "sbat,1\n", 7);
	assert_int_equal(sb_uki_read(pe.bytes, pe.length, &uki, NULL), 0);
	sb_predict(&uki, false, values);
	memcpy(handed, SAMPLE_INITRD, strlen(SAMPLE_INITRD));
	memcpy(handed + length, archive, sizeof(archive));
	for (size_t i = 0; i < strlen(SAMPLE_CMDLINE); i++)
		wide[2 * i] = (uint8_t)SAMPLE_CMDLINE[i];
	extend(nine, wide, sizeof(wide));
	extend(nine, handed, length + sizeof(archive));
	assert_memory_equal(values[9], nine, 32);
	extend(older[11], ".sbat", 6);
	extend(older[11], "sbat,1\n", 7);
	assert_memory_equal(values[11], older[11], 32);
}

/* Every byte of the file changes a value, or ends the reading; but those that Authenticode leaves out. */
static void every_byte_counts(void **state)
{
	uint8_t before[SB_PCRS][32] = { 0 }, after[SB_PCRS][32] = { 0 };
	struct sample pe;
	struct sb_uki uki;
	int refused = 0;

	sample_uki(&pe);
	sample_sign(&pe, 0xab, 64);
	assert_int_equal(sb_uki_read(pe.bytes, pe.length, &uki, NULL), 0);
	sb_predict(&uki, true, before);
	for (size_t at = 0; at < pe.length; at++) {
		bool left_out = (at >= PE_CHECKSUM && at < PE_CHECKSUM + 4) || at >= pe.length - 64;

		pe.bytes[at] ^= 0x11;
		if (sb_uki_read(pe.bytes, pe.length, &uki, NULL) < 0) {
			assert_false(left_out);
			refused++;
		} else {
			sb_predict(&uki, true, after);
			assert_int_equal(memcmp(after[4], before[4], 32) == 0, left_out);
		}
		pe.bytes[at] ^= 0x11;
	}
	assert_true(refused > 100);
}

static void every_length(void **state)
{
	struct sample pe;
	size_t length;

	sample_uki(&pe);
	length = pe.length;
	for (pe.length = 0; pe.length < length; pe.length++)
		assert_int_equal(reads(&pe), -EBADMSG);
	assert_int_equal(reads(&pe), 0);
	pe.length++;
	assert_int_equal(reads(&pe), -EBADMSG);
}

static uint8_t *entry(struct sample *pe, unsigned int section)
{
	return pe->bytes + PE_TABLE + 40 * section;
}

/* Each field alone, out of its bounds. */
static void bounds(void **state)
{
	static const struct {
		size_t at;
		int bytes;
		uint64_t value;
	} wrong[] = {
		{ 0x3c, 4, 0 }, { 0x3c, 4, 0x3f }, { 0x3c, 4, SAMPLE_ROOM }, { 0x3c, 4, 0xffffffff },
		{ PE_COFF, 4, 0 }, { PE_OPTIONAL, 2, 0x10b },
		{ PE_COFF + 6, 2, 0 }, { PE_COFF + 6, 2, 97 }, { PE_COFF + 6, 2, 0xffff },
		{ PE_COFF + 20, 2, 0 }, { PE_COFF + 20, 2, 248 }, { PE_COFF + 20, 2, 0xffff },
		{ PE_OPTIONAL + 60, 4, 0 }, { PE_OPTIONAL + 60, 4, PE_TABLE }, { PE_OPTIONAL + 60, 4, 0xffffffff },
		{ PE_OPTIONAL + 60, 4, 3 * PE_ALIGN },
		{ PE_OPTIONAL + 108, 4, 17 }, { PE_OPTIONAL + 108, 4, 4 }, { PE_OPTIONAL + 108, 4, 0xffffffff },
		{ PE_SECURITY, 4, 8 }, { PE_SECURITY + 4, 4, 8 }, { PE_SECURITY + 4, 4, 0xffffffff },
		{ PE_TABLE + 16, 4, PE_ALIGN }, { PE_TABLE + 16, 4, 3 * PE_ALIGN }, { PE_TABLE + 16, 4, 0xffffffff },
		{ PE_TABLE + 20, 4, 0 }, { PE_TABLE + 20, 4, 3 * PE_ALIGN }, { PE_TABLE + 20, 4, 0xffffffff },
	};
	struct sample pe;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		sample_uki(&pe);
		put_le(pe.bytes + wrong[i].at, wrong[i].value, wrong[i].bytes);
		if (reads(&pe) != -EBADMSG)
			fail_msg("%#llx at %zu is taken", (unsigned long long)wrong[i].value, wrong[i].at);
	}
}

static void sections(void **state)
{
	struct sample pe;

	/* A seventeenth directory, the header's length with it. */
	sample_uki(&pe);
	memmove(entry(&pe, 0) + 8, entry(&pe, 0), (size_t)40 * pe.sections);
	put_le(pe.bytes + PE_COFF + 20, 248, 2);
	put_le(pe.bytes + PE_OPTIONAL + 108, 17, 4);
	assert_int_equal(reads(&pe), -EBADMSG);

	/* Two sections of the same bytes: the one is what is measured, the other what runs. */
	sample_uki(&pe);
	memcpy(entry(&pe, 2) + 16, entry(&pe, 3) + 16, 8);
	assert_int_equal(reads(&pe), -EBADMSG);
	/* The table in another order than the file: allowed, as to the firmware. */
	sample_uki(&pe);
	uint8_t moved[40];
	memcpy(moved, entry(&pe, 2), 40);
	memcpy(entry(&pe, 2), entry(&pe, 4), 40);
	memcpy(entry(&pe, 4), moved, 40);
	assert_int_equal(reads(&pe), 0);
	/* More in memory than in the file; nothing in memory. */
	sample_uki(&pe);
	put_le(entry(&pe, 4) + 8, PE_ALIGN + 1, 4);
	assert_int_equal(reads(&pe), -EBADMSG);
	put_le(entry(&pe, 4) + 8, 0, 4);
	assert_int_equal(reads(&pe), -EBADMSG);
	for (unsigned int missing = 1; missing < 6; missing++) {
		sample_uki(&pe);
		memcpy(entry(&pe, missing), ".other\0", 8);
		assert_int_equal(reads(&pe), -EBADMSG);
	}
	for (unsigned int twice = 1; twice < 6; twice++) {
		char name[9] = { 0 };

		sample_uki(&pe);
		memcpy(name, entry(&pe, twice), 8);
		sample_section(&pe, name, SAMPLE_MAGIC, sizeof(SAMPLE_MAGIC));
		assert_int_equal(reads(&pe), -EBADMSG);
	}
}

static void unknown(void **state)
{
	static const char *const names[] = {
		".dtb", ".dtbauto", ".efifw", ".hwids", ".pcrsig", ".pcrpkey", ".profile", ".ucode", ".uname",
	};
	static const char *const lines[] = { " a", "a ", "a\n", "a\tb", "a\x7f", "\xc3\xa4" };
	struct sample pe;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		sample_uki(&pe);
		sample_section(&pe, names[i], "x", 1);
		assert_int_equal(reads(&pe), -ENOTSUP);
	}
	for (size_t i = 0; i < 6; i++) {
		sample_uki_with(&pe, SAMPLE_MAGIC, lines[i]);
		assert_int_equal(reads(&pe), -ENOTSUP);
	}
	sample_uki_with(&pe, "#### LoaderInfo: systemd-stub 251.4 ####", SAMPLE_CMDLINE);
	assert_int_equal(reads(&pe), -ENOTSUP);
	sample_uki_with(&pe, "#### LoaderInfo: systemd-stub 2520 ####", SAMPLE_CMDLINE);
	assert_int_equal(reads(&pe), -ENOTSUP);
	sample_uki_with(&pe, "#### LoaderInfo: systemd-boot 252 ####", SAMPLE_CMDLINE);
	assert_int_equal(reads(&pe), -EBADMSG);
	sample_uki(&pe);
	put_le(pe.bytes + PE_COFF + 4, 0xaa64, 2);
	assert_int_equal(reads(&pe), -ENOTSUP);
	/* No kernel inside. */
	sample_uki(&pe);
	pe.bytes[pe.length - 1024 - 3 * PE_ALIGN] = 'X';
	sample_kernel(&pe);
	assert_int_equal(reads(&pe), -EBADMSG);
}

static void tails(void **state)
{
	struct sample pe;

	/* Symbols, as objcopy leaves them, then a certificate on the next eight. */
	sample_uki(&pe);
	put_le(pe.bytes + PE_COFF + 12, pe.length, 4);
	put_le(pe.bytes + PE_COFF + 16, 2, 4);
	put_le(pe.bytes + pe.length + 36, 7, 4);
	pe.length += 36 + 7;
	assert_int_equal(reads(&pe), 0);
	put_le(pe.bytes + pe.length - 7, 8, 4);
	assert_int_equal(reads(&pe), -EBADMSG);
	put_le(pe.bytes + pe.length - 7, 3, 4);
	assert_int_equal(reads(&pe), -EBADMSG);
	put_le(pe.bytes + pe.length - 7, 7, 4);
	pe.length += 8 - pe.length % 8;
	assert_int_equal(reads(&pe), -EBADMSG);
	sample_sign(&pe, 0xab, 64);
	assert_int_equal(reads(&pe), 0);
	pe.bytes[pe.length - 65] = 1;
	assert_int_equal(reads(&pe), -EBADMSG);
	pe.bytes[pe.length - 65] = 0;
	pe.length++;
	assert_int_equal(reads(&pe), -EBADMSG);
	pe.length -= 2;
	assert_int_equal(reads(&pe), -EBADMSG);
	/* Certificates further behind than on the next eight, zeros before them. */
	sample_uki(&pe);
	pe.length += 8;
	sample_sign(&pe, 0xab, 64);
	assert_int_equal(reads(&pe), -EBADMSG);
	/* Certificates in the middle of the file would not be measured. */
	sample_uki(&pe);
	put_le(pe.bytes + PE_SECURITY, pe.length - PE_ALIGN, 4);
	put_le(pe.bytes + PE_SECURITY + 4, PE_ALIGN, 4);
	assert_int_equal(reads(&pe), -EBADMSG);
}

/* One of the tools that people use, where this machine has them. */
static void by_objcopy(void **state)
{
	static const char *const words = "objcopy --add-section .osrel=%s/osrel --change-section-vma .osrel=0x20000 "
		"--add-section .cmdline=%s/cmdline --change-section-vma .cmdline=0x21000 "
		"--add-section .initrd=%s/initrd --change-section-vma .initrd=0x22000 "
		"--add-section .linux=%s/linux --change-section-vma .linux=0x23000 " STUB " %s/uki";
	char directory[] = "/tmp/sealbond-uki-XXXXXX", command[640], path[64];
	uint8_t digest[32], theirs[32], *data;
	struct sample kernel;
	struct sb_error error;
	struct sb_uki uki;
	size_t length;

	if (access(STUB, R_OK) < 0 || system("command -v objcopy >/dev/null") != 0)
		skip();
	assert_non_null(mkdtemp(directory));
	sample_kernel(&kernel);
	const struct {
		const char *name;
		const void *data;
		size_t length;
	} parts[] = {
		{ "osrel", SAMPLE_OSREL, strlen(SAMPLE_OSREL) }, { "cmdline", SAMPLE_CMDLINE, strlen(SAMPLE_CMDLINE) },
		{ "initrd", SAMPLE_INITRD, strlen(SAMPLE_INITRD) }, { "linux", kernel.bytes, kernel.length },
	};
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, parts[i].name);
		assert_int_equal(sb_file_write(path, parts[i].data, parts[i].length, 0644), 0);
	}
	snprintf(command, sizeof(command), words, directory, directory, directory, directory, directory);
	assert_int_equal(system(command), 0);
	snprintf(path, sizeof(path), "%s/uki", directory);
	assert_int_equal(sb_file_read(path, SB_UKI_MAX, &data, &length), 0);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	assert_int_equal(system(command), 0);
	int result = sb_uki_read(data, length, &uki, &error);
	if (result == -ENOTSUP) {	/* a later stub: refused by its version */
		free(data);
		skip();
	}
	if (result < 0)
		fail_msg("%s", error.text);
	assert_int_equal(uki.vmlinuz.length, kernel.length);
	assert_memory_equal(uki.vmlinuz.data, kernel.bytes, kernel.length);
	assert_int_equal(uki.cmdline.length, strlen(SAMPLE_CMDLINE));
	assert_memory_equal(uki.cmdline.data, SAMPLE_CMDLINE, uki.cmdline.length);
	assert_int_equal(uki.initrd.length, strlen(SAMPLE_INITRD));
	assert_memory_equal(uki.initrd.data, SAMPLE_INITRD, uki.initrd.length);
	sb_pe_digest(&uki.image, digest);
	authenticode(data, length, 0, (size_t)data[0x3c] | (size_t)data[0x3d] << 8, theirs);
	assert_memory_equal(digest, theirs, 32);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(predicted), cmocka_unit_test(predicted_later_stub),
		cmocka_unit_test(every_byte_counts), cmocka_unit_test(every_length),
		cmocka_unit_test(bounds), cmocka_unit_test(sections), cmocka_unit_test(unknown),
		cmocka_unit_test(tails), cmocka_unit_test(by_objcopy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
