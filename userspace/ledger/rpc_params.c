// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "ledger/rpc_call.h"

int sb_rpc_fail(struct sb_rpc_call *call, int code, const char *format, ...)
{
	va_list arguments;

	call->code = code;
	va_start(arguments, format);
	vsnprintf(call->error, sizeof(call->error), format, arguments);
	va_end(arguments);
	return SB_RPC_FAILED;
}

static bool wrong(struct sb_rpc_call *call, const char *name, const char *what)
{
	sb_rpc_fail(call, SB_RPC_PARAMS, "error converting json params to arguments: %s: %s", name, what);
	return false;
}

static json_object *find(struct sb_rpc_call *call, const char *name)
{
	json_object *found = NULL;

	if (call->params)
		json_object_object_get_ex(call->params, name, &found);
	/* an argument of a URI that has no value is missing */
	if (call->uri && found && !json_object_get_string_len(found))
		return NULL;
	return found;
}

/* Without the quotation marks that a URI's string has. Out: the length. */
static const char *word_of(struct sb_rpc_call *call, json_object *value, size_t *length, bool *quoted)
{
	const char *text = json_object_get_string(value);

	*length = (size_t)json_object_get_string_len(value);
	*quoted = call->uri && *length >= 2 && text[0] == '"' && text[*length - 1] == '"';
	if (*quoted)
		*length -= 2;
	return text + *quoted;
}

bool sb_rpc_int64(struct sb_rpc_call *call, const char *name, int64_t *value, bool *there)
{
	json_object *found = find(call, name);
	char digits[24], *end;
	const char *text;
	size_t length;
	bool quoted;

	*there = found != NULL;
	if (!found)
		return true;
	if (json_object_is_type(found, json_type_int)) {
		*value = json_object_get_int64(found);
		return true;
	}
	if (!json_object_is_type(found, json_type_string))
		return wrong(call, name, "no integer");
	text = word_of(call, found, &length, &quoted);
	if (!length || length >= sizeof(digits))
		return wrong(call, name, "no integer");
	memcpy(digits, text, length);
	digits[length] = '\0';
	errno = 0;
	*value = strtoll(digits, &end, 10);
	if (*end || end != digits + length || errno || digits[0] == ' ' || digits[0] == '+')
		return wrong(call, name, "no integer of 64 bits");
	return true;
}

bool sb_rpc_bool(struct sb_rpc_call *call, const char *name, bool *value)
{
	json_object *found = find(call, name);
	const char *text;
	size_t length;
	bool quoted;

	*value = false;
	if (!found)
		return true;
	if (json_object_is_type(found, json_type_boolean)) {
		*value = json_object_get_boolean(found);
		return true;
	}
	if (!json_object_is_type(found, json_type_string))
		return wrong(call, name, "neither true nor false");
	text = word_of(call, found, &length, &quoted);
	if (length == 4 && !memcmp(text, "true", 4))
		*value = true;
	else if (length != 5 || memcmp(text, "false", 5) != 0)
		return wrong(call, name, "neither true nor false");
	return true;
}

bool sb_rpc_text(struct sb_rpc_call *call, const char *name, char *out, size_t room)
{
	json_object *found = find(call, name);
	const char *text;
	size_t length;
	bool quoted;

	out[0] = '\0';
	if (!found)
		return true;
	if (!json_object_is_type(found, json_type_string))
		return wrong(call, name, "no string");
	text = word_of(call, found, &length, &quoted);
	if (length >= room || memchr(text, 0, length))
		return wrong(call, name, "too long");
	memcpy(out, text, length);
	out[length] = '\0';
	return true;
}

static bool from_hex(const char *text, size_t length, uint8_t *out, size_t *bytes)
{
	const char *end;

	return !(length % 2) && !sodium_hex2bin(out, length / 2 + 1, text, length, NULL, bytes, &end) &&
	       end == text + length;
}

static bool from_base64(const char *text, size_t length, uint8_t *out, size_t *bytes)
{
	const char *end;

	return !sodium_base642bin(out, length + 1, text, length, NULL, bytes, &end,
				  sodium_base64_VARIANT_ORIGINAL) && end == text + length;
}

bool sb_rpc_bytes(struct sb_rpc_call *call, const char *name, bool hex, uint8_t **data, size_t *length)
{
	json_object *found = find(call, name);
	sb_cleanup_free uint8_t *out = NULL;
	bool quoted, prefixed, good;
	const char *text;
	size_t word;

	*data = NULL;
	*length = 0;
	if (!found)
		return true;
	if (!json_object_is_type(found, json_type_string))
		return wrong(call, name, "no string");
	text = word_of(call, found, &word, &quoted);
	out = malloc(word + 1);
	if (!out)
		return sb_rpc_fail(call, SB_RPC_INTERNAL, "out of memory"), false;
	/* base64, too, may begin with these two letters */
	prefixed = (call->uri || hex) && !quoted && word >= 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	if (prefixed) {
		good = from_hex(text + 2, word - 2, out, length);
	} else if (hex) {
		good = from_hex(text, word, out, length);
	} else if (quoted) {
		memcpy(out, text, word);
		*length = word;
		good = true;
	} else {
		good = !call->uri && from_base64(text, word, out, length);
	}
	if (!good)
		return wrong(call, name, hex ? "no hex" : call->uri ? "neither 0x and hex nor a string in quotation "
			     "marks" : "no base64");
	*data = sb_take_ptr(out);
	return true;
}

bool sb_rpc_height(struct sb_rpc_call *call, int64_t over, int64_t *height, struct sb_chain_tip *tip)
{
	bool there;

	sb_chain_tip(call->rpc->chain, tip);
	*height = tip->height;
	if (!sb_rpc_int64(call, "height", height, &there))
		return false;
	if (*height <= 0)
		sb_rpc_fail(call, SB_RPC_INTERNAL, "height must be greater than 0, but got %" PRId64, *height);
	else if (*height > tip->height + over)
		sb_rpc_fail(call, SB_RPC_INTERNAL, "height %" PRId64 " must be less than or equal to the current "
			    "blockchain height %" PRId64, *height, tip->height + over);
	else
		return true;
	return false;
}

int sb_rpc_read(struct sb_rpc_call *call, int64_t height, struct sb_stored *stored)
{
	struct sb_blocks *blocks = sb_chain_blocks(call->rpc->chain);
	sb_cleanup_free uint8_t *commit = NULL;
	struct sb_stored read = { .bytes = NULL };
	size_t length;
	int rc = sb_blocks_get(blocks, SB_BLOCKS_BLOCK, height, &read.bytes, &read.length);

	if (!rc)
		rc = sb_blocks_get(blocks, SB_BLOCKS_COMMIT, height, &commit, &length);
	if (!rc)
		rc = sb_block_decode(read.bytes, read.length, &read.block);
	if (!rc)
		rc = sb_commit_decode(commit, length, &read.commit);
	if (rc)
		sb_stored_free(&read);
	else
		*stored = read;
	return rc;
}

bool sb_rpc_load(struct sb_rpc_call *call, int64_t height, struct sb_stored *stored)
{
	int rc = sb_rpc_read(call, height, stored);
	int64_t base;

	if (!rc)
		return true;
	base = sb_chain_base(call->rpc->chain);
	if (rc == -ENOENT && height < base)
		sb_rpc_fail(call, SB_RPC_INTERNAL, "height %" PRId64 " is not available, lowest height is %" PRId64, height,
			    base);
	else if (rc == -ENOENT)
		sb_rpc_fail(call, SB_RPC_INTERNAL, "height %" PRId64 " is not available%s", height,
			    sb_chain_is_gap(call->rpc->chain, height) ? ": the ledger was restored from a backup, and goes on "
			    "at a greater height" : "");
	else
		sb_rpc_fail(call, SB_RPC_INTERNAL, "height %" PRId64 " cannot be read: %s", height, strerror(-rc));
	return false;
}

bool sb_rpc_load_first(struct sb_rpc_call *call, int64_t *height, struct sb_stored *stored)
{
	int64_t base = sb_chain_base(call->rpc->chain);

	do {
		*height = base;
		if (!sb_rpc_read(call, base, stored))
			return true;
		base = sb_chain_base(call->rpc->chain);
	} while (base != *height);
	return sb_rpc_load(call, base, stored);
}

void sb_stored_free(struct sb_stored *stored)
{
	sb_block_free(&stored->block);
	sb_commit_free(&stored->commit);
	free(stored->bytes);
	stored->bytes = NULL;
}
