// SPDX-License-Identifier: GPL-2.0-only
#include "fragment.h"

#include <linux/atomic.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/ktime.h>
#include <linux/net.h>
#include <linux/siphash.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "packet.h"

/*
 * Expectations, by a keyed hash of what is expected; where two meet, the older is forgotten and
 * its packet lost. They age by the second that is hashed with them.
 */
#define SLOTS	256

static atomic64_t expected[SLOTS];
static siphash_key_t key;

struct piece {
	struct in6_addr saddr, daddr;
	u64 second;
	u64 device;
	u32 id;
	u32 offset;		/* of the payload in the whole, bytes */
	u32 proto;
	u32 zero;
} __aligned(SIPHASH_ALIGNMENT);

static bool read4(const struct sb_packet *p, struct piece *piece, u32 *len, bool *more)
{
	const struct iphdr *ip;
	struct iphdr buf;

	ip = skb_header_pointer(p->skb, p->offset, sizeof(buf), &buf);
	if (!ip || ntohs(ip->tot_len) < ip->ihl * 4)
		return false;
	ipv6_addr_set_v4mapped(ip->saddr, &piece->saddr);
	ipv6_addr_set_v4mapped(ip->daddr, &piece->daddr);
	piece->id = (__force u16)ip->id;
	piece->proto = ip->protocol;
	piece->offset = (ntohs(ip->frag_off) & IP_OFFSET) * 8;
	*len = ntohs(ip->tot_len) - ip->ihl * 4;
	*more = ip->frag_off & htons(IP_MF);
	return true;
}

static bool read6(const struct sb_packet *p, struct piece *piece, u32 *len, bool *more)
{
	struct {
		struct ipv6hdr ip;
		struct frag_hdr frag;
	} *h, buf;

	h = skb_header_pointer(p->skb, p->offset, sizeof(buf), &buf);
	if (!h || h->ip.nexthdr != NEXTHDR_FRAGMENT || ntohs(h->ip.payload_len) < sizeof(h->frag))
		return false;
	piece->saddr = h->ip.saddr;
	piece->daddr = h->ip.daddr;
	piece->id = (__force u32)h->frag.identification;
	piece->proto = h->frag.nexthdr;
	piece->offset = ntohs(h->frag.frag_off) & IP6_OFFSET;
	*len = ntohs(h->ip.payload_len) - sizeof(h->frag);
	*more = h->frag.frag_off & htons(IP6_MF);
	return true;
}

static bool read_piece(const struct sb_packet *p, struct piece *piece, u32 *len, bool *more)
{
	memset(piece, 0, sizeof(*piece));
	piece->device = (unsigned long)p->dev;
	piece->second = ktime_get_boottime_seconds();
	return p->family == 4 ? read4(p, piece, len, more) : read6(p, piece, len, more);
}

/* Never zero: that is an empty slot. */
static u64 hash_piece(const struct piece *piece)
{
	net_get_random_once(&key, sizeof(key));
	return siphash(piece, sizeof(*piece), &key) | 1;
}

static atomic64_t *slot_of(u64 hash)
{
	return &expected[(hash >> 1) % SLOTS];
}

bool sb_fragment_continues(const struct sb_packet *p)
{
	struct piece piece;
	bool more;
	u32 len;
	u64 hash;
	int age;

	if (!read_piece(p, &piece, &len, &more))
		return false;
	for (age = 0; age < 2; age++, piece.second--) {
		hash = hash_piece(&piece);
		if (atomic64_cmpxchg(slot_of(hash), hash, 0) == hash)
			return true;
	}
	return false;
}

void sb_fragment_expect(const struct sb_packet *p)
{
	struct piece piece;
	bool more;
	u32 len;
	u64 hash;

	if (!read_piece(p, &piece, &len, &more) || !more)
		return;
	piece.offset += len;
	hash = hash_piece(&piece);
	atomic64_set(slot_of(hash), hash);
}
