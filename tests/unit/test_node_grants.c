// SPDX-License-Identifier: Apache-2.0
/*
 * Grants that several nodes sign, each from its own state, as the holder's helper merges them and its kernel takes
 * them; and what conduits and holds come to in them.
 */
#include "app_world.h"

#include "device/ledger_grant.h"
#include "kernel_grant.h"
#include "ledger/grant_terms.h"

#define ASKED_NS	7000000000ULL

/* Three nodes; A and B live in one zone. */
struct three {
	struct node *node[NODES_MOST];
	uint8_t secret[2][32], zone[2][32];	/* the zone's and another's: a conduit, or B's */
	uint8_t holder_proof[2][64], device_proof[2][64], nonce[16];
	uint8_t points[NODES_MOST][64];
	Sealbond__GrantRequest request;
	struct sb_grant_wanted wanted;
};

static int open_three(void **state)
{
	struct three *three = calloc(1, sizeof(*three));
	struct device *a, *b;

	assert_true(sodium_init() >= 0);
	for (int i = NODES_MOST; i-- > 0;)
		three->node[i] = make_node(i + 1 < NODES_MOST ? three->node[i + 1] : NULL);
	begin_chain(three->node[0]);
	a = &three->node[0]->plant.a;
	b = &three->node[0]->plant.b;
	for (int i = 0; i < 2; i++)
		sb_zone_authority_new(three->secret[i], three->zone[i]);
	live(three->node[0], a, three->secret[0], three->holder_proof[0]);
	live(three->node[0], b, three->secret[0], three->device_proof[0]);
	three->nonce[0] = 1;
	sealbond__grant_request__init(&three->request);
	three->request.holder = span32(a->id);
	three->request.device = span32(b->id);
	three->request.nonce = (ProtobufCBinaryData){ 16, three->nonce };
	three->request.zone = span32(three->zone[0]);
	three->request.holder_proof = (ProtobufCBinaryData){ 64, three->holder_proof[0] };
	three->request.device_proof = (ProtobufCBinaryData){ 64, three->device_proof[0] };
	for (int i = 0; i < NODES_MOST; i++)
		memcpy(three->points[i], three->node[i]->grant_point, 64);
	three->wanted = (struct sb_grant_wanted){ .keys = three->points, .keys_count = NODES_MOST, .threshold = 2 };
	sb_digest_of(CHAIN, strlen(CHAIN), three->wanted.chain_id);
	memcpy(three->wanted.holder, a->id, 32);
	memcpy(three->wanted.device, b->id, 32);
	memcpy(three->wanted.nonce, three->nonce, 16);
	*state = three;
	return 0;
}

static int close_three(void **state)
{
	struct three *three = *state;
	void *first = three->node[0];

	close_node(&first);
	free(three);
	return 0;
}

static uint32_t add_from(struct three *three, int node, struct sb_grant_merge *merge, int64_t *as_of)
{
	Sealbond__GrantAnswer *answer;
	uint32_t code = asks(three->node[node], &three->request, &answer);

	if (code == SB_TX_OK) {
		assert_int_equal(sb_grant_merge_add(merge, &three->wanted, answer->grant.data, answer->grant.len), 0);
		*as_of = answer->as_of;
	}
	sb_message_free(answer);
	return code;
}

/* As the kernel of A does it. @left_ms: of the grant, from the request on. */
static int kernel(const struct three *three, const struct sb_grant_file *grant, uint64_t *left_ms, uint64_t *hold_ms)
{
	uint8_t data[SB_GRANT_MAX];
	size_t length = sb_grant_file_encode(grant, data);
	uint64_t end = 0;
	int result = kernel_takes(three->points[0], NODES_MOST, 2, data, length, three->wanted.chain_id,
				  three->wanted.holder, ASKED_NS, &end, hold_ms);

	*left_ms = (end - ASKED_NS) / 1000000;
	return result;
}

static int64_t lease_end_of(struct three *three, const struct device *device)
{
	uint8_t key[SB_RECORD_KEY_MAX];
	struct sb_app_answer answer;
	Sealbond__Device *record;
	int64_t end;

	ask(three->node[0], SB_QUERY_PATH, key, sb_record_key(SB_RECORD_DEVICE, device->id, 32, key), false, &answer);
	record = sb_message_read(&sealbond__device__descriptor, answer.value, answer.value_length);
	assert_non_null(record);
	end = record->lease_end;
	sb_message_free(record);
	sb_app_answer_free(&answer);
	return end;
}

/* One node alone gets a block: the others are behind. */
static void empty_block(struct node *node)
{
	struct node *rest = node->next;

	node->next = NULL;
	begin_block(node);
	end_block(node);
	node->next = rest;
}

static void nodes_a_block_apart(void **state)
{
	struct three *three = *state;
	struct sb_grant_merge merge = { 0 };
	const struct sb_grant_file *ready;
	int64_t as_of = 0, same;
	uint64_t left, hold;

	empty_block(three->node[1]);
	empty_block(three->node[2]);
	empty_block(three->node[2]);
	three->request.hold = UINT32_MAX;
	assert_int_equal(add_from(three, 0, &merge, &as_of), SB_TX_OK);
	assert_int_equal(as_of, three->node[0]->time + SB_GRANT_AHEAD);
	assert_null(sb_grant_merge_ready(&merge, &three->wanted));
	/* one signature is not enough for the kernel either */
	assert_int_equal(kernel(three, &merge.grant[0], &left, &hold), -EKEYREJECTED);
	three->request.as_of = as_of;
	assert_int_equal(add_from(three, 1, &merge, &same), SB_TX_OK);
	assert_int_equal(same, as_of);
	ready = sb_grant_merge_ready(&merge, &three->wanted);
	assert_non_null(ready);
	assert_int_equal(kernel(three, ready, &left, &hold), 0);
	assert_int_equal(add_from(three, 2, &merge, &same), SB_TX_OK);
	assert_int_equal(merge.count, 1);
	assert_int_equal(merge.grant[0].count, 3);
	/* A's lease is the earlier one. The ledger's hold comes behind it. */
	assert_int_equal(kernel(three, &merge.grant[0], &left, &hold), 0);
	assert_int_equal(hold, HOLD * 1000ULL);
	assert_int_equal(left - hold, (lease_end_of(three, &three->node[0]->plant.a) - as_of) * 1000);
}

/* However old a request is, and however often it is sent: nothing lasts longer than the lease. */
static void an_old_request_is_worth_nothing(void **state)
{
	struct three *three = *state;
	struct device *a = &three->node[0]->plant.a;
	struct sb_grant_file grant;
	int64_t now, end = lease_end_of(three, a);

	for (int i = 0; i < 40; i++) {
		now = three->node[0]->time;
		for (int64_t as_of = now - 100; as_of <= now + 100; as_of++) {
			uint32_t code;

			three->request.as_of = as_of;
			code = granted(three->node[0], &three->request, &grant);
			assert_int_equal(code, as_of >= now && as_of <= now + SB_GRANT_AHEAD_MOST ? SB_TX_OK : SB_TX_FIELD);
			if (code == SB_TX_OK)
				assert_true(now * 1000 + (int64_t)sb_grant_file_duration(&grant) <= end * 1000);
			as_of += i ? 19 : 0;
		}
		empty_block(three->node[0]);
	}
	three->request.as_of = INT64_MIN;
	assert_int_equal(granted(three->node[0], &three->request, &grant), SB_TX_FIELD);
	three->request.as_of = INT64_MAX;
	assert_int_equal(granted(three->node[0], &three->request, &grant), SB_TX_FIELD);
}

/* A heartbeat in between is another record: those nodes that have it agree among themselves. */
static void a_node_that_missed_a_heartbeat(void **state)
{
	struct three *three = *state;
	struct device *b = &three->node[0]->plant.b, *a = &three->node[0]->plant.a;
	struct node *behind = three->node[1]->next;
	struct sb_grant_merge merge = { 0 };
	uint64_t left, hold;
	int64_t as_of;
	size_t length;

	three->node[1]->next = NULL;
	for (int i = 0; i < 2; i++) {
		BODY(HEARTBEAT, heartbeat, Heartbeat, heartbeat);

		heartbeat_of(i ? b : a, &heartbeat);
		assert_int_equal(put_tx(three->node[0], quote_body(i ? b : a, three->node[0]->height, &body, &length), &length),
				 SB_TX_OK);
	}
	three->node[1]->next = behind;
	assert_int_equal(add_from(three, 2, &merge, &as_of), SB_TX_OK);
	three->request.as_of = three->node[0]->time + 1;
	assert_int_equal(add_from(three, 0, &merge, &as_of), SB_TX_OK);
	assert_null(sb_grant_merge_ready(&merge, &three->wanted));
	assert_int_equal(add_from(three, 1, &merge, &as_of), SB_TX_OK);
	assert_non_null(sb_grant_merge_ready(&merge, &three->wanted));
	assert_int_equal(kernel(three, sb_grant_merge_ready(&merge, &three->wanted), &left, &hold), 0);
}

/* The ledger's hold at most, the holder's at most; for live devices, and inside a zone only. */
static void holds(void **state)
{
	struct three *three = *state;
	struct device *a = &three->node[0]->plant.a, *b = &three->node[0]->plant.b;
	struct sb_grant_file grant;

	assert_int_equal(granted(three->node[0], &three->request, &grant), SB_TX_OK);
	assert_int_equal(sb_grant_file_hold(&grant), 0);
	three->request.hold = 3600;
	assert_int_equal(granted(three->node[0], &three->request, &grant), SB_TX_OK);
	assert_int_equal(sb_grant_file_hold(&grant), 3600000);
	three->request.hold = HOLD + 1;
	assert_int_equal(granted(three->node[0], &three->request, &grant), SB_TX_OK);
	assert_int_equal(sb_grant_file_hold(&grant), HOLD * 1000ULL);
	/* The second tag of both: a conduit. */
	assert_int_equal(sets_tags(three->node[0], a, three->secret, 2, three->holder_proof), SB_TX_OK);
	assert_int_equal(sets_tags(three->node[0], b, three->secret, 2, three->device_proof), SB_TX_OK);
	three->request.zone = span32(three->zone[1]);
	three->request.holder_proof.data = three->holder_proof[1];
	three->request.device_proof.data = three->device_proof[1];
	assert_int_equal(granted(three->node[0], &three->request, &grant), SB_TX_OK);
	assert_int_equal(sb_grant_file_hold(&grant), 0);
}

static void terms(void **state)
{
	Sealbond__Parameters parameters = SEALBOND__PARAMETERS__INIT;
	Sealbond__Device holder = SEALBOND__DEVICE__INIT, device;
	uint8_t key[32] = { 9 };
	struct sb_grant_terms terms;
	char why[SB_TX_LOG_MAX];

	parameters.lease = 86400;
	parameters.hold = 366 * 86400;
	holder.state = SEALBOND__DEVICE_STATE__LIVE;
	holder.lease_end = 100000;
	holder.key = span32(key);
	device = holder;
	/* what fits: a grant has at most thirty days */
	assert_int_equal(sb_grant_terms(&parameters, &holder, &device, true, 1000, 1000, UINT32_MAX, &terms, why), SB_TX_OK);
	assert_int_equal(terms.duration_ms, 30ULL * 86400000);
	assert_int_equal(terms.hold_s, 30 * 86400 - 99000);
	device.lease_end = 31 * 86400 + 1000;
	holder.lease_end = device.lease_end + 5;
	assert_int_equal(sb_grant_terms(&parameters, &holder, &device, true, 1000, 1000, UINT32_MAX, &terms, why), SB_TX_OK);
	assert_int_equal(terms.duration_ms, 30ULL * 86400000);
	assert_int_equal(terms.hold_s, 0);
	/* in quarantine nothing is held */
	holder.lease_end = device.lease_end = 100000;
	holder.state = SEALBOND__DEVICE_STATE__QUARANTINED;
	assert_int_equal(sb_grant_terms(&parameters, &holder, &device, true, 1000, 1000, 60, &terms, why), SB_TX_OK);
	assert_true(terms.quarantine);
	assert_int_equal(terms.hold_s, 0);
	holder.state = SEALBOND__DEVICE_STATE__LIVE;
	/* to the last second, and not one further */
	assert_int_equal(sb_grant_terms(&parameters, &holder, &device, true, 99999, 0, 0, &terms, why), SB_TX_OK);
	assert_int_equal(terms.duration_ms, 1000);
	assert_int_equal(sb_grant_terms(&parameters, &holder, &device, true, 99999, 100000, 0, &terms, why), SB_TX_STATE);
	assert_int_equal(sb_grant_terms(&parameters, &holder, &device, true, 100000, 0, 60, &terms, why), SB_TX_STATE);
	/* a short lease is not used up by looking ahead */
	parameters.lease = 30;
	assert_int_equal(sb_grant_terms(&parameters, &holder, &device, true, 99970, 0, 0, &terms, why), SB_TX_OK);
	assert_int_equal(terms.as_of, 99971);
}

/* A in one zone, B in another, and a conduit between: both ways, for as long as both are in it. */
static void a_conduit(void **state)
{
	struct three *three = *state;
	struct node *node = three->node[0];
	struct device *a = &node->plant.a, *b = &node->plant.b;
	uint8_t between[2][32], other[2][32], conduit[32], a_proof[2][64], b_proof[2][64], point[32];
	Sealbond__GrantRequest there = three->request, back;
	struct sb_grant_file grant;

	sb_zone_authority_new(between[1], conduit);
	memcpy(between[0], three->secret[0], 32);
	sb_zone_authority_new(other[0], point);
	memcpy(other[1], between[1], 32);
	/* B moves to another zone: with A it has no zone in common any more. */
	assert_int_equal(sets_tags(node, b, other, 1, b_proof), SB_TX_OK);
	assert_int_equal(granted(node, &there, &grant), SB_TX_NOT_ALLOWED);
	assert_int_equal(sets_tags(node, a, between, 2, a_proof), SB_TX_OK);
	there.zone = span32(conduit);
	there.holder_proof.data = a_proof[1];
	there.device_proof.data = b_proof[1];
	back = there;
	back.holder = span32(b->id);
	back.device = span32(a->id);
	back.holder_proof.data = b_proof[1];
	back.device_proof.data = a_proof[1];
	/* only one of them is in it */
	assert_int_equal(granted(node, &there, &grant), SB_TX_NOT_ALLOWED);
	assert_int_equal(granted(node, &back, &grant), SB_TX_NOT_ALLOWED);
	assert_int_equal(sets_tags(node, b, other, 2, b_proof), SB_TX_OK);
	assert_int_equal(granted(node, &there, &grant), SB_TX_OK);
	assert_memory_equal(grant.body.device_id, b->id, 32);
	assert_int_equal(granted(node, &back, &grant), SB_TX_OK);
	assert_memory_equal(grant.body.device_id, a->id, 32);
	assert_memory_equal(grant.body.holder, b->id, 32);
	/* The conduit does not make them one zone: neither in the other's. */
	there.zone = span32(three->zone[0]);
	there.holder_proof.data = a_proof[0];
	assert_int_equal(granted(node, &there, &grant), SB_TX_NOT_ALLOWED);
	there.zone = span32(conduit);
	there.holder_proof.data = a_proof[1];
	/* A is taken out of it. */
	assert_int_equal(sets_tags(node, a, between, 1, a_proof), SB_TX_OK);
	assert_int_equal(granted(node, &there, &grant), SB_TX_NOT_ALLOWED);
	assert_int_equal(granted(node, &back, &grant), SB_TX_NOT_ALLOWED);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, open_three, close_three)
	const struct CMUnitTest tests[] = {
		WITH(nodes_a_block_apart), WITH(an_old_request_is_worth_nothing), WITH(a_node_that_missed_a_heartbeat),
		WITH(holds), cmocka_unit_test(terms), WITH(a_conduit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
