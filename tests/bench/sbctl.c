// SPDX-License-Identifier: Apache-2.0
/*
 * sbctl: one netlink command of the module at a time, for tests and benches, which must not
 * depend on the helper. What each attribute means is in include/uapi/linux/sealbond.h.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/socket.h>

#include "sbctl.h"

static const char usage_text[] =
"usage: sbctl COMMAND [NAME=VALUE...]\n"
"\n"
"Acts on the network namespace it runs in (ip netns exec NS sbctl ...). ID, KEY: 64 hex digits;\n"
"for an ID any other word of up to 32 characters stands for its bytes, padded with zeros.\n"
"\n"
"  local id=ID chain=ID dev=sb0 if_id=N [port=N] [v4=ADDR] [v6=ADDR] [encap=auto|always]\n"
"        [alg=aes|chacha|aes,chacha] [hard_ms=N] [hard_bytes=N] [hard_seq=N] [soft_bytes=N]\n"
"        [soft_seq=N] [overlap_ms=N] [key_overlap_ms=N]   SET_LOCAL\n"
"  key [pcrs=0,2,7] [cap=14] [release=HEX128] [fleet=ID] [virtual=1] [current=FILE] [next=FILE]\n"
"        [approval=FILE]... [config=HEX64] [early=1] [close=1] [timeout=MS]\n"
"                                                 KEY, then waits for its end; prints getkey\n"
"        without release: a key that everybody knows the private part of\n"
"  getkey [save=DIR] [pcr=N]                      GET_KEY; save: new blobs as current.blob, next.blob,\n"
"                                                 candidate.blob; pcr: its value, too\n"
"  stored                                         KEY_STORED\n"
"  rotatekey                                      ROTATE_KEY\n"
"  peer id=ID key=KEY lease=MS [v4=ADDR] [v6=ADDR] [endpoint=ADDR,PORT] [flags=N]   SET_PEER\n"
"  peers count=N [first=I] [lease=MS] [endpoint=ADDR,PORT]\n"
"        N generated peers (10.128.0.0 + I ..., random-looking keys), many in a message\n"
"  getpeer [id=ID]                                GET_PEER: one, or all\n"
"  delpeer id=ID|all                              DEL_PEER\n"
"  start id=ID [wait=MS]                          START_BOND; wait: until BOND_LIVE\n"
"  end id=ID|all                                  END_BOND\n"
"  wait-live [id=ID] [timeout=MS]                 until BOND_LIVE is told (or is so already)\n"
"  handshakes id=ID other=NS seconds=N|count=N    START_BOND again and again, each until BOND_LIVE\n"
"        is told here and in namespace NS\n"
"  mode off|observe|enforce [confirm=MS]          SET_MODE\n"
"  confirm                                        CONFIRM_MODE\n"
"  lock                                           LOCK: until the guest reboots\n"
"  grantkeys HEX128... [threshold=N]              SET_GRANT_KEYS, static\n"
"  exceptions none | KIND...                      SET_EXCEPTIONS: arp nd dhcp4 dhcp6 icmp-error, or\n"
"        ledger,rport=N[,remote=ADDR/BITS], or\n"
"        match,PROTO[,remote=ADDR/BITS][,lport=N][,rport=N][,rate=N][,bytes=N][,dir=in|out]\n"
"  getexceptions, drops, status                   GET_EXCEPTIONS, GET_DROPS, GET_STATUS\n"
"  events [timeout=MS] [count=N]                  what both groups tell, a line each\n"
"  ledger-socket to=ADDR port=N [fd=N] [hold=1]   LEDGER_SOCKET of a new TCP socket (or of fd), which\n"
"        then connects; 4 when there is no answer within a second\n"
"  udp-encap port=N                               holds a UDP socket that takes in ESP (RFC 3948)\n"
"\n"
"Prints NAME=VALUE words. Exit code: 0 done; 1 refused, with `errno-name: the kernel's text` on\n"
"stderr; 2 usage; 3 the module is not loaded; 4 not within the time.\n";

char **words;
struct sbctl_nl nl;

void usage(const char *form, ...)
{
	va_list args;

	va_start(args, form);
	fputs("sbctl: ", stderr);
	vfprintf(stderr, form, args);
	fputs("; see `sbctl help`\n", stderr);
	va_end(args);
	exit(USAGE);
}

const char *optional(const char *name)
{
	size_t len = strlen(name);
	int i;

	for (i = 0; words[i]; i++)
		if (!strncmp(words[i], name, len) && words[i][len] == '=')
			return words[i] + len + 1;
	return NULL;
}

const char *needed(const char *name)
{
	const char *value = optional(name);

	if (!value)
		usage("%s= is needed", name);
	return value;
}

void only(const char *names)
{
	int i;

	for (i = 0; words[i]; i++) {
		size_t len = strcspn(words[i], "=");
		const char *at = names;

		while (at && (strncmp(at, words[i], len) || (at[len] != ' ' && at[len])))
			at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL;
		if (!at)
			usage("`%s` is not taken here", words[i]);
	}
}

uint64_t number(const char *text)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || *end || end == text)
		usage("`%s` is not a number", text);
	return value;
}

uint64_t number_or(const char *name, uint64_t other)
{
	const char *text = optional(name);

	return text ? number(text) : other;
}

bool hex(const char *text, uint8_t *out, size_t len)
{
	size_t i;

	if (strlen(text) != 2 * len || strspn(text, "0123456789abcdefABCDEF") != 2 * len)
		return false;
	for (i = 0; i < len; i++)
		sscanf(text + 2 * i, "%2hhx", &out[i]);
	return true;
}

void id_of(const char *text, uint8_t id[SEALBOND_ID_LEN])
{
	if (hex(text, id, SEALBOND_ID_LEN))
		return;
	if (!*text || strlen(text) > SEALBOND_ID_LEN)
		usage("`%s` is not an id", text);
	memset(id, 0, SEALBOND_ID_LEN);
	memcpy(id, text, strlen(text));
}

void print_hex(const char *name, const struct nlattr *attr)
{
	const uint8_t *p = nla_data(attr);
	int i;

	printf("%s=", name);
	for (i = 0; i < nla_len(attr); i++)
		printf("%02x", p[i]);
	putchar(' ');
}

int tell(int err, const char *text)
{
	if (!err)
		return DONE;
	fprintf(stderr, "%s: %s\n", strerrorname_np(-err), *text ? text : strerror(-err));
	return REFUSED;
}

int ask(struct nl_msg *msg, void (*each)(struct nlattr **a, void *ctx), void *ctx)
{
	const char *text;
	int err = nl_ask(&nl, msg, each, ctx, &text);

	return tell(err, text);
}

/* -- attributes ------------------------------------------------------------------------------- */

void put_id(struct nl_msg *msg, int attr, const char *text)
{
	uint8_t id[SEALBOND_ID_LEN];

	id_of(text, id);
	nla_put(msg, attr, sizeof(id), id);
}

void put_overlay(struct nl_msg *msg)
{
	const char *v4 = optional("v4"), *v6 = optional("v6");
	struct in6_addr in6;
	struct in_addr in4;

	if (v4) {
		if (inet_pton(AF_INET, v4, &in4) != 1)
			usage("`%s` is not an IPv4 address", v4);
		nla_put(msg, SEALBOND_A_OVERLAY4, sizeof(in4), &in4);
	}
	if (v6) {
		if (inet_pton(AF_INET6, v6, &in6) != 1)
			usage("`%s` is not an IPv6 address", v6);
		nla_put(msg, SEALBOND_A_OVERLAY6, sizeof(in6), &in6);
	}
}

void put_endpoint(struct nl_msg *msg)
{
	const char *text = optional("endpoint");
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	char address[INET6_ADDRSTRLEN];
	const char *comma;

	if (!text)
		return;
	comma = strchr(text, ',');
	if (!comma || comma - text >= (int)sizeof(address))
		usage("an endpoint is ADDR,PORT");
	snprintf(address, sizeof(address), "%.*s", (int)(comma - text), text);
	in4.sin_port = in6.sin6_port = htons(number(comma + 1));
	if (inet_pton(AF_INET, address, &in4.sin_addr) == 1)
		nla_put(msg, SEALBOND_A_ENDPOINT, sizeof(in4), &in4);
	else if (inet_pton(AF_INET6, address, &in6.sin6_addr) == 1)
		nla_put(msg, SEALBOND_A_ENDPOINT, sizeof(in6), &in6);
	else
		usage("`%s` is not an address", address);
}

void print_u64(const char *name, uint64_t value)
{
	printf("%s=%llu ", name, (unsigned long long)value);
}

void print_endpoint(const struct nlattr *attr)
{
	/* both families have the port at the same place */
	const struct sockaddr_in6 *in6 = nla_data(attr);
	const struct sockaddr_in *in4 = nla_data(attr);
	char text[INET6_ADDRSTRLEN];

	if (in4->sin_family == AF_INET)
		inet_ntop(AF_INET, &in4->sin_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
	printf("endpoint=%s,%u ", text, ntohs(in4->sin_port));
}

static int do_stored(void)
{
	return ask(nl_request(&nl, SEALBOND_CMD_KEY_STORED, 0), NULL, NULL);
}

static int do_rotatekey(void)
{
	return ask(nl_request(&nl, SEALBOND_CMD_ROTATE_KEY, 0), NULL, NULL);
}

static int do_confirm(void)
{
	return ask(nl_request(&nl, SEALBOND_CMD_CONFIRM_MODE, 0), NULL, NULL);
}

static int do_lock(void)
{
	return ask(nl_request(&nl, SEALBOND_CMD_LOCK, 0), NULL, NULL);
}

static const struct {
	const char *name;
	int (*run)(void);
} commands[] = {
	{ "local", do_local }, { "key", do_key }, { "getkey", do_getkey }, { "stored", do_stored },
	{ "peer", do_peer }, { "peers", do_peers }, { "getpeer", do_getpeer },
	{ "delpeer", do_delpeer }, { "start", do_start }, { "end", do_end },
	{ "wait-live", do_wait_live }, { "handshakes", do_handshakes }, { "mode", do_mode },
	{ "confirm", do_confirm }, { "exceptions", do_exceptions },
	{ "getexceptions", do_getexceptions }, { "drops", do_drops }, { "status", do_status },
	{ "events", do_events }, { "lock", do_lock }, { "grantkeys", do_grantkeys },
	{ "rotatekey", do_rotatekey }, { "ledger-socket", do_ledger_socket },
};

int main(int argc, char **argv)
{
	size_t i;

	if (argc < 2 || !strcmp(argv[1], "help") || !strcmp(argv[1], "--help")) {
		fputs(usage_text, argc < 2 ? stderr : stdout);
		return argc < 2 ? USAGE : DONE;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	words = argv + 2;
	if (!strcmp(argv[1], "udp-encap"))
		return do_udp_encap();
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		nl_open(&nl);
		return commands[i].run();
	}
	usage("there is no command `%s`", argv[1]);
}
