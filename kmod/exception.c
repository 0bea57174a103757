// SPDX-License-Identifier: GPL-2.0-only
#include "exception.h"

#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "lock.h"
#include "namespace.h"
#include "sealbond/limits.h"

struct exception {
	struct sb_exception_spec spec;
	spinlock_t lock;	/* everything below; excused packets are few */
	struct sb_budget budget;
	u64 passed, passed_bytes, over;
};

struct sb_exceptions {
	struct rcu_head rcu;
	unsigned int n;
	struct exception list[];
};

static bool charge(struct exception *e, u32 len)
{
	unsigned long flags;
	bool within;

	spin_lock_irqsave(&e->lock, flags);
	within = sb_budget_take(&e->budget, &e->spec, ktime_get_coarse_boottime_ns(), len);
	if (within) {
		e->passed++;
		e->passed_bytes += len;
	} else {
		e->over++;
	}
	spin_unlock_irqrestore(&e->lock, flags);
	return within;
}

enum sb_excuse sb_exceptions_ask(struct sb_net *sn, const struct sb_flow *flow, u32 len,
				 bool pay)
{
	struct sb_exceptions *all = rcu_dereference(sn->exceptions);
	enum sb_excuse excuse = SB_EXCUSE_NONE;
	unsigned int i;

	if (!all)
		return excuse;
	for (i = 0; i < all->n; i++) {
		if (!sb_exception_match(&all->list[i].spec, flow)) {
			if (excuse == SB_EXCUSE_NONE &&
			    sb_exception_is_ledgers(&all->list[i].spec, flow))
				excuse = SB_EXCUSE_LEDGER;
			continue;
		}
		if (!pay || charge(&all->list[i], len))
			return SB_EXCUSE_PASSES;
		excuse = SB_EXCUSE_SPENT;
	}
	return excuse;
}

static int check(const struct sb_exception_spec *specs, unsigned int n, const char **text)
{
	unsigned int i, j;

	if (n > SB_EXC_MAX) {
		*text = "more than 64 exceptions";
		return -E2BIG;
	}
	for (i = 0; i < n; i++) {
		const char *wrong = sb_exception_check(&specs[i]);

		if (wrong) {
			*text = wrong;
			return -EINVAL;
		}
		for (j = 0; j < i; j++) {
			if (!strcmp(specs[i].name, specs[j].name)) {
				*text = "two exceptions have one name";
				return -EEXIST;
			}
		}
	}
	return 0;
}

static struct sb_exceptions *make(const struct sb_exception_spec *specs, unsigned int n)
{
	struct sb_exceptions *all = kzalloc(struct_size(all, list, n), GFP_KERNEL);
	unsigned int i;

	if (!all)
		return NULL;
	all->n = n;
	for (i = 0; i < n; i++) {
		struct exception *e = &all->list[i];

		e->spec = specs[i];
		e->spec.dir = e->spec.dir ?: SEALBOND_X_DIR_IN | SEALBOND_X_DIR_OUT;
		e->spec.rate = e->spec.rate ?: SB_EXC_RATE;
		e->spec.bytes = e->spec.bytes ?: SB_EXC_BYTES;
		spin_lock_init(&e->lock);
	}
	return all;
}

/* What they are, not what has passed. */
static bool same(const struct sb_exceptions *a, const struct sb_exceptions *b)
{
	unsigned int i;

	if (!a || !b)
		return a == b;
	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (!sb_exception_same(&a->list[i].spec, &b->list[i].spec))
			return false;
	return true;
}

int sb_exceptions_set(struct sb_net *sn, const struct sb_exception_spec *specs, unsigned int n,
		      const char **text)
{
	struct sb_exceptions *old, *all = NULL;
	int err;

	err = check(specs, n, text);
	if (err)
		return err;
	if (n) {
		all = make(specs, n);
		if (!all)
			return -ENOMEM;
	}
	old = rcu_dereference_protected(sn->exceptions, lockdep_is_held(&sn->lock));
	if (!sb_lock_hold()) {
		rcu_assign_pointer(sn->exceptions, all);
		sb_lock_release();
		if (old)
			kfree_rcu(old, rcu);
		return 0;
	}
	sb_lock_release();
	if (!same(old, all)) {
		*text = SB_LOCKED_TEXT "the exceptions stay";
		err = -EPERM;
	}
	kfree(all);
	return err;
}

void sb_exceptions_free(struct sb_net *sn)
{
	struct sb_exceptions *old = rcu_replace_pointer(sn->exceptions, NULL, true);

	if (old)
		kfree_rcu(old, rcu);
}

int sb_exceptions_get(struct sb_net *sn, unsigned int index, struct sb_exception_report *report)
{
	struct sb_exceptions *all;
	unsigned long flags;
	int err = -ENOENT;

	rcu_read_lock();
	all = rcu_dereference(sn->exceptions);
	if (all && index < all->n) {
		struct exception *e = &all->list[index];

		report->spec = e->spec;
		spin_lock_irqsave(&e->lock, flags);
		report->passed = e->passed;
		report->passed_bytes = e->passed_bytes;
		report->over = e->over;
		spin_unlock_irqrestore(&e->lock, flags);
		err = 0;
	}
	rcu_read_unlock();
	return err;
}
