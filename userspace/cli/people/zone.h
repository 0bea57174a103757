/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of sealbond zone, and of those who need a device's zone, too: device replace, profile. */
#ifndef SB_CLI_PEOPLE_ZONE_H
#define SB_CLI_PEOPLE_ZONE_H

#include "cli/people/people.h"
#include "owner/belong.h"

/* What a subcommand of a zone has in hand. */
struct zone_work {
	struct cli_people people;
	struct sb_key_file file;	/* with the key that opens the record, once that was read */
	char passphrase[SB_PASSPHRASE_MAX];	/* of the file; "": it has none */
	const char *path, *name, *conduits, *allow;
	bool conduit, enroller, others_later;
	bool behind;			/* the zone's key on the ledger is a later one than the file's */
	Sealbond__Zone *record;
	SealbondPrivate__ZoneContent *content;
	/* Of each of zone_files(): what it is for; and of the conduits among them, what is on the ledger. */
	struct sb_tag_rules rules[SB_TAGS_MAX];
	Sealbond__Zone *conduit_record[SB_TAGS_MAX];
	SealbondPrivate__ZoneContent *conduit_content[SB_TAGS_MAX];
};

/* Why a new key is due because of a device; NULL: it is not. @record NULL: the ledger does not know it any more. */
const char *zone_leaves(const struct zone_work *work, const uint8_t device[32], const Sealbond__Device *record);
/* Which of its tags is the zone's, of files, for these rules; -1: none. */
int zone_tag_of(const struct sb_key_file *file, const struct sb_tag_rules *rules, const char *chain,
		const uint8_t device[32], const Sealbond__Device *record);

/* Takes the words and the zone's file, and opens the ledger; 0 or the exit code. zone_end() in any case. */
int zone_begin(struct zone_work *work, struct sb_cli *cli, int argc, char **argv, size_t arguments);
void zone_end(struct zone_work *work);
/* A zone's record and what is in it; the file has the key that opens it from then on, if that is a later one (*behind). */
int zone_open(struct cli_people *people, struct sb_key_file *file, const char *path, Sealbond__Zone **record,
	      SealbondPrivate__ZoneContent **content, bool *behind);
/* The same of the zone in hand. */
int zone_load(struct zone_work *work);
/* Files of --conduits behind the first, which is the zone's, and their records. To be wiped, all of them; after zone_load(). */
int zone_files(struct zone_work *work, struct sb_key_file files[SB_TAGS_MAX], size_t *count);
/* Seals the roster into *update, to be freed; or says why not. */
int zone_seal(struct zone_work *work, Sealbond__UpdateZone *update);
/* The roster as it is now, as the zone's next version. */
int zone_store(struct zone_work *work, const char *done);

int zone_rekey(struct sb_cli *cli, int argc, char **argv);
int device_replace(struct sb_cli *cli, int argc, char **argv);

#endif
