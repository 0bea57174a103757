/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The handshake's messages as they are on the wire: docs/protocol.md,
 * "Messages". Network byte order. Lengths are exact.
 */
#ifndef SB_MESSAGE_H
#define SB_MESSAGE_H

#include "crypto.h"

#define SB_WIRE_VERSION		1	/* layout and prologue */
#define SB_PROTO_VERSION_MIN	1	/* negotiated inside payloads */
#define SB_PROTO_VERSION_MAX	1

enum sb_msg_type {
	SB_MSG_INITIATION = 1,
	SB_MSG_RESPONSE = 2,
	SB_MSG_COOKIE = 3,
};

#define SB_MAC_LEN		16
#define SB_NAT_HASH_LEN		16
#define SB_ID_LEN		32	/* device id, chain id */
#define SB_COOKIE_NONCE_LEN	32

/* Bits of sb_payload1.options and sb_payload2.options. */
#define SB_OPT_ENCAP		BIT(0)

struct sb_msg_head {
	__be32 marker;		/* zero: not ESP (RFC 3948 section 2.2) */
	u8 type;
	u8 version;
	__be16 zero;
} __packed;

struct sb_payload1 {
	u8 ver_min;
	u8 ver_max;
	u8 algs;		/* BIT(enum sb_alg) */
	u8 options;
	__be32 reset_count;	/* replay counter, most significant part first */
	__be32 restart_count;
	__be64 boottime;
	__be32 spi;		/* of the initiator's inbound SA */
	u8 device_id[SB_ID_LEN];
	u8 nat[SB_NAT_HASH_LEN];
	u8 reserved[24];	/* sent as zero, not looked at */
} __packed;

struct sb_payload2 {
	u8 version;
	u8 alg;			/* enum sb_alg */
	u8 options;
	u8 reserved0;
	__be32 spi;		/* of the responder's inbound SA */
	u8 nat[SB_NAT_HASH_LEN];
	u8 reserved[8];
} __packed;

struct sb_msg_macs {
	u8 mac1[SB_MAC_LEN];
	u8 mac2[SB_MAC_LEN];
} __packed;

struct sb_msg_initiation {
	struct sb_msg_head head;
	__be32 sender;
	u8 e[SB_KEY_LEN];
	u8 s[SB_KEY_LEN + SB_TAG_LEN];
	u8 payload[sizeof(struct sb_payload1) + SB_TAG_LEN];
	struct sb_msg_macs macs;
} __packed;

struct sb_msg_response {
	struct sb_msg_head head;
	__be32 sender;
	__be32 receiver;
	u8 e[SB_KEY_LEN];
	u8 payload[sizeof(struct sb_payload2) + SB_TAG_LEN];
	struct sb_msg_macs macs;
} __packed;

struct sb_msg_cookie {
	struct sb_msg_head head;
	__be32 receiver;	/* sender index of the message answered */
	u8 nonce[SB_COOKIE_NONCE_LEN];
	u8 cookie[SB_MAC_LEN + SB_TAG_LEN];
} __packed;

static_assert(sizeof(struct sb_msg_head) == 8);
static_assert(sizeof(struct sb_payload1) == 96);
static_assert(sizeof(struct sb_payload2) == 32);
static_assert(sizeof(struct sb_msg_initiation) == 236);
static_assert(sizeof(struct sb_msg_response) == 128);
static_assert(sizeof(struct sb_msg_cookie) == 76);
static_assert(offsetof(struct sb_msg_initiation, macs) == 204);
static_assert(offsetof(struct sb_msg_response, macs) == 96);
static_assert(offsetof(struct sb_payload1, spi) == 20);
static_assert(offsetof(struct sb_payload1, nat) == 56);

#define SB_MSG_MAX_LEN		sizeof(struct sb_msg_initiation)

/*
 * A transport address. ip: 16 bytes in network order, IPv4 as ::ffff:a.b.c.d;
 * all zero when not known. port: host order.
 */
struct sb_addr {
	u8 ip[16];
	u16 port;
};

/* ip: network order; port: host order. */
void sb_addr_v4(struct sb_addr *addr, __be32 ip, u16 port);
void sb_addr_v6(struct sb_addr *addr, const u8 ip[16], u16 port);

/*
 * The type of a message of exactly its type's length, with marker, version
 * and zero field as they must be; -EPROTO for a length, type or zero field
 * that does not fit, -EPROTONOSUPPORT for another wire version.
 */
int sb_msg_type(const u8 *msg, size_t len);

/* Fills the head of an outgoing message. */
void sb_msg_head_fill(struct sb_msg_head *head, enum sb_msg_type type);

/* How a packet from src to dst looks to who hashes it (NAT detection). */
void sb_nat_hash(u8 out[SB_NAT_HASH_LEN], const struct sb_addr *src,
		 const struct sb_addr *dst);

#endif
