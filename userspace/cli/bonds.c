// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "cli/cli.h"

/* The leases have ended, and on_ledger_loss goes on. */
static bool is_held(const struct sb_peer_status *peer)
{
	return peer->lease_ms && peer->lease_ms <= peer->hold_ms;
}

static uint64_t lease_left(const struct sb_peer_status *peer)
{
	return peer->lease_ms > peer->hold_ms ? peer->lease_ms - peer->hold_ms : 0;
}

static const char *lease_text(char room[SB_SHORT_ROOM + 8], const struct sb_peer_status *peer)
{
	char duration[SB_SHORT_ROOM];

	if (!peer->lease_ms)
		return "ended";
	snprintf(room, SB_SHORT_ROOM + 8, "%s%s", is_held(peer) ? "held: " : "",
		 sb_format_duration(duration, is_held(peer) ? peer->lease_ms : lease_left(peer)));
	return room;
}

static void print_object(struct cli_bonds *bonds, const struct sb_peer_status *peer, const char *name)
{
	struct sb_json *out = &bonds->cli->out;
	char text[SB_ENDPOINT_ROOM];

	sb_json_open(out, NULL, '{');
	sb_json_string(out, "peer", name);
	sb_json_hex(out, "device_id", peer->device_id, sizeof(peer->device_id));
	sb_json_hex(out, "key", peer->key, sizeof(peer->key));
	sb_json_string(out, "bond", sb_bond_word(peer->bond));
	sb_json_number(out, "lease_ms", lease_left(peer));
	sb_json_number(out, "hold_ms", is_held(peer) ? peer->lease_ms : peer->hold_ms);
	sb_json_bool(out, "held", is_held(peer));
	sb_json_bool(out, "signed", !(peer->flags & SEALBOND_PEER_F_UNSIGNED));
	sb_json_bool(out, "quarantine", peer->flags & SEALBOND_PEER_F_QUARANTINE);
	sb_json_string(out, "overlay4", peer->overlay4.family ?
		       sb_format_address(text, AF_INET, peer->overlay4.address) : NULL);
	sb_json_string(out, "overlay6", peer->overlay6.family ?
		       sb_format_address(text, AF_INET6, peer->overlay6.address) : NULL);
	sb_json_string(out, "endpoint", peer->endpoint.any.sa_family ? sb_format_endpoint(text, &peer->endpoint) : NULL);
	sb_json_number(out, "handshakes", peer->handshakes);
	if (peer->had_handshake)
		sb_json_number(out, "last_handshake_ms", peer->last_handshake_ms);
	if (peer->algorithm) {
		sb_json_number(out, "epoch", peer->epoch);
		sb_json_number(out, "age_ms", peer->age_ms);
		sb_json_string(out, "algorithm", sb_algorithm_word(peer->algorithm));
		sb_json_bool(out, "encap", peer->encap);
		sb_json_number(out, "spi_in", peer->spi_in);
		sb_json_number(out, "spi_out", peer->spi_out);
		sb_json_number(out, "bytes_in", peer->bytes_in);
		sb_json_number(out, "bytes_out", peer->bytes_out);
		sb_json_number(out, "packets_in", peer->packets_in);
		sb_json_number(out, "packets_out", peer->packets_out);
		sb_json_number(out, "sequence_out", peer->sequence_out);
		sb_json_number(out, "mtu", peer->mtu);
	}
	sb_json_close(out, '}');
}

static void print_line(struct cli_bonds *bonds, const struct sb_peer_status *peer, const char *name)
{
	const char *mark = peer->flags & SEALBOND_PEER_F_UNSIGNED ? " UNSIGNED" : "";
	char age[SB_SHORT_ROOM], in[SB_SHORT_ROOM], out[SB_SHORT_ROOM], lease[SB_SHORT_ROOM + 8];

	if (bonds->count == 1)
		printf("\n%-20s %-12s %6s %-14s %-10s %-10s %-14s %5s %s\n", "PEER", "BOND", "EPOCH", "AGE", "IN", "OUT",
		       "LEASE LEFT", "MTU", "ALGORITHM");
	if (!peer->algorithm) {
		printf("%-20s %-12s %6s %-14s %-10s %-10s %-14s %5s -%s\n", name, sb_bond_word(peer->bond), "-", "-",
		       "-", "-", lease_text(lease, peer), "-", mark);
		return;
	}
	printf("%-20s %-12s %6u %-14s %-10s %-10s %-14s %5u %s%s%s\n", name, sb_bond_word(peer->bond), peer->epoch,
	       sb_format_duration(age, peer->age_ms), sb_format_size(in, peer->bytes_in),
	       sb_format_size(out, peer->bytes_out), lease_text(lease, peer), peer->mtu,
	       sb_algorithm_word(peer->algorithm), peer->encap ? " in UDP" : "", mark);
}

static void print_more(const struct sb_peer_status *peer)
{
	char id[SB_HEX_ROOM(SEALBOND_ID_LEN)], key[SB_HEX_ROOM(SEALBOND_KEY_LEN)], endpoint[SB_ENDPOINT_ROOM];
	char four[SB_ADDRESS_ROOM], six[SB_ADDRESS_ROOM], age[SB_SHORT_ROOM];

	printf("    device_id  %s\n    key        %s\n", sb_format_hex(id, peer->device_id, SEALBOND_ID_LEN),
	       sb_format_hex(key, peer->key, SEALBOND_KEY_LEN));
	printf("    overlay    %s %s\n    endpoint   %s\n",
	       peer->overlay4.family ? sb_format_address(four, AF_INET, peer->overlay4.address) : "",
	       peer->overlay6.family ? sb_format_address(six, AF_INET6, peer->overlay6.address) : "",
	       sb_format_endpoint(endpoint, &peer->endpoint));
	printf("    handshakes %llu%s%s%s\n", (unsigned long long)peer->handshakes,
	       peer->had_handshake ? ", the last " : "",
	       peer->had_handshake ? sb_format_duration(age, peer->last_handshake_ms) : "",
	       peer->had_handshake ? " ago" : "");
	printf("    admitted   %s%s\n", peer->flags & SEALBOND_PEER_F_UNSIGNED ? "by an unsigned file" : "by a signed grant",
	       peer->flags & SEALBOND_PEER_F_QUARANTINE ? ", in quarantine" : "");
	if (peer->algorithm)
		printf("    packets    %llu in, %llu out; sequence %llu; SPIs %08x in, %08x out\n",
		       (unsigned long long)peer->packets_in, (unsigned long long)peer->packets_out,
		       (unsigned long long)peer->sequence_out, peer->spi_in, peer->spi_out);
}

static int on_peer(void *context, const struct sb_peer_status *peer)
{
	struct cli_bonds *bonds = context;
	char room[17];
	const char *name = cli_peer_name(&bonds->names, peer->device_id, room);

	bonds->count++;
	bonds->held += is_held(peer);
	if (peer->lease_ms == 0 || peer->bond == SEALBOND_BOND_LEASE_ENDED)
		bonds->ended++;
	else if (peer->bond == SEALBOND_BOND_LIVE)
		bonds->live++;
	else
		bonds->rest++;
	if (bonds->cli->json) {
		print_object(bonds, peer, name);
		return 0;
	}
	print_line(bonds, peer, name);
	if (bonds->wide)
		print_more(peer);
	return 0;
}

int cli_bonds(struct sb_cli *cli, struct sb_module *module, bool wide, struct cli_bonds *bonds)
{
	int result;

	*bonds = (struct cli_bonds){ .cli = cli, .wide = wide };
	cli_peer_list(cli, &bonds->names);
	if (cli->json)
		sb_json_open(&cli->out, "peers", '[');
	result = sb_module_peers(module, on_peer, bonds);
	if (cli->json)
		sb_json_close(&cli->out, ']');
	sb_peers_free(&bonds->names);
	/* A peer came or went meanwhile: what was printed is good enough to read. */
	return result == -EINTR ? 0 : result;
}

int cli_peers(struct sb_cli *cli, int argc, char **argv)
{
	sb_cleanup_module struct sb_module *module = NULL;
	struct cli_bonds bonds;
	int code, result;

	(void)argv;
	if (argc > 1)
		return cli_usage(cli, "peers [--json]");
	code = cli_open(cli, &module);
	if (code)
		return code;
	if (cli->json)
		cli_json_begin(cli);
	result = cli_bonds(cli, module, true, &bonds);
	if (cli->json) {
		if (result < 0)
			sb_json_string(&cli->out, "error", sb_module_error(module));
		cli_json_end(cli);
		cli->json = false;
	} else if (result == 0 && bonds.count == 0) {
		puts("no peers");
	}
	return result < 0 ? cli_module_fail(cli, module, result) : SB_EXIT_OK;
}
