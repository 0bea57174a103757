# SPDX-License-Identifier: Apache-2.0
# make bench: one boot on the instruction-counted clock, and the ledger's programs on this machine; a table and
# build/bench.json. make bench-ledger: the ledger's part alone, into build/bench-ledger.json.
# build/sbctl speaks the module's netlink for benches and tests.

SBCTL_SRC := $(addprefix tests/bench/,sbctl.c sbctl_local.c sbctl_peer.c sbctl_enforce.c sbctl_nl.c)

$(BUILD)/sbctl: $(SBCTL_SRC) tests/bench/sbctl.h tests/bench/sbctl_nl.h include/uapi/linux/sealbond.h
	@mkdir -p $(BUILD)
	$(CC) -std=gnu11 -O2 -g -Wall -Wextra -Iinclude/uapi $$(pkg-config --cflags libnl-genl-3.0) \
		-o $@ $(SBCTL_SRC) $$(pkg-config --libs libnl-genl-3.0)

.PHONY: bench
bench: setup
	+$(MAKE) all tools $(BUILD)/sbctl $(LEDGER_BENCH)
	tests/bench/bench.py

LEDGER_BENCH := $(addprefix $(BUILD)/,sealbond-ledgerd sealbond sealbond-people) \
	$(addprefix $(BUILD)/tests/,state_bench tree_bench light_bench ledger_load ledger_fill renew_bench) $(BUILD)/cometbft
.PHONY: bench-ledger
bench-ledger: $(LEDGER_BENCH)
	tests/bench/bench.py --part ledger --out $(BUILD)/bench-ledger.json

# build/tests/tree_bench N BATCH [DIR]: the ledger's store, with the compiler flags of the programs.
TREE_BENCH_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(TREE_STORE) userspace/tree/table.c userspace/tree/memory.c)

$(BUILD)/tests/tree_bench: tests/bench/tree_bench.c $(TREE_BENCH_OBJ)
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_INCLUDES) -o $@ $^ $$(pkg-config --libs $(TREE_LIBS))

-include $(TREE_BENCH_OBJ:.o=.d)

.PHONY: tree-bench
tree-bench: $(BUILD)/tests/tree_bench
	$< 1000000 1000

# build/tests/light_try: the light client by hand, in the sandbox of a role.
LIGHT_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(LIGHT_CLIENT) $(LIGHT_COMMON) $(TREE_PROOF))

$(BUILD)/tests/light_try: tests/tools/light_try.c $(LIGHT_OBJ) $(BUILD)/obj/userspace/common/sandbox.o
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_INCLUDES) $(USER_LDFLAGS) -o $@ $^ $$(pkg-config --libs $(LIGHT_LIBS) libseccomp)

-include $(LIGHT_OBJ:.o=.d)

# JSON, one object a line.
LIGHT_BENCH_OBJ := $(LIGHT_OBJ) $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out $(TREE_PROOF),$(TREE_MEMORY)))

$(BUILD)/tests/light_bench: tests/bench/light_bench.c tests/unit/ledger_server.c tests/unit/ledger_answers.c \
		tests/unit/ledger_server.h tests/unit/ledger_answers.h tests/unit/fake_ledger.h tests/unit/light_world.h \
		$(LIGHT_BENCH_OBJ)
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) -Wno-unused-parameter -Wno-format-nonliteral $(USER_INCLUDES) -Itests/unit -o $@ $(filter-out %.h,$^) -lcmocka \
		-pthread $$(pkg-config --libs $(LIGHT_LIBS))

.PHONY: light-bench
light-bench: $(BUILD)/tests/light_bench
	@$<

# JSON, one object a line.
STATE_BENCH_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(filter userspace/%,$(STATE_MACHINE))) \
	$(BUILD)/obj/gen/state/ledger.pb-c.o
$(filter $(BUILD)/obj/userspace/%,$(STATE_BENCH_OBJ)): | $(STATE_PB)

$(BUILD)/tests/state_bench: tests/bench/state_bench.c $(STATE_BENCH_OBJ)
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) -Wno-unused-parameter $(USER_INCLUDES) -Itests/unit -o $@ $^ -lcmocka \
		$$(pkg-config --libs $(STATE_LIBS))

.PHONY: state-bench
state-bench: $(BUILD)/tests/state_bench
	@$<

# Signed transactions for a ledger, made before they are sent.
LEDGER_LOAD_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(filter userspace/%,$(STATE_MACHINE) $(STATE_JSON)) \
	$(patsubst %,userspace/common/%.c,json parse format error)) $(BUILD)/obj/gen/state/ledger.pb-c.o

$(BUILD)/tests/ledger_load: tests/bench/ledger_load.c tests/bench/load_http.c tests/bench/load_http.h \
		tests/bench/load_world.h tests/unit/genesis_world.h $(LEDGER_LOAD_OBJ)
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) -Wno-unused-parameter $(USER_INCLUDES) -Itests/unit -o $@ $(filter-out %.h,$^) -lcmocka \
		-pthread $$(pkg-config --libs $(STATE_LIBS) json-c)

# A device's downloads: LIGHT_OBJ has the light client.
$(BUILD)/tests/renew_bench: tests/bench/renew_bench.c tests/bench/load_http.c tests/bench/load_http.h tests/bench/load_world.h \
		$(sort $(LEDGER_LOAD_OBJ) $(LIGHT_OBJ) $(BUILD)/obj/userspace/owner/authority.o \
		$(BUILD)/obj/userspace/common/grant.o)
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) -Wno-unused-parameter $(USER_INCLUDES) -Itests/unit -o $@ $(filter-out %.h,$^) -lcmocka \
		-pthread $$(pkg-config --libs $(STATE_LIBS) $(LIGHT_LIBS))

# The daemon's own parts, under a program that fills its state.
LEDGER_FILL_OBJ := $(filter-out $(patsubst %,$(BUILD)/obj/userspace/ledger/%.o,main home backup backup_make restore server ws_frame websocket) \
	$(patsubst %.c,$(BUILD)/obj/%.o,$(LEDGER_RPC)),$(LEDGERD_OBJ))

$(BUILD)/tests/ledger_fill: tests/bench/ledger_fill.c $(LEDGER_FILL_OBJ)
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) -Wno-unused-parameter $(USER_INCLUDES) -Itests/unit -o $@ $^ -lcmocka -pthread \
		$$(pkg-config --libs $(LEDGERD_LIBS))
