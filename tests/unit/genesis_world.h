/* SPDX-License-Identifier: Apache-2.0 */
/* The genesis of a small ledger, one member and one enroller, as a daemon takes it; and a node's grant key. */
#ifndef GENESIS_WORLD_H
#define GENESIS_WORLD_H

#include "device_world.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "state/message_json.h"

/* JSON to @out, without a line's end. Of more than one grant key two have to sign. */
static inline void write_genesis(FILE *out, Sealbond__Parameters *parameters, const struct person *ann,
				 const struct person *desk, ProtobufCBinaryData *grant_keys, size_t count)
{
	Sealbond__Genesis genesis = SEALBOND__GENESIS__INIT;
	Sealbond__Member member = SEALBOND__MEMBER__INIT, *members[] = { &member };
	Sealbond__Enroller enroller = SEALBOND__ENROLLER__INIT, *enrollers[] = { &enroller };
	Sealbond__GrantKeys keys = SEALBOND__GRANT_KEYS__INIT;
	struct sb_json json = { out, false };

	member.key = span32(ann->key);
	member.weight = 1;
	member.name = (char *)"ann";
	enroller.key = span32(desk->key);
	enroller.name = (char *)"desk";
	keys.n_keys = count;
	keys.keys = grant_keys;
	keys.threshold = count > 1 ? 2 : 1;
	genesis.parameters = parameters;
	genesis.n_members = 1;
	genesis.members = members;
	genesis.threshold = 1;
	genesis.n_enrollers = 1;
	genesis.enrollers = enrollers;
	genesis.grant_keys = &keys;
	sb_message_to_json(&json, NULL, &genesis);
}

/* A new one, as PEM. Out: its point. */
static inline void write_grant_key(const char *path, uint8_t point[64])
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	FILE *file = fopen(path, "w");
	uint8_t whole[65];
	size_t length;

	if (!file || PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) != 1 || fclose(file) ||
	    EVP_PKEY_get_octet_string_param(key, "pub", whole, sizeof(whole), &length) != 1 || length != 65)
		fail_msg("%s: %s", path, strerror(errno));
	memcpy(point, whole + 1, 64);
	EVP_PKEY_free(key);
}

#endif
