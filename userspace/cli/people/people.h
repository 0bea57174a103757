/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the subcommands of people share: members, owners, enrollers, zones. They say something to a ledger with a
 * key of their own, and read it back with its proof. docs/ledger-people.md.
 */
#ifndef SB_CLI_PEOPLE_H
#define SB_CLI_PEOPLE_H

#include <limits.h>

#include "cli/cli.h"
#include "owner/key_file.h"
#include "state/codes.h"
#include "state/message.h"
#include "state/reader.h"
#include "state/run.h"

#define CLI_LEDGER_PATH		"/etc/sealbond/ledger.conf"
#define CLI_ARGUMENTS_MAX	4096

/* One file each. */
int cli_init(struct sb_cli *cli, int argc, char **argv);
int cli_ledger(struct sb_cli *cli, int argc, char **argv);
int cli_member(struct sb_cli *cli, int argc, char **argv);
int cli_owner(struct sb_cli *cli, int argc, char **argv);
int cli_enroller(struct sb_cli *cli, int argc, char **argv);
int cli_device(struct sb_cli *cli, int argc, char **argv);
int cli_zone(struct sb_cli *cli, int argc, char **argv);
int cli_profile(struct sb_cli *cli, int argc, char **argv);
int cli_reference(struct sb_cli *cli, int argc, char **argv);
int cli_incident(struct sb_cli *cli, int argc, char **argv);
int cli_cluster(struct sb_cli *cli, int argc, char **argv);
int cli_ledger_or_export(struct sb_cli *cli, int argc, char **argv);	/* cluster.c */

/* ---- the ledger, over the light client; tests have one in memory */

/* Proven: what the ledger has at this key, or that it has nothing. Owns value. */
struct cli_record {
	bool there;
	uint8_t *value;
	size_t length;
	int64_t height, time;	/* of the block behind which that holds */
};

struct cli_taken {
	uint32_t code;		/* enum sb_tx_code */
	char log[SB_TX_LOG_MAX];
	int64_t height;		/* 0: refused before any block */
	bool proven;
	uint8_t hash[32];	/* of the transaction */
};

/* A header that is proven. */
struct cli_header {
	int64_t height, seconds;
	int32_t nanos;
	uint8_t hash[32];
};

/* What an endpoint says; nothing of it is proven. Owns value. */
struct cli_answer {
	uint32_t code;
	char log[SB_TX_LOG_MAX];
	uint8_t *value;
	size_t length;
};

struct cli_ledger {
	char chain[64];			/* of the ledger: what is signed for it has that in it */
	char network[64];		/* of its headers: the same, until it has gone on as another chain */
	void *context;
	/* 0, or a negative errno with a sentence; outputs are untouched then. */
	int (*read)(void *context, const void *key, size_t key_length, struct cli_record *record, struct sb_error *error);
	/* RecordsRequest to RecordsAnswer, not proven; to be freed */
	int (*page)(void *context, const void *question, size_t length, uint8_t **page, size_t *page_length,
		    struct sb_error *error);
	int (*submit)(void *context, const void *tx, size_t length, struct cli_taken *taken, struct sb_error *error);
	/* At a height; 0: the latest that this process knows. */
	int (*header)(void *context, int64_t height, struct cli_header *header, struct sb_error *error);
	/* Of one endpoint, by its number, or of the best (-1). -ENOENT: there are not so many. */
	int (*ask)(void *context, int endpoint, const char *path, const void *data, size_t length,
		   struct cli_answer *answer, struct sb_error *error);
	void (*status)(void *context, struct sb_cli *cli);	/* endpoints, trust: lines, or members of what is open */
	void (*close)(void *context);
};

/* ledger_light.c: by its description; 0 or the exit code. */
int cli_ledger_open(struct sb_cli *cli, const char *path, struct cli_ledger *ledger);
void cli_ledger_close(struct cli_ledger *ledger);

/*
 * The chain that a description names, as a succession: its endpoints have said what its first block is, all that answer
 * the same one, which its own validators have signed. Where the description has a trust_hash it is that one.
 */
struct cli_beginning {
	char network[64], url[8][201];
	size_t urls, agree;		/* endpoints, and how many have answered */
	int64_t height;
	uint8_t hash[32];
};
int cli_ledger_beginning(struct sb_cli *cli, const char *path, struct cli_beginning *beginning);

/* ---- options: people.c */

/* What every subcommand takes, beside its own. */
struct cli_people {
	struct sb_cli *cli;
	const char *usage;
	const char *ledger_file, *key_file, *passphrase_file;
	bool dry_run;
	bool quiet;			/* what is taken is not said: a command of many transactions says it at the end */
	char *keep;			/* a passphrase that is asked for goes here, too, SB_PASSPHRASE_MAX bytes; or NULL */
	struct cli_ledger ledger;
	bool open;
	const char *argument[CLI_ARGUMENTS_MAX];	/* what is no option, in its order */
	size_t arguments;
	uint8_t said[32];		/* the hash of the last transaction that was taken, and its block */
	int64_t said_at;
};

struct cli_option {
	const char *name;	/* "--weight" */
	const char **value;	/* the next word, or */
	bool *flag;
};

/*
 * Takes argv[1...]: --ledger, --key, --passphrase-file, --dry-run, and those of the table (ended by a NULL name).
 * least, most: how many arguments there have to be. 0 or the exit code, said.
 */
int cli_people_take(struct cli_people *people, struct sb_cli *cli, const char *usage, int argc, char **argv,
		    const struct cli_option *table, size_t least, size_t most);
void cli_people_end(struct cli_people *people);

/* One of the subcommand's subcommands by its name, argv[1]. */
struct cli_verb {
	const char *name;
	int (*run)(struct sb_cli *cli, int argc, char **argv);
};
int cli_verb(struct sb_cli *cli, const char *usage, int argc, char **argv, const struct cli_verb *verbs);

/* Whole numbers, names; said where they are none. 0 or the exit code. */
int cli_people_number(struct cli_people *people, const char *option, const char *text, uint64_t most, uint64_t *value);
int cli_people_hex(struct cli_people *people, const char *what, const char *text, uint8_t *out, size_t length);

/* Opens the ledger once. 0 or the exit code. */
int cli_people_open(struct cli_people *people);

/* A device's id: all 64 digits, or 6 and more with which only one device's begins. */
int cli_people_device(struct cli_people *people, const char *text, uint8_t device[32]);

/* ---- keys: key.c */

/* The file of --key, or another: of this kind. Asks for its passphrase. To be wiped. 0 or the exit code. */
int cli_people_key(struct cli_people *people, const char *path, enum sb_key_kind kind, struct sb_key_file *file);
/* "KIND key --out FILE [--name NAME] [--passphrase]" */
int cli_people_key_new(struct sb_cli *cli, int argc, char **argv, enum sb_key_kind kind, const char *usage);
/* A passphrase for a new key, asked for twice; "" where none is wanted. */
int cli_passphrase_new(struct cli_people *people, bool wanted, char room[SB_PASSPHRASE_MAX]);

/* ---- records: records.c */

/*
 * Proven, and unpacked: *message is NULL where the ledger has none; for SB_AUTO_MESSAGE. record, where it is not
 * NULL: height and time. 0 or the exit code.
 */
int cli_people_read(struct cli_people *people, const ProtobufCMessageDescriptor *type, enum sb_record_kind kind,
		    const void *id, size_t id_length, void **message, struct cli_record *record);

/* The ledger's own, alike. */
int cli_people_parameters(struct cli_people *people, Sealbond__Parameters **parameters);

/* Each of a kind, ascending: from a list that is not proven. Stops at the first result that is not 0. */
int cli_people_each(struct cli_people *people, enum sb_record_kind kind,
		    int (*each)(struct cli_people *people, struct sb_span id, struct sb_span value, void *context),
		    void *context);
/* The same as what a subcommand prints: with --json in an array of this name, one to which each adds. Ends people. */
int cli_people_list(struct cli_people *people, const char *name, enum sb_record_kind kind,
		    int (*each)(struct cli_people *people, struct sb_span id, struct sb_span value, void *context),
		    void *context);

/* ---- saying something: send.c */

/* With this secret, at the next sequence of its account, or (--dry-run) only shown. 0 or the exit code. */
int cli_people_send(struct cli_people *people, const uint8_t secret[SB_PERSON_SECRET_LEN], const Sealbond__Body *body,
		    const char *done);
/* The same with the key of --key, of this kind; an owner's for the device it is derived for. */
int cli_people_say(struct cli_people *people, enum sb_key_kind kind, const uint8_t *device, const Sealbond__Body *body,
		   const char *done);
/* backup.c: "ledger backup", "ledger restore", "member recovery". */
int cli_ledger_backup(struct sb_cli *cli, int argc, char **argv);
int cli_ledger_restore(struct sb_cli *cli, int argc, char **argv);
/* succeed.c: "ledger close", "ledger reopen", "ledger succeed". */
int cli_succeed(struct sb_cli *cli, int argc, char **argv);
int cli_member_recovery(struct sb_cli *cli, int argc, char **argv);

/* daemon.c: the daemon beside this program, or in the path. */
void cli_daemon_find(char path[PATH_MAX]);
/* With these arguments, what it prints going to stderr or nowhere. Its exit code; 127: it cannot be run. */
int cli_daemon_run(const char *program, const char *const *arguments, bool quiet);

/* checkpoint.c: "member checkpoint"; and after something that a member has said, where one is due: quietly. */
int cli_member_checkpoint(struct sb_cli *cli, int argc, char **argv);
void cli_checkpoint_by_the_way(struct cli_people *people, const uint8_t secret[SB_PERSON_SECRET_LEN]);

/* Members' changes, as a proposal; one who decides alone decides. */
int cli_people_propose(struct cli_people *people, size_t count, Sealbond__Change *changes, const char *title);

/* The body of one action on the stack: BODY(SUSPEND, suspend, Suspend, suspend); */
#define CLI_BODY(NAME, name, Message, message) \
	Sealbond__Body body = SEALBOND__BODY__INIT; \
	Sealbond__##Message message; \
	sealbond__##name##__init(&message); \
	body.action_case = SEALBOND__BODY__ACTION_##NAME; \
	body.name = &message

#define CLI_BYTES(length, data)	((ProtobufCBinaryData){ (length), (uint8_t *)(data) })

/* A time as people read it: YYYY-MM-DDTHH:MM:SSZ; "never" for 0. */
#define CLI_TIME_ROOM	24
const char *cli_time(char room[CLI_TIME_ROOM], int64_t seconds);

#endif
