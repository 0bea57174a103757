// SPDX-License-Identifier: Apache-2.0
#include "ledger/signer.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <sodium.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/parse.h"

#define FILE_MAX	4096	/* bytes of either file */
#define PRECOMMIT_STEP	3	/* privval/file.go, stepPrecommit */

static void put_json(json_object **object)
{
	json_object_put(*object);
}

static void wipe_text(char (*text)[FILE_MAX])
{
	explicit_bzero(*text, sizeof(*text));
}

static void base64(char *out, size_t room, const uint8_t *data, size_t length)
{
	sodium_bin2base64(out, room, data, length, sodium_base64_VARIANT_ORIGINAL);
}

static void upper_hex(char *out, const uint8_t *data, size_t length)
{
	for (size_t i = 0; i < length; i++)
		snprintf(out + 2 * i, 3, "%02X", data[i]);
	out[2 * length] = '\0';
}

static int write_key(const char *path, const uint8_t secret[64])
{
	char address[2 * SB_CHAIN_ADDRESS_LEN + 1], public[64], private[128];
	sb_cleanup(wipe_text) char text[FILE_MAX];
	uint8_t bytes[SB_CHAIN_ADDRESS_LEN];
	int length;

	/* the public key is the second half of libsodium's and Go's private one */
	sb_validator_address(secret + 32, bytes);
	upper_hex(address, bytes, sizeof(bytes));
	base64(public, sizeof(public), secret + 32, 32);
	base64(private, sizeof(private), secret, 64);
	length = snprintf(text, sizeof(text),
			  "{\n  \"address\": \"%s\",\n"
			  "  \"pub_key\": {\n    \"type\": \"tendermint/PubKeyEd25519\",\n    \"value\": \"%s\"\n  },\n"
			  "  \"priv_key\": {\n    \"type\": \"tendermint/PrivKeyEd25519\",\n    \"value\": \"%s\"\n  }\n}\n",
			  address, public, private);
	explicit_bzero(private, sizeof(private));
	return sb_file_create(path, text, (size_t)length, 0600);
}

/* A note of no vote has neither signature nor bytes. */
static size_t format_state(const struct sb_signer *signer, char text[FILE_MAX])
{
	char signature[128], bytes[2 * SB_VOTE_BYTES_MAX + 1];
	int length;

	if (!signer->height)
		return (size_t)snprintf(text, FILE_MAX, "{\n  \"height\": \"0\",\n  \"round\": 0,\n  \"step\": 0\n}\n");
	base64(signature, sizeof(signature), signer->signature, sizeof(signer->signature));
	upper_hex(bytes, signer->bytes, signer->length);
	length = snprintf(text, FILE_MAX,
			  "{\n  \"height\": \"%" PRId64 "\",\n  \"round\": %d,\n  \"step\": %d,\n"
			  "  \"signature\": \"%s\",\n  \"signbytes\": \"%s\"\n}\n",
			  signer->height, signer->round, PRECOMMIT_STEP, signature, bytes);
	return (size_t)length;
}

int sb_signer_create(const char *key_path, const char *state_path, struct sb_error *error)
{
	struct sb_signer none = { .height = 0 };
	uint8_t public[32], secret[64];
	char text[FILE_MAX];
	int rc;

	if (!access(key_path, F_OK))
		return sb_fail(error, -EEXIST, "%s is there already: a validator's key is never replaced", key_path);
	crypto_sign_keypair(public, secret);
	rc = sb_file_create(state_path, text, format_state(&none, text), 0600);
	if (rc == -EEXIST)
		rc = sb_fail(error, rc, "%s is there already, of a key that is not: move it away first if it belongs "
			     "to no chain that still runs", state_path);
	else if (rc)
		rc = sb_fail(error, rc, "%s: %s", state_path, strerror(-rc));
	else if ((rc = write_key(key_path, secret)))
		rc = sb_fail(error, rc, "%s: %s", key_path, strerror(-rc));
	explicit_bzero(secret, sizeof(secret));
	return rc;
}

static const char *text_of(json_object *object, const char *name)
{
	json_object *found;

	if (!json_object_is_type(object, json_type_object) || !json_object_object_get_ex(object, name, &found) ||
	    !json_object_is_type(found, json_type_string))
		return NULL;
	return json_object_get_string(found);
}

static json_object *member(json_object *object, const char *name)
{
	json_object *found = NULL;

	json_object_object_get_ex(object, name, &found);
	return found;
}

static int read_json(const char *path, json_object **object, struct sb_error *error)
{
	uint8_t *text;
	size_t length;
	int rc = sb_file_read(path, FILE_MAX, &text, &length);

	if (rc)
		return sb_fail(error, rc, "%s: %s", path, strerror(-rc));
	*object = json_tokener_parse((char *)text);
	sodium_memzero(text, length);
	free(text);
	if (!*object)
		return sb_fail(error, -EBADMSG, "%s: not JSON", path);
	return 0;
}

static int read_key(const char *path, struct sb_signer *signer, struct sb_error *error)
{
	sb_cleanup(put_json) json_object *file = NULL;
	uint8_t derived[64], public[32];
	const char *type, *value;
	size_t length = 0;
	int rc = read_json(path, &file, error);

	if (rc)
		return rc;
	type = text_of(member(file, "priv_key"), "type");
	value = text_of(member(file, "priv_key"), "value");
	rc = !type || strcmp(type, "tendermint/PrivKeyEd25519") != 0 || !value ||
	     sb_parse_base64(value, signer->secret, 64, &length) < 0 || length != 64;
	/* the object's own copy, which it frees as it is */
	if (value)
		explicit_bzero((char *)value, strlen(value));
	if (rc)
		return sb_fail(error, -EBADMSG, "%s: priv_key is no ed25519 key in CometBFT's form", path);
	/* a public half that is another's would make signatures that give the secret one away */
	crypto_sign_seed_keypair(public, derived, signer->secret);
	rc = sodium_memcmp(derived, signer->secret, sizeof(derived));
	explicit_bzero(derived, sizeof(derived));
	if (rc)
		return sb_fail(error, -EBADMSG, "%s: the two halves of priv_key do not belong together", path);
	memcpy(signer->key, public, sizeof(public));
	sb_validator_address(signer->key, signer->address);
	return 0;
}

static bool parse_vote(json_object *file, struct sb_signer *signer)
{
	const char *signature = text_of(file, "signature"), *bytes = text_of(file, "signbytes");
	size_t length = 0, digits = bytes ? strlen(bytes) : 1;

	if (!signature || sb_parse_base64(signature, signer->signature, sizeof(signer->signature), &length) < 0 ||
	    length != sizeof(signer->signature) || digits % 2 || digits / 2 > sizeof(signer->bytes))
		return false;
	signer->length = digits / 2;
	return sb_parse_hex(bytes, signer->bytes, signer->length) == 0;
}

static int read_state(const char *path, struct sb_signer *signer, struct sb_error *error)
{
	sb_cleanup(put_json) json_object *file = NULL;
	json_object *round = NULL;
	const char *height;
	uint64_t value;
	int rc = read_json(path, &file, error);

	if (rc)
		return rc;
	height = text_of(file, "height");
	round = member(file, "round");
	if (!height || sb_parse_u64(height, &value) < 0 || value > INT64_MAX ||
	    !json_object_is_type(round, json_type_int))
		return sb_fail(error, -EBADMSG, "%s: not a validator's state in CometBFT's form", path);
	signer->height = (int64_t)value;
	signer->round = json_object_get_int(round);
	if (signer->height && !parse_vote(file, signer))
		return sb_fail(error, -EBADMSG, "%s: signature or signbytes is missing or damaged", path);
	return 0;
}

static int judge_state(const struct sb_signer *signer, const char *path, int64_t tip, int64_t next,
		       struct sb_error *error)
{
	if (signer->height < tip)
		return sb_fail(error, -ESTALE,
			       "%s says that height %" PRId64 " was signed last, the chain is at %" PRId64
			       ": it is an old copy, and this validator could sign a height twice. Put the newest "
			       "copy back", path, signer->height, tip);
	if (signer->height > next)
		return sb_fail(error, -ESTALE,
			       "%s says that height %" PRId64 " was signed last, but the chain ends at %" PRId64
			       ": the chain is an old copy. Put the newest copy of the whole home back",
			       path, signer->height, tip);
	return 0;
}

int sb_signer_open(const char *key_path, const char *state_path, int64_t tip, int64_t next, struct sb_signer *signer,
		   struct sb_error *error)
{
	struct sb_signer new = { .height = 0 };
	int rc;

	if (snprintf(new.state_path, sizeof(new.state_path), "%s", state_path) >= (int)sizeof(new.state_path))
		return sb_fail(error, -ENAMETOOLONG, "%s: too long", state_path);
	if (sodium_init() < 0)
		return sb_fail(error, -EIO, "libsodium does not start");
	new.secret = sodium_malloc(64);
	if (!new.secret)
		return sb_fail(error, -ENOMEM, "no memory for the validator's key that cannot be swapped");
	rc = read_key(key_path, &new, error);
	if (!rc && access(state_path, F_OK) && errno == ENOENT)
		rc = sb_fail(error, -ENOENT, "%s is missing%s", state_path, !tip ? ": this home is half made; make a "
			     "new one with init" : ", but the chain is not empty: without it this validator could sign "
			     "a height twice. Put it back. If it is lost for good, and no copy of this chain has gone "
			     "on elsewhere, run: sealbond-ledgerd recover-signer");
	if (!rc)
		rc = read_state(state_path, &new, error);
	if (!rc)
		rc = judge_state(&new, state_path, tip, next, error);
	if (rc) {
		sb_signer_close(&new);
		return rc;
	}
	sodium_mprotect_readonly(new.secret);
	*signer = new;
	return 0;
}

void sb_signer_close(struct sb_signer *signer)
{
	sodium_free(signer->secret);
	signer->secret = NULL;
}

int sb_signer_recover(const char *state_path, const char *chain, const struct sb_commit *commit,
		      struct sb_error *error)
{
	struct sb_signer last = { .height = commit->height, .round = commit->round };
	char text[FILE_MAX];
	int rc;

	last.length = sb_vote_bytes(chain, commit, 0, last.bytes);
	memcpy(last.signature, commit->votes[0].signature, sizeof(last.signature));
	rc = sb_file_create(state_path, text, format_state(&last, text), 0600);
	if (rc)
		return sb_fail(error, rc, "%s: %s", state_path, strerror(-rc));
	return 0;
}

int sb_signer_vote(struct sb_signer *signer, const char *chain, struct sb_commit *commit, struct sb_error *error)
{
	struct sb_signer next = *signer;
	char text[FILE_MAX];
	int rc;

	next.length = sb_vote_bytes(chain, commit, 0, next.bytes);
	if (commit->height < signer->height || (commit->height == signer->height && commit->round < signer->round))
		return sb_fail(error, -EPERM, "refusing to sign height %" PRId64 ": height %" PRId64
			       " was signed before", commit->height, signer->height);
	if (commit->height == signer->height) {
		if (next.length != signer->length || memcmp(next.bytes, signer->bytes, next.length) != 0)
			return sb_fail(error, -EPERM, "refusing to sign a second block at height %" PRId64,
				       commit->height);
		memcpy(commit->votes[0].signature, signer->signature, sizeof(signer->signature));
		return 0;
	}
	next.height = commit->height;
	next.round = commit->round;
	crypto_sign_detached(next.signature, NULL, next.bytes, next.length, signer->secret);
	rc = sb_file_write(signer->state_path, text, format_state(&next, text), 0600);
	if (rc)
		return sb_fail(error, rc, "%s: %s; nothing is signed until it can be written. Make room on its disk, or mend it, "
			       "and start again", signer->state_path, strerror(-rc));
	*signer = next;
	memcpy(commit->votes[0].signature, signer->signature, sizeof(signer->signature));
	return 0;
}
