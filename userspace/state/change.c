// SPDX-License-Identifier: Apache-2.0
/* The form of each change, and the table of members. */
#include "state/change.h"

#include <stdlib.h>
#include <string.h>

#include "sealbond/grant.h"
#include "state/cert.h"
#include "state/person.h"
#include "state/reference.h"
#include "state/zone.h"

bool sb_text_is_fine(const char *text, size_t most)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++)
		if ((uint8_t)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return length <= most;
}

bool sb_is_url(const char *url)
{
	return sb_text_is_fine(url, SB_URL_MAX) && !strchr(url, ' ') &&
	       (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0);
}

#define REFUSE(...)	sb_run_refuse(run, SB_TX_FIELD, __VA_ARGS__)
#define NAME_IS		"printable, at most 64 bytes"

static enum sb_tx_code check_key(struct sb_run *run, const char *at, ProtobufCBinaryData key)
{
	if (key.len == 32 && sb_person_key_is_valid(key.data))
		return SB_TX_OK;
	return REFUSE("%s.key: the x coordinate of a secp256k1 key, 32 bytes", at);
}

static enum sb_tx_code check_member(struct sb_run *run, const char *at, const Sealbond__Member *member)
{
	if (member->weight > SB_WEIGHT_MAX)
		return REFUSE("%s.weight: at most %d", at, SB_WEIGHT_MAX);
	if (!sb_text_is_fine(member->name, SB_NAME_MAX))
		return REFUSE("%s.name: " NAME_IS, at);
	return check_key(run, at, member->key);
}

static enum sb_tx_code check_replace(struct sb_run *run, const char *at, const Sealbond__ReplaceMember *replace)
{
	if (replace->key.len != 32)
		return REFUSE("%s.key: 32 bytes", at);
	if (replace->by.len != 32 || !sb_person_key_is_valid(replace->by.data) ||
	    sb_bytes_are(replace->by, replace->key.data, 32))
		return REFUSE("%s.by: another key, the x coordinate of a secp256k1 key, 32 bytes", at);
	if (!sb_text_is_fine(replace->name, SB_NAME_MAX))
		return REFUSE("%s.name: " NAME_IS, at);
	return SB_TX_OK;
}

static enum sb_tx_code check_enroller(struct sb_run *run, const char *at, const Sealbond__Enroller *enroller)
{
	if (!sb_text_is_fine(enroller->name, SB_NAME_MAX))
		return REFUSE("%s.name: " NAME_IS, at);
	if (enroller->url[0] && !sb_is_url(enroller->url))
		return REFUSE("%s.url: http:// or https://, at most %d bytes, or nothing", at, SB_URL_MAX);
	return check_key(run, at, enroller->key);
}

static enum sb_tx_code check_root(struct sb_run *run, const char *at, const Sealbond__TrustRoot *root)
{
	struct sb_cert cert;

	if (!sb_text_is_fine(root->name, SB_NAME_MAX))
		return REFUSE("%s.name: " NAME_IS, at);
	if (root->certificate.len > SB_CERT_MAX ||
	    sb_cert_parse(root->certificate.data, root->certificate.len, &cert) < 0)
		return REFUSE("%s.certificate: an X.509 certificate in DER, at most %d bytes", at, SB_CERT_MAX);
	return SB_TX_OK;
}

static enum sb_tx_code check_reference(struct sb_run *run, const char *at, const Sealbond__Reference *reference)
{
	if (!sb_text_is_fine(reference->name, SB_NAME_MAX))
		return REFUSE("%s.name: " NAME_IS, at);
	if (!sb_reference_is_valid(reference))
		return REFUSE("%s: an id of 1 to 32 bytes, and a SHA-256 value for each PCR of its mask", at);
	return SB_TX_OK;
}

static enum sb_tx_code check_validator(struct sb_run *run, const char *at, const Sealbond__Validator *validator)
{
	if (validator->key.len != 32)
		return REFUSE("%s.key: an Ed25519 key, 32 bytes", at);
	if (validator->power > SB_VALIDATOR_POWER_MAX)
		return REFUSE("%s.power: at most %lld", at, (long long)SB_VALIDATOR_POWER_MAX);
	if (!sb_text_is_fine(validator->name, SB_NAME_MAX))
		return REFUSE("%s.name: " NAME_IS, at);
	return SB_TX_OK;
}

static enum sb_tx_code check_grant_keys(struct sb_run *run, const char *at, const Sealbond__GrantKeys *keys)
{
	if (!keys->n_keys || keys->n_keys > SB_GRANT_KEYS_MAX)
		return REFUSE("%s.keys: 1 to %d", at, SB_GRANT_KEYS_MAX);
	for (size_t i = 0; i < keys->n_keys; i++) {
		if (keys->keys[i].len != 64)
			return REFUSE("%s.keys[%zu]: x and y of a P-256 key, 64 bytes", at, i);
		for (size_t j = 0; j < i; j++)
			if (sb_bytes_are(keys->keys[i], keys->keys[j].data, 64))
				return REFUSE("%s.keys[%zu]: twice", at, i);
	}
	if (!keys->threshold || keys->threshold > keys->n_keys)
		return REFUSE("%s.threshold: 1 to the number of keys", at);
	return SB_TX_OK;
}

/* With nothing but its id it removes the release. */
static enum sb_tx_code check_release(struct sb_run *run, const char *at, const Sealbond__Release *release)
{
	bool removes = !release->name[0] && !release->release_key.len && !release->n_references && !release->url[0] &&
		       !release->sha256.len;

	if (!release->id.len || release->id.len > 32)
		return REFUSE("%s.id: 1 to 32 bytes", at);
	if (removes)
		return SB_TX_OK;
	if (!release->name[0] || !sb_text_is_fine(release->name, SB_NAME_MAX))
		return REFUSE("%s.name: " NAME_IS ", or the id alone to remove it", at);
	if (release->release_key.len != 64)
		return REFUSE("%s.release_key: x and y of a P-256 key, 64 bytes", at);
	if (release->n_references > 64)
		return REFUSE("%s.references: at most 64", at);
	for (size_t i = 0; i < release->n_references; i++)
		if (!release->references[i].len || release->references[i].len > 32)
			return REFUSE("%s.references[%zu]: the id of a reference", at, i);
	if (release->url[0] && (!sb_is_url(release->url) || release->sha256.len != 32))
		return REFUSE("%s.url: http:// or https://, and the SHA-256 of what is there", at);
	if (release->sha256.len && release->sha256.len != 32)
		return REFUSE("%s.sha256: 32 bytes", at);
	return SB_TX_OK;
}

static enum sb_tx_code check_id(struct sb_run *run, const char *at, ProtobufCBinaryData id, size_t length)
{
	return id.len == length ? SB_TX_OK : REFUSE("%s: an id of %zu bytes", at, length);
}

static enum sb_tx_code check_rules(struct sb_run *run, const char *at, const Sealbond__Rules *rules)
{
	if (!rules->version || rules->height < 0)
		return REFUSE("%s.version, %s.height: 1 or more", at, at);
	return SB_TX_OK;
}

enum sb_tx_code sb_change_check(struct sb_run *run, const char *at, const Sealbond__Change *change)
{
	switch (change->change_case) {
	case SEALBOND__CHANGE__CHANGE_MEMBER:
		return check_member(run, at, change->member);
	case SEALBOND__CHANGE__CHANGE_THRESHOLD:
		return change->threshold ? SB_TX_OK : REFUSE("%s.threshold: 1 or more", at);
	case SEALBOND__CHANGE__CHANGE_ENROLLER:
		return check_enroller(run, at, change->enroller);
	case SEALBOND__CHANGE__CHANGE_ENROLLER_REMOVE:
		return check_id(run, at, change->enroller_remove, 32);
	case SEALBOND__CHANGE__CHANGE_ROOT:
		return check_root(run, at, change->root);
	case SEALBOND__CHANGE__CHANGE_ROOT_REMOVE:
		return check_id(run, at, change->root_remove, 32);
	case SEALBOND__CHANGE__CHANGE_REFERENCE:
		return check_reference(run, at, change->reference);
	case SEALBOND__CHANGE__CHANGE_REFERENCE_REMOVE:
		return change->reference_remove.len && change->reference_remove.len <= 32 ? SB_TX_OK :
			REFUSE("%s: an id of 1 to 32 bytes", at);
	case SEALBOND__CHANGE__CHANGE_PARAMETERS:
		return sb_parameters_check(run, at, change->parameters);
	case SEALBOND__CHANGE__CHANGE_VALIDATOR:
		return check_validator(run, at, change->validator);
	case SEALBOND__CHANGE__CHANGE_GRANT_KEYS:
		return check_grant_keys(run, at, change->grant_keys);
	case SEALBOND__CHANGE__CHANGE_REVOKE:
		return check_id(run, at, change->revoke, 32);
	case SEALBOND__CHANGE__CHANGE_RELEASE:
		return check_release(run, at, change->release);
	case SEALBOND__CHANGE__CHANGE_RULES:
		return check_rules(run, at, change->rules);
	case SEALBOND__CHANGE__CHANGE_ENDPOINT:
		return !sb_is_url(change->endpoint->url) ? REFUSE("%s.url: http:// or https://", at) :
		       !sb_text_is_fine(change->endpoint->name, SB_NAME_MAX) ? REFUSE("%s.name: " NAME_IS, at) : SB_TX_OK;
	case SEALBOND__CHANGE__CHANGE_UNFREEZE:
		return check_id(run, at, change->unfreeze, 32);
	case SEALBOND__CHANGE__CHANGE_ADMIT:
		return check_id(run, at, change->admit, 32);
	case SEALBOND__CHANGE__CHANGE_DISMISS:
		return check_id(run, at, change->dismiss, 32);
	case SEALBOND__CHANGE__CHANGE_ZONE_REMOVE:
		return check_id(run, at, change->zone_remove, SB_ZONE_ID_LEN);
	case SEALBOND__CHANGE__CHANGE_CLOSE:
		return SB_TX_OK;
	case SEALBOND__CHANGE__CHANGE_SUCCESSION:
		return sb_succession_check(run, at, change->succession);
	case SEALBOND__CHANGE__CHANGE_REPLACE:
		return check_replace(run, at, change->replace);
	default:
		return REFUSE("%s: says nothing", at);
	}
}

/* ---- members */

Sealbond__Members *sb_members_load(struct sb_run *run)
{
	return sb_run_load(run, &sealbond__members__descriptor, SB_RECORD_MEMBERS, NULL, 0);
}

/* Where the key stands, or would. */
static size_t place_of(const Sealbond__Members *members, ProtobufCBinaryData key, bool *there)
{
	size_t at = 0;
	int order = -1;

	while (at < members->n_members && (order = memcmp(members->members[at]->key.data, key.data, 32)) < 0)
		at++;
	*there = at < members->n_members && order == 0;
	return at;
}

uint32_t sb_members_weight_of(const Sealbond__Members *members, ProtobufCBinaryData key)
{
	bool there = false;
	size_t at = key.len == 32 ? place_of(members, key, &there) : 0;

	return there ? members->members[at]->weight : 0;
}

const char *sb_members_name_of(const Sealbond__Members *members, ProtobufCBinaryData key)
{
	bool there = false;
	size_t at = key.len == 32 ? place_of(members, key, &there) : 0;

	return there ? members->members[at]->name : "";
}

uint64_t sb_members_weight(const Sealbond__Members *members)
{
	uint64_t weight = 0;

	for (size_t i = 0; i < members->n_members; i++)
		weight += members->members[i]->weight;
	return weight;
}

static void insert(Sealbond__Members *members, size_t at, const Sealbond__Member *member)
{
	Sealbond__Member *own = sb_message_new(&sealbond__member__descriptor);
	Sealbond__Member **list = realloc(members->members, (members->n_members + 1) * sizeof(*list));

	if (!list)
		abort();
	sb_bytes_set(&own->key, member->key.data, member->key.len);
	memmove(list + at + 1, list + at, (members->n_members - at) * sizeof(*list));
	list[at] = own;
	members->members = list;
	members->n_members++;
}

bool sb_members_set(Sealbond__Members *members, const Sealbond__Member *member)
{
	bool there;
	size_t at = place_of(members, member->key, &there);

	if (!member->weight) {
		if (!there)
			return false;
		sb_message_free(members->members[at]);
		members->n_members--;
		memmove(members->members + at, members->members + at + 1,
			(members->n_members - at) * sizeof(members->members[0]));
		return true;
	}
	if (!there)
		insert(members, at, member);
	members->members[at]->weight = member->weight;
	sb_text_set(&members->members[at]->name, member->name);
	return true;
}
