// SPDX-License-Identifier: Apache-2.0
/* The security configuration's record: one meaning, one hash; another meaning, another hash. */
#include "cmocka_all.h"

#include <errno.h>
#include <openssl/sha.h>

#include "common/cleanup.h"
#include "common/security.h"

#define DEVICE	"[device]\noverlay6 = fd77::1/64\n"
#define KEY	"[key]\nrelease_key = /e/release.pub.pem\nfleet = plant-7\n"
#define GRANTS	"[peers]\ngrants = /g\ngrant_keys = /a.pem, /b.pem\nthreshold = 1\n"
#define NTP	"[exception ntp]\nkind = match\nproto = udp\nremote = 192.0.2.0/24\nremote_port = 123\n"
#define ARP	"[exception arp]\nkind = arp\n"

static struct sb_security_keys keys_of(uint8_t release, uint8_t a, uint8_t b)
{
	struct sb_security_keys keys = { 0 };

	memset(keys.release, release, sizeof(keys.release));
	memset(keys.grant[0], a, 64);
	memset(keys.grant[1], b, 64);
	return keys;
}

static void make_with(const char *text, const struct sb_security_keys *keys, struct sb_security *out)
{
	struct sb_config config;
	struct sb_error error;

	if (sb_config_parse("c", text, strlen(text), &config, &error) < 0)
		fail_msg("%s", error.text);
	sb_security_make(&config, keys, out);
}

static void make(const char *text, struct sb_security *out)
{
	const struct sb_security_keys keys = keys_of(1, 2, 3);

	make_with(text, &keys, out);
}

static void is_text(void **state)
{
	static const char expected[] =
		"mode enforce\nlock yes\npcrs 4,7\ncap_pcr 14\nrelease_key %s\n"
		/* SHA-256("plant-7") */
		"fleet %s\nallow_virtual_tpm no\ngrant_threshold 0\ngrant_static no\ntrust_root none\n"
		"exception arp kind arp dir both interface * proto 0 remote any local_port 0 remote_port 0 rate 100 bytes 131072\n"
		"exception ntp kind match dir both interface =eth0 proto 17 remote 192.0.2.0/24 local_port 0 remote_port 123 "
		"rate 2 bytes 131072\n";
	static const char tag[] = "sealbond security configuration v1";
	char release[129], fleet[65], text[4096], tagged[4096];
	struct sb_security made;
	uint8_t hash[32], id[32];

	make(DEVICE "[enforce]\nmode = enforce\nlock = yes\n" KEY "pcrs = 7,4\n" NTP "interface = eth0\nrate = 2\n" ARP, &made);
	memset(release, '0', 128);
	for (int i = 1; i < 128; i += 2)
		release[i] = '1';
	release[128] = '\0';
	SHA256((const uint8_t *)"plant-7", 7, id);
	sb_format_hex(fleet, id, 32);
	snprintf(text, sizeof(text), expected, release, fleet);
	assert_int_equal(made.length, strlen(text));
	assert_memory_equal(made.text, text, made.length);
	memcpy(tagged, tag, sizeof(tag));
	memcpy(tagged + sizeof(tag), text, strlen(text));
	SHA256((const uint8_t *)tagged, sizeof(tag) + strlen(text), hash);
	assert_memory_equal(made.hash, hash, sizeof(hash));
}

/* Pairs that mean the same. */
static const char *const alike[][2] = {
	{ DEVICE KEY, "[key]\n  fleet=plant-7 \nrelease_key = /other/place.pem\n# comment\n[device]\noverlay4 = 10.0.0.9/8\n"
	  "port = 99\nstate_dir = /s\nrun_dir = /r\ninterface = x0\nmtu = 1300\nencap = always\n" },
	{ DEVICE KEY, DEVICE KEY "[enforce]\nmode = observe\nlock = no\nexceptions = default\n" },
	{ DEVICE KEY, DEVICE KEY "[rotate]\nafter = 30s\n[peers]\nfile = /p\n" },
	{ DEVICE KEY, DEVICE KEY "[exception icmp-error]\nkind = icmp-error\n[exception nd]\nkind = nd\n"
	  "[exception dhcp6]\nkind = dhcp6\n[exception dhcp4]\nkind = dhcp4\n[exception arp]\nkind = arp\ndir = both\n" },
	{ DEVICE KEY, DEVICE KEY "late_keys = no\n" },
	{ DEVICE KEY NTP ARP, DEVICE KEY ARP NTP },
	{ DEVICE KEY NTP, DEVICE KEY "[exception ntp]\nkind = match\nproto = 17\nremote = 192.0.2.77/24\nremote_port = 0x7b\n"
	  "dir = both\nrate = 100\nbytes = 128K\n" },
	{ DEVICE KEY GRANTS, DEVICE KEY "[peers]\ngrants = /elsewhere\ngrant_keys = /c.pem,/d.pem\nthreshold = 1\n" },
};

static void same_meaning(void **state)
{
	struct sb_security a, b;

	for (size_t i = 0; i < SB_ARRAY_SIZE(alike); i++) {
		make(alike[i][0], &a);
		make(alike[i][1], &b);
		if (memcmp(a.hash, b.hash, sizeof(a.hash)) != 0)
			fail_msg("pair %zu differs:\n%.*s\n%.*s", i, (int)a.length, a.text, (int)b.length, b.text);
	}
}

static void key_order(void **state)
{
	const struct sb_security_keys one = keys_of(1, 2, 3), other = keys_of(1, 3, 2);
	struct sb_security a, b;

	make_with(DEVICE KEY GRANTS, &one, &a);
	make_with(DEVICE KEY GRANTS, &other, &b);
	assert_memory_equal(a.hash, b.hash, sizeof(a.hash));
}

/* Each of these differs from every other one. */
static const char *const different[] = {
	DEVICE KEY NTP,
	DEVICE KEY NTP ARP,
	DEVICE KEY "[enforce]\nexceptions = none\n",
	DEVICE KEY NTP "[enforce]\nmode = off\n",
	DEVICE KEY NTP "[enforce]\nmode = enforce\n",
	DEVICE KEY NTP "[enforce]\nmode = enforce\nlock = yes\n",
	DEVICE KEY "pcrs = 4\n" NTP,
	DEVICE KEY "cap_pcr = 15\n" NTP,
	DEVICE KEY "allow_virtual_tpm = yes\n" NTP,
	DEVICE KEY "late_keys = yes\n" NTP,
	DEVICE "[key]\nrelease_key = /k\nfleet = plant-8\n" NTP,
	DEVICE KEY NTP GRANTS,
	DEVICE KEY NTP "[peers]\ngrants = /g\ngrant_keys = /a.pem, /b.pem\nthreshold = 2\n",
	DEVICE KEY NTP "[peers]\ngrants = /g\ngrant_keys = /a.pem\nthreshold = 1\n",
	DEVICE KEY NTP "dir = in\n", DEVICE KEY NTP "dir = out\n",
	DEVICE KEY NTP "interface = eth0\n", DEVICE KEY NTP "interface = eth1\n", DEVICE KEY NTP "interface = *\n",
	DEVICE KEY NTP "local_port = 123\n", DEVICE KEY NTP "rate = 99\n", DEVICE KEY NTP "bytes = 1K\n",
	DEVICE KEY "[exception ntq]\nkind = match\nproto = udp\nremote = 192.0.2.0/24\nremote_port = 123\n",
	DEVICE KEY "[exception ntp]\nkind = match\nproto = tcp\nremote = 192.0.2.0/24\nremote_port = 123\n",
	DEVICE KEY "[exception ntp]\nkind = match\nproto = udp\nremote = 192.0.2.0/25\nremote_port = 123\n",
	DEVICE KEY "[exception ntp]\nkind = match\nproto = udp\nremote = 192.0.3.0/24\nremote_port = 123\n",
	DEVICE KEY "[exception ntp]\nkind = match\nproto = udp\nremote = 2001:db8::/24\nremote_port = 123\n",
	DEVICE KEY "[exception ntp]\nkind = match\nproto = udp\nremote_port = 123\n",
	DEVICE KEY "[exception ntp]\nkind = match\nproto = udp\nremote = 192.0.2.0/24\n",
	DEVICE KEY "[exception ntp]\nkind = arp\n", DEVICE KEY "[exception ntp]\nkind = nd\n",
};

static void each_field_counts(void **state)
{
	static struct sb_security made[SB_ARRAY_SIZE(different)];

	for (size_t i = 0; i < SB_ARRAY_SIZE(different); i++) {
		make(different[i], &made[i]);
		for (size_t j = 0; j < i; j++)
			if (memcmp(made[i].hash, made[j].hash, 32) == 0)
				fail_msg("the same hash:\n%s\nand\n%s", different[i], different[j]);
	}
}

static void each_key_counts(void **state)
{
	const struct sb_security_keys base = keys_of(1, 2, 3), release = keys_of(9, 2, 3), grant = keys_of(1, 2, 9);
	struct sb_security a, b, c;

	make_with(DEVICE KEY GRANTS, &base, &a);
	make_with(DEVICE KEY GRANTS, &release, &b);
	make_with(DEVICE KEY GRANTS, &grant, &c);
	assert_memory_not_equal(a.hash, b.hash, 32);
	assert_memory_not_equal(a.hash, c.hash, 32);
}

/* What the kernel is handed has the record's order. */
static void ordered(void **state)
{
	static const char text[] = DEVICE KEY NTP ARP;
	struct sb_config config;

	assert_int_equal(sb_config_parse("c", text, strlen(text), &config, NULL), 0);
	assert_string_equal(config.exceptions[0].name, "ntp");
	sb_security_order(&config);
	assert_string_equal(config.exceptions[0].name, "arp");
	assert_string_equal(config.exceptions[1].name, "ntp");
}

/* Every list at its longest, every value at its widest. */
static void longest(void **state)
{
	static struct sb_config config;
	static struct sb_security made;
	const struct sb_security_keys keys = keys_of(0xff, 0xfe, 0xfd);

	memset(config.fleet, 'f', sizeof(config.fleet) - 1);
	config.pcrs = 0xffffff;
	config.cap_pcr = 22;
	config.mode = SEALBOND_MODE_ENFORCE;
	config.grants[0] = '/';
	config.grant_keys_count = config.threshold = SB_GRANT_KEYS_MAX;
	config.exceptions_count = SB_EXCEPTIONS_MAX;
	for (size_t i = 0; i < SB_EXCEPTIONS_MAX; i++) {
		struct sb_exception *e = &config.exceptions[i];

		memset(e->name, 'n', sizeof(e->name) - 1);
		e->name[0] = (char)('0' + i);
		e->kind = SEALBOND_EXC_MATCH;
		memset(e->interface, 'i', sizeof(e->interface) - 1);
		e->proto = 255;
		e->remote = (struct sb_prefix){ .family = AF_INET6, .length = 128 };
		memset(e->remote.address, 0xff, 16);
		e->local_port = e->remote_port = 65535;
		e->rate = 1000000;
		e->bytes = 1 << 30;
	}
	sb_security_make(&config, &keys, &made);
	assert_true(made.length > 15000 && made.length < sizeof(made.text));
}

static void key_files(void **state)
{
	static const char text[] = DEVICE "[key]\nrelease_key = /nowhere/at-all/release.pub.pem\nfleet = x\n";
	struct sb_security_keys keys;
	struct sb_config config;
	struct sb_error error;

	assert_int_equal(sb_config_parse("c", text, strlen(text), &config, NULL), 0);
	assert_int_equal(sb_security_load_keys(&config, NULL, &keys, &error), -ENOENT);
	assert_string_equal(error.text, "release_key /nowhere/at-all/release.pub.pem: No such file or directory");
	assert_int_equal(sb_security_load_point("LICENSE", "release_key", keys.release, &error), -EINVAL);
	assert_string_equal(error.text, "release_key LICENSE: not a P-256 public key in PEM");
}

static void key_file_beside(void **state)
{
	static const char text[] = DEVICE "[key]\nrelease_key = /nowhere/at-all/release.pub.pem\nfleet = x\n";
	static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
		"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n"
		"6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n-----END PUBLIC KEY-----\n";
	char directory[] = "/tmp/security-XXXXXX", path[64], conf[64];
	struct sb_security_keys keys;
	struct sb_config config;
	struct sb_error error;
	FILE *file;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/release.pub.pem", directory);
	snprintf(conf, sizeof(conf), "%s/sealbond.conf", directory);
	file = fopen(path, "w");
	fputs(pem, file);
	fclose(file);
	assert_int_equal(sb_config_parse("c", text, strlen(text), &config, NULL), 0);
	if (sb_security_load_keys(&config, conf, &keys, &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(keys.release[0], 0x6b);	/* of P-256's generator, SEC 2 */
	assert_int_equal(keys.release[63], 0xf5);
	unlink(path);
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_text),
		cmocka_unit_test(same_meaning),
		cmocka_unit_test(key_order),
		cmocka_unit_test(each_field_counts),
		cmocka_unit_test(each_key_counts),
		cmocka_unit_test(ordered),
		cmocka_unit_test(longest),
		cmocka_unit_test(key_files),
		cmocka_unit_test(key_file_beside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
