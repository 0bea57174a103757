// SPDX-License-Identifier: Apache-2.0
/*
 * sealbond zone rekey: another key for what only a zone may read, once a device that knows it is no member any more.
 * Each device that stays is told the new one, sealed to it, and gets its profile under it; then the roster changes.
 * In between nobody reads the roster who has not the key that fits, and nobody's bonds end by that. The new key follows
 * from the zone's file: after an interruption the same command goes on.
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "cli/people/zone.h"

struct rekey_member {
	const SealbondPrivate__ZoneDevice *listed;
	Sealbond__Device *record;
	const char *leaves;		/* NULL: it stays */
	bool others;			/* of another owner */
	size_t file[SB_TAGS_MAX];	/* of each tag, its place in files */
};

struct rekey {
	struct zone_work work;
	struct sb_key_file owner, files[SB_TAGS_MAX];	/* files: the first has the new key */
	size_t files_count;
	uint8_t old_key[SB_ZONE_KEY_LEN];
	struct rekey_member *member;
	size_t count, stay, leave, others, profiles, lost_profiles;
};

static void end(struct rekey *rekey)
{
	for (size_t i = 0; i < rekey->count; i++)
		sb_message_free(rekey->member[i].record);
	free(rekey->member);
	for (size_t i = 0; i < SB_TAGS_MAX; i++)
		sb_key_file_wipe(&rekey->files[i]);
	sb_key_file_wipe(&rekey->owner);
	sodium_memzero(rekey->old_key, sizeof(rekey->old_key));
	zone_end(&rekey->work);
	free(rekey);
}

/* A membership is sealed to the device: what else it is in has to be said again, from the files. */
static int find_files(struct rekey *rekey, struct rekey_member *member)
{
	const uint8_t *id = member->listed->device.data;
	const Sealbond__Membership *membership = member->record->membership;
	char hex[SB_HEX_ROOM(32)];
	bool known[SB_TAGS_MAX] = { false };
	size_t found = 0;

	for (size_t f = 0; f < rekey->files_count; f++) {
		int tag = zone_tag_of(&rekey->files[f], &rekey->work.rules[f], rekey->work.people.ledger.chain, id,
				      member->record);

		/* (The ledger has no more tags than fit; a file may be named twice.) */
		if (tag < 0 || tag >= SB_TAGS_MAX || known[tag])
			continue;
		known[tag] = true;
		member->file[tag] = f;
		found++;
	}
	if (found == membership->n_tags)
		return 0;
	return cli_fail(rekey->work.people.cli, SB_EXIT_USAGE, "%s is in %zu zones and conduits, and of %zu of them there "
			"is no file: --conduits FILE,FILE...", sb_format_hex(hex, id, 32), membership->n_tags,
			membership->n_tags - found);
}

static int plan_one(struct rekey *rekey, struct rekey_member *member)
{
	struct cli_people *people = &rekey->work.people;
	const uint8_t *id = member->listed->device.data;
	char hex[SB_HEX_ROOM(32)];
	uint8_t key[32];
	int code = cli_people_read(people, &sealbond__device__descriptor, SB_RECORD_DEVICE, id, 32, (void **)&member->record,
				   NULL);

	if (code)
		return code;
	member->leaves = zone_leaves(&rekey->work, id, member->record);
	member->others = member->record && (sb_owner_key(rekey->owner.key, people->ledger.chain, id, key) < 0 ||
					    !sb_bytes_are(member->record->owner, key, 32));
	rekey->leave += member->leaves != NULL;
	if (member->leaves || !member->record)
		return 0;
	rekey->others += member->others;
	rekey->stay += !member->others;
	if (member->others)
		return 0;
	if (member->record->box_key.len != 32)
		return cli_fail(people->cli, SB_EXIT_FAILED, "%s has told no box key that it could be sealed to",
				sb_format_hex(hex, id, 32));
	return find_files(rekey, member);
}

static int plan(struct rekey *rekey)
{
	const SealbondPrivate__ZoneContent *content = rekey->work.content;
	int code = 0;

	rekey->member = calloc(content->n_devices + 1, sizeof(*rekey->member));
	if (!rekey->member)
		return cli_fail(rekey->work.people.cli, SB_EXIT_FAILED, "out of memory");
	rekey->count = content->n_devices;
	for (size_t i = 0; i < rekey->count && code == 0; i++) {
		rekey->member[i].listed = content->devices[i];
		code = plan_one(rekey, &rekey->member[i]);
	}
	if (code == 0 && rekey->others && !rekey->work.others_later)
		code = cli_fail(rekey->work.people.cli, SB_EXIT_FAILED, "%zu devices are another owner's, who alone can "
				"tell them; with --others-later they keep their bonds until that owner does, by the new file: "
				"sealbond zone add DEVICE --zone FILE --key OWNER", rekey->others);
	return code;
}

static int say_to(struct rekey *rekey, const struct rekey_member *member, const Sealbond__Body *body)
{
	struct cli_people *people = &rekey->work.people;
	uint8_t secret[SB_PERSON_SECRET_LEN];
	int code = sb_owner_secret(rekey->owner.secret, people->ledger.chain, member->listed->device.data, secret);

	code = code < 0 ? cli_fail(people->cli, SB_EXIT_FAILED, "no key can be derived for this device") :
			  cli_people_send(people, secret, body, "");
	sodium_memzero(secret, sizeof(secret));
	return code;
}

static int tell_key(struct rekey *rekey, const struct rekey_member *member)
{
	CLI_BODY(SET_MEMBERSHIP, set_membership, SetMembership, set);
	SB_AUTO_MESSAGE Sealbond__Membership *membership = NULL;
	struct sb_tag_rules rules[SB_TAGS_MAX];
	struct sb_key_file zones[SB_TAGS_MAX];
	size_t count = member->record->membership->n_tags;
	const uint8_t *id = member->listed->device.data;
	uint8_t proof[SB_TAGS_MAX][SB_TAG_PROOF_LEN];
	int result;

	for (size_t i = 0; i < count; i++) {
		zones[i] = rekey->files[member->file[i]];
		rules[i] = rekey->work.rules[member->file[i]];
	}
	result = sb_belong_make_for(zones, rules, count, rekey->work.people.ledger.chain, id, member->record->box_key.data,
				    &membership, proof);
	sodium_memzero(zones, sizeof(zones));
	if (result < 0)
		return cli_fail(rekey->work.people.cli, SB_EXIT_FAILED, "the membership cannot be sealed to the device");
	set.device = CLI_BYTES(32, id);
	set.membership = membership;
	return say_to(rekey, member, &body);
}

/* A profile is under the key of the device's zone, its first tag. One that is under the new key was done before. */
static int tell_profile(struct rekey *rekey, const struct rekey_member *member)
{
	CLI_BODY(SET_PROFILE, set_profile, SetProfile, set);
	SealbondPrivate__ProfileContent *content = NULL;
	const Sealbond__Profile *profile = member->record->profile;
	const char *chain = rekey->work.people.ledger.chain;
	const uint8_t *id = member->listed->device.data;
	int code;

	if (!profile || member->file[0])
		return 0;
	if (sb_profile_open(rekey->old_key, chain, id, profile->sealed, &content) < 0) {
		if (sb_profile_open(rekey->files[0].zone_key, chain, id, profile->sealed, &content) < 0)
			rekey->lost_profiles++;
		sb_private_free(content);
		return 0;
	}
	content->version = profile->version + 1;
	code = sb_profile_seal(rekey->files[0].zone_key, chain, id, content, &set.sealed.data, &set.sealed.len) < 0 ?
	       cli_fail(rekey->work.people.cli, SB_EXIT_FAILED, "a profile cannot be sealed") : 0;
	set.device = CLI_BYTES(32, id);
	set.version = content->version;
	if (code == 0)
		code = say_to(rekey, member, &body);
	rekey->profiles += code == 0;
	free(set.sealed.data);
	sb_private_free(content);
	return code;
}

/* One that is frozen, and comes back one day, is in no zone until it is added again. */
static int tell_leaver(struct rekey *rekey, const struct rekey_member *member)
{
	CLI_BODY(SET_MEMBERSHIP, set_membership, SetMembership, set);

	if (!member->record || member->others || !member->record->membership ||
	    member->record->state != SEALBOND__DEVICE_STATE__FROZEN_CLONE)
		return 0;
	set.device = CLI_BYTES(32, member->listed->device.data);
	return say_to(rekey, member, &body);
}

static int tell_all(struct rekey *rekey)
{
	struct sb_cli *cli = rekey->work.people.cli;
	size_t told = 0;
	int code = 0;

	for (size_t i = 0; i < rekey->count && code == 0; i++) {
		const struct rekey_member *member = &rekey->member[i];

		if (member->leaves) {
			code = tell_leaver(rekey, member);
		} else if (!member->others) {
			code = tell_key(rekey, member);
			if (code == 0)
				code = tell_profile(rekey, member);
			if (code == 0 && !cli->json)
				printf("%zu of %zu devices have the new key\n", ++told, rekey->stay);
		}
	}
	return code;
}

static int change_roster(struct rekey *rekey)
{
	struct zone_work *work = &rekey->work;
	uint8_t (*gone)[32] = calloc(rekey->leave + 1, sizeof(*gone));
	size_t count = 0;

	if (!gone)
		return cli_fail(work->people.cli, SB_EXIT_FAILED, "out of memory");
	for (size_t i = 0; i < rekey->count; i++)
		if (rekey->member[i].leaves)
			memcpy(gone[count++], rekey->member[i].listed->device.data, 32);
	/* From here on `listed` points to what is gone. */
	for (size_t i = 0; i < count; i++)
		sb_zone_content_remove(work->content, gone[i]);
	free(gone);
	sb_zone_content_settle(work->content);
	memcpy(work->file.zone_key, rekey->files[0].zone_key, sizeof(work->file.zone_key));
	return zone_store(work, "");
}

static int write_file(struct zone_work *work)
{
	struct sb_error error = { "" };

	if (sb_key_file_write(work->path, &work->file, work->passphrase, true, &error) < 0)
		return cli_fail(work->people.cli, SB_EXIT_FAILED, "%s; the zone has its new key: run the command again when "
				"this is mended", error.text);
	return 0;
}

static void print_members(const struct rekey *rekey)
{
	struct sb_cli *cli = rekey->work.people.cli;
	char hex[SB_HEX_ROOM(32)];

	if (cli->json)
		sb_json_open(&cli->out, "devices", '[');
	for (size_t i = 0; i < rekey->count; i++) {
		const struct rekey_member *member = &rekey->member[i];
		const char *what = member->leaves ? member->leaves : member->others ? "of another owner" : "gets the new key";

		sb_format_hex(hex, member->listed->device.data, 32);
		if (!cli->json) {
			printf("%s  %s\n", hex, what);
			continue;
		}
		sb_json_open(&cli->out, NULL, '{');
		sb_json_string(&cli->out, "device", hex);
		sb_json_bool(&cli->out, "stays", !member->leaves);
		sb_json_bool(&cli->out, "others", member->others);
		sb_json_string(&cli->out, "why", member->leaves);
		sb_json_close(&cli->out, '}');
	}
	if (cli->json)
		sb_json_close(&cli->out, ']');
}

static int dry_run(const struct rekey *rekey)
{
	struct sb_cli *cli = rekey->work.people.cli;

	if (cli->json) {
		cli_json_begin(cli);
		sb_json_bool(&cli->out, "dry_run", true);
		sb_json_hex(&cli->out, "zone", rekey->work.file.zone, 16);
		print_members(rekey);
		cli_json_end(cli);
		return SB_EXIT_OK;
	}
	print_members(rekey);
	printf("Not sent (--dry-run): a new key for %zu devices; %zu leave, and %zu of other owners wait for these\n",
	       rekey->stay, rekey->leave, rekey->others);
	return SB_EXIT_OK;
}

static int report(const struct rekey *rekey)
{
	struct sb_cli *cli = rekey->work.people.cli;

	if (cli->json) {
		cli_json_begin(cli);
		sb_json_string(&cli->out, "done", "the zone has a new key");
		sb_json_hex(&cli->out, "zone", rekey->work.file.zone, 16);
		sb_json_number(&cli->out, "told", rekey->stay);
		sb_json_number(&cli->out, "left", rekey->leave);
		sb_json_number(&cli->out, "others", rekey->others);
		sb_json_number(&cli->out, "profiles", rekey->profiles);
		sb_json_number(&cli->out, "profiles_unreadable", rekey->lost_profiles);
		cli_json_end(cli);
		return SB_EXIT_OK;
	}
	printf("The zone has a new key, and so has %s; copies of it have to be replaced\n", rekey->work.path);
	if (rekey->others)
		printf("%zu devices of other owners wait for these: sealbond zone add DEVICE --zone FILE --key OWNER\n",
		       rekey->others);
	if (rekey->lost_profiles)
		printf("%zu profiles did not open with the zone's key: sealbond profile set\n", rekey->lost_profiles);
	return SB_EXIT_OK;
}

/* The ledger is ahead: this command was interrupted at its very end, or another copy of the file was used. */
static int take_over(struct zone_work *work)
{
	struct sb_cli *cli = work->people.cli;
	int code = work->people.dry_run ? 0 : write_file(work);

	if (code)
		return code;
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_string(&cli->out, "done", "the file has the zone's key now");
		sb_json_bool(&cli->out, "dry_run", work->people.dry_run);
		cli_json_end(cli);
	} else {
		printf("%s%s has the key that the zone has already; nothing else is due\n",
		       work->people.dry_run ? "Not done (--dry-run): " : "", work->path);
	}
	return SB_EXIT_OK;
}

static int run(struct rekey *rekey)
{
	struct zone_work *work = &rekey->work;
	int code = cli_people_key(&work->people, work->people.key_file, SB_KEY_OWNER, &rekey->owner);

	if (code == 0)
		code = zone_files(work, rekey->files, &rekey->files_count);
	if (code == 0)
		code = plan(rekey);
	if (code)
		return code;
	if (work->behind && !rekey->leave && !work->content->n_left)
		return take_over(work);
	if (work->people.dry_run)
		return dry_run(rekey);
	memcpy(rekey->old_key, work->file.zone_key, sizeof(rekey->old_key));
	sb_zone_key_next(&work->file, rekey->files[0].zone_key);
	work->people.quiet = true;
	code = tell_all(rekey);
	if (code == 0)
		code = change_roster(rekey);
	if (code == 0)
		code = write_file(work);
	return code ? code : report(rekey);
}

int zone_rekey(struct sb_cli *cli, int argc, char **argv)
{
	struct rekey *rekey = calloc(1, sizeof(*rekey));
	int code;

	if (!rekey)
		return cli_fail(cli, SB_EXIT_FAILED, "out of memory");
	code = zone_begin(&rekey->work, cli, argc, argv, 0);
	if (code == 0)
		code = zone_load(&rekey->work);
	if (code == 0)
		code = run(rekey);
	end(rekey);
	return code;
}
