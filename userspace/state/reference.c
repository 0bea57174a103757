// SPDX-License-Identifier: Apache-2.0
#include "state/reference.h"

#include <errno.h>
#include <string.h>

#include "sealbond/blob.h"

bool sb_reference_is_valid(const Sealbond__Reference *reference)
{
	if (!reference->id.len || reference->id.len > 32 || !reference->pcrs || reference->pcrs & ~SB_PCR_MASK_ALL ||
	    reference->pcrs & SB_CAP_FORBIDDEN || reference->n_values != (size_t)__builtin_popcount(reference->pcrs))
		return false;
	for (size_t i = 0; i < reference->n_values; i++)
		if (reference->values[i].len != 32)
			return false;
	return true;
}

/* Where the PCR's value stands among those of a mask, ascending. */
static size_t place(uint32_t mask, unsigned int pcr)
{
	return (size_t)__builtin_popcount(mask & ((1U << pcr) - 1));
}

struct looking {
	uint32_t must;
	const Sealbond__BootState *boot;
	bool damaged;
};

static bool fits(const struct looking *looking, const Sealbond__Reference *reference)
{
	const Sealbond__BootState *boot = looking->boot;

	if ((reference->pcrs & looking->must) != looking->must || reference->pcrs & ~boot->pcrs)
		return false;
	for (unsigned int pcr = 0; pcr < SB_PCRS; pcr++)
		if (reference->pcrs & 1U << pcr &&
		    !sb_bytes_are(reference->values[place(reference->pcrs, pcr)],
				  boot->values.data + 32 * place(boot->pcrs, pcr), 32))
			return false;
	return true;
}

static int look(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	struct looking *looking = context;
	SB_AUTO_MESSAGE Sealbond__Reference *reference = sb_message_read(&sealbond__reference__descriptor, value, length);

	(void)key;
	(void)key_length;
	looking->damaged = !reference || !sb_reference_is_valid(reference);
	return looking->damaged || fits(looking, reference);
}

bool sb_reference_fits(struct sb_run *run, const Sealbond__BootState *boot, uint32_t must)
{
	const Sealbond__Parameters *parameters = sb_run_parameters(run);
	struct looking looking = {
		.must = (parameters->pcrs & ~(1U << parameters->cap_pcr)) | must, .boot = boot,
	};
	bool found = sb_run_each(run, SB_RECORD_REFERENCE, NULL, 0, look, &looking) > 0;

	if (looking.damaged && !run->error)
		run->error = -EUCLEAN;
	return found;
}
