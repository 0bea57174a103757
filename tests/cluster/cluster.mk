# SPDX-License-Identifier: Apache-2.0
# Tests of the ledger as a program: build/tests/ledgerd_kv is the daemon with a small application.

KV_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(LEDGER_SERVER) $(LEDGER_PROVE) $(TREE_STORE))) \
	$(BUILD)/obj/gen/abci/abci.pb-c.o

$(BUILD)/tests/ledgerd_kv: tests/cluster/kv_app.c $(KV_OBJ)
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_INCLUDES) $(USER_LDFLAGS) -o $@ $^ -pthread $$(pkg-config --libs $(LEDGER_LIBS))

-include $(KV_OBJ:.o=.d)

# The light client of the devices.
LIGHT_LINES_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(LIGHT_CLIENT) $(LIGHT_COMMON) $(TREE_PROOF)))

$(BUILD)/tests/light_lines: tests/cluster/light_lines.c $(LIGHT_LINES_OBJ)
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_INCLUDES) $(USER_LDFLAGS) -o $@ $^ $$(pkg-config --libs $(LIGHT_LIBS))

-include $(LIGHT_LINES_OBJ:.o=.d)

# Validators that lie.
$(BUILD)/tests/forge: tests/cluster/forge.c $(LIGHT_LINES_OBJ)
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_INCLUDES) $(USER_LDFLAGS) -o $@ $^ $$(pkg-config --libs $(LIGHT_LIBS))

# A clock that is years ahead.
$(BUILD)/tests/shift_clock.so: tests/cluster/shift_clock.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(filter-out -D_FORTIFY_SOURCE=2,$(USER_CFLAGS)) -fPIC -shared -o $@ $<

# Nobody here wrote it: the client that has to accept the chain.
$(BUILD)/cometbft: tests/cluster/cometbft/go.mod tests/cluster/cometbft/go.sum
	@scripts/setup.sh cometbft
	@touch $@

# What a ledger's clients see, on loopback; with KILLS=100 the crash test takes a minute.
KILLS ?= 20
.PHONY: check-chain
check-chain: $(BUILD)/tests/ledgerd_kv $(BUILD)/tests/light_lines $(BUILD)/cometbft $(BUILD)/sealbond \
		$(BUILD)/tests/shift_clock.so \
		$(BUILD)/sealbond-people $(BUILD)/sealbond-ledgerd
	@tests/cluster/run.py --kills $(KILLS)

# A device without its kernel module: tests/cluster/test_device.py.
DEVICEHOST_SRC := tests/cluster/devicehost.c userspace/device/tpm_answers.c \
	$(patsubst %,userspace/tpm/%.c,tpm rc primary nv ek ak iak certificates quote activate) \
	$(patsubst %,userspace/common/%.c,sha256 error frame states grant format)
$(BUILD)/tests/devicehost: $(DEVICEHOST_SRC) tests/unit/swtpm_world.h userspace/device/message.h \
		userspace/device/tpm_answers.h include/sealbond/grant.h
	@mkdir -p $(@D)
	$(CC) $(filter-out -D_FORTIFY_SOURCE=2,$(USER_CFLAGS)) $(USER_INCLUDES) -Itests/unit -o $@ $(DEVICEHOST_SRC) \
		$$(pkg-config --libs tss2-esys tss2-mu tss2-rc tss2-tcti-device) -lcmocka

.PHONY: check-device
check-device: user $(BUILD)/sealbond-ledgerd $(BUILD)/tests/devicehost
	@tests/cluster/run.py device models conduit replace

# Four validators of CometBFT in network namespaces, each test in one of its own. Not in check, for its time.
.PHONY: check-cluster run-cluster
check-cluster:
	@scripts/setup.sh
	+@MAKE="$(MAKE)" scripts/check.sh run-cluster

run-cluster: user $(BUILD)/sealbond-ledgerd $(BUILD)/tests/light_lines $(BUILD)/tests/forge $(BUILD)/tests/devicehost \
		$(BUILD)/cometbft
	@mkdir -p $(BUILD)/tests
	@tests/cluster/apart.sh --kills 50 cluster succession liars near
