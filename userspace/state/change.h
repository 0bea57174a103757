/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What members decide, and what a genesis begins with: each change is looked at alone (its form), then all of a
 * proposal are made as one, or none. Whatever they are, members who can decide and validators remain.
 */
#ifndef SB_STATE_CHANGE_H
#define SB_STATE_CHANGE_H

#include "state/run.h"

#define SB_NAME_MAX		64	/* bytes of a name, for people */
#define SB_URL_MAX		200
#define SB_WEIGHT_MAX		1000000	/* of one member */
#define SB_VALIDATOR_POWER_MAX		1000000000000	/* of one validator: far below CometBFT's total */
#define SB_RULES_KNOWN		1	/* the version that these rules are */
#define SB_RULES_NOTICE		100	/* blocks between the decision and the new rules, at least */

#define SB_VALIDATORS_GAP	2	/* blocks after a change of validators: the chain uses the new ones from there on */

/* How many of each there may be. Removal never meets a limit. */
#define SB_MEMBERS_MOST		128	/* as many as a light client believes */
#define SB_ENROLLERS_MOST	64
#define SB_ROOTS_MOST		64	/* as many as an enrolment is checked against */
#define SB_REFERENCES_MOST	1024
#define SB_RELEASES_MOST	256
#define SB_VALIDATORS_MOST	128
#define SB_ENDPOINTS_MOST	64
#define SB_SUCCESSOR_URLS_MOST	8	/* as many as a light client takes */

/* A sentence, a name: printable, and not longer than most bytes. */
bool sb_text_is_fine(const char *text, size_t most);
/* http:// or https://, at most SB_URL_MAX bytes. */
bool sb_is_url(const char *url);

/*
 * sb_change_check() - the form of one: SB_TX_OK, or SB_TX_FIELD with its place, which begins with @at ("changes[2]"),
 * and what it should be. What it needs of the records is looked at when it is made.
 */
enum sb_tx_code sb_change_check(struct sb_run *run, const char *at, const Sealbond__Change *change);

/*
 * sb_changes_make() - makes all, in their order, after sb_change_check() has taken each. On any refusal what was
 * done so far has to be dropped with the transaction. SB_TX_CHANGE says which one cannot be made and why;
 * SB_TX_LAST_MEMBERS, SB_TX_LAST_VALIDATOR, SB_TX_VALIDATORS_ASLEEP: not with these; SB_TX_VALIDATORS_CHANGE: not yet.
 */
enum sb_tx_code sb_changes_make(struct sb_run *run, size_t count, Sealbond__Change *const *changes);

/* Members in the order of their keys, each once, none without weight. NULL where there are none. */
Sealbond__Members *sb_members_load(struct sb_run *run);
uint32_t sb_members_weight_of(const Sealbond__Members *members, ProtobufCBinaryData key);
const char *sb_members_name_of(const Sealbond__Members *members, ProtobufCBinaryData key);	/* "": no member */
uint64_t sb_members_weight(const Sealbond__Members *members);

/* Adds, replaces or (weight 0) removes. false: there is none to remove. */
bool sb_members_set(Sealbond__Members *members, const Sealbond__Member *member);

/* endpoints.c: the one record with all endpoints, after one of them has changed. */
enum sb_tx_code sb_endpoints_list(struct sb_run *run);

/* parameters.c: SB_TX_FIELD with the place. Those that cannot change once there are devices, too. */
enum sb_tx_code sb_parameters_check(struct sb_run *run, const char *at, const Sealbond__Parameters *parameters);

#endif
