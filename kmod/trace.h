/* SPDX-License-Identifier: GPL-2.0-only */
/* The tracepoint sealbond:sealbond_drop. Its objects need -I of this directory. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM sealbond

#if !defined(SB_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define SB_TRACE_H

#include <linux/tracepoint.h>
#include <uapi/linux/sealbond.h>
#include <net/ipv6.h>
#include "drop_event.h"

#define sb_trace_reasons							\
	{ SEALBOND_REASON_CLEAR_IN,		"clear-in" },			\
	{ SEALBOND_REASON_CLEAR_OUT,		"clear-out" },			\
	{ SEALBOND_REASON_FORWARDED,		"forwarded" },			\
	{ SEALBOND_REASON_RAW_FRAME,		"raw-frame" },			\
	{ SEALBOND_REASON_UNKNOWN_FRAME,	"unknown-frame" },		\
	{ SEALBOND_REASON_UNKNOWN_SPI,		"unknown-spi" },		\
	{ SEALBOND_REASON_FOREIGN_SA,		"foreign-sa" },			\
	{ SEALBOND_REASON_FOREIGN_SOCKET,	"foreign-socket" },		\
	{ SEALBOND_REASON_NO_BOND,		"no-bond" },			\
	{ SEALBOND_REASON_NOT_SEALED,		"not-sealed" },			\
	{ SEALBOND_REASON_LEASE_ENDED,		"lease-ended" },		\
	{ SEALBOND_REASON_QUARANTINED,		"quarantined" },		\
	{ SEALBOND_REASON_WRONG_SOURCE,		"wrong-source" },		\
	{ SEALBOND_REASON_OVER_BUDGET,		"over-budget" },		\
	{ SEALBOND_REASON_LEDGER_SOCKET,	"ledger-socket" },		\
	{ SEALBOND_REASON_OTHER_NETNS,		"other-netns" },		\
	{ SEALBOND_REASON_MALFORMED,		"malformed" }

#define sb_trace_dirs								\
	{ SEALBOND_DIR_IN,	"in" },						\
	{ SEALBOND_DIR_OUT,	"out" },					\
	{ SEALBOND_DIR_FORWARD,	"forward" },					\
	{ SEALBOND_DIR_EGRESS,	"egress" }

#ifndef SB_TRACE_ADDRESS
#define SB_TRACE_ADDRESS
/* IPv4 as ::ffff:a.b.c.d */
static inline void sb_trace_address(u8 *to, const u8 *address, u8 family)
{
	if (family == 4)
		ipv6_addr_set_v4mapped(get_unaligned((const __be32 *)address),
				       (struct in6_addr *)to);
	else
		memcpy(to, address, 16);
}
#endif

TRACE_EVENT(sealbond_drop,
	TP_PROTO(const struct sb_drop *drop),
	TP_ARGS(drop),
	TP_STRUCT__entry(
		__field(u8, reason)
		__field(u8, dir)
		__field(bool, observed)
		__field(u8, proto)
		__field(u16, ethertype)
		__field(u16, sport)
		__field(u16, dport)
		__field(u32, len)
		__array(char, ifname, SB_IFNAME_LEN)
		__array(u8, saddr, 16)
		__array(u8, daddr, 16)
	),
	TP_fast_assign(
		__entry->reason = drop->reason;
		__entry->dir = drop->dir;
		__entry->observed = drop->observed;
		__entry->proto = drop->flow.proto;
		__entry->ethertype = drop->flow.ethertype;
		__entry->sport = drop->flow.sport;
		__entry->dport = drop->flow.dport;
		__entry->len = drop->len;
		memcpy(__entry->ifname, drop->flow.ifname, SB_IFNAME_LEN);
		sb_trace_address(__entry->saddr, drop->flow.saddr, drop->flow.family);
		sb_trace_address(__entry->daddr, drop->flow.daddr, drop->flow.family);
	),
	TP_printk("%s%s %s %s ethertype=%04x proto=%u src=%pI6c dst=%pI6c sport=%u dport=%u len=%u",
		  __print_symbolic(__entry->reason, sb_trace_reasons),
		  __entry->observed ? " (observed)" : "",
		  __print_symbolic(__entry->dir, sb_trace_dirs),
		  __entry->ifname, __entry->ethertype, __entry->proto,
		  __entry->saddr, __entry->daddr,
		  __entry->sport, __entry->dport, __entry->len)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
