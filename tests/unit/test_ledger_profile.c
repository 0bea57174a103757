// SPDX-License-Identifier: Apache-2.0
/* The ledger role and the profile that its device has on the ledger. */
#include "ledger_role_world.h"

#include <linux/sealbond.h>

/* As A's owner sets it; the ledger's own rules about who may are another test's. */
static void set_profile(uint32_t version, const char *mode, const char *const *exceptions, size_t count)
{
	SB_AUTO_MESSAGE Sealbond__Device *record = device_record(&world->plant.ledger, &world->plant.a);
	SealbondPrivate__ProfileContent content = SEALBOND_PRIVATE__PROFILE_CONTENT__INIT;
	const struct sb_about about = { SB_PURPOSE_PROFILE, CHAIN, world->plant.a.id, 32 };
	Sealbond__Profile profile = SEALBOND__PROFILE__INIT;
	uint8_t *text;
	size_t length;

	content.version = version;
	content.mode = (char *)(uintptr_t)mode;
	content.exceptions = (char **)(uintptr_t)exceptions;
	content.n_exceptions = count;
	text = sb_private_pack(&content, &length);
	assert_int_equal(sb_envelope_seal(world->zone_key, &about, text, length, &profile.sealed.data,
					  &profile.sealed.len), 0);
	free(text);
	profile.version = version;
	sb_message_free(record->profile);
	record->profile = &profile;
	put_record(SB_RECORD_DEVICE, world->plant.a.id, 32, record);
	record->profile = NULL;
	free(profile.sealed.data);
}

/* Mode and exceptions go to the link role, and what became of them is told; the ledger hears of what is in force. */
static void a_profile(void **state)
{
	static const char *const names[] = { "arp", "nd" }, *const own[] = { "ntp: kind=match proto=udp remote_port=123" };
	struct sb_ledger_reply reply;

	with_zone();
	assert_int_equal(world->profiles, 0);
	set_profile(1, "enforce", names, 2);
	steps(3);
	assert_int_equal(world->profiles, 1);
	assert_int_equal(world->profile.mode, SEALBOND_MODE_ENFORCE);
	assert_true(world->profile.has_exceptions);
	assert_string_equal(world->profile.exception[1], "nd");
	sb_ledger_report(world->role, &reply);
	assert_string_equal(reply.profile, "version 1, mode enforce, exceptions: in force");
	assert_int_equal(reply.profile_version, 1);
	/* A link role that was started anew is told again. */
	sb_ledger_keys_changed(world->role);
	steps(2);
	assert_int_equal(world->profiles, 2);
	/* What it does not take over is said, and not told to the ledger as in force. */
	world->locked = true;
	set_profile(2, "observe", NULL, 0);
	steps(3);
	assert_int_equal(world->profile.mode, SEALBOND_MODE_OBSERVE);
	sb_ledger_report(world->role, &reply);
	assert_string_equal(reply.profile, "version 2; not taken over: mode: locked in enforce until the reboot");
	assert_int_equal(reply.profile_version, 1);
	/* An exception of its own is none that the configuration allows. */
	world->locked = false;
	world->deaf = true;
	set_profile(3, "", own, 1);
	steps(3);
	assert_int_equal(world->profiles, 3);
	world->deaf = false;
	steps(2);
	assert_int_equal(world->profiles, 4);
	assert_false(world->profile.has_exceptions);
	sb_ledger_report(world->role, &reply);
	assert_non_null(strstr(reply.profile, "not taken over: exceptions: a profile names those of the configuration"));
}

/* Another owner's first one has the version that its old owner's had, and between the two it has none. */
static void a_profile_of_another_owner(void **state)
{
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;
	struct sb_ledger_reply reply;

	with_zone();
	set_profile(1, "observe", NULL, 0);
	steps(3);
	assert_int_equal(world->profile.mode, SEALBOND_MODE_OBSERVE);
	/* the role has not seen the record between the two */
	set_profile(1, "enforce", NULL, 0);
	steps(3);
	assert_int_equal(world->profiles, 2);
	assert_int_equal(world->profile.mode, SEALBOND_MODE_ENFORCE);
	/* it has: what is in force then is the configuration */
	record = device_record(&world->plant.ledger, &world->plant.a);
	sb_message_free(record->profile);
	record->profile = NULL;
	sb_message_free(record->membership);
	record->membership = NULL;
	put_record(SB_RECORD_DEVICE, world->plant.a.id, 32, record);
	world->deaf = true;
	steps(3);
	assert_int_equal(world->profiles, 2);
	world->deaf = false;
	steps(3);
	assert_int_equal(world->profiles, 3);
	assert_int_equal(world->profile.version, 0);
	assert_int_equal(world->profile.mode, 0);
	sb_ledger_report(world->role, &reply);
	assert_string_equal(reply.profile, "");
	assert_int_equal(reply.profile_version, 0);
	steps(3);
	assert_int_equal(world->profiles, 3);
}

int main(void)
{
#define ROLE(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		ROLE(a_profile), ROLE(a_profile_of_another_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
