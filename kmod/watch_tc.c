// SPDX-License-Identifier: GPL-2.0-only
/*
 * Actions that write into packets are behind the hooks, and find sealed packets there. What tc
 * redirects to a device passes that device's egress hook by (linux/netfilter_netdev.h), so
 * the configuration is watched: mirred actions that name a device which leads out of the machine,
 * and BPF programs, which can name any. Actions are listed through rtnetlink, whatever classifier
 * holds them; programs are found by walking qdiscs, classes and their filters.
 */
#include <linux/hashtable.h>
#include <linux/if_arp.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/tc_act/tc_mirred.h>
#if defined(SB_HAVE_TCX) && defined(CONFIG_NET_XGRESS)
#include <linux/bpf_mprog.h>
#endif
#include <net/netlink.h>
#include <net/pkt_cls.h>
#include <net/sch_generic.h>
#include <net/sock.h>

#include "device.h"
#include "watch.h"

/* More than the kernel puts into one message of a dump. */
#define ANSWER_ROOM	(32 * 1024)

/* One message, one answer: a dump that goes on for longer than this is not ours. */
#define ANSWERS_MAX	4096

/* The attribute is younger than some kernels: a block's number, all whose devices are meant. */
#define MIRRED_BLOCKID	4

/* Of our own sockets, and no program's by chance; where one is taken, the kernel gives another. */
#define EAR_PORT	0xfff05ea1
#define ASK_PORT	0xfff05ea2

struct question {
	struct nlmsghdr header;
	struct tcamsg tca;
	struct nlattr table, entry, kind;
	char name[8];
};

struct answer {
	struct sb_net *sn;
	bool found;
};

/* A program can do anything, anywhere; the others write into packets, where there are sealed ones. */
static const char * const writers[] = { "bpf", "pedit", "skbmod", "nat", "ct", "ife", "mpls" };

static bool is_way_out(const struct sb_net *sn, const char *kind)
{
	int i = match_string(writers, ARRAY_SIZE(writers), kind);

	return !i || (i > 0 && READ_ONCE(sn->sb0_ifindex));
}

static bool is_guarded(struct sb_net *sn, u32 ifindex)
{
	struct net_device *dev;
	bool guarded;

	rcu_read_lock();
	dev = dev_get_by_index_rcu(sn->net, ifindex);
	guarded = dev && sb_device_guarded(sn, dev);
	rcu_read_unlock();
	return guarded;
}

/* To be received by a device is no way out: what comes in there is judged as any. */
static bool mirred_leaves(struct sb_net *sn, const struct nlattr *options)
{
	struct nlattr *m[MIRRED_BLOCKID + 1];
	const struct tc_mirred *parms;

	if (!options || nla_parse_nested_deprecated(m, MIRRED_BLOCKID, options, NULL, NULL))
		return false;
	if (m[MIRRED_BLOCKID] && nla_len(m[MIRRED_BLOCKID]) >= sizeof(u32) &&
	    nla_get_u32(m[MIRRED_BLOCKID]))
		return true;
	if (!m[TCA_MIRRED_PARMS] || nla_len(m[TCA_MIRRED_PARMS]) < sizeof(*parms))
		return false;
	parms = nla_data(m[TCA_MIRRED_PARMS]);
	if (parms->eaction != TCA_EGRESS_REDIR && parms->eaction != TCA_EGRESS_MIRROR)
		return false;
	return is_guarded(sn, parms->ifindex);
}

static void read_actions(struct answer *answer, const struct nlmsghdr *nlh, bool any)
{
	struct nlattr *table, *entry, *a[TCA_ACT_MAX + 1];
	int rest;

	table = nlmsg_find_attr(nlh, sizeof(struct tcamsg), TCA_ACT_TAB);
	if (!table)
		return;
	nla_for_each_nested(entry, table, rest) {
		if (nla_parse_nested_deprecated(a, TCA_ACT_MAX, entry, NULL, NULL))
			continue;
		if (any || mirred_leaves(answer->sn, a[TCA_ACT_OPTIONS]))
			answer->found = true;
	}
}

/* Messages of one datagram. 1: the dump has ended, 0: it goes on, or -errno. */
static int read_answer(struct answer *answer, const void *data, int len, u32 seq, bool any)
{
	const struct nlmsghdr *nlh = data;

	for (; nlmsg_ok(nlh, len); nlh = nlmsg_next(nlh, &len)) {
		if (nlh->nlmsg_seq != seq)
			continue;
		if (nlh->nlmsg_type == NLMSG_DONE)
			return 1;
		if (nlh->nlmsg_type == NLMSG_ERROR)
			return nlmsg_len(nlh) >= sizeof(int) && *(int *)nlmsg_data(nlh) ?
				*(int *)nlmsg_data(nlh) : -EPROTO;
		if (nlh->nlmsg_type == RTM_NEWACTION || nlh->nlmsg_type == RTM_GETACTION)
			read_actions(answer, nlh, any);
	}
	return 0;
}

static void ask_for(struct question *q, const char *kind, u32 seq)
{
	size_t name = strlen(kind) + 1;
	size_t len = offsetof(struct question, name) + NLA_ALIGN(name);

	*q = (struct question) {
		.header.nlmsg_len = len,
		.header.nlmsg_type = RTM_GETACTION,
		.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		.header.nlmsg_seq = seq,
		.tca.tca_family = AF_UNSPEC,
		.table.nla_len = len - offsetof(struct question, table),
		.table.nla_type = TCA_ACT_TAB | NLA_F_NESTED,
		.entry.nla_len = len - offsetof(struct question, entry),
		.entry.nla_type = 1 | NLA_F_NESTED,	/* the first and only action */
		.kind.nla_len = NLA_HDRLEN + name,
		.kind.nla_type = TCA_ACT_KIND,
	};
	strscpy(q->name, kind, sizeof(q->name));
}

/* A kind whose module is not loaded has no instances: the kernel answers with an empty list. */
static int list_actions(struct sb_net *sn, struct socket *sock, void *room, const char *kind,
			bool *found)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct answer answer = { .sn = sn };
	bool any = is_way_out(sn, kind);
	static u32 seq;		/* under the watch's lock, as all looks */
	struct question q;
	int n, i, err = 0;

	ask_for(&q, kind, ++seq);
	for (i = 0; !err && i < ANSWERS_MAX; i++) {
		struct kvec out = { &q, q.header.nlmsg_len }, in = { room, ANSWER_ROOM };
		struct msghdr msg = { .msg_name = &kernel, .msg_namelen = sizeof(kernel) };

		if (!i) {
			n = kernel_sendmsg(sock, &msg, &out, 1, out.iov_len);
			if (n < 0)
				return n;
			msg = (struct msghdr) {};
		}
		n = kernel_recvmsg(sock, &msg, &in, 1, ANSWER_ROOM, MSG_DONTWAIT);
		if (n < 0)
			return n;
		if (msg.msg_flags & MSG_TRUNC)
			return -EMSGSIZE;
		err = read_answer(&answer, room, n, q.header.nlmsg_seq, any);
	}
	if (err < 0)
		return err;
	*found |= answer.found;
	return err ? 0 : -EPROTO;
}

/* Bound to a port and groups; *sock is untouched on failure. */
static int open_socket(struct sb_net *sn, u32 port, u32 groups, void (*ready)(struct sock *sk),
		       struct socket **sock)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = groups };
	struct socket *opened;
	int err;

	err = sock_create_kern(sn->net, PF_NETLINK, SOCK_RAW, NETLINK_ROUTE, &opened);
	if (err)
		return err;
	if (ready)
		opened->sk->sk_data_ready = ready;
	/* void: the address's type has changed between kernels. */
	err = kernel_bind(opened, (void *)&to, sizeof(to));
	if (err == -EADDRINUSE) {
		to.nl_pid = 0;
		err = kernel_bind(opened, (void *)&to, sizeof(to));
	}
	if (err)
		sock_release(opened);
	else
		*sock = opened;
	return err;
}

int sb_watch_tc_actions(struct sb_net *sn, bool *found)
{
	bool any = false;
	struct socket *sock;
	unsigned int i;
	void *room;
	int err;

	err = open_socket(sn, ASK_PORT, 0, NULL, &sock);
	if (err)
		return err;
	room = kvmalloc(ANSWER_ROOM, GFP_KERNEL);
	err = room ? list_actions(sn, sock, room, "mirred", &any) : -ENOMEM;
	for (i = 0; !err && i < ARRAY_SIZE(writers); i++)
		if (is_way_out(sn, writers[i]))
			err = list_actions(sn, sock, room, writers[i], &any);
	kvfree(room);
	sock_release(sock);
	if (!err || any)
		*found = any;
	return any ? 0 : err;
}

static bool block_has_program(struct tcf_block *block)
{
	struct tcf_chain *chain, *next;
	struct tcf_proto *tp, *following;
	bool found = false;

	/* Each step gives the last one's reference back, so both loops go to their end. */
	for (chain = tcf_get_next_chain(block, NULL); chain; chain = next) {
		for (tp = tcf_get_next_proto(chain, NULL); tp; tp = following) {
			if (!strcmp(tp->ops->kind, "bpf"))
				found = true;
			following = tcf_get_next_proto(chain, tp);
		}
		next = tcf_get_next_chain(block, chain);
	}
	return found;
}

static bool class_has_program(struct Qdisc *q, unsigned long class)
{
	struct tcf_block *block = q->ops->cl_ops->tcf_block(q, class, NULL);

	return block && block_has_program(block);
}

struct class_walk {
	struct qdisc_walker walker;
	bool found;
};

static int on_class(struct Qdisc *q, unsigned long class, struct qdisc_walker *walker)
{
	struct class_walk *walk = container_of(walker, struct class_walk, walker);

	walk->found |= class_has_program(q, class);
	return walk->found ? -1 : 0;	/* not 0: that is enough */
}

/* Filters on what RED drops or marks hang on no class: any are taken for programs. */
static bool red_has_filters(struct Qdisc *q)
{
	struct nlattr *options, *r[TCA_RED_MARK_BLOCK + 1];
	struct sk_buff *skb;
	bool found = false;

	if (strcmp(q->ops->id, "red") || !q->ops->dump)
		return false;
	skb = nlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!skb)
		return false;
	if (q->ops->dump(q, skb) >= 0) {
		options = nla_find((struct nlattr *)skb->data, skb->len, TCA_OPTIONS);
		found = options &&
			!nla_parse_nested_deprecated(r, TCA_RED_MARK_BLOCK, options, NULL, NULL) &&
			(r[TCA_RED_EARLY_DROP_BLOCK] || r[TCA_RED_MARK_BLOCK]);
	}
	nlmsg_free(skb);
	return found;
}

static bool qdisc_has_program(struct Qdisc *q)
{
	static const u32 sides[] = { TC_H_MIN_INGRESS, TC_H_MIN_EGRESS };
	struct class_walk walk = { .walker.fn = on_class };
	const struct Qdisc_class_ops *ops;
	unsigned long class;
	int i;

	if (q && red_has_filters(q))
		return true;
	if (!q || !q->ops->cl_ops || !q->ops->cl_ops->tcf_block)
		return false;
	ops = q->ops->cl_ops;
	if (class_has_program(q, 0))
		return true;
	/* ingress and clsact have classes, and do not tell of them in a walk */
	for (i = 0; q->flags & TCQ_F_INGRESS && i < ARRAY_SIZE(sides); i++) {
		class = ops->find(q, TC_H_MAKE(q->handle, sides[i]));
		if (class && class_has_program(q, class))
			return true;
	}
	if (ops->walk)
		ops->walk(q, &walk.walker);
	return walk.found;
}

#if defined(SB_HAVE_TCX) && defined(CONFIG_NET_XGRESS)
static bool tcx_has_program(struct net_device *dev)
{
	struct bpf_mprog_entry *in = rtnl_dereference(dev->tcx_ingress);
	struct bpf_mprog_entry *out = rtnl_dereference(dev->tcx_egress);

	return (in && bpf_mprog_total(in)) || (out && bpf_mprog_total(out));
}
#else
static bool tcx_has_program(struct net_device *dev)
{
	return false;
}
#endif

/* Runs programs of its own, whose redirects skip hooks as tc's do, and shows none of them. */
static bool is_netkit(const struct net_device *dev)
{
	return dev->rtnl_link_ops && !strcmp(dev->rtnl_link_ops->kind, "netkit");
}

static bool device_has_program(struct net_device *dev)
{
	struct netdev_queue *ingress = dev_ingress_queue(dev);
	struct Qdisc *q;
	int i;

	if (is_netkit(dev) || tcx_has_program(dev) || qdisc_has_program(rtnl_dereference(dev->qdisc)) ||
	    (ingress && qdisc_has_program(rtnl_dereference(ingress->qdisc_sleeping))))
		return true;
	hash_for_each(dev->qdisc_hash, i, q, hash)
		if (qdisc_has_program(q))
			return true;
	return false;
}

bool sb_watch_tc_programs(struct net *net)
{
	struct net_device *dev;

	for_each_netdev(net, dev)
		if (device_has_program(dev))
			return true;
	return false;
}

/*
 * What was made just now may be gone before anybody lists it: the announcement itself is read, in
 * which actions lie in tables, one level down in what is the classifier's own.
 */
static bool table_leaves(struct sb_net *sn, const struct nlattr *table)
{
	struct nlattr *entry, *a[TCA_ACT_MAX + 1];
	char kind[IFNAMSIZ];
	int rest;

	nla_for_each_nested(entry, table, rest) {
		if (nla_parse_nested_deprecated(a, TCA_ACT_MAX, entry, NULL, NULL) ||
		    !a[TCA_ACT_KIND])
			continue;
		nla_strscpy(kind, a[TCA_ACT_KIND], sizeof(kind));
		if (is_way_out(sn, kind))
			return true;
		if (!nla_strcmp(a[TCA_ACT_KIND], "mirred") &&
		    mirred_leaves(sn, a[TCA_ACT_OPTIONS]))
			return true;
	}
	return false;
}

static bool announces_way_out(struct sb_net *sn, const struct nlmsghdr *nlh)
{
	const struct nlattr *kind, *options;
	struct nlattr *table;
	int rest;

	if (nlh->nlmsg_type == RTM_NEWACTION) {
		options = nlmsg_find_attr(nlh, sizeof(struct tcamsg), TCA_ACT_TAB);
		return options && table_leaves(sn, options);
	}
	if (nlh->nlmsg_type != RTM_NEWTFILTER)
		return false;
	kind = nlmsg_find_attr(nlh, sizeof(struct tcmsg), TCA_KIND);
	if (kind && !nla_strcmp(kind, "bpf"))
		return true;
	options = nlmsg_find_attr(nlh, sizeof(struct tcmsg), TCA_OPTIONS);
	if (options)
		nla_for_each_nested(table, options, rest)
			if (table_leaves(sn, table))
				return true;
	return false;
}

/* matchall leaves out what is in it, and so its actions. */
static bool announces_nothing(const struct nlmsghdr *nlh)
{
	return nlh->nlmsg_type == RTM_NEWTFILTER &&
	       !nlmsg_find_attr(nlh, sizeof(struct tcmsg), TCA_OPTIONS);
}

static void on_change(struct sock *sk)
{
	struct sb_net *sn = sb_net_of(sock_net(sk));
	struct sk_buff *skb;

	while ((skb = skb_dequeue(&sk->sk_receive_queue))) {
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)skb->data;
		bool whole = nlmsg_ok(nlh, skb->len);

		if (whole && announces_way_out(sn, nlh))
			sb_watch_saw(SEALBOND_ALARM_TC);
		else if (whole && announces_nothing(nlh))
			sb_watch_saw(SB_WATCH_DOUBT);
		kfree_skb(skb);
	}
	sb_watch_look();
}

int sb_watch_tc_net_init(struct sb_net *sn)
{
	return open_socket(sn, EAR_PORT, BIT(RTNLGRP_TC - 1), on_change, &sn->tc_ear);
}

void sb_watch_tc_net_exit(struct sb_net *sn)
{
	if (sn->tc_ear)
		sock_release(sn->tc_ear);
	sn->tc_ear = NULL;
}
