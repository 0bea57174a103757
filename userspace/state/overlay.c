// SPDX-License-Identifier: Apache-2.0
#include "state/overlay.h"

#include <string.h>

bool sb_overlay_prefix(ProtobufCBinaryData prefix, size_t length)
{
	unsigned int bits;

	if (!prefix.len)
		return true;
	if (prefix.len != length + 1)
		return false;
	bits = prefix.data[length];
	if (bits > 8 * length - 2)
		return false;
	for (unsigned int bit = bits; bit < 8 * length; bit++)
		if (prefix.data[bit / 8] & 0x80 >> bit % 8)
			return false;
	return true;
}

bool sb_overlay_address(ProtobufCBinaryData prefix, size_t length, uint32_t index, uint8_t address[16])
{
	unsigned int host = (unsigned int)(8 * length) - prefix.data[length];

	/* Neither the prefix's own address nor the last, which IPv4 broadcasts to. */
	if (!index || (host < 32 && index >= (UINT32_C(1) << host) - 1))
		return false;
	memcpy(address, prefix.data, length);
	for (size_t i = 0; i < 4; i++)
		address[length - 1 - i] |= (uint8_t)(index >> (8 * i));
	return true;
}

static bool is_in_range(const Sealbond__Parameters *parameters, uint32_t index)
{
	uint8_t address[16];

	return (!parameters->overlay4.len || sb_overlay_address(parameters->overlay4, 4, index, address)) &&
	       (!parameters->overlay6.len || sb_overlay_address(parameters->overlay6, 16, index, address));
}

struct found {
	uint32_t index;
};

static int take_index(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	struct found *found = context;

	(void)value;
	(void)length;
	if (key_length < 5)
		return 0;
	found->index = (uint32_t)key[1] << 24 | (uint32_t)key[2] << 16 | (uint32_t)key[3] << 8 | key[4];
	return 1;
}

static void index_id(uint32_t index, uint8_t id[4])
{
	for (int i = 0; i < 4; i++)
		id[i] = (uint8_t)(index >> (24 - 8 * i));
}

/* A new index, or 0: none is left. */
static uint32_t next_index(struct sb_run *run, Sealbond__Counters *counters)
{
	const Sealbond__Parameters *parameters = sb_run_parameters(run);
	struct found found = { 0 };
	uint8_t id[4];

	if (counters->next_index < UINT32_MAX && is_in_range(parameters, counters->next_index + 1))
		return ++counters->next_index;
	if (sb_run_each(run, SB_RECORD_FREE_INDEX, NULL, 0, take_index, &found) <= 0 || !is_in_range(parameters, found.index))
		return 0;
	index_id(found.index, id);
	return sb_run_remove(run, SB_RECORD_FREE_INDEX, id, sizeof(id)) == SB_TX_OK ? found.index : 0;
}

enum sb_tx_code sb_overlay_assign(struct sb_run *run, Sealbond__Device *device)
{
	SB_AUTO_MESSAGE Sealbond__Counters *counters = sb_run_counters(run);
	const Sealbond__Parameters *parameters = sb_run_parameters(run);
	uint8_t address[16];

	device->index = next_index(run, counters);
	if (!device->index)
		return sb_run_refuse(run, SB_TX_LIMIT, "no overlay address is left");
	if (parameters->overlay4.len && sb_overlay_address(parameters->overlay4, 4, device->index, address))
		sb_bytes_set(&device->overlay4, address, 4);
	if (parameters->overlay6.len && sb_overlay_address(parameters->overlay6, 16, device->index, address))
		sb_bytes_set(&device->overlay6, address, 16);
	return sb_run_save(run, SB_RECORD_COUNTERS, NULL, 0, counters);
}

enum sb_tx_code sb_overlay_free(struct sb_run *run, Sealbond__Device *device)
{
	Sealbond__Due mark = SEALBOND__DUE__INIT;
	uint8_t id[4];

	mark.kind = 1;
	index_id(device->index, id);
	device->index = 0;
	sb_bytes_set(&device->overlay4, NULL, 0);
	sb_bytes_set(&device->overlay6, NULL, 0);
	return sb_run_save(run, SB_RECORD_FREE_INDEX, id, sizeof(id), &mark);
}
