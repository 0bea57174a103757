// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <errno.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/peers.h"

#define ID_A	"00000000000000000000000000000000000000000000000000000000000000aa"
#define ID_B	"00000000000000000000000000000000000000000000000000000000000000bb"
#define A	"[peer a]\ndevice_id = " ID_A "\nkey = " ID_A "\noverlay4 = 10.77.0.1\n"
#define B	"[peer b]\ndevice_id = " ID_B "\nkey = " ID_B "\n"

static int parse(const char *text, struct sb_peer_list *list, struct sb_error *error)
{
	return sb_peers_parse("p.conf", text, strlen(text), list, error);
}

static void whole(void **state)
{
	static const char text[] = B "overlay6 = fd77::2\nendpoint = [fd00::2]:7454\nlease = 1h\n"
		"until = 2030-01-01\nquarantine = yes\n" A;
	struct sb_peer_list list;
	struct sb_error error;
	const struct sb_peer_entry *b;

	if (parse(text, &list, &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(list.count, 2);
	/* Sorted by id. */
	assert_string_equal(list.entry[0].name, "a");
	assert_int_equal(list.entry[0].lease, SB_LEASE_DEFAULT_MS);
	assert_int_equal(list.entry[0].endpoint.any.sa_family, 0);
	b = sb_peers_by_name(&list, "b");
	assert_ptr_equal(b, sb_peers_by_id(&list, list.entry[1].device_id));
	assert_int_equal(b->lease, 3600000);
	assert_true(b->quarantine);
	assert_int_equal(b->endpoint.any.sa_family, AF_INET6);
	assert_null(sb_peers_by_name(&list, "c"));
	sb_peers_free(&list);
	assert_null(sb_peers_by_id(&list, (const uint8_t[32]){ 0 }));
}

static void nobody(void **state)
{
	struct sb_peer_list list;
	struct sb_error error;

	assert_int_equal(parse("# nobody yet\n", &list, &error), 0);
	assert_int_equal(list.count, 0);
	sb_peers_free(&list);
}

static const struct {
	const char *text, *message;
} wrong[] = {
	{ "[device]\n", "p.conf:1: [device]: no such section; allowed: [peer NAME]" },
	{ "[peer]\n", "p.conf:1: a peer needs a name, e.g. [peer pump-3]" },
	{ "[peer a]\ncolour = red\n", "p.conf:2: colour: no such key in [peer]" },
	{ "[peer a]\ndevice-id = 1\n", "p.conf:2: device-id: no such key in [peer]; did you mean device_id?" },
	{ "[peer a]\ndevice_id = 1\n", "p.conf:2: device_id = 1: not a device id; allowed: 64 hex digits (sealbond identity shows them)" },
	{ "[peer a]\nkey = 1\n", "p.conf:2: key = 1: not a key; allowed: 64 hex digits or 44 characters of base64" },
	{ "[peer a]\nendpoint = h:1\n", "p.conf:2: endpoint = h:1: not an endpoint; allowed: ADDR:PORT or [ADDR6]:PORT, e.g. 192.0.2.7:7454" },
	{ "[peer a]\nlease = 9s\n", "p.conf:2: lease = 9s: out of bounds; allowed: 10s to 30d, e.g. 24h" },
	{ "[peer a]\nuntil = soon\n", "p.conf:2: until = soon: not a time; allowed: YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ" },
	{ "[peer a]\nkey = " ID_A "\n", "p.conf:1: [peer a] has no device_id" },
	{ "[peer a]\ndevice_id = " ID_A "\n[peer b]\n", "p.conf:1: [peer a] has no key" },
	{ B, "p.conf:1: [peer b] has neither overlay4 nor overlay6" },
	{ B "overlay6 = fd77::2/64\n", "p.conf:1: [peer b]: an overlay address is one address, without /bits" },
	{ A "device_id = " ID_B "\n", "p.conf:5: device_id is here twice in [peer a]" },
	{ A A, "p.conf:5: [peer a] has the same name as [peer a] in line 1" },
	{ A "[peer b]\ndevice_id = " ID_A "\nkey = " ID_B "\noverlay4 = 10.77.0.2\n",
	  "p.conf:5: [peer b] has the same device_id as [peer a] in line 1" },
	{ A "[peer b]\ndevice_id = " ID_B "\nkey = " ID_A "\noverlay4 = 10.77.0.2\n",
	  "p.conf:5: [peer b] has the same key as [peer a] in line 1" },
	{ A B "overlay4 = 10.77.0.1\n", "p.conf:5: [peer b] has the same overlay4 as [peer a] in line 1" },
};

static void errors(void **state)
{
	for (size_t i = 0; i < SB_ARRAY_SIZE(wrong); i++) {
		struct sb_peer_list list = { .count = 77 };
		struct sb_error error = { "" };

		if (parse(wrong[i].text, &list, &error) != -EINVAL)
			fail_msg("taken: %s", wrong[i].text);
		assert_string_equal(error.text, wrong[i].message);
		assert_int_equal(list.count, 77);
	}
}

static void leases(void **state)
{
	struct sb_peer_entry peer = { .lease = 3600000 };

	assert_int_equal(sb_peer_lease_at(&peer, 5000000000), 3600000);
	peer.until = 100000;
	assert_int_equal(sb_peer_lease_at(&peer, 0), 3600000);
	assert_int_equal(sb_peer_lease_at(&peer, 100000 - 3600), 3600000);
	assert_int_equal(sb_peer_lease_at(&peer, 99990), 10000);
	assert_int_equal(sb_peer_lease_at(&peer, 100000), 0);
	/* A clock that was set far forward. */
	assert_int_equal(sb_peer_lease_at(&peer, INT64_MAX), 0);
}

/* A plant's file is read in a moment, duplicates at its far ends found. */
static void thousands(void **state)
{
	char *text = NULL;
	struct sb_peer_list list;
	struct sb_error error;
	size_t length;
	FILE *stream = open_memstream(&text, &length);

	for (int i = 0; i < 10000; i++)
		fprintf(stream, "[peer p%d]\ndevice_id = %064x\nkey = %064x\noverlay6 = fd77::%x:%x\n", i, i, i + 20000,
			i >> 8, (i & 255) + 1);
	fflush(stream);
	assert_int_equal(sb_peers_parse("p", text, length, &list, &error), 0);
	assert_int_equal(list.count, 10000);
	sb_peers_free(&list);
	fprintf(stream, "[peer last]\ndevice_id = %064x\nkey = %064x\noverlay6 = fd77::1\n", 99999, 99999);
	fclose(stream);
	assert_int_equal(sb_peers_parse("p", text, length, &list, &error), -EINVAL);
	assert_string_equal(error.text, "p:40001: [peer last] has the same overlay6 as [peer p0] in line 1");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole), cmocka_unit_test(nobody), cmocka_unit_test(errors),
		cmocka_unit_test(leases), cmocka_unit_test(thousands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
