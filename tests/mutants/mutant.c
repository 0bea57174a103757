// SPDX-License-Identifier: Apache-2.0
/*
 * Which check is off in this run, and which were come by: SB_MUTANT, and the file that SB_MUTANTS_SEEN names. SB_TEST
 * is the one test that runs.
 */
#include "cmocka_all.h"

#include <stdbool.h>

#define MUTANTS_MAX	4096

int sb_mutant(int number);

static int chosen;
static bool seen[MUTANTS_MAX];

int sb_mutant(int number)
{
	seen[number % MUTANTS_MAX] = true;
	return number == chosen;
}

__attribute__((constructor)) static void choose(void)
{
	const char *text = getenv("SB_MUTANT");

	chosen = text ? atoi(text) : 0;
	if (getenv("SB_TEST"))
		cmocka_set_test_filter(getenv("SB_TEST"));
}

__attribute__((destructor)) static void say(void)
{
	const char *path = getenv("SB_MUTANTS_SEEN");
	FILE *file = path ? fopen(path, "w") : NULL;

	if (!file)
		return;
	for (int i = 0; i < MUTANTS_MAX; i++)
		if (seen[i])
			fprintf(file, "%d\n", i);
	fclose(file);
}
