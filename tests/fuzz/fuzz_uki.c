// SPDX-License-Identifier: Apache-2.0
/*
 * Arbitrary bytes as a unified kernel image. The first byte chooses: as they are, or as edits (position, two
 * bytes) of a well-formed image. What is accepted is measured, with every byte accounted for.
 */
#include <stdlib.h>

#include "../unit/uki_sample.h"
#include "boot/predict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of just that length on the heap, so that a byte too far is seen. */
static void check(const uint8_t *data, size_t length)
{
	uint8_t *copy = malloc(length ? length : 1), values[SB_PCRS][32];
	struct sb_error error;
	struct sb_uki uki;

	if (length)
		memcpy(copy, data, length);
	if (sb_uki_read(copy, length, &uki, &error) == 0) {
		size_t owned = uki.image.headers + uki.image.certificates;

		for (unsigned int i = 0; i < uki.image.count; i++)
			owned += uki.image.sections[i].size;
		if (owned > length || uki.vmlinuz.length > length || uki.kernel.file.data != uki.vmlinuz.data)
			abort();
		sb_predict(&uki, false, values);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sample pe;

	if (!size)
		return 0;
	if (!(*data & 1)) {
		check(data + 1, size - 1);
		return 0;
	}
	sample_uki_with(&pe, *data & 4 ? "#### LoaderInfo: systemd-stub 257.13-1 ####" : SAMPLE_MAGIC, SAMPLE_CMDLINE);
	if (*data & 4)
		sample_section(&pe, ".sbat", "sbat,1\n", 7);
	if (*data & 2)
		sample_sign(&pe, 0xab, 64);
	for (data++, size--; size >= 4; data += 4, size -= 4)
		memcpy(pe.bytes + (data[0] | data[1] << 8) % (pe.length - 1), data + 2, 2);
	check(pe.bytes, pe.length);
	return 0;
}
