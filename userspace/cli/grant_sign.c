// SPDX-License-Identifier: Apache-2.0
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "cli/grant.h"
#include "cli/release_key.h"
#include "common/file.h"
#include "common/rules.h"

#define USAGE	"grant sign --key grant.pem --device PEER.conf --holder DEVICE-ID [--chain NAME] --duration 24h\n" \
		"           [--quarantine] [--allow tcp/502,...] [--nonce HEX] --out FILE\n" \
		"   or: sealbond grant sign --key grant.pem --add-signature FILE [--out FILE]"

struct options {
	const char *key, *device, *holder, *chain, *duration, *nonce, *out, *add, *allow;
	bool quarantine;
};

static bool take_options(struct options *options, int argc, char **argv)
{
	const struct {
		const char *name;
		const char **value;
	} all[] = {
		{ "--key", &options->key }, { "--device", &options->device }, { "--holder", &options->holder },
		{ "--chain", &options->chain }, { "--duration", &options->duration },
		{ "--nonce", &options->nonce }, { "--allow", &options->allow }, { "--out", &options->out }, { "--add-signature", &options->add },
	};

	for (int i = 1; i < argc; i++) {
		size_t at = 0;

		if (strcmp(argv[i], "--quarantine") == 0) {
			options->quarantine = true;
			continue;
		}
		while (at < SB_ARRAY_SIZE(all) && strcmp(argv[i], all[at].name) != 0)
			at++;
		if (at == SB_ARRAY_SIZE(all) || i + 1 == argc || *all[at].value)
			return false;
		*all[at].value = argv[++i];
	}
	if (!options->key)
		return false;
	if (options->add)
		return !options->device && !options->holder && !options->chain && !options->duration &&
		       !options->nonce && !options->allow && !options->quarantine;
	return options->device && options->holder && options->duration && options->out;
}

/* One [peer] section, as "sealbond identity" prints it. */
static int take_device(struct sb_cli *cli, struct sb_grant_body *body, const char *path)
{
	struct sb_peer_list peers = { 0 };
	const struct sb_peer_entry *peer;
	struct sb_error error;
	int result = sb_peers_load(path, &peers, &error);

	if (result < 0)
		return cli_fail(cli, result == -EINVAL ? SB_EXIT_USAGE : cli_code_of(result), "%s", error.text);
	if (peers.count != 1) {
		sb_peers_free(&peers);
		return cli_fail(cli, SB_EXIT_USAGE, "%s: one [peer NAME] section is needed", path);
	}
	peer = &peers.entry[0];
	memcpy(body->device_id, peer->device_id, sizeof(body->device_id));
	memcpy(body->key, peer->key, sizeof(body->key));
	if (peer->overlay4.family)
		memcpy(body->overlay4, peer->overlay4.address, sizeof(body->overlay4));
	if (peer->overlay6.family)
		memcpy(body->overlay6, peer->overlay6.address, sizeof(body->overlay6));
	if (peer->quarantine)
		body->flags |= SB_GRANT_F_QUARANTINE;
	sb_peers_free(&peers);
	return 0;
}

static int take_body(struct sb_cli *cli, struct sb_grant_body *body, const struct options *options)
{
	uint64_t duration;
	int code;

	if (sb_parse_key(options->holder, body->holder) < 0)
		return cli_fail(cli, SB_EXIT_USAGE, "--holder %s: not a device id; allowed: 64 hex digits", options->holder);
	if (sb_parse_duration(options->duration, &duration) < 0 || duration < SB_GRANT_MIN_MS ||
	    duration > SB_GRANT_MAX_MS)
		return cli_fail(cli, SB_EXIT_USAGE, "--duration %s: allowed: 1s to 30d, e.g. 24h", options->duration);
	if (options->nonce && sb_parse_hex(options->nonce, body->nonce, sizeof(body->nonce)) < 0)
		return cli_fail(cli, SB_EXIT_USAGE, "--nonce %s: not a nonce; allowed: 32 hex digits", options->nonce);
	code = take_device(cli, body, options->device);
	if (code)
		return code;
	body->duration_ms = htobe64(duration);
	if (options->quarantine)
		body->flags |= SB_GRANT_F_QUARANTINE;
	sb_config_id(options->chain ? options->chain : "static", body->chain_id);
	return 0;
}

static int take_rules(struct sb_cli *cli, struct sb_grant_file *grant, const char *allow)
{
	struct sb_grant_rule rules[SB_GRANT_RULES_MAX];
	int count;

	if (!allow)
		return 0;
	count = sb_parse_rules(allow, rules);
	if (count < 0)
		return cli_fail(cli, SB_EXIT_USAGE, "--allow %s: allowed: " SB_RULES_ALLOWED, allow);
	return sb_grant_file_set_rules(grant, rules, (size_t)count) < 0 ? SB_EXIT_FAILED : 0;
}

static int sign(struct sb_cli *cli, struct sb_grant_file *grant, const char *key)
{
	uint8_t message[SB_GRANT_MESSAGE_LEN], point[64], signature[64], id[SB_GRANT_KEY_ID_LEN];
	size_t length;
	struct sb_error error;
	int result;

	length = sb_grant_file_message(grant, message);
	result = sb_key_sign(key, message, length, point, signature, &error);
	if (result < 0)
		return cli_fail(cli, cli_code_of(result), "%s", error.text);
	sb_grant_key_id(point, id);
	result = sb_grant_file_add(grant, id, signature);
	if (result == -EEXIST)
		return cli_fail(cli, SB_EXIT_FAILED, "%s: this key has signed the grant already", key);
	return result < 0 ? cli_fail(cli, SB_EXIT_FAILED, "a grant has at most %d signatures", SB_GRANT_KEYS_MAX) : 0;
}

int cli_grant_sign(struct sb_cli *cli, int argc, char **argv)
{
	struct options options = { 0 };
	uint8_t bytes[SB_GRANT_MAX];
	struct sb_grant_file grant;
	const char *out;
	int code, result;

	if (!take_options(&options, argc, argv))
		return cli_usage(cli, USAGE);
	sb_grant_file_init(&grant);
	code = options.add ? cli_grant_read(cli, options.add, &grant) : take_body(cli, &grant.body, &options);
	if (code == 0)
		code = take_rules(cli, &grant, options.allow);
	if (code == 0)
		code = sign(cli, &grant, options.key);
	if (code)
		return code;
	out = options.out ? options.out : options.add;
	result = sb_file_write(out, bytes, sb_grant_file_encode(&grant, bytes), 0644);
	if (result < 0)
		return cli_fail(cli, cli_code_of(result), "%s: %s", out, strerror(-result));
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_string(&cli->out, "grant", out);
		sb_json_number(&cli->out, "signatures", grant.count);
		cli_json_end(cli);
	} else {
		printf("%s    signed by %zu key%s\n", out, grant.count, grant.count == 1 ? "" : "s");
	}
	return SB_EXIT_OK;
}
