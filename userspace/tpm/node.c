// SPDX-License-Identifier: Apache-2.0
#include "tpm/node.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/parse.h"

#define CLASS	"/sys/class/tpmrm"
#define PREFIX	"tpmrm"

int sb_tpm_number_in(const char *directory)
{
	DIR *listing = opendir(directory);
	const struct dirent *entry;
	uint64_t number, first = INT_MAX;

	if (!listing)
		return -errno;
	while ((entry = readdir(listing)))
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0 &&
		    sb_parse_u64(entry->d_name + strlen(PREFIX), &number) == 0 && number < first)
			first = number;
	closedir(listing);
	return first == INT_MAX ? -ENOENT : (int)first;
}

int sb_tpm_number(void)
{
	return sb_tpm_number_in(CLASS);
}

int sb_tpm_node(char path[SB_TPM_NODE_ROOM])
{
	int number = sb_tpm_number();

	if (number < 0)
		return number;
	snprintf(path, SB_TPM_NODE_ROOM, "/dev/" PREFIX "%d", number);
	return 0;
}
