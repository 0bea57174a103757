// SPDX-License-Identifier: Apache-2.0
#include "cli/people/roots.h"

#include <string.h>

#include "common/file.h"
#include "common/parse.h"

#define FILE_MAX	(4U << 20)

static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";

void cli_roots_free(struct cli_roots *roots)
{
	free(roots->data);
	*roots = (struct cli_roots){ .data = NULL };
}

/* The base64 between two marks, without its line ends, into @out. False: it is none. */
static bool decode(const char *text, size_t length, uint8_t *out, size_t *got)
{
	sb_cleanup_free char *packed = malloc(length + 1);
	size_t used = 0;

	if (!packed)
		abort();
	for (size_t i = 0; i < length; i++)
		if (!strchr(" \t\r\n", text[i]))
			packed[used++] = text[i];
	packed[used] = '\0';
	return used && sb_parse_base64(packed, out, used / 4 * 3, got) == 0;
}

static bool add(struct cli_roots *roots, const uint8_t *data, size_t length)
{
	struct sb_cert cert;

	if (roots->count == CLI_ROOTS_MAX || sb_cert_parse(data, length, &cert) < 0 || !cert.is_ca)
		return false;
	roots->root[roots->count++] = (struct sb_span){ data, length };
	return true;
}

/* One after the other; where it cannot be read, its number. */
static int read_pem(struct sb_cli *cli, const char *path, const char *text, struct cli_roots *roots)
{
	uint8_t *at = roots->data;
	const char *from = text, *to;

	while ((from = strstr(from, begin))) {
		size_t length;

		from += strlen(begin);
		to = strstr(from, end);
		if (roots->count == CLI_ROOTS_MAX)
			return cli_fail(cli, SB_EXIT_USAGE, "%s: more than %d certificates", path, CLI_ROOTS_MAX);
		if (!to || !decode(from, (size_t)(to - from), at, &length) || !add(roots, at, length))
			return cli_fail(cli, SB_EXIT_USAGE, "%s: certificate %zu is none of an issuer, or not of a form that ledgers "
					"take: RSA, P-256 or P-384, and no SHA-1", path, roots->count + 1);
		at += length;
		from = to;
	}
	return roots->count ? 0 : cli_fail(cli, SB_EXIT_USAGE, "%s: no certificate in it", path);
}

int cli_roots_read(struct sb_cli *cli, const char *path, struct cli_roots *roots)
{
	struct cli_roots read = { .data = NULL };
	uint8_t *text = NULL;
	size_t length;
	int code = sb_file_read(path, FILE_MAX, &text, &length);

	if (code < 0)
		return cli_fail(cli, cli_code_of(code), "%s: %s", path, strerror(-code));
	if (length && text[0] == 0x30) {
		read.data = sb_take_ptr(text);
		code = add(&read, read.data, length) ? 0 : cli_fail(cli, SB_EXIT_USAGE, "%s: not a certificate of an issuer", path);
	} else {
		/* what is decoded is shorter than its text */
		read.data = malloc(length + 1);
		if (!read.data)
			abort();
		code = read_pem(cli, path, (const char *)text, &read);
	}
	free(text);
	if (code)
		cli_roots_free(&read);
	else
		*roots = read;
	return code;
}

enum sb_chain_verdict cli_roots_judge(const struct cli_roots *roots, const Sealbond__Device *enrolment, int64_t now)
{
	struct sb_span span[1 + SB_CHAIN_MAX];
	size_t count = enrolment->n_ek_certificates, root;
	struct sb_tpm_public ek;

	if (count > SB_ARRAY_SIZE(span) ||
	    sb_tpm_public_parse(enrolment->ek_public.data, enrolment->ek_public.len, &ek) < 0)
		return SB_CHAIN_MALFORMED;
	for (size_t i = 0; i < count; i++)
		span[i] = (struct sb_span){ enrolment->ek_certificates[i].data, enrolment->ek_certificates[i].len };
	return sb_chain_check(&ek, span, count, roots->root, roots->count, now, &root);
}
