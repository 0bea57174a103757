/* SPDX-License-Identifier: GPL-2.0-only */
/* Security associations that the module makes, and the test "is this one ours". */
#ifndef SB_SA_H
#define SB_SA_H

#include <linux/hashtable.h>
#include <linux/rculist.h>
#include <linux/spinlock.h>
#include <net/ipv6.h>
#include <net/xfrm.h>
#include "nonce.h"

struct sb_net;
struct sb_peer;

/* One SA of ours. Found by its state's address or its SPI, under RCU. */
struct sb_sa {
	struct hlist_node by_state;
	struct hlist_node by_spi;
	struct xfrm_state *x;		/* with a reference */
	struct sb_peer *peer;		/* outlives the SA's place in the tables by a grace period */
	__be32 spi;
	bool out;
	bool confirmed;			/* inbound: a packet came through; WRITE_ONCE */
	bool tampered;			/* somebody rewrote it: it is in no table any more; WRITE_ONCE */
	spinlock_t nonce_lock;		/* *nonce */
	struct sb_nonce *nonce;		/* outbound; NULL inbound */
	struct rcu_head rcu;
};

/* What an SA is made of; keys are 32 bytes and a 4-byte salt (RFC 4106, RFC 7634). */
struct sb_sa_spec {
	bool out;
	u8 algorithm;			/* enum sealbond_algorithm */
	u8 family;			/* of the outer addresses */
	xfrm_address_t saddr, daddr;	/* outer */
	u32 spi;			/* host order */
	u32 reqid;
	bool encap;
	__be16 sport, dport;		/* with encap, as seen on the wire in the SA's direction */
	const u8 *key;			/* 36 bytes; the caller wipes its copy */
	u64 hard_bytes;
};

/*
 * sb_sa_add() - make an SA, enter it into the kernel's tables and ours, and overwrite the key
 * that the state holds with random bytes.
 *
 * Process context, sn->lock held. Returns the SA or an ERR_PTR (-ENOSYS: the kernel lacks the
 * algorithm; -EEXIST: the SPI is used).
 */
struct sb_sa *sb_sa_add(struct sb_net *sn, struct sb_peer *peer, const struct sb_sa_spec *spec);

/*
 * sb_sa_algorithm_ready() - load and try an algorithm (enum sealbond_algorithm) now, so that the
 * first handshake need not wait for modules and self-tests. Process context. 0 or -ENOSYS.
 */
int sb_sa_algorithm_ready(u8 algorithm);

/*
 * sb_sa_tampered() - somebody changed the state behind our back. From its return on the hooks take
 * the SA for a foreign one; what becomes of the bond is the caller's. Any context.
 * sb_sa_migrated() - the same for all that died without us; @act for each. Under RCU.
 */
void sb_sa_tampered(struct sb_sa *sa);
void sb_sa_migrated(void (*act)(struct sb_sa *sa));

/*
 * sb_sa_take() - the numbers of a packet that is to leave: @first, low half and host order, and
 * @count of them, of an outbound SA. See sb_nonce_take(); in hooks.
 * sb_sa_rewound() - was this SA's own counter set back behind what has left?
 */
static inline enum sb_nonce_answer sb_sa_take(struct sb_sa *sa, u32 first, u32 count)
{
	/* Most packets come with softirqs off already: below sb0, and at egress. */
	bool on = unlikely(!in_softirq());
	enum sb_nonce_answer answer;

	if (on)
		local_bh_disable();
	spin_lock(&sa->nonce_lock);
	answer = sb_nonce_take(sa->nonce, first, count);
	spin_unlock(&sa->nonce_lock);
	if (on)
		local_bh_enable();
	return answer;
}

bool sb_sa_rewound(struct sb_sa *sa);

/* sb_sa_del() - take it out of all tables; freed after a grace period. NULL is allowed. */
void sb_sa_del(struct sb_sa *sa);

/*
 * All look-ups under rcu_read_lock(); NULL if it is none of ours. sb_sa_named() is for a state that
 * is not itself in the kernel's tables, and names one of either direction that may be.
 */
struct sb_sa *sb_sa_named(struct xfrm_state *x);

/* 4,096 chains: with 10,000 bonds and two epochs of each there are ten SAs in one. For sa.c alone. */
#define SB_SA_TABLE_BITS	12
extern struct hlist_head sb_sa_states[1 << SB_SA_TABLE_BITS], sb_sa_spis[1 << SB_SA_TABLE_BITS];

/* Inline: the hooks ask five times for each packet. */
static __always_inline struct sb_sa *sb_sa_by_state(const struct xfrm_state *x)
{
	struct sb_sa *sa;

	hash_for_each_possible_rcu(sb_sa_states, sa, by_state, (unsigned long)x)
		if (sa->x == x)
			return sa;
	return NULL;
}

static __always_inline struct sb_sa *sb_sa_by_spi(const struct net *net, __be32 spi, bool out)
{
	struct sb_sa *sa;

	hash_for_each_possible_rcu(sb_sa_spis, sa, by_spi, (__force u32)spi)
		if (sa->spi == spi && sa->out == out && xs_net(sa->x) == net)
			return sa;
	return NULL;
}

/* sb_sa_is_to() - is this the address that its packets go to? */
static __always_inline bool sb_sa_is_to(const struct sb_sa *sa, u8 family, const xfrm_address_t *to)
{
	const struct xfrm_state *x = sa->x;

	return x->props.family == family &&
	       (family == AF_INET ? x->id.daddr.a4 == to->a4 :
				    ipv6_addr_equal(&x->id.daddr.in6, &to->in6));
}

/*
 * sb_sa_outbound() - of what is sealed, by where it goes: the receiver has chosen the SPI, and two
 * may have chosen one. The kernel has no two states with one SPI to one address.
 */
static __always_inline struct sb_sa *sb_sa_outbound(const struct net *net, __be32 spi, u8 family,
						    const xfrm_address_t *to)
{
	struct sb_sa *sa;

	hash_for_each_possible_rcu(sb_sa_spis, sa, by_spi, (__force u32)spi)
		if (sa->spi == spi && sa->out && xs_net(sa->x) == net && sb_sa_is_to(sa, family, to))
			return sa;
	return NULL;
}

/* sb_sa_spi_free() - is no SA of ours or of anybody's inbound under this SPI? Host order. */
bool sb_sa_spi_free(struct net *net, u32 spi);

/* sb_sa_sequence() - the 64-bit number of the last packet sent. */
u64 sb_sa_sequence(const struct sb_sa *sa);

#endif
