// SPDX-License-Identifier: GPL-2.0-only
#include "handshake.h"

/* RFC 4303 section 2.1: 0 to 255 are reserved. */
#define SPI_MIN 256

static const char prologue_label[] = "Sealbond v1";

struct prologue {
	u8 label[sizeof(prologue_label) - 1];
	u8 version;
	u8 chain_id[SB_ID_LEN];
	u8 responder_id[SB_ID_LEN];
} __packed;

static void noise_start(struct sb_noise *n, const struct sb_hs_local *local,
			const u8 responder_id[SB_ID_LEN],
			const u8 responder_pub[SB_KEY_LEN])
{
	struct prologue p;

	memcpy(p.label, prologue_label, sizeof(p.label));
	p.version = SB_WIRE_VERSION;
	memcpy(p.chain_id, local->chain_id, SB_ID_LEN);
	memcpy(p.responder_id, responder_id, SB_ID_LEN);
	sb_noise_init(n, SB_NOISE_IKPSK2, &p, sizeof(p), responder_pub);
}

/* base, lengthened by a random part; random: 16 bits of it. */
static u64 jittered(u64 base, u16 random)
{
	return base + ((base / SB_HS_JITTER_DIV * random) >> 16);
}

static void drop_pending(struct sb_hs_peer *peer)
{
	memzero_explicit(&peer->pending, sizeof(peer->pending));
}

/* The series reached its aim, or is given up for good. */
static void end_series(struct sb_hs_peer *peer)
{
	peer->attempts = 0;
	peer->slow = 0;
	peer->retry_at = 0;
	peer->cookie_hurried = false;
	peer->next_old = false;
}

/* Our key of that generation, or NULL when it is gone. */
static const struct sb_hs_static *own_of(const struct sb_hs_local *local, u32 generation)
{
	if (generation == local->generation)
		return &local->now;
	return local->has_old && generation + 1 == local->generation ? &local->old : NULL;
}

/* Our key that a message is meant for, or NULL. Both are tried: it takes the same time for either. */
static const struct sb_hs_static *own_meant(const struct sb_hs_local *local,
					    const struct sb_hs_packet *packet)
{
	bool now = sb_mac1_ok(packet->msg, packet->len, local->now.mac1_key);
	bool old = local->has_old &&
		   sb_mac1_ok(packet->msg, packet->len, local->old.mac1_key);

	return now ? &local->now : old ? &local->old : NULL;
}

/* Closes a message of ours to the peer, with the peer's cookie if it is fresh. */
static void seal_macs(struct sb_hs_peer *peer, u8 *msg, size_t len, u64 now,
		      u8 mac1[SB_MAC_LEN])
{
	bool fresh = peer->cookie_known &&
		     now - peer->cookie_at < SB_COOKIE_USE_NS;

	sb_macs_fill(msg, len, peer->mac1_key, fresh ? peer->cookie : NULL);
	memcpy(mac1, msg + len - sizeof(struct sb_msg_macs), SB_MAC_LEN);
}

/* A cookie reply to the message just made will name this index and mac1. */
static void await_cookie(struct sb_hs_peer *peer, u32 index,
			 const u8 mac1[SB_MAC_LEN])
{
	peer->index = index;
	memcpy(peer->last_mac1, mac1, SB_MAC_LEN);
	peer->cookie_wanted = true;
}

/* Called after the counting of this attempt. */
static u64 next_retry(struct sb_hs_peer *peer, u64 now, u16 random)
{
	u64 base = SB_HS_RETRY_NS;

	if (sb_hs_gave_up(peer, now)) {
		base = min_t(u64, base << peer->slow, SB_HS_BACKOFF_MAX_NS);
		if (base < SB_HS_BACKOFF_MAX_NS)
			peer->slow++;
	}
	return now + jittered(base, random);
}

static void fill_payload1(struct sb_payload1 *p, const struct sb_hs_local *local,
			  u64 boottime, u32 spi, bool encap,
			  const struct sb_addr *src, const struct sb_addr *dst)
{
	memset(p, 0, sizeof(*p));
	p->ver_min = local->ver_min;
	p->ver_max = local->ver_max;
	p->algs = local->alg_offer;
	p->options = encap ? SB_OPT_ENCAP : 0;
	p->reset_count = cpu_to_be32(local->reset_count);
	p->restart_count = cpu_to_be32(local->restart_count);
	p->boottime = cpu_to_be64(boottime);
	p->spi = cpu_to_be32(spi);
	memcpy(p->device_id, local->device_id, SB_ID_LEN);
	sb_nat_hash(p->nat, src, dst);
}

int sb_hs_start(struct sb_hs_local *local, struct sb_hs_peer *peer, u64 now,
		u32 index, u32 spi, const struct sb_addr *src,
		const struct sb_addr *dst, u8 *out, size_t *out_len)
{
	/* Two calls in one tick of the clock still give two counters. */
	u64 boottime = max_t(u64, now, local->last_boottime + 1);
	bool encap = local->want_encap || peer->nat_seen;
	/* A peer that does not answer the one may only know the other. */
	bool old = local->has_old && peer->next_old;
	struct sb_msg_initiation msg;
	struct sb_payload1 payload;
	u8 mac1[SB_MAC_LEN];
	struct sb_noise n;
	struct {
		u8 e[SB_KEY_LEN];
		u16 jitter;
	} random;
	int ret;

	if (!index || spi < SPI_MIN)
		return -EINVAL;
	ret = sb_hs_peer_follow(peer, local);
	if (ret)
		return ret;
	ret = sb_random(&random, sizeof(random));
	if (ret)
		return ret;

	sb_msg_head_fill(&msg.head, SB_MSG_INITIATION);
	msg.sender = cpu_to_be32(index);
	fill_payload1(&payload, local, boottime, spi, encap, src, dst);
	noise_start(&n, local, peer->device_id, peer->pub);
	ret = sb_noise_write1(&n, msg.e, random.e, old ? local->old.pub : local->now.pub,
			      peer->pub, old ? peer->ss_old : peer->ss, &payload,
			      sizeof(payload));
	if (ret)
		goto out;
	seal_macs(peer, (u8 *)&msg, sizeof(msg), now, mac1);

	local->last_boottime = boottime;
	if (!peer->attempts)
		peer->series_at = now;
	peer->attempts++;
	peer->next_old = local->has_old && !old;
	peer->retry_at = next_retry(peer, now, random.jitter);
	await_cookie(peer, index, mac1);
	peer->pending.live = true;
	peer->pending.encap = encap;
	peer->pending.generation = local->generation - old;
	peer->pending.spi = spi;
	peer->pending.sent = now;
	memcpy(peer->pending.ck, n.ck, SB_HASH_LEN);
	memcpy(peer->pending.h, n.h, SB_HASH_LEN);
	memcpy(peer->pending.e, n.e, SB_KEY_LEN);
	memcpy(out, &msg, sizeof(msg));
	*out_len = sizeof(msg);
out:
	sb_noise_wipe(&n);
	memzero_explicit(&random, sizeof(random));
	return ret;
}

void sb_hs_cancel(struct sb_hs_peer *peer)
{
	drop_pending(peer);
	end_series(peer);
	peer->unconfirmed_spi = 0;
	peer->index = 0;
	peer->cookie_wanted = false;
}

bool sb_hs_confirmed(struct sb_hs_peer *peer, u32 spi)
{
	if (!spi || peer->unconfirmed_spi != spi)
		return false;
	peer->unconfirmed_spi = 0;
	end_series(peer);
	return true;
}

static void derive(struct sb_hs_keys *keys, const struct sb_noise *n)
{
	enum sb_direction in = keys->initiator ? SB_DIR_FROM_RESPONDER :
						 SB_DIR_FROM_INITIATOR;
	enum sb_direction out = keys->initiator ? SB_DIR_FROM_INITIATOR :
						  SB_DIR_FROM_RESPONDER;

	sb_kdf_esp(keys->key_in, n->ck, n->h, keys->alg, in, keys->spi_in);
	sb_kdf_esp(keys->key_out, n->ck, n->h, keys->alg, out, keys->spi_out);
}

/* The packet as its sender should have seen it. */
static bool nat_between(const u8 nat[SB_NAT_HASH_LEN],
			const struct sb_hs_packet *packet)
{
	u8 seen[SB_NAT_HASH_LEN];

	sb_nat_hash(seen, &packet->src, &packet->dst);
	return sb_memneq(seen, nat, SB_NAT_HASH_LEN);
}

static enum sb_hs_reason send_cookie(struct sb_hs_local *local,
				     const struct sb_hs_static *own,
				     const struct sb_hs_packet *packet,
				     u32 index, struct sb_hs_result *res)
{
	struct sb_msg_cookie *reply = (struct sb_msg_cookie *)res->reply;

	if (!sb_rate_ok(&local->rate, SB_RATE_COOKIE, &packet->src, packet->now))
		return SB_HS_RATE_LIMITED;
	if (sb_cookie_reply(&local->jar, reply, own->pub, packet->msg,
			    packet->len, index, &packet->src, packet->now))
		return SB_HS_NO_RESOURCE;
	res->action = SB_HS_SEND;
	res->reply_len = sizeof(*reply);
	return SB_HS_COOKIE_SENT;
}

/*
 * Under load nobody gets an X25519 without a cookie, and few for each source.
 * SB_HS_OK: go on.
 */
static enum sb_hs_reason gate(struct sb_hs_local *local,
			      const struct sb_hs_static *own,
			      const struct sb_hs_packet *packet, bool cookie,
			      u32 index, struct sb_hs_result *res)
{
	if (!packet->under_load)
		return SB_HS_OK;
	if (!cookie)
		return send_cookie(local, own, packet, index, res);
	if (!sb_rate_ok(&local->rate, SB_RATE_HANDSHAKE, &packet->src,
			packet->now))
		return SB_HS_RATE_LIMITED;
	return SB_HS_OK;
}

/*
 * Both started: the lower device id goes first. Only its first attempt claims
 * the whole interval; when that had no answer, perhaps no path leads there,
 * and the peer's initiation is the one that gets through. Then only a crossing
 * in flight is ignored. Meant for another key of ours than the one that we
 * have started with, it shows that the peer cannot know the latter.
 */
static bool ours_goes_first(const struct sb_hs_local *local,
			    const struct sb_hs_static *own,
			    const struct sb_hs_peer *peer, u64 now)
{
	u64 age = now - peer->pending.sent;

	if (!peer->pending.live || own_of(local, peer->pending.generation) != own ||
	    memcmp(local->device_id, peer->device_id, SB_ID_LEN) > 0)
		return false;
	return age < (peer->attempts == 1 ? SB_HS_RETRY_NS : SB_HS_CROSSING_NS);
}

/* Fills version and algorithm. */
static bool negotiate(const struct sb_hs_local *local,
		      const struct sb_payload1 *p, struct sb_hs_keys *keys)
{
	u8 version = min(p->ver_max, local->ver_max);
	u8 common = p->algs & local->alg_offer;
	size_t i;

	if (version < p->ver_min || version < local->ver_min)
		return false;
	for (i = 0; i < ARRAY_SIZE(local->alg_pref); i++) {
		if (common & BIT(local->alg_pref[i])) {
			keys->alg = local->alg_pref[i];
			keys->version = version;
			return true;
		}
	}
	return false;
}

/* Payload 1 authenticates: is it new, of that device, and sound? */
static enum sb_hs_reason check_payload1(struct sb_hs_peer *peer,
					const struct sb_payload1 *p)
{
	struct sb_hs_counter counter = {
		.reset_count = be32_to_cpu(p->reset_count),
		.restart_count = be32_to_cpu(p->restart_count),
		.boottime = be64_to_cpu(p->boottime),
	};

	if (sb_memneq(p->device_id, peer->device_id, SB_ID_LEN))
		return SB_HS_BAD_DEVICE;
	if (!sb_hs_newer(&counter, &peer->seen))
		return SB_HS_REPLAYED;
	peer->seen = counter;
	if (be32_to_cpu(p->spi) < SPI_MIN || p->ver_min > p->ver_max)
		return SB_HS_BAD_FIELD;
	return SB_HS_OK;
}

/* The peer's initiation is good: the response, and the keys. */
static enum sb_hs_reason answer(struct sb_hs_local *local,
				const struct sb_hs_ops *ops,
				const struct sb_hs_packet *packet,
				struct sb_noise *n, const struct sb_payload1 *p1,
				struct sb_hs_result *res)
{
	const struct sb_msg_initiation *in = (const void *)packet->msg;
	struct sb_msg_response *out = (struct sb_msg_response *)res->reply;
	struct sb_hs_peer *peer = res->peer;
	struct sb_hs_keys *keys = &res->keys;
	struct sb_payload2 p2 = {};
	u8 mac1[SB_MAC_LEN];
	struct {
		u8 e[SB_KEY_LEN];
		u16 jitter;
	} random;
	int ret;

	if (!negotiate(local, p1, keys))
		return SB_HS_NO_COMMON;
	if (sb_random(&random, sizeof(random)))
		return SB_HS_NO_RESOURCE;
	if (ops->new_spi(packet->ctx, peer, &keys->spi_in, &res->index)) {
		memzero_explicit(&random, sizeof(random));
		return SB_HS_NO_RESOURCE;
	}
	keys->spi_out = be32_to_cpu(p1->spi);
	keys->encap = local->want_encap || (p1->options & SB_OPT_ENCAP) ||
		      nat_between(p1->nat, packet);

	p2.version = keys->version;
	p2.alg = keys->alg;
	p2.options = keys->encap ? SB_OPT_ENCAP : 0;
	p2.spi = cpu_to_be32(keys->spi_in);
	sb_nat_hash(p2.nat, &packet->dst, &packet->src);

	sb_msg_head_fill(&out->head, SB_MSG_RESPONSE);
	out->sender = cpu_to_be32(res->index);
	out->receiver = in->sender;
	ret = sb_noise_write2(n, out->e, random.e, peer->pub, local->psk, &p2,
			      sizeof(p2));
	memzero_explicit(random.e, sizeof(random.e));
	if (ret)
		return SB_HS_BAD_STATIC;
	derive(keys, n);
	seal_macs(peer, res->reply, sizeof(*out), packet->now, mac1);

	res->action = SB_HS_KEYS_RESPONDER;
	res->reply_len = sizeof(*out);
	res->replaced_spi = peer->unconfirmed_spi;
	peer->unconfirmed_spi = keys->spi_in;
	drop_pending(peer);
	/* We wanted a bond ourselves: try again unless this one is confirmed. */
	if (peer->attempts)
		peer->retry_at = packet->now +
				 jittered(SB_HS_RETRY_NS, random.jitter);
	await_cookie(peer, res->index, mac1);
	return SB_HS_OK;
}

static enum sb_hs_reason known(struct sb_hs_local *local,
			       const struct sb_hs_static *own,
			       const struct sb_hs_ops *ops,
			       const struct sb_hs_packet *packet,
			       struct sb_noise *n, struct sb_hs_result *res)
{
	const struct sb_msg_initiation *in = (const void *)packet->msg;
	struct sb_payload1 p;
	enum sb_hs_reason reason;

	if (ours_goes_first(local, own, res->peer, packet->now))
		return SB_HS_CROSSED;
	if (sb_hs_peer_follow(res->peer, local))
		return SB_HS_BAD_STATIC;
	if (sb_noise_read1_payload(n, (u8 *)&p,
				   own == &local->old ? res->peer->ss_old : res->peer->ss,
				   in->payload, sizeof(in->payload)))
		return SB_HS_BAD_PAYLOAD;
	reason = check_payload1(res->peer, &p);
	if (reason)
		return reason;
	return answer(local, ops, packet, n, &p, res);
}

/* Never answered, but for a cookie: told to whoever decides about peers. */
static enum sb_hs_reason stranger(struct sb_hs_local *local,
				  const struct sb_hs_static *own,
				  const struct sb_hs_packet *packet, bool cookie,
				  struct sb_noise *n, const u8 pub[SB_KEY_LEN],
				  struct sb_hs_result *res)
{
	const struct sb_msg_initiation *in = (const void *)packet->msg;
	struct sb_payload1 p;
	u8 ss[SB_KEY_LEN];
	int ret;

	if (!cookie)
		return send_cookie(local, own, packet, be32_to_cpu(in->sender), res);
	/* Under load gate() has taken the token. */
	if (!packet->under_load &&
	    !sb_rate_ok(&local->rate, SB_RATE_HANDSHAKE, &packet->src,
			packet->now))
		return SB_HS_RATE_LIMITED;
	if (sb_x25519(ss, own->priv, pub))
		return SB_HS_BAD_STATIC;
	ret = sb_noise_read1_payload(n, (u8 *)&p, ss, in->payload,
				     sizeof(in->payload));
	memzero_explicit(ss, sizeof(ss));
	if (ret)
		return SB_HS_BAD_PAYLOAD;
	res->action = SB_HS_STRANGER;
	memcpy(res->stranger_pub, pub, SB_KEY_LEN);
	memcpy(res->stranger_id, p.device_id, SB_ID_LEN);
	return SB_HS_UNKNOWN_KEY;
}

static enum sb_hs_reason initiation(struct sb_hs_local *local,
				    const struct sb_hs_ops *ops,
				    const struct sb_hs_packet *packet,
				    struct sb_hs_result *res)
{
	const struct sb_msg_initiation *in = (const void *)packet->msg;
	const struct sb_hs_static *own = own_meant(local, packet);
	enum sb_hs_reason reason;
	u8 pub[SB_KEY_LEN];
	struct sb_noise n;
	bool cookie;

	if (!own)
		return SB_HS_BAD_MAC1;
	cookie = sb_mac2_ok(&local->jar, packet->msg, packet->len, &packet->src,
			    packet->now);
	reason = gate(local, own, packet, cookie, be32_to_cpu(in->sender), res);
	if (reason)
		return reason;

	noise_start(&n, local, local->device_id, own->pub);
	if (sb_noise_read1_static(&n, pub, own->priv, in->e)) {
		reason = SB_HS_BAD_STATIC;
		goto out;
	}
	res->peer = ops->peer_by_pub(packet->ctx, pub);
	if (res->peer)
		reason = known(local, own, ops, packet, &n, res);
	else
		reason = stranger(local, own, packet, cookie, &n, pub, res);
out:
	sb_noise_wipe(&n);
	return reason;
}

/* The response authenticates: what did the peer choose? */
static enum sb_hs_reason finish(struct sb_hs_local *local,
				const struct sb_hs_packet *packet,
				const struct sb_noise *n,
				const struct sb_payload2 *p,
				struct sb_hs_result *res)
{
	struct sb_hs_peer *peer = res->peer;
	struct sb_hs_keys *keys = &res->keys;
	bool encap = p->options & SB_OPT_ENCAP;

	if (p->version < local->ver_min || p->version > local->ver_max ||
	    p->alg >= SB_ALG_COUNT || !(local->alg_offer & BIT(p->alg)))
		return SB_HS_NO_COMMON;
	if (be32_to_cpu(p->spi) < SPI_MIN || (peer->pending.encap && !encap))
		return SB_HS_BAD_FIELD;

	peer->nat_seen = nat_between(p->nat, packet);
	if (peer->nat_seen && !encap) {
		peer->next_old = peer->pending.generation != local->generation;
		drop_pending(peer);
		res->action = SB_HS_RESTART;
		return SB_HS_NAT_FOUND;
	}

	keys->initiator = true;
	keys->version = p->version;
	keys->alg = p->alg;
	keys->encap = encap;
	keys->spi_in = peer->pending.spi;
	keys->spi_out = be32_to_cpu(p->spi);
	derive(keys, n);
	res->action = SB_HS_KEYS_INITIATOR;
	res->replaced_spi = peer->unconfirmed_spi;
	peer->unconfirmed_spi = 0;
	drop_pending(peer);
	end_series(peer);
	return SB_HS_OK;
}

static enum sb_hs_reason response(struct sb_hs_local *local,
				  const struct sb_hs_ops *ops,
				  const struct sb_hs_packet *packet,
				  struct sb_hs_result *res)
{
	const struct sb_msg_response *in = (const void *)packet->msg;
	const struct sb_hs_static *own = own_meant(local, packet);
	u32 index = be32_to_cpu(in->receiver);
	struct sb_noise n = { .psk = true };
	enum sb_hs_reason reason;
	struct sb_hs_peer *peer;
	struct sb_payload2 p;
	bool cookie;

	if (!own)
		return SB_HS_BAD_MAC1;
	peer = ops->peer_by_index(packet->ctx, index);
	if (!peer || !peer->pending.live || peer->index != index ||
	    packet->now - peer->pending.sent >= SB_HS_PENDING_NS)
		return SB_HS_UNKNOWN_INDEX;
	if (own_of(local, peer->pending.generation) != own)
		return SB_HS_BAD_MAC1;
	res->peer = peer;
	cookie = sb_mac2_ok(&local->jar, packet->msg, packet->len, &packet->src,
			    packet->now);
	reason = gate(local, own, packet, cookie, be32_to_cpu(in->sender), res);
	if (reason)
		return reason;

	/* On a copy: a forged response leaves the pending state as it was. */
	memcpy(n.ck, peer->pending.ck, SB_HASH_LEN);
	memcpy(n.h, peer->pending.h, SB_HASH_LEN);
	memcpy(n.e, peer->pending.e, SB_KEY_LEN);
	if (sb_noise_read2(&n, (u8 *)&p, own->priv, local->psk, in->e,
			   sizeof(in->e) + sizeof(in->payload)))
		reason = SB_HS_BAD_PAYLOAD;
	else
		reason = finish(local, packet, &n, &p, res);
	sb_noise_wipe(&n);
	return reason;
}

static enum sb_hs_reason cookie_reply(const struct sb_hs_ops *ops,
				      const struct sb_hs_packet *packet,
				      struct sb_hs_result *res)
{
	const struct sb_msg_cookie *in = (const void *)packet->msg;
	u32 index = be32_to_cpu(in->receiver);
	struct sb_hs_peer *peer = ops->peer_by_index(packet->ctx, index);

	if (!peer || !peer->index || peer->index != index)
		return SB_HS_UNKNOWN_INDEX;
	res->peer = peer;
	if (!peer->cookie_wanted ||
	    sb_cookie_open(peer->cookie, in, peer->pub, peer->last_mac1))
		return SB_HS_BAD_COOKIE;
	peer->cookie_wanted = false;
	peer->cookie_known = true;
	peer->cookie_at = packet->now;
	/*
	 * Who sees our messages can make cookie replies: only the first one of
	 * a series hurries us, later ones wait for the timer.
	 */
	if (peer->pending.live && !peer->cookie_hurried) {
		peer->cookie_hurried = true;
		res->action = SB_HS_RESTART;
	}
	return SB_HS_COOKIE_STORED;
}

void sb_hs_receive(struct sb_hs_local *local, const struct sb_hs_ops *ops,
		   const struct sb_hs_packet *packet, struct sb_hs_result *res)
{
	memset(res, 0, sizeof(*res));
	switch (sb_msg_type(packet->msg, packet->len)) {
	case SB_MSG_INITIATION:
		res->reason = initiation(local, ops, packet, res);
		break;
	case SB_MSG_RESPONSE:
		res->reason = response(local, ops, packet, res);
		break;
	case SB_MSG_COOKIE:
		res->reason = cookie_reply(ops, packet, res);
		break;
	case -EPROTONOSUPPORT:
		res->reason = SB_HS_BAD_VERSION;
		break;
	default:
		res->reason = SB_HS_BAD_LENGTH;
		break;
	}
}
