/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the ledger role's logic only. */
#ifndef SB_LEDGER_INTERNAL_H
#define SB_LEDGER_INTERNAL_H

#include "common/parse.h"
#include "device/ledger.h"
#include "device/ledger_claim.h"
#include "device/ledger_state.h"
#include "owner/envelope.h"
#include "state/codes.h"
#include "state/ledger.pb-c.h"
#include "state/membership.h"
#include "state/message.h"
#include "state/run.h"
#include "sealbond/limits.h"

#define LEDGER_BELONGINGS	SB_ENVELOPE_READERS	/* its zone, and conduits */
#define LEDGER_RECORD_MAX	262144

/* A zone or conduit that this device is in. */
struct ledger_zone {
	uint8_t id[16], key[32], authority[32], proof[64];
	bool conduit;
	struct sb_tag_rules rules;	/* what a conduit is for; none: everything */
};

struct ledger_peer {
	uint8_t id[32];
	char name[64];
	uint8_t zone;			/* of those that this device is in */
	uint8_t proof[64];		/* that it is in the zone, too */
	uint8_t shown[32];		/* BLAKE2b of a tag of its record, and of what has shown it to be the zone's */
	bool belongs;			/* its record has such a tag */
	bool listed;			/* its zone has it; else it goes */
	bool placed;			/* it was listed since this process began */
	bool in_kernel;
	bool known;			/* what follows was read */
	uint32_t state;			/* DeviceState */
	int64_t lease_end;
	uint8_t key[32];
	union sb_endpoint endpoint;
	bool fresh;			/* key or endpoint changed since the last grant */
	uint64_t due_ms;		/* of the next grant; 0: now */
	uint64_t until_ms;		/* of the last one, at the latest */
	uint64_t lease_ms;		/* of that, before its hold */
	unsigned int failures;
};

struct sb_ledger {
	const struct sb_ledger_port *port;
	struct sb_ledger_settings settings;
	struct sb_lease_facts facts;
	struct sb_head head;
	uint64_t head_ms;		/* when it came; 0: none */
	int64_t parent_least;		/* seconds: its parent is not older; 0: not known */
	uint8_t read_hash[32];		/* app hash that the records below were read at */
	bool read_any, hurry, keys_changed;

	bool has_identity;
	struct sb_identity_answer identity;
	uint64_t identity_ms;		/* not before */
	struct sb_iak_answer *iak;	/* NULL: none, or not asked for yet */
	bool iak_asked;
	Sealbond__Parameters *parameters;
	Sealbond__Device *self, *enrolment;
	uint64_t parameters_ms;		/* when they were read */
	bool moving;			/* the ledger is closed, or its successor is not to be had yet */

	/* heartbeats and other transactions */
	uint64_t act_ms;		/* not before */
	unsigned int failures;		/* in a row */
	struct sb_quote_clock sent_clock;	/* of the quote of the last transaction */
	uint64_t sent_ms;
	bool has_sent;
	bool cleared;			/* the TPM was, since the ledger's last quote of it */
	uint64_t beats, refused;
	uint32_t last_code;
	bool beat_wanted;		/* what it tells has changed */
	uint8_t told[SB_ENVELOPE_SHARED_LEN];	/* endpoints as they were sealed last */
	char said[512];			/* what was in them */
	size_t told_length;
	uint32_t profile_version;	/* that is in force */
	bool has_profile;		/* the link role has looked at one: */
	uint8_t profile_tried[32];	/* BLAKE2b of it, sealed */
	bool profile_again;		/* it has to, once more */
	char profile_text[sizeof(((struct sb_ledger_reply *)0)->profile)];
	bool has_profile_hold;
	uint64_t profile_hold_ms;

	struct ledger_zone zone[LEDGER_BELONGINGS];
	size_t zones;
	bool unread;			/* one of them is being re-keyed: who is in it cannot be told now */
	struct ledger_peer *peer;	/* sorted by id */
	size_t peers;
	size_t turn;			/* whose record is read next */
	struct sb_ledger_local local;
	bool local_told;
	unsigned int poll_failures;
	char text[512];			/* what went wrong last */
};

static inline uint64_t ledger_now(const struct sb_ledger *ledger)
{
	return ledger->port->now_ms(ledger->port->context);
}

static inline uint32_t ledger_random(const struct sb_ledger *ledger)
{
	return ledger->port->random(ledger->port->context);
}

/* Keeps the sentence, and logs it when it is another one than before. */
void ledger_text(struct sb_ledger *ledger, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What a call of the light client returned: sets or clears the trouble. Returns result. */
int ledger_note(struct sb_ledger *ledger, int result, const struct sb_error *error);
/* The lease's end by the ledger's parameters, the profile and the configuration. */
void ledger_set_hold(struct sb_ledger *ledger);

/*
 * A record, read and unpacked: *message to be freed by sb_message_free(), NULL where there is none. -EBADMSG: not
 * what this program knows.
 */
int ledger_read(struct sb_ledger *ledger, const ProtobufCMessageDescriptor *type, enum sb_record_kind kind,
		const void *id, size_t id_length, void **message);

/* ledger_submit.c: quotes over a body and hands it in. 0: taken. Else act_ms says when to try again. */
int ledger_submit(struct sb_ledger *ledger, const struct sb_keys_answer *keys, uint32_t pcrs, const uint8_t *body,
		size_t length, const char *what);
void ledger_failed(struct sb_ledger *ledger);	/* the next try, later than the one before */

/* ledger_enrol.c */
void ledger_enrol(struct sb_ledger *ledger, const struct sb_keys_answer *keys);
void ledger_activate(struct sb_ledger *ledger, const struct sb_keys_answer *keys);

/* ledger_beat.c: heartbeat, rotation */
/* @due: also where no key has changed. */
void ledger_live(struct sb_ledger *ledger, const struct sb_keys_answer *keys, bool due);
void ledger_take_lease(struct sb_ledger *ledger);	/* after self was read anew */

/* ledger_zone.c */
int ledger_follow_zone(struct sb_ledger *ledger);	/* memberships, roster, profile */
void ledger_forget_zone(struct sb_ledger *ledger);
void ledger_take_profile(struct sb_ledger *ledger);	/* where it is a new one, or profile_again */
void ledger_seal_endpoints(struct sb_ledger *ledger);	/* into told, beat_wanted when they changed */
/* Where a peer is, by what it has published. */
void ledger_open_endpoints(struct sb_ledger *ledger, struct ledger_peer *peer, ProtobufCBinaryData sealed);

/* ledger_peers.c */
struct ledger_peer *ledger_peer(struct sb_ledger *ledger, const uint8_t id[32]);
struct ledger_peer *ledger_add_peer(struct sb_ledger *ledger, const uint8_t id[32]);	/* NULL: too many */
void ledger_refresh_peers(struct sb_ledger *ledger);	/* all are granted anew with the next step */
int ledger_read_peers(struct sb_ledger *ledger);
void ledger_judge_peers(struct sb_ledger *ledger);	/* ends what may not be */
uint64_t ledger_grant_peers(struct sb_ledger *ledger);	/* renews; ms until the next is due */

#endif
