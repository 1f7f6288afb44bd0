/* The functions of libedit that aipc calls; see base/lazylib.h. */
#include <stdio.h>

#include <editline/readline.h>

#include "base/lazylib.h"

static struct lazylib edit = { "libedit.so.2", "libedit2", NULL };

#define FORWARD(type, name, params, args) \
	type name params { LAZYLIB_FN(&edit, name); return fn args; }

FORWARD(char *, readline, (const char *prompt), (prompt))
FORWARD(char **, rl_completion_matches, (const char *text, rl_compentry_func_t *next), (text, next))
FORWARD(int, add_history, (const char *line), (line))
FORWARD(int, read_history, (const char *path), (path))
FORWARD(int, write_history, (const char *path), (path))

void using_history(void)
{
	LAZYLIB_FN(&edit, using_history);
	fn();
}

void stifle_history(int max)
{
	LAZYLIB_FN(&edit, stifle_history);
	fn(max);
}

void *lazylib_edit_variable(const char *name)
{
	return lazylib_symbol(&edit, name);
}
