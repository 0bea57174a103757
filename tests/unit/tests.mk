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
verdict_SRC := tests/unit/test_verdict.c

UNIT += nonce
nonce_SRC := tests/unit/test_nonce.c kmod/nonce.c

UNIT += exception
UNIT += ports
ports_SRC := tests/unit/test_ports.c kmod/ports.c
exception_SRC := tests/unit/test_exception.c kmod/exception_match.c

# The helper's and the tool's own files.
USER_TEST_CFLAGS := -D_GNU_SOURCE -Iuserspace -Iinclude/uapi
UNIT += assurance
assurance_SRC := tests/unit/test_assurance.c userspace/common/assurance.c
assurance_CFLAGS := $(USER_TEST_CFLAGS)
USER_TEST_PARSE := userspace/common/parse.c userspace/common/format.c userspace/common/error.c
USER_TEST_CONFIG := $(USER_TEST_PARSE) userspace/common/ini.c userspace/common/field.c \
	userspace/common/file.c userspace/common/sha256.c
UNIT += parse config peers frame states approval file decode
parse_SRC := tests/unit/test_parse.c $(USER_TEST_PARSE)
config_SRC := tests/unit/test_config.c $(USER_TEST_CONFIG) userspace/common/config.c userspace/common/config_ledger.c \
	userspace/common/exception.c
peers_SRC := tests/unit/test_peers.c $(USER_TEST_CONFIG) userspace/common/peers.c
frame_SRC := tests/unit/test_frame.c userspace/common/frame.c
states_SRC := tests/unit/test_states.c userspace/common/states.c
approval_SRC := tests/unit/test_approval.c userspace/common/approval.c userspace/common/p256.c \
	userspace/cli/release_key.c userspace/common/p256_key.c userspace/common/file.c userspace/common/sha256.c \
	$(USER_TEST_PARSE) kmod/seal_blob.c kmod/seal_policy.c tests/shim/crypto.c
file_SRC := tests/unit/test_file.c userspace/common/file.c userspace/common/json.c
decode_SRC := tests/unit/test_decode.c userspace/kernel/decode.c
decode_LIBS := $(shell pkg-config --libs libnl-3.0)
$(foreach t,parse config peers frame states approval file decode,$(eval $(t)_CFLAGS := $(USER_TEST_CFLAGS)))
decode_CFLAGS += $(shell pkg-config --cflags libnl-3.0)

GRANT := kmod/grant.c kmod/ports.c kmod/p256.c tests/shim/ecc.c tests/shim/crypto.c
UNIT += p256 grant
p256_SRC := tests/unit/test_p256.c $(GRANT)
grant_SRC := tests/unit/test_grant.c $(GRANT)
UNIT += grant_file
grant_file_SRC := tests/unit/test_grant_file.c userspace/common/grant.c userspace/common/rules.c userspace/common/p256.c \
	userspace/common/approval.c userspace/cli/release_key.c userspace/common/p256_key.c userspace/common/file.c \
	userspace/common/sha256.c $(USER_TEST_PARSE) $(GRANT)
grant_file_CFLAGS := $(USER_TEST_CFLAGS)

UNIT += uki
uki_SRC := tests/unit/test_uki.c userspace/boot/pe.c userspace/boot/uki.c userspace/boot/predict.c \
	userspace/common/sha256.c userspace/common/error.c userspace/common/file.c
uki_CFLAGS := $(USER_TEST_CFLAGS)

include userspace/tree/tree.mk
include userspace/light/light.mk
LIGHT := $(filter-out %/sync.c,$(LIGHT_RULES)) userspace/common/sha256.c userspace/common/calendar.c $(USER_TEST_PARSE)
UNIT += light light_sync
light_SRC := tests/unit/test_light.c userspace/light/sync.c $(LIGHT)
light_sync_SRC := tests/unit/test_light_sync.c userspace/light/sync.c $(LIGHT)
light_CFLAGS := $(USER_TEST_CFLAGS)
light_sync_CFLAGS := $(USER_TEST_CFLAGS)
light_LIBS := -ljson-c -lsodium
light_sync_LIBS := -ljson-c -lsodium
UNIT += light_rules
light_rules_SRC := tests/unit/test_light_rules.c $(filter-out tests/%,$(light_sync_SRC))
light_rules_CFLAGS := $(USER_TEST_CFLAGS)
light_rules_LIBS := -ljson-c -lsodium

UNIT += ed25519
ed25519_SRC := tests/unit/test_ed25519.c userspace/light/ed25519.c userspace/light/edwards.c
ed25519_CFLAGS := $(USER_TEST_CFLAGS)
ed25519_LIBS := -lsodium
UNIT += light_client light_formats
light_formats_SRC := tests/unit/test_light_formats.c userspace/light/now.c $(LIGHT_PURE) $(LIGHT_COMMON) $(TREE_MEMORY)
light_formats_CFLAGS := $(USER_TEST_CFLAGS)
light_formats_LIBS := -ljson-c -lsodium -lsecp256k1
UNIT += light_order light_bytes
light_order_SRC := tests/unit/test_light_order.c $(filter-out tests/%,$(light_formats_SRC))
light_order_CFLAGS := $(USER_TEST_CFLAGS)
light_order_LIBS := $(light_formats_LIBS)
light_bytes_SRC := tests/unit/test_light_bytes.c $(filter-out tests/%,$(light_formats_SRC))
light_bytes_CFLAGS := $(USER_TEST_CFLAGS)
light_bytes_LIBS := $(light_formats_LIBS)
# The client and its endpoints, by subject.
UNIT += light_fork light_records light_expired light_succession light_tls light_endpoints
define light_client_test
$(1)_SRC := tests/unit/test_$(1).c tests/unit/ledger_server.c tests/unit/ledger_answers.c $$(LIGHT_CLIENT) \
	$$(LIGHT_COMMON) $$(TREE_MEMORY)
$(1)_CFLAGS := $$(USER_TEST_CFLAGS)
$(1)_LIBS := -ljson-c -lsodium -lcurl -lsecp256k1
endef
$(foreach t,light_client light_fork light_records light_expired light_succession light_tls light_endpoints,\
	$(eval $(call light_client_test,$(t))))
light_tls_LIBS += -lssl
UNIT += evidence
evidence_SRC := tests/unit/test_evidence.c $(LIGHT_PURE) $(LIGHT_COMMON) $(TREE_MEMORY)
evidence_CFLAGS := $(USER_TEST_CFLAGS)
evidence_LIBS := -ljson-c -lsodium -lsecp256k1

STATE := userspace/state/tpm_public.c userspace/state/quote.c userspace/state/crypto.c \
	userspace/state/der.c userspace/state/cert.c userspace/state/chain.c userspace/common/calendar.c
UNIT += quote cert cert_odd heartbeat
quote_SRC := tests/unit/test_quote.c $(STATE)
cert_SRC := tests/unit/test_cert.c $(STATE)
cert_odd_SRC := tests/unit/test_cert_odd.c $(STATE)
cert_odd_CFLAGS := $(USER_TEST_CFLAGS)
heartbeat_SRC := tests/unit/test_heartbeat.c userspace/state/heartbeat.c $(STATE)
heartbeat_CFLAGS := $(USER_TEST_CFLAGS)
quote_CFLAGS := $(USER_TEST_CFLAGS)
cert_CFLAGS := $(USER_TEST_CFLAGS)

UNIT += rotate
rotate_SRC := tests/unit/test_rotate.c $(HANDSHAKE)
UNIT += blob_file
blob_file_SRC := tests/unit/test_blob_file.c userspace/common/blob.c userspace/common/sha256.c \
	kmod/seal_blob.c tests/shim/crypto.c
blob_file_CFLAGS := $(USER_TEST_CFLAGS)

UNIT += candidate
candidate_SRC := tests/unit/test_candidate.c userspace/device/link_candidate.c userspace/common/file.c \
	userspace/common/log.c
candidate_CFLAGS := $(USER_TEST_CFLAGS)

UNIT += watch
watch_SRC := tests/unit/test_watch.c kmod/watch_judge.c

UNIT += tree proof
tree_SRC := tests/unit/test_tree.c $(TREE_MEMORY)
proof_SRC := tests/unit/test_proof.c $(TREE_MEMORY)
$(foreach t,tree proof,$(eval $(t)_CFLAGS := $(USER_TEST_CFLAGS)))
UNIT += store
store_SRC := tests/unit/test_store.c $(TREE_STORE) userspace/tree/table.c userspace/tree/memory.c
store_CFLAGS := $(USER_TEST_CFLAGS)
store_LIBS := -llmdb
UNIT += node
node_SRC := tests/unit/test_node.c userspace/tpm/node.c $(USER_TEST_PARSE)
node_CFLAGS := $(USER_TEST_CFLAGS)
UNIT += security
security_SRC := tests/unit/test_security.c userspace/common/security.c userspace/common/security_keys.c \
	userspace/common/p256.c userspace/common/config.c userspace/common/config_ledger.c userspace/common/exception.c $(USER_TEST_CONFIG)
security_CFLAGS := $(USER_TEST_CFLAGS)

UNIT += eventlog
eventlog_SRC := tests/unit/test_eventlog.c userspace/boot/eventlog.c userspace/common/sha256.c
eventlog_CFLAGS := $(USER_TEST_CFLAGS)

include userspace/state/state.mk
MACHINE_CFLAGS := $(USER_TEST_CFLAGS) -I$(STATE_GEN)
MACHINE_LIBS := -lsecp256k1 -lsodium -lprotobuf-c
STATE_TESTS := journal state_message machine attest enrol enrol_cleared endorse devices boot owners history govern validators \
	succession replace
UNIT += $(STATE_TESTS)
$(foreach t,$(STATE_TESTS),$(eval $(t)_SRC := tests/unit/test_$(t).c $(STATE_MACHINE)) \
	$(eval $(t)_CFLAGS := $(MACHINE_CFLAGS)) $(eval $(t)_LIBS := $(MACHINE_LIBS)))
UNIT += verified
verified_SRC := tests/unit/test_verified.c userspace/ledger/workers.c $(STATE_MACHINE)
verified_CFLAGS := $(MACHINE_CFLAGS)
verified_LIBS := $(MACHINE_LIBS) -pthread
include userspace/owner/owner.mk
OWNER_TEST := $(OWNER) userspace/state/membership.c $(USER_TEST_PARSE) userspace/common/file.c userspace/common/sha256.c
UNIT += membership envelope owner_key
membership_SRC := tests/unit/test_membership.c $(OWNER_TEST)
envelope_SRC := tests/unit/test_envelope.c $(OWNER_TEST)
owner_key_SRC := tests/unit/test_owner_key.c $(OWNER_TEST)
$(foreach t,membership envelope owner_key,$(eval $(t)_CFLAGS := $(USER_TEST_CFLAGS) -I$(OWNER_GEN)) \
	$(eval $(t)_LIBS := -lsodium -lsecp256k1 -lprotobuf-c))
include userspace/ledger/ledger.mk
UNIT += signer produce mempool ledger_chain ledger_rpc ledger_genesis ws_frame
LEDGER_TEST_LIBS := -pthread -lcrypto -ljson-c -lsodium -llmdb
signer_SRC := tests/unit/test_signer.c userspace/ledger/signer.c userspace/light/ed25519.c \
	userspace/light/edwards.c $(LEDGER_LIGHT) $(LEDGER_COMMON)
produce_SRC := tests/unit/test_produce.c userspace/ledger/produce.c $(LEDGER_LIGHT) $(LEDGER_COMMON)
mempool_SRC := tests/unit/test_mempool.c userspace/ledger/mempool.c userspace/common/sha256.c
ledger_chain_SRC := tests/unit/test_ledger_chain.c tests/cluster/kv_app.c userspace/ledger/home.c $(LEDGER_CHAIN) $(LEDGER_PROVE) \
	userspace/light/verify.c userspace/light/ed25519.c userspace/light/edwards.c $(TREE_STORE)
ledger_rpc_SRC := tests/unit/test_ledger_rpc.c tests/cluster/kv_app.c userspace/ledger/home.c $(LEDGER_RPC) $(sort \
	$(LEDGER_CHAIN) $(LEDGER_PROVE) userspace/light/bytes.c $(TREE_STORE))
ledger_genesis_SRC := tests/unit/test_ledger_genesis.c userspace/ledger/home.c $(LEDGER_CHAIN)
ws_frame_SRC := tests/unit/test_ws_frame.c userspace/ledger/ws_frame.c
$(foreach t,signer produce mempool ledger_chain ledger_rpc ledger_genesis ws_frame,$(eval $(t)_CFLAGS := $(USER_TEST_CFLAGS)) \
	$(eval $(t)_LIBS := $(LEDGER_TEST_LIBS)))
ledger_rpc_LIBS += -Wl,--wrap=sb_chain_base
UNIT += backup
backup_SRC := tests/unit/test_backup.c userspace/ledger/backup.c userspace/light/bytes.c userspace/common/sha256.c
backup_CFLAGS := $(USER_TEST_CFLAGS)
UNIT += checkpoints
checkpoints_SRC := tests/unit/test_checkpoints.c userspace/ledger/checkpoints.c \
	$(addprefix userspace/light/,checkpoint.c bytes.c block.c merkle.c wire.c) userspace/common/sha256.c userspace/common/error.c
checkpoints_CFLAGS := $(USER_TEST_CFLAGS)
checkpoints_LIBS := -lsecp256k1
UNIT += state_json
state_json_SRC := tests/unit/test_state_json.c $(STATE_MACHINE) $(STATE_JSON) userspace/common/json.c $(USER_TEST_PARSE)
state_json_CFLAGS := $(MACHINE_CFLAGS)
state_json_LIBS := $(MACHINE_LIBS) -ljson-c
UNIT += transfer
transfer_SRC := tests/unit/test_transfer.c $(STATE_MACHINE) $(OWNER) $(OWNER_SAYS) $(USER_TEST_PARSE) \
	userspace/common/file.c userspace/common/sha256.c
transfer_CFLAGS := $(MACHINE_CFLAGS)
transfer_LIBS := $(MACHINE_LIBS)
UNIT += privacy
privacy_SRC := tests/unit/test_privacy.c $(wordlist 2,1000,$(transfer_SRC))
privacy_CFLAGS := $(MACHINE_CFLAGS)
privacy_LIBS := $(MACHINE_LIBS)
UNIT += people
people_SRC := tests/unit/test_people.c $(STATE_MACHINE) $(STATE_JSON) $(OWNER) $(OWNER_SAYS) userspace/enroller/credential.c \
	userspace/cli/say.c $(patsubst %,userspace/cli/people/%.c,people key records send ledger member device device_replace owner zone zone_rekey \
		profile incident reference enroller roots checkpoint backup daemon) $(addprefix userspace/light/,checkpoint.c bytes.c block.c merkle.c wire.c) \
	$(USER_TEST_CONFIG) userspace/common/json.c userspace/common/grant.c userspace/common/rules.c
people_CFLAGS := $(MACHINE_CFLAGS)
people_LIBS := $(MACHINE_LIBS) -ljson-c
UNIT += enroller
enroller_SRC := tests/unit/test_enroller.c $(wordlist 2,1000,$(people_SRC))
enroller_CFLAGS := $(people_CFLAGS)
enroller_LIBS := $(people_LIBS)
UNIT += zones
zones_SRC := tests/unit/test_zones.c $(wordlist 2,1000,$(people_SRC))
zones_CFLAGS := $(people_CFLAGS)
zones_LIBS := $(people_LIBS)
UNIT += ledger_app
ledger_app_SRC := tests/unit/test_ledger_app.c userspace/ledger/app.c userspace/owner/authority.c $(LEDGER_APP) $(LEDGER_LIGHT) \
	userspace/common/sha256.c userspace/common/file.c userspace/common/json.c $(USER_TEST_PARSE)
ledger_app_CFLAGS := $(MACHINE_CFLAGS)
ledger_app_LIBS := $(MACHINE_LIBS) -ljson-c -llmdb

UNIT += abci abci_pool abci_snapshot
ABCI_TEST := $(sort $(ABCI_PURE) $(ABCI_PB) userspace/ledger/app.c $(LEDGER_APP) $(LEDGER_LIGHT) \
	$(patsubst %,userspace/common/%.c,sha256 file json log) $(USER_TEST_PARSE))
abci_SRC := tests/unit/test_abci.c $(ABCI_TEST)
abci_pool_SRC := tests/unit/test_abci_pool.c $(ABCI_TEST)
abci_snapshot_SRC := tests/unit/test_abci_snapshot.c $(ABCI_TEST)
abci_CFLAGS := $(MACHINE_CFLAGS)
abci_pool_CFLAGS := $(MACHINE_CFLAGS)
abci_snapshot_CFLAGS := $(MACHINE_CFLAGS)
abci_LIBS := $(MACHINE_LIBS) -ljson-c -llmdb
abci_pool_LIBS := $(abci_LIBS)
abci_snapshot_LIBS := $(abci_LIBS)
UNIT += node_grants
node_grants_SRC := tests/unit/test_node_grants.c tests/unit/kernel_grant.c userspace/device/ledger_grant.c $(GRANT) \
	$(wordlist 2,1000,$(ledger_app_SRC))
node_grants_CFLAGS := $(MACHINE_CFLAGS)
node_grants_LIBS := $(ledger_app_LIBS)
