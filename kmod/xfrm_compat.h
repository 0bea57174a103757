/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs between kernels in the making of SAs; the tests are in Kbuild. */
#ifndef SB_XFRM_COMPAT_H
#define SB_XFRM_COMPAT_H

#include <net/xfrm.h>

static inline void sb_compat_set_dir(struct xfrm_state *x, bool out)
{
#ifdef SB_HAVE_SA_DIR
	x->dir = out ? XFRM_SA_DIR_OUT : XFRM_SA_DIR_IN;
#endif
}

/* Where an SA has a direction, an outbound one must not have a window. */
static inline u32 sb_compat_window(u32 window, bool out)
{
#ifdef SB_HAVE_SA_DIR
	return out ? 0 : window;
#else
	return window;
#endif
}

static inline int sb_compat_init_state(struct xfrm_state *x)
{
#ifdef SB_HAVE_INIT_STATE_EXTACK
	return xfrm_init_state(x, NULL);
#else
	return xfrm_init_state(x);
#endif
}

#endif
