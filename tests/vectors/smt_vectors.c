// SPDX-License-Identifier: Apache-2.0
/*
 * Checks files of sparse Merkle proofs against userspace/tree:
 *   smt_vectors DIR
 * Every *.json in DIR is one of
 *   {"key", "value", "root", "proof"}	ICS-23's own format, hexadecimal; no value: an absence proof
 *   {"vectors": [...]}			of such, with "spec" (plain or var_proto) and "valid" (false: refuse it)
 *   {"history": [...]}			changes to one tree, with the root and proofs after each
 * Prints a line for each file, one for each vector that failed, and `N passed, N failed`. Exit: 0 when all
 * passed and at least one ran, else 1; 2 for a directory that cannot be read.
 */
#include <dirent.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tree/memory.h"
#include "tree/prove.h"

struct bytes {
	size_t length;
	uint8_t *data;
};

static unsigned int passed, failed;

static void count(const char *file, const char *name, const char *wrong)
{
	if (!wrong) {
		passed++;
		return;
	}
	failed++;
	printf("FAIL  %s: %s: %s\n", file, name, wrong);
}

/* A field of hex digits; an absent one is empty. The bytes are the caller's, exactly as long as they are. */
static bool get_bytes(json_object *object, const char *field, struct bytes *out)
{
	json_object *value;
	const char *hex = "";

	if (json_object_object_get_ex(object, field, &value) && value)
		hex = json_object_get_string(value);
	out->length = strlen(hex) / 2;
	out->data = malloc(out->length ? out->length : 1);
	if (!out->data || strlen(hex) % 2 || strspn(hex, "0123456789abcdefABCDEF") != strlen(hex))
		return false;
	for (size_t i = 0; i < out->length; i++)
		if (sscanf(hex + 2 * i, "%2hhx", &out->data[i]) != 1)
			return false;
	return true;
}

static const char *get_text(json_object *object, const char *field, const char *otherwise)
{
	json_object *value;

	return json_object_object_get_ex(object, field, &value) ? json_object_get_string(value) : otherwise;
}

static const char *verify(json_object *object, const struct bytes *key, const struct bytes *value,
			  const struct bytes *root, const struct bytes *proof)
{
	bool var_proto = !strcmp(get_text(object, "spec", "plain"), "var_proto"), valid = true;
	enum sb_leaf_format format = var_proto ? SB_LEAF_VAR_PROTO : SB_LEAF_PLAIN;
	json_object *flag;
	int rc;

	if (root->length != SB_TREE_HASH_LEN)
		return "the root is no hash";
	if (json_object_object_get_ex(object, "valid", &flag))
		valid = json_object_get_boolean(flag);
	if (value->length)
		rc = sb_proof_verify_existence(format, root->data, key->data, key->length, value->data,
					       value->length, proof->data, proof->length);
	else
		rc = sb_proof_verify_absence(format, root->data, key->data, key->length, proof->data,
					     proof->length);
	if (!rc != valid)
		return valid ? "refused" : "taken";
	if (rc)
		return NULL;
	format = var_proto ? SB_LEAF_PLAIN : SB_LEAF_VAR_PROTO;
	/* in an empty tree there is no leaf to have a format */
	if (!memcmp(root->data, (uint8_t[SB_TREE_HASH_LEN]){}, SB_TREE_HASH_LEN))
		return NULL;
	if (value->length)
		rc = sb_proof_verify_existence(format, root->data, key->data, key->length, value->data,
					       value->length, proof->data, proof->length);
	else
		rc = sb_proof_verify_absence(format, root->data, key->data, key->length, proof->data,
					     proof->length);
	return rc ? NULL : "taken for the other leaf, too";
}

static void run_vector(const char *file, json_object *object)
{
	struct bytes key = {}, value = {}, root = {}, proof = {};
	const char *wrong = "malformed";

	if (get_bytes(object, "key", &key) && get_bytes(object, "value", &value) &&
	    get_bytes(object, "root", &root) && get_bytes(object, "proof", &proof))
		wrong = verify(object, &key, &value, &root, &proof);
	count(file, get_text(object, "name", "vector"), wrong);
	free(key.data);
	free(value.data);
	free(root.data);
	free(proof.data);
}

static const char *change(struct sb_memory *memory, json_object *object)
{
	struct bytes key = {}, value = {};
	int rc = -1;

	if (get_bytes(object, "key", &key) && get_bytes(object, "value", &value))
		rc = value.length ? sb_memory_put(memory, key.data, key.length, value.data, value.length) :
				    sb_memory_remove(memory, key.data, key.length);
	free(key.data);
	free(value.data);
	return rc ? "a change failed" : NULL;
}

static const char *check_proof(struct sb_memory *memory, json_object *object)
{
	static uint8_t out[SB_PROOF_MAX];
	struct bytes key = {}, proof = {}, simple = {};
	const char *wrong = NULL;
	bool present = false;
	size_t length;

	if (!get_bytes(object, "key", &key) || !get_bytes(object, "proof", &proof) ||
	    !get_bytes(object, "simple", &simple))
		wrong = "malformed";
	else if (sb_tree_prove(sb_memory_pages(memory), key.data, key.length, out, sizeof(out), &length, &present))
		wrong = "no proof";
	else if (length != proof.length || memcmp(out, proof.data, length))
		wrong = "another proof";
	else if (present != !!simple.length)
		wrong = "present, or absent, by mistake";
	else if (present && sb_tree_prove_simple(sb_memory_pages(memory), key.data, key.length, out, &length))
		wrong = "no simple:v";
	else if (present && (length != simple.length || memcmp(out, simple.data, length)))
		wrong = "another simple:v";
	free(key.data);
	free(proof.data);
	free(simple.data);
	return wrong;
}

static const char *run_batch(struct sb_memory *memory, json_object *object)
{
	uint8_t root[SB_TREE_HASH_LEN];
	struct bytes want = {};
	json_object *list;
	const char *wrong = NULL;

	if (!json_object_object_get_ex(object, "changes", &list))
		return "malformed";
	for (size_t i = 0; !wrong && i < json_object_array_length(list); i++)
		wrong = change(memory, json_object_array_get_idx(list, i));
	if (wrong)
		return wrong;
	if (sb_memory_root(memory, root))
		return "no root";
	if (!get_bytes(object, "root", &want) || want.length != sizeof(root) ||
	    memcmp(want.data, root, sizeof(root)))
		wrong = "another root";
	free(want.data);
	if (!json_object_object_get_ex(object, "proofs", &list))
		return "malformed";
	for (size_t i = 0; !wrong && i < json_object_array_length(list); i++)
		wrong = check_proof(memory, json_object_array_get_idx(list, i));
	return wrong;
}

static void run_history(const char *file, json_object *list)
{
	struct sb_memory *memory = sb_memory_new();
	char name[32];

	for (size_t i = 0; memory && i < json_object_array_length(list); i++) {
		snprintf(name, sizeof(name), "batch %zu", i);
		count(file, name, run_batch(memory, json_object_array_get_idx(list, i)));
	}
	sb_memory_free(memory);
}

static void run_file(const char *directory, const char *file)
{
	unsigned int passed_before = passed, failed_before = failed;
	json_object *object, *list;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	object = json_object_from_file(path);
	if (!object)
		count(file, "file", "cannot be read");
	else if (json_object_object_get_ex(object, "history", &list))
		run_history(file, list);
	else if (json_object_object_get_ex(object, "vectors", &list))
		for (size_t i = 0; i < json_object_array_length(list); i++)
			run_vector(file, json_object_array_get_idx(list, i));
	else
		run_vector(file, object);
	json_object_put(object);
	printf("%s  %s: %u of %u\n", failed == failed_before && passed > passed_before ? "ok   " : "FAIL ", file,
	       passed - passed_before, passed - passed_before + failed - failed_before);
}

static int is_json(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 5 && !strcmp(entry->d_name + length - 5, ".json");
}

int main(int argc, char **argv)
{
	struct dirent **file;
	int files;

	if (argc != 2) {
		fprintf(stderr, "usage: smt_vectors DIR\n");
		return 2;
	}
	files = scandir(argv[1], &file, is_json, alphasort);
	if (files < 0) {
		perror(argv[1]);
		return 2;
	}
	for (int i = 0; i < files; i++) {
		run_file(argv[1], file[i]->d_name);
		free(file[i]);
	}
	free(file);
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}
