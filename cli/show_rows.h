/* show_rows - the lines of a plan's text: attribute changes of all objects of one owner, identical ones merged. */
#ifndef CLI_SHOW_ROWS_H
#define CLI_SHOW_ROWS_H

#include "base/arena.h"
#include "engine/engine.h"

struct row {
	const char *title;           /* "firmware BMC" */
	const char *what;            /* "24.05.1 -> 24.09.17", "new", "3 different values" */
	const char *tail;            /* "BMC reset", or "" */
	size_t count;                /* objects */
};
enum row_part { ROWS_SPEC, ROWS_DRIFT };

/* Rows of the changes FROM..TO (one owner) of P: those that the spec asks for, or the drift. In the arena. */
const struct row *rows_make(struct arena *a, const struct plan *p, size_t from, size_t to, enum row_part part,
			    const struct engine *e, size_t *n);

#endif
