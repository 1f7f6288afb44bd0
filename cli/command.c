#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/say.h"
#include "base/str.h"
#include "cli/cli.h"

extern const struct command
	cmd_apply,
	cmd_console,
	cmd_destroy,
	cmd_docs,
	cmd_drift,
	cmd_eval,
	cmd_explain,
	cmd_fmt,
	cmd_functions,
	cmd_graph,
	cmd_help,
	cmd_import,
	cmd_init,
	cmd_lint,
	cmd_output,
	cmd_plan,
	cmd_schema,
	cmd_show,
	cmd_state,
	cmd_test,
	cmd_validate,
	cmd_version;

const struct command *const commands[] = {
	&cmd_apply,
	&cmd_console,
	&cmd_destroy,
	&cmd_docs,
	&cmd_drift,
	&cmd_eval,
	&cmd_explain,
	&cmd_fmt,
	&cmd_functions,
	&cmd_graph,
	&cmd_help,
	&cmd_import,
	&cmd_init,
	&cmd_lint,
	&cmd_output,
	&cmd_plan,
	&cmd_schema,
	&cmd_show,
	&cmd_state,
	&cmd_test,
	&cmd_validate,
	&cmd_version,
	NULL,
};

struct globals {
	const char *dir, *log;
	bool help, json, no_color, log_json, version;
};

static const char *const log_levels[] = { "error", "warning", "info", "debug", NULL };

const struct opt global_opts[] = {
	{ 'C', "chdir", "DIR", "work in DIR", OPT_TEXT, offsetof(struct globals, dir), NULL },
	{ 'h', "help", NULL, "show help", OPT_FLAG, offsetof(struct globals, help), NULL },
	{ 0, "json", NULL, "print JSON (commands that read)", OPT_FLAG, offsetof(struct globals, json), NULL },
	{ 0, "log", "LEVEL", "log to stderr: error, warning (default), info, debug", OPT_TEXT, offsetof(struct globals, log), log_levels },
	{ 0, "log-json", NULL, "log as JSON lines", OPT_FLAG, offsetof(struct globals, log_json), NULL },
	{ 0, "no-color", NULL, "never colour (NO_COLOR in the environment does the same)", OPT_FLAG, offsetof(struct globals, no_color), NULL },
	{ 0, "version", NULL, "print the version", OPT_FLAG, offsetof(struct globals, version), NULL },
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

const struct command *command_find(const char *name)
{
	for (const struct command *const *c = commands; *c; c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}

int cli_usage(struct cli *c, const char *fmt, ...)
{
	struct err wrong;
	va_list ap;
	va_start(ap, fmt);
	err_vset(&wrong, E_INPUT, fmt, ap);
	va_end(ap);
	say_sentence(c->err, "aipc:", strlen("aipc:"), wrong.msg);
	return EXIT_USAGE;
}

static int exit_of(int code)
{
	switch (code) {
	case E_BUSY: case E_CONFLICT: return EXIT_STALE;
	case E_CANCELED: return EXIT_INTERRUPTED;
	default: return EXIT_ERROR;
	}
}

int cli_fail(struct cli *c, const struct err *err)
{
	if (c->json) {
		autojson json_t *j = json_object();
		json_put_str(j, "error", err->msg);
		json_put_str(j, "code", err_name(err->code));
		autofree char *text = json_text(j);
		fprintf(c->err, "%s\n", text);
	} else if (err->msg[0]) {
		say_sentence(c->err, c->color_err ? "\033[31merror:\033[0m" : "error:", strlen("error:"), err->msg);
	}
	return exit_of(err->code);
}

static volatile sig_atomic_t told_to_end;

static void note_signal(int signum)
{
	told_to_end = signum;
}

/* Waits until standard input has a line, or a signal ends it: the loop, which would hear the signal, stands still meanwhile. They are
 * blocked but for the wait itself, so none comes between the look and the wait. */
static bool line_came(void)
{
	static const int which[] = { SIGINT, SIGTERM };
	struct sigaction ours = { .sa_handler = note_signal }, were[ARRAY_LEN(which)];
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	sigset_t both, was;
	sigemptyset(&both);
	told_to_end = 0;
	for (size_t i = 0; i < ARRAY_LEN(which); i++)
		sigaddset(&both, which[i]);
	pthread_sigmask(SIG_BLOCK, &both, &was);
	for (size_t i = 0; i < ARRAY_LEN(which); i++)
		sigaction(which[i], &ours, &were[i]);
	while (ppoll(&in, 1, NULL, &was) < 0 && errno == EINTR && !told_to_end)
		;
	for (size_t i = 0; i < ARRAY_LEN(which); i++)
		sigaction(which[i], &were[i], NULL);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	return !told_to_end;
}

int cli_confirm(struct cli *c, const char *question)
{
	char line[16];
	if (!isatty(STDIN_FILENO) || !c->err_tty) {
		fputs("Not approved: there is no terminal to ask on. Say --yes, or apply a saved plan.\n", c->err);
		return EXIT_UNAPPROVED;
	}
	fprintf(c->err, "%s [y/N] ", question);
	fflush(c->err);
	if (!line_came()) {
		fputs("\nInterrupted: not approved.\n", c->err);
		return EXIT_INTERRUPTED;
	}
	bool answered = fgets(line, sizeof(line), stdin) != NULL;
	if (answered && (strcasecmp(line, "y\n") == 0 || strcasecmp(line, "yes\n") == 0))
		return EXIT_OK;
	fprintf(c->err, "%sNot approved.\n", answered ? "" : "\n");
	return EXIT_UNAPPROVED;
}

const char *paint(bool on, enum paint p)
{
	static const char *const codes[P_COUNT] = { "\033[0m", "\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[33m", "\033[36m" };
	return on ? codes[p] : "";
}

void text_minutes(long m, char out[32])
{
	if (m < 60)
		snprintf(out, 32, "%ld min", m);
	else if (m < 48 * 60)
		snprintf(out, 32, m % 60 ? "%ld h %ld min" : "%ld h", m / 60, m % 60);
	else
		snprintf(out, 32, "%ld days", m / (24 * 60));
}

void text_seconds(long s, char out[32])
{
	if (s < 100)
		snprintf(out, 32, "%ld s", s);
	else
		text_minutes((s + 30) / 60, out);
}

/* --- running ------------------------------------------------------------------------------------------------------ */

static void look_at_terminal(struct cli *c, bool no_color)
{
	struct winsize ws;
	const char *term = getenv("TERM"), *plain = getenv("NO_COLOR");
	c->out_tty = c->out == stdout && isatty(STDOUT_FILENO);
	c->err_tty = c->err == stderr && isatty(STDERR_FILENO);
	bool dumb = !term || !*term || strcmp(term, "dumb") == 0, color = !no_color && !(plain && *plain) && !dumb;
	c->color_out = color && c->out_tty;
	c->color_err = color && c->err_tty;
	c->moves = c->err_tty && !dumb;
	c->width = 80;
	if ((c->out_tty || c->err_tty) && ioctl(c->out_tty ? STDOUT_FILENO : STDERR_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col >= 40)
		c->width = ws.ws_col < 160 ? ws.ws_col : 160;
}

static void set_log(const struct globals *g)
{
	for (int i = 0; log_levels[i]; i++)
		if (g->log ? strcmp(log_levels[i], g->log) == 0 : i == LOG_WARN)
			log_init((enum log_level)i, g->log_json);
}

static bool find_command(const char *name, struct opt_command *out)
{
	const struct command *cmd = command_find(name);
	if (cmd)
		*out = (struct opt_command){ cmd->name, cmd->opts, cmd->opts_size };
	return cmd != NULL;
}

static int run_command(struct cli *c, const struct globals *g, const struct opts *o)
{
	const struct command *cmd = g->version ? &cmd_version : o->command.name ? command_find(o->command.name) : NULL;
	if (!cmd || g->help) {
		if (cmd)
			help_command(cmd, c->out);
		else
			help_all(c, c->out);
		return EXIT_OK;
	}
	if (!g->version && (o->args.len < cmd->min || o->args.len > cmd->max))
		return cli_usage(c, "%s takes %s; see  aipc help %s", cmd->name, cmd->args[0] ? cmd->args : "no arguments", cmd->name);
	if (g->json && !cmd->json)
		return cli_usage(c, "%s has no --json", cmd->name);
	if (g->dir && chdir(g->dir) != 0) {
		cli_usage(c, "cannot work in %s: %s", g->dir, strerror(errno));
		return EXIT_ERROR;
	}
	c->json = g->json;
	c->dir = g->dir ? g->dir : ".";
	c->opts = o->at;
	c->args = o->args.at;
	c->n_args = o->args.len;
	return cmd->run(c);
}

int cli_main(int argc, char **argv, FILE *out, FILE *err)
{
	struct cli cli = { .out = out, .err = err };
	struct globals globals = { .help = false };
	const char *names[ARRAY_LEN(commands)];
	struct opts opts = { .program = "aipc", .everywhere = global_opts, .everywhere_at = &globals, .names = names, .find = find_command };
	struct err wrong = { 0 };
	size_t n = 0;
	int status;
	for (const struct command *const *c = commands; *c; c++)
		if ((*c)->group != GROUP_HIDDEN)
			names[n++] = (*c)->name;
	names[n] = NULL;
	json_setup();
	if (opts_parse(&opts, argc, argv, &wrong)) {
		status = cli_usage(&cli, "%s", wrong.msg);
	} else {
		look_at_terminal(&cli, globals.no_color);
		set_log(&globals);
		status = run_command(&cli, &globals, &opts);
	}
	opts_free(&opts);
	return status == EXIT_OK && !say_arrived(out, err, "aipc") ? EXIT_ERROR : status;
}
