// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/file.h"
#include "common/json.h"

static char directory[] = "/tmp/sealbond-file-XXXXXX";
static char path[64];

static int set_up(void **state)
{
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/f", directory);
	return 0;
}

static int tear_down(void **state)
{
	return rmdir(directory);
}

static int entries(void)
{
	DIR *open = opendir(directory);
	int count = 0;

	while (readdir(open))
		count++;
	closedir(open);
	return count - 2;
}

static void replaced(void **state)
{
	struct stat status;
	uint8_t *data;
	size_t length;

	assert_int_equal(sb_file_write(path, "one", 3, 0644), 0);
	assert_int_equal(sb_file_write(path, "", 0, 0600), 0);
	assert_int_equal(sb_file_write(path, "three", 5, 0644), 0);
	assert_int_equal(sb_file_read(path, 5, &data, &length), 0);
	assert_int_equal(length, 5);
	assert_string_equal((char *)data, "three");
	free(data);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0644);
	/* No temporary file stays. */
	assert_int_equal(entries(), 1);
	assert_int_equal(sb_file_create(path, "x", 1, 0600), -EEXIST);
	assert_int_equal(sb_file_read(path, 4, &data, &length), -EFBIG);
	unlink(path);
}

static void refused(void **state)
{
	char below[80];
	uint8_t *data = (uint8_t *)state;
	size_t length = 1;

	assert_int_equal(sb_file_read(path, 10, &data, &length), -ENOENT);
	assert_int_equal(sb_file_read(directory, 10000, &data, &length), -EISDIR);
	assert_int_equal(sb_file_read("/dev/null", 10, &data, &length), -EINVAL);
	assert_ptr_equal(data, state);
	assert_int_equal(mkfifo(path, 0600), 0);
	/* Does not wait for a writer. */
	assert_int_equal(sb_file_read(path, 10, &data, &length), -EINVAL);
	snprintf(below, sizeof(below), "%s/below", path);
	assert_int_equal(sb_file_write(below, "x", 1, 0644), -ENOTDIR);
	unlink(path);
	assert_int_equal(entries(), 0);
}

static void forget_leftovers(void)
{
	DIR *open = opendir(directory);
	const struct dirent *entry;
	char left[400];

	while ((entry = readdir(open)))
		if (entry->d_name[0] != '.') {
			snprintf(left, sizeof(left), "%s/%s", directory, entry->d_name);
			unlink(left);
		}
	closedir(open);
}

/* It ends in the middle of the writing, as with a cut of the power: there is nothing of that name, and no key is lost. */
static void cut_while_it_is_made(void **state)
{
	const struct rlimit room = { 3, 3 };
	struct stat status;
	uint8_t *data;
	size_t length;
	pid_t child = fork();
	int how;

	if (child == 0) {
		setrlimit(RLIMIT_FSIZE, &room);
		signal(SIGXFSZ, SIG_DFL);
		sb_file_create(path, "a whole key", 11, 0600);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &how, 0), child);
	assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGXFSZ);
	assert_int_equal(stat(path, &status), -1);
	assert_int_equal(sb_file_create(path, "a whole key", 11, 0640), 0);
	assert_int_equal(sb_file_create(path, "another key", 11, 0600), -EEXIST);
	assert_int_equal(sb_file_read(path, 11, &data, &length), 0);
	assert_string_equal((char *)data, "a whole key");
	free(data);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0640);
	forget_leftovers();
	/* What points nowhere is there, too. */
	assert_int_equal(symlink("nowhere", path), 0);
	assert_int_equal(sb_file_create(path, "x", 1, 0600), -EEXIST);
	unlink(path);
	assert_int_equal(entries(), 0);
}

static void directories(void **state)
{
	char deep[80];

	snprintf(deep, sizeof(deep), "%s/a/b", directory);
	assert_int_equal(sb_make_directory(deep, 0755), 0);
	assert_int_equal(sb_make_directory(deep, 0755), 0);
	assert_int_equal(sb_make_directory("", 0755), -EINVAL);
	rmdir(deep);
	snprintf(deep, sizeof(deep), "%s/a", directory);
	assert_int_equal(rmdir(deep), 0);
}

static void json(void **state)
{
	char *text = NULL;
	size_t length;
	struct sb_json out = { .stream = open_memstream(&text, &length) };

	sb_json_open(&out, NULL, '{');
	sb_json_string(&out, "s", "a\"\\\n\x01\x7f\xc3\xa9");
	sb_json_string(&out, "n", NULL);
	sb_json_open(&out, "a", '[');
	sb_json_number(&out, NULL, UINT64_MAX);
	sb_json_signed(&out, NULL, -5);
	sb_json_bool(&out, NULL, true);
	sb_json_open(&out, NULL, '{');
	sb_json_close(&out, '}');
	sb_json_close(&out, ']');
	sb_json_hex(&out, "h", (const uint8_t *)"\x00\xff", 2);
	sb_json_close(&out, '}');
	fclose(out.stream);
	assert_string_equal(text, "{\"s\":\"a\\\"\\\\\\u000a\\u0001\\u007f\xc3\xa9\",\"n\":null,"
			    "\"a\":[18446744073709551615,-5,true,{}],\"h\":\"00ff\"}");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replaced), cmocka_unit_test(refused), cmocka_unit_test(cut_while_it_is_made),
		cmocka_unit_test(directories), cmocka_unit_test(json),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
