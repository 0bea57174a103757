/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a transaction is refused. Numbers and names are stable: other programs compare them. Each has a
 * sentence that says what to do.
 */
#ifndef SB_STATE_CODES_H
#define SB_STATE_CODES_H

#include <stdint.h>

/* X(number, NAME, "stable-name", "sentence") */
#define SB_TX_CODES(X) \
	X(0, OK, "ok", "taken") \
	X(1, INTERNAL, "internal", "the node could not decide; see its log") \
	/* form */ \
	X(10, TOO_LONG, "too-long", "the transaction is longer than 65536 bytes") \
	X(11, MALFORMED, "malformed", "this is not a transaction in its one encoding") \
	X(12, FIELD, "field", "a field is missing, or has another length or value than it may have") \
	/* who */ \
	X(20, SIGNATURE, "signature", "the signature does not fit the key, the chain or the sequence") \
	X(21, SEQUENCE, "sequence", "the key's sequence has moved on: ask for it and sign anew") \
	X(22, NOT_ALLOWED, "not-allowed", "this key may not do that") \
	X(23, NO_ACCOUNT, "no-account", "this key is no member, enroller, owner or zone of this ledger") \
	X(24, AUTH_KIND, "auth-kind", "a device's action needs a quote, a person's needs a key's signature") \
	/* limits */ \
	X(30, LIMIT, "limit", "a limit of the ledger is reached") \
	X(31, TOO_SOON, "too-soon", "the last one was too short a while ago") \
	/* what is not there, or already is */ \
	X(40, UNKNOWN_DEVICE, "unknown-device", "the ledger does not know this device") \
	X(41, UNKNOWN, "unknown", "there is no such record") \
	X(42, EXISTS, "exists", "there is one already") \
	X(43, STATE, "state", "not in the state that the device is in") \
	X(44, VERSION, "version", "the version is not the next one: read the record again") \
	/* attestation: beside those of the quote and of the chain of certificates */ \
	X(60, BEACON_UNKNOWN, "beacon-unknown", "the beacon is not a block of this chain") \
	X(61, BEACON_STALE, "beacon-stale", "the beacon is too old: quote over a newer block") \
	X(62, QUOTE_STALE, "quote-stale", "a newer quote of this device was taken already") \
	X(63, QUOTE_CLONE, "quote-clone", "two TPM states speak for this device: it is frozen") \
	X(64, CAP, "cap", "the cap PCR's value is not that of these keys") \
	X(65, KEY_UNKNOWN, "key-unknown", "the kernel holds another bond key than the ledger knows: it waits for approval") \
	X(66, KEY_USED, "key-used", "this bond key was used before") \
	X(67, REFERENCE, "reference", "the boot state is not among the reference values") \
	X(68, BENCH, "bench", "this ledger takes no device whose assurance is bench") \
	X(69, EK_NAME, "ek-name", "the EK's public area is none that a TPM makes by the profile") \
	X(70, AK_FORM, "ak-form", "the AK is not a restricted signing key of a TPM") \
	X(71, NOT_KNOWN_KEY, "not-known-key", "no enroller has this device in an inventory") \
	X(72, CERTIFICATE, "certificate", "the certificates do not lead from the EK to a trust root") \
	X(73, SECRET, "secret", "a secret does not fit the enroller's commitment") \
	X(74, NOT_ENOUGH_ENROLLERS, "not-enough-enrollers", "too few enrollers have vouched") \
	X(75, CERTIFY, "certify", "the IAK's statement about the AK does not hold") \
	/* quotes: 100 + enum sb_quote_verdict */ \
	X(101, QUOTE_MALFORMED, "quote-malformed", "the quote cannot be read") \
	/* governance */ \
	X(140, LAST_MEMBERS, "last-members", "nobody could decide any more after this") \
	X(141, LAST_VALIDATOR, "last-validator", "the chain could not go on after this") \
	X(142, PROPOSAL_OVER, "proposal-over", "the proposal is decided or over") \
	X(143, VOTED, "voted", "this member has voted so already") \
	X(144, CHANGE, "change", "one of the changes cannot be made")

enum sb_tx_code {
#define X(number, name, text, sentence) SB_TX_##name = number,
	SB_TX_CODES(X)
#undef X
};

/* Stable name, and sentence; never NULL. */
const char *sb_tx_name(uint32_t code);
const char *sb_tx_sentence(uint32_t code);

#endif
