// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/sha256.h"
#include "device/ledger_internal.h"
#include "state/change.h"

#define PARAMETERS_MS	600000	/* they change by votes only; a refused transaction has them read at once */
#define IDLE_MS		2000	/* between two looks of a device without a lease */
#define UNREACHABLE_MS	30000	/* at most, between two tries */
#define BACK_MS		120000	/* after a loss, for all to send their heartbeats before bonds end by their leases */
#define BACK_BEAT_MS	20000	/* and within so long, not all at once */
#define MOVE_MS		20000	/* between two looks for a successor that does not answer yet */
#define STALLED_MS	600000	/* without a new block: ten idle intervals of the embedded chain */

void ledger_text(struct sb_ledger *ledger, const char *format, ...)
{
	char text[sizeof(ledger->text)];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (strcmp(text, ledger->text) == 0)
		return;
	memcpy(ledger->text, text, sizeof(text));
	if (text[0])
		sb_warn("%s", text);
}

int ledger_note(struct sb_ledger *ledger, int result, const struct sb_error *error)
{
	enum sb_ledger_trouble trouble = result == -EHOSTUNREACH ? SB_TROUBLE_UNREACHABLE :
					 result == -ENOTUNIQ ? SB_TROUBLE_FORK :
					 result == -EKEYEXPIRED ? SB_TROUBLE_EXPIRED : SB_TROUBLE_NONE;

	if (result == 0 || trouble != SB_TROUBLE_NONE)
		ledger->facts.trouble = trouble;
	if (result < 0)
		ledger_text(ledger, "%s", error->text);
	return result;
}

void ledger_set_hold(struct sb_ledger *ledger)
{
	uint64_t hold = ledger->parameters ? ledger->parameters->hold * 1000ULL : 0;

	/* Each of them can only make it shorter. */
	if (ledger->has_profile_hold && ledger->profile_hold_ms < hold)
		hold = ledger->profile_hold_ms;
	if (ledger->settings.has_hold && ledger->settings.hold_ms < hold)
		hold = ledger->settings.hold_ms;
	if (hold == ledger->facts.hold_ms)
		return;
	ledger->facts.hold_ms = hold;
	/* What the kernel was granted holds for as long as was right before. */
	for (size_t i = 0; i < ledger->peers; i++)
		ledger->peer[i].fresh = true;
}

int ledger_read(struct sb_ledger *ledger, const ProtobufCMessageDescriptor *type, enum sb_record_kind kind,
		const void *id, size_t id_length, void **message)
{
	uint8_t key[SB_RECORD_KEY_MAX];
	size_t length = sb_record_key(kind, id, id_length, key);
	struct sb_port_record record = { 0 };
	struct sb_error error = { "" };
	int result = ledger_note(ledger, ledger->port->read(ledger->port->context, key, length, &record, &error), &error);
	sb_cleanup_free uint8_t *value = record.value;

	if (result < 0)
		return result;
	*message = NULL;
	if (!record.present)
		return 0;
	*message = record.length <= LEDGER_RECORD_MAX ? sb_message_read(type, value, record.length) : NULL;
	if (!*message) {
		ledger_text(ledger, "the ledger has a record that this program cannot read: install one that fits");
		return -EBADMSG;
	}
	return 0;
}

struct sb_ledger *sb_ledger_new(const struct sb_ledger_port *port, const struct sb_ledger_settings *settings)
{
	struct sb_ledger *ledger = calloc(1, sizeof(*ledger));

	if (!ledger)
		return NULL;
	ledger->port = port;
	ledger->settings = *settings;
	return ledger;
}

void sb_ledger_free(struct sb_ledger *ledger)
{
	if (!ledger)
		return;
	free(ledger->iak);
	sb_message_free(ledger->parameters);
	sb_message_free(ledger->self);
	sb_message_free(ledger->enrolment);
	free(ledger->peer);
	explicit_bzero(ledger, sizeof(*ledger));
	free(ledger);
}

static int know_identity(struct sb_ledger *ledger)
{
	struct sb_error error = { "" };
	int result;

	if (ledger->has_identity)
		return 0;
	if (ledger_now(ledger) < ledger->identity_ms)
		return -EAGAIN;
	result = ledger->port->identity(ledger->port->context, &ledger->identity, &error);
	ledger->has_identity = result == 0;
	if (result < 0) {
		ledger_text(ledger, "%s", error.text);
		ledger->identity_ms = ledger_now(ledger) + sb_retry_after(4, 0, ledger_random(ledger));
	}
	return result;
}

static int sync_head(struct sb_ledger *ledger)
{
	struct sb_error error = { "" };
	struct sb_head head;
	bool was_stalled;
	int result = ledger->port->sync(ledger->port->context, &head, &error);

	if (ledger_note(ledger, result, &error) < 0) {
		ledger->poll_failures++;
		return result;
	}
	ledger->poll_failures = 0;
	if (head.height != ledger->head.height) {
		ledger->head_ms = ledger_now(ledger);
		ledger->parent_least = ledger->head.seconds;
	}
	ledger->head = head;
	was_stalled = ledger->facts.stalled;
	ledger->facts.stalled = ledger_now(ledger) - ledger->head_ms >= STALLED_MS;
	if (was_stalled && !ledger->facts.stalled && ledger->act_ms > ledger_now(ledger) + BACK_BEAT_MS)
		ledger->act_ms = ledger_now(ledger) + ledger_random(ledger) % BACK_BEAT_MS;
	if (ledger->facts.stalled)
		ledger_text(ledger, "the ledger answers, but has made no block since height %lld", (long long)head.height);
	return 0;
}

/* The ledger has gone on as another chain: there it is the same device, with the same lease. */
static int move_on(struct sb_ledger *ledger, const Sealbond__Succession *succession)
{
	struct sb_error error = { "" };
	uint64_t now = ledger_now(ledger), soon = now + ledger_random(ledger) % BACK_BEAT_MS;
	sb_cleanup_free uint8_t *packed = NULL;
	size_t length;
	int result;

	packed = sb_message_pack(succession, &length);
	result = ledger->port->succeed(ledger->port->context, packed, length, &error);
	if (result < 0) {
		ledger_text(ledger, "the ledger goes on as %s, which is not to be had yet: %s", succession->chain, error.text);
		return result;
	}
	sb_info("the ledger goes on as %s", succession->chain);
	ledger->read_any = false;
	ledger->failures = 0;
	/* All devices come at about the same time. */
	if (ledger->act_ms > soon)
		ledger->act_ms = soon;
	return sync_head(ledger);
}

/* Old chain or new one: what is read next is of the one that is followed. */
static int follow_succession(struct sb_ledger *ledger)
{
	SB_AUTO_MESSAGE void *record = NULL;
	const Sealbond__Succession *succession;
	int result = ledger_read(ledger, &sealbond__succession__descriptor, SB_RECORD_SUCCESSION, NULL, 0, &record);

	succession = record;
	/* One that is closed alone has no successor yet. */
	if (result < 0 || !succession || !succession->chain[0])
		return result < 0 ? result : !!succession;
	return move_on(ledger, succession) < 0 ? 1 : 0;
}

/* Where the ledger can be asked. One that cannot be read or kept is no reason to stop: there are the configuration's. */
static void learn_endpoints(struct sb_ledger *ledger)
{
	SB_AUTO_MESSAGE Sealbond__Endpoints *all = NULL;
	const char *url[SB_ENDPOINTS_MOST];
	void *record = NULL;
	size_t count = 0;

	if (!ledger->port->learn ||
	    ledger_read(ledger, &sealbond__endpoints__descriptor, SB_RECORD_ENDPOINTS, NULL, 0, &record) < 0)
		return;
	all = record;
	for (size_t i = 0; all && i < all->n_endpoints && count < SB_ENDPOINTS_MOST; i++)
		url[count++] = all->endpoints[i]->url;
	ledger->port->learn(ledger->port->context, url, count);
}

static int read_parameters(struct sb_ledger *ledger)
{
	const uint64_t again = ledger->moving ? MOVE_MS : PARAMETERS_MS;
	sb_cleanup_free uint8_t *packed = NULL;
	void *parameters = NULL, *members = NULL;
	struct sb_error error = { "" };
	size_t length;
	int result;

	if (ledger->parameters && ledger_now(ledger) - ledger->parameters_ms < again)
		return 0;
	result = follow_succession(ledger);
	ledger->moving = result > 0;
	if (result >= 0)
		result = ledger_read(ledger, &sealbond__parameters__descriptor, SB_RECORD_PARAMETERS, NULL, 0, &parameters);
	if (result == 0)
		result = ledger_read(ledger, &sealbond__members__descriptor, SB_RECORD_MEMBERS, NULL, 0, &members);
	if (result == 0 && members) {
		packed = sb_message_pack(members, &length);
		/* Only for a checkpoint one day: what is wrong with it is no reason to stop here. */
		if (ledger->port->members(ledger->port->context, packed, length, ledger->head.height, &error) < 0)
			sb_warn("the members' record: %s", error.text);
	}
	sb_message_free(members);
	if (result < 0 || !parameters) {
		sb_message_free(parameters);
		return result < 0 ? result : -EBADMSG;
	}
	sb_message_free(ledger->parameters);
	ledger->parameters = parameters;
	ledger->parameters_ms = ledger_now(ledger);
	ledger_set_hold(ledger);
	learn_endpoints(ledger);
	return 0;
}

/* Its device record, and where there is none that of its enrolment. */
static int read_self(struct sb_ledger *ledger)
{
	uint8_t id[48], digest[SB_SHA256_LEN];
	void *self = NULL, *enrolment = NULL;
	int result = ledger_read(ledger, &sealbond__device__descriptor, SB_RECORD_DEVICE, ledger->identity.device_id, 32,
				 &self);

	memcpy(id, ledger->identity.device_id, 32);
	sb_digest_of(ledger->identity.ak_name, sizeof(ledger->identity.ak_name), digest);
	memcpy(id + 32, digest, 16);
	if (result == 0 && !self)
		result = ledger_read(ledger, &sealbond__device__descriptor, SB_RECORD_ENROLMENT, id, sizeof(id), &enrolment);
	if (result < 0) {
		sb_message_free(self);
		return result;
	}
	sb_message_free(ledger->self);
	sb_message_free(ledger->enrolment);
	ledger->self = self;
	ledger->enrolment = enrolment;
	ledger->facts.asked = true;
	/* Approved, resumed, proven, or retired: there may be something to say at once. */
	if (ledger->facts.device != (ledger->self ? ledger->self->state : 0U)) {
		ledger->act_ms = 0;
		ledger->failures = 0;
		/* Grants say of their holder, too, whether it is in quarantine. */
		ledger_refresh_peers(ledger);
	}
	ledger->facts.device = ledger->self ? ledger->self->state : 0;
	ledger->facts.enrolling = ledger->enrolment != NULL;
	ledger_take_lease(ledger);
	return 0;
}

static void tell_local(struct sb_ledger *ledger)
{
	const Sealbond__Parameters *parameters = ledger->parameters;
	const Sealbond__Device *self = ledger->self;
	struct sb_ledger_local local = { 0 };

	if (!self || !parameters || (!self->overlay4.len && !self->overlay6.len))
		return;
	if (self->overlay4.len == 4 && parameters->overlay4.len == 5) {
		memcpy(local.overlay4, self->overlay4.data, 4);
		local.overlay4_bits = parameters->overlay4.data[4];
	}
	if (self->overlay6.len == 16 && parameters->overlay6.len == 17) {
		memcpy(local.overlay6, self->overlay6.data, 16);
		local.overlay6_bits = parameters->overlay6.data[16];
	}
	if (ledger->local_told && memcmp(&local, &ledger->local, sizeof(local)) == 0)
		return;
	ledger->local = local;
	ledger->local_told = true;
	ledger->port->local(ledger->port->context, &local);
}

static int look(struct sb_ledger *ledger)
{
	int result = read_parameters(ledger);

	if (result < 0 || (ledger->read_any && memcmp(ledger->read_hash, ledger->head.app_hash, 32) == 0))
		return result;
	result = read_self(ledger);
	if (result == 0 && sb_ledger_may_talk(&ledger->facts, ledger_now(ledger)))
		result = ledger_follow_zone(ledger);
	if (result == 0)
		result = ledger_read_peers(ledger);
	/* More peers than one step reads: the rest come with the next. */
	if (result > 0)
		return 0;
	if (result == 0) {
		memcpy(ledger->read_hash, ledger->head.app_hash, 32);
		ledger->read_any = true;
	}
	return result;
}

/* What the link role has to have of the ledger; one that was started anew hears it also while the ledger is away. */
static void tell_link(struct sb_ledger *ledger)
{
	tell_local(ledger);
	if (ledger->profile_again && ledger->self)
		ledger_take_profile(ledger);
}

static bool keys_ready(struct sb_ledger *ledger, struct sb_keys_answer *keys)
{
	struct sb_error error = { "" };

	if (ledger->port->keys(ledger->port->context, keys, &error) < 0) {
		ledger_text(ledger, "%s", error.text);
	} else if (!keys->has_current && !keys->has_candidate) {
		ledger_text(ledger, "the kernel holds no bond key yet: sealbond status says why");
	} else {
		return true;
	}
	ledger->act_ms = ledger_now(ledger) + IDLE_MS;
	return false;
}

static bool is_live(const struct sb_ledger *ledger)
{
	return ledger->facts.device == SEALBOND__DEVICE_STATE__LIVE ||
	       ledger->facts.device == SEALBOND__DEVICE_STATE__QUARANTINED;
}

/* What the device has to say, by what the ledger knows of it. */
static void act(struct sb_ledger *ledger)
{
	struct sb_keys_answer keys;
	bool hurry = ledger->hurry, live = is_live(ledger), due;

	if (hurry)
		ledger->act_ms = 0;
	if (live)
		ledger_seal_endpoints(ledger);
	due = ledger_now(ledger) >= ledger->act_ms || ledger->beat_wanted;
	if (!due && !ledger->keys_changed)
		return;
	/* An enrolment that waits for its enrollers has nothing to say. */
	switch (ledger->facts.device) {
	case SEALBOND__DEVICE_STATE__NONE:
		if (ledger->settings.enrol || hurry)
			break;
		return;
	case SEALBOND__DEVICE_STATE__RETIRED:
		if (hurry)
			break;
		return;
	case SEALBOND__DEVICE_STATE__LIVE: case SEALBOND__DEVICE_STATE__QUARANTINED:
		break;
	default:
		return;
	}
	if (!keys_ready(ledger, &keys))
		return;
	ledger->hurry = ledger->keys_changed = false;
	if (live)
		ledger_live(ledger, &keys, due);
	else if (ledger->enrolment)
		ledger_activate(ledger, &keys);
	else
		ledger_enrol(ledger, &keys);
}

static uint64_t wait_after(struct sb_ledger *ledger, int result, uint64_t granted)
{
	uint64_t poll = ledger->settings.poll_ms ? ledger->settings.poll_ms : SB_LEDGER_POLL_MS;
	uint64_t wait = is_live(ledger) ? poll : IDLE_MS;

	if (result < 0) {
		wait = sb_retry_after(ledger->poll_failures ? ledger->poll_failures : 1, 0, ledger_random(ledger));
		return wait < UNREACHABLE_MS ? wait : UNREACHABLE_MS / 2 + ledger_random(ledger) % (UNREACHABLE_MS / 2);
	}
	if (granted < wait)
		wait = granted;
	return wait - wait / 10 + ledger_random(ledger) % (wait / 5 + 1);
}

uint64_t sb_ledger_step(struct sb_ledger *ledger)
{
	uint64_t granted = UINT64_MAX;
	int result = sync_head(ledger);

	if (result == 0)
		result = know_identity(ledger);
	if (result == 0)
		result = look(ledger);
	tell_link(ledger);
	/* Before anything that takes its time. */
	ledger_judge_peers(ledger);
	if (result == 0) {
		act(ledger);
		granted = ledger_grant_peers(ledger);
	}
	if (ledger->facts.trouble != SB_TROUBLE_NONE || ledger->facts.stalled)
		ledger->facts.back_ms = ledger_now(ledger) + BACK_MS;
	return wait_after(ledger, result, granted);
}

void sb_ledger_hurry(struct sb_ledger *ledger)
{
	ledger->hurry = true;
	ledger->parameters_ms = 0;
	ledger->identity_ms = 0;
}

void sb_ledger_keys_changed(struct sb_ledger *ledger)
{
	ledger->keys_changed = true;
	/* A link role that was started anew says so by this, and knows neither the addresses nor the profile. */
	ledger->local_told = false;
	ledger->profile_again = true;
}

static void report_self(const Sealbond__Device *self, struct sb_ledger_reply *reply)
{
	reply->admitted = self->key.len == 32;
	if (self->next_key.len == 32)
		memcpy(reply->next, self->next_key.data, 32);
	if (self->why[0])
		snprintf(reply->why, sizeof(reply->why), "%s", self->why);
	else if (self->waiting_key.len)
		snprintf(reply->why, sizeof(reply->why), "this boot state is not the one that was admitted: the next bond key "
			 "waits until the owner has approved it (sealbond device approve), or a reference value fits");
}

void sb_ledger_report(const struct sb_ledger *ledger, struct sb_ledger_reply *reply)
{
	const struct sb_lease_facts *facts = &ledger->facts;
	uint64_t now = ledger_now(ledger);

	memset(reply, 0, sizeof(*reply));
	reply->state = sb_ledger_state(facts, now);
	reply->has_device = ledger->has_identity;
	memcpy(reply->device_id, ledger->identity.device_id, 32);
	snprintf(reply->chain, sizeof(reply->chain), "%s", ledger->settings.chain);
	reply->has_lease = facts->has_deadline && now < facts->deadline_ms;
	reply->lease_ms = reply->has_lease ? facts->deadline_ms - now : 0;
	reply->hold_ms = facts->hold_ms;
	if (reply->state == SB_LEDGER_HELD)
		reply->hold_left_ms = facts->deadline_ms + facts->hold_ms - now;
	reply->beat_ms = ledger->act_ms > now ? ledger->act_ms - now : 0;
	reply->beats = ledger->beats;
	reply->beats_refused = ledger->refused;
	reply->last_code = ledger->last_code;
	reply->height = ledger->head.height;
	reply->seconds = ledger->head.seconds;
	reply->witnessed = ledger->head.witnessed;
	reply->head_age_ms = ledger->head_ms ? now - ledger->head_ms : 0;
	reply->profile_version = ledger->profile_version;
	memcpy(reply->profile, ledger->profile_text, sizeof(reply->profile));
	for (size_t i = 0; i < ledger->peers; i++) {
		reply->roster += ledger->peer[i].listed;
		reply->peers += ledger->peer[i].in_kernel && ledger->peer[i].until_ms > now;
		reply->held += ledger->peer[i].in_kernel && ledger->peer[i].until_ms > now &&
			       (reply->state == SB_LEDGER_HELD || ledger->peer[i].lease_ms <= now);
	}
	if (ledger->self && ledger->self->last && ledger->head.height) {
		int64_t since = ledger->head.seconds - ledger->self->last->time;

		reply->has_quote = true;
		reply->quote_seconds = ledger->self->last->time;
		reply->quote_age_ms = (since > 0 ? (uint64_t)since * 1000 : 0) + reply->head_age_ms;
	}
	if (ledger->self)
		report_self(ledger->self, reply);
	snprintf(reply->text, sizeof(reply->text), "%s", ledger->text);
}
