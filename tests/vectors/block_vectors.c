// SPDX-License-Identifier: Apache-2.0
/*
 * Blocks in the form of a node's answers to `block`, against userspace/ledger.
 *   block_vectors DIRECTORY
 * For each block_N.json: header hash, parts, data hash and hash of the last commit are those of the answer, the
 * encoding is read back to the same block, and the tools of rpc_json.c write the same JSON.
 * Prints a line for each and `N passed, N failed`. Exit: 0 when all passed and at least one ran, else
 * 1; 2 for a file that cannot be read.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/parse.h"
#include "ledger/rpc_json.h"
#include "light/json.h"
#include "json_read.h"

#define TX_ROOM	70000

static unsigned int passed, failed;

static void check(const char *name, const char *words, bool good)
{
	printf("%-4s  %s: %s\n", good ? "ok" : "FAIL", name, words);
	good ? passed++ : failed++;
}

static void free_txs(struct sb_block *block)
{
	for (size_t i = 0; i < block->count; i++)
		free((void *)block->txs[i].data);
	sb_block_free(block);
}

static bool read_txs(json_object *list, struct sb_block *block)
{
	block->txs = calloc(json_object_array_length(list) + 1, sizeof(*block->txs));
	for (size_t i = 0; block->txs && i < json_object_array_length(list); i++) {
		uint8_t *data = malloc(TX_ROOM);
		size_t length;

		if (!data || sb_parse_base64(json_object_get_string(json_object_array_get_idx(list, i)), data, TX_ROOM,
					     &length) < 0) {
			free(data);
			return false;
		}
		block->txs[block->count++] = (struct sb_tx){ data, length };
	}
	return block->txs;
}

/* The light client refuses a commit of nobody, as the first block has it. */
static bool read_block(json_object *object, struct sb_block *block, struct sb_error *error)
{
	json_object *last = get(object, "last_commit");
	json_object *both = json_object_new_object();
	struct sb_light_block light = { .commit.count = 0 };
	bool good;

	json_object_object_add(both, "header", json_object_get(get(object, "header")));
	json_object_object_add(both, "commit", json_object_get(last));
	if (json_object_array_length(get(last, "signatures")))
		good = !sb_json_signed_header(both, &light, error);
	else
		good = !sb_json_header(get(object, "header"), &light.header, error);
	json_object_put(both);
	block->header = light.header;
	block->last_commit = light.commit;
	return good && read_txs(get(get(object, "data"), "txs"), block);
}

static bool same(const struct sb_chain_hash *hash, const char *hex)
{
	uint8_t want[SB_CHAIN_HASH_LEN];

	return hash->there && hex && !sb_parse_hex(hex, want, sizeof(want)) && !memcmp(want, hash->bytes, sizeof(want));
}

static bool same_json(const struct sb_block *block, json_object *want)
{
	sb_cleanup(put_json) json_object *written = NULL;
	char *text = NULL;
	size_t length;
	struct sb_json json = { .stream = open_memstream(&text, &length) };

	sb_put_block(&json, NULL, block);
	fclose(json.stream);
	written = json_tokener_parse(text);
	free(text);
	return written && json_object_equal(written, want);
}

static void check_bytes(const char *name, const struct sb_block *block, json_object *id)
{
	sb_cleanup_free uint8_t *bytes = NULL;
	struct sb_block again = { .count = 0 };
	struct sb_block_id parts;
	struct sb_chain_hash hash = { .there = true };
	size_t length;
	bool good;

	if (sb_block_encode(block, &bytes, &length)) {
		check(name, "is encoded", false);
		return;
	}
	sb_header_hash(&block->header, hash.bytes);
	check(name, "its header's hash", same(&hash, json_object_get_string(get(id, "hash"))));
	sb_block_parts(bytes, length, &parts);
	check(name, "its parts' hash", same(&parts.parts_hash, json_object_get_string(get(get(id, "parts"), "hash"))) &&
	      parts.parts == (uint32_t)json_object_get_int(get(get(id, "parts"), "total")));
	good = !sb_block_decode(bytes, length, &again);
	if (good) {
		sb_header_hash(&again.header, hash.bytes);
		good = same(&hash, json_object_get_string(get(id, "hash"))) && again.count == block->count;
		sb_block_free(&again);
	}
	check(name, "is read back", good);
}

static int run(const char *directory, const char *name)
{
	sb_cleanup(put_json) json_object *file = NULL;
	struct sb_block block = { .count = 0 };
	struct sb_error error = { "" };
	struct sb_chain_hash hash;
	json_object *result;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = json_object_from_file(path);
	result = get(file, "result");
	if (!file || !read_block(get(result, "block"), &block, &error)) {
		fprintf(stderr, "%s: %s\n", path, error.text[0] ? error.text : "cannot be read");
		free_txs(&block);
		return 2;
	}
	check_bytes(name, &block, get(result, "block_id"));
	sb_data_hash(block.txs, block.count, &hash);
	check(name, "its data's hash", !memcmp(hash.bytes, block.header.data.bytes, sizeof(hash.bytes)));
	sb_commit_hash(&block.last_commit, &hash);
	check(name, "its last commit's hash", !memcmp(hash.bytes, block.header.last_commit.bytes, sizeof(hash.bytes)));
	check(name, "the same JSON", same_json(&block, get(result, "block")));
	free_txs(&block);
	return 0;
}

static int is_block(const struct dirent *entry)
{
	return strncmp(entry->d_name, "block_", 6) == 0 && entry->d_name[6] >= '0' && entry->d_name[6] <= '9';
}

int main(int argc, char **argv)
{
	struct dirent **entries;
	int count = argc == 2 ? scandir(argv[1], &entries, is_block, alphasort) : -1, result = 0;

	if (count < 0) {
		fprintf(stderr, "block_vectors DIRECTORY\n");
		return 2;
	}
	for (int i = 0; i < count; i++) {
		if (!result)
			result = run(argv[1], entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (result)
		return result;
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}
