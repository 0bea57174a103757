// SPDX-License-Identifier: Apache-2.0
/* Peers and bonds. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "sbctl.h"

int do_peer(void)
{
	struct nl_msg *msg = nl_request(&nl, SEALBOND_CMD_SET_PEER, 0);
	uint8_t key[SEALBOND_KEY_LEN];

	only("id key lease v4 v6 endpoint flags");
	if (!hex(needed("key"), key, sizeof(key)))
		usage("key is 64 hex digits");
	put_id(msg, SEALBOND_A_DEVICE_ID, needed("id"));
	nla_put(msg, SEALBOND_A_KEY, sizeof(key), key);
	nla_put_u64(msg, SEALBOND_A_LEASE_MS, number(needed("lease")));
	put_overlay(msg);
	put_endpoint(msg);
	if (optional("flags"))
		nla_put_u32(msg, SEALBOND_A_PEER_FLAGS, number(optional("flags")));
	return ask(msg, NULL, NULL);
}

/* splitmix64: keys that look random and are the same in every run */
static void fill(uint8_t out[32], uint64_t seed)
{
	int i;

	for (i = 0; i < 4; i++) {
		uint64_t z = seed += 0x9e3779b97f4a7c15;

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
		z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
		z ^= z >> 31;
		memcpy(out + 8 * i, &z, sizeof(z));
	}
}

int do_peers(void)
{
	uint64_t count = number(needed("count")), first = number_or("first", 0);
	uint64_t lease = number_or("lease", 86400000), i, began, took;
	static uint8_t batch[48 * 1024];
	unsigned int refused = 0;
	const char *text = "";
	size_t filled = 0;
	int err = 0;

	only("count first lease endpoint");
	began = now_ns();
	for (i = first; i < first + count; i++) {
		struct nl_msg *msg = nl_request(&nl, SEALBOND_CMD_SET_PEER, 0);
		uint32_t v4 = htonl(0x0a800000 + i);
		uint8_t id[32], key[32];
		struct nlmsghdr *nlh;

		fill(id, 2 * i);
		fill(key, 2 * i + 1);
		nla_put(msg, SEALBOND_A_DEVICE_ID, sizeof(id), id);
		nla_put(msg, SEALBOND_A_KEY, sizeof(key), key);
		nla_put_u64(msg, SEALBOND_A_LEASE_MS, lease);
		nla_put(msg, SEALBOND_A_OVERLAY4, sizeof(v4), &v4);
		put_endpoint(msg);
		nl_complete_msg(nl.sock, msg);
		nlh = nlmsg_hdr(msg);
		nlh->nlmsg_flags &= ~NLM_F_ACK;
		if (i + 1 == first + count || filled + 2 * NLMSG_ALIGN(nlh->nlmsg_len) > sizeof(batch))
			nlh->nlmsg_flags |= NLM_F_ACK;
		memcpy(batch + filled, nlh, nlh->nlmsg_len);
		filled += NLMSG_ALIGN(nlh->nlmsg_len);
		if (nlh->nlmsg_flags & NLM_F_ACK) {
			refused += nl_send_batch(&nl, batch, filled, nlh->nlmsg_seq, &err, &text);
			filled = 0;
		}
		nlmsg_free(msg);
	}
	took = now_ns() - began;
	printf("count=%llu refused=%u ns=%llu\n", (unsigned long long)count, refused,
	       (unsigned long long)took);
	return tell(err, text);
}

static void show_peer(struct nlattr **a, void *ctx)
{
	static const struct { const char *name; int attr; } u64s[] = {
		{ "lease", SEALBOND_A_LEASE_MS }, { "hold", SEALBOND_A_HOLD_MS }, { "handshakes", SEALBOND_A_HANDSHAKES },
		{ "bytes_in", SEALBOND_A_BYTES_IN }, { "bytes_out", SEALBOND_A_BYTES_OUT },
		{ "packets_in", SEALBOND_A_PACKETS_IN }, { "packets_out", SEALBOND_A_PACKETS_OUT },
		{ "sequence", SEALBOND_A_SEQUENCE_OUT }, { "age", SEALBOND_A_AGE_MS },
	}, u32s[] = {
		{ "flags", SEALBOND_A_PEER_FLAGS }, { "epoch", SEALBOND_A_EPOCH },
		{ "spi_in", SEALBOND_A_SPI_IN }, { "spi_out", SEALBOND_A_SPI_OUT },
		{ "mtu", SEALBOND_A_MTU },
	}, u8s[] = {
		{ "bond", SEALBOND_A_BOND_STATE }, { "alg", SEALBOND_A_ALGORITHM },
		{ "encap", SEALBOND_A_ENCAP },
	};
	size_t i;

	(void)ctx;
	print_hex("id", a[SEALBOND_A_DEVICE_ID]);
	for (i = 0; i < sizeof(u8s) / sizeof(u8s[0]); i++)
		if (a[u8s[i].attr])
			printf("%s=%u ", u8s[i].name, nla_get_u8(a[u8s[i].attr]));
	for (i = 0; i < sizeof(u32s) / sizeof(u32s[0]); i++)
		if (a[u32s[i].attr])
			printf("%s=%u ", u32s[i].name, nla_get_u32(a[u32s[i].attr]));
	for (i = 0; i < sizeof(u64s) / sizeof(u64s[0]); i++)
		if (a[u64s[i].attr])
			print_u64(u64s[i].name, nla_get_u64(a[u64s[i].attr]));
	if (a[SEALBOND_A_ENDPOINT])
		print_endpoint(a[SEALBOND_A_ENDPOINT]);
	if (a[SEALBOND_A_KEY])
		print_hex("key", a[SEALBOND_A_KEY]);
	putchar('\n');
}

int do_getpeer(void)
{
	const char *id = optional("id");
	struct nl_msg *msg = nl_request(&nl, SEALBOND_CMD_GET_PEER, id ? 0 : NLM_F_DUMP);

	if (id)
		put_id(msg, SEALBOND_A_DEVICE_ID, id);
	return ask(msg, show_peer, NULL);
}

static int named(uint8_t command)
{
	struct nl_msg *msg = nl_request(&nl, command, 0);

	if (words[0] && !strcmp(words[0], "all"))
		nla_put_flag(msg, SEALBOND_A_FLUSH);
	else
		put_id(msg, SEALBOND_A_DEVICE_ID, needed("id"));
	return ask(msg, NULL, NULL);
}

int do_delpeer(void)
{
	return named(SEALBOND_CMD_DEL_PEER);
}

int do_end(void)
{
	return named(SEALBOND_CMD_END_BOND);
}

static bool is_about(struct nlattr **a, const char *id_text)
{
	uint8_t id[SEALBOND_ID_LEN];

	if (!id_text)
		return true;
	id_of(id_text, id);
	return a[SEALBOND_A_DEVICE_ID] && !memcmp(nla_data(a[SEALBOND_A_DEVICE_ID]), id, sizeof(id));
}

static int await_live(struct sbctl_nl *where, const char *id, int timeout_ms)
{
	uint64_t until = now_ns() + (uint64_t)timeout_ms * 1000000;
	struct nlattr *a[SEALBOND_A_MAX + 1];

	for (;;) {
		uint64_t now = now_ns();
		int event = nl_event(where, a, now < until ? (until - now) / 1000000 + 1 : 0);

		if (!event)
			return LATE;
		if (event == SEALBOND_EVENT_BOND_LIVE && is_about(a, id))
			return DONE;
	}
}

int do_start(void)
{
	const char *wait = optional("wait");
	struct sbctl_nl listening;
	int code;

	only("id wait");
	/* a socket of its own: the event may come before the acknowledgement */
	nl_open(&listening);
	nl_join(&listening, listening.handshake);
	code = named(SEALBOND_CMD_START_BOND);
	return code || !wait ? code : await_live(&listening, needed("id"), number(wait));
}

static void see_live(struct nlattr **a, void *ctx)
{
	if (is_about(a, optional("id")) && nla_get_u8(a[SEALBOND_A_BOND_STATE]) == SEALBOND_BOND_LIVE)
		*(bool *)ctx = true;
}

int do_wait_live(void)
{
	struct sbctl_nl asking;
	const char *text;
	bool live = false;

	only("id timeout");
	nl_join(&nl, nl.handshake);
	nl_open(&asking);
	nl_ask(&asking, nl_request(&asking, SEALBOND_CMD_GET_PEER, NLM_F_DUMP), see_live, &live, &text);
	return live ? DONE : await_live(&nl, optional("id"), number_or("timeout", 30000));
}

int do_handshakes(void)
{
	uint64_t count = number_or("count", UINT64_MAX), done = 0, began, took;
	uint64_t until, seconds = number_or("seconds", 0);
	struct sbctl_nl here, there;
	const char *text;
	int err;

	only("id other seconds count");
	if (count == UINT64_MAX && !seconds)
		usage("seconds= or count= is needed");
	nl_open(&here);
	nl_join(&here, here.handshake);
	nl_open_in(&there, needed("other"));
	nl_join(&there, there.handshake);
	began = now_ns();
	until = seconds ? began + seconds * 1000000000 : UINT64_MAX;
	while (done < count && now_ns() < until) {
		struct nl_msg *msg = nl_request(&nl, SEALBOND_CMD_START_BOND, 0);

		put_id(msg, SEALBOND_A_DEVICE_ID, needed("id"));
		err = nl_ask(&nl, msg, NULL, NULL, &text);
		if (err)
			return tell(err, text);
		if (await_live(&here, needed("id"), 60000) || await_live(&there, NULL, 60000))
			return LATE;
		done++;
	}
	took = now_ns() - began;
	printf("handshakes=%llu ns=%llu\n", (unsigned long long)done, (unsigned long long)took);
	return DONE;
}
