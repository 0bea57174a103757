// SPDX-License-Identifier: GPL-2.0-only
/* Commands about grants: who may sign them, and peers that come by them. */
#include <linux/mm.h>

#include "crypto.h"
#include "grant.h"
#include "lock.h"
#include "netlink.h"
#include "peer.h"

/*
 * The machine's grant keys. They are read under a namespace's lock, and the peer is admitted
 * under the same hold of it: who sets other keys and then takes each of these locks in turn has
 * seen the last peer that came by the old ones.
 */
static DEFINE_MUTEX(keys_lock);		/* inside of sn->lock */
static struct sb_grant_keys keys;	/* threshold 0: none are set */
static bool settled;			/* no peer is older than the keys */

bool sb_nl_grants_only(void)
{
	bool set;

	mutex_lock(&keys_lock);
	set = keys.threshold;
	mutex_unlock(&keys_lock);
	return set;
}

int sb_nl_put_grant_keys(struct sk_buff *skb)
{
	int err = 0;

	mutex_lock(&keys_lock);
	if (keys.threshold &&
	    (nla_put(skb, SEALBOND_A_GRANT_KEYS, keys.count * SB_GRANT_POINT_LEN, keys.point) ||
	     nla_put_u8(skb, SEALBOND_A_GRANT_THRESHOLD, keys.threshold) ||
	     (keys.allow_static && nla_put_flag(skb, SEALBOND_A_GRANT_STATIC))))
		err = -EMSGSIZE;
	mutex_unlock(&keys_lock);
	return err;
}

static void forget_peers(struct sb_net *sn)
{
	mutex_lock(&sn->lock);
	sb_peer_flush(sn);
	mutex_unlock(&sn->lock);
}

/* Unless others were set meanwhile: their setter does it, when it is through. */
static void set_settled(const struct sb_grant_keys *through)
{
	mutex_lock(&keys_lock);
	if (!memcmp(&keys, through, sizeof(keys)))
		settled = true;
	mutex_unlock(&keys_lock);
}

/* Sets the keys unless the machine is locked; *done when they were set and settled before. */
static int set_keys(const struct sb_grant_keys *next, bool *done, const char **text)
{
	bool locked = sb_lock_hold(), same;
	int err = 0;

	mutex_lock(&keys_lock);
	same = !memcmp(&keys, next, sizeof(keys));
	if (locked && !same) {
		*text = SB_LOCKED_TEXT "the grant keys stay";
		err = -EPERM;
	} else {
		*done = settled && same;
		settled = *done;
		keys = *next;
	}
	mutex_unlock(&keys_lock);
	sb_lock_release();
	return err;
}

/* Without sn->lock: it takes those of all namespaces, one after another. */
int sb_nl_set_grant_keys(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **a = info->attrs;
	const char *text = NULL;
	struct sb_grant_keys *next;
	bool done = false;
	int err;

	if (sb_nl_need(info, SEALBOND_A_GRANT_KEYS, "GRANT_KEYS is needed") ||
	    sb_nl_need(info, SEALBOND_A_GRANT_THRESHOLD, "GRANT_THRESHOLD is needed"))
		return -EINVAL;
	next = kzalloc(sizeof(*next), GFP_KERNEL);
	if (!next)
		return -ENOMEM;
	err = sb_grant_keys_read(next, nla_data(a[SEALBOND_A_GRANT_KEYS]),
				 nla_len(a[SEALBOND_A_GRANT_KEYS]),
				 nla_get_u8(a[SEALBOND_A_GRANT_THRESHOLD]),
				 nla_get_flag(a[SEALBOND_A_GRANT_STATIC]), &text);
	if (!err)
		err = set_keys(next, &done, &text);
	sb_nl_text(info, text);
	/* Whom no grant, or one of other keys, has admitted is no peer any more. */
	if (!err && !done) {
		err = sb_net_each(forget_peers);
		if (!err)
			set_settled(next);
	}
	kfree(next);
	return err;
}

int sb_nl_request_grant(struct sk_buff *skb, struct genl_info *info)
{
	struct sb_net *sn = info->user_ptr[0];
	u8 nonce[SB_GRANT_NONCE_LEN];
	struct sk_buff *msg;
	void *header;
	int err;

	if (sb_nl_need(info, SEALBOND_A_DEVICE_ID, "DEVICE_ID is needed"))
		return -EINVAL;
	if (!sn->requests)
		sn->requests = kvzalloc(sizeof(*sn->requests), GFP_KERNEL);
	if (!sn->requests)
		return -ENOMEM;
	msg = sb_nl_reply(info, &header);
	if (!msg)
		return -ENOMEM;
	do {
		err = sb_random(nonce, sizeof(nonce));
		if (err)
			goto err_msg;
	} while (!memchr_inv(nonce, 0, sizeof(nonce)));
	err = nla_put(msg, SEALBOND_A_NONCE, sizeof(nonce), nonce);
	if (err)
		goto err_msg;
	sb_grant_ask(sn->requests, nonce, nla_data(info->attrs[SEALBOND_A_DEVICE_ID]),
		     ktime_get_boottime_ns());
	return sb_nl_send(msg, header, info);

err_msg:
	nlmsg_free(msg);
	return err;
}

static int check(struct sb_net *sn, const struct sb_grant *grant, const char **text)
{
	int err = -ENOKEY;

	mutex_lock(&keys_lock);
	if (keys.threshold)
		err = sb_grant_check(grant, &keys, sn->chain_id, sn->device_id, text);
	else
		*text = "there are no grant keys: SET_GRANT_KEYS comes first";
	mutex_unlock(&keys_lock);
	return err;
}

/* What the grant says, and until when from now. */
static int read_spec(struct sb_peer_spec *spec, const struct sb_grant *grant, u64 from_ns,
		     const char **text)
{
	const struct sb_grant_body *body = grant->body;
	u64 now = ktime_get_boottime_ns(), end = sb_grant_end_ns(grant, from_ns);

	memcpy(spec->device_id, body->device_id, sizeof(spec->device_id));
	memcpy(spec->key, body->key, sizeof(spec->key));
	memcpy(&spec->overlay4, body->overlay4, sizeof(spec->overlay4));
	memcpy(&spec->overlay6, body->overlay6, sizeof(spec->overlay6));
	if (body->flags & SB_GRANT_F_QUARANTINE)
		spec->flags |= SEALBOND_PEER_F_QUARANTINE;
	spec->hold_ms = grant->hold_ms;
	spec->lease_ms = end > now ? div_u64(end - now, NSEC_PER_MSEC) : 0;
	if (spec->lease_ms)
		return 0;
	*text = "the grant has ended: its duration since the request is over";
	return -ETIME;
}

static int set_grant(struct sb_net *sn, struct genl_info *info, const char **text)
{
	struct nlattr *attr = info->attrs[SEALBOND_A_GRANT];
	struct sb_grant_request *request = NULL;
	struct sb_peer_spec spec = {};
	struct sb_grant grant;
	int err;

	err = sb_nl_read_endpoint(info, &spec.endpoint);
	if (err)
		return err;
	if (sb_grant_parse(&grant, nla_data(attr), nla_len(attr))) {
		*text = "this is not a grant (sealbond/grant.h)";
		return -EBADMSG;
	}
	if (!sn->configured) {
		*text = "SET_LOCAL comes first: it says who holds the grant";
		return -EDESTADDRREQ;
	}
	err = check(sn, &grant, text);
	if (err)
		return err;
	if (!sb_grant_is_static(&grant)) {
		request = sb_grant_asked(sn->requests, &grant);
		if (!request) {
			*text = "no request waits for this grant: it was used, or never asked for";
			return -EALREADY;
		}
	}
	err = read_spec(&spec, &grant, request ? request->asked_ns : ktime_get_boottime_ns(), text);
	if (!err)
		err = sb_peer_set(sn, &spec, text);
	if (!err && request)
		sb_grant_used(request);
	return err;
}

int sb_nl_set_grant(struct sk_buff *skb, struct genl_info *info)
{
	const char *text = NULL;
	int err;

	if (sb_nl_need(info, SEALBOND_A_GRANT, "GRANT is needed"))
		return -EINVAL;
	err = set_grant(info->user_ptr[0], info, &text);
	sb_nl_text(info, text);
	return err;
}
