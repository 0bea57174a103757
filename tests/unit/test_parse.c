// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <arpa/inet.h>
#include <errno.h>

#include "common/cleanup.h"
#include "common/parse.h"

struct number_case {
	const char *text;
	int result;
	uint64_t value;
};

static void check_numbers(int (*parse)(const char *text, uint64_t *value), const struct number_case *cases,
			  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t value = 0xdead;

		if (parse(cases[i].text, &value) != cases[i].result)
			fail_msg("\"%s\": not the result %d", cases[i].text, cases[i].result);
		/* Untouched on failure. */
		assert_int_equal(value, cases[i].result < 0 ? 0xdead : cases[i].value);
	}
}

static void numbers(void **state)
{
	static const struct number_case cases[] = {
		{ "0", 0, 0 }, { "18446744073709551615", 0, UINT64_MAX }, { "0x5ea1", 0, 0x5ea1 },
		{ "18446744073709551616", -ERANGE, 0 }, { "", -EINVAL, 0 }, { "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 }, { " 1", -EINVAL, 0 }, { "1 ", -EINVAL, 0 }, { "0x", -EINVAL, 0 },
		{ "0x0x1", -EINVAL, 0 }, { "0xg", -EINVAL, 0 }, { "1a", -EINVAL, 0 },
	};

	check_numbers(sb_parse_u64, cases, SB_ARRAY_SIZE(cases));
}

static void durations(void **state)
{
	static const struct number_case cases[] = {
		{ "500ms", 0, 500 }, { "120s", 0, 120000 }, { "10m", 0, 600000 }, { "10 min", 0, 600000 },
		{ "24h", 0, 86400000 }, { "7d", 0, 604800000 }, { "0s", 0, 0 }, { "5x", -EINVAL, 0 },
		{ "5", -EINVAL, 0 }, { "s", -EINVAL, 0 }, { "", -EINVAL, 0 }, { "1h30m", -EINVAL, 0 },
		{ "-1s", -EINVAL, 0 }, { "1.5s", -EINVAL, 0 }, { "99999999999999999d", -ERANGE, 0 },
		{ "99999999999999999999s", -ERANGE, 0 },
	};

	check_numbers(sb_parse_duration, cases, SB_ARRAY_SIZE(cases));
}

static void sizes(void **state)
{
	static const struct number_case cases[] = {
		{ "65536", 0, 65536 }, { "64K", 0, 65536 }, { "4G", 0, 1ULL << 32 }, { "1T", 0, 1ULL << 40 },
		{ "1k", -EINVAL, 0 }, { "1KB", -EINVAL, 0 }, { "K", -EINVAL, 0 }, { "99999999999999T", -ERANGE, 0 },
	};

	check_numbers(sb_parse_size, cases, SB_ARRAY_SIZE(cases));
}

static void hex(void **state)
{
	uint8_t out[2] = { 1, 2 };
	char text[SB_HEX_ROOM(2)];

	assert_int_equal(sb_parse_hex("a", out, 2), -EINVAL);
	assert_int_equal(sb_parse_hex("aBc", out, 2), -EINVAL);
	assert_int_equal(sb_parse_hex("aBcg", out, 2), -EINVAL);
	assert_int_equal(sb_parse_hex("aBcde", out, 2), -EINVAL);
	assert_int_equal(sb_parse_hex("aB c", out, 2), -EINVAL);
	assert_int_equal(out[0], 1);
	assert_int_equal(sb_parse_hex("aBcD", out, 2), 0);
	assert_string_equal(sb_format_hex(text, out, 2), "abcd");
}

/* RFC 4648, section 10, and what it says about pad bits. */
static void base64(void **state)
{
	static const struct {
		const char *text;
		int result;
		const char *value;
	} cases[] = {
		{ "Zg==", 0, "f" }, { "Zm8=", 0, "fo" }, { "Zm9v", 0, "foo" }, { "Zm9vYg==", 0, "foob" },
		{ "Zm9vYmE=", 0, "fooba" }, { "Zm9vYmFy", 0, "foobar" }, { "", -EINVAL, "" }, { "Zg", -EINVAL, "" },
		{ "Zg=", -EINVAL, "" }, { "Zh==", -EINVAL, "" }, { "Zm9=", -EINVAL, "" }, { "Z===", -EINVAL, "" },
		{ "====", -EINVAL, "" }, { "Zg==Zg==", -EINVAL, "" }, { "Zm9 ", -EINVAL, "" },
		{ "Zm9vYmFyZm9v", -ERANGE, "" },
	};

	for (size_t i = 0; i < SB_ARRAY_SIZE(cases); i++) {
		uint8_t out[8];
		size_t length = 99;

		if (sb_parse_base64(cases[i].text, out, 6, &length) != cases[i].result)
			fail_msg("\"%s\": not the result %d", cases[i].text, cases[i].result);
		if (cases[i].result == 0) {
			assert_int_equal(length, strlen(cases[i].value));
			assert_memory_equal(out, cases[i].value, length);
		}
	}
}

static void keys(void **state)
{
	uint8_t a[32], b[32];

	assert_int_equal(sb_parse_key("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", a), 0);
	assert_int_equal(sb_parse_key("ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8=", b), 0);
	assert_memory_equal(a, b, 32);
	assert_int_equal(sb_parse_key("ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7g==", b), -EINVAL);
	assert_int_equal(sb_parse_key("0011", b), -EINVAL);
}

static void prefixes(void **state)
{
	static const struct {
		const char *text;
		int result;
		int family, length;
	} cases[] = {
		{ "10.77.0.1/24", 0, AF_INET, 24 }, { "10.77.0.1", 0, AF_INET, 32 }, { "fd77::1/64", 0, AF_INET6, 64 },
		{ "::/0", 0, AF_INET6, 0 }, { "fd77::1", 0, AF_INET6, 128 }, { "10.77.0.1/33", -ERANGE, 0, 0 },
		{ "fd77::1/129", -ERANGE, 0, 0 }, { "10.77.0.1/", -EINVAL, 0, 0 }, { "10.77.0.1/x", -EINVAL, 0, 0 },
		{ "10.77.0.1/0x8", -EINVAL, 0, 0 }, { "10.77.1/24", -EINVAL, 0, 0 }, { "", -EINVAL, 0, 0 },
		{ "fd77::g", -EINVAL, 0, 0 }, { "fd77::1%eth0", -EINVAL, 0, 0 },
	};

	for (size_t i = 0; i < SB_ARRAY_SIZE(cases); i++) {
		struct sb_prefix prefix = { 0 };
		int result = sb_parse_prefix(cases[i].text, &prefix);

		if (result != cases[i].result)
			fail_msg("\"%s\" gave %d", cases[i].text, result);
		if (cases[i].result == 0) {
			assert_int_equal(prefix.family, cases[i].family);
			assert_int_equal(prefix.length, cases[i].length);
		}
	}
}

static void endpoints(void **state)
{
	static const char *const wrong[] = {
		"", ":1", "192.0.2.1", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:1x", "192.0.2.1:0x50", "fd00::1:7454",
		"[fd00::1]", "[fd00::1]7454", "[fd00::1:7454", "fd00::1]:7454", "[192.0.2.1]:7454", "host:7454", "[]:1", "[:1",
	};
	union sb_endpoint endpoint;
	char text[SB_ENDPOINT_ROOM];

	assert_int_equal(sb_parse_endpoint("192.0.2.1:7454", &endpoint), 0);
	assert_string_equal(sb_format_endpoint(text, &endpoint), "192.0.2.1:7454");
	assert_int_equal(sb_endpoint_length(&endpoint), sizeof(struct sockaddr_in));
	assert_int_equal(sb_parse_endpoint("[fd00::1]:65535", &endpoint), 0);
	assert_string_equal(sb_format_endpoint(text, &endpoint), "[fd00::1]:65535");
	assert_int_equal(ntohs(endpoint.in6.sin6_port), 65535);
	for (size_t i = 0; i < SB_ARRAY_SIZE(wrong); i++)
		if (sb_parse_endpoint(wrong[i], &endpoint) == 0)
			fail_msg("\"%s\" was taken", wrong[i]);
}

static void pcrs(void **state)
{
	static const char *const wrong[] = { "", ",", "4,", ",4", "4,,7", "24", "4,4", "4 7", "x", "-1", "4;7" };
	char text[SB_PCRS_ROOM];
	uint32_t mask = 0;

	assert_int_equal(sb_parse_pcrs("4, 7,9 ,11,12", &mask), 0);
	assert_int_equal(mask, 0x1a90);
	assert_string_equal(sb_format_pcrs(text, mask), "4,7,9,11,12");
	assert_string_equal(sb_format_pcrs(text, 0), "none");
	assert_string_equal(sb_format_pcrs(text, 0xffffff),
			    "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23");
	for (size_t i = 0; i < SB_ARRAY_SIZE(wrong); i++)
		if (sb_parse_pcrs(wrong[i], &mask) == 0)
			fail_msg("\"%s\" was taken", wrong[i]);
}

static void times(void **state)
{
	static const char *const wrong[] = {
		"", "2030", "2030-13-01", "2030-02-30", "2030-01-01T", "2030-01-01T10:00:00", "2030-01-01T25:00:00Z",
		"2030-01-01 10:00:00Z", "2030-01-01x",
	};
	int64_t seconds;

	assert_int_equal(sb_parse_time("1970-01-02", &seconds), 0);
	assert_int_equal(seconds, 86400);
	assert_int_equal(sb_parse_time("2100-03-01T00:00:01Z", &seconds), 0);
	assert_int_equal(seconds, 4107542401);
	for (size_t i = 0; i < SB_ARRAY_SIZE(wrong); i++)
		if (sb_parse_time(wrong[i], &seconds) == 0)
			fail_msg("\"%s\" was taken", wrong[i]);
}

static void readable(void **state)
{
	char text[SB_SHORT_ROOM];

	assert_string_equal(sb_format_duration(text, 999), "999 ms");
	assert_string_equal(sb_format_duration(text, 59999), "59 s");
	assert_string_equal(sb_format_duration(text, 125000), "2 min 5 s");
	assert_string_equal(sb_format_duration(text, 86400000), "1 d 0 h");
	assert_string_equal(sb_format_size(text, 1023), "1023 B");
	assert_string_equal(sb_format_size(text, 1536), "1.5 KiB");
	assert_non_null(sb_format_size(text, UINT64_MAX));
	assert_non_null(sb_format_duration(text, UINT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers), cmocka_unit_test(durations), cmocka_unit_test(sizes), cmocka_unit_test(hex),
		cmocka_unit_test(base64), cmocka_unit_test(keys), cmocka_unit_test(prefixes),
		cmocka_unit_test(endpoints), cmocka_unit_test(pcrs), cmocka_unit_test(times), cmocka_unit_test(readable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
