// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel tells nobody of a program that is attached by a link, or of an AF_XDP socket that is
 * bound; one that is gone again before the next look would never be seen. Where there are return
 * probes, these calls are seen as they happen. Without, and where root turns probes off, the looks
 * go on all the same: a probe only makes it sooner.
 */
#define pr_fmt(fmt) "sealbond: " fmt

#include <linux/kprobes.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/netfilter.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <net/sock.h>
#include <net/xdp_sock.h>

#include "device.h"
#include "watch.h"

#if defined(CONFIG_KRETPROBES) && defined(CONFIG_HAVE_FUNCTION_ARG_ACCESS_API) && \
	defined(CONFIG_XDP_SOCKETS)

static long returned(struct pt_regs *regs)
{
	return (int)regs_return_value(regs);
}

/* xsk_bind(sock, ...): 0 */
static int bind_called(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	*(struct socket **)ri->data = (struct socket *)regs_get_kernel_argument(regs, 0);
	return 0;
}

static int bind_returned(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct socket *sock = *(struct socket **)ri->data;
	const struct net_device *dev;
	struct xdp_sock *xs;

	if (returned(regs))
		return 0;
	/* The call holds the socket; its device may be going, and then waits for us. */
	rcu_read_lock();
	xs = (struct xdp_sock *)sock->sk;
	dev = READ_ONCE(xs->dev);
	if (READ_ONCE(xs->state) == XSK_BOUND &&
	    sb_device_guarded(sb_net_of(sock_net(sock->sk)), dev))
		sb_watch_saw(SEALBOND_ALARM_XSK);
	rcu_read_unlock();
	return 0;
}

/* dev_change_xdp_fd(dev, extack, fd, ...): 0; a negative fd takes a program away. */
static int change_called(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	*(int *)ri->data = (int)regs_get_kernel_argument(regs, 2);
	return 0;
}

static int change_returned(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	if (!returned(regs) && *(int *)ri->data >= 0)
		sb_watch_saw(SEALBOND_ALARM_XDP);
	return 0;
}

/* These return a descriptor, or 0. */
static int xdp_attached(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	if (returned(regs) >= 0)
		sb_watch_saw(SEALBOND_ALARM_XDP);
	return 0;
}

/* nf_register_net_hook(net, ops): 0; the ops are looked at while the caller holds them */
static int hook_called(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct nf_hook_ops *ops = (const void *)regs_get_kernel_argument(regs, 1);
	struct net *net = (struct net *)regs_get_kernel_argument(regs, 0);

	rcu_read_lock();
	if (sb_watch_nft_hook(sb_net_of(net), ops))
		sb_watch_saw(SEALBOND_ALARM_NFT);
	rcu_read_unlock();
	return 1;	/* of its return nothing is to be told */
}

#if defined(SB_HAVE_TCX) && defined(CONFIG_NET_XGRESS)
static int tcx_attached(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	if (returned(regs) >= 0)
		sb_watch_saw(SEALBOND_ALARM_TC);
	return 0;
}
#endif

static struct kretprobe probes[] = {
	{ .kp.symbol_name = "xsk_bind", .entry_handler = bind_called, .handler = bind_returned,
	  .data_size = sizeof(struct socket *) },
	{ .kp.symbol_name = "dev_change_xdp_fd", .entry_handler = change_called,
	  .handler = change_returned, .data_size = sizeof(int) },
	{ .kp.symbol_name = "bpf_xdp_link_attach", .handler = xdp_attached },
	{ .kp.symbol_name = "nf_register_net_hook", .entry_handler = hook_called },
#if defined(SB_HAVE_TCX) && defined(CONFIG_NET_XGRESS)
	{ .kp.symbol_name = "tcx_prog_attach", .handler = tcx_attached },
	{ .kp.symbol_name = "tcx_link_attach", .handler = tcx_attached },
#endif
};

static bool registered[ARRAY_SIZE(probes)];
static DEFINE_MUTEX(starting);
static bool started;		/* under it */

static void set_all(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		err = register_kretprobe(&probes[i]);
		registered[i] = !err;
		if (err)
			pr_info("no probe on %s (%d): it is looked for now and then\n",
				probes[i].kp.symbol_name, err);
	}
}

void sb_watch_probe_start(void)
{
	mutex_lock(&starting);
	if (!started) {
		set_all();
		started = true;
		sb_watch_look();	/* for what came before them */
	}
	mutex_unlock(&starting);
}

void sb_watch_probe_exit(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		if (registered[i])
			unregister_kretprobe(&probes[i]);
}
#else
void sb_watch_probe_start(void)
{
}

void sb_watch_probe_exit(void)
{
}
#endif
