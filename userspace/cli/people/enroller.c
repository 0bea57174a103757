// SPDX-License-Identifier: Apache-2.0
/* sealbond enroller: who vouches that a TPM is genuine, and how its answer gets to the ledger. */
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <string.h>

#include "cli/people/people.h"
#include "cli/people/roots.h"
#include "common/file.h"
#include "enroller/credential.h"
#include "state/device.h"
#include "state/message_json.h"

#define USAGE	"enroller key --out FILE [--name NAME] [--passphrase]\n" \
		"   or: sealbond enroller list | add PUBLIC [--name NAME] [--url URL] | remove PUBLIC    --key MEMBER\n" \
		"   or: sealbond enroller dismiss DEVICE --key MEMBER\n" \
		"   or: sealbond enroller challenge DEVICE --key ENROLLER [--dry-run]\n" \
		"   or: sealbond enroller serve --key ENROLLER [--roots FILE] [--inventory FILE] [--own] [--any]\n" \
		"           [--once] [--every 2s]\n" \
		"   or: sealbond enroller import FILE --key ENROLLER [--remove] [--list ID] [--dry-run]"
#define INVENTORY_MAX	(64U << 20)
#define IMPORT_BATCH	1000	/* of one transaction */

static int key(struct sb_cli *cli, int argc, char **argv)
{
	return cli_people_key_new(cli, argc, argv, SB_KEY_ENROLLER, USAGE);
}

static int list_one(struct cli_people *people, struct sb_span id, struct sb_span value, void *context)
{
	SB_AUTO_MESSAGE Sealbond__Enroller *enroller = sb_message_read(&sealbond__enroller__descriptor, value.data, value.length);
	char hex[SB_HEX_ROOM(SB_RECORD_KEY_MAX)];

	(void)context;
	if (!enroller)
		return 0;
	if (people->cli->json)
		sb_message_to_json(&people->cli->out, NULL, enroller);
	else
		printf("%s  %s  %s\n", sb_format_hex(hex, id.data, id.length), enroller->name, enroller->url);
	return 0;
}

static int list(struct sb_cli *cli, int argc, char **argv)
{
	struct cli_people people;
	int code = cli_people_take(&people, cli, USAGE, argc, argv, NULL, 0, 0);

	return code ? code : cli_people_list(&people, "enrollers", SB_RECORD_ENROLLER, list_one, NULL);
}

static int by_vote(struct sb_cli *cli, int argc, char **argv, bool adds)
{
	Sealbond__Enroller enroller = SEALBOND__ENROLLER__INIT;
	Sealbond__Change change = SEALBOND__CHANGE__INIT;
	const char *name = NULL, *url = NULL;
	const struct cli_option table[] = { { "--name", &name, NULL }, { "--url", &url, NULL }, { NULL } };
	struct cli_people people;
	uint8_t public[32];
	int code = cli_people_take(&people, cli, USAGE, argc, argv, adds ? table : NULL, 1, 1);

	if (code == 0)
		code = cli_people_hex(&people, "public key", people.argument[0], public, 32);
	if (code)
		return code;
	if (adds) {
		enroller.key = CLI_BYTES(32, public);
		enroller.name = (char *)(name ? name : "");
		enroller.url = (char *)(url ? url : "");
		change.change_case = SEALBOND__CHANGE__CHANGE_ENROLLER;
		change.enroller = &enroller;
	} else {
		change.change_case = SEALBOND__CHANGE__CHANGE_ENROLLER_REMOVE;
		change.enroller_remove = CLI_BYTES(32, public);
	}
	code = cli_people_propose(&people, 1, &change, adds ? "an enroller" : "an enroller no more");
	cli_people_end(&people);
	return code;
}

static int add(struct sb_cli *cli, int argc, char **argv)
{
	return by_vote(cli, argc, argv, true);
}

static int remove_one(struct sb_cli *cli, int argc, char **argv)
{
	return by_vote(cli, argc, argv, false);
}

/* What waits for its proof and should not: the members decide, or one enroller could keep everybody out. */
static int dismiss(struct sb_cli *cli, int argc, char **argv)
{
	Sealbond__Change change = SEALBOND__CHANGE__INIT;
	struct cli_people people;
	uint8_t device[32];
	int code = cli_people_take(&people, cli, USAGE, argc, argv, NULL, 1, 1);

	if (code == 0)
		code = cli_people_hex(&people, "device", people.argument[0], device, 32);
	if (code)
		return code;
	change.change_case = SEALBOND__CHANGE__CHANGE_DISMISS;
	change.dismiss = CLI_BYTES(32, device);
	code = cli_people_propose(&people, 1, &change, "an enrolment is dismissed");
	cli_people_end(&people);
	return code;
}

/* ---- challenges */

/* Makes the credential for an enrolment, and posts it with its commitment. The secret is in the TPM's hands only. */
static int answer(struct cli_people *people, const struct sb_key_file *file, const uint8_t device[32],
		  const Sealbond__Device *enrolment)
{
	CLI_BODY(CHALLENGE, challenge, Challenge, challenge);
	uint8_t secret[SB_SECRET_LEN], nonce[16], commitment[32], name[SB_TPM_NAME_MAX];
	const struct sb_span ak_name = { enrolment->ak_name.data, enrolment->ak_name.len };
	struct sb_credential credential;
	struct sb_tpm_public ek;
	struct sb_error error = { "" };
	int code;

	if (sb_tpm_public_parse(enrolment->ek_public.data, enrolment->ek_public.len, &ek) < 0 ||
	    !sb_bytes_are(enrolment->ek_name, name, sb_tpm_name(&ek, name)))
		return cli_fail(people->cli, SB_EXIT_FAILED, "the enrolment's endorsement key cannot be read");
	randombytes_buf(secret, sizeof(secret));
	randombytes_buf(nonce, sizeof(nonce));
	if (sb_credential_make(&ek, ak_name, secret, &credential, &error) < 0)
		return cli_fail(people->cli, SB_EXIT_FAILED, "%s", error.text);
	sb_challenge_commitment(people->ledger.chain, device, ak_name, file->key, nonce, secret, commitment);
	sodium_memzero(secret, sizeof(secret));
	challenge.device = CLI_BYTES(32, device);
	challenge.ak_name = enrolment->ak_name;
	challenge.nonce = CLI_BYTES(sizeof(nonce), nonce);
	challenge.commitment = CLI_BYTES(sizeof(commitment), commitment);
	challenge.credential_blob = CLI_BYTES(credential.blob_length, credential.blob);
	challenge.encrypted_secret = CLI_BYTES(credential.encrypted_length, credential.encrypted);
	code = cli_people_send(people, file->secret, &body, "challenged");
	return code;
}

struct serving {
	const struct sb_key_file *file;
	const uint8_t *inventory;	/* device ids, sorted */
	size_t known;
	const uint8_t *only;		/* this device, whatever speaks for it: a person has looked */
	const struct cli_roots *roots;	/* of this enroller */
	bool own;			/* what the ledger says of it does not count */
	bool any;
	bool once;
	size_t waiting, answered, refused;
};

static bool has_answered(const struct serving *serving, const Sealbond__Device *enrolment)
{
	for (size_t i = 0; i < enrolment->n_commitments; i++)
		if (sb_bytes_are(enrolment->commitments[i]->enroller, serving->file->key, 32))
			return true;
	return false;
}

static int compare_ids(const void *one, const void *two)
{
	return memcmp(one, two, 32);
}

/*
 * What speaks for its EK: a certificate to one of the ledger's roots, an inventory on the ledger, or our own roots and
 * inventory. @now: the proven time at which it stood so.
 */
static bool vouches(const struct serving *serving, const uint8_t device[32], const Sealbond__Device *enrolment, int64_t now)
{
	enum sb_chain_verdict verdict;

	if (serving->only)
		return memcmp(device, serving->only, 32) == 0;
	if (serving->any || (serving->known && bsearch(device, serving->inventory, serving->known, 32, compare_ids)))
		return true;
	if (!serving->own && enrolment->proven & (SB_PROVEN_EK | SB_PROVEN_IAK | SB_PROVEN_INVENTORY))
		return true;
	if (!serving->roots->count)
		return false;
	verdict = cli_roots_judge(serving->roots, enrolment, now);
	if (verdict != SB_CHAIN_OK && serving->once) {
		char hex[SB_HEX_ROOM(32)];

		fprintf(stderr, "%s: %s\n", sb_format_hex(hex, device, 32),
			enrolment->n_ek_certificates ? sb_chain_name(verdict) : "no certificate");
	}
	return verdict == SB_CHAIN_OK;
}

/* The list is not proven, and need not be: a credential for what is not there opens nothing. The record is. */
static int serve_one(struct cli_people *people, struct sb_span id, struct sb_span value, void *context)
{
	SB_AUTO_MESSAGE Sealbond__Device *enrolment = NULL;
	struct serving *serving = context;
	struct cli_record record = { 0 };
	char hex[SB_HEX_ROOM(32)];
	int code;

	(void)value;
	if (id.length < 48)
		return 0;
	code = cli_people_read(people, &sealbond__device__descriptor, SB_RECORD_ENROLMENT, id.data, 48, (void **)&enrolment,
			       &record);
	if (code || !enrolment || enrolment->state != SEALBOND__DEVICE_STATE__ENROLLING || has_answered(serving, enrolment))
		return code;
	if (serving->only && memcmp(id.data, serving->only, 32) != 0)
		return 0;
	if (!vouches(serving, id.data, enrolment, record.time)) {
		serving->waiting++;
		return 0;
	}
	if (!people->cli->json)
		printf("%s  ", sb_format_hex(hex, id.data, 32));
	/* One that is refused does not keep the others waiting. */
	if (answer(people, serving->file, id.data, enrolment) == SB_EXIT_OK)
		serving->answered++;
	else
		serving->refused++;
	fflush(stdout);
	return 0;
}

static int challenge(struct sb_cli *cli, int argc, char **argv)
{
	sb_cleanup(sb_key_file_wipe) struct sb_key_file file = { 0 };
	static const struct cli_roots none;
	struct serving serving = { .file = &file, .roots = &none };
	struct cli_people people;
	uint8_t device[32];
	int code = cli_people_take(&people, cli, USAGE, argc, argv, NULL, 1, 1);

	if (code == 0)
		code = cli_people_hex(&people, "device", people.argument[0], device, 32);
	if (code == 0)
		code = cli_people_key(&people, people.key_file, SB_KEY_ENROLLER, &file);
	serving.only = device;
	if (code == 0)
		code = cli_people_each(&people, SB_RECORD_ENROLMENT, serve_one, &serving);
	if (code == 0 && serving.refused)
		code = SB_EXIT_FAILED;
	else if (code == 0 && !serving.answered)
		code = cli_fail(cli, SB_EXIT_FAILED, "no enrolment of this device waits for an answer of this enroller");
	cli_people_end(&people);
	return code;
}

/* The id of a line: 1; 0 where it has nothing but a comment; -EINVAL: something else. Writes into the line. */
static int read_line(char *line, uint8_t id[32])
{
	static const char blanks[] = " \t\r";
	char *at = line + strspn(line, blanks);
	size_t digits = strcspn(at, " \t\r#");
	const char *behind = at + digits + strspn(at + digits, blanks);

	if (*behind && *behind != '#')
		return -EINVAL;
	if (!digits)
		return 0;
	at[digits] = '\0';
	return sb_parse_hex(at, id, 32) < 0 ? -EINVAL : 1;
}

/* Device ids, one a line, with comments. *ids to be freed: sorted, each once. */
static int read_inventory(struct sb_cli *cli, const char *path, uint8_t **ids, size_t *count)
{
	sb_cleanup_free uint8_t *text = NULL;
	sb_cleanup_free uint8_t *made = NULL;
	size_t length, number = 0, line = 0, found = 0, once = 0;
	int result = sb_file_read(path, INVENTORY_MAX, &text, &length);
	char *rest = (char *)text, *at;

	if (result < 0)
		return cli_fail(cli, cli_code_of(result), "%s: %s", path, strerror(-result));
	if (memchr(text, '\0', length))
		return cli_fail(cli, SB_EXIT_USAGE, "%s: it has a zero byte in it, and is no text", path);
	for (size_t i = 0; i < length; i++)
		number += text[i] == '\n';
	made = malloc((number + 1) * 32);
	if (!made)
		abort();
	while ((at = strsep(&rest, "\n"))) {
		line++;
		result = read_line(at, made + 32 * found);
		if (result < 0)
			return cli_fail(cli, SB_EXIT_USAGE, "%s:%zu: a device id has 64 hex digits, and a line one id; behind "
					"a # it may say more", path, line);
		found += (size_t)result;
	}
	qsort(made, found, 32, compare_ids);
	for (size_t i = 0; i < found; i++)
		if (!once || memcmp(made + 32 * i, made + 32 * (once - 1), 32) != 0)
			memmove(made + 32 * once++, made + 32 * i, 32);
	*ids = sb_take_ptr(made);
	*count = once;
	return 0;
}

static int wait_for(uint64_t ms)
{
	/* Ends with a signal, too. */
	return poll(NULL, 0, (int)ms);
}

static int serve(struct sb_cli *cli, int argc, char **argv)
{
	sb_cleanup(sb_key_file_wipe) struct sb_key_file file = { 0 };
	sb_cleanup_free uint8_t *inventory = NULL;
	sb_cleanup(cli_roots_free) struct cli_roots roots = { .data = NULL };
	struct serving serving = { .file = &file, .roots = &roots };
	const char *path = NULL, *every = NULL, *roots_path = NULL;
	const struct cli_option table[] = {
		{ "--inventory", &path, NULL }, { "--roots", &roots_path, NULL }, { "--every", &every, NULL },
		{ "--any", NULL, &serving.any }, { "--own", NULL, &serving.own }, { "--once", NULL, &serving.once }, { NULL },
	};
	struct cli_people people;
	uint64_t pause = 2000;
	int code = cli_people_take(&people, cli, USAGE, argc, argv, table, 0, 0);

	if (code == 0 && every && (sb_parse_duration(every, &pause) < 0 || pause < 100 || pause > 3600000))
		code = cli_fail(cli, SB_EXIT_USAGE, "--every %s: 100ms to 1h", every);
	if (code == 0 && path)
		code = read_inventory(cli, path, &inventory, &serving.known);
	if (code == 0 && roots_path)
		code = cli_roots_read(cli, roots_path, &roots);
	if (code == 0 && serving.own && !path && !roots_path)
		code = cli_fail(cli, SB_EXIT_USAGE, "--own takes this enroller's word alone: give it --roots or --inventory");
	serving.inventory = inventory;
	if (code == 0)
		code = cli_people_key(&people, people.key_file, SB_KEY_ENROLLER, &file);
	cli_catch_stop();
	while (code == 0 && !cli_stopped) {
		serving.waiting = 0;
		code = cli_people_each(&people, SB_RECORD_ENROLMENT, serve_one, &serving);
		if (serving.once)
			break;
		/* A ledger that is away comes back. */
		code = 0;
		wait_for(pause);
	}
	if (code == 0 && serving.once && !cli->json)
		printf("%zu answered, %zu refused, %zu that nothing speaks for\n", serving.answered, serving.refused,
		       serving.waiting);
	cli_people_end(&people);
	return code ? code : serving.refused && serving.once ? SB_EXIT_FAILED : SB_EXIT_OK;
}

/* ---- import */

static int import_batch(struct cli_people *people, const struct sb_key_file *file, const uint8_t list_id[16],
			const uint8_t *ids, size_t count, bool removes)
{
	CLI_BODY(IMPORT_KEYS, import_keys, ImportKeys, import);
	ProtobufCBinaryData list[IMPORT_BATCH];
	char done[64];

	for (size_t i = 0; i < count; i++)
		list[i] = CLI_BYTES(32, ids + 32 * i);
	import.list = CLI_BYTES(16, list_id);
	import.n_devices = count;
	import.devices = list;
	import.remove = removes;
	snprintf(done, sizeof(done), "%zu devices %s", count, removes ? "taken out" : "imported");
	return cli_people_send(people, file->secret, &body, done);
}

/* How many the ledger knows, of all enrollers. */
static int count_known(struct cli_people *people, uint64_t *count)
{
	SB_AUTO_MESSAGE Sealbond__Counters *counters = NULL;
	int code = cli_people_read(people, &sealbond__counters__descriptor, SB_RECORD_COUNTERS, NULL, 0, (void **)&counters,
				   NULL);

	*count = counters ? counters->known_keys : 0;
	return code;
}

/* Each enroller takes out what it has put in itself; of the others' ids, or of a wrong list, nothing goes. */
static int say_removed(struct cli_people *people, uint64_t before, size_t asked)
{
	uint64_t after;
	int code = count_known(people, &after);

	if (code == 0 && (before < after || before - after < asked))
		fprintf(stderr, "The ledger knows %llu devices fewer, not %zu: the others were not in this enroller's inventory, and "
			"may be in another's\n", (unsigned long long)(before > after ? before - after : 0), asked);
	return code;
}

static int import(struct sb_cli *cli, int argc, char **argv)
{
	sb_cleanup(sb_key_file_wipe) struct sb_key_file file = { 0 };
	sb_cleanup_free uint8_t *ids = NULL;
	bool removes = false;
	const char *list_text = NULL;
	const struct cli_option table[] = { { "--remove", NULL, &removes }, { "--list", &list_text, NULL }, { NULL } };
	struct cli_people people;
	uint8_t list_id[16];
	uint64_t before = 0;
	size_t count = 0;
	int code = cli_people_take(&people, cli, USAGE, argc, argv, table, 1, 1);

	randombytes_buf(list_id, sizeof(list_id));
	if (code == 0 && list_text)
		code = cli_people_hex(&people, "--list", list_text, list_id, sizeof(list_id));
	if (code == 0)
		code = read_inventory(cli, people.argument[0], &ids, &count);
	if (code == 0)
		code = cli_people_key(&people, people.key_file, SB_KEY_ENROLLER, &file);
	if (code == 0 && !count)
		code = cli_fail(cli, SB_EXIT_USAGE, "%s has no device in it", people.argument[0]);
	if (code == 0 && removes)
		code = count_known(&people, &before);
	for (size_t at = 0; code == 0 && at < count; at += IMPORT_BATCH) {
		size_t part = count - at < IMPORT_BATCH ? count - at : IMPORT_BATCH;

		code = import_batch(&people, &file, list_id, ids + 32 * at, part, removes);
		if (code == 0 && !cli->json && !people.dry_run)
			fprintf(stderr, "%zu of %zu\n", at + part, count);
	}
	if (code == 0 && removes && !cli->json && !people.dry_run)
		code = say_removed(&people, before, count);
	cli_people_end(&people);
	return code;
}

int cli_enroller(struct sb_cli *cli, int argc, char **argv)
{
	static const struct cli_verb verbs[] = {
		{ "key", key }, { "list", list }, { "add", add }, { "remove", remove_one }, { "dismiss", dismiss },
		{ "challenge", challenge }, { "serve", serve }, { "import", import }, { NULL, NULL },
	};

	return cli_verb(cli, USAGE, argc, argv, verbs);
}
