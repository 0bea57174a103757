// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/security.h"
#include "common/states.h"
#include "device/link_internal.h"

bool link_is_frozen(struct sb_link *link, int result, const char *what)
{
	struct sb_status status;
	size_t used = strlen(link->frozen);

	if (result != -EPERM || sb_module_status(link->module, &status) < 0 || !status.locked)
		return false;
	if (!strstr(link->frozen, what))
		snprintf(link->frozen + used, sizeof(link->frozen) - used, "%s%s", used ? ", " : "", what);
	sb_warn("locked: what the file says of %s takes effect after a reboot", what);
	return true;
}

/* A mode that waits for its confirmation is the operator's: the lock waits, too. */
void link_lock(struct sb_link *link)
{
	bool waited = link->lock_waits;
	int result;

	link->lock_waits = false;
	if (!link->config.lock || !link->module)
		return;
	result = sb_module_lock(link->module);
	link->lock_waits = result < 0;
	if (result < 0 && !waited)
		sb_warn("lock: %s; it is tried again", sb_module_error(link->module));
}

int link_set_mode(struct sb_link *link, struct sb_error *error)
{
	unsigned int mode = link->profile.mode ? link->profile.mode : link->config.mode;
	int result = sb_module_set_mode(link->module, mode, 0);

	if (link_is_frozen(link, result, "mode"))
		return 0;
	if (result < 0)
		return sb_fail(error, result, "mode %s: %s", sb_mode_word(mode), sb_module_error(link->module));
	sb_info("mode %s", sb_mode_word(mode));
	return 0;
}

int link_set_exceptions(struct sb_link *link, struct sb_error *error)
{
	struct sb_exception list[SB_EXCEPTIONS_MAX];
	int result = sb_module_set_exceptions(link->module, list, link_profile_exceptions(link, list));

	if (link_is_frozen(link, result, "exceptions"))
		return 0;
	if (result < 0)
		return sb_fail(error, result, "exceptions: %s", sb_module_error(link->module));
	return 0;
}

void link_compare_measured(struct sb_link *link, const struct sb_status *status)
{
	sb_cleanup_free struct sb_security *security = malloc(sizeof(*security));
	struct sb_security_keys keys;
	struct sb_error error = { "" };
	char before[sizeof(link->standing)];

	memcpy(before, link->standing, sizeof(before));
	link->standing[0] = '\0';
	if (!status->locked || !status->has_config_hash || !security)
		return;
	if (sb_security_load_keys(&link->config, NULL, &keys, &error) < 0) {
		snprintf(link->standing, sizeof(link->standing), "%s", error.text);
	} else {
		sb_security_make(&link->config, &keys, security);
		if (memcmp(security->hash, status->config_hash, sizeof(security->hash)) != 0)
			snprintf(link->standing, sizeof(link->standing), "%s",
				 "locked with another security configuration than the files on the disk say: "
				 "rebuild the initramfs, approve its boot, and reboot");
	}
	if (link->standing[0] && strcmp(before, link->standing) != 0)
		sb_warn("%s", link->standing);
}

int link_set_interface(struct sb_link *link, struct sb_error *error)
{
	const struct sb_config *config = &link->config;
	const struct sb_prefix *const addresses[] = { &config->overlay4, &config->overlay6 };
	uint32_t index;
	int result = sb_interface_ensure(link->interface, config->interface, (uint32_t)config->if_id,
					 (uint32_t)config->mtu, &index, error);

	for (int i = 0; i < 2 && result == 0; i++)
		if (addresses[i]->family)
			result = sb_interface_address(link->interface, index, addresses[i], error);
	if (result == 0)
		link->sb0_index = index;
	return result;
}

void link_del_addresses(struct sb_link *link, const struct sb_config *old)
{
	const struct sb_prefix *const before[] = { &old->overlay4, &old->overlay6 };
	const struct sb_prefix *const now[] = { &link->config.overlay4, &link->config.overlay6 };
	struct sb_error error;

	for (int i = 0; i < 2; i++)
		if (before[i]->family && memcmp(before[i], now[i], sizeof(*now[i])) != 0 &&
		    sb_interface_del_address(link->interface, link->sb0_index, before[i], &error) < 0)
			sb_warn("%s", error.text);
}

int link_set_local(struct sb_link *link, struct sb_error *error)
{
	const struct sb_config *config = &link->config;
	int result;

	if (!link->module || !link->sb0_index || !link->have_id)
		return 0;
	/* Its addresses come from the ledger, and have not come yet. */
	if (config->ledger.endpoints_count && !config->overlay4.family && !config->overlay6.family)
		return 0;
	result = sb_module_set_local(link->module, &link->config, link->device_id, link->sb0_index);
	if (result == -EBUSY) {
		/* Bonds of the old addresses: they are of no use any more. */
		sb_info("ending all bonds for the new settings of this device");
		result = sb_module_end_bond(link->module, NULL);
		if (result == 0)
			result = sb_module_set_local(link->module, &link->config, link->device_id, link->sb0_index);
	}
	if (link_is_frozen(link, result, "device id and chain"))
		result = 0;
	if (result < 0)
		return sb_fail(error, result, "this device's settings: %s", sb_module_error(link->module));
	link->local_set = true;
	return 0;
}
