// SPDX-License-Identifier: GPL-2.0-only
/* Commands about the mode, the exceptions and what was dropped. */
#include <linux/file.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "exception.h"
#include "ledger_socket.h"
#include "lock.h"
#include "mode.h"
#include "netlink.h"
#include "stats.h"

#include "sealbond/limits.h"

int sb_nl_set_mode(struct sk_buff *skb, struct genl_info *info)
{
	u64 confirm_ms = 0;
	int err;

	if (sb_nl_need(info, SEALBOND_A_MODE, "MODE is needed"))
		return -EINVAL;
	if (info->attrs[SEALBOND_A_CONFIRM_MS])
		confirm_ms = nla_get_u64(info->attrs[SEALBOND_A_CONFIRM_MS]);
	err = sb_mode_set(nla_get_u8(info->attrs[SEALBOND_A_MODE]), confirm_ms);
	if (err == -ERANGE)
		sb_nl_text(info, "CONFIRM_MS is 1,000 to 86,400,000");
	if (err == -EPERM)
		sb_nl_text(info, SB_LOCKED_TEXT "the mode stays");
	return err;
}

int sb_nl_lock(struct sk_buff *skb, struct genl_info *info)
{
	const char *text = NULL;
	int err = sb_lock(&text);

	sb_nl_text(info, text);
	return err;
}

int sb_nl_confirm_mode(struct sk_buff *skb, struct genl_info *info)
{
	int err = sb_mode_confirm();

	if (err)
		sb_nl_text(info, "no mode waits for a confirmation");
	return err;
}

static const struct nla_policy exception_policy[SEALBOND_X_MAX + 1] = {
	[SEALBOND_X_NAME] = { .type = NLA_NUL_STRING, .len = SEALBOND_NAME_LEN - 1 },
	[SEALBOND_X_KIND] = NLA_POLICY_RANGE(NLA_U8, 1, __SEALBOND_EXC_MAX - 1),
	[SEALBOND_X_DIR] = NLA_POLICY_RANGE(NLA_U8, 1, SEALBOND_X_DIR_IN | SEALBOND_X_DIR_OUT),
	[SEALBOND_X_IFNAME] = { .type = NLA_NUL_STRING, .len = SB_IFNAME_LEN - 1 },
	[SEALBOND_X_PROTO] = { .type = NLA_U8 },
	[SEALBOND_X_REMOTE] = NLA_POLICY_RANGE(NLA_BINARY, 4, 16),
	[SEALBOND_X_REMOTE_PREFIX] = NLA_POLICY_MAX(NLA_U8, 128),
	[SEALBOND_X_LOCAL_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[SEALBOND_X_REMOTE_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[SEALBOND_X_RATE] = NLA_POLICY_MIN(NLA_U32, 1),
	[SEALBOND_X_BYTES] = NLA_POLICY_MIN(NLA_U32, 1),
};

static int read_remote(struct genl_info *info, struct nlattr **x, struct sb_exception_spec *spec)
{
	struct nlattr *remote = x[SEALBOND_X_REMOTE];
	u8 bits;

	if (!remote) {
		if (!x[SEALBOND_X_REMOTE_PREFIX])
			return 0;
		sb_nl_text(info, "REMOTE_PREFIX needs REMOTE");
		return -EINVAL;
	}
	if (nla_len(remote) != 4 && nla_len(remote) != 16) {
		NL_SET_ERR_MSG_ATTR(info->extack, remote, "REMOTE is 4 or 16 bytes");
		return -EINVAL;
	}
	bits = nla_len(remote) * 8;
	spec->family = nla_len(remote) == 4 ? 4 : 6;
	spec->prefix = bits;
	if (x[SEALBOND_X_REMOTE_PREFIX])
		spec->prefix = nla_get_u8(x[SEALBOND_X_REMOTE_PREFIX]);
	memcpy(spec->remote, nla_data(remote), nla_len(remote));
	if (spec->prefix <= bits)
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, x[SEALBOND_X_REMOTE_PREFIX],
			    "REMOTE_PREFIX is longer than REMOTE");
	return -EINVAL;
}

static int read_exception(struct genl_info *info, struct nlattr *item,
			  struct sb_exception_spec *spec)
{
	struct nlattr *x[SEALBOND_X_MAX + 1];
	int err;

	if (nla_type(item) != SEALBOND_A_EXCEPTION) {
		NL_SET_ERR_MSG_ATTR(info->extack, item, "EXCEPTIONS holds EXCEPTION only");
		return -EINVAL;
	}
	err = nla_parse_nested(x, SEALBOND_X_MAX, item, exception_policy, info->extack);
	if (err)
		return err;
	if (!x[SEALBOND_X_NAME] || !x[SEALBOND_X_KIND]) {
		NL_SET_ERR_MSG_ATTR(info->extack, item, "an exception needs NAME and KIND");
		return -EINVAL;
	}
	nla_strscpy(spec->name, x[SEALBOND_X_NAME], sizeof(spec->name));
	spec->kind = nla_get_u8(x[SEALBOND_X_KIND]);
	if (x[SEALBOND_X_DIR])
		spec->dir = nla_get_u8(x[SEALBOND_X_DIR]);
	if (x[SEALBOND_X_IFNAME])
		nla_strscpy(spec->ifname, x[SEALBOND_X_IFNAME], sizeof(spec->ifname));
	if (x[SEALBOND_X_PROTO])
		spec->proto = nla_get_u8(x[SEALBOND_X_PROTO]);
	if (x[SEALBOND_X_LOCAL_PORT])
		spec->local_port = nla_get_u16(x[SEALBOND_X_LOCAL_PORT]);
	if (x[SEALBOND_X_REMOTE_PORT])
		spec->remote_port = nla_get_u16(x[SEALBOND_X_REMOTE_PORT]);
	if (x[SEALBOND_X_RATE])
		spec->rate = nla_get_u32(x[SEALBOND_X_RATE]);
	if (x[SEALBOND_X_BYTES])
		spec->bytes = nla_get_u32(x[SEALBOND_X_BYTES]);
	return read_remote(info, x, spec);
}

int sb_nl_set_exceptions(struct sk_buff *skb, struct genl_info *info)
{
	struct sb_exception_spec *specs;
	const char *text = NULL;
	unsigned int n = 0;
	struct nlattr *item;
	int rest, err = 0;

	if (sb_nl_need(info, SEALBOND_A_EXCEPTIONS, "EXCEPTIONS is needed"))
		return -EINVAL;
	specs = kcalloc(SB_EXC_MAX, sizeof(*specs), GFP_KERNEL);
	if (!specs)
		return -ENOMEM;
	nla_for_each_nested(item, info->attrs[SEALBOND_A_EXCEPTIONS], rest) {
		if (n == SB_EXC_MAX) {
			NL_SET_ERR_MSG_ATTR(info->extack, item, "there are too many exceptions");
			err = -E2BIG;
			goto out;
		}
		err = read_exception(info, item, &specs[n++]);
		if (err)
			goto out;
	}
	if (rest) {
		sb_nl_text(info, "EXCEPTIONS has trailing bytes");
		err = -EINVAL;
		goto out;
	}
	err = sb_exceptions_set(info->user_ptr[0], specs, n, &text);
	sb_nl_text(info, text);
out:
	kfree(specs);
	return err;
}

int sb_nl_ledger_socket(struct sk_buff *skb, struct genl_info *info)
{
	const char *text = NULL;
	struct socket *sock;
	int err;

	if (sb_nl_need(info, SEALBOND_A_LEDGER_FD, "LEDGER_FD is needed"))
		return -EINVAL;
	/* In the context of who sends the command: its descriptors. */
	sock = sockfd_lookup(nla_get_u32(info->attrs[SEALBOND_A_LEDGER_FD]), &err);
	if (!sock) {
		sb_nl_text(info, "LEDGER_FD is not a socket of the caller's");
		return err;
	}
	err = sb_ledger_socket_add(info->user_ptr[0], sock->sk, &text);
	sockfd_put(sock);
	sb_nl_text(info, text);
	return err;
}

static int put_exception(struct sk_buff *skb, const struct sb_exception_report *r)
{
	const struct sb_exception_spec *s = &r->spec;
	struct nlattr *nest = nla_nest_start(skb, SEALBOND_A_EXCEPTION);

	if (!nest || nla_put_string(skb, SEALBOND_X_NAME, s->name) ||
	    nla_put_u8(skb, SEALBOND_X_KIND, s->kind) ||
	    (s->dir && nla_put_u8(skb, SEALBOND_X_DIR, s->dir)) ||
	    (s->ifname[0] && nla_put_string(skb, SEALBOND_X_IFNAME, s->ifname)) ||
	    (s->proto && nla_put_u8(skb, SEALBOND_X_PROTO, s->proto)) ||
	    (s->local_port && nla_put_u16(skb, SEALBOND_X_LOCAL_PORT, s->local_port)) ||
	    (s->remote_port && nla_put_u16(skb, SEALBOND_X_REMOTE_PORT, s->remote_port)) ||
	    nla_put_u32(skb, SEALBOND_X_RATE, s->rate) ||
	    nla_put_u32(skb, SEALBOND_X_BYTES, s->bytes))
		return -EMSGSIZE;
	if (s->family && (nla_put(skb, SEALBOND_X_REMOTE, s->family == 4 ? 4 : 16, s->remote) ||
			  nla_put_u8(skb, SEALBOND_X_REMOTE_PREFIX, s->prefix)))
		return -EMSGSIZE;
	if (nla_put_u64_64bit(skb, SEALBOND_X_PASSED, r->passed, SEALBOND_X_PAD) ||
	    nla_put_u64_64bit(skb, SEALBOND_X_PASSED_BYTES, r->passed_bytes, SEALBOND_X_PAD) ||
	    nla_put_u64_64bit(skb, SEALBOND_X_OVER, r->over, SEALBOND_X_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static void *dump_header(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	return genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &sb_genl_family,
			   NLM_F_MULTI, cmd);
}

int sb_nl_dump_exceptions(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct sb_net *sn = sb_net_of(sock_net(skb->sk));
	struct sb_exception_report report;

	while (!sb_exceptions_get(sn, cb->args[0], &report)) {
		void *header = dump_header(skb, cb, SEALBOND_CMD_GET_EXCEPTIONS);

		if (!header)
			break;
		if (put_exception(skb, &report)) {
			genlmsg_cancel(skb, header);
			break;
		}
		genlmsg_end(skb, header);
		cb->args[0]++;
	}
	return skb->len;
}

static int put_drop(struct sk_buff *skb, u8 reason)
{
	struct nlattr *nest = nla_nest_start(skb, SEALBOND_A_DROP);
	u64 count, would;

	sb_stats_read(reason, &count, &would);
	if (!nest || nla_put_u8(skb, SEALBOND_D_REASON, reason) ||
	    nla_put_u64_64bit(skb, SEALBOND_D_COUNT, count, SEALBOND_D_PAD) ||
	    nla_put_u64_64bit(skb, SEALBOND_D_WOULD_COUNT, would, SEALBOND_D_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

int sb_nl_dump_drops(struct sk_buff *skb, struct netlink_callback *cb)
{
	long reason = cb->args[0] ?: SEALBOND_REASON_NONE + 1;

	for (; reason <= SEALBOND_REASON_MAX; reason++) {
		void *header = dump_header(skb, cb, SEALBOND_CMD_GET_DROPS);

		if (!header)
			break;
		if (put_drop(skb, reason)) {
			genlmsg_cancel(skb, header);
			break;
		}
		genlmsg_end(skb, header);
	}
	cb->args[0] = reason;
	return skb->len;
}
