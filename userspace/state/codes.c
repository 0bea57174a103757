// SPDX-License-Identifier: Apache-2.0
#include "state/codes.h"

const char *sb_tx_name(uint32_t code)
{
	switch (code) {
#define X(number, name, text, sentence) case number: return text;
	SB_TX_CODES(X)
#undef X
	default:
		return "unknown-code";
	}
}

const char *sb_tx_sentence(uint32_t code)
{
	switch (code) {
#define X(number, name, text, sentence) case number: return sentence;
	SB_TX_CODES(X)
#undef X
	default:
		return "a code that this version does not know: update it";
	}
}
