/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The handshake engine: docs/protocol.md. Pure: no locks, no allocation, no
 * I/O; the caller serialises all calls on one struct sb_hs_local and on the
 * peers that belong to it (one worker). Process context (X25519, sb_random).
 *
 * Every `now` is boot time in nanoseconds (CLOCK_BOOTTIME), never wall time.
 * Indices and SPIs are in host order. Secrets never leave these structs but
 * for struct sb_hs_keys.
 */
#ifndef SB_HANDSHAKE_H
#define SB_HANDSHAKE_H

#include "cookie.h"
#include "kdf.h"
#include "message.h"
#include "noise.h"

/* A bond key of this device. Secret. */
struct sb_hs_static {
	u8 priv[SB_KEY_LEN];
	u8 pub[SB_KEY_LEN];
	u8 mac1_key[SB_KEY_LEN];	/* of messages to it */
};

/* This device with its bond key. About 9 KiB: allocate it. */
struct sb_hs_local {
	struct sb_hs_static now;
	struct sb_hs_static old;	/* the one before, while it still answers */
	bool has_old;
	u32 generation;			/* of now; old has the one before */
	u8 device_id[SB_ID_LEN];
	u8 chain_id[SB_ID_LEN];		/* SHA-256 of the chain's name */
	u8 psk[SB_KEY_LEN];		/* zero until post-quantum material fills it */
	u32 reset_count;		/* the TPM's, when the key was unsealed */
	u32 restart_count;
	u64 last_boottime;		/* of the last counter sent */
	u8 ver_min, ver_max;		/* protocol versions spoken */
	u8 alg_offer;			/* BIT(enum sb_alg) */
	u8 alg_pref[SB_ALG_COUNT];	/* enum sb_alg, best first; all of them */
	bool want_encap;
	struct sb_cookie_jar jar;
	struct sb_rate_table rate;
};

/* The replay counter. Lexicographic; greater is newer. */
struct sb_hs_counter {
	u32 reset_count;
	u32 restart_count;
	u64 boottime;
};

static inline bool sb_hs_newer(const struct sb_hs_counter *a, const struct sb_hs_counter *b)
{
	if (a->reset_count != b->reset_count)
		return a->reset_count > b->reset_count;
	if (a->restart_count != b->restart_count)
		return a->restart_count > b->restart_count;
	return a->boottime > b->boottime;
}

/* An initiation on its way, waiting for the response. */
struct sb_hs_pending {
	bool live;
	bool encap;			/* was asked for */
	u32 generation;			/* of our key that it was sent with */
	u32 spi;			/* of the inbound SA to be */
	u64 sent;
	u8 ck[SB_HASH_LEN];
	u8 h[SB_HASH_LEN];
	u8 e[SB_KEY_LEN];
};

/* A peer, by its static key. At most 600 bytes. */
struct sb_hs_peer {
	u8 pub[SB_KEY_LEN];
	u8 device_id[SB_ID_LEN];
	u32 generation;			/* of our key that ss is for */
	u8 ss[SB_KEY_LEN];		/* static-static product */
	u8 ss_old[SB_KEY_LEN];		/* that of our old key, if there is one */
	u8 mac1_key[SB_KEY_LEN];	/* of messages to the peer */
	struct sb_hs_counter seen;	/* last accepted from this key */

	u32 index;			/* sender index of our last message; 0: none */
	bool cookie_wanted;		/* last_mac1 still awaits a cookie reply */
	bool cookie_known;
	bool cookie_hurried;		/* one early restart a series */
	bool nat_seen;			/* the next initiation asks for encapsulation */
	bool next_old;			/* the next initiation takes our old key */
	u8 last_mac1[SB_MAC_LEN];
	u8 cookie[SB_MAC_LEN];
	u64 cookie_at;			/* when it came */

	u32 attempts;			/* in this series of initiations */
	u8 slow;			/* doublings of the interval */
	u64 series_at;			/* start of the series */
	u64 retry_at;			/* see sb_hs_retry_at() */
	struct sb_hs_pending pending;
	u32 unconfirmed_spi;		/* inbound SPI of our pending epoch; 0: none */
};

static_assert(sizeof(struct sb_hs_peer) <= 600);

/*
 * Sets up `local` for the bond key priv and derives the public half.
 * Defaults: both algorithms, AES-256-GCM first, encapsulation only for NAT,
 * psk zero, all protocol versions; change the fields afterwards.
 * chain_id may be all zero. Returns 0, -EINVAL (bad key) or sb_random's error.
 */
int __must_check sb_hs_local_init(struct sb_hs_local *local,
				  const u8 priv[SB_KEY_LEN],
				  const u8 device_id[SB_ID_LEN],
				  const u8 chain_id[SB_ID_LEN],
				  u32 reset_count, u32 restart_count);
void sb_hs_local_wipe(struct sb_hs_local *local);

/*
 * The bond key is `priv` from now on. The one before goes on beside it: both
 * are answered, and a series of initiations takes them in turn, the new one
 * first. One that was old already is forgotten. Peers follow by themselves,
 * and what is on its way to a peer is still finished.
 * Returns 0 or -EINVAL (bad key); nothing changes on failure.
 */
int __must_check sb_hs_rotate(struct sb_hs_local *local,
			      const u8 priv[SB_KEY_LEN]);

/* The old key's end; for each peer, too, in any order. */
void sb_hs_forget_old(struct sb_hs_local *local);
void sb_hs_peer_forget_old(struct sb_hs_peer *peer);

/*
 * Sets up a peer of `local`; its replay counter starts at zero. Returns 0, or
 * -EINVAL for a public key of low order or our own.
 */
int __must_check sb_hs_peer_init(struct sb_hs_peer *peer,
				 const struct sb_hs_local *local,
				 const u8 pub[SB_KEY_LEN],
				 const u8 device_id[SB_ID_LEN]);
void sb_hs_peer_wipe(struct sb_hs_peer *peer);

/*
 * The engine's own: a peer's products with the keys that local has now.
 * Returns 0 or, for our own key, -EINVAL; the peer is untouched then.
 */
int __must_check sb_hs_peer_follow(struct sb_hs_peer *peer,
				   const struct sb_hs_local *local);

/*
 * Writes an initiation to out (SB_MSG_MAX_LEN bytes) and sets *out_len. An
 * earlier one to the same peer that still waits is forgotten: the caller then
 * gives up that one's index and SPI. Also used to retry: see sb_hs_retry_at().
 * index: nonzero, unique among the sender indices in use under `local`; it is
 *        needed until the next start, end or cancel (a late cookie reply
 *        names it).
 * spi:   of the inbound SA that the response will complete, 256 or more.
 * src, dst: of the packet, as we see it (NAT detection); src->ip all zero when
 *        unknown, which makes encapsulation be chosen.
 * Returns 0, -EINVAL or the error of sb_random; nothing changes on failure.
 */
int __must_check sb_hs_start(struct sb_hs_local *local, struct sb_hs_peer *peer,
			     u64 now, u32 index, u32 spi,
			     const struct sb_addr *src,
			     const struct sb_addr *dst,
			     u8 *out, size_t *out_len);

/*
 * When sb_hs_start should be called again for this peer (boot time, may be
 * past), or 0 when nothing is under way. It is set by sb_hs_start, and by an
 * answered initiation whose epoch is not confirmed yet.
 */
u64 sb_hs_retry_at(const struct sb_hs_peer *peer);

/* The series has lasted SB_HS_GIVE_UP_NS: the intervals now grow. */
bool sb_hs_gave_up(const struct sb_hs_peer *peer, u64 now);

/* Forgets what is pending with the peer, its series and its unconfirmed epoch. */
void sb_hs_cancel(struct sb_hs_peer *peer);

/*
 * A packet authenticated on the inbound SA `spi`. True when that confirms our
 * pending epoch as responder: the caller installs or activates the outbound
 * SA now. False at any other time (call it as often as you like).
 */
bool sb_hs_confirmed(struct sb_hs_peer *peer, u32 spi);

/* Traffic keys of one epoch. Wipe it. */
struct sb_hs_keys {
	enum sb_alg alg;
	bool encap;			/* UDP encapsulation (RFC 3948) */
	bool initiator;
	u8 version;			/* protocol version chosen */
	u32 spi_in, spi_out;
	u8 key_in[SB_ESP_KEY_LEN], key_out[SB_ESP_KEY_LEN];
};

void sb_hs_keys_wipe(struct sb_hs_keys *keys);

enum sb_hs_action {
	/* Nothing to do; `reason` says why, for a counter. */
	SB_HS_NOTHING,
	/* Send reply back to where the packet came from. */
	SB_HS_SEND,
	/*
	 * We answer `peer`: install the inbound SA of keys, keep the outbound
	 * one for sb_hs_confirmed(), then send reply. An earlier pending epoch
	 * (replaced_spi, 0: none) goes away. The source address is not proven
	 * before the confirmation.
	 */
	SB_HS_KEYS_RESPONDER,
	/*
	 * `peer` answered us: install both SAs of keys, inbound first, and
	 * send a dummy ESP packet at once. The source address is proven.
	 * A pending epoch as responder (replaced_spi, 0: none) goes away.
	 */
	SB_HS_KEYS_INITIATOR,
	/* Call sb_hs_start for `peer` at once (a NAT or a cookie was learnt). */
	SB_HS_RESTART,
	/* A valid handshake of an unknown key: stranger_pub, stranger_id. */
	SB_HS_STRANGER,
};

/* Why; also the index of a counter. Names: sb_hs_reason_name(). */
enum sb_hs_reason {
	SB_HS_OK,
	SB_HS_BAD_LENGTH,	/* length, type or zero field */
	SB_HS_BAD_VERSION,	/* wire version */
	SB_HS_BAD_MAC1,
	SB_HS_UNKNOWN_INDEX,	/* receiver index without a pending exchange */
	SB_HS_BAD_STATIC,	/* initiation's static key does not decrypt */
	SB_HS_BAD_PAYLOAD,	/* payload does not decrypt */
	SB_HS_BAD_FIELD,	/* a value inside a payload */
	SB_HS_BAD_DEVICE,	/* device id is not the one of that key */
	SB_HS_REPLAYED,		/* counter not greater than the last */
	SB_HS_CROSSED,		/* simultaneous start: ours goes first */
	SB_HS_NO_COMMON,	/* no version or algorithm in common */
	SB_HS_BAD_COOKIE,	/* cookie reply does not decrypt or is not awaited */
	SB_HS_COOKIE_SENT,
	SB_HS_COOKIE_STORED,
	SB_HS_NAT_FOUND,	/* initiator starts anew with encapsulation */
	SB_HS_UNKNOWN_KEY,	/* stranger */
	SB_HS_RATE_LIMITED,
	SB_HS_NO_RESOURCE,	/* random numbers, or new_spi of the caller failed */
	SB_HS_REASON_COUNT,
};

/* Stable lower-case name with dashes, or NULL. */
const char *sb_hs_reason_name(enum sb_hs_reason reason);

struct sb_hs_result {
	enum sb_hs_action action;
	enum sb_hs_reason reason;
	struct sb_hs_peer *peer;	/* as the look-up gave it; NULL if none */
	u32 replaced_spi;		/* inbound SPI of the epoch replaced */
	u32 index;			/* responder: sender index used */
	size_t reply_len;
	u8 reply[sizeof(struct sb_msg_response)];
	struct sb_hs_keys keys;
	u8 stranger_pub[SB_KEY_LEN];
	u8 stranger_id[SB_ID_LEN];
};

/* What the engine asks its caller. ctx is the one of struct sb_hs_packet. */
struct sb_hs_ops {
	/* The peer with this static key, or NULL. */
	struct sb_hs_peer *(*peer_by_pub)(void *ctx, const u8 pub[SB_KEY_LEN]);
	/* The peer whose last message had this sender index, or NULL. */
	struct sb_hs_peer *(*peer_by_index)(void *ctx, u32 index);
	/*
	 * For an answer to peer: a fresh inbound SPI (256 or more) and a fresh
	 * sender index (nonzero). Returns 0 or a negative errno. If the engine then does
	 * not answer, the caller sees another action than KEYS_RESPONDER and
	 * takes both back.
	 */
	int (*new_spi)(void *ctx, struct sb_hs_peer *peer, u32 *spi, u32 *index);
};

struct sb_hs_packet {
	const u8 *msg;			/* UDP payload */
	size_t len;
	struct sb_addr src, dst;	/* as on the packet that came */
	u64 now;
	bool under_load;		/* demand a cookie before any X25519 */
	void *ctx;
};

/*
 * Handles one received packet. res is overwritten in any case; what it says is
 * to be done, in that order. Nothing about a peer changes unless the message
 * authenticates. res->keys must be wiped after KEYS_*: sb_hs_keys_wipe().
 */
void sb_hs_receive(struct sb_hs_local *local, const struct sb_hs_ops *ops,
		   const struct sb_hs_packet *packet, struct sb_hs_result *res);

#endif
