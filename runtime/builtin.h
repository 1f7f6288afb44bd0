/* builtin - the data files of schemas/ as the roles read them. */
#ifndef RUNTIME_BUILTIN_H
#define RUNTIME_BUILTIN_H

#include <jansson.h>

/* The parsed schemas/NAME; a new reference. A file that is missing or broken is a BUG (it is linked in). */
json_t *builtin_json(const char *name);

#endif
