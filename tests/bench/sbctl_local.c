// SPDX-License-Identifier: Apache-2.0
/* SET_LOCAL, KEY, GET_KEY. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <net/if.h>

#include "sbctl.h"

/* The generator of P-256: the release key whose private part is 1. */
static const char known_release[] =
	"6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
	"4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";

static void put_limits(struct nl_msg *msg)
{
	static const struct { const char *name; int attr; } limits[] = {
		{ "hard_ms", SEALBOND_L_HARD_MS }, { "hard_bytes", SEALBOND_L_HARD_BYTES },
		{ "hard_seq", SEALBOND_L_HARD_SEQUENCE }, { "soft_bytes", SEALBOND_L_SOFT_BYTES },
		{ "soft_seq", SEALBOND_L_SOFT_SEQUENCE }, { "overlap_ms", SEALBOND_L_OVERLAP_MS },
		{ "key_overlap_ms", SEALBOND_L_KEY_OVERLAP_MS },
	};
	struct nlattr *nest = NULL;
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (!optional(limits[i].name))
			continue;
		if (!nest)
			nest = nla_nest_start(msg, SEALBOND_A_LIMITS);
		nla_put_u64(msg, limits[i].attr, number(optional(limits[i].name)));
	}
	if (nest)
		nla_nest_end(msg, nest);
}

static void put_file(struct nl_msg *msg, int attr, const char *path)
{
	uint8_t data[8192];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f)
		usage("cannot read `%s`", path);
	n = fread(data, 1, sizeof(data), f);
	fclose(f);
	nla_put(msg, attr, n, data);
}

int do_local(void)
{
	const char *encap = optional("encap"), *alg = optional("alg"), *dev = needed("dev");
	struct nl_msg *msg = nl_request(&nl, SEALBOND_CMD_SET_LOCAL, 0);
	uint8_t algorithms[2];
	int n = 0;

	only("id chain dev if_id port v4 v6 encap alg hard_ms hard_bytes hard_seq soft_bytes soft_seq "
	     "overlap_ms key_overlap_ms");
	put_id(msg, SEALBOND_A_DEVICE_ID, needed("id"));
	put_id(msg, SEALBOND_A_CHAIN_ID, needed("chain"));
	nla_put_u32(msg, SEALBOND_A_SB0_IFINDEX, if_nametoindex(dev));
	nla_put_u32(msg, SEALBOND_A_IF_ID, number(needed("if_id")));
	if (optional("port"))
		nla_put_u16(msg, SEALBOND_A_PORT, number(optional("port")));
	put_overlay(msg);
	if (alg) {
		const char *word = alg;

		for (; word && n < 2; word = strchr(word, ',') ? strchr(word, ',') + 1 : NULL)
			algorithms[n++] = *word == 'a' ? SEALBOND_ALG_AES256_GCM :
							 SEALBOND_ALG_CHACHA20_POLY1305;
		nla_put(msg, SEALBOND_A_ALGORITHMS, n, algorithms);
	}
	if (encap)
		nla_put_u8(msg, SEALBOND_A_ENCAP, strcmp(encap, "always") ?
						  SEALBOND_ENCAP_AUTO : SEALBOND_ENCAP_ALWAYS);
	put_limits(msg);
	return ask(msg, NULL, NULL);
}

static void save(const char *dir, const char *name, const struct nlattr *attr)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.blob", dir, name);
	f = fopen(path, "wb");
	if (!f || fwrite(nla_data(attr), 1, nla_len(attr), f) != (size_t)nla_len(attr) || fclose(f))
		usage("cannot write `%s`", path);
}

static void print_pcr(unsigned int pcr, const struct nlattr *values)
{
	const uint8_t *at = nla_data(values);

	if (pcr >= SEALBOND_PCRS)
		usage("PCRs are 0 to 23");
	printf("pcr%u=", pcr);
	for (int i = 0; i < 32; i++)
		printf("%02x", at[32 * pcr + i]);
	putchar(' ');
}

static void show_key(struct nlattr **a, void *ctx)
{
	const char *dir = optional("save");

	printf("state=%u ", nla_get_u8(a[SEALBOND_A_STATE]));
	if (a[SEALBOND_A_STATE_DETAIL])
		printf("detail=%d ", nla_get_s32(a[SEALBOND_A_STATE_DETAIL]));
	if (a[SEALBOND_A_CHANGED_PCRS])
		printf("changed_pcrs=%#x ", nla_get_u32(a[SEALBOND_A_CHANGED_PCRS]));
	if (a[SEALBOND_A_TPM_COMMANDS])
		printf("tpm_commands=%u ", nla_get_u32(a[SEALBOND_A_TPM_COMMANDS]));
	if (a[SEALBOND_A_KEY_CURRENT])
		print_hex("key", a[SEALBOND_A_KEY_CURRENT]);
	if (a[SEALBOND_A_KEY_NEXT])
		print_hex("next", a[SEALBOND_A_KEY_NEXT]);
	if (a[SEALBOND_A_KEY_CANDIDATE])
		print_hex("candidate", a[SEALBOND_A_KEY_CANDIDATE]);
	if (optional("pcr") && a[SEALBOND_A_PCR_VALUES])
		print_pcr(number(optional("pcr")), a[SEALBOND_A_PCR_VALUES]);
	if (a[SEALBOND_A_KEY_OLD])
		print_hex("old", a[SEALBOND_A_KEY_OLD]);
	putchar('\n');
	if (dir && a[SEALBOND_A_BLOB_CURRENT])
		save(dir, "current", a[SEALBOND_A_BLOB_CURRENT]);
	if (dir && a[SEALBOND_A_BLOB_NEXT])
		save(dir, "next", a[SEALBOND_A_BLOB_NEXT]);
	if (dir && a[SEALBOND_A_BLOB_CANDIDATE])
		save(dir, "candidate", a[SEALBOND_A_BLOB_CANDIDATE]);
	if (ctx)
		*(int *)ctx = nla_get_u8(a[SEALBOND_A_STATE]);
}

int do_getkey(void)
{
	return ask(nl_request(&nl, SEALBOND_CMD_GET_KEY, 0), show_key, NULL);
}

static uint32_t pcr_mask(const char *list)
{
	uint32_t mask = 0;
	char *end;

	for (;; list = end + 1) {
		mask |= 1u << (strtoul(list, &end, 10) & 31);
		if (*end != ',')
			return mask;
	}
}

int do_key(void)
{
	struct nl_msg *msg = nl_request(&nl, SEALBOND_CMD_KEY, 0);
	const char *release = optional("release");
	struct nlattr *a[SEALBOND_A_MAX + 1], *nest = NULL;
	int i, event, code, state = -1;
	struct sbctl_nl listening;
	uint8_t xy[64], config[32];

	only("pcrs cap release fleet virtual current next approval timeout save config early close pcr");
	if (!hex(release ? release : known_release, xy, sizeof(xy)))
		usage("release is x and y, 128 hex digits");
	nla_put_u32(msg, SEALBOND_A_POLICY_PCRS, pcr_mask(optional("pcrs") ? optional("pcrs") : "7"));
	nla_put_u8(msg, SEALBOND_A_CAP_PCR, number_or("cap", 14));
	nla_put(msg, SEALBOND_A_RELEASE_KEY, sizeof(xy), xy);
	put_id(msg, SEALBOND_A_POLICY_REF, optional("fleet") ? optional("fleet") : "fleet");
	if (optional("virtual"))
		nla_put_flag(msg, SEALBOND_A_ALLOW_VIRTUAL);
	if (optional("config")) {
		if (!hex(optional("config"), config, sizeof(config)))
			usage("config is a hash, 64 hex digits");
		nla_put(msg, SEALBOND_A_CONFIG_HASH, sizeof(config), config);
	}
	if (optional("early"))
		nla_put_flag(msg, SEALBOND_A_EARLY);
	if (optional("close"))
		nla_put_flag(msg, SEALBOND_A_CLOSE);
	if (optional("current"))
		put_file(msg, SEALBOND_A_BLOB_CURRENT, optional("current"));
	if (optional("next"))
		put_file(msg, SEALBOND_A_BLOB_NEXT, optional("next"));
	for (i = 0; words[i]; i++) {
		if (strncmp(words[i], "approval=", 9))
			continue;
		if (!nest)
			nest = nla_nest_start(msg, SEALBOND_A_APPROVALS);
		put_file(msg, SEALBOND_A_APPROVAL, words[i] + 9);
	}
	if (nest)
		nla_nest_end(msg, nest);
	nl_open(&listening);
	nl_join(&listening, listening.handshake);
	code = ask(msg, NULL, NULL);
	if (code)
		return code;
	do {
		event = nl_event(&listening, a, number_or("timeout", 600000));
		if (!event)
			return LATE;
	} while (event != SEALBOND_EVENT_KEY);
	code = ask(nl_request(&nl, SEALBOND_CMD_GET_KEY, 0), show_key, &state);
	return code ? code : state == SEALBOND_STATE_KEYS_READY ? DONE : REFUSED;
}

