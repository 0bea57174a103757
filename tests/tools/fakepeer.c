// SPDX-License-Identifier: Apache-2.0
/*
 * A peer whose keys the harness knows: the module's own handshake engine, on the host.
 *
 *   fakepeer PRIVATE-KEY DEVICE-ID CHAIN-ID PEER-KEY PEER-DEVICE-ID       (each 64 hex digits)
 *
 * Says "ready PUBLIC-KEY", then answers each line:
 *   udp SOURCE PORT TARGET PORT HEX    an IPv4 handshake message that came. "reply HEX" when there is one to
 *                                      send back; "keys SPI-IN SPI-OUT ALGORITHM KEY-IN KEY-OUT" for a new epoch
 *   esp HEX                            an ESP packet that came. "opened NEXT-HEADER" when a key of an epoch
 *                                      opens it, which also confirms the epoch; else "closed"
 *   start SOURCE PORT TARGET PORT      "reply HEX": an initiation of its own
 * and ends each answer with "done".
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../kmod/handshake.h"

#define EPOCHS		32
#define ICV		16
#define LINE_ROOM	8192

static struct sb_hs_local local;
static struct sb_hs_peer peer;
static struct sb_hs_keys epochs[EPOCHS];
static unsigned int epochs_made;
static u32 serial;

static void __attribute__((noreturn)) die(const char *why)
{
	fprintf(stderr, "fakepeer: %s\n", why);
	exit(2);
}

static size_t unhex(const char *text, u8 *out, size_t room)
{
	size_t n = 0;
	unsigned int byte;

	for (; n < room && sscanf(text + 2 * n, "%2x", &byte) == 1; n++)
		out[n] = byte;
	return n;
}

static void show(const char *word, const u8 *bytes, size_t length)
{
	printf("%s ", word);
	while (length--)
		printf("%02x", *bytes++);
}

static u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * SB_NS_PER_S + now.tv_nsec;
}

static struct sb_hs_peer *by_pub(void *ctx, const u8 pub[SB_KEY_LEN])
{
	return memcmp(pub, peer.pub, SB_KEY_LEN) ? NULL : &peer;
}

static struct sb_hs_peer *by_index(void *ctx, u32 index)
{
	return &peer;
}

static int new_spi(void *ctx, struct sb_hs_peer *p, u32 *spi, u32 *index)
{
	serial++;
	*spi = 0xfa4e0000 + serial;
	*index = 0x70000 + serial;
	return 0;
}

static const struct sb_hs_ops ops = { by_pub, by_index, new_spi };

static void on_message(const struct sb_addr *src, const struct sb_addr *dst, const u8 *msg, size_t len)
{
	struct sb_hs_packet packet = { .msg = msg, .len = len, .src = *src, .dst = *dst, .now = now_ns() };
	struct sb_hs_result res;

	sb_hs_receive(&local, &ops, &packet, &res);
	if (res.reply_len) {
		show("reply", res.reply, res.reply_len);
		putchar('\n');
	}
	if (res.action == SB_HS_KEYS_RESPONDER || res.action == SB_HS_KEYS_INITIATOR) {
		epochs[epochs_made++ % EPOCHS] = res.keys;
		printf("keys %#x %#x %d", res.keys.spi_in, res.keys.spi_out, res.keys.alg);
		show("", res.keys.key_in, SB_ESP_KEY_LEN);
		show("", res.keys.key_out, SB_ESP_KEY_LEN);
		putchar('\n');
	} else if (!res.reply_len) {
		printf("nothing %s\n", sb_hs_reason_name(res.reason));
	}
}

/* RFC 4106 and RFC 7634: key, then four bytes of salt; the nonce is salt and IV. ESN, high half zero. */
static bool open_esp(const struct sb_hs_keys *keys, const u8 *esp, size_t len, u8 *next)
{
	const EVP_CIPHER *cipher = keys->alg == SB_ALG_AES256GCM ? EVP_aes_256_gcm() : EVP_chacha20_poly1305();
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	u8 nonce[12], aad[12] = { 0 }, plain[LINE_ROOM];
	int n = len - 8 - 8 - ICV, out;
	bool opened;

	memcpy(nonce, keys->key_in + 32, 4);
	memcpy(nonce + 4, esp + 8, 8);
	memcpy(aad, esp, 4);
	memcpy(aad + 8, esp + 4, 4);
	opened = EVP_DecryptInit_ex(ctx, cipher, NULL, keys->key_in, nonce) == 1 &&
		 EVP_DecryptUpdate(ctx, NULL, &out, aad, sizeof(aad)) == 1 &&
		 EVP_DecryptUpdate(ctx, plain, &out, esp + 16, n) == 1 &&
		 EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, ICV, (void *)(esp + len - ICV)) == 1 &&
		 EVP_DecryptFinal_ex(ctx, plain + out, &out) == 1;
	*next = plain[n - 1];
	EVP_CIPHER_CTX_free(ctx);
	return opened;
}

static void on_esp(const u8 *esp, size_t len)
{
	unsigned int i;
	u8 next;

	for (i = 0; i < EPOCHS && i < epochs_made; i++) {
		const struct sb_hs_keys *keys = &epochs[i];

		if (len < 8 + 8 + 2 + ICV || get_unaligned_be32(esp) != keys->spi_in ||
		    !open_esp(keys, esp, len, &next))
			continue;
		sb_hs_confirmed(&peer, keys->spi_in);
		printf("opened %u\n", next);
		return;
	}
	printf("closed\n");
}

static struct sb_addr address(const char *ip, unsigned int port)
{
	unsigned int a, b, c, d;
	struct sb_addr addr;

	if (sscanf(ip, "%u.%u.%u.%u", &a, &b, &c, &d) != 4)
		die("not an address");
	sb_addr_v4(&addr, htonl(a << 24 | b << 16 | c << 8 | d), port);
	return addr;
}

static void on_line(const char *line)
{
	static char from[64], to[64], hex[LINE_ROOM];
	u8 bytes[SB_MSG_MAX_LEN > LINE_ROOM ? SB_MSG_MAX_LEN : LINE_ROOM];
	unsigned int sport, dport;
	struct sb_addr src, dst;
	size_t len;

	if (sscanf(line, "esp %8191s", hex) == 1) {
		on_esp(bytes, unhex(hex, bytes, sizeof(bytes)));
		return;
	}
	if (sscanf(line, "%*s %63s %u %63s %u %8191s", from, &sport, to, &dport, hex) < 4)
		die("line not understood");
	src = address(from, sport);
	dst = address(to, dport);
	if (strncmp(line, "udp", 3) == 0) {
		on_message(&src, &dst, bytes, unhex(hex, bytes, sizeof(bytes)));
		return;
	}
	serial++;
	if (!sb_hs_start(&local, &peer, now_ns(), 0x70000 + serial, 0xfa4e0000 + serial, &src, &dst, bytes, &len)) {
		show("reply", bytes, len);
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	static char line[2 * LINE_ROOM];
	u8 value[5][32];
	int i;

	if (argc != 6)
		die("usage: fakepeer PRIVATE-KEY DEVICE-ID CHAIN-ID PEER-KEY PEER-DEVICE-ID");
	for (i = 0; i < 5; i++)
		if (strlen(argv[i + 1]) != 64 || unhex(argv[i + 1], value[i], 32) != 32)
			die("64 hex digits each");
	if (sb_hs_local_init(&local, value[0], value[1], value[2], 1, 0) ||
	    sb_hs_peer_init(&peer, &local, value[3], value[4]))
		die("these keys are refused");
	show("ready", local.now.pub, SB_KEY_LEN);
	putchar('\n');
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		on_line(line);
		puts("done");
		fflush(stdout);
	}
	return 0;
}
