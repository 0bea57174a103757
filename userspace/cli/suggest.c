// SPDX-License-Identifier: Apache-2.0
/* Watched drops of clear traffic, put together by the service that they are for. */
#include <inttypes.h>
#include <string.h>

#include "cli/watch.h"

#define FLOWS_MAX	256

struct flow {
	struct sb_exception exception;
	uint64_t seen;
};

struct watch {
	struct sb_cli *cli;
	uint64_t for_ms, seen, other;
	struct flow flow[FLOWS_MAX];
	size_t count;
};

/* The side whose port names the service: the lower one. */
static void choose_port(struct sb_exception *exception, uint16_t local, uint16_t remote)
{
	if (remote && (!local || remote <= local))
		exception->remote_port = remote;
	else
		exception->local_port = local;
}

/* False for what no exception can allow. */
static bool describe(const struct sb_drop *drop, struct sb_exception *exception)
{
	bool in = drop->dir == SEALBOND_DIR_IN;
	const struct sb_prefix *remote = in ? &drop->source : &drop->destination;
	uint16_t local_port = in ? drop->destination_port : drop->source_port;
	uint16_t remote_port = in ? drop->source_port : drop->destination_port;

	memset(exception, 0, sizeof(*exception));
	if (drop->reason != SEALBOND_REASON_CLEAR_IN && drop->reason != SEALBOND_REASON_CLEAR_OUT)
		return false;
	if (drop->ethertype == 0x0806) {
		exception->kind = SEALBOND_EXC_ARP;
		return true;
	}
	if (drop->proto < 0 || !remote->family)
		return false;
	if (drop->proto == 17 && ((remote_port == 67 && local_port == 68) || (remote_port == 547 && local_port == 546))) {
		exception->kind = remote_port == 67 ? SEALBOND_EXC_DHCP4 : SEALBOND_EXC_DHCP6;
		return true;
	}
	exception->kind = SEALBOND_EXC_MATCH;
	exception->dir = in ? SEALBOND_X_DIR_IN : SEALBOND_X_DIR_OUT;
	exception->proto = (uint64_t)drop->proto;
	exception->remote = *remote;
	if (drop->proto == 6 || drop->proto == 17)
		choose_port(exception, local_port, remote_port);
	return true;
}

static bool same(const struct sb_exception *a, const struct sb_exception *b)
{
	return a->kind == b->kind && a->proto == b->proto && a->local_port == b->local_port &&
	       a->remote_port == b->remote_port && memcmp(&a->remote, &b->remote, sizeof(a->remote)) == 0;
}

static void on_event(void *context, const struct sb_event *event)
{
	struct watch *watch = context;
	struct sb_exception exception;

	if (event->kind != SEALBOND_EVENT_DROP)
		return;
	watch->seen++;
	if (!describe(&event->drop, &exception)) {
		watch->other++;
		return;
	}
	for (size_t i = 0; i < watch->count; i++) {
		if (same(&watch->flow[i].exception, &exception)) {
			watch->flow[i].exception.dir |= exception.dir;
			watch->flow[i].seen++;
			return;
		}
	}
	if (watch->count == FLOWS_MAX) {
		watch->other++;
		return;
	}
	watch->flow[watch->count].exception = exception;
	watch->flow[watch->count++].seen = 1;
}

static void on_ready(void *context)
{
	const struct watch *watch = context;
	char text[SB_SHORT_ROOM];

	fprintf(stderr, "watching for %s; ^C ends earlier\n", sb_format_duration(text, watch->for_ms));
}

static void name(struct sb_exception *exception, size_t number)
{
	const char *proto = cli_proto_word((int)exception->proto);
	unsigned int port = (unsigned int)(exception->remote_port ? exception->remote_port : exception->local_port);

	if (exception->kind != SEALBOND_EXC_MATCH)
		snprintf(exception->name, sizeof(exception->name), "%s", sb_exception_kind_words[exception->kind]);
	else if (port)
		snprintf(exception->name, sizeof(exception->name), "%s-%u-%zu", proto ? proto : "ip", port, number);
	else
		snprintf(exception->name, sizeof(exception->name), "%s-%zu", proto ? proto : "ip", number);
}

static const char *dir_word(unsigned int dir)
{
	return dir == SEALBOND_X_DIR_IN ? "in" : dir == SEALBOND_X_DIR_OUT ? "out" : "both";
}

static void print_text(const struct flow *flow)
{
	const struct sb_exception *exception = &flow->exception;
	const char *proto = cli_proto_word((int)exception->proto);
	char remote[SB_ADDRESS_ROOM];

	printf("\n# seen %" PRIu64 " times\n[exception %s]\nkind = %s\n", flow->seen, exception->name,
	       sb_exception_kind_words[exception->kind]);
	if (exception->kind != SEALBOND_EXC_MATCH)
		return;
	printf("dir = %s\n", dir_word(exception->dir));
	/* The configuration's words; esp is not among them. */
	if (proto && exception->proto != 50)
		printf("proto = %s\n", proto);
	else
		printf("proto = %" PRIu64 "\n", exception->proto);
	printf("remote = %s\n", sb_format_address(remote, exception->remote.family, exception->remote.address));
	if (exception->remote_port)
		printf("remote_port = %" PRIu64 "\n", exception->remote_port);
	if (exception->local_port)
		printf("local_port = %" PRIu64 "\n", exception->local_port);
}

static void print_json(struct sb_cli *cli, const struct flow *flow)
{
	const struct sb_exception *exception = &flow->exception;
	struct sb_json *out = &cli->out;
	char remote[SB_ADDRESS_ROOM];

	sb_json_open(out, NULL, '{');
	sb_json_string(out, "name", exception->name);
	sb_json_string(out, "kind", sb_exception_kind_words[exception->kind]);
	sb_json_number(out, "seen", flow->seen);
	if (exception->kind == SEALBOND_EXC_MATCH) {
		sb_json_string(out, "dir", dir_word(exception->dir));
		sb_json_number(out, "proto", exception->proto);
		sb_json_string(out, "remote",
			       sb_format_address(remote, exception->remote.family, exception->remote.address));
		sb_json_number(out, "remote_port", exception->remote_port);
		sb_json_number(out, "local_port", exception->local_port);
	}
	sb_json_close(out, '}');
}

static bool is_suggested(const struct watch *watch, unsigned int kind)
{
	for (size_t i = 0; i < watch->count; i++)
		if (watch->flow[i].exception.kind == kind)
			return true;
	return false;
}

/* The first [exception] in the file replaces the default ones: without them the device would lose ARP. */
static void print_implied(const struct watch *watch)
{
	sb_cleanup_free struct sb_config *config = malloc(sizeof(*config));
	struct sb_cli *cli = watch->cli;

	if (cli->json)
		sb_json_open(&cli->out, "implied", '[');
	if (config && sb_config_load(cli->config_path, config, NULL) == 0 && config->exceptions_implied) {
		if (!cli->json)
			puts("\n# What passes until now without being named; an [exception] in the file replaces it.");
		for (size_t i = 0; i < config->exceptions_count; i++) {
			const struct sb_exception *exception = &config->exceptions[i];

			/* The ledger's are there whatever the file names. */
			if (exception->kind == SEALBOND_EXC_LEDGER || is_suggested(watch, exception->kind))
				continue;
			if (cli->json)
				sb_json_string(&cli->out, NULL, exception->name);
			else
				printf("[exception %s]\nkind = %s\n", exception->name,
				       sb_exception_kind_words[exception->kind]);
		}
	}
	if (cli->json)
		sb_json_close(&cli->out, ']');
}

int cli_suggest(struct sb_cli *cli, int argc, char **argv)
{
	sb_cleanup_free struct watch *watch = calloc(1, sizeof(*watch));
	int code;

	if (!watch)
		return cli_fail(cli, SB_EXIT_FAILED, "out of memory");
	watch->cli = cli;
	watch->for_ms = 60000;
	if (argc > 1 && (argc != 3 || strcmp(argv[1], "--for") != 0 || sb_parse_duration(argv[2], &watch->for_ms) < 0 ||
			 watch->for_ms < 1000 || watch->for_ms > 86400000))
		return cli_usage(cli, "suggest [--for 60s] [--json]; 1s to 24h");
	code = cli_watch(cli, false, watch->for_ms, on_ready, on_event, watch);
	if (code)
		return code;
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_number(&cli->out, "drops_seen", watch->seen);
		sb_json_number(&cli->out, "without_suggestion", watch->other);
		sb_json_open(&cli->out, "exceptions", '[');
	} else {
		printf("# %" PRIu64 " sampled drops. Allow only what you know and need; narrow remote where you can.\n",
		       watch->seen);
	}
	for (size_t i = 0; i < watch->count; i++) {
		name(&watch->flow[i].exception, i + 1);
		if (cli->json)
			print_json(cli, &watch->flow[i]);
		else
			print_text(&watch->flow[i]);
	}
	if (cli->json)
		sb_json_close(&cli->out, ']');
	if (watch->count > 0)
		print_implied(watch);
	if (cli->json)
		cli_json_end(cli);
	else if (watch->other)
		printf("\n# %" PRIu64 " drops had other reasons, see: sealbond drops\n", watch->other);
	return SB_EXIT_OK;
}
