# SPDX-License-Identifier: Apache-2.0

HANDSHAKE := kmod/handshake.c kmod/handshake_setup.c kmod/noise.c kmod/message.c \
	kmod/cookie.c kmod/kdf.c tests/shim/crypto.c
UNIT += handshake
handshake_SRC := tests/unit/test_handshake.c $(HANDSHAKE)
UNIT += hostile
hostile_SRC := tests/unit/test_hostile.c $(HANDSHAKE)
UNIT += noise message cookie kdf
noise_SRC := tests/unit/test_noise.c $(HANDSHAKE)
message_SRC := tests/unit/test_message.c $(HANDSHAKE)
cookie_SRC := tests/unit/test_cookie.c $(HANDSHAKE)
kdf_SRC := tests/unit/test_kdf.c $(HANDSHAKE)
UNIT += tpm_kdf
tpm_kdf_SRC := tests/unit/test_tpm_kdf.c kmod/tpm_kdf.c tests/shim/crypto.c
UNIT += seal_policy
seal_policy_SRC := tests/unit/test_seal_policy.c kmod/seal_policy.c tests/shim/crypto.c
UNIT += seal_blob
seal_blob_SRC := tests/unit/test_seal_blob.c kmod/seal_blob.c tests/shim/crypto.c

UNIT += verdict
verdict_SRC := tests/unit/test_verdict.c kmod/verdict.c

UNIT += exception
exception_SRC := tests/unit/test_exception.c kmod/exception_match.c
