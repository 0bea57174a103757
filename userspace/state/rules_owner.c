// SPDX-License-Identifier: Apache-2.0
/* What an owner says about its device that others may not read, and how the device goes to another owner. */
#include <stdlib.h>

#include "state/device.h"
#include "state/membership.h"
#include "state/person.h"

/* A device that somebody may still decide about. */
static enum sb_tx_code owned_and_there(struct sb_run *run, ProtobufCBinaryData id, Sealbond__Device **device)
{
	enum sb_tx_code code = sb_device_owned(run, id, device);

	if (code != SB_TX_OK)
		return code;
	return sb_device_is_over(*device) ? sb_run_refuse(run, SB_TX_STATE, "it is over") : SB_TX_OK;
}

SB_RULE(offer_device, OfferDevice)
{
	SB_AUTO_MESSAGE Sealbond__Device *device = NULL;
	enum sb_tx_code code = owned_and_there(run, action->device, &device);

	if (code != SB_TX_OK)
		return code;
	if (!action->to.len) {
		if (!device->offered.len)
			return sb_run_refuse(run, SB_TX_UNKNOWN, "there is no offer to take back");
		sb_bytes_set(&device->offered, NULL, 0);
		return sb_device_save(run, action->device.data, device);
	}
	if (action->to.len != 32 || !sb_person_key_is_valid(action->to.data))
		return sb_run_refuse(run, SB_TX_FIELD, "to: a key of a person, 32 bytes, or nothing");
	if (sb_bytes_are(device->owner, action->to.data, 32))
		return sb_run_refuse(run, SB_TX_EXISTS, "it is this key's already");
	/* One that is frozen goes to nobody before somebody has looked. */
	if (device->state == SEALBOND__DEVICE_STATE__FROZEN_CLONE)
		return sb_run_refuse(run, SB_TX_STATE, "it is frozen: resolve its incident first");
	sb_bytes_set(&device->offered, action->to.data, 32);
	return sb_device_save(run, action->device.data, device);
}

/*
 * The old owner's zone and profile go: the new one has no key to them, and should not talk there. Its account is made by
 * this word (state/machine.c): offers cost nothing, and would make as many as somebody likes.
 */
SB_RULE(accept_device, AcceptDevice)
{
	SB_AUTO_MESSAGE Sealbond__Device *device = NULL;
	enum sb_tx_code code;

	if (action->device.len != 32)
		return sb_run_refuse(run, SB_TX_FIELD, "device");
	device = sb_device_load(run, action->device.data);
	if (!device)
		return sb_run_refuse(run, SB_TX_UNKNOWN_DEVICE, NULL);
	if (!sb_run_is_by(run, device->offered))
		return sb_run_refuse(run, SB_TX_NOT_ALLOWED, "it is not offered to this key");
	if (sb_device_is_over(device) || device->state == SEALBOND__DEVICE_STATE__FROZEN_CLONE)
		return sb_run_refuse(run, SB_TX_STATE, NULL);
	sb_bytes_set(&device->owner, run->signer, 32);
	sb_bytes_set(&device->offered, NULL, 0);
	sb_bytes_set(&device->endpoints, NULL, 0);
	sb_message_free(device->membership);
	device->membership = NULL;
	sb_message_free(device->profile);
	device->profile = NULL;
	device->profile_version = 0;
	code = sb_run_account(run, run->signer);
	return code == SB_TX_OK ? sb_device_save(run, action->device.data, device) : code;
}

enum sb_tx_code sb_device_check_membership(struct sb_run *run, const Sealbond__Membership *membership)
{
	if (membership->n_tags > SB_TAGS_MAX)
		return sb_run_refuse(run, SB_TX_LIMIT, "membership.tags: at most %d", SB_TAGS_MAX);
	if (!membership->n_tags || !membership->sealed.len || membership->sealed.len > SB_SEALED_MAX)
		return sb_run_refuse(run, SB_TX_FIELD, "membership: tags, and what is sealed, 1 to %d bytes", SB_SEALED_MAX);
	for (size_t i = 0; i < membership->n_tags; i++) {
		if (membership->tags[i].len != SB_TAG_LEN || sb_tag_valid(membership->tags[i].data) < 0)
			return sb_run_refuse(run, SB_TX_FIELD, "membership.tags[%zu]: not a ristretto255 point", i);
		for (size_t j = 0; j < i; j++)
			if (sb_bytes_are(membership->tags[i], membership->tags[j].data, SB_TAG_LEN))
				return sb_run_refuse(run, SB_TX_FIELD, "membership.tags[%zu]: twice", i);
	}
	return SB_TX_OK;
}

static Sealbond__Membership *copy_of(const Sealbond__Membership *membership)
{
	size_t length;
	uint8_t *packed = sb_message_pack(membership, &length);
	Sealbond__Membership *copy = sb_message_read(&sealbond__membership__descriptor, packed, length);

	free(packed);
	return copy;
}

void sb_device_place(Sealbond__Device *device, const Sealbond__Membership *membership)
{
	sb_message_free(device->membership);
	device->membership = membership ? copy_of(membership) : NULL;
	/* They were encrypted to the zone that it was in. */
	sb_bytes_set(&device->endpoints, NULL, 0);
}

SB_RULE(set_membership, SetMembership)
{
	SB_AUTO_MESSAGE Sealbond__Device *device = NULL;
	enum sb_tx_code code = owned_and_there(run, action->device, &device);

	if (code == SB_TX_OK && action->membership)
		code = sb_device_check_membership(run, action->membership);
	if (code != SB_TX_OK)
		return code;
	sb_device_place(device, action->membership);
	return sb_device_save(run, action->device.data, device);
}

SB_RULE(set_profile, SetProfile)
{
	SB_AUTO_MESSAGE Sealbond__Device *device = NULL;
	enum sb_tx_code code = owned_and_there(run, action->device, &device);
	uint32_t version;

	if (code != SB_TX_OK)
		return code;
	if (!action->sealed.len || action->sealed.len > SB_SEALED_MAX)
		return sb_run_refuse(run, SB_TX_FIELD, "sealed: 1 to %d bytes", SB_SEALED_MAX);
	version = device->profile ? device->profile->version : 0;
	if (action->version != version + 1 || !action->version)
		return sb_run_refuse(run, SB_TX_VERSION, "%u comes next", version + 1);
	if (!device->profile)
		device->profile = sb_message_new(&sealbond__profile__descriptor);
	device->profile->version = action->version;
	sb_bytes_set(&device->profile->sealed, action->sealed.data, action->sealed.len);
	return sb_device_save(run, action->device.data, device);
}
