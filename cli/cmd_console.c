#include <ctype.h>
#include <editline/readline.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/lazylib.h"
#include "base/str.h"
#include "cli/work.h"
#include "lang/eval_text.h"
#include "lang/func.h"

enum { MAX_BYTES = 16 << 20, HISTORY_LINES = 1000 };

struct console_opts { struct input_opts in; };

static const struct opt console_options[] = {
	INPUT_OPTIONS(struct console_opts),
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

struct console {
	struct cli *c;
	struct eval_text *t;
	struct str text;             /* lines of the expression that is not complete yet */
	bool failed;
};

/* --- is an expression complete? ------------------------------------------------------------------------------------------------ */

/* Where the text stands: how many brackets are open, and the marker of a heredoc that was not met. */
struct scan { const char *p; int depth; char marker[100]; };

static void scan_string(struct scan *s)
{
	int braces = 0;
	for (s->p++; *s->p && (*s->p != '"' || braces); s->p++) {
		if (*s->p == '\\' && s->p[1] && !braces)
			s->p++;
		else if ((*s->p == '$' || *s->p == '%') && s->p[1] == '{')
			braces++, s->p++;
		else if (*s->p == '}' && braces)
			braces--;
		else if (*s->p == '\n' && !braces)
			return;              /* a string does not go over lines: the parser will say so */
	}
	if (!*s->p) {
		s->p--;
		s->depth += braces;
	}
}

/* Behind `<<` or `<<-`: to the line with the marker, which is kept where that is missing. */
static void scan_heredoc(struct scan *s)
{
	const char *from = s->p + 2 + (s->p[2] == '-');
	size_t n = strspn(from, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
	if (!n || n >= sizeof(s->marker) || !(from[n] == '\n' || !from[n]))
		return;
	memcpy(s->marker, from, n);
	s->marker[n] = '\0';
	const char *line = strchr(from, '\n');
	while (line) {
		const char *text = line + 1 + strspn(line + 1, " \t");
		size_t len = strcspn(text, "\n");
		s->p = text + len - 1;
		if (len == n && memcmp(text, s->marker, n) == 0) {
			s->marker[0] = '\0';
			return;
		}
		line = text[len] ? text + len : NULL;
	}
	s->p = from + strlen(from) - 1;
}

/* One that is open goes on in the next line. */
static void scan_comment(struct scan *s)
{
	const char *end = strstr(s->p + 2, "*/");
	s->depth += !end;
	s->p = end ? end + 1 : s->p + strlen(s->p) - 1;
}

static bool complete(const char *text)
{
	struct scan s = { .p = text };
	for (; *s.p; s.p++) {
		if (*s.p == '"')
			scan_string(&s);
		else if (*s.p == '#' || (*s.p == '/' && s.p[1] == '/'))
			s.p += strcspn(s.p, "\n") - 1;
		else if (*s.p == '/' && s.p[1] == '*')
			scan_comment(&s);
		else if (*s.p == '<' && s.p[1] == '<')
			scan_heredoc(&s);
		else if (strchr("([{", *s.p))
			s.depth++;
		else if (strchr(")]}", *s.p))
			s.depth--;
	}
	return s.depth <= 0 && !s.marker[0];
}

/* --- one expression --------------------------------------------------------------------------------------------------------------- */

static void answer(struct console *k)
{
	const struct type *type;
	struct diags *d = diags_new();
	autostr struct str out = { 0 };
	str_init(&out, STR_OURS);
	const struct val *v = eval_text_ask(k->t, k->text.at, k->text.len, "console", d, &type);
	if (v && type)
		type_show(type, &out);
	else if (v)
		val_show(v, &out);
	if (v)
		fprintf(k->c->out, "%s\n", out.at);
	fflush(k->c->out);
	work_print_diags(k->c, d, NULL);
	diags_free(d);
	k->failed |= !v;
	str_clear(&k->text);
}

/* Is there nothing to evaluate in S: blanks and comments? */
static bool is_blank(const char *s)
{
	for (;;) {
		s += strspn(s, " \t\r\n");
		const char *end = s[0] == '/' && s[1] == '*' ? strstr(s + 2, "*/") : NULL;
		if (end)
			s = end + 2;
		else if (*s == '#' || (s[0] == '/' && s[1] == '/'))
			s += strcspn(s, "\n");
		else
			return !*s;
	}
}

/* One line more; false at the end. */
static bool take_line(struct console *k, const char *line)
{
	autofree char *word = xstrndup(line + strspn(line, " \t"), strcspn(line + strspn(line, " \t"), " \t\r\n"));
	bool first = k->text.len == 0;
	if (first && (strcmp(word, "exit") == 0 || strcmp(word, "quit") == 0))
		return false;
	if (first && strcmp(word, "help") == 0) {
		fputs("Type an expression to see its value, type(EXPRESSION) for its type; brackets that are open go on\n"
		      "in the next line. Tab completes names, Ctrl-C drops what was typed. exit, or Ctrl-D, ends.\n", k->c->out);
		return true;
	}
	if (first && is_blank(line))
		return true;
	str_addf(&k->text, "%s%s", first ? "" : "\n", line);
	if (is_blank(k->text.at))            /* a comment of several lines */
		str_clear(&k->text);
	else if (complete(k->text.at))
		answer(k);
	return true;
}

/* --- at a terminal ------------------------------------------------------------------------------------------------------------------- */

static struct { const char *const *names, *const *functions; size_t at; bool in_functions; } words;

static char *next_word(const char *prefix, int state)
{
	size_t n = strlen(prefix);
	if (state == 0) {
		words.at = 0;
		words.in_functions = false;
	}
	for (;;) {
		const char *w = words.in_functions ? words.functions[words.at] : words.names[words.at];
		if (!w && words.in_functions)
			return NULL;
		if (!w) {
			words.in_functions = true;
			words.at = 0;
			continue;
		}
		words.at++;
		if (strncmp(w, prefix, n) == 0)
			return words.in_functions ? xasprintf("%s(", w) : xstrdup(w);
	}
}

static char **complete_word(const char *text, int start, int end)
{
	(void)start;
	(void)end;
	*(int *)lazylib_edit_variable("rl_attempted_completion_over") = 1;           /* never names of files */
	*(int *)lazylib_edit_variable("rl_completion_append_character") = '\0';
	return rl_completion_matches(text, next_word);
}

/* The history is kept where the state of programs belongs, readable by its owner only: it may hold secrets. */
static char *history_path(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	struct err err;
	autofree char *dir = state && state[0] == '/' ? xasprintf("%s/aipc", state) : home && home[0] == '/' ? xasprintf("%s/.local/state/aipc", home) : NULL;
	return dir && file_mkdirs(dir, &err) == 0 ? file_join(dir, "console_history") : NULL;
}

/* Ctrl-C drops what was typed of an expression: without SA_RESTART the read of the line ends. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signum)
{
	(void)signum;
	interrupted = 1;
}

/* The next line, NULL at the end. */
static char *next_line(struct console *k)
{
	for (;;) {
		interrupted = 0;
		char *line = readline(k->text.len ? ": " : "> ");
		if (line || !interrupted)
			return line;
		str_clear(&k->text);
		fputc('\n', k->c->out);
		fflush(k->c->out);
	}
}

/* Never readable by others, not even while it is written. */
static void keep_history(const char *path)
{
	mode_t before = umask(077);
	if (write_history(path) == 0)
		chmod(path, 0600);
	umask(before);
}

static void interactive(struct console *k)
{
	autofree char *history = history_path();
	char *line;
	struct sigaction stop = { .sa_handler = on_interrupt }, before;
	words.names = eval_text_names(k->t);
	words.functions = func_names();
	*(const char **)lazylib_edit_variable("rl_readline_name") = "aipc";
	*(rl_completion_func_t **)lazylib_edit_variable("rl_attempted_completion_function") = complete_word;
	*(const char **)lazylib_edit_variable("rl_basic_word_break_characters") = " \t\n\"'`@$><=;|&{}()[],:?!+*/%";       /* "-" is of names */
	using_history();
	stifle_history(HISTORY_LINES);
	if (history)
		read_history(history);
	sigaction(SIGINT, &stop, &before);
	while ((line = next_line(k)) != NULL) {
		if (!is_blank(line))
			add_history(line);
		bool go_on = strlen(line) + k->text.len < MAX_BYTES && take_line(k, line);
		free(line);
		if (!go_on)
			break;
	}
	sigaction(SIGINT, &before, NULL);
	if (history)
		keep_history(history);
	fputc('\n', k->c->out);
}

/* --- from a pipe --------------------------------------------------------------------------------------------------------------------- */

/* Ends at the first expression that fails, as Terraform's console does. */
static void piped(struct console *k)
{
	autofree char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	while (!k->failed && (n = getline(&line, &cap, stdin)) >= 0) {
		if (n && line[n - 1] == '\n')
			line[--n] = '\0';
		if ((size_t)n + k->text.len > MAX_BYTES || !take_line(k, line))
			break;
	}
	if (!k->failed && k->text.len)
		answer(k);                           /* not complete: the parser says what is missing */
}

static int console_run(struct cli *c)
{
	const struct console_opts *o = c->opts;
	struct diags *d = diags_new();
	struct lang *l = NULL;
	struct err err = { 0 };
	int status = EXIT_ERROR, rc = work_load_spec(&o->in, true, d, &l, &err);
	work_print_diags(c, d, NULL);
	if (!rc) {
		struct console k = { .c = c, .t = eval_text_new(l) };
		bool terminal = isatty(STDIN_FILENO) && c->out_tty;
		str_init(&k.text, MAX_BYTES + 2u);
		if (terminal)
			interactive(&k);
		else
			piped(&k);
		status = k.failed && !terminal ? EXIT_ERROR : EXIT_OK;
		str_release(&k.text);
		eval_text_free(k.t);
	} else if (err.msg[0]) {
		status = cli_fail(c, &err);
	}
	lang_free(l);
	diags_free(d);
	return status;
}

const struct command cmd_console = {
	.name = "console", .args = "", .brief = "try expressions, line by line",
	.about = "Reads expressions and prints their values, with the variables, locals and modules of the spec in the folder, or without any where there "
		 "is no spec. Nothing is read from machines or state. Lines can be edited, Tab completes names of functions and values, Ctrl-C drops what was "
		 "typed, and the history is kept in $XDG_STATE_HOME/aipc or else ~/.local/state/aipc, for its owner alone. Brackets and heredocs that are open go on in the next line. Through a pipe it reads to the first mistake.",
	.examples = { { "aipc console", "at a terminal" }, { "echo 'local.names' | aipc console", "in a script" } },
	.opts = console_options, .opts_size = sizeof(struct console_opts),
	.group = GROUP_READ, .run = console_run,
};
