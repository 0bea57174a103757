# SPDX-License-Identifier: Apache-2.0
#
# make check-mutants: whether a unit test fails when one of the checks is taken away. The checks of the files below
# are made to be switched off one at a time (mutate.py), and the tests are linked with what comes of that in the
# place of the files themselves.

MUTANT_DIR := build/mutants
MUTANT_FILES := $(patsubst %,userspace/state/%.c,quote tpm_public certify endorse cert chain attest enrolment der heartbeat boot reference) \
	kmod/grant.c
MUTANT_TESTS := quote cert_odd cert heartbeat attest enrol enrol_cleared enroller endorse owners boot devices govern grant
# The light client's rules, and what it reads.
MUTANT_FILES += $(patsubst %,userspace/light/%.c,verify sync block merkle checkpoint query trust_file ed25519 edwards) \
	$(patsubst %,userspace/tree/%.c,proof proof_wire)
MUTANT_TESTS += light light_rules light_sync light_bytes light_formats ed25519 proof checkpoints

$(MUTANT_DIR)/list: tests/mutants/mutate.py $(MUTANT_FILES)
	@mkdir -p $(@D)
	tests/mutants/mutate.py $(@D) $(MUTANT_FILES)
$(MUTANT_FILES:%=$(MUTANT_DIR)/%): $(MUTANT_DIR)/list ;

# $(1): file, $(2): the flags' directory, $(3): flags, $(4): object
define mutant_object
ifndef mutant_made_$(4)
mutant_made_$(4) := 1
$(4): $(MUTANT_DIR)/$(1) tests/unit/unit.mk $(if $(findstring build/gen,$(3)),| $(STATE_PB))
	@mkdir -p $$(@D)
	$$(UNIT_CC) $$(UNIT_CFLAGS) $(3) -MMD -MP -c -o $$@ $$<
endif
endef

# $(1): test, $(2): the flags' directory, $(3): the files that it has of those
define mutant_rule
$(foreach file,$(3),$(eval $(call mutant_object,$(file),$(2),$($(1)_CFLAGS),$(MUTANT_DIR)/obj/$(2)/$(file:.c=.o))))
$(MUTANT_DIR)/$(1): $(filter-out $(3:%.c=$(UNIT_DIR)/obj/$(2)/%.o),$($(1)_OBJ)) \
		$(3:%.c=$(MUTANT_DIR)/obj/$(2)/%.o) tests/mutants/mutant.c
	@mkdir -p $$(@D)
	$$(UNIT_CC) $$(UNIT_CFLAGS) -o $$@ $$^ $$(UNIT_LIBS) $$($(1)_LIBS)
endef
$(foreach t,$(MUTANT_TESTS),$(eval $(call mutant_rule,$(t),$(call unit_tag,$($(t)_CFLAGS)),$(filter $($(t)_SRC),$(MUTANT_FILES)))))

-include $(wildcard $(MUTANT_DIR)/obj/*/*/*.d $(MUTANT_DIR)/obj/*/*/*/*.d)

# Not in check, for its time: every check costs a run of the tests that come by it. FILES= names what is looked at.
.PHONY: check-mutants
check-mutants: $(MUTANT_TESTS:%=$(MUTANT_DIR)/%)
	@tests/mutants/run.py $(MUTANT_DIR)/list tests/mutants/alike $^ $(if $(FILES),--files $(FILES))
