// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"

#define REASONS	(SEALBOND_REASON_MAX + 1)

struct counts {
	uint64_t dropped[REASONS], observed[REASONS];
};

static int on_drop(void *context, const struct sb_drop *drop)
{
	struct counts *counts = context;

	if (drop->reason < REASONS) {
		counts->dropped[drop->reason] += drop->count;
		counts->observed[drop->reason] += drop->would_count;
	}
	return 0;
}

static int read_counts(struct sb_module *module, struct counts *counts)
{
	int result;

	do {
		memset(counts, 0, sizeof(*counts));
		result = sb_module_drops(module, on_drop, counts);
	} while (result == -EINTR);
	return result;
}

/* Calls each for the lines of /proc/net/xfrm_stat that are not 0. */
static void xfrm_stat(void (*each)(void *context, const char *name, uint64_t value), void *context)
{
	sb_cleanup_fclose FILE *file = fopen("/proc/net/xfrm_stat", "re");
	char name[64];
	uint64_t value;

	while (file && fscanf(file, "%63s %" SCNu64, name, &value) == 2)
		if (value)
			each(context, name, value);
}

static void xfrm_line(void *context, const char *name, uint64_t value)
{
	int *lines = context;

	if ((*lines)++ == 0)
		puts("\nThe kernel's own IPsec errors (/proc/net/xfrm_stat):");
	printf("    %-28s %" PRIu64 "\n", name, value);
}

static void xfrm_member(void *context, const char *name, uint64_t value)
{
	sb_json_number(context, name, value);
}

static void print_text(const struct counts *counts)
{
	int lines = 0;

	for (unsigned int i = 1; i < REASONS; i++) {
		const struct sb_text *text = sb_reason_text(i);

		if (!counts->dropped[i] && !counts->observed[i])
			continue;
		if (lines++ == 0)
			printf("%-16s %12s %12s\n", "REASON", "DROPPED", "OBSERVED");
		printf("%-16s %12" PRIu64 " %12" PRIu64 "  %s\n%43s%s\n", text->name, counts->dropped[i],
		       counts->observed[i], text->sentence, "", text->remedy);
	}
	if (lines == 0)
		puts("nothing was dropped");
	lines = 0;
	xfrm_stat(xfrm_line, &lines);
}

static void print_json(struct sb_cli *cli, const struct counts *counts)
{
	struct sb_json *out = &cli->out;

	cli_json_begin(cli);
	sb_json_open(out, "drops", '[');
	for (unsigned int i = 1; i < REASONS; i++) {
		const struct sb_text *text = sb_reason_text(i);

		sb_json_open(out, NULL, '{');
		sb_json_string(out, "reason", text->name);
		sb_json_number(out, "count", counts->dropped[i]);
		sb_json_number(out, "would_count", counts->observed[i]);
		sb_json_string(out, "sentence", text->sentence);
		sb_json_string(out, "remedy", text->remedy);
		sb_json_close(out, '}');
	}
	sb_json_close(out, ']');
	sb_json_open(out, "xfrm_stat", '{');
	xfrm_stat(xfrm_member, out);
	sb_json_close(out, '}');
	cli_json_end(cli);
}

/* What was added since the last look, a line a reason. */
static void print_growth(struct sb_cli *cli, const struct counts *before, const struct counts *now)
{
	char clock[16];
	time_t seconds = time(NULL);
	struct tm local;

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&seconds, &local));
	for (unsigned int i = 1; i < REASONS; i++) {
		uint64_t dropped = now->dropped[i] - before->dropped[i];
		uint64_t observed = now->observed[i] - before->observed[i];

		if (!dropped && !observed)
			continue;
		if (cli->json) {
			cli_json_begin(cli);
			sb_json_string(&cli->out, "reason", sb_reason_text(i)->name);
			sb_json_number(&cli->out, "count", dropped);
			sb_json_number(&cli->out, "would_count", observed);
			cli_json_end(cli);
			continue;
		}
		printf("%s %-16s +%" PRIu64 " dropped, +%" PRIu64 " observed  %s\n", clock, sb_reason_text(i)->name,
		       dropped, observed, sb_reason_text(i)->remedy);
	}
	fflush(stdout);
}

static int follow(struct sb_cli *cli, struct sb_module *module, struct counts *before, uint64_t interval)
{
	const struct timespec wait = { (time_t)(interval / 1000), (long)(interval % 1000 * 1000000) };
	struct counts now;

	cli_catch_stop();
	while (!cli_stopped && !ferror(stdout)) {
		int result;

		nanosleep(&wait, NULL);
		if (cli_stopped)
			break;
		result = read_counts(module, &now);
		if (result < 0)
			return cli_module_fail(cli, module, result);
		print_growth(cli, before, &now);
		*before = now;
	}
	return SB_EXIT_OK;
}

int cli_drops(struct sb_cli *cli, int argc, char **argv)
{
	static const char usage[] = "drops [--follow] [--interval 2s] [--json]";
	sb_cleanup_module struct sb_module *module = NULL;
	uint64_t interval = 2000;
	bool following = false;
	struct counts counts;
	int code, result;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--follow") == 0)
			following = true;
		else if (strcmp(argv[i], "--interval") == 0 && i + 1 < argc &&
			 sb_parse_duration(argv[++i], &interval) == 0 && interval >= 100 && interval <= 3600000)
			following = true;
		else
			return cli_usage(cli, usage);
	}
	code = cli_open(cli, &module);
	if (code)
		return code;
	result = read_counts(module, &counts);
	if (result < 0)
		return cli_module_fail(cli, module, result);
	if (cli->json)
		print_json(cli, &counts);
	else
		print_text(&counts);
	return following ? follow(cli, module, &counts, interval) : SB_EXIT_OK;
}
