#include <string.h>

#include "base/say.h"
#include "base/str.h"
#include "cli/cli.h"

static void print_group(FILE *to, enum command_group group, const char *title)
{
	fprintf(to, "\n%s\n", title);
	for (const struct command *const *c = commands; *c; c++)
		if ((*c)->group == group)
			fprintf(to, "  %-10s %s\n", (*c)->name, (*c)->brief);
}

void help_all(const struct cli *c, FILE *to)
{
	(void)c;
	fputs("aipc: plan and apply for GPU machines, their firmware, fabric and labels\n"
	      "\nUsage: aipc [-C DIR] COMMAND [OPTION]... [ARGUMENT]...\n", to);
	print_group(to, GROUP_DAILY, "Daily work");
	print_group(to, GROUP_READ, "Looking");
	print_group(to, GROUP_OTHER, "Other");
	fputs("\nEverywhere\n", to);
	opts_print(to, global_opts);
	fputs("\nExit status: 0 done, 1 error, 2 changes or drift, 3 denied, 4 stale or locked,\n"
	      "5 partly applied, 6 not approved, 64 wrong usage, 130 interrupted.\n"
	      "More: aipc help COMMAND, man aipc\n", to);
}

void help_command(const struct command *cmd, FILE *to)
{
	fprintf(to, "aipc %s: %s\n\nUsage: aipc %s [OPTION]...%s%s\n\n", cmd->name, cmd->brief, cmd->name, cmd->args[0] ? " " : "", cmd->args);
	say_wrap(to, cmd->about, 0, 0, 80);
	if (cmd->examples[0][0])
		fputs("\nExamples\n", to);
	for (size_t i = 0; i < ARRAY_LEN(cmd->examples) && cmd->examples[i][0]; i++)
		fprintf(to, "  %-34s %s\n", cmd->examples[i][0], cmd->examples[i][1]);
	if (cmd->opts && cmd->opts->name)
		fputs("\nOptions\n", to);
	opts_print(to, cmd->opts);
	fputs("\nEverywhere\n", to);
	opts_print(to, global_opts);
}

static int help_run(struct cli *c)
{
	if (c->n_args == 0) {
		help_all(c, c->out);
		return EXIT_OK;
	}
	const struct command *cmd = command_find(c->args[0]);
	if (!cmd)
		return cli_usage(c, "there is no command \"%.60s\"; aipc help lists them", c->args[0]);
	help_command(cmd, c->out);
	return EXIT_OK;
}

const struct command cmd_help = {
	.name = "help", .args = "[COMMAND]", .brief = "what a command does",
	.about = "Shows all commands, or one command with its options and examples.",
	.examples = { { "aipc help apply", "options and examples of apply" } },
	.max = 1, .group = GROUP_OTHER, .run = help_run,
};
