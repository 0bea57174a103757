// SPDX-License-Identifier: GPL-2.0-only
#include "ledger_socket.h"

#include <linux/in.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "namespace.h"

/*
 * A reference keeps the pointer from being another socket's. A closed socket is let go of within
 * a second (the sweep); it sends nothing and matches nothing meanwhile.
 */
struct sb_ledger_socket {
	struct sock *sk;
	struct rcu_head rcu;
};

static void release(struct rcu_head *rcu)
{
	struct sb_ledger_socket *ls = container_of(rcu, struct sb_ledger_socket, rcu);

	sock_put(ls->sk);
	kfree(ls);
}

static struct sb_ledger_socket *at(const struct sb_net *sn, unsigned int i)
{
	return rcu_dereference_protected(sn->ledger_sockets[i], true);
}

/* Takes one out; the younger ones move up. A reader may miss one of those for a packet. */
static void drop(struct sb_net *sn, unsigned int i)
{
	struct sb_ledger_socket *old = at(sn, i);

	for (; i + 1 < SB_LEDGER_SOCKETS && at(sn, i + 1); i++)
		rcu_assign_pointer(sn->ledger_sockets[i], at(sn, i + 1));
	RCU_INIT_POINTER(sn->ledger_sockets[i], NULL);
	call_rcu(&old->rcu, release);
}

/* Closed by who had it, and through with the other end, too. */
static bool is_over(const struct sock *sk)
{
	return sock_flag(sk, SOCK_DEAD) && READ_ONCE(sk->sk_state) == TCP_CLOSE;
}

void sb_ledger_sockets_sweep(struct sb_net *sn)
{
	unsigned int i = 0;

	lockdep_assert_held(&sn->lock);
	while (i < SB_LEDGER_SOCKETS && at(sn, i)) {
		if (is_over(at(sn, i)->sk))
			drop(sn, i);
		else
			i++;
	}
}

void sb_ledger_sockets_free(struct sb_net *sn)
{
	while (at(sn, 0))
		drop(sn, 0);
}

static int check(const struct sb_net *sn, const struct sock *sk, const char **text)
{
	if ((sk->sk_family != AF_INET && sk->sk_family != AF_INET6) || sk->sk_type != SOCK_STREAM ||
	    sk->sk_protocol != IPPROTO_TCP) {
		*text = "only a TCP socket can be the ledger's";
		return -EOPNOTSUPP;
	}
	if (sock_net(sk) != sn->net) {
		*text = "the socket is of another network namespace";
		return -EXDEV;
	}
	if (READ_ONCE(sk->sk_state) == TCP_LISTEN) {
		*text = "a socket that listens is none to a ledger: register the one that connects";
		return -EINVAL;
	}
	return 0;
}

int sb_ledger_socket_add(struct sb_net *sn, struct sock *sk, const char **text)
{
	struct sb_ledger_socket *ls;
	unsigned int i;
	int err = check(sn, sk, text);

	lockdep_assert_held(&sn->lock);
	if (err)
		return err;
	sb_ledger_sockets_sweep(sn);
	for (i = 0; i < SB_LEDGER_SOCKETS && at(sn, i); i++)
		if (at(sn, i)->sk == sk)
			return 0;
	ls = kzalloc(sizeof(*ls), GFP_KERNEL);
	if (!ls)
		return -ENOMEM;
	if (i == SB_LEDGER_SOCKETS) {
		drop(sn, 0);
		i--;
	}
	sock_hold(sk);
	ls->sk = sk;
	rcu_assign_pointer(sn->ledger_sockets[i], ls);
	return 0;
}

bool sb_ledger_socket_has(const struct sb_net *sn, const struct sock *sk)
{
	const struct sb_ledger_socket *ls;
	unsigned int i;

	for (i = 0; sk && i < SB_LEDGER_SOCKETS; i++) {
		ls = rcu_dereference(sn->ledger_sockets[i]);
		if (!ls)
			return false;
		if (ls->sk == sk)
			return true;
	}
	return false;
}

static bool talks4(const struct sock *sk, const void *remote, const void *local)
{
	return !memcmp(&inet_sk(sk)->inet_daddr, remote, sizeof(__be32)) &&
	       !memcmp(&inet_sk(sk)->inet_rcv_saddr, local, sizeof(__be32));
}

static bool talks6(const struct sock *sk, const void *remote, const void *local)
{
	return sk->sk_family == AF_INET6 &&
	       !memcmp(&sk->sk_v6_daddr, remote, sizeof(struct in6_addr)) &&
	       !memcmp(&sk->sk_v6_rcv_saddr, local, sizeof(struct in6_addr));
}

/* What is being connected or closed is read while it changes: a packet more or less is lost. */
bool sb_ledger_socket_talks(const struct sb_net *sn, u8 family, const void *remote,
			    __be16 remote_port, const void *local, __be16 local_port)
{
	const struct sb_ledger_socket *ls;
	unsigned int i;

	for (i = 0; i < SB_LEDGER_SOCKETS; i++) {
		const struct sock *sk;
		u8 state;

		ls = rcu_dereference(sn->ledger_sockets[i]);
		if (!ls)
			return false;
		sk = ls->sk;
		state = READ_ONCE(sk->sk_state);
		if (state == TCP_CLOSE || state == TCP_LISTEN ||
		    READ_ONCE(inet_sk(sk)->inet_dport) != remote_port ||
		    READ_ONCE(inet_sk(sk)->inet_sport) != local_port)
			continue;
		if (family == 4 ? talks4(sk, remote, local) : talks6(sk, remote, local))
			return true;
	}
	return false;
}
