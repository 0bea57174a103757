// SPDX-License-Identifier: Apache-2.0
#include "common/approval.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "common/sha256.h"

static const uint8_t policy_pcr[4] = { 0x00, 0x00, 0x01, 0x7f };	/* TPM2_CC_PolicyPCR */

/* One selection: the SHA-256 bank, three bytes of bits, the first byte PCRs 0 to 7. */
static void encode_selection(uint32_t pcrs, uint8_t out[10])
{
	static const uint8_t head[7] = { 0, 0, 0, 1, 0x00, 0x0b, 3 };

	memcpy(out, head, sizeof(head));
	for (int i = 0; i < 3; i++)
		out[7 + i] = (uint8_t)(pcrs >> 8 * i);
}

void sb_approval_file_digest(const struct sb_approval_file *approval, uint8_t digest[32])
{
	static const uint8_t zero[32];
	uint8_t selection[10], values[32];
	struct sb_digest hash;

	sb_digest_init(&hash);
	for (int pcr = 0; pcr < SB_PCRS; pcr++)
		if (approval->pcrs & 1U << pcr)
			sb_digest_update(&hash, approval->values[pcr], 32);
	sb_digest_final(&hash, values);
	encode_selection(approval->pcrs, selection);
	sb_digest_init(&hash);
	sb_digest_update(&hash, zero, sizeof(zero));
	sb_digest_update(&hash, policy_pcr, sizeof(policy_pcr));
	sb_digest_update(&hash, selection, sizeof(selection));
	sb_digest_update(&hash, values, sizeof(values));
	sb_digest_final(&hash, digest);
}

void sb_approval_file_message(const struct sb_approval_file *approval, uint8_t message[64])
{
	sb_approval_file_digest(approval, message);
	memcpy(message + 32, approval->policy_ref, 32);
}

bool sb_approval_file_usable(const struct sb_approval_file *approval, const uint8_t release_key[64],
			     const uint8_t policy_ref[32], unsigned int cap_pcr, uint32_t pcrs)
{
	uint32_t required = pcrs | 1U << cap_pcr;

	return approval->cap_pcr == cap_pcr && (approval->pcrs & required) == required &&
	       memcmp(approval->release_key, release_key, 64) == 0 && memcmp(approval->policy_ref, policy_ref, 32) == 0;
}

uint32_t sb_approval_file_differs(const struct sb_approval_file *approval, uint32_t valid,
				  const uint8_t values[SB_PCRS][32])
{
	uint32_t differs = approval->pcrs & ~valid;

	for (int pcr = 0; pcr < SB_PCRS; pcr++)
		if (approval->pcrs & valid & 1U << pcr && memcmp(approval->values[pcr], values[pcr], 32) != 0)
			differs |= 1U << pcr;
	return differs;
}

size_t sb_approval_file_encode(const struct sb_approval_file *approval, uint8_t out[SB_APPROVAL_MAX])
{
	struct sb_approval_header header = {
		.version = htobe16(SB_APPROVAL_VERSION), .cap_pcr = approval->cap_pcr,
		.pcr_mask = htobe32(approval->pcrs),
	};
	size_t used = sizeof(header);

	memcpy(header.magic, SB_APPROVAL_MAGIC, sizeof(header.magic));
	memcpy(header.policy_ref, approval->policy_ref, 32);
	memcpy(header.release_x, approval->release_key, 32);
	memcpy(header.release_y, approval->release_key + 32, 32);
	memcpy(header.sig_r, approval->signature, 32);
	memcpy(header.sig_s, approval->signature + 32, 32);
	memcpy(out, &header, sizeof(header));
	for (int pcr = 0; pcr < SB_PCRS; pcr++) {
		if (!(approval->pcrs & 1U << pcr))
			continue;
		memcpy(out + used, approval->values[pcr], 32);
		used += 32;
	}
	return used;
}

int sb_approval_file_decode(const uint8_t *data, size_t length, struct sb_approval_file *approval)
{
	struct sb_approval_header header;
	struct sb_approval_file read = { 0 };

	if (length < sizeof(header))
		return -EBADMSG;
	memcpy(&header, data, sizeof(header));
	read.pcrs = be32toh(header.pcr_mask);
	read.cap_pcr = header.cap_pcr;
	if (memcmp(header.magic, SB_APPROVAL_MAGIC, sizeof(header.magic)) != 0 ||
	    be16toh(header.version) != SB_APPROVAL_VERSION || header.reserved != 0 ||
	    read.pcrs & ~SB_PCR_MASK_ALL || read.cap_pcr >= SB_PCRS || SB_CAP_FORBIDDEN & 1U << read.cap_pcr ||
	    !(read.pcrs & 1U << read.cap_pcr) ||
	    length != sizeof(header) + 32 * (size_t)__builtin_popcount(read.pcrs))
		return -EBADMSG;
	memcpy(read.policy_ref, header.policy_ref, 32);
	memcpy(read.release_key, header.release_x, 32);
	memcpy(read.release_key + 32, header.release_y, 32);
	memcpy(read.signature, header.sig_r, 32);
	memcpy(read.signature + 32, header.sig_s, 32);
	data += sizeof(header);
	for (int pcr = 0; pcr < SB_PCRS; pcr++) {
		if (!(read.pcrs & 1U << pcr))
			continue;
		memcpy(read.values[pcr], data, 32);
		data += 32;
	}
	*approval = read;
	return 0;
}
