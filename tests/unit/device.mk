# SPDX-License-Identifier: Apache-2.0
# The TPM and the device's roles; included behind tests.mk.

TPM := $(patsubst %,userspace/tpm/%.c,tpm rc primary nv ek ak certificates quote activate)
UNIT_LIVE += tpm_live
tpm_live_SRC := tests/unit/test_tpm_live.c $(TPM) userspace/state/heartbeat.c $(STATE) \
	userspace/common/file.c userspace/common/sha256.c userspace/common/error.c
tpm_live_CFLAGS := $(USER_TEST_CFLAGS)
tpm_live_LIBS := $(shell pkg-config --libs tss2-esys tss2-mu tss2-rc tss2-tcti-device)
UNIT_LIVE += credential
credential_SRC := tests/unit/test_credential.c userspace/enroller/credential.c $(TPM) $(STATE) \
	userspace/common/file.c userspace/common/sha256.c userspace/common/error.c
credential_CFLAGS := $(USER_TEST_CFLAGS)
credential_LIBS := $(shell pkg-config --libs tss2-esys tss2-mu tss2-rc tss2-tcti-device)
