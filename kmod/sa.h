/* SPDX-License-Identifier: GPL-2.0-only */
/* Security associations that the module makes, and the test "is this one ours". */
#ifndef SB_SA_H
#define SB_SA_H

#include <linux/rculist.h>
#include <net/xfrm.h>

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

/* sb_sa_del() - take it out of all tables; freed after a grace period. NULL is allowed. */
void sb_sa_del(struct sb_sa *sa);

/* Both look-ups under rcu_read_lock(); NULL if it is none of ours. */
struct sb_sa *sb_sa_by_state(const struct xfrm_state *x);
struct sb_sa *sb_sa_by_spi(const struct net *net, __be32 spi, bool out);

/* sb_sa_spi_free() - is no SA of ours or of anybody's inbound under this SPI? Host order. */
bool sb_sa_spi_free(struct net *net, u32 spi);

/* sb_sa_sequence() - the 64-bit number of the last packet sent. */
u64 sb_sa_sequence(const struct sb_sa *sa);

#endif
