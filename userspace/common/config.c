// SPDX-License-Identifier: Apache-2.0
#include "common/config.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/config_ledger.h"
#include "common/field.h"
#include "common/file.h"
#include "sealbond/limits.h"

#define PCRS_CAP_FORBIDDEN	(1U << 16 | 1U << 23)

static const char *const algorithm_words[] = { "", "aes-256-gcm", "chacha20-poly1305", NULL };
static const char *const encap_words[] = { "auto", "always", NULL };
static const char *const mode_words[] = { "off", "observe", "enforce", NULL };
static const char *const exceptions_words[] = { "default", "none", NULL };

/* Writes algorithms[] and, behind it, algorithms_count. */
static int parse_algorithms(const struct sb_field *field, const char *value, void *target)
{
	struct sb_config *config = (void *)((char *)target - offsetof(struct sb_config, algorithms));
	uint8_t read[2] = { 0 };
	size_t count = 0;

	(void)field;
	for (;;) {
		size_t length = strcspn(value, ", ");
		uint8_t algorithm = 0;

		for (uint8_t i = 1; algorithm_words[i]; i++)
			if (strlen(algorithm_words[i]) == length && !memcmp(algorithm_words[i], value, length))
				algorithm = i;
		if (!algorithm || count == 2 || (count == 1 && read[0] == algorithm))
			return -EINVAL;
		read[count++] = algorithm;
		value += length;
		value += strspn(value, " ");
		if (*value == '\0')
			break;
		if (*value++ != ',')
			return -EINVAL;
		value += strspn(value, " ");
	}
	memcpy(config->algorithms, read, sizeof(read));
	config->algorithms_count = count;
	return 0;
}

/* Writes grant_keys[] and grant_keys_count. */
static int parse_grant_keys(const struct sb_field *field, const char *value, void *target)
{
	struct sb_config *config = (void *)((char *)target - offsetof(struct sb_config, grant_keys));
	size_t count = 0;

	(void)field;
	for (;;) {
		size_t length = strcspn(value, ", ");

		if (value[0] != '/')
			return -EINVAL;
		if (length >= SB_PATH_ROOM || count == SB_GRANT_KEYS_MAX)
			return -ERANGE;
		memcpy(config->grant_keys[count], value, length);
		config->grant_keys[count++][length] = '\0';
		value += length;
		value += strspn(value, " ");
		if (*value == '\0')
			break;
		if (*value++ != ',')
			return -EINVAL;
		value += strspn(value, " ");
	}
	config->grant_keys_count = count;
	return 0;
}

#define AT(member)	.offset = offsetof(struct sb_config, member)

static const struct sb_field device_fields[] = {
	{ "overlay4", sb_field_prefix4, "an IPv4 address", "ADDR/LEN, e.g. 10.77.0.1/24", AT(overlay4) },
	{ "overlay6", sb_field_prefix6, "an IPv6 address", "ADDR/LEN, e.g. fd77::1/64", AT(overlay6) },
	{ "port", sb_field_number, "a port", "1 to 65535", AT(port), 1, 65535 },
	{ "algorithms", parse_algorithms, "a list of algorithms",
	  "aes-256-gcm, chacha20-poly1305 or both with a comma, best first", AT(algorithms) },
	{ "encap", sb_field_choice, "a choice", "auto, always", AT(encap), .choices = encap_words },
	{ "chain", sb_field_text, "a name", "1 to 64 printable characters", AT(chain), .max = 65 },
	{ "interface", sb_field_interface, "an interface", "a name of up to 15 bytes, e.g. sb0", AT(interface) },
	{ "if_id", sb_field_number, "a number", "1 to 4294967295", AT(if_id), 1, UINT32_MAX },
	{ "mtu", sb_field_number, "a number", "1280 to 65535 bytes, e.g. 1400", AT(mtu), 1280, 65535 },
	{ "state_dir", sb_field_path, "an absolute path", "e.g. /var/lib/sealbond", AT(state_dir),
	  .max = SB_PATH_ROOM },
	{ "run_dir", sb_field_path, "an absolute path", "of up to 80 bytes, e.g. /run/sealbond", AT(run_dir),
	  .max = SB_RUN_DIR_ROOM },
};

static const struct sb_field enforce_fields[] = {
	{ "mode", sb_field_choice, "a mode", "off, observe, enforce", AT(mode), .choices = mode_words },
	{ "exceptions", sb_field_choice, "a choice", "default, none; others as [exception NAME]",
	  AT(exceptions_choice), .choices = exceptions_words },
	{ "lock", sb_field_bool, "yes or no", "yes, no", AT(lock) },
};

static const struct sb_field key_fields[] = {
	{ "pcrs", sb_field_pcrs, "a list of PCRs", "numbers from 0 to 23, e.g. 4,7,9,11,12", AT(pcrs) },
	{ "cap_pcr", sb_field_number, "a PCR", "0 to 15 or 17 to 22, e.g. 14", AT(cap_pcr), 0, 22 },
	{ "release_key", sb_field_path, "an absolute path", "of the public key, e.g. /etc/sealbond/release.pub.pem",
	  AT(release_key), .max = SB_PATH_ROOM },
	{ "fleet", sb_field_text, "a name", "1 to 64 printable characters", AT(fleet), .max = 65 },
	{ "allow_virtual_tpm", sb_field_bool, "yes or no", "yes, no", AT(allow_virtual_tpm) },
	{ "late_keys", sb_field_bool, "yes or no", "yes, no", AT(late_keys) },
	{ "reboot_when_approved", sb_field_bool, "yes or no", "yes, no", AT(reboot_when_approved) },
	{ "reboot_command", sb_field_path, "an absolute path", "of a program, e.g. /sbin/reboot", AT(reboot_command),
	  .max = SB_PATH_ROOM },
};

static const struct sb_field rotate_fields[] = {
	{ "after", sb_field_duration, "a duration", "10s to 1h, e.g. 120s", AT(after), 10000, 3600000 },
	{ "jitter", sb_field_percent, "a share", "0% to 50%, e.g. 10%", AT(jitter), 0, 50 },
	{ "soft_bytes", sb_field_size, "a size", "1M to 64G, e.g. 4G", AT(soft_bytes), 1ULL << 20, SB_REKEY_AFTER_BYTES },
	{ "soft_packets", sb_field_number, "a number", "1000 to 134217728", AT(soft_packets), 1000,
	  SB_REKEY_AFTER_PACKETS },
	{ "hard_after", sb_field_duration, "a duration", "15s to 24h, e.g. 180s", AT(hard_after), 15000,
	  SB_REJECT_AFTER_MAX_S * 1000ULL },
	{ "hard_bytes", sb_field_size, "a size", "2M to 256G", AT(hard_bytes), 2ULL << 20, SB_REJECT_AFTER_BYTES },
	{ "hard_packets", sb_field_number, "a number", "2000 to 268435456", AT(hard_packets), 2000,
	  SB_REJECT_AFTER_PACKETS },
	{ "overlap", sb_field_duration, "a duration", "1s to 60s, e.g. 10s", AT(overlap), 1000, 60000 },
	{ "key_overlap", sb_field_duration, "a duration", "1s to 24h, e.g. 24h", AT(key_overlap), 1000,
	  SB_KEY_OVERLAP_NS / 1000000 },
};

static const struct sb_field peers_fields[] = {
	{ "file", sb_field_path, "an absolute path", "e.g. /etc/sealbond/peers.conf", AT(peers_file),
	  .max = SB_PATH_ROOM },
	{ "grants", sb_field_path, "an absolute path", "of a directory, e.g. /etc/sealbond/grants", AT(grants),
	  .max = SB_PATH_ROOM },
	{ "grant_keys", parse_grant_keys, "a list of absolute paths",
	  "1 to 16 public keys with commas, e.g. /etc/sealbond/grant.pub.pem", AT(grant_keys) },
	{ "threshold", sb_field_number, "a number", "1 to the number of grant_keys", AT(threshold), 1, SB_GRANT_KEYS_MAX },
};

static const struct section {
	const char *name;
	const struct sb_field *fields;
	size_t count;
} sections[] = {
	{ "device", device_fields, SB_ARRAY_SIZE(device_fields) },
	{ "enforce", enforce_fields, SB_ARRAY_SIZE(enforce_fields) },
	{ "key", key_fields, SB_ARRAY_SIZE(key_fields) },
	{ "rotate", rotate_fields, SB_ARRAY_SIZE(rotate_fields) },
	{ "peers", peers_fields, SB_ARRAY_SIZE(peers_fields) },
	{ "ledger", sb_ledger_fields, SB_LEDGER_FIELDS },
	{ "exception", NULL, 0 },
};

#define SECTIONS	SB_ARRAY_SIZE(sections)
#define FIELDS_MAX	16

_Static_assert(SB_ARRAY_SIZE(device_fields) <= FIELDS_MAX, "a line for each key");
_Static_assert(SB_EXCEPTIONS_MAX == SB_EXC_MAX, "the module's bound");

struct reading {
	struct sb_config config;
	uint64_t seen[SECTIONS];
	unsigned int line[SECTIONS][FIELDS_MAX];	/* where each key is */
	uint64_t exception_seen;
	unsigned int exception_line;
};

static int handle(void *context, const struct sb_ini_line *line, struct sb_error *error)
{
	struct reading *reading = context;
	struct sb_config *config = &reading->config;
	const char *nearest;

	for (size_t i = 0; i < SECTIONS; i++) {
		const struct section *section = &sections[i];

		if (strcmp(section->name, line->section) != 0)
			continue;
		if (!section->fields) {
			if (!line->key && config->exceptions_count > 0 &&
			    sb_exception_check(&config->exceptions[config->exceptions_count - 1], line->file,
					       reading->exception_line, error) < 0)
				return -EINVAL;
			if (!line->key)
				reading->exception_line = line->number;
			return sb_exception_set(config, &reading->exception_seen, line, error);
		}
		if (*line->name)
			return sb_ini_fail(error, line->file, line->number, "[%s] takes no name", section->name);
		if (!line->key)
			return 0;
		return sb_field_set(section->fields, section->count, config, &reading->seen[i],
				    reading->line[i], line, error);
	}
	nearest = sb_nearest_word(line->section, &sections[0].name, SECTIONS, sizeof(sections[0]));
	return sb_ini_fail(error, line->file, line->number, "[%s]: no such section%s%s%s", line->section,
			   nearest ? "; did you mean [" : "", nearest ? nearest : "", nearest ? "]?" : "");
}

static void set_defaults(struct sb_config *config)
{
	*config = (struct sb_config){
		.port = SB_DEFAULT_PORT,
		.algorithms = { SEALBOND_ALG_AES256_GCM, SEALBOND_ALG_CHACHA20_POLY1305 },
		.algorithms_count = 2,
		.chain = "static",
		.interface = "sb0",
		.if_id = 0x5ea1,
		.mtu = 1400,
		.state_dir = "/var/lib/sealbond",
		.run_dir = "/run/sealbond",
		.mode = SEALBOND_MODE_OBSERVE,
		.pcrs = 1U << 4 | 1U << 7 | 1U << 9 | 1U << 11 | 1U << 12,
		.cap_pcr = 14,
		.reboot_command = "/sbin/reboot",
		.after = SB_REKEY_AFTER_S * 1000ULL,
		.jitter = 10,
		.overlap = SB_OVERLAP_S * 1000ULL,
		.key_overlap = SB_KEY_OVERLAP_NS / 1000000,
		.soft_bytes = SB_REKEY_AFTER_BYTES,
		.soft_packets = SB_REKEY_AFTER_PACKETS,
		.hard_bytes = SB_REJECT_AFTER_BYTES,
		.hard_packets = SB_REJECT_AFTER_PACKETS,
		.peers_file = "/etc/sealbond/peers.conf",
		.ledger = { .enrol = true, .learn = true, .poll = SB_LEDGER_POLL_MS, .rate = SB_LEDGER_RATE, .bytes = SB_LEDGER_BYTES },
	};
}

/* The line of a key, 0 when it has its default. */
static unsigned int line_of(const struct reading *reading, const char *section, const char *key)
{
	for (size_t i = 0; i < SECTIONS; i++)
		for (size_t j = 0; j < sections[i].count; j++)
			if (!strcmp(sections[i].name, section) && !strcmp(sections[i].fields[j].key, key))
				return reading->line[i][j];
	return 0;
}

static int check_key(const char *file, const struct reading *reading, struct sb_error *error)
{
	const struct sb_config *config = &reading->config;
	unsigned int cap_line = line_of(reading, "key", "cap_pcr");

	if (1U << config->cap_pcr & PCRS_CAP_FORBIDDEN)
		return sb_ini_fail(error, file, cap_line, "cap_pcr = %u: userspace can reset it; allowed: "
				   "0 to 15 or 17 to 22, e.g. 14", (unsigned int)config->cap_pcr);
	if (config->pcrs & 1U << config->cap_pcr)
		return sb_ini_fail(error, file, cap_line ? cap_line : line_of(reading, "key", "pcrs"),
				   "cap_pcr %u is in pcrs too; allowed: another one",
				   (unsigned int)config->cap_pcr);
	if (!config->release_key[0])
		return sb_ini_fail(error, file, 0, "[key] needs release_key; make one with: "
				   "sealbond release key --out release.pem");
	if (!config->fleet[0])
		return sb_ini_fail(error, file, 0, "[key] needs fleet, the name that approvals are for, "
				   "e.g. fleet = plant-7");
	return 0;
}

static int check_rotate(const char *file, struct reading *reading, struct sb_error *error)
{
	struct sb_config *config = &reading->config;
	uint64_t latest = config->after + config->after * config->jitter / 100;

	if (!config->hard_after)
		config->hard_after = latest * 5 / 4 > SB_REJECT_AFTER_S * 1000ULL ? latest * 5 / 4 :
										   SB_REJECT_AFTER_S * 1000ULL;
	if (config->hard_after <= latest)
		return sb_ini_fail(error, file, line_of(reading, "rotate", "hard_after"),
				   "hard_after must be longer than after and its jitter; allowed: more than %u s",
				   (unsigned int)(latest / 1000));
	if (config->hard_bytes <= config->soft_bytes)
		return sb_ini_fail(error, file, line_of(reading, "rotate", "hard_bytes"),
				   "hard_bytes must be more than soft_bytes");
	if (config->hard_packets <= config->soft_packets)
		return sb_ini_fail(error, file, line_of(reading, "rotate", "hard_packets"),
				   "hard_packets must be more than soft_packets");
	return 0;
}

/* Keys and grants need each other; all keys have to sign unless said otherwise. */
static int check_grants(const char *file, struct reading *reading, struct sb_error *error)
{
	struct sb_config *config = &reading->config;

	if (config->grants[0] && !config->grant_keys_count)
		return sb_ini_fail(error, file, line_of(reading, "peers", "grants"),
				   "grants needs grant_keys, the keys that may sign them");
	if (config->grant_keys_count && !config->grants[0] && !config->ledger.endpoints_count)
		return sb_ini_fail(error, file, line_of(reading, "peers", "grant_keys"),
				   "grant_keys needs grants, the directory with the signed grants");
	if (config->threshold > config->grant_keys_count)
		return sb_ini_fail(error, file, line_of(reading, "peers", "threshold"),
				   "threshold = %u, and there are %u grant_keys", (unsigned int)config->threshold,
				   (unsigned int)config->grant_keys_count);
	if (!config->threshold)
		config->threshold = config->grant_keys_count;
	return 0;
}

static int check_ledger(const char *file, const struct reading *reading, struct sb_error *error)
{
	static const uint8_t none[32];
	const struct sb_config *config = &reading->config;

	if (!config->ledger.endpoints_count)
		return 0;
	if (memcmp(config->ledger.trust_hash, none, sizeof(none)) == 0)
		return sb_ini_fail(error, file, line_of(reading, "ledger", "endpoints"),
				   "[ledger] needs trust_hash: without it any chain would be believed");
	if (!config->grant_keys_count)
		return sb_ini_fail(error, file, line_of(reading, "ledger", "endpoints"),
				   "[ledger] needs grant_keys in [peers]: the nodes' keys, by which the kernel admits peers");
	if (config->grants[0])
		return sb_ini_fail(error, file, line_of(reading, "peers", "grants"),
				   "grants of files and a [ledger] do not go together");
	return 0;
}

static int add_ledger_exceptions(const char *file, struct reading *reading, struct sb_error *error)
{
	int result = sb_ledger_exceptions(&reading->config);

	if (result == 0)
		return 0;
	return sb_ini_fail(error, file, line_of(reading, "ledger", "endpoints"), "%s",
			   result == -EINVAL ? "endpoints: a URL is not of the form http://HOST[:PORT] or https://HOST[:PORT]" :
			   result == -EEXIST ? "[exception ledger-N]: these names are those of [ledger] endpoints; take another" :
					       "[ledger] endpoints and networks make more than 64 exceptions");
}

static int check(const char *file, struct reading *reading, struct sb_error *error)
{
	struct sb_config *config = &reading->config;

	if (check_ledger(file, reading, error) < 0)
		return -EINVAL;
	/* A ledger assigns them. */
	if (!config->overlay4.family && !config->overlay6.family && !config->ledger.endpoints_count)
		return sb_ini_fail(error, file, 0, "[device] needs overlay4 or overlay6, e.g. overlay6 = fd77::1/64");
	if (config->exceptions_count > 0) {
		if (config->exceptions_choice == SB_EXCEPTIONS_NONE)
			return sb_ini_fail(error, file, line_of(reading, "enforce", "exceptions"),
					   "exceptions = none, and there is an [exception %s]",
					   config->exceptions[0].name);
		if (sb_exception_check(&config->exceptions[config->exceptions_count - 1], file,
				       reading->exception_line, error) < 0)
			return -EINVAL;
	} else if (config->exceptions_choice == SB_EXCEPTIONS_DEFAULT) {
		sb_exception_defaults(config);
	}
	if (add_ledger_exceptions(file, reading, error) < 0)
		return -EINVAL;
	if (config->lock && config->mode != SEALBOND_MODE_ENFORCE)
		return sb_ini_fail(error, file, line_of(reading, "enforce", "lock"),
				   "lock = yes is for mode = enforce");
	if (check_key(file, reading, error) < 0 || check_grants(file, reading, error) < 0)
		return -EINVAL;
	return check_rotate(file, reading, error);
}

int sb_config_parse(const char *file, const char *text, size_t length, struct sb_config *config,
		    struct sb_error *error)
{
	sb_cleanup_free struct reading *reading = calloc(1, sizeof(*reading));
	int result;

	if (!reading)
		return sb_fail(error, -ENOMEM, "%s: out of memory", file);
	set_defaults(&reading->config);
	result = sb_ini_read(file, text, length, handle, reading, error);
	if (result == 0)
		result = check(file, reading, error);
	if (result == 0)
		*config = reading->config;
	return result;
}

int sb_config_load(const char *path, struct sb_config *config, struct sb_error *error)
{
	sb_cleanup_free uint8_t *text = NULL;
	size_t length;
	int result = sb_file_read(path, SB_CONFIG_MAX, &text, &length);

	if (result < 0)
		return sb_fail(error, result, "%s: %s", path, strerror(-result));
	return sb_config_parse(path, (char *)text, length, config, error);
}

void sb_config_id(const char *name, uint8_t id[SB_SHA256_LEN])
{
	sb_digest_of(name, strlen(name), id);
}
