# SPDX-License-Identifier: Apache-2.0
# The authenticated store; included by userspace/userspace.mk and tests/unit/tests.mk. A light client needs
# TREE_PROOF only.

TREE_PROOF := $(addprefix userspace/tree/,hash.c proof.c proof_wire.c)
TREE_PURE := $(TREE_PROOF) $(addprefix userspace/tree/,page.c batch.c tree.c find.c prove.c)
TREE_MEMORY := $(TREE_PURE) $(addprefix userspace/tree/,table.c memory.c)
TREE_STORE := $(TREE_PURE) userspace/tree/store.c userspace/tree/lmdb.c
TREE_LIBS := libcrypto lmdb
