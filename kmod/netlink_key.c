// SPDX-License-Identifier: GPL-2.0-only
/* Commands about the bond keys: taken from the TPM, told, stored, rotated. */
#include "keyring.h"
#include "netlink.h"
#include "watch.h"

/* After a rotation there is none. */
static int put_next(struct sk_buff *skb, const struct sb_seal_result *res)
{
	if (!memchr_inv(res->pub[SB_KEY_NEXT], 0, SEALBOND_KEY_LEN))
		return 0;
	return nla_put(skb, SEALBOND_A_KEY_NEXT, SEALBOND_KEY_LEN, res->pub[SB_KEY_NEXT]);
}

static int put_old(struct sk_buff *skb, const struct sb_net *sn)
{
	u64 left_ns;
	const u8 *pub = sb_keyring_old(sn, &left_ns);

	if (!pub)
		return 0;
	return nla_put(skb, SEALBOND_A_KEY_OLD, SEALBOND_KEY_LEN, pub) ?:
	       nla_put_u64_64bit(skb, SEALBOND_A_KEY_OLD_MS, div_u64(left_ns, NSEC_PER_MSEC),
				 SEALBOND_A_PAD);
}

int sb_nl_put_key(struct sk_buff *skb, const struct sb_net *sn)
{
	const struct sb_seal_result *res = sb_keyring_result(sn);
	u32 alarms = sb_alarms(), changed;

	if (nla_put_u8(skb, SEALBOND_A_STATE, sb_keyring_state(sn)) ||
	    (alarms && nla_put_u32(skb, SEALBOND_A_ALARMS, alarms)))
		return -EMSGSIZE;
	if (!res)
		return 0;
	if ((res->detail && nla_put_s32(skb, SEALBOND_A_STATE_DETAIL, res->detail)) ||
	    nla_put_u32(skb, SEALBOND_A_TPM_COMMANDS, res->commands) ||
	    nla_put_u64_64bit(skb, SEALBOND_A_TPM_TIME_MS,
			      div_u64(res->duration_ns, NSEC_PER_MSEC), SEALBOND_A_PAD))
		return -EMSGSIZE;
	changed = res->changed_pcrs ?: sb_watch_changed_pcrs();
	if (changed && nla_put_u32(skb, SEALBOND_A_CHANGED_PCRS, changed))
		return -EMSGSIZE;
	if (res->pcr_valid &&
	    (nla_put_u32(skb, SEALBOND_A_PCR_VALID, res->pcr_valid) ||
	     nla_put(skb, SEALBOND_A_PCR_VALUES, sizeof(res->pcr_value), res->pcr_value)))
		return -EMSGSIZE;
	if (res->clock_valid && (nla_put_u32(skb, SEALBOND_A_RESET_COUNT, res->reset_count) ||
				 nla_put_u32(skb, SEALBOND_A_RESTART_COUNT, res->restart_count)))
		return -EMSGSIZE;
	if (res->candidate &&
	    nla_put(skb, SEALBOND_A_KEY_CANDIDATE, SEALBOND_KEY_LEN, res->pub[SB_KEY_CURRENT]))
		return -EMSGSIZE;
	if (res->state == SEALBOND_STATE_KEYS_READY &&
	    (nla_put(skb, SEALBOND_A_KEY_CURRENT, SEALBOND_KEY_LEN, res->pub[SB_KEY_CURRENT]) ||
	     put_next(skb, res) || put_old(skb, sn)))
		return -EMSGSIZE;
	return 0;
}

static int put_blobs(struct sk_buff *skb, const struct sb_net *sn)
{
	const struct sb_seal_result *res = sb_keyring_result(sn);
	static const int attr[SB_KEYS] = { SEALBOND_A_BLOB_CURRENT, SEALBOND_A_BLOB_NEXT };
	int i;

	if (!res || !sb_keyring_unstored(sn))
		return 0;
	if (res->candidate)
		return nla_put(skb, SEALBOND_A_BLOB_CANDIDATE, res->new_blob_len[SB_KEY_CURRENT],
			       res->new_blob[SB_KEY_CURRENT]);
	for (i = 0; i < SB_KEYS; i++)
		if (res->new_blob_len[i] &&
		    nla_put(skb, attr[i], res->new_blob_len[i], res->new_blob[i]))
			return -EMSGSIZE;
	return 0;
}

int sb_nl_get_key(struct sk_buff *skb, struct genl_info *info)
{
	struct sb_net *sn = info->user_ptr[0];
	struct sk_buff *msg;
	void *header;

	msg = sb_nl_reply(info, &header);
	if (!msg)
		return -ENOMEM;
	if (sb_nl_put_key(msg, sn) || put_blobs(msg, sn)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	return sb_nl_send(msg, header, info);
}

int sb_nl_key_stored(struct sk_buff *skb, struct genl_info *info)
{
	sb_keyring_stored(info->user_ptr[0]);
	return 0;
}

int sb_nl_rotate_key(struct sk_buff *skb, struct genl_info *info)
{
	const char *text = NULL;
	int err = sb_keyring_rotate(info->user_ptr[0], &text);

	sb_nl_text(info, text);
	return err;
}

static struct sb_seal_file file_of(const struct nlattr *attr)
{
	return (struct sb_seal_file) {
		.data = attr ? nla_data(attr) : NULL,
		.len = attr ? nla_len(attr) : 0,
	};
}

static int read_approvals(struct genl_info *info, struct sb_seal_file *files, u32 *n)
{
	const struct nlattr *list = info->attrs[SEALBOND_A_APPROVALS];
	struct nlattr *item;
	int rest;

	if (!list)
		return 0;
	nla_for_each_nested(item, list, rest) {
		if (nla_type(item) != SEALBOND_A_APPROVAL || *n == SB_APPROVALS_MAX ||
		    nla_len(item) > SB_APPROVAL_MAX) {
			NL_SET_ERR_MSG_ATTR(info->extack, item,
					    "APPROVALS holds at most 16 APPROVAL, each a file of sealbond/blob.h");
			return -EINVAL;
		}
		files[(*n)++] = file_of(item);
	}
	if (rest) {
		NL_SET_ERR_MSG_ATTR(info->extack, list, "APPROVALS has trailing bytes");
		return -EINVAL;
	}
	return 0;
}

static int check_pcrs(struct genl_info *info, const struct sb_seal_request *request)
{
	if (BIT(request->cap_pcr) & SB_CAP_FORBIDDEN) {
		sb_nl_text(info, "CAP_PCR cannot be 16 or 23: userspace may reset them");
		return -EINVAL;
	}
	if (request->policy_pcrs & (~SB_PCR_MASK_ALL | BIT(request->cap_pcr))) {
		sb_nl_text(info, "POLICY_PCRS are bits 0 to 23, without the cap PCR");
		return -EINVAL;
	}
	return 0;
}

/* A file beside CLOSE would be a wish that is lost. */
static int check_close(struct genl_info *info, const struct sb_seal_request *request)
{
	struct nlattr **a = info->attrs;

	if (!request->close || (!a[SEALBOND_A_BLOB_CURRENT] && !a[SEALBOND_A_BLOB_NEXT] &&
				!a[SEALBOND_A_APPROVALS]))
		return 0;
	sb_nl_text(info, "CLOSE takes no blobs and no APPROVALS: leave them out, or leave it out");
	return -EINVAL;
}

static const char *key_refused(int err)
{
	switch (err) {
	case -EBUSY:
		return "a hold of the TPM is under way";
	case -EEXIST:
		return "another CONFIG_HASH or CAP_PCR was given before: only a reboot takes this one";
	case -EPERM:
		return "the cap was extended without a CONFIG_HASH: only a reboot takes one";
	case -EKEYREVOKED:
		return "the TPM's state changed under the keys: reboot";
	case -ESHUTDOWN:
		return "early boot closed the keys of this boot: reboot";
	default:
		return "the bond keys are held already: only a reboot makes others";
	}
}

int sb_nl_key(struct sk_buff *skb, struct genl_info *info)
{
	struct sb_seal_file approvals[SB_APPROVALS_MAX];
	struct sb_seal_request request = { .approvals = approvals };
	struct nlattr **a = info->attrs;
	struct sb_key_order *order;
	int err;

	if (sb_nl_need(info, SEALBOND_A_POLICY_PCRS, "POLICY_PCRS is needed") ||
	    sb_nl_need(info, SEALBOND_A_CAP_PCR, "CAP_PCR is needed") ||
	    sb_nl_need(info, SEALBOND_A_RELEASE_KEY, "RELEASE_KEY is needed") ||
	    sb_nl_need(info, SEALBOND_A_POLICY_REF, "POLICY_REF is needed"))
		return -EINVAL;
	request.policy_pcrs = nla_get_u32(a[SEALBOND_A_POLICY_PCRS]);
	request.cap_pcr = nla_get_u8(a[SEALBOND_A_CAP_PCR]);
	request.allow_virtual = nla_get_flag(a[SEALBOND_A_ALLOW_VIRTUAL]);
	memcpy(request.release_x, nla_data(a[SEALBOND_A_RELEASE_KEY]), SB_DIGEST_LEN);
	memcpy(request.release_y, nla_data(a[SEALBOND_A_RELEASE_KEY]) + SB_DIGEST_LEN,
	       SB_DIGEST_LEN);
	memcpy(request.policy_ref, nla_data(a[SEALBOND_A_POLICY_REF]), SB_DIGEST_LEN);
	request.early = nla_get_flag(a[SEALBOND_A_EARLY]);
	request.close = nla_get_flag(a[SEALBOND_A_CLOSE]);
	request.has_config = a[SEALBOND_A_CONFIG_HASH];
	if (request.has_config)
		memcpy(request.config_hash, nla_data(a[SEALBOND_A_CONFIG_HASH]), SB_DIGEST_LEN);
	request.blob[SB_KEY_CURRENT] = file_of(a[SEALBOND_A_BLOB_CURRENT]);
	request.blob[SB_KEY_NEXT] = file_of(a[SEALBOND_A_BLOB_NEXT]);
	err = check_pcrs(info, &request) ?: check_close(info, &request) ?:
	      read_approvals(info, approvals, &request.n_approvals);
	if (err)
		return err;

	order = sb_key_order_new(&request);
	if (!order)
		return -ENOMEM;
	err = sb_keyring_run(info->user_ptr[0], order);
	if (err) {
		sb_key_order_free(order);
		sb_nl_text(info, key_refused(err));
	}
	return err == -EALREADY ? -EBUSY : err;
}
