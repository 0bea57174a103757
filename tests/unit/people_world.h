/* SPDX-License-Identifier: Apache-2.0 */
/* People's commands as they are typed, on a ledger in memory. */
#ifndef PEOPLE_WORLD_H
#define PEOPLE_WORLD_H

#include "device_world.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/people/people.h"
#include "common/file.h"
#include "enroller/credential.h"
#include "owner/belong.h"

static struct plant *plant;
static char directory[64], output[65536];
static bool lies;	/* the endpoint's lists have a device that is not there */
static int submits_left = -1;	/* how many transactions come through before the endpoint is away; -1: all */

/* ---- the ledger of this test */

static int on_read(void *context, const void *key, size_t key_length, struct cli_record *record, struct sb_error *error)
{
	const uint8_t *value;
	size_t length;

	*record = (struct cli_record){ .height = plant->ledger.height, .time = plant->ledger.time };
	if (plant->ledger.world.records.get(&plant->ledger.world, key, key_length, &value, &length) < 0)
		return 0;
	record->there = true;
	record->value = malloc(length + 1);
	record->length = length;
	memcpy(record->value, value, length);
	return 0;
}

struct listed {
	Sealbond__RecordsAnswer *answer;
	ProtobufCBinaryData after;
};

/* Two at a time, so that there are pages. */
static int list_record(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	struct listed *listed = context;
	Sealbond__RecordsAnswer *answer = listed->answer;
	size_t shorter = key_length < listed->after.len ? key_length : listed->after.len;
	int order = shorter ? memcmp(key, listed->after.data, shorter) : 0;
	Sealbond__Record *record;

	if (listed->after.len && (order < 0 || (order == 0 && key_length <= listed->after.len)))
		return 0;
	answer->more = answer->n_records == 2;
	if (answer->more)
		return 1;
	record = sb_message_new(&sealbond__record__descriptor);
	sb_bytes_set(&record->key, key, key_length);
	sb_bytes_set(&record->value, value, length);
	answer->records = realloc(answer->records, (answer->n_records + 1) * sizeof(*answer->records));
	answer->records[answer->n_records++] = record;
	return 0;
}

static int on_page(void *context, const void *question, size_t length, uint8_t **page, size_t *page_length,
		   struct sb_error *error)
{
	SB_AUTO_MESSAGE Sealbond__RecordsRequest *request =
		sb_message_read(&sealbond__records_request__descriptor, question, length);
	SB_AUTO_MESSAGE Sealbond__RecordsAnswer *answer = sb_message_new(&sealbond__records_answer__descriptor);
	struct listed listed = { answer, request->after };
	struct sb_records *records = &plant->ledger.world.records;

	assert_int_equal(request->prefix.len, 1);
	assert_true(records->each(records->context, request->prefix.data, 1, list_record, &listed) >= 0);
	if (lies && answer->n_records) {
		memset(answer->records[0]->key.data + 1, 0xff, 8);
		lies = false;
	}
	*page = sb_message_pack(answer, page_length);
	return 0;
}

static int on_submit(void *context, const void *tx, size_t length, struct cli_taken *taken, struct sb_error *error)
{
	if (!submits_left)
		return sb_fail(error, -ECONNREFUSED, "away");
	submits_left -= submits_left > 0;
	*taken = (struct cli_taken){ .code = ledger_send(&plant->ledger, tx, length), .height = plant->ledger.height,
				     .proven = true };
	SHA256(tx, length, taken->hash);
	snprintf(taken->log, sizeof(taken->log), "%s", plant->ledger.last.log);
	return 0;
}

static void on_status(void *context, struct sb_cli *cli)
{
}

int cli_ledger_open(struct sb_cli *cli, const char *path, struct cli_ledger *ledger)
{
	*ledger = (struct cli_ledger){ .read = on_read, .page = on_page, .submit = on_submit, .status = on_status };
	snprintf(ledger->chain, sizeof(ledger->chain), "%s", CHAIN);
	strcpy(ledger->network, ledger->chain);
	return 0;
}

/* ---- typing */

static int (*const commands[])(struct sb_cli *cli, int argc, char **argv) = {
	cli_ledger, cli_member, cli_owner, cli_enroller, cli_device, cli_zone, cli_profile, cli_reference, cli_incident,
};
static const char *const names[] = {
	"ledger", "member", "owner", "enroller", "device", "zone", "profile", "reference", "incident",
};

/* "@" stands for the test's directory. Returns the exit code; what was said is in output. */
static int type(const char *line, ...)
{
	static char room[64][256];
	char text[4096], *words[64], *rest = NULL, path[96];
	struct sb_cli cli = { .config_path = "/nonexistent" };
	int argc = 0, code = -1, kept[2], fd;
	size_t length = 0;
	va_list arguments;

	va_start(arguments, line);
	vsnprintf(text, sizeof(text), line, arguments);
	va_end(arguments);
	for (char *at = strtok_r(text, " ", &rest); at; at = strtok_r(NULL, " ", &rest)) {
		words[argc] = room[argc];
		snprintf(room[argc++], sizeof(room[0]), "%s%s", at[0] == '@' ? directory : "", at[0] == '@' ? at + 1 : at);
	}
	words[argc] = NULL;
	for (int i = 0, to = 0; i <= argc; i++) {
		if (words[i] && strcmp(words[i], "--json") == 0)
			cli.json = true;
		else
			words[to++] = words[i];
	}
	if (cli.json)
		argc--;
	snprintf(path, sizeof(path), "%s/output", directory);
	fflush(stdout);
	fflush(stderr);
	kept[0] = dup(1);
	kept[1] = dup(2);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	dup2(fd, 1);
	dup2(fd, 2);
	for (size_t i = 0; i < SB_ARRAY_SIZE(commands); i++)
		if (strcmp(names[i], words[0]) == 0)
			code = commands[i](&cli, argc, words);
	fflush(stdout);
	fflush(stderr);
	dup2(kept[0], 1);
	dup2(kept[1], 2);
	close(kept[0]);
	close(kept[1]);
	lseek(fd, 0, SEEK_SET);
	for (ssize_t got; (got = read(fd, output + length, sizeof(output) - 1 - length)) > 0;)
		length += (size_t)got;
	output[length] = '\0';
	close(fd);
	return code;
}

#define SAYS(words) do { \
	if (!strstr(output, words)) \
		fail_msg("\"%s\" is not in: %s", words, output); \
} while (0)

static const char *hex_of(const uint8_t id[32])
{
	static char room[8][65];
	static int turn;
	char *hex = room[turn++ % 8];

	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", id[i]);
	return hex;
}

static void write_key(const char *name, enum sb_key_kind kind, uint32_t number)
{
	struct sb_key_file file = { .kind = kind };
	struct sb_error error;
	char path[96];

	memcpy(file.secret, &number, sizeof(number));
	file.secret[31] = 1;
	assert_int_equal(sb_person_key(file.secret, file.key), 0);
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	assert_int_equal(sb_key_file_write(path, &file, NULL, true, &error), 0);
}

static void read_key(const char *name, struct sb_key_file *file)
{
	struct sb_error error;
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	assert_int_equal(sb_key_file_read(path, NULL, file, &error), 0);
}

static int set_up(void **state)
{
	Sealbond__Parameters parameters;

	if (sodium_init() < 0)
		return -1;
	strcpy(directory, "/tmp/sealbond-people.XXXXXX");
	assert_non_null(mkdtemp(directory));
	plant = calloc(1, sizeof(*plant));
	sane_parameters(&parameters);
	parameters.enrolment = SB_ENROL_ACTIVATION;
	parameters.pcrs = PCRS;
	plant_open(plant, &parameters, NULL);
	make_device(&plant->a);
	make_device(&plant->b);
	write_key("member", SB_KEY_MEMBER, 1);
	write_key("enroller", SB_KEY_ENROLLER, 10);
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	ledger_close(&plant->ledger);
	free_device(&plant->a);
	free_device(&plant->b);
	free(plant);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

/* Enrolled by its owner's derived key and proven; the owner still has to approve. */
static inline void comes(struct device *device, const char *owner)
{
	struct sb_key_file file;

	read_key(owner, &file);
	assert_int_equal(sb_owner_key(file.key, CHAIN, device->id, device->owner.key), 0);
	assert_int_equal(enrols(&plant->ledger, device), SB_TX_OK);
	assert_int_equal(challenges(&plant->ledger, &plant->enroller[1], device), SB_TX_OK);
	assert_int_equal(activates(&plant->ledger, device, &plant->enroller[1], 1), SB_TX_OK);
}

#endif
