// SPDX-License-Identifier: Apache-2.0
/* Messages as JSON and back, and sentences that name the place of what is wrong. */
#include "ledger_world.h"
#include "state/genesis.h"
#include "state/message_json.h"

static const char text[] =
	"{\"parameters\": {\"enrolment\": 3, \"enrollers_needed\": 1, \"admission\": 1, \"lease\": 86400, \"beacon_age\": 600,"
	" \"pcrs\": 128, \"pcrs_allowed\": 65535, \"cap_pcr\": 14, \"overlay6\": \"fd77000000000000000000000000000040\","
	" \"devices_most\": 10, \"devices_per_block\": 1, \"enrolling_most\": 1, \"enrolling_for\": 60, \"proposals_most\": 1,"
	" \"vote_for\": 60, \"name\": \"Plant \\u00dc\", \"allow_bench\": true},"
	" \"members\": [{\"key\": \"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\", \"weight\": 1,"
	" \"name\": \"ann\"}], \"threshold\": 1}";

static void to_and_fro(void **state)
{
	struct sb_error error = { "" };
	Sealbond__Genesis *genesis = sb_genesis_from_json(text, strlen(text), &error), *again;
	struct sb_json out = { 0 };
	char *written;
	size_t length, a, b;
	uint8_t *one, *two;

	assert_string_equal(error.text, "");
	assert_non_null(genesis);
	assert_string_equal(genesis->parameters->name, "Plant \xc3\x9c");
	assert_true(genesis->parameters->allow_bench);
	assert_int_equal(sb_genesis_check(CHAIN, genesis, &error), 0);
	out.stream = open_memstream(&written, &length);
	sb_message_to_json(&out, NULL, genesis);
	fclose(out.stream);
	again = sb_genesis_from_json(written, length, &error);
	assert_non_null(again);
	one = sb_message_pack(genesis, &a);
	two = sb_message_pack(again, &b);
	assert_int_equal(a, b);
	assert_memory_equal(one, two, a);
	free(one);
	free(two);
	free(written);
	genesis->members[0]->weight = 0;
	assert_int_equal(sb_genesis_check(CHAIN, genesis, &error), -EINVAL);
	assert_non_null(strstr(error.text, "members[0].weight"));
	sb_message_free(genesis);
	sb_message_free(again);
}

static void a_body(void **state)
{
	static const char body[] = "{\"set_membership\":{\"device\":\"aa\",\"membership\":{\"tags\":[\"01\",\"02\"]}}}";
	struct sb_error error;
	Sealbond__Body *read = sb_message_from_json(&sealbond__body__descriptor, body, strlen(body), &error);
	struct sb_json out = { 0 };
	char *written;
	size_t length;

	assert_non_null(read);
	assert_int_equal(read->action_case, SEALBOND__BODY__ACTION_SET_MEMBERSHIP);
	out.stream = open_memstream(&written, &length);
	sb_message_to_json(&out, NULL, read);
	fclose(out.stream);
	assert_string_equal(written, body);
	free(written);
	sb_message_free(read);
}

static void wrong_ones(void **state)
{
	static const struct { const char *text, *says; } cases[] = {
		{ "", "no JSON" }, { "{\"threshold\":1", "no JSON" }, { "[]", "an object" }, { "{} {}", "no JSON" },
		{ "{\"treshold\":1}", "treshold: there is no such" }, { "{\"threshold\":-1}", "threshold: a whole" },
		{ "{\"threshold\":4294967296}", "threshold: a whole" }, { "{\"threshold\":\"1\"}", "threshold: a whole" },
		{ "{\"threshold\":1.5}", "threshold: a whole" }, { "{\"members\":{}}", "members: a list" },
		{ "{\"members\":[{\"key\":\"abc\"}]}", "members[0].key: bytes" },
		{ "{\"members\":[{\"weight\":1},{\"key\":\"zz\"}]}", "members[1].key: bytes" },
		{ "{\"members\":[{\"name\":5}]}", "members[0].name: a text" },
		{ "{\"parameters\":{\"allow_bench\":1}}", "parameters.allow_bench: true or false" },
		{ "{\"members\":[1]}", "members[0]: an object" },
	};
	static const char both[] = "{\"suspend\":{},\"resume\":{}}";
	struct sb_error error;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_null(sb_genesis_from_json(cases[i].text, strlen(cases[i].text), &error));
		if (!strstr(error.text, cases[i].says))
			fail_msg("%s: \"%s\"", cases[i].text, error.text);
	}
	assert_null(sb_message_from_json(&sealbond__body__descriptor, both, strlen(both), &error));
	assert_non_null(strstr(error.text, "only one"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(to_and_fro), cmocka_unit_test(a_body), cmocka_unit_test(wrong_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
