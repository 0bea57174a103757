// SPDX-License-Identifier: Apache-2.0
#include "boot/uki.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/cleanup.h"

/*
 * The stub's own mark (systemd, src/boot/efi/stub.c). Which sections it measures, and what it adds to
 * the initrd, changes between its versions.
 */
#define STUB_MARK	"#### LoaderInfo: systemd-stub "

static int read_stub(const struct sb_pe *image, unsigned int *stub, struct sb_error *error)
{
	const size_t mark = strlen(STUB_MARK);
	unsigned int version = 0;
	struct sb_span text;

	if (sb_pe_section(image, ".sdmagic", &text) < 0 || text.length < mark || memcmp(text.data, STUB_MARK, mark) != 0)
		return sb_fail(error, -EBADMSG, "not a unified kernel image of systemd's stub");
	for (size_t i = mark; i < text.length && i < mark + 4 && text.data[i] >= '0' && text.data[i] <= '9'; i++)
		version = version * 10 + (text.data[i] - '0');
	if (version != SB_STUB_252 && version != SB_STUB_257)
		return sb_fail(error, -ENOTSUP, "the stub is systemd's %u; what it measures is known here for %d and %d only: "
			       "approve this image while it runs", version, SB_STUB_252, SB_STUB_257);
	*stub = version;
	return 0;
}

/*
 * The stubs make a further initrd of them, or choose between several, or patch memory; that is not followed
 * here. An older stub does not know some of them: they are refused all the same.
 */
static int refuse_unknown(const struct sb_pe *image, struct sb_error *error)
{
	static const char *const names[] = {
		".dtb", ".dtbauto", ".efifw", ".hwids", ".pcrsig", ".pcrpkey", ".profile", ".ucode", ".uname",
	};

	for (size_t i = 0; i < SB_ARRAY_SIZE(names); i++) {
		struct sb_span span;

		if (sb_pe_section(image, names[i], &span) != -ENOENT)
			return sb_fail(error, -ENOTSUP, "the image has a section %s, and what comes of it is not predicted: "
				       "approve this image while it runs", names[i]);
	}
	return 0;
}

static int take(const struct sb_pe *image, const char *name, struct sb_span *span, struct sb_error *error)
{
	int result = sb_pe_section(image, name, span);

	if (result == -ENOENT)
		return sb_fail(error, -EBADMSG, "the image has no section %s", name);
	if (result < 0)
		return sb_fail(error, -EBADMSG, "the image's section %s is empty, there twice, or larger in memory than in the file",
			       name);
	return 0;
}

/* The stub turns control characters into blanks and cuts blanks off; then it is not the section that is measured. */
static int check_cmdline(const struct sb_span *cmdline, struct sb_error *error)
{
	for (size_t i = 0; i < cmdline->length; i++)
		if (cmdline->data[i] < 0x20 || cmdline->data[i] > 0x7e)
			return sb_fail(error, -ENOTSUP, "the command line has a byte %#04x at %zu; allowed: printable ASCII on one line, "
				       "without a newline at its end", cmdline->data[i], i);
	if (cmdline->data[0] == ' ' || cmdline->data[cmdline->length - 1] == ' ')
		return sb_fail(error, -ENOTSUP, "the command line begins or ends with a blank; take it away");
	return 0;
}

int sb_uki_read(const uint8_t *data, size_t length, struct sb_uki *uki, struct sb_error *error)
{
	struct sb_uki read = { 0 };
	int result;

	result = sb_pe_read(data, length, &read.image, error);
	if (result == 0)
		result = read_stub(&read.image, &read.stub, error);
	if (result == 0 && read.image.machine != SB_PE_MACHINE_AMD64)
		result = sb_fail(error, -ENOTSUP, "the image is for machine %#x; known here: amd64", read.image.machine);
	if (result == 0)
		result = refuse_unknown(&read.image, error);
	if (result == 0)
		result = take(&read.image, ".linux", &read.vmlinuz, error);
	if (result == 0)
		result = take(&read.image, ".osrel", &read.osrel, error);
	if (result == 0)
		result = take(&read.image, ".cmdline", &read.cmdline, error);
	if (result == 0)
		result = take(&read.image, ".initrd", &read.initrd, error);
	if (result == 0 && sb_pe_section(&read.image, ".splash", &read.splash) == -EBADMSG)
		result = take(&read.image, ".splash", &read.splash, error);
	if (result == 0 && sb_pe_section(&read.image, ".sbat", &read.sbat) == -EBADMSG)
		result = take(&read.image, ".sbat", &read.sbat, error);
	if (result == 0)
		result = check_cmdline(&read.cmdline, error);
	if (result == 0)
		result = sb_pe_read(read.vmlinuz.data, read.vmlinuz.length, &read.kernel, error);
	if (result == 0)
		*uki = read;
	return result;
}
