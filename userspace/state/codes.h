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
	X(70, PCRS, "pcrs", "not the PCRs that the ledger's parameters ask for") \
	X(71, NOT_KNOWN_KEY, "not-known-key", "no enroller has this device in an inventory") \
	X(73, SECRET, "secret", "a secret does not fit the enroller's commitment") \
	X(74, NOT_ENOUGH_ENROLLERS, "not-enough-enrollers", "too few enrollers have vouched") \
	X(75, CERTIFY, "certify", "the IAK's statement about the AK does not hold") \
	X(76, NO_ENDORSEMENT, "no-endorsement", "this ledger wants a certificate of the manufacturer, and none came along") \
	/* quotes: SB_TX_QUOTE + enum sb_quote_verdict */ \
	X(101, QUOTE_MALFORMED, "quote-malformed", "the quote or its signature cannot be read") \
	X(102, QUOTE_MAGIC, "quote-not-by-tpm", "these bytes were not made by a TPM") \
	X(103, QUOTE_TYPE, "quote-other-type", "this is another attestation than a quote") \
	X(104, QUOTE_SELECTION, "quote-other-pcrs", "not exactly the PCRs of this device, of the SHA-256 bank") \
	X(105, QUOTE_SCHEME, "quote-other-scheme", "not the scheme or hash of the device's attestation key") \
	X(106, QUOTE_SIGNATURE, "quote-bad-signature", "the device's attestation key did not sign this") \
	X(107, QUOTE_EXTRA, "quote-for-other", "the quote is for another transaction, beacon, device or chain") \
	X(108, QUOTE_SIGNER, "quote-other-signer", "by another key, or by one outside the endorsement hierarchy") \
	X(109, QUOTE_PCR_DIGEST, "quote-other-values", "the PCR values sent along are not those that were quoted") \
	X(110, QUOTE_FIRMWARE, "quote-other-firmware", "the TPM's firmware is not an allowed one") \
	/* attestation keys: SB_TX_AK + enum sb_ak_verdict */ \
	X(121, AK_MALFORMED, "ak-malformed", "the key's public area cannot be read") \
	X(122, AK_NOT_FIXED_TPM, "ak-not-fixed-tpm", "the key could leave its TPM: make it with fixedTPM") \
	X(123, AK_NOT_FIXED_PARENT, "ak-not-fixed-parent", "make the key with fixedParent") \
	X(124, AK_NOT_MADE_INSIDE, "ak-not-made-inside", "make the key inside the TPM: sensitiveDataOrigin") \
	X(125, AK_NOT_RESTRICTED, "ak-not-restricted", "the key would sign anything: make it restricted") \
	X(126, AK_NOT_SIGN, "ak-not-sign", "the key cannot sign") \
	X(127, AK_DECRYPT, "ak-decrypt", "the key also decrypts: an attestation key only signs") \
	X(128, AK_ALGORITHM, "ak-algorithm", "neither P-256 nor RSA of 2048 bits and more") \
	X(129, AK_SCHEME, "ak-scheme", "the key must have ECDSA, RSASSA or RSAPSS with SHA-256 or better as its own") \
	/* governance */ \
	X(140, LAST_MEMBERS, "last-members", "nobody could decide any more after this") \
	X(141, LAST_VALIDATOR, "last-validator", "the chain could not go on after this") \
	X(142, PROPOSAL_OVER, "proposal-over", "the proposal is decided or over") \
	X(143, VOTED, "voted", "this member has voted so already") \
	X(144, CHANGE, "change", "one of the changes cannot be made") \
	X(145, CLOSED, "closed", "the ledger is closed for its successor: nothing but its members' word on that is taken") \
	X(146, SUCCEEDED, "succeeded", "the ledger goes on as another chain: its record of the succession says where") \
	X(147, VALIDATORS_ASLEEP, "validators-asleep", "too few of the validators after this have signed the last block: " \
	  "wait until those that were added sign, or vote out those that do not") \
	X(148, VALIDATORS_CHANGE, "validators-change", "one proposal in 3 blocks may change the validators: vote again then") \
	/* certificates: SB_TX_CERT + enum sb_chain_verdict */ \
	X(151, CERT_MALFORMED, "cert-malformed", "one of the certificates cannot be read") \
	X(152, CERT_TOO_LONG, "cert-chain-too-long", "more certificates than a chain may have") \
	X(153, CERT_OTHER_KEY, "cert-other-key", "the certificate is not for this key") \
	X(154, CERT_NOT_EK, "cert-not-ek", "the certificate is none of such a key") \
	X(155, CERT_NOT_YET, "cert-not-yet-valid", "a certificate is not valid yet at the block's time") \
	X(156, CERT_OVER, "cert-expired", "a certificate is not valid any more at the block's time") \
	X(157, CERT_NO_ROOT, "cert-no-trust-root", "the certificates end at no trust root of this ledger") \
	X(158, CERT_NOT_CA, "cert-issuer-not-ca", "one of the issuers may not issue certificates") \
	X(159, CERT_PATH_LENGTH, "cert-path-length", "an issuer may not have so many others below it") \
	X(160, CERT_SIGNATURE, "cert-bad-signature", "a certificate is not signed by its issuer")

/* Bases of the codes that stand for other verdicts. */
#define SB_TX_QUOTE	100
#define SB_TX_AK	120
#define SB_TX_CERT	150

#define SB_TX_MAX	65536	/* bytes of a transaction */
#define SB_TX_LOG_MAX	256	/* of a result's sentence, NUL included */
#define SB_TX_DATA_MAX	32

/* code 0: taken. Only code and data enter the chain's results hash; the log may differ. */
struct sb_tx_result {
	uint32_t code;		/* enum sb_tx_code */
	uint8_t data[SB_TX_DATA_MAX];
	uint8_t data_length;
	char log[SB_TX_LOG_MAX];
};

enum sb_tx_code {
#define X(number, name, text, sentence) SB_TX_##name = number,
	SB_TX_CODES(X)
#undef X
};

/* Stable name, and sentence; never NULL. */
const char *sb_tx_name(uint32_t code);
const char *sb_tx_sentence(uint32_t code);

#endif
