# SPDX-License-Identifier: Apache-2.0
# Tests of the ledger as a program: build/tests/ledgerd_kv is the daemon with a small application.

KV_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(LEDGER_SERVER) $(TREE_STORE)))

$(BUILD)/tests/ledgerd_kv: tests/cluster/kv_app.c $(KV_OBJ)
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_INCLUDES) $(USER_LDFLAGS) -o $@ $^ -pthread $$(pkg-config --libs $(LEDGER_LIBS))

-include $(KV_OBJ:.o=.d)
