// SPDX-License-Identifier: Apache-2.0
#include "light/fault.h"

#include "common/cleanup.h"

static const struct {
	const char *name, *text;
} texts[] = {
	[SB_FAULT_NONE] = { "ok", "It answers." },
	[SB_FAULT_NO_CONNECTION] = { "no-connection", "Nobody listens there, or the name has no address." },
	[SB_FAULT_TLS] = { "tls-untrusted", "Its certificate or its key is not one that this device believes." },
	[SB_FAULT_TIMEOUT] = { "timeout", "It did not answer in time." },
	[SB_FAULT_TRUNCATED] = { "truncated", "Its answer ended in the middle." },
	[SB_FAULT_TOO_LARGE] = { "too-large", "Its answer was longer than such answers can be." },
	[SB_FAULT_HTTP] = { "http-error", "It answered with an HTTP error or a redirect." },
	[SB_FAULT_ANSWER] = { "bad-answer", "Its answer is not JSON, or not of the form that CometBFT documents." },
	[SB_FAULT_ID] = { "wrong-id", "It answered another question." },
	[SB_FAULT_RPC] = { "rpc-error", "It answered with an error." },
	[SB_FAULT_TOO_HIGH] = { "height-too-high", "It does not have that height yet." },
	[SB_FAULT_NOT_AVAILABLE] = { "height-not-available", "It does not have that height any more." },
	[SB_FAULT_NOT_FOUND] = { "not-found", "It knows no such transaction." },
	[SB_FAULT_KNOWN] = { "known", "It has that transaction already." },
	[SB_FAULT_STALE] = { "stale", "It is behind what is proven already." },
	[SB_FAULT_FUTURE] = { "from-future", "Its header is later than this device's clock allows." },
	[SB_FAULT_CHAIN] = { "other-chain", "It serves another chain." },
	[SB_FAULT_HEADER] = { "wrong-header", "It served a header that is not proven by its validators." },
	[SB_FAULT_PROOF] = { "wrong-proof", "It served a record with a proof that does not prove it." },
	[SB_FAULT_INCLUSION] = { "wrong-inclusion", "It said that a block holds a transaction that it does not hold." },
	[SB_FAULT_CHECKPOINT] = { "wrong-checkpoint", "It served a checkpoint that the members did not sign." },
	[SB_FAULT_LOCAL] = { "local", "This device could not ask: memory, files or sockets were refused." },
};

_Static_assert(SB_ARRAY_SIZE(texts) == SB_FAULTS, "a text for each fault");

const char *sb_fault_name(enum sb_fault fault)
{
	return (unsigned int)fault < SB_FAULTS ? texts[fault].name : "unknown";
}

const char *sb_fault_text(enum sb_fault fault)
{
	return (unsigned int)fault < SB_FAULTS ? texts[fault].text : "Unknown.";
}

bool sb_fault_is_lie(enum sb_fault fault)
{
	return fault >= SB_FAULT_CHAIN && fault <= SB_FAULT_CHECKPOINT;
}
