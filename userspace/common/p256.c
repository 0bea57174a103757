// SPDX-License-Identifier: Apache-2.0
#include "common/p256.h"

#include <errno.h>
#include <string.h>

#include "common/parse.h"

#define PEM_BEGIN	"-----BEGIN PUBLIC KEY-----\n"
#define PEM_END		"-----END PUBLIC KEY-----\n"

/* SubjectPublicKeyInfo { { ecPublicKey, prime256v1 }, BIT STRING of 04 x y } up to the 04 */
static const uint8_t spki_head[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
	0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
};

#define SPKI_LEN	(sizeof(spki_head) + 64)

int sb_p256_read_pem(const char *text, size_t length, uint8_t x[32], uint8_t y[32])
{
	const size_t begin = strlen(PEM_BEGIN), end = strlen(PEM_END);
	char digits[4 * ((SPKI_LEN + 2) / 3) + 1];
	uint8_t der[SPKI_LEN + 2];
	size_t used = 0, der_length;

	if (length < begin + end || memcmp(text, PEM_BEGIN, begin) != 0 ||
	    memcmp(text + length - end, PEM_END, end) != 0)
		return -EINVAL;
	for (const char *at = text + begin; at < text + length - end; at++) {
		if (*at == '\n')
			continue;
		if (used == sizeof(digits) - 1 || *at == '\0')
			return -EINVAL;
		digits[used++] = *at;
	}
	digits[used] = '\0';
	if (sb_parse_base64(digits, der, sizeof(der), &der_length) < 0 || der_length != SPKI_LEN ||
	    memcmp(der, spki_head, sizeof(spki_head)) != 0)
		return -EINVAL;
	memcpy(x, der + sizeof(spki_head), 32);
	memcpy(y, der + sizeof(spki_head) + 32, 32);
	return 0;
}
