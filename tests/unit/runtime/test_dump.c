/* Dumps: written on SIGUSR1, whole, for the owner's eyes only, and through nothing that others laid in the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "runtime/dump.h"
#include "tests/unit/scratch.h"

enum { PATIENCE_MS = 60000 };
static char folder[64];

struct known { size_t items, asked; };

static void write_known(void *arg, FILE *to)
{
	struct known *k = arg;
	size_t n = 0;
	k->asked++;
	dump_open(to);
	for (size_t i = 0; i < k->items; i++) {
		autojson json_t *j = json_pack("{s:s,s:{s:s}}", "kind", "Node", "metadata", "name", i ? "other" : "first\n\"");
		dump_item(to, &n, j);
	}
	dump_close(to);
}

static void told(struct task *t, struct known *k)
{
	size_t before = k->asked;
	struct err err;
	raise(SIGUSR1);
	for (int64_t began = clock_now_ms(); k->asked == before; )
		assert_true(task_sleep(t, 5, &err) == 0 && clock_now_ms() - began < PATIENCE_MS);
}

static void is_whole(const char *path, size_t items)
{
	struct stat st;
	struct err err;
	autojson json_t *list = NULL;
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	if (json_read_input(path, 1 << 20, &list, &err) != 0)
		fail_msg("%s", err.msg);
	assert_string_equal(json_str(list, "kind"), "List");
	assert_int_equal(json_array_size(json_at(list, "items")), items);
}

static int dumps(struct task *t, void *arg, struct err *err)
{
	autofree char *path = file_join(folder, "dump.json"), *victim = file_join(folder, "victim"), *beside = xasprintf("%s.tmp.%ld", path, (long)getpid());
	struct known k = { 0, 0 };
	(void)arg;
	assert_null(dump_start(t, NULL, write_known, &k));
	dump_stop(t, NULL);
	assert_int_equal(file_write(victim, "mine", 4, 0644, err), 0);
	umask(0);
	struct dump *d = dump_start(t, path, write_known, &k);
	told(t, &k);
	is_whole(path, 0);
	/* Somebody else makes links where the dump goes, and where it is known to be written first. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(victim, path), 0);
	assert_int_equal(symlink(victim, beside), 0);
	k.items = 2;
	told(t, &k);
	is_whole(path, 2);
	autofree char *text = NULL;
	size_t len;
	assert_int_equal(file_read(victim, 100, &text, &len, err), 0);
	assert_string_equal(text, "mine");
	/* A name that cannot be written is said in the log; the next time it may be. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	told(t, &k);
	assert_int_equal(rmdir(path), 0);
	told(t, &k);
	is_whole(path, 2);
	dump_stop(t, d);
	return 0;
}

static void on_signal(void **unused)
{
	struct err err = { 0 };
	struct loop *l = loop_new();
	(void)unused;
	assert_int_equal(loop_run(l, dumps, NULL, &err), 0);
	loop_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(on_signal) };
	json_setup();
	if (!scratch(folder))
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	autofree char *remove_it = xasprintf("rm -rf %s", folder);
	return system(remove_it) || rc;
}
