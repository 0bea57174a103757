// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "cli/grant.h"
#include "cli/release_key.h"
#include "common/file.h"
#include "common/p256.h"

#define PEM_MAX	4096

/* What is known of a signature: its key was given, and it is good. */
enum { UNKNOWN, VALID, INVALID };

static const char *const verdicts[] = { "key not given", "valid", "NOT VALID" };

static int read_key(struct sb_cli *cli, const char *path, uint8_t point[64])
{
	sb_cleanup_free uint8_t *text = NULL;
	size_t length;
	int result = sb_file_read(path, PEM_MAX, &text, &length);

	if (result < 0)
		return cli_fail(cli, cli_code_of(result), "%s: %s", path, strerror(-result));
	if (sb_p256_read_pem((char *)text, length, point, point + 32) < 0)
		return cli_fail(cli, SB_EXIT_FAILED, "%s: not a P-256 public key", path);
	return 0;
}

/* A key that has not signed is no good sign either. */
static int judge(struct sb_cli *cli, const struct sb_grant_file *grant, const char *path, uint8_t *verdict)
{
	uint8_t point[64], message[SB_GRANT_MESSAGE_LEN], signature[64], id[SB_GRANT_KEY_ID_LEN];
	int code = read_key(cli, path, point);

	if (code)
		return code;
	sb_grant_key_id(point, id);
	sb_grant_file_message(grant, message);
	for (size_t i = 0; i < grant->count; i++) {
		if (memcmp(grant->signature[i].key_id, id, sizeof(id)) != 0)
			continue;
		memcpy(signature, grant->signature[i].r, 32);
		memcpy(signature + 32, grant->signature[i].s, 32);
		verdict[i] = sb_key_verify(point, message, sizeof(message), signature) == 0 ? VALID : INVALID;
		return 0;
	}
	return cli_fail(cli, SB_EXIT_FAILED, "%s: this key has not signed the grant", path);
}

static void show_json(struct sb_cli *cli, const struct sb_grant_file *grant, const uint8_t *verdict)
{
	const struct sb_grant_body *body = &grant->body;
	struct sb_json *out = &cli->out;
	char address[SB_ADDRESS_ROOM];

	cli_json_begin(cli);
	sb_json_hex(out, "device_id", body->device_id, sizeof(body->device_id));
	sb_json_hex(out, "key", body->key, sizeof(body->key));
	sb_json_string(out, "overlay4", sb_format_address(address, AF_INET, body->overlay4));
	sb_json_string(out, "overlay6", sb_format_address(address, AF_INET6, body->overlay6));
	sb_json_hex(out, "holder", body->holder, sizeof(body->holder));
	sb_json_hex(out, "chain_id", body->chain_id, sizeof(body->chain_id));
	sb_json_number(out, "duration_ms", sb_grant_file_duration(grant));
	sb_json_number(out, "hold_ms", sb_grant_file_hold(grant));
	sb_json_bool(out, "quarantine", body->flags & SB_GRANT_F_QUARANTINE);
	sb_json_bool(out, "static", sb_grant_file_static(grant));
	sb_json_hex(out, "nonce", body->nonce, sizeof(body->nonce));
	sb_json_open(out, "signatures", '[');
	for (size_t i = 0; i < grant->count; i++) {
		sb_json_open(out, NULL, '{');
		sb_json_hex(out, "key_id", grant->signature[i].key_id, SB_GRANT_KEY_ID_LEN);
		sb_json_string(out, "verdict", verdicts[verdict[i]]);
		sb_json_close(out, '}');
	}
	sb_json_close(out, ']');
	cli_json_end(cli);
}

static void show_text(const struct sb_grant_file *grant, const uint8_t *verdict)
{
	static const uint8_t none[16];
	const struct sb_grant_body *body = &grant->body;
	char hex[SB_HEX_ROOM(32)], address[SB_ADDRESS_ROOM], duration[SB_SHORT_ROOM];

	printf("Device:     %s%s\n", sb_format_hex(hex, body->device_id, 32),
	       body->flags & SB_GRANT_F_QUARANTINE ? "  in quarantine" : "");
	printf("Bond key:   %s\n", sb_format_hex(hex, body->key, 32));
	if (memcmp(body->overlay4, none, 4) != 0)
		printf("Overlay:    %s\n", sb_format_address(address, AF_INET, body->overlay4));
	if (memcmp(body->overlay6, none, 16) != 0)
		printf("Overlay:    %s\n", sb_format_address(address, AF_INET6, body->overlay6));
	printf("Holder:     %s\n", sb_format_hex(hex, body->holder, 32));
	printf("Chain:      %s\n", sb_format_hex(hex, body->chain_id, 32));
	if (sb_grant_file_hold(grant))
		printf("Hold:       the last %s of the duration, while the ledger is lost\n",
		       sb_format_duration(duration, sb_grant_file_hold(grant)));
	printf("Duration:   %s%s\n", sb_format_duration(duration, sb_grant_file_duration(grant)),
	       sb_grant_file_static(grant) ? ", from each time that it is shown to the kernel" : " from the request");
	if (!sb_grant_file_static(grant))
		printf("Nonce:      %s\n", sb_format_hex(hex, body->nonce, SB_GRANT_NONCE_LEN));
	for (size_t i = 0; i < grant->count; i++)
		printf("Signed by:  %s  %s\n", sb_format_hex(hex, grant->signature[i].key_id, SB_GRANT_KEY_ID_LEN),
		       verdicts[verdict[i]]);
}

int cli_grant_show(struct sb_cli *cli, int argc, char **argv)
{
	uint8_t verdict[SB_GRANT_KEYS_MAX] = { UNKNOWN };
	struct sb_grant_file grant;
	bool good = true;
	int code;

	if (argc < 2 || argc % 2)
		return cli_usage(cli, "grant show FILE [--key PUBLIC.pem]...");
	code = cli_grant_read(cli, argv[1], &grant);
	for (int i = 2; i < argc && code == 0; i += 2) {
		if (strcmp(argv[i], "--key") != 0)
			return cli_usage(cli, "grant show FILE [--key PUBLIC.pem]...");
		code = judge(cli, &grant, argv[i + 1], verdict);
	}
	if (code)
		return code;
	if (cli->json)
		show_json(cli, &grant, verdict);
	else
		show_text(&grant, verdict);
	for (size_t i = 0; i < grant.count; i++)
		good = good && verdict[i] != INVALID;
	return good ? SB_EXIT_OK : SB_EXIT_FAILED;
}
