// SPDX-License-Identifier: GPL-2.0-only
#include "keyring.h"

#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "event.h"
#include "exchange.h"
#include "namespace.h"
#include "peer.h"
#include "seal_config.h"
#include "watch.h"
#include "watch_tpm.h"

struct sb_key_order {
	struct sb_seal_request request;
	struct sb_seal_file approvals[SB_APPROVALS_MAX];
	u8 *bytes;	/* all files, one after the other */
};

struct sb_keyring {
	struct sb_net *sn;
	struct work_struct work;
	struct sb_key_order *order;	/* while the hold runs */
	struct sb_seal_result *result;	/* of the last hold */
	u8 priv[SB_KEYS][SB_DIGEST_LEN];
	u8 state;
	bool held;
	bool unstored;
	/* After a rotation: the key before, while it still answers. */
	bool has_old;
	u8 old[SB_DIGEST_LEN];
	u8 old_pub[SB_DIGEST_LEN];
	u64 rotated_ns;		/* boot time */
};

/*
 * One hold at a time on the whole machine, and a slow TPM delays nobody but who waits for it:
 * its own ordered queue.
 */
static struct workqueue_struct *tpm_wq;

/*
 * CLOSE was taken, in whichever namespace: this boot is over for keys, whether or not its hold has
 * come to the cap.
 */
static bool over;

static size_t order_size(const struct sb_seal_request *request)
{
	size_t size = request->blob[SB_KEY_CURRENT].len + request->blob[SB_KEY_NEXT].len;
	u32 i;

	for (i = 0; i < request->n_approvals; i++)
		size += request->approvals[i].len;
	return size;
}

static struct sb_seal_file copy_file(u8 **at, const struct sb_seal_file *file)
{
	struct sb_seal_file copy = { .data = *at, .len = file->len };

	if (file->len)
		memcpy(*at, file->data, file->len);
	*at += file->len;
	return copy;
}

struct sb_key_order *sb_key_order_new(const struct sb_seal_request *request)
{
	struct sb_key_order *order = kzalloc(sizeof(*order), GFP_KERNEL);
	u8 *at;
	u32 i;

	if (!order || request->n_approvals > SB_APPROVALS_MAX)
		goto err;
	order->bytes = kmalloc(order_size(request) + 1, GFP_KERNEL);
	if (!order->bytes)
		goto err;
	at = order->bytes;
	order->request = *request;
	for (i = 0; i < SB_KEYS; i++)
		order->request.blob[i] = copy_file(&at, &request->blob[i]);
	for (i = 0; i < request->n_approvals; i++)
		order->approvals[i] = copy_file(&at, &request->approvals[i]);
	order->request.approvals = order->approvals;
	return order;
err:
	kfree(order);
	return NULL;
}

void sb_key_order_free(struct sb_key_order *order)
{
	if (!order)
		return;
	kfree(order->bytes);
	kfree(order);
}

static void wipe_handshakes(struct sb_net *sn)
{
	struct sb_peer *peer;

	list_for_each_entry(peer, &sn->peers, node)
		sb_exchange_forget(sn, peer);
	if (sn->hs)
		sb_hs_local_wipe(sn->hs);
	kfree_sensitive(sn->hs);
	sn->hs = NULL;
}

/* The replay counter needs a TPM that tells its resets; without, it is boot time alone. */
int sb_keyring_apply(struct sb_net *sn)
{
	struct sb_keyring *ring = sn->keyring;
	struct sb_hs_local *hs;
	int err, i;

	if (!ring->held || !sn->configured)
		return 0;
	hs = kzalloc(sizeof(*hs), GFP_KERNEL);
	if (!hs)
		return -ENOMEM;
	err = sb_hs_local_init(hs, ring->has_old ? ring->old : ring->priv[SB_KEY_CURRENT],
			       sn->device_id, sn->chain_id, ring->result->reset_count,
			       ring->result->restart_count);
	if (!err && ring->has_old)
		err = sb_hs_rotate(hs, ring->priv[SB_KEY_CURRENT]);
	if (err) {
		sb_hs_local_wipe(hs);
		kfree_sensitive(hs);
		return err;
	}
	hs->want_encap = sn->encap == SEALBOND_ENCAP_ALWAYS;
	hs->alg_offer = 0;
	for (i = 0; i < ARRAY_SIZE(sn->algorithms) && sn->algorithms[i]; i++) {
		hs->alg_pref[i] = sn->algorithms[i] - 1;
		hs->alg_offer |= BIT(hs->alg_pref[i]);
	}
	/* With one algorithm the list still has to name both; the offer decides. */
	if (i == 1)
		hs->alg_pref[1] = !hs->alg_pref[0];

	wipe_handshakes(sn);
	sn->hs = hs;
	return 0;
}

static void take_result(struct sb_keyring *ring, struct sb_seal_result *result, int err)
{
	kfree(ring->result);
	ring->result = result;
	ring->state = err ? SEALBOND_STATE_TPM_ERROR : result->state;
	ring->held = !err && (result->state == SEALBOND_STATE_KEYS_READY || result->candidate);
	ring->unstored = ring->held && (result->new_blob_len[SB_KEY_CURRENT] ||
					result->new_blob_len[SB_KEY_NEXT]);
	if (err)
		result->detail = err;
}

static void run(struct work_struct *work)
{
	struct sb_keyring *ring = container_of(work, struct sb_keyring, work);
	struct sb_seal_result *result = kzalloc(sizeof(*result), GFP_KERNEL);
	u8 priv[SB_KEYS][SB_DIGEST_LEN] = {};
	struct sb_net *sn = ring->sn;
	int err = -ENOMEM;

	/* The order is ours until the state leaves "pending": no lock during the hold. */
	if (result) {
		sb_watch_tpm_before();
		err = sb_seal_run(&ring->order->request, result, priv);
		if (!err)
			sb_watch_tpm_after(&ring->order->request, result);
	}

	mutex_lock(&sn->lock);
	sb_key_order_free(ring->order);
	ring->order = NULL;
	if (result) {
		memcpy(ring->priv, priv, sizeof(priv));
		take_result(ring, result, err);
		if (ring->held && sb_keyring_apply(sn))
			ring->state = SEALBOND_STATE_TPM_ERROR;
	} else {
		ring->state = SEALBOND_STATE_TPM_ERROR;
	}
	memzero_explicit(priv, sizeof(priv));
	sb_event_key(sn);
	mutex_unlock(&sn->lock);
}

int sb_keyring_run(struct sb_net *sn, struct sb_key_order *order)
{
	const struct sb_seal_request *request = &order->request;
	struct sb_keyring *ring = sn->keyring;
	int err = 0;

	if (ring->order)
		return -EBUSY;
	if (ring->held)
		return -EALREADY;
	if (sb_alarms() & SB_ALARMS_STICKY)
		return -EKEYREVOKED;
	if (READ_ONCE(over) && !request->close)
		return -ESHUTDOWN;
	if (request->has_config)
		err = sb_config_claim(request->config_hash, request->cap_pcr);
	if (err)
		return err;
	if (request->close)
		WRITE_ONCE(over, true);
	ring->order = order;
	ring->state = SEALBOND_STATE_KEY_PENDING;
	queue_work(tpm_wq, &ring->work);
	return 0;
}

void sb_keyring_tampered(struct sb_net *sn)
{
	struct sb_keyring *ring = sn->keyring;

	if (!ring->held)
		return;
	wipe_handshakes(sn);
	memzero_explicit(ring->priv, sizeof(ring->priv));
	memzero_explicit(ring->old, sizeof(ring->old));
	ring->has_old = false;
	ring->held = false;
	ring->state = SEALBOND_STATE_TAMPERED;
	ring->result->state = SEALBOND_STATE_TAMPERED;
	ring->result->candidate = false;
	sb_event_key(sn);
}

u8 sb_keyring_state(const struct sb_net *sn)
{
	u8 state = sn->keyring->state;

	if (state != SEALBOND_STATE_KEYS_READY || !sb_alarmed())
		return state;
	return sb_alarms() & SB_ALARMS_STICKY ? SEALBOND_STATE_TAMPERED : SEALBOND_STATE_BYPASS;
}

const struct sb_seal_result *sb_keyring_result(const struct sb_net *sn)
{
	return sn->keyring->order ? NULL : sn->keyring->result;
}

bool sb_keyring_early(const struct sb_net *sn)
{
	return sn->keyring->held && sn->keyring->result->early;
}

bool sb_keyring_unstored(const struct sb_net *sn)
{
	return sn->keyring->unstored;
}

void sb_keyring_stored(struct sb_net *sn)
{
	sn->keyring->unstored = false;
}

static void forget_old(struct sb_net *sn)
{
	struct sb_keyring *ring = sn->keyring;
	struct sb_peer *peer;

	memzero_explicit(ring->old, sizeof(ring->old));
	ring->has_old = false;
	if (sn->hs)
		sb_hs_forget_old(sn->hs);
	list_for_each_entry(peer, &sn->peers, node)
		sb_hs_peer_forget_old(&peer->hs);
}

/* The public keys as the next one moves up; it was made and sealed before the cap. */
static void move_up(struct sb_keyring *ring)
{
	u8 (*pub)[SB_DIGEST_LEN] = ring->result->pub;

	memcpy(ring->old, ring->priv[SB_KEY_CURRENT], sizeof(ring->old));
	memcpy(ring->old_pub, pub[SB_KEY_CURRENT], sizeof(ring->old_pub));
	memcpy(ring->priv[SB_KEY_CURRENT], ring->priv[SB_KEY_NEXT], SB_DIGEST_LEN);
	memcpy(pub[SB_KEY_CURRENT], pub[SB_KEY_NEXT], SB_DIGEST_LEN);
	memzero_explicit(ring->priv[SB_KEY_NEXT], SB_DIGEST_LEN);
	memset(pub[SB_KEY_NEXT], 0, SB_DIGEST_LEN);
	ring->has_old = true;
	ring->rotated_ns = ktime_get_boottime_ns();
}

int sb_keyring_rotate(struct sb_net *sn, const char **text)
{
	struct sb_keyring *ring = sn->keyring;
	int err;

	if (!ring->held) {
		*text = "there are no bond keys yet";
		return -ENOKEY;
	}
	if (!memchr_inv(ring->result->pub[SB_KEY_NEXT], 0, SB_DIGEST_LEN)) {
		*text = "there is no next key: the following boot makes one";
		return -ENOKEY;
	}
	if (ring->unstored) {
		*text = "the keys are not stored yet: KEY_STORED comes first";
		return -EAGAIN;
	}
	if (sn->hs) {
		err = sb_hs_rotate(sn->hs, ring->priv[SB_KEY_NEXT]);
		if (err)
			return err;
	}
	move_up(ring);
	sb_event_key(sn);
	return 0;
}

static u64 old_left(const struct sb_net *sn, u64 now)
{
	u64 end = sn->keyring->rotated_ns + (sn->limits.key_overlap_ns ?: SB_KEY_OVERLAP_NS);

	return end > now ? end - now : 0;
}

void sb_keyring_sweep(struct sb_net *sn, u64 now)
{
	if (!sn->keyring->has_old || old_left(sn, now))
		return;
	forget_old(sn);
	sb_event_key(sn);
}

const u8 *sb_keyring_old(const struct sb_net *sn, u64 *left_ns)
{
	if (!sn->keyring->has_old)
		return NULL;
	*left_ns = old_left(sn, ktime_get_boottime_ns());
	return sn->keyring->old_pub;
}

int sb_keyring_init(struct sb_net *sn)
{
	struct sb_keyring *ring = kzalloc(sizeof(*ring), GFP_KERNEL);

	if (!ring)
		return -ENOMEM;
	ring->sn = sn;
	ring->state = SEALBOND_STATE_NO_KEY;
	INIT_WORK(&ring->work, run);
	sn->keyring = ring;
	return 0;
}

void sb_keyring_exit(struct sb_net *sn)
{
	struct sb_keyring *ring = sn->keyring;

	cancel_work_sync(&ring->work);
	sb_key_order_free(ring->order);
	if (sn->hs)
		sb_hs_local_wipe(sn->hs);
	kfree_sensitive(sn->hs);
	sn->hs = NULL;
	kfree(ring->result);
	kfree_sensitive(ring);
	sn->keyring = NULL;
}

int sb_keyring_start(void)
{
	/* Frozen in suspend: a TPM that sleeps, too, is not asked. */
	tpm_wq = alloc_ordered_workqueue("sealbond-tpm", WQ_FREEZABLE);
	if (!tpm_wq)
		return -ENOMEM;
	sb_watch_tpm_init(tpm_wq);
	return 0;
}

void sb_keyring_stop(void)
{
	sb_watch_tpm_exit();
	destroy_workqueue(tpm_wq);
}
