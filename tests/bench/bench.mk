# SPDX-License-Identifier: Apache-2.0
# make bench: one boot on the instruction-counted clock; a table and build/bench.json.
# build/sbctl speaks the module's netlink for benches and tests.

SBCTL_SRC := $(addprefix tests/bench/,sbctl.c sbctl_local.c sbctl_peer.c sbctl_enforce.c sbctl_nl.c)

$(BUILD)/sbctl: $(SBCTL_SRC) tests/bench/sbctl.h tests/bench/sbctl_nl.h include/uapi/linux/sealbond.h
	@mkdir -p $(BUILD)
	$(CC) -std=gnu11 -O2 -g -Wall -Wextra -Iinclude/uapi $$(pkg-config --cflags libnl-genl-3.0) \
		-o $@ $(SBCTL_SRC) $$(pkg-config --libs libnl-genl-3.0)

.PHONY: bench
bench: setup
	+$(MAKE) module user $(BUILD)/sbctl
	tests/bench/bench.py
