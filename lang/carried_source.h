/* carried_source - internal to lang/: pieces of YAML files that a plan took along (carry.h), as expressions that know their places. */
#ifndef LANG_CARRIED_SOURCE_H
#define LANG_CARRIED_SOURCE_H

#include "lang/expr.h"

struct carried_files;
struct carried_files *carried_files_new(struct arena *a);
void carried_files_free(struct carried_files *f);            /* NULL is fine; what is in A stays */
/* The lines that J, a SOURCE, has are shown when something in them is wrong. J is borrowed. What is no SOURCE is passed over. */
void carried_files_add(struct carried_files *f, const json_t *j);
/* All were added. False: they are of more lines than any spec has, or contradict each other. */
bool carried_files_lay_out(struct carried_files *f);
/* J, which was added, as an expression; NULL: it is none. */
struct expr *carried_source(struct carried_files *f, const json_t *j);

/* Is N what comes of J? What needs something else of its file, such as an anchor, is not. */
bool carried_source_gives(const json_t *j, const struct ynode *n);

#endif
