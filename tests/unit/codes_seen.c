// SPDX-License-Identifier: Apache-2.0
/*
 * codes_seen FILE: the codes of transactions, one a line, that the unit tests of a run have met in a block. Fails for
 * each code of codes.h that none has met, and for two that a person could not tell apart.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/cert.h"
#include "state/codes.h"
#include "state/quote.h"

struct code {
	uint32_t number;
	const char *name, *sentence;
	bool met;
};

static struct code codes[] = {
#define X(number, name, text, sentence) { number, text, sentence, false },
	SB_TX_CODES(X)
#undef X
};

#define CODES	(sizeof(codes) / sizeof(codes[0]))

static int passed, failed;

static void note(bool good, const char *what, const char *name)
{
	passed += good;
	failed += !good;
	if (!good)
		printf("FAIL  %s: %s\n", name, what);
}

static int read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	unsigned int number;

	if (!file) {
		perror(path);
		return -1;
	}
	while (fscanf(file, "%u", &number) == 1)
		for (size_t i = 0; i < CODES; i++)
			codes[i].met |= codes[i].number == number;
	fclose(file);
	return 0;
}

/* A verdict's code has the verdict's name. */
static void compare_names(void)
{
	for (uint32_t i = 1; i < SB_QUOTE_VERDICTS; i++)
		note(!strcmp(sb_quote_name(i), sb_tx_name(SB_TX_QUOTE + i)), "another name than its verdict's",
		     sb_quote_name(i));
	for (uint32_t i = 1; i < SB_AK_VERDICTS; i++)
		note(!strcmp(sb_ak_name(i), sb_tx_name(SB_TX_AK + i)), "another name than its verdict's", sb_ak_name(i));
	for (uint32_t i = 1; i < SB_CHAIN_VERDICTS; i++)
		note(!strcmp(sb_chain_name(i), sb_tx_name(SB_TX_CERT + i)), "another name than its verdict's",
		     sb_chain_name(i));
}

int main(int argc, char **argv)
{
	if (argc != 2 || read_file(argv[1]) < 0) {
		fprintf(stderr, "usage: codes_seen FILE\n");
		return 2;
	}
	for (size_t i = 0; i < CODES; i++) {
		bool alone = *codes[i].name && *codes[i].sentence;

		for (size_t j = 0; j < i; j++)
			alone &= strcmp(codes[i].name, codes[j].name) && strcmp(codes[i].sentence, codes[j].sentence);
		note(codes[i].met, "no test has met this code", codes[i].name);
		note(alone, "another code has its name or sentence, or it has none", codes[i].name);
	}
	compare_names();
	printf("codes of transactions: %zu\n%d passed, %d failed\n", CODES, passed, failed);
	return failed ? 1 : 0;
}
