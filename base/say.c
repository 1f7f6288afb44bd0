#include "base/say.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

void say_hold_streams(void)
{
	/* open() gives the lowest number that is free, so each is held before the next is looked at. */
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(1);
}

void say_wrap(FILE *to, const char *text, size_t indent, size_t at, size_t width)
{
	bool fresh = at == 0 || at == indent;
	size_t gap = 1, n;           /* blanks that wait for a word behind them */
	for (; *text; text += n) {
		n = strcspn(text, " \n");
		size_t wide = str_columns(text, n);
		bool ends = *text == '\n';
		if (ends || (n && !fresh && at + gap + wide > width)) {
			fprintf(to, "\n%*s", (int)indent, "");
			at = indent;
			fresh = true;
		}
		if (n == 0) {
			gap += !ends;
			n = 1;
			continue;
		}
		fprintf(to, "%*s%.*s", fresh ? 0 : (int)gap, "", (int)n, text);
		at += (fresh ? 0 : gap) + wide;
		fresh = false;
		gap = 0;
	}
	fputc('\n', to);
}

void say_sentence(FILE *to, const char *prefix, size_t len, const char *text)
{
	size_t n = strlen(text);
	bool ends = n && (text[n - 1] == '?' || text[n - 1] == '.');
	autofree char *sentence = xasprintf("%s%s", text, ends ? "" : ".");
	fputs(prefix, to);
	say_wrap(to, sentence, 2, len, 80);
}

/* A write that failed long ago left no errno behind: is it that nobody reads any more? */
static bool reader_left(FILE *out)
{
	struct pollfd p = { .fd = fileno(out), .events = POLLOUT };
	return p.fd >= 0 && poll(&p, 1, 0) == 1 && (p.revents & (POLLERR | POLLHUP));
}

bool say_arrived(FILE *out, FILE *err, const char *program)
{
	bool flushed = fflush(out) == 0;
	int cause = flushed ? 0 : errno;
	if ((flushed && !ferror(out)) || cause == EPIPE || (!cause && reader_left(out)))
		return true;
	fprintf(err, "%s: cannot write %s%s%s.\n", program, cause ? "the output" : "all of the output", cause ? ": " : "",
		cause ? strerror(cause) : "");
	return false;
}
