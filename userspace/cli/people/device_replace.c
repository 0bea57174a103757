// SPDX-License-Identifier: Apache-2.0
/*
 * sealbond device replace: another device in a device's place. Its membership has tags of its own, and so it, the profile
 * and every roster are made first; then one transaction moves the role, and one for each roster lists the new device in
 * the old one's place. After an interruption the same command goes on with the rosters.
 */
#include <sodium.h>
#include <string.h>

#include "cli/people/zone.h"

#define USAGE	"device replace DEVICE --by DEVICE [--zone FILE [--conduits FILE,FILE...]] --key OWNER [--dry-run]"

struct replacing {
	struct zone_work work;
	struct sb_key_file owner, files[SB_TAGS_MAX];
	size_t count;			/* of files: the zone's, then conduits' */
	uint8_t from[32], by[32];
	Sealbond__Device *old, *new;
	bool done;			/* on the ledger; the rosters may be left */
	Sealbond__Membership *membership;
	uint8_t proof[SB_TAGS_MAX][SB_TAG_PROOF_LEN];
	ProtobufCBinaryData profile;
	Sealbond__UpdateZone update[SB_TAGS_MAX];	/* zone.len 0: it lists the new one already */
};

static void end(struct replacing *replacing)
{
	for (size_t i = 0; i < SB_TAGS_MAX; i++) {
		free(replacing->update[i].sealed.data);
		sb_key_file_wipe(&replacing->files[i]);
	}
	sb_key_file_wipe(&replacing->owner);
	sb_message_free(replacing->old);
	sb_message_free(replacing->new);
	sb_message_free(replacing->membership);
	free(replacing->profile.data);
	zone_end(&replacing->work);
	free(replacing);
}

static int load(struct replacing *replacing, const char *text, uint8_t id[32], Sealbond__Device **device)
{
	struct cli_people *people = &replacing->work.people;
	int code = cli_people_device(people, text, id);

	if (code == 0)
		code = cli_people_read(people, &sealbond__device__descriptor, SB_RECORD_DEVICE, id, 32, (void **)device, NULL);
	if (code == 0 && !*device)
		code = cli_fail(people->cli, SB_EXIT_FAILED, "%s: the ledger does not know this device", text);
	return code;
}

/* Two keys of one owner have nothing in common that the ledger could see. */
static int check_owner(struct replacing *replacing)
{
	struct cli_people *people = &replacing->work.people;
	uint8_t key[32];
	int code = cli_people_key(people, people->key_file, SB_KEY_OWNER, &replacing->owner);

	if (code == 0 && (sb_owner_key(replacing->owner.key, people->ledger.chain, replacing->by, key) < 0 ||
			  !sb_bytes_are(replacing->new->owner, key, 32)))
		code = cli_fail(people->cli, SB_EXIT_FAILED, "the device that replaces it is not this owner's: sealbond device "
				"offer and accept, first");
	return code;
}

static int begin(struct replacing *replacing, struct sb_cli *cli, int argc, char **argv)
{
	struct zone_work *work = &replacing->work;
	const char *by = NULL;
	const struct cli_option table[] = {
		{ "--by", &by, NULL }, { "--zone", &work->path, NULL }, { "--conduits", &work->conduits, NULL }, { NULL },
	};
	int code = cli_people_take(&work->people, cli, USAGE, argc, argv, table, 1, 1);

	if (code == 0 && (!by || (work->conduits && !work->path)))
		code = cli_usage(cli, USAGE);
	if (code == 0)
		code = cli_people_open(&work->people);
	if (code == 0)
		code = load(replacing, work->people.argument[0], replacing->from, &replacing->old);
	if (code == 0)
		code = load(replacing, by, replacing->by, &replacing->new);
	if (code)
		return code;
	replacing->done = replacing->old->state == SEALBOND__DEVICE_STATE__RETIRED &&
			  sb_bytes_are(replacing->old->replaced_by, replacing->by, 32);
	return check_owner(replacing);
}

/* Whether the zone's file has to be there. 0: the files are read, or there is no need of any. */
static int open_zone(struct replacing *replacing)
{
	const bool needed = replacing->old->membership || replacing->old->profile;
	struct zone_work *work = &replacing->work;
	struct sb_cli *cli = work->people.cli;
	int code;

	if (!work->path && replacing->done)
		return cli_fail(cli, SB_EXIT_FAILED, "it is replaced by this device already; what is left for the rosters is done "
				"with --zone FILE");
	if (!work->path)
		return needed ? cli_fail(cli, SB_EXIT_USAGE, "the new device's membership and profile need the key of their "
					 "zone: --zone FILE, and --conduits FILE,FILE... for those that it is in") : 0;
	if (!needed && !replacing->done)
		return cli_fail(cli, SB_EXIT_USAGE, "--zone: the device that is replaced is in no zone, and has no profile");
	code = cli_people_key(&work->people, work->path, SB_KEY_ZONE, &work->file);
	if (code == 0)
		code = zone_load(work);
	return code ? code : zone_files(work, replacing->files, &replacing->count);
}

/* How many of a device's tags are of these files; -1: one of these is of none. */
static int files_of(const struct replacing *replacing, const uint8_t id[32], const Sealbond__Device *device)
{
	bool known[SB_TAGS_MAX] = { false };
	bool all = true;
	int found = 0;

	for (size_t f = 0; f < replacing->count; f++) {
		int tag = zone_tag_of(&replacing->files[f], &replacing->work.rules[f], replacing->work.people.ledger.chain, id,
				      device);

		/* A device's zone is its first tag. */
		if (tag < 0 || tag >= SB_TAGS_MAX || known[tag] || (tag == 0) != (f == 0)) {
			all = false;
			continue;
		}
		known[tag] = true;
		found++;
	}
	return all ? found : -1;
}

/* The files are those of what the old device is in: no more, as the ledger wants it, and no less. */
static int check_files(const struct replacing *replacing)
{
	const Sealbond__Device *has_role = replacing->done ? replacing->new : replacing->old;
	const Sealbond__Membership *before = replacing->new->membership;
	struct sb_cli *cli = replacing->work.people.cli;
	int found = files_of(replacing, replacing->done ? replacing->by : replacing->from, has_role);
	size_t here = has_role->membership ? has_role->membership->n_tags : 0;

	if (found < 0)
		return cli_fail(cli, SB_EXIT_FAILED, "%s is not in the zone and in each of the conduits that are named",
				replacing->done ? "it is replaced by this device already, which" : "the device");
	if ((size_t)found != here)
		return cli_fail(cli, SB_EXIT_USAGE, "the device is in %zu zones and conduits, and of %zu of them there is no "
				"file: --conduits FILE,FILE...", here, here - (size_t)found);
	/* Its place elsewhere would go, and a roster there still list it. */
	for (size_t i = 0; !replacing->done && before && i < before->n_tags; i++) {
		bool known = false;

		for (size_t f = 0; f < replacing->count && !known; f++)
			known = zone_tag_of(&replacing->files[f], &replacing->work.rules[f],
					    replacing->work.people.ledger.chain, replacing->by, replacing->new) == (int)i;
		if (!known)
			return cli_fail(cli, SB_EXIT_FAILED, "the device that replaces it is in another zone or conduit, and would "
					"be in it no more: sealbond zone remove it there, first");
	}
	return 0;
}

/* Its version is the next of both, as the ledger counts: a device does not look twice at one. */
static int seal_profile(struct replacing *replacing)
{
	const Sealbond__Profile *old = replacing->old->profile, *before = replacing->new->profile;
	const char *chain = replacing->work.people.ledger.chain;
	const uint8_t *key = replacing->work.file.zone_key;
	SealbondPrivate__ProfileContent *content = NULL;
	int result;

	if (!old)
		return 0;
	if (sb_profile_open(key, chain, replacing->from, old->sealed, &content) < 0)
		return cli_fail(replacing->work.people.cli, SB_EXIT_FAILED, "the device's profile does not open with this zone's "
				"key: sealbond profile set it anew, first");
	content->version = (before && before->version > old->version ? before->version : old->version) + 1;
	result = sb_profile_seal(key, chain, replacing->by, content, &replacing->profile.data, &replacing->profile.len);
	sb_private_free(content);
	return result < 0 ? cli_fail(replacing->work.people.cli, SB_EXIT_FAILED, "the profile cannot be sealed") : 0;
}

/* In the old one's place, under its name. */
static int seal_roster(struct replacing *replacing, size_t f)
{
	struct zone_work *work = &replacing->work;
	SealbondPrivate__ZoneContent *content = f ? work->conduit_content[f] : work->content;
	const Sealbond__Zone *record = f ? work->conduit_record[f] : work->record;
	const SealbondPrivate__ZoneDevice *old = sb_zone_content_find(content, replacing->from);
	const SealbondPrivate__ZoneDevice *new = sb_zone_content_find(content, replacing->by);
	Sealbond__UpdateZone *update = &replacing->update[f];

	if (replacing->done && new && !old)
		return 0;
	sb_zone_content_put(content, replacing->by, old ? old->name : new ? new->name : "", replacing->proof[f]);
	sb_zone_content_remove(content, replacing->from);
	if (sb_zone_seal(replacing->files[f].zone, replacing->files[f].zone_key, work->people.ledger.chain, content,
			 &update->sealed.data, &update->sealed.len) < 0)
		return cli_fail(work->people.cli, SB_EXIT_FAILED, "\"%s\" is full, or cannot be sealed", content->name);
	update->zone = CLI_BYTES(16, replacing->files[f].zone);
	update->version = record->version + 1;
	return 0;
}

/* Everything that is to be said, before any of it is. */
static int prepare(struct replacing *replacing)
{
	const Sealbond__Device *has_role = replacing->done ? replacing->new : replacing->old;
	struct cli_people *people = &replacing->work.people;
	int code = 0;

	if (has_role->membership || replacing->done) {
		code = check_files(replacing);
		if (code == 0 && replacing->new->box_key.len != 32)
			code = cli_fail(people->cli, SB_EXIT_FAILED, "the device that replaces it has told no box key yet");
		if (code == 0 && sb_belong_make_for(replacing->files, replacing->work.rules, replacing->count, people->ledger.chain,
						    replacing->by, replacing->new->box_key.data, &replacing->membership,
						    replacing->proof) < 0)
			code = cli_fail(people->cli, SB_EXIT_FAILED, "the membership cannot be sealed to the new device");
		for (size_t f = 0; f < replacing->count && code == 0; f++)
			code = seal_roster(replacing, f);
	}
	return code || replacing->done ? code : seal_profile(replacing);
}

static int move_role(struct replacing *replacing)
{
	CLI_BODY(REPLACE, replace, Replace, replace);
	struct cli_people *people = &replacing->work.people;
	uint8_t secret[SB_PERSON_SECRET_LEN];
	int code = sb_owner_secret(replacing->owner.secret, people->ledger.chain, replacing->from, secret);

	replace.device = CLI_BYTES(32, replacing->from);
	replace.by = CLI_BYTES(32, replacing->by);
	replace.membership = replacing->membership;
	replace.profile = replacing->profile;
	code = code < 0 ? cli_fail(people->cli, SB_EXIT_FAILED, "no key can be derived for this device") :
			  cli_people_send(people, secret, &body, "replaced");
	sodium_memzero(secret, sizeof(secret));
	return code;
}

static int list_it(struct replacing *replacing)
{
	struct cli_people *people = &replacing->work.people;
	Sealbond__Body body = SEALBOND__BODY__INIT;
	int code = 0;

	body.action_case = SEALBOND__BODY__ACTION_UPDATE_ZONE;
	for (size_t f = 0; f < replacing->count && code == 0; f++) {
		body.update_zone = &replacing->update[f];
		if (replacing->update[f].zone.len)
			code = cli_people_send(people, replacing->files[f].secret, &body, f ? "the conduit lists it" :
					       "the zone lists it");
	}
	if (code && !people->cli->json)
		fprintf(stderr, "The device is replaced, but not every roster says so: the same command goes on\n");
	return code;
}

int device_replace(struct sb_cli *cli, int argc, char **argv)
{
	struct replacing *replacing = calloc(1, sizeof(*replacing));
	int code;

	if (!replacing)
		return cli_fail(cli, SB_EXIT_FAILED, "out of memory");
	for (size_t i = 0; i < SB_TAGS_MAX; i++)
		sealbond__update_zone__init(&replacing->update[i]);
	code = begin(replacing, cli, argc, argv);
	if (code == 0)
		code = open_zone(replacing);
	if (code == 0)
		code = prepare(replacing);
	if (code == 0 && !replacing->done)
		code = move_role(replacing);
	if (code == 0)
		code = list_it(replacing);
	if (code == 0 && replacing->count && !cli->json && !replacing->work.people.dry_run)
		printf("The old device still knows the keys of the zone and its conduits, and can read who is in them and where: "
		       "sealbond zone rekey\n");
	end(replacing);
	return code;
}
