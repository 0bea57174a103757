// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "cli/people/people.h"

int cli_people_read(struct cli_people *people, const ProtobufCMessageDescriptor *type, enum sb_record_kind kind,
		    const void *id, size_t id_length, void **message, struct cli_record *record)
{
	uint8_t key[SB_RECORD_KEY_MAX];
	size_t length = sb_record_key(kind, id, id_length, key);
	struct cli_record read = { 0 };
	struct sb_error error = { "" };
	int code = cli_people_open(people), result;

	*message = NULL;
	if (code)
		return code;
	result = people->ledger.read(people->ledger.context, key, length, &read, &error);
	if (result < 0)
		return cli_fail(people->cli, SB_EXIT_FAILED, "%s", error.text);
	if (read.there)
		*message = sb_message_read(type, read.value, read.length);
	code = read.there && !*message;
	free(read.value);
	read.value = NULL;
	if (code)
		return cli_fail(people->cli, SB_EXIT_FAILED, "the ledger has a record that this program does not know: use a "
				"newer one");
	if (record)
		*record = read;
	return 0;
}

/* Ascending and of this kind, or an endpoint could keep us here for ever. */
static bool goes_on(ProtobufCBinaryData key, const uint8_t *last, size_t last_length)
{
	size_t shorter = key.len < last_length ? key.len : last_length;
	int order;

	if (!key.len || key.len > SB_RECORD_KEY_MAX || key.data[0] != last[0])
		return false;
	order = memcmp(key.data, last, shorter);
	return order > 0 || (order == 0 && key.len > last_length);
}

static int ask(struct cli_people *people, const uint8_t *last, size_t last_length, Sealbond__RecordsAnswer **answer)
{
	Sealbond__RecordsRequest request = SEALBOND__RECORDS_REQUEST__INIT;
	sb_cleanup_free uint8_t *question = NULL;
	sb_cleanup_free uint8_t *page = NULL;
	struct sb_error error = { "" };
	size_t length, page_length = 0;

	request.prefix = CLI_BYTES(1, last);
	if (last_length > 1)
		request.after = CLI_BYTES(last_length, last);
	question = sb_message_pack(&request, &length);
	if (people->ledger.page(people->ledger.context, question, length, &page, &page_length, &error) < 0)
		return cli_fail(people->cli, SB_EXIT_FAILED, "%s", error.text);
	*answer = sb_message_read(&sealbond__records_answer__descriptor, page, page_length);
	return *answer ? 0 : cli_fail(people->cli, SB_EXIT_FAILED, "the endpoint's list of records cannot be read");
}

int cli_people_parameters(struct cli_people *people, Sealbond__Parameters **parameters)
{
	return cli_people_read(people, &sealbond__parameters__descriptor, SB_RECORD_PARAMETERS, NULL, 0, (void **)parameters,
			       NULL);
}

int cli_people_each(struct cli_people *people, enum sb_record_kind kind,
		    int (*each)(struct cli_people *people, struct sb_span id, struct sb_span value, void *context),
		    void *context)
{
	uint8_t last[SB_RECORD_KEY_MAX] = { (uint8_t)kind };
	size_t last_length = 1;
	bool more = false;
	int code = cli_people_open(people);

	if (code)
		return code;
	do {
		SB_AUTO_MESSAGE Sealbond__RecordsAnswer *answer = NULL;

		code = ask(people, last, last_length, &answer);
		more = code == 0 && answer->more && answer->n_records;
		for (size_t i = 0; code == 0 && i < answer->n_records; i++) {
			const Sealbond__Record *record = answer->records[i];

			if (!goes_on(record->key, last, last_length))
				return cli_fail(people->cli, SB_EXIT_FAILED, "the endpoint's list of records is damaged");
			memcpy(last, record->key.data, record->key.len);
			last_length = record->key.len;
			code = each(people, (struct sb_span){ record->key.data + 1, record->key.len - 1 },
				    (struct sb_span){ record->value.data, record->value.len }, context);
		}
	} while (code == 0 && more);
	return code;
}

int cli_people_list(struct cli_people *people, const char *name, enum sb_record_kind kind,
		    int (*each)(struct cli_people *people, struct sb_span id, struct sb_span value, void *context),
		    void *context)
{
	struct sb_cli *cli = people->cli;
	int code = cli_people_open(people);

	if (code)
		return code;
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_open(&cli->out, name, '[');
	}
	code = cli_people_each(people, kind, each, context);
	if (cli->json) {
		sb_json_close(&cli->out, ']');
		cli_json_end(cli);
	}
	cli_people_end(people);
	return code;
}
