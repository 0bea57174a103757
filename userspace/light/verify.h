/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules by which a light client believes a header (CometBFT v0.38: light/verifier.go,
 * types/validation.go). Pure: no clock, no memory, no I/O. Stricter than CometBFT where that
 * costs nothing: SB_LIGHT_ADDRESS is checked on every vote that counts, validators' powers are
 * bounded, and ed25519 signatures are refused in non-canonical encodings.
 */
#ifndef SB_LIGHT_VERIFY_H
#define SB_LIGHT_VERIFY_H

#include "light/block.h"

/* Why a header is not believed. The names are stable: sb_light_text(). */
enum sb_light_verdict {
	SB_LIGHT_OK,
	SB_LIGHT_EXPIRED,		/* what is trusted is too old to judge by */
	SB_LIGHT_MALFORMED,		/* a field that no header or commit has */
	SB_LIGHT_CHAIN,			/* of another chain */
	SB_LIGHT_VERSION,		/* another block protocol */
	SB_LIGHT_HEIGHT,		/* not above the trusted one, or not the height asked for */
	SB_LIGHT_TIME,			/* not later than the trusted one */
	SB_LIGHT_FUTURE,		/* later than now, with the drift allowed */
	SB_LIGHT_COMMIT,		/* the commit is of another block */
	SB_LIGHT_VALIDATORS,		/* these validators are not the header's */
	SB_LIGHT_NEXT_VALIDATORS,	/* the next header's validators are not those announced */
	SB_LIGHT_SET_SIZE,		/* not a vote for each validator */
	SB_LIGHT_POWER,			/* a power that is not positive, or a sum out of bounds */
	SB_LIGHT_ADDRESS,		/* a vote with another validator's address */
	SB_LIGHT_SIGNATURE,
	SB_LIGHT_TWICE,			/* one validator has two votes */
	SB_LIGHT_NOT_ENOUGH_TRUST,	/* too few of the trusted validators: bisect */
	SB_LIGHT_NOT_ENOUGH_POWER,	/* not more than two thirds have signed */
	SB_LIGHT_NOT_PARENT,		/* backwards: not the block that the trusted one names */
	SB_LIGHT_VERDICTS
};

struct sb_light_rules {
	int64_t trusting_period;	/* seconds, more than 0 */
	int64_t drift;			/* seconds by which a header may be ahead of now */
	uint32_t trust_numerator, trust_denominator;	/* from 1/3 to 1 */
};

/* CometBFT's own: 168 h (cmd/cometbft/commands/light.go), 10 s, 1/3. */
#define SB_LIGHT_RULES_DEFAULT	{ 168 * 3600, 10, 1, 3 }

/* sb_light_rules_valid() - period and drift not negative, the level within 1/3 and 1. */
bool sb_light_rules_valid(const struct sb_light_rules *rules);

/*
 * Now, as the caller knows it. A device without a clock has @known false and the latest time that
 * it can prove (a header it has verified, the time its software was built): then nothing is from
 * the future, and what is trusted expires by that proven time only.
 */
struct sb_light_now {
	bool known;
	struct sb_chain_time time;
};

/* sb_light_expired() - is @trusted too old? At exactly time + period it is. */
bool sb_light_expired(const struct sb_header *trusted, const struct sb_light_rules *rules,
		      const struct sb_light_now *now);

/*
 * sb_light_check() - a block in itself: fields, chain, its commit is for this header, and its
 * validators hash to what the header says. No signature is looked at.
 */
enum sb_light_verdict sb_light_check(const struct sb_light_block *block, const char *chain);

/*
 * sb_light_verify() - believe @block because of @trusted: adjacent by the announced validators,
 * else because more than the trust level of @trusted_set signed it; then more than two thirds of
 * its own. @trusted_set: validators that the trusted header names (its own or the next ones).
 */
enum sb_light_verdict sb_light_verify(const struct sb_header *trusted,
				      const struct sb_validator_set *trusted_set,
				      const struct sb_light_block *block,
				      const struct sb_light_rules *rules,
				      const struct sb_light_now *now);

/* sb_light_verify_back() - @header is the parent of @trusted: by its hash alone. */
enum sb_light_verdict sb_light_verify_back(const struct sb_header *trusted,
					   const struct sb_header *header);

/*
 * sb_light_commit() - more than two thirds of @block's own validators have signed it. All that
 * makes a first header one to trust, beside its hash. sb_light_check() comes before.
 */
enum sb_light_verdict sb_light_commit(const struct sb_light_block *block);

/* sb_light_text() - the verdict's name (kebab case) and a sentence; never NULL. */
const char *sb_light_name(enum sb_light_verdict verdict);
const char *sb_light_text(enum sb_light_verdict verdict);

#endif
