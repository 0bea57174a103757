/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct tpm_buf has had three shapes: a pointer to a page (6.1), the same with lengths
 * (6.12), and a header in front of its bytes in linux/tpm_buf.h (7.x). Here a page of the
 * caller's is the buffer of one command and its response, whatever the shape.
 */
#ifndef SB_COMPAT_LINUX_TPM_H
#define SB_COMPAT_LINUX_TPM_H

#include_next <linux/tpm.h>

/* Of a page: more than any TPM takes, and within tpm_buf's 16-bit length. */
#define SB_COMPAT_TPM_BYTES	4096

#if __has_include(<linux/tpm_buf.h>)
#include <linux/tpm_buf.h>

/* The command's first byte in a page from get_zeroed_page(); *cap: bytes that fit. */
static inline u8 *sb_compat_tpm_data(void *page, u32 *cap)
{
	struct tpm_buf *buf = page;

	tpm_buf_init(buf, SB_COMPAT_TPM_BYTES);
	*cap = buf->capacity;
	return buf->data;
}

/* Sends len bytes; the response overwrites them. 0, a TPM code > 0, or -errno. */
static inline ssize_t sb_compat_tpm_transmit(struct tpm_chip *chip, void *page, u32 len)
{
	struct tpm_buf *buf = page;

	buf->length = len;
	return tpm_transmit_cmd(chip, buf, 0, NULL);
}
#else
static inline u8 *sb_compat_tpm_data(void *page, u32 *cap)
{
	*cap = SB_COMPAT_TPM_BYTES;
	return page;
}

static inline ssize_t sb_compat_tpm_transmit(struct tpm_chip *chip, void *page, u32 len)
{
	struct tpm_buf buf = { .data = page };

	/* The length is in the command's own header. */
	return tpm_transmit_cmd(chip, &buf, 0, NULL);
}
#endif

#endif
