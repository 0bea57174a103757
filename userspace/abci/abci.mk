# SPDX-License-Identifier: Apache-2.0
# The ledger's application behind CometBFT; included by userspace/ledger/ledger.mk. ABCI_PURE needs no socket.
ifndef ABCI_PURE

ABCI_GEN := $(or $(BUILD),build)/gen
ABCI_PB := $(ABCI_GEN)/abci/abci.pb-c.c
ABCI_PURE := $(patsubst %,userspace/abci/%.c,frame abci state proposal consensus snapshot snapshots restore) \
	userspace/ledger/workers.c userspace/state/codes.c
ABCI_SERVER := $(ABCI_PURE) userspace/abci/serve.c

$(ABCI_PB): userspace/abci/abci.proto
	@mkdir -p $(@D)
	protoc-c -Iuserspace --c_out=$(ABCI_GEN) abci/abci.proto
$(ABCI_PB:.c=.h): $(ABCI_PB) ;

endif
