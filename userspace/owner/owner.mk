# SPDX-License-Identifier: Apache-2.0
# Keys of people, and what they encrypt; included by userspace/userspace.mk and tests/unit/tests.mk. OWNER needs
# state/membership.c beside it.
ifndef OWNER

OWNER_GEN := $(or $(BUILD),build)/gen
OWNER_PB := $(OWNER_GEN)/owner/private.pb-c.c
OWNER_FILES := $(addprefix userspace/owner/,authority.c private.c envelope.c key.c key_file.c)
# These need the state machine's messages, too.
OWNER_SAYS := $(addprefix userspace/owner/,belong.c transaction.c)
OWNER := $(OWNER_FILES) $(OWNER_PB)
OWNER_LIBS := libsodium libsecp256k1 libprotobuf-c

$(OWNER_PB): userspace/owner/private.proto
	@mkdir -p $(@D)
	protoc-c -Iuserspace --c_out=$(OWNER_GEN) owner/private.proto
$(OWNER_PB:.c=.h): $(OWNER_PB) ;

endif
