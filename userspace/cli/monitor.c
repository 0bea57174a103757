// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <time.h>

#include "cli/watch.h"

struct monitor {
	struct sb_cli *cli;
	struct sb_peer_list names;
};

static const char *event_word(unsigned int kind)
{
	static const char *const words[] = {
		[SEALBOND_EVENT_KEY] = "key", [SEALBOND_EVENT_STRANGER] = "stranger",
		[SEALBOND_EVENT_BOND_LIVE] = "bond-live", [SEALBOND_EVENT_BOND_ENDED] = "bond-ended",
		[SEALBOND_EVENT_START_FAILED] = "start-failed", [SEALBOND_EVENT_ROTATE_WANTED] = "rotate-wanted",
		[SEALBOND_EVENT_ROAMED] = "roamed", [SEALBOND_EVENT_DROP] = "drop", [SEALBOND_EVENT_MODE] = "mode",
		[SEALBOND_EVENT_ALARM] = "alarm", [SEALBOND_EVENT_LOCKED] = "locked",
	};

	return kind < SB_ARRAY_SIZE(words) && words[kind] ? words[kind] : "unknown";
}

static char *end_point(char out[SB_ENDPOINT_ROOM], const struct sb_prefix *address, uint16_t port)
{
	char text[SB_ADDRESS_ROOM];

	sb_format_address(text, address->family, address->address);
	if (port)
		snprintf(out, SB_ENDPOINT_ROOM, address->family == AF_INET6 ? "[%.50s]:%u" : "%.50s:%u", text, port);
	else
		snprintf(out, SB_ENDPOINT_ROOM, "%s", text);
	return out;
}

static void print_drop(const struct sb_drop *drop)
{
	const char *proto = cli_proto_word(drop->proto);
	char from[SB_ENDPOINT_ROOM], to[SB_ENDPOINT_ROOM];

	printf("%s %s %s on %s: ", drop->observed ? "would drop" : "dropped", sb_reason_text(drop->reason)->name,
	       sb_dir_word(drop->dir), drop->interface[0] ? drop->interface : "?");
	if (drop->source.family)
		printf("%s > %s ", end_point(from, &drop->source, drop->source_port),
		       end_point(to, &drop->destination, drop->destination_port));
	if (proto)
		printf("%s ", proto);
	else if (drop->proto >= 0)
		printf("protocol %d ", drop->proto);
	else
		printf("ethertype 0x%04x ", drop->ethertype);
	printf("%u bytes", drop->length);
	if (drop->has_uid)
		printf(", uid %u, cgroup %llu", drop->uid, (unsigned long long)drop->cgroup);
}

static void print_alarms(const struct sb_event *event)
{
	char pcrs[SB_PCRS_ROOM];

	if (!event->alarms)
		printf("none any more");
	for (unsigned int bit = 0; bit < SB_ALARM_BITS; bit++)
		if (event->alarms & 1U << bit)
			printf("%s%s: %s", event->alarms & ((1U << bit) - 1) ? " " : "", sb_alarm_text(bit)->name,
			       sb_alarm_text(bit)->sentence);
	if (event->changed_pcrs)
		printf(" PCRs %s", sb_format_pcrs(pcrs, event->changed_pcrs));
}

static void print_text(const struct monitor *monitor, const struct sb_event *event)
{
	char room[17], hex[SB_HEX_ROOM(32)], endpoint[SB_ENDPOINT_ROOM];
	const char *name = event->has_device_id ? cli_peer_name(&monitor->names, event->device_id, room) : "";

	switch (event->kind) {
	case SEALBOND_EVENT_KEY:
		printf("%s", sb_state_text(event->state)->name);
		break;
	case SEALBOND_EVENT_STRANGER:
		printf("device_id %s", sb_format_hex(hex, event->device_id, 32));
		printf(" key %s %s", sb_format_hex(hex, event->key, 32), sb_format_endpoint(endpoint, &event->endpoint));
		break;
	case SEALBOND_EVENT_BOND_LIVE:
		printf("%s epoch %u %s%s %s", name, event->epoch, sb_algorithm_word(event->algorithm),
		       event->encap ? " in UDP" : "", sb_format_endpoint(endpoint, &event->endpoint));
		break;
	case SEALBOND_EVENT_BOND_ENDED:
		printf("%s %s", name, sb_end_word(event->end));
		break;
	case SEALBOND_EVENT_ROAMED:
		printf("%s %s", name, sb_format_endpoint(endpoint, &event->endpoint));
		break;
	case SEALBOND_EVENT_DROP:
		print_drop(&event->drop);
		break;
	case SEALBOND_EVENT_MODE:
		printf("%s", sb_mode_word(event->mode));
		break;
	case SEALBOND_EVENT_ALARM:
		print_alarms(event);
		break;
	default:
		printf("%s", name);
	}
}

static void drop_json(struct sb_json *out, const struct sb_drop *drop)
{
	char address[SB_ADDRESS_ROOM];

	sb_json_string(out, "reason", sb_reason_text(drop->reason)->name);
	sb_json_bool(out, "observed", drop->observed);
	sb_json_string(out, "dir", sb_dir_word(drop->dir));
	sb_json_string(out, "interface", drop->interface);
	sb_json_number(out, "ethertype", drop->ethertype);
	sb_json_signed(out, "proto", drop->proto);
	sb_json_string(out, "source", drop->source.family ?
		       sb_format_address(address, drop->source.family, drop->source.address) : NULL);
	sb_json_string(out, "destination", drop->destination.family ?
		       sb_format_address(address, drop->destination.family, drop->destination.address) : NULL);
	sb_json_number(out, "source_port", drop->source_port);
	sb_json_number(out, "destination_port", drop->destination_port);
	sb_json_number(out, "length", drop->length);
	if (drop->has_uid) {
		sb_json_number(out, "uid", drop->uid);
		sb_json_number(out, "cgroup", drop->cgroup);
	}
}

static void print_json(struct monitor *monitor, const struct sb_event *event)
{
	struct sb_json *out = &monitor->cli->out;
	char room[17], text[SB_ENDPOINT_ROOM];

	cli_json_begin(monitor->cli);
	sb_json_string(out, "event", event_word(event->kind));
	if (event->has_device_id) {
		sb_json_string(out, "peer", cli_peer_name(&monitor->names, event->device_id, room));
		sb_json_hex(out, "device_id", event->device_id, SEALBOND_ID_LEN);
	}
	if (event->kind == SEALBOND_EVENT_KEY)
		sb_json_string(out, "state", sb_state_text(event->state)->name);
	if (event->kind == SEALBOND_EVENT_ALARM) {
		sb_json_open(out, "alarms", '[');
		for (unsigned int bit = 0; bit < SB_ALARM_BITS; bit++)
			if (event->alarms & 1U << bit)
				sb_json_string(out, NULL, sb_alarm_text(bit)->name);
		sb_json_close(out, ']');
	}
	if (event->changed_pcrs)
		cli_json_pcrs(monitor->cli, event->changed_pcrs);
	if (event->kind == SEALBOND_EVENT_STRANGER)
		sb_json_hex(out, "key", event->key, SEALBOND_KEY_LEN);
	if (event->endpoint.any.sa_family)
		sb_json_string(out, "endpoint", sb_format_endpoint(text, &event->endpoint));
	if (event->kind == SEALBOND_EVENT_BOND_LIVE) {
		sb_json_number(out, "epoch", event->epoch);
		sb_json_string(out, "algorithm", sb_algorithm_word(event->algorithm));
		sb_json_bool(out, "encap", event->encap);
	}
	if (event->kind == SEALBOND_EVENT_BOND_ENDED)
		sb_json_string(out, "reason", sb_end_word(event->end));
	if (event->kind == SEALBOND_EVENT_MODE)
		sb_json_string(out, "mode", sb_mode_word(event->mode));
	if (event->kind == SEALBOND_EVENT_DROP)
		drop_json(out, &event->drop);
	cli_json_end(monitor->cli);
}

static void on_event(void *context, const struct sb_event *event)
{
	struct monitor *monitor = context;
	time_t seconds = time(NULL);
	struct tm local;
	char clock[16];

	if (monitor->cli->json) {
		print_json(monitor, event);
		return;
	}
	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&seconds, &local));
	printf("%s %-13s ", clock, event_word(event->kind));
	print_text(monitor, event);
	fputc('\n', stdout);
	fflush(stdout);
}

static void on_ready(void *context)
{
	(void)context;
	fputs("watching; ^C ends\n", stderr);
}

int cli_monitor(struct sb_cli *cli, int argc, char **argv)
{
	struct monitor monitor = { .cli = cli };
	uint64_t for_ms = 0;
	int code;

	if (argc > 1 && (argc != 3 || strcmp(argv[1], "--for") != 0 || sb_parse_duration(argv[2], &for_ms) < 0 ||
			 for_ms < 1 || for_ms > 86400000))
		return cli_usage(cli, "monitor [--for 60s] [--json]");
	cli_peer_list(cli, &monitor.names);
	code = cli_watch(cli, true, for_ms, on_ready, on_event, &monitor);
	sb_peers_free(&monitor.names);
	return code;
}
