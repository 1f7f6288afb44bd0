#include "runtime/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

extern const struct command cmd_simulate;
static const struct command cmd_help, cmd_version;

extern const struct command cmd_controller, cmd_crds, cmd_review, cmd_topology, cmd_xid;

const struct command *const commands[] = { &cmd_controller, &cmd_crds, &cmd_help, &cmd_review, &cmd_simulate, &cmd_topology, &cmd_version, &cmd_xid, NULL };

struct globals {
	const char *log;
	bool help, log_json;
};

static const char *const log_levels[] = { "error", "warning", "info", "debug", NULL };

static const struct opt global_opts[] = {
	{ 'h', "help", NULL, "show help", OPT_FLAG, offsetof(struct globals, help) },
	{ 0, "log", "LEVEL", "log this much: error, warning, info or debug", OPT_TEXT, offsetof(struct globals, log) },
	{ 0, "log-json", NULL, "log as JSON lines", OPT_FLAG, offsetof(struct globals, log_json) },
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0 },
};

int rt_usage(struct rt *rt, const char *fmt, ...)
{
	va_list ap;
	fputs("aipc-runtime: ", rt->err);
	va_start(ap, fmt);
	vfprintf(rt->err, fmt, ap);
	va_end(ap);
	fputs(".\n", rt->err);
	return EXIT_USAGE;
}

int rt_fail(struct rt *rt, const struct err *err)
{
	fprintf(rt->err, "aipc-runtime: %s.\n", err->msg);
	return err->code == E_CANCELED ? EXIT_INTERRUPTED : EXIT_ERROR;
}

/* --- help --------------------------------------------------------------------------------------------------------- */

static void print_options(FILE *to, const struct opt *o)
{
	for (; o && o->name; o++) {
		char left[64];
		snprintf(left, sizeof(left), "%s%c%s--%s%s%s", o->short_name ? "-" : " ", o->short_name ? o->short_name : ' ',
			 o->short_name ? ", " : "  ", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
		fprintf(to, "  %-22s %s\n", left, o->help);
	}
}

static void help_all(FILE *to)
{
	fputs("aipc-runtime: what lives in the cluster on the labels that aipc wrote\n"
	      "\nUsage: aipc-runtime COMMAND [OPTION]... [ARGUMENT]...\n\nCommands\n", to);
	for (const struct command *const *c = commands; *c; c++)
		fprintf(to, "  %-10s %s\n", (*c)->name, (*c)->brief);
	fputs("\nEverywhere\n", to);
	print_options(to, global_opts);
	fputs("\nExit status: 0 done, 1 error, 64 wrong usage, 130 interrupted.\n"
	      "More: aipc-runtime help COMMAND\n", to);
}

static void help_command(const struct command *cmd, FILE *to)
{
	fprintf(to, "aipc-runtime %s: %s\n\nUsage: aipc-runtime %s [OPTION]...%s%s\n\n%s\n", cmd->name, cmd->brief, cmd->name,
		cmd->args[0] ? " " : "", cmd->args, cmd->about);
	for (size_t i = 0; i < ARRAY_LEN(cmd->examples) && cmd->examples[i][0]; i++)
		fprintf(to, "%s  %s\n      %s\n", i ? "" : "\nExamples\n", cmd->examples[i][0], cmd->examples[i][1]);
	if (cmd->opts)
		fputs("\nOptions\n", to);
	print_options(to, cmd->opts);
	fputs("\nEverywhere\n", to);
	print_options(to, global_opts);
}

static const struct command *command_find(const char *name)
{
	for (const struct command *const *c = commands; *c; c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}

static int unknown_command(struct rt *rt, const char *name)
{
	const char *names[32];
	size_t n = 0;
	for (const struct command *const *c = commands; *c && n < ARRAY_LEN(names) - 1; c++)
		names[n++] = (*c)->name;
	names[n] = NULL;
	const char *near = str_nearest(name, names);
	if (near)
		return rt_usage(rt, "there is no command \"%.60s\"; did you mean \"%s\"", name, near);
	return rt_usage(rt, "there is no command \"%.60s\"; aipc-runtime help lists them", name);
}

static int help_run(struct rt *rt)
{
	if (rt->n_args == 0) {
		help_all(rt->out);
		return EXIT_OK;
	}
	const struct command *cmd = command_find(rt->args[0]);
	if (!cmd)
		return unknown_command(rt, rt->args[0]);
	help_command(cmd, rt->out);
	return EXIT_OK;
}

static const struct command cmd_help = {
	.name = "help", .args = "[COMMAND]", .brief = "what a command does",
	.about = "Shows all commands, or one command with its options and examples.",
	.max = 1, .run = help_run,
};

static int version_run(struct rt *rt)
{
	fprintf(rt->out, "aipc-runtime %s\n", AIPC_VERSION);
	return EXIT_OK;
}

static const struct command cmd_version = {
	.name = "version", .args = "", .brief = "the version of this program", .about = "Prints one line.", .run = version_run,
};

/* --- options -------------------------------------------------------------------------------------------------------- */

struct parse {
	struct rt *rt;
	struct globals globals;
	const struct command *cmd;
	char *opts;
	VEC(const char *) args;
};

static const struct opt *find_in(const struct opt *o, const char *name, size_t len, bool is_short)
{
	for (; o && o->name; o++)
		if (is_short ? o->short_name == name[0] && len == 1 : strlen(o->name) == len && memcmp(o->name, name, len) == 0)
			return o;
	return NULL;
}

static int unknown_option(struct parse *p, const char *arg, const char *name, size_t len)
{
	const char *names[64];
	size_t n = 0;
	for (const struct opt *o = p->cmd ? p->cmd->opts : NULL; o && o->name && n < 50; o++)
		names[n++] = o->name;
	for (const struct opt *o = global_opts; o->name; o++)
		names[n++] = o->name;
	names[n] = NULL;
	autofree char *word = xstrndup(name, len);
	const char *near = str_nearest(word, names);
	if (near)
		return rt_usage(p->rt, "there is no option %.60s; did you mean --%s", arg, near);
	return rt_usage(p->rt, "there is no option %.60s; see  aipc-runtime help%s%s", arg, p->cmd ? " " : "", p->cmd ? p->cmd->name : "");
}

static int store_option(struct parse *p, const struct opt *o, char *base, const char *value)
{
	char *end;
	if (o->kind == OPT_FLAG) {
		*(bool *)(base + o->offset) = true;
	} else if (o->kind == OPT_TEXT) {
		*(const char **)(base + o->offset) = value;
	} else {
		errno = 0;
		unsigned long n = strtoul(value, &end, 10);
		if (*end || end == value || value[0] == '-' || errno || n < 1 || n > 100000)
			return rt_usage(p->rt, "--%s wants a number from 1 to 100000, not \"%.60s\"", o->name, value);
		*(unsigned *)(base + o->offset) = (unsigned)n;
	}
	return 0;
}

/* One argument that starts with a dash; *I moves on when the next one is its value. */
static int parse_option(struct parse *p, char **argv, int argc, int *i)
{
	const char *arg = argv[*i], *name = arg + (arg[1] == '-' ? 2 : 1), *value = strchr(name, '=');
	size_t len = value ? (size_t)(value - name) : strlen(name);
	bool is_short = arg[1] != '-' && len == 1, own = true;
	value = value ? value + 1 : NULL;
	const struct opt *o = p->cmd ? find_in(p->cmd->opts, name, len, is_short) : NULL;
	if (!o) {
		own = false;
		o = find_in(global_opts, name, len, is_short);
	}
	if (!o)
		return unknown_option(p, arg, name, len);
	if (o->kind == OPT_FLAG && value)
		return rt_usage(p->rt, "--%s takes no value", o->name);
	if (o->kind != OPT_FLAG && !value) {
		if (*i + 1 >= argc)
			return rt_usage(p->rt, "--%s wants %s", o->name, o->arg);
		value = argv[++*i];
	}
	return store_option(p, o, own ? p->opts : (char *)&p->globals, value);
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
				return unknown_command(p->rt, arg);
			p->opts = xcalloc(1, p->cmd->opts_size + 1);
		} else {
			vec_push(&p->args, arg);
		}
		if (rc)
			return rc;
	}
	return 0;
}

static int set_log(struct parse *p)
{
	const char *deflt = p->cmd && p->cmd->log ? p->cmd->log : "warning", *want = p->globals.log ? p->globals.log : deflt;
	for (int i = 0; log_levels[i]; i++)
		if (strcmp(log_levels[i], want) == 0) {
			log_init((enum log_level)i, p->globals.log_json);
			return 0;
		}
	return rt_usage(p->rt, "--log does not take \"%.60s\"; it takes error, warning, info or debug", want);
}

static int run_command(struct parse *p)
{
	struct rt *rt = p->rt;
	const struct command *cmd = p->cmd;
	if (!cmd || p->globals.help) {
		if (cmd)
			help_command(cmd, rt->out);
		else
			help_all(rt->out);
		return EXIT_OK;
	}
	if (p->args.len < cmd->min || p->args.len > cmd->max)
		return rt_usage(rt, "%s takes %s; see  aipc-runtime help %s", cmd->name, cmd->args[0] ? cmd->args : "no arguments", cmd->name);
	rt->opts = p->opts;
	rt->args = p->args.at;
	rt->n_args = p->args.len;
	return cmd->run(rt);
}

int runtime_main(int argc, char **argv, FILE *out, FILE *err)
{
	struct rt rt = { .out = out, .err = err };
	struct parse p = { .rt = &rt };
	json_setup();
	int status = parse_args(&p, argc, argv);
	if (status == 0)
		status = set_log(&p);
	if (status == 0)
		status = run_command(&p);
	free(p.opts);
	vec_free(&p.args);
	/* Output that did not reach its reader (a full disk) must not look like success. */
	if ((fflush(out) != 0 || ferror(out)) && errno != EPIPE && status == EXIT_OK) {
		fprintf(err, "aipc-runtime: cannot write the output: %s.\n", strerror(errno));
		status = EXIT_ERROR;
	}
	return status;
}
