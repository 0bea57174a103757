# SPDX-License-Identifier: Apache-2.0
#
# Small programs that scenarios run inside guests: static, so that they need nothing there.
# The top Makefile includes this; it also works alone: make -f tests/tools/tools.mk tools

TOOL_DIR := build/tests
TOOL_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Wno-unused-parameter -static -Iinclude/uapi
TOOLS := udpnum rawsend nlfuzz notify xfrmroot xdptool

# $(1): program
define tool_rule
$(TOOL_DIR)/$(1): tests/tools/$(1).c tests/tools/tools.mk
	@mkdir -p $$(@D)
	$$(CC) $$(TOOL_CFLAGS) -MMD -MP -MF $$@.d -o $$@ $$<
endef
$(foreach t,$(TOOLS),$(eval $(call tool_rule,$(t))))

-include $(TOOLS:%=$(TOOL_DIR)/%.d)

.PHONY: tools
tools: $(TOOLS:%=$(TOOL_DIR)/%)
