// SPDX-License-Identifier: GPL-2.0-only
#include "namespace.h"

#include <linux/mm.h>
#include <net/netns/generic.h>

#include "exception.h"
#include "exchange.h"
#include "hooks.h"
#include "keyring.h"
#include "ledger_socket.h"
#include "lock.h"
#include "peer.h"
#include "socket.h"
#include "watch.h"

#define SB_SWEEP_PERIOD	HZ

struct workqueue_struct *sb_wq;
static unsigned int net_id;

struct sb_net *sb_net_of(const struct net *net)
{
	return net_generic(net, net_id);
}

static void sweep(struct work_struct *work)
{
	struct sb_net *sn = container_of(work, struct sb_net, sweep.work);
	struct sb_peer *peer;
	u32 round;
	u64 now;

	mutex_lock(&sn->lock);
	round = sb_watch_round();
	sb_bond_do_asked(sn);
	now = ktime_get_boottime_ns();	/* under the lock: no epoch is younger */
	list_for_each_entry(peer, &sn->peers, node) {
		sb_bond_sweep(sn, peer, now);
		sb_exchange_sweep(sn, peer, now);
	}
	sb_keyring_sweep(sn, now);
	sb_ledger_sockets_sweep(sn);
	if (sb_alarmed() && sb_alarms() & SB_ALARMS_STICKY)
		sb_keyring_tampered(sn);
	WRITE_ONCE(sn->alarms_swept, round);
	if (!sn->closing)
		queue_delayed_work(sb_wq, &sn->sweep, SB_SWEEP_PERIOD);
	mutex_unlock(&sn->lock);
}

void sb_net_sweep_now(struct sb_net *sn)
{
	if (!READ_ONCE(sn->closing))
		mod_delayed_work(sb_wq, &sn->sweep, 0);
}

/*
 * Namespaces are held, not their list: an act may wait for a lock whose holder waits for the
 * list. What is on its way out already is left to net_end().
 */
int sb_net_each(void (*act)(struct sb_net *sn))
{
	size_t room = 0, n = 0, i;
	struct net **nets, *net;

	down_read(&net_rwsem);
	for_each_net(net)
		room++;
	nets = kvcalloc(room, sizeof(*nets), GFP_KERNEL);
	if (nets)
		for_each_net(net)
			if (maybe_get_net(net))
				nets[n++] = net;
	up_read(&net_rwsem);
	if (!nets)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		act(sb_net_of(nets[i]));
		put_net(nets[i]);
	}
	kvfree(nets);
	return 0;
}

static int __net_init net_start(struct net *net)
{
	struct sb_net *sn = sb_net_of(net);
	int err;

	sn->net = net;
	sn->alarms_swept = sb_watch_round();	/* no bonds yet */
	mutex_init(&sn->lock);
	init_llist_head(&sn->todo);
	INIT_LIST_HEAD(&sn->set_up);
	INIT_WORK(&sn->rx_work, sb_socket_work);
	INIT_WORK(&sn->bond_work, sb_bond_work);
	INIT_DELAYED_WORK(&sn->sweep, sweep);
	err = sb_peers_init(sn);
	if (err)
		return err;
	err = sb_keyring_init(sn);
	if (err)
		goto err_peers;
	err = sb_watch_tc_net_init(sn);
	if (err)
		goto err_keyring;
	err = sb_hooks_net_init(sn);
	if (err)
		goto err_ear;
	queue_delayed_work(sb_wq, &sn->sweep, SB_SWEEP_PERIOD);
	return 0;

err_ear:
	sb_watch_tc_net_exit(sn);
err_keyring:
	sb_keyring_exit(sn);
err_peers:
	sb_peers_exit(sn);
	return err;
}

/* A grace period follows: then no packet of this namespace is in a hook any more. */
static void __net_exit net_leave(struct net *net)
{
	sb_hooks_net_exit(sb_net_of(net));
}

static void __net_exit net_end(struct net *net)
{
	struct sb_net *sn = sb_net_of(net);

	sb_watch_tc_net_exit(sn);
	mutex_lock(&sn->lock);
	WRITE_ONCE(sn->closing, true);
	sb_peer_flush(sn);
	sb_socket_close(sn);
	sb_lock_forget(sn);
	mutex_unlock(&sn->lock);

	cancel_delayed_work_sync(&sn->sweep);
	cancel_work_sync(&sn->rx_work);
	/* The last readers let go of SAs and peers; then what they had asked for is done. */
	rcu_barrier();
	flush_workqueue(sb_wq);
	rcu_barrier();		/* a peer waits twice: see sb_peer.forgotten */
	flush_workqueue(sb_wq);
	cancel_delayed_work_sync(&sn->sweep);	/* a key manager's call may have been under way */
	sb_keyring_exit(sn);
	sb_exceptions_free(sn);
	sb_ledger_sockets_free(sn);
	kvfree(sn->requests);
	sb_peers_exit(sn);
}

static struct pernet_operations net_ops = {
	.init = net_start,
	.pre_exit = net_leave,
	.exit = net_end,
	.id = &net_id,
	.size = sizeof(struct sb_net),
};

int sb_namespace_init(void)
{
	int err;

	sb_wq = alloc_workqueue("sealbond", WQ_UNBOUND, 0);
	if (!sb_wq)
		return -ENOMEM;
	err = register_pernet_subsys(&net_ops);
	if (err)
		destroy_workqueue(sb_wq);
	return err;
}

void sb_namespace_exit(void)
{
	unregister_pernet_subsys(&net_ops);
	rcu_barrier();
	destroy_workqueue(sb_wq);
}
