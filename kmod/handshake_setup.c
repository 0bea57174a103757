// SPDX-License-Identifier: GPL-2.0-only
/* The parts of handshake.h that no packet runs through. */
#include "handshake.h"

static const char *const reason_names[] = {
	[SB_HS_OK] = "ok",
	[SB_HS_BAD_LENGTH] = "bad-length",
	[SB_HS_BAD_VERSION] = "bad-version",
	[SB_HS_BAD_MAC1] = "bad-mac1",
	[SB_HS_UNKNOWN_INDEX] = "unknown-index",
	[SB_HS_BAD_STATIC] = "bad-static",
	[SB_HS_BAD_PAYLOAD] = "bad-payload",
	[SB_HS_BAD_FIELD] = "bad-field",
	[SB_HS_BAD_DEVICE] = "bad-device",
	[SB_HS_REPLAYED] = "replayed",
	[SB_HS_CROSSED] = "crossed",
	[SB_HS_NO_COMMON] = "no-common",
	[SB_HS_BAD_COOKIE] = "bad-cookie",
	[SB_HS_COOKIE_SENT] = "cookie-sent",
	[SB_HS_COOKIE_STORED] = "cookie-stored",
	[SB_HS_NAT_FOUND] = "nat-found",
	[SB_HS_UNKNOWN_KEY] = "unknown-key",
	[SB_HS_RATE_LIMITED] = "rate-limited",
	[SB_HS_NO_RESOURCE] = "no-resource",
};

static_assert(ARRAY_SIZE(reason_names) == SB_HS_REASON_COUNT);

const char *sb_hs_reason_name(enum sb_hs_reason reason)
{
	return (u32)reason < SB_HS_REASON_COUNT ? reason_names[reason] : NULL;
}

static int static_init(struct sb_hs_static *own, const u8 priv[SB_KEY_LEN])
{
	struct sb_hs_static made;
	int ret = sb_x25519_base(made.pub, priv);

	if (ret)
		return ret;
	memcpy(made.priv, priv, SB_KEY_LEN);
	sb_mac1_key(made.mac1_key, made.pub);
	*own = made;
	memzero_explicit(&made, sizeof(made));
	return 0;
}

int sb_hs_local_init(struct sb_hs_local *local, const u8 priv[SB_KEY_LEN],
		     const u8 device_id[SB_ID_LEN],
		     const u8 chain_id[SB_ID_LEN],
		     u32 reset_count, u32 restart_count)
{
	int ret;

	memset(local, 0, sizeof(*local));
	ret = static_init(&local->now, priv);
	if (ret)
		return ret;
	ret = sb_rate_init(&local->rate);
	if (ret)
		return ret;
	local->generation = 1;
	memcpy(local->device_id, device_id, SB_ID_LEN);
	memcpy(local->chain_id, chain_id, SB_ID_LEN);
	local->reset_count = reset_count;
	local->restart_count = restart_count;
	local->ver_min = SB_PROTO_VERSION_MIN;
	local->ver_max = SB_PROTO_VERSION_MAX;
	local->alg_offer = BIT(SB_ALG_AES256GCM) | BIT(SB_ALG_CHACHA20POLY1305);
	local->alg_pref[0] = SB_ALG_AES256GCM;
	local->alg_pref[1] = SB_ALG_CHACHA20POLY1305;
	return 0;
}

void sb_hs_local_wipe(struct sb_hs_local *local)
{
	memzero_explicit(local, sizeof(*local));
}

int sb_hs_rotate(struct sb_hs_local *local, const u8 priv[SB_KEY_LEN])
{
	struct sb_hs_static before = local->now;
	int ret = static_init(&local->now, priv);

	if (!ret) {
		local->old = before;
		local->has_old = true;
		local->generation++;
	}
	memzero_explicit(&before, sizeof(before));
	return ret;
}

void sb_hs_forget_old(struct sb_hs_local *local)
{
	memzero_explicit(&local->old, sizeof(local->old));
	local->has_old = false;
}

void sb_hs_peer_forget_old(struct sb_hs_peer *peer)
{
	memzero_explicit(peer->ss_old, sizeof(peer->ss_old));
}

int sb_hs_peer_follow(struct sb_hs_peer *peer, const struct sb_hs_local *local)
{
	u8 ss[SB_KEY_LEN], ss_old[SB_KEY_LEN] = {};
	int ret;

	if (peer->generation == local->generation)
		return 0;
	if (!memcmp(peer->pub, local->now.pub, SB_KEY_LEN) ||
	    (local->has_old && !memcmp(peer->pub, local->old.pub, SB_KEY_LEN)))
		return -EINVAL;
	ret = sb_x25519(ss, local->now.priv, peer->pub);
	if (!ret && local->has_old)
		ret = sb_x25519(ss_old, local->old.priv, peer->pub);
	if (!ret) {
		memcpy(peer->ss, ss, SB_KEY_LEN);
		memcpy(peer->ss_old, ss_old, SB_KEY_LEN);
		peer->generation = local->generation;
	}
	memzero_explicit(ss, sizeof(ss));
	memzero_explicit(ss_old, sizeof(ss_old));
	return ret;
}

int sb_hs_peer_init(struct sb_hs_peer *peer, const struct sb_hs_local *local,
		    const u8 pub[SB_KEY_LEN], const u8 device_id[SB_ID_LEN])
{
	memset(peer, 0, sizeof(*peer));
	memcpy(peer->pub, pub, SB_KEY_LEN);
	memcpy(peer->device_id, device_id, SB_ID_LEN);
	sb_mac1_key(peer->mac1_key, pub);
	return sb_hs_peer_follow(peer, local);
}

void sb_hs_peer_wipe(struct sb_hs_peer *peer)
{
	memzero_explicit(peer, sizeof(*peer));
}

u64 sb_hs_retry_at(const struct sb_hs_peer *peer)
{
	return peer->retry_at;
}

bool sb_hs_gave_up(const struct sb_hs_peer *peer, u64 now)
{
	return peer->attempts && now - peer->series_at >= SB_HS_GIVE_UP_NS;
}

void sb_hs_keys_wipe(struct sb_hs_keys *keys)
{
	memzero_explicit(keys, sizeof(*keys));
}
