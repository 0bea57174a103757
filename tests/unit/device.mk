# SPDX-License-Identifier: Apache-2.0
# The TPM and the device's roles; included behind tests.mk.

TPM := $(patsubst %,userspace/tpm/%.c,tpm rc primary nv ek ak iak certificates quote activate)
UNIT_LIVE += tpm_live
tpm_live_SRC := tests/unit/test_tpm_live.c $(TPM) userspace/state/heartbeat.c $(STATE) \
	userspace/common/file.c userspace/common/sha256.c userspace/common/error.c
tpm_live_CFLAGS := $(USER_TEST_CFLAGS)
tpm_live_LIBS := $(shell pkg-config --libs tss2-esys tss2-mu tss2-rc tss2-tcti-device)
UNIT_LIVE += iak_live
iak_live_SRC := tests/unit/test_iak_live.c $(TPM) userspace/state/certify.c $(STATE) \
	userspace/common/sha256.c userspace/common/error.c
iak_live_CFLAGS := $(USER_TEST_CFLAGS)
iak_live_LIBS := $(tpm_live_LIBS)
UNIT_LIVE += credential
credential_SRC := tests/unit/test_credential.c userspace/enroller/credential.c $(TPM) $(STATE) \
	userspace/common/file.c userspace/common/sha256.c userspace/common/error.c
credential_CFLAGS := $(USER_TEST_CFLAGS)
credential_LIBS := $(shell pkg-config --libs tss2-esys tss2-mu tss2-rc tss2-tcti-device)
UNIT_LIVE += attest_live
attest_live_SRC := tests/unit/test_attest_live.c $(STATE_MACHINE) $(TPM) userspace/common/sha256.c userspace/common/error.c
attest_live_CFLAGS := $(MACHINE_CFLAGS)
attest_live_LIBS := $(tpm_live_LIBS) $(MACHINE_LIBS)

UNIT += claim
claim_SRC := tests/unit/test_claim.c userspace/device/ledger_claim.c userspace/state/heartbeat.c $(STATE)
claim_CFLAGS := $(USER_TEST_CFLAGS)

UNIT += news
news_SRC := tests/unit/test_news.c userspace/device/ledger_news.c
news_CFLAGS := $(USER_TEST_CFLAGS)

UNIT += names
names_SRC := tests/unit/test_names.c userspace/device/names.c userspace/common/sandbox.c
names_CFLAGS := $(USER_TEST_CFLAGS)
names_LIBS := -lseccomp

UNIT += sandbox
sandbox_SRC := tests/unit/test_sandbox.c userspace/common/sandbox.c userspace/common/file.c userspace/common/notify.c
sandbox_CFLAGS := $(USER_TEST_CFLAGS)
sandbox_LIBS := -lseccomp

LEDGER_ROLE := $(patsubst %,userspace/device/%.c,ledger_state ledger_claim ledger_tx ledger_grant ledger_step \
	ledger_submit ledger_enrol ledger_beat ledger_zone ledger_peers)
UNIT += ledger_role
ledger_role_SRC := tests/unit/test_ledger_role.c $(LEDGER_ROLE) $(STATE_MACHINE) $(OWNER_FILES) $(OWNER_PB) \
	userspace/ledger/grant_terms.c userspace/common/grant.c userspace/common/log.c userspace/common/file.c userspace/common/sha256.c $(USER_TEST_PARSE)
ledger_role_CFLAGS := $(USER_TEST_CFLAGS) -I$(STATE_GEN)
ledger_role_LIBS := -lsodium -lsecp256k1 -lprotobuf-c
UNIT += ledger_profile
ledger_profile_SRC := tests/unit/test_ledger_profile.c $(filter-out tests/%,$(ledger_role_SRC))
ledger_profile_CFLAGS := $(ledger_role_CFLAGS)
ledger_profile_LIBS := $(ledger_role_LIBS)
UNIT += ledger_conduit
ledger_conduit_SRC := tests/unit/test_ledger_conduit.c $(filter-out tests/%,$(ledger_role_SRC))
ledger_conduit_CFLAGS := $(ledger_role_CFLAGS)
ledger_conduit_LIBS := $(ledger_role_LIBS)
UNIT += ledger_beat
ledger_beat_SRC := tests/unit/test_ledger_beat.c $(filter-out tests/%,$(ledger_role_SRC))
ledger_beat_CFLAGS := $(ledger_role_CFLAGS)
ledger_beat_LIBS := $(ledger_role_LIBS)
