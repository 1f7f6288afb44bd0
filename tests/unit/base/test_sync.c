/* The parts of base/ that never wait: err, mem, arena, str, json, file, clock. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

static void err_says_it_once_and_grows_to_the_left(void **unused)
{
	(void)unused;
	struct err err = { 0 };
	assert_int_equal(err_set(&err, E_INPUT, "line %d", 3), E_INPUT);
	assert_int_equal(err_wrap(&err, "state '%s'", "x.db"), E_INPUT);
	assert_string_equal(err.msg, "state 'x.db': line 3");
	assert_int_equal(err_set(NULL, E_IO, "nobody listens"), E_IO);
	errno = ENOENT;
	assert_int_equal(err_errno(&err, "cannot open y"), E_NOTFOUND);
	assert_non_null(strstr(err.msg, "cannot open y: No such file"));
	err_set(&err, E_INPUT, "it says: %s", "\x1b[31mred\xc2\x9b\x7f caf\xc3\xa9\n");        /* a peer's words do not move a terminal */
	assert_string_equal(err.msg, "it says: ?[31mred?? caf\xc3\xa9\n");
	char big[3000];
	memset(big, 'm', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	err_set(&err, E_INPUT, "%s", big);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	err_wrap(&err, "front");
	assert_int_equal(strncmp(err.msg, "front: mmm", 10), 0);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	assert_string_equal(err_name(E_UNREACHABLE), "unreachable");
	assert_string_equal(err_name(-99), "unknown");
	assert_string_equal(err_name(5), "unknown");
}

static void arena_gives_zeroed_aligned_memory(void **unused)
{
	(void)unused;
	struct arena *a = arena_new();
	for (size_t n = 1; n < 100000; n = n * 3 + 1) {
		char *p = arena_alloc(a, n);
		assert_int_equal((uintptr_t)p % (n % 16 ? 8 : 16), 0);
		assert_int_equal((uintptr_t)arena_alloc(a, 16 * n) % 16, 0);
		char *packed = arena_packed(a, 3, 8), *next = arena_packed(a, 1, 16);
		assert_true(next == packed + 24 || n > 1);               /* another block may begin between them */
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, n);
	}
	assert_string_equal(arena_printf(a, "%d-%s", 7, "x"), "7-x");
	assert_string_equal(arena_strndup(a, "abcdef", 3), "abc");
	assert_null(arena_strdup(a, NULL));
	assert_true(arena_size(a) >= 100000);
	arena_free(a);
	arena_free(NULL);
}

static void str_holds_its_cap(void **unused)
{
	(void)unused;
	struct str s;
	str_init(&s, 10);
	assert_string_equal(s.at, "");
	str_add(&s, "12345");
	str_addf(&s, "%s", "67890");
	assert_false(str_full(&s));
	assert_string_equal(s.at, "1234567890");
	str_addc(&s, 'x');
	assert_true(str_full(&s));
	assert_string_equal(s.at, "1234567890");
	str_clear(&s);
	assert_false(str_full(&s));
	str_pad(&s, 4, '.');
	autofree char *taken = str_take(&s);
	assert_string_equal(taken, "....");
	assert_string_equal(s.at, "");
	str_release(&s);
	str_release(&s);
}

static void glob_table(void **unused)
{
	(void)unused;
	static const struct { const char *pattern, *text; bool hit; } rows[] = {
		{ "", "", true }, { "", "a", false }, { "*", "", true }, { "*", "abc", true }, { "a*c", "abbbc", true },
		{ "a*c", "abcd", false }, { "a?c", "abc", true }, { "a?c", "ac", false }, { "[a-c]x", "bx", true },
		{ "[!a-c]x", "bx", false }, { "[!a-c]x", "dx", true }, { "[]]", "]", true }, { "[", "[", true }, { "[a", "[a", true },
		{ "gpu-0[01]*", "gpu-0123", true }, { "gpu-0[01]*", "gpu-0223", false }, { "*a*b*c*", "xxaxxbxxcxx", true },
		{ "HGX_FW_*", "HGX_FW_GPU_SXM_1", true }, { "a*", "b", false }, { "*.fwpkg", "x.fwpkg", true }, { "[", "a", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_glob(rows[i].pattern, rows[i].text) != rows[i].hit)
			fail_msg("%s on %s", rows[i].pattern, rows[i].text);
	/* Many stars on a text that never matches must end soon: this would take ages if every star backtracked. */
	char text[2001];
	memset(text, 'a', 2000);
	text[2000] = '\0';
	assert_false(str_glob("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}

static void nearest_and_order(void **unused)
{
	(void)unused;
	static const char *const names[] = { "upper", "lower", "gpu_node_pool", "firmware", NULL };
	assert_string_equal(str_nearest("uper", names), "upper");
	assert_string_equal(str_nearest("gpu_nod_pool", names), "gpu_node_pool");
	assert_string_equal(str_nearest("FIRMWARE", names), "firmware");
	assert_null(str_nearest("zebra", names));
	assert_int_equal(str_distance("ab", "ba"), 1);
	assert_true(str_natural_cmp("gpu-2", "gpu-10") < 0);
	assert_true(str_natural_cmp("gpu-10", "gpu-10") == 0);
	assert_true(str_natural_cmp("gpu-010", "gpu-10") != 0);
	assert_true(str_natural_cmp("a", "a1") < 0);
	assert_true(str_natural_cmp("gpu-9-x", "gpu-10-a") < 0);
	char hex[65];
	str_sha256("abc", 3, hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void json_is_canonical(void **unused)
{
	(void)unused;
	static const struct { const char *in, *out; } rows[] = {
		{ "{\"b\":1,\"a\":[true,null]}", "{\"a\":[true,null],\"b\":1}" },
		{ "0.1", "0.1" }, { "1e300", "1e+300" }, { "1.0", "1.0" }, { "-0.0", "-0.0" }, { "9007199254740993", "9007199254740993" },
		{ "\"a\\u0001\\n\\\"\\\\\"", "\"a\\u0001\\n\\\"\\\\\"" }, { "\"\xc3\xa4\"", "\"\xc3\xa4\"" }, { "{}", "{}" }, { "[]", "[]" },
		{ "0.30000000000000004", "0.30000000000000004" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autojson json_t *j = NULL;
		struct err err;
		assert_int_equal(json_parse(rows[i].in, strlen(rows[i].in), "test", &j, &err), 0);
		autofree char *text = json_text(j);
		assert_string_equal(text, rows[i].out);
	}
	struct err err = { 0 };
	json_t *none = NULL;
	assert_int_equal(json_parse("{\"a\":1,\"a\":2}", 13, "reply", &none, &err), E_INPUT);
	assert_non_null(strstr(err.msg, "reply"));
	assert_null(none);
}

static void json_getters_take_anything(void **unused)
{
	(void)unused;
	autojson json_t *j = json_pack("{s:i,s:f,s:s,s:b,s:{s:[s]}}", "i", 3, "f", 4.0, "s", "x", "b", 1, "o", "l", "deep");
	assert_int_equal(json_int(j, "i", -1), 3);
	assert_int_equal(json_int(j, "f", -1), 4);
	assert_int_equal(json_int(j, "s", -1), -1);
	assert_null(json_str(j, "i"));
	assert_null(json_str(NULL, "i"));
	assert_true(json_flag(j, "b", false));
	assert_string_equal(json_string_value(json_path(j, "o", "l", "0", NULL)), "deep");
	assert_null(json_path(j, "o", "l", "1", NULL));
	assert_null(json_path(j, "s", "l", NULL));
	autojson json_t *a = json_pack("[i,f]", 1, 2.0), *b = json_pack("[f,i]", 1.0, 2);
	assert_true(json_same(a, b));
	assert_false(json_same(a, NULL));
	autojson json_t *bad = json_string_safe("a\xff" "b", 3);
	assert_string_equal(json_string_value(bad), "a\xef\xbf\xbd" "b");
}

static char *in_tmp(const char *dir, const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void files_are_whole_or_old(void **unused)
{
	(void)unused;
	char dir[] = "/tmp/aipc-test-XXXXXX";
	struct err err = { 0 };
	assert_non_null(mkdtemp(dir));
	autofree char *path = in_tmp(dir, "a/b/c.txt"), *folder = in_tmp(dir, "a/b"), *top = in_tmp(dir, "a"), *text = NULL;
	size_t len;
	assert_int_equal(file_read(path, 100, &text, &len, &err), E_NOTFOUND);
	assert_int_equal(file_write(path, "x", 1, 0644, &err), E_NOTFOUND);
	assert_int_equal(file_mkdirs(folder, &err), 0);
	assert_int_equal(file_mkdirs(folder, &err), 0);
	assert_int_equal(file_write(path, "hello", 5, 0600, &err), 0);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(file_read(path, 4, &text, &len, &err), E_INPUT);
	assert_int_equal(file_read(path, 5, &text, &len, &err), 0);
	assert_string_equal(text, "hello");
	assert_int_equal(file_mkdirs(path, &err) < 0, 1);
	char sum[65];
	unsigned long long size;
	assert_int_equal(file_sha256(path, sum, &size, &err), 0);
	assert_int_equal(size, 5);
	assert_string_equal(sum, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
	/* What somebody laid where the file is made is not written through. */
	autofree char *laid = xasprintf("%s.tmp.%ld", path, (long)getpid()), *others = in_tmp(dir, "others"), *whole = NULL;
	assert_int_equal(file_write(others, "theirs", 6, 0600, &err), 0);
	assert_int_equal(link(others, laid), 0);
	assert_int_equal(file_write(path, "ours", 4, 0600, &err), 0);
	assert_int_equal(symlink(others, laid), 0);
	assert_int_equal(file_write(path, "ours", 4, 0600, &err), 0);
	assert_int_equal(file_read(others, 6, &whole, &len, &err), 0);
	assert_string_equal(whole, "theirs");
	assert_int_equal(unlink(others), 0);
	/* A folder and a pipe are refused, and do not hang. */
	autofree char *pipe_path = in_tmp(dir, "pipe"), *none = NULL;
	assert_int_equal(mkfifo(pipe_path, 0600), 0);
	assert_int_equal(file_read(pipe_path, 5, &none, &len, &err), E_INPUT);
	assert_int_equal(file_read(dir, 5, &none, &len, &err), E_INPUT);
	assert_int_equal(file_remove(path, &err), 0);
	assert_int_equal(file_remove(path, &err), 0);
	unlink(pipe_path);
	rmdir(folder);
	rmdir(top);
	rmdir(dir);
}

static void clock_can_stand_still(void **unused)
{
	(void)unused;
	clock_simulate(7, 1700000000000);
	int64_t t = clock_now_ms();
	assert_int_equal(clock_now_ms(), t);
	clock_advance(500);
	assert_int_equal(clock_now_ms(), t + 500);
	char stamp[32];
	clock_stamp(clock_wall_ms(), stamp);
	assert_string_equal(stamp, "2023-11-14T22:13:20Z");
	uint64_t a[4], b[4];
	clock_random(a, sizeof(a));
	clock_simulate(7, 1700000000000);
	clock_random(b, sizeof(b));
	assert_memory_equal(a, b, sizeof(a));
	for (unsigned i = 0; i < 40; i++) {
		int64_t ms = clock_backoff_ms(i, 100, 5000);
		assert_true(ms >= 1 && ms <= 5000);
		assert_true(i > 0 || ms <= 100);
	}
	for (int i = 0; i < 100; i++)
		assert_true(clock_random_below(3) < 3);
	clock_real();
	assert_false(clock_is_simulated());
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_says_it_once_and_grows_to_the_left),
		cmocka_unit_test(arena_gives_zeroed_aligned_memory),
		cmocka_unit_test(str_holds_its_cap),
		cmocka_unit_test(glob_table),
		cmocka_unit_test(nearest_and_order),
		cmocka_unit_test(json_is_canonical),
		cmocka_unit_test(json_getters_take_anything),
		cmocka_unit_test(files_are_whole_or_old),
		cmocka_unit_test(clock_can_stand_still),
	};
	json_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
