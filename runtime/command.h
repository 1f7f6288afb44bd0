/* command - the surface of `aipc-runtime`: one table of commands, one file for each, one place that parses and helps.
 *
 * A command is a const struct command in a file of its own and one line in the sorted table of command.c. The dispatcher
 * parses its options into a struct of the command's own and calls run(), which returns the exit status. Results go to rt->out,
 * everything else to rt->err, so that a test can call runtime_main() with two memory streams. Roles (scheduler, controller)
 * are commands that run until they are told to stop.
 */
#ifndef RUNTIME_COMMAND_H
#define RUNTIME_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

#include "base/err.h"
#include "base/opts.h"

/* As those of aipc (design.md section 4), where they apply. */
enum exit_status { EXIT_OK = 0, EXIT_ERROR = 1, EXIT_USAGE = 64, EXIT_INTERRUPTED = 130 };

struct rt {
	FILE *out, *err;
	const void *opts;            /* of the command */
	const char *const *args; size_t n_args;
};

struct command {
	const char *name, *args;     /* args: "pod|gang NAME" */
	const char *brief;           /* one line, no full stop */
	const char *about;           /* lines of at most 80 columns */
	const char *examples[4][2];  /* command line, what it does */
	const struct opt *opts;      /* ends with a NULL name; NULL: none */
	size_t opts_size;
	size_t min, max;             /* positional arguments */
	const char *log;             /* --log unless given; NULL: warning */
	int (*run)(struct rt *rt);
};

/* Sorted by name, NULL-terminated. */
extern const struct command *const commands[];

/* The whole program but for the process: parses, runs, checks that stdout took everything. */
int runtime_main(int argc, char **argv, FILE *out, FILE *err);

/* The objects in FILE ("-": standard input), as kubectl get -o json prints them, at most 1 GiB; yours. The error names the file and says what is wanted. */
int rt_read_objects(const char *file, json_t **out, struct err *err) MUST_CHECK;
/* ERR, of what was read there, now names FILE too; gives its code. */
int rt_wrap_objects(const char *file, struct err *err);
/* Prints "aipc-runtime: MESSAGE." and gives the exit status of ERR. */
int rt_fail(struct rt *rt, const struct err *err);
/* The same for wrong usage: EXIT_USAGE. */
int rt_usage(struct rt *rt, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
