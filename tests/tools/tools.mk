# SPDX-License-Identifier: Apache-2.0
#
# Small programs that scenarios run inside guests: static, so that they need nothing there.
# The top Makefile includes this; it also works alone: make -f tests/tools/tools.mk tools

TOOL_DIR := build/tests
TOOL_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Wno-unused-parameter -static -Iinclude/uapi
TOOLS := udpnum rawsend nlfuzz notify xfrmroot xdptool vtpm memfind nldump waysend wayhear wayroot waybpf liar keptclock \
	sockpolicy fifo

# $(1): program
define tool_rule
$(TOOL_DIR)/$(1): tests/tools/$(1).c tests/tools/tools.mk
	@mkdir -p $$(@D)
	$$(CC) $$(TOOL_CFLAGS) -MMD -MP -MF $$@.d -o $$@ $$<
endef
$(foreach t,$(TOOLS),$(eval $(call tool_rule,$(t))))

# Runs on the host, not in a guest: the module's handshake engine, as the unit tests build it.
FAKEPEER_SRC := tests/tools/fakepeer.c $(patsubst %,kmod/%.c,handshake handshake_setup noise message cookie kdf) \
	tests/shim/crypto.c
$(TOOL_DIR)/fakepeer: $(FAKEPEER_SRC) tests/tools/tools.mk
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g -Wall -Wextra -Wno-unused-parameter -Iinclude -Ikmod -MMD -MP -MF $@.d -o $@ \
		$(FAKEPEER_SRC) -lcrypto

-include $(TOOLS:%=$(TOOL_DIR)/%.d) $(TOOL_DIR)/fakepeer.d

.PHONY: tools
tools: $(TOOLS:%=$(TOOL_DIR)/%) $(TOOL_DIR)/fakepeer
