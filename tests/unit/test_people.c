// SPDX-License-Identifier: Apache-2.0
/* People's commands, as they are typed, on a ledger in memory: what they do, and what they say. */
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
	static char room[4][65];
	static int turn;
	char *hex = room[turn++ % 4];

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

static void write_text(const char *name, const char *text)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	assert_int_equal(sb_file_write(path, text, strlen(text), 0600), 0);
}

static void copy_file(const char *from, const char *to)
{
	char path[96];
	uint8_t *data;
	size_t length;

	snprintf(path, sizeof(path), "%s/%s", directory, from);
	assert_int_equal(sb_file_read(path, 65536, &data, &length), 0);
	snprintf(path, sizeof(path), "%s/%s", directory, to);
	assert_int_equal(sb_file_write(path, data, length, 0600), 0);
	free(data);
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
static void comes(struct device *device, const char *owner)
{
	struct sb_key_file file;

	read_key(owner, &file);
	assert_int_equal(sb_owner_key(file.key, CHAIN, device->id, device->owner.key), 0);
	assert_int_equal(enrols(&plant->ledger, device), SB_TX_OK);
	assert_int_equal(challenges(&plant->ledger, &plant->enroller[1], device), SB_TX_OK);
	assert_int_equal(activates(&plant->ledger, device, &plant->enroller[1], 1), SB_TX_OK);
}

/* ---- */

static void an_owner_and_its_device(void **state)
{
	struct device *a = &plant->a;

	assert_int_equal(type("owner key --out @/owner --name north"), 0);
	assert_int_equal(type("owner key --out @/owner"), 1);
	SAYS("never written over");
	comes(a, "owner");
	assert_int_equal(type("owner show %s --key @/owner", hex_of(a->id)), 0);
	SAYS(hex_of(a->owner.key));
	assert_int_equal(type("device list"), 0);
	SAYS("awaiting-approval");
	SAYS("its owner has to approve it");
	/* by the first digits of its id */
	assert_int_equal(type("device approve %.8s --key @/owner", hex_of(a->id)), 0);
	SAYS("approved: in block");
	assert_int_equal(state_of(&plant->ledger, a), SEALBOND__DEVICE_STATE__LIVE);
	assert_int_equal(type("device list"), 0);
	SAYS("no heartbeat yet");
	assert_int_equal(beats(&plant->ledger, a), SB_TX_OK);
	assert_int_equal(type("device list --json"), 0);
	SAYS("\"state\":\"live\"");
	SAYS("\"lease\":true");
	SAYS("\"why_not\":null");
	assert_int_equal(type("device suspend %s --why lost --key @/owner", hex_of(a->id)), 0);
	assert_int_equal(type("device list"), 0);
	SAYS("suspended");
	SAYS("lost");
	assert_int_equal(type("device suspend %s --key @/owner", hex_of(a->id)), 1);
	SAYS("refused (state)");
	assert_int_equal(type("device resume %s --key @/owner", hex_of(a->id)), 0);
	assert_int_equal(type("device revoke %s --key @/owner", hex_of(a->id)), 0);
	assert_int_equal(type("device list"), 0);
	SAYS("no device");
	assert_int_equal(type("device list --all"), 0);
	SAYS("revoked");
}

static void a_device_changes_hands(void **state)
{
	struct device *a = &plant->a;
	char new_key[65];

	assert_int_equal(type("owner key --out @/owner"), 0);
	assert_int_equal(type("owner key --out @/other"), 0);
	comes(a, "owner");
	assert_int_equal(type("device approve %s --key @/owner", hex_of(a->id)), 0);
	assert_int_equal(type("owner show %s --key @/other", hex_of(a->id)), 0);
	snprintf(new_key, sizeof(new_key), "%.64s", output);
	assert_int_equal(type("device accept %s --key @/other", hex_of(a->id)), 1);
	SAYS("has no account");
	assert_int_equal(type("device offer %s --to %s --back --key @/owner", hex_of(a->id), new_key), 2);
	assert_int_equal(type("device offer %s --to %s --key @/owner", hex_of(a->id), new_key), 0);
	assert_int_equal(type("device accept %s --key @/other", hex_of(a->id)), 0);
	assert_int_equal(type("device suspend %s --key @/owner", hex_of(a->id)), 1);
	SAYS("refused (not-allowed)");
	assert_int_equal(type("device suspend %s --key @/other", hex_of(a->id)), 0);
}

static void a_zone(void **state)
{
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;
	SealbondPrivate__MembershipContent *content = NULL;
	struct device *a = &plant->a;
	struct sb_key_file zone, conduit;
	uint8_t box_secret[32];
	int64_t height;

	crypto_box_keypair(a->box_key, box_secret);
	assert_int_equal(type("owner key --out @/owner"), 0);
	comes(a, "owner");
	assert_int_equal(type("zone key --out @/zone --name cell"), 0);
	assert_int_equal(type("zone key --out @/conduit"), 0);
	assert_int_equal(type("zone show --zone @/zone"), 1);
	SAYS("zone create");
	assert_int_equal(type("zone create --zone @/zone --key @/member"), 0);
	assert_int_equal(type("zone create --zone @/conduit --conduit --key @/member"), 0);
	assert_int_equal(type("zone create --zone @/zone --key @/member"), 1);
	SAYS("refused (exists)");
	height = plant->ledger.height;
	assert_int_equal(type("zone add %s --zone @/zone --key @/owner --dry-run", hex_of(a->id)), 0);
	SAYS("Not sent");
	assert_int_equal(plant->ledger.height, height);
	assert_int_equal(type("zone add %s --zone @/zone --conduits @/conduit --name pump --key @/owner", hex_of(a->id)), 0);
	SAYS("the zone lists it");
	assert_int_equal(type("zone show --zone @/zone"), 0);
	SAYS("pump");
	assert_int_equal(type("zone show --zone @/zone --json"), 0);
	SAYS("\"version\":2");
	/* what the device makes of it */
	read_key("zone", &zone);
	read_key("conduit", &conduit);
	record = device_record(&plant->ledger, a);
	assert_int_equal(sb_belong_open(a->box_key, box_secret, CHAIN, a->id, record->membership, &content), 0);
	assert_int_equal(content->n_belongings, 2);
	assert_memory_equal(content->belongings[0]->zone.data, zone.zone, 16);
	assert_memory_equal(content->belongings[1]->key.data, conduit.zone_key, 32);
	sb_private_free(content);

	assert_int_equal(type("profile set %s --zone @/zone --key @/owner --mode enforce --hold 2d --exception ntp", hex_of(a->id)), 0);
	assert_int_equal(type("profile set %s --zone @/zone --key @/owner --mode off", hex_of(a->id)), 2);
	assert_int_equal(type("profile show %s --zone @/zone", hex_of(a->id)), 0);
	SAYS("mode enforce");
	SAYS("hold for 172800 s");
	SAYS("exception ntp");
	assert_int_equal(type("profile show %s --zone @/conduit", hex_of(a->id)), 1);
	SAYS("does not open");
	assert_int_equal(type("zone remove %s --zone @/zone --key @/owner", hex_of(a->id)), 0);
	assert_int_equal(type("zone show --zone @/zone --json"), 0);
	SAYS("\"devices\":[]");
	assert_int_equal(type("zone delete --zone @/zone"), 0);
	assert_int_equal(type("zone show --zone @/zone"), 1);
}

static void set_state(const struct device *device, Sealbond__DeviceState to)
{
	SB_AUTO_MESSAGE Sealbond__Device *record = device_record(&plant->ledger, device);
	uint8_t key[SB_RECORD_KEY_MAX], *value;
	size_t length, key_length = sb_record_key(SB_RECORD_DEVICE, device->id, 32, key);

	record->state = to;
	value = sb_message_pack(record, &length);
	assert_int_equal(plant->ledger.world.records.put(&plant->ledger.world, key, key_length, value, length), 0);
	free(value);
	ledger_wait(&plant->ledger, 1);
}

/* A and B of one owner in a zone whose file has a passphrase, A in a conduit, too, and with a profile. */
static void two_in_a_zone(uint8_t box_secret[2][32])
{
	crypto_box_keypair(plant->a.box_key, box_secret[0]);
	crypto_box_keypair(plant->b.box_key, box_secret[1]);
	write_text("words", "correct horse\n");
	assert_int_equal(type("owner key --out @/owner"), 0);
	comes(&plant->a, "owner");
	comes(&plant->b, "owner");
	assert_int_equal(type("zone key --out @/zone --passphrase-file @/words"), 0);
	assert_int_equal(type("zone key --out @/conduit"), 0);
	assert_int_equal(type("zone create --zone @/zone --key @/member --passphrase-file @/words"), 0);
	assert_int_equal(type("zone create --zone @/conduit --conduit --key @/member"), 0);
	assert_int_equal(type("zone add %s --zone @/zone --conduits @/conduit --name pump --key @/owner --passphrase-file @/words",
			      hex_of(plant->a.id)), 0);
	assert_int_equal(type("zone add %s --zone @/zone --name valve --key @/owner --passphrase-file @/words",
			      hex_of(plant->b.id)), 0);
	assert_int_equal(type("profile set %s --zone @/zone --key @/owner --mode enforce --passphrase-file @/words",
			      hex_of(plant->a.id)), 0);
}

static void read_zone_key(uint8_t key[32])
{
	struct sb_cli cli = { 0 };
	static struct cli_people people;
	struct sb_key_file file;
	char path[96], words[96];

	snprintf(path, sizeof(path), "%s/zone", directory);
	snprintf(words, sizeof(words), "%s/words", directory);
	memset(&people, 0, sizeof(people));
	people.cli = &cli;
	people.passphrase_file = words;
	assert_int_equal(cli_people_key(&people, path, SB_KEY_ZONE, &file), 0);
	memcpy(key, file.zone_key, 32);
}

#define REKEY	"zone rekey --zone @/zone --key @/owner --passphrase-file @/words "
#define SHOW	"zone show --zone @/zone --passphrase-file @/words "

static void a_zone_gets_a_new_key(void **state)
{
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;
	SealbondPrivate__MembershipContent *content = NULL;
	SealbondPrivate__ProfileContent *profile = NULL;
	uint8_t box_secret[2][32], before[32], after[32];
	int64_t height;

	two_in_a_zone(box_secret);
	assert_int_equal(type(SHOW "--json"), 0);
	SAYS("\"rekey\":[],\"rekey_due\":false");
	assert_int_equal(type("zone remove %s --zone @/zone --key @/owner --passphrase-file @/words", hex_of(plant->b.id)), 0);
	SAYS("sealbond zone rekey");
	assert_int_equal(type(SHOW), 0);
	SAYS("A new key is due");
	SAYS("taken out");
	SAYS("Make one: sealbond zone rekey");
	assert_int_equal(type(SHOW "--json"), 0);
	SAYS("\"rekey_due\":true");
	/* what A is in beside the zone cannot be told from the ledger */
	assert_int_equal(type(REKEY), 2);
	SAYS("--conduits FILE");
	height = plant->ledger.height;
	assert_int_equal(type(REKEY "--conduits @/conduit --dry-run --json"), 0);
	SAYS("\"dry_run\":true");
	SAYS("\"stays\":true");
	assert_int_equal(plant->ledger.height, height);
	read_zone_key(before);
	copy_file("zone", "zone.before");
	assert_int_equal(type(REKEY "--conduits @/conduit --json"), 0);
	SAYS("\"told\":1");
	SAYS("\"profiles\":1");
	read_zone_key(after);
	assert_memory_not_equal(before, after, 32);
	record = device_record(&plant->ledger, &plant->a);
	assert_int_equal(sb_belong_open(plant->a.box_key, box_secret[0], CHAIN, plant->a.id, record->membership, &content), 0);
	assert_int_equal(content->n_belongings, 2);
	assert_memory_equal(content->belongings[0]->key.data, after, 32);
	sb_private_free(content);
	assert_int_equal(sb_profile_open(before, CHAIN, plant->a.id, record->profile->sealed, &profile), -EBADMSG);
	assert_int_equal(sb_profile_open(after, CHAIN, plant->a.id, record->profile->sealed, &profile), 0);
	assert_int_equal(profile->version, 2);
	assert_int_equal(record->profile->version, 2);
	assert_string_equal(profile->mode, "enforce");
	sb_private_free(profile);
	assert_int_equal(type(SHOW "--json"), 0);
	SAYS("\"rekey_due\":false,\"file_behind\":false");
	/* Interrupted before the file was written, or another copy of it: it takes the key over, and makes no other. */
	copy_file("zone.before", "zone");
	assert_int_equal(type(SHOW), 0);
	SAYS("take it over");
	height = plant->ledger.height;
	assert_int_equal(type(REKEY "--conduits @/conduit"), 0);
	SAYS("has the key that the zone has already");
	assert_int_equal(plant->ledger.height, height);
	read_zone_key(before);
	assert_memory_equal(before, after, 32);
}

/* Suspended ones stay; who is revoked or frozen leaves. */
static void who_leaves_with_the_old_key(void **state)
{
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;
	uint8_t box_secret[2][32];

	two_in_a_zone(box_secret);
	assert_int_equal(type("device approve %s --key @/owner", hex_of(plant->a.id)), 0);
	assert_int_equal(type("device approve %s --key @/owner", hex_of(plant->b.id)), 0);
	assert_int_equal(type("device suspend %s --key @/owner", hex_of(plant->a.id)), 0);
	assert_int_equal(type(SHOW "--json"), 0);
	SAYS("\"rekey_due\":false");
	set_state(&plant->b, SEALBOND__DEVICE_STATE__FROZEN_CLONE);
	assert_int_equal(type(SHOW), 0);
	SAYS("and is frozen-clone");
	assert_int_equal(type(REKEY "--conduits @/conduit"), 0);
	SAYS("1 of 1 devices have the new key");
	record = device_record(&plant->ledger, &plant->b);
	assert_null(record->membership);
	assert_int_equal(type(SHOW "--json"), 0);
	SAYS("\"rekey_due\":false");
	assert_null(strstr(output, hex_of(plant->b.id)));
	set_state(&plant->b, SEALBOND__DEVICE_STATE__LIVE);
	assert_int_equal(type("zone add %s --zone @/zone --key @/owner --passphrase-file @/words", hex_of(plant->b.id)), 0);
	assert_int_equal(type("device revoke %s --key @/owner", hex_of(plant->b.id)), 0);
	assert_int_equal(type(REKEY "--conduits @/conduit --json"), 0);
	SAYS("\"told\":1,\"left\":1");
}

static void a_zone_of_two_owners(void **state)
{
	uint8_t box_secret[2][32];
	int64_t height;

	crypto_box_keypair(plant->b.box_key, box_secret[1]);
	write_text("words", "correct horse\n");
	assert_int_equal(type("owner key --out @/owner"), 0);
	assert_int_equal(type("owner key --out @/other"), 0);
	crypto_box_keypair(plant->a.box_key, box_secret[0]);
	comes(&plant->a, "owner");
	comes(&plant->b, "other");
	assert_int_equal(type("zone key --out @/zone"), 0);
	assert_int_equal(type("zone create --zone @/zone --key @/member"), 0);
	assert_int_equal(type("zone add %s --zone @/zone --key @/owner", hex_of(plant->a.id)), 0);
	assert_int_equal(type("zone add %s --zone @/zone --key @/other", hex_of(plant->b.id)), 0);
	height = plant->ledger.height;
	assert_int_equal(type(REKEY), 1);
	SAYS("1 devices are another owner's");
	assert_int_equal(plant->ledger.height, height);
	assert_int_equal(type(REKEY "--others-later"), 0);
	SAYS("1 devices of other owners wait");
	assert_int_equal(type("zone add %s --zone @/zone --key @/other", hex_of(plant->b.id)), 0);
}

/* A roster with all the devices that it has room for: one more is refused before anybody was told anything. */
static void a_zone_that_is_full(void **state)
{
	SealbondPrivate__ZoneContent *content = sb_zone_content_new("cell");
	Sealbond__Zone zone = SEALBOND__ZONE__INIT;
	uint8_t key[SB_RECORD_KEY_MAX], device[32], proof[64] = { 1 }, *value, *sealed = NULL;
	struct sb_key_file file;
	size_t length, key_length;
	int64_t height;

	assert_int_equal(type("owner key --out @/owner"), 0);
	comes(&plant->a, "owner");
	assert_int_equal(type("zone key --out @/zone"), 0);
	read_key("zone", &file);
	for (int i = 0; i < 437; i++) {
		randombytes_buf(device, sizeof(device));
		sb_zone_content_put(content, device, "pump 17, hall 4, north of gate 2", proof);
	}
	assert_int_equal(sb_zone_seal(file.zone, file.zone_key, CHAIN, content, &sealed, &zone.sealed.len), 0);
	zone.sealed.data = sealed;
	zone.key = span32(file.key);
	zone.version = 1;
	key_length = sb_record_key(SB_RECORD_ZONE, file.zone, 16, key);
	value = sb_message_pack(&zone, &length);
	assert_int_equal(plant->ledger.world.records.put(&plant->ledger.world, key, key_length, value, length), 0);
	ledger_wait(&plant->ledger, 1);
	height = plant->ledger.height;
	assert_int_equal(type("zone add %s --zone @/zone --name pump-no-438-of-this-cell-in-hall-4 --key @/owner",
			      hex_of(plant->a.id)), 1);
	SAYS("the zone is full: 438 devices");
	assert_int_equal(plant->ledger.height, height);
	free(value);
	free(sealed);
	sb_private_free(content);
}

static void one_takes_anothers_place(void **state)
{
	SB_AUTO_MESSAGE Sealbond__Device *before = NULL;
	SB_AUTO_MESSAGE Sealbond__Device *after = NULL;
	SealbondPrivate__MembershipContent *content = NULL;
	struct device *a = &plant->a, *b = &plant->b;
	uint8_t box_secret[32];

	crypto_box_keypair(b->box_key, box_secret);
	crypto_box_keypair(a->box_key, plant->a.config);	/* (any secret: it is not opened) */
	memset(plant->a.config, 0, 32);
	assert_int_equal(type("owner key --out @/owner"), 0);
	assert_int_equal(type("zone key --out @/zone"), 0);
	assert_int_equal(type("zone create --zone @/zone --key @/member"), 0);
	comes(a, "owner");
	comes(b, "owner");
	assert_int_equal(type("device approve %s --key @/owner", hex_of(a->id)), 0);
	assert_int_equal(type("device approve %s --key @/owner", hex_of(b->id)), 0);
	assert_int_equal(type("zone add %s --zone @/zone --key @/owner", hex_of(a->id)), 0);
	before = device_record(&plant->ledger, a);
	/* each device has its own key of the owner: the new one is offered to the old one's */
	assert_int_equal(type("owner show %s --key @/owner", hex_of(a->id)), 0);
	output[64] = '\0';
	assert_int_equal(type("device offer %s --to %s --key @/owner", hex_of(b->id), strdupa(output)), 0);
	assert_int_equal(type("device replace %s --by %s --key @/owner", hex_of(a->id), hex_of(b->id)), 2);
	SAYS("key of a zone");
	assert_int_equal(type("device replace %s --by %s --zone @/zone --key @/owner", hex_of(a->id), hex_of(b->id)), 0);
	after = device_record(&plant->ledger, b);
	assert_true(sb_bytes_are(after->overlay4, before->overlay4.data, before->overlay4.len));
	assert_non_null(after->membership);
	assert_int_equal(state_of(&plant->ledger, a), SEALBOND__DEVICE_STATE__RETIRED);
	(void)content;
	(void)box_secret;
}

static void members_decide(void **state)
{
	char second[65], proposal[65];
	struct sb_key_file file;

	assert_int_equal(type("member key --out @/second --name bea"), 0);
	read_key("second", &file);
	snprintf(second, sizeof(second), "%s", hex_of(file.key));
	assert_int_equal(type("member list"), 0);
	SAYS("ann");
	assert_int_equal(type("member add %s --weight 1 --name bea --key @/member --dry-run --json", second), 0);
	SAYS("\"dry_run\":true");
	SAYS("\"propose\":{\"changes\":[{\"member\":{");
	assert_int_equal(type("member add %s --name bea --key @/member", second), 0);
	assert_int_equal(type("member threshold 2 --key @/member"), 0);
	assert_int_equal(type("member list"), 0);
	SAYS("bea");
	SAYS("a weight of 2 decides");
	/* from now on two have to agree */
	assert_int_equal(type("member remove %s --key @/member", second), 0);
	assert_int_equal(type("member proposals --json"), 0);
	SAYS("\"id\":\"");
	snprintf(proposal, sizeof(proposal), "%.64s", strstr(output, "\"id\":\"") + 6);
	assert_int_equal(type("member vote %s --against --key @/second", proposal), 0);
	assert_int_equal(type("member vote %s --key @/second", proposal), 1);
	SAYS("refused (proposal-over)");
	assert_int_equal(type("member threshold 9 --key @/member"), 0);
	assert_int_equal(type("member proposals"), 0);
	SAYS("\"threshold\":9");
	snprintf(proposal, sizeof(proposal), "%.64s", output);
	assert_int_equal(type("member vote %s --key @/second", proposal), 1);
	SAYS("refused (last-members)");
	assert_int_equal(type("member withdraw %s --key @/member", proposal), 0);
}

static void references_and_enrollers(void **state)
{
	char values[65] = "", desk[65];
	struct sb_key_file file;

	memset(values, 'a', 64);
	assert_int_equal(type("reference add v1 7=%s 4=%s --name first --key @/member", values, values), 0);
	assert_int_equal(type("reference add v1 7=%s 7=%s --key @/member", values, values), 2);
	assert_int_equal(type("reference add v1 24=%s --key @/member", values), 2);
	assert_int_equal(type("reference list"), 0);
	SAYS("v1  PCRs 4,7  first");
	assert_int_equal(type("ledger show reference v1"), 0);
	SAYS("Proven as of block");
	assert_int_equal(type("reference remove v1 --key @/member"), 0);
	assert_int_equal(type("ledger show reference v1"), 1);
	SAYS("there is no such record");

	assert_int_equal(type("enroller key --out @/desk"), 0);
	read_key("desk", &file);
	snprintf(desk, sizeof(desk), "%s", hex_of(file.key));
	assert_int_equal(type("enroller add %s --name front --url https://desk.example --key @/member", desk), 0);
	assert_int_equal(type("enroller list"), 0);
	SAYS("front  https://desk.example");
	assert_int_equal(type("enroller remove %s --key @/member", desk), 0);
}

/* What is posted is what the state machine compares the opened secret with. */
static void the_commitment_is_the_ledgers(void **state)
{
	SB_AUTO_MESSAGE Sealbond__Device *enrolment = NULL;
	struct device *a = &plant->a;
	uint8_t id[SB_ENROLMENT_ID_LEN], nonce[16] = { 3 }, secret[32], commitment[32];
	const struct person *enroller = &plant->enroller[0];

	assert_int_equal(enrols(&plant->ledger, a), SB_TX_OK);
	assert_int_equal(challenges(&plant->ledger, &plant->enroller[0], a), SB_TX_OK);
	sb_enrolment_id(a->id, (ProtobufCBinaryData){ a->ak_name_length, a->ak_name }, id);
	enrolment = record_of(&plant->ledger, &sealbond__device__descriptor, SB_RECORD_ENROLMENT, id, sizeof(id));
	secret_of(enroller, a, secret);
	sb_challenge_commitment(CHAIN, a->id, (struct sb_span){ a->ak_name, a->ak_name_length }, enroller->key, nonce, secret,
				commitment);
	assert_memory_equal(enrolment->commitments[0]->commitment.data, commitment, 32);
}

static void an_enroller_answers_what_something_speaks_for(void **state)
{
	SB_AUTO_MESSAGE Sealbond__Device *enrolment = NULL;
	struct device *a = &plant->a, *b = &plant->b;
	uint8_t id[SB_ENROLMENT_ID_LEN];
	char path[96];

	assert_int_equal(enrols(&plant->ledger, a), SB_TX_OK);
	assert_int_equal(enrols(&plant->ledger, b), SB_TX_OK);
	assert_int_equal(type("device list"), 0);
	SAYS("an enroller has to answer");
	assert_int_equal(type("enroller serve --once --key @/member"), 2);
	SAYS("needs the key of: enroller");
	assert_int_equal(type("enroller serve --once --key @/enroller"), 0);
	SAYS("0 answered, 0 refused, 2 that nothing speaks for");
	snprintf(path, sizeof(path), "%s/inventory", directory);
	assert_int_equal(sb_file_write(path, "# ours\nzz\n", 10, 0600), 0);
	assert_int_equal(type("enroller serve --once --inventory @/inventory --key @/enroller"), 2);
	SAYS("inventory:2: a device id has 64 hex digits");
	assert_int_equal(sb_file_write(path, hex_of(a->id), 64, 0600), 0);
	assert_int_equal(type("enroller serve --once --inventory @/inventory --key @/enroller"), 0);
	SAYS("1 answered, 0 refused, 1 that nothing speaks for");
	assert_int_equal(type("enroller serve --once --inventory @/inventory --key @/enroller"), 0);
	SAYS("0 answered");
	sb_enrolment_id(a->id, (ProtobufCBinaryData){ a->ak_name_length, a->ak_name }, id);
	enrolment = record_of(&plant->ledger, &sealbond__device__descriptor, SB_RECORD_ENROLMENT, id, sizeof(id));
	assert_int_equal(enrolment->n_commitments, 1);
	assert_true(sb_bytes_are(enrolment->commitments[0]->enroller, plant->enroller[0].key, 32));
	/* a person has looked at the other */
	assert_int_equal(type("enroller challenge %s --key @/enroller", hex_of(b->id)), 0);
	assert_int_equal(type("enroller challenge %s --key @/enroller", hex_of(b->id)), 1);
	SAYS("no enrolment of this device waits");
}

static void an_inventory_is_imported(void **state)
{
	char path[96], *text = malloc(2500 * 65 + 1);
	SB_AUTO_MESSAGE Sealbond__Counters *counters = NULL;
	uint8_t id[32] = { 0 };

	for (int i = 0; i < 2500; i++) {
		memcpy(id, &i, sizeof(i));
		memcpy(text + 65 * i, hex_of(id), 64);
		text[65 * i + 64] = '\n';
	}
	snprintf(path, sizeof(path), "%s/inventory", directory);
	assert_int_equal(sb_file_write(path, text, 2500 * 65, 0600), 0);
	free(text);
	assert_int_equal(type("enroller import @/inventory --key @/enroller"), 0);
	SAYS("2500 of 2500");
	counters = record_of(&plant->ledger, &sealbond__counters__descriptor, SB_RECORD_COUNTERS, NULL, 0);
	assert_int_equal(counters->known_keys, 2500);
	assert_int_equal(type("enroller import @/inventory --remove --key @/enroller"), 0);
	sb_message_free(counters);
	counters = record_of(&plant->ledger, &sealbond__counters__descriptor, SB_RECORD_COUNTERS, NULL, 0);
	assert_true(!counters || counters->known_keys == 0);
}

static void records_with_their_proof(void **state)
{
	assert_int_equal(type("ledger status"), 0);
	SAYS("solo: its operator decides alone");
	assert_int_equal(type("ledger show parameters --json"), 0);
	SAYS("\"proven\":true");
	SAYS("\"lease\":86400");
	assert_int_equal(type("ledger show members"), 0);
	assert_int_equal(type("ledger show parameters x"), 2);
	assert_int_equal(type("ledger show device"), 2);
	assert_int_equal(type("ledger show devise x"), 2);
	SAYS("did you mean device?");
	assert_int_equal(type("ledger show account %064d", 0), 1);
	SAYS("there is no such record");
	assert_int_equal(type("ledger list enroller"), 0);
	SAYS("desk");
	SAYS("ledger show proves each");
	assert_int_equal(type("incident list"), 0);
}

/* An endpoint may leave records out of its list; it cannot put one in. */
static void a_list_that_lies(void **state)
{
	assert_int_equal(type("owner key --out @/owner"), 0);
	comes(&plant->a, "owner");
	lies = true;
	assert_int_equal(type("device list"), 0);
	SAYS("no device");
}

static void what_people_get_wrong(void **state)
{
	struct device *a = &plant->a;

	assert_int_equal(type("device list --nothing"), 2);
	SAYS("usage: sealbond device list");
	assert_int_equal(type("device lits"), 2);
	SAYS("did you mean list?");
	assert_int_equal(type("device suspend 12345 --key @/member"), 2);
	SAYS("is no device id");
	assert_int_equal(type("device suspend 123456 --key @/member"), 1);
	SAYS("knows no device that begins so");
	assert_int_equal(type("device suspend %s", hex_of(a->id)), 2);
	SAYS("--key FILE");
	assert_int_equal(type("device suspend %s --key @/none", hex_of(a->id)), 1);
	SAYS("No such file");
	assert_int_equal(type("device suspend %s --key @/member", hex_of(a->id)), 2);
	SAYS("needs the key of: owner");
	assert_int_equal(type("member threshold many --key @/member"), 2);
	assert_int_equal(type("member vote 12 --key @/member"), 2);
	SAYS("is not 64 hex digits");
	assert_int_equal(type("member threshold 1 --key @/member --key @/member"), 2);
	{
		char path[96];

		snprintf(path, sizeof(path), "%s/member", directory);
		chmod(path, 0644);
	}
	assert_int_equal(type("member threshold 1 --key @/member"), 4);
	SAYS("chmod 600");
	assert_int_equal(type("member threshold 1 --key @/member --json"), 4);
	SAYS("\"exit\":4");
}

static void passphrases(void **state)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/words", directory);
	assert_int_equal(sb_file_write(path, "correct horse\n", 14, 0600), 0);
	assert_int_equal(type("member key --out @/locked --passphrase-file @/words"), 0);
	assert_int_equal(type("member threshold 1 --key @/locked --passphrase-file @/words"), 1);
	SAYS("has no account");
	assert_int_equal(sb_file_write(path, "correct hose\n", 13, 0600), 0);
	assert_int_equal(type("member threshold 1 --key @/locked --passphrase-file @/words"), 1);
	SAYS("wrong passphrase");
	chmod(path, 0644);
	assert_int_equal(type("member key --out @/more --passphrase-file @/words"), 4);
	SAYS("others may read it");
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH(an_owner_and_its_device), WITH(a_device_changes_hands), WITH(a_zone), WITH(a_zone_gets_a_new_key),
		WITH(who_leaves_with_the_old_key), WITH(a_zone_of_two_owners), WITH(a_zone_that_is_full), WITH(one_takes_anothers_place),
		WITH(members_decide), WITH(references_and_enrollers), WITH(the_commitment_is_the_ledgers),
		WITH(an_enroller_answers_what_something_speaks_for), WITH(an_inventory_is_imported),
		WITH(records_with_their_proof), WITH(a_list_that_lies), WITH(what_people_get_wrong), WITH(passphrases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
