// SPDX-License-Identifier: Apache-2.0
/* Traffic keys: against an independent implementation, and all apart. */
#include "hs_world.h"
#include "../vectors/protocol_vector.h"

static void test_vector(void **state)
{
	u8 key[SB_ESP_KEY_LEN];

	sb_kdf_esp(key, vector_final_ck, vector_final_h, SB_ALG_AES256GCM,
		   SB_DIR_FROM_INITIATOR, 0x21222324);
	assert_memory_equal(key, vector_from_initiator, sizeof(key));
	sb_kdf_esp(key, vector_final_ck, vector_final_h, SB_ALG_AES256GCM,
		   SB_DIR_FROM_RESPONDER, 0x11121314);
	assert_memory_equal(key, vector_from_responder, sizeof(key));
	sb_kdf_esp(key, vector_final_ck, vector_final_h, SB_ALG_CHACHA20POLY1305,
		   SB_DIR_FROM_INITIATOR, 0x21222324);
	assert_memory_equal(key, vector_esp_chacha, sizeof(key));
}

static void test_all_differ(void **state)
{
	u8 keys[32][SB_ESP_KEY_LEN], ck[SB_HASH_LEN] = {}, h[SB_HASH_LEN] = {};
	int i, j;

	/* One bit for each input: ck, h, algorithm, direction, SPI. */
	for (i = 0; i < 32; i++) {
		ck[31] = i & 1;
		h[31] = i >> 1 & 1;
		sb_kdf_esp(keys[i], ck, h, i >> 2 & 1, i >> 3 & 1, 1000 + (i >> 4 & 1));
		/* Key and salt both. */
		for (j = 0; j < i; j++) {
			assert_memory_not_equal(keys[i], keys[j], 32);
			assert_memory_not_equal(keys[i] + 32, keys[j] + 32, 4);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector), cmocka_unit_test(test_all_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
