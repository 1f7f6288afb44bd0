#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"

#include "tests/unit/scratch.h"

static void only_files_are_replaced(void **unused)
{
	(void)unused;
	static const struct { const char *name, *why; } rows[] = {
		{ "folder", "cannot write folder: it is a folder" },
		{ "to-folder", "cannot write to-folder: it is a folder" },
		{ "pipe", "cannot write pipe: it is no regular file that could be replaced" },
		{ "device", "cannot write device: it is no regular file that could be replaced" },
		/* As /dev/stdout: what it leads to may be a regular file. */
		{ "stream", "cannot write stream: it is no regular file that could be replaced" },
	};
	char dir[64], link[32];
	assert_true(scratch(dir));
	assert_int_equal(chdir(dir), 0);
	FILE *open_file = fopen("redirected", "w");
	assert_non_null(open_file);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fileno(open_file));
	assert_int_equal(mkdir("folder", 0755) | mkfifo("pipe", 0600) | symlink("folder", "to-folder") | symlink("/dev/null", "device") |
			 symlink(link, "stream"), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct stat before, after;
		struct err err;
		assert_int_equal(lstat(rows[i].name, &before), 0);
		assert_int_equal(file_write(rows[i].name, "x", 1, 0600, &err), E_INPUT);
		assert_string_equal(err.msg, rows[i].why);
		assert_int_equal(lstat(rows[i].name, &after), 0);
		assert_true(before.st_ino == after.st_ino && before.st_mode == after.st_mode);
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(remove(rows[i].name), 0);
	fclose(open_file);
	assert_int_equal(remove("redirected"), 0);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(dir), 0);           /* nothing is left beside them */
}

/* What is not there, a file, a link to one, and one that leads nowhere. */
static void files_are_written_whole(void **unused)
{
	(void)unused;
	static const char *const names[] = { "new", "old", "link", "dangling" };
	char dir[64];
	assert_true(scratch(dir));
	assert_int_equal(chdir(dir), 0);
	struct err err;
	assert_int_equal(file_write("old", "a longer text", 13, 0644, &err), 0);
	assert_int_equal(symlink("old", "link") | symlink("nowhere", "dangling"), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		autofree char *text = NULL;
		size_t len;
		struct stat st;
		assert_int_equal(file_write(names[i], "text", 4, 0600, &err), 0);
		assert_int_equal(file_read(names[i], 100, &text, &len, &err), 0);
		assert_string_equal(text, "text");
		assert_true(lstat(names[i], &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0777) == 0600);
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(remove(names[i]), 0);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(dir), 0);           /* nothing is left beside them */
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(only_files_are_replaced), cmocka_unit_test(files_are_written_whole) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
