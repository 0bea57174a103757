// SPDX-License-Identifier: GPL-2.0-only
#include "sa.h"

#include <crypto/aead.h>
#include <linux/hashtable.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <uapi/linux/sealbond.h>

#include "namespace.h"
#include "xfrm_compat.h"

#define SB_SA_KEY_LEN	36	/* 32 bytes and the salt */
#define SB_SA_ICV_BITS	128
#define SB_SA_WINDOW	2048	/* packets */

DEFINE_HASHTABLE(sb_sa_states, SB_SA_TABLE_BITS);
DEFINE_HASHTABLE(sb_sa_spis, SB_SA_TABLE_BITS);
static DEFINE_SPINLOCK(tables_lock);

static const char * const aead_name[__SEALBOND_ALG_MAX] = {
	[SEALBOND_ALG_AES256_GCM] = "rfc4106(gcm(aes))",
	[SEALBOND_ALG_CHACHA20_POLY1305] = "rfc7539esp(chacha20,poly1305)",
};

struct sb_sa *sb_sa_named(struct xfrm_state *x)
{
	struct sb_sa *sa;

	hash_for_each_possible_rcu(sb_sa_spis, sa, by_spi, (__force u32)x->id.spi)
		if (sa->spi == x->id.spi && xs_net(sa->x) == xs_net(x) &&
		    sa->x->props.family == x->props.family &&
		    xfrm_addr_equal(&sa->x->id.daddr, &x->id.daddr, x->props.family))
			return sa;
	return NULL;
}

bool sb_sa_spi_free(struct net *net, u32 spi)
{
	bool free;

	rcu_read_lock();
	free = !sb_sa_by_spi(net, cpu_to_be32(spi), false);
	rcu_read_unlock();
	return free;
}

int sb_sa_algorithm_ready(u8 algorithm)
{
	struct xfrm_algo_desc *desc = xfrm_aead_get_byname(aead_name[algorithm], SB_SA_ICV_BITS, 1);
	char name[CRYPTO_MAX_ALG_NAME];
	struct crypto_aead *aead;

	if (!desc)
		return -ENOSYS;
	snprintf(name, sizeof(name), "%s(%s)", desc->uinfo.aead.geniv, desc->name);
	aead = crypto_alloc_aead(name, 0, 0);
	if (IS_ERR(aead))
		return -ENOSYS;
	crypto_free_aead(aead);
	return 0;
}

static int set_algorithm(struct xfrm_state *x, const struct sb_sa_spec *spec)
{
	struct xfrm_algo_desc *desc = NULL;

	if (spec->algorithm < __SEALBOND_ALG_MAX && aead_name[spec->algorithm])
		desc = xfrm_aead_get_byname(aead_name[spec->algorithm], SB_SA_ICV_BITS, 1);
	if (!desc)
		return -ENOSYS;
	x->aead = kzalloc(sizeof(*x->aead) + SB_SA_KEY_LEN, GFP_KERNEL);
	if (!x->aead)
		return -ENOMEM;
	strscpy(x->aead->alg_name, desc->name, sizeof(x->aead->alg_name));
	x->aead->alg_key_len = SB_SA_KEY_LEN * 8;
	x->aead->alg_icv_len = SB_SA_ICV_BITS;
	memcpy(x->aead->alg_key, spec->key, SB_SA_KEY_LEN);
	x->props.ealgo = desc->desc.sadb_alg_id;
	x->geniv = desc->uinfo.aead.geniv;
	return 0;
}

static int set_replay(struct xfrm_state *x, bool out)
{
	size_t len = sizeof(struct xfrm_replay_state_esn) + SB_SA_WINDOW / 8;

	x->replay_esn = kzalloc(len, GFP_KERNEL);
	x->preplay_esn = kzalloc(len, GFP_KERNEL);
	if (!x->replay_esn || !x->preplay_esn)
		return -ENOMEM;
	x->replay_esn->bmp_len = SB_SA_WINDOW / 32;
	x->replay_esn->replay_window = sb_compat_window(SB_SA_WINDOW, out);
	x->preplay_esn->bmp_len = x->replay_esn->bmp_len;
	x->preplay_esn->replay_window = x->replay_esn->replay_window;
	return 0;
}

static int set_encap(struct xfrm_state *x, const struct sb_sa_spec *spec)
{
	x->encap = kzalloc(sizeof(*x->encap), GFP_KERNEL);
	if (!x->encap)
		return -ENOMEM;
	x->encap->encap_type = UDP_ENCAP_ESPINUDP;
	x->encap->encap_sport = spec->sport;
	x->encap->encap_dport = spec->dport;
	return 0;
}

static int fill_state(struct xfrm_state *x, const struct sb_net *sn,
		      const struct sb_sa_spec *spec)
{
	int err;

	x->id.daddr = spec->daddr;
	x->id.spi = cpu_to_be32(spec->spi);
	x->id.proto = IPPROTO_ESP;
	x->props.saddr = spec->saddr;
	x->props.family = spec->family;
	x->props.mode = XFRM_MODE_TUNNEL;
	x->props.reqid = spec->reqid;
	x->if_id = sn->if_id;
	/* The selector stays AF_UNSPEC, so that both inner families pass. */
	x->props.flags = XFRM_STATE_ESN | XFRM_STATE_AF_UNSPEC;
	x->lft.hard_byte_limit = spec->hard_bytes;
	sb_compat_set_dir(x, spec->out);

	err = set_algorithm(x, spec);
	if (!err)
		err = set_replay(x, spec->out);
	if (!err && spec->encap)
		err = set_encap(x, spec);
	return err ?: sb_compat_init_state(x);
}

static void publish(struct sb_sa *sa)
{
	spin_lock_bh(&tables_lock);
	hash_add_rcu(sb_sa_states, &sa->by_state, (unsigned long)sa->x);
	hash_add_rcu(sb_sa_spis, &sa->by_spi, (__force u32)sa->spi);
	spin_unlock_bh(&tables_lock);
}

static void unpublish(struct sb_sa *sa)
{
	spin_lock_bh(&tables_lock);
	hash_del_rcu(&sa->by_state);
	hash_del_rcu(&sa->by_spi);
	spin_unlock_bh(&tables_lock);
}

/* A reader that finds the key must not find zeros: MIGRATE would clone a live SA with them. */
static void overwrite_key(struct xfrm_state *x)
{
	if (x->aead)
		get_random_bytes(x->aead->alg_key, SB_SA_KEY_LEN);
}

struct sb_sa *sb_sa_add(struct sb_net *sn, struct sb_peer *peer, const struct sb_sa_spec *spec)
{
	struct xfrm_state *x;
	struct sb_sa *sa;
	int err = -ENOMEM;

	sa = kzalloc(sizeof(*sa), GFP_KERNEL);
	x = xfrm_state_alloc(sn->net);
	if (!sa || !x)
		goto err_free;
	spin_lock_init(&sa->nonce_lock);
	sa->nonce = spec->out ? kzalloc(sizeof(*sa->nonce), GFP_KERNEL) : NULL;
	if (spec->out && !sa->nonce)
		goto err_free;
	err = fill_state(x, sn, spec);
	if (err)
		goto err_state;

	sa->x = x;
	sa->peer = peer;
	sa->spi = x->id.spi;
	sa->out = spec->out;
	/* Known before it can carry a packet: the hooks would drop that packet as foreign. */
	publish(sa);
	xfrm_state_hold(x);	/* the first reference goes to the kernel's tables, this one is ours */
	err = xfrm_state_add(x);
	overwrite_key(x);
	if (err)
		goto err_published;
	return sa;

err_published:
	unpublish(sa);
	synchronize_net();
	xfrm_state_put(x);
err_state:
	overwrite_key(x);
	x->km.state = XFRM_STATE_DEAD;
	xfrm_state_put(x);
	x = NULL;
err_free:
	if (x) {
		x->km.state = XFRM_STATE_DEAD;
		xfrm_state_put(x);
	}
	if (sa)
		kfree(sa->nonce);
	kfree(sa);
	return ERR_PTR(err);
}

static void free_sa(struct rcu_head *rcu)
{
	struct sb_sa *sa = container_of(rcu, struct sb_sa, rcu);

	xfrm_state_put(sa->x);
	kfree(sa->nonce);
	kfree(sa);
}

void sb_sa_del(struct sb_sa *sa)
{
	if (!sa)
		return;
	xfrm_state_delete(sa->x);
	unpublish(sa);
	call_rcu(&sa->rcu, free_sa);
}

void sb_sa_tampered(struct sb_sa *sa)
{
	WRITE_ONCE(sa->tampered, true);
	unpublish(sa);
}

/* The kernel says which addresses were migrated, not which states: those are dead by then. */
void sb_sa_migrated(void (*act)(struct sb_sa *sa))
{
	struct sb_sa *sa;
	int bucket;

	hash_for_each_rcu(sb_sa_states, bucket, sa, by_state)
		if (READ_ONCE(sa->x->km.state) != XFRM_STATE_VALID)
			act(sa);
}

bool sb_sa_rewound(struct sb_sa *sa)
{
	u32 top;

	/* Numbers are given out before they are used: an honest counter, read later, is not behind. */
	spin_lock_bh(&sa->nonce_lock);
	top = sa->nonce->top;
	spin_unlock_bh(&sa->nonce_lock);
	return READ_ONCE(sa->x->replay_esn->oseq) < top;
}

u64 sb_sa_sequence(const struct sb_sa *sa)
{
	const struct xfrm_replay_state_esn *esn;
	u64 sequence;

	spin_lock_bh(&sa->x->lock);
	esn = sa->x->replay_esn;
	sequence = (u64)esn->oseq_hi << 32 | esn->oseq;
	spin_unlock_bh(&sa->x->lock);
	return sequence;
}
