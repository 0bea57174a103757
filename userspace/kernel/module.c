// SPDX-License-Identifier: Apache-2.0
#include "kernel/module.h"

#include <errno.h>
#include <netlink/genl/genl.h>
#include <string.h>

#include "common/cleanup.h"
#include "kernel/decode.h"
#include "kernel/netlink.h"

struct sb_module {
	struct sb_netlink netlink;
};

/* Room for the largest request: two blobs and sixteen approvals. */
#define MESSAGE_ROOM	32768

int sb_module_open(struct sb_module **module, struct sb_error *error)
{
	struct sb_module *opened = calloc(1, sizeof(*opened));
	int result;

	if (!opened)
		return sb_fail(error, -ENOMEM, "out of memory");
	result = sb_netlink_open(&opened->netlink, NETLINK_GENERIC, error);
	if (result == 0)
		result = sb_netlink_family(&opened->netlink, error);
	if (result < 0) {
		sb_module_close(opened);
		return result;
	}
	*module = opened;
	return 0;
}

void sb_module_close(struct sb_module *module)
{
	if (!module)
		return;
	sb_netlink_close(&module->netlink);
	free(module);
}

const char *sb_module_error(const struct sb_module *module)
{
	return module->netlink.error;
}

static struct nl_msg *message_new(struct sb_module *module, enum sealbond_cmd command, int flags)
{
	struct nl_msg *message = nlmsg_alloc_size(MESSAGE_ROOM);

	if (message && !genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, module->netlink.family, 0,
				    NLM_F_REQUEST | flags, command, SEALBOND_GENL_VERSION)) {
		nlmsg_free(message);
		message = NULL;
	}
	return message;
}

/*
 * Sends, when nothing of the message failed to fit; frees it either way. Putting attributes
 * gives libnl's negative numbers, which are only looked at for being negative.
 */
static int send_if(struct sb_module *module, struct nl_msg *message, int built,
		   int (*each)(void *context, struct nlmsghdr *answer), void *context)
{
	if (!message)
		return -ENOMEM;
	if (built < 0) {
		nlmsg_free(message);
		return -EMSGSIZE;
	}
	return sb_netlink_talk(&module->netlink, message, each, context);
}

static int send_order(struct sb_module *module, struct nl_msg *message, int built)
{
	return send_if(module, message, built, NULL, NULL);
}

/* Where an answer goes: decode() writes out and, of a dump, calls its own kind of each. */
struct answer {
	void *out;
	int (*decode)(struct nlattr **attributes, struct answer *answer);
	union {
		int (*peer)(void *context, const struct sb_peer_status *peer);
		int (*drop)(void *context, const struct sb_drop *drop);
		int (*exception)(void *context, const struct sb_exception_status *exception);
	} each;
	void *context;
	bool seen;
};

static int on_answer(void *context, struct nlmsghdr *header)
{
	struct nlattr *attributes[SEALBOND_A_MAX + 1];
	struct answer *answer = context;
	int result = sb_netlink_parse(header, attributes, SEALBOND_A_MAX);

	answer->seen = true;
	return result < 0 ? result : answer->decode(attributes, answer);
}

static int ask(struct sb_module *module, enum sealbond_cmd command, int flags, struct answer *answer)
{
	int result = send_if(module, message_new(module, command, flags), 0, on_answer, answer);

	if (result == 0 && !(flags & NLM_F_DUMP) && !answer->seen)
		return -ENODATA;
	return result;
}

static int decode_status(struct nlattr **attributes, struct answer *answer)
{
	sb_decode_status(attributes, answer->out);
	return 0;
}

int sb_module_status(struct sb_module *module, struct sb_status *status)
{
	struct answer answer = { .out = status, .decode = decode_status };

	return ask(module, SEALBOND_CMD_GET_STATUS, 0, &answer);
}

static int decode_key(struct nlattr **attributes, struct answer *answer)
{
	return sb_decode_key(attributes, answer->out);
}

int sb_module_get_key(struct sb_module *module, struct sb_key_status *key)
{
	struct answer answer = { .out = key, .decode = decode_key };

	return ask(module, SEALBOND_CMD_GET_KEY, 0, &answer);
}

static int decode_peer(struct nlattr **attributes, struct answer *answer)
{
	struct sb_peer_status peer;

	sb_decode_peer(attributes, &peer);
	return answer->each.peer(answer->context, &peer);
}

int sb_module_peers(struct sb_module *module,
		    int (*each)(void *context, const struct sb_peer_status *peer), void *context)
{
	struct answer answer = { .decode = decode_peer, .each.peer = each, .context = context };

	return ask(module, SEALBOND_CMD_GET_PEER, NLM_F_DUMP, &answer);
}

static int decode_one_peer(struct nlattr **attributes, struct answer *answer)
{
	sb_decode_peer(attributes, answer->out);
	return 0;
}

int sb_module_peer(struct sb_module *module, const uint8_t device_id[SEALBOND_ID_LEN],
		   struct sb_peer_status *peer)
{
	struct answer answer = { .out = peer, .decode = decode_one_peer };
	struct nl_msg *message = message_new(module, SEALBOND_CMD_GET_PEER, 0);
	int result = send_if(module, message, message ? nla_put(message, SEALBOND_A_DEVICE_ID, SEALBOND_ID_LEN,
							       device_id) : 0, on_answer, &answer);

	return result == 0 && !answer.seen ? -ENODATA : result;
}

static int decode_drop(struct nlattr **attributes, struct answer *answer)
{
	struct sb_drop drop;

	sb_decode_drop(attributes[SEALBOND_A_DROP], &drop);
	return answer->each.drop(answer->context, &drop);
}

int sb_module_drops(struct sb_module *module,
		    int (*each)(void *context, const struct sb_drop *drop), void *context)
{
	struct answer answer = { .decode = decode_drop, .each.drop = each, .context = context };

	return ask(module, SEALBOND_CMD_GET_DROPS, NLM_F_DUMP, &answer);
}

static int decode_exception(struct nlattr **attributes, struct answer *answer)
{
	struct sb_exception_status exception;

	sb_decode_exception(attributes[SEALBOND_A_EXCEPTION], &exception);
	return answer->each.exception(answer->context, &exception);
}

int sb_module_exceptions(struct sb_module *module,
			 int (*each)(void *context, const struct sb_exception_status *exception),
			 void *context)
{
	struct answer answer = { .decode = decode_exception, .each.exception = each, .context = context };

	return ask(module, SEALBOND_CMD_GET_EXCEPTIONS, NLM_F_DUMP, &answer);
}

int sb_module_set_mode(struct sb_module *module, unsigned int mode, uint64_t confirm_ms)
{
	struct nl_msg *message = message_new(module, SEALBOND_CMD_SET_MODE, 0);
	int built = 0;

	if (message) {
		built |= nla_put_u8(message, SEALBOND_A_MODE, (uint8_t)mode);
		if (confirm_ms)
			built |= nla_put_u64(message, SEALBOND_A_CONFIRM_MS, confirm_ms);
	}
	return send_order(module, message, built);
}

int sb_module_confirm_mode(struct sb_module *module)
{
	return send_order(module, message_new(module, SEALBOND_CMD_CONFIRM_MODE, 0), 0);
}

int sb_module_lock(struct sb_module *module)
{
	return send_order(module, message_new(module, SEALBOND_CMD_LOCK, 0), 0);
}

static int put_address(struct nl_msg *message, int attribute, const struct sb_prefix *prefix)
{
	if (!prefix || !prefix->family)
		return 0;
	return nla_put(message, attribute, prefix->family == AF_INET ? 4 : 16, prefix->address);
}

static int put_exception(struct nl_msg *message, const struct sb_exception *exception)
{
	struct nlattr *nest = nla_nest_start(message, SEALBOND_A_EXCEPTION | NLA_F_NESTED);
	int built = 0;

	if (!nest)
		return -1;
	built |= nla_put_string(message, SEALBOND_X_NAME, exception->name);
	built |= nla_put_u8(message, SEALBOND_X_KIND, (uint8_t)exception->kind);
	if (exception->dir)
		built |= nla_put_u8(message, SEALBOND_X_DIR, (uint8_t)exception->dir);
	if (exception->interface[0])
		built |= nla_put_string(message, SEALBOND_X_IFNAME, exception->interface);
	if (exception->proto)
		built |= nla_put_u8(message, SEALBOND_X_PROTO, (uint8_t)exception->proto);
	if (exception->remote.family) {
		built |= put_address(message, SEALBOND_X_REMOTE, &exception->remote);
		built |= nla_put_u8(message, SEALBOND_X_REMOTE_PREFIX, exception->remote.length);
	}
	if (exception->local_port)
		built |= nla_put_u16(message, SEALBOND_X_LOCAL_PORT, (uint16_t)exception->local_port);
	if (exception->remote_port)
		built |= nla_put_u16(message, SEALBOND_X_REMOTE_PORT, (uint16_t)exception->remote_port);
	if (exception->rate)
		built |= nla_put_u32(message, SEALBOND_X_RATE, (uint32_t)exception->rate);
	if (exception->bytes)
		built |= nla_put_u32(message, SEALBOND_X_BYTES, (uint32_t)exception->bytes);
	nla_nest_end(message, nest);
	return built;
}

int sb_module_set_exceptions(struct sb_module *module, const struct sb_exception *exceptions, size_t count)
{
	struct nl_msg *message = message_new(module, SEALBOND_CMD_SET_EXCEPTIONS, 0);
	struct nlattr *nest;
	int built = 0;

	if (message) {
		nest = nla_nest_start(message, SEALBOND_A_EXCEPTIONS | NLA_F_NESTED);
		if (!nest)
			built = -1;
		for (size_t i = 0; nest && i < count; i++)
			built |= put_exception(message, &exceptions[i]);
		if (nest)
			nla_nest_end_keep_empty(message, nest);
	}
	return send_order(module, message, built);
}

int sb_module_ledger_socket(struct sb_module *module, int fd)
{
	struct nl_msg *message = message_new(module, SEALBOND_CMD_LEDGER_SOCKET, 0);

	return send_order(module, message, message ? nla_put_u32(message, SEALBOND_A_LEDGER_FD, (uint32_t)fd) : 0);
}

static int put_limits(struct nl_msg *message, const struct sb_config *config)
{
	struct nlattr *nest = nla_nest_start(message, SEALBOND_A_LIMITS | NLA_F_NESTED);
	int built = 0;

	if (!nest)
		return -1;
	built |= nla_put_u64(message, SEALBOND_L_HARD_MS, config->hard_after);
	built |= nla_put_u64(message, SEALBOND_L_HARD_BYTES, config->hard_bytes);
	built |= nla_put_u64(message, SEALBOND_L_HARD_SEQUENCE, config->hard_packets);
	built |= nla_put_u64(message, SEALBOND_L_SOFT_BYTES, config->soft_bytes);
	built |= nla_put_u64(message, SEALBOND_L_SOFT_SEQUENCE, config->soft_packets);
	built |= nla_put_u64(message, SEALBOND_L_OVERLAP_MS, config->overlap);
	built |= nla_put_u64(message, SEALBOND_L_KEY_OVERLAP_MS, config->key_overlap);
	nla_nest_end(message, nest);
	return built;
}

int sb_module_set_local(struct sb_module *module, const struct sb_config *config,
			const uint8_t device_id[SEALBOND_ID_LEN], uint32_t sb0_ifindex)
{
	struct nl_msg *message = message_new(module, SEALBOND_CMD_SET_LOCAL, 0);
	uint8_t chain[SB_SHA256_LEN];
	int built = 0;

	sb_config_id(config->chain, chain);
	if (message) {
		built |= nla_put(message, SEALBOND_A_DEVICE_ID, SEALBOND_ID_LEN, device_id);
		built |= nla_put(message, SEALBOND_A_CHAIN_ID, sizeof(chain), chain);
		built |= nla_put_u32(message, SEALBOND_A_SB0_IFINDEX, sb0_ifindex);
		built |= nla_put_u32(message, SEALBOND_A_IF_ID, (uint32_t)config->if_id);
		built |= nla_put_u16(message, SEALBOND_A_PORT, (uint16_t)config->port);
		built |= put_address(message, SEALBOND_A_OVERLAY4, &config->overlay4);
		built |= put_address(message, SEALBOND_A_OVERLAY6, &config->overlay6);
		built |= nla_put(message, SEALBOND_A_ALGORITHMS, (int)config->algorithms_count, config->algorithms);
		built |= nla_put_u8(message, SEALBOND_A_ENCAP, (uint8_t)config->encap);
		built |= put_limits(message, config);
	}
	return send_order(module, message, built);
}

static int put_key_request(struct nl_msg *message, const struct sb_key_request *request)
{
	static const int blob_attribute[2] = { SEALBOND_A_BLOB_CURRENT, SEALBOND_A_BLOB_NEXT };
	struct nlattr *nest;
	int built = 0;

	built |= nla_put_u32(message, SEALBOND_A_POLICY_PCRS, request->pcrs);
	built |= nla_put_u8(message, SEALBOND_A_CAP_PCR, request->cap_pcr);
	built |= nla_put(message, SEALBOND_A_RELEASE_KEY, sizeof(request->release_key), request->release_key);
	built |= nla_put(message, SEALBOND_A_POLICY_REF, sizeof(request->policy_ref), request->policy_ref);
	if (request->allow_virtual)
		built |= nla_put_flag(message, SEALBOND_A_ALLOW_VIRTUAL);
	for (int i = 0; i < 2; i++)
		if (request->blob[i].length > 0)
			built |= nla_put(message, blob_attribute[i], (int)request->blob[i].length,
					 request->blob[i].data);
	if (request->config_hash)
		built |= nla_put(message, SEALBOND_A_CONFIG_HASH, 32, request->config_hash);
	if (request->early)
		built |= nla_put_flag(message, SEALBOND_A_EARLY);
	if (request->close)
		built |= nla_put_flag(message, SEALBOND_A_CLOSE);
	if (request->approvals_count == 0)
		return built;
	nest = nla_nest_start(message, SEALBOND_A_APPROVALS | NLA_F_NESTED);
	if (!nest)
		return -1;
	for (size_t i = 0; i < request->approvals_count; i++)
		built |= nla_put(message, SEALBOND_A_APPROVAL, (int)request->approvals[i].length,
				 request->approvals[i].data);
	nla_nest_end(message, nest);
	return built;
}

int sb_module_key(struct sb_module *module, const struct sb_key_request *request)
{
	struct nl_msg *message = message_new(module, SEALBOND_CMD_KEY, 0);

	return send_order(module, message, message ? put_key_request(message, request) : 0);
}

int sb_module_rotate_key(struct sb_module *module)
{
	return send_order(module, message_new(module, SEALBOND_CMD_ROTATE_KEY, 0), 0);
}

int sb_module_key_stored(struct sb_module *module)
{
	return send_order(module, message_new(module, SEALBOND_CMD_KEY_STORED, 0), 0);
}

int sb_module_set_peer(struct sb_module *module, const struct sb_peer_request *request)
{
	struct nl_msg *message = message_new(module, SEALBOND_CMD_SET_PEER, 0);
	int built = 0;

	if (message) {
		built |= nla_put(message, SEALBOND_A_DEVICE_ID, SEALBOND_ID_LEN, request->device_id);
		built |= nla_put(message, SEALBOND_A_KEY, SEALBOND_KEY_LEN, request->key);
		built |= nla_put_u64(message, SEALBOND_A_LEASE_MS, request->lease_ms);
		built |= put_address(message, SEALBOND_A_OVERLAY4, request->overlay4);
		built |= put_address(message, SEALBOND_A_OVERLAY6, request->overlay6);
		if (request->endpoint && sb_endpoint_length(request->endpoint) > 0)
			built |= nla_put(message, SEALBOND_A_ENDPOINT, (int)sb_endpoint_length(request->endpoint),
					 request->endpoint);
		built |= nla_put_u32(message, SEALBOND_A_PEER_FLAGS, request->flags);
	}
	return send_order(module, message, built);
}

int sb_module_set_grant_keys(struct sb_module *module, const uint8_t *points, size_t count,
			     unsigned int threshold, bool allow_static)
{
	struct nl_msg *message = message_new(module, SEALBOND_CMD_SET_GRANT_KEYS, 0);
	int built = 0;

	if (message) {
		built |= nla_put(message, SEALBOND_A_GRANT_KEYS, (int)(count * 64), points);
		built |= nla_put_u8(message, SEALBOND_A_GRANT_THRESHOLD, (uint8_t)threshold);
		if (allow_static)
			built |= nla_put_flag(message, SEALBOND_A_GRANT_STATIC);
	}
	return send_order(module, message, built);
}

static int decode_nonce(struct nlattr **attributes, struct answer *answer)
{
	struct nlattr *nonce = attributes[SEALBOND_A_NONCE];

	if (!nonce || nla_len(nonce) != 16)
		return -EPROTO;
	memcpy(answer->out, nla_data(nonce), 16);
	return 0;
}

int sb_module_request_grant(struct sb_module *module, const uint8_t device_id[SEALBOND_ID_LEN],
			    uint8_t nonce[16])
{
	struct answer answer = { .out = nonce, .decode = decode_nonce };
	struct nl_msg *message = message_new(module, SEALBOND_CMD_REQUEST_GRANT, 0);
	int result = send_if(module, message, message ? nla_put(message, SEALBOND_A_DEVICE_ID, SEALBOND_ID_LEN,
							       device_id) : 0, on_answer, &answer);

	return result == 0 && !answer.seen ? -ENODATA : result;
}

int sb_module_set_grant(struct sb_module *module, const uint8_t *grant, size_t length,
			const union sb_endpoint *endpoint)
{
	struct nl_msg *message = message_new(module, SEALBOND_CMD_SET_GRANT, 0);
	int built = 0;

	if (message) {
		built |= nla_put(message, SEALBOND_A_GRANT, (int)length, grant);
		if (endpoint && sb_endpoint_length(endpoint) > 0)
			built |= nla_put(message, SEALBOND_A_ENDPOINT, (int)sb_endpoint_length(endpoint), endpoint);
	}
	return send_order(module, message, built);
}

/* A command about one peer, or with FLUSH about all. */
static int order_peer(struct sb_module *module, enum sealbond_cmd command, const uint8_t *device_id)
{
	struct nl_msg *message = message_new(module, command, 0);
	int built = 0;

	if (message)
		built = device_id ? nla_put(message, SEALBOND_A_DEVICE_ID, SEALBOND_ID_LEN, device_id) :
				    nla_put_flag(message, SEALBOND_A_FLUSH);
	return send_order(module, message, built);
}

int sb_module_del_peer(struct sb_module *module, const uint8_t *device_id)
{
	return order_peer(module, SEALBOND_CMD_DEL_PEER, device_id);
}

int sb_module_start_bond(struct sb_module *module, const uint8_t *device_id)
{
	return order_peer(module, SEALBOND_CMD_START_BOND, device_id);
}

int sb_module_end_bond(struct sb_module *module, const uint8_t *device_id)
{
	return order_peer(module, SEALBOND_CMD_END_BOND, device_id);
}
