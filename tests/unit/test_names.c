// SPDX-License-Identifier: Apache-2.0
/* Files that names are looked up by, under a real Landlock ruleset; each case is a process of its own. */
#include "cmocka_all.h"

#include <linux/landlock.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/sandbox.h"
#include "device/names.h"

static char directory[] = "/tmp/sealbond-names-XXXXXX";
static char conf[64], hosts[64], beside[64], elsewhere[64], target[96];

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int set_up(void **state)
{
	if (!mkdtemp(directory))
		return -1;
	snprintf(conf, sizeof(conf), "%s/resolv.conf", directory);
	snprintf(hosts, sizeof(hosts), "%s/hosts", directory);
	snprintf(beside, sizeof(beside), "%s/new", directory);
	snprintf(elsewhere, sizeof(elsewhere), "%s/run", directory);
	snprintf(target, sizeof(target), "%s/stub.conf", elsewhere);
	return 0;
}

static int tear_down(void **state)
{
	unlink(conf);
	unlink(hosts);
	unlink(target);
	rmdir(elsewhere);
	return rmdir(directory);
}

/* By whoever is not in the sandbox. */
static void replaced(const char *path)
{
	put(beside, "another");
	assert_int_equal(rename(beside, path), 0);
}

/* In the sandbox, with rules for both files and the directory of the link's target: stale, after change was made? */
static bool stale_after(void (*change)(void))
{
	const struct sb_sandbox_path rules[] = { { conf, 0 }, { hosts, 0 }, { elsewhere, 0 } };
	const char *const paths[] = { conf, hosts };
	int ready[2], go[2], how;
	struct sb_names names;
	char byte = 0;
	pid_t child;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	child = fork();
	if (child == 0) {
		sb_names_look(&names, paths, 2);
		if (sb_sandbox_begin() < 0 || sb_sandbox_paths(rules, 3) != 0 || sb_names_stale(&names))
			_exit(2);
		if (write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(2);
		_exit(sb_names_stale(&names));
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) == 1)
		change();
	assert_int_equal(write(go[1], &byte, 1), 1);
	assert_int_equal(waitpid(child, &how, 0), child);
	close(ready[0]);
	close(go[0]);
	close(go[1]);
	assert_true(WIFEXITED(how) && WEXITSTATUS(how) < 2);
	return WEXITSTATUS(how);
}

static void written_in_place(void)
{
	put(conf, "other words");
}

static void by_dhcp(void)
{
	replaced(conf);
}

static void by_an_editor(void)
{
	replaced(hosts);
}

static void nothing(void)
{
}

static void removed(void)
{
	unlink(conf);
}

static void the_target_comes(void)
{
	mkdir(elsewhere, 0755);
	put(target, "nameserver 127.0.0.53");
}

static void the_target_is_another(void)
{
	replaced(target);
}

/* A kernel without Landlock refuses no file. */
static bool has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

static void files(void **state)
{
	if (!has_landlock())
		skip();
	put(conf, "nameserver 192.0.2.1");
	put(hosts, "127.0.0.1 localhost");
	assert_false(stale_after(nothing));
	assert_false(stale_after(written_in_place));
	assert_true(stale_after(by_dhcp));
	assert_true(stale_after(by_an_editor));
	assert_false(stale_after(nothing));
	assert_false(stale_after(removed));
	/* There was none when the rules were made. */
	assert_false(stale_after(nothing));
	assert_true(stale_after(by_dhcp));
}

static void links(void **state)
{
	if (!has_landlock())
		skip();
	unlink(conf);
	assert_int_equal(symlink("run/stub.conf", conf), 0);
	assert_false(stale_after(nothing));
	assert_true(stale_after(the_target_comes));
	/* With a rule for its directory every file in it can be read. */
	assert_false(stale_after(the_target_is_another));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(files), cmocka_unit_test(links) };

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
