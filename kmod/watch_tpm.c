// SPDX-License-Identifier: GPL-2.0-only
/*
 * One for the machine, whoever holds keys. Everything runs on the TPM's ordered queue: no lock. A
 * slow TPM makes a look long and is no alarm; one that gives no answer at all for
 * SB_WATCH_TPM_GONE_S is, or root could unbind its driver and reset it unseen.
 */
#include "watch_tpm.h"

#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "seal.h"
#include "tpm_cmd.h"
#include "watch.h"
#include "watch_judge.h"

#include "sealbond/limits.h"

static void look(struct work_struct *work);

static struct workqueue_struct *queue;
static DECLARE_DELAYED_WORK(look_work, look);
static struct sb_tpm_seen right;	/* what was right after the holds */
static u32 adopt;		/* PCRs whose next reading is right */
static u32 policy;		/* PCRs of right.pcrs that no hold changes */
static bool watching, virtual_tpm;
static u64 answered_ns;		/* the last answer; this clock stands still in suspend */

static int read(struct sb_tpm *tpm, struct sb_tpm_seen *is)
{
	u32 restarts;
	int rc;

	rc = sb_tpm_hold(tpm);
	if (rc)
		return rc;
	rc = sb_tpm_read_clock(tpm, &is->reset_count, &restarts);
	if (!rc)
		rc = sb_tpm_pcr_read(tpm, right.pcrs | adopt, is->value, &is->pcrs);
	sb_tpm_release(tpm);
	return rc;
}

/* A virtual TPM in the place of a real one answers whatever root wants: that is no answer. */
static int ask(struct sb_tpm_seen *is)
{
	struct sb_tpm tpm = {};
	int rc;

	rc = sb_tpm_open(&tpm);
	if (rc)
		return rc;
	rc = sb_tpm_is_virtual(&tpm) && !virtual_tpm ? -ENODEV : read(&tpm, is);
	sb_tpm_close(&tpm);
	return rc;
}

/* Two readings agree on what they are: right from here on. */
static void take(const struct sb_tpm_seen *is, const struct sb_tpm_seen *again)
{
	u32 pcrs = adopt & sb_watch_agreed(is, again);
	unsigned int i;

	for (i = 0; i < SB_PCRS; i++)
		if (pcrs & BIT(i))
			memcpy(right.value[i], is->value[i], SB_DIGEST_LEN);
	right.pcrs |= pcrs;
	adopt &= ~pcrs;
}

/* Alarms that an answer is reason for. */
static u32 against(enum sb_watch_answer answer, const struct sb_tpm_seen *is, u32 *changed)
{
	*changed = 0;
	if (answer == SB_WATCH_GOOD)
		return sb_watch_drift(&right, is, changed);
	return answer == SB_WATCH_WAS_RESET ? SEALBOND_ALARM_RESET : 0;
}

static enum sb_watch_answer read_now(struct sb_tpm_seen *is)
{
	enum sb_watch_answer answer = sb_watch_answer(ask(is));

	if (answer != SB_WATCH_SILENT)
		answered_ns = ktime_get_ns();
	return answer;
}

/*
 * The answers are not authenticated, and an alarm lasts until the reboot: one that may have been
 * garbled on its way is asked for again before it counts. What really changed is still so then,
 * since resetCount and an extended PCR have no way back. Only a whole answer refutes the first.
 */
static void look_now(void)
{
	struct sb_tpm_seen *is = kcalloc(2, sizeof(*is), GFP_KERNEL);
	enum sb_watch_answer answer, again;
	u32 alarms, changed;

	if (!is)
		return;		/* the next look has memory, perhaps */
	answer = read_now(&is[0]);
	alarms = against(answer, &is[0], &changed);
	if (alarms || (answer == SB_WATCH_GOOD && adopt)) {
		again = read_now(&is[1]);
		if (answer == SB_WATCH_GOOD && again == SB_WATCH_GOOD)
			take(&is[0], &is[1]);
		if (alarms && again == SB_WATCH_GOOD)
			alarms = against(again, &is[1], &changed);
	}
	if (ktime_get_ns() - answered_ns >= SB_WATCH_TPM_GONE_S * SB_NS_PER_S)
		alarms |= SEALBOND_ALARM_RESET;
	if (alarms)
		sb_watch_tell(alarms, alarms, changed);
	kfree(is);
}

static void look(struct work_struct *work)
{
	look_now();
	queue_delayed_work(queue, &look_work, SB_WATCH_TPM_S * HZ);
}

void sb_watch_tpm_before(void)
{
	if (watching)
		look_now();
}

void sb_watch_tpm_after(const struct sb_seal_request *request, const struct sb_seal_result *result)
{
	u32 cap = BIT(request->cap_pcr), fresh = request->policy_pcrs & result->pcr_valid & ~policy;
	bool held = result->state == SEALBOND_STATE_KEYS_READY || result->candidate;
	bool extended = result->capped || request->has_config;
	unsigned int i;

	if (!held && !watching)
		return;
	/* Without keys it has changed the cap, and nothing else is ours to watch. */
	for (i = 0; held && i < SB_PCRS; i++)
		if (fresh & BIT(i))
			memcpy(right.value[i], result->pcr_value[i], SB_DIGEST_LEN);
	if (held) {
		right.pcrs |= fresh;
		policy |= fresh;
	}
	if (extended && (held || right.pcrs & cap)) {
		adopt |= cap;
		right.pcrs &= ~cap;
	}
	/* Proven by the TPM: it opened keys, or is in creation data. Else it was only read. */
	if (held && result->cap_valid && adopt & cap) {
		memcpy(right.value[request->cap_pcr], result->cap_value, SB_DIGEST_LEN);
		right.pcrs |= cap;
		adopt &= ~cap;
	}
	if (watching)
		return;
	right.reset_count = result->reset_count;
	virtual_tpm = result->virtual_tpm;
	answered_ns = ktime_get_ns();
	watching = true;
	queue_delayed_work(queue, &look_work, SB_WATCH_TPM_S * HZ);
}

void sb_watch_tpm_init(struct workqueue_struct *tpm_queue)
{
	queue = tpm_queue;
}

void sb_watch_tpm_exit(void)
{
	cancel_delayed_work_sync(&look_work);
}
