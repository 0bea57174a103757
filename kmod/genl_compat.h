/* SPDX-License-Identifier: GPL-2.0-only */
/* pre_doit's first argument: both kinds have internal_flags; the test is in Kbuild. */
#ifndef SB_GENL_COMPAT_H
#define SB_GENL_COMPAT_H

#ifdef SB_HAVE_GENL_SPLIT_OPS
#define SB_GENL_DOIT_OPS const struct genl_split_ops
#else
#define SB_GENL_DOIT_OPS const struct genl_ops
#endif

#endif
