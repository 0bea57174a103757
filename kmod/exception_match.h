/* SPDX-License-Identifier: GPL-2.0-only */
/* Clear traffic allowed by name: which packets an exception means, and its budget. */
#ifndef SB_EXCEPTION_MATCH_H
#define SB_EXCEPTION_MATCH_H

#include "pure.h"
#include "uapi/linux/sealbond.h"

#define SB_IFNAME_LEN	16	/* IFNAMSIZ */

/* An exception as SET_EXCEPTIONS gives it; zero where an attribute is absent. */
struct sb_exception_spec {
	char name[SEALBOND_NAME_LEN];
	char ifname[SB_IFNAME_LEN];	/* "": any device */
	u8 kind;			/* enum sealbond_exception_kind */
	u8 dir;				/* SEALBOND_X_DIR_*; 0: both */
	u8 proto;			/* IP protocol, MATCH only */
	u8 family;			/* of remote: 4, 6, or 0 for none given */
	u8 prefix;			/* bits of remote; to be set whenever family is */
	u8 remote[16];			/* network order, IPv4 in the first 4 bytes */
	u16 local_port, remote_port;	/* host order; 0: any */
	u32 rate;			/* packets a second; 0: SB_EXC_RATE */
	u32 bytes;			/* bytes a second; 0: SB_EXC_BYTES */
};

/* A packet as far as exceptions and drop reports care. Ports and ethertype in host order. */
struct sb_flow {
	char ifname[SB_IFNAME_LEN];
	u16 ethertype;
	u8 dir;			/* one of SEALBOND_X_DIR_* */
	u8 family;		/* 4, 6, or 0: not IP, nothing below counts */
	u8 proto;
	u8 hop_limit;
	u8 icmp_type;
	bool fragment;		/* first or later: never excused */
	bool packet_socket;	/* only DHCPv4 comes that way */
	bool quotes_ours;	/* an ICMP error about an outer flow of ours, or the ledger's */
	bool ledger;		/* from or to a socket that the helper has registered */
	bool ports;		/* sport and dport are there */
	u16 sport, dport;
	u8 saddr[16], daddr[16];	/* network order, IPv4 in the first 4 bytes */
};

/*
 * sb_exception_check() - is @spec complete and free of contradictions? NULL, or a text for who
 * configured it.
 */
const char *sb_exception_check(const struct sb_exception_spec *spec);

/* sb_exception_same() - do two specifications with their defaults filled in say the same? */
bool sb_exception_same(const struct sb_exception_spec *a, const struct sb_exception_spec *b);

/* sb_exception_match() - does a checked @spec mean this packet? Its budget is another matter. */
bool sb_exception_match(const struct sb_exception_spec *spec, const struct sb_flow *flow);

/*
 * sb_exception_is_ledgers() - is the packet about the ledger endpoint that a @spec of kind LEDGER
 * names by its address, whatever socket it is of? For the reason of a drop.
 */
bool sb_exception_is_ledgers(const struct sb_exception_spec *spec, const struct sb_flow *flow);

/*
 * Token buckets for packets and for bytes, each kept as the time at which it would be full
 * again. All zero is full.
 */
struct sb_budget {
	u64 packets_ns;
	u64 bytes_ns;
};

/*
 * sb_budget_has() - would one more packet be within the budget at @now (boot time, ns)?
 * sb_budget_take() - the same, and charges it if so.
 * A packet larger than what is left passes when anything is left, and is paid for later.
 */
bool sb_budget_has(const struct sb_budget *budget, u64 now);
bool sb_budget_take(struct sb_budget *budget, const struct sb_exception_spec *spec, u64 now,
		    u32 len);

#endif
