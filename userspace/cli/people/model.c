// SPDX-License-Identifier: Apache-2.0
#include "cli/people/model.h"

#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "state/cert.h"
#include "state/device.h"

static const struct cli_model models[] = {
	{ "solo", 1, 1, 1, 1, SB_ENROL_ACTIVATION,
	  "its TPM answers the enroller, and its owner approves it" },
	{ "manufacturer", 3, 2, 1, 1, SB_ENROL_ROOTS | SB_ENROL_ACTIVATION,
	  "its TPM's certificate leads to a manufacturer's root, its TPM answers the enroller, and its owner approves it" },
	{ "enrollers", 3, 2, 3, 2, SB_ENROL_ACTIVATION,
	  "its TPM answers two of three enrollers, and its owner approves it" },
};

int cli_model_find(struct sb_cli *cli, const char *name, const struct cli_model **model)
{
	for (size_t i = 0; i < SB_ARRAY_SIZE(models); i++)
		if (!name || strcmp(models[i].name, name) == 0) {
			*model = &models[i];
			return 0;
		}
	return cli_fail(cli, SB_EXIT_USAGE, "--profile: %s is none: solo, manufacturer or enrollers", name);
}

void cli_model_parameters(const struct cli_model *model, Sealbond__Parameters *parameters)
{
	parameters->enrolment = model->enrolment;
	parameters->enrollers_needed = model->needed;
	parameters->admission = SB_ADMIT_OWNER;
}

static int read_root(struct sb_cli *cli, const char *path, struct cli_model_roots *roots)
{
	size_t i = roots->count;
	const char *name = strrchr(path, '/');
	struct sb_cert cert;
	int result;

	if (i == CLI_MODEL_ROOTS)
		return cli_fail(cli, SB_EXIT_USAGE, "--root: at most %d files", CLI_MODEL_ROOTS);
	result = sb_file_read(path, SB_CERT_MAX, &roots->data[i], &roots->length[i]);
	if (result < 0)
		return cli_fail(cli, cli_code_of(result), "%s: %s", path, strerror(-result));
	roots->count++;
	if (sb_cert_parse(roots->data[i], roots->length[i], &cert) < 0)
		return cli_fail(cli, SB_EXIT_USAGE, "%s: no X.509 certificate in DER (openssl x509 -outform der makes one)", path);
	snprintf(roots->name[i], sizeof(roots->name[i]), "%.63s", name ? name + 1 : path);
	sealbond__trust_root__init(&roots->root[i]);
	roots->root[i].certificate = CLI_BYTES(roots->length[i], roots->data[i]);
	roots->root[i].name = roots->name[i];
	roots->roots[i] = &roots->root[i];
	return 0;
}

int cli_model_roots_read(struct sb_cli *cli, const struct cli_model *model, const char *list, struct cli_model_roots *roots)
{
	char *copy = list ? strdup(list) : NULL, *rest = copy, *path;
	int code = 0;

	while (!code && rest && (path = strsep(&rest, ",")))
		code = read_root(cli, path, roots);
	free(copy);
	if (!code && model->enrolment & SB_ENROL_ROOTS && !roots->count)
		code = cli_fail(cli, SB_EXIT_USAGE, "--profile %s: name the manufacturers' certificates by --root FILE.der,FILE.der: "
				"without one no device could enrol", model->name);
	return code;
}

void cli_model_roots_free(struct cli_model_roots *roots)
{
	for (size_t i = 0; i < CLI_MODEL_ROOTS; i++)
		free(roots->data[i]);
}

void cli_model_file(char name[64], const char *what, size_t number, size_t count)
{
	if (count == 1)
		snprintf(name, 64, "%s.key", what);
	else
		snprintf(name, 64, "%s%zu.key", what, number + 1);
}
