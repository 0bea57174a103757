// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "cli/grant.h"
#include "cli/release_key.h"
#include "common/file.h"

int cli_grant_read(struct sb_cli *cli, const char *path, struct sb_grant_file *grant)
{
	sb_cleanup_free uint8_t *data = NULL;
	size_t length;
	int result = sb_file_read(path, SB_GRANT_MAX, &data, &length);

	if (result < 0)
		return cli_fail(cli, cli_code_of(result), "%s: %s", path, strerror(-result));
	if (sb_grant_file_decode(data, length, grant) < 0)
		return cli_fail(cli, SB_EXIT_FAILED, "%s: not a grant", path);
	return 0;
}

static int make_key(struct sb_cli *cli, int argc, char **argv)
{
	return cli_make_key(cli, argc, argv, "grant key --out grant.pem", "a grant key", "grant_keys in [peers]");
}

static int request(struct sb_cli *cli, int argc, char **argv)
{
	sb_cleanup_module struct sb_module *module = NULL;
	uint8_t device_id[SEALBOND_ID_LEN], nonce[SB_GRANT_NONCE_LEN];
	char hex[SB_HEX_ROOM(SB_GRANT_NONCE_LEN)];
	int result;

	if (argc != 2 || sb_parse_key(argv[1], device_id) < 0)
		return cli_usage(cli, "grant request DEVICE-ID");
	result = cli_open(cli, &module);
	if (result)
		return result;
	result = sb_module_request_grant(module, device_id, nonce);
	if (result < 0)
		return cli_module_fail(cli, module, result);
	sb_format_hex(hex, nonce, sizeof(nonce));
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_string(&cli->out, "nonce", hex);
		cli_json_end(cli);
	} else {
		puts(hex);
	}
	return SB_EXIT_OK;
}

static int admit(struct sb_cli *cli, int argc, char **argv)
{
	sb_cleanup_module struct sb_module *module = NULL;
	sb_cleanup_free uint8_t *data = NULL;
	union sb_endpoint endpoint = { 0 };
	size_t length;
	int result;

	if ((argc != 2 && argc != 4) || (argc == 4 && (strcmp(argv[2], "--endpoint") != 0 ||
						      sb_parse_endpoint(argv[3], &endpoint) < 0)))
		return cli_usage(cli, "grant admit FILE [--endpoint ADDR:PORT]");
	/* As it is: what is wrong with it is for the kernel to say. */
	result = sb_file_read(argv[1], 2 * SB_GRANT_MAX, &data, &length);
	if (result < 0)
		return cli_fail(cli, cli_code_of(result), "%s: %s", argv[1], strerror(-result));
	result = cli_open(cli, &module);
	if (result)
		return result;
	result = sb_module_set_grant(module, data, length, &endpoint);
	/* EPERM is also the kernel's word on a grant of another holder: its text says which. */
	return result < 0 ? cli_fail(cli, SB_EXIT_FAILED, "%s", sb_module_error(module)) : SB_EXIT_OK;
}

int cli_grant(struct sb_cli *cli, int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct sb_cli *cli, int argc, char **argv);
	} verbs[] = {
		{ "key", make_key }, { "sign", cli_grant_sign }, { "show", cli_grant_show },
		{ "request", request }, { "admit", admit },
	};

	for (size_t i = 0; argc > 1 && i < SB_ARRAY_SIZE(verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(cli, argc - 1, argv + 1);
	return cli_usage(cli, "grant key --out FILE | sign ... | show FILE [--key PUBLIC]... | request DEVICE-ID | "
			 "admit FILE [--endpoint ADDR:PORT]");
}
