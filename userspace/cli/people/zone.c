// SPDX-License-Identifier: Apache-2.0
/*
 * sealbond zone: which devices may bond. The ledger sees an encrypted roster, and on each device a tag that tells
 * nobody outside whose it is. The zone's file has everything that opens it: who has the file is the zone.
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "cli/people/zone.h"
#include "common/rules.h"

#define USAGE	"zone key --out FILE [--name NAME] [--passphrase]\n" \
		"   or: sealbond zone create --zone FILE --key MEMBER [--enroller] [--name NAME]\n" \
		"           [--conduit [--allow tcp/502,udp/1000-2000,icmp]]\n" \
		"   or: sealbond zone show --zone FILE\n" \
		"   or: sealbond zone add DEVICE --zone FILE --key OWNER [--name NAME] [--conduits FILE,FILE...]\n" \
		"   or: sealbond zone remove DEVICE --zone FILE [--key OWNER]\n" \
		"   or: sealbond zone rekey --zone FILE --key OWNER [--conduits FILE,FILE...] [--others-later]\n" \
		"   or: sealbond zone delete --zone FILE        each with [--dry-run]"

#define KEYS_AHEAD	16	/* of the ledger's key before that of the file */

void zone_end(struct zone_work *work)
{
	cli_people_end(&work->people);
	sb_key_file_wipe(&work->file);
	sodium_memzero(work->passphrase, sizeof(work->passphrase));
	sb_message_free(work->record);
	sb_private_free(work->content);
	for (size_t i = 0; i < SB_TAGS_MAX; i++) {
		sb_message_free(work->conduit_record[i]);
		sb_private_free(work->conduit_content[i]);
	}
}

int zone_begin(struct zone_work *work, struct sb_cli *cli, int argc, char **argv, size_t arguments)
{
	const struct cli_option table[] = {
		{ "--zone", &work->path, NULL }, { "--name", &work->name, NULL }, { "--conduits", &work->conduits, NULL },
		{ "--conduit", NULL, &work->conduit }, { "--enroller", NULL, &work->enroller },
		{ "--others-later", NULL, &work->others_later }, { "--allow", &work->allow, NULL }, { NULL },
	};
	int code;

	memset(work, 0, sizeof(*work));
	code = cli_people_take(&work->people, cli, USAGE, argc, argv, table, arguments, arguments);
	if (code == 0 && !work->path)
		code = cli_usage(cli, USAGE);
	work->people.keep = work->passphrase;
	if (code == 0)
		code = cli_people_key(&work->people, work->path, SB_KEY_ZONE, &work->file);
	work->people.keep = NULL;
	return code ? code : cli_people_open(&work->people);
}

/* With the file's key, or one that came after it: then another copy of the file has been used. */
static int open_record(struct sb_key_file *file, const char *chain, const Sealbond__Zone *record,
		       SealbondPrivate__ZoneContent **content, bool *behind)
{
	uint8_t next[SB_ZONE_KEY_LEN];
	int result;

	for (int ahead = 0; ; ahead++) {
		result = sb_zone_open(file->zone, file->zone_key, chain, record->sealed, content);
		if (result == 0 || ahead == KEYS_AHEAD)
			break;
		sb_zone_key_next(file, next);
		memcpy(file->zone_key, next, sizeof(next));
		*behind = true;
	}
	sodium_memzero(next, sizeof(next));
	return result;
}

int zone_open(struct cli_people *people, struct sb_key_file *file, const char *path, Sealbond__Zone **record,
	      SealbondPrivate__ZoneContent **content, bool *behind)
{
	int code = cli_people_read(people, &sealbond__zone__descriptor, SB_RECORD_ZONE, file->zone, 16, (void **)record, NULL);

	if (code)
		return code;
	if (!*record)
		return cli_fail(people->cli, SB_EXIT_FAILED, "%s: the ledger has no such zone: sealbond zone create", path);
	if (open_record(file, people->ledger.chain, *record, content, behind) < 0)
		return cli_fail(people->cli, SB_EXIT_FAILED, "the zone's record does not open with the key in %s", path);
	return 0;
}

int zone_load(struct zone_work *work)
{
	return zone_open(&work->people, &work->file, work->path, &work->record, &work->content, &work->behind);
}

int zone_seal(struct zone_work *work, Sealbond__UpdateZone *update)
{
	struct cli_people *people = &work->people;
	int result = sb_zone_seal(work->file.zone, work->file.zone_key, people->ledger.chain, work->content,
				  &update->sealed.data, &update->sealed.len);

	if (result == -EMSGSIZE)
		return cli_fail(people->cli, SB_EXIT_FAILED, "the zone is full: %zu devices with their names are more than "
				"its record has room for; make a second zone, and a conduit between them", work->content->n_devices);
	if (result < 0)
		return cli_fail(people->cli, SB_EXIT_FAILED, "the roster cannot be sealed");
	update->zone = CLI_BYTES(16, work->file.zone);
	update->version = work->record->version + 1;
	return 0;
}

int zone_store(struct zone_work *work, const char *done)
{
	CLI_BODY(UPDATE_ZONE, update_zone, UpdateZone, update);
	int code = zone_seal(work, &update);

	if (code == 0)
		code = cli_people_send(&work->people, work->file.secret, &body, done);
	free(update.sealed.data);
	return code;
}

int zone_tag_of(const struct sb_key_file *file, const struct sb_tag_rules *rules, const char *chain,
		const uint8_t device[32], const Sealbond__Device *record)
{
	const Sealbond__Membership *membership = record->membership;
	uint8_t tag[SB_TAG_LEN];

	if (sb_tag_make_for(file->authority, chain, device, rules, tag) < 0)
		return -1;
	for (size_t i = 0; membership && i < membership->n_tags; i++)
		if (sb_bytes_are(membership->tags[i], tag, SB_TAG_LEN))
			return (int)i;
	return -1;
}

const char *zone_leaves(const struct zone_work *work, const uint8_t device[32], const Sealbond__Device *record)
{
	struct sb_tag_rules rules;

	if (!record)
		return "unknown";
	switch (record->state) {
	case SEALBOND__DEVICE_STATE__REVOKED:
		return "revoked";
	case SEALBOND__DEVICE_STATE__RETIRED:
		return "retired";
	case SEALBOND__DEVICE_STATE__FROZEN_CLONE:
		return "frozen-clone";
	default:
		return sb_zone_rules(work->content, &rules) < 0 ||
		       zone_tag_of(&work->file, &rules, work->people.ledger.chain, device, record) < 0 ? "not-a-member" : NULL;
	}
}

static int key(struct sb_cli *cli, int argc, char **argv)
{
	return cli_people_key_new(cli, argc, argv, SB_KEY_ZONE, USAGE);
}

/* For good: the tags of its devices have it in them. */
static int take_allow(struct zone_work *work)
{
	struct sb_grant_rule rule[SB_GRANT_RULES_MAX];
	struct sb_tag_rules rules;
	int count;

	if (!work->allow)
		return 0;
	if (!work->conduit)
		return cli_fail(work->people.cli, SB_EXIT_USAGE, "--allow goes with --conduit: devices of one zone say everything");
	count = sb_parse_rules(work->allow, rule);
	for (int i = 0; i < count; i++)
		/* Which end begins has no meaning between two zones that are alike. */
		if (rule[i].by != (SB_GRANT_BY_HOLDER | SB_GRANT_BY_DEVICE))
			count = -EINVAL;
	if (count < 0)
		return cli_fail(work->people.cli, SB_EXIT_USAGE, "--allow %s: allowed: 1 to 8 of PROTOCOL[/PORT[-PORT]] with "
				"commas, e.g. tcp/502,udp/1000-2000,icmp", work->allow);
	memcpy(rules.bytes, rule, sizeof(rules.bytes));
	rules.length = (size_t)count * sizeof(rule[0]);
	sb_zone_allow(work->content, &rules);
	return 0;
}

/* By a member or an enroller: an owner's key for one device would tell whose the zone is. */
static int create(struct sb_cli *cli, int argc, char **argv)
{
	CLI_BODY(CREATE_ZONE, create_zone, CreateZone, zone);
	struct zone_work work;
	int code = zone_begin(&work, cli, argc, argv, 0);

	if (code == 0) {
		work.content = sb_zone_content_new(work.name ? work.name : work.file.name);
		code = take_allow(&work);
		if (code == 0 && sb_zone_seal(work.file.zone, work.file.zone_key, work.people.ledger.chain, work.content,
					      &zone.sealed.data, &zone.sealed.len) < 0)
			code = cli_fail(cli, SB_EXIT_FAILED, "the roster cannot be sealed");
	}
	zone.zone = CLI_BYTES(16, work.file.zone);
	zone.key = CLI_BYTES(32, work.file.key);
	zone.conduit = work.conduit;
	if (code == 0)
		code = cli_people_say(&work.people, work.enroller ? SB_KEY_ENROLLER : SB_KEY_MEMBER, NULL, &body, "created");
	free(zone.sealed.data);
	zone_end(&work);
	return code;
}

/* Each device that knows the key and should not: taken out since, or no device of the zone any more. */
static int each_due(struct zone_work *work, void (*say)(struct sb_cli *cli, const uint8_t device[32], const char *why),
		    size_t *count)
{
	const SealbondPrivate__ZoneContent *content = work->content;
	int code = 0;

	for (size_t i = 0; i < content->n_left; i++, (*count)++)
		say(work->people.cli, content->left[i].data, "taken out");
	for (size_t i = 0; i < content->n_devices && code == 0; i++) {
		const uint8_t *id = content->devices[i]->device.data;
		SB_AUTO_MESSAGE Sealbond__Device *record = NULL;
		const char *why;

		code = cli_people_read(&work->people, &sealbond__device__descriptor, SB_RECORD_DEVICE, id, 32, (void **)&record,
				       NULL);
		why = code ? NULL : zone_leaves(work, id, record);
		if (why)
			say(work->people.cli, id, why);
		*count += why != NULL;
	}
	return code;
}

static void due_json(struct sb_cli *cli, const uint8_t device[32], const char *why)
{
	sb_json_open(&cli->out, NULL, '{');
	sb_json_hex(&cli->out, "device", device, 32);
	sb_json_string(&cli->out, "why", why);
	sb_json_close(&cli->out, '}');
}

static void due_line(struct sb_cli *cli, const uint8_t device[32], const char *why)
{
	char hex[SB_HEX_ROOM(32)];

	(void)cli;
	printf("A new key is due: %s knows the zone's, and is %s\n", sb_format_hex(hex, device, 32), why);
}

static void show_allowed(struct zone_work *work)
{
	struct sb_grant_rule rule[SB_GRANT_RULES_MAX];
	struct sb_cli *cli = work->people.cli;
	struct sb_tag_rules rules;
	char text[SB_RULE_ROOM];
	size_t count = 0;

	if (sb_zone_rules(work->content, &rules) == 0) {
		memcpy(rule, rules.bytes, sizeof(rule));
		count = rules.length / sizeof(rule[0]);
	}
	if (cli->json)
		sb_json_open(&cli->out, "allowed", '[');
	for (size_t i = 0; i < count; i++) {
		if (cli->json)
			sb_json_string(&cli->out, NULL, sb_format_rule(text, &rule[i]));
		else
			printf("allows %s\n", sb_format_rule(text, &rule[i]));
	}
	if (cli->json)
		sb_json_close(&cli->out, ']');
}

static int show_json(struct zone_work *work)
{
	struct sb_cli *cli = work->people.cli;
	size_t due = 0;
	int code;

	cli_json_begin(cli);
	sb_json_hex(&cli->out, "zone", work->file.zone, 16);
	sb_json_string(&cli->out, "name", work->content->name);
	sb_json_number(&cli->out, "version", work->record->version);
	sb_json_bool(&cli->out, "conduit", work->record->conduit);
	show_allowed(work);
	sb_json_open(&cli->out, "devices", '[');
	for (size_t i = 0; i < work->content->n_devices; i++) {
		sb_json_open(&cli->out, NULL, '{');
		sb_json_hex(&cli->out, "device", work->content->devices[i]->device.data, 32);
		sb_json_string(&cli->out, "name", work->content->devices[i]->name);
		sb_json_close(&cli->out, '}');
	}
	sb_json_close(&cli->out, ']');
	sb_json_open(&cli->out, "rekey", '[');
	code = each_due(work, due_json, &due);
	sb_json_close(&cli->out, ']');
	sb_json_bool(&cli->out, "rekey_due", due > 0);
	sb_json_bool(&cli->out, "file_behind", work->behind);
	cli_json_end(cli);
	return code;
}

static int show_text(struct zone_work *work)
{
	char hex[SB_HEX_ROOM(32)];
	size_t due = 0;
	int code;

	printf("%s %s: %s, version %llu\n", work->record->conduit ? "conduit" : "zone",
	       sb_format_hex(hex, work->file.zone, 16), work->content->name,
	       (unsigned long long)work->record->version);
	show_allowed(work);
	for (size_t i = 0; i < work->content->n_devices; i++)
		printf("%s  %s\n", sb_format_hex(hex, work->content->devices[i]->device.data, 32),
		       work->content->devices[i]->name);
	code = each_due(work, due_line, &due);
	if (due || work->behind)
		printf("%s: sealbond zone rekey --zone %s --key OWNER\n", due ? "Make one" :
		       "The zone's key is a newer one than the file has; take it over", work->path);
	return code;
}

static int show(struct sb_cli *cli, int argc, char **argv)
{
	struct zone_work work;
	int code = zone_begin(&work, cli, argc, argv, 0);

	if (code == 0)
		code = zone_load(&work);
	if (code == 0)
		code = cli->json ? show_json(&work) : show_text(&work);
	zone_end(&work);
	return code;
}

/* The zone's file first, then those of conduits. */
int zone_files(struct zone_work *work, struct sb_key_file files[SB_TAGS_MAX], size_t *count)
{
	struct cli_people *people = &work->people;
	char list[2048] = "", *rest = NULL;
	bool behind;
	int code = 0;

	files[0] = work->file;
	*count = 1;
	if (work->conduits && snprintf(list, sizeof(list), "%s", work->conduits) >= (int)sizeof(list))
		return cli_fail(people->cli, SB_EXIT_USAGE, "--conduits: too long");
	for (char *at = strtok_r(list, ",", &rest); at && code == 0; at = strtok_r(NULL, ",", &rest)) {
		size_t i = *count;

		if (i == SB_TAGS_MAX)
			return cli_fail(people->cli, SB_EXIT_USAGE, "a device is in one zone and 7 conduits at most");
		code = cli_people_key(people, at, SB_KEY_ZONE, &files[i]);
		if (code == 0)
			code = zone_open(people, &files[i], at, &work->conduit_record[i], &work->conduit_content[i], &behind);
		*count = i + 1;
	}
	for (size_t i = 0; i < *count && code == 0; i++)
		if (sb_zone_rules(i ? work->conduit_content[i] : work->content, &work->rules[i]) < 0)
			code = cli_fail(people->cli, SB_EXIT_FAILED, "what a conduit allows has no room in a grant");
	return code;
}

/* What is asked for; else what it is called there already, or in the zone. On loan from the content. */
static const char *name_of(const struct zone_work *work, const SealbondPrivate__ZoneContent *content, const uint8_t device[32])
{
	const SealbondPrivate__ZoneDevice *there = sb_zone_content_find(content, device);
	const SealbondPrivate__ZoneDevice *in_zone = sb_zone_content_find(work->content, device);

	if (work->name)
		return work->name;
	return there && there->name[0] ? there->name : in_zone ? in_zone->name : "";
}

/* Into the conduits' rosters in hand, each sealed: one that is full is found before anybody is told anything. */
static int put_in_conduits(struct zone_work *work, const struct sb_key_file *files, size_t count, const uint8_t device[32],
			   uint8_t (*proof)[SB_TAG_PROOF_LEN], Sealbond__UpdateZone update[SB_TAGS_MAX])
{
	for (size_t i = 1; i < count; i++) {
		SealbondPrivate__ZoneContent *content = work->conduit_content[i];

		sealbond__update_zone__init(&update[i]);
		sb_zone_content_put(content, device, name_of(work, content, device), proof[i]);
		if (sb_zone_seal(files[i].zone, files[i].zone_key, work->people.ledger.chain, content, &update[i].sealed.data,
				 &update[i].sealed.len) < 0)
			return cli_fail(work->people.cli, SB_EXIT_FAILED, "conduit \"%s\" is full, or cannot be sealed",
					content->name);
		update[i].zone = CLI_BYTES(16, files[i].zone);
		update[i].version = work->conduit_record[i]->version + 1;
	}
	return 0;
}

/* The conduits list it, too, so that the devices on their other side find it. */
static int list_in_conduits(struct zone_work *work, const struct sb_key_file *files, size_t count,
			    Sealbond__UpdateZone update[SB_TAGS_MAX])
{
	Sealbond__Body body = SEALBOND__BODY__INIT;
	int code = 0;

	body.action_case = SEALBOND__BODY__ACTION_UPDATE_ZONE;
	for (size_t i = 1; i < count && code == 0; i++) {
		body.update_zone = &update[i];
		code = cli_people_send(&work->people, files[i].secret, &body, "the conduit lists it");
	}
	return code;
}

/* Sealed to a zone that it was in, or to a key that this one had: nobody but its owner can say it again. */
static void say_profile(struct zone_work *work, const uint8_t device[32], const Sealbond__Device *record)
{
	SealbondPrivate__ProfileContent *content = NULL;
	struct cli_people *people = &work->people;

	if (!record->profile || people->cli->json || people->dry_run)
		return;
	if (sb_profile_open(work->file.zone_key, people->ledger.chain, device, record->profile->sealed, &content) < 0)
		printf("Its profile is under another key, and it cannot read it in this zone: sealbond profile set\n");
	sb_private_free(content);
}

/* Says to the device that it belongs, and lists it, so that the others find it: in this order a transaction each. */
static int assign(struct zone_work *work, const uint8_t device[32])
{
	CLI_BODY(SET_MEMBERSHIP, set_membership, SetMembership, set);
	Sealbond__UpdateZone update = SEALBOND__UPDATE_ZONE__INIT, conduit[SB_TAGS_MAX] = { 0 };
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;
	SB_AUTO_MESSAGE Sealbond__Membership *membership = NULL;
	struct sb_key_file files[SB_TAGS_MAX] = { 0 };
	struct cli_people *people = &work->people;
	uint8_t proof[SB_TAGS_MAX][SB_TAG_PROOF_LEN];
	size_t count = 0;
	int code = cli_people_read(people, &sealbond__device__descriptor, SB_RECORD_DEVICE, device, 32, (void **)&record, NULL);

	if (code == 0 && (!record || record->box_key.len != 32))
		code = cli_fail(people->cli, SB_EXIT_FAILED, "the ledger does not know this device, or its box key");
	if (code == 0)
		code = zone_files(work, files, &count);
	if (code == 0 && sb_belong_make_for(files, work->rules, count, people->ledger.chain, device, record->box_key.data,
					    &membership, proof) < 0)
		code = cli_fail(people->cli, SB_EXIT_FAILED, "the membership cannot be sealed to the device");
	set.device = CLI_BYTES(32, device);
	set.membership = membership;
	/* A zone that is full is found before anybody is told anything. */
	if (code == 0) {
		sb_zone_content_put(work->content, device, name_of(work, work->content, device), proof[0]);
		code = zone_seal(work, &update);
		free(update.sealed.data);
	}
	if (code == 0)
		code = put_in_conduits(work, files, count, device, proof, conduit);
	if (code == 0)
		code = cli_people_say(people, SB_KEY_OWNER, device, &body, "the device is told");
	if (code == 0)
		code = zone_store(work, "the zone lists it");
	if (code == 0)
		code = list_in_conduits(work, files, count, conduit);
	if (code == 0)
		say_profile(work, device, record);
	for (size_t i = 0; i < SB_TAGS_MAX; i++) {
		free(conduit[i].sealed.data);
		sb_key_file_wipe(&files[i]);
	}
	return code;
}

static int add(struct sb_cli *cli, int argc, char **argv)
{
	struct zone_work work;
	uint8_t device[32];
	int code = zone_begin(&work, cli, argc, argv, 1);

	if (code == 0)
		code = cli_people_device(&work.people, work.people.argument[0], device);
	if (code == 0)
		code = zone_load(&work);
	if (code == 0)
		code = assign(&work, device);
	zone_end(&work);
	return code;
}

static void say_removed(struct zone_work *work, const Sealbond__Device *record, bool belongs)
{
	const struct cli_people *people = &work->people;

	if (people->cli->json || people->dry_run)
		return;
	if (people->key_file && !belongs)
		printf("By its own record the device is not in it, and is told nothing\n");
	if (people->key_file && belongs && record->membership->n_tags > 1)
		printf("It was in %zu more zones and conduits, and is in none of them now: sealbond zone add DEVICE --zone FILE "
		       "--conduits FILE,FILE... --key OWNER with those that it stays in\n", record->membership->n_tags - 1);
	printf("It still knows the zone's key, and can read who is in it and where: sealbond zone rekey --zone %s --key OWNER\n",
	       work->path);
}

/* From the roster, if it is there still; with its owner's key from the device, too, where that is in this zone. */
static int take_out(struct zone_work *work, const uint8_t device[32])
{
	CLI_BODY(SET_MEMBERSHIP, set_membership, SetMembership, set);
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;
	struct cli_people *people = &work->people;
	struct sb_tag_rules rules;
	bool listed = sb_zone_content_remove(work->content, device), belongs;
	int code = cli_people_read(people, &sealbond__device__descriptor, SB_RECORD_DEVICE, device, 32, (void **)&record, NULL);

	if (code)
		return code;
	belongs = record && record->state != SEALBOND__DEVICE_STATE__REVOKED &&
		  record->state != SEALBOND__DEVICE_STATE__RETIRED && sb_zone_rules(work->content, &rules) == 0 &&
		  zone_tag_of(&work->file, &rules, people->ledger.chain, device, record) >= 0;
	if (!listed && !(belongs && people->key_file))
		return cli_fail(people->cli, SB_EXIT_FAILED, "the zone does not list this device%s", belongs ? ", which does not "
				"know that: with --key OWNER it is told" : "");
	if (listed)
		code = zone_store(work, "the zone does not list it any more");
	set.device = CLI_BYTES(32, device);
	if (code == 0 && people->key_file && belongs)
		code = cli_people_say(people, SB_KEY_OWNER, device, &body, "the device belongs nowhere");
	if (code == 0)
		say_removed(work, record, belongs);
	return code;
}

static int remove_one(struct sb_cli *cli, int argc, char **argv)
{
	struct zone_work work;
	uint8_t device[32];
	int code = zone_begin(&work, cli, argc, argv, 1);

	if (code == 0)
		code = cli_people_device(&work.people, work.people.argument[0], device);
	if (code == 0)
		code = zone_load(&work);
	if (code == 0)
		code = take_out(&work, device);
	zone_end(&work);
	return code;
}

static int delete_zone(struct sb_cli *cli, int argc, char **argv)
{
	CLI_BODY(DELETE_ZONE, delete_zone, DeleteZone, delete);
	struct zone_work work;
	int code = zone_begin(&work, cli, argc, argv, 0);

	delete.zone = CLI_BYTES(16, work.file.zone);
	if (code == 0)
		code = cli_people_send(&work.people, work.file.secret, &body, "deleted");
	zone_end(&work);
	return code;
}

int cli_zone(struct sb_cli *cli, int argc, char **argv)
{
	static const struct cli_verb verbs[] = {
		{ "key", key }, { "create", create }, { "show", show }, { "add", add }, { "remove", remove_one },
		{ "rekey", zone_rekey },
		{ "delete", delete_zone }, { NULL, NULL },
	};

	return cli_verb(cli, USAGE, argc, argv, verbs);
}
