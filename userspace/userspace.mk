# SPDX-License-Identifier: Apache-2.0
# The helper and the tools; included by the top Makefile.
#   make user           build/sealbondd, build/sealbondd-tpm, build/sealbond
#   make install-user   DESTDIR and PREFIX aware

USER_CFLAGS := -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Wformat=2 -Wno-missing-field-initializers \
	-fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE -ffunction-sections -fdata-sections
USER_LDFLAGS := -pie -Wl,-z,relro,-z,now -Wl,--gc-sections -Wl,--as-needed
USER_INCLUDES := -Iuserspace -I$(BUILD)/gen -Iinclude -Iinclude/uapi

SBINDIR ?= $(PREFIX)/sbin
BINDIR ?= $(PREFIX)/bin
LIBEXECDIR ?= $(PREFIX)/libexec/sealbond
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
KERNELINSTALLDIR ?= $(PREFIX)/lib/kernel/install.d
DOCDIR ?= $(PREFIX)/share/doc/sealbond
INITRAMFSDIR ?= $(PREFIX)/share/initramfs-tools
DRACUTDIR ?= $(PREFIX)/lib/dracut/modules.d/90sealbond

USER_PARSE := sha256 parse format error
USER_CONFIG := $(USER_PARSE) ini field file config config_ledger exception peers p256 states approval grant rules blob \
	security security_keys

SEALBONDD_SRC := $(patsubst %,userspace/common/%.c,$(USER_CONFIG) log frame sandbox notify system_gaps assurance) \
	$(wildcard userspace/kernel/*.c) \
	$(patsubst %,userspace/device/%.c,main reboot roles control channel role \
		link link_local link_key link_approvals link_candidate link_id link_peers link_grants link_bonds \
		link_ledger link_profile link_handover handover)
SEALBONDD_LIBS := libnl-genl-3.0 libnl-3.0 libevent_core libseccomp

SEALBONDD_TPM_SRC := $(patsubst %,userspace/common/%.c,$(USER_PARSE) log frame sandbox) \
	$(patsubst %,userspace/tpm/%.c,tpm rc primary nv ek ak iak certificates quote activate node) \
	$(patsubst %,userspace/device/%.c,tpm_role tpm_answers role channel)
SEALBONDD_TPM_LIBS := tss2-esys tss2-mu tss2-rc tss2-tcti-device libevent_core libseccomp

# Its own parts come after the ledger's, whose lists they use.
SEALBONDD_LEDGER_LIBS := libevent_core libseccomp json-c libsodium libcurl libsecp256k1 libprotobuf-c libcrypto

SEALBOND_SRC := $(patsubst %,userspace/common/%.c,$(USER_CONFIG) p256_key frame json assurance system_gaps) \
	$(filter-out userspace/kernel/interface.c,$(wildcard userspace/kernel/*.c)) \
	userspace/tpm/pcr.c userspace/tpm/node.c $(wildcard userspace/boot/*.c) $(wildcard userspace/cli/*.c) \
	userspace/state/codes.c
SEALBOND_LIBS := libnl-genl-3.0 libnl-3.0 libcrypto

# Run by run-parts, in the order of names: behind those that make and place images.
PACKAGE_HOOKS := kernel/postinst.d kernel/postrm.d initramfs/post-update.d

include userspace/tree/tree.mk
include userspace/state/state.mk
include userspace/owner/owner.mk
include userspace/light/light.mk
include userspace/ledger/ledger.mk

# People's commands: keys, the light client, and the rules, with which a genesis is tried. sealbond runs it.
SEALBOND_PEOPLE_SRC := $(sort $(patsubst %,userspace/common/%.c,$(USER_CONFIG) json p256_key) \
	userspace/cli/say.c userspace/cli/release_key.c $(wildcard userspace/cli/people/*.c) \
	$(wildcard userspace/enroller/*.c) $(STATE_MACHINE) $(STATE_JSON) $(OWNER) $(OWNER_SAYS) $(LIGHT_CLIENT) \
	$(LIGHT_COMMON) $(TREE_PROOF) userspace/ledger/genesis.c)
SEALBOND_PEOPLE_LIBS := $(STATE_LIBS) $(LIGHT_LIBS)

SEALBONDD_LEDGER_SRC := $(sort $(patsubst %,userspace/common/%.c,$(USER_CONFIG) log frame sandbox calendar) \
	$(patsubst %,userspace/device/%.c,ledger_role ledger_calls ledger_light ledger_state ledger_claim ledger_tx \
		ledger_grant ledger_step ledger_submit ledger_enrol ledger_beat ledger_zone ledger_peers ledger_news names role channel \
		handover) \
	$(LIGHT_CLIENT) $(TREE_PROOF) $(OWNER_FILES) $(OWNER_PB) $(STATE_MACHINE))

# What puts sealbond early into an initramfs, as SOURCE:PLACE. Each does nothing without early=yes.
EARLY_HOOKS := initramfs-tools/hook:$(INITRAMFSDIR)/hooks/sealbond \
	initramfs-tools/init-top:$(INITRAMFSDIR)/scripts/init-top/sealbond \
	initramfs-tools/init-bottom:$(INITRAMFSDIR)/scripts/init-bottom/sealbond \
	$(foreach file,module-setup.sh sealbond-setup.sh sealbond-keys.sh,dracut/$(file):$(DRACUTDIR)/$(file))

USER_PROGRAMS := sealbondd sealbondd-tpm sealbondd-ledger sealbond sealbond-people

# $(1): program, $(2): its variables' prefix
define user_program
$(2)_OBJ := $$($(2)_SRC:%.c=$$(BUILD)/obj/%.o)
$$(BUILD)/$(1): $$($(2)_OBJ)
	@mkdir -p $$(@D)
	$$(CC) $$(USER_LDFLAGS) $$(LDFLAGS) -o $$@ $$^ $$$$(pkg-config --libs $$($(2)_LIBS))
endef
$(eval $(call user_program,sealbondd,SEALBONDD))
$(eval $(call user_program,sealbondd-tpm,SEALBONDD_TPM))
$(eval $(call user_program,sealbondd-ledger,SEALBONDD_LEDGER))
$(eval $(call user_program,sealbond,SEALBOND))
$(eval $(call user_program,sealbond-people,SEALBOND_PEOPLE))

$(filter $(BUILD)/obj/userspace/%,$(LEDGERD_OBJ)): | $(STATE_PB)
$(BUILD)/sealbond-ledgerd: $(LEDGERD_OBJ)
	@mkdir -p $(@D)
	$(CC) $(USER_LDFLAGS) $(LDFLAGS) -o $@ $^ -pthread $$(pkg-config --libs $(LEDGERD_LIBS))

# Headers that are generated come before whoever includes them.
$(SEALBONDD_LEDGER_OBJ) $(SEALBOND_PEOPLE_OBJ): | $(STATE_PB:.c=.h) $(OWNER_PB:.c=.h)

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) -I$(BUILD)/gen $(CFLAGS) -MMD -MP -c -o $@ $<
# What stands in lists of sources has its whole path.
$(BUILD)/obj/$(BUILD)/gen/%.o: $(BUILD)/gen/%.c
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) -I$(BUILD)/gen $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/userspace/%.o: userspace/%.c userspace/userspace.mk | $(STATE_PB) $(OWNER_PB) $(ABCI_PB)
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_INCLUDES) $$(pkg-config --cflags libnl-3.0) \
		-DSB_LIBEXECDIR='"$(LIBEXECDIR)"' \
		$(CFLAGS) -MMD -MP -c -o $@ $<

# A device without a clock knows at least that it is not earlier than this.
SB_BUILD_TIME := $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null),0)
$(BUILD)/obj/userspace/light/now.o: USER_CFLAGS += -DSB_BUILD_TIME=$(SB_BUILD_TIME)
-include $(patsubst %.o,%.d,$(sort $(SEALBONDD_OBJ) $(SEALBONDD_TPM_OBJ) $(SEALBONDD_LEDGER_OBJ) $(SEALBOND_OBJ) \
	$(SEALBOND_PEOPLE_OBJ) $(LEDGERD_OBJ)))

user: $(USER_PROGRAMS:%=$(BUILD)/%) $(BUILD)/sealbond-ledgerd

.PHONY: install-user
install-user: $(USER_PROGRAMS:%=$(BUILD)/%)
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(UNITDIR) \
		$(DESTDIR)$(SYSCONFDIR)/sealbond $(DESTDIR)$(DOCDIR)
	install -m 755 $(BUILD)/sealbondd $(DESTDIR)$(SBINDIR)/
	for program in sealbondd-tpm sealbondd-ledger sealbond-people; do \
		install -m 755 $(BUILD)/$$program $(DESTDIR)$(LIBEXECDIR)/ || exit 1; \
	done
	install -m 755 $(BUILD)/sealbond $(DESTDIR)$(BINDIR)/
	sed 's|@SBINDIR@|$(SBINDIR)|; s|@BINDIR@|$(BINDIR)|' scripts/systemd/sealbondd.service \
		>$(DESTDIR)$(UNITDIR)/sealbondd.service
	install -d $(DESTDIR)$(KERNELINSTALLDIR) $(PACKAGE_HOOKS:%=$(DESTDIR)$(SYSCONFDIR)/%)
	install -m 755 scripts/hooks/check-next.sh $(DESTDIR)$(LIBEXECDIR)/check-next
	sed 's|@LIBEXECDIR@|$(LIBEXECDIR)|g' scripts/hooks/kernel-install.sh \
		>$(DESTDIR)$(KERNELINSTALLDIR)/95-sealbond.install
	chmod 755 $(DESTDIR)$(KERNELINSTALLDIR)/95-sealbond.install
	for hook in $(PACKAGE_HOOKS); do \
		sed 's|@LIBEXECDIR@|$(LIBEXECDIR)|g' scripts/hooks/package-hook.sh \
			>$(DESTDIR)$(SYSCONFDIR)/$$hook/zzz-sealbond && \
		chmod 755 $(DESTDIR)$(SYSCONFDIR)/$$hook/zzz-sealbond || exit 1; \
	done
	for hook in $(EARLY_HOOKS); do \
		place=$(DESTDIR)$${hook#*:} && install -d "$${place%/*}" && \
		sed 's|@BINDIR@|$(BINDIR)|g' "scripts/$${hook%%:*}" >"$$place" && chmod 755 "$$place" || exit 1; \
	done
	install -m 644 docs/examples/sealbond.conf docs/examples/peers.conf $(DESTDIR)$(DOCDIR)/

# Not a device's: the machine that keeps a ledger.
.PHONY: install-ledger
install-ledger: $(BUILD)/sealbond-ledgerd
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(UNITDIR)
	install -m 755 $(BUILD)/sealbond-ledgerd $(DESTDIR)$(SBINDIR)/
	for unit in sealbond-ledgerd.service sealbond-checkpoint.service sealbond-checkpoint.timer; do \
		sed 's|@SBINDIR@|$(SBINDIR)|; s|@BINDIR@|$(BINDIR)|' scripts/systemd/$$unit \
			>$(DESTDIR)$(UNITDIR)/$$unit || exit 1; \
	done
