/* reference - the documents about resource types, printed from their attribute tables. */
#ifndef CLI_REFERENCE_H
#define CLI_REFERENCE_H

#include "cli/cli.h"

void reference_markdown(FILE *to);                           /* docs/resources.md */
void reference_types(FILE *to);                              /* names, one a line, sorted */
int reference_schema(struct cli *c, const char *type);       /* JSON Schema; the exit status */

#endif
