/* functions - the reference of functions, printed from their table. */
#ifndef CLI_FUNCTIONS_H
#define CLI_FUNCTIONS_H

#include <stdio.h>

void functions_markdown(FILE *to);           /* docs/functions.md */

#endif
