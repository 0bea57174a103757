// SPDX-License-Identifier: Apache-2.0
/* sealbond device: the devices of a ledger, and what their owners say about them. */
#include <string.h>

#include "cli/people/zone.h"
#include "state/boot.h"
#include "state/message_json.h"

#define USAGE	"device list [--all]\n" \
		"   or: sealbond device approve DEVICE [--current PUBLIC] | suspend DEVICE [--why TEXT] | resume DEVICE\n" \
		"   or: sealbond device revoke DEVICE [--why TEXT] | retire DEVICE\n" \
		"   or: sealbond device offer DEVICE --to PUBLIC | offer DEVICE --back | accept DEVICE\n" \
		"   or: sealbond device replace DEVICE --by DEVICE [--zone FILE [--conduits FILE,FILE...]]\n" \
		"       each with --key OWNER [--dry-run]; or by the members' vote, with --key MEMBER:\n" \
		"   or: sealbond device admit DEVICE | expel DEVICE"

static const char *state_word(int state)
{
	static const char *const words[] = {
		"none", "enrolling", "awaiting-approval", "live", "suspended", "frozen-clone", "revoked", "retired",
		"quarantined",
	};

	return state >= 0 && (size_t)state < SB_ARRAY_SIZE(words) ? words[state] : "unknown";
}

/* Why it has no lease now, in words; "" where it has one. */
static const char *why_not(const Sealbond__Device *device, int64_t now)
{
	switch (device->state) {
	case SEALBOND__DEVICE_STATE__LIVE:
	case SEALBOND__DEVICE_STATE__QUARANTINED:
		if (!device->lease_end)
			return "no heartbeat yet since it was admitted";
		return device->lease_end <= now ? "its lease has ended: no heartbeat in time" : "";
	case SEALBOND__DEVICE_STATE__AWAITING_APPROVAL:
		return "its owner has to approve it: sealbond device approve";
	case SEALBOND__DEVICE_STATE__ENROLLING:
		return "its TPM is not proven yet: an enroller has to answer";
	case SEALBOND__DEVICE_STATE__FROZEN_CLONE:
		return "two TPM states spoke for it: sealbond incident list";
	default:
		return device->why;
	}
}

/* A key of its kernel that the ledger has not taken, and what lets it; NULL: none. */
static const char *what_waits(const Sealbond__Device *device)
{
	if (device->candidate.len)
		return "the bond key of another boot waits: look at it, then sealbond device approve";
	if (device->waiting_key.len)
		return "its next bond key waits, as it runs in another boot state than was admitted: look at it, then "
		       "sealbond device approve, or sealbond reference add";
	return NULL;
}

struct listing {
	bool all;
	int64_t now;
	size_t count;
	Sealbond__Parameters *parameters;	/* NULL: unknown */
};

/* The PCRs in which its last quote is not what it was admitted with; of the cap PCR, what was there before the cap. */
static uint32_t differing(const Sealbond__Parameters *parameters, const Sealbond__Device *device)
{
	SB_AUTO_MESSAGE Sealbond__BootState *boot = parameters ? sb_boot_last(parameters, device) : NULL;

	return boot && device->boot ? sb_boot_differs(device->boot, boot) : 0;
}

static void print_json(struct sb_cli *cli, const char *hex, const Sealbond__Device *device, bool proven, int64_t now,
		       uint32_t differ)
{
	const char *why = why_not(device, now);
	char pcrs[SB_PCRS_ROOM];

	sb_json_open(&cli->out, NULL, '{');
	sb_json_string(&cli->out, "device", hex);
	sb_json_string(&cli->out, "state", state_word(device->state));
	sb_json_signed(&cli->out, "lease_end", device->lease_end);
	sb_json_bool(&cli->out, "lease", device->lease_end > now);
	sb_json_signed(&cli->out, "last_quote", device->last ? device->last->time : 0);
	sb_json_string(&cli->out, "why_not", why[0] ? why : NULL);
	sb_json_string(&cli->out, "waits", what_waits(device));
	sb_json_string(&cli->out, "boot_differs", differ ? sb_format_pcrs(pcrs, differ) : NULL);
	sb_json_bool(&cli->out, "proven", proven);
	sb_message_to_json(&cli->out, "record", device);
	sb_json_close(&cli->out, '}');
}

static void print_device(struct sb_cli *cli, const uint8_t id[32], const Sealbond__Device *device, bool proven,
			 int64_t now, uint32_t differ)
{
	char hex[SB_HEX_ROOM(32)], lease[CLI_TIME_ROOM], quote[CLI_TIME_ROOM], pcrs[SB_PCRS_ROOM];
	const char *why = why_not(device, now), *waits = what_waits(device);

	sb_format_hex(hex, id, 32);
	if (cli->json) {
		print_json(cli, hex, device, proven, now, differ);
		return;
	}
	printf("%.16s  %-17s  lease %s %s  quote %s%s%s%s\n", hex, state_word(device->state),
	       device->lease_end > now ? "to" : "ended", cli_time(lease, device->lease_end),
	       cli_time(quote, device->last ? device->last->time : 0), why[0] ? "\n                  " : "", why,
	       proven ? "" : "  (not proven)");
	if (waits)
		printf("                  %s\n", waits);
	if (differ)
		printf("                  PCRs %s are not what they were when it was admitted\n", sb_format_pcrs(pcrs, differ));
}

/* What a list says is looked up with its proof: an endpoint may leave a device out, but not invent what it is. */
static int list_one(struct cli_people *people, struct sb_span id, struct sb_span value, void *context)
{
	SB_AUTO_MESSAGE Sealbond__Device *device = NULL;
	struct listing *listing = context;
	struct cli_record record = { 0 };
	int code;

	(void)value;
	if (id.length < 32)
		return 0;
	code = cli_people_read(people, &sealbond__device__descriptor, SB_RECORD_DEVICE, id.data, 32, (void **)&device, &record);
	if (code || !device)
		return code;
	if (!listing->all && (device->state == SEALBOND__DEVICE_STATE__RETIRED ||
			      device->state == SEALBOND__DEVICE_STATE__REVOKED))
		return 0;
	listing->count++;
	print_device(people->cli, id.data, device, true, record.time, differing(listing->parameters, device));
	return 0;
}

/* One that waits for enrollers is in a record of its own, and anybody may have put it there. */
static int list_enrolment(struct cli_people *people, struct sb_span id, struct sb_span value, void *context)
{
	SB_AUTO_MESSAGE Sealbond__Device *device = sb_message_read(&sealbond__device__descriptor, value.data, value.length);
	struct listing *listing = context;

	if (id.length < 32 || !device)
		return 0;
	listing->count++;
	print_device(people->cli, id.data, device, false, listing->now, 0);
	return 0;
}

static int list(struct sb_cli *cli, int argc, char **argv)
{
	struct listing listing = { 0 };
	const struct cli_option table[] = { { "--all", NULL, &listing.all }, { NULL } };
	struct cli_people people;
	int code = cli_people_take(&people, cli, USAGE, argc, argv, table, 0, 0);

	if (code == 0)
		code = cli_people_open(&people);
	if (code == 0)
		code = cli_people_parameters(&people, &listing.parameters);
	if (code)
		return code;
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_open(&cli->out, "devices", '[');
	}
	code = cli_people_each(&people, SB_RECORD_DEVICE, list_one, &listing);
	if (code == 0)
		code = cli_people_each(&people, SB_RECORD_ENROLMENT, list_enrolment, &listing);
	if (cli->json) {
		sb_json_close(&cli->out, ']');
		cli_json_end(cli);
	} else if (code == 0 && !listing.count) {
		puts("no device");
	}
	sb_message_free(listing.parameters);
	cli_people_end(&people);
	return code;
}

/* The device of the first argument. */
static int take(struct cli_people *people, struct sb_cli *cli, int argc, char **argv, const struct cli_option *table,
		uint8_t device[32])
{
	int code = cli_people_take(people, cli, USAGE, argc, argv, table, 1, 1);

	return code ? code : cli_people_device(people, people->argument[0], device);
}

static int load(struct cli_people *people, const uint8_t id[32], Sealbond__Device **device)
{
	int code = cli_people_read(people, &sealbond__device__descriptor, SB_RECORD_DEVICE, id, 32, (void **)device, NULL);

	if (code == 0 && !*device)
		code = cli_fail(people->cli, SB_EXIT_FAILED, "the ledger does not know this device");
	return code;
}

/* The key of what waits: a candidate's, of admission, or the known one of a boot state that is another one. */
static ProtobufCBinaryData waiting_key(const Sealbond__Device *record)
{
	if (record->candidate.len == 32)
		return record->candidate;
	if (record->state != SEALBOND__DEVICE_STATE__AWAITING_APPROVAL && record->key.len == 32)
		return record->key;
	return record->cap ? record->cap->current : (ProtobufCBinaryData){ 0, NULL };
}

/* Said with it: the boot state that the record shows now. If another quote comes before, nothing is approved. */
static int name_boot(struct cli_people *people, const Sealbond__Device *record, uint8_t digest[32],
		     Sealbond__Approve *approve)
{
	SB_AUTO_MESSAGE Sealbond__Parameters *parameters = NULL;
	SB_AUTO_MESSAGE Sealbond__BootState *boot = NULL;
	char pcrs[SB_PCRS_ROOM];
	int code = cli_people_parameters(people, &parameters);
	uint32_t differ;

	if (code || !parameters)
		return code;
	boot = sb_boot_last(parameters, record);
	if (!boot)
		return 0;
	sb_boot_digest(boot, digest);
	approve->boot = CLI_BYTES(32, digest);
	differ = differing(parameters, record);
	if (differ && !people->cli->json)
		printf("PCRs %s are not what they were when it was admitted\n", sb_format_pcrs(pcrs, differ));
	return 0;
}

/* What is approved is a key: the one that the record shows now, unless it is named. */
static int approve(struct sb_cli *cli, int argc, char **argv)
{
	CLI_BODY(APPROVE, approve, Approve, approve);
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;
	const char *current = NULL;
	const struct cli_option table[] = { { "--current", &current, NULL }, { NULL } };
	struct cli_people people;
	uint8_t device[32], key[32], boot[32];
	int code = take(&people, cli, argc, argv, table, device);

	if (code == 0)
		code = load(&people, device, &record);
	if (code == 0 && current)
		code = cli_people_hex(&people, "--current", current, key, 32);
	if (code == 0) {
		const ProtobufCBinaryData waiting = waiting_key(record);

		approve.device = CLI_BYTES(32, device);
		approve.current_key = current ? CLI_BYTES(32, key) : waiting;
		if (approve.current_key.len != 32)
			code = cli_fail(cli, SB_EXIT_FAILED, "it has no key that could be approved: its kernel has made none yet");
		/* (one that is named may be of a second enrolment, in a record of its own) */
		else if (sb_bytes_are(waiting, approve.current_key.data, 32))
			code = name_boot(&people, record, boot, &approve);
	}
	if (code == 0)
		code = cli_people_say(&people, SB_KEY_OWNER, device, &body, "approved");
	cli_people_end(&people);
	return code;
}

static int suspend(struct sb_cli *cli, int argc, char **argv)
{
	CLI_BODY(SUSPEND, suspend, Suspend, suspend);
	const char *why = NULL;
	const struct cli_option table[] = { { "--why", &why, NULL }, { NULL } };
	struct cli_people people;
	uint8_t device[32];
	int code = take(&people, cli, argc, argv, table, device);

	suspend.device = CLI_BYTES(32, device);
	suspend.why = (char *)(why ? why : "");
	if (code == 0)
		code = cli_people_say(&people, SB_KEY_OWNER, device, &body, "suspended");
	cli_people_end(&people);
	return code;
}

static int revoke_one(struct sb_cli *cli, int argc, char **argv)
{
	CLI_BODY(REVOKE, revoke, Revoke, revoke);
	const char *why = NULL;
	const struct cli_option table[] = { { "--why", &why, NULL }, { NULL } };
	struct cli_people people;
	uint8_t device[32];
	int code = take(&people, cli, argc, argv, table, device);

	revoke.device = CLI_BYTES(32, device);
	revoke.why = (char *)(why ? why : "");
	if (code == 0)
		code = cli_people_say(&people, SB_KEY_OWNER, device, &body, "revoked, for good");
	cli_people_end(&people);
	return code;
}

#define WITH_DEVICE_ONLY(verb, VERB, name, Message, message, done)					\
static int verb(struct sb_cli *cli, int argc, char **argv)						\
{													\
	CLI_BODY(VERB, name, Message, message);								\
	struct cli_people people;									\
	uint8_t device[32];										\
	int code = take(&people, cli, argc, argv, NULL, device);					\
													\
	message.device = CLI_BYTES(32, device);								\
	if (code == 0)											\
		code = cli_people_say(&people, SB_KEY_OWNER, device, &body, done);			\
	cli_people_end(&people);									\
	return code;											\
}
WITH_DEVICE_ONLY(resume, RESUME, resume, Resume, message, "resumed")
WITH_DEVICE_ONLY(retire, RETIRE, retire, Retire, message, "retired; it can enrol again for another owner")
WITH_DEVICE_ONLY(accept_one, ACCEPT_DEVICE, accept_device, AcceptDevice, message,
		 "accepted: its old zone and profile are gone, give it yours")

static int offer(struct sb_cli *cli, int argc, char **argv)
{
	CLI_BODY(OFFER_DEVICE, offer_device, OfferDevice, offer);
	const char *to = NULL;
	bool back = false;
	const struct cli_option table[] = { { "--to", &to, NULL }, { "--back", NULL, &back }, { NULL } };
	struct cli_people people;
	uint8_t device[32], key[32];
	int code = take(&people, cli, argc, argv, table, device);

	if (code == 0 && back == (to != NULL))
		code = cli_usage(cli, USAGE);
	if (code == 0 && to)
		code = cli_people_hex(&people, "--to", to, key, 32);
	offer.device = CLI_BYTES(32, device);
	if (to)
		offer.to = CLI_BYTES(32, key);
	if (code == 0)
		code = cli_people_say(&people, SB_KEY_OWNER, device, &body, back ? "taken back" : "offered");
	cli_people_end(&people);
	return code;
}

static int by_vote(struct sb_cli *cli, int argc, char **argv, bool admits)
{
	Sealbond__Change change = SEALBOND__CHANGE__INIT;
	struct cli_people people;
	uint8_t device[32];
	int code = take(&people, cli, argc, argv, NULL, device);

	change.change_case = admits ? SEALBOND__CHANGE__CHANGE_ADMIT : SEALBOND__CHANGE__CHANGE_REVOKE;
	change.admit = CLI_BYTES(32, device);
	if (code == 0)
		code = cli_people_propose(&people, 1, &change, admits ? "admits a device" : "revokes a device");
	cli_people_end(&people);
	return code;
}

static int admit(struct sb_cli *cli, int argc, char **argv)
{
	return by_vote(cli, argc, argv, true);
}

static int expel(struct sb_cli *cli, int argc, char **argv)
{
	return by_vote(cli, argc, argv, false);
}

int cli_device(struct sb_cli *cli, int argc, char **argv)
{
	static const struct cli_verb verbs[] = {
		{ "list", list }, { "approve", approve }, { "suspend", suspend }, { "resume", resume }, { "revoke", revoke_one },
		{ "retire", retire }, { "offer", offer }, { "accept", accept_one }, { "replace", device_replace }, { "admit", admit },
		{ "expel", expel }, { NULL, NULL },
	};

	return cli_verb(cli, USAGE, argc, argv, verbs);
}
