// SPDX-License-Identifier: Apache-2.0
/*
 * What root can do to security associations that iproute2 has no word for.
 *
 *   xfrmroot newae SPI DST [OSEQ [OSEQ_HI]]   writes the output sequence of a live SA (NEWAE)
 *   xfrmroot updsa SPI DST                    writes an SA's settings as they are, with another
 *                                             limit on its bytes (UPDSA)
 *   xfrmroot migrate in|out INNER_SRC INNER_DST IF_ID OLD_SRC OLD_DST NEW_SRC NEW_DST
 *                                             moves the SAs of a policy to other addresses (MIGRATE)
 *
 * SPI in hex. ESP only. Prints what it has done; exit code 1 with the kernel's errno where it was
 * refused.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static union {
	struct nlmsghdr h;
	uint8_t room[16384];
} request, answer;
static int fd;

static void fail(const char *what, int error)
{
	fprintf(stderr, "xfrmroot: %s: %s\n", what, strerror(error));
	exit(1);
}

static void begin(int type, int flags, const void *body, size_t len)
{
	memset(&request, 0, sizeof(request));
	request.h.nlmsg_type = type;
	request.h.nlmsg_flags = NLM_F_REQUEST | flags;
	request.h.nlmsg_len = NLMSG_LENGTH(len);
	memcpy(NLMSG_DATA(&request.h), body, len);
}

static void put(int type, const void *data, size_t len)
{
	struct rtattr *attr = (void *)(request.room + NLMSG_ALIGN(request.h.nlmsg_len));

	attr->rta_type = type;
	attr->rta_len = RTA_LENGTH(len);
	memcpy(RTA_DATA(attr), data, len);
	request.h.nlmsg_len = NLMSG_ALIGN(request.h.nlmsg_len) + RTA_ALIGN(attr->rta_len);
}

/* Sends, and waits for the answer or its acknowledgement. */
static void ask(const char *what)
{
	if (send(fd, &request, request.h.nlmsg_len, 0) < 0 || recv(fd, &answer, sizeof(answer), 0) < 0)
		fail(what, errno);
	if (answer.h.nlmsg_type == NLMSG_ERROR && ((struct nlmsgerr *)NLMSG_DATA(&answer.h))->error)
		fail(what, -((struct nlmsgerr *)NLMSG_DATA(&answer.h))->error);
}

/* An attribute of the answer, whose fixed part is so long. */
static struct rtattr *find(size_t fixed, int type)
{
	struct rtattr *attr = (void *)(answer.room + NLMSG_SPACE(fixed));
	int left = answer.h.nlmsg_len - NLMSG_SPACE(fixed);

	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
		if (attr->rta_type == type)
			return attr;
	return NULL;
}

static int address(const char *text, xfrm_address_t *out)
{
	if (inet_pton(AF_INET, text, out) == 1)
		return AF_INET;
	if (inet_pton(AF_INET6, text, out) == 1)
		return AF_INET6;
	fail(text, EINVAL);
	return 0;
}

static struct xfrm_usersa_id sa_id(char **word)
{
	struct xfrm_usersa_id id = { .proto = IPPROTO_ESP };

	id.spi = htonl(strtoul(word[0], NULL, 16));
	id.family = address(word[1], &id.daddr);
	return id;
}

static void newae(char **word, int words)
{
	struct xfrm_aevent_id id = { .sa_id = sa_id(word) };
	struct xfrm_replay_state_esn *esn;
	struct rtattr *attr;
	uint32_t was;

	begin(XFRM_MSG_GETAE, 0, &id, sizeof(id));
	ask("GETAE");
	attr = find(sizeof(id), XFRMA_REPLAY_ESN_VAL);
	if (!attr)
		fail("GETAE", ENODATA);
	esn = RTA_DATA(attr);
	was = esn->oseq;
	esn->oseq = words > 2 ? strtoul(word[2], NULL, 0) : 0;
	esn->oseq_hi = words > 3 ? strtoul(word[3], NULL, 0) : 0;
	begin(XFRM_MSG_NEWAE, NLM_F_ACK | NLM_F_REPLACE, &id, sizeof(id));
	put(XFRMA_REPLAY_ESN_VAL, esn, RTA_PAYLOAD(attr));
	ask("NEWAE");
	printf("was=%u now=%s\n", was, words > 2 ? word[2] : "0");
}

static void updsa(char **word)
{
	static const int kept[] = { XFRMA_ALG_AEAD, XFRMA_ENCAP, XFRMA_IF_ID, XFRMA_REPLAY_ESN_VAL,
				    33 /* XFRMA_SA_DIR, of later kernels */ };
	struct xfrm_usersa_id id = sa_id(word);
	struct xfrm_usersa_info info;
	unsigned int i;

	begin(XFRM_MSG_GETSA, 0, &id, sizeof(id));
	ask("GETSA");
	memcpy(&info, NLMSG_DATA(&answer.h), sizeof(info));
	info.lft.hard_byte_limit = 1ULL << 40;
	begin(XFRM_MSG_UPDSA, NLM_F_ACK, &info, sizeof(info));
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		struct rtattr *attr = find(sizeof(info), kept[i]);

		if (attr)
			put(attr->rta_type, RTA_DATA(attr), RTA_PAYLOAD(attr));
	}
	ask("UPDSA");
	puts("updated");
}

static void migrate(char **word)
{
	struct xfrm_userpolicy_id policy = { .dir = strcmp(word[0], "in") ? XFRM_POLICY_OUT : XFRM_POLICY_IN };
	struct xfrm_user_migrate to = { .proto = IPPROTO_ESP, .mode = XFRM_MODE_TUNNEL };
	struct xfrm_userpolicy_type type = { .type = XFRM_POLICY_TYPE_MAIN };
	uint32_t if_id = strtoul(word[3], NULL, 0);

	policy.sel.family = address(word[1], &policy.sel.saddr);
	address(word[2], &policy.sel.daddr);
	policy.sel.prefixlen_s = policy.sel.prefixlen_d = policy.sel.family == AF_INET ? 32 : 128;
	to.old_family = address(word[4], &to.old_saddr);
	address(word[5], &to.old_daddr);
	to.new_family = address(word[6], &to.new_saddr);
	address(word[7], &to.new_daddr);
	begin(XFRM_MSG_MIGRATE, NLM_F_ACK, &policy, sizeof(policy));
	put(XFRMA_POLICY_TYPE, &type, sizeof(type));
	put(XFRMA_MIGRATE, &to, sizeof(to));
	put(XFRMA_IF_ID, &if_id, sizeof(if_id));
	ask("MIGRATE");
	puts("migrated");
}

int main(int argc, char **argv)
{
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_XFRM);
	if (fd < 0)
		fail("socket", errno);
	if (argc >= 4 && !strcmp(argv[1], "newae"))
		newae(argv + 2, argc - 2);
	else if (argc == 4 && !strcmp(argv[1], "updsa"))
		updsa(argv + 2);
	else if (argc == 10 && !strcmp(argv[1], "migrate"))
		migrate(argv + 2);
	else
		fail("usage", EINVAL);
	return 0;
}
