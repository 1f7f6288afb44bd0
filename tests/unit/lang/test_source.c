#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "base/tree.h"
#include "lang/source.h"

static const struct { const char *text, *url, *sub, *ref, *key; } good[] = {
	{ "git::https://h/r.git", "https://h/r.git", "", NULL, "git::https://h/r.git" },
	{ "git::https://h/o/r.git//a/b?ref=v1.2.0", "https://h/o/r.git", "a/b", "v1.2.0", "git::https://h/o/r.git?ref=v1.2.0" },
	{ "git::https://h/r.git//a/?depth=1&ref=x", "https://h/r.git", "a", "x", "git::https://h/r.git?ref=x" },
	{ "git::https://h/r.git?ref=feature/x&depth=1", "https://h/r.git", "", "feature/x", "git::https://h/r.git?ref=feature/x" },
	{ "git::ssh://git@h:22/o/r.git//m", "ssh://git@h:22/o/r.git", "m", NULL, "git::ssh://git@h:22/o/r.git" },
	{ "git::file:///srv/r.git//m?ref=main", "file:///srv/r.git", "m", "main", "git::file:///srv/r.git?ref=main" },
	{ "git::file:///srv/r//", "file:///srv/r", "", NULL, "git::file:///srv/r" },
	{ "git::http://[::1]:80/r", "http://[::1]:80/r", "", NULL, "git::http://[::1]:80/r" },
};

static const struct { const char *text, *why; } bad[] = {
	{ "git::", "a repository is written" }, { "git::h/r.git", "a repository is written" }, { "git::ftp://h/r", "a repository is written" },
	{ "git::ext::sh -c x", "printable" }, { "git::ext::sh", "a repository is written" }, { "git::https://h", "no path" }, { "git::https://h/", "no path" },
	{ "git::https:///r", "no host" }, { "git::https://u:p@h/r", "password" }, { "git::https://h/r//../x", "out of the repository" },
	{ "git::https://h/r//a/../../x", "out of the repository" }, { "git::https://h/r//a/..", "out of the repository" },
	{ "git::https://h/r?reff=1", "did you mean \"ref\"" }, { "git::https://h/r?branch=1", "there are ref and depth" },
	{ "git::https://h/r?ref=", "no value for ref" }, { "git::https://h/r?ref", "no value for ref" }, { "git::https://h/r?ref=-x", "no value for ref" },
	{ "git::https://h/r?ref=a..b", "no value for ref" }, { "git::https://h/r?ref=a^{tree}", "no value for ref" }, { "git::https://h/r?depth=x", "no value for depth" },
	{ "git::https://h/r \n", "printable" }, { "git::https://h/\"r", "printable" }, { "git::https://h/\xc3\xa9", "printable" },
};

static void sources_are_read(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct source_git s;
		struct err err = { 0 };
		if (source_parse(good[i].text, &s, &err))
			fail_msg("%s: %s", good[i].text, err.msg);
		assert_string_equal(s.url, good[i].url);
		assert_string_equal(s.sub, good[i].sub);
		assert_string_equal(s.ref ? s.ref : "", good[i].ref ? good[i].ref : "");
		assert_string_equal(s.key, good[i].key);
		assert_int_equal(strlen(s.dir), strlen(".aipc/modules/") + 16);
		source_release(&s);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct source_git s;
		struct err err = { 0 };
		if (source_parse(bad[i].text, &s, &err) != E_INPUT || !strstr(err.msg, bad[i].why))
			fail_msg("%s: %s, wants %s", bad[i].text, err.msg, bad[i].why);
	}
}

static void what_differs_only_in_the_folder_is_one_repository(void **unused)
{
	struct source_git a, b, c;
	struct err err;
	(void)unused;
	assert_int_equal(source_parse("git::https://h/r//x?ref=1", &a, &err), 0);
	assert_int_equal(source_parse("git::https://h/r//y?depth=1&ref=1", &b, &err), 0);
	assert_int_equal(source_parse("git::https://h/r//x?ref=2", &c, &err), 0);
	assert_string_equal(a.dir, b.dir);
	assert_string_not_equal(a.dir, c.dir);
	source_release(&a);
	source_release(&b);
	source_release(&c);
}

static void links_stay(void **unused)
{
	static const struct { const char *link, *target; bool stays; } rows[] = {
		{ "a", "b", true }, { "a", "b/c/d", true }, { "a", ".", true }, { "a", "./b", true }, { "a", "..", false }, { "a", "../b", false },
		{ "d/a", "..", true }, { "d/a", "../b", true }, { "d/a", "../../b", false }, { "d/e/a", "../../b", true }, { "d/a", "b/../c", false },
		{ "d/a", "./../b", true }, { "a", "/etc/passwd", false }, { "a", "", false }, { "d/a", "here/..", false }, { "a", "...", true },
		{ "d/a", "..//..", false }, { "d/e/f/a", "../.././../x", true }, { "d/a", ".././..", false },
	};
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (tree_link_stays(rows[i].link, rows[i].target) != rows[i].stays)
			fail_msg("%s -> %s", rows[i].link, rows[i].target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_are_read),
		cmocka_unit_test(what_differs_only_in_the_folder_is_one_repository),
		cmocka_unit_test(links_stay),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
