# SPDX-License-Identifier: Apache-2.0
# The state machine; included by userspace/userspace.mk and tests/unit/tests.mk. STATE_ATTEST is what checks
# quotes and certificates, and needs nothing of the ledger.
ifndef STATE_MACHINE

STATE_GEN := $(or $(BUILD),build)/gen
STATE_PB := $(STATE_GEN)/state/ledger.pb-c.c
STATE_ATTEST := $(addprefix userspace/state/,tpm_public.c quote.c crypto.c der.c cert.c chain.c heartbeat.c certify.c) \
	userspace/common/calendar.c
STATE_CORE := $(addprefix userspace/state/,codes.c message.c journal.c run.c person.c verified.c attest.c device.c \
	overlay.c enrolment.c endorse.c boot.c reference.c recovery.c machine.c) $(STATE_PB)
STATE_RULES := $(addprefix userspace/state/,rules_enrol.c rules_heartbeat.c rules_device.c rules_owner.c \
	rules_zone.c rules_validator.c rules_member.c rules_change.c rules_succession.c change.c parameters.c membership.c genesis.c \
	endpoints.c)
STATE_MACHINE := $(STATE_CORE) $(STATE_RULES) $(STATE_ATTEST)
# What people read and write of it; needs json-c, and common's json.c, parse.c, format.c and error.c.
STATE_JSON := $(addprefix userspace/state/,message_json.c genesis_json.c)
STATE_LIBS := libcrypto libsecp256k1 libsodium libprotobuf-c

# The ledger's messages; what is generated stands below build/gen and is included as its source would be.
$(STATE_PB): userspace/state/ledger.proto
	@mkdir -p $(@D)
	protoc-c -Iuserspace --c_out=$(STATE_GEN) state/ledger.proto
$(STATE_PB:.c=.h): $(STATE_PB) ;

endif
