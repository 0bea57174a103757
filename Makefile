# SPDX-License-Identifier: Apache-2.0
# make          build the module, the helper and the tools into build/
# make demo     the main job, end to end, in QEMU guests with swtpm
# make check    all tests; make check-unit needs no root and takes seconds
# See README.md and CONTRIBUTING.md.

BUILD := build
KVER ?= $(shell ls -1 /lib/modules 2>/dev/null | sort -V | tail -n 1)
KDIR ?= /lib/modules/$(KVER)/build
PREFIX ?= /usr
DESTDIR ?=
CC ?= cc

.PHONY: all module user clean setup check check-unit check-qemu check-dkms demo bench fuzz lint \
	install install-module

all: module user

# The kernel builds beside the sources; its files go to build/module, the tree stays clean.
module:
	@mkdir -p $(BUILD)/module
	@scripts/stage-module.sh $(BUILD)/module
	+$(MAKE) -C $(KDIR) M=$(abspath $(BUILD)/module) modules
	@cp $(BUILD)/module/sealbond.ko $(BUILD)/sealbond.ko

setup:
	scripts/setup.sh

include userspace/userspace.mk
include tests/unit/unit.mk

clean:
	rm -rf $(BUILD)
