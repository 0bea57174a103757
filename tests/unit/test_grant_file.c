// SPDX-License-Identifier: Apache-2.0
/* What the tool signs is what the module takes: both sides' own code. */
#include "cmocka_all.h"

#include <endian.h>
#include <unistd.h>

#include "../../kmod/grant.h"
#include "cli/release_key.h"
#include "common/file.h"
#include "common/grant.h"
#include "common/p256.h"
#include "common/rules.h"

#define KEYS	3

static char directory[] = "/tmp/sealbond-grant-XXXXXX";
static char private_path[KEYS][64], public_path[KEYS][64];
static uint8_t chain[32], holder[32];

static int set_up(void **state)
{
	struct sb_error error;

	if (!mkdtemp(directory))
		return -1;
	for (int i = 0; i < KEYS; i++) {
		snprintf(private_path[i], sizeof(private_path[i]), "%s/%d.pem", directory, i);
		snprintf(public_path[i], sizeof(public_path[i]), "%s/%d.pub.pem", directory, i);
		if (sb_release_key_make(private_path[i], public_path[i], &error) < 0)
			return -1;
	}
	memset(chain, 1, sizeof(chain));
	memset(holder, 2, sizeof(holder));
	return 0;
}

static int tear_down(void **state)
{
	for (int i = 0; i < KEYS; i++) {
		unlink(private_path[i]);
		unlink(public_path[i]);
	}
	return rmdir(directory);
}

static void fill(struct sb_grant_file *grant)
{
	sb_grant_file_init(grant);
	memcpy(grant->body.chain_id, chain, 32);
	memcpy(grant->body.holder, holder, 32);
	memset(grant->body.device_id, 3, 32);
	memset(grant->body.key, 4, 32);
	memset(grant->body.overlay6, 5, 16);
	grant->body.duration_ms = htobe64(60000);
}

static int sign(struct sb_grant_file *grant, int key)
{
	uint8_t message[SB_GRANT_MESSAGE_LEN], point[64], signature[64], id[8];
	size_t length;
	struct sb_error error;

	length = sb_grant_file_message(grant, message);
	if (sb_key_sign(private_path[key], message, length, point, signature, &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(sb_key_verify(point, message, length, signature), 0);
	message[40] ^= 1;
	assert_int_not_equal(sb_key_verify(point, message, length, signature), 0);
	sb_grant_key_id(point, id);
	return sb_grant_file_add(grant, id, signature);
}

/* As the helper gives them to the kernel: from their files. */
static void kernel_keys(struct sb_grant_keys *keys, u8 threshold)
{
	uint8_t points[KEYS][64], *text;
	const char *why;
	size_t length;

	for (int i = 0; i < KEYS; i++) {
		assert_int_equal(sb_file_read(public_path[i], 4096, &text, &length), 0);
		assert_int_equal(sb_p256_read_pem((char *)text, length, points[i], points[i] + 32), 0);
		free(text);
	}
	assert_int_equal(sb_grant_keys_read(keys, points[0], sizeof(points), threshold, true, &why), 0);
}

static int ask_kernel(const struct sb_grant_file *file, u8 threshold)
{
	struct sb_grant_keys keys;
	uint8_t bytes[SB_GRANT_MAX];
	struct sb_grant grant;
	const char *why;

	kernel_keys(&keys, threshold);
	if (sb_grant_parse(&grant, bytes, sb_grant_file_encode(file, bytes)))
		return -EBADMSG;
	return sb_grant_check(&grant, &keys, chain, holder, &why);
}

static void the_module_takes_it(void **state)
{
	struct sb_grant_file grant;

	/* Several times: signatures are random, and their order is by key. */
	for (int round = 0; round < 20; round++) {
		fill(&grant);
		assert_int_equal(sign(&grant, round % KEYS), 0);
		assert_int_equal(ask_kernel(&grant, 1), 0);
		assert_int_equal(ask_kernel(&grant, 2), -EKEYREJECTED);
		assert_int_equal(sign(&grant, (round + 1) % KEYS), 0);
		assert_int_equal(sign(&grant, (round + 2) % KEYS), 0);
		assert_int_equal(ask_kernel(&grant, 3), 0);
		assert_int_equal(sign(&grant, 0), -EEXIST);
		grant.body.flags = SB_GRANT_F_QUARANTINE;
		assert_int_equal(ask_kernel(&grant, 1), -EKEYREJECTED);
	}
}

/* Both readers take the same files and refuse the same. */
static void both_readers_agree(void **state)
{
	struct sb_grant_file grant, read;
	uint8_t bytes[SB_GRANT_MAX];
	struct sb_grant parsed;
	size_t length;

	fill(&grant);
	sign(&grant, 0);
	sign(&grant, 1);
	length = sb_grant_file_encode(&grant, bytes);
	assert_int_equal(sb_grant_file_decode(bytes, length, &read), 0);
	assert_memory_equal(&read.body, &grant.body, sizeof(grant.body));
	assert_int_equal(read.count, 2);
	assert_int_equal(sb_grant_file_duration(&read), 60000);
	assert_true(sb_grant_file_static(&read));
	for (size_t i = 0; i < length; i++) {
		assert_int_not_equal(sb_grant_file_decode(bytes, i, &read), 0);
		for (int value = 0; value < 256; value += 51) {
			uint8_t old = bytes[i];

			bytes[i] ^= (uint8_t)value;
			assert_int_equal(sb_grant_file_decode(bytes, length, &read) == 0,
					 sb_grant_parse(&parsed, bytes, length) == 0);
			bytes[i] = old;
		}
	}
}

/* With rules, too: what is signed of them, and what the module reads. */
static void rules_are_signed(void **state)
{
	struct sb_grant_rule rules[SB_GRANT_RULES_MAX];
	struct sb_grant_file grant, read;
	uint8_t bytes[SB_GRANT_MAX];
	char text[SB_RULE_ROOM];
	struct sb_grant parsed;
	struct sb_ports ports;
	size_t length;

	fill(&grant);
	assert_int_equal(sb_parse_rules("tcp/502,udp/1000-2000:holder,icmp,47:device", rules), 4);
	assert_string_equal(sb_format_rule(text, &rules[0]), "tcp/502");
	assert_string_equal(sb_format_rule(text, &rules[1]), "udp/1000-2000:holder");
	assert_string_equal(sb_format_rule(text, &rules[3]), "47:device");
	assert_int_equal(sb_grant_file_set_rules(&grant, rules, 4), 0);
	sign(&grant, 0);
	sign(&grant, 1);
	assert_int_equal(ask_kernel(&grant, 2), 0);
	length = sb_grant_file_encode(&grant, bytes);
	assert_int_equal(length, SB_GRANT_HEAD + 4 * 8 + 2 * 72);
	assert_int_equal(sb_grant_file_decode(bytes, length, &read), 0);
	assert_memory_equal(read.rule, grant.rule, sizeof(grant.rule));
	assert_int_equal(sb_grant_parse(&parsed, bytes, length), 0);
	sb_grant_ports(&parsed, &ports);
	assert_int_equal(ports.rule[1].last, 2000);
	for (size_t i = 0; i < length; i++)
		for (int value = 1; value < 256; value += 50) {
			bytes[i] ^= (uint8_t)value;
			assert_int_equal(sb_grant_file_decode(bytes, length, &read) == 0,
					 sb_grant_parse(&parsed, bytes, length) == 0);
			bytes[i] ^= (uint8_t)value;
		}
	/* Another rule than the one that was signed; and none, which is a grant for everything. */
	grant.rule[0].first = grant.rule[0].last = htobe16(503);
	assert_int_equal(ask_kernel(&grant, 1), -EKEYREJECTED);
	assert_int_equal(sb_grant_file_set_rules(&grant, rules, 0), 0);
	assert_int_equal(ask_kernel(&grant, 1), -EKEYREJECTED);
}

static void rules_as_people_write_them(void **state)
{
	static const char *const wrong[] = {
		"", ",", "tcp/", "tcp/0", "tcp/65536", "tcp/5-", "tcp/6-5", "icmp/5", "tcp/5:both", "tcp:holder/5", "0", "256", "quic/5",
		"tcp/5,", "tcp/0x5-z",
	};
	struct sb_grant_rule rules[SB_GRANT_RULES_MAX];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (sb_parse_rules(wrong[i], rules) != -EINVAL)
			fail_msg("%s is taken", wrong[i]);
	assert_int_equal(sb_parse_rules("1,2,3,4,5,6,7,8", rules), 8);
	assert_int_equal(sb_parse_rules("1,2,3,4,5,6,7,8,9", rules), -ERANGE);
}

static void sixteen_and_no_more(void **state)
{
	uint8_t id[8] = { 0 }, signature[64] = { 0 };
	struct sb_grant_file grant;

	fill(&grant);
	for (int i = 0; i < SB_GRANT_KEYS_MAX; i++) {
		id[0] = (uint8_t)(i * 7 % 16);
		assert_int_equal(sb_grant_file_add(&grant, id, signature), 0);
		assert_int_equal(sb_grant_file_add(&grant, id, signature), -EEXIST);
	}
	id[1] = 1;
	assert_int_equal(sb_grant_file_add(&grant, id, signature), -E2BIG);
	for (int i = 0; i < SB_GRANT_KEYS_MAX; i++)
		assert_int_equal(grant.signature[i].key_id[0], i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_module_takes_it),
		cmocka_unit_test(both_readers_agree),
		cmocka_unit_test(rules_are_signed), cmocka_unit_test(rules_as_people_write_them),
		cmocka_unit_test(sixteen_and_no_more),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
