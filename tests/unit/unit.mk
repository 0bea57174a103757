# SPDX-License-Identifier: Apache-2.0
#
# Userspace tests of the module's pure files, each a program of its own under
# the sanitizers. The top Makefile includes this; it also works alone:
#   make -f tests/unit/unit.mk check-unit
#
# A test is two lines in tests/unit/tests.mk:
#   UNIT += NAME
#   NAME_SRC := tests/unit/test_NAME.c kmod/FILE.c tests/shim/crypto.c
# and, when it needs them, NAME_CFLAGS and NAME_LIBS.

UNIT_DIR := build/tests
UNIT_CC ?= $(CC)
UNIT_CFLAGS := -std=gnu11 -g -O1 -Wall -Wextra -Wno-unused-parameter \
	-fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all -Iinclude -Ikmod -Itests/unit
UNIT_LIBS := -lcmocka -lcrypto

UNIT :=
UNIT_LIVE :=
include tests/unit/tests.mk
include tests/unit/device.mk

unit_programs := $(UNIT:%=$(UNIT_DIR)/%)

# A source is compiled once for each set of flags, however many tests have it.
# $(1): source, $(2): the flags' directory, $(3): flags, $(4): object
define unit_object
ifndef unit_made_$(4)
unit_made_$(4) := 1
$(4): $(1) tests/unit/tests.mk tests/unit/unit.mk $(if $(findstring build/gen,$(3)),| $(STATE_PB) $(OWNER_PB) $(ABCI_PB))
	@mkdir -p $$(@D)
	$$(UNIT_CC) $$(UNIT_CFLAGS) $(3) -MMD -MP -c -o $$@ $$<
endif
endef

unit_tag = $(or $(subst /,-,$(subst $(unit_space),,$(1))),plain)
unit_space := $(unit_empty) $(unit_empty)

# $(1): test, $(2): the flags' directory
define unit_rule
$(1)_OBJ := $(patsubst %.c,$(UNIT_DIR)/obj/$(2)/%.o,$(filter %.c,$($(1)_SRC)))
$(foreach source,$(filter %.c,$($(1)_SRC)),$(eval $(call unit_object,$(source),$(2),$($(1)_CFLAGS),$(source:%.c=$(UNIT_DIR)/obj/$(2)/%.o))))
$(UNIT_DIR)/$(1): $$($(1)_OBJ)
	@mkdir -p $$(@D)
	$$(UNIT_CC) $$(UNIT_CFLAGS) -o $$@ $$(filter %.o,$$^) $$(UNIT_LIBS) $$($(1)_LIBS)
endef
$(foreach t,$(UNIT) $(UNIT_LIVE),$(eval $(call unit_rule,$(t),$(call unit_tag,$($(t)_CFLAGS)))))

-include $(wildcard $(UNIT_DIR)/obj/*/*/*.d $(UNIT_DIR)/obj/*/*/*/*.d $(UNIT_DIR)/obj/*/*/*/*/*.d)
-include $(wildcard $(UNIT_DIR)/*.d)

# The public format's reader, kept apart: it takes its file as an argument.
$(UNIT_DIR)/noise_vectors: tests/vectors/noise_vectors.c kmod/noise.c \
		tests/shim/crypto.c tests/unit/unit.mk
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) -MMD -MP -MF $@.d -o $@ $(filter %.c,$^) \
		-lcrypto -ljson-c

$(UNIT_DIR)/light_vectors: tests/vectors/light_vectors.c $(LIGHT) tests/unit/unit.mk
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) $(USER_TEST_CFLAGS) -MMD -MP -MF $@.d -o $@ $(filter %.c,$^) \
		-ljson-c -lsodium

$(UNIT_DIR)/rpc_vectors: tests/vectors/rpc_vectors.c $(LIGHT) tests/unit/unit.mk
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) $(USER_TEST_CFLAGS) -MMD -MP -MF $@.d -o $@ $(filter %.c,$^) \
		-ljson-c -lsodium

$(UNIT_DIR)/tpm_vectors: tests/vectors/tpm_vectors.c $(STATE) tests/unit/unit.mk
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) $(USER_TEST_CFLAGS) -MMD -MP -MF $@.d -o $@ $(filter %.c,$^) -lcrypto

$(UNIT_DIR)/smt_vectors: tests/vectors/smt_vectors.c $(TREE_MEMORY) tests/unit/unit.mk
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) $(USER_TEST_CFLAGS) -MMD -MP -MF $@.d -o $@ $(filter %.c,$^) \
		-lcrypto -ljson-c

# Whether the unit tests of one run have met every code of the ledger's transactions.
$(UNIT_DIR)/codes_seen: tests/unit/codes_seen.c userspace/state/codes.c $(STATE) tests/unit/unit.mk
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) $(USER_TEST_CFLAGS) -MMD -MP -MF $@.d -o $@ $(filter %.c,$^) -lcrypto

# Against a software TPM: needs swtpm and tpm2-tools.
.PHONY: check-tpm
check-tpm: $(UNIT_LIVE:%=$(UNIT_DIR)/%)
	@tests/unit/run.sh $^

$(UNIT_DIR)/block_vectors: tests/vectors/block_vectors.c userspace/ledger/rpc_json.c $(LEDGER_CHAIN) \
		tests/unit/unit.mk
	@mkdir -p $(@D)
	$(UNIT_CC) $(UNIT_CFLAGS) $(USER_TEST_CFLAGS) -MMD -MP -MF $@.d -o $@ $(filter %.c,$^) \
		-lcrypto -ljson-c -lsodium -llmdb

.PHONY: check-unit
check-unit: $(unit_programs) $(UNIT_DIR)/noise_vectors $(UNIT_DIR)/light_vectors $(UNIT_DIR)/smt_vectors \
		$(UNIT_DIR)/block_vectors $(UNIT_DIR)/codes_seen
	@rm -f $(UNIT_DIR)/codes.list
	@SB_CODES_SEEN=$(UNIT_DIR)/codes.list tests/unit/run.sh $(unit_programs)
	@$(UNIT_DIR)/codes_seen $(UNIT_DIR)/codes.list
	@$(UNIT_DIR)/noise_vectors tests/vectors/noise.json
	@$(UNIT_DIR)/light_vectors tests/vectors/light
	@$(UNIT_DIR)/smt_vectors tests/vectors/smt
	@$(UNIT_DIR)/block_vectors tests/vectors/blocks
