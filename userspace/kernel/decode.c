// SPDX-License-Identifier: Apache-2.0
#include "kernel/decode.h"

#include <errno.h>
#include <netlink/attr.h>
#include <string.h>

#include "common/cleanup.h"

/* An integer of 1, 2, 4 or 8 bytes; 0 when the attribute is not there. */
static uint64_t number(struct nlattr *attribute)
{
	if (!attribute)
		return 0;
	switch (nla_len(attribute)) {
	case 1:
		return nla_get_u8(attribute);
	case 2:
		return nla_get_u16(attribute);
	case 4:
		return nla_get_u32(attribute);
	case 8:
		return nla_get_u64(attribute);
	default:
		return 0;
	}
}

/* Exactly length bytes; says whether they were there. */
static bool bytes(struct nlattr *attribute, void *out, size_t length)
{
	if (!attribute || nla_len(attribute) != (int)length)
		return false;
	memcpy(out, nla_data(attribute), length);
	return true;
}

static void text(struct nlattr *attribute, char *out, size_t room)
{
	size_t length;

	if (!attribute)
		return;
	length = strnlen(nla_data(attribute), (size_t)nla_len(attribute));
	if (length >= room)
		length = room - 1;
	memcpy(out, nla_data(attribute), length);
	out[length] = '\0';
}

static void address(struct nlattr *attribute, struct sb_prefix *out)
{
	struct sb_prefix read = { .family = AF_INET, .length = 32 };

	if (bytes(attribute, read.address, 4)) {
		*out = read;
	} else if (bytes(attribute, read.address, 16)) {
		read.family = AF_INET6;
		read.length = 128;
		*out = read;
	}
}

static void endpoint(struct nlattr *attribute, union sb_endpoint *out)
{
	union sb_endpoint read = { 0 };

	if (bytes(attribute, &read.in4, sizeof(read.in4)) && read.any.sa_family == AF_INET)
		*out = read;
	else if (bytes(attribute, &read.in6, sizeof(read.in6)) && read.any.sa_family == AF_INET6)
		*out = read;
}

static void decode_key_numbers(struct nlattr **a, struct sb_key_status *key)
{
	memset(key, 0, sizeof(*key));
	key->state = (unsigned int)number(a[SEALBOND_A_STATE]);
	key->alarms = (uint32_t)number(a[SEALBOND_A_ALARMS]);
	if (a[SEALBOND_A_STATE_DETAIL])
		key->detail = (int32_t)number(a[SEALBOND_A_STATE_DETAIL]);
	key->has_current = bytes(a[SEALBOND_A_KEY_CURRENT], key->current, sizeof(key->current));
	key->has_next = bytes(a[SEALBOND_A_KEY_NEXT], key->next, sizeof(key->next));
	key->has_old = bytes(a[SEALBOND_A_KEY_OLD], key->old, sizeof(key->old));
	key->old_ms = number(a[SEALBOND_A_KEY_OLD_MS]);
	key->has_candidate = bytes(a[SEALBOND_A_KEY_CANDIDATE], key->candidate, sizeof(key->candidate));
	key->changed_pcrs = (uint32_t)number(a[SEALBOND_A_CHANGED_PCRS]);
	key->tpm_commands = (uint32_t)number(a[SEALBOND_A_TPM_COMMANDS]);
	key->tpm_time_ms = number(a[SEALBOND_A_TPM_TIME_MS]);
	key->reset_count = (uint32_t)number(a[SEALBOND_A_RESET_COUNT]);
	key->restart_count = (uint32_t)number(a[SEALBOND_A_RESTART_COUNT]);
	if (bytes(a[SEALBOND_A_PCR_VALUES], key->pcr_values, sizeof(key->pcr_values)))
		key->pcr_valid = (uint32_t)number(a[SEALBOND_A_PCR_VALID]);
}

void sb_decode_status(struct nlattr **a, struct sb_status *status)
{
	memset(status, 0, sizeof(*status));
	text(a[SEALBOND_A_VERSION], status->version, sizeof(status->version));
	status->mode = (unsigned int)number(a[SEALBOND_A_MODE]);
	status->reverting = a[SEALBOND_A_MODE_REVERT_MS] != NULL;
	status->revert_ms = number(a[SEALBOND_A_MODE_REVERT_MS]);
	status->assurance = (uint32_t)number(a[SEALBOND_A_ASSURANCE]);
	status->configured = bytes(a[SEALBOND_A_DEVICE_ID], status->device_id, sizeof(status->device_id));
	bytes(a[SEALBOND_A_CHAIN_ID], status->chain_id, sizeof(status->chain_id));
	status->sb0_ifindex = (uint32_t)number(a[SEALBOND_A_SB0_IFINDEX]);
	status->if_id = (uint32_t)number(a[SEALBOND_A_IF_ID]);
	status->port = (uint16_t)number(a[SEALBOND_A_PORT]);
	address(a[SEALBOND_A_OVERLAY4], &status->overlay4);
	address(a[SEALBOND_A_OVERLAY6], &status->overlay6);
	for (size_t count = 1; count <= 2; count++)
		if (bytes(a[SEALBOND_A_ALGORITHMS], status->algorithms, count))
			status->algorithms_count = count;
	status->encap = (unsigned int)number(a[SEALBOND_A_ENCAP]);
	status->peers = (uint32_t)number(a[SEALBOND_A_PEERS_NR]);
	status->bonds = (uint32_t)number(a[SEALBOND_A_BONDS_NR]);
	if (a[SEALBOND_A_GRANT_KEYS] && nla_len(a[SEALBOND_A_GRANT_KEYS]) > 0)
		status->grant_keys = (size_t)nla_len(a[SEALBOND_A_GRANT_KEYS]) / 64;
	status->grant_threshold = (unsigned int)number(a[SEALBOND_A_GRANT_THRESHOLD]);
	status->locked = a[SEALBOND_A_LOCKED] != NULL;
	status->has_config_hash = bytes(a[SEALBOND_A_CONFIG_HASH], status->config_hash, sizeof(status->config_hash));
	decode_key_numbers(a, &status->key);
}

int sb_decode_key(struct nlattr **a, struct sb_key_status *key)
{
	struct nlattr *blobs[SB_PLACES] = { a[SEALBOND_A_BLOB_CURRENT], a[SEALBOND_A_BLOB_NEXT],
					    a[SEALBOND_A_BLOB_CANDIDATE] };

	decode_key_numbers(a, key);
	for (int i = 0; i < SB_PLACES; i++) {
		if (!blobs[i] || nla_len(blobs[i]) <= 0)
			continue;
		key->blob[i] = malloc((size_t)nla_len(blobs[i]));
		if (!key->blob[i]) {
			sb_key_status_free(key);
			return -ENOMEM;
		}
		key->blob_length[i] = (size_t)nla_len(blobs[i]);
		memcpy(key->blob[i], nla_data(blobs[i]), key->blob_length[i]);
	}
	return 0;
}

void sb_key_status_free(struct sb_key_status *key)
{
	for (int i = 0; i < SB_PLACES; i++) {
		free(key->blob[i]);
		key->blob[i] = NULL;
		key->blob_length[i] = 0;
	}
}

void sb_decode_peer(struct nlattr **a, struct sb_peer_status *peer)
{
	memset(peer, 0, sizeof(*peer));
	bytes(a[SEALBOND_A_DEVICE_ID], peer->device_id, sizeof(peer->device_id));
	bytes(a[SEALBOND_A_KEY], peer->key, sizeof(peer->key));
	peer->lease_ms = number(a[SEALBOND_A_LEASE_MS]);
	peer->hold_ms = number(a[SEALBOND_A_HOLD_MS]);
	address(a[SEALBOND_A_OVERLAY4], &peer->overlay4);
	address(a[SEALBOND_A_OVERLAY6], &peer->overlay6);
	endpoint(a[SEALBOND_A_ENDPOINT], &peer->endpoint);
	peer->flags = (uint32_t)number(a[SEALBOND_A_PEER_FLAGS]);
	peer->bond = (unsigned int)number(a[SEALBOND_A_BOND_STATE]);
	peer->handshakes = number(a[SEALBOND_A_HANDSHAKES]);
	peer->had_handshake = a[SEALBOND_A_LAST_HANDSHAKE_MS] != NULL;
	peer->last_handshake_ms = number(a[SEALBOND_A_LAST_HANDSHAKE_MS]);
	peer->epoch = (uint32_t)number(a[SEALBOND_A_EPOCH]);
	peer->age_ms = number(a[SEALBOND_A_AGE_MS]);
	peer->algorithm = (unsigned int)number(a[SEALBOND_A_ALGORITHM]);
	peer->encap = number(a[SEALBOND_A_ENCAP]) != 0;
	peer->spi_in = (uint32_t)number(a[SEALBOND_A_SPI_IN]);
	peer->spi_out = (uint32_t)number(a[SEALBOND_A_SPI_OUT]);
	peer->bytes_in = number(a[SEALBOND_A_BYTES_IN]);
	peer->bytes_out = number(a[SEALBOND_A_BYTES_OUT]);
	peer->packets_in = number(a[SEALBOND_A_PACKETS_IN]);
	peer->packets_out = number(a[SEALBOND_A_PACKETS_OUT]);
	peer->sequence_out = number(a[SEALBOND_A_SEQUENCE_OUT]);
	peer->mtu = (uint32_t)number(a[SEALBOND_A_MTU]);
}

void sb_decode_drop(struct nlattr *drop, struct sb_drop *out)
{
	struct nlattr *d[SEALBOND_D_MAX + 1];

	memset(out, 0, sizeof(*out));
	out->proto = -1;
	if (!drop || nla_parse_nested(d, SEALBOND_D_MAX, drop, NULL) < 0)
		return;
	out->reason = (unsigned int)number(d[SEALBOND_D_REASON]);
	out->count = number(d[SEALBOND_D_COUNT]);
	out->would_count = number(d[SEALBOND_D_WOULD_COUNT]);
	out->dir = (unsigned int)number(d[SEALBOND_D_DIR]);
	text(d[SEALBOND_D_IFNAME], out->interface, sizeof(out->interface));
	out->ethertype = (uint16_t)number(d[SEALBOND_D_ETHERTYPE]);
	if (d[SEALBOND_D_PROTO])
		out->proto = (int)number(d[SEALBOND_D_PROTO]);
	address(d[SEALBOND_D_SADDR], &out->source);
	address(d[SEALBOND_D_DADDR], &out->destination);
	out->source_port = (uint16_t)number(d[SEALBOND_D_SPORT]);
	out->destination_port = (uint16_t)number(d[SEALBOND_D_DPORT]);
	out->length = (uint32_t)number(d[SEALBOND_D_LEN]);
	out->has_uid = d[SEALBOND_D_UID] != NULL;
	out->uid = (uint32_t)number(d[SEALBOND_D_UID]);
	out->cgroup = number(d[SEALBOND_D_CGROUP]);
	out->observed = d[SEALBOND_D_OBSERVED] != NULL;
}

void sb_decode_exception(struct nlattr *exception, struct sb_exception_status *out)
{
	struct sb_exception *e = &out->exception;
	struct nlattr *x[SEALBOND_X_MAX + 1];

	memset(out, 0, sizeof(*out));
	if (!exception || nla_parse_nested(x, SEALBOND_X_MAX, exception, NULL) < 0)
		return;
	text(x[SEALBOND_X_NAME], e->name, sizeof(e->name));
	e->kind = (unsigned int)number(x[SEALBOND_X_KIND]);
	e->dir = (unsigned int)number(x[SEALBOND_X_DIR]);
	text(x[SEALBOND_X_IFNAME], e->interface, sizeof(e->interface));
	e->proto = number(x[SEALBOND_X_PROTO]);
	address(x[SEALBOND_X_REMOTE], &e->remote);
	if (x[SEALBOND_X_REMOTE_PREFIX])
		e->remote.length = (uint8_t)number(x[SEALBOND_X_REMOTE_PREFIX]);
	e->local_port = number(x[SEALBOND_X_LOCAL_PORT]);
	e->remote_port = number(x[SEALBOND_X_REMOTE_PORT]);
	e->rate = number(x[SEALBOND_X_RATE]);
	e->bytes = number(x[SEALBOND_X_BYTES]);
	out->passed = number(x[SEALBOND_X_PASSED]);
	out->passed_bytes = number(x[SEALBOND_X_PASSED_BYTES]);
	out->over = number(x[SEALBOND_X_OVER]);
}

void sb_decode_event(struct nlattr **a, struct sb_event *event)
{
	memset(event, 0, sizeof(*event));
	event->kind = (unsigned int)number(a[SEALBOND_A_EVENT]);
	event->has_device_id = bytes(a[SEALBOND_A_DEVICE_ID], event->device_id, sizeof(event->device_id));
	bytes(a[SEALBOND_A_KEY], event->key, sizeof(event->key));
	endpoint(a[SEALBOND_A_ENDPOINT], &event->endpoint);
	event->epoch = (uint32_t)number(a[SEALBOND_A_EPOCH]);
	event->algorithm = (unsigned int)number(a[SEALBOND_A_ALGORITHM]);
	event->encap = number(a[SEALBOND_A_ENCAP]) != 0;
	event->end = (unsigned int)number(a[SEALBOND_A_REASON]);
	event->mode = (unsigned int)number(a[SEALBOND_A_MODE]);
	event->state = (unsigned int)number(a[SEALBOND_A_STATE]);
	event->changed_pcrs = (uint32_t)number(a[SEALBOND_A_CHANGED_PCRS]);
	event->alarms = (uint32_t)number(a[SEALBOND_A_ALARMS]);
	if (a[SEALBOND_A_DROP])
		sb_decode_drop(a[SEALBOND_A_DROP], &event->drop);
}
