/* SPDX-License-Identifier: GPL-2.0-only */
/* The generic netlink family; what it means is in uapi/linux/sealbond.h. */
#ifndef SB_NETLINK_H
#define SB_NETLINK_H

#include <net/genetlink.h>
#include "namespace.h"

extern struct genl_family sb_genl_family;

enum { SB_GROUP_HANDSHAKE, SB_GROUP_MONITOR };

int sb_netlink_init(void);
void sb_netlink_exit(void);

/* One handler a command; sn->lock is held in all of them. */
int sb_nl_get_status(struct sk_buff *skb, struct genl_info *info);
int sb_nl_set_local(struct sk_buff *skb, struct genl_info *info);
int sb_nl_key(struct sk_buff *skb, struct genl_info *info);
int sb_nl_get_key(struct sk_buff *skb, struct genl_info *info);
int sb_nl_key_stored(struct sk_buff *skb, struct genl_info *info);
int sb_nl_set_peer(struct sk_buff *skb, struct genl_info *info);
int sb_nl_del_peer(struct sk_buff *skb, struct genl_info *info);
int sb_nl_get_peer(struct sk_buff *skb, struct genl_info *info);
int sb_nl_dump_peers(struct sk_buff *skb, struct netlink_callback *cb);
int sb_nl_start_bond(struct sk_buff *skb, struct genl_info *info);
int sb_nl_end_bond(struct sk_buff *skb, struct genl_info *info);
int sb_nl_set_mode(struct sk_buff *skb, struct genl_info *info);
int sb_nl_lock(struct sk_buff *skb, struct genl_info *info);		/* without sn->lock */
int sb_nl_confirm_mode(struct sk_buff *skb, struct genl_info *info);
int sb_nl_set_exceptions(struct sk_buff *skb, struct genl_info *info);
int sb_nl_dump_exceptions(struct sk_buff *skb, struct netlink_callback *cb);
int sb_nl_dump_drops(struct sk_buff *skb, struct netlink_callback *cb);
int sb_nl_set_grant_keys(struct sk_buff *skb, struct genl_info *info);	/* without sn->lock */
int sb_nl_request_grant(struct sk_buff *skb, struct genl_info *info);
int sb_nl_set_grant(struct sk_buff *skb, struct genl_info *info);
int sb_nl_rotate_key(struct sk_buff *skb, struct genl_info *info);
int sb_nl_ledger_socket(struct sk_buff *skb, struct genl_info *info);

/*
 * sb_nl_reply() - an answer to @info with its header in *@header, or NULL; sb_nl_send() ends it.
 * sb_nl_need() - 0, or -EINVAL with the text in the extended ack when @attr is absent.
 */
struct sk_buff *sb_nl_reply(struct genl_info *info, void **header);
int sb_nl_send(struct sk_buff *msg, void *header, struct genl_info *info);
int sb_nl_need(struct genl_info *info, int attr, const char *text);

/* sb_nl_text() - give @text to the extended ack, if there is one. @text must be static. */
static inline void sb_nl_text(struct genl_info *info, const char *text)
{
	if (info->extack && text)
		info->extack->_msg = text;
}

/* sb_nl_read_endpoint() - ENDPOINT, where it is there. 0 or -EINVAL with its text. */
int sb_nl_read_endpoint(struct genl_info *info, struct sb_addr *out);

/* sb_nl_grants_only() - grant keys are set: no peer comes without a grant. Under sn->lock. */
bool sb_nl_grants_only(void);
int sb_nl_put_grant_keys(struct sk_buff *skb);	/* 0 or -EMSGSIZE */

/* Shared with the events. Return 0 or -EMSGSIZE. */
int sb_nl_put_key(struct sk_buff *skb, const struct sb_net *sn);
int sb_nl_put_endpoint(struct sk_buff *skb, const struct sb_addr *addr);

#endif
