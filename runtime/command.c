#include "runtime/command.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/say.h"
#include "base/str.h"

extern const struct command cmd_simulate;
static const struct command cmd_help, cmd_version;

extern const struct command cmd_controller, cmd_crds, cmd_explain, cmd_review, cmd_scheduler, cmd_topology, cmd_xid;

const struct command *const commands[] = {
	&cmd_controller, &cmd_crds, &cmd_explain, &cmd_help, &cmd_review, &cmd_scheduler, &cmd_simulate, &cmd_topology, &cmd_version, &cmd_xid, NULL,
};

struct globals {
	const char *log;
	bool help, log_json, version;
};

static const char *const log_levels[] = { "error", "warning", "info", "debug", NULL };

static const struct opt global_opts[] = {
	{ 'h', "help", NULL, "show help", OPT_FLAG, offsetof(struct globals, help), NULL },
	{ 0, "log", "LEVEL", "log this much: error, warning, info or debug", OPT_TEXT, offsetof(struct globals, log), log_levels },
	{ 0, "log-json", NULL, "log as JSON lines", OPT_FLAG, offsetof(struct globals, log_json), NULL },
	{ 0, "version", NULL, "print the version", OPT_FLAG, offsetof(struct globals, version), NULL },
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

int rt_usage(struct rt *rt, const char *fmt, ...)
{
	struct err wrong;
	va_list ap;
	va_start(ap, fmt);
	err_vset(&wrong, E_INPUT, fmt, ap);
	va_end(ap);
	rt_fail(rt, &wrong);
	return EXIT_USAGE;
}

int rt_fail(struct rt *rt, const struct err *err)
{
	say_sentence(rt->err, "aipc-runtime:", strlen("aipc-runtime:"), err->msg);
	return err->code == E_CANCELED ? EXIT_INTERRUPTED : EXIT_ERROR;
}

/* --- help --------------------------------------------------------------------------------------------------------- */

int rt_read_objects(const char *file, json_t **out, struct err *err)
{
	int rc = json_read_input(file, (size_t)1 << 30, out, err);
	if (rc == E_INPUT) {
		struct err was = *err;
		err_set(err, rc, "%.600s; wanted is what kubectl get -o json prints, in a file or through a pipe to -f -", was.msg);
	}
	return rc;
}

int rt_wrap_objects(const char *file, struct err *err)
{
	return err_wrap(err, "%.200s", strcmp(file, "-") == 0 ? "standard input" : file);
}

static void help_all(FILE *to)
{
	fputs("aipc-runtime: what lives in the cluster on the labels that aipc wrote\n"
	      "\nUsage: aipc-runtime COMMAND [OPTION]... [ARGUMENT]...\n\nCommands\n", to);
	for (const struct command *const *c = commands; *c; c++)
		fprintf(to, "  %-11s %s\n", (*c)->name, (*c)->brief);
	fputs("\nEverywhere\n", to);
	opts_print(to, global_opts);
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
	opts_print(to, cmd->opts);
	fputs("\nEverywhere\n", to);
	opts_print(to, global_opts);
}

static const struct command *command_find(const char *name)
{
	for (const struct command *const *c = commands; *c; c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}

static int help_run(struct rt *rt)
{
	if (rt->n_args == 0) {
		help_all(rt->out);
		return EXIT_OK;
	}
	const struct command *cmd = command_find(rt->args[0]);
	if (!cmd)
		return rt_usage(rt, "there is no command \"%.60s\"; aipc-runtime help lists them", rt->args[0]);
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

/* --- running --------------------------------------------------------------------------------------------------------- */

static void set_log(const struct globals *g, const struct command *cmd)
{
	const char *want = g->log ? g->log : cmd && cmd->log ? cmd->log : "warning";
	for (int i = 0; log_levels[i]; i++)
		if (strcmp(log_levels[i], want) == 0)
			log_init((enum log_level)i, g->log_json);
}

static bool find_command(const char *name, struct opt_command *out)
{
	const struct command *cmd = command_find(name);
	if (cmd)
		*out = (struct opt_command){ cmd->name, cmd->opts, cmd->opts_size };
	return cmd != NULL;
}

static int run_command(struct rt *rt, const struct globals *g, const struct opts *o)
{
	const struct command *cmd = g->version ? &cmd_version : o->command.name ? command_find(o->command.name) : NULL;
	set_log(g, cmd);
	if (!cmd || g->help) {
		if (cmd)
			help_command(cmd, rt->out);
		else
			help_all(rt->out);
		return EXIT_OK;
	}
	if (!g->version && (o->args.len < cmd->min || o->args.len > cmd->max))
		return rt_usage(rt, "%s takes %s; see  aipc-runtime help %s", cmd->name, cmd->args[0] ? cmd->args : "no arguments", cmd->name);
	rt->opts = o->at;
	rt->args = o->args.at;
	rt->n_args = o->args.len;
	return cmd->run(rt);
}

int runtime_main(int argc, char **argv, FILE *out, FILE *err)
{
	struct rt rt = { .out = out, .err = err };
	struct globals globals = { .help = false };
	const char *names[ARRAY_LEN(commands)];
	struct opts opts = { .program = "aipc-runtime", .everywhere = global_opts, .everywhere_at = &globals, .names = names, .find = find_command };
	struct err wrong = { 0 };
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		names[i] = commands[i] ? commands[i]->name : NULL;
	json_setup();
	int status = opts_parse(&opts, argc, argv, &wrong) ? rt_usage(&rt, "%s", wrong.msg) : run_command(&rt, &globals, &opts);
	opts_free(&opts);
	return status == EXIT_OK && !say_arrived(out, err, "aipc-runtime") ? EXIT_ERROR : status;
}
