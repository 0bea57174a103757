// SPDX-License-Identifier: Apache-2.0
#include "ledger/home.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <sodium.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/file.h"

#define POWER	10	/* any will do: it is all the power there is */

static int too_long(struct sb_error *error, const char *home)
{
	return sb_fail(error, -ENAMETOOLONG, "%s: too long", home);
}

static int read_state(const char *path, struct sb_genesis *genesis, struct sb_error *error)
{
	sb_cleanup_free uint8_t *text = NULL;
	json_object *object;
	size_t length;
	int rc;

	if (!path) {
		genesis->app_state = strdup("{}");
		return genesis->app_state ? 0 : sb_fail(error, -ENOMEM, "out of memory");
	}
	rc = sb_file_read(path, SB_GENESIS_MAX / 2, &text, &length);
	if (rc)
		return sb_fail(error, rc, "%s: %s", path, strerror(-rc));
	object = json_tokener_parse((char *)text);
	if (!object || strlen((char *)text) != length)
		return sb_fail(error, -EBADMSG, "%s: not JSON", path);
	genesis->app_state = strdup(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
								   JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
	return genesis->app_state ? 0 : sb_fail(error, -ENOMEM, "out of memory");
}

static bool good_name(const char *chain)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return chain[0] && strlen(chain) <= SB_CHAIN_NAME_MAX && strspn(chain, allowed) == strlen(chain);
}

static void now(struct sb_chain_time *time)
{
	struct timespec clock;

	clock_gettime(CLOCK_REALTIME, &clock);
	*time = (struct sb_chain_time){ clock.tv_sec, (int32_t)clock.tv_nsec };
}

int sb_home_init(const char *home, const char *chain, const char *state, struct sb_error *error)
{
	char key_path[PATH_MAX], state_path[PATH_MAX], genesis_path[PATH_MAX];
	struct sb_genesis genesis = { .max_bytes = SB_BLOCK_BYTES_DEFAULT, .max_gas = -1, .app_version = 1 };
	struct sb_signer signer;
	int rc;

	if (!good_name(chain))
		return sb_fail(error, -EINVAL, "a chain's name has 1 to %d letters, digits, dots, dashes and underscores",
			       SB_CHAIN_NAME_MAX);
	if (!sb_home_path(key_path, home, SB_HOME_KEY) || !sb_home_path(state_path, home, SB_HOME_STATE) ||
	    !sb_home_path(genesis_path, home, SB_HOME_GENESIS))
		return too_long(error, home);
	if (sodium_init() < 0)
		return sb_fail(error, -EIO, "libsodium does not start");
	rc = read_state(state, &genesis, error);
	if (!rc && (rc = sb_make_directory(home, 0700)))
		rc = sb_fail(error, rc, "%s: %s", home, strerror(-rc));
	if (!rc)
		rc = sb_signer_create(key_path, state_path, error);
	if (!rc)
		rc = sb_signer_open(key_path, state_path, 0, 1, &signer, error);
	if (!rc) {
		strcpy(genesis.chain, chain);
		now(&genesis.time);
		memcpy(genesis.validator.key, signer.key, sizeof(signer.key));
		memcpy(genesis.validator.address, signer.address, sizeof(signer.address));
		genesis.validator.power = POWER;
		sb_signer_close(&signer);
		rc = sb_genesis_create(genesis_path, &genesis, error);
	}
	sb_genesis_free(&genesis);
	return rc;
}

int sb_home_lock(const char *home, struct sb_error *error)
{
	sb_cleanup_close int fd = -1;
	char path[PATH_MAX];

	if (!sb_home_path(path, home, "lock"))
		return too_long(error, home);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return sb_fail(error, -errno, "%s: %s%s", path, strerror(errno), errno == ENOENT ?
			       ": make the home by sealbond-ledgerd init" : "");
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return sb_fail(error, -EBUSY, "%s: another process works on this home", path);
	return sb_take_fd(&fd);
}

static int load_commit(const char *home, const struct sb_genesis *genesis, struct sb_commit *commit,
		       struct sb_error *error)
{
	sb_cleanup_free uint8_t *bytes = NULL;
	uint8_t address[SB_CHAIN_ADDRESS_LEN];
	struct sb_gap gaps[SB_GAPS_MAX];
	struct sb_blocks *blocks;
	char path[PATH_MAX];
	int64_t tip = 0;
	size_t length, count = 0;
	int rc;

	if (!sb_home_path(path, home, SB_HOME_BLOCKS))
		return too_long(error, home);
	rc = sb_blocks_open(path, 0, &blocks);
	if (rc)
		return sb_fail(error, rc, "%s: %s", path, strerror(-rc));
	rc = sb_blocks_tip(blocks, &tip);
	if (!rc)
		rc = sb_blocks_gaps(blocks, gaps, &count);
	memcpy(address, genesis->validator.address, sizeof(address));
	for (size_t i = 0; i < count && gaps[i].next <= tip; i++)
		sb_validator_address(gaps[i].validator, address);
	if (!rc)
		rc = sb_blocks_get(blocks, SB_BLOCKS_COMMIT, tip, &bytes, &length);
	if (!rc)
		rc = sb_commit_decode(bytes, length, commit);
	if (!rc && (commit->count != 1 || memcmp(commit->votes[0].address, address, sizeof(address)) != 0))
		rc = -EUCLEAN;
	sb_blocks_close(blocks);
	return rc ? sb_fail(error, rc, "%s: the last block's commit: %s", path, strerror(-rc)) : 0;
}

int sb_home_recover(const char *home, int64_t *height, struct sb_error *error)
{
	char genesis_path[PATH_MAX], state_path[PATH_MAX];
	struct sb_commit commit = { 0 };
	struct sb_genesis genesis;
	int rc;

	if (!sb_home_path(genesis_path, home, SB_HOME_GENESIS) || !sb_home_path(state_path, home, SB_HOME_STATE))
		return too_long(error, home);
	rc = sb_genesis_read(genesis_path, &genesis, error);
	if (rc)
		return rc;
	rc = load_commit(home, &genesis, &commit, error);
	if (!rc)
		rc = sb_signer_recover(state_path, genesis.chain, &commit, error);
	if (!rc)
		*height = commit.height;
	sb_commit_free(&commit);
	sb_genesis_free(&genesis);
	return rc;
}
