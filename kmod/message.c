// SPDX-License-Identifier: GPL-2.0-only
#include "message.h"

static const char nat_label[] = "Sealbond v1 nat";

void sb_addr_v4(struct sb_addr *addr, __be32 ip, u16 port)
{
	memset(addr->ip, 0, 10);
	memset(addr->ip + 10, 0xff, 2);
	memcpy(addr->ip + 12, &ip, 4);
	addr->port = port;
}

void sb_addr_v6(struct sb_addr *addr, const u8 ip[16], u16 port)
{
	memcpy(addr->ip, ip, 16);
	addr->port = port;
}

int sb_msg_type(const u8 *msg, size_t len)
{
	const struct sb_msg_head *head = (const struct sb_msg_head *)msg;
	size_t want;

	if (len < sizeof(*head) || head->marker || head->zero)
		return -EPROTO;
	switch (head->type) {
	case SB_MSG_INITIATION:
		want = sizeof(struct sb_msg_initiation);
		break;
	case SB_MSG_RESPONSE:
		want = sizeof(struct sb_msg_response);
		break;
	case SB_MSG_COOKIE:
		want = sizeof(struct sb_msg_cookie);
		break;
	default:
		return -EPROTO;
	}
	/* Another wire version may have other lengths. */
	if (head->version != SB_WIRE_VERSION)
		return -EPROTONOSUPPORT;
	return len == want ? head->type : -EPROTO;
}

void sb_msg_head_fill(struct sb_msg_head *head, enum sb_msg_type type)
{
	memset(head, 0, sizeof(*head));
	head->type = type;
	head->version = SB_WIRE_VERSION;
}

static void hash_addr(struct sb_blake2s *ctx, const struct sb_addr *addr)
{
	u8 port[2];

	put_unaligned_be16(addr->port, port);
	sb_blake2s_update(ctx, addr->ip, sizeof(addr->ip));
	sb_blake2s_update(ctx, port, sizeof(port));
}

void sb_nat_hash(u8 out[SB_NAT_HASH_LEN], const struct sb_addr *src,
		 const struct sb_addr *dst)
{
	struct sb_blake2s ctx;
	u8 hash[SB_HASH_LEN];

	sb_blake2s_init(&ctx, SB_HASH_LEN, NULL, 0);
	sb_blake2s_update(&ctx, nat_label, sizeof(nat_label) - 1);
	hash_addr(&ctx, src);
	hash_addr(&ctx, dst);
	sb_blake2s_final(&ctx, hash);
	memcpy(out, hash, SB_NAT_HASH_LEN);
}
