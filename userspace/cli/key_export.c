// SPDX-License-Identifier: Apache-2.0
/* A bond key's TPM structures, in the files that tpm2-tools take: who has an AK certifies where it was made. */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "common/blob.h"
#include "common/file.h"

#define PATH_ROOM	(SB_PATH_ROOM + 32)

static const char *const part_names[SB_BLOB_PARTS] = {
	[SB_BLOB_PRIVATE] = "object.priv", [SB_BLOB_PUBLIC] = "object.pub", [SB_BLOB_CREATION] = "creation.data",
	[SB_BLOB_HASH] = "creation.hash", [SB_BLOB_TICKET] = "creation.ticket",
};

struct wanted {
	const char *out;
	const char *blob;
	bool next;
};

static bool take(struct wanted *wanted, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--out") == 0 && i + 1 < argc)
			wanted->out = argv[++i];
		else if (strcmp(argv[i], "--blob") == 0 && i + 1 < argc)
			wanted->blob = argv[++i];
		else if (strcmp(argv[i], "--next") == 0)
			wanted->next = true;
		else
			return false;
	}
	return wanted->out && !(wanted->blob && wanted->next) && strlen(wanted->out) < SB_PATH_ROOM;
}

static int blob_path(struct sb_cli *cli, const struct wanted *wanted, char path[PATH_ROOM])
{
	sb_cleanup_free struct sb_config *config = malloc(sizeof(*config));
	int code;

	if (wanted->blob) {
		if (strlen(wanted->blob) >= PATH_ROOM)
			return cli_fail(cli, SB_EXIT_USAGE, "%s: too long", wanted->blob);
		strcpy(path, wanted->blob);
		return SB_EXIT_OK;
	}
	if (!config)
		return cli_fail(cli, SB_EXIT_FAILED, "out of memory");
	code = cli_config(cli, config);
	if (!code)
		snprintf(path, PATH_ROOM, "%s/key-%s.blob", config->state_dir, wanted->next ? "next" : "current");
	return code;
}

static int export(struct sb_cli *cli, const struct wanted *wanted, const struct sb_blob_file *blob)
{
	char path[PATH_ROOM], hex[SB_HEX_ROOM(SEALBOND_KEY_LEN)];
	int result = sb_make_directory(wanted->out, 0755);

	if (result < 0)
		return cli_fail(cli, cli_code_of(result), "%s: %s", wanted->out, strerror(-result));
	for (int i = 0; i < SB_BLOB_PARTS; i++) {
		snprintf(path, sizeof(path), "%s/%s", wanted->out, part_names[i]);
		result = sb_file_write(path, blob->part[i], blob->length[i], 0644);
		if (result < 0)
			return cli_fail(cli, cli_code_of(result), "%s: %s", path, strerror(-result));
	}
	sb_format_hex(hex, blob->header.key, SEALBOND_KEY_LEN);
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_string(&cli->out, "key", hex);
		sb_json_string(&cli->out, "parent", blob->header.primary_kind == SB_BLOB_PRIMARY_MADE ? "template" :
			       "0x81000001");
		cli_json_end(cli);
		return SB_EXIT_OK;
	}
	printf("Key:           %s\nParent:        %s\n", hex, blob->header.primary_kind == SB_BLOB_PRIMARY_PERSISTENT ?
	       "the storage key at 0x81000001" : "the storage key made from the template (docs/keys.md)");
	for (int i = 0; i < SB_BLOB_PARTS; i++)
		printf("               %s/%s\n", wanted->out, part_names[i]);
	return SB_EXIT_OK;
}

int cli_key_export(struct sb_cli *cli, int argc, char **argv)
{
	sb_cleanup_free uint8_t *data = NULL;
	struct wanted wanted = { 0 };
	struct sb_blob_file blob;
	char path[PATH_ROOM];
	size_t length;
	int result;

	if (!take(&wanted, argc, argv))
		return cli_usage(cli, "key export --out DIRECTORY [--next | --blob FILE] [--json]");
	result = blob_path(cli, &wanted, path);
	if (result)
		return result;
	result = sb_file_read(path, SB_BLOB_MAX, &data, &length);
	if (result < 0)
		return cli_fail(cli, cli_code_of(result), "%s: %s", path, strerror(-result));
	if (sb_blob_file_decode(data, length, &blob) < 0)
		return cli_fail(cli, SB_EXIT_FAILED, "%s: not a sealed bond key, or damaged", path);
	return export(cli, &wanted, &blob);
}
