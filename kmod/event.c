// SPDX-License-Identifier: GPL-2.0-only
#include "event.h"

#include <net/ipv6.h>

#include "bond.h"
#include "drop_event.h"
#include "netlink.h"
#include "peer.h"

static struct sk_buff *start(u8 event, gfp_t gfp, void **header)
{
	struct sk_buff *msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, gfp);

	if (!msg)
		return NULL;
	*header = genlmsg_put(msg, 0, 0, &sb_genl_family, 0, SEALBOND_CMD_EVENT);
	if (*header && !nla_put_u8(msg, SEALBOND_A_EVENT, event))
		return msg;
	nlmsg_free(msg);
	return NULL;
}

static void publish(struct net *net, struct sk_buff *msg, void *header, int group, gfp_t gfp)
{
	genlmsg_end(msg, header);
	genlmsg_multicast_netns(&sb_genl_family, net, msg, 0, group, gfp);
}

void sb_event_key(struct sb_net *sn)
{
	void *header;
	struct sk_buff *msg = start(SEALBOND_EVENT_KEY, GFP_KERNEL, &header);

	if (!msg)
		return;
	if (sb_nl_put_key(msg, sn)) {
		nlmsg_free(msg);
		return;
	}
	publish(sn->net, msg, header, SB_GROUP_HANDSHAKE, GFP_KERNEL);
}

void sb_event_stranger(struct sb_net *sn, const u8 key[SEALBOND_KEY_LEN],
		       const u8 device_id[SEALBOND_ID_LEN], const struct sb_addr *from)
{
	void *header;
	struct sk_buff *msg = start(SEALBOND_EVENT_STRANGER, GFP_KERNEL, &header);

	if (!msg)
		return;
	if (nla_put(msg, SEALBOND_A_KEY, SEALBOND_KEY_LEN, key) ||
	    nla_put(msg, SEALBOND_A_DEVICE_ID, SEALBOND_ID_LEN, device_id) ||
	    sb_nl_put_endpoint(msg, from)) {
		nlmsg_free(msg);
		return;
	}
	publish(sn->net, msg, header, SB_GROUP_HANDSHAKE, GFP_KERNEL);
}

/* An event about a peer; @reason 0 is none, @more adds the bond's and the endpoint. */
static void about_peer(struct sb_net *sn, const struct sb_peer *peer, u8 event, u8 reason,
		       bool more)
{
	const struct sb_epoch *epoch = &peer->bond.current_epoch;
	void *header;
	struct sk_buff *msg = start(event, GFP_KERNEL, &header);

	if (!msg)
		return;
	if (nla_put(msg, SEALBOND_A_DEVICE_ID, SEALBOND_ID_LEN, peer->device_id) ||
	    (reason && nla_put_u8(msg, SEALBOND_A_REASON, reason)) ||
	    (more && (nla_put_u32(msg, SEALBOND_A_EPOCH, epoch->number) ||
		      nla_put_u8(msg, SEALBOND_A_ALGORITHM, epoch->algorithm) ||
		      nla_put_u8(msg, SEALBOND_A_ENCAP, epoch->encap) ||
		      sb_nl_put_endpoint(msg, &peer->endpoint)))) {
		nlmsg_free(msg);
		return;
	}
	publish(sn->net, msg, header, SB_GROUP_HANDSHAKE, GFP_KERNEL);
}

void sb_event_bond_live(struct sb_net *sn, const struct sb_peer *peer)
{
	about_peer(sn, peer, SEALBOND_EVENT_BOND_LIVE, 0, true);
}

void sb_event_bond_ended(struct sb_net *sn, const struct sb_peer *peer, enum sealbond_end why)
{
	about_peer(sn, peer, SEALBOND_EVENT_BOND_ENDED, why, false);
}

void sb_event_start_failed(struct sb_net *sn, const struct sb_peer *peer)
{
	about_peer(sn, peer, SEALBOND_EVENT_START_FAILED, 0, false);
}

void sb_event_rotate_wanted(struct sb_net *sn, const struct sb_peer *peer)
{
	about_peer(sn, peer, SEALBOND_EVENT_ROTATE_WANTED, 0, false);
}

void sb_event_roamed(struct sb_net *sn, const struct sb_peer *peer)
{
	about_peer(sn, peer, SEALBOND_EVENT_ROAMED, 0, true);
}

static int put_flow(struct sk_buff *msg, const struct sb_flow *flow)
{
	int len = flow->family == 4 ? 4 : 16;

	if (nla_put_u16(msg, SEALBOND_D_ETHERTYPE, flow->ethertype) ||
	    nla_put_string(msg, SEALBOND_D_IFNAME, flow->ifname))
		return -EMSGSIZE;
	if (!flow->family)
		return 0;
	if (nla_put_u8(msg, SEALBOND_D_PROTO, flow->proto) ||
	    nla_put(msg, SEALBOND_D_SADDR, len, flow->saddr) ||
	    nla_put(msg, SEALBOND_D_DADDR, len, flow->daddr))
		return -EMSGSIZE;
	if (flow->ports && (nla_put_u16(msg, SEALBOND_D_SPORT, flow->sport) ||
			    nla_put_u16(msg, SEALBOND_D_DPORT, flow->dport)))
		return -EMSGSIZE;
	return 0;
}

static int put_drop(struct sk_buff *msg, const struct sb_drop *drop)
{
	struct nlattr *nest = nla_nest_start(msg, SEALBOND_A_DROP);

	if (!nest || nla_put_u8(msg, SEALBOND_D_REASON, drop->reason) ||
	    nla_put_u8(msg, SEALBOND_D_DIR, drop->dir) ||
	    nla_put_u32(msg, SEALBOND_D_LEN, drop->len) || put_flow(msg, &drop->flow))
		return -EMSGSIZE;
	if (drop->has_socket && (nla_put_u32(msg, SEALBOND_D_UID, drop->uid) ||
				 nla_put_u64_64bit(msg, SEALBOND_D_CGROUP, drop->cgroup,
						   SEALBOND_D_PAD)))
		return -EMSGSIZE;
	if (drop->observed && nla_put_flag(msg, SEALBOND_D_OBSERVED))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

void sb_event_drop(struct net *net, const struct sb_drop *drop)
{
	struct sk_buff *msg;
	void *header;

	if (!genl_has_listeners(&sb_genl_family, net, SB_GROUP_MONITOR))
		return;
	msg = start(SEALBOND_EVENT_DROP, GFP_ATOMIC, &header);
	if (!msg)
		return;
	if (put_drop(msg, drop)) {
		nlmsg_free(msg);
		return;
	}
	publish(net, msg, header, SB_GROUP_MONITOR, GFP_ATOMIC);
}

void sb_event_mode(enum sealbond_mode mode)
{
	void *header;
	struct sk_buff *msg = start(SEALBOND_EVENT_MODE, GFP_ATOMIC, &header);

	if (!msg)
		return;
	if (nla_put_u8(msg, SEALBOND_A_MODE, mode)) {
		nlmsg_free(msg);
		return;
	}
	publish(&init_net, msg, header, SB_GROUP_MONITOR, GFP_ATOMIC);
}

void sb_event_locked(void)
{
	void *header;
	struct sk_buff *msg = start(SEALBOND_EVENT_LOCKED, GFP_KERNEL, &header);

	if (msg)
		publish(&init_net, msg, header, SB_GROUP_MONITOR, GFP_KERNEL);
}

static void alarm_to(struct net *net, int group, u32 alarms, u32 changed_pcrs)
{
	void *header;
	struct sk_buff *msg = start(SEALBOND_EVENT_ALARM, GFP_KERNEL, &header);

	if (!msg)
		return;
	if (nla_put_u32(msg, SEALBOND_A_ALARMS, alarms) ||
	    (changed_pcrs && nla_put_u32(msg, SEALBOND_A_CHANGED_PCRS, changed_pcrs))) {
		nlmsg_free(msg);
		return;
	}
	publish(net, msg, header, group, GFP_KERNEL);
}

void sb_event_alarm(struct net *net, u32 alarms, u32 changed_pcrs)
{
	alarm_to(net, SB_GROUP_HANDSHAKE, alarms, changed_pcrs);
	alarm_to(net, SB_GROUP_MONITOR, alarms, changed_pcrs);
}
