// SPDX-License-Identifier: GPL-2.0-only
/* Commands about peers and their bonds. */
#include "bond.h"
#include "exchange.h"
#include "netlink.h"
#include "peer.h"
#include "sa.h"

int sb_nl_read_endpoint(struct genl_info *info, struct sb_addr *out)
{
	struct nlattr *attr = info->attrs[SEALBOND_A_ENDPOINT];
	const struct sockaddr_in6 *in6;
	const struct sockaddr_in *in4;

	if (!attr)
		return 0;
	in4 = nla_data(attr);
	in6 = nla_data(attr);
	if (nla_len(attr) == sizeof(*in4) && in4->sin_family == AF_INET && in4->sin_port) {
		sb_addr_v4(out, in4->sin_addr.s_addr, be16_to_cpu(in4->sin_port));
		return 0;
	}
	if (nla_len(attr) == sizeof(*in6) && in6->sin6_family == AF_INET6 && in6->sin6_port) {
		sb_addr_v6(out, in6->sin6_addr.s6_addr, be16_to_cpu(in6->sin6_port));
		return 0;
	}
	NL_SET_ERR_MSG_ATTR(info->extack, attr,
			    "ENDPOINT is a sockaddr_in or sockaddr_in6 with a port");
	return -EINVAL;
}

int sb_nl_set_peer(struct sk_buff *skb, struct genl_info *info)
{
	struct sb_net *sn = info->user_ptr[0];
	struct sb_peer_spec spec = {};
	struct nlattr **a = info->attrs;
	const char *text = NULL;
	int err;

	if (sb_nl_need(info, SEALBOND_A_DEVICE_ID, "DEVICE_ID is needed") ||
	    sb_nl_need(info, SEALBOND_A_KEY, "KEY is needed") ||
	    sb_nl_need(info, SEALBOND_A_LEASE_MS, "LEASE_MS is needed"))
		return -EINVAL;
	if (sb_nl_grants_only()) {
		sb_nl_text(info, "grant keys are set: a peer comes by a signed grant (SET_GRANT) only");
		return -EACCES;
	}
	err = sb_nl_read_endpoint(info, &spec.endpoint);
	if (err)
		return err;
	memcpy(spec.device_id, nla_data(a[SEALBOND_A_DEVICE_ID]), sizeof(spec.device_id));
	memcpy(spec.key, nla_data(a[SEALBOND_A_KEY]), sizeof(spec.key));
	spec.lease_ms = nla_get_u64(a[SEALBOND_A_LEASE_MS]);
	if (a[SEALBOND_A_OVERLAY4])
		spec.overlay4.s_addr = nla_get_in_addr(a[SEALBOND_A_OVERLAY4]);
	if (a[SEALBOND_A_OVERLAY6])
		spec.overlay6 = nla_get_in6_addr(a[SEALBOND_A_OVERLAY6]);
	if (a[SEALBOND_A_PEER_FLAGS])
		spec.flags = nla_get_u32(a[SEALBOND_A_PEER_FLAGS]);
	/* Whoever says otherwise: no grant has come with it. */
	spec.flags |= SEALBOND_PEER_F_UNSIGNED;
	err = sb_peer_set(sn, &spec, &text);
	sb_nl_text(info, text);
	return err;
}

static struct sb_peer *named_peer(struct genl_info *info)
{
	struct sb_net *sn = info->user_ptr[0];
	struct sb_peer *peer;

	if (sb_nl_need(info, SEALBOND_A_DEVICE_ID, "DEVICE_ID is needed"))
		return ERR_PTR(-EINVAL);
	peer = sb_peer_by_id(sn, nla_data(info->attrs[SEALBOND_A_DEVICE_ID]));
	if (peer)
		return peer;
	sb_nl_text(info, "there is no peer with this DEVICE_ID");
	return ERR_PTR(-ENOENT);
}

int sb_nl_del_peer(struct sk_buff *skb, struct genl_info *info)
{
	struct sb_net *sn = info->user_ptr[0];
	struct sb_peer *peer;

	if (info->attrs[SEALBOND_A_FLUSH]) {
		sb_peer_flush(sn);
		return 0;
	}
	peer = named_peer(info);
	if (IS_ERR(peer))
		return PTR_ERR(peer);
	sb_peer_del(sn, peer);
	return 0;
}

int sb_nl_start_bond(struct sk_buff *skb, struct genl_info *info)
{
	struct sb_net *sn = info->user_ptr[0];
	struct sb_peer *peer = named_peer(info);
	int err;

	if (IS_ERR(peer))
		return PTR_ERR(peer);
	if (peer->hs_ready && sb_hs_retry_at(&peer->hs)) {
		sb_nl_text(info, "a handshake with this peer is under way");
		return -EAGAIN;
	}
	err = sb_exchange_start(sn, peer);
	switch (err) {
	case -EPERM:
		sb_nl_text(info, "an alarm is set: no bond lives until what ALARMS of GET_STATUS names is gone");
		break;
	case -ENOKEY:
		sb_nl_text(info, "there is no bond key yet: KEY and SET_LOCAL come first");
		break;
	case -ENOLINK:
		sb_nl_text(info, "the peer's lease has ended");
		break;
	case -EDESTADDRREQ:
		sb_nl_text(info, "the peer has no endpoint: it can only start from its side");
		break;
	case -EKEYREJECTED:
		sb_nl_text(info, "the peer's key is our own or of low order");
		break;
	case 0:
		break;
	default:
		sb_nl_text(info, "the initiation could not be sent; it is tried again");
	}
	return err;
}

int sb_nl_end_bond(struct sk_buff *skb, struct genl_info *info)
{
	struct sb_net *sn = info->user_ptr[0];
	struct sb_peer *peer;

	if (info->attrs[SEALBOND_A_FLUSH]) {
		list_for_each_entry(peer, &sn->peers, node)
			sb_bond_end(sn, peer, SEALBOND_END_ASKED);
		return 0;
	}
	peer = named_peer(info);
	if (IS_ERR(peer))
		return PTR_ERR(peer);
	sb_bond_end(sn, peer, SEALBOND_END_ASKED);
	return 0;
}

static int put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, SEALBOND_A_PAD);
}

static int put_bond(struct sk_buff *skb, struct sb_net *sn, struct sb_peer *peer, u64 now)
{
	const struct sb_epoch *epoch = &peer->bond.current_epoch;
	struct sb_traffic t;

	if (!epoch->in)
		return 0;
	sb_bond_traffic(peer, &t);
	if (nla_put_u32(skb, SEALBOND_A_EPOCH, epoch->number) ||
	    put_u64(skb, SEALBOND_A_AGE_MS, div_u64(now - epoch->made_ns, NSEC_PER_MSEC)) ||
	    nla_put_u8(skb, SEALBOND_A_ALGORITHM, epoch->algorithm) ||
	    nla_put_u8(skb, SEALBOND_A_ENCAP, epoch->encap) ||
	    nla_put_u32(skb, SEALBOND_A_SPI_IN, be32_to_cpu(epoch->in->spi)) ||
	    nla_put_u32(skb, SEALBOND_A_SPI_OUT, be32_to_cpu(epoch->out->spi)) ||
	    put_u64(skb, SEALBOND_A_BYTES_IN, t.bytes_in) ||
	    put_u64(skb, SEALBOND_A_BYTES_OUT, t.bytes_out) ||
	    put_u64(skb, SEALBOND_A_PACKETS_IN, t.packets_in) ||
	    put_u64(skb, SEALBOND_A_PACKETS_OUT, t.packets_out) ||
	    put_u64(skb, SEALBOND_A_SEQUENCE_OUT, sb_sa_sequence(epoch->out)) ||
	    nla_put_u32(skb, SEALBOND_A_MTU, sb_bond_mtu(sn, peer)))
		return -EMSGSIZE;
	return 0;
}

static int put_peer(struct sk_buff *skb, struct sb_net *sn, struct sb_peer *peer)
{
	u64 now = ktime_get_boottime_ns();
	u64 end = peer->lease_end_ns;

	if (nla_put(skb, SEALBOND_A_DEVICE_ID, SEALBOND_ID_LEN, peer->device_id) ||
	    nla_put(skb, SEALBOND_A_KEY, SEALBOND_KEY_LEN, peer->key) ||
	    put_u64(skb, SEALBOND_A_LEASE_MS, end > now ? div_u64(end - now, NSEC_PER_MSEC) : 0) ||
	    (peer->hold_ms && put_u64(skb, SEALBOND_A_HOLD_MS, peer->hold_ms)) ||
	    nla_put_u32(skb, SEALBOND_A_PEER_FLAGS, READ_ONCE(peer->flags)) ||
	    nla_put_u8(skb, SEALBOND_A_BOND_STATE, sb_bond_state(peer, now)) ||
	    put_u64(skb, SEALBOND_A_HANDSHAKES, peer->bond.handshakes) ||
	    sb_nl_put_endpoint(skb, &peer->endpoint))
		return -EMSGSIZE;
	if (peer->overlay4.s_addr &&
	    nla_put_in_addr(skb, SEALBOND_A_OVERLAY4, peer->overlay4.s_addr))
		return -EMSGSIZE;
	if (!ipv6_addr_any(&peer->overlay6) &&
	    nla_put_in6_addr(skb, SEALBOND_A_OVERLAY6, &peer->overlay6))
		return -EMSGSIZE;
	if (peer->bond.handshakes &&
	    put_u64(skb, SEALBOND_A_LAST_HANDSHAKE_MS,
		    div_u64(now - peer->bond.last_handshake_ns, NSEC_PER_MSEC)))
		return -EMSGSIZE;
	return put_bond(skb, sn, peer, now);
}

int sb_nl_get_peer(struct sk_buff *skb, struct genl_info *info)
{
	struct sb_peer *peer = named_peer(info);
	struct sk_buff *msg;
	void *header;

	if (IS_ERR(peer))
		return PTR_ERR(peer);
	msg = sb_nl_reply(info, &header);
	if (!msg)
		return -ENOMEM;
	if (put_peer(msg, info->user_ptr[0], peer)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	return sb_nl_send(msg, header, info);
}

/*
 * The position between two messages is the number of the peer in the list: when peers come or go
 * meanwhile, one may be missed or shown twice, and the sequence check says so to the reader.
 */
int sb_nl_dump_peers(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct sb_net *sn = sb_net_of(sock_net(skb->sk));
	struct sb_peer *peer;
	long at = 0;

	mutex_lock(&sn->lock);
	cb->seq = sn->peers_generation;
	list_for_each_entry(peer, &sn->peers, node) {
		void *header;

		if (at++ < cb->args[0])
			continue;
		header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				     &sb_genl_family, NLM_F_MULTI, SEALBOND_CMD_GET_PEER);
		if (!header)
			break;
		if (put_peer(skb, sn, peer)) {
			genlmsg_cancel(skb, header);
			break;
		}
		genl_dump_check_consistent(cb, header);
		genlmsg_end(skb, header);
		cb->args[0] = at;
	}
	mutex_unlock(&sn->lock);
	return skb->len;
}
