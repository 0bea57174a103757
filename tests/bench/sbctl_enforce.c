// SPDX-License-Identifier: Apache-2.0
/* The mode, the exceptions, what was dropped, and events. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/udp.h>
#include <sys/socket.h>

#include "sbctl.h"

static const char *const modes[] = { "off", "observe", "enforce" };
static const char *const kinds[] = { "", "arp", "nd", "dhcp4", "dhcp6", "icmp-error", "match",
				     "ledger" };

static int index_of(const char *word, const char *const *list, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (!strcmp(word, list[i]))
			return i;
	usage("`%s` is not known here", word);
}

int do_mode(void)
{
	struct nl_msg *msg = nl_request(&nl, SEALBOND_CMD_SET_MODE, 0);

	if (!words[0])
		usage("mode takes off, observe or enforce");
	nla_put_u8(msg, SEALBOND_A_MODE, index_of(words[0], modes, 3));
	if (optional("confirm"))
		nla_put_u64(msg, SEALBOND_A_CONFIRM_MS, number(optional("confirm")));
	return ask(msg, NULL, NULL);
}

int do_grantkeys(void)
{
	struct nl_msg *msg = nl_request(&nl, SEALBOND_CMD_SET_GRANT_KEYS, 0);
	uint8_t points[16 * 64];
	int n = 0;

	for (; words[n] && n < 16 && hex(words[n], points + n * 64, 64); n++)
		;
	if (!n)
		usage("grantkeys takes keys of 128 hex digits");
	nla_put(msg, SEALBOND_A_GRANT_KEYS, n * 64, points);
	nla_put_u8(msg, SEALBOND_A_GRANT_THRESHOLD, number_or("threshold", n));
	nla_put_flag(msg, SEALBOND_A_GRANT_STATIC);
	return ask(msg, NULL, NULL);
}

static void put_remote(struct nl_msg *msg, char *text)
{
	char *slash = strchr(text, '/');
	uint8_t address[16];

	if (slash)
		*slash++ = 0;
	if (inet_pton(AF_INET, text, address) == 1)
		nla_put(msg, SEALBOND_X_REMOTE, 4, address);
	else if (inet_pton(AF_INET6, text, address) == 1)
		nla_put(msg, SEALBOND_X_REMOTE, 16, address);
	else
		usage("`%s` is not an address", text);
	if (slash)
		nla_put_u8(msg, SEALBOND_X_REMOTE_PREFIX, number(slash));
}

static void put_option(struct nl_msg *msg, char *word)
{
	char *value = strchr(word, '=');

	if (!value) {
		nla_put_u8(msg, SEALBOND_X_PROTO, number(word));
		return;
	}
	*value++ = 0;
	if (!strcmp(word, "remote"))
		put_remote(msg, value);
	else if (!strcmp(word, "lport"))
		nla_put_u16(msg, SEALBOND_X_LOCAL_PORT, number(value));
	else if (!strcmp(word, "rport"))
		nla_put_u16(msg, SEALBOND_X_REMOTE_PORT, number(value));
	else if (!strcmp(word, "rate"))
		nla_put_u32(msg, SEALBOND_X_RATE, number(value));
	else if (!strcmp(word, "bytes"))
		nla_put_u32(msg, SEALBOND_X_BYTES, number(value));
	else if (!strcmp(word, "dev"))
		nla_put_string(msg, SEALBOND_X_IFNAME, value);
	else if (!strcmp(word, "dir"))
		nla_put_u8(msg, SEALBOND_X_DIR, *value == 'i' ? SEALBOND_X_DIR_IN :
								SEALBOND_X_DIR_OUT);
	else
		usage("an exception takes no `%s`", word);
}

int do_exceptions(void)
{
	struct nl_msg *msg = nl_request(&nl, SEALBOND_CMD_SET_EXCEPTIONS, 0);
	struct nlattr *list = nla_nest_start(msg, SEALBOND_A_EXCEPTIONS);
	bool none = words[0] && !strcmp(words[0], "none");
	char name[SEALBOND_NAME_LEN], *word, *rest;
	int i;

	if (!words[0])
		usage("exceptions takes `none` or kinds");
	for (i = 0; words[i] && !none; i++) {
		struct nlattr *item = nla_nest_start(msg, SEALBOND_A_EXCEPTION);

		word = strtok_r(words[i], ",", &rest);
		snprintf(name, sizeof(name), "%.20s-%d", word, i);
		nla_put_string(msg, SEALBOND_X_NAME, name);
		nla_put_u8(msg, SEALBOND_X_KIND, index_of(word, kinds, 8));
		while ((word = strtok_r(NULL, ",", &rest)))
			put_option(msg, word);
		nla_nest_end(msg, item);
	}
	/* an empty list is a list, and libnl would leave out an empty nest */
	if (none)
		nla_nest_end_keep_empty(msg, list);
	else
		nla_nest_end(msg, list);
	return ask(msg, NULL, NULL);
}

static void show_exception(struct nlattr **a, void *ctx)
{
	struct nlattr *x[SEALBOND_X_MAX + 1];

	(void)ctx;
	if (nla_parse_nested(x, SEALBOND_X_MAX, a[SEALBOND_A_EXCEPTION], NULL))
		return;
	printf("name=%s kind=%s ", nla_get_string(x[SEALBOND_X_NAME]),
	       kinds[nla_get_u8(x[SEALBOND_X_KIND])]);
	print_u64("passed", nla_get_u64(x[SEALBOND_X_PASSED]));
	print_u64("passed_bytes", nla_get_u64(x[SEALBOND_X_PASSED_BYTES]));
	print_u64("over", nla_get_u64(x[SEALBOND_X_OVER]));
	putchar('\n');
}

int do_getexceptions(void)
{
	return ask(nl_request(&nl, SEALBOND_CMD_GET_EXCEPTIONS, NLM_F_DUMP), show_exception, NULL);
}

static void show_drop(struct nlattr **a, void *ctx)
{
	struct nlattr *d[SEALBOND_D_MAX + 1];

	(void)ctx;
	if (nla_parse_nested(d, SEALBOND_D_MAX, a[SEALBOND_A_DROP], NULL))
		return;
	printf("reason=%u ", nla_get_u8(d[SEALBOND_D_REASON]));
	print_u64("count", nla_get_u64(d[SEALBOND_D_COUNT]));
	print_u64("would", nla_get_u64(d[SEALBOND_D_WOULD_COUNT]));
	putchar('\n');
}

int do_drops(void)
{
	return ask(nl_request(&nl, SEALBOND_CMD_GET_DROPS, NLM_F_DUMP), show_drop, NULL);
}

static void show_status(struct nlattr **a, void *ctx)
{
	(void)ctx;
	if (a[SEALBOND_A_CONFIG_HASH])
		print_hex("config", a[SEALBOND_A_CONFIG_HASH]);
	printf("version=%s mode=%s state=%u assurance=%#x peers=%u bonds=%u locked=%d alarms=%#x\n",
	       nla_get_string(a[SEALBOND_A_VERSION]), modes[nla_get_u8(a[SEALBOND_A_MODE])],
	       nla_get_u8(a[SEALBOND_A_STATE]), nla_get_u32(a[SEALBOND_A_ASSURANCE]),
	       nla_get_u32(a[SEALBOND_A_PEERS_NR]), nla_get_u32(a[SEALBOND_A_BONDS_NR]),
	       !!a[SEALBOND_A_LOCKED],
	       a[SEALBOND_A_ALARMS] ? nla_get_u32(a[SEALBOND_A_ALARMS]) : 0);
}

int do_status(void)
{
	return ask(nl_request(&nl, SEALBOND_CMD_GET_STATUS, 0), show_status, NULL);
}

static void print_address(const char *name, const struct nlattr *attr)
{
	char text[INET6_ADDRSTRLEN];

	if (attr && inet_ntop(nla_len(attr) == 4 ? AF_INET : AF_INET6, nla_data(attr), text,
			      sizeof(text)))
		printf("%s=%s ", name, text);
}

static void show_dropped(struct nlattr **d)
{
	printf("reason=%u dir=%u dev=%s len=%u ", nla_get_u8(d[SEALBOND_D_REASON]),
	       nla_get_u8(d[SEALBOND_D_DIR]), nla_get_string(d[SEALBOND_D_IFNAME]),
	       nla_get_u32(d[SEALBOND_D_LEN]));
	print_address("src", d[SEALBOND_D_SADDR]);
	print_address("dst", d[SEALBOND_D_DADDR]);
	if (d[SEALBOND_D_PROTO])
		printf("proto=%u ", nla_get_u8(d[SEALBOND_D_PROTO]));
	if (d[SEALBOND_D_SPORT])
		printf("sport=%u dport=%u ", nla_get_u16(d[SEALBOND_D_SPORT]),
		       nla_get_u16(d[SEALBOND_D_DPORT]));
	if (d[SEALBOND_D_UID])
		printf("uid=%u ", nla_get_u32(d[SEALBOND_D_UID]));
	if (d[SEALBOND_D_OBSERVED])
		printf("observed=1 ");
}

static void show_event(int event, struct nlattr **a)
{
	static const char *const names[] = {
		"none", "key", "stranger", "bond-live", "bond-ended", "start-failed",
		"rotate-wanted", "roamed", "drop", "mode", "alarm", "locked",
	};
	struct nlattr *d[SEALBOND_D_MAX + 1];

	printf("event=%s ", event < (int)(sizeof(names) / sizeof(names[0])) ? names[event] : "?");
	if (a[SEALBOND_A_DEVICE_ID])
		print_hex("id", a[SEALBOND_A_DEVICE_ID]);
	if (a[SEALBOND_A_KEY])
		print_hex("key", a[SEALBOND_A_KEY]);
	if (a[SEALBOND_A_STATE])
		printf("state=%u ", nla_get_u8(a[SEALBOND_A_STATE]));
	if (a[SEALBOND_A_MODE])
		printf("mode=%s ", modes[nla_get_u8(a[SEALBOND_A_MODE])]);
	if (a[SEALBOND_A_ALARMS])
		printf("alarms=%#x ", nla_get_u32(a[SEALBOND_A_ALARMS]));
	if (a[SEALBOND_A_CHANGED_PCRS])
		printf("changed_pcrs=%#x ", nla_get_u32(a[SEALBOND_A_CHANGED_PCRS]));
	if (a[SEALBOND_A_EPOCH])
		printf("epoch=%u ", nla_get_u32(a[SEALBOND_A_EPOCH]));
	if (a[SEALBOND_A_ENCAP])
		printf("encap=%u ", nla_get_u8(a[SEALBOND_A_ENCAP]));
	if (a[SEALBOND_A_REASON])
		printf("reason=%u ", nla_get_u8(a[SEALBOND_A_REASON]));
	if (a[SEALBOND_A_ENDPOINT])
		print_endpoint(a[SEALBOND_A_ENDPOINT]);
	if (a[SEALBOND_A_DROP] && !nla_parse_nested(d, SEALBOND_D_MAX, a[SEALBOND_A_DROP], NULL))
		show_dropped(d);
	putchar('\n');
}

int do_events(void)
{
	uint64_t count = number_or("count", UINT64_MAX);
	int timeout = number_or("timeout", -1), event;
	struct nlattr *a[SEALBOND_A_MAX + 1];

	only("timeout count");
	nl_join(&nl, nl.handshake);
	nl_join(&nl, nl.monitor);
	puts("listening");
	while (count-- > 0) {
		event = nl_event(&nl, a, timeout);
		if (!event)
			return LATE;
		show_event(event, a);
	}
	return DONE;
}

int do_ledger_socket(void)
{
	struct nl_msg *msg = nl_request(&nl, SEALBOND_CMD_LEDGER_SOCKET, 0);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(number(needed("port"))) };
	const struct timeval patience = { .tv_usec = 900000 };
	socklen_t length = sizeof(to);
	int fd = socket(AF_INET, SOCK_STREAM, 0), result;

	if (fd < 0 || inet_pton(AF_INET, needed("to"), &to.sin_addr) != 1 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		usage("ledger-socket takes to=ADDR port=N");
	nla_put_u32(msg, SEALBOND_A_LEDGER_FD, optional("fd") ? number(optional("fd")) : (uint64_t)fd);
	result = ask(msg, NULL, NULL);
	if (result != DONE)
		return result;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror("sbctl: ledger-socket: connect");
		return LATE;
	}
	getsockname(fd, (struct sockaddr *)&to, &length);
	printf("connected=1 port=%u\n", ntohs(to.sin_port));
	if (optional("hold"))
		for (;;)
			pause();
	return DONE;
}

int do_udp_encap(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(number(needed("port"))) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), type = UDP_ENCAP_ESPINUDP;

	if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
	    setsockopt(fd, IPPROTO_UDP, UDP_ENCAP, &type, sizeof(type)) < 0) {
		perror("sbctl: udp-encap");
		return REFUSED;
	}
	puts("ready");
	for (;;)
		pause();
}
