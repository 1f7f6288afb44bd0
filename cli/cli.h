/* cli - the program `aipc`: one table of commands, one file for each, one place that parses, helps and prints.
 *
 * A command is a const struct command. The dispatcher parses its options into a struct of the command's own, changes
 * into -C DIR, and calls run(). run() returns the exit status. Results go to cli->out, everything else to cli->err, so a
 * test can call a command with two memory streams. docs.c prints the man page, the shell completion and the reference from
 * the same table.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/opts.h"

/* Exit statuses (design.md section 4). */
enum exit_status {
	EXIT_OK = 0, EXIT_ERROR = 1, EXIT_CHANGES = 2, EXIT_DENIED = 3, EXIT_STALE = 4, EXIT_PARTLY = 5,
	EXIT_UNAPPROVED = 6, EXIT_USAGE = 64, EXIT_INTERRUPTED = 130,
};

struct cli {
	FILE *out, *err;
	bool out_tty, err_tty, color_out, color_err;
	bool moves;                  /* err is a terminal whose cursor can be moved: progress is drawn over and over */
	int width;                   /* columns of text, 80 where not known or wider output is of no use */
	bool json;
	const char *dir;             /* as given with -C, for messages; the process is already there: "." */
	const void *opts;            /* of the command */
	const char *const *args; size_t n_args;
};

enum command_group { GROUP_DAILY, GROUP_READ, GROUP_OTHER, GROUP_HIDDEN };
struct command {
	const char *name, *args;     /* args: "[FILE]" */
	const char *brief;           /* one line, no full stop */
	const char *about;           /* a paragraph or two */
	const char *examples[4][2];  /* command line, what it does */
	const struct opt *opts;      /* ends with a NULL name; NULL: none */
	size_t opts_size;
	size_t min, max;             /* positional arguments */
	enum command_group group;
	bool json;                   /* takes --json */
	int (*run)(struct cli *c);
};

/* Sorted by name, NULL-terminated. */
extern const struct command *const commands[];
const struct command *command_find(const char *name);
extern const struct opt global_opts[];

/* The whole program but for the process: parses, runs, checks that stdout took everything. */
int cli_main(int argc, char **argv, FILE *out, FILE *err);

/* help.c, docs.c */
void help_all(const struct cli *c, FILE *to);
void help_command(const struct command *cmd, FILE *to);

/* Prints "aipc: MESSAGE." and gives the exit status of ERR. */
int cli_fail(struct cli *c, const struct err *err);
int cli_usage(struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Asks a yes/no question on the terminal, default no: EXIT_OK, EXIT_UNAPPROVED, or EXIT_INTERRUPTED for Ctrl-C. Without a terminal:
 * prints how to say yes, EXIT_UNAPPROVED. */
int cli_confirm(struct cli *c, const char *question);

/* Colours; empty strings where there are none. */
enum paint { P_RESET, P_BOLD, P_DIM, P_RED, P_GREEN, P_YELLOW, P_CYAN, P_COUNT };
const char *paint(bool on, enum paint p);

/* "1 node", "3 nodes". */
#define PLURAL(n) ((n) == 1 ? "" : "s")
/* "36 min", "3 h 40 min", "2 days" of so many minutes or seconds. */
void text_minutes(long minutes, char out[32]);
void text_seconds(long seconds, char out[32]);

#endif
