// SPDX-License-Identifier: Apache-2.0
/* The keys that a cluster's nodes sign grants with. */
#include <sodium.h>
#include <string.h>

#include "cli/people/cluster.h"
#include "cli/release_key.h"
#include "common/cleanup.h"
#include "common/file.h"
#include "common/p256_key.h"
#include "common/security.h"

/* SubjectPublicKeyInfo of a P-256 key (RFC 5480), in PEM. */
static int write_public(struct cluster *cluster, const char *path, const uint8_t point[64])
{
	static const uint8_t head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
					0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 };
	uint8_t der[sizeof(head) + 64];
	char base[sodium_base64_ENCODED_LEN(sizeof(der), sodium_base64_VARIANT_ORIGINAL)], text[256];
	int length, rc;

	memcpy(der, head, sizeof(head));
	memcpy(der + sizeof(head), point, 64);
	sodium_bin2base64(base, sizeof(base), der, sizeof(der), sodium_base64_VARIANT_ORIGINAL);
	length = snprintf(text, sizeof(text), "-----BEGIN PUBLIC KEY-----\n%.64s\n%s\n-----END PUBLIC KEY-----\n", base,
			  base + 64);
	rc = sb_file_create(path, text, (size_t)length, 0644);
	return rc ? cli_fail(cluster->people.cli, cli_code_of(rc), "%s: %s", path, strerror(-rc)) : 0;
}

/* The key that devices' kernels know goes on signing: nobody has to give them another one. */
static int take_grant_key(struct cluster *cluster, const char *private_pem, const char *public_pem)
{
	struct sb_cli *cli = cluster->people.cli;
	sb_cleanup_free uint8_t *text = NULL;
	struct sb_p256_key *key = NULL;
	struct sb_error error = { "" };
	size_t length;
	int code = 0, rc = sb_p256_key_open(cluster->grant_key_file, &key, &error);

	if (rc < 0)
		return cli_fail(cli, cli_code_of(rc), "%s", error.text);
	rc = sb_file_read(cluster->grant_key_file, 65536, &text, &length);
	if (!rc)
		rc = sb_file_create(private_pem, text, length, 0600);
	if (rc)
		code = cli_fail(cli, cli_code_of(rc), "%s: %s", private_pem, strerror(-rc));
	else
		sodium_memzero(text, length);
	if (!code)
		code = write_public(cluster, public_pem, sb_p256_key_point(key));
	sb_p256_key_close(key);
	return code;
}

int cluster_grant_keys(struct cluster *cluster)
{
	char private_pem[PATH_MAX], public_pem[PATH_MAX], name[64];
	struct sb_error error = { "" };
	int code = 0, rc;

	for (size_t i = 0; i < cluster->count && !code; i++) {
		snprintf(name, sizeof(name), "grant_keys/node%zu.pem", i + 1);
		code = cluster_path(cluster, i, "ledger/grant_key.pem", private_pem);
		if (!code)
			code = cluster_path(cluster, CLUSTER_ALL, name, public_pem);
		if (code)
			break;
		rc = 0;
		if (i == 0 && cluster->grant_key_file)
			code = take_grant_key(cluster, private_pem, public_pem);
		else
			rc = sb_release_key_make(private_pem, public_pem, &error);
		if (code)
			break;
		if (!rc)
			rc = sb_security_load_point(public_pem, "grant key", cluster->node[i].grant_point, &error);
		if (rc < 0)
			code = cli_fail(cluster->people.cli, cli_code_of(rc), "%s", error.text);
	}
	return code;
}
