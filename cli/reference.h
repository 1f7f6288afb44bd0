/* reference - the documents about resource types, printed from their attribute tables. */
#ifndef CLI_REFERENCE_H
#define CLI_REFERENCE_H

#include <jansson.h>

#include "cli/cli.h"

void reference_markdown(FILE *to);                           /* docs/resources.md */
void reference_types(FILE *to);                              /* names, one a line, sorted; data types behind, as data.NAME */
int reference_schema(struct cli *c, const char *type);       /* JSON Schema of TYPE or data.TYPE; the exit status */
/* JSON Schema (draft-07) of a whole *.aipc.yaml file: schemas/language.json with all resource types and providers put in. A new
 * reference. */
json_t *reference_language(void);
/* The same of *.aipctest.yaml: schemas/test.json with what types compute. */
json_t *reference_tests(void);

#endif
