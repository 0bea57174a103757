// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <errno.h>

#include "common/cleanup.h"
#include "common/config.h"
#include "common/ini.h"
#include "sealbond/limits.h"

#define DEVICE	"[device]\noverlay6 = fd77::1/64\n"
#define KEY	"[key]\nrelease_key = /etc/sealbond/release.pub.pem\nfleet = plant-7\n"
#define WHOLE	DEVICE KEY

static int parse(const char *text, struct sb_config *config, struct sb_error *error)
{
	return sb_config_parse("c.conf", text, strlen(text), config, error);
}

static void defaults(void **state)
{
	struct sb_config config;
	struct sb_error error;

	assert_int_equal(parse(WHOLE, &config, &error), 0);
	assert_int_equal(config.port, SB_DEFAULT_PORT);
	assert_int_equal(config.algorithms_count, 2);
	assert_int_equal(config.algorithms[0], SEALBOND_ALG_AES256_GCM);
	assert_int_equal(config.mode, SEALBOND_MODE_OBSERVE);
	assert_int_equal(config.after, 120000);
	assert_int_equal(config.hard_after, 180000);
	assert_int_equal(config.key_overlap, 86400000);
	assert_int_equal(config.pcrs, 0x1a90);
	assert_int_equal(config.cap_pcr, 14);
	assert_string_equal(config.interface, "sb0");
	assert_string_equal(config.peers_file, "/etc/sealbond/peers.conf");
	assert_int_equal(config.exceptions_count, 5);
	assert_string_equal(config.exceptions[4].name, "icmp-error");
	assert_int_equal(config.exceptions[4].kind, SEALBOND_EXC_ICMP_ERROR);
}

static void everything(void **state)
{
	static const char text[] =
		"# a comment\n; another\n\n"
		"[device]\r\n overlay4 = 10.77.0.1/24 \noverlay6=fd77::1/64\nport = 0x1d1e\n"
		"algorithms = chacha20-poly1305 , aes-256-gcm\nencap = always\nchain = a b\ninterface = seal0\n"
		"if_id = 7\nmtu = 1280\nstate_dir = /s\nrun_dir = /r\n"
		"[enforce]\nmode = enforce\nexceptions = default\n"
		"[key]\npcrs = 0, 7\ncap_pcr = 15\nrelease_key = /k.pem\nfleet = x\nallow_virtual_tpm = yes\nlate_keys = yes\n"
		"reboot_when_approved = yes\nreboot_command = /b\n"
		"[rotate]\nafter = 1h\njitter = 0%\nsoft_bytes = 1M\nhard_bytes = 2M\nsoft_packets = 1000\n"
		"hard_packets = 2000\noverlap = 1s\nkey_overlap = 1h\n"
		"[peers]\nfile = /p\n"
		"[exception ntp]\nkind = match\ndir = out\nproto = udp\nremote = 192.0.2.0/24\nremote_port = 123\n"
		"interface = eth0\nrate = 2\nbytes = 1K\n"
		"[exception nd]\nkind = nd";
	struct sb_config config;
	struct sb_error error;

	if (parse(text, &config, &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(config.overlay4.length, 24);
	assert_int_equal(config.port, 7454);
	assert_int_equal(config.algorithms[0], SEALBOND_ALG_CHACHA20_POLY1305);
	assert_int_equal(config.algorithms[1], SEALBOND_ALG_AES256_GCM);
	assert_int_equal(config.encap, SEALBOND_ENCAP_ALWAYS);
	assert_string_equal(config.chain, "a b");
	assert_int_equal(config.mode, SEALBOND_MODE_ENFORCE);
	assert_true(config.allow_virtual_tpm);
	assert_true(config.late_keys);
	assert_true(config.reboot_when_approved);
	assert_string_equal(config.reboot_command, "/b");
	/* Longer than the default hard age: it follows. */
	assert_int_equal(config.hard_after, 4500000);
	assert_int_equal(config.key_overlap, 3600000);
	assert_int_equal(config.exceptions_count, 2);
	assert_int_equal(config.exceptions[0].dir, SEALBOND_X_DIR_OUT);
	assert_int_equal(config.exceptions[0].proto, 17);
	assert_int_equal(config.exceptions[0].remote.length, 24);
	assert_int_equal(config.exceptions[0].bytes, 1024);
	assert_int_equal(config.exceptions[1].kind, SEALBOND_EXC_ND);
	assert_int_equal(config.exceptions[1].dir, 0);
}

static void no_exceptions(void **state)
{
	struct sb_config config;
	struct sb_error error;

	assert_int_equal(parse(WHOLE "[enforce]\nexceptions = none\n", &config, &error), 0);
	assert_int_equal(config.exceptions_count, 0);
}

/* Every kind of error: where, what, and what is allowed. */
static const struct {
	const char *text, *message;
} wrong[] = {
	{ "[rotate]\nafter = 5x\n", "c.conf:2: after = 5x: not a duration; allowed: 10s to 1h, e.g. 120s" },
	{ "[rotate]\nafter = 5s\n", "c.conf:2: after = 5s: out of bounds; allowed: 10s to 1h, e.g. 120s" },
	{ "[rotate]\njitter = 10\n", "c.conf:2: jitter = 10: not a share; allowed: 0% to 50%, e.g. 10%" },
	{ "[rotate]\njitter = 51%\n", "c.conf:2: jitter = 51%: out of bounds; allowed: 0% to 50%, e.g. 10%" },
	{ "[rotate]\nrotate_after = 5s\n", "c.conf:2: rotate_after: no such key in [rotate]; did you mean hard_after?" },
	{ "[device]\noverlay = 1\n", "c.conf:2: overlay: no such key in [device]; did you mean overlay4?" },
	{ "[device]\nzzzzzzzzzzzzzzzz = 1\n", "c.conf:2: zzzzzzzzzzzzzzzz: no such key in [device]" },
	{ "[devise]\n", "c.conf:1: [devise]: no such section; did you mean [device]?" },
	{ "[qqqqqqqqq]\n", "c.conf:1: [qqqqqqqqq]: no such section" },
	{ "[device main]\n", "c.conf:1: [device] takes no name" },
	{ "[device\n", "c.conf:1: [device: a section ends with ]" },
	{ "[]\n", "c.conf:1: not a section; allowed: [word] or [word NAME], of letters, digits, _ - ., each up to 31" },
	{ "[exception a b]\n", "c.conf:1: not a section; allowed: [word] or [word NAME], of letters, digits, _ - ., each up to 31" },
	{ "port = 1\n", "c.conf:1: port stands before the first [section]" },
	{ "[device]\nport\n", "c.conf:2: neither a [section] nor \"key = value\" nor a # comment" },
	{ "[device]\n= 1\n", "c.conf:2: no key in front of the =" },
	{ "[device]\nport = 1\nport = 2\n", "c.conf:3: port is here twice in [device]" },
	{ "[device]\nport = 0\n", "c.conf:2: port = 0: out of bounds; allowed: 1 to 65535" },
	{ "[device]\nport =\n", "c.conf:2: port = : not a port; allowed: 1 to 65535" },
	{ "[device]\noverlay4 = fd77::1\n", "c.conf:2: overlay4 = fd77::1: not an IPv4 address; allowed: ADDR/LEN, e.g. 10.77.0.1/24" },
	{ "[device]\noverlay6 = 10.0.0.1\n", "c.conf:2: overlay6 = 10.0.0.1: not an IPv6 address; allowed: ADDR/LEN, e.g. fd77::1/64" },
	{ "[device]\nalgorithms = aes\n", "c.conf:2: algorithms = aes: not a list of algorithms; allowed: aes-256-gcm, chacha20-poly1305 or both with a comma, best first" },
	{ "[device]\nalgorithms = aes-256-gcm, aes-256-gcm\n", "c.conf:2: algorithms = aes-256-gcm, aes-256-gcm: not a list of algorithms; allowed: aes-256-gcm, chacha20-poly1305 or both with a comma, best first" },
	{ "[device]\nencap = no\n", "c.conf:2: encap = no: not a choice; allowed: auto, always" },
	{ "[device]\ninterface = a/b\n", "c.conf:2: interface = a/b: not an interface; allowed: a name of up to 15 bytes, e.g. sb0" },
	{ "[device]\ninterface = 0123456789012345\n", "c.conf:2: interface = 0123456789012345: out of bounds; allowed: a name of up to 15 bytes, e.g. sb0" },
	{ "[device]\nmtu = 1279\n", "c.conf:2: mtu = 1279: out of bounds; allowed: 1280 to 65535 bytes, e.g. 1400" },
	{ "[device]\nstate_dir = var\n", "c.conf:2: state_dir = var: not an absolute path; allowed: e.g. /var/lib/sealbond" },
	{ "[enforce]\nmode = on\n", "c.conf:2: mode = on: not a mode; allowed: off, observe, enforce" },
	{ "[key]\npcrs = 4,24\n", "c.conf:2: pcrs = 4,24: out of bounds; allowed: numbers from 0 to 23, e.g. 4,7,9,11,12" },
	{ "[key]\nlate_keys = maybe\n", "c.conf:2: late_keys = maybe: not yes or no; allowed: yes, no" },
	{ "[key]\nallow_virtual_tpm = 1\n", "c.conf:2: allow_virtual_tpm = 1: not yes or no; allowed: yes, no" },
	{ KEY, "c.conf: [device] needs overlay4 or overlay6, e.g. overlay6 = fd77::1/64" },
	{ DEVICE "[key]\nfleet = x\n", "c.conf: [key] needs release_key; make one with: sealbond release key --out release.pem" },
	{ DEVICE "[key]\nrelease_key = /k\n", "c.conf: [key] needs fleet, the name that approvals are for, e.g. fleet = plant-7" },
	{ WHOLE "cap_pcr = 16\n", "c.conf:6: cap_pcr = 16: userspace can reset it; allowed: 0 to 15 or 17 to 22, e.g. 14" },
	{ WHOLE "cap_pcr = 7\n", "c.conf:6: cap_pcr 7 is in pcrs too; allowed: another one" },
	{ WHOLE "pcrs = 4,14\n", "c.conf:6: cap_pcr 14 is in pcrs too; allowed: another one" },
	{ WHOLE "[rotate]\nhard_after = 130s\n", "c.conf:7: hard_after must be longer than after and its jitter; allowed: more than 132 s" },
	{ WHOLE "[rotate]\nhard_bytes = 2M\n", "c.conf:7: hard_bytes must be more than soft_bytes" },
	{ WHOLE "[rotate]\nhard_packets = 2000\n", "c.conf:7: hard_packets must be more than soft_packets" },
	{ WHOLE "[exception]\n", "c.conf:6: an exception needs a name, e.g. [exception ntp]" },
	{ WHOLE "[exception a]\n", "c.conf:6: [exception a] has no kind; allowed: arp, nd, dhcp4, dhcp6, icmp-error, match" },
	{ WHOLE "[exception a]\n[exception b]\nkind = arp\n", "c.conf:6: [exception a] has no kind; allowed: arp, nd, dhcp4, dhcp6, icmp-error, match" },
	{ WHOLE "[exception a]\nkind = arp\n[exception a]\n", "c.conf:8: there is another [exception a]" },
	{ WHOLE "[exception a]\nkind = none\n", "c.conf:7: kind = none: not a kind; allowed: arp, nd, dhcp4, dhcp6, icmp-error, match" },
	{ WHOLE "[exception a]\nkind = match\n", "c.conf:6: [exception a]: kind = match needs proto, e.g. proto = udp" },
	{ WHOLE "[exception a]\nkind = arp\nproto = udp\n", "c.conf:6: [exception a]: proto, remote and ports go with kind = match only" },
	{ WHOLE "[exception a]\nkind = match\nproto = icmp\nlocal_port = 1\n", "c.conf:6: [exception a]: ports go with proto = udp or tcp only" },
	{ WHOLE "[exception a]\nkind = match\nproto = udp\n", "c.conf:6: [exception a] would let a whole protocol out; add remote, remote_port, local_port or interface" },
	{ WHOLE "[exception a]\nkind = arp\ndir = -\n", "c.conf:8: dir = -: not a direction; allowed: in, out, both" },
	{ WHOLE "[exception a]\nkind = match\nproto = 0\n", "c.conf:8: proto = 0: out of bounds; allowed: udp, tcp, icmp, icmp6, igmp or a number from 1 to 255" },
	{ WHOLE "[enforce]\nexceptions = none\n[exception a]\nkind = arp\n", "c.conf:7: exceptions = none, and there is an [exception a]" },
};

static void errors(void **state)
{
	for (size_t i = 0; i < SB_ARRAY_SIZE(wrong); i++) {
		struct sb_config config = { .port = 99 };
		struct sb_error error = { "" };

		if (parse(wrong[i].text, &config, &error) != -EINVAL)
			fail_msg("taken: %s", wrong[i].text);
		assert_string_equal(error.text, wrong[i].message);
		assert_int_equal(config.port, 99);
	}
}

static void bytes(void **state)
{
	char long_line[SB_INI_LINE_MAX + 2];
	struct sb_config config;
	struct sb_error error;

	memset(long_line, '#', sizeof(long_line));
	assert_int_equal(sb_config_parse("c", long_line, sizeof(long_line), &config, &error), -EINVAL);
	assert_string_equal(error.text, "c:1: longer than 1024 bytes");
	assert_int_equal(sb_config_parse("c", "[device]\n\0", 10, &config, &error), -EINVAL);
	assert_string_equal(error.text, "c:2: a NUL byte: not a text file");
}

static void too_many_exceptions(void **state)
{
	char *text = NULL;
	struct sb_config config;
	struct sb_error error;
	size_t length;
	FILE *stream = open_memstream(&text, &length);

	fputs(WHOLE, stream);
	for (int i = 0; i <= SB_EXCEPTIONS_MAX; i++)
		fprintf(stream, "[exception e%d]\nkind = arp\n", i);
	fclose(stream);
	assert_int_equal(sb_config_parse("c", text, length, &config, &error), -EINVAL);
	assert_string_equal(error.text, "c:134: more than 64 exceptions");
	free(text);
}

/* Truncated anywhere, a configuration is taken or refused, and never read past its end. */
static void truncated(void **state)
{
	static const char text[] = WHOLE "[exception ntp]\nkind = match\nproto = udp\nremote_port = 123\n";

	for (size_t length = 0; length < sizeof(text); length++) {
		char *copy = malloc(length + 1);
		struct sb_config config;

		memcpy(copy, text, length);
		(void)sb_config_parse("c", copy, length, &config, NULL);
		free(copy);
	}
}

static void ids(void **state)
{
	/* SHA-256("abc"), FIPS 180-4's example */
	static const uint8_t abc[32] = {
		0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
		0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
	};
	uint8_t id[32];

	sb_config_id("abc", id);
	assert_memory_equal(id, abc, 32);
}

/* The example in docs/examples is what a person begins with. */
static void example(void **state)
{
	struct sb_config config;
	struct sb_error error;

	if (sb_config_load("docs/examples/sealbond.conf", &config, &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(sb_config_load("docs/examples/absent.conf", &config, &error), -ENOENT);
	assert_string_equal(error.text, "docs/examples/absent.conf: No such file or directory");
}

static void lock(void **state)
{
	struct sb_config config;
	struct sb_error error;

	assert_int_equal(parse(WHOLE, &config, &error), 0);
	assert_false(config.lock);
	assert_int_equal(parse(WHOLE "[enforce]\nlock = yes\nmode = enforce\n", &config, &error), 0);
	assert_true(config.lock);
	assert_int_equal(parse(WHOLE "[enforce]\nlock = yes\n", &config, &error), -EINVAL);
	assert_non_null(strstr(error.text, "lock = yes is for mode = enforce"));
}

static void signed_grants(void **state)
{
	static const struct {
		const char *peers, *told;
	} wrong[] = {
		{ "grants = /g\n", "c.conf:7: grants needs grant_keys" },
		{ "grant_keys = /a.pem\n", "c.conf:7: grant_keys needs grants" },
		{ "grants = g\n", "grants = g: not an absolute path" },
		{ "grants = /g\ngrant_keys = /a.pem, b.pem\n", "not a list of absolute paths" },
		{ "grants = /g\ngrant_keys = /a.pem,\n", "not a list of absolute paths" },
		{ "grants = /g\ngrant_keys = /a.pem /b.pem\n", "not a list of absolute paths" },
		{ "grants = /g\ngrant_keys = /a,/a,/a,/a,/a,/a,/a,/a,/a,/a,/a,/a,/a,/a,/a,/a,/a\n", "out of bounds" },
		{ "grants = /g\ngrant_keys = /a.pem\nthreshold = 2\n", "c.conf:9: threshold = 2, and there are 1" },
		{ "grants = /g\ngrant_keys = /a.pem\nthreshold = 0\n", "out of bounds" },
		{ "threshold = 1\n", "threshold = 1, and there are 0" },
	};
	struct sb_config config;
	struct sb_error error;
	char text[1024];

	assert_int_equal(parse(WHOLE, &config, &error), 0);
	assert_int_equal(config.grant_keys_count, 0);
	assert_string_equal(config.grants, "");
	assert_int_equal(parse(WHOLE "[peers]\ngrants = /g\ngrant_keys = /a.pem , /b.pem,/c.pem\n", &config, &error), 0);
	assert_int_equal(config.grant_keys_count, 3);
	assert_string_equal(config.grant_keys[0], "/a.pem");
	assert_string_equal(config.grant_keys[1], "/b.pem");
	assert_string_equal(config.grant_keys[2], "/c.pem");
	/* All of them, unless the file says otherwise. */
	assert_int_equal(config.threshold, 3);
	assert_int_equal(parse(WHOLE "[peers]\ngrants = /g\ngrant_keys = /a,/b,/c\nthreshold = 2\n", &config, &error), 0);
	assert_int_equal(config.threshold, 2);
	for (size_t i = 0; i < SB_ARRAY_SIZE(wrong); i++) {
		snprintf(text, sizeof(text), "%s[peers]\n%s", WHOLE, wrong[i].peers);
		assert_int_equal(parse(text, &config, &error), -EINVAL);
		if (!strstr(error.text, wrong[i].told))
			fail_msg("%s: %s", wrong[i].peers, error.text);
	}
}

#define HASH	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define LEDGER	"[ledger]\nendpoints = http://192.0.2.1:26657, unix:/run/l\ntrust_hash = " HASH "\n"
#define NODES	"[peers]\ngrant_keys = /n1.pem, /n2.pem\nthreshold = 1\n"

/* With a ledger there are neither addresses of one's own nor a directory of grants. */
static void ledger(void **state)
{
	static const struct {
		const char *text, *told;
	} wrong[] = {
		{ KEY LEDGER, "[ledger] needs grant_keys" },
		{ KEY NODES "[ledger]\nendpoints = http://a\n", "[ledger] needs trust_hash" },
		{ KEY LEDGER NODES "grants = /g\n", "do not go together" },
		{ KEY NODES "[ledger]\nendpoints = ftp://a\n", "not a list of URLs" },
		{ KEY LEDGER "on_ledger_loss = hold 31d\n" NODES, "on_ledger_loss = hold 31d" },
		{ KEY LEDGER "on_ledger_loss = go\n" NODES, "allowed: ledger, stop, hold 1m to 30d" },
		{ KEY LEDGER "owner = 12\n" NODES, "not a key" },
		{ KEY LEDGER "announce = 192.0.2.1\n" NODES, "not a list of addresses" },
	};
	struct sb_config config;
	struct sb_error error;

	assert_int_equal(parse(KEY LEDGER "owner = " HASH "\non_ledger_loss = hold 3d\nenrol = no\n"
			       "announce = 192.0.2.7:7454, [2001:db8::7]:7454\n" NODES, &config, &error), 0);
	assert_int_equal(config.ledger.endpoints_count, 2);
	assert_string_equal(config.ledger.endpoints[1], "unix:/run/l");
	assert_int_equal(config.ledger.trust_hash[1], 0x11);
	assert_int_equal(config.ledger.loss, SB_LOSS_HOLD);
	assert_int_equal(config.ledger.hold, 3 * 86400000ULL);
	assert_true(config.ledger.has_owner);
	assert_false(config.ledger.enrol);
	assert_int_equal(config.threshold, 1);
	assert_int_equal(parse(KEY LEDGER NODES, &config, &error), 0);
	assert_true(config.ledger.enrol);
	assert_int_equal(config.ledger.loss, SB_LOSS_LEDGER);
	for (size_t i = 0; i < SB_ARRAY_SIZE(wrong); i++) {
		assert_int_equal(parse(wrong[i].text, &config, &error), -EINVAL);
		if (!strstr(error.text, wrong[i].told))
			fail_msg("%s: %s", wrong[i].text, error.text);
	}
}

static const struct sb_exception *ledgers(const struct sb_config *config, size_t n)
{
	for (size_t i = 0; i < config->exceptions_count; i++)
		if (config->exceptions[i].kind == SEALBOND_EXC_LEDGER && n-- == 0)
			return &config->exceptions[i];
	return NULL;
}

/* The way to each endpoint is in the list of what passes in clear, for the helper's sockets. */
static void ledger_ways(void **state)
{
	static const struct {
		const char *endpoints;
		const char *remote;	/* NULL: there is none; "": any */
		unsigned int port;
	} one[] = {
		{ "http://192.0.2.1", "192.0.2.1", 80 }, { "https://192.0.2.1", "192.0.2.1", 443 },
		{ "https://192.0.2.1:26657/rpc?x=1", "192.0.2.1", 26657 },
		{ "http://[2001:db8::7]:26657/", "2001:db8::7", 26657 }, { "http://[2001:db8::7]", "2001:db8::7", 80 },
		{ "https://ledger.plant.example:8443", "", 8443 }, { "unix:/run/l", NULL, 0 },
		{ "http://127.0.0.1:26657", NULL, 0 }, { "http://[::1]:26657", NULL, 0 }, { "http://localhost:26657", NULL, 0 },
	};
	static const char *const wrong[] = {
		"http://", "http://:80", "http://a:", "http://a:0", "http://a:65536", "http://a:1x", "http://[2001:db8::7",
		"http://[2001:db8::7]x", "http://u@a:80", "http://[]:80",
	};
	char text[1024], remote[SB_ADDRESS_ROOM];
	struct sb_config config;
	struct sb_error error;

	(void)state;
	for (size_t i = 0; i < SB_ARRAY_SIZE(one); i++) {
		const struct sb_exception *e;

		snprintf(text, sizeof(text), KEY NODES "[ledger]\ntrust_hash = " HASH "\nendpoints = %s\n", one[i].endpoints);
		if (parse(text, &config, &error) < 0)
			fail_msg("%s: %s", one[i].endpoints, error.text);
		e = ledgers(&config, 0);
		assert_int_equal(!e, !one[i].remote);
		/* Beside the default ones. */
		assert_int_equal(config.exceptions_count, 5 + !!e);
		if (!e)
			continue;
		assert_int_equal(e->remote_port, one[i].port);
		assert_string_equal(e->remote.family ? sb_format_address(remote, e->remote.family, e->remote.address) : "",
				    one[i].remote);
		assert_int_equal(e->bytes, 4 << 20);
		assert_null(ledgers(&config, 1));
	}
	for (size_t i = 0; i < SB_ARRAY_SIZE(wrong); i++) {
		snprintf(text, sizeof(text), KEY NODES "[ledger]\ntrust_hash = " HASH "\nendpoints = %s\n", wrong[i]);
		if (parse(text, &config, &error) != -EINVAL)
			fail_msg("%s is taken", wrong[i]);
	}
	/* A name is bound to networks; the same way is there once; none are left out by `none`. */
	assert_int_equal(parse("[enforce]\nexceptions = none\n" KEY NODES "[ledger]\ntrust_hash = " HASH "\nendpoints = "
			       "https://a.example, https://b.example, http://192.0.2.1\nnetworks = 192.0.2.0/24, 2001:db8::/32\n"
			       "rate = 50\nbytes = 64K\n", &config, &error), 0);
	/* At the port of an address, too: a succession may name another one in them. */
	assert_int_equal(config.exceptions_count, 5);
	assert_string_equal(sb_format_prefix(remote, &ledgers(&config, 1)->remote), "2001:db8::/32");
	assert_string_equal(sb_format_prefix(remote, &ledgers(&config, 2)->remote), "192.0.2.1/32");
	assert_string_equal(sb_format_prefix(remote, &ledgers(&config, 4)->remote), "2001:db8::/32");
	assert_int_equal(ledgers(&config, 4)->remote_port, 80);
	assert_int_equal(ledgers(&config, 0)->rate, 50);
	assert_int_equal(ledgers(&config, 0)->bytes, 65536);
	assert_int_equal(parse(KEY LEDGER NODES "[exception ledger-1]\nkind = arp\n", &config, &error), -EINVAL);
	assert_non_null(strstr(error.text, "ledger-N"));
	assert_int_equal(parse(KEY "[device]\noverlay4 = 10.1.0.1/24\n[exception x]\nkind = ledger\nremote_port = 1\n", &config,
			       &error), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults), cmocka_unit_test(ledger), cmocka_unit_test(ledger_ways), cmocka_unit_test(everything), cmocka_unit_test(no_exceptions),
		cmocka_unit_test(errors), cmocka_unit_test(bytes), cmocka_unit_test(too_many_exceptions),
		cmocka_unit_test(truncated), cmocka_unit_test(ids), cmocka_unit_test(example),
		cmocka_unit_test(signed_grants), cmocka_unit_test(lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
