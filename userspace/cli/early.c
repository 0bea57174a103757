// SPDX-License-Identifier: Apache-2.0
/* What the measured initramfs runs: enforcement before any interface is up, then the keys. */
#include "cli/early.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "common/file.h"
#include "kernel/links.h"

#define OPEN_WORD	"sealbond.open=1"
#define USAGE		"early [--root DIR] [--keys] [--dry-run] [--json]; early --files; early --hold IFINDEX"

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* When this process began: starting a program and its libraries is part of what a boot waits for. */
static uint64_t started_us(void)
{
	sb_cleanup_fclose FILE *file = fopen("/proc/self/stat", "re");
	unsigned long long ticks = 0;
	char line[1024];
	const char *at;

	/* Field 22, counted from behind the name, which may have blanks (proc(5)). */
	if (!file || !fgets(line, sizeof(line), file) || !(at = strrchr(line, ')')))
		return now_us();
	for (int i = 0; at && i < 20; i++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, " %llu", &ticks) != 1)
		return now_us();
	return ticks * 1000000 / (unsigned long long)sysconf(_SC_CLK_TCK);
}

/* Is the word on the command line, which is measured? */
static bool may_stay_open(void)
{
	sb_cleanup_fclose FILE *file = fopen("/proc/cmdline", "re");
	char line[4096], *rest = line;
	const char *word;

	if (!file || !fgets(line, sizeof(line), file))
		return false;
	while ((word = strsep(&rest, " \n")))
		if (strcmp(word, OPEN_WORD) == 0)
			return true;
	return false;
}

/* modprobe's own last words, so that the reason names the file or the signature. */
static void last_line(int fd, char line[256])
{
	char text[2048];
	size_t used = 0;
	ssize_t more;
	char *cut;

	while (used < sizeof(text) - 1 && (more = read(fd, text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)more;
	while (used > 0 && (text[used - 1] == '\n' || text[used - 1] == ' '))
		used--;
	text[used] = '\0';
	cut = strrchr(text, '\n');
	snprintf(line, 256, "%.255s", cut ? cut + 1 : text);
}

static int run_modprobe(struct sb_error *error)
{
	sb_cleanup_close int reading = -1;
	char said[256] = "";
	int pipe_fd[2], status = 0;
	pid_t child;

	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return sb_fail(error, -errno, "pipe: %s", strerror(errno));
	reading = pipe_fd[0];
	child = fork();
	if (child == 0) {
		char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", program[] = "modprobe", module[] = "sealbond";
		char *arguments[] = { program, module, NULL }, *environment[] = { path, NULL };

		dup2(pipe_fd[1], STDERR_FILENO);
		execvpe(program, arguments, environment);
		dprintf(STDERR_FILENO, "modprobe: %s\n", strerror(errno));
		_exit(127);
	}
	close(pipe_fd[1]);
	if (child < 0)
		return sb_fail(error, -EAGAIN, "fork: %s", strerror(errno));
	last_line(reading, said);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return sb_fail(error, -ENOENT, "the kernel module sealbond cannot be loaded: %s", said[0] ? said : "modprobe failed");
}

static int open_module(struct early *early, struct sb_error *error)
{
	int result = sb_module_open(&early->module, error);

	if (result != -ENOENT || early->dry_run)
		return result;
	result = run_modprobe(error);
	if (result < 0)
		return result;
	early->loaded = true;
	return sb_module_open(&early->module, error);
}

static int refused(struct early *early, const char *what, int result, struct sb_error *error)
{
	return sb_fail(error, result, "%s: %s", what, sb_module_error(early->module));
}

/*
 * Exceptions before the mode, so that nothing that is allowed is dropped in between; the lock last. A
 * machine that is locked already has had all of it.
 */
static int set_up(struct early *early, struct sb_error *error)
{
	const struct sb_config *config = &early->config;
	struct sb_status status;
	int result = sb_module_status(early->module, &status);

	if (result < 0)
		return refused(early, "the module's status", result, error);
	early->locked = status.locked;
	if (status.locked || early->dry_run)
		return 0;
	result = sb_module_set_exceptions(early->module, config->exceptions, config->exceptions_count);
	if (result < 0)
		return refused(early, "exceptions", result, error);
	if (config->grant_keys_count) {
		result = sb_module_set_grant_keys(early->module, early->keys.grant[0], config->grant_keys_count,
						  (unsigned int)config->threshold, sb_security_static_grants(config));
		if (result < 0)
			return refused(early, "grant keys", result, error);
	}
	result = sb_module_set_mode(early->module, config->mode, 0);
	if (result < 0)
		return refused(early, "mode", result, error);
	if (config->lock) {
		result = sb_module_lock(early->module);
		if (result < 0)
			return refused(early, "lock", result, error);
		early->locked = true;
	}
	return 0;
}

/* The initramfs' own files, read before a process's root may change. */
static int load(struct early *early, struct sb_error *error)
{
	int result = sb_config_load(early->cli->config_path, &early->config, error);

	if (result == 0)
		result = sb_security_load_keys(&early->config, early->dry_run ? early->cli->config_path : NULL,
					       &early->keys, error);
	if (result < 0)
		return result;
	sb_security_order(&early->config);
	sb_security_make(&early->config, &early->keys, &early->security);
	return 0;
}

static void print_json(struct early *early)
{
	struct sb_cli *cli = early->cli;
	struct sb_json *out = &cli->out;
	uint64_t whole = early->setup_us + early->keys_us, tpm = early->asked ? early->key.tpm_time_ms * 1000 : 0;

	cli_json_begin(cli);
	sb_json_hex(out, "config_hash", early->security.hash, sizeof(early->security.hash));
	sb_json_bool(out, "dry_run", early->dry_run);
	sb_json_string(out, "mode", sb_mode_word(early->config.mode));
	sb_json_bool(out, "locked", early->locked);
	sb_json_number(out, "exceptions", early->config.exceptions_count);
	sb_json_number(out, "grant_keys", early->config.grant_keys_count);
	if (early->setup)
		sb_json_signed(out, "interfaces_up", early->interfaces_up);
	if (early->with_keys) {
		sb_json_number(out, "blobs", early->blobs);
		sb_json_number(out, "approvals", early->approvals);
	}
	if (early->with_keys && !early->dry_run) {
		cli_json_state(cli, early->key.state);
		sb_json_signed(out, "state_detail", early->key.detail);
		if (early->reason.text[0])
			sb_json_string(out, "reason", early->reason.text);
		if (early->key.changed_pcrs)
			cli_json_pcrs(cli, early->key.changed_pcrs);
		sb_json_number(out, "tpm_commands", early->key.tpm_commands);
		sb_json_number(out, "tpm_time_ms", early->key.tpm_time_ms);
	}
	sb_json_number(out, "time_us", whole);
	sb_json_number(out, "own_us", whole > tpm ? whole - tpm : 0);
	cli_json_end(cli);
}

static void print_text(const struct early *early)
{
	char hex[SB_HEX_ROOM(SB_SHA256_LEN)], text[SB_PCRS_ROOM];
	uint64_t tpm = early->asked ? early->key.tpm_time_ms * 1000 : 0, whole = early->setup_us + early->keys_us;

	if (early->dry_run)
		printf("%.*s", (int)early->security.length, early->security.text);
	printf("Configuration: %s%s\n", sb_format_hex(hex, early->security.hash, SB_SHA256_LEN),
	       early->dry_run ? " (nothing was changed)" : "");
	if (early->setup && !early->dry_run)
		printf("Mode:          %s, %zu exceptions, %u grant keys%s\n", sb_mode_word(early->config.mode),
		       early->config.exceptions_count, (unsigned int)early->config.grant_keys_count,
		       early->locked ? ", locked" : "");
	if (early->setup && early->interfaces_up > 0)
		printf("               %d interfaces were up already: they were open until now\n", early->interfaces_up);
	if (early->with_keys && early->dry_run)
		printf("Files:         %zu sealed keys, %zu approvals\n", early->blobs, early->approvals);
	if (early->with_keys && !early->dry_run) {
		const struct sb_state_text *state = sb_state_text(early->key.state);

		printf("State:         %s. %s\n", state->name, state->sentence);
		if (early->key.changed_pcrs)
			printf("Changed PCRs:  %s\n", sb_format_pcrs(text, early->key.changed_pcrs));
		if (state->remedy[0])
			printf("               %s\n", state->remedy);
		printf("TPM:           %u commands in %llu ms\n", early->key.tpm_commands,
		       (unsigned long long)early->key.tpm_time_ms);
	}
	printf("Time:          %llu ms beside the TPM's\n", (unsigned long long)(whole > tpm ? whole - tpm : 0) / 1000);
}

/* Enforcement could not be set up: nothing may go in or out, unless the measured command line says so. */
static int fail_closed(struct early *early, int code, const char *reason)
{
	struct sb_error error;
	bool open = may_stay_open();

	if (early->dry_run)
		return cli_fail(early->cli, code, "%s (network devices would %s)", reason, open ? "stay open" : "be held");
	if (open)
		return cli_fail(early->cli, code, "%s; the network devices stay open, as " OPEN_WORD " says", reason);
	if (early_hold(reason, &early->held, &error) < 0)
		return cli_fail(early->cli, code, "%s; %u network devices are held, and not all: %s", reason, early->held,
				error.text);
	return cli_fail(early->cli, code, "%s; %u network devices are held (" EARLY_HELD_PATH ")", reason, early->held);
}

static int run_setup(struct early *early, uint64_t from)
{
	struct sb_error error = { "" };
	int result;

	early->interfaces_up = sb_links_up(NULL);
	result = load(early, &error);
	if (result < 0)
		return fail_closed(early, SB_EXIT_USAGE, error.text);
	result = open_module(early, &error);
	if (result < 0 && !early->dry_run)
		return fail_closed(early, result == -ENOENT ? SB_EXIT_NO_MODULE : cli_code_of(result), error.text);
	if (result == 0)
		result = set_up(early, &error);
	if (result < 0 && !early->dry_run)
		return fail_closed(early, cli_code_of(result), error.text);
	early->setup_us = now_us() - from;
	return 0;
}

/* Enforcement is on by now: what fails here leaves the device without bonds. */
static int run_keys(struct early *early, uint64_t from)
{
	struct sb_error error = { "" };
	int result = 0;

	if (!early->setup && !early->dry_run && access(EARLY_HELD_PATH, F_OK) == 0)
		return cli_fail(early->cli, SB_EXIT_FAILED, "the network devices are held ("
				EARLY_HELD_PATH "): no key is asked for");
	if (!early->setup)
		result = load(early, &error);
	if (result == 0 && !early->module && !early->dry_run)
		result = sb_module_open(&early->module, &error);
	if (result == 0)
		result = early_keys(early, &error);
	if (result < 0)
		return cli_fail(early->cli, cli_code_of(result), "keys: %s", error.text);
	early->keys_us = now_us() - from;
	return 0;
}

static int run(struct early *early)
{
	uint64_t started = started_us();
	int code = early->setup ? run_setup(early, started) : 0;

	if (code == 0 && early->with_keys)
		code = run_keys(early, early->setup ? now_us() : started);
	if (code)
		return code;
	if (early->cli->json)
		print_json(early);
	else
		print_text(early);
	return early->with_keys && !early->dry_run ? sb_state_text(early->key.state)->exit_code : SB_EXIT_OK;
}

/* What an initramfs must have, for the scripts that make one. */
static int list_files(struct early *early)
{
	const struct sb_config *config = &early->config;
	struct sb_error error;

	if (load(early, &error) < 0)
		return cli_fail(early->cli, SB_EXIT_USAGE, "%s", error.text);
	printf("%s\n%s\n", early->cli->config_path, config->release_key);
	for (size_t i = 0; i < config->grant_keys_count; i++)
		puts(config->grant_keys[i]);
	return SB_EXIT_OK;
}

static int hold_one(struct sb_cli *cli, const char *index)
{
	struct sb_error error;
	uint64_t number;

	if (sb_parse_u64(index, &number) < 0 || number == 0 || number > INT32_MAX)
		return cli_usage(cli, USAGE);
	if (early_hold_device((uint32_t)number, &error) < 0)
		return cli_fail(cli, SB_EXIT_FAILED, "%s", error.text);
	return SB_EXIT_OK;
}

int cli_early(struct sb_cli *cli, int argc, char **argv)
{
	sb_cleanup_free struct early *early = calloc(1, sizeof(*early));
	bool keys = false;
	int code;

	if (!early)
		return cli_fail(cli, SB_EXIT_FAILED, "out of memory");
	if (argc == 3 && strcmp(argv[1], "--hold") == 0)
		return hold_one(cli, argv[2]);
	early->cli = cli;
	if (argc == 2 && strcmp(argv[1], "--files") == 0)
		return list_files(early);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--root") == 0 && i + 1 < argc && argv[i + 1][0] == '/')
			early->root = argv[++i];
		else if (strcmp(argv[i], "--keys") == 0)
			keys = true;
		else if (strcmp(argv[i], "--dry-run") == 0)
			early->dry_run = true;
		else
			return cli_usage(cli, USAGE);
	}
	early->setup = !keys;
	early->with_keys = keys || early->root;
	if (!early->root)
		early->root = "/";
	code = run(early);
	sb_key_status_free(&early->key);
	sb_module_close(early->module);
	return code;
}
