/* SPDX-License-Identifier: Apache-2.0 */
/* Who vouches for devices and who decides, on a ledger that begins: the models that sealbond init and cluster init offer. */
#ifndef SB_CLI_MODEL_H
#define SB_CLI_MODEL_H

#include "cli/people/people.h"

#define CLI_MODEL_PEOPLE	3	/* members of one process, or enrollers, at most */
#define CLI_MODEL_ROOTS		16

struct cli_model {
	const char *name;
	uint32_t members, threshold;	/* of one process; a cluster has a member for each node */
	uint32_t enrollers, needed;	/* so many of them have to have challenged a device's TPM */
	uint32_t enrolment;		/* of the parameters */
	const char *words;		/* what it asks of a device */
};

/* By its name; NULL is the first. An error is said. */
int cli_model_find(struct sb_cli *cli, const char *name, const struct cli_model **model);

/* What of the parameters makes the model. */
void cli_model_parameters(const struct cli_model *model, Sealbond__Parameters *parameters);

/* Manufacturers' certificates. */
struct cli_model_roots {
	size_t count;
	uint8_t *data[CLI_MODEL_ROOTS];
	size_t length[CLI_MODEL_ROOTS];
	char name[CLI_MODEL_ROOTS][64];
	Sealbond__TrustRoot root[CLI_MODEL_ROOTS], *roots[CLI_MODEL_ROOTS];
};

/* FILE.der[,FILE.der...], NULL for none, each named by its file's name; and whether the model needs one. */
int cli_model_roots_read(struct sb_cli *cli, const struct cli_model *model, const char *list, struct cli_model_roots *roots);
void cli_model_roots_free(struct cli_model_roots *roots);

/* "member.key" where there is one, "member2.key" where there are more. */
void cli_model_file(char name[64], const char *what, size_t number, size_t count);

#endif
