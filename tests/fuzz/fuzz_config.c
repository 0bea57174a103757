// SPDX-License-Identifier: Apache-2.0
/*
 * Arbitrary bytes as a configuration and as a peers' file, through the same readers that the
 * helper uses. What is taken must keep the rules that the code behind them counts on; what is
 * refused must say why.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/config.h"
#include "common/peers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int condition)
{
	if (!condition)
		abort();
}

static void check_config(const struct sb_config *config)
{
	demand(config->overlay4.family || config->overlay6.family);
	demand(config->algorithms_count >= 1 && config->algorithms_count <= 2);
	demand(config->exceptions_count <= SB_EXCEPTIONS_MAX);
	demand(config->mtu >= 1280 && config->mtu <= 65535);
	demand(!(config->pcrs & 1U << config->cap_pcr) && config->pcrs < 1U << 24);
	demand(config->hard_after > config->after);
	demand(memchr(config->release_key, '\0', sizeof(config->release_key)) != NULL);
	for (size_t i = 0; i < config->exceptions_count; i++) {
		const struct sb_exception *exception = &config->exceptions[i];

		demand(exception->kind > SEALBOND_EXC_NONE && exception->kind < __SEALBOND_EXC_MAX);
		demand(exception->dir <= 3 && exception->proto <= 255 && exception->remote_port <= 65535);
		demand(memchr(exception->name, '\0', sizeof(exception->name)) != NULL && exception->name[0]);
	}
}

static void check_peers(const struct sb_peer_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct sb_peer_entry *peer = &list->entry[i];

		demand(i == 0 || memcmp(list->entry[i - 1].device_id, peer->device_id, 32) < 0);
		demand(peer->overlay4.family || peer->overlay6.family);
		demand(sb_peers_by_id(list, peer->device_id) == peer);
		demand(sb_peer_lease_at(peer, 0) <= peer->lease);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sb_error error = { "" };
	struct sb_peer_list list;
	struct sb_config config;

	if (size > 0 && data[0] & 1) {
		if (sb_peers_parse("p", (const char *)data + 1, size - 1, &list, &error) == 0) {
			check_peers(&list);
			sb_peers_free(&list);
			return 0;
		}
	} else if (sb_config_parse("c", (const char *)data + (size > 0), size - (size > 0), &config, &error) == 0) {
		check_config(&config);
		return 0;
	}
	demand(error.text[0] != '\0');
	return 0;
}
