// SPDX-License-Identifier: Apache-2.0
/*
 * A real TPM's key, Name and quote (public test data of Keylime) against userspace/state.
 *   tpm_vectors DIRECTORY
 * Prints a line for each check and `N passed, N failed`. Exit: 0 when all passed, 1; 2 when a file
 * cannot be read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/crypto.h"
#include "state/quote.h"

static unsigned int passed, failed;

struct file {
	uint8_t data[4096];
	size_t length;
};

static void read_file(const char *directory, const char *name, struct file *file)
{
	char path[4096];
	FILE *stream;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	stream = fopen(path, "rb");
	if (!stream) {
		perror(path);
		exit(2);
	}
	file->length = fread(file->data, 1, sizeof(file->data), stream);
	fclose(stream);
}

static void check(const char *words, int good)
{
	printf("%-4s  %s\n", good ? "ok" : "FAIL", words);
	good ? passed++ : failed++;
}

int main(int argc, char **argv)
{
	struct file area, ek_area, name_file, quote_file, signature_file;
	uint8_t name[SB_TPM_NAME_MAX], digest[SB_TPM_DIGEST_MAX];
	struct sb_tpm_signature signature;
	struct sb_tpm_public ak, ek;
	struct sb_quote quote;
	struct sb_span hash;

	if (argc != 2) {
		fprintf(stderr, "tpm_vectors DIRECTORY\n");
		return 2;
	}
	read_file(argv[1], "keylime-ak.pub", &area);
	read_file(argv[1], "keylime-ek.pub", &ek_area);
	read_file(argv[1], "keylime-ak.name", &name_file);
	read_file(argv[1], "keylime-quote.out", &quote_file);
	read_file(argv[1], "keylime-quotesig.out", &signature_file);
	/* tpm2-tools write a TPM2B_PUBLIC: a size of two bytes comes before. */
	if (sb_tpm_public_parse(area.data + 2, area.length - 2, &ak) < 0 ||
	    sb_quote_parse(quote_file.data, quote_file.length, &quote) != SB_QUOTE_OK ||
	    sb_tpm_signature_parse(signature_file.data, signature_file.length, &signature) < 0) {
		check("the files are read", 0);
	} else {
		check("the AK's public area, the quote and its signature are read", 1);
		check("the AK's Name is the one that its TPM gave", sb_tpm_name(&ak, name) == name_file.length &&
		      memcmp(name, name_file.data, name_file.length) == 0);
		check("it is an attestation key", sb_ak_check(&ak) == SB_AK_OK);
		hash = (struct sb_span){ digest, sb_hash(ak.scheme_hash, &quote.whole, 1, digest) };
		check("the signature is valid", sb_rsa_verify(ak.modulus, ak.exponent, ak.scheme, ak.scheme_hash, hash,
							       signature.rsa) == 0);
		digest[0] ^= 1;
		check("and is not for another quote", sb_rsa_verify(ak.modulus, ak.exponent, ak.scheme, ak.scheme_hash,
								     hash, signature.rsa) != 0);
		check("the EK's public area is read, and is no attestation key",
		      sb_tpm_public_parse(ek_area.data + 2, ek_area.length - 2, &ek) == 0 && sb_ak_check(&ek) != SB_AK_OK);
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}
