// SPDX-License-Identifier: GPL-2.0-only
#include "socket.h"

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/net.h>
#include <linux/udp.h>
#include <net/dst_metadata.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <net/udp.h>

#include "exchange.h"
#include "namespace.h"
#include "route.h"

/* Bytes of kernel memory for handshakes that wait: about 1,000. Beyond that they are lost. */
#define SB_SOCKET_QUEUE		(1 << 20)
/* Datagrams taken at one go, so that commands and timers get their turn. */
#define SB_SOCKET_BATCH		64

/*
 * The kernel's own encapsulation takes ESP out of the stream (first word not zero) once it is on.
 * What stays in the socket's queue are handshakes, and whatever else a stranger has sent.
 */
static void data_ready(struct sock *sk)
{
	struct sb_net *sn;

	read_lock_bh(&sk->sk_callback_lock);
	sn = sk->sk_user_data;
	if (sn)
		queue_work(sb_wq, &sn->rx_work);
	read_unlock_bh(&sk->sk_callback_lock);
}

static int bind_socket(struct socket *sock, int family, u16 port)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_port = cpu_to_be16(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = cpu_to_be16(port) };

	if (family == AF_INET)
		return kernel_bind(sock, (void *)&in4, sizeof(in4));
	ip6_sock_set_v6only(sock->sk);
	return kernel_bind(sock, (void *)&in6, sizeof(in6));
}

/*
 * xfrm6_udp_encap_rcv is not exported: the socket option installs it, for both families alike.
 * The first encapsulating socket makes the kernel look up a socket for every UDP packet of the
 * machine ahead of its time, so this waits until a bond needs it.
 */
int sb_socket_encap(struct sb_net *sn, bool v4)
{
	struct socket *sock = sn->sock[v4 ? 0 : 1];
	int type = UDP_ENCAP_ESPINUDP;

	if (!sock)
		return -ENOTCONN;
	return sock->ops->setsockopt(sock, SOL_UDP, UDP_ENCAP, KERNEL_SOCKPTR(&type), sizeof(type));
}

static int open_one(struct sb_net *sn, int family, u16 port, struct socket **out)
{
	struct socket *sock;
	int err;

	err = sock_create_kern(sn->net, family, SOCK_DGRAM, IPPROTO_UDP, &sock);
	if (err)
		return err;
	err = bind_socket(sock, family, port);
	if (err) {
		sock_release(sock);
		return err;
	}
	sock_set_rcvbuf(sock->sk, SB_SOCKET_QUEUE / 2);	/* the kernel doubles it */
	write_lock_bh(&sock->sk->sk_callback_lock);
	sock->sk->sk_user_data = sn;
	sock->sk->sk_data_ready = data_ready;
	write_unlock_bh(&sock->sk->sk_callback_lock);
	*out = sock;
	return 0;
}

int sb_socket_open(struct sb_net *sn, u16 port)
{
	int err;

	err = open_one(sn, AF_INET, port, &sn->sock[0]);
	if (err)
		return err;
	err = open_one(sn, AF_INET6, port, &sn->sock[1]);
	if (err && err != -EAFNOSUPPORT) {
		sb_socket_close(sn);
		return err;
	}
	rcu_assign_pointer(sn->sk[0], sn->sock[0]->sk);
	rcu_assign_pointer(sn->sk[1], sn->sock[1] ? sn->sock[1]->sk : NULL);
	WRITE_ONCE(sn->port_be, cpu_to_be16(port));
	return 0;
}

void sb_socket_close(struct sb_net *sn)
{
	int i;

	WRITE_ONCE(sn->port_be, 0);
	for (i = 0; i < 2; i++) {
		struct socket *sock = sn->sock[i];

		RCU_INIT_POINTER(sn->sk[i], NULL);
		if (!sock)
			continue;
		write_lock_bh(&sock->sk->sk_callback_lock);
		sock->sk->sk_user_data = NULL;
		write_unlock_bh(&sock->sk->sk_callback_lock);
		sn->sock[i] = NULL;
		sock_release(sock);
	}
}

static bool addr_known(const struct sb_addr *addr)
{
	return memchr_inv(addr->ip, 0, sizeof(addr->ip));
}

static size_t put_source4(struct cmsghdr *cmsg, const struct sb_addr *local)
{
	struct in_pktinfo *info = CMSG_DATA(cmsg);

	cmsg->cmsg_level = SOL_IP;
	cmsg->cmsg_type = IP_PKTINFO;
	cmsg->cmsg_len = CMSG_LEN(sizeof(*info));
	info->ipi_spec_dst.s_addr = sb_addr_ip4(local);
	return CMSG_SPACE(sizeof(*info));
}

static size_t put_source6(struct cmsghdr *cmsg, const struct sb_addr *local)
{
	struct in6_pktinfo *info = CMSG_DATA(cmsg);

	cmsg->cmsg_level = SOL_IPV6;
	cmsg->cmsg_type = IPV6_PKTINFO;
	cmsg->cmsg_len = CMSG_LEN(sizeof(*info));
	memcpy(&info->ipi6_addr, local->ip, sizeof(info->ipi6_addr));
	return CMSG_SPACE(sizeof(*info));
}

int sb_socket_send(struct sb_net *sn, const struct sb_addr *local, const struct sb_addr *remote,
		   const void *data, size_t len)
{
	bool v4 = sb_addr_is_v4(remote);
	struct socket *sock = sn->sock[v4 ? 0 : 1];
	union {
		struct cmsghdr head;
		u8 space[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control = {};
	union {
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
	} to = {};
	struct msghdr msg = { .msg_name = &to, .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };
	struct kvec vec = { .iov_base = (void *)data, .iov_len = len };
	int sent;

	if (!sock)
		return v4 ? -ENOTCONN : -EAFNOSUPPORT;
	if (v4) {
		to.in4.sin_family = AF_INET;
		to.in4.sin_port = cpu_to_be16(remote->port);
		to.in4.sin_addr.s_addr = sb_addr_ip4(remote);
		msg.msg_namelen = sizeof(to.in4);
	} else {
		to.in6.sin6_family = AF_INET6;
		to.in6.sin6_port = cpu_to_be16(remote->port);
		memcpy(&to.in6.sin6_addr, remote->ip, sizeof(to.in6.sin6_addr));
		msg.msg_namelen = sizeof(to.in6);
	}
	if (addr_known(local)) {
		msg.msg_control = &control;
		msg.msg_controllen = v4 ? put_source4(&control.head, local) :
					  put_source6(&control.head, local);
	}
	sent = kernel_sendmsg(sock, &msg, &vec, 1, len);
	return sent < 0 ? sent : 0;
}

/* The network header is still before the payload: the addresses are the packet's own. */
static void take(struct sb_net *sn, struct sk_buff *skb, bool v4, bool under_load)
{
	const struct udphdr *udp;
	struct sb_addr from, to;

	if (skb->len > SB_MSG_MAX_LEN || skb_linearize(skb))
		return;
	udp = udp_hdr(skb);	/* where the head is now */
	if (v4) {
		sb_addr_v4(&from, ip_hdr(skb)->saddr, be16_to_cpu(udp->source));
		sb_addr_v4(&to, ip_hdr(skb)->daddr, be16_to_cpu(udp->dest));
	} else {
		sb_addr_v6(&from, ipv6_hdr(skb)->saddr.s6_addr, be16_to_cpu(udp->source));
		sb_addr_v6(&to, ipv6_hdr(skb)->daddr.s6_addr, be16_to_cpu(udp->dest));
	}
	sb_exchange_receive(sn, &from, &to, skb->data, skb->len, under_load);
}

/* Is there more? Not where the family is off, or no socket could be opened. */
static bool drain(struct sb_net *sn, int family)
{
	struct socket *sock = sn->sock[family];	/* closed under sn->lock only */
	int taken, err;

	if (!sock)
		return false;
	for (taken = 0; taken < SB_SOCKET_BATCH; taken++) {
		struct sock *sk = sock->sk;
		bool under_load = atomic_read(&sk->sk_rmem_alloc) > sk->sk_rcvbuf / 8;
		struct sk_buff *skb = skb_recv_udp(sk, MSG_DONTWAIT, &err);

		if (!skb)
			return false;
		take(sn, skb, family == 0, under_load);
		consume_skb(skb);
	}
	return true;
}

void sb_socket_work(struct work_struct *work)
{
	struct sb_net *sn = container_of(work, struct sb_net, rx_work);
	bool more;

	mutex_lock(&sn->lock);
	more = drain(sn, 0);
	more |= drain(sn, 1);
	if (more && !sn->closing)
		queue_work(sb_wq, &sn->rx_work);
	mutex_unlock(&sn->lock);
}
