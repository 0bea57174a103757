// SPDX-License-Identifier: Apache-2.0
/*
 * The ledger's profile of this device: a mode, and which of the configured exceptions are in force. It adds none, and
 * changes nothing of a locked machine.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/states.h"
#include "device/link_internal.h"

static void add_text(struct sb_profile_answer *answer, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_text(struct sb_profile_answer *answer, const char *format, ...)
{
	size_t used = strlen(answer->text);
	va_list arguments;

	if (used && used + 2 < sizeof(answer->text))
		used += (size_t)snprintf(answer->text + used, sizeof(answer->text) - used, "; ");
	va_start(arguments, format);
	vsnprintf(answer->text + used, sizeof(answer->text) - used, format, arguments);
	va_end(arguments);
}

static bool names(const struct sb_profile_request *profile, const char *name)
{
	for (size_t i = 0; i < profile->exceptions; i++)
		if (strcmp(profile->exception[i], name) == 0)
			return true;
	return false;
}

/* The way to the ledger stays: no profile could come by otherwise. */
size_t link_profile_exceptions(const struct sb_link *link, struct sb_exception *list)
{
	size_t count = 0;

	for (size_t i = 0; i < link->config.exceptions_count; i++) {
		const struct sb_exception *one = &link->config.exceptions[i];

		if (!link->profile.has_exceptions || one->kind == SEALBOND_EXC_LEDGER || names(&link->profile, one->name))
			list[count++] = *one;
	}
	return count;
}

static const char *unknown(const struct sb_link *link, const struct sb_profile_request *profile)
{
	for (size_t i = 0; i < profile->exceptions; i++) {
		size_t at = 0;

		while (at < link->config.exceptions_count &&
		       strcmp(link->config.exceptions[at].name, profile->exception[i]) != 0)
			at++;
		if (at == link->config.exceptions_count)
			return profile->exception[i];
	}
	return NULL;
}

static void take_exceptions(struct sb_link *link, const struct sb_profile_request *wanted, bool locked,
			    struct sb_profile_answer *answer)
{
	const char *name = wanted->has_exceptions ? unknown(link, wanted) : NULL;
	struct sb_profile_request before = link->profile;
	struct sb_error error = { "" };

	if (!wanted->has_exceptions && !before.has_exceptions)
		return;
	if (name) {
		add_text(answer, "exceptions: the configuration has none called %s, and a profile adds none", name);
		return;
	}
	if (locked) {
		add_text(answer, "exceptions: locked until the reboot");
		return;
	}
	link->profile.has_exceptions = wanted->has_exceptions;
	link->profile.exceptions = wanted->exceptions;
	memcpy(link->profile.exception, wanted->exception, sizeof(wanted->exception));
	if (link_set_exceptions(link, &error) < 0) {
		add_text(answer, "%s", error.text);
		link->profile = before;
		return;
	}
	answer->exceptions_taken = 1;
}

static void take_mode(struct sb_link *link, const struct sb_profile_request *wanted, const struct sb_status *status,
		      struct sb_profile_answer *answer)
{
	struct sb_error error = { "" };

	if (!wanted->mode) {
		link->profile.mode = 0;
		return;
	}
	if (status->locked && status->mode != wanted->mode) {
		add_text(answer, "mode: locked in %s until the reboot", sb_mode_word(status->mode));
		return;
	}
	if (link->config.lock && wanted->mode != SEALBOND_MODE_ENFORCE) {
		add_text(answer, "mode: the configuration locks this device in enforce");
		return;
	}
	link->profile.mode = wanted->mode;
	if (status->mode != wanted->mode && link_set_mode(link, &error) < 0) {
		add_text(answer, "%s", error.text);
		link->profile.mode = 0;
		return;
	}
	answer->mode_taken = 1;
}

void link_profile_take(struct sb_link *link, struct sb_profile_request *wanted)
{
	struct sb_profile_answer answer = { .version = wanted->version, .error = -ENOENT };
	struct sb_status status;

	if (wanted->exceptions > SB_PROFILE_EXCEPTIONS ||
	    (wanted->mode && wanted->mode != SEALBOND_MODE_OBSERVE && wanted->mode != SEALBOND_MODE_ENFORCE))
		answer.error = -EINVAL;
	else if (link->module)
		answer.error = sb_module_status(link->module, &status);
	if (answer.error == 0) {
		for (size_t i = 0; i < wanted->exceptions; i++)
			wanted->exception[i][SEALBOND_NAME_LEN - 1] = '\0';
		take_exceptions(link, wanted, status.locked, &answer);
		take_mode(link, wanted, &status, &answer);
		sb_info("version %u of the ledger's profile: %s", wanted->version, answer.text[0] ? answer.text : "in force");
	}
	sb_channel_send(link->channel, SB_ROLE_LINK, SB_ROLE_LEDGER, SB_MESSAGE_PROFILE_TAKEN, &answer, sizeof(answer));
}
