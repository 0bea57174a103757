// SPDX-License-Identifier: Apache-2.0
/* The members' checkpoints that a node keeps: when one is complete, who it leads on, what of them stays. */
#include <errno.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>
#include <string.h>

#include "cmocka_all.h"
#include "common/cleanup.h"
#include "ledger/checkpoints.h"

static struct sb_error error;

static void person(unsigned int number, secp256k1_keypair *pair, uint8_t key[32])
{
	secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	secp256k1_xonly_pubkey public;
	uint8_t secret[32] = { 7 };

	secret[31] = (uint8_t)number;
	assert_int_equal(secp256k1_keypair_create(context, pair, secret), 1);
	assert_int_equal(secp256k1_keypair_xonly_pub(context, &public, NULL, pair), 1);
	assert_int_equal(secp256k1_xonly_pubkey_serialize(context, key, &public), 1);
	secp256k1_context_destroy(context);
}

/* From first on, of weight 1 each. */
static struct sb_members members_of(unsigned int first, unsigned int count, uint32_t threshold)
{
	struct sb_members members = { .count = count, .threshold = threshold };
	secp256k1_keypair pair;

	for (unsigned int i = 0; i < count; i++) {
		person(first + i, &pair, members.member[i].key);
		members.member[i].weight = 1;
	}
	assert_int_equal(sb_members_sort(&members), 0);
	return members;
}

static struct sb_checkpoint at_height(int64_t height, const struct sb_members *members)
{
	struct sb_checkpoint checkpoint = { .chain = "plant", .height = height, .time = { 1000 + height, 5 },
					    .members = *members };

	memset(checkpoint.hash, (int)height, sizeof(checkpoint.hash));
	return checkpoint;
}

static void sign(struct sb_checkpoint *checkpoint, unsigned int number)
{
	secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	size_t at = checkpoint->signatures++;
	uint8_t key[32], message[32];
	secp256k1_keypair pair;

	person(number, &pair, key);
	for (; at && memcmp(checkpoint->signature[at - 1].key, key, 32) > 0; at--)
		checkpoint->signature[at] = checkpoint->signature[at - 1];
	memcpy(checkpoint->signature[at].key, key, 32);
	assert_int_equal(sb_checkpoint_message(checkpoint, message), 0);
	assert_int_equal(secp256k1_schnorrsig_sign32(context, checkpoint->signature[at].signature, message, &pair, NULL), 1);
	secp256k1_context_destroy(context);
}

/* One with these members' signatures, 0 ending them. Complete: 1; not yet: 0; else the error. */
static int add(struct sb_checkpoints *list, int64_t height, const struct sb_members *now, unsigned int a, unsigned int b,
	       unsigned int c)
{
	struct sb_checkpoint checkpoint = at_height(height, now);
	struct sb_checkpoint_weight weight;
	int result;

	for (size_t i = 0; i < 3; i++)
		if ((unsigned int[]){ a, b, c }[i])
			sign(&checkpoint, (unsigned int[]){ a, b, c }[i]);
	result = sb_checkpoints_add(list, &checkpoint, now, &weight, &error);
	return result ? result : weight.complete;
}

/* What a device that is at a height and believes these members comes to; 0: nowhere. */
static int64_t leads_to(const struct sb_checkpoints *list, int64_t above, struct sb_members members)
{
	sb_cleanup(sb_bytes_free) struct sb_bytes bytes = { .data = NULL };
	static struct sb_checkpoint last;

	sb_checkpoints_answer(list, above, &bytes);
	return sb_checkpoint_follow(bytes.data, bytes.length, "plant", above, &members, &last, &error) ? 0 : last.height;
}

/* As bytes and back it is the same list. */
static void comes_back(struct sb_checkpoints *list)
{
	sb_cleanup(sb_bytes_free) struct sb_bytes bytes = { .data = NULL }, again = { .data = NULL };
	struct sb_checkpoints read;

	sb_checkpoints_write(list, &bytes);
	assert_int_equal(sb_checkpoints_read(bytes.data, bytes.length, &read), 0);
	assert_int_equal(read.count, list->count);
	assert_int_equal(read.complete, list->complete);
	sb_checkpoints_write(&read, &again);
	assert_int_equal(again.length, bytes.length);
	assert_memory_equal(again.data, bytes.data, bytes.length);
	for (size_t length = 0; length < bytes.length; length += 7)
		assert_int_equal(sb_checkpoints_read(bytes.data, length, &read) < 0 ? 0 : 1, 0);
	sb_checkpoints_free(list);
	*list = (struct sb_checkpoints){ .count = 0 };
	assert_int_equal(sb_checkpoints_read(again.data, again.length, list), 0);
	bytes.data[bytes.length - 1] ^= 1;
	if (list->count)
		assert_int_equal(sb_checkpoints_read(bytes.data, bytes.length, &read), -EBADMSG);
	sb_checkpoints_free(&read);
}

static void alone(void **state)
{
	struct sb_checkpoints list = { .count = 0 };
	struct sb_members members = members_of(1, 1, 1);

	comes_back(&list);
	assert_int_equal(leads_to(&list, 0, members), 0);
	assert_int_equal(add(&list, 10, &members, 1, 0, 0), 1);
	assert_int_equal(leads_to(&list, 0, members), 10);
	assert_int_equal(leads_to(&list, 10, members), 0);
	assert_int_equal(add(&list, 10, &members, 1, 0, 0), -ESTALE);
	assert_int_equal(add(&list, 30, &members, 1, 0, 0), 1);
	/* the older one is of no use any more */
	assert_int_equal(list.count, 1);
	assert_int_equal(leads_to(&list, 3, members), 30);
	assert_int_equal(add(&list, 40, &members, 2, 0, 0), -EKEYREJECTED);
	comes_back(&list);
	sb_checkpoints_free(&list);
}

static void collected(void **state)
{
	struct sb_checkpoints list = { .count = 0 };
	struct sb_members members = members_of(1, 3, 2);

	assert_int_equal(add(&list, 10, &members, 1, 9, 0), 0);
	assert_int_equal(leads_to(&list, 0, members), 0);
	/* another one, which the first has not signed: both wait */
	assert_int_equal(add(&list, 12, &members, 3, 0, 0), 0);
	assert_int_equal(list.count, 2);
	comes_back(&list);
	/* the first signs the other one: that is its word now */
	assert_int_equal(add(&list, 12, &members, 1, 0, 0), 1);
	assert_int_equal(list.count, 1);
	assert_int_equal(leads_to(&list, 0, members), 12);
	/* one that waits does not keep devices from what is complete */
	assert_int_equal(add(&list, 20, &members, 2, 0, 0), 0);
	assert_int_equal(leads_to(&list, 0, members), 12);
	comes_back(&list);
	assert_int_equal(add(&list, 20, &members, 3, 0, 0), 1);
	assert_int_equal(leads_to(&list, 0, members), 20);
	sb_checkpoints_free(&list);
}

static void other_members(void **state)
{
	struct sb_checkpoints list = { .count = 0 };
	struct sb_members first = members_of(1, 2, 2), then = members_of(2, 2, 2), last = members_of(3, 1, 1);

	assert_int_equal(add(&list, 10, &first, 1, 2, 0), 1);
	assert_int_equal(add(&list, 20, &first, 1, 2, 0), 1);
	/* the new ones alone are not enough, nor are the old ones */
	assert_int_equal(add(&list, 30, &then, 2, 3, 0), 0);
	assert_int_equal(add(&list, 30, &then, 1, 0, 0), 1);
	assert_int_equal(leads_to(&list, 0, first), 30);
	assert_int_equal(leads_to(&list, 25, then), 30);
	assert_int_equal(add(&list, 40, &then, 2, 3, 0), 1);
	assert_int_equal(add(&list, 50, &last, 3, 2, 0), 1);
	assert_int_equal(add(&list, 60, &last, 3, 0, 0), 1);
	/* from long ago, over everybody who came and went */
	assert_int_equal(leads_to(&list, 5, first), 60);
	assert_int_equal(leads_to(&list, 45, then), 60);
	assert_int_equal(leads_to(&list, 55, last), 60);
	/* what has come after is not what the ledger has */
	struct sb_checkpoint wrong = at_height(70, &then);
	struct sb_checkpoint_weight weight;

	sign(&wrong, 3);
	assert_int_equal(sb_checkpoints_add(&list, &wrong, &last, &weight, &error), -EINVAL);
	comes_back(&list);
	sb_checkpoints_free(&list);
}

/* However often members change, there is a bound. */
static void bounded(void **state)
{
	struct sb_checkpoints list = { .count = 0 };
	struct sb_members members = members_of(1, 1, 1);

	assert_int_equal(add(&list, 1, &members, 1, 0, 0), 1);
	for (unsigned int i = 2; i < 60; i++) {
		members = members_of(i, 1, 1);
		assert_int_equal(add(&list, i, &members, i - 1, i, 0), 1);
		assert_true(list.count <= SB_CHECKPOINTS_COMPLETE);
	}
	assert_int_equal(leads_to(&list, 50, members_of(50, 1, 1)), 59);
	assert_int_equal(leads_to(&list, 3, members_of(3, 1, 1)), 0);
	comes_back(&list);
	sb_checkpoints_free(&list);
}

static void recoveries(void **state)
{
	struct sb_checkpoints list = { .count = 0 };
	struct sb_members members = members_of(1, 1, 1);
	struct sb_checkpoint recovery = at_height(100, &members);
	sb_cleanup(sb_bytes_free) struct sb_bytes bytes = { .data = NULL };
	static struct sb_checkpoint last;
	struct sb_checkpoint_weight weight;

	recovery.after = 20;
	sign(&recovery, 1);
	assert_int_equal(add(&list, 10, &members, 1, 0, 0), 1);
	assert_int_equal(sb_checkpoints_add(&list, &recovery, &members, &weight, &error), 0);
	assert_true(weight.complete);
	assert_int_equal(add(&list, 120, &members, 1, 0, 0), 1);
	assert_int_equal(add(&list, 110, &members, 1, 0, 0), -ESTALE);
	assert_int_equal(leads_to(&list, 5, members), 120);
	comes_back(&list);
	sb_checkpoints_answer(&list, 30, &bytes);
	assert_int_equal(sb_checkpoint_recovery(bytes.data, bytes.length, "plant", 30, &members, &last, &error), 0);
	assert_int_equal(last.height, 100);
	assert_int_equal(last.after, 20);
	assert_int_equal(sb_checkpoint_recovery(bytes.data, bytes.length, "plant", 100, &members, &last, &error), -ENOENT);
	sb_checkpoints_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alone), cmocka_unit_test(collected), cmocka_unit_test(other_members),
		cmocka_unit_test(bounded), cmocka_unit_test(recoveries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
