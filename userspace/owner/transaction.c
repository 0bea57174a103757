// SPDX-License-Identifier: Apache-2.0
#include "owner/transaction.h"

#include <errno.h>

#include "common/cleanup.h"
#include "state/codes.h"
#include "state/person.h"

int sb_transaction_make(const uint8_t secret[SB_PERSON_SECRET_LEN], const char *chain, uint64_t sequence,
			const Sealbond__Body *body, uint8_t **tx, size_t *length)
{
	Sealbond__SignedTx whole = SEALBOND__SIGNED_TX__INIT;
	Sealbond__PersonAuth auth = SEALBOND__PERSON_AUTH__INIT;
	uint8_t key[SB_PERSON_KEY_LEN], message[32], signature[SB_PERSON_SIGNATURE_LEN];
	sb_cleanup_free uint8_t *packed = sb_message_pack(body, &whole.body.len);
	size_t size;
	int result = sb_person_key(secret, key);

	if (result < 0)
		return result;
	sb_person_message(chain, key, sequence, packed, whole.body.len, message);
	result = sb_person_sign(secret, message, signature);
	if (result < 0)
		return result;
	whole.body.data = packed;
	whole.auth_case = SEALBOND__SIGNED_TX__AUTH_PERSON;
	whole.person = &auth;
	auth.key = (ProtobufCBinaryData){ sizeof(key), key };
	auth.sequence = sequence;
	auth.signature = (ProtobufCBinaryData){ sizeof(signature), signature };
	if (protobuf_c_message_get_packed_size(&whole.base) > SB_TX_MAX)
		return -EMSGSIZE;
	*tx = sb_message_pack(&whole, &size);
	*length = size;
	return 0;
}
