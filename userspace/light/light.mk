# SPDX-License-Identifier: Apache-2.0
# The light client; included by userspace/userspace.mk and tests/unit/tests.mk. LIGHT_PURE: rules and formats,
# no I/O. LIGHT_CLIENT: everything, proofs and checks of records among it. Includes nothing of the devices.

LIGHT_RULES := $(addprefix userspace/light/,block.c merkle.c wire.c verify.c sync.c ed25519.c edwards.c json.c json_get.c)
LIGHT_PURE := $(LIGHT_RULES) $(addprefix userspace/light/,bytes.c json_write.c query.c checkpoint.c trust_file.c \
	succession.c evidence.c fault.c order.c answer.c)
LIGHT_CLIENT := $(LIGHT_PURE) $(addprefix userspace/light/,http.c remote.c now.c trust.c client.c client_follow.c \
	client_fork.c client_root.c client_sync.c client_query.c client_submit.c client_succeed.c client_endpoints.c)
# What these need of others.
LIGHT_COMMON := $(addprefix userspace/common/,sha256.c calendar.c parse.c format.c error.c file.c)
LIGHT_LIBS := json-c libsodium libcurl libsecp256k1 libcrypto
