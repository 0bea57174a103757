# SPDX-License-Identifier: Apache-2.0
# The embedded chain and its daemon; included by userspace/userspace.mk and tests/unit/tests.mk. The order is a
# transaction's: from the socket to the block and to those who wait for it.

include userspace/abci/abci.mk

LEDGER_LIGHT := $(addprefix userspace/light/,block.c merkle.c wire.c json.c json_get.c json_write.c)
LEDGER_COMMON := $(patsubst %,userspace/common/%.c,sha256 calendar parse format error file json)
LEDGER_CHAIN := $(patsubst %,userspace/ledger/%.c,mempool produce chain chain_block chain_open chain_resume block block_read \
	proto blocks blocks_prune signer genesis app) userspace/tree/lmdb.c $(LEDGER_LIGHT) $(LEDGER_COMMON)
LEDGER_RPC := $(patsubst %,userspace/ledger/%.c,rpc rpc_params rpc_json rpc_txs rpc_blocks rpc_info waits events)
LEDGER_SERVER := $(patsubst %,userspace/ledger/%.c,main home backup backup_make restore listen server ws_frame websocket) \
	$(LEDGER_RPC) $(LEDGER_CHAIN) $(patsubst %,userspace/common/%.c,log notify sandbox sha256_openssl) \
	userspace/light/query.c userspace/light/bytes.c $(ABCI_SERVER)
LEDGER_LIBS := libmicrohttpd json-c libsodium libcrypto lmdb libseccomp libprotobuf-c

# An application's proofs, for ours and for the small one of the tests.
LEDGER_PROVE := userspace/ledger/app_prove.c userspace/light/query.c

# The application: the state machine over its store. Its libraries are beside the daemon's.
LEDGER_APP := $(patsubst %,userspace/ledger/%.c,ledger_app app_check app_records app_query app_grant grant_terms \
	app_checkpoint app_recovery app_validators app_copy app_export checkpoints workers) $(LEDGER_PROVE) \
	userspace/light/checkpoint.c userspace/light/bytes.c \
	$(patsubst %,userspace/common/%.c,p256_key p256 grant) $(STATE_MACHINE) $(STATE_JSON) \
	$(TREE_STORE)
LEDGERD_SRC := $(sort $(LEDGER_SERVER) $(LEDGER_APP))
LEDGERD_LIBS := $(LEDGER_LIBS) libsecp256k1
LEDGERD_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(filter userspace/%,$(LEDGERD_SRC))) \
	$(BUILD)/obj/gen/state/ledger.pb-c.o $(BUILD)/obj/gen/abci/abci.pb-c.o
