// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "cli/people/people.h"
#include "state/listing.h"

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

static int read_page(struct cli_people *people, const uint8_t *page, size_t length, uint8_t *last, size_t *last_length,
		     int (*each)(struct cli_people *people, struct sb_span id, struct sb_span value, void *context),
		     void *context)
{
	struct sb_reader reader = { page, length, false };
	struct sb_span key, value;
	int result = 0;

	while (result == 0 && sb_listing_next(&reader, &key, &value)) {
		/* Ascending, or an endpoint could keep us here for ever. */
		size_t shorter = key.length < *last_length ? key.length : *last_length;
		int order = memcmp(key.data, last, shorter);

		if (key.data[0] != last[0] || order < 0 || (order == 0 && key.length <= *last_length)) {
			reader.failed = true;
			break;
		}
		memcpy(last, key.data, key.length);
		*last_length = key.length;
		result = each(people, (struct sb_span){ key.data + 1, key.length - 1 }, value, context);
	}
	return reader.failed ? cli_fail(people->cli, SB_EXIT_FAILED, "the endpoint's list of records is damaged") : result;
}

int cli_people_each(struct cli_people *people, enum sb_record_kind kind,
		    int (*each)(struct cli_people *people, struct sb_span id, struct sb_span value, void *context),
		    void *context)
{
	uint8_t last[SB_RECORD_KEY_MAX] = { (uint8_t)kind };
	struct sb_error error = { "" };
	size_t length, last_length = 1;
	int code = cli_people_open(people);

	while (code == 0) {
		sb_cleanup_free uint8_t *page = NULL;

		if (people->ledger.page(people->ledger.context, last, last_length, &page, &length, &error) < 0)
			return cli_fail(people->cli, SB_EXIT_FAILED, "%s", error.text);
		if (!length)
			break;
		code = read_page(people, page, length, last, &last_length, each, context);
	}
	return code;
}
