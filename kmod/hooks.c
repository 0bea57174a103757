// SPDX-License-Identifier: GPL-2.0-only
/*
 * In:  PRE_ROUTING of the device (ESP, handshake, exception), then of sb0 (through our SA).
 * Out: POST_ROUTING of sb0 (is there a bond?), of the device before the SA (ours, lease),
 *      LOCAL_OUT behind the SA, from where what it has made goes past all other hooks of IP, then
 *      egress (our SPI, lease), which sees what went past IP as well.
 * The hooks are there in every mode and read the mode first.
 */
#define pr_fmt(fmt) "sealbond: " fmt

#include "hooks.h"

#include <linux/hashtable.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/netfilter_netdev.h>
#include <linux/slab.h>
#include <net/dst.h>
#include <net/rtnetlink.h>

#include "bond.h"
#include "defrag.h"
#include "drop_event.h"
#include "exception.h"
#include "fragment.h"
#include "mode.h"
#include "namespace.h"
#include "packet.h"
#include "packet_facts.h"
#include "sa.h"
#include "watch.h"

/*
 * An exception is paid for where a packet comes by once: at PRE, at POST, and at egress for what
 * has no POST: a program's frames, by a packet socket or a tap on top of the card, which nothing
 * routes, and what was brought here. Other packets of IP have paid, on whatever stack of devices.
 */
static bool must_pay(const struct sb_packet *p)
{
	const struct sb_facts *f = &p->facts;

	return f->hook != SB_HOOK_EGRESS || f->packet_socket || f->shape == SB_SHAPE_ARP ||
	       is_astray(p);
}

/* The verdict is not "accept". */
static noinline unsigned int refuse(struct sb_packet *p, struct sb_verdict verdict,
				    enum sealbond_mode mode)
{
	struct sb_facts *f = &p->facts;

	if (verdict.ask) {
		struct sb_flow flow;

		sb_packet_flow(p, &flow);
		f->excuse = sb_exceptions_ask(p->sn, &flow, p->skb->len, must_pay(p));
		verdict = sb_verdict(f);
		if (verdict.outcome == SB_ACCEPT)
			return NF_ACCEPT;
	}
	if (verdict.outcome == SB_CONSUME)
		return NF_DROP;
	sb_drop_report(p, verdict.reason, mode == SEALBOND_MODE_OBSERVE);
	return mode == SEALBOND_MODE_OBSERVE ? NF_ACCEPT : NF_DROP;
}

static void confirm(struct sb_sa *sa)
{
	if (unlikely(!READ_ONCE(sa->confirmed)))
		sb_bond_confirm(sa);
}

static u8 family_of(const struct nf_hook_state *state)
{
	return state->pf == NFPROTO_IPV4 ? 4 : 6;
}

/* Mode off judges nothing, but a bond is confirmed all the same. */
static unsigned int pre_when_off(struct sb_net *sn, struct sk_buff *skb,
				 const struct nf_hook_state *state)
{
	struct sb_sa *sa;

	if (state->in->ifindex != READ_ONCE(sn->sb0_ifindex))
		return NF_ACCEPT;
	sa = sb_packet_sa(sn, skb);
	if (!sa)
		return NF_ACCEPT;
	confirm(sa);
	return sb_packet_is_dummy(skb, family_of(state)) ? NF_DROP : NF_ACCEPT;
}

/*
 * Each hook judges a packet on facts that stay in registers, and lets the usual one go. What is
 * not simply accepted is judged again by the function behind it, where the facts are kept: for
 * the exceptions, the fragments and the report. And each is there once for a family of IP, so that
 * nothing in it asks which.
 */
static noinline unsigned int pre_again(struct sb_net *sn, struct sk_buff *skb,
				       const struct nf_hook_state *state,
				       enum sealbond_mode mode)
{
	struct sb_verdict verdict;
	struct sb_packet p;

	sb_packet_pre(&p, sn, skb, state, family_of(state), false);
	verdict = sb_verdict(&p.facts);
	if (p.sa && (verdict.outcome != SB_DROP || mode == SEALBOND_MODE_OBSERVE))
		confirm(p.sa);
	return verdict.outcome == SB_ACCEPT ? NF_ACCEPT : refuse(&p, verdict, mode);
}

static __always_inline unsigned int pre(void *priv, struct sk_buff *skb,
					const struct nf_hook_state *state, u8 family)
{
	enum sealbond_mode mode = sb_mode();
	unsigned int whole;
	struct sb_packet p SB_WRITTEN_WHOLE;

	if (mode == SEALBOND_MODE_OFF)
		return pre_when_off(priv, skb, state);
	whole = sb_defrag(skb, state, family);
	if (whole != NF_ACCEPT)
		return whole;
	sb_packet_pre(&p, priv, skb, state, family, true);
	if (unlikely(sb_verdict(&p.facts).outcome != SB_ACCEPT))
		return pre_again(priv, skb, state, mode);
	if (p.sa)
		confirm(p.sa);
	if (p.to_socket)
		give_socket(priv, skb, family);
	return NF_ACCEPT;
}

static unsigned int pre4(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	return pre(priv, skb, state, 4);
}

static unsigned int pre6(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	return pre(priv, skb, state, 6);
}

/* Its numbers, for the hooks themselves; what they cannot have is looked at again. */
static __always_inline bool numbers_fresh(const struct sb_packet *p)
{
	return !p->guard || likely(sb_sa_take(p->guard, p->first, p->count) == SB_NONCE_FRESH);
}

/*
 * The verdict, and its numbers where it passes: numbers that the hook itself has not got are not
 * to be had here either. A straggler from behind the window is dropped and no more; where one was
 * used, or the SA's counter is behind what has left, somebody has written it.
 */
static struct sb_verdict judge_numbers(struct sb_packet *p)
{
	struct sb_verdict verdict = sb_verdict(&p->facts);
	enum sb_nonce_answer answer;

	if (verdict.outcome != SB_ACCEPT || !p->guard)
		return verdict;
	answer = sb_sa_take(p->guard, p->first, p->count);
	if (answer == SB_NONCE_FRESH)
		return verdict;
	if (answer == SB_NONCE_REPEATED || sb_sa_rewound(p->guard))
		sb_bond_tampered(p->guard);
	p->facts.repeated = true;
	return sb_verdict(&p->facts);
}

static nf_hookfn sealed4, sealed6;

/* No hook of anybody's has come before. One that asks for the same priority later does. */
static __always_inline bool is_first(const struct nf_hook_state *state, u8 family)
{
	const struct netns_nf *nf = &state->net->nf;
	const struct nf_hook_entries *hooks = family == 4 ?
		rcu_dereference(nf->hooks_ipv4[NF_INET_LOCAL_OUT]) :
		rcu_dereference(nf->hooks_ipv6[NF_INET_LOCAL_OUT]);

	return likely(hooks && hooks->hooks[0].hook == (family == 4 ? sealed4 : sealed6));
}

/*
 * To the route's output, which leaves POST_ROUTING out for what was rerouted: nobody writes into
 * it on the way. A device that is a VRF's is reached directly, too.
 */
static __always_inline unsigned int take_past(struct sk_buff *skb,
					      const struct nf_hook_state *state, u8 family)
{
	if (family == 4)
		IPCB(skb)->flags |= IPSKB_REROUTED;
	else
		IP6CB(skb)->flags |= IP6SKB_REROUTED;
	dst_output(state->net, state->sk, skb);
	return NF_STOLEN;
}

/* What is none of ours is left to POST_ROUTING and egress. */
static noinline unsigned int sealed_again(struct sb_net *sn, struct sk_buff *skb,
					  const struct nf_hook_state *state)
{
	u8 family = family_of(state);
	struct sb_verdict verdict;
	struct sb_packet p;

	if (!sb_packet_sealed(&p, sn, skb, state, family, false))
		return NF_ACCEPT;
	if (!is_first(state, family)) {
		sb_watch_saw(SEALBOND_ALARM_NFT);
		sb_drop_report(&p, SEALBOND_REASON_UNKNOWN_SPI, false);
		return NF_DROP;
	}
	verdict = judge_numbers(&p);
	if (verdict.outcome != SB_ACCEPT)
		return refuse(&p, verdict, SEALBOND_MODE_ENFORCE);
	return take_past(skb, state, family);
}

static __always_inline unsigned int sealed_by_an_sa(struct sb_net *sn, struct sk_buff *skb,
						    const struct nf_hook_state *state, u8 family)
{
	struct sb_packet p SB_WRITTEN_WHOLE;

	if (unlikely(!sb_packet_sealed(&p, sn, skb, state, family, true) ||
		     !is_first(state, family) || sb_verdict(&p.facts).outcome != SB_ACCEPT) ||
	    !numbers_fresh(&p))
		return sealed_again(sn, skb, state);
	return take_past(skb, state, family);
}

static noinline unsigned int sealed_by_an_sa4(struct sb_net *sn, struct sk_buff *skb,
					      const struct nf_hook_state *state)
{
	return sealed_by_an_sa(sn, skb, state, 4);
}

static noinline unsigned int sealed_by_an_sa6(struct sb_net *sn, struct sk_buff *skb,
					      const struct nf_hook_state *state)
{
	return sealed_by_an_sa(sn, skb, state, 6);
}

/* Everything that is sent comes by here, most of it for this one look. */
static __always_inline bool is_sealed(const struct sk_buff *skb, u8 family)
{
	return is_transformed(skb, family) && sb_mode() == SEALBOND_MODE_ENFORCE;
}

static unsigned int sealed4(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	return is_sealed(skb, 4) ? sealed_by_an_sa4(priv, skb, state) : NF_ACCEPT;
}

static unsigned int sealed6(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	return is_sealed(skb, 6) ? sealed_by_an_sa6(priv, skb, state) : NF_ACCEPT;
}

static noinline unsigned int post_again(struct sb_net *sn, struct sk_buff *skb,
					const struct nf_hook_state *state,
					enum sealbond_mode mode)
{
	struct sb_verdict verdict;
	struct sb_packet p;

	sb_packet_post(&p, sn, skb, state, family_of(state), false);
	verdict = judge_numbers(&p);
	return verdict.outcome == SB_ACCEPT ? NF_ACCEPT : refuse(&p, verdict, mode);
}

static __always_inline unsigned int post(void *priv, struct sk_buff *skb,
					 const struct nf_hook_state *state, u8 family)
{
	enum sealbond_mode mode = sb_mode();
	struct sb_packet p SB_WRITTEN_WHOLE;

	if (mode == SEALBOND_MODE_OFF)
		return NF_ACCEPT;
	sb_packet_post(&p, priv, skb, state, family, true);
	if (unlikely(sb_verdict(&p.facts).outcome != SB_ACCEPT) || !numbers_fresh(&p))
		return post_again(priv, skb, state, mode);
	return NF_ACCEPT;
}

static unsigned int post4(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	return post(priv, skb, state, 4);
}

static unsigned int post6(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	return post(priv, skb, state, 6);
}

/* Also for what is neither family, or has a tag in front of it. */
static noinline unsigned int egress_again(struct sb_net *sn, struct sk_buff *skb,
					  const struct nf_hook_state *state)
{
	enum sealbond_mode mode = sb_mode();
	struct sb_verdict verdict;
	struct sb_packet p;
	bool touched;

	if (mode == SEALBOND_MODE_OFF)
		return NF_ACCEPT;	/* since a moment ago */
	sb_packet_egress(&p, sn, skb, state, skb->protocol, false);
	touched = p.facts.device == SB_DEVICE_PROTECTED && !sb_packet_untouched(p.dev);
	if (touched && (p.facts.shape == SB_SHAPE_SEALED || is_own_socket(sn, skb)))
		sb_watch_saw(SEALBOND_ALARM_NFT);
	if (p.facts.shape == SB_SHAPE_FRAGMENT && !touched && skb_valid_dst(skb) &&
	    sb_fragment_continues(&p)) {
		p.facts.shape = SB_SHAPE_OUR_FRAGMENT;
		p.more_fragments = true;
	}
	verdict = judge_numbers(&p);
	if (verdict.outcome != SB_ACCEPT)
		return refuse(&p, verdict, mode);
	if (p.more_fragments)
		sb_fragment_expect(&p);
	return NF_ACCEPT;
}

static __always_inline unsigned int leave(struct sb_net *sn, struct sk_buff *skb,
					  const struct nf_hook_state *state, __be16 proto)
{
	struct sb_packet p SB_WRITTEN_WHOLE;

	sb_packet_egress(&p, sn, skb, state, proto, true);
	if (unlikely(p.more_fragments || sb_verdict(&p.facts).outcome != SB_ACCEPT) ||
	    !numbers_fresh(&p))
		return egress_again(sn, skb, state);
	return NF_ACCEPT;
}

static noinline unsigned int egress4(struct sb_net *sn, struct sk_buff *skb,
				     const struct nf_hook_state *state)
{
	return leave(sn, skb, state, htons(ETH_P_IP));
}

static noinline unsigned int egress6(struct sb_net *sn, struct sk_buff *skb,
				     const struct nf_hook_state *state)
{
	return leave(sn, skb, state, htons(ETH_P_IPV6));
}

static unsigned int egress(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	if (sb_mode() == SEALBOND_MODE_OFF)
		return NF_ACCEPT;
	if (likely(skb->protocol == htons(ETH_P_IP)))
		return egress4(priv, skb, state);
	return skb->protocol == htons(ETH_P_IPV6) ? egress6(priv, skb, state) :
						    egress_again(priv, skb, state);
}

/* Writable, one set a namespace: from 7.x on the kernel links registered hooks into lists. */
struct net_hooks {
	struct nf_hook_ops ops[6];	/* sn->hooks points here */
	struct rcu_head rcu;
};

static const struct nf_hook_ops ip_hooks[] = {
	{
		.hook = pre4,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP_PRI_CONNTRACK_DEFRAG + 1,
	}, {
		.hook = pre6,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP6_PRI_CONNTRACK_DEFRAG + 1,
	}, {
		.hook = sealed4,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = INT_MIN,
	}, {
		.hook = sealed6,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = INT_MIN,
	}, {
		.hook = post4,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_POST_ROUTING,
		.priority = INT_MAX,
	}, {
		.hook = post6,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_POST_ROUTING,
		.priority = INT_MAX,
	},
};

bool sb_hooks_own(nf_hookfn *hook)
{
	return hook == sealed4 || hook == sealed6 || hook == egress;
}

int sb_hooks_net_init(struct sb_net *sn)
{
	struct net_hooks *h = kzalloc(sizeof(*h), GFP_KERNEL);
	int err, i;

	static_assert(sizeof(h->ops) == sizeof(ip_hooks));
	if (!h)
		return -ENOMEM;
	memcpy(h->ops, ip_hooks, sizeof(h->ops));
	for (i = 0; i < ARRAY_SIZE(h->ops); i++)
		h->ops[i].priv = sn;
	err = nf_register_net_hooks(sn->net, h->ops, ARRAY_SIZE(h->ops));
	if (err) {
		kfree_rcu(h, rcu);
		return err;
	}
	sn->hooks = h->ops;
	return 0;
}

void sb_hooks_net_exit(struct sb_net *sn)
{
	struct net_hooks *h;

	if (!sn->hooks)
		return;
	h = container_of(sn->hooks, struct net_hooks, ops[0]);
	nf_unregister_net_hooks(sn->net, h->ops, ARRAY_SIZE(h->ops));
	sn->hooks = NULL;
	kfree_rcu(h, rcu);
}

/* One a device that is hooked; under RTNL. */
struct device_hook {
	struct nf_hook_ops ops;
	struct hlist_node node;
	struct rcu_head rcu;
};

static DEFINE_HASHTABLE(device_hooks, 6);

static bool is_xfrm_interface(const struct net_device *dev)
{
	return dev->rtnl_link_ops && !strcmp(dev->rtnl_link_ops->kind, "xfrm");
}

static bool is_attached(const struct net_device *dev)
{
	const struct device_hook *h;

	hash_for_each_possible(device_hooks, h, node, (unsigned long)dev)
		if (h->ops.dev == dev)
			return true;
	return false;
}

/*
 * Inner packets are judged at POST_ROUTING of an xfrm interface, and what comes out of it on the
 * device below: it needs no egress hook, nor does loopback.
 */
static int attach(struct net_device *dev)
{
	struct net *net = dev_net(dev);
	struct device_hook *h;
	int err;

	if (dev == net->loopback_dev || dev->flags & IFF_LOOPBACK || is_xfrm_interface(dev) ||
	    is_attached(dev))
		return 0;
	h = kzalloc(sizeof(*h), GFP_KERNEL);
	if (!h)
		return -ENOMEM;
	h->ops.hook = egress;
	h->ops.pf = NFPROTO_NETDEV;
	h->ops.hooknum = NF_NETDEV_EGRESS;
	h->ops.priority = INT_MAX;
	h->ops.dev = dev;
	h->ops.priv = sb_net_of(net);
	err = nf_register_net_hook(net, &h->ops);
	if (err) {
		kfree_rcu(h, rcu);
		return err;
	}
	hash_add(device_hooks, &h->node, (unsigned long)dev);
	return 0;
}

static void detach(struct net_device *dev)
{
	struct device_hook *h;

	hash_for_each_possible(device_hooks, h, node, (unsigned long)dev) {
		if (h->ops.dev != dev)
			continue;
		hash_del(&h->node);
		nf_unregister_net_hook(dev_net(dev), &h->ops);
		kfree_rcu(h, rcu);
		return;
	}
}

/* It hands packets to others, at whose egress their route says that they were not brought there. */
static void keep_routes(struct net_device *dev)
{
	if (!list_empty(&dev->adj_list.lower))
		netif_keep_dst(dev);
}

/*
 * A device that moves to another namespace is closed, unregistered in the old one and registered
 * in the new one. Where the hook cannot be had, a new device is refused; one that moves cannot be,
 * but it stays down: each time that it is to come up, the hook is tried for again.
 */
static int on_device(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	struct sb_net *sn;
	int err;

	switch (event) {
	case NETDEV_CHANGEUPPER:
		keep_routes(((struct netdev_notifier_changeupper_info *)ptr)->upper_dev);
		break;
	case NETDEV_REGISTER:
	case NETDEV_PRE_UP:
		keep_routes(dev);
		err = attach(dev);
		if (err)
			pr_err("no egress hook on %s: %d\n", dev->name, err);
		return notifier_from_errno(err);
	case NETDEV_UNREGISTER:
		detach(dev);
		/* The number may be given to another device: then that is not sb0. */
		sn = sb_net_of(dev_net(dev));
		cmpxchg(&sn->sb0_ifindex, dev->ifindex, -1);
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block device_notifier = {
	.notifier_call = on_device,
};

int sb_hooks_init(void)
{
	return register_netdevice_notifier(&device_notifier);
}

void sb_hooks_exit(void)
{
	/* Tells of each device as if it were unregistered: all are detached. */
	unregister_netdevice_notifier(&device_notifier);
	synchronize_net();
}
