#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/functions.h"
#include "cli/reference.h"

/* --- man page ------------------------------------------------------------------------------------------------------ */

static void man_text(FILE *to, const char *s)
{
	for (bool start = true; *s; start = *s == '\n', s++) {
		if (start && (*s == '.' || *s == '\''))
			fputs("\\&", to);
		if (*s == '\\')
			fputs("\\e", to);
		else if (*s == '-')
			fputs("\\-", to);
		else
			fputc(*s, to);
	}
}

static void man_options(FILE *to, const struct opt *opts)
{
	for (; opts && opts->name; opts++) {
		fputs(".TP\n", to);
		if (opts->short_name)
			fprintf(to, "\\fB\\-%c\\fR, ", opts->short_name);
		fputs("\\fB\\-\\-", to);
		man_text(to, opts->name);
		fputs("\\fR", to);
		if (opts->arg)
			fprintf(to, " \\fI%s\\fR", opts->arg);
		fputc('\n', to);
		man_text(to, opts->help);
		fputc('\n', to);
	}
}

static void man_command(FILE *to, const struct command *cmd)
{
	fprintf(to, ".SS %s\n.B aipc %s\n[\\fIOPTION\\fR]... ", cmd->name, cmd->name);
	man_text(to, cmd->args);
	fputs("\n.PP\n", to);
	man_text(to, cmd->about);
	fputc('\n', to);
	man_options(to, cmd->opts);
	for (size_t i = 0; i < ARRAY_LEN(cmd->examples) && cmd->examples[i][0]; i++) {
		fputs(".PP\nExample: \\fB", to);
		man_text(to, cmd->examples[i][0]);
		fprintf(to, "\\fR (%s)\n", cmd->examples[i][1]);
	}
}

static void print_man(FILE *to)
{
	fprintf(to, ".TH AIPC 1 \"\" \"aipc %s\" \"User Commands\"\n.SH NAME\naipc \\- plan and apply for GPU machines, their firmware, fabric and labels\n",
		AIPC_VERSION);
	fputs(".SH SYNOPSIS\n.B aipc\n[\\fB\\-C\\fR \\fIDIR\\fR] \\fICOMMAND\\fR [\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...\n.SH DESCRIPTION\n"
	      "aipc reads the *.aipc.yaml files of a folder, compares them with its state and with the machines, shows what would change and what that costs, "
	      "and makes it so. State is .aipc/state.db beside the spec unless the spec says otherwise.\n.SH COMMANDS\n", to);
	for (const struct command *const *c = commands; *c; c++)
		if ((*c)->group != GROUP_HIDDEN)
			man_command(to, *c);
	fputs(".SH OPTIONS EVERYWHERE\n", to);
	man_options(to, global_opts);
	fputs(".SH EXIT STATUS\n0 clean or done; 1 error; 2 changes (plan \\-\\-detailed\\-exitcode) or drift (drift); 3 denied by policy; 4 stale plan or lock held; "
	      "5 partly applied; 6 not approved; 64 wrong usage; 130 interrupted.\n"
	      ".SH ENVIRONMENT\n.TP\n\\fBAIPC_VAR_\\fINAME\\fR\nvalue of the variable NAME\n.TP\n\\fBNO_COLOR\\fR\nno colours when set\n"
	      ".SH FILES\n.TP\n\\fB*.aipc.yaml\\fR\nthe spec\n.TP\n\\fB.aipc/state.db\\fR\nthe state (SQLite)\n", to);
}

/* --- shell completion ------------------------------------------------------------------------------------------------ */

static void bash_words(FILE *to, const struct opt *opts)
{
	for (; opts && opts->name; opts++)
		fprintf(to, " --%s", opts->name);
}

static void print_bash(FILE *to)
{
	fputs("# bash completion of aipc, printed by: aipc docs bash\n_aipc() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} cmd= i words=\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n\t\tcase ${COMP_WORDS[i]} in\n\t\t-C) ((i++)) ;;\n\t\t-*) ;;\n"
	      "\t\t*) cmd=${COMP_WORDS[i]}; break ;;\n\t\tesac\n\tdone\n\tcase $cmd in\n\t\"\") words=\"", to);
	for (const struct command *const *c = commands; *c; c++)
		if ((*c)->group != GROUP_HIDDEN)
			fprintf(to, "%s%s", c == commands ? "" : " ", (*c)->name);
	fputs("\" ;;\n", to);
	for (const struct command *const *c = commands; *c; c++) {
		if ((*c)->group == GROUP_HIDDEN)
			continue;
		fprintf(to, "\t%s) words=\"%s", (*c)->name, strcmp((*c)->name, "state") == 0 ? "list show" : "");
		bash_words(to, (*c)->opts);
		fputs("\" ;;\n", to);
	}
	fputs("\tesac\n\t[[ $cur == -* || -z $cmd ]] && words=\"$words", to);
	bash_words(to, global_opts);
	fputs("\"\n\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n\t[[ $cmd == apply || $cmd == show ]] && "
	      "mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- \"$cur\")\n}\ncomplete -o filenames -F _aipc aipc\n", to);
}

static int docs_run(struct cli *c)
{
	const char *what = c->args[0];
	if (strcmp(what, "man") == 0)
		print_man(c->out);
	else if (strcmp(what, "bash") == 0)
		print_bash(c->out);
	else if (strcmp(what, "resources") == 0)
		reference_markdown(c->out);
	else if (strcmp(what, "schema") == 0 && c->n_args == 2)
		return reference_schema(c, c->args[1]);
	else if (strcmp(what, "functions") == 0)
		functions_markdown(c->out);
	else if (strcmp(what, "types") == 0)
		reference_types(c->out);
	else
		return cli_usage(c, "docs prints man, bash, functions, resources, types or schema TYPE");
	return EXIT_OK;
}

const struct command cmd_docs = {
	.name = "docs", .args = "DOCUMENT [TYPE]", .brief = "print the documents that are made from tables",
	.about = "DOCUMENT is man (the man page), bash (completion), functions, resources (references), types (names of resource types), or schema "
		 "(the JSON Schema of TYPE).",
	.min = 1, .max = 2, .group = GROUP_HIDDEN, .run = docs_run,
};
