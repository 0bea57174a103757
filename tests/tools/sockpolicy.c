// SPDX-License-Identifier: Apache-2.0
/*
 * A socket's own IPsec policy (IP_XFRM_POLICY), which whoever has CAP_NET_ADMIN in the user namespace
 * of the socket's network may set.
 *
 *   sockpolicy garbage     one byte that is none
 *   sockpolicy bypass      in and out, as an IKE daemon lets its own socket past all other policies
 *
 * Prints "set", or "refused" and the kernel's errno.
 */
#include <errno.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#ifndef IP_XFRM_POLICY
#define IP_XFRM_POLICY 17
#endif

static int garbage(int fd)
{
	return setsockopt(fd, IPPROTO_IP, IP_XFRM_POLICY, "x", 1);
}

static int bypass(int fd)
{
	struct xfrm_userpolicy_info policy = { .sel.family = AF_INET, .action = XFRM_POLICY_ALLOW };
	int err;

	policy.lft.soft_byte_limit = policy.lft.hard_byte_limit = XFRM_INF;
	policy.lft.soft_packet_limit = policy.lft.hard_packet_limit = XFRM_INF;
	policy.dir = XFRM_POLICY_IN;
	err = setsockopt(fd, IPPROTO_IP, IP_XFRM_POLICY, &policy, sizeof(policy));
	if (err)
		return err;
	policy.dir = XFRM_POLICY_OUT;
	return setsockopt(fd, IPPROTO_IP, IP_XFRM_POLICY, &policy, sizeof(policy));
}

int main(int argc, char **argv)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || argc != 2) {
		fprintf(stderr, "sockpolicy: garbage | bypass\n");
		return 2;
	}
	if (strcmp(argv[1], "bypass") ? garbage(fd) : bypass(fd)) {
		printf("refused: %s\n", strerror(errno));
		return 1;
	}
	puts("set");
	return 0;
}
