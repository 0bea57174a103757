// SPDX-License-Identifier: GPL-2.0-only
#include "netlink.h"

#include <net/ipv6.h>

#include "genl_compat.h"

#include "sealbond/blob.h"
#include "sealbond/grant.h"
#include "sealbond/limits.h"

static const struct nla_policy policy[SEALBOND_A_MAX + 1] = {
	[SEALBOND_A_MODE] = NLA_POLICY_MAX(NLA_U8, __SEALBOND_MODE_MAX - 1),
	[SEALBOND_A_CONFIRM_MS] = NLA_POLICY_MIN(NLA_U64, 1000),
	[SEALBOND_A_DEVICE_ID] = NLA_POLICY_EXACT_LEN(SEALBOND_ID_LEN),
	[SEALBOND_A_CHAIN_ID] = NLA_POLICY_EXACT_LEN(SEALBOND_ID_LEN),
	[SEALBOND_A_SB0_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[SEALBOND_A_IF_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[SEALBOND_A_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[SEALBOND_A_OVERLAY4] = NLA_POLICY_EXACT_LEN(sizeof(struct in_addr)),
	[SEALBOND_A_OVERLAY6] = NLA_POLICY_EXACT_LEN(sizeof(struct in6_addr)),
	[SEALBOND_A_ALGORITHMS] = NLA_POLICY_RANGE(NLA_BINARY, 1, __SEALBOND_ALG_MAX - 1),
	[SEALBOND_A_ENCAP] = NLA_POLICY_MAX(NLA_U8, __SEALBOND_ENCAP_MAX - 1),
	[SEALBOND_A_LIMITS] = { .type = NLA_NESTED },
	[SEALBOND_A_POLICY_PCRS] = NLA_POLICY_MIN(NLA_U32, 1),
	[SEALBOND_A_CAP_PCR] = NLA_POLICY_MAX(NLA_U8, SEALBOND_PCRS - 2),
	[SEALBOND_A_RELEASE_KEY] = NLA_POLICY_EXACT_LEN(2 * SB_DIGEST_LEN),
	[SEALBOND_A_POLICY_REF] = NLA_POLICY_EXACT_LEN(SEALBOND_ID_LEN),
	[SEALBOND_A_ALLOW_VIRTUAL] = { .type = NLA_FLAG },
	[SEALBOND_A_BLOB_CURRENT] = NLA_POLICY_RANGE(NLA_BINARY, 1, SB_BLOB_MAX),
	[SEALBOND_A_BLOB_NEXT] = NLA_POLICY_RANGE(NLA_BINARY, 1, SB_BLOB_MAX),
	[SEALBOND_A_APPROVALS] = { .type = NLA_NESTED },
	[SEALBOND_A_KEY] = NLA_POLICY_EXACT_LEN(SEALBOND_KEY_LEN),
	[SEALBOND_A_LEASE_MS] = { .type = NLA_U64 },
	[SEALBOND_A_ENDPOINT] = NLA_POLICY_RANGE(NLA_BINARY, sizeof(struct sockaddr_in),
						 sizeof(struct sockaddr_in6)),
	[SEALBOND_A_PEER_FLAGS] = NLA_POLICY_MASK(NLA_U32, SEALBOND_PEER_F_UNSIGNED |
							   SEALBOND_PEER_F_QUARANTINE),
	[SEALBOND_A_FLUSH] = { .type = NLA_FLAG },
	[SEALBOND_A_EXCEPTIONS] = { .type = NLA_NESTED },
	[SEALBOND_A_GRANT_KEYS] = NLA_POLICY_RANGE(NLA_BINARY, SB_GRANT_POINT_LEN,
						   SB_GRANT_KEYS_MAX * SB_GRANT_POINT_LEN),
	[SEALBOND_A_GRANT_THRESHOLD] = NLA_POLICY_RANGE(NLA_U8, 1, SB_GRANT_KEYS_MAX),
	[SEALBOND_A_GRANT_STATIC] = { .type = NLA_FLAG },
	[SEALBOND_A_GRANT] = NLA_POLICY_RANGE(NLA_BINARY, 1, SB_GRANT_MAX),
	[SEALBOND_A_CONFIG_HASH] = NLA_POLICY_EXACT_LEN(SB_DIGEST_LEN),
	[SEALBOND_A_EARLY] = { .type = NLA_FLAG },
	[SEALBOND_A_CLOSE] = { .type = NLA_FLAG },
	[SEALBOND_A_LEDGER_FD] = { .type = NLA_U32 },
};

#define A(x) SEALBOND_A_##x
#define TAKES_MAX 12

/* What each command takes; all else is refused, so that a misspelt wish is never lost. */
static const u8 takes[SEALBOND_CMD_MAX + 1][TAKES_MAX] = {
	[SEALBOND_CMD_SET_MODE] = { A(MODE), A(CONFIRM_MS) },
	[SEALBOND_CMD_SET_LOCAL] = { A(DEVICE_ID), A(CHAIN_ID), A(SB0_IFINDEX), A(IF_ID), A(PORT),
				     A(OVERLAY4), A(OVERLAY6), A(ALGORITHMS), A(ENCAP), A(LIMITS) },
	[SEALBOND_CMD_KEY] = { A(POLICY_PCRS), A(CAP_PCR), A(RELEASE_KEY), A(POLICY_REF),
			       A(ALLOW_VIRTUAL), A(BLOB_CURRENT), A(BLOB_NEXT), A(APPROVALS),
			       A(CONFIG_HASH), A(EARLY), A(CLOSE) },
	[SEALBOND_CMD_SET_PEER] = { A(DEVICE_ID), A(KEY), A(LEASE_MS), A(OVERLAY4), A(OVERLAY6),
				    A(ENDPOINT), A(PEER_FLAGS) },
	[SEALBOND_CMD_DEL_PEER] = { A(DEVICE_ID), A(FLUSH) },
	[SEALBOND_CMD_GET_PEER] = { A(DEVICE_ID) },
	[SEALBOND_CMD_START_BOND] = { A(DEVICE_ID) },
	[SEALBOND_CMD_END_BOND] = { A(DEVICE_ID), A(FLUSH) },
	[SEALBOND_CMD_SET_EXCEPTIONS] = { A(EXCEPTIONS) },
	[SEALBOND_CMD_SET_GRANT_KEYS] = { A(GRANT_KEYS), A(GRANT_THRESHOLD), A(GRANT_STATIC) },
	[SEALBOND_CMD_REQUEST_GRANT] = { A(DEVICE_ID) },
	[SEALBOND_CMD_SET_GRANT] = { A(GRANT), A(ENDPOINT) },
	[SEALBOND_CMD_LEDGER_SOCKET] = { A(LEDGER_FD) },
};
static_assert(SEALBOND_A_MAX <= U8_MAX, "an attribute is a u8");

static int check_attributes(struct genl_info *info)
{
	int i;

	for (i = 1; i <= SEALBOND_A_MAX; i++) {
		if (!info->attrs[i] || memchr(takes[info->genlhdr->cmd], i, TAKES_MAX))
			continue;
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[i],
				    "this command does not take this attribute");
		return -EINVAL;
	}
	return 0;
}

/* A command that acts on all namespaces, and takes their locks itself. */
#define UNLOCKED	1

/* genl_ops calls these with different first arguments from 6.2 on: of both only the flags are used. */
static int before(SB_GENL_DOIT_OPS *ops, struct sk_buff *skb, struct genl_info *info)
{
	struct sb_net *sn = sb_net_of(genl_info_net(info));
	int err = check_attributes(info);

	if (err || ops->internal_flags & UNLOCKED)
		return err;
	mutex_lock(&sn->lock);
	if (sn->closing) {
		mutex_unlock(&sn->lock);
		NL_SET_ERR_MSG(info->extack, "the namespace is going away");
		return -ENODEV;
	}
	info->user_ptr[0] = sn;
	return 0;
}

static void after(SB_GENL_DOIT_OPS *ops, struct sk_buff *skb, struct genl_info *info)
{
	struct sb_net *sn = info->user_ptr[0];

	if (!(ops->internal_flags & UNLOCKED))
		mutex_unlock(&sn->lock);
}

#define CHANGE(name, handler) \
	{ .cmd = SEALBOND_CMD_##name, .doit = handler, .flags = GENL_ADMIN_PERM }

static const struct genl_ops ops[] = {
	{ .cmd = SEALBOND_CMD_GET_STATUS, .doit = sb_nl_get_status },
	{ .cmd = SEALBOND_CMD_GET_KEY, .doit = sb_nl_get_key },
	{ .cmd = SEALBOND_CMD_GET_PEER, .doit = sb_nl_get_peer, .dumpit = sb_nl_dump_peers,
	  .flags = GENL_ADMIN_PERM },
	{ .cmd = SEALBOND_CMD_GET_EXCEPTIONS, .dumpit = sb_nl_dump_exceptions,
	  .flags = GENL_ADMIN_PERM },
	{ .cmd = SEALBOND_CMD_GET_DROPS, .dumpit = sb_nl_dump_drops },
	CHANGE(SET_MODE, sb_nl_set_mode),
	CHANGE(CONFIRM_MODE, sb_nl_confirm_mode),
	CHANGE(SET_LOCAL, sb_nl_set_local),
	CHANGE(KEY, sb_nl_key),
	CHANGE(KEY_STORED, sb_nl_key_stored),
	CHANGE(SET_PEER, sb_nl_set_peer),
	CHANGE(DEL_PEER, sb_nl_del_peer),
	CHANGE(START_BOND, sb_nl_start_bond),
	CHANGE(END_BOND, sb_nl_end_bond),
	CHANGE(SET_EXCEPTIONS, sb_nl_set_exceptions),
	{ .cmd = SEALBOND_CMD_SET_GRANT_KEYS, .doit = sb_nl_set_grant_keys,
	  .flags = GENL_ADMIN_PERM, .internal_flags = UNLOCKED },
	{ .cmd = SEALBOND_CMD_LOCK, .doit = sb_nl_lock, .flags = GENL_ADMIN_PERM,
	  .internal_flags = UNLOCKED },
	CHANGE(REQUEST_GRANT, sb_nl_request_grant),
	CHANGE(SET_GRANT, sb_nl_set_grant),
	CHANGE(ROTATE_KEY, sb_nl_rotate_key),
	CHANGE(LEDGER_SOCKET, sb_nl_ledger_socket),
};

static const struct genl_multicast_group groups[] = {
	[SB_GROUP_HANDSHAKE] = { .name = SEALBOND_MCGRP_HANDSHAKE },
	[SB_GROUP_MONITOR] = { .name = SEALBOND_MCGRP_MONITOR },
};

struct genl_family sb_genl_family __ro_after_init = {
	.name = SEALBOND_GENL_NAME,
	.version = SEALBOND_GENL_VERSION,
	.maxattr = SEALBOND_A_MAX,
	.policy = policy,
	.netnsok = true,
	.parallel_ops = true,
	.pre_doit = before,
	.post_doit = after,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
	.module = THIS_MODULE,
};

struct sk_buff *sb_nl_reply(struct genl_info *info, void **header)
{
	struct sk_buff *msg = genlmsg_new(GENLMSG_DEFAULT_SIZE + 2 * SB_BLOB_MAX, GFP_KERNEL);

	if (!msg)
		return NULL;
	*header = genlmsg_put_reply(msg, info, &sb_genl_family, 0, info->genlhdr->cmd);
	if (*header)
		return msg;
	nlmsg_free(msg);
	return NULL;
}

int sb_nl_send(struct sk_buff *msg, void *header, struct genl_info *info)
{
	genlmsg_end(msg, header);
	return genlmsg_reply(msg, info);
}

int sb_nl_need(struct genl_info *info, int attr, const char *text)
{
	if (info->attrs[attr])
		return 0;
	sb_nl_text(info, text);
	return -EINVAL;
}

int sb_nl_put_endpoint(struct sk_buff *skb, const struct sb_addr *addr)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in4 = { .sin_family = AF_INET };

	if (!addr->port)
		return 0;
	if (ipv6_addr_v4mapped((const struct in6_addr *)addr->ip)) {
		in4.sin_port = cpu_to_be16(addr->port);
		memcpy(&in4.sin_addr, addr->ip + 12, sizeof(in4.sin_addr));
		return nla_put(skb, SEALBOND_A_ENDPOINT, sizeof(in4), &in4);
	}
	in6.sin6_port = cpu_to_be16(addr->port);
	memcpy(&in6.sin6_addr, addr->ip, sizeof(in6.sin6_addr));
	return nla_put(skb, SEALBOND_A_ENDPOINT, sizeof(in6), &in6);
}

int sb_netlink_init(void)
{
	return genl_register_family(&sb_genl_family);
}

void sb_netlink_exit(void)
{
	genl_unregister_family(&sb_genl_family);
}
