# SPDX-License-Identifier: Apache-2.0
# make            build the module, the helper and the tools into build/
# make demo       the main job, end to end, in QEMU guests, each with its own TPM; then the ledger's story
# make check      all tests; check-unit alone needs no root and takes seconds
# make check-chain  the ledger's daemon under its clients; part of check
# make check-mutants  which check of attestation or of the light client no unit test would miss
# make check-cluster  four validators of CometBFT over the ledger; a few minutes, as root
# make check-long scenarios that take too long for every check: power cuts, TPM faults, secrets
# make check-kernels  on the kernels of Debian 13 and its backports; SCENARIOS= names what runs
# make check-initramfs  what initramfs-tools and dracut make of early boot's hooks
# make bench      ratios to WireGuard and to bare IPsec, on an instruction-counted clock
# make fuzz       every fuzz target for FUZZ_SECONDS
# make lint       sparse, shellcheck, clang-tidy and the project's own rules
# make install    the helper and the command line, and the module by DKMS
# demo and check begin with scripts/setup.sh, which installs what is missing.

BUILD := build
PREFIX ?= /usr
DESTDIR ?=
CC ?= cc
VERSION := $(shell sed -n 's/^\#define SB_VERSION "\(.*\)"$$/\1/p' kmod/version.h)

# The kernel to build for: the one that the test guests boot, else the running one.
KVER ?= $(shell cat $(BUILD)/kernel/version 2>/dev/null || uname -r)
KDIR ?= /lib/modules/$(KVER)/build

.DELETE_ON_ERROR:
.PHONY: all module user setup clean \
	check check-unit check-tpm check-vectors check-fuzz check-config check-dkms check-qemu check-long check-kernels \
	demo run-demo bench fuzz lint install install-user install-module

all: module user

# The kernel builds beside the sources; its files go to build/module, the tree stays clean.
# WERROR=1, as in CI: a warning is an error. Users meet other compilers.
module:
	@[ -e $(KDIR)/Makefile ] || { \
		echo "no headers of kernel $(KVER) in $(KDIR): make setup, or name them by KDIR=" >&2; exit 1; }
	@mkdir -p $(BUILD)/module
	@scripts/stage-module.sh $(BUILD)/module
	+$(MAKE) -C $(KDIR) M=$(abspath $(BUILD)/module) $(if $(WERROR),KCFLAGS=-Werror) modules
	@cmp -s $(BUILD)/module/sealbond.ko $(BUILD)/sealbond.ko || \
		cp $(BUILD)/module/sealbond.ko $(BUILD)/sealbond.ko

setup:
	scripts/setup.sh

include userspace/userspace.mk
include tests/unit/unit.mk
include tests/mutants/mutants.mk
include tests/bench/bench.mk
include tests/tools/tools.mk
include tests/cluster/cluster.mk

ifdef WERROR
USER_CFLAGS += -Werror
UNIT_CFLAGS += -Werror
endif

# Each part says "N passed, N failed"; check.sh goes through all of them and adds up.
check:
	@scripts/setup.sh
	+@MAKE="$(MAKE)" scripts/check.sh check-unit check-tpm check-vectors check-fuzz check-config check-dkms \
		check-chain check-device check-qemu $(CHECK_ALSO)

demo:
	@scripts/setup.sh
	+@MAKE="$(MAKE)" scripts/check.sh run-demo

# Ours, and public ones where somebody has put them: VECTORS is a directory with noise/,
# light/, tpm/ and smt/.
VECTORS ?= $(wildcard ../shared/vectors)
check-vectors: $(UNIT_DIR)/noise_vectors $(UNIT_DIR)/light_vectors $(UNIT_DIR)/tpm_vectors \
		$(UNIT_DIR)/rpc_vectors $(UNIT_DIR)/smt_vectors $(UNIT_DIR)/block_vectors
	@for file in tests/vectors/noise.json $(wildcard $(VECTORS)/noise/*.json); do \
		$< "$$file" || exit 1; done
	@for directory in tests/vectors/light $(wildcard $(VECTORS)/light); do \
		$(UNIT_DIR)/light_vectors "$$directory" || exit 1; done
	@for directory in $(wildcard $(VECTORS)/tpm); do \
		$(UNIT_DIR)/tpm_vectors "$$directory" || exit 1; done
	@for directory in $(wildcard $(VECTORS)/rpc); do \
		$(UNIT_DIR)/rpc_vectors "$$directory" || exit 1; done
	@for directory in tests/vectors/blocks $(wildcard $(VECTORS)/rpc); do \
		$(UNIT_DIR)/block_vectors "$$directory" || exit 1; done
	@for directory in tests/vectors/smt $(wildcard $(VECTORS)/smt); do \
		$(UNIT_DIR)/smt_vectors "$$directory" || exit 1; done

# A few seconds and always the same inputs; `make fuzz` looks for new ones.
check-fuzz:
	@FUZZ_RUNS=5000 scripts/fuzz.sh

check-config:
	@scripts/check-config-test.sh $(KDIR)/.config

check-dkms:
	@scripts/dkms-test.sh $(KVER) $(KDIR)

# Not in check: it makes a small system to make initramfs in.
.PHONY: check-initramfs
check-initramfs: user module
	@scripts/initramfs-test.sh $(KVER) $(BUILD)/kernel/lib/modules/$(KVER) $(BUILD)/sealbond.ko

# Small programs for the guests; sbctl speaks to the module where a test must do without the helper.
check-qemu: all tools $(BUILD)/sbctl
	@tests/qemu/run.py --jobs 0

# Not in check, for its time: power cuts, damaged TPM answers, the search for secrets.
check-long: all tools $(BUILD)/sbctl
	@tests/qemu/run.py --long --jobs 0
	+@$(MAKE) --no-print-directory check-chain KILLS=100

# Not in check: it fetches two kernels and a compiler, and builds and boots everything twice.
check-kernels: setup
	+@$(MAKE) --no-print-directory user tools $(BUILD)/sbctl
	@tests/qemu/kernels.sh

run-demo: all tools $(BUILD)/sbctl
	@tests/qemu/run.py --demo

fuzz:
	@scripts/fuzz.sh

# What a list of these files has in it, for scripts that build by other means.
print-%:
	@echo $($*)

lint: $(STATE_PB) $(OWNER_PB) $(ABCI_PB)
	@KDIR=$(KDIR) scripts/lint.sh

install: install-user install-module

# With DESTDIR the sources only: DKMS then works on the machine that they are unpacked on.
install-module:
	scripts/dkms-install.sh "$(DESTDIR)"

clean:
	rm -rf $(BUILD)
