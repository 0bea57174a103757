// SPDX-License-Identifier: GPL-2.0-only
#include "cookie.h"

static const char mac1_label[] = "Sealbond v1 mac1";
static const char cookie_label[] = "Sealbond v1 cookie";

static void label_key(u8 key[SB_KEY_LEN], const char *label, size_t label_len,
		      const u8 pub[SB_KEY_LEN], const u8 *nonce, size_t nonce_len)
{
	struct sb_blake2s ctx;

	sb_blake2s_init(&ctx, SB_HASH_LEN, NULL, 0);
	sb_blake2s_update(&ctx, label, label_len);
	sb_blake2s_update(&ctx, pub, SB_KEY_LEN);
	sb_blake2s_update(&ctx, nonce, nonce_len);
	sb_blake2s_final(&ctx, key);
}

void sb_mac1_key(u8 key[SB_KEY_LEN], const u8 pub[SB_KEY_LEN])
{
	label_key(key, mac1_label, sizeof(mac1_label) - 1, pub, NULL, 0);
}

/* The fixed place of the macs: the end of every message that has them. */
static size_t macs_at(size_t len)
{
	return len - sizeof(struct sb_msg_macs);
}

static void mac1(u8 out[SB_MAC_LEN], const u8 *msg, size_t len,
		 const u8 key[SB_KEY_LEN])
{
	sb_blake2s(out, SB_MAC_LEN, key, SB_KEY_LEN, msg, macs_at(len));
}

/* mac2 covers mac1, too. */
static void mac2(u8 out[SB_MAC_LEN], const u8 *msg, size_t len,
		 const u8 cookie[SB_MAC_LEN])
{
	sb_blake2s(out, SB_MAC_LEN, cookie, SB_MAC_LEN, msg,
		   macs_at(len) + SB_MAC_LEN);
}

void sb_macs_fill(u8 *msg, size_t len, const u8 mac1_key[SB_KEY_LEN],
		  const u8 *cookie)
{
	u8 *macs = msg + macs_at(len);

	mac1(macs, msg, len, mac1_key);
	if (cookie)
		mac2(macs + SB_MAC_LEN, msg, len, cookie);
	else
		memset(macs + SB_MAC_LEN, 0, SB_MAC_LEN);
}

bool sb_mac1_ok(const u8 *msg, size_t len, const u8 mac1_key[SB_KEY_LEN])
{
	u8 want[SB_MAC_LEN];

	mac1(want, msg, len, mac1_key);
	return !sb_memneq(want, msg + macs_at(len), SB_MAC_LEN);
}

static void make_cookie(u8 out[SB_MAC_LEN], const u8 secret[SB_KEY_LEN],
			const struct sb_addr *src)
{
	u8 in[sizeof(src->ip) + 2];

	memcpy(in, src->ip, sizeof(src->ip));
	put_unaligned_be16(src->port, in + sizeof(src->ip));
	sb_blake2s(out, SB_MAC_LEN, secret, SB_KEY_LEN, in, sizeof(in));
}

static bool mac2_by(const u8 secret[SB_KEY_LEN], const u8 *msg, size_t len,
		    const struct sb_addr *src)
{
	u8 cookie[SB_MAC_LEN], want[SB_MAC_LEN];
	bool ok;

	make_cookie(cookie, secret, src);
	mac2(want, msg, len, cookie);
	ok = !sb_memneq(want, msg + macs_at(len) + SB_MAC_LEN, SB_MAC_LEN);
	memzero_explicit(cookie, sizeof(cookie));
	memzero_explicit(want, sizeof(want));
	return ok;
}

bool sb_mac2_ok(struct sb_cookie_jar *jar, const u8 *msg, size_t len,
		const struct sb_addr *src, u64 now)
{
	u64 age = now - jar->born;

	if (!jar->alive || age >= 2 * SB_COOKIE_SECRET_NS)
		return false;
	if (mac2_by(jar->secret[0], msg, len, src))
		return true;
	return jar->has_previous && age < SB_COOKIE_SECRET_NS &&
	       mac2_by(jar->secret[1], msg, len, src);
}

/* A secret gives cookies for one life and is recognised for one more. */
static int jar_turn(struct sb_cookie_jar *jar, u64 now)
{
	u64 age = now - jar->born;
	u8 fresh[SB_KEY_LEN];
	int ret;

	if (jar->alive && age < SB_COOKIE_SECRET_NS)
		return 0;
	ret = sb_random(fresh, sizeof(fresh));
	if (ret)
		return ret;
	jar->has_previous = jar->alive && age < 2 * SB_COOKIE_SECRET_NS;
	memcpy(jar->secret[1], jar->secret[0], SB_KEY_LEN);
	memcpy(jar->secret[0], fresh, SB_KEY_LEN);
	memzero_explicit(fresh, sizeof(fresh));
	jar->born = now;
	jar->alive = true;
	return 0;
}

int sb_cookie_reply(struct sb_cookie_jar *jar, struct sb_msg_cookie *out,
		    const u8 pub[SB_KEY_LEN], const u8 *msg, size_t len,
		    u32 index, const struct sb_addr *src, u64 now)
{
	u8 key[SB_KEY_LEN], nonce[SB_COOKIE_NONCE_LEN], cookie[SB_MAC_LEN];
	int ret;

	ret = jar_turn(jar, now);
	if (ret)
		return ret;
	ret = sb_random(nonce, sizeof(nonce));
	if (ret)
		return ret;

	sb_msg_head_fill(&out->head, SB_MSG_COOKIE);
	out->receiver = cpu_to_be32(index);
	memcpy(out->nonce, nonce, sizeof(nonce));
	label_key(key, cookie_label, sizeof(cookie_label) - 1, pub, nonce,
		  sizeof(nonce));
	make_cookie(cookie, jar->secret[0], src);
	sb_aead_seal(out->cookie, cookie, sizeof(cookie), msg + macs_at(len),
		     SB_MAC_LEN, 0, key);
	memzero_explicit(key, sizeof(key));
	memzero_explicit(cookie, sizeof(cookie));
	return 0;
}

int sb_cookie_open(u8 cookie[SB_MAC_LEN], const struct sb_msg_cookie *msg,
		   const u8 pub[SB_KEY_LEN], const u8 mac1[SB_MAC_LEN])
{
	u8 key[SB_KEY_LEN], plain[SB_MAC_LEN];
	int ret;

	label_key(key, cookie_label, sizeof(cookie_label) - 1, pub, msg->nonce,
		  sizeof(msg->nonce));
	ret = sb_aead_open(plain, msg->cookie, sizeof(msg->cookie), mac1,
			   SB_MAC_LEN, 0, key);
	if (!ret)
		memcpy(cookie, plain, SB_MAC_LEN);
	memzero_explicit(key, sizeof(key));
	memzero_explicit(plain, sizeof(plain));
	return ret;
}

int sb_rate_init(struct sb_rate_table *table)
{
	memset(table, 0, sizeof(*table));
	return sb_random(table->key, sizeof(table->key));
}

/* IPv4 /32, IPv6 /64, under a secret key so that nobody can choose a slot. */
static u64 prefix_hash(const struct sb_rate_table *table,
		       const struct sb_addr *src)
{
	static const u8 mapped[12] = { [10] = 0xff, [11] = 0xff };
	size_t len = memcmp(src->ip, mapped, sizeof(mapped)) ? 8 : 16;
	u8 hash[8];

	sb_blake2s(hash, sizeof(hash), table->key, SB_KEY_LEN, src->ip, len);
	return get_unaligned_le64(hash);
}

/*
 * A bucket is kept as the time at which it will be full. Prefixes that meet in
 * a slot share it: memory and the sum of all answers are bounded.
 */
bool sb_rate_ok(struct sb_rate_table *table, enum sb_rate what,
		const struct sb_addr *src, u64 now)
{
	const u64 token = SB_NS_PER_S / SB_RATE_PER_S;
	struct sb_rate_slot *slot =
		&table->slot[prefix_hash(table, src) % SB_RATE_SLOTS];
	u64 full_at = max(slot->full_at[what], now);

	if (full_at + token - now > SB_RATE_BURST * token)
		return false;
	slot->full_at[what] = full_at + token;
	return true;
}
