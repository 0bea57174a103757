// SPDX-License-Identifier: GPL-2.0-only
/* Commands about this device: its status, its addresses. */
#include <linux/if_arp.h>
#include <linux/netdevice.h>
#include <net/rtnetlink.h>

#include "keyring.h"
#include "lock.h"
#include "mode.h"
#include "netlink.h"
#include "peer.h"
#include "sa.h"
#include "seal_config.h"
#include "socket.h"
#include "version.h"
#include "watch.h"

#include "sealbond/limits.h"

static int put_local(struct sk_buff *skb, const struct sb_net *sn)
{
	int i;

	if (!sn->configured)
		return 0;
	for (i = 0; i < ARRAY_SIZE(sn->algorithms) && sn->algorithms[i]; i++)
		;
	if (nla_put(skb, SEALBOND_A_DEVICE_ID, SEALBOND_ID_LEN, sn->device_id) ||
	    nla_put(skb, SEALBOND_A_CHAIN_ID, SEALBOND_ID_LEN, sn->chain_id) ||
	    nla_put_u32(skb, SEALBOND_A_SB0_IFINDEX, sn->sb0_ifindex) ||
	    nla_put_u32(skb, SEALBOND_A_IF_ID, sn->if_id) ||
	    nla_put_u16(skb, SEALBOND_A_PORT, sn->port) ||
	    nla_put(skb, SEALBOND_A_ALGORITHMS, i, sn->algorithms) ||
	    nla_put_u8(skb, SEALBOND_A_ENCAP, sn->encap))
		return -EMSGSIZE;
	if (sn->overlay4.s_addr && nla_put_in_addr(skb, SEALBOND_A_OVERLAY4, sn->overlay4.s_addr))
		return -EMSGSIZE;
	if (!ipv6_addr_any(&sn->overlay6) &&
	    nla_put_in6_addr(skb, SEALBOND_A_OVERLAY6, &sn->overlay6))
		return -EMSGSIZE;
	return 0;
}

/* Did this kernel find a signature on the module that it trusts? */
static bool module_signed(void)
{
#ifdef CONFIG_MODULE_SIG
	return THIS_MODULE->sig_ok;
#else
	return false;
#endif
}

/* Lockdown is userspace's to see: the kernel's own question is answered in the log, too. */
static u32 assurance_gaps(const struct sb_net *sn)
{
	const struct sb_seal_result *res = sb_keyring_result(sn);
	u32 gaps = 0;

	if (!sb_keyring_early(sn))
		gaps |= SEALBOND_GAP_LATE_KEYS;
	if (res && res->virtual_tpm)
		gaps |= SEALBOND_GAP_VIRTUAL_TPM;
	/* Without grant keys the next peer may come unsigned, even if none has yet. */
	if (!sb_nl_grants_only())
		gaps |= SEALBOND_GAP_UNSIGNED_GRANTS;
	if (!sb_lock_is_set())
		gaps |= SEALBOND_GAP_NOT_LOCKED;
	if (sb_mode() != SEALBOND_MODE_ENFORCE)
		gaps |= SEALBOND_GAP_NOT_ENFORCING;
	if (!module_signed())
		gaps |= SEALBOND_GAP_MODULE_UNSIGNED;
	return gaps;
}

static u32 live_bonds(const struct sb_net *sn)
{
	u64 now = ktime_get_boottime_ns();
	const struct sb_peer *peer;
	u32 n = 0;

	list_for_each_entry(peer, &sn->peers, node)
		n += sb_bond_state(peer, now) == SEALBOND_BOND_LIVE;
	return n;
}

static int put_config(struct sk_buff *skb)
{
	u8 hash[SB_DIGEST_LEN];

	return sb_config_extended(hash) ?
	       nla_put(skb, SEALBOND_A_CONFIG_HASH, sizeof(hash), hash) : 0;
}

int sb_nl_get_status(struct sk_buff *skb, struct genl_info *info)
{
	struct sb_net *sn = info->user_ptr[0];
	u64 revert_ms = sb_mode_revert_ms();
	struct sk_buff *msg;
	void *header;

	msg = sb_nl_reply(info, &header);
	if (!msg)
		return -ENOMEM;
	if (nla_put_string(msg, SEALBOND_A_VERSION, SB_VERSION) ||
	    nla_put_u8(msg, SEALBOND_A_MODE, sb_mode()) ||
	    (revert_ms && nla_put_u64_64bit(msg, SEALBOND_A_MODE_REVERT_MS, revert_ms,
					    SEALBOND_A_PAD)) ||
	    nla_put_u32(msg, SEALBOND_A_ASSURANCE, assurance_gaps(sn)) ||
	    nla_put_u32(msg, SEALBOND_A_PEERS_NR, sn->peers_nr) ||
	    nla_put_u32(msg, SEALBOND_A_BONDS_NR, live_bonds(sn)) ||
	    (sb_lock_is_set() && nla_put_flag(msg, SEALBOND_A_LOCKED)) ||
	    sb_nl_put_key(msg, sn) || put_local(msg, sn) || sb_nl_put_grant_keys(msg) ||
	    put_config(msg)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	return sb_nl_send(msg, header, info);
}

/* SET_LOCAL, read into values before anything changes. */
struct local {
	u32 ifindex, if_id;
	u16 port;
	u8 encap;
	u8 algorithms[2];
	struct in_addr overlay4;
	struct in6_addr overlay6;
	struct sb_limits limits;
};

static const struct nla_policy limits_policy[SEALBOND_L_MAX + 1] = {
	[SEALBOND_L_HARD_MS] = NLA_POLICY_MIN(NLA_U64, 1000),
	[SEALBOND_L_HARD_BYTES] = NLA_POLICY_MIN(NLA_U64, 1),
	[SEALBOND_L_HARD_SEQUENCE] = NLA_POLICY_MIN(NLA_U64, 1),
	[SEALBOND_L_SOFT_BYTES] = NLA_POLICY_MIN(NLA_U64, 1),
	[SEALBOND_L_SOFT_SEQUENCE] = NLA_POLICY_MIN(NLA_U64, 1),
	[SEALBOND_L_OVERLAP_MS] = NLA_POLICY_MIN(NLA_U64, 1),
	[SEALBOND_L_KEY_OVERLAP_MS] = NLA_POLICY_MIN(NLA_U64, 1),
};

static int read_limit(struct genl_info *info, struct nlattr *attr, u64 max, u64 unit, u64 *out)
{
	if (!attr)
		return 0;
	if (nla_get_u64(attr) > max) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "this limit is above the highest allowed (sealbond/limits.h)");
		return -ERANGE;
	}
	*out = nla_get_u64(attr) * unit;
	return 0;
}

static int read_limits(struct genl_info *info, struct sb_limits *limits)
{
	struct nlattr *l[SEALBOND_L_MAX + 1] = {};
	int err = 0;

	*limits = (struct sb_limits) {
		.hard_ns = SB_REJECT_AFTER_S * SB_NS_PER_S,
		.overlap_ns = SB_OVERLAP_S * SB_NS_PER_S,
		.hard_bytes = SB_REJECT_AFTER_BYTES,
		.soft_bytes = SB_REKEY_AFTER_BYTES,
		.hard_sequence = SB_REJECT_AFTER_PACKETS,
		.soft_sequence = SB_REKEY_AFTER_PACKETS,
		.key_overlap_ns = SB_KEY_OVERLAP_NS,
	};
	if (info->attrs[SEALBOND_A_LIMITS])
		err = nla_parse_nested(l, SEALBOND_L_MAX, info->attrs[SEALBOND_A_LIMITS],
				       limits_policy, info->extack);
	if (!err)
		err = read_limit(info, l[SEALBOND_L_HARD_MS], SB_REJECT_AFTER_MAX_S * 1000ULL,
				 NSEC_PER_MSEC, &limits->hard_ns);
	if (!err)
		err = read_limit(info, l[SEALBOND_L_OVERLAP_MS], SB_REJECT_AFTER_S * 1000ULL,
				 NSEC_PER_MSEC, &limits->overlap_ns);
	if (!err)
		err = read_limit(info, l[SEALBOND_L_HARD_BYTES], SB_REJECT_AFTER_BYTES, 1,
				 &limits->hard_bytes);
	if (!err)
		err = read_limit(info, l[SEALBOND_L_SOFT_BYTES], SB_REJECT_AFTER_BYTES, 1,
				 &limits->soft_bytes);
	if (!err)
		err = read_limit(info, l[SEALBOND_L_HARD_SEQUENCE], SB_REJECT_AFTER_PACKETS, 1,
				 &limits->hard_sequence);
	if (!err)
		err = read_limit(info, l[SEALBOND_L_SOFT_SEQUENCE], SB_REJECT_AFTER_PACKETS, 1,
				 &limits->soft_sequence);
	if (!err)
		err = read_limit(info, l[SEALBOND_L_KEY_OVERLAP_MS],
				 SB_KEY_OVERLAP_NS / NSEC_PER_MSEC, NSEC_PER_MSEC,
				 &limits->key_overlap_ns);
	return err;
}

static int read_algorithms(struct genl_info *info, u8 algorithms[2])
{
	const struct nlattr *attr = info->attrs[SEALBOND_A_ALGORITHMS];
	int i;

	algorithms[0] = SEALBOND_ALG_AES256_GCM;
	algorithms[1] = SEALBOND_ALG_CHACHA20_POLY1305;
	if (!attr)
		return 0;
	algorithms[1] = SEALBOND_ALG_NONE;
	memcpy(algorithms, nla_data(attr), nla_len(attr));
	for (i = 0; i < nla_len(attr); i++)
		if (!algorithms[i] || algorithms[i] >= __SEALBOND_ALG_MAX)
			break;
	if (i == nla_len(attr) && algorithms[0] != algorithms[1])
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, attr,
			    "algorithms are 1 (AES-256-GCM) and 2 (ChaCha20-Poly1305), each at most once");
	return -EINVAL;
}

/* Now, and not in the first handshake; a kernel that lacks one says so here. */
static int check_algorithms(struct genl_info *info, const u8 algorithms[2])
{
	int i;

	for (i = 0; i < 2 && algorithms[i]; i++) {
		if (!sb_sa_algorithm_ready(algorithms[i]))
			continue;
		sb_nl_text(info, algorithms[i] == SEALBOND_ALG_AES256_GCM ?
			   "the kernel lacks AES-GCM for ESP: CONFIG_CRYPTO_GCM, CONFIG_CRYPTO_SEQIV" :
			   "the kernel lacks ChaCha20-Poly1305 for ESP: CONFIG_CRYPTO_CHACHA20POLY1305, CONFIG_CRYPTO_SEQIV");
		return -ENOSYS;
	}
	return 0;
}

/* sb0 must be what the hooks take it for: an xfrm interface with this if_id, here. */
static int check_sb0(struct genl_info *info, struct net *net, const struct local *local)
{
	struct net_device *dev = dev_get_by_index(net, local->ifindex);
	bool ok = dev && dev->rtnl_link_ops && !strcmp(dev->rtnl_link_ops->kind, "xfrm");

	dev_put(dev);
	if (ok)
		return 0;
	sb_nl_text(info, dev ? "SB0_IFINDEX is not an xfrm interface" :
			       "there is no device with this SB0_IFINDEX");
	return dev ? -EINVAL : -ENODEV;
}

static int read_local(struct genl_info *info, struct local *local)
{
	struct nlattr **a = info->attrs;
	int err;

	if (sb_nl_need(info, SEALBOND_A_DEVICE_ID, "DEVICE_ID is needed") ||
	    sb_nl_need(info, SEALBOND_A_CHAIN_ID, "CHAIN_ID is needed") ||
	    sb_nl_need(info, SEALBOND_A_SB0_IFINDEX, "SB0_IFINDEX is needed") ||
	    sb_nl_need(info, SEALBOND_A_IF_ID, "IF_ID is needed"))
		return -EINVAL;
	local->ifindex = nla_get_u32(a[SEALBOND_A_SB0_IFINDEX]);
	local->if_id = nla_get_u32(a[SEALBOND_A_IF_ID]);
	local->port = a[SEALBOND_A_PORT] ? nla_get_u16(a[SEALBOND_A_PORT]) : SB_DEFAULT_PORT;
	local->encap = a[SEALBOND_A_ENCAP] ? nla_get_u8(a[SEALBOND_A_ENCAP]) : SEALBOND_ENCAP_AUTO;
	if (a[SEALBOND_A_OVERLAY4])
		local->overlay4.s_addr = nla_get_in_addr(a[SEALBOND_A_OVERLAY4]);
	if (a[SEALBOND_A_OVERLAY6])
		local->overlay6 = nla_get_in6_addr(a[SEALBOND_A_OVERLAY6]);
	if (!local->overlay4.s_addr && ipv6_addr_any(&local->overlay6)) {
		sb_nl_text(info, "OVERLAY4 or OVERLAY6 is needed");
		return -EINVAL;
	}
	if (ipv6_addr_v4mapped(&local->overlay6)) {
		sb_nl_text(info, "OVERLAY6 is an IPv4 address (::ffff:a.b.c.d): give it as OVERLAY4");
		return -EINVAL;
	}
	err = read_algorithms(info, local->algorithms);
	return err ?: read_limits(info, &local->limits);
}

static bool same_identity(const struct sb_net *sn, struct genl_info *info,
			  const struct local *local)
{
	return sn->configured && sn->port == local->port && sn->if_id == local->if_id &&
	       sn->overlay4.s_addr == local->overlay4.s_addr &&
	       ipv6_addr_equal(&sn->overlay6, &local->overlay6) &&
	       !memcmp(sn->device_id, nla_data(info->attrs[SEALBOND_A_DEVICE_ID]), SB_ID_LEN) &&
	       !memcmp(sn->chain_id, nla_data(info->attrs[SEALBOND_A_CHAIN_ID]), SB_ID_LEN);
}

static bool same_algorithms(const struct sb_net *sn, const struct local *local)
{
	return !memcmp(sn->algorithms, local->algorithms, sizeof(sn->algorithms));
}

static int refuse_with_bonds(const struct sb_net *sn, struct genl_info *info)
{
	if (!live_bonds(sn))
		return 0;
	sb_nl_text(info, "bonds are live: end them first (END_BOND with FLUSH)");
	return -EBUSY;
}

static int apply_local(struct sb_net *sn, struct genl_info *info, const struct local *local)
{
	int err;

	sn->limits = local->limits;
	if (same_identity(sn, info, local) && same_algorithms(sn, local) &&
	    sn->encap == local->encap) {
		/* An sb0 that was made anew: the SAs know it by its if_id. */
		WRITE_ONCE(sn->sb0_ifindex, local->ifindex);
		return 0;
	}
	err = refuse_with_bonds(sn, info);
	if (err)
		return err;
	if (sn->port != local->port || !sn->sock[0]) {
		sb_socket_close(sn);
		err = sb_socket_open(sn, local->port);
		if (err) {
			sn->configured = false;
			sb_nl_text(info, err == -EADDRINUSE ? "the UDP port is in use" :
							      "the UDP socket could not be opened");
			return err;
		}
	}
	sn->port = local->port;
	sn->if_id = local->if_id;
	sn->encap = local->encap;
	sn->overlay4 = local->overlay4;
	sn->overlay6 = local->overlay6;
	memcpy(sn->algorithms, local->algorithms, sizeof(sn->algorithms));
	memcpy(sn->device_id, nla_data(info->attrs[SEALBOND_A_DEVICE_ID]), SB_ID_LEN);
	memcpy(sn->chain_id, nla_data(info->attrs[SEALBOND_A_CHAIN_ID]), SB_ID_LEN);
	WRITE_ONCE(sn->sb0_ifindex, local->ifindex);
	sn->configured = true;
	sb_lock_set_up(sn);
	return sb_keyring_apply(sn);
}

static int may_set_up(struct sb_net *sn, struct genl_info *info)
{
	const char *text = NULL;
	int err;

	err = sb_lock_may_set_up(sn, nla_data(info->attrs[SEALBOND_A_DEVICE_ID]),
				 nla_data(info->attrs[SEALBOND_A_CHAIN_ID]), &text);
	sb_nl_text(info, text);
	return err;
}

/*
 * An algorithm may be loaded by root's own modprobe, which takes as long as root likes, with
 * sn->lock held: only where it is needed, and there are no bonds that somebody must end meanwhile.
 */
static int check_new_algorithms(struct sb_net *sn, struct genl_info *info,
				const struct local *local)
{
	int err;

	if (sn->configured && same_algorithms(sn, local))
		return 0;
	sb_lock_hold();
	err = may_set_up(sn, info);
	sb_lock_release();
	return err ?: refuse_with_bonds(sn, info) ?: check_algorithms(info, local->algorithms);
}

/* LOCK waits meanwhile: no identity is set behind its back. */
static int apply_if_free(struct sb_net *sn, struct genl_info *info, const struct local *local)
{
	int err;

	sb_lock_hold();
	err = may_set_up(sn, info);
	if (!err)
		err = apply_local(sn, info, local);
	sb_lock_release();
	return err;
}

int sb_nl_set_local(struct sk_buff *skb, struct genl_info *info)
{
	struct sb_net *sn = info->user_ptr[0];
	struct local local = {};
	int err;

	err = read_local(info, &local);
	if (!err)
		err = check_sb0(info, sn->net, &local);
	if (!err)
		err = check_new_algorithms(sn, info, &local);
	if (err)
		return err;
	sb_watch_probe_start();
	return apply_if_free(sn, info, &local);
}
