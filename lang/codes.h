/* codes - what each diagnostic code of the language and of the engine means, in a paragraph, for `aipc explain CODE`.
 *
 * E01xx: structure of a spec; E02xx: expressions; E03xx: variables and inputs; E04xx: YAML; E06xx, E07xx, E08xx: MIG layouts, fabrics,
 * clusters; W: warnings. Codes never change their meaning.
 */
#ifndef LANG_CODES_H
#define LANG_CODES_H

#include <stddef.h>

struct diag_code { const char *code, *title, *text; };
/* All codes, sorted. */
const struct diag_code *diag_codes(size_t *n);
/* code_examples.c: a spec that gives CODE, and one that does not (NULL where the remedy lies outside of the spec). A line "# FILE.yaml" begins
 * another file. Found by `aipc validate`, of W09xx by `aipc lint`. NULL when CODE has none. */
struct diag_example { const char *code, *wrong, *right; };
const struct diag_example *diag_example(const char *code);
/* NULL when there is no such code here. */
const struct diag_code *diag_code_find(const char *code);

#endif
