// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "cli/people/people.h"
#include "owner/transaction.h"
#include "state/message_json.h"

/* What would be said, and by whom. */
static void show(struct cli_people *people, const uint8_t key[32], uint64_t sequence, const Sealbond__Body *body,
		 size_t length)
{
	struct sb_cli *cli = people->cli;
	char hex[SB_HEX_ROOM(32)];

	if (cli->json) {
		cli_json_begin(cli);
		sb_json_bool(&cli->out, "dry_run", true);
		sb_json_hex(&cli->out, "key", key, 32);
		sb_json_number(&cli->out, "sequence", sequence);
		sb_json_number(&cli->out, "bytes", length);
		sb_message_to_json(&cli->out, "body", body);
		cli_json_end(cli);
		return;
	}
	printf("Not sent (--dry-run): %zu bytes by %s, its number %llu\n", length, sb_format_hex(hex, key, 32),
	       (unsigned long long)sequence);
	cli->out = (struct sb_json){ .stream = stdout };
	sb_message_to_json(&cli->out, NULL, body);
	putchar('\n');
}

static int report(struct cli_people *people, const struct cli_taken *taken, const char *done)
{
	struct sb_cli *cli = people->cli;

	if (taken->code != SB_TX_OK) {
		const char *log = taken->log[0] ? taken->log : sb_tx_sentence(taken->code);

		return cli_fail(cli, SB_EXIT_FAILED, "refused (%s): %s", sb_tx_name(taken->code), log);
	}
	if (people->quiet)
		return SB_EXIT_OK;
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_string(&cli->out, "done", done);
		sb_json_number(&cli->out, "height", (uint64_t)taken->height);
		sb_json_bool(&cli->out, "proven", taken->proven);
		sb_json_hex(&cli->out, "transaction", taken->hash, 32);
		cli_json_end(cli);
	} else {
		printf("%s: in block %lld%s\n", done, (long long)taken->height, taken->proven ? ", proven" :
		       ", says the endpoint");
	}
	return SB_EXIT_OK;
}

int cli_people_send(struct cli_people *people, const uint8_t secret[SB_PERSON_SECRET_LEN], const Sealbond__Body *body,
		    const char *done)
{
	SB_AUTO_MESSAGE Sealbond__Account *account = NULL;
	sb_cleanup_free uint8_t *tx = NULL;
	struct cli_taken taken = { 0 };
	struct sb_error error = { "" };
	char hex[SB_HEX_ROOM(32)];
	uint8_t key[32];
	size_t length;
	int code, result;

	if (sb_person_key(secret, key) < 0)
		return cli_fail(people->cli, SB_EXIT_FAILED, "the key's secret is none");
	code = cli_people_read(people, &sealbond__account__descriptor, SB_RECORD_ACCOUNT, key, 32, (void **)&account, NULL);
	if (code)
		return code;
	/* (who accepts a device gets its account by that) */
	if (!account && !people->dry_run && body->action_case != SEALBOND__BODY__ACTION_ACCEPT_DEVICE)
		return cli_fail(people->cli, SB_EXIT_FAILED, "%s has no account on this ledger: it is no member's, enroller's, "
				"owner's or zone's key there", sb_format_hex(hex, key, 32));
	result = sb_transaction_make(secret, people->ledger.chain, account ? account->next : 1, body, &tx, &length);
	if (result < 0)
		return cli_fail(people->cli, SB_EXIT_FAILED, "it cannot be signed: %s", strerror(-result));
	if (people->dry_run) {
		show(people, key, account ? account->next : 1, body, length);
		return SB_EXIT_OK;
	}
	if (people->ledger.submit(people->ledger.context, tx, length, &taken, &error) < 0)
		return cli_fail(people->cli, SB_EXIT_FAILED, "%s", error.text);
	memcpy(people->said, taken.hash, sizeof(people->said));
	people->said_at = taken.height;
	return report(people, &taken, done);
}

int cli_people_say(struct cli_people *people, enum sb_key_kind kind, const uint8_t *device, const Sealbond__Body *body,
		   const char *done)
{
	sb_cleanup(sb_key_file_wipe) struct sb_key_file file = { 0 };
	int code = cli_people_key(people, people->key_file, kind, &file);

	if (code == 0)
		code = cli_people_open(people);
	if (code)
		return code;
	if (device && sb_owner_secret(file.secret, people->ledger.chain, device, file.secret) < 0)
		return cli_fail(people->cli, SB_EXIT_FAILED, "no key can be derived for this device");
	code = cli_people_send(people, file.secret, body, done);
	if (code == 0 && kind == SB_KEY_MEMBER && !people->dry_run)
		cli_checkpoint_by_the_way(people, file.secret);
	return code;
}

/* A proposal has its transaction's hash for an id, and a record as long as it waits. */
static int say_what_became_of_it(struct cli_people *people)
{
	SB_AUTO_MESSAGE Sealbond__Proposal *proposal = NULL;
	char hex[SB_HEX_ROOM(32)], time[CLI_TIME_ROOM];
	struct cli_record record = { 0 };
	int code = cli_people_read(people, &sealbond__proposal__descriptor, SB_RECORD_PROPOSAL, people->said, 32,
				   (void **)&proposal, &record);

	if (code)
		return code;
	/* An endpoint that is behind knows nothing of it yet. */
	if (!proposal && record.height < people->said_at)
		puts("Whether this member's weight is enough: sealbond member proposals");
	else if (!proposal)
		puts("Decided: it is so from now on");
	else if (proposal->effective)
		printf("Decided, for %s: until then the key that it is about can say no\n", cli_time(time, proposal->effective));
	else
		printf("Not decided: it waits for other members until %s, who say: sealbond member vote %s\n",
		       cli_time(time, proposal->ends), sb_format_hex(hex, people->said, 32));
	return 0;
}

/* Whoever has the weight decides with it; else it waits for others, by its id. */
int cli_people_propose(struct cli_people *people, size_t count, Sealbond__Change *changes, const char *title)
{
	CLI_BODY(PROPOSE, propose, Propose, propose);
	Sealbond__Change *list[16];
	int code;

	if (count > SB_ARRAY_SIZE(list))
		return cli_fail(people->cli, SB_EXIT_USAGE, "a proposal has at most 16 changes");
	for (size_t i = 0; i < count; i++)
		list[i] = &changes[i];
	propose.n_changes = count;
	propose.changes = list;
	propose.title = (char *)title;
	code = cli_people_say(people, SB_KEY_MEMBER, NULL, &body, "proposed");
	return code || people->cli->json || people->dry_run ? code : say_what_became_of_it(people);
}
