// SPDX-License-Identifier: Apache-2.0
/* Is the boot to come approved? Asked before a reboot, by people and by package hooks. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "boot/predict.h"
#include "cli/release.h"
#include "cli/release_key.h"
#include "common/approval.h"
#include "common/file.h"

#define PATH_ROOM	(SB_PATH_ROOM + 288)	/* state_dir, approvals/ and a file's name */
#define SUFFIX		".approval"

struct candidate {
	char path[PATH_ROOM];
	time_t changed;
};

struct check {
	struct sb_cli *cli;
	struct sb_config config;
	uint8_t release_key[64], fleet[32];
	struct candidate files[SB_APPROVALS_MAX];
	size_t count;
	uint32_t predicted;			/* PCRs: from files */
	uint32_t known;				/* PCRs whose coming value is known */
	uint8_t values[SB_PCRS][32];
	unsigned int usable;			/* approvals that the kernel would look at */
	bool approved;
	char path[PATH_ROOM];			/* of the nearest approval */
	uint32_t changed;			/* what differs from it */
};

static void close_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

/* The helper hands the kernel the newest ones, as many as it takes; an older one would not count. */
static void add_file(struct check *check, const char *path)
{
	size_t at = check->count;
	struct stat status;

	if (stat(path, &status) < 0)
		return;
	if (at == SB_APPROVALS_MAX) {
		at = 0;
		for (size_t i = 1; i < check->count; i++)
			if (check->files[i].changed < check->files[at].changed)
				at = i;
		if (check->files[at].changed >= status.st_mtime)
			return;
	} else {
		check->count++;
	}
	snprintf(check->files[at].path, PATH_ROOM, "%s", path);
	check->files[at].changed = status.st_mtime;
}

static int list_files(struct check *check)
{
	sb_cleanup(close_directory) DIR *directory = NULL;
	const struct dirent *entry;
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s/approvals", check->config.state_dir);
	directory = opendir(path);
	if (!directory && errno != ENOENT)
		return cli_fail(check->cli, errno == EACCES ? SB_EXIT_PERMISSION : SB_EXIT_FAILED, "%s: %s", path, strerror(errno));
	while (directory && (entry = readdir(directory))) {
		size_t length = strlen(entry->d_name);

		if (length <= strlen(SUFFIX) || strcmp(entry->d_name + length - strlen(SUFFIX), SUFFIX) != 0 ||
		    entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/approvals/%s", check->config.state_dir, entry->d_name);
		add_file(check, path);
	}
	return 0;
}

/* Why the kernel would not look at an approval, NULL when it would; the order is the kernel's. */
static const char *unfit(const struct check *check, const struct sb_approval_file *approval)
{
	if (memcmp(approval->release_key, check->release_key, sizeof(check->release_key)) != 0)
		return "by another release key";
	if (memcmp(approval->policy_ref, check->fleet, sizeof(check->fleet)) != 0)
		return "for another fleet";
	if (approval->cap_pcr != check->config.cap_pcr)
		return "for another cap PCR";
	if (check->config.pcrs & ~approval->pcrs)
		return "without a PCR of the policy";
	if (sb_release_verify(approval) < 0)
		return "its signature is not valid";
	return NULL;
}

static int learn(struct check *check, uint32_t pcrs)
{
	uint32_t missing = pcrs & ~check->known;
	int code = missing ? release_running(check->cli, missing, (unsigned int)check->config.cap_pcr, check->values) : 0;

	if (code == 0)
		check->known |= missing;
	return code;
}

static int compare(struct check *check, const char *path)
{
	sb_cleanup_free uint8_t *data = NULL;
	struct sb_approval_file approval;
	uint32_t changed = 0;
	const char *reason;
	size_t length;
	int code, result = sb_file_read(path, SB_APPROVAL_MAX, &data, &length);

	if (result == 0)
		result = sb_approval_file_decode(data, length, &approval);
	reason = result == -EBADMSG ? "not an approval" : result < 0 ? strerror(-result) : unfit(check, &approval);
	if (reason) {
		fprintf(stderr, "sealbond: %s does not count: %s\n", path, reason);
		return 0;
	}
	code = learn(check, approval.pcrs);
	if (code)
		return code;
	for (int pcr = 0; pcr < SB_PCRS; pcr++)
		if (approval.pcrs & 1U << pcr && memcmp(approval.values[pcr], check->values[pcr], 32) != 0)
			changed |= 1U << pcr;
	if (check->usable++ && __builtin_popcount(changed) >= __builtin_popcount(check->changed))
		return 0;
	check->changed = changed;
	check->approved = !changed;
	snprintf(check->path, sizeof(check->path), "%s", path);
	return 0;
}

static int report(const struct check *check, const char *image)
{
	const struct sb_state_text *text = sb_next_boot_text();
	struct sb_json *out = &check->cli->out;
	char pcrs[SB_PCRS_ROOM], number[4];

	if (check->cli->json) {
		cli_json_begin(check->cli);
		sb_json_bool(out, "approved", check->approved);
		sb_json_string(out, "state", check->approved ? "boot-approved-next" : text->name);
		sb_json_string(out, "remedy", check->approved ? "" : text->remedy);
		sb_json_string(out, "image", image);
		sb_json_string(out, "approval", check->usable ? check->path : NULL);
		cli_json_pcrs(check->cli, check->changed);
		sb_json_open(out, "predicted", '{');
		for (int pcr = 0; pcr < SB_PCRS; pcr++) {
			if (!(check->predicted & 1U << pcr))
				continue;
			snprintf(number, sizeof(number), "%d", pcr);
			sb_json_hex(out, number, check->values[pcr], 32);
		}
		sb_json_close(out, '}');
		cli_json_end(check->cli);
	} else if (check->approved) {
		printf("approved: the boot of %s\nby %s\n", image, check->path);
	} else {
		printf("%s: %s\n", text->name, text->sentence);
		printf("Image:         %s\n", image);
		if (check->usable)
			printf("Changed PCRs:  %s, against %s\n", sb_format_pcrs(pcrs, check->changed), check->path);
		else
			puts("               There is no approval that fits this device.");
		printf("               %s\n", text->remedy);
	}
	return check->approved ? SB_EXIT_OK : text->exit_code;
}

static int read_release_key(struct check *check)
{
	struct sb_error error;

	if (sb_security_load_point(check->config.release_key, "release_key", check->release_key, &error) < 0)
		return cli_fail(check->cli, SB_EXIT_FAILED, "%s", error.text);
	return 0;
}

/* With another configuration in the image, that one's word counts, and the cap PCR follows from it. */
static int read_early(struct check *check, const char *early)
{
	struct sb_security_keys keys;
	int code = release_early_config(check->cli, early, &check->config, &keys);

	if (code)
		return code;
	memcpy(check->release_key, keys.release, sizeof(check->release_key));
	check->predicted |= 1U << check->config.cap_pcr;
	return release_cap_value(check->cli, &check->config, &keys, NULL, check->values[check->config.cap_pcr]);
}

static int run(struct check *check, const char *image, const char *early, enum release_secure_boot secure_boot)
{
	int code = cli_config(check->cli, &check->config);

	check->predicted = SB_PREDICTED_PCRS;
	if (code == 0)
		code = release_predict(check->cli, image, secure_boot, check->values);
	if (code == 0)
		code = early ? read_early(check, early) : read_release_key(check);
	if (code == 0)
		code = list_files(check);
	check->known = check->predicted;
	sb_config_id(check->config.fleet, check->fleet);
	for (size_t i = 0; code == 0 && i < check->count; i++)
		code = compare(check, check->files[i].path);
	return code ? code : report(check, image);
}

int cli_release_check(struct sb_cli *cli, int argc, char **argv)
{
	enum release_secure_boot secure_boot = SB_SECURE_BOOT_ASK;
	sb_cleanup_free struct check *check = calloc(1, sizeof(*check));
	const char *image = NULL, *early = NULL;

	for (int i = 1; i < argc; i += 2) {
		if (i + 1 < argc && strcmp(argv[i], "--image") == 0)
			image = argv[i + 1];
		else if (i + 1 < argc && strcmp(argv[i], "--early-config") == 0)
			early = argv[i + 1];
		else if (i + 1 == argc || strcmp(argv[i], "--secure-boot") != 0 ||
			 !release_secure_boot_word(argv[i + 1], &secure_boot))
			return cli_usage(cli, "release check [--image FILE.efi] [--secure-boot on|off] [--early-config FILE]");
	}
	if (!check)
		return cli_fail(cli, SB_EXIT_FAILED, "out of memory");
	check->cli = cli;
	if (!image)
		image = release_default_image();
	if (!image)
		return cli_fail(cli, SB_EXIT_FAILED, "no EFI/BOOT/BOOTX64.EFI below /efi, /boot/efi or /boot: name what boots next by --image");
	return run(check, image, early, secure_boot);
}
