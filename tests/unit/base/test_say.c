#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/say.h"

static void sentences_are_wrapped(void **unused)
{
	(void)unused;
	static const struct { const char *text, *want; } rows[] = {
		{ "it is so", "prog: it is so.\n" },
		{ "did you mean \"plan\"?", "prog: did you mean \"plan\"?\n" },
		{ "see  aipc help", "prog: see  aipc help.\n" },
		{ "one\ntwo", "prog: one\n  two.\n" },
		/* The 80th column is the last one; columns, not bytes. */
		{ "one two three four five six seven eight nine ten eleven twelve thirteen f", "prog: one two three four five six seven eight nine ten eleven twelve thirteen f.\n" },
		{ "one two three four five six seven eight nine ten eleven twelve thirteen f last", "prog: one two three four five six seven eight nine ten eleven twelve thirteen f\n  last.\n" },
		{ "ä ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü", "prog: ä ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü ü.\n" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *got;
		size_t len;
		FILE *f = open_memstream(&got, &len);
		say_sentence(f, "prog:", 5, rows[i].text);
		fclose(f);
		assert_string_equal(got, rows[i].want);
		free(got);
	}
}

static void lines_have_an_indent(void **unused)
{
	(void)unused;
	static const struct { const char *text; size_t indent, at, width; const char *want; } rows[] = {
		{ "one two three", 0, 0, 7, "one two\nthree\n" },
		{ "one two three", 2, 2, 7, "one\n  two\n  three\n" },     /* the caller wrote the two */
		{ "one two three", 4, 1, 9, " one two\n    three\n" },
		/* A word that ends where the indent is, is still a word. */
		{ "a: b c", 2, 0, 80, "a: b c\n" },
		{ "one  two   three", 0, 0, 8, "one  two\nthree\n" },
		{ "one  two ", 0, 0, 5, "one\ntwo\n" },                      /* no line ends in a blank */
		{ "endlesslylong x", 1, 0, 4, "endlesslylong\n x\n" },
		{ "", 3, 0, 80, "\n" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *got;
		size_t len;
		FILE *f = open_memstream(&got, &len);
		say_wrap(f, rows[i].text, rows[i].indent, rows[i].at, rows[i].width);
		fclose(f);
		assert_string_equal(got, rows[i].want);
		free(got);
	}
}

static bool arrived(FILE *out, const char *text, char **said)
{
	size_t len;
	FILE *err = open_memstream(said, &len);
	fputs(text, out);
	bool all = say_arrived(out, err, "prog");
	fclose(err);
	fclose(out);
	return all;
}

static void what_is_lost_is_told(void **unused)
{
	(void)unused;
	char *said, big[20000];
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_true(arrived(fopen("/dev/null", "w"), "text", &said));
	assert_string_equal(said, "");
	free(said);
	assert_false(arrived(fopen("/dev/full", "w"), "text", &said));
	assert_string_equal(said, "prog: cannot write the output: No space left on device.\n");
	free(said);
	assert_false(arrived(fopen("/dev/full", "w"), big, &said));
	assert_non_null(strstr(said, "prog: cannot write "));
	free(said);
	/* A reader that left wanted no more, however much was printed. */
	for (int i = 0; i < 2; i++) {
		int ends[2];
		assert_int_equal(pipe(ends), 0);
		close(ends[0]);
		assert_true(arrived(fdopen(ends[1], "w"), i ? big : "text", &said));
		assert_string_equal(said, "");
		free(said);
	}
}

/* In a child: closes FD, holds the streams, and tells in its status what the next file's number is and whether the stream takes anything. */
static int held(int fd)
{
	pid_t child = fork();
	if (child == 0) {
		close(fd);
		say_hold_streams();
		int next = open("/dev/zero", O_RDWR);
		char c = 'x';
		bool works = fd == STDIN_FILENO ? read(fd, &c, 1) >= 0 : write(fd, &c, 1) >= 0;
		_exit(next > STDERR_FILENO && !works ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void closed_streams_are_held(void **unused)
{
	(void)unused;
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		assert_int_equal(held(fd), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sentences_are_wrapped),
		cmocka_unit_test(lines_have_an_indent),
		cmocka_unit_test(what_is_lost_is_told),
		cmocka_unit_test(closed_streams_are_held),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
