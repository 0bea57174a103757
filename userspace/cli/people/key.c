// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>

#include "cli/people/people.h"

static int read_line(int fd, char room[SB_PASSPHRASE_MAX])
{
	size_t length = 0;
	ssize_t got;
	char byte;

	while ((got = read(fd, &byte, 1)) == 1 && byte != '\n') {
		if (length + 1 == SB_PASSPHRASE_MAX)
			return -EMSGSIZE;
		room[length++] = byte;
	}
	if (got < 0)
		return -errno;
	room[length] = '\0';
	return (int)length;
}

static int ask_terminal(const char *prompt, char room[SB_PASSPHRASE_MAX])
{
	sb_cleanup_close int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios before, quiet;
	int result;

	if (fd < 0 || tcgetattr(fd, &before) < 0)
		return -ENOTTY;
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	dprintf(fd, "%s", prompt);
	if (tcsetattr(fd, TCSAFLUSH, &quiet) < 0)
		return -errno;
	result = read_line(fd, room);
	tcsetattr(fd, TCSAFLUSH, &before);
	dprintf(fd, "\n");
	return result;
}

static int ask_file(const char *path, char room[SB_PASSPHRASE_MAX])
{
	sb_cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	/* What others can read is no secret; a pipe or a descriptor of a shell is its owner's. */
	if (S_ISREG(status.st_mode) && status.st_mode & 077)
		return -EACCES;
	return read_line(fd, room);
}

static int ask(void *context, const char *path, char room[SB_PASSPHRASE_MAX])
{
	const struct cli_people *people = context;
	char prompt[256];
	int result;

	snprintf(prompt, sizeof(prompt), "Passphrase of %s: ", path);
	result = people->passphrase_file ? ask_file(people->passphrase_file, room) : ask_terminal(prompt, room);
	if (result >= 0 && people->keep)
		memcpy(people->keep, room, (size_t)result + 1);
	return result;
}

int cli_passphrase_new(struct cli_people *people, bool wanted, char room[SB_PASSPHRASE_MAX])
{
	char again[SB_PASSPHRASE_MAX] = "";
	int result, same;

	room[0] = '\0';
	if (people->passphrase_file) {
		result = ask_file(people->passphrase_file, room);
		if (result < 0)
			return cli_fail(people->cli, cli_code_of(result), "%s: %s", people->passphrase_file,
					result == -EACCES ? "others may read it: chmod 600 it" : strerror(-result));
	} else if (wanted) {
		result = ask_terminal("New passphrase: ", room);
		if (result >= 0)
			result = ask_terminal("The same again: ", again);
		if (result < 0)
			return cli_fail(people->cli, SB_EXIT_FAILED, "no terminal to ask for a passphrase: name a file by "
					"--passphrase-file");
		same = strcmp(room, again) == 0;
		sodium_memzero(again, sizeof(again));
		if (!same)
			return cli_fail(people->cli, SB_EXIT_FAILED, "these were two different passphrases");
	} else {
		return 0;
	}
	return room[0] ? 0 : cli_fail(people->cli, SB_EXIT_FAILED, "the passphrase is empty");
}

int cli_people_key(struct cli_people *people, const char *path, enum sb_key_kind kind, struct sb_key_file *file)
{
	const struct sb_passphrase passphrase = { ask, people };
	struct sb_error error = { "" };
	int result;

	if (!path)
		return cli_fail(people->cli, SB_EXIT_USAGE, "this needs the key of %s %s: --key FILE",
				kind == SB_KEY_OWNER || kind == SB_KEY_ENROLLER ? "an" : "a", sb_key_kind_name(kind));
	result = sb_key_file_read(path, &passphrase, file, &error);
	if (result < 0)
		return cli_fail(people->cli, cli_code_of(result), "%s", error.text);
	if (file->kind == kind)
		return 0;
	result = file->kind;
	sb_key_file_wipe(file);
	return cli_fail(people->cli, SB_EXIT_USAGE, "%s is the key of: %s; this needs the key of: %s", path,
			sb_key_kind_name((enum sb_key_kind)result), sb_key_kind_name(kind));
}

static int make(struct cli_people *people, const char *out, const char *name, enum sb_key_kind kind, bool wanted,
		struct sb_key_file *file)
{
	char passphrase[SB_PASSPHRASE_MAX];
	struct sb_error error = { "" };
	int code, result;

	if (sb_key_file_new(file, kind, name) < 0)
		return cli_fail(people->cli, SB_EXIT_USAGE, "--name: printable, at most %d bytes", SB_KEY_NAME_MAX - 1);
	code = cli_passphrase_new(people, wanted, passphrase);
	if (code)
		return code;
	result = sb_key_file_write(out, file, passphrase, false, &error);
	sodium_memzero(passphrase, sizeof(passphrase));
	return result < 0 ? cli_fail(people->cli, cli_code_of(result), "%s", error.text) : 0;
}

int cli_people_key_new(struct sb_cli *cli, int argc, char **argv, enum sb_key_kind kind, const char *usage)
{
	sb_cleanup(sb_key_file_wipe) struct sb_key_file file = { 0 };
	static struct cli_people people;
	const char *out = NULL, *name = NULL;
	bool wanted = false;
	const struct cli_option table[] = {
		{ "--out", &out, NULL }, { "--name", &name, NULL }, { "--passphrase", NULL, &wanted }, { NULL },
	};
	char hex[SB_HEX_ROOM(32)];
	int code = cli_people_take(&people, cli, usage, argc, argv, table, 0, 0);

	if (code == 0 && !out)
		code = cli_usage(cli, usage);
	if (code == 0)
		code = make(&people, out, name ? name : "", kind, wanted, &file);
	if (code)
		return code;
	sb_format_hex(hex, file.key, sizeof(file.key));
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_string(&cli->out, "file", out);
		sb_json_string(&cli->out, "kind", sb_key_kind_name(kind));
		sb_json_string(&cli->out, "public", hex);
		cli_json_end(cli);
	} else {
		printf("%s    key of: %s; keep a copy somewhere else\n%s    its public part\n", out, sb_key_kind_name(kind), hex);
	}
	return SB_EXIT_OK;
}
