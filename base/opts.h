/* opts - a program's command line, by tables: what each command takes, and what is taken everywhere.
 *
 *   PROGRAM [OPTION]... COMMAND [OPTION]... [ARGUMENT]...
 *
 * Options stand anywhere before "--", are written "--name VALUE", "--name=VALUE", with one dash as Terraform's users type, or "-x
 * VALUE" and "-xVALUE" where they have a short name. A command's own option comes before one of the same name that is taken everywhere. What
 * is given twice counts as given last, but for lists. Mistakes say what was meant, as far as that can be guessed.
 */
#ifndef BASE_OPTS_H
#define BASE_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"

/* OPT_COUNT: 1 to 100,000. OPT_NAMED: a list as well, where the option's name goes in front of each value, so that options with one
 * OFFSET keep the order in which they were given: AT is name, value, name, value. */
enum opt_kind { OPT_FLAG, OPT_TEXT, OPT_COUNT, OPT_LIST, OPT_NAMED };
struct opt_list { const char **at; size_t len, cap; };
struct opt {
	char short_name;             /* 0: none */
	const char *name;            /* long */
	const char *arg;             /* "FILE"; NULL for a flag */
	const char *help;            /* no full stop */
	enum opt_kind kind;
	size_t offset;               /* of a bool, const char *, unsigned or struct opt_list */
	const char *const *values;   /* allowed texts, NULL-terminated; NULL: any */
};

/* A name and what it takes. Tables of options end with a NULL name. */
struct opt_command { const char *name; const struct opt *opts; size_t opts_size; };

struct opts {
	/* to be set */
	const char *program;         /* "aipc", for messages */
	const struct opt *everywhere; void *everywhere_at;
	const char *const *names;    /* of commands, for guesses; NULL-terminated */
	bool (*find)(const char *name, struct opt_command *out);
	/* set by opts_parse */
	struct opt_command command;  /* name NULL: none was given */
	void *at;                    /* the command's options, zeroed before */
	VEC(const char *) args;      /* all texts are those of argv */
};
/* E_INPUT with a message for people. In either case opts_free() is due. */
int opts_parse(struct opts *o, int argc, char **argv, struct err *err) MUST_CHECK;
void opts_free(struct opts *o);

/* "there is no command "aply"; did you mean "apply"". */
int opts_no_command(const struct opts *o, const char *name, struct err *err);

/* The lines of a help text, wrapped at 80 columns. */
void opts_print(FILE *to, const struct opt *o);

#endif
