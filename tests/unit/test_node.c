// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "tpm/node.h"

static char directory[] = "/tmp/sealbond-node-XXXXXX";

static void in_it(const char *name, int (*call)(const char *path))
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	assert_int_equal(call(path), 0);
}

static int make(const char *path)
{
	return mkdir(path, 0700);
}

static void first(void **state)
{
	static const char *const others[] = { "tpmrm", "tpmrmx", "tpm0", "tpmrm-1", "tpmrm99999999999999999999" };

	assert_non_null(mkdtemp(directory));
	assert_int_equal(sb_tpm_number_in(directory), -ENOENT);
	for (size_t i = 0; i < SB_ARRAY_SIZE(others); i++)
		in_it(others[i], make);
	assert_int_equal(sb_tpm_number_in(directory), -ENOENT);
	in_it("tpmrm12", make);
	in_it("tpmrm3", make);
	assert_int_equal(sb_tpm_number_in(directory), 3);
	in_it("tpmrm0", make);
	assert_int_equal(sb_tpm_number_in(directory), 0);
	in_it("tpmrm0", rmdir);
	in_it("tpmrm3", rmdir);
	assert_int_equal(sb_tpm_number_in(directory), 12);
	in_it("tpmrm12", rmdir);
	for (size_t i = 0; i < SB_ARRAY_SIZE(others); i++)
		in_it(others[i], rmdir);
	assert_int_equal(rmdir(directory), 0);
	assert_int_equal(sb_tpm_number_in(directory), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
