#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
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
	cmd_init,
	cmd_lint,
	cmd_output,
	cmd_plan,
	cmd_schema,
	cmd_show,
	cmd_state,
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
	&cmd_init,
	&cmd_lint,
	&cmd_output,
	&cmd_plan,
	&cmd_schema,
	&cmd_show,
	&cmd_state,
	&cmd_validate,
	&cmd_version,
	NULL,
};

struct globals {
	const char *dir, *log;
	bool help, json, no_color, log_json;
};

static const char *const log_levels[] = { "error", "warning", "info", "debug", NULL };

const struct opt global_opts[] = {
	{ 'C', "chdir", "DIR", "work in DIR", OPT_TEXT, offsetof(struct globals, dir), NULL },
	{ 'h', "help", NULL, "show help", OPT_FLAG, offsetof(struct globals, help), NULL },
	{ 0, "json", NULL, "print JSON (commands that read)", OPT_FLAG, offsetof(struct globals, json), NULL },
	{ 0, "log", "LEVEL", "log to stderr: error, warning (default), info, debug", OPT_TEXT, offsetof(struct globals, log), log_levels },
	{ 0, "log-json", NULL, "log as JSON lines", OPT_FLAG, offsetof(struct globals, log_json), NULL },
	{ 0, "no-color", NULL, "never colour (NO_COLOR in the environment does the same)", OPT_FLAG, offsetof(struct globals, no_color), NULL },
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
	va_list ap;
	fputs("aipc: ", c->err);
	va_start(ap, fmt);
	vfprintf(c->err, fmt, ap);
	va_end(ap);
	fputs(".\n", c->err);
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
		fprintf(c->err, "%serror:%s %s.\n", paint(c->color_err, P_RED), paint(c->color_err, P_RESET), err->msg);
	}
	return exit_of(err->code);
}

bool cli_confirm(struct cli *c, const char *question)
{
	char line[16];
	if (!isatty(STDIN_FILENO) || !c->err_tty) {
		fputs("Not approved: there is no terminal to ask on. Say --yes, or apply a saved plan.\n", c->err);
		return false;
	}
	fprintf(c->err, "%s [y/N] ", question);
	fflush(c->err);
	if (!fgets(line, sizeof(line), stdin))
		return false;
	return strcasecmp(line, "y\n") == 0 || strcasecmp(line, "yes\n") == 0;
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

/* --- options ---------------------------------------------------------------------------------------------------- */

struct parse {
	struct cli *cli;
	struct globals globals;
	const struct command *cmd;
	char *opts;
	VEC(const char *) args;
};

static const struct opt *find_in(const struct opt *opts, const char *name, size_t len, char short_name)
{
	for (; opts && opts->name; opts++)
		if (short_name ? opts->short_name == short_name : strlen(opts->name) == len && memcmp(opts->name, name, len) == 0)
			return opts;
	return NULL;
}

static int unknown_option(struct parse *p, const char *arg)
{
	const char *names[64];
	size_t n = 0;
	for (const struct opt *o = p->cmd ? p->cmd->opts : NULL; o && o->name && n < 50; o++)
		names[n++] = o->name;
	for (const struct opt *o = global_opts; o->name; o++)
		names[n++] = o->name;
	names[n] = NULL;
	size_t dashes = strspn(arg, "-");
	autofree char *word = xstrndup(arg + dashes, strcspn(arg + dashes, "="));
	const char *near = str_nearest(word, names);
	if (near)
		return cli_usage(p->cli, "there is no option %.60s; did you mean --%s", arg, near);
	return cli_usage(p->cli, "there is no option %.60s; see  aipc help%s%s", arg, p->cmd ? " " : "", p->cmd ? p->cmd->name : "");
}

static int store_option(struct parse *p, const struct opt *o, char *base, const char *value)
{
	char *end;
	if (o->values && value) {
		bool ok = false;
		for (const char *const *v = o->values; *v; v++)
			ok = ok || strcmp(*v, value) == 0;
		if (!ok)
			return cli_usage(p->cli, "--%s does not take \"%.60s\"; see its help", o->name, value);
	}
	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)(base + o->offset) = true;
		break;
	case OPT_TEXT:
		*(const char **)(base + o->offset) = value;
		break;
	case OPT_COUNT: {
		errno = 0;
		unsigned long n = strtoul(value, &end, 10);
		if (*end || end == value || value[0] == '-' || errno || n < 1 || n > 100000)
			return cli_usage(p->cli, "--%s wants a number from 1 to 100000, not \"%.60s\"", o->name, value);
		*(unsigned *)(base + o->offset) = (unsigned)n;
		break;
	}
	case OPT_LIST: case OPT_NAMED: {
		struct opt_list *l = (struct opt_list *)(base + o->offset);
		if (o->kind == OPT_NAMED)
			vec_push(l, o->name);
		vec_push(l, value);
		break;
	}
	}
	return 0;
}

/* One argument that starts with a dash; *I moves on when the next one is its value. */
static int parse_option(struct parse *p, char **argv, int argc, int *i)
{
	const char *arg = argv[*i], *name = arg + strspn(arg, "-"), *value = strchr(name, '=');
	size_t len = value ? (size_t)(value - name) : strlen(name);
	char short_name = arg[1] != '-' && len == 1 ? name[0] : 0;
	value = value ? value + 1 : NULL;
	/* "-C/tmp": a value glued to a short option, where no long name matches. */
	bool own = true;
	const struct opt *o = p->cmd ? find_in(p->cmd->opts, name, len, short_name) : NULL;
	if (!o) {
		own = false;
		o = find_in(global_opts, name, len, short_name);
	}
	if (!o && arg[1] != '-' && name[0] == 'C' && name[1]) {
		o = find_in(global_opts, name, 1, 'C');
		value = name + 1;
	}
	if (!o)
		return unknown_option(p, arg);
	if (o->kind == OPT_FLAG && value)
		return cli_usage(p->cli, "--%s takes no value", o->name);
	if (o->kind != OPT_FLAG && !value) {
		if (*i + 1 >= argc)
			return cli_usage(p->cli, "--%s wants %s", o->name, o->arg);
		value = argv[++*i];
	}
	return store_option(p, o, own ? p->opts : (char *)&p->globals, value);
}

static int unknown_command(struct parse *p, const char *name)
{
	const char *names[32];
	size_t n = 0;
	for (const struct command *const *c = commands; *c; c++)
		if ((*c)->group != GROUP_HIDDEN)
			names[n++] = (*c)->name;
	names[n] = NULL;
	const char *near = str_nearest(name, names);
	if (near)
		return cli_usage(p->cli, "there is no command \"%.60s\"; did you mean \"%s\"", name, near);
	return cli_usage(p->cli, "there is no command \"%.60s\"; aipc help lists them", name);
}

static int parse_args(struct parse *p, int argc, char **argv)
{
	bool options_over = false;
	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i];
		int rc = 0;
		if (!options_over && strcmp(arg, "--") == 0) {
			options_over = true;
		} else if (!options_over && arg[0] == '-' && arg[1]) {
			rc = parse_option(p, argv, argc, &i);
		} else if (!p->cmd) {
			p->cmd = command_find(arg);
			if (!p->cmd)
				return unknown_command(p, arg);
			p->opts = xcalloc(1, p->cmd->opts_size + 1);
		} else {
			vec_push(&p->args, arg);
		}
		if (rc)
			return rc;
	}
	return 0;
}

/* --- running ------------------------------------------------------------------------------------------------------ */

static void look_at_terminal(struct cli *c, bool no_color)
{
	struct winsize ws;
	const char *term = getenv("TERM"), *plain = getenv("NO_COLOR");
	c->out_tty = c->out == stdout && isatty(STDOUT_FILENO);
	c->err_tty = c->err == stderr && isatty(STDERR_FILENO);
	bool color = !no_color && !(plain && *plain) && !(term && strcmp(term, "dumb") == 0);
	c->color_out = color && c->out_tty;
	c->color_err = color && c->err_tty;
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

static int run_command(struct parse *p)
{
	struct cli *c = p->cli;
	const struct command *cmd = p->cmd;
	if (!cmd || p->globals.help) {
		if (cmd)
			help_command(cmd, c->out);
		else
			help_all(c, c->out);
		return EXIT_OK;
	}
	if (p->args.len < cmd->min || p->args.len > cmd->max)
		return cli_usage(c, "%s takes %s; see  aipc help %s", cmd->name, cmd->args[0] ? cmd->args : "no arguments", cmd->name);
	if (p->globals.json && !cmd->json)
		return cli_usage(c, "%s has no --json", cmd->name);
	if (p->globals.dir && chdir(p->globals.dir) != 0) {
		fprintf(c->err, "aipc: cannot work in %s: %s.\n", p->globals.dir, strerror(errno));
		return EXIT_ERROR;
	}
	c->json = p->globals.json;
	c->dir = p->globals.dir ? p->globals.dir : ".";
	c->opts = p->opts;
	c->args = p->args.at;
	c->n_args = p->args.len;
	return cmd->run(c);
}

static void free_options(struct parse *p)
{
	for (const struct opt *o = p->cmd ? p->cmd->opts : NULL; o && o->name; o++) {
		if (o->kind == OPT_LIST || o->kind == OPT_NAMED) {
			struct opt_list *l = (struct opt_list *)(p->opts + o->offset);
			vec_free(l);                 /* several options may share it */
		}
	}
	free(p->opts);
	vec_free(&p->args);
}

int cli_main(int argc, char **argv, FILE *out, FILE *err)
{
	struct cli cli = { .out = out, .err = err };
	struct parse p = { .cli = &cli };
	json_setup();
	int status = parse_args(&p, argc, argv);
	if (status == 0) {
		look_at_terminal(&cli, p.globals.no_color);
		set_log(&p.globals);
		status = run_command(&p);
	}
	free_options(&p);
	/* Output that did not reach its reader (a full disk) must not look like success. */
	if ((fflush(out) != 0 || ferror(out)) && errno != EPIPE && status == EXIT_OK) {
		fprintf(err, "aipc: cannot write the output: %s.\n", strerror(errno));
		status = EXIT_ERROR;
	}
	return status;
}
