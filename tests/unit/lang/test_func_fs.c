#include "tests/unit/lang/func_help.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

/* As observed on the tool whose users we want to feel at home; where we are kinder or exact, the row says ours. */
static const struct func_row rows[] = {
	{ "basename", "'foo/bar/baz.txt'", "'baz.txt'" },
	{ "basename", "'/'", "'/'" },
	{ "basename", "''", "'.'" },
	{ "basename", "'a/b/'", "'b'" },
	{ "dirname", "'foo/bar/baz.txt'", "'foo/bar'" },
	{ "dirname", "'foo'", "'.'" },
	{ "dirname", "'/'", "'/'" },
	{ "dirname", "''", "'.'" },
	{ "dirname", "'a/b/'", "'a/b'" },
	{ "dirname", "'a//b/../c'", "'a'" },
};

static const struct func_row file_rows[] = {
	{ "file", "'a.txt'", "'h\xc3\xa9\\n'" }, { "file", "'sub/../a.txt'", "'h\xc3\xa9\\n'" }, { "file", "'nope'", "E No such file" }, { "file", "'sub'", "E sub" }, { "file", "'bytes'", "E not UTF-8" }, { "file", "null", "E null" },
	{ "file", "{'~unknown':'string'}", "?string" }, { "file", "{'~sensitive':'a.txt'}", "!'h\xc3\xa9\\n'" }, { "file", "'fifo'", "E fifo" },
	{ "filebase64", "'bytes'", "'/wA='" }, { "filebase64", "'nope'", "E No such file" }, { "filebase64", "null", "E null" },
	{ "fileexists", "'a.txt'", "true" }, { "fileexists", "'nope'", "false" }, { "fileexists", "'a.txt/x'", "false" }, { "fileexists", "'sub'", "E no regular file" }, { "fileexists", "null", "E null" },
	{ "fileset", "'.','*.txt'", "['a.txt','b.txt']" }, { "fileset", "'.','**/*.txt'", "['a.txt','b.txt','sub/c.txt','sub/deep/d.txt']" }, { "fileset", "'.','sub/**'", "['sub/c.txt','sub/deep/d.txt']" },
	{ "fileset", "'.','{a,b}.txt'", "['a.txt','b.txt']" }, { "fileset", "'.','[^a].txt'", "['b.txt']" }, { "fileset", "'sub','*'", "['c.txt']" }, { "fileset", "'nodir','*'", "[]" }, { "fileset", "'.','{a'", "E brace" },
	{ "fileset", "'.','*/*.txt'", "['sub/c.txt']" }, { "fileset", "'.','?.txt'", "['a.txt','b.txt']" }, { "fileset", "null,'*'", "E null" }, { "fileset", "'.','{sub/{c,x},b}.txt'", "['b.txt','sub/c.txt']" },
	{ "filemd5", "'bytes'", "'e0e8bfafbb0689563b2fba789c97b3cc'" }, { "filesha1", "'nope'", "E No such file" }, { "filesha256", "'empty'", "'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'" },
	{ "filesha512", "null", "E null" }, { "filebase64sha256", "'empty'", "'47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='" }, { "filebase64sha512", "'sub'", "E sub" },
	{ "abspath", "'/a/./b//../c'", "'/a/c'" }, { "abspath", "'/..'", "'/'" }, { "abspath", "null", "E null" }, { "pathexpand", "'a/~'", "'a/~'" }, { "pathexpand", "'~'", "'/home/me'" }, { "pathexpand", "'~/x'", "'/home/me/x'" },
	{ "pathexpand", "'~user/x'", "E other users" }, { "pathexpand", "null", "E null" }, { "dirname", "'../../a'", "'../..'" }, { "dirname", "'/a'", "'/'" }, { "basename", "'a//'", "'a'" }, { "dirname", "null", "E null" }, { "basename", "null", "E null" },
	{ "dirname", "'a/../../b/c'", "'../b'" },
};

static void put(const char *dir, const char *name, const void *data, size_t len)
{
	autofree char *path = file_join(dir, name);
	struct err err;
	assert_int_equal(file_write(path, data, len, 0644, &err), 0);
}

static void files(void **unused)
{
	(void)unused;
	char dir[] = "/tmp/test_func_fs.XXXXXX", cmd[64];
	struct err err;
	assert_non_null(mkdtemp(dir));
	autofree char *deep = file_join(dir, "sub/deep"), *fifo = file_join(dir, "fifo"), *link = file_join(dir, "sub/loop");
	assert_int_equal(file_mkdirs(deep, &err), 0);
	put(dir, "a.txt", "he\xcc\x81\n", 5);
	put(dir, "b.txt", "", 0);
	put(dir, "empty", "", 0);
	put(dir, "bytes", "\xff\0", 2);
	put(dir, "sub/c.txt", "c", 1);
	put(dir, "sub/deep/d.txt", "d", 1);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(symlink("..", link), 0);
	setenv("HOME", "/home/me", 1);
	func_dir = dir;
	FUNC_ROWS(file_rows);
	func_dir = NULL;
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	assert_int_equal(system(cmd), 0);
}

static void paths(void **unused)
{
	(void)unused;
	FUNC_ROWS(rows);
}

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths),
		cmocka_unit_test(files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
